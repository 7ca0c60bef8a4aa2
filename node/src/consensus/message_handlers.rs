//! Messages of peers: decoded, sorted by height, verified, and only then given to Malachite. One
//! file for each message.

mod announce;
mod polka;
mod proposal;
mod round;
mod vote;
mod want;

use arc_malachitebft_core_consensus::MAX_FUTURE_ROUND_LOOKAHEAD;
use touchstone_core::block::{BadBlock, Block};
use touchstone_core::fault::Fault;

use super::context::{BlockId, number};
use super::future_messages::HEIGHTS;
use super::message::{self, Message, MessageRefused};
use super::{Machine, Output, PeerTag};
use crate::storage::{Disk, Store};

/// A refusal of a message, or a fault of ours.
pub(super) type Received = Result<Result<(), MessageRefused>, Fault>;

impl<S: Store, D: Disk> Machine<S, D> {
    /// Bytes from a peer.
    pub(super) fn on_bytes(&mut self, from: &PeerTag, bytes: &[u8]) -> Result<(), Fault> {
        match message::decode(bytes) {
            Ok(message) => self.receive(from, message),
            Err(reason) => {
                self.refuse(from, reason);
                Ok(())
            }
        }
    }

    /// A decoded message, from a peer just now or kept for this height.
    pub(super) fn receive(&mut self, from: &PeerTag, message: Message) -> Result<(), Fault> {
        let outcome = match message {
            Message::Announce { height } => {
                self.on_announce(from, height);
                self.note_claim(from, height)?;
                Ok(())
            }
            Message::Want {
                height,
                round,
                block_id,
                has_proposal,
            } => {
                self.on_want(from, height, round, block_id, has_proposal)?;
                Ok(())
            }
            signed => self.on_signed(from, signed)?,
        };
        if let Err(reason) = outcome {
            self.refuse(from, reason);
        }
        Ok(())
    }

    pub(super) fn refuse(&mut self, peer: &PeerTag, reason: MessageRefused) {
        let peer = peer.clone();
        self.effects.put(Output::Refused { peer, reason });
    }

    /// Sorts by height, verifies, starts the height.
    fn on_signed(&mut self, from: &PeerTag, message: Message) -> Received {
        let next = self.height();
        let height = height_of(&message);
        if height < next {
            self.on_lower_height(from, height);
            return Ok(Ok(()));
        }
        if height > next {
            // The peer can only be there if it has the one before.
            self.on_announce(from, height - 1);
        }
        if height > next.saturating_add(HEIGHTS) || !self.may_run() {
            return Ok(Ok(()));
        }
        if let Err(refused) = self.verify(&message) {
            // The validators of a later height may be others than those we know.
            let is_later = matches!(
                refused,
                MessageRefused::UnknownValidator(_) | MessageRefused::NotTheProposer(_)
            ) && height > next;
            return Ok(if is_later { Ok(()) } else { Err(refused) });
        }
        let signer = signer_of(&message);
        if let Some(signer) = &signer {
            self.effects.pacemaker.heard(signer);
        }
        if height > next {
            return Ok(self.keep_future(height, from, message));
        }
        let own = self.effects.signer.as_ref().map(|s| s.address().0);
        if let Some(signer) = signer.filter(|signer| Some(*signer) != own) {
            self.effects.height.block_request.hear(signer);
        }
        if let Some(waker) = self.lone_waker(&message) {
            if self.lone_wakes.pauses(&waker, self.effects.now_ms) {
                self.hold(height, from, message);
                return Ok(Ok(()));
            }
            self.lone_wakes.woke(waker);
        }
        self.try_start_height()?;
        if self.effects.height.is_decided() {
            return Ok(Ok(()));
        }
        match message {
            Message::Vote(vote) => self.on_vote(from, vote),
            Message::Proposal(proposal, body) => self.on_proposal(from, proposal, body),
            Message::Polka(polka) => self.on_polka(from, polka),
            Message::Round(certificate) => self.on_round(certificate),
            Message::Want { .. } | Message::Announce { .. } => Ok(Ok(())),
        }
    }

    /// Whose word alone would begin the next height, in which nothing waits here to be agreed on. The proposer of its
    /// first round begins it by right, and so do validators with more than a third of the power.
    fn lone_waker(&self, message: &Message) -> Option<[u8; 32]> {
        let is_idle = !self.is_running && self.effects.chain.mempool().size().0 == 0;
        let is_first =
            matches!(message, Message::Proposal(signed, _) if number(signed.message.round) == 0);
        match is_idle && !is_first && !self.is_wanted() {
            true => signer_of(message),
            false => None,
        }
    }

    /// Keeps a vote until the height has begun. A proposal is asked for then.
    fn hold(&mut self, height: u64, from: &PeerTag, message: Message) {
        if matches!(message, Message::Vote(_)) {
            self.held_votes.keep(height, from.clone(), message);
        }
    }

    /// Keeps a verified message of a later height. Nobody signs a proposal's body, and one is kept for a round: so it
    /// must be the block, or anybody could put another one in its place.
    fn keep_future(
        &mut self,
        height: u64,
        from: &PeerTag,
        message: Message,
    ) -> Result<(), MessageRefused> {
        if let Message::Proposal(signed, body) = &message {
            let (round, BlockId(id)) = (number(signed.message.round), signed.message.value);
            let is_lacking = self.future_messages.lacks_proposal(height, round);
            let Some(bytes) = body.as_deref().filter(|_| is_lacking) else {
                return Ok(());
            };
            match Block::check_start(bytes, &id, self.effects.chain.parameters()) {
                // The parameters of a later height may allow more.
                Err(BadBlock::TooLarge) => return Ok(()),
                start => start?,
            }
            Block::decode(bytes)?;
        }
        self.future_messages.keep(height, from.clone(), message);
        Ok(())
    }

    fn verify(&mut self, message: &Message) -> Result<(), MessageRefused> {
        let chain = &self.effects.chain;
        let (set, turns) = (chain.validators(), chain.turns());
        let signatures = &mut self.effects.signatures;
        match message {
            Message::Vote(vote) => signatures.vote(set, vote),
            Message::Proposal(proposal, _) => signatures.proposal(set, turns, proposal),
            Message::Polka(polka) => signatures.polka(set, polka),
            Message::Round(certificate) => signatures.round(set, certificate),
            Message::Want { .. } | Message::Announce { .. } => Ok(()),
        }
    }

    /// Malachite drops what is further ahead than this.
    fn is_far(&self, round: u32) -> bool {
        let current = self.effects.height.round();
        round > current.saturating_add(MAX_FUTURE_ROUND_LOOKAHEAD)
    }
}

fn height_of(message: &Message) -> u64 {
    match message {
        Message::Vote(vote) => vote.message.height.0,
        Message::Proposal(proposal, _) => proposal.message.height.0,
        Message::Polka(polka) => polka.height.0,
        Message::Round(certificate) => certificate.height.0,
        Message::Want { height, .. } | Message::Announce { height } => *height,
    }
}

fn signer_of(message: &Message) -> Option<[u8; 32]> {
    match message {
        Message::Vote(vote) => Some(vote.message.address.0),
        Message::Proposal(proposal, _) => Some(proposal.message.address.0),
        _ => None,
    }
}
