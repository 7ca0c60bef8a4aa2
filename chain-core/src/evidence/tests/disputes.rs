//! Disputes and licences in evidence files: draw, verdict and authorisation are found again from one file, and nothing
//! of it can be bent, hidden or exchanged.

use touchstone_proto::ledger::{
    Dispute, DisputeOutcome, DisputePhase, DisputeTally, Draw, LicensedAct, Panel, PlatformMeasure,
    ReviewChoice, ReviewGround,
};
use touchstone_proto::node::AuthorisationQuestion;

use super::dishonest::{anchored, told_values};
use super::*;
use crate::designs::authorised::SaleAnswer;
use crate::state::keys;
use crate::test_support::disputes::{measure, notice};
use crate::test_support::reviews::{
    FEW, Jury, accept, appeal, countered, dispute_again, dispute_of, draw_panel, open_review, vote,
};
use crate::test_support::rights::{end_licence, grant, terms};

/// What two disputes under one right are shown by.
pub(super) struct Disputed {
    pub chain: Chain,
    pub design: Hash,
    pub additions: Additions,
}

fn asked(seller: &str, territory: &str, time_ms: u64) -> AuthorisationQuestion {
    AuthorisationQuestion {
        seller: seller.into(),
        act: LicensedAct::Sell.into(),
        territory: territory.into(),
        time_ms,
    }
}

/// A review that an appeal turned round, one that a first panel upheld, a notice that was refused and may go further; a
/// licence with a sublicence that ended.
pub(super) fn disputed() -> Disputed {
    let jury = Jury::of(20);
    let (mut chain, design, first) = countered(&jury, FEW);
    let opened = open_review(&first, ReviewGround::Similarity);
    chain.run(CARRIER, opened).unwrap();
    draw_panel(&mut chain);
    vote(&mut chain, &jury, &first, 0, &[ReviewChoice::Uphold; 3]);
    chain.run(CARRIER, appeal(&first)).unwrap();
    draw_panel(&mut chain);
    vote(&mut chain, &jury, &first, 1, &[ReviewChoice::Dismiss; 5]);
    let second = dispute_again(&mut chain, &design, "https://market.example/2");
    let opened = open_review(&second, ReviewGround::LawfulSource);
    chain.run(CARRIER, opened).unwrap();
    draw_panel(&mut chain);
    vote(&mut chain, &jury, &second, 0, &[ReviewChoice::Uphold; 3]);
    chain.run(CARRIER, accept(&second)).unwrap();
    let third = notice(&design, "https://market.example/3");
    let third = chain.run_for_id(MAKER, Action::GiveNotice(third)).unwrap();
    let refused = measure(&third, PlatformMeasure::Refused);
    chain.run(MARKET, refused).unwrap();

    let mut wide = terms(chain.time_ms + 1_000_000);
    wide.depth = 1;
    let own = grant(&design, None, CARRIER.0, wide.clone());
    let own = chain.run_for_id(MAKER, own).unwrap();
    wide.depth = 0;
    let sub = grant(&design, Some(&own), OFFICE.0, wide);
    chain.run(CARRIER, sub).unwrap();
    let before_ms = chain.time_ms;
    chain.run(MAKER, end_licence(&own)).unwrap();
    let additions = Additions {
        disputes: vec![second, first],
        questions: vec![
            asked(OFFICE.0, "CN", chain.time_ms),
            asked(OFFICE.0, "CN", before_ms),
            asked(MAKER.0, "JP", chain.time_ms),
            asked("nobody", "CN", chain.time_ms),
        ],
    };
    Disputed {
        chain,
        design,
        additions,
    }
}

fn file_of(disputed: &Disputed) -> Evidence {
    let subject = Subject::Design(disputed.design);
    collect_with(&disputed.chain, &subject, &disputed.additions).unwrap()
}

#[test]
fn draw_verdict_and_authorisation_come_from_one_file() {
    let disputed = disputed();
    let report = examine(&seal(&file_of(&disputed)), &trusting(&disputed.chain));
    assert_eq!(report.failure(), None);
    // A panel dismissed one: that is to be weighed.
    assert_eq!(report.verdict, Verdict::Reservations);
    let result = |element| report.check(element).unwrap().result;
    assert_eq!(result(Element::Disputes), CheckResult::Reservation);
    assert_eq!(result(Element::Authorisations), CheckResult::Passed);
    let fact = report.facts.disputes.as_ref().unwrap();
    let tally = DisputeTally {
        notices: 3,
        open: 1,
        panel_upheld: 1,
        panel_dismissed: 1,
        ..DisputeTally::default()
    };
    assert_eq!(fact.tally, tally);
    let mut outcomes: Vec<_> = fact.shown.iter().map(|s| s.dispute.outcome()).collect();
    outcomes.sort();
    let expected = [DisputeOutcome::PanelUpheld, DisputeOutcome::PanelDismissed];
    assert_eq!(outcomes, expected);
    let mut panels: Vec<_> = fact.shown.iter().map(|s| s.panels.len()).collect();
    panels.sort_unstable();
    assert_eq!(panels, [1, 2]);
    let answers = report.facts.authorisations.iter();
    let answers: Vec<_> = answers
        .map(|fact| (fact.question.seller.as_str(), &fact.answer))
        .collect();
    assert!(
        matches!(
            answers[..],
            [
                ("maker", SaleAnswer::Owner),
                ("nobody", SaleAnswer::No(_)),
                ("office", SaleAnswer::Licensed(_)),
                ("office", SaleAnswer::No(_)),
            ]
        ),
        "{answers:?}"
    );
}

/// Without being asked a file tells how many disputes there were; where it doesn't, it says so.
#[test]
fn a_file_tells_of_disputes_unasked() {
    let disputed = disputed();
    let plain = collected(&disputed.chain, &Subject::Design(disputed.design));
    let report = examine(&seal(&plain), &trusting(&disputed.chain));
    assert_eq!(report.failure(), None);
    let fact = report.facts.disputes.as_ref().unwrap();
    assert_eq!((fact.tally.notices, fact.shown.len()), (3, 0));
    let mut silent = plain.clone();
    silent.disputes = None;
    let key = keys::subject_tally(&disputed.design);
    silent.states.retain(|state| state.key != key);
    let report = examine(&seal(&silent), &trusting(&disputed.chain));
    assert_verified(&report);
    let check = report.check(Element::Disputes).unwrap();
    assert_eq!(check.result, CheckResult::NotGiven);
    assert!(check.findings[0].to_string().contains("doesn't tell"));
    // Half of that is neither.
    let mut half = plain.clone();
    half.disputes = None;
    let report = examine(&seal(&half), &trusting(&disputed.chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::State));
}

/// Each bit of a file counts, but for those of the questions: another question has another answer, which holds.
#[test]
fn no_bit_of_it_can_be_bent() {
    let disputed = disputed();
    let mut file = file_of(&disputed);
    let trusted = trusting(&disputed.chain);
    file.questions.truncate(1);
    let subject = Subject::Design(disputed.design);
    let additions = Additions {
        questions: file.questions.clone(),
        ..disputed.additions.clone()
    };
    let file = collect_with(&disputed.chain, &subject, &additions).unwrap();
    let sealed = seal(&file);
    let content = &sealed[..sealed.len() - 32];
    let question = file.questions[0].encode_to_vec();
    let mut windows = content.windows(question.len());
    let at = windows.position(|window| window == question).unwrap();
    for (bit, bent) in bit_flips(content).enumerate().step_by(13) {
        if (at..at + question.len()).contains(&(bit / 8)) {
            continue;
        }
        let bent = [&bent[..], &hash::sha256(&bent)].concat();
        let report = examine(&bent, &trusted);
        assert_eq!(report.verdict, Verdict::NotVerified, "bit {bit}");
    }
}

/// The element that refuses a file.
fn refusing(chain: &Chain, file: &Evidence) -> Option<Element> {
    let report = examine(&seal(file), &trusting(chain));
    report.failure().map(|(element, _)| element)
}

#[test]
fn nothing_of_it_can_be_hidden_or_added() {
    let disputed = disputed();
    let (chain, file) = (&disputed.chain, file_of(&disputed));
    // Each record: a file without it fails where it is asked for.
    let about = [
        &b"dispute"[..],
        b"panel/",
        b"draw/",
        b"authorised/",
        b"licence-end/",
        b"right/",
    ];
    let mut hidden = 0;
    for at in 0..file.states.len() {
        let key = &file.states[at].key;
        if !about.iter().any(|prefix| key.starts_with(prefix)) {
            continue;
        }
        let mut without = file.clone();
        without.states.remove(at);
        assert!(
            refusing(chain, &without).is_some(),
            "{}",
            key.escape_ascii()
        );
        hidden += 1;
    }
    assert!(hidden >= 12, "{hidden} records");
    type Bend = fn(&mut Evidence);
    let bends: [(&str, Element, Bend); 11] = [
        ("dispute dropped", Element::State, |f| {
            drop(f.disputes.as_mut().unwrap().ids.pop());
        }),
        ("disputes exchanged", Element::Disputes, |f| {
            f.disputes.as_mut().unwrap().ids.reverse();
        }),
        ("dispute doubled", Element::Disputes, |f| {
            let ids = &mut f.disputes.as_mut().unwrap().ids;
            ids.push(ids[1].clone());
        }),
        ("dispute's id too short", Element::Disputes, |f| {
            f.disputes.as_mut().unwrap().ids[0].truncate(31);
        }),
        ("unknown dispute", Element::Disputes, |f| {
            f.disputes.as_mut().unwrap().ids.push(vec![255; 32]);
        }),
        ("too many disputes", Element::Disputes, |f| {
            f.disputes.as_mut().unwrap().ids = (0..33).map(|n| vec![n; 32]).collect();
        }),
        ("disputes of an item", Element::Disputes, |f| {
            f.disputes = Some(wire::ShownDisputes::default());
        }),
        ("question of an item", Element::Authorisations, |f| {
            f.questions = vec![asked("maker", "CN", 1)];
        }),
        ("questions exchanged", Element::Authorisations, |f| {
            f.questions.reverse()
        }),
        ("question without an act", Element::Authorisations, |f| {
            f.questions[3].act = LicensedAct::Unspecified.into();
        }),
        ("too many questions", Element::Authorisations, |f| {
            f.questions = (0..33).map(|n| asked("maker", "CN", n)).collect();
        }),
    ];
    let item = collected(&story().0, &Subject::Item(item(1)));
    for (name, element, bend) in bends {
        let is_about_an_item = name.ends_with("item");
        let (chain, mut bent) = match is_about_an_item {
            true => (&story().0, item.clone()),
            false => (chain, file.clone()),
        };
        bend(&mut bent);
        assert_eq!(refusing(chain, &bent), Some(element), "{name}");
    }
}

/// What validators could only certify together against the rules is found from the file alone.
#[test]
fn records_that_contradict_each_other_are_found() {
    let disputed = disputed();
    let (chain, file) = (&disputed.chain, file_of(&disputed));
    let [second, first] = disputed.additions.disputes[..] else {
        panic!("two disputes")
    };
    let lied = |key: Vec<u8>, value: Vec<u8>| {
        let liar = told_values(chain, &[(key, value)]);
        let file = anchored(&file, &liar, &[]);
        refusing(&liar, &file)
    };
    type Bend = fn(&mut Dispute);
    let bends: [(&str, Bend); 9] = [
        ("subject", |d| d.subject[0] ^= 1),
        ("respondent", |d| d.respondent.push('x')),
        ("phase", |d| d.phase = DisputePhase::Filed.into()),
        ("outcome", |d| {
            d.outcome = DisputeOutcome::PanelUpheld.into()
        }),
        ("another outcome", |d| {
            d.outcome = DisputeOutcome::Upheld.into()
        }),
        ("no review", |d| d.review = None),
        ("ground", |d| d.review.as_mut().unwrap().ground = 2),
        ("instance", |d| d.review.as_mut().unwrap().instance = 0),
        ("votes", |d| {
            d.review.as_mut().unwrap().results[1].dismiss = 4
        }),
    ];
    for (name, bend) in bends {
        let mut dispute = dispute_of(chain, &first);
        bend(&mut dispute);
        let found = lied(keys::dispute(&first), dispute.encode_to_vec());
        // A review that is denied leaves its panels behind.
        let expected = match name {
            "no review" => Element::State,
            _ => Element::Disputes,
        };
        assert_eq!(found, Some(expected), "{name}");
    }
    let panel_key = keys::panel(&second, 0);
    let panel: Panel = chain.state.message(&panel_key).unwrap();
    type BendPanel = fn(&mut Panel);
    let bends: [(&str, BendPanel); 5] = [
        ("root", |p| p.root[0] ^= 1),
        ("seed", |p| p.seed[0] ^= 1),
        ("juror", |p| p.seats[0].juror ^= 1),
        ("vote", |p| p.seats[0].choice = ReviewChoice::Dismiss.into()),
        ("terms", |p| p.terms.as_mut().unwrap().alternates = 1),
    ];
    for (name, bend) in bends {
        let mut panel = panel.clone();
        bend(&mut panel);
        let found = lied(panel_key.clone(), panel.encode_to_vec());
        assert_eq!(found, Some(Element::Disputes), "{name}");
    }
    let draw_key = keys::draw(panel.draw);
    let draw: Draw = chain.state.message(&draw_key).unwrap();
    type BendDraw = fn(&mut Draw);
    let bends: [(&str, BendDraw); 3] = [
        ("preimage", |d| d.values[0].preimage[0] ^= 1),
        ("withheld", |d| d.values[0].preimage.clear()),
        ("open", |d| d.closed_height = 0),
    ];
    for (name, bend) in bends {
        let mut draw = draw.clone();
        bend(&mut draw);
        let found = lied(draw_key.clone(), draw.encode_to_vec());
        assert_eq!(found, Some(Element::Disputes), "{name}");
    }
    // The tally counts fewer than the file shows, each way of ending for itself.
    let tally_key = keys::subject_tally(&disputed.design);
    let tally: DisputeTally = chain.state.message(&tally_key).unwrap();
    type BendTally = fn(&mut DisputeTally);
    let bends: [(&str, BendTally); 3] = [
        ("notices", |t| t.notices = 1),
        ("upheld", |t| t.panel_upheld = 0),
        ("dismissed", |t| t.panel_dismissed = 0),
    ];
    for (name, bend) in bends {
        let mut tally = tally;
        bend(&mut tally);
        let found = lied(tally_key.clone(), tally.encode_to_vec());
        assert_eq!(found, Some(Element::Disputes), "{name}");
    }
}

/// What nobody can be shown is refused when the file is collected.
#[test]
fn a_request_that_no_file_answers_is_refused() {
    let disputed = disputed();
    let (chain, design) = (&disputed.chain, Subject::Design(disputed.design));
    let with = |subject: &Subject, disputes: Vec<Hash>, questions| {
        let additions = Additions {
            disputes,
            questions,
        };
        collect_with(chain, subject, &additions).unwrap_err()
    };
    let first = disputed.additions.disputes[1];
    let other = CollectError::OtherDispute;
    assert_eq!(with(&design, vec![[7; 32]], vec![]), other([7; 32]));
    let absent = Subject::Design([7; 32]);
    assert_eq!(with(&absent, vec![first], vec![]), other(first));
    let thing = Subject::Item(item(1));
    assert_eq!(with(&thing, vec![first], vec![]), other(first));
    let question = asked("maker", "CN", 1);
    let questions = vec![question.clone()];
    assert_eq!(with(&thing, vec![], questions), CollectError::Question);
    let actless = AuthorisationQuestion {
        act: 0,
        ..question.clone()
    };
    assert_eq!(with(&design, vec![], vec![actless]), CollectError::Question);
    let many = vec![question; 33];
    assert_eq!(with(&design, vec![], many), CollectError::TooMany);
    let many: Vec<Hash> = (0..33).map(|n| [n; 32]).collect();
    assert_eq!(with(&design, many, vec![]), CollectError::TooMany);
    // A dispute about another right.
    let mut chain = chain.clone();
    chain
        .run(MAKER, crate::test_support::vouched::deposit(9))
        .unwrap();
    let other_design = design::id(&public(MAKER.1), &[9; 32]);
    let additions = Additions {
        disputes: vec![first],
        questions: vec![],
    };
    let refused = collect_with(&chain, &Subject::Design(other_design), &additions);
    assert_eq!(refused.unwrap_err(), other(first));
}
