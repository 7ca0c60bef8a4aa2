use touchstone_proto::ledger::Change;
use touchstone_proto::ledger::change::Kind;

use super::*;
use crate::execution;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, approve, change};

fn put(sequence: u64, version: u32, from_height: u64) -> Change {
    change(
        sequence,
        Kind::PutProtocol(PutProtocol {
            version,
            from_height,
        }),
    )
}

const THREE: [(&str, u8); 3] = [MARKET, CARRIER, MAKER];

#[test]
fn a_program_that_lacks_the_version_executes_nothing_from_its_height_on() {
    let mut chain = Chain::start();
    let at = 3 + MIN_NOTICE;
    chain.approve(&THREE, &put(1, 2, at));
    let scheduled = protocol(&chain.state).unwrap();
    assert_eq!((scheduled.next_version, scheduled.next_height), (2, at));
    while chain.height + 1 < at {
        assert_eq!(check_supported(&chain.state, chain.height + 1), Ok(()));
        chain.commit(&[]);
    }
    let unknown = Fault::UnknownProtocol {
        height: at,
        version: 2,
    };
    assert_eq!(check_supported(&chain.state, at), Err(unknown.clone()));
    let context = chain.context();
    let executed = execution::execute(&chain.state, &context, &[]);
    assert_eq!(executed.map(|e| e.header), Err(unknown.clone()));
    let tried = execution::rejections(&chain.state, &context, &[]);
    assert_eq!(tried, Err(unknown));
}

/// A release that knows a second version goes on with a chain of the first, and executes its blocks anew.
#[test]
fn a_program_that_knows_two_versions_follows_both() {
    let mut chain = Chain::start();
    let at = 3 + MIN_NOTICE;
    chain.approve(&THREE, &put(1, 2, at));
    let version =
        |known: RangeInclusive<u32>, height: u64| version_within(&known, &chain.state, height);
    assert_eq!(version(1..=2, at - 1), Ok(1));
    assert_eq!(version(1..=2, at), Ok(2));
    // One that lacks the first could fetch none of its blocks.
    assert!(version(2..=2, at - 1).is_err());
    assert!(version(1..=1, at).is_err());
    assert_eq!(SUPPORTED.start(), &block::VERSION);
}

#[test]
fn what_was_to_come_is_taken_back_or_put_off() {
    let mut chain = Chain::start();
    chain.approve(&THREE, &put(1, 2, 100));
    chain.approve(&THREE, &put(2, 2, 200));
    assert_eq!(protocol(&chain.state).unwrap().next_height, 200);
    chain.approve(&THREE, &put(3, 1, 0));
    let now = protocol(&chain.state).unwrap();
    assert_eq!((now.version, now.next_version, now.next_height), (1, 0, 0));
    assert_eq!(check_supported(&chain.state, 1000), Ok(()));
}

/// This program lacks the second version, so that no chain here comes to it: the vote alone is tried.
#[test]
fn a_version_in_force_is_where_the_next_vote_begins() {
    let chain = Chain::start();
    let voted = Protocol {
        version: 1,
        next_version: 2,
        next_height: 100,
    };
    let put_at = |height, version, from_height| -> Result<Protocol, RuleError> {
        let context = BlockContext {
            height,
            ..chain.context()
        };
        let mut state = Delta::new(&chain.state);
        state.write(keys::PROTOCOL.to_vec(), &voted);
        let change = PutProtocol {
            version,
            from_height,
        };
        super::put(&mut state, &context, &change)?;
        Ok(protocol(&state)?)
    };
    // One block before, it is still to come.
    assert!(put_at(99, 1, 0).is_ok() && put_at(99, 2, 200).is_ok());
    assert!(put_at(99, 3, 200).is_err());
    assert!(put_at(100, 1, 0).is_err(), "nothing is to come");
    assert!(put_at(100, 2, 200).is_err(), "nothing is put off");
    let now = put_at(100, 3, 200).unwrap();
    assert_eq!(
        (now.version, now.next_version, now.next_height),
        (2, 3, 200)
    );
}

#[test]
fn each_rule() {
    let mut chain = Chain::start();
    let decided_at = 3;
    let rows = [
        ("a version left out", 3, 1000),
        ("the version in force", 1, 1000),
        ("nothing to take back", 1, 0),
        ("none", 0, 1000),
        ("too soon", 2, decided_at + MIN_NOTICE - 1),
    ];
    for (sequence, (name, version, from_height)) in (1..).zip(rows) {
        let change = put(sequence, version, from_height);
        let mut chain = chain.clone();
        chain.approve(&THREE[..2], &change);
        let refused = chain.check(&chain.sign(MAKER, approve(&change)));
        assert_eq!(refused.map_err(|r| r.code()), Err(520), "{name}");
    }
    let just = put(1, 2, decided_at + MIN_NOTICE);
    chain.approve(&THREE, &just);
}
