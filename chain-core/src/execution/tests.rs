use super::*;
use crate::block::Block;
use crate::custody::CustodyRejection;
use crate::test_support::{
    CARRIER, Chain, MAKER, MARKET, aggregation, approve, capture, change_keys, container,
    genesis_document, item, object, put_validator,
};

fn note(chain: &Chain, n: u64) -> Vec<u8> {
    chain.sign_at(MARKET, n, capture(&[object(n, &[item(n)])]))
}

/// A chain of a few blocks with every kind of write behind it, and a block on top of it.
fn proposed() -> (Chain, Block) {
    let mut chain = Chain::start();
    chain.commit(&[note(&chain, 1), note(&chain, 2)]);
    let change = put_validator(1, 60, 2, "maker");
    chain.approve(&[MARKET, CARRIER], &change);
    let envelopes = vec![
        note(&chain, 3),
        chain.sign(MAKER, approve(&change)),
        chain.sign(CARRIER, change_keys(&[50], &[])),
    ];
    let executed = chain.execute(&envelopes);
    assert_eq!(executed.applied, [0, 1, 2]);
    let block = Block {
        header: executed.header,
        transactions: envelopes,
    };
    (chain, block)
}

#[test]
fn a_proposed_block_verifies_to_the_same_effects() {
    let (chain, block) = proposed();
    assert_eq!(chain.verify(&block), Ok(chain.execute(&block.transactions)));
}

#[test]
fn an_empty_block_still_records_its_parent() {
    let mut chain = Chain::start();
    for height in 0..3 {
        let parent = chain.parent;
        let executed = chain.commit(&[]);
        assert_eq!(executed.header.transaction_count, 0);
        let expected = [(keys::block(height), parent.to_vec())].into();
        assert_eq!(executed.writes.values, expected);
        assert_ne!(executed.header.parent, executed.header.id());
    }
}

#[test]
fn a_header_that_execution_does_not_give_is_invalid() {
    type Edit = fn(&mut Header);
    let rows: [(&str, Edit); 6] = [
        ("version", |h| h.version += 1),
        ("transaction root", |h| h.transaction_root[0] ^= 1),
        ("transaction count", |h| h.transaction_count += 1),
        ("state root", |h| h.state_root[31] ^= 1),
        ("validators hash", |h| h.validators_hash[0] ^= 1),
        ("next validators hash", |h| h.next_validators_hash[0] ^= 1),
    ];
    let (chain, block) = proposed();
    for (field, edit) in rows {
        let mut tampered = block.clone();
        edit(&mut tampered.header);
        assert_eq!(chain.verify(&tampered), Err(InvalidBlock::Header(field)));
    }
    // What the caller checks is inside the state: another parent or time gives another root.
    let state_root = Err(InvalidBlock::Header("state root"));
    let edits: [(&str, Edit); 2] = [
        ("parent", |h| h.parent[0] ^= 1),
        ("time", |h| h.time_ms += 1),
    ];
    for (name, edit) in edits {
        let mut tampered = block.clone();
        edit(&mut tampered.header);
        assert_eq!(chain.verify(&tampered), state_root, "{name}");
    }
}

#[test]
fn a_block_with_other_transactions_is_invalid() {
    let (chain, block) = proposed();
    type Edit = fn(&mut Vec<Vec<u8>>);
    let edits: [(&str, Edit, InvalidBlock); 4] = [
        (
            "one left out",
            |t| {
                t.pop();
            },
            InvalidBlock::Header("transaction root"),
        ),
        (
            "another order",
            |t| t.swap(0, 1),
            InvalidBlock::Header("transaction root"),
        ),
        ("none", Vec::clear, InvalidBlock::Header("transaction root")),
        (
            "one twice",
            |t| t.push(t[0].clone()),
            InvalidBlock::Transaction {
                index: 3,
                rejection: Rejection::AlreadyCommitted,
            },
        ),
    ];
    for (name, edit, expected) in edits {
        let mut tampered = block.clone();
        edit(&mut tampered.transactions);
        assert_eq!(chain.verify(&tampered), Err(expected), "{name}");
    }
}

#[test]
fn one_transaction_that_breaks_a_rule_makes_a_block_invalid() {
    let (chain, block) = proposed();
    let bad = chain.sign(("nobody", 9), capture(&[object(9, &[item(9)])]));
    for place in 0..=3 {
        let mut tampered = block.clone();
        tampered.transactions.insert(place, bad.clone());
        // Even with the header that a proposer would compute, who leaves it out.
        tampered.header = chain.execute(&tampered.transactions).header;
        assert_eq!(
            chain.verify(&tampered),
            Err(InvalidBlock::Transaction {
                index: place,
                rejection: Rejection::UnknownOrganisation("nobody".into())
            })
        );
    }
}

#[test]
fn a_rejected_transaction_leaves_no_trace() {
    let (chain, block) = proposed();
    let expected = chain.execute(&block.transactions);
    let unpack = aggregation("DELETE", &container(5), &[item(3)]);
    // It writes to two items before its last event is refused.
    let spoilt = capture(&[object(1, &[item(3), item(8)]), unpack]);
    for place in 0..=3 {
        let mut envelopes = block.transactions.clone();
        envelopes.insert(place, chain.sign(MARKET, spoilt.clone()));
        let executed = chain.execute(&envelopes);
        let rejected: Vec<_> = executed
            .rejected
            .iter()
            .map(|(i, r)| (*i, r.code()))
            .collect();
        assert_eq!(rejected, [(place, 303)]);
        assert_eq!(executed.header, expected.header);
        assert_eq!(executed.writes, expected.writes);
        assert_eq!(executed.tree, expected.tree);
        let applied: Vec<usize> = (0..4).filter(|i| *i != place).collect();
        assert_eq!(executed.applied, applied);
    }
}

#[test]
fn rejections_are_those_of_execution() {
    let (chain, block) = proposed();
    let mut envelopes = block.transactions;
    envelopes.insert(1, chain.sign(("nobody", 9), capture(&[])));
    envelopes.push(envelopes[0].clone());
    let verified: Vec<_> = envelopes
        .iter()
        .map(|e| chain.verified(e).unwrap())
        .collect();
    let refs: Vec<_> = verified.iter().collect();
    let found = rejections(&chain.state, &chain.context(), &refs).unwrap();
    assert_eq!(found, chain.execute(&envelopes).rejected);
    assert_eq!(found.len(), 2);
}

#[test]
fn a_block_is_limited_in_transactions() {
    let mut document = genesis_document();
    document.parameters.max_block_transactions = 3;
    let chain = Chain::from(&document);
    let bad = chain.sign(("nobody", 9), capture(&[]));
    let mut envelopes: Vec<_> = (0..5).map(|n| note(&chain, n)).collect();
    envelopes.insert(1, bad);
    let executed = chain.execute(&envelopes);
    // A rejected one takes no place; what comes after the last place is not examined.
    assert_eq!(executed.applied, [0, 2, 3]);
    assert_eq!(executed.rejected.len(), 1);
    for (count, expected) in [(3, true), (4, false)] {
        let block = Block {
            header: chain.execute(&envelopes[2..]).header,
            transactions: envelopes[2..2 + count].to_vec(),
        };
        let answer = chain.verify(&block);
        assert_eq!(answer.is_ok(), expected);
        assert!(
            expected || answer == Err(InvalidBlock::TooLarge),
            "{answer:?}"
        );
    }
}

#[test]
fn a_block_is_limited_in_bytes() {
    let mut document = genesis_document();
    document.parameters.max_block_bytes = 1 << 16;
    document.parameters.max_transaction_bytes = 1 << 16;
    let chain = Chain::from(&document);
    let sized = |note: u64, items: u64| {
        let ids: Vec<String> = (0..items).map(item).collect();
        chain.sign_at(MARKET, note, capture(&[object(note, &ids)]))
    };
    let large = sized(1, 700);
    let (larger, small) = (sized(2, 800), sized(3, 2));
    assert!(large.len() + larger.len() > 1 << 16 && large.len() + small.len() < 1 << 16);
    let all = [large.clone(), larger.clone(), small.clone()];
    let executed = chain.execute(&all);
    // What doesn't fit is passed over, and is neither applied nor rejected.
    assert_eq!((executed.applied, executed.rejected), (vec![0, 2], vec![]));
    let block = Block {
        header: executed.header,
        transactions: all.to_vec(),
    };
    assert_eq!(chain.verify(&block), Err(InvalidBlock::TooLarge));
    let fits = Block {
        transactions: vec![large, small],
        ..block
    };
    assert!(chain.verify(&fits).is_ok());
}

#[test]
fn the_same_input_gives_the_same_root_on_every_machine() {
    let (one, block) = proposed();
    let (other, same) = proposed();
    assert_eq!(block, same);
    assert_eq!(
        one.execute(&block.transactions),
        other.execute(&block.transactions)
    );
    // A replayed chain ends in the same state, whatever else was tried on it before.
    other.execute(&[note(&other, 77)]);
    let mut replayed = Chain::start();
    for block in &one.blocks {
        assert_eq!(
            replayed.verify(block).map(|e| e.header),
            Ok(block.header.clone())
        );
        replayed.commit(&block.transactions);
    }
    assert_eq!(replayed.state.values, one.state.values);
    assert_eq!(replayed.state.nodes, one.state.nodes);
    assert_eq!(replayed.parent, one.parent);
}

/// Order within a block is part of history: packing before unpacking, first come first served.
#[test]
fn order_matters() {
    let chain = Chain::start();
    let pack = |n| {
        let event = aggregation("ADD", &container(n), &[item(1)]);
        chain.sign_at(MARKET, n, capture(&[event]))
    };
    let (one, two) = (pack(1), pack(2));
    let first = chain.execute(&[one.clone(), two.clone()]);
    let second = chain.execute(&[two, one]);
    assert_eq!((first.rejected.len(), second.rejected.len()), (1, 1));
    assert_ne!(first.header.state_root, second.header.state_root);

    // Transactions that touch nothing in common still have their place in history.
    let (a, b) = (note(&chain, 1), note(&chain, 2));
    let first = chain.execute(&[a.clone(), b.clone()]).header;
    let second = chain.execute(&[b, a]).header;
    assert_ne!(first.transaction_root, second.transaction_root);
    assert_ne!(first.state_root, second.state_root);
}

#[test]
fn a_state_without_parameters_or_validators_is_damaged() {
    for key in [keys::PARAMETERS, keys::VALIDATORS] {
        for value in [None, Some(vec![0xff])] {
            let mut chain = Chain::start();
            match value {
                None => chain.state.values.remove(key),
                Some(bytes) => chain.state.values.insert(key.to_vec(), bytes),
            };
            let executed = execute(&chain.state, &chain.context(), &[]);
            assert!(matches!(executed, Err(Fault::Damaged(_))), "{executed:?}");
        }
    }
}

/// Damage on our disk stops the node; it is never the transaction's fault.
#[test]
fn a_damaged_record_is_a_fault_and_no_rejection() {
    let mut chain = Chain::start();
    chain.commit(&[note(&chain, 1)]);
    let again = chain.verified(&note(&chain, 1001)).unwrap();
    let other = capture(&[object(5, &[item(1)])]);
    let touching = chain.verified(&chain.sign(MARKET, other)).unwrap();
    for key in [keys::item(&item(1)), keys::organisation("market")] {
        let mut state = chain.state.clone();
        state.values.insert(key, vec![0xff]);
        let executed = execute(&state, &chain.context(), &[&touching]);
        assert!(matches!(executed, Err(Fault::Damaged(_))), "{executed:?}");
    }
    assert!(execute(&chain.state, &chain.context(), &[&again, &touching]).is_ok());
}

/// `count` items in events of 10,000 each.
fn many(chain: &Chain, from: u64, count: u64) -> Vec<u8> {
    let items: Vec<_> = (from..from + count).map(|n| format!("a:{n:x}")).collect();
    let events: Vec<_> = items
        .chunks(10_000)
        .map(|some| object(from, some))
        .collect();
    chain.sign(MARKET, capture(&events))
}

/// A block's link entries are bounded: the proposer stops before the bound, and a block over it is
/// invalid.
#[test]
fn a_block_writes_at_most_so_many_link_entries() {
    let chain = Chain::start();
    let limit = MAX_LINK_ENTRIES as u64;
    let half = limit / 2;
    let envelopes = [
        many(&chain, 0, half),
        many(&chain, half, half),
        many(&chain, limit, 1),
    ];
    let executed = chain.execute(&envelopes);
    assert_eq!(executed.applied, [0, 1]);
    assert_eq!(executed.rejected, []);
    assert_eq!(executed.writes.links.len() as u64, limit);
    let mut block = Block {
        header: executed.header,
        transactions: envelopes.to_vec(),
    };
    assert_eq!(chain.verify(&block), Err(InvalidBlock::TooLarge));
    block.transactions.pop();
    assert!(chain.verify(&block).is_ok());
    // What comes behind one that doesn't fit waits with it.
    let envelopes = [
        many(&chain, 0, half + 1),
        many(&chain, half, half),
        many(&chain, limit, 1),
    ];
    let executed = chain.execute(&envelopes);
    assert_eq!((executed.applied, executed.rejected), (vec![0], vec![]));
}

/// A transaction that fits into no block is told so.
#[test]
fn a_transaction_writes_at_most_as_many_link_entries_as_a_block() {
    let chain = Chain::start();
    let limit = MAX_LINK_ENTRIES;
    assert_eq!(chain.check(&many(&chain, 0, limit as u64)), Ok(()));
    let refused = chain.check(&many(&chain, 0, limit as u64 + 1));
    assert_eq!(
        refused,
        Err(Rejection::Custody(CustodyRejection::TooManyItems { limit }))
    );
}

/// Six MiB of such would take five seconds.
#[test]
fn nothing_is_executed_behind_what_makes_a_block_invalid() {
    let mut chain = Chain::start();
    chain.commit(&[note(&chain, 1)]);
    let bad = chain.sign(("nobody", 9), capture(&[object(9, &[item(9)])]));
    let other = chain.sign(MARKET, capture(&[object(5, &[item(1)])]));
    let header = chain.execute(&[]).header;
    let mut state = chain.state.clone();
    state.values.insert(keys::item(&item(1)), vec![0xff]);
    let [bad, other] = [bad, other].map(|envelope| chain.verified(&envelope).unwrap());
    let invalid = InvalidBlock::Transaction {
        index: 0,
        rejection: Rejection::UnknownOrganisation("nobody".into()),
    };
    assert_eq!(verify(&state, &header, &[&bad, &other]), Ok(Err(invalid)));
    let executed = verify(&state, &header, &[&other]);
    assert!(matches!(executed, Err(Fault::Damaged(_))), "{executed:?}");
}

/// Whose transactions break rules after much work has one of them examined with a proposal; others' aren't held up.
#[test]
fn of_an_organisation_little_is_executed_in_vain() {
    let chain = Chain::start();
    let large = MAX_LINK_ENTRIES as u64 + 1;
    let other = chain.sign(CARRIER, capture(&[object(7, &[item(7)])]));
    let envelopes = [
        note(&chain, 1),
        many(&chain, 0, large),
        many(&chain, 1, large),
        other,
        note(&chain, 2),
    ];
    let executed = chain.execute(&envelopes);
    assert_eq!(executed.applied, [0, 3]);
    let rejected: Vec<usize> = executed.rejected.iter().map(|(index, _)| *index).collect();
    assert_eq!(rejected, [1], "the others wait");
}

/// Left out without a word, it would stand at the head of every pool for ever.
#[test]
fn what_no_block_could_hold_is_rejected_by_its_rule() {
    let mut document = genesis_document();
    document.parameters.max_block_bytes = 1 << 16;
    document.parameters.max_transaction_bytes = 1 << 16;
    let chain = Chain::from(&document);
    let events: Vec<_> = (0..400)
        .map(|n| object(n, &[item(n), item(n + 1000)]))
        .collect();
    let oversized = chain.sign(MARKET, capture(&events));
    let bytes = oversized.len() as u64;
    assert!(bytes > 1 << 16);
    let executed = chain.execute(&[oversized, note(&chain, 1)]);
    assert_eq!(executed.applied, [1]);
    let limit = 1 << 16;
    assert_eq!(
        executed.rejected,
        [(0, Rejection::TransactionTooLarge { bytes, limit })]
    );
}
