//! Questions to assistance centres and rulings of false statements in evidence files: they come with their dispute,
//! and nothing of them can be bent.

use touchstone_proto::ledger::{
    CentreOpinion, Dispute, DisputeOutcome, DisputePhase, FalseStatements, PlatformMeasure,
    Referral,
};

use super::dishonest::{anchored, told_values};
use super::*;
use crate::state::keys;
use crate::test_support::cases::ruled;
use crate::test_support::disputes::{
    AID, assisted, contest, counter, filing, measure, notice, opinion, refer, ruling,
};

/// What a file shows of a design whose disputes went three routes.
pub(super) struct Routed {
    pub chain: Chain,
    pub design: Hash,
    pub additions: Additions,
}

/// A notice that was found false; one that a centre's opinion is against; one that the platform refused and the centre
/// left unanswered; one that the centre's opinion is for, against which the respondent declared falsely.
pub(super) fn routed() -> Routed {
    let (mut chain, design) = assisted();
    let first = ruled(&mut chain, &design, "1", DisputeOutcome::FalseNotice);
    let noticed = |chain: &mut Chain, listing: &str| {
        let action = Action::GiveNotice(notice(&design, listing));
        chain.run_for_id(MAKER, action).unwrap()
    };
    let second = noticed(&mut chain, "2");
    let third = noticed(&mut chain, "3");
    let fourth = noticed(&mut chain, "4");
    let steps = [
        (MARKET, refer(&second, AID.0)),
        (AID, opinion(&second, CentreOpinion::DoesNotInfringe)),
        (MARKET, measure(&third, PlatformMeasure::Refused)),
        (MAKER, contest(&third, AID.0)),
        (MARKET, refer(&fourth, AID.0)),
        (AID, opinion(&fourth, CentreOpinion::Infringes)),
        (MARKET, measure(&fourth, PlatformMeasure::Removed)),
        (CARRIER, counter(&fourth)),
        (MAKER, filing(&fourth, OFFICE.0)),
        (OFFICE, ruling(&fourth, DisputeOutcome::FalseDeclaration)),
    ];
    for (who, action) in steps {
        chain.run(who, action).unwrap();
    }
    let third_record: Dispute = chain.state.message(&keys::dispute(&third)).unwrap();
    chain.time_ms = third_record.deadline_ms;
    chain.commit(&[]);
    chain.commit(&[]);
    let fifth = noticed(&mut chain, "5");
    let removed = measure(&fifth, PlatformMeasure::Removed);
    chain.run(MARKET, removed).unwrap();
    chain.run(CARRIER, counter(&fifth)).unwrap();
    let mut disputes = vec![first, second, third, fourth, fifth];
    disputes.sort_unstable();
    Routed {
        chain,
        design,
        additions: Additions {
            disputes,
            questions: vec![],
        },
    }
}

fn file_of(told: &Routed) -> Evidence {
    let subject = Subject::Design(told.design);
    collect_with(&told.chain, &subject, &told.additions).unwrap()
}

#[test]
fn routes_and_false_statements_come_with_their_dispute() {
    let told = routed();
    let report = examine(&seal(&file_of(&told)), &trusting(&told.chain));
    assert_eq!(report.failure(), None);
    let result = report.check(Element::Disputes).unwrap().result;
    assert_eq!(result, CheckResult::Reservation);
    let fact = report.facts.disputes.as_ref().unwrap();
    let tally = &fact.tally;
    assert_eq!(
        (tally.notices, tally.open, tally.centre_dismissed),
        (5, 2, 1)
    );
    assert_eq!((tally.false_notices, tally.false_declarations), (1, 1));
    let mut shown: Vec<&Dispute> = fact.shown.iter().map(|one| &one.dispute).collect();
    shown.sort_by_key(|dispute| dispute.listing.clone());
    let [first, second, third, fourth, fifth] = shown[..] else {
        panic!("five disputes")
    };
    let opinion = |dispute: &Dispute| dispute.referral.as_ref().map(Referral::opinion);
    assert_eq!((opinion(first), opinion(fifth)), (None, None));
    assert_eq!(opinion(second), Some(CentreOpinion::DoesNotInfringe));
    assert_eq!(opinion(fourth), Some(CentreOpinion::Infringes));
    assert_eq!(second.outcome(), DisputeOutcome::CentreDismissed);
    assert_eq!(third.phase(), DisputePhase::Refused);
    assert!(crate::designs::referral::is_default(
        third.referral.as_ref().unwrap()
    ));
    let found = |notices, declarations| {
        Some(FalseStatements {
            notices,
            declarations,
        })
    };
    assert_eq!(
        (&first.complainant_before, &second.complainant_before),
        (&None, &found(1, 0))
    );
    assert_eq!(
        (&fourth.respondent_before, &fifth.respondent_before),
        (&None, &found(0, 1))
    );
}

/// A proven record whose question didn't go by the rules is refused, as is one whose outcome nobody counted.
#[test]
fn bent_questions_are_refused() {
    let told = routed();
    let file = file_of(&told);
    let dispute = |listing: &str| {
        let ids = told.additions.disputes.iter();
        let mut found = ids.map(|id| {
            (
                keys::dispute(id),
                told.chain.state.message(&keys::dispute(id)),
            )
        });
        let found =
            found.find(|(_, d): &(_, Option<Dispute>)| d.as_ref().unwrap().listing == listing);
        let (key, record) = found.unwrap();
        (key, record.unwrap())
    };
    type Bend = fn(&mut Dispute);
    let bends: [(&str, &str, Bend); 6] = [
        ("a party's centre", "2", |d| {
            d.referral.as_mut().unwrap().centre = MARKET.0.into()
        }),
        ("no reasons", "2", |d| {
            d.referral.as_mut().unwrap().opinion_reasons.clear()
        }),
        ("late", "2", |d| {
            d.referral.as_mut().unwrap().closed_ms = u64::MAX
        }),
        ("another opinion", "2", |d| {
            d.referral.as_mut().unwrap().opinion = 1
        }),
        ("no question", "2", |d| d.referral = None),
        ("asked by nobody", "3", |d| {
            d.referral.as_mut().unwrap().by = CARRIER.0.into()
        }),
    ];
    for (name, listing, bend) in bends {
        let (key, mut record) = dispute(listing);
        bend(&mut record);
        let liar = told_values(&told.chain, &[(key, record.encode_to_vec())]);
        let lied = anchored(&file, &liar, &[]);
        let report = examine(&seal(&lied), &trusting(&liar));
        let failure = report.failure().map(|(element, _)| element);
        assert_eq!(failure, Some(Element::Disputes), "{name}");
    }
}
