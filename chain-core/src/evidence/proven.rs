//! What the elements before have proven, for those that build on it.
//!
//! Consensus-critical: no

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use touchstone_proto::ledger::Organisation;

use super::facts::RecordedAction;
use super::finding::Finding;
use crate::block::Header;
use crate::encoding;
use crate::hash::Hash;
use crate::state::{StateRead, keys};
use crate::transaction::VerifiedTransaction;
use crate::{Fault, finding};

/// Verified transactions by height and index.
pub(super) type Transactions = BTreeMap<(u64, u32), VerifiedTransaction>;

/// The record's blocks and transactions, under the anchor.
pub(super) struct Proven<'a> {
    /// The anchor.
    pub anchor: &'a Header,
    /// The record's blocks.
    pub blocks: &'a BTreeMap<u64, Header>,
    /// The record's transactions.
    pub transactions: &'a Transactions,
}

impl Proven<'_> {
    /// The time of a block, milliseconds.
    pub fn time_ms(&self, height: u64) -> Result<u64, Finding> {
        let block = self.blocks.get(&height);
        block
            .map(|header| header.time_ms)
            .ok_or_else(|| finding!("the file carries no block {height}", height = height))
    }
}

/// What is proven of a key.
struct ProvenValue {
    /// `None`: it is absent.
    value: Option<Vec<u8>>,
    /// Whether an element asked for it.
    used: Cell<bool>,
}

/// Proven values of the state, and which of them were asked for.
#[derive(Default)]
pub(super) struct Values {
    values: BTreeMap<Vec<u8>, ProvenValue>,
    /// The last key that was asked for in vain.
    missing: RefCell<Option<Vec<u8>>>,
}

impl Values {
    /// Adds what is proven of a key. They come in ascending order; `None` is absence.
    pub(super) fn add(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let used = Cell::new(false);
        self.values.insert(key, ProvenValue { value, used });
    }

    /// The greatest key so far.
    pub(super) fn last_key(&self) -> Option<&[u8]> {
        self.values.last_key_value().map(|(key, _)| key.as_slice())
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.values.len()
    }

    /// The first that nothing has asked for.
    pub(super) fn unneeded(&self) -> Option<&[u8]> {
        let mut unneeded = self.values.iter().filter(|(_, proven)| !proven.used.get());
        unneeded.next().map(|(key, _)| key.as_slice())
    }

    /// The key that was asked for and isn't in the file, since this was asked last.
    pub(super) fn take_missing(&self) -> Option<Vec<u8>> {
        self.missing.borrow_mut().take()
    }

    /// The proven value of a key, `None` where it is proven absent.
    pub(super) fn take(&self, key: &[u8]) -> Result<Option<&[u8]>, Finding> {
        let Some(ProvenValue { value, used }) = self.values.get(key) else {
            *self.missing.borrow_mut() = Some(key.to_vec());
            return Err(unproven(key));
        };
        used.set(true);
        Ok(value.as_deref())
    }

    /// The same, decoded.
    pub(super) fn message<M: prost::Message + Default>(
        &self,
        key: &[u8],
    ) -> Result<Option<M>, Finding> {
        let decoded = self.take(key)?.map(encoding::decode_exact).transpose();
        decoded.map_err(|e| {
            finding!(
                "state key {key}: {reason}",
                key = key.escape_ascii(),
                reason = e
            )
        })
    }

    /// The record of an organisation, which must be there.
    pub(super) fn organisation(&self, id: &str) -> Result<Organisation, Finding> {
        let record: Option<Organisation> = self.message(&keys::organisation(id))?;
        record.ok_or_else(|| finding!("organisation {id} is proven to be unknown", id = id))
    }
}

/// What is said of a state key that the file lacks.
pub(super) fn unproven(key: &[u8]) -> Finding {
    finding!(
        "the file carries no proof about the state key {key}",
        key = key.escape_ascii()
    )
}

/// So the ledger's own rules read what the file proves.
impl StateRead for Values {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let value = self.take(key).map(|value| value.map(<[u8]>::to_vec));
        value.map_err(|missing| Fault::Invariant(missing.to_string()))
    }

    fn is_committed(&self, _: &Hash) -> Result<bool, Fault> {
        Err(Fault::Invariant(
            "a file knows no other transactions".into(),
        ))
    }
}

/// An organisation for people: its name where the record proves one, and its id.
pub(super) fn named(actions: &[RecordedAction], id: &str) -> String {
    match actions.iter().find(|action| action.organisation == id) {
        Some(action) => format!("{} ({id})", action.name),
        None => id.to_owned(),
    }
}
