//! A peer lacks a proposal, or votes.

use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;

use crate::consensus::stalled_round::SMALL_BODY;
use crate::consensus::{Machine, Output, PeerTag, message};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// Sends again what a peer lacks, not too often: a proposal as its proposer signed it, with the block, and votes.
    pub(super) fn on_want(
        &mut self,
        from: &PeerTag,
        height: u64,
        round: u32,
        block_id: Option<Hash>,
        has_proposal: bool,
    ) -> Result<(), Fault> {
        let is_of_round = block_id.is_none();
        if height < self.height() {
            match (is_of_round && height + 1 == self.height(), has_proposal) {
                (true, true) => self.send_decision(from),
                (true, false) => self.tell_height(from),
                (false, _) => self.on_lower_height(from, height),
            }
            return Ok(());
        }
        if height > self.height() {
            return Ok(());
        }
        if is_of_round {
            self.hear_asking(from)?;
        }
        if is_of_round && !has_proposal {
            self.note_early(from, round);
        }
        if !self.is_running {
            return Ok(());
        }
        if !has_proposal {
            let limit = match block_id.is_some() || self.may_send_large() {
                true => usize::MAX,
                false => SMALL_BODY,
            };
            self.send_proposals(from, round, block_id, limit);
        }
        if is_of_round {
            self.send_votes(from, round);
        }
        Ok(())
    }

    /// Sends a peer the proposals of a round, or the one of a block, that it shall have now, with bodies of so many
    /// bytes at most.
    pub(in crate::consensus) fn send_proposals(
        &mut self,
        to: &PeerTag,
        round: u32,
        block_id: Option<Hash>,
        limit: usize,
    ) {
        let now_ms = self.effects.now_ms;
        let pause_ms = self.effects.settings().request_delay_ms / 2;
        let proposals = &mut self.effects.height.proposals;
        for (signed, body) in proposals.answers(to, round, block_id, limit, now_ms, pause_ms) {
            let bytes = message::proposal(&signed, Some(body));
            let to = to.clone();
            self.effects.put(Output::Send { to, bytes });
        }
    }
}
