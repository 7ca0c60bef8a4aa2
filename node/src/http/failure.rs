//! The service's errors as EPCIS over HTTP has them, in one place.

use touchstone_core::Fault;
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::BadQuery;

use crate::service::ServiceError;

/// Why a question has no answer.
#[derive(Debug)]
pub enum HttpFailure {
    /// By the binding's own words.
    Problem(Problem),
    /// By the service's, which also decides whether the node must stop for it.
    Service(ServiceError),
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Problem {
        let exception = match error {
            ServiceError::Malformed(_) => Exception::Validation,
            ServiceError::NotFound(_) => Exception::NoSuchResource,
            ServiceError::TooLarge(_) => Exception::QueryTooLarge,
            ServiceError::Busy(_)
            | ServiceError::PoolFull(_)
            | ServiceError::NoBlock
            | ServiceError::Silent
            | ServiceError::Cancelled
            | ServiceError::Stopping => Exception::Overloaded,
            ServiceError::Fault(_) | ServiceError::Unproven(_) => Exception::Implementation,
        };
        Problem::new(exception, error.to_string())
    }
}

impl From<Problem> for HttpFailure {
    fn from(problem: Problem) -> HttpFailure {
        HttpFailure::Problem(problem)
    }
}

impl From<ServiceError> for HttpFailure {
    fn from(error: ServiceError) -> HttpFailure {
        HttpFailure::Service(error)
    }
}

impl From<Fault> for HttpFailure {
    fn from(fault: Fault) -> HttpFailure {
        HttpFailure::Service(fault.into())
    }
}

/// A query whose parameters can't be read.
pub fn bad_query(bad: BadQuery) -> Problem {
    Problem::new(Exception::QueryParameter, bad.to_string())
}
