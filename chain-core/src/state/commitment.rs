//! The authenticated tree over the state: the Jellyfish Merkle tree of the `jmt` crate, with
//! versions that are block heights. One proof mechanism serves every kind of record.

use std::cell::RefCell;
use std::collections::BTreeMap;

use borsh::BorshDeserialize;
use jmt::storage::TreeReader;
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, SimpleHasher, ValueHash, Version};
use sha2::Digest;
use touchstone_proto::node::{OtherLeaf, StateProof};

use crate::proof::state as proof;
use crate::{Fault, Hash, hash};

pub use jmt::storage::{LeafNode, Node, NodeKey};

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
    let reader = Reader { tree, value: None };
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

/// Proves that `key` has `value` (or none) at version `height`.
pub fn prove(
    tree: &impl TreeRead,
    height: u64,
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<StateProof, Fault> {
    let key_hash = KeyHash(hash::sha256(key));
    let reader = ProofReader {
        reader: Reader { tree, value },
        fault: RefCell::new(None),
    };
    let answer = JellyfishMerkleTree::<_, Sha256>::new(&reader).get_with_proof(key_hash, height);
    if let Some(fault) = reader.fault.into_inner() {
        return Err(fault);
    }
    let (_, path) = answer.map_err(tree_fault)?;
    let bytes = borsh::to_vec(&path).map_err(|e| Fault::Tree(e.to_string()))?;
    let path = Path::try_from_slice(&bytes).map_err(|e| Fault::Tree(e.to_string()))?;
    let other_leaf = path
        .leaf
        .filter(|leaf| leaf.key_hash != key_hash.0)
        .map(|leaf| OtherLeaf {
            key_hash: leaf.key_hash.to_vec(),
            value_hash: leaf.value_hash.to_vec(),
        });
    let siblings = path
        .siblings
        .iter()
        .map(|node| node.hash().to_vec())
        .collect();
    Ok(StateProof {
        other_leaf,
        siblings,
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

/// The crate's view of our tree. It asks for the value only of the key being proven.
struct Reader<'a, T> {
    tree: &'a T,
    value: Option<&'a [u8]>,
}

impl<T: TreeRead> TreeReader for Reader<'_, T> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        Ok(self.tree.node(key)?)
    }
    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.value.map(<[u8]>::to_vec))
    }
    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Err(anyhow::anyhow!("the tree is never restored from parts"))
    }
}

/// The crate panics where a sibling's node is missing or unreadable. It gets a leaf in its place,
/// and what it makes of it is thrown away for the fault.
struct ProofReader<'a, T> {
    reader: Reader<'a, T>,
    fault: RefCell<Option<Fault>>,
}

impl<T: TreeRead> TreeReader for ProofReader<'_, T> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let fault = match self.reader.tree.node(key) {
            Ok(Some(node)) => return Ok(Some(node)),
            Ok(None) => Fault::Tree(format!("no node {key:?}")),
            Err(fault) => fault,
        };
        self.fault.borrow_mut().get_or_insert(fault);
        let nowhere = LeafNode::new(KeyHash([0; 32]), ValueHash([0; 32]));
        Ok(Some(Node::Leaf(nowhere)))
    }
    fn get_value_option(
        &self,
        version: Version,
        key: KeyHash,
    ) -> anyhow::Result<Option<OwnedValue>> {
        self.reader.get_value_option(version, key)
    }
    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        self.reader.get_rightmost_leaf()
    }
}

/// The crate's proof, whose siblings it keeps private, read through its serialisation.
#[derive(BorshDeserialize)]
struct Path {
    leaf: Option<PathLeaf>,
    siblings: Vec<PathNode>,
}

#[derive(BorshDeserialize)]
struct PathLeaf {
    key_hash: Hash,
    value_hash: Hash,
}

#[derive(BorshDeserialize)]
enum PathNode {
    Null,
    Internal { left: Hash, right: Hash },
    Leaf { key_hash: Hash, value_hash: Hash },
}

impl PathNode {
    fn hash(&self) -> Hash {
        match self {
            PathNode::Null => proof::placeholder(),
            PathNode::Internal { left, right } => proof::inner(left, right),
            PathNode::Leaf {
                key_hash,
                value_hash,
            } => proof::leaf(key_hash, value_hash),
        }
    }
}

#[cfg(test)]
mod tests;
