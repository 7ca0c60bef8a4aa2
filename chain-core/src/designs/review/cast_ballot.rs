//! A juror casts a ballot, or replaces the one that he cast. Any organisation passes it on; what it says, the juror's
//! own signature does.
//!
//! Consensus-critical: yes

use prost::Message;
use touchstone_proto::ledger::{
    Ballot, CastBallot, Dispute, Panel, Review, ReviewPhase, SeatState,
};

use super::{ReviewRejection, check_instance, jurors, keep_cast, panel_of, under_review};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::signing::{self, Purpose};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &CastBallot,
) -> Result<(), RuleError> {
    let ballot = action.ballot.clone().unwrap_or_default();
    let id: Hash = encoding::exact("dispute", &ballot.dispute)?;
    let commitment: Hash = encoding::exact("commitment", &ballot.commitment)?;
    let public_key: [u8; 32] = encoding::exact("public_key", &action.public_key)?;
    let now_ms = context.block.time_ms;
    let (dispute, review) = under_review(state, &id, ReviewPhase::Committing, now_ms)?;
    check_instance(&review, ballot.instance)?;
    let mut panel = panel_of(state, &id, review.instance)?;
    let place = check_seat(&panel, &ballot)?;
    check_juror(state, &dispute, &panel, &ballot, action, &public_key)?;
    check_once(state, &id, &review, &panel, place, &public_key)?;
    let signature: [u8; 64] = encoding::exact("signature", &action.signature)?;
    let signed = ballot.encode_to_vec();
    let chain_id = &context.block.chain_id;
    // Rule: the juror himself says it.
    if !signing::verify(&public_key, Purpose::Ballot, chain_id, &signed, &signature) {
        return Err(ReviewRejection::NotByJuror(ballot.juror).into());
    }
    if let Some(seat) = panel.seats.get_mut(place) {
        seat.state = SeatState::Cast.into();
        seat.public_key = public_key.to_vec();
        seat.revision = ballot.revision;
        seat.commitment = commitment.to_vec();
    }
    keep_cast(state, &id, dispute, review, panel, now_ms)?;
    Ok(())
}

/// The seat of the juror. Rules: he was drawn; a ballot that is void stays so; one replaces another in the juror's
/// order, so that nobody sends an old one again.
fn check_seat(panel: &Panel, ballot: &Ballot) -> Result<usize, ReviewRejection> {
    let mut seats = panel.seats.iter().enumerate();
    let found = seats.find(|(_, seat)| seat.juror == ballot.juror);
    let (place, seat) = found.ok_or(ReviewRejection::NotDrawn(ballot.juror))?;
    if seat.state() == SeatState::Void {
        return Err(ReviewRejection::BallotVoid(ballot.juror));
    }
    match ballot.revision > seat.revision {
        true => Ok(place),
        false => Err(ReviewRejection::OldBallot(seat.revision)),
    }
}

fn check_juror<S: StateRead>(
    state: &Delta<'_, S>,
    dispute: &Dispute,
    panel: &Panel,
    ballot: &Ballot,
    action: &CastBallot,
    public_key: &[u8; 32],
) -> Result<(), RuleError> {
    let organisation = &action.organisation;
    let path = action.path.iter();
    let path: Vec<Hash> = path
        .map(|sibling| encoding::exact("path", sibling))
        .collect::<Result<_, _>>()?;
    jurors::check_listed(panel, ballot.juror, public_key, organisation, &path)?;
    jurors::check_free(state, dispute, public_key, organisation)
}

/// Rule: a key has one seat, however often it stands in the list, and none in an appeal against its own verdict.
fn check_once<S: StateRead>(
    state: &Delta<'_, S>,
    id: &Hash,
    review: &Review,
    panel: &Panel,
    place: usize,
    public_key: &[u8; 32],
) -> Result<(), RuleError> {
    let mut others = panel.seats.clone();
    if place < others.len() {
        others.remove(place);
    }
    if review.instance > 0 {
        others.extend(panel_of(state, id, 0)?.seats);
    }
    match others.iter().find(|seat| seat.public_key == public_key) {
        Some(seat) => Err(ReviewRejection::KeySeated(seat.juror).into()),
        None => Ok(()),
    }
}
