//! The paths of several keys through the tree at once: each node on them is read and hashed once.
//!
//! Consensus-critical: no

use touchstone_proto::node::{KeyEnd, OtherLeaf, StateMultiproof};

use super::node::{Child, STEPS};
use super::path::{contradiction, damaged};
use super::{InnerNode, LeafNode, NodeKey, TreeNode, TreeRead};
use crate::proof::multiproof::KeyValue;
use crate::proof::state::{bit, leaf};
use crate::{Fault, Hash, hash};

/// Proves that each key has its value (or none) at version `height`. No key may stand there twice. A tree that says
/// otherwise is damaged, or a value is.
pub fn prove_all(
    tree: &impl TreeRead,
    height: u64,
    values: &[KeyValue<'_>],
) -> Result<StateMultiproof, Fault> {
    let wanted = values.iter().map(|(key, value)| Wanted {
        key,
        key_hash: hash::sha256(key),
        value_hash: value.map(hash::sha256),
    });
    let mut wanted: Vec<Wanted<'_>> = wanted.collect();
    wanted.sort_unstable_by_key(|wanted| wanted.key_hash);
    let mut walk = Walk {
        tree,
        proof: StateMultiproof::default(),
    };
    if !wanted.is_empty() {
        walk.node(&NodeKey::root(height), &wanted, 0)?;
    }
    Ok(walk.proof)
}

/// A key that is looked for.
struct Wanted<'a> {
    key: &'a [u8],
    key_hash: Hash,
    value_hash: Option<Hash>,
}

struct Walk<'a, T> {
    tree: &'a T,
    proof: StateMultiproof,
}

/// Neighbouring children of one inner node, which stand for a subtree of fewer than four levels.
struct Part<'a> {
    node: &'a NodeKey,
    inner: &'a InnerNode,
    /// Its number among the node's parts.
    number: usize,
    /// Number of the first.
    start: usize,
    children: &'a [Option<Child>],
}

impl<T: TreeRead> Walk<'_, T> {
    /// Goes on at a stored node, so many bits from the root.
    fn node(&mut self, key: &NodeKey, wanted: &[Wanted<'_>], depth: u32) -> Result<(), Fault> {
        let node = self.tree.node(key)?;
        match node.ok_or_else(|| damaged(key, "is missing"))? {
            TreeNode::Null => self.end(wanted, depth, None),
            TreeNode::Leaf(leaf) => self.end(wanted, depth, Some(&leaf)),
            TreeNode::Inner(inner) => self.turn(
                &Part {
                    node: key,
                    inner: &inner,
                    number: 1,
                    start: 0,
                    children: &inner.children,
                },
                wanted,
                depth,
            ),
        }
    }

    /// Goes on at a part of a node, which may be empty or a single child.
    fn part(&mut self, part: &Part<'_>, wanted: &[Wanted<'_>], depth: u32) -> Result<(), Fault> {
        let children = (part.start..).zip(part.children);
        let mut children = children.filter_map(|(step, child)| Some((step, child.as_ref()?)));
        match (children.next(), children.next()) {
            (None, _) => self.end(wanted, depth, None),
            (Some((step, child)), None) if part.children.len() == 1 || child.is_leaf() => {
                if let [one] = wanted
                    && child.is_leaf()
                    && one.is_leaf(child)
                {
                    // Its parent knows it: it needn't be read.
                    self.proof.ends.push(KeyEnd {
                        depth,
                        other_leaf: None,
                    });
                    return Ok(());
                }
                self.node(&part.node.child(child.version, step), wanted, depth)
            }
            _ => self.turn(part, wanted, depth),
        }
    }

    /// Goes left and right; where no key leads, there is a sibling.
    fn turn(&mut self, part: &Part<'_>, wanted: &[Wanted<'_>], depth: u32) -> Result<(), Fault> {
        if part.children.len() < 2 || depth as usize >= 4 * STEPS {
            return Err(damaged(part.node, "is deeper than its keys"));
        }
        let half = part.children.len() / 2;
        let (left, right) = part.children.split_at(half);
        let number = part.number << 1;
        let halves = [
            (number, part.start, left),
            (number | 1, part.start.saturating_add(half), right),
        ];
        let [left, right] = halves.map(|(number, start, children)| Part {
            node: part.node,
            inner: part.inner,
            number,
            start,
            children,
        });
        let turn = wanted.partition_point(|one| !bit(&one.key_hash, depth as usize));
        let (to_left, to_right) = wanted.split_at(turn);
        let below = depth.saturating_add(1);
        match (to_left, to_right) {
            ([], to_right) => {
                self.sibling(&left);
                self.part(&right, to_right, below)
            }
            (to_left, []) => {
                self.sibling(&right);
                self.part(&left, to_left, below)
            }
            (to_left, to_right) => {
                self.part(&left, to_left, below)?;
                self.part(&right, to_right, below)
            }
        }
    }

    fn sibling(&mut self, part: &Part<'_>) {
        let hash = part.inner.hash_of(part.number);
        self.proof.siblings.push(hash.to_vec());
    }

    /// All these paths end here: at a leaf, or where nothing is.
    fn end(
        &mut self,
        wanted: &[Wanted<'_>],
        depth: u32,
        found: Option<&LeafNode>,
    ) -> Result<(), Fault> {
        for one in wanted {
            let other_leaf = match (found, one.value_hash) {
                (None, None) => None,
                (Some(leaf), Some(value)) if leaf.is(&one.key_hash, &value) => None,
                (Some(leaf), None) if leaf.key_hash != one.key_hash => Some(OtherLeaf {
                    key_hash: leaf.key_hash.to_vec(),
                    value_hash: leaf.value_hash.to_vec(),
                }),
                _ => return Err(contradiction(one.key)),
            };
            self.proof.ends.push(KeyEnd { depth, other_leaf });
        }
        Ok(())
    }
}

impl Wanted<'_> {
    fn is_leaf(&self, child: &Child) -> bool {
        self.value_hash
            .is_some_and(|value| leaf(&self.key_hash, &value) == child.hash)
    }
}

impl LeafNode {
    fn is(&self, key_hash: &Hash, value_hash: &Hash) -> bool {
        (&self.key_hash, &self.value_hash) == (key_hash, value_hash)
    }
}

#[cfg(test)]
mod tests;
