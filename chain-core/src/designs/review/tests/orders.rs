//! All orders of acts and clocks, drawn at random: no dead end, no act after its deadline, no verdict without a quorum,
//! no vote twice, no panel that somebody changes.

use std::collections::BTreeSet;

use touchstone_proto::ledger::{Draw, PlatformMeasure, SeatState};

use super::*;
use crate::test_support::beacons;
use crate::test_support::disputes::{counter, measure, notice, ruling};
use crate::test_support::reviews::{VALIDATORS, reveal};
use crate::test_support::stream;

const PARTIES: [(&str, u8); 4] = [MARKET, CARRIER, MAKER, OFFICE];

/// A random act of somebody: of the dispute, of the review, of a juror, of a validator, of who passes a pulse on.
fn act(chain: &Chain, jury: &Jury, id: &Hash, draw: &mut impl FnMut(usize) -> usize) -> Action {
    let instance = dispute_of(chain, id).review.map_or(0, |r| r.instance);
    let panel: Option<Panel> = chain.state.message(&keys::panel(id, instance));
    let seats = panel.map(|panel| panel.seats).unwrap_or_default();
    let choice = [UPHOLD, DISMISS][draw(2)];
    let seat = draw(seats.len().max(1));
    let known = seats.get(seat);
    let place = ballot::BallotPlace {
        dispute: *id,
        instance,
        juror: known.map_or(0, |seat| seat.juror),
        revision: known.map_or(1, |seat| seat.revision + u32::from(draw(4) > 0)),
    };
    match draw(30) {
        0 => measure(id, PlatformMeasure::Removed),
        1 => counter(id),
        2 if draw(12) == 0 => filing(id, OFFICE.0),
        3 => ruling(id, DisputeOutcome::Upheld),
        4 if draw(20) == 0 => withdrawal(id),
        5 | 27 | 28 => open_review(id, ReviewGround::Similarity),
        6 => appeal(id),
        26 => accept(id),
        7 => jury.void(&chain.id, &place, choice),
        8..=15 => Action::CastBallot(jury.cast(&chain.id, &place, choice)),
        16..=21 => {
            let commitment = known.map(|seat| seat.commitment.clone());
            let now = ballot::BallotPlace {
                revision: known.map_or(1, |seat| seat.revision),
                ..place
            };
            let opening = jury.open(&chain.id, &now, &commitment.unwrap_or_default());
            opening.map_or_else(|| appeal(id), Action::OpenBallot)
        }
        _ => match draws::last(&chain.state).unwrap() {
            Some((_, last)) if beacons::waits(&last) && draw(4) > 0 => {
                beacons::show(beacons::awaited(chain))
            }
            _ => reveal(chain, VALIDATORS[draw(4)]),
        },
    }
}

fn may_follow(before: DisputePhase, after: DisputePhase) -> bool {
    use DisputePhase::{Countered, Ended, Filed, Measures, Noticed, Review};
    before == after
        || after == Ended
        || matches!(
            (before, after),
            (Noticed, Measures)
                | (Measures, Countered | Filed)
                | (Countered, Review | Filed)
                | (Review, Countered | Filed)
        )
}

/// A dispute and its panels at one time.
struct Seen {
    dispute: Dispute,
    panels: [Option<Panel>; 2],
}

fn look(chain: &Chain, id: &Hash) -> Seen {
    Seen {
        dispute: dispute_of(chain, id),
        panels: [0, 1].map(|instance| chain.state.message(&keys::panel(id, instance))),
    }
}

/// What holds between two states of a dispute and its panels.
fn check_step(seed: u64, old: &Seen, new: &Seen) {
    let (before, after) = (&old.dispute, &new.dispute);
    assert!(
        may_follow(before.phase(), after.phase()),
        "seed {seed}: {before:?} {after:?}"
    );
    let is_final = before.phase() == DisputePhase::Ended;
    assert!(!is_final || before == after, "seed {seed}: an end is final");
    let results = |dispute: &Dispute| dispute.review.clone().unwrap_or_default().results;
    assert!(results(after).starts_with(&results(before)), "seed {seed}");
    for (instance, result) in (0..).zip(results(after)) {
        let votes = (result.uphold + result.dismiss) as usize;
        let is_verdict = outcome(result.verdict()).is_some();
        let quorum = panel::quorum(&FEW, instance);
        assert!(!is_verdict || votes >= quorum, "seed {seed}: no quorum");
        let panel = new.panels[instance as usize].clone().unwrap();
        let open = panel
            .seats
            .iter()
            .filter(|s| s.state() == SeatState::Opened);
        assert_eq!(open.count(), votes, "seed {seed}");
        assert!(
            votes <= panel::size(&FEW, instance),
            "seed {seed}: too many votes"
        );
    }
    for (old, new) in old.panels.iter().zip(&new.panels) {
        let Some(old) = old.as_ref().filter(|panel| !panel.seats.is_empty()) else {
            continue;
        };
        let new = new.as_ref().unwrap();
        let drawn = |panel: &Panel| {
            let jurors: Vec<u32> = panel.seats.iter().map(|seat| seat.juror).collect();
            (jurors, panel.seed.clone(), panel.root.clone(), panel.draw)
        };
        assert_eq!(drawn(new), drawn(old), "seed {seed}: another panel");
        for (old, new) in old.seats.iter().zip(&new.seats) {
            let is_final = matches!(old.state(), SeatState::Opened | SeatState::Void);
            assert!(
                !is_final || old == new,
                "seed {seed}: a vote twice, or changed"
            );
        }
    }
}

#[test]
fn every_order_of_acts_and_clocks_comes_to_an_end() {
    let panel = [DisputeOutcome::PanelUpheld, DisputeOutcome::PanelDismissed];
    let (outcomes, verdicts, _) = play(FEW, 90);
    assert!(
        panel.iter().all(|o| outcomes.contains(&(*o as i32))),
        "{outcomes:?}"
    );
    assert!(outcomes.len() >= 5, "{outcomes:?}");
    assert!(verdicts.len() >= 3, "{verdicts:?}");
}

/// The same where draws wait for a beacon, which comes or doesn't.
#[test]
fn every_order_with_a_beacon_comes_to_an_end() {
    let terms = touchstone_proto::ledger::ReviewTerms {
        beacon: Some(beacons::named()),
        ..FEW
    };
    let (outcomes, verdicts, pulses) = play(terms, 60);
    assert!(outcomes.len() >= 4, "{outcomes:?}");
    assert!(verdicts.len() >= 3, "{verdicts:?}");
    assert!(pulses.iter().all(|many| *many >= 2), "{pulses:?}");
}

/// Plays so many games; the outcomes and verdicts, and how many draws with a panel took a pulse, and didn't.
fn play(
    terms: touchstone_proto::ledger::ReviewTerms,
    games: u64,
) -> (BTreeSet<i32>, BTreeSet<i32>, [usize; 2]) {
    let jury = Jury::of(20);
    let (start, subject, first) = countered(&jury, terms);
    let mut pulses = [0; 2];
    let mut outcomes = BTreeSet::new();
    let mut verdicts = BTreeSet::new();
    for seed in 0..games {
        let mut chain = start.clone();
        let mut id = first;
        let mut draws =
            stream(seed).map(|hash| usize::from(u16::from_be_bytes([hash[0], hash[1]])));
        let mut draw = |below: usize| draws.next().unwrap() % below;
        if draw(4) == 0 {
            let other = Action::GiveNotice(notice(&subject, "another"));
            id = chain.run_for_id(MAKER, other).unwrap();
        }
        for _ in 0..200 {
            let before = look(&chain, &id);
            let mut waits = before.dispute.clone();
            if draw(24) == 0 {
                let hours = [1, 5, 23, 24 * 3, 24 * 8, 24 * 16][draw(6)];
                let later = chain.time_ms + hours * HOUR_MS;
                chain.time_ms = later.min(waits.deadline_ms.max(chain.time_ms));
                chain.commit(&[]);
            } else {
                let action = act(&chain, &jury, &id, &mut draw);
                // A block does its own work first.
                if chain.context().time_ms > waits.deadline_ms {
                    let mut later = chain.clone();
                    later.commit(&[]);
                    waits = dispute_of(&later, &id);
                }
                let is_reveal = matches!(action, Action::RevealPreimage(_) | Action::ShowPulse(_));
                let accepted = chain.run(PARTIES[draw(4)], action).is_ok();
                let in_time = chain.time_ms <= waits.deadline_ms;
                assert!(
                    !accepted || is_reveal || in_time,
                    "seed {seed}: after a deadline"
                );
            }
            check_step(seed, &before, &look(&chain, &id));
        }
        // Nobody acts any more: the deadlines lead to the end, and the longest way has this many.
        for _ in 0..8 {
            if dispute_of(&chain, &id).phase() != DisputePhase::Ended {
                pass_deadline(&mut chain, &id);
            }
        }
        let ended = dispute_of(&chain, &id);
        assert_eq!(ended.phase(), DisputePhase::Ended, "seed {seed}");
        outcomes.insert(ended.outcome);
        for result in ended.review.unwrap_or_default().results {
            verdicts.insert(result.verdict);
        }
        let tally: DisputeTally = chain.state.message(&keys::subject_tally(&subject)).unwrap();
        let all = tally.upheld + tally.withdrawn + tally.by_default;
        let all = all + tally.panel_upheld + tally.panel_dismissed;
        assert_eq!(tally.notices, all + tally.open, "seed {seed}");
        for panel in look(&chain, &id).panels.into_iter().flatten() {
            let draw: Draw = chain
                .state
                .message(&keys::draw(panel.draw))
                .unwrap_or_default();
            if let Some(taken) = draw.beacon.filter(|_| !panel.seats.is_empty()) {
                pulses[usize::from(taken.pulse.is_none())] += 1;
            }
        }
    }
    (outcomes, verdicts, pulses)
}

/// The block's own work may come to a deadline later; nobody acts after it nevertheless.
#[test]
fn nobody_acts_after_a_deadline_of_a_review() {
    let (mut chain, jury, id) = drawn();
    let cast = |chain: &Chain, seat| {
        let place = place(chain, &id, 0, seat);
        Action::CastBallot(jury.cast(&chain.id, &place, UPHOLD))
    };
    let deadline_ms = dispute_of(&chain, &id).deadline_ms;
    let mut late = chain.clone();
    late.time_ms = deadline_ms - 1000;
    assert_eq!(
        late.check(&late.sign(MARKET, cast(&late, 0))),
        Ok(()),
        "the last moment"
    );
    late.time_ms = deadline_ms;
    assert!(late.check(&late.sign(MARKET, cast(&late, 0))).is_err());
    for seat in 0..3 {
        let action = cast(&chain, seat);
        chain.run(MARKET, action).unwrap();
    }
    let sealed = panel_of(&chain, &id, 0).seats[0].commitment.clone();
    let open = jury.open(&chain.id, &place(&chain, &id, 0, 0), &sealed);
    let open = Action::OpenBallot(open.unwrap());
    let deadline_ms = dispute_of(&chain, &id).deadline_ms;
    chain.time_ms = deadline_ms - 1000;
    assert_eq!(chain.check(&chain.sign(MARKET, open.clone())), Ok(()));
    chain.time_ms = deadline_ms;
    assert!(chain.check(&chain.sign(MARKET, open)).is_err());
}
