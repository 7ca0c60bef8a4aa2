//! What a node keeps on disk. This room alone knows RocksDB and files.
//!
//! Two traits stand here because each has two implementations: the disk, and the testkit's memory,
//! whose unsynced writes are lost in a crash.

mod block_values;
mod checkpoints;
mod commit_block;
mod database;
pub mod double_sign_guard;
mod event_index;
pub mod files;
mod fingerprints;
#[cfg(test)]
#[path = "../../tests/src/testkit/memory_disk.rs"]
#[allow(
    dead_code,
    reason = "the simulation needs more of it than the node's tests"
)]
pub(crate) mod memory_disk;
#[cfg(test)]
#[path = "../../tests/src/testkit/memory_store.rs"]
#[allow(
    dead_code,
    reason = "the simulation needs more of it than the node's tests"
)]
pub(crate) mod memory_store;
mod recent_events;
pub mod rocks;
pub mod salvage;
mod schema;
mod settled_height;
mod settling;
mod snapshot;
#[cfg(test)]
pub(crate) mod test_blocks;
mod tree_cache;
pub mod wal;

use std::sync::Arc;

use touchstone_core::Fault;
use touchstone_core::block::{Block, Header};
use touchstone_core::execution::Executed;
use touchstone_core::hash::Hash;
use touchstone_core::state::StateRead;
use touchstone_core::state::commitment::TreeRead;
use touchstone_core::transaction::VerifiedTransaction;
use touchstone_proto::ledger::CommitCertificate;
use touchstone_proto::node::Misbehaviour;

/// The last block stored, or genesis at height 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tip {
    /// Its height.
    pub height: u64,
    /// Its id; the chain id at height 0.
    pub block_id: Hash,
    /// Its time, milliseconds; genesis time at height 0.
    pub time_ms: u64,
    /// Its header; none at height 0.
    pub header: Option<Header>,
}

/// All that a decided block changes, written at once or not at all.
#[derive(Clone, Copy, Debug)]
pub struct Commit<'a> {
    /// The block.
    pub block: &'a Block,
    /// Ids of its transactions, in order.
    pub transaction_ids: &'a [Hash],
    /// The transactions as they were read, for the index of events; perhaps none, which it then reads from the block.
    pub transactions: &'a [Arc<VerifiedTransaction>],
    /// The proof that it was decided.
    pub certificate: &'a CommitCertificate,
    /// Its effects.
    pub executed: &'a Executed,
}

/// The chain on disk: state, tree, blocks.
pub trait Store: StateRead + TreeRead {
    /// The last block stored.
    fn tip(&self) -> Tip;

    /// Stores a block and its effects in one batch, as a whole or not at all, and behind all before it. A power cut may
    /// take it away until [`Store::settle`] returns.
    fn commit(&mut self, commit: Commit<'_>) -> Result<(), Fault>;

    /// All that was committed is durable when this returns.
    fn settle(&mut self) -> Result<(), Fault>;

    /// A stored block with its certificate; none above the tip, at height 0, or below what is kept.
    fn block(&self, height: u64) -> Result<Option<(Block, CommitCertificate)>, Fault>;

    /// Keeps evidence that a validator signed two conflicting messages (synced); of each validator
    /// at least the first pieces.
    fn keep_misbehaviour(&mut self, evidence: &[Misbehaviour]) -> Result<(), Fault>;
}

/// Small named files for the write-ahead log and the double-sign guard.
pub trait Disk {
    /// The whole file; `None` if there is none.
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault>;

    /// What tells this file from every copy of it: none if there is no such file, or the disk doesn't know.
    fn identity(&self, name: &str) -> Result<Option<u64>, Fault>;

    /// Writes at an offset, creating the file if need be. Not durable before [`Disk::sync`].
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Fault>;

    /// Cuts the file to a length. Not durable before [`Disk::sync`].
    fn truncate(&mut self, name: &str, length: u64) -> Result<(), Fault>;

    /// Makes the file's content, and its entry in the folder if it is new, durable.
    fn sync(&mut self, name: &str) -> Result<(), Fault>;
}
