//! The queue of events to the host.
//!
//! Bounded per peer rather than as a whole: each peer has an [`QueueAccount`] of the messages and bytes
//! that it has waiting, so a peer that floods a slow host fills its own share and crowds nobody out.
//! What the host takes stays on the account until it drops the event's [`QueueCharge`].
//! The channel below is unbounded, but nothing enters it without room on an account.

use super::NetworkEvent;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::mpsc;

/// What one source has waiting for the host.
#[derive(Debug)]
pub(super) struct QueueAccount {
    messages: AtomicUsize,
    bytes: AtomicUsize,
    message_limit: usize,
    byte_limit: usize,
}

impl QueueAccount {
    pub fn new(message_limit: usize, byte_limit: usize) -> Arc<QueueAccount> {
        Arc::new(QueueAccount {
            messages: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            message_limit,
            byte_limit,
        })
    }

    /// Books a message; false if there is no room. Only the network's task books, so looking and
    /// then adding cannot overshoot.
    fn book(&self, bytes: usize) -> bool {
        let room = self.messages.load(Ordering::Acquire) < self.message_limit
            && self.bytes.load(Ordering::Acquire).saturating_add(bytes) <= self.byte_limit;
        if room {
            self.messages.fetch_add(1, Ordering::AcqRel);
            self.bytes.fetch_add(bytes, Ordering::AcqRel);
        }
        room
    }

    fn release(&self, bytes: usize) {
        self.messages.fetch_sub(1, Ordering::AcqRel);
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }
}

/// Something of a peer's that the host is not done with. Dropped, it makes room for more of the same
/// peer's.
#[derive(Debug)]
pub struct QueueCharge {
    account: Arc<QueueAccount>,
    bytes: usize,
}

impl QueueCharge {
    /// Books a message; none if there is no room.
    fn book(account: &Arc<QueueAccount>, bytes: usize) -> Option<QueueCharge> {
        account.book(bytes).then(|| QueueCharge {
            account: Arc::clone(account),
            bytes,
        })
    }
}

#[cfg(test)]
impl QueueCharge {
    /// A charge, and whether it is still on its account.
    pub fn watched() -> (QueueCharge, impl Fn() -> bool) {
        let account = QueueAccount::new(1, 0);
        let charge = QueueCharge {
            account: Arc::clone(&account),
            bytes: 0,
        };
        assert!(account.book(0));
        (charge, move || account.messages.load(Ordering::Acquire) > 0)
    }
}

impl Drop for QueueCharge {
    fn drop(&mut self) {
        self.account.release(self.bytes);
    }
}

type Queued = (NetworkEvent, QueueCharge);

/// The network's end.
pub(super) struct EventSender(mpsc::UnboundedSender<Queued>);

impl EventSender {
    /// Queues an event that carries `bytes` bytes; false if the account has no room for it.
    pub fn push(&self, event: NetworkEvent, bytes: usize, account: &Arc<QueueAccount>) -> bool {
        QueueCharge::book(account, bytes).is_some_and(|charge| self.0.send((event, charge)).is_ok())
    }

    /// Resolves once the host has dropped its end.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

/// The host's end: what the network has to say.
pub struct NetworkEvents(mpsc::UnboundedReceiver<Queued>);

impl NetworkEvents {
    /// The next event, and its charge, to be dropped once the event is dealt with; none once the
    /// network has stopped. Safe to cancel.
    pub async fn recv(&mut self) -> Option<(NetworkEvent, QueueCharge)> {
        self.0.recv().await
    }

    /// The next event if one is waiting.
    pub fn try_recv(&mut self) -> Option<(NetworkEvent, QueueCharge)> {
        self.0.try_recv().ok()
    }
}

/// Both ends of a queue.
pub(super) fn event_queue() -> (EventSender, NetworkEvents) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (EventSender(sender), NetworkEvents(receiver))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use libp2p::PeerId;

    fn message(size: usize) -> NetworkEvent {
        NetworkEvent::Message {
            from: PeerId::random(),
            bytes: Bytes::from(vec![0; size]),
        }
    }

    #[test]
    fn an_account_bounds_its_messages_and_bytes_until_the_host_is_done_with_them() {
        let (sender, mut events) = event_queue();
        let (flooder, other) = (QueueAccount::new(3, 100), QueueAccount::new(3, 100));
        assert!(sender.push(message(100), 100, &flooder));
        assert!(!sender.push(message(1), 1, &flooder), "no bytes left");
        assert!(sender.push(message(0), 0, &flooder));
        assert!(sender.push(message(0), 0, &flooder));
        assert!(!sender.push(message(0), 0, &flooder), "no messages left");
        assert!(sender.push(message(1), 1, &other), "another peer's share");

        let (_, charge) = events.try_recv().expect("an event");
        assert!(!sender.push(message(0), 0, &flooder), "not done with it");
        drop(charge);
        assert!(sender.push(message(60), 60, &flooder));
        assert_eq!(std::iter::from_fn(|| events.try_recv()).count(), 4);
        assert!(sender.push(message(100), 100, &flooder));
    }
}
