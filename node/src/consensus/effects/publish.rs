//! Publishing what rests on the log or on an own signature.

use touchstone_core::fault::Fault;

use super::Effects;
use crate::consensus::Output;
use crate::consensus::context::BlockId;
use crate::consensus::message::{self, SignedProposal};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Effects<S, D> {
    /// Broadcasts once the step is durable.
    pub(super) fn publish(&mut self, bytes: Vec<u8>) {
        self.must_sync = true;
        self.put(Output::Broadcast(bytes));
    }

    /// Broadcasts an own proposal with its block.
    pub(super) fn publish_proposal(&mut self, proposal: &SignedProposal) -> Result<(), Fault> {
        let BlockId(id) = proposal.message.value;
        let body = self.height.proposals.body(&id).ok_or_else(|| {
            Fault::Invariant("a proposal is published whose block is not known".into())
        })?;
        let bytes = message::proposal(proposal, Some(body.bytes.clone()));
        self.height.proposals.publish(proposal, self.now_ms);
        self.publish(bytes);
        Ok(())
    }
}
