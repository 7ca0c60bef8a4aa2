//! Changes of the consortium that aren't in force yet. The state holds each under the id of its bytes and has no
//! list of them, so they are found in the blocks whose transactions approve them.

use std::collections::BTreeMap;

use touchstone_core::governance::change;
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::ledger::{Change, ChangeRecord, transaction::Action};

use super::{Client, contradiction};
use crate::error::ClientError;

/// A change that somebody approved, and that isn't in force.
#[derive(Clone, Debug)]
pub struct ChangeProposal {
    /// Its id.
    pub id: Hash,
    /// What is to change.
    pub change: Change,
    /// Who approved it, as of the last block.
    pub record: ChangeRecord,
    /// Height of the block with its first approval, of those that were read.
    pub height: u64,
}

impl Client {
    /// The open changes that were approved in block `from` or later, in the order of their first approval. All
    /// transactions of these blocks are read, so none is left out; `read` hears of each block.
    pub async fn proposals(
        &mut self,
        from: u64,
        read: &mut (dyn FnMut(u64) + Send),
    ) -> Result<Vec<ChangeProposal>, ClientError> {
        let last = self.validators().await?.header.height;
        let mut found: BTreeMap<Hash, (u64, Change)> = BTreeMap::new();
        if from <= last {
            let mut blocks = self.blocks_from(from, true).await?;
            for height in from..=last {
                let reply = blocks.next_soon().await?;
                let attested = self.checked_block(&reply, true).await?;
                if attested.header.height != height {
                    return Err(contradiction("another block than asked for"));
                }
                for change in reply.transactions.iter().filter_map(|e| self.approved(e)) {
                    let id = change::id(self.trust.chain_id(), &change);
                    found.entry(id).or_insert((height, change));
                }
                read(height);
            }
        }
        let mut open = Vec::new();
        for (id, (height, change)) in found {
            let record = self.change(&id).await?.1;
            let record = record.ok_or_else(|| contradiction("an approved change has no record"))?;
            if record.effective_height == 0 {
                open.push(ChangeProposal {
                    id,
                    change,
                    record,
                    height,
                });
            }
        }
        open.sort_by_key(|proposal| (proposal.height, proposal.id));
        Ok(open)
    }

    /// The change that a transaction approves, if it does. Its block is proven, so it was found right before.
    fn approved(&self, envelope: &[u8]) -> Option<Change> {
        let verified = transaction::verify(self.trust.chain_id(), envelope).ok()?;
        match verified.action() {
            Action::ApproveChange(approval) => approval.change.clone(),
            _ => None,
        }
    }
}
