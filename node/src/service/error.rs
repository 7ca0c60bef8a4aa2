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
            "the node's data is damaged, and it stops; its operator runs `touchstone-node fsck`"
        }
        _ => "the node failed to read its data; its log says more",
    }
}

impl ServiceError {
    /// The fault for which the node must stop, if there is one. Damage that a read has met may have reached
    /// other answers unseen. A disk that refuses to read, for want of descriptors say, is told and tried again:
    /// else clients could stop the node.
    pub fn stops_the_node(&self) -> Option<Fault> {
        match self {
            ServiceError::Fault(Fault::Storage(_)) => None,
            ServiceError::Fault(fault) => Some(fault.clone()),
            ServiceError::Unproven(what) => Some(Fault::Damaged(format!(
                "an answer failed its own verification: {what}"
            ))),
            _ => None,
        }
    }
}

/// A proof of ours that doesn't verify.
pub fn unproven(error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Unproven(error.to_string())
}

/// Why an item's history isn't told. One that went through more containers than are read is no damage: a member can make
/// it, so that no node may stop for it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_stops_the_node_and_a_refusing_disk_does_not() {
        let damaged = ServiceError::Fault(Fault::Damaged("a row".into()));
        assert_eq!(
            damaged.stops_the_node(),
            Some(Fault::Damaged("a row".into()))
        );
        assert!(unproven("a root").stops_the_node().is_some());
        for harmless in [
            ServiceError::Fault(Fault::Storage("too many open files".into())),
            ServiceError::NoBlock,
            ServiceError::Cancelled,
            ServiceError::Malformed("an id".into()),
        ] {
            assert_eq!(harmless.stops_the_node(), None, "{harmless:?}");
        }
    }
}
