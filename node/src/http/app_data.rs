//! What the page for people asks beside evidence files: which designs were disclosed with a file, and how this node is.
//! Both are the node's word: the page has each design proven, and says that the rest isn't.

use axum::http::{HeaderValue, Uri, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use touchstone_core::state::delta::decode_stored;
use touchstone_core::state::keys;
use touchstone_edge::http::{Exception, Problem};
use touchstone_proto::ledger::LinkEntry;
use touchstone_proto::node::GetDesignsByFileRequest;

use super::Asked;
use crate::service::proven_state::ProvenBlock;
use crate::service::{ProvenState, ServiceError, log_page, status};

/// The last blocks that are told.
const BLOCKS: u64 = 20;

/// `GET /app/designs.json?file=`: the ids of designs that were disclosed with a file of this SHA-256.
pub async fn designs(http: Asked, uri: Uri) -> Result<Response, Problem> {
    let file = file_of(&uri)?;
    let request = GetDesignsByFileRequest {
        sha256: file.to_vec(),
        ..GetDesignsByFileRequest::default()
    };
    let question = move |view: &ProvenState<'_>| {
        let key = keys::design_file(&file);
        let reply = log_page::designs_by_file(view, &request)?;
        let id = |entry: &Vec<u8>| -> Result<String, ServiceError> {
            let entry: LinkEntry = decode_stored(&key, entry)?;
            Ok(hex::encode(entry.content_hash))
        };
        reply.entries.iter().map(id).collect::<Result<Vec<_>, _>>()
    };
    let ids = http.service.read(http.client, question).await?;
    Ok(answer(&json!({ "designs": ids })))
}

fn file_of(uri: &Uri) -> Result<[u8; 32], Problem> {
    let query = uri.query().unwrap_or_default();
    let mut given = form_urlencoded::parse(query.as_bytes());
    let is_lower = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let bytes = match (given.next(), given.next()) {
        (Some((name, value)), None) if name == "file" && is_lower(&value) => {
            hex::decode(value.as_ref()).ok()
        }
        _ => None,
    };
    bytes.and_then(|b| b.try_into().ok()).ok_or_else(|| {
        let detail = "give file alone: a file's SHA-256, 64 digits of lower-case hex";
        Problem::new(Exception::QueryParameter, detail)
    })
}

/// `GET /app/status.json`: what this node says of itself, its last blocks with those who signed them, and the
/// validators.
pub async fn status(http: Asked) -> Result<Response, Problem> {
    let service = http.service.clone();
    let question = move |view: &ProvenState<'_>| {
        let tip = view.snapshot.tip();
        let (height, block_id) = (tip.height, tip.block_id);
        let first = height.saturating_sub(BLOCKS - 1).max(1);
        let mut blocks = Vec::new();
        let mut validators = Vec::new();
        for at in (first..=height).rev() {
            let block = view.proven(at)?;
            if at == height {
                validators = validators_of(&block);
            }
            blocks.push(block_of(&block));
        }
        let told = status::status(&service, tip);
        Ok(json!({
            "version": told.version,
            "chain_id": hex::encode(told.chain_id),
            "chain_name": told.chain_name,
            "height": height,
            "block_id": hex::encode(block_id),
            "time_ms": told.time_ms,
            "round": told.round,
            "pending_transactions": told.pending_transactions,
            "connected_peers": told.connected_peers.len(),
            "validator": told.validator,
            "syncing": told.syncing,
            "halt": told.halt.map(|halt| halt.explanation),
            "validators": validators,
            "blocks": blocks,
        }))
    };
    let told = http.service.read(http.client, question).await?;
    Ok(answer(&told))
}

fn validators_of(block: &ProvenBlock) -> Vec<Value> {
    let all = block.validators.iter();
    all.map(|validator| {
        json!({
            "public_key": hex::encode(validator.public_key),
            "organisation": validator.organisation,
            "power": validator.power,
        })
    })
    .collect()
}

fn block_of(block: &ProvenBlock) -> Value {
    let header = &block.header;
    let signatures = block.certified.certificate.iter();
    let signers = signatures.flat_map(|certificate| &certificate.signatures);
    let signers: Vec<String> = signers.map(|one| hex::encode(&one.public_key)).collect();
    json!({
        "height": header.height,
        "id": hex::encode(header.id()),
        "time_ms": header.time_ms,
        "transactions": header.transaction_count,
        "proposer": hex::encode(header.proposer),
        "signers": signers,
    })
}

/// A value as JSON that nobody keeps.
pub fn answer(value: &Value) -> Response {
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, value.to_string()).into_response()
}
