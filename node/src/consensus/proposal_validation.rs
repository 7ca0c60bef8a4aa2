//! Which proposals Malachite gets, and when.
//!
//! Malachite knows a block as valid or not by its id alone, for all rounds at once, and prevotes
//! for any new proposal of a valid block. So a proposal waits here until it can't lead to a prevote
//! that it doesn't deserve: in the round where it was made it is judged as new, or its claim of an
//! earlier polka is proven; once this node has prevoted there, it may serve the others' decision.

use arc_malachitebft_core_consensus::{Input as CoreInput, ProposedValue};
use arc_malachitebft_core_types::{Round, Threshold, Validity, ValueOrigin, VoteType};
use touchstone_core::block::{BadBlock, Block};
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::Parameters;

use super::Machine;
use super::PeerTag;
use super::context::{BlockId, number};
use super::effects::Body;
use super::message::{MessageRefused, SignedProposal};
use super::message_handlers::Received;
use crate::storage::{Disk, Store};

/// Bodies of coming rounds that are kept unread; those of the nearest rounds.
const MAX_EARLY_BODIES: usize = 2;

/// Bodies of a peer that may be other blocks than they should, in one height. Reading one costs a
/// hash of all of it.
const MAX_BAD_BODIES: u32 = 3;

/// No round allows for a longer message delay, milliseconds.
const MAX_MESSAGE_DELAY_MS: u64 = 3_600_000;

/// What becomes of a waiting proposal.
enum Verdict {
    /// Malachite may have it.
    Admit,
    /// The ledger denies its block.
    Deny,
    /// It doesn't deserve a prevote in its round.
    Refuse(MessageRefused),
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// Takes what came as a proposal's block. The cheap questions come first, and a body that no
    /// round needs yet is kept unread.
    pub(super) fn take_body(
        &mut self,
        from: &PeerTag,
        round: u32,
        id: &Hash,
        bytes: Option<Vec<u8>>,
    ) -> Received {
        let Some(bytes) = bytes.filter(|_| !self.host.running.is_judged(id)) else {
            return Ok(Ok(()));
        };
        if self.has_spent_its_bodies(from) {
            return Ok(Err(MessageRefused::TooManyBodies));
        }
        if let Err(bad) = Block::check_start(&bytes, id, self.host.chain.parameters()) {
            return Ok(Err(self.refuse_body(from, bad)));
        }
        if self.is_needed(round, id) {
            return self.read_body(from, id, bytes);
        }
        let early = &mut self.host.running.early_bodies;
        early
            .entry((round, *id))
            .or_insert_with(|| (from.clone(), bytes));
        if early.len() > MAX_EARLY_BODIES
            && let Some(((round, id), (from, _))) = early.pop_last()
        {
            self.mention(&from, round, id);
        }
        Ok(Ok(()))
    }

    fn has_spent_its_bodies(&self, peer: &PeerTag) -> bool {
        let count = self.host.running.bad_bodies.get(peer);
        count.is_some_and(|count| *count >= MAX_BAD_BODIES)
    }

    /// Counts a body that isn't the block it came for.
    fn refuse_body(&mut self, from: &PeerTag, bad: BadBlock) -> MessageRefused {
        let bodies = &mut self.host.running.bad_bodies;
        let count = bodies.entry(from.clone()).or_insert(0);
        *count = count.saturating_add(1);
        bad.into()
    }

    /// Whether a proposal of the block is of a round that has come.
    fn is_needed(&self, round: u32, id: &Hash) -> bool {
        let current = number(self.core.round());
        let mut keys = self.host.running.proposals.keys();
        round <= current || keys.any(|(round, other)| *round <= current && other == id)
    }

    /// Reads a body and asks the ledger.
    fn read_body(&mut self, from: &PeerTag, id: &Hash, bytes: Vec<u8>) -> Received {
        let block = match Block::decode(&bytes) {
            Ok(block) => block,
            Err(bad) => return Ok(Err(self.refuse_body(from, bad))),
        };
        if let Err(invalid) = self.host.chain.validate(&block)? {
            self.host.running.rejected.insert(*id);
            return Ok(Err(invalid.into()));
        }
        let header = block.header;
        self.host.running.bodies.insert(*id, Body { bytes, header });
        Ok(Ok(()))
    }

    /// Reads an early body or judges a waiting proposal, if one is due. Whether something was done.
    pub(super) fn judge(&mut self) -> Result<bool, Fault> {
        let early = self.host.running.early_bodies.keys();
        let due = early
            .copied()
            .find(|(round, id)| self.host.running.is_judged(id) || self.is_needed(*round, id));
        if let Some((round, id)) = due {
            if let Some((from, bytes)) = self.host.running.early_bodies.remove(&(round, id)) {
                if let Err(refused) = self.take_body(&from, round, &id, Some(bytes))? {
                    self.refuse(&from, refused);
                }
                self.mention(&from, round, id);
            }
            return Ok(true);
        }
        // The current round first: what is refused there gets its nil prevote before the block
        // may count as valid for another round.
        let mut waiting = self.host.running.waiting.iter().rev();
        let found = waiting.find_map(|(key, waiting)| {
            let signed = self.host.running.proposals.get(key)?;
            match self.verdict(signed, waiting.seen_ms)? {
                Verdict::Refuse(_) if waiting.is_refused => None,
                verdict => Some((*key, signed.clone(), verdict)),
            }
        });
        let Some((key, signed, verdict)) = found else {
            return Ok(false);
        };
        match verdict {
            Verdict::Admit => {
                self.host.running.waiting.remove(&key);
                self.give(signed, Validity::Valid)?;
            }
            Verdict::Deny => {
                self.host.running.waiting.remove(&key);
                self.give(signed, Validity::Invalid)?;
            }
            Verdict::Refuse(reason) => self.refuse_proposal(key, signed, reason)?,
        }
        Ok(true)
    }

    /// None while nothing can be said yet.
    fn verdict(&self, signed: &SignedProposal, seen_ms: u64) -> Option<Verdict> {
        let current = self.core.round();
        let BlockId(id) = signed.message.value;
        let round = signed.message.round;
        if round > current {
            return None;
        }
        if self.host.running.rejected.contains(&id) {
            return Some(Verdict::Deny);
        }
        let body = self.host.running.bodies.get(&id)?;
        let has_prevoted = !self.core.driver.step_is_propose();
        if round < current || has_prevoted || self.has_quorum(VoteType::Precommit, round, id) {
            return Some(Verdict::Admit);
        }
        let valid_round = signed.message.valid_round;
        if valid_round.is_defined() {
            let is_proven = self.has_quorum(VoteType::Prevote, valid_round, id);
            return is_proven.then_some(Verdict::Admit);
        }
        Some(match self.check_new(signed, body, seen_ms) {
            Ok(()) => Verdict::Admit,
            Err(reason) => Verdict::Refuse(reason),
        })
    }

    /// Whether more than 2/3 voted for the block in a round.
    fn has_quorum(&self, kind: VoteType, round: Round, id: Hash) -> bool {
        let id = BlockId(id);
        let is_polka =
            kind == VoteType::Prevote && self.core.polka_certificate(round, &id).is_some();
        let votes = self.core.driver.votes();
        is_polka || votes.is_threshold_met(&round, kind, Threshold::Value(id))
    }

    /// A block proposed as new must be its proposer's own and timely: its time lies within message
    /// delay and precision of the time at which the proposal was first seen (proposer-based
    /// timestamps).
    fn check_new(
        &self,
        signed: &SignedProposal,
        body: &Body,
        seen_ms: u64,
    ) -> Result<(), MessageRefused> {
        if body.header.proposer != signed.message.address.0 {
            return Err(MessageRefused::NotItsMaker);
        }
        let time_ms = body.header.time_ms;
        let round = number(signed.message.round);
        match is_timely(self.host.chain.parameters(), round, seen_ms, time_ms) {
            true => Ok(()),
            false => Err(MessageRefused::Untimely {
                time_ms,
                now_ms: seen_ms,
            }),
        }
    }

    /// Lets Malachite prevote nil at once, unless it has the block as valid: then it would prevote
    /// for it, and the propose timeout must do.
    fn refuse_proposal(
        &mut self,
        key: (u32, Hash),
        signed: SignedProposal,
        reason: MessageRefused,
    ) -> Result<(), Fault> {
        if let Some(waiting) = self.host.running.waiting.get_mut(&key) {
            waiting.is_refused = true;
            if let Some(from) = waiting.from.clone() {
                self.refuse(&from, reason);
            }
        }
        let message = &signed.message;
        let known =
            self.core
                .get_proposed_value_by_id(message.height, message.round, &message.value);
        match known.is_some_and(|value| value.validity.is_valid()) {
            true => Ok(()),
            false => self.give(signed, Validity::Invalid),
        }
    }

    fn give(&mut self, signed: SignedProposal, validity: Validity) -> Result<(), Fault> {
        let value = ProposedValue {
            height: signed.message.height,
            round: signed.message.round,
            valid_round: signed.message.valid_round,
            proposer: signed.message.address,
            value: signed.message.value,
            validity,
        };
        self.feed(CoreInput::Proposal(signed))?;
        match self.host.running.decided {
            true => Ok(()),
            false => self.feed(CoreInput::ProposedValue(value, ValueOrigin::Consensus)),
        }
    }
}

/// Whether a new block's time suits the time at which its proposal was first seen, milliseconds.
fn is_timely(parameters: &Parameters, round: u32, seen_ms: u64, time_ms: u64) -> bool {
    let earliest = seen_ms
        .saturating_sub(message_delay_ms(parameters, round))
        .saturating_sub(parameters.precision_ms);
    let latest = seen_ms.saturating_add(parameters.precision_ms);
    (earliest..=latest).contains(&time_ms)
}

/// The message delay that a round allows for, milliseconds: a tenth more with each round (adaptive
/// synchrony of CometBFT's proposer-based timestamps), so that a parameter which is too short for
/// the network slows the chain and can't stop it.
fn message_delay_ms(parameters: &Parameters, round: u32) -> u64 {
    let mut delay_ms = parameters.message_delay_ms;
    for _ in 0..round {
        if delay_ms >= MAX_MESSAGE_DELAY_MS {
            break;
        }
        delay_ms = delay_ms
            .saturating_add((delay_ms / 10).max(1))
            .min(MAX_MESSAGE_DELAY_MS);
    }
    delay_ms
}
