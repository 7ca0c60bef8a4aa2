//! The upper levels of the state tree, decoded. Every update walks them; without this it reads
//! them from the disk's blocks each time.
//!
//! A node never changes under its key, which names the version that made it, so a cached node is
//! right as long as it exists. The tree's shape bounds the number: sixteen to the power of a level.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use touchstone_core::Fault;
use touchstone_core::state::commitment::{NodeKey, TreeNode, TreeUpdate};

/// Nodes of the upper levels of the newest version.
#[derive(Debug)]
pub struct TreeCache {
    levels: usize,
    nodes: Mutex<HashMap<NodeKey, TreeNode>>,
}

impl TreeCache {
    /// Keeps so many levels, from the root.
    pub fn new(levels: usize) -> TreeCache {
        TreeCache {
            levels,
            nodes: Mutex::default(),
        }
    }

    /// The node, from memory or by `read`.
    pub fn node(
        &self,
        key: &NodeKey,
        read: impl FnOnce() -> Result<Option<TreeNode>, Fault>,
    ) -> Result<Option<TreeNode>, Fault> {
        if !self.keeps(key) {
            return read();
        }
        if let Some(node) = self.lock().get(key) {
            return Ok(Some(node.clone()));
        }
        let node = read()?;
        if let Some(node) = &node {
            self.lock().insert(*key, node.clone());
        }
        Ok(node)
    }

    /// The node, if it is in memory. A reader of an older version puts nothing in: it would never be taken out.
    pub fn known(&self, key: &NodeKey) -> Option<TreeNode> {
        self.keeps(key)
            .then(|| self.lock().get(key).cloned())
            .flatten()
    }

    /// Follows an update that was committed.
    pub fn update(&self, update: &TreeUpdate) {
        let mut nodes = self.lock();
        for key in &update.stale {
            nodes.remove(key);
        }
        for (key, node) in &update.nodes {
            if self.keeps(key) {
                nodes.insert(*key, node.clone());
            }
        }
    }

    fn keeps(&self, key: &NodeKey) -> bool {
        key.depth() < self.levels
    }

    /// A thread that died while it held the lock left whole nodes: each insertion is complete or
    /// absent.
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<NodeKey, TreeNode>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
