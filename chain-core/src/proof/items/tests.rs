use std::collections::BTreeMap;

use prost::Message;
use touchstone_proto::ledger::{Link, Position};
use touchstone_proto::node::{KeyEnd, LinkedEvent, OtherLeaf};

use super::*;
use crate::hash;
use crate::state::commitment;
use crate::test_support::Memory;

const NAMES: [&str; 6] = ["a", "b", "c", "case", "long", "nothing"];

/// Events of each, by number: `a` and `b` share some, `nothing` isn't recorded.
fn events_of(name: &str) -> Vec<u32> {
    match name {
        "a" => vec![0, 2, 3],
        "b" => vec![1, 2],
        "c" => vec![4],
        "case" => vec![2, 5],
        "long" => (0..6).collect(),
        _ => vec![],
    }
}

fn event(number: u32) -> LinkedEvent {
    let event = format!("event {number}").into_bytes();
    let entry = LinkEntry {
        position: Some(Position {
            height: 1 + u64::from(number) / 2,
            transaction: 0,
            event: number % 2,
        }),
        transaction_id: vec![number as u8; 32],
        content_hash: hash::sha256(&event).to_vec(),
        organisation: "market".into(),
        time_ms: 1000,
    };
    LinkedEvent {
        entry: entry.encode_to_vec(),
        event,
    }
}

fn item(name: &str) -> Option<Item> {
    let events = events_of(name);
    let entries = events.iter().map(|number| event(*number).entry);
    let head = entries.fold(link::EMPTY_HEAD, |head, entry| link::extend(&head, &entry));
    (!events.is_empty()).then(|| Item {
        link: Some(Link {
            count: events.len() as u64,
            head: head.to_vec(),
        }),
        ..Item::default()
    })
}

fn id(name: &str) -> String {
    format!("urn:example:{name}")
}

/// The answer about all but `case`, which stands around them; `long` is left to pages.
fn answer() -> (Hash, Vec<String>, ItemsReply) {
    let mut values = BTreeMap::new();
    for name in NAMES {
        if let Some(item) = item(name) {
            values.insert(keys::item(&id(name)), item.encode_to_vec());
        }
    }
    for other in 0..100u8 {
        values.insert(vec![other], vec![other]);
    }
    let update = commitment::update(&Memory::default(), 0, &values).unwrap();
    let memory = Memory {
        nodes: update.nodes,
        ..Memory::default()
    };
    let told = |name: &str| ItemEvents {
        id: id(name),
        record: item(name).map(|item| item.encode_to_vec()),
        events: match name {
            "long" => vec![],
            name => events_of(name),
        },
    };
    let items: Vec<ItemEvents> = ["a", "b", "c", "long", "nothing"].map(told).into();
    let around = vec![told("case")];
    let all = items.iter().chain(&around);
    let pairs: Vec<_> = all
        .map(|item| (keys::item(&item.id), item.record.clone()))
        .collect();
    let pairs: Vec<KeyValue<'_>> = pairs
        .iter()
        .map(|(key, value)| (key.as_slice(), value.as_deref()))
        .collect();
    let proof = commitment::prove_all(&memory, 0, &pairs).unwrap();
    let reply = ItemsReply {
        header: None,
        events: (0..6).map(event).collect(),
        items,
        around,
        proof: Some(proof),
    };
    let asked = ["a", "b", "c", "long", "nothing", "not answered"].map(id);
    (update.root, asked.into(), reply)
}

#[test]
fn an_answer_proves_records_links_and_absence() {
    let (root, asked, reply) = answer();
    let proven = verify(&root, &asked, &reply).unwrap();
    assert_eq!(proven.entries.len(), 6);
    let all = proven.items.iter().chain(&proven.around);
    for (found, name) in all.zip(["a", "b", "c", "long", "nothing", "case"]) {
        assert_eq!(
            (found.id.as_str(), &found.record),
            (&*id(name), &item(name))
        );
        let events = events_of(name).into_iter().map(|n| n as usize).collect();
        let expected = (name != "long").then_some(events);
        assert_eq!(found.events, expected, "{name}");
    }
    // The first ones alone are an answer too, to a question that asks for no more.
    assert_eq!(verify(&root, &asked[..5], &reply), Ok(proven));
}

type Bend = fn(&mut ItemsReply);

/// Every field, bent.
const BENDS: [(&str, Bend); 34] = [
    ("an event left out", |r| drop(r.events.remove(5))),
    ("the first event left out", |r| drop(r.events.remove(0))),
    ("an event added", |r| r.events.push(event(6))),
    ("an event twice", |r| r.events.push(event(0))),
    ("events swapped", |r| r.events.swap(0, 1)),
    ("an event's bytes", |r| r.events[3].event.push(0)),
    ("an event's entry", |r| r.events[3].entry[1] ^= 1),
    ("an entry that isn't canonical", |r| {
        r.events[3].entry.push(0)
    }),
    ("an event of another entry", |r| {
        r.events[3].event = event(4).event
    }),
    ("another event for another", |r| r.events[4] = event(6)),
    ("an item left out", |r| drop(r.items.remove(1))),
    ("the last item left out", |r| drop(r.items.pop())),
    ("no item", |r| r.items.clear()),
    ("items swapped", |r| r.items.swap(0, 1)),
    ("an item twice", |r| r.items.insert(0, r.items[0].clone())),
    ("an item's id", |r| r.items[0].id.push('x')),
    ("a container's id", |r| r.around[0].id.push('x')),
    ("a container left out", |r| drop(r.around.pop())),
    ("a container twice", |r| r.around.push(r.around[0].clone())),
    ("an item around itself", |r| {
        r.around.push(r.items[0].clone())
    }),
    ("a record hidden", |r| r.items[0].record = None),
    ("a record invented", |r| r.items[4].record = Some(vec![])),
    ("a record's bytes", |r| {
        r.items[0].record.as_mut().unwrap()[5] ^= 1
    }),
    ("another item's record", |r| {
        r.items[0].record = r.items[1].record.clone();
    }),
    ("an item's event left out", |r| _ = r.items[0].events.pop()),
    ("an item's first event left out", |r| {
        r.items[0].events.remove(0);
    }),
    ("an item's event added", |r| r.items[0].events.push(4)),
    ("an item's event twice", |r| r.items[2].events.push(4)),
    ("an item's events swapped", |r| r.items[0].events.swap(0, 1)),
    ("an event that isn't there", |r| r.items[0].events.push(6)),
    ("another event", |r| r.items[1].events[0] = 0),
    ("an event of what isn't recorded", |r| {
        r.items[4].events.push(0)
    }),
    ("a long link's beginning", |r| r.items[3].events.push(0)),
    ("no proof", |r| r.proof = None),
];

#[test]
fn every_field_that_is_bent_is_refused() {
    let (root, asked, reply) = answer();
    for (what, bend) in BENDS {
        let mut bent = reply.clone();
        bend(&mut bent);
        assert!(verify(&root, &asked, &bent).is_err(), "{what}");
    }
    let proof = reply.proof.as_ref().unwrap();
    for end in 0..proof.ends.len() {
        for bend in [
            (|e: &mut KeyEnd| e.depth += 1) as fn(&mut KeyEnd),
            |e| e.depth -= 1,
            |e| {
                let other = e.other_leaf.take();
                e.other_leaf = other.is_none().then(OtherLeaf::default);
            },
        ] {
            let mut bent = reply.clone();
            bend(&mut bent.proof.as_mut().unwrap().ends[end]);
            assert!(verify(&root, &asked, &bent).is_err(), "end {end}");
        }
    }
    for sibling in 0..proof.siblings.len() {
        let mut bent = reply.clone();
        bent.proof.as_mut().unwrap().siblings[sibling][0] ^= 1;
        assert!(verify(&root, &asked, &bent).is_err(), "sibling {sibling}");
    }
    let mut other = root;
    other[0] ^= 1;
    assert!(verify(&other, &asked, &reply).is_err());
}

#[test]
fn an_answer_is_about_what_was_asked_for() {
    let (root, asked, reply) = answer();
    let others = ["b", "a", "c", "long", "nothing"].map(id);
    for question in [&asked[1..], &asked[..4], &others, &[]] {
        let refused = verify(&root, question, &reply);
        assert_eq!(refused, Err(ItemsError::OtherItems), "{question:?}");
    }
}

/// Whoever asks goes on with what is left, so an answer about nothing would be asked for again and again.
#[test]
fn an_answer_tells_of_one_item_at_least() {
    let (root, asked, _) = answer();
    let nothing = ItemsReply {
        proof: Some(Default::default()),
        ..ItemsReply::default()
    };
    let refused = verify(&root, &asked, &nothing);
    assert_eq!(refused, Err(ItemsError::OtherItems));
    assert!(verify(&root, &[], &nothing).is_ok());
}

/// A link that is short may be left to pages too; then its events are in the answer for others alone.
#[test]
fn what_no_item_needs_is_not_in_the_answer() {
    let (root, asked, mut reply) = answer();
    reply.items[0].events.clear();
    assert_eq!(verify(&root, &asked, &reply), Err(ItemsError::Needless(0)));
}
