//! Draws: validators reveal a value each of their hash chains, and panels are drawn from all of these. One draw is
//! under way at a time, so a validator has one choice in it, to reveal or not: f of them leave 2^f seeds. Disputes
//! that come meanwhile wait for the next draw.
//!
//! Where the consortium names a public beacon, a draw then waits for one of its pulses, which nobody knew while values
//! were taken. If nobody shows it in time, the draw goes on without it, and its record says so.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_proto::ledger::{
    BeaconDraw, Dispute, DisputePhase, Draw, DrawValue, Draws, Panel, Review, ReviewPhase, Seat,
};

use super::{ReviewRejection, conclude, lead_on, matter, panel, panel_of, shuffle, terms_of};
use crate::Fault;
use crate::block::BlockContext;
use crate::commit_certificate::exceeds_two_thirds;
use crate::designs::dispute;
use crate::encoding;
use crate::governance::{beacon, hash_chain, review_terms, validators};
use crate::hash::{self, Hash, tag};
use crate::rules::RuleError;
use crate::state::delta::{Delta, decode_stored};
use crate::state::{StateRead, keys};

/// Disputes whose panels one draw gives.
pub const MAX_DISPUTES: usize = 64;

/// Disputes that wait for a draw.
pub const MAX_WAITING: usize = 1024;

/// The last draw and its number, if there was one.
pub fn last(state: &impl StateRead) -> Result<Option<(u64, Draw)>, Fault> {
    let number = draws(state)?.count.checked_sub(1);
    let Some(number) = number else {
        return Ok(None);
    };
    let key = keys::draw(number);
    let missing = || Fault::Damaged(format!("draw {number} is missing"));
    let bytes = state.get(&key)?.ok_or_else(missing)?;
    Ok(Some((number, decode_stored(&key, &bytes)?)))
}

/// Whether values of hash chains are taken in the block at a height.
pub fn is_under_way(draw: &Draw, height: u64) -> bool {
    let ended = draw.beacon.as_ref().is_some_and(|b| b.revealed_ms > 0);
    draw.closed_height == 0 && !ended && draw.height < height && height <= draw.last_height
}

fn draws(state: &impl StateRead) -> Result<Draws, Fault> {
    match state.get(keys::DRAWS)? {
        Some(bytes) => decode_stored(keys::DRAWS, &bytes),
        None => Ok(Draws::default()),
    }
}

/// Rule: more than 2/3 of the voting power has hash chains, so that a draw can come about.
pub(super) fn check_chains<S: StateRead>(state: &Delta<'_, S>) -> Result<(), RuleError> {
    let validators = validators::current(state)?;
    let mut able: u64 = 0;
    for validator in validators.iter() {
        if hash_chain::hash_chain(state, &validator.public_key)?.is_some() {
            able = able.saturating_add(validator.power);
        }
    }
    match exceeds_two_thirds(able, validators.total_power()) {
        true => Ok(()),
        false => Err(ReviewRejection::NoHashChains.into()),
    }
}

/// Lets a review wait for its panel: the jurors and the terms are fixed now, what chooses among them comes in later
/// blocks.
pub(super) fn begin_panel<S: StateRead>(
    state: &mut Delta<'_, S>,
    block: &BlockContext,
    id: &Hash,
    mut dispute: Dispute,
    review: Review,
    panel: &Panel,
) -> Result<(), RuleError> {
    state.write(keys::panel(id, review.instance), panel);
    enqueue(state, block.height, id)?;
    let phase = ReviewPhase::Drawing;
    let days = super::DRAW_DAYS;
    lead_on(state, id, &mut dispute, review, phase, days, block.time_ms)?;
    Ok(())
}

fn enqueue<S: StateRead>(
    state: &mut Delta<'_, S>,
    height: u64,
    id: &Hash,
) -> Result<(), RuleError> {
    let mut draws = draws(state)?;
    match last(state)? {
        Some((number, mut draw)) if draw.closed_height == 0 => {
            // In the block in which a draw begins nothing is revealed yet.
            if draw.height == height && draw.disputes.len() < MAX_DISPUTES {
                draw.disputes.push(id.to_vec());
                state.write(keys::draw(number), &draw);
                return Ok(());
            }
            if draws.waiting.len() >= MAX_WAITING {
                return Err(ReviewRejection::TooManyReviews.into());
            }
            draws.waiting.push(id.to_vec());
            state.write(keys::DRAWS.to_vec(), &draws);
        }
        _ => begin(state, draws, height, vec![id.to_vec()])?,
    }
    Ok(())
}

/// Begins a draw, with the validators, the tips and the beacon of now. Rule: at least 2f + 2 blocks take values.
/// Proposers take turns, so at least f + 2 of them are honest and leave no value out.
fn begin<S: StateRead>(
    state: &mut Delta<'_, S>,
    mut draws: Draws,
    height: u64,
    disputes: Vec<Vec<u8>>,
) -> Result<(), Fault> {
    let validators = validators::current(state)?;
    let faulty = validators.count().saturating_sub(1) / 3;
    let least = (faulty as u64).saturating_mul(2).saturating_add(2);
    let terms = review_terms::terms(state)?;
    let blocks = u64::from(terms.reveal_blocks).max(least);
    let mut values = Vec::with_capacity(validators.count());
    for validator in validators.iter() {
        let chain = hash_chain::hash_chain(state, &validator.public_key)?;
        values.push(DrawValue {
            public_key: validator.public_key.to_vec(),
            organisation: validator.organisation.clone(),
            power: validator.power,
            tip: chain.map(|chain| chain.tip).unwrap_or_default(),
            preimage: Vec::new(),
        });
    }
    let draw = Draw {
        height,
        last_height: height.saturating_add(blocks),
        values,
        disputes,
        closed_height: 0,
        beacon: terms.beacon.map(|named| BeaconDraw {
            beacon: Some(named),
            ..BeaconDraw::default()
        }),
    };
    state.write(keys::draw(draws.count), &draw);
    draws.count = draws.count.saturating_add(1);
    state.write(keys::DRAWS.to_vec(), &draws);
    Ok(())
}

/// At a block's end: a draw whose last block this is, or in which all have revealed, gives its panels, once it has the
/// beacon's pulse where it takes one; disputes that waited have the next draw.
pub(crate) fn pass<S: StateRead>(
    state: &mut Delta<'_, S>,
    block: &BlockContext,
) -> Result<(), Fault> {
    let Some((number, mut draw)) = last(state)? else {
        return Ok(());
    };
    let mut revealing = draw.values.iter();
    let all = revealing.all(|value| value.tip.is_empty() || !value.preimage.is_empty());
    if draw.closed_height != 0 || block.height < draw.last_height && !all {
        return Ok(());
    }
    let is_random = is_random(&draw);
    if let Some(taken) = &mut draw.beacon {
        let ends = taken.revealed_ms == 0;
        if ends {
            taken.revealed_ms = block.time_ms;
        }
        // Without enough values there is no panel, and no pulse is waited for.
        if is_random && beacon::awaited(taken, block.time_ms).is_some() {
            if ends {
                state.write(keys::draw(number), &draw);
            }
            return Ok(());
        }
        taken.closed_ms = block.time_ms;
    }
    draw.closed_height = block.height;
    state.write(keys::draw(number), &draw);
    for id in &draw.disputes {
        let id: Hash = encoding::exact("dispute", id)
            .map_err(|e| Fault::Damaged(format!("draw {number}: {e}")))?;
        seat(state, &id, number, &draw, block.time_ms)?;
    }
    let mut draws = draws(state)?;
    if !draws.waiting.is_empty() {
        let many = draws.waiting.len().min(MAX_DISPUTES);
        let next = draws.waiting.drain(..many).collect();
        begin(state, draws, block.height, next)?;
    }
    Ok(())
}

/// Seats the panel of a dispute that still waits for it.
fn seat<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    number: u64,
    draw: &Draw,
    now_ms: u64,
) -> Result<(), Fault> {
    let dispute: Option<Dispute> = state.read(&keys::dispute(id))?;
    let mut dispute =
        dispute.ok_or_else(|| Fault::Damaged("a dispute of a draw is missing".into()))?;
    let Some(review) = dispute.review.clone() else {
        return Err(Fault::Damaged("a dispute of a draw has no review".into()));
    };
    // Withdrawn or filed meanwhile, or its deadline has passed.
    let waits = dispute.phase() == DisputePhase::Review && review.phase() == ReviewPhase::Drawing;
    if !waits || dispute.deadline_ms < now_ms {
        return Ok(());
    }
    if !is_random(draw) {
        let none = panel::not_drawn();
        return conclude(state, id, dispute, review, none, now_ms);
    }
    let mut record = panel_of(state, id, review.instance)?;
    let terms = terms_of(&record)?;
    let subject = dispute::subject(&dispute)?;
    let matter = matter(&subject, &dispute.respondent, review.ground());
    let seed = seed(&matter, review.instance, &record, draw);
    let mut excluded = BTreeSet::new();
    if review.instance > 0 {
        let first = panel_of(state, id, 0)?;
        excluded.extend(first.seats.iter().map(|seat| seat.juror));
    }
    let many = panel::drawn(&terms, review.instance);
    let jurors = shuffle::draw(&seed, record.count, many, &excluded);
    record.draw = number;
    record.seed = seed.to_vec();
    record.seats = jurors.into_iter().map(empty_seat).collect();
    state.write(keys::panel(id, review.instance), &record);
    let days = u64::from(terms.commit_days);
    let phase = ReviewPhase::Committing;
    lead_on(state, id, &mut dispute, review, phase, days, now_ms)
}

/// Rule: validators of more than 1/3 of the voting power revealed, so at least one of them is honest.
pub fn is_random(draw: &Draw) -> bool {
    let (mut revealed, mut total): (u128, u128) = (0, 0);
    for value in &draw.values {
        let power = u128::from(value.power);
        total = total.saturating_add(power);
        if !value.preimage.is_empty() {
            revealed = revealed.saturating_add(power);
        }
    }
    revealed.saturating_mul(3) > total
}

/// The seed of a panel: what is reviewed, from which list, and all revealed values in the order of the validator set,
/// however they came in. Where the draw took a pulse of a beacon, its output value is in it too, which is a hash over
/// the pulse and its signature.
pub fn seed(matter: &Hash, instance: u32, panel: &Panel, draw: &Draw) -> Hash {
    let revealed = draw
        .values
        .iter()
        .filter(|value| !value.preimage.is_empty());
    let values: Vec<u8> = revealed
        .flat_map(|value| [&value.public_key[..], &value.preimage].concat())
        .collect();
    let (instance, count) = (instance.to_be_bytes(), panel.count.to_be_bytes());
    let parts: [&[u8]; 5] = [matter, &instance, &panel.root, &count, &values];
    let seed = hash::tagged(tag::REVIEW_SEED, &parts);
    let pulse = draw.beacon.as_ref().and_then(|taken| taken.pulse.as_ref());
    match pulse.and_then(beacon::output) {
        Some(output) => hash::tagged(tag::REVIEW_BEACON_SEED, &[&seed, &output]),
        None => seed,
    }
}

fn empty_seat(juror: u32) -> Seat {
    Seat {
        juror,
        ..Seat::default()
    }
}

#[cfg(test)]
mod tests;
