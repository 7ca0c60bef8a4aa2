//! How much the service does at once. What reads the store or verifies signatures runs on threads of its own, a
//! few at a time; what waits for one has its turn by the time that its address and its connection have had, so that a
//! client that asks much waits for itself. Where nobody waits, what is small and in memory is read on the network's
//! thread that asks. What may read long has a queue and threads of its own, which run when
//! nothing else wants their core. Streams have places. The work of a client that has gone isn't begun, and ends early
//! where it is long.

mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use touchstone_core::Fault;
use touchstone_edge::connection_slots::{ConnectionSlot, ConnectionSlots};
use touchstone_edge::{Caller, background};

use self::turns::Turns;
use super::error::ServiceError;

/// Calls that may wait for a thread, in total and of one connection.
const WAITING: usize = 4096;
const WAITING_PER_CONNECTION: usize = 256;
/// Subscriptions to blocks at once, in total and of one address.
const SUBSCRIPTIONS: (usize, usize) = (256, 128);
/// Streams of submissions at once, in total and of one address.
const SUBMISSIONS: (usize, usize) = (256, 128);
/// Streams of questions at once, in total and of one address.
const QUESTIONS: (usize, usize) = (256, 128);
/// Traces at once, in total and of one address.
const TRACES: (usize, usize) = (16, 8);

/// All limits of one service.
pub struct ServiceLimits {
    /// Reading the store, and proving what is read.
    pub reads: WorkQueue,
    /// Verifying what is submitted.
    pub admissions: WorkQueue,
    /// What may read long, so that no question waits behind it: pages of events and of what events name, whole blocks,
    /// comparisons of pictures, searches for regions, evidence files, and the walks of traces.
    pub long_reads: WorkQueue,
    /// Followers of blocks.
    pub subscriptions: StreamPermits,
    /// Streams of submissions.
    pub submissions: StreamPermits,
    /// Streams of questions about items.
    pub questions: StreamPermits,
    /// Traces.
    pub traces: StreamPermits,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        let cores = cores();
        ServiceLimits {
            // A read may wait for the disk; a signature never does.
            reads: WorkQueue::new(2 * cores, WAITING),
            admissions: WorkQueue::new(cores, WAITING),
            // One core stays for others, where there are two.
            long_reads: WorkQueue::in_background((cores / 2).max(1), WAITING),
            subscriptions: StreamPermits::new("subscriptions to blocks", SUBSCRIPTIONS),
            submissions: StreamPermits::new("streams of submissions", SUBMISSIONS),
            questions: StreamPermits::new("streams of questions", QUESTIONS),
            traces: StreamPermits::new("traces", TRACES),
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get())
}

/// Work on threads, bounded in how much runs and how much waits.
#[derive(Clone)]
pub struct WorkQueue {
    shared: Arc<Queue>,
}

struct Queue {
    /// Whether its work runs when nothing else wants the core.
    in_background: bool,
    limit: usize,
    /// How many may run on the threads that ask.
    here_limit: usize,
    waiting_limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: usize,
    /// Of them on the threads that ask.
    here: usize,
    turns: Turns<oneshot::Sender<Turn>>,
}

/// Leave to run; dropped, the next one has it.
struct Turn {
    queue: Option<Arc<Queue>>,
    client: Caller,
    began: Option<Instant>,
    is_here: bool,
}

/// Whether the client of some work has gone.
#[derive(Clone, Debug, Default)]
pub struct Cancelled(Arc<AtomicBool>);

impl Cancelled {
    /// An error once the client has gone.
    pub fn check(&self) -> Result<(), ServiceError> {
        match self.is_set() {
            true => Err(ServiceError::Cancelled),
            false => Ok(()),
        }
    }

    /// The same, for what knows faults alone: whoever asked looks at [`Self::is_set`] first.
    pub fn check_as_fault(&self) -> Result<(), Fault> {
        match self.is_set() {
            true => Err(Fault::Invariant("the client has gone".into())),
            false => Ok(()),
        }
    }

    /// Whether it has.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Says that the client has gone when it is dropped.
struct CancelOnDrop(Cancelled);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

impl WorkQueue {
    /// So many run, and so many more may wait.
    pub fn new(running: usize, waiting: usize) -> WorkQueue {
        WorkQueue::with(running, waiting, false)
    }

    /// The same for work that takes no time from anything else.
    pub fn in_background(running: usize, waiting: usize) -> WorkQueue {
        WorkQueue::with(running, waiting, true)
    }

    fn with(running: usize, waiting: usize, in_background: bool) -> WorkQueue {
        WorkQueue {
            shared: Arc::new(Queue {
                in_background,
                limit: running,
                here_limit: cores().saturating_sub(1).max(1),
                waiting_limit: waiting,
                state: Mutex::default(),
            }),
        }
    }

    /// Runs a client's work when its turn comes. Given up, it isn't begun any more, or is told so.
    pub async fn run<T: Send + 'static>(
        &self,
        client: Caller,
        work: impl FnOnce(&Cancelled) -> Result<T, ServiceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let turn = match self.shared.enter(client)? {
            Ok(turn) => turn,
            Err(coming) => coming.await.map_err(|_| ServiceError::Stopping)?,
        };
        let cancelled = Cancelled::default();
        let _guard = CancelOnDrop(cancelled.clone());
        // The turn goes with the work: what is given up still runs until its thread is done.
        let work = move || {
            let mut turn = turn;
            turn.began = Some(Instant::now());
            cancelled.check()?;
            work(&cancelled)
        };
        if self.shared.in_background {
            return run_in_background(work).await;
        }
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done,
            Err(error) if error.is_panic() => Err(panicked()),
            Err(_) => Err(ServiceError::Stopping),
        }
    }

    /// Runs short work on the thread that asks, which spares two changes of threads; none where somebody waits for a
    /// turn, or where all network's threads but one do such work: it has to be asked for by [`Self::run`] then.
    pub fn run_here<T>(
        &self,
        client: Caller,
        work: impl FnOnce() -> Result<T, ServiceError>,
    ) -> Option<Result<T, ServiceError>> {
        let turn = self.shared.enter_here(client)?;
        // As on a thread of its own, it ends alone.
        let done = catch_unwind(AssertUnwindSafe(work));
        drop(turn);
        Some(done.unwrap_or_else(|_| Err(panicked())))
    }

    /// How many could run at once now.
    #[cfg(test)]
    pub fn free(&self) -> usize {
        self.shared.limit - self.shared.lock().running
    }
}

/// Runs work on a thread of its own: a thread that has given way doesn't get its rank back.
async fn run_in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    let (done, outcome) = oneshot::channel();
    let thread = std::thread::Builder::new().name("long read".into());
    let started = thread.spawn(move || {
        background::give_way();
        // An error means that nobody waits for it any more.
        let _ = done.send(work());
    });
    match started {
        Ok(_) => outcome.await.unwrap_or_else(|_| Err(panicked())),
        Err(error) => Err(ServiceError::Busy(format!(
            "the system gives no thread ({error}); try again in a moment"
        ))),
    }
}

fn panicked() -> ServiceError {
    ServiceError::Fault(Fault::Invariant("a question made its thread panic".into()))
}

impl Queue {
    /// A turn now, or word of it later.
    #[allow(clippy::type_complexity, reason = "one caller, two lines below")]
    fn enter(
        self: &Arc<Self>,
        client: Caller,
    ) -> Result<Result<Turn, oneshot::Receiver<Turn>>, ServiceError> {
        let mut state = self.lock();
        if state.running < self.limit {
            state.running += 1;
            state.turns.begin(client);
            return Ok(Ok(Turn {
                queue: Some(self.clone()),
                client,
                began: None,
                is_here: false,
            }));
        }
        if state.turns.len() >= self.waiting_limit {
            return Err(ServiceError::Busy(format!(
                "{} calls wait already, the most that may; try again in a moment",
                self.waiting_limit
            )));
        }
        if state.turns.of(client) >= WAITING_PER_CONNECTION {
            return Err(ServiceError::Busy(format!(
                "{WAITING_PER_CONNECTION} calls of this connection wait already, the most that may"
            )));
        }
        let (turn, coming) = oneshot::channel();
        state.turns.push(client, turn);
        Ok(Err(coming))
    }

    /// A turn on the thread that asks, now or not at all.
    fn enter_here(self: &Arc<Self>, client: Caller) -> Option<Turn> {
        let mut state = self.lock();
        let is_free = state.running < self.limit && state.here < self.here_limit;
        if !is_free || state.turns.len() > 0 {
            return None;
        }
        state.running += 1;
        state.here += 1;
        state.turns.begin(client);
        Some(Turn {
            queue: Some(self.clone()),
            client,
            began: Some(Instant::now()),
            is_here: true,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Counts are whole between any two calls.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(queue) = self.queue.take() else {
            return;
        };
        let took = self.began.map_or(Duration::ZERO, |began| began.elapsed());
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let mut done = (self.client, took_us);
        let mut here = usize::from(self.is_here);
        loop {
            let mut state = queue.lock();
            state.here -= std::mem::take(&mut here);
            state.turns.end(done.0, done.1);
            let Some((client, next)) = state.turns.pop() else {
                state.running -= 1;
                return;
            };
            drop(state);
            let turn = Turn {
                queue: Some(queue.clone()),
                client,
                began: None,
                is_here: false,
            };
            // Whoever has gone leaves its turn to the next one.
            match next.send(turn) {
                Ok(()) => return,
                Err(mut refused) => drop(refused.queue.take()),
            }
            done = (client, 0);
        }
    }
}

/// Streams, bounded in number. Where no place is left, the one that was silent longest gives way, of the address
/// that has most.
pub struct StreamPermits {
    what: &'static str,
    places: Arc<ConnectionSlots>,
}

/// A stream's place; dropped, it is free again.
pub struct StreamPermit(ConnectionSlot);

impl StreamPermits {
    /// So many in total, and of one address.
    pub fn new(what: &'static str, (limit, per_address): (usize, usize)) -> StreamPermits {
        StreamPermits {
            what,
            places: ConnectionSlots::new(limit, per_address),
        }
    }

    /// A place for a client's stream.
    pub fn take(&self, client: Caller) -> Result<StreamPermit, ServiceError> {
        let closing = CancellationToken::new();
        let taken = self
            .places
            .take(client.address, Instant::now(), None, closing);
        taken
            .map(StreamPermit)
            .map_err(|full| ServiceError::Busy(format!("{}: {full}", self.what)))
    }

    /// How many are taken.
    #[cfg(test)]
    pub fn taken(&self) -> usize {
        self.places.taken()
    }
}

impl StreamPermit {
    /// Something was said on the stream, so that it has the longest time again.
    pub fn spoke(&self) {
        self.0.spoke(Instant::now(), None);
    }

    /// The node owes the stream something: it doesn't give way.
    pub fn owes(&self) {
        self.0.works();
    }

    /// Resolves when the stream has to end, because it gave way or because nothing was said for `patience`.
    pub async fn ended(&self, patience: Duration) {
        // Nothing said in time is as good as displaced.
        let _ = tokio::time::timeout(patience, self.0.closed()).await;
    }

    /// What a stream hears that gave way though the node owed it something.
    pub fn gave_way() -> ServiceError {
        let words =
            "this stream gave way to an address that has fewer; begin another one in a moment";
        ServiceError::Busy(words.into())
    }

    /// Resolves when the stream gives way.
    pub async fn displaced(&self) {
        self.0.closed().await;
    }
}

#[cfg(test)]
mod tests;
