//! Each signature is verified once for all processes of a run, and for its checks. Two thirds of a run's time went into
//! verifying the same votes at each of them, and half of what was left into the same certificates and transactions.

use std::cell::RefCell;
use std::collections::HashMap;

use touchstone_core::hash::{self, Hash};
use touchstone_core::signing::{self, Purpose};
use touchstone_node::key_tables::verify_vote;
use touchstone_node::mempool::{PoolLimits, SharedMempool};

/// Verdicts that are remembered; then all are forgotten.
const MAX_REMEMBERED: usize = 100_000;

/// Transactions that are remembered: some hundred runs have as many.
const MAX_TRANSACTIONS: usize = 2_000;

thread_local! {
    static VERDICTS: RefCell<HashMap<Hash, bool>> = RefCell::new(HashMap::new());
    /// Its tables of keys are those of all: making them anew in each life of a process took a third of a run.
    static FIRST_POOL: SharedMempool = SharedMempool::verifying_once(PoolLimits::default(), MAX_TRANSACTIONS);
}

/// An empty pool.
pub fn pool() -> SharedMempool {
    FIRST_POOL.with(|first| SharedMempool::beside(first, PoolLimits::default()))
}

/// The same verdict as [`signing::verify`].
pub fn verify(
    key: &[u8; 32],
    purpose: Purpose,
    chain_id: &Hash,
    bytes: &[u8],
    signature: &[u8; 64],
) -> bool {
    let signed = signing::signed_bytes(purpose, chain_id, bytes);
    let question = hash::tagged("simulation/signature", &[key, signature, &signed]);
    VERDICTS.with_borrow_mut(|verdicts| {
        if verdicts.len() >= MAX_REMEMBERED {
            verdicts.clear();
        }
        let verdict = verdicts.entry(question);
        *verdict.or_insert_with(|| verify_vote(key, purpose, chain_id, bytes, signature))
    })
}
