//! Pending transactions: bounded, deduplicated, each signature verified once, outcomes remembered.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::broadcast;
use touchstone_core::hash::Hash;
use touchstone_core::rejection::Rejection;
use touchstone_core::transaction::{self, VerifiedTransaction};

/// Limits of the pool.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Pending transactions.
    pub transactions: usize,
    /// Bytes of their envelopes.
    pub bytes: u64,
    /// Outcomes remembered for clients that ask later.
    pub outcomes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            transactions: 100_000,
            bytes: 256 << 20,
            outcomes: 100_000,
        }
    }
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
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

/// The pool, shared by those who submit, gossip and build blocks.
#[derive(Clone)]
pub struct SharedMempool {
    inner: Arc<Mutex<Mempool>>,
    outcomes: broadcast::Sender<(Hash, Outcome)>,
}

struct Mempool {
    limits: Limits,
    /// In order of arrival.
    queue: BTreeMap<u64, Arc<VerifiedTransaction>>,
    places: HashMap<Hash, u64>,
    next_place: u64,
    bytes: u64,
    outcomes: HashMap<Hash, Outcome>,
    outcome_order: VecDeque<Hash>,
}

impl SharedMempool {
    /// An empty pool.
    pub fn new(limits: Limits) -> SharedMempool {
        let (outcomes, _) = broadcast::channel(1 << 16);
        SharedMempool {
            inner: Arc::new(Mutex::new(Mempool {
                limits,
                queue: BTreeMap::new(),
                places: HashMap::new(),
                next_place: 0,
                bytes: 0,
                outcomes: HashMap::new(),
                outcome_order: VecDeque::new(),
            })),
            outcomes,
        }
    }

    /// Verifies an envelope and takes it in. `Ok(None)` where it is pending already.
    pub fn submit(
        &self,
        chain_id: &Hash,
        envelope: &[u8],
    ) -> Result<Option<Arc<VerifiedTransaction>>, Rejection> {
        let id = transaction::id_of_envelope(chain_id, envelope)?;
        if self.lock().places.contains_key(&id) {
            return Ok(None);
        }
        let verified = Arc::new(transaction::verify(chain_id, envelope)?);
        let mut pool = self.lock();
        if pool.places.contains_key(&id) {
            return Ok(None);
        }
        if matches!(pool.outcomes.get(&id), Some(Outcome::Committed { .. })) {
            return Err(Rejection::AlreadyCommitted);
        }
        let size = envelope.len() as u64;
        if pool.queue.len() >= pool.limits.transactions || pool.bytes + size > pool.limits.bytes {
            return Err(Rejection::PoolFull);
        }
        let place = pool.next_place;
        pool.next_place += 1;
        pool.bytes += size;
        pool.queue.insert(place, verified.clone());
        pool.places.insert(id, place);
        pool.outcomes.remove(&id);
        Ok(Some(verified))
    }

    /// The verified form of an envelope: from the pool if the same bytes are there, so that no
    /// signature is verified twice.
    pub fn verify(
        &self,
        chain_id: &Hash,
        envelope: &[u8],
    ) -> Result<Arc<VerifiedTransaction>, Rejection> {
        let id = transaction::id_of_envelope(chain_id, envelope)?;
        if let Some(known) = self.pending(&id)
            && known.envelope() == envelope
        {
            return Ok(known);
        }
        transaction::verify(chain_id, envelope).map(Arc::new)
    }

    /// A pending transaction.
    pub fn pending(&self, id: &Hash) -> Option<Arc<VerifiedTransaction>> {
        let pool = self.lock();
        let place = pool.places.get(id)?;
        pool.queue.get(place).cloned()
    }

    /// Transactions for a block, oldest first, within the limits.
    pub fn candidates(&self, bytes: u64, count: u64) -> Vec<Arc<VerifiedTransaction>> {
        let pool = self.lock();
        let mut total: u64 = 0;
        let mut chosen = Vec::new();
        for transaction in pool.queue.values() {
            let size = transaction.envelope().len() as u64;
            if chosen.len() as u64 >= count || total + size > bytes {
                break;
            }
            total += size;
            chosen.push(transaction.clone());
        }
        chosen
    }

    /// Pending transactions, and bytes of their envelopes.
    pub fn size(&self) -> (usize, u64) {
        let pool = self.lock();
        (pool.queue.len(), pool.bytes)
    }

    /// Removes committed transactions, in the order of their block.
    pub fn committed(&self, ids: &[Hash], height: u64, time_ms: u64) {
        let mut pool = self.lock();
        for (index, id) in (0u32..).zip(ids) {
            pool.remove(id);
            let outcome = Outcome::Committed {
                height,
                index,
                time_ms,
            };
            pool.remember(*id, outcome.clone());
            self.announce(*id, outcome);
        }
    }

    /// Removes a transaction that breaks a rule.
    pub fn reject(&self, id: &Hash, rejection: Rejection) {
        let mut pool = self.lock();
        pool.remove(id);
        // Another copy may have been committed by now: that answer stands.
        if matches!(pool.outcomes.get(id), Some(Outcome::Committed { .. })) {
            return;
        }
        let outcome = Outcome::Rejected(rejection);
        pool.remember(*id, outcome.clone());
        self.announce(*id, outcome);
    }

    /// What is known of a transaction.
    pub fn outcome(&self, id: &Hash) -> Option<Outcome> {
        let pool = self.lock();
        if pool.places.contains_key(id) {
            return Some(Outcome::Pending);
        }
        pool.outcomes.get(id).cloned()
    }

    /// Outcomes as they become known. A receiver that lags asks [`SharedMempool::outcome`].
    pub fn subscribe(&self) -> broadcast::Receiver<(Hash, Outcome)> {
        self.outcomes.subscribe()
    }

    fn announce(&self, id: Hash, outcome: Outcome) {
        // An error means that nobody listens.
        let _ = self.outcomes.send((id, outcome));
    }

    fn lock(&self) -> MutexGuard<'_, Mempool> {
        // The pool is consistent between statements, and consensus re-checks what it builds.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Mempool {
    fn remove(&mut self, id: &Hash) {
        if let Some(place) = self.places.remove(id)
            && let Some(transaction) = self.queue.remove(&place)
        {
            self.bytes -= transaction.envelope().len() as u64;
        }
    }

    fn remember(&mut self, id: Hash, outcome: Outcome) {
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
