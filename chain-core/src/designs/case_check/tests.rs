use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{
    AcceptCase, AnswerCheck, Dispute, DisputeOutcome, DisputePhase, DueDisputes, HandOverState,
    RecordCheck, Role, SampleVerdict,
};

use super::*;
use crate::designs::DesignRejection;
use crate::designs::limits::{HOUR_MS, MAX_CHECKS, MAX_DUE, MAX_HAND_OVERS, MAX_HOURS};
use crate::governance::dispute_terms::DEFAULT;
use crate::rejection::Rejection;
use crate::test_support::cases::{
    INSPECTION, LABORATORY, TRIBUNAL, accept_case, dispute_in, hand_over, mend_notice, mended,
    purchase, sample, spot_check, staffed,
};
use crate::test_support::disputes::ruling;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE, change, newcomer, stream};

const DAY_MS: u64 = 24 * HOUR_MS;

fn filed() -> (Chain, Hash) {
    let (mut chain, subject) = staffed();
    let id = dispute_in(&mut chain, &subject, "x", DisputePhase::Filed);
    (chain, id)
}

fn check_of(chain: &Chain, id: &Hash) -> CaseCheck {
    chain.state.message(&keys::case_check(id)).unwrap()
}

fn dispute_of(chain: &Chain, id: &Hash) -> Dispute {
    chain.state.message(&keys::dispute(id)).unwrap()
}

fn refused(chain: &Chain, who: (&str, u8), action: Action) -> Rejection {
    chain.check(&chain.sign(who, action)).unwrap_err()
}

fn record(chain: &mut Chain, who: (&str, u8), check: RecordCheck) -> Hash {
    chain.run_for_id(who, Action::RecordCheck(check)).unwrap()
}

fn is_due_at(deadline_ms: u64, now_ms: u64, days: u32) -> bool {
    let earliest = now_ms + u64::from(days) * DAY_MS;
    (earliest..earliest + HOUR_MS).contains(&deadline_ms)
}

#[test]
fn a_sample_is_bought_and_examined() {
    let (mut chain, dispute) = filed();
    let id = record(&mut chain, MAKER, purchase(&dispute));
    let open = check_of(&chain, &id);
    let days = DEFAULT.laboratory_days;
    assert!(is_due_at(open.deadline_ms, chain.time_ms, days), "{open:?}");
    assert_eq!(
        (open.by.as_str(), open.seal.clone()),
        ("maker", vec![7; 32])
    );
    assert_eq!(dispute_of(&chain, &dispute).checks, [id.to_vec()]);
    let answer = Action::AnswerCheck(sample(&id, SampleVerdict::NotAuthentic));
    chain.run(LABORATORY, answer.clone()).unwrap();
    let closed = check_of(&chain, &id);
    assert_eq!(closed.state(), CaseCheckState::Closed);
    assert_eq!(closed.verdict(), SampleVerdict::NotAuthentic);
    assert_eq!(closed.seal_confirmed, 1);
    assert_eq!(
        (closed.answer, closed.answer_rule_book),
        (vec![9; 32], vec![10; 32])
    );
    let again = refused(&chain, LABORATORY, answer);
    assert_eq!(again, CaseRejection::NotOpen("the check").into());
}

/// What came under another seal may be another thing.
#[test]
fn a_broken_seal_decides_nothing() {
    let (mut chain, dispute) = filed();
    let id = record(&mut chain, MARKET, purchase(&dispute));
    for seal in [vec![], vec![1; 32]] {
        let broken = |verdict| AnswerCheck {
            seal: seal.clone(),
            ..sample(&id, verdict)
        };
        for verdict in [SampleVerdict::Authentic, SampleVerdict::NotAuthentic] {
            let action = Action::AnswerCheck(broken(verdict));
            let found = refused(&chain, LABORATORY, action);
            assert_eq!(found, CaseRejection::BrokenSeal.into());
        }
        let mut after = chain.clone();
        let action = Action::AnswerCheck(broken(SampleVerdict::Undetermined));
        after.run(LABORATORY, action).unwrap();
        assert_eq!(check_of(&after, &id).seal_confirmed, 0);
    }
    let shapes: [fn(&mut AnswerCheck); 2] = [
        |a| a.verdict = SampleVerdict::Unspecified.into(),
        |a| a.seal = vec![7; 31],
    ];
    for bend in shapes {
        let mut answer = sample(&id, SampleVerdict::Undetermined);
        bend(&mut answer);
        let found = refused(&chain, LABORATORY, Action::AnswerCheck(answer));
        assert_eq!(found, CaseRejection::CheckAnswer.into());
    }
    let by_other = refused(&chain, OFFICE, Action::AnswerCheck(mended(&id)));
    assert_eq!(by_other.code(), 203, "no laboratory");
}

#[test]
fn who_is_told_to_mend_says_so_in_time() {
    let (mut chain, dispute) = filed();
    for (to, by, others) in [
        (MARKET, MARKET, [CARRIER, MAKER]),
        (CARRIER, CARRIER, [OFFICE, MAKER]),
        (CARRIER, CARRIER, [INSPECTION, MARKET]),
    ] {
        let id = record(&mut chain, INSPECTION, mend_notice(&dispute, to.0));
        let open = check_of(&chain, &id);
        assert!(is_due_at(
            open.deadline_ms,
            chain.time_ms,
            DEFAULT.mend_days
        ));
        for other in others {
            let found = refused(&chain, other, Action::AnswerCheck(mended(&id)));
            assert_eq!(found, DesignRejection::NotTheParty(to.0.into()).into());
        }
        let told = sample(&id, SampleVerdict::Authentic);
        let found = refused(&chain, by, Action::AnswerCheck(told));
        assert_eq!(found, CaseRejection::CheckAnswer.into());
        let sealed = AnswerCheck {
            seal: vec![7; 32],
            ..mended(&id)
        };
        let found = refused(&chain, by, Action::AnswerCheck(sealed));
        assert_eq!(found, CaseRejection::CheckAnswer.into());
        chain.run(by, Action::AnswerCheck(mended(&id))).unwrap();
        assert_eq!(check_of(&chain, &id).state(), CaseCheckState::Closed);
    }
}

/// No dead end: what nobody answers is recorded as that, whether the dispute lasts or not.
#[test]
fn what_waits_defaults_at_its_deadline() {
    for ends in [false, true] {
        let (mut chain, dispute) = filed();
        let ids = [
            record(&mut chain, MAKER, purchase(&dispute)),
            record(&mut chain, INSPECTION, mend_notice(&dispute, MARKET.0)),
        ];
        if ends {
            let dismissed = ruling(&dispute, DisputeOutcome::Dismissed);
            chain.run(OFFICE, dismissed).unwrap();
        }
        for id in ids {
            let before = check_of(&chain, &id);
            let (who, answer) = match waits(before.kind()) && before.to == LABORATORY.0 {
                true => (LABORATORY, sample(&id, SampleVerdict::Authentic)),
                false => (MARKET, mended(&id)),
            };
            let mut last = chain.clone();
            last.time_ms = before.deadline_ms - 1000;
            let action = Action::AnswerCheck(answer);
            assert_eq!(last.check(&last.sign(who, action.clone())), Ok(()));
            last.time_ms = before.deadline_ms;
            let late = refused(&last, who, action);
            let expected = [
                Rejection::from(CaseRejection::Deadline(before.deadline_ms)),
                CaseRejection::NotOpen("the check").into(),
            ];
            assert!(expected.contains(&late), "{late:?}");
            for _ in 0..5 {
                last.commit(&[]);
            }
            let after = check_of(&last, &id);
            assert_eq!(after.state(), CaseCheckState::Defaulted);
            assert!(after.closed_ms > before.deadline_ms);
        }
    }
}

/// A block ends so much and no more, however much is due; the next ones go on.
#[test]
fn a_block_ends_so_many_that_are_due() {
    let mut chain = staffed().0;
    let first = chain.time_ms / HOUR_MS;
    let put = |chain: &mut Chain, key, value| chain.state.values.insert(key, value);
    put(
        &mut chain,
        keys::DISPUTES_HOUR.to_vec(),
        first.to_be_bytes().to_vec(),
    );
    let hours = [first, first + 1, first + 2];
    let ids: Vec<Vec<u8>> = stream(9).take(3 * MAX_DUE).map(|id| id.to_vec()).collect();
    for (hour, ids) in hours.iter().zip(ids.chunks(MAX_DUE)) {
        for id in ids {
            let check = CaseCheck {
                deadline_ms: (hour + 1) * HOUR_MS - 1,
                ..CaseCheck::default()
            };
            let id: Hash = id.as_slice().try_into().unwrap();
            let value = prost::Message::encode_to_vec(&check);
            put(&mut chain, keys::case_check(&id), value);
        }
        let due = DueDisputes {
            disputes: ids.to_vec(),
        };
        let value = prost::Message::encode_to_vec(&due);
        put(&mut chain, keys::due_disputes(*hour, 0), value);
    }
    chain.time_ms = (first + 9) * HOUR_MS;
    for ended in 1..=3 {
        chain.commit(&[]);
        let states = ids
            .iter()
            .map(|id| check_of(&chain, &id.as_slice().try_into().unwrap()));
        let open = states.filter(|check| check.state() == CaseCheckState::Unspecified);
        assert_eq!(open.count(), (3 - ended) * MAX_DUE);
    }
}

#[test]
fn checks_are_recorded_by_those_who_may() {
    let (mut chain, dispute) = filed();
    type Bend = fn(&mut RecordCheck);
    let bad = |bend: Bend, check: RecordCheck| {
        let mut bent = check;
        bend(&mut bent);
        Action::RecordCheck(bent)
    };
    let table: [(Bend, RecordCheck, (&str, u8)); 9] = [
        (|c| c.kind = 0, purchase(&dispute), MAKER),
        (|c| c.at_ms = u64::MAX, purchase(&dispute), MAKER),
        (|c| c.place.clear(), purchase(&dispute), MAKER),
        (|c| c.place = "a\nb".into(), purchase(&dispute), MAKER),
        (|c| c.to.clear(), purchase(&dispute), MAKER),
        (|c| c.verdict = 1, purchase(&dispute), MAKER),
        (|c| c.verdict = 0, spot_check(&dispute), INSPECTION),
        (|c| c.to = "market".into(), spot_check(&dispute), INSPECTION),
        (|c| c.seal = vec![1; 32], spot_check(&dispute), INSPECTION),
    ];
    for (bend, check, who) in table {
        let action = bad(bend, check);
        let found = refused(&chain, who, action.clone());
        assert_eq!(found, CaseRejection::CheckShape.into(), "{action:?}");
    }
    for cut in [
        (|c| c.report = vec![1; 31]) as Bend,
        |c| c.rule_book.clear(),
        |c| c.seal.clear(),
        |c| c.custody = vec![1],
    ] {
        let found = refused(&chain, MAKER, bad(cut, purchase(&dispute)));
        assert_eq!(found.code(), 100, "a rule book, report, seal and custody");
    }
    let by: Rejection = CaseRejection::CheckBy.into();
    let act = |check| Action::RecordCheck(check);
    assert_eq!(refused(&chain, CARRIER, act(purchase(&dispute))), by);
    assert_eq!(refused(&chain, LABORATORY, act(purchase(&dispute))), by);
    assert_eq!(refused(&chain, MAKER, act(spot_check(&dispute))), by);
    assert_eq!(refused(&chain, MARKET, act(spot_check(&dispute))), by);
    for who in [MAKER, MARKET, OFFICE, INSPECTION] {
        let action = act(purchase(&dispute));
        assert_eq!(chain.check(&chain.sign(who, action)), Ok(()), "{who:?}");
    }
    for to in ["nobody", "office", "maker"] {
        let check = RecordCheck {
            to: to.into(),
            ..purchase(&dispute)
        };
        let found = refused(&chain, MAKER, act(check));
        assert_eq!(found, CaseRejection::CheckTo(to.into()).into());
        if to != "maker" {
            let found = refused(&chain, INSPECTION, act(mend_notice(&dispute, to)));
            assert_eq!(found, CaseRejection::CheckTo(to.into()).into());
        }
    }
    let spot = record(&mut chain, INSPECTION, spot_check(&dispute));
    let told = check_of(&chain, &spot);
    assert_eq!(told.state(), CaseCheckState::Closed);
    assert_eq!(told.verdict(), SampleVerdict::NotAuthentic);
    for _ in 1..MAX_CHECKS {
        record(&mut chain, INSPECTION, spot_check(&dispute));
    }
    let full = refused(&chain, INSPECTION, act(spot_check(&dispute)));
    let limit = CaseRejection::Full("checks of a dispute", MAX_CHECKS);
    assert_eq!(full, limit.into());
    let dismissed = ruling(&dispute, DisputeOutcome::Dismissed);
    chain.run(OFFICE, dismissed).unwrap();
    assert_eq!(
        refused(&chain, INSPECTION, act(spot_check(&dispute))).code(),
        471
    );
    let none = CaseRejection::Unknown {
        kind: "check",
        id: [1; 32],
    };
    let unknown = refused(&chain, LABORATORY, Action::AnswerCheck(mended(&[1; 32])));
    assert_eq!(unknown, none.into());
}

#[test]
fn a_case_is_handed_over_in_two_steps() {
    let (mut chain, dispute) = filed();
    let no = |to: &str| Rejection::from(DesignRejection::NoAuthority(to.into()));
    for to in [OFFICE, MARKET, MAKER, CARRIER, LABORATORY] {
        let found = refused(&chain, OFFICE, hand_over(&dispute, to.0));
        assert_eq!(found, no(to.0));
    }
    let early = refused(&chain, TRIBUNAL, accept_case(&dispute));
    let none = CaseRejection::NotOpen("a hand-over of this case");
    assert_eq!(early, none.into());
    let other = refused(&chain, TRIBUNAL, hand_over(&dispute, OFFICE.0));
    assert_eq!(other.code(), 447, "not its case");
    chain.run(OFFICE, hand_over(&dispute, TRIBUNAL.0)).unwrap();
    let offered = dispute_of(&chain, &dispute);
    assert_eq!(offered.authority, OFFICE.0, "the giver stays responsible");
    let upheld = ruling(&dispute, DisputeOutcome::Upheld);
    assert_eq!(chain.check(&chain.sign(OFFICE, upheld.clone())), Ok(()));
    assert_eq!(refused(&chain, TRIBUNAL, upheld.clone()).code(), 447);
    let twice = refused(&chain, OFFICE, hand_over(&dispute, TRIBUNAL.0));
    assert_eq!(twice, CaseRejection::NotOpen("the last hand-over").into());
    assert_eq!(refused(&chain, OFFICE, accept_case(&dispute)).code(), 447);
    chain.run(TRIBUNAL, accept_case(&dispute)).unwrap();
    let again = refused(&chain, TRIBUNAL, accept_case(&dispute));
    let none = CaseRejection::NotOpen("a hand-over of this case");
    assert_eq!(again, none.into(), "once");
    let accepted = dispute_of(&chain, &dispute);
    let offer = &accepted.handovers[0];
    assert_eq!(offer.closed_ms, chain.time_ms);
    assert_eq!(
        (accepted.authority.as_str(), accepted.reference.as_str()),
        (TRIBUNAL.0, "(2026) 8")
    );
    assert_eq!(accepted.deadline_ms, offered.deadline_ms, "no time gained");
    assert_eq!(accepted.handovers[0].state(), HandOverState::Accepted);
    assert_eq!(refused(&chain, OFFICE, upheld.clone()).code(), 447);
    chain.run(TRIBUNAL, upheld).unwrap();
}

#[test]
fn an_unacknowledged_case_stays_with_its_giver() {
    let (mut chain, dispute) = filed();
    for many in 1..=MAX_HAND_OVERS {
        chain.run(OFFICE, hand_over(&dispute, TRIBUNAL.0)).unwrap();
        let offered = dispute_of(&chain, &dispute).handovers[many - 1].clone();
        assert!(is_due_at(
            offered.deadline_ms,
            chain.time_ms,
            DEFAULT.acceptance_days
        ));
        let mut late = chain.clone();
        late.time_ms = offered.deadline_ms - 1000;
        let accept = accept_case(&dispute);
        assert_eq!(late.check(&late.sign(TRIBUNAL, accept.clone())), Ok(()));
        late.time_ms = offered.deadline_ms;
        let expected = [
            Rejection::from(CaseRejection::Deadline(offered.deadline_ms)),
            CaseRejection::NotOpen("a hand-over of this case").into(),
        ];
        let found = refused(&late, TRIBUNAL, accept);
        assert!(expected.contains(&found), "{found:?}");
        chain.time_ms = offered.deadline_ms;
        chain.commit(&[]);
        let after = dispute_of(&chain, &dispute);
        assert_eq!(after.handovers[many - 1].state(), HandOverState::Lapsed);
        assert_eq!(
            (after.authority.as_str(), after.phase()),
            (OFFICE.0, DisputePhase::Filed)
        );
    }
    let full = refused(&chain, OFFICE, hand_over(&dispute, TRIBUNAL.0));
    let limit = CaseRejection::Full("hand-overs of a case", MAX_HAND_OVERS);
    assert_eq!(full, limit.into());
    // A ruling ends what is still on offer.
    let (mut chain, dispute) = filed();
    chain.run(OFFICE, hand_over(&dispute, TRIBUNAL.0)).unwrap();
    let ended = ruling(&dispute, DisputeOutcome::Dismissed);
    chain.run(OFFICE, ended).unwrap();
    let after = dispute_of(&chain, &dispute);
    assert_eq!(after.handovers[0].state(), HandOverState::Lapsed);
    assert_eq!(refused(&chain, TRIBUNAL, accept_case(&dispute)).code(), 471);
}

/// All orders of acts and clocks, drawn at random: what is closed stays as it is, nobody acts after a deadline, and in
/// the end nothing waits.
#[test]
fn every_order_of_checks_and_hand_overs_comes_to_an_end() {
    let who = [
        MARKET, CARRIER, MAKER, OFFICE, LABORATORY, TRIBUNAL, INSPECTION,
    ];
    let (start, dispute) = filed();
    let mut states = std::collections::BTreeSet::new();
    for seed in 0..60 {
        let mut chain = start.clone();
        let mut draws = stream(seed).map(|hash| usize::from(hash[0]));
        let mut draw = |below: usize| draws.next().unwrap() % below;
        let mut checks: Vec<Hash> = Vec::new();
        for _ in 0..60 {
            let id = checks.get(draw(checks.len().max(1))).copied();
            let id = id.unwrap_or([1; 32]);
            let verdicts = [SampleVerdict::Authentic, SampleVerdict::Undetermined];
            let action = match draw(12) {
                0 | 1 => Action::RecordCheck(purchase(&dispute)),
                2 => Action::RecordCheck(spot_check(&dispute)),
                3 | 4 => Action::RecordCheck(mend_notice(&dispute, who[draw(3)].0)),
                5 | 6 => Action::AnswerCheck(sample(&id, verdicts[draw(2)])),
                7 => Action::AnswerCheck(mended(&id)),
                8 => hand_over(&dispute, [TRIBUNAL, OFFICE][draw(2)].0),
                9 => accept_case(&dispute),
                10 if draw(12) == 0 => ruling(&dispute, DisputeOutcome::Upheld),
                _ => {
                    chain.time_ms += draw(12) as u64 * DAY_MS;
                    chain.commit(&[]);
                    continue;
                }
            };
            let now_ms = chain.context().time_ms;
            let before: Vec<CaseCheck> = checks.iter().map(|id| check_of(&chain, id)).collect();
            let old = dispute_of(&chain, &dispute);
            let Ok(new) = chain.run_for_id(who[draw(7)], action.clone()) else {
                continue;
            };
            if matches!(action, Action::RecordCheck(_)) {
                checks.push(new);
            }
            for (id, before) in checks.iter().zip(before) {
                let after = check_of(&chain, id);
                let was_open = before.state() == CaseCheckState::Unspecified;
                assert!(was_open || after == before, "seed {seed}: closed is final");
                let is_answer = after.state() == CaseCheckState::Closed && was_open;
                assert!(!is_answer || now_ms <= before.deadline_ms, "seed {seed}");
            }
            if matches!(action, Action::AcceptCase(_)) {
                let offered = old.handovers.last().unwrap();
                assert!(now_ms <= offered.deadline_ms, "seed {seed}");
                let after = dispute_of(&chain, &dispute);
                assert_eq!(after.authority, offered.to, "seed {seed}");
            }
        }
        for _ in 0..400 {
            chain.time_ms += 5 * DAY_MS;
            chain.commit(&[]);
        }
        let ended = dispute_of(&chain, &dispute);
        assert_eq!(ended.phase(), DisputePhase::Ended, "seed {seed}");
        assert_eq!(ended.checks.len(), checks.len());
        let open = |h: &HandOverState| *h == HandOverState::Unspecified;
        assert!(!ended.handovers.iter().any(|h| open(&h.state())));
        for id in &checks {
            let state = check_of(&chain, id).state();
            assert_ne!(state, CaseCheckState::Unspecified, "seed {seed}");
            states.insert(state as i32);
        }
    }
    assert_eq!(states.len(), 2, "{states:?}");
}

/// A role that an organisation has from a change on.
fn give_role(chain: &mut Chain, sequence: u64, (id, seed): (&str, u8), role: Role) {
    let mut organisation = newcomer(id, seed);
    organisation.roles = vec![role.into()];
    let wanted = change(sequence, Kind::PutOrganisation(organisation));
    chain.approve(&[MARKET, CARRIER, MAKER], &wanted);
}

/// An authority that has lost its role since the filing hands the case over, and rules no more.
#[test]
fn an_authority_without_its_role_rules_no_more() {
    let (mut chain, dispute) = filed();
    let upheld = ruling(&dispute, DisputeOutcome::Upheld);
    assert_eq!(chain.check(&chain.sign(OFFICE, upheld.clone())), Ok(()));
    give_role(&mut chain, 202, OFFICE, Role::Customs);
    assert_eq!(refused(&chain, OFFICE, upheld.clone()).code(), 203);
    chain.run(OFFICE, hand_over(&dispute, TRIBUNAL.0)).unwrap();
    chain.run(TRIBUNAL, accept_case(&dispute)).unwrap();
    assert_eq!(chain.check(&chain.sign(TRIBUNAL, upheld)), Ok(()));
}

#[test]
fn a_laboratory_answers_for_its_own_samples() {
    let (mut chain, dispute) = filed();
    let other = ("bench", 44);
    give_role(&mut chain, 200, other, Role::Laboratory);
    let id = record(&mut chain, MAKER, purchase(&dispute));
    let answer = Action::AnswerCheck(sample(&id, SampleVerdict::Authentic));
    let found = refused(&chain, other, answer);
    assert_eq!(
        found,
        DesignRejection::NotTheParty(LABORATORY.0.into()).into()
    );
}

#[test]
fn only_a_purchase_has_a_sample() {
    let (chain, dispute) = filed();
    let bends: [fn(&mut RecordCheck); 2] = [|c| c.seal = vec![7; 32], |c| c.custody = vec![8; 32]];
    for bend in bends {
        let mut check = spot_check(&dispute);
        bend(&mut check);
        let found = refused(&chain, INSPECTION, Action::RecordCheck(check));
        assert_eq!(found, CaseRejection::CheckShape.into());
    }
}

/// Who accepts a case names its own number of it, has the role still, and is in time, though the block's own work may
/// come to the deadline only later.
#[test]
fn a_case_is_accepted_by_an_authority_in_time() {
    let (mut chain, dispute) = filed();
    // An idle chain looks at some hundred hours in each block: it lags behind.
    chain.time_ms += 2 * MAX_HOURS * HOUR_MS - HOUR_MS;
    chain.run(OFFICE, hand_over(&dispute, TRIBUNAL.0)).unwrap();
    let no = DesignRejection::NoAuthority(TRIBUNAL.0.into());
    for reference in ["", "a\u{1b}b", &"x".repeat(1_000)] {
        let nameless = Action::AcceptCase(AcceptCase {
            dispute: dispute.to_vec(),
            reference: reference.into(),
        });
        assert_eq!(refused(&chain, TRIBUNAL, nameless), no.clone().into());
    }
    let mut late = chain.clone();
    let deadline_ms = dispute_of(&chain, &dispute).handovers[0].deadline_ms;
    late.time_ms = deadline_ms;
    let found = refused(&late, TRIBUNAL, accept_case(&dispute));
    assert_eq!(found, CaseRejection::Deadline(deadline_ms).into());
    give_role(&mut chain, 201, TRIBUNAL, Role::Customs);
    let found = refused(&chain, TRIBUNAL, accept_case(&dispute));
    assert_eq!(found, no.into(), "no authority any more");
}

/// Reports, reasons and rule books are named by a SHA-256 of 32 bytes.
#[test]
fn what_an_act_rests_on_is_named_by_a_whole_hash() {
    let (mut chain, dispute) = filed();
    let id = record(&mut chain, MAKER, purchase(&dispute));
    let answers: [fn(&mut AnswerCheck); 2] = [|a| a.report.clear(), |a| a.rule_book = vec![1; 31]];
    for bend in answers {
        let mut answer = sample(&id, SampleVerdict::Authentic);
        bend(&mut answer);
        let found = refused(&chain, LABORATORY, Action::AnswerCheck(answer));
        assert!(matches!(&found, Rejection::Malformed(_)), "{found:?}");
    }
}
