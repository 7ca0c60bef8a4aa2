//! The terms of public reviews: parameters of the consortium, changed by its vote. A review keeps those with which it
//! was opened.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::ReviewTerms;

use crate::Fault;
use crate::governance::{GovernanceRejection, beacon};
use crate::rules::RuleError;
use crate::state::delta::{Delta, decode_stored};
use crate::state::{StateRead, keys};

/// The terms where the consortium hasn't voted others. Sources: a panel of 31 whose more than half decides is that of
/// Alibaba's public review, as Taobao's rules of it have it; E-commerce Law, Art. 63, lets platforms settle disputes
/// online by published rules, voluntarily and fairly, and sets no figures. The panel of an appeal, alternates and days
/// are this ledger's own.
pub const DEFAULT: ReviewTerms = ReviewTerms {
    panel: 31,
    appeal_panel: 61,
    alternates: 31,
    quorum_percent: 51,
    majority_percent: 50,
    commit_days: 3,
    open_days: 2,
    appeal_days: 7,
    reveal_blocks: 64,
    beacon: None,
};

/// The terms of reviews that are opened now.
pub fn terms(state: &impl StateRead) -> Result<ReviewTerms, Fault> {
    match state.get(keys::REVIEW_TERMS)? {
        Some(bytes) => decode_stored(keys::REVIEW_TERMS, &bytes),
        None => Ok(DEFAULT),
    }
}

/// Rule: each term has its range, and an appeal has the larger panel; the name of the one that breaks it. Panels are
/// odd, so that votes of all make a verdict.
pub fn check_ranges(terms: &ReviewTerms) -> Result<(), &'static str> {
    let larger = terms.panel.saturating_add(1);
    let ranges = [
        ("panel", terms.panel, 3, 99),
        ("appeal_panel", terms.appeal_panel, larger, 199),
        ("alternates", terms.alternates, 0, 199),
        ("quorum_percent", terms.quorum_percent, 1, 100),
        ("majority_percent", terms.majority_percent, 50, 99),
        ("commit_days", terms.commit_days, 1, 90),
        ("open_days", terms.open_days, 1, 90),
        ("appeal_days", terms.appeal_days, 1, 90),
        ("reveal_blocks", terms.reveal_blocks, 1, 100_000),
    ];
    let outside = |(_, value, low, high): &&(&str, u32, u32, u32)| !(low..=high).contains(&value);
    if let Some((name, ..)) = ranges.iter().find(outside) {
        return Err(name);
    }
    let panels = [("panel", terms.panel), ("appeal_panel", terms.appeal_panel)];
    let even = panels.iter().find(|(_, jurors)| jurors & 1 == 0);
    even.map_or(Ok(()), |(name, _)| Err(name))
}

pub(super) fn check<S: StateRead>(
    state: &Delta<'_, S>,
    wanted: &ReviewTerms,
) -> Result<(), RuleError> {
    check_ranges(wanted).map_err(GovernanceRejection::ReviewTerm)?;
    if let Some(named) = &wanted.beacon {
        beacon::check(named)?;
    }
    match terms(state)? == *wanted {
        true => Err(GovernanceRejection::EmptyChange.into()),
        false => Ok(()),
    }
}

pub(super) fn put<S: StateRead>(
    state: &mut Delta<'_, S>,
    wanted: &ReviewTerms,
) -> Result<(), RuleError> {
    check(state, wanted)?;
    state.write(keys::REVIEW_TERMS.to_vec(), wanted);
    Ok(())
}

#[cfg(test)]
mod tests;
