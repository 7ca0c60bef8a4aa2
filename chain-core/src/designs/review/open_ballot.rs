//! A juror's ballot is opened, with his reasons. Any organisation passes it on; the juror's signature binds the
//! reasons.
//!
//! Consensus-critical: yes

use prost::Message;
use touchstone_proto::ledger::{OpenBallot, ReviewChoice, ReviewPhase, SeatState};

use super::{ReviewRejection, ballot, check_instance, keep_opened, panel_of, under_review};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::signing::{self, Purpose};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &OpenBallot,
) -> Result<(), RuleError> {
    let opening = action.opening.clone().unwrap_or_default();
    let id: Hash = encoding::exact("dispute", &opening.dispute)?;
    let salt: Hash = encoding::exact("salt", &opening.salt)?;
    let reasons: Hash = encoding::exact("reasons", &opening.reasons)?;
    let now_ms = context.block.time_ms;
    let (dispute, review) = under_review(state, &id, ReviewPhase::Opening, now_ms)?;
    check_instance(&review, opening.instance)?;
    let mut panel = panel_of(state, &id, review.instance)?;
    let juror = opening.juror;
    let seat = panel.seats.iter_mut().find(|seat| seat.juror == juror);
    let seat = seat.ok_or(ReviewRejection::NotDrawn(juror))?;
    // Rule: each ballot that is counted is opened once.
    match seat.state() {
        SeatState::Counted => {}
        SeatState::Opened => return Err(ReviewRejection::OpenedBefore(juror).into()),
        SeatState::Void => return Err(ReviewRejection::BallotVoid(juror).into()),
        SeatState::Cast | SeatState::Unspecified => {
            return Err(ReviewRejection::NotCounted(juror).into());
        }
    }
    // Rule: it says what was sealed.
    let choice = opening.choice();
    if choice == ReviewChoice::Unspecified {
        return Err(ReviewRejection::NoChoice.into());
    }
    let public_key = encoding::exact("public_key", &seat.public_key)?;
    let chain_id = &context.block.chain_id;
    if ballot::commitment(chain_id, &id, &public_key, &salt, choice) != *seat.commitment {
        return Err(ReviewRejection::WrongBallotOpening(juror).into());
    }
    // Rule: the juror himself gives the reasons.
    let signature: [u8; 64] = encoding::exact("signature", &action.signature)?;
    let signed = opening.encode_to_vec();
    let purpose = Purpose::BallotOpening;
    if !signing::verify(&public_key, purpose, chain_id, &signed, &signature) {
        return Err(ReviewRejection::NotByJuror(juror).into());
    }
    seat.state = SeatState::Opened.into();
    seat.choice = choice.into();
    seat.reasons = reasons.to_vec();
    keep_opened(state, &id, dispute, review, &panel, now_ms)?;
    Ok(())
}
