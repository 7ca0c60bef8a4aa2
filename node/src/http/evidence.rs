//! Evidence files over HTTP: the same bytes that the gRPC service streams and `touchstone evidence` writes.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use touchstone_edge::http::{Exception, Problem};
use touchstone_proto::node::GetEvidenceRequest;
use touchstone_proto::node::get_evidence_request::Subject;

use super::{Asked, negotiate};
use crate::service::{ProvenState, evidence};

/// An evidence file (docs/evidence.md).
pub const EVIDENCE: &str = "application/x-touchstone-evidence";

/// `GET /evidence?item=`: about an item, in any form of its identifier.
pub async fn of_item(http: Asked, headers: HeaderMap, uri: Uri) -> Result<Response, Problem> {
    let query = uri.query().unwrap_or_default();
    let mut item = None;
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if name != "item" || item.is_some() {
            let detail = format!("{name:?} is no parameter here, or stands twice; give item alone");
            return Err(Problem::new(Exception::QueryParameter, detail));
        }
        item = Some(value.into_owned());
    }
    let item = item.ok_or_else(|| {
        let detail = "item is missing: the identifier of what the evidence is to be about";
        Problem::new(Exception::QueryParameter, detail)
    })?;
    file(http, &headers, Subject::Item(item)).await
}

/// `GET /designs/{id}/evidence`: about a design.
pub async fn of_design(
    http: Asked,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let bytes = hex::decode(&id).map_err(|_| {
        let detail = "a design's id has 64 hexadecimal digits";
        Problem::new(Exception::Validation, detail)
    })?;
    file(http, &headers, Subject::Design(bytes)).await
}

async fn file(http: Asked, headers: &HeaderMap, subject: Subject) -> Result<Response, Problem> {
    if negotiate::choose(headers, &[EVIDENCE]).is_none() {
        let detail = format!("evidence is given as {EVIDENCE}");
        return Err(Problem::new(Exception::NotAcceptable, detail));
    }
    let request = GetEvidenceRequest {
        subject: Some(subject),
        ..GetEvidenceRequest::default()
    };
    let service = http.service.clone();
    let question =
        move |view: &ProvenState<'_>| evidence::file(view, &service.parts.genesis, &request);
    let bytes = http.service.read_long(http.client, question).await?;
    let mut response = bytes.into_response();
    let told = response.headers_mut();
    told.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVIDENCE));
    let no_store = HeaderValue::from_static("no-store");
    told.insert(header::CACHE_CONTROL, no_store);
    Ok(response)
}
