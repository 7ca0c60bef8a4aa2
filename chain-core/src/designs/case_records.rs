//! The records of a case from outside: whether checks, hand-overs and sanctions that somebody shows agree with their
//! dispute and with the rules. Nothing here trusts who shows them, but that each record is proven.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::ledger::{
    CaseCheck, CaseCheckKind, CaseCheckState, Dispute, DisputeOutcome, DisputePhase, HandOverState,
    PartySanctions, SampleVerdict, Sanction, SanctionOutcome,
};

use super::case_check;
use super::impose_sanction::found_against;
use super::limits::MAX_SANCTIONS;
use super::sanction::lifts;

/// What doesn't agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadCase {
    /// Open with an outcome, or ended without one.
    #[error("it is open and has an outcome, or has ended and has none")]
    End,
    /// A chain of hand-overs with a gap.
    #[error("its hand-overs don't lead to the authority that it names")]
    HandOvers,
    /// A question to a centre that can't have gone so.
    #[error("its question to an assistance centre isn't what the rules make of one")]
    Referral,
    /// A check of something else.
    #[error("a check is of another dispute")]
    OtherDispute,
    /// No rule book, or no answer where one closed it.
    #[error("a check lacks a rule book or its answer, or has one too many")]
    CheckParts,
    /// Closed after its deadline, or by default before it.
    #[error("a check was not closed at the side of its deadline that it tells of")]
    CheckDeadline,
    /// A verdict on a sample under another seal.
    #[error("a verdict was given on a sample whose seal wasn't confirmed")]
    Seal,
    /// A sanction for something else.
    #[error("a sanction doesn't rest on what the dispute found against its party")]
    Ground,
    /// Decided by who imposed it, or by its party.
    #[error("a sanction's appeal went to its issuer or its party")]
    AppealTo,
    /// Dates that can't be.
    #[error("a sanction's term or decision is not what its outcome makes")]
    SanctionTerm,
    /// Counts that can't be.
    #[error("the sanctions of a party are not those that its record counts or others tell of")]
    Counts,
}

/// Whether a dispute has an outcome exactly if it has ended.
pub fn check_end(dispute: &Dispute) -> Result<(), BadCase> {
    let has_ended = dispute.phase() == DisputePhase::Ended;
    let has_outcome = dispute.outcome() != DisputeOutcome::Unspecified;
    match has_ended == has_outcome {
        true => Ok(()),
        false => Err(BadCase::End),
    }
}

/// Whether a dispute's own record of hand-overs leads to its authority.
pub fn check_handovers(dispute: &Dispute) -> Result<(), BadCase> {
    let Some(first) = dispute.handovers.first() else {
        return Ok(());
    };
    let mut holder = &first.from;
    for (number, offered) in (1..).zip(&dispute.handovers) {
        let is_last = number == dispute.handovers.len();
        let in_order = match offered.state() {
            HandOverState::Unspecified => is_last && dispute.phase() != DisputePhase::Ended,
            HandOverState::Accepted => offered.closed_ms <= offered.deadline_ms,
            HandOverState::Lapsed => offered.closed_ms >= offered.offered_ms,
        };
        let is_passed_on = offered.from == *holder && offered.to != *holder;
        if !in_order || !is_passed_on || offered.rule_book.len() != 32 {
            return Err(BadCase::HandOvers);
        }
        if offered.state() == HandOverState::Accepted {
            holder = &offered.to;
        }
    }
    match *holder == dispute.authority {
        true => Ok(()),
        false => Err(BadCase::HandOvers),
    }
}

/// Whether a check that a dispute's record names agrees with it and with the rules.
pub fn check_check(dispute: &[u8], check: &CaseCheck) -> Result<(), BadCase> {
    if check.dispute != dispute {
        return Err(BadCase::OtherDispute);
    }
    let waits = case_check::waits(check.kind());
    let is_answered = waits && check.state() == CaseCheckState::Closed;
    let answer = match is_answered {
        true => 32,
        false => 0,
    };
    let has_parts = check.rule_book.len() == 32
        && check.answer.len() == answer
        && check.answer_rule_book.len() == answer;
    if !has_parts {
        return Err(BadCase::CheckParts);
    }
    let in_time = match check.state() {
        CaseCheckState::Unspecified => waits && check.closed_ms == 0,
        CaseCheckState::Closed => !is_answered || check.closed_ms <= check.deadline_ms,
        CaseCheckState::Defaulted => waits && check.closed_ms > check.deadline_ms,
    };
    if !in_time {
        return Err(BadCase::CheckDeadline);
    }
    let is_sample = is_answered && check.kind() == CaseCheckKind::TestPurchase;
    let is_found = check.verdict() != SampleVerdict::Undetermined;
    match is_sample && is_found && check.seal_confirmed != 1 {
        true => Err(BadCase::Seal),
        false => Ok(()),
    }
}

/// Whether a sanction that a dispute's record names rests on it, and its appeal went by the rules.
pub fn check_sanction(id: &[u8], dispute: &Dispute, sanction: &Sanction) -> Result<(), BadCase> {
    let rests = sanction.grounds.iter().any(|ground| ground == id)
        && found_against(dispute) == Some(sanction.party.as_str());
    if !rests {
        return Err(BadCase::Ground);
    }
    let is_appealed = sanction.appealed_ms > 0;
    let own = [&sanction.issuer, &sanction.party];
    if is_appealed && own.contains(&&sanction.authority) {
        return Err(BadCase::AppealTo);
    }
    let outcome = sanction.outcome();
    let closed_ms = sanction.closed_ms;
    let is_decided = matches!(
        outcome,
        SanctionOutcome::Confirmed | SanctionOutcome::Lifted
    );
    let decision = match is_decided {
        true => 32,
        false => 0,
    };
    let has_parts = sanction.rule_book.len() == 32
        && sanction.decision.len() == decision
        && sanction.decision_rule_book.len() == decision;
    let fits = match outcome {
        SanctionOutcome::Unspecified => closed_ms == 0,
        SanctionOutcome::Confirmed | SanctionOutcome::Lifted => {
            is_appealed && closed_ms <= sanction.deadline_ms
        }
        SanctionOutcome::NotAppealed => !is_appealed && closed_ms > sanction.deadline_ms,
        SanctionOutcome::NotDecided => is_appealed && closed_ms > sanction.deadline_ms,
    };
    let is_cut = !lifts(outcome) || sanction.until_ms < closed_ms;
    match has_parts && fits && is_cut {
        true => Ok(()),
        false => Err(BadCase::SanctionTerm),
    }
}

/// Whether a party's record counts what it names, and agrees with sanctions that are shown beside it.
pub fn check_party(
    party: &str,
    list: &PartySanctions,
    shown: &[(&[u8], &Sanction)],
) -> Result<(), BadCase> {
    let closed = [
        list.confirmed,
        list.lifted,
        list.not_appealed,
        list.not_decided,
    ];
    let closed = closed.into_iter().fold(0, u64::saturating_add);
    let is_counted = closed <= list.imposed
        && list.held.len() as u64 <= list.imposed
        && list.held.len() <= MAX_SANCTIONS;
    let mut named = shown.iter().filter(|(_, sanction)| sanction.party == party);
    let agrees = named.all(|(id, sanction)| {
        let held = list.held.iter().find(|held| held.sanction == **id);
        held.map_or(sanction.until_ms < list.told_from_ms, |held| {
            (held.kind, held.from_ms, held.until_ms)
                == (sanction.kind, sanction.from_ms, sanction.until_ms)
        })
    });
    match is_counted && agrees {
        true => Ok(()),
        false => Err(BadCase::Counts),
    }
}

#[cfg(test)]
mod tests;
