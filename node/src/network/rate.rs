//! How much a peer may send: a token bucket of messages and one of bytes.

use tokio::time::{Duration, Instant};

/// What one peer may send before it is disconnected. A bucket starts full, so a burst is allowed;
/// over time only the rate is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Messages per second.
    pub messages_per_second: u32,
    /// Bytes per second.
    pub bytes_per_second: u32,
    /// How many seconds' worth a full bucket holds.
    pub burst_seconds: u32,
}

impl Rate {
    /// Messages that a full bucket holds.
    fn burst_messages(&self) -> f64 {
        f64::from(self.messages_per_second) * f64::from(self.burst_seconds)
    }

    /// Bytes that a full bucket holds.
    pub(super) fn burst_bytes(&self) -> f64 {
        f64::from(self.bytes_per_second) * f64::from(self.burst_seconds)
    }
}

/// What one peer may still send at once.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    messages: f64,
    bytes: f64,
    filled_at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn full(rate: Rate, now: Instant) -> Bucket {
        Bucket {
            rate,
            messages: rate.burst_messages(),
            bytes: rate.burst_bytes(),
            filled_at: now,
        }
    }

    /// Takes the cost of something received; false, taking nothing, if the bucket does not hold it.
    pub fn take(&mut self, messages: u32, bytes: usize, now: Instant) -> bool {
        self.refill(now.saturating_duration_since(self.filled_at));
        self.filled_at = now;
        // A length fits 53 bits: every one is bounded by a frame limit far below that.
        let (messages, bytes) = (f64::from(messages), bytes as f64);
        if self.messages < messages || self.bytes < bytes {
            return false;
        }
        self.messages -= messages;
        self.bytes -= bytes;
        true
    }

    fn refill(&mut self, passed: Duration) {
        let seconds = passed.as_secs_f64();
        self.messages = self
            .rate
            .burst_messages()
            .min(self.messages + seconds * f64::from(self.rate.messages_per_second));
        self.bytes = self
            .rate
            .burst_bytes()
            .min(self.bytes + seconds * f64::from(self.rate.bytes_per_second));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate {
        messages_per_second: 10,
        bytes_per_second: 100,
        burst_seconds: 2,
    };

    #[test]
    fn a_bucket_holds_its_burst_and_refills_at_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start);
        // (milliseconds since the start, messages, bytes, allowed)
        let steps = [
            (0, 20, 0, true),
            (0, 1, 0, false),
            (99, 1, 0, false),
            (100, 1, 0, true),
            (100, 0, 200, true),
            (100, 0, 1, false),
            (1100, 10, 100, true),
            (1100, 1, 0, false),
            (60_000, 21, 0, false),
            (60_000, 20, 201, false),
            (60_000, 20, 200, true),
        ];
        for (at, messages, bytes, allowed) in steps {
            let now = start + Duration::from_millis(at);
            assert_eq!(
                bucket.take(messages, bytes, now),
                allowed,
                "{messages} messages of {bytes} bytes at {at} ms"
            );
        }
    }

    #[test]
    fn a_clock_reading_from_before_adds_nothing() {
        let start = Instant::now();
        let mut bucket = Bucket::full(RATE, start + Duration::from_secs(5));
        assert!(bucket.take(20, 0, start + Duration::from_secs(5)));
        assert!(!bucket.take(1, 0, start));
    }
}
