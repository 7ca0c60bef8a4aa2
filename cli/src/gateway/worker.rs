//! Captures jobs one after another, in the order in which they came. A job ends when each of its
//! events has an outcome, or when something that no waiting mends is in its way; whatever else
//! happens (the node is away, its pool is full, its answers aren't proven, a disk is full), it goes
//! on later.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;

use super::Gateway;
use super::jobs::{Behaviour, EventReport, Job, Jobs, Outcome, Reason};
use crate::capture::journal::Journal;
use crate::capture::sender::{EventOutcome, Limits, Original, Sender};
use crate::capture::source;
use crate::failure::Failure;

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

/// Works until `stopped` is true.
pub async fn run(gateway: &mut Gateway, jobs: &Jobs, mut stopped: watch::Receiver<bool>) {
    let mut pause = FIRST_PAUSE;
    loop {
        let job = tokio::select! {
            // An error means that nobody could stop it any more.
            _ = stopped.wait_for(|s| *s) => return,
            job = jobs.next() => job,
        };
        let kept = match capture(gateway, jobs, &job, stopped.clone()).await {
            Ended::Stopped => return,
            Ended::Decided => jobs.finish(&job.id, None, (gateway.now_ms)()),
            Ended::Failed(failure) => jobs.finish(&job.id, Some(&failure), (gateway.now_ms)()),
            Ended::Later(failure) => Err(failure),
        };
        match kept {
            Ok(()) => pause = FIRST_PAUSE,
            Err(failure) => {
                jobs.hold_up(&job.id, failure.to_string());
                tokio::select! {
                    _ = stopped.wait_for(|s| *s) => return,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

async fn capture(
    gateway: &mut Gateway,
    jobs: &Jobs,
    job: &Job,
    mut stopped: watch::Receiver<bool>,
) -> Ended {
    let parameters = gateway.client.trust().genesis().document.parameters.clone();
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
    let whole = job.behaviour == Behaviour::Rollback;
    let chain_id = *gateway.client.trust().chain_id();
    let organisation = &gateway.signer.organisation;
    let journal = Journal::open(&jobs.journal(&job.id), &chain_id, organisation);
    let (journal, history) = match journal {
        Ok(opened) => opened,
        Err(failure) => return later(failure),
    };
    let limits = Limits {
        batch: 1,
        bytes: parameters.max_transaction_bytes,
        window: WINDOW,
        duplicates: false,
        whole,
    };
    let planned = Sender::plan(
        &mut gateway.client,
        &gateway.signer,
        &input.events,
        journal,
        history,
        limits,
        gateway.now_ms,
    );
    let mut sender = match planned {
        Ok(sender) => sender,
        Err(failure) => return later(failure),
    };
    let stop = async {
        // An error means that nobody could stop it any more.
        let _ = stopped.wait_for(|s| *s).await;
    };
    let mut stop = pin!(stop);
    let ended = sender
        .run(stop.as_mut(), &mut |index, outcome| {
            jobs.report(&job.id, report(index, outcome));
        })
        .await;
    let failure = match ended {
        Ok(_) => return Ended::Decided,
        Err(failure) => failure,
    };
    match failure {
        Failure::Interrupted(_) => Ended::Stopped,
        // A rule about this gateway itself, and the refused transactions are proven to be nowhere.
        Failure::Refused { .. } => {
            for index in 0..job.events {
                if !sender.outcomes().contains_key(&index) {
                    jobs.report(&job.id, plain(index, Outcome::NotRecorded));
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
            ..plain(index, Outcome::Recorded)
        },
        EventOutcome::Refused(refusal) => EventReport {
            refusal: Some(Reason::of(index, refusal)),
            ..plain(index, Outcome::Refused)
        },
        EventOutcome::Duplicate(Original::Recorded {
            transaction,
            height,
        }) => EventReport {
            transaction: Some(hex::encode(transaction)),
            height: Some(*height),
            ..plain(index, Outcome::Skipped)
        },
        EventOutcome::Duplicate(Original::Input(_)) => plain(index, Outcome::Skipped),
        EventOutcome::RolledBack => plain(index, Outcome::RolledBack),
    }
}

fn plain(index: usize, outcome: Outcome) -> EventReport {
    EventReport {
        index,
        outcome,
        transaction: None,
        height: None,
        refusal: None,
    }
}
