//! Heights that peers claim, and telling them ours.

use crate::consensus::{Machine, Output, PeerTag, message};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// A peer claims a height. What it had when it was connected wasn't decided just now: the last votes on it came to
    /// nobody who was away, and it is fetched at once.
    pub(super) fn on_announce(&mut self, from: &PeerTag, height: u64) {
        let is_first = self.peers.claim(from, height);
        match is_first && height > self.effects.chain.tip().height {
            true => self.fetch(),
            false => self.sync_if_behind(),
        }
    }

    /// A peer speaks of a height that is decided here. It may just be late by a moment; if it has
    /// had the time to hear of the decision, it is told; if it has said that it has it, what it says is late.
    pub(super) fn on_lower_height(&mut self, from: &PeerTag, height: u64) {
        if self.peers.has_claimed(from, height) {
            return;
        }
        let tip = self.effects.chain.tip().height;
        let age_ms = self.effects.now_ms.saturating_sub(self.tip_ms);
        if height < tip || age_ms >= self.effects.settings().rebroadcast_ms / 2 {
            self.tell_height(from);
        }
    }

    /// Announces the own height to one peer, not too often.
    pub(in crate::consensus) fn tell_height(&mut self, to: &PeerTag) {
        if self.peers.may_tell(to, self.effects.now_ms) {
            let bytes = message::announce(self.effects.chain.tip().height);
            let to = to.clone();
            self.effects.put(Output::Send { to, bytes });
        }
    }
}
