//! Blocks: a header that commits to everything, and the envelopes it carries.
//!
//! Consensus-critical: yes

use std::ops::RangeInclusive;

use prost::Message;
use thiserror::Error;
use touchstone_proto::ledger;

use crate::encoding::{self, Malformed};
use crate::hash::{self, Hash, tag};
use crate::proof::transaction_tree;

/// The version of the rules that a chain begins with.
pub const VERSION: u32 = 1;

/// The newest version that this program knows.
pub const NEWEST: u32 = 1;

/// Versions whose rules this program follows. A newer release goes on from the first: it executes the blocks that are
/// there, when it fetches or examines them.
pub const SUPPORTED: RangeInclusive<u32> = VERSION..=NEWEST;

/// The latest time of a block, milliseconds: 9999-12-31T23:59:59.999Z, the last that RFC 3339 writes.
pub const MAX_TIME_MS: u64 = 253_402_300_799_999;

/// No header is longer than this, bytes.
const MAX_HEADER_BYTES: u64 = 512;

/// What an envelope takes in a block besides its own bytes: tag and length.
const MAX_FRAMING_BYTES: u64 = 5;

/// A decoded header; its exact bytes are its canonical encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Version of the rules by which the block is executed.
    pub version: u32,
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
    #[error("header version {0} is unknown; this program reads versions up to {most}", most = NEWEST)]
    Version(u32),
}

impl Header {
    /// Decodes exact bytes.
    pub fn decode(bytes: &[u8]) -> Result<Header, BadHeader> {
        Header::decode_within(&SUPPORTED, bytes)
    }

    /// The same for a program that knows these versions.
    fn decode_within(known: &RangeInclusive<u32>, bytes: &[u8]) -> Result<Header, BadHeader> {
        let message: ledger::Header = encoding::decode_exact(bytes)?;
        if !known.contains(&message.version) {
            return Err(BadHeader::Version(message.version));
        }
        Ok(Header {
            version: message.version,
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
            version: self.version,
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

/// What is fixed about a block before its transactions are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockContext {
    /// The chain.
    pub chain_id: Hash,
    /// Height of the block.
    pub height: u64,
    /// Its time, milliseconds.
    pub time_ms: u64,
    /// Block id of its parent (the chain id at height 1).
    pub parent: Hash,
    /// Key of the validator that makes it.
    pub proposer: [u8; 32],
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
    /// Its header is another one than the one looked for.
    #[error("the body is another block than the one that was named")]
    Other,
    /// More bytes or transactions than the parameters allow.
    #[error("the block exceeds the chain's limits of bytes or transactions")]
    TooLarge,
}

impl Block {
    /// Decodes exact bytes and checks that the envelopes are those of the header.
    pub fn decode(bytes: &[u8]) -> Result<Block, BadBlock> {
        let message: ledger::Block = encoding::decode_exact(bytes)?;
        let header = Header::decode(&message.header)?;
        if header.transaction_count != message.transactions.len() as u64
            || header.transaction_root != transaction_tree::root(&message.transactions)
        {
            return Err(BadBlock::TransactionRoot);
        }
        Ok(Block {
            header,
            transactions: message.transactions,
        })
    }

    /// What is cheap to say of bytes that should be the block `id`: they aren't longer than the
    /// parameters allow, and their header is the block's and counts no more transactions than
    /// allowed. Costs the hash of a header.
    pub fn check_start(
        bytes: &[u8],
        id: &Hash,
        parameters: &ledger::Parameters,
    ) -> Result<(), BadBlock> {
        let longest = parameters
            .max_block_transactions
            .saturating_mul(MAX_FRAMING_BYTES)
            .saturating_add(parameters.max_block_bytes)
            .saturating_add(MAX_HEADER_BYTES);
        if bytes.len() as u64 > longest {
            return Err(BadBlock::TooLarge);
        }
        let header = leading_header(bytes).ok_or(BadBlock::Other)?;
        if hash::tagged(tag::HEADER, &[header]) != *id {
            return Err(BadBlock::Other);
        }
        match Header::decode(header)?.transaction_count > parameters.max_block_transactions {
            true => Err(BadBlock::TooLarge),
            false => Ok(()),
        }
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

/// The exact bytes of the header that a block starts with.
fn leading_header(bytes: &[u8]) -> Option<&[u8]> {
    // Field 1, length-delimited; no header's length takes more than two bytes.
    let (0x0a, bytes) = bytes.split_first().map(|(tag, rest)| (*tag, rest))? else {
        return None;
    };
    let (first, rest) = bytes.split_first()?;
    match first & 0x80 {
        0 => rest.get(..usize::from(*first)),
        _ => {
            let (second, rest) = rest.split_first()?;
            let high = usize::from(second & 0x7f).checked_shl(7)?;
            match second & 0x80 {
                0 => rest.get(..high | usize::from(first & 0x7f)),
                _ => None,
            }
        }
    }
}

#[cfg(test)]
mod tests;
