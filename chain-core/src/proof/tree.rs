//! merkle-cbt's complete binary tree, wholly wrapped, for the trees over transactions and blocks.
//!
//! The crate alone takes inner nodes for leaves, has an all-zero empty root and trusts the
//! proof's indices. Here each kind of tree has a tag for its nodes, its caller tags the leaves, the root
//! binds the count, and the verifier computes each index itself.
//!
//! Shape: with n leaves, the tree is an array of 2n-1 nodes, leaf i at n-1+i, node k's children
//! at 2k+1 and 2k+2, its inner root at 0. The root is `H(node, count ‖ inner root)` with the count as
//! 8 bytes big-endian.
//!
//! Consensus-critical: yes

use std::marker::PhantomData;

use merkle_cbt::CBMT;
use merkle_cbt::merkle_tree::Merge;

use crate::hash::{self, Hash};

/// What a tree is over.
pub(super) trait Kind {
    /// The tag of its inner nodes.
    const NODE: &'static str;
}

struct Nodes<K>(PhantomData<K>);

impl<K: Kind> Merge for Nodes<K> {
    type Item = Hash;
    fn merge(left: &Hash, right: &Hash) -> Hash {
        hash::tagged(K::NODE, &[left, right])
    }
}

/// The root over at least one leaf; `None` over none.
pub(super) fn root<K: Kind>(leaves: &[Hash]) -> Option<Hash> {
    (!leaves.is_empty()).then(|| {
        let inner = CBMT::<Hash, Nodes<K>>::build_merkle_tree(leaves).root();
        bind::<K>(leaves.len() as u64, &inner)
    })
}

/// The siblings of the leaf at `index`, bottom up; `None` outside the tree.
pub(super) fn prove<K: Kind>(leaves: &[Hash], index: u32) -> Option<Vec<Hash>> {
    if index as usize >= leaves.len() {
        return None;
    }
    let proof = CBMT::<Hash, Nodes<K>>::build_merkle_tree(leaves).build_proof(&[index])?;
    Some(proof.lemmas().to_vec())
}

/// How many siblings the leaf at `index` of `count` has; `None` outside the tree.
pub(super) fn depth(count: u64, index: u64) -> Option<usize> {
    let mut place = (index < count).then(|| place(count, index))?;
    let mut depth: usize = 0;
    while place > 0 {
        place = place.saturating_sub(1) / 2;
        depth = depth.saturating_add(1);
    }
    Some(depth)
}

/// The root that a leaf at `index` of `count` (it must be inside) and its siblings lead to.
pub(super) fn root_from_path<K: Kind>(
    count: u64,
    index: u64,
    leaf: Hash,
    siblings: &[Hash],
) -> Hash {
    let mut place = place(count, index);
    let mut node = leaf;
    for sibling in siblings {
        node = if place % 2 == 1 {
            Nodes::<K>::merge(&node, sibling)
        } else {
            Nodes::<K>::merge(sibling, &node)
        };
        place = place.saturating_sub(1) / 2;
    }
    bind::<K>(count, &node)
}

/// A leaf's number in the array: wide enough for any count that somebody can claim.
fn place(count: u64, index: u64) -> u128 {
    u128::from(count)
        .saturating_sub(1)
        .saturating_add(u128::from(index))
}

fn bind<K: Kind>(count: u64, inner: &Hash) -> Hash {
    hash::tagged(K::NODE, &[&count.to_be_bytes(), inner])
}
