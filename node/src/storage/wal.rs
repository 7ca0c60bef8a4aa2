//! The write-ahead log of consensus: what this node received and did at one height, so that after
//! a crash it walks the same way again.
//!
//! # Files
//!
//! Two files take turns, one height each, so that starting a height never touches the one before:
//!
//! ```text
//! wal-0, wal-1   header:  magic[8] version[4] height[8] check[32]
//!                entries: (length[4] bytes[length] chain[32])*
//! wal-mark       two slots of: magic[8] sequence[8] height[8] length[8] chain[32] check[32]
//! ```
//!
//! Integers are little-endian. `check` is a SHA-256 over what stands before it; `chain` is one
//! over the entry and the chain before it, starting from the header's check, so an entry is valid
//! only at its height and behind all entries before it.
//!
//! # A torn tail or damage
//!
//! A crash may leave the unsynced end of a file in any state: that tail is cut off. What was
//! synced must be there: if it isn't, the disk has changed it, and the node must not start as if
//! it had never been written. The mark tells the two apart. It is written *after* a sync and says
//! how far the log was durable then, so it never claims too much. It costs no sync of its own: the
//! operating system writes it soon, and a mark that a power cut took away only means that the last
//! batch is examined less strictly.
//!
//! Starting a height needs no sync either, and writes nothing: header and entries wait in memory for the next sync,
//! which writes them at once. Before the first one of a height the old file is untouched and still counts, and
//! whoever syncs can first make durable what the old height led to. A height that is left before anything of
//! it was synced has never been in a file.
//!
//! A file keeps its length: a height overwrites what the one before the last left, which can't be taken for its own
//! entries, since their chain begins at another header. To cut a file and let it grow again would cost the file system
//! two writes of its journal, as long as two syncs. What is left of a large block is cut off, and what this process
//! hasn't written itself.

use thiserror::Error;
use touchstone_core::Fault;
use touchstone_core::hash::{self, Hash};

use super::Disk;

const FILES: [&str; 2] = ["wal-0", "wal-1"];
const MARK: &str = "wal-mark";

/// The name of one of the two files.
fn name(file: usize) -> &'static str {
    let [first, second] = FILES;
    match file {
        0 => first,
        _ => second,
    }
}

const MAGIC: &[u8; 8] = b"TSTN-WAL";
const MARK_MAGIC: &[u8; 8] = b"TSTN-MRK";
const VERSION: u32 = 1;

const HEADER_TAG: &str = "touchstone/wal-header/v1";
const ENTRY_TAG: &str = "touchstone/wal-entry/v1";
const MARK_TAG: &str = "touchstone/wal-mark/v1";

/// A file longer than this is cut when its turn comes: it is read whole when the log is opened.
const KEPT: u64 = 4 << 20;

const CHECK: usize = 32;
const HEADER: usize = 8 + 4 + 8 + CHECK;
const SLOT: usize = 8 + 8 + 8 + 8 + 32 + CHECK;

/// The log, open for writing.
#[derive(Debug)]
pub struct Wal<D: Disk> {
    disk: D,
    /// Index of the current file.
    file: usize,
    height: u64,
    /// Bytes of the current file that count, with those that wait.
    length: u64,
    /// What the next sync writes at the file's end.
    pending: Vec<u8>,
    /// Bytes that each file has on the disk; none where that isn't known.
    on_disk: [Option<u64>; 2],
    chain: Hash,
    /// Whether something of the current file was ever synced.
    durable: bool,
    /// Sequence number of the last mark.
    sequence: u64,
}

/// What tells the log's two files from every copy of them; 0 for a file if the disk doesn't know.
pub type LogIdentity = [u64; 2];

/// What the log held when it was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveredLog {
    /// The height; 0 in a new log.
    pub height: u64,
    /// The entries of that height, in order. All are durable.
    pub entries: Vec<Vec<u8>>,
}

/// Why the log can't be used. The node doesn't start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WalError {
    /// Bytes that were durable have changed.
    #[error("the write-ahead log is damaged at byte {offset}: {reason}")]
    Damaged {
        /// Where, from the file's start.
        offset: u64,
        /// What is wrong.
        reason: &'static str,
    },
    /// Written by a newer program.
    #[error("the write-ahead log has version {0}; this program reads version {VERSION}")]
    Version(u32),
    /// The disk failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Names of the log's files.
pub const LOG_FILES: [&str; 3] = ["wal-0", "wal-1", MARK];

const NO_HEADER: WalError = WalError::Damaged {
    offset: 0,
    reason: "a log was synced but its header is unreadable or its file is missing",
};

impl<D: Disk> Wal<D> {
    /// Opens the log, or a new one at height 0. A torn tail is cut off; everything that is
    /// answered is durable, and so are both files.
    pub fn open(disk: D) -> Result<(Wal<D>, RecoveredLog), WalError> {
        let mark = read_mark(&disk)?;
        let log = newest(&disk)?;
        match (&log, &mark) {
            (None, Some(_)) => return Err(NO_HEADER),
            (Some(log), Some(mark)) => check_mark(log, mark)?,
            (_, None) => {}
        }
        let mut wal = empty(disk);
        for name in FILES {
            if wal.disk.identity(name)?.is_none() {
                wal.disk.truncate(name, 0)?;
                wal.disk.sync(name)?;
            }
        }
        let Some(log) = log else {
            return Ok((wal, RecoveredLog::default()));
        };
        wal.file = log.file;
        wal.height = log.height;
        wal.length = log.length;
        wal.chain = log.chain;
        wal.sequence = mark.map_or(0, |m| m.sequence);
        if log.torn {
            wal.disk.truncate(name(wal.file), wal.length)?;
        }
        wal.sync()?;
        wal.disk.sync(MARK)?;
        let recovered = RecoveredLog {
            height: log.height,
            entries: log.entries,
        };
        Ok((wal, recovered))
    }

    /// What tells its files from copies.
    pub fn identity(&self) -> Result<LogIdentity, Fault> {
        let [first, second] = FILES.map(|name| self.disk.identity(name));
        Ok([first?.unwrap_or(0), second?.unwrap_or(0)])
    }

    /// Checks the log as [`Wal::open`] does, and writes nothing; its height.
    pub fn examine(disk: &D) -> Result<u64, WalError> {
        match (newest(disk)?, read_mark(disk)?) {
            (None, Some(_)) => Err(NO_HEADER),
            (None, None) => Ok(0),
            (Some(log), mark) => {
                if let Some(mark) = &mark {
                    check_mark(&log, mark)?;
                }
                Ok(log.height)
            }
        }
    }

    /// Forgets the entries and starts a later height. Durable with the next [`Wal::sync`]; a crash
    /// before leaves the old height.
    pub fn start_height(&mut self, height: u64) -> Result<(), Fault> {
        if height <= self.height {
            return Err(Fault::Invariant(format!(
                "the write-ahead log is at height {} and can't start {height}",
                self.height
            )));
        }
        let (header, check) = encode_header(height);
        if self.durable {
            self.file = 1 - self.file;
        }
        self.height = height;
        self.length = HEADER as u64;
        self.pending = header;
        self.chain = check;
        self.durable = false;
        Ok(())
    }

    /// Appends an entry. Not durable before [`Wal::sync`].
    pub fn append(&mut self, entry: &[u8]) -> Result<(), Fault> {
        if self.height == 0 {
            return Err(Fault::Invariant(
                "the write-ahead log has not started a height".into(),
            ));
        }
        let length = u32::try_from(entry.len())
            .map_err(|_| Fault::Invariant("a log entry of 4 GiB or more".into()))?;
        let chain = extend(&self.chain, entry);
        self.pending.extend_from_slice(&length.to_le_bytes());
        self.pending.extend_from_slice(entry);
        self.pending.extend_from_slice(&chain);
        self.length += (4 + entry.len() + CHECK) as u64;
        self.chain = chain;
        Ok(())
    }

    /// Makes everything appended durable. Costs nothing where it is already.
    pub fn sync(&mut self) -> Result<(), Fault> {
        if self.height == 0 || (self.durable && self.pending.is_empty()) {
            return Ok(());
        }
        self.write()?;
        self.disk.sync(name(self.file))?;
        self.durable = true;
        self.sequence += 1;
        let offset = (self.sequence % 2) * SLOT as u64;
        let mark = Mark {
            sequence: self.sequence,
            height: self.height,
            length: self.length,
            chain: self.chain,
        };
        self.disk.write_at(MARK, offset, &encode_mark(&mark))
    }

    /// Writes what waits. A height's first writing overwrites what an earlier one left in the file.
    fn write(&mut self) -> Result<(), Fault> {
        let waiting = self.pending.len() as u64;
        let start = self.length.saturating_sub(waiting);
        let known = self.on_disk.get(self.file).copied().flatten();
        let is_first = start == 0;
        let mut left = known;
        if is_first && known.is_none_or(|length| length > KEPT) {
            self.disk.truncate(name(self.file), 0)?;
            left = Some(0);
        }
        if waiting > 0 {
            self.disk.write_at(name(self.file), start, &self.pending)?;
            self.pending.clear();
        }
        if let Some(known) = self.on_disk.get_mut(self.file) {
            *known = left.map(|left| left.max(self.length));
        }
        Ok(())
    }

    /// The height that was started last; 0 in a new log.
    pub fn height(&self) -> u64 {
        self.height
    }
}

fn empty<D: Disk>(disk: D) -> Wal<D> {
    Wal {
        disk,
        file: 0,
        height: 0,
        length: 0,
        pending: Vec::new(),
        on_disk: [None; 2],
        chain: [0; 32],
        durable: false,
        sequence: 0,
    }
}

/// A file's valid part.
struct Log {
    file: usize,
    height: u64,
    entries: Vec<Vec<u8>>,
    /// The chain after the header and after each entry, with the byte at which it ends.
    ends: Vec<(u64, Hash)>,
    length: u64,
    chain: Hash,
    /// Whether something stands behind the valid part.
    torn: bool,
}

/// The file with the greatest height among those with a valid header.
fn newest<D: Disk>(disk: &D) -> Result<Option<Log>, WalError> {
    let mut newest: Option<(usize, u64, Hash, Vec<u8>)> = None;
    for (file, name) in FILES.iter().enumerate() {
        let Some(bytes) = disk.read(name)? else {
            continue;
        };
        if let Some((height, check)) = read_header(&bytes)?
            && newest.as_ref().is_none_or(|(_, best, ..)| height > *best)
        {
            newest = Some((file, height, check, bytes));
        }
    }
    Ok(newest.map(|(file, height, check, bytes)| read_entries(file, height, check, &bytes)))
}

fn encode_header(height: u64) -> (Vec<u8>, Hash) {
    let mut header = Vec::with_capacity(HEADER);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&height.to_le_bytes());
    let check = hash::tagged(HEADER_TAG, &[&header]);
    header.extend_from_slice(&check);
    (header, check)
}

/// Height and check; none if the header is torn or damaged.
fn read_header(bytes: &[u8]) -> Result<Option<(u64, Hash)>, WalError> {
    let mut rest = bytes;
    let parts = (
        take::<8>(&mut rest),
        take::<4>(&mut rest),
        take::<8>(&mut rest),
        take::<CHECK>(&mut rest),
    );
    let (Some(magic), Some(version), Some(height), Some(check)) = parts else {
        return Ok(None);
    };
    if magic != *MAGIC || hash::tagged(HEADER_TAG, &[&magic, &version, &height]) != check {
        return Ok(None);
    }
    match u32::from_le_bytes(version) {
        VERSION => Ok(Some((u64::from_le_bytes(height), check))),
        other => Err(WalError::Version(other)),
    }
}

fn read_entries(file: usize, height: u64, check: Hash, bytes: &[u8]) -> Log {
    let mut rest = bytes.get(HEADER..).unwrap_or_default();
    let mut chain = check;
    let mut length = HEADER as u64;
    let mut entries = Vec::new();
    let mut ends = vec![(length, chain)];
    while let Some((entry, next)) = read_entry(&mut rest, &chain) {
        length += (4 + entry.len() + CHECK) as u64;
        chain = next;
        ends.push((length, chain));
        entries.push(entry.to_vec());
    }
    Log {
        file,
        height,
        entries,
        ends,
        length,
        chain,
        torn: length != bytes.len() as u64,
    }
}

fn read_entry<'a>(rest: &mut &'a [u8], chain: &Hash) -> Option<(&'a [u8], Hash)> {
    let mut ahead = *rest;
    let length = u32::from_le_bytes(take::<4>(&mut ahead)?);
    let (entry, mut ahead) = ahead.split_at_checked(usize::try_from(length).ok()?)?;
    let found = take::<CHECK>(&mut ahead)?;
    if found != extend(chain, entry) {
        return None;
    }
    *rest = ahead;
    Some((entry, found))
}

fn extend(chain: &Hash, entry: &[u8]) -> Hash {
    hash::tagged(ENTRY_TAG, &[chain, entry])
}

/// How far a height was durable.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    sequence: u64,
    height: u64,
    length: u64,
    chain: Hash,
}

fn encode_mark(mark: &Mark) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(SLOT);
    bytes.extend_from_slice(MARK_MAGIC);
    bytes.extend_from_slice(&mark.sequence.to_le_bytes());
    bytes.extend_from_slice(&mark.height.to_le_bytes());
    bytes.extend_from_slice(&mark.length.to_le_bytes());
    bytes.extend_from_slice(&mark.chain);
    let check = hash::tagged(MARK_TAG, &[&bytes]);
    bytes.extend_from_slice(&check);
    bytes
}

/// The newest valid mark. A torn or damaged one is no mark: the entries it spoke of carry their
/// own checks.
fn read_mark<D: Disk>(disk: &D) -> Result<Option<Mark>, Fault> {
    let bytes = disk.read(MARK)?.unwrap_or_default();
    Ok(bytes
        .chunks_exact(SLOT)
        .take(2)
        .filter_map(decode_mark)
        .max_by_key(|mark| mark.sequence))
}

fn decode_mark(slot: &[u8]) -> Option<Mark> {
    let mut rest = slot;
    let magic = take::<8>(&mut rest)?;
    let mark = Mark {
        sequence: u64::from_le_bytes(take(&mut rest)?),
        height: u64::from_le_bytes(take(&mut rest)?),
        length: u64::from_le_bytes(take(&mut rest)?),
        chain: take(&mut rest)?,
    };
    (magic == *MARK_MAGIC && encode_mark(&mark) == slot).then_some(mark)
}

/// What the mark says was durable must be there. A mark of an earlier height says nothing: its
/// file may have been reused.
fn check_mark(log: &Log, mark: &Mark) -> Result<(), WalError> {
    if mark.height < log.height || log.ends.contains(&(mark.length, mark.chain)) {
        return Ok(());
    }
    Err(WalError::Damaged {
        offset: log.length.min(mark.length),
        reason: "what was synced is not there, or not as it was",
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}

#[cfg(test)]
mod tests;
