//! Drawing jurors from a seed: a Fisher-Yates shuffle of their places, as far as it is needed. Each step takes a number
//! below a bound from a stream of SHA-256 values; numbers that would favour some places are dropped, so every order is
//! equally likely.
//!
//! Consensus-critical: yes

use std::collections::{BTreeMap, BTreeSet};

use crate::hash::{self, Hash, tag};

/// Numbers of 64 bits: `H("touchstone/review-stream/v1", seed ‖ be64(n))` for n = 0, 1, …, each as four of them,
/// big-endian.
struct Numbers<'a> {
    seed: &'a Hash,
    blocks: u64,
    /// Of the last block, the last one first.
    left: Vec<u64>,
}

impl Numbers<'_> {
    fn next(&mut self) -> u64 {
        loop {
            if let Some(number) = self.left.pop() {
                return number;
            }
            let parts: [&[u8]; 2] = [self.seed, &self.blocks.to_be_bytes()];
            let block = hash::tagged(tag::REVIEW_STREAM, &parts);
            let (numbers, _) = block.as_chunks::<8>();
            self.left = numbers
                .iter()
                .rev()
                .map(|n| u64::from_be_bytes(*n))
                .collect();
            self.blocks = self.blocks.wrapping_add(1);
        }
    }

    /// A number below `bound`, each equally likely. Of the 2^64 numbers the first 2^64 mod `bound` are dropped: as many
    /// are left for each remainder. A bound of 0 gives 0.
    fn below(&mut self, bound: u64) -> u64 {
        let dropped = bound.wrapping_neg().checked_rem(bound).unwrap_or_default();
        loop {
            let number = self.next();
            if number >= dropped {
                return number.checked_rem(bound).unwrap_or_default();
            }
        }
    }
}

/// The first `many` of `count` places in the order that a seed gives, those in `excluded` left out; fewer where there
/// aren't so many.
pub fn draw(seed: &Hash, count: u32, many: usize, excluded: &BTreeSet<u32>) -> Vec<u32> {
    let mut numbers = Numbers {
        seed,
        blocks: 0,
        left: Vec::new(),
    };
    // What stands at a place, where it isn't the place's own number any more.
    let mut moved: BTreeMap<u32, u32> = BTreeMap::new();
    let mut drawn = Vec::new();
    for place in 0..count {
        if drawn.len() >= many {
            break;
        }
        let left = u64::from(count.saturating_sub(place));
        let step = u32::try_from(numbers.below(left)).unwrap_or_default();
        let chosen = place.saturating_add(step);
        let at = |moved: &BTreeMap<u32, u32>, place| moved.get(&place).copied().unwrap_or(place);
        let juror = at(&moved, chosen);
        let other = at(&moved, place);
        moved.insert(chosen, other);
        if !excluded.contains(&juror) {
            drawn.push(juror);
        }
    }
    drawn
}

#[cfg(test)]
mod tests;
