//! Sending transactions in order through a bounded window.
//!
//! Validators take turns at making blocks and gossip in any order, so two transactions that are
//! under way at once may be recorded either way round. Therefore only transactions that name
//! nothing in common are under way together; the next one waits where it does.

mod duplicates;
mod expiry;
mod plan;
mod progress;
mod refusals;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures::channel::mpsc;
use tokio::time::Instant;
use touchstone_core::hash::Hash;
use touchstone_core::{Rejection, transaction};
use touchstone_proto::ledger::{self, CaptureEvents, transaction::Action};
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{SubmitRequest, TransactionStatus};

use self::duplicates::SeenEvents;
use self::progress::{Batch, SendProgress};
use super::error::CaptureError;
use super::event::{EventRefusal, SourceEvent};
use super::journal::Journal;
use crate::client::{Client, RecordedTransaction, Signer, TransactionOutcome, is_expiry};
use crate::connection::within;
use crate::error::ClientError;

pub use self::progress::Decided;

/// How long to wait before a node that didn't answer is asked again; then twice as long, and so on.
/// A run gives up once nothing went on for as long as two answers may take.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What became of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventOutcome {
    /// Proven to be in the ledger.
    Recorded {
        /// The transaction that holds it.
        transaction: Hash,
        /// Height of the block.
        height: u64,
        /// Time of the block, milliseconds.
        time_ms: u64,
    },
    /// Refused.
    Refused(EventRefusal),
    /// Left out: the same bytes are recorded.
    Duplicate(Original),
    /// Left out: another event of its transaction is refused, and all or none are recorded.
    RolledBack,
}

/// Where the bytes of a duplicate stand already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Original {
    /// In the ledger, by the same organisation.
    Recorded {
        /// The transaction that holds them.
        transaction: Hash,
        /// Height of its block.
        height: u64,
    },
    /// Elsewhere in the input, at this index, and recorded.
    Input(usize),
}

/// Limits of a run.
#[derive(Clone, Copy, Debug)]
pub struct SendLimits {
    /// Events of a transaction.
    pub batch: usize,
    /// Bytes of a transaction.
    pub bytes: u64,
    /// Transactions under way.
    pub window: usize,
    /// Record again what is recorded.
    pub duplicates: bool,
    /// Everything is one transaction, whatever the other limits say: where an event of it is
    /// refused, the others are rolled back.
    pub whole: bool,
}

/// A run.
pub struct Sender<'a> {
    client: &'a mut Client,
    signer: &'a Signer,
    events: &'a [SourceEvent],
    journal: Journal,
    limits: SendLimits,
    progress: SendProgress,
    /// Transactions that a node said it refuses, and their events.
    rejected: BTreeMap<Hash, Vec<usize>>,
    /// A rule about the sender refuses everything: nothing more is sent.
    sender_refused: Option<CaptureError>,
    /// Events that another node refused are sent again, once it is clear that they aren't recorded.
    asks_anew: bool,
    last_created_ms: u64,
    now_ms: fn() -> u64,
    progressed: bool,
    seen: SeenEvents,
}

/// Tells what became of an event.
pub type SendReport<'a> = &'a mut (dyn FnMut(usize, &EventOutcome) + Send);
/// Ends a run early.
pub type SendStop<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

impl Sender<'_> {
    /// What became of each event so far, by index in the input.
    pub fn outcomes(&self) -> &BTreeMap<usize, EventOutcome> {
        self.progress.outcomes()
    }

    /// Events without an outcome.
    pub fn undecided(&self) -> usize {
        self.progress.undecided()
    }

    /// The journal's place.
    pub fn journal_path(&self) -> &std::path::Path {
        self.journal.path()
    }

    /// Sends everything and waits for every outcome, or until `stop`. It ends well only with an
    /// outcome for each event. Whatever happens, the journal holds what a later run needs.
    pub async fn run(
        &mut self,
        mut stop: SendStop<'_>,
        report: SendReport<'_>,
    ) -> Result<Decided, CaptureError> {
        for (index, outcome) in self.progress.outcomes() {
            report(*index, outcome);
        }
        let patience = self.client.timeout() * 2;
        let (mut pause, mut last_progress) = (FIRST_PAUSE, Instant::now());
        loop {
            self.progressed = false;
            let ended = tokio::select! {
                () = stop.as_mut() => None,
                ended = self.session(report) => Some(ended),
            };
            self.progress.put_back();
            let cause = match ended {
                None => return Err(self.stopped()),
                Some(Ok(())) => {
                    let lost = "this program lost sight of them, which is a defect";
                    return self
                        .progress
                        .decided()
                        .ok_or_else(|| self.open(ClientError::StreamEnded(lost.into())));
                }
                Some(Err(CaptureError::Client(cause)))
                    if cause.may_pass() || matches!(cause, ClientError::Behind { .. }) =>
                {
                    cause
                }
                Some(Err(other)) => return Err(other),
            };
            if self.progressed {
                (pause, last_progress) = (FIRST_PAUSE, Instant::now());
            }
            if last_progress.elapsed() >= patience {
                return Err(self.open(cause));
            }
            tokio::select! {
                () = stop.as_mut() => return Err(self.stopped()),
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// One stream, until all is done or it breaks. It may be dropped at any point where it waits:
    /// every event is in `progress`.
    async fn session(&mut self, report: SendReport<'_>) -> Result<(), CaptureError> {
        if self.asks_anew {
            self.settle(report).await?;
            self.asks_anew = false;
        }
        let (mut out, requests) = mpsc::channel::<SubmitRequest>(self.limits.window);
        self.fill(&mut out, report).await?;
        if !self.progress.under_way().is_empty() {
            let timeout = self.client.timeout();
            let mut ledger = self.client.raw();
            let mut answers = within(timeout, ledger.submit_many(requests)).await?;
            while !self.progress.under_way().is_empty() {
                let status = match tokio::time::timeout(timeout, answers.message()).await {
                    Err(_) => return Err(quiet()),
                    Ok(Err(status)) => {
                        let message = status.message().to_owned();
                        return Err(ClientError::StreamEnded(message).into());
                    }
                    Ok(Ok(None)) => {
                        return Err(ClientError::Broken("ended the stream").into());
                    }
                    Ok(Ok(Some(status))) => status,
                };
                self.hear(status, report).await?;
                self.fill(&mut out, report).await?;
            }
        }
        if self.is_rolled_back() {
            let rolled_back = self.progress.roll_back();
            self.tell(&rolled_back, report);
        }
        self.settle(report).await?;
        match self.sender_refused.take() {
            Some(failure) => Err(failure),
            None => Ok(()),
        }
    }

    /// Sends from the head of the queue while the window and the order allow it.
    async fn fill(
        &mut self,
        out: &mut mpsc::Sender<SubmitRequest>,
        report: SendReport<'_>,
    ) -> Result<(), CaptureError> {
        while self.progress.under_way().len() < self.limits.window {
            let Some(first) = self.progress.first() else {
                return Ok(());
            };
            // What was sent has an outcome, whatever rule refuses the rest.
            let is_over = self.sender_refused.is_some() && !first.sent_before;
            if is_over || self.must_wait(first) {
                return Ok(());
            }
            if first.signed.is_none() {
                if !self.limits.duplicates && !self.leave_out_duplicates(report).await? {
                    // All of them were: on to the next batch.
                    continue;
                }
                self.sign_first()?;
            }
            let Some((id, envelope, sent_before)) = self.progress.start_first() else {
                return Ok(());
            };
            // A refusal may have passed since (a full pool, say): send it again and hear.
            if sent_before
                && let TransactionOutcome::Recorded(recorded) = self.client.outcome(&id).await?
            {
                self.record(&recorded, report)?;
                continue;
            }
            let request = SubmitRequest {
                envelope,
                wait: true,
            };
            out.try_send(request)
                .map_err(|_| ClientError::Broken("closed the stream"))?;
        }
        Ok(())
    }

    fn must_wait(&self, batch: &Batch) -> bool {
        let of = |b: &Batch| -> Vec<&SourceEvent> {
            let all = b.all();
            all.iter().filter_map(|i| self.events.get(*i)).collect()
        };
        let ours = of(batch);
        let names: BTreeSet<&String> = ours.iter().flat_map(|e| &e.names).collect();
        let empties = ours.iter().any(|e| e.empties);
        self.progress.under_way().values().any(|other| {
            empties
                || of(other)
                    .iter()
                    .any(|e| e.empties || e.names.iter().any(|n| names.contains(n)))
        })
    }

    /// Signs the first batch, if there is one that isn't signed, and has the journal remember it.
    fn sign_first(&mut self) -> Result<(), CaptureError> {
        let Some(first) = self.progress.first().filter(|b| b.signed.is_none()) else {
            return Ok(());
        };
        // Strictly rising, so that equal events in two transactions don't get one id.
        self.last_created_ms = (self.now_ms)().max(self.last_created_ms + 1);
        let events: Vec<&SourceEvent> = first
            .events
            .iter()
            .filter_map(|i| self.events.get(*i))
            .collect();
        let envelope = transaction::sign(
            &self.signer.key,
            self.client.trust().chain_id(),
            &ledger::Transaction {
                organisation: self.signer.organisation.clone(),
                created_ms: self.last_created_ms,
                action: Some(Action::CaptureEvents(CaptureEvents {
                    handover: None,
                    events: events.iter().map(|e| e.bytes.clone()).collect(),
                })),
            },
        );
        let id = transaction::id_of_envelope(self.client.trust().chain_id(), &envelope)?;
        let origins = events.iter().map(|e| (e.file.clone(), e.index)).collect();
        self.journal.sent(&id, &envelope, origins)?;
        self.progress.sign_first(id, envelope);
        Ok(())
    }

    async fn hear(
        &mut self,
        answer: TransactionStatus,
        report: SendReport<'_>,
    ) -> Result<(), CaptureError> {
        let Ok(id) = Hash::try_from(answer.id.as_slice()) else {
            return Ok(());
        };
        if !self.progress.under_way().contains_key(&id) {
            return Ok(());
        }
        match answer.status {
            Some(Status::Committed(_)) => self.confirm(&id, report).await,
            Some(Status::Rejected(r)) if r.code == Rejection::AlreadyCommitted.code() => {
                self.confirm(&id, report).await
            }
            Some(Status::Rejected(r)) if r.code == Rejection::PoolFull.code() => {
                Err(ClientError::PoolFull(r.message).into())
            }
            Some(Status::Rejected(r)) if is_expiry(r.code) => self.expire(&id, &r, report).await,
            Some(Status::Rejected(r)) => self.reject(&id, &r, report),
            Some(Status::Pending(_) | Status::Unknown(_)) | None => Ok(()),
        }
    }

    /// The node says that it is recorded: ask for the proof.
    async fn confirm(&mut self, id: &Hash, report: SendReport<'_>) -> Result<(), CaptureError> {
        match self.client.outcome(id).await? {
            TransactionOutcome::Recorded(recorded) => self.record(&recorded, report),
            _ => Err(quiet()),
        }
    }

    /// It is proven to be recorded.
    fn record(
        &mut self,
        recorded: &RecordedTransaction,
        report: SendReport<'_>,
    ) -> Result<(), CaptureError> {
        let (id, outcome) = self.remember_recorded(recorded)?;
        self.progressed = true;
        self.rejected.remove(&id);
        let decided = self.progress.record(&id, &outcome);
        for index in &decided {
            self.seen.is_recorded(*index);
        }
        self.tell(&decided, report);
        Ok(())
    }

    fn remember_recorded(
        &mut self,
        recorded: &RecordedTransaction,
    ) -> Result<(Hash, EventOutcome), CaptureError> {
        let header = &recorded.attested.header;
        let (id, height, time_ms) = (recorded.id, header.height, header.time_ms);
        self.journal
            .recorded(&id, height, recorded.index, time_ms)?;
        let outcome = EventOutcome::Recorded {
            transaction: id,
            height,
            time_ms,
        };
        Ok((id, outcome))
    }

    fn tell(&self, indices: &[usize], report: SendReport<'_>) {
        for index in indices {
            if let Some(outcome) = self.progress.outcomes().get(index) {
                report(*index, outcome);
            }
        }
    }

    fn open(&self, cause: ClientError) -> CaptureError {
        CaptureError::Undecided {
            undecided: self.progress.undecided(),
            total: self.progress.total(),
            cause: Box::new(cause),
        }
    }

    fn stopped(&self) -> CaptureError {
        let total = self.progress.total();
        CaptureError::Stopped {
            decided: total.saturating_sub(self.progress.undecided()),
            total,
        }
    }
}

fn quiet() -> CaptureError {
    ClientError::Broken("gives no outcome").into()
}
