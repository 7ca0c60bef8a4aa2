//! Whether the chain moves. A block is due when transactions wait, and at each heartbeat; where none comes, the
//! node says so in its log, its status and its health, with what is known of the cause.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::consensus::{ClockReport, Silence};
use crate::consensus_thread::Position;
use crate::service::{Halt, Progress};

/// How long a block that is due may take before the chain counts as halted.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a halt is told again.
const AGAIN: Duration = Duration::from_secs(60);
/// Blocks whose times are compared with this clock.
const BLOCKS: usize = 5;
/// How far a clock may be off the others' without being named, milliseconds: blocks come that late.
const OFFSET_MS: u64 = 3_000;

/// What is seen of the chain.
#[derive(Debug)]
pub struct ChainWatch {
    heartbeat: Duration,
    position: Option<Position>,
    /// When the last block came, or the node started.
    block: Option<Instant>,
    /// Since when transactions have waited.
    waiting: Option<Instant>,
    /// How much later than their times the last blocks came, milliseconds.
    late_ms: VecDeque<i64>,
    told: Option<Instant>,
    clock_alarm: Option<String>,
}

impl ChainWatch {
    /// Of a chain that makes a block at least this often.
    pub fn new(heartbeat: Duration) -> ChainWatch {
        ChainWatch {
            heartbeat,
            position: None,
            block: None,
            waiting: None,
            late_ms: VecDeque::new(),
            told: None,
            clock_alarm: None,
        }
    }

    /// The clocks of other validators agree or disagree with this node's.
    pub fn clocks(&mut self, report: &ClockReport) {
        self.clock_alarm = (report.is_alarm || report.is_own_clock).then(|| report.to_string());
    }

    /// The machine has moved.
    pub fn moved(&mut self, position: Position, now: Instant) {
        let height = self.position.as_ref().map(|known| known.height);
        if height != Some(position.height) {
            self.block = Some(now);
            self.waiting = None;
        }
        if let Some(notice) = voting_notice(self.position.as_ref(), &position) {
            tracing::warn!("{notice}");
        }
        self.position = Some(position);
    }

    /// A block of this time was committed now, both in milliseconds by the clocks of proposer and node.
    pub fn committed(&mut self, time_ms: u64, now_ms: u64) {
        if self.late_ms.len() == BLOCKS {
            self.late_ms.pop_front();
        }
        let difference = i128::from(now_ms) - i128::from(time_ms);
        self.late_ms
            .push_back(i64::try_from(difference).unwrap_or(i64::MAX));
    }

    /// Where the node is. A halt is told to the log as it begins, now and then, and as it ends.
    pub fn progress(&mut self, peers: &Arc<[String]>, is_idle: bool, now: Instant) -> Progress {
        match is_idle {
            true => self.waiting = None,
            false => _ = self.waiting.get_or_insert(now),
        }
        let Some(position) = &self.position else {
            return Progress {
                peers: peers.clone(),
                clock_alarm: self.clock_alarm.clone(),
                ..Progress::default()
            };
        };
        let progress = Progress {
            height: position.height,
            round: position.round,
            validator: position.validator,
            voting_key: position.voting_key,
            syncing: position.syncing,
            peers: peers.clone(),
            halt: self.halt(position, now),
            clock_alarm: self.clock_alarm.clone(),
            silence: position.silence.map(told_silence),
        };
        self.tell(progress.halt.as_ref(), now);
        progress
    }

    fn halt(&self, position: &Position, now: Instant) -> Option<Halt> {
        let since = now.saturating_duration_since(self.block?);
        let waiting = self.waiting.map(|w| now.saturating_duration_since(w));
        let is_due = since > self.heartbeat + PATIENCE || waiting.is_some_and(|w| w > PATIENCE);
        is_due.then(|| Halt {
            since_s: since.as_secs(),
            height: position.height.saturating_add(1),
            round: position.round,
            missing: position.unheard.clone(),
            muted_until: match position.silence {
                Some(Silence::UntilHeight(height)) => Some(height),
                _ => None,
            },
            is_unconfirmed: position.silence == Some(Silence::Unconfirmed),
            clock_offset_ms: self.clock_offset_ms(),
        })
    }

    /// How far this clock is off: what the last blocks have in common.
    fn clock_offset_ms(&self) -> Option<i64> {
        let nearest = self.late_ms.iter().min_by_key(|late| late.unsigned_abs())?;
        let is_known = self.late_ms.len() == BLOCKS && nearest.unsigned_abs() > OFFSET_MS;
        is_known.then_some(*nearest)
    }

    fn tell(&mut self, halt: Option<&Halt>, now: Instant) {
        match (halt, self.told) {
            (Some(halt), told) => {
                let is_due = told.is_none_or(|t| now.saturating_duration_since(t) >= AGAIN);
                if is_due {
                    tracing::error!(%halt, "the chain has halted");
                    self.told = Some(now);
                }
            }
            (None, Some(_)) => {
                tracing::info!("the chain moves again");
                self.told = None;
            }
            (None, None) => {}
        }
    }
}

/// Why a key signs nothing for now, and what helps.
fn told_silence(silence: Silence) -> String {
    // Command lines recognise it (language/messages/zh-reasons.toml).
    match silence {
        Silence::Unconfirmed => {
            "this node signs nothing: its disk is new, and more than 2/3 of the others haven't confirmed a height: \
             docs/operating.md, \"A validator's disk is replaced\""
                .to_owned()
        }
        Silence::UntilHeight(until) => format!(
            "this node signs nothing up to height {until}, where it may have signed before: docs/operating.md, \
             \"A muted validator\""
        ),
    }
}

/// What changed about this node's vote, for its log: that it votes, by which key, or that it has ceased to.
fn voting_notice(before: Option<&Position>, now: &Position) -> Option<String> {
    let votes = |p: &Position| (p.validator, p.syncing, p.voting_key);
    if before.map(votes) == Some(votes(now)) {
        return None;
    }
    let progress = Progress {
        validator: now.validator,
        syncing: now.syncing,
        voting_key: now.voting_key,
        ..Progress::default()
    };
    let voted_by = before.filter(|p| p.validator).and_then(|p| p.voting_key);
    match now.voting_key.filter(|_| now.validator) {
        Some(key) if voted_by.is_some() && voted_by != Some(key) => Some(format!(
            "this node votes with its next key {} from height {} on: name its file as validator_key before the next \
             start",
            hex::encode(key),
            now.height.saturating_add(1)
        )),
        Some(_) => None,
        None => progress.idle_key(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::ClockOffset;

    const HEARTBEAT: Duration = Duration::from_secs(60);

    fn position(height: u64, round: u32) -> Position {
        Position {
            height,
            round,
            validator: true,
            voting_key: Some([1; 32]),
            syncing: false,
            consortium_changes: 0,
            silence: None,
            unheard: vec!["court".into()],
        }
    }

    fn halt(watch: &mut ChainWatch, is_idle: bool, now: Instant) -> Option<Halt> {
        watch.progress(&Arc::default(), is_idle, now).halt
    }

    #[test]
    fn an_idle_chain_halts_when_its_heartbeat_fails() {
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        let mut watch = ChainWatch::new(HEARTBEAT);
        assert_eq!(
            halt(&mut watch, true, at(500)),
            None,
            "nothing is known yet"
        );
        watch.moved(position(3, 0), at(0));
        assert_eq!(halt(&mut watch, true, at(90)), None);
        watch.moved(position(3, 7), at(90));
        let found = halt(&mut watch, true, at(91)).unwrap();
        assert_eq!((found.since_s, found.height, found.round), (91, 4, 7));
        assert_eq!(found.missing, ["court"]);
        watch.moved(position(4, 0), at(92));
        assert_eq!(halt(&mut watch, true, at(93)), None);
    }

    #[test]
    fn a_chain_on_which_transactions_wait_halts_sooner() {
        let start = Instant::now();
        let at = |s: u64| start + Duration::from_secs(s);
        let mut watch = ChainWatch::new(HEARTBEAT);
        watch.moved(position(3, 0), at(0));
        assert_eq!(halt(&mut watch, false, at(10)), None);
        assert_eq!(halt(&mut watch, false, at(40)), None);
        assert!(halt(&mut watch, false, at(41)).is_some());
        // The pool was emptied between: it waits anew.
        assert_eq!(halt(&mut watch, true, at(42)), None);
        assert_eq!(halt(&mut watch, false, at(43)), None);
        // As after each block.
        watch.moved(position(4, 0), at(60));
        assert_eq!(halt(&mut watch, false, at(80)), None);
    }

    #[test]
    fn a_validator_whose_key_was_replaced_is_told() {
        let before = position(3, 0);
        let replaced = Position {
            validator: false,
            ..position(4, 0)
        };
        let notice = voting_notice(Some(&before), &replaced).unwrap();
        assert!(notice.contains(&"01".repeat(32)) && notice.contains("validator_key"));
        assert_eq!(voting_notice(Some(&replaced), &replaced), None);
        // While it catches up, the change that makes it one may be still to come.
        let syncing = Position {
            syncing: true,
            ..replaced.clone()
        };
        assert_eq!(voting_notice(None, &syncing), None);
        assert!(voting_notice(Some(&syncing), &replaced).is_some());
        // A node without a key has nothing to be told.
        let observer = Position {
            voting_key: None,
            ..replaced
        };
        assert_eq!(voting_notice(None, &observer), None);
        let next = Position {
            voting_key: Some([2; 32]),
            ..position(4, 0)
        };
        let notice = voting_notice(Some(&before), &next).unwrap();
        assert!(notice.contains(&"02".repeat(32)) && notice.contains("from height 5 on"));
        assert_eq!(voting_notice(None, &next), None);
    }

    #[test]
    fn a_key_that_signs_nothing_is_told_of_though_the_chain_moves() {
        let mut watch = ChainWatch::new(HEARTBEAT);
        let mut told = |silence| {
            let now = Instant::now();
            let position = Position {
                silence,
                ..position(3, 0)
            };
            watch.moved(position, now);
            let progress = watch.progress(&Arc::default(), true, now);
            assert_eq!(progress.halt, None);
            progress.silence
        };
        assert_eq!(told(None), None);
        let new = told(Some(Silence::Unconfirmed)).unwrap();
        assert!(new.contains("A validator's disk is replaced"), "{new}");
        let muted = told(Some(Silence::UntilHeight(9))).unwrap();
        assert!(muted.contains("up to height 9"), "{muted}");
    }

    #[test]
    fn clocks_that_may_halt_the_chain_raise_an_alarm() {
        let mut watch = ChainWatch::new(HEARTBEAT);
        let alarm = |watch: &mut ChainWatch| {
            watch
                .progress(&Arc::default(), true, Instant::now())
                .clock_alarm
        };
        let mut report = ClockReport {
            untimely: vec![ClockOffset {
                validator: [7; 32],
                ahead_ms: 9_000,
            }],
            ..ClockReport::default()
        };
        watch.clocks(&report);
        assert_eq!(alarm(&mut watch), None, "one of four");
        report.is_alarm = true;
        watch.clocks(&report);
        assert_eq!(alarm(&mut watch), Some(report.to_string()));
        watch.clocks(&ClockReport::default());
        assert_eq!(alarm(&mut watch), None);
    }

    #[test]
    fn a_clock_is_named_if_all_last_blocks_tell_the_same() {
        let mut watch = ChainWatch::new(HEARTBEAT);
        for late in [-9_000, -8_000, -7_000, -9_500] {
            watch.committed(100_000, 100_000_u64.saturating_add_signed(late));
            assert_eq!(watch.clock_offset_ms(), None);
        }
        watch.committed(100_000, 92_000);
        assert_eq!(watch.clock_offset_ms(), Some(-7_000));
        watch.committed(100_000, 100_200);
        assert_eq!(watch.clock_offset_ms(), None);
    }
}
