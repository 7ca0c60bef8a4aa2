//! The consensus thread: one machine, its timers and its inbox. All that consensus does to the
//! disk happens here, so that nothing leaves before it is durable.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;
use touchstone_core::Fault;

use crate::consensus::{Input, Machine, Output, Silence, TimerToken};
use crate::network::QueueCharge;
use crate::storage::{Disk, Store};

/// How long a height's first round may last before those who aren't heard are named: longer than any that goes well.
const LONG_ROUND: Duration = Duration::from_secs(10);

/// Where inputs go. It has no bound of its own: peers' inputs stand on their accounts until the
/// machine takes them, so that one that floods crowds nobody out; word of transactions waits
/// once; and blocks only come where the machine has asked for them.
#[derive(Clone)]
pub struct Inbox {
    sender: Sender<Waiting>,
    has_transactions: Arc<AtomicBool>,
}

/// An input that waits.
enum Waiting {
    /// On somebody's account, where it came from a peer.
    Input(Input, Option<QueueCharge>),
    /// The pool has grown.
    Transactions,
}

impl Inbox {
    /// Puts an input in that a peer is charged for until the machine takes it.
    pub fn put_charged(&self, input: Input, charge: QueueCharge) {
        self.send(Waiting::Input(input, Some(charge)));
    }

    /// Puts an input in that this node asked for.
    pub fn put(&self, input: Input) {
        self.send(Waiting::Input(input, None));
    }

    /// Says that the pool has grown.
    pub fn put_transactions(&self) {
        if !self.has_transactions.swap(true, Ordering::AcqRel) {
            self.send(Waiting::Transactions);
        }
    }

    fn send(&self, waiting: Waiting) {
        // An error means that the machine has stopped.
        let _ = self.sender.send(waiting);
    }
}

/// The machine's end of its inbox.
pub struct Inputs {
    receiver: Receiver<Waiting>,
    has_transactions: Arc<AtomicBool>,
}

impl Inputs {
    /// The next input; waits no longer than `wait` if there is one.
    pub fn next(&self, wait: Option<Duration>) -> Result<Input, RecvTimeoutError> {
        let waiting = match wait {
            Some(wait) => self.receiver.recv_timeout(wait)?,
            None => self
                .receiver
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected)?,
        };
        Ok(match waiting {
            Waiting::Input(input, charge) => {
                drop(charge);
                input
            }
            Waiting::Transactions => {
                // Before the machine looks at the pool: what comes from now on is a new word.
                self.has_transactions.store(false, Ordering::Release);
                Input::Transactions
            }
        })
    }
}

/// What the machine says, for the rest of the node.
#[derive(Debug)]
pub enum ConsensusReport {
    /// What it wants done.
    Output(Output),
    /// Where it is, when that has changed.
    Position(Position),
}

/// Where the machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// Height of the last block.
    pub height: u64,
    /// Round under way.
    pub round: u32,
    /// Whether this node votes at the next height.
    pub validator: bool,
    /// See [`Machine::voting_key`].
    pub voting_key: Option<[u8; 32]>,
    /// Whether peers are known to be ahead.
    pub syncing: bool,
    /// See [`crate::chain::Chain::consortium_changes`].
    pub consortium_changes: u64,
    /// Why the validator signs nothing.
    pub silence: Option<Silence>,
    /// See [`Machine::unheard`]; empty while a height's first round is short.
    pub unheard: Vec<String>,
}

/// An inbox and its end.
pub fn inbox() -> (Inbox, Inputs) {
    let (sender, receiver) = std::sync::mpsc::channel();
    let has_transactions = Arc::new(AtomicBool::new(false));
    let inbox = Inbox {
        sender,
        has_transactions: has_transactions.clone(),
    };
    let inputs = Inputs {
        receiver,
        has_transactions,
    };
    (inbox, inputs)
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
    inputs: Inputs,
    reports: mpsc::Sender<ConsensusReport>,
) -> Result<(), Fault> {
    let mut timers = Timers::default();
    let mut outputs = first;
    let mut reported = None;
    // The height under way, and since when.
    let (mut height, mut height_began) = (None, Instant::now());
    loop {
        for output in outputs.drain(..) {
            match output {
                Output::SetTimer { token, after_ms } => timers.set(token, after_ms),
                // An error means that the node is shutting down.
                output => drop(reports.blocking_send(ConsensusReport::Output(output))),
            }
        }
        let round = machine.round().unwrap_or(0);
        if height != machine.round().map(|_| machine.height()) {
            height = machine.round().map(|_| machine.height());
            height_began = Instant::now();
        }
        let position = Position {
            height: machine.chain().tip().height,
            round,
            validator: machine.is_validator(),
            voting_key: machine.voting_key(),
            syncing: machine.is_syncing(),
            consortium_changes: machine.chain().consortium_changes(),
            silence: machine.silence(),
            unheard: unheard(&machine, height_began.elapsed()),
        };
        if reported.as_ref() != Some(&position) {
            reported = Some(position.clone());
            if reports
                .blocking_send(ConsensusReport::Position(position))
                .is_err()
            {
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

/// Who isn't heard at a height that lasts. Where a third of the voting power is gone, its first round never ends.
fn unheard<S: Store, D: Disk>(machine: &Machine<S, D>, lasted: Duration) -> Vec<String> {
    match machine.round() {
        Some(0) if lasted < LONG_ROUND => Vec::new(),
        Some(_) => machine.unheard(),
        None => Vec::new(),
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
    fn next(&mut self, inputs: &Inputs) -> Option<Input> {
        loop {
            let Some(Reverse((due, number))) = self.heap.peek().copied() else {
                return inputs.next(None).ok();
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
            match inputs.next(Some(wait)) {
                Ok(input) => return Some(input),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consensus::tests::Net;

    #[test]
    fn who_is_missing_is_named_though_the_first_round_never_ends() {
        let mut net = Net::new(4);
        net.crash(2);
        net.crash(3);
        net.submit(1);
        net.run(120_000);
        assert_eq!(net.machine(0).round(), Some(0));
        let missing = |net: &mut Net, lasted| unheard(net.machine(0), lasted);
        assert_eq!(missing(&mut net, LONG_ROUND), ["maker", "maker"]);
        // A round that goes as it should is no news.
        let nothing: [&str; 0] = [];
        assert_eq!(missing(&mut net, Duration::ZERO), nothing);
    }

    fn take(inputs: &Inputs) -> Result<Input, RecvTimeoutError> {
        inputs.next(Some(Duration::ZERO))
    }

    #[test]
    fn a_message_stays_on_its_senders_account_until_the_machine_takes_it() {
        let (inbox, inputs) = inbox();
        let (charge, is_booked) = QueueCharge::watched();
        let message = Input::Message {
            from: vec![1],
            bytes: vec![0; 100],
        };
        inbox.put_charged(message, charge);
        assert!(is_booked());
        assert!(matches!(take(&inputs), Ok(Input::Message { .. })));
        assert!(!is_booked());
    }

    #[test]
    fn word_of_transactions_waits_once() {
        let (inbox, inputs) = inbox();
        for _ in 0..3 {
            inbox.put_transactions();
        }
        assert!(matches!(take(&inputs), Ok(Input::Transactions)));
        assert!(take(&inputs).is_err());
        inbox.put_transactions();
        assert!(matches!(take(&inputs), Ok(Input::Transactions)));
    }
}
