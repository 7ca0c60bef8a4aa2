//! From our errors to what a client sees, in one place. A broken rule is an answer, not a failed
//! call; a failed call is a request that can't be read, or a node that can't answer.

use tonic::Status;
use touchstone_core::{Fault, Rejection};
use touchstone_proto::node as wire;

/// A rejection as the client sees it.
pub fn rejected(rejection: &Rejection) -> wire::Rejected {
    wire::Rejected {
        code: rejection.code(),
        rule: rejection.rule().to_owned(),
        message: rejection.to_string(),
        event: rejection.event_index(),
    }
}

/// A fault while answering. Its words go to the log only: they may name paths.
pub fn fault(fault: Fault) -> Status {
    tracing::error!(%fault, "a query failed");
    Status::internal("the node failed to read its data; its log says more")
}

/// A proof of ours that doesn't verify is never sent.
pub fn unproven(error: impl std::fmt::Display) -> Status {
    tracing::error!(%error, "an answer failed its own verification");
    Status::data_loss("the node refuses to send an answer that doesn't verify")
}

/// No block exists yet that could prove an answer.
pub fn no_block() -> Status {
    Status::unavailable("the chain has no block yet; try again in a moment")
}
