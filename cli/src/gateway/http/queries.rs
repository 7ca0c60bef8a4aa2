//! Queries at the gateway's own address: handed on to its node, whose word the answers are.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use touchstone_edge::http::Problem;

use super::{Http, Shared, query_node, subscriptions, whole_of};

/// Bytes of a named query's definition.
const DEFINITION_BYTES: usize = 64 << 10;

/// `GET /events`, `/epcs/…`, `/queries/…` and the like, `POST /queries`.
pub(super) async fn relay(State(shared): Http, request: Request) -> Result<Response, Problem> {
    let node = query_node(&shared)?;
    let (head, body) = request.into_parts();
    let limit = match head.method {
        Method::POST => DEFINITION_BYTES,
        _ => 0,
    };
    let body = whole_of(body, limit).await?;
    let target = head.uri.path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    node.relay(head.method, target, &head.headers, body).await
}

/// `DELETE /queries/{name}`: its subscriptions end with it.
pub(super) async fn forget(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, Problem> {
    let path = request.uri().path().to_owned();
    let answer = relay(State(shared.clone()), request).await?;
    if matches!(
        answer.status(),
        StatusCode::NO_CONTENT | StatusCode::NOT_FOUND
    ) {
        let name = path.rsplit('/').next().unwrap_or_default();
        subscriptions::end_all_of(&shared, name)?;
    }
    Ok(answer)
}
