//! Pending transactions: bounded, deduplicated, each signature verified once, outcomes remembered.
//!
//! Organisations share the pool and the blocks (`shares`): a flood by one delays its own transactions.
//!
//! What a block passed over may break a rule: it is examined, so that its submitter hears of it at every node. What
//! only stands in line behind what blocks take isn't: a proposer finds out when its turn comes.

mod expiry;
mod shares;
mod verification;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;
use touchstone_core::hash::Hash;
use touchstone_core::rejection::Rejection;
use touchstone_core::transaction::VerifiedTransaction;

use self::shares::Shares;
pub use self::verification::TOGETHER;
use crate::key_tables::KeyTables;

/// Limits of the pool.
#[derive(Clone, Copy, Debug)]
pub struct PoolLimits {
    /// Pending transactions.
    pub transactions: usize,
    /// Bytes of their envelopes.
    pub bytes: u64,
    /// Outcomes remembered for clients that ask later.
    pub outcomes: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        PoolLimits {
            transactions: 100_000,
            bytes: 256 << 20,
            outcomes: 100_000,
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PoolOutcome {
    /// It waits for a block.
    Pending,
    /// It is in the block at this height.
    Committed {
        /// Height of the block.
        height: u64,
        /// Index in the block.
        index: u32,
        /// Time of the block, milliseconds.
        time_ms: u64,
    },
    /// A rule refuses it.
    Rejected(Rejection),
}

/// Submitters that wait for the same transaction.
const LISTENERS: usize = 16;

/// Blocks after which what was examined in vain may be examined again: deadlines pass, and others were committed.
const EXAMINED_AGAIN: u64 = 16;

/// Where a submitter hears of the outcome.
pub type Listener = UnboundedSender<(Hash, PoolOutcome)>;

/// The pool, shared by those who submit, gossip and build blocks.
#[derive(Clone)]
pub struct SharedMempool {
    inner: Arc<Mutex<Mempool>>,
    tables: Arc<KeyTables>,
}

/// A pending transaction and its place in the order of arrival.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its place.
    pub place: u64,
    /// The transaction.
    pub transaction: Arc<VerifiedTransaction>,
}

struct Pending {
    transaction: Arc<VerifiedTransaction>,
    listeners: Vec<Listener>,
}

/// What an organisation has in the pool.
#[derive(Default)]
struct Own {
    places: BTreeSet<u64>,
    /// Those of the places that may be examined.
    unexamined: BTreeSet<u64>,
    bytes: u64,
}

struct Mempool {
    limits: PoolLimits,
    /// In order of arrival.
    queue: BTreeMap<u64, Pending>,
    /// Height of the last block that this pool was told of.
    height: u64,
    places: HashMap<Hash, u64>,
    /// Places by the hashes of whole envelopes: blocks are asked for by them.
    leaves: HashMap<Hash, u64>,
    /// When each pending transaction was created, milliseconds, and its place.
    by_creation: BTreeSet<(u64, u64)>,
    /// What each organisation has here.
    organisations: HashMap<String, Own>,
    /// How they share blocks.
    shares: Shares,
    /// Of each organisation of which the last block took something, the last place that it took.
    taken: HashMap<String, u64>,
    /// Height and place of what was examined, in this order, until it may be examined again.
    examined: VecDeque<(u64, u64)>,
    next_place: u64,
    bytes: u64,
    outcomes: HashMap<Hash, PoolOutcome>,
    outcome_order: VecDeque<Hash>,
}

impl SharedMempool {
    /// An empty pool.
    pub fn new(limits: PoolLimits) -> SharedMempool {
        SharedMempool::with_tables(limits, Arc::default())
    }

    /// An empty pool, and those beside it, that together verify an envelope once, for several nodes of one process; the
    /// last so many are remembered.
    pub fn verifying_once(limits: PoolLimits, remembered: usize) -> SharedMempool {
        let tables = KeyTables::remembering(remembered);
        SharedMempool::with_tables(limits, Arc::new(tables))
    }

    /// An empty pool that shares its tables of keys with another, where one process runs several nodes.
    pub fn beside(other: &SharedMempool, limits: PoolLimits) -> SharedMempool {
        SharedMempool::with_tables(limits, other.tables.clone())
    }

    fn with_tables(limits: PoolLimits, tables: Arc<KeyTables>) -> SharedMempool {
        SharedMempool {
            tables,
            inner: Arc::new(Mutex::new(Mempool {
                limits,
                queue: BTreeMap::new(),
                height: 0,
                places: HashMap::new(),
                leaves: HashMap::new(),
                by_creation: BTreeSet::new(),
                organisations: HashMap::new(),
                shares: Shares::default(),
                taken: HashMap::new(),
                examined: VecDeque::new(),
                next_place: 0,
                bytes: 0,
                outcomes: HashMap::new(),
                outcome_order: VecDeque::new(),
            })),
        }
    }

    /// Adds a listener to a pending transaction of exactly these bytes; whether there is one. It
    /// hears once what becomes of the transaction.
    pub fn join(
        &self,
        id: &Hash,
        envelope: &[u8],
        listener: Option<&Listener>,
    ) -> Result<bool, Rejection> {
        let mut pool = self.lock();
        match pool.known(id) {
            Some(known) if known.envelope() == envelope => pool.listen(id, listener),
            _ => Ok(false),
        }
    }

    /// Whether nothing is pending, and nothing that was has been committed above `height`.
    pub fn is_idle_at(&self, height: u64) -> bool {
        let pool = self.lock();
        pool.queue.is_empty() && pool.height <= height
    }

    /// Takes a transaction in; `Ok(None)` where it is pending already, perhaps with another
    /// signature that holds too. The listener hears once what becomes of it, unless the answer is
    /// an error.
    pub fn insert(
        &self,
        verified: VerifiedTransaction,
        listener: Option<Listener>,
    ) -> Result<Option<Arc<VerifiedTransaction>>, Rejection> {
        let verified = Arc::new(verified);
        let id = *verified.id();
        // Hashed before the pool is held.
        verified.leaf();
        let mut pool = self.lock();
        if pool.listen(&id, listener.as_ref())? {
            return Ok(None);
        }
        if matches!(pool.outcomes.get(&id), Some(PoolOutcome::Committed { .. })) {
            return Err(Rejection::AlreadyCommitted);
        }
        let size = verified.envelope().len() as u64;
        let organisation = verified.organisation().to_owned();
        pool.check_room(&organisation, size)?;
        let place = pool.next_place;
        pool.next_place += 1;
        pool.bytes += size;
        let own = pool.organisations.entry(organisation).or_default();
        own.places.insert(place);
        own.unexamined.insert(place);
        own.bytes += size;
        pool.queue.insert(
            place,
            Pending {
                transaction: verified.clone(),
                listeners: listener.into_iter().collect(),
            },
        );
        pool.places.insert(id, place);
        pool.leaves.insert(*verified.leaf(), place);
        let created_ms = verified.claim().created_ms;
        pool.by_creation.insert((created_ms, place));
        pool.outcomes.remove(&id);
        Ok(Some(verified))
    }

    /// What the last block passed over of what waits below the place `until`, organisations in turn, up to the bytes of
    /// envelopes or one transaction. Where the block took something of an organisation, that is what waited before the
    /// last that it took; else all of the organisation's, unless it waits off what blocks have taken before. What is
    /// given here is given again only after `EXAMINED_AGAIN` blocks.
    pub fn passed_over(&self, until: u64, bytes: u64) -> Vec<Arc<VerifiedTransaction>> {
        let mut pool = self.lock();
        pool.examine_again();
        let all = pool.organisations.iter().map(|(name, own)| {
            let last = match pool.taken.get(name) {
                Some(last) => until.min(*last),
                None if pool.waits_off(name) => 0,
                None => until,
            };
            own.unexamined.range(..last).copied()
        });
        let found = pool.in_turns(all.collect(), bytes, u64::MAX, None);
        let height = pool.height;
        for (place, transaction) in &found {
            if let Some(own) = pool.organisations.get_mut(transaction.organisation()) {
                own.unexamined.remove(place);
            }
            pool.examined.push_back((height, *place));
        }
        found.into_values().collect()
    }

    /// The place that the next transaction will have: all that wait have lower ones.
    pub fn next_place(&self) -> u64 {
        self.lock().next_place
    }

    /// What waits in these places, oldest first: at most `count`, and up to the one with which
    /// `bytes` are reached.
    pub fn waiting(&self, places: Range<u64>, count: usize, bytes: u64) -> Vec<Waiting> {
        let pool = self.lock();
        let mut total: u64 = 0;
        let mut found = Vec::new();
        if places.is_empty() {
            return found;
        }
        for (place, pending) in pool.queue.range(places).take(count) {
            if total >= bytes {
                break;
            }
            total += pending.transaction.envelope().len() as u64;
            found.push(Waiting {
                place: *place,
                transaction: pending.transaction.clone(),
            });
        }
        found
    }

    /// Pending transactions, and bytes of their envelopes.
    pub fn size(&self) -> (usize, u64) {
        let pool = self.lock();
        (pool.queue.len(), pool.bytes)
    }

    /// Removes committed transactions, in the order of their block.
    pub fn committed(&self, ids: &[Hash], height: u64, time_ms: u64) {
        let mut pool = self.lock();
        pool.height = height;
        pool.taken.clear();
        let mut taken: HashMap<String, u64> = HashMap::new();
        for (index, id) in (0u32..).zip(ids) {
            pool.take(id, &mut taken);
            pool.settle(
                id,
                PoolOutcome::Committed {
                    height,
                    index,
                    time_ms,
                },
            );
        }
        pool.share(&taken, time_ms);
    }

    /// Removes a transaction that breaks a rule. To find that out was as much work as if a block had taken it.
    pub fn reject(&self, id: &Hash, rejection: Rejection) {
        let mut pool = self.lock();
        pool.note_refused(id);
        // Another copy may have been committed by now: that answer stands.
        if !matches!(pool.outcomes.get(id), Some(PoolOutcome::Committed { .. })) {
            pool.settle(id, PoolOutcome::Rejected(rejection));
        }
    }

    /// What is known of a transaction.
    pub fn outcome(&self, id: &Hash) -> Option<PoolOutcome> {
        let pool = self.lock();
        if pool.places.contains_key(id) {
            return Some(PoolOutcome::Pending);
        }
        pool.outcomes.get(id).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, Mempool> {
        // The pool is consistent between statements, and consensus re-checks what it builds.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mempool {
    /// Adds a listener to a pending transaction, in the place of those that have gone; whether it
    /// is pending.
    fn listen(&mut self, id: &Hash, listener: Option<&Listener>) -> Result<bool, Rejection> {
        let Some(place) = self.places.get(id) else {
            return Ok(false);
        };
        if let (Some(pending), Some(listener)) = (self.queue.get_mut(place), listener) {
            pending.listeners.retain(|known| !known.is_closed());
            if pending.listeners.len() >= LISTENERS {
                return Err(Rejection::PoolFull);
            }
            pending.listeners.push(listener.clone());
        }
        Ok(true)
    }

    /// What waits with exactly the bytes that have this hash.
    fn with_leaf(&self, leaf: &Hash) -> Option<Arc<VerifiedTransaction>> {
        let pending = self.queue.get(self.leaves.get(leaf)?)?;
        Some(pending.transaction.clone())
    }

    fn known(&self, id: &Hash) -> Option<Arc<VerifiedTransaction>> {
        let pending = self.queue.get(self.places.get(id)?)?;
        Some(pending.transaction.clone())
    }

    /// A block takes a transaction: adds its bytes to those of its organisation, where it waits here.
    fn take(&mut self, id: &Hash, taken: &mut HashMap<String, u64>) {
        let Some(place) = self.places.get(id) else {
            return;
        };
        let Some(Pending { transaction, .. }) = self.queue.get(place) else {
            return;
        };
        let organisation = transaction.organisation();
        let bytes = transaction.envelope().len() as u64;
        if let (Some(last), Some(sum)) = (
            self.taken.get_mut(organisation),
            taken.get_mut(organisation),
        ) {
            *last = (*last).max(*place);
            *sum += bytes;
            return;
        }
        // The first of its organisation.
        self.taken.insert(organisation.to_owned(), *place);
        taken.insert(organisation.to_owned(), bytes);
    }

    /// Lets what was examined long ago be examined again.
    fn examine_again(&mut self) {
        while let Some((height, place)) = self.examined.front().copied() {
            if self.height < height.saturating_add(EXAMINED_AGAIN) {
                return;
            }
            self.examined.pop_front();
            if let Some(pending) = self.queue.get(&place) {
                let organisation = pending.transaction.organisation();
                if let Some(own) = self.organisations.get_mut(organisation) {
                    own.unexamined.insert(place);
                }
            }
        }
    }

    fn settle(&mut self, id: &Hash, outcome: PoolOutcome) {
        if let Some(place) = self.places.remove(id)
            && let Some(pending) = self.queue.remove(&place)
        {
            self.leaves.remove(pending.transaction.leaf());
            let created_ms = pending.transaction.claim().created_ms;
            self.by_creation.remove(&(created_ms, place));
            let size = pending.transaction.envelope().len() as u64;
            self.bytes -= size;
            let organisation = pending.transaction.organisation();
            if let Some(own) = self.organisations.get_mut(organisation) {
                own.places.remove(&place);
                own.unexamined.remove(&place);
                own.bytes -= size;
                if own.places.is_empty() {
                    self.organisations.remove(organisation);
                }
            }
            for listener in pending.listeners {
                // An error means that the submitter has gone.
                let _ = listener.send((*id, outcome.clone()));
            }
        }
        self.remember(*id, outcome);
    }

    fn remember(&mut self, id: Hash, outcome: PoolOutcome) {
        if self.outcomes.insert(id, outcome).is_none() {
            self.outcome_order.push_back(id);
        }
        while self.outcome_order.len() > self.limits.outcomes {
            if let Some(oldest) = self.outcome_order.pop_front() {
                self.outcomes.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests;
