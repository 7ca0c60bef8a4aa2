//! Timers. Durations and generations are ours: Malachite's timeouts carry neither a duration nor
//! a height. A timer that was cancelled or set again is recognised by its token and ignored.
//!
//! A block may take longer to make and to check than a round lasts. Each further round that fails lasts
//! longer by more than the one before, so that a slow block is decided after few of them; and what a
//! height has needed, the next ones begin with, until they have gone well for a while.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use arc_malachitebft_core_types::{Timeout, TimeoutKind};

use super::context::number;
use super::{ConsensusSettings, TimerToken};

/// The shortest propose timeout for a proposer that was absent, milliseconds.
const MIN_ABSENT_MS: u64 = 50;

/// How long a block of one organisation's flood alone waits for others to come at least, milliseconds: theirs then
/// needn't wait for it to be executed.
pub const FLOOD_PAUSE_MS: u64 = 50;

/// The shortest wait for a proposal of a proposer that has gone, milliseconds.
const MIN_GONE_MS: u64 = 100;

/// How long a proposer waits at most until the last block's time is no longer far ahead of its clock, milliseconds.
pub const PARENT_TIME_MS: u64 = 250;

/// The most rounds' patience that is kept for the next height.
const MAX_PATIENCE: u32 = 5;

/// Heights that must go well in a row before there is one round's patience less.
const CALM_HEIGHTS: u32 = 8;

/// What a height counts in which a round stood; one in which none did takes 1 away. So one in five keeps the balance.
const LATE: u32 = 4;

/// From how much on messages count as late, and the most that is counted.
const IS_LATE: u32 = 3 * LATE;
const MOST_LATE: u32 = 8 * LATE;

/// How often the pause between two such questions is doubled.
const MAX_DOUBLINGS: u32 = 8;

/// Heights of which the quickest says how long a height takes where nothing is late.
const QUICKEST_OF: usize = 16;

/// No timeout is longer than this, milliseconds, however high the round.
const MAX_TIMEOUT_MS: u64 = 60_000;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// The round's proposal is late.
    Propose(u32),
    /// The round's prevotes disagree.
    Prevote(u32),
    /// The round's precommits disagree.
    Precommit(u32),
    /// Own votes are sent again.
    Rebroadcast(u32),
    /// The round hasn't moved: others are asked for what it lacks.
    Ask,
    /// A proposer without transactions has waited long enough for one.
    EmptyBlockDelay,
    /// The last block's time is no longer far ahead of this node's clock.
    ParentTime,
    /// The oldest waiting transaction has waited long enough for others.
    BatchingDelay,
    /// Nothing waits but one organisation's flood, and others have had their time to come.
    FloodPause,
    /// The last block is old.
    Heartbeat,
    /// Proposals that others voted for are asked for.
    Request,
    /// Peers have decided the height that is still running here.
    SyncDelay,
    /// A peer owes blocks.
    SyncTimeout,
    /// The own height is announced.
    Announce,
}

/// The timers that run, and how long each does.
#[derive(Debug)]
pub struct Pacemaker {
    settings: ConsensusSettings,
    next: u64,
    running: BTreeMap<Timer, u64>,
    /// Proposers that were waited for in vain and have not been heard since.
    absent: BTreeSet<[u8; 32]>,
    /// Rounds by which timeouts are longer than the round says.
    patience: u32,
    /// Heights in a row that were decided in their first round.
    calm_heights: u32,
    /// How long the last heights took, milliseconds.
    took_ms: VecDeque<u64>,
    /// How often rounds have stood lately, weighed: see [`Pacemaker::height_left`].
    lateness: u32,
    is_late: bool,
}

impl Pacemaker {
    /// No timer runs.
    pub fn new(settings: ConsensusSettings) -> Pacemaker {
        Pacemaker {
            settings,
            next: 0,
            running: BTreeMap::new(),
            absent: BTreeSet::new(),
            patience: 0,
            calm_heights: 0,
            took_ms: VecDeque::new(),
            lateness: 0,
            is_late: false,
        }
    }

    /// Durations.
    pub fn settings(&self) -> &ConsensusSettings {
        &self.settings
    }

    /// Starts a timer, in place of one of the same kind.
    pub fn set(&mut self, timer: Timer) -> TimerToken {
        self.next += 1;
        self.running.insert(timer, self.next);
        TimerToken(self.next)
    }

    /// Stops a timer.
    pub fn cancel(&mut self, timer: Timer) {
        self.running.remove(&timer);
    }

    /// Stops the timers of rounds.
    pub fn cancel_rounds(&mut self) {
        self.running.retain(|timer, _| timeout(*timer).is_none());
    }

    /// Stops what belongs to one height.
    pub fn cancel_height(&mut self) {
        self.cancel_rounds();
        for timer in [
            Timer::Ask,
            Timer::EmptyBlockDelay,
            Timer::ParentTime,
            Timer::BatchingDelay,
            Timer::FloodPause,
            Timer::Heartbeat,
            Timer::Request,
            Timer::SyncDelay,
        ] {
            self.cancel(timer);
        }
    }

    /// Whether a timer of this kind runs.
    pub fn runs(&self, timer: Timer) -> bool {
        self.running.contains_key(&timer)
    }

    /// Whether this token's timer runs.
    pub fn is_running(&self, token: TimerToken) -> bool {
        self.running.values().any(|t| *t == token.0)
    }

    /// The timer that has elapsed; none if the token is stale.
    pub fn take(&mut self, token: TimerToken) -> Option<Timer> {
        let timer = self
            .running
            .iter()
            .find(|(_, t)| **t == token.0)
            .map(|(timer, _)| *timer)?;
        self.running.remove(&timer);
        Some(timer)
    }

    /// A proposer was waited for in vain: next time not as long, until it is heard.
    pub fn missed(&mut self, proposer: [u8; 32]) {
        self.absent.insert(proposer);
    }

    /// A validator is there.
    pub fn heard(&mut self, validator: &[u8; 32]) {
        self.absent.remove(validator);
    }

    /// Whether a proposer was waited for in vain and has not been heard since.
    pub fn is_absent(&self, proposer: &[u8; 32]) -> bool {
        self.absent.contains(proposer)
    }

    /// A height was decided after so many rounds that failed though something was proposed in them:
    /// perhaps because blocks take long to make and to check.
    pub fn decided_after(&mut self, failed_rounds: u32) {
        if failed_rounds > 0 {
            let patience = self.patience.saturating_add(failed_rounds);
            self.patience = patience.min(MAX_PATIENCE);
            self.calm_heights = 0;
            return;
        }
        self.calm_heights += 1;
        if self.calm_heights == CALM_HEIGHTS {
            self.patience = self.patience.saturating_sub(1);
            self.calm_heights = 0;
        }
    }

    /// A height was decided after this time from its beginning here, milliseconds.
    pub fn height_took(&mut self, took_ms: u64) {
        if self.took_ms.len() == QUICKEST_OF {
            self.took_ms.pop_front();
        }
        self.took_ms.push_back(took_ms);
    }

    /// A height has ended in which a round stood or not. Whether that changes if messages come late: they do once three
    /// heights in a row stood, and no longer when that was made up for by others.
    pub fn height_left(&mut self, has_stood: bool) -> Option<bool> {
        self.lateness = match has_stood {
            true => (self.lateness + LATE).min(MOST_LATE),
            false => self.lateness.saturating_sub(1),
        };
        let is_late = match self.is_late {
            true => self.lateness > 0,
            false => self.lateness >= IS_LATE,
        };
        let has_changed = is_late != self.is_late;
        self.is_late = is_late;
        has_changed.then_some(is_late)
    }

    /// How long a round may stand before others are asked for what it lacks, milliseconds: twice what the quickest of
    /// the last heights took, and twice as long after each time that they were.
    pub fn ask_ms(&self, asked: u32) -> u64 {
        let settings = &self.settings;
        let quickest = self.took_ms.iter().min().copied().unwrap_or_default();
        let first = quickest.saturating_mul(2).max(settings.ask_ms);
        let doubled = first.saturating_mul(1 << asked.min(MAX_DOUBLINGS));
        doubled.min(settings.rebroadcast_ms)
    }

    /// How long the proposal of a proposer that has gone is waited for, where it would be for `usual_ms`: three
    /// quarters of what the quickest of the last heights took. A height takes three hops, and a proposal that one
    /// validator passes on to another takes two. Where no height was decided yet nobody knows how long that is.
    pub fn gone_ms(&self, usual_ms: u64) -> u64 {
        let quickest = self.took_ms.iter().min();
        let passed_on = quickest.map(|took_ms| took_ms.saturating_mul(3) / 4);
        passed_on.map_or(usual_ms, |ms| ms.max(MIN_GONE_MS).min(usual_ms))
    }

    /// How long a timer runs in a round of this proposer, milliseconds.
    pub fn duration_ms(&self, timer: Timer, proposer: &[u8; 32]) -> u64 {
        let settings = &self.settings;
        let growing = |base: u64, delta: u64, round: u32| {
            // Each round adds a delta more than the one before.
            let round = u64::from(round.saturating_add(self.patience));
            let deltas = round.saturating_mul(round.saturating_add(1)) / 2;
            base.saturating_add(delta.saturating_mul(deltas))
                .min(MAX_TIMEOUT_MS)
        };
        match timer {
            Timer::Propose(round) => {
                let full = growing(settings.propose_ms, settings.propose_delta_ms, round);
                match self.is_absent(proposer) {
                    true => (full / 8).max(MIN_ABSENT_MS).min(full),
                    false => full,
                }
            }
            Timer::Prevote(round) => growing(settings.prevote_ms, settings.prevote_delta_ms, round),
            Timer::Precommit(round) => {
                growing(settings.precommit_ms, settings.precommit_delta_ms, round)
            }
            Timer::Rebroadcast(_) => settings.rebroadcast_ms,
            Timer::Ask => self.ask_ms(0),
            Timer::EmptyBlockDelay => settings.empty_block_delay_ms,
            Timer::ParentTime => PARENT_TIME_MS,
            Timer::BatchingDelay => settings.batching_delay_ms,
            Timer::FloodPause => FLOOD_PAUSE_MS,
            Timer::Heartbeat => settings.heartbeat_ms,
            Timer::Request => settings.request_delay_ms,
            Timer::SyncDelay => settings.sync_delay_ms,
            Timer::SyncTimeout => settings.sync_timeout_ms,
            Timer::Announce => settings.announce_ms,
        }
    }
}

/// Our timer for Malachite's timeout; none for those that need a target time, which isn't used.
pub fn timer(timeout: &Timeout) -> Option<Timer> {
    let round = number(timeout.round);
    match timeout.kind {
        TimeoutKind::Propose => Some(Timer::Propose(round)),
        TimeoutKind::Prevote => Some(Timer::Prevote(round)),
        TimeoutKind::Precommit => Some(Timer::Precommit(round)),
        TimeoutKind::Rebroadcast => Some(Timer::Rebroadcast(round)),
        TimeoutKind::FinalizeHeight(_) => None,
    }
}

/// Malachite's timeout for our timer, if it has one.
pub fn timeout(timer: Timer) -> Option<Timeout> {
    match timer {
        Timer::Propose(round) => Some(Timeout::propose(round.into())),
        Timer::Prevote(round) => Some(Timeout::prevote(round.into())),
        Timer::Precommit(round) => Some(Timeout::precommit(round.into())),
        Timer::Rebroadcast(round) => Some(Timeout::rebroadcast(round.into())),
        _ => None,
    }
}
