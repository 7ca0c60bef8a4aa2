use jmt::RootHash;
use jmt::proof::SparseMerkleProof;

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

/// The tree as the jmt crate's own proofs want it.
struct Whole<'a> {
    memory: &'a Memory,
    value: Option<&'a [u8]>,
}

impl TreeReader for Whole<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.memory.nodes.get(key).cloned())
    }
    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.value.map(<[u8]>::to_vec))
    }
    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}

/// The jmt crate's own proof, checked by its own verifier.
fn jmt_agrees(memory: &Memory, version: u64, root: Hash, key: &[u8], value: Option<&[u8]>) -> bool {
    let reader = Whole { memory, value };
    let key = KeyHash(hash::sha256(key));
    let (found, proof): (_, SparseMerkleProof<Sha256>) =
        JellyfishMerkleTree::<_, Sha256>::new(&reader)
            .get_with_proof(key, version)
            .unwrap();
    found.as_deref() == value && proof.verify(RootHash(root), key, value).is_ok()
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
        // In large trees a sample: proving is quadratic in debug builds of the crate.
        let step = (all.len() / 400).max(1);
        for (key, value) in all.iter().step_by(step) {
            let proof = prove(&memory, version, key, Some(value)).unwrap();
            assert_eq!(proof::verify(&root, key, Some(value), &proof), Ok(()));
            assert!(jmt_agrees(&memory, version, root, key, Some(value)));
            // Present is not absent, and has no other value.
            assert!(proof::verify(&root, key, None, &proof).is_err());
            assert!(proof::verify(&root, key, Some(b"another"), &proof).is_err());
        }
        for hash in stream(seed + 100).take(200) {
            let proof = prove(&memory, version, &hash, None).unwrap();
            assert_eq!(proof::verify(&root, &hash, None, &proof), Ok(()));
            assert!(jmt_agrees(&memory, version, root, &hash, None));
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

#[test]
fn nodes_survive_the_disk() {
    let (memory, ..) = grown(9, 300, 3);
    for (key, node) in &memory.nodes {
        let bytes = encode_node(node).unwrap();
        assert_eq!(decode_node(&bytes).as_ref(), Ok(node));
        assert!(matches!(
            decode_node(&bytes[..bytes.len() - 1]),
            Err(Fault::Damaged(_))
        ));
        assert!(matches!(
            decode_node(&[bytes.as_slice(), &[0]].concat()),
            Err(Fault::Damaged(_))
        ));
        assert!(!encode_node_key(key).unwrap().is_empty());
    }
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
    assert!(
        proofs > lost.len() / 4 && updates > lost.len() / 4,
        "{proofs} {updates}"
    );
    assert!(prove(&Memory::default(), 0, b"key", None).is_err());
}

/// A disk that fails is not a missing node.
#[test]
fn a_failing_disk_is_its_own_fault() {
    struct Failing;
    impl TreeRead for Failing {
        fn node(&self, _: &NodeKey) -> Result<Option<Node>, Fault> {
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
