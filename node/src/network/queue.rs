//! The queue of events to the host.
//!
//! Bounded per peer rather than as a whole: each peer has an [`Account`] of the messages and bytes
//! that it has waiting, so a peer that floods a slow host fills its own share and crowds nobody out.
//! The channel below is unbounded, but nothing enters it without room on an account.

use super::NetworkEvent;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::sync::mpsc;

/// What one source has waiting for the host.
#[derive(Debug)]
pub(super) struct Account {
    messages: AtomicUsize,
    bytes: AtomicUsize,
    message_limit: usize,
    byte_limit: usize,
}

impl Account {
    pub fn new(message_limit: usize, byte_limit: usize) -> Arc<Account> {
        Arc::new(Account {
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

struct Queued {
    event: NetworkEvent,
    bytes: usize,
    account: Arc<Account>,
}

/// The network's end.
pub(super) struct EventSender(mpsc::UnboundedSender<Queued>);

impl EventSender {
    /// Queues an event that carries `bytes` bytes; false if the account has no room for it.
    pub fn push(&self, event: NetworkEvent, bytes: usize, account: &Arc<Account>) -> bool {
        if !account.book(bytes) {
            return false;
        }
        let account = Arc::clone(account);
        self.0
            .send(Queued {
                event,
                bytes,
                account,
            })
            .is_ok()
    }

    /// Resolves once the host has dropped its end.
    pub async fn closed(&self) {
        self.0.closed().await;
    }
}

/// The host's end: what the network has to say.
pub struct NetworkEvents(mpsc::UnboundedReceiver<Queued>);

impl NetworkEvents {
    /// The next event; none once the network has stopped. Safe to cancel.
    pub async fn recv(&mut self) -> Option<NetworkEvent> {
        self.0.recv().await.map(taken)
    }

    /// The next event if one is waiting.
    pub fn try_recv(&mut self) -> Option<NetworkEvent> {
        self.0.try_recv().ok().map(taken)
    }
}

fn taken(queued: Queued) -> NetworkEvent {
    queued.account.release(queued.bytes);
    queued.event
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
    fn an_account_bounds_its_messages_and_bytes_until_the_host_takes_them() {
        let (sender, mut events) = event_queue();
        let (flooder, other) = (Account::new(3, 100), Account::new(3, 100));
        assert!(sender.push(message(100), 100, &flooder));
        assert!(!sender.push(message(1), 1, &flooder), "no bytes left");
        assert!(sender.push(message(0), 0, &flooder));
        assert!(sender.push(message(0), 0, &flooder));
        assert!(!sender.push(message(0), 0, &flooder), "no messages left");
        assert!(sender.push(message(1), 1, &other), "another peer's share");

        assert!(events.try_recv().is_some());
        assert!(sender.push(message(60), 60, &flooder));
        assert_eq!(std::iter::from_fn(|| events.try_recv()).count(), 4);
        assert!(sender.push(message(100), 100, &flooder));
    }
}
