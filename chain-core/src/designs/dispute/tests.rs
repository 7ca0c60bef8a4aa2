use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    Dispute, DueDisputes, EndRight, PlatformMeasure, PutStanding, Standing,
};

use super::*;
use crate::designs::limits::{HOUR_MS, MAX_DUE, MAX_HOURS};
use crate::governance::dispute_terms::DEFAULT;
use crate::rejection::Rejection;
use crate::test_support::cases::lead_to;
use crate::test_support::disputes::{counter, filing, measure, notice, ruling, withdrawal};
use crate::test_support::rights::designed;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, change, stream};

const DAY_MS: u64 = 24 * HOUR_MS;
const ANSWER_DAYS: u64 = DEFAULT.answer_days as u64;
const DECLARATION_DAYS: u64 = DEFAULT.declaration_days as u64;
const WAITING_DAYS: u64 = DEFAULT.waiting_days as u64;
const RULING_DAYS: u64 = DEFAULT.ruling_days as u64;
const PARTIES: [(&str, u8); 4] = [MARKET, CARRIER, MAKER, OFFICE];

fn noticed() -> (Chain, Hash, Hash) {
    let (mut chain, subject) = designed();
    let action = Action::GiveNotice(notice(&subject, "https://market.example/1"));
    let id = chain.run_for_id(MAKER, action).unwrap();
    (chain, subject, id)
}

fn record(chain: &Chain, id: &Hash) -> Dispute {
    chain.state.message(&keys::dispute(id)).unwrap()
}

fn refused(chain: &Chain, who: (&str, u8), action: Action) -> DesignRejection {
    match chain.check(&chain.sign(who, action)) {
        Err(Rejection::Design(rejection)) => rejection,
        other => panic!("not refused by a rule of designs: {other:?}"),
    }
}

/// Empty blocks until a moment is past.
fn wait_beyond(chain: &mut Chain, at_ms: u64) {
    chain.time_ms = chain.time_ms.max(at_ms);
    chain.commit(&[]);
}

/// Into each phase, by the acts of those who lead there.
fn in_phase(phase: DisputePhase) -> (Chain, Hash, Hash) {
    let (mut chain, subject, id) = noticed();
    lead_to(&mut chain, &id, phase);
    assert_eq!(record(&chain, &id).phase(), phase);
    (chain, subject, id)
}

const PHASES: [(DisputePhase, u64, DisputeOutcome); 4] = [
    (
        DisputePhase::Noticed,
        ANSWER_DAYS,
        DisputeOutcome::PlatformSilent,
    ),
    (
        DisputePhase::Measures,
        DECLARATION_DAYS,
        DisputeOutcome::MeasuresStand,
    ),
    (
        DisputePhase::Countered,
        WAITING_DAYS,
        DisputeOutcome::MeasuresEnd,
    ),
    (DisputePhase::Filed, RULING_DAYS, DisputeOutcome::NoRuling),
];

/// No dead end: at its deadline each phase ends by default, which is counted apart.
#[test]
fn each_phase_ends_by_default_at_its_deadline() {
    for (phase, days, outcome) in PHASES {
        let (mut chain, subject, id) = in_phase(phase);
        let deadline_ms = record(&chain, &id).deadline_ms;
        let earliest = chain.time_ms + days * DAY_MS;
        assert!(
            (earliest..earliest + HOUR_MS).contains(&deadline_ms),
            "{phase:?}"
        );
        chain.time_ms = deadline_ms - 1000;
        let executed = chain.commit(&[]);
        assert_eq!(executed.header.time_ms, deadline_ms);
        assert_eq!(
            record(&chain, &id).phase(),
            phase,
            "the last moment is inside"
        );
        // A long-idle chain looks at some hundred hours in each block.
        for _ in 0..=days * 24 / MAX_HOURS {
            chain.commit(&[]);
        }
        let ended = record(&chain, &id);
        assert_eq!(
            (ended.phase(), ended.outcome()),
            (DisputePhase::Ended, outcome)
        );
        assert!(is_default(ended.outcome()));
        for key in tallies(&subject, &ended) {
            let tally: DisputeTally = chain.state.message(&key).unwrap();
            assert_eq!((tally.notices, tally.open, tally.by_default), (1, 0, 1));
        }
        let again = Action::GiveNotice(notice(&subject, "https://market.example/1"));
        assert_eq!(chain.check(&chain.sign(MAKER, again)), Ok(()));
    }
}

/// No act after a deadline, though the block's own work may come to it only later.
#[test]
fn nobody_acts_after_a_deadline() {
    for (phase, _, _) in PHASES {
        let (mut chain, _, id) = in_phase(phase);
        let (who, action) = match phase {
            DisputePhase::Noticed => (MARKET, measure(&id, PlatformMeasure::Blocked)),
            DisputePhase::Measures => (CARRIER, counter(&id)),
            DisputePhase::Countered => (MAKER, filing(&id, OFFICE.0)),
            _ => (OFFICE, ruling(&id, DisputeOutcome::Upheld)),
        };
        let deadline_ms = record(&chain, &id).deadline_ms;
        chain.time_ms = deadline_ms - 1000;
        assert_eq!(
            chain.check(&chain.sign(who, action.clone())),
            Ok(()),
            "{phase:?}"
        );
        chain.time_ms = deadline_ms;
        let late = refused(&chain, who, action);
        let deadline = DesignRejection::DisputeDeadline(deadline_ms);
        let ended = DesignRejection::OtherPhase(phase_name(DisputePhase::Ended));
        assert_eq!((deadline.code(), ended.code()), (472, 471));
        assert!(late == deadline || late == ended, "{phase:?}: {late:?}");
    }
}

#[test]
fn each_phase_waits_for_its_party() {
    let (chain, _, id) = noticed();
    let other = |name: &str| DesignRejection::NotTheParty(name.into());
    let phase = |phase| DesignRejection::OtherPhase(phase_name(phase));
    let noticed = DisputePhase::Noticed;
    assert_eq!(
        refused(&chain, CARRIER, measure(&id, PlatformMeasure::Removed)),
        other(MARKET.0)
    );
    assert_eq!(refused(&chain, CARRIER, counter(&id)), phase(noticed));
    assert_eq!(
        refused(&chain, MAKER, filing(&id, OFFICE.0)),
        phase(noticed)
    );
    assert_eq!(
        refused(&chain, OFFICE, ruling(&id, DisputeOutcome::Upheld)),
        phase(noticed)
    );
    assert_eq!(refused(&chain, CARRIER, withdrawal(&id)), other(MAKER.0));
    let vague = measure(&id, PlatformMeasure::Unspecified);
    assert_eq!(refused(&chain, MARKET, vague), DesignRejection::ReasonShape);
    let none = DesignRejection::UnknownDispute([9; 32]);
    assert_eq!(
        (none.code(), refused(&chain, MAKER, withdrawal(&[9; 32]))),
        (470, none)
    );
    let (chain, _, id) = in_phase(DisputePhase::Measures);
    assert_eq!(refused(&chain, OFFICE, counter(&id)), other(CARRIER.0));
    let theirs = refused(&chain, MARKET, counter(&id));
    assert_eq!(theirs, other(CARRIER.0), "it speaks for itself");
    assert_eq!(
        chain.check(&chain.sign(MAKER, filing(&id, OFFICE.0))),
        Ok(()),
        "before a declaration"
    );
    let undeclared = refused(&chain, CARRIER, filing(&id, OFFICE.0));
    assert_eq!(undeclared, other(MAKER.0), "before its declaration");
    let (chain, _, id) = in_phase(DisputePhase::Countered);
    for stranger in [MARKET, OFFICE] {
        let found = refused(&chain, stranger, filing(&id, OFFICE.0));
        assert_eq!(found, other(MAKER.0));
    }
    for authority in [CARRIER.0, MARKET.0, MAKER.0, "nobody"] {
        let none = DesignRejection::NoAuthority(authority.into());
        assert_eq!(
            (none.code(), refused(&chain, MAKER, filing(&id, authority))),
            (477, none)
        );
    }
    let (chain, _, id) = in_phase(DisputePhase::Filed);
    assert_eq!(
        refused(&chain, MARKET, ruling(&id, DisputeOutcome::Upheld)),
        other(OFFICE.0)
    );
    for outcome in [
        DisputeOutcome::Unspecified,
        DisputeOutcome::MeasuresEnd,
        DisputeOutcome::Refused,
    ] {
        let none = DesignRejection::NoRuling;
        assert_eq!(
            (none.code(), refused(&chain, OFFICE, ruling(&id, outcome))),
            (478, none)
        );
    }
}

#[test]
fn words_end_a_dispute_and_are_counted() {
    type Read = fn(&DisputeTally) -> u64;
    let table: [(DisputeOutcome, Read); 4] = [
        (DisputeOutcome::Upheld, |t| t.upheld),
        (DisputeOutcome::Dismissed, |t| t.dismissed),
        (DisputeOutcome::FalseNotice, |t| t.false_notices),
        (DisputeOutcome::FalseDeclaration, |t| t.false_declarations),
    ];
    for (outcome, counter) in table {
        let (mut chain, subject, id) = in_phase(DisputePhase::Filed);
        chain.run(OFFICE, ruling(&id, outcome)).unwrap();
        let ended = record(&chain, &id);
        assert_eq!((ended.outcome(), is_default(outcome)), (outcome, false));
        assert_eq!((ended.reasons, ended.rule_book), (vec![3; 32], vec![4; 32]));
        let tally: DisputeTally = chain.state.message(&keys::subject_tally(&subject)).unwrap();
        assert_eq!((counter(&tally), tally.open, tally.by_default), (1, 0, 0));
        let over = DesignRejection::OtherPhase(phase_name(DisputePhase::Ended));
        assert_eq!(refused(&chain, MAKER, withdrawal(&id)), over);
    }
    let (mut chain, _, id) = noticed();
    chain
        .run(MARKET, measure(&id, PlatformMeasure::Refused))
        .unwrap();
    assert_eq!(record(&chain, &id).phase(), DisputePhase::Refused);
    let deadline_ms = record(&chain, &id).deadline_ms;
    wait_beyond(&mut chain, deadline_ms);
    chain.commit(&[]);
    let ended = record(&chain, &id);
    assert_eq!(ended.outcome(), DisputeOutcome::Refused);
    assert!(!is_default(ended.outcome()), "the platform's word decided");
    // Without a declaration none is false.
    let (mut chain, _, id) = in_phase(DisputePhase::Measures);
    chain.run(MAKER, filing(&id, OFFICE.0)).unwrap();
    let none = refused(
        &chain,
        OFFICE,
        ruling(&id, DisputeOutcome::FalseDeclaration),
    );
    assert_eq!(none, DesignRejection::NoRuling);
    let (mut chain, _, id) = in_phase(DisputePhase::Countered);
    chain.run(MAKER, withdrawal(&id)).unwrap();
    assert_eq!(record(&chain, &id).outcome(), DisputeOutcome::Withdrawn);
}

/// Who gave a false notice is found so, though it files nothing and would like to leave.
#[test]
fn nobody_leaves_before_a_notice_is_found_false() {
    let (mut chain, _, id) = in_phase(DisputePhase::Countered);
    chain.run(CARRIER, filing(&id, OFFICE.0)).unwrap();
    let filed = record(&chain, &id);
    assert_eq!(
        (filed.phase(), filed.authority.as_str()),
        (DisputePhase::Filed, OFFICE.0)
    );
    let stays = DesignRejection::OtherPhase(phase_name(DisputePhase::Filed));
    assert_eq!(refused(&chain, MAKER, withdrawal(&id)), stays);
    let found = DisputeOutcome::FalseNotice;
    chain.run(OFFICE, ruling(&id, found)).unwrap();
    assert_eq!(record(&chain, &id).outcome(), found);
}

/// Whoever fills an hour's list, with notices that he withdraws, moves nobody's deadline.
#[test]
fn a_full_hour_moves_no_deadline() {
    let (mut chain, subject) = designed();
    let give = |chain: &mut Chain, listing: &str| {
        let action = Action::GiveNotice(notice(&subject, listing));
        chain.run_for_id(MAKER, action).unwrap()
    };
    let first = give(&mut chain, "1");
    let deadline_ms = record(&chain, &first).deadline_ms;
    let hour = deadline_ms / HOUR_MS;
    let pages = |chain: &Chain| {
        let page = |page| {
            let due: Option<DueDisputes> = chain.state.message(&keys::due_disputes(hour, page));
            due.unwrap_or_default().disputes.len()
        };
        [0, 1, 2].map(page)
    };
    let mut ids = vec![first];
    for (page, listing) in [(0, "2"), (1, "3")] {
        let full = DueDisputes {
            disputes: vec![first.to_vec(); MAX_DUE],
        };
        let value = prost::Message::encode_to_vec(&full);
        chain
            .state
            .values
            .insert(keys::due_disputes(hour, page), value);
        ids.push(give(&mut chain, listing));
        ids.push(give(&mut chain, &format!("{listing}, again")));
    }
    assert_eq!(pages(&chain), [MAX_DUE, MAX_DUE, 2]);
    let deadlines = ids.iter().map(|id| record(&chain, id).deadline_ms);
    assert!(deadlines.eq([deadline_ms; 5]));
    // A block looks at a page, and the next one goes on.
    wait_beyond(&mut chain, deadline_ms);
    let ended = |chain: &Chain| {
        let records = ids.iter().map(|id| record(chain, id));
        let ended = records.filter(|dispute| dispute.phase() == DisputePhase::Ended);
        ended.count()
    };
    assert_eq!(ended(&chain), 1);
    let late = refused(&chain, MARKET, measure(&ids[4], PlatformMeasure::Removed));
    assert_eq!(late, DesignRejection::DisputeDeadline(deadline_ms));
    for _ in 0..2 {
        chain.commit(&[]);
    }
    assert_eq!(ended(&chain), 3, "the second page was written over");
    let next: &[u8] = chain.state.values.get(keys::DISPUTES_HOUR).unwrap();
    assert_eq!(next, (hour + 1).to_be_bytes());
    let page: &[u8] = chain.state.values.get(keys::DISPUTES_PAGE).unwrap();
    assert_eq!(page, 0u64.to_be_bytes());
}

/// All orders of acts and clocks, drawn at random: a dispute only moves on, ends once, and never later than all
/// deadlines together.
#[test]
fn every_order_of_acts_and_clocks_comes_to_an_end() {
    let order = |phase: DisputePhase| match phase {
        DisputePhase::Refused => DisputePhase::Measures as i32,
        other => other as i32,
    };
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..120 {
        let (mut chain, subject, id) = noticed();
        let mut draws = stream(seed).map(|hash| usize::from(hash[0]));
        let mut draw = |below: usize| draws.next().unwrap() % below;
        let mut before = record(&chain, &id);
        for _ in 0..60 {
            let who = PARTIES[draw(4)];
            let measures = [PlatformMeasure::Removed, PlatformMeasure::Refused];
            let rulings = [
                DisputeOutcome::Upheld,
                DisputeOutcome::Dismissed,
                DisputeOutcome::FalseNotice,
            ];
            let action = match draw(9) {
                0 | 1 => measure(&id, measures[usize::from(draw(6) == 0)]),
                2 | 3 => counter(&id),
                4 | 5 => filing(&id, OFFICE.0),
                6 if draw(4) == 0 => withdrawal(&id),
                7 => ruling(&id, rulings[draw(3)]),
                _ => {
                    let days = draw(40) as u64;
                    let at_ms = before.deadline_ms.min(chain.time_ms + days * DAY_MS);
                    wait_beyond(&mut chain, at_ms);
                    counter(&id)
                }
            };
            let _ = chain.run(who, action);
            let after = record(&chain, &id);
            let has_ended = before.phase() == DisputePhase::Ended;
            assert!(order(after.phase()) >= order(before.phase()), "seed {seed}");
            assert!(
                !has_ended || after == before,
                "seed {seed}: an end is final"
            );
            before = after;
        }
        for _ in 0..5 {
            let at_ms = record(&chain, &id).deadline_ms;
            wait_beyond(&mut chain, at_ms);
            for _ in 0..RULING_DAYS * 24 / MAX_HOURS {
                chain.commit(&[]);
            }
        }
        let ended = record(&chain, &id);
        assert_eq!(ended.phase(), DisputePhase::Ended, "seed {seed}");
        outcomes.insert(ended.outcome);
        let tally: DisputeTally = chain.state.message(&keys::subject_tally(&subject)).unwrap();
        let all = tally.upheld + tally.dismissed + tally.false_notices + tally.false_declarations;
        let all = all + tally.withdrawn + tally.refused + tally.by_default;
        assert_eq!((tally.notices, tally.open, all), (1, 0, 1), "seed {seed}");
    }
    assert!(outcomes.len() >= 7, "{outcomes:?}");
}

/// Reasons and references are words: not empty, short, nothing that a terminal obeys.
#[test]
fn reasons_and_references_are_words() {
    let (chain, subject, id) = noticed();
    let (filed, _, other) = in_phase(DisputePhase::Measures);
    let end = |reason: &str| {
        Action::EndRight(EndRight {
            subject: subject.to_vec(),
            reason: reason.into(),
        })
    };
    for bad in ["", "a\u{1b}[2Jb", &"x".repeat(2_000)] {
        let Action::AnswerNotice(mut answer) = measure(&id, PlatformMeasure::Removed) else {
            unreachable!("an answer")
        };
        answer.reason = bad.into();
        let found = refused(&chain, MARKET, Action::AnswerNotice(answer));
        assert_eq!(found, DesignRejection::ReasonShape, "{bad:?}");
        let Action::WithdrawNotice(mut withdrawn) = withdrawal(&id) else {
            unreachable!("a withdrawal")
        };
        withdrawn.reason = bad.into();
        let found = refused(&chain, MAKER, Action::WithdrawNotice(withdrawn));
        assert_eq!(found, DesignRejection::ReasonShape, "{bad:?}");
        assert_eq!(
            refused(&chain, MAKER, end(bad)),
            DesignRejection::ReasonShape,
            "{bad:?}"
        );
        let Action::ShowFiling(mut filing) = filing(&other, OFFICE.0) else {
            unreachable!("a filing")
        };
        filing.reference = bad.into();
        let found = refused(&filed, MAKER, Action::ShowFiling(filing));
        assert_eq!(
            found,
            DesignRejection::NoAuthority(OFFICE.0.into()),
            "{bad:?}"
        );
    }
    assert_eq!(chain.check(&chain.sign(MAKER, end("given up"))), Ok(()));
}

/// Nobody rules in a case of its own.
#[test]
fn an_authority_that_is_a_party_does_not_rule() {
    let (mut chain, subject) = crate::test_support::cases::staffed();
    let tribunal = crate::test_support::cases::TRIBUNAL;
    let mut wanted = notice(&subject, "https://market.example/9");
    wanted.respondent = tribunal.0.into();
    let id = chain.run_for_id(MAKER, Action::GiveNotice(wanted)).unwrap();
    chain
        .run(MARKET, measure(&id, PlatformMeasure::Removed))
        .unwrap();
    let none = DesignRejection::NoAuthority(tribunal.0.into());
    assert_eq!(refused(&chain, MAKER, filing(&id, tribunal.0)), none);
    assert_eq!(
        chain.check(&chain.sign(MAKER, filing(&id, OFFICE.0))),
        Ok(())
    );
}

/// A platform speaks for a respondent that can't act here itself, and for no other.
#[test]
fn a_platform_speaks_for_who_cannot() {
    let (mut chain, _, id) = in_phase(DisputePhase::Measures);
    let theirs = DesignRejection::NotTheParty(CARRIER.0.into());
    assert_eq!(refused(&chain, MARKET, counter(&id)), theirs);
    let put = PutStanding {
        organisation: CARRIER.0.into(),
        standing: Standing::Suspended.into(),
    };
    let wanted = change(300, Kind::PutStanding(put));
    chain.approve(&[MARKET, MAKER, OFFICE], &wanted);
    assert_eq!(chain.check(&chain.sign(MARKET, counter(&id))), Ok(()));
    assert_eq!(refused(&chain, OFFICE, counter(&id)), theirs);
}
