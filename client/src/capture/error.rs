//! Why a capture ended before each event had an outcome.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;
use touchstone_core::Rejection;

use crate::error::ClientError;
use crate::verification::NotVerified;

/// A capture's failure. Whatever it is, the journal holds what a later run needs.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The node, its answer, or a rule about the sender.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The journal can't be read or written.
    #[error("{doing} {}: {error}", .path.display())]
    Journal {
        /// What was done.
        doing: &'static str,
        /// The journal.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Another capture writes to the journal.
    #[error("another capture is using the journal {}", .0.display())]
    JournalInUse(PathBuf),
    /// The file is no journal.
    #[error("{} is not a capture journal", .0.display())]
    NoJournal(PathBuf),
    /// A line of the journal isn't what it should be.
    #[error("{}, line {line}: {reason}", .path.display())]
    JournalLine {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The journal is of other events.
    #[error("the journal {} is of another input ({reason})", .path.display())]
    OtherInput {
        /// The journal.
        path: PathBuf,
        /// What differs.
        reason: String,
    },
    /// What is sent to state master data can't be remembered.
    #[error("{0}")]
    StatementLog(String),
    /// The node didn't answer for so long that events have no outcome.
    #[error("{undecided} of {total} events have no outcome yet: {cause}")]
    Undecided {
        /// Events without an outcome.
        undecided: usize,
        /// Events of the input.
        total: usize,
        /// What went wrong last.
        cause: Box<ClientError>,
    },
    /// The caller ended it.
    #[error("stopped with {decided} of {total} events decided")]
    Stopped {
        /// Events with an outcome.
        decided: usize,
        /// Events of the input.
        total: usize,
    },
}

impl CaptureError {
    pub(super) fn journal(doing: &'static str, path: &Path, error: io::Error) -> CaptureError {
        CaptureError::Journal {
            doing,
            path: path.to_owned(),
            error,
        }
    }
}

impl From<NotVerified> for CaptureError {
    fn from(reason: NotVerified) -> CaptureError {
        CaptureError::Client(reason.into())
    }
}

impl From<Rejection> for CaptureError {
    fn from(rejection: Rejection) -> CaptureError {
        CaptureError::Client(rejection.into())
    }
}
