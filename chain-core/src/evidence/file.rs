//! The file around the message: what it is at its front, a checksum at its end.

use prost::Message;
use thiserror::Error;
use touchstone_proto::evidence::Evidence;

use crate::encoding::{self, Malformed};
use crate::hash;

/// The first bytes of an evidence file.
pub const MAGIC: &[u8] = b"touchstone/evidence/v1\n";
/// No evidence file is larger; bytes.
pub const MAX_FILE_BYTES: usize = 256 << 20;

const CHECKSUM_BYTES: usize = 32;

/// Why bytes aren't an evidence file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadFile {
    /// It doesn't begin as one.
    #[error("this is no Touchstone evidence file, or one of a later version")]
    Magic,
    /// Too large to be one.
    #[error("the file has {0} bytes; no evidence file has more than 268435456")]
    TooLarge(usize),
    /// Damaged on the way.
    #[error(
        "the file's checksum doesn't fit: some byte was changed, lost or added since it was written"
    )]
    Checksum,
    /// Not the canonical encoding of the message.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// The file: magic, canonical message, and the SHA-256 of both.
pub fn seal(evidence: &Evidence) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(evidence.encode_to_vec());
    let checksum = hash::sha256(&bytes);
    bytes.extend(checksum);
    bytes
}

/// The message in a file. The checksum finds accidents; it proves nothing, as anyone can compute it.
pub fn open(bytes: &[u8]) -> Result<Evidence, BadFile> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(BadFile::TooLarge(bytes.len()));
    }
    if !bytes.starts_with(MAGIC) {
        return Err(BadFile::Magic);
    }
    let (content, checksum) = bytes
        .split_last_chunk::<CHECKSUM_BYTES>()
        .ok_or(BadFile::Checksum)?;
    if hash::sha256(content) != *checksum {
        return Err(BadFile::Checksum);
    }
    let message = content.get(MAGIC.len()..).ok_or(BadFile::Checksum)?;
    Ok(encoding::decode_exact(message)?)
}
