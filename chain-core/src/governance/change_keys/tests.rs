use super::*;
use crate::encoding::Malformed;
use crate::governance::GovernanceRejection;
use crate::governance::organisation::BadOrganisation;
use crate::rejection::Rejection;
use crate::signing::BadKey;
use crate::test_support::{CARRIER, Chain, MARKET, change_keys, public};
use touchstone_proto::ledger::Key;
use touchstone_proto::ledger::transaction::Action;

fn keys_of(chain: &Chain, organisation: &str) -> Vec<Key> {
    let key = keys::organisation(organisation);
    chain.state.message::<Organisation>(&key).unwrap().keys
}

fn raw(add: Vec<Vec<u8>>, retire: Vec<Vec<u8>>) -> Action {
    Action::ChangeKeys(ChangeKeys {
        add,
        retire,
        compromised: vec![],
    })
}

#[test]
fn keys_are_added_from_the_next_height_and_retired_after_this_one() {
    let mut chain = Chain::start();
    chain.commit(&[]);
    chain.run(MARKET, change_keys(&[50], &[1])).unwrap();
    let contested = KeyDispute::Contested as i32;
    let expected = [
        (public(1), 1, 2, 0, contested),
        (public(50), 3, 0, chain.time_ms, 0),
    ];
    let expected = expected.map(|(key, from, until, added_ms, dispute)| Key {
        public_key: key.to_vec(),
        valid_from_height: from,
        valid_until_height: until,
        compromised_since_ms: 0,
        added_ms,
        dispute,
    });
    assert_eq!(keys_of(&chain, "market"), expected);
    let owner = chain.state.values.get(&keys::key_owner(&public(50)));
    assert_eq!(owner.map(Vec::as_slice), Some(b"market".as_slice()));
}

#[test]
fn each_rule() {
    let mut chain = Chain::start();
    chain.run(MARKET, change_keys(&[50, 51], &[])).unwrap();
    chain.run(MARKET, change_keys(&[], &[51])).unwrap();
    let weak = [[1].as_slice(), &[0; 31]].concat();
    let no_point = [[2].as_slice(), &[0; 31]].concat();
    let length = |field, found| {
        Rejection::from(Malformed::Length {
            field,
            expected: 32,
            found,
        })
    };
    let bad_key = |key: &[u8], error| {
        Rejection::Governance(GovernanceRejection::BadKey {
            key: key.try_into().unwrap(),
            error,
        })
    };
    let rows: [(&str, Action, Rejection); 16] = [
        (
            "nothing",
            raw(vec![], vec![]),
            Rejection::Governance(GovernanceRejection::EmptyChange),
        ),
        (
            "short key",
            raw(vec![vec![1; 31]], vec![]),
            length("add", 31),
        ),
        (
            "long key",
            raw(vec![vec![1; 33]], vec![]),
            length("add", 33),
        ),
        (
            "retire short",
            raw(vec![], vec![vec![1; 31]]),
            length("retire", 31),
        ),
        (
            "weak key",
            raw(vec![weak.clone()], vec![]),
            bad_key(&weak, BadKey::Weak),
        ),
        (
            "no point",
            raw(vec![no_point.clone()], vec![]),
            bad_key(&no_point, BadKey::NotAPoint),
        ),
        (
            "own key again",
            change_keys(&[1], &[]),
            Rejection::Governance(GovernanceRejection::KeyTaken(public(1))),
        ),
        (
            "own retired key",
            change_keys(&[51], &[]),
            Rejection::Governance(GovernanceRejection::KeyTaken(public(51))),
        ),
        (
            "another's key",
            change_keys(&[2], &[]),
            Rejection::Governance(GovernanceRejection::KeyTaken(public(2))),
        ),
        (
            "twice at once",
            change_keys(&[60, 60], &[]),
            Rejection::Governance(GovernanceRejection::KeyTaken(public(60))),
        ),
        (
            "retire and add again",
            change_keys(&[50], &[50]),
            Rejection::Governance(GovernanceRejection::KeyTaken(public(50))),
        ),
        (
            "retire another's",
            change_keys(&[], &[2]),
            Rejection::Governance(GovernanceRejection::KeyNotInUse(public(2))),
        ),
        (
            "retire retired",
            change_keys(&[], &[51]),
            Rejection::Governance(GovernanceRejection::KeyNotInUse(public(51))),
        ),
        (
            "retire twice at once",
            change_keys(&[60], &[50, 50]),
            Rejection::Governance(GovernanceRejection::KeyNotInUse(public(50))),
        ),
        (
            "retire what is added now",
            change_keys(&[60], &[60]),
            Rejection::Governance(GovernanceRejection::KeyNotInUse(public(60))),
        ),
        (
            "retire all",
            change_keys(&[], &[1, 50]),
            Rejection::Governance(GovernanceRejection::WouldLeaveNoKey),
        ),
    ];
    for (name, action, expected) in rows {
        let refused = chain.check(&chain.sign(MARKET, action));
        assert_eq!(refused, Err(expected), "{name}");
    }
    // All keys may be replaced at once: the new one holds when the old ones end.
    assert_eq!(chain.run(MARKET, change_keys(&[60], &[1, 50])), Ok(()));
}

fn report(add: &[u8], compromised: &[(u8, u64)]) -> Action {
    Action::ChangeKeys(ChangeKeys {
        add: add.iter().map(|seed| public(*seed).to_vec()).collect(),
        retire: vec![],
        compromised: compromised
            .iter()
            .map(|(seed, since_ms)| Compromise {
                public_key: public(*seed).to_vec(),
                since_ms: *since_ms,
            })
            .collect(),
    })
}

#[test]
fn a_compromised_key_is_retired_and_carries_the_date() {
    let mut chain = Chain::start();
    chain.run(MARKET, change_keys(&[50], &[])).unwrap();
    let since_ms = chain.time_ms - 500;
    chain.run(MARKET, report(&[], &[(1, since_ms)])).unwrap();
    let keys = keys_of(&chain, "market");
    assert_eq!(
        (keys[0].valid_until_height, keys[0].compromised_since_ms),
        (2, since_ms)
    );
    assert_eq!(
        (keys[1].valid_until_height, keys[1].compromised_since_ms),
        (0, 0)
    );
    // A retired key may be reported later; its end stays where it was.
    chain
        .run(("market", 50), change_keys(&[51], &[50]))
        .unwrap();
    let late = report(&[], &[(50, since_ms)]);
    chain.run(("market", 51), late).unwrap();
    let key = &keys_of(&chain, "market")[1];
    assert_eq!(
        (key.valid_until_height, key.compromised_since_ms),
        (3, since_ms)
    );
}

#[test]
fn each_rule_of_a_compromise_report() {
    let mut chain = Chain::start();
    chain.run(MARKET, change_keys(&[50, 51], &[])).unwrap();
    chain.run(MARKET, report(&[], &[(51, 1)])).unwrap();
    let block_ms = chain.context().time_ms;
    let rows = [
        (
            "no date",
            report(&[], &[(50, 0)]),
            Rejection::Governance(GovernanceRejection::BadCompromise(public(50))),
        ),
        (
            "in the future",
            report(&[], &[(50, block_ms + 1)]),
            Rejection::Governance(GovernanceRejection::BadCompromise(public(50))),
        ),
        (
            "twice",
            report(&[], &[(51, 2)]),
            Rejection::Governance(GovernanceRejection::BadCompromise(public(51))),
        ),
        (
            "twice at once",
            report(&[], &[(50, 1), (50, 2)]),
            Rejection::Governance(GovernanceRejection::BadCompromise(public(50))),
        ),
        (
            "another's",
            report(&[], &[(2, 1)]),
            Rejection::Governance(GovernanceRejection::KeyNotInUse(public(2))),
        ),
        (
            "one that is added now",
            report(&[60], &[(60, 1)]),
            Rejection::Governance(GovernanceRejection::KeyNotInUse(public(60))),
        ),
        (
            "all",
            report(&[], &[(1, 1), (50, 1)]),
            Rejection::Governance(GovernanceRejection::WouldLeaveNoKey),
        ),
    ];
    for (name, action, expected) in rows {
        let refused = chain.check(&chain.sign(MARKET, action));
        assert_eq!(refused, Err(expected), "{name}");
    }
    let edge = report(&[], &[(50, block_ms)]);
    assert_eq!(chain.check(&chain.sign(MARKET, edge)), Ok(()));
}

/// Standing of a key's report after it, and of its end by it: the reporter's key, when it was added, and since when it
/// reports.
#[test]
fn a_report_that_may_be_a_thiefs_is_contested() {
    let mut chain = Chain::start();
    chain.run(MARKET, change_keys(&[50, 51, 52], &[])).unwrap();
    let added_ms = chain.time_ms;
    let by = |reporter: u8, about: u8, since_ms: u64| {
        let mut chain = chain.clone();
        let action = report(&[60], &[(about, since_ms)]);
        chain.run(("market", reporter), action).unwrap();
        let mut keys = keys_of(&chain, "market").into_iter();
        let key = keys.find(|k| k.public_key == public(about)).unwrap();
        assert_eq!(key.compromised_since_ms, since_ms);
        organisation::is_contested(&key)
    };
    assert!(
        by(50, 1, 1),
        "a key doesn't know of times before it was added"
    );
    assert!(by(50, 1, added_ms - 1));
    assert!(by(50, 1, added_ms), "it ends the last established key");
    assert!(!by(50, 51, added_ms));
    assert!(!by(1, 50, 1), "a founder's key knows of all times");
    assert!(by(1, 1, added_ms), "a key about itself");
    // Nor does another young key's report take that back.
    let mut robbed = chain.clone();
    let first = report(&[], &[(1, added_ms)]);
    robbed.run(("market", 50), first).unwrap();
    let second = robbed.sign(("market", 51), report(&[], &[(1, added_ms + 1)]));
    assert_eq!(robbed.check(&second).map_err(|r| r.code()), Err(511));
    let mut robbed = chain.clone();
    for action in [change_keys(&[], &[1]), report(&[], &[(1, added_ms)])] {
        robbed.run(("market", 50), action).unwrap();
        let old = keys_of(&robbed, "market").remove(0);
        assert!(organisation::is_contested(&old), "however it was ended");
    }
    // An older key corrects what a newer one reported, and not the other way round.
    chain.run(("market", 50), report(&[], &[(51, 1)])).unwrap();
    let refused = chain.check(&chain.sign(("market", 52), report(&[], &[(51, 2)])));
    assert_eq!(refused.map_err(|r| r.code()), Err(511));
    chain.run(MARKET, report(&[], &[(51, 3)])).unwrap();
    let key = &keys_of(&chain, "market")[2];
    assert_eq!((key.compromised_since_ms, key.dispute), (3, 0));
    let refused = chain.check(&chain.sign(("market", 52), report(&[], &[(51, 2)])));
    assert_eq!(refused.map_err(|r| r.code()), Err(511));
}

#[test]
fn the_end_of_the_last_established_key_is_contested() {
    let mut chain = Chain::start();
    chain.run(MARKET, change_keys(&[50, 51], &[])).unwrap();
    let contested = |chain: &Chain, who, retire: &[u8]| {
        let mut chain = chain.clone();
        chain.run(who, change_keys(&[], retire)).unwrap();
        let keys = keys_of(&chain, "market");
        let contested = keys.iter().filter(|k| organisation::is_contested(k));
        contested.count()
    };
    assert_eq!(contested(&chain, MARKET, &[50]), 0, "an old one remains");
    assert_eq!(contested(&chain, MARKET, &[1]), 1, "whoever signs it");
    assert_eq!(
        contested(&chain, ("market", 50), &[1, 51]),
        1,
        "of the old ones"
    );
    chain.time_ms += ESTABLISHED_AFTER_MS - 1001;
    assert_eq!(contested(&chain, MARKET, &[1]), 1);
    chain.time_ms += 1;
    assert_eq!(contested(&chain, MARKET, &[1]), 0, "seven days later");
}

#[test]
fn a_key_belongs_to_one_organisation_for_ever() {
    let mut chain = Chain::start();
    chain.run(MARKET, change_keys(&[50], &[1])).unwrap();
    for who in [("market", 50), CARRIER] {
        let refused = chain.check(&chain.sign(who, change_keys(&[1], &[])));
        assert_eq!(
            refused,
            Err(Rejection::Governance(GovernanceRejection::KeyTaken(
                public(1)
            )))
        );
    }
}

#[test]
fn two_organisations_cannot_register_a_key_in_one_block() {
    let mut chain = Chain::start();
    let both = [MARKET, CARRIER].map(|who| chain.sign(who, change_keys(&[50], &[])));
    let executed = chain.commit(&both);
    assert_eq!(
        executed.rejected,
        [(
            1,
            Rejection::Governance(GovernanceRejection::KeyTaken(public(50)))
        )]
    );
}

#[test]
fn an_organisation_has_at_most_256_keys_in_all_its_life() {
    let mut chain = Chain::start();
    // Seeds are one byte and the founders' are taken, so these keys are made from numbers.
    let fresh = |n: u16| {
        let mut secret = [200; 32];
        secret[..2].copy_from_slice(&n.to_be_bytes());
        let key = ed25519_dalek::SigningKey::from_bytes(&secret);
        key.verifying_key().to_bytes().to_vec()
    };
    let to_the_limit = raw((0..255).map(fresh).collect(), vec![]);
    chain.run(MARKET, to_the_limit).unwrap();
    let one_more = chain.check(&chain.sign(MARKET, raw(vec![fresh(300)], vec![])));
    assert_eq!(one_more, Err(BadOrganisation::Keys.into()));
    // Retired keys count: their records stay.
    let swap = raw(vec![fresh(300)], vec![fresh(0)]);
    let swapped = chain.check(&chain.sign(MARKET, swap));
    assert_eq!(swapped, Err(BadOrganisation::Keys.into()));
    // They are counted before they are looked at: 30,000 points fit into a transaction.
    let many = raw(vec![vec![2; 32]; 300], vec![]);
    let refused = chain.check(&chain.sign(MARKET, many));
    assert_eq!(refused, Err(BadOrganisation::Keys.into()));
}
