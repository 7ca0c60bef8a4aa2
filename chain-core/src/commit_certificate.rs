//! Commit certificates: more than 2/3 of the voting power precommitted one block.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use prost::Message;
use thiserror::Error;
use touchstone_proto::ledger;

use crate::encoding::{self, Malformed};
use crate::governance::validators::ValidatorSet;
use crate::hash::Hash;
use crate::signing::{self, Purpose, Verify};

/// Why a certificate doesn't prove its block.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// A field of the wrong shape.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// For another height.
    #[error("the certificate is for height {found}, the block is at {expected}")]
    Height {
        /// The block's height.
        expected: u64,
        /// The certificate's.
        found: u64,
    },
    /// For another block.
    #[error("the certificate is for another block")]
    Block,
    /// One validator counted twice.
    #[error("two signatures by validator {}", hex::encode(.0))]
    Duplicate([u8; 32]),
    /// Signatures not ascending by public key.
    #[error("the signatures are not ascending by public key")]
    Order,
    /// A signer outside the set.
    #[error("{} is not a validator at this height", hex::encode(.0))]
    NotAValidator([u8; 32]),
    /// A signature that doesn't verify.
    #[error("the signature of validator {} is invalid", hex::encode(.0))]
    Signature([u8; 32]),
    /// Too little voting power.
    #[error("{signed} of {total} voting power signed; more than two thirds are needed")]
    TooFewVotes {
        /// Voting power of the signers.
        signed: u64,
        /// Of all validators.
        total: u64,
    },
}

/// The bytes of a vote that are signed (with [`Purpose::Vote`]); `None` is a vote for nil.
pub fn vote_bytes(
    kind: ledger::VoteKind,
    height: u64,
    round: u32,
    block_id: Option<&Hash>,
) -> Vec<u8> {
    ledger::Vote {
        kind: kind as i32,
        height,
        round,
        block_id: block_id.map(|id| id.to_vec()).unwrap_or_default(),
    }
    .encode_to_vec()
}

/// Checks that `certificate` proves that the block with `block_id` at `height` was decided by
/// `validators`, whose hash the caller has checked.
///
/// Rule: distinct validators of the set whose power exceeds 2/3 of the total signed precommits
/// for this height, the certificate's round and this block (Tendermint, "commit").
pub fn verify(
    certificate: &ledger::CommitCertificate,
    chain_id: &Hash,
    height: u64,
    block_id: &Hash,
    validators: &ValidatorSet,
) -> Result<(), CertificateError> {
    verify_by(
        signing::verify,
        certificate,
        chain_id,
        height,
        block_id,
        validators,
    )
}

/// The same by a function that gives what [`signing::verify`] does, such as by tables of the validators' keys.
pub fn verify_by(
    holds: Verify,
    certificate: &ledger::CommitCertificate,
    chain_id: &Hash,
    height: u64,
    block_id: &Hash,
    validators: &ValidatorSet,
) -> Result<(), CertificateError> {
    if certificate.height != height {
        return Err(CertificateError::Height {
            expected: height,
            found: certificate.height,
        });
    }
    if certificate.block_id != block_id {
        return Err(CertificateError::Block);
    }
    let vote = vote_bytes(
        ledger::VoteKind::Precommit,
        height,
        certificate.round,
        Some(block_id),
    );
    let mut seen = BTreeSet::new();
    let mut signed: u64 = 0;
    for entry in &certificate.signatures {
        let key: [u8; 32] = encoding::exact("public_key", &entry.public_key)?;
        let signature: [u8; 64] = encoding::exact("signature", &entry.signature)?;
        if seen.contains(&key) {
            return Err(CertificateError::Duplicate(key));
        }
        if seen.last().is_some_and(|last| *last > key) {
            return Err(CertificateError::Order);
        }
        seen.insert(key);
        let validator = validators
            .get(&key)
            .ok_or(CertificateError::NotAValidator(key))?;
        if !holds(&key, Purpose::Vote, chain_id, &vote, &signature) {
            return Err(CertificateError::Signature(key));
        }
        signed = signed.saturating_add(validator.power);
    }
    let total = validators.total_power();
    if !exceeds_two_thirds(signed, total) {
        return Err(CertificateError::TooFewVotes { signed, total });
    }
    Ok(())
}

/// Whether `part` is more than 2/3 of `total`.
pub fn exceeds_two_thirds(part: u64, total: u64) -> bool {
    u128::from(part).saturating_mul(3) > u128::from(total).saturating_mul(2)
}

#[cfg(test)]
mod tests;
