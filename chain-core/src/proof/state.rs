//! Proofs about one key of the state: it has this value, or it has none.
//!
//! The state is a Jellyfish Merkle tree (Diem, "Jellyfish Merkle Tree", 2021), which is a sparse
//! Merkle tree over SHA-256 of the key: leaf `SHA-256("JMT::LeafNode" ‖ key hash ‖ value hash)`,
//! inner node `SHA-256("JMT::IntrnalNode" ‖ left ‖ right)`, empty subtree
//! `"SPARSE_MERKLE_PLACEHOLDER_HASH__"`, and a subtree with one leaf is that leaf.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::node::{OtherLeaf, StateProof, StateReply};

use crate::encoding::{self, Malformed};
use crate::hash::{self, Hash};

const PLACEHOLDER: &Hash = b"SPARSE_MERKLE_PLACEHOLDER_HASH__";

/// Why a state proof fails.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// A field of the wrong shape.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// No proof in the answer.
    #[error("the answer carries no proof")]
    Missing,
    /// The answer is about another key.
    #[error("the answer is about another key")]
    Key,
    /// A path longer than the key.
    #[error("the path has {0} siblings; 256 is the most")]
    TooLong(usize),
    /// A value and another leaf at once.
    #[error("a proof of inclusion names no other leaf")]
    Ambiguous,
    /// An absence proof by the key's own leaf.
    #[error("the proof of absence names the key itself")]
    Present,
    /// An absence proof by a leaf of another subtree.
    #[error("the proof of absence names a leaf of another subtree")]
    OtherSubtree,
    /// The path leads to another root.
    #[error("the path doesn't lead to the header's state root")]
    Root,
}

/// Checks that under `root`, `key` has `value`, or is absent where `value` is `None`.
pub fn verify(
    root: &Hash,
    key: &[u8],
    value: Option<&[u8]>,
    proof: &StateProof,
) -> Result<(), StateError> {
    let key_hash = hash::sha256(key);
    let depth = proof.siblings.len();
    let other_leaf = proof.other_leaf.as_ref();
    let mut node = path_end(&key_hash, value, other_leaf, depth)?;
    let depths = (0..proof.siblings.len()).rev();
    for (sibling, depth) in proof.siblings.iter().zip(depths) {
        let sibling: Hash = encoding::exact("sibling", sibling)?;
        node = if bit(&key_hash, depth) {
            inner(&sibling, &node)
        } else {
            inner(&node, &sibling)
        };
    }
    if node != *root {
        return Err(StateError::Root);
    }
    Ok(())
}

/// The node in which a key's path ends after so many steps.
pub(super) fn path_end(
    key_hash: &Hash,
    value: Option<&[u8]>,
    other_leaf: Option<&OtherLeaf>,
    depth: usize,
) -> Result<Hash, StateError> {
    if depth > 256 {
        return Err(StateError::TooLong(depth));
    }
    match (value, other_leaf) {
        (Some(value), None) => Ok(leaf(key_hash, &hash::sha256(value))),
        (Some(_), Some(_)) => Err(StateError::Ambiguous),
        (None, None) => Ok(*PLACEHOLDER),
        (None, Some(other)) => {
            let other_key: Hash = encoding::exact("key_hash", &other.key_hash)?;
            let other_value: Hash = encoding::exact("value_hash", &other.value_hash)?;
            if other_key == *key_hash {
                return Err(StateError::Present);
            }
            if common_prefix_bits(key_hash, &other_key) < depth {
                return Err(StateError::OtherSubtree);
            }
            Ok(leaf(&other_key, &other_value))
        }
    }
}

/// Checks an answer about `key` under a state root that the caller has verified; gives the value.
pub fn verify_reply<'a>(
    root: &Hash,
    key: &[u8],
    reply: &'a StateReply,
) -> Result<Option<&'a [u8]>, StateError> {
    if reply.key != key {
        return Err(StateError::Key);
    }
    let proof = reply.proof.as_ref().ok_or(StateError::Missing)?;
    verify(root, key, reply.value.as_deref(), proof)?;
    Ok(reply.value.as_deref())
}

pub(crate) fn leaf(key_hash: &Hash, value_hash: &Hash) -> Hash {
    hash::concatenated(&[b"JMT::LeafNode", key_hash, value_hash])
}

pub(crate) fn inner(left: &Hash, right: &Hash) -> Hash {
    hash::concatenated(&[b"JMT::IntrnalNode", left, right])
}

pub(crate) fn placeholder() -> Hash {
    *PLACEHOLDER
}

pub(crate) fn bit(hash: &Hash, index: usize) -> bool {
    hash.get(index / 8)
        .is_some_and(|byte| byte.rotate_left(index as u32 % 8) & 0x80 != 0)
}

fn common_prefix_bits(a: &Hash, b: &Hash) -> usize {
    (0..256).take_while(|i| bit(a, *i) == bit(b, *i)).count()
}

#[cfg(test)]
mod tests;
