//! Timers. Durations and generations are ours: Malachite's timeouts carry neither a duration nor
//! a height. A timer that was cancelled or set again is recognised by its token and ignored.

use std::collections::BTreeMap;

use arc_malachitebft_core_types::{Timeout, TimeoutKind};

use super::context::number;
use super::{Settings, TimerToken};

/// The shortest propose timeout for a proposer that was absent, milliseconds.
const MIN_ABSENT_MS: u64 = 50;

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
    /// Say again what was said.
    Rebroadcast(u32),
    /// A proposer that others woke waits this long for a transaction.
    Grace,
    /// The oldest waiting transaction has waited long enough.
    Linger,
    /// The last block is old.
    Heartbeat,
    /// Ask for proposals that others voted for.
    Want,
    /// Peers have decided the height that is still running here.
    Behind,
    /// A peer owes blocks.
    Fetch,
    /// Tell our height.
    Announce,
}

/// The timers that run.
#[derive(Debug, Default)]
pub struct Timers {
    next: u64,
    running: BTreeMap<Timer, u64>,
}

impl Timers {
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

/// How long a timer runs, milliseconds. `absent` says that the round's proposer was away when it
/// was last waited for.
pub fn duration_ms(settings: &Settings, timer: Timer, absent: bool) -> u64 {
    let linear = |base: u64, delta: u64, round: u32| {
        base.saturating_add(delta.saturating_mul(u64::from(round)))
            .min(MAX_TIMEOUT_MS)
    };
    match timer {
        Timer::Propose(round) => {
            let full = linear(settings.propose_ms, settings.propose_delta_ms, round);
            match absent {
                true => (full / 8).max(MIN_ABSENT_MS).min(full),
                false => full,
            }
        }
        Timer::Prevote(round) => linear(settings.prevote_ms, settings.prevote_delta_ms, round),
        Timer::Precommit(round) => {
            linear(settings.precommit_ms, settings.precommit_delta_ms, round)
        }
        Timer::Rebroadcast(_) => settings.rebroadcast_ms,
        Timer::Grace => settings.grace_ms,
        Timer::Linger => settings.linger_ms,
        Timer::Heartbeat => settings.heartbeat_ms,
        Timer::Want => settings.want_ms,
        Timer::Behind => settings.behind_ms,
        Timer::Fetch => settings.fetch_ms,
        Timer::Announce => settings.announce_ms,
    }
}
