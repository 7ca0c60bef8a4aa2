//! Captures jobs one after another, in the order in which they came.

use std::pin::pin;
use std::time::Duration;

use tokio::sync::watch;

use super::Gateway;
use super::jobs::{Behaviour, EventReport, Job, Jobs, Outcome, Reason};
use crate::capture::journal::Journal;
use crate::capture::sender::{EventOutcome, Limits, Original, Sender};
use crate::capture::source::{self, SourceEvent};
use crate::failure::Failure;

/// Transactions under way at once.
const WINDOW: usize = 16;
/// How long to wait before a node that didn't answer is asked again; then twice as long, and so on.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Works until `stopped` is true. Fails only where its own files fail.
pub async fn run(
    gateway: &mut Gateway,
    jobs: &Jobs,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let mut pause = FIRST_PAUSE;
    loop {
        let job = tokio::select! {
            // An error means that nobody could stop it any more.
            _ = stopped.wait_for(|s| *s) => return Ok(()),
            job = jobs.next() => job,
        };
        match capture(gateway, jobs, &job, stopped.clone()).await {
            Ok(()) => {
                jobs.finish(&job.id, None, (gateway.now_ms)())?;
                pause = FIRST_PAUSE;
            }
            Err(Failure::Interrupted(_)) => return Ok(()),
            Err(Failure::Unreachable(_)) => {
                tokio::select! {
                    _ = stopped.wait_for(|s| *s) => return Ok(()),
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(failure) => {
                let why = failure.to_string();
                jobs.finish(&job.id, Some(why), (gateway.now_ms)())?;
                pause = FIRST_PAUSE;
            }
        }
    }
}

async fn capture(
    gateway: &mut Gateway,
    jobs: &Jobs,
    job: &Job,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let parameters = gateway.client.trust().genesis().document.parameters.clone();
    let bytes = jobs.document(&job.id)?;
    let input = source::of_document(&job.id, &bytes, parameters.max_transaction_bytes);
    let whole = job.behaviour == Behaviour::Rollback;
    if whole && input.events.iter().any(|e| e.wrong.is_some()) {
        refuse_whole(jobs, &job.id, &input.events);
        return Ok(());
    }
    let chain_id = *gateway.client.trust().chain_id();
    let organisation = &gateway.signer.organisation;
    let (journal, history) = Journal::open(&jobs.journal(&job.id), &chain_id, organisation)?;
    let limits = Limits {
        batch: if whole { input.events.len().max(1) } else { 1 },
        bytes: parameters.max_transaction_bytes,
        window: WINDOW,
        duplicates: false,
        whole,
    };
    let mut sender = Sender::plan(
        &mut gateway.client,
        &gateway.signer,
        &input.events,
        journal,
        history,
        limits,
        gateway.now_ms,
    )?;
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
    let refused = sender.outcomes().values();
    let refused = refused.filter(|o| matches!(o, EventOutcome::Refused(_)));
    if ended.is_ok() && whole && refused.count() > 0 {
        for index in 0..input.events.len() {
            if !sender.outcomes().contains_key(&index) {
                jobs.report(&job.id, plain(index, Outcome::RolledBack));
            }
        }
    }
    ended
}

/// One event is wrong in itself, so none is sent.
fn refuse_whole(jobs: &Jobs, id: &str, events: &[SourceEvent]) {
    for (index, event) in events.iter().enumerate() {
        let report = match &event.wrong {
            None => plain(index, Outcome::RolledBack),
            Some(refusal) => EventReport {
                refusal: Some(Reason::of(index, refusal)),
                ..plain(index, Outcome::Refused)
            },
        };
        jobs.report(id, report);
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
