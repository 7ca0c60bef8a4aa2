//! The stamps of a file's blocks, from what is kept.

use super::*;
use crate::storage::Store;
use crate::storage::rocks::{RocksStore, StoreSettings};
use crate::storage::test_blocks;

const CHAIN_ID: Hash = [7; 32];

#[test]
fn each_block_has_its_place_in_each_authoritys_earliest_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let genesis = test_blocks::genesis("stamps");
    let mut store = RocksStore::create(folder.path(), &genesis, &StoreSettings::default()).unwrap();
    test_blocks::grow(&mut store, 12);
    let writer = store.checkpoint_writer();
    let kept = [("one", 1, 4), ("one", 5, 5), ("one", 6, 11), ("two", 3, 9)];
    for (authority, first, last) in kept {
        let stamped = StampedRange {
            first,
            last,
            authority: authority.into(),
            token: format!("{authority} {last}").into_bytes(),
            certificates: vec![vec![1]],
        };
        writer.keep(&stamped).unwrap();
    }
    let reader = store.reader();
    let snapshot = reader.snapshot();
    let cancelled = Cancelled::default();
    let archive = SnapshotArchive {
        snapshot: &snapshot,
        chain_id: CHAIN_ID,
        genesis: &[],
        cancelled: &cancelled,
    };
    let heights = BTreeSet::from([1, 4, 5, 9, 10, 12]);
    let stamps = archive.stamps(&heights).unwrap();
    let mut places = BTreeSet::new();
    for stamp in &stamps.stamps {
        let checkpoint = &stamps.checkpoints[stamp.checkpoint as usize];
        let (first, last) = (checkpoint.first, checkpoint.last);
        let headers = snapshot.headers(first..=last).unwrap();
        let leaves: Vec<BlockLeaf> = headers.iter().map(BlockLeaf::from).collect();
        let tree = checkpoint::tree(&CHAIN_ID, first, &leaves).unwrap();
        let siblings: Vec<Hash> = stamp
            .siblings
            .iter()
            .map(|s| s.as_slice().try_into().unwrap())
            .collect();
        let leaf = &leaves[(stamp.height - first) as usize];
        let range = tree.range();
        let root =
            checkpoint::root_from_path(&CHAIN_ID, range, stamp.height, leaf, &siblings).unwrap();
        assert_eq!(root, *tree.root());
        let name = format!("{} {last}", checkpoint.authority);
        assert_eq!(checkpoint.token, name.clone().into_bytes());
        assert_eq!(checkpoint.certificates, [vec![1]]);
        places.insert((stamp.height, name));
    }
    let expected = [
        (1, "one 4"),
        (4, "one 4"),
        (4, "two 9"),
        (5, "one 5"),
        (5, "two 9"),
        (9, "one 11"),
        (9, "two 9"),
        (10, "one 11"),
    ];
    let expected: BTreeSet<_> = expected.map(|(h, name)| (h, name.to_owned())).into();
    assert_eq!(places, expected);
    assert_eq!(stamps.stamps.len(), expected.len(), "no place twice");
    assert_eq!(stamps.checkpoints.len(), 4, "no checkpoint twice");
    assert_eq!(store.tip().height, 12);
}
