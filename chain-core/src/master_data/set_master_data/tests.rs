use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{PutStanding, Standing};

use super::*;
use crate::proof::state;
use crate::state::commitment;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, bit_flips, change, item};

const PREFIX: &str = "9521321";
const NAME: &str = "urn:epcglobal:cbv:mda#descriptionShort";
const CLASS: &str = "urn:epcglobal:epcis:vtype:EPCClass";

fn key(urn: &str) -> String {
    let id = Identifier::parse(&format!("urn:epc:{urn}")).unwrap();
    id.as_str().to_owned()
}

fn lamp() -> String {
    key(&format!("idpat:sgtin:{PREFIX}.300001.*"))
}

fn place(reference: &str) -> String {
    key(&format!("id:sgln:{PREFIX}.{reference}.0"))
}

fn text(id: &str, text: &str) -> MasterDataAttribute {
    MasterDataAttribute {
        id: id.into(),
        text: text.into(),
        fields: Vec::new(),
    }
}

fn nested(id: &str, fields: Vec<MasterDataAttribute>) -> MasterDataAttribute {
    MasterDataAttribute {
        id: id.into(),
        text: String::new(),
        fields,
    }
}

fn element(id: &str, version: u64, name: &str) -> VocabularyElement {
    VocabularyElement {
        id: id.into(),
        version,
        types: vec![CLASS.into()],
        attributes: vec![text(NAME, name)],
        children: Vec::new(),
    }
}

fn set(elements: &[VocabularyElement]) -> Action {
    Action::SetMasterData(SetMasterData {
        elements: elements.to_vec(),
    })
}

fn code(chain: &Chain, who: (&str, u8), elements: &[VocabularyElement]) -> u32 {
    let checked = chain.check(&chain.sign(who, set(elements)));
    checked.map_err(|r| r.code()).err().unwrap_or_default()
}

fn current(chain: &Chain, id: &str) -> Option<MasterData> {
    chain.state.message(&keys::master_data(id))
}

#[test]
fn the_owner_of_the_prefix_states_what_its_identifiers_are() {
    let mut chain = Chain::start();
    let dock = place("00001");
    let mut all = [element(&lamp(), 1, "Lamp"), element(&dock, 1, "Dock 1")];
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let id = chain.run_for_id(MAKER, set(&all)).unwrap();
    for (index, element) in (0..).zip(&all) {
        let record = current(&chain, &element.id).unwrap();
        assert_eq!(record.element.as_ref(), Some(element));
        assert_eq!(record.organisation, "maker");
        assert_eq!(record.transaction_id, id);
        assert_eq!(record.time_ms, chain.time_ms);
        let position = record.position.unwrap();
        assert_eq!((position.height, position.event), (1, index));
    }
    assert_eq!(current(&chain, &place("00002")), None);
}

/// A version is never lost: the state holds all of them.
#[test]
fn a_later_version_replaces_and_the_earlier_ones_stay() {
    let mut chain = Chain::start();
    let names = ["Lamp", "Table lamp", "Lamp"];
    let versions: Vec<_> = (1..)
        .zip(names)
        .map(|(n, name)| element(&lamp(), n, name))
        .collect();
    for version in &versions {
        chain
            .run(MAKER, set(std::slice::from_ref(version)))
            .unwrap();
    }
    let [first, second, third] = versions.as_slice() else {
        panic!("three versions");
    };
    assert_eq!(
        current(&chain, &lamp()).unwrap().element.as_ref(),
        Some(third)
    );
    for (n, expected) in [(1, first), (2, second)] {
        let key = keys::master_data_version(&lamp(), n);
        let record: MasterData = chain.state.message(&key).unwrap();
        assert_eq!(record.element.as_ref(), Some(expected));
        assert_eq!(record.position.unwrap().height, n);
    }
    let key = keys::master_data_version(&lamp(), 3);
    assert_eq!(chain.state.message::<MasterData>(&key), None);
}

/// Attributes that are taken back leave a version without any.
#[test]
fn what_was_stated_can_be_taken_back() {
    let mut chain = Chain::start();
    let mut nothing = element(&lamp(), 1, "");
    nothing.attributes.clear();
    assert_eq!(code(&chain, MAKER, &[nothing.clone()]), 805);
    chain
        .run(MAKER, set(&[element(&lamp(), 1, "Lamp")]))
        .unwrap();
    nothing.version = 2;
    chain
        .run(MAKER, set(std::slice::from_ref(&nothing)))
        .unwrap();
    nothing.version = 3;
    assert_eq!(code(&chain, MAKER, &[nothing]), 805);
}

/// Each change of a valid element breaks one rule, and that one refuses it.
#[test]
fn a_changed_element_is_refused_by_the_rule_that_it_breaks() {
    let mut chain = Chain::start();
    chain
        .run(MAKER, set(&[element(&lamp(), 1, "Lamp")]))
        .unwrap();
    type Change = fn(&mut VocabularyElement);
    let changes: &[(u32, Change)] = &[
        (0, |_| {}),
        // Identifiers.
        (802, |e| {
            e.id = "urn:epc:idpat:sgtin:9521321.300001.*".into()
        }),
        (802, |e| e.id = "https://shop.example/lamp".into()),
        (802, |e| e.id = String::new()),
        (803, |e| e.id = key("idpat:sgtin:9521322.300001.*")),
        (803, |e| {
            e.id = "https://id.gs1.org/01/00000095213217".into()
        }),
        // Versions.
        (804, |e| e.version = 1),
        (804, |e| e.version = 0),
        (804, |e| e.version = 3),
        (804, |e| e.version = u64::MAX),
        (804, |e| e.id = place("00009")),
        (805, |e| e.attributes = vec![text(NAME, "Lamp")]),
        (0, |e| {
            e.attributes = vec![text(NAME, "Lamp")];
            e.types = vec!["urn:x:other".into()];
        }),
        // Vocabularies.
        (806, |e| e.types.clear()),
        (806, |e| e.types = vec!["EPCClass".into()]),
        (806, |e| e.types = vec!["urn:x:b".into(), "urn:x:a".into()]),
        (806, |e| e.types = vec!["urn:x:a".into(), "urn:x:a".into()]),
        (806, |e| {
            e.types = (0..9).map(|n| format!("urn:x:{n}")).collect()
        }),
        (0, |e| {
            e.types = (0..8).map(|n| format!("urn:x:{n}")).collect()
        }),
        // Names.
        (807, |e| e.attributes = vec![text("descriptionShort", "x")]),
        (807, |e| e.attributes = vec![text("", "x")]),
        (807, |e| e.attributes = vec![text("urn:", "x")]),
        (807, |e| e.attributes = vec![text("urn:x y", "x")]),
        (807, |e| e.attributes = vec![text("urn:x:é", "x")]),
        (807, |e| {
            e.attributes = vec![text(&format!("urn:x:{}", "a".repeat(251)), "x")]
        }),
        (0, |e| {
            e.attributes = vec![text(&format!("urn:x:{}", "a".repeat(250)), "x")]
        }),
        (807, |e| {
            e.attributes = vec![nested("urn:x:a", vec![text("", "x")])]
        }),
        (0, |e| {
            e.attributes = vec![nested("urn:x:a", vec![text("street", "x")])]
        }),
        // Values.
        (808, |e| e.attributes = vec![text(NAME, "")]),
        (808, |e| e.attributes = vec![text(NAME, "two\nlines")]),
        (808, |e| e.attributes = vec![text(NAME, &"x".repeat(2049))]),
        (0, |e| e.attributes = vec![text(NAME, &"x".repeat(2048))]),
        (808, |e| e.attributes[0].fields = vec![text("street", "x")]),
        // Order.
        (809, |e| {
            e.attributes = vec![text("urn:x:b", "x"), text("urn:x:a", "x")]
        }),
        (809, |e| {
            e.attributes = vec![text(NAME, "b"), text(NAME, "a")]
        }),
        (809, |e| {
            e.attributes = vec![text(NAME, "a"), text(NAME, "a")]
        }),
        (0, |e| e.attributes = vec![text(NAME, "a"), text(NAME, "b")]),
        (809, |e| {
            let fields = vec![text("b", "x"), text("a", "x")];
            e.attributes = vec![nested("urn:x:a", fields)];
        }),
        // Depth and number.
        (810, |e| e.attributes = vec![deep(5)]),
        (0, |e| e.attributes = vec![deep(4)]),
        (811, |e| e.attributes = many(129)),
        (0, |e| e.attributes = many(128)),
        (811, |e| {
            e.attributes = many(127);
            e.attributes.push(nested("urn:x:z", vec![text("a", "x")]));
        }),
        // Children.
        (812, |e| e.children = vec![e.id.clone()]),
        (812, |e| {
            e.children = vec!["urn:epc:id:sgln:9521321.00001.0".into()]
        }),
        (812, |e| e.children = vec![place("00002"), place("00001")]),
        (812, |e| e.children = vec![place("00001"), place("00001")]),
        (0, |e| e.children = vec![place("00001"), place("00002")]),
        (803, |e| e.children = vec![key("id:sgln:9521322.00001.0")]),
        // Bytes.
        (813, |e| e.attributes = large(8192 + 1)),
        (0, |e| e.attributes = large(8192)),
    ];
    for (n, (expected, change)) in changes.iter().enumerate() {
        let mut changed = element(&lamp(), 2, "Table lamp");
        change(&mut changed);
        assert_eq!(code(&chain, MAKER, &[changed]), *expected, "change {n}");
    }
}

/// Fields in fields, so deep.
fn deep(depth: usize) -> MasterDataAttribute {
    (1..depth).fold(text("urn:x:a", "x"), |inner, _| {
        nested("urn:x:a", vec![inner])
    })
}

fn many(count: usize) -> Vec<MasterDataAttribute> {
    (0..count)
        .map(|n| text(&format!("urn:x:{n:03}"), "x"))
        .collect()
}

/// Attributes with which the element has so many bytes.
fn large(bytes: usize) -> Vec<MasterDataAttribute> {
    let mut changed = element(&lamp(), 2, "");
    let long = "x".repeat(2000);
    changed.attributes = (0..4).map(|n| text(&format!("urn:x:{n}"), &long)).collect();
    let left = bytes - changed.encoded_len();
    // Both lengths of the last attribute take one byte each.
    let rest = left - text("urn:x:4", "").encoded_len() - 4;
    changed.attributes.push(text("urn:x:4", &"x".repeat(rest)));
    assert_eq!(changed.encoded_len(), bytes);
    changed.attributes
}

#[test]
fn a_transaction_states_what_is_ordered_and_not_too_much() {
    let mut chain = Chain::start();
    let numbered = |n: u32| element(&key(&format!("id:sgtin:{PREFIX}.300001.{n:03}")), 1, "x");
    let all: Vec<_> = (0..65).map(numbered).collect();
    assert_eq!(code(&chain, MAKER, &[]), 800);
    assert_eq!(code(&chain, MAKER, &all), 800);
    assert_eq!(code(&chain, MAKER, &[numbered(2), numbered(1)]), 801);
    assert_eq!(code(&chain, MAKER, &[numbered(1), numbered(1)]), 801);
    chain.run(MAKER, set(&all[..64])).unwrap();
    // One that breaks a rule takes the others with it.
    let again = [element(&all[0].id, 2, "y"), all[64].clone(), {
        let mut last = numbered(70);
        last.version = 2;
        last
    }];
    assert_eq!(code(&chain, MAKER, &again), 804);
    assert_eq!(chain.run(MAKER, set(&again[..2])), Ok(()));
}

#[test]
fn nobody_else_states_them_nor_who_is_suspended() {
    let mut chain = Chain::start();
    let first = [element(&lamp(), 1, "Lamp")];
    for who in [MARKET, CARRIER, OFFICE] {
        assert_eq!(code(&chain, who, &first), 803);
    }
    let put = |standing: Standing, sequence| {
        let organisation = "maker".into();
        let standing = standing as i32;
        change(
            sequence,
            Kind::PutStanding(PutStanding {
                organisation,
                standing,
            }),
        )
    };
    let others = [MARKET, CARRIER, OFFICE];
    chain.approve(&others, &put(Standing::Suspended, 1));
    assert_eq!(code(&chain, MAKER, &first), 513);
    chain.approve(&others, &put(Standing::Unspecified, 2));
    assert_eq!(code(&chain, MAKER, &first), 0);
}

/// The record says who stated it; a later owner of the prefix goes on with the versions.
#[test]
fn a_prefix_that_changes_hands_takes_its_identifiers_along() {
    let mut chain = Chain::start();
    chain
        .run(MAKER, set(&[element(&lamp(), 1, "Lamp")]))
        .unwrap();
    let owner = keys::company_prefix(PREFIX);
    chain.state.values.insert(owner, b"market".to_vec());
    let second = [element(&lamp(), 2, "Lamp of the market")];
    assert_eq!(code(&chain, MAKER, &second), 803);
    chain.run(MARKET, set(&second)).unwrap();
    assert_eq!(current(&chain, &lamp()).unwrap().organisation, "market");
    let key = keys::master_data_version(&lamp(), 1);
    let before: MasterData = chain.state.message(&key).unwrap();
    assert_eq!(before.organisation, "maker");
}

/// What a client is answered is proven under the block's header; each bit of it counts.
#[test]
fn the_record_and_its_absence_are_proven_and_nothing_bent_is() {
    let mut chain = Chain::start();
    chain
        .run(MAKER, set(&[element(&lamp(), 1, "Lamp")]))
        .unwrap();
    let root = chain.blocks.last().unwrap().header.state_root;
    let key = keys::master_data(&lamp());
    let value = chain.state.values.get(&key).unwrap().clone();
    let proof =
        commitment::prove(&chain.state, chain.height, &key, Some(value.as_slice())).unwrap();
    assert_eq!(
        state::verify(&root, &key, Some(value.as_slice()), &proof),
        Ok(())
    );
    assert!(state::verify(&root, &key, None, &proof).is_err());
    for bent in bit_flips(&value) {
        assert!(state::verify(&root, &key, Some(bent.as_slice()), &proof).is_err());
    }
    for bent in bit_flips(&key) {
        assert!(state::verify(&root, &bent, Some(value.as_slice()), &proof).is_err());
    }
    for at in 0..proof.siblings.len() {
        let mut bent = proof.clone();
        bent.siblings[at][7] ^= 1;
        assert!(state::verify(&root, &key, Some(value.as_slice()), &bent).is_err());
    }
    // Absent: of another identifier, and of a version before the first.
    for absent in [
        keys::master_data(&item(1)),
        keys::master_data_version(&lamp(), 1),
    ] {
        let proof = commitment::prove(&chain.state, chain.height, &absent, None).unwrap();
        assert_eq!(state::verify(&root, &absent, None, &proof), Ok(()));
        assert!(state::verify(&root, &absent, Some(value.as_slice()), &proof).is_err());
    }
}

/// Proposing and verifying give one header.
#[test]
fn a_block_with_master_data_is_executed_alike_everywhere() {
    let mut chain = Chain::start();
    let envelopes = [
        chain.sign(MAKER, set(&[element(&lamp(), 1, "Lamp")])),
        chain.sign(MAKER, set(&[element(&lamp(), 2, "Table lamp")])),
        chain.sign(MARKET, set(&[element(&place("00001"), 1, "Ours")])),
    ];
    let before = chain.clone();
    let executed = chain.commit(&envelopes);
    assert_eq!(executed.applied, [0, 1]);
    assert_eq!(executed.rejected.len(), 1);
    let block = chain.blocks.last().unwrap();
    assert_eq!(before.verify(block).unwrap().header, executed.header);
}
