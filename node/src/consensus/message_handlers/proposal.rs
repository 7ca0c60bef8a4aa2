//! A proposal, usually with its block; and asking peers for those that didn't come.

use arc_malachitebft_core_consensus::Input as CoreInput;
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;

use super::Received;
use crate::consensus::context::{BlockId, number};
use crate::consensus::message::{self, MessageRefused, SignedProposal};
use crate::consensus::pacemaker::Timer;
use crate::consensus::{Machine, Output, PeerTag};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// A verified proposal of the running height.
    pub(super) fn on_proposal(
        &mut self,
        from: &PeerTag,
        signed: SignedProposal,
        body: Option<Vec<u8>>,
    ) -> Received {
        let round = number(signed.message.round);
        let BlockId(id) = signed.message.value;
        if self.is_far(round) {
            return Ok(Err(MessageRefused::Round(round)));
        }
        self.note_contradiction(&signed)?;
        let polka = self
            .core
            .polka_certificate(signed.message.round, &BlockId(id));
        let has_polka = polka.is_some();
        let effects = &mut self.effects;
        let proposals = &mut effects.height.proposals;
        if proposals
            .receive(signed, from, effects.now_ms, has_polka)
            .is_err()
        {
            return Ok(Err(MessageRefused::TooManyProposals(round)));
        }
        let taken = self.take_body(from, round, &id, body)?;
        self.mention(from, round, id);
        Ok(taken)
    }

    /// Two different proposals of one round accuse their proposer, whether or not Malachite ever
    /// gets to see both.
    fn note_contradiction(&mut self, signed: &SignedProposal) -> Result<(), Fault> {
        let round = number(signed.message.round);
        let known = self.effects.height.proposals.signed_in(round);
        let others: Vec<_> = known
            .filter(|(known, _)| known.message != signed.message)
            .map(|(known, is_delivered)| (known.clone(), is_delivered))
            .collect();
        for (known, is_delivered) in others {
            if known.message.value == signed.message.value && is_delivered {
                // Malachite keeps the first of the two, and logs what it can accuse of.
                self.feed(CoreInput::Proposal(signed.clone()))?;
            } else {
                let driver = &mut self.core.driver;
                driver.record_proposal_evidence(known, signed.clone());
            }
        }
        Ok(())
    }

    /// A peer speaks of a proposal; if we lack it, it is asked for before long.
    pub(in crate::consensus) fn mention(&mut self, from: &PeerTag, round: u32, id: Hash) {
        let proposals = &mut self.effects.height.proposals;
        if proposals.mention((round, id), from) && !self.effects.pacemaker.runs(Timer::Request) {
            self.effects.set_timer(Timer::Request);
        }
    }

    /// Asks for the proposals that were mentioned and haven't come.
    pub(in crate::consensus) fn request_proposals(&mut self) {
        let height = self.height();
        let missing = self.effects.height.proposals.requests();
        let has_missing = !missing.is_empty();
        // Bodies of later rounds wouldn't be kept.
        let last = self.effects.height.round().saturating_add(1);
        for ((round, id), peer) in missing.into_iter().filter(|((r, _), _)| *r <= last) {
            let bytes = message::want(height, round, Some(&id), false);
            let peer = peer.filter(|peer| self.peers.is_connected(peer));
            self.effects.put(match peer {
                Some(to) => Output::Send { to, bytes },
                None => Output::Broadcast(bytes),
            });
        }
        if has_missing {
            self.effects.set_timer(Timer::Request);
        }
    }

    /// Asks everyone for the round's proposal if none has come: proposals aren't repeated by
    /// themselves, as votes are.
    pub(in crate::consensus) fn request_current_proposal(&mut self) {
        let height = &self.effects.height;
        let round = height.round();
        let own = self.effects.signer.as_ref().map(|s| s.address().0);
        let has_one = height.proposals.signed_in(round).next().is_some();
        if self.is_running && !has_one && own != Some(*height.proposer()) {
            let bytes = message::want(self.height(), round, None, false);
            self.effects.put(Output::Broadcast(bytes));
        }
    }
}
