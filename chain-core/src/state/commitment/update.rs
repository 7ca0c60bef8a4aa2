//! What a block changes in the tree, all of its keys at once: each node on their ways is read, made anew and hashed
//! once, from the root down. The `jmt` crate gives the same nodes; it copies each of them several times.
//!
//! Consensus-critical: yes

use std::sync::Arc;

use super::node::{CHILDREN, Child, InnerNode, STEPS, step};
use super::{LeafNode, NodeKey, TreeNode, TreeRead, TreeUpdate};
use crate::Fault;

/// The tree of the version before with these leaves, in the order of their keys' hashes, each once. Of a tree that has
/// no version yet, `before` is none.
pub(super) fn update(
    tree: &impl TreeRead,
    before: Option<u64>,
    height: u64,
    leaves: &[LeafNode],
) -> Result<TreeUpdate, Fault> {
    let mut update = Update {
        tree,
        height,
        nodes: Vec::new(),
        stale: Vec::new(),
    };
    let root = match before {
        Some(before) => update.change(before, leaves, 0)?,
        None => update.grow(leaves, 0)?,
    };
    Ok(TreeUpdate {
        root: root.hash,
        // Level by level they are in order, so that this sorts nothing.
        nodes: update.nodes.into_iter().flatten().collect(),
        stale: update.stale,
    })
}

struct Update<'a, T> {
    tree: &'a T,
    height: u64,
    /// New nodes by their depth.
    nodes: Vec<Vec<(NodeKey, TreeNode)>>,
    stale: Vec<NodeKey>,
}

impl<T: TreeRead> Update<'_, T> {
    /// Puts leaves into the subtree that a version made.
    fn change(&mut self, version: u64, leaves: &[LeafNode], depth: usize) -> Result<Child, Fault> {
        let Some(any) = leaves.first() else {
            return Err(Fault::Invariant("a subtree changes by no leaf".into()));
        };
        let key = NodeKey::towards(version, &any.key_hash, depth);
        let missing = || Fault::Damaged(format!("the tree node {key} is missing"));
        match self.tree.node(&key)?.ok_or_else(missing)? {
            TreeNode::Null if depth == 0 => self.grow(leaves, depth),
            TreeNode::Null => Err(Fault::Damaged(format!("the tree node {key} is empty"))),
            TreeNode::Leaf(leaf) => {
                self.stale.push(key);
                self.grow_beside(&leaf, leaves, depth)
            }
            TreeNode::Inner(mut inner) => {
                self.stale.push(key);
                let mut changed = [None; CHILDREN];
                for (step, share) in shares(leaves, depth)? {
                    let below = depth.saturating_add(1);
                    let child = match inner.child(step) {
                        Some(known) => self.change(known.version, share, below)?,
                        None => self.grow(share, below)?,
                    };
                    if let Some(place) = changed.get_mut(step) {
                        *place = Some(child);
                    }
                }
                // Memory keeps the node as it was, so that this copies it once.
                Arc::make_mut(&mut inner).change(&changed);
                self.put_inner(inner, any, depth)
            }
        }
    }

    /// A subtree of these leaves where none was.
    fn grow(&mut self, leaves: &[LeafNode], depth: usize) -> Result<Child, Fault> {
        match leaves {
            [] => Err(Fault::Invariant("a subtree grows by no leaf".into())),
            [leaf] => Ok(self.put_leaf(leaf, depth)),
            [any, ..] => {
                let mut children = [None; CHILDREN];
                for (step, share) in shares(leaves, depth)? {
                    if let Some(child) = children.get_mut(step) {
                        *child = Some(self.grow(share, depth.saturating_add(1))?);
                    }
                }
                self.put_inner(Arc::new(InnerNode::new(children)), any, depth)
            }
        }
    }

    /// A subtree of these leaves where one leaf was, which may be among them with another value.
    fn grow_beside(
        &mut self,
        old: &LeafNode,
        leaves: &[LeafNode],
        depth: usize,
    ) -> Result<Child, Fault> {
        if let [leaf] = leaves
            && leaf.key_hash == old.key_hash
        {
            return Ok(self.put_leaf(leaf, depth));
        }
        let below = depth.saturating_add(1);
        let old_step = step(&old.key_hash, depth)?;
        let mut children = [None; CHILDREN];
        let mut is_alone = true;
        for (step, share) in shares(leaves, depth)? {
            let child = match step == old_step {
                true => {
                    is_alone = false;
                    self.grow_beside(old, share, below)?
                }
                false => self.grow(share, below)?,
            };
            if let Some(place) = children.get_mut(step) {
                *place = Some(child);
            }
        }
        if let Some(place) = children.get_mut(old_step).filter(|_| is_alone) {
            *place = Some(self.put_leaf(old, below));
        }
        self.put_inner(Arc::new(InnerNode::new(children)), old, depth)
    }

    fn put_leaf(&mut self, leaf: &LeafNode, depth: usize) -> Child {
        self.put(TreeNode::Leaf(*leaf), leaf, depth);
        Child {
            hash: leaf.hash(),
            version: self.height,
            leaves_below: None,
        }
    }

    /// An inner node on the way to any of its leaves.
    fn put_inner(
        &mut self,
        inner: Arc<InnerNode>,
        any: &LeafNode,
        depth: usize,
    ) -> Result<Child, Fault> {
        if inner.is_one_leaf() {
            let why = format!("a tree node at depth {depth} had nothing but one leaf");
            return Err(Fault::Damaged(why));
        }
        let child = Child {
            hash: inner.hash(),
            version: self.height,
            leaves_below: Some(inner.leaves()),
        };
        self.put(TreeNode::Inner(inner), any, depth);
        Ok(child)
    }

    fn put(&mut self, node: TreeNode, on_the_way_to: &LeafNode, depth: usize) {
        if self.nodes.len() <= depth {
            self.nodes.resize_with(depth.saturating_add(1), Vec::new);
        }
        let key = NodeKey::towards(self.height, &on_the_way_to.key_hash, depth);
        if let Some(level) = self.nodes.get_mut(depth) {
            level.push((key, node));
        }
    }
}

/// The leaves below each child of a node at a depth, with the steps to them.
fn shares(
    leaves: &[LeafNode],
    depth: usize,
) -> Result<impl Iterator<Item = (usize, &[LeafNode])>, Fault> {
    if depth >= STEPS {
        return Err(Fault::Damaged("the tree is deeper than its keys".into()));
    }
    let mut rest = leaves;
    Ok(std::iter::from_fn(move || {
        let first = step(&rest.first()?.key_hash, depth).ok()?;
        let is_below = |leaf: &LeafNode| step(&leaf.key_hash, depth).is_ok_and(|s| s <= first);
        let (share, others) = rest.split_at(rest.partition_point(is_below));
        rest = others;
        Some((first, share))
    }))
}
