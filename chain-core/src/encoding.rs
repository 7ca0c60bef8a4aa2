//! Strict protobuf: the only accepted encoding of a message is the one that this code writes.
//!
//! Consensus-critical: yes

use prost::Message;
use thiserror::Error;

/// Why bytes aren't the canonical encoding of a message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// Not protobuf of this type.
    #[error("not a protobuf {message}: {reason}")]
    Undecodable {
        /// Name of the message type.
        message: &'static str,
        /// The decoder's words.
        reason: String,
    },
    /// Decodes, but doesn't encode to the same bytes: unknown field, wrong field order,
    /// explicit default value, or an overlong integer.
    #[error(
        "not the canonical encoding of a {message}: unknown fields, field order and explicit defaults are refused"
    )]
    NotCanonical {
        /// Name of the message type.
        message: &'static str,
    },
    /// A byte string of the wrong length.
    #[error("{field} must have {expected} bytes, it has {found}")]
    Length {
        /// Name of the field.
        field: &'static str,
        /// Bytes wanted.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
}

/// Decodes `bytes` and requires that encoding the result gives `bytes` again.
pub fn decode_exact<M: Message + Default>(bytes: &[u8]) -> Result<M, Malformed> {
    let name = short_name::<M>();
    let message = M::decode(bytes).map_err(|e| Malformed::Undecodable {
        message: name,
        reason: e.to_string(),
    })?;
    if message.encode_to_vec() != bytes {
        return Err(Malformed::NotCanonical { message: name });
    }
    Ok(message)
}

/// A byte string of exactly `N` bytes.
pub fn exact<const N: usize>(field: &'static str, bytes: &[u8]) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed::Length {
        field,
        expected: N,
        found: bytes.len(),
    })
}

fn short_name<M>() -> &'static str {
    let full = std::any::type_name::<M>();
    full.rsplit("::").next().unwrap_or(full)
}

#[cfg(test)]
mod tests;
