//! When a height starts, and what its timers do.
//!
//! The next height is held until there is something to agree on: a transaction in the pool, a
//! verified message of that height by a validator, or the heartbeat. Held time never counts
//! towards a round: timers of rounds only run inside a started height.

use arc_malachitebft_core_consensus::{
    Input as CoreInput, LocallyProposedValue, MisbehaviorEvidence,
};
use arc_malachitebft_core_types::{Round, VoteExtensionPolicy};
use touchstone_core::fault::Fault;

use super::context::{Address, BlockId, Height, Members, number};
use super::effects::{Body, Running};
use super::pacemaker::{self, Timer};
use super::signature_verification::exceeds_one_third;
use super::{Machine, Output, equivocation, message};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// Whether this node may take part in the next height: it is a validator, has signed nothing
    /// there that it doesn't remember, and its log isn't of a later height (the store has lost
    /// blocks then, which are fetched again).
    pub(super) fn may_run(&self) -> bool {
        let height = self.height();
        self.is_validator() && height > self.muted_until && height >= self.host.wal.height()
    }

    /// Waits before the next height, or starts it if the log says that it had started.
    pub(super) fn rest(&mut self) -> Result<(), Fault> {
        let height = self.height();
        if self.host.wal.height() < height {
            self.host.wal.start_height(height)?;
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
                let first_block_ms = self.host.settings.first_block_ms;
                self.host.set_timer_in(Timer::Heartbeat, first_block_ms);
            }
            _ => self.host.set_timer(Timer::Heartbeat),
        }
        if self.host.chain.mempool().size().0 == 0 {
            self.filled_ms = None;
        } else {
            self.linger();
        }
        Ok(())
    }

    /// The pool has grown.
    pub(super) fn on_transactions(&mut self) -> Result<(), Fault> {
        if self.host.chain.mempool().size().0 == 0 {
            return Ok(());
        }
        self.filled_ms.get_or_insert(self.host.now_ms);
        if !self.is_running && self.may_run() {
            self.linger();
        }
        Ok(())
    }

    /// Lets the next height start once the oldest transaction has waited, or at once if there is
    /// enough for a block.
    fn linger(&mut self) {
        let now = self.host.now_ms;
        let since = *self.filled_ms.get_or_insert(now);
        let (count, bytes) = self.host.chain.mempool().size();
        let parameters = self.host.chain.parameters();
        let is_full = count as u64 >= parameters.max_block_transactions
            || bytes >= parameters.max_block_bytes;
        let waited = now.saturating_sub(since);
        let left = match is_full {
            true => 0,
            false => self.host.settings.linger_ms.saturating_sub(waited),
        };
        if left == 0 || !self.host.timers.runs(Timer::Linger) {
            self.host.set_timer_in(Timer::Linger, left);
        }
    }

    /// Starts the next height unless it runs.
    pub(super) fn wake(&mut self) -> Result<(), Fault> {
        match self.is_running || !self.may_run() {
            true => Ok(()),
            false => self.start_height(),
        }
    }

    fn start_height(&mut self) -> Result<(), Fault> {
        for timer in [Timer::Linger, Timer::Heartbeat] {
            self.host.timers.cancel(timer);
        }
        self.is_running = true;
        let height = self.height();
        let validators = self.host.chain.validators();
        self.host.running.members = validators.iter().map(|v| v.public_key).collect();
        let members = Members::new(validators);
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
        self.host.running = Running::default();
        self.host.signatures.clear();
        self.host.timers.cancel_rounds();
        for timer in [
            Timer::Grace,
            Timer::Linger,
            Timer::Heartbeat,
            Timer::Want,
            Timer::Behind,
        ] {
            self.host.timers.cancel(timer);
        }
        self.tip_ms = self.host.now_ms;
        self.rest()?;
        self.follow();
        Ok(())
    }

    /// Keeps the evidence of a height that is left without a decision of our own.
    pub(super) fn salvage_evidence(&mut self) -> Result<(), Fault> {
        let found = MisbehaviorEvidence {
            proposals: self.core.driver.take_proposal_evidence(),
            votes: self.core.driver.take_vote_evidence(),
        };
        let found = equivocation::convert(&found, &self.host.running.members);
        self.host.keep_evidence(found)
    }

    /// A timer that was still wanted has elapsed.
    pub(super) fn on_timer(&mut self, timer: Timer) -> Result<(), Fault> {
        match timer {
            Timer::Linger => self.wake(),
            Timer::Heartbeat => {
                self.host.running.heartbeat_over = true;
                self.wake()
            }
            Timer::Grace => {
                self.host.running.grace_over = true;
                Ok(())
            }
            Timer::Want => {
                self.ask_for_proposals();
                Ok(())
            }
            Timer::Behind => {
                self.fetch();
                Ok(())
            }
            Timer::Fetch => {
                self.on_fetch_late();
                Ok(())
            }
            Timer::Announce => {
                let height = self.host.chain.tip().height;
                self.host.put(Output::Broadcast(message::announce(height)));
                self.host.set_timer(Timer::Announce);
                self.follow();
                // Should the caller have dropped its word of transactions.
                self.on_transactions()
            }
            Timer::Propose(round) => {
                let own = self.host.signer.as_ref().map(|s| s.address().0);
                if round == self.host.running.round && own != Some(self.host.running.proposer) {
                    self.host.absent.insert(self.host.running.proposer);
                }
                self.on_timeout(timer)
            }
            Timer::Rebroadcast(_) => {
                self.ask_for_current_proposal();
                self.on_timeout(timer)
            }
            Timer::Prevote(_) | Timer::Precommit(_) => self.on_timeout(timer),
        }
    }

    fn on_timeout(&mut self, timer: Timer) -> Result<(), Fault> {
        match pacemaker::timeout(timer) {
            Some(timeout) if self.is_running => self.feed(CoreInput::TimeoutElapsed(timeout)),
            _ => Ok(()),
        }
    }

    /// Gives Malachite the block it asked for: the one of this round if there is one already,
    /// else a new one. Whether something was done.
    pub(super) fn answer_value(&mut self) -> Result<bool, Fault> {
        let Some(round) = self.host.running.wanted else {
            return Ok(false);
        };
        let is_current = number(self.core.round()) == round && self.core.driver.step_is_propose();
        let Some(Address(own)) = self.host.signer.as_ref().map(|s| s.address()) else {
            return Ok(false);
        };
        if !is_current {
            self.host.running.wanted = None;
            return Ok(true);
        }
        let id = match self.host.running.own_blocks.get(&round) {
            Some(id) => *id,
            None => {
                let is_empty = self.host.chain.mempool().size().0 == 0;
                if is_empty && round == 0 && !self.may_be_empty() {
                    let running = &self.host.running;
                    if !running.grace_over && !self.host.timers.runs(Timer::Grace) {
                        self.host.set_timer(Timer::Grace);
                    }
                    return Ok(false);
                }
                self.build(round, own)?
            }
        };
        self.host.running.wanted = None;
        self.host.timers.cancel(Timer::Grace);
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
        let running = &self.host.running;
        let set = self.host.chain.validators();
        let heard = running.heard.iter().filter_map(|key| set.get(key));
        let power = heard.map(|v| v.power).fold(0, u64::saturating_add);
        let is_wanted = exceeds_one_third(power, set.total_power());
        running.heartbeat_over || (running.grace_over && is_wanted)
    }

    fn build(&mut self, round: u32, own: [u8; 32]) -> Result<[u8; 32], Fault> {
        let limits = self.host.share.of(self.host.chain.parameters());
        let waiting = self.host.chain.mempool().size().0 as u64;
        let block = self
            .host
            .chain
            .build_within(self.host.now_ms, own, limits)?;
        let id = block.id();
        if block.header.transaction_count < waiting {
            self.host.running.full_blocks.insert(round);
        }
        let body = Body {
            bytes: block.encode(),
            header: block.header,
        };
        self.host.running.bodies.insert(id, body);
        self.host.running.own_blocks.insert(round, id);
        Ok(id)
    }
}
