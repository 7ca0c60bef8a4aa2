//! A peer lacks a proposal.

use touchstone_core::hash::Hash;

use crate::consensus::{Machine, Output, PeerTag, message};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// Sends a proposal again as its proposer signed it, with the block, not too often.
    pub(super) fn on_want(
        &mut self,
        from: &PeerTag,
        height: u64,
        round: u32,
        block_id: Option<Hash>,
    ) {
        if height < self.height() {
            self.on_lower_height(from, height);
            return;
        }
        if height > self.height() || !self.is_running {
            return;
        }
        let now_ms = self.effects.now_ms;
        let pause_ms = self.effects.settings().request_delay_ms / 2;
        let proposals = &mut self.effects.height.proposals;
        for (signed, body) in proposals.answers(from, round, block_id, now_ms, pause_ms) {
            let bytes = message::proposal(&signed, Some(body));
            let to = from.clone();
            self.effects.put(Output::Send { to, bytes });
        }
    }
}
