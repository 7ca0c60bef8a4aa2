use std::collections::BTreeSet;

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    BeaconDraw, Dispute, Draw, Panel, PanelVerdict, ReviewGround, ReviewTerms,
};

use super::*;
use crate::Hash;
use crate::designs::review::draws::seed;
use crate::designs::review::recount::{self, BadReview};
use crate::designs::review::{matter, shuffle};
use crate::governance::beacon::BadPulse;
use crate::hash::{self, tag};
use crate::rejection::Rejection;
use crate::test_support::beacons::{self, BENDS, awaited, named, pulse, show, sign};
use crate::test_support::reviews::{
    FEW, Jury, countered, dispute_again, dispute_of, open_review, panel_of, reveal, reveal_all,
};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, change};

fn with_beacon() -> ReviewTerms {
    ReviewTerms {
        beacon: Some(named()),
        ..FEW
    }
}

/// A review whose draw begins with the last block; the terms name a beacon.
fn drawing() -> (Chain, Hash) {
    let (mut chain, _, id) = countered(&Jury::of(20), with_beacon());
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    (chain, id)
}

/// The same; all validators have revealed.
fn waiting() -> (Chain, Hash) {
    let (mut chain, id) = drawing();
    reveal_all(&mut chain);
    (chain, id)
}

fn last_draw(chain: &Chain) -> Draw {
    draws::last(&chain.state).unwrap().unwrap().1
}

fn taken(chain: &Chain) -> BeaconDraw {
    last_draw(chain).beacon.unwrap()
}

fn refused(chain: &Chain, action: Action) -> ReviewRejection {
    match chain.check(&chain.sign(OFFICE, action)) {
        Err(Rejection::Review(rejection)) => rejection,
        other => panic!("not refused by a rule of reviews: {other:?}"),
    }
}

fn examined(chain: &Chain, id: &Hash) -> (Dispute, Vec<(Panel, Draw)>) {
    let panel = panel_of(chain, id, 0);
    let draw = chain.state.message(&keys::draw(panel.draw)).unwrap();
    (dispute_of(chain, id), vec![(panel, draw)])
}

#[test]
fn a_draw_takes_the_pulse_that_follows_from_its_last_value() {
    let (mut chain, id) = waiting();
    let (draw, before) = (last_draw(&chain), taken(&chain));
    assert_eq!(draw.closed_height, 0, "it waits");
    assert_eq!((before.revealed_ms, before.closed_ms), (chain.time_ms, 0));
    assert!(panel_of(&chain, &id, 0).seats.is_empty());
    assert_eq!(panel_of(&chain, &id, 0).terms.unwrap().beacon, None);
    chain.commit(&[]);
    assert_eq!(taken(&chain), before, "and waits on");
    let good = awaited(&chain);
    assert!(good.time_ms >= before.revealed_ms + 120_000);
    assert!(good.time_ms < before.revealed_ms + 180_000);
    chain.run(CARRIER, show(good.clone())).unwrap();
    let (draw, after) = (last_draw(&chain), taken(&chain));
    assert_eq!(
        (draw.closed_height, after.closed_ms),
        (chain.height, chain.time_ms)
    );
    assert_eq!(after.pulse, Some(good.clone()));
    // The seed is over values and pulse, and draws the panel.
    let panel = panel_of(&chain, &id, 0);
    let subject: Hash = dispute_of(&chain, &id).subject.try_into().unwrap();
    let question = matter(&subject, CARRIER.0, ReviewGround::Similarity);
    let mut without = draw.clone();
    without.beacon = None;
    let base = seed(&question, 0, &panel, &without);
    let output = beacon::output(&good).unwrap();
    let expected = hash::tagged(tag::REVIEW_BEACON_SEED, &[&base, &output]);
    assert_eq!(panel.seed, expected);
    let jurors = shuffle::draw(&expected, 20, 5, &BTreeSet::new());
    assert!(panel.seats.iter().map(|seat| seat.juror).eq(jurors));
    let (dispute, panels) = examined(&chain, &id);
    assert_eq!(recount::check(&dispute, &panels), Ok(()));
}

#[test]
fn no_other_pulse_is_taken() {
    let (chain, _) = waiting();
    let good = awaited(&chain);
    for (field, bend) in BENDS {
        let mut bent = good.clone();
        bend(&mut bent);
        let code = refused(&chain, show(bent.clone())).code();
        let expected = match field {
            "period_ms" | "chain_index" | "time_ms" => 861,
            "cipher_suite" | "a value more" => 862,
            _ => 863,
        };
        assert_eq!(code, expected, "{field}");
        // Nor one that the beacon signed for something else.
        if expected != 863 {
            sign(&mut bent);
            assert_eq!(refused(&chain, show(bent)).code(), expected, "{field}");
        }
    }
    for other_ms in [good.time_ms - 60_000, good.time_ms + 60_000] {
        let other = refused(&chain, show(pulse(other_ms)));
        assert_eq!(other.code(), 861, "{other}");
    }
    assert_eq!(chain.check(&chain.sign(OFFICE, show(good))), Ok(()));
}

/// Only while the draw waits: after the values, once, and up to the deadline.
#[test]
fn a_pulse_is_taken_while_the_draw_waits() {
    let none = ReviewRejection::NoPulseAwaited;
    assert_eq!(none.code(), 859);
    let some = pulse(1_767_225_600_000);
    let (before, _, id) = countered(&Jury::of(20), with_beacon());
    assert_eq!(refused(&before, show(some.clone())), none, "no draw");
    let (mut plain, _, _) = countered(&Jury::of(20), FEW);
    let opened = plain.sign(CARRIER, open_review(&id, ReviewGround::Similarity));
    plain.commit(&[opened]);
    assert_eq!(refused(&plain, show(some.clone())), none, "no beacon");
    let (early, _) = drawing();
    assert_eq!(refused(&early, show(some)), none, "values are taken");
    let (mut chain, _) = waiting();
    let good = awaited(&chain);
    // Twice in a block.
    let envelopes = [MARKET, CARRIER].map(|who| chain.sign(who, show(good.clone())));
    let executed = chain.commit(&envelopes);
    let refusals: Vec<_> = executed.rejected.iter().map(|(_, r)| r.code()).collect();
    assert_eq!((executed.applied.len(), &refusals[..]), (1, &[859][..]));
    assert_eq!(refused(&chain, show(good)), none, "it is over");
}

/// After the deadline it is refused, though no block has recorded yet that the draw goes on without it.
#[test]
fn at_the_deadline_a_draw_goes_on_without_its_pulse() {
    let (mut chain, id) = waiting();
    let good = awaited(&chain);
    let deadline_ms = beacon::deadline_ms(&named(), taken(&chain).revealed_ms);
    chain.time_ms = deadline_ms - 1_000;
    assert_eq!(chain.check(&chain.sign(OFFICE, show(good.clone()))), Ok(()));
    chain.commit(&[]);
    assert_eq!(
        (chain.time_ms, last_draw(&chain).closed_height),
        (deadline_ms, 0)
    );
    let late = ReviewRejection::PulseLate(beacon::time_stamp(deadline_ms).unwrap());
    assert_eq!(
        (late.code(), refused(&chain, show(good.clone()))),
        (860, late)
    );
    chain.commit(&[]);
    let none = ReviewRejection::NoPulseAwaited;
    assert_eq!(refused(&chain, show(good)), none, "it is over");
    let (draw, after) = (last_draw(&chain), taken(&chain));
    assert_eq!(
        (draw.closed_height, after.closed_ms),
        (chain.height, deadline_ms + 1_000)
    );
    assert_eq!(
        (after.pulse, after.beacon),
        (None, Some(named())),
        "it is recorded"
    );
    let panel = panel_of(&chain, &id, 0);
    assert_eq!(panel.seats.len(), 5);
    let (dispute, panels) = examined(&chain, &id);
    assert_eq!(recount::check(&dispute, &panels), Ok(()));
}

/// There is no panel, so nothing is waited for.
#[test]
fn a_draw_without_enough_values_waits_for_no_pulse() {
    let (mut chain, id) = drawing();
    let action = reveal(&chain, 12);
    chain.run(OFFICE, action).unwrap();
    while last_draw(&chain).closed_height == 0 {
        chain.commit(&[]);
    }
    assert_eq!(chain.height, last_draw(&chain).last_height);
    assert_eq!(taken(&chain).closed_ms, chain.time_ms);
    let review = dispute_of(&chain, &id).review.unwrap();
    assert_eq!(review.results[0].verdict(), PanelVerdict::NoPanel);
}

/// Who knows the pulse can't reveal any more, nor begin another draw beside this one.
#[test]
fn while_a_draw_waits_nothing_else_is_chosen() {
    let (mut chain, subject, id) = countered(&Jury::of(20), with_beacon());
    let other = dispute_again(&mut chain, &subject, "two");
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    for seed in [11, 12, 13] {
        let action = reveal(&chain, seed);
        chain.run(OFFICE, action).unwrap();
    }
    while taken(&chain).revealed_ms == 0 {
        chain.commit(&[]);
    }
    let draw = last_draw(&chain);
    assert!(!draws::is_under_way(&draw, draw.last_height));
    assert_eq!(refused(&chain, reveal(&chain, 14)).code(), 487);
    let opened = open_review(&other, ReviewGround::LawfulSource);
    chain.run(CARRIER, opened).unwrap();
    assert_eq!(last_draw(&chain), draw, "it waits for the next one");
    // The next draw has the beacon of then.
    let mut terms = with_beacon();
    terms.beacon = None;
    let wanted = change(2, Kind::PutReviewTerms(terms));
    chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
    assert_eq!(
        taken(&chain).beacon,
        Some(named()),
        "this one keeps its own"
    );
    let good = awaited(&chain);
    chain.run(OFFICE, show(good)).unwrap();
    let next = last_draw(&chain);
    assert_eq!((next.disputes, next.beacon), (vec![other.to_vec()], None));
}

/// What withholding gives with a beacon, counted on the ledger. Whether a validator reveals is chosen before the pulse
/// is known: whatever it chose, it meets one seed that it couldn't know. Who holds the pulse back, if everybody else
/// is silent too, chooses between two: the one with it, and at the deadline the one without.
#[test]
fn withholding_chooses_nothing_that_is_known() {
    let seed_after = |revealing: &[u8], shown: bool| {
        let (mut chain, id) = drawing();
        for seed in revealing {
            let action = reveal(&chain, *seed);
            chain.run(OFFICE, action).unwrap();
        }
        while taken(&chain).revealed_ms == 0 {
            chain.commit(&[]);
        }
        let known_after_ms = taken(&chain).revealed_ms;
        match shown {
            true => {
                let good = awaited(&chain);
                assert!(good.time_ms >= known_after_ms + 120_000, "nobody knew it");
                chain.run(OFFICE, show(good)).unwrap();
            }
            false => {
                chain.time_ms = beacon::deadline_ms(&named(), known_after_ms);
                chain.commit(&[]);
            }
        }
        panel_of(&chain, &id, 0).seed
    };
    let choices: [&[u8]; 2] = [&[12, 13, 14], &[11, 12, 13, 14]];
    let mut all = BTreeSet::new();
    for revealing in choices {
        let shown: BTreeSet<_> = (0..2).map(|_| seed_after(revealing, true)).collect();
        assert_eq!(shown.len(), 1, "one pulse, one seed");
        let held: BTreeSet<_> = [true, false].map(|s| seed_after(revealing, s)).into();
        assert_eq!(held.len(), 2, "held back: with it, or without");
        all.extend(held);
    }
    assert_eq!(all.len(), 4);
}

/// From the records alone, as a verifier has them.
#[test]
fn each_field_of_a_draws_beacon_counts() {
    let (mut chain, id) = waiting();
    let good = awaited(&chain);
    chain.run(OFFICE, show(good)).unwrap();
    let (dispute, panels) = examined(&chain, &id);
    let check = |bend: &dyn Fn(&mut BeaconDraw)| {
        let mut bent = panels.clone();
        bend(bent[0].1.beacon.as_mut().unwrap());
        recount::check(&dispute, &bent)
    };
    assert_eq!(check(&|_| {}), Ok(()));
    for (field, bend) in BENDS {
        let found = check(&|d| bend(d.pulse.as_mut().unwrap()));
        assert!(
            matches!(found, Err(BadReview::Pulse(_))),
            "{field}: {found:?}"
        );
    }
    type Bend = fn(&mut BeaconDraw);
    let other = |found: Result<(), BadReview>| {
        matches!(found, Err(BadReview::Pulse(BadPulse::Other { .. })))
    };
    let named_otherwise: [Bend; 5] = [
        |d| d.revealed_ms += 60_000,
        |d| d.revealed_ms = 0,
        |d| d.beacon.as_mut().unwrap().chain_index += 1,
        |d| d.beacon.as_mut().unwrap().period_ms += 1,
        |d| d.beacon.as_mut().unwrap().delay_ms += 60_000,
    ];
    for bend in named_otherwise {
        assert!(other(check(&bend)));
    }
    let signature = Err(BadReview::Pulse(BadPulse::Signature));
    let keys: [Bend; 2] = [
        |d| d.beacon.as_mut().unwrap().modulus[9] ^= 1,
        |d| d.beacon.as_mut().unwrap().modulus.clear(),
    ];
    for bend in keys {
        assert_eq!(check(&bend), signature);
    }
    let waited: [Bend; 4] = [
        |d| d.pulse = None,
        |d| d.closed_ms = 0,
        |d| d.closed_ms += 30_000_000,
        |d| d.beacon.as_mut().unwrap().wait_ms = 0,
    ];
    for bend in waited {
        assert_eq!(check(&bend), Err(BadReview::Waited));
    }
    assert_eq!(check(&|d| d.beacon = None), Err(BadReview::Records));
    let mut none = panels.clone();
    none[0].1.beacon = None;
    assert_eq!(recount::check(&dispute, &none), Err(BadReview::Seed(0)));
    // Without the pulse, and after the deadline, the seed would be another.
    let late = check(&|d| {
        d.pulse = None;
        d.closed_ms = u64::MAX;
    });
    assert_eq!(late, Err(BadReview::Seed(0)));
    assert_eq!(beacons::modulus().len(), 256);
}
