//! An event that is to be recorded, and why it can't be.

use std::collections::BTreeSet;

use touchstone_core::custody::CustodyRejection;
use touchstone_core::rejection::Rejection;
use touchstone_epcis::{EpcisError, EpcisRule};

/// An event of the input.
#[derive(Clone, Debug)]
pub struct SourceEvent {
    /// The file it is from; `-` is standard input.
    pub file: String,
    /// Index in its file.
    pub index: usize,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// What it is about: events that share a name must keep their order.
    pub names: BTreeSet<String>,
    /// It empties a container, whose content it doesn't name: everything else keeps its distance.
    pub empties: bool,
    /// Why the ledger would refuse it, as far as that shows without the ledger's state.
    pub wrong: Option<EventRefusal>,
}

/// Why an event is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRefusal {
    /// Stable number of the rule.
    pub code: u32,
    /// Stable name of the rule.
    pub rule: String,
    /// What is wrong, and where.
    pub message: String,
}

impl EventRefusal {
    /// Of an event that isn't EPCIS 2.0.
    pub fn epcis(error: EpcisError) -> EventRefusal {
        let rejection = Rejection::Custody(CustodyRejection::Event { index: 0, error });
        let Rejection::Custody(CustodyRejection::Event { error, .. }) = &rejection else {
            return EventRefusal::of(&rejection);
        };
        EventRefusal {
            message: error.to_string(),
            ..EventRefusal::of(&rejection)
        }
    }

    /// Of what can't even be read as an event, such as a table's row; by a rule of its reader.
    pub fn unreadable(rule: &str, message: String) -> EventRefusal {
        let error = EpcisError {
            path: String::new(),
            rule: EpcisRule::NotJson {
                offset: 0,
                expected: "an event",
            },
        };
        EventRefusal {
            rule: rule.to_owned(),
            message,
            ..EventRefusal::epcis(error)
        }
    }

    /// By any rule.
    pub fn of(rejection: &Rejection) -> EventRefusal {
        EventRefusal {
            code: rejection.code(),
            rule: rejection.rule().to_owned(),
            message: rejection.to_string(),
        }
    }
}

/// What an envelope adds to the bytes of one event: keys, signature, organisation, lengths.
pub const ENVELOPE_BYTES: u64 = 512;
