//! Staged writes over a base state. A block's delta is built from its transactions' deltas:
//! a transaction that breaks a rule leaves no trace.
//!
//! Consensus-critical: yes

use std::any::Any;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    /// The block's values, and what the base answered: a block's transactions ask for the same organisations and
    /// company prefixes again and again.
    known: RefCell<BTreeMap<Vec<u8>, Known>>,
    /// The block's link entries.
    links: Vec<LinkRow>,
    /// The block's transactions.
    transactions: BTreeSet<Hash>,
    transaction: Writes,
    /// Comparisons of pictures for the transaction.
    comparisons: u64,
}

/// What the state after the block's transactions so far has at a key.
#[derive(Default)]
struct Known {
    value: Option<Vec<u8>>,
    /// Whether the block has written it.
    is_written: bool,
    /// The value as the message that it was last asked for as.
    message: Option<Arc<dyn Any + Send + Sync>>,
}

impl<'a, S: StateRead> Delta<'a, S> {
    /// Nothing staged.
    pub fn new(base: &'a S) -> Self {
        Delta {
            base,
            known: RefCell::default(),
            links: Vec::new(),
            transactions: BTreeSet::new(),
            transaction: Writes::default(),
            comparisons: 0,
        }
    }

    /// The message at a key. A value that doesn't decode was damaged on our disk.
    pub fn read<M: Message + Default>(&self, key: &[u8]) -> Result<Option<M>, Fault> {
        self.look(key, |value| {
            value.map(|bytes| decode_stored(key, bytes)).transpose()
        })?
    }

    /// The same for what many transactions ask for: it is decoded once, until the block writes it.
    pub fn read_shared<M>(&self, key: &[u8]) -> Result<Option<Arc<M>>, Fault>
    where
        M: Message + Default + 'static,
    {
        if self.transaction.values.contains_key(key) {
            return Ok(self.read(key)?.map(Arc::new));
        }
        if let Some(known) = self.known.borrow().get(key)
            && let Some(message) = known.message.clone()
            && let Ok(message) = message.downcast()
        {
            return Ok(Some(message));
        }
        let message: Option<Arc<M>> = self.read(key)?.map(Arc::new);
        if let (Some(known), Some(message)) = (self.known.borrow_mut().get_mut(key), &message) {
            known.message = Some(message.clone());
        }
        Ok(message)
    }

    /// What a function says of the value at a key, which isn't copied for it.
    fn look<R>(&self, key: &[u8], at: impl FnOnce(Option<&[u8]>) -> R) -> Result<R, Fault> {
        if let Some(value) = self.transaction.values.get(key) {
            return Ok(at(Some(value)));
        }
        if let Some(known) = self.known.borrow().get(key) {
            return Ok(at(known.value.as_deref()));
        }
        let value = self.base.get(key)?;
        let answer = at(value.as_deref());
        let mut known = self.known.borrow_mut();
        if known.len() < REMEMBERED {
            known.insert(key.to_vec(), Known::of_base(value));
        }
        Ok(answer)
    }

    /// Reads what the block will ask the base for, in one go. The keys are ascending, each once.
    pub fn foresee(&self, keys: Vec<Vec<u8>>) -> Result<(), Fault> {
        let mut keys = keys;
        let mut known = self.known.borrow_mut();
        keys.retain(|key| !known.contains_key(key));
        keys.truncate(REMEMBERED.saturating_sub(known.len()));
        if keys.is_empty() {
            return Ok(());
        }
        let values = self.base.get_many(&keys)?;
        let values = values.into_iter().map(Known::of_base);
        // Made and merged as a whole: to put each in by itself would look for its place.
        let mut found: BTreeMap<Vec<u8>, Known> = keys.into_iter().zip(values).collect();
        known.append(&mut found);
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
        self.comparisons = 0;
        self.accept_block_writes();
        self.transactions.insert(id);
    }

    /// Keeps staged writes that belong to no transaction.
    pub fn accept_block_writes(&mut self) {
        let staged = std::mem::take(&mut self.transaction);
        let written = staged.values.into_iter();
        let written = written.map(|(key, value)| (key, Known::of_block(value)));
        self.known.get_mut().extend(written);
        self.links.extend(staged.links);
    }

    /// Forgets what the transaction staged.
    pub fn discard(&mut self) {
        self.transaction = Writes::default();
        self.comparisons = 0;
    }

    /// The block's writes.
    pub fn into_writes(self) -> Writes {
        let known = self.known.into_inner().into_iter();
        let written = known.filter(|(_, known)| known.is_written);
        Writes {
            values: written
                .filter_map(|(key, known)| Some((key, known.value?)))
                .collect(),
            links: self.links,
            transactions: self.transactions,
        }
    }
}

impl Known {
    fn of_base(value: Option<Vec<u8>>) -> Known {
        Known {
            value,
            ..Known::default()
        }
    }

    fn of_block(value: Vec<u8>) -> Known {
        Known {
            value: Some(value),
            is_written: true,
            message: None,
        }
    }
}

/// The state as staged: the base's where nothing is.
impl<S: StateRead> StateRead for Delta<'_, S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.look(key, |value| value.map(<[u8]>::to_vec))
    }

    fn is_committed(&self, id: &Hash) -> Result<bool, Fault> {
        Ok(self.transactions.contains(id) || self.base.is_committed(id)?)
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
