//! Messages of peers: decoded, verified, and only then given to Malachite.

use arc_malachitebft_core_consensus::{
    Input as CoreInput, MAX_FUTURE_ROUND_LOOKAHEAD, ProposedValue,
};
use arc_malachitebft_core_types::{NilOrVal, Validity, ValueOrigin};
use touchstone_core::block::Block;
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;

use super::context::{BlockId, number};
use super::host::Body;
use super::message::{self, Message, MessageRefused, SignedProposal, SignedVote};
use super::timers::Timer;
use super::{Machine, Output, PeerTag};
use crate::storage::{Disk, Store};

/// Distinct proposals of one round that are judged; a proposer that sends more is dishonest, and
/// two of them prove it.
const MAX_PROPOSALS: usize = 2;

/// Proposals asked for at once.
const MAX_MENTIONED: usize = 16;

/// A refusal of a message, or a fault of ours.
type Received = Result<Result<(), MessageRefused>, Fault>;

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

    /// A decoded message, from a peer just now or held.
    pub(super) fn receive(&mut self, from: &PeerTag, message: Message) -> Result<(), Fault> {
        let outcome = match message {
            Message::Announce { height } => {
                self.on_announce(from, height);
                Ok(())
            }
            Message::Want {
                height,
                round,
                block_id,
            } => {
                self.on_want(from, height, round, block_id);
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
        self.host.put(Output::Refused { peer, reason });
    }

    /// Sorts by height, verifies, wakes the height.
    fn on_signed(&mut self, from: &PeerTag, message: Message) -> Received {
        let next = self.height();
        let height = height_of(&message);
        if height < next {
            self.on_lower(from, height);
            return Ok(Ok(()));
        }
        if height > next {
            self.on_ahead(from, height - 1);
        }
        if height > next + 1 || !self.may_run() {
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
        if let Some(signer) = signer_of(&message) {
            self.host.absent.remove(&signer);
        }
        if height > next {
            self.held.hold(height, from.clone(), message);
            return Ok(Ok(()));
        }
        self.wake()?;
        if self.host.running.decided {
            return Ok(Ok(()));
        }
        match message {
            Message::Vote(vote) => self.on_vote(from, vote),
            Message::Proposal(proposal, body) => self.on_proposal(from, proposal, body),
            Message::Polka(polka) => {
                self.mention(from, number(polka.round), polka.value_id.0);
                self.feed(CoreInput::PolkaCertificate(polka))?;
                Ok(Ok(()))
            }
            Message::Round(certificate) => {
                self.feed(CoreInput::RoundCertificate(certificate))?;
                Ok(Ok(()))
            }
            Message::Want { .. } | Message::Announce { .. } => Ok(Ok(())),
        }
    }

    fn verify(&mut self, message: &Message) -> Result<(), MessageRefused> {
        let set = self.host.chain.validators();
        let signatures = &mut self.host.signatures;
        match message {
            Message::Vote(vote) => signatures.vote(set, vote),
            Message::Proposal(proposal, _) => signatures.proposal(set, proposal),
            Message::Polka(polka) => signatures.polka(set, polka),
            Message::Round(certificate) => signatures.round(set, certificate),
            Message::Want { .. } | Message::Announce { .. } => Ok(()),
        }
    }

    fn on_vote(&mut self, from: &PeerTag, vote: SignedVote) -> Received {
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

    /// Malachite drops what is further ahead than this.
    fn is_far(&self, round: u32) -> bool {
        round
            > self
                .host
                .running
                .round
                .saturating_add(MAX_FUTURE_ROUND_LOOKAHEAD)
    }

    fn on_proposal(
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
        let key = (round, id);
        if self.host.running.has(round, &id) {
            // Malachite still wants to see it if it says something else of the same block.
            let known = self.host.running.proposals.get(&key);
            if known.is_some_and(|known| known.message != signed.message) {
                self.feed(CoreInput::Proposal(signed))?;
            }
            return Ok(Ok(()));
        }
        let is_new = !self.host.running.first_seen.contains_key(&key);
        let all = (round, [0; 32])..=(round, [0xff; 32]);
        let count = self.host.running.first_seen.range(all).count();
        let has_polka = self
            .core
            .polka_certificate(signed.message.round, &BlockId(id))
            .is_some();
        if is_new && count >= MAX_PROPOSALS && !has_polka {
            return Ok(Err(MessageRefused::TooManyProposals(round)));
        }
        let now_ms = self.host.now_ms;
        let seen = self.host.running.first_seen.entry(key).or_insert(now_ms);
        let seen_ms = *seen;
        match self.take_body(&id, body)? {
            Ok(true) => self.judge(signed, seen_ms),
            Ok(false) => {
                self.accept(signed)?;
                self.mention(from, round, id);
                Ok(Ok(()))
            }
            Err(MessageRefused::InvalidBlock(invalid)) => {
                self.host.running.rejected.insert(id);
                self.accept_with(signed, Validity::Invalid)?;
                Ok(Err(MessageRefused::InvalidBlock(invalid)))
            }
            Err(refused) => Ok(Err(refused)),
        }
    }

    /// Reads and validates a body; whether the proposal's block is known and valid now.
    fn take_body(
        &mut self,
        id: &Hash,
        bytes: Option<Vec<u8>>,
    ) -> Result<Result<bool, MessageRefused>, Fault> {
        if self.host.running.bodies.contains_key(id) {
            return Ok(Ok(true));
        }
        let Some(bytes) = bytes else {
            return Ok(Ok(false));
        };
        let block = match Block::decode(&bytes) {
            Ok(block) => block,
            Err(bad) => return Ok(Err(bad.into())),
        };
        if block.id() != *id {
            return Ok(Err(MessageRefused::OtherBody));
        }
        if let Err(invalid) = self.host.chain.validate(&block)? {
            return Ok(Err(invalid.into()));
        }
        let header = block.header;
        self.host.running.bodies.insert(*id, Body { bytes, header });
        Ok(Ok(true))
    }

    /// A proposal whose block is valid: a block proposed as new must be its proposer's own and
    /// timely (proposer-based timestamps: its time lies within message delay and precision of the
    /// time at which it was first seen). One that had a polka in an earlier round was judged then.
    fn judge(&mut self, signed: SignedProposal, seen_ms: u64) -> Received {
        let BlockId(id) = signed.message.value;
        let refused = match signed.message.valid_round.is_nil() {
            true => self.check_new(&signed, seen_ms),
            false => Ok(()),
        };
        let Err(refused) = refused else {
            self.host.running.untimely.remove(&id);
            self.accept_with(signed, Validity::Valid)?;
            return Ok(Ok(()));
        };
        // Malachite pairs proposals and values by the block alone: had it the block as valid, it
        // would prevote for it.
        let height = signed.message.height;
        let known = self
            .core
            .get_proposed_value_by_id(height, signed.message.round, &BlockId(id));
        if known.is_some_and(|value| value.validity.is_valid()) {
            return Ok(Err(refused));
        }
        if matches!(refused, MessageRefused::Untimely { .. }) {
            let round = number(signed.message.round);
            self.host.running.untimely.insert(id, round);
        }
        self.accept_with(signed, Validity::Invalid)?;
        Ok(Err(refused))
    }

    fn check_new(&self, signed: &SignedProposal, seen_ms: u64) -> Result<(), MessageRefused> {
        let BlockId(id) = signed.message.value;
        let Some(body) = self.host.running.bodies.get(&id) else {
            return Ok(());
        };
        if body.header.proposer != signed.message.address.0 {
            return Err(MessageRefused::NotItsMaker);
        }
        let time_ms = body.header.time_ms;
        let parameters = self.host.chain.parameters();
        let earliest = seen_ms
            .saturating_sub(parameters.message_delay_ms)
            .saturating_sub(parameters.precision_ms);
        let latest = seen_ms.saturating_add(parameters.precision_ms);
        match (earliest..=latest).contains(&time_ms) {
            true => Ok(()),
            false => Err(MessageRefused::Untimely {
                time_ms,
                now_ms: seen_ms,
            }),
        }
    }

    fn accept(&mut self, signed: SignedProposal) -> Result<(), Fault> {
        let key = (number(signed.message.round), signed.message.value.0);
        let place = self.host.running.proposals.entry(key);
        place.or_insert_with(|| signed.clone());
        self.feed(CoreInput::Proposal(signed))
    }

    fn accept_with(&mut self, signed: SignedProposal, validity: Validity) -> Result<(), Fault> {
        let value = ProposedValue {
            height: signed.message.height,
            round: signed.message.round,
            valid_round: signed.message.valid_round,
            proposer: signed.message.address,
            value: signed.message.value,
            validity,
        };
        let id = signed.message.value.0;
        let key = (number(signed.message.round), id);
        self.host.running.mentioned.remove(&key);
        self.accept(signed)?;
        if self.host.running.decided {
            return Ok(());
        }
        self.feed(CoreInput::ProposedValue(value, ValueOrigin::Consensus))
    }

    /// Someone speaks of a proposal; if we lack it, it is asked for before long.
    fn mention(&mut self, from: &PeerTag, round: u32, id: Hash) {
        let running = &mut self.host.running;
        if running.has(round, &id) || running.mentioned.len() >= MAX_MENTIONED {
            return;
        }
        let place = running.mentioned.entry((round, id));
        place.or_insert_with(|| Some(from.clone()));
        if !self.host.timers.runs(Timer::Want) {
            self.host.set_timer(Timer::Want);
        }
    }

    /// Asks for the proposals that were mentioned and haven't come.
    pub(super) fn ask_for_proposals(&mut self) {
        let height = self.height();
        let running = &mut self.host.running;
        let mut mentioned = std::mem::take(&mut running.mentioned);
        mentioned.retain(|(round, id), _| !running.has(*round, id));
        for ((round, id), peer) in &mentioned {
            let bytes = message::want(height, *round, Some(id));
            let peer = peer.as_ref().filter(|p| self.peers.is_connected(p));
            self.host.put(match peer {
                Some(peer) => Output::Send {
                    to: peer.clone(),
                    bytes,
                },
                None => Output::Broadcast(bytes),
            });
        }
        if !mentioned.is_empty() {
            // Whoever was asked may have gone or be dishonest: next time all are asked.
            for peer in mentioned.values_mut() {
                *peer = None;
            }
            self.host.running.mentioned = mentioned;
            self.host.set_timer(Timer::Want);
        }
    }

    /// Asks everyone for the round's proposal if none has come: proposals aren't repeated by
    /// themselves, as votes are.
    pub(super) fn ask_for_current_proposal(&mut self) {
        let running = &self.host.running;
        let round = running.round;
        let own = self.host.signer.as_ref().map(|s| s.address().0);
        let all = (round, [0; 32])..=(round, [0xff; 32]);
        let has_one = running.proposals.range(all).next().is_some();
        if self.is_running && !has_one && own != Some(running.proposer) {
            let bytes = message::want(self.height(), round, None);
            self.host.put(Output::Broadcast(bytes));
        }
    }

    /// Sends a proposal again as its proposer signed it, with the block, not too often.
    fn on_want(&mut self, from: &PeerTag, height: u64, round: u32, block_id: Option<Hash>) {
        if height < self.height() {
            self.on_lower(from, height);
            return;
        }
        if height > self.height() || !self.is_running {
            return;
        }
        let now_ms = self.host.now_ms;
        let pause_ms = self.host.settings.want_ms / 2;
        let running = &mut self.host.running;
        let range = match block_id {
            Some(id) => (round, id)..=(round, id),
            None => (round, [0; 32])..=(round, [0xff; 32]),
        };
        let mut answers = Vec::new();
        for ((round, id), proposal) in running.proposals.range(range) {
            let Some(body) = running.bodies.get(id) else {
                continue;
            };
            let last = running.answered.get(&(from.clone(), *round, *id));
            if last.is_none_or(|last| now_ms.saturating_sub(*last) >= pause_ms) {
                running.answered.insert((from.clone(), *round, *id), now_ms);
                answers.push(message::proposal(proposal, Some(body.bytes.clone())));
            }
        }
        for bytes in answers {
            let to = from.clone();
            self.host.put(Output::Send { to, bytes });
        }
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
