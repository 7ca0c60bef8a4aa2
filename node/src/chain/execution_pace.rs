//! How fast this node executes transactions, as it has measured itself. It says what a proposer of ours takes from the
//! pool, and never what a block may hold: no two nodes measure the same.

use std::time::Instant;

/// The moment of a block that a flood may take, microseconds. What it takes is executed by the proposer, then by the
/// others, then written, and who comes meanwhile waits for that block and for its own. Most transactions of a flood
/// take longer than this, so that they come with some blocks and not with each: a block with one costs others twice
/// its usual time, and seldom two of them one after the other.
const MOMENT_US: u64 = 500;
/// Bytes of transactions below which a measurement says more of a block than of its transactions.
const LEAST_BYTES: u64 = 16 << 10;
/// The part that a new measurement has.
const PART: u64 = 8;
/// What is executed in a moment at least, bytes.
const LEAST: u64 = 4 << 10;

/// What was measured.
#[derive(Debug, Default)]
pub struct ExecutionPace {
    /// The clock; none where nothing is measured, as in the simulation.
    clock: Option<fn() -> Instant>,
    /// Microseconds for a MiB of transactions.
    us_per_mib: Option<u64>,
}

impl ExecutionPace {
    /// Measures by a clock.
    pub fn by(clock: fn() -> Instant) -> ExecutionPace {
        ExecutionPace {
            clock: Some(clock),
            us_per_mib: None,
        }
    }

    /// An execution begins.
    pub fn begin(&self) -> Option<Instant> {
        self.clock.map(|clock| clock())
    }

    /// The execution of so many bytes of transactions that began then ends.
    pub fn end(&mut self, began: Option<Instant>, bytes: u64) {
        let (Some(began), Some(clock)) = (began, self.clock) else {
            return;
        };
        let took = clock().saturating_duration_since(began);
        self.observe(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), bytes);
    }

    fn observe(&mut self, took_us: u64, bytes: u64) {
        if bytes < LEAST_BYTES {
            return;
        }
        let scaled = took_us.saturating_mul(1 << 20);
        let new = scaled.checked_div(bytes).unwrap_or_default().max(1);
        let known = self.us_per_mib.unwrap_or(new);
        let rest = known.saturating_mul(PART - 1);
        self.us_per_mib = Some((rest.saturating_add(new) / PART).max(1));
    }

    /// Bytes of transactions that are executed in a moment, if this is known.
    pub fn bytes_in_a_moment(&self) -> Option<u64> {
        let bytes = (MOMENT_US << 20).checked_div(self.us_per_mib?)?;
        Some(bytes.max(LEAST))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_holds_what_was_measured() {
        let mut pace = ExecutionPace::default();
        assert!(pace.begin().is_none());
        pace.end(None, 1 << 20);
        assert_eq!(pace.bytes_in_a_moment(), None, "nothing is measured");
        pace.observe(50_000, LEAST_BYTES - 1);
        assert_eq!(pace.bytes_in_a_moment(), None, "too little to say anything");
        pace.observe(10 * MOMENT_US, 1 << 20);
        assert_eq!(pace.bytes_in_a_moment(), Some((1 << 20) / 10));
        // Twice as slow from now on: it is learnt step by step.
        for _ in 0..100 {
            pace.observe(20 * MOMENT_US, 1 << 20);
        }
        let slow = pace.bytes_in_a_moment().unwrap();
        assert!(slow.abs_diff((1 << 20) / 20) < 100, "{slow}");
        for _ in 0..100 {
            pace.observe(u64::MAX, 1 << 20);
        }
        assert_eq!(pace.bytes_in_a_moment(), Some(LEAST));
    }

    /// Ten times as long for each block was others' wait.
    #[test]
    fn a_moment_is_half_a_millisecond() {
        let mut pace = ExecutionPace::default();
        pace.observe(10_000, 1 << 20);
        assert_eq!(pace.bytes_in_a_moment(), Some((1 << 20) / 20));
    }

    #[test]
    fn a_clock_is_asked_where_there_is_one() {
        let mut pace = ExecutionPace::by(Instant::now);
        let began = pace.begin();
        assert!(began.is_some());
        pace.end(began, 1 << 20);
        assert!(pace.bytes_in_a_moment().is_some());
    }
}
