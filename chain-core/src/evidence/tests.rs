mod cases;
mod containment;
mod custody;
mod dishonest;
mod disputes;
mod drafts;
mod fields;
mod golden;
mod long_link;
mod look_alikes;
mod pulses;
mod rights;
mod routes;
mod vouching;
mod weighing;

use super::collection::collect_within;
use super::*;
use crate::designs::design;
use crate::encoding;
use crate::genesis::FORMAT;
use crate::hash;
use crate::test_support::{
    CARRIER, Chain, MAKER, MARKET, OFFICE, aggregation, bit_flips, body, capture, change_keys,
    claim, container, item, key, object, public, put_validator, remove_validator, stream,
};
use crate::{Hash, transaction};
use prost::Message;
use touchstone_proto::evidence::{self as wire, Evidence};
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{ChangeKeys, Compromise, DepositDesign, DiscloseDesign};

const SALT: [u8; 32] = [9; 32];

fn files() -> Vec<Hash> {
    vec![hash::sha256(b"front"), hash::sha256(b"back")]
}

fn deposit_of(chain: &Chain) -> (DepositDesign, Hash) {
    let owner = public(MAKER.1);
    let commitment = design::commitment(&chain.id, &owner, &SALT, &design::file_root(&files()));
    let action = DepositDesign {
        commitment: commitment.to_vec(),
    };
    (action, design::id(&owner, &commitment))
}

/// A unit that is packed, moved in its case and unpacked, between blocks about other things; a
/// deposit; and validators and keys that change on the way.
fn story() -> (Chain, Hash) {
    let mut chain = Chain::start();
    let (unit, case) = (item(1), container(1));
    let one = |what: &String| std::slice::from_ref(what).to_vec();
    let first = capture(&[object(1, &[unit.clone(), item(2)])]);
    chain.run(CARRIER, first).unwrap();
    let (action, id) = deposit_of(&chain);
    chain.run(MAKER, Action::DepositDesign(action)).unwrap();
    let approvers = [MARKET, CARRIER, MAKER];
    chain.approve(&approvers, &put_validator(1, 30, 1, "office"));
    let pack = aggregation("ADD", &case, &one(&unit));
    let other = object(2, &[item(2)]);
    let both = [chain.sign(CARRIER, capture(&[other, pack]))];
    chain.commit(&both);
    chain
        .run(CARRIER, capture(&[object(3, &one(&case))]))
        .unwrap();
    chain.run(CARRIER, change_keys(&[50], &[2])).unwrap();
    chain
        .run(
            ("carrier", 50),
            capture(&[aggregation("DELETE", &case, &one(&unit))]),
        )
        .unwrap();
    // The case turns up at the market, which says so by itself.
    let found = claim("found in our yard", &[object(4, &one(&case))]);
    chain.run(MARKET, found).unwrap();
    // All four first validators go, one after the other; four others take over.
    for (n, (seed, organisation)) in [(31, "market"), (32, "carrier"), (33, "maker")]
        .iter()
        .enumerate()
    {
        let change = put_validator(10 + n as u64, *seed, 1, organisation);
        chain.approve(
            &[MARKET, MAKER, OFFICE, ("carrier", 50)][..approvals(&chain)],
            &change,
        );
    }
    for seed in [11, 12, 13, 14] {
        let change = remove_validator(20 + u64::from(seed), seed);
        approve_until_done(&mut chain, &change);
    }
    chain.capture(&[object(5, &[item(3)])]).unwrap();
    (chain, id)
}

/// How many of the four approve before a change takes effect; the rest would be refused.
fn approvals(chain: &Chain) -> usize {
    let order = ["market", "maker", "office", "carrier"];
    let total = chain.validators.total_power();
    let mut power = 0;
    for (n, id) in order.iter().enumerate() {
        power += chain.validators.power_of_organisation(id);
        if crate::commit_certificate::exceeds_two_thirds(power, total) {
            return n + 1;
        }
    }
    order.len()
}

fn approve_until_done(chain: &mut Chain, change: &touchstone_proto::ledger::Change) {
    let who = [MARKET, MAKER, OFFICE, ("carrier", 50)];
    let count = approvals(chain);
    chain.approve(&who[..count], change);
}

/// The file as it was written before custody was part of the examination.
pub(in crate::evidence) fn as_version_one(sealed: &[u8]) -> Vec<u8> {
    let content = &sealed[MAGIC.len()..sealed.len() - 32];
    let mut bytes = [b"touchstone/evidence/v1\n".as_slice(), content].concat();
    bytes.extend(hash::sha256(&bytes));
    bytes
}

fn trusting(chain: &Chain) -> Trusted<'static> {
    Trusted {
        chain_id: Some(chain.id),
        ..Trusted::default()
    }
}

fn collected(chain: &Chain, subject: &Subject) -> Evidence {
    collect(chain, subject).unwrap()
}

fn opened(mut evidence: Evidence) -> Evidence {
    let named = ["front.png", "背面.png"];
    evidence.opening = Some(wire::Opening {
        salt: SALT.to_vec(),
        files: files()
            .iter()
            .zip(named)
            .map(|(sha256, name)| wire::OriginalFile {
                sha256: sha256.to_vec(),
                name: name.into(),
            })
            .collect(),
        title: "A chair".into(),
        content: None,
        drafts: Vec::new(),
    });
    evidence
}

fn assert_verified(report: &Report) {
    assert_eq!(report.failure(), None);
    assert_eq!(report.verdict, Verdict::Verified, "{:?}", report.checks);
}

#[test]
fn an_item_history_verifies_and_is_the_journey() {
    let (chain, _) = story();
    let evidence = collected(&chain, &Subject::Item(item(1)));
    let report = examine(&seal(&evidence), &trusting(&chain));
    assert_eq!(report.failure(), None);
    let history = report.facts.history.as_ref().unwrap();
    assert_eq!((history.own_events, history.steps.len()), (3, 4));
    assert_eq!(evidence.links.len(), 2);
    assert!(evidence.validator_set_changes.len() >= 8);
    assert_eq!(report.facts.transactions.len(), 4);
    // The same record at the same height gives the same bytes.
    let again = collected(&chain, &Subject::Item(item(1)));
    assert_eq!(seal(&again), seal(&evidence));
    assert_eq!(report.facts.height, Some(chain.height));
}

/// A node that sealed a larger one would take its own file for damage: it is refused before.
#[test]
fn a_file_that_would_be_too_large_is_not_made() {
    let (chain, id) = story();
    for subject in [Subject::Item(item(1)), Subject::Design(id)] {
        let within = |most| collect_within(&chain, &subject, &Additions::default(), most);
        let size = seal(&collected(&chain, &subject)).len();
        assert_eq!(within(size).map(|evidence| seal(&evidence).len()), Ok(size));
        assert_eq!(within(size - 1), Err(CollectError::TooManyBytes));
        assert_eq!(within(1), Err(CollectError::TooManyBytes));
    }
}

/// What is read for a file is bounded, though the file had less: a case has many events in which a unit had no part.
#[test]
fn what_is_read_for_a_file_is_bounded_too() {
    let mut chain = Chain::start();
    let (unit, case) = (item(1), container(1));
    chain
        .capture(&[aggregation("ADD", &case, std::slice::from_ref(&unit))])
        .unwrap();
    chain
        .capture(&[aggregation("DELETE", &case, &[unit])])
        .unwrap();
    let subject = Subject::Item(item(1));
    let size = seal(&collected(&chain, &subject)).len();
    for n in 0..60 {
        chain
            .capture(&[object(n, std::slice::from_ref(&case))])
            .unwrap();
    }
    let within = |most| collect_within(&chain, &subject, &Additions::default(), most);
    assert_eq!(within(size + 4096), Err(CollectError::TooManyBytes));
    assert!(within(10 * size).is_ok());
}

#[test]
fn absence_is_evidence_too() {
    let (chain, _) = story();
    for subject in [Subject::Item(item(77)), Subject::Design([7; 32])] {
        let evidence = collected(&chain, &subject);
        let report = examine(&seal(&evidence), &trusting(&chain));
        assert_verified(&report);
        assert!(report.facts.transactions.is_empty());
        let unrecorded = match subject {
            Subject::Item(_) => report.facts.history.unwrap().own_events == 0,
            Subject::Design(_) => !report.facts.deposit.unwrap().recorded,
        };
        assert!(unrecorded);
    }
}

#[test]
fn a_deposit_verifies_closed_opened_and_disclosed() {
    let (mut chain, id) = story();
    let subject = Subject::Design(id);
    let evidence = collected(&chain, &subject);
    let report = examine(&seal(&evidence), &trusting(&chain));
    assert_verified(&report);
    let result = |report: &Report, element| report.check(element).unwrap().result;
    assert_eq!(result(&report, Element::Opening), CheckResult::NotGiven);
    let report = examine(&seal(&opened(evidence)), &trusting(&chain));
    assert_verified(&report);
    let deposit = report.facts.deposit.unwrap();
    assert_eq!(deposit.files[1], (files()[1], Some("背面.png".into())));
    assert_eq!(
        (deposit.title.as_deref(), deposit.title_is_recorded),
        (Some("A chair"), false)
    );
    chain
        .run(
            MAKER,
            Action::DiscloseDesign(DiscloseDesign {
                design_id: id.to_vec(),
                salt: SALT.to_vec(),
                file_hashes: files().iter().map(|f| f.to_vec()).collect(),
                title: "The chair".into(),
                fingerprints: None,
                content: None,
            }),
        )
        .unwrap();
    let report = examine(&seal(&collected(&chain, &subject)), &trusting(&chain));
    assert_verified(&report);
    assert_eq!(result(&report, Element::Opening), CheckResult::Passed);
    let deposit = report.facts.deposit.unwrap();
    assert_eq!(
        (deposit.title.as_deref(), deposit.title_is_recorded),
        (Some("The chair"), true)
    );
    assert_eq!(deposit.files.len(), 2);
}

/// Whoever hands in another file changes nothing about the record.
#[test]
fn exhibits_are_judged_apart_from_the_record() {
    let (chain, id) = story();
    let report = |evidence: &Evidence| examine(&seal(evidence), &trusting(&chain));
    let closed = collected(&chain, &Subject::Design(id));
    let design = report(&opened(closed.clone()));
    let unit = report(&collected(&chain, &Subject::Item(item(1))));
    let event = hash::sha256(&object(1, &[item(1), item(2)]));
    let wrong = hash::sha256(b"another");
    let place = unit.facts.history.as_ref().unwrap().steps[0].place;
    let forged = examine(b"", &trusting(&chain));
    for (report, sha256, verdict, matches) in [
        (
            &design,
            files()[0],
            ExhibitVerdict::Recorded,
            vec![Match::File(1)],
        ),
        (
            &design,
            files()[1],
            ExhibitVerdict::Recorded,
            vec![Match::File(2)],
        ),
        (&design, wrong, ExhibitVerdict::NotRecorded, vec![]),
        (
            &unit,
            event,
            ExhibitVerdict::Recorded,
            vec![Match::Event(place)],
        ),
        (&unit, files()[0], ExhibitVerdict::NotRecorded, vec![]),
        (
            &report(&closed),
            files()[0],
            ExhibitVerdict::NotCompared,
            vec![],
        ),
        (&forged, files()[0], ExhibitVerdict::NotCompared, vec![]),
    ] {
        let exhibit = report.compare("it.png", sha256);
        assert_eq!((exhibit.verdict, exhibit.matches), (verdict, matches));
        assert_eq!(exhibit.name, "it.png");
    }
    assert_verified(&design);
    assert_eq!(unit.failure(), None);
}

#[test]
fn trust_begins_with_the_genesis_document() {
    let (chain, id) = story();
    let bytes = seal(&collected(&chain, &Subject::Design(id)));
    let unknown = examine(&bytes, &Trusted::default());
    assert_eq!(unknown.verdict, Verdict::Reservations);
    let other = Trusted {
        chain_id: Some([1; 32]),
        ..Trusted::default()
    };
    assert_eq!(
        examine(&bytes, &other).failure().unwrap().0,
        Element::Genesis
    );
}

#[test]
fn what_a_compromised_key_signed_is_told_apart_by_its_date() {
    let (mut chain, _) = story();
    let subject = Subject::Item(item(9));
    chain.run(MARKET, change_keys(&[60], &[])).unwrap();
    chain
        .run(MARKET, capture(&[object(1, &[item(9)])]))
        .unwrap();
    let signed_ms = chain.time_ms;
    let before = seal(&collected(&chain, &subject));
    let mut verdicts = Vec::new();
    for since_ms in [signed_ms, signed_ms + 1] {
        let mut reported = chain.clone();
        let compromised = vec![Compromise {
            public_key: public(1).to_vec(),
            since_ms,
        }];
        let action = ChangeKeys {
            compromised,
            ..ChangeKeys::default()
        };
        reported
            .run(("market", 60), Action::ChangeKeys(action))
            .unwrap();
        // What it signs from now on is refused.
        let late = reported.sign(MARKET, capture(&[object(2, &[item(9)])]));
        assert!(reported.check(&late).is_err());
        let bytes = seal(&collected(&reported, &subject));
        let report = examine(&bytes, &trusting(&chain));
        verdicts.push(report.check(Element::Keys).unwrap().result);
    }
    assert_eq!(verdicts, [CheckResult::Reservation, CheckResult::Passed]);
    // A file from before the report still says what was known then.
    assert_eq!(examine(&before, &trusting(&chain)).failure(), None);
}

#[test]
fn a_file_outlives_all_validators_of_its_record() {
    let (chain, id) = story();
    let evidence = opened(collected(&chain, &Subject::Design(id)));
    let report = examine(&seal(&evidence), &trusting(&chain));
    assert_verified(&report);
    let first: Vec<[u8; 32]> = (11..15).map(public).collect();
    assert!(
        report
            .facts
            .validators
            .iter()
            .all(|v| !first.contains(&v.public_key))
    );
}

/// Whatever bit is changed, and even with a new checksum, the file is refused; but for the holder's
/// own words, which nothing can prove.
#[test]
fn every_bit_is_bound() {
    let (chain, id) = story();
    let words = ["A chair", "front.png", "背面.png"].map(str::as_bytes);
    for subject in [Subject::Item(item(1)), Subject::Design(id)] {
        let mut evidence = collected(&chain, &subject);
        if matches!(subject, Subject::Design(_)) {
            evidence = opened(evidence);
        }
        let bytes = seal(&evidence);
        let content = &bytes[..bytes.len() - 32];
        let is_word = |byte: usize| {
            words.iter().any(|word| {
                content
                    .windows(word.len())
                    .enumerate()
                    .any(|(at, window)| window == *word && (at..at + word.len()).contains(&byte))
            })
        };
        // One bit of every eleventh byte; the campaign takes all.
        for byte in (0..content.len()).step_by(11) {
            if is_word(byte) {
                continue;
            }
            let mut flipped = content.to_vec();
            flipped[byte] ^= 1 << (byte % 8);
            let sum = hash::sha256(&flipped);
            flipped.extend(sum);
            let report = examine(&flipped, &trusting(&chain));
            assert_eq!(report.verdict, Verdict::NotVerified, "byte {byte}");
        }
    }
}

#[test]
fn a_damaged_file_is_refused_at_once() {
    let (chain, _) = story();
    let bytes = seal(&collected(&chain, &Subject::Item(item(77))));
    for flipped in bit_flips(&bytes).step_by(7) {
        assert!(open(&flipped).is_err());
    }
    for cut in [0, 1, MAGIC.len(), bytes.len() - 1] {
        assert!(open(&bytes[..cut]).is_err());
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(open(&longer), Err(BadFile::Checksum));
}

/// A named forgery, and the element that must refuse it.
type Forgery = (&'static str, Element, fn(&mut Evidence));

fn link_of<'a>(evidence: &'a mut Evidence, id: &str) -> &'a mut wire::CompleteLink {
    evidence.links.iter_mut().find(|l| l.item == id).unwrap()
}

#[test]
fn each_element_refuses_its_forgeries() {
    let (chain, _) = story();
    let original = collected(&chain, &Subject::Item(item(1)));
    let forgeries: &[Forgery] = &[
        ("other chain's genesis", Element::Genesis, |e| {
            let text = String::from_utf8(e.genesis.clone()).unwrap();
            e.genesis = text.replace("\"test\"", "\"best\"").into_bytes();
        }),
        ("no set change", Element::Anchor, |e| {
            e.validator_set_changes.clear()
        }),
        ("first set change removed", Element::Validators, |e| {
            e.validator_set_changes.remove(0);
        }),
        ("last set change removed", Element::Anchor, |e| {
            e.validator_set_changes.pop();
        }),
        ("a set change twice", Element::Validators, |e| {
            let twice = e.validator_set_changes[0].clone();
            e.validator_set_changes.insert(0, twice);
        }),
        ("anchor without certificate", Element::Anchor, |e| {
            e.anchor.as_mut().unwrap().certificate = None;
        }),
        ("too few votes", Element::Anchor, |e| {
            let anchor = e.anchor.as_mut().unwrap();
            anchor.certificate.as_mut().unwrap().signatures.pop();
        }),
        ("a vote twice", Element::Anchor, |e| {
            let certificate = e.anchor.as_mut().unwrap().certificate.as_mut().unwrap();
            let twice = certificate.signatures[0].clone();
            certificate.signatures[1] = twice;
        }),
        ("an old header as anchor", Element::Anchor, |e| {
            e.anchor = Some(e.blocks[0].clone());
        }),
        ("state left out", Element::Keys, |e| {
            e.states
                .retain(|s| !s.key.starts_with(b"organisation/carrier"));
        }),
        ("item's state left out", Element::Completeness, |e| {
            e.states.retain(|s| !s.key.starts_with(b"item/"));
        }),
        ("value changed to absent", Element::State, |e| {
            e.states[0].value = None;
        }),
        ("states swapped", Element::State, |e| e.states.swap(0, 1)),
        ("a state twice", Element::State, |e| {
            e.states.insert(0, e.states[0].clone());
        }),
        ("a block twice", Element::Blocks, |e| {
            e.blocks.insert(0, e.blocks[0].clone());
        }),
        ("a block without certificate", Element::Blocks, |e| {
            e.blocks[0].certificate = None;
        }),
        ("transactions swapped", Element::Transactions, |e| {
            e.transactions.swap(0, 1);
        }),
        ("a transaction twice", Element::Transactions, |e| {
            e.transactions.insert(0, e.transactions[0].clone());
        }),
        ("links swapped", Element::Completeness, |e| {
            e.links.swap(0, 1)
        }),
        ("a link twice", Element::Completeness, |e| {
            e.links.insert(0, e.links[0].clone());
        }),
        ("block left out", Element::Transactions, |e| {
            e.blocks.remove(1);
            e.states.retain(|s| !s.key.starts_with(b"block/"));
            e.blocks.clear();
        }),
        ("blocks swapped", Element::Blocks, |e| e.blocks.swap(0, 1)),
        ("transaction left out", Element::Transactions, |e| {
            e.transactions.remove(1);
        }),
        (
            "transaction and block left out",
            Element::Completeness,
            |e| {
                let height = e.transactions.remove(0).height;
                e.blocks
                    .retain(|b| crate::block::Header::decode(&b.header).unwrap().height != height);
                let key = crate::state::keys::block(height);
                e.states.retain(|s| s.key != key);
            },
        ),
        ("index moved", Element::Transactions, |e| {
            e.transactions[0].index += 1
        }),
        ("sibling added", Element::Transactions, |e| {
            e.transactions[0].siblings.push(vec![0; 32]);
        }),
        ("entry dropped", Element::Completeness, |e| {
            link_of(e, &item(1)).entries.pop();
        }),
        ("entries reordered", Element::Completeness, |e| {
            link_of(e, &item(1)).entries.swap(0, 1);
        }),
        ("entry doubled", Element::Completeness, |e| {
            let link = link_of(e, &item(1));
            let twice = link.entries[0].clone();
            link.entries.push(twice);
        }),
        ("container's link left out", Element::Completeness, |e| {
            e.links.retain(|l| l.item == item(1));
        }),
        ("another item's link", Element::Completeness, |e| {
            e.links.iter_mut().find(|l| l.item == item(1)).unwrap().item = item(2);
        }),
        ("another subject", Element::Completeness, |e| {
            e.subject = Some(wire::evidence::Subject::Item(item(2)));
        }),
        (
            "a subject in another spelling",
            Element::Completeness,
            |e| {
                e.subject = Some(wire::evidence::Subject::Item(item(1).to_uppercase()));
            },
        ),
        ("no subject", Element::Completeness, |e| e.subject = None),
        ("a design as subject", Element::Completeness, |e| {
            e.subject = Some(wire::evidence::Subject::Design(vec![7; 32]));
        }),
        ("an opening of an item", Element::Opening, |e| {
            e.opening = Some(wire::Opening::default());
        }),
    ];
    for (name, element, forge) in forgeries {
        let mut forged = original.clone();
        forge(&mut forged);
        assert_ne!(forged.encode_to_vec(), original.encode_to_vec(), "{name}");
        let report = examine(&seal(&forged), &trusting(&chain));
        assert_eq!(report.verdict, Verdict::NotVerified, "{name}");
        assert_eq!(
            report.failure().map(|f| f.0),
            Some(*element),
            "{name}: {:?}",
            report.failure()
        );
    }
}

#[test]
fn nothing_unneeded_is_let_in() {
    let (chain, _) = story();
    let original = collected(&chain, &Subject::Item(item(1)));
    let mut with_state = original.clone();
    let other = collected(&chain, &Subject::Item(item(77)));
    let extra = other
        .states
        .iter()
        .find(|s| s.key.starts_with(b"item/"))
        .unwrap();
    with_state.states.push(extra.clone());
    with_state.states.sort_by(|a, b| a.key.cmp(&b.key));
    let mut with_link = with_state.clone();
    with_link.links.push(other.links[0].clone());
    with_link.links.sort_by(|a, b| a.item.cmp(&b.item));
    let mut with_block = original.clone();
    let last = chain.certified_header(chain.height);
    with_block.blocks.push(last);
    for (evidence, element) in [
        (with_state, Element::State),
        (with_link, Element::Completeness),
        (with_block, Element::Transactions),
    ] {
        let report = examine(&seal(&evidence), &trusting(&chain));
        assert_eq!(report.failure().map(|f| f.0), Some(element));
    }
}

/// Nothing is recorded under another spelling, which says nothing about the item.
#[test]
fn absence_is_of_the_canonical_spelling() {
    let (chain, _) = story();
    for spelling in [item(1).replace("https", "HTTPS"), format!("{}#x", item(1))] {
        let evidence = collected(&chain, &Subject::Item(spelling));
        let report = examine(&seal(&evidence), &trusting(&chain));
        let (element, reason) = report.failure().unwrap();
        assert_eq!(element, Element::Completeness);
        assert!(reason.contains("canonical form"), "{reason}");
    }
}

/// A deposit whose holder opens it with another salt, other files or another order.
#[test]
fn an_opening_must_fit() {
    let (chain, id) = story();
    let original = opened(collected(&chain, &Subject::Design(id)));
    let forgeries: [fn(&mut wire::Opening); 5] = [
        |o| o.salt[0] ^= 1,
        |o| o.salt.push(0),
        |o| o.files.swap(0, 1),
        |o| {
            o.files.pop();
        },
        |o| o.files[0].sha256 = vec![3; 32],
    ];
    for forge in forgeries {
        let mut forged = original.clone();
        forge(forged.opening.as_mut().unwrap());
        let report = examine(&seal(&forged), &trusting(&chain));
        assert_eq!(report.failure().map(|f| f.0), Some(Element::Opening));
    }
}

/// Anything at all in the place of a file is refused without a panic.
#[test]
fn junk_is_refused() {
    for noise in stream(5).take(300) {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(noise);
        let sum = hash::sha256(&bytes);
        bytes.extend(sum);
        let report = examine(&bytes, &Trusted::default());
        assert_eq!(report.verdict, Verdict::NotVerified);
        assert_eq!(report.checks.len(), Element::ALL.len());
    }
    // A chain of the forger's own making, with an absurd genesis.
    let evidence = Evidence {
        genesis: format!("{{\"format\":\"{FORMAT}\"}}").into_bytes(),
        ..Evidence::default()
    };
    let report = examine(&seal(&evidence), &Trusted::default());
    assert_eq!(report.failure().unwrap().0, Element::Genesis);
}

/// The key in an envelope belongs to another organisation than the one named: refused by the keys
/// that the state proves, were such a transaction ever in a block.
#[test]
fn a_foreign_key_in_a_block_of_dishonest_validators_is_found() {
    let mut chain = Chain::start();
    let action = capture(&[object(1, &[item(5)])]);
    let envelope = transaction::sign(&key(2), &chain.id, &body("market", 1, action));
    assert!(chain.check(&envelope).is_err());
    chain.capture(&[object(1, &[item(5)])]).unwrap();
    let mut evidence = collected(&chain, &Subject::Item(item(5)));
    evidence.transactions[0].envelope = envelope;
    let report = examine(&seal(&evidence), &trusting(&chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::Transactions));
}
