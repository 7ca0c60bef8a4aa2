use touchstone_proto::ledger::transaction::Action;

use super::*;
use crate::designs::authorised::{Denial, SaleAnswer, answer};
use crate::hash::Hash;
use crate::rejection::Rejection;
use crate::test_support::rights::{end_licence, end_right, grant, offer_right, sale, terms};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE};

fn attest(owner: &str, until_ms: u64) -> Action {
    Action::AttestMark(AttestMark {
        number: "CN-1234".into(),
        name: "Cloud".into(),
        owner: owner.into(),
        classes: 1 << 24,
        until_ms,
    })
}

/// The office attests that the maker owns a mark for a minute.
fn attested() -> (Chain, Hash) {
    let mut chain = Chain::start();
    let action = attest(MAKER.0, chain.time_ms + 60_000);
    chain.run(OFFICE, action).unwrap();
    (chain, mark::id(OFFICE.0, "CN-1234"))
}

fn refused(chain: &Chain, who: (&str, u8), action: Action) -> DesignRejection {
    match chain.check(&chain.sign(who, action)) {
        Err(Rejection::Design(rejection)) => rejection,
        other => panic!("not refused by a rule of designs: {other:?}"),
    }
}

fn asked(chain: &Chain, subject: &Hash, seller: &str, at_ms: u64) -> SaleAnswer {
    answer(&chain.state, &sale(subject, seller, at_ms)).unwrap()
}

fn may(chain: &Chain, subject: &Hash, seller: &str, at_ms: u64) -> bool {
    matches!(
        asked(chain, subject, seller, at_ms),
        SaleAnswer::Owner | SaleAnswer::Licensed(_)
    )
}

#[test]
fn a_mark_is_licensed_as_a_design_is() {
    let (mut chain, subject) = attested();
    let record: Mark = chain.state.message(&keys::mark(&subject)).unwrap();
    assert_eq!(
        (record.office.as_str(), record.name.as_str(), record.classes),
        (OFFICE.0, "Cloud", 1 << 24)
    );
    let mut first = terms(chain.time_ms + 90_000);
    first.depth = 1;
    let first = chain
        .run_for_id(MAKER, grant(&subject, None, MARKET.0, first))
        .unwrap();
    let second = grant(
        &subject,
        Some(&first),
        CARRIER.0,
        terms(chain.time_ms + 80_000),
    );
    chain.run(MARKET, second).unwrap();
    let now_ms = chain.time_ms;
    for seller in [MAKER.0, MARKET.0, CARRIER.0] {
        assert!(may(&chain, &subject, seller, now_ms), "{seller}");
    }
    assert!(!may(&chain, &subject, OFFICE.0, now_ms));
    chain.run(MAKER, end_licence(&first)).unwrap();
    assert!(!may(&chain, &subject, CARRIER.0, chain.time_ms));
}

/// With the registration's term ends what stands on it; renewed in time, it goes on without a gap.
#[test]
fn a_mark_ends_with_its_term_and_is_renewed() {
    let (mut chain, subject) = attested();
    let licence = grant(&subject, None, MARKET.0, terms(chain.time_ms + 900_000));
    chain.run(MAKER, licence).unwrap();
    let until_ms = chain
        .state
        .message::<Right>(&keys::right(&subject))
        .unwrap()
        .until_ms;
    assert!(may(&chain, &subject, MARKET.0, until_ms));
    let ended = SaleAnswer::No(Denial::RightEnded(until_ms + 1));
    for seller in [MARKET.0, MAKER.0] {
        assert_eq!(asked(&chain, &subject, seller, until_ms + 1), ended);
    }
    let mut renewed = chain.clone();
    let began_ms = renewed.time_ms;
    let action = attest(MAKER.0, began_ms + 120_000);
    renewed.run(OFFICE, action).unwrap();
    assert!(may(&renewed, &subject, MARKET.0, until_ms + 1));
    assert!(may(&renewed, &subject, MARKET.0, began_ms));
    // In its last moment it is renewed in time.
    let mut last = chain.clone();
    last.time_ms = until_ms - 1000;
    last.run(OFFICE, attest(MAKER.0, until_ms + 60_000))
        .unwrap();
    assert_eq!(last.time_ms, until_ms);
    assert!(may(&last, &subject, MARKET.0, until_ms));
    assert!(may(&last, &subject, MAKER.0, began_ms));
    // Renewed too late: it begins anew, and what was said of the past isn't said otherwise.
    while chain.time_ms <= until_ms {
        chain.commit(&[]);
    }
    let over = DesignRejection::RightEnded;
    let another = grant(&subject, None, CARRIER.0, terms(chain.time_ms + 9_000));
    assert_eq!(refused(&chain, MAKER, another), over);
    let action = attest(MAKER.0, chain.time_ms + 60_000);
    chain.run(OFFICE, action).unwrap();
    let from_ms = chain.time_ms;
    assert!(may(&chain, &subject, MAKER.0, from_ms));
    let untold = SaleAnswer::Untold { from_ms };
    assert_eq!(asked(&chain, &subject, MAKER.0, from_ms - 1), untold);
}

/// Who owns it and whether it stands, the register says.
#[test]
fn only_its_office_changes_a_mark() {
    let (mut chain, subject) = attested();
    let of_mark = DesignRejection::OfMark(OFFICE.0.into());
    assert_eq!(of_mark.code(), 462);
    let offer = offer_right(&subject, MARKET.0, chain.time_ms + 9_000);
    assert_eq!(refused(&chain, MAKER, offer), of_mark);
    for who in [MAKER, MARKET] {
        assert_eq!(refused(&chain, who, end_right(&subject)), of_mark);
    }
    let role = chain.check(&chain.sign(MARKET, attest(MAKER.0, chain.time_ms + 9_000)));
    assert!(matches!(role, Err(Rejection::Role { .. })), "{role:?}");
    let to_market = attest(MARKET.0, chain.time_ms + 60_000);
    chain.run(OFFICE, to_market).unwrap();
    let now_ms = chain.time_ms;
    assert!(may(&chain, &subject, MARKET.0, now_ms) && !may(&chain, &subject, MAKER.0, now_ms));
    assert!(may(&chain, &subject, MAKER.0, now_ms - 1));
    chain.run(OFFICE, end_right(&subject)).unwrap();
    let struck_ms = chain.time_ms;
    assert!(!may(&chain, &subject, MARKET.0, struck_ms));
    assert!(may(&chain, &subject, MARKET.0, struck_ms - 1));
    assert_eq!(
        refused(&chain, OFFICE, end_right(&subject)),
        DesignRejection::RightEnded
    );
    // Attested again after that it begins anew, though its term wasn't over.
    let again = attest(MARKET.0, chain.time_ms + 60_000);
    chain.run(OFFICE, again).unwrap();
    let from_ms = chain.time_ms;
    assert!(may(&chain, &subject, MARKET.0, from_ms));
    let untold = SaleAnswer::Untold { from_ms };
    assert_eq!(asked(&chain, &subject, MARKET.0, from_ms - 1), untold);
}

#[test]
fn terms_and_owners_are_checked() {
    let chain = Chain::start();
    let now_ms = chain.context().time_ms;
    let term = DesignRejection::MarkTerm;
    assert_eq!(term.code(), 461);
    for (owner, until_ms, expected) in [
        (MAKER.0, now_ms + 1, Ok(())),
        (MAKER.0, now_ms + MAX_MARK_MS, Ok(())),
        (MAKER.0, now_ms, Err(term.clone())),
        (MAKER.0, now_ms + MAX_MARK_MS + 1, Err(term)),
        (
            "nobody",
            now_ms + 1,
            Err(DesignRejection::TransferTo("nobody".into())),
        ),
    ] {
        let found = chain.check(&chain.sign(OFFICE, attest(owner, until_ms)));
        assert_eq!(found, expected.map_err(Rejection::from));
    }
    let nameless = Action::AttestMark(AttestMark {
        number: "CN-1234".into(),
        owner: MAKER.0.into(),
        classes: 1,
        until_ms: now_ms + 1,
        ..AttestMark::default()
    });
    assert_eq!(
        refused(&chain, OFFICE, nameless),
        DesignRejection::MarkShape
    );
}
