//! Why the rules of published features refuse a transaction: codes 850 to 854.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_pictures::{MAX_FEATURES, REGIONS_SPECIFICATION};

use crate::designs::design::MAX_PICTURES;

/// Which rule of published features a transaction breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FeatureRejection {
    // 85x: features of pictures
    /// Features of another specification.
    #[error(
        "features are of the specification {}, not of {}",
        hex::encode(REGIONS_SPECIFICATION),
        hex::encode(.0)
    )]
    OtherFeatures([u8; 32]),
    /// Too many or no pictures, not in order, or bytes that are no features.
    #[error(
        "features are of 1 to {pictures} files, ascending by their SHA-256, each with 1 to {features} features in the \
         form of docs/regions.md",
        pictures = MAX_PICTURES,
        features = MAX_FEATURES
    )]
    FeatureShape,
    /// Features of a file that isn't the design's.
    #[error("the file with SHA-256 {} is not part of the design; name a file that was disclosed", hex::encode(.0))]
    FeaturesOfOtherFile([u8; 32]),
    /// Features leak the picture.
    #[error("design {} is not disclosed; features are published after its disclosure", hex::encode(.0))]
    FeaturesUndisclosed([u8; 32]),
    /// The first word counts.
    #[error("features of the file with SHA-256 {} are published already for this design", hex::encode(.0))]
    FeaturesPublished([u8; 32]),
}

impl FeatureRejection {
    /// The stable code.
    pub fn code(&self) -> u32 {
        match self {
            FeatureRejection::OtherFeatures(_) => 850,
            FeatureRejection::FeatureShape => 851,
            FeatureRejection::FeaturesOfOtherFile(_) => 852,
            FeatureRejection::FeaturesUndisclosed(_) => 853,
            FeatureRejection::FeaturesPublished(_) => 854,
        }
    }

    /// The name of the rule that is broken.
    pub fn rule(&self) -> &'static str {
        match self {
            FeatureRejection::OtherFeatures(_) => "features-specification",
            FeatureRejection::FeatureShape => "features-shape",
            FeatureRejection::FeaturesOfOtherFile(_) => "features-file",
            FeatureRejection::FeaturesUndisclosed(_) => "features-disclosed",
            FeatureRejection::FeaturesPublished(_) => "features-once",
        }
    }
}
