//! Sending transactions in order through a bounded window.
//!
//! Validators take turns at making blocks and gossip in any order, so two transactions that are
//! under way at once may be recorded either way round. Therefore only transactions that name
//! nothing in common are under way together; the next one waits where it does.

mod duplicates;
mod plan;
mod progress;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures::channel::mpsc;
use tokio::time::Instant;
use touchstone_client::Signer;
use touchstone_client::client::{Client, Outcome, Recorded};
use touchstone_client::verification::NotVerified;
use touchstone_core::hash::Hash;
use touchstone_core::{Rejection, transaction};
use touchstone_proto::ledger::{self, CaptureEvents, transaction::Action};
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{Rejected, SubmitRequest, TransactionStatus};

use self::duplicates::Seen;
use self::progress::{Batch, Progress};
use super::journal::Journal;
use super::source::{Refusal, SourceEvent};
use crate::failure::Failure;

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
    Refused(Refusal),
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
pub struct Limits {
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
    limits: Limits,
    progress: Progress,
    /// Transactions that a node said it refuses, and their events.
    rejected: BTreeMap<Hash, Vec<usize>>,
    /// A rule about the sender refuses everything: nothing more is sent.
    sender_refused: Option<Failure>,
    last_created_ms: u64,
    now_ms: fn() -> u64,
    progressed: bool,
    seen: Seen,
}

/// Tells what became of an event.
pub type Report<'a> = &'a mut (dyn FnMut(usize, &EventOutcome) + Send);
/// Ends a run early.
pub type Stop<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

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
        mut stop: Stop<'_>,
        report: Report<'_>,
    ) -> Result<Decided, Failure> {
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
                        .ok_or_else(|| self.open(lost.into()));
                }
                Some(Err(Failure::Unreachable(cause))) => cause,
                Some(Err(behind @ Failure::Behind { .. })) => behind.to_string(),
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
    async fn session(&mut self, report: Report<'_>) -> Result<(), Failure> {
        let (mut out, requests) = mpsc::channel::<SubmitRequest>(self.limits.window);
        self.fill(&mut out, report).await?;
        if !self.progress.under_way().is_empty() {
            let timeout = self.client.timeout();
            let mut ledger = self.client.raw();
            let mut answers =
                touchstone_client::connection::within(timeout, ledger.submit_many(requests))
                    .await?;
            while !self.progress.under_way().is_empty() {
                let status = match tokio::time::timeout(timeout, answers.message()).await {
                    Err(_) => return Err(quiet()),
                    Ok(Err(status)) => {
                        return Err(Failure::Unreachable(status.message().to_owned()));
                    }
                    Ok(Ok(None)) => {
                        return Err(Failure::Unreachable("the node ended the stream".into()));
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
        report: Report<'_>,
    ) -> Result<(), Failure> {
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
            if sent_before && let Outcome::Recorded(recorded) = self.client.outcome(&id).await? {
                self.record(&recorded, report)?;
                continue;
            }
            let request = SubmitRequest {
                envelope,
                wait: true,
            };
            out.try_send(request)
                .map_err(|_| Failure::Unreachable("the node closed the stream".into()))?;
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
    fn sign_first(&mut self) -> Result<(), Failure> {
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

    async fn hear(&mut self, answer: TransactionStatus, report: Report<'_>) -> Result<(), Failure> {
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
                Err(Failure::Unreachable(r.message))
            }
            Some(Status::Rejected(r)) => self.reject(&id, &r, report),
            Some(Status::Pending(_) | Status::Unknown(_)) | None => Ok(()),
        }
    }

    /// The node says that it is recorded: ask for the proof.
    async fn confirm(&mut self, id: &Hash, report: Report<'_>) -> Result<(), Failure> {
        match self.client.outcome(id).await? {
            Outcome::Recorded(recorded) => self.record(&recorded, report),
            _ => Err(quiet()),
        }
    }

    /// It is proven to be recorded.
    fn record(&mut self, recorded: &Recorded, report: Report<'_>) -> Result<(), Failure> {
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

    fn remember_recorded(&mut self, recorded: &Recorded) -> Result<(Hash, EventOutcome), Failure> {
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

    /// Takes the offending event out and sends the rest again, in its place.
    fn reject(
        &mut self,
        id: &Hash,
        rejected: &Rejected,
        report: Report<'_>,
    ) -> Result<(), Failure> {
        let Some(batch) = self.progress.under_way().get(id) else {
            return Ok(());
        };
        let events = batch.events.clone();
        let refusal = Refusal {
            code: rejected.code,
            rule: rejected.rule.clone(),
            message: rejected.message.clone(),
        };
        let splits = !self.limits.whole && is_about_size(rejected.code);
        let culprit = match rejected.event {
            Some(place) => Some(*events.get(place as usize).ok_or_else(|| {
                NotVerified::Contradiction(
                    "the node blames an event that the transaction doesn't have".into(),
                )
            })?),
            None if splits && events.len() == 1 => events.first().copied(),
            None => None,
        };
        self.journal.rejected(id, &refusal)?;
        if let Some(source) = culprit.and_then(|event| self.events.get(event)) {
            let origin = (source.file.clone(), source.index);
            self.journal.refused(origin, &source.bytes, &refusal)?;
        }
        // What may fail is done.
        self.rejected.insert(*id, events);
        match culprit {
            Some(event) => {
                self.progressed = true;
                self.progress.refuse(id, event, refusal);
                self.tell(&[event], report);
                if self.limits.whole {
                    let rolled_back = self.progress.roll_back();
                    self.tell(&rolled_back, report);
                }
            }
            None if splits => {
                self.progressed = true;
                self.progress.halve(id);
            }
            None => {
                // The rule is about the sender or the envelope: every transaction would break it.
                // Once the cause is mended, the events are signed afresh.
                self.sender_refused
                    .get_or_insert(Failure::refused(rejected));
                self.progress.take_back(id);
                if self.limits.whole {
                    let rolled_back = self.progress.roll_back();
                    self.tell(&rolled_back, report);
                }
            }
        }
        Ok(())
    }

    /// Whether nothing of the input is recorded, since an event of it is refused.
    fn is_rolled_back(&self) -> bool {
        let refused = |o: &EventOutcome| matches!(o, EventOutcome::Refused(_));
        self.limits.whole && self.progress.outcomes().values().any(refused)
    }

    fn tell(&self, indices: &[usize], report: Report<'_>) {
        for index in indices {
            if let Some(outcome) = self.progress.outcomes().get(index) {
                report(*index, outcome);
            }
        }
    }

    /// A refusal is one node's word: make sure that no refused transaction was recorded after all.
    async fn settle(&mut self, report: Report<'_>) -> Result<(), Failure> {
        while let Some(id) = self.rejected.keys().next().copied() {
            if let Outcome::Recorded(recorded) = self.client.outcome(&id).await? {
                return Err(self.correct(&recorded, report)?);
            }
            self.rejected.remove(&id);
        }
        Ok(())
    }

    /// The proof is worth more than the word: what was refused or rolled back is recorded.
    fn correct(&mut self, recorded: &Recorded, report: Report<'_>) -> Result<Failure, Failure> {
        let (id, outcome) = self.remember_recorded(recorded)?;
        let mut corrected = self.rejected.remove(&id).unwrap_or_default();
        corrected.retain(|index| {
            let told = self.progress.outcomes().get(index);
            matches!(
                told,
                Some(EventOutcome::Refused(_) | EventOutcome::RolledBack)
            )
        });
        for index in &corrected {
            self.progress.correct(*index, outcome.clone());
        }
        self.tell(&corrected, report);
        let why = NotVerified::Contradiction(format!(
            "the node refused transaction {}, but it is recorded at height {}: its events may be \
             recorded twice",
            hex::encode(id),
            recorded.attested.header.height
        ));
        Ok(why.into())
    }

    fn open(&self, cause: String) -> Failure {
        Failure::Undecided {
            undecided: self.progress.undecided(),
            total: self.progress.total(),
            cause,
        }
    }

    fn stopped(&self) -> Failure {
        let total = self.progress.total();
        Failure::Interrupted(format!(
            "stopped with {} of {total} events decided",
            total - self.progress.undecided()
        ))
    }
}

/// Whether a smaller transaction may pass.
fn is_about_size(code: u32) -> bool {
    let about = [
        Rejection::TransactionTooLarge { bytes: 0, limit: 0 },
        Rejection::EventCount { found: 0, limit: 0 },
        Rejection::TooManyItems { limit: 0 },
    ];
    about.iter().any(|rejection| rejection.code() == code)
}

fn quiet() -> Failure {
    Failure::Unreachable("the node gives no outcome".into())
}
