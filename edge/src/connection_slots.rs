//! Connection slots: so many at once, in total and for each address. Where none is left, the one whose owner has kept
//! us waiting longest gives way: first within the address that asks, if that address has its share; else
//! within the address that has most. A flood so displaces itself, and a newcomer that speaks finds a slot. Where we
//! work for all of them, one of the address that has most gives way to an address that has fewer: two addresses with
//! long questions would otherwise hold all slots.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio_util::sync::CancellationToken;

/// ConnectionSlots of one kind.
#[derive(Debug)]
pub struct ConnectionSlots {
    limit: usize,
    per_address: usize,
    state: Mutex<State>,
}

/// A slot that is taken; dropped, it is free again.
#[derive(Debug)]
pub struct ConnectionSlot {
    slots: Arc<ConnectionSlots>,
    number: u64,
    closing: CancellationToken,
}

/// No slot is left, and none that is taken waits for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// The address has its share.
    #[error("{0} at once from one address, the most that are served, are all busy")]
    Address(usize),
    /// All are taken.
    #[error("{0} at once, the most that are served, are all busy")]
    All(usize),
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    taken: BTreeMap<u64, Taken>,
    by_address: HashMap<IpAddr, usize>,
    displaced: u64,
}

#[derive(Debug)]
struct Taken {
    address: IpAddr,
    /// Since when we wait for its owner, if we do.
    waits: Option<Waits>,
    /// When it must have ended, or moved on.
    deadline: Option<Instant>,
    closing: CancellationToken,
}

/// A wait for the owner of a slot: the smaller one gives way first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Waits {
    has_spoken: bool,
    since: Instant,
}

impl ConnectionSlots {
    /// So many in total and for each address.
    pub fn new(limit: usize, per_address: usize) -> Arc<ConnectionSlots> {
        Arc::new(ConnectionSlots {
            limit,
            per_address,
            state: Mutex::default(),
        })
    }

    /// Takes a slot for an address. Its owner is waited for from now on, and has said nothing yet. `closing` is
    /// cancelled when the slot must be given up.
    pub fn take(
        self: &Arc<Self>,
        address: IpAddr,
        now: Instant,
        deadline: Option<Instant>,
        closing: CancellationToken,
    ) -> Result<ConnectionSlot, Full> {
        let mut state = self.lock();
        let own = state.by_address.get(&address).copied().unwrap_or(0);
        if own >= self.per_address {
            if !state.displace(Some(address)) {
                return Err(Full::Address(self.per_address));
            }
        } else if state.taken.len() >= self.limit {
            let most = state.most();
            let gave_way = state.displace(most) || state.displace(None) || state.level(most, own);
            if !gave_way {
                return Err(Full::All(self.limit));
            }
        }
        let number = state.next;
        state.next += 1;
        *state.by_address.entry(address).or_default() += 1;
        let taken = Taken {
            address,
            waits: Some(Waits {
                has_spoken: false,
                since: now,
            }),
            deadline,
            closing: closing.clone(),
        };
        state.taken.insert(number, taken);
        Ok(ConnectionSlot {
            slots: self.clone(),
            number,
            closing,
        })
    }

    /// Gives up all slots that are past their deadline; how many they were.
    pub fn sweep(&self, now: Instant) -> usize {
        let mut state = self.lock();
        let late = |taken: &Taken| taken.deadline.is_some_and(|deadline| deadline <= now);
        let numbers: Vec<u64> = state
            .taken
            .iter()
            .filter(|(_, taken)| late(taken))
            .map(|(number, _)| *number)
            .collect();
        for number in &numbers {
            state.release(*number, true);
        }
        numbers.len()
    }

    /// How many are taken.
    pub fn taken(&self) -> usize {
        self.lock().taken.len()
    }

    /// How many an address has taken.
    pub fn taken_by(&self, address: IpAddr) -> usize {
        self.lock().by_address.get(&address).copied().unwrap_or(0)
    }

    /// How many had to give way so far.
    pub fn displaced(&self) -> u64 {
        self.lock().displaced
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole between any two calls.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Lets the one give way that has kept us waiting longest; whether there was one.
    fn displace(&mut self, of: Option<IpAddr>) -> bool {
        let waiting = self
            .taken
            .iter()
            .filter(|(_, taken)| of.is_none_or(|address| taken.address == address))
            .filter_map(|(number, taken)| Some((taken.waits?, *number)));
        let Some((_, number)) = waiting.min() else {
            return false;
        };
        self.displaced += 1;
        self.release(number, true);
        true
    }

    /// Lets the youngest of the address that has most, which has cost least, give way to an address that has `own`, if
    /// that one doesn't have more than it afterwards; whether it did.
    fn level(&mut self, most: Option<IpAddr>, own: usize) -> bool {
        let count = most.and_then(|address| self.by_address.get(&address));
        if count.is_none_or(|count| *count <= own + 1) {
            return false;
        }
        let mut newest_first = self.taken.iter().rev();
        let newest = newest_first.find(|(_, taken)| Some(taken.address) == most);
        let Some(number) = newest.map(|(number, _)| *number) else {
            return false;
        };
        self.displaced += 1;
        self.release(number, true);
        true
    }

    /// The address that has most slots.
    fn most(&self) -> Option<IpAddr> {
        let counts = self.by_address.iter();
        counts
            .max_by_key(|(_, count)| **count)
            .map(|(address, _)| *address)
    }

    fn release(&mut self, number: u64, close: bool) {
        let Some(taken) = self.taken.remove(&number) else {
            return;
        };
        if close {
            taken.closing.cancel();
        }
        if let Some(count) = self.by_address.get_mut(&taken.address) {
            *count -= 1;
            if *count == 0 {
                self.by_address.remove(&taken.address);
            }
        }
    }
}

impl ConnectionSlot {
    /// We wait for its owner from now on, until a deadline. A wait that has begun goes on.
    pub fn waits(&self, now: Instant, deadline: Option<Instant>) {
        self.change(|taken| {
            let since = taken.waits.map_or(now, |waits| waits.since);
            taken.waits = Some(Waits {
                has_spoken: true,
                since,
            });
            taken.deadline = deadline;
        });
    }

    /// Its owner has said something, and the wait begins anew.
    pub fn spoke(&self, now: Instant, deadline: Option<Instant>) {
        self.change(|taken| {
            taken.waits = Some(Waits {
                has_spoken: true,
                since: now,
            });
            taken.deadline = deadline;
        });
    }

    /// Its owner has begun to speak: those that are silent give way before it. Its deadline stays.
    pub fn has_begun(&self) {
        self.change(|taken| {
            if let Some(waits) = &mut taken.waits {
                waits.has_spoken = true;
            }
        });
    }

    /// We work for its owner: it gives way to nobody, unless we work for all and its owner has most.
    pub fn works(&self) {
        self.change(|taken| {
            taken.waits = None;
            taken.deadline = None;
        });
    }

    /// Resolves once the slot has to be given up.
    pub async fn closed(&self) {
        self.closing.cancelled().await;
    }

    /// Whether the slot has to be given up.
    pub fn is_closed(&self) -> bool {
        self.closing.is_cancelled()
    }

    fn change(&self, change: impl FnOnce(&mut Taken)) {
        if let Some(taken) = self.slots.lock().taken.get_mut(&self.number) {
            change(taken);
        }
    }
}

impl Drop for ConnectionSlot {
    fn drop(&mut self) {
        self.slots.lock().release(self.number, false);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    fn take(slots: &Arc<ConnectionSlots>, last: u8) -> Result<ConnectionSlot, Full> {
        let now = Instant::now();
        slots.take(address(last), now, None, CancellationToken::new())
    }

    #[test]
    fn an_address_with_its_share_displaces_its_own_silent_ones_first() {
        let slots = ConnectionSlots::new(10, 3);
        let other = take(&slots, 2).unwrap();
        let silent = take(&slots, 1).unwrap();
        let speaking = take(&slots, 1).unwrap();
        speaking.has_begun();
        let working = take(&slots, 1).unwrap();
        working.works();

        let second = take(&slots, 1).unwrap();
        assert!(silent.is_closed());
        let third = take(&slots, 1).unwrap();
        assert!(second.is_closed(), "silent, though younger");
        third.works();
        let fourth = take(&slots, 1).unwrap();
        assert!(speaking.is_closed());
        fourth.works();
        assert_eq!(take(&slots, 1).err(), Some(Full::Address(3)));
        assert!(!working.is_closed() && !other.is_closed());
        drop(working);
        assert!(take(&slots, 1).is_ok());
    }

    #[test]
    fn the_address_that_has_most_gives_way_when_all_places_are_taken() {
        let slots = ConnectionSlots::new(4, 4);
        let lonely = take(&slots, 2).unwrap();
        let crowd: Vec<ConnectionSlot> = (0..3).map(|_| take(&slots, 1).unwrap()).collect();
        let newcomer = take(&slots, 3).unwrap();
        assert!(crowd[0].is_closed() && !crowd[1].is_closed());
        assert!(!lonely.is_closed() && !newcomer.is_closed());
        for slot in &crowd {
            slot.works();
        }
        // The crowd is busy: the longest wait of all gives way.
        let last = take(&slots, 4).unwrap();
        assert!(lonely.is_closed());
        for slot in [&newcomer, &last] {
            slot.works();
        }
        assert!(!crowd[1].is_closed() && !crowd[2].is_closed());
        // We work for all: the crowd gives way until nobody has more than who asks would have.
        let levelled = take(&slots, 5).unwrap();
        assert!(crowd[2].is_closed(), "the youngest of the crowd");
        levelled.works();
        assert!(!crowd[1].is_closed());
        assert_eq!(take(&slots, 6).err(), Some(Full::All(4)));
        assert_eq!(slots.taken(), 4);
        assert_eq!(slots.displaced(), 3);
    }

    #[test]
    fn busy_ones_give_way_only_to_who_has_fewer() {
        let slots = ConnectionSlots::new(6, 6);
        let work = |last| {
            let slot = take(&slots, last);
            slot.inspect(ConnectionSlot::works)
        };
        let held: Vec<ConnectionSlot> =
            [1, 1, 1, 1, 2, 2].map(work).into_iter().flatten().collect();
        let third = work(2).unwrap();
        assert_eq!(
            (slots.taken_by(address(1)), slots.taken_by(address(2))),
            (3, 3)
        );
        assert!(held[3].is_closed());
        assert_eq!(work(2).err(), Some(Full::All(6)));
        assert_eq!(work(1).err(), Some(Full::All(6)));
        let newcomers: Vec<ConnectionSlot> = [3, 3].map(work).into_iter().flatten().collect();
        assert_eq!([1, 2, 3].map(|last| slots.taken_by(address(last))), [2; 3]);
        assert_eq!(work(3).err(), Some(Full::All(6)));
        assert_eq!(slots.taken(), 6);
        drop((held, third, newcomers));
        assert_eq!(slots.taken(), 0);
    }

    #[test]
    fn a_place_past_its_deadline_is_given_up() {
        let slots = ConnectionSlots::new(4, 4);
        let now = Instant::now();
        let soon = now + Duration::from_secs(10);
        let closing = CancellationToken::new();
        let slot = slots
            .take(address(1), now, Some(soon), closing.clone())
            .unwrap();
        assert_eq!(slots.sweep(now), 0);
        slot.works();
        assert_eq!(slots.sweep(soon), 0, "we work for it");
        slot.waits(now, Some(soon));
        assert_eq!(slots.sweep(soon), 1);
        assert!(closing.is_cancelled());
        assert_eq!(slots.taken_by(address(1)), 0);
        drop(slot);
        assert_eq!(slots.taken(), 0);
    }
}
