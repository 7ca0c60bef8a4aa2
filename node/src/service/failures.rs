//! Answers that failed though nothing was wrong with the question: data that doesn't decode, a proof of ours that
//! doesn't hold, a slip of this program. Such an answer is refused, and the node goes on: whoever found a question of
//! that kind could otherwise stop all nodes with it, one after the other. What consensus itself reads still stops it.

use std::fmt;
use std::mem::{Discriminant, discriminant};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use touchstone_core::Fault;

use super::error::ServiceError;
use crate::log_pace::LogPace;

/// How many such answers there were since the node started. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct FailedAnswers(Arc<Failed>);

#[derive(Debug, Default)]
struct Failed {
    count: AtomicU64,
    /// Whoever found such a question may ask it again and again.
    lines: Mutex<LogPace<Kind>>,
}

/// What failed, whatever its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Fault(Discriminant<Fault>),
    Unproven,
}

impl FailedAnswers {
    /// Tells the log of an error that is the node's own, and counts it. A disk that refuses to read is told only: it
    /// is tried again.
    pub fn note(&self, error: &ServiceError) {
        match error {
            ServiceError::Fault(fault) => {
                if let Some(untold) = self.line(Kind::Fault(discriminant(fault)), Instant::now()) {
                    tracing::error!(%fault, untold, "a question failed");
                }
                self.count(fault);
            }
            ServiceError::Unproven(what) => {
                if let Some(untold) = self.line(Kind::Unproven, Instant::now()) {
                    tracing::error!(what, untold, "an answer failed its own verification");
                }
                self.0.count.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        }
    }

    /// Counts a fault that the log has been told of, unless a disk refused.
    pub fn count(&self, fault: &Fault) {
        if !matches!(fault, Fault::Storage(_)) {
            self.0.count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether to tell of this failure, and how many were left untold since the last line.
    fn line(&self, kind: Kind, now: Instant) -> Option<u64> {
        // Counts are right between any two statements.
        let mut lines = self.0.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.line(kind, now)
    }

    /// What the operator is told; none where no answer failed.
    pub fn alarm(&self) -> Option<FailureAlarm> {
        let count = self.0.count.load(Ordering::Relaxed);
        (count > 0).then_some(FailureAlarm(count))
    }
}

/// So many answers failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailureAlarm(u64);

impl fmt::Display for FailureAlarm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Command lines recognise it (language/messages/zh-reasons.toml).
        write!(
            f,
            "answers that failed since this node started: {}; its log names what they met. Stop it and run \
             `touchstone-node fsck`: docs/operating.md, \"Damage\"",
            self.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_pace::INTERVAL;
    use crate::service::error::unproven;

    #[test]
    fn the_nodes_own_failures_are_counted_and_nobody_elses() {
        let failed = FailedAnswers::default();
        for harmless in [
            ServiceError::Fault(Fault::Storage("too many open files".into())),
            ServiceError::NoBlock,
            ServiceError::Cancelled,
            ServiceError::Malformed("an id".into()),
            ServiceError::TooLarge("a file".into()),
        ] {
            failed.note(&harmless);
            assert_eq!(failed.alarm(), None, "{harmless:?}");
        }
        for own in [
            ServiceError::Fault(Fault::Damaged("a row".into())),
            ServiceError::Fault(Fault::Invariant("a panic".into())),
            unproven("a root"),
        ] {
            failed.note(&own);
        }
        assert_eq!(failed.alarm(), Some(FailureAlarm(3)));
    }

    #[test]
    fn a_kind_of_failure_is_told_once_an_interval_with_what_was_left_untold() {
        let failed = FailedAnswers::default();
        let kind = |fault: Fault| Kind::Fault(discriminant(&fault));
        let damaged = kind(Fault::Damaged("a row".into()));
        let start = Instant::now();
        assert_eq!(failed.line(damaged, start), Some(0));
        for row in 0..3 {
            let another = kind(Fault::Damaged(format!("row {row}")));
            assert_eq!(failed.clone().line(another, start), None);
        }
        assert_eq!(failed.line(Kind::Unproven, start), Some(0));
        let storage = kind(Fault::Storage("a disk".into()));
        assert_eq!(failed.line(storage, start), Some(0));
        assert_eq!(failed.line(damaged, start + INTERVAL), Some(3));
        assert_eq!(failed.line(damaged, start + INTERVAL), None);
    }
}
