use touchstone_proto::ledger::transaction::Action;

use super::*;
use crate::test_support::cases::ruled;
use crate::test_support::disputes::{measure, notice, withdrawal};
use crate::test_support::rights::designed;
use crate::test_support::{Chain, MAKER, MARKET};

fn record(chain: &Chain, id: &Hash) -> Dispute {
    chain.state.message(&keys::dispute(id)).unwrap()
}

fn notices(chain: &Chain, listing: &str) -> Option<ListingNotices> {
    let key = keys::listing_notices(&place(MARKET.0, listing));
    chain.state.message(&key)
}

/// From the last notice about a listing one comes to each before it, and to no other listing's.
#[test]
fn a_listings_notices_hang_together() {
    let (mut chain, subject) = designed();
    let mut given = Vec::new();
    for listing in ["x", "y", "x", "x"] {
        let action = Action::GiveNotice(notice(&subject, listing));
        let id = chain.run_for_id(MAKER, action).unwrap();
        chain.run(MAKER, withdrawal(&id)).unwrap();
        given.push(id);
    }
    let found = notices(&chain, "x").unwrap();
    assert_eq!((found.last, found.count), (given[3].to_vec(), 3));
    assert_eq!(record(&chain, &given[3]).previous, given[2]);
    assert_eq!(record(&chain, &given[2]).previous, given[0]);
    assert!(record(&chain, &given[0]).previous.is_empty());
    let other = notices(&chain, "y").unwrap();
    assert_eq!((other.last, other.count), (given[1].to_vec(), 1));
    assert!(record(&chain, &given[1]).previous.is_empty());
    assert_eq!(notices(&chain, "z"), None);
}

#[test]
fn platforms_and_listings_are_told_apart() {
    assert_ne!(place("a", "bc"), place("ab", "c"));
    assert_ne!(place("a", "b"), place("b", "a"));
}

/// Each phase and outcome: whether a measure that was taken is in force.
#[test]
fn a_measure_is_in_force_until_its_dispute_lifts_it() {
    type Row = (DisputePhase, DisputeOutcome, bool);
    let open = |phase| (phase, DisputeOutcome::Unspecified, true);
    let ended = |outcome, stands| (DisputePhase::Ended, outcome, stands);
    let rows: [Row; 18] = [
        open(DisputePhase::Measures),
        open(DisputePhase::Countered),
        open(DisputePhase::Review),
        open(DisputePhase::Filed),
        ended(DisputeOutcome::Upheld, true),
        ended(DisputeOutcome::PanelUpheld, true),
        ended(DisputeOutcome::FalseDeclaration, true),
        ended(DisputeOutcome::MeasuresStand, true),
        ended(DisputeOutcome::Dismissed, false),
        ended(DisputeOutcome::PanelDismissed, false),
        ended(DisputeOutcome::CentreDismissed, false),
        ended(DisputeOutcome::FalseNotice, false),
        ended(DisputeOutcome::Withdrawn, false),
        ended(DisputeOutcome::MeasuresEnd, false),
        ended(DisputeOutcome::NoRuling, false),
        ended(DisputeOutcome::PlatformSilent, false),
        ended(DisputeOutcome::Refused, false),
        ended(DisputeOutcome::NotFiled, false),
    ];
    for (phase, outcome, stands) in rows {
        let taken = |measure: PlatformMeasure| Dispute {
            phase: phase.into(),
            outcome: outcome.into(),
            measure: measure.into(),
            ..Dispute::default()
        };
        let found = measure_in_force(&taken(PlatformMeasure::Blocked));
        let expected = stands.then_some(PlatformMeasure::Blocked);
        assert_eq!(found, expected, "{phase:?} {outcome:?}");
        for none in [PlatformMeasure::Refused, PlatformMeasure::Unspecified] {
            assert_eq!(measure_in_force(&taken(none)), None, "{phase:?}");
        }
    }
}

/// On the chain: what a platform did, and what an authority made of it.
#[test]
fn what_is_in_force_follows_the_dispute() {
    let (mut chain, subject) = designed();
    let action = Action::GiveNotice(notice(&subject, "x"));
    let id = chain.run_for_id(MAKER, action).unwrap();
    let in_force = |chain: &Chain, id: &Hash| measure_in_force(&record(chain, id));
    assert_eq!(in_force(&chain, &id), None);
    let removed = measure(&id, PlatformMeasure::Removed);
    chain.run(MARKET, removed).unwrap();
    assert_eq!(in_force(&chain, &id), Some(PlatformMeasure::Removed));
    chain.run(MAKER, withdrawal(&id)).unwrap();
    assert_eq!(in_force(&chain, &id), None);
    let upheld = ruled(&mut chain, &subject, "y", DisputeOutcome::Upheld);
    assert!(in_force(&chain, &upheld).is_some());
    let dismissed = ruled(&mut chain, &subject, "z", DisputeOutcome::Dismissed);
    assert_eq!(in_force(&chain, &dismissed), None);
}
