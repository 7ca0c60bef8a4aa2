use touchstone_proto::ledger::Vouching;
use touchstone_proto::ledger::transaction::Action;

use super::*;
use crate::test_support::vouched::{LIN, vouch, withdraw};
use crate::test_support::{Chain, MARKET, OFFICE};

#[test]
fn the_voucher_withdraws_once_with_a_reason() {
    let mut chain = Chain::start();
    let never = DesignRejection::NeverVouched(LIN.0.into());
    let refused = |chain: &Chain, who, action| chain.check(&chain.sign(who, action));
    let early = refused(&chain, MARKET, withdraw(LIN.0, "x"));
    assert_eq!((never.code(), early), (436, Err(never.into())));
    let action = vouch(&chain.id, LIN, chain.time_ms + 10_000);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    let foreign = DesignRejection::DesignerId(LIN.0.into());
    for who in [OFFICE, LIN] {
        assert_eq!(
            refused(&chain, who, withdraw(LIN.0, "x")),
            Err(foreign.clone().into())
        );
    }
    for reason in ["", "\u{1b}[2J"] {
        let shape = DesignRejection::VouchingShape;
        assert_eq!(
            refused(&chain, MARKET, withdraw(LIN.0, reason)),
            Err(shape.into())
        );
    }
    chain
        .run(MARKET, withdraw(LIN.0, "a false passport"))
        .unwrap();
    let record: Vouching = chain.state.message(&keys::vouching(LIN.0, 0)).unwrap();
    let withdrawn = record.withdrawn.unwrap();
    assert_eq!(
        (withdrawn.time_ms, withdrawn.reason.as_str()),
        (chain.time_ms, "a false passport")
    );
    let twice = DesignRejection::VouchingWithdrawn(MARKET.0.into());
    assert_eq!(
        refused(&chain, MARKET, withdraw(LIN.0, "x")),
        Err(twice.into())
    );
}
