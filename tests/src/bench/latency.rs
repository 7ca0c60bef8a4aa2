//! Times of many answers.

use std::time::Instant;

use crate::load::percentile;

/// Runs of a piece of work; the median counts.
const RUNS: usize = 21;

/// How long a piece of work takes, milliseconds.
pub fn median_ms(mut work: impl FnMut()) -> f64 {
    let times = (0..RUNS).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64() * 1000.0
    });
    Latencies::new(times.collect()).p50()
}

/// Milliseconds, ascending.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<f64>);

impl Latencies {
    /// Of times in any order.
    pub fn new(mut times_ms: Vec<f64>) -> Latencies {
        times_ms.sort_by(f64::total_cmp);
        Latencies(times_ms)
    }

    /// All of several.
    pub fn together<'a>(each: impl Iterator<Item = &'a Latencies>) -> Latencies {
        Latencies::new(each.flat_map(|one| one.0.iter().copied()).collect())
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The median.
    pub fn p50(&self) -> f64 {
        percentile(&self.0, 0.5)
    }

    /// What one of a hundred exceeds.
    pub fn p99(&self) -> f64 {
        percentile(&self.0, 0.99)
    }
}
