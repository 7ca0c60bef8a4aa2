//! How often something may be done: a bucket, which fills again at a steady rate. A port has one for the connections
//! that it accepts. A port for everybody has one of calls for each address besides, so that nobody reads out by many
//! questions what one question doesn't tell.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often something may be done, such as an address ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallRate {
    /// Times in a minute, in the long run.
    pub per_minute: u32,
    /// Times at once, after a pause.
    pub burst: u32,
}

/// What may still be done at a rate.
#[derive(Debug)]
pub struct RateBucket {
    rate: CallRate,
    left: Left,
}

impl RateBucket {
    /// A full one.
    pub fn new(rate: CallRate, now: Instant) -> RateBucket {
        RateBucket {
            rate,
            left: Left::full(rate, now),
        }
    }

    /// How long the next time has to wait.
    pub fn wait(&mut self, now: Instant) -> Duration {
        self.left.fill(self.rate, now);
        self.left.wait(self.rate)
    }

    /// Counts one, whether it had to wait or not.
    pub fn take(&mut self, now: Instant) {
        self.left.fill(self.rate, now);
        self.left.parts = self.left.parts.saturating_sub(PART);
    }

    /// Whether nothing of it was used lately.
    pub fn is_full(&mut self, now: Instant) -> bool {
        self.left.fill(self.rate, now);
        self.left.parts >= capacity(self.rate)
    }

    /// One that was counted needn't have been.
    pub fn give_back(&mut self) {
        let parts = self.left.parts.saturating_add(PART);
        self.left.parts = parts.min(capacity(self.rate));
    }
}

/// Addresses that are told apart. Where more ask within a minute, the others share one bucket.
const ADDRESSES: usize = 1 << 16;
/// Parts of a call that are counted.
const PART: u64 = 60_000;

/// What the addresses of a port may still ask.
#[derive(Debug)]
pub struct CallRates {
    rate: CallRate,
    state: Mutex<Buckets>,
}

#[derive(Debug)]
struct Buckets {
    known: HashMap<IpAddr, Left>,
    others: Left,
}

/// What is left in a bucket, in parts of a call: each millisecond gives as many as there are calls in a minute.
#[derive(Clone, Copy, Debug)]
struct Left {
    parts: u64,
    at: Instant,
}

impl CallRates {
    /// All buckets are full.
    pub fn new(rate: CallRate, now: Instant) -> CallRates {
        CallRates {
            rate,
            state: Mutex::new(Buckets {
                known: HashMap::new(),
                others: Left::full(rate, now),
            }),
        }
    }

    /// Takes a call; else how long the address has to wait for the next one.
    pub fn take(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut state = self.lock();
        let is_known = state.known.contains_key(&address) || state.known.len() < ADDRESSES;
        let left = match is_known {
            true => state
                .known
                .entry(address)
                .or_insert_with(|| Left::full(self.rate, now)),
            false => &mut state.others,
        };
        left.fill(self.rate, now);
        match left.parts.checked_sub(PART) {
            Some(rest) => {
                left.parts = rest;
                Ok(())
            }
            None => Err(left.wait(self.rate)),
        }
    }

    /// Forgets the addresses whose buckets are full again.
    pub fn sweep(&self, now: Instant) {
        let rate = self.rate;
        self.lock().known.retain(|_, left| {
            left.fill(rate, now);
            left.parts < capacity(rate)
        });
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        // Buckets are whole between any two calls.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Left {
    fn full(rate: CallRate, at: Instant) -> Left {
        let parts = capacity(rate);
        Left { parts, at }
    }

    /// How long one has to wait.
    fn wait(&self, rate: CallRate) -> Duration {
        let missing = PART.saturating_sub(self.parts);
        let per_ms = u64::from(rate.per_minute).max(1);
        Duration::from_millis(missing.div_ceil(per_ms))
    }

    fn fill(&mut self, rate: CallRate, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        let gained = passed.saturating_mul(u64::from(rate.per_minute));
        self.parts = self.parts.saturating_add(gained).min(capacity(rate));
        self.at = self.at.max(now);
    }
}

fn capacity(rate: CallRate) -> u64 {
    u64::from(rate.burst.max(1)) * PART
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: CallRate = CallRate {
        per_minute: 60,
        burst: 3,
    };

    fn address(number: u32) -> IpAddr {
        IpAddr::from(number.to_be_bytes())
    }

    #[test]
    fn an_address_asks_in_bursts_and_then_at_its_rate() {
        let start = Instant::now();
        let rates = CallRates::new(RATE, start);
        let at = |ms| start + Duration::from_millis(ms);
        for _ in 0..3 {
            assert_eq!(rates.take(address(1), start), Ok(()));
        }
        let wait = |ms| Err(Duration::from_millis(ms));
        assert_eq!(rates.take(address(1), start), wait(1000));
        assert_eq!(rates.take(address(1), at(400)), wait(600));
        // What is refused costs nothing.
        assert_eq!(rates.take(address(1), at(1000)), Ok(()));
        assert_eq!(rates.take(address(1), at(1000)), wait(1000));
        assert_eq!(rates.take(address(2), start), Ok(()), "another's");
        for _ in 0..3 {
            assert_eq!(rates.take(address(1), at(60_000)), Ok(()));
        }
        assert!(
            rates.take(address(1), at(60_000)).is_err(),
            "no more than a burst"
        );
    }

    #[test]
    fn a_bucket_says_how_long_to_wait_and_takes_back() {
        let start = Instant::now();
        let mut bucket = RateBucket::new(RATE, start);
        for _ in 0..3 {
            assert_eq!(bucket.wait(start), Duration::ZERO);
            bucket.take(start);
        }
        assert_eq!(bucket.wait(start), Duration::from_secs(1));
        bucket.give_back();
        assert_eq!(bucket.wait(start), Duration::ZERO);
        for _ in 0..9 {
            bucket.give_back();
        }
        (0..3).for_each(|_| bucket.take(start));
        assert!(!bucket.wait(start).is_zero(), "no more than a burst");
        let later = start + Duration::from_secs(1);
        assert_eq!(bucket.wait(later), Duration::ZERO);
    }

    #[test]
    fn addresses_are_forgotten_and_bounded() {
        let start = Instant::now();
        let rates = CallRates::new(RATE, start);
        for number in 0..70_000 {
            // Those beyond the bound share one bucket.
            assert_eq!(
                rates.take(address(number), start).is_ok(),
                number < ADDRESSES as u32 + 3
            );
        }
        assert_eq!(rates.lock().known.len(), ADDRESSES);
        rates.sweep(start + Duration::from_millis(999));
        assert_eq!(rates.lock().known.len(), ADDRESSES);
        rates.sweep(start + Duration::from_millis(1000));
        assert!(rates.lock().known.is_empty());
    }
}
