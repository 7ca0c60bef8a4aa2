//! Time stamps of the chain by authorities outside the consortium (RFC 3161). Each authority has a
//! task of its own, which cuts the blocks that wait into a checkpoint, has it stamped, verifies the
//! token and keeps it. Consensus knows nothing of this room: an authority that is down or lies costs
//! its stamps and nothing else, and evidence files say that they have the chain's own time only.

mod ask;
pub mod http;
pub mod schedule;
pub mod settings;

use std::time::Duration;

use tokio::sync::watch;
use touchstone_core::Fault;
use touchstone_core::hash::Hash;

use crate::consensus_thread;
use crate::service::{FailedAnswers, Progress};
use crate::storage::rocks::{CheckpointWriter, StampedRange, StoreReader};
use ask::NoStamp;
use schedule::{Due, Schedule, WaitingRange};
use settings::Authority;

/// What the task works with.
#[derive(Clone)]
pub struct TimestampParts {
    /// The chain.
    pub chain_id: Hash,
    /// When to ask.
    pub schedule: Schedule,
    /// Committed blocks.
    pub reader: StoreReader,
    /// Keeps the stamps.
    pub writer: CheckpointWriter,
    /// Moves with every block.
    pub progress: watch::Receiver<Progress>,
    /// Counts damage that is met here.
    pub failed: FailedAnswers,
}

/// Has the chain's blocks stamped by one authority until the task is stopped. Whatever the store refuses costs stamps
/// and no block: a task that ends would end the node.
pub async fn run(authority: Authority, parts: TimestampParts) {
    Follower::new(authority, parts).follow().await;
}

struct Follower {
    authority: Authority,
    parts: TimestampParts,
    /// Blocks above the last stamped one and up to this height hold no transaction.
    empty_to: u64,
    standing: Standing,
}

/// How the authority stands, as the log has told it.
#[derive(Default)]
struct Standing {
    failures: u32,
    last: Option<NoStamp>,
}

impl Follower {
    fn new(authority: Authority, parts: TimestampParts) -> Follower {
        Follower {
            authority,
            parts,
            empty_to: 0,
            standing: Standing::default(),
        }
    }

    /// Goes on as long as the node does.
    async fn follow(mut self) {
        let mut faults: u32 = 0;
        loop {
            let Err(fault) = self.step().await else {
                faults = 0;
                continue;
            };
            faults = faults.saturating_add(1);
            let name = &self.authority.name;
            tracing::error!(authority = name, %fault, "time stamps wait for the store");
            self.parts.failed.count(&fault);
            tokio::time::sleep(self.parts.schedule.pause(faults)).await;
        }
    }

    /// Stamps what is due, or waits until something may be.
    async fn step(&mut self) -> Result<(), Fault> {
        let waiting = self.look().await?;
        match self
            .parts
            .schedule
            .due(&waiting, consensus_thread::now_ms())
        {
            Due::Now => {
                self.stamp(&waiting).await?;
                tokio::time::sleep(self.parts.schedule.pause(self.standing.failures)).await;
            }
            Due::InMs(ms) => {
                let pause = tokio::time::sleep(Duration::from_millis(ms));
                tokio::select! {
                    () = pause => {}
                    () = next_block(&mut self.parts.progress) => {}
                }
            }
            Due::WithBlocks => next_block(&mut self.parts.progress).await,
        }
        Ok(())
    }

    /// What waits for a stamp.
    async fn look(&mut self) -> Result<WaitingRange, Fault> {
        let reader = self.parts.reader.clone();
        let name = self.authority.name.clone();
        let empty_to = self.empty_to;
        let (waiting, empty_to) = on_a_thread(move || {
            let snapshot = reader.snapshot();
            let tip = snapshot.tip().height;
            let covered = snapshot.last_checkpoint(&name)?.map_or(0, |last| last.last);
            let from = covered.max(empty_to).saturating_add(1);
            let first = snapshot.first_transaction_from(from)?;
            let waiting = WaitingRange {
                covered,
                tip,
                since_ms: first.map(|(_, time_ms)| time_ms),
            };
            // The tip of another snapshot may be higher: what is there is looked at again.
            let empty_to = first.map_or(tip, |(height, _)| height.saturating_sub(1));
            Ok((waiting, empty_to))
        })
        .await?;
        self.empty_to = empty_to;
        Ok(waiting)
    }

    /// Has the next blocks stamped. That the authority fails is no fault of ours.
    async fn stamp(&mut self, waiting: &WaitingRange) -> Result<(), Fault> {
        let range = waiting.next_range();
        let (first, last) = (*range.start(), *range.end());
        let reader = self.parts.reader.clone();
        let headers = on_a_thread(move || reader.snapshot().headers(range)).await?;
        let checkpoint = ask::checkpoint(&self.parts.chain_id, &headers, &self.authority.name)?;
        match ask::stamp(&self.authority, &checkpoint).await {
            Ok(stamp) => {
                let stamped = StampedRange {
                    first,
                    last,
                    authority: self.authority.name.clone(),
                    token: stamp.token,
                    certificates: stamp.certificates,
                };
                let writer = self.parts.writer.clone();
                on_a_thread(move || writer.keep(&stamped)).await?;
                tracing::info!(
                    authority = self.authority.name,
                    first,
                    last,
                    time_ms = stamp.time_ms,
                    "blocks are time-stamped"
                );
                self.standing = Standing::default();
            }
            Err(reason) => self.standing.fails(&self.authority.name, reason),
        }
        Ok(())
    }
}

impl Standing {
    /// Notes a failure; the log hears of the first, and of each that is of another kind than the
    /// one before.
    fn fails(&mut self, authority: &str, reason: NoStamp) {
        self.failures = self.failures.saturating_add(1);
        let same = self.last.as_ref().is_some_and(|last| last.is_like(&reason));
        if same {
            tracing::debug!(authority, %reason, self.failures, "still no time stamp");
        } else {
            tracing::warn!(
                authority,
                %reason,
                "no time stamp; evidence of new records has the chain's time only until the \
                 authority answers, which is tried again"
            );
        }
        self.last = Some(reason);
    }
}

/// Waits until the node's progress moves.
async fn next_block(progress: &mut watch::Receiver<Progress>) {
    if progress.changed().await.is_err() {
        // The task that tells of progress has ended, and its supervisor will say so.
        std::future::pending().await
    }
}

/// Reads or writes the store off the network's threads.
async fn on_a_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Fault::Invariant(format!("reading for time stamps: {error}")))?
}

#[cfg(test)]
mod tests;
