//! The chain's id where programs look for it (RFC 8615): `/.well-known/touchstone-chain`, and beside it the
//! genesis document's exact bytes. It is the node's word: what a court compares is the page that the founders
//! signed (`touchstone genesis page`).

use std::future::ready;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use touchstone_core::hash::Hash;

/// Where the id is.
const CHAIN: &str = "/.well-known/touchstone-chain";
/// Where the genesis document is.
const GENESIS: &str = "/.well-known/touchstone-chain/genesis.json";

/// Both addresses; what they answer never changes.
pub(super) fn routes<S: Clone + Send + Sync + 'static>(
    chain_id: &Hash,
    name: &str,
    genesis: &[u8],
) -> Router<S> {
    let chain = json!({
        "format": "touchstone/chain/v1",
        "chain": name,
        "chain_id": hex::encode(chain_id),
        "genesis": GENESIS,
    });
    let chain: Arc<[u8]> = chain.to_string().into_bytes().into();
    let genesis: Arc<[u8]> = genesis.into();
    Router::new()
        .route(CHAIN, get(move || ready(answer(&chain))))
        .route(GENESIS, get(move || ready(answer(&genesis))))
}

fn answer(body: &[u8]) -> Response {
    let json = HeaderValue::from_static("application/json");
    ([(header::CONTENT_TYPE, json)], body.to_vec()).into_response()
}
