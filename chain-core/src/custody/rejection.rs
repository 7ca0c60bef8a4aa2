//! Why the rules of custody refuse a transaction: codes 300 to 399.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_epcis::EpcisError;

use super::limits::{MAX_OFFER_DAYS, MAX_STATEMENT_BYTES};

/// Which rule of custody a transaction breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CustodyRejection {
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
    /// Packed in what nobody holds.
    #[error(
        "nobody holds {container}, so nothing is packed in it: name a place as the event's bizLocation"
    )]
    NotAContainer {
        /// Index in the transaction.
        index: u32,
        /// The place, party or relation of service.
        container: String,
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
    /// A second correction of one event.
    #[error("the event {event_id} was declared wrong before; once is enough")]
    DeclaredWrongBefore {
        /// Index in the transaction.
        index: u32,
        /// The id of the event to correct.
        event_id: String,
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
    /// A second claim of one item.
    #[error("you claim {0} already; the claim stands until a handover to you settles it")]
    ClaimStands(String),
}

impl CustodyRejection {
    /// The stable code.
    pub fn code(&self) -> u32 {
        match self {
            CustodyRejection::EventCount { .. } => 300,
            CustodyRejection::Event { .. } => 301,
            CustodyRejection::AlreadyPacked { .. } => 302,
            CustodyRejection::NotPacked { .. } => 303,
            CustodyRejection::PackingCycle { .. } => 304,
            CustodyRejection::PackingTooDeep { .. } => 305,
            CustodyRejection::TooManyItems { .. } => 306,
            CustodyRejection::NotHolder { .. } => 307,
            CustodyRejection::OnlyFindings { .. } => 308,
            CustodyRejection::ForeignPrefix { .. } => 309,
            CustodyRejection::AlreadyCommissioned { .. } => 310,
            CustodyRejection::LifeEnded { .. } => 311,
            CustodyRejection::PackedItem { .. } => 312,
            CustodyRejection::Offered { .. } => 313,
            CustodyRejection::NotAContainer { .. } => 314,
            CustodyRejection::InvalidReceiver(_) => 320,
            CustodyRejection::OfferDeadline => 321,
            CustodyRejection::NothingOffered => 322,
            CustodyRejection::UnknownOffer(_) => 323,
            CustodyRejection::OfferClosed(_) => 324,
            CustodyRejection::WrongAnswerParty(_) => 325,
            CustodyRejection::AnswerLeavesOut(_) => 326,
            CustodyRejection::AnswerShape => 327,
            CustodyRejection::TooManyOffers(_) => 328,
            CustodyRejection::CorrectsOtherItems { .. } => 340,
            CustodyRejection::EventIdUsed { .. } => 341,
            CustodyRejection::QuantityUnusable { .. } => 350,
            CustodyRejection::NotEnough { .. } => 351,
            CustodyRejection::MassBalance { .. } => 352,
            CustodyRejection::ProductShape => 353,
            CustodyRejection::NothingClaimed => 329,
            CustodyRejection::ClaimReason => 330,
            CustodyRejection::TooManyClaims { .. } => 331,
            CustodyRejection::ClaimStands(_) => 332,
            CustodyRejection::DeclaredWrongBefore { .. } => 342,
        }
    }

    /// The name of the rule that is broken.
    pub fn rule(&self) -> &'static str {
        match self {
            CustodyRejection::EventCount { .. } => "event-count",
            CustodyRejection::Event { error, .. } => error.rule.code(),
            CustodyRejection::AlreadyPacked { .. } => "one-container",
            CustodyRejection::NotPacked { .. } => "unpack-from-container",
            CustodyRejection::PackingCycle { .. } => "no-packing-cycle",
            CustodyRejection::PackingTooDeep { .. } => "packing-depth",
            CustodyRejection::TooManyItems { .. } => "item-count",
            CustodyRejection::NotHolder { .. } => "holder",
            CustodyRejection::OnlyFindings { .. } => "only-findings",
            CustodyRejection::ForeignPrefix { .. } => "prefix-holder",
            CustodyRejection::AlreadyCommissioned { .. } => "commission-once",
            CustodyRejection::LifeEnded { .. } => "life-ended",
            CustodyRejection::PackedItem { .. } => "unpack-first",
            CustodyRejection::Offered { .. } => "open-offer",
            CustodyRejection::NotAContainer { .. } => "packing-container",
            CustodyRejection::InvalidReceiver(_) => "offer-receiver",
            CustodyRejection::OfferDeadline => "offer-deadline",
            CustodyRejection::NothingOffered => "offer-items",
            CustodyRejection::UnknownOffer(_) => "offer-exists",
            CustodyRejection::OfferClosed(_) => "offer-open",
            CustodyRejection::WrongAnswerParty(_) => "answer-party",
            CustodyRejection::AnswerLeavesOut(_) => "answer-items",
            CustodyRejection::AnswerShape => "answer-shape",
            CustodyRejection::TooManyOffers(_) => "offer-count",
            CustodyRejection::CorrectsOtherItems { .. } => "correction-items",
            CustodyRejection::EventIdUsed { .. } => "event-id-once",
            CustodyRejection::QuantityUnusable { .. } => "quantity",
            CustodyRejection::NotEnough { .. } => "stock",
            CustodyRejection::MassBalance { .. } => "mass-balance",
            CustodyRejection::ProductShape => "product-shape",
            CustodyRejection::NothingClaimed => "claim-items",
            CustodyRejection::ClaimReason => "claim-reason",
            CustodyRejection::TooManyClaims { .. } => "claim-count",
            CustodyRejection::ClaimStands(_) => "claim-once",
            CustodyRejection::DeclaredWrongBefore { .. } => "correction-once",
        }
    }

    /// Index of the offending event, where one is to blame.
    pub fn event_index(&self) -> Option<u32> {
        match self {
            CustodyRejection::Event { index, .. }
            | CustodyRejection::AlreadyPacked { index, .. }
            | CustodyRejection::NotPacked { index, .. }
            | CustodyRejection::PackingCycle { index, .. }
            | CustodyRejection::PackingTooDeep { index, .. }
            | CustodyRejection::NotHolder { index, .. }
            | CustodyRejection::OnlyFindings { index, .. }
            | CustodyRejection::ForeignPrefix { index, .. }
            | CustodyRejection::AlreadyCommissioned { index, .. }
            | CustodyRejection::LifeEnded { index, .. }
            | CustodyRejection::PackedItem { index, .. }
            | CustodyRejection::Offered { index, .. }
            | CustodyRejection::NotAContainer { index, .. }
            | CustodyRejection::CorrectsOtherItems { index, .. }
            | CustodyRejection::EventIdUsed { index, .. }
            | CustodyRejection::DeclaredWrongBefore { index, .. }
            | CustodyRejection::QuantityUnusable { index, .. }
            | CustodyRejection::NotEnough { index, .. }
            | CustodyRejection::MassBalance { index, .. } => Some(*index),
            _ => None,
        }
    }
}
