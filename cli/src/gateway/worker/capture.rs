//! A capture: a document's events, then what its header says of products, places and parties.
//!
//! The journal remembers the events' transactions, the job those that state master data: after a kill at any step, what
//! was sent is known again by what the ledger proves of it, and nothing is recorded or stated twice.

use std::pin::pin;

use tokio_util::sync::CancellationToken;
use touchstone_client::capture::{
    CaptureError, EventOutcome, Journal, Original, SendLimits, Sender, journal,
};
use touchstone_client::master_data::{MasterDataStatement, SentStatement, StatementLog};
use touchstone_epcis::{EpcisError, MasterDataEntry};

use super::{Ended, Worker, later, plain};
use crate::capture::source::{self, CaptureInput};
use crate::failure::Failure;
use crate::gateway::jobs::{
    ErrorBehaviour, EventReport, Job, JobOutcome, Jobs, Reason, StatementReport, StatementResult,
};

/// Transactions under way at once.
const WINDOW: usize = 16;

pub(super) async fn capture(
    worker: &mut Worker,
    jobs: &Jobs,
    job: &Job,
    stop: &CancellationToken,
) -> Ended {
    let limit = worker.genesis.document.parameters.max_transaction_bytes;
    let bytes = match jobs.document(&job.id) {
        Ok(bytes) => bytes,
        Err(failure) => return later(failure),
    };
    let input = source::of_document(&job.id, &bytes, limit);
    let is_same = (input.events.len(), input.elements()) == (job.events, job.elements);
    if !is_same || !input.bad.is_empty() {
        return Ended::Failed(Failure::Usage(format!(
            "the document that is kept holds {} events, and {} came in: it was changed or damaged; \
             send it again",
            input.events.len(),
            job.events
        )));
    }
    let entries: Vec<_> = input
        .headers
        .iter()
        .flat_map(|h| h.entries.clone())
        .collect();
    let planned = tokio::select! {
        () = stop.cancelled() => return Ended::Stopped,
        planned = plan(worker, &entries) => planned,
    };
    let planned = match planned {
        Ok(planned) => planned,
        Err(failure) => return Ended::Later(failure),
    };
    let document = Document {
        jobs,
        job,
        entries: &entries,
    };
    // An element that is wrong in itself takes the events with it, where all or nothing was asked for; what was sent
    // before isn't taken back.
    if document.is_whole() && !document.is_begun() && !planned.is_sound() {
        (0..job.events)
            .for_each(|index| jobs.report(&job.id, plain(index, JobOutcome::RolledBack)));
        document.report(&planned, StatementResult::RolledBack);
        return Ended::Decided;
    }
    let ended = match job.events {
        0 => Ended::Decided,
        _ => send_events(worker, jobs, job, &input, stop).await,
    };
    match ended {
        Ended::Decided => {}
        Ended::Failed(failure) => {
            document.report(&planned, StatementResult::NotStated);
            return Ended::Failed(failure);
        }
        other => return other,
    }
    if document.is_whole() && !document.are_recorded() {
        document.report(&planned, StatementResult::RolledBack);
        return Ended::Decided;
    }
    tokio::select! {
        () = stop.cancelled() => Ended::Stopped,
        ended = state(worker, &document, planned) => ended,
    }
}

async fn plan(
    worker: &mut Worker,
    entries: &[Result<MasterDataEntry, EpcisError>],
) -> Result<MasterDataStatement, Failure> {
    let signer = worker.signer.clone();
    let client = worker.connection.client().await?;
    Ok(MasterDataStatement::plan(client, &signer, entries).await?)
}

/// A job, and what its document says in its header.
#[derive(Clone, Copy)]
struct Document<'a> {
    jobs: &'a Jobs,
    job: &'a Job,
    entries: &'a [Result<MasterDataEntry, EpcisError>],
}

impl Document<'_> {
    fn is_whole(&self) -> bool {
        self.job.behaviour == ErrorBehaviour::Rollback
    }

    /// Whether anything of it was signed already.
    fn is_begun(&self) -> bool {
        // A journal that can't be read is told of by whoever opens it.
        let journal = std::fs::read(self.jobs.journal(&self.job.id)).unwrap_or_default();
        journal::transactions(&journal) > 0 || !self.job.sent_statements.is_empty()
    }

    /// Whether each event is recorded, now or before.
    fn are_recorded(&self) -> bool {
        let reports = self.jobs.get(&self.job.id).map(|job| job.reports);
        let reports = reports.unwrap_or_default();
        let fine =
            |r: &EventReport| matches!(r.outcome, JobOutcome::Recorded | JobOutcome::Skipped);
        reports.len() == self.job.events && reports.values().all(fine)
    }

    /// Tells what is known of the elements, and of the others that they are this.
    fn report(&self, planned: &MasterDataStatement, others: StatementResult) {
        let decided = planned.decided();
        for (index, entry) in self.entries.iter().enumerate() {
            let report = match (decided.get(&index), entry) {
                (Some(element), _) => StatementReport::of(element),
                (None, Ok(entry)) => StatementReport::plain(&entry.place, &entry.id, others),
                (None, Err(error)) => StatementReport::plain(&error.path, "", others),
            };
            self.jobs.report_statement(&self.job.id, index, report);
        }
    }
}

/// What was sent to state master data stands in the job's file.
impl StatementLog for Document<'_> {
    fn keep(&mut self, sent: Vec<SentStatement>) -> Result<(), CaptureError> {
        let kept = self.jobs.keep_statements(&self.job.id, sent);
        kept.map_err(|failure| CaptureError::StatementLog(failure.to_string()))
    }

    fn sent(&self) -> Vec<SentStatement> {
        let job = self.jobs.get(&self.job.id);
        job.map_or_else(Vec::new, |job| job.sent_statements)
    }
}

/// States the elements of the organisation's prefixes.
async fn state(
    worker: &mut Worker,
    document: &Document<'_>,
    mut planned: MasterDataStatement,
) -> Ended {
    let mut log = *document;
    let signer = worker.signer.clone();
    let now_ms = worker.now_ms;
    let client = match worker.connection.client().await {
        Ok(client) => client,
        Err(failure) => return Ended::Later(failure),
    };
    let sent = planned.send(client, &signer, &mut log, now_ms).await;
    match sent {
        Ok(told) => {
            for (index, element) in &told {
                let report = StatementReport::of(element);
                document
                    .jobs
                    .report_statement(&document.job.id, *index, report);
            }
            Ended::Decided
        }
        Err(error) => match Failure::from(error) {
            // A rule about this gateway itself; what was stated before it is recorded.
            failure @ Failure::Refused { .. } => {
                document.report(&planned, StatementResult::NotStated);
                Ended::Failed(failure)
            }
            failure => Ended::Later(failure),
        },
    }
}

/// Records the events, in as many transactions as the job's behaviour has it.
async fn send_events(
    worker: &mut Worker,
    jobs: &Jobs,
    job: &Job,
    input: &CaptureInput,
    stop: &CancellationToken,
) -> Ended {
    let parameters = worker.genesis.document.parameters.clone();
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
