//! Owners of addresses whose connections come for nothing more often than they may. The system drops a part of their
//! SYNs (`syn_filter`), so that no handshake is made, and their clients come more and more seldom (RFC 6298, section
//! 5). Only connections that were accepted count: a forged address sheds nobody.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::rate::{CallRate, RateBucket};

/// Owners that are told apart. Those beyond have no rate of their own.
const OWNERS: usize = 4096;
/// Owners that are shed at once: each SYN is compared with all of them.
const SHED: usize = 64;
/// One SYN of 4096 passes at least, so that who stops flooding is found out.
const MOST_HALVINGS: u32 = 12;
/// Who comes is counted for so long at least.
const SECOND: Duration = Duration::from_secs(1);
/// Parts of a connection that are counted: each millisecond gives as many as may come in a minute.
const PART: u64 = 60_000;

/// An owner of whose SYNs one of 2^`halvings` passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Shed {
    /// As `owner_of` counts addresses.
    pub owner: IpAddr,
    pub halvings: u32,
}

/// How often each owner comes to a port.
#[derive(Debug)]
pub(crate) struct Flooders {
    /// What each may.
    rate: CallRate,
    /// How often all that are beyond it may come together, in a minute.
    beyond: u32,
    owners: HashMap<IpAddr, Visits>,
    swept: Instant,
    shed: Vec<Shed>,
}

#[derive(Debug)]
struct Visits {
    bucket: RateBucket,
    /// Connections for nothing since the last sweep.
    came: u32,
    /// Whether one of these was beyond the rate.
    is_beyond: bool,
    halvings: u32,
    /// When it came too often last.
    exceeded: Instant,
}

impl Flooders {
    /// Nobody yet. Each has this rate, and who is beyond it shares so many times a minute with all others that are.
    pub fn new(rate: CallRate, beyond: u32, now: Instant) -> Flooders {
        Flooders {
            rate,
            beyond,
            owners: HashMap::new(),
            swept: now,
            shed: Vec::new(),
        }
    }

    /// A connection of an owner is accepted; whether it is within the owner's rate, which nothing is of who is shed.
    pub fn take(&mut self, owner: IpAddr, now: Instant) -> bool {
        if self.owners.len() >= OWNERS && !self.owners.contains_key(&owner) {
            return true;
        }
        let rate = self.rate;
        let visits = self.owners.entry(owner).or_insert_with(|| Visits {
            bucket: RateBucket::new(rate, now),
            came: 0,
            is_beyond: false,
            halvings: 0,
            exceeded: now,
        });
        visits.came = visits.came.saturating_add(1);
        // What passes of who is shed takes nothing of what others have.
        let is_within = visits.halvings == 0 && visits.bucket.wait(now).is_zero();
        match is_within {
            true => visits.bucket.take(now),
            false => visits.is_beyond = true,
        }
        is_within
    }

    /// A connection came for something after all.
    pub fn give_back(&mut self, owner: IpAddr, was_within: bool) {
        if let Some(visits) = self.owners.get_mut(&owner) {
            visits.came = visits.came.saturating_sub(1);
            if was_within {
                visits.bucket.give_back();
            }
        }
    }

    /// Who is shed from now on, where that has changed. It is called once a second.
    pub fn sweep(&mut self, now: Instant) -> Option<Vec<Shed>> {
        let passed = now.saturating_duration_since(self.swept).max(SECOND);
        self.swept = now;
        let passed_ms = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX);
        let may = passed_ms.saturating_mul(u64::from(self.each()));
        for visits in self.owners.values_mut() {
            let came = u64::from(std::mem::take(&mut visits.came)) * PART;
            let is_beyond = std::mem::take(&mut visits.is_beyond);
            // A burst is nobody's fault.
            if !is_beyond && visits.halvings == 0 {
                continue;
            }
            visits.halvings = halvings_after(visits.halvings, came, may);
            if came > may {
                visits.exceeded = now;
            }
        }
        self.forget_oldest();
        self.owners
            .retain(|_, visits| visits.halvings > 0 || !visits.bucket.is_full(now));
        let owners = self.owners.iter();
        let mut shed: Vec<Shed> = owners
            .filter(|(_, visits)| visits.halvings > 0)
            .map(|(owner, visits)| Shed {
                owner: *owner,
                halvings: visits.halvings,
            })
            .collect();
        shed.sort();
        let has_changed = shed != self.shed;
        self.shed.clone_from(&shed);
        has_changed.then_some(shed)
    }

    /// How often each that is beyond its rate may come in a minute: its share of half of what all of these may. Of a
    /// flood that fills the system's queue no more is accepted than the whole, so that it is known by more than half.
    fn each(&self) -> u32 {
        let owners = self.owners.values();
        let beyond = owners.filter(|visits| visits.is_beyond || visits.halvings > 0);
        let count = u32::try_from(beyond.count()).unwrap_or(u32::MAX);
        self.beyond / 2 / count.max(1)
    }

    /// Sheds no more owners than may be: those who came too often last.
    fn forget_oldest(&mut self) {
        let mut shed: Vec<(Reverse<Instant>, &IpAddr, &mut u32)> = self
            .owners
            .iter_mut()
            .filter(|(_, visits)| visits.halvings > 0)
            .map(|(owner, visits)| (Reverse(visits.exceeded), owner, &mut visits.halvings))
            .collect();
        shed.sort();
        for (_, _, halvings) in shed.into_iter().skip(SHED) {
            *halvings = 0;
        }
    }
}

/// The rule: how many halvings follow a time in which so many passed, and so many may, in parts of a connection. As
/// many more as halve it to that, one at least; as many fewer as double it to that. Where none has passed, one may have
/// been about to.
fn halvings_after(halvings: u32, came: u64, may: u64) -> u32 {
    let times = |more: u64, less: u64| more.checked_div(less).unwrap_or(u64::MAX);
    let doublings = |times: u64| times.checked_ilog2().unwrap_or(0);
    if came > may {
        let more = doublings(times(came, may)).max(1);
        return halvings.saturating_add(more).min(MOST_HALVINGS);
    }
    let fewer = doublings(times(may, came.max(PART)));
    halvings.saturating_sub(match came {
        0 => fewer.max(1),
        _ => fewer,
    })
}

#[cfg(test)]
mod tests;
