//! How a rule's functions give up, so that `?` ends those that stand on others.
//!
//! Consensus-critical: yes

use thiserror::Error;

use crate::Fault;
use crate::custody::CustodyRejection;
use crate::designs::{
    CaseRejection, DesignRejection, FeatureRejection, ReviewRejection, RouteRejection,
};
use crate::encoding::Malformed;
use crate::governance::GovernanceRejection;
use crate::governance::organisation::BadOrganisation;
use crate::governance::validators::BadValidatorSet;
use crate::master_data::MasterDataRejection;
use crate::rejection::Rejection;

/// Why a transaction isn't applied: it is wrong, or we failed. A rejection is an answer, a fault
/// stops the node; [`separate`] keeps the two apart where both leave the rules.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RuleError {
    /// The rule that the transaction breaks.
    #[error(transparent)]
    Rejected(Rejection),
    /// What failed here.
    #[error(transparent)]
    Failed(Fault),
}

/// A rule's outcome, with what is answered apart from what stops the node.
pub fn separate<T>(outcome: Result<T, RuleError>) -> Result<Result<T, Rejection>, Fault> {
    match outcome {
        Ok(value) => Ok(Ok(value)),
        Err(RuleError::Rejected(rejection)) => Ok(Err(rejection)),
        Err(RuleError::Failed(fault)) => Err(fault),
    }
}

impl From<Rejection> for RuleError {
    fn from(rejection: Rejection) -> RuleError {
        RuleError::Rejected(rejection)
    }
}

impl From<Fault> for RuleError {
    fn from(fault: Fault) -> RuleError {
        RuleError::Failed(fault)
    }
}

impl From<Malformed> for RuleError {
    fn from(malformed: Malformed) -> RuleError {
        RuleError::Rejected(malformed.into())
    }
}

impl From<CustodyRejection> for RuleError {
    fn from(rejection: CustodyRejection) -> RuleError {
        RuleError::Rejected(rejection.into())
    }
}

impl From<DesignRejection> for RuleError {
    fn from(rejection: DesignRejection) -> RuleError {
        RuleError::Rejected(rejection.into())
    }
}

impl From<FeatureRejection> for RuleError {
    fn from(rejection: FeatureRejection) -> RuleError {
        RuleError::Rejected(rejection.into())
    }
}

impl From<ReviewRejection> for RuleError {
    fn from(rejection: ReviewRejection) -> RuleError {
        RuleError::Rejected(rejection.into())
    }
}

impl From<CaseRejection> for RuleError {
    fn from(rejection: CaseRejection) -> RuleError {
        RuleError::Rejected(rejection.into())
    }
}

impl From<RouteRejection> for RuleError {
    fn from(rejection: RouteRejection) -> RuleError {
        RuleError::Rejected(rejection.into())
    }
}

impl From<GovernanceRejection> for RuleError {
    fn from(rejection: GovernanceRejection) -> RuleError {
        RuleError::Rejected(rejection.into())
    }
}

impl From<MasterDataRejection> for RuleError {
    fn from(rejection: MasterDataRejection) -> RuleError {
        RuleError::Rejected(rejection.into())
    }
}

impl From<BadOrganisation> for RuleError {
    fn from(bad: BadOrganisation) -> RuleError {
        RuleError::Rejected(bad.into())
    }
}

impl From<BadValidatorSet> for RuleError {
    fn from(bad: BadValidatorSet) -> RuleError {
        RuleError::Rejected(bad.into())
    }
}
