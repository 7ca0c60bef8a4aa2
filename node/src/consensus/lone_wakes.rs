//! Validators whose word alone began heights in which there was nothing to agree on. One that is dishonest could keep
//! an idle chain making empty blocks so, at the cost of a vote each: all would begin the height and ask the proposer
//! for a block. An honest one begins a height alone for a transaction that only its node has. It is the proposer within
//! twice as many heights as there are validators, as every other turn may be another's (ADR 76): so many are free. For
//! each further one the pause doubles (ADR 83).

use std::collections::BTreeMap;

use touchstone_core::governance::validators::ValidatorSet;

/// The first pause, milliseconds.
const FIRST_MS: u64 = 1_000;

/// How often it is doubled at most: no heartbeat is longer than that.
const MAX_DOUBLINGS: u32 = 16;

/// Who began heights in vain.
#[derive(Debug, Default)]
pub struct LoneWakes {
    /// Whose word alone has begun the running height.
    waker: Option<[u8; 32]>,
    in_vain: BTreeMap<[u8; 32], Vain>,
}

/// What came of one validator's word.
#[derive(Clone, Copy, Debug, Default)]
struct Vain {
    /// Heights in a row.
    heights: u32,
    /// When the last one ended, milliseconds.
    ended_ms: u64,
    /// How long its word alone begins none from then on, milliseconds.
    pause_ms: u64,
}

impl LoneWakes {
    /// Whether this validator's word alone begins no height now.
    pub fn pauses(&self, validator: &[u8; 32], now_ms: u64) -> bool {
        let vain = self.in_vain.get(validator);
        // A clock that was set back ends a pause.
        let waited_ms = vain.and_then(|vain| now_ms.checked_sub(vain.ended_ms));
        vain.zip(waited_ms)
            .is_some_and(|(vain, waited_ms)| waited_ms < vain.pause_ms)
    }

    /// This validator's word alone begins a height.
    pub fn woke(&mut self, validator: [u8; 32]) {
        self.waker = Some(validator);
    }

    /// A height has ended with a block, which was empty or not. `set` are the validators now. No pause is longer than
    /// the heartbeat, which begins a height anyway.
    pub fn height_left(
        &mut self,
        is_empty: bool,
        set: &ValidatorSet,
        now_ms: u64,
        heartbeat_ms: u64,
    ) {
        self.in_vain
            .retain(|validator, _| set.get(validator).is_some());
        let Some(waker) = self.waker.take() else {
            return;
        };
        if !is_empty {
            self.in_vain.remove(&waker);
            return;
        }
        let vain = self.in_vain.entry(waker).or_default();
        vain.heights = vain.heights.saturating_add(1);
        vain.ended_ms = now_ms;
        let free = u32::try_from(2 * set.iter().len()).unwrap_or(u32::MAX);
        let beyond = vain.heights.checked_sub(free);
        vain.pause_ms = beyond.map_or(0, |beyond| {
            let doubled = FIRST_MS.saturating_mul(1 << beyond.min(MAX_DOUBLINGS));
            doubled.min(heartbeat_ms)
        });
    }
}

#[cfg(test)]
mod tests {
    use touchstone_core::governance::validators::Validator;

    use super::*;

    fn set() -> ValidatorSet {
        let validators = (1..=4u8).map(|seed| Validator {
            public_key: ed25519_dalek::SigningKey::from_bytes(&[seed; 32])
                .verifying_key()
                .to_bytes(),
            power: 1,
            organisation: seed.to_string(),
        });
        ValidatorSet::new(validators.collect(), 1).unwrap()
    }

    #[test]
    fn twice_as_many_as_validators_are_free_and_then_pauses_double() {
        let set = set();
        let keys: Vec<[u8; 32]> = set.iter().map(|v| v.public_key).collect();
        let mut wakes = LoneWakes::default();
        let mut pauses = Vec::new();
        for _ in 0..16 {
            wakes.woke(keys[0]);
            wakes.height_left(true, &set, 1_000, 60_000);
            let is_over = |ms: &u64| !wakes.pauses(&keys[0], 1_000 + ms);
            pauses.extend((0..=60_000).step_by(1_000).find(is_over));
        }
        assert_eq!(
            pauses,
            [0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60].map(|s| s * 1_000)
        );
        assert!(!wakes.pauses(&keys[1], 1_000), "another one's");
        assert!(!wakes.pauses(&keys[0], 999), "the clock was set back");
        // What begins otherwise, or with something in it, isn't in vain.
        wakes.height_left(true, &set, 2_000, 60_000);
        assert!(wakes.pauses(&keys[0], 2_000));
        wakes.woke(keys[0]);
        wakes.height_left(false, &set, 3_000, 60_000);
        assert!(!wakes.pauses(&keys[0], 3_000));
    }

    #[test]
    fn who_is_no_validator_any_more_is_forgotten() {
        let set = set();
        let mut wakes = LoneWakes::default();
        wakes.woke([9; 32]);
        wakes.height_left(true, &set, 1, 60_000);
        wakes.height_left(true, &set, 2, 60_000);
        assert!(wakes.in_vain.is_empty());
    }
}
