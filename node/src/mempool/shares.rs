//! How organisations share the pool and the blocks.
//!
//! Each may fill a share of the pool, which leaves room for one more organisation than has transactions here. A block
//! takes in turn of those that have least in it.
//!
//! That alone lets one organisation fill every block, and the others wait for the block before theirs to be executed.
//! Where one has more waiting than a block holds while others come with little, a block takes of all no more than an
//! allowance beyond each one's first transaction. The allowance is what this node executes in a moment, as it has
//! measured. What a block takes of an organisation beyond it, the organisation waits off, three thousand times as long
//! as it took: a large transaction comes, and the next one of its sender comes later, however many blocks others fill
//! meanwhile. What waits off isn't examined as passed over, since why it waits is known. Meanwhile who floods may have
//! few allowances waiting here, so that what more of it comes is refused before its signature is verified. What breaks
//! a rule is executed before that shows: it counts like what a block takes.
//!
//! All this says what a proposer takes, and nothing of what a block may hold.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use touchstone_core::hash::Hash;
use touchstone_core::rejection::Rejection;
use touchstone_core::transaction::VerifiedTransaction;

use super::{Mempool, SharedMempool};

/// How long a flood and others beside it are remembered, milliseconds of blocks' times.
const REMEMBERED_MS: u64 = 2000;
/// How long an allowance beyond a block's own is waited off, milliseconds. Where four validators share two cores, a
/// block with a hundred events takes 15 ms where others take 5: if one in fifty of the others' meets such a block, it
/// makes their 99th percentile. One each two or three seconds keeps that below twice of what it is without.
const WAITED_OFF_MS: u64 = 1500;
/// Allowances that an organisation waits off at most: it waits for half a minute then.
const OWED: u64 = 20;
/// Allowances that an organisation may have waiting beside others, and bytes that it may have in any case.
const WAITING: u64 = 16;
const ALWAYS: u64 = 4 << 20;

/// Allowances that are little for what waits of one organisation: who has more waiting floods.
const LITTLE: u64 = 18;

/// How organisations share blocks.
#[derive(Debug, Default)]
pub struct Shares {
    /// Bytes that a block takes beyond each one's first transaction, where one floods; none if this isn't known.
    allowance: Option<u64>,
    /// The last block's time, and the time up to which one is taken to flood beside others, milliseconds.
    time_ms: u64,
    until_ms: u64,
    /// Bytes that blocks have taken of each organisation beyond the allowance, and what was refused of it.
    debts: HashMap<String, u64>,
    /// Bytes that were executed and refused since the last block.
    refused: HashMap<String, u64>,
    /// Organisations that waited off what blocks had taken before as the last block was made: if that took nothing of
    /// one, that is why.
    waiting_off: HashSet<String>,
}

/// What holds for a block beside a flood.
#[derive(Clone, Copy)]
pub(super) struct Allowance<'a> {
    bytes: u64,
    debts: &'a HashMap<String, u64>,
}

impl Allowance<'_> {
    /// Whether an organisation of which so many bytes wait comes with little.
    fn is_little(&self, own: u64) -> bool {
        own < self.bytes.saturating_mul(LITTLE)
    }

    /// Bytes that an organisation hasn't waited off.
    fn debt(&self, organisation: &str) -> u64 {
        self.debts.get(organisation).copied().unwrap_or(0)
    }

    /// Whether a block with `total` bytes takes `size` more of an organisation that has `own` bytes in it.
    fn allows(&self, organisation: &str, own: u64, total: u64, size: u64) -> bool {
        let debt = self.debt(organisation);
        let is_first = own == 0 && debt == 0;
        let within = |bytes: u64| bytes.saturating_add(size) <= self.bytes;
        is_first || (within(debt.saturating_add(own)) && within(total))
    }
}

impl SharedMempool {
    /// Tells how many bytes of transactions this node executes in a moment, if it knows.
    pub fn allow(&self, bytes: Option<u64>) {
        self.lock().shares.allowance = bytes;
    }

    /// Refuses `bytes` more of an organisation if there is no room for them: asked before the costly signature.
    pub fn check_room(&self, organisation: &str, bytes: u64) -> Result<(), Rejection> {
        self.lock().check_room(organisation, bytes)
    }

    /// How long from `now_ms` a flood that waits alone still waits off what blocks took of it while others have come
    /// with little lately, milliseconds: until the others are forgotten at most. None if it isn't alone.
    pub fn flood_waits_off_ms(&self, now_ms: u64) -> Option<u64> {
        let pool = self.lock();
        let allowance = pool.allowance()?;
        let mut waiting = pool.organisations.values();
        if waiting.any(|own| allowance.is_little(own.bytes)) {
            return None;
        }
        let debt = |organisation: &String| allowance.debt(organisation);
        let least = pool.organisations.keys().map(debt).min().unwrap_or(0);
        let off_ms = least.saturating_mul(WAITED_OFF_MS) / allowance.bytes.max(1);
        let until_ms = pool.shares.time_ms.saturating_add(off_ms);
        let until_ms = until_ms.min(pool.shares.until_ms);
        // Blocks' time may be far ahead of this node's clock.
        Some(until_ms.saturating_sub(now_ms).min(REMEMBERED_MS))
    }

    /// Whether an organisation floods while others have come with little lately.
    pub fn floods(&self, organisation: &str) -> bool {
        let pool = self.lock();
        let own = pool.organisations.get(organisation);
        pool.allowance()
            .is_some_and(|allowance| own.is_some_and(|own| !allowance.is_little(own.bytes)))
    }

    /// Transactions that wait, and their bytes, but for those of who floods while others have come with little.
    pub fn size_beside_a_flood(&self) -> (usize, u64) {
        let pool = self.lock();
        let Some(allowance) = pool.allowance() else {
            return (pool.queue.len(), pool.bytes);
        };
        let all = pool.organisations.values();
        let others = all.filter(|own| allowance.is_little(own.bytes));
        others.fold((0, 0), |(count, bytes), own| {
            (count + own.places.len(), bytes + own.bytes)
        })
    }

    /// Transactions for a block, within the limits: in turn the oldest of the organisation that has least bytes among
    /// them, and of equals that whose transaction is oldest. They come in the order of their arrival. The first is
    /// taken even if it is larger than the limits, so that nothing waits for ever; if no block could hold it, its
    /// rule rejects it. Where one organisation floods beside others, the allowance holds besides.
    pub fn candidates(&self, bytes: u64, count: u64) -> Vec<Arc<VerifiedTransaction>> {
        let pool = self.lock();
        let all = || {
            let all = pool.organisations.values();
            all.map(|own| own.places.iter().copied()).collect()
        };
        let allowance = pool.allowance();
        let mut chosen = pool.in_turns(all(), bytes, count, allowance);
        if let (true, Some(allowance)) = (chosen.is_empty(), allowance) {
            // All that wait have had more than their allowance: nobody waits for another.
            let forgiven = HashMap::new();
            let debts = &forgiven;
            let allowance = Some(Allowance { debts, ..allowance });
            chosen = pool.in_turns(all(), bytes, count, allowance);
        }
        chosen.into_values().collect()
    }
}

impl Mempool {
    fn allowance(&self) -> Option<Allowance<'_>> {
        let bytes = self.shares.allowance?;
        let debts = &self.shares.debts;
        (self.shares.time_ms < self.shares.until_ms).then_some(Allowance { bytes, debts })
    }

    /// Whether the last block took nothing of an organisation for no other reason than what blocks had taken before.
    pub(super) fn waits_off(&self, organisation: &str) -> bool {
        self.allowance().is_some() && self.shares.waiting_off.contains(organisation)
    }

    pub(super) fn check_room(&self, organisation: &str, bytes: u64) -> Result<(), Rejection> {
        let own = self.organisations.get(organisation);
        let (own_count, own_bytes) = own.map_or((0, 0), |own| (own.places.len(), own.bytes));
        // Room for one more organisation than has transactions here, this one included.
        let shares = self.organisations.len() + 1 + usize::from(own.is_none());
        let beside_others = self.allowance().map_or(u64::MAX, |allowance| {
            allowance.bytes.saturating_mul(WAITING).max(ALWAYS)
        });
        let own_bytes = own_bytes.saturating_add(bytes);
        let is_full = self.queue.len() >= self.limits.transactions
            || self.bytes.saturating_add(bytes) > self.limits.bytes
            || own_count >= self.limits.transactions / shares
            || own_bytes > self.limits.bytes / shares as u64
            || own_bytes > beside_others;
        match is_full {
            true => Err(Rejection::PoolFull),
            false => Ok(()),
        }
    }

    /// Transactions of the organisations whose places are given, within the limits, by their places: in turn the next
    /// of the organisation that has least bytes among them, and of equals that whose place is lowest. The first is
    /// taken whatever its size.
    pub(super) fn in_turns<P: Iterator<Item = u64>>(
        &self,
        mut places: Vec<P>,
        bytes: u64,
        count: u64,
        allowance: Option<Allowance<'_>>,
    ) -> BTreeMap<u64, Arc<VerifiedTransaction>> {
        let mut turns = BinaryHeap::new();
        for (index, places) in places.iter_mut().enumerate() {
            if let Some(first) = places.next() {
                turns.push(Reverse((0, first, index)));
            }
        }
        let mut total: u64 = 0;
        let mut chosen = BTreeMap::new();
        while let Some(Reverse((own, place, index))) = turns.pop() {
            let Some(pending) = self.queue.get(&place) else {
                continue;
            };
            if chosen.len() as u64 >= count {
                break;
            }
            let transaction = &pending.transaction;
            let size = transaction.envelope().len() as u64;
            let fits = total.saturating_add(size) <= bytes || chosen.is_empty();
            let is_allowed =
                allowance.is_none_or(|a| a.allows(transaction.organisation(), own, total, size));
            if !fits || !is_allowed {
                // Others may have smaller ones.
                continue;
            }
            total = total.saturating_add(size);
            chosen.insert(place, transaction.clone());
            if let Some(next) = places.get_mut(index).and_then(Iterator::next) {
                turns.push(Reverse((own + size, next, index)));
            }
        }
        chosen
    }

    /// What waits here breaks a rule.
    pub(super) fn note_refused(&mut self, id: &Hash) {
        let pending = self.places.get(id).and_then(|place| self.queue.get(place));
        if let Some(pending) = pending {
            let organisation = pending.transaction.organisation().to_owned();
            let bytes = pending.transaction.envelope().len() as u64;
            let refused = self.shares.refused.entry(organisation).or_default();
            *refused = refused.saturating_add(bytes);
        }
    }

    /// A block of that time has taken so many bytes of each organisation.
    pub(super) fn share(&mut self, taken: &HashMap<String, u64>, time_ms: u64) {
        let refused = std::mem::take(&mut self.shares.refused);
        let passed_ms = time_ms.saturating_sub(self.shares.time_ms);
        let is_beside_others = self.allowance().is_some();
        self.shares.time_ms = time_ms;
        let Some(allowance) = self.shares.allowance else {
            return;
        };
        let waited_off = allowance.saturating_mul(passed_ms) / WAITED_OFF_MS;
        self.shares.waiting_off = self.shares.debts.keys().cloned().collect();
        self.shares.debts.retain(|_, debt| {
            *debt = debt.saturating_sub(waited_off);
            *debt > 0
        });
        // What was executed in vain counts like what the block took.
        let mut executed = taken.clone();
        for (organisation, bytes) in &refused {
            let sum = executed.entry(organisation.clone()).or_default();
            *sum = sum.saturating_add(*bytes);
        }
        // What a block takes while nobody else comes makes nobody wait.
        let owed = executed
            .iter()
            .filter(|(_, bytes)| is_beside_others && **bytes > allowance);
        for (organisation, bytes) in owed {
            let debt = self.shares.debts.entry(organisation.clone()).or_default();
            let more = bytes.saturating_sub(allowance);
            *debt = debt
                .saturating_add(more)
                .min(allowance.saturating_mul(OWED));
        }
        let block: u64 = taken.values().sum();
        let left = |organisation: &String| {
            let own = self.organisations.get(organisation);
            let refused = refused.get(organisation).copied().unwrap_or(0);
            own.map_or(0, |own| own.bytes).saturating_add(refused)
        };
        // More waits of one than this block held, or was executed in vain, and another has come with little.
        let little = allowance.saturating_mul(LITTLE);
        let mut waiting = self.organisations.keys().chain(refused.keys());
        let has_flood = waiting.any(|one| left(one) > block.max(little));
        let mut all = self.organisations.keys().chain(taken.keys());
        let has_others = all.any(|one| left(one) < little);
        if has_flood && has_others {
            self.shares.until_ms = time_ms.saturating_add(REMEMBERED_MS);
        }
    }
}

#[cfg(test)]
mod tests;
