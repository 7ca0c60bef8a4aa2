use prost::Message;

use super::*;
use touchstone_proto::ledger::Position;

/// A link of `count` events, and the answer that proves it.
fn linked(count: u64) -> (Link, Vec<LinkedEvent>) {
    let mut head = EMPTY_HEAD;
    let mut events = Vec::new();
    for n in 0..count {
        let event = format!("event {n}").into_bytes();
        let entry = entry(n, &event).encode_to_vec();
        head = extend(&head, &entry);
        events.push(LinkedEvent { entry, event });
    }
    let head = head.to_vec();
    (Link { count, head }, events)
}

fn entry(n: u64, event: &[u8]) -> LinkEntry {
    LinkEntry {
        // Neighbours share heights and transactions, so that each part of the order counts.
        position: Some(Position {
            height: 1 + n / 4,
            transaction: (n / 2 % 2) as u32,
            event: (n % 2) as u32,
        }),
        transaction_id: vec![n as u8; 32],
        content_hash: hash::sha256(event).to_vec(),
        organisation: "market".into(),
        time_ms: 1000 + n,
    }
}

/// The head that hostile hands would compute over these events.
fn rehash(events: &[LinkedEvent]) -> Link {
    let head = events
        .iter()
        .fold(EMPTY_HEAD, |head, e| extend(&head, &e.entry));
    Link {
        count: events.len() as u64,
        head: head.to_vec(),
    }
}

#[test]
fn a_whole_link_is_proven() {
    for count in [0, 1, 2, 9] {
        let (link, events) = linked(count);
        let entries = verify(&link, &events).unwrap();
        assert_eq!(entries.len() as u64, count);
        for (n, found) in (0..).zip(entries) {
            assert_eq!(found, entry(n, &events[n as usize].event));
        }
    }
}

#[test]
fn no_event_can_be_dropped() {
    let (link, events) = linked(9);
    for i in 0..9 {
        let mut fewer = events.clone();
        fewer.remove(i);
        let refused = verify(&link, &fewer);
        assert_eq!(
            refused,
            Err(LinkError::Count {
                expected: 9,
                found: 8
            })
        );
        let hidden = Link {
            count: 8,
            ..link.clone()
        };
        assert_eq!(verify(&hidden, &fewer), Err(LinkError::Head), "without {i}");
    }
    let none = Link { count: 0, ..link };
    assert_eq!(verify(&none, &[]), Err(LinkError::Head));
}

#[test]
fn no_event_can_be_added_or_repeated() {
    let (link, events) = linked(9);
    for i in 0..9 {
        let mut more = events.clone();
        more.insert(i, events[i].clone());
        let refused = verify(&link, &more);
        assert_eq!(
            refused,
            Err(LinkError::Count {
                expected: 9,
                found: 10
            })
        );
        // Even a head over the repetition is refused: places ascend.
        let refused = verify(&rehash(&more), &more);
        assert_eq!(refused, Err(LinkError::Order(i as u64 + 1)));
    }
    let (_, longer) = linked(10);
    let counted = Link { count: 10, ..link };
    assert_eq!(verify(&counted, &longer), Err(LinkError::Head));
}

#[test]
fn no_two_events_can_be_swapped() {
    let (link, events) = linked(9);
    for a in 0..9 {
        for b in a + 1..9 {
            let mut swapped = events.clone();
            swapped.swap(a, b);
            let refused = verify(&link, &swapped).unwrap_err();
            assert!(
                matches!(refused, LinkError::Order(_)),
                "{a} {b}: {refused:?}"
            );
            assert_eq!(verify(&rehash(&swapped), &swapped), Err(refused));
        }
    }
}

#[test]
fn no_field_of_an_entry_can_be_edited() {
    type Edit = fn(&mut LinkEntry);
    let edits: [(&str, Edit); 8] = [
        ("height", |e| e.position.as_mut().unwrap().height += 100),
        ("transaction", |e| {
            e.position.as_mut().unwrap().transaction += 9
        }),
        ("event", |e| e.position.as_mut().unwrap().event += 9),
        ("position", |e| e.position = None),
        ("transaction id", |e| e.transaction_id[0] ^= 1),
        ("content hash", |e| e.content_hash[0] ^= 1),
        ("organisation", |e| e.organisation.push('x')),
        ("time", |e| e.time_ms += 1),
    ];
    let (link, events) = linked(9);
    for i in 0..9u64 {
        for (name, edit) in edits {
            let mut tampered = events.clone();
            let event = &mut tampered[i as usize];
            let mut changed = entry(i, &event.event);
            edit(&mut changed);
            event.entry = changed.encode_to_vec();
            let refused = verify(&link, &tampered).unwrap_err();
            assert!(
                matches!(refused, LinkError::Head | LinkError::Order(_)),
                "{name} of {i}: {refused:?}"
            );
        }
    }
}

#[test]
fn an_events_bytes_are_those_recorded() {
    let (link, events) = linked(9);
    for i in 0..9 {
        for edit in [
            (|e: &mut Vec<u8>| e[0] ^= 1) as fn(&mut Vec<u8>),
            |e| e.push(b' '),
            Vec::clear,
        ] {
            let mut tampered = events.clone();
            edit(&mut tampered[i].event);
            assert_eq!(verify(&link, &tampered), Err(LinkError::Content(i as u64)));
        }
    }
    // Bodies of two events exchanged under their own entries.
    let mut exchanged = events;
    let first = exchanged[0].event.clone();
    exchanged[0].event = std::mem::replace(&mut exchanged[1].event, first);
    assert_eq!(verify(&link, &exchanged), Err(LinkError::Content(0)));
}

#[test]
fn entries_are_canonical() {
    let (_, events) = linked(3);
    for tail in [&[0x30, 1][..], &[0], &[0x28, 0]] {
        let mut tampered = events.clone();
        tampered[1].entry.extend_from_slice(tail);
        let refused = verify(&rehash(&tampered), &tampered);
        assert!(
            matches!(refused, Err(LinkError::Malformed(1, _))),
            "{refused:?}"
        );
    }
}

#[test]
fn the_head_has_32_bytes() {
    let (link, events) = linked(2);
    for length in [0, 31, 33] {
        let mut head = link.head.clone();
        head.resize(length, 0);
        let cut = Link { count: 2, head };
        assert_eq!(verify(&cut, &events), Err(LinkError::Head));
    }
}

#[test]
fn every_flipped_bit_of_an_answer_is_refused() {
    let (link, events) = linked(3);
    for (i, event) in events.iter().enumerate() {
        for flipped in crate::test_support::bit_flips(&event.entry) {
            let mut tampered = events.clone();
            tampered[i].entry = flipped;
            assert!(verify(&link, &tampered).is_err());
        }
    }
    for head in crate::test_support::bit_flips(&link.head) {
        assert_eq!(
            verify(&Link { count: 3, head }, &events),
            Err(LinkError::Head)
        );
    }
}
