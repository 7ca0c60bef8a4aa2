//! Keeping up: blocks that others decided are fetched and imported.

use touchstone_core::block::Block;
use touchstone_core::fault::Fault;
use touchstone_proto::ledger::CommitCertificate;

use super::pacemaker::Timer;
use super::{Machine, Output, PeerTag};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// A new peer hears our height, and what it has missed of the running one.
    pub(super) fn on_connected(&mut self, peer: &PeerTag) {
        self.peers.connect(peer);
        self.tell_height(peer);
        self.meet_in_round(peer);
    }

    /// A peer has gone; what it owed is asked of another.
    pub(super) fn on_disconnected(&mut self, peer: &PeerTag) {
        if self.peers.disconnect(peer) {
            self.effects.pacemaker.cancel(Timer::SyncTimeout);
            self.sync_if_behind();
        }
    }

    /// Fetches if a peer is ahead. A validator in the midst of the very height that a peer has
    /// just decided waits a moment: mostly it decides by itself. One whose round stands waits no longer.
    pub(super) fn sync_if_behind(&mut self) {
        let tip = self.effects.chain.tip().height;
        let highest = match self.peers.highest() {
            highest if highest > tip => highest,
            _ => self.peers.highest_of_all(),
        };
        if highest <= tip {
            self.effects.pacemaker.cancel(Timer::SyncDelay);
        } else if highest > tip.saturating_add(1) || !self.may_run() || self.is_stalled() {
            self.fetch();
        } else if !self.effects.pacemaker.runs(Timer::SyncDelay) {
            self.effects.set_timer(Timer::SyncDelay);
        }
    }

    /// Asks the best peer for the blocks after the tip, unless one is asked already.
    pub(super) fn fetch(&mut self) {
        let tip = self.effects.chain.tip().height;
        let now_ms = self.effects.now_ms;
        let Some(from) = self.peers.start_fetching(tip, now_ms) else {
            return;
        };
        self.effects.set_timer(Timer::SyncTimeout);
        let limit = self.peers.blocks(self.effects.settings().sync_blocks);
        self.effects.put(Output::FetchBlocks {
            from,
            from_height: tip + 1,
            limit,
        });
    }

    /// The peer that owes blocks has had its time.
    pub(super) fn on_sync_timeout(&mut self) {
        self.peers.fetching_timed_out();
        self.sync_if_behind();
    }

    /// A peer's blocks: each is verified with its certificate and takes the same path as any.
    pub(super) fn on_blocks(
        &mut self,
        from: &PeerTag,
        blocks: &[(Block, CommitCertificate)],
    ) -> Result<(), Fault> {
        let before = self.effects.chain.tip().height;
        let mut refused = None;
        for (block, certificate) in blocks {
            if block.header.height <= self.effects.chain.tip().height {
                continue;
            }
            let (holds, now_ms) = (self.effects.signatures.verifier(), self.effects.now_ms);
            match self
                .effects
                .chain
                .import(holds, block, certificate, now_ms)?
            {
                Ok(()) => {
                    self.effects.tip_certificate = Some(certificate.clone());
                    self.effects.announce_commit(certificate.round);
                }
                Err(invalid) => {
                    refused = Some(invalid);
                    break;
                }
            }
        }
        let taken = self.effects.chain.tip().height.saturating_sub(before);
        let has_moved = taken > 0;
        if has_moved && self.is_running {
            self.salvage_equivocations()?;
        }
        let (all_good, now_ms) = (refused.is_none(), self.effects.now_ms);
        if let Some(invalid) = refused {
            self.refuse(from, invalid.into());
        }
        let owed = self.peers.answered(from, taken, all_good, before, now_ms);
        if owed {
            self.effects.pacemaker.cancel(Timer::SyncTimeout);
        }
        match has_moved {
            true => self.leave_height(),
            false => {
                self.sync_if_behind();
                Ok(())
            }
        }
    }
}
