//! Traces, as the node tells them.

use std::time::Duration;

use touchstone_proto::node;

use super::Client;
use crate::connection::within;
use crate::error::ClientError;

/// The pieces of a trace.
pub struct Traces {
    replies: tonic::Streaming<node::TraceReply>,
    timeout: Duration,
}

impl Traces {
    /// The next piece; none after the last.
    pub async fn next(&mut self) -> Result<Option<node::TraceReply>, ClientError> {
        let next = tokio::time::timeout(self.timeout, self.replies.message()).await;
        Ok(next.map_err(|_| ClientError::TooLate(self.timeout))??)
    }
}

impl Client {
    /// A trace, as the node tells it. Unchecked, but for the node's being as far as what was proven.
    pub async fn trace(&mut self, request: node::TraceRequest) -> Result<Traces, ClientError> {
        self.reach_proven().await?;
        let mut ledger = self.ledger.clone();
        let replies = within(self.timeout, ledger.trace(request)).await?;
        Ok(Traces {
            replies,
            timeout: self.timeout,
        })
    }
}
