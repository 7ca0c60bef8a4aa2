use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{Change, ChangeKeys, Compromise, Key};

use super::*;
use crate::rejection::Rejection;
use crate::test_support::{
    CARRIER, Chain, MAKER, MARKET, OFFICE, approve, change, change_keys, public,
};
use touchstone_proto::ledger::transaction::Action;

const THIEF: (&str, u8) = ("market", 90);
const OTHERS: [(&str, u8); 3] = [CARRIER, MAKER, OFFICE];

fn verdict(seed: u8, since_ms: u64) -> Compromise {
    Compromise {
        public_key: public(seed).to_vec(),
        since_ms,
    }
}

fn recovery(add: &[u8], retire: &[u8], compromised: &[(u8, u64)]) -> Change {
    let keys = |seeds: &[u8]| seeds.iter().map(|seed| public(*seed).to_vec()).collect();
    let compromised = compromised.iter();
    change(
        1,
        Kind::RecoverKeys(RecoverKeys {
            organisation: "market".into(),
            add: keys(add),
            retire: keys(retire),
            compromised: compromised
                .map(|(seed, since)| verdict(*seed, *since))
                .collect(),
        }),
    )
}

fn key(chain: &Chain, seed: u8) -> Key {
    let record: Organisation = chain.state.message(&keys::organisation("market")).unwrap();
    let mut all = record.keys.into_iter();
    all.find(|key| key.public_key == public(seed)).unwrap()
}

/// What a thief does with a stolen key: adds its own, and reports the owner's compromised since ever.
fn theft() -> (Chain, u64) {
    let mut chain = Chain::start();
    chain.commit(&[]);
    let stolen_ms = chain.context().time_ms;
    chain.run(MARKET, change_keys(&[THIEF.1], &[])).unwrap();
    let report = Action::ChangeKeys(ChangeKeys {
        compromised: vec![verdict(MARKET.1, 1)],
        ..ChangeKeys::default()
    });
    chain.run(THIEF, report).unwrap();
    (chain, stolen_ms)
}

#[test]
fn the_consortium_gives_an_organisation_its_keys_back() {
    let (mut chain, stolen_ms) = theft();
    let contested = key(&chain, MARKET.1);
    assert_eq!(contested.compromised_since_ms, 1);
    assert_eq!(contested.dispute, KeyDispute::Contested as i32);
    let settles = recovery(&[91], &[], &[(MARKET.1, stolen_ms), (THIEF.1, stolen_ms)]);
    chain.approve(&OTHERS, &settles);
    let height = chain.height;
    let owners = key(&chain, MARKET.1);
    assert_eq!(owners.compromised_since_ms, stolen_ms);
    assert_eq!(owners.dispute, KeyDispute::Settled as i32);
    let thiefs = key(&chain, THIEF.1);
    assert_eq!(
        (thiefs.valid_until_height, thiefs.compromised_since_ms),
        (height, stolen_ms)
    );
    let new = key(&chain, 91);
    assert_eq!(
        (new.valid_from_height, new.added_ms, new.dispute),
        (height + 1, 0, 0)
    );
    let refused = chain.check(&chain.sign(THIEF, change_keys(&[92], &[])));
    assert_eq!(refused.map_err(|r| r.code()), Err(202));
    // The owner acts again; its word counts for any date, and changes nothing of what is settled.
    let again = |since_ms| {
        Action::ChangeKeys(ChangeKeys {
            compromised: vec![verdict(MARKET.1, since_ms)],
            ..ChangeKeys::default()
        })
    };
    let refused = chain.check(&chain.sign(("market", 91), again(7)));
    assert_eq!(refused.map_err(|r| r.code()), Err(511));
    assert_eq!(chain.run(("market", 91), change_keys(&[92], &[])), Ok(()));
}

#[test]
fn a_false_report_is_dismissed() {
    let (mut chain, _) = theft();
    chain.approve(&OTHERS, &recovery(&[91], &[THIEF.1], &[(MARKET.1, 0)]));
    let owners = key(&chain, MARKET.1);
    assert_eq!(
        (owners.compromised_since_ms, owners.dispute),
        (0, KeyDispute::Settled as i32)
    );
    assert_ne!(owners.valid_until_height, 0, "a retired key stays retired");
    let again = Action::ChangeKeys(ChangeKeys {
        compromised: vec![verdict(MARKET.1, 7)],
        ..ChangeKeys::default()
    });
    let refused = chain.check(&chain.sign(("market", 91), again));
    assert_eq!(refused.map_err(|r| r.code()), Err(511), "it is settled");
    assert_eq!(key(&chain, THIEF.1).dispute, KeyDispute::Settled as i32);
}

#[test]
fn each_rule() {
    let (chain, _) = theft();
    let later_ms = chain.context().time_ms + 1;
    let unknown = change(
        1,
        Kind::RecoverKeys(RecoverKeys {
            organisation: "nobody".into(),
            add: vec![public(91).to_vec()],
            ..RecoverKeys::default()
        }),
    );
    let rows = [
        ("nothing", recovery(&[], &[], &[]), 504),
        ("unknown organisation", unknown, 200),
        (
            "retire a retired key",
            recovery(&[91], &[MARKET.1], &[]),
            502,
        ),
        (
            "another's key",
            recovery(&[91], &[], &[(CARRIER.1, 1)]),
            502,
        ),
        ("a key that is taken", recovery(&[CARRIER.1], &[], &[]), 501),
        (
            "in the future",
            recovery(&[], &[], &[(MARKET.1, later_ms)]),
            511,
        ),
        (
            "twice",
            recovery(&[], &[], &[(MARKET.1, 1), (MARKET.1, 2)]),
            511,
        ),
        ("no key left", recovery(&[], &[THIEF.1], &[]), 503),
    ];
    for (name, change, code) in rows {
        // From the first approval on.
        let refused = chain.check(&chain.sign(CARRIER, approve(&change)));
        assert_eq!(refused.map_err(|r| r.code()), Err(code), "{name}");
    }
    let refused = chain.check(&chain.sign(THIEF, approve(&recovery(&[], &[], &[(MARKET.1, 5)]))));
    assert_eq!(refused, Ok(()), "the thief has one voice, as the owner had");
    let length = recovery(&[91], &[], &[]);
    let Some(Kind::RecoverKeys(mut short)) = length.kind else {
        panic!("made so")
    };
    short.add[0].pop();
    let short = change(1, Kind::RecoverKeys(short));
    let refused = chain.check(&chain.sign(CARRIER, approve(&short)));
    assert!(
        matches!(refused, Err(Rejection::Malformed(_))),
        "{refused:?}"
    );
}
