//! The service's errors as gRPC has them, in one place.

use axum::body::Body;
use hyper::Response;
use tonic::Status;
use tonic::metadata::MetadataValue;
use touchstone_edge::server::PortRefusal;

use crate::service::ServiceError;

/// An error of the service.
pub fn of(error: ServiceError) -> Status {
    let text = error.to_string();
    match error {
        ServiceError::Malformed(_) => Status::invalid_argument(text),
        ServiceError::NotFound(_) => Status::not_found(text),
        ServiceError::Busy(_) | ServiceError::TooLarge(_) => Status::resource_exhausted(text),
        ServiceError::PoolFull(_) => again_after(1, Status::resource_exhausted(text)),
        ServiceError::NoBlock | ServiceError::Stopping => Status::unavailable(text),
        ServiceError::Silent => Status::deadline_exceeded(text),
        ServiceError::Cancelled => Status::cancelled(text),
        ServiceError::Fault(_) => Status::internal(text),
        ServiceError::Unproven(_) => Status::data_loss(text),
    }
}

/// A call that the port refuses before anybody answers it.
pub fn refusal(refusal: &PortRefusal) -> Response<Body> {
    let text = refusal.to_string();
    let status = match refusal {
        PortRefusal::Busy(_) => Status::resource_exhausted(text),
        PortRefusal::TooOften(seconds) => again_after(*seconds, Status::resource_exhausted(text)),
        PortRefusal::Late => Status::deadline_exceeded(text),
    };
    status.into_http()
}

/// A status that says when to come again, as HTTP does (RFC 9110, section 10.2.3).
fn again_after(seconds: u64, mut status: Status) -> Status {
    let metadata = status.metadata_mut();
    metadata.insert("retry-after", MetadataValue::from(seconds));
    status
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use touchstone_core::Fault;

    use super::*;

    #[test]
    fn each_error_has_its_code_and_no_fault_tells_a_path() {
        for (error, code) in [
            (ServiceError::Malformed("a".into()), Code::InvalidArgument),
            (ServiceError::NotFound("a".into()), Code::NotFound),
            (ServiceError::Busy("a".into()), Code::ResourceExhausted),
            (ServiceError::TooLarge("a".into()), Code::ResourceExhausted),
            (ServiceError::PoolFull("a".into()), Code::ResourceExhausted),
            (ServiceError::NoBlock, Code::Unavailable),
            (ServiceError::Stopping, Code::Unavailable),
            (ServiceError::Silent, Code::DeadlineExceeded),
            (ServiceError::Cancelled, Code::Cancelled),
            (
                ServiceError::Fault(Fault::Storage("/secret/path".into())),
                Code::Internal,
            ),
            (
                ServiceError::Unproven("/secret/path".into()),
                Code::DataLoss,
            ),
        ] {
            let status = of(error);
            assert_eq!(status.code(), code);
            assert!(!status.message().contains("secret"));
        }
        let refused = refusal(&PortRefusal::Busy("many".into()));
        assert_eq!(refused.headers()["grpc-status"], "8");
        let refused = refusal(&PortRefusal::TooOften(9));
        assert_eq!(refused.headers()["retry-after"], "9");
        let full = of(ServiceError::PoolFull("full".into()));
        assert_eq!(full.metadata().get("retry-after").unwrap(), "1");
    }
}
