//! A key's path through the tree. Written here rather than taken from the `jmt` crate, whose proofs
//! panic when the disk fails or a node is missing, and read every sibling from the disk: an inner
//! node holds the hashes of its children, so the path's own nodes are enough.
//!
//! Consensus-critical: no

#![allow(
    clippy::arithmetic_side_effects,
    reason = "numbers of the sixteen children of one node"
)]

use touchstone_proto::node::{OtherLeaf, StateProof};

use super::node::{Child, STEPS, step};
use super::{InnerNode, NodeKey, TreeNode, TreeRead};
use crate::proof::state::leaf;
use crate::{Fault, Hash, hash};

/// Proves that `key` has `value` (or none) at version `height`. A tree that says otherwise is
/// damaged, or the value is.
pub fn prove(
    tree: &impl TreeRead,
    height: u64,
    key: &[u8],
    value: Option<&[u8]>,
) -> Result<StateProof, Fault> {
    let key_hash = hash::sha256(key);
    let value_hash = value.map(hash::sha256);
    let own_leaf = value_hash.map(|value_hash| leaf(&key_hash, &value_hash));
    let mut siblings = Vec::new();
    let mut node_key = NodeKey::root(height);
    for depth in 0..=STEPS {
        let node = tree
            .node(&node_key)?
            .ok_or_else(|| damaged(&node_key, "is missing"))?;
        let inner = match node {
            TreeNode::Null => return absence(key, value, siblings, None),
            TreeNode::Leaf(leaf) => {
                if leaf.key_hash != key_hash {
                    let other = OtherLeaf {
                        key_hash: leaf.key_hash.to_vec(),
                        value_hash: leaf.value_hash.to_vec(),
                    };
                    return absence(key, value, siblings, Some(other));
                }
                if value_hash != Some(leaf.value_hash) {
                    return Err(contradiction(key));
                }
                return Ok(state_proof(siblings, None));
            }
            TreeNode::Inner(inner) => inner,
        };
        let wanted = step(&key_hash, depth)?;
        let Some((step, child)) = descend(&inner, wanted, &mut siblings) else {
            return absence(key, value, siblings, None);
        };
        if child.is_leaf() && own_leaf == Some(child.hash) {
            // Its parent knows it: it needn't be read.
            return Ok(state_proof(siblings, None));
        }
        node_key = node_key.child(child.version, step);
    }
    Err(Fault::Damaged("the tree is deeper than its keys".into()))
}

/// Walks the four binary levels that one inner node stands for, towards `wanted`. Collects the
/// siblings passed; answers the child reached with the step to it, which may be the only leaf of the half that `wanted`
/// lies in.
fn descend<'a>(
    inner: &'a InnerNode,
    wanted: usize,
    siblings: &mut Vec<Hash>,
) -> Option<(usize, &'a Child)> {
    let mut half: &[Option<Child>] = &inner.children;
    let mut start = 0;
    let mut number = 1;
    for width in [8, 4, 2, 1] {
        let (left, right) = half.split_at(width);
        let is_left = wanted & width == 0;
        half = if is_left { left } else { right };
        start += if is_left { 0 } else { width };
        number = 2 * number + usize::from(!is_left);
        siblings.push(inner.hash_of(number ^ 1));
        let children = (start..).zip(half);
        let mut children = children.filter_map(|(step, child)| Some((step, child.as_ref()?)));
        match (children.next(), children.next()) {
            (None, _) => return None,
            (Some(only), None) if width == 1 || only.1.is_leaf() => return Some(only),
            _ => {}
        }
    }
    None
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

pub(super) fn contradiction(key: &[u8]) -> Fault {
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

pub(super) fn damaged(key: &NodeKey, what: &str) -> Fault {
    Fault::Damaged(format!("the tree node {key} {what}"))
}

#[cfg(test)]
mod tests;
