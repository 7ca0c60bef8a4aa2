//! Proofs against those of the `jmt` crate, and over trees that fail or have lost nodes.

use std::cell::Cell;
use std::collections::BTreeMap;

use jmt::JellyfishMerkleTree;
use jmt::KeyHash;
use proptest::prelude::*;

use super::super::{Sha256, update};
use super::*;
use crate::proof::state::verify;

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

/// A tree in memory that fails after some reads, and can have lost a node.
#[derive(Default)]
struct Tree {
    nodes: BTreeMap<NodeKey, Node>,
    reads: Cell<usize>,
    fail_after: Option<usize>,
}

impl TreeRead for Tree {
    fn node(&self, key: &NodeKey) -> Result<Option<Node>, Fault> {
        self.reads.set(self.reads.get() + 1);
        if self.fail_after.is_some_and(|n| self.reads.get() > n) {
            return Err(Fault::Storage("the disk".into()));
        }
        Ok(self.nodes.get(key).cloned())
    }
}

fn grown(batches: &[Values]) -> (Tree, Values, Hash) {
    let mut tree = Tree::default();
    let mut all = Values::new();
    let mut root = [0; 32];
    for (height, values) in (0u64..).zip(batches) {
        let update = update(&tree, height, values).expect("updates");
        for key in &update.stale {
            tree.nodes.remove(key);
        }
        tree.nodes.extend(update.nodes);
        all.extend(values.clone());
        root = update.root;
    }
    (tree, all, root)
}

/// The crate's own view of the tree, to compare with.
struct Oracle<'a>(&'a Tree, Option<&'a [u8]>);

impl jmt::storage::TreeReader for Oracle<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.0.node(key)?)
    }
    fn get_value_option(&self, _: u64, _: KeyHash) -> anyhow::Result<Option<Vec<u8>>> {
        Ok(self.1.map(<[u8]>::to_vec))
    }
    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}

/// The crate's proof, whose siblings it keeps private, read through its serialisation.
#[derive(BorshDeserialize)]
struct OracleProof {
    _leaf: Option<(Hash, Hash)>,
    siblings: Vec<OracleNode>,
}

#[derive(BorshDeserialize)]
enum OracleNode {
    Null,
    Internal(Hash, Hash),
    Leaf(Hash, Hash),
}

fn oracle_siblings(tree: &Tree, height: u64, key: &[u8], value: Option<&[u8]>) -> Vec<Vec<u8>> {
    let oracle = Oracle(tree, value);
    let (found, path) = JellyfishMerkleTree::<_, Sha256>::new(&oracle)
        .get_with_proof(KeyHash(hash::sha256(key)), height)
        .expect("proves");
    assert_eq!(found.as_deref(), value);
    let bytes = borsh::to_vec(&path).expect("serialises");
    let path = OracleProof::try_from_slice(&bytes).expect("has this shape");
    path.siblings
        .iter()
        .map(|node| match node {
            OracleNode::Null => proof::placeholder().to_vec(),
            OracleNode::Internal(left, right) => proof::inner(left, right).to_vec(),
            OracleNode::Leaf(key, value) => proof::leaf(key, value).to_vec(),
        })
        .collect()
}

fn batches() -> impl Strategy<Value = Vec<Values>> {
    let key = (0u16..200).prop_map(|k| k.to_be_bytes().to_vec());
    let value = prop::collection::vec(any::<u8>(), 0..3);
    prop::collection::vec(prop::collection::btree_map(key, value, 1..60), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Every key, present or not, is proven as the crate proves it.
    #[test]
    fn every_key_is_proven(batches in batches()) {
        let (tree, all, root) = grown(&batches);
        let height = batches.len() as u64 - 1;
        for key in (0u16..230).map(|k| k.to_be_bytes().to_vec()) {
            let value = all.get(&key).map(Vec::as_slice);
            let proof = prove(&tree, height, &key, value).expect("proves");
            prop_assert_eq!(verify(&root, &key, value, &proof), Ok(()));
            let expected = oracle_siblings(&tree, height, &key, value);
            prop_assert_eq!(proof.siblings, expected);
        }
    }

    /// A failing disk and a lost node are faults, wherever they strike; a value that isn't the
    /// tree's is never given a proof.
    #[test]
    fn a_damaged_tree_is_a_fault(batches in batches(), key in 0u16..230) {
        let (mut tree, all, _) = grown(&batches);
        let height = batches.len() as u64 - 1;
        let key = key.to_be_bytes().to_vec();
        let value = all.get(&key).map(Vec::as_slice);
        for wrong in [None, Some(&b"another"[..])] {
            if wrong != value {
                let refused = prove(&tree, height, &key, wrong);
                prop_assert!(matches!(refused, Err(Fault::Damaged(_))));
            }
        }

        tree.reads.set(0);
        prove(&tree, height, &key, value).expect("proves");
        let reads = tree.reads.get();
        for n in 0..reads {
            tree.reads.set(0);
            tree.fail_after = Some(n);
            let failed = prove(&tree, height, &key, value);
            prop_assert_eq!(failed, Err(Fault::Storage("the disk".into())));
        }
        tree.fail_after = None;
        let nodes: Vec<NodeKey> = tree.nodes.keys().cloned().collect();
        let mut lost = 0;
        for node in nodes {
            let kept = tree.nodes.remove(&node).expect("listed");
            match prove(&tree, height, &key, value) {
                Err(Fault::Damaged(_)) => lost += 1,
                other => prop_assert!(other.is_ok(), "{:?}", other),
            }
            tree.nodes.insert(node, kept);
        }
        prop_assert_eq!(lost, reads, "the nodes of the path, and no other");
    }
}
