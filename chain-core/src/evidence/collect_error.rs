//! Why there is no evidence file.
//!
//! Consensus-critical: no

use thiserror::Error;

use crate::Fault;
use crate::hash::Hash;
use crate::proof::item_history::ItemHistoryError;

/// Why there is no evidence.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CollectError {
    /// The ledger fails.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// There is no block yet.
    #[error("the chain has no block yet; there is nothing that a file could be anchored in")]
    NoBlock,
    /// More events than a file holds.
    #[error("the links that this item's history touches have {0} entries; one file holds 100000")]
    TooLarge(u64),
    /// More bytes than a file has.
    #[error(
        "a file about this, or the transactions that it is made of, would have more than 268435456 bytes"
    )]
    TooManyBytes,
    /// More containers than the rules allow.
    #[error("{0}")]
    ItemHistory(ItemHistoryError),
    /// A dispute that isn't under the subject's right.
    #[error("{} is no dispute under the right to this design", hex::encode(.0))]
    OtherDispute(Hash),
    /// A question that a file can't answer.
    #[error("a question names a design, and an act that a licence may be for")]
    Question,
    /// More than a file shows.
    #[error("one file shows at most 32 disputes, and answers at most 32 questions")]
    TooMany,
}
