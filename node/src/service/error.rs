//! Why a question has no answer: the one error of the service. Each adapter maps it once. A broken rule is an
//! answer, not an error.

use touchstone_core::proof::item_history::ItemHistoryError;
use touchstone_core::{Fault, Rejection};
use touchstone_proto::node as wire;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// The request can't be read.
    #[error("{0}")]
    Malformed(String),
    /// What was asked for isn't there.
    #[error("{0}")]
    NotFound(String),
    /// A limit is reached; its holders will give way.
    #[error("{0}")]
    Busy(String),
    /// The pool has no room for more of this organisation's transactions.
    #[error("{0}")]
    PoolFull(String),
    /// The answer would be larger than is given.
    #[error("{0}")]
    TooLarge(String),
    /// No block exists yet that could prove an answer.
    #[error("the chain has no block yet; try again in a moment")]
    NoBlock,
    /// Nothing was said on a stream for too long, and others want its place.
    #[error(
        "nothing was said on this stream for too long; begin another one when there is something to say"
    )]
    Silent,
    /// The client has gone.
    #[error("the client has gone")]
    Cancelled,
    /// The node stops.
    #[error("the node is shutting down")]
    Stopping,
    /// The node failed. Its words go to the log only: they may name paths.
    #[error("{}", words(.0))]
    Fault(#[from] Fault),
    /// An answer that its own clients would refuse is never sent.
    #[error("the node refuses to send an answer that doesn't verify")]
    Unproven(String),
}

/// What everybody may hear of a fault.
fn words(fault: &Fault) -> &'static str {
    match fault {
        Fault::Damaged(_) => {
            "the node can't read its data, which may be damaged: its operator stops it and runs `touchstone-node fsck`"
        }
        _ => "the node failed to read its data; its log says more",
    }
}

/// A proof of ours that doesn't verify.
pub fn unproven(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Unproven(error.to_string())
}

/// Why an item's history isn't told. One that went through more containers than are read is no damage: a member can
/// make it, so that no node may stop for it.
pub fn untold(error: &ItemHistoryError) -> ServiceError {
    match error {
        ItemHistoryError::TooMany => ServiceError::TooLarge(error.to_string()),
        ItemHistoryError::Missing(_) | ItemHistoryError::NotPacked { .. } => unproven(error),
    }
}

/// A rejection as the client sees it.
pub fn rejected(rejection: &Rejection) -> wire::Rejected {
    wire::Rejected {
        code: rejection.code(),
        rule: rejection.rule().to_owned(),
        message: rejection.to_string(),
        event: rejection.event_index(),
    }
}
