//! How much of what the chain's parameters allow a proposer puts in its block. Validators take
//! their time to check a large one; if that is longer than a round, the block isn't decided in it
//! and everybody's work was in vain. What they manage depends on machines, load and network, so it
//! is found as TCP finds what a path carries (RFC 5681 §3.1): a little more after each success,
//! half after each failure. A proposer learns from its own blocks alone, so that no other validator
//! can talk it into small ones.

use touchstone_proto::ledger::Parameters;

use crate::chain::BlockLimits;

/// Parts that a block's limits are counted in.
const PARTS: u64 = 64;
/// Parts that a proposer begins with, and by which it grows.
const FIRST: u64 = PARTS / 4;
const STEP: u64 = 2;

/// How large a proposer's blocks are: its part of the limits, in [`PARTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockSize(u64);

impl Default for BlockSize {
    fn default() -> Self {
        BlockSize(FIRST)
    }
}

impl BlockSize {
    /// That part of what the chain allows.
    pub fn of(self, parameters: &Parameters) -> BlockLimits {
        let part = |of: u64| (of.saturating_mul(self.0) / PARTS).max(1);
        let whole = BlockLimits::of(parameters);
        BlockLimits {
            bytes: part(whole.bytes),
            transactions: part(whole.transactions),
        }
    }

    /// An own block of this size was decided in the round that it was proposed for.
    pub fn decided(&mut self) {
        self.0 = (self.0 + STEP).min(PARTS);
    }

    /// It wasn't.
    pub fn failed(&mut self) {
        self.0 = (self.0 / 2).max(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_slowly_and_shrinks_fast_within_bounds() {
        let parameters = Parameters {
            max_block_bytes: 6400,
            max_block_transactions: 640,
            ..Parameters::default()
        };
        let limits = |size: BlockSize| {
            let BlockLimits {
                bytes,
                transactions,
            } = size.of(&parameters);
            (bytes, transactions)
        };
        let mut size = BlockSize::default();
        assert_eq!(limits(size), (1600, 160));
        size.decided();
        assert_eq!(limits(size), (1800, 180));
        for _ in 0..PARTS {
            size.decided();
        }
        assert_eq!(limits(size), (6400, 640), "all that the chain allows");
        size.failed();
        assert_eq!(limits(size), (3200, 320));
        for _ in 0..PARTS {
            size.failed();
        }
        assert_eq!(limits(size), (100, 10), "something always goes on");
    }
}
