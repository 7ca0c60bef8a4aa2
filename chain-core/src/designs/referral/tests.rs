use std::collections::{BTreeMap, BTreeSet};

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DisputeTally, DisputeTerms};

use super::*;
use crate::designs::DesignRejection;
use crate::designs::limits::HOUR_MS;
use crate::governance::dispute_terms::DEFAULT;
use crate::rejection::Rejection;
use crate::test_support::disputes::{
    AID, OTHER_AID, assisted, contest, counter, filing, measure, notice, opinion, refer, ruling,
    withdrawal,
};
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, change};

const DAY_MS: u64 = 24 * HOUR_MS;
const REMOVED: PlatformMeasure = PlatformMeasure::Removed;
const REFUSED: PlatformMeasure = PlatformMeasure::Refused;
const INFRINGES: CentreOpinion = CentreOpinion::Infringes;
const DOES_NOT: CentreOpinion = CentreOpinion::DoesNotInfringe;
const CONTESTED: CentreOpinion = CentreOpinion::Contested;

fn noticed() -> (Chain, Hash, Hash) {
    let (mut chain, subject) = assisted();
    let action = Action::GiveNotice(notice(&subject, "https://market.example/1"));
    let id = chain.run_for_id(MAKER, action).unwrap();
    (chain, subject, id)
}

fn record(chain: &Chain, id: &Hash) -> Dispute {
    chain.state.message(&keys::dispute(id)).unwrap()
}

fn refused(chain: &Chain, who: (&str, u8), action: Action) -> Rejection {
    chain.check(&chain.sign(who, action)).unwrap_err()
}

/// Empty blocks until a dispute's deadline is past.
fn pass_deadline(chain: &mut Chain, id: &Hash) {
    chain.time_ms = chain.time_ms.max(record(chain, id).deadline_ms);
    for _ in 0..60 {
        chain.commit(&[]);
    }
}

/// One step of a story: who does what.
type Step = ((&'static str, u8), fn(&Hash) -> Action);

const REFER: Step = (MARKET, |id| refer(id, AID.0));
const REFUSE: Step = (MARKET, |id| measure(id, REFUSED));
const CONTEST: Step = (MAKER, |id| contest(id, AID.0));
const YES: Step = (AID, |id| opinion(id, INFRINGES));
const NO: Step = (AID, |id| opinion(id, DOES_NOT));
const OPEN: Step = (AID, |id| opinion(id, CONTESTED));

fn after(steps: &[Step]) -> (Chain, Hash, Hash) {
    let (mut chain, subject, id) = noticed();
    for (who, action) in steps {
        chain.run(*who, action(&id)).unwrap();
    }
    (chain, subject, id)
}

/// Where each route leads, and what its phase's deadline makes where everybody is silent from there on.
#[test]
fn three_routes_and_their_defaults() {
    let table: [(&[Step], DisputePhase, DisputeRoute, DisputeOutcome); 10] = [
        (
            &[],
            DisputePhase::Noticed,
            DisputeRoute::Platform,
            DisputeOutcome::PlatformSilent,
        ),
        (
            &[REFUSE],
            DisputePhase::Refused,
            DisputeRoute::Platform,
            DisputeOutcome::Refused,
        ),
        (
            &[REFER],
            DisputePhase::Referred,
            DisputeRoute::Centre,
            DisputeOutcome::PlatformSilent,
        ),
        (
            &[REFER, YES],
            DisputePhase::Noticed,
            DisputeRoute::Centre,
            DisputeOutcome::PlatformSilent,
        ),
        (
            &[REFER, NO],
            DisputePhase::Refused,
            DisputeRoute::Centre,
            DisputeOutcome::CentreDismissed,
        ),
        (
            &[REFER, OPEN],
            DisputePhase::Refused,
            DisputeRoute::Centre,
            DisputeOutcome::NotFiled,
        ),
        (
            &[REFUSE, CONTEST],
            DisputePhase::Referred,
            DisputeRoute::Centre,
            DisputeOutcome::Refused,
        ),
        (
            &[REFUSE, CONTEST, YES],
            DisputePhase::Noticed,
            DisputeRoute::Centre,
            DisputeOutcome::PlatformSilent,
        ),
        (
            &[REFUSE, CONTEST, NO],
            DisputePhase::Refused,
            DisputeRoute::Centre,
            DisputeOutcome::CentreDismissed,
        ),
        (
            &[REFUSE, CONTEST, OPEN],
            DisputePhase::Refused,
            DisputeRoute::Centre,
            DisputeOutcome::Refused,
        ),
    ];
    for (steps, phase, expected, outcome) in table {
        let (mut chain, subject, id) = after(steps);
        let found = record(&chain, &id);
        assert_eq!((found.phase(), route(&found)), (phase, expected));
        check(&found).unwrap();
        // A silent centre leads back, and then somebody else is silent.
        for _ in 0..2 {
            pass_deadline(&mut chain, &id);
        }
        let ended = record(&chain, &id);
        assert_eq!(
            (ended.phase(), ended.outcome()),
            (DisputePhase::Ended, outcome),
            "{phase:?}"
        );
        check(&ended).unwrap();
        let tally: DisputeTally = chain.state.message(&keys::subject_tally(&subject)).unwrap();
        let by_default = u64::from(dispute::is_default(outcome));
        assert_eq!(
            (tally.open, tally.by_default),
            (0, by_default),
            "{outcome:?}"
        );
        let by_word = tally.refused + tally.centre_dismissed;
        assert_eq!(by_word, 1 - by_default, "{outcome:?}");
    }
}

/// A centre that is silent is told of, and the dispute stands again where it was asked.
#[test]
fn a_silent_centre_leads_back_to_who_asked() {
    for (steps, back) in [
        (&[REFER][..], DisputePhase::Noticed),
        (&[REFUSE, CONTEST][..], DisputePhase::Refused),
    ] {
        let (mut chain, _, id) = after(steps);
        let asked = record(&chain, &id);
        let term_ms = asked.deadline_ms - chain.time_ms;
        let days_ms = u64::from(DEFAULT.opinion_days) * DAY_MS;
        assert!((days_ms..days_ms + HOUR_MS).contains(&term_ms));
        chain.time_ms = asked.deadline_ms - 1000;
        assert_eq!(
            chain.check(&chain.sign(AID, opinion(&id, INFRINGES))),
            Ok(())
        );
        chain.time_ms = asked.deadline_ms;
        let late = refused(&chain, AID, opinion(&id, INFRINGES));
        assert!([471, 472].contains(&late.code()), "{late:?}");
        chain.commit(&[]);
        chain.commit(&[]);
        let found = record(&chain, &id);
        assert_eq!(found.phase(), back);
        assert!(found.deadline_ms > asked.deadline_ms);
        assert!(is_default(found.referral.as_ref().unwrap()));
        check(&found).unwrap();
        // Nobody asks again, neither the one nor the other.
        let again = Rejection::from(RouteRejection::AskedBefore(AID.0.into()));
        assert_eq!(again.code(), 855);
        let (who, action) = match back {
            DisputePhase::Noticed => (MARKET, refer(&id, OTHER_AID.0)),
            _ => (MAKER, contest(&id, OTHER_AID.0)),
        };
        assert_eq!(refused(&chain, who, action), again);
    }
}

#[test]
fn each_decision_is_bound_to_its_role() {
    let other = |name: &str| Rejection::from(DesignRejection::NotTheParty(name.into()));
    let (chain, _, id) = noticed();
    for who in [MAKER, CARRIER, OFFICE, AID] {
        assert_eq!(refused(&chain, who, refer(&id, AID.0)), other(MARKET.0));
    }
    for centre in [OFFICE.0, MARKET.0, MAKER.0, CARRIER.0, "nobody"] {
        let none = RouteRejection::NoCentre(centre.into());
        assert_eq!((none.code(), none.rule()), (856, "centre-role"));
        assert_eq!(
            refused(&chain, MARKET, refer(&id, centre)),
            Rejection::from(none)
        );
    }
    let (chain, _, id) = after(&[REFUSE]);
    for who in [MARKET, CARRIER, OFFICE, AID] {
        assert_eq!(refused(&chain, who, contest(&id, AID.0)), other(MAKER.0));
    }
    assert_eq!(
        refused(&chain, MAKER, contest(&id, OFFICE.0)),
        Rejection::from(RouteRejection::NoCentre(OFFICE.0.into()))
    );
    let (chain, _, id) = after(&[REFER]);
    for who in [MARKET, MAKER, CARRIER, OFFICE, OTHER_AID] {
        assert_eq!(refused(&chain, who, opinion(&id, INFRINGES)), other(AID.0));
    }
    let none = RouteRejection::NoOpinion;
    assert_eq!(none.code(), 858);
    assert_eq!(
        refused(&chain, AID, opinion(&id, CentreOpinion::Unspecified)),
        Rejection::from(none)
    );
    // A centre can't rule, and an office that was not asked can't either.
    let (mut chain, _, id) = after(&[REFUSE]);
    assert_eq!(
        refused(&chain, MAKER, filing(&id, AID.0)),
        Rejection::from(DesignRejection::NoAuthority(AID.0.into()))
    );
    chain.run(MAKER, filing(&id, OFFICE.0)).unwrap();
    assert_eq!(
        refused(&chain, AID, ruling(&id, DisputeOutcome::Upheld)),
        other(OFFICE.0)
    );
}

/// Who has lost the role before it answers gives no opinion.
#[test]
fn a_centre_without_its_role_gives_no_opinion() {
    let (mut chain, _, id) = after(&[REFER]);
    let mut centre: Organisation = chain.state.message(&keys::organisation(AID.0)).unwrap();
    centre.roles = vec![Role::Customs.into()];
    let wanted = change(300, Kind::PutOrganisation(centre));
    chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
    let lost = refused(&chain, AID, opinion(&id, INFRINGES));
    assert!(matches!(lost, Rejection::Role { .. }), "{lost:?}");
}

#[test]
fn a_party_is_no_centre() {
    let (mut chain, subject) = assisted();
    let mut wanted = notice(&subject, "x");
    wanted.respondent = AID.0.into();
    let id = chain.run_for_id(MAKER, Action::GiveNotice(wanted)).unwrap();
    let none = RouteRejection::NoCentre(AID.0.into());
    assert_eq!(
        refused(&chain, MARKET, refer(&id, AID.0)),
        Rejection::from(none)
    );
    assert_eq!(
        chain.check(&chain.sign(MARKET, refer(&id, OTHER_AID.0))),
        Ok(())
    );
}

/// The platform acts by an opinion for the notice; the respondent still has its declaration, and the way to the
/// authority stays open to the complainant.
#[test]
fn an_opinion_binds_the_platform_and_nobody_else() {
    for steps in [&[REFER, YES][..], &[REFUSE, CONTEST, YES][..]] {
        let (mut chain, _, id) = after(steps);
        let bound = RouteRejection::OpinionBinds(AID.0.into());
        assert_eq!(bound.code(), 857);
        assert_eq!(
            refused(&chain, MARKET, measure(&id, REFUSED)),
            Rejection::from(bound)
        );
        let again = RouteRejection::AskedBefore(AID.0.into());
        assert_eq!(
            refused(&chain, MARKET, refer(&id, OTHER_AID.0)),
            Rejection::from(again)
        );
        chain.run(MARKET, measure(&id, REMOVED)).unwrap();
        chain.run(CARRIER, counter(&id)).unwrap();
        chain.run(MAKER, filing(&id, OFFICE.0)).unwrap();
        chain
            .run(OFFICE, ruling(&id, DisputeOutcome::Dismissed))
            .unwrap();
        assert_eq!(record(&chain, &id).outcome(), DisputeOutcome::Dismissed);
        check(&record(&chain, &id)).unwrap();
    }
    for steps in [&[REFUSE][..], &[REFER, NO][..], &[REFER, OPEN][..]] {
        let (mut chain, _, id) = after(steps);
        chain.run(MAKER, filing(&id, OFFICE.0)).unwrap();
        let filed = record(&chain, &id);
        assert_eq!(
            (filed.phase(), route(&filed)),
            (DisputePhase::Filed, DisputeRoute::Authority)
        );
    }
    // No measures: the respondent has nothing to declare against.
    let (chain, _, id) = after(&[REFUSE]);
    let phase = DesignRejection::OtherPhase(dispute::phase_name(DisputePhase::Refused));
    assert_eq!(
        refused(&chain, CARRIER, counter(&id)),
        Rejection::from(phase)
    );
}

/// Each term is the consortium's.
#[test]
fn terms_are_voted() {
    let (mut chain, subject) = assisted();
    let wanted = DisputeTerms {
        answer_days: 2,
        declaration_days: 3,
        waiting_days: 4,
        ruling_days: 5,
        opinion_days: 6,
        escalation_days: 8,
        ..DEFAULT
    };
    let put = change(400, Kind::PutDisputeTerms(wanted));
    chain.approve(&[MARKET, CARRIER, MAKER], &put);
    let give = Action::GiveNotice(notice(&subject, "x"));
    let id = chain.run_for_id(MAKER, give).unwrap();
    let days = |chain: &Chain| (record(chain, &id).deadline_ms - chain.time_ms) / DAY_MS;
    assert_eq!(days(&chain), 2);
    let steps: [(Step, u64); 6] = [
        (REFUSE, 8),
        (CONTEST, 6),
        (YES, 2),
        ((MARKET, |id| measure(id, REMOVED)), 3),
        ((CARRIER, counter), 4),
        ((MAKER, |id| filing(id, OFFICE.0)), 5),
    ];
    for ((who, action), expected) in steps {
        chain.run(who, action(&id)).unwrap();
        assert_eq!(days(&chain), expected, "{:?}", record(&chain, &id).phase());
    }
}

/// A withdrawal ends a question too, and no record of it says that the centre was silent.
#[test]
fn a_withdrawal_ends_a_question() {
    let (mut chain, _, id) = after(&[REFER]);
    chain.run(MAKER, withdrawal(&id)).unwrap();
    let ended = record(&chain, &id);
    let asked = ended.referral.clone().unwrap();
    assert_eq!(
        (ended.outcome(), asked.closed_ms),
        (DisputeOutcome::Withdrawn, chain.time_ms)
    );
    assert!(!is_default(&asked));
    check(&ended).unwrap();
}

/// All orders of all acts, and of everybody's silence, to the end: every state that a dispute can come to is visited
/// once. No dead end: each phase ends or leads on at its deadline. No act after it. No centre asked twice.
#[test]
fn all_orders_of_acts_and_silence_end() {
    let acts: [Step; 15] = [
        REFER,
        REFUSE,
        CONTEST,
        YES,
        NO,
        OPEN,
        (MARKET, |id| measure(id, REMOVED)),
        (MAKER, |id| contest(id, OTHER_AID.0)),
        (MARKET, |id| refer(id, OTHER_AID.0)),
        (CARRIER, counter),
        (MAKER, |id| filing(id, OFFICE.0)),
        (OFFICE, |id| ruling(id, DisputeOutcome::Upheld)),
        (OFFICE, |id| ruling(id, DisputeOutcome::FalseNotice)),
        (OFFICE, |id| ruling(id, DisputeOutcome::FalseDeclaration)),
        (MAKER, withdrawal),
    ];
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut outcomes: BTreeMap<i32, usize> = BTreeMap::new();
    let mut silences: BTreeSet<i32> = BTreeSet::new();
    let (chain, _, id) = noticed();
    let mut waiting = vec![(chain, 0)];
    while let Some((chain, depth)) = waiting.pop() {
        let before = record(&chain, &id);
        check(&before).unwrap();
        if before.phase() == DisputePhase::Ended {
            *outcomes.entry(before.outcome).or_default() += 1;
            for (who, action) in &acts {
                assert!(
                    chain.check(&chain.sign(*who, action(&id))).is_err(),
                    "an end is final"
                );
            }
            continue;
        }
        assert!(depth < 12, "a dispute goes on for ever: {before:?}");
        let mut late = chain.clone();
        late.time_ms = before.deadline_ms;
        // A silent centre leads back, so that others may act then; it itself can't.
        let is_back = before.phase() == DisputePhase::Referred;
        let of_phase = acts.iter().filter(|(who, _)| !is_back || *who == AID);
        for (who, action) in of_phase {
            let done = late.check(&late.sign(*who, action(&id)));
            assert!(done.is_err(), "{:?} after its deadline", before.phase());
        }
        pass_deadline(&mut late, &id);
        let silent = record(&late, &id);
        let moved = silent.phase() != before.phase() || silent.deadline_ms > before.deadline_ms;
        assert!(moved, "a dead end in {:?}", before.phase());
        silences.insert(before.phase);
        let mut next = vec![late];
        for (who, action) in &acts {
            let mut other = chain.clone();
            if other.run(*who, action(&id)).is_ok() {
                let after = record(&other, &id);
                let asked =
                    [&before, &after].map(|d| d.referral.as_ref().map(|r| r.centre.clone()));
                assert!(
                    asked[0].is_none() || asked[0] == asked[1],
                    "a centre was asked twice"
                );
                next.push(other);
            }
        }
        for other in next {
            let found = record(&other, &id);
            let referral = found.referral.as_ref();
            let place = format!(
                "{:?} {:?} {:?} {:?} {}",
                found.phase(),
                found.outcome(),
                found.measure(),
                referral.map(|r| (r.opinion(), r.closed_ms > 0, r.by.clone())),
                found.declaration.is_empty()
            );
            if seen.insert(place) {
                waiting.push((other, depth + 1));
            }
        }
    }
    let all = [
        DisputePhase::Noticed,
        DisputePhase::Measures,
        DisputePhase::Countered,
        DisputePhase::Filed,
        DisputePhase::Referred,
        DisputePhase::Refused,
    ];
    assert_eq!(silences, BTreeSet::from(all.map(|phase| phase as i32)));
    for outcome in [
        DisputeOutcome::Refused,
        DisputeOutcome::Withdrawn,
        DisputeOutcome::Upheld,
        DisputeOutcome::FalseNotice,
        DisputeOutcome::FalseDeclaration,
        DisputeOutcome::PlatformSilent,
        DisputeOutcome::MeasuresStand,
        DisputeOutcome::MeasuresEnd,
        DisputeOutcome::NoRuling,
        DisputeOutcome::CentreDismissed,
        DisputeOutcome::NotFiled,
    ] {
        assert!(
            outcomes.contains_key(&(outcome as i32)),
            "{outcome:?} was never reached"
        );
    }
}

/// A record that is shown from outside and didn't go by the rules is refused.
#[test]
fn a_bent_question_is_refused() {
    type Bend = fn(&mut Dispute, &mut Referral);
    let bends: [Bend; 12] = [
        |_, r| r.opinion = 0,
        |_, r| r.opinion_reasons.clear(),
        |_, r| r.opinion_rule_book.clear(),
        |_, r| r.reasons.clear(),
        |_, r| r.closed_ms = r.deadline_ms + 1,
        |_, r| r.closed_ms = r.referred_ms - 1,
        |_, r| r.centre = MARKET.0.into(),
        |_, r| r.centre = CARRIER.0.into(),
        |_, r| r.by = CARRIER.0.into(),
        |_, r| r.rule_book.clear(),
        |d, _| d.phase = DisputePhase::Referred.into(),
        |d, r| {
            d.phase = DisputePhase::Ended.into();
            d.outcome = DisputeOutcome::CentreDismissed.into();
            r.opinion = CONTESTED.into();
        },
    ];
    let (chain, _, id) = after(&[REFER, NO]);
    let good = record(&chain, &id);
    check(&good).unwrap();
    for (number, bend) in bends.into_iter().enumerate() {
        let mut bent = good.clone();
        let mut asked = bent.referral.take().unwrap();
        bend(&mut bent, &mut asked);
        bent.referral = Some(asked);
        assert_eq!(check(&bent), Err(BadCase::Referral), "bend {number}");
    }
    let mut none = good;
    none.referral = None;
    assert_eq!(check(&none), Ok(()));
    none.phase = DisputePhase::Referred.into();
    assert_eq!(check(&none), Err(BadCase::Referral));
    none.phase = DisputePhase::Ended.into();
    none.outcome = DisputeOutcome::CentreDismissed.into();
    assert_eq!(check(&none), Err(BadCase::Referral));
}
