mod acts;
mod devices;
mod orders;

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DisputeTally, ReviewChoice, SeatState};

use super::*;
use crate::designs::DesignRejection;
use crate::designs::limits::{HOUR_MS, MAX_HOURS};
use crate::governance::review_terms::DEFAULT;
use crate::rejection::Rejection;
use crate::test_support::disputes::{filing, withdrawal};
use crate::test_support::reviews::{
    FEW, Jury, accept, appeal, countered, dispute_again, dispute_of, draw_panel, open_review,
    panel_of, place, vote,
};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, change};

const DAY_MS: u64 = 24 * HOUR_MS;
const UPHOLD: ReviewChoice = ReviewChoice::Uphold;
const DISMISS: ReviewChoice = ReviewChoice::Dismiss;

fn refused(chain: &Chain, who: (&str, u8), action: Action) -> ReviewRejection {
    match chain.check(&chain.sign(who, action)) {
        Err(Rejection::Review(rejection)) => rejection,
        other => panic!("not refused by a rule of reviews: {other:?}"),
    }
}

/// A dispute under review, whose panel of three is drawn.
fn drawn() -> (Chain, Jury, Hash) {
    let jury = Jury::of(20);
    let (mut chain, _, id) = countered(&jury, FEW);
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    draw_panel(&mut chain);
    (chain, jury, id)
}

fn review_of(chain: &Chain, id: &Hash) -> Review {
    dispute_of(chain, id).review.unwrap()
}

/// Empty blocks until the deadline of a dispute's phase has passed.
fn pass_deadline(chain: &mut Chain, id: &Hash) {
    let deadline_ms = dispute_of(chain, id).deadline_ms;
    chain.time_ms = chain.time_ms.max(deadline_ms);
    let hours = deadline_ms / HOUR_MS;
    for _ in 0..4 + hours / MAX_HOURS {
        chain.commit(&[]);
        if dispute_of(chain, id).deadline_ms != deadline_ms {
            break;
        }
        if dispute_of(chain, id).phase() == DisputePhase::Ended {
            break;
        }
    }
}

/// Alibaba's figures: 31 jurors, more than half of whom decide.
#[test]
fn a_panel_of_31_decides_and_the_dispute_ends_by_its_verdict() {
    let jury = Jury::of(200);
    let (mut chain, subject, id) = countered(&jury, DEFAULT);
    let opened = open_review(&id, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    let waiting = dispute_of(&chain, &id);
    assert_eq!(waiting.phase(), DisputePhase::Review);
    assert_eq!(review_of(&chain, &id).phase(), ReviewPhase::Drawing);
    draw_panel(&mut chain);
    assert_eq!(review_of(&chain, &id).phase(), ReviewPhase::Committing);
    let panel = panel_of(&chain, &id, 0);
    assert_eq!((panel.seats.len(), panel.count), (62, 200));
    let votes: Vec<_> = (0..31)
        .map(|n| if n < 15 { DISMISS } else { UPHOLD })
        .collect();
    vote(&mut chain, &jury, &id, 0, &votes);
    let review = review_of(&chain, &id);
    assert_eq!(review.phase(), ReviewPhase::Decided);
    let result = &review.results[0];
    assert_eq!(
        (result.verdict(), result.uphold, result.dismiss),
        (PanelVerdict::Upheld, 16, 15)
    );
    assert_eq!(dispute_of(&chain, &id).phase(), DisputePhase::Review);
    pass_deadline(&mut chain, &id);
    let ended = dispute_of(&chain, &id);
    assert_eq!(ended.outcome(), DisputeOutcome::PanelUpheld);
    assert!(!dispute::is_default(ended.outcome()), "a panel decided");
    assert_eq!(finality(&ended), Some(Finality::NotAppealed));
    assert_eq!(
        (ended.reasons, ended.rule_book),
        (result.reasons.clone(), vec![5; 32])
    );
    for key in [keys::subject_tally(&subject), keys::party_tally(CARRIER.0)] {
        let tally: DisputeTally = chain.state.message(&key).unwrap();
        assert_eq!(
            (tally.open, tally.panel_upheld, tally.by_default),
            (0, 1, 0)
        );
    }
}

/// Without a verdict the complainant has its fifteen days for a filing again, and the question isn't put to another
/// panel.
#[test]
fn without_a_verdict_the_dispute_waits_for_a_filing_again() {
    let table: [(&[ReviewChoice], PanelVerdict); 3] = [
        (&[], PanelVerdict::NoQuorum),
        (&[UPHOLD], PanelVerdict::NoQuorum),
        (&[UPHOLD, DISMISS], PanelVerdict::NoMajority),
    ];
    for (votes, verdict) in table {
        let (mut chain, jury, id) = drawn();
        for (seat, choice) in votes.iter().enumerate() {
            let cast = jury.cast(&chain.id, &place(&chain, &id, 0, seat), *choice);
            chain.run(MARKET, Action::CastBallot(cast)).unwrap();
        }
        pass_deadline(&mut chain, &id);
        if verdict == PanelVerdict::NoMajority {
            for seat in 0..votes.len() {
                let place = place(&chain, &id, 0, seat);
                let sealed = panel_of(&chain, &id, 0).seats[seat].commitment.clone();
                let opening = jury.open(&chain.id, &place, &sealed).unwrap();
                chain.run(OFFICE, Action::OpenBallot(opening)).unwrap();
            }
        }
        let after = dispute_of(&chain, &id);
        assert_eq!(after.phase(), DisputePhase::Countered, "{verdict:?}");
        let review = review_of(&chain, &id);
        assert_eq!(
            (review.phase(), review.results[0].verdict()),
            (ReviewPhase::Ended, verdict)
        );
        let left_ms = after.deadline_ms - chain.time_ms;
        let fortnight_ms = u64::from(dispute_terms::DEFAULT.waiting_days) * DAY_MS;
        assert!((fortnight_ms - DAY_MS..=fortnight_ms + HOUR_MS).contains(&left_ms));
        for ground in [ReviewGround::Similarity, ReviewGround::LawfulSource] {
            let again = refused(&chain, CARRIER, open_review(&id, ground));
            assert_eq!(again, ReviewRejection::ReviewedBefore(id));
        }
        assert_eq!(
            chain.check(&chain.sign(MAKER, filing(&id, OFFICE.0))),
            Ok(())
        );
        pass_deadline(&mut chain, &id);
        let ended = dispute_of(&chain, &id);
        assert_eq!(ended.outcome(), DisputeOutcome::MeasuresEnd);
    }
}

#[test]
fn who_lost_appeals_once_to_a_larger_panel_of_others() {
    let (mut chain, jury, id) = drawn();
    vote(&mut chain, &jury, &id, 0, &[UPHOLD; 3]);
    let lost = |name: &str| DesignRejection::NotTheParty(name.into());
    for stranger in [MAKER, OFFICE, MARKET] {
        let by_winner = chain.check(&chain.sign(stranger, appeal(&id)));
        assert_eq!(by_winner, Err(lost(CARRIER.0).into()));
    }
    chain.run(CARRIER, appeal(&id)).unwrap();
    draw_panel(&mut chain);
    let first: Vec<u32> = panel_of(&chain, &id, 0)
        .seats
        .iter()
        .map(|s| s.juror)
        .collect();
    let second = panel_of(&chain, &id, 1);
    assert_eq!(second.seats.len(), 7, "five and two alternates");
    assert!(second.seats.iter().all(|seat| !first.contains(&seat.juror)));
    assert_ne!(second.seed, panel_of(&chain, &id, 0).seed);
    vote(&mut chain, &jury, &id, 1, &[DISMISS; 5]);
    let ended = dispute_of(&chain, &id);
    assert_eq!(ended.outcome(), DisputeOutcome::PanelDismissed);
    assert_eq!(finality(&ended), Some(Finality::OnAppeal));
    let review = ended.review.unwrap();
    assert_eq!((review.instance, review.results.len()), (1, 2));
    assert_eq!(
        (review.appellant.as_str(), review.appeal),
        (CARRIER.0, vec![6; 32])
    );
    let over = chain.check(&chain.sign(MAKER, appeal(&id)));
    assert!(over.is_err(), "an end is final");
}

/// Terms that are voted after a review was opened are for others: else the consortium would choose an appeal's panel.
#[test]
fn an_appeal_keeps_the_terms_of_its_review() {
    let (mut chain, jury, id) = drawn();
    vote(&mut chain, &jury, &id, 0, &[UPHOLD; 3]);
    let wanted = change(7, Kind::PutReviewTerms(DEFAULT));
    chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
    chain.run(CARRIER, appeal(&id)).unwrap();
    let (first, second) = (panel_of(&chain, &id, 0), panel_of(&chain, &id, 1));
    assert_eq!(second.terms, first.terms);
    draw_panel(&mut chain);
    assert_eq!(panel_of(&chain, &id, 1).seats.len(), 7);
}

#[test]
fn who_lost_may_accept_the_verdict() {
    let (mut chain, jury, id) = drawn();
    let early = refused(&chain, CARRIER, accept(&id));
    let drawn = ReviewRejection::OtherReviewPhase(phase_name(ReviewPhase::Committing));
    assert_eq!(early, drawn);
    vote(&mut chain, &jury, &id, 0, &[UPHOLD; 3]);
    // Nor does the platform, for one that speaks for itself.
    for other in [MAKER, MARKET] {
        let by_other = chain.check(&chain.sign(other, accept(&id)));
        let lost = DesignRejection::NotTheParty(CARRIER.0.into());
        assert_eq!(by_other, Err(lost.into()));
    }
    assert_eq!(finality(&dispute_of(&chain, &id)), None, "not yet");
    chain.run(CARRIER, accept(&id)).unwrap();
    let ended = dispute_of(&chain, &id);
    assert_eq!(finality(&ended), Some(Finality::Accepted));
    assert_eq!(ended.outcome(), DisputeOutcome::PanelUpheld);
    assert_eq!(ended.ended_ms, chain.time_ms);
    assert!(chain.check(&chain.sign(CARRIER, appeal(&id))).is_err());
}

/// No dead end: at its deadline a review leads on from each phase by itself. Nobody reveals, nobody casts, nobody
/// opens, nobody appeals.
#[test]
fn each_phase_of_a_review_ends_by_itself() {
    for (phase, after, verdict) in [
        (
            ReviewPhase::Drawing,
            DisputePhase::Countered,
            PanelVerdict::NoPanel,
        ),
        (
            ReviewPhase::Committing,
            DisputePhase::Countered,
            PanelVerdict::NoQuorum,
        ),
        (
            ReviewPhase::Opening,
            DisputePhase::Countered,
            PanelVerdict::NoQuorum,
        ),
        (
            ReviewPhase::Decided,
            DisputePhase::Ended,
            PanelVerdict::Upheld,
        ),
    ] {
        let jury = Jury::of(20);
        let (mut chain, _, id) = countered(&jury, FEW);
        let opened = open_review(&id, ReviewGround::Similarity);
        chain.run(CARRIER, opened).unwrap();
        if phase == ReviewPhase::Drawing {
            // The draw takes blocks, and the chain stands still.
            chain.time_ms = dispute_of(&chain, &id).deadline_ms;
        } else {
            draw_panel(&mut chain);
        }
        if phase == ReviewPhase::Opening {
            for seat in 0..3 {
                let cast = jury.cast(&chain.id, &place(&chain, &id, 0, seat), UPHOLD);
                chain.run(MARKET, Action::CastBallot(cast)).unwrap();
            }
        }
        if phase == ReviewPhase::Decided {
            vote(&mut chain, &jury, &id, 0, &[UPHOLD; 3]);
        }
        assert_eq!(review_of(&chain, &id).phase(), phase);
        pass_deadline(&mut chain, &id);
        let ended = dispute_of(&chain, &id);
        let review = ended.review.clone().unwrap();
        assert_eq!((ended.phase(), review.phase()), (after, ReviewPhase::Ended));
        assert_eq!(review.results[0].verdict(), verdict, "{phase:?}");
    }
}

/// Who appeals and then sees to it that nobody votes gains nothing.
#[test]
fn an_appeal_without_a_verdict_leaves_the_first_one() {
    let (mut chain, jury, id) = drawn();
    vote(&mut chain, &jury, &id, 0, &[DISMISS; 3]);
    let platform = chain.check(&chain.sign(MARKET, appeal(&id)));
    let lost = DesignRejection::NotTheParty(MAKER.0.into());
    assert_eq!(
        platform,
        Err(lost.into()),
        "it speaks for respondents alone"
    );
    chain.run(MAKER, appeal(&id)).unwrap();
    draw_panel(&mut chain);
    pass_deadline(&mut chain, &id);
    let ended = dispute_of(&chain, &id);
    assert_eq!(ended.outcome(), DisputeOutcome::PanelDismissed);
    assert_eq!(finality(&ended), Some(Finality::OnAppeal));
    let verdicts: Vec<_> = ended
        .review
        .unwrap()
        .results
        .iter()
        .map(|r| r.verdict())
        .collect();
    assert_eq!(verdicts, [PanelVerdict::Dismissed, PanelVerdict::NoQuorum]);
}

/// An authority goes before a panel, in each phase; so does a withdrawal.
#[test]
fn a_filing_or_a_withdrawal_ends_the_review() {
    for phase in 0..4 {
        let jury = Jury::of(20);
        let (mut chain, _, id) = countered(&jury, FEW);
        chain
            .run(CARRIER, open_review(&id, ReviewGround::Similarity))
            .unwrap();
        if phase > 0 {
            draw_panel(&mut chain);
        }
        let cast = |chain: &Chain, seat| {
            let place = place(chain, &id, 0, seat);
            Action::CastBallot(jury.cast(&chain.id, &place, UPHOLD))
        };
        match phase {
            2 => (0..3).for_each(|seat| chain.run(MARKET, cast(&chain, seat)).unwrap()),
            3 => vote(&mut chain, &jury, &id, 0, &[UPHOLD; 3]),
            _ => {}
        }
        let mut withdrawn = chain.clone();
        withdrawn.run(MAKER, withdrawal(&id)).unwrap();
        assert_eq!(
            dispute_of(&withdrawn, &id).outcome(),
            DisputeOutcome::Withdrawn
        );
        chain.run(MAKER, filing(&id, OFFICE.0)).unwrap();
        for mut chain in [chain, withdrawn] {
            let before = dispute_of(&chain, &id);
            assert_eq!(finality(&before), None, "no verdict ended it");
            for _ in 0..10 {
                chain.commit(&[]);
            }
            assert_eq!(dispute_of(&chain, &id), before, "no draw changes it");
            if phase == 1 {
                assert!(chain.run(MARKET, cast(&chain, 0)).is_err());
            }
        }
    }
}

/// Opening again would be a way to choose a panel.
#[test]
fn there_is_one_panel_for_a_right_a_respondent_and_a_ground() {
    let jury = Jury::of(20);
    let (mut chain, subject, id) = countered(&jury, FEW);
    let other = dispute_again(&mut chain, &subject, "https://market.example/2");
    // A platform that wasted it would take it from its respondent for ever.
    let theirs = chain.check(&chain.sign(MARKET, open_review(&id, ReviewGround::Similarity)));
    let own = DesignRejection::NotTheParty(CARRIER.0.into());
    assert_eq!(theirs, Err(own.into()));
    chain
        .run(CARRIER, open_review(&id, ReviewGround::Similarity))
        .unwrap();
    let once = ReviewRejection::ReviewedBefore(id);
    let same = open_review(&other, ReviewGround::Similarity);
    assert_eq!(
        (once.code(), refused(&chain, CARRIER, same.clone())),
        (483, once.clone())
    );
    chain.run(MAKER, withdrawal(&id)).unwrap();
    assert_eq!(
        refused(&chain, CARRIER, same),
        once,
        "nor after a withdrawal"
    );
    chain
        .run(CARRIER, open_review(&other, ReviewGround::LawfulSource))
        .unwrap();
}
