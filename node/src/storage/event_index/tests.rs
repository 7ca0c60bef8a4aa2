use ed25519_dalek::SigningKey;
use touchstone_core::transaction;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{CaptureEvents, Transaction};

use super::*;
use crate::storage::Store;
use crate::storage::rocks::{RocksStore, StoreSettings};
use crate::storage::test_blocks::{self, BlockContent};

fn event(step: &str, time: &str) -> Vec<u8> {
    format!(
        r#"{{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "{time}", "bizStep": "{step}",
        "eventTimeZoneOffset": "+00:00", "epcList": ["https://example.com/1"]}}"#
    )
    .into_bytes()
}

/// A block of one capture and of a transaction that is none.
fn block(store: &mut RocksStore, events: Vec<Vec<u8>>) {
    let sign = |action| {
        let body = Transaction {
            organisation: "platform".into(),
            created_ms: 1,
            action: Some(action),
        };
        transaction::sign(&SigningKey::from_bytes(&[1; 32]), &[7; 32], &body)
    };
    let deposit = Action::DepositDesign(touchstone_proto::ledger::DepositDesign {
        commitment: vec![7; 32],
    });
    let capture = Action::CaptureEvents(CaptureEvents {
        events,
        handover: None,
    });
    let content = BlockContent {
        envelopes: vec![sign(deposit), sign(capture)],
        ..BlockContent::default()
    };
    let made = test_blocks::next(store, &content);
    store.commit(made.commit()).unwrap();
}

fn place(height: u64, event: u32) -> EventPlace {
    EventPlace {
        height,
        transaction: 1,
        event,
    }
}

fn chain(folder: &std::path::Path) -> RocksStore {
    let genesis = test_blocks::genesis("events");
    let mut store = RocksStore::create(folder, &genesis, &StoreSettings::default()).unwrap();
    block(
        &mut store,
        vec![
            event("shipping", "2026-03-01T08:00:00Z"),
            event("packing", "1960-01-01T00:00:00Z"),
        ],
    );
    block(&mut store, vec![event("shipping", "2020-01-01T00:00:00Z")]);
    block(&mut store, vec![event("packing", "2030-01-01T00:00:00Z")]);
    store
}

fn steps(snapshot: &Snapshot<'_>, from: EventPlace, descending: bool) -> Vec<EventPlace> {
    let places = snapshot.events_with(IndexField::BizStep, "shipping", from, descending);
    places.collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_index_follows_the_chain_block_by_block_or_at_once() {
    for blocks in [1, 2, 100] {
        let folder = tempfile::tempdir().unwrap();
        let store = chain(folder.path());
        let catalogue = store.catalogue();
        let mut turns = 1;
        while !catalogue.catch_up(blocks).unwrap() {
            turns += 1;
        }
        assert_eq!(turns, 3u64.div_ceil(blocks));
        let reader = store.reader();
        let snapshot = reader.snapshot();
        assert_eq!(snapshot.indexed_to().unwrap(), 3);
        let first = EventPlace::default();
        let (one, two) = (place(1, 0), place(2, 0));
        assert_eq!(steps(&snapshot, first, false), [one, two]);
        assert_eq!(steps(&snapshot, two, false), [two]);
        assert_eq!(steps(&snapshot, EventPlace::LAST, true), [two, one]);
        assert_eq!(steps(&snapshot, one, true), [one]);
        assert_eq!(steps(&snapshot, first, true), []);
    }
}

/// What execution has read isn't read again: here it differs from the block, which shows that the index took it.
#[test]
fn the_index_takes_events_as_execution_has_read_them() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = test_blocks::genesis("events");
    let mut store = RocksStore::create(folder.path(), &genesis, &StoreSettings::default()).unwrap();
    let catalogue = store.catalogue();
    let envelope = |step| {
        let capture = CaptureEvents {
            events: vec![event(step, "2026-03-01T08:00:00Z")],
            handover: None,
        };
        let body = Transaction {
            organisation: "platform".into(),
            created_ms: 1,
            action: Some(Action::CaptureEvents(capture)),
        };
        transaction::sign(&SigningKey::from_bytes(&[1; 32]), &[7; 32], &body)
    };
    let content = BlockContent {
        envelopes: vec![envelope("packing")],
        ..BlockContent::default()
    };
    let read = transaction::verify(&[7; 32], &envelope("shipping")).unwrap();
    let read = [Arc::new(read)];
    for transactions in [&read[..], &[]] {
        let made = test_blocks::next(&store, &content);
        let commit = crate::storage::Commit {
            transactions,
            ..made.commit()
        };
        store.commit(commit).unwrap();
    }
    assert!(catalogue.catch_up(2).unwrap());
    let reader = store.reader();
    let snapshot = reader.snapshot();
    let of = |step| -> Vec<u64> {
        let first = EventPlace::default();
        let found = snapshot.events_with(IndexField::BizStep, step, first, false);
        found.map(|place| place.unwrap().height).collect()
    };
    assert_eq!(of("shipping"), [1]);
    assert_eq!(of("packing"), [2], "read from the disk");
}

#[test]
fn events_are_in_order_of_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let store = chain(folder.path());
    store.catalogue().catch_up(u64::MAX).unwrap();
    let reader = store.reader();
    let snapshot = reader.snapshot();
    let times = |from, place, descending| -> Vec<(i64, EventPlace)> {
        let found = snapshot.events_by_time(from, place, descending);
        found.collect::<Result<_, _>>().unwrap()
    };
    let all = times(i64::MIN, EventPlace::default(), false);
    let places: Vec<EventPlace> = all.iter().map(|(_, place)| *place).collect();
    assert_eq!(places, [place(1, 1), place(2, 0), place(1, 0), place(3, 0)]);
    assert_eq!(all[0].0, -315_619_200_000);
    let mut back = times(i64::MAX, EventPlace::LAST, true);
    back.reverse();
    assert_eq!(back, all);
    assert_eq!(times(all[2].0, all[2].1, false), all[2..]);
}

#[test]
fn an_index_that_is_behind_goes_on_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let store = chain(folder.path());
    assert!(!store.catalogue().catch_up(2).unwrap());
    drop(store);
    let genesis = test_blocks::genesis("events");
    let settings = StoreSettings::default();
    let store = RocksStore::open(folder.path(), &genesis.chain_id, &settings).unwrap();
    assert_eq!(store.reader().snapshot().indexed_to().unwrap(), 2);
    assert!(store.catalogue().catch_up(2).unwrap());
}

#[test]
fn queries_are_named_once_and_bounded_in_number() {
    let folder = tempfile::tempdir().unwrap();
    let store = chain(folder.path());
    let catalogue = store.catalogue();
    catalogue.catch_up(1).unwrap();
    assert_eq!(catalogue.define("a", b"1", 2).unwrap(), Defined::Yes);
    assert_eq!(catalogue.define("a", b"2", 2).unwrap(), Defined::Exists);
    assert_eq!(catalogue.define("b", b"3", 2).unwrap(), Defined::Yes);
    assert_eq!(catalogue.define("c", b"4", 2).unwrap(), Defined::TooMany);
    let reader = store.reader();
    let named = reader.snapshot().named_queries().unwrap();
    assert_eq!(
        named,
        [("a".into(), b"1".to_vec()), ("b".into(), b"3".to_vec())]
    );
    assert!(catalogue.forget("a").unwrap());
    assert!(!catalogue.forget("a").unwrap());
    assert_eq!(reader.snapshot().named_query("a").unwrap(), None);
    assert_eq!(catalogue.define("c", b"4", 2).unwrap(), Defined::Yes);
}

/// An index of the earlier layout, as an older program left it, is forgotten and made anew.
#[test]
fn an_index_of_the_earlier_layout_is_made_anew() {
    use crate::storage::schema::TableKey;
    let folder = tempfile::tempdir().unwrap();
    let store = chain(folder.path());
    let db = store.database();
    let (rows, marks) = (
        db.family::<EventIndex>().unwrap(),
        db.family::<HttpTable>().unwrap(),
    );
    db.raw.put_cf(rows, [2; 33], b"").unwrap();
    let mark = HttpKey::IndexedByEvent.encode();
    db.raw.put_cf(marks, mark, 3u64.to_be_bytes()).unwrap();
    drop(store);
    let genesis = test_blocks::genesis("events");
    let settings = StoreSettings::default();
    let store = RocksStore::open(folder.path(), &genesis.chain_id, &settings).unwrap();
    assert_eq!(store.reader().snapshot().indexed_to().unwrap(), 0);
    assert!(store.catalogue().catch_up(u64::MAX).unwrap());
    let reader = store.reader();
    let snapshot = reader.snapshot();
    let found = steps(&snapshot, EventPlace::default(), false);
    assert_eq!(found, [place(1, 0), place(2, 0)]);
    assert_eq!(
        snapshot
            .events_by_time(i64::MIN, EventPlace::default(), false)
            .count(),
        4
    );
}

/// Events of one transaction and of several are in one row: pages begin and end anywhere in it.
#[test]
fn pages_begin_and_end_within_a_block() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = test_blocks::genesis("events");
    let mut store = RocksStore::create(folder.path(), &genesis, &StoreSettings::default()).unwrap();
    let shipping = || event("shipping", "2026-03-01T08:00:00Z");
    for events in [3, 2] {
        block(&mut store, (0..events).map(|_| shipping()).collect());
    }
    store.catalogue().catch_up(u64::MAX).unwrap();
    let reader = store.reader();
    let snapshot = reader.snapshot();
    let all = [
        place(1, 0),
        place(1, 1),
        place(1, 2),
        place(2, 0),
        place(2, 1),
    ];
    for (index, from) in all.iter().enumerate() {
        assert_eq!(steps(&snapshot, *from, false), all[index..]);
        let mut back = steps(&snapshot, *from, true);
        back.reverse();
        assert_eq!(back, all[..=index]);
        let times = snapshot.events_by_time(1_772_352_000_000, *from, false);
        let times: Vec<EventPlace> = times.map(|found| found.unwrap().1).collect();
        assert_eq!(times, all[index..]);
    }
}
