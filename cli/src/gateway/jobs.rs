//! Captures that came in, in a folder: of each the document, what became of it, and the journal of
//! what was sent. So a gateway that was stopped or killed goes on where it was.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use touchstone_core::hash::Hash;

use crate::capture::source::Refusal;
use crate::failure::Failure;
use crate::file;

/// Finished jobs that are kept; the oldest are removed.
const KEPT: usize = 10_000;
/// Jobs that may wait.
const WAITING: usize = 100;

/// What to do with the other events of a document where one is refused (EPCIS 2.0's
/// `GS1-Capture-Error-Behaviour`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Behaviour {
    /// None is recorded: they are one transaction.
    Rollback,
    /// The others are recorded: each is a transaction of its own.
    Proceed,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It is in the ledger, which was proven.
    Recorded,
    /// Its bytes were recorded before by this organisation.
    Skipped,
    /// A rule refuses it.
    Refused,
    /// Another one of its document was refused.
    RolledBack,
}

/// An event's outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventReport {
    /// Its index in the document, from 0.
    pub index: usize,
    /// What became of it.
    pub outcome: Outcome,
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
    pub fn of(index: usize, refusal: &Refusal) -> Reason {
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
    pub behaviour: Behaviour,
    /// The number of its events.
    pub events: usize,
    /// What became of them so far, by index.
    pub reports: BTreeMap<usize, EventReport>,
    /// What ended it before its events were decided.
    pub failure: Option<String>,
}

impl Job {
    /// Whether nothing went wrong so far.
    pub fn success(&self) -> bool {
        let fine = |r: &EventReport| matches!(r.outcome, Outcome::Recorded | Outcome::Skipped);
        self.failure.is_none() && self.reports.values().all(fine)
    }
}

/// What the folder belongs to.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct Owner {
    chain_id: String,
    organisation: String,
}

/// All jobs.
#[derive(Clone)]
pub struct Jobs {
    shared: Arc<Shared>,
}

struct Shared {
    folder: PathBuf,
    jobs: Mutex<BTreeMap<String, Job>>,
    /// Something waits.
    arrived: Notify,
    /// Nobody else uses the folder.
    _lock: std::fs::File,
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
        std::fs::create_dir_all(folder).map_err(|e| Failure::io("making", folder, &e))?;
        let lock_path = folder.join("lock");
        let lock = std::fs::File::create(&lock_path)
            .map_err(|e| Failure::io("opening", &lock_path, &e))?;
        lock.try_lock().map_err(|_| {
            Failure::Usage(format!(
                "another gateway is using the folder {}",
                folder.display()
            ))
        })?;
        let owner = Owner {
            chain_id: hex::encode(chain_id),
            organisation: organisation.to_owned(),
        };
        let owner_path = folder.join("owner.json");
        match std::fs::read(&owner_path) {
            Ok(bytes) if serde_json::from_slice::<Owner>(&bytes).is_ok_and(|o| o == owner) => {}
            Ok(_) => {
                return Err(Failure::Usage(format!(
                    "the folder {} holds captures of another chain or organisation; name another \
                     with --jobs",
                    folder.display()
                )));
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                write(&owner_path, &owner)?;
            }
            Err(e) => return Err(Failure::io("reading", &owner_path, &e)),
        }
        let mut jobs = BTreeMap::new();
        let entries = std::fs::read_dir(folder).map_err(|e| Failure::io("reading", folder, &e))?;
        for entry in entries {
            let path = entry
                .map_err(|e| Failure::io("reading", folder, &e))?
                .path();
            let name = path
                .file_name()
                .and_then(|n| n.to_str())
                .unwrap_or_default();
            if !name.ends_with(".job") {
                continue;
            }
            let bytes = std::fs::read(&path).map_err(|e| Failure::io("reading", &path, &e))?;
            let job: Job = serde_json::from_slice(&bytes).map_err(|error| {
                let path = path.display();
                Failure::Usage(format!(
                    "{path} is no job of a gateway ({error}); remove it"
                ))
            })?;
            jobs.insert(job.id.clone(), job);
        }
        Ok(Jobs {
            shared: Arc::new(Shared {
                folder: folder.to_owned(),
                jobs: Mutex::new(jobs),
                arrived: Notify::new(),
                _lock: lock,
            }),
        })
    }

    /// Keeps a document to be captured; gives its job's id once it is on the disk.
    pub fn take(
        &self,
        document: &[u8],
        events: usize,
        behaviour: Behaviour,
        now_ms: u64,
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
        let job = Job {
            id: format!("{number:016x}"),
            created_ms: now_ms,
            finished_ms: None,
            behaviour,
            events,
            reports: BTreeMap::new(),
            failure: None,
        };
        let path = self.path(&job.id, "epcis");
        let kept = write_synced(&path, document).and_then(|()| self.keep(&job));
        kept.map_err(NotTaken::Failed)?;
        let id = job.id.clone();
        jobs.insert(id.clone(), job);
        self.prune(&mut jobs);
        self.shared.arrived.notify_one();
        Ok(id)
    }

    /// A job.
    pub fn get(&self, id: &str) -> Option<Job> {
        self.lock().get(id).cloned()
    }

    /// The newest jobs, at most so many.
    pub fn newest(&self, limit: usize) -> Vec<Job> {
        self.lock().values().rev().take(limit).cloned().collect()
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
        let path = self.path(id, "epcis");
        std::fs::read(&path).map_err(|e| Failure::io("reading", &path, &e))
    }

    /// Where a job remembers what was sent.
    pub fn journal(&self, id: &str) -> PathBuf {
        self.path(id, "journal")
    }

    /// Tells what became of an event, to be seen; the journal remembers it.
    pub fn report(&self, id: &str, report: EventReport) {
        if let Some(job) = self.lock().get_mut(id) {
            job.reports.insert(report.index, report);
        }
    }

    /// Ends a job.
    pub fn finish(&self, id: &str, failure: Option<String>, now_ms: u64) -> Result<(), Failure> {
        let mut jobs = self.lock();
        let Some(job) = jobs.get_mut(id) else {
            return Ok(());
        };
        job.finished_ms = Some(now_ms);
        job.failure = failure;
        self.keep(job)
    }

    fn keep(&self, job: &Job) -> Result<(), Failure> {
        write(&self.path(&job.id, "job"), job)
    }

    fn prune(&self, jobs: &mut BTreeMap<String, Job>) {
        while jobs.len() > KEPT {
            let oldest = jobs.values().find(|j| j.finished_ms.is_some());
            let Some(id) = oldest.map(|j| j.id.clone()) else {
                return;
            };
            jobs.remove(&id);
            for kind in ["job", "epcis", "journal"] {
                // What can't be removed is read again by the next run, and no harm.
                let _ = std::fs::remove_file(self.path(&id, kind));
            }
        }
    }

    fn path(&self, id: &str, kind: &str) -> PathBuf {
        self.shared.folder.join(format!("{id}.{kind}"))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Job>> {
        // What is kept is whole after every statement.
        self.shared
            .jobs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn write(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
    let bytes = serde_json::to_vec(value).map_err(|e| Failure::Usage(format!("job: {e}")))?;
    file::write(path, &bytes)
}

fn write_synced(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let written = std::fs::File::create(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| Failure::io("writing", path, &e))
}

#[cfg(test)]
mod tests;
