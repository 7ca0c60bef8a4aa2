//! Why a question wasn't answered, or a transaction not recorded.

use std::time::Duration;

use thiserror::Error;
use touchstone_core::Rejection;
use touchstone_core::hash::Hash;
use touchstone_proto::node;

use crate::verification::NotVerified;

/// A client's failure.
#[derive(Debug, Error)]
pub enum ClientError {
    /// The address names no node.
    #[error(
        "{url:?} is no address of a node: {reason}; write http://HOST:PORT or https://HOST:PORT"
    )]
    Address {
        /// What was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The certificates that a node's is to lead to can't be used.
    #[error("the roots for TLS: {0}")]
    Roots(String),
    /// The client's own certificate can't be used.
    #[error("the certificate by which the node is to know you: {0}")]
    Identity(String),
    /// Nobody answers at the address.
    #[error(
        "no connection to the node at {url}: {cause}; is it running, and is its address right?"
    )]
    NoConnection {
        /// The address.
        url: String,
        /// What the network says.
        cause: String,
    },
    /// No answer came in time.
    #[error("no answer within {} s; allow more time or ask another node", .0.as_secs())]
    TooLate(Duration),
    /// The node answers with a failure of its own.
    #[error("the node answered {:?}: {}", .0.code(), .0.message())]
    Answered(Box<tonic::Status>),
    /// A stream of answers breaks off.
    #[error("{0}")]
    StreamEnded(String),
    /// The node breaks off, or sends what nobody asked for.
    #[error("the node {0}")]
    Broken(&'static str),
    /// A rule of the ledger refuses the transaction.
    #[error("refused by rule {rule} ({code}): {message}")]
    Refused {
        /// Stable number of the rule.
        code: u32,
        /// Stable name of the rule.
        rule: String,
        /// What is wrong.
        message: String,
        /// Index of the offending event in its transaction.
        event: Option<u32>,
    },
    /// A proof fails: don't believe the answer.
    #[error("not verified: {0}")]
    NotVerified(#[source] NotVerified),
    /// The proof holds, but the node is below a block that was proven before, and stayed there.
    #[error(
        "the node answers as of block {height}, but block {proven} was proven before: it is behind"
    )]
    Behind {
        /// The answer's block.
        height: u64,
        /// The newest block that was proven.
        proven: u64,
    },
    /// There is no such block yet.
    #[error("no block at height {height} yet; the last is {last}")]
    NoBlockYet {
        /// The height that was asked for.
        height: u64,
        /// Height of the last block, proven.
        last: u64,
    },
    /// Heights begin at 1.
    #[error("the first block has height 1")]
    NoBlockZero,
    /// Blocks come faster than values of one state could be read.
    #[error("the chain grows faster than the records could be read; ask again")]
    GrowsTooFast,
    /// A trace comes to a thing that it can't hold.
    #[error(
        "the trace comes to a thing whose events, and those of its containers ({id} among them), have more bytes \
         together than are kept; page through its events instead, or begin at what was made of it"
    )]
    TraceTooLarge {
        /// One of these things.
        id: String,
    },
    /// The node says that a transaction expired, which no block proves yet.
    #[error(
        "the node says that the transaction expired, but it may be recorded until {expires_ms}, and the last block \
         is of {time_ms} (milliseconds since 1970)"
    )]
    NotYetExpired {
        /// Time of the last block, milliseconds; proven.
        time_ms: u64,
        /// The last time of a block that takes the transaction, milliseconds.
        expires_ms: u64,
    },
    /// The node takes no more transactions for now.
    #[error("{0}")]
    PoolFull(String),
    /// Whether the transaction is recorded isn't known.
    #[error("{cause}; whether transaction {} is recorded isn't known", hex::encode(.id))]
    Undecided {
        /// Its id.
        id: Hash,
        /// Why nothing is known.
        cause: String,
    },
}

impl ClientError {
    /// The node's refusal of a transaction.
    pub fn refused(rejected: &node::Rejected) -> ClientError {
        ClientError::Refused {
            code: rejected.code,
            rule: rejected.rule.clone(),
            message: rejected.message.clone(),
            event: rejected.event,
        }
    }

    /// Whether the node didn't answer for now, so that asking again may help.
    pub fn may_pass(&self) -> bool {
        use tonic::Code;
        match self {
            ClientError::NoConnection { .. }
            | ClientError::TooLate(_)
            | ClientError::StreamEnded(_)
            | ClientError::Broken(_)
            | ClientError::PoolFull(_)
            | ClientError::NotYetExpired { .. }
            | ClientError::GrowsTooFast => true,
            ClientError::Answered(status) => !matches!(
                status.code(),
                Code::NotFound
                    | Code::InvalidArgument
                    | Code::FailedPrecondition
                    | Code::OutOfRange
                    | Code::Unimplemented
                    | Code::PermissionDenied
                    | Code::Unauthenticated
            ),
            _ => false,
        }
    }

    /// Whether the node says that there is no such thing.
    pub fn is_not_found(&self) -> bool {
        matches!(self, ClientError::Answered(status) if status.code() == tonic::Code::NotFound)
    }
}

impl From<NotVerified> for ClientError {
    fn from(reason: NotVerified) -> ClientError {
        match reason {
            NotVerified::Behind { height, proven } => ClientError::Behind { height, proven },
            other => ClientError::NotVerified(other),
        }
    }
}

impl From<tonic::Status> for ClientError {
    fn from(status: tonic::Status) -> ClientError {
        ClientError::Answered(Box::new(status))
    }
}

impl From<Rejection> for ClientError {
    fn from(rejection: Rejection) -> ClientError {
        ClientError::Refused {
            code: rejection.code(),
            rule: rejection.rule().to_owned(),
            message: rejection.to_string(),
            event: rejection.event_index(),
        }
    }
}
