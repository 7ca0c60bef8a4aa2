//! What waits to be gossiped, organisations in turn.

use std::sync::Arc;

use touchstone_core::transaction::VerifiedTransaction;

use crate::dispatch::in_turn::InTurn;

/// Bytes of envelopes that may wait; then their senders wait.
const MOST_BYTES: usize = 8 << 20;

/// What waits.
#[derive(Default)]
pub struct Outgoing {
    waiting: InTurn<Arc<VerifiedTransaction>>,
    bytes: usize,
}

impl Outgoing {
    /// One more waits.
    pub fn push(&mut self, transaction: Arc<VerifiedTransaction>) {
        self.bytes += transaction.envelope().len();
        let organisation = transaction.organisation().to_owned();
        self.waiting.push(organisation, transaction);
    }

    /// The next one.
    pub fn take(&mut self) -> Option<Arc<VerifiedTransaction>> {
        let next = self.waiting.take();
        self.bytes -= next.as_ref().map_or(0, |next| next.envelope().len());
        next
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether no more should wait.
    pub fn is_full(&self) -> bool {
        self.bytes >= MOST_BYTES
    }

    /// Bytes of what waits.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}
