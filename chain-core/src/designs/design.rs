//! Design deposits: a commitment binds files to an owner without showing either.
//!
//! `commitment = H(design-commitment, chain id ‖ owner key ‖ salt ‖ root)`, where the root is the file
//! root, the hash over the count and the SHA-256 of each file in the owner's order, or a root that covers
//! views and fields besides ([`content`](super::content)). The owner key
//! and the 256-bit salt are inside, so a copied commitment is worth nothing to anybody else,
//! and guessing a file doesn't confirm it.
//!
//! Consensus-critical: yes

use crate::hash::{self, Hash, tag};

/// Files of one deposit.
pub const MAX_FILES: usize = 1000;
/// Pictures of a design that have a fingerprint, at most: each is searched for among all.
pub const MAX_PICTURES: usize = 32;
/// Bytes of a disclosed title.
pub const MAX_TITLE_BYTES: usize = 256;

/// The hash over the SHA-256 of each file: `H(design-files, count as 8 bytes big-endian ‖ hashes)`.
pub fn file_root(file_hashes: &[Hash]) -> Hash {
    let count = (file_hashes.len() as u64).to_be_bytes();
    let mut parts: Vec<&[u8]> = Vec::with_capacity(file_hashes.len().saturating_add(1));
    parts.push(&count);
    parts.extend(file_hashes.iter().map(|h| h.as_slice()));
    hash::tagged(tag::DESIGN_FILES, &parts)
}

/// The commitment that is deposited.
pub fn commitment(chain_id: &Hash, owner_key: &[u8; 32], salt: &[u8; 32], root: &Hash) -> Hash {
    hash::tagged(tag::DESIGN_COMMITMENT, &[chain_id, owner_key, salt, root])
}

/// The id of a deposit: `H(design-id, owner key ‖ commitment)`. Two owners that deposit the same
/// commitment get different ids, so copying one from the network can't block its owner.
pub fn id(owner_key: &[u8; 32], commitment: &Hash) -> Hash {
    hash::tagged(tag::DESIGN_ID, &[owner_key, commitment])
}

#[cfg(test)]
mod tests;
