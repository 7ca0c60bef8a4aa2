//! Ed25519 (RFC 8032) with signing domains. Verification is strict everywhere (`verify_strict`):
//! non-canonical encodings and small-order points are refused, so that every verifier agrees.
//! Batch verification is never used: it accepts some signatures depending on their neighbours. Where several are
//! verified together, each has its own equation.
//!
//! Consensus-critical: yes

mod key_table;
mod multiples;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use thiserror::Error;

pub use self::key_table::KeyTable;
pub(crate) use self::key_table::verify_each;
use crate::hash::{Hash, tag};

/// What a signature is for. A signature for one purpose never verifies for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A transaction body, by an organisation's key.
    Transaction,
    /// A prevote or precommit, by a validator's key.
    Vote,
    /// A block proposal, by a validator's key.
    Proposal,
    /// A designer's id, by the key that is to be the designer's.
    Possession,
    /// A sealed ballot, by a juror's key.
    Ballot,
    /// The opening of a ballot, by a juror's key.
    BallotOpening,
    /// The place of a ballot, by a juror's key: the signature stays secret, and gives the salt.
    BallotSalt,
}

impl Purpose {
    fn tag(self) -> &'static str {
        match self {
            Purpose::Transaction => tag::TRANSACTION,
            Purpose::Vote => tag::VOTE,
            Purpose::Proposal => tag::PROPOSAL,
            Purpose::Possession => tag::POSSESSION,
            Purpose::Ballot => tag::BALLOT,
            Purpose::BallotOpening => tag::BALLOT_OPENING,
            Purpose::BallotSalt => tag::BALLOT_SALT,
        }
    }
}

/// A public key that can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadKey {
    /// Not the encoding of a curve point.
    #[error("not an Ed25519 public key")]
    NotAPoint,
    /// A point of small order: signatures by it say nothing.
    #[error("a weak Ed25519 public key (small order)")]
    Weak,
}

/// The bytes that are signed: `tag ‖ 0x00 ‖ chain id ‖ message`.
pub fn signed_bytes(purpose: Purpose, chain_id: &Hash, message: &[u8]) -> Vec<u8> {
    let tag = purpose.tag().as_bytes();
    let mut bytes = Vec::with_capacity(tag.len().saturating_add(33).saturating_add(message.len()));
    bytes.extend_from_slice(tag);
    bytes.push(0);
    bytes.extend_from_slice(chain_id);
    bytes.extend_from_slice(message);
    bytes
}

/// Signs `message` for `purpose` on the chain.
pub fn sign(key: &SigningKey, purpose: Purpose, chain_id: &Hash, message: &[u8]) -> [u8; 64] {
    key.sign(&signed_bytes(purpose, chain_id, message))
        .to_bytes()
}

/// Whether a key signed a message for a purpose on a chain: [`verify`], or a function that always gives the same.
pub type Verify = fn(&[u8; 32], Purpose, &Hash, &[u8], &[u8; 64]) -> bool;

/// Whether `signature` by `public_key` over `message` holds, strictly.
pub fn verify(
    public_key: &[u8; 32],
    purpose: Purpose,
    chain_id: &Hash,
    message: &[u8],
    signature: &[u8; 64],
) -> bool {
    verify_bytes(
        public_key,
        &signed_bytes(purpose, chain_id, message),
        signature,
    )
}

/// The same over bytes without a domain: signatures of others than this ledger.
pub(crate) fn verify_bytes(public_key: &[u8; 32], signed: &[u8], signature: &[u8; 64]) -> bool {
    if !is_canonical(public_key) {
        return false;
    }
    let Ok(key) = VerifyingKey::from_bytes(public_key) else {
        return false;
    };
    key.verify_strict(signed, &Signature::from_bytes(signature))
        .is_ok()
}

/// Whether the y coordinate is below p = 2^255 - 19 (RFC 8032 §5.1.3, step 1). The library
/// reduces a larger one silently, other verifiers refuse it.
fn is_canonical(public_key: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = public_key;
    high & 0x7f != 0x7f || *low < 0xed || middle.iter().any(|byte| *byte != 0xff)
}

/// Checks a key before it is registered: a canonical point that isn't of small order.
pub fn check_public_key(public_key: &[u8; 32]) -> Result<(), BadKey> {
    if !is_canonical(public_key) {
        return Err(BadKey::NotAPoint);
    }
    let key = VerifyingKey::from_bytes(public_key).map_err(|_| BadKey::NotAPoint)?;
    if key.is_weak() {
        return Err(BadKey::Weak);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
