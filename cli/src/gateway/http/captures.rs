//! `/capture` as EPCIS 2.0's REST binding has it, and `/jobs`, where acts stand too.

use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};
use touchstone_client::capture::{ENVELOPE_BYTES, EventRefusal};
use touchstone_edge::http::{Exception, Problem, negotiate};
use touchstone_epcis::{capture_job_xml, is_xml};

use super::{
    Http, Shared, as_json, listed, located, not_taken, parameters, refused, required, wait, whole,
};
use crate::capture::source::{self, CaptureInput};
use crate::capture::table;
use crate::gateway::jobs::{Contents, DoubtfulEvent, ErrorBehaviour, Job, Reason};
use crate::output::rfc3339;

/// Media types of documents.
const JSON: [&str; 2] = ["application/json", "application/ld+json"];
/// Media types of tables: text, and workbooks.
const TABLES: [&str; 2] = [
    "text/csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];
const XML: [&str; 2] = ["application/xml", "text/xml"];
/// Jobs of a list, where the client names no number, and at most.
const PER_PAGE: usize = 30;
const MAX_PER_PAGE: usize = 1000;
/// Warnings of a job that are told.
const WARNINGS: usize = 100;

/// `POST /capture?mapping=NAME`
pub async fn post(
    State(shared): Http,
    uri: Uri,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let behaviour = behaviour(&headers)?;
    let [mapping] = parameters(&uri, ["mapping"])?;
    let form = negotiate::media_type(&headers);
    let is_table = TABLES.iter().any(|table| form.eq_ignore_ascii_case(table));
    let document = match is_table {
        true => table(&shared, &headers, body, mapping).await?,
        false if mapping.is_some() => {
            let detail = "a mapping is for tables, which come as text/csv or as a workbook (.xlsx)";
            return Err(Problem::new(Exception::QueryParameter, detail));
        }
        false => document(&headers, body).await?,
    };
    let id = keep(&shared, document, behaviour).await?;
    if wait(&headers).is_some() {
        return super::taken(&shared, &id, &headers, "capture").await;
    }
    located(StatusCode::ACCEPTED, &format!("/capture/{id}"))
}

/// Keeps a document as a job, once it is on the disk; gives the job's id.
pub async fn keep(
    shared: &Arc<Shared>,
    document: Vec<u8>,
    behaviour: ErrorBehaviour,
) -> Result<String, Problem> {
    // A body that doesn't come holds up nobody: its turn begins once it is there.
    let _turn = shared.documents.acquire().await;
    let taking = shared.clone();
    let taken = tokio::task::spawn_blocking(move || take(&taking, &document, behaviour)).await;
    taken.map_err(|_| Problem::new(Exception::Implementation, "the gateway failed"))?
}

/// A document's bytes, in the form that the client says.
pub async fn document(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let form = negotiate::media_type(headers).to_ascii_lowercase();
    let as_xml = XML.contains(&form.as_str());
    if !as_xml && !JSON.contains(&form.as_str()) {
        return Err(unsupported(
            "an EPCIS document is taken as application/ld+json, application/json or application/xml, a \
             table as text/csv or a workbook (.xlsx)",
        ));
    }
    let document = whole(body).await?;
    if is_xml(&document) != as_xml {
        return Err(unsupported(format!(
            "the document isn't what Content-Type says, which is {form}"
        )));
    }
    Ok(document)
}

/// A table's events as a document. All rows that can't be read are told of at once.
async fn table(
    shared: &Shared,
    headers: &HeaderMap,
    body: Body,
    mapping: Option<String>,
) -> Result<Vec<u8>, Problem> {
    let name = required(mapping, "mapping")?;
    let mapping = shared.mappings.get(&name).ok_or_else(|| {
        let known: Vec<&String> = shared.mappings.keys().collect();
        let detail =
            format!("there is no mapping {name:?}; there are {known:?} (--mapping NAME=FILE)");
        Problem::new(Exception::QueryParameter, detail)
    })?;
    let form = headers.get(header::CONTENT_TYPE);
    let form = form.and_then(|form| form.to_str().ok()).unwrap_or_default();
    let charset = form.split(';').skip(1).find_map(|part| {
        let (name, value) = part.split_once('=')?;
        name.trim()
            .eq_ignore_ascii_case("charset")
            .then(|| value.trim().trim_matches('"'))
    });
    let bytes = whole(body).await?;
    let (mapping, charset) = (mapping.clone(), charset.map(str::to_owned));
    // A workbook is much larger unpacked: it has a thread and a turn, as a document has.
    let turn = shared.documents.acquire().await;
    let read = tokio::task::spawn_blocking(move || {
        table::of_bytes(Path::new("the table"), &bytes, &mapping, charset.as_deref())
    });
    let read = read.await;
    drop(turn);
    let read = read.map_err(|_| Problem::new(Exception::Implementation, "the gateway failed"))?;
    let events = read.map_err(|failure| super::failed(&failure))?.events;
    let wrong: Vec<&String> = events
        .iter()
        .filter_map(|event| event.wrong.as_ref())
        .collect();
    if !wrong.is_empty() {
        let detail = format!(
            "{} of {} events have rows that can't be read",
            wrong.len(),
            events.len()
        );
        let refusal = EventRefusal::unreadable(source::TABLE_ROW, detail);
        return Err(Problem::new(Exception::Validation, refusal.message)
            .with("touchstone:rule", refusal.rule)
            .with("touchstone:code", refusal.code)
            .with("touchstone:rows", json!(wrong)));
    }
    // Each event brings its own context.
    let mut text = format!(
        "{{\"@context\":[],\"type\":\"EPCISDocument\",\"schemaVersion\":\"2.0\",\"creationDate\":\"{}\",\
         \"epcisBody\":{{\"eventList\":[",
        rfc3339((shared.now_ms)())
    )
    .into_bytes();
    for (index, event) in events.iter().enumerate() {
        text.extend(if index > 0 { &b","[..] } else { b"" });
        text.extend(&event.bytes);
    }
    text.extend(b"]}}");
    Ok(text)
}

fn unsupported(detail: impl Into<String>) -> Problem {
    Problem::new(Exception::UnsupportedMediaType, detail)
}

/// A document's events, of which there must be some.
pub fn events(shared: &Shared, document: &[u8]) -> Result<CaptureInput, Problem> {
    let input = contents(shared, document)?;
    match input.events.is_empty() {
        true => {
            let none = source::without_events("", "the document");
            Err(refused(&none.refusal, "$"))
        }
        false => Ok(input),
    }
}

/// A document's events and master data; what can't be read is the answer where all of it is.
fn contents(shared: &Shared, document: &[u8]) -> Result<CaptureInput, Problem> {
    let limit = shared.genesis.document.parameters.max_transaction_bytes;
    let input = source::of_document("", document, limit);
    match input.bad.first() {
        None => Ok(input),
        Some(bad) => {
            let message = &bad.refusal.message;
            let path = message.split_once(": ").map_or("$", |(path, _)| path);
            let path = if path.starts_with('$') { path } else { "$" };
            Err(refused(&bad.refusal, path))
        }
    }
}

/// Checks a document as a whole and keeps it.
fn take(shared: &Shared, document: &[u8], behaviour: ErrorBehaviour) -> Result<String, Problem> {
    let input = contents(shared, document)?;
    let parameters = &shared.genesis.document.parameters;
    if behaviour == ErrorBehaviour::Rollback {
        let events = input.events.len() as u64;
        let sizes = input.events.iter().map(|e| e.bytes.len() as u64 + 8);
        let bytes = sizes.sum::<u64>() + ENVELOPE_BYTES;
        let limits = (
            parameters.max_events_per_transaction,
            parameters.max_transaction_bytes,
        );
        if events > limits.0 || bytes > limits.1 {
            let detail = format!(
                "{events} events of {bytes} bytes don't fit in one transaction, which holds {} of {} \
                 bytes on this chain: split the document, or send GS1-Capture-Error-Behaviour: proceed",
                limits.0, limits.1
            );
            return Err(Problem::new(Exception::CaptureLimitExceeded, detail));
        }
    }
    let (events, elements) = (input.events.len(), input.elements());
    let now_ms = (shared.now_ms)();
    let what = Contents {
        events,
        elements,
        behaviour,
        warnings: warnings(&input, now_ms),
    };
    let taken = shared.jobs.take(document, what, now_ms);
    let id = taken.map_err(not_taken)?;
    tracing::info!(job = id, events, elements, ?behaviour, "a document came in");
    Ok(id)
}

/// What is doubtful in events; the first of it, where there is much.
pub(super) fn warnings(input: &CaptureInput, now_ms: u64) -> Vec<DoubtfulEvent> {
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    let sound = input.events.iter().enumerate();
    let sound = sound.filter(|(_, event)| event.wrong.is_none());
    let found = sound.flat_map(|(index, event)| {
        let warnings = touchstone_epcis::warnings(&event.bytes, now_ms).into_iter();
        warnings.map(move |warning| DoubtfulEvent {
            index,
            path: warning.path.clone(),
            warning: warning.doubt.code().to_owned(),
            message: warning.to_string(),
        })
    });
    found.take(WARNINGS).collect()
}

fn behaviour(headers: &HeaderMap) -> Result<ErrorBehaviour, Problem> {
    match headers
        .get("gs1-capture-error-behaviour")
        .map(HeaderValue::as_bytes)
    {
        None | Some(b"rollback") => Ok(ErrorBehaviour::Rollback),
        Some(b"proceed") => Ok(ErrorBehaviour::Proceed),
        Some(_) => Err(Problem::new(
            Exception::Validation,
            "GS1-Capture-Error-Behaviour is rollback or proceed",
        )),
    }
}

/// `GET /capture`: the newest first.
pub async fn list(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let limit = limit(&uri)?;
    let jobs = shared.jobs.newest(limit, |job| job.act.is_none());
    Ok(listed(jobs.iter().map(describe).collect()))
}

/// `GET /jobs`: captures and acts, the newest first.
pub async fn all(State(shared): Http, uri: Uri) -> Result<Response, Problem> {
    let limit = limit(&uri)?;
    let jobs = shared.jobs.newest(limit, |_| true);
    Ok(listed(jobs.iter().map(describe).collect()))
}

fn limit(uri: &Uri) -> Result<usize, Problem> {
    let [per_page] = parameters(uri, ["perPage"])?;
    let limit = per_page.map_or(Some(PER_PAGE), |text| text.parse().ok());
    limit
        .filter(|n| (1..=MAX_PER_PAGE).contains(n))
        .ok_or_else(|| {
            Problem::new(
                Exception::QueryParameter,
                format!("the list of captures takes perPage, from 1 to {MAX_PER_PAGE}"),
            )
        })
}

/// `GET /capture/{captureID}` and `GET /jobs/{id}`
pub async fn one(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Problem> {
    let id = uri.path().rsplit('/').next().unwrap_or_default();
    let job = shared.jobs.get(id).ok_or_else(|| {
        let detail = "this gateway has no such capture; GET /jobs lists what it has";
        Problem::new(Exception::NoSuchResource, detail)
    })?;
    let form = negotiate::capture_job(&headers)?;
    let described = describe(&job);
    let text = match negotiate::is_xml(form) {
        true => capture_job_xml(&described)
            .map_err(|error| Problem::new(Exception::NotAcceptable, error.to_string()))?,
        false => described.to_string(),
    };
    let mut answer = as_json(StatusCode::OK, text);
    let form = HeaderValue::from_static(form);
    answer.headers_mut().insert(header::CONTENT_TYPE, form);
    Ok(answer)
}

/// A job as the binding has it, and the outcome of each event.
pub fn describe(job: &Job) -> Value {
    let problem = |detail: &str, reason: Option<&Reason>| {
        let mut problem = Problem::new(Exception::Validation, detail);
        if let Some(reason) = reason {
            problem = problem
                .with("touchstone:path", reason.path.clone())
                .with("touchstone:rule", reason.rule.clone())
                .with("touchstone:code", reason.code);
        }
        problem.body()
    };
    let refused = job.reports.values().filter_map(|r| r.refusal.as_ref());
    let mut errors: Vec<Value> = refused.map(|r| problem(&r.message, Some(r))).collect();
    let refused = job.statements.values().filter_map(|r| r.reason());
    errors.extend(refused.map(|r| problem(&r.message, Some(&r))));
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
    let elements: Vec<Value> = job
        .statements
        .values()
        .filter_map(|report| serde_json::to_value(report).ok())
        .collect();
    json!({
        "captureID": job.id,
        "createdAt": rfc3339(job.created_ms),
        "finishedAt": job.finished_ms.map(rfc3339),
        "running": job.finished_ms.is_none(),
        "success": job.success(),
        "captureErrorBehaviour": job.behaviour,
        "errors": errors,
        "touchstone:events": events,
        "touchstone:count": job.events,
        "touchstone:masterData": elements,
        "touchstone:masterDataCount": job.elements,
        "touchstone:undecided": job.undecided(),
        "touchstone:waiting": job.waiting,
        "touchstone:warnings": job.warnings,
        "touchstone:action": job.act.as_ref().map(|act| &act.action),
        "touchstone:transaction": job.act.as_ref().map(|act| &act.transaction),
    })
}
