use serde_json::json;

use super::*;
use crate::test_support::{container, event_of, item, lot};

/// The event's word for its step: what it does, and to how many items.
fn step(event_type: &str, action: &str, children: usize, classes: usize) -> String {
    let items: Vec<_> = (0..children as u64).map(item).collect();
    let amounts: Vec<_> = (0..classes as u64)
        .map(|n| json!({ "epcClass": lot(n), "quantity": 5 }))
        .collect();
    let mut fields = json!({ "parentID": container(1) });
    if children > 0 {
        fields["childEPCs"] = json!(items);
    }
    if classes > 0 {
        fields["childQuantityList"] = json!(amounts);
    }
    let event = Event::parse(&event_of(event_type, action, fields)).unwrap();
    let step = event.containment();
    assert!(step.is_none_or(|step| step.container().as_str() == container(1)));
    match step {
        None => "nothing".to_owned(),
        Some(ContainmentStep::Pack { items, .. }) => format!("packs {}", items.len()),
        Some(ContainmentStep::Unpack { items, .. }) => format!("unpacks {}", items.len()),
        Some(ContainmentStep::Empty { .. }) => "empties".to_owned(),
    }
}

/// A container is emptied only where nothing that comes out is named, classes included.
#[test]
fn what_an_event_does_to_containment() {
    let rows = [
        ("ADD", 2, 0, "packs 2"),
        ("ADD", 2, 1, "packs 2"),
        ("ADD", 0, 1, "packs 0"),
        ("DELETE", 2, 0, "unpacks 2"),
        ("DELETE", 2, 1, "unpacks 2"),
        ("DELETE", 0, 1, "unpacks 0"),
        ("DELETE", 0, 0, "empties"),
        ("OBSERVE", 2, 0, "nothing"),
        ("OBSERVE", 0, 1, "nothing"),
    ];
    for (action, children, classes, expected) in rows {
        let found = step("AggregationEvent", action, children, classes);
        assert_eq!(found, expected, "{action} {children} {classes}");
        let linked = step("AssociationEvent", action, children.max(1), classes);
        assert_eq!(linked, "nothing", "an association contains nothing");
    }
}
