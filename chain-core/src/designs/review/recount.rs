//! A review's draws and verdicts, found again from its records: who has them proven needs to believe nobody that the
//! panel wasn't chosen and the votes were counted.
//!
//! Consensus-critical: no

use std::collections::BTreeSet;

use thiserror::Error;
use touchstone_proto::ledger::{BeaconDraw, Dispute, Draw, Panel, PanelResult, ReviewTerms};

use super::{draws, matter, outcome, panel, shuffle};
use crate::encoding;
use crate::governance::beacon::{self, BadPulse};
use crate::hash::{self, Hash};

/// What of a review doesn't follow from its records.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadReview {
    /// Not a review, or one whose records are unreadable.
    #[error("the dispute's review or a panel's terms are missing or unreadable")]
    Records,
    /// A validator's value isn't the one that its hash chain bound it to.
    #[error("the value of {0} in the draw is not what its hash chain bound it to")]
    Value(String),
    /// A draw that is under way, or that a third of the power could have made alone.
    #[error("the draw is not over, or validators of no more than 1/3 of the power revealed")]
    NotRandom,
    /// A pulse that isn't the one that follows from the draw.
    #[error("the draw's beacon: {0}")]
    Pulse(#[from] BadPulse),
    /// A draw that didn't wait, or waited too long.
    #[error(
        "the draw took its beacon's pulse after the deadline, or went on without it before that"
    )]
    Waited,
    /// Another seed.
    #[error("the seed of panel {0} is not what the draw gives")]
    Seed(usize),
    /// Other jurors.
    #[error("the jurors of panel {0} are not those that the seed draws")]
    Jurors(usize),
    /// Other votes or another verdict.
    #[error("the verdict of panel {0} is not what its votes make")]
    Verdict(usize),
    /// An outcome without a verdict.
    #[error("the dispute's outcome is not the verdict of its last panel that gave one")]
    Outcome,
}

/// Checks the panels of a dispute's review, in order, each with the draw that it names. A panel that isn't drawn yet,
/// or couldn't be, has no seats.
pub fn check(dispute: &Dispute, panels: &[(Panel, Draw)]) -> Result<(), BadReview> {
    let review = dispute.review.as_ref().ok_or(BadReview::Records)?;
    let mut first = BTreeSet::new();
    for (instance, (panel, draw)) in panels.iter().enumerate() {
        let terms = panel.terms.as_ref().ok_or(BadReview::Records)?;
        let result = review.results.get(instance);
        if !panel.seats.is_empty() {
            check_draw(draw)?;
            check_seats(dispute, instance, (panel, draw), terms, &first)?;
        }
        if result.is_some_and(|result| !follows(result, panel, terms, instance)) {
            return Err(BadReview::Verdict(instance));
        }
        first.extend(panel.seats.iter().map(|seat| seat.juror));
    }
    if review.results.len() > panels.len() {
        return Err(BadReview::Records);
    }
    let mut last = review.results.iter().rev();
    let verdict = last.find_map(|result| outcome(result.verdict()));
    let by_panel = super::is_verdict(dispute.outcome());
    match by_panel && verdict != Some(dispute.outcome()) {
        true => Err(BadReview::Outcome),
        false => Ok(()),
    }
}

fn check_draw(draw: &Draw) -> Result<(), BadReview> {
    for value in &draw.values {
        let is_bound = value.preimage.is_empty() || hash::sha256(&value.preimage) == *value.tip;
        if !is_bound {
            return Err(BadReview::Value(value.organisation.clone()));
        }
    }
    if draw.closed_height <= draw.height || !draws::is_random(draw) {
        return Err(BadReview::NotRandom);
    }
    draw.beacon.as_ref().map_or(Ok(()), check_beacon)
}

/// The pulse is the one that the block that ended the values names, and came in time; a draw without it waited.
fn check_beacon(taken: &BeaconDraw) -> Result<(), BadReview> {
    let named = taken.beacon.as_ref().filter(|named| named.period_ms > 0);
    let named = named.ok_or(BadReview::Records)?;
    let deadline_ms = beacon::deadline_ms(named, taken.revealed_ms);
    let in_time = (taken.revealed_ms..=deadline_ms).contains(&taken.closed_ms);
    let waited = match &taken.pulse {
        Some(pulse) => {
            beacon::check_pulse(named, taken.revealed_ms, pulse)?;
            in_time
        }
        None => taken.closed_ms > deadline_ms,
    };
    match waited && taken.revealed_ms > 0 {
        true => Ok(()),
        false => Err(BadReview::Waited),
    }
}

fn check_seats(
    dispute: &Dispute,
    instance: usize,
    (panel, draw): (&Panel, &Draw),
    terms: &ReviewTerms,
    first: &BTreeSet<u32>,
) -> Result<(), BadReview> {
    let ground = dispute.review.as_ref().map(|review| review.ground());
    let ground = ground.unwrap_or_default();
    let subject: Hash =
        encoding::exact("subject", &dispute.subject).map_err(|_| BadReview::Records)?;
    let matter = matter(&subject, &dispute.respondent, ground);
    let number = u32::try_from(instance).map_err(|_| BadReview::Records)?;
    let seed = draws::seed(&matter, number, panel, draw);
    if seed != *panel.seed {
        return Err(BadReview::Seed(instance));
    }
    let many = panel::drawn(terms, number);
    let jurors = shuffle::draw(&seed, panel.count, many, first);
    let seats = panel.seats.iter().map(|seat| seat.juror);
    match jurors.into_iter().eq(seats) {
        true => Ok(()),
        false => Err(BadReview::Jurors(instance)),
    }
}

/// Whether a result is what the panel's votes make.
fn follows(result: &PanelResult, panel: &Panel, terms: &ReviewTerms, instance: usize) -> bool {
    let number = u32::try_from(instance).unwrap_or(u32::MAX);
    let expected = match panel.seats.is_empty() {
        true => panel::not_drawn(),
        false => panel::result(panel, terms, number),
    };
    let expected = PanelResult {
        time_ms: result.time_ms,
        ..expected
    };
    expected == *result
}

#[cfg(test)]
mod tests;
