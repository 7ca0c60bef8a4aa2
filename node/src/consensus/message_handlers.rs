//! Messages of peers: decoded, verified, and only then given to Malachite.

use std::ops::RangeInclusive;

use arc_malachitebft_core_consensus::{Input as CoreInput, MAX_FUTURE_ROUND_LOOKAHEAD};
use arc_malachitebft_core_types::NilOrVal;
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;

use super::context::{BlockId, number};
use super::effects::Waiting;
use super::message::{self, Message, MessageRefused, SignedProposal, SignedVote};
use super::pacemaker::Timer;
use super::{Machine, Output, PeerTag};
use crate::storage::{Disk, Store};

/// Distinct proposals of one round that are judged; a proposer that sends more is dishonest, and
/// two of them prove it.
const MAX_PROPOSALS: usize = 2;

/// Proposals asked for at once.
const MAX_MENTIONED: usize = 16;

/// How often the pause between two answers to a peer's wish for one proposal is doubled.
const MAX_DOUBLINGS: u32 = 8;

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
        let signer = signer_of(&message);
        if let Some(signer) = &signer {
            self.host.absent.remove(signer);
        }
        if height > next {
            self.held.hold(height, from.clone(), message);
            return Ok(Ok(()));
        }
        let own = self.host.signer.as_ref().map(|s| s.address().0);
        if signer != own {
            self.host.running.heard.extend(signer);
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
        self.note_contradiction(&signed)?;
        if !self.host.running.proposals.contains_key(&key) {
            let has_polka = self
                .core
                .polka_certificate(signed.message.round, &BlockId(id))
                .is_some();
            let count = self.host.running.proposals.range(all_of(round)).count();
            if count >= MAX_PROPOSALS && !has_polka {
                return Ok(Err(MessageRefused::TooManyProposals(round)));
            }
            let waiting = Waiting {
                from: Some(from.clone()),
                seen_ms: self.host.now_ms,
                is_refused: false,
            };
            self.host.running.proposals.insert(key, signed);
            self.host.running.waiting.insert(key, waiting);
        }
        let taken = self.take_body(from, round, &id, body)?;
        self.mention(from, round, id);
        Ok(taken)
    }

    /// Two different proposals of one round accuse their proposer, whether or not Malachite ever
    /// gets to see both.
    fn note_contradiction(&mut self, signed: &SignedProposal) -> Result<(), Fault> {
        let round = number(signed.message.round);
        let running = &self.host.running;
        let others: Vec<_> = running
            .proposals
            .range(all_of(round))
            .filter(|(_, known)| known.message != signed.message)
            .map(|(key, known)| (known.clone(), running.waiting.contains_key(key)))
            .collect();
        for (known, is_waiting) in others {
            if known.message.value == signed.message.value && !is_waiting {
                // Malachite keeps the first of the two, and logs what it can accuse of.
                self.feed(CoreInput::Proposal(signed.clone()))?;
            } else {
                let driver = &mut self.core.driver;
                driver.record_proposal_evidence(known, signed.clone());
            }
        }
        Ok(())
    }

    /// Someone speaks of a proposal; if we lack it, it is asked for before long.
    pub(super) fn mention(&mut self, from: &PeerTag, round: u32, id: Hash) {
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
        // Bodies of later rounds wouldn't be kept.
        let last = running.round.saturating_add(1);
        for ((round, id), peer) in mentioned.iter().filter(|((round, _), _)| *round <= last) {
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
        let has_one = running.proposals.range(all_of(round)).next().is_some();
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
            None => all_of(round),
        };
        let mut answers = Vec::new();
        for ((round, id), proposal) in running.proposals.range(range) {
            let Some(body) = running.bodies.get(id) else {
                continue;
            };
            let key = (from.clone(), *round, *id);
            let (last_ms, times) = running.answered.get(&key).copied().unwrap_or_default();
            // Twice the pause after each answer: one that was lost is soon sent again, and who
            // goes on asking gets ever less.
            let pause_ms = pause_ms.saturating_mul(1 << times.min(MAX_DOUBLINGS));
            if times == 0 || now_ms.saturating_sub(last_ms) >= pause_ms {
                let answered = (now_ms, times.saturating_add(1));
                running.answered.insert(key, answered);
                answers.push(message::proposal(proposal, Some(body.bytes.clone())));
            }
        }
        for bytes in answers {
            let to = from.clone();
            self.host.put(Output::Send { to, bytes });
        }
    }
}

/// The keys of a round's proposals.
fn all_of(round: u32) -> RangeInclusive<(u32, Hash)> {
    (round, [0; 32])..=(round, [0xff; 32])
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
