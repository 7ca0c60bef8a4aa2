use super::*;
use crate::designs::DesignRejection;
use crate::encoding::Malformed;
use crate::rejection::Rejection;
use crate::test_support::{Chain, MAKER, MARKET, change_keys, public};
use touchstone_proto::ledger::transaction::Action;

fn deposit(commitment: &[u8]) -> Action {
    Action::DepositDesign(DepositDesign {
        commitment: commitment.to_vec(),
    })
}

#[test]
fn a_deposit_is_recorded_with_owner_place_and_time() {
    let mut chain = Chain::start();
    chain.commit(&[]);
    let envelope = chain.sign(MAKER, deposit(&[5; 32]));
    let id = *chain.verified(&envelope).unwrap().id();
    let executed = chain.commit(&[chain.sign(MARKET, deposit(&[6; 32])), envelope]);
    let key = keys::design(&design::id(&public(3), &[5; 32]));
    assert_eq!(
        chain.state.message::<Design>(&key),
        Some(Design {
            commitment: vec![5; 32],
            organisation: "maker".into(),
            owner_key: public(3).to_vec(),
            position: Some(touchstone_proto::ledger::Position {
                height: 2,
                transaction: 1,
                event: 0
            }),
            transaction_id: id.to_vec(),
            time_ms: executed.header.time_ms,
            disclosure: None,
            compared: 0,
            vouching: None,
            disposed: 0,
        })
    );
}

#[test]
fn a_commitment_has_32_bytes() {
    let chain = Chain::start();
    for length in [0, 31, 33] {
        let refused = chain.check(&chain.sign(MAKER, deposit(&vec![1; length])));
        let expected = Malformed::Length {
            field: "commitment",
            expected: 32,
            found: length,
        };
        assert_eq!(refused, Err(expected.into()));
    }
}

#[test]
fn the_first_deposit_counts() {
    let mut chain = Chain::start();
    chain.run(MAKER, deposit(&[5; 32])).unwrap();
    let id = design::id(&public(3), &[5; 32]);
    let again = chain.check(&chain.sign(MAKER, deposit(&[5; 32])));
    assert_eq!(
        again,
        Err(Rejection::Design(DesignRejection::AlreadyDeposited(id)))
    );
}

/// Somebody who copies a commitment from the network neither blocks its owner nor gains by it.
#[test]
fn a_copied_commitment_is_another_design() {
    let mut chain = Chain::start();
    chain.run(MARKET, deposit(&[5; 32])).unwrap();
    assert_eq!(chain.run(MAKER, deposit(&[5; 32])), Ok(()));
    // Another key of the same organisation owns another design too.
    chain.run(MAKER, change_keys(&[50], &[])).unwrap();
    assert_eq!(chain.run(("maker", 50), deposit(&[5; 32])), Ok(()));
    let ids = [1, 3, 50].map(|seed| design::id(&public(seed), &[5; 32]));
    for id in ids {
        assert!(chain.state.values.contains_key(&keys::design(&id)));
    }
}
