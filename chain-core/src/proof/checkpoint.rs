//! Checkpoints: a range of blocks under one hash, which a time-stamp authority stamps. A path in the
//! checkpoint's tree shows that a block is among them, so one token serves any number of blocks.
//!
//! The leaf of a block binds its id and the set of its validators. What is stamped is a short
//! document of its own ([`Checkpoint::bytes`]); its plain SHA-256 is the token's message imprint, so
//! that other programs verify a token with this document as the stamped data.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::tree::{self, Kind};
use crate::block::Header;
use crate::hash::{self, Hash, tag};

/// Blocks of one checkpoint, at most.
pub const MAX_BLOCKS: u64 = 1 << 20;
/// Bytes of an authority's name, at most.
pub const MAX_AUTHORITY_BYTES: usize = 512;

struct Blocks;

impl Kind for Blocks {
    const NODE: &'static str = tag::CHECKPOINT_NODE;
}

/// Why there is no checkpoint, or a block isn't in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CheckpointError {
    /// No range of blocks, or too many.
    #[error(
        "blocks {first} to {last} are no checkpoint: it covers from 1 to 1048576 blocks, from height 1 on"
    )]
    Range {
        /// The first height.
        first: u64,
        /// The last height.
        last: u64,
    },
    /// An authority without a name, or with one that can't be shown.
    #[error("an authority's name has from 1 to 512 bytes and no control characters: {0:?}")]
    Authority(String),
    /// A height outside the range.
    #[error("block {0} is outside the checkpoint")]
    Outside(u64),
    /// Another number of siblings than a leaf at this place has.
    #[error("the path has {found} siblings, a block there has {expected}")]
    PathLength {
        /// Siblings that belong there.
        expected: usize,
        /// Siblings found.
        found: usize,
    },
}

/// What of a block a checkpoint binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockLeaf {
    /// The block's id.
    pub id: Hash,
    /// Hash of the validator set that decided it: its header's `validators_hash`.
    pub validators_hash: Hash,
}

impl From<&Header> for BlockLeaf {
    fn from(header: &Header) -> BlockLeaf {
        BlockLeaf {
            id: header.id(),
            validators_hash: header.validators_hash,
        }
    }
}

/// The heights that a checkpoint covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Range {
    first: u64,
    last: u64,
}

impl Range {
    /// Heights `first` to `last`, both inside.
    pub fn new(first: u64, last: u64) -> Result<Range, CheckpointError> {
        let more = last.checked_sub(first);
        let is_range = first >= 1 && more.is_some_and(|more| more < MAX_BLOCKS);
        match is_range {
            true => Ok(Range { first, last }),
            false => Err(CheckpointError::Range { first, last }),
        }
    }

    /// The first height.
    pub fn first(self) -> u64 {
        self.first
    }

    /// The last height.
    pub fn last(self) -> u64 {
        self.last
    }

    /// Blocks covered.
    fn count(self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    fn index(self, height: u64) -> Result<u64, CheckpointError> {
        match (self.first..=self.last).contains(&height) {
            true => Ok(height.saturating_sub(self.first)),
            false => Err(CheckpointError::Outside(height)),
        }
    }
}

/// The tree over a range of blocks.
#[derive(Clone, Debug)]
pub struct Tree {
    range: Range,
    leaves: Vec<Hash>,
    root: Hash,
}

/// The tree over the blocks from height `first` on, in order.
pub fn tree(chain_id: &Hash, first: u64, blocks: &[BlockLeaf]) -> Result<Tree, CheckpointError> {
    let last = first.checked_add(blocks.len() as u64).unwrap_or(0);
    let range = Range::new(first, last.saturating_sub(1))?;
    let leaves: Vec<Hash> = (first..)
        .zip(blocks)
        .map(|(height, block)| leaf(chain_id, height, block))
        .collect();
    let root = tree::root::<Blocks>(&leaves).ok_or(CheckpointError::Range { first, last })?;
    Ok(Tree {
        range,
        leaves,
        root,
    })
}

impl Tree {
    /// The heights.
    pub fn range(&self) -> Range {
        self.range
    }

    /// The root.
    pub fn root(&self) -> &Hash {
        &self.root
    }

    /// The siblings of the block at a height, bottom up.
    pub fn path(&self, height: u64) -> Result<Vec<Hash>, CheckpointError> {
        let index = self.range.index(height)? as u32;
        tree::prove::<Blocks>(&self.leaves, index).ok_or(CheckpointError::Outside(height))
    }

    /// What the authority of this name is to stamp.
    pub fn checkpoint(
        &self,
        chain_id: &Hash,
        authority: &str,
    ) -> Result<Checkpoint, CheckpointError> {
        Checkpoint::new(chain_id, self.range, self.root, authority)
    }
}

/// A range of blocks, and the authority that is to stamp it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    chain_id: Hash,
    range: Range,
    root: Hash,
    authority: String,
}

impl Checkpoint {
    /// Of its parts.
    pub fn new(
        chain_id: &Hash,
        range: Range,
        root: Hash,
        authority: &str,
    ) -> Result<Checkpoint, CheckpointError> {
        let is_name = (1..=MAX_AUTHORITY_BYTES).contains(&authority.len())
            && !authority.chars().any(char::is_control);
        if !is_name {
            return Err(CheckpointError::Authority(authority.to_owned()));
        }
        Ok(Checkpoint {
            chain_id: *chain_id,
            range,
            root,
            authority: authority.to_owned(),
        })
    }

    /// The document that is stamped:
    /// `tag ‖ 0x00 ‖ chain id ‖ first (8 bytes big-endian) ‖ last (the same) ‖ root ‖ authority`.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.authority.len().saturating_add(128));
        bytes.extend_from_slice(tag::CHECKPOINT.as_bytes());
        bytes.push(0);
        bytes.extend_from_slice(&self.chain_id);
        bytes.extend_from_slice(&self.range.first.to_be_bytes());
        bytes.extend_from_slice(&self.range.last.to_be_bytes());
        bytes.extend_from_slice(&self.root);
        bytes.extend_from_slice(self.authority.as_bytes());
        bytes
    }

    /// The message imprint: SHA-256 of [`Checkpoint::bytes`].
    pub fn imprint(&self) -> Hash {
        hash::sha256(&self.bytes())
    }
}

/// The root that a block's path leads to. It proves the block when the checkpoint with this root is
/// the one that was stamped.
pub fn root_from_path(
    chain_id: &Hash,
    range: Range,
    height: u64,
    block: &BlockLeaf,
    siblings: &[Hash],
) -> Result<Hash, CheckpointError> {
    let index = range.index(height)?;
    let depth = tree::depth(range.count(), index);
    let expected = depth.ok_or(CheckpointError::Outside(height))?;
    if siblings.len() != expected {
        return Err(CheckpointError::PathLength {
            expected,
            found: siblings.len(),
        });
    }
    let leaf = leaf(chain_id, height, block);
    Ok(tree::root_from_path::<Blocks>(
        range.count(),
        index,
        leaf,
        siblings,
    ))
}

fn leaf(chain_id: &Hash, height: u64, block: &BlockLeaf) -> Hash {
    let parts: [&[u8]; 4] = [
        chain_id,
        &height.to_be_bytes(),
        &block.id,
        &block.validators_hash,
    ];
    hash::tagged(tag::CHECKPOINT_BLOCK, &parts)
}

#[cfg(test)]
mod tests;
