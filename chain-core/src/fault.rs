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
    /// The consortium voted rules that this program lacks.
    #[error(
        "block {height} follows version {version} of the rules, and this program has versions up to {}: install a \
         newer release and start it on the same data folder; the chain goes on meanwhile if the others have it",
        crate::block::NEWEST
    )]
    UnknownProtocol {
        /// The first height of that version that this node would execute.
        height: u64,
        /// The version.
        version: u32,
    },
    /// A condition that the code relies on doesn't hold.
    #[error("internal error: {0}")]
    Invariant(String),
}
