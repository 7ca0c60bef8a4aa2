//! How much the service does at once. What reads the store or verifies signatures runs on threads
//! of its own, a few at a time and with a bounded queue; streams have a number of seats. What finds
//! no place is told so at once, and the node's own work goes on.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;

/// Calls that may wait for a thread.
const WAITING: usize = 4096;
/// Subscriptions to blocks at once.
const SUBSCRIPTIONS: usize = 256;
/// Traces at once.
const TRACES: usize = 16;
/// Streams of submissions at once.
const SUBMISSIONS: usize = 256;

/// All limits of one service.
pub struct Gates {
    /// Reading the store, and proving what is read.
    pub reads: Gate,
    /// Verifying what is submitted.
    pub admissions: Gate,
    /// Followers of blocks.
    pub subscriptions: Seats,
    /// Streams of submissions.
    pub submissions: Seats,
    /// Traces.
    pub traces: Seats,
    /// Their walks, which may be long: apart from the reads, so that no question waits behind one.
    pub walks: Gate,
}

/// Work on threads, bounded in how much runs and how much waits.
pub struct Gate {
    running: Arc<Semaphore>,
    waiting: Semaphore,
    limit: usize,
}

/// Streams, bounded in number; a seat is free again when its permit is dropped.
pub struct Seats {
    what: &'static str,
    seats: Arc<Semaphore>,
    limit: usize,
}

impl Default for Gates {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(2, |n| n.get());
        Gates {
            // A read may wait for the disk; a signature never does.
            reads: Gate::new(2 * cores, WAITING),
            admissions: Gate::new(cores, WAITING),
            subscriptions: Seats::new("subscriptions to blocks", SUBSCRIPTIONS),
            submissions: Seats::new("streams of submissions", SUBMISSIONS),
            traces: Seats::new("traces", TRACES),
            walks: Gate::new(cores, TRACES),
        }
    }
}

impl Gate {
    /// So many run, and so many more may wait.
    pub fn new(running: usize, waiting: usize) -> Gate {
        Gate {
            running: Arc::new(Semaphore::new(running)),
            waiting: Semaphore::new(waiting),
            limit: waiting,
        }
    }

    /// Runs a call's work; `resource-exhausted` where too many wait already.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        let waiting = self.waiting.try_acquire().map_err(|_| {
            Status::resource_exhausted(format!(
                "{} calls wait already, the most that may; try again in a moment",
                self.limit
            ))
        })?;
        let running = self.turn().await?;
        drop(waiting);
        on_a_thread(running, work).await
    }

    /// Runs the work of a stream, whose own number is limited: it waits for its turn.
    pub async fn run_in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Status> + Send + 'static,
    ) -> Result<T, Status> {
        let running = self.turn().await?;
        on_a_thread(running, work).await
    }

    /// How many could run at once now.
    #[cfg(test)]
    pub fn free(&self) -> usize {
        self.running.available_permits()
    }

    async fn turn(&self) -> Result<OwnedSemaphorePermit, Status> {
        let turn = self.running.clone().acquire_owned().await;
        turn.map_err(|_| Status::unavailable("the node is shutting down"))
    }
}

/// The permit goes with the work: a call that is given up still runs until its thread is done.
async fn on_a_thread<T: Send + 'static>(
    running: OwnedSemaphorePermit,
    work: impl FnOnce() -> Result<T, Status> + Send + 'static,
) -> Result<T, Status> {
    let done = tokio::task::spawn_blocking(move || {
        let _running = running;
        work()
    });
    done.await
        .map_err(|_| Status::internal("the call failed"))?
}

impl Seats {
    /// So many at once.
    pub fn new(what: &'static str, limit: usize) -> Seats {
        Seats {
            what,
            seats: Arc::new(Semaphore::new(limit)),
            limit,
        }
    }

    /// Free seats.
    #[cfg(test)]
    pub fn free(&self) -> usize {
        self.seats.available_permits()
    }

    /// A seat, or `resource-exhausted` with the limit.
    pub fn take(&self) -> Result<OwnedSemaphorePermit, Status> {
        self.seats.clone().try_acquire_owned().map_err(|_| {
            Status::resource_exhausted(format!(
                "this node serves {} {} at once, and all are taken",
                self.limit, self.what
            ))
        })
    }
}
