//! A vote.

use arc_malachitebft_core_consensus::Input as CoreInput;
use arc_malachitebft_core_types::NilOrVal;

use super::Received;
use crate::consensus::context::{BlockId, number};
use crate::consensus::message::{MessageRefused, SignedVote};
use crate::consensus::{Machine, PeerTag};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// A verified vote of the running height. Its signer has the proposal that it votes for.
    pub(super) fn on_vote(&mut self, from: &PeerTag, vote: SignedVote) -> Received {
        let round = number(vote.message.round);
        if self.is_far(round) {
            return Ok(Err(MessageRefused::Round(round)));
        }
        if let NilOrVal::Val(BlockId(id)) = vote.message.value {
            self.mention(from, round, id);
        }
        self.feed(CoreInput::Vote(vote))?;
        Ok(Ok(()))
    }
}
