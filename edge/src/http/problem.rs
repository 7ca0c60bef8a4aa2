//! Errors as the EPCIS 2.0 REST binding has them: RFC 7807 bodies with the exception's name.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use crate::server::PortRefusal;

/// The exceptions of EPCIS 2.0 §8 and its REST binding that occur here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// What was sent can't be read, or a rule refuses it.
    Validation,
    /// A query's parameter.
    QueryParameter,
    /// A query asks for too much work.
    QueryTooComplex,
    /// More events than `maxEventCount`.
    QueryTooLarge,
    /// How and when a subscription is told.
    SubscriptionControls,
    /// No such thing.
    NoSuchResource,
    /// No such named query.
    NoSuchName,
    /// The name is taken.
    ResourceAlreadyExists,
    /// Versions or media types that aren't spoken here.
    NotAcceptable,
    /// A body in another form.
    UnsupportedMediaType,
    /// A larger body than is taken.
    CaptureLimitExceeded,
    /// A longer address than is read.
    UriTooLong,
    /// Another method.
    MethodNotAllowed,
    /// No token, or the wrong one.
    Unauthorised,
    /// A request that a foreign web page makes in its reader's name.
    Forbidden,
    /// A body that doesn't come.
    RequestTimeout,
    /// An address asks too often.
    TooManyRequests,
    /// Too much at once.
    Overloaded,
    /// The node failed.
    Implementation,
}

impl Exception {
    /// The status, the exception's name, and what it means.
    pub fn parts(self) -> (StatusCode, &'static str, &'static str) {
        use Exception as E;
        match self {
            E::Validation => (
                StatusCode::BAD_REQUEST,
                "ValidationException",
                "The request is wrong",
            ),
            E::QueryParameter => (
                StatusCode::BAD_REQUEST,
                "QueryParameterException",
                "A parameter of the query is wrong",
            ),
            E::QueryTooComplex => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "QueryTooComplexException",
                "The query asks for too much work",
            ),
            E::QueryTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "QueryTooLargeException",
                "The query finds too many events",
            ),
            E::SubscriptionControls => (
                StatusCode::BAD_REQUEST,
                "SubscriptionControlsException",
                "The subscription is wrong",
            ),
            E::NoSuchResource => (
                StatusCode::NOT_FOUND,
                "NoSuchResourceException",
                "There is no such thing",
            ),
            E::NoSuchName => (
                StatusCode::NOT_FOUND,
                "NoSuchNameException",
                "There is no query of this name",
            ),
            E::ResourceAlreadyExists => (
                StatusCode::CONFLICT,
                "ResourceAlreadyExistsException",
                "The name is taken",
            ),
            E::NotAcceptable => (
                StatusCode::NOT_ACCEPTABLE,
                "NotAcceptableException",
                "The answer can't be given in this form",
            ),
            E::UnsupportedMediaType => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaTypeException",
                "The request has a form that isn't read here",
            ),
            E::CaptureLimitExceeded => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "CaptureLimitExceededException",
                "The request is too large",
            ),
            E::UriTooLong => (
                StatusCode::URI_TOO_LONG,
                "URITooLongException",
                "The address is too long",
            ),
            E::MethodNotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "ValidationException",
                "The method means nothing here",
            ),
            E::Unauthorised => (
                StatusCode::UNAUTHORIZED,
                "SecurityException",
                "The request isn't authorised",
            ),
            E::Forbidden => (
                StatusCode::FORBIDDEN,
                "SecurityException",
                "The request isn't allowed",
            ),
            E::RequestTimeout => (
                StatusCode::REQUEST_TIMEOUT,
                "ImplementationException",
                "The request didn't come in time",
            ),
            E::TooManyRequests => (
                StatusCode::TOO_MANY_REQUESTS,
                "ImplementationException",
                "Too many requests come from one address",
            ),
            E::Overloaded => (
                StatusCode::SERVICE_UNAVAILABLE,
                "ImplementationException",
                "The node can't answer now",
            ),
            E::Implementation => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "ImplementationException",
                "The node failed",
            ),
        }
    }
}

/// A request that the port refuses before anybody answers it.
impl From<&PortRefusal> for Problem {
    fn from(refusal: &PortRefusal) -> Problem {
        let text = refusal.to_string();
        match refusal {
            PortRefusal::Busy(_) | PortRefusal::Late => Problem::new(Exception::Overloaded, text),
            PortRefusal::TooOften(seconds) => {
                Problem::new(Exception::TooManyRequests, text).with("retryAfter", *seconds)
            }
        }
    }
}

/// An error as it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Which.
    pub exception: Exception,
    /// What is wrong here, and what to do.
    pub detail: String,
    /// More members of the body.
    pub more: Map<String, Value>,
}

impl Problem {
    /// An error with its explanation.
    pub fn new(exception: Exception, detail: impl Into<String>) -> Problem {
        Problem {
            exception,
            detail: detail.into(),
            more: Map::new(),
        }
    }

    /// The same with another member of the body.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Problem {
        self.more.insert(name.to_owned(), value.into());
        self
    }

    /// The body.
    pub fn body(&self) -> Value {
        let (status, name, title) = self.exception.parts();
        let mut body = json!({
            "type": format!("epcisException:{name}"),
            "title": title,
            "status": status.as_u16(),
            "detail": self.detail,
        });
        if let Some(members) = body.as_object_mut() {
            members.extend(self.more.clone());
        }
        body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let (status, ..) = self.exception.parts();
        let mut answer = Response::new(Body::from(self.body().to_string()));
        *answer.status_mut() = status;
        let headers = answer.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                let seconds = self.more.get("retryAfter").and_then(Value::as_u64);
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.unwrap_or(1)));
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        answer
    }
}
