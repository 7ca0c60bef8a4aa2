use rocksdb::IteratorMode;

use super::*;
use crate::storage::Store;
use crate::storage::rocks::StoreSettings;
use crate::storage::test_blocks::{self, BlockContent, content, next};

fn settings() -> StoreSettings {
    StoreSettings {
        block_cache_bytes: 1 << 20,
        write_buffer_bytes: 4 << 20,
        cached_tree_levels: 2,
    }
}

/// A store of four blocks, one of which changes the validators.
fn grown(path: &Path) -> RocksStore {
    let genesis = test_blocks::genesis("salvage");
    let mut store = RocksStore::create(path, &genesis, &settings()).unwrap();
    for number in 1..=4 {
        let content = BlockContent {
            validators: (number == 2).then(|| vec![3, 4]),
            ..content(number)
        };
        let made = next(&store, &content);
        store.commit(made.commit()).unwrap();
    }
    store
}

#[test]
fn every_table_that_differs_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let sound = grown(&folder.path().join("sound"));
    for table in DERIVED {
        for harm in ["change", "remove", "add"] {
            let path = folder.path().join(format!("{table}-{harm}"));
            let store = grown(&path);
            let raw = &store.database().raw;
            let family = raw.cf_handle(table).unwrap();
            let row = raw.iterator_cf(family, IteratorMode::Start).next();
            let (key, value) = row.unwrap().unwrap();
            match harm {
                "change" => raw.put_cf(family, &key, [&value[..], b"?"].concat()),
                "remove" => raw.delete_cf(family, &key),
                _ => raw.put_cf(family, [&key[..], b"?"].concat(), &value),
            }
            .unwrap();
            drop(store);
            let salvage = Salvage::open(&path).unwrap();
            let found = salvage.compare(&sound).unwrap();
            let tables: Vec<&str> = found.iter().map(|damage| damage.table).collect();
            assert_eq!(tables, [table], "{harm}: {found:?}");
            let word = match harm {
                "change" => "another",
                "remove" => "missing",
                _ => "no block",
            };
            assert!(found[0].what.contains(word), "{found:?}");
        }
    }
    let again = folder.path().join("again");
    drop(grown(&again));
    let salvage = Salvage::open(&again).unwrap();
    assert_eq!(salvage.compare(&sound).unwrap(), []);
    assert_eq!(salvage.tip().unwrap(), 4);
    assert!(
        salvage
            .check_chain(&test_blocks::genesis("salvage").chain_id)
            .is_ok()
    );
    let other = salvage.check_chain(&test_blocks::genesis("other").chain_id);
    assert!(
        matches!(other, Err(OpenError::AnotherChain { .. })),
        "{other:?}"
    );
}

#[test]
fn what_no_block_tells_is_saved_as_far_as_it_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("found");
    let store = grown(&path);
    let evidence = Misbehaviour {
        validator: vec![3; 32],
        height: 2,
        kind: "vote".into(),
        ..Misbehaviour::default()
    };
    let checkpoint = |last| {
        let row = CheckpointRow {
            first: 1,
            authority: "tsa".into(),
            token: vec![1],
            certificates: Vec::new(),
        };
        (CheckpointKey::new("tsa", last), row)
    };
    let db = store.database();
    commit_block::misbehaviour(db, std::slice::from_ref(&evidence)).unwrap();
    for last in [2, 9] {
        let (key, row) = checkpoint(last);
        commit_block::checkpoint(db, &key, &row).unwrap();
    }
    commit_block::named_query(db, "mine", Some(b"{}")).unwrap();
    commit_block::named_query(db, "torn", Some(b"{")).unwrap();
    let key = EvidenceKey {
        height: 3,
        hash: [0; 32],
    };
    let family = db.family::<Misbehaviours>().unwrap();
    db.raw.put_cf(family, key.encode(), b"forged").unwrap();
    drop(store);

    let own = Salvage::open(&path).unwrap().own_rows(4).unwrap();
    let tables: Vec<&str> = own.damages.iter().map(|damage| damage.table).collect();
    assert_eq!(
        tables,
        [Misbehaviours::NAME, Checkpoints::NAME, HttpTable::NAME]
    );
    let anew = grown(&folder.path().join("anew"));
    own.write(&anew).unwrap();
    drop(anew);
    let anew = Salvage::open(&folder.path().join("anew")).unwrap();
    let kept = anew.own_rows(4).unwrap();
    assert_eq!(kept.damages, []);
    assert_eq!(kept.misbehaviour, [evidence]);
    assert_eq!(kept.checkpoints, [checkpoint(2)]);
    assert_eq!(kept.queries, [("mine".to_owned(), b"{}".to_vec())]);
}

/// Takes a block's header away, as damage would.
pub(crate) fn remove_block(path: &Path, chain_id: &Hash, settings: &StoreSettings, height: u64) {
    let store = RocksStore::open(path, chain_id, settings).expect("opens");
    let family = store.database().family::<Headers>().expect("open");
    let removed = store
        .database()
        .raw
        .delete_cf(family, HeightKey(height).encode());
    removed.expect("removes");
}
