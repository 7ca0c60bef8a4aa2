//! Transactions whose lifetime is over, such as those that waited for a long outage to end: what proves that one is
//! nowhere and never will be, so that it may be signed afresh.

use touchstone_core::governance::parameters;
use touchstone_core::hash::Hash;
use touchstone_core::{Rejection, transaction};

use super::{Client, RecordedTransaction, TransactionOutcome};
use crate::error::ClientError;
use crate::event_log;
use crate::verification::NotVerified;

/// What is proven of a transaction of which a node says that it expired.
pub enum ExpiredTransaction {
    /// It is recorded.
    Recorded(Box<RecordedTransaction>),
    /// It is nowhere, and no later block takes it.
    Nowhere,
    /// By the asker's clock its lifetime isn't over: that clock is behind the chain's, and what it signs afresh
    /// expires as well.
    ClockIsBehind,
}

/// Whether a rule's code says that a transaction's lifetime is over.
pub fn is_expiry(code: u32) -> bool {
    let expired = Rejection::Expired {
        created_ms: 0,
        lifetime_ms: 0,
        time_ms: 0,
    };
    code == expired.code()
}

impl Client {
    /// The node says that a capture expired: its word alone. A block whose time is at the end of the lifetime proves
    /// that no later one takes it; as of that block or a later one, the event logs of what it names prove that it
    /// isn't recorded. `names` are canonical identifiers, one that each of its events names: an event stands in the
    /// log of each.
    ///
    /// # Errors
    /// [`ClientError::NotYetExpired`] where no block is late enough; a contradiction where a log holds it.
    pub async fn expired(
        &mut self,
        id: &Hash,
        envelope: &[u8],
        mut names: Vec<String>,
        now_ms: u64,
    ) -> Result<ExpiredTransaction, ClientError> {
        if let TransactionOutcome::Recorded(recorded) = self.outcome(id).await? {
            return Ok(ExpiredTransaction::Recorded(recorded));
        }
        let created_ms = transaction::read(self.trust().chain_id(), envelope)?
            .claim()
            .created_ms;
        let (attested, parameters) = self.parameters().await?;
        let expires_ms = parameters::expires_ms(&parameters, created_ms);
        if now_ms <= expires_ms {
            return Ok(ExpiredTransaction::ClockIsBehind);
        }
        let time_ms = attested.header.time_ms;
        if time_ms < expires_ms {
            return Err(ClientError::NotYetExpired {
                time_ms,
                expires_ms,
            });
        }
        names.sort_unstable();
        names.dedup();
        let logs = event_log::fetch_all(self, &names).await?;
        let mut recorded = logs.iter().flat_map(|log| &log.events);
        match recorded.any(|event| event.entry.transaction_id == id) {
            true => Err(NotVerified::Contradiction(format!(
                "the node says that transaction {} expired, but it is recorded",
                hex::encode(id)
            ))
            .into()),
            false => Ok(ExpiredTransaction::Nowhere),
        }
    }
}
