use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{Design, PutStanding, Role, Standing};

use super::*;
use crate::designs::design;
use crate::rejection::Rejection;
use crate::test_support::vouched::{LIN, deposit, vouch, vouch_again, withdraw};
use crate::test_support::{
    CARRIER, Chain, MAKER, MARKET, OFFICE, capture, change, change_keys, item, object, public,
};

/// Lin is vouched for up to ten seconds from now; a block takes one.
fn chain() -> Chain {
    let mut chain = Chain::start();
    let action = vouch(&chain.id, LIN, chain.time_ms + 10_000);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    chain
}

fn refused(chain: &Chain, action: Action) -> DesignRejection {
    match chain.check(&chain.sign(LIN, action)) {
        Err(Rejection::Design(rejection)) => rejection,
        other => panic!("not refused by a rule of designs: {other:?}"),
    }
}

fn deposited(chain: &Chain, (_, seed): (&str, u8), byte: u8) -> Design {
    let id = design::id(&public(seed), &[byte; 32]);
    chain.state.message(&keys::design(&id)).unwrap()
}

#[test]
fn a_vouched_designer_deposits_and_an_enrolled_one_needs_nobody() {
    let mut chain = chain();
    chain.run(LIN, deposit(1)).unwrap();
    let design = deposited(&chain, LIN, 1);
    assert_eq!(
        (design.organisation.as_str(), design.vouching),
        (LIN.0, Some(0))
    );
    chain.run(MAKER, deposit(2)).unwrap();
    assert_eq!(deposited(&chain, MAKER, 2).vouching, None);
}

#[test]
fn the_last_moment_of_the_term_is_inside() {
    let mut chain = chain();
    while chain.context().time_ms < chain_end(&chain) {
        chain.commit(&[]);
    }
    assert_eq!(chain.context().time_ms, chain_end(&chain));
    assert_eq!(chain.check(&chain.sign(LIN, deposit(1))), Ok(()));
    chain.commit(&[]);
    let ended = DesignRejection::VouchingEnded {
        voucher: MARKET.0.into(),
        until_ms: chain_end(&chain),
    };
    assert_eq!(ended.code(), 438);
    assert_eq!(refused(&chain, deposit(1)), ended);
    // A new term, without a new key.
    let again = vouch_again(&chain.id, LIN, chain.time_ms + 10_000);
    chain.run(MARKET, Action::VouchForDesigner(again)).unwrap();
    chain.run(LIN, deposit(1)).unwrap();
    assert_eq!(deposited(&chain, LIN, 1).vouching, Some(1));
}

fn chain_end(chain: &Chain) -> u64 {
    let first: Vouching = chain.state.message(&keys::vouching(LIN.0, 0)).unwrap();
    first.until_ms
}

#[test]
fn after_a_withdrawal_there_is_no_deposit_and_the_earlier_ones_stay() {
    let mut chain = chain();
    chain.run(LIN, deposit(1)).unwrap();
    let before = deposited(&chain, LIN, 1);
    chain
        .run(MARKET, withdraw(LIN.0, "it was a false passport"))
        .unwrap();
    let withdrawn = DesignRejection::VouchingWithdrawn(MARKET.0.into());
    assert_eq!(
        (withdrawn.code(), refused(&chain, deposit(2))),
        (437, withdrawn)
    );
    assert_eq!(deposited(&chain, LIN, 1), before);
    // Its keys stay its own affair.
    chain.run(LIN, change_keys(&[62], &[])).unwrap();
    let again = vouch_again(&chain.id, LIN, chain.time_ms + 10_000);
    chain.run(MARKET, Action::VouchForDesigner(again)).unwrap();
    assert_eq!(chain.run((LIN.0, 62), deposit(2)), Ok(()));
}

/// The span without a gap, as the record of the designer tells it.
#[test]
fn a_designers_record_tells_since_when_it_is_vouched_for() {
    let mut chain = chain();
    let span = |chain: &Chain| {
        let record: VouchedDesigner = chain.state.message(&keys::vouched_designer(LIN.0)).unwrap();
        (record.from_ms, record.until_ms)
    };
    let began = chain.time_ms;
    assert_eq!(span(&chain), (began, chain_end(&chain)));
    let again = vouch_again(&chain.id, LIN, chain.time_ms + 3000);
    chain.run(MARKET, Action::VouchForDesigner(again)).unwrap();
    assert_eq!(
        span(&chain),
        (began, began + 3000),
        "no gap, a shorter term"
    );
    chain.run(MARKET, withdraw(LIN.0, "moved away")).unwrap();
    assert_eq!(span(&chain), (began, began + 1999));
    chain.commit(&[]);
    let again = vouch_again(&chain.id, LIN, chain.time_ms + 9000);
    chain.run(MARKET, Action::VouchForDesigner(again)).unwrap();
    assert_eq!(span(&chain), (began + 4000, began + 12_000), "after a gap");
}

/// While a voucher lacks its role, none of its designers deposits; with the role their right comes back.
#[test]
fn who_is_no_voucher_any_more_has_no_say() {
    let mut chain = chain();
    let mut market: Organisation = chain.state.message(&keys::organisation(MARKET.0)).unwrap();
    let roles = std::mem::replace(&mut market.roles, vec![Role::Logistics.into()]);
    let governors = [CARRIER, MAKER, OFFICE];
    chain.approve(
        &governors,
        &change(1, Kind::PutOrganisation(market.clone())),
    );
    let none = DesignRejection::NoVoucher(MARKET.0.into());
    assert_eq!((none.code(), refused(&chain, deposit(1))), (439, none));
    market.roles = roles;
    chain.approve(&governors, &change(2, Kind::PutOrganisation(market)));
    assert_eq!(chain.run(LIN, deposit(1)), Ok(()));
}

/// The consortium suspends a voucher: none of its designers deposits until it may act again.
#[test]
fn who_is_suspended_has_no_say() {
    let mut chain = chain();
    let governors = [CARRIER, MAKER, OFFICE];
    let put = |sequence, standing: Standing| {
        let put = PutStanding {
            organisation: MARKET.0.into(),
            standing: standing.into(),
        };
        change(sequence, Kind::PutStanding(put))
    };
    chain.approve(&governors, &put(1, Standing::Suspended));
    let none = DesignRejection::NoVoucher(MARKET.0.into());
    assert_eq!(refused(&chain, deposit(1)), none);
    chain.approve(&governors, &put(2, Standing::Unspecified));
    assert_eq!(chain.run(LIN, deposit(1)), Ok(()));
}

/// A vouched designer has the role of a designer, and nothing else is open to it.
#[test]
fn a_vouched_designer_does_what_designers_do() {
    let chain = chain();
    for action in [
        capture(&[object(1, &[item(1)])]),
        Action::VouchForDesigner(vouch(
            &chain.id,
            ("market.lin.two", 63),
            chain.time_ms + 9_000,
        )),
    ] {
        let refused = chain.check(&chain.sign(LIN, action));
        assert!(refused.is_err(), "{refused:?}");
    }
}

#[test]
fn ids_say_who_vouches() {
    assert_eq!(voucher_of("market.lin"), Some("market"));
    assert_eq!(voucher_of("market"), None);
    for good in ["market.lin", "market.lin-2"] {
        assert_eq!(check_id("market", good), Ok(()));
    }
    for bad in [
        "market",
        "market.",
        "market.l",
        "market.Lin",
        "market.lin.x",
        "marketlin",
        "office.lin",
        ".lin",
    ] {
        let refused = DesignRejection::DesignerId(bad.into());
        assert_eq!(
            (refused.code(), check_id("market", bad)),
            (430, Err(refused))
        );
    }
}

#[test]
fn words_are_short_and_say_how_it_was_checked() {
    let other = IdentityCheck::Other;
    let longest = "x".repeat(MAX_WORDS_BYTES);
    let name = "x".repeat(MAX_NAME_BYTES);
    for (name, check, words) in [
        ("Lin", IdentityCheck::Remote, ""),
        ("Lin", other, "by a notary"),
        (&name, other, &longest),
    ] {
        assert_eq!(check_words(name, check, words), Ok(()));
    }
    for (name, check, words) in [
        ("", other, "x"),
        (&format!("{name}x"), other, "x"),
        ("L\nin", other, "x"),
        ("Lin", IdentityCheck::Unspecified, "x"),
        ("Lin", other, ""),
        ("Lin", other, &format!("{longest}x")),
        ("Lin", other, "\u{7}"),
    ] {
        let refused = DesignRejection::VouchingShape;
        assert_eq!(
            (refused.code(), check_words(name, check, words)),
            (431, Err(refused))
        );
    }
}
