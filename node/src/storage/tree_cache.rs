//! The upper levels of the state tree, decoded. Every update walks them; without this it reads
//! them from the disk's blocks each time.
//!
//! A node never changes under its key, which names the version that made it. As on disk, a new version's node takes the
//! place of the one before, so that there is one for each place. The tree's shape bounds the number: sixteen to the
//! power of a level.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use foldhash::fast::RandomState;
use touchstone_core::Fault;
use touchstone_core::state::commitment::{NodeKey, TreeNode, TreeUpdate};

/// Nodes of the upper levels of the newest version.
#[derive(Debug)]
pub struct TreeCache {
    levels: usize,
    nodes: Mutex<Nodes>,
}

/// Nodes by their places, each with the version that made it.
type Nodes = HashMap<NodeKey, (u64, TreeNode), RandomState>;

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
        if let Some(node) = self.known(key) {
            return Ok(Some(node));
        }
        let node = read()?;
        if let Some(node) = &node {
            let made = (key.version(), node.clone());
            self.lock().insert(key.unversioned(), made);
        }
        Ok(node)
    }

    /// The node, if it is in memory. A reader of an older version puts nothing in: it would never be taken out.
    pub fn known(&self, key: &NodeKey) -> Option<TreeNode> {
        if !self.keeps(key) {
            return None;
        }
        let nodes = self.lock();
        let (version, node) = nodes.get(&key.unversioned())?;
        (*version == key.version()).then(|| node.clone())
    }

    /// Follows an update that was committed.
    pub fn update(&self, update: &TreeUpdate) {
        let mut nodes = self.lock();
        for (key, node) in &update.nodes {
            if self.keeps(key) {
                nodes.insert(key.unversioned(), (key.version(), node.clone()));
            }
        }
    }

    fn keeps(&self, key: &NodeKey) -> bool {
        key.depth() < self.levels
    }

    /// A thread that died while it held the lock left whole nodes: each insertion is complete or
    /// absent.
    fn lock(&self) -> std::sync::MutexGuard<'_, Nodes> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
