//! The record itself: its transactions, and the item's history or the design's deposit in them.
//!
//! Consensus-critical: no

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use touchstone_proto::evidence::{CompleteLink as LinkMessage, Evidence};
use touchstone_proto::ledger::{
    Design, Item, LinkEntry, LookAlikes, Right, Vouching, transaction::Action,
};

use super::facts::{Deposit, History};
use super::finding::Finding;
use super::proven::{Proven, Transactions, Values};
use crate::block::Header;
use crate::encoding;
use crate::finding;
use crate::hash::{self, Hash};
use crate::proof::deposit::Stated;
use crate::proof::item_history::{self, CompleteLink, Recorded};
use crate::proof::{link, look_alikes, transaction_tree, vouching};
use crate::state::keys;
use crate::transaction;
use touchstone_epcis::Identifier;

/// Checks every transaction's place, encoding and signature. Every block must hold one.
pub(super) fn transactions(
    evidence: &Evidence,
    chain_id: &Hash,
    blocks: &BTreeMap<u64, Header>,
) -> Result<Transactions, Finding> {
    let mut transactions = Transactions::new();
    for item in &evidence.transactions {
        let place = (item.height, item.index);
        let name = || format!("{}/{}", item.height, item.index);
        let bad = |reason: String| {
            finding!(
                "transaction {place}: {reason}",
                place = name(),
                reason = reason
            )
        };
        if transactions
            .last_key_value()
            .is_some_and(|(last, _)| *last >= place)
        {
            return Err(finding!(
                "transaction {place} is out of order",
                place = name()
            ));
        }
        let block = blocks.get(&item.height).ok_or_else(|| {
            finding!(
                "transaction {place}: the file carries no such block",
                place = name()
            )
        })?;
        let siblings = item.siblings.iter().map(|s| encoding::exact("sibling", s));
        let siblings: Vec<Hash> = siblings
            .collect::<Result<_, _>>()
            .map_err(|e| bad(e.to_string()))?;
        transaction_tree::verify(
            &block.transaction_root,
            block.transaction_count,
            item.index,
            &item.envelope,
            &siblings,
        )
        .map_err(|e| bad(e.to_string()))?;
        let verified =
            transaction::verify(chain_id, &item.envelope).map_err(|e| bad(e.to_string()))?;
        transactions.insert(place, verified);
    }
    let used: BTreeSet<u64> = transactions.keys().map(|(height, _)| *height).collect();
    if let Some(unneeded) = blocks.keys().find(|height| !used.contains(height)) {
        return Err(finding!(
            "block {height} holds nothing of the record",
            height = unneeded
        ));
    }
    Ok(transactions)
}

/// Checks that the links are complete, and follows the item through its containers.
pub(super) fn history(
    id: &str,
    evidence: &Evidence,
    proven: &Proven<'_>,
    values: &Values,
) -> Result<History, Finding> {
    // Absence of another spelling would say nothing about the item.
    let is_canonical = Identifier::parse(id).is_ok_and(|parsed| parsed.as_str() == id);
    if !is_canonical {
        return Err(finding!(
            "{id} is not an identifier in canonical form",
            id = id
        ));
    }
    let mut links: BTreeMap<String, CompleteLink> = BTreeMap::new();
    for message in &evidence.links {
        if links
            .last_key_value()
            .is_some_and(|(last, _)| *last >= message.item)
        {
            return Err(finding!(
                "the link of {item} is out of order",
                item = message.item
            ));
        }
        let link = complete(message, proven, values).map_err(|reason| {
            finding!(
                "the link of {item}: {reason}",
                item = message.item,
                reason = reason
            )
        })?;
        links.insert(message.item.clone(), link);
    }
    let found = item_history::resolve(id, |id| links.get(id))
        .map_err(|e| finding!("the containers of the item: {reason}", reason = e))?;
    if let Some(unneeded) = links.keys().find(|id| !found.read.contains(id.as_str())) {
        return Err(finding!(
            "the link of {item} doesn't belong to the item",
            item = unneeded
        ));
    }
    let told = found.transactions();
    let missing = told
        .iter()
        .find(|place| !proven.transactions.contains_key(place));
    if let Some((height, index)) = missing {
        return Err(finding!(
            "the transaction {height}/{index} is missing from the file",
            height = height,
            index = index
        ));
    }
    if let Some((height, index)) = proven
        .transactions
        .keys()
        .find(|place| !told.contains(place))
    {
        return Err(finding!(
            "transaction {height}/{index} doesn't belong to the item",
            height = height,
            index = index
        ));
    }
    Ok(History {
        item: id.to_owned(),
        own_events: links.get(id).map_or(0, |link| link.events().len() as u64),
        steps: found.steps,
        inside: found.inside,
    })
}

/// A link against its record in the state. An event whose transaction isn't in the file has no
/// bytes; whether it is needed, the history tells.
fn complete(
    message: &LinkMessage,
    proven: &Proven<'_>,
    values: &Values,
) -> Result<CompleteLink, Finding> {
    let record: Option<Item> = values.message(&keys::item(&message.item))?;
    let expected = match record {
        Some(record) => record
            .link
            .ok_or_else(|| finding!("the record holds no link"))?,
        None => link::empty(),
    };
    let entries: Vec<&[u8]> = message.entries.iter().map(Vec::as_slice).collect();
    let decoded =
        link::verify_entries(&expected, &entries).map_err(|e| finding!("{reason}", reason = e))?;
    let events = decoded
        .into_iter()
        .map(|entry| recorded(entry, proven))
        .collect::<Result<_, Finding>>()?;
    let id = message.item.clone();
    Ok(CompleteLink::new(id, proven.anchor.height, events))
}

fn recorded(entry: LinkEntry, proven: &Proven<'_>) -> Result<Arc<Recorded>, Finding> {
    let place = item_history::place(&entry);
    let (height, index, event) = place;
    let Some(transaction) = proven.transactions.get(&(height, index)) else {
        return Ok(Recorded::new(entry, Vec::new()));
    };
    let contradiction = |what: &str| {
        Err(finding!(
            "entry {height}/{index}/{event} and its transaction disagree about {what}",
            height = height,
            index = index,
            event = event,
            what = what
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
    values: &Values,
) -> Result<Deposit, Finding> {
    let id: Hash = encoding::exact("design", id)
        .map_err(|e| finding!("the design's id: {reason}", reason = e))?;
    if !evidence.links.is_empty() {
        return Err(finding!("a design has no link of events"));
    }
    let record: Option<Design> = values.message(&keys::design(&id))?;
    let Some(record) = record else {
        return match proven.transactions.is_empty() {
            true => Ok(absent(id)),
            false => Err(finding!(
                "the design is proven absent, yet the file carries a transaction"
            )),
        };
    };
    let bad = |e: encoding::Malformed| finding!("the design's record: {reason}", reason = e);
    let stated = Stated::read(&id, &record)
        .map_err(|e| finding!("the design's record: {reason}", reason = e))?;
    let mut transactions = proven.transactions.iter();
    let (Some((at, transaction)), None) = (transactions.next(), transactions.next()) else {
        return Err(finding!(
            "the file must carry the deposit's transaction and no other"
        ));
    };
    stated
        .check(&record, *at, proven.time_ms(stated.place.0)?, transaction)
        .map_err(|e| finding!("the design's record: {reason}", reason = e))?;
    let look_alikes = compared(&id, &record, values)?;
    let vouching = vouched(&record, values)?;
    let right = disposed(&id, &record, values)?;
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
        views: Vec::new(),
        fields: Vec::new(),
        drafts: Vec::new(),
        disclosed_ms: disclosure.map(|d| d.time_ms),
        disclosure: record.disclosure,
        look_alikes,
        vouching,
        right,
    })
}

/// What the design's pictures look like: a record that says so can't do without it.
fn compared(id: &Hash, design: &Design, values: &Values) -> Result<Option<LookAlikes>, Finding> {
    let found = match design.compared {
        0 => None,
        _ => values.message(&keys::look_alikes(id))?,
    };
    look_alikes::check(id, design, found.as_ref())
        .map_err(|e| finding!("the design's look-alikes: {reason}", reason = e))?;
    Ok(found)
}

/// Who vouched for the depositor, and how: a record that says so can't do without it.
fn vouched(design: &Design, values: &Values) -> Result<Option<(Vouching, String)>, Finding> {
    let key = |number| keys::vouching(&design.organisation, number);
    let found: Option<Vouching> = match design.vouching {
        None => None,
        Some(number) => values.message(&key(number))?,
    };
    vouching::check(design, found.as_ref())
        .map_err(|e| finding!("the vouching for the designer: {reason}", reason = e))?;
    let named = |found: Vouching| {
        let name = values.organisation(&found.voucher)?.name;
        Ok((found, name))
    };
    found.map(named).transpose()
}

/// Who owns it: a record that says that its owner disposed of it can't do without that.
fn disposed(id: &Hash, design: &Design, values: &Values) -> Result<Option<Right>, Finding> {
    if design.disposed == 0 {
        return Ok(None);
    }
    let found: Option<Right> = values.message(&keys::right(id))?;
    let is_whole = found.as_ref().is_some_and(|right| {
        let owners = &right.owners;
        let first = owners.first().map(|o| (&o.organisation, o.since_ms));
        let is_first = first == Some((&design.organisation, design.time_ms));
        owners.is_sorted_by(|a, b| a.since_ms < b.since_ms)
            && (is_first || right.earlier_owners > 0 && !owners.is_empty())
    });
    match is_whole {
        true => Ok(found),
        false => Err(finding!(
            "the right to the design doesn't begin with its depositor"
        )),
    }
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
        views: Vec::new(),
        fields: Vec::new(),
        drafts: Vec::new(),
        disclosed_ms: None,
        disclosure: None,
        look_alikes: None,
        vouching: None,
        right: None,
    }
}
