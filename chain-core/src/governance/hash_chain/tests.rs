use touchstone_proto::ledger::change::Kind;

use super::*;
use crate::rejection::Rejection;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, approve, change, public};

fn put_chain(sequence: u64, seed: u8, tip: Hash) -> touchstone_proto::ledger::Change {
    let validator = public(seed).to_vec();
    let tip = tip.to_vec();
    change(
        sequence,
        Kind::PutHashChain(PutHashChain { validator, tip }),
    )
}

#[test]
fn a_chain_gives_its_values_from_the_tip_down() {
    let secret = [7; 32];
    let mut known = tip(&secret, 5);
    for left in (0..5).rev() {
        let value = value_below(&secret, 5, &known).unwrap();
        assert_eq!((hash::sha256(&value), tip(&secret, left)), (known, value));
        known = value;
    }
    assert_eq!(value_below(&secret, 5, &known), None, "it is used up");
    assert_eq!(value_below(&[8; 32], 5, &tip(&secret, 5)), None);
    assert_eq!(value_below(&secret, 4, &tip(&secret, 5)), None);
}

#[test]
fn the_consortium_registers_a_validators_chain() {
    let mut chain = Chain::start();
    let first = put_chain(1, 11, [5; 32]);
    chain.approve(&[MARKET, CARRIER], &first);
    assert_eq!(
        hash_chain(&chain.state, &public(11)).unwrap(),
        None,
        "no 2/3 yet"
    );
    chain.approve(&[MAKER], &first);
    let known = hash_chain(&chain.state, &public(11)).unwrap().unwrap();
    assert_eq!((known.tip, known.revealed), (vec![5; 32], 0));
    let refused = |change| chain.check(&chain.sign(MARKET, approve(&change)));
    let again = refused(put_chain(2, 11, [5; 32]));
    assert_eq!(again, Err(GovernanceRejection::EmptyChange.into()));
    let stranger = refused(put_chain(2, 1, [6; 32]));
    let none = GovernanceRejection::UnknownValidator(public(1));
    assert_eq!(stranger, Err(none.into()));
    let mut short = put_chain(2, 12, [6; 32]);
    if let Some(Kind::PutHashChain(put)) = &mut short.kind {
        put.tip.pop();
    }
    assert!(matches!(refused(short), Err(Rejection::Malformed(_))));
}
