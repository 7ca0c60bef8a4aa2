//! Draws with a public beacon in evidence files: pulse and deadline come with the draw, and nothing of them can be
//! bent.

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{BeaconDraw, Draw, Panel, ReviewChoice, ReviewGround, ReviewTerms};

use super::dishonest::{anchored, told_values};
use super::*;
use crate::governance::beacon;
use crate::state::keys;
use crate::test_support::beacons::{self, BENDS, awaited, named, show};
use crate::test_support::change;
use crate::test_support::reviews::{
    FEW, Jury, accept, countered, dispute_again, open_review, panel_of, reveal_all, vote,
};

/// What a file shows of a design whose panels were drawn by a beacon.
pub(super) struct Pulsed {
    pub chain: Chain,
    pub design: Hash,
    pub additions: Additions,
    /// The dispute whose draw took a pulse, the one whose draw went on without, and the one of terms without a beacon.
    pub disputes: [Hash; 3],
}

pub(super) fn pulsed() -> Pulsed {
    let jury = Jury::of(20);
    let terms = ReviewTerms {
        beacon: Some(named()),
        ..FEW
    };
    let (mut chain, design, first) = countered(&jury, terms);
    let upheld = |chain: &mut Chain, id: &Hash| {
        vote(chain, &jury, id, 0, &[ReviewChoice::Uphold; 3]);
        chain.run(CARRIER, accept(id)).unwrap();
    };
    let open = |chain: &mut Chain, id: &Hash, ground| {
        chain.run(CARRIER, open_review(id, ground)).unwrap();
        reveal_all(chain);
    };
    open(&mut chain, &first, ReviewGround::Similarity);
    let good = awaited(&chain);
    chain.run(OFFICE, show(good)).unwrap();
    upheld(&mut chain, &first);
    let second = dispute_again(&mut chain, &design, "https://market.example/2");
    open(&mut chain, &second, ReviewGround::LawfulSource);
    chain.time_ms = beacon::deadline_ms(&named(), chain.time_ms);
    chain.commit(&[]);
    upheld(&mut chain, &second);
    let none = change(9, Kind::PutReviewTerms(FEW));
    chain.approve(&[MARKET, CARRIER, MAKER], &none);
    let third = dispute_again(&mut chain, &design, "https://market.example/3");
    open(&mut chain, &third, ReviewGround::Authorisation);
    upheld(&mut chain, &third);
    let mut shown = vec![first, second, third];
    shown.sort_unstable();
    Pulsed {
        chain,
        design,
        additions: Additions {
            disputes: shown,
            questions: vec![],
        },
        disputes: [first, second, third],
    }
}

fn file_of(told: &Pulsed) -> Evidence {
    let subject = Subject::Design(told.design);
    collect_with(&told.chain, &subject, &told.additions).unwrap()
}

#[test]
fn a_draw_comes_with_its_pulse() {
    let told = pulsed();
    let report = examine(&seal(&file_of(&told)), &trusting(&told.chain));
    assert_verified(&report);
    let fact = report.facts.disputes.as_ref().unwrap();
    assert_eq!((fact.tally.notices, fact.tally.panel_upheld), (3, 3));
    let taken = told.disputes.map(|id| {
        let shown = fact.shown.iter().find(|shown| shown.id == id).unwrap();
        shown.panels[0].1.beacon.clone()
    });
    assert!(taken[0].as_ref().unwrap().pulse.is_some());
    let without = taken[1].as_ref().unwrap();
    let deadline_ms = beacon::deadline_ms(&named(), without.revealed_ms);
    assert_eq!(
        (&without.pulse, without.closed_ms > deadline_ms),
        (&None, true)
    );
    assert_eq!(taken[2], None);
}

/// What validators could only certify together against the rules is found from the file alone.
#[test]
fn bent_pulses_are_refused() {
    let told = pulsed();
    let file = file_of(&told);
    let draw_of = |id: &Hash| {
        let panel: Panel = panel_of(&told.chain, id, 0);
        let key = keys::draw(panel.draw);
        let draw: Draw = told.chain.state.message(&key).unwrap();
        (key, draw)
    };
    let refused = |id: &Hash, bend: &dyn Fn(&mut BeaconDraw)| {
        let (key, mut draw) = draw_of(id);
        bend(draw.beacon.as_mut().unwrap());
        let liar = told_values(&told.chain, &[(key, draw.encode_to_vec())]);
        let report = examine(&seal(&anchored(&file, &liar, &[])), &trusting(&liar));
        report.failure().map(|(element, _)| element)
    };
    let [first, second, third] = told.disputes;
    let expected = Some(Element::Disputes);
    assert_eq!(refused(&first, &|_| {}), None);
    for (field, bend) in BENDS {
        let found = refused(&first, &|d| bend(d.pulse.as_mut().unwrap()));
        assert_eq!(found, expected, "{field}");
    }
    type Bend = fn(&mut BeaconDraw);
    let bends: [(&str, Bend); 9] = [
        ("no pulse", |d| d.pulse = None),
        ("no pulse, late", |d| {
            d.pulse = None;
            d.closed_ms = u64::MAX;
        }),
        ("another block", |d| d.revealed_ms -= 60_000),
        ("drawn late", |d| d.closed_ms += 30_000_000),
        ("another key", |d| {
            d.beacon.as_mut().unwrap().modulus[7] ^= 1
        }),
        ("another chain", |d| {
            d.beacon.as_mut().unwrap().chain_index = 8
        }),
        ("another period", |d| {
            d.beacon.as_mut().unwrap().period_ms = 30_000
        }),
        ("another delay", |d| {
            d.beacon.as_mut().unwrap().delay_ms += 60_000
        }),
        ("no wait", |d| d.beacon.as_mut().unwrap().wait_ms = 0),
    ];
    for (name, bend) in bends {
        assert_eq!(refused(&first, &bend), expected, "{name}");
    }
    // A draw that went on without one waited for it; and took none.
    let bends: [(&str, Bend); 5] = [
        ("no end of values", |d| d.revealed_ms = 0),
        ("no period", |d| d.beacon.as_mut().unwrap().period_ms = 0),
        ("early", |d| d.closed_ms = d.revealed_ms + 21_600_000),
        ("a pulse all the same", |d| {
            let named = d.beacon.clone().unwrap();
            d.pulse = Some(beacons::pulse(beacon::pulse_ms(&named, d.revealed_ms)));
            d.closed_ms = d.revealed_ms;
        }),
        ("no beacon", |d| d.beacon = None),
    ];
    for (name, bend) in bends {
        assert_eq!(refused(&second, &bend), expected, "{name}");
    }
    // A beacon that nobody named.
    let (key, mut draw) = draw_of(&third);
    draw.beacon = draw_of(&first).1.beacon;
    let liar = told_values(&told.chain, &[(key, draw.encode_to_vec())]);
    let report = examine(&seal(&anchored(&file, &liar, &[])), &trusting(&liar));
    assert_eq!(report.failure().map(|(element, _)| element), expected);
}
