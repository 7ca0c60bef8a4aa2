//! Connected peers and the heights that they claim.

use std::collections::BTreeMap;

use super::PeerTag;

/// A peer that lags is told our height at most this often, milliseconds.
const TELL_PAUSE_MS: u64 = 100;

/// Peers that are remembered.
const MAX_PEERS: usize = 1024;

/// What a fetch that brings nothing counts as having taken for a block, microseconds.
const FAILED_US: u64 = 3_000_000;

/// A peer that owes blocks gives way to one that was quicker after so many milliseconds at the earliest.
const LONG_MS: u64 = 300;

/// How often the number of blocks that are asked for is halved at most.
const MAX_HALVINGS: u32 = 6;

/// An answer that takes so long at most would come in time if it were twice as large, milliseconds.
const QUICK_MS: u64 = 1_000;

/// Connected peers.
#[derive(Debug, Default)]
pub struct Peers {
    peers: BTreeMap<PeerTag, Peer>,
    /// Those that were connected and are no longer, and how long a block took of each.
    gone: BTreeMap<PeerTag, u64>,
    /// The peer that owes blocks.
    fetching: Option<Fetching>,
    /// How often the number of blocks that are asked for is halved: answers came too late.
    halvings: u32,
}

/// A peer was asked for blocks.
#[derive(Clone, Debug)]
struct Fetching {
    peer: PeerTag,
    /// The first of them.
    from_height: u64,
    since_ms: u64,
}

#[derive(Debug, Default)]
struct Peer {
    /// The height it last claimed; 0 after it failed to prove it.
    height: u64,
    /// How long a block took in the last fetches from it, microseconds; half of that after each fetch from another.
    block_us: u64,
    /// How long its last answer took that brought blocks, milliseconds.
    answer_ms: u64,
    told_ms: Option<u64>,
    /// Whether it has claimed a height since it was connected.
    has_claimed: bool,
}

impl Peers {
    /// A peer is there.
    pub fn connect(&mut self, peer: &PeerTag) {
        let before = self.gone.remove(peer);
        if let (Some(peer), Some(block_us)) = (self.entry(peer), before) {
            peer.block_us = block_us;
        }
    }

    /// A peer has gone. Whether it owed blocks.
    pub fn disconnect(&mut self, peer: &PeerTag) -> bool {
        if let Some(Peer { block_us, .. }) = self.peers.remove(peer)
            && self.gone.len() < MAX_PEERS
        {
            self.gone.insert(peer.clone(), block_us);
        }
        self.stop_fetching(peer)
    }

    /// Whether a peer was connected and is no longer.
    pub fn has_gone(&self, peer: &PeerTag) -> bool {
        self.gone.contains_key(peer)
    }

    /// Whether a peer is connected.
    pub fn is_connected(&self, peer: &PeerTag) -> bool {
        self.peers.contains_key(peer)
    }

    /// A peer claims a height. Whether for the first time since it was connected.
    pub fn claim(&mut self, peer: &PeerTag, height: u64) -> bool {
        let Some(peer) = self.entry(peer) else {
            return false;
        };
        peer.height = peer.height.max(height);
        !std::mem::replace(&mut peer.has_claimed, true)
    }

    /// Whether a peer claims to have a height.
    pub fn has_claimed(&self, peer: &PeerTag, height: u64) -> bool {
        let peer = self.peers.get(peer);
        peer.is_some_and(|peer| peer.height >= height)
    }

    /// The greatest height claimed by those that haven't failed lately.
    pub fn highest(&self) -> u64 {
        let credible = self.peers.values().filter(|p| p.block_us < FAILED_US);
        credible.map(|p| p.height).max().unwrap_or(0)
    }

    /// The greatest height claimed by anybody.
    pub fn highest_of_all(&self) -> u64 {
        self.peers.values().map(|p| p.height).max().unwrap_or(0)
    }

    /// Whether a peer may be told our height now; counts as told.
    pub fn may_tell(&mut self, peer: &PeerTag, now_ms: u64) -> bool {
        let Some(peer) = self.peers.get_mut(peer) else {
            return true;
        };
        // Where this clock was set back, what it told before says nothing.
        let age_ms = peer.told_ms.and_then(|told| now_ms.checked_sub(told));
        if age_ms.is_some_and(|age_ms| age_ms < TELL_PAUSE_MS) {
            return false;
        }
        peer.told_ms = Some(now_ms);
        true
    }

    /// Chooses the peer that shall send blocks after `tip`, unless one owes them already: of those above it the one
    /// that sends them quickest, then the highest. So one that claims much and sends little isn't asked again soon, and
    /// one that keeps this node waiting for twice as long as a quicker one did gives way to that: an answer may have
    /// megabytes, and two at once take twice as long.
    pub fn start_fetching(&mut self, tip: u64, now_ms: u64) -> Option<PeerTag> {
        let above = self.peers.iter().filter(|(_, p)| p.height > tip);
        let best = above.min_by_key(|(_, p)| (p.block_us, std::cmp::Reverse(p.height)));
        let best = best.map(|(tag, peer)| (tag.clone(), peer.block_us, peer.answer_ms));
        let (best, best_us, best_ms) = best?;
        if let Some(fetching) = &self.fetching {
            let long_ms = best_ms.saturating_mul(2).max(LONG_MS);
            let is_long = now_ms.saturating_sub(fetching.since_ms) >= long_ms;
            let asked_us = self.peers.get(&fetching.peer).map_or(0, |p| p.block_us);
            if !is_long || asked_us <= best_us {
                return None;
            }
        }
        for (_, other) in self.peers.iter_mut().filter(|(tag, _)| **tag != best) {
            other.block_us /= 2;
        }
        self.fetching_failed();
        self.fetching = Some(Fetching {
            peer: best.clone(),
            from_height: tip.saturating_add(1),
            since_ms: now_ms,
        });
        Some(best)
    }

    /// How many blocks are asked for, of so many that may be. Over a slow line all of them may never come in time.
    pub fn blocks(&self, most: u32) -> u32 {
        (most >> self.halvings).max(1)
    }

    /// A peer has gone. Whether it owed blocks.
    fn stop_fetching(&mut self, peer: &PeerTag) -> bool {
        self.fetching.take_if(|f| f.peer == *peer).is_some()
    }

    /// A peer has answered: so many of its blocks followed on `tip_before`, and all were good or not. Whether it owed
    /// them. One that sends none that follows has failed, unless what it was asked for came from elsewhere meanwhile.
    pub fn answered(
        &mut self,
        tag: &PeerTag,
        taken: u64,
        all_good: bool,
        tip_before: u64,
        now_ms: u64,
    ) -> bool {
        let fetching = self.fetching.take_if(|f| f.peer == *tag);
        let is_late = fetching
            .as_ref()
            .is_none_or(|f| f.from_height <= tip_before);
        if !all_good || taken == 0 && !is_late {
            self.failed(tag);
        } else if let (Some(fetching), Some(peer)) = (&fetching, self.peers.get_mut(tag)) {
            let took_ms = now_ms.saturating_sub(fetching.since_ms);
            if let Some(block_us) = took_ms.saturating_mul(1000).checked_div(taken) {
                peer.block_us = block_us;
                peer.answer_ms = took_ms;
                if took_ms <= QUICK_MS {
                    self.halvings = self.halvings.saturating_sub(1);
                }
            }
        }
        fetching.is_some()
    }

    /// The peer that owes blocks has had its time.
    pub fn fetching_timed_out(&mut self) {
        self.halvings = self.halvings.saturating_add(1).min(MAX_HALVINGS);
        self.fetching_failed();
    }

    /// The peer that owes blocks has failed.
    fn fetching_failed(&mut self) {
        if let Some(fetching) = self.fetching.take() {
            self.failed(&fetching.peer);
        }
    }

    /// A peer's blocks were wrong or none: what it claimed counts no longer.
    fn failed(&mut self, peer: &PeerTag) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.block_us = peer.block_us.saturating_add(FAILED_US);
            peer.height = 0;
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
