//! A budget of bytes: answers that clients haven't taken yet, and requests that haven't come whole. It counts
//! for the process, for each address and for each connection. Each piece of an answer has a deadline by which
//! its client must have taken it, which follows from its size: whoever reads slower is let go.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Bounds of a budget, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteLimits {
    /// Of the process.
    pub total: usize,
    /// Of an address.
    pub per_address: usize,
    /// Of a connection.
    pub per_connection: usize,
    /// What a connection with nothing under way may have in any case.
    pub always: usize,
}

impl Default for ByteLimits {
    fn default() -> Self {
        ByteLimits {
            total: 192 << 20,
            per_address: 96 << 20,
            per_connection: 32 << 20,
            always: 64 << 10,
        }
    }
}

/// How long a client may take nothing of a piece.
const STALL: Duration = Duration::from_secs(30);
/// Bytes of a piece that a client must take in a second besides.
const SLOWEST: u64 = 64 << 10;

/// A budget of one process; all its ports share it.
#[derive(Debug)]
pub struct Budget {
    limits: ByteLimits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    total: usize,
    by_address: HashMap<IpAddr, usize>,
}

/// What a connection has under way.
#[derive(Debug)]
pub struct Account {
    budget: Arc<Budget>,
    address: IpAddr,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    bytes: usize,
    next: u64,
    /// Pieces of answers that the client hasn't taken, and when it must have.
    deadlines: BTreeMap<u64, Instant>,
}

/// The budget has no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Exhausted {
    /// The connection has its share.
    #[error("this connection has {0} bytes under way, the most that it may: read them first")]
    Connection(usize),
    /// The address has its share.
    #[error("this address has {0} bytes under way, the most that it may: read them first")]
    Address(usize),
    /// All are taken.
    #[error("answers of {0} bytes are under way, the most that may be: try again in a moment")]
    All(usize),
}

/// Bytes that are under way; dropped, they are free again.
#[derive(Debug)]
pub struct Charge {
    account: Arc<Account>,
    bytes: usize,
    piece: Option<u64>,
}

impl Budget {
    /// With nothing under way.
    pub fn new(limits: ByteLimits) -> Arc<Budget> {
        Arc::new(Budget {
            limits,
            state: Mutex::default(),
        })
    }

    /// A connection's account.
    pub fn account(self: &Arc<Self>, address: IpAddr) -> Arc<Account> {
        Arc::new(Account {
            budget: self.clone(),
            address,
            open: Mutex::default(),
        })
    }

    /// Bytes under way.
    pub fn under_way(&self) -> usize {
        lock(&self.state).total
    }
}

impl Account {
    /// Charges so many bytes if there is room.
    pub fn charge(self: &Arc<Self>, bytes: usize) -> Result<Charge, Exhausted> {
        self.take(bytes, true)?;
        Ok(Charge {
            account: self.clone(),
            bytes,
            piece: None,
        })
    }

    /// Charges a piece of an answer that has begun, whether there is room or not. Its client must take it in time.
    pub fn charge_piece(self: &Arc<Self>, bytes: usize, now: Instant) -> Charge {
        // Without a check nothing is refused.
        let _ = self.take(bytes, false);
        let mut open = lock(&self.open);
        let piece = open.next;
        open.next += 1;
        let seconds = bytes as u64 / SLOWEST;
        open.deadlines
            .insert(piece, now + STALL + Duration::from_secs(seconds));
        Charge {
            account: self.clone(),
            bytes,
            piece: Some(piece),
        }
    }

    /// Whether the client hasn't taken a piece in time.
    pub fn is_late(&self, now: Instant) -> bool {
        lock(&self.open).deadlines.values().any(|due| *due <= now)
    }

    /// Bytes that the connection has under way.
    pub fn under_way(&self) -> usize {
        lock(&self.open).bytes
    }

    fn take(&self, bytes: usize, checked: bool) -> Result<(), Exhausted> {
        let limits = &self.budget.limits;
        let mut open = lock(&self.open);
        let mut state = lock(&self.budget.state);
        let address = state.by_address.entry(self.address).or_default();
        let is_small = open.bytes == 0 && bytes <= limits.always;
        if checked && !is_small {
            // What is larger than a connection's whole share comes alone.
            let fits = |taken: usize, limit: usize| taken == 0 || taken + bytes <= limit;
            let refused = if !fits(open.bytes, limits.per_connection) {
                Some(Exhausted::Connection(open.bytes))
            } else if !fits(*address, limits.per_address) {
                Some(Exhausted::Address(*address))
            } else {
                None
            };
            if let Some(refused) = refused {
                if *address == 0 {
                    state.by_address.remove(&self.address);
                }
                return Err(refused);
            }
        }
        *address += bytes;
        if checked && !is_small && state.total != 0 && state.total + bytes > limits.total {
            let total = state.total;
            state.give_back(self.address, bytes);
            return Err(Exhausted::All(total));
        }
        state.total += bytes;
        open.bytes += bytes;
        Ok(())
    }
}

impl State {
    fn give_back(&mut self, address: IpAddr, bytes: usize) {
        if let Some(open) = self.by_address.get_mut(&address) {
            *open = open.saturating_sub(bytes);
            if *open == 0 {
                self.by_address.remove(&address);
            }
        }
    }
}

impl Charge {
    /// Charges so many bytes more if there is room.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Exhausted> {
        self.account.take(bytes, true)?;
        self.bytes += bytes;
        Ok(())
    }

    /// Gives so many bytes back, or all if they are fewer.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.bytes -= bytes;
        self.give_back(bytes);
    }

    /// Gives all bytes back.
    pub fn clear(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        if let Some(piece) = self.piece.take() {
            lock(&self.account.open).deadlines.remove(&piece);
        }
        self.give_back(bytes);
    }

    fn give_back(&self, bytes: usize) {
        let mut open = lock(&self.account.open);
        open.bytes = open.bytes.saturating_sub(bytes);
        let mut state = lock(&self.account.budget.state);
        state.total = state.total.saturating_sub(bytes);
        state.give_back(self.account.address, bytes);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.clear();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counts are whole between any two calls.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: ByteLimits = ByteLimits {
        total: 300,
        per_address: 200,
        per_connection: 100,
        always: 10,
    };

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn a_connection_an_address_and_the_process_have_their_shares() {
        let budget = Budget::new(LIMITS);
        let account = budget.account(address(1));
        let first = account.charge(60).unwrap();
        assert_eq!(account.charge(41).err(), Some(Exhausted::Connection(60)));
        let _rest = account.charge(40).unwrap();

        let neighbour = budget.account(address(1));
        let _second = neighbour.charge(100).unwrap();
        let third = budget.account(address(1));
        assert_eq!(third.charge(11).err(), Some(Exhausted::Address(200)));
        let small = third.charge(10).unwrap();
        assert_eq!(
            third.charge(1).err(),
            Some(Exhausted::Address(210)),
            "one small one only"
        );

        let stranger = budget.account(address(2));
        assert_eq!(stranger.charge(91).err(), Some(Exhausted::All(210)));
        let _own = stranger.charge(90).unwrap();
        drop((first, small));
        assert_eq!(budget.under_way(), 230);
        assert!(third.charge(50).is_ok());
    }

    #[test]
    fn what_is_larger_than_a_share_comes_alone() {
        let budget = Budget::new(LIMITS);
        let account = budget.account(address(1));
        let large = account.charge(250).unwrap();
        assert_eq!(account.charge(1).err(), Some(Exhausted::Connection(250)));
        drop(large);
        assert_eq!(budget.under_way(), 0);
        assert!(lock(&budget.state).by_address.is_empty());
    }

    #[test]
    fn a_piece_must_be_taken_in_a_time_that_follows_from_its_size() {
        let budget = Budget::new(ByteLimits::default());
        let account = budget.account(address(1));
        let now = Instant::now();
        let small = account.charge_piece(1, now);
        let large = account.charge_piece(10 * 65_536, now);
        assert!(!account.is_late(now + Duration::from_secs(29)));
        assert!(account.is_late(now + STALL));
        drop(small);
        assert!(!account.is_late(now + Duration::from_secs(39)));
        assert!(account.is_late(now + Duration::from_secs(40)));
        drop(large);
        assert_eq!(account.under_way(), 0);
    }

    #[test]
    fn a_charge_grows_within_the_share_and_is_given_back_whole() {
        let budget = Budget::new(LIMITS);
        let account = budget.account(address(1));
        let mut charge = account.charge(50).unwrap();
        charge.grow(50).unwrap();
        assert_eq!(charge.grow(1), Err(Exhausted::Connection(100)));
        charge.clear();
        assert_eq!(budget.under_way(), 0);
        charge.grow(100).unwrap();
        charge.shrink(30);
        assert_eq!(budget.under_way(), 70);
        drop(charge);
        assert_eq!(budget.under_way(), 0);
    }
}
