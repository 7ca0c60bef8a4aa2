//! The demo's import story: valid, in the order of time, and true to how things are packed.

use std::collections::{BTreeMap, BTreeSet};

use super::super::*;
use crate::test_support::documents;

fn story() -> Vec<(String, Event)> {
    let mut events = Vec::new();
    for (name, bytes) in documents("import-story", "json") {
        let split = split_document(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!split.is_empty(), "{name}");
        events.extend(
            split
                .iter()
                .map(|event| (name.clone(), Event::parse(event).unwrap())),
        );
    }
    events
}

#[test]
fn it_is_told_in_the_order_of_time_in_2026() {
    /// 2026-01-01T00:00:00Z and 2027-01-01T00:00:00Z
    const YEAR_MS: std::ops::Range<i64> = 1_767_225_600_000..1_798_761_600_000;
    let events = story();
    let names: BTreeSet<&str> = events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), 13);
    for (number, name) in (1..).zip(names) {
        assert!(name.starts_with(&format!("{number:02}-")), "{name}");
    }
    for pair in events.windows(2) {
        assert!(pair[0].1.time_ms < pair[1].1.time_ms, "{}", pair[1].0);
    }
    assert!(
        events
            .iter()
            .all(|(_, event)| YEAR_MS.contains(&event.time_ms))
    );
}

/// A thing is packed in one container at a time, and unpacked before anything happens to it alone.
#[test]
fn things_are_packed_once_and_unpacked_before_they_act_alone() {
    let mut container: BTreeMap<Identifier, Identifier> = BTreeMap::new();
    let mut alone: BTreeSet<Identifier> = BTreeSet::new();
    for (name, event) in story() {
        for thing in event.objects.iter().chain(&event.parent) {
            assert!(!container.contains_key(thing), "{name}: {thing} is packed");
            alone.insert(thing.clone());
        }
        for thing in &event.inputs {
            assert!(!container.contains_key(thing), "{name}: {thing} is packed");
        }
        let Some(parent) = &event.parent else {
            continue;
        };
        match event.action {
            Some(Action::Add) => {
                for child in &event.children {
                    let before = container.insert(child.clone(), parent.clone());
                    assert_eq!(before, None, "{name}: {child} is packed twice");
                }
            }
            Some(Action::Delete) if event.children.is_empty() => {
                container.retain(|_, found| found != parent);
            }
            Some(Action::Delete) => {
                for child in &event.children {
                    assert_eq!(
                        container.remove(child).as_ref(),
                        Some(parent),
                        "{name}: {child}"
                    );
                }
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(container.is_empty(), "left packed: {container:?}");
    // Six lamps, two cartons, the pallet and the parcel; however they are written.
    assert_eq!(alone.len(), 10);
    assert!(alone.iter().all(Identifier::is_instance));
}
