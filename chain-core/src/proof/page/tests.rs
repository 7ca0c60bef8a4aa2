use std::collections::BTreeMap;
use std::sync::LazyLock;

use proptest::prelude::*;
use prost::Message;

use super::*;
use crate::hash;
use crate::state::commitment;
use crate::test_support::{Memory, bit_flips};
use touchstone_proto::ledger::Position;

/// Lengths of the links: at the stride, beside it, and long.
const COUNTS: [u64; 7] = [1, 255, 256, 257, 512, 700, 1000];

/// A state with some links in it, at two heights.
struct Ledger {
    state: Memory,
    height: u64,
    roots: [Hash; 2],
    events: BTreeMap<Vec<u8>, Vec<LinkedEvent>>,
}

static LEDGER: LazyLock<Ledger> = LazyLock::new(ledger);

fn owner(count: u64) -> Vec<u8> {
    keys::item(&format!("urn:example:{count}"))
}

/// An item whose link is as long, place by place, as the one of 700.
const TWIN: u64 = 7000;

fn ledger() -> Ledger {
    let mut ledger = Ledger {
        state: Memory::default(),
        height: 0,
        roots: [[0; 32]; 2],
        events: BTreeMap::new(),
    };
    for height in 0..2 {
        let mut values = BTreeMap::new();
        for name in COUNTS.into_iter().chain([TWIN]) {
            // At the height before, all links are one entry shorter.
            let count = if name == TWIN { 700 } else { name } + height - 1;
            let events: Vec<LinkedEvent> = (0..count).map(|n| event(name, n)).collect();
            let mut head = EMPTY_HEAD;
            for (n, event) in (1..).zip(&events) {
                head = link::extend(&head, &event.entry);
                if n % PAGE_STRIDE == 0 {
                    values.insert(keys::link_head(&owner(name), n), head.to_vec());
                }
            }
            let link = Link {
                count,
                head: head.to_vec(),
            };
            values.insert(owner(name), link.encode_to_vec());
            ledger.events.insert(owner(name), events);
        }
        let update = commitment::update(&ledger.state, height, &values).unwrap();
        ledger.roots[height as usize] = update.root;
        ledger.state.values.extend(values);
        ledger.state.nodes.extend(update.nodes);
        ledger.height = height;
    }
    ledger
}

fn event(name: u64, n: u64) -> LinkedEvent {
    let event = format!("event {n} of {name}").into_bytes();
    let entry = LinkEntry {
        position: Some(Position {
            height: 1 + n / 4,
            transaction: (n / 2 % 2) as u32,
            event: (n % 2) as u32,
        }),
        transaction_id: vec![n as u8; 32],
        content_hash: hash::sha256(&event).to_vec(),
        organisation: "market".into(),
        time_ms: 1000 + n,
    };
    LinkedEvent {
        entry: entry.encode_to_vec(),
        event,
    }
}

impl LinkRead for Ledger {
    fn entries_between(&self, owner: &[u8], from: u64, to: u64) -> Result<Vec<Vec<u8>>, Fault> {
        let events = &self.events[owner][from as usize..to as usize];
        Ok(events.iter().map(|e| e.entry.clone()).collect())
    }

    fn prove_key(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, StateProof), Fault> {
        let value = self.state.values.get(key).cloned();
        let proof = commitment::prove(&self.state, self.height, key, value.as_deref())?;
        Ok((value, proof))
    }
}

/// An answer with a page, and what it is checked against.
#[derive(Clone, Debug)]
struct Answer {
    root: Hash,
    owner: Vec<u8>,
    link: Link,
    from: u64,
    events: Vec<LinkedEvent>,
    proof: PageProof,
}

impl Answer {
    fn of(name: u64, from: u64, to: u64) -> Answer {
        let ledger = &*LEDGER;
        let owner = owner(name);
        let link: Link = ledger.state.message(&owner).unwrap();
        Answer {
            root: ledger.roots[1],
            from,
            events: ledger.events[&owner][from as usize..to as usize].to_vec(),
            proof: prove(ledger, &owner, from, to, link.count).unwrap(),
            link,
            owner,
        }
    }

    fn check(&self) -> Result<Vec<LinkEntry>, PageError> {
        let Answer {
            root, owner, link, ..
        } = self;
        verify(root, owner, link, self.from, &self.events, &self.proof)
    }
}

#[test]
fn a_page_needs_as_much_as_stands_around_it() {
    let table = [
        // from, to, count: heads after, entries before and after.
        ((0, 1, 1), (None, None), (0, 0)),
        ((0, 255, 700), (None, Some(256)), (0, 1)),
        ((0, 256, 700), (None, Some(256)), (0, 0)),
        ((0, 256, 256), (None, None), (0, 0)),
        ((256, 512, 700), (Some(256), Some(512)), (0, 0)),
        ((255, 513, 700), (None, None), (255, 187)),
        ((511, 513, 1000), (Some(256), Some(768)), (255, 255)),
        ((512, 700, 700), (Some(512), None), (0, 0)),
        ((699, 700, 700), (Some(512), None), (187, 0)),
        ((300, 301, 700), (Some(256), Some(512)), (44, 211)),
    ];
    for ((from, to, count), heads, fill) in table {
        let answer = Answer::of(count, from, to);
        let span = Span::around(from, to, count).unwrap();
        assert_eq!((span.first_head(), span.last_head()), heads, "{from} {to}");
        let PageProof {
            before,
            after,
            first,
            last,
        } = &answer.proof;
        assert_eq!((before.len(), after.len()), fill, "{from} {to}");
        let found = (first.is_some(), last.is_some());
        assert_eq!(found, (heads.0.is_some(), heads.1.is_some()), "{from} {to}");
        let entries = answer.check().unwrap();
        let exact: Vec<Vec<u8>> = entries.iter().map(Message::encode_to_vec).collect();
        let events: Vec<Vec<u8>> = answer.events.into_iter().map(|e| e.entry).collect();
        assert_eq!(exact, events, "{from} {to}");
    }
    for (from, to, count) in [(0, 0, 5), (5, 5, 5), (3, 2, 5), (4, 6, 5), (7, 9, 5)] {
        assert_eq!(Span::around(from, to, count), None, "{from} {to}");
    }
    let whole = Span::around(0, u64::MAX, u64::MAX).unwrap();
    assert_eq!((whole.first, whole.last), (0, u64::MAX));
}

type Forge = fn(&mut Answer);
type Refused = fn(&PageError) -> bool;

fn sibling(head: &mut Option<ProvenHead>) -> &mut Vec<Vec<u8>> {
    let proof = head.as_mut().unwrap().proof.as_mut().unwrap();
    &mut proof.siblings
}

/// Each forgery of the page 300 to 400 of 700, which has all fields of a proof, and its reason.
const FORGERIES: &[(&str, Forge, Refused)] = &[
    ("an event dropped", |a| drop(a.events.remove(50)), is_fill),
    ("the last event dropped", |a| drop(a.events.pop()), is_fill),
    (
        "one dropped, another doubled",
        |a| a.events[50] = a.events[49].clone(),
        is_entries,
    ),
    (
        "one dropped, the fill too",
        |a| {
            a.events.pop();
            a.proof.after.insert(0, vec![]);
        },
        is_entries,
    ),
    (
        "all dropped",
        |a| a.events.clear(),
        |e| *e == PageError::Empty,
    ),
    ("two swapped", |a| a.events.swap(10, 11), is_entries),
    ("one more", |a| a.events.push(event(700, 400)), is_fill),
    (
        "an invented event",
        |a| {
            let mut entry: LinkEntry = encoding::decode_exact(&a.events[50].entry).unwrap();
            a.events[50].event = b"invented".to_vec();
            entry.content_hash = hash::sha256(b"invented").to_vec();
            a.events[50].entry = entry.encode_to_vec();
        },
        is_head,
    ),
    (
        "another event under an entry",
        |a| a.events[50].event.push(b' '),
        |e| *e == PageError::Entries(LinkError::Content(350)),
    ),
    (
        "an event of another item",
        |a| a.events[50] = event(TWIN, 350),
        is_head,
    ),
    (
        "a page of another item",
        |a| {
            let twin = Answer::of(TWIN, 300, 400);
            (a.events, a.proof) = (twin.events, twin.proof);
        },
        is_state,
    ),
    (
        "events of another item",
        |a| a.events = Answer::of(TWIN, 300, 400).events,
        is_head,
    ),
    ("another item", |a| a.owner = owner(TWIN), is_state),
    (
        "another page's events",
        |a| a.events = Answer::of(700, 400, 500).events,
        is_entries,
    ),
    ("another page's place", |a| a.from = 44, is_head_or_state),
    ("another place", |a| a.from += 1, is_fill),
    ("a later place", |a| a.from += 256, is_fill),
    (
        "beyond the end",
        |a| a.from = 601,
        |e| {
            *e == PageError::Beyond {
                count: 700,
                from: 601,
                to: 701,
            }
        },
    ),
    (
        "far beyond the end",
        |a| a.from = u64::MAX,
        |e| matches!(e, PageError::Beyond { .. }),
    ),
    ("another height", |a| a.root = LEDGER.roots[0], is_state),
    (
        "a shorter record",
        |a| a.link.count = 512,
        |e| *e == PageError::NeedlessHead(512),
    ),
    (
        "a record shorter than the page",
        |a| a.link.count = 399,
        |e| matches!(e, PageError::Beyond { .. }),
    ),
    (
        "an entry before edited",
        |a| a.proof.before[7][3] ^= 1,
        is_entries_or_head,
    ),
    (
        "an entry before dropped",
        |a| drop(a.proof.before.remove(7)),
        is_fill,
    ),
    (
        "entries before swapped",
        |a| a.proof.before.swap(7, 8),
        is_entries,
    ),
    (
        "an entry after edited",
        |a| a.proof.after[7][3] ^= 1,
        is_entries_or_head,
    ),
    (
        "an entry after dropped",
        |a| drop(a.proof.after.pop()),
        is_fill,
    ),
    (
        "an entry after added",
        |a| a.proof.after.push(event(700, 512).entry),
        is_fill,
    ),
    (
        "no first head",
        |a| a.proof.first = None,
        |e| *e == PageError::NoHead(256),
    ),
    (
        "no last head",
        |a| a.proof.last = None,
        |e| *e == PageError::NoHead(512),
    ),
    (
        "heads exchanged",
        |a| {
            std::mem::swap(&mut a.proof.first, &mut a.proof.last);
        },
        is_state,
    ),
    (
        "another first head",
        |a| a.proof.first.as_mut().unwrap().head[0] ^= 1,
        is_state,
    ),
    (
        "another last head",
        |a| a.proof.last.as_mut().unwrap().head[0] ^= 1,
        is_state,
    ),
    (
        "a short head",
        |a| a.proof.first.as_mut().unwrap().head.truncate(31),
        |e| matches!(e, PageError::Malformed(_)),
    ),
    (
        "no proof of the first head",
        |a| a.proof.first.as_mut().unwrap().proof = None,
        |e| *e == PageError::State(256, StateError::Missing),
    ),
    (
        "no proof of the last head",
        |a| a.proof.last.as_mut().unwrap().proof = None,
        |e| *e == PageError::State(512, StateError::Missing),
    ),
    (
        "a sibling of the first head",
        |a| sibling(&mut a.proof.first)[0][0] ^= 1,
        is_state,
    ),
    (
        "a sibling of the last head",
        |a| sibling(&mut a.proof.last)[0][0] ^= 1,
        is_state,
    ),
    (
        "a sibling less",
        |a| drop(sibling(&mut a.proof.last).pop()),
        is_state,
    ),
];

fn is_fill(error: &PageError) -> bool {
    matches!(error, PageError::Fill { .. })
}

fn is_entries(error: &PageError) -> bool {
    matches!(error, PageError::Entries(_))
}

fn is_head(error: &PageError) -> bool {
    *error == PageError::Head { from: 256, to: 512 }
}

fn is_entries_or_head(error: &PageError) -> bool {
    is_entries(error) || is_head(error)
}

fn is_state(error: &PageError) -> bool {
    matches!(error, PageError::State(_, StateError::Root))
}

fn is_head_or_state(error: &PageError) -> bool {
    is_state(error) || matches!(error, PageError::Head { .. } | PageError::NeedlessHead(_))
}

#[test]
fn every_forged_page_is_refused_with_its_reason() {
    let genuine = Answer::of(700, 300, 400);
    assert!(genuine.check().is_ok());
    for (what, forge, reason) in FORGERIES {
        let mut forged = genuine.clone();
        forge(&mut forged);
        let refused = forged.check().expect_err(what);
        assert!(reason(&refused), "{what}: {refused}");
    }
}

/// The end of a link is proven by its record's head.
#[test]
fn the_last_page_ends_with_the_record() {
    let genuine = Answer::of(700, 512, 700);
    assert!(genuine.check().is_ok());
    let mut forged = genuine.clone();
    forged.link.head[0] ^= 1;
    assert_eq!(forged.check(), Err(PageError::Head { from: 512, to: 700 }));
    let mut forged = genuine.clone();
    forged.link.count = 699;
    forged.events.pop();
    assert_eq!(forged.check(), Err(PageError::Head { from: 512, to: 699 }));
    // A head that is true, and not needed.
    let mut forged = genuine.clone();
    forged.proof.last = forged.proof.first.clone();
    assert_eq!(forged.check(), Err(PageError::NeedlessHead(700)));
    let mut forged = Answer::of(700, 0, 256);
    forged.proof.first = forged.proof.last.clone();
    assert_eq!(forged.check(), Err(PageError::NeedlessHead(0)));
}

#[test]
fn every_flipped_bit_of_a_pages_proof_is_refused() {
    // Both heads, and two of the entries on either side.
    let genuine = Answer::of(700, 300, 301);
    let PageProof {
        before,
        after,
        first,
        last,
    } = genuine.proof.clone();
    let part = PageProof {
        before: before[42..].to_vec(),
        after: after[..2].to_vec(),
        first,
        last,
    };
    let mut refused = 0;
    for flipped in bit_flips(&part.encode_to_vec()) {
        let Ok(mut proof) = PageProof::decode(flipped.as_slice()) else {
            continue;
        };
        if proof == part {
            continue;
        }
        proof.before = [&before[..42], &proof.before].concat();
        proof.after.extend_from_slice(&after[2..]);
        let forged = Answer {
            proof,
            ..genuine.clone()
        };
        assert!(forged.check().is_err(), "{:?}", forged.proof);
        refused += 1;
    }
    assert!(refused > 1000, "{refused}");
}

/// A page of any link, by two numbers.
fn page(link: usize, a: u64, b: u64) -> (u64, u64, u64) {
    let count = COUNTS[link % COUNTS.len()];
    let from = a % count;
    (count, from, from + 1 + b % (count - from))
}

proptest! {
    #[test]
    fn any_page_of_any_link_is_proven(link in 0..7usize, a: u64, b: u64) {
        let (count, from, to) = page(link, a, b);
        let answer = Answer::of(count, from, to);
        let entries = answer.check();
        prop_assert_eq!(entries.map(|e| e.len() as u64), Ok(to - from));
    }

    #[test]
    fn no_other_content_is(link in 0..7usize, a: u64, b: u64, kind in 0..8, at: usize, other: u64) {
        let (count, from, to) = page(link, a, b);
        let genuine = Answer::of(count, from, to);
        let mut forged = genuine.clone();
        let at = at % forged.events.len();
        match kind {
            0 => drop(forged.events.remove(at)),
            1 => forged.events.insert(at, event(count, other % count)),
            2 => forged.events[at] = event(count, other % count),
            3 => forged.events[at] = event(other % 9000, from + at as u64),
            4 => {
                let end = (other % forged.events.len() as u64) as usize;
                forged.events.swap(at, end);
            }
            5 => forged.from = other % count,
            6 => forged.events.truncate(at),
            _ => {
                let bit = other as usize % (forged.events[at].entry.len() * 8);
                forged.events[at].entry[bit / 8] ^= 1 << (bit % 8);
            }
        }
        let is_same = (forged.from, &forged.events) == (genuine.from, &genuine.events);
        prop_assert_eq!(forged.check().is_ok(), is_same);
    }
}
