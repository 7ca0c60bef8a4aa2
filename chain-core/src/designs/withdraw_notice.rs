//! The complainant withdraws its notice: the dispute ends. It doesn't once an authority has the case.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DisputeOutcome, DisputePhase, WithdrawNotice};

use super::{DesignRejection, dispute, vouching};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &WithdrawNotice,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let now_ms = context.block.time_ms;
    let mut record = dispute::open(state, &id, &dispute::OPEN, now_ms)?;
    if record.complainant != context.organisation.id {
        return Err(DesignRejection::NotTheParty(record.complainant).into());
    }
    // Rule: what was filed ends by the authority's word. Else who gave a false notice leaves before it is found so.
    if record.phase() == DisputePhase::Filed {
        return Err(DesignRejection::OtherPhase(dispute::phase_name(DisputePhase::Filed)).into());
    }
    if action.reason.is_empty() || !vouching::are_words(&action.reason) {
        return Err(DesignRejection::ReasonShape.into());
    }
    record.ended_words.clone_from(&action.reason);
    dispute::end(state, &id, &mut record, DisputeOutcome::Withdrawn, now_ms)?;
    Ok(())
}
