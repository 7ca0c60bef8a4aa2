use super::*;
use crate::test_support::{aggregation, container, declared_wrong as wrong, event_of, item, step};
use serde_json::{Value, json};

fn state(events: &[Vec<u8>]) -> Option<&'static str> {
    let events: Vec<Event> = events.iter().map(|e| Event::parse(e).unwrap()).collect();
    let thing = item(1);
    let history: Vec<HistoryEntry<'_>> = events
        .iter()
        .map(|event| HistoryEntry {
            event,
            organisation: "maker",
            named: &thing,
        })
        .collect();
    let corrections = declared_wrong(&history);
    unit_state(&thing, &history, &corrections).map(UnitState::word)
}

fn with(event: &[u8], field: &str, value: Value) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(event).unwrap();
    event[field] = value;
    event.to_string().into_bytes()
}

/// A life from the factory to the end: after each event, the state.
#[test]
fn each_event_of_a_life() {
    let one = [item(1)];
    let case = [container(1)];
    let disposed = |disposition: &str| {
        with(
            &step("OBSERVE", "stocking", &one),
            "disposition",
            json!(disposition),
        )
    };
    let life = [
        (step("OBSERVE", "inspecting", &one), "recorded"),
        (step("ADD", "commissioning", &one), "commissioned"),
        (aggregation("ADD", &container(1), &one), "commissioned"),
        (step("ADD", "commissioning", &case), "commissioned"),
        (step("OBSERVE", "shipping", &case), "shipped"),
        (step("OBSERVE", "transporting", &case), "shipped"),
        (step("OBSERVE", "receiving", &case), "received"),
        (disposed("sellable_not_accessible"), "received"),
        (disposed("sellable_accessible"), "activated"),
        (disposed("returned"), "activated"),
        (step("OBSERVE", "retail_selling", &one), "sold"),
        (disposed("returned"), "returned"),
        (disposed("available"), "activated"),
        (step("OBSERVE", "shipping", &one), "shipped"),
        (step("OBSERVE", "accepting", &one), "received"),
        (step("OBSERVE", "destroying", &one), "destroyed"),
        (step("DELETE", "other", &one), "decommissioned"),
    ];
    assert_eq!(state(&[]), None);
    for end in 1..=life.len() {
        let events: Vec<_> = life[..end].iter().map(|(event, _)| event.clone()).collect();
        assert_eq!(state(&events), Some(life[end - 1].1), "after event {end}");
    }
}

#[test]
fn transformations_consume_and_make() {
    let made = |input: &str, output: &str| {
        let fields = json!({"inputEPCList": [input], "outputEPCList": [output]});
        event_of("TransformationEvent", "", fields)
    };
    assert_eq!(state(&[made("urn:x:1", &item(1))]), Some("commissioned"));
    assert_eq!(state(&[made(&item(1), "urn:x:1")]), Some("consumed"));
    assert_eq!(state(&[made("urn:x:1", "urn:x:2")]), Some("recorded"));
}

#[test]
fn what_was_declared_wrong_does_not_count() {
    let one = [item(1)];
    let begun = step("ADD", "commissioning", &one);
    let sold = with(
        &step("OBSERVE", "retail_selling", &one),
        "eventID",
        json!("urn:x:1"),
    );
    let other = with(&sold, "eventID", json!("urn:x:2"));
    assert_eq!(state(&[begun.clone(), sold.clone()]), Some("sold"));
    assert_eq!(
        state(&[begun.clone(), sold.clone(), wrong(&sold)]),
        Some("commissioned")
    );
    assert_eq!(
        state(&[begun.clone(), sold.clone(), wrong(&other)]),
        Some("sold")
    );
    assert_eq!(
        state(&[begun, wrong(&sold), sold]),
        Some("sold"),
        "it comes after"
    );
}

/// Another organisation's event has another name, though the `eventID` is the same.
#[test]
fn only_ones_own_events_are_declared_wrong() {
    let sold = with(
        &step("OBSERVE", "retail_selling", &[item(1)]),
        "eventID",
        json!("urn:x:1"),
    );
    let events = [sold.clone(), wrong(&sold)].map(|e| Event::parse(&e).unwrap());
    let by = |organisations: [&'static str; 2]| {
        let history = [0, 1].map(|n| HistoryEntry {
            event: &events[n],
            organisation: organisations[n],
            named: "urn:x:thing",
        });
        declared_wrong(&history)
    };
    assert_eq!(by(["maker", "maker"]), [(0, 1)]);
    assert_eq!(by(["maker", "market"]), []);
}

/// Everybody names classes, and a URI from outside GS1 may be one.
#[test]
fn who_names_a_thing_as_a_class_ends_nothing() {
    let thing = "urn:x:1".to_owned();
    let one = [thing.clone()];
    let lot = |step: &str| {
        let fields = json!({"quantityList": [{"epcClass": thing}], "bizStep": step});
        event_of("ObjectEvent", "OBSERVE", fields)
    };
    let seen = step("OBSERVE", "receiving", &one);
    let rows = [
        (vec![seen.clone(), lot("destroying")], "received"),
        (vec![lot("destroying"), seen], "received"),
        (vec![lot("destroying")], "destroyed"),
    ];
    for (events, expected) in rows {
        let events: Vec<Event> = events.iter().map(|e| Event::parse(e).unwrap()).collect();
        let entry = |event| HistoryEntry {
            event,
            organisation: "maker",
            named: thing.as_str(),
        };
        let history: Vec<HistoryEntry<'_>> = events.iter().map(entry).collect();
        let told = unit_state(&thing, &history, &[]).map(UnitState::word);
        assert_eq!(told, Some(expected));
    }
}

/// Nor of what is in a container that is named so.
#[test]
fn who_names_a_container_as_a_class_ends_nothing_in_it() {
    let (thing, case) = ("urn:x:1".to_owned(), "urn:x:box".to_owned());
    let packed = aggregation("ADD", &case, std::slice::from_ref(&thing));
    let seen = step("OBSERVE", "receiving", std::slice::from_ref(&case));
    let fields = json!({"quantityList": [{"epcClass": case}], "bizStep": "destroying"});
    let lot = event_of("ObjectEvent", "OBSERVE", fields);
    let events = [&packed, &seen, &lot].map(|event| Event::parse(event).unwrap());
    let names = [&thing, &case, &case];
    let history: Vec<HistoryEntry<'_>> = events
        .iter()
        .zip(names)
        .map(|(event, named)| HistoryEntry {
            event,
            organisation: "maker",
            named,
        })
        .collect();
    let told = unit_state(&thing, &history, &[]).map(UnitState::word);
    assert_eq!(told, Some("received"));
}

/// One event may be declared wrong again and again, in a history as long as its author likes.
#[test]
fn declarations_are_about_the_last_event_of_their_name() {
    let named = |id: &str| {
        with(
            &step("OBSERVE", "shipping", &[item(1)]),
            "eventID",
            json!(id),
        )
    };
    let (a, b) = (named("urn:x:a"), named("urn:x:b"));
    let events = [&wrong(&a), &a, &b, &wrong(&a), &wrong(&a), &wrong(&b)];
    let events = events.map(|event| Event::parse(event).unwrap());
    let by = |event, organisation| HistoryEntry {
        event,
        organisation,
        named: "urn:x:thing",
    };
    let history: Vec<_> = events.iter().map(|event| by(event, "maker")).collect();
    assert_eq!(declared_wrong(&history), [(1, 3), (1, 4), (2, 5)]);
    let others: Vec<_> = events
        .iter()
        .zip(["a", "b", "c", "d", "e", "c"])
        .map(|(event, who)| by(event, who))
        .collect();
    assert_eq!(declared_wrong(&others), [(2, 5)], "each its own");
}
