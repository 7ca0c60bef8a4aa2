//! Captures jobs one after another, in the order in which they came. A job ends when each of its
//! events has an outcome, or when something that no waiting mends is in its way; whatever else
//! happens (the node is away, its pool is full, its answers aren't proven, a disk is full), it goes
//! on later.

mod act;
mod capture;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use touchstone_client::Signer;
use touchstone_client::client::Client;
use touchstone_core::genesis::Genesis;

use self::act::act;
use self::capture::capture;
use super::http::describe;
use super::jobs::{EventReport, JobOutcome, Jobs};
use super::webhooks::Webhooks;
use crate::failure::Failure;
use crate::settings::Settings;

/// How long to wait before a node that didn't answer is asked again; then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// How an attempt at a job ends.
enum Ended {
    /// Each event has its outcome.
    Decided,
    /// It can't be done.
    Failed(Failure),
    /// It goes on later.
    Later(Failure),
    /// The gateway stops.
    Stopped,
}

/// The connection to the node, opened when it is needed.
pub struct NodeConnection {
    settings: Settings,
    client: Option<Client>,
}

impl NodeConnection {
    async fn client(&mut self) -> Result<&mut Client, Failure> {
        if self.client.is_none() {
            self.client = Some(self.settings.sending_client().await?);
        }
        self.client
            .as_mut()
            .ok_or_else(|| Failure::Unreachable("no connection".into()))
    }
}

/// What jobs are done with.
pub struct Worker {
    connection: NodeConnection,
    genesis: Arc<Genesis>,
    signer: Arc<Signer>,
    webhooks: Option<Webhooks>,
    now_ms: fn() -> u64,
}

impl Worker {
    /// Asks the node that these settings name.
    pub fn new(
        settings: Settings,
        genesis: Arc<Genesis>,
        signer: Arc<Signer>,
        webhooks: Option<Webhooks>,
        now_ms: fn() -> u64,
    ) -> Worker {
        let client = None;
        Worker {
            connection: NodeConnection { settings, client },
            genesis,
            signer,
            webhooks,
            now_ms,
        }
    }

    /// Works until `stop`.
    pub async fn run(&mut self, jobs: &Jobs, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let job = tokio::select! {
                () = stop.cancelled() => return,
                job = jobs.next() => job,
            };
            let ended = match &job.act {
                Some(_) => act(self, jobs, &job, &stop).await,
                None => capture(self, jobs, &job, &stop).await,
            };
            let kept = match ended {
                Ended::Stopped => return,
                Ended::Decided => self.finish(jobs, &job.id, None),
                Ended::Failed(failure) => self.finish(jobs, &job.id, Some(&failure)),
                Ended::Later(failure) => Err(failure),
            };
            match kept {
                Ok(()) => pause = FIRST_PAUSE,
                Err(failure) => {
                    let seconds = pause.as_secs();
                    tracing::warn!(job = job.id, %failure, seconds, "held up; tried again later");
                    jobs.hold_up(&job.id, failure.to_string());
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(pause) => {}
                    }
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Ends a job; the webhooks are told of it.
    fn finish(&self, jobs: &Jobs, id: &str, failure: Option<&Failure>) -> Result<(), Failure> {
        jobs.finish_with(id, failure, (self.now_ms)(), |job| {
            let success = job.success();
            let why = job.failure.as_deref().unwrap_or_default();
            tracing::info!(job = id, success, events = job.events, why, "a job ended");
            match &self.webhooks {
                Some(webhooks) => webhooks.keep("job.finished", id, describe(job)),
                None => Ok(()),
            }
        })?;
        if let Some(webhooks) = &self.webhooks {
            webhooks.send();
        }
        Ok(())
    }
}

/// What is wrong with a file in itself stays wrong; what the disk refuses now may pass later.
fn later(failure: Failure) -> Ended {
    match failure {
        Failure::Usage(_) => Ended::Failed(failure),
        failure => Ended::Later(failure),
    }
}

fn plain(index: usize, outcome: JobOutcome) -> EventReport {
    EventReport {
        index,
        outcome,
        transaction: None,
        height: None,
        refusal: None,
    }
}
