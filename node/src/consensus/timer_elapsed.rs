//! What each timer does when it elapses.

use arc_malachitebft_core_consensus::Input as CoreInput;
use arc_malachitebft_core_types::{Round, Threshold, VoteType};
use touchstone_core::fault::Fault;

use super::pacemaker::{self, Timer};
use super::{Machine, Output, message};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Machine<S, D> {
    /// A timer that was still wanted has elapsed.
    pub(super) fn on_timer(&mut self, timer: Timer) -> Result<(), Fault> {
        match timer {
            Timer::BatchingDelay | Timer::FloodPause => self.try_start_height(),
            Timer::Heartbeat => {
                self.effects.height.block_request.end_heartbeat();
                self.try_start_height()
            }
            Timer::EmptyBlockDelay => {
                self.effects.height.block_request.end_delay();
                Ok(())
            }
            Timer::ParentTime => {
                self.effects.height.block_request.end_waiting();
                Ok(())
            }
            Timer::Request => {
                self.request_proposals();
                Ok(())
            }
            Timer::SyncDelay => {
                self.fetch();
                Ok(())
            }
            Timer::SyncTimeout => {
                self.on_sync_timeout();
                Ok(())
            }
            Timer::Announce => {
                let height = self.effects.chain.tip().height;
                let announce = Output::Broadcast(message::announce(height));
                self.effects.put(announce);
                self.effects.set_timer(Timer::Announce);
                self.sync_if_behind();
                // Should the caller have dropped its word of transactions.
                self.on_transactions()
            }
            Timer::Ask => {
                if self.is_running {
                    self.ask_round();
                }
                Ok(())
            }
            Timer::Propose(round) => {
                let own = self.effects.signer.as_ref().map(|s| s.address().0);
                let proposer = *self.effects.height.proposer();
                if round == self.effects.height.round() && own != Some(proposer) {
                    self.effects.pacemaker.missed(proposer);
                }
                self.on_timeout(timer)
            }
            Timer::Rebroadcast(_) => {
                self.request_current_proposal();
                self.on_timeout(timer)
            }
            Timer::Prevote(_) | Timer::Precommit(_) => self.on_timeout(timer),
        }
    }

    /// Leaves a round in which more than 2/3 precommitted no block: none can be decided in it any more, so that nothing
    /// is waited for. Whether it was left.
    pub(super) fn leave_void_round(&mut self) -> Result<bool, Fault> {
        let round = self.effects.height.round();
        let timer = Timer::Precommit(round);
        let votes = self.core.driver.votes();
        let is_void = self.effects.pacemaker.runs(timer)
            && votes.is_threshold_met(&Round::new(round), VoteType::Precommit, Threshold::Nil);
        if is_void {
            self.effects.pacemaker.cancel(timer);
            self.on_timeout(timer)?;
        }
        Ok(is_void)
    }

    fn on_timeout(&mut self, timer: Timer) -> Result<(), Fault> {
        match pacemaker::timeout(timer) {
            Some(timeout) if self.is_running => self.feed(CoreInput::TimeoutElapsed(timeout)),
            _ => Ok(()),
        }
    }
}
