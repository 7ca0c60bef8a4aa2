//! Capture of transactions that are signed already. This node holds no client's key: a document is
//! signed where its key is, by the gateway of the command line.

use std::sync::PoisonError;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use touchstone_core::hash::Hash;
use touchstone_core::transaction::MAX_ENVELOPE_BYTES;
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::capture_job_xml;
use touchstone_epcis::query::QueryParameters;
use touchstone_proto::node as wire;
use touchstone_proto::node::transaction_status::Status as Word;

use super::document::time_text;
use super::events::{self, Segment, segment};
use super::question::Question;
use super::{Asked, negotiate};
use crate::service::{state_query, submission, transaction_status};

/// An envelope's exact bytes.
const ENVELOPE: &str = "application/x-touchstone-envelope";
/// Bytes of a body: an envelope at its largest, in base64.
const BODY_BYTES: usize = MAX_ENVELOPE_BYTES / 3 * 4 + 1024;
/// Jobs that are remembered, and so listed.
const JOBS: usize = 1000;

/// A capture that came in here.
#[derive(Clone, Debug)]
pub struct CaptureJob {
    /// The transaction.
    id: Hash,
    /// When it came in, milliseconds.
    created_ms: u64,
}

/// `POST /capture`
pub async fn post(http: Asked, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    check_behaviour(&headers)?;
    let form = negotiate::media_type(&headers).to_ascii_lowercase();
    if !matches!(
        form.as_str(),
        ENVELOPE | negotiate::JSON | negotiate::JSON_LD
    ) {
        return Err(unsupported());
    }
    let bytes = to_bytes(body, BODY_BYTES).await.map_err(|_| {
        let detail =
            format!("a transaction has at most {MAX_ENVELOPE_BYTES} bytes; send less events");
        Problem::new(Exception::CaptureLimitExceeded, detail)
    })?;
    let envelope = match form.as_str() {
        ENVELOPE => bytes.to_vec(),
        _ => envelope_of_json(&bytes)?,
    };
    let request = wire::SubmitRequest {
        envelope,
        wait: false,
    };
    let status = submission::submit(&http.service, http.client, request).await?;
    if let Some(Word::Rejected(rejected)) = &status.status {
        return Err(refused(rejected));
    }
    let id = state_query::id(&status.id)?;
    remember(&http, id);
    let location = format!("/capture/{}", hex::encode(id));
    let mut answer = StatusCode::ACCEPTED.into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        answer.headers_mut().insert(header::LOCATION, location);
    }
    Ok(answer)
}

/// `GET /capture`: the last captures that came in here.
pub async fn list(http: Asked, uri: Uri) -> Result<Response, Problem> {
    let question = Question::read(&uri, &HeaderMap::new(), QueryParameters::default())?;
    if !question.parameters.is_empty() || question.token.is_some() || question.stream {
        let detail = "the list of captures has the newest first, and takes perPage alone";
        return Err(Problem::new(Exception::QueryParameter, detail));
    }
    let limit = usize::try_from(question.per_page).unwrap_or(usize::MAX);
    let jobs: Vec<CaptureJob> = {
        let jobs = http.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.iter().rev().take(limit).cloned().collect()
    };
    let mut list = Vec::new();
    for job in jobs {
        let status = status(&http, job.id).await?;
        list.extend(describe(&status, Some(&job)));
    }
    Ok(events::typed(
        negotiate::JSON,
        Value::from(list).to_string(),
    ))
}

/// `GET /capture/{captureID}`
pub async fn one(http: Asked, id: Segment, headers: HeaderMap) -> Result<Response, Problem> {
    let form = negotiate::capture_job(&headers)?;
    let text = segment(id)?;
    let unknown = || {
        let detail = format!("this node knows no capture {text:?}; its id is the transaction's");
        Problem::new(Exception::NoSuchResource, detail)
    };
    let id: Option<Hash> = hex::decode(&text).ok().and_then(|id| id.try_into().ok());
    let id = id.ok_or_else(unknown)?;
    let job = {
        let jobs = http.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.iter().find(|job| job.id == id).cloned()
    };
    let status = status(&http, id).await?;
    let described = describe(&status, job.as_ref()).ok_or_else(unknown)?;
    let text = match negotiate::is_xml(form) {
        true => capture_job_xml(&described)
            .map_err(|error| Problem::new(Exception::NotAcceptable, error.to_string()))?,
        false => described.to_string(),
    };
    Ok(events::typed(form, text))
}

async fn status(http: &Asked, id: Hash) -> Result<wire::TransactionStatus, Problem> {
    let known = transaction_status::known(&http.service.parts, &id)?;
    http.read(move |view| Ok(transaction_status::transaction(view, &id, known, false)?))
        .await
}

/// A job as the binding has it; none where the node doesn't know the transaction.
fn describe(status: &wire::TransactionStatus, job: Option<&CaptureJob>) -> Option<Value> {
    let (running, success, errors, record) = match status.status.as_ref()? {
        Word::Unknown(_) => return None,
        // Success is said of what is committed: a pending one may still be refused.
        Word::Pending(_) => (true, false, Vec::new(), None),
        Word::Committed(committed) => (false, true, Vec::new(), Some(committed)),
        Word::Rejected(rejected) => (false, false, vec![refused(rejected).body()], None),
    };
    let mut described = json!({
        "captureID": hex::encode(&status.id),
        "running": running,
        "success": success,
        "captureErrorBehaviour": "rollback",
        "errors": errors,
    });
    let members = described.as_object_mut()?;
    if let Some(job) = job {
        members.insert("createdAt".into(), time_text(job.created_ms).into());
    }
    if let Some(committed) = record {
        members.insert("finishedAt".into(), time_text(committed.time_ms).into());
        let record = json!({ "height": committed.height, "index": committed.index });
        members.insert("touchstone:record".into(), record);
    }
    Some(described)
}

/// A transaction applies as a whole, or not at all.
fn check_behaviour(headers: &HeaderMap) -> Result<(), Problem> {
    match headers.get("gs1-capture-error-behaviour") {
        Some(behaviour) if behaviour != "rollback" => Err(Problem::new(
            Exception::Validation,
            "a signed transaction is captured whole or not at all: GS1-Capture-Error-Behaviour is \
             rollback here; a gateway signs event by event (touchstone gateway --help)",
        )),
        _ => Ok(()),
    }
}

fn envelope_of_json(bytes: &[u8]) -> Result<Vec<u8>, Problem> {
    let wrong = |detail: String| Problem::new(Exception::Validation, detail);
    let body: Value = serde_json::from_slice(bytes)
        .map_err(|error| wrong(format!("the body isn't JSON: {error}")))?;
    let Some(envelope) = body.get("envelope") else {
        return Err(unsupported());
    };
    let text = envelope.as_str().unwrap_or_default();
    STANDARD
        .decode(text)
        .map_err(|error| wrong(format!("envelope isn't base64 (RFC 4648 §4): {error}")))
}

fn unsupported() -> Problem {
    Problem::new(
        Exception::UnsupportedMediaType,
        "this node holds no key of yours and takes signed transactions: application/x-touchstone-\
         envelope, or {\"envelope\": base64} as application/json; `touchstone gateway` signs EPCIS \
         documents",
    )
}

fn refused(rejected: &wire::Rejected) -> Problem {
    let problem = Problem::new(Exception::Validation, rejected.message.clone())
        .with("touchstone:rule", rejected.rule.clone())
        .with("touchstone:code", rejected.code);
    match rejected.event {
        Some(event) => problem.with("touchstone:event", event),
        None => problem,
    }
}

fn remember(http: &Asked, id: Hash) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| u64::try_from(now.as_millis()).unwrap_or(u64::MAX));
    let mut jobs = http.jobs.lock().unwrap_or_else(PoisonError::into_inner);
    if jobs.iter().any(|job| job.id == id) {
        return;
    }
    if jobs.len() >= JOBS {
        jobs.pop_front();
    }
    jobs.push_back(CaptureJob {
        id,
        created_ms: now,
    });
}
