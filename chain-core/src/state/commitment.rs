//! The authenticated tree over the state: the Jellyfish Merkle tree of the `jmt` crate, with
//! versions that are block heights. One proof mechanism serves every kind of record.
//!
//! Consensus-critical: yes

mod path;

use std::collections::BTreeMap;

use borsh::BorshDeserialize;
use jmt::storage::TreeReader;
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, SimpleHasher, Version};
use sha2::Digest;

use crate::{Fault, Hash, hash};

pub use jmt::storage::{LeafNode, Node, NodeKey};
pub use path::prove;

/// Reading nodes of the tree. Two implementations: the disk, and the simulator's memory.
pub trait TreeRead {
    /// The node with this key.
    fn node(&self, key: &NodeKey) -> Result<Option<Node>, Fault>;
}

/// What a block changes in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeUpdate {
    /// The root after the block.
    pub root: Hash,
    /// New nodes.
    pub nodes: BTreeMap<NodeKey, Node>,
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
    let set: Vec<(KeyHash, OwnedValue)> = values
        .iter()
        .map(|(k, v)| (KeyHash(hash::sha256(k)), v.clone()))
        .collect();
    let reader = Reader { tree };
    let (roots, batch) = JellyfishMerkleTree::<_, Sha256>::new(&reader)
        .batch_put_value_sets(vec![set], None, height)
        .map_err(tree_fault)?;
    let root = roots.first().ok_or_else(|| Fault::Tree("no root".into()))?;
    Ok(TreeUpdate {
        root: root.0,
        nodes: batch.node_batch.nodes().clone(),
        stale: batch
            .stale_node_index_batch
            .into_iter()
            .filter(|index| !batch.node_batch.nodes().contains_key(&index.node_key))
            .map(|index| index.node_key)
            .collect(),
    })
}

/// Bytes of a node key, as stored.
pub fn encode_node_key(key: &NodeKey) -> Result<Vec<u8>, Fault> {
    borsh::to_vec(key).map_err(|e| Fault::Tree(e.to_string()))
}

/// Bytes of a node, as stored.
pub fn encode_node(node: &Node) -> Result<Vec<u8>, Fault> {
    borsh::to_vec(node).map_err(|e| Fault::Tree(e.to_string()))
}

/// A stored node.
pub fn decode_node(bytes: &[u8]) -> Result<Node, Fault> {
    Node::try_from_slice(bytes).map_err(|e| Fault::Damaged(format!("tree node: {e}")))
}

fn tree_fault(error: anyhow::Error) -> Fault {
    match error.downcast::<Fault>() {
        Ok(fault) => fault,
        Err(other) => Fault::Tree(format!("{other:#}")),
    }
}

/// SHA-256 for the tree.
struct Sha256(sha2::Sha256);

impl SimpleHasher for Sha256 {
    fn new() -> Self {
        Sha256(sha2::Sha256::new())
    }
    fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
    fn finalize(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

/// The crate's view of our tree. An update never asks for values.
struct Reader<'a, T> {
    tree: &'a T,
}

impl<T: TreeRead> TreeReader for Reader<'_, T> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.tree.node(key)?)
    }
    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Err(anyhow::anyhow!("an update needs no values"))
    }
    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Err(anyhow::anyhow!("the tree is never restored from parts"))
    }
}

#[cfg(test)]
mod tests;
