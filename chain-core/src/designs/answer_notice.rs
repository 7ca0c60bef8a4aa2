//! The platform answers a notice: it takes a measure, or refuses. Source: E-commerce Law, Art. 42. It acts by the
//! opinion of an assistance centre that was asked. Source: Norms of Sichuan Province for handling cases of
//! administrative patent enforcement, Art. 146.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{AnswerNotice, CentreOpinion, DisputePhase, PlatformMeasure};

use super::{DesignRejection, RouteRejection, dispute, referral, vouching};
use crate::encoding;
use crate::governance::dispute_terms;
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
    // Rule: an opinion that was given binds the platform; the respondent may still declare against it.
    let is_bound = referral::opinion(&record) == CentreOpinion::Infringes;
    if let Some(asked) = record.referral.as_ref().filter(|_| is_bound)
        && measure == PlatformMeasure::Refused
    {
        return Err(RouteRejection::OpinionBinds(asked.centre.clone()).into());
    }
    record.measure = measure.into();
    record.measure_reason.clone_from(&action.reason);
    record.answered_ms = now_ms;
    match measure {
        PlatformMeasure::Refused => referral::refuse(state, &id, &mut record, now_ms)?,
        _ => {
            let days = u64::from(dispute_terms::terms(state)?.declaration_days);
            let phase = DisputePhase::Measures;
            dispute::lead_on(state, &id, &mut record, phase, days, now_ms)?;
        }
    }
    Ok(())
}
