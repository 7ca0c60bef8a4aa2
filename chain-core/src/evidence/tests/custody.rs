//! Goods that change hands, are disputed, and what a file about them says.

use super::*;
use crate::test_support::{answer, event_of, lot, offer};
use touchstone_proto::ledger::{Basis, Offer, Outcome};

/// Item 1 goes from maker to carrier in a box, to the market with a discrepancy, and the maker claims it.
/// Item 2 is in the box when that is emptied as a whole; so is item 3, which the answer to a second
/// offer leaves out. Item 4 is on offer. Item 5 is with the market by its own word, after the carrier.
pub(super) fn story() -> (Chain, Vec<Hash>) {
    let mut chain = Chain::start();
    let case = container(1);
    let just = |what: &String| std::slice::from_ref(what).to_vec();
    let hour = 3_600_000;
    let mut ids = Vec::new();
    let goods = [item(1), item(2), item(3), item(4)];
    chain.run(MAKER, capture(&[object(1, &goods)])).unwrap();
    chain
        .run(MAKER, capture(&[aggregation("ADD", &case, &goods[..3])]))
        .unwrap();
    let deadline = chain.time_ms + hour;
    let shipped = offer("carrier", deadline, &[object(2, &just(&case))]);
    ids.push(chain.run_for_id(MAKER, shipped).unwrap());
    let taken = answer(&ids[0], Outcome::Accepted, "", &[object(3, &just(&case))]);
    chain.run(CARRIER, taken).unwrap();
    chain
        .run(CARRIER, capture(&[aggregation("DELETE", &case, &[])]))
        .unwrap();
    let both = [item(1), item(3)];
    let deadline = chain.time_ms + hour;
    ids.push(
        chain
            .run_for_id(CARRIER, offer("market", deadline, &[object(4, &both)]))
            .unwrap(),
    );
    let partly = answer(
        &ids[1],
        Outcome::AcceptedWithDiscrepancy,
        "the box was wet, 灯罩破损, and the other lamp wasn't in it",
        &[object(5, &just(&both[0].clone()))],
    );
    chain.run(MARKET, partly).unwrap();
    let own = claim("it was never paid for", &[object(6, &just(&item(1)))]);
    chain.run(MAKER, own).unwrap();
    let deadline = chain.time_ms + hour;
    let open = offer("carrier", deadline, &[object(7, &just(&item(4)))]);
    ids.push(chain.run_for_id(MAKER, open).unwrap());
    // Under the maker's prefix: by the recorder's own word.
    chain
        .run(CARRIER, capture(&[object(8, &just(&item(5)))]))
        .unwrap();
    let found = claim("found in our yard", &[object(9, &just(&item(5)))]);
    chain.run(MARKET, found).unwrap();
    chain.commit(&[]);
    (chain, ids)
}

fn examined(chain: &Chain, n: u64) -> Report {
    let report = examine(
        &seal(&collected(chain, &Subject::Item(item(n)))),
        &trusting(chain),
    );
    assert_eq!(report.failure(), None);
    report
}

fn said(report: &Report, element: Element) -> String {
    let findings = &report.check(element).unwrap().findings;
    let findings: Vec<_> = findings.iter().map(Finding::to_string).collect();
    findings.join("\n")
}

fn result(report: &Report, element: Element) -> CheckResult {
    report.check(element).unwrap().result
}

fn holder(report: &Report) -> (String, Basis) {
    let custody = report.facts.custody.as_ref().unwrap().custody.as_ref();
    let custody = custody.unwrap();
    (custody.holder.clone(), custody.basis())
}

#[test]
fn a_dispute_is_shown_with_both_sides_words() {
    let (chain, ids) = story();
    let report = examined(&chain, 1);
    assert_eq!(report.verdict, Verdict::Reservations);
    assert_eq!(holder(&report), ("market".into(), Basis::Handover));
    assert_eq!(result(&report, Element::Custody), CheckResult::Reservation);
    assert_eq!(
        result(&report, Element::Handovers),
        CheckResult::Reservation
    );
    let custody = said(&report, Element::Custody);
    for words in [
        "灯罩破损",
        "DISPUTED: The maker (maker) claims",
        "never paid for",
    ] {
        assert!(custody.contains(words), "{custody}");
    }
    let statements: Vec<_> = report
        .facts
        .handovers
        .iter()
        .map(|fact| fact.statement.clone())
        .collect();
    let discrepancy = "the box was wet, 灯罩破损, and the other lamp wasn't in it".to_owned();
    assert_eq!(statements.len(), 5);
    let Statement::Offer { status, .. } = statements[0] else {
        panic!("{statements:?}")
    };
    assert_eq!(status, Some(OfferStatus::Accepted));
    assert_eq!(
        statements[3],
        Statement::Answer {
            offer: ids[1].to_vec(),
            status: OfferStatus::AcceptedWithDiscrepancy,
            discrepancy,
        }
    );
    let Statement::Claim { reason } = &statements[4] else {
        panic!("{statements:?}")
    };
    assert_eq!(reason, "it was never paid for");
}

#[test]
fn what_was_emptied_is_with_who_had_its_container() {
    let (chain, _) = story();
    let report = examined(&chain, 2);
    assert_eq!(holder(&report), ("carrier".into(), Basis::Handover));
    for element in [Element::Custody, Element::Handovers] {
        assert_eq!(result(&report, element), CheckResult::Passed);
    }
    assert_eq!(report.facts.handovers.len(), 2);
}

/// The answer isn't in its history, as it doesn't name it; the record of the offer tells of it.
#[test]
fn an_answer_that_leaves_an_item_out_is_told_of() {
    let (chain, _) = story();
    let report = examined(&chain, 3);
    assert_eq!(holder(&report), ("carrier".into(), Basis::Handover));
    assert_eq!(report.facts.handovers.len(), 3);
    assert_eq!(
        result(&report, Element::Handovers),
        CheckResult::Reservation
    );
    assert!(said(&report, Element::Handovers).contains("the other lamp wasn't in it"));
}

#[test]
fn an_open_offer_becomes_void_with_its_deadline() {
    let (mut chain, ids) = story();
    let report = examined(&chain, 4);
    let offer = report.facts.custody.as_ref().unwrap().offer.clone();
    assert_eq!(offer.unwrap().id, ids[2]);
    assert!(said(&report, Element::Handovers).contains("that offer is open"));
    chain.time_ms += 3_600_001;
    chain.commit(&[]);
    let report = examined(&chain, 4);
    assert_eq!(report.facts.custody.as_ref().unwrap().offer, None);
    assert!(said(&report, Element::Handovers).contains("that offer is void"));
}

#[test]
fn who_was_displaced_by_a_claim_is_named() {
    let (chain, _) = story();
    let report = examined(&chain, 5);
    assert_eq!(holder(&report), ("market".into(), Basis::OwnWord));
    let custody = said(&report, Element::Custody);
    assert!(
        custody.contains("DISPUTED: The carrier (carrier) held"),
        "{custody}"
    );
    assert!(custody.contains("one-sided"), "{custody}");
}

#[test]
fn classes_show_who_has_how_much() {
    let mut chain = Chain::start();
    let quantity = serde_json::json!({"epcClass": lot(7), "quantity": 12.5, "uom": "KGM"});
    let fields = serde_json::json!({"bizStep": "commissioning", "quantityList": [quantity]});
    let event = event_of("ObjectEvent", "ADD", fields);
    chain.run(MAKER, capture(&[event])).unwrap();
    let evidence = collected(&chain, &Subject::Item(lot(7)));
    let report = examine(&seal(&evidence), &trusting(&chain));
    assert_eq!(report.failure(), None);
    let stock = report.facts.custody.unwrap().stock.unwrap();
    assert_eq!(stock.holdings[0].millionths, 12_500_000);
}

/// A file of the second version has all that it takes; one of the first says what isn't in it.
#[test]
fn records_of_custody_can_not_be_left_out() {
    let (chain, ids) = story();
    let of = |n| collected(&chain, &Subject::Item(item(n)));
    let emptying = b"emptying/".to_vec();
    let offer = crate::state::keys::offer(&ids[1]);
    for (evidence, prefix, element) in [
        (of(2), emptying, Element::Custody),
        (of(1), offer.clone(), Element::Handovers),
        (of(3), offer, Element::Custody),
    ] {
        let mut less = evidence.clone();
        less.states.retain(|state| !state.key.starts_with(&prefix));
        assert_eq!(less.states.len() + 1, evidence.states.len());
        let report = examine(&seal(&less), &trusting(&chain));
        let (failed, reason) = report.failure().unwrap();
        assert_eq!(failed, element);
        assert!(reason.contains("carries no proof"), "{reason}");
        let report = examine(&as_version_one(&seal(&less)), &trusting(&chain));
        assert_eq!(report.failure(), None);
        assert!(said(&report, element).contains("not in the file"));
        // The transactions speak for themselves.
        assert!(!report.facts.handovers.is_empty());
    }
}

/// What no outcome says didn't become of an offer: it is neither open nor void.
#[test]
fn an_offer_has_an_outcome_that_is_known() {
    let (chain, ids) = story();
    let evidence = collected(&chain, &Subject::Item(item(4)));
    let key = crate::state::keys::offer(&ids[2]);
    let mut record: Offer = chain.state.message(&key).unwrap();
    record.outcome = 5;
    let lying = super::dishonest::told_values(&chain, &[(key, record.encode_to_vec())]);
    let file = super::dishonest::anchored(&evidence, &lying, &[]);
    let report = examine(&seal(&file), &trusting(&chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::Handovers));
}

/// A record of an offer that contradicts the transactions, which only dishonest validators could certify.
#[test]
fn a_record_that_contradicts_a_statement_is_found() {
    let (chain, ids) = story();
    let evidence = collected(&chain, &Subject::Item(item(1)));
    type Lie = fn(&mut Offer);
    let lies: [(usize, Lie); 8] = [
        (0, |o| o.to = "market".into()),
        (0, |o| o.from = "market".into()),
        (0, |o| o.deadline_ms += 1),
        (0, |o| o.position.as_mut().unwrap().height += 1),
        (0, |o| o.answered.as_mut().unwrap().transaction += 1),
        (1, |o| o.outcome = Outcome::Accepted as i32),
        (1, |o| o.discrepancy.clear()),
        (1, |o| o.answered = None),
    ];
    for (which, lie) in lies {
        let key = crate::state::keys::offer(&ids[which]);
        let mut record: Offer = chain.state.message(&key).unwrap();
        lie(&mut record);
        let lying = super::dishonest::told_values(&chain, &[(key, record.encode_to_vec())]);
        let file = super::dishonest::anchored(&evidence, &lying, &[]);
        let report = examine(&seal(&file), &trusting(&chain));
        assert_eq!(report.failure().map(|f| f.0), Some(Element::Handovers));
    }
}
