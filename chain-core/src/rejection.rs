//! The rulebook: one variant for each rule that a transaction can break. Codes are stable and
//! never reused; clients may match on them. (When *we* fail it is a [`crate::Fault`].)
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::ledger::Role;

use crate::custody::limits::{MAX_OFFER_DAYS, MAX_STATEMENT_BYTES};
use crate::designs::design::{MAX_FILES, MAX_TITLE_BYTES};
use crate::encoding::Malformed;
use crate::governance::organisation::BadOrganisation;
use crate::governance::role;
use crate::governance::validators::BadValidatorSet;
use crate::signing::BadKey;
use touchstone_epcis::EpcisError;

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
    #[error("organisation {organisation:?} has none of the roles that may do this: {}", role::names(.allowed))]
    Role {
        /// The organisation.
        organisation: String,
        /// Roles that may.
        allowed: &'static [Role],
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
    /// Only the holder acts on an item; observers add findings.
    #[error("{item} is held by {holder}; only the holder appends this: take it over, or claim it")]
    NotHolder {
        /// Index in the transaction.
        index: u32,
        /// The item.
        item: String,
        /// Who holds it.
        holder: String,
    },
    /// Customs, inspections and laboratories only observe what others hold.
    #[error("{item}: an organisation that only observes appends findings (action OBSERVE) alone")]
    OnlyFindings {
        /// Index in the transaction.
        index: u32,
        /// The item.
        item: String,
    },
    /// Commissioned under somebody else's GS1 company prefix.
    #[error(
        "the GS1 company prefix of {item} is registered with {holder}; only that commissions under it"
    )]
    ForeignPrefix {
        /// Index in the transaction.
        index: u32,
        /// The item or class.
        item: String,
        /// Whose prefix it is.
        holder: String,
    },
    /// Commissioned twice.
    #[error("{item} is already commissioned; a thing begins once")]
    AlreadyCommissioned {
        /// Index in the transaction.
        index: u32,
        /// The item.
        item: String,
    },
    /// Something after the end of a life.
    #[error("{item} is {how}; only a correction, or the return of what was sold, may follow")]
    LifeEnded {
        /// Index in the transaction.
        index: u32,
        /// The item.
        item: String,
        /// How its life, or that of a container around it, ended.
        how: &'static str,
    },
    /// A packed item acts alone.
    #[error(
        "{item} is packed in {container}: it isn't shipped, handed over or ended alone; unpack it first"
    )]
    PackedItem {
        /// Index in the transaction.
        index: u32,
        /// The item.
        item: String,
        /// Where it is.
        container: String,
    },
    /// An item changes while it is offered.
    #[error("{item} is offered to {to}; withdraw the offer or wait for the answer")]
    Offered {
        /// Index in the transaction.
        index: u32,
        /// The item.
        item: String,
        /// Whom it is offered to.
        to: String,
    },
    /// Offered to nobody who could take it.
    #[error(
        "{0:?} can't take anything over: offer to another enrolled organisation that may hold goods"
    )]
    InvalidReceiver(String),
    /// An offer's time to answer.
    #[error(
        "an offer's deadline is after the block's time and at most {max} days later",
        max = MAX_OFFER_DAYS
    )]
    OfferDeadline,
    /// An offer of nothing.
    #[error(
        "the events name nothing that could be handed over; name the container or the loose items"
    )]
    NothingOffered,
    /// No such offer.
    #[error("{} is not an offer", hex::encode(.0))]
    UnknownOffer(Vec<u8>),
    /// The offer is no longer open.
    #[error("the offer is {0}; make another")]
    OfferClosed(&'static str),
    /// Answered by somebody else.
    #[error("only {0:?} gives this answer to the offer")]
    WrongAnswerParty(String),
    /// The answer's events leave out what was offered.
    #[error(
        "{0} was offered, and the answer's events don't name it; name it, or accept with a discrepancy"
    )]
    AnswerLeavesOut(String),
    /// Outcome and discrepancy don't fit.
    #[error(
        "a discrepancy of 1 to {max} bytes is stated with that outcome, and only with it",
        max = MAX_STATEMENT_BYTES
    )]
    AnswerShape,
    /// Too many open offers.
    #[error("the organisation has {0} open offers; wait for answers or withdraw some")]
    TooManyOffers(usize),
    /// A correction names other things than the event that it corrects.
    #[error(
        "the event {event_id} is about other things; a correction repeats the event with its eventID"
    )]
    CorrectsOtherItems {
        /// Index in the transaction.
        index: u32,
        /// The id of the event to correct.
        event_id: String,
    },
    /// One `eventID` for two events of an organisation.
    #[error(
        "the eventID {event_id:?} names the event of this organisation at height {height}; give \
         this one an id of its own"
    )]
    EventIdUsed {
        /// Index in the transaction.
        index: u32,
        /// The id.
        event_id: String,
        /// Height of the block that holds the event which it names.
        height: u64,
    },
    /// A quantity of a class that the ledger keeps account of.
    #[error("the quantity of {product} can't be used: {problem}")]
    QuantityUnusable {
        /// Index in the transaction.
        index: u32,
        /// The class.
        product: String,
        /// What is wrong with it.
        problem: String,
    },
    /// More of a lot is used up than there is.
    #[error("the organisation has {has} of {product}, and can't use, end or hand over more")]
    NotEnough {
        /// Index in the transaction.
        index: u32,
        /// The class.
        product: String,
        /// How much it has.
        has: String,
    },
    /// More comes out of a transformation than goes in.
    #[error("by the declared yields, the outputs need inputs of {needed}, and {given} are given")]
    MassBalance {
        /// Index in the transaction.
        index: u32,
        /// Inputs needed.
        needed: String,
        /// Inputs given.
        given: String,
    },
    /// A product's declaration is wrong.
    #[error(
        "a product is a GS1 class in canonical form, with a yield above 0 in KGM, LTR, another unit or pieces"
    )]
    ProductShape,
    /// A claim of nothing that others hold.
    #[error("the events name nothing that somebody else holds; record them without a claim")]
    NothingClaimed,
    /// A claim's reason.
    #[error(
        "a claim states its reason in 1 to {max} bytes without control characters",
        max = MAX_STATEMENT_BYTES
    )]
    ClaimReason,
    /// Too many claims.
    #[error("{item} is claimed by {limit} organisations already")]
    TooManyClaims {
        /// The item.
        item: String,
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
        "a design has 1 to {files} files and a title of at most {title} bytes without control characters",
        files = MAX_FILES,
        title = MAX_TITLE_BYTES
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
            Rejection::NotHolder { .. } => 307,
            Rejection::OnlyFindings { .. } => 308,
            Rejection::ForeignPrefix { .. } => 309,
            Rejection::AlreadyCommissioned { .. } => 310,
            Rejection::LifeEnded { .. } => 311,
            Rejection::PackedItem { .. } => 312,
            Rejection::Offered { .. } => 313,
            Rejection::InvalidReceiver(_) => 320,
            Rejection::OfferDeadline => 321,
            Rejection::NothingOffered => 322,
            Rejection::UnknownOffer(_) => 323,
            Rejection::OfferClosed(_) => 324,
            Rejection::WrongAnswerParty(_) => 325,
            Rejection::AnswerLeavesOut(_) => 326,
            Rejection::AnswerShape => 327,
            Rejection::TooManyOffers(_) => 328,
            Rejection::NothingClaimed => 329,
            Rejection::ClaimReason => 330,
            Rejection::TooManyClaims { .. } => 331,
            Rejection::CorrectsOtherItems { .. } => 340,
            Rejection::EventIdUsed { .. } => 341,
            Rejection::QuantityUnusable { .. } => 350,
            Rejection::NotEnough { .. } => 351,
            Rejection::MassBalance { .. } => 352,
            Rejection::ProductShape => 353,
            Rejection::AlreadyDeposited(_) => 400,
            Rejection::UnknownDesign(_) => 401,
            Rejection::AlreadyDisclosed(_) => 402,
            Rejection::WrongOpening(_) => 403,
            Rejection::NotTheOwner(_) => 404,
            Rejection::DesignShape => 405,
            Rejection::BadKey { .. } => 500,
            Rejection::KeyTaken(_) => 501,
            Rejection::KeyNotInUse(_) => 502,
            Rejection::WouldLeaveNoKey => 503,
            Rejection::EmptyChange => 504,
            Rejection::NotAGovernor(_) => 505,
            Rejection::AlreadyApproved(_) => 506,
            Rejection::AlreadyEffective(_) => 507,
            Rejection::BadOrganisation(_) => 508,
            Rejection::BadValidatorSet(_) => 509,
            Rejection::UnknownValidator(_) => 510,
            Rejection::BadCompromise(_) => 511,
            Rejection::PrefixTaken { .. } => 512,
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
            Rejection::NotHolder { .. } => "holder",
            Rejection::OnlyFindings { .. } => "only-findings",
            Rejection::ForeignPrefix { .. } => "prefix-holder",
            Rejection::AlreadyCommissioned { .. } => "commission-once",
            Rejection::LifeEnded { .. } => "life-ended",
            Rejection::PackedItem { .. } => "unpack-first",
            Rejection::Offered { .. } => "open-offer",
            Rejection::InvalidReceiver(_) => "offer-receiver",
            Rejection::OfferDeadline => "offer-deadline",
            Rejection::NothingOffered => "offer-items",
            Rejection::UnknownOffer(_) => "offer-exists",
            Rejection::OfferClosed(_) => "offer-open",
            Rejection::WrongAnswerParty(_) => "answer-party",
            Rejection::AnswerLeavesOut(_) => "answer-items",
            Rejection::AnswerShape => "answer-shape",
            Rejection::TooManyOffers(_) => "offer-count",
            Rejection::NothingClaimed => "claim-items",
            Rejection::ClaimReason => "claim-reason",
            Rejection::TooManyClaims { .. } => "claim-count",
            Rejection::CorrectsOtherItems { .. } => "correction-items",
            Rejection::EventIdUsed { .. } => "event-id-once",
            Rejection::QuantityUnusable { .. } => "quantity",
            Rejection::NotEnough { .. } => "stock",
            Rejection::MassBalance { .. } => "mass-balance",
            Rejection::ProductShape => "product-shape",
            Rejection::AlreadyDeposited(_) => "deposit-once",
            Rejection::UnknownDesign(_) => "design-exists",
            Rejection::AlreadyDisclosed(_) => "disclose-once",
            Rejection::WrongOpening(_) => "opening-fits",
            Rejection::NotTheOwner(_) => "owner-discloses",
            Rejection::DesignShape => "design-shape",
            Rejection::BadKey { .. } => "usable-key",
            Rejection::KeyTaken(_) => "key-once",
            Rejection::KeyNotInUse(_) => "key-in-use",
            Rejection::WouldLeaveNoKey => "last-key",
            Rejection::EmptyChange => "empty-change",
            Rejection::NotAGovernor(_) => "governor",
            Rejection::AlreadyApproved(_) => "approve-once",
            Rejection::AlreadyEffective(_) => "change-once",
            Rejection::BadOrganisation(_) => "organisation-shape",
            Rejection::BadValidatorSet(_) => "validator-set",
            Rejection::UnknownValidator(_) => "validator-exists",
            Rejection::BadCompromise(_) => "compromise-report",
            Rejection::PrefixTaken { .. } => "prefix-once",
        }
    }

    /// Index of the offending event, where one is to blame.
    pub fn event_index(&self) -> Option<u32> {
        match self {
            Rejection::Event { index, .. }
            | Rejection::AlreadyPacked { index, .. }
            | Rejection::NotPacked { index, .. }
            | Rejection::PackingCycle { index, .. }
            | Rejection::PackingTooDeep { index, .. }
            | Rejection::NotHolder { index, .. }
            | Rejection::OnlyFindings { index, .. }
            | Rejection::ForeignPrefix { index, .. }
            | Rejection::AlreadyCommissioned { index, .. }
            | Rejection::LifeEnded { index, .. }
            | Rejection::PackedItem { index, .. }
            | Rejection::Offered { index, .. }
            | Rejection::CorrectsOtherItems { index, .. }
            | Rejection::EventIdUsed { index, .. }
            | Rejection::QuantityUnusable { index, .. }
            | Rejection::NotEnough { index, .. }
            | Rejection::MassBalance { index, .. } => Some(*index),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
