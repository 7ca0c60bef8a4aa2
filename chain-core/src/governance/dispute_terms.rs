//! The terms of disputes, checks, hand-overs and sanctions: parameters of the consortium, changed by its vote. What
//! waits already keeps its deadline.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::DisputeTerms;

use crate::Fault;
use crate::governance::GovernanceRejection;
use crate::rules::RuleError;
use crate::state::delta::{Delta, decode_stored};
use crate::state::{StateRead, keys};

/// The terms where the consortium hasn't voted others. Sources: Administrative Reconsideration Law of the People's
/// Republic of China, Art. 20 and 62: sixty days to ask for it, sixty to decide. E-commerce Law, Art. 43: fifteen days
/// for a filing after the declaration; Art. 42 asks for measures in time and names no days. All others are this
/// ledger's own.
pub const DEFAULT: DisputeTerms = DisputeTerms {
    laboratory_days: 60,
    mend_days: 15,
    acceptance_days: 10,
    sanction_days: 1_096,
    false_notices: 3,
    appeal_days: 60,
    decision_days: 60,
    answer_days: 7,
    declaration_days: 180,
    waiting_days: 15,
    ruling_days: 1_096,
    opinion_days: 15,
    escalation_days: 15,
};

/// The terms of what begins to wait now.
pub fn terms(state: &impl StateRead) -> Result<DisputeTerms, Fault> {
    match state.get(keys::DISPUTE_TERMS)? {
        Some(bytes) => decode_stored(keys::DISPUTE_TERMS, &bytes),
        None => Ok(DEFAULT),
    }
}

/// Rule: each term has its range; the name of the one that breaks it.
pub fn check_ranges(terms: &DisputeTerms) -> Result<(), &'static str> {
    let ranges = [
        ("laboratory_days", terms.laboratory_days, 1, 366),
        ("mend_days", terms.mend_days, 1, 366),
        ("acceptance_days", terms.acceptance_days, 1, 90),
        ("sanction_days", terms.sanction_days, 1, 3_660),
        ("false_notices", terms.false_notices, 1, 8),
        ("appeal_days", terms.appeal_days, 1, 366),
        ("decision_days", terms.decision_days, 1, 366),
        ("answer_days", terms.answer_days, 1, 90),
        ("declaration_days", terms.declaration_days, 1, 366),
        ("waiting_days", terms.waiting_days, 1, 90),
        ("ruling_days", terms.ruling_days, 1, 3_660),
        ("opinion_days", terms.opinion_days, 1, 90),
        ("escalation_days", terms.escalation_days, 1, 90),
    ];
    let outside = |(_, value, low, high): &&(&str, u32, u32, u32)| !(low..=high).contains(&value);
    let broken = ranges.iter().find(outside);
    broken.map_or(Ok(()), |(name, ..)| Err(name))
}

pub(super) fn check<S: StateRead>(
    state: &Delta<'_, S>,
    wanted: &DisputeTerms,
) -> Result<(), RuleError> {
    check_ranges(wanted).map_err(GovernanceRejection::DisputeTerm)?;
    match terms(state)? == *wanted {
        true => Err(GovernanceRejection::EmptyChange.into()),
        false => Ok(()),
    }
}

pub(super) fn put<S: StateRead>(
    state: &mut Delta<'_, S>,
    wanted: &DisputeTerms,
) -> Result<(), RuleError> {
    check(state, wanted)?;
    state.write(keys::DISPUTE_TERMS.to_vec(), wanted);
    Ok(())
}

#[cfg(test)]
mod tests;
