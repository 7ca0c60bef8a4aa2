//! A cached tree against one without a cache.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::prelude::*;
use touchstone_core::state::commitment::{self, TreeRead};

use super::*;

/// A tree in memory behind a cache; counts the nodes that the cache doesn't have.
struct Cached {
    cache: TreeCache,
    nodes: BTreeMap<NodeKey, TreeNode>,
    reads: RefCell<usize>,
}

impl TreeRead for Cached {
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        self.cache.node(key, || {
            *self.reads.borrow_mut() += 1;
            Ok(self.nodes.get(key).cloned())
        })
    }
}

fn apply(tree: &mut Cached, height: u64, values: &BTreeMap<Vec<u8>, Vec<u8>>) -> [u8; 32] {
    let update = commitment::update(tree, height, values).expect("updates");
    for key in &update.stale {
        tree.nodes.remove(key);
    }
    tree.nodes.extend(update.nodes.clone());
    tree.cache.update(&update);
    update.root
}

fn cached(levels: usize) -> Cached {
    Cached {
        cache: TreeCache::new(levels),
        nodes: BTreeMap::new(),
        reads: RefCell::default(),
    }
}

fn batches() -> impl Strategy<Value = Vec<BTreeMap<Vec<u8>, Vec<u8>>>> {
    let key = (0u16..400).prop_map(|k| k.to_be_bytes().to_vec());
    let value = prop::collection::vec(any::<u8>(), 0..4);
    prop::collection::vec(prop::collection::btree_map(key, value, 1..40), 1..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is written, a tree has the same roots with any number of cached levels, and the
    /// cache holds no node that the tree doesn't.
    #[test]
    fn a_cached_tree_has_the_same_roots(batches in batches(), levels in 1usize..7) {
        let (mut plain, mut tree) = (cached(0), cached(levels));
        for (height, values) in (0u64..).zip(&batches) {
            prop_assert_eq!(
                apply(&mut plain, height, values),
                apply(&mut tree, height, values)
            );
            let kept = tree.cache.lock();
            for (key, node) in tree.nodes.iter().filter(|(key, _)| key.depth() < levels) {
                let made = (key.version(), node.clone());
                prop_assert_eq!(kept.get(&key.unversioned()), Some(&made));
            }
            let upper = tree.nodes.keys().filter(|key| key.depth() < levels);
            prop_assert_eq!(kept.len(), upper.count(), "and nothing else");
            drop(kept);
        }
    }
}

/// With all its levels cached, a tree that grew here is never read from below.
#[test]
fn the_upper_levels_are_not_read_again() {
    let reads = |levels| {
        let mut tree = cached(levels);
        for height in 0..50u64 {
            let values = (0..20u64)
                .map(|i| ((height * 7 + i).to_be_bytes().to_vec(), vec![1]))
                .collect();
            apply(&mut tree, height, &values);
        }
        tree.reads.into_inner()
    };
    assert!(reads(0) > 500);
    assert!(reads(64) <= 1, "at most the empty tree's root");
}
