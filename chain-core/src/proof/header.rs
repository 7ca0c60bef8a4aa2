//! Certified headers, and the hand-over of trust from genesis to today's validators.

use thiserror::Error;
use touchstone_proto::node::{CertifiedHeader, Handover};

use crate::block::{BadHeader, Header};
use crate::certificate::{self, CertificateError};
use crate::hash::Hash;
use crate::model::validators::{BadValidatorSet, ValidatorSet};

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
    certificate::verify(
        certificate,
        chain_id,
        header.height,
        &header.id(),
        validators,
    )?;
    Ok(header)
}

/// Follows hand-overs from the `genesis` set: each is a header decided by the set trusted so far
/// that names the next one. Answers all sets in order, the genesis set first.
pub fn follow(
    chain_id: &Hash,
    genesis: ValidatorSet,
    handovers: &[Handover],
) -> Result<Vec<ValidatorSet>, HeaderError> {
    let mut sets = vec![genesis.clone()];
    let mut current = genesis;
    let mut height = 0;
    for handover in handovers {
        let certified = handover.header.as_ref().ok_or(HeaderError::Missing)?;
        let header = verify(chain_id, &current, certified)?;
        if header.height <= height {
            return Err(HeaderError::HandoverOrder(header.height));
        }
        height = header.height;
        let next = handover
            .next_validators
            .as_ref()
            .ok_or(HeaderError::Handover(height))?;
        let next = ValidatorSet::from_message(next)?;
        if next.hash() != header.next_validators_hash {
            return Err(HeaderError::Handover(height));
        }
        sets.push(next.clone());
        current = next;
    }
    Ok(sets)
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

/// [`follow`], with the heights of each set: one decides from its hand-over up to the next and no
/// other, so retired validators can't speak for later heights.
pub fn eras(
    chain_id: &Hash,
    genesis: ValidatorSet,
    handovers: &[Handover],
) -> Result<Vec<Era>, HeaderError> {
    let sets = follow(chain_id, genesis, handovers)?;
    let mut ends = Vec::with_capacity(handovers.len());
    for handover in handovers {
        let certified = handover.header.as_ref().ok_or(HeaderError::Missing)?;
        ends.push(Header::decode(&certified.header)?.height);
    }
    let mut first = 1;
    let mut eras = Vec::with_capacity(sets.len());
    for (i, set) in sets.into_iter().enumerate() {
        let last = ends.get(i).copied();
        eras.push(Era { first, last, set });
        first = last.map_or(first, |height| height.saturating_add(1));
    }
    Ok(eras)
}

/// The era of a height.
pub fn era(eras: &[Era], height: u64) -> Option<&Era> {
    eras.iter()
        .find(|era| era.first <= height && era.last.is_none_or(|last| height <= last))
}

#[cfg(test)]
mod tests;
