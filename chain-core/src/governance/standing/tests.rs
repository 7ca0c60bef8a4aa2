use touchstone_proto::ledger::Change;
use touchstone_proto::ledger::change::Kind;

use super::*;
use crate::test_support::{
    CARRIER, Chain, MAKER, MARKET, OFFICE, approve, capture, change, change_keys, genesis_document,
    item, object, put_validator, remove_validator,
};

const OTHERS: [(&str, u8); 3] = [MARKET, CARRIER, OFFICE];

fn put(sequence: u64, organisation: &str, standing: Standing) -> Change {
    change(
        sequence,
        Kind::PutStanding(PutStanding {
            organisation: organisation.into(),
            standing: standing as i32,
        }),
    )
}

fn code(chain: &Chain, who: (&str, u8), change: &Change) -> u32 {
    let refused = chain.check(&chain.sign(who, approve(change)));
    refused.map_err(|r| r.code()).err().unwrap_or_default()
}

fn record(chain: &Chain, id: &str) -> Organisation {
    chain.state.message(&keys::organisation(id)).unwrap()
}

#[test]
fn a_suspended_organisation_does_not_act_until_it_may_again() {
    let mut chain = Chain::start();
    let note = |n| capture(&[object(n, &[item(n)])]);
    chain.run(MAKER, note(1)).unwrap();
    chain.approve(&OTHERS, &put(1, "maker", Standing::Suspended));
    let height = chain.height;
    let suspended = GovernanceRejection::Suspended {
        organisation: "maker".into(),
        height,
    };
    for action in [note(2), change_keys(&[50], &[])] {
        let refused = chain.check(&chain.sign(MAKER, action));
        assert_eq!(refused, Err(suspended.clone().into()));
    }
    assert_eq!(
        code(&chain, MAKER, &put(1, "office", Standing::Suspended)),
        513
    );
    assert_eq!(record(&chain, "maker").standing_height, height);
    chain.approve(&OTHERS, &put(1, "maker", Standing::Unspecified));
    assert_eq!(chain.run(MAKER, note(2)), Ok(()));
    assert_eq!(record(&chain, "maker").standing_height, chain.height - 1);
}

#[test]
fn a_removed_organisation_never_acts_again_and_frees_its_prefixes() {
    let mut chain = Chain::start();
    let removed = put(1, "maker", Standing::Removed);
    chain.approve(&[MARKET, CARRIER], &removed);
    assert_eq!(code(&chain, OFFICE, &removed), 516, "its validator votes");
    chain.approve(&OTHERS, &remove_validator(1, 13));
    chain.approve(&[OFFICE], &removed);
    let after = record(&chain, "maker");
    assert!(after.peers.is_empty() && after.gs1_prefixes.is_empty());
    assert!(
        after
            .keys
            .iter()
            .all(|k| k.valid_until_height == chain.height)
    );
    let prefix = keys::company_prefix("9521321");
    assert_eq!(chain.state.values.get(&prefix), Some(&Vec::new()));
    let refused = chain.check(&chain.sign(MAKER, change_keys(&[50], &[])));
    let gone = GovernanceRejection::Removed("maker".into());
    assert_eq!(refused, Err(gone.into()));
    // Neither a vote nor new details bring it back.
    for change in [
        put(2, "maker", Standing::Unspecified),
        change(
            2,
            Kind::PutOrganisation(Organisation {
                keys: after.keys,
                ..with_role()
            }),
        ),
    ] {
        assert_eq!(code(&chain, MARKET, &change), 514, "{change:?}");
    }
    let validator = put_validator(3, 60, 1, "maker");
    chain.approve(&[MARKET, CARRIER], &validator);
    assert_eq!(code(&chain, OFFICE, &validator), 514);
}

fn with_role() -> Organisation {
    Organisation {
        id: "maker".into(),
        name: "The maker".into(),
        roles: vec![1],
        ..Organisation::default()
    }
}

#[test]
fn each_rule() {
    let mut chain = Chain::start();
    assert_eq!(
        code(&chain, MARKET, &put(1, "nobody", Standing::Suspended)),
        200
    );
    let unknown = change(
        1,
        Kind::PutStanding(PutStanding {
            organisation: "maker".into(),
            standing: 9,
        }),
    );
    for (n, nothing) in [(1, put(1, "maker", Standing::Unspecified)), (2, unknown)] {
        chain.approve(&[MARKET, CARRIER], &nothing);
        assert_eq!(code(&chain, OFFICE, &nothing), 504, "{n}");
    }
}

/// Two of four suspended would leave exactly half: nothing could be decided, their return neither.
#[test]
fn the_consortium_stays_able_to_decide() {
    let mut chain = Chain::start();
    chain.approve(&OTHERS, &put(1, "maker", Standing::Suspended));
    let second = put(1, "office", Standing::Suspended);
    chain.approve(&[MARKET, CARRIER], &second);
    assert_eq!(code(&chain, OFFICE, &second), 517);
    // So would fewer validators of those that may act, or more power of one that may not.
    let fewer = remove_validator(1, 14);
    chain.approve(&[MARKET, CARRIER], &fewer);
    assert_eq!(code(&chain, OFFICE, &fewer), 517);
    let mut document = genesis_document();
    document.organisations[0].nodes[0].power = Some(9);
    let mut chain = Chain::from(&document);
    let suspends = put(1, "market", Standing::Suspended);
    assert_eq!(code(&chain, MARKET, &suspends), 517);
    chain.approve(&[MARKET], &put_validator(1, 11, 1, "market"));
    chain.approve(&OTHERS[1..], &suspends);
    chain.approve(&[MAKER], &suspends);
    assert!(!may_act(&record(&chain, "market")));
}
