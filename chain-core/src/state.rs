//! The ledger's state: keys, staged writes and the authenticated tree over them.
//!
//! Consensus-critical: yes

pub mod commitment;
pub mod delta;
pub mod keys;

use crate::{Fault, Hash};

/// Reading the state after some block: on disk, in the simulator's memory, or staged over either.
pub trait StateRead {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// Whether a transaction with this id is in the chain.
    fn is_committed(&self, transaction_id: &Hash) -> Result<bool, Fault>;
}
