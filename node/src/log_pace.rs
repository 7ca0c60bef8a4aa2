//! How often the log is told of what strangers can bring about again and again: a kind once an interval, with how many
//! were left untold.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::{Duration, Instant};

/// One line for each kind in this time.
pub const INTERVAL: Duration = Duration::from_secs(10);

/// The last line of each kind.
#[derive(Debug)]
pub struct LogPace<K> {
    lines: HashMap<K, Count>,
}

/// A number since a moment.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    since: Instant,
    /// So many.
    pub number: u64,
}

impl<K> Default for LogPace<K> {
    fn default() -> Self {
        LogPace {
            lines: HashMap::new(),
        }
    }
}

impl<K: Eq + Hash> LogPace<K> {
    /// Whether to tell of one of this kind, and how many were not told since the last line.
    pub fn line(&mut self, kind: K, now: Instant) -> Option<u64> {
        let line = self.lines.get_mut(&kind);
        if let Some(line) = line.filter(|line| !line.is_over(now)) {
            line.number = line.number.saturating_add(1);
            return None;
        }
        let last = self.lines.insert(kind, Count::from(now));
        Some(last.map_or(0, |line| line.number))
    }

    /// Whether this kind may have a line of its own where so many may: those of an interval ago make room.
    pub fn has_room(&mut self, kind: &K, most: usize, now: Instant) -> bool {
        if self.lines.len() >= most && !self.lines.contains_key(kind) {
            self.lines.retain(|_, line| !line.is_over(now));
            return self.lines.len() < most;
        }
        true
    }

    /// How many kinds have a line.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.lines.len()
    }
}

impl Count {
    /// Whether its interval has passed.
    pub fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= INTERVAL
    }
}

impl From<Instant> for Count {
    /// None yet.
    fn from(since: Instant) -> Count {
        Count { since, number: 0 }
    }
}
