//! Collecting evidence from a ledger: everything that an examination of one subject asks for, and
//! nothing else, so that the same record at the same height gives the same file.
//!
//! Consensus-critical: no

use std::cell::{Cell, RefCell};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use prost::Message;
use touchstone_proto::evidence::{self as wire, Evidence};
use touchstone_proto::ledger::capture_events::Handover as Statement;
use touchstone_proto::ledger::{Design, Item, LinkEntry, VouchedDesigner};
use touchstone_proto::node::{
    AuthorisationQuestion, CertifiedHeader, StateProof, ValidatorSetChange,
};

use crate::block::Header;
use crate::custody;
use crate::designs::{authorised, vouching};
use crate::encoding;
use crate::governance::validators::ValidatorSet;
use crate::hash::Hash;
use crate::proof::item_history::{self, CompleteLink, ItemHistoryError, Recorded};
use crate::proof::review::ReviewRecords;
use crate::proof::transaction_tree;
use crate::state::{StateRead, delta::decode_stored, keys};
use crate::{Fault, transaction};

use super::authorisations::{self, MAX_QUESTIONS};
use super::cases::{self, MAX_PARTIES};
use super::collect_error::CollectError;
use super::disputes::MAX_DISPUTES;
use super::file::{self, MAX_FILE_BYTES};
use super::stamps::{self, Stamps};

/// Entries of all links of one file, at most.
const MAX_ENTRIES: u64 = 100_000;

/// A block: its certified header, and its envelopes.
pub type WholeBlock = (CertifiedHeader, Vec<Vec<u8>>);

/// Transactions, by height and index.
type Places = BTreeSet<(u64, u32)>;

/// A ledger at one moment. Every answer is of the state after the same block, the anchor.
pub trait Archive {
    /// Exact bytes of the genesis document.
    fn genesis(&self) -> Result<Vec<u8>, Fault>;
    /// The last block's header and certificate; `None` before the first block.
    fn anchor(&self) -> Result<Option<CertifiedHeader>, Fault>;
    /// All changes of the validator set, from genesis on.
    fn validator_set_changes(&self) -> Result<Vec<ValidatorSetChange>, Fault>;
    /// A value of the state and its proof under the anchor's root.
    fn prove(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault>;
    /// All entries of the link that the record at this state key holds.
    fn entries(&self, owner_key: &[u8]) -> Result<Vec<Vec<u8>>, Fault>;
    /// An envelope, by its block and index.
    fn envelope(&self, height: u64, index: u32) -> Result<Option<Vec<u8>>, Fault>;
    /// The block at a height.
    fn block(&self, height: u64) -> Result<Option<WholeBlock>, Fault>;
    /// Checkpoints that cover blocks at these heights, with these blocks' places in them; none where
    /// no authority has stamped yet. Of several of an authority the file takes the one that ends first.
    fn stamps(&self, heights: &BTreeSet<u64>) -> Result<Stamps, Fault>;
}

/// What the evidence is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An item, by its canonical identifier.
    Item(String),
    /// A design, by its id.
    Design(Hash),
}

/// What a file about a design shows beside its deposit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Additions {
    /// Ids of disputes under its right.
    pub disputes: Vec<Hash>,
    /// Who may do what with it.
    pub questions: Vec<AuthorisationQuestion>,
}

/// Collects the evidence about a subject.
pub fn collect(archive: &impl Archive, subject: &Subject) -> Result<Evidence, CollectError> {
    collect_with(archive, subject, &Additions::default())
}

/// The same, with more about a design.
pub fn collect_with(
    archive: &impl Archive,
    subject: &Subject,
    additions: &Additions,
) -> Result<Evidence, CollectError> {
    collect_within(archive, subject, additions, MAX_FILE_BYTES)
}

/// The same, in a file of so many bytes at most. What is read for it is bounded as well: everybody's events lengthen
/// the link of a lot.
pub(super) fn collect_within(
    archive: &impl Archive,
    subject: &Subject,
    additions: &Additions,
    most: usize,
) -> Result<Evidence, CollectError> {
    if additions.disputes.len() > MAX_DISPUTES || additions.questions.len() > MAX_QUESTIONS {
        return Err(CollectError::TooMany);
    }
    let anchor = archive.anchor()?.ok_or(CollectError::NoBlock)?;
    let header = decode_header(&anchor)?;
    let collection = Collection {
        archive,
        header: header.clone(),
        states: RefCell::default(),
        room: Cell::new(most),
    };
    let mut evidence = Evidence {
        genesis: archive.genesis()?,
        ..Evidence::default()
    };
    let places = match subject {
        Subject::Item(id) => {
            let (links, places) = collection.item(id)?;
            evidence.links = links;
            evidence.subject = Some(wire::evidence::Subject::Item(id.clone()));
            check_about_no_item(additions)?;
            places
        }
        Subject::Design(id) => {
            evidence.subject = Some(wire::evidence::Subject::Design(id.to_vec()));
            let places = collection.design(id)?;
            evidence.disputes = collection.disputes(id, !places.is_empty(), additions)?;
            evidence.questions = collection.questions(id, additions)?;
            places
        }
    };
    collection.state(keys::PARAMETERS.to_vec())?;
    let mut set = crate::genesis::Genesis::read(&evidence.genesis)
        .map_err(|e| Fault::Damaged(format!("genesis: {e}")))?
        .validators;
    for change in archive.validator_set_changes()? {
        let certified = change.header.as_ref();
        let certified =
            certified.ok_or_else(|| damaged("a change of the validator set without header"))?;
        if decode_header(certified)?.height >= header.height {
            break;
        }
        let next = change.next_validators.as_ref();
        let next =
            next.ok_or_else(|| damaged("a change of the validator set without validators"))?;
        set = ValidatorSet::from_message(next).map_err(|e| damaged(&e.to_string()))?;
        evidence.validator_set_changes.push(change);
    }
    for validator in set.iter() {
        collection.state(keys::organisation(&validator.organisation))?;
    }
    // Block by block: of each no more is kept than the file holds.
    collection.room.set(most);
    let heights: BTreeSet<u64> = places.iter().map(|(height, _)| *height).collect();
    let chosen = stamps::choose(&archive.stamps(&heights)?, &heights);
    evidence.checkpoints = chosen.checkpoints;
    evidence.stamps = chosen.stamps;
    for height in heights {
        let (certified, envelopes) = collection.block(height)?;
        collection.take(certified.encoded_len())?;
        evidence.blocks.push(certified);
        for (_, index) in places.range((height, 0)..=(height, u32::MAX)) {
            let transaction = collection.transaction(height, *index, &envelopes)?;
            collection.take(transaction.encoded_len())?;
            evidence.transactions.push(transaction);
        }
    }
    evidence.anchor = Some(anchor);
    evidence.states = collection.states.into_inner().into_values().collect();
    match file::sealed_len(&evidence) > most {
        true => Err(CollectError::TooManyBytes),
        false => Ok(evidence),
    }
}

struct Collection<'a, A> {
    archive: &'a A,
    /// The anchor's.
    header: Header,
    states: RefCell<BTreeMap<Vec<u8>, wire::State>>,
    /// Bytes that there is room for.
    room: Cell<usize>,
}

/// So the ledger's own rules read the archive, and what they ask for comes into the file.
impl<A: Archive> StateRead for Collection<'_, A> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.state(key.to_vec())
    }

    fn is_committed(&self, _: &Hash) -> Result<bool, Fault> {
        Err(Fault::Invariant("no rule of custody asks for this".into()))
    }
}

impl<A: Archive> Collection<'_, A> {
    /// Takes room for so many bytes.
    fn take(&self, bytes: usize) -> Result<(), CollectError> {
        let left = self.room.get().checked_sub(bytes);
        self.room.set(left.ok_or(CollectError::TooManyBytes)?);
        Ok(())
    }

    /// Proves a value of the state; gives it.
    fn state(&self, key: Vec<u8>) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(state) = self.states.borrow().get(&key) {
            return Ok(state.value.clone());
        }
        let (value, proof) = self.archive.prove(&key)?;
        let state = wire::State {
            key: key.clone(),
            value: value.clone(),
            proof: Some(proof),
        };
        self.states.borrow_mut().insert(key, state);
        Ok(value)
    }

    fn block(&self, height: u64) -> Result<WholeBlock, Fault> {
        if height != self.header.height {
            self.state(keys::block(height))?;
        }
        let block = self.archive.block(height)?;
        block.ok_or_else(|| damaged(&format!("block {height} is missing")))
    }

    /// The links that the item's history reads, and the transactions that its steps are in.
    fn item(&self, id: &str) -> Result<(Vec<wire::CompleteLink>, Places), CollectError> {
        let mut links: BTreeMap<String, CompleteLink> = BTreeMap::new();
        let mut messages: BTreeMap<String, wire::CompleteLink> = BTreeMap::new();
        // The archive's own reading; what of it belongs in the file, the history tells.
        let mut events: BTreeMap<(u64, u32), Vec<Vec<u8>>> = BTreeMap::new();
        let mut total: u64 = 0;
        let mut wanted = id.to_owned();
        let resolved = loop {
            let key = keys::item(&wanted);
            let count = match self.state(key.clone())? {
                Some(value) => decode_stored::<Item>(&key, &value)?
                    .link
                    .map_or(0, |link| link.count),
                None => 0,
            };
            total = total.saturating_add(count);
            if total > MAX_ENTRIES {
                return Err(CollectError::TooLarge(total));
            }
            let entries = match count {
                0 => Vec::new(),
                _ => self.archive.entries(&key)?,
            };
            let mut recorded = Vec::with_capacity(entries.len());
            for bytes in &entries {
                recorded.push(self.recorded(bytes, &mut events)?);
            }
            let link = CompleteLink::new(wanted.clone(), self.header.height, recorded);
            links.insert(wanted.clone(), link);
            let item = wanted.clone();
            messages.insert(wanted, wire::CompleteLink { item, entries });
            match item_history::resolve(id, |id| links.get(id)) {
                Ok(resolved) => break resolved,
                Err(ItemHistoryError::Missing(next)) => wanted = next,
                Err(other) => return Err(CollectError::ItemHistory(other)),
            }
        };
        self.custody(id)?;
        let steps = resolved.steps.iter();
        let told: Places = steps.map(|step| (step.place.0, step.place.1)).collect();
        for (height, index) in told {
            self.offer(height, index)?;
        }
        let places = resolved.transactions();
        Ok((messages.into_values().collect(), places))
    }

    /// The records that say who has the item.
    fn custody(&self, id: &str) -> Result<(), Fault> {
        custody::status(self, id, self.header.time_ms).map(|_| ())
    }

    /// The record of the offer that a transaction of the history makes or answers.
    fn offer(&self, height: u64, index: u32) -> Result<(), Fault> {
        let bad = |why: &str| damaged(&format!("transaction {height}/{index}: {why}"));
        let envelope = self.archive.envelope(height, index)?;
        let envelope = envelope.ok_or_else(|| bad("missing"))?;
        let capture = transaction::capture(&envelope).map_err(|e| bad(&e.to_string()))?;
        let key = match capture.and_then(|capture| capture.handover) {
            Some(Statement::Offer(_)) => {
                let id = transaction::id_of_envelope(&self.header.chain_id, &envelope);
                keys::offer(&id.map_err(|e| bad(&e.to_string()))?)
            }
            Some(Statement::Answer(answer)) => keys::offer(&answer.offer),
            Some(Statement::Claim(_)) | None => return Ok(()),
        };
        self.state(key).map(|_| ())
    }

    fn recorded(
        &self,
        bytes: &[u8],
        events: &mut BTreeMap<(u64, u32), Vec<Vec<u8>>>,
    ) -> Result<Arc<Recorded>, CollectError> {
        let entry: LinkEntry =
            encoding::decode_exact(bytes).map_err(|e| damaged(&e.to_string()))?;
        let (height, index, event) = item_history::place(&entry);
        let events = match events.entry((height, index)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let envelope = self.archive.envelope(height, index)?;
                let envelope = envelope.ok_or_else(|| damaged("an entry names no transaction"))?;
                self.take(envelope.len())?;
                place.insert(captured(&envelope)?)
            }
        };
        let event = events
            .get(event as usize)
            .ok_or_else(|| damaged("an entry names no event"))?;
        Ok(Recorded::new(entry, event.clone()))
    }

    fn design(&self, id: &Hash) -> Result<Places, Fault> {
        let key = keys::design(id);
        let Some(value) = self.state(key.clone())? else {
            return Ok(BTreeSet::new());
        };
        let design: Design = decode_stored(&key, &value)?;
        if design.compared > 0 {
            self.state(keys::look_alikes(id))?;
        }
        if let (Some(number), Some(voucher)) =
            (design.vouching, vouching::voucher_of(&design.organisation))
        {
            self.state(keys::vouching(&design.organisation, number))?;
            self.state(keys::organisation(voucher))?;
        }
        if design.disposed > 0 {
            self.state(keys::right(id))?;
        }
        let position = design.position;
        let position = position.ok_or_else(|| damaged("a design without position"))?;
        Ok(BTreeSet::from([(position.height, position.transaction)]))
    }

    /// How disputes under a design's right went, and the records of those that are asked for.
    fn disputes(
        &self,
        design: &Hash,
        is_recorded: bool,
        additions: &Additions,
    ) -> Result<Option<wire::ShownDisputes>, CollectError> {
        let asked: BTreeSet<Hash> = additions.disputes.iter().copied().collect();
        let questions = additions.questions.iter();
        let mut concerned: BTreeSet<String> = questions.map(|asked| asked.seller.clone()).collect();
        if let (false, Some(id)) = (is_recorded, asked.first()) {
            return Err(CollectError::OtherDispute(*id));
        }
        if !is_recorded {
            return Ok(None);
        }
        self.state(keys::subject_tally(design))?;
        for id in &asked {
            let mut records = ReviewRecords::default();
            while let Some(key) = records.next_key(id) {
                let value = self.state(key)?.ok_or(CollectError::OtherDispute(*id))?;
                let read = records.read(&value);
                read.map_err(|e| damaged(&e.to_string()))?;
            }
            let found = records.dispute().map(|(dispute, _)| dispute);
            let about = found.filter(|dispute| dispute.subject == design);
            let dispute = about.ok_or(CollectError::OtherDispute(*id))?;
            let beside = cases::keys_of(&dispute).map_err(|e| damaged(&e.to_string()))?;
            for key in beside {
                self.state(key)?;
            }
            concerned.insert(dispute.complainant);
            concerned.insert(dispute.respondent);
        }
        Ok(Some(wire::ShownDisputes {
            ids: asked.iter().map(|id| id.to_vec()).collect(),
            parties: self.sanctioned(concerned)?,
        }))
    }

    /// Those of some parties against whom there are sanctions, with the records of these.
    fn sanctioned(&self, concerned: BTreeSet<String>) -> Result<Vec<String>, Fault> {
        let mut parties = Vec::new();
        for party in concerned {
            let vouched = keys::vouched_designer(&party);
            let number = match vouching::voucher_of(&party) {
                None => String::new(),
                Some(_) => match self.archive.prove(&vouched)?.0 {
                    Some(bytes) => {
                        decode_stored::<VouchedDesigner>(&vouched, &bytes)?.registered_as
                    }
                    None => String::new(),
                },
            };
            let own = keys::party_sanctions(&party);
            let mut lists = vec![own];
            if !number.is_empty() {
                lists.push(keys::registered_sanctions(&number));
            }
            let mut is_any = false;
            for list in &lists {
                is_any |= self.archive.prove(list)?.0.is_some();
            }
            if !is_any || parties.len() >= MAX_PARTIES {
                continue;
            }
            if vouching::voucher_of(&party).is_some() {
                self.state(vouched)?;
            }
            for list in lists {
                self.state(list)?;
            }
            parties.push(party);
        }
        Ok(parties)
    }

    /// The questions in a file's order, and the records that answer them.
    fn questions(
        &self,
        design: &Hash,
        additions: &Additions,
    ) -> Result<Vec<AuthorisationQuestion>, CollectError> {
        let mut questions = additions.questions.clone();
        questions.sort_by(|a, b| authorisations::order(a).cmp(&authorisations::order(b)));
        questions.dedup();
        for asked in &questions {
            let asked = authorisations::about(design, asked).ok_or(CollectError::Question)?;
            authorised::answer(self, &asked)?;
        }
        Ok(questions)
    }

    fn transaction(
        &self,
        height: u64,
        index: u32,
        envelopes: &[Vec<u8>],
    ) -> Result<wire::Transaction, Fault> {
        let missing = || damaged(&format!("transaction {height}/{index} is missing"));
        let envelope = envelopes.get(index as usize).cloned().ok_or_else(missing)?;
        let siblings = transaction_tree::prove(envelopes, index).ok_or_else(missing)?;
        let read = transaction::read(&self.header.chain_id, &envelope)
            .map_err(|e| damaged(&format!("transaction {height}/{index}: {e}")))?;
        self.state(keys::organisation(read.claim().organisation))?;
        Ok(wire::Transaction {
            height,
            index,
            envelope,
            siblings: siblings.iter().map(|s| s.to_vec()).collect(),
        })
    }
}

/// Disputes and licences are about designs.
fn check_about_no_item(additions: &Additions) -> Result<(), CollectError> {
    match (additions.disputes.first(), additions.questions.is_empty()) {
        (Some(id), _) => Err(CollectError::OtherDispute(*id)),
        (None, false) => Err(CollectError::Question),
        (None, true) => Ok(()),
    }
}

/// The events in a stored envelope.
fn captured(envelope: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
    transaction::captured_events(envelope)
        .map_err(|e| damaged(&e.to_string()))?
        .ok_or_else(|| damaged("an entry names a transaction without events"))
}

fn decode_header(certified: &CertifiedHeader) -> Result<Header, Fault> {
    Header::decode(&certified.header).map_err(|e| damaged(&e.to_string()))
}

fn damaged(what: &str) -> Fault {
    Fault::Damaged(what.to_owned())
}
