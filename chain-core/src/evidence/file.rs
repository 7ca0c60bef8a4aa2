//! The file around the message: what it is at its front, a checksum at its end.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::evidence::Evidence;

use crate::encoding::{self, Malformed};
use crate::proof::sealed_file;

/// The first bytes of an evidence file.
pub const MAGIC: &[u8] = b"touchstone/evidence/v2\n";
/// Those of a file from before custody was part of the examination.
const MAGIC_ONE: &[u8] = b"touchstone/evidence/v1\n";
/// No evidence file is larger; bytes.
pub const MAX_FILE_BYTES: usize = 256 << 20;

/// What a file has to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// The records of custody and offers may be missing.
    One,
    /// They are there.
    Two,
}

impl Version {
    /// The number in the file's first line.
    pub fn number(self) -> u8 {
        match self {
            Version::One => 1,
            Version::Two => 2,
        }
    }
}

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
    sealed_file::seal(MAGIC, evidence)
}

/// How many bytes that file has.
pub(super) fn sealed_len(evidence: &Evidence) -> usize {
    sealed_file::sealed_len(MAGIC, evidence)
}

/// The message in a file of any version. The checksum finds accidents; it proves nothing, as anyone can
/// compute it.
pub fn open(bytes: &[u8]) -> Result<Evidence, BadFile> {
    read(bytes).map(|(_, evidence)| evidence)
}

/// The same, with the version.
pub(super) fn read(bytes: &[u8]) -> Result<(Version, Evidence), BadFile> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(BadFile::TooLarge(bytes.len()));
    }
    let version = match bytes {
        _ if bytes.starts_with(MAGIC) => Version::Two,
        _ if bytes.starts_with(MAGIC_ONE) => Version::One,
        _ => return Err(BadFile::Magic),
    };
    // Both have the same length.
    let message = sealed_file::content(bytes, MAGIC.len()).ok_or(BadFile::Checksum)?;
    Ok((version, encoding::decode_exact(message)?))
}
