//! The store on disk: creating, committing, reopening, being killed.

use std::path::PathBuf;

use super::*;
use crate::storage::database::Database;
use crate::storage::test_blocks::{self, content, grow, next};
use touchstone_core::state::delta::LinkRow;

mod damage;
mod reading;

fn settings() -> StoreSettings {
    StoreSettings {
        block_cache_bytes: 4 << 20,
        write_buffer_bytes: 8 << 20,
        cached_tree_levels: 3,
    }
}

struct Folder {
    _temporary: tempfile::TempDir,
    path: PathBuf,
    genesis: Genesis,
}

fn folder() -> Folder {
    let temporary = tempfile::tempdir().expect("a folder");
    Folder {
        path: temporary.path().join("chain"),
        _temporary: temporary,
        genesis: test_blocks::genesis("test"),
    }
}

impl Folder {
    fn create(&self) -> RocksStore {
        RocksStore::create(&self.path, &self.genesis, &settings()).expect("creates")
    }
    fn open(&self) -> Result<RocksStore, OpenError> {
        RocksStore::open(&self.path, &self.genesis.chain_id, &settings())
    }
}

fn failure<T>(result: Result<T, OpenError>) -> OpenError {
    match result {
        Ok(_) => panic!("it opened"),
        Err(error) => error,
    }
}

/// Copies a database as a process that was killed leaves it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("creates");
    for entry in std::fs::read_dir(from).expect("lists") {
        let entry = entry.expect("lists");
        std::fs::copy(entry.path(), to.join(entry.file_name())).expect("copies");
    }
}

#[test]
fn a_new_store_holds_genesis() {
    let folder = folder();
    let check = |store: &RocksStore| {
        let tip = store.tip();
        assert_eq!((tip.height, tip.time_ms), (0, 1000));
        assert_eq!(tip.block_id, folder.genesis.chain_id);
        for (key, value) in &folder.genesis.writes.values {
            assert_eq!(store.get(key).expect("reads").as_ref(), Some(value));
        }
        assert_eq!(store.block(0).expect("reads"), None);
        assert_eq!(store.block(1).expect("reads"), None);
    };
    check(&folder.create());
    check(&folder.open().expect("opens"));
}

/// What RocksDB wrote down of its options.
#[test]
fn rows_that_come_in_order_are_placed_from_the_row_before() {
    let folder = folder();
    drop(folder.create());
    let files = std::fs::read_dir(&folder.path).expect("lists");
    let names = files.map(|file| file.expect("lists").file_name().into_string());
    let names = names.map(|name| name.expect("a name of RocksDB's"));
    let newest = names.filter(|name| name.starts_with("OPTIONS-")).max();
    let newest = folder.path.join(newest.expect("it writes them"));
    let options = std::fs::read_to_string(newest).expect("reads");
    let lines = options.lines();
    let hints = lines.filter(|line| line.contains("memtable_insert_with_hint_prefix_extractor"));
    let placed = hints.filter(|line| line.contains("rocksdb.CappedPrefix.0"));
    assert_eq!(placed.count(), 5);
}

#[test]
fn blocks_are_there_after_reopening() {
    let folder = folder();
    let mut store = folder.create();
    let mut made = grow(&mut store, 3);
    let check = |store: &RocksStore, made: &[test_blocks::Made]| {
        let last = made.last().expect("some");
        assert_eq!(store.tip().header.as_ref(), Some(&last.block.header));
        assert_eq!(store.tip().block_id, last.block.id());
        for block in made {
            let found = store.block(block.block.header.height).expect("reads");
            assert_eq!(
                found,
                Some((block.block.clone(), block.certificate.clone()))
            );
            for id in &block.ids {
                assert!(store.is_committed(id).expect("reads"));
            }
        }
        assert!(!store.is_committed(&[0; 32]).expect("reads"));
        let above = store.tip().height + 1;
        assert_eq!(store.block(above).expect("reads"), None);
    };
    check(&store, &made);
    drop(store);
    let mut store = folder.open().expect("opens");
    check(&store, &made);
    made.extend(grow(&mut store, 2));
    check(&store, &made);
    drop(store);
    check(&folder.open().expect("opens"), &made);
}

#[test]
fn openings_are_refused_with_their_reason() {
    let folder = folder();
    let other = test_blocks::genesis("another");
    assert_eq!(failure(folder.open()), OpenError::Missing);
    drop(folder.create());
    assert_eq!(
        failure(RocksStore::create(
            &folder.path,
            &folder.genesis,
            &settings()
        )),
        OpenError::Exists
    );
    assert_eq!(
        failure(RocksStore::open(&folder.path, &other.chain_id, &settings())),
        OpenError::AnotherChain {
            expected: other.chain_id,
            found: folder.genesis.chain_id
        }
    );
    let store = folder.open().expect("opens");
    assert!(
        matches!(failure(folder.open()), OpenError::Fault(Fault::Storage(_))),
        "one process at a time"
    );
    drop(store);
}

#[cfg(target_os = "linux")]
#[test]
fn what_writes_buffers_to_the_disk_stands_behind_all_others() {
    use crate::storage::schema::{TableKey, TableValue};
    let folder = folder();
    let db = Database::open(&folder.path, &settings(), true).expect("opens");
    let row = MetaRow::Format(FORMAT).encode().expect("encodes");
    let family = db.family::<Meta>().expect("open");
    db.raw
        .put_cf(family, MetaKey::Format.encode(), row)
        .expect("writes");
    db.raw.flush_cf(family).expect("flushes");
    let nice = std::fs::read_dir("/proc/self/task")
        .expect("lists threads")
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("stat")).ok())
        .filter(|stat| stat.contains("(rocksdb:high"))
        .map(|stat| {
            let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
            // proc_pid_stat(5): the 19th field; the state, which follows the name, is the third.
            fields.split(' ').nth(16).expect("nice").to_owned()
        });
    assert!(nice.max().is_some_and(|nice| nice == "19"));
}

#[test]
fn a_newer_format_is_named() {
    use crate::storage::schema::{Table, TableKey, TableValue};
    let folder = folder();
    drop(folder.create());
    let db = Database::open(&folder.path, &settings(), false).expect("opens");
    let row = MetaRow::Format(FORMAT + 1).encode().expect("encodes");
    let family = db.family::<Meta>().expect("open");
    db.raw
        .put_cf(family, MetaKey::Format.encode(), row)
        .expect("writes");
    drop(db);
    assert_eq!(
        failure(folder.open()),
        OpenError::Format((FORMAT + 1).to_string())
    );

    let mut db = Database::open(&folder.path, &settings(), false).expect("opens");
    assert_ne!(Meta::NAME, "novelty");
    db.raw
        .create_cf("novelty", &rocksdb::Options::default())
        .expect("creates");
    drop(db);
    assert!(matches!(failure(folder.open()), OpenError::Format(m) if m.contains("novelty")));
}

/// A store of format 1 is brought up to date when it is opened, also where that was interrupted before.
#[test]
fn a_store_of_format_1_is_brought_up_to_date() {
    use crate::storage::schema::{EarlierTree, Table, TableKey, TableValue, Tree};
    for is_interrupted in [false, true] {
        let folder = folder();
        let mut store = folder.create();
        grow(&mut store, 4);
        let all = |db: &Database, table| -> Vec<_> {
            let rows = db.raw_rows(table).expect("open");
            rows.map(|row| row.expect("reads")).collect()
        };
        let nodes = all(&store.db, Tree::NAME);
        assert!(nodes.len() > 5);
        let raw = &store.db.raw;
        let (tree, earlier) = (
            store.db.family::<Tree>().expect("open"),
            store.db.family::<EarlierTree>().expect("open"),
        );
        for (number, (place, row)) in nodes.iter().enumerate() {
            let (version, node) = row.split_at(8);
            let steps = u64::from(place[0]).to_le_bytes();
            let length = (place.len() as u32 - 1).to_le_bytes();
            let key = [version, &steps, &length, &place[1..]].concat();
            raw.put_cf(earlier, key, node).expect("writes");
            if !is_interrupted || number % 2 == 0 {
                raw.delete_cf(tree, place).expect("removes");
            }
        }
        let format = MetaRow::Format(1).encode().expect("encodes");
        let meta = store.db.family::<Meta>().expect("open");
        raw.put_cf(meta, MetaKey::Format.encode(), format)
            .expect("writes");
        drop(store);

        let mut store = folder.open().expect("opens");
        assert_eq!(all(&store.db, Tree::NAME), nodes);
        assert!(all(&store.db, EarlierTree::NAME).is_empty());
        let format = store.db.row::<Meta>(&MetaKey::Format).expect("reads");
        assert_eq!(format, Some(MetaRow::Format(FORMAT)));
        grow(&mut store, 2);
        drop(store);
        assert_eq!(folder.open().expect("opens").height(), 6);
    }
}

/// Nodes in the bytes of format 2 are read, and replaced as blocks come.
#[test]
fn a_store_of_format_2_is_read_as_it_is() {
    use crate::storage::schema::{NodeRow, Table, TableKey, TableValue, Tree};
    let folder = folder();
    let mut store = folder.create();
    grow(&mut store, 4);
    let rows = store.db.raw_rows(Tree::NAME).expect("open");
    let rows: Vec<_> = rows.map(|row| row.expect("reads")).collect();
    let raw = &store.db.raw;
    let tree = store.db.family::<Tree>().expect("open");
    for (place, row) in &rows {
        let NodeRow { version, node } = NodeRow::decode(row).expect("whole");
        let earlier = [&version.to_le_bytes()[..], &node.encode()].concat();
        raw.put_cf(tree, place, earlier).expect("writes");
    }
    let format = MetaRow::Format(FORMAT_BEFORE).encode().expect("encodes");
    let meta = store.db.family::<Meta>().expect("open");
    raw.put_cf(meta, MetaKey::Format.encode(), format)
        .expect("writes");
    drop(store);

    let mut store = folder.open().expect("opens");
    let format = store.db.row::<Meta>(&MetaKey::Format).expect("reads");
    assert_eq!(format, Some(MetaRow::Format(FORMAT)));
    grow(&mut store, 2);
    drop(store);
    assert_eq!(folder.open().expect("opens").height(), 6);
}

/// A creation that died before its batch is finished by the next one.
#[test]
fn an_interrupted_creation_is_finished() {
    let folder = folder();
    drop(Database::open(&folder.path, &settings(), true).expect("opens"));
    assert_eq!(failure(folder.open()), OpenError::Missing);
    assert_eq!(folder.create().tip().height, 0);
}

#[test]
fn what_does_not_follow_the_tip_is_never_written() {
    let folder = folder();
    let mut store = folder.create();
    let first = grow(&mut store, 1).remove(0);
    let second = next(&store, &content(2));
    type Change = fn(&mut test_blocks::Made);
    let changes: [(&str, Change); 6] = [
        ("height", |m| {
            m.block.header.height = 3;
            m.executed.header.height = 3;
        }),
        ("parent", |m| {
            m.block.header.parent = [1; 32];
            m.executed.header.parent = [1; 32];
        }),
        ("effects", |m| m.executed.header.time_ms += 1),
        ("root", |m| m.executed.tree.root = [1; 32]),
        ("number", |m| {
            m.ids.pop();
        }),
        ("number", |m| m.block.transactions.push(vec![1])),
    ];
    for (what, change) in changes {
        let mut changed = second.clone();
        change(&mut changed);
        let refused = store.commit(changed.commit());
        assert!(
            matches!(&refused, Err(Fault::Invariant(m)) if m.contains(what)),
            "{what}: {refused:?}"
        );
        assert_eq!(store.tip().block_id, first.block.id());
    }
    assert!(
        matches!(store.commit(first.commit()), Err(Fault::Invariant(_))),
        "the same block twice"
    );
    store.commit(second.commit()).expect("the right one");
}

/// What is committed is synced in the log of the database when it is settled, once, whatever was committed together.
#[test]
fn commits_are_settled_by_a_sync() {
    let folder = folder();
    let mut store = folder.create();
    let syncs = |store: &RocksStore| {
        store
            .db
            .options
            .get_ticker_count(rocksdb::statistics::Ticker::WalFileSynced)
    };
    for _ in 0..5 {
        let before = syncs(&store);
        grow(&mut store, 1);
        store.settle().expect("a good disk");
        assert_eq!(syncs(&store), before + 1);
        store.settle().expect("a good disk");
        assert_eq!(syncs(&store), before + 1, "nothing is left to settle");
    }
    let before = syncs(&store);
    grow(&mut store, 4);
    store.settle().expect("a good disk");
    assert!((1..=4).contains(&(syncs(&store) - before)));
    let before = syncs(&store);
    store.keep_misbehaviour(&[]).expect("writes");
    store
        .keep_misbehaviour(&[reading::evidence(1)])
        .expect("writes");
    assert!(syncs(&store) > before);
}

/// Nothing else in this room writes to the database, and the one place syncs.
#[test]
fn there_is_one_place_that_writes() {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage");
    let forbidden = [
        "WriteBatch",
        "write_opt",
        ".put_cf",
        ".delete_cf",
        "set_sync",
    ];
    for entry in std::fs::read_dir(&room).expect("lists") {
        let path = entry.expect("lists").path();
        if path.extension().is_none_or(|e| e != "rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).expect("reads");
        if path.ends_with("commit_block.rs") {
            assert_eq!(source.matches(".write_opt(").count(), 1);
            assert_eq!(source.matches("set_sync(true)").count(), 1);
            assert!(!source.contains("disable_wal"));
            continue;
        }
        for word in forbidden {
            assert!(!source.contains(word), "{word} in {}", path.display());
        }
    }
}

/// Killed at any moment while blocks are committed, the store opens at some block, whole.
#[test]
fn a_killed_process_leaves_whole_blocks() {
    let folder = folder();
    let mut store = folder.create();
    let mut made = Vec::new();
    for round in 0..4u64 {
        let at = folder.path.with_extension(format!("copy-{round}"));
        copy(&folder.path, &at);
        let copied = RocksStore::open(&at, &folder.genesis.chain_id, &settings()).expect("opens");
        assert_eq!(copied.tip(), store.tip());
        made.extend(grow(&mut store, 1));
    }

    // The log of the database cut at every length: an earlier block, whole, or (where the cut
    // looks like damage) a refusal; never half a block.
    let log = std::fs::read_dir(&folder.path)
        .expect("lists")
        .map(|e| e.expect("lists").path())
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .max()
        .expect("a log");
    let bytes = std::fs::read(&log).expect("reads");
    let mut heights = std::collections::BTreeSet::new();
    for cut in (0..24).map(|i| bytes.len() * i / 24) {
        let at = folder.path.with_extension(format!("cut-{cut}"));
        copy(&folder.path, &at);
        std::fs::write(at.join(log.file_name().expect("a name")), &bytes[..cut]).expect("cuts");
        match RocksStore::open(&at, &folder.genesis.chain_id, &settings()) {
            Ok(store) => {
                let height = store.tip().height;
                heights.insert(height);
                for block in &made {
                    let stored = block.block.header.height <= height;
                    let id = block.ids[0];
                    assert_eq!(store.is_committed(&id).expect("reads"), stored);
                    let found = store.block(block.block.header.height).expect("reads");
                    assert_eq!(found.is_some(), stored);
                }
            }
            Err(error) => assert!(
                matches!(error, OpenError::Missing | OpenError::Fault(_)),
                "{error}"
            ),
        }
    }
    assert!(heights.len() > 1, "{heights:?}");
}
