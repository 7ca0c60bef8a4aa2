//! The rulebook: one variant for each rule that a transaction can break. Codes are stable and
//! never reused; clients may match on them. (When *we* fail it is a [`crate::Fault`].)

use thiserror::Error;

use crate::encoding::Malformed;
use crate::epcis::EpcisError;
use crate::model::organisation::BadOrganisation;
use crate::model::validators::BadValidatorSet;
use crate::signing::BadKey;

/// Why a transaction is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Rejection {
    // 1xx: the envelope
    /// Not the canonical encoding.
    #[error("{0}")]
    Malformed(#[from] Malformed),
    /// Too many bytes.
    #[error("the transaction has {bytes} bytes, {limit} are allowed; split it")]
    TransactionTooLarge {
        /// Bytes of the envelope.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// Not exactly one signature.
    #[error("a transaction carries exactly one signature, this one {found}")]
    SignatureCount {
        /// Signatures found.
        found: usize,
    },
    /// No or an unknown action.
    #[error("the transaction names no action that this version knows")]
    NoAction,
    /// The signature doesn't verify for this chain and body.
    #[error("the signature by key {} doesn't hold for this chain and body", hex::encode(.key))]
    BadSignature {
        /// The key named.
        key: [u8; 32],
    },
    /// Already in the chain.
    #[error("the transaction is already committed")]
    AlreadyCommitted,
    /// The node's pool is full.
    #[error("the node holds too many pending transactions; try again shortly")]
    PoolFull,

    // 2xx: who may act
    /// No such organisation.
    #[error("organisation {0:?} is not enrolled")]
    UnknownOrganisation(String),
    /// The key isn't one of the organisation's.
    #[error("key {} doesn't belong to organisation {organisation:?}", hex::encode(.key))]
    ForeignKey {
        /// The key.
        key: [u8; 32],
        /// The organisation named.
        organisation: String,
    },
    /// The key is not valid yet, or no more.
    #[error("key {} may sign from height {from} to {until}, not at {height}", hex::encode(.key))]
    KeyNotValid {
        /// The key.
        key: [u8; 32],
        /// First height.
        from: u64,
        /// Last height; 0: without end.
        until: u64,
        /// Height of the block.
        height: u64,
    },
    /// The organisation lacks the role.
    #[error("organisation {organisation:?} has none of the roles that may do this: {allowed}")]
    Role {
        /// The organisation.
        organisation: String,
        /// Roles that may.
        allowed: &'static str,
    },

    // 3xx: custody events
    /// Empty capture, or too many events.
    #[error("a capture holds 1 to {limit} events, this one {found}")]
    EventCount {
        /// Events found.
        found: usize,
        /// The limit.
        limit: u64,
    },
    /// An event isn't EPCIS 2.0.
    #[error("{error}")]
    Event {
        /// Index in the transaction.
        index: u32,
        /// What is wrong, and where.
        error: EpcisError,
    },
    /// Packed while packed elsewhere.
    #[error("{item} is packed in {container}; unpack it first")]
    AlreadyPacked {
        /// Index in the transaction.
        index: u32,
        /// The item.
        item: String,
        /// Where it is.
        container: String,
    },
    /// Unpacked from where it isn't.
    #[error("{item} is not packed in {container}")]
    NotPacked {
        /// Index in the transaction.
        index: u32,
        /// The item.
        item: String,
        /// The container named.
        container: String,
    },
    /// An item inside itself, at any depth.
    #[error("packing {item} into {container} would put it inside itself")]
    PackingCycle {
        /// Index in the transaction.
        index: u32,
        /// The item.
        item: String,
        /// The container.
        container: String,
    },
    /// Too many containers around a container.
    #[error("{container} is inside too many containers to take anything in")]
    PackingTooDeep {
        /// Index in the transaction.
        index: u32,
        /// The container.
        container: String,
    },

    /// The events name more items than one block may write entries for.
    #[error("the events name more than {limit} items; split the capture")]
    TooManyItems {
        /// The limit.
        limit: usize,
    },

    // 4xx: designs
    /// This owner deposited this commitment before.
    #[error("design {} is already deposited", hex::encode(.0))]
    AlreadyDeposited([u8; 32]),
    /// No such design.
    #[error("design {} is not deposited", hex::encode(.0))]
    UnknownDesign([u8; 32]),
    /// Disclosed twice.
    #[error("design {} is already disclosed", hex::encode(.0))]
    AlreadyDisclosed([u8; 32]),
    /// The opening doesn't fit.
    #[error("salt and file hashes don't open the commitment of design {}", hex::encode(.0))]
    WrongOpening([u8; 32]),
    /// Disclosed by somebody else.
    #[error("only organisation {0:?} may disclose this design")]
    NotTheOwner(String),
    /// Too many or no files, or too long a title.
    #[error(
        "a design has 1 to 1000 files and a title of at most 256 bytes without control characters"
    )]
    DesignShape,

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
    LastKey,
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
    /// No such validator.
    #[error("{} is not a validator", hex::encode(.0))]
    UnknownValidator([u8; 32]),
}

impl Rejection {
    /// The stable code.
    pub fn code(&self) -> u32 {
        match self {
            Rejection::Malformed(_) => 100,
            Rejection::TransactionTooLarge { .. } => 101,
            Rejection::SignatureCount { .. } => 102,
            Rejection::NoAction => 103,
            Rejection::BadSignature { .. } => 104,
            Rejection::AlreadyCommitted => 105,
            Rejection::PoolFull => 106,
            Rejection::UnknownOrganisation(_) => 200,
            Rejection::ForeignKey { .. } => 201,
            Rejection::KeyNotValid { .. } => 202,
            Rejection::Role { .. } => 203,
            Rejection::EventCount { .. } => 300,
            Rejection::Event { .. } => 301,
            Rejection::AlreadyPacked { .. } => 302,
            Rejection::NotPacked { .. } => 303,
            Rejection::PackingCycle { .. } => 304,
            Rejection::PackingTooDeep { .. } => 305,
            Rejection::TooManyItems { .. } => 306,
            Rejection::AlreadyDeposited(_) => 400,
            Rejection::UnknownDesign(_) => 401,
            Rejection::AlreadyDisclosed(_) => 402,
            Rejection::WrongOpening(_) => 403,
            Rejection::NotTheOwner(_) => 404,
            Rejection::DesignShape => 405,
            Rejection::BadKey { .. } => 500,
            Rejection::KeyTaken(_) => 501,
            Rejection::KeyNotInUse(_) => 502,
            Rejection::LastKey => 503,
            Rejection::EmptyChange => 504,
            Rejection::NotAGovernor(_) => 505,
            Rejection::AlreadyApproved(_) => 506,
            Rejection::AlreadyEffective(_) => 507,
            Rejection::BadOrganisation(_) => 508,
            Rejection::BadValidatorSet(_) => 509,
            Rejection::UnknownValidator(_) => 510,
            Rejection::BadCompromise(_) => 511,
        }
    }

    /// The rule's stable name.
    pub fn rule(&self) -> &'static str {
        match self {
            Rejection::Malformed(_) => "canonical-encoding",
            Rejection::TransactionTooLarge { .. } => "transaction-size",
            Rejection::SignatureCount { .. } => "one-signature",
            Rejection::NoAction => "known-action",
            Rejection::BadSignature { .. } => "signature",
            Rejection::AlreadyCommitted => "no-replay",
            Rejection::PoolFull => "pool-capacity",
            Rejection::UnknownOrganisation(_) => "enrolled-organisation",
            Rejection::ForeignKey { .. } => "own-key",
            Rejection::KeyNotValid { .. } => "key-validity",
            Rejection::Role { .. } => "role",
            Rejection::EventCount { .. } => "event-count",
            Rejection::Event { error, .. } => error.rule.code(),
            Rejection::AlreadyPacked { .. } => "one-container",
            Rejection::NotPacked { .. } => "unpack-from-container",
            Rejection::PackingCycle { .. } => "no-packing-cycle",
            Rejection::PackingTooDeep { .. } => "packing-depth",
            Rejection::TooManyItems { .. } => "item-count",
            Rejection::AlreadyDeposited(_) => "deposit-once",
            Rejection::UnknownDesign(_) => "design-exists",
            Rejection::AlreadyDisclosed(_) => "disclose-once",
            Rejection::WrongOpening(_) => "opening-fits",
            Rejection::NotTheOwner(_) => "owner-discloses",
            Rejection::DesignShape => "design-shape",
            Rejection::BadKey { .. } => "usable-key",
            Rejection::KeyTaken(_) => "key-once",
            Rejection::KeyNotInUse(_) => "key-in-use",
            Rejection::LastKey => "last-key",
            Rejection::EmptyChange => "empty-change",
            Rejection::NotAGovernor(_) => "governor",
            Rejection::AlreadyApproved(_) => "approve-once",
            Rejection::AlreadyEffective(_) => "change-once",
            Rejection::BadOrganisation(_) => "organisation-shape",
            Rejection::BadValidatorSet(_) => "validator-set",
            Rejection::UnknownValidator(_) => "validator-exists",
            Rejection::BadCompromise(_) => "compromise-report",
        }
    }

    /// Index of the offending event, where one is to blame.
    pub fn event_index(&self) -> Option<u32> {
        match self {
            Rejection::Event { index, .. }
            | Rejection::AlreadyPacked { index, .. }
            | Rejection::NotPacked { index, .. }
            | Rejection::PackingCycle { index, .. }
            | Rejection::PackingTooDeep { index, .. } => Some(*index),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
