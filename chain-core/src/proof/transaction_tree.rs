//! The tree over a block's envelopes: merkle-cbt's complete binary tree, wholly wrapped.
//!
//! The crate alone takes inner nodes for leaves, has an all-zero empty root and trusts the
//! proof's indices. Here leaves and nodes have their own tags, the root binds the count, the
//! empty tree has a root of its own, and the verifier computes each index itself.
//!
//! Shape: with n leaves, the tree is an array of 2n-1 nodes, leaf i at n-1+i, node k's children
//! at 2k+1 and 2k+2, its root at 0. The block's root is `H(node, count ‖ root)` with the count as
//! 8 bytes big-endian.

use merkle_cbt::CBMT;
use merkle_cbt::merkle_tree::Merge;
use thiserror::Error;

use crate::hash::{self, Hash, tag};

struct MergeNodes;

impl Merge for MergeNodes {
    type Item = Hash;
    fn merge(left: &Hash, right: &Hash) -> Hash {
        hash::tagged(tag::TRANSACTION_NODE, &[left, right])
    }
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
    let leaves: Vec<Hash> = transactions.iter().map(|t| leaf(t.as_ref())).collect();
    if leaves.is_empty() {
        return hash::tagged(tag::TRANSACTION_EMPTY, &[]);
    }
    bind(
        leaves.len() as u64,
        &CBMT::<Hash, MergeNodes>::build_merkle_tree(&leaves).root(),
    )
}

/// The siblings of the leaf at `index`, bottom up; `None` outside the block.
pub fn prove(transactions: &[impl AsRef<[u8]>], index: u32) -> Option<Vec<Hash>> {
    if index as usize >= transactions.len() {
        return None;
    }
    let leaves: Vec<Hash> = transactions.iter().map(|t| leaf(t.as_ref())).collect();
    let proof = CBMT::<Hash, MergeNodes>::build_merkle_tree(&leaves).build_proof(&[index])?;
    Some(proof.lemmas().to_vec())
}

/// Checks that `envelope` is transaction `index` of the `count` under `root`.
pub fn verify(
    root: &Hash,
    count: u64,
    index: u32,
    envelope: &[u8],
    siblings: &[Hash],
) -> Result<(), InclusionError> {
    if u64::from(index) >= count {
        return Err(InclusionError::Index { index, count });
    }
    // Wide enough for any count that a header can claim.
    let mut place = u128::from(count) - 1 + u128::from(index);
    let expected = depth(place);
    if siblings.len() != expected {
        return Err(InclusionError::PathLength {
            expected,
            found: siblings.len(),
        });
    }
    let mut node = leaf(envelope);
    for sibling in siblings {
        node = if place % 2 == 1 {
            MergeNodes::merge(&node, sibling)
        } else {
            MergeNodes::merge(sibling, &node)
        };
        place = (place - 1) / 2;
    }
    if bind(count, &node) != *root {
        return Err(InclusionError::Root);
    }
    Ok(())
}

fn leaf(envelope: &[u8]) -> Hash {
    hash::tagged(tag::TRANSACTION_LEAF, &[envelope])
}

fn bind(count: u64, root: &Hash) -> Hash {
    hash::tagged(tag::TRANSACTION_NODE, &[&count.to_be_bytes(), root])
}

fn depth(mut place: u128) -> usize {
    let mut depth = 0;
    while place > 0 {
        place = (place - 1) / 2;
        depth += 1;
    }
    depth
}

#[cfg(test)]
mod tests;
