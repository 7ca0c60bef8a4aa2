//! The tree over a block's envelopes: `tree` with its own tags; the tree over no
//! transactions has a root of its own.
//!
//! Consensus-critical: yes

use thiserror::Error;

use super::tree::{self, Kind};
use crate::hash::{self, Hash, tag};

struct Transactions;

impl Kind for Transactions {
    const NODE: &'static str = tag::TRANSACTION_NODE;
}

/// Why an inclusion proof fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InclusionError {
    /// The index is not below the count.
    #[error("index {index} is outside a block of {count} transactions")]
    Index {
        /// Index claimed.
        index: u32,
        /// Transactions in the header.
        count: u64,
    },
    /// Another number of siblings than a leaf at this place has.
    #[error("the path has {found} siblings, a leaf there has {expected}")]
    PathLength {
        /// Siblings that belong there.
        expected: usize,
        /// Siblings found.
        found: usize,
    },
    /// The path leads to another root.
    #[error("the path doesn't lead to the header's transaction root")]
    Root,
}

/// The root over exact envelope bytes.
pub fn root(transactions: &[impl AsRef<[u8]>]) -> Hash {
    root_of_leaves(&leaves(transactions))
}

/// The root over envelopes that have been hashed, each by [`leaf`].
pub fn root_of_leaves(leaves: &[Hash]) -> Hash {
    tree::root::<Transactions>(leaves).unwrap_or_else(|| hash::tagged(tag::TRANSACTION_EMPTY, &[]))
}

/// The siblings of the leaf at `index`, bottom up; `None` outside the block.
pub fn prove(transactions: &[impl AsRef<[u8]>], index: u32) -> Option<Vec<Hash>> {
    if index as usize >= transactions.len() {
        return None;
    }
    tree::prove::<Transactions>(&leaves(transactions), index)
}

/// Checks that `envelope` is transaction `index` of the `count` under `root`.
pub fn verify(
    root: &Hash,
    count: u64,
    index: u32,
    envelope: &[u8],
    siblings: &[Hash],
) -> Result<(), InclusionError> {
    let place = u64::from(index);
    let expected = tree::depth(count, place).ok_or(InclusionError::Index { index, count })?;
    if siblings.len() != expected {
        return Err(InclusionError::PathLength {
            expected,
            found: siblings.len(),
        });
    }
    if tree::root_from_path::<Transactions>(count, place, leaf(envelope), siblings) != *root {
        return Err(InclusionError::Root);
    }
    Ok(())
}

fn leaves(transactions: &[impl AsRef<[u8]>]) -> Vec<Hash> {
    transactions.iter().map(|t| leaf(t.as_ref())).collect()
}

/// The leaf of an envelope: the hash of its exact bytes.
pub fn leaf(envelope: &[u8]) -> Hash {
    hash::tagged(tag::TRANSACTION_LEAF, &[envelope])
}

#[cfg(test)]
mod tests;
