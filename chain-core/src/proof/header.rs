//! Certified headers, and the hand-over of trust from genesis to today's validators.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::node::{CertifiedHeader, Handover};

use crate::block::{BadHeader, Header};
use crate::commit_certificate::{self, CertificateError};
use crate::governance::validators::{BadValidatorSet, ValidatorSet};
use crate::hash::Hash;

/// Why a header isn't proven.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// It doesn't decode.
    #[error(transparent)]
    Header(#[from] BadHeader),
    /// It is of another chain.
    #[error("the header is of another chain: {}", hex::encode(.0))]
    Chain(Hash),
    /// The answer carries none.
    #[error("the answer carries no certified header")]
    Missing,
    /// The validators that voted are not those that the verifier trusts.
    #[error("the header names a validator set that isn't proven from genesis")]
    Validators,
    /// The certificate fails.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A hand-over's set doesn't decode.
    #[error(transparent)]
    ValidatorSet(#[from] BadValidatorSet),
    /// A hand-over's set isn't the one that its header names.
    #[error("the hand-over at height {0} names another validator set")]
    Handover(u64),
    /// Hand-overs out of order.
    #[error("hand-overs must be in order of height; {0} is not")]
    HandoverOrder(u64),
}

/// Checks that a header of this chain was decided by `validators`.
pub fn verify(
    chain_id: &Hash,
    validators: &ValidatorSet,
    certified: &CertifiedHeader,
) -> Result<Header, HeaderError> {
    let header = Header::decode(&certified.header)?;
    if header.chain_id != *chain_id {
        return Err(HeaderError::Chain(header.chain_id));
    }
    if header.validators_hash != validators.hash() {
        return Err(HeaderError::Validators);
    }
    let certificate = certified.certificate.as_ref().ok_or(HeaderError::Missing)?;
    commit_certificate::verify(
        certificate,
        chain_id,
        header.height,
        &header.id(),
        validators,
    )?;
    Ok(header)
}

/// A validator set and the heights that it decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Era {
    /// The first height.
    pub first: u64,
    /// The last height; `None` where no hand-over ends it.
    pub last: Option<u64>,
    /// The set.
    pub set: ValidatorSet,
}

impl Era {
    /// The era of the `genesis` set, before any hand-over.
    pub fn genesis(set: ValidatorSet) -> Era {
        Era {
            first: 1,
            last: None,
            set,
        }
    }
}

/// Follows hand-overs from the last of `eras` on: each is a header decided by the set trusted so far
/// that names the next one. A set decides the heights from its hand-over up to the next and no other,
/// so retired validators can't speak for later heights. On an error, `eras` is what was followed before.
pub fn follow(
    chain_id: &Hash,
    eras: &mut Vec<Era>,
    handovers: &[Handover],
) -> Result<(), HeaderError> {
    for handover in handovers {
        let current = eras.last_mut().ok_or(HeaderError::Validators)?;
        let certified = handover.header.as_ref().ok_or(HeaderError::Missing)?;
        let header = verify(chain_id, &current.set, certified)?;
        if header.height < current.first {
            return Err(HeaderError::HandoverOrder(header.height));
        }
        let next = handover
            .next_validators
            .as_ref()
            .ok_or(HeaderError::Handover(header.height))?;
        let set = ValidatorSet::from_message(next)?;
        let first = header.height.saturating_add(1);
        if set.hash() != header.next_validators_hash || set.first_height() != first {
            return Err(HeaderError::Handover(header.height));
        }
        current.last = Some(header.height);
        eras.push(Era {
            first,
            last: None,
            set,
        });
    }
    Ok(())
}

/// The era of a height.
pub fn era(eras: &[Era], height: u64) -> Option<&Era> {
    eras.iter()
        .find(|era| era.first <= height && era.last.is_none_or(|last| height <= last))
}

#[cfg(test)]
mod tests;
