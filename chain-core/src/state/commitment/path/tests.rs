//! Proofs against those of the `jmt` crate, and over trees that fail or have lost nodes.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::jmt_tree::JmtTree;
use super::super::test_tree::TestTree;
use super::super::update;
use super::*;
use crate::proof::state::verify;

type Values = BTreeMap<Vec<u8>, Vec<u8>>;

fn grown(batches: &[Values]) -> (TestTree, Values, Hash) {
    let mut tree = TestTree::default();
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
        let (tree, all, _) = grown(&batches);
        let height = batches.len() as u64 - 1;
        let key = key.to_be_bytes().to_vec();
        let value = all.get(&key).map(Vec::as_slice);
        for wrong in [None, Some(&b"another"[..])] {
            if wrong != value {
                let refused = prove(&tree, height, &key, wrong);
                prop_assert!(matches!(refused, Err(Fault::Damaged(_))));
            }
        }
        tree.damaged(|tree| prove(tree, height, &key, value));
    }
}
