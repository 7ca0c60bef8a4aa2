//! Captures that came in, in a folder: of each the document, what became of it, and the journal of
//! what was sent. So a gateway that was stopped or killed goes on where it was.

mod folder;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};
use touchstone_core::hash::Hash;
use touchstone_core::transaction;
use touchstone_proto::ledger::{self, transaction::Action};

pub(super) use self::folder::body_of;
use self::folder::{Folder, Owner};
use crate::failure::Failure;
use touchstone_client::Signer;
use touchstone_client::capture::EventRefusal;

/// Finished jobs that are kept; the oldest are removed.
const KEPT: usize = 10_000;
/// Jobs that may wait.
const WAITING: usize = 100;

/// What to do with the other events of a document where one is refused (EPCIS 2.0's
/// `GS1-Capture-Error-Behaviour`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorBehaviour {
    /// None is recorded: they are one transaction.
    Rollback,
    /// The others are recorded: each is a transaction of its own.
    Proceed,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobOutcome {
    /// It is in the ledger, which was proven.
    Recorded,
    /// Its bytes were recorded before by this organisation.
    Skipped,
    /// A rule refuses it.
    Refused,
    /// Another one of its document was refused.
    RolledBack,
    /// It isn't recorded: what ended the job refuses every event.
    NotRecorded,
}

/// An event's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventReport {
    /// Its index in the document, from 0.
    pub index: usize,
    /// What became of it.
    pub outcome: JobOutcome,
    /// The transaction that holds it, in hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub transaction: Option<String>,
    /// Height of its block.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub height: Option<u64>,
    /// Why it is refused.
    #[serde(flatten)]
    pub refusal: Option<Reason>,
}

/// Why an event, or a whole job, is refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Where in the document, as a JSON path.
    pub path: String,
    /// Stable name of the rule.
    pub rule: String,
    /// Stable number of the rule.
    pub code: u32,
    /// What is wrong.
    pub message: String,
}

impl Reason {
    /// Of the event with this index.
    pub fn of(index: usize, refusal: &EventRefusal) -> Reason {
        let event = format!("$.epcisBody.eventList[{index}]");
        // The reader's errors begin with a path from the document, or from the event.
        let found = refusal.message.split_once(": ").map(|(path, _)| path);
        let path = match found {
            Some(path) if path.starts_with("$.epcisBody") => path.to_owned(),
            Some(path) if path.starts_with('$') => path.replacen('$', &event, 1),
            _ => event,
        };
        Reason {
            path,
            rule: refusal.rule.clone(),
            code: refusal.code,
            message: refusal.message.clone(),
        }
    }
}

/// A document that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// When it came in, milliseconds.
    pub created_ms: u64,
    /// When it was done with.
    pub finished_ms: Option<u64>,
    /// What to do where an event is refused.
    pub behaviour: ErrorBehaviour,
    /// The number of its events.
    pub events: usize,
    /// What became of them so far, by index.
    pub reports: BTreeMap<usize, EventReport>,
    /// What ended it otherwise than by its events' outcomes.
    pub failure: Option<String>,
    /// The rule behind that, where there is one.
    #[serde(default)]
    pub failed_rule: Option<Rule>,
    /// What is allowed in its events and yet is probably a mistake.
    #[serde(default)]
    pub warnings: Vec<DoubtfulEvent>,
    /// What it is, where it isn't a capture.
    #[serde(default)]
    pub act: Option<Act>,
    /// Why it isn't done with yet, where something holds it up.
    #[serde(skip)]
    pub waiting: Option<String>,
}

/// Something in an event that is to be looked at again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DoubtfulEvent {
    /// The event's index in the document, from 0.
    pub index: usize,
    /// Where, as a JSON path from the event.
    pub path: String,
    /// The doubt's stable name.
    pub warning: String,
    /// What is doubtful.
    pub message: String,
}

/// One transaction, signed when it came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What it does, in a word.
    pub action: String,
    /// The transaction's id, in hexadecimal.
    pub transaction: String,
}

/// A rule of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its stable name.
    pub rule: String,
    /// Its stable number.
    pub code: u32,
}

impl Job {
    /// Whether it is done with, and each of its events is recorded, now or before.
    pub fn success(&self) -> bool {
        let fine = |index: usize| {
            let outcome = self.reports.get(&index).map(|report| report.outcome);
            matches!(outcome, Some(JobOutcome::Recorded | JobOutcome::Skipped))
        };
        let is_over = self.finished_ms.is_some() && self.failure.is_none();
        is_over && self.events > 0 && (0..self.events).all(fine)
    }

    /// Events without an outcome.
    pub fn undecided(&self) -> usize {
        let decided = self.reports.range(..self.events).count();
        self.events.saturating_sub(decided)
    }
}

/// All jobs.
#[derive(Clone)]
pub struct Jobs {
    shared: Arc<Shared>,
}

struct Shared {
    folder: Folder,
    jobs: Mutex<BTreeMap<String, Job>>,
    /// Something waits.
    arrived: Notify,
    /// Counts jobs that ended.
    ended: watch::Sender<u64>,
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
        let owner = Owner {
            chain_id: hex::encode(chain_id),
            organisation: organisation.to_owned(),
        };
        let (folder, jobs) = Folder::open(folder, &owner)?;
        Ok(Jobs {
            shared: Arc::new(Shared {
                folder,
                jobs: Mutex::new(jobs),
                arrived: Notify::new(),
                ended: watch::channel(0).0,
            }),
        })
    }

    /// Keeps a document to be captured; gives its job's id once it is on the disk.
    pub fn take(
        &self,
        document: &[u8],
        events: usize,
        behaviour: ErrorBehaviour,
        now_ms: u64,
    ) -> Result<String, NotTaken> {
        self.take_doubtful(document, events, behaviour, Vec::new(), now_ms)
    }

    /// The same of a document in which something is doubtful.
    pub fn take_doubtful(
        &self,
        document: &[u8],
        events: usize,
        behaviour: ErrorBehaviour,
        warnings: Vec<DoubtfulEvent>,
        now_ms: u64,
    ) -> Result<String, NotTaken> {
        self.take_in(document, now_ms, |id| Job {
            warnings,
            ..Job::new(id, events, behaviour, now_ms)
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
        ended.finished_ms = Some(now_ms);
        ended.waiting = None;
        ended.failure = failure.map(Failure::to_string);
        if let Some(Failure::Refused { rule, code, .. }) = failure {
            ended.failed_rule = Some(Rule {
                rule: rule.clone(),
                code: *code,
            });
        }
        if failure.is_none() && (ended.undecided() > 0 || ended.events == 0) {
            ended.failure = Some(format!(
                "{} of {} events have no outcome, which is a defect of this program",
                ended.undecided(),
                ended.events
            ));
        }
        // It is on the disk before anybody sees it as done with.
        before(&ended)?;
        self.shared.folder.keep(&ended)?;
        jobs.insert(ended.id.clone(), ended);
        self.shared.ended.send_modify(|count| *count += 1);
        Ok(())
    }

    fn prune(&self, jobs: &mut BTreeMap<String, Job>) {
        while jobs.len() > KEPT {
            let oldest = jobs.values().find(|j| j.finished_ms.is_some());
            let Some(id) = oldest.map(|j| j.id.clone()) else {
                return;
            };
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
