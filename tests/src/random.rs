//! The only source of chance: xoshiro256** seeded by SplitMix64 (Blackman and Vigna, public
//! domain). Equal seeds give equal runs, on every machine.

/// A seeded generator.
#[derive(Clone, Debug)]
pub struct Random([u64; 4]);

impl Random {
    /// A generator whose numbers depend on the seed alone.
    pub fn new(seed: u64) -> Random {
        let mut state = seed;
        let mut word = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            mix(state)
        };
        Random([word(), word(), word(), word()])
    }

    /// A generator of its own for one purpose, so that using it doesn't shift the others.
    pub fn fork(&mut self) -> Random {
        Random::new(self.word())
    }

    /// 64 even bits.
    pub fn word(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// From 0 to `bound - 1`; 0 for an empty range. (The bias of the remainder is of no
    /// consequence for bounds this small.)
    pub fn below(&mut self, bound: u64) -> u64 {
        match bound {
            0 => 0,
            bound => self.word() % bound,
        }
    }

    /// An index of a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// True in so many of a thousand cases.
    pub fn permille(&mut self, chance: u64) -> bool {
        self.below(1000) < chance
    }

    /// 32 bytes.
    pub fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        for chunk in bytes.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.word().to_le_bytes());
        }
        bytes
    }

    /// The indices below `count` in any order.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, self.index(last + 1));
        }
        order
    }
}

/// SplitMix64's finaliser: every bit of the input moves every bit of the output.
pub fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::Random;

    /// Seeds in bug reports must mean the same run for ever.
    #[test]
    fn numbers_of_a_seed_are_fixed() {
        let mut random = Random::new(1);
        let numbers: Vec<u64> = (0..3).map(|_| random.word()).collect();
        let mut again = Random::new(1);
        assert_eq!(numbers, (0..3).map(|_| again.word()).collect::<Vec<_>>());
        assert_ne!(numbers[0], Random::new(2).word());
        let order = random.order(7);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..7).collect::<Vec<_>>());
    }
}
