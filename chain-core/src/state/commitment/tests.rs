use std::collections::BTreeSet;

use proptest::prelude::*;

use super::jmt_tree::JmtTree;
use super::*;
use crate::proof::state as proof;
use crate::test_support::{Memory, stream};

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

/// A tree that grew over several versions; some keys were written more than once.
fn grown(seed: u64, keys: usize, versions: u64) -> (Memory, Values, Hash) {
    let mut memory = Memory::default();
    let mut all = Values::new();
    let mut root = [0; 32];
    let mut hashes = stream(seed);
    for version in 0..versions {
        let mut values = Values::new();
        let share = keys.div_ceil(versions as usize);
        while values.len() < share {
            let hash = hashes.next().unwrap();
            // One of four writes goes to a key that is there already.
            let known = all.keys().nth(usize::from(hash[1]) % all.len().max(1));
            let key = match known {
                Some(known) if hash[0] < 64 => known.clone(),
                _ => hash[..4 + usize::from(hash[2] % 20)].to_vec(),
            };
            values.insert(key, hash[..usize::from(hash[3] % 33)].to_vec());
        }
        let update = update(&memory, version, &values).unwrap();
        root = update.root;
        memory.nodes.extend(update.nodes);
        all.extend(values);
    }
    (memory, all, root)
}

#[test]
fn every_key_is_proven_and_every_other_is_proven_absent() {
    for (seed, keys, versions) in [
        (1, 1, 1),
        (2, 2, 1),
        (3, 3, 3),
        (4, 60, 4),
        (5, 600, 7),
        (6, 3000, 3),
    ] {
        let (memory, all, root) = grown(seed, keys, versions);
        let version = versions - 1;
        let jmt = JmtTree::of(&memory.nodes);
        // In large trees a sample: proving is quadratic in debug builds of the crate.
        let step = (all.len() / 400).max(1);
        for (key, value) in all.iter().step_by(step) {
            let proof = prove(&memory, version, key, Some(value)).unwrap();
            assert_eq!(proof::verify(&root, key, Some(value), &proof), Ok(()));
            assert_eq!(jmt.prove(version, root, key, Some(value)), proof.siblings);
            // Present is not absent, and has no other value.
            assert!(proof::verify(&root, key, None, &proof).is_err());
            assert!(proof::verify(&root, key, Some(b"another"), &proof).is_err());
        }
        for hash in stream(seed + 100).take(200) {
            let proof = prove(&memory, version, &hash, None).unwrap();
            assert_eq!(proof::verify(&root, &hash, None, &proof), Ok(()));
            assert_eq!(jmt.prove(version, root, &hash, None), proof.siblings);
            assert!(proof::verify(&root, &hash, Some(b""), &proof).is_err());
            assert!(proof::verify(&root, &hash, Some(b"value"), &proof).is_err());
        }
    }
}

/// The root by its definition: leaves sorted by key hash, halves by the next bit, a lone leaf
/// standing for its subtree. Shares nothing with the tree's code.
fn root_by_definition(leaves: &[(Hash, Hash)], depth: usize) -> Hash {
    match leaves {
        [] => *b"SPARSE_MERKLE_PLACEHOLDER_HASH__",
        [(key, value)] => hash::sha256(&[b"JMT::LeafNode".as_slice(), key, value].concat()),
        _ => {
            let ones =
                leaves.partition_point(|(key, _)| key[depth / 8] >> (7 - depth % 8) & 1 == 0);
            let (left, right) = leaves.split_at(ones);
            let [left, right] = [left, right].map(|half| root_by_definition(half, depth + 1));
            hash::sha256(&[b"JMT::IntrnalNode".as_slice(), &left, &right].concat())
        }
    }
}

#[test]
fn the_root_is_that_of_the_definition_and_independent_of_history() {
    for (seed, keys, versions) in [(1, 1, 1), (2, 2, 2), (7, 50, 5), (8, 2000, 4)] {
        let (_, all, root) = grown(seed, keys, versions);
        let mut leaves: Vec<(Hash, Hash)> = all
            .iter()
            .map(|(k, v)| (hash::sha256(k), hash::sha256(v)))
            .collect();
        leaves.sort_unstable();
        assert_eq!(root, root_by_definition(&leaves, 0), "{keys} keys");
        let at_once = update(&Memory::default(), 0, &all).unwrap();
        assert_eq!(root, at_once.root, "{keys} keys");
    }
}

/// An old root stays provable while its nodes are kept, and stale nodes are those it alone needs.
#[test]
fn versions_share_what_did_not_change() {
    let mut memory = Memory::default();
    let first: Values = stream(1)
        .take(200)
        .map(|h| (h.to_vec(), h.to_vec()))
        .collect();
    let old = update(&memory, 0, &first).unwrap();
    memory.nodes.extend(old.nodes.clone());
    let key = first.keys().next().unwrap().clone();
    let second = [(key.clone(), b"new".to_vec())].into();
    let new = update(&memory, 1, &second).unwrap();
    memory.nodes.extend(new.nodes.clone());
    assert!(new.nodes.len() < 10 && !new.stale.is_empty());
    assert!(new.stale.iter().all(|node| old.nodes.contains_key(node)));

    for (version, root, value) in [(0, old.root, first[&key].as_slice()), (1, new.root, b"new")] {
        let proof = prove(&memory, version, &key, Some(value)).unwrap();
        assert_eq!(proof::verify(&root, &key, Some(value), &proof), Ok(()));
    }
    for stale in &new.stale {
        memory.nodes.remove(stale);
    }
    for (key, value) in first.iter().skip(1) {
        let proof = prove(&memory, 1, key, Some(value)).unwrap();
        assert_eq!(proof::verify(&new.root, key, Some(value), &proof), Ok(()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever is written, new and stale nodes are those of the `jmt` crate, byte for byte.
    #[test]
    fn an_update_is_that_of_the_jmt_crate(batches in batches()) {
        let mut memory = Memory::default();
        let mut jmt = JmtTree::default();
        for (height, values) in (0u64..).zip(&batches) {
            let ours = update(&memory, height, values).unwrap();
            let (root, nodes, stale) = jmt.update(height, values);
            prop_assert_eq!(ours.root, root);
            prop_assert_eq!(&JmtTree::of(&ours.nodes).nodes, &nodes);
            let keys: BTreeSet<Vec<u8>> = ours.stale.iter().map(NodeKey::encode).collect();
            prop_assert_eq!(&keys, &stale);
            prop_assert_eq!(ours.stale.len(), stale.len(), "each once");
            for key in &ours.stale {
                memory.nodes.remove(key);
            }
            memory.nodes.extend(ours.nodes);
            jmt.nodes.retain(|key, _| !stale.contains(key));
            jmt.nodes.extend(nodes);
        }
    }
}

/// Many keys or few, some of them written before.
fn batches() -> impl Strategy<Value = Vec<Values>> {
    let key = (0u16..900).prop_map(|k| k.to_be_bytes().to_vec());
    let value = prop::collection::vec(any::<u8>(), 0..4);
    let batch = prop_oneof![
        prop::collection::btree_map(key.clone(), value.clone(), 1..3),
        prop::collection::btree_map(key, value, 1..300),
    ];
    prop::collection::vec(batch, 1..8)
}

#[test]
fn nodes_survive_the_disk() {
    let (memory, ..) = grown(9, 300, 3);
    for node in memory.nodes.values() {
        let bytes = node.encode();
        assert_eq!(TreeNode::decode(&bytes).as_ref(), Ok(node));
        for bad in [
            &bytes[..bytes.len() - 1],
            &[bytes.as_slice(), &[0]].concat(),
        ] {
            assert!(matches!(TreeNode::decode(bad), Err(Fault::Damaged(_))));
        }
    }
    // Counts that aren't those of the children.
    let inner = memory
        .nodes
        .values()
        .find(|node| matches!(node, TreeNode::Inner(_)));
    let bytes = inner.unwrap().encode();
    for from_the_end in [8, 16] {
        let mut bad = bytes.clone();
        bad[bytes.len() - from_the_end] ^= 1;
        assert!(matches!(TreeNode::decode(&bad), Err(Fault::Damaged(_))));
    }
}

/// Two keys whose hashes agree in all but the last steps lie as deep as a tree goes; and no tree is deeper.
#[test]
fn leaves_lie_as_deep_as_their_hashes_differ() {
    let leaf = |last: u8, value: u8| LeafNode {
        key_hash: std::array::from_fn(|i| if i == 31 { last } else { 7 }),
        value_hash: [value; 32],
    };
    let mut memory = Memory::default();
    let first = update::update(&memory, None, 0, &[leaf(0x10, 1)]).unwrap();
    memory.nodes.extend(first.nodes);
    let second = update::update(&memory, Some(0), 1, &[leaf(0x11, 1)]).unwrap();
    let deepest = second.nodes.keys().map(NodeKey::depth).max();
    assert_eq!(deepest, Some(64));
    assert_eq!(second.nodes.len(), 64 + 2);
    let together = update::update(&memory, None, 0, &[leaf(0x10, 1), leaf(0x11, 1)]).unwrap();
    assert_eq!(second.root, together.root);
    // The same key twice, which `update` never gives.
    let twice = update::update(&memory, None, 0, &[leaf(0x10, 1), leaf(0x10, 2)]);
    assert!(matches!(twice, Err(Fault::Damaged(_))));
}

/// Whichever node is lost, a proof that needs it and an update that needs it are faults, and the
/// others are right.
#[test]
fn a_missing_node_is_a_fault() {
    let (memory, all, root) = grown(10, 100, 1);
    let lost: Vec<NodeKey> = memory.nodes.keys().cloned().collect();
    let (mut proofs, mut updates) = (0, 0);
    for node in &lost {
        let mut damaged = memory.clone();
        damaged.nodes.remove(node);
        for (key, value) in all.iter().step_by(9) {
            match prove(&damaged, 0, key, Some(value)) {
                Ok(proof) => assert_eq!(proof::verify(&root, key, Some(value), &proof), Ok(())),
                Err(fault) => {
                    assert!(matches!(fault, Fault::Damaged(_)), "{fault:?}");
                    proofs += 1;
                }
            }
            let next = [(key.clone(), b"next".to_vec())].into();
            let whole = update(&memory, 1, &next).unwrap();
            match update(&damaged, 1, &next) {
                Ok(found) => assert_eq!(found, whole),
                Err(_) => updates += 1,
            }
        }
    }
    // A present key's leaf isn't read: the node above it knows its hash.
    assert!(
        proofs > lost.len() / 8 && updates > lost.len() / 4,
        "{proofs} {updates}"
    );
    assert!(prove(&Memory::default(), 0, b"key", None).is_err());
}

/// A disk that fails is not a missing node.
#[test]
fn a_failing_disk_is_its_own_fault() {
    struct Failing;
    impl TreeRead for Failing {
        fn node(&self, _: &NodeKey) -> Result<Option<TreeNode>, Fault> {
            Err(Fault::Storage("unplugged".into()))
        }
    }
    let expected = Fault::Storage("unplugged".into());
    assert_eq!(prove(&Failing, 0, b"key", None), Err(expected.clone()));
    let values = [(b"key".to_vec(), vec![])].into();
    assert_eq!(update(&Failing, 1, &values), Err(expected));
}

#[test]
fn a_version_without_writes_is_refused() {
    let refused = update(&Memory::default(), 0, &Values::new());
    assert!(matches!(refused, Err(Fault::Tree(_))));
}

/// Only what a changed child is a part of is hashed again, and all of that is.
#[test]
fn a_change_hashes_what_it_touches() {
    let child = |byte: usize| {
        Some(node::Child {
            hash: [u8::try_from(byte).unwrap(); 32],
            version: 0,
            leaves_below: Some(2),
        })
    };
    let mut changed = InnerNode::new(std::array::from_fn(child));
    changed.hash();
    // Behind its back, which nobody else can.
    changed.children[15] = child(98);
    let mut children = [None; 16];
    children[5] = child(99);
    changed.change(&children);
    let anew = InnerNode::new(changed.children);
    for number in 1..32 {
        let is_old = changed.hash_of(number) != anew.hash_of(number);
        assert_eq!(is_old, [1, 3, 7, 15].contains(&number), "{number}");
    }
    changed.change(&anew.children);
    assert_eq!(changed.hash(), anew.hash());
}
