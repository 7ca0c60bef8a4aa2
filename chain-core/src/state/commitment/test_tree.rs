//! A tree in memory that counts its reads, fails after some of them, and can have lost a node.
//!
//! Consensus-critical: no

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Debug;

use super::{NodeKey, TreeNode, TreeRead};
use crate::Fault;

#[derive(Default)]
pub(super) struct TestTree {
    pub(super) nodes: BTreeMap<NodeKey, TreeNode>,
    reads: Cell<usize>,
    fail_after: Option<usize>,
}

impl TreeRead for TestTree {
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault> {
        self.reads.set(self.reads.get() + 1);
        if self.fail_after.is_some_and(|n| self.reads.get() > n) {
            return Err(Fault::Storage("the disk".into()));
        }
        Ok(self.nodes.get(key).cloned())
    }
}

impl TestTree {
    /// That a proof reads each node on its ways once and no other, and that a failing disk and a lost node are faults,
    /// wherever they strike.
    pub(super) fn damaged<P: Debug + PartialEq>(
        mut self,
        prove: impl Fn(&TestTree) -> Result<P, Fault>,
    ) {
        prove(&self).expect("proves");
        let reads = self.reads.replace(0);
        for n in 0..reads {
            self.fail_after = Some(n);
            let failed = prove(&self);
            assert_eq!(failed, Err(Fault::Storage("the disk".into())));
            self.reads.set(0);
        }
        self.fail_after = None;
        let keys: Vec<NodeKey> = self.nodes.keys().copied().collect();
        let mut lost = 0;
        for key in keys {
            let kept = self.nodes.remove(&key).expect("listed");
            match prove(&self) {
                Err(Fault::Damaged(_)) => lost += 1,
                other => assert!(other.is_ok(), "{other:?}"),
            }
            self.nodes.insert(key, kept);
        }
        assert_eq!(lost, reads);
    }
}
