//! Why the rules of designs refuse a transaction: codes 400 to 499.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::design::{MAX_FILES, MAX_PICTURES, MAX_TITLE_BYTES};
use super::limits::{MAX_DESIGNERS, MAX_VOUCHING_DAYS, MAX_WORDS_BYTES};

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
    #[error("{0:?}, which vouched for this designer, is neither platform nor IP office any more")]
    NoVoucher(String),
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
        }
    }
}
