//! What a port for everybody answers: one exact item, design or file, its evidence file, and what proves them. Lists,
//! traces, transactions, submissions and the node's own state are for members.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use tonic::Status;

/// The calls of gRPC that everybody may make. A block comes without its transactions.
const CALLS: [&str; 12] = [
    "/grpc.health.v1.Health/Check",
    "/touchstone.node.v1.Ledger/GetItem",
    "/touchstone.node.v1.Ledger/GetDesign",
    "/touchstone.node.v1.Ledger/GetDesignsByFile",
    "/touchstone.node.v1.Ledger/GetEvidence",
    // By what the answers above are proven.
    "/touchstone.node.v1.Ledger/GetBlock",
    "/touchstone.node.v1.Ledger/GetOrganisation",
    "/touchstone.node.v1.Ledger/GetRecord",
    "/touchstone.node.v1.Ledger/GetValidators",
    "/touchstone.node.v1.Ledger/GetValidatorSetChanges",
    "/touchstone.node.v1.Ledger/GetMisbehaviour",
    "/touchstone.node.v1.Ledger/ListCheckpoints",
];

/// Lets the calls through that everybody may make.
pub async fn only(request: Request, next: Next) -> Response<Body> {
    let path = request.uri().path();
    if CALLS.contains(&path) {
        return next.run(request).await;
    }
    let call = path.rsplit('/').next().unwrap_or_default().to_owned();
    refusal(&call).into_http()
}

/// What is for members alone.
pub fn refusal(what: &str) -> Status {
    Status::permission_denied(format!(
        "{what} is for members: this port answers about one exact item, design or file (docs/operating.md, \"Who may \
         ask\")"
    ))
}
