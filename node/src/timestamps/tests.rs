//! Authorities that answer, are down, lie or say nothing; the chain goes on with all of them.

mod responder;
mod secure;
mod written;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use touchstone_core::proof::checkpoint::Checkpoint;
use touchstone_core::timestamp::{self, ResponseError};

use super::http::{HttpError, MAX_ANSWER_BYTES};
use super::*;
use crate::storage::Store;
use crate::storage::rocks::{RocksStore, StoreSettings};
use crate::storage::test_blocks::{self, BlockContent};
use responder::{Certificates, Reply, Responder};

/// The chain of [`test_blocks`]'s headers.
const CHAIN_ID: Hash = [7; 32];

/// A chain, and the tasks that have it stamped.
struct World {
    store: RocksStore,
    progress: watch::Sender<Progress>,
    failed: FailedAnswers,
    tasks: Vec<JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        self.rest();
    }
}

/// Soon and often.
const EAGER: Schedule = Schedule {
    every_blocks: 1,
    every_ms: 1,
    pause_ms: 1,
};

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let genesis = test_blocks::genesis("stamps");
        let settings = StoreSettings::default();
        World {
            store: RocksStore::create(folder.path(), &genesis, &settings).unwrap(),
            progress: watch::Sender::new(Progress::default()),
            failed: FailedAnswers::default(),
            tasks: Vec::new(),
            _folder: folder,
        }
    }

    fn parts(&self) -> TimestampParts {
        TimestampParts {
            chain_id: CHAIN_ID,
            schedule: EAGER,
            reader: self.store.reader(),
            writer: self.store.checkpoint_writer(),
            progress: self.progress.subscribe(),
            failed: self.failed.clone(),
        }
    }

    fn follow(&mut self, authority: Authority) {
        self.tasks.push(tokio::spawn(run(authority, self.parts())));
    }

    fn rest(&mut self) {
        for task in self.tasks.drain(..) {
            task.abort();
        }
    }

    fn grow(&mut self, blocks: u64) {
        test_blocks::grow(&mut self.store, blocks);
        self.tell();
    }

    fn grow_empty(&mut self, blocks: u64) {
        for _ in 0..blocks {
            let empty = test_blocks::next(&self.store, &BlockContent::default());
            self.store.commit(empty.commit()).unwrap();
        }
        self.tell();
    }

    fn tell(&self) {
        let height = self.store.tip().height;
        self.progress
            .send_modify(|progress| progress.height = height);
    }

    /// Waits until an authority's stamps reach a height; all of them.
    async fn stamped(&self, authority: &str, height: u64) -> Vec<StampedRange> {
        loop {
            let reader = self.store.reader();
            let snapshot = reader.snapshot();
            let mut all = snapshot.checkpoints(0, None, 1000).unwrap();
            all.retain(|range| range.authority == authority);
            if all.last().is_some_and(|last| last.last >= height) {
                return all;
            }
            drop(snapshot);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Each stamp is for its blocks, and they follow each other from height 1 on.
    fn check(&self, ranges: &[StampedRange]) {
        self.check_from(1, ranges);
    }

    /// The same from another height on.
    fn check_from(&self, first: u64, ranges: &[StampedRange]) {
        let reader = self.store.reader();
        let snapshot = reader.snapshot();
        let mut next = first;
        for range in ranges {
            assert_eq!(range.first, next);
            next = range.last + 1;
            let headers = snapshot.headers(range.first..=range.last).unwrap();
            let checkpoint = ask::checkpoint(&CHAIN_ID, &headers, &range.authority).unwrap();
            let imprint = checkpoint.imprint();
            timestamp::verify(&range.token, &range.certificates, &imprint).unwrap();
        }
    }
}

/// An authority that does its work.
async fn honest(certificates: &Arc<Certificates>) -> Responder {
    let certificates = certificates.clone();
    Responder::start(move |query| Reply::stamp(certificates.answer(&query))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn checkpoints_follow_each_other_and_go_on_after_a_restart() {
    let certificates = Certificates::new();
    let responder = honest(&certificates).await;
    let authority = responder.authority("one", &certificates);
    let mut world = World::new();
    world.grow(3);
    world.follow(authority.clone());
    let first = world.stamped("one", 3).await;
    assert_eq!((first[0].first, first[0].last), (1, 3));
    world.grow(2);
    world.stamped("one", 5).await;
    world.rest();
    world.grow(4);
    world.follow(authority);
    let all = world.stamped("one", 9).await;
    world.check(&all);
    assert_eq!(all.last().map(|last| (last.first, last.last)), Some((6, 9)));
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_without_transactions_wait_for_one_that_has_some() {
    let certificates = Certificates::new();
    let responder = honest(&certificates).await;
    let authority = responder.authority("one", &certificates);
    let mut world = World::new();
    world.grow_empty(4);
    let mut follower = Follower::new(authority.clone(), world.parts());
    let waiting = follower.look().await.unwrap();
    let nothing = WaitingRange {
        covered: 0,
        tip: 4,
        since_ms: None,
    };
    assert_eq!((waiting, follower.empty_to), (nothing, 4));
    world.grow(1);
    world.grow_empty(1);
    let waiting = follower.look().await.unwrap();
    let time_ms = world.store.tip().time_ms - 10;
    let something = WaitingRange {
        covered: 0,
        tip: 6,
        since_ms: Some(time_ms),
    };
    assert_eq!((waiting, follower.empty_to), (something, 4));
    world.follow(authority);
    let all = world.stamped("one", 6).await;
    world.check(&all);
    assert_eq!(all.len(), 1);
    let waiting = follower.look().await.unwrap();
    let done = WaitingRange {
        covered: 6,
        tip: 6,
        since_ms: None,
    };
    assert_eq!(waiting, done);
}

/// The end of a task is the node's, and a stamp is no block.
#[tokio::test(flavor = "multi_thread")]
async fn damage_among_stamps_costs_stamps_and_ends_no_task() {
    let certificates = Certificates::new();
    let responder = honest(&certificates).await;
    let mut world = World::new();
    world.grow(2);
    // It says that it covers blocks which aren't there.
    let damaged = StampedRange {
        first: 1,
        last: 9,
        authority: "one".into(),
        token: Vec::new(),
        certificates: Vec::new(),
    };
    world.store.checkpoint_writer().keep(&damaged).unwrap();
    world.follow(responder.authority("one", &certificates));
    while world.failed.alarm().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(world.tasks.iter().all(|task| !task.is_finished()));
    // It goes on once nothing is wrong any more.
    world.grow(8);
    let all = world.stamped("one", 10).await;
    world.check_from(10, &all[1..]);
}

/// Two authorities stamp on their own, and one that is down holds nobody up.
#[tokio::test(flavor = "multi_thread")]
async fn authorities_stamp_independently() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let (one, two) = (honest(&certificates).await, honest(&others).await);
    let down = Responder::start(|_| Reply::Silence).await;
    let url = down.url();
    drop(down);
    let mut world = World::new();
    world.follow(one.authority("one", &certificates));
    world.follow(two.authority("two", &others));
    world.follow(responder::authority(&url, "down", &certificates));
    world.grow(3);
    for name in ["one", "two"] {
        let all = world.stamped(name, 3).await;
        world.check(&all);
    }
    let reader = world.store.reader();
    let mut names = reader.snapshot().authorities().unwrap();
    names.sort();
    assert_eq!(names, ["one", "two"]);
    assert!(world.tasks.iter().all(|task| !task.is_finished()));
}

/// Whatever an authority does, it costs no more than a try, and the stamp comes when it is well again.
#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_recovers_stamps_what_it_missed() {
    let certificates = Certificates::new();
    let true_answers = certificates.clone();
    let tries = AtomicUsize::new(0);
    let responder = Responder::start(move |query| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::Raw(Vec::new()),
        1 => Reply::Whole(503, "text/plain", b"later".to_vec()),
        2 => Reply::stamp(b"garbage".to_vec()),
        3 => Reply::stamp(true_answers.answer(&other_imprint(query))),
        _ => Reply::stamp(true_answers.answer(&query)),
    })
    .await;
    let mut world = World::new();
    world.follow(responder.authority("one", &certificates));
    world.grow(2);
    let all = world.stamped("one", 2).await;
    world.check(&all);
}

/// The query with another imprint: its octet string of 32 bytes is the only one.
fn other_imprint(mut query: Vec<u8>) -> Vec<u8> {
    let place = query.windows(2).position(|w| w == [0x04, 0x20]).unwrap();
    query[place + 2] ^= 1;
    query
}

/// The query with another nonce, which stands before the three bytes of the last field.
fn other_nonce(mut query: Vec<u8>) -> Vec<u8> {
    let place = query.len() - 4;
    query[place] ^= 1;
    query
}

/// One try at each way to fail: the failure is named, and nothing is kept.
#[tokio::test(flavor = "multi_thread")]
async fn no_answer_but_the_right_one_is_taken() {
    type Bend = fn(&Certificates, Vec<u8>) -> Reply;
    type Fits = fn(&NoStamp) -> bool;
    let cases: [(&str, Bend, Fits); 13] = [
        (
            "nothing",
            |_, _| Reply::Raw(Vec::new()),
            |e| matches!(e, NoStamp::Http(HttpError::Exchange(_))),
        ),
        (
            "no HTTP",
            |_, _| Reply::Raw(b"220 smtp ready\r\n".to_vec()),
            |e| matches!(e, NoStamp::Http(HttpError::Exchange(_))),
        ),
        (
            "an endless head",
            |_, _| Reply::Raw(vec![b'H'; 1 << 20]),
            |e| matches!(e, NoStamp::Http(HttpError::Exchange(_))),
        ),
        (
            "a failure",
            |_, _| Reply::Whole(500, "text/html", b"no".to_vec()),
            |e| matches!(e, NoStamp::Http(HttpError::Status(status)) if status.as_u16() == 500),
        ),
        (
            "a redirection",
            |_, _| {
                Reply::Raw(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n".to_vec())
            },
            |e| matches!(e, NoStamp::Http(HttpError::Status(status)) if status.as_u16() == 302),
        ),
        (
            "a page",
            |c, query| Reply::Whole(200, "text/html; charset=utf-8", c.answer(&query)),
            |e| matches!(e, NoStamp::Http(HttpError::ContentType(kind)) if kind.contains("html")),
        ),
        (
            "too much",
            |_, _| Reply::stamp(vec![0x30; MAX_ANSWER_BYTES + 1]),
            |e| matches!(e, NoStamp::Http(HttpError::TooLarge)),
        ),
        (
            "half an answer",
            |c, query| {
                let head = "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n\
                            Content-Length: 5000\r\n\r\n";
                Reply::Raw([head.as_bytes(), &c.answer(&query)[..100]].concat())
            },
            |e| matches!(e, NoStamp::Http(HttpError::CutOff)),
        ),
        (
            "silence",
            |_, _| Reply::Silence,
            |e| matches!(e, NoStamp::Http(HttpError::TooLate(_))),
        ),
        (
            "garbage",
            |_, _| Reply::stamp(b"garbage".to_vec()),
            |e| matches!(e, NoStamp::Response(ResponseError::Malformed(_))),
        ),
        (
            "a refusal",
            |c, _| Reply::stamp(c.answer(b"no query")),
            |e| {
                matches!(
                    e,
                    NoStamp::Response(ResponseError::Refused { status: 2, .. })
                )
            },
        ),
        (
            "another imprint",
            |c, query| Reply::stamp(c.answer(&other_imprint(query))),
            |e| matches!(e, NoStamp::Token(_)),
        ),
        (
            "another nonce",
            |c, query| Reply::stamp(c.answer(&other_nonce(query))),
            |e| matches!(e, NoStamp::Nonce),
        ),
    ];
    let certificates = Certificates::new();
    let checkpoint = checkpoint();
    let mut failures: Vec<NoStamp> = Vec::new();
    for (what, bend, fits) in cases {
        let own = certificates.clone();
        let responder = Responder::start(move |query| bend(&own, query)).await;
        let mut authority = responder.authority("one", &certificates);
        if what == "silence" {
            authority.timeout = Duration::from_millis(200);
        }
        let failure = ask::stamp(&authority, &checkpoint).await.expect_err(what);
        assert!(fits(&failure), "{what}: {failure:?}");
        assert!(failure.is_like(&failure), "{what}");
        failures.push(failure);
    }
    let [first, .., last] = &failures[..] else {
        panic!("there are failures");
    };
    assert!(!first.is_like(last) && !last.is_like(first));
    assert!(
        !failures[0].is_like(&failures[3]),
        "HTTP fails in several ways"
    );
}

/// A token that verifies is still refused if it isn't by whom, or not as, the operator wants it.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_must_lead_to_a_trusted_root_and_be_under_the_policy() {
    let (certificates, others) = (Certificates::new(), Certificates::new());
    let responder = honest(&certificates).await;
    let checkpoint = checkpoint();
    let authority = responder.authority("one", &certificates);
    let stamp = ask::stamp(&authority, &checkpoint).await.unwrap();
    assert!(!stamp.token.is_empty());

    let strange = responder.authority("one", &others);
    let failure = ask::stamp(&strange, &checkpoint).await.unwrap_err();
    assert!(matches!(failure, NoStamp::Root(_)), "{failure:?}");

    let mut right = authority.clone();
    right.policy = Some("1.3.6.1.4.1.99999.1".into());
    ask::stamp(&right, &checkpoint).await.unwrap();
    let mut wrong = authority;
    wrong.policy = Some("1.3.6.1.4.1.99999.2".into());
    let failure = ask::stamp(&wrong, &checkpoint).await.unwrap_err();
    assert!(matches!(failure, NoStamp::Policy { .. }), "{failure:?}");
}

fn checkpoint() -> Checkpoint {
    let mut world = World::new();
    world.grow(3);
    let headers = world.store.reader().snapshot().headers(1..=3).unwrap();
    ask::checkpoint(&CHAIN_ID, &headers, "one").unwrap()
}

/// The log hears of a failure once, and again when it is of another kind.
#[test]
fn pauses_grow_with_failures_and_shrink_with_success() {
    let mut standing = Standing::default();
    for failures in 1..5 {
        standing.fails("one", NoStamp::Nonce);
        assert_eq!(standing.failures, failures);
    }
    assert!(matches!(standing.last, Some(NoStamp::Nonce)));
    standing.fails("one", NoStamp::Http(HttpError::CutOff));
    assert!(matches!(standing.last, Some(NoStamp::Http(_))));
    assert_eq!(standing.failures, 5);
}
