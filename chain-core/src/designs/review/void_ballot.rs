//! A ballot's opening is shown before its time: the ballot is void, and its juror casts none again. So a juror can't
//! prove his vote to anybody whom he wouldn't let undo it, and a vote can't be sold.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{ReviewPhase, SeatState, VoidBallot};

use super::{ReviewRejection, ballot, keep_cast, panel_of, under_review};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &VoidBallot,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let salt: Hash = encoding::exact("salt", &action.salt)?;
    let now_ms = context.block.time_ms;
    let (dispute, review) = under_review(state, &id, ReviewPhase::Committing, now_ms)?;
    let mut panel = panel_of(state, &id, review.instance)?;
    let juror = action.juror;
    let seat = panel.seats.iter_mut().find(|seat| seat.juror == juror);
    let seat = seat.ok_or(ReviewRejection::NotDrawn(juror))?;
    if seat.state() != SeatState::Cast {
        return Err(ReviewRejection::NoBallot(juror).into());
    }
    // Rule: it opens the ballot that stands.
    let public_key = encoding::exact("public_key", &seat.public_key)?;
    let chain_id = &context.block.chain_id;
    let sealed = ballot::commitment(chain_id, &id, &public_key, &salt, action.choice());
    if sealed != *seat.commitment {
        return Err(ReviewRejection::WrongBallotOpening(juror).into());
    }
    seat.state = SeatState::Void.into();
    keep_cast(state, &id, dispute, review, panel, now_ms)?;
    Ok(())
}
