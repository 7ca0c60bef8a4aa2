use super::*;
use crate::test_support::bit_flips;

const CHAIN: Hash = [7; 32];
const FIRST: u64 = 40;

fn blocks(count: usize) -> Vec<BlockLeaf> {
    (0..count as u64)
        .map(|n| BlockLeaf {
            id: hash::sha256(&n.to_be_bytes()),
            validators_hash: hash::sha256(&[n as u8 / 3]),
        })
        .collect()
}

/// The root by its definition, sharing no code with the crate.
fn root_by_definition(blocks: &[BlockLeaf]) -> Hash {
    let tagged = |tag: &str, parts: &[&[u8]]| {
        hash::sha256(&[tag.as_bytes(), &[0], &parts.concat()].concat())
    };
    let count = blocks.len();
    let mut array = vec![[0; 32]; 2 * count - 1];
    for (n, block) in blocks.iter().enumerate() {
        let height = FIRST + n as u64;
        let parts = [
            &CHAIN[..],
            &height.to_be_bytes(),
            &block.id,
            &block.validators_hash,
        ];
        array[count - 1 + n] = tagged("touchstone/checkpoint-block/v1", &parts);
    }
    let node = "touchstone/checkpoint-node/v1";
    for n in (0..count - 1).rev() {
        array[n] = tagged(node, &[&array[2 * n + 1], &array[2 * n + 2]]);
    }
    tagged(node, &[&(count as u64).to_be_bytes(), &array[0]])
}

#[test]
fn every_block_of_every_size_climbs_to_the_root_of_the_definition() {
    for count in 1..=40 {
        let blocks = blocks(count);
        let tree = tree(&CHAIN, FIRST, &blocks).unwrap();
        assert_eq!(*tree.root(), root_by_definition(&blocks), "{count}");
        let last = FIRST + count as u64 - 1;
        assert_eq!(Ok(tree.range()), Range::new(FIRST, last));
        for (height, block) in (FIRST..).zip(&blocks) {
            let path = tree.path(height).unwrap();
            let found = root_from_path(&CHAIN, tree.range(), height, block, &path);
            assert_eq!(found.as_ref(), Ok(tree.root()));
        }
        assert!(tree.path(FIRST - 1).is_err() && tree.path(last + 1).is_err());
    }
}

#[test]
fn whatever_is_changed_leads_elsewhere() {
    let blocks = blocks(11);
    let tree = tree(&CHAIN, FIRST, &blocks).unwrap();
    let range = tree.range();
    let root = Ok(*tree.root());
    for (height, block) in (FIRST..).zip(&blocks) {
        let path = tree.path(height).unwrap();
        for place in 0..path.len() {
            for flipped in bit_flips(&path[place]) {
                let mut changed = path.clone();
                changed[place] = flipped.try_into().unwrap();
                assert_ne!(root_from_path(&CHAIN, range, height, block, &changed), root);
            }
        }
        for flipped in bit_flips(&block.id) {
            let id = flipped.try_into().unwrap();
            let other = BlockLeaf { id, ..*block };
            assert_ne!(root_from_path(&CHAIN, range, height, &other, &path), root);
        }
        for flipped in bit_flips(&block.validators_hash) {
            let validators_hash = flipped.try_into().unwrap();
            let other = BlockLeaf {
                validators_hash,
                ..*block
            };
            assert_ne!(root_from_path(&CHAIN, range, height, &other, &path), root);
        }
        assert_ne!(root_from_path(&[8; 32], range, height, block, &path), root);
        for other in range.first()..=range.last() {
            let found = root_from_path(&CHAIN, range, other, block, &path);
            assert_eq!(found == root, other == height);
        }
        for (first, last) in [(39, 50), (40, 51), (40, 49), (41, 51), (39, 49)] {
            let other = Range::new(first, last).unwrap();
            assert_ne!(root_from_path(&CHAIN, other, height, block, &path), root);
        }
        let expected = path.len();
        for found in [expected - 1, expected + 1] {
            let mut changed = path.clone();
            changed.resize(found, [0; 32]);
            let length = CheckpointError::PathLength { expected, found };
            assert_eq!(
                root_from_path(&CHAIN, range, height, block, &changed),
                Err(length)
            );
        }
    }
    let outside = root_from_path(&CHAIN, range, 51, &blocks[0], &[]);
    assert_eq!(outside, Err(CheckpointError::Outside(51)));
}

#[test]
fn a_range_is_bounded() {
    let bad = |first, last| assert!(Range::new(first, last).is_err(), "{first} {last}");
    bad(0, 5);
    bad(6, 5);
    bad(1, MAX_BLOCKS + 1);
    bad(u64::MAX, 0);
    for (first, last) in [(1, 1), (1, MAX_BLOCKS), (u64::MAX, u64::MAX)] {
        assert!(Range::new(first, last).is_ok(), "{first} {last}");
    }
    assert!(tree(&CHAIN, 1, &[]).is_err());
    assert!(tree(&CHAIN, 0, &blocks(2)).is_err());
    assert!(tree(&CHAIN, u64::MAX, &blocks(2)).is_err());
}

#[test]
fn what_is_stamped_names_chain_range_root_and_authority() {
    let tree = tree(&CHAIN, FIRST, &blocks(3)).unwrap();
    let checkpoint = tree.checkpoint(&CHAIN, "http://tsa.example").unwrap();
    let expected = [
        b"touchstone/checkpoint/v1\0".as_slice(),
        &CHAIN,
        &FIRST.to_be_bytes(),
        &(FIRST + 2).to_be_bytes(),
        tree.root(),
        b"http://tsa.example",
    ];
    assert_eq!(checkpoint.bytes(), expected.concat());
    assert_eq!(checkpoint.imprint(), hash::sha256(&expected.concat()));
    let long = "x".repeat(MAX_AUTHORITY_BYTES + 1);
    for name in ["", "a\nb", &long] {
        let refused = CheckpointError::Authority(name.into());
        assert_eq!(tree.checkpoint(&CHAIN, name), Err(refused));
    }
    assert!(tree.checkpoint(&CHAIN, &long[1..]).is_ok());
}
