//! The channel to a node: what it may cost, and how long an answer may take.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};
use touchstone_proto::node::ledger_client::LedgerClient;

use crate::failure::Failure;

/// Largest answer that is read; a page of an item's events stays well below.
const MAX_ANSWER_BYTES: usize = 64 << 20;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Opens a channel; the first call connects.
pub async fn open(url: &str, timeout: Duration) -> Result<LedgerClient<Channel>, Failure> {
    if !url.starts_with("http://") {
        return Err(Failure::Usage(format!(
            "--node {url:?} is no address of a node; write http://HOST:PORT"
        )));
    }
    let endpoint = Endpoint::from_shared(url.to_owned())
        .map_err(|e| Failure::Usage(format!("--node {url:?}: {e}; write http://HOST:PORT")))?
        .connect_timeout(CONNECT_TIMEOUT.min(timeout))
        .http2_keep_alive_interval(KEEPALIVE)
        .keep_alive_timeout(KEEPALIVE)
        .keep_alive_while_idle(true);
    let channel = endpoint.connect().await.map_err(|e| {
        let cause = std::error::Error::source(&e).map(|c| format!(": {c}"));
        Failure::Unreachable(format!(
            "no connection to the node at {url}{}; is it running, and is --node right?",
            cause.unwrap_or_default()
        ))
    })?;
    Ok(LedgerClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES))
}

/// One answer within the time allowed.
pub async fn within<T>(
    timeout: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, Failure> {
    match tokio::time::timeout(timeout, call).await {
        Ok(reply) => Ok(reply?.into_inner()),
        Err(_) => Err(too_late(timeout)),
    }
}

/// No answer came.
pub fn too_late(timeout: Duration) -> Failure {
    Failure::Unreachable(format!(
        "no answer within {} s; raise --timeout or ask another node",
        timeout.as_secs()
    ))
}
