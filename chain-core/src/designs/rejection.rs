//! Why the rules of designs refuse a transaction: codes 400 to 499.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::design::{MAX_FILES, MAX_PICTURES, MAX_TITLE_BYTES};

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
        }
    }
}
