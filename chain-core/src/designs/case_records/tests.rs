use touchstone_proto::ledger::{CaseHandOver, HeldSanction, SanctionKind};

use super::*;

const ID: [u8; 32] = [1; 32];

fn check() -> CaseCheck {
    CaseCheck {
        dispute: ID.to_vec(),
        kind: CaseCheckKind::TestPurchase.into(),
        rule_book: vec![2; 32],
        state: CaseCheckState::Closed.into(),
        answer: vec![3; 32],
        answer_rule_book: vec![4; 32],
        verdict: SampleVerdict::Authentic.into(),
        seal_confirmed: 1,
        deadline_ms: 100,
        closed_ms: 100,
        ..CaseCheck::default()
    }
}

fn upheld() -> Dispute {
    Dispute {
        phase: DisputePhase::Ended.into(),
        outcome: DisputeOutcome::Upheld.into(),
        respondent: "shop".into(),
        complainant: "maker".into(),
        ..Dispute::default()
    }
}

fn lifted() -> Sanction {
    Sanction {
        party: "shop".into(),
        issuer: "office".into(),
        authority: "court".into(),
        kind: SanctionKind::Warning.into(),
        grounds: vec![ID.to_vec()],
        rule_book: vec![2; 32],
        from_ms: 10,
        until_ms: 99,
        deadline_ms: 100,
        appealed_ms: 20,
        outcome: SanctionOutcome::Lifted.into(),
        closed_ms: 100,
        decision: vec![3; 32],
        decision_rule_book: vec![4; 32],
        ..Sanction::default()
    }
}

#[test]
fn a_check_is_answered_up_to_its_deadline_and_defaults_after_it() {
    assert_eq!(check_check(&ID, &check()), Ok(()));
    let defaulted = CaseCheck {
        state: CaseCheckState::Defaulted.into(),
        answer: Vec::new(),
        answer_rule_book: Vec::new(),
        verdict: 0,
        seal_confirmed: 0,
        closed_ms: 101,
        ..check()
    };
    assert_eq!(check_check(&ID, &defaulted), Ok(()));
    type Bend = fn(&mut CaseCheck);
    let bends: [(Bend, BadCase); 6] = [
        (|c| c.dispute = vec![9; 32], BadCase::OtherDispute),
        (|c| c.rule_book.clear(), BadCase::CheckParts),
        (|c| c.answer.clear(), BadCase::CheckParts),
        (|c| c.answer_rule_book.clear(), BadCase::CheckParts),
        (|c| c.closed_ms = 101, BadCase::CheckDeadline),
        (|c| c.seal_confirmed = 0, BadCase::Seal),
    ];
    for (bend, bad) in bends {
        let mut bent = check();
        bend(&mut bent);
        assert_eq!(check_check(&ID, &bent), Err(bad));
    }
    let early = CaseCheck {
        closed_ms: 100,
        ..defaulted.clone()
    };
    assert_eq!(check_check(&ID, &early), Err(BadCase::CheckDeadline));
    let spot = CaseCheck {
        kind: CaseCheckKind::SpotCheck.into(),
        ..defaulted
    };
    assert_eq!(check_check(&ID, &spot), Err(BadCase::CheckDeadline));
}

#[test]
fn a_dispute_has_an_outcome_exactly_if_it_has_ended() {
    assert_eq!(check_end(&upheld()), Ok(()));
    let bends: [fn(&mut Dispute); 2] = [
        |d| d.phase = DisputePhase::Filed.into(),
        |d| d.outcome = DisputeOutcome::Unspecified.into(),
    ];
    for bend in bends {
        let mut bent = upheld();
        bend(&mut bent);
        assert_eq!(check_end(&bent), Err(BadCase::End));
    }
}

#[test]
fn a_sanctions_end_is_what_its_outcome_makes() {
    let shown = |sanction: &Sanction| check_sanction(&ID, &upheld(), sanction);
    assert_eq!(shown(&lifted()), Ok(()));
    type Bend = fn(&mut Sanction);
    let bends: [(Bend, BadCase); 8] = [
        (|s| s.grounds = vec![vec![9; 32]], BadCase::Ground),
        (|s| s.party = "maker".into(), BadCase::Ground),
        (|s| s.authority = "office".into(), BadCase::AppealTo),
        (|s| s.authority = "shop".into(), BadCase::AppealTo),
        (|s| s.until_ms = 100, BadCase::SanctionTerm),
        (|s| s.closed_ms = 101, BadCase::SanctionTerm),
        (|s| s.decision.clear(), BadCase::SanctionTerm),
        (|s| s.appealed_ms = 0, BadCase::SanctionTerm),
    ];
    for (bend, bad) in bends {
        let mut bent = lifted();
        bend(&mut bent);
        assert_eq!(shown(&bent), Err(bad));
    }
    let silent = |outcome: SanctionOutcome, appealed_ms, closed_ms| Sanction {
        outcome: outcome.into(),
        appealed_ms,
        closed_ms,
        decision: Vec::new(),
        decision_rule_book: Vec::new(),
        ..lifted()
    };
    for (outcome, appealed_ms) in [
        (SanctionOutcome::NotAppealed, 0),
        (SanctionOutcome::NotDecided, 20),
    ] {
        assert_eq!(shown(&silent(outcome, appealed_ms, 101)), Ok(()));
        let early = shown(&silent(outcome, appealed_ms, 100));
        assert_eq!(early, Err(BadCase::SanctionTerm), "not before its deadline");
        let other = shown(&silent(outcome, 20 - appealed_ms, 101));
        assert_eq!(other, Err(BadCase::SanctionTerm));
    }
}

#[test]
fn hand_overs_lead_from_hand_to_hand() {
    let offer = |from: &str, to: &str, state: HandOverState| CaseHandOver {
        from: from.into(),
        to: to.into(),
        rule_book: vec![2; 32],
        offered_ms: 10,
        deadline_ms: 100,
        closed_ms: 100,
        state: state.into(),
        ..CaseHandOver::default()
    };
    let case = |handovers: Vec<CaseHandOver>, authority: &str| Dispute {
        phase: DisputePhase::Filed.into(),
        handovers,
        authority: authority.into(),
        ..Dispute::default()
    };
    use HandOverState::{Accepted, Lapsed, Unspecified};
    let whole = vec![
        offer("a", "b", Accepted),
        offer("b", "c", Lapsed),
        offer("b", "a", Unspecified),
    ];
    assert_eq!(check_handovers(&case(whole.clone(), "b")), Ok(()));
    assert_eq!(check_handovers(&case(Vec::new(), "x")), Ok(()));
    let bad = Err(BadCase::HandOvers);
    assert_eq!(check_handovers(&case(whole.clone(), "c")), bad);
    let ended = Dispute {
        phase: DisputePhase::Ended.into(),
        ..case(whole.clone(), "b")
    };
    assert_eq!(check_handovers(&ended), bad, "an end leaves none open");
    type Bend = fn(&mut Vec<CaseHandOver>);
    let bends: [Bend; 6] = [
        |h| h[0].closed_ms = 101,
        |h| h[1].closed_ms = 9,
        |h| h[1].state = HandOverState::Unspecified.into(),
        |h| h[1].from = "a".into(),
        |h| h[1].to = "b".into(),
        |h| h[2].rule_book.clear(),
    ];
    for (n, bend) in bends.into_iter().enumerate() {
        let mut bent = whole.clone();
        bend(&mut bent);
        assert_eq!(check_handovers(&case(bent, "b")), bad, "row {n}");
    }
}

#[test]
fn a_partys_record_counts_what_it_names() {
    let sanction = lifted();
    let held = HeldSanction {
        sanction: vec![7; 32],
        kind: sanction.kind,
        from_ms: 10,
        until_ms: 99,
        ..HeldSanction::default()
    };
    let list = PartySanctions {
        held: vec![held.clone()],
        imposed: 2,
        lifted: 1,
        told_from_ms: 50,
        ..PartySanctions::default()
    };
    let shown: [(&[u8], &Sanction); 1] = [(&[7; 32], &sanction)];
    assert_eq!(check_party("shop", &list, &shown), Ok(()));
    assert_eq!(check_party("other", &list, &shown), Ok(()), "another's");
    type Bend = fn(&mut PartySanctions);
    let bends: [Bend; 6] = [
        |l| l.imposed = 0,
        |l| l.confirmed = 2,
        |l| l.held[0].until_ms = 98,
        |l| l.held[0].from_ms = 9,
        |l| l.held[0].kind = SanctionKind::NoSales.into(),
        // Left out, though it lasted beyond the time from which on all is told.
        |l| l.held.clear(),
    ];
    for (n, bend) in bends.into_iter().enumerate() {
        let mut bent = list.clone();
        bend(&mut bent);
        let found = check_party("shop", &bent, &shown);
        assert_eq!(found, Err(BadCase::Counts), "row {n}");
    }
    let gone = PartySanctions {
        held: Vec::new(),
        told_from_ms: 100,
        ..list.clone()
    };
    assert_eq!(check_party("shop", &gone, &shown), Ok(()));
    let many = |count: usize| PartySanctions {
        held: vec![held.clone(); count],
        imposed: 100,
        ..list.clone()
    };
    assert_eq!(check_party("other", &many(MAX_SANCTIONS), &[]), Ok(()));
    let over = check_party("other", &many(MAX_SANCTIONS + 1), &[]);
    assert_eq!(over, Err(BadCase::Counts));
    let more = PartySanctions {
        imposed: 1,
        lifted: 0,
        ..many(2)
    };
    assert_eq!(check_party("other", &more, &[]), Err(BadCase::Counts));
}
