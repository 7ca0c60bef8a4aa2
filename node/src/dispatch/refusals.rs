//! What was refused, of whom: told once per interval, so that who floods doesn't fill the log; and
//! counted, so that a peer of which too much is refused can be turned away.

use std::collections::HashMap;
use std::mem::{Discriminant, discriminant};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use touchstone_core::Rejection;

use crate::consensus::MessageRefused;
use crate::log_pace::{Count, LogPace};
use crate::network::{PeerId, Refusal};

/// Consensus messages of a peer that may be refused in an interval. An honest one whose clock or
/// height is off is refused a few in each round.
pub(super) const TOLERATED: u64 = 200;

/// Peers and kinds that are told apart. Strangers make up identities, so beyond it a refusal is told
/// without its peer.
const APART: usize = 1024;

/// What was refused, whatever its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Message(Discriminant<MessageRefused>),
    Network(Discriminant<Refusal>),
    Transaction(u32),
}

/// Refusals of the last interval. Cheap to clone; clones count together.
#[derive(Clone, Debug, Default)]
pub struct Refusals {
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    lines: LogPace<(Option<PeerId>, Kind)>,
    messages: HashMap<PeerId, Count>,
}

impl Refusals {
    /// The network refused something, or was refused.
    pub fn note_network(&self, peer: Option<PeerId>, reason: &Refusal) {
        let kind = Kind::Network(discriminant(reason));
        if let Some(untold) = self.lock().line(peer, kind, Instant::now()) {
            let peer = peer.map(|p| p.to_string()).unwrap_or_default();
            tracing::warn!(%peer, %reason, untold, "refused");
        }
    }

    /// A peer's gossiped transaction was refused.
    pub fn note_transaction(&self, peer: PeerId, rejection: &Rejection) {
        let kind = Kind::Transaction(rejection.code());
        if let Some(untold) = self.lock().line(Some(peer), kind, Instant::now()) {
            tracing::warn!(%peer, %rejection, untold, "a gossiped transaction was refused");
        }
    }

    /// A peer's consensus message was refused; whether that was one too many.
    pub fn note_message(&self, peer: PeerId, reason: &MessageRefused) -> bool {
        let kind = Kind::Message(discriminant(reason));
        let now = Instant::now();
        let mut seen = self.lock();
        if let Some(untold) = seen.line(Some(peer), kind, now) {
            tracing::warn!(%peer, %reason, untold, "a consensus message was refused");
        }
        seen.is_too_much(peer, now)
    }

    /// Starts counting a peer's messages anew.
    pub fn forget(&self, peer: &PeerId) {
        self.lock().messages.remove(peer);
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Counts are right between any two statements.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Whether to tell of this refusal, and how many were not told since the last line.
    fn line(&mut self, peer: Option<PeerId>, kind: Kind, now: Instant) -> Option<u64> {
        let mut key = (peer, kind);
        if !self.lines.has_room(&key, APART, now) {
            key.0 = None;
        }
        self.lines.line(key, now)
    }

    /// Counts a refused message; true once more were refused in an interval than are tolerated.
    fn is_too_much(&mut self, peer: PeerId, now: Instant) -> bool {
        let count = self.messages.entry(peer);
        let count = count.or_insert(Count::from(now));
        if count.is_over(now) {
            *count = Count::from(now);
        }
        count.number += 1;
        count.number > TOLERATED
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log_pace::INTERVAL;

    const KIND: Kind = Kind::Transaction(1);

    #[test]
    fn a_kind_of_a_peer_is_told_once_an_interval_with_what_was_left_untold() {
        let mut seen = Seen::default();
        let (peer, other) = (Some(PeerId::random()), Some(PeerId::random()));
        let start = Instant::now();
        assert_eq!(seen.line(peer, KIND, start), Some(0));
        for _ in 0..3 {
            assert_eq!(seen.line(peer, KIND, start), None);
        }
        assert_eq!(seen.line(other, KIND, start), Some(0));
        assert_eq!(seen.line(peer, Kind::Transaction(2), start), Some(0));
        assert_eq!(seen.line(peer, KIND, start + INTERVAL), Some(3));
        assert_eq!(seen.line(peer, KIND, start + INTERVAL), None);
    }

    #[test]
    fn made_up_identities_fill_neither_memory_nor_the_log() {
        let mut seen = Seen::default();
        let start = Instant::now();
        let flood = |seen: &mut Seen, now| {
            (0..2 * APART)
                .filter(|_| seen.line(Some(PeerId::random()), KIND, now).is_some())
                .count()
        };
        assert_eq!(flood(&mut seen, start), APART + 1);
        assert_eq!(seen.lines.len(), APART + 1);
        assert_eq!(seen.line(None, KIND, start), None);
        // Those of an interval ago make room.
        assert_eq!(flood(&mut seen, start + INTERVAL), APART + 1);
        assert_eq!(seen.lines.len(), APART + 1);
    }

    #[test]
    fn a_peer_of_which_more_is_refused_than_tolerated_is_named() {
        let mut seen = Seen::default();
        let (peer, other) = (PeerId::random(), PeerId::random());
        let start = Instant::now();
        for _ in 0..TOLERATED {
            assert!(!seen.is_too_much(peer, start));
        }
        assert!(!seen.is_too_much(other, start));
        assert!(seen.is_too_much(peer, start));
        assert!(!seen.is_too_much(peer, start + INTERVAL));
    }
}
