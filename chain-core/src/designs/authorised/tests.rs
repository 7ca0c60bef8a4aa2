mod model;

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{LicenceTerms, Outcome, PutStanding, Standing, Voucher};

use super::*;
use crate::designs::limits::MAX_OWNERS;
use crate::governance::voucher::MAX_RESTS;
use crate::test_support::rights::{
    answer_right, designed, end_licence, end_right, grant, offer_right, sale, terms,
};
use crate::test_support::vouched::{LIN, vouch, withdraw};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, change};

fn asked(chain: &Chain, question: &SaleQuestion) -> SaleAnswer {
    answer(&chain.state, question).unwrap()
}

/// Whether it is yes, and under which licence; or in short why not.
fn said(chain: &Chain, question: &SaleQuestion) -> Result<Option<Hash>, Vec<Shortfall>> {
    match asked(chain, question) {
        SaleAnswer::Owner => Ok(None),
        SaleAnswer::Licensed(held) => Ok(Some(held.licence.licence.try_into().unwrap())),
        SaleAnswer::No(Denial::NoLicence(short)) => {
            Err(short.into_iter().map(|(_, why)| why).collect())
        }
        other => panic!("{other:?}"),
    }
}

fn deep(until_ms: u64, depth: u32) -> LicenceTerms {
    LicenceTerms {
        depth,
        ..terms(until_ms)
    }
}

#[test]
fn the_owner_may_and_a_stranger_may_not() {
    let (mut chain, subject) = designed();
    let deposited = chain.time_ms;
    assert_eq!(
        asked(&chain, &sale(&subject, MAKER.0, deposited)),
        SaleAnswer::Owner
    );
    assert_eq!(
        said(&chain, &sale(&subject, MARKET.0, deposited)),
        Err(vec![])
    );
    let early = asked(&chain, &sale(&subject, MAKER.0, deposited - 1));
    assert_eq!(early, SaleAnswer::No(Denial::NotYet));
    let none = asked(&chain, &sale(&[9; 32], MAKER.0, deposited));
    assert_eq!(none, SaleAnswer::No(Denial::NoDesign));
    // The same once there is a record of the right.
    let licence = grant(&subject, None, CARRIER.0, terms(deposited + 9_000));
    chain.run(MAKER, licence).unwrap();
    assert_eq!(
        asked(&chain, &sale(&subject, MAKER.0, deposited)),
        SaleAnswer::Owner
    );
    assert_eq!(
        said(&chain, &sale(&subject, MARKET.0, deposited)),
        Err(vec![])
    );
}

#[test]
fn a_licence_holds_for_its_acts_places_and_term() {
    let (mut chain, subject) = designed();
    let until_ms = chain.time_ms + 9_000;
    let action = grant(&subject, None, MARKET.0, terms(until_ms));
    let id = chain.run_for_id(MAKER, action).unwrap();
    let from_ms = chain.time_ms;
    for at_ms in [from_ms, until_ms] {
        assert_eq!(said(&chain, &sale(&subject, MARKET.0, at_ms)), Ok(Some(id)));
    }
    let short = |bend: fn(&mut SaleQuestion)| {
        let mut question = sale(&subject, MARKET.0, from_ms);
        bend(&mut question);
        said(&chain, &question).unwrap_err()
    };
    assert_eq!(short(|q| q.act = LicensedAct::Make), [Shortfall::Act]);
    assert_eq!(short(|q| q.territory = "JP".into()), [Shortfall::Territory]);
    assert_eq!(short(|q| q.at_ms -= 1), [Shortfall::NotYet]);
    assert_eq!(short(|q| q.at_ms += 8_001), [Shortfall::Over]);
    assert_eq!(short(|q| q.seller = CARRIER.0.into()), []);
    chain.run(MAKER, end_licence(&id)).unwrap();
    let ended_ms = chain.time_ms;
    assert_eq!(
        said(&chain, &sale(&subject, MARKET.0, ended_ms - 1)),
        Ok(Some(id))
    );
    let after = said(&chain, &sale(&subject, MARKET.0, ended_ms));
    assert_eq!(after, Err(vec![Shortfall::Ended(ended_ms)]));
}

/// Any of those above ends it, at its time, without a write for it.
#[test]
fn the_walk_to_the_root_asks_each() {
    for ends in 0..3 {
        let (mut chain, subject) = designed();
        let until_ms = chain.time_ms + 90_000;
        let action = grant(&subject, None, MARKET.0, deep(until_ms, 3));
        let first = chain.run_for_id(MAKER, action).unwrap();
        let action = grant(&subject, Some(&first), CARRIER.0, deep(until_ms, 2));
        let second = chain.run_for_id(MARKET, action).unwrap();
        let action = grant(&subject, Some(&second), OFFICE.0, deep(until_ms, 1));
        let third = chain.run_for_id(CARRIER, action).unwrap();
        let action = grant(&subject, Some(&third), "market.*", terms(until_ms));
        let fourth = chain.run_for_id(OFFICE, action).unwrap();
        let action = Action::VouchForDesigner(vouch(&chain.id, LIN, until_ms));
        chain.run(MARKET, action).unwrap();
        let at_ms = chain.time_ms;
        assert_eq!(
            said(&chain, &sale(&subject, LIN.0, at_ms)),
            Ok(Some(fourth))
        );
        let (who, id) = [(MAKER, first), (MARKET, second), (CARRIER, third)][ends];
        chain.run(who, end_licence(&id)).unwrap();
        let ended_ms = chain.time_ms;
        assert_eq!(
            said(&chain, &sale(&subject, LIN.0, ended_ms - 1)),
            Ok(Some(fourth))
        );
        let after = said(&chain, &sale(&subject, LIN.0, ended_ms));
        assert_eq!(after, Err(vec![Shortfall::EndedAbove(ended_ms)]));
    }
}

#[test]
fn a_class_holds_who_is_vouched_for_at_that_time() {
    let (mut chain, subject) = designed();
    let until_ms = chain.time_ms + 90_000;
    let action = grant(&subject, None, "market.*", terms(until_ms));
    let id = chain.run_for_id(MAKER, action).unwrap();
    let before_ms = chain.time_ms;
    assert_eq!(
        said(&chain, &sale(&subject, LIN.0, before_ms)),
        Err(vec![Shortfall::Class])
    );
    let action = vouch(&chain.id, LIN, chain.time_ms + 9_000);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    let from_ms = chain.time_ms;
    let untold = asked(&chain, &sale(&subject, LIN.0, before_ms));
    assert_eq!(untold, SaleAnswer::Untold { from_ms });
    assert_eq!(said(&chain, &sale(&subject, LIN.0, from_ms)), Ok(Some(id)));
    assert_eq!(
        said(&chain, &sale(&subject, LIN.0, from_ms + 8_001)),
        Err(vec![Shortfall::Class])
    );
    assert_eq!(
        said(&chain, &sale(&subject, MARKET.0, from_ms)),
        Err(vec![]),
        "not the voucher itself"
    );
    chain.run(MARKET, withdraw(LIN.0, "sold copies")).unwrap();
    let at_ms = chain.time_ms;
    assert_eq!(
        said(&chain, &sale(&subject, LIN.0, at_ms - 1)),
        Ok(Some(id))
    );
    assert_eq!(
        said(&chain, &sale(&subject, LIN.0, at_ms)),
        Err(vec![Shortfall::Class])
    );
}

/// While its voucher is suspended a class is empty, and what was said of the time before doesn't change.
#[test]
fn the_class_of_a_suspended_voucher_is_empty_for_that_time() {
    let (mut chain, subject) = designed();
    let until_ms = chain.time_ms + 900_000;
    let action = grant(&subject, None, "market.*", terms(until_ms));
    let id = chain.run_for_id(MAKER, action).unwrap();
    let action = vouch(&chain.id, LIN, until_ms);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    let before_ms = chain.time_ms;
    let stand = |chain: &mut Chain, sequence, standing: Standing| {
        let put = PutStanding {
            organisation: MARKET.0.into(),
            standing: standing.into(),
        };
        let change = change(sequence, Kind::PutStanding(put));
        chain.approve(&[CARRIER, MAKER, OFFICE], &change);
        chain.time_ms
    };
    let suspended_ms = stand(&mut chain, 1, Standing::Suspended);
    let empty = Err(vec![Shortfall::ClassRests]);
    for at_ms in [suspended_ms, suspended_ms + 500_000] {
        assert_eq!(said(&chain, &sale(&subject, LIN.0, at_ms)), empty);
    }
    let earlier = sale(&subject, LIN.0, before_ms);
    assert_eq!(said(&chain, &earlier), Ok(Some(id)));
    let back_ms = stand(&mut chain, 2, Standing::Unspecified);
    for (at_ms, expected) in [
        (before_ms, Ok(Some(id))),
        (suspended_ms, empty.clone()),
        (back_ms - 1, empty.clone()),
        (back_ms, Ok(Some(id))),
    ] {
        assert_eq!(said(&chain, &sale(&subject, LIN.0, at_ms)), expected);
    }
    // A licence of the designer's own is no class's, and stands.
    let own = grant(&subject, None, LIN.0, terms(until_ms));
    let own = chain.run_for_id(MAKER, own).unwrap();
    let suspended_ms = stand(&mut chain, 3, Standing::Suspended);
    let asked_now = sale(&subject, LIN.0, suspended_ms);
    assert_eq!(said(&chain, &asked_now), Ok(Some(own)));
    // Of many times the record names the last ones, and says since when.
    for n in 0..=MAX_RESTS as u64 {
        stand(&mut chain, 4 + 2 * n, Standing::Unspecified);
        stand(&mut chain, 5 + 2 * n, Standing::Suspended);
    }
    let record: Voucher = chain.state.message(&keys::voucher(MARKET.0)).unwrap();
    let from_ms = record.told_from_ms;
    let untold = SaleAnswer::Untold { from_ms };
    assert!(from_ms > back_ms);
    assert_eq!(asked(&chain, &earlier), untold);
}

/// A licence outlives the transfer of the right, and ends with the right.
#[test]
fn what_becomes_of_the_right_becomes_of_its_licences() {
    let (mut chain, subject) = designed();
    let until_ms = chain.time_ms + 90_000;
    let action = grant(&subject, None, MARKET.0, terms(until_ms));
    let id = chain.run_for_id(MAKER, action).unwrap();
    let action = offer_right(&subject, OFFICE.0, chain.time_ms + 9_000);
    let offer = chain.run_for_id(MAKER, action).unwrap();
    chain
        .run(OFFICE, answer_right(&subject, &offer, Outcome::Accepted))
        .unwrap();
    let accepted_ms = chain.time_ms;
    assert_eq!(
        said(&chain, &sale(&subject, MARKET.0, accepted_ms)),
        Ok(Some(id))
    );
    assert_eq!(
        said(&chain, &sale(&subject, MAKER.0, accepted_ms - 1)),
        Ok(None)
    );
    assert_eq!(
        said(&chain, &sale(&subject, MAKER.0, accepted_ms)),
        Err(vec![])
    );
    assert_eq!(
        said(&chain, &sale(&subject, OFFICE.0, accepted_ms)),
        Ok(None)
    );
    chain.run(OFFICE, end_right(&subject)).unwrap();
    let ended_ms = chain.time_ms;
    assert_eq!(
        said(&chain, &sale(&subject, MARKET.0, ended_ms - 1)),
        Ok(Some(id))
    );
    for seller in [MARKET.0, OFFICE.0] {
        let ended = SaleAnswer::No(Denial::RightEnded(ended_ms));
        assert_eq!(asked(&chain, &sale(&subject, seller, ended_ms)), ended);
    }
}

#[test]
fn what_a_short_record_let_go_of_is_untold() {
    let (mut chain, subject) = designed();
    let deposited_ms = chain.time_ms;
    for n in 0..MAX_OWNERS {
        let (from, to) = if n % 2 == 0 {
            (MAKER, MARKET)
        } else {
            (MARKET, MAKER)
        };
        let action = offer_right(&subject, to.0, chain.time_ms + 9_000);
        let offer = chain.run_for_id(from, action).unwrap();
        chain
            .run(to, answer_right(&subject, &offer, Outcome::Accepted))
            .unwrap();
    }
    let from_ms = deposited_ms + 2_000;
    let untold = asked(&chain, &sale(&subject, MAKER.0, from_ms - 1));
    assert_eq!(untold, SaleAnswer::Untold { from_ms });
    assert_eq!(said(&chain, &sale(&subject, MARKET.0, from_ms)), Ok(None));
}

/// A record that stays short tells from its first moment on.
#[test]
fn the_times_of_a_class_are_told_from_their_first_moment_on() {
    let (mut chain, subject) = designed();
    let until_ms = chain.time_ms + 900_000;
    let action = grant(&subject, None, "market.*", terms(until_ms));
    let id = chain.run_for_id(MAKER, action).unwrap();
    let action = vouch(&chain.id, LIN, until_ms);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    let mut sequence = 0;
    for _ in 0..=MAX_RESTS {
        for standing in [Standing::Suspended, Standing::Unspecified] {
            sequence += 1;
            let put = PutStanding {
                organisation: MARKET.0.into(),
                standing: standing.into(),
            };
            let change = change(sequence, Kind::PutStanding(put));
            chain.approve(&[CARRIER, MAKER, OFFICE], &change);
        }
    }
    let record: Voucher = chain.state.message(&keys::voucher(MARKET.0)).unwrap();
    let from_ms = record.told_from_ms;
    let untold = SaleAnswer::Untold { from_ms };
    assert_eq!(asked(&chain, &sale(&subject, LIN.0, from_ms - 1)), untold);
    assert_eq!(said(&chain, &sale(&subject, LIN.0, from_ms)), Ok(Some(id)));
}

/// Nobody has a licence while there is no record of the right: no proof of the lists is needed.
#[test]
fn a_design_without_a_record_of_its_right_has_no_licences() {
    let (chain, subject) = designed();
    let design = keys::design(&subject);
    let read = |key: &[u8]| match key {
        key if key == keys::right(&subject) => Ok(Told::Value(None)),
        key if key == design => Ok(Told::Value(chain.state.get(key)?)),
        _ => Ok(Told::Withheld),
    };
    let found = evaluate(&read, &sale(&subject, MARKET.0, chain.time_ms)).unwrap();
    assert_eq!(found, Some(SaleAnswer::No(Denial::NoLicence(vec![]))));
}
