//! Transactions whose lifetime is over, such as those of a journal that waited for a long outage to end. Their
//! events are signed afresh, once it is proven that the old transaction is nowhere and never will be.

use touchstone_core::governance::parameters;
use touchstone_core::hash::Hash;
use touchstone_core::{Rejection, transaction};
use touchstone_proto::node::Rejected;

use super::{SendReport, Sender};
use crate::capture::error::CaptureError;
use crate::capture::event::EventRefusal;
use crate::client::TransactionOutcome;
use crate::error::ClientError;
use crate::event_log;
use crate::verification::NotVerified;

/// Whether a node refuses a transaction since its lifetime is over.
pub(super) fn is_expiry(rejected: &Rejected) -> bool {
    let expired = Rejection::Expired {
        created_ms: 0,
        lifetime_ms: 0,
        time_ms: 0,
    };
    rejected.code == expired.code()
}

impl Sender<'_> {
    /// The node says that a transaction expired: its word alone. A block whose time is at the end of the lifetime
    /// proves that no later one takes it; as of that block or a later one, the event logs of what it names prove
    /// that it isn't recorded. Then its events go back into the queue.
    pub(super) async fn expire(
        &mut self,
        id: &Hash,
        rejected: &Rejected,
        report: SendReport<'_>,
    ) -> Result<(), CaptureError> {
        let Some(batch) = self.progress.under_way().get(id) else {
            return Ok(());
        };
        let Some((_, envelope)) = batch.signed.clone() else {
            return Ok(());
        };
        let events = batch.events.clone();
        if let TransactionOutcome::Recorded(recorded) = self.client.outcome(id).await? {
            return self.record(&recorded, report);
        }
        let chain_id = *self.client.trust().chain_id();
        let created_ms = transaction::read(&chain_id, &envelope)?.claim().created_ms;
        let (attested, parameters) = self.client.parameters().await?;
        let expires_ms = parameters::expires_ms(&parameters, created_ms);
        if (self.now_ms)() <= expires_ms {
            // This machine's clock is behind the chain's: what it signs afresh expires as well.
            return self.reject(id, rejected, report);
        }
        let time_ms = attested.header.time_ms;
        if time_ms < expires_ms {
            let not_yet = ClientError::NotYetExpired {
                time_ms,
                expires_ms,
            };
            return Err(not_yet.into());
        }
        self.prove_unrecorded(id, &events).await?;
        let refusal = EventRefusal {
            code: rejected.code,
            rule: rejected.rule.clone(),
            message: rejected.message.clone(),
        };
        self.journal.rejected(id, &refusal)?;
        self.rejected.insert(*id, events);
        self.progressed = true;
        self.progress.take_back(id);
        Ok(())
    }

    /// An event stands in the log of each item that it names, so one log of each event is enough.
    async fn prove_unrecorded(&mut self, id: &Hash, events: &[usize]) -> Result<(), CaptureError> {
        let named = events.iter().filter_map(|i| self.events.get(*i));
        let mut names: Vec<String> = named.filter_map(|e| e.names.first().cloned()).collect();
        names.sort_unstable();
        names.dedup();
        let logs = event_log::fetch_all(self.client, &names).await?;
        let mut recorded = logs.iter().flat_map(|log| &log.events);
        match recorded.any(|event| event.entry.transaction_id == id) {
            true => Err(NotVerified::Contradiction(format!(
                "the node says that transaction {} expired, but it is recorded",
                hex::encode(id)
            ))
            .into()),
            false => Ok(()),
        }
    }
}
