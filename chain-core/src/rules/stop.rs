//! How a rule's functions give up, so that `?` ends those that stand on others.
//!
//! Consensus-critical: yes

use crate::Fault;
use crate::rejection::Rejection;

/// Why nothing is appended: the transaction is wrong, or we failed. It stays among the rules;
/// whoever applies a transaction keeps the two apart, by [`told`].
#[derive(Debug)]
pub(crate) enum Stop {
    /// Which rule the transaction breaks.
    Wrong(Rejection),
    /// What failed here.
    Failed(Fault),
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Stop {
        Stop::Wrong(rejection)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Failed(fault)
    }
}

/// A rule's outcome as it is told outside: a wrong transaction is an answer, a fault is none.
pub(crate) fn told<T>(outcome: Result<T, Stop>) -> Result<Result<T, Rejection>, Fault> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(Stop::Wrong(rejection)) => Ok(Err(rejection)),
        Err(Stop::Failed(fault)) => Err(fault),
    }
}
