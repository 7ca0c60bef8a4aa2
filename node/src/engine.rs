//! The consensus thread: one machine, its timers and its inbox. All that consensus does to the
//! disk happens here, so that nothing leaves before it is durable.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use touchstone_core::Fault;

use crate::consensus::{Input, Machine, Output, TimerToken};
use crate::storage::{Disk, Store};

/// Inputs that may wait. Consensus repeats what matters, so more is dropped.
const INBOX: usize = 4096;

/// Where inputs go.
#[derive(Clone)]
pub struct Inbox(SyncSender<Input>);

impl Inbox {
    /// Puts an input in; false if the inbox is full or the machine has stopped.
    pub fn put(&self, input: Input) -> bool {
        match self.0.try_send(input) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        }
    }
}

/// What the machine says, for the rest of the node.
#[derive(Debug)]
pub enum Report {
    /// What it wants done.
    Output(Output),
    /// Where it is, when that has changed.
    Position(Position),
}

/// Where the machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Height of the last block.
    pub height: u64,
    /// Round under way.
    pub round: u32,
    /// Whether this node votes at the next height.
    pub validator: bool,
    /// Whether peers are known to be ahead.
    pub syncing: bool,
    /// See [`crate::chain::Chain::consortium_changes`].
    pub consortium_changes: u64,
}

/// An inbox and its end.
pub fn inbox() -> (Inbox, Receiver<Input>) {
    let (sender, receiver) = std::sync::mpsc::sync_channel(INBOX);
    (Inbox(sender), receiver)
}

/// Milliseconds since 1970-01-01T00:00:00Z by this machine's clock.
pub fn now_ms() -> u64 {
    let elapsed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// Runs the machine until all inboxes are dropped or it fails. `first` are the outputs of opening it.
pub fn run<S: Store, D: Disk>(
    mut machine: Machine<S, D>,
    first: Vec<Output>,
    inputs: Receiver<Input>,
    reports: mpsc::Sender<Report>,
) -> Result<(), Fault> {
    let mut timers = Timers::default();
    let mut outputs = first;
    let mut reported = None;
    loop {
        for output in outputs.drain(..) {
            match output {
                Output::SetTimer { token, after_ms } => timers.set(token, after_ms),
                // An error means that the node is shutting down.
                output => drop(reports.blocking_send(Report::Output(output))),
            }
        }
        let position = Position {
            height: machine.chain().tip().height,
            round: machine.round().unwrap_or(0),
            validator: machine.is_validator(),
            syncing: machine.is_syncing(),
            consortium_changes: machine.chain().consortium_changes(),
        };
        if reported != Some(position) {
            reported = Some(position);
            if reports.blocking_send(Report::Position(position)).is_err() {
                return Ok(());
            }
        }
        let input = match timers.next(&inputs) {
            Some(input) => input,
            None => return Ok(()),
        };
        outputs = machine.handle(now_ms(), input)?;
    }
}

#[derive(Default)]
struct Timers {
    heap: BinaryHeap<Reverse<(Instant, u64)>>,
    tokens: std::collections::BTreeMap<u64, TimerToken>,
    count: u64,
}

impl Timers {
    fn set(&mut self, token: TimerToken, after_ms: u64) {
        self.count += 1;
        let due = Instant::now() + Duration::from_millis(after_ms);
        self.heap.push(Reverse((due, self.count)));
        self.tokens.insert(self.count, token);
    }

    /// The next input or due timer; none once all inboxes are dropped.
    fn next(&mut self, inputs: &Receiver<Input>) -> Option<Input> {
        loop {
            let Some(Reverse((due, number))) = self.heap.peek().copied() else {
                return inputs.recv().ok();
            };
            let wait = due.saturating_duration_since(Instant::now());
            // A due timer comes before any input: a flood of messages must not hold time up.
            if wait.is_zero() {
                self.heap.pop();
                if let Some(token) = self.tokens.remove(&number) {
                    return Some(Input::Timer(token));
                }
                continue;
            }
            match inputs.recv_timeout(wait) {
                Ok(input) => return Some(input),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
