//! When a checkpoint is due, and which blocks it covers.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Blocks of one checkpoint, at most: so many headers are read to make a stamp's path.
const MAX_BLOCKS: u64 = 10_000;
/// No pause between two tries is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// When an authority is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// So many blocks without a stamp are enough.
    pub every_blocks: u64,
    /// Or a transaction that has waited so long.
    pub every_ms: u64,
    /// No two requests to one authority follow closer.
    pub pause_ms: u64,
}

impl Default for Schedule {
    /// A transaction is stamped ten minutes after its block at the latest, which is at most some
    /// 150 requests a day; a busy chain is stamped oftener, so that a stamp's path stays short.
    /// Public authorities ask for a pause of this order between requests.
    fn default() -> Self {
        Schedule {
            every_blocks: 1000,
            every_ms: 600_000,
            pause_ms: 15_000,
        }
    }
}

/// What waits for a stamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WaitingRange {
    /// The last height that has one.
    pub covered: u64,
    /// The last block.
    pub tip: u64,
    /// Time of the first block above `covered` that holds a transaction, milliseconds.
    pub since_ms: Option<u64>,
}

impl WaitingRange {
    /// The heights of the next checkpoint: it begins where the last one ended.
    pub fn next_range(&self) -> RangeInclusive<u64> {
        let first = self.covered.saturating_add(1);
        first..=self.tip.min(self.covered.saturating_add(MAX_BLOCKS))
    }
}

/// When the next checkpoint is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Now.
    Now,
    /// In so many milliseconds, unless blocks come before.
    InMs(u64),
    /// Not before another block.
    WithBlocks,
}

impl Schedule {
    /// When the next checkpoint is due by a clock that shows `now_ms`. Blocks without transactions
    /// alone need none.
    pub fn due(&self, waiting: &WaitingRange, now_ms: u64) -> Due {
        let Some(since_ms) = waiting.since_ms else {
            return Due::WithBlocks;
        };
        let age_ms = now_ms.saturating_sub(since_ms);
        let blocks = waiting.tip.saturating_sub(waiting.covered);
        if blocks >= self.every_blocks || age_ms >= self.every_ms {
            return Due::Now;
        }
        Due::InMs(self.every_ms - age_ms)
    }

    /// How long to wait before the next request, after so many failures in a row.
    pub fn pause(&self, failures: u32) -> Duration {
        let shortest = Duration::from_millis(self.pause_ms);
        let doubled = failures.saturating_sub(1).min(31);
        shortest
            .saturating_mul(1 << doubled)
            .min(LONGEST_PAUSE.max(shortest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEDULE: Schedule = Schedule {
        every_blocks: 10,
        every_ms: 1000,
        pause_ms: 15_000,
    };

    #[test]
    fn a_checkpoint_is_due_after_blocks_or_time_and_never_for_empty_blocks() {
        let table = [
            // covered, tip, since, now, due
            (0, 0, None, 5000, Due::WithBlocks),
            (0, 500, None, 5000, Due::WithBlocks),
            (0, 1, Some(5000), 5000, Due::InMs(1000)),
            (0, 9, Some(5000), 5999, Due::InMs(1)),
            (0, 9, Some(5000), 6000, Due::Now),
            (0, 10, Some(5000), 5000, Due::Now),
            (90, 99, Some(5000), 5000, Due::InMs(1000)),
            (90, 100, Some(5000), 5000, Due::Now),
            // A block's time may be ahead of this clock.
            (0, 1, Some(9000), 5000, Due::InMs(1000)),
        ];
        for (covered, tip, since_ms, now_ms, due) in table {
            let waiting = WaitingRange {
                covered,
                tip,
                since_ms,
            };
            assert_eq!(SCHEDULE.due(&waiting, now_ms), due, "{waiting:?} {now_ms}");
        }
    }

    #[test]
    fn checkpoints_follow_each_other_and_are_bounded() {
        let range = |covered, tip| {
            let waiting = WaitingRange {
                covered,
                tip,
                since_ms: Some(0),
            };
            waiting.next_range()
        };
        assert_eq!(range(0, 1), 1..=1);
        assert_eq!(range(7, 10), 8..=10);
        assert_eq!(range(0, 10_000), 1..=10_000);
        assert_eq!(range(5, 1_000_000), 6..=10_005);
    }

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds = |failures| SCHEDULE.pause(failures).as_secs();
        let table = [(0, 15), (1, 15), (2, 30), (3, 60), (8, 1920), (9, 3600)];
        for (failures, expected) in table {
            assert_eq!(seconds(failures), expected, "{failures}");
        }
        assert_eq!(seconds(u32::MAX), 3600);
        let slow = Schedule {
            pause_ms: 7_200_000,
            ..SCHEDULE
        };
        assert_eq!(slow.pause(5).as_secs(), 7200);
    }
}
