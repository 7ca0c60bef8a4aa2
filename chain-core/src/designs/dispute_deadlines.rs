//! Deadlines of disputes: at a block's beginning those that have passed end by default, or lead a review on.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{CaseCheck, Dispute, DisputePhase, HandOverState, Sanction};

use super::dispute::{self, default_outcome, end};
use super::limits::{HOUR_MS, MAX_DUE, MAX_HOURS};
use super::{case_check, deadline, referral, review, sanction};
use crate::Fault;
use crate::block::BlockContext;
use crate::encoding;
use crate::hash::Hash;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Ends what was due in the hours before the block's, some hours and disputes in each block; the next blocks go on.
pub(crate) fn pass<S: StateRead>(
    state: &mut Delta<'_, S>,
    block: &BlockContext,
) -> Result<(), Fault> {
    let Some(first) = deadline::number(state, keys::DISPUTES_HOUR)? else {
        return Ok(());
    };
    let first_page = deadline::number(state, keys::DISPUTES_PAGE)?.unwrap_or_default();
    let before = (block.time_ms / HOUR_MS).min(first.saturating_add(MAX_HOURS));
    let (mut hour, mut page) = (first, first_page);
    // What doesn't wait any more counts too: it is read.
    let mut looked_at = 0;
    while hour < before && looked_at < MAX_DUE {
        for id in deadline::due(state, hour, page)?.disputes {
            let id: Hash = encoding::exact("dispute", &id)
                .map_err(|e| Fault::Damaged(format!("disputes of hour {hour}: {e}")))?;
            pass_one(state, &id, hour, block.time_ms)?;
            looked_at = looked_at.saturating_add(1);
        }
        if page < deadline::last_page(state, hour)? {
            page = page.saturating_add(1);
        } else {
            (hour, page) = (hour.saturating_add(1), 0);
        }
    }
    if hour > first {
        let next = hour.to_be_bytes().to_vec();
        state.put(keys::DISPUTES_HOUR.to_vec(), next);
    }
    if page != first_page {
        let next = page.to_be_bytes().to_vec();
        state.put(keys::DISPUTES_PAGE.to_vec(), next);
    }
    Ok(())
}

/// Ends what waits to the end of this hour still.
fn pass_one<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    hour: u64,
    now_ms: u64,
) -> Result<(), Fault> {
    let Some(mut dispute) = state.read::<Dispute>(&keys::dispute(id))? else {
        return pass_other(state, id, hour, now_ms);
    };
    if is_hand_over_due(&dispute, hour) {
        dispute::lapse(&mut dispute, now_ms);
        state.write(keys::dispute(id), &dispute);
    }
    let is_due = deadline::is_due(dispute.deadline_ms, hour);
    if is_due && dispute.phase() == DisputePhase::Review {
        return review::pass(state, id, dispute, now_ms);
    }
    if is_due && dispute.phase() == DisputePhase::Referred {
        return referral::pass(state, id, dispute, now_ms);
    }
    let outcome = match dispute.phase() {
        DisputePhase::Refused => Some(referral::standing(&dispute)),
        phase => default_outcome(phase),
    };
    match outcome.filter(|_| is_due) {
        Some(outcome) => end(state, id, &mut dispute, outcome, now_ms),
        None => Ok(()),
    }
}

fn is_hand_over_due(dispute: &Dispute, hour: u64) -> bool {
    let offered = dispute.handovers.last();
    offered.is_some_and(|offered| {
        offered.state() == HandOverState::Unspecified && deadline::is_due(offered.deadline_ms, hour)
    })
}

/// The same of a check or a sanction.
fn pass_other<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    hour: u64,
    now_ms: u64,
) -> Result<(), Fault> {
    if let Some(check) = state.read::<CaseCheck>(&keys::case_check(id))? {
        case_check::pass(state, id, check, hour, now_ms);
        return Ok(());
    }
    let missing = || Fault::Damaged("a dispute that is due is missing".to_owned());
    let sanction: Sanction = state.read(&keys::sanction(id))?.ok_or_else(missing)?;
    sanction::pass(state, id, sanction, hour, now_ms)
}
