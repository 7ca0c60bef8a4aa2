//! The tree over a platform's jurors: `tree` with its own tags. A path binds a juror's place in the list.
//!
//! Consensus-critical: yes

use super::tree::{self, Kind};
use crate::hash::{self, Hash, tag};

struct Jurors;

impl Kind for Jurors {
    const NODE: &'static str = tag::JUROR_NODE;
}

/// A juror's leaf: its key, and whom it belongs to; empty: nobody on the ledger.
pub fn leaf(public_key: &[u8; 32], organisation: &str) -> Hash {
    hash::tagged(tag::JUROR_LEAF, &[public_key, organisation.as_bytes()])
}

/// The root over the leaves of at least one juror; `None` over none.
pub fn root(leaves: &[Hash]) -> Option<Hash> {
    tree::root::<Jurors>(leaves)
}

/// The siblings of the leaf at `index`, bottom up; `None` outside the list.
pub fn prove(leaves: &[Hash], index: u32) -> Option<Vec<Hash>> {
    tree::prove::<Jurors>(leaves, index)
}

/// Whether a leaf is the one at `index` of the `count` under `root`.
pub fn verify(root: &Hash, count: u32, index: u32, leaf: &Hash, siblings: &[Hash]) -> bool {
    let (count, index) = (u64::from(count), u64::from(index));
    tree::depth(count, index) == Some(siblings.len())
        && tree::root_from_path::<Jurors>(count, index, *leaf, siblings) == *root
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::stream;

    #[test]
    fn a_path_shows_a_juror_at_its_place_and_nothing_else() {
        for count in [1u32, 2, 3, 7, 31, 64] {
            let leaves: Vec<Hash> = stream(1)
                .take(count as usize)
                .map(|key| leaf(&key, "shop"))
                .collect();
            let root = root(&leaves).unwrap();
            for index in 0..count {
                let path = prove(&leaves, index).unwrap();
                let own = leaves[index as usize];
                assert!(verify(&root, count, index, &own, &path));
                for other in 0..count {
                    let there = verify(&root, count, other, &own, &path);
                    assert_eq!(there, other == index, "{count}: {index} at {other}");
                }
                assert!(!verify(&root, count + 1, index, &own, &path));
                assert!(!verify(&[0; 32], count, index, &own, &path));
                let mut longer = path.clone();
                longer.push([1; 32]);
                assert!(!verify(&root, count, index, &own, &longer));
                for place in 0..path.len() {
                    let mut bent = path.clone();
                    bent[place][0] ^= 1;
                    assert!(!verify(&root, count, index, &own, &bent));
                }
            }
            assert_eq!(prove(&leaves, count), None);
        }
        assert_eq!(root(&[]), None);
        assert_ne!(leaf(&[1; 32], ""), leaf(&[1; 32], "a"));
    }
}
