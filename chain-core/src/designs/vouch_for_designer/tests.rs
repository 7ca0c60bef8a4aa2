use touchstone_proto::ledger::transaction::Action;

use super::*;
use crate::governance::GovernanceRejection;
use crate::rejection::Rejection;
use crate::test_support::vouched::{LIN, vouch, vouch_again};
use crate::test_support::{CARRIER, Chain, MARKET, OFFICE, public};

fn check_by(chain: &Chain, who: (&str, u8), action: VouchForDesigner) -> Result<(), Rejection> {
    chain.check(&chain.sign(who, Action::VouchForDesigner(action)))
}

fn first(chain: &Chain) -> VouchForDesigner {
    vouch(&chain.id, LIN, chain.time_ms + 10_000)
}

#[test]
fn a_vouching_makes_the_designers_organisation() {
    let mut chain = Chain::start();
    let action = first(&chain);
    let until_ms = action.until_ms;
    let id = chain
        .run_for_id(MARKET, Action::VouchForDesigner(action))
        .unwrap();
    let record: Organisation = chain.state.message(&keys::organisation(LIN.0)).unwrap();
    assert_eq!(record.roles, [i32::from(Role::Designer)]);
    assert_eq!(record.keys, [organisation::new_key(&public(LIN.1), 1, 0)]);
    let owner = chain.state.values.get(&keys::key_owner(&public(LIN.1)));
    assert_eq!(owner.unwrap(), LIN.0.as_bytes());
    let vouching: Vouching = chain.state.message(&keys::vouching(LIN.0, 0)).unwrap();
    assert_eq!(
        (vouching.voucher.as_str(), vouching.designer.as_str()),
        (MARKET.0, LIN.0)
    );
    assert_eq!(
        (vouching.from_ms, vouching.until_ms),
        (chain.time_ms, until_ms)
    );
    assert_eq!(
        (vouching.transaction_id.as_slice(), vouching.withdrawn),
        (&id[..], None)
    );
    let voucher: Voucher = chain.state.message(&keys::voucher(MARKET.0)).unwrap();
    assert_eq!(voucher.designers, 1);
    // It is no member of the consortium's list, which each vouching would else rewrite.
    let members = organisation::enrolled(&chain.state).unwrap();
    assert!(!members.iter().any(|id| id == LIN.0));
}

#[test]
fn platforms_and_offices_vouch_below_their_own_id() {
    let chain = Chain::start();
    let by_office = vouch(&chain.id, ("office.lin", 61), chain.time_ms + 10_000);
    assert_eq!(check_by(&chain, OFFICE, by_office), Ok(()));
    let by_carrier = vouch(&chain.id, ("carrier.lin", 61), chain.time_ms + 10_000);
    let role = check_by(&chain, CARRIER, by_carrier);
    assert!(matches!(role, Err(Rejection::Role { .. })), "{role:?}");
    let foreign = vouch(&chain.id, ("office.lin", 61), chain.time_ms + 10_000);
    let id = DesignRejection::DesignerId("office.lin".into());
    assert_eq!(check_by(&chain, MARKET, foreign), Err(id.into()));
}

#[test]
fn a_term_ends_within_two_years() {
    let chain = Chain::start();
    let at = chain.context().time_ms;
    for (until_ms, expected) in [
        (at, Err(DesignRejection::VouchingTerm.into())),
        (at + 1, Ok(())),
        (at + MAX_VOUCHING_MS, Ok(())),
        (
            at + MAX_VOUCHING_MS + 1,
            Err(DesignRejection::VouchingTerm.into()),
        ),
        (0, Err(DesignRejection::VouchingTerm.into())),
    ] {
        assert_eq!(
            check_by(&chain, MARKET, vouch(&chain.id, LIN, until_ms)),
            expected
        );
    }
    assert_eq!(DesignRejection::VouchingTerm.code(), 432);
}

/// A voucher can't take a key whose holder doesn't know of it.
#[test]
fn the_keys_holder_wants_it() {
    let mut chain = Chain::start();
    let stolen = DesignRejection::NoPossession(public(LIN.1));
    assert_eq!(stolen.code(), 433);
    let good = first(&chain);
    let mut other_id = vouch(&chain.id, ("market.lim", 61), good.until_ms);
    other_id.designer.clone_from(&good.designer);
    let mut other_key = vouch(&chain.id, (LIN.0, 62), good.until_ms);
    other_key.public_key.clone_from(&good.public_key);
    let mut bent = good.clone();
    bent.possession[5] ^= 1;
    let mut other_chain = chain.clone();
    other_chain.id = [9; 32];
    let other_chain = vouch(&other_chain.id, LIN, good.until_ms);
    for action in [other_id, other_key, bent, other_chain] {
        assert_eq!(check_by(&chain, MARKET, action), Err(stolen.clone().into()));
    }
    let mut taken = vouch(&chain.id, (LIN.0, CARRIER.1), good.until_ms);
    let expected = GovernanceRejection::KeyTaken(public(CARRIER.1));
    assert_eq!(
        check_by(&chain, MARKET, taken.clone()),
        Err(expected.into())
    );
    taken.public_key.pop();
    assert!(matches!(
        check_by(&chain, MARKET, taken),
        Err(Rejection::Malformed(_))
    ));
    chain.run(MARKET, Action::VouchForDesigner(good)).unwrap();
}

/// A voucher that could add a key could dispose of the designer's designs.
#[test]
fn a_later_vouching_brings_no_key() {
    let mut chain = Chain::start();
    let action = first(&chain);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    let keys = DesignRejection::DesignerHasKeys(LIN.0.into());
    assert_eq!(keys.code(), 435);
    let with_key = vouch(&chain.id, (LIN.0, 62), chain.time_ms + 10_000);
    assert_eq!(
        check_by(&chain, MARKET, with_key.clone()),
        Err(keys.clone().into())
    );
    let proof_alone = VouchForDesigner {
        public_key: Vec::new(),
        ..with_key
    };
    assert_eq!(check_by(&chain, MARKET, proof_alone), Err(keys.into()));
    let again = vouch_again(&chain.id, LIN, chain.time_ms + 10_000);
    assert_eq!(check_by(&chain, MARKET, again), Ok(()));
}

/// Without governance, and with as many writes for the last designer as for the first.
#[test]
fn a_million_designers_take_the_same_few_writes_each() {
    let mut chain = Chain::start();
    let writes = |chain: &Chain, designer| {
        let action = vouch(&chain.id, designer, chain.time_ms + 10_000);
        let executed = chain.execute(&[chain.sign(MARKET, Action::VouchForDesigner(action))]);
        executed.writes.values.len()
    };
    // Organisation, key, count, vouching, its number; the block's id, and whose transactions it has.
    assert_eq!(writes(&chain, LIN), 7);
    let many = |designers| touchstone_proto::ledger::Voucher {
        designers,
        ..Default::default()
    };
    let set = |chain: &mut Chain, designers| {
        let value = prost::Message::encode_to_vec(&many(designers));
        chain.state.values.insert(keys::voucher(MARKET.0), value);
    };
    set(&mut chain, MAX_DESIGNERS - 1);
    assert_eq!(writes(&chain, LIN), 7);
    set(&mut chain, MAX_DESIGNERS);
    let limit = DesignRejection::TooManyDesigners(MAX_DESIGNERS);
    let action = first(&chain);
    assert_eq!(
        (limit.code(), check_by(&chain, MARKET, action)),
        (434, Err(limit.into()))
    );
}
