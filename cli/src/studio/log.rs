//! The log of a studio: a line of JSON for each draft, with the draft's exact bytes, the head that it leads to, and the
//! names of its files with the salts that hide them. It is appended to, synced, and read whole before it is trusted.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use prost::Message;
use serde::{Deserialize, Serialize};
use touchstone_client::durable_file::sync_folder_of;
use touchstone_client::verification::NotVerified;
use touchstone_core::designs::drafts::{self, ReadDraft, START};
use touchstone_core::designs::limits::{MAX_DRAFT_FILES, MAX_DRAFTS};
use touchstone_core::hash::{self, Hash};
use touchstone_proto::evidence::{Draft, DraftFile};

use super::scan::StudioFile;
use crate::failure::Failure;
use crate::file;
use crate::keyfile;
use crate::receipt;

/// Where the log lies in the studio's folder.
pub const LOG: &str = ".touchstone/drafts.jsonl";
/// A log is not larger, bytes: as many drafts as a deposit covers, each as large as one may be in hex, fit.
const MAX_LOG_BYTES: u64 = 16 << 30;

/// A line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    /// The draft's number, for people: it stands in `draft`.
    number: u64,
    /// The head behind it.
    head: String,
    /// Its exact bytes in hex.
    draft: String,
    /// Its files' names.
    names: Vec<Named>,
}

/// A file's name, and the salt of its digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// The path in the studio's folder, with `/` between its parts.
    pub name: String,
    /// 32 random bytes in hex, the same in all drafts.
    pub salt: String,
}

/// What stands in a draft for a name: nobody guesses the name from it.
fn digest(name: &str, salt: &Hash) -> Hash {
    hash::concatenated(&[salt, name.as_bytes()])
}

/// What the log tells.
#[derive(Clone, Debug, Default)]
pub struct StudioLog {
    /// The drafts' exact bytes.
    pub entries: Vec<Vec<u8>>,
    /// The same, read.
    pub drafts: Vec<ReadDraft>,
    /// Files that are there by the last draft: SHA-256 and size by name.
    pub files: BTreeMap<String, (Hash, u64)>,
    /// Salts by name.
    salts: BTreeMap<String, Hash>,
    /// Bytes of the whole lines.
    whole: u64,
    /// Bytes of a last line that a power cut or a kill broke off.
    pub torn: u64,
}

/// A log that this process alone appends to.
pub struct OpenedLog {
    /// What it tells so far.
    pub log: StudioLog,
    file: File,
    path: PathBuf,
}

impl StudioLog {
    /// The head, and how many drafts lead to it.
    pub fn head(&self) -> Option<(usize, Hash)> {
        let last = self.drafts.last()?;
        Some((self.drafts.len(), last.head))
    }

    /// Reads the log of a studio's folder; one that isn't there tells nothing. A line that doesn't follow from the one
    /// before it is refused by its number.
    pub fn read(folder: &Path) -> Result<StudioLog, Failure> {
        let path = folder.join(LOG);
        match File::open(&path) {
            Ok(file) => read(file, &path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(StudioLog::default()),
            Err(error) => Err(Failure::io("reading", &path, &error)),
        }
    }

    /// Takes a line that follows.
    fn take(&mut self, text: &[u8]) -> Result<(), String> {
        let number = self.drafts.len().saturating_add(1);
        let line: Line = serde_json::from_slice(text)
            .map_err(|e| format!("draft {number}: not a line of the log: {e}"))?;
        let entry = hex::decode(&line.draft).map_err(|_| format!("draft {number}: not hex"))?;
        let previous = self.drafts.last().map_or(START, |draft| draft.head);
        let read = drafts::follow(number, &previous, &entry).map_err(|e| e.to_string())?;
        if line.head != hex::encode(read.head) || line.number != read.draft.number {
            return Err(format!(
                "draft {number} was altered: its bytes don't give the head beside them"
            ));
        }
        let names = names(&line.names, &read.draft.files).ok_or_else(|| {
            format!("draft {number}: the names beside it aren't those of its files")
        })?;
        for (name, salt, file) in names {
            if self
                .salts
                .insert(name.clone(), salt)
                .is_some_and(|before| before != salt)
            {
                return Err(format!(
                    "draft {number}: the file {name:?} has another salt than before"
                ));
            }
            match Hash::try_from(file.sha256.as_slice()) {
                Ok(sha256) => drop(self.files.insert(name, (sha256, file.bytes))),
                Err(_) => drop(self.files.remove(&name)),
            }
        }
        self.entries.push(entry);
        self.drafts.push(read);
        Ok(())
    }

    /// What changed since the last draft: files that are new, have other content, or are gone.
    pub fn changes(
        &self,
        found: &BTreeMap<String, StudioFile>,
    ) -> Vec<(String, Option<(Hash, u64)>)> {
        let mut changes = Vec::new();
        for (name, file) in found {
            if self.files.get(name) != Some(&(file.sha256, file.bytes)) {
                changes.push((name.clone(), Some((file.sha256, file.bytes))));
            }
        }
        let gone = self.files.keys().filter(|name| !found.contains_key(*name));
        changes.extend(gone.map(|name| (name.clone(), None)));
        changes
    }
}

/// Names with their salts and files, where they are the draft's.
fn names<'a>(
    named: &[Named],
    files: &'a [DraftFile],
) -> Option<Vec<(String, Hash, &'a DraftFile)>> {
    let mut found = Vec::with_capacity(files.len());
    for named in named {
        let salt = receipt::bytes("salt", &named.salt).ok()?;
        let digest = digest(&named.name, &salt);
        let file = files.iter().find(|file| file.name == digest)?;
        found.push((named.name.clone(), salt, file));
    }
    let distinct: std::collections::BTreeSet<_> = found.iter().map(|(name, _, _)| name).collect();
    (distinct.len() == files.len() && found.len() == files.len()).then_some(found)
}

fn read(file: File, path: &Path) -> Result<StudioLog, Failure> {
    let failed = |e: std::io::Error| Failure::io("reading", path, &e);
    let size = file.metadata().map_err(failed)?.len();
    if size > MAX_LOG_BYTES {
        return Err(Failure::Usage(format!(
            "{}: {size} bytes are too many for a log of drafts",
            path.display()
        )));
    }
    let mut file = BufReader::new(file.take(MAX_LOG_BYTES));
    let mut log = StudioLog::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let bytes = file.read_until(b'\n', &mut line).map_err(failed)? as u64;
        let Some(text) = line.strip_suffix(b"\n") else {
            // A line is whole only with its end: what was being written when the power went was never spoken of.
            log.torn = bytes;
            return Ok(log);
        };
        log.take(text)
            .map_err(|why| NotVerified::Contradiction(format!("{}: {why}", path.display())))?;
        log.whole += bytes;
    }
}

impl OpenedLog {
    /// Opens a studio's log to append, makes it where there is none, and drops a line that was broken off.
    pub fn open(folder: &Path) -> Result<OpenedLog, Failure> {
        let path = folder.join(LOG);
        let failed = |e: std::io::Error| Failure::io("opening", &path, &e);
        file::create_private_folder(path.parent().unwrap_or(folder))?;
        let mut options = OpenOptions::new();
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let options = options.read(true).write(true).create(true).truncate(false);
        let file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::Usage(format!(
                    "{}: another touchstone studio watches this folder",
                    path.display()
                )));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        sync_folder_of(&path).map_err(failed)?;
        let log = read(file.try_clone().map_err(failed)?, &path)?;
        if log.torn > 0 {
            file.set_len(log.whole)
                .and_then(|()| file.sync_all())
                .map_err(failed)?;
        }
        Ok(OpenedLog { log, file, path })
    }

    /// Appends changes as drafts, each on the disk before the next begins. Many files are several drafts.
    pub fn append(
        &mut self,
        changes: &[(String, Option<(Hash, u64)>)],
        words: &Words,
        time_ms: u64,
    ) -> Result<(), Failure> {
        for part in changes.chunks(MAX_DRAFT_FILES) {
            self.append_one(part, words, time_ms)?;
        }
        Ok(())
    }

    fn append_one(
        &mut self,
        changes: &[(String, Option<(Hash, u64)>)],
        words: &Words,
        time_ms: u64,
    ) -> Result<(), Failure> {
        if self.log.drafts.len() >= MAX_DRAFTS {
            return Err(Failure::Usage(format!(
                "a deposit covers {MAX_DRAFTS} drafts: deposit this studio (touchstone studio deposit) and begin \
                 another folder"
            )));
        }
        let mut named = Vec::with_capacity(changes.len());
        for (name, content) in changes {
            let salt = match self.log.salts.get(name) {
                Some(salt) => *salt,
                None => *keyfile::random::<32>()?,
            };
            let (sha256, bytes) = match content {
                Some((sha256, bytes)) => (sha256.to_vec(), *bytes),
                None => (Vec::new(), 0),
            };
            let file = DraftFile {
                name: digest(name, &salt).to_vec(),
                sha256,
                bytes,
            };
            let name = Named {
                name: name.clone(),
                salt: hex::encode(salt),
            };
            named.push((file, name));
        }
        named.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let (files, names) = named.into_iter().unzip();
        let number = self.log.drafts.len() as u64 + 1;
        let previous = self.log.drafts.last().map_or(START, |draft| draft.head);
        let entry = Draft {
            number,
            previous: previous.to_vec(),
            time_ms,
            who: words.who.clone(),
            device: words.device.clone(),
            tool: words.tool.clone(),
            files,
        }
        .encode_to_vec();
        let line = Line {
            number,
            head: hex::encode(drafts::head(&entry)),
            draft: hex::encode(&entry),
            names,
        };
        let mut text = serde_json::to_vec(&line)
            .map_err(|e| Failure::Usage(format!("draft {number}: {e}")))?;
        // By the same rules that a reader of the log, and of evidence, goes by.
        self.log.take(&text).map_err(Failure::Usage)?;
        text.push(b'\n');
        let failed = |e: std::io::Error| Failure::io("writing", &self.path, &e);
        self.file
            .seek(SeekFrom::Start(self.log.whole))
            .and_then(|_| self.file.write_all(&text))
            .and_then(|()| self.file.sync_data())
            .map_err(failed)?;
        self.log.whole += text.len() as u64;
        Ok(())
    }
}

/// What each draft says of its circumstances, in the designer's words.
#[derive(Clone, Debug)]
pub struct Words {
    /// Who works here.
    pub who: String,
    /// On what machine.
    pub device: String,
    /// With what program the drafts were recorded.
    pub tool: String,
}
