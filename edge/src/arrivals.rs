//! How many connections a port accepts. One that asks and takes its answer doesn't count. Who comes for nothing waits
//! in the system's queue: it sheds a flood at no cost, and the flood's clients come more and more seldom (RFC 6298,
//! section 5). An owner of addresses that comes for nothing more often than one may takes no more of the port's rate,
//! and the system sheds a part of what it sends (`flooders`), so that others don't wait behind it.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::caller::owner_of;
use crate::flooders::{Flooders, Shed};
use crate::rate::{CallRate, RateBucket};

/// How often a port accepts a connection that comes for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArrivalRates {
    /// In all, of owners that are within their own rate.
    pub port: CallRate,
    /// Of each owner of addresses: an IPv4 address, or an IPv6 network of 64 bits.
    pub owner: CallRate,
    /// In all, of owners that are beyond it, and of those that are shed. A burst holds more than the system's queue:
    /// others may be behind them.
    pub beyond: CallRate,
}

impl Default for ArrivalRates {
    fn default() -> Self {
        ArrivalRates {
            port: CallRate {
                per_minute: 60 * 256,
                burst: 512,
            },
            // So little that a dozen owners don't use up the port's: what is within it sheds nobody.
            owner: CallRate {
                per_minute: 60 * 16,
                burst: 64,
            },
            // So many that who comes anew from a flood's own address is let in soon.
            beyond: CallRate {
                per_minute: 60 * 2048,
                burst: 4096,
            },
        }
    }
}

/// What a port may still accept.
#[derive(Debug)]
pub struct Arrivals {
    state: Mutex<State>,
    given_back: Notify,
}

#[derive(Debug)]
struct State {
    port: RateBucket,
    beyond: RateBucket,
    owners: Flooders,
}

/// A connection that was accepted.
#[derive(Debug)]
pub struct Arrival {
    arrivals: Arc<Arrivals>,
    owner: IpAddr,
    is_within: bool,
}

impl Arrivals {
    /// Whole bursts.
    pub fn new(rates: ArrivalRates) -> Arc<Arrivals> {
        let now = Instant::now();
        let state = State {
            port: RateBucket::new(rates.port, now),
            beyond: RateBucket::new(rates.beyond, now),
            owners: Flooders::new(rates.owner, rates.beyond.per_minute, now),
        };
        Arc::new(Arrivals {
            state: Mutex::new(state),
            given_back: Notify::new(),
        })
    }

    /// How long the next connection has to wait. Whose it is isn't known before.
    pub fn wait(&self) -> Duration {
        let now = Instant::now();
        let mut state = self.lock();
        state.port.wait(now).max(state.beyond.wait(now))
    }

    /// A connection from an address is accepted.
    pub fn take(self: &Arc<Self>, from: IpAddr) -> Arrival {
        let now = Instant::now();
        let owner = owner_of(from);
        let mut state = self.lock();
        let is_within = state.owners.take(owner, now);
        state.bucket(is_within).take(now);
        drop(state);
        Arrival {
            arrivals: self.clone(),
            owner,
            is_within,
        }
    }

    /// Resolves once there may be less to wait.
    pub async fn given_back(&self) {
        self.given_back.notified().await;
    }

    /// Whom the system sheds from now on, where that has changed. It is called once a second.
    pub(crate) fn sweep(&self, now: Instant) -> Option<Vec<Shed>> {
        self.lock().owners.sweep(now)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Buckets and counts are whole between any two calls.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Arrival {
    /// Whose it is: an IPv4 address, or an IPv6 network of 64 bits.
    pub fn owner(&self) -> IpAddr {
        self.owner
    }

    /// It came for something, and doesn't count.
    pub fn give_back(self) {
        let mut state = self.arrivals.lock();
        state.owners.give_back(self.owner, self.is_within);
        state.bucket(self.is_within).give_back();
        drop(state);
        self.arrivals.given_back.notify_one();
    }
}

impl State {
    fn bucket(&mut self, is_within: bool) -> &mut RateBucket {
        match is_within {
            true => &mut self.port,
            false => &mut self.beyond,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(port: u32, owner: u32, beyond: u32) -> ArrivalRates {
        let bursts = [port, owner, beyond].map(|burst| CallRate {
            per_minute: 1,
            burst,
        });
        let [port, owner, beyond] = bursts;
        ArrivalRates {
            port,
            owner,
            beyond,
        }
    }

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn who_is_beyond_its_rate_takes_no_more_of_the_ports() {
        let arrivals = Arrivals::new(rates(5, 3, 10));
        for _ in 0..12 {
            arrivals.take(address(1));
            assert!(arrivals.wait().is_zero());
        }
        // Nine of these were beyond it: one more may be.
        arrivals.take(address(2));
        assert!(arrivals.wait().is_zero());
        arrivals.take(address(1));
        assert!(!arrivals.wait().is_zero(), "others wait behind a flood");
    }

    #[test]
    fn owners_within_their_rates_take_the_ports() {
        let arrivals = Arrivals::new(rates(5, 3, 10));
        for last in 0..5 {
            assert!(arrivals.wait().is_zero());
            arrivals.take(address(last));
        }
        assert!(!arrivals.wait().is_zero());
    }

    #[test]
    fn what_is_given_back_goes_where_it_was_taken() {
        let arrivals = Arrivals::new(rates(2, 1, 2));
        let within = [arrivals.take(address(1)), arrivals.take(address(2))];
        assert!(!arrivals.wait().is_zero());
        for arrival in within {
            arrival.give_back();
        }
        assert!(arrivals.wait().is_zero());
        // The owner's own is back as well.
        let _first = arrivals.take(address(1));
        let beyond = [arrivals.take(address(1)), arrivals.take(address(1))];
        assert!(!arrivals.wait().is_zero());
        for arrival in beyond {
            arrival.give_back();
        }
        assert!(arrivals.wait().is_zero());
        arrivals.take(address(3));
        assert!(!arrivals.wait().is_zero(), "they gave the port nothing");
    }

    /// Else two that come as often as the port accepts would be within their rates, and others would wait behind them.
    #[test]
    fn owners_that_flood_together_are_shed() {
        for owners in [1, 2, 7] {
            let arrivals = Arrivals::new(ArrivalRates::default());
            for last in (0..owners).cycle().take(10_000) {
                if !arrivals.wait().is_zero() {
                    break;
                }
                arrivals.take(address(last));
            }
            let second = Instant::now() + Duration::from_secs(1);
            let shed = arrivals.sweep(second).unwrap_or_default();
            assert_eq!(shed.len(), usize::from(owners));
        }
    }

    #[test]
    fn an_ipv6_network_is_one_owner() {
        let arrivals = Arrivals::new(rates(9, 1, 2));
        for last in 1..4u16 {
            arrivals.take(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, last]));
        }
        assert!(!arrivals.wait().is_zero());
        let second = Instant::now() + Duration::from_secs(1);
        let shed = arrivals.sweep(second).unwrap();
        let owner = IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0]);
        assert_eq!(shed.len(), 1);
        assert_eq!(shed[0].owner, owner);
    }
}
