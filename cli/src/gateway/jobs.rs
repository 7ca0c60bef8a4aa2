//! Captures that came in, in a folder: of each the document, what became of it, and the journal of
//! what was sent. So a gateway that was stopped or killed goes on where it was.

mod folder;
mod job;
mod report;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::ledger::{self, transaction::Action};

pub(super) use self::folder::body_of;
use self::folder::{Folder, Owner};
pub use self::job::{Act, DoubtfulEvent, ErrorBehaviour, Job};
pub use self::report::{EventReport, JobOutcome, Reason, StatementReport, StatementResult};
use crate::failure::Failure;
use touchstone_client::Signer;
use touchstone_client::master_data::SentStatement;

/// Finished jobs that are kept, and what is told of their events and elements; the oldest jobs are removed. All of it
/// is in memory, some 300 bytes for each event.
const KEPT: usize = 10_000;
const KEPT_REPORTS: usize = 1_000_000;
/// Jobs that may wait.
const WAITING: usize = 100;

/// All jobs.
#[derive(Clone)]
pub struct Jobs {
    shared: Arc<Shared>,
}

struct Shared {
    folder: Folder,
    /// Jobs that are kept, and reports.
    most: (usize, usize),
    jobs: Mutex<BTreeMap<String, Job>>,
    /// Something waits.
    arrived: Notify,
    /// Counts jobs that ended.
    ended: watch::Sender<u64>,
}

/// What a document holds, and how it is to be captured.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The number of its events.
    pub events: usize,
    /// The number of its elements of master data.
    pub elements: usize,
    /// What to do where an event is refused.
    pub behaviour: ErrorBehaviour,
    /// What is doubtful in it.
    pub warnings: Vec<DoubtfulEvent>,
}

/// Why a document isn't taken in.
#[derive(Debug)]
pub enum NotTaken {
    /// Too many wait.
    Full,
    /// It can't be kept.
    Failed(Failure),
}

impl Jobs {
    /// Opens or begins a folder for this chain and organisation.
    pub fn open(folder: &Path, chain_id: &Hash, organisation: &str) -> Result<Jobs, Failure> {
        Jobs::open_within(folder, chain_id, organisation, (KEPT, KEPT_REPORTS))
    }

    /// The same, keeping so many jobs, and so many reports of finished ones.
    fn open_within(
        folder: &Path,
        chain_id: &Hash,
        organisation: &str,
        most: (usize, usize),
    ) -> Result<Jobs, Failure> {
        let owner = Owner {
            chain_id: hex::encode(chain_id),
            organisation: organisation.to_owned(),
        };
        let (folder, jobs) = Folder::open(folder, &owner)?;
        let jobs = Jobs {
            shared: Arc::new(Shared {
                folder,
                most,
                jobs: Mutex::new(jobs),
                arrived: Notify::new(),
                ended: watch::channel(0).0,
            }),
        };
        jobs.prune(&mut jobs.lock());
        Ok(jobs)
    }

    /// Keeps a document to be captured, with what is doubtful in it; gives its job's id once it is on the disk.
    pub fn take(&self, document: &[u8], what: Contents, now_ms: u64) -> Result<String, NotTaken> {
        self.take_in(document, now_ms, |id| Job {
            warnings: what.warnings,
            elements: what.elements,
            ..Job::new(id, what.events, what.behaviour, now_ms)
        })
    }

    /// Signs an action and keeps it to be sent, with what is doubtful in it; gives its job's id once it is on the disk.
    pub fn take_act(
        &self,
        signer: &Signer,
        chain_id: &Hash,
        action: Action,
        name: &str,
        warnings: Vec<DoubtfulEvent>,
        now_ms: u64,
    ) -> Result<String, NotTaken> {
        let events = match &action {
            Action::CaptureEvents(capture) => capture.events.len().max(1),
            _ => 1,
        };
        let transaction = ledger::Transaction {
            organisation: signer.organisation.clone(),
            created_ms: now_ms,
            action: Some(action),
        };
        let envelope = transaction::sign(&signer.key, chain_id, &transaction);
        let id = transaction::id_of_envelope(chain_id, &envelope)
            .map_err(|rejection| NotTaken::Failed(rejection.into()))?;
        let act = Act {
            action: name.to_owned(),
            transaction: hex::encode(id),
        };
        self.take_in(&envelope, now_ms, |id| Job {
            act: Some(act),
            warnings,
            ..Job::new(id, events, ErrorBehaviour::Rollback, now_ms)
        })
    }

    /// Signs an act's action in a transaction of now, in place of one that is proven to be nowhere; gives its bytes
    /// once they are on the disk. The job names the new one first: where a power cut comes between, the old one is
    /// sent once more, and refused again.
    pub fn sign_afresh(
        &self,
        id: &str,
        signer: &Signer,
        chain_id: &Hash,
        now_ms: u64,
    ) -> Result<Vec<u8>, Failure> {
        let old = self.document(id)?;
        let body = body_of(&old)?;
        let signed = ledger::Transaction {
            organisation: signer.organisation.clone(),
            created_ms: now_ms,
            ..body
        };
        let envelope = transaction::sign(&signer.key, chain_id, &signed);
        let transaction = hex::encode(transaction::id_of_envelope(chain_id, &envelope)?);
        let mut jobs = self.lock();
        if let Some(job) = jobs.get_mut(id)
            && let Some(act) = &mut job.act
        {
            act.transaction = transaction;
            self.shared.folder.keep(job)?;
        }
        self.shared.folder.replace(id, &envelope)?;
        Ok(envelope)
    }

    fn take_in(
        &self,
        document: &[u8],
        now_ms: u64,
        make: impl FnOnce(&str) -> Job,
    ) -> Result<String, NotTaken> {
        let mut jobs = self.lock();
        let waiting = jobs.values().filter(|j| j.finished_ms.is_none()).count();
        if waiting >= WAITING {
            return Err(NotTaken::Full);
        }
        // Ids sort as their jobs came in.
        let mut number = now_ms;
        if let Some(last) = jobs.keys().next_back() {
            number = number.max(u64::from_str_radix(last, 16).map_or(0, |last| last + 1));
        }
        let id = format!("{number:016x}");
        let job = make(&id);
        let kept = self.shared.folder.keep_new(&job, document);
        kept.map_err(NotTaken::Failed)?;
        jobs.insert(id.clone(), job);
        self.prune(&mut jobs);
        self.shared.arrived.notify_one();
        Ok(id)
    }

    /// A job.
    pub fn get(&self, id: &str) -> Option<Job> {
        self.lock().get(id).cloned()
    }

    /// The newest jobs that are `wanted`, at most so many.
    pub fn newest(&self, limit: usize, wanted: impl Fn(&Job) -> bool) -> Vec<Job> {
        let jobs = self.lock();
        let newest = jobs.values().rev().filter(|job| wanted(job));
        newest.take(limit).cloned().collect()
    }

    /// Jobs that aren't done with.
    pub fn waiting(&self) -> usize {
        let jobs = self.lock();
        jobs.values()
            .filter(|job| job.finished_ms.is_none())
            .count()
    }

    /// Waits until a job is done with, but no longer than that.
    pub async fn finished(&self, id: &str, wait: Duration) {
        let mut ended = self.shared.ended.subscribe();
        let done = async {
            while self.get(id).is_some_and(|job| job.finished_ms.is_none()) {
                if ended.changed().await.is_err() {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(wait, done).await;
    }

    /// A name for a file that is removed once it was read.
    pub fn scratch(&self, kind: &str) -> PathBuf {
        self.shared.folder.scratch(kind)
    }

    /// The next job to be done, once there is one.
    pub async fn next(&self) -> Job {
        loop {
            let arrived = self.shared.arrived.notified();
            let open = {
                let jobs = self.lock();
                jobs.values().find(|j| j.finished_ms.is_none()).cloned()
            };
            match open {
                Some(job) => return job,
                None => arrived.await,
            }
        }
    }

    /// A job's document.
    pub fn document(&self, id: &str) -> Result<Vec<u8>, Failure> {
        let job = self.get(id);
        self.shared
            .folder
            .document(id, job.is_some_and(|job| job.act.is_some()))
    }

    /// Where a job remembers what was sent.
    pub fn journal(&self, id: &str) -> PathBuf {
        self.shared.folder.journal(id)
    }

    /// Tells what became of an event, to be seen; the journal remembers it.
    pub fn report(&self, id: &str, report: EventReport) {
        if let Some(job) = self.lock().get_mut(id) {
            job.reports.insert(report.index, report);
        }
    }

    /// Tells what became of an element of master data, to be seen.
    pub fn report_statement(&self, id: &str, index: usize, report: StatementReport) {
        if let Some(job) = self.lock().get_mut(id) {
            job.statements.insert(index, report);
        }
    }

    /// Remembers the transactions that state a job's master data; they are on the disk when this returns.
    pub fn keep_statements(&self, id: &str, sent: Vec<SentStatement>) -> Result<(), Failure> {
        let mut jobs = self.lock();
        let Some(job) = jobs.get_mut(id) else {
            return Ok(());
        };
        if job.sent_statements != sent {
            let mut kept = job.clone();
            kept.sent_statements = sent;
            self.shared.folder.keep(&kept)?;
            *job = kept;
        }
        Ok(())
    }

    /// Tells why a job isn't done with yet.
    pub fn hold_up(&self, id: &str, why: String) {
        if let Some(job) = self.lock().get_mut(id) {
            job.waiting = Some(why);
        }
    }

    /// Ends a job: by its events' outcomes, or by a failure. Without either it is a failure too.
    pub fn finish(&self, id: &str, failure: Option<&Failure>, now_ms: u64) -> Result<(), Failure> {
        self.finish_with(id, failure, now_ms, |_| Ok(()))
    }

    /// The same; what must be on the disk before is done by `before`.
    pub fn finish_with(
        &self,
        id: &str,
        failure: Option<&Failure>,
        now_ms: u64,
        before: impl FnOnce(&Job) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut jobs = self.lock();
        let Some(job) = jobs.get(id) else {
            return Ok(());
        };
        let mut ended = job.clone();
        ended.end(failure, now_ms);
        // It is on the disk before anybody sees it as done with.
        before(&ended)?;
        self.shared.folder.keep(&ended)?;
        jobs.insert(ended.id.clone(), ended);
        self.shared.ended.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Forgets the oldest finished jobs beyond what is kept.
    fn prune(&self, jobs: &mut BTreeMap<String, Job>) {
        let (most, most_reports) = self.shared.most;
        let finished = jobs.values().filter(|j| j.finished_ms.is_some());
        let mut reports: usize = finished.map(Job::report_count).sum();
        while jobs.len() > most || reports > most_reports {
            let oldest = jobs.values().find(|j| j.finished_ms.is_some());
            let Some(oldest) = oldest else {
                return;
            };
            reports = reports.saturating_sub(oldest.report_count());
            let id = oldest.id.clone();
            jobs.remove(&id);
            self.shared.folder.remove(&id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Job>> {
        // What is kept is whole after every statement.
        self.shared
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
