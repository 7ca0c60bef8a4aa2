//! A key's path through the tree. Written here rather than taken from the `jmt` crate, whose proofs
//! panic when the disk fails or a node is missing, and read every sibling from the disk: an inner
//! node holds the hashes of its children, so the path's own nodes are enough.
//!
//! Consensus-critical: no

#![allow(
    clippy::arithmetic_side_effects,
    reason = "numbers of the sixteen children of one node, and halves of that"
)]

use borsh::BorshDeserialize;
use jmt::storage::{LeafNode, Node, NodeKey};
use touchstone_proto::node::{OtherLeaf, StateProof};

use super::TreeRead;
use crate::proof::state as proof;
use crate::{Fault, Hash, hash};

/// Nibbles of a key's hash.
const NIBBLES: usize = 64;

/// Proves that `key` has `value` (or none) at version `height`. A tree that says otherwise is
/// damaged, or the value is.
pub fn prove(
    tree: &impl TreeRead,
    height: u64,
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<StateProof, Fault> {
    let key_hash = hash::sha256(key);
    let mut siblings = Vec::new();
    let mut version = height;
    let mut path = Vec::new();
    for depth in 0..=NIBBLES {
        let node_key = NodeKey::new(version, path.iter().copied().collect());
        let node = tree
            .node(&node_key)?
            .ok_or_else(|| damaged(&node_key, "is missing"))?;
        let children = match node {
            Node::Null => return absence(key, value, siblings, None),
            Node::Leaf(leaf) => {
                let (leaf_key, leaf_value) = hashes(&leaf)?;
                if leaf_key != key_hash {
                    let other = OtherLeaf {
                        key_hash: leaf_key.to_vec(),
                        value_hash: leaf_value.to_vec(),
                    };
                    return absence(key, value, siblings, Some(other));
                }
                if value.map(hash::sha256) != Some(leaf_value) {
                    return Err(contradiction(key));
                }
                return Ok(state_proof(siblings, None));
            }
            Node::Internal(inner) => inner
                .children_sorted()
                .map(|(nibble, child)| (nibble, child.clone()))
                .collect::<Vec<_>>(),
        };
        let subtrees: Vec<Subtree> = children
            .iter()
            .map(|(nibble, child)| Subtree {
                index: nibble.as_usize(),
                hash: child.hash,
                leaf: child.is_leaf(),
            })
            .collect();
        let wanted = nibble(&key_hash, depth).ok_or_else(|| damaged(&node_key, "is too deep"))?;
        let Some(index) = descend(&subtrees, wanted, &mut siblings) else {
            return absence(key, value, siblings, None);
        };
        let (nibble, child) = children
            .into_iter()
            .find(|(nibble, _)| nibble.as_usize() == index)
            .ok_or_else(|| damaged(&node_key, "has no such child"))?;
        path.push(nibble);
        version = child.version;
    }
    Err(Fault::Damaged("the tree is deeper than its keys".into()))
}

/// A child of an inner node.
struct Subtree {
    index: usize,
    hash: Hash,
    leaf: bool,
}

/// Walks the four binary levels that one inner node stands for, towards `wanted`. Collects the
/// siblings passed; answers the child reached, which may be the only leaf of the half that `wanted`
/// lies in.
fn descend(children: &[Subtree], wanted: usize, siblings: &mut Vec<Hash>) -> Option<usize> {
    for width in [8, 4, 2, 1] {
        let start = wanted / width * width;
        siblings.push(range_hash(children, start ^ width, width));
        let ours = range(children, start, width);
        match single(&ours, width) {
            Some(only) => return Some(only.index),
            None if ours.is_empty() => return None,
            None => {}
        }
    }
    None
}

fn range(children: &[Subtree], start: usize, width: usize) -> Vec<&Subtree> {
    children
        .iter()
        .filter(|child| (start..start + width).contains(&child.index))
        .collect()
}

/// The subtree that the range is: its only leaf, or the child at its only place.
fn single<'a>(range: &[&'a Subtree], width: usize) -> Option<&'a Subtree> {
    match range {
        [only] if only.leaf || width == 1 => Some(only),
        _ => None,
    }
}

fn range_hash(children: &[Subtree], start: usize, width: usize) -> Hash {
    let range = range(children, start, width);
    match single(&range, width) {
        Some(only) => only.hash,
        None if range.is_empty() => proof::placeholder(),
        None => {
            let half = width / 2;
            proof::inner(
                &range_hash(children, start, half),
                &range_hash(children, start + half, half),
            )
        }
    }
}

fn nibble(hash: &Hash, index: usize) -> Option<usize> {
    let byte = usize::from(*hash.get(index / 2)?);
    Some(if index.is_multiple_of(2) {
        byte >> 4
    } else {
        byte & 15
    })
}

/// Key and value hash of a leaf; the crate keeps one private, so they are read through its
/// serialisation.
fn hashes(leaf: &LeafNode) -> Result<(Hash, Hash), Fault> {
    let bytes = borsh::to_vec(leaf).map_err(|e| Fault::Tree(e.to_string()))?;
    <(Hash, Hash)>::try_from_slice(&bytes).map_err(|e| Fault::Tree(e.to_string()))
}

fn absence(
    key: &[u8],
    value: Option<&[u8]>,
    siblings: Vec<Hash>,
    other: Option<OtherLeaf>,
) -> Result<StateProof, Fault> {
    match value {
        Some(_) => Err(contradiction(key)),
        None => Ok(state_proof(siblings, other)),
    }
}

fn contradiction(key: &[u8]) -> Fault {
    Fault::Damaged(format!(
        "the tree contradicts the value of state key {}",
        key.escape_ascii()
    ))
}

/// Proofs list siblings from the bottom.
fn state_proof(siblings: Vec<Hash>, other_leaf: Option<OtherLeaf>) -> StateProof {
    StateProof {
        other_leaf,
        siblings: siblings.iter().rev().map(|s| s.to_vec()).collect(),
    }
}

fn damaged(key: &NodeKey, what: &str) -> Fault {
    Fault::Damaged(format!(
        "the tree node of version {} at {:?} {what}",
        key.version(),
        key.nibble_path()
    ))
}

#[cfg(test)]
mod tests;
