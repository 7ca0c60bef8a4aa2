//! Multiproofs against single proofs, and over trees that fail or have lost nodes.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::super::test_tree::TestTree;
use super::super::{prove, update};
use super::*;
use crate::proof::multiproof;

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

fn name(number: u16) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// A tree of these values, written in two blocks.
fn grown(values: &Values) -> (TestTree, Hash) {
    let mut tree = TestTree::default();
    let mut root = [0; 32];
    let (first, second): (Values, Values) = values
        .clone()
        .into_iter()
        .partition(|(key, _)| key[1] % 2 == 0);
    let blocks = [first, second].into_iter().filter(|b| !b.is_empty());
    for (height, block) in (0..).zip(blocks) {
        let update = update(&tree, height, &block).unwrap();
        tree.nodes.extend(update.nodes);
        root = update.root;
    }
    (tree, root)
}

fn height(tree: &TestTree) -> u64 {
    tree.nodes.keys().map(NodeKey::version).max().unwrap()
}

fn asked<'a>(keys: &'a BTreeSet<Vec<u8>>, all: &'a Values) -> Vec<KeyValue<'a>> {
    let keys = keys.iter();
    keys.map(|key| (key.as_slice(), all.get(key).map(Vec::as_slice)))
        .collect()
}

fn trees() -> impl Strategy<Value = Values> {
    let value = prop::collection::vec(any::<u8>(), 0..3);
    prop::collection::btree_map((0u16..300).prop_map(name), value, 1..200)
}

fn some_keys() -> impl Strategy<Value = BTreeSet<Vec<u8>>> {
    prop::collection::btree_set((0u16..330).prop_map(name), 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Any keys, present or not, are proven together as each is alone: the same ends, and no more siblings.
    #[test]
    fn keys_are_proven_together(all in trees(), keys in some_keys()) {
        let (tree, root) = grown(&all);
        let asked = asked(&keys, &all);
        let proof = prove_all(&tree, height(&tree), &asked).expect("proves");
        prop_assert_eq!(multiproof::verify(&root, &asked, &proof), Ok(()));
        let mut by_hash: Vec<_> = asked.iter().map(|(key, value)| {
            let single = prove(&tree, height(&tree), key, *value).expect("proves");
            (hash::sha256(key), single)
        }).collect();
        by_hash.sort_by_key(|(key_hash, _)| *key_hash);
        let singles: usize = by_hash.iter().map(|(_, single)| single.siblings.len()).sum();
        prop_assert!(proof.siblings.len() <= singles);
        let alone = by_hash.into_iter().map(|(_, single)| KeyEnd {
            depth: single.siblings.len() as u32,
            other_leaf: single.other_leaf,
        });
        prop_assert_eq!(proof.ends, alone.collect::<Vec<_>>());
    }

    /// A failing disk and a lost node are faults, wherever they strike; a value that isn't the tree's is never given a
    /// proof.
    #[test]
    fn a_damaged_tree_is_a_fault(all in trees(), keys in some_keys()) {
        let (tree, _) = grown(&all);
        let height = height(&tree);
        let asked = asked(&keys, &all);
        for (number, (_, value)) in asked.iter().enumerate() {
            for wrong in [None, Some(&b"another"[..])] {
                let mut bent = asked.clone();
                bent[number].1 = wrong;
                if wrong != *value {
                    let refused = prove_all(&tree, height, &bent);
                    prop_assert!(matches!(refused, Err(Fault::Damaged(_))));
                }
            }
        }
        tree.damaged(|tree| prove_all(tree, height, &asked));
    }
}

/// Nobody's disk holds such a tree; a walk over one ends all the same.
#[test]
fn a_tree_without_end_is_a_fault() {
    struct Endless(TreeNode);
    impl TreeRead for Endless {
        fn node(&self, _: &NodeKey) -> Result<Option<TreeNode>, Fault> {
            Ok(Some(self.0.clone()))
        }
    }
    let child = Child {
        hash: [1; 32],
        version: 0,
        leaves_below: Some(2),
    };
    let children = [Some(child); super::super::node::CHILDREN];
    let inner = super::super::InnerNode::new(children);
    let endless = Endless(TreeNode::Inner(std::sync::Arc::new(inner)));
    let failed = prove_all(&endless, 0, &[(b"key", None)]);
    assert!(matches!(failed, Err(Fault::Damaged(_))), "{failed:?}");
}
