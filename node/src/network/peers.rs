//! What the task knows about each listed peer.

use super::{NetworkLimits, Peer, queue::QueueAccount, rate::Bucket};
use bytes::Bytes;
use libp2p::{Multiaddr, PeerId, swarm::ConnectionId};
use std::{
    collections::{BTreeMap, VecDeque},
    hash::{BuildHasher, RandomState},
    sync::Arc,
};
use tokio::time::{Duration, Instant};

/// One listed peer.
pub(super) struct PeerState {
    pub addresses: Vec<Multiaddr>,
    pub validator: bool,
    /// Open connections, and whether the peer has proved on each that it admits us.
    pub connections: BTreeMap<ConnectionId, bool>,
    /// When to dial next; none while connected, dialing, or without addresses.
    pub dial_at: Option<Instant>,
    /// Whether this node dials further connections: it has dialed the first one.
    pub dials_ways: bool,
    /// When it does next.
    pub ways_at: Instant,
    /// Dials in a row that led to no answer.
    pub attempts: u32,
    /// What it may still send.
    pub bucket: Bucket,
    /// Until when it is turned away for having sent too much.
    pub suspended_until: Option<Instant>,
    /// What it has waiting for the host.
    pub account: Arc<QueueAccount>,
    pub small: Lane,
    pub large: Lane,
    /// Requests to it under way.
    pub requests: usize,
}

impl PeerState {
    pub fn new(peer: Peer, limits: &NetworkLimits, now: Instant) -> PeerState {
        PeerState {
            dial_at: (!peer.addresses.is_empty()).then_some(now),
            addresses: peer.addresses,
            validator: peer.validator,
            connections: BTreeMap::new(),
            dials_ways: false,
            ways_at: now,
            attempts: 0,
            bucket: Bucket::full(limits.rate, now),
            suspended_until: None,
            account: QueueAccount::new(
                limits.queued_messages_per_peer,
                limits.queued_bytes_per_peer,
            ),
            small: Lane::new(limits.small_streams / 2),
            large: Lane::new(limits.large_streams / 2),
            requests: 0,
        }
    }

    /// Takes over what a new list says about a peer that was on the last one too.
    pub fn relist(&mut self, peer: Peer, now: Instant) {
        self.validator = peer.validator;
        if self.addresses == peer.addresses {
            return;
        }
        self.addresses = peer.addresses;
        self.attempts = 0;
        if self.connections.is_empty() && !self.addresses.is_empty() {
            self.dial_at = Some(self.suspended_until.map_or(now, |until| now.max(until)));
        }
    }

    /// Whether the peer can be talked to.
    pub fn is_connected(&self) -> bool {
        self.connections.values().any(|proved| *proved)
    }

    pub fn lane(&mut self, size: Size) -> &mut Lane {
        match size {
            Size::Small => &mut self.small,
            Size::Large => &mut self.large,
        }
    }

    /// Plans the next dial after one that failed or a connection that closed.
    pub fn plan_dial(&mut self, peer: &PeerId, limits: &NetworkLimits, now: Instant) {
        if !self.connections.is_empty() || self.addresses.is_empty() {
            self.dial_at = None;
            return;
        }
        let randomness = RandomState::new().hash_one(peer);
        let at = now + dial_wait(self.attempts, limits, randomness);
        self.dial_at = Some(self.suspended_until.map_or(at, |until| at.max(until)));
        self.attempts = self.attempts.saturating_add(1);
    }
}

/// The two ways of a consensus message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Small,
    Large,
}

/// Messages to one peer: some under way, the rest waiting their turn.
#[derive(Debug)]
pub(super) struct Lane {
    under_way: usize,
    width: usize,
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
}

impl Lane {
    fn new(width: usize) -> Lane {
        Lane {
            under_way: 0,
            width,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
        }
    }

    /// Lets a message wait, and returns how many had to go for it: the oldest ones, which consensus
    /// needs least.
    pub fn push(&mut self, bytes: Bytes, limits: &NetworkLimits) -> usize {
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes.len());
        self.waiting.push_back(bytes);
        let mut gone = 0;
        while self.waiting.len() > limits.queued_messages_per_peer
            || self.waiting_bytes > limits.queued_bytes_per_peer
        {
            if self.pop().is_none() {
                break;
            }
            gone += 1;
        }
        gone
    }

    /// The next message to send now, if there is one and the lane has room; the caller sends it.
    pub fn start(&mut self) -> Option<Bytes> {
        if self.under_way >= self.width {
            return None;
        }
        let bytes = self.pop()?;
        self.under_way += 1;
        Some(bytes)
    }

    /// One message that was under way has arrived or failed.
    pub fn finish(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// Forgets what waits, and returns how many that were.
    pub fn clear(&mut self) -> usize {
        let gone = self.waiting.len();
        self.waiting.clear();
        self.waiting_bytes = 0;
        gone
    }

    fn pop(&mut self) -> Option<Bytes> {
        let bytes = self.waiting.pop_front()?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(bytes.len());
        Some(bytes)
    }
}

/// The wait before a dial: doubled with each attempt up to the maximum, then shortened by up to a
/// half at random, so that two nodes that started together do not keep dialing each other at the
/// same moment.
fn dial_wait(attempts: u32, limits: &NetworkLimits, randomness: u64) -> Duration {
    let doubled = limits
        .dial_interval_min
        .saturating_mul(2u32.saturating_pow(attempts));
    let full = doubled.min(limits.dial_interval_max);
    let share = (randomness % 1024) as f64 / 1024.0;
    full.mul_f64(1.0 - share / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn message(first: u8, size: usize) -> Bytes {
        let mut bytes = vec![0; size];
        bytes[0] = first;
        Bytes::from(bytes)
    }

    fn limits() -> NetworkLimits {
        NetworkLimits {
            queued_messages_per_peer: 3,
            queued_bytes_per_peer: 100,
            ..NetworkLimits::default()
        }
    }

    #[test]
    fn a_lane_sends_as_many_as_it_is_wide_and_the_rest_in_turn() {
        let mut lane = Lane::new(2);
        for first in 1..=3 {
            assert_eq!(lane.push(message(first, 1), &limits()), 0);
        }
        assert_eq!(lane.start(), Some(message(1, 1)));
        assert_eq!(lane.start(), Some(message(2, 1)));
        assert_eq!(lane.start(), None);
        lane.finish();
        assert_eq!(lane.start(), Some(message(3, 1)));
        lane.finish();
        assert_eq!(lane.start(), None);
    }

    #[test]
    fn a_full_lane_drops_its_oldest() {
        let mut lane = Lane::new(9);
        for first in 1..=3 {
            lane.push(message(first, 1), &limits());
        }
        assert_eq!(lane.push(message(4, 1), &limits()), 1, "too many");
        assert_eq!(lane.push(message(5, 98), &limits()), 1, "still too many");
        assert_eq!(lane.push(message(6, 98), &limits()), 3, "too many bytes");
        assert_eq!(lane.start(), Some(message(6, 98)));
        lane.push(message(7, 1), &limits());
        assert_eq!(lane.clear(), 1);
        assert_eq!(lane.start(), None);
    }

    proptest! {
        #[test]
        fn a_dial_waits_between_half_and_all_of_a_doubling_interval(attempts in 0u32..1000, randomness: u64) {
            let limits = NetworkLimits::default();
            let full = limits.dial_interval_max.min(
                limits.dial_interval_min.saturating_mul(1 << attempts.min(20)),
            );
            let wait = dial_wait(attempts, &limits, randomness);
            prop_assert!(wait <= full && wait >= full / 2, "{wait:?} of {full:?}");
        }
    }
}
