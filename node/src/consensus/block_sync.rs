//! Keeping up: peers tell their heights, and blocks that others decided are fetched and imported.

use std::collections::BTreeMap;

use touchstone_core::block::Block;
use touchstone_core::fault::Fault;
use touchstone_proto::ledger::CommitCertificate;

use super::message;
use super::pacemaker::Timer;
use super::{Machine, Output, PeerTag};
use crate::storage::{Disk, Store};

/// A peer that lags is told our height at most this often, milliseconds.
const TELL_PAUSE_MS: u64 = 100;

/// Peers that are remembered.
const MAX_PEERS: usize = 1024;

/// Connected peers.
#[derive(Debug, Default)]
pub struct Peers {
    peers: BTreeMap<PeerTag, Peer>,
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
    /// Whether a peer is connected.
    pub fn is_connected(&self, peer: &PeerTag) -> bool {
        self.peers.contains_key(peer)
    }

    /// The greatest height claimed.
    pub fn highest(&self) -> u64 {
        self.peers.values().map(|p| p.height).max().unwrap_or(0)
    }

    /// The peer to fetch from: of those above `tip` the one that failed least, then the highest.
    fn best(&self, tip: u64) -> Option<PeerTag> {
        self.peers
            .iter()
            .filter(|(_, p)| p.height > tip)
            .min_by_key(|(_, p)| (p.failures, std::cmp::Reverse(p.height)))
            .map(|(tag, _)| tag.clone())
    }

    /// The peer's entry. Connections are limited elsewhere; this only bounds memory should the
    /// caller forget to say that peers have gone.
    fn entry(&mut self, peer: &PeerTag) -> Option<&mut Peer> {
        match self.peers.contains_key(peer) || self.peers.len() < MAX_PEERS {
            true => Some(self.peers.entry(peer.clone()).or_default()),
            false => None,
        }
    }

    fn fail(&mut self, peer: &PeerTag) {
        if let Some(peer) = self.peers.get_mut(peer) {
            peer.failures = peer.failures.saturating_add(1);
            peer.height = 0;
        }
    }
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// A new peer hears our height.
    pub(super) fn on_connected(&mut self, peer: &PeerTag) {
        self.peers.entry(peer);
        self.tell_height(peer);
    }

    /// A peer has gone; what it owed is asked of another.
    pub(super) fn on_disconnected(&mut self, peer: &PeerTag) {
        self.peers.peers.remove(peer);
        if self.peers.fetching.as_ref() == Some(peer) {
            self.peers.fetching = None;
            self.host.timers.cancel(Timer::Fetch);
            self.follow();
        }
    }

    /// A peer claims a height.
    pub(super) fn on_announce(&mut self, from: &PeerTag, height: u64) {
        if let Some(peer) = self.peers.entry(from) {
            peer.height = peer.height.max(height);
        }
        self.follow();
    }

    /// A peer speaks of a height that it can only be at if it has the one before.
    pub(super) fn on_ahead(&mut self, from: &PeerTag, height: u64) {
        self.on_announce(from, height);
    }

    /// A peer speaks of a height that is decided here. It may just be late by a moment; if it has
    /// had the time to hear of the decision, it is told.
    pub(super) fn on_lower(&mut self, from: &PeerTag, height: u64) {
        let tip = self.host.chain.tip().height;
        let age_ms = self.host.now_ms.saturating_sub(self.tip_ms);
        if height < tip || age_ms >= self.host.settings.rebroadcast_ms / 2 {
            self.tell_height(from);
        }
    }

    fn tell_height(&mut self, to: &PeerTag) {
        let now_ms = self.host.now_ms;
        if let Some(peer) = self.peers.peers.get_mut(to) {
            let told = peer.told_ms;
            if told.is_some_and(|told| now_ms.saturating_sub(told) < TELL_PAUSE_MS) {
                return;
            }
            peer.told_ms = Some(now_ms);
        }
        let bytes = message::announce(self.host.chain.tip().height);
        let to = to.clone();
        self.host.put(Output::Send { to, bytes });
    }

    /// Fetches if a peer is ahead. A validator in the midst of the very height that a peer has
    /// just decided waits a moment: mostly it decides by itself.
    pub(super) fn follow(&mut self) {
        let tip = self.host.chain.tip().height;
        let highest = self.peers.highest();
        if highest <= tip {
            self.host.timers.cancel(Timer::Behind);
        } else if highest > tip + 1 || !self.may_run() {
            self.fetch();
        } else if !self.host.timers.runs(Timer::Behind) {
            self.host.set_timer(Timer::Behind);
        }
    }

    /// Asks the best peer for the blocks after the tip, unless one is asked already.
    pub(super) fn fetch(&mut self) {
        let tip = self.host.chain.tip().height;
        if self.peers.fetching.is_some() {
            return;
        }
        let Some(from) = self.peers.best(tip) else {
            return;
        };
        self.peers.fetching = Some(from.clone());
        self.host.set_timer(Timer::Fetch);
        self.host.put(Output::FetchBlocks {
            from,
            from_height: tip + 1,
            limit: self.host.settings.fetch_blocks,
        });
    }

    /// The peer that owes blocks has had its time.
    pub(super) fn on_fetch_late(&mut self) {
        if let Some(peer) = self.peers.fetching.take() {
            self.peers.fail(&peer);
        }
        self.follow();
    }

    /// A peer's blocks: each is verified with its certificate and takes the same path as any.
    pub(super) fn on_blocks(
        &mut self,
        from: &PeerTag,
        blocks: &[(Block, CommitCertificate)],
    ) -> Result<(), Fault> {
        if self.peers.fetching.as_ref() == Some(from) {
            self.peers.fetching = None;
            self.host.timers.cancel(Timer::Fetch);
        }
        let before = self.host.chain.tip().height;
        let mut refused = None;
        for (block, certificate) in blocks {
            if block.header.height <= self.host.chain.tip().height {
                continue;
            }
            match self.host.chain.import(block, certificate)? {
                Ok(()) => self.host.announce_commit(certificate.round),
                Err(invalid) => {
                    refused = Some(invalid);
                    break;
                }
            }
        }
        let has_moved = self.host.chain.tip().height > before;
        if has_moved && self.is_running {
            self.salvage_evidence()?;
        }
        if let Some(invalid) = refused {
            self.refuse(from, invalid.into());
            self.peers.fail(from);
        } else if !has_moved {
            self.peers.fail(from);
        } else if let Some(peer) = self.peers.peers.get_mut(from) {
            peer.failures = 0;
        }
        match has_moved {
            true => self.leave_height(),
            false => {
                self.follow();
                Ok(())
            }
        }
    }
}
