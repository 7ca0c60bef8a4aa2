//! Why the rules of designs refuse a transaction: codes 400 to 499.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::design::{MAX_FILES, MAX_PICTURES, MAX_TITLE_BYTES};
use super::field::FIELD_PLACES;
use super::limits::{
    MAX_AUTHORS, MAX_DEPTH, MAX_DESIGNERS, MAX_DISCLOSURE_BYTES, MAX_DRAFTS, MAX_LICENCES,
    MAX_MARK_DAYS, MAX_MARK_NAME_BYTES, MAX_NUMBER_BYTES, MAX_OPEN_DISPUTES, MAX_SUBLICENSEES,
    MAX_TERRITORIES, MAX_TRANSFER_DAYS, MAX_VOUCHING_DAYS, MAX_WORDS_BYTES,
};

/// Which rule of designs a transaction breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DesignRejection {
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

    // 459, 463 to 469: fields
    /// Not a view for each file, not a digest for each place, or fields out of order.
    #[error(
        "a design's content has a view for each file, {places} different digests of 32 bytes, and disclosures in the \
         order of their places, each once",
        places = FIELD_PLACES
    )]
    ContentShape,
    /// No disclosure.
    #[error(
        "a field is disclosed as RFC 9901 says: base64url of [salt, name, value], three texts as RFC 8785 writes them, \
         the salt of 128 bits; at most {limit} bytes",
        limit = MAX_DISCLOSURE_BYTES
    )]
    FieldForm,
    /// A field of another name.
    #[error("a design's fields are title, class, description, drafts and author")]
    FieldName,
    /// Empty, too long, or with control characters.
    #[error("the field {name} has 1 to {limit} bytes without control characters")]
    FieldValue {
        /// The field.
        name: &'static str,
        /// Its longest value, bytes.
        limit: usize,
    },
    /// Not of the classification.
    #[error(
        "a Locarno class is written NN-NN: the class from 01 to 32, the subclass from 01 to 99, for example 06-01"
    )]
    LocarnoClass,
    /// The deposit doesn't cover this field.
    #[error(
        "the deposit doesn't cover this field {0}: its digest isn't at a place of that name; there is one title, one \
         class, one description, one head of drafts, and {authors} authors at most",
        authors = MAX_AUTHORS
    )]
    FieldPlace(&'static str),
    /// Another title than the one that the deposit covers.
    #[error("the title of a design with fields is the one that its deposit covers, or is left out")]
    TitleCovered,
    /// Not a head of drafts.
    #[error(
        "the head of drafts is written COUNT:HEAD: 1 to {limit} drafts, 64 digits of lower-case hex",
        limit = MAX_DRAFTS
    )]
    DraftsHead,

    // 42x: look-alikes
    /// Fingerprints of another specification.
    #[error(
        "fingerprints are of the specification {}, not of {}",
        hex::encode(touchstone_pictures::SPECIFICATION),
        hex::encode(.0)
    )]
    UnknownSpecification([u8; 32]),
    /// Too many or no pictures, not in order, or a quality above 100.
    #[error(
        "fingerprints are of 1 to {} files, ascending by their SHA-256, each with qualities of at most 100",
        MAX_PICTURES
    )]
    FingerprintShape,
    /// A fingerprint of a file that isn't the design's.
    #[error("the file with SHA-256 {} is not part of the design", hex::encode(.0))]
    FingerprintOfOtherFile([u8; 32]),
    /// A fingerprint leaks the picture.
    #[error("design {} is not disclosed; fingerprints are published at disclosure or after it", hex::encode(.0))]
    NotDisclosed([u8; 32]),
    /// The first word counts.
    #[error("fingerprints of design {} are published already", hex::encode(.0))]
    AlreadyPublished([u8; 32]),

    // 43x: vouching for designers
    /// An id that isn't below the voucher's.
    #[error(
        "{0:?} is no id for a designer of yours: your own id, a dot, then 2 to 64 lower-case letters, digits and \
         hyphens, starting with a letter"
    )]
    DesignerId(String),
    /// No name, no check, or too long a text.
    #[error(
        "a vouching names the designer and how it was checked, a withdrawal its reason; texts have at most \
         {words} bytes without control characters",
        words = MAX_WORDS_BYTES
    )]
    VouchingShape,
    /// No term, or too long a one.
    #[error(
        "a vouching ends after its block's time, and at most {days} days after it; then check anew",
        days = MAX_VOUCHING_DAYS
    )]
    VouchingTerm,
    /// The key's holder didn't sign for it.
    #[error("key {} didn't sign that it wants to be this designer's on this chain", hex::encode(.0))]
    NoPossession([u8; 32]),
    /// Too many designers.
    #[error("you have vouched for {0} designers; {most} is the most", most = MAX_DESIGNERS)]
    TooManyDesigners(u64),
    /// A later vouching with a key.
    #[error("designer {0:?} has keys of its own already; vouch for it again without one")]
    DesignerHasKeys(String),
    /// Nothing to withdraw.
    #[error("designer {0:?} was never vouched for")]
    NeverVouched(String),
    /// The voucher has taken its word back.
    #[error("{0:?} has withdrawn its word for this designer; it must vouch anew")]
    VouchingWithdrawn(String),
    /// The term is over.
    #[error("the word of {voucher:?} for this designer ended at {until_ms} ms; it must vouch anew")]
    VouchingEnded {
        /// Id of the voucher.
        voucher: String,
        /// The last moment of the term.
        until_ms: u64,
    },
    /// The voucher may not vouch any more.
    #[error("{0:?}, which vouched for this designer, may not vouch any more")]
    NoVoucher(String),

    // 44x: rights on designs
    /// Somebody else's right.
    #[error("only organisation {0:?}, which owns the right, may do this")]
    NotTheRightsOwner(String),
    /// The right is given up.
    #[error("the right was given up; nothing more is granted or passed on under it")]
    RightEnded,
    /// A transfer waits for its answer.
    #[error(
        "the right is offered to {0:?}; withdraw the offer, or wait for the answer or its deadline"
    )]
    TransferOpen(String),
    /// Nobody who could accept.
    #[error(
        "{0:?} can't take the right over: name another organisation that is enrolled or vouched for"
    )]
    TransferTo(String),
    /// No time to answer, or too much.
    #[error(
        "the deadline of a transfer is after its block's time, and at most {days} days after it",
        days = MAX_TRANSFER_DAYS
    )]
    TransferDeadline,
    /// Not the open offer.
    #[error(
        "there is no such transfer to answer: it is answered, withdrawn or void by its deadline"
    )]
    NoSuchTransfer,
    /// Another outcome.
    #[error("a transfer is accepted or rejected by its receiver, or withdrawn by the owner")]
    TransferAnswer,
    /// Somebody else's to say.
    #[error("only organisation {0:?} may say this")]
    NotTheParty(String),
    /// No reason, or too long a one.
    #[error(
        "say why, in 1 to {words} bytes without control characters",
        words = MAX_WORDS_BYTES
    )]
    ReasonShape,

    // 45x: licences
    /// Acts or territories.
    #[error(
        "a licence names acts, and 1 to {most} countries (ISO 3166-1 alpha-2, ascending, each once) or 001 alone, the \
         world",
        most = MAX_TERRITORIES
    )]
    LicenceTerms,
    /// The term.
    #[error("a licence begins with its block or later, and doesn't end before it begins")]
    LicenceTerm,
    /// Sublicences.
    #[error(
        "sublicences are at most {depth} deep, a class gets none to give, and at most {named} sublicensees are named, \
         ascending",
        depth = MAX_DEPTH,
        named = MAX_SUBLICENSEES
    )]
    LicenceDepth,
    /// Nobody who could be licensed.
    #[error(
        "{0:?} can't be licensed: name another organisation, or a platform's or IP office's id and \".*\""
    )]
    Licensee(String),
    /// No such licence of this right.
    #[error("there is no licence {} of this right", hex::encode(.0))]
    UnknownLicence([u8; 32]),
    /// Over, withdrawn or given up.
    #[error("licence {} has ended, or one that it stands on has", hex::encode(.0))]
    LicenceEnded([u8; 32]),
    /// A sublicence allows more than its parent.
    #[error("the {0} of a sublicence must lie within the licence that it stands on")]
    BeyondParent(&'static str),
    /// Two licences for the same.
    #[error("licence {} already covers a part of this; end it first", hex::encode(.0))]
    LicenceOverlap([u8; 32]),
    /// Too many at once.
    #[error("a licensee has at most {most} licences of one right that aren't over", most = MAX_LICENCES)]
    TooManyLicences,

    // 46x: marks
    /// Number, name or classes of a mark.
    #[error(
        "a mark has a number of 1 to {number} ASCII characters without spaces, a name of 1 to {name} bytes, and \
         classes from 1 to 45",
        number = MAX_NUMBER_BYTES,
        name = MAX_MARK_NAME_BYTES
    )]
    MarkShape,
    /// The registration's term.
    #[error(
        "a registration ends after its block's time, and at most {days} days after it",
        days = MAX_MARK_DAYS
    )]
    MarkTerm,
    /// The register's affair.
    #[error("who owns a mark, and whether it stands, the register of {0:?} says; it attests that")]
    OfMark(String),

    // 47x: disputes
    /// No such dispute.
    #[error("there is no dispute {}", hex::encode(.0))]
    UnknownDispute([u8; 32]),
    /// The dispute waits for something else.
    #[error("the dispute is {0}: this can't be done in that phase")]
    OtherPhase(&'static str),
    /// Too late.
    #[error("the deadline of this phase was {0} ms; the dispute ends by default")]
    DisputeDeadline(u64),
    /// No listing, or no other party.
    #[error("a notice names a listing and another party whose it is")]
    NoticeShape,
    /// Not a platform.
    #[error("{0:?} is no platform on this ledger")]
    NoPlatform(String),
    /// Already disputed.
    #[error("dispute {} about this listing is open", hex::encode(.0))]
    DisputeOpen([u8; 32]),
    /// Too many at once.
    #[error("the right has {0} open disputes; {most} is the most", most = MAX_OPEN_DISPUTES)]
    TooManyDisputes(u64),
    /// Nobody who could rule.
    #[error(
        "{0:?} can't rule: name an IP office or court of this ledger that is no party, and its number of the case"
    )]
    NoAuthority(String),
    /// Not a ruling.
    #[error(
        "a ruling upholds or dismisses the notice, or finds it, or an existing declaration, false"
    )]
    NoRuling,
}

impl DesignRejection {
    /// The stable code.
    pub fn code(&self) -> u32 {
        match self {
            DesignRejection::AlreadyDeposited(_) => 400,
            DesignRejection::UnknownDesign(_) => 401,
            DesignRejection::AlreadyDisclosed(_) => 402,
            DesignRejection::WrongOpening(_) => 403,
            DesignRejection::NotTheOwner(_) => 404,
            DesignRejection::DesignShape => 405,
            DesignRejection::ContentShape => 459,
            DesignRejection::FieldForm => 463,
            DesignRejection::FieldName => 464,
            DesignRejection::FieldValue { .. } => 465,
            DesignRejection::LocarnoClass => 466,
            DesignRejection::FieldPlace(_) => 467,
            DesignRejection::TitleCovered => 468,
            DesignRejection::DraftsHead => 469,
            DesignRejection::UnknownSpecification(_) => 420,
            DesignRejection::FingerprintShape => 421,
            DesignRejection::FingerprintOfOtherFile(_) => 422,
            DesignRejection::NotDisclosed(_) => 423,
            DesignRejection::AlreadyPublished(_) => 424,
            DesignRejection::DesignerId(_) => 430,
            DesignRejection::VouchingShape => 431,
            DesignRejection::VouchingTerm => 432,
            DesignRejection::NoPossession(_) => 433,
            DesignRejection::TooManyDesigners(_) => 434,
            DesignRejection::DesignerHasKeys(_) => 435,
            DesignRejection::NeverVouched(_) => 436,
            DesignRejection::VouchingWithdrawn(_) => 437,
            DesignRejection::VouchingEnded { .. } => 438,
            DesignRejection::NoVoucher(_) => 439,
            DesignRejection::NotTheRightsOwner(_) => 440,
            DesignRejection::RightEnded => 441,
            DesignRejection::TransferOpen(_) => 442,
            DesignRejection::TransferTo(_) => 443,
            DesignRejection::TransferDeadline => 444,
            DesignRejection::NoSuchTransfer => 445,
            DesignRejection::TransferAnswer => 446,
            DesignRejection::NotTheParty(_) => 447,
            DesignRejection::ReasonShape => 448,
            DesignRejection::LicenceTerms => 450,
            DesignRejection::LicenceTerm => 451,
            DesignRejection::LicenceDepth => 452,
            DesignRejection::Licensee(_) => 453,
            DesignRejection::UnknownLicence(_) => 454,
            DesignRejection::LicenceEnded(_) => 455,
            DesignRejection::BeyondParent(_) => 456,
            DesignRejection::LicenceOverlap(_) => 457,
            DesignRejection::TooManyLicences => 458,
            DesignRejection::MarkShape => 460,
            DesignRejection::MarkTerm => 461,
            DesignRejection::OfMark(_) => 462,
            DesignRejection::UnknownDispute(_) => 470,
            DesignRejection::OtherPhase(_) => 471,
            DesignRejection::DisputeDeadline(_) => 472,
            DesignRejection::NoticeShape => 473,
            DesignRejection::NoPlatform(_) => 474,
            DesignRejection::DisputeOpen(_) => 475,
            DesignRejection::TooManyDisputes(_) => 476,
            DesignRejection::NoAuthority(_) => 477,
            DesignRejection::NoRuling => 478,
        }
    }

    /// The name of the rule that is broken.
    pub fn rule(&self) -> &'static str {
        match self {
            DesignRejection::AlreadyDeposited(_) => "deposit-once",
            DesignRejection::UnknownDesign(_) => "design-exists",
            DesignRejection::AlreadyDisclosed(_) => "disclose-once",
            DesignRejection::WrongOpening(_) => "opening-fits",
            DesignRejection::NotTheOwner(_) => "owner-discloses",
            DesignRejection::DesignShape => "design-shape",
            DesignRejection::ContentShape => "content-shape",
            DesignRejection::FieldForm => "field-form",
            DesignRejection::FieldName => "field-name",
            DesignRejection::FieldValue { .. } => "field-value",
            DesignRejection::LocarnoClass => "locarno-class",
            DesignRejection::FieldPlace(_) => "field-place",
            DesignRejection::TitleCovered => "title-covered",
            DesignRejection::DraftsHead => "drafts-head",
            DesignRejection::UnknownSpecification(_) => "fingerprint-specification",
            DesignRejection::FingerprintShape => "fingerprint-shape",
            DesignRejection::FingerprintOfOtherFile(_) => "fingerprint-file",
            DesignRejection::NotDisclosed(_) => "disclose-first",
            DesignRejection::AlreadyPublished(_) => "publish-once",
            DesignRejection::DesignerId(_) => "designer-id",
            DesignRejection::VouchingShape => "vouching-shape",
            DesignRejection::VouchingTerm => "vouching-term",
            DesignRejection::NoPossession(_) => "key-possession",
            DesignRejection::TooManyDesigners(_) => "designers-limit",
            DesignRejection::DesignerHasKeys(_) => "designer-keys",
            DesignRejection::NeverVouched(_) => "vouching-exists",
            DesignRejection::VouchingWithdrawn(_) => "vouching-withdrawn",
            DesignRejection::VouchingEnded { .. } => "vouching-ended",
            DesignRejection::NoVoucher(_) => "voucher-role",
            DesignRejection::NotTheRightsOwner(_) => "right-owner",
            DesignRejection::RightEnded => "right-ended",
            DesignRejection::TransferOpen(_) => "transfer-open",
            DesignRejection::TransferTo(_) => "transfer-receiver",
            DesignRejection::TransferDeadline => "transfer-deadline",
            DesignRejection::NoSuchTransfer => "transfer-offered",
            DesignRejection::TransferAnswer => "transfer-answer",
            DesignRejection::NotTheParty(_) => "right-party",
            DesignRejection::ReasonShape => "reason-shape",
            DesignRejection::LicenceTerms => "licence-terms",
            DesignRejection::LicenceTerm => "licence-term",
            DesignRejection::LicenceDepth => "licence-depth",
            DesignRejection::Licensee(_) => "licensee",
            DesignRejection::UnknownLicence(_) => "licence-exists",
            DesignRejection::LicenceEnded(_) => "licence-ended",
            DesignRejection::BeyondParent(_) => "licence-within-parent",
            DesignRejection::LicenceOverlap(_) => "licence-overlap",
            DesignRejection::TooManyLicences => "licence-limit",
            DesignRejection::MarkShape => "mark-shape",
            DesignRejection::MarkTerm => "mark-term",
            DesignRejection::OfMark(_) => "mark-register",
            DesignRejection::UnknownDispute(_) => "dispute-exists",
            DesignRejection::OtherPhase(_) => "dispute-phase",
            DesignRejection::DisputeDeadline(_) => "dispute-deadline",
            DesignRejection::NoticeShape => "notice-shape",
            DesignRejection::NoPlatform(_) => "notice-platform",
            DesignRejection::DisputeOpen(_) => "dispute-once",
            DesignRejection::TooManyDisputes(_) => "dispute-limit",
            DesignRejection::NoAuthority(_) => "dispute-authority",
            DesignRejection::NoRuling => "dispute-ruling",
        }
    }
}
