//! When a height starts and ends.
//!
//! The next height is held until there is something to agree on: a transaction in the pool, a
//! verified message of that height by a validator that hasn't begun many in vain, or the
//! heartbeat. Held time never counts towards a round: timers of rounds only run inside a started height.

use arc_malachitebft_core_consensus::{Input as CoreInput, MisbehaviorEvidence};
use arc_malachitebft_core_types::VoteExtensionPolicy;
use touchstone_core::fault::Fault;

use super::context::{Height, Members};
use super::future_messages::FutureMessages;
use super::height_state::HeightState;
use super::pacemaker::{self, Timer};
use super::{Machine, Output, core_between_heights, equivocation};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// Whether this node may take part in the next height: it is a validator, has signed nothing
    /// there that it doesn't remember, and its log isn't of a later height (the store has lost
    /// blocks then, which are fetched again).
    pub(super) fn may_run(&self) -> bool {
        let height = self.height();
        self.is_validator() && height > self.muted_until && height >= self.effects.wal.height()
    }

    /// Waits before the next height, or starts it if the log says that it had started.
    pub(super) fn await_height(&mut self) -> Result<(), Fault> {
        let height = self.height();
        if self.effects.wal.height() < height {
            self.effects.wal.start_height(height)?;
        }
        if !self.may_run() {
            return Ok(());
        }
        if self.recovered.as_ref().is_some_and(|r| r.height == height) {
            return self.start_height();
        }
        self.recovered = None;
        // Answers are proven under a block's header, so a new chain makes its first block at once.
        match height {
            1 => {
                let first_block_ms = self.effects.settings().first_block_ms;
                self.effects.set_timer_in(Timer::Heartbeat, first_block_ms);
            }
            _ => self.effects.set_timer(Timer::Heartbeat),
        }
        if self.effects.chain.mempool().size().0 == 0 {
            self.pool_filled_ms = None;
        } else {
            self.delay_for_batch();
        }
        Ok(())
    }

    /// The pool has grown.
    pub(super) fn on_transactions(&mut self) -> Result<(), Fault> {
        if self.effects.chain.mempool().size().0 == 0 {
            return Ok(());
        }
        self.pool_filled_ms.get_or_insert(self.effects.now_ms);
        if !self.is_running && self.may_run() {
            self.delay_for_batch();
        }
        Ok(())
    }

    /// Lets the next height start once the oldest transaction has waited, or at once if there is
    /// enough for a block, or if the last block held one transaction at most: waiting then brings no others. A flood
    /// that waits alone waits longer.
    fn delay_for_batch(&mut self) {
        let now = self.effects.now_ms;
        let since = *self.pool_filled_ms.get_or_insert(now);
        if let Some(waits_off_ms) = self.effects.chain.mempool().flood_waits_off_ms(now) {
            if !self.effects.pacemaker.runs(Timer::FloodPause) {
                let pause_ms = waits_off_ms.max(pacemaker::FLOOD_PAUSE_MS);
                self.effects.set_timer_in(Timer::FloodPause, pause_ms);
            }
            return;
        }
        let (count, bytes) = self.effects.chain.mempool().size();
        let parameters = self.effects.chain.parameters();
        let is_full = count as u64 >= parameters.max_block_transactions
            || bytes >= parameters.max_block_bytes;
        let waited = now.saturating_sub(since);
        let delay_ms = self.effects.settings().batching_delay_ms;
        let last = self.effects.chain.tip().header.as_ref();
        let is_alone = last.is_none_or(|header| header.transaction_count <= 1);
        let left = match is_full || is_alone {
            true => 0,
            false => delay_ms.saturating_sub(waited),
        };
        if left == 0 || !self.effects.pacemaker.runs(Timer::BatchingDelay) {
            self.effects.set_timer_in(Timer::BatchingDelay, left);
        }
    }

    /// Starts the next height unless it runs or this node may not take part.
    pub(super) fn try_start_height(&mut self) -> Result<(), Fault> {
        match self.is_running || !self.may_run() {
            true => Ok(()),
            false => self.start_height(),
        }
    }

    fn start_height(&mut self) -> Result<(), Fault> {
        for timer in [Timer::BatchingDelay, Timer::FloodPause, Timer::Heartbeat] {
            self.effects.pacemaker.cancel(timer);
        }
        self.is_running = true;
        let height = self.height();
        let validators = self.effects.chain.validators();
        let keys = validators.iter().map(|v| v.public_key).collect();
        let now_ms = self.effects.now_ms;
        self.effects.height.begin(keys, now_ms);
        self.note_gone()?;
        let chain = &self.effects.chain;
        let members = Members::new(chain.validators(), chain.turns());
        self.feed(CoreInput::StartHeight(
            Height(height),
            members,
            false,
            None,
            VoteExtensionPolicy::Disabled,
        ))?;
        match self.recovered.take() {
            Some(recovered) if recovered.height == height => self.replay(recovered),
            other => {
                self.recovered = other;
                Ok(())
            }
        }
    }

    /// Leaves the height after its block is committed, by decision or by import.
    pub(super) fn leave_height(&mut self) -> Result<(), Fault> {
        self.is_running = false;
        let has_stood = self.effects.height.asking.has_asked();
        if let Some(is_late) = self.effects.pacemaker.height_left(has_stood) {
            self.effects.put(Output::Late(is_late));
        }
        let (chain, now_ms) = (&self.effects.chain, self.effects.now_ms);
        let header = chain.tip().header.as_ref();
        let is_empty = header.is_none_or(|header| header.transaction_count == 0);
        let heartbeat_ms = self.effects.settings().heartbeat_ms;
        self.lone_wakes
            .height_left(is_empty, chain.validators(), now_ms, heartbeat_ms);
        self.held_votes = FutureMessages::default();
        self.effects.height = HeightState::default();
        self.effects.signatures.clear();
        self.effects.pacemaker.cancel_height();
        self.tip_ms = self.effects.now_ms;
        self.choose_key();
        self.confirm_guard()?;
        self.await_height()?;
        self.sync_if_behind();
        Ok(())
    }

    /// The next height's validators may know this node by its other key. Malachite's state names the key, so it is
    /// made anew; between heights it holds nothing.
    fn choose_key(&mut self) {
        let chain = &self.effects.chain;
        if let Some(signer) = &mut self.effects.signer
            && signer.choose(chain.validators())
        {
            self.core = core_between_heights(chain, Some(signer.address()));
        }
    }

    /// Keeps the equivocations of a height that is left without a decision of our own.
    pub(super) fn salvage_equivocations(&mut self) -> Result<(), Fault> {
        let found = MisbehaviorEvidence {
            proposals: self.core.driver.take_proposal_evidence(),
            votes: self.core.driver.take_vote_evidence(),
        };
        let found = equivocation::convert(&found, self.effects.height.validators());
        self.effects.keep_equivocations(found)
    }
}
