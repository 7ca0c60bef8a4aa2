//! Damaged rows and files: refused or reported, never answered from.

use super::*;
use crate::storage::database::LARGE_ENVELOPE;
use crate::storage::schema::{
    BlockIndex, HeaderRow, Headers, HeightKey, LinkKey, Links, PlaceKey, TABLES, Table, TableKey,
    TableValue, Transactions, Tree,
};

fn put<T: Table>(store: &RocksStore, key: &T::Key, value: &[u8]) {
    let family = store.db.family::<T>().expect("open");
    let written = store.db.raw.put_cf(family, key.encode(), value);
    written.expect("writes");
}

fn remove<T: Table>(store: &RocksStore, key: &T::Key) {
    let family = store.db.family::<T>().expect("open");
    let removed = store.db.raw.delete_cf(family, key.encode());
    removed.expect("removes");
}

fn put_tip(store: &RocksStore, height: u64, block_id: Hash, header: Vec<u8>) {
    let row = MetaRow::Tip {
        height,
        block_id,
        header,
    };
    put::<Meta>(store, &MetaKey::Tip, &row.encode().expect("encodes"));
}

const PLACE: PlaceKey = PlaceKey {
    height: 3,
    index: 1,
};

/// A row that is missing, unreadable or contradicts another stops the opening.
#[test]
fn a_store_whose_parts_disagree_does_not_open() {
    type Harm = fn(&RocksStore, &test_blocks::Made);
    let table: [(&str, Harm); 14] = [
        ("no tip", |s, _| remove::<Meta>(s, &MetaKey::Tip)),
        ("unreadable tip", |s, _| put::<Meta>(s, &MetaKey::Tip, b"?")),
        ("tip of another id", |s, m| {
            put_tip(s, 3, [1; 32], m.block.header.encode());
        }),
        ("tip of another height", |s, m| {
            put_tip(s, 2, m.block.id(), m.block.header.encode());
        }),
        ("tip back at genesis", |s, _| {
            put_tip(s, 0, s.genesis.block_id, Vec::new());
        }),
        ("no genesis row", |s, _| {
            remove::<Meta>(s, &MetaKey::Genesis)
        }),
        ("exchanged meta rows", |s, _| {
            let row = MetaRow::Format(FORMAT).encode().expect("encodes");
            put::<Meta>(s, &MetaKey::Tip, &row);
        }),
        ("no header", |s, _| remove::<Headers>(s, &HeightKey(3))),
        ("another header", |s, _| {
            let row = s.db.row::<Headers>(&HeightKey(2)).expect("reads");
            let row = row.expect("there").encode().expect("encodes");
            put::<Headers>(s, &HeightKey(3), &row);
        }),
        ("no block index", |s, m| {
            remove::<BlockIndex>(s, &m.block.id());
        }),
        ("no envelope", |s, _| remove::<Transactions>(s, &PLACE)),
        ("another envelope", |s, _| {
            put::<Transactions>(s, &PLACE, b"forged");
        }),
        ("no root node", |s, m| {
            let root = m.executed.tree.nodes.keys();
            let root = root.min_by_key(|k| k.depth());
            let key = root.expect("a root").place();
            remove::<Tree>(s, &key);
        }),
        ("another validator set", |s, _| {
            let forged = test_blocks::set(&[9]).encode();
            put::<State>(s, &keys::VALIDATORS.to_vec(), &forged);
        }),
    ];
    for (what, harm) in table {
        let folder = folder();
        let mut store = folder.create();
        let made = grow(&mut store, 3);
        harm(&store, &made[2]);
        drop(store);
        let error = failure(folder.open());
        assert!(
            matches!(error, OpenError::Fault(Fault::Damaged(_))),
            "{what}: {error}"
        );
    }
}

/// Rows damaged while the node runs are found when they are read.
#[test]
fn a_damaged_row_is_a_fault_when_read() {
    let folder = folder();
    let mut store = folder.create();
    grow(&mut store, 3);
    let reader = store.reader();
    let header_row = |height| -> HeaderRow {
        let row = store.db.row::<Headers>(&HeightKey(height)).expect("reads");
        row.expect("there")
    };

    let mut changed = header_row(2);
    changed.header[60] ^= 1;
    put::<Headers>(&store, &HeightKey(2), &changed.encode().expect("encodes"));
    assert!(matches!(store.block(2), Err(Fault::Damaged(_))));
    let snapshot = reader.snapshot();
    let found = snapshot.certified_header(2);
    assert!(matches!(found, Err(Fault::Damaged(_))));

    let mut changed = header_row(1);
    changed.certificate = vec![0xff; 9];
    put::<Headers>(&store, &HeightKey(1), &changed.encode().expect("encodes"));
    assert!(matches!(store.block(1), Err(Fault::Damaged(_))));

    remove::<Links>(&store, &LinkKey::new(b"item/a", 1));
    let snapshot = reader.snapshot();
    let found = snapshot.link_entries(b"item/a", 0, 10);
    assert!(matches!(found, Err(Fault::Damaged(_))));

    put::<Meta>(&store, &MetaKey::Tip, b"?");
    let snapshot = reader.snapshot();
    assert_eq!(snapshot.tip().height, 0);
    assert!(matches!(snapshot.get(b"counter"), Err(Fault::Damaged(_))));
    assert!(matches!(snapshot.prove(b"counter"), Err(Fault::Damaged(_))));
    assert!(matches!(snapshot.envelopes(3), Err(Fault::Damaged(_))));
    let found = snapshot.validator_set_changes(0);
    assert!(matches!(found, Err(Fault::Damaged(_))));
}

/// A block with a large envelope.
fn grow_large(store: &mut RocksStore) -> test_blocks::Made {
    let large = (0..3 * LARGE_ENVELOPE).map(|i| (i * i % 251) as u8);
    let number = store.tip().height + 1;
    let mut content = content(number);
    content.envelopes.push(large.collect());
    let made = next(store, &content);
    store.commit(made.commit()).expect("commits");
    made
}

/// What can be read of a store: everything as it was, or a fault.
fn read_all(store: &RocksStore, made: &[test_blocks::Made]) -> Result<(), Fault> {
    let reader = store.reader();
    let snapshot = reader.snapshot();
    for made in made {
        let height = made.block.header.height;
        let expected = Some((made.block.clone(), made.certificate.clone()));
        assert_eq!(snapshot.block(height)?, expected);
        for id in &made.ids {
            assert_eq!(snapshot.transaction(id)?.map(|p| p.height), Some(height));
        }
        for (key, value) in &made.executed.writes.values {
            if key != b"counter" {
                assert_eq!(snapshot.state_value(key)?.as_ref(), Some(value));
            }
            snapshot.prove(key)?;
        }
    }
    let links = snapshot.link_entries(b"item/a", 0, 1000)?;
    assert_eq!(links.len(), made.len());
    Ok(())
}

/// Bits flipped in the tables and the log of the database: the store doesn't open, or reads fail,
/// or (in bytes that nobody reads) nothing changed. The log's end may be taken for a torn write:
/// then an earlier block is the tip.
#[test]
fn flipped_bits_on_disk_never_give_another_answer() {
    let folder = folder();
    let mut store = folder.create();
    let mut made = grow(&mut store, 8);
    made.push(grow_large(&mut store));
    for (name, _) in TABLES {
        let family = store.db.raw.cf_handle(name).expect("open");
        store.db.raw.flush_cf(family).expect("flushes");
    }
    made.extend(grow(&mut store, 4));
    drop(store);

    let mut noticed = std::collections::BTreeMap::<String, u32>::new();
    let mut case = 0u32;
    for entry in std::fs::read_dir(&folder.path).expect("lists") {
        let path = entry.expect("lists").path();
        let kind = match path.extension().and_then(|e| e.to_str()) {
            Some(kind @ ("sst" | "blob" | "log")) => kind.to_owned(),
            _ => continue,
        };
        let bytes = std::fs::read(&path).expect("reads");
        for place in (0..6).filter_map(|i| Some(bytes.len().checked_sub(1)? * i / 5)) {
            case += 1;
            let at = folder.path.with_extension(format!("flip-{case}"));
            copy(&folder.path, &at);
            let mut flipped = bytes.clone();
            flipped[place] ^= 1 << (case % 8);
            std::fs::write(at.join(path.file_name().expect("a name")), &flipped).expect("writes");
            let read = match RocksStore::open(&at, &folder.genesis.chain_id, &settings()) {
                Ok(store) => {
                    let height = store.tip().height as usize;
                    assert!(height == made.len() || kind == "log", "{path:?} at {place}");
                    read_all(&store, &made[..height])
                }
                Err(OpenError::Fault(fault)) => Err(fault),
                Err(other) => panic!("{path:?} at {place}: {other}"),
            };
            if read.is_err() {
                *noticed.entry(kind.clone()).or_default() += 1;
            }
            std::fs::remove_dir_all(&at).expect("removes");
        }
    }
    assert!(noticed.get("sst").is_some_and(|n| *n > 5), "{noticed:?}");
    assert!(noticed.get("blob").is_some_and(|n| *n > 2), "{noticed:?}");
    assert!(noticed.get("log").is_some_and(|n| *n > 0), "{noticed:?}");
}

/// Envelopes stand in files of their own, which the database opens when it reads them. Where one is missing, to try
/// again doesn't help.
#[test]
fn a_missing_file_is_damage() {
    let folder = folder();
    let mut store = folder.create();
    grow_large(&mut store);
    for (name, _) in TABLES {
        let family = store.db.raw.cf_handle(name).expect("open");
        store.db.raw.flush_cf(family).expect("flushes");
    }
    grow(&mut store, 1);
    drop(store);
    let files = std::fs::read_dir(&folder.path).expect("lists");
    let mut paths = files.map(|file| file.expect("lists").path());
    let blob = paths.find(|path| path.extension().is_some_and(|e| e == "blob"));
    std::fs::remove_file(blob.expect("a file of envelopes")).expect("removes");
    let read = match folder.open() {
        Ok(store) => store.reader().snapshot().envelopes(1),
        Err(OpenError::Fault(fault)) => Err(fault),
        Err(other) => panic!("{other}"),
    };
    assert!(matches!(read, Err(Fault::Damaged(_))), "{read:?}");
}

/// A store of six blocks, and where each of them stands in the database's log.
fn log_of_six() -> (Folder, Vec<test_blocks::Made>, PathBuf, Vec<usize>) {
    let folder = folder();
    let mut store = folder.create();
    let log = std::fs::read_dir(&folder.path).expect("lists");
    let mut logs = log.map(|entry| entry.expect("lists").path());
    let log = logs.find(|path| path.extension().is_some_and(|e| e == "log"));
    let log = log.expect("one log");
    let length = || std::fs::metadata(&log).expect("is there").len() as usize;
    let mut made = Vec::new();
    let mut begins = vec![length()];
    for _ in 0..6 {
        made.extend(grow(&mut store, 1));
        store.settle().expect("a good disk");
        begins.push(length());
    }
    drop(store);
    assert_eq!(settled_height::noted(&folder.path), 6);
    (folder, made, log, begins)
}

/// What a power cut garbles at the end of the log was never settled, and is forgotten; what was settled is refused.
#[test]
fn only_what_was_not_settled_is_forgotten() {
    let (folder, made, log, begins) = log_of_six();
    let bytes = std::fs::read(&log).expect("reads");
    for (block, settled) in (1..=6).flat_map(|block| (0..=6).map(move |settled| (block, settled))) {
        let at = folder.path.with_extension(format!("cut-{block}-{settled}"));
        copy(&folder.path, &at);
        let mut garbled = bytes.clone();
        garbled[usize::midpoint(begins[block - 1], begins[block])] ^= 1;
        let name = log.file_name().expect("a name");
        std::fs::write(at.join(name), &garbled).expect("writes");
        let noted = settled_height::SettledHeight::open(&at).expect("opens");
        noted.note(settled).expect("writes");
        let opened = RocksStore::open(&at, &folder.genesis.chain_id, &settings());
        if settled < block as u64 {
            let mut store = opened.expect("nothing that was settled is lost");
            assert_eq!(store.tip().height, block as u64 - 1);
            read_all(&store, &made[..block - 1]).expect("all before is whole");
            // It goes on, and the next opening finds nothing amiss.
            store
                .commit(made[block - 1].commit())
                .expect("the block again");
            drop(store);
            assert_eq!(settled_height::noted(&at), block as u64);
            let store = RocksStore::open(&at, &folder.genesis.chain_id, &settings());
            read_all(&store.expect("opens"), &made[..block]).expect("all is whole");
        } else {
            let told = failure(opened).to_string();
            let lost = format!("blocks {block} to {settled} are lost");
            assert!(told.contains(&lost), "{told}");
            assert_eq!(std::fs::read(at.join(name)).expect("reads"), garbled);
        }
        std::fs::remove_dir_all(&at).expect("removes");
    }
}

/// A note that can't be read says nothing.
#[test]
fn a_damaged_note_of_what_is_settled_says_nothing() {
    let (folder, ..) = log_of_six();
    let note = folder.path.join("settled");
    let bytes = std::fs::read(&note).expect("reads");
    for bit in 0..8 * bytes.len() {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&note, &flipped).expect("writes");
        assert_eq!(settled_height::noted(&folder.path), 0, "bit {bit}");
    }
    for length in 0..bytes.len() {
        std::fs::write(&note, &bytes[..length]).expect("writes");
        assert_eq!(settled_height::noted(&folder.path), 0, "{length} bytes");
    }
    std::fs::write(&note, &bytes).expect("writes");
    assert_eq!(settled_height::noted(&folder.path), 6);
}
