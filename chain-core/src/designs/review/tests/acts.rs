//! Each rule of each act, by a transaction that breaks it alone.

use touchstone_proto::ledger::{
    CastBallot, JurorList, JurorLists, OpenBallot, PlatformMeasure, RegisterJurors, Role,
};

use super::*;
use crate::encoding::Malformed;
use crate::test_support::disputes::{counter, measure, notice};
use crate::test_support::{change, public, reviews};

fn cast(chain: &Chain, jury: &Jury, id: &Hash, seat: usize) -> CastBallot {
    jury.cast(&chain.id, &place(chain, id, 0, seat), UPHOLD)
}

/// A dispute whose three jurors have cast their ballots.
fn sealed() -> (Chain, Jury, Hash) {
    let (mut chain, jury, id) = drawn();
    for seat in 0..3 {
        let action = Action::CastBallot(cast(&chain, &jury, &id, seat));
        chain.run(MARKET, action).unwrap();
    }
    assert_eq!(review_of(&chain, &id).phase(), ReviewPhase::Opening);
    (chain, jury, id)
}

fn opening(chain: &Chain, jury: &Jury, id: &Hash, seat: usize) -> OpenBallot {
    let sealed = panel_of(chain, id, 0).seats[seat].commitment.clone();
    let place = place(chain, id, 0, seat);
    jury.open(&chain.id, &place, &sealed).unwrap()
}

/// So many jurors, whoever they are.
fn register(count: u32) -> Action {
    Action::RegisterJurors(RegisterJurors {
        root: vec![1; 32],
        count,
    })
}

#[test]
fn platforms_register_jurors() {
    let mut chain = Chain::start();
    let role = Rejection::Role {
        organisation: CARRIER.0.into(),
        allowed: &[Role::Platform],
    };
    assert_eq!(chain.check(&chain.sign(CARRIER, register(5))), Err(role));
    for count in [0, jurors::MAX_JURORS + 1] {
        let none = ReviewRejection::JurorCount;
        assert_eq!(
            (none.code(), refused(&chain, MARKET, register(count))),
            (481, none)
        );
    }
    for count in 1..=jurors::MAX_LISTS as u32 + 2 {
        chain.run(MARKET, register(count)).unwrap();
    }
    let lists: JurorLists = chain.state.message(&keys::juror_lists(MARKET.0)).unwrap();
    let counts: Vec<u32> = lists.lists.iter().map(|list| list.count).collect();
    assert_eq!(counts, [3, 4, 5, 6, 7, 8, 9, 10], "the last eight");
    let earlier = |number| {
        let key = keys::earlier_jurors(MARKET.0, number);
        let list: Option<JurorList> = chain.state.message(&key);
        list.map(|list| list.count)
    };
    assert_eq!(lists.earlier, 2);
    assert_eq!([0, 1, 2].map(earlier), [Some(1), Some(2), None]);
}

#[test]
fn a_respondent_that_can_act_opens_a_review_after_its_declaration_itself() {
    let jury = Jury::of(20);
    let (chain, _, id) = countered(&jury, FEW);
    let open = |ground| open_review(&id, ground);
    let similar = open(ReviewGround::Similarity);
    assert_eq!(chain.check(&chain.sign(CARRIER, similar.clone())), Ok(()));
    for other in [MAKER, MARKET] {
        let by_other = chain.check(&chain.sign(other, similar.clone()));
        let theirs = DesignRejection::NotTheParty(CARRIER.0.into());
        assert_eq!(by_other, Err(theirs.into()));
    }
    let none = ReviewRejection::NoGround;
    let unspecified = open(ReviewGround::Unspecified);
    assert_eq!(
        (none.code(), refused(&chain, CARRIER, unspecified)),
        (484, none)
    );
}

/// However many lists a platform registers after a notice, and had registered before it, the last one before it serves.
#[test]
fn later_lists_leave_a_dispute_its_jurors() {
    for before in 0..2 * jurors::MAX_LISTS as u32 {
        let (mut chain, subject, _) = countered(&Jury::of(20), FEW);
        for count in 0..=before {
            chain.run(MARKET, register(20 + count)).unwrap();
        }
        let id = dispute_again(&mut chain, &subject, "z");
        for count in 0..2 * jurors::MAX_LISTS as u32 {
            chain.run(MARKET, register(100 + count)).unwrap();
        }
        let opened = open_review(&id, ReviewGround::Similarity);
        chain.run(CARRIER, opened).unwrap();
        assert_eq!(panel_of(&chain, &id, 0).count, 20 + before);
    }
}

/// A list that was registered for a dispute serves the next ones.
#[test]
fn jurors_stood_registered_before_the_notice() {
    let jury = Jury::of(20);
    let (mut chain, _, id) = countered(&jury, FEW);
    chain.run(MARKET, Jury::of(60).register()).unwrap();
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    assert_eq!(panel_of(&chain, &id, 0).count, 20, "the list before");
    let (mut late, subject, _) = countered(&jury, FEW);
    late.state.values.remove(&keys::juror_lists(MARKET.0));
    let id = dispute_again(&mut late, &subject, "y");
    late.run(MARKET, jury.register()).unwrap();
    let none = ReviewRejection::NoJurors(MARKET.0.into());
    let opened = open_review(&id, ReviewGround::Similarity);
    let met = refused(&late, CARRIER, opened);
    assert_eq!((none.code(), met), (480, none.clone()));
    // Nor one of the notice's own block: who saw the notice on its way could fill it.
    let (mut same, subject, _) = countered(&jury, FEW);
    same.state.values.remove(&keys::juror_lists(MARKET.0));
    let given = notice(&subject, "https://market.example/3");
    let given = same.sign(MAKER, Action::GiveNotice(given));
    let id = *same.verified(&given).unwrap().id();
    let listed = same.sign(MARKET, jury.register());
    assert_eq!(same.commit(&[listed, given]).applied.len(), 2);
    let removed = measure(&id, PlatformMeasure::Removed);
    same.run(MARKET, removed).unwrap();
    same.run(CARRIER, counter(&id)).unwrap();
    let opened = open_review(&id, ReviewGround::Similarity);
    assert_eq!(refused(&same, CARRIER, opened), none);
}

#[test]
fn a_list_must_serve_a_panel_and_an_appeal() {
    let needed = panel::needed(&FEW) as u32;
    for (count, serves) in [(needed - 1, false), (needed, true)] {
        let (chain, _, id) = countered(&Jury::of(count), FEW);
        let opened = chain.sign(CARRIER, open_review(&id, ReviewGround::Similarity));
        let few = ReviewRejection::TooFewJurors { count, needed };
        assert_eq!(few.code(), 482);
        let expected = if serves { Ok(()) } else { Err(few.into()) };
        assert_eq!(chain.check(&opened), expected);
    }
}

#[test]
fn more_than_two_thirds_have_hash_chains_before_a_draw() {
    let (mut chain, _, id) = countered(&Jury::of(20), FEW);
    let opened = open_review(&id, ReviewGround::Similarity);
    for (seed, enough) in [(11, true), (12, false)] {
        chain.state.values.remove(&keys::hash_chain(&public(seed)));
        let none = ReviewRejection::NoHashChains;
        assert_eq!(none.code(), 485);
        let expected = if enough { Ok(()) } else { Err(none.into()) };
        assert_eq!(chain.check(&chain.sign(CARRIER, opened.clone())), expected);
    }
}

#[test]
fn a_ballot_is_cast_by_a_drawn_juror_of_the_list_himself() {
    let (chain, jury, id) = drawn();
    let good = cast(&chain, &jury, &id, 0);
    let juror = place(&chain, &id, 0, 0).juror;
    let meets = |cast: CastBallot| refused(&chain, MARKET, Action::CastBallot(cast));
    assert_eq!(
        chain.check(&chain.sign(OFFICE, Action::CastBallot(good.clone()))),
        Ok(())
    );
    type Bend = fn(&mut CastBallot);
    let table: [(u32, ReviewRejection, Bend); 7] = [
        (494, ReviewRejection::NotListed(juror), |c| {
            c.organisation = "x".into()
        }),
        (494, ReviewRejection::NotListed(juror), |c| {
            c.public_key = vec![1; 32]
        }),
        (494, ReviewRejection::NotListed(juror), |c| {
            c.path[0][0] ^= 1
        }),
        (496, ReviewRejection::NotByJuror(juror), |c| {
            c.signature[0] ^= 1
        }),
        (496, ReviewRejection::NotByJuror(juror), |c| {
            c.ballot.as_mut().unwrap().commitment[0] ^= 1;
        }),
        (492, ReviewRejection::OtherInstance(0), |c| {
            c.ballot.as_mut().unwrap().instance = 1;
        }),
        (498, ReviewRejection::OldBallot(0), |c| {
            c.ballot.as_mut().unwrap().revision = 0;
        }),
    ];
    for (code, rejection, bend) in table {
        let mut bent = good.clone();
        bend(&mut bent);
        assert_eq!((rejection.code(), meets(bent)), (code, rejection));
    }
    let seats = panel_of(&chain, &id, 0).seats;
    let drawn: Vec<u32> = seats.iter().map(|seat| seat.juror).collect();
    let other = (0..20).find(|n| !drawn.contains(n)).unwrap();
    let elsewhere = ballot::BallotPlace {
        juror: other,
        ..place(&chain, &id, 0, 0)
    };
    let not_drawn = ReviewRejection::NotDrawn(other);
    let bent = jury.cast(&chain.id, &elsewhere, UPHOLD);
    assert_eq!((not_drawn.code(), meets(bent)), (493, not_drawn));
    let mut short = good;
    short.path[0].pop();
    let malformed = chain.check(&chain.sign(MARKET, Action::CastBallot(short)));
    assert!(matches!(
        malformed,
        Err(Rejection::Malformed(Malformed::Length { .. }))
    ));
}

/// By the list's word, or by the key that a party's organisation has.
#[test]
fn no_juror_belongs_to_a_party() {
    for (organisation, bound) in [
        (MAKER.0, true),
        (MARKET.0, true),
        ("carrier.x", true),
        (OFFICE.0, false),
    ] {
        let mut jury = Jury::of(20);
        jury.organisations = vec![organisation.to_owned(); 20];
        let (mut chain, _, id) = countered(&jury, FEW);
        chain
            .run(CARRIER, open_review(&id, ReviewGround::Similarity))
            .unwrap();
        draw_panel(&mut chain);
        let action = Action::CastBallot(cast(&chain, &jury, &id, 0));
        let party = ReviewRejection::JurorOfParty(organisation.into());
        assert_eq!(party.code(), 495);
        let expected = if bound { Err(party.into()) } else { Ok(()) };
        assert_eq!(chain.check(&chain.sign(MARKET, action)), expected);
    }
    let mut jury = Jury::of(20);
    jury.keys = vec![crate::test_support::key(MAKER.1); 20];
    let (mut chain, _, id) = countered(&jury, FEW);
    chain
        .run(CARRIER, open_review(&id, ReviewGround::Similarity))
        .unwrap();
    draw_panel(&mut chain);
    let action = Action::CastBallot(cast(&chain, &jury, &id, 0));
    let party = ReviewRejection::JurorOfParty(MAKER.0.into());
    assert_eq!(refused(&chain, MARKET, action), party);
}

/// A list that names a key twice gives it one vote, and none more in the appeal.
#[test]
fn a_key_has_one_seat() {
    let mut jury = Jury::of(20);
    jury.keys = vec![jury.keys[0].clone(); 20];
    let (mut chain, _, id) = countered(&jury, FEW);
    chain
        .run(CARRIER, open_review(&id, ReviewGround::Similarity))
        .unwrap();
    draw_panel(&mut chain);
    let first = Action::CastBallot(cast(&chain, &jury, &id, 0));
    chain.run(MARKET, first).unwrap();
    let seated = ReviewRejection::KeySeated(place(&chain, &id, 0, 0).juror);
    let second = Action::CastBallot(cast(&chain, &jury, &id, 1));
    assert_eq!(
        (seated.code(), refused(&chain, MARKET, second)),
        (497, seated)
    );
    let (mut chain, jury, id) = drawn();
    vote(&mut chain, &jury, &id, 0, &[UPHOLD; 3]);
    chain.run(CARRIER, appeal(&id)).unwrap();
    draw_panel(&mut chain);
    let voted = panel_of(&chain, &id, 0).seats[0].clone();
    let mut second = panel_of(&chain, &id, 1);
    second.seats[0].juror = voted.juror;
    let value = prost::Message::encode_to_vec(&second);
    chain.state.values.insert(keys::panel(&id, 1), value);
    let again = jury.cast(&chain.id, &place(&chain, &id, 1, 0), UPHOLD);
    let seated = ReviewRejection::KeySeated(voted.juror);
    assert_eq!(refused(&chain, MARKET, Action::CastBallot(again)), seated);
}

/// A juror may think better of it; nobody else may send his first ballot again.
#[test]
fn a_ballot_is_replaced_by_a_later_one_alone() {
    let (mut chain, jury, id) = drawn();
    let first = cast(&chain, &jury, &id, 0);
    chain
        .run(MARKET, Action::CastBallot(first.clone()))
        .unwrap();
    let later = ballot::BallotPlace {
        revision: 2,
        ..place(&chain, &id, 0, 0)
    };
    let second = jury.cast(&chain.id, &later, DISMISS);
    chain
        .run(MARKET, Action::CastBallot(second.clone()))
        .unwrap();
    let old = ReviewRejection::OldBallot(2);
    for again in [first, second.clone()] {
        assert_eq!(refused(&chain, MARKET, Action::CastBallot(again)), old);
    }
    let seat = &panel_of(&chain, &id, 0).seats[0];
    assert_eq!(seat.commitment, second.ballot.unwrap().commitment);
    let alone = panel_of(&chain, &id, 0);
    let cast = alone.seats.iter().filter(|s| s.state() == SeatState::Cast);
    assert_eq!(cast.count(), 1, "two ballots, one vote");
}

#[test]
fn an_opening_shown_before_its_time_voids_the_ballot() {
    let (mut chain, jury, id) = drawn();
    let place = place(&chain, &id, 0, 0);
    let juror = place.juror;
    let none = ReviewRejection::NoBallot(juror);
    let shown = jury.void(&chain.id, &place, UPHOLD);
    assert_eq!(
        (none.code(), refused(&chain, OFFICE, shown.clone())),
        (821, none)
    );
    let action = Action::CastBallot(cast(&chain, &jury, &id, 0));
    chain.run(MARKET, action).unwrap();
    let wrong = ReviewRejection::WrongBallotOpening(juror);
    let guess = jury.void(&chain.id, &place, DISMISS);
    assert_eq!(
        (wrong.code(), refused(&chain, OFFICE, guess)),
        (822, wrong.clone())
    );
    let later = ballot::BallotPlace {
        revision: 2,
        ..place
    };
    let other = jury.void(&chain.id, &later, UPHOLD);
    assert_eq!(refused(&chain, OFFICE, other), wrong, "of another ballot");
    chain.run(OFFICE, shown).unwrap();
    let void = ReviewRejection::BallotVoid(juror);
    let again = Action::CastBallot(jury.cast(&chain.id, &later, UPHOLD));
    assert_eq!(
        (void.code(), refused(&chain, MARKET, again)),
        (499, void.clone())
    );
    // An alternate takes the seat, and three others decide.
    for seat in 1..4 {
        let action = Action::CastBallot(cast(&chain, &jury, &id, seat));
        chain.run(MARKET, action).unwrap();
    }
    assert_eq!(review_of(&chain, &id).phase(), ReviewPhase::Opening);
    let opened = Action::OpenBallot(opening(&chain, &jury, &id, 0));
    assert_eq!(refused(&chain, MARKET, opened), void);
}

#[test]
fn a_counted_ballot_is_opened_once_and_by_its_juror() {
    let (mut chain, jury, id) = sealed();
    let good = opening(&chain, &jury, &id, 0);
    let juror = place(&chain, &id, 0, 0).juror;
    type Bend = fn(&mut OpenBallot);
    fn inner(open: &mut OpenBallot) -> &mut touchstone_proto::ledger::BallotOpening {
        open.opening.as_mut().unwrap()
    }
    let wrong = ReviewRejection::WrongBallotOpening(juror);
    let table: [(u32, ReviewRejection, Bend); 7] = [
        (822, wrong.clone(), |o| inner(o).choice = DISMISS.into()),
        (822, wrong, |o| inner(o).salt[0] ^= 1),
        (825, ReviewRejection::NoChoice, |o| inner(o).choice = 0),
        (825, ReviewRejection::NoChoice, |o| inner(o).choice = 7),
        (496, ReviewRejection::NotByJuror(juror), |o| {
            inner(o).reasons[0] ^= 1
        }),
        (496, ReviewRejection::NotByJuror(juror), |o| {
            o.signature[0] ^= 1
        }),
        (492, ReviewRejection::OtherInstance(0), |o| {
            inner(o).instance = 1
        }),
    ];
    for (code, rejection, bend) in table {
        let mut bent = good.clone();
        bend(&mut bent);
        let met = refused(&chain, OFFICE, Action::OpenBallot(bent));
        assert_eq!((rejection.code(), met), (code, rejection));
    }
    let mut elsewhere = good.clone();
    inner(&mut elsewhere).juror = 99;
    let not_drawn = ReviewRejection::NotDrawn(99);
    assert_eq!(
        refused(&chain, OFFICE, Action::OpenBallot(elsewhere)),
        not_drawn
    );
    let alternate = panel_of(&chain, &id, 0).seats[4].juror;
    let mut unneeded = good.clone();
    inner(&mut unneeded).juror = alternate;
    let unneeded = refused(&chain, OFFICE, Action::OpenBallot(unneeded));
    let not_counted = ReviewRejection::NotCounted(alternate);
    assert_eq!((not_counted.code(), unneeded), (824, not_counted));
    chain.run(OFFICE, Action::OpenBallot(good.clone())).unwrap();
    let twice = ReviewRejection::OpenedBefore(juror);
    let again = refused(&chain, OFFICE, Action::OpenBallot(good));
    assert_eq!((twice.code(), again), (823, twice));
}

/// An alternate whose ballot nobody needed has no vote beside those of the panel.
#[test]
fn a_ballot_beyond_the_panel_is_not_opened() {
    let (mut chain, jury, id) = drawn();
    for seat in [3, 0, 1, 2] {
        let action = Action::CastBallot(cast(&chain, &jury, &id, seat));
        chain.run(MARKET, action).unwrap();
    }
    assert_eq!(review_of(&chain, &id).phase(), ReviewPhase::Opening);
    let beyond = panel_of(&chain, &id, 0).seats[3].clone();
    assert_eq!(beyond.state(), SeatState::Cast);
    let opened = Action::OpenBallot(opening(&chain, &jury, &id, 3));
    let not_counted = ReviewRejection::NotCounted(beyond.juror);
    assert_eq!(refused(&chain, OFFICE, opened), not_counted);
}

/// Each phase takes its own acts.
#[test]
fn each_phase_of_a_review_takes_its_own_acts() {
    let jury = Jury::of(20);
    let (mut drawing, _, id) = countered(&jury, FEW);
    drawing
        .run(CARRIER, open_review(&id, ReviewGround::Similarity))
        .unwrap();
    let drawing_now = ReviewRejection::OtherReviewPhase(phase_name(ReviewPhase::Drawing));
    assert_eq!(
        (drawing_now.code(), refused(&drawing, CARRIER, appeal(&id))),
        (491, drawing_now)
    );
    let (committing, jury, id) = drawn();
    let (opening_now, _, _) = sealed();
    let cast = Action::CastBallot(cast(&committing, &jury, &id, 0));
    let opened = Action::OpenBallot(opening(&opening_now, &jury, &id, 0));
    let void = jury.void(&committing.id, &place(&committing, &id, 0, 0), UPHOLD);
    let other = |phase| ReviewRejection::OtherReviewPhase(phase_name(phase));
    let committing_now = other(ReviewPhase::Committing);
    assert_eq!(refused(&committing, OFFICE, opened), committing_now);
    assert_eq!(refused(&committing, CARRIER, appeal(&id)), committing_now);
    for late in [cast, void, appeal(&id)] {
        let met = refused(&opening_now, OFFICE, late);
        assert_eq!(met, other(ReviewPhase::Opening));
    }
}

#[test]
fn only_the_consortium_sets_terms_and_chains() {
    let chain = Chain::start();
    let mut terms = FEW;
    terms.panel = 2;
    let wanted = change(
        1,
        touchstone_proto::ledger::change::Kind::PutReviewTerms(terms),
    );
    let refused = chain.check(&chain.sign(MARKET, crate::test_support::approve(&wanted)));
    assert_eq!(refused.map_err(|r| r.code()), Err(820));
    assert_eq!(reviews::VALIDATORS.len(), chain.validators.count());
}
