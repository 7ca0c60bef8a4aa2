//! `POST /app/scans.json`: a reader who agrees tells in which cell of half a degree it scans a thing, and learns what
//! all scans of that thing say about copies (docs/verdicts.md). What others scanned isn't told.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use touchstone_core::state::{StateRead, keys};
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::Identifier;

use super::{Asked, app_data, negotiate};
use crate::consensus_thread;
use crate::scans::{ScanCell, ScanTime, rules};
use crate::service::{ProvenState, ServiceError};

/// Where scans are told.
pub const ADDRESS: &str = "/app/scans.json";
const BODY_BYTES: usize = 4096;

/// A scan as the page tells it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ToldScan {
    item: String,
    row: i64,
    column: i64,
}

/// The method that a request counts as, where it is asked who may write: telling a scan needs no token, since whoever
/// holds the thing may.
pub fn counted_as(method: &Method, uri: &Uri) -> Method {
    match uri.path() == ADDRESS && *method == Method::POST {
        true => Method::GET,
        false => method.clone(),
    }
}

/// `POST /app/scans.json`
pub async fn post(http: Asked, headers: HeaderMap, body: Body) -> Result<Response, Problem> {
    let Some(scans) = http.scans.clone() else {
        let detail = "this node counts no scans (scans = true in its configuration)";
        return Err(Problem::new(Exception::NoSuchResource, detail));
    };
    if !negotiate::media_type(&headers).eq_ignore_ascii_case(negotiate::JSON) {
        let detail = "a scan is told as application/json";
        return Err(Problem::new(Exception::UnsupportedMediaType, detail));
    }
    let (item, cell) = read(body).await?;
    let key = keys::item(&item);
    // Only what the ledger knows is counted: an attacker's own identifiers must not fill the day.
    // It is written where files may be waited for.
    let address = http.client.address;
    let question = move |view: &ProvenState<'_>| -> Result<_, ServiceError> {
        let is_known = view.snapshot.get(&key)?.is_some();
        let time = ScanTime {
            clock_ms: consensus_thread::now_ms(),
            block_ms: view.snapshot.tip().time_ms,
        };
        Ok(match is_known {
            true => (true, scans.take(&item, cell, address, time)),
            false => (false, Ok(Vec::new())),
        })
    };
    let (is_known, found) = http.service.read(http.client, question).await?;
    let found = found.map_err(|error| {
        tracing::warn!(%error, "a scan can't be written");
        let detail = "this node can't write scans now; the record itself is not affected";
        Problem::new(Exception::Implementation, detail)
    })?;
    let codes: Vec<&str> = found.into_iter().map(|finding| finding.code()).collect();
    let told = json!({ "version": rules::VERSION, "counted": is_known, "codes": codes });
    Ok(app_data::answer(&told))
}

/// The item in its canonical form, and the cell.
async fn read(body: Body) -> Result<(String, ScanCell), Problem> {
    let refuse = |detail: String| Problem::new(Exception::Validation, detail);
    let bytes = to_bytes(body, BODY_BYTES).await;
    let bytes = bytes.map_err(|_| refuse(format!("a scan has at most {BODY_BYTES} bytes")))?;
    let told: ToldScan =
        serde_json::from_slice(&bytes).map_err(|error| refuse(format!("no scan: {error}")))?;
    let item = Identifier::parse(&told.item).map_err(|error| refuse(error.to_string()))?;
    if item.is_class() {
        return Err(refuse(
            "a product or a lot is in many places: scan one thing".into(),
        ));
    }
    let cell = ScanCell::new(told.row, told.column).ok_or_else(|| {
        refuse("row and column are half degrees, from -180 to 180 and from -360 to 360".into())
    })?;
    Ok((item.as_str().to_owned(), cell))
}
