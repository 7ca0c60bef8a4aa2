//! What snapshots answer, prove and page, also while blocks come.

use proptest::prelude::*;
use rocksdb::statistics::Ticker;
use touchstone_core::state::commitment::TreeUpdate;

use super::*;
use crate::storage::database::LARGE_ENVELOPE;
use crate::storage::schema::{Links, Table, Transactions};

pub fn evidence(height: u64) -> Misbehaviour {
    Misbehaviour {
        validator: vec![1; 32],
        height,
        first: vec![2],
        first_signature: vec![3; 64],
        second: vec![4],
        second_signature: vec![5; 64],
        kind: "vote".into(),
    }
}

#[test]
fn a_snapshot_answers_every_question() {
    let folder = folder();
    let mut store = folder.create();
    let made = grow(&mut store, 3);
    let reader = store.reader();
    let snapshot = reader.snapshot();
    assert_eq!(snapshot.tip(), store.tip());
    for made in &made {
        let header = &made.block.header;
        let height = header.height;
        let certified = snapshot
            .certified_header(height)
            .expect("reads")
            .expect("there");
        assert_eq!(certified.header, header.encode());
        assert_eq!(certified.certificate.as_ref(), Some(&made.certificate));
        assert_eq!(
            snapshot.block(height).expect("reads"),
            Some((made.block.clone(), made.certificate.clone()))
        );
        assert_eq!(
            snapshot.height_of_block(&header.id()).expect("reads"),
            Some(height)
        );
        assert_eq!(
            snapshot.envelopes(height).expect("reads"),
            made.block.transactions
        );
        for (index, (id, envelope)) in (0u32..).zip(made.ids.iter().zip(&made.block.transactions)) {
            let place = PlaceRow {
                height,
                index,
                time_ms: header.time_ms,
            };
            assert_eq!(snapshot.transaction(id).expect("reads"), Some(place));
            assert_eq!(
                snapshot.envelope(height, index).expect("reads").as_ref(),
                Some(envelope)
            );
        }
        assert_eq!(snapshot.envelope(height, 3).expect("reads"), None);
    }
    assert_eq!(snapshot.certified_header(0).expect("reads"), None);
    assert_eq!(snapshot.certified_header(4).expect("reads"), None);
    assert!(snapshot.envelopes(4).expect("reads").is_empty());
    assert_eq!(snapshot.height_of_block(&[0; 32]).expect("reads"), None);
    assert_eq!(snapshot.transaction(&[0; 32]).expect("reads"), None);
}

/// What stands in a file alone is a fault there, never "not there"; once it has been read, it is in memory.
#[test]
fn a_snapshot_in_memory_reads_no_file() {
    let folder = folder();
    let mut store = folder.create();
    grow(&mut store, 3);
    let entries = |snapshot: &Snapshot<'_>| snapshot.link_entries(b"item/a", 0, 9);
    let reader = store.reader();
    let written = entries(&reader.snapshot()).expect("reads");
    assert_eq!(written.len(), 3);
    let buffered = entries(&reader.snapshot_in_memory());
    assert_eq!(buffered.expect("in no file yet"), written);
    drop((reader, store));
    // What was written is in files now, and none of a link is read to open them.
    let store = folder.open().expect("opens");
    let reader = store.reader();
    assert!(entries(&reader.snapshot_in_memory()).is_err());
    assert_eq!(entries(&reader.snapshot()).expect("reads"), written);
    let kept = entries(&reader.snapshot_in_memory());
    assert_eq!(kept.expect("it has been read"), written);
}

/// What the state holds and what it doesn't are both proven under the tip's root, at every height.
#[test]
fn values_are_proven_under_the_tip() {
    let folder = folder();
    let mut store = folder.create();
    for height in 1..4 {
        grow(&mut store, 1);
        let reader = store.reader();
        let snapshot = reader.snapshot();
        let root = snapshot.tip().header.expect("not genesis").state_root;
        let keys = [&b"counter"[..], b"no such key", keys::VALIDATORS];
        for key in keys.map(<[u8]>::to_vec).iter().chain([&keys::block(0)]) {
            let value = snapshot.state_value(key).expect("reads");
            let proof = snapshot.prove(key).expect("proves");
            assert_eq!(value.is_none(), *key == b"no such key");
            state::verify(&root, key, value.as_deref(), &proof).expect("verifies");
            let other = Some(&b"another value"[..]);
            assert!(
                state::verify(&root, key, other, &proof).is_err(),
                "{height}"
            );
        }
    }
}

#[test]
fn links_are_read_in_pages() {
    let folder = folder();
    let mut store = folder.create();
    let row = |owner: &str, sequence: u64| LinkRow {
        owner: owner.as_bytes().to_vec(),
        sequence,
        entry: format!("{owner} {sequence}").into_bytes(),
    };
    let first = test_blocks::BlockContent {
        links: (0..300).map(|i| row("item/1", i)).collect(),
        ..test_blocks::BlockContent::default()
    };
    let second = test_blocks::BlockContent {
        links: (0..5)
            .map(|i| row("item/12", i))
            .chain((300..310).map(|i| row("item/1", i)))
            .collect(),
        ..test_blocks::BlockContent::default()
    };
    for content in [first, second] {
        let made = next(&store, &content);
        store.commit(made.commit()).expect("commits");
    }
    let reader = store.reader();
    let snapshot = reader.snapshot();
    let table = [
        ("item/1", 0, 1000, 0..310),
        ("item/1", 0, 10, 0..10),
        ("item/1", 250, 10, 250..260),
        ("item/1", 305, 10, 305..310),
        ("item/1", 310, 10, 0..0),
        ("item/1", u64::MAX, 10, 0..0),
        ("item/1", 7, 0, 0..0),
        ("item/12", 0, 10, 0..5),
        ("item/12", 4, 10, 4..5),
        ("item/2", 0, 10, 0..0),
    ];
    for (owner, from, limit, expected) in table {
        let found = snapshot
            .link_entries(owner.as_bytes(), from, limit)
            .expect("reads");
        let expected: Vec<Vec<u8>> = expected.map(|i| row(owner, i).entry).collect();
        assert_eq!(found, expected, "{owner} {from} {limit}");
    }
}

/// Every file's range holds every owner, as owners are hashed.
#[test]
fn a_link_is_read_from_no_file_without_it() {
    let folder = folder();
    let mut store = folder.create();
    for file in 0..3 {
        let row = |item: u32| LinkRow {
            owner: format!("item/{file}-{item}").into_bytes(),
            sequence: 0,
            entry: vec![1; 100],
        };
        let content = test_blocks::BlockContent {
            links: (0..200).map(row).collect(),
            ..test_blocks::BlockContent::default()
        };
        let made = next(&store, &content);
        store.commit(made.commit()).expect("commits");
        let family = store.db.family::<Links>().expect("open");
        store.db.raw.flush_cf(family).expect("writes");
    }
    let blocks_read = || {
        let of = |ticker| store.db.options.get_ticker_count(ticker);
        of(Ticker::BlockCacheDataHit) + of(Ticker::BlockCacheDataMiss)
    };
    let reader = store.reader();
    let snapshot = reader.snapshot();
    let before = blocks_read();
    for item in 100..120 {
        let owner = format!("item/1-{item}").into_bytes();
        let found = snapshot.link_entries(&owner, 0, 1).expect("reads");
        assert_eq!(found.len(), 1);
    }
    // One each, and one for each of the filters' errors, which are one of a hundred.
    let read = blocks_read() - before;
    assert!((20..25).contains(&read), "{read}");
}

/// Whole blocks, one row and several, from files and from memory, and after it is opened anew; a copy has them too.
#[test]
fn large_envelopes_stand_apart_and_small_ones_do_not() {
    let folder = folder();
    let mut store = folder.create();
    let most = LARGE_ENVELOPE as usize;
    let sizes = [most - 1, most, 40 * most, 10];
    let content = |number: u64| test_blocks::BlockContent {
        envelopes: sizes.map(|size| vec![number as u8; size]).into(),
        ..test_blocks::BlockContent::default()
    };
    let mut made = Vec::new();
    for number in 1..4 {
        made.push(next(&store, &content(number)));
        store
            .commit(made.last().expect("one").commit())
            .expect("commits");
        if number < 3 {
            let family = store.db.family::<Transactions>().expect("open");
            store.db.raw.flush_cf(family).expect("writes");
        }
    }
    let blobs = |path: &Path| {
        let files = std::fs::read_dir(path).expect("lists");
        let names = files.map(|file| file.expect("lists").path());
        names
            .filter(|path| path.extension().is_some_and(|e| e == "blob"))
            .count()
    };
    assert_eq!(blobs(&folder.path), 2);
    let check = |store: &RocksStore| {
        let reader = store.reader();
        let snapshot = reader.snapshot();
        for made in &made {
            let height = made.block.header.height;
            let expected = &made.block.transactions;
            assert_eq!(&snapshot.envelopes(height).expect("reads"), expected);
            for (index, envelope) in (0..).zip(expected) {
                let found = snapshot.envelope(height, index).expect("reads");
                assert_eq!(found.as_ref(), Some(envelope));
                let pinned = snapshot.pinned_envelope(height, index).expect("reads");
                assert_eq!(pinned.as_deref(), Some(envelope.as_slice()));
            }
        }
    };
    check(&store);
    let copied = folder.path.with_extension("copied");
    store.reader().back_up(&copied).expect("copies");
    let bytes = store.reader().compacted_bytes().expect("compacts");
    let (_, of_envelopes) = bytes
        .iter()
        .find(|(name, _)| *name == Transactions::NAME)
        .expect("a table");
    let of_blobs = std::fs::read_dir(&folder.path)
        .expect("lists")
        .map(|file| file.expect("lists"));
    let of_blobs = of_blobs.filter(|file| file.path().extension().is_some_and(|e| e == "blob"));
    let of_blobs: u64 = of_blobs
        .map(|file| file.metadata().expect("is there").len())
        .sum();
    assert!(
        *of_envelopes > of_blobs && of_blobs > 0,
        "{of_envelopes} {of_blobs}"
    );
    drop(store);
    check(&folder.open().expect("opens"));
    let copied = RocksStore::open(&copied, &folder.genesis.chain_id, &settings());
    check(&copied.expect("opens"));
}

#[test]
fn validator_sets_are_kept_by_the_block_that_made_them() {
    let folder = folder();
    let mut store = folder.create();
    let genesis_set = folder.genesis.validators.clone();
    for seeds in [None, Some(vec![3, 4]), None, Some(vec![4, 5, 6]), None] {
        let content = test_blocks::BlockContent {
            validators: seeds,
            ..content(store.tip().height + 1)
        };
        let made = next(&store, &content);
        store.commit(made.commit()).expect("commits");
    }
    drop(store);
    let reader = folder.open().expect("opens").reader();
    let snapshot = reader.snapshot();
    let all = [
        (0, genesis_set),
        (2, test_blocks::set(&[3, 4])),
        (4, test_blocks::set(&[4, 5, 6])),
    ];
    for (from, expected) in [(0, &all[..]), (1, &all[1..]), (3, &all[2..]), (5, &[])] {
        let found = snapshot.validator_set_changes(from).expect("reads");
        assert_eq!(found, expected, "from {from}");
    }
}

#[test]
fn evidence_is_kept_once_in_order_of_height() {
    let folder = folder();
    let mut store = folder.create();
    store
        .keep_misbehaviour(&[evidence(300), evidence(2)])
        .expect("keeps");
    store
        .keep_misbehaviour(&[evidence(2), evidence(5)])
        .expect("keeps");
    drop(store);
    let reader = folder.open().expect("opens").reader();
    assert_eq!(
        reader.snapshot().misbehaviour().expect("reads"),
        [evidence(2), evidence(5), evidence(300)]
    );
}

/// A validator that goes on and on adds no more; another's evidence is still kept.
#[test]
fn so_much_evidence_is_kept_of_each_validator() {
    let folder = folder();
    let mut store = folder.create();
    for height in (1..=40).rev() {
        store
            .keep_misbehaviour(&[evidence(height), evidence(height)])
            .expect("keeps");
    }
    let other = Misbehaviour {
        validator: vec![77; 32],
        ..evidence(50)
    };
    store
        .keep_misbehaviour(std::slice::from_ref(&other))
        .expect("keeps");
    let mut expected: Vec<_> = (25..=40).map(evidence).collect();
    expected.push(other);
    let reader = store.reader();
    let kept = reader.snapshot().misbehaviour().expect("reads");
    assert_eq!(kept, expected);
}

/// A snapshot stays at its block while others are committed on another thread, and each new one
/// is whole: its tip, state and proofs belong together.
#[test]
fn snapshots_are_consistent_while_blocks_come() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let folder = folder();
    let mut store = folder.create();
    grow(&mut store, 1);
    let first_reader = store.reader();
    let old = first_reader.snapshot();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let reader = store.reader();
                let stop = &stop;
                scope.spawn(move || {
                    let mut last = 0;
                    loop {
                        let enough = stop.load(Ordering::Relaxed);
                        let tip = check_whole(&reader);
                        assert!(tip >= last);
                        last = tip;
                        if enough {
                            return last;
                        }
                    }
                })
            })
            .collect();
        grow(&mut store, 60);
        stop.store(true, Ordering::Relaxed);
        for reader in readers {
            assert_eq!(reader.join().expect("no failure"), 61);
        }
    });
    assert_eq!(old.tip().height, 1);
    let value = old.state_value(b"counter").expect("reads");
    assert_eq!(value, Some(b"count 1".to_vec()));
    let root = old.tip().header.expect("a block").state_root;
    let proof = old.prove(b"counter").expect("proves");
    state::verify(&root, b"counter", value.as_deref(), &proof).expect("verifies");
}

/// A new snapshot belongs to one block in all its parts; answers its height.
fn check_whole(reader: &StoreReader) -> u64 {
    let snapshot = reader.snapshot();
    let tip = snapshot.tip();
    let value = snapshot.state_value(b"counter").expect("reads");
    assert_eq!(value, Some(format!("count {}", tip.height).into_bytes()));
    let proof = snapshot.prove(b"counter").expect("proves");
    let root = tip.header.expect("a block").state_root;
    state::verify(&root, b"counter", value.as_deref(), &proof).expect("verifies");
    let links = snapshot.link_entries(b"item/a", 0, 9999).expect("reads");
    assert_eq!(links.len() as u64, tip.height);
    assert!(snapshot.block(tip.height).expect("reads").is_some());
    assert!(snapshot.block(tip.height + 1).expect("reads").is_none());
    tip.height
}

/// A tree in memory, to compare with.
#[derive(Default)]
struct Memory(std::collections::BTreeMap<NodeKey, TreeNode>);

impl TreeRead for Memory {
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        Ok(self.0.get(key).cloned())
    }
}

impl Memory {
    fn apply(&mut self, update: &TreeUpdate) {
        for key in &update.stale {
            self.0.remove(key);
        }
        self.0.extend(update.nodes.clone());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// The stored tree has the roots of one in memory, over batches, reopenings and any number of
    /// cached levels; and exactly its nodes are on disk.
    #[test]
    fn the_stored_tree_is_the_tree_in_memory(
        batches in prop::collection::vec(
            (
                prop::collection::btree_map(
                    (0u16..300).prop_map(|k| k.to_be_bytes().to_vec()),
                    prop::collection::vec(any::<u8>(), 0..4),
                    0..60,
                ),
                prop::bool::weighted(0.3),
            ),
            1..10,
        ),
        levels in 0usize..6,
    ) {
        let folder = folder();
        let settings = StoreSettings { cached_tree_levels: levels, ..settings() };
        let mut store = RocksStore::create(&folder.path, &folder.genesis, &settings)
            .expect("creates");
        let mut memory = Memory::default();
        memory.apply(&folder.genesis.tree);
        for (values, reopen) in batches {
            let made = next(&store, &test_blocks::BlockContent { values, ..test_blocks::BlockContent::default() });
            let height = made.block.header.height;
            let update = commitment::update(&memory, height, &made.executed.writes.values)
                .expect("updates");
            prop_assert_eq!(update.root, made.executed.tree.root);
            memory.apply(&update);
            store.commit(made.commit()).expect("commits");
            if reopen {
                drop(store);
                store = RocksStore::open(&folder.path, &folder.genesis.chain_id, &settings)
                    .expect("opens");
            }
        }
        let mut stored = 0;
        for row in store.db.rows_from::<crate::storage::schema::Tree>(&Vec::new()) {
            row.expect("reads");
            stored += 1;
        }
        prop_assert_eq!(stored, memory.0.len());
        for (key, node) in &memory.0 {
            let found = store.node(key).expect("reads");
            prop_assert_eq!(found.as_ref(), Some(node));
        }
    }
}
