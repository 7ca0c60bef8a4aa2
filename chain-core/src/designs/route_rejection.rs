//! Why the rules of the three routes of a dispute refuse a transaction: codes 855 to 858.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use thiserror::Error;

/// Which rule of the three routes a transaction breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RouteRejection {
    // 855 to 858: the three routes of a dispute
    /// A centre is asked once.
    #[error(
        "{0:?} was asked in this dispute before; the complainant may file with an IP office or court"
    )]
    AskedBefore(String),
    /// Nobody who could give an opinion.
    #[error(
        "{0:?} can't give an opinion here: name an organisation with the role assistance that is no party"
    )]
    NoCentre(String),
    /// A refusal against the opinion.
    #[error(
        "the opinion of {0:?} is that the listing infringes: take a measure; the respondent may declare against it"
    )]
    OpinionBinds(String),
    /// Not one of the three.
    #[error("an opinion is infringes, does-not-infringe or contested")]
    NoOpinion,
}

impl RouteRejection {
    /// The stable code.
    pub fn code(&self) -> u32 {
        match self {
            RouteRejection::AskedBefore(_) => 855,
            RouteRejection::NoCentre(_) => 856,
            RouteRejection::OpinionBinds(_) => 857,
            RouteRejection::NoOpinion => 858,
        }
    }

    /// The name of the rule that is broken.
    pub fn rule(&self) -> &'static str {
        match self {
            RouteRejection::AskedBefore(_) => "centre-once",
            RouteRejection::NoCentre(_) => "centre-role",
            RouteRejection::OpinionBinds(_) => "opinion-binds",
            RouteRejection::NoOpinion => "opinion-given",
        }
    }
}
