//! The journal of a capture: every transaction's exact bytes before they are sent, and what
//! became of it. One JSON object on each line; a last line that a crash cut off or damaged is dropped.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use touchstone_core::hash::{Hash, sha256};

use super::error::CaptureError;
use super::event::EventRefusal;
use crate::durable_file::open_log;

const FORMAT: &str = "touchstone/capture-journal/v1";

/// An event's place in the input: its file and its index there.
pub type Origin = (String, usize);

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
enum Line {
    Head {
        format: String,
        chain_id: String,
        organisation: String,
    },
    Sent {
        id: String,
        envelope: String,
        events: Vec<Origin>,
    },
    Recorded {
        id: String,
        height: u64,
        index: u32,
        time_ms: u64,
    },
    Rejected {
        id: String,
        code: u32,
        rule: String,
        message: String,
    },
    Refused {
        event: Origin,
        sha256: String,
        code: u32,
        rule: String,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<String>,
    },
}

/// What a transaction came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// In the ledger.
    Recorded {
        /// Height of its block.
        height: u64,
        /// Index in the block.
        index: u32,
        /// Time of the block, milliseconds.
        time_ms: u64,
    },
    /// Refused.
    Rejected,
}

/// A transaction of an earlier run.
#[derive(Clone, Debug)]
pub struct Past {
    /// Its id.
    pub id: Hash,
    /// Its exact bytes.
    pub envelope: Vec<u8>,
    /// Its events.
    pub events: Vec<Origin>,
    /// What it came to, if that was heard.
    pub fate: Option<Fate>,
}

/// A refused event of an earlier run.
#[derive(Clone, Debug)]
pub struct PastRefusal {
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Why it was refused.
    pub refusal: EventRefusal,
    /// The node on whose word; none where it is wrong in itself.
    pub node: Option<String>,
}

/// What earlier runs left.
#[derive(Clone, Debug, Default)]
pub struct JournalHistory {
    /// Transactions, in the order they were sent.
    pub sent: Vec<Past>,
    /// Refused events.
    pub refused: BTreeMap<Origin, PastRefusal>,
}

/// An open journal; nobody else writes to it meanwhile.
pub struct Journal {
    file: File,
    path: PathBuf,
}

impl Journal {
    /// Opens or begins the journal for this chain and organisation.
    pub fn open(
        path: &Path,
        chain_id: &Hash,
        organisation: &str,
    ) -> Result<(Journal, JournalHistory), CaptureError> {
        let failed = |e| CaptureError::journal("opening the journal", path, e);
        let mut file = open_log(path).map_err(failed)?;
        file.try_lock()
            .map_err(|_| CaptureError::JournalInUse(path.to_owned()))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(failed)?;
        if !is_journal(&text) {
            return Err(CaptureError::NoJournal(path.to_owned()));
        }
        let whole = whole_lines(&text);
        text.truncate(whole);
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut journal = Journal {
            file,
            path: path.to_owned(),
        };
        let history = journal.read(&text, chain_id, organisation)?;
        if text.is_empty() {
            journal.append(&Line::Head {
                format: FORMAT.to_owned(),
                chain_id: hex::encode(chain_id),
                organisation: organisation.to_owned(),
            })?;
        }
        Ok((journal, history))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A transaction is about to be sent.
    pub fn sent(
        &mut self,
        id: &Hash,
        envelope: &[u8],
        events: Vec<Origin>,
    ) -> Result<(), CaptureError> {
        self.append(&Line::Sent {
            id: hex::encode(id),
            envelope: hex::encode(envelope),
            events,
        })
    }

    /// A transaction is in the ledger.
    pub fn recorded(
        &mut self,
        id: &Hash,
        height: u64,
        index: u32,
        time_ms: u64,
    ) -> Result<(), CaptureError> {
        self.append(&Line::Recorded {
            id: hex::encode(id),
            height,
            index,
            time_ms,
        })
    }

    /// A transaction was refused.
    pub fn rejected(&mut self, id: &Hash, refusal: &EventRefusal) -> Result<(), CaptureError> {
        self.append(&Line::Rejected {
            id: hex::encode(id),
            code: refusal.code,
            rule: refusal.rule.clone(),
            message: refusal.message.clone(),
        })
    }

    /// These bytes of an event were refused: on this node's word, or for good, as they are wrong in themselves.
    pub fn refused(
        &mut self,
        event: Origin,
        bytes: &[u8],
        refusal: &EventRefusal,
        node: Option<&str>,
    ) -> Result<(), CaptureError> {
        self.append(&Line::Refused {
            event,
            sha256: hex::encode(sha256(bytes)),
            code: refusal.code,
            rule: refusal.rule.clone(),
            message: refusal.message.clone(),
            node: node.map(str::to_owned),
        })
    }

    fn append(&mut self, line: &Line) -> Result<(), CaptureError> {
        let failed = |e| CaptureError::journal("writing the journal", &self.path, e);
        let mut text = serde_json::to_vec(line).map_err(|e| failed(e.into()))?;
        text.push(b'\n');
        self.file
            .write_all(&text)
            .and_then(|()| self.file.sync_data())
            .map_err(failed)
    }

    fn read(
        &self,
        text: &[u8],
        chain_id: &Hash,
        organisation: &str,
    ) -> Result<JournalHistory, CaptureError> {
        let wrong = |line: usize, reason| CaptureError::JournalLine {
            path: self.path.clone(),
            line,
            reason,
        };
        let mut history = JournalHistory::default();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        let lines = text.split(|b| *b == b'\n').filter(|l| !l.is_empty());
        for (number, line) in (1..).zip(lines) {
            let line: Line = serde_json::from_slice(line)
                .map_err(|_| wrong(number, "not a line of a capture journal"))?;
            match line {
                Line::Head {
                    format,
                    chain_id: chain,
                    organisation: acting,
                } => {
                    if format != FORMAT {
                        return Err(wrong(number, "a journal of another format"));
                    }
                    if chain != hex::encode(chain_id) || acting != organisation {
                        return Err(wrong(number, "of another chain or organisation"));
                    }
                }
                _ if number == 1 => return Err(wrong(number, "not a capture journal")),
                Line::Sent {
                    id,
                    envelope,
                    events,
                } => {
                    places.insert(id.clone(), history.sent.len());
                    history.sent.push(Past {
                        id: hash(&id).ok_or_else(|| wrong(number, "not a transaction id"))?,
                        envelope: hex::decode(&envelope)
                            .map_err(|_| wrong(number, "not an envelope"))?,
                        events,
                        fate: None,
                    });
                }
                Line::Recorded {
                    id,
                    height,
                    index,
                    time_ms,
                } => {
                    let past = places.get(&id).and_then(|i| history.sent.get_mut(*i));
                    past.ok_or_else(|| wrong(number, "of a transaction that wasn't sent"))?
                        .fate = Some(Fate::Recorded {
                        height,
                        index,
                        time_ms,
                    });
                }
                Line::Rejected { id, .. } => {
                    let past = places.get(&id).and_then(|i| history.sent.get_mut(*i));
                    past.ok_or_else(|| wrong(number, "of a transaction that wasn't sent"))?
                        .fate = Some(Fate::Rejected);
                }
                Line::Refused {
                    event,
                    sha256,
                    code,
                    rule,
                    message,
                    node,
                } => {
                    let past = PastRefusal {
                        sha256,
                        refusal: EventRefusal {
                            code,
                            rule,
                            message,
                        },
                        node,
                    };
                    history.refused.insert(event, past);
                }
            }
        }
        Ok(history)
    }
}

/// Whether a file is empty, or begins as a journal does. A crash may have cut its first line off, or
/// have left it empty.
fn is_journal(text: &[u8]) -> bool {
    const BEGINNING: &[u8] = b"{\"head\":";
    match text.iter().position(|b| *b == b'\n') {
        Some(end) => text.get(..end).is_some_and(|line| owner(line).is_some()),
        None => {
            let cut = BEGINNING.starts_with(text) || text.starts_with(BEGINNING);
            cut || text.iter().all(|b| *b == 0)
        }
    }
}

/// Bytes up to the end of the last line that is one. A crash may cut the last line off, and a power
/// cut may leave one with holes: it wasn't synced, so nothing was done on its word.
fn whole_lines(text: &[u8]) -> usize {
    let ended = text.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let Some(last) = text.get(..ended.saturating_sub(1)) else {
        return 0;
    };
    let begins = last.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
    let is_line = text
        .get(begins..ended)
        .is_some_and(|line| serde_json::from_slice::<Line>(line).is_ok());
    if is_line { ended } else { begins }
}

/// The chain's id in hexadecimal and the organisation that a journal's first line names.
pub fn owner(head: &[u8]) -> Option<(String, String)> {
    match serde_json::from_slice(head).ok()? {
        Line::Head {
            chain_id,
            organisation,
            ..
        } => Some((chain_id, organisation)),
        _ => None,
    }
}

/// How many transactions a journal tells of.
pub fn transactions(text: &[u8]) -> usize {
    let lines = text.split(|b| *b == b'\n');
    let sent = |line: &&[u8]| matches!(serde_json::from_slice(line), Ok(Line::Sent { .. }));
    lines.filter(sent).count()
}

fn hash(text: &str) -> Option<Hash> {
    hex::decode(text).ok()?.try_into().ok()
}
