//! What more than 2/3 of the validators could certify if they lied together, and no ledger that keeps
//! the rules holds. A file that shows such a contradiction by what it carries itself is refused.

use std::collections::BTreeSet;

use super::*;
use crate::block::Header;
use crate::governance::validators::{Validator, ValidatorSet};
use crate::proof::{link, transaction_tree};
use crate::state::delta::LinkRow;
use crate::state::{commitment, keys};
use crate::test_support::change;
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{Design, Disclosure, Item, Link, LinkEntry, Organisation, Position};
use touchstone_proto::ledger::{PutStanding, Standing};

/// A block that no rule is asked about.
#[derive(Default)]
struct Lie {
    envelopes: Vec<Vec<u8>>,
    values: Vec<(Vec<u8>, Vec<u8>)>,
    next: Option<ValidatorSet>,
}

/// The chain with such a block at its end.
fn told(chain: &Chain, lie: Lie) -> Chain {
    let mut chain = chain.clone();
    let mut executed = chain.execute(&[]);
    let header = &mut executed.header;
    executed.writes.values.extend(lie.values);
    executed.tree =
        commitment::update(&chain.state, header.height, &executed.writes.values).unwrap();
    header.state_root = executed.tree.root;
    header.transaction_root = transaction_tree::root(&lie.envelopes);
    header.transaction_count = lie.envelopes.len() as u64;
    executed.applied = (0..lie.envelopes.len()).collect();
    if let Some(next) = lie.next {
        header.next_validators_hash = next.hash();
        executed.next_validators = next;
    }
    chain.adopt(&executed, &lie.envelopes);
    chain
}

pub(super) fn told_values(chain: &Chain, values: &[(Vec<u8>, Vec<u8>)]) -> Chain {
    let values = values.to_vec();
    told(
        chain,
        Lie {
            values,
            ..Lie::default()
        },
    )
}

/// The file anchored in the last block of `chain`, with proofs of the same keys, and of `more`.
pub(super) fn anchored(evidence: &Evidence, chain: &Chain, more: &[Vec<u8>]) -> Evidence {
    let mut file = evidence.clone();
    let mut all: BTreeSet<Vec<u8>> = file.states.iter().map(|s| s.key.clone()).collect();
    all.extend(more.iter().cloned());
    for block in &file.blocks {
        all.insert(keys::block(Header::decode(&block.header).unwrap().height));
    }
    let proven = |key: Vec<u8>| {
        let (value, proof) = chain.prove(&key).unwrap();
        let proof = Some(proof);
        wire::State { key, value, proof }
    };
    file.states = all.into_iter().map(proven).collect();
    file.anchor = chain.anchor().unwrap();
    file
}

/// The element that refuses, and why.
fn refusal(chain: &Chain, evidence: &Evidence) -> (Element, String) {
    let report = examine(&seal(evidence), &trusting(chain));
    assert_eq!(report.verdict, Verdict::NotVerified, "{:?}", report.checks);
    let (element, reason) = report.failure().unwrap();
    (element, reason)
}

fn assert_refused(chain: &Chain, evidence: &Evidence, element: Element, why: &str) {
    let (refusing, reason) = refusal(chain, evidence);
    assert_eq!(refusing, element, "{reason}");
    assert!(reason.contains(why), "{why:?} is not in {reason:?}");
}

/// An item's record whose link has this one entry.
fn record_of(entry: &[u8]) -> Vec<u8> {
    let link = Link {
        count: 1,
        head: link::extend(&link::EMPTY_HEAD, entry).to_vec(),
    };
    let item = Item {
        link: Some(link),
        ..Item::default()
    };
    item.encode_to_vec()
}

/// One event about item 5, at height 2; blocks before and after it.
fn one_event() -> (Chain, Evidence) {
    let mut chain = Chain::start();
    chain.commit(&[]);
    chain.capture(&[object(1, &[item(5)])]).unwrap();
    chain.commit(&[]);
    let evidence = collected(&chain, &Subject::Item(item(5)));
    (chain, evidence)
}

#[test]
fn an_entry_that_contradicts_its_transaction_is_found() {
    let (chain, evidence) = one_event();
    let entry: LinkEntry = encoding::decode_exact(&evidence.links[0].entries[0]).unwrap();
    type Lie = fn(&mut LinkEntry);
    let lies: [(&str, Lie); 5] = [
        ("the transaction's id", |e| e.transaction_id[0] ^= 1),
        ("the event's bytes", |e| e.content_hash[0] ^= 1),
        ("the organisation", |e| e.organisation = "maker".into()),
        ("the time", |e| e.time_ms += 1),
        ("the event's number", |e| {
            e.position.as_mut().unwrap().event = 1;
        }),
    ];
    for (what, bend) in lies {
        let mut bent = entry.clone();
        bend(&mut bent);
        let bent = bent.encode_to_vec();
        let lying = told_values(&chain, &[(keys::item(&item(5)), record_of(&bent))]);
        let mut file = anchored(&evidence, &lying, &[]);
        file.links[0].entries[0] = bent;
        assert_refused(&chain, &file, Element::Completeness, what);
    }
    // The same, without a lie.
    let honest = told_values(&chain, &[]);
    let report = examine(&seal(&anchored(&evidence, &honest, &[])), &trusting(&chain));
    assert_verified(&report);
}

#[test]
fn an_entry_that_names_a_deposit_is_found() {
    let mut chain = Chain::start();
    let (action, id) = deposit_of(&chain);
    chain.run(MAKER, Action::DepositDesign(action)).unwrap();
    let mut evidence = collected(&chain, &Subject::Design(id));
    let entry = LinkEntry {
        position: Some(Position {
            height: 1,
            ..Position::default()
        }),
        ..LinkEntry::default()
    };
    let entry = entry.encode_to_vec();
    let key = keys::item(&item(5));
    let lying = told_values(&chain, &[(key.clone(), record_of(&entry))]);
    evidence.states.retain(|s| !s.key.starts_with(b"design/"));
    evidence.subject = Some(wire::evidence::Subject::Item(item(5)));
    evidence.links = vec![wire::CompleteLink {
        item: item(5),
        entries: vec![entry],
    }];
    let file = anchored(&evidence, &lying, &[key]);
    assert_refused(&chain, &file, Element::Completeness, "what it is");
}

#[test]
fn a_record_without_a_link_proves_no_absence() {
    let chain = told_values(&Chain::start(), &[]);
    let evidence = collected(&chain, &Subject::Item(item(6)));
    let without = (keys::item(&item(6)), Item::default().encode_to_vec());
    let lying = told_values(&chain, &[without]);
    let file = anchored(&evidence, &lying, &[]);
    assert_refused(&chain, &file, Element::Completeness, "holds no link");
}

/// A deposit at height 2, by the maker.
fn one_deposit() -> (Chain, Hash, Design, Evidence) {
    let mut chain = Chain::start();
    chain.commit(&[]);
    let (action, id) = deposit_of(&chain);
    chain.run(MAKER, Action::DepositDesign(action)).unwrap();
    chain.commit(&[]);
    let record = chain.state.message(&keys::design(&id)).unwrap();
    let evidence = collected(&chain, &Subject::Design(id));
    (chain, id, record, evidence)
}

#[test]
fn a_design_record_that_contradicts_its_transaction_is_found() {
    let (chain, id, record, evidence) = one_deposit();
    let own = public(MAKER.1);
    let story = "another story";
    type Bend = fn(&mut Design);
    let lies: [(&str, Bend); 7] = [
        ("don't give its id", |d| d.owner_key[0] ^= 1),
        ("don't give its id", |d| d.commitment[0] ^= 1),
        ("names no position", |d| d.position = None),
        (story, |d| d.position.as_mut().unwrap().transaction = 1),
        (story, |d| d.transaction_id[0] ^= 1),
        (story, |d| d.organisation = "market".into()),
        (story, |d| d.time_ms += 1),
    ];
    for (why, bend) in lies {
        let mut bent = record.clone();
        bend(&mut bent);
        let lying = told_values(&chain, &[(keys::design(&id), bent.encode_to_vec())]);
        let file = anchored(&evidence, &lying, &[]);
        assert_refused(&chain, &file, Element::Completeness, why);
    }
    // Somebody else's, or of something else, under the id that these give.
    let commitment: Hash = record.commitment.clone().try_into().unwrap();
    for (owner, commitment) in [(public(50), commitment), (own, [7; 32])] {
        let id = design::id(&owner, &commitment);
        let mut bent = record.clone();
        (bent.owner_key, bent.commitment) = (owner.to_vec(), commitment.to_vec());
        let lying = told_values(&chain, &[(keys::design(&id), bent.encode_to_vec())]);
        let mut other = evidence.clone();
        other.subject = Some(wire::evidence::Subject::Design(id.to_vec()));
        other.states.retain(|s| !s.key.starts_with(b"design/"));
        let file = anchored(&other, &lying, &[keys::design(&id)]);
        assert_refused(&chain, &file, Element::Completeness, story);
    }
}

/// docs/evidence.md, element 12: a disclosure in the record opens the commitment, or is refused.
#[test]
fn a_disclosure_that_does_not_open_the_commitment_is_found() {
    let (chain, id, record, evidence) = one_deposit();
    let disclosed = Disclosure {
        salt: SALT.to_vec(),
        file_hashes: files().iter().map(|f| f.to_vec()).collect(),
        title: "A table".into(),
        time_ms: chain.time_ms,
        height: chain.height,
        content: None,
    };
    let examined = |bend: fn(&mut Disclosure)| {
        let mut bent = record.clone();
        bend(bent.disclosure.insert(disclosed.clone()));
        let lying = told_values(&chain, &[(keys::design(&id), bent.encode_to_vec())]);
        anchored(&evidence, &lying, &[])
    };
    assert_verified(&examine(&seal(&examined(|_| ())), &trusting(&chain)));
    let lies: [fn(&mut Disclosure); 4] = [
        |d| d.salt[0] ^= 1,
        |d| d.salt.push(0),
        |d| d.file_hashes[1][0] ^= 1,
        |d| d.file_hashes.swap(0, 1),
    ];
    for bend in lies {
        assert_refused(&chain, &examined(bend), Element::Opening, "");
    }
}

#[test]
fn a_design_has_one_transaction_and_no_link() {
    let (mut chain, id, _, _) = one_deposit();
    chain.capture(&[object(1, &[item(5)])]).unwrap();
    chain.commit(&[]);
    let evidence = collected(&chain, &Subject::Design(id));
    let unit = collected(&chain, &Subject::Item(item(5)));
    let market = keys::organisation("market");

    let mut with_link = evidence.clone();
    with_link.links = collected(&chain, &Subject::Item(item(77))).links;
    let with_link = anchored(&with_link, &chain, &[keys::item(&item(77))]);
    assert_refused(&chain, &with_link, Element::Completeness, "no link");

    let mut two = evidence.clone();
    two.blocks.extend(unit.blocks.clone());
    two.transactions.extend(unit.transactions.clone());
    let two = anchored(&two, &chain, std::slice::from_ref(&market));
    assert_refused(&chain, &two, Element::Completeness, "and no other");

    let mut none = collected(&chain, &Subject::Design([7; 32]));
    none.blocks.clone_from(&unit.blocks);
    none.transactions.clone_from(&unit.transactions);
    let none = anchored(&none, &chain, &[market]);
    assert_refused(&chain, &none, Element::Completeness, "proven absent");
}

#[test]
fn an_organisation_whose_record_disowns_the_key_is_found() {
    let (chain, evidence) = one_event();
    let key = keys::organisation("market");
    let record: Organisation = chain.state.message(&key).unwrap();
    let examined = |from: u64, until: u64, owner: u8| {
        let mut bent = record.clone();
        bent.keys[0].public_key = public(owner).to_vec();
        bent.keys[0].valid_from_height = from;
        bent.keys[0].valid_until_height = until;
        let lying = told_values(&chain, &[(key.clone(), bent.encode_to_vec())]);
        anchored(&evidence, &lying, &[])
    };
    // The key signed at height 2.
    let report = examine(&seal(&examined(2, 2, 1)), &trusting(&chain));
    assert_eq!(report.failure(), None);
    for (from, until, owner, why) in [
        (3, 0, 1, "not valid at height 2"),
        (0, 1, 1, "not valid at height 2"),
        (0, 0, 50, "doesn't belong"),
    ] {
        assert_refused(&chain, &examined(from, until, owner), Element::Keys, why);
    }
}

/// The chain with an envelope that no rule was asked about, which captures an event of item 5.
fn forced(chain: &Chain, envelope: Vec<u8>, organisation: &str) -> Chain {
    let id = transaction::id_of_envelope(&chain.id, &envelope).unwrap();
    let entry = LinkEntry {
        position: Some(Position {
            height: chain.height + 1,
            ..Position::default()
        }),
        transaction_id: id.to_vec(),
        content_hash: hash::sha256(&object(1, &[item(5)])).to_vec(),
        organisation: organisation.into(),
        time_ms: chain.context().time_ms,
    };
    let entry = entry.encode_to_vec();
    let owner = keys::item(&item(5));
    let lie = Lie {
        values: vec![(owner.clone(), record_of(&entry))],
        envelopes: vec![envelope],
        next: None,
    };
    let mut lying = told(chain, lie);
    lying.state.links.push(LinkRow {
        owner,
        sequence: 0,
        entry,
    });
    lying
}

#[test]
fn a_transaction_that_the_rules_would_refuse_is_found_in_a_block() {
    let chain = Chain::start();
    let about = body("market", chain.time_ms, capture(&[object(1, &[item(5)])]));
    let by_ghost = body("ghost", chain.time_ms, capture(&[object(1, &[item(5)])]));
    let another_chain = [1; 32];
    for (seed, chain_id, transaction, element, why) in [
        (1, chain.id, &about, None, ""),
        (1, another_chain, &about, Some(Element::Transactions), ""),
        (2, chain.id, &about, Some(Element::Keys), "doesn't belong"),
        (9, chain.id, &by_ghost, Some(Element::Keys), "unknown"),
    ] {
        let envelope = transaction::sign(&key(seed), &chain_id, transaction);
        let lying = forced(&chain, envelope, &transaction.organisation);
        let file = collected(&lying, &Subject::Item(item(5)));
        match element {
            Some(element) => assert_refused(&chain, &file, element, why),
            None => assert_verified(&examine(&seal(&file), &trusting(&chain))),
        }
    }
}

#[test]
fn what_a_suspended_organisation_signed_is_found_in_a_block() {
    let mut chain = Chain::start();
    let suspended = Kind::PutStanding(PutStanding {
        organisation: "market".into(),
        standing: Standing::Suspended as i32,
    });
    chain.approve(&[CARRIER, MAKER, OFFICE], &change(1, suspended));
    let about = body("market", chain.time_ms, capture(&[object(1, &[item(5)])]));
    let envelope = transaction::sign(&key(1), &chain.id, &about);
    assert!(chain.check(&envelope).is_err());
    let file = collected(&forced(&chain, envelope, "market"), &Subject::Item(item(5)));
    assert_refused(&chain, &file, Element::Keys, "suspended or removed");
}

#[test]
fn parameters_that_do_not_decode_are_no_time() {
    let (chain, evidence) = one_event();
    let lying = told_values(&chain, &[(keys::PARAMETERS.to_vec(), vec![0xff])]);
    let file = anchored(&evidence, &lying, &[]);
    assert_refused(&chain, &file, Element::Time, "parameters");
}

#[test]
fn every_validator_belongs_to_an_organisation_that_is_known() {
    let (chain, evidence) = one_event();
    // The office votes, and has no part in the event.
    let bad = (keys::organisation("office"), vec![0xff]);
    let file = anchored(&evidence, &told_values(&chain, &[bad]), &[]);
    assert_refused(&chain, &file, Element::Independence, "organisation/office");

    let mut members: Vec<Validator> = chain.validators.iter().cloned().collect();
    members.push(Validator {
        public_key: public(40),
        power: 1,
        organisation: "ghost".into(),
    });
    let set = ValidatorSet::new(members, chain.height + 2).unwrap();
    let lie = Lie {
        values: vec![(keys::VALIDATORS.to_vec(), set.encode())],
        next: Some(set),
        ..Lie::default()
    };
    let mut lying = told(&chain, lie);
    lying.commit(&[]);
    let file = collected(&lying, &Subject::Item(item(5)));
    assert_refused(&chain, &file, Element::Independence, "unknown");
}

/// The same validators certified two blocks of one height: only the anchor's own past counts.
#[test]
fn a_block_of_a_fork_is_none_of_the_chains() {
    let fork = |note| {
        let mut chain = Chain::start();
        chain.capture(&[object(note, &[item(5)])]).unwrap();
        chain
    };
    let (mut ours, mut theirs) = (fork(1), fork(2));
    // At the anchor's own height, and below it.
    for _ in 0..2 {
        let mut file = collected(&ours, &Subject::Item(item(5)));
        let other = collected(&theirs, &Subject::Item(item(5)));
        assert_verified(&examine(&seal(&other), &trusting(&ours)));
        file.blocks = other.blocks;
        file.transactions = other.transactions;
        assert_refused(&ours, &file, Element::Blocks, "not the one");
        ours.commit(&[]);
        theirs.commit(&[]);
    }
}

/// A transaction of the chain that is about something else, with its block.
#[test]
fn a_transaction_about_something_else_is_not_let_in() {
    let (mut chain, _) = one_event();
    chain.capture(&[object(2, &[item(6)])]).unwrap();
    chain.commit(&[]);
    let mut evidence = collected(&chain, &Subject::Item(item(5)));
    let other = collected(&chain, &Subject::Item(item(6)));
    evidence.blocks.extend(other.blocks);
    evidence.transactions.extend(other.transactions);
    let file = anchored(&evidence, &chain, &[]);
    assert_refused(
        &chain,
        &file,
        Element::Completeness,
        "doesn't belong to the item",
    );
}
