//! Malachite asks for a block to propose: when one is made, and how large it is.
//!
//! The first round's block may only be empty if there is a reason: the last block is old, or others have begun the
//! height and the delay for an empty block has elapsed, or they ask for what was proposed. No block is made while the
//! last one's time is far ahead of this node's clock.

use std::collections::BTreeSet;

use arc_malachitebft_core_consensus::{Input as CoreInput, LocallyProposedValue};
use arc_malachitebft_core_types::Round;
use touchstone_core::fault::Fault;
use touchstone_core::hash::Hash;

use super::Machine;
use super::context::{Address, BlockId, Height, number};
use super::pacemaker::{PARENT_TIME_MS, Timer};
use super::proposals::Body;
use super::signature_verification::exceeds_one_third;
use crate::storage::{Disk, Store};

/// Malachite's request for a block, and the reasons for an empty one.
#[derive(Debug, Default)]
pub struct BlockRequest {
    /// The round for which Malachite wants a block of ours.
    round: Option<u32>,
    /// Other validators that were heard at this height.
    heard: BTreeSet<[u8; 32]>,
    /// Whether the delay for an empty block has elapsed.
    is_delay_over: bool,
    /// Whether the last block is old enough for an empty one.
    is_heartbeat_due: bool,
    /// Whether the last block's time was waited for.
    has_waited: bool,
}

impl BlockRequest {
    /// Malachite asks.
    pub fn ask(&mut self, round: u32) {
        self.round = Some(round);
    }

    /// The request is answered or its round is over.
    pub fn withdraw(&mut self) {
        self.round = None;
    }

    /// Another validator has begun the height.
    pub fn hear(&mut self, validator: [u8; 32]) {
        self.heard.insert(validator);
    }

    /// Whether another validator has begun the height.
    pub fn has_heard(&self, validator: &[u8; 32]) -> bool {
        self.heard.contains(validator)
    }

    /// The delay for an empty block has elapsed.
    pub fn end_delay(&mut self) {
        self.is_delay_over = true;
    }

    /// The last block's time was waited for.
    pub fn end_waiting(&mut self) {
        self.has_waited = true;
    }

    /// The last block is old.
    pub fn end_heartbeat(&mut self) {
        self.is_heartbeat_due = true;
    }
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// Gives Malachite the block it asked for: the one of this round if there is one already,
    /// else a new one. Whether something was done.
    pub(super) fn answer_get_value(&mut self) -> Result<bool, Fault> {
        let Some(round) = self.effects.height.block_request.round else {
            return Ok(false);
        };
        let is_current = number(self.core.round()) == round && self.core.driver.step_is_propose();
        let Some(Address(own)) = self.effects.signer.as_ref().map(|s| s.address()) else {
            return Ok(false);
        };
        if !is_current {
            self.effects.height.block_request.withdraw();
            return Ok(true);
        }
        let id = match self.effects.height.proposals.own_block(round) {
            Some(id) => id,
            None => {
                let is_empty = self.effects.chain.mempool().size().0 == 0;
                if is_empty && round == 0 && !self.may_be_empty() {
                    let is_over = self.effects.height.block_request.is_delay_over;
                    if !is_over && !self.effects.pacemaker.runs(Timer::EmptyBlockDelay) {
                        self.effects.set_timer(Timer::EmptyBlockDelay);
                    }
                    return Ok(false);
                }
                if self.awaits_parent_time() {
                    return Ok(false);
                }
                self.build(round, own)?
            }
        };
        self.effects.height.block_request.withdraw();
        self.effects.pacemaker.cancel(Timer::EmptyBlockDelay);
        let height = Height(self.height());
        self.feed(CoreInput::Propose(LocallyProposedValue::new(
            height,
            Round::new(round),
            BlockId(id),
        )))?;
        Ok(true)
    }

    /// Whether the first round's block may be empty: the last one is old, or others want a block,
    /// at least one honest validator among them, and no transaction has come meanwhile.
    fn may_be_empty(&self) -> bool {
        let request = &self.effects.height.block_request;
        request.is_heartbeat_due
            || (request.is_delay_over && self.is_wanted())
            || self.is_asked_for()
    }

    /// Whether others with more than a third of the power were heard at this height, an honest one among them.
    pub(super) fn is_wanted(&self) -> bool {
        let request = &self.effects.height.block_request;
        let set = self.effects.chain.validators();
        let heard = request.heard.iter().filter_map(|key| set.get(key));
        let power = heard.map(|v| v.power).fold(0, u64::saturating_add);
        exceeds_one_third(power, set.total_power())
    }

    /// Whether the last block's time is so far ahead of this node's clock that a block after it might be untimely for
    /// somebody whose clock is slower: a dishonest proposer could make the next one miss its turn so. It is waited for
    /// until half of the precision is left for such clocks, once in a height, and not for long, as it may be this clock
    /// that is wrong.
    fn awaits_parent_time(&mut self) -> bool {
        let effects = &mut self.effects;
        let (now_ms, time_ms) = (effects.now_ms, effects.chain.tip().time_ms);
        let allowed_ms = effects.chain.parameters().precision_ms / 2;
        let wait_ms = time_ms.saturating_sub(now_ms).saturating_sub(allowed_ms);
        if wait_ms == 0 || effects.height.block_request.has_waited {
            return false;
        }
        if !effects.pacemaker.runs(Timer::ParentTime) {
            effects.set_timer_in(Timer::ParentTime, wait_ms.min(PARENT_TIME_MS));
        }
        true
    }

    fn build(&mut self, round: u32, own: [u8; 32]) -> Result<Hash, Fault> {
        let effects = &mut self.effects;
        let limits = effects.block_size.of(effects.chain.parameters());
        let waiting = effects.chain.mempool().size().0 as u64;
        let block = effects.chain.build_within(effects.now_ms, own, limits)?;
        let id = block.id();
        let is_full = block.header.transaction_count < waiting;
        let body = Body::new(&block.header, block.encode());
        let proposals = &mut effects.height.proposals;
        proposals.accept_block(id, body);
        proposals.set_own_block(round, id, is_full);
        Ok(id)
    }
}
