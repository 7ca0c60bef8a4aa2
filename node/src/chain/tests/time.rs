//! Every rule that reads a block's time judges what is submitted by now, however old the last
//! block is: at admission, when a block is made, and for what waits.

mod cases;
mod designs;
mod reviews;
mod routes;

use std::collections::BTreeSet;
use std::path::Path;

use touchstone_core::governance::parameters;
use touchstone_core::governance::protocol::MIN_NOTICE;
use touchstone_core::hash::Hash;
use touchstone_core::test_support::{
    self as support, CARRIER, MAKER, MARKET, aggregation, answer, approve, capture, change,
    container, genesis_document, item, offer, public, step,
};
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{self, Compromise};

use super::*;
use crate::admission::{Admission, Source};

const MINUTE_MS: u64 = 60_000;
/// How old the last block of an idle chain is.
const IDLE_MS: u64 = 60 * MINUTE_MS;
/// A time between the last block and now, measured from the last block.
const BETWEEN_MS: u64 = 30 * MINUTE_MS;
const DAY_MS: u64 = 24 * 60 * MINUTE_MS;

/// Every line of the ledger's rules that reads the time, and the codes of the rules that judge by
/// it; none where the time is only recorded.
const READS: &[(&str, &str, &[u32])] = &[
    (
        "custody/status.rs",
        "ItemCache::new(&mut Delta::new(state)).status(id, now_ms)",
        &[],
    ),
    (
        "custody/status.rs",
        "status.offer = offer.filter(|offer| now_ms <= offer.deadline_ms);",
        &[313],
    ),
    (
        "custody/status.rs",
        "offer.outcome == Outcome::Unspecified as i32 && now_ms <= offer.deadline_ms",
        &[313, 324],
    ),
    (
        "custody/capture_events/answer.rs",
        "if !is_open(offer, context.block.time_ms) {",
        &[324],
    ),
    (
        "custody/capture_events/answer.rs",
        "let mut open = open_offers(items, &offer.from, context.block.time_ms)?;",
        &[],
    ),
    (
        "custody/capture_events/authority.rs",
        "let status = items.status(id, at.context.block.time_ms)?;",
        &[313],
    ),
    (
        "custody/capture_events/corrections.rs",
        "let status = items.status(id, at.context.block.time_ms)?;",
        &[],
    ),
    (
        "custody/capture_events/offer.rs",
        "let left_ms = offer.deadline_ms.checked_sub(context.block.time_ms);",
        &[321],
    ),
    (
        "custody/capture_events/offer.rs",
        "let mut open = open_offers(items, &from, context.block.time_ms)?;",
        &[328],
    ),
    (
        "custody/capture_events/offer.rs",
        "let status = items.status(item, context.block.time_ms)?;",
        &[313],
    ),
    (
        "custody/capture_events/offer.rs",
        "open.offers.retain(|offer| now_ms <= offer.deadline_ms);",
        &[328],
    ),
    (
        "execution.rs",
        "let (height, time_ms) = (block.height, block.time_ms);",
        &[107, 108],
    ),
    (
        "governance/approve_change.rs",
        "let after = parameters::changed(&before, wanted, block.time_ms)?;",
        &[],
    ),
    (
        "governance/approve_change.rs",
        "return Ok(voucher::note(state, &o.id, was_voucher, block.time_ms)?);",
        &[],
    ),
    (
        "governance/approve_change.rs",
        "return Ok(voucher::note(state, id, was_voucher, block.time_ms)?);",
        &[],
    ),
    (
        "governance/change_keys.rs",
        "let (height, time_ms) = (context.block.height, context.block.time_ms);",
        &[],
    ),
    (
        "governance/change_keys.rs",
        "key.added_ms == 0 || from_ms <= context.block.time_ms",
        &[],
    ),
    (
        "governance/recover_keys.rs",
        "if verdict.since_ms > block.time_ms || !named.insert(public_key) {",
        &[511],
    ),
    (
        "governance/change_keys.rs",
        "let dated = (1..=context.block.time_ms).contains(&report.since_ms);",
        &[511],
    ),
    (
        "governance/voucher.rs",
        "Some(rest) => rest.until_ms = now_ms.saturating_sub(1),",
        &[],
    ),
    ("governance/voucher.rs", "from_ms: now_ms,", &[]),
    ("rules/link.rs", "time_ms: context.block.time_ms,", &[]),
];

/// Something to submit, and the code that it meets (0: none): right after the last block, and when
/// that is an hour old.
struct Case {
    name: &'static str,
    fresh: u32,
    idle: u32,
    submit: fn(&mut Ledger) -> Vec<u8>,
}

const CASES: &[Case] = &[
    Case {
        name: "a lifetime that has ended since the last block",
        fresh: 0,
        idle: 107,
        submit: |ledger| {
            let ends_ms = ledger.chain.tip.time_ms + BETWEEN_MS;
            let lifetime_ms = parameters::lifetime_ms(&ledger.chain.parameters);
            ledger.sign_at(CARRIER, ends_ms - lifetime_ms, observed())
        },
    },
    Case {
        name: "a clock that was too far ahead at the last block",
        fresh: 108,
        idle: 0,
        submit: |ledger| {
            let created_ms = ledger.chain.tip.time_ms + BETWEEN_MS + parameters::MAX_AHEAD_MS;
            ledger.sign_at(CARRIER, created_ms, observed())
        },
    },
    Case {
        name: "a compromise since the last block",
        fresh: 511,
        idle: 0,
        submit: |ledger| {
            let compromised = vec![Compromise {
                public_key: public(MARKET.1).to_vec(),
                since_ms: ledger.chain.tip.time_ms + BETWEEN_MS,
            }];
            let action = Action::ChangeKeys(ChangeKeys {
                add: vec![public(50).to_vec()],
                retire: vec![],
                compromised,
            });
            ledger.sign(MARKET, action)
        },
    },
    Case {
        name: "a deadline that has passed since the last block",
        fresh: 0,
        idle: 321,
        submit: |ledger| ledger.offer(1, ledger.chain.tip.time_ms + BETWEEN_MS),
    },
    Case {
        name: "a deadline that was too far at the last block",
        fresh: 321,
        idle: 0,
        submit: |ledger| ledger.offer(1, ledger.chain.tip.time_ms + BETWEEN_MS + 366 * DAY_MS),
    },
    Case {
        name: "an answer after the deadline",
        fresh: 0,
        idle: 324,
        submit: |ledger| {
            let id = ledger.open_offer();
            let received = [step("OBSERVE", "receiving", &[item(1)])];
            ledger.sign(
                CARRIER,
                answer(&id, ledger::Outcome::Accepted, "", &received),
            )
        },
    },
    Case {
        name: "a withdrawal after the deadline",
        fresh: 0,
        idle: 324,
        submit: |ledger| {
            let id = ledger.open_offer();
            let kept = [step("OBSERVE", "storing", &[item(1)])];
            ledger.sign(MARKET, answer(&id, ledger::Outcome::Withdrawn, "", &kept))
        },
    },
    Case {
        name: "packing what was offered",
        fresh: 313,
        idle: 0,
        submit: |ledger| {
            ledger.open_offer();
            let packed = aggregation("ADD", &container(1), &[item(1)]);
            ledger.sign(MARKET, capture(&[packed]))
        },
    },
    Case {
        name: "offering again what was offered",
        fresh: 313,
        idle: 0,
        submit: |ledger| {
            ledger.open_offer();
            ledger.offer(1, ledger.chain.tip.time_ms + DAY_MS)
        },
    },
    Case {
        name: "one offer more than may be open",
        fresh: 328,
        idle: 0,
        submit: |ledger| {
            let deadline_ms = ledger.chain.tip.time_ms + BETWEEN_MS;
            let open: Vec<_> = (1..=1000).map(|n| ledger.offer(n, deadline_ms)).collect();
            ledger.commit(&open);
            ledger.offer(1001, ledger.chain.tip.time_ms + DAY_MS)
        },
    },
];

/// An observation that any logistics firm may record.
fn observed() -> Action {
    capture(&[step("OBSERVE", "storing", &[item(7)])])
}

fn cases() -> impl Iterator<Item = &'static Case> {
    let others = designs::CASES.iter().chain(cases::CASES);
    CASES.iter().chain(others).chain(reviews::CASES)
}

/// One node's chain of the four test organisations.
struct Ledger {
    id: Hash,
    chain: Chain<MemoryStore>,
}

impl Ledger {
    fn start() -> Ledger {
        let genesis = Genesis::read(&genesis_document().to_bytes()).unwrap();
        let pool = SharedMempool::new(PoolLimits::default());
        let chain = Chain::open(genesis.chain_id, MemoryStore::new(&genesis), pool).unwrap();
        let id = genesis.chain_id;
        Ledger { id, chain }
    }

    fn sign(&self, who: (&str, u8), action: Action) -> Vec<u8> {
        self.sign_at(who, self.chain.tip.time_ms, action)
    }

    fn sign_at(&self, who: (&str, u8), created_ms: u64, action: Action) -> Vec<u8> {
        let body = support::body(who.0, created_ms, action);
        transaction::sign(&support::key(who.1), &self.id, &body)
    }

    /// The market's offer of an item to the carrier.
    fn offer(&self, number: u64, deadline_ms: u64) -> Vec<u8> {
        let shipped = [step("OBSERVE", "shipping", &[item(number)])];
        self.sign(MARKET, offer(CARRIER.0, deadline_ms, &shipped))
    }

    /// Commits an offer of the first item whose deadline lies between the last block and now.
    fn open_offer(&mut self) -> Hash {
        let envelope = self.offer(1, self.chain.tip.time_ms + BETWEEN_MS);
        self.commit(std::slice::from_ref(&envelope));
        transaction::id_of_envelope(&self.id, &envelope).unwrap()
    }

    /// Three of four approve a change, a block each.
    fn vote(&mut self, change: &ledger::Change) {
        for who in [MARKET, CARRIER, MAKER] {
            let approval = self.sign(who, approve(change));
            self.commit(&[approval]);
        }
    }

    fn insert(&self, envelope: &[u8]) -> Hash {
        let verified = transaction::verify(&self.id, envelope).unwrap();
        let id = *verified.id();
        self.chain.mempool.insert(verified, None).unwrap().unwrap();
        id
    }

    fn build(&mut self, now_ms: u64) -> Block {
        self.chain.build(now_ms, public(11)).unwrap()
    }

    fn adopt(&mut self, block: &Block, now_ms: u64) {
        let certificate = CommitCertificate::default();
        self.chain
            .commit(&block.id(), &certificate, now_ms)
            .unwrap();
    }

    /// Commits a block of exactly these, just after the last one.
    fn commit(&mut self, envelopes: &[Vec<u8>]) {
        let now_ms = self.chain.tip.time_ms + 1;
        for envelope in envelopes {
            self.insert(envelope);
        }
        let block = self.build(now_ms);
        assert_eq!(block.transactions.len(), envelopes.len());
        self.adopt(&block, now_ms);
    }

    /// A block of others, made just after the last one, that passed over what waits here.
    fn empty_block(&mut self) -> Block {
        let none = SharedMempool::new(PoolLimits::default());
        let pool = std::mem::replace(&mut self.chain.mempool, none);
        let block = self.build(self.chain.tip.time_ms + 1);
        self.chain.mempool = pool;
        block
    }

    fn refusal(&self, id: &Hash) -> u32 {
        match self.chain.mempool.outcome(id) {
            Some(PoolOutcome::Rejected(rejection)) => rejection.code(),
            _ => 0,
        }
    }
}

#[test]
fn a_client_is_answered_by_the_rules_of_now() {
    for case in cases() {
        for (idle_ms, expected) in [(1, case.fresh), (IDLE_MS, case.idle)] {
            let mut ledger = Ledger::start();
            let envelope = (case.submit)(&mut ledger);
            let (state, tip) = (ledger.chain.store(), ledger.chain.tip.clone());
            let now_ms = tip.time_ms + idle_ms;
            let pool = ledger.chain.mempool();
            let admission = Admission::new(&ledger.id, state, tip, now_ms, pool);
            let admitted = admission.admit(&envelope, Source::Client(None)).unwrap();
            let code = admitted.err().map_or(0, |rejection| rejection.code());
            assert_eq!(code, expected, "{} after {idle_ms} ms", case.name);
        }
    }
}

/// What a block can't take for its time is told at once, and doesn't wait for the next block.
#[test]
fn what_a_proposer_leaves_out_is_refused_by_the_rules_of_now() {
    for case in cases() {
        for (idle_ms, expected) in [(1, case.fresh), (IDLE_MS, case.idle)] {
            let mut ledger = Ledger::start();
            let envelope = (case.submit)(&mut ledger);
            let id = ledger.insert(&envelope);
            let block = ledger.build(ledger.chain.tip.time_ms + idle_ms);
            let taken = usize::from(expected == 0);
            let name = case.name;
            assert_eq!(block.transactions.len(), taken, "{name} after {idle_ms} ms");
            assert_eq!(ledger.refusal(&id), expected, "{name} after {idle_ms} ms");
        }
    }
}

/// A node that catches up commits old blocks; what waits in its pool was submitted now.
#[test]
fn what_waits_while_old_blocks_are_committed_is_judged_by_the_rules_of_now() {
    for case in cases() {
        for (idle_ms, expected) in [(1, case.fresh), (IDLE_MS, case.idle)] {
            let mut ledger = Ledger::start();
            let envelope = (case.submit)(&mut ledger);
            let id = ledger.insert(&envelope);
            let now_ms = ledger.chain.tip.time_ms + idle_ms;
            for _ in 0..2 {
                let block = ledger.empty_block();
                ledger.adopt(&block, now_ms);
            }
            let refusal = ledger.refusal(&id);
            assert_eq!(refusal, expected, "{} after {idle_ms} ms", case.name);
        }
    }
}

#[test]
fn every_rule_that_reads_the_time_is_among_the_cases() {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chain-core/src");
    let mut found = Vec::new();
    for room in ["custody", "designs", "governance", "rules", "execution"] {
        reads(&sources, room, &mut found);
        reads(&sources, &format!("{room}.rs"), &mut found);
    }
    found.sort();
    let mut listed: Vec<_> = READS
        .iter()
        .chain(designs::READS)
        .chain(cases::READS)
        .chain(reviews::READS)
        .chain(routes::READS)
        .map(|(file, line, _)| ((*file).to_owned(), (*line).to_owned()))
        .collect();
    listed.sort();
    assert_eq!(
        found, listed,
        "list what reads the time, with a case if it judges"
    );
    let judging: BTreeSet<u32> = READS
        .iter()
        .chain(designs::READS)
        .chain(cases::READS)
        .chain(reviews::READS)
        .chain(routes::READS)
        .flat_map(|(_, _, codes)| *codes)
        .copied()
        .collect();
    let tested: BTreeSet<u32> = cases().map(|case| case.fresh.max(case.idle)).collect();
    assert_eq!(tested, judging);
    assert!(cases().all(|case| case.fresh != case.idle), "time decides");
}

/// The lines of code under a folder or file that read the time, tests left out.
fn reads(root: &Path, relative: &str, found: &mut Vec<(String, String)>) {
    let path = root.join(relative);
    if path.is_dir() {
        for entry in std::fs::read_dir(&path).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name != "tests" && name != "tests.rs" {
                reads(root, &format!("{relative}/{name}"), found);
            }
        }
        return;
    }
    for line in std::fs::read_to_string(&path).unwrap().lines() {
        let line = line.trim();
        let reads_time = ["block.time_ms", "now_ms"].iter().any(|name| {
            line.match_indices(name).any(|(at, _)| {
                let before = line[..at].chars().next_back();
                !before.is_some_and(|c| c.is_alphanumeric() || c == '_')
            })
        });
        let declares = line.starts_with("//") || line.contains("now_ms: u64") || line == "now_ms,";
        if reads_time && !declares {
            found.push((relative.to_owned(), line.to_owned()));
        }
    }
}

/// The node follows parameters that a vote changes, and stops before a block whose rules it lacks.
#[test]
fn what_is_voted_reaches_the_node() {
    let mut ledger = Ledger::start();
    let mut wanted = *ledger.chain.parameters();
    wanted.max_block_transactions = 7;
    ledger.vote(&change(1, Kind::PutParameters(wanted)));
    assert_eq!(ledger.chain.parameters(), &wanted);
    let at = ledger.chain.tip.height + 3 + MIN_NOTICE;
    let put = ledger::PutProtocol {
        version: 2,
        from_height: at,
    };
    ledger.vote(&change(2, Kind::PutProtocol(put)));
    while ledger.chain.tip.height + 2 < at {
        ledger.commit(&[]);
    }
    let block = ledger.empty_block();
    let certificate = CommitCertificate::default();
    let now_ms = ledger.chain.tip.time_ms + 1;
    let unknown = Fault::UnknownProtocol {
        height: at,
        version: 2,
    };
    let stopped = ledger.chain.commit(&block.id(), &certificate, now_ms);
    assert_eq!(stopped, Err(unknown.clone()));
    // The block before is on the disk, and the program doesn't start again on it.
    assert_eq!(ledger.chain.tip.height, at - 1);
    let pool = SharedMempool::new(PoolLimits::default());
    let again = Chain::open(ledger.id, ledger.chain.store.clone(), pool);
    assert_eq!(again.err(), Some(unknown));
}
