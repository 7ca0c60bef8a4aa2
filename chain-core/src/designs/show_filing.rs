//! A party shows that it has complained to an authority or sued: measures stay until that rules. Source:
//! E-commerce Law, Art. 43. Where no measures were taken it goes there as well. Source: Patent Law, Art. 65.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DisputePhase, ShowFiling};

use super::limits::MAX_REFERENCE_BYTES;
use super::{DesignRejection, dispute, vouching};
use crate::encoding;
use crate::governance::dispute_terms;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ShowFiling,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let now_ms = context.block.time_ms;
    let phases = [
        DisputePhase::Measures,
        DisputePhase::Countered,
        DisputePhase::Review,
        DisputePhase::Refused,
    ];
    let mut record = dispute::open(state, &id, &phases, now_ms)?;
    // Rule: the complainant files; and the respondent that has declared. Else nobody finds a notice false whose
    // complainant files nothing.
    let by = &context.organisation.id;
    let is_respondent = record.phase() == DisputePhase::Countered
        && dispute::speaks_for(state, &record, by, &record.respondent)?;
    if record.complainant != *by && !is_respondent {
        return Err(DesignRejection::NotTheParty(record.complainant).into());
    }
    // Rule: the authority can rule here, is no party, and has a number for the case.
    let may_rule = dispute::may_rule(state, &record, &action.authority)?;
    if !may_rule || !is_reference(&action.reference) {
        return Err(DesignRejection::NoAuthority(action.authority.clone()).into());
    }
    record.authority.clone_from(&action.authority);
    record.reference.clone_from(&action.reference);
    record.filed_ms = now_ms;
    let phase = DisputePhase::Filed;
    let days = u64::from(dispute_terms::terms(state)?.ruling_days);
    dispute::lead_on(state, &id, &mut record, phase, days, now_ms)?;
    Ok(())
}

/// Whether a text can be an authority's number of a case.
pub(super) fn is_reference(text: &str) -> bool {
    (1..=MAX_REFERENCE_BYTES).contains(&text.len()) && vouching::are_words(text)
}
