//! Checks, hand-overs and sanctions in evidence files: all that a dispute tells of is shown, and nothing of it can be
//! bent or hidden.

use touchstone_proto::ledger::{
    CaseCheck, Dispute, DisputeOutcome, DisputePhase, IdentityCheck, LicensedAct, PartySanctions,
    PlatformMeasure, SampleVerdict, Sanction, SanctionKind, SanctionOutcome,
};
use touchstone_proto::node::AuthorisationQuestion;

use super::dishonest::{anchored, told_values};
use super::*;
use crate::designs::authorised::{Denial, SaleAnswer};
use crate::state::keys;
use crate::test_support::cases::{
    INSPECTION, LABORATORY, TRIBUNAL, accept_case, appeal_sanction, decide_appeal, dispute_in,
    hand_over, mend_notice, mended, purchase, sample, sanction, spot_check, staffed,
};
use crate::test_support::disputes::{filing, measure, notice, ruling};
use crate::test_support::rights::{grant, terms};
use crate::test_support::vouched::{LIN, vouch};

/// What a file shows of a design whose infringers were sanctioned.
pub(super) struct Sanctioned {
    pub chain: Chain,
    pub design: Hash,
    pub additions: Additions,
}

/// A case with checks of each kind that the office hands over to a court, whose ruling is the ground of a sanction
/// that is appealed; and a shop's, whose sanction holds for its register's number.
pub(super) fn sanctioned() -> Sanctioned {
    let (mut chain, design) = staffed();
    let until_ms = chain.time_ms + 10_000_000_000;
    let licence = grant(&design, None, CARRIER.0, terms(until_ms));
    chain.run(MAKER, licence).unwrap();
    let first = dispute_in(&mut chain, &design, "the first", DisputePhase::Filed);
    let mut record = |who, check| {
        let action = Action::RecordCheck(check);
        chain.run_for_id(who, action).unwrap()
    };
    let bought = record(MAKER, purchase(&first));
    let opened = record(MARKET, purchase(&first));
    record(INSPECTION, spot_check(&first));
    let to_mend = record(INSPECTION, mend_notice(&first, MARKET.0));
    record(INSPECTION, mend_notice(&first, CARRIER.0));
    let mut broken = sample(&opened, SampleVerdict::Undetermined);
    broken.seal = Vec::new();
    let answers = [
        (LABORATORY, sample(&bought, SampleVerdict::NotAuthentic)),
        (LABORATORY, broken),
        (MARKET, mended(&to_mend)),
    ];
    for (who, answer) in answers {
        chain.run(who, Action::AnswerCheck(answer)).unwrap();
    }
    chain.run(OFFICE, hand_over(&first, TRIBUNAL.0)).unwrap();
    chain.run(TRIBUNAL, accept_case(&first)).unwrap();
    chain.run(TRIBUNAL, hand_over(&first, OFFICE.0)).unwrap();
    let upheld = |id: &Hash| ruling(id, DisputeOutcome::Upheld);
    chain.run(TRIBUNAL, upheld(&first)).unwrap();
    let bar = sanction(CARRIER.0, SanctionKind::NoSales, &[first], until_ms);
    let bar = Action::ImposeSanction(bar);
    let bar = chain.run_for_id(OFFICE, bar).unwrap();
    chain
        .run(CARRIER, appeal_sanction(&bar, TRIBUNAL.0))
        .unwrap();
    let confirm = decide_appeal(&bar, SanctionOutcome::Confirmed);
    chain.run(TRIBUNAL, confirm).unwrap();

    let mut shop = vouch(&chain.id, LIN, until_ms);
    shop.check = IdentityCheck::BusinessRegister.into();
    shop.registered_as = "91310000".into();
    chain.run(MARKET, Action::VouchForDesigner(shop)).unwrap();
    let mut about = notice(&design, "the second");
    about.respondent = LIN.0.into();
    let second = chain.run_for_id(MAKER, Action::GiveNotice(about)).unwrap();
    let removed = measure(&second, PlatformMeasure::Removed);
    chain.run(MARKET, removed).unwrap();
    chain.run(MAKER, filing(&second, OFFICE.0)).unwrap();
    chain.run(OFFICE, upheld(&second)).unwrap();
    let warn = sanction(LIN.0, SanctionKind::Warning, &[second], until_ms);
    chain.run(MARKET, Action::ImposeSanction(warn)).unwrap();
    let mut disputes = vec![first, second];
    disputes.sort_unstable();
    let question = AuthorisationQuestion {
        seller: CARRIER.0.into(),
        act: LicensedAct::Sell.into(),
        territory: "CN".into(),
        time_ms: chain.time_ms,
    };
    Sanctioned {
        chain,
        design,
        additions: Additions {
            disputes,
            questions: vec![question],
        },
    }
}

fn file_of(told: &Sanctioned) -> Evidence {
    let subject = Subject::Design(told.design);
    collect_with(&told.chain, &subject, &told.additions).unwrap()
}

#[test]
fn checks_hand_overs_and_sanctions_come_with_their_dispute() {
    let told = sanctioned();
    let report = examine(&seal(&file_of(&told)), &trusting(&told.chain));
    assert_eq!(report.failure(), None);
    let fact = report.facts.disputes.as_ref().unwrap();
    let mut shown: Vec<_> = fact.shown.iter().collect();
    shown.sort_by_key(|one| one.dispute.listing.clone());
    let [first, second] = shown[..] else {
        panic!("two disputes")
    };
    assert_eq!(first.case.checks.len(), 5);
    let verdicts: Vec<_> = first.case.checks.iter().map(|(_, c)| c.verdict()).collect();
    assert_eq!(verdicts[0], SampleVerdict::NotAuthentic);
    assert_eq!(verdicts[1], SampleVerdict::Undetermined);
    assert_eq!(first.dispute.handovers.len(), 2);
    assert_eq!(
        first.case.sanctions[0].1.outcome(),
        SanctionOutcome::Confirmed
    );
    assert_eq!(second.case.sanctions[0].1.registered_as, "91310000");
    let parties: Vec<_> = fact
        .parties
        .iter()
        .map(|p| p.organisation.as_str())
        .collect();
    assert_eq!(parties, [CARRIER.0, LIN.0]);
    let registered = fact.parties[1].registered.as_ref().unwrap();
    assert_eq!(
        (registered.0.as_str(), registered.1.imposed),
        ("91310000", 1)
    );
    let answer = &report.facts.authorisations[0].answer;
    let barred = matches!(answer, SaleAnswer::No(Denial::Sanctioned { .. }));
    assert!(barred, "{answer:?}");
    let check = report.check(Element::Disputes).unwrap();
    let said = check.findings.last().unwrap().to_string();
    let words = "checks 5, hand-overs 2, sanctions 2, parties with their sanctions 2";
    assert!(said.contains(words), "{said}");
}

fn refusing(chain: &Chain, file: &Evidence) -> Option<Element> {
    let report = examine(&seal(file), &trusting(chain));
    report.failure().map(|(element, _)| element)
}

#[test]
fn none_of_it_can_be_hidden() {
    let told = sanctioned();
    let file = file_of(&told);
    let about = [&b"check/"[..], b"sanction/", b"sanctions", b"vouched/"];
    let mut hidden = 0;
    for at in 0..file.states.len() {
        let key = &file.states[at].key;
        if about.iter().any(|prefix| key.starts_with(prefix)) {
            let mut without = file.clone();
            without.states.remove(at);
            let found = refusing(&told.chain, &without);
            assert!(found.is_some(), "{}", key.escape_ascii());
            hidden += 1;
        }
    }
    assert_eq!(hidden, 11);
    type Bend = fn(&mut wire::ShownDisputes);
    let bends: [(Bend, Element); 4] = [
        (|s| drop(s.parties.pop()), Element::State),
        (|s| s.parties.reverse(), Element::Disputes),
        (|s| s.parties.push("market.lin".into()), Element::Disputes),
        (
            |s| s.parties = (10..43).map(|n| n.to_string()).collect(),
            Element::Disputes,
        ),
    ];
    for (bend, element) in bends {
        let mut bent = file.clone();
        bend(bent.disputes.as_mut().unwrap());
        assert_eq!(refusing(&told.chain, &bent), Some(element));
    }
}

#[test]
fn no_bit_of_it_can_be_bent() {
    let told = sanctioned();
    let additions = Additions {
        questions: Vec::new(),
        ..told.additions.clone()
    };
    let subject = Subject::Design(told.design);
    let sealed = seal(&collect_with(&told.chain, &subject, &additions).unwrap());
    let content = &sealed[..sealed.len() - 32];
    let trusted = trusting(&told.chain);
    for (bit, bent) in bit_flips(content).enumerate().step_by(29) {
        let bent = [&bent[..], &hash::sha256(&bent)].concat();
        let report = examine(&bent, &trusted);
        assert_eq!(report.verdict, Verdict::NotVerified, "bit {bit}");
    }
}

/// What validators could only certify together against the rules is found from the file alone.
#[test]
fn records_that_break_the_rules_are_found() {
    let told = sanctioned();
    let (chain, file) = (&told.chain, file_of(&told));
    let lied = |key: Vec<u8>, value: Vec<u8>| {
        let liar = told_values(chain, &[(key, value)]);
        let file = anchored(&file, &liar, &[]);
        refusing(&liar, &file)
    };
    let disputes = told.additions.disputes.iter();
    let first = disputes
        .map(|id| {
            (
                *id,
                chain.state.message::<Dispute>(&keys::dispute(id)).unwrap(),
            )
        })
        .find(|(_, dispute)| dispute.listing == "the first");
    let (id, dispute) = first.unwrap();
    type Bend = fn(&mut Dispute);
    let bends: [(&str, Bend); 10] = [
        ("authority", |d| d.authority = "office".into()),
        ("giver", |d| d.handovers[0].from = "tribunal".into()),
        ("receiver", |d| d.handovers[0].to = "office".into()),
        ("late", |d| d.handovers[0].closed_ms = u64::MAX),
        ("early", |d| d.handovers[1].closed_ms = 1),
        ("on offer", |d| d.handovers[1].state = 0),
        ("no rule book", |d| d.handovers[0].rule_book.clear()),
        ("exchanged", |d| d.handovers.swap(0, 1)),
        ("check's id", |d| d.checks[0].truncate(31)),
        ("respondent", |d| d.respondent = "market.lin".into()),
    ];
    for (name, bend) in bends {
        let mut bent = dispute.clone();
        bend(&mut bent);
        let found = lied(keys::dispute(&id), bent.encode_to_vec());
        assert_eq!(found, Some(Element::Disputes), "{name}");
    }
    let check_id: Hash = encoding::exact("check", &dispute.checks[0]).unwrap();
    let key = keys::case_check(&check_id);
    let check: CaseCheck = chain.state.message(&key).unwrap();
    type BendCheck = fn(&mut CaseCheck);
    let bends: [(&str, BendCheck); 9] = [
        ("dispute", |c| c.dispute[0] ^= 1),
        ("rule book", |c| c.rule_book.clear()),
        ("answer", |c| c.answer.clear()),
        ("answer's rule book", |c| c.answer_rule_book.clear()),
        ("seal", |c| c.seal_confirmed = 0),
        ("late", |c| c.closed_ms = c.deadline_ms + 1),
        ("open", |c| c.state = 0),
        ("by default", |c| c.state = 2),
        ("another kind", |c| c.kind = 2),
    ];
    for (name, bend) in bends {
        let mut bent = check.clone();
        bend(&mut bent);
        let found = lied(key.clone(), bent.encode_to_vec());
        assert_eq!(found, Some(Element::Disputes), "{name}");
    }
    let sanction_id: Hash = encoding::exact("sanction", &dispute.sanctions[0]).unwrap();
    let key = keys::sanction(&sanction_id);
    let imposed: Sanction = chain.state.message(&key).unwrap();
    type BendSanction = fn(&mut Sanction);
    let bends: [(&str, BendSanction); 13] = [
        ("party", |s| s.party = "maker".into()),
        ("ground", |s| s.grounds[0][0] ^= 1),
        ("issuer", |s| s.issuer = "tribunal".into()),
        ("authority", |s| s.authority = "carrier".into()),
        ("rule book", |s| s.rule_book.clear()),
        ("decision", |s| s.decision.clear()),
        ("decision's rule book", |s| s.decision_rule_book.clear()),
        ("lifted", |s| s.outcome = SanctionOutcome::Lifted.into()),
        ("silent", |s| s.outcome = SanctionOutcome::NotDecided.into()),
        ("unappealed", |s| s.appealed_ms = 0),
        ("late", |s| s.closed_ms = s.deadline_ms + 1),
        ("a longer term", |s| s.until_ms += 1),
        ("another kind", |s| s.kind = SanctionKind::Warning.into()),
    ];
    for (name, bend) in bends {
        let mut bent = imposed.clone();
        bend(&mut bent);
        let found = lied(key.clone(), bent.encode_to_vec());
        assert_eq!(found, Some(Element::Disputes), "{name}");
    }
    let key = keys::party_sanctions(CARRIER.0);
    let list: PartySanctions = chain.state.message(&key).unwrap();
    type BendList = fn(&mut PartySanctions);
    let bends: [(&str, BendList); 5] = [
        ("none", |l| l.held.clear()),
        ("imposed", |l| l.imposed = 0),
        ("confirmed", |l| l.confirmed = 2),
        ("a shorter term", |l| l.held[0].until_ms -= 1),
        ("another kind", |l| l.held[0].kind = 1),
    ];
    for (name, bend) in bends {
        let mut bent = list.clone();
        bend(&mut bent);
        let found = lied(key.clone(), bent.encode_to_vec());
        assert_eq!(found, Some(Element::Disputes), "{name}");
    }
}
