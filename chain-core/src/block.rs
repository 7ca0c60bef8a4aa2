//! Blocks: a header that commits to everything, and the envelopes it carries.

use prost::Message;
use thiserror::Error;
use touchstone_proto::ledger;

use crate::encoding::{self, Malformed};
use crate::hash::{self, Hash, tag};
use crate::proof::transaction_tree;

/// The only header version.
pub const VERSION: u32 = 1;

/// A decoded header; its exact bytes are its canonical encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The chain: SHA-256 of the genesis document.
    pub chain_id: Hash,
    /// 1 for the first block.
    pub height: u64,
    /// Time of the proposer's clock, milliseconds since 1970-01-01T00:00:00Z.
    pub time_ms: u64,
    /// Block id of the block before; the chain id at height 1.
    pub parent: Hash,
    /// Public key of the validator that made the block.
    pub proposer: [u8; 32],
    /// Root of the transaction tree.
    pub transaction_root: Hash,
    /// Leaves of the transaction tree.
    pub transaction_count: u64,
    /// Root of the state after this block.
    pub state_root: Hash,
    /// Hash of the set that votes on this block.
    pub validators_hash: Hash,
    /// Hash of the set that votes on the next block.
    pub next_validators_hash: Hash,
}

/// A header that isn't one of this format.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadHeader {
    /// Its encoding is not canonical.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Another version.
    #[error("header version {0} is unknown; this program reads version 1")]
    Version(u32),
}

impl Header {
    /// Decodes exact bytes.
    pub fn decode(bytes: &[u8]) -> Result<Header, BadHeader> {
        let message: ledger::Header = encoding::decode_exact(bytes)?;
        if message.version != VERSION {
            return Err(BadHeader::Version(message.version));
        }
        Ok(Header {
            chain_id: encoding::exact("chain_id", &message.chain_id)?,
            height: message.height,
            time_ms: message.time_ms,
            parent: encoding::exact("parent", &message.parent)?,
            proposer: encoding::exact("proposer", &message.proposer)?,
            transaction_root: encoding::exact("transaction_root", &message.transaction_root)?,
            transaction_count: message.transaction_count,
            state_root: encoding::exact("state_root", &message.state_root)?,
            validators_hash: encoding::exact("validators_hash", &message.validators_hash)?,
            next_validators_hash: encoding::exact(
                "next_validators_hash",
                &message.next_validators_hash,
            )?,
        })
    }

    /// The exact bytes.
    pub fn encode(&self) -> Vec<u8> {
        ledger::Header {
            version: VERSION,
            chain_id: self.chain_id.to_vec(),
            height: self.height,
            time_ms: self.time_ms,
            parent: self.parent.to_vec(),
            proposer: self.proposer.to_vec(),
            transaction_root: self.transaction_root.to_vec(),
            transaction_count: self.transaction_count,
            state_root: self.state_root.to_vec(),
            validators_hash: self.validators_hash.to_vec(),
            next_validators_hash: self.next_validators_hash.to_vec(),
        }
        .encode_to_vec()
    }

    /// The block id.
    pub fn id(&self) -> Hash {
        hash::tagged(tag::HEADER, &[&self.encode()])
    }
}

/// A header and its envelopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The header.
    pub header: Header,
    /// Exact bytes of each envelope, in order of execution.
    pub transactions: Vec<Vec<u8>>,
}

/// Bytes that aren't a block.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadBlock {
    /// Its encoding is not canonical.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// Its header is not readable.
    #[error(transparent)]
    Header(#[from] BadHeader),
    /// Its envelopes aren't those that the header commits to.
    #[error("the transactions don't match the header's transaction root and count")]
    TransactionRoot,
}

impl Block {
    /// Decodes exact bytes and checks that the envelopes are those of the header.
    pub fn decode(bytes: &[u8]) -> Result<Block, BadBlock> {
        let message: ledger::Block = encoding::decode_exact(bytes)?;
        let header = Header::decode(&message.header)?;
        let root = transaction_tree::root(&message.transactions);
        if header.transaction_root != root
            || header.transaction_count != message.transactions.len() as u64
        {
            return Err(BadBlock::TransactionRoot);
        }
        Ok(Block {
            header,
            transactions: message.transactions,
        })
    }

    /// The exact bytes.
    pub fn encode(&self) -> Vec<u8> {
        ledger::Block {
            header: self.header.encode(),
            transactions: self.transactions.clone(),
        }
        .encode_to_vec()
    }

    /// The block id.
    pub fn id(&self) -> Hash {
        self.header.id()
    }
}

#[cfg(test)]
mod tests;
