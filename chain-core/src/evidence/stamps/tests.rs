use prost::Message;

use super::*;
use crate::evidence::tests::as_version_one;
use crate::evidence::{Element, Report, Subject, Trusted, Verdict, collect, seal};
use crate::hash;
use crate::test_support::tsa::{TestAuthority, TestKey};
use crate::test_support::{CARRIER, Chain, bit_flips, capture, item, object};

const ONE: &str = "http://one.example/tsa";
const TWO: &str = "http://two.example/tsa";

fn simple() -> TestAuthority {
    TestAuthority::simple(TestKey::Ed25519(70), TestKey::Ed25519(71))
}

/// Blocks 1, 3 and 6 hold something about item 1.
fn chain() -> Chain {
    let mut chain = Chain::start();
    for (n, what) in [1, 2, 1, 2, 2, 1].into_iter().enumerate() {
        let event = object(n as u64 + 1, &[item(what)]);
        chain.run(CARRIER, capture(&[event])).unwrap();
    }
    chain
}

/// After the blocks, by minutes.
fn after(chain: &Chain, minutes: u64) -> u64 {
    chain.time_ms + minutes * 60_000
}

/// Blocks 1 to 4 stamped by both authorities, 5 and 6 by the first.
fn stamped() -> Chain {
    let mut chain = chain();
    let at = after(&chain, 1);
    chain.stamp(&TestAuthority::rsa(), ONE, (1, 4), at);
    chain.stamp(&simple(), TWO, (1, 4), at + 250);
    chain.stamp(&TestAuthority::rsa(), ONE, (5, 6), at + 1000);
    chain
}

fn file(chain: &Chain) -> Evidence {
    collect(chain, &Subject::Item(item(1))).unwrap()
}

fn examined(chain: &Chain, evidence: &Evidence, roots: &[Hash]) -> Report {
    let trusted = Trusted {
        chain_id: Some(chain.id),
        stamp_roots: roots,
    };
    crate::evidence::examine(&seal(evidence), &trusted)
}

fn result(report: &Report) -> CheckResult {
    report.check(Element::TimeStamps).unwrap().result
}

fn findings(report: &Report) -> String {
    report
        .check(Element::TimeStamps)
        .unwrap()
        .findings
        .iter()
        .map(Finding::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn without_tokens_there_is_chain_time_only() {
    let chain = chain();
    let report = examined(&chain, &file(&chain), &[]);
    assert_eq!(report.verdict, Verdict::Verified);
    assert_eq!(result(&report), CheckResult::NotGiven);
    assert!(findings(&report).contains("chain time only"));
    let nothing = collect(&chain, &Subject::Item(item(9))).unwrap();
    let report = examined(&chain, &nothing, &[]);
    assert_eq!(result(&report), CheckResult::NotGiven);
    assert!(findings(&report).contains("no block holds anything"));
}

#[test]
fn trusted_tokens_bound_the_time_from_above() {
    let chain = stamped();
    let evidence = file(&chain);
    assert_eq!(evidence.checkpoints.len(), 3);
    let places: Vec<_> = evidence
        .stamps
        .iter()
        .map(|s| (s.checkpoint, s.height))
        .collect();
    assert_eq!(places, [(0, 1), (0, 3), (1, 1), (1, 3), (2, 6)]);
    let roots = [simple().root(), TestAuthority::rsa().root()];
    let report = examined(&chain, &evidence, &roots);
    assert_eq!(report.verdict, Verdict::Verified, "{}", findings(&report));
    assert_eq!(result(&report), CheckResult::Passed);
    let fact = &report.facts.stamps[0];
    assert_eq!((fact.url.as_str(), fact.first, fact.last), (ONE, 1, 4));
    assert_eq!(fact.heights, [1, 3]);
    assert_eq!(fact.stamped.authority, "CN=Stamps R");
    assert_eq!(fact.stamped.gen_time_ms, after(&chain, 1));
    assert_eq!(hash::sha256(&fact.document), {
        let leaves: Vec<BlockLeaf> = chain.blocks[..4]
            .iter()
            .map(|b| BlockLeaf {
                id: b.header.id(),
                validators_hash: b.header.validators_hash,
            })
            .collect();
        let tree = checkpoint::tree(&chain.id, 1, &leaves).unwrap();
        tree.checkpoint(&chain.id, ONE).unwrap().imprint()
    });
    let text = findings(&report);
    let until = utc(after(&chain, 1) + 1000);
    assert!(text.contains(&format!("no later than {until}")), "{text}");
    assert!(text.contains("policy 1.3.6.1.4.1.99999.1"), "{text}");
}

#[test]
fn what_no_trusted_authority_stamped_is_a_reservation() {
    let chain = stamped();
    let evidence = file(&chain);
    let rsa = TestAuthority::rsa().root();
    // The first authority covers all blocks; the second adds its word.
    let report = examined(&chain, &evidence, &[rsa]);
    assert_eq!(result(&report), CheckResult::Passed);
    assert!(findings(&report).contains(&hex::encode(simple().root())));
    for roots in [&[][..], &[simple().root()], &[[1; 32]]] {
        let report = examined(&chain, &evidence, roots);
        assert_eq!(result(&report), CheckResult::Reservation);
        assert_eq!(report.verdict, Verdict::Reservations);
        assert!(findings(&report).contains(&hex::encode(rsa)));
    }
}

#[test]
fn blocks_without_a_stamp_are_named() {
    let mut chain = chain();
    let at = after(&chain, 1);
    chain.stamp(&simple(), ONE, (2, 5), at);
    let report = examined(&chain, &file(&chain), &[simple().root()]);
    assert_eq!(result(&report), CheckResult::Passed);
    assert!(findings(&report).contains("chain time only: blocks 1, 6"));
}

#[test]
fn a_stamp_from_before_the_block_contradicts_its_time() {
    let block_ms = chain().blocks[5].header.time_ms;
    let report = |gen_time_ms: u64| {
        let mut chain = chain();
        chain.stamp(&simple(), ONE, (6, 6), gen_time_ms);
        examined(&chain, &file(&chain), &[simple().root()])
    };
    let error_ms = report(block_ms).facts.time_error_ms.unwrap();
    // The token's accuracy is one second.
    let earliest = block_ms - error_ms - 1000;
    assert_eq!(result(&report(earliest)), CheckResult::Passed);
    let contradiction = report(earliest - 1);
    assert_eq!(result(&contradiction), CheckResult::Reservation);
    assert!(findings(&contradiction).contains("CONTRADICTION: it stamped blocks before"));
}

#[test]
fn of_each_authority_the_first_checkpoint_is_taken_and_no_more_than_is_needed() {
    let expected = file(&stamped());
    let mut chain = stamped();
    let at = after(&chain, 5);
    // Later ones over the same blocks, and one that covers nothing of the record.
    chain.stamp(&TestAuthority::rsa(), ONE, (1, 5), at);
    chain.stamp(&TestAuthority::rsa(), ONE, (3, 6), at);
    chain.stamp(&simple(), TWO, (4, 5), at);
    assert_eq!(file(&chain), expected);
    // Whatever order they are offered in.
    chain.stamps.stamps.reverse();
    let count = chain.stamps.checkpoints.len() as u32;
    chain.stamps.checkpoints.reverse();
    for stamp in &mut chain.stamps.stamps {
        stamp.checkpoint = count - 1 - stamp.checkpoint;
    }
    chain.stamps.stamps.push(wire::Stamp {
        checkpoint: count,
        height: 1,
        siblings: vec![],
    });
    assert_eq!(file(&chain), expected);
}

/// A named forgery.
type Forgery = (&'static str, fn(&mut Evidence));

#[test]
fn each_forgery_fails_the_element() {
    let chain = stamped();
    let original = file(&chain);
    let roots = [simple().root(), TestAuthority::rsa().root()];
    let forgeries: &[Forgery] = &[
        ("first moved", |e| e.checkpoints[0].first += 1),
        ("last moved", |e| e.checkpoints[0].last += 1),
        ("no range", |e| e.checkpoints[0].first = 0),
        ("endless range", |e| e.checkpoints[2].last = u64::MAX),
        ("another authority's name", |e| {
            e.checkpoints[0].authority.insert(0, '!')
        }),
        ("no name", |e| e.checkpoints[0].authority.clear()),
        ("another's token", |e| {
            e.checkpoints[0].token = e.checkpoints[1].token.clone()
        }),
        ("no token", |e| e.checkpoints[0].token.clear()),
        ("no root", |e| e.checkpoints[0].certificates.clear()),
        ("another's root", |e| {
            e.checkpoints[0].certificates = e.checkpoints[1].certificates.clone();
        }),
        ("a root too many", |e| {
            let more = e.checkpoints[1].certificates[0].clone();
            e.checkpoints[0].certificates.push(more);
            e.checkpoints[0].certificates.sort();
        }),
        ("a root twice", |e| {
            let twice = e.checkpoints[0].certificates[0].clone();
            e.checkpoints[0].certificates.push(twice);
        }),
        ("checkpoints swapped", |e| {
            e.checkpoints.swap(0, 1);
            for stamp in &mut e.stamps {
                stamp.checkpoint = [1, 0, 2][stamp.checkpoint as usize];
            }
            e.stamps.sort_by_key(|s| (s.checkpoint, s.height));
        }),
        ("a checkpoint twice", |e| {
            let twice = e.checkpoints[2].clone();
            e.checkpoints.push(twice);
            let stamp = e.stamps[4].clone();
            e.stamps.push(wire::Stamp {
                checkpoint: 3,
                ..stamp
            });
        }),
        ("a checkpoint left out", |e| {
            e.checkpoints.pop();
        }),
        ("a checkpoint without stamps", |e| {
            e.stamps.pop();
        }),
        ("stamps swapped", |e| e.stamps.swap(0, 1)),
        ("a stamp twice", |e| {
            let twice = e.stamps[0].clone();
            e.stamps.insert(0, twice);
        }),
        ("a stamp in another checkpoint", |e| {
            e.stamps[4].checkpoint = 1
        }),
        ("a stamp of another block of the record", |e| {
            e.stamps[4].height = 3
        }),
        ("a stamp of another block", |e| e.stamps[4].height = 5),
        ("paths swapped", |e| {
            let other = e.stamps[1].siblings.clone();
            e.stamps[1].siblings = std::mem::replace(&mut e.stamps[0].siblings, other);
        }),
        ("a sibling too many", |e| {
            e.stamps[0].siblings.push(vec![0; 32])
        }),
        ("a sibling missing", |e| {
            e.stamps[0].siblings.pop();
        }),
        ("a short sibling", |e| {
            e.stamps[0].siblings[0].pop();
        }),
        ("all paths of a checkpoint bent", |e| {
            for stamp in &mut e.stamps[..2] {
                stamp.siblings.last_mut().unwrap()[0] ^= 1;
            }
        }),
    ];
    for (name, forge) in forgeries {
        let mut forged = original.clone();
        forge(&mut forged);
        assert_ne!(forged, original, "{name}");
        let report = examined(&chain, &forged, &roots);
        let failure = report.failure().map(|(element, _)| element);
        assert_eq!(failure, Some(Element::TimeStamps), "{name}");
        assert_eq!(report.verdict, Verdict::NotVerified, "{name}");
    }
}

/// Two checkpoints of one authority over one block: only one belongs in a file.
#[test]
fn an_authority_stamps_a_block_once() {
    let mut chain = chain();
    let at = after(&chain, 1);
    chain.stamp(&simple(), ONE, (1, 4), at);
    let mut evidence = file(&chain);
    chain.stamps = Stamps::default();
    chain.stamp(&simple(), ONE, (1, 6), at);
    let more = file(&chain);
    evidence.checkpoints.extend(more.checkpoints);
    evidence.stamps.extend(
        more.stamps
            .into_iter()
            .map(|s| wire::Stamp { checkpoint: 1, ..s }),
    );
    let report = examined(&chain, &evidence, &[]);
    let (element, reason) = report.failure().unwrap();
    assert_eq!(element, Element::TimeStamps);
    assert!(reason.contains("has two stamps"), "{reason}");
    // Where they share none, both stay.
    evidence
        .stamps
        .retain(|s| s.checkpoint == 0 || s.height == 6);
    assert_eq!(examined(&chain, &evidence, &[]).failure(), None);
}

/// Whatever bit of checkpoints and stamps is changed, the file is refused: one of 37 here, the
/// campaign takes all.
#[test]
fn every_bit_is_bound() {
    let mut chain = chain();
    let at = after(&chain, 1);
    chain.stamp(&simple(), ONE, (1, 4), at);
    chain.stamp(&TestAuthority::rsa(), TWO, (1, 6), at);
    let original = file(&chain);
    assert_eq!(examined(&chain, &original, &[]).failure(), None);
    let bare = Evidence {
        checkpoints: vec![],
        stamps: vec![],
        ..original.clone()
    };
    // The two fields are the message's last.
    let (whole, start) = (original.encode_to_vec(), bare.encode_to_vec().len());
    let mut tried = 0;
    for flipped in bit_flips(&whole[start..]).step_by(37) {
        let message = [&whole[..start], &flipped].concat();
        let mut bytes = [crate::evidence::MAGIC, &message].concat();
        let checksum = hash::sha256(&bytes);
        bytes.extend(checksum);
        let trusted = Trusted {
            chain_id: Some(chain.id),
            ..Trusted::default()
        };
        let report = crate::evidence::examine(&bytes, &trusted);
        assert_eq!(report.verdict, Verdict::NotVerified, "bit {tried}");
        tried += 1;
    }
    assert!(tried > 800, "{tried}");
}

/// A file with tokens, for other verifiers. Its genesis document is `tests/golden/genesis.json`, and the
/// first authority's root lies beside it. With TOUCHSTONE_WRITE_VECTORS it is written anew.
#[test]
fn the_stamped_sample_is_current() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/evidence");
    let root = TestAuthority::rsa().chain.pop().unwrap();
    for (name, made) in [
        ("stamped.evidence", as_version_one(&seal(&file(&stamped())))),
        ("stamped-root.der", root),
    ] {
        let path = format!("{folder}/{name}");
        if std::env::var_os("TOUCHSTONE_WRITE_VECTORS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let written = std::fs::read(&path).unwrap();
        assert!(written == made, "{name} is of another format");
    }
    let golden = include_bytes!("../../../tests/golden/genesis.json");
    assert_eq!(hash::sha256(golden), stamped().id);
}

#[test]
fn heights_are_told_in_few_words() {
    assert_eq!(listed(&[7]), "7");
    assert_eq!(listed(&[7, 9]), "7, 9");
    let many: Vec<u64> = (1..=13).collect();
    assert_eq!(listed(&many), "1 … 13 (13)");
    assert_eq!(utc(1_772_366_400_250), "2026-03-01T12:00:00.25Z");
    assert!(utc(u64::MAX).starts_with("18446744073709551615 ms"));
}
