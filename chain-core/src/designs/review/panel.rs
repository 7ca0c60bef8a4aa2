//! A panel: which ballots are counted, and what verdict they make. All of it follows from the panel's record, so
//! whoever has that record, proven, finds the verdict again.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    Panel, PanelResult, PanelVerdict, ReviewChoice, ReviewTerms, Seat, SeatState,
};

use crate::hash::{self, Hash, tag};

/// How many ballots are counted, at most: the jurors of an instance's panel without alternates.
pub fn size(terms: &ReviewTerms, instance: u32) -> usize {
    let jurors = match instance {
        0 => terms.panel,
        _ => terms.appeal_panel,
    };
    usize::try_from(jurors).unwrap_or_default()
}

/// How many jurors are drawn: the panel and its alternates.
pub fn drawn(terms: &ReviewTerms, instance: u32) -> usize {
    let alternates = usize::try_from(terms.alternates).unwrap_or_default();
    size(terms, instance).saturating_add(alternates)
}

/// How many jurors a list must have, so that a panel and that of an appeal can be drawn from it.
pub fn needed(terms: &ReviewTerms) -> usize {
    drawn(terms, 0).saturating_add(drawn(terms, 1))
}

/// How many must have voted for a verdict.
pub fn quorum(terms: &ReviewTerms, instance: u32) -> usize {
    let percent = usize::try_from(terms.quorum_percent).unwrap_or_default();
    size(terms, instance).saturating_mul(percent).div_ceil(100)
}

/// Whether no ballot can change any more whose are counted: the first seats that aren't void have each cast theirs.
pub fn is_settled(panel: &Panel, terms: &ReviewTerms, instance: u32) -> bool {
    let size = size(terms, instance);
    let mut first = not_void(panel).take(size);
    not_void(panel).count() >= size && first.all(|seat| seat.state() == SeatState::Cast)
}

/// Fixes whose ballots are counted: in the order of the draw, of those that were cast; how many.
pub fn fix_counted(panel: &mut Panel, terms: &ReviewTerms, instance: u32) -> usize {
    let cast = panel.seats.iter_mut();
    let cast = cast.filter(|seat| seat.state() == SeatState::Cast);
    let mut counted: usize = 0;
    for seat in cast.take(size(terms, instance)) {
        seat.state = SeatState::Counted.into();
        counted = counted.saturating_add(1);
    }
    counted
}

/// Whether all ballots that are counted are open.
pub fn is_open(panel: &Panel) -> bool {
    let mut seats = panel.seats.iter();
    !seats.any(|seat| seat.state() == SeatState::Counted)
}

/// What the opened ballots make. Rule: no verdict without the quorum, and none by half of the votes or fewer.
pub fn result(panel: &Panel, terms: &ReviewTerms, instance: u32) -> PanelResult {
    let votes = |choice: ReviewChoice| open(panel).filter(|seat| seat.choice() == choice).count();
    let uphold = votes(ReviewChoice::Uphold);
    let dismiss = votes(ReviewChoice::Dismiss);
    let all = uphold.saturating_add(dismiss);
    let percent = usize::try_from(terms.majority_percent).unwrap_or_default();
    let wins = |votes: usize| votes.saturating_mul(100) > all.saturating_mul(percent);
    let verdict = match all < quorum(terms, instance) {
        true => PanelVerdict::NoQuorum,
        false if wins(uphold) => PanelVerdict::Upheld,
        false if wins(dismiss) => PanelVerdict::Dismissed,
        false => PanelVerdict::NoMajority,
    };
    PanelResult {
        verdict: verdict.into(),
        uphold: u32::try_from(uphold).unwrap_or(u32::MAX),
        dismiss: u32::try_from(dismiss).unwrap_or(u32::MAX),
        time_ms: 0,
        reasons: reasons(panel).to_vec(),
    }
}

/// How an instance went for which no panel was drawn.
pub fn not_drawn() -> PanelResult {
    PanelResult {
        verdict: PanelVerdict::NoPanel.into(),
        ..PanelResult::default()
    }
}

/// One hash over the votes and reasons of all who voted, in the order of the draw.
fn reasons(panel: &Panel) -> Hash {
    let vote = |seat: &Seat| {
        let choice = u8::try_from(seat.choice).unwrap_or_default();
        [&seat.juror.to_be_bytes()[..], &[choice], &seat.reasons].concat()
    };
    let votes: Vec<u8> = open(panel).flat_map(vote).collect();
    hash::tagged(tag::REVIEW_REASONS, &[&votes])
}

fn open(panel: &Panel) -> impl Iterator<Item = &Seat> {
    let seats = panel.seats.iter();
    seats.filter(|seat| seat.state() == SeatState::Opened)
}

fn not_void(panel: &Panel) -> impl Iterator<Item = &Seat> {
    let seats = panel.seats.iter();
    seats.filter(|seat| seat.state() != SeatState::Void)
}

#[cfg(test)]
mod tests;
