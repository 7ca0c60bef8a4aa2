use proptest::prelude::*;
use serde_json::json;
use touchstone_proto::ledger::{LinkEntry, Position};

use super::*;
use crate::proof::item_history::Recorded;
use crate::test_support::{aggregation, container, declared_wrong, event_of, item, lot};

const ALL: Limits = Limits {
    depth: 100,
    items: 1000,
};

/// Links as the ledger would keep them: each event stands in the link of each thing that it names.
#[derive(Default)]
struct Ledger {
    links: BTreeMap<String, Vec<Arc<Recorded>>>,
    height: u64,
}

impl Ledger {
    fn record(&mut self, bytes: Vec<u8>) {
        self.height += 1;
        let entry = LinkEntry {
            position: Some(Position {
                height: self.height,
                transaction: 0,
                event: 0,
            }),
            transaction_id: vec![self.height as u8; 32],
            organisation: "acme".into(),
            ..LinkEntry::default()
        };
        let recorded = Recorded::new(entry, bytes);
        for id in recorded.event.as_ref().unwrap().items() {
            let link = self.links.entry(id.as_str().to_owned()).or_default();
            link.push(recorded.clone());
        }
    }

    /// Walks with no more than the links that it asks for.
    fn trace(&self, id: &str, direction: Direction, limits: Limits) -> (Vec<Traced>, End) {
        let mut walk = Walk::new(id, direction, limits);
        let mut given = BTreeMap::new();
        let mut found = Vec::new();
        loop {
            match walk.next(|id| given.get(id)).unwrap() {
                Next::Missing(id) => {
                    let events = self.links.get(&id).cloned().unwrap_or_default();
                    given.insert(id.clone(), CompleteLink::new(id, u64::MAX, events));
                }
                Next::Item(traced) => {
                    found.push(*traced);
                    // What was given once may be gone.
                    given.clear();
                }
                Next::End(end) => return (found, end),
            }
        }
    }

    fn ids(&self, id: &str, direction: Direction) -> BTreeSet<String> {
        let (found, end) = self.trace(id, direction, ALL);
        assert!(end.is_complete());
        let all: BTreeSet<String> = found.iter().map(|t| t.id.clone()).collect();
        assert_eq!(all.len(), found.len(), "each thing comes once");
        all
    }
}

fn transformation(inputs: &[String], outputs: &[String]) -> Vec<u8> {
    let fields = json!({
        "inputEPCList": inputs, "outputEPCList": outputs, "bizStep": "creating_class_instance",
        "bizLocation": { "id": "https://id.gs1.org/414/9521321000018" },
    });
    event_of("TransformationEvent", "", fields)
}

/// What happens in a random history, to things by their numbers: units from 0, containers from 20.
#[derive(Clone, Debug)]
enum Deed {
    Pack(u64, Vec<u64>),
    Unpack(u64, Vec<u64>),
    Empty(u64),
    Make(Vec<u64>, Vec<u64>),
}

fn name(n: u64) -> String {
    match n {
        0..20 => item(n),
        _ => container(n),
    }
}

fn names(all: &[u64]) -> Vec<String> {
    all.iter().map(|n| name(*n)).collect()
}

/// The same kept eagerly, as somebody would who watches the things.
#[derive(Default)]
struct Watched {
    inside: BTreeMap<u64, u64>,
    tainted: BTreeSet<u64>,
    came_from: BTreeMap<u64, BTreeSet<u64>>,
    made: BTreeSet<u64>,
    used: BTreeSet<u64>,
}

impl Watched {
    fn content(&self, of: u64) -> BTreeSet<u64> {
        let mut all = BTreeSet::new();
        let mut next = vec![of];
        while let Some(outer) = next.pop() {
            for (inner, _) in self.inside.iter().filter(|(_, around)| **around == outer) {
                all.insert(*inner);
                next.push(*inner);
            }
        }
        all
    }

    /// Whether the deed can be done; if so, it is.
    fn does(&mut self, deed: &Deed) -> bool {
        match deed {
            Deed::Pack(outer, inner) => {
                let fits = |n: &u64| {
                    let free = !self.inside.contains_key(n) && !self.used.contains(n);
                    free && n != outer && !self.content(*n).contains(outer)
                };
                if *outer < 20 || self.used.contains(outer) || !inner.iter().all(fits) {
                    return false;
                }
                for n in inner {
                    self.inside.insert(*n, *outer);
                    if self.tainted.contains(outer) {
                        self.tainted.insert(*n);
                        self.tainted.extend(self.content(*n));
                    }
                }
            }
            Deed::Unpack(outer, inner) => {
                if !inner.iter().all(|n| self.inside.get(n) == Some(outer)) {
                    return false;
                }
                for n in inner {
                    self.inside.remove(n);
                }
            }
            Deed::Empty(outer) => {
                if !self.inside.values().any(|around| around == outer) {
                    return false;
                }
                self.inside.retain(|_, around| around != outer);
            }
            Deed::Make(inputs, outputs) => {
                let fits = |n: &u64| !self.inside.contains_key(n) && !self.used.contains(n);
                // What is made is new: nothing was packed in it, nor it in anything.
                let is_new =
                    |n: &u64| !self.made.contains(n) && fits(n) && self.content(*n).is_empty();
                let apart = outputs.iter().all(|n| !inputs.contains(n));
                if !apart || !inputs.iter().all(fits) || !outputs.iter().all(is_new) {
                    return false;
                }
                let mut gone: BTreeSet<u64> = inputs.iter().copied().collect();
                for n in inputs {
                    gone.extend(self.content(*n));
                }
                let mut from = gone.clone();
                for n in &gone {
                    from.extend(self.came_from.get(n).into_iter().flatten());
                }
                for n in outputs {
                    self.made.insert(*n);
                    self.came_from.entry(*n).or_default().extend(&from);
                    if gone.iter().any(|n| self.tainted.contains(n)) {
                        self.tainted.insert(*n);
                    }
                }
                self.used.extend(gone);
            }
        }
        true
    }
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let things = || prop::collection::btree_set(0u64..25, 1..3);
    let list = |set: BTreeSet<u64>| set.into_iter().collect::<Vec<_>>();
    let deed = prop_oneof![
        4 => (20u64..25, things()).prop_map(move |(outer, inner)| Deed::Pack(outer, list(inner))),
        2 => (20u64..25, things()).prop_map(move |(outer, inner)| Deed::Unpack(outer, list(inner))),
        1 => (20u64..25).prop_map(Deed::Empty),
        4 => (things(), things()).prop_map(move |(i, o)| Deed::Make(list(i), list(o))),
    ];
    prop::collection::vec(deed, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Both ways, a walk over links finds what somebody finds who watched all along.
    #[test]
    fn a_walk_finds_what_an_eager_watcher_finds(deeds in deeds(), from in 0u64..25) {
        let mut ledger = Ledger::default();
        let mut watched = Watched::default();
        watched.tainted.insert(from);
        for deed in &deeds {
            if watched.does(deed) {
                ledger.record(match deed {
                    Deed::Pack(outer, inner) => aggregation("ADD", &name(*outer), &names(inner)),
                    Deed::Unpack(outer, inner) => {
                        aggregation("DELETE", &name(*outer), &names(inner))
                    }
                    Deed::Empty(outer) => aggregation("DELETE", &name(*outer), &[]),
                    Deed::Make(inputs, outputs) => {
                        transformation(&names(inputs), &names(outputs))
                    }
                });
            }
        }
        let tainted: BTreeSet<String> = watched.tainted.iter().map(|n| name(*n)).collect();
        prop_assert_eq!(ledger.ids(&name(from), Direction::Forward), tainted);
        let mut came_from = watched.content(from);
        came_from.insert(from);
        for n in came_from.clone() {
            came_from.extend(watched.came_from.get(&n).into_iter().flatten());
        }
        let came_from: BTreeSet<String> = came_from.iter().map(|n| name(*n)).collect();
        prop_assert_eq!(ledger.ids(&name(from), Direction::Backward), came_from);
    }
}

fn ids(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|id| (*id).to_owned()).collect()
}

/// A raw lot is made into two units; one goes into a case, the case onto a pallet.
fn story() -> Ledger {
    let mut ledger = Ledger::default();
    ledger.record(event_of(
        "TransformationEvent",
        "",
        json!({
            "inputQuantityList": [{ "epcClass": lot(1), "quantity": 12.5, "uom": "KGM" }],
            "outputEPCList": [item(1), item(2)],
            "outputQuantityList": [{ "epcClass": lot(2), "quantity": 3 }],
            "readPoint": { "id": "https://id.gs1.org/414/9521321000018" },
        }),
    ));
    ledger.record(aggregation("ADD", &container(1), &[item(1)]));
    ledger.record(aggregation("ADD", &container(2), &[container(1)]));
    ledger.record(event_of(
        "ObjectEvent",
        "OBSERVE",
        json!({
            "epcList": [container(2)], "bizStep": "shipping",
            "eventTime": "2026-03-04T10:00:00.000Z",
            "bizLocation": { "id": "https://id.gs1.org/414/9521321000025" },
        }),
    ));
    ledger
}

#[test]
fn a_lot_leads_to_what_was_made_of_it_and_where_that_is() {
    let (found, end) = story().trace(&lot(1), Direction::Forward, ALL);
    assert!(end.is_complete());
    let unit = found.iter().find(|t| t.id == item(1)).unwrap();
    assert_eq!(unit.depth, 1);
    assert_eq!(unit.inside, [container(1), container(2)]);
    assert_eq!(unit.state, Some(UnitState::Shipped));
    let seen = unit.seen.clone().unwrap();
    assert_eq!(seen.place, "https://id.gs1.org/414/9521321000025");
    assert_eq!(seen.time_ms, 1_772_618_400_000);
    let edge = unit.edge.clone().unwrap();
    assert_eq!((&*edge.from, edge.kind), (&*lot(1), EdgeKind::Transformed));
    assert_eq!((edge.place, edge.quantity), ((1, 0, 0), None));
    let made = found.iter().find(|t| t.id == lot(2)).unwrap();
    assert_eq!(made.state, None);
    let edge = made.edge.clone().unwrap();
    assert_eq!(edge.quantity, Some(("3".to_owned(), None)));
    // The containers hold what is affected, and aren't affected themselves.
    let all: BTreeSet<String> = found.into_iter().map(|t| t.id).collect();
    assert_eq!(all, ids(&[&lot(1), &item(1), &item(2), &lot(2)]));
}

#[test]
fn a_unit_leads_back_to_the_lot_with_its_quantity() {
    let (found, _) = story().trace(&item(2), Direction::Backward, ALL);
    let [_, raw] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(raw.id, lot(1));
    let quantity = raw.edge.clone().unwrap().quantity;
    assert_eq!(quantity, Some(("12.5".to_owned(), Some("KGM".to_owned()))));
    // A pallet leads to what is in it now, to any depth, and on from there.
    assert_eq!(
        story().ids(&container(2), Direction::Backward),
        ids(&[&container(2), &container(1), &item(1), &lot(1)])
    );
}

/// A unit that was in the pallet before the unit that is traced came into it isn't affected.
#[test]
fn neighbours_in_a_container_are_not_affected() {
    let mut ledger = Ledger::default();
    ledger.record(aggregation("ADD", &container(1), &[item(1), item(2)]));
    assert_eq!(ledger.ids(&item(1), Direction::Forward), ids(&[&item(1)]));
    let both = ids(&[&container(1), &item(1), &item(2)]);
    assert_eq!(ledger.ids(&container(1), Direction::Forward), both);
}

#[test]
fn a_declaration_of_error_takes_nothing_out_and_is_told() {
    let mut ledger = Ledger::default();
    let mut event: serde_json::Value =
        serde_json::from_slice(&transformation(&[item(1)], &[item(2)])).unwrap();
    event["eventID"] = json!("urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8");
    let made = event.to_string().into_bytes();
    ledger.record(made.clone());
    let flag = |ledger: &Ledger| {
        let (found, _) = ledger.trace(&item(1), Direction::Forward, ALL);
        assert_eq!(found.len(), 2);
        found[1].edge.clone().unwrap().declared_wrong
    };
    assert!(!flag(&ledger));
    ledger.record(declared_wrong(&made));
    assert!(flag(&ledger));
}

#[test]
fn limits_are_kept_and_told() {
    let mut ledger = Ledger::default();
    for n in 0..5 {
        ledger.record(transformation(&[item(n)], &[item(n + 1)]));
    }
    let limits = |depth, items| Limits { depth, items };
    let (found, end) = ledger.trace(&item(0), Direction::Forward, limits(2, 100));
    assert_eq!((found.len(), end.too_deep, end.too_many), (3, 1, 0));
    let (found, end) = ledger.trace(&item(0), Direction::Forward, limits(100, 4));
    assert_eq!((found.len(), end.too_deep, end.too_many), (4, 0, 1));
    assert!(!end.is_complete());
    let (found, end) = ledger.trace(&item(5), Direction::Backward, limits(100, 100));
    assert_eq!((found.len(), end.is_complete()), (6, true));
}

#[test]
fn what_has_no_history_is_a_trace_of_itself() {
    let (found, end) = Ledger::default().trace(&item(1), Direction::Forward, ALL);
    assert!(end.is_complete());
    let [only] = found.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (only.events, only.seen.as_ref(), only.state),
        (0, None, None)
    );
}
