//! The rulebook: one variant for each rule that a transaction can break. Codes are stable and
//! never reused; clients may match on them. (When *we* fail it is a [`crate::Fault`].)
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::ledger::Role;

use crate::custody::CustodyRejection;
use crate::designs::{
    CaseRejection, DesignRejection, FeatureRejection, ReviewRejection, RouteRejection,
};
use crate::encoding::Malformed;
use crate::governance::GovernanceRejection;
use crate::governance::organisation::BadOrganisation;
use crate::governance::parameters::MAX_AHEAD_MS;
use crate::governance::role;
use crate::governance::validators::BadValidatorSet;
use crate::master_data::MasterDataRejection;

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
    /// Its lifetime was over before the block's time: no later block takes it.
    #[error(
        "the transaction was created at {created_ms} and expired {lifetime_ms} ms later; the time is {time_ms} \
         (milliseconds since 1970): sign it anew; if it was signed just now, set this machine's clock"
    )]
    Expired {
        /// When it was created, milliseconds since 1970-01-01T00:00:00Z.
        created_ms: u64,
        /// The chain's lifetime of transactions, milliseconds.
        lifetime_ms: u64,
        /// Time of the block, milliseconds.
        time_ms: u64,
    },
    /// Created later than the block's time, by more than clocks may differ.
    #[error(
        "the transaction was created at {created_ms}, more than {limit} ms after {time_ms} (milliseconds since \
         1970): set this machine's clock and sign it anew",
        limit = MAX_AHEAD_MS
    )]
    FromTheFuture {
        /// When it was created, milliseconds since 1970-01-01T00:00:00Z.
        created_ms: u64,
        /// Time of the block, milliseconds.
        time_ms: u64,
    },

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
    #[error("organisation {organisation:?} has none of the roles that may do this: {}", role::names(.allowed))]
    Role {
        /// The organisation.
        organisation: String,
        /// Roles that may.
        allowed: &'static [Role],
    },

    // the rules of each domain
    /// A rule of custody.
    #[error(transparent)]
    Custody(#[from] CustodyRejection),
    /// A rule of designs.
    #[error(transparent)]
    Design(#[from] DesignRejection),
    /// A rule of published features.
    #[error(transparent)]
    Feature(#[from] FeatureRejection),
    /// A rule of public reviews.
    #[error(transparent)]
    Review(#[from] ReviewRejection),
    /// A rule of checks, hand-overs and sanctions.
    #[error(transparent)]
    Case(#[from] CaseRejection),
    /// A rule of the three routes of a dispute.
    #[error(transparent)]
    Route(#[from] RouteRejection),
    /// A rule of the consortium.
    #[error(transparent)]
    Governance(#[from] GovernanceRejection),
    /// A rule of master data.
    #[error(transparent)]
    MasterData(#[from] MasterDataRejection),
}

impl From<BadOrganisation> for Rejection {
    fn from(bad: BadOrganisation) -> Rejection {
        GovernanceRejection::from(bad).into()
    }
}

impl From<BadValidatorSet> for Rejection {
    fn from(bad: BadValidatorSet) -> Rejection {
        GovernanceRejection::from(bad).into()
    }
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
            Rejection::Expired { .. } => 107,
            Rejection::FromTheFuture { .. } => 108,
            Rejection::UnknownOrganisation(_) => 200,
            Rejection::ForeignKey { .. } => 201,
            Rejection::KeyNotValid { .. } => 202,
            Rejection::Role { .. } => 203,
            Rejection::Custody(rejection) => rejection.code(),
            Rejection::Design(rejection) => rejection.code(),
            Rejection::Feature(rejection) => rejection.code(),
            Rejection::Review(rejection) => rejection.code(),
            Rejection::Case(rejection) => rejection.code(),
            Rejection::Route(rejection) => rejection.code(),
            Rejection::Governance(rejection) => rejection.code(),
            Rejection::MasterData(rejection) => rejection.code(),
        }
    }

    /// The name of the rule that is broken.
    pub fn rule(&self) -> &'static str {
        match self {
            Rejection::Malformed(_) => "canonical-encoding",
            Rejection::TransactionTooLarge { .. } => "transaction-size",
            Rejection::SignatureCount { .. } => "one-signature",
            Rejection::NoAction => "known-action",
            Rejection::BadSignature { .. } => "signature",
            Rejection::AlreadyCommitted => "no-replay",
            Rejection::PoolFull => "pool-capacity",
            Rejection::Expired { .. } => "transaction-lifetime",
            Rejection::FromTheFuture { .. } => "transaction-from-the-future",
            Rejection::UnknownOrganisation(_) => "enrolled-organisation",
            Rejection::ForeignKey { .. } => "own-key",
            Rejection::KeyNotValid { .. } => "key-validity",
            Rejection::Role { .. } => "role",
            Rejection::Custody(rejection) => rejection.rule(),
            Rejection::Design(rejection) => rejection.rule(),
            Rejection::Feature(rejection) => rejection.rule(),
            Rejection::Review(rejection) => rejection.rule(),
            Rejection::Case(rejection) => rejection.rule(),
            Rejection::Route(rejection) => rejection.rule(),
            Rejection::Governance(rejection) => rejection.rule(),
            Rejection::MasterData(rejection) => rejection.rule(),
        }
    }

    /// Index of the offending event, where one is to blame.
    pub fn event_index(&self) -> Option<u32> {
        match self {
            Rejection::Custody(rejection) => rejection.event_index(),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
