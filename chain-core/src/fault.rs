//! We failed, as opposed to "the transaction is wrong" (see [`crate::rejection`]).
//! A fault stops the node: going on could give a wrong answer.
//!
//! Consensus-critical: no

use thiserror::Error;

/// A failure of this node or its disk.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// Reading or writing the disk failed.
    #[error("storage failed: {0}")]
    Storage(String),
    /// Stored data doesn't decode, or contradicts other stored data.
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    /// The authenticated tree refused an operation.
    #[error("the state tree failed: {0}")]
    Tree(String),
    /// A signature can't be made safely.
    #[error("signing is refused: {0}")]
    Signing(String),
    /// A condition that the code relies on doesn't hold.
    #[error("internal error: {0}")]
    Invariant(String),
}
