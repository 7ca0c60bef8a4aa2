//! A run's course: faults, while clients submit; healing, after which everything must come
//! to rest in time; rest, in which nothing may happen; and the final look at all nodes.

use std::rc::Rc;

use touchstone_core::Rejection;
use touchstone_core::commit_certificate::exceeds_two_thirds;
use touchstone_core::state::StateRead;
use touchstone_node::admission::Source;
use touchstone_node::consensus::{ConsensusSettings, Input};
use touchstone_node::mempool::PoolOutcome;
use touchstone_node::storage::Store;

use super::checks::{Broken, Violation};
use super::plan::Sabotage;
use super::process::Actor;
use super::world::{Event, World};

/// Within this virtual time after the healing everything must be in order, milliseconds.
const HEALING_MS: u64 = 240_000;

/// How often clients submit again what is open, milliseconds.
const RETRY_MS: u64 = 3_000;

/// Everything that was under way when the faults ended has arrived after this time, milliseconds.
const SETTLING_MS: u64 = 6_000;

/// Heartbeats for which the rest lasts.
const REST_HEARTBEATS: u64 = 2;

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Bad things happen.
    Faults,
    /// Nothing bad happens any more (but for dishonest validators).
    Healing,
    /// Everything is done: since when, and at which height.
    Rest {
        /// The height at its beginning.
        height: u64,
    },
    /// The run has ended well.
    Over,
}

impl World {
    /// Starts all processes and plans what will happen.
    pub(super) fn begin(&mut self) -> Result<(), Violation> {
        for process in 0..self.processes.len() {
            let delay_ms = self.random.between(0, 100);
            self.after(delay_ms, Event::Restart(process));
        }
        for _ in 0..self.faults.submissions {
            let at_ms = self.random.between(200, self.faults.lasts_ms);
            self.after(at_ms, Event::Submit);
        }
        self.after(RETRY_MS, Event::Retry);
        self.after(self.faults.lasts_ms, Event::Heal);
        self.brew();
        Ok(())
    }

    /// Clients submit one more transaction, some of them to two nodes.
    pub(super) fn submit_another(&mut self) -> Result<(), Violation> {
        let index = self.clients.wish();
        self.submit(index)?;
        match self.random.permille(200) {
            true => self.submit(index),
            false => Ok(()),
        }
    }

    /// Submits to some honest node that is up, as the node's service does.
    fn submit(&mut self, index: usize) -> Result<(), Violation> {
        let up: Vec<usize> = self
            .honest()
            .filter(|p| self.processes[*p].machine().is_some())
            .collect();
        if up.is_empty() {
            return Ok(());
        }
        let process = up[self.random.index(up.len())];
        let now_ms = self.clock(process);
        let wish = &mut self.clients.wishes[index];
        let node = &self.processes[process];
        if matches!(node.store.is_committed(&wish.id), Ok(true)) {
            let height = node.store.tip().height;
            return self.acknowledge(index, process, height);
        }
        let what = wish.what;
        self.trace
            .note(process, index as u64, || format!("gets {what} ({index})"));
        let admitted = node
            .admission(&self.genesis.chain_id, now_ms)
            .admit(&wish.envelope, Source::Client(None));
        let submitted = match admitted {
            Ok(Ok(submitted)) => submitted,
            Ok(Err(rejection)) => {
                // A full pool is no word about the transaction.
                wish.is_refused |= rejection != Rejection::PoolFull;
                return Ok(());
            }
            Err(_) => return Ok(()),
        };
        if !wish.waits_at.contains(&process) {
            wish.waits_at.push(process);
        }
        if self.plan.sabotage == Some(Sabotage::EarlyAcknowledgement) {
            let height = self.processes[process].store.tip().height;
            return self.acknowledge(index, process, height);
        }
        if let Some(transaction) = submitted {
            self.gossip(process, transaction.envelope().into(), true);
        }
        self.give(process, Input::Transactions)
    }

    fn gossip(&mut self, from: usize, envelope: Rc<[u8]>, is_first: bool) {
        for to in 0..self.processes.len() {
            if to == from {
                continue;
            }
            for delay_ms in self.network.delays(from, to, &mut self.random) {
                let envelope = envelope.clone();
                self.after(
                    delay_ms,
                    Event::Gossip {
                        to,
                        envelope,
                        is_first,
                    },
                );
            }
        }
    }

    /// A gossiped transaction arrives: what is new goes into the pool, and once more to others.
    pub(super) fn hear_gossip(
        &mut self,
        to: usize,
        envelope: &Rc<[u8]>,
        is_first: bool,
    ) -> Result<(), Violation> {
        let node = &self.processes[to];
        let Ok(id) = touchstone_core::transaction::id_of_envelope(&self.genesis.chain_id, envelope)
        else {
            return Ok(());
        };
        if node.machine().is_none() || matches!(node.store.is_committed(&id), Ok(true)) {
            return Ok(());
        }
        let submitted = node
            .admission(&self.genesis.chain_id, self.clock(to))
            .admit(envelope, Source::Peer);
        if !matches!(submitted, Ok(Ok(Some(_)))) {
            return Ok(());
        }
        if is_first {
            self.gossip(to, envelope.clone(), false);
        }
        self.give(to, Input::Transactions)
    }

    /// Clients submit again what should have been committed by now.
    pub(super) fn retry(&mut self) -> Result<(), Violation> {
        self.look_around();
        if matches!(self.phase, Phase::Rest { .. } | Phase::Over) {
            return Ok(());
        }
        for index in 0..self.clients.wishes.len() {
            if self.clients.wishes[index].is_open() {
                self.submit(index)?;
            }
        }
        self.after(RETRY_MS, Event::Retry);
        Ok(())
    }

    /// Looks at what a machine has committed in its last step, whether it succeeded or not: a
    /// client may have heard of it.
    pub(super) fn observe(&mut self, process: usize) -> Result<(), Violation> {
        let node = &self.processes[process];
        let tip = node.store.tip().height;
        if !node.is_honest || tip == node.seen_height {
            return Ok(());
        }
        let (store, life) = (node.store.clone(), node.life);
        for height in node.seen_height + 1..=tip {
            let Ok(Some((block, proof))) = store.block(height) else {
                let what = format!("node {process} lacks block {height} below its tip");
                return Err(Violation::new(Broken::NodeFailure, what));
            };
            self.counts.commits += 1;
            self.checks
                .committed(process, &block, &proof, &self.clients)?;
        }
        self.processes[process].seen_height = tip;
        self.look_for_silence(process, life, tip)?;
        self.collect_acknowledgements(process)
    }

    /// Contradictions heard at the height just left must have been reported, unless the node was
    /// stopped before it could.
    fn look_for_silence(&mut self, process: usize, life: u64, tip: u64) -> Result<(), Violation> {
        let node = &self.processes[process];
        if node.disk_has_failed() || node.machine().is_none() {
            return Ok(());
        }
        let kept = node.store.misbehaviour();
        match self.contradictions.unreported(process, life, tip, &kept) {
            None => Ok(()),
            Some(key) => {
                let key = hex::encode(&key[..4.min(key.len())]);
                let what = format!(
                    "node {process} heard two votes of {key} at height {tip} and keeps still"
                );
                Err(Violation::new(Broken::MissedAccusation, what))
            }
        }
    }

    fn collect_acknowledgements(&mut self, process: usize) -> Result<(), Violation> {
        for index in 0..self.clients.wishes.len() {
            let wish = &mut self.clients.wishes[index];
            if !wish.waits_at.contains(&process) {
                continue;
            }
            match self.processes[process].pool.outcome(&wish.id) {
                Some(PoolOutcome::Committed { height, .. }) => {
                    self.acknowledge(index, process, height)?;
                }
                Some(PoolOutcome::Rejected(_)) => wish.is_refused = true,
                Some(PoolOutcome::Pending) | None => {}
            }
        }
        Ok(())
    }

    /// A client hears that its transaction is committed: from now on it must be there whatever
    /// happens, so the block is on the disks of more than 2/3 (dishonest ones may have lied).
    fn acknowledge(&mut self, index: usize, process: usize, height: u64) -> Result<(), Violation> {
        let wish = &mut self.clients.wishes[index];
        wish.waits_at.retain(|at| *at != process);
        if wish.acknowledged.is_some() {
            return Ok(());
        }
        wish.acknowledged = Some(height);
        let id = wish.id;
        self.counts.acknowledged += 1;
        self.trace
            .note(process, 9, || format!("ACKNOWLEDGES ({index})"));
        if !self.checks.has_transaction(&id) {
            let what = format!("({index}) was acknowledged and is in no block");
            return Err(Violation::new(Broken::Durability, what));
        }
        let Some((block, _)) = self.checks.block(height) else {
            return Ok(());
        };
        let bytes = block.encode();
        let validators = &self.processes[..self.plan.validators];
        let durable = validators.iter().filter(|node| {
            let has_block = node.store.settled_height() >= height;
            !node.is_honest || node.is_replaced || has_block || node.disk.holds_durably(&bytes)
        });
        let (durable, all) = (durable.count() as u64, self.plan.validators as u64);
        match exceeds_two_thirds(durable, all) {
            true => Ok(()),
            false => {
                let what = format!(
                    "({index}) was acknowledged with block {height} on {durable} of {all} disks"
                );
                Err(Violation::new(Broken::Durability, what))
            }
        }
    }

    /// The faults are over: the network carries everything, clocks are right, all are started.
    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        self.phase = Phase::Healing;
        self.trace.note(0, 10, || "HEALED".into());
        self.network.heal();
        self.faults.cut = 0;
        for process in 0..self.processes.len() {
            let node = &mut self.processes[process];
            node.clock_shift_ms = node.clock_shift_ms.clamp(-100, 100);
            node.disk.mend();
            node.store.mend();
            let delay_ms = self.random.between(1, 200);
            self.after(delay_ms, Event::Restart(process));
        }
        for _ in 0..2 {
            let index = self.clients.plain();
            self.submit(index)?;
        }
        if self.plan.replaced_disk.is_some() {
            // It signs again after some more heights.
            for at_ms in [1_000, 2_000, 3_000, 4_000] {
                self.after(at_ms, Event::Submit);
            }
        }
        self.after(HEALING_MS, Event::Deadline);
        Ok(())
    }

    /// The time for coming to rest is over.
    pub(super) fn deadline(&mut self) -> Result<(), Violation> {
        if self.phase != Phase::Healing {
            return Ok(());
        }
        let places: Vec<String> = self
            .honest()
            .map(|p| {
                let node = &self.processes[p];
                let round = node.machine().map(|m| m.round());
                let (tip, pending) = (node.store.tip().height, node.pool.size().0);
                format!("{p}: height {tip}, round {round:?}, {pending} pending")
            })
            .collect();
        let open = self.open_wishes();
        let what = format!(
            "no rest after the healing; open {open:?}; {}",
            places.join("; ")
        );
        Err(Violation::new(Broken::Liveness, what))
    }

    fn open_wishes(&self) -> Vec<usize> {
        let wishes = self.clients.wishes.iter().enumerate();
        let open = wishes.filter(|(_, wish)| wish.is_open());
        open.map(|(index, _)| index).collect()
    }

    /// After the healing: whether all is done.
    fn look_around(&mut self) {
        let is_settled = self.now_ms >= self.faults.lasts_ms + SETTLING_MS;
        if self.phase != Phase::Healing || !is_settled || !self.open_wishes().is_empty() {
            return;
        }
        let height = self.checks.height();
        let mut honest = self.honest();
        let at_rest = honest.all(|p| {
            let node = &self.processes[p];
            let is_up = matches!(node.actor, Actor::Machine(_));
            // What only a follower holds may wait there for ever: it proposes nothing.
            let follows = p >= self.plan.validators;
            let has_done = follows || node.pool.size().0 == 0;
            is_up && has_done && node.store.tip().height == height
        });
        drop(honest);
        if at_rest {
            self.phase = Phase::Rest { height };
            self.trace.note(0, 11, || "AT REST".into());
            let lasts_ms = ConsensusSettings::default().heartbeat_ms * REST_HEARTBEATS + 20_000;
            self.after(lasts_ms, Event::Rest);
        }
    }

    /// While nobody submitted anything only heartbeats may have happened, and they must have.
    pub(super) fn end_rest(&mut self) -> Result<(), Violation> {
        let Phase::Rest { height } = self.phase else {
            return Ok(());
        };
        let made = self.checks.height() - height;
        // A dishonest validator can wake the others with a vote whenever it likes.
        let too_many = made > REST_HEARTBEATS + 1 && self.faults.byzantine.is_empty();
        if made == 0 || too_many {
            let what = format!("{made} blocks in the time of {REST_HEARTBEATS} heartbeats");
            return Err(Violation::new(Broken::Idleness, what));
        }
        // The turn of a validator that is still silent costs a round.
        if self.faults.byzantine.is_empty() && self.plan.replaced_disk.is_none() {
            self.check_rounds_at_rest(height)?;
        }
        for process in self.honest() {
            let node = &self.processes[process];
            let silence = node.machine().and_then(|m| m.silence());
            if let Some(silence) = silence.filter(|_| node.is_replaced) {
                let what = format!("node {process} still signs nothing: {silence:?}");
                return Err(Violation::new(Broken::Liveness, what));
            }
            self.checks.holds(process, &node.store)?;
            if let Some(lost) = self.lost_wish(process) {
                let what = format!("node {process} lacks ({lost}), which was acknowledged");
                return Err(Violation::new(Broken::Durability, what));
            }
        }
        self.phase = Phase::Over;
        Ok(())
    }

    fn check_rounds_at_rest(&self, rested_from: u64) -> Result<(), Violation> {
        for process in self.honest() {
            let node = &self.processes[process];
            let round = node.machine().and_then(|m| m.round()).unwrap_or(0);
            if round > 0 {
                let what = format!("node {process} is in round {round} without a reason");
                return Err(Violation::new(Broken::Idleness, what));
            }
            // The first heartbeat comes when each node has waited since it got the last block, which
            // may be at other times after faults.
            for height in rested_from + 2..=node.store.tip().height {
                let block = node.store.block(height).ok().flatten();
                let round = block.map_or(0, |(_, certificate)| certificate.round);
                if round > 0 {
                    let what = format!("height {height} needed round {round} at rest");
                    return Err(Violation::new(Broken::SlowRound, what));
                }
            }
        }
        Ok(())
    }

    fn lost_wish(&self, process: usize) -> Option<usize> {
        let store = &self.processes[process].store;
        self.clients.wishes.iter().position(|wish| {
            wish.acknowledged.is_some() && !matches!(store.is_committed(&wish.id), Ok(true))
        })
    }
}
