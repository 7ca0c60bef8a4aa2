//! How organisations share the pool and the blocks.
//!
//! Each may fill a share of the pool, which leaves room for one more organisation than has transactions here. A block
//! takes in turn of those that have least in it.
//!
//! That alone lets one organisation fill every block, and the others wait for the block before theirs to be executed.
//! Where one has more waiting than a block holds while others come with little, a block takes of all no more than an
//! allowance beyond each one's first transaction. The allowance is what this node executes in a moment, as it has
//! measured. What a block takes of an organisation beyond it, the organisation waits off, eight hundred times as long
//! as it took: a large transaction comes, and the next one of its sender comes later, however many blocks others fill
//! meanwhile. What waits off isn't examined as passed over, since why it waits is known. Meanwhile who floods may have
//! few allowances waiting here, so that what more of it comes is refused before its signature is verified.
//!
//! All this says what a proposer takes, and nothing of what a block may hold.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet};
use std::sync::Arc;

use touchstone_core::rejection::Rejection;
use touchstone_core::transaction::VerifiedTransaction;

use super::{Mempool, SharedMempool};

/// How long a flood and others beside it are remembered, milliseconds of blocks' times.
const REMEMBERED_MS: u64 = 2000;
/// How long an allowance beyond a block's own is waited off, milliseconds. Where four validators share two cores, a
/// block with a hundred events takes 15 ms where others take 5, and one each 0.6 s keeps others' 99th
/// percentile below twice of what it is without.
const WAITED_OFF_MS: u64 = 600;
/// Allowances that an organisation waits off at most: it waits for twenty seconds then.
const OWED: u64 = 50;
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
    /// Bytes that blocks have taken of each organisation beyond the allowance.
    debts: HashMap<String, u64>,
    /// Organisations of which the last block took nothing since it waited off what blocks had taken before.
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

    /// A block of that time has taken so many bytes of each organisation.
    pub(super) fn share(&mut self, taken: &HashMap<String, u64>, time_ms: u64) {
        let passed_ms = time_ms.saturating_sub(self.shares.time_ms);
        let is_beside_others = self.allowance().is_some();
        self.shares.time_ms = time_ms;
        let Some(allowance) = self.shares.allowance else {
            return;
        };
        let waited_off = allowance.saturating_mul(passed_ms) / WAITED_OFF_MS;
        let in_debt = self.shares.debts.keys();
        let waiting_off = in_debt.filter(|organisation| !taken.contains_key(*organisation));
        self.shares.waiting_off = waiting_off.cloned().collect();
        self.shares.debts.retain(|_, debt| {
            *debt = debt.saturating_sub(waited_off);
            *debt > 0
        });
        // What a block takes while nobody else comes makes nobody wait.
        let owed = taken
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
            own.map_or(0, |own| own.bytes)
        };
        // More waits of one than this block held, and another has come with little.
        let little = allowance.saturating_mul(LITTLE);
        let mut waiting = self.organisations.keys();
        let has_flood = waiting.any(|one| left(one) > block.max(little));
        let mut all = self.organisations.keys().chain(taken.keys());
        let has_others = all.any(|one| left(one) < little);
        if has_flood && has_others {
            self.shares.until_ms = time_ms.saturating_add(REMEMBERED_MS);
        }
    }
}

#[cfg(test)]
mod tests {
    use touchstone_core::hash::Hash;

    use super::super::tests::{pool, take};
    use super::*;

    const ALLOWANCE: u64 = 50_000;
    const WHOLE: u64 = 4 << 20;

    /// A pool in which one organisation has so many captures of so many bytes waiting, and a block was made of its
    /// first and of another's.
    fn flooded(count: u64, bytes: usize) -> (SharedMempool, Vec<Hash>) {
        let pool = pool();
        pool.allow(Some(ALLOWANCE));
        let mut flood = Vec::new();
        for number in 0..count {
            flood.extend(take(&pool, "flooder", number, bytes));
        }
        let other = take(&pool, "other", 1_000_000, 100).unwrap();
        pool.committed(&[flood.remove(0), other], 1, 0);
        (pool, flood)
    }

    fn next(pool: &SharedMempool, bytes: u64) -> Vec<Hash> {
        let next = pool.candidates(bytes, 10_000);
        next.iter().map(|t| *t.id()).collect()
    }

    /// Ten thousand wait of one member; what another sends is in the next proposal, with little beside it.
    #[test]
    fn beside_a_flood_a_block_takes_a_moments_work_of_it() {
        let (pool, flood) = flooded(10_000, 300);
        let other = take(&pool, "other", 1_000_001, 100).unwrap();
        let next = next(&pool, WHOLE);
        assert_eq!(next.last(), Some(&other));
        assert_eq!(pool.flood_waits_off_ms(0), None, "another waits");
        let (of_flood, _) = next.split_at(next.len() - 1);
        assert_eq!(of_flood, &flood[..of_flood.len()]);
        assert!((50..200).contains(&of_flood.len()), "{}", of_flood.len());
    }

    #[test]
    fn without_others_a_block_takes_all_that_it_holds() {
        let (pool, flood) = flooded(4000, 300);
        for height in 2..10 {
            pool.committed(&[], height, REMEMBERED_MS - 1);
            assert_eq!(pool.flood_waits_off_ms(REMEMBERED_MS - 1), Some(0));
            assert!(next(&pool, WHOLE).len() < 200);
        }
        pool.committed(&[], 10, REMEMBERED_MS);
        assert_eq!(next(&pool, WHOLE), flood);
        assert_eq!(pool.flood_waits_off_ms(0), None, "nobody else comes");
        let unmeasured = flooded(4000, 300).0;
        unmeasured.allow(None);
        assert_eq!(next(&unmeasured, WHOLE).len(), flood.len());
    }

    /// A capture that takes four moments comes once in what three moments are waited off, however many blocks come.
    #[test]
    fn what_a_block_takes_beyond_the_allowance_is_waited_off() {
        for step_ms in [10, 50, 100] {
            let (pool, flood) = flooded(10, 4 * ALLOWANCE as usize - 1000);
            let mut came = Vec::new();
            for number in 1..=6000 / step_ms {
                let other = take(&pool, "other", 1_000_000 + number, 100).unwrap();
                let next = next(&pool, WHOLE);
                assert!(next.contains(&other));
                let of_flood = next.iter().filter(|id| flood.contains(id)).count();
                came.extend((of_flood > 0).then_some(number * step_ms));
                assert!(of_flood <= 1);
                pool.committed(&next, number + 1, number * step_ms);
            }
            let rests: Vec<u64> = came.windows(2).map(|two| two[1] - two[0]).collect();
            let least = 3 * WAITED_OFF_MS;
            let is_rest = |rest: &u64| (least..=least + 2 * step_ms).contains(rest);
            assert!(
                rests.len() >= 2 && rests.iter().all(is_rest),
                "{step_ms}: {came:?}"
            );
            // With nobody beside it, it needn't wait; but the blocks stay small.
            assert_eq!(next(&pool, WHOLE).len(), 1);
        }
    }

    /// One record a block is no flood, however quickly blocks follow each other.
    #[test]
    fn what_a_block_takes_within_the_allowance_is_not_waited_off() {
        let (pool, _) = flooded(100, 50_000);
        for number in 1..100 {
            let bytes = ALLOWANCE as usize / 2;
            let other = take(&pool, "other", 1_000_000 + number, bytes).unwrap();
            assert!(next(&pool, WHOLE).contains(&other));
            pool.committed(&[other], number + 1, number);
        }
    }

    #[test]
    fn a_flood_that_is_alone_waits_off_what_blocks_took_of_it() {
        let (pool, flood) = flooded(10, 4 * ALLOWANCE as usize - 1000);
        assert_eq!(pool.flood_waits_off_ms(0), Some(0), "nothing is owed");
        pool.committed(&flood[..1], 2, 100);
        let rest_ms = 3 * WAITED_OFF_MS;
        let left_ms = pool.flood_waits_off_ms(100).unwrap();
        assert!((rest_ms - 10..=rest_ms).contains(&left_ms), "{left_ms}");
        assert_eq!(pool.flood_waits_off_ms(150), Some(left_ms - 50));
        assert_eq!(pool.flood_waits_off_ms(100 + rest_ms), Some(0));
        // Others are forgotten before more is waited off, and no clock makes it longer.
        pool.committed(&flood[1..4], 3, 110);
        assert_eq!(pool.flood_waits_off_ms(110), Some(REMEMBERED_MS - 110));
        pool.committed(&[], 4, 1 << 40);
        take(&pool, "other", 1_000_001, 100).unwrap();
        assert_eq!(pool.flood_waits_off_ms(0), None, "another waits");
    }

    /// A node whose clock is behind the blocks' time doesn't hold a flood for as long as that.
    #[test]
    fn a_clock_behind_the_blocks_time_holds_nothing_up() {
        let (pool, mut flood) = flooded(10, 4 * ALLOWANCE as usize - 1000);
        let other = take(&pool, "other", 1_000_001, 100).unwrap();
        pool.committed(&[other], 2, 1 << 40);
        pool.committed(&[flood.remove(0)], 3, 1 << 40);
        assert_eq!(pool.flood_waits_off_ms(0), Some(REMEMBERED_MS));
    }

    /// A share of the time, and not of the day.
    #[test]
    fn no_more_than_fifty_allowances_are_waited_off() {
        let pool = pool();
        pool.allow(Some(1000));
        let mut flood: Vec<Hash> = (0..10)
            .filter_map(|number| take(&pool, "flooder", number, 1 << 20))
            .collect();
        let other = take(&pool, "other", 1_000_000, 100).unwrap();
        pool.committed(&[other], 1, 0);
        pool.committed(&[flood.remove(0)], 2, 0);
        for (number, time_ms) in [(1, 1), (2, OWED * WAITED_OFF_MS - 10)] {
            let other = take(&pool, "other", 1_000_000 + number, 100).unwrap();
            assert_eq!(next(&pool, WHOLE), [other]);
            pool.committed(&[other], number + 2, time_ms);
        }
        let other = take(&pool, "other", 1_000_003, 100).unwrap();
        pool.committed(&[], 5, OWED * WAITED_OFF_MS + 10);
        assert_eq!(next(&pool, WHOLE), [flood[0], other]);
    }

    /// Nobody waited for it.
    #[test]
    fn what_blocks_took_while_nobody_else_came_is_not_waited_off() {
        let (pool, mut flood) = flooded(20, 4 * ALLOWANCE as usize - 1000);
        pool.committed(&[], 2, REMEMBERED_MS);
        let alone: Vec<Hash> = flood.drain(..10).collect();
        pool.committed(&alone, 3, REMEMBERED_MS + 1);
        let other = take(&pool, "other", 1_000_001, 100).unwrap();
        pool.committed(&[other], 4, REMEMBERED_MS + 2);
        let other = take(&pool, "other", 1_000_002, 100).unwrap();
        assert_eq!(next(&pool, WHOLE), [flood[0], other]);
    }

    /// To execute it again after each block would cost as much as the block may.
    #[test]
    fn what_waits_off_is_not_examined() {
        let (pool, mut flood) = flooded(10, 4 * ALLOWANCE as usize - 1000);
        pool.committed(&[flood.remove(0)], 2, 0);
        let examined = |pool: &SharedMempool| {
            let found = pool.passed_over(u64::MAX, u64::MAX);
            found.iter().filter(|t| flood.contains(t.id())).count()
        };
        for height in 3..5 {
            let other = take(&pool, "other", 1_000_000 + height, 100).unwrap();
            pool.committed(&[other], height, height);
            assert_eq!(examined(&pool), 0, "the flood has had four allowances");
        }
        // Its debt is paid: that a block takes nothing of it now has another reason.
        pool.committed(&[], 5, 3 * WAITED_OFF_MS);
        pool.committed(&[], 6, 3 * WAITED_OFF_MS);
        assert_eq!(examined(&pool), flood.len());
    }

    /// Others' gossip doesn't wait for a flood that waits.
    #[test]
    fn a_flood_is_told_from_what_waits_beside_it() {
        let (pool, flood) = flooded(100, 50_000);
        assert_eq!(pool.size().0, flood.len());
        assert_eq!(pool.size_beside_a_flood(), (0, 0));
        take(&pool, "other", 1_000_001, 100).unwrap();
        let (count, bytes) = pool.size_beside_a_flood();
        assert!(count == 1 && bytes < 1000);
        assert!(pool.floods("flooder") && !pool.floods("other") && !pool.floods("nobody"));
        pool.allow(None);
        assert_eq!(pool.size_beside_a_flood(), pool.size());
        assert!(!pool.floods("flooder"));
    }

    /// A proposer's blocks may have become smaller than one transaction of a flood.
    #[test]
    fn a_flood_of_transactions_larger_than_blocks_shuts_nobody_out() {
        let pool = pool();
        pool.allow(Some(ALLOWANCE));
        let flood: Vec<Hash> = (0..10)
            .filter_map(|number| take(&pool, "flooder", number, 1 << 20))
            .collect();
        let other = take(&pool, "other", 1_000_000, 100).unwrap();
        for (height, first) in (1..).zip(&flood[..2]) {
            assert_eq!(next(&pool, 65_536), [*first]);
            pool.committed(&[*first], height, 0);
        }
        assert_eq!(next(&pool, 65_536), [other]);
    }

    #[test]
    fn a_flood_beside_others_has_few_allowances_waiting() {
        let (pool, _) = flooded(100, 50_000);
        assert_eq!(pool.check_room("flooder", 1), Err(Rejection::PoolFull));
        assert_eq!(pool.check_room("other", 50_000), Ok(()));
        pool.allow(Some(1 << 20));
        assert_eq!(pool.check_room("flooder", 1), Ok(()));
        pool.allow(None);
        assert_eq!(pool.check_room("flooder", 1), Ok(()));
    }
}
