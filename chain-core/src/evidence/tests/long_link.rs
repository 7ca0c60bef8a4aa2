//! A history of a thousand events, of which none can be left out.

use super::*;
use crate::evidence::Report;
use crate::proof::link;
use touchstone_proto::ledger::LinkEntry;

const EVENTS: usize = 1_000;
const STAYS: usize = 20;

/// A unit with a thousand events of its own, in and out of one case; the case moves on.
fn long_story() -> Chain {
    let mut chain = Chain::start();
    let (unit, case) = (item(1), container(1));
    let units = std::slice::from_ref(&unit);
    let events: Vec<Vec<u8>> = (0..EVENTS)
        .map(|n| match n % (EVENTS / STAYS) {
            10 => aggregation("ADD", &case, units),
            30 => aggregation("DELETE", &case, units),
            _ => object(n as u64, units),
        })
        .collect();
    for some in events.chunks(EVENTS / STAYS) {
        let (in_case, rest) = some.split_at(20);
        chain.capture(in_case).unwrap();
        let moved = [object(7, std::slice::from_ref(&case))];
        chain.capture(&moved).unwrap();
        chain.capture(rest).unwrap();
    }
    chain
}

fn examined(chain: &Chain, evidence: &Evidence) -> Report {
    examine(&seal(evidence), &trusting(chain))
}

fn assert_incomplete(report: &Report, reason: &str, what: &str) {
    let (element, found) = report.failure().expect(what);
    assert_eq!(element, Element::Completeness, "{what}: {found}");
    assert!(found.contains(reason), "{what}: {found}");
}

#[test]
fn no_event_of_a_thousand_can_be_left_out() {
    let chain = long_story();
    let genuine = collected(&chain, &Subject::Item(item(1)));
    let report = examined(&chain, &genuine);
    let history = report.facts.history.as_ref().unwrap();
    assert_eq!(report.failure(), None);
    assert_eq!(history.own_events, EVENTS as u64);
    assert_eq!(history.steps.len(), EVENTS + STAYS);
    // The whole examination takes its time: every 20th; the link alone: all of them.
    for n in (0..EVENTS).step_by(20) {
        let mut forged = genuine.clone();
        link_of(&mut forged, &item(1)).entries.remove(n);
        let reason = "counts 1000 entries, the answer holds 999";
        assert_incomplete(&examined(&chain, &forged), reason, &format!("event {n}"));
    }
    let entries = link_of(&mut genuine.clone(), &item(1)).entries.clone();
    let record = link_record(&genuine);
    for n in 0..EVENTS {
        let mut fewer: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        fewer.remove(n);
        let (expected, found) = (EVENTS as u64, EVENTS as u64 - 1);
        let refused = link::verify_entries(&record, &fewer);
        assert_eq!(refused, Err(link::LinkError::Count { expected, found }));
        // The number is right, one of them isn't.
        let mut changed = entries.clone();
        let mut entry: LinkEntry = encoding::decode_exact(&changed[n]).unwrap();
        entry.content_hash = vec![1; 32];
        changed[n] = entry.encode_to_vec();
        let slices: Vec<&[u8]> = changed.iter().map(Vec::as_slice).collect();
        let refused = link::verify_entries(&record, &slices);
        assert_eq!(refused, Err(link::LinkError::Head), "event {n}");
    }
}

fn link_record(evidence: &Evidence) -> touchstone_proto::ledger::Link {
    let key = crate::state::keys::item(&item(1));
    let state = evidence.states.iter().find(|s| s.key == key).unwrap();
    let value = state.value.as_deref().unwrap();
    let record: touchstone_proto::ledger::Item = encoding::decode_exact(value).unwrap();
    record.link.unwrap()
}

#[test]
fn no_stay_in_a_container_can_be_left_out() {
    let chain = long_story();
    let genuine = collected(&chain, &Subject::Item(item(1)));
    let place = |entry: &Vec<u8>| {
        let entry: LinkEntry = encoding::decode_exact(entry).unwrap();
        crate::proof::item_history::place(&entry)
    };
    let case = link_of(&mut genuine.clone(), &container(1)).entries.clone();
    // Of each stay three entries: packed, moved, unpacked.
    assert_eq!(case.len(), 3 * STAYS);
    for stay in case.chunks(3) {
        let what = format!("the stay from {:?}", place(&stay[0]));
        let gone: Vec<_> = stay.iter().map(place).collect();
        // From the unit's link, from the case's, or from both.
        for (of_unit, of_case, reason) in [
            (true, false, "counts 1000 entries, the answer holds 998"),
            (false, true, "counts 60 entries, the answer holds 57"),
            (true, true, "entries, the answer holds"),
        ] {
            let mut forged = genuine.clone();
            for (id, is_meant) in [(item(1), of_unit), (container(1), of_case)] {
                let entries = &mut link_of(&mut forged, &id).entries;
                entries.retain(|e| !is_meant || !gone.contains(&place(e)));
            }
            assert_incomplete(&examined(&chain, &forged), reason, &what);
        }
        // What moved the case while the unit was in it.
        let moved = gone[1];
        let mut forged = genuine.clone();
        forged
            .transactions
            .retain(|t| (t.height, t.index) != (moved.0, moved.1));
        forged
            .blocks
            .retain(|b| crate::block::Header::decode(&b.header).unwrap().height != moved.0);
        let key = crate::state::keys::block(moved.0);
        forged.states.retain(|s| s.key != key);
        let reason = format!("the transaction {}/{} is missing", moved.0, moved.1);
        assert_incomplete(&examined(&chain, &forged), &reason, &what);
    }
    let mut forged = genuine.clone();
    forged.links.retain(|l| l.item == item(1));
    let reason = format!("the link of {} is missing", container(1));
    assert_incomplete(&examined(&chain, &forged), &reason, "all stays");
}
