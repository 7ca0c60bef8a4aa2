use super::*;
use crate::mempool::tests::{pool, take};

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
        for number in 1..=10 * WAITED_OFF_MS / step_ms {
            let other = take(&pool, "other", 1_000_000 + number, 100).unwrap();
            let next = next(&pool, WHOLE);
            assert!(next.contains(&other));
            let of_flood = next.iter().filter(|id| flood.contains(id)).count();
            came.extend((of_flood > 0).then_some(number * step_ms));
            assert!(of_flood <= 1);
            pool.committed(&next, number + 1, number * step_ms);
        }
        let rests: Vec<u64> = came.windows(2).map(|two| two[1] - two[0]).collect();
        // It holds a fiftieth of a moment less.
        let least = 3 * WAITED_OFF_MS - WAITED_OFF_MS / 40;
        let is_rest = |rest: &u64| (least..=3 * WAITED_OFF_MS + 2 * step_ms).contains(rest);
        assert!(
            rests.len() >= 2 && rests.iter().all(is_rest),
            "{step_ms}: {came:?}"
        );
        // With nobody beside it, it needn't wait; but the blocks stay small.
        assert_eq!(next(&pool, WHOLE).len(), 1);
    }
}

/// It is executed to find out that no block takes it.
#[test]
fn what_breaks_a_rule_is_waited_off_like_what_a_block_takes() {
    let pool = pool();
    pool.allow(Some(ALLOWANCE));
    let bytes = (LITTLE + 1) * ALLOWANCE;
    let mut broken = HashSet::new();
    let mut tried = Vec::new();
    for height in 1..20 {
        broken.extend(take(&pool, "flooder", height, bytes as usize));
        let other = take(&pool, "other", 1_000_000 + height, 100).unwrap();
        let next = next(&pool, WHOLE);
        assert!(next.contains(&other));
        for id in next.iter().filter(|id| broken.contains(*id)) {
            pool.reject(id, Rejection::NoAction);
            tried.push(height);
        }
        pool.committed(&[other], height, 10 * height);
        assert!(pool.lock().shares.refused.is_empty());
    }
    assert_eq!(tried, [1, 2], "by the second block it floods beside others");
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
    let (pool, flood) = flooded(20, 2 * ALLOWANCE as usize - 1000);
    assert_eq!(pool.flood_waits_off_ms(0), Some(0), "nothing is owed");
    pool.committed(&flood[..1], 2, 100);
    let rest_ms = WAITED_OFF_MS;
    let left_ms = pool.flood_waits_off_ms(100).unwrap();
    assert!(
        (rest_ms - rest_ms / 40..=rest_ms).contains(&left_ms),
        "{left_ms}"
    );
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
fn no_more_than_so_many_allowances_are_waited_off() {
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
    // Others are remembered until it has paid.
    const { assert!(WAITED_OFF_MS < REMEMBERED_MS) };
    let (pool, mut flood) = flooded(20, 2 * ALLOWANCE as usize - 1000);
    pool.committed(&[flood.remove(0)], 2, 0);
    let examined = |pool: &SharedMempool| {
        let found = pool.passed_over(u64::MAX, u64::MAX);
        found.iter().filter(|t| flood.contains(t.id())).count()
    };
    for height in 3..5 {
        let other = take(&pool, "other", 1_000_000 + height, 100).unwrap();
        pool.committed(&[other], height, height);
        assert_eq!(examined(&pool), 0, "the flood has had two allowances");
    }
    // Its debt is paid by this block's time, and the block was made before: the next one that takes nothing of it
    // has another reason.
    pool.committed(&[], 5, WAITED_OFF_MS);
    assert_eq!(examined(&pool), 0);
    pool.committed(&[], 6, WAITED_OFF_MS);
    assert_eq!(examined(&pool), flood.len());
}

/// What a block took within the allowance is no reason to wait: what it passed over may break a rule.
#[test]
fn what_waits_behind_less_than_the_allowance_is_examined() {
    let (pool, mut flood) = flooded(100, ALLOWANCE as usize / 2);
    pool.committed(&[flood.remove(0)], 2, 0);
    pool.committed(&[], 3, 0);
    assert_eq!(pool.passed_over(u64::MAX, u64::MAX).len(), flood.len());
}

/// What an organisation owes holds while others come.
#[test]
fn what_is_owed_is_no_reason_once_others_are_forgotten() {
    let (pool, mut flood) = flooded(40, 4 * ALLOWANCE as usize - 1000);
    let many: Vec<Hash> = flood.drain(..20).collect();
    pool.committed(&many, 2, 0);
    pool.committed(&[], 3, REMEMBERED_MS);
    pool.committed(&[], 4, REMEMBERED_MS);
    // It owes still.
    const { assert!(REMEMBERED_MS < OWED * WAITED_OFF_MS) };
    assert_eq!(pool.passed_over(u64::MAX, u64::MAX).len(), flood.len());
}

/// Who owes sends nothing small either: it would come with each block.
#[test]
fn who_waits_off_sends_nothing_small_meanwhile() {
    let (pool, mut flood) = flooded(100, ALLOWANCE as usize / 4);
    let nine: Vec<Hash> = flood.drain(..9).collect();
    pool.committed(&nine, 2, 0);
    let other = take(&pool, "other", 1_000_001, 100).unwrap();
    assert_eq!(
        next(&pool, WHOLE),
        [other],
        "it owes more than an allowance"
    );
}

/// Beyond the first of each, a block takes an allowance of all together.
#[test]
fn two_floods_share_one_allowance() {
    let (pool, flood) = flooded(100, ALLOWANCE as usize / 4);
    let second: Vec<Hash> = (0..100)
        .filter_map(|n| take(&pool, "second", 2_000_000 + n, ALLOWANCE as usize / 4))
        .collect();
    let next = next(&pool, WHOLE);
    let of = |one: &[Hash]| next.iter().filter(|id| one.contains(id)).count();
    assert_eq!(
        (of(&flood), of(&second)),
        (2, 1),
        "four are more than one allowance"
    );
}

/// It is due as soon as one of them is.
#[test]
fn of_two_floods_the_one_that_owes_less_is_waited_for() {
    let (pool, mut flood) = flooded(20, 4 * ALLOWANCE as usize - 1000);
    let mut second: Vec<Hash> = (0..20)
        .filter_map(|n| take(&pool, "second", 2_000_000 + n, 2 * ALLOWANCE as usize))
        .collect();
    pool.committed(&[flood.remove(0), second.remove(0)], 2, 0);
    let waits_ms = pool.flood_waits_off_ms(0).unwrap();
    assert!(
        (WAITED_OFF_MS..WAITED_OFF_MS + WAITED_OFF_MS / 20).contains(&waits_ms),
        "{waits_ms}"
    );
}

/// What the next block takes whole is no flood.
#[test]
fn who_has_less_waiting_than_a_block_takes_floods_nobody() {
    let pool = pool();
    pool.allow(Some(ALLOWANCE));
    let size = ALLOWANCE as usize;
    let mut many: Vec<Hash> = (0..50)
        .filter_map(|n| take(&pool, "many", n, size))
        .collect();
    let rest = many.split_off(30);
    let other = take(&pool, "other", 1_000_000, 100).unwrap();
    pool.committed(&[many, vec![other]].concat(), 1, 0);
    assert_eq!(next(&pool, WHOLE), rest, "twenty wait, a block took thirty");
}

/// Ten moments are no flood, however little the last block held.
#[test]
fn who_has_little_waiting_floods_nobody() {
    let pool = pool();
    pool.allow(Some(ALLOWANCE));
    let few: Vec<Hash> = (0..10)
        .filter_map(|n| take(&pool, "few", n, ALLOWANCE as usize))
        .collect();
    let other = take(&pool, "other", 1_000_000, 100).unwrap();
    pool.committed(&[other], 1, 0);
    assert_eq!(next(&pool, WHOLE), few);
}

/// Where the allowance is tiny, as on a slow machine, an import still comes in by megabytes.
#[test]
fn four_megabytes_may_wait_however_small_the_allowance() {
    let (pool, _) = flooded(50, 50_000);
    pool.allow(Some(1000));
    let room = ALWAYS - pool.size().1;
    assert_eq!(pool.check_room("flooder", room), Ok(()));
    assert_eq!(
        pool.check_room("flooder", room + 1),
        Err(Rejection::PoolFull)
    );
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
