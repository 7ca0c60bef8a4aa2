//! How many connections a port accepts. One that asks and takes its answer doesn't count. Who comes for nothing waits
//! in the system's queue: it sheds a flood at no cost, and the flood's clients come more and more seldom (RFC 6298,
//! section 5).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::rate::{CallRate, RateBucket};

/// What a port may still accept.
#[derive(Debug)]
pub struct Arrivals {
    bucket: Mutex<RateBucket>,
    given_back: Notify,
}

impl Arrivals {
    /// A whole burst.
    pub fn new(rate: CallRate) -> Arrivals {
        Arrivals {
            bucket: Mutex::new(RateBucket::new(rate, Instant::now())),
            given_back: Notify::new(),
        }
    }

    /// How long the next connection has to wait.
    pub fn wait(&self) -> Duration {
        self.lock().wait(Instant::now())
    }

    /// A connection is accepted.
    pub fn take(&self) {
        self.lock().take(Instant::now());
    }

    /// A connection doesn't count.
    pub fn give_back(&self) {
        self.lock().give_back();
        self.given_back.notify_one();
    }

    /// Resolves once there may be less to wait.
    pub async fn given_back(&self) {
        self.given_back.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, RateBucket> {
        // The bucket is whole between any two calls.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
