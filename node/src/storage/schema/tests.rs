//! The bytes of every row, pinned by golden files, and the order of keys.

use std::fmt::Write as _;
use std::path::Path;

use touchstone_core::state::commitment::LeafNode;

use super::*;

/// One row of each table, in every shape that its bytes can take.
fn samples() -> Vec<(&'static str, Vec<u8>, Vec<u8>)> {
    fn row<T: Table>(key: &T::Key, value: &T::Value) -> (&'static str, Vec<u8>, Vec<u8>)
    where
        T::Value: PartialEq + std::fmt::Debug,
    {
        let (k, v) = (key.encode(), value.encode().expect("encodes"));
        assert_eq!(T::Key::decode(&k).expect("decodes").encode(), k);
        assert_eq!(T::Value::decode(&v).as_ref(), Some(value));
        (T::NAME, k, v)
    }
    vec![
        row::<Headers>(
            &HeightKey(258),
            &HeaderRow {
                header: vec![1, 2, 3],
                certificate: vec![4, 5],
                transactions: 6,
            },
        ),
        row::<Transactions>(
            &PlaceKey {
                height: 258,
                index: 7,
            },
            &b"envelope".to_vec(),
        ),
        row::<TransactionIndex>(
            &[0x11; 32],
            &PlaceRow {
                height: 258,
                index: 7,
                time_ms: 1_700_000_000_000,
            },
        ),
        row::<BlockIndex>(&[0x22; 32], &258),
        row::<State>(&b"item/x".to_vec(), &b"value".to_vec()),
        row::<Tree>(
            &vec![1, 0x70],
            &NodeRow {
                version: 258,
                node: TreeNode::Leaf(LeafNode {
                    key_hash: [0x88; 32],
                    value_hash: [0x99; 32],
                }),
            },
        ),
        row::<EarlierTree>(&vec![1, 0, 0, 0], &vec![9, 9]),
        row::<Links>(&LinkKey::new(b"item/x", 3), &b"entry".to_vec()),
        row::<ValidatorSets>(&HeightKey(0), &b"set".to_vec()),
        row::<Misbehaviours>(
            &EvidenceKey {
                height: 5,
                hash: [0x33; 32],
            },
            &b"evidence".to_vec(),
        ),
        row::<Checkpoints>(
            &CheckpointKey::new("An Authority", 258),
            &CheckpointRow {
                first: 3,
                authority: "An Authority".into(),
                token: vec![1, 2, 3],
                certificates: vec![vec![4, 5], vec![6]],
            },
        ),
        row::<Meta>(&MetaKey::Format, &MetaRow::Format(FORMAT)),
        row::<Meta>(
            &MetaKey::Genesis,
            &MetaRow::Genesis {
                chain_id: [0x44; 32],
                time_ms: 1000,
                state_root: [0x55; 32],
            },
        ),
        row::<Meta>(
            &MetaKey::Tip,
            &MetaRow::Tip {
                height: 258,
                block_id: [0x66; 32],
                header: vec![1, 2, 3],
            },
        ),
        row::<EventIndex>(
            &EventKey {
                field: 2,
                value: [0x77; 16],
                height: 258,
            },
            &EventPlaces(vec![(0, 0), (0, 1), (7, 9), (7, 300), (1_000_000, 0)]),
        ),
        row::<HttpTable>(&HttpKey::Indexed, &258u64.to_be_bytes().to_vec()),
        row::<HttpTable>(&HttpKey::IndexedByEvent, &258u64.to_be_bytes().to_vec()),
        row::<HttpTable>(&HttpKey::Query("mine".into()), &b"{}".to_vec()),
    ]
}

/// Places that aren't in their order, or end in the middle, were damaged.
#[test]
fn damaged_places_of_events_are_refused() {
    let decode = EventPlaces::decode;
    assert_eq!(
        decode(&[1, 5, 0, 2]),
        Some(EventPlaces(vec![(1, 5), (1, 7)]))
    );
    assert_eq!(decode(&[]), Some(EventPlaces::default()));
    for bad in [&[1, 5, 0, 0][..], &[1], &[1, 5, 0], &[0x80], &[0xff; 20]] {
        assert_eq!(decode(bad), None, "{bad:?}");
    }
}

/// The bytes on disk are frozen. Setting TOUCHSTONE_APPROVE_GOLDEN=1 writes the file anew, which
/// is the explicit approval of another format.
#[test]
fn rows_have_their_golden_bytes() {
    let mut found = String::new();
    for (table, key, value) in samples() {
        let (key, value) = (hex::encode(key), hex::encode(value));
        writeln!(found, "{table} {key} {value}").expect("writing to a string");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage/golden/rows.txt");
    if std::env::var_os("TOUCHSTONE_APPROVE_GOLDEN").is_some() {
        std::fs::write(&path, &found).expect("writes");
    }
    let golden = std::fs::read_to_string(&path).expect("the golden file is there");
    assert_eq!(found, golden);
}

#[test]
fn every_table_has_a_golden_row() {
    let samples = samples();
    for (table, _) in TABLES {
        assert!(samples.iter().any(|(name, ..)| name == table), "{table}");
    }
}

/// bincode's own `serialize` writes the same layout: it is the documented one.
#[test]
fn the_layout_is_bincodes_default() {
    let row = PlaceRow {
        height: 1,
        index: 2,
        time_ms: 3,
    };
    let expected = bincode::serialize(&row).expect("serialises");
    assert_eq!(row.encode().expect("encodes"), expected);
}

/// No row decodes from its bytes cut short or with bytes behind.
#[test]
fn rows_of_another_length_are_refused() {
    let row = MetaRow::Tip {
        height: 1,
        block_id: [1; 32],
        header: vec![5; 10],
    };
    let bytes = row.encode().expect("encodes");
    for length in 0..bytes.len() {
        assert_eq!(MetaRow::decode(&bytes[..length]), None, "length {length}");
    }
    assert_eq!(MetaRow::decode(&[&bytes[..], &[0]].concat()), None);
    let mut huge = bytes.clone();
    huge[44..52].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(MetaRow::decode(&huge), None);
}

/// Keys sort as their meaning does, across the borders of bytes.
#[test]
fn keys_sort_as_their_meaning() {
    let numbers = [0, 1, 255, 256, 65_535, 1 << 32, u64::MAX];
    for a in numbers {
        for b in numbers {
            assert_eq!(
                HeightKey(a).encode().cmp(&HeightKey(b).encode()),
                a.cmp(&b),
                "{a} {b}"
            );
            let (x, y) = (LinkKey::new(b"o", a), LinkKey::new(b"o", b));
            assert_eq!(x.encode().cmp(&y.encode()), a.cmp(&b));
            for i in [0, 255, 256, u32::MAX] {
                let (x, y) = (
                    PlaceKey {
                        height: a,
                        index: i,
                    },
                    PlaceKey {
                        height: b,
                        index: 7,
                    },
                );
                assert_eq!(x.encode().cmp(&y.encode()), x.cmp(&y));
            }
        }
    }
}

/// Owners whose keys begin alike have separate links.
#[test]
fn owners_never_share_a_prefix() {
    let short = LinkKey::new(b"item/1", 0).encode();
    let long = LinkKey::new(b"item/12", 0).encode();
    assert_eq!(short.len(), 40);
    assert_ne!(short[..32], long[..32]);
}
