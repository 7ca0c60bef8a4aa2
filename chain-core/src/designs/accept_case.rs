//! The receiver acknowledges a case that was handed over, and rules from then on. The deadline for the ruling stays: a
//! case that is passed on gains no time.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{AcceptCase, DisputePhase, HandOverState};

use super::{CaseRejection, DesignRejection, dispute, show_filing};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &AcceptCase,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let now_ms = context.block.time_ms;
    let mut record = dispute::open(state, &id, &[DisputePhase::Filed], now_ms)?;
    let by = &context.organisation.id;
    let last = record.handovers.last_mut();
    let offered = last.filter(|last| last.state() == HandOverState::Unspecified);
    let offered = offered.ok_or(CaseRejection::NotOpen("a hand-over of this case"))?;
    if offered.to != *by {
        return Err(DesignRejection::NotTheParty(offered.to.clone()).into());
    }
    if offered.deadline_ms < now_ms {
        return Err(CaseRejection::Deadline(offered.deadline_ms).into());
    }
    if !show_filing::is_reference(&action.reference) {
        return Err(DesignRejection::NoAuthority(by.clone()).into());
    }
    offered.state = HandOverState::Accepted.into();
    offered.closed_ms = now_ms;
    // Rule: who has lost its role since can't rule.
    if !dispute::may_rule(state, &record, by)? {
        return Err(DesignRejection::NoAuthority(by.clone()).into());
    }
    record.authority.clone_from(by);
    record.reference.clone_from(&action.reference);
    state.write(keys::dispute(&id), &record);
    Ok(())
}
