//! The `jmt` crate's own tree over our nodes, to compare with. Nodes go from one to the other by their bytes.
//!
//! Consensus-critical: no

use std::collections::{BTreeMap, BTreeSet};

use borsh::BorshDeserialize;
use jmt::storage::{LeafNode, Node, NodeKey, TreeReader};
use jmt::{JellyfishMerkleTree, KeyHash, OwnedValue, RootHash, SimpleHasher, Version};
use sha2::Digest;

use super::TreeNode;
use crate::hash::{self, Hash};
use crate::proof::state as proof;

type Proof = jmt::proof::SparseMerkleProof<Sha256>;

/// SHA-256, as the crate wants it.
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

/// Bytes of nodes by those of their keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JmtTree {
    pub(super) nodes: BTreeMap<Vec<u8>, Vec<u8>>,
}

/// What the crate changes: the root, new nodes, and the keys of stale ones.
pub(super) type JmtUpdate = (Hash, BTreeMap<Vec<u8>, Vec<u8>>, BTreeSet<Vec<u8>>);

impl JmtTree {
    pub(super) fn of<'a>(
        nodes: impl IntoIterator<Item = (&'a super::NodeKey, &'a TreeNode)>,
    ) -> JmtTree {
        let nodes = nodes.into_iter();
        JmtTree {
            nodes: nodes
                .map(|(key, node)| (key.encode(), node.encode()))
                .collect(),
        }
    }

    /// The crate's update of the version before.
    pub(super) fn update(&self, height: u64, values: &BTreeMap<Vec<u8>, Vec<u8>>) -> JmtUpdate {
        let set = values
            .iter()
            .map(|(k, v)| (KeyHash(hash::sha256(k)), v.clone()));
        let reader = Reader {
            tree: self,
            value: None,
        };
        let (roots, batch) = JellyfishMerkleTree::<_, Sha256>::new(&reader)
            .batch_put_value_sets(vec![set.collect()], None, height)
            .unwrap();
        let nodes = batch.node_batch.nodes().iter();
        let nodes = nodes.map(|(k, n)| (borsh::to_vec(k).unwrap(), borsh::to_vec(n).unwrap()));
        let stale = batch.stale_node_index_batch.iter();
        let stale = stale.map(|index| borsh::to_vec(&index.node_key).unwrap());
        (roots[0].0, nodes.collect(), stale.collect())
    }

    /// The crate's own proof, checked by its own verifier; and the siblings in it, from the leaf up.
    pub(super) fn prove(
        &self,
        version: u64,
        root: Hash,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Vec<Vec<u8>> {
        let reader = Reader { tree: self, value };
        let key_hash = KeyHash(hash::sha256(key));
        let (found, path): (_, Proof) = JellyfishMerkleTree::<_, Sha256>::new(&reader)
            .get_with_proof(key_hash, version)
            .unwrap();
        assert_eq!(found.as_deref(), value);
        path.verify(RootHash(root), key_hash, value).unwrap();
        let bytes = borsh::to_vec(&path).unwrap();
        let path = Path::try_from_slice(&bytes).unwrap();
        path.siblings
            .iter()
            .map(|node| match node {
                Sibling::Null => proof::placeholder().to_vec(),
                Sibling::Internal(left, right) => proof::inner(left, right).to_vec(),
                Sibling::Leaf(key, value) => proof::leaf(key, value).to_vec(),
            })
            .collect()
    }
}

/// The crate's proof, whose siblings it keeps private, read through its serialisation.
#[derive(BorshDeserialize)]
struct Path {
    _leaf: Option<(Hash, Hash)>,
    siblings: Vec<Sibling>,
}

#[derive(BorshDeserialize)]
enum Sibling {
    Null,
    Internal(Hash, Hash),
    Leaf(Hash, Hash),
}

struct Reader<'a> {
    tree: &'a JmtTree,
    value: Option<&'a [u8]>,
}

impl TreeReader for Reader<'_> {
    fn get_node_option(&self, key: &NodeKey) -> anyhow::Result<Option<Node>> {
        let bytes = self.tree.nodes.get(&borsh::to_vec(key)?);
        Ok(bytes.map(|bytes| Node::try_from_slice(bytes)).transpose()?)
    }
    fn get_value_option(&self, _: Version, _: KeyHash) -> anyhow::Result<Option<OwnedValue>> {
        Ok(self.value.map(<[u8]>::to_vec))
    }
    fn get_rightmost_leaf(&self) -> anyhow::Result<Option<(NodeKey, LeafNode)>> {
        Ok(None)
    }
}
