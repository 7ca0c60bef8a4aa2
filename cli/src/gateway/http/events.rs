//! `POST /events`: one event, captured while the client waits. It is a job as any other: where it
//! isn't decided in time, the answer is the job's address, and the job goes on.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::{Event, split_document};

use super::captures::{describe, document as read_document, keep};
use super::{Shared, as_json, located};
use crate::gateway::jobs::{ErrorBehaviour, Job, JobOutcome};

/// How long an answer waits for the event's outcome, and between two looks at it.
const WAIT: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(25);

/// How the ledger names an event that has no `eventID`: then the transaction's id, a colon, and the
/// event's index in it.
const OWN_ID: &str = "urn:touchstone:event:";

/// `POST /events`
pub(super) async fn post(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let document = read_document(&headers, body).await?;
    let event_id = single(&document)?;
    let id = keep(&shared, document.clone(), ErrorBehaviour::Rollback).await?;
    let waited = tokio::time::timeout(WAIT, async {
        loop {
            match shared.jobs.get(&id) {
                Some(job) if job.finished_ms.is_none() => tokio::time::sleep(LOOK).await,
                decided => return decided,
            }
        }
    });
    match waited.await {
        Ok(Some(job)) => outcome(&job, event_id, document),
        // Forgotten, or not decided yet.
        Ok(None) | Err(_) => located(StatusCode::ACCEPTED, &format!("/capture/{id}")),
    }
}

/// The `eventID` of the one event that the body is.
fn single(document: &[u8]) -> Result<Option<String>, Problem> {
    let events = match split_document(document) {
        Ok(events) => events,
        // The capture says what is wrong with it, with path and rule.
        Err(_) => return Ok(None),
    };
    let [event] = events.as_slice() else {
        let count = events.len();
        let detail =
            format!("POST /events takes one event, this has {count}; POST /capture takes many");
        return Err(Problem::new(Exception::Validation, detail));
    };
    Ok(Event::parse(event).ok().and_then(|event| event.event_id))
}

fn outcome(job: &Job, event_id: Option<String>, event: Vec<u8>) -> Result<Response, Problem> {
    let report = job.reports.get(&0);
    let done = report.filter(|r| matches!(r.outcome, JobOutcome::Recorded | JobOutcome::Skipped));
    let Some(report) = done.filter(|_| job.success()) else {
        let described = describe(job);
        let error = described.pointer("/errors/0").unwrap_or(&described);
        let mut answer = as_json(StatusCode::BAD_REQUEST, error.to_string());
        let form = HeaderValue::from_static("application/problem+json");
        answer.headers_mut().insert(header::CONTENT_TYPE, form);
        return Ok(answer);
    };
    let own = report
        .transaction
        .as_ref()
        .map(|transaction| format!("{OWN_ID}{transaction}:0"));
    let name = event_id.or(own).unwrap_or_default();
    let status = match report.outcome {
        JobOutcome::Skipped => StatusCode::OK,
        _ => StatusCode::CREATED,
    };
    let mut answer = located(status, &format!("/events/{}", encoded(&name)))?;
    let form = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(header::CONTENT_TYPE, form);
    let (parts, _) = answer.into_parts();
    Ok((parts, Body::from(event)).into_response())
}

/// A segment of an address (RFC 3986 §3.3).
fn encoded(segment: &str) -> String {
    let mut out = String::new();
    for byte in segment.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:@!$'()*,;=".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
