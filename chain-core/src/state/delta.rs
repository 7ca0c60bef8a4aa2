//! Staged writes over a base state. A block's delta is built from its transactions' deltas:
//! a transaction that breaks a rule leaves no trace.
//!
//! Consensus-critical: yes

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use touchstone_pictures::{Compared, Fingerprint};

use super::StateRead;
pub use super::decode_stored;
use crate::{Fault, Hash};

/// Link entries that a block may write. Short identifiers would else let 6 MiB of events write some
/// 700,000; so many take about half a second to execute.
pub const MAX_LINK_ENTRIES: usize = 1 << 16;

/// Comparisons of pictures that a block may take, but for its first transaction that takes any: about a
/// quarter of a second.
pub const MAX_COMPARISONS: u64 = 1 << 24;

/// Values of the base that are remembered, absences among them.
const REMEMBERED: usize = 1 << 16;

/// A row of a link's list: it is found by its owner's key and its number, and proven by the
/// owner's head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkRow {
    /// State key of the record that holds the link.
    pub owner: Vec<u8>,
    /// From 0.
    pub sequence: u64,
    /// Exact bytes of the `LinkEntry`.
    pub entry: Vec<u8>,
}

/// Writes since a base state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Writes {
    /// New values by key. Keys are never removed: history is what a ledger is for.
    pub values: BTreeMap<Vec<u8>, Vec<u8>>,
    /// New link entries.
    pub links: Vec<LinkRow>,
    /// Ids of the transactions applied.
    pub transactions: BTreeSet<Hash>,
}

/// A state with staged writes on top.
pub struct Delta<'a, S: StateRead> {
    base: &'a S,
    block: Writes,
    transaction: Writes,
    /// Comparisons of pictures for the transaction.
    comparisons: u64,
    /// What the base answered: a block's transactions ask for the same organisations and company
    /// prefixes again and again.
    remembered: RefCell<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl<'a, S: StateRead> Delta<'a, S> {
    /// Nothing staged.
    pub fn new(base: &'a S) -> Self {
        Delta {
            base,
            block: Writes::default(),
            transaction: Writes::default(),
            comparisons: 0,
            remembered: RefCell::default(),
        }
    }

    /// The message at a key. A value that doesn't decode was damaged on our disk.
    pub fn read<M: Message + Default>(&self, key: &[u8]) -> Result<Option<M>, Fault> {
        self.get(key)?
            .map(|bytes| decode_stored(key, &bytes))
            .transpose()
    }

    /// Reads what the block will ask the base for, in one go. The keys are ascending, each once.
    pub fn foresee(&self, keys: Vec<Vec<u8>>) -> Result<(), Fault> {
        let mut keys = keys;
        let mut remembered = self.remembered.borrow_mut();
        keys.retain(|key| !remembered.contains_key(key));
        keys.truncate(REMEMBERED.saturating_sub(remembered.len()));
        if keys.is_empty() {
            return Ok(());
        }
        let values = self.base.get_many(&keys)?;
        remembered.extend(keys.into_iter().zip(values));
        Ok(())
    }

    /// Stages a value.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.transaction.values.insert(key, value);
    }

    /// Stages a message.
    pub fn write<M: Message>(&mut self, key: Vec<u8>, message: &M) {
        self.put(key, message.encode_to_vec());
    }

    /// Stages a link entry.
    pub fn append(&mut self, row: LinkRow) {
        self.transaction.links.push(row);
    }

    /// How many link entries the transaction has staged.
    pub fn staged_entries(&self) -> usize {
        self.transaction.links.len()
    }

    /// Counts comparisons of pictures that the transaction takes.
    pub fn count_comparisons(&mut self, comparisons: u64) {
        self.comparisons = self.comparisons.saturating_add(comparisons);
    }

    /// How many comparisons of pictures the transaction has taken.
    pub fn comparisons(&self) -> u64 {
        self.comparisons
    }

    /// Keeps what the transaction staged.
    pub fn accept(&mut self, id: Hash) {
        let staged = std::mem::take(&mut self.transaction);
        self.comparisons = 0;
        self.block.values.extend(staged.values);
        self.block.links.extend(staged.links);
        self.block.transactions.insert(id);
    }

    /// Keeps staged writes that belong to no transaction.
    pub fn accept_block_writes(&mut self) {
        let staged = std::mem::take(&mut self.transaction);
        self.block.values.extend(staged.values);
        self.block.links.extend(staged.links);
    }

    /// Forgets what the transaction staged.
    pub fn discard(&mut self) {
        self.transaction = Writes::default();
        self.comparisons = 0;
    }

    /// The block's writes.
    pub fn into_writes(self) -> Writes {
        self.block
    }
}

/// The state as staged: the base's where nothing is.
impl<S: StateRead> StateRead for Delta<'_, S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        for layer in [&self.transaction, &self.block] {
            if let Some(value) = layer.values.get(key) {
                return Ok(Some(value.clone()));
            }
        }
        if let Some(known) = self.remembered.borrow().get(key) {
            return Ok(known.clone());
        }
        let value = self.base.get(key)?;
        let mut remembered = self.remembered.borrow_mut();
        if remembered.len() < REMEMBERED {
            remembered.insert(key.to_vec(), value.clone());
        }
        Ok(value)
    }

    fn is_committed(&self, id: &Hash) -> Result<bool, Fault> {
        Ok(self.block.transactions.contains(id) || self.base.is_committed(id)?)
    }

    /// The base compares with its own, which stay what they are; the staged ones come after them.
    fn compare(&self, fingerprint: &Fingerprint, count: u64) -> Result<Compared, Fault> {
        let own = super::fingerprint_count(self.base)?.pictures.min(count);
        let mut compared = self.base.compare(fingerprint, own)?;
        compared.append(super::compare_from(self, fingerprint, own, count)?);
        Ok(compared)
    }
}

#[cfg(test)]
mod tests;
