//! Checks of a dispute: a test purchase waits for a laboratory's verdict, a supervisor's notice for a defect to be
//! mended, a spot check for nobody. What isn't answered up to its deadline is recorded as that.
//!
//! Sources, all of the People's Republic of China: Patent Law, Art. 69: the authority inspects the scene, looks into
//! records and examines products; Product Quality Law, Art. 15 and 17: supervision is by spot checks, and who fails one
//! is ordered to mend in a set time.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{CaseCheck, CaseCheckKind, CaseCheckState};

use super::{CaseRejection, deadline};
use crate::hash::Hash;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Rule: a check is answered while it waits, up to its deadline.
pub(super) fn open<S: StateRead>(
    state: &Delta<'_, S>,
    id: &Hash,
    now_ms: u64,
) -> Result<CaseCheck, RuleError> {
    let check: Option<CaseCheck> = state.read(&keys::case_check(id))?;
    let check = check.ok_or(CaseRejection::Unknown {
        kind: "check",
        id: *id,
    })?;
    if check.state() != CaseCheckState::Unspecified {
        return Err(CaseRejection::NotOpen("the check").into());
    }
    match check.deadline_ms < now_ms {
        true => Err(CaseRejection::Deadline(check.deadline_ms).into()),
        false => Ok(check),
    }
}

/// Whether a check of this kind waits for somebody.
pub fn waits(kind: CaseCheckKind) -> bool {
    matches!(
        kind,
        CaseCheckKind::TestPurchase | CaseCheckKind::SupervisorNotice
    )
}

/// What happens at the deadline of a check that waits to the end of this hour.
pub(super) fn pass<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    mut check: CaseCheck,
    hour: u64,
    now_ms: u64,
) {
    let waits = check.state() == CaseCheckState::Unspecified;
    if waits && deadline::is_due(check.deadline_ms, hour) {
        check.state = CaseCheckState::Defaulted.into();
        check.closed_ms = now_ms;
        state.write(keys::case_check(id), &check);
    }
}

#[cfg(test)]
mod tests;
