//! Why the rules of the consortium refuse a transaction: codes 500 to 599, and 820.
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
    /// The consortium suspended the organisation.
    #[error(
        "organisation {organisation:?} is suspended since height {height} by the consortium's vote; what it signed \
         before stays valid"
    )]
    Suspended {
        /// The organisation.
        organisation: String,
        /// Height of the block with the vote.
        height: u64,
    },
    /// The consortium removed the organisation.
    #[error(
        "organisation {0:?} was removed by the consortium's vote, which is for ever; enrol another id"
    )]
    Removed(String),
    /// New details of an enrolled organisation with other keys than it uses.
    #[error(
        "key {} is in use by {organisation:?} or in its new details, and not in both; details don't change keys: the \
         organisation itself does, or the consortium recovers them",
        hex::encode(.key)
    )]
    KeysAreItsOwn {
        /// The organisation.
        organisation: String,
        /// A key that stands in one of the two only.
        key: Vec<u8>,
    },
    /// Removing an organisation that runs a validator.
    #[error("organisation {0:?} runs a validator; remove its validators first")]
    RunsValidator(String),
    /// Nothing could be decided any more.
    #[error(
        "after this change, organisations that may act would hold no more than 2/3 of the voting power, and nothing \
         could be decided any more"
    )]
    WouldEndGovernance,
    /// A parameter out of its range, or one that the rule sets.
    #[error("parameter {0} is out of its range (docs/format.md), or not yours to set")]
    ParameterRange(&'static str),
    /// A parameter that stays as genesis has it.
    #[error(
        "parameter {0} stays as the genesis document has it: it bounds the error of the time that certificates name"
    )]
    ParameterFixed(&'static str),
    /// A version of the rules that doesn't follow, or comes too soon.
    #[error(
        "version {version} of the rules from height {from_height} on can't follow version {now}: the next one may, \
         from height {least} on; or version {now} at height 0, which takes back what was to come"
    )]
    BadProtocol {
        /// The version that was voted.
        version: u32,
        /// The version in force.
        now: u32,
        /// The height that was voted.
        from_height: u64,
        /// The least height.
        least: u64,
    },
    // 820: terms of public reviews
    /// A term out of its range.
    #[error("term {0} of public reviews is out of its range (docs/disputes.md)")]
    ReviewTerm(&'static str),
    // 864: a public beacon
    /// A key that is too weak or too large.
    #[error("the beacon's key must be RSA of 2048 to 4096 bits with the exponent 65537")]
    BeaconKey,
    // 849: terms of disputes, checks, hand-overs and sanctions
    /// A term out of its range.
    #[error("term {0} of disputes is out of its range (docs/disputes.md)")]
    DisputeTerm(&'static str),
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
            GovernanceRejection::Suspended { .. } => 513,
            GovernanceRejection::Removed(_) => 514,
            GovernanceRejection::KeysAreItsOwn { .. } => 515,
            GovernanceRejection::RunsValidator(_) => 516,
            GovernanceRejection::WouldEndGovernance => 517,
            GovernanceRejection::ParameterRange(_) => 518,
            GovernanceRejection::ParameterFixed(_) => 519,
            GovernanceRejection::BadProtocol { .. } => 520,
            GovernanceRejection::ReviewTerm(_) => 820,
            GovernanceRejection::BeaconKey => 864,
            GovernanceRejection::DisputeTerm(_) => 849,
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
            GovernanceRejection::Suspended { .. } => "not-suspended",
            GovernanceRejection::Removed(_) => "not-removed",
            GovernanceRejection::KeysAreItsOwn { .. } => "details-keep-keys",
            GovernanceRejection::RunsValidator(_) => "no-validator-left",
            GovernanceRejection::WouldEndGovernance => "governable",
            GovernanceRejection::ParameterRange(_) => "parameter-range",
            GovernanceRejection::ParameterFixed(_) => "parameter-fixed",
            GovernanceRejection::BadProtocol { .. } => "protocol-version",
            GovernanceRejection::ReviewTerm(_) => "review-term",
            GovernanceRejection::BeaconKey => "beacon-key",
            GovernanceRejection::DisputeTerm(_) => "dispute-term",
        }
    }
}
