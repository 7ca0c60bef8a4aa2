//! What is kept is found again, and what is damaged is not answered from.

use super::*;
use crate::storage::Store;
use crate::storage::rocks::{RocksStore, StoreSettings};
use crate::storage::schema::{Table, TableKey, TableValue};
use crate::storage::test_blocks;

struct Kept {
    store: RocksStore,
    folder: tempfile::TempDir,
}

fn kept(blocks: u64) -> Kept {
    let folder = tempfile::tempdir().expect("a folder");
    let genesis = test_blocks::genesis("checkpoints");
    let mut store = RocksStore::create(folder.path(), &genesis, &small()).expect("creates");
    test_blocks::grow(&mut store, blocks);
    Kept { store, folder }
}

fn small() -> StoreSettings {
    StoreSettings {
        block_cache_bytes: 1 << 20,
        write_buffer_bytes: 1 << 20,
        cached_tree_levels: 2,
    }
}

fn stamped(authority: &str, first: u64, last: u64) -> StampedRange {
    StampedRange {
        first,
        last,
        authority: authority.into(),
        token: format!("{authority} {first} {last}").into_bytes(),
        certificates: vec![vec![1, 2], vec![3]],
    }
}

impl Kept {
    fn keep(&self, stamped: &StampedRange) {
        self.store.checkpoint_writer().keep(stamped).expect("keeps");
    }
}

#[test]
fn the_earliest_checkpoint_over_a_height_is_found_after_a_restart_too() {
    let mut kept = kept(12);
    let ranges = [(1, 3), (4, 4), (7, 9)].map(|(first, last)| stamped("one", first, last));
    for range in &ranges {
        kept.keep(range);
    }
    kept.keep(&stamped("two", 2, 8));
    let genesis = test_blocks::genesis("checkpoints");
    for _ in 0..2 {
        let reader = kept.store.reader();
        let snapshot = reader.snapshot();
        let found = |authority, height| {
            let found = snapshot.checkpoint_of(authority, height).expect("reads");
            found.map(|range| (range.first, range.last))
        };
        let table = [
            ("one", 1, Some((1, 3))),
            ("one", 3, Some((1, 3))),
            ("one", 4, Some((4, 4))),
            ("one", 5, None),
            ("one", 7, Some((7, 9))),
            ("one", 10, None),
            ("two", 1, None),
            ("two", 5, Some((2, 8))),
            ("two", 9, None),
            ("three", 5, None),
        ];
        for (authority, height, expected) in table {
            assert_eq!(found(authority, height), expected, "{authority} {height}");
        }
        let mut names = snapshot.authorities().expect("reads");
        names.sort();
        assert_eq!(names, ["one", "two"]);
        let last = snapshot.last_checkpoint("one").expect("reads");
        assert_eq!(last.as_ref(), Some(&ranges[2]));
        assert_eq!(snapshot.last_checkpoint("three").expect("reads"), None);
        drop(snapshot);
        drop(reader);
        drop(kept.store);
        let path = kept.folder.path();
        kept.store = RocksStore::open(path, &genesis.chain_id, &small()).expect("opens");
    }
}

#[test]
fn checkpoints_are_paged_without_gap_or_repetition() {
    let kept = kept(30);
    let mut all = Vec::new();
    for authority in ["one", "two", "three"] {
        for number in 0..5 {
            let range = stamped(authority, 6 * number + 1, 6 * number + 6);
            kept.keep(&range);
            all.push(range);
        }
    }
    let reader = kept.store.reader();
    let snapshot = reader.snapshot();
    for from_height in [0, 1, 6, 7, 25, 30] {
        for limit in [1, 2, 100] {
            let mut found: Vec<StampedRange> = Vec::new();
            loop {
                let after = found.last().map(|r| (r.authority.as_str(), r.last));
                let page = snapshot
                    .checkpoints(from_height, after, limit)
                    .expect("reads");
                assert!(page.len() <= limit);
                if page.is_empty() {
                    break;
                }
                found.extend(page);
            }
            let mut expected: Vec<_> = all.iter().filter(|r| r.last >= from_height).collect();
            expected.sort_by_key(|r| CheckpointKey::new(&r.authority, r.last));
            assert_eq!(
                found.iter().collect::<Vec<_>>(),
                expected,
                "{from_height} {limit}"
            );
        }
    }
    assert_eq!(snapshot.checkpoints(31, None, 10).expect("reads"), []);
}

/// A row that decodes but isn't its key's is as damaged as one that doesn't decode.
#[test]
fn a_damaged_row_is_a_fault() {
    type Harm = fn(&mut CheckpointKey, &mut CheckpointRow);
    let table: [(&str, Harm); 5] = [
        ("another authority", |_, row| row.authority = "else".into()),
        ("no first height", |_, row| row.first = 0),
        ("a range that ends before it begins", |key, row| {
            row.first = key.last + 1
        }),
        ("blocks that aren't there", |key, _| key.last = 13),
        ("the highest height", |key, _| key.last = u64::MAX),
    ];
    let row = CheckpointRow {
        first: 1,
        authority: "one".into(),
        token: vec![1],
        certificates: Vec::new(),
    };
    for (what, harm) in table {
        let kept = kept(12);
        let (mut key, mut row) = (CheckpointKey::new("one", 12), row.clone());
        harm(&mut key, &mut row);
        commit_block::checkpoint(&kept.store.checkpoint_writer().db, &key, &row).expect("writes");
        assert_read_fails(&kept, what);
    }
    let kept = kept(12);
    let db = kept.store.checkpoint_writer().db;
    let family = db.family::<Checkpoints>().expect("open");
    let mut bytes = row.encode().expect("encodes");
    bytes.pop();
    let key = CheckpointKey::new("one", 12).encode();
    db.raw.put_cf(family, key, bytes).expect("writes");
    assert_read_fails(&kept, "a row cut short");
    assert_eq!(Checkpoints::NAME, "checkpoints");
}

fn assert_read_fails(kept: &Kept, what: &str) {
    let reader = kept.store.reader();
    let snapshot = reader.snapshot();
    let is_damaged = |fault: Fault| assert!(matches!(fault, Fault::Damaged(_)), "{what}: {fault}");
    is_damaged(snapshot.authorities().expect_err(what));
    is_damaged(snapshot.checkpoint_of("one", 5).expect_err(what));
    is_damaged(snapshot.last_checkpoint("one").expect_err(what));
    is_damaged(snapshot.checkpoints(0, None, 9).expect_err(what));
}

#[test]
fn headers_of_a_range_are_those_that_were_committed() {
    let folder = tempfile::tempdir().expect("a folder");
    let genesis = test_blocks::genesis("checkpoints");
    let mut store = RocksStore::create(folder.path(), &genesis, &small()).expect("creates");
    let mut made = test_blocks::grow(&mut store, 3);
    for _ in 0..2 {
        let empty = test_blocks::next(&store, &test_blocks::BlockContent::default());
        store.commit(empty.commit()).expect("commits");
        made.push(empty);
    }
    made.extend(test_blocks::grow(&mut store, 1));
    let reader = store.reader();
    let snapshot = reader.snapshot();
    let headers = |range| snapshot.headers(range).expect("reads");
    let expected: Vec<Header> = made.iter().map(|m| m.block.header.clone()).collect();
    assert_eq!(headers(1..=6), expected);
    assert_eq!(headers(2..=4), expected[1..4]);
    assert_eq!(headers(5..=9), expected[4..]);
    assert_eq!(headers(7..=9), []);
    let first = |height| snapshot.first_transaction_from(height).expect("reads");
    assert_eq!(first(1), Some((1, expected[0].time_ms)));
    assert_eq!(first(4), Some((6, expected[5].time_ms)));
    assert_eq!(first(7), None);
}
