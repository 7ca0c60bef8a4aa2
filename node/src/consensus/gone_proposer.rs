//! A round whose proposer has gone: its organisation's connections to this node have all ended, as they do at once
//! where its process ends.
//!
//! Its proposal is waited for as long as it takes to come by way of another validator, should the proposer only be cut
//! off from this one: those that get it are asked to pass it on. Only so many rounds of a height are short as
//! validators may be missing, so that where few are connected with each other the next ones have their full time.

use touchstone_core::fault::Fault;

use super::effects::Effects;
use super::pacemaker::Timer;
use super::{Machine, Output, message};
use crate::storage::{Disk, Store};

impl<S: Store, D: Disk> Effects<S, D> {
    /// Whether a round's proposer has gone and isn't waited for as long as another one.
    fn is_proposer_gone(&self, round: u32) -> bool {
        let validators = self.height.validators().len();
        let missing = validators.saturating_sub(1) / 3;
        let proposer = self.chain.validators().get(self.height.proposer());
        (round as usize) < missing
            && proposer.is_some_and(|proposer| self.gone.contains(&proposer.organisation))
    }

    /// How long the round's proposal is waited for, milliseconds.
    pub fn proposal_ms(&self, round: u32) -> u64 {
        let usual_ms = self
            .pacemaker
            .duration_ms(Timer::Propose(round), self.height.proposer());
        match self.is_proposer_gone(round) {
            true => self.pacemaker.gone_ms(usual_ms),
            false => usual_ms,
        }
    }

    /// A round begins: if its proposer has gone, the others are asked for its proposal before it has come to them.
    pub fn ask_for_gone(&mut self, height: u64, round: u32) {
        if self.is_proposer_gone(round) {
            let bytes = message::want(height, round, None, false);
            self.put(Output::Broadcast(bytes));
        }
    }
}

impl<S: Store, D: Disk> Machine<S, D> {
    /// Connections have come or ended, or the chain's list of peers may have changed.
    pub(super) fn note_gone(&mut self) -> Result<(), Fault> {
        self.read_organisations()?;
        let round = self.effects.height.round();
        let was_gone = self.effects.is_proposer_gone(round);
        self.effects.gone = self.peer_organisations.gone(&self.peers);
        let timer = Timer::Propose(round);
        let waits = self.is_running && self.effects.pacemaker.runs(timer);
        if waits && !was_gone && self.effects.is_proposer_gone(round) {
            let left_ms = self.effects.proposal_ms(round);
            self.effects.set_timer_in(timer, left_ms);
            self.effects.ask_for_gone(self.height(), round);
        }
        Ok(())
    }
}
