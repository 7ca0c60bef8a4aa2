//! Sending transactions in order through a bounded window.
//!
//! Validators take turns at making blocks and gossip in any order, so two transactions that are
//! under way at once may be recorded either way round. Therefore only transactions that name
//! nothing in common are under way together; the next one waits where it does.

mod duplicates;
mod plan;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use futures::channel::mpsc;
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::ledger::{self, CaptureEvents, transaction::Action};
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{Rejected, SubmitRequest, TransactionStatus};

use self::duplicates::Seen;
use super::journal::Journal;
use super::source::{Refusal, SourceEvent};
use crate::client::{Client, Outcome};
use crate::failure::Failure;
use crate::settings::Signer;
use crate::verify::NotVerified;

/// Connections that may fail in a row before the run gives up.
const ATTEMPTS: u32 = 5;
const ALREADY_COMMITTED: u32 = 105;
const POOL_FULL: u32 = 106;
const TOO_LARGE: u32 = 101;
const EVENT_COUNT: u32 = 300;

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
    /// Left out: the same bytes are recorded, or about to be.
    Duplicate(Original),
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
    /// Earlier in the input, at this index.
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
    /// Everything is one transaction: where an event of it is refused, the others aren't sent again.
    pub whole: bool,
}

/// Events of one transaction.
#[derive(Clone, Debug)]
struct Batch {
    /// Indices into the input, ascending.
    events: Vec<usize>,
    /// Id and bytes, once signed.
    signed: Option<(Hash, Vec<u8>)>,
    /// It was sent before: ask first what became of it.
    sent_before: bool,
}

/// A run.
pub struct Sender<'a> {
    client: &'a mut Client,
    signer: &'a Signer,
    events: &'a [SourceEvent],
    journal: Journal,
    limits: Limits,
    queue: VecDeque<Batch>,
    under_way: BTreeMap<Hash, Batch>,
    rejected: BTreeSet<Hash>,
    last_created_ms: u64,
    now_ms: fn() -> u64,
    progressed: bool,
    seen: Seen,
    outcomes: BTreeMap<usize, EventOutcome>,
}

/// Tells what became of an event.
pub type Report<'a> = &'a mut (dyn FnMut(usize, &EventOutcome) + Send);
/// Ends a run early.
pub type Stop<'a> = Pin<&'a mut (dyn Future<Output = ()> + Send)>;

impl<'a> Sender<'a> {
    /// What became of each event so far, by index in the input.
    pub fn outcomes(&self) -> &BTreeMap<usize, EventOutcome> {
        &self.outcomes
    }

    /// The journal's place.
    pub fn journal_path(&self) -> &std::path::Path {
        self.journal.path()
    }

    /// Sends everything and waits for every outcome, or until `stop`. Whatever happens, the
    /// journal holds what a later run needs.
    pub async fn run(&mut self, mut stop: Stop<'_>, report: Report<'_>) -> Result<(), Failure> {
        for (index, outcome) in &self.outcomes {
            report(*index, outcome);
        }
        let mut failures = 0;
        loop {
            self.progressed = false;
            let cause = match self.session(stop.as_mut(), report).await {
                Ok(()) => return self.settle().await,
                Err(Failure::Unreachable(cause)) => cause,
                Err(other) => return Err(other),
            };
            failures = if self.progressed { 1 } else { failures + 1 };
            if failures >= ATTEMPTS {
                return Err(Failure::Unreachable(cause));
            }
            let again = std::mem::take(&mut self.under_way);
            let mut again: Vec<Batch> = again.into_values().collect();
            again.sort_by_key(|b| b.events.first().copied());
            for mut batch in again.into_iter().rev() {
                batch.sent_before = true;
                self.queue.push_front(batch);
            }
            let pause = Duration::from_millis(100 << failures);
            tokio::select! {
                () = stop.as_mut() => return Err(self.stopped()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One stream, until all is done or it breaks.
    async fn session(&mut self, mut stop: Stop<'_>, report: Report<'_>) -> Result<(), Failure> {
        let (mut out, requests) = mpsc::channel::<SubmitRequest>(self.limits.window);
        self.fill(&mut out, report).await?;
        if self.under_way.is_empty() {
            return Ok(());
        }
        let timeout = self.client.timeout();
        let mut ledger = self.client.raw();
        let opened = crate::client::within(timeout, ledger.submit_many(requests));
        let mut answers = tokio::select! {
            () = stop.as_mut() => return Err(self.stopped()),
            answers = opened => answers?,
        };
        while !self.under_way.is_empty() {
            let answer = tokio::select! {
                () = stop.as_mut() => return Err(self.stopped()),
                answer = tokio::time::timeout(timeout, answers.message()) => answer,
            };
            let status = match answer {
                Err(_) => return Err(quiet()),
                Ok(Err(status)) => return Err(Failure::Unreachable(status.message().to_owned())),
                Ok(Ok(None)) => {
                    return Err(Failure::Unreachable("the node ended the stream".into()));
                }
                Ok(Ok(Some(status))) => status,
            };
            self.hear(status, report).await?;
            self.fill(&mut out, report).await?;
        }
        Ok(())
    }

    /// Sends from the head of the queue while the window and the order allow it.
    async fn fill(
        &mut self,
        out: &mut mpsc::Sender<SubmitRequest>,
        report: Report<'_>,
    ) -> Result<(), Failure> {
        while self.under_way.len() < self.limits.window {
            if self.queue.front().is_none_or(|b| self.must_wait(b)) {
                return Ok(());
            }
            let Some(mut batch) = self.queue.pop_front() else {
                return Ok(());
            };
            if batch.signed.is_none() && !self.limits.duplicates {
                self.leave_out_duplicates(&mut batch, report).await?;
                if batch.events.is_empty() {
                    continue;
                }
            }
            let (id, envelope) = match &batch.signed {
                Some(signed) => signed.clone(),
                None => self.sign(&mut batch)?,
            };
            let ask = batch.sent_before;
            self.under_way.insert(id, batch);
            if ask {
                match self.client.transaction(&id).await? {
                    Outcome::Unknown | Outcome::Pending => {}
                    Outcome::Recorded(_) => {
                        self.confirm(&id, report).await?;
                        continue;
                    }
                    // A refusal may have passed since (a full pool, say): send it again and hear.
                    Outcome::Rejected(_) => {}
                }
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
            b.events
                .iter()
                .filter_map(|i| self.events.get(*i))
                .collect()
        };
        let ours = of(batch);
        let names: BTreeSet<&String> = ours.iter().flat_map(|e| &e.names).collect();
        let empties = ours.iter().any(|e| e.empties);
        self.under_way.values().any(|other| {
            empties
                || of(other)
                    .iter()
                    .any(|e| e.empties || e.names.iter().any(|n| names.contains(n)))
        })
    }

    fn sign(&mut self, batch: &mut Batch) -> Result<(Hash, Vec<u8>), Failure> {
        // Strictly rising, so that equal events in two transactions don't get one id.
        self.last_created_ms = (self.now_ms)().max(self.last_created_ms + 1);
        let events: Vec<&SourceEvent> = batch
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
        batch.signed = Some((id, envelope.clone()));
        Ok((id, envelope))
    }

    async fn hear(&mut self, answer: TransactionStatus, report: Report<'_>) -> Result<(), Failure> {
        let Ok(id) = Hash::try_from(answer.id.as_slice()) else {
            return Ok(());
        };
        if !self.under_way.contains_key(&id) {
            return Ok(());
        }
        match answer.status {
            Some(Status::Committed(_)) => self.confirm(&id, report).await,
            Some(Status::Rejected(r)) if r.code == ALREADY_COMMITTED => {
                self.confirm(&id, report).await
            }
            Some(Status::Rejected(r)) if r.code == POOL_FULL => {
                Err(Failure::Unreachable(r.message))
            }
            Some(Status::Rejected(r)) => self.reject(&id, &r, report),
            Some(Status::Pending(_) | Status::Unknown(_)) | None => Ok(()),
        }
    }

    /// The node says that it is recorded: ask for the proof.
    async fn confirm(&mut self, id: &Hash, report: Report<'_>) -> Result<(), Failure> {
        let Outcome::Recorded(recorded) = self.client.transaction(id).await? else {
            return Err(quiet());
        };
        let header = &recorded.attested.header;
        self.journal
            .recorded(id, header.height, recorded.index, header.time_ms)?;
        self.progressed = true;
        for event in self.under_way.remove(id).iter().flat_map(|b| &b.events) {
            let outcome = EventOutcome::Recorded {
                transaction: *id,
                height: header.height,
                time_ms: header.time_ms,
            };
            report(*event, &outcome);
            self.outcomes.insert(*event, outcome);
        }
        Ok(())
    }

    /// Takes the offending event out and sends the rest again, in its place.
    fn reject(
        &mut self,
        id: &Hash,
        rejected: &Rejected,
        report: Report<'_>,
    ) -> Result<(), Failure> {
        let refusal = Refusal {
            code: rejected.code,
            rule: rejected.rule.clone(),
            message: rejected.message.clone(),
        };
        let splits = !self.limits.whole && matches!(rejected.code, TOO_LARGE | EVENT_COUNT);
        if rejected.event.is_none() && !splits {
            // The rule is about the sender or the envelope: every transaction would break it. Once
            // the cause is mended, the events are signed afresh.
            self.journal.rejected(id, &refusal)?;
            return Err(Failure::refused(rejected));
        }
        let Some(mut batch) = self.under_way.remove(id) else {
            return Ok(());
        };
        self.journal.rejected(id, &refusal)?;
        self.rejected.insert(*id);
        self.progressed = true;
        let culprit = match rejected.event {
            Some(index) => index as usize,
            None if batch.events.len() == 1 => 0,
            None => {
                let rest = batch.events.split_off(batch.events.len() / 2);
                self.queue.push_front(unsigned(rest));
                self.queue.push_front(unsigned(batch.events));
                return Ok(());
            }
        };
        if culprit >= batch.events.len() {
            return Err(NotVerified::Contradiction(
                "the node blames an event that the transaction doesn't have".into(),
            )
            .into());
        }
        let event = batch.events.remove(culprit);
        if let Some(source) = self.events.get(event) {
            self.journal
                .refused((source.file.clone(), source.index), &source.bytes, &refusal)?;
        }
        let outcome = EventOutcome::Refused(refusal);
        report(event, &outcome);
        self.outcomes.insert(event, outcome);
        if !batch.events.is_empty() && !self.limits.whole {
            self.queue.push_front(unsigned(batch.events));
        }
        Ok(())
    }

    /// A refusal is one node's word: make sure that no refused transaction was recorded after all.
    async fn settle(&mut self) -> Result<(), Failure> {
        for id in std::mem::take(&mut self.rejected) {
            if let Outcome::Recorded(recorded) = self.client.transaction(&id).await? {
                return Err(NotVerified::Contradiction(format!(
                    "the node refused transaction {}, but it is recorded at height {}: its events \
                     may be recorded twice",
                    hex::encode(id),
                    recorded.attested.header.height
                ))
                .into());
            }
        }
        Ok(())
    }

    fn stopped(&self) -> Failure {
        Failure::Interrupted(format!(
            "stopped with {} of {} events decided",
            self.outcomes.len(),
            self.events.len()
        ))
    }
}

fn quiet() -> Failure {
    Failure::Unreachable("the node gives no outcome".into())
}

fn unsigned(events: Vec<usize>) -> Batch {
    Batch {
        events,
        signed: None,
        sent_before: false,
    }
}
