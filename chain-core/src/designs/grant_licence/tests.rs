use touchstone_proto::ledger::LicenceEnd;
use touchstone_proto::ledger::transaction::Action;

use super::*;
use crate::designs::authorised::{self, Denial, SaleAnswer};
use crate::rejection::Rejection;
use crate::test_support::rights::{
    answer_right, designed, end_licence, end_right, grant, offer_right, sale, terms,
};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE};

fn refused(chain: &Chain, who: (&str, u8), action: Action) -> DesignRejection {
    match chain.check(&chain.sign(who, action)) {
        Err(Rejection::Design(rejection)) => rejection,
        other => panic!("not refused by a rule of designs: {other:?}"),
    }
}

fn deep(until_ms: u64, depth: u32) -> LicenceTerms {
    LicenceTerms {
        depth,
        ..terms(until_ms)
    }
}

/// Owner maker → market → carrier, to the same end.
fn sublicensed() -> (Chain, Hash, Hash, Hash) {
    let (mut chain, subject) = designed();
    let until_ms = chain.time_ms + 60_000;
    let first = grant(&subject, None, MARKET.0, deep(until_ms, 2));
    let first = chain.run_for_id(MAKER, first).unwrap();
    let second = grant(&subject, Some(&first), CARRIER.0, deep(until_ms, 1));
    let second = chain.run_for_id(MARKET, second).unwrap();
    (chain, subject, first, second)
}

#[test]
fn a_licence_is_recorded_with_what_it_stands_on() {
    let (chain, subject, first, second) = sublicensed();
    let record: Licence = chain.state.message(&keys::licence(&second)).unwrap();
    assert_eq!(
        (record.grantor.as_str(), record.licensee.as_str()),
        (MARKET.0, CARRIER.0)
    );
    assert_eq!(record.above, [first.to_vec()]);
    assert_eq!(
        record.terms.unwrap().from_ms,
        chain.time_ms,
        "from its block on"
    );
    let list: Authorisations = chain
        .state
        .message(&keys::authorisations(&subject, CARRIER.0))
        .unwrap();
    assert_eq!((list.licences.len(), list.told_from_ms), (1, 0));
    assert_eq!(
        (
            list.licences[0].licence.as_slice(),
            list.licences[0].ended_ms
        ),
        (&second[..], 0)
    );
}

#[test]
fn only_the_owner_and_licensees_that_may_grant() {
    let (chain, subject, first, second) = sublicensed();
    let until_ms = chain.time_ms + 9_000;
    let to_office =
        |parent: Option<&Hash>, depth| grant(&subject, parent, OFFICE.0, deep(until_ms, depth));
    let owner = DesignRejection::NotTheRightsOwner(MAKER.0.into());
    assert_eq!(refused(&chain, MARKET, to_office(None, 0)), owner);
    for who in [MAKER, CARRIER] {
        let party = DesignRejection::NotTheParty(MARKET.0.into());
        assert_eq!(refused(&chain, who, to_office(Some(&first), 0)), party);
    }
    assert_eq!(
        chain.check(&chain.sign(CARRIER, to_office(Some(&second), 0))),
        Ok(())
    );
    let deeper = refused(&chain, CARRIER, to_office(Some(&second), 1));
    assert_eq!(
        deeper,
        DesignRejection::BeyondParent("depth of sublicences")
    );
    for unknown in [[9; 32], subject] {
        let none = DesignRejection::UnknownLicence(unknown);
        assert_eq!(
            (
                none.code(),
                refused(&chain, MARKET, to_office(Some(&unknown), 0))
            ),
            (454, none)
        );
    }
    // A licence of another right.
    let mut other = chain.clone();
    other
        .run(MAKER, crate::test_support::vouched::deposit(2))
        .unwrap();
    let second = crate::designs::design::id(&crate::test_support::public(MAKER.1), &[2; 32]);
    let foreign = grant(&second, Some(&first), OFFICE.0, terms(until_ms));
    assert_eq!(
        refused(&other, MARKET, foreign),
        DesignRejection::UnknownLicence(first)
    );
}

#[test]
fn licensees_exist_and_classes_are_vouchers() {
    let (chain, subject) = designed();
    let until_ms = chain.time_ms + 9_000;
    for licensee in [MARKET.0, "market.*", "office.*"] {
        let action = grant(&subject, None, licensee, terms(until_ms));
        assert_eq!(
            chain.check(&chain.sign(MAKER, action)),
            Ok(()),
            "{licensee}"
        );
    }
    for licensee in [MAKER.0, "nobody", "nobody.*", "carrier.*", "market.lin", ""] {
        let none = DesignRejection::Licensee(licensee.into());
        let action = grant(&subject, None, licensee, terms(until_ms));
        assert_eq!((none.code(), refused(&chain, MAKER, action)), (453, none));
    }
    let passed_on = grant(&subject, None, "market.*", deep(until_ms, 1));
    assert_eq!(
        refused(&chain, MAKER, passed_on),
        DesignRejection::LicenceDepth
    );
}

/// Ending a licence takes the same few writes however many stand on it, and all of them end.
#[test]
fn nothing_stands_on_what_has_ended() {
    let (mut chain, subject, first, second) = sublicensed();
    let end = chain.sign(MAKER, end_licence(&first));
    let executed = chain.execute(std::slice::from_ref(&end));
    // The end, the licensee's list, the block's id, and whose transactions it has.
    assert_eq!(executed.writes.values.len(), 4);
    chain.commit(&[end]);
    let until_ms = chain.time_ms + 9_000;
    for (who, parent) in [(MARKET, first), (CARRIER, second)] {
        let ended = DesignRejection::LicenceEnded(parent);
        let action = grant(&subject, Some(&parent), OFFICE.0, terms(until_ms));
        assert_eq!((ended.code(), refused(&chain, who, action)), (455, ended));
    }
    let end: LicenceEnd = chain.state.message(&keys::licence_end(&first)).unwrap();
    assert_eq!(
        (end.time_ms, end.organisation.as_str()),
        (chain.time_ms, MAKER.0)
    );
    // Nor what ended in the same block.
    let (mut one_block, same, parent, _) = sublicensed();
    let sublicence = grant(&same, Some(&parent), OFFICE.0, terms(until_ms));
    let end = one_block.sign(MAKER, end_licence(&parent));
    let sublicence = one_block.sign(MARKET, sublicence);
    let executed = one_block.commit(&[end, sublicence]);
    assert_eq!(executed.applied.len(), 1, "{:?}", executed.applied);
    chain.run(MAKER, end_right(&subject)).unwrap();
    let (fresh, again, third, _) = sublicensed();
    let mut fresh = fresh;
    fresh.run(MAKER, end_right(&again)).unwrap();
    let action = grant(&again, Some(&third), OFFICE.0, terms(until_ms));
    assert_eq!(refused(&fresh, MARKET, action), DesignRejection::RightEnded);
}

#[test]
fn who_may_end_a_licence() {
    let (mut chain, subject, first, second) = sublicensed();
    let ends = |chain: &Chain, who, id| chain.check(&chain.sign(who, end_licence(id)));
    for (who, id, expected) in [
        (MAKER, &first, Ok(())),
        (MARKET, &first, Ok(())),
        (
            CARRIER,
            &first,
            Err(DesignRejection::NotTheParty(MAKER.0.into())),
        ),
        (MARKET, &second, Ok(())),
        (CARRIER, &second, Ok(())),
        (
            MAKER,
            &second,
            Err(DesignRejection::NotTheParty(MARKET.0.into())),
        ),
        (
            MAKER,
            &subject,
            Err(DesignRejection::UnknownLicence(subject)),
        ),
    ] {
        assert_eq!(ends(&chain, who, id), expected.map_err(Rejection::from));
    }
    // A new owner steps into the grants of the one before.
    let action = offer_right(&subject, OFFICE.0, chain.time_ms + 9_000);
    let offer = chain.run_for_id(MAKER, action).unwrap();
    let accepted = touchstone_proto::ledger::Outcome::Accepted;
    chain
        .run(OFFICE, answer_right(&subject, &offer, accepted))
        .unwrap();
    let former = DesignRejection::NotTheParty(OFFICE.0.into());
    assert_eq!(ends(&chain, MAKER, &first), Err(former.into()));
    chain.run(OFFICE, end_licence(&first)).unwrap();
    let twice = DesignRejection::LicenceEnded(first);
    assert_eq!(ends(&chain, OFFICE, &first), Err(twice.into()));
    for reason in ["", "not\npaid"] {
        let no_words = Action::EndLicence(touchstone_proto::ledger::EndLicence {
            licence: second.to_vec(),
            reason: reason.into(),
        });
        let shape = DesignRejection::ReasonShape;
        assert_eq!(refused(&chain, CARRIER, no_words), shape);
    }
    let until_ms = chain.time_ms + 60_000;
    while chain.time_ms < until_ms {
        chain.commit(&[]);
    }
    let over = DesignRejection::LicenceEnded(second);
    assert_eq!(ends(&chain, CARRIER, &second), Err(over.into()));
}

/// No two licences of one licensee hold for the same act, place and moment.
#[test]
fn licences_do_not_overlap() {
    let (mut chain, subject) = designed();
    let until_ms = chain.time_ms + 60_000;
    let first = chain
        .run_for_id(MAKER, grant(&subject, None, MARKET.0, terms(until_ms)))
        .unwrap();
    type Bend = fn(&mut LicenceTerms);
    let table: [(Bend, bool); 6] = [
        (|_| {}, false),
        (|t| t.territories = vec!["001".into()], false),
        (|t| t.acts = vec![2, 3], false),
        (|t| t.territories = vec!["JP".into()], true),
        (|t| t.acts = vec![1], true),
        (|t| t.until_ms += 60_000, false),
    ];
    for (n, (bend, may)) in table.into_iter().enumerate() {
        let mut other = terms(until_ms);
        bend(&mut other);
        let action = chain.sign(MAKER, grant(&subject, None, MARKET.0, other));
        let overlap = DesignRejection::LicenceOverlap(first);
        assert_eq!(overlap.code(), 457);
        let expected = if may { Ok(()) } else { Err(overlap.into()) };
        assert_eq!(chain.check(&action), expected, "row {n}");
    }
    let mut later = terms(until_ms + 60_000);
    later.from_ms = until_ms + 1;
    let after = grant(&subject, None, MARKET.0, later);
    assert_eq!(chain.check(&chain.sign(MAKER, after)), Ok(()));
    // Another licensee, and the same one once the first has ended.
    let other = grant(&subject, None, CARRIER.0, terms(until_ms));
    assert_eq!(chain.check(&chain.sign(MAKER, other)), Ok(()));
    chain.run(MAKER, end_licence(&first)).unwrap();
    let again = grant(&subject, None, MARKET.0, terms(until_ms));
    assert_eq!(chain.run(MAKER, again), Ok(()));
}

/// What ended with one above it doesn't stand in the way of a new licence.
#[test]
fn what_ended_above_does_not_overlap() {
    let (mut chain, subject, first, _) = sublicensed();
    let until_ms = chain.time_ms + 50_000;
    chain.run(MAKER, end_licence(&first)).unwrap();
    let ended_ms = chain.time_ms;
    let direct = grant(&subject, None, CARRIER.0, terms(until_ms));
    chain.run(MAKER, direct).unwrap();
    let list: Authorisations = chain
        .state
        .message(&keys::authorisations(&subject, CARRIER.0))
        .unwrap();
    let ends: Vec<u64> = list.licences.iter().map(|known| known.ended_ms).collect();
    assert_eq!(ends, [ended_ms, 0]);
}

#[test]
fn a_list_lets_go_of_what_is_over_and_says_so() {
    let (mut chain, subject) = designed();
    let in_country = |country: &str, until_ms| {
        let mut terms = terms(until_ms);
        terms.territories = vec![country.into()];
        grant(&subject, None, MARKET.0, terms)
    };
    let soon = chain.time_ms + 2_000;
    for country in ["AA", "BB", "CC", "DD"] {
        let until_ms = if country == "BB" { soon } else { soon + 90_000 };
        chain.run(MAKER, in_country(country, until_ms)).unwrap();
    }
    assert!(chain.time_ms > soon);
    chain.run(MAKER, in_country("EE", soon + 90_000)).unwrap();
    let list: Authorisations = chain
        .state
        .message(&keys::authorisations(&subject, MARKET.0))
        .unwrap();
    let places: Vec<_> = list
        .licences
        .iter()
        .map(|l| l.territories[0].as_str())
        .collect();
    assert_eq!(
        (places, list.told_from_ms),
        (vec!["AA", "CC", "DD", "EE"], soon + 1)
    );
    // What it let go of is untold up to its end, and told to be over from then on.
    let ask = |at_ms| {
        let mut question = sale(&subject, MARKET.0, at_ms);
        question.territory = "BB".into();
        authorised::answer(&chain.state, &question).unwrap()
    };
    let untold = SaleAnswer::Untold { from_ms: soon + 1 };
    assert_eq!(ask(soon), untold);
    let no = ask(soon + 1);
    assert!(
        matches!(&no, SaleAnswer::No(Denial::NoLicence(_))),
        "{no:?}"
    );
    let many = DesignRejection::TooManyLicences;
    assert_eq!(
        (
            many.code(),
            refused(&chain, MAKER, in_country("FF", soon + 90_000))
        ),
        (458, many)
    );
}
