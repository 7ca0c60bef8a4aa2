//! Files that hold one message: what it is at its front, the SHA-256 of all before it at its end. The checksum finds
//! accidents; it proves nothing, as anyone can compute it.
//!
//! Consensus-critical: no

use prost::Message;

use crate::hash;

const CHECKSUM_BYTES: usize = 32;

/// The file: magic, canonical message, and the SHA-256 of both.
pub fn seal(magic: &[u8], message: &impl Message) -> Vec<u8> {
    let mut bytes = magic.to_vec();
    bytes.extend(message.encode_to_vec());
    let checksum = hash::sha256(&bytes);
    bytes.extend(checksum);
    bytes
}

/// How many bytes that file has.
pub fn sealed_len(magic: &[u8], message: &impl Message) -> usize {
    let around = magic.len().saturating_add(CHECKSUM_BYTES);
    message.encoded_len().saturating_add(around)
}

/// The message's bytes in a file that begins with a magic of `magic_bytes` bytes; none where the checksum doesn't fit.
pub fn content(bytes: &[u8], magic_bytes: usize) -> Option<&[u8]> {
    let (content, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>()?;
    let message = content.get(magic_bytes..)?;
    (hash::sha256(content) == *checksum).then_some(message)
}
