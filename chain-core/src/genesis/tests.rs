use super::*;
use crate::governance::GovernanceRejection;
use crate::test_support::{Memory, genesis_document, public};
use crate::{execution, proof};

const GOLDEN: &[u8] = include_bytes!("../../tests/golden/genesis.json");

/// Golden: the chain id, and the root of the state that the document starts.
#[test]
fn golden_chain_id_and_state_root() {
    assert_eq!(
        GOLDEN,
        genesis_document().to_bytes(),
        "the ceremony writes these bytes"
    );
    let genesis = Genesis::read(GOLDEN).unwrap();
    let found = format!(
        "chain id {}\nstate root {}\nvalidators hash {}\n",
        hex::encode(genesis.chain_id),
        hex::encode(genesis.tree.root),
        hex::encode(genesis.validators.hash())
    );
    assert_eq!(found, include_str!("../../tests/golden/genesis.txt"));
}

#[test]
fn the_state_before_the_first_block_is_the_document() {
    let genesis = Genesis::read(GOLDEN).unwrap();
    let mut memory = Memory::default();
    memory.absorb(&genesis.writes, &genesis.tree);
    assert_eq!(
        execution::validators(&memory),
        Ok(genesis.validators.clone())
    );
    let parameters = execution::parameters(&memory).unwrap();
    assert_eq!(parameters.max_block_bytes, 4 << 20);
    assert_eq!(parameters.max_events_per_transaction, 1000);
    assert_eq!(
        memory.values[keys::ORGANISATIONS],
        b"carrier\0maker\0market\0office\0"
    );
    for (id, seed) in [("market", 1), ("carrier", 2), ("maker", 3), ("office", 4)] {
        let record: ledger::Organisation = memory.message(&keys::organisation(id)).unwrap();
        assert_eq!(record.keys.len(), 1);
        assert_eq!(record.keys[0].public_key, public(seed));
        assert_eq!(
            (
                record.keys[0].valid_from_height,
                record.keys[0].valid_until_height
            ),
            (1, 0)
        );
        assert_eq!(record.peers[0].public_key, public(seed + 20));
        assert_eq!(
            memory.values[&keys::key_owner(&public(seed))],
            id.as_bytes()
        );
        assert_eq!(
            genesis
                .validators
                .get(&public(seed + 10))
                .unwrap()
                .organisation,
            id
        );
    }
    // No transaction and no block yet; each record is proven under the root.
    assert!(memory.transactions.is_empty());
    for (key, value) in &memory.values {
        let proof = commitment::prove(&memory, 0, key, Some(value)).unwrap();
        let holds = proof::state::verify(&genesis.tree.root, key, Some(value), &proof);
        assert_eq!(holds, Ok(()));
    }
}

/// The chain id is that of the file, not of its meaning: whitespace makes another chain.
#[test]
fn another_file_is_another_chain() {
    let spaced = [GOLDEN, b"\n"].concat();
    let (one, other) = (
        Genesis::read(GOLDEN).unwrap(),
        Genesis::read(&spaced).unwrap(),
    );
    assert_ne!(one.chain_id, other.chain_id);
    assert_eq!(one.tree.root, other.tree.root);
    assert_eq!(one.chain_id, hash::sha256(GOLDEN));
}

fn read(edit: impl FnOnce(&mut Document)) -> Result<Genesis, BadGenesis> {
    let mut document = genesis_document();
    edit(&mut document);
    Genesis::read(&document.to_bytes())
}

#[test]
fn each_bad_document_is_refused() {
    type Edit = fn(&mut Document);
    type Expected = fn(&BadGenesis) -> bool;
    use BadGenesis as Bad;
    let rows: [(&str, Edit, Expected); 27] = [
        (
            "format",
            |d| d.format.push('1'),
            |e| matches!(e, Bad::Format(_)),
        ),
        ("no name", |d| d.chain.clear(), |e| *e == Bad::Name),
        (
            "long name",
            |d| d.chain = "x".repeat(65),
            |e| *e == Bad::Name,
        ),
        (
            "control character",
            |d| d.chain = "a\u{7}".into(),
            |e| *e == Bad::Name,
        ),
        (
            "role",
            |d| d.organisations[0].roles[0] = "king".into(),
            |e| *e == Bad::Role("king".into()),
        ),
        (
            "no role",
            |d| d.organisations[0].roles.clear(),
            |e| {
                matches!(
                    e,
                    Bad::Rule(
                        _,
                        Rejection::Governance(GovernanceRejection::BadOrganisation(_))
                    )
                )
            },
        ),
        (
            "role twice",
            |d| d.organisations[0].roles.push("platform".into()),
            |e| matches!(e, Bad::Rule(..)),
        ),
        (
            "organisation twice",
            |d| d.organisations[1].id = "market".into(),
            |e| *e == Bad::Twice("market".into()),
        ),
        (
            "id",
            |d| d.organisations[0].id = "Market".into(),
            |e| {
                matches!(
                    e,
                    Bad::Rule(
                        _,
                        Rejection::Governance(GovernanceRejection::BadOrganisation(_))
                    )
                )
            },
        ),
        (
            "name",
            |d| d.organisations[0].name.clear(),
            |e| matches!(e, Bad::Rule(..)),
        ),
        (
            "no key",
            |d| d.organisations[0].keys.clear(),
            |e| matches!(e, Bad::Rule(..)),
        ),
        (
            "upper-case key",
            |d| d.organisations[0].keys[0] = hex::encode_upper(public(1)),
            |e| matches!(e, Bad::Hex(_)),
        ),
        (
            "short key",
            |d| d.organisations[0].keys[0].truncate(62),
            |e| matches!(e, Bad::Hex(_)),
        ),
        (
            "key of no hex",
            |d| d.organisations[0].keys[0].replace_range(..1, "x"),
            |e| matches!(e, Bad::Hex(_)),
        ),
        (
            "weak key",
            |d| d.organisations[0].keys[0] = "00".repeat(32),
            |e| {
                matches!(
                    e,
                    Bad::Rule(
                        _,
                        Rejection::Governance(GovernanceRejection::BadOrganisation(_))
                    )
                )
            },
        ),
        (
            "key of another",
            |d| d.organisations[0].keys[0] = hex::encode(public(2)),
            |e| {
                matches!(
                    e,
                    Bad::Rule(_, Rejection::Governance(GovernanceRejection::KeyTaken(_)))
                )
            },
        ),
        (
            "network key",
            |d| d.organisations[0].nodes[0].network_key.clear(),
            |e| matches!(e, Bad::Hex(_)),
        ),
        (
            "weak network key",
            |d| d.organisations[0].nodes[0].network_key = "00".repeat(32),
            |e| matches!(e, Bad::Rule(..)),
        ),
        (
            "long address",
            |d| d.organisations[0].nodes[0].addresses[0] = "x".repeat(257),
            |e| matches!(e, Bad::Rule(..)),
        ),
        (
            "prefix",
            |d| d.organisations[0].gs1_prefixes = vec!["x".into()],
            |e| matches!(e, Bad::Rule(..)),
        ),
        (
            "validator key",
            |d| d.organisations[0].nodes[0].validator_key = Some("00".into()),
            |e| matches!(e, Bad::Hex(_)),
        ),
        (
            "weak validator key",
            |d| d.organisations[0].nodes[0].validator_key = Some("00".repeat(32)),
            |e| matches!(e, Bad::Validators(BadValidatorSet::Key { .. })),
        ),
        (
            "validator twice",
            |d| d.organisations[0].nodes[0].validator_key = Some(hex::encode(public(12))),
            |e| *e == Bad::Validators(BadValidatorSet::Order),
        ),
        (
            "no power",
            |d| d.organisations[0].nodes[0].power = Some(0),
            |e| matches!(e, Bad::Validators(BadValidatorSet::NoPower(_))),
        ),
        (
            "too much power",
            |d| d.organisations[0].nodes[0].power = Some(u64::MAX),
            |e| *e == Bad::Validators(BadValidatorSet::TooMuchPower),
        ),
        (
            "no validator",
            |d| {
                d.organisations
                    .iter_mut()
                    .for_each(|o| o.nodes[0].validator_key = None)
            },
            |e| *e == Bad::Validators(BadValidatorSet::Empty),
        ),
        (
            "nobody",
            |d| d.organisations.clear(),
            |e| *e == Bad::Validators(BadValidatorSet::Empty),
        ),
    ];
    for (name, edit, expected) in rows {
        let refused = read(edit).map(|g| g.chain_id).unwrap_err();
        assert!(expected(&refused), "{name}: {refused:?}");
    }
}

#[test]
fn each_parameter_has_its_range() {
    type Field = fn(&mut Parameters) -> &mut u64;
    let rows: [(&str, Field, u64, u64); 7] = [
        ("precision_ms", |p| &mut p.precision_ms, 1, 60_000),
        ("message_delay_ms", |p| &mut p.message_delay_ms, 1, 600_000),
        // Not below the default size of a transaction, which has to fit.
        (
            "max_block_bytes",
            |p| &mut p.max_block_bytes,
            1 << 20,
            6 << 20,
        ),
        (
            "max_block_transactions",
            |p| &mut p.max_block_transactions,
            1,
            1 << 20,
        ),
        (
            "max_transaction_bytes",
            |p| &mut p.max_transaction_bytes,
            1 << 10,
            4 << 20,
        ),
        (
            "max_events_per_transaction",
            |p| &mut p.max_events_per_transaction,
            1,
            100_000,
        ),
        (
            "transaction_lifetime_ms",
            |p| p.transaction_lifetime_ms.get_or_insert(0),
            60_000,
            31_622_400_000,
        ),
    ];
    for (name, field, low, high) in rows {
        let with = |value| read(|d| *field(&mut d.parameters) = value).map(|g| g.chain_id);
        assert!(with(low).is_ok() && with(high).is_ok(), "{name}");
        for outside in [low - 1, high + 1, 0, u64::MAX] {
            let refused = with(outside);
            assert!(
                matches!(refused, Err(BadGenesis::Parameter(_))),
                "{name} {outside}: {refused:?}"
            );
        }
        let refused = with(u64::MAX);
        assert_eq!(refused, Err(BadGenesis::Parameter(name)));
    }
    // A transaction fits into a block.
    let refused = read(|d| d.parameters.max_block_bytes = 1 << 16).map(|g| g.chain_id);
    assert_eq!(refused, Err(BadGenesis::Parameter("max_transaction_bytes")));
    let small = |d: &mut Document| {
        d.parameters.max_block_bytes = 1 << 16;
        d.parameters.max_transaction_bytes = 1 << 16;
    };
    assert!(read(small).is_ok());
    let refused = read(|d| d.parameters.max_block_bytes = (1 << 16) - 1).map(|g| g.chain_id);
    assert_eq!(refused, Err(BadGenesis::Parameter("max_block_bytes")));
}

#[test]
fn json_of_another_shape_is_refused() {
    let text = String::from_utf8(GOLDEN.to_vec()).unwrap();
    let rows = [
        ("nothing", String::new()),
        ("no object", "[]".into()),
        ("truncated", text[..text.len() - 3].into()),
        (
            "unknown field",
            text.replacen("\"chain\"", "\"extra\": 1, \"chain\"", 1),
        ),
        (
            "unknown parameter",
            text.replacen("\"precision_ms\"", "\"extra\": 1, \"precision_ms\"", 1),
        ),
        (
            "field twice",
            text.replacen("\"chain\"", "\"chain\": \"a\", \"chain\"", 1),
        ),
        ("missing field", text.replacen("\"time_ms\"", "\"time\"", 1)),
        ("number as text", text.replacen("500", "\"500\"", 1)),
        ("negative", text.replacen("500", "-500", 1)),
        ("fraction", text.replacen("500", "500.0", 1)),
        ("two documents", format!("{text}{text}")),
        ("byte order mark", format!("\u{feff}{text}")),
        ("comment", format!("{text}// note")),
    ];
    for (name, text) in rows {
        let refused = Genesis::read(text.as_bytes()).map(|g| g.chain_id);
        assert!(
            matches!(refused, Err(BadGenesis::Unreadable(_))),
            "{name}: {refused:?}"
        );
    }
    let not_utf8 = [GOLDEN, &[0xff]].concat();
    assert!(Genesis::read(&not_utf8).is_err());
}
