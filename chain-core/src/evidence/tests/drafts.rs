//! The drafts before a deposit, in its evidence.

use super::*;
use crate::designs::content;
use crate::designs::drafts;
use crate::designs::field::{FieldName, written_head};
use touchstone_proto::evidence::{Draft, DraftFile};
use touchstone_proto::ledger::{DesignContent, DesignView};

/// Three drafts before a block of this time: the front is drawn, changed and gone.
fn entries(deposited_ms: u64, bend: impl Fn(u64, &mut Draft)) -> Vec<Vec<u8>> {
    let mut entries: Vec<Vec<u8>> = Vec::new();
    let mut previous = drafts::START;
    let contents = [vec![1; 32], files()[0].to_vec(), Vec::new()];
    for (number, sha256) in (1..).zip(contents) {
        let mut draft = Draft {
            number,
            previous: previous.to_vec(),
            time_ms: deposited_ms - 10_000 + 1_000 * number,
            who: "Lin Yue".into(),
            device: "bench".into(),
            tool: "touchstone 0".into(),
            files: vec![DraftFile {
                name: vec![5; 32],
                bytes: if sha256.is_empty() { 0 } else { 7 },
                sha256,
            }],
        };
        bend(number, &mut draft);
        let entry = draft.encode_to_vec();
        previous = drafts::head(&entry);
        entries.push(entry);
    }
    entries
}

fn covering(entries: &[Vec<u8>]) -> DesignContent {
    let head = drafts::head(entries.last().unwrap());
    let value = written_head(entries.len(), &head);
    let fields = [
        (FieldName::Title, "A chair".to_owned()),
        (FieldName::Drafts, value),
    ];
    let random = std::array::from_fn(|place| [place as u8 + 1; 32]);
    content::seal(&[DesignView::Front, DesignView::Back], &fields, &random).unwrap()
}

/// A deposit that covers drafts, bent before their chain was made.
fn deposited(bend: impl Fn(u64, &mut Draft)) -> (Chain, Evidence) {
    let mut chain = Chain::start();
    let entries = entries(chain.time_ms, bend);
    let content = covering(&entries);
    let root = content::open(&files(), Some(&content)).unwrap().root;
    let owner = public(MAKER.1);
    let commitment = design::commitment(&chain.id, &owner, &SALT, &root);
    let action = DepositDesign {
        commitment: commitment.to_vec(),
    };
    chain.run(MAKER, Action::DepositDesign(action)).unwrap();
    let id = design::id(&owner, &commitment);
    let mut evidence = opened(collected(&chain, &Subject::Design(id)));
    let opening = evidence.opening.as_mut().unwrap();
    opening.content = Some(content);
    opening.drafts = entries;
    (chain, evidence)
}

/// The golden file.
pub(super) fn with_drafts() -> Evidence {
    deposited(|_, _| ()).1
}

fn said(report: &Report) -> String {
    let findings = &report.check(Element::Opening).unwrap().findings;
    let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn what_was_before_the_deposit_is_told() {
    let (chain, evidence) = deposited(|_, _| ());
    let report = examine(&seal(&evidence), &trusting(&chain));
    assert_verified(&report);
    let told = said(&report);
    assert!(told.contains("3 drafts, none missing"), "{told}");
    assert!(told.contains("that are in a draft: 1 of 2"), "{told}");
    let deposit = report.facts.deposit.unwrap();
    assert_eq!(deposit.drafts.len(), 3);
    assert_eq!(deposit.drafts[1].draft.who, "Lin Yue");
    // The head alone is told where the drafts aren't handed on.
    let mut closed = evidence;
    closed.opening.as_mut().unwrap().drafts.clear();
    let report = examine(&seal(&closed), &trusting(&chain));
    assert_verified(&report);
    assert!(said(&report).contains("they aren't in the file"));
}

/// A clock that contradicts itself or the chain is left to the reader.
#[test]
fn a_wrong_clock_is_a_reservation() {
    let set_back = |number: u64, draft: &mut Draft| {
        if number == 2 {
            draft.time_ms -= 5_000;
        }
    };
    let ahead = |number: u64, draft: &mut Draft| {
        if number == 3 {
            draft.time_ms += 3_600_000;
        }
    };
    for (bent, why) in [
        (deposited(set_back), "draft 2 says an earlier time"),
        (deposited(ahead), "draft 3 says a time after the deposit"),
    ] {
        let (chain, evidence) = bent;
        let report = examine(&seal(&evidence), &trusting(&chain));
        assert_eq!(report.failure(), None);
        assert_eq!(report.verdict, Verdict::Reservations);
        assert!(said(&report).contains(why), "{}", said(&report));
    }
}

#[test]
fn drafts_that_are_missing_moved_altered_or_foreign_are_refused() {
    let (chain, evidence) = deposited(|_, _| ());
    let (_, other) = deposited(|_, draft| draft.who = "Wang".into());
    let foreign = other.opening.unwrap().drafts;
    type Bend<'a> = &'a dyn Fn(&mut wire::Opening);
    let bends: [(Bend<'_>, &str); 6] = [
        (
            &|o| drop(o.drafts.remove(1)),
            "draft 3 stands where draft 2",
        ),
        (&|o| o.drafts.swap(0, 2), "draft 3 stands where draft 1"),
        (&|o| drop(o.drafts.pop()), "there are 2 drafts"),
        (&|o| o.drafts[0][3] ^= 1, "draft"),
        (&|o| o.drafts.clone_from(&foreign), "another head"),
        (
            &|o| drop(o.content.as_mut().unwrap().disclosures.pop()),
            "without the deposit's field",
        ),
    ];
    for (at, (bend, why)) in bends.into_iter().enumerate() {
        let mut file = evidence.clone();
        bend(file.opening.as_mut().unwrap());
        let (element, reason) = examine(&seal(&file), &trusting(&chain)).failure().unwrap();
        assert_eq!(element, Element::Opening, "{at}");
        assert!(reason.contains(why), "{at}: {reason}");
    }
    // In the file of a deposit that covers none.
    let (chain, id) = story();
    let mut file = opened(collected(&chain, &Subject::Design(id)));
    file.opening.as_mut().unwrap().drafts = foreign;
    let (element, _) = examine(&seal(&file), &trusting(&chain)).failure().unwrap();
    assert_eq!(element, Element::Opening);
}
