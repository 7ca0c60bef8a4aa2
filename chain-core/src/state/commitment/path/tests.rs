//! Proofs against those of the `jmt` crate, and over trees that fail or have lost nodes.

use std::cell::Cell;
use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::jmt_tree::JmtTree;
use super::super::update;
use super::*;
use crate::proof::state::verify;

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

/// A tree in memory that fails after some reads, and can have lost a node.
#[derive(Default)]
struct Tree {
    nodes: BTreeMap<NodeKey, TreeNode>,
    reads: Cell<usize>,
    fail_after: Option<usize>,
}

impl TreeRead for Tree {
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
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
        let jmt = JmtTree::of(&tree.nodes);
        for key in (0u16..230).map(|k| k.to_be_bytes().to_vec()) {
            let value = all.get(&key).map(Vec::as_slice);
            let proof = prove(&tree, height, &key, value).expect("proves");
            prop_assert_eq!(verify(&root, &key, value, &proof), Ok(()));
            let expected = jmt.prove(height, root, &key, value);
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
