//! Answers that failed though nothing was wrong with the question: data that doesn't decode, a proof of ours that
//! doesn't hold, a slip of this program. Such an answer is refused, and the node goes on: whoever found a question of
//! that kind could otherwise stop all nodes with it, one after the other. What consensus itself reads still stops it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use touchstone_core::Fault;

use super::error::ServiceError;

/// How many such answers there were since the node started.
#[derive(Clone, Debug, Default)]
pub struct FailedAnswers(Arc<AtomicU64>);

impl FailedAnswers {
    /// Tells the log of an error that is the node's own, and counts it. A disk that refuses to read is told only: it
    /// is tried again.
    pub fn note(&self, error: &ServiceError) {
        match error {
            ServiceError::Fault(fault) => {
                tracing::error!(%fault, "a question failed");
                if matches!(fault, Fault::Storage(_)) {
                    return;
                }
            }
            ServiceError::Unproven(what) => {
                tracing::error!(what, "an answer failed its own verification");
            }
            _ => return,
        }
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// What the operator is told; none where no answer failed.
    pub fn alarm(&self) -> Option<FailureAlarm> {
        let count = self.0.load(Ordering::Relaxed);
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
}
