//! Captures jobs one after another, in the order in which they came. A job ends when each of its
//! events has an outcome, or when something that no waiting mends is in its way; whatever else
//! happens (the node is away, its pool is full, its answers aren't proven, a disk is full), it goes
//! on later.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use touchstone_client::{ClientError, Signer};
use touchstone_core::genesis::Genesis;
use touchstone_core::transaction;
use touchstone_epcis::Event;
use touchstone_proto::ledger::transaction::Action;

use super::http::describe;
use super::jobs::{ErrorBehaviour, EventReport, Job, JobOutcome, Jobs, Reason, body_of};
use super::webhooks::Webhooks;
use crate::capture::source;
use crate::failure::Failure;
use crate::settings::Settings;
use touchstone_client::capture::Journal;
use touchstone_client::capture::{EventOutcome, EventRefusal, Original, SendLimits, Sender};
use touchstone_client::client::{Client, ExpiredTransaction, RecordedTransaction, is_expiry};

/// Transactions under way at once.
const WINDOW: usize = 16;
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

/// Sends an act's transaction until its outcome is proven.
async fn act(worker: &mut Worker, jobs: &Jobs, job: &Job, stop: &CancellationToken) -> Ended {
    let envelope = match jobs.document(&job.id) {
        Ok(envelope) => envelope,
        Err(failure) => return later(failure),
    };
    let submitted = tokio::select! {
        () = stop.cancelled() => return Ended::Stopped,
        submitted = submit(worker, jobs, &job.id, envelope) => submitted,
    };
    let all = |report: &dyn Fn(usize) -> EventReport| {
        (0..job.events).for_each(|index| jobs.report(&job.id, report(index)));
    };
    match submitted {
        Ok(recorded) => {
            let height = recorded.attested.header.height;
            all(&|index| EventReport {
                transaction: Some(hex::encode(recorded.id)),
                height: Some(height),
                ..plain(index, JobOutcome::Recorded)
            });
            Ended::Decided
        }
        Err(Failure::Refused {
            code,
            rule,
            message,
            event: Some(culprit),
        }) => {
            let refusal = EventRefusal {
                code,
                rule,
                message,
            };
            all(&|index| match index == culprit as usize {
                true => EventReport {
                    refusal: Some(Reason::of(index, &refusal)),
                    ..plain(index, JobOutcome::Refused)
                },
                false => plain(index, JobOutcome::RolledBack),
            });
            Ended::Decided
        }
        Err(failure @ Failure::Refused { .. }) => {
            all(&|index| plain(index, JobOutcome::NotRecorded));
            Ended::Failed(failure)
        }
        Err(failure) => Ended::Later(failure),
    }
}

/// Submits an act. Where its lifetime is over (the gateway or its node was away for so long), it is signed afresh
/// once the old transaction is proven to be nowhere.
async fn submit(
    worker: &mut Worker,
    jobs: &Jobs,
    id: &str,
    mut envelope: Vec<u8>,
) -> Result<RecordedTransaction, Failure> {
    loop {
        let client = worker.connection.client().await?;
        let refused = match client.submit(envelope.clone()).await {
            Err(refused) if has_expired(&refused) => refused,
            submitted => return Ok(submitted?),
        };
        let Some(names) = names(&envelope) else {
            return Err(refused.into());
        };
        let chain_id = &worker.genesis.chain_id;
        let old = transaction::id_of_envelope(chain_id, &envelope)?;
        let now_ms = (worker.now_ms)();
        match client.expired(&old, &envelope, names, now_ms).await? {
            ExpiredTransaction::Recorded(recorded) => return Ok(*recorded),
            ExpiredTransaction::ClockIsBehind => return Err(refused.into()),
            ExpiredTransaction::Nowhere => {
                let old = hex::encode(old);
                tracing::info!(
                    job = id,
                    old,
                    "the act's transaction expired; signed afresh"
                );
                envelope = jobs.sign_afresh(id, &worker.signer, chain_id, now_ms)?;
            }
        }
    }
}

fn has_expired(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused { code, .. } if is_expiry(*code))
}

/// One thing that each event of a transaction names; none where it records no events, so that no event log
/// can prove that it is nowhere.
fn names(envelope: &[u8]) -> Option<Vec<String>> {
    let Some(Action::CaptureEvents(capture)) = body_of(envelope).ok()?.action else {
        return None;
    };
    let name = |bytes: &Vec<u8>| {
        Some(
            Event::parse(bytes)
                .ok()?
                .items()
                .first()?
                .as_str()
                .to_owned(),
        )
    };
    let names: Option<Vec<String>> = capture.events.iter().map(name).collect();
    names.filter(|names| !names.is_empty())
}

async fn capture(worker: &mut Worker, jobs: &Jobs, job: &Job, stop: &CancellationToken) -> Ended {
    let parameters = worker.genesis.document.parameters.clone();
    let bytes = match jobs.document(&job.id) {
        Ok(bytes) => bytes,
        Err(failure) => return later(failure),
    };
    let input = source::of_document(&job.id, &bytes, parameters.max_transaction_bytes);
    if input.events.len() != job.events || !input.bad.is_empty() {
        return Ended::Failed(Failure::Usage(format!(
            "the document that is kept holds {} events, and {} came in: it was changed or damaged; \
             send it again",
            input.events.len(),
            job.events
        )));
    }
    let whole = job.behaviour == ErrorBehaviour::Rollback;
    let client = tokio::select! {
        () = stop.cancelled() => return Ended::Stopped,
        client = worker.connection.client() => client,
    };
    let client = match client {
        Ok(client) => client,
        Err(failure) => return Ended::Later(failure),
    };
    let organisation = &worker.signer.organisation;
    let chain_id = &worker.genesis.chain_id;
    let journal = Journal::open(&jobs.journal(&job.id), chain_id, organisation);
    let (journal, history) = match journal {
        Ok(opened) => opened,
        Err(error) => return later(error.into()),
    };
    let limits = SendLimits {
        batch: 1,
        bytes: parameters.max_transaction_bytes,
        window: WINDOW,
        duplicates: false,
        whole,
    };
    let planned = Sender::plan(
        client,
        &worker.signer,
        &input.events,
        journal,
        history,
        limits,
        worker.now_ms,
    );
    let mut sender = match planned {
        Ok(sender) => sender,
        Err(error) => return later(error.into()),
    };
    let mut stopped = pin!(stop.cancelled());
    let ended = sender
        .run(stopped.as_mut(), &mut |index, outcome| {
            jobs.report(&job.id, report(index, outcome));
        })
        .await;
    let failure = match ended {
        Ok(_) => return Ended::Decided,
        Err(error) => Failure::from(error),
    };
    match failure {
        Failure::Interrupted(_) => Ended::Stopped,
        // A rule about this gateway itself, and the refused transactions are proven to be nowhere.
        Failure::Refused { .. } => {
            for index in 0..job.events {
                if !sender.outcomes().contains_key(&index) {
                    jobs.report(&job.id, plain(index, JobOutcome::NotRecorded));
                }
            }
            Ended::Failed(failure)
        }
        // All is decided, and something about it is to be told.
        failure if sender.undecided() == 0 => Ended::Failed(failure),
        failure => Ended::Later(failure),
    }
}

/// What is wrong with a file in itself stays wrong; what the disk refuses now may pass later.
fn later(failure: Failure) -> Ended {
    match failure {
        Failure::Usage(_) => Ended::Failed(failure),
        failure => Ended::Later(failure),
    }
}

fn report(index: usize, outcome: &EventOutcome) -> EventReport {
    match outcome {
        EventOutcome::Recorded {
            transaction,
            height,
            ..
        } => EventReport {
            transaction: Some(hex::encode(transaction)),
            height: Some(*height),
            ..plain(index, JobOutcome::Recorded)
        },
        EventOutcome::Refused(refusal) => EventReport {
            refusal: Some(Reason::of(index, refusal)),
            ..plain(index, JobOutcome::Refused)
        },
        EventOutcome::Duplicate(Original::Recorded {
            transaction,
            height,
        }) => EventReport {
            transaction: Some(hex::encode(transaction)),
            height: Some(*height),
            ..plain(index, JobOutcome::Skipped)
        },
        EventOutcome::Duplicate(Original::Input(_)) => plain(index, JobOutcome::Skipped),
        EventOutcome::RolledBack => plain(index, JobOutcome::RolledBack),
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
