//! The gateway's side of EPCIS 2.0's REST binding: `/capture`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use touchstone_epcis::{MAX_DOCUMENT_BYTES, is_xml};

use super::jobs::{Behaviour, Job, Jobs, NotTaken, Reason};
use crate::capture::source;

/// Media types of documents.
const JSON: [&str; 2] = ["application/json", "application/ld+json"];
const XML: [&str; 2] = ["application/xml", "text/xml"];
/// Connections at once.
const CONNECTIONS: usize = 64;
/// Documents that are read at once: each may be large.
const DOCUMENTS: usize = 4;
/// How long a request's head may take, and its body.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_secs(120);
/// Jobs of a list, where the client names no number, and at most.
const PER_PAGE: usize = 30;
const MAX_PER_PAGE: usize = 1000;

/// What a transaction of this chain may hold.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes.
    pub transaction_bytes: u64,
    /// Events.
    pub transaction_events: u64,
}

struct Shared {
    jobs: Jobs,
    limits: Limits,
    now_ms: fn() -> u64,
    documents: Semaphore,
}

/// Serves until `stopped` is true, and until the answers under way are given.
pub async fn serve(
    listener: TcpListener,
    jobs: Jobs,
    limits: Limits,
    now_ms: fn() -> u64,
    mut stopped: watch::Receiver<bool>,
) {
    let shared = Arc::new(Shared {
        jobs,
        limits,
        now_ms,
        documents: Semaphore::new(DOCUMENTS),
    });
    let router = Router::new()
        .route("/capture", get(list).post(post))
        .route("/capture/{id}", get(one))
        .fallback(nowhere)
        .method_not_allowed_fallback(nowhere)
        .layer(middleware::from_fn(around))
        .with_state(shared);
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            // The semaphore is never closed.
            (
                places.clone().acquire_owned().await.ok(),
                listener.accept().await,
            )
        };
        let (place, accepted) = tokio::select! {
            () = stopped_by(&mut stopped) => break,
            next = next => next,
        };
        match accepted {
            Ok((stream, _)) => {
                let served = connection(stream, router.clone(), stopped.clone());
                connections.spawn(async move {
                    let _place = place;
                    served.await;
                });
            }
            // For want of descriptors, say: others may be free in a moment.
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
    while connections.join_next().await.is_some() {}
}

async fn connection(stream: TcpStream, router: Router, mut stopped: watch::Receiver<bool>) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // A client that went away is no concern of ours.
    let _ = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped_by(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
}

/// An error as RFC 7807 and EPCIS 2.0 have it.
#[derive(Debug)]
struct Problem {
    status: StatusCode,
    exception: &'static str,
    detail: String,
    reason: Option<Box<Reason>>,
}

impl Problem {
    fn new(status: StatusCode, exception: &'static str, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            exception,
            detail: detail.into(),
            reason: None,
        }
    }

    fn body(&self) -> Value {
        let mut body = json!({
            "type": format!("epcisException:{}", self.exception),
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        if let (Some(members), Some(reason)) = (body.as_object_mut(), &self.reason) {
            members.insert("touchstone:path".into(), reason.path.clone().into());
            members.insert("touchstone:rule".into(), reason.rule.clone().into());
            members.insert("touchstone:code".into(), reason.code.into());
        }
        body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut answer = (self.status, self.body().to_string()).into_response();
        let form = HeaderValue::from_static("application/problem+json");
        answer.headers_mut().insert(header::CONTENT_TYPE, form);
        answer
    }
}

/// The headers that tell what is spoken here.
async fn around(request: Request, next: Next) -> Response {
    const TOLD: [(&str, &str); 9] = [
        ("gs1-epcis-version", "2.0.0"),
        ("gs1-epcis-min", "2.0.0"),
        ("gs1-epcis-max", "2.0.0"),
        ("gs1-cbv-version", "2.0.0"),
        ("gs1-cbv-min", "2.0.0"),
        ("gs1-cbv-max", "2.0.0"),
        ("gs1-extensions", "touchstone=urn:touchstone:epcis:"),
        ("gs1-vendor-version", env!("CARGO_PKG_VERSION")),
        ("x-content-type-options", "nosniff"),
    ];
    let mut answer = next.run(request).await;
    for (name, value) in TOLD {
        let value = HeaderValue::from_static(value);
        answer
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
    let limit = HeaderValue::from(MAX_DOCUMENT_BYTES);
    let name = HeaderName::from_static("gs1-epcis-capture-file-size-limit");
    answer.headers_mut().insert(name, limit);
    answer
}

async fn nowhere() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "NoSuchResourceException",
        "this gateway has POST and GET /capture and GET /capture/{captureID}; a node's HTTP \
         interface answers queries",
    )
}

fn unsupported(detail: impl Into<String>) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaTypeException",
        detail,
    )
}

/// `POST /capture`
async fn post(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let behaviour = behaviour(&headers)?;
    let form = headers
        .get(header::CONTENT_TYPE)
        .and_then(|f| f.to_str().ok());
    let form = form.map(|f| f.split(';').next().unwrap_or_default().trim());
    let form = form.unwrap_or_default().to_ascii_lowercase();
    let as_xml = XML.contains(&form.as_str());
    if !as_xml && !JSON.contains(&form.as_str()) {
        return Err(unsupported(
            "an EPCIS document is taken as application/ld+json, application/json or application/xml",
        ));
    }
    let _turn = shared.documents.acquire().await;
    let read = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_DOCUMENT_BYTES)).await;
    let document = match read {
        Ok(Ok(document)) => document.to_vec(),
        Ok(Err(_)) => {
            let detail = format!("a document has at most {MAX_DOCUMENT_BYTES} bytes; split it");
            return Err(too_large(detail));
        }
        Err(_) => {
            let detail = "the document doesn't come; send it again";
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "ImplementationException",
                detail,
            ));
        }
    };
    if is_xml(&document) != as_xml {
        return Err(unsupported(format!(
            "the document isn't what Content-Type says, which is {form}"
        )));
    }
    let taking = shared.clone();
    let taken = tokio::task::spawn_blocking(move || take(&taking, &document, behaviour)).await;
    let failed = |detail: &str| {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Problem::new(status, "ImplementationException", detail)
    };
    let id = taken.map_err(|_| failed("the gateway failed"))??;
    let location = HeaderValue::try_from(format!("/capture/{id}"));
    let location = location.map_err(|_| failed("the job has no address"))?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)]).into_response())
}

/// Checks a document as a whole and keeps it.
fn take(shared: &Shared, document: &[u8], behaviour: Behaviour) -> Result<String, Problem> {
    let limits = shared.limits;
    let input = source::of_document("", document, limits.transaction_bytes);
    if let Some(bad) = input.bad.first() {
        let message = &bad.refusal.message;
        let path = message.split_once(": ").map_or("$", |(path, _)| path);
        let reason = Reason {
            path: path.to_owned(),
            rule: bad.refusal.rule.clone(),
            code: bad.refusal.code,
            message: message.clone(),
        };
        return Err(Problem {
            reason: Some(Box::new(reason)),
            ..Problem::new(
                StatusCode::BAD_REQUEST,
                "ValidationException",
                message.clone(),
            )
        });
    }
    if behaviour == Behaviour::Rollback {
        let events = input.events.len() as u64;
        let bytes = input
            .events
            .iter()
            .map(|e| e.bytes.len() as u64 + 8)
            .sum::<u64>();
        let bytes = bytes + source::ENVELOPE_BYTES;
        if events > limits.transaction_events || bytes > limits.transaction_bytes {
            return Err(too_large(format!(
                "{events} events of {bytes} bytes don't fit in one transaction, which holds {} of \
                 {} bytes on this chain: split the document, or send \
                 GS1-Capture-Error-Behaviour: proceed",
                limits.transaction_events, limits.transaction_bytes
            )));
        }
    }
    let count = input.events.len();
    let taken = shared
        .jobs
        .take(document, count, behaviour, (shared.now_ms)());
    taken.map_err(|why| match why {
        NotTaken::Full => Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ImplementationException",
            "too many captures wait already; try again later",
        ),
        NotTaken::Failed(failure) => Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "ImplementationException",
            failure.to_string(),
        ),
    })
}

fn too_large(detail: String) -> Problem {
    let status = StatusCode::PAYLOAD_TOO_LARGE;
    Problem::new(status, "CaptureLimitExceededException", detail)
}

fn behaviour(headers: &HeaderMap) -> Result<Behaviour, Problem> {
    match headers
        .get("gs1-capture-error-behaviour")
        .map(HeaderValue::as_bytes)
    {
        None | Some(b"rollback") => Ok(Behaviour::Rollback),
        Some(b"proceed") => Ok(Behaviour::Proceed),
        Some(_) => Err(Problem::new(
            StatusCode::BAD_REQUEST,
            "ValidationException",
            "GS1-Capture-Error-Behaviour is rollback or proceed",
        )),
    }
}

/// `GET /capture`: the newest first.
async fn list(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let limit = match uri.query() {
        None | Some("") => Some(PER_PAGE),
        Some(query) => query.strip_prefix("perPage=").and_then(|n| n.parse().ok()),
    };
    let limit = limit
        .filter(|n| (1..=MAX_PER_PAGE).contains(n))
        .ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "QueryParameterException",
                format!("the list of captures takes perPage, from 1 to {MAX_PER_PAGE}"),
            )
        })?;
    let jobs: Vec<Value> = shared.jobs.newest(limit).iter().map(describe).collect();
    Ok(as_json(&Value::from(jobs)))
}

/// `GET /capture/{captureID}`
async fn one(State(shared): State<Arc<Shared>>, uri: Uri) -> Result<Response, Problem> {
    let id = uri.path().rsplit('/').next().unwrap_or_default();
    let job = shared.jobs.get(id).ok_or_else(|| {
        let detail = "this gateway has no such capture; GET /capture lists those it has";
        Problem::new(StatusCode::NOT_FOUND, "NoSuchResourceException", detail)
    })?;
    Ok(as_json(&describe(&job)))
}

fn as_json(value: &Value) -> Response {
    let form = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, form)], value.to_string()).into_response()
}

/// A job as the binding has it, and the outcome of each event.
fn describe(job: &Job) -> Value {
    let problem = |detail: &str, reason: Option<&Reason>| {
        let mut problem = Problem::new(StatusCode::BAD_REQUEST, "ValidationException", detail);
        problem.reason = reason.cloned().map(Box::new);
        problem.body()
    };
    let refused = job.reports.values().filter_map(|r| r.refusal.as_ref());
    let mut errors: Vec<Value> = refused.map(|r| problem(&r.message, Some(r))).collect();
    if let Some(failure) = &job.failure {
        let reason = job.failed_rule.as_ref().map(|rule| Reason {
            path: "$".into(),
            rule: rule.rule.clone(),
            code: rule.code,
            message: failure.clone(),
        });
        errors.push(problem(failure, reason.as_ref()));
    }
    let events: Vec<Value> = job
        .reports
        .values()
        .filter_map(|report| serde_json::to_value(report).ok())
        .collect();
    json!({
        "captureID": job.id,
        "createdAt": time_text(job.created_ms),
        "finishedAt": job.finished_ms.map(time_text),
        "running": job.finished_ms.is_none(),
        "success": job.success(),
        "captureErrorBehaviour": job.behaviour,
        "errors": errors,
        "touchstone:events": events,
        "touchstone:count": job.events,
        "touchstone:undecided": job.undecided(),
        "touchstone:waiting": job.waiting,
    })
}

fn time_text(ms: u64) -> String {
    let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    // Formatting fails for years beyond 9999 alone.
    moment
        .ok()
        .and_then(|m| m.format(&Rfc3339).ok())
        .unwrap_or_default()
}

/// Waits until it is true. An error means that nobody is left to say so: stop as well.
async fn stopped_by(said: &mut watch::Receiver<bool>) {
    let _ = said.wait_for(|stop| *stop).await;
}
