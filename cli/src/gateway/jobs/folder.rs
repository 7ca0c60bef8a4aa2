//! The files of jobs, in one folder: of each job `ID.job`, `ID.epcis` (the document; of an act
//! `ID.envelope`, the signed transaction) and `ID.journal` (what was sent). `owner.json` says whose they are.
//!
//! A job is there once its document and then its `.job` file are on the disk; only then it is told
//! of. What a power cut may have left besides is put right at the next start: a document without a
//! job was never acknowledged, and a job or an owner that can't be read is made again from the rest.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};
use touchstone_client::capture::journal;
use touchstone_client::durable_file;
use touchstone_core::encoding::decode_exact;
use touchstone_core::hash::Hash;
use touchstone_core::{Rejection, transaction};
use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::{self, Outcome, transaction::Action};

use super::{Act, ErrorBehaviour, Job};
use crate::capture::source;
use crate::failure::Failure;
use crate::file;
use crate::staging::STAGED;

/// Bytes of a journal's first line, at most.
const HEAD_BYTES: u64 = 4096;
/// How names of files begin that nobody keeps.
const SCRATCH: &str = "scratch-";

/// What the folder belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    /// The chain's id, in hexadecimal.
    pub chain_id: String,
    /// The organisation's id.
    pub organisation: String,
}

/// A folder that nobody else uses meanwhile.
pub(super) struct Folder {
    path: PathBuf,
    chain_id: Hash,
    _lock: File,
}

impl Folder {
    /// Opens or begins a folder; gives its jobs.
    pub fn open(path: &Path, owner: &Owner) -> Result<(Folder, BTreeMap<String, Job>), Failure> {
        file::create_private_folder(path)?;
        let lock_path = path.join("lock");
        let lock = durable_file::open_log(&lock_path);
        let lock = lock.map_err(|e| Failure::io("opening", &lock_path, &e))?;
        lock.try_lock().map_err(|_| {
            Failure::Usage(format!(
                "another gateway is using the folder {}",
                path.display()
            ))
        })?;
        let folder = Folder {
            path: path.to_owned(),
            chain_id: hash_of(&owner.chain_id),
            _lock: lock,
        };
        let files = folder.files()?;
        folder.check_owner(owner, &files)?;
        let mut jobs = BTreeMap::new();
        for id in files.iter().filter_map(|name| name.strip_suffix(".job")) {
            let job = folder.read_job(id)?;
            jobs.insert(id.to_owned(), job);
        }
        folder.clear(&files, &jobs);
        Ok((folder, jobs))
    }

    /// Keeps a job; it is on the disk when this returns.
    pub fn keep(&self, job: &Job) -> Result<(), Failure> {
        let bytes = serde_json::to_vec(job).map_err(|e| Failure::Usage(format!("job: {e}")))?;
        file::write(&self.file(&job.id, "job"), &bytes)
    }

    /// Keeps a new job with its document; both are on the disk when this returns, or neither is told
    /// of.
    pub fn keep_new(&self, job: &Job, document: &[u8]) -> Result<(), Failure> {
        let path = self.file(&job.id, kind(job.act.is_some()));
        let kept = file::write(&path, document).and_then(|()| self.keep(job));
        if kept.is_err() {
            self.remove(&job.id);
        }
        kept
    }

    /// Keeps an act's new transaction in place of the old one.
    pub fn replace(&self, id: &str, envelope: &[u8]) -> Result<(), Failure> {
        file::write(&self.file(id, kind(true)), envelope)
    }

    /// A job's document, or an act's transaction.
    pub fn document(&self, id: &str, is_act: bool) -> Result<Vec<u8>, Failure> {
        let path = self.file(id, kind(is_act));
        std::fs::read(&path).map_err(|e| match e.kind() {
            ErrorKind::NotFound => Failure::Usage(format!(
                "{} is gone: send the document again",
                path.display()
            )),
            _ => Failure::io("reading", &path, &e),
        })
    }

    /// Where a job remembers what was sent.
    pub fn journal(&self, id: &str) -> PathBuf {
        self.file(id, "journal")
    }

    /// Forgets a job. What can't be removed is read again by the next run, and no harm.
    pub fn remove(&self, id: &str) {
        for kind in ["job", "epcis", "envelope", "journal"] {
            let _ = std::fs::remove_file(self.file(id, kind));
        }
    }

    /// A name for a file that nobody keeps.
    pub fn scratch(&self, kind: &str) -> PathBuf {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        self.path.join(format!("{SCRATCH}{number}.{kind}"))
    }

    fn file(&self, id: &str, kind: &str) -> PathBuf {
        self.path.join(format!("{id}.{kind}"))
    }

    fn files(&self) -> Result<BTreeSet<String>, Failure> {
        let failed = |e: std::io::Error| Failure::io("reading", &self.path, &e);
        let mut names = BTreeSet::new();
        for entry in std::fs::read_dir(&self.path).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            names.extend(name.into_string().ok());
        }
        Ok(names)
    }

    /// The folder is its owner's alone. An owner that can't be read is known from the journals.
    fn check_owner(&self, owner: &Owner, files: &BTreeSet<String>) -> Result<(), Failure> {
        let path = self.path.join("owner.json");
        let others = || {
            Failure::Usage(format!(
                "the folder {} holds captures of another chain or organisation; name another with \
                 --jobs",
                self.path.display()
            ))
        };
        match std::fs::read(&path) {
            Ok(bytes) => match serde_json::from_slice::<Owner>(&bytes) {
                Ok(found) if found == *owner => return Ok(()),
                Ok(_) => return Err(others()),
                Err(_) => {}
            },
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(Failure::io("reading", &path, &e)),
        }
        for id in files
            .iter()
            .filter_map(|name| name.strip_suffix(".journal"))
        {
            let head = self.journal_head(id)?;
            let named = journal::owner(&head);
            if named.is_some_and(|(chain, acting)| {
                (chain, acting) != (owner.chain_id.clone(), owner.organisation.clone())
            }) {
                return Err(others());
            }
        }
        let bytes = serde_json::to_vec(owner).map_err(|e| Failure::Usage(format!("owner: {e}")))?;
        file::write(&path, &bytes)
    }

    fn journal_head(&self, id: &str) -> Result<Vec<u8>, Failure> {
        let path = self.journal(id);
        let mut line = Vec::new();
        let read = File::open(&path)
            .and_then(|file| BufReader::new(file.take(HEAD_BYTES)).read_until(b'\n', &mut line));
        read.map_err(|e| Failure::io("reading", &path, &e))?;
        Ok(line)
    }

    fn read_job(&self, id: &str) -> Result<Job, Failure> {
        let path = self.file(id, "job");
        let bytes = std::fs::read(&path).map_err(|e| Failure::io("reading", &path, &e))?;
        match serde_json::from_slice::<Job>(&bytes) {
            Ok(mut job) if job.id == id => {
                // A job of a version that stated no master data says nothing of how much there is.
                if job.finished_ms.is_none() && job.act.is_none() && job.elements == 0 {
                    let document = self.document(id, false).unwrap_or_default();
                    job.elements = source::of_document(id, &document, u64::MAX).elements();
                }
                Ok(job)
            }
            _ => {
                let job = self.recovered(id)?;
                self.keep(&job)?;
                Ok(job)
            }
        }
    }

    /// The job of a damaged file. Its document is there whole, since it was synced before; its
    /// journal says what was sent. Where even the document is gone, the job is told of as failed.
    fn recovered(&self, id: &str) -> Result<Job, Failure> {
        let created_ms = u64::from_str_radix(id, 16).unwrap_or_default();
        if let Some(job) = self.recovered_act(id, created_ms)? {
            return Ok(job);
        }
        let document = match self.document(id, false) {
            Ok(document) => document,
            Err(Failure::Usage(_)) => Vec::new(),
            Err(failure) => return Err(failure),
        };
        let input = source::of_document(id, &document, u64::MAX);
        let mut job = Job::new(id, input.events.len(), self.behaviour(id)?, created_ms);
        job.elements = input.elements();
        if !input.bad.is_empty() {
            job.finished_ms = Some(created_ms);
            let damaged = "its files were damaged, by a power cut say: send the document again";
            job.failure = Some(damaged.to_owned());
        }
        Ok(job)
    }

    /// The act of a damaged file, if it is one: its transaction says what it does.
    fn recovered_act(&self, id: &str, created_ms: u64) -> Result<Option<Job>, Failure> {
        let envelope = match self.document(id, true) {
            Ok(envelope) => envelope,
            Err(Failure::Usage(_)) => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let Some((action, events, transaction)) = act_of(&envelope, &self.chain_id) else {
            return Ok(None);
        };
        let job = Job::new(id, events, ErrorBehaviour::Rollback, created_ms);
        Ok(Some(Job {
            act: Some(Act {
                action: action.to_owned(),
                transaction,
            }),
            ..job
        }))
    }

    /// How a damaged job was to treat its events. Where several transactions were sent, each event
    /// had its own; else all or none are recorded, as where a client says nothing.
    fn behaviour(&self, id: &str) -> Result<ErrorBehaviour, Failure> {
        let path = self.journal(id);
        let bytes = match std::fs::read(&path) {
            Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|e| Failure::io("reading", &path, &e))?,
        };
        Ok(match journal::transactions(&bytes) {
            0 | 1 => ErrorBehaviour::Rollback,
            _ => ErrorBehaviour::Proceed,
        })
    }

    /// Removes what was never told of. What can't be removed does no harm.
    fn clear(&self, files: &BTreeSet<String>, jobs: &BTreeMap<String, Job>) {
        for name in files {
            let is_orphan = name.strip_suffix(".epcis").is_some_and(|id| {
                !jobs.contains_key(id) && !files.contains(&format!("{id}.journal"))
            });
            let is_orphan = is_orphan
                || name
                    .strip_suffix(".envelope")
                    .is_some_and(|id| !jobs.contains_key(id));
            if is_orphan || name.ends_with(STAGED) || name.starts_with(SCRATCH) {
                let _ = std::fs::remove_file(self.path.join(name));
            }
        }
    }
}

/// How the name of a document ends, or of an act's transaction.
fn kind(is_act: bool) -> &'static str {
    match is_act {
        true => "envelope",
        false => "epcis",
    }
}

fn hash_of(text: &str) -> Hash {
    let bytes = hex::decode(text).ok();
    bytes.and_then(|b| b.try_into().ok()).unwrap_or_default()
}

/// What was signed, of a signed transaction.
pub(in crate::gateway) fn body_of(envelope: &[u8]) -> Result<ledger::Transaction, Rejection> {
    let signed: ledger::Envelope = decode_exact(envelope)?;
    Ok(decode_exact(&signed.body)?)
}

/// What a signed transaction does, how many events it has, and its id.
fn act_of(envelope: &[u8], chain_id: &Hash) -> Option<(&'static str, usize, String)> {
    let id = transaction::id_of_envelope(chain_id, envelope).ok()?;
    let (action, events) = match body_of(envelope).ok()?.action? {
        Action::CaptureEvents(capture) => {
            let action = match capture.handover {
                Some(Handover::Offer(_)) => "offer",
                Some(Handover::Claim(_)) => "claim",
                Some(Handover::Answer(answer)) => match answer.outcome() {
                    Outcome::Withdrawn => "withdraw",
                    Outcome::Rejected => "reject",
                    _ => "accept",
                },
                None => "capture",
            };
            (action, capture.events.len().max(1))
        }
        _ => ("declare", 1),
    };
    Some((action, events, hex::encode(id)))
}
