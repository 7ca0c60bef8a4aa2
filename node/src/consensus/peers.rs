//! Connected peers and the heights that they claim.

use std::collections::{BTreeMap, BTreeSet};

use super::PeerTag;

/// A peer that lags is told our height at most this often, milliseconds.
const TELL_PAUSE_MS: u64 = 100;

/// Peers that are remembered.
const MAX_PEERS: usize = 1024;

/// Connected peers.
#[derive(Debug, Default)]
pub struct Peers {
    peers: BTreeMap<PeerTag, Peer>,
    /// Those that were connected and are no longer.
    gone: BTreeSet<PeerTag>,
    /// The peer that owes blocks.
    fetching: Option<PeerTag>,
}

#[derive(Debug, Default)]
struct Peer {
    /// The height it last claimed; 0 after it failed to prove it.
    height: u64,
    /// Fetches from it that failed in a row.
    failures: u32,
    told_ms: Option<u64>,
}

impl Peers {
    /// A peer is there.
    pub fn connect(&mut self, peer: &PeerTag) {
        self.gone.remove(peer);
        self.entry(peer);
    }

    /// A peer has gone. Whether it owed blocks.
    pub fn disconnect(&mut self, peer: &PeerTag) -> bool {
        if self.peers.remove(peer).is_some() && self.gone.len() < MAX_PEERS {
            self.gone.insert(peer.clone());
        }
        self.stop_fetching(peer)
    }

    /// Whether a peer was connected and is no longer.
    pub fn has_gone(&self, peer: &PeerTag) -> bool {
        self.gone.contains(peer)
    }

    /// Whether a peer is connected.
    pub fn is_connected(&self, peer: &PeerTag) -> bool {
        self.peers.contains_key(peer)
    }

    /// A peer claims a height.
    pub fn claim(&mut self, peer: &PeerTag, height: u64) {
        if let Some(peer) = self.entry(peer) {
            peer.height = peer.height.max(height);
        }
    }

    /// Whether a peer claims to have a height.
    pub fn has_claimed(&self, peer: &PeerTag, height: u64) -> bool {
        let peer = self.peers.get(peer);
        peer.is_some_and(|peer| peer.height >= height)
    }

    /// The greatest height claimed.
    pub fn highest(&self) -> u64 {
        self.peers.values().map(|p| p.height).max().unwrap_or(0)
    }

    /// Whether a peer may be told our height now; counts as told.
    pub fn may_tell(&mut self, peer: &PeerTag, now_ms: u64) -> bool {
        let Some(peer) = self.peers.get_mut(peer) else {
            return true;
        };
        let told = peer.told_ms;
        if told.is_some_and(|told| now_ms.saturating_sub(told) < TELL_PAUSE_MS) {
            return false;
        }
        peer.told_ms = Some(now_ms);
        true
    }

    /// Chooses the peer that shall send blocks after `tip`, unless one owes them already: of those
    /// above it the one that failed least, then the highest.
    pub fn start_fetching(&mut self, tip: u64) -> Option<PeerTag> {
        if self.fetching.is_some() {
            return None;
        }
        let above = self.peers.iter().filter(|(_, p)| p.height > tip);
        let best = above.min_by_key(|(_, p)| (p.failures, std::cmp::Reverse(p.height)));
        self.fetching = best.map(|(tag, _)| tag.clone());
        self.fetching.clone()
    }

    /// A peer has answered or gone. Whether it owed blocks.
    pub fn stop_fetching(&mut self, peer: &PeerTag) -> bool {
        let owed = self.fetching.as_ref() == Some(peer);
        if owed {
            self.fetching = None;
        }
        owed
    }

    /// The peer that owes blocks has had its time.
    pub fn fetching_failed(&mut self) {
        if let Some(peer) = self.fetching.take() {
            self.failed(&peer);
        }
    }

    /// A peer's blocks were wrong or none: what it claimed counts no longer.
    pub fn failed(&mut self, peer: &PeerTag) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.failures = peer.failures.saturating_add(1);
            peer.height = 0;
        }
    }

    /// A peer's blocks were good.
    pub fn succeeded(&mut self, peer: &PeerTag) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.failures = 0;
        }
    }

    /// The peer's entry. Connections are limited elsewhere; this only bounds memory should the
    /// caller forget to say that peers have gone.
    fn entry(&mut self, peer: &PeerTag) -> Option<&mut Peer> {
        match self.peers.contains_key(peer) || self.peers.len() < MAX_PEERS {
            true => Some(self.peers.entry(peer.clone()).or_default()),
            false => None,
        }
    }
}
