//! A block is decided: it is committed with its certificate, and told to the others.

use arc_malachitebft_core_types::CommitCertificate;
use touchstone_core::block::Block;
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger;

use super::Effects;
use crate::consensus::Output;
use crate::consensus::context::{BlockId, Ctx, number};
use crate::consensus::pacemaker::Timer;
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Effects<S, D> {
    pub(super) fn decide(&mut self, certificate: &CommitCertificate<Ctx>) -> Result<(), Fault> {
        // The certificate may hold an own signature of this very step.
        self.sync()?;
        let BlockId(id) = certificate.value_id;
        if self.chain.candidate(&id).is_none() {
            self.validate_again(&id)?;
        }
        let mut signatures: Vec<_> = certificate
            .commit_signatures
            .iter()
            .map(|s| ledger::Signature {
                public_key: s.address.0.to_vec(),
                signature: s.signature.to_vec(),
            })
            .collect();
        signatures.sort_by(|a, b| a.public_key.cmp(&b.public_key));
        let round = number(certificate.round);
        self.adapt_block_size(round, &id);
        self.adapt_timeouts(round);
        let certificate = ledger::CommitCertificate {
            height: certificate.height.0,
            round,
            block_id: id.to_vec(),
            signatures,
        };
        self.chain.commit(&id, &certificate, self.now_ms)?;
        self.tip_certificate = Some(certificate);
        self.height.set_decided();
        let took_ms = self.now_ms.saturating_sub(self.height.began_ms());
        // One that others had decided before it began here says nothing of how long a height takes.
        if took_ms > 0 {
            self.pacemaker.height_took(took_ms);
        }
        self.announce_commit(round);
        Ok(())
    }

    /// What became of the own blocks of this height, if there were any, decides how large the next
    /// ones are.
    fn adapt_block_size(&mut self, round: u32, decided: &Hash) {
        for own in self.height.proposals.own_blocks() {
            if own.round != round || own.id != *decided {
                self.block_size.failed();
            } else if own.is_full {
                self.block_size.decided();
            }
        }
    }

    /// Rounds that failed though something acceptable was proposed in them make the next heights'
    /// rounds longer. Not those of given turns: an author has many, and others' own turns tell as much.
    fn adapt_timeouts(&mut self, decided_round: u32) {
        let proposals = &self.height.proposals;
        let chain = &self.chain;
        let height = chain.tip().height.saturating_add(1);
        let is_given = chain.turns().is_given(chain.validators(), height);
        let failed =
            (u32::from(is_given)..decided_round).filter(|round| proposals.has_acceptable(*round));
        let failed = u32::try_from(failed.count()).unwrap_or(u32::MAX);
        self.pacemaker.decided_after(failed);
    }

    /// Tells this node of the new tip, and the others if nothing follows soon: the next height's messages say as much.
    pub fn announce_commit(&mut self, round: u32) {
        let tip = self.chain.tip();
        let committed = Output::Committed {
            height: tip.height,
            block_id: tip.block_id,
            time_ms: tip.time_ms,
            round,
            transactions: tip.header.as_ref().map_or(0, |h| h.transaction_count),
        };
        self.put(committed);
        let after_ms = self.settings().commit_announce_ms;
        self.set_timer_in(Timer::Announce, after_ms);
    }

    fn validate_again(&mut self, id: &Hash) -> Result<(), Fault> {
        let body = self.height.proposals.body(id).ok_or_else(|| {
            Fault::Invariant(format!("the body of block {} is unknown", hex::encode(id)))
        })?;
        let block = Block::decode(&body.bytes).map_err(|e| Fault::Invariant(e.to_string()))?;
        self.chain
            .validate(&block)?
            .map_err(|e| Fault::Invariant(format!("a valid block became invalid: {e}")))
    }
}
