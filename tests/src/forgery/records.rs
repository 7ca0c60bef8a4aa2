//! Forged records of custody: who has an item, what became of an offer, and who says otherwise.

use prost::Message;
use touchstone_core::encoding::decode_exact;
use touchstone_proto::evidence::{Evidence, State};
use touchstone_proto::ledger::{Emptying, Item, Offer};

use crate::random::Random;

/// Another holder or another end of an offer in the records, or the records left out.
pub fn custody(mut evidence: Evidence, donor: &Evidence, random: &mut Random) -> Option<Evidence> {
    let prefixes: [&[u8]; 3] = [b"item/", b"offer/", b"emptying/"];
    let is_about =
        |state: &State| state.value.is_some() && prefixes.iter().any(|p| state.key.starts_with(p));
    let (at, other) = pick(&evidence, donor, is_about, random)?;
    let key = evidence.states[at].key.clone();
    match random.below(4) {
        // The records of offers and emptyings are left out, one or all.
        0 => {
            let all = random.permille(500);
            let gone = |k: &[u8]| !k.starts_with(b"item/") && (all || k == key);
            evidence.states.retain(|state| !gone(&state.key));
        }
        // Another record's value in this one's place, with its proof or without.
        1 => exchange(&mut evidence.states[at], other?, random),
        // The same for one that the file doesn't need.
        2 => add(&mut evidence.states, other?),
        _ => {
            let value = evidence.states[at].value.as_mut()?;
            *value = told_otherwise(&key, value, random)?;
        }
    }
    Some(evidence)
}

/// The place of a record of these kinds, and one of the donor's, if it has any.
pub(super) fn pick(
    evidence: &Evidence,
    donor: &Evidence,
    is_about: impl Fn(&State) -> bool,
    random: &mut Random,
) -> Option<(usize, Option<State>)> {
    let places: Vec<usize> = (0..evidence.states.len())
        .filter(|at| is_about(&evidence.states[*at]))
        .collect();
    let at = *places.get(random.index(places.len()))?;
    let others: Vec<_> = donor.states.iter().filter(|s| is_about(s)).collect();
    let other = others.get(random.index(others.len())).map(|s| (*s).clone());
    Some((at, other))
}

/// Another record's value in this one's place, with its proof or without.
pub(super) fn exchange(state: &mut State, other: State, random: &mut Random) {
    state.value = other.value;
    if random.permille(500) {
        state.proof = other.proof;
    }
}

/// One record more, where it would stand.
pub(super) fn add(states: &mut Vec<State>, other: State) {
    states.push(other);
    states.sort_by(|a, b| a.key.cmp(&b.key));
    states.dedup_by(|a, b| a.key == b.key);
}

/// A record that says something else about who has what.
fn told_otherwise(key: &[u8], value: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    if key.starts_with(b"offer/") {
        let mut offer: Offer = decode_exact(value).ok()?;
        match random.below(4) {
            0 => offer.outcome = random.below(5) as i32,
            1 => std::mem::swap(&mut offer.from, &mut offer.to),
            2 => offer.discrepancy = "nothing was wrong".into(),
            _ => offer.deadline_ms += 1_000_000,
        }
        return Some(offer.encode_to_vec());
    }
    if key.starts_with(b"emptying/") {
        let mut emptying: Emptying = decode_exact(value).ok()?;
        emptying.custody.as_mut()?.holder = "market".into();
        return Some(emptying.encode_to_vec());
    }
    let mut record: Item = decode_exact(value).ok()?;
    match random.below(5) {
        0 => record.custody.as_mut()?.holder = "market".into(),
        1 => record.custody.as_mut()?.basis = 3,
        2 => record.claims.clear(),
        3 => record.packed = None,
        _ => record.offer.clear(),
    }
    Some(record.encode_to_vec())
}
