//! Why a verb didn't do what was asked, and the exit code that says so.

use std::io::ErrorKind;
use std::path::Path;

use serde_json::json;
use thiserror::Error;
use touchstone_client::capture::CaptureError;
use touchstone_client::{ClientError, NotVerified};
use touchstone_core::Rejection;
use touchstone_proto::node;

use crate::deposit_certificate::credential::BadCredential;
use crate::output::validity;
use crate::pdf::PdfError;

/// A verb's failure. Its exit code is stable.
#[derive(Debug, Error)]
pub enum Failure {
    /// The command or its input is wrong. Code 1.
    #[error("{0}")]
    Usage(String),
    /// A file can't be read or written. Code 1.
    #[error("{0}")]
    File(String),
    /// The ledger refuses the transaction. Code 2.
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
    /// Some events of a capture were refused or skipped; each was reported. Code 2.
    #[error(
        "{refused} of {total} events or documents were refused, {duplicates} skipped as recorded \
         before; {} recorded",
        match total - refused - duplicates {
            0 => "nothing else is".to_owned(),
            1 => "the other one is".to_owned(),
            others => format!("the other {others} are"),
        }
    )]
    EventsRefused {
        /// Events refused.
        refused: usize,
        /// Events that were recorded before.
        duplicates: usize,
        /// Events of the input.
        total: usize,
    },
    /// Some elements of master data were refused; each was reported. Code 2.
    #[error("{refused} of {total} elements of master data were refused; all else is recorded")]
    ElementsRefused {
        /// Elements refused.
        refused: usize,
        /// Elements of the input.
        total: usize,
    },
    /// Events whose hash was asked for are none; each was reported. Code 2.
    #[error("{refused} of {total} events or documents break a rule and have no hash")]
    NoHash {
        /// Those that break a rule.
        refused: usize,
        /// All.
        total: usize,
    },
    /// An answer's proof fails: don't believe it. Code 3.
    #[error("NOT VERIFIED: {0}")]
    NotVerified(#[source] NotVerified),
    /// The node is below a block that was proven before, and stayed there. Code 5.
    #[error(
        "the node answers as of block {height}, but block {proven} was proven before (the cache folder \
         remembers it): it is behind, and what it says is out of date; ask again, or another node (--node)"
    )]
    Behind {
        /// The answer's block.
        height: u64,
        /// The newest block that was proven.
        proven: u64,
    },
    /// A credential isn't right. Code 3.
    #[error("NOT VERIFIED: credential: {0}")]
    Credential(#[from] BadCredential),
    /// A folder holds nothing to capture. Code 2.
    #[error("{0}")]
    Empty(String),
    /// There is no such thing, by the node's word. Code 4.
    #[error("{0}")]
    NotFound(String),
    /// There is no such thing, proven. Code 4.
    #[error("{message}, proven absent at height {height}")]
    Absent {
        /// Identifier of what was asked for.
        id: String,
        /// Height of the block that proves it.
        height: u64,
        /// What isn't there.
        message: String,
    },
    /// A key may not sign at a height, proven. Code 4.
    #[error(
        "NOT VALID: key {key} of {organisation} was not valid at height {height}: it is valid {}, proven at \
         height {proven_at}",
        validity(*from, *until)
    )]
    NotValid {
        /// The key, in hex.
        key: String,
        /// Id of its organisation.
        organisation: String,
        /// The height that was asked for.
        height: u64,
        /// First height at which it is valid.
        from: u64,
        /// Last one; 0: no end.
        until: u64,
        /// Height of the block that proves it.
        proven_at: u64,
    },
    /// A seller may not do what was asked about, proven. Code 4.
    #[error("NOT AUTHORISED: {seller}, proven at height {height}")]
    NotAuthorised {
        /// Id of the seller.
        seller: String,
        /// Height of the block that proves it.
        height: u64,
    },
    /// The node doesn't answer. Code 5.
    #[error("{0}")]
    Unreachable(String),
    /// The node didn't answer for so long that events have no outcome. Code 5.
    #[error("{undecided} of {total} events have no outcome yet: {cause}")]
    Undecided {
        /// Events without an outcome.
        undecided: usize,
        /// Events of the input.
        total: usize,
        /// What went wrong last.
        cause: String,
    },
    /// The person pressed Ctrl-C. Code 130, as a shell tells of SIGINT.
    #[error("{0}")]
    Interrupted(String),
    /// Verified, but a reader must weigh something. Code 6.
    #[error("{0}")]
    Reservations(String),
    /// The record is verified, but a file that was handed in isn't shown to be part of it. Code 7.
    #[error("{0}")]
    Exhibit(String),
}

impl Failure {
    /// The process's exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) | Failure::File(_) => 1,
            Failure::Refused { .. }
            | Failure::EventsRefused { .. }
            | Failure::ElementsRefused { .. }
            | Failure::NoHash { .. }
            | Failure::Empty(_) => 2,
            Failure::NotVerified(_) | Failure::Credential(_) => 3,
            Failure::NotFound(_)
            | Failure::Absent { .. }
            | Failure::NotValid { .. }
            | Failure::NotAuthorised { .. } => 4,
            Failure::Behind { .. } | Failure::Unreachable(_) | Failure::Undecided { .. } => 5,
            Failure::Interrupted(_) => 130,
            Failure::Reservations(_) => 6,
            Failure::Exhibit(_) => 7,
        }
    }

    /// A short stable name for programs.
    pub fn kind(&self) -> &'static str {
        match self {
            Failure::Usage(_) => "usage",
            Failure::File(_) => "file",
            Failure::Refused { .. }
            | Failure::EventsRefused { .. }
            | Failure::ElementsRefused { .. }
            | Failure::NoHash { .. } => "refused",
            Failure::NotVerified(_) | Failure::Credential(_) => "not-verified",
            Failure::Empty(_) => "empty",
            Failure::NotFound(_) | Failure::Absent { .. } => "not-found",
            Failure::NotValid { .. } => "not-valid",
            Failure::NotAuthorised { .. } => "not-authorised",
            Failure::Behind { .. } => "behind",
            Failure::Unreachable(_) | Failure::Undecided { .. } => "unreachable",
            Failure::Interrupted(_) => "interrupted",
            Failure::Reservations(_) => "reservations",
            Failure::Exhibit(_) => "exhibit",
        }
    }

    /// The failure as one JSON object.
    pub fn json(&self) -> serde_json::Value {
        let (rule, code, event) = match self {
            Failure::Refused {
                rule, code, event, ..
            } => (Some(rule), Some(code), *event),
            _ => (None, None, None),
        };
        let check = match self {
            Failure::NotVerified(reason) => Some(reason.check()),
            Failure::Credential(_) => Some("credential"),
            _ => None,
        };
        let (id, height) = match self {
            Failure::Absent { id, height, .. } => (Some(id), Some(height)),
            Failure::NotValid { key, proven_at, .. } => (Some(key), Some(proven_at)),
            Failure::NotAuthorised { seller, height } => (Some(seller), Some(height)),
            _ => (None, None),
        };
        json!({
            "error": self.kind(),
            "message": self.to_string(),
            "exit_code": self.exit_code(),
            "rule": rule,
            "code": code,
            "event": event,
            "check": check,
            "id": id,
            "height": height,
            // That there is none is proven.
            "verified": id.map(|_| true),
        })
    }

    /// Whether it is an answer: what was asked for isn't there, or must be weighed.
    pub fn is_answer(&self) -> bool {
        matches!(self.exit_code(), 4 | 6)
    }

    /// A file operation failed.
    pub fn io(doing: &str, path: &Path, error: &std::io::Error) -> Failure {
        let why = match error.kind() {
            ErrorKind::NotFound => "there is no such file or folder".to_owned(),
            ErrorKind::PermissionDenied => "this user may not".to_owned(),
            ErrorKind::IsADirectory => "it is a folder".to_owned(),
            ErrorKind::NotADirectory => "a part of the path is no folder".to_owned(),
            ErrorKind::AlreadyExists => "it exists already".to_owned(),
            ErrorKind::StorageFull => "the disk is full".to_owned(),
            _ => error.to_string(),
        };
        Failure::File(format!("{doing} {}: {why}", path.display()))
    }

    /// The node's refusal of a transaction.
    pub fn refused(rejected: &node::Rejected) -> Failure {
        Failure::Refused {
            code: rejected.code,
            rule: rejected.rule.clone(),
            message: rejected.message.clone(),
            event: rejected.event,
        }
    }
}

impl From<NotVerified> for Failure {
    fn from(reason: NotVerified) -> Failure {
        match reason {
            NotVerified::Behind { height, proven } => Failure::Behind { height, proven },
            other => Failure::NotVerified(other),
        }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Failure {
        match error {
            ClientError::Address { .. } | ClientError::Roots(_) | ClientError::Identity(_) => {
                Failure::Usage(format!("--node: {error}"))
            }
            ClientError::TraceTooLarge { .. } => Failure::Usage(error.to_string()),
            ClientError::TooLate(waited) => Failure::Unreachable(format!(
                "no answer within {} s; raise --timeout or ask another node",
                waited.as_secs()
            )),
            ClientError::Undecided { id, .. } => Failure::Unreachable(format!(
                "{error}: ask with `touchstone transaction {}`",
                hex::encode(id)
            )),
            ClientError::NoConnection { .. }
            | ClientError::StreamEnded(_)
            | ClientError::Broken(_)
            | ClientError::PoolFull(_)
            | ClientError::NotYetExpired { .. }
            | ClientError::GrowsTooFast => Failure::Unreachable(error.to_string()),
            ClientError::Answered(_) => match (error.is_not_found(), error.may_pass()) {
                (true, _) => Failure::NotFound(error.to_string()),
                (_, true) => Failure::Unreachable(error.to_string()),
                _ => Failure::Usage(error.to_string()),
            },
            ClientError::Refused {
                code,
                rule,
                message,
                event,
            } => Failure::Refused {
                code,
                rule,
                message,
                event,
            },
            ClientError::NotVerified(reason) => Failure::NotVerified(reason),
            ClientError::Behind { height, proven } => Failure::Behind { height, proven },
            ClientError::NoBlockYet { .. } | ClientError::NoBlockZero => {
                Failure::NotFound(error.to_string())
            }
        }
    }
}

impl From<CaptureError> for Failure {
    fn from(error: CaptureError) -> Failure {
        match error {
            CaptureError::Client(error) => error.into(),
            CaptureError::Journal { .. }
            | CaptureError::JournalInUse(_)
            | CaptureError::StatementLog(_) => Failure::File(error.to_string()),
            CaptureError::NoJournal(_) => {
                Failure::Usage(format!("{error}; name another --journal"))
            }
            CaptureError::JournalLine { .. } => {
                Failure::Usage(format!("{error}; name another --journal to begin anew"))
            }
            CaptureError::OtherInput { .. } => Failure::Usage(format!(
                "{error}; give the same files as before, or another --journal"
            )),
            CaptureError::Undecided {
                undecided,
                total,
                cause,
            } => Failure::Undecided {
                undecided,
                total,
                cause: Failure::from(*cause).to_string(),
            },
            CaptureError::Stopped { .. } => Failure::Interrupted(error.to_string()),
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Failure {
        Failure::Refused {
            code: rejection.code(),
            rule: rejection.rule().to_owned(),
            message: rejection.to_string(),
            event: rejection.event_index(),
        }
    }
}

impl From<PdfError> for Failure {
    fn from(bad: PdfError) -> Failure {
        Failure::Usage(bad.to_string())
    }
}
