//! What passed through the room, counted.

use std::sync::atomic::{AtomicU64, Ordering};

/// Running totals since the start. Each is exact on its own; two read together may be from
/// different moments.
#[derive(Debug, Default)]
pub struct Counters {
    /// Consensus messages, gossip and requests received and handed to the host.
    pub messages_in: AtomicU64,
    /// Their bytes.
    pub bytes_in: AtomicU64,
    /// Consensus messages (one per recipient), gossip and requests given to the transport.
    pub messages_out: AtomicU64,
    /// Their bytes.
    pub bytes_out: AtomicU64,
    /// Large consensus messages that the recipient acknowledged: it has them queued for its host.
    pub acknowledged: AtomicU64,
    /// Received messages dropped because the host was behind; a large consensus message or request
    /// among them was not acknowledged.
    pub dropped_in: AtomicU64,
    /// Messages not sent: their peer was not connected, or too many were waiting for it.
    pub dropped_out: AtomicU64,
    /// Consensus messages that could not be sent whole, and large ones and requests that failed before an
    /// answer came.
    pub failed_out: AtomicU64,
    /// Connections, streams and frames refused.
    pub refused: AtomicU64,
    /// Dials that failed.
    pub dial_failures: AtomicU64,
}

/// Adds to a counter.
pub(super) fn count(counter: &AtomicU64, by: usize) {
    counter.fetch_add(u64::try_from(by).unwrap_or(u64::MAX), Ordering::Relaxed);
}
