//! The platform answers a notice: it takes a measure, or refuses. Source: E-commerce Law, Art. 42.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{AnswerNotice, DisputeOutcome, DisputePhase, PlatformMeasure};

use super::limits::DECLARATION_DAYS;
use super::{DesignRejection, dispute, vouching};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &AnswerNotice,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let now_ms = context.block.time_ms;
    let mut record = dispute::open(state, &id, &[DisputePhase::Noticed], now_ms)?;
    if record.platform != context.organisation.id {
        return Err(DesignRejection::NotTheParty(record.platform).into());
    }
    // Rule: it says what it does, and why.
    let measure = action.measure();
    let is_told = measure != PlatformMeasure::Unspecified
        && !action.reason.is_empty()
        && vouching::are_words(&action.reason);
    if !is_told {
        return Err(DesignRejection::ReasonShape.into());
    }
    record.measure = measure.into();
    record.measure_reason.clone_from(&action.reason);
    record.answered_ms = now_ms;
    match measure {
        PlatformMeasure::Refused => {
            dispute::end(state, &id, &mut record, DisputeOutcome::Refused, now_ms)?;
        }
        _ => {
            let phase = DisputePhase::Measures;
            dispute::lead_on(state, &id, &mut record, phase, DECLARATION_DAYS, now_ms)?;
        }
    }
    Ok(())
}
