//! The gateway's side of EPCIS 2.0's REST binding: `/capture`, and one event by `POST /events`.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{self, get};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use touchstone_edge::budget::{self, Budget};
use touchstone_edge::http::access::Access;
use touchstone_edge::http::{Exception, Problem, negotiate};
use touchstone_edge::server::{self, Protocol, Refusal, Server};
use touchstone_epcis::{MAX_DOCUMENT_BYTES, is_xml};

use super::jobs::{Behaviour, Job, Jobs, NotTaken, Reason};
use crate::capture::source;

/// Media types of documents.
const JSON: [&str; 2] = ["application/json", "application/ld+json"];
const XML: [&str; 2] = ["application/xml", "text/xml"];
/// Connections at once.
const CONNECTIONS: usize = 64;
/// Bytes of requests and answers under way: as many documents as are read at once, and some.
const BYTES: usize = 8 * MAX_DOCUMENT_BYTES;
/// Documents that are read at once: each may be large.
const DOCUMENTS: usize = 4;
/// How long a request's head may take on a connection that has asked before, and a body.
const IDLE: Duration = Duration::from_secs(30);
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
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

pub(super) struct Shared {
    pub(super) jobs: Jobs,
    limits: Limits,
    now_ms: fn() -> u64,
    documents: Semaphore,
    access: Access,
}

/// Serves until `stopped` is true, and until the answers under way are given.
pub async fn serve(
    listener: TcpListener,
    jobs: Jobs,
    limits: Limits,
    access: Access,
    now_ms: fn() -> u64,
    mut stopped: watch::Receiver<bool>,
) {
    let shared = Arc::new(Shared {
        jobs,
        limits,
        now_ms,
        documents: Semaphore::new(DOCUMENTS),
        access,
    });
    let router = Router::new()
        .route("/capture", get(list).post(post))
        .route("/capture/{id}", get(one))
        .route("/events", routing::post(super::events::post))
        .fallback(nowhere)
        .method_not_allowed_fallback(no_method)
        .layer(middleware::from_fn_with_state(shared.clone(), around))
        .with_state(shared);
    let server = Server {
        listener,
        protocol: Protocol::Http1,
        limits: server::Limits {
            newcomers: CONNECTIONS,
            newcomers_per_address: CONNECTIONS,
            connections: CONNECTIONS,
            connections_per_address: CONNECTIONS,
            idle: IDLE,
            ..server::Limits::default()
        },
        budget: Budget::new(budget::Limits {
            total: BYTES,
            per_address: BYTES,
            per_connection: 2 * MAX_DOCUMENT_BYTES,
            ..budget::Limits::default()
        }),
        tls: None,
    };
    let stop = CancellationToken::new();
    let stopping = stop.clone();
    let told = async move {
        // An error means that nobody is left to say so: stop as well.
        let _ = stopped.wait_for(|stop| *stop).await;
        stopping.cancel();
    };
    tokio::join!(server::serve(server, router, refusal, stop), told);
}

/// A request that the port refuses before anybody answers it.
fn refusal(refusal: &Refusal) -> Response {
    let detail = match refusal {
        Refusal::Busy(text) => text.clone(),
        Refusal::Late => "no answer in time; try again in a moment".to_owned(),
    };
    Problem::new(Exception::Overloaded, detail).into_response()
}

/// A problem with the reason of a refusal.
fn with_reason(problem: Problem, reason: &Reason) -> Problem {
    problem
        .with("touchstone:path", reason.path.clone())
        .with("touchstone:rule", reason.rule.clone())
        .with("touchstone:code", reason.code)
}

/// What is the same for every request: who may ask, versions, and the headers that tell of them.
async fn around(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let checked = shared
        .access
        .check(request.method(), request.headers())
        .and_then(|()| negotiate::check(request.headers()));
    let mut answer = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    negotiate::tell(answer.headers_mut());
    let limit = HeaderValue::from(MAX_DOCUMENT_BYTES);
    let name = HeaderName::from_static("gs1-epcis-capture-file-size-limit");
    answer.headers_mut().insert(name, limit);
    answer
}

async fn nowhere() -> Problem {
    Problem::new(
        Exception::NoSuchResource,
        "this gateway has POST and GET /capture, GET /capture/{captureID} and POST /events; a \
         node's HTTP interface answers queries",
    )
}

/// `OPTIONS` asks for the methods and versions, which headers tell (EPCIS 2.0 §12.6.1).
async fn no_method(method: Method) -> Response {
    if method == Method::OPTIONS {
        return StatusCode::NO_CONTENT.into_response();
    }
    let detail =
        format!("{method} means nothing at this address; the header Allow tells what does");
    Problem::new(Exception::MethodNotAllowed, detail).into_response()
}

fn unsupported(detail: impl Into<String>) -> Problem {
    Problem::new(Exception::UnsupportedMediaType, detail)
}

/// `POST /capture`
async fn post(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let behaviour = behaviour(&headers)?;
    let document = read_document(&headers, body).await?;
    let id = keep(&shared, document, behaviour).await?;
    located(StatusCode::ACCEPTED, &format!("/capture/{id}"))
}

/// The body, which is what its `Content-Type` says.
pub(super) async fn read_document(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let form = negotiate::media_type(headers).to_ascii_lowercase();
    let as_xml = XML.contains(&form.as_str());
    if !as_xml && !JSON.contains(&form.as_str()) {
        return Err(unsupported(
            "an EPCIS document is taken as application/ld+json, application/json or application/xml",
        ));
    }
    // The port's budget bounds what comes; only whole documents wait for a turn.
    let read = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, MAX_DOCUMENT_BYTES)).await;
    let document = match read {
        Ok(Ok(document)) => document.to_vec(),
        Ok(Err(_)) => {
            let detail = format!("a document has at most {MAX_DOCUMENT_BYTES} bytes; split it");
            return Err(too_large(detail));
        }
        Err(_) => {
            let detail = "the document doesn't come; send it again";
            return Err(Problem::new(Exception::RequestTimeout, detail));
        }
    };
    if is_xml(&document) != as_xml {
        return Err(unsupported(format!(
            "the document isn't what Content-Type says, which is {form}"
        )));
    }
    Ok(document)
}

/// Keeps a document as a job, once it is on the disk; gives the job's id.
pub(super) async fn keep(
    shared: &Arc<Shared>,
    document: Vec<u8>,
    behaviour: Behaviour,
) -> Result<String, Problem> {
    let _turn = shared.documents.acquire().await;
    let taking = shared.clone();
    let taken = tokio::task::spawn_blocking(move || take(&taking, &document, behaviour)).await;
    taken.map_err(|_| failed("the gateway failed"))?
}

/// An answer without body that tells an address.
pub(super) fn located(status: StatusCode, address: &str) -> Result<Response, Problem> {
    let location = HeaderValue::try_from(address);
    let location = location.map_err(|_| failed("what was made has no address"))?;
    Ok((status, [(header::LOCATION, location)]).into_response())
}

fn failed(detail: &str) -> Problem {
    Problem::new(Exception::Implementation, detail)
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
        let problem = Problem::new(Exception::Validation, message.clone());
        return Err(with_reason(problem, &reason));
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
            Exception::Overloaded,
            "too many captures wait already; try again later",
        ),
        NotTaken::Failed(failure) => Problem::new(Exception::Implementation, failure.to_string()),
    })
}

fn too_large(detail: String) -> Problem {
    Problem::new(Exception::CaptureLimitExceeded, detail)
}

fn behaviour(headers: &HeaderMap) -> Result<Behaviour, Problem> {
    match headers
        .get("gs1-capture-error-behaviour")
        .map(HeaderValue::as_bytes)
    {
        None | Some(b"rollback") => Ok(Behaviour::Rollback),
        Some(b"proceed") => Ok(Behaviour::Proceed),
        Some(_) => Err(Problem::new(
            Exception::Validation,
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
                Exception::QueryParameter,
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
        Problem::new(Exception::NoSuchResource, detail)
    })?;
    Ok(as_json(&describe(&job)))
}

pub(super) fn as_json(value: &Value) -> Response {
    let form = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, form)], value.to_string()).into_response()
}

/// A job as the binding has it, and the outcome of each event.
pub(super) fn describe(job: &Job) -> Value {
    let problem = |detail: &str, reason: Option<&Reason>| {
        let problem = Problem::new(Exception::Validation, detail);
        match reason {
            Some(reason) => with_reason(problem, reason).body(),
            None => problem.body(),
        }
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
