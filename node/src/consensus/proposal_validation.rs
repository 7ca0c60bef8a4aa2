//! Which proposals Malachite gets, and when.
//!
//! Malachite knows a block as valid or not by its id alone, for all rounds at once, and prevotes
//! for any new proposal of a valid block. So a proposal waits here until it can't lead to a prevote
//! that it doesn't deserve: in the round where it was made it is judged as new, or its claim of an
//! earlier polka is proven; once this node has prevoted there, it may serve the others' decision.

use arc_malachitebft_core_consensus::{Input as CoreInput, ProposedValue};
use arc_malachitebft_core_types::{Round, Threshold, Validity, ValueOrigin, VoteType};
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;
use touchstone_proto::ledger::Parameters;

use super::context::{BlockId, number};
use super::message::{MessageRefused, SignedProposal};
use super::proposals::{self, Body, Pending, ProposalKey};
use super::{Machine, Output};
use crate::storage::{Disk, Store};

/// No round allows for a longer message delay, milliseconds.
const MAX_MESSAGE_DELAY_MS: u64 = 3_600_000;

/// What becomes of a pending proposal.
enum Verdict {
    /// Malachite may have it.
    Admit,
    /// The ledger denies its block.
    Deny,
    /// It doesn't deserve a prevote in its round.
    Refuse(MessageRefused),
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// Judges a pending proposal, if one can be judged. Whether something was done.
    pub(super) fn judge_proposal(&mut self) -> Result<bool, Fault> {
        // The current round first: what is refused there gets its nil prevote before the block
        // may count as valid for another round.
        let proposals = &self.effects.height.proposals;
        let found = proposals.pending_latest_first().find_map(|(key, pending)| {
            match self.verdict(pending)? {
                Verdict::Refuse(_) if pending.is_refused => None,
                verdict => Some((*key, pending.signed.clone(), verdict)),
            }
        });
        let Some((key, signed, verdict)) = found else {
            return Ok(false);
        };
        self.watch_clock(&signed);
        match verdict {
            Verdict::Admit => self.deliver(&key, signed, Validity::Valid)?,
            Verdict::Deny => self.deliver(&key, signed, Validity::Invalid)?,
            Verdict::Refuse(reason) => self.refuse_proposal(&key, signed, reason)?,
        }
        Ok(true)
    }

    /// What a new block's time says of its proposer's clock, when it is judged in its round.
    fn watch_clock(&mut self, signed: &SignedProposal) {
        let message = &signed.message;
        let key = proposals::key_of(signed);
        let effects = &mut self.effects;
        let pending = effects.height.proposals.pending(&key);
        let (Some(pending), Some(body)) = (pending, effects.height.proposals.body(&key.1)) else {
            return;
        };
        if message.round != self.core.round() || message.valid_round.is_defined() {
            return;
        }
        let (seen_ms, time_ms) = (pending.seen_ms, body.time_ms);
        let is_timely = is_timely(effects.chain.parameters(), key.0, seen_ms, time_ms);
        let ahead_ms = i64::try_from(time_ms)
            .unwrap_or(i64::MAX)
            .saturating_sub_unsigned(seen_ms);
        let set = effects.chain.validators();
        let proposer = message.address.0;
        let news = effects.clocks.observe(set, proposer, ahead_ms, is_timely);
        if let Some(report) = news {
            effects.put(Output::Clocks(report));
        }
    }

    /// None while nothing can be said yet.
    fn verdict(&self, pending: &Pending) -> Option<Verdict> {
        let signed = &pending.signed;
        let current = self.core.round();
        let BlockId(id) = signed.message.value;
        let round = signed.message.round;
        if round > current {
            return None;
        }
        let proposals = &self.effects.height.proposals;
        if proposals.is_rejected(&id) {
            return Some(Verdict::Deny);
        }
        let body = proposals.body(&id)?;
        let has_prevoted = !self.core.driver.step_is_propose();
        if round < current || has_prevoted || self.has_quorum(VoteType::Precommit, round, id) {
            return Some(Verdict::Admit);
        }
        let valid_round = signed.message.valid_round;
        if valid_round.is_defined() {
            let is_proven = self.has_quorum(VoteType::Prevote, valid_round, id);
            return is_proven.then_some(Verdict::Admit);
        }
        Some(match self.check_new(signed, body, pending.seen_ms) {
            Ok(()) => Verdict::Admit,
            Err(reason) => Verdict::Refuse(reason),
        })
    }

    /// Whether more than 2/3 voted for the block in a round.
    pub(super) fn has_quorum(&self, kind: VoteType, round: Round, id: Hash) -> bool {
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
        if body.proposer != signed.message.address.0 {
            return Err(MessageRefused::NotItsMaker);
        }
        let time_ms = body.time_ms;
        let round = number(signed.message.round);
        match is_timely(self.effects.chain.parameters(), round, seen_ms, time_ms) {
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
        key: &ProposalKey,
        signed: SignedProposal,
        reason: MessageRefused,
    ) -> Result<(), Fault> {
        if let Some(from) = self.effects.height.proposals.refuse(key) {
            self.refuse(&from, reason);
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

    fn deliver(
        &mut self,
        key: &ProposalKey,
        signed: SignedProposal,
        validity: Validity,
    ) -> Result<(), Fault> {
        self.effects.height.proposals.deliver(key);
        self.give(signed, validity)?;
        // Nobody else sends it to them, however large it is.
        for peer in self.effects.height.asking.take_early(key.0) {
            self.send_proposals(&peer, key.0, None, usize::MAX);
        }
        Ok(())
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
        match self.effects.height.is_decided() {
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
