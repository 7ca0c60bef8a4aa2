use ed25519_dalek::SigningKey;
use tokio::sync::mpsc;
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{CaptureEvents, Transaction};

use super::*;

const CHAIN: Hash = [7; 32];

fn envelope(number: u64) -> Vec<u8> {
    envelope_of("someone", number, 0)
}

fn envelope_of(organisation: &str, number: u64, bytes: usize) -> Vec<u8> {
    let transaction = Transaction {
        organisation: organisation.into(),
        created_ms: number,
        action: Some(Action::CaptureEvents(CaptureEvents {
            events: vec![vec![b' '; bytes]],
            handover: None,
        })),
    };
    transaction::sign(&SigningKey::from_bytes(&[1; 32]), &CHAIN, &transaction)
}

pub(super) fn id(number: u64) -> Hash {
    transaction::id_of_envelope(&CHAIN, &envelope(number)).unwrap()
}

pub(super) fn pool() -> SharedMempool {
    SharedMempool::new(PoolLimits::default())
}

/// Takes in without asking a state.
fn insert(
    pool: &SharedMempool,
    number: u64,
    listener: Option<Listener>,
) -> Result<Option<Arc<VerifiedTransaction>>, Rejection> {
    let verified = transaction::verify(&CHAIN, &envelope(number)).unwrap();
    pool.insert(verified, listener)
}

pub(super) fn add(pool: &SharedMempool, number: u64) {
    assert!(insert(pool, number, None).unwrap().is_some());
}

fn waiting(pool: &SharedMempool, places: Range<u64>, count: usize, bytes: u64) -> Vec<Hash> {
    let waiting = pool.waiting(places, count, bytes);
    waiting.iter().map(|w| *w.transaction.id()).collect()
}

#[test]
fn listeners_are_bounded_and_those_that_have_gone_make_room() {
    let pool = pool();
    add(&pool, 1);
    let listen = |listener| insert(&pool, 1, Some(listener));
    let mut waiting = Vec::new();
    for _ in 0..LISTENERS {
        let (listener, hears) = mpsc::unbounded_channel();
        assert!(listen(listener).is_ok());
        waiting.push(hears);
    }
    let (listener, _hears) = mpsc::unbounded_channel();
    assert_eq!(listen(listener.clone()).unwrap_err(), Rejection::PoolFull);
    drop(waiting.pop());
    assert!(listen(listener).is_ok());
}

#[test]
fn what_comes_twice_waits_once_and_all_submitters_hear() {
    let pool = pool();
    let (first, mut hears_first) = mpsc::unbounded_channel();
    let (second, mut hears_second) = mpsc::unbounded_channel();
    assert!(insert(&pool, 1, Some(first)).unwrap().is_some());
    assert!(insert(&pool, 1, Some(second)).unwrap().is_none());
    let (third, mut hears_third) = mpsc::unbounded_channel();
    assert!(pool.join(&id(1), &envelope(1), Some(&third)).unwrap());
    assert_eq!(pool.size().0, 1);
    pool.committed(&[id(1)], 5, 99);
    let outcome = PoolOutcome::Committed {
        height: 5,
        index: 0,
        time_ms: 99,
    };
    assert_eq!(hears_first.try_recv().unwrap(), (id(1), outcome.clone()));
    assert_eq!(hears_second.try_recv().unwrap(), (id(1), outcome.clone()));
    assert_eq!(hears_third.try_recv().unwrap(), (id(1), outcome));
    assert_eq!(pool.size(), (0, 0));
    assert_eq!(
        insert(&pool, 1, None).unwrap_err(),
        Rejection::AlreadyCommitted
    );
}

#[test]
fn other_signature_bytes_for_a_pending_body_are_verified_by_themselves() {
    let pool = pool();
    add(&pool, 1);
    let mut forged = envelope(1);
    *forged.last_mut().unwrap() ^= 1;
    assert!(!pool.join(&id(1), &forged, None).unwrap());
    let block = [envelope(2), envelope(1), forged.clone(), forged];
    assert!(pool.verify_all(&CHAIN, &block[..2]).is_ok());
    let (index, rejection) = pool.verify_all(&CHAIN, &block).unwrap_err();
    assert_eq!((index, rejection.rule()), (2, "signature"));
}

/// What the pool holds comes from there, with what has been read of it; the rest is verified, on whatever number of
/// cores, in the order of the block.
#[test]
fn a_block_is_verified_but_for_what_the_pool_holds() {
    let pool = pool();
    for number in (0..100).step_by(3) {
        add(&pool, number);
    }
    let block: Vec<Vec<u8>> = (0..100).map(envelope).collect();
    let verified = pool.verify_all(&CHAIN, &block).unwrap();
    assert_eq!(verified.len(), block.len());
    let held = waiting(&pool, 0..100, 100, u64::MAX);
    for (transaction, envelope) in verified.iter().zip(&block) {
        assert_eq!(transaction.envelope(), envelope);
        let is_shared = Arc::strong_count(transaction) > 1;
        assert_eq!(is_shared, held.contains(transaction.id()));
    }
    pool.committed(&[id(3)], 1, 0);
    let again = pool.verify_all(&CHAIN, &block[3..4]).unwrap();
    assert_eq!(Arc::strong_count(&again[0]), 1, "what has left is verified");
    assert!(pool.verify_all(&CHAIN, &[]).unwrap().is_empty());
}

#[test]
fn the_first_that_is_wrong_is_named_however_many_verify() {
    let pool = pool();
    let mut block: Vec<Vec<u8>> = (0..100).map(envelope).collect();
    for index in [41, 42, 97] {
        *block[index].last_mut().unwrap() ^= 1;
    }
    block[60].clear();
    let (index, rejection) = pool.verify_all(&CHAIN, &block).unwrap_err();
    assert_eq!((index, rejection.rule()), (41, "signature"));
}

#[test]
fn the_pool_is_bounded_by_count_and_by_bytes_and_frees_what_leaves() {
    let size = envelope(1).len() as u64;
    for limits in [
        PoolLimits {
            transactions: 4,
            ..PoolLimits::default()
        },
        PoolLimits {
            bytes: 4 * size + 1,
            ..PoolLimits::default()
        },
    ] {
        let pool = SharedMempool::new(limits);
        add(&pool, 1);
        add(&pool, 2);
        assert_eq!(pool.check_room("someone", size), Err(Rejection::PoolFull));
        assert_eq!(insert(&pool, 3, None).unwrap_err(), Rejection::PoolFull);
        pool.reject(&id(1), Rejection::NoAction);
        add(&pool, 3);
    }
}

#[test]
fn candidates_are_the_oldest_within_the_limits() {
    let pool = pool();
    (1..=5).for_each(|n| add(&pool, n));
    let size = envelope(1).len() as u64;
    let ids = |bytes, count| -> Vec<Hash> {
        pool.candidates(bytes, count)
            .iter()
            .map(|t| *t.id())
            .collect()
    };
    assert_eq!(ids(u64::MAX / 2, 3), [id(1), id(2), id(3)]);
    assert_eq!(ids(2 * size, 10), [id(1), id(2)]);
    assert_eq!(ids(size - 1, 2), [id(1)], "the first is never passed over");
}

#[test]
fn a_refusal_is_remembered_and_may_be_tried_again() {
    let pool = pool();
    add(&pool, 1);
    pool.reject(&id(1), Rejection::NoAction);
    assert_eq!(
        pool.outcome(&id(1)),
        Some(PoolOutcome::Rejected(Rejection::NoAction))
    );
    add(&pool, 1);
    assert_eq!(pool.outcome(&id(1)), Some(PoolOutcome::Pending));
    pool.committed(&[id(1)], 1, 0);
    pool.reject(&id(1), Rejection::NoAction);
    assert!(matches!(
        pool.outcome(&id(1)),
        Some(PoolOutcome::Committed { .. })
    ));
    assert_eq!(pool.outcome(&id(2)), None);
}

#[test]
fn outcomes_are_forgotten_oldest_first() {
    let pool = SharedMempool::new(PoolLimits {
        outcomes: 2,
        ..PoolLimits::default()
    });
    for number in 1..=3 {
        add(&pool, number);
        pool.committed(&[id(number)], number, 0);
    }
    assert_eq!(pool.outcome(&id(1)), None);
    assert!(pool.outcome(&id(3)).is_some());
}

#[test]
fn what_waits_is_found_by_place_within_the_limits() {
    let pool = pool();
    assert_eq!(pool.next_place(), 0);
    (1..=4).for_each(|n| add(&pool, n));
    assert_eq!(pool.next_place(), 4);
    pool.committed(&[id(1)], 1, 0);
    let size = envelope(1).len() as u64;
    assert_eq!(
        waiting(&pool, 0..4, 9, u64::MAX),
        [id(2), id(3), id(4)],
        "what has left is not found"
    );
    assert_eq!(waiting(&pool, 0..2, 9, u64::MAX), [id(2)]);
    assert_eq!(waiting(&pool, 0..4, 2, u64::MAX), [id(2), id(3)]);
    assert_eq!(waiting(&pool, 0..4, 9, size + 1), [id(2), id(3)]);
    assert_eq!(waiting(&pool, 3..4, 9, 1), [id(4)], "one always fits");
    assert!(waiting(&pool, 3..3, 9, u64::MAX).is_empty());
    assert_eq!(pool.waiting(2..4, 1, 1)[0].place, 2);
}

#[test]
fn a_pool_is_idle_while_nothing_waits_and_nothing_newer_was_committed() {
    let pool = pool();
    assert!(pool.is_idle_at(0));
    add(&pool, 1);
    assert!(!pool.is_idle_at(0));
    pool.committed(&[id(1)], 1, 0);
    assert!(!pool.is_idle_at(0), "the state that was read is older");
    assert!(pool.is_idle_at(1));
}

pub(super) fn take(
    pool: &SharedMempool,
    organisation: &str,
    number: u64,
    bytes: usize,
) -> Option<Hash> {
    let envelope = envelope_of(organisation, number, bytes);
    let verified = transaction::verify(&CHAIN, &envelope).unwrap();
    let taken = pool.insert(verified, None);
    let taken = taken.map(|taken| taken.map(|t| *t.id()));
    taken.unwrap_or_default()
}

/// One organisation floods the pool with large captures; another's small deposit gets into the next block.
#[test]
fn a_flood_by_one_organisation_holds_up_its_own_transactions() {
    let pool = pool();
    let flood: Vec<Hash> = (0..40)
        .filter_map(|number| take(&pool, "flooder", number, 1 << 20))
        .collect();
    let deposit = take(&pool, "other", 1, 100).unwrap();
    let next = pool.candidates(4 << 20, 1000);
    let ids: Vec<Hash> = next.iter().map(|t| *t.id()).collect();
    assert!(ids.contains(&deposit), "it waits for the flood");
    // What is chosen keeps the order of its arrival: one may build on another.
    assert_eq!(ids, [&flood[..3], &[deposit][..]].concat());
    assert_eq!(
        pool.candidates(1, 1)[0].id(),
        &flood[0],
        "the oldest of all"
    );
}

#[test]
fn organisations_share_a_block_by_bytes() {
    let pool = pool();
    for number in 0..30 {
        take(&pool, "large", number, 10_000);
    }
    for number in 0..300 {
        take(&pool, "small", number, 900);
    }
    let next = pool.candidates(100_000, 1000);
    let of = |name: &str| {
        let own = next.iter().filter(|t| t.organisation() == name);
        own.map(|t| t.envelope().len()).sum::<usize>()
    };
    let (large, small) = (of("large"), of("small"));
    assert!(large.abs_diff(small) <= 11_000, "{large} and {small}");
    assert!(large + small > 90_000);
}

#[test]
fn an_organisation_leaves_room_for_others() {
    let limits = PoolLimits {
        transactions: 100,
        ..PoolLimits::default()
    };
    let pool = SharedMempool::new(limits);
    let fill = |name: &str| (0..200).filter_map(|n| take(&pool, name, n, 0)).count();
    assert_eq!(fill("one"), 50);
    assert_eq!(fill("two"), 33);
    assert_eq!(fill("three"), 17, "what is left");
    assert_eq!(fill("four"), 0);
    let oldest: Vec<Hash> = pool
        .candidates(u64::MAX, 60)
        .iter()
        .map(|t| *t.id())
        .collect();
    pool.committed(&oldest, 1, 0);
    assert!(fill("four") > 0);
    assert_eq!(fill("one"), 0, "it still has more than its share");
}

fn passed_over(pool: &SharedMempool, until: u64) -> Vec<Hash> {
    let found = pool.passed_over(until, u64::MAX);
    found.iter().map(|t| *t.id()).collect()
}

#[test]
fn what_waits_before_what_a_block_took_was_passed_over_and_what_waits_behind_was_not() {
    let pool = pool();
    let one: Vec<Hash> = (0..4).filter_map(|n| take(&pool, "one", n, 0)).collect();
    let two: Vec<Hash> = (0..2).filter_map(|n| take(&pool, "two", n, 0)).collect();
    pool.committed(&[one[1], one[2]], 1, 0);
    assert_eq!(
        passed_over(&pool, 6),
        [one[0], two[0], two[1]],
        "nothing was taken of the second organisation"
    );
    pool.committed(&[two[0]], 2, 0);
    assert_eq!(passed_over(&pool, 6), [one[3]], "each once");
    pool.committed(&[], 3, 0);
    assert!(passed_over(&pool, 6).is_empty());
    pool.committed(&[], 1 + EXAMINED_AGAIN, 0);
    assert_eq!(passed_over(&pool, 6), [one[0], two[1]]);
}

#[test]
fn what_came_after_the_proposal_was_not_passed_over() {
    let pool = pool();
    add(&pool, 1);
    let until = pool.next_place();
    add(&pool, 2);
    pool.committed(&[], 1, 0);
    assert_eq!(passed_over(&pool, until), [id(1)]);
    pool.committed(&[], 2, 0);
    assert_eq!(passed_over(&pool, pool.next_place()), [id(2)]);
}

#[test]
fn organisations_share_what_is_examined() {
    let pool = pool();
    for number in 0..40 {
        take(&pool, "flooder", number, 10_000);
    }
    let other = take(&pool, "other", 1, 100).unwrap();
    pool.committed(&[], 1, 0);
    let found = pool.passed_over(u64::MAX, 20_000);
    assert!(found.iter().any(|t| *t.id() == other));
    assert!(found.len() < 4);
}
