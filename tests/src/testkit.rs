//! What tests of several crates share: one store and one disk in memory. The node's own tests compile
//! the same two files, since the node can't depend on what depends on it.

pub mod memory_disk;
pub mod memory_store;

#[cfg(test)]
mod tests;
