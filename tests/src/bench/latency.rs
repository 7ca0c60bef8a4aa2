//! Times of many answers.

use crate::load::percentile;

/// Milliseconds, ascending.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<f64>);

impl Latencies {
    /// Of times in any order.
    pub fn new(mut times_ms: Vec<f64>) -> Latencies {
        times_ms.sort_by(f64::total_cmp);
        Latencies(times_ms)
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
