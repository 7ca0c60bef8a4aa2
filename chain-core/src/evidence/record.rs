//! The record itself: its transactions, and the item's history or the design's deposit in them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use touchstone_proto::evidence::{CompleteLink as LinkMessage, Evidence};
use touchstone_proto::ledger::{Design, Item, LinkEntry, transaction::Action};

use super::examine::Values;
use super::report::{Deposit, History};
use crate::block::Header;
use crate::encoding;
use crate::hash::{self, Hash};
use crate::proof::deposit::Stated;
use crate::proof::journey::{self, CompleteLink, Recorded};
use crate::proof::{link, transaction_tree};
use crate::state::keys;
use crate::transaction::{self, VerifiedTransaction};
use touchstone_epcis::Identifier;

/// Verified transactions by height and index.
pub(super) type Transactions = BTreeMap<(u64, u32), VerifiedTransaction>;

/// What the elements before have proven.
pub(super) struct Proven<'a> {
    /// The anchor's height.
    pub height: u64,
    /// The record's blocks.
    pub blocks: &'a BTreeMap<u64, Header>,
    /// The record's transactions.
    pub transactions: &'a Transactions,
}

impl Proven<'_> {
    /// The time of a block, milliseconds.
    pub fn time_ms(&self, height: u64) -> Result<u64, String> {
        let block = self.blocks.get(&height);
        block
            .map(|header| header.time_ms)
            .ok_or_else(|| format!("the file carries no block {height}"))
    }
}

/// Checks every transaction's place, encoding and signature. Every block must hold one.
pub(super) fn transactions(
    evidence: &Evidence,
    chain_id: &Hash,
    blocks: &BTreeMap<u64, Header>,
) -> Result<Transactions, String> {
    let mut transactions = Transactions::new();
    for item in &evidence.transactions {
        let place = (item.height, item.index);
        let name = format!("transaction {}/{}", item.height, item.index);
        if transactions
            .last_key_value()
            .is_some_and(|(last, _)| *last >= place)
        {
            return Err(format!("{name} is out of order"));
        }
        let block = blocks
            .get(&item.height)
            .ok_or_else(|| format!("{name}: the file carries no such block"))?;
        let siblings = item.siblings.iter().map(|s| encoding::exact("sibling", s));
        let siblings: Vec<Hash> = siblings
            .collect::<Result<_, _>>()
            .map_err(|e| format!("{name}: {e}"))?;
        transaction_tree::verify(
            &block.transaction_root,
            block.transaction_count,
            item.index,
            &item.envelope,
            &siblings,
        )
        .map_err(|e| format!("{name}: {e}"))?;
        let verified =
            transaction::verify(chain_id, &item.envelope).map_err(|e| format!("{name}: {e}"))?;
        transactions.insert(place, verified);
    }
    let used: BTreeSet<u64> = transactions.keys().map(|(height, _)| *height).collect();
    if let Some(unneeded) = blocks.keys().find(|height| !used.contains(height)) {
        return Err(format!("block {unneeded} holds nothing of the record"));
    }
    Ok(transactions)
}

/// Checks that the links are complete, and follows the item through its containers.
pub(super) fn history(
    id: &str,
    evidence: &Evidence,
    proven: &Proven<'_>,
    values: &mut Values,
) -> Result<History, String> {
    // Absence of another spelling would say nothing about the item.
    let is_canonical = Identifier::parse(id).is_ok_and(|parsed| parsed.as_str() == id);
    if !is_canonical {
        return Err(format!("{id:?} is not an identifier in canonical form"));
    }
    let mut links: BTreeMap<String, CompleteLink> = BTreeMap::new();
    for message in &evidence.links {
        if links
            .last_key_value()
            .is_some_and(|(last, _)| *last >= message.item)
        {
            return Err(format!("the link of {} is out of order", message.item));
        }
        let link = complete(message, proven, values)
            .map_err(|reason| format!("the link of {}: {reason}", message.item))?;
        links.insert(message.item.clone(), link);
    }
    let journey = journey::travel(id, |id| links.get(id)).map_err(|e| e.to_string())?;
    if let Some(unneeded) = links.keys().find(|id| !journey.read.contains(id.as_str())) {
        return Err(format!("the link of {unneeded} doesn't belong to the item"));
    }
    let told = journey.transactions();
    let missing = told
        .iter()
        .find(|place| !proven.transactions.contains_key(place));
    if let Some((height, index)) = missing {
        return Err(format!(
            "the transaction {height}/{index} is missing from the file"
        ));
    }
    if let Some((height, index)) = proven
        .transactions
        .keys()
        .find(|place| !told.contains(place))
    {
        return Err(format!(
            "transaction {height}/{index} doesn't belong to the item"
        ));
    }
    Ok(History {
        item: id.to_owned(),
        own_events: links.get(id).map_or(0, |link| link.events().len() as u64),
        steps: journey.steps,
        inside: journey.inside,
    })
}

/// A link against its record in the state. An event whose transaction isn't in the file has no
/// bytes; whether it is needed, the journey tells.
fn complete(
    message: &LinkMessage,
    proven: &Proven<'_>,
    values: &mut Values,
) -> Result<CompleteLink, String> {
    let record: Option<Item> = values.message(&keys::item(&message.item))?;
    let expected = match record {
        Some(record) => record.link.ok_or("the record holds no link")?,
        None => link::empty(),
    };
    let entries: Vec<&[u8]> = message.entries.iter().map(Vec::as_slice).collect();
    let decoded = link::verify_entries(&expected, &entries).map_err(|e| e.to_string())?;
    let events = decoded
        .into_iter()
        .map(|entry| recorded(entry, proven))
        .collect::<Result<_, String>>()?;
    let id = message.item.clone();
    Ok(CompleteLink::new(id, proven.height, events))
}

fn recorded(entry: LinkEntry, proven: &Proven<'_>) -> Result<Arc<Recorded>, String> {
    let place = journey::place(&entry);
    let (height, index, event) = place;
    let Some(transaction) = proven.transactions.get(&(height, index)) else {
        return Ok(Recorded::new(entry, Vec::new()));
    };
    let contradiction = |what| {
        Err(format!(
            "entry {height}/{index}/{event} and its transaction disagree about {what}"
        ))
    };
    let Action::CaptureEvents(capture) = transaction.action() else {
        return contradiction("what it is");
    };
    let Some(bytes) = capture.events.get(event as usize) else {
        return contradiction("the event's number");
    };
    if entry.transaction_id != transaction.id() {
        return contradiction("the transaction's id");
    }
    if entry.content_hash != hash::sha256(bytes) {
        return contradiction("the event's bytes");
    }
    if entry.organisation != transaction.organisation() {
        return contradiction("the organisation");
    }
    if entry.time_ms != proven.time_ms(height)? {
        return contradiction("the time");
    }
    Ok(Recorded::new(entry, bytes.clone()))
}

/// Checks a design's record against the transaction of its deposit.
pub(super) fn deposit(
    id: &[u8],
    evidence: &Evidence,
    proven: &Proven<'_>,
    values: &mut Values,
) -> Result<Deposit, String> {
    let id: Hash = encoding::exact("design", id).map_err(|e| e.to_string())?;
    if !evidence.links.is_empty() {
        return Err("a design has no link of events".to_owned());
    }
    let record: Option<Design> = values.message(&keys::design(&id))?;
    let Some(record) = record else {
        return match proven.transactions.is_empty() {
            true => Ok(absent(id)),
            false => {
                Err("the design is proven absent, yet the file carries a transaction".to_owned())
            }
        };
    };
    let bad = |e: encoding::Malformed| e.to_string();
    let stated = Stated::read(&id, &record).map_err(|e| e.to_string())?;
    let mut transactions = proven.transactions.iter();
    let (Some((at, transaction)), None) = (transactions.next(), transactions.next()) else {
        return Err("the file must carry the deposit's transaction and no other".to_owned());
    };
    stated
        .check(&record, *at, proven.time_ms(stated.place.0)?, transaction)
        .map_err(|e| e.to_string())?;
    let disclosure = record.disclosure.as_ref();
    let mut files = Vec::new();
    for hash in disclosure.iter().flat_map(|d| &d.file_hashes) {
        files.push((encoding::exact("file_hash", hash).map_err(bad)?, None));
    }
    let title = disclosure
        .map(|d| d.title.clone())
        .filter(|t| !t.is_empty());
    Ok(Deposit {
        id,
        recorded: true,
        commitment: record.commitment,
        owner_key: record.owner_key,
        organisation: record.organisation,
        time_ms: record.time_ms,
        files,
        title_is_recorded: title.is_some(),
        title,
        disclosed_ms: disclosure.map(|d| d.time_ms),
        disclosed_salt: disclosure.map(|d| d.salt.clone()),
    })
}

fn absent(id: Hash) -> Deposit {
    Deposit {
        id,
        recorded: false,
        commitment: Vec::new(),
        owner_key: Vec::new(),
        organisation: String::new(),
        time_ms: 0,
        files: Vec::new(),
        title: None,
        title_is_recorded: false,
        disclosed_ms: None,
        disclosed_salt: None,
    }
}
