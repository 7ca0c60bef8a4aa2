//! An act: one transaction, signed when it came in, sent with the same bytes until its outcome is proven.

use tokio_util::sync::CancellationToken;
use touchstone_client::ClientError;
use touchstone_client::capture::EventRefusal;
use touchstone_client::client::{
    ExpiredTransaction, RecordedTransaction, TransactionTraces, is_expiry,
};
use touchstone_core::transaction;
use touchstone_epcis::Event;
use touchstone_proto::ledger::transaction::Action;

use super::{Ended, Worker, later, plain};
use crate::failure::Failure;
use crate::gateway::jobs::{EventReport, Job, JobOutcome, Jobs, Reason, body_of};

/// Sends an act's transaction until its outcome is proven.
pub(super) async fn act(
    worker: &mut Worker,
    jobs: &Jobs,
    job: &Job,
    stop: &CancellationToken,
) -> Ended {
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
        let chain_id = &worker.genesis.chain_id;
        let old = transaction::id_of_envelope(chain_id, &envelope)?;
        let now_ms = (worker.now_ms)();
        match client
            .expired(&old, &envelope, traces(&envelope), now_ms)
            .await?
        {
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

/// What proves that a transaction is nowhere: the event logs of one thing that each of its events names; of an act
/// without events, the blocks themselves.
fn traces(envelope: &[u8]) -> TransactionTraces {
    let names = names(envelope).filter(|names| !names.is_empty());
    names.map_or(TransactionTraces::Blocks, TransactionTraces::Events)
}

fn names(envelope: &[u8]) -> Option<Vec<String>> {
    let Some(Action::CaptureEvents(capture)) = body_of(envelope).ok()?.action else {
        return None;
    };
    let first = |bytes: &Vec<u8>| {
        let event = Event::parse(bytes).ok()?;
        Some(event.items().first()?.as_str().to_owned())
    };
    capture.events.iter().map(first).collect()
}
