//! Proofs about several keys of the state at once. Their paths share nodes, and each sibling stands once.
//!
//! There is no rule here beside those of a single proof ([`super::state`]): from a multiproof that holds, a single
//! proof that holds can be read for each key, since each node on its path is made of the one below and a sibling, which
//! the answer has or which is made of other keys' paths.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::node::StateMultiproof;

use super::state::{self, StateError};
use crate::encoding;
use crate::hash::{self, Hash};

/// Why a multiproof fails.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MultiproofError {
    /// No proof in the answer.
    #[error("the answer carries no proof")]
    Missing,
    /// A number of ends that isn't the number of keys.
    #[error("the proof tells where {found} paths end, there are {expected} keys")]
    Ends {
        /// Keys.
        expected: usize,
        /// Ends.
        found: usize,
    },
    /// A key that is there twice.
    #[error("a key stands twice in one answer")]
    Twice,
    /// A path that ends where another one goes on, or in another node.
    #[error("two paths don't agree about the node in which one of them ends")]
    Divided,
    /// Too few siblings.
    #[error("the proof lacks siblings")]
    TooFew,
    /// Too many siblings.
    #[error("the proof has {0} siblings that no path comes by")]
    TooMany(usize),
    /// What a single proof would fail for too.
    #[error(transparent)]
    State(#[from] StateError),
}

/// A key of the state and its value; `None` where it has none.
pub type KeyValue<'a> = (&'a [u8], Option<&'a [u8]>);

/// Where a key's path ends.
struct PathEnd {
    key_hash: Hash,
    depth: usize,
    node: Hash,
}

/// Checks that under `root` each key has its value, or is absent where there is none.
pub fn verify(
    root: &Hash,
    values: &[KeyValue<'_>],
    proof: &StateMultiproof,
) -> Result<(), MultiproofError> {
    let (expected, found) = (values.len(), proof.ends.len());
    if expected != found {
        return Err(MultiproofError::Ends { expected, found });
    }
    let hashed = values
        .iter()
        .map(|(key, value)| (hash::sha256(key), *value));
    let mut hashed: Vec<(Hash, Option<&[u8]>)> = hashed.collect();
    hashed.sort_unstable();
    let pairs = hashed.iter().zip(hashed.iter().skip(1));
    if pairs.into_iter().any(|((a, _), (b, _))| a == b) {
        return Err(MultiproofError::Twice);
    }
    let mut ends = Vec::with_capacity(expected);
    for ((key_hash, value), end) in hashed.into_iter().zip(&proof.ends) {
        let depth = end.depth as usize;
        let node = state::path_end(&key_hash, value, end.other_leaf.as_ref(), depth)?;
        ends.push(PathEnd {
            key_hash,
            depth,
            node,
        });
    }
    let mut siblings = proof.siblings.iter();
    let node = match ends.is_empty() {
        true => *root,
        false => subtree(&ends, 0, &mut siblings)?,
    };
    match siblings.len() {
        0 if node == *root => Ok(()),
        0 => Err(StateError::Root.into()),
        more => Err(MultiproofError::TooMany(more)),
    }
}

/// The node at a depth that these paths lead to. They share their steps up to there, and stand in the order of their
/// hashes.
fn subtree<'a>(
    ends: &[PathEnd],
    depth: usize,
    siblings: &mut impl Iterator<Item = &'a Vec<u8>>,
) -> Result<Hash, MultiproofError> {
    let here = ends.iter().find(|end| end.depth <= depth);
    if let Some(here) = here {
        // Where one path ends they all do, in one node.
        let agree = |end: &PathEnd| end.depth == depth && end.node == here.node;
        return match ends.iter().all(agree) {
            true => Ok(here.node),
            false => Err(MultiproofError::Divided),
        };
    }
    // Each path goes on, and none has more than 256 steps.
    let turn = ends.partition_point(|end| !state::bit(&end.key_hash, depth));
    let (left, right) = ends.split_at(turn);
    let below = depth.saturating_add(1);
    let (left, right) = match (left, right) {
        ([], right) => (sibling(siblings)?, subtree(right, below, siblings)?),
        (left, []) => {
            let right = sibling(siblings)?;
            (subtree(left, below, siblings)?, right)
        }
        (left, right) => (
            subtree(left, below, siblings)?,
            subtree(right, below, siblings)?,
        ),
    };
    Ok(state::inner(&left, &right))
}

fn sibling<'a>(siblings: &mut impl Iterator<Item = &'a Vec<u8>>) -> Result<Hash, MultiproofError> {
    let sibling = siblings.next().ok_or(MultiproofError::TooFew)?;
    let sibling = encoding::exact("sibling", sibling).map_err(StateError::from)?;
    Ok(sibling)
}

#[cfg(test)]
mod tests;
