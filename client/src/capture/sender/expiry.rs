//! Transactions whose lifetime is over, such as those of a journal that waited for a long outage to end. Their
//! events are signed afresh, once it is proven that the old transaction is nowhere and never will be.

use touchstone_core::hash::Hash;
use touchstone_proto::node::Rejected;

use super::{SendReport, Sender};
use crate::capture::error::CaptureError;
use crate::capture::event::EventRefusal;
use crate::client::{ExpiredTransaction, TransactionTraces};

impl Sender<'_> {
    /// The node says that a transaction expired, which it proves or not. If so, its events go back into the queue.
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
        let named = events.iter().filter_map(|i| self.events.get(*i));
        let names = named.filter_map(|e| e.names.first().cloned()).collect();
        let now_ms = (self.now_ms)();
        let traces = TransactionTraces::Events(names);
        match self.client.expired(id, &envelope, traces, now_ms).await? {
            ExpiredTransaction::Recorded(recorded) => return self.record(&recorded, report),
            ExpiredTransaction::ClockIsBehind => return self.reject(id, rejected, report),
            ExpiredTransaction::Nowhere => {}
        }
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
}
