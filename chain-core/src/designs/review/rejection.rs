//! Why the rules of public reviews refuse a transaction: codes 480 to 499, 821 to 825, and 859 to 863.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::jurors::MAX_JURORS;
use crate::governance::beacon::BadPulse;

/// Which rule of public reviews a transaction breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReviewRejection {
    // 48x and 49x: public reviews
    /// No list of jurors, or none in time.
    #[error(
        "{0:?} had registered no jurors before the notice; a list registered since serves later disputes"
    )]
    NoJurors(String),
    /// No juror, or too many.
    #[error("a list has 1 to {most} jurors", most = MAX_JURORS)]
    JurorCount,
    /// A list that is too short.
    #[error("the list has {count} jurors; a panel, that of an appeal and alternates take {needed}")]
    TooFewJurors {
        /// Jurors of the list.
        count: u32,
        /// Jurors needed.
        needed: u32,
    },
    /// A panel for the same question before.
    #[error(
        "dispute {} had the one panel for this right, respondent and ground",
        hex::encode(.0)
    )]
    ReviewedBefore([u8; 32]),
    /// No question.
    #[error("a review has a ground: similarity, existing design, authorisation or lawful source")]
    NoGround,
    /// Nothing to draw from.
    #[error(
        "validators of more than 2/3 of the voting power must have hash chains before a panel can be drawn; the \
         consortium registers them by vote"
    )]
    NoHashChains,
    /// The queue is full.
    #[error("too many reviews wait for a draw; try again after the next one")]
    TooManyReviews,
    /// Nothing under way.
    #[error("no draw takes values in this block")]
    NoDraw,
    /// No value of this validator is waited for.
    #[error("{} is no validator with a hash chain in this draw", hex::encode(.0))]
    NotInDraw([u8; 32]),
    /// Twice.
    #[error("validator {} has revealed its value for this draw", hex::encode(.0))]
    RevealedBefore([u8; 32]),
    /// Another value.
    #[error(
        "the SHA-256 of this value is not the tip of the hash chain of validator {}",
        hex::encode(.0)
    )]
    WrongValue([u8; 32]),
    /// The review waits for something else.
    #[error("the review is {0}: this can't be done in that phase")]
    OtherReviewPhase(&'static str),
    /// For another panel.
    #[error(
        "the ballot is for another panel; instance {0} is under way (0 the first, 1 the appeal)"
    )]
    OtherInstance(u32),
    /// Not on the panel.
    #[error("juror {0} was not drawn for this panel")]
    NotDrawn(u32),
    /// No such juror.
    #[error(
        "key, organisation and path don't show juror {0} of the list that the panel was drawn from"
    )]
    NotListed(u32),
    /// A conflict of interest.
    #[error(
        "the juror belongs to {0:?}, a party or the platform of the dispute; an alternate takes the seat"
    )]
    JurorOfParty(String),
    /// Not signed by the juror.
    #[error("the signature is not by juror {0} over exactly this, for this chain")]
    NotByJuror(u32),
    /// A key with two seats.
    #[error("this key votes as juror {0} in the review; a key has one seat")]
    KeySeated(u32),
    /// A ballot that was sent before.
    #[error("ballot {0} of this juror stands; one that replaces it has a greater revision")]
    OldBallot(u32),
    /// Opened too early.
    #[error("the ballot of juror {0} is void: its opening was shown before its time")]
    BallotVoid(u32),
    // 82x: ballots of public reviews
    /// Nothing to void.
    #[error("juror {0} has cast no ballot that could be void")]
    NoBallot(u32),
    /// Another opening.
    #[error("choice and salt don't open the ballot of juror {0}")]
    WrongBallotOpening(u32),
    /// Twice.
    #[error("the ballot of juror {0} is open already")]
    OpenedBefore(u32),
    /// An alternate that wasn't needed, or no ballot.
    #[error("juror {0} cast no ballot in time, or is an alternate whose ballot isn't counted")]
    NotCounted(u32),
    /// Neither of the two.
    #[error("a vote upholds the notice or dismisses it")]
    NoChoice,
    // 859 to 863: pulses of a public beacon
    /// Nothing waits for one.
    #[error("no draw waits for a beacon's pulse: its values are not all in, or it is over")]
    NoPulseAwaited,
    /// Too late.
    #[error("the draw waited for the beacon's pulse up to {0}, and goes on without it")]
    PulseLate(String),
    /// Another pulse.
    #[error("the draw takes the pulse of {time} on chain {chain}; this is another one")]
    OtherPulse {
        /// Time of the pulse that the draw takes.
        time: String,
        /// Its chain.
        chain: u64,
    },
    /// A field that no pulse of this format has.
    #[error("{0} of the pulse is not as the NIST Randomness Beacon 2.0 has it")]
    PulseField(&'static str),
    /// Not signed by the beacon.
    #[error("the signature is not by the beacon's key over exactly this pulse")]
    PulseSignature,
}

impl From<BadPulse> for ReviewRejection {
    fn from(bad: BadPulse) -> ReviewRejection {
        match bad {
            BadPulse::Other { time, chain } => ReviewRejection::OtherPulse { time, chain },
            BadPulse::Field(name) => ReviewRejection::PulseField(name),
            BadPulse::Signature => ReviewRejection::PulseSignature,
        }
    }
}

impl ReviewRejection {
    /// The stable code.
    pub fn code(&self) -> u32 {
        match self {
            ReviewRejection::NoJurors(_) => 480,
            ReviewRejection::JurorCount => 481,
            ReviewRejection::TooFewJurors { .. } => 482,
            ReviewRejection::ReviewedBefore(_) => 483,
            ReviewRejection::NoGround => 484,
            ReviewRejection::NoHashChains => 485,
            ReviewRejection::TooManyReviews => 486,
            ReviewRejection::NoDraw => 487,
            ReviewRejection::NotInDraw(_) => 488,
            ReviewRejection::RevealedBefore(_) => 489,
            ReviewRejection::WrongValue(_) => 490,
            ReviewRejection::OtherReviewPhase(_) => 491,
            ReviewRejection::OtherInstance(_) => 492,
            ReviewRejection::NotDrawn(_) => 493,
            ReviewRejection::NotListed(_) => 494,
            ReviewRejection::JurorOfParty(_) => 495,
            ReviewRejection::NotByJuror(_) => 496,
            ReviewRejection::KeySeated(_) => 497,
            ReviewRejection::OldBallot(_) => 498,
            ReviewRejection::BallotVoid(_) => 499,
            ReviewRejection::NoBallot(_) => 821,
            ReviewRejection::WrongBallotOpening(_) => 822,
            ReviewRejection::OpenedBefore(_) => 823,
            ReviewRejection::NotCounted(_) => 824,
            ReviewRejection::NoChoice => 825,
            ReviewRejection::NoPulseAwaited => 859,
            ReviewRejection::PulseLate(_) => 860,
            ReviewRejection::OtherPulse { .. } => 861,
            ReviewRejection::PulseField(_) => 862,
            ReviewRejection::PulseSignature => 863,
        }
    }

    /// The name of the rule that is broken.
    pub fn rule(&self) -> &'static str {
        match self {
            ReviewRejection::NoJurors(_) => "jurors-before-notice",
            ReviewRejection::JurorCount => "juror-count",
            ReviewRejection::TooFewJurors { .. } => "jurors-enough",
            ReviewRejection::ReviewedBefore(_) => "review-once",
            ReviewRejection::NoGround => "review-ground",
            ReviewRejection::NoHashChains => "hash-chains",
            ReviewRejection::TooManyReviews => "draw-queue",
            ReviewRejection::NoDraw => "draw-under-way",
            ReviewRejection::NotInDraw(_) => "draw-validator",
            ReviewRejection::RevealedBefore(_) => "reveal-once",
            ReviewRejection::WrongValue(_) => "hash-chain-value",
            ReviewRejection::OtherReviewPhase(_) => "review-phase",
            ReviewRejection::OtherInstance(_) => "ballot-instance",
            ReviewRejection::NotDrawn(_) => "juror-drawn",
            ReviewRejection::NotListed(_) => "juror-listed",
            ReviewRejection::JurorOfParty(_) => "juror-free",
            ReviewRejection::NotByJuror(_) => "juror-signature",
            ReviewRejection::KeySeated(_) => "juror-once",
            ReviewRejection::OldBallot(_) => "ballot-order",
            ReviewRejection::BallotVoid(_) => "ballot-void",
            ReviewRejection::NoBallot(_) => "ballot-cast",
            ReviewRejection::WrongBallotOpening(_) => "ballot-opening",
            ReviewRejection::OpenedBefore(_) => "open-once",
            ReviewRejection::NotCounted(_) => "ballot-counted",
            ReviewRejection::NoChoice => "ballot-choice",
            ReviewRejection::NoPulseAwaited => "pulse-awaited",
            ReviewRejection::PulseLate(_) => "pulse-in-time",
            ReviewRejection::OtherPulse { .. } => "pulse-named",
            ReviewRejection::PulseField(_) => "pulse-field",
            ReviewRejection::PulseSignature => "pulse-signature",
        }
    }
}
