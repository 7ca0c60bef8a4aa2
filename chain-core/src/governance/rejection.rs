//! Why the rules of the consortium refuse a transaction: codes 500 to 599.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::organisation::BadOrganisation;
use super::validators::BadValidatorSet;
use crate::signing::BadKey;

/// Which rule of the consortium a transaction breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GovernanceRejection {
    // 5xx: the consortium
    /// Not a usable key.
    #[error("key {}: {error}", hex::encode(.key))]
    BadKey {
        /// The key.
        key: [u8; 32],
        /// Why.
        error: BadKey,
    },
    /// The key is taken.
    #[error("key {} is already registered; a key belongs to one organisation for ever", hex::encode(.0))]
    KeyTaken([u8; 32]),
    /// Retiring a key that isn't in use.
    #[error("key {} is not in use by this organisation", hex::encode(.0))]
    KeyNotInUse([u8; 32]),
    /// A compromise reported twice, or dated in the future or not at all.
    #[error("the compromise of key {} is reported once, with a time not after the block's", hex::encode(.0))]
    BadCompromise([u8; 32]),
    /// Retiring the last key.
    #[error("the change would leave the organisation without a valid key; add one first")]
    WouldLeaveNoKey,
    /// Nothing to change.
    #[error("the change names nothing to change")]
    EmptyChange,
    /// Only validators' organisations govern.
    #[error("organisation {0:?} runs no validator; only those that do approve changes")]
    NotAGovernor(String),
    /// Approved twice.
    #[error("organisation {0:?} has already approved this change")]
    AlreadyApproved(String),
    /// In force already.
    #[error("the change took effect at height {0}; raise its sequence to make it again")]
    AlreadyEffective(u64),
    /// An organisation's record is wrong.
    #[error("{0}")]
    BadOrganisation(#[from] BadOrganisation),
    /// The change would break the validator set.
    #[error("{0}")]
    BadValidatorSet(#[from] BadValidatorSet),
    /// A GS1 company prefix of somebody else.
    #[error(
        "GS1 company prefix {prefix} overlaps with one of {organisation:?}; a prefix has one owner"
    )]
    PrefixTaken {
        /// The prefix.
        prefix: String,
        /// Who has it, or one that begins alike.
        organisation: String,
    },
    /// No such validator.
    #[error("{} is not a validator", hex::encode(.0))]
    UnknownValidator([u8; 32]),
    /// A key that votes already can't replace another.
    #[error("key {} votes already; a validator's new key is one that votes for nobody", hex::encode(.0))]
    ReplacementVotes([u8; 32]),
}

impl GovernanceRejection {
    /// The stable code.
    pub fn code(&self) -> u32 {
        match self {
            GovernanceRejection::BadKey { .. } => 500,
            GovernanceRejection::KeyTaken(_) => 501,
            GovernanceRejection::KeyNotInUse(_) => 502,
            GovernanceRejection::BadCompromise(_) => 511,
            GovernanceRejection::WouldLeaveNoKey => 503,
            GovernanceRejection::EmptyChange => 504,
            GovernanceRejection::NotAGovernor(_) => 505,
            GovernanceRejection::AlreadyApproved(_) => 506,
            GovernanceRejection::AlreadyEffective(_) => 507,
            GovernanceRejection::BadOrganisation(_) => 508,
            GovernanceRejection::BadValidatorSet(_) => 509,
            GovernanceRejection::PrefixTaken { .. } => 512,
            GovernanceRejection::UnknownValidator(_) => 510,
            GovernanceRejection::ReplacementVotes(_) => 530,
        }
    }

    /// The name of the rule that is broken.
    pub fn rule(&self) -> &'static str {
        match self {
            GovernanceRejection::BadKey { .. } => "usable-key",
            GovernanceRejection::KeyTaken(_) => "key-once",
            GovernanceRejection::KeyNotInUse(_) => "key-in-use",
            GovernanceRejection::BadCompromise(_) => "compromise-report",
            GovernanceRejection::WouldLeaveNoKey => "last-key",
            GovernanceRejection::EmptyChange => "empty-change",
            GovernanceRejection::NotAGovernor(_) => "governor",
            GovernanceRejection::AlreadyApproved(_) => "approve-once",
            GovernanceRejection::AlreadyEffective(_) => "change-once",
            GovernanceRejection::BadOrganisation(_) => "organisation-shape",
            GovernanceRejection::BadValidatorSet(_) => "validator-set",
            GovernanceRejection::PrefixTaken { .. } => "prefix-once",
            GovernanceRejection::UnknownValidator(_) => "validator-exists",
            GovernanceRejection::ReplacementVotes(_) => "replacement-key",
        }
    }
}
