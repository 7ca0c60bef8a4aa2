//! The authenticated tree over the state: a Jellyfish Merkle tree, as that of the `jmt` crate, with
//! versions that are block heights. One proof mechanism serves every kind of record.
//!
//! Consensus-critical: yes

mod node;
mod path;
mod paths;
mod update;

use std::collections::BTreeMap;

use crate::{Fault, Hash, hash};

pub use node::{InnerNode, LeafNode, NodeKey, TreeNode};
pub use path::prove;
pub use paths::prove_all;

/// Reading nodes of the tree. Two implementations: the disk, and the simulator's memory.
pub trait TreeRead {
    /// The node with this key.
    fn node(&self, key: &NodeKey) -> Result<Option<TreeNode>, Fault>;
}

/// What a block changes in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeUpdate {
    /// The root after the block.
    pub root: Hash,
    /// New nodes.
    pub nodes: BTreeMap<NodeKey, TreeNode>,
    /// Nodes that only the version before needs.
    pub stale: Vec<NodeKey>,
}

/// The tree after writing `values` as version `height` over version `height - 1`.
/// `values` must not be empty; at height 0 the tree before is empty.
pub fn update(
    tree: &impl TreeRead,
    height: u64,
    values: &BTreeMap<Vec<u8>, Vec<u8>>,
) -> Result<TreeUpdate, Fault> {
    if values.is_empty() {
        return Err(Fault::Tree("a block without any write".into()));
    }
    let leaf = |(key, value): (&Vec<u8>, &Vec<u8>)| LeafNode {
        key_hash: hash::sha256(key),
        value_hash: hash::sha256(value),
    };
    let mut leaves: Vec<LeafNode> = values.iter().map(leaf).collect();
    leaves.sort_unstable();
    update::update(tree, height.checked_sub(1), height, &leaves)
}

#[cfg(test)]
mod jmt_tree;
#[cfg(test)]
mod test_tree;
#[cfg(test)]
mod tests;
