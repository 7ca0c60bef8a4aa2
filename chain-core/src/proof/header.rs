//! Certified headers, and how trust passes from the genesis set to today's validators.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::node::{CertifiedHeader, ValidatorSetChange};

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
    /// A changed set doesn't decode.
    #[error(transparent)]
    ValidatorSet(#[from] BadValidatorSet),
    /// The set isn't the one that the change's header names.
    #[error("the set change at height {0} names another validator set")]
    SetChange(u64),
    /// Changes out of order.
    #[error("set changes must be in order of height; {0} is not")]
    SetChangeOrder(u64),
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
pub struct TrustingRange {
    /// The first height.
    pub first: u64,
    /// The last height; `None` where no set change ends it.
    pub last: Option<u64>,
    /// The set.
    pub set: ValidatorSet,
}

impl TrustingRange {
    /// The range of the `genesis` set, before any set change.
    pub fn genesis(set: ValidatorSet) -> TrustingRange {
        TrustingRange {
            first: 1,
            last: None,
            set,
        }
    }
}

/// Follows set changes from the last of `ranges` on: each is a header decided by the set trusted so far
/// that names the next one. A set decides the heights from its set change up to the next and no other,
/// so retired validators can't speak for later heights. On an error, `ranges` is what was followed before.
pub fn follow(
    chain_id: &Hash,
    ranges: &mut Vec<TrustingRange>,
    changes: &[ValidatorSetChange],
) -> Result<(), HeaderError> {
    for change in changes {
        let current = ranges.last_mut().ok_or(HeaderError::Validators)?;
        let certified = change.header.as_ref().ok_or(HeaderError::Missing)?;
        let header = verify(chain_id, &current.set, certified)?;
        if header.height < current.first {
            return Err(HeaderError::SetChangeOrder(header.height));
        }
        let next = change
            .next_validators
            .as_ref()
            .ok_or(HeaderError::SetChange(header.height))?;
        let set = ValidatorSet::from_message(next)?;
        let first = header.height.saturating_add(1);
        if set.hash() != header.next_validators_hash || set.first_height() != first {
            return Err(HeaderError::SetChange(header.height));
        }
        current.last = Some(header.height);
        ranges.push(TrustingRange {
            first,
            last: None,
            set,
        });
    }
    Ok(())
}

/// Checks an answer's header, with all set changes below it and no other, from the `genesis` set on: one answer has one
/// encoding.
pub fn verify_from(
    chain_id: &Hash,
    genesis: &ValidatorSet,
    changes: &[ValidatorSetChange],
    certified: Option<&CertifiedHeader>,
) -> Result<Header, HeaderError> {
    let mut ranges = vec![TrustingRange::genesis(genesis.clone())];
    follow(chain_id, &mut ranges, changes)?;
    let certified = certified.ok_or(HeaderError::Missing)?;
    let claimed = Header::decode(&certified.header)?;
    let last = ranges.last().ok_or(HeaderError::Validators)?;
    if last.first > claimed.height {
        return Err(HeaderError::SetChange(claimed.height));
    }
    verify(chain_id, &last.set, certified)
}

/// The range of a height.
pub fn trusting_range(ranges: &[TrustingRange], height: u64) -> Option<&TrustingRange> {
    ranges
        .iter()
        .find(|range| range.first <= height && range.last.is_none_or(|last| height <= last))
}

#[cfg(test)]
mod tests;
