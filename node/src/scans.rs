//! Scans of things, which show where copies of a label are (docs/verdicts.md, "Copies"). Kept are a hash of the item, a
//! cell of half a degree, the hour, and a visitor's mark, never an address or an exact place. The mark is salted with
//! randomness that is drawn anew each day and kept nowhere, so that nobody tells who scanned what, and the marks of two
//! days can't be compared. Nothing of this enters the chain.
//!
//! A day's scans are one file: records of 32 bytes, one after another. While the day lasts it ends with `.open`; then
//! it is renamed and never changes, so that its hash can be deposited. Files are deleted after 60 days, by the last
//! block's time and not by a clock that jumped. A lost end costs scans and nothing else: it is cut off, and no disk is
//! synced for a scan.

pub mod rules;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use touchstone_core::hash::sha256;

use self::rules::{HOURS_A_DAY, Scan, ScanFinding, WINDOW_HOURS};

const HOUR_MS: u64 = 3_600_000;
/// Scans that are kept of one day: 640 kB, 38 MB in sixty days.
const MAX_A_DAY: usize = 20_000;
/// Scans of one thing that are kept, the newest.
const MAX_OF_THING: usize = 200;
/// Scans of one visitor that are kept of one day.
const MAX_OF_VISITOR: u32 = 100;
/// Bytes of a record: item's hash, row, column, hour, visitor.
const RECORD: usize = 32;
const ITEM: usize = 16;
const CLOSED: &str = "scans";
const OPEN: &str = "open";

/// A cell of half a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanCell {
    row: i16,
    column: i16,
}

impl ScanCell {
    /// The cell with these numbers (`Scan`); none where they are no place on earth.
    pub fn new(row: i64, column: i64) -> Option<ScanCell> {
        let row = i16::try_from(row)
            .ok()
            .filter(|row| (-180..=180).contains(row))?;
        let column = i16::try_from(column).ok();
        let column = column.filter(|column| (-360..=360).contains(column))?;
        Some(ScanCell { row, column })
    }
}

/// When a scan is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanTime {
    /// By this node's clock.
    pub clock_ms: u64,
    /// The last block's, on which more than 2/3 of the voting power agreed.
    pub block_ms: u64,
}

impl ScanTime {
    /// The last day that the clock is believed: the one after the last block's.
    fn last_day(self) -> u32 {
        day_of(self.block_ms).saturating_add(1)
    }
}

type ItemHash = [u8; ITEM];

/// The scans of the last sixty days.
pub struct ScanStore {
    folder: PathBuf,
    kept: Mutex<Kept>,
}

struct Kept {
    /// Days since 1970-01-01.
    day: u32,
    salt: [u8; 32],
    file: File,
    /// How many the file holds.
    today: usize,
    /// By visitor, of today.
    visitors: HashMap<u64, u32>,
    things: HashMap<ItemHash, Vec<Scan>>,
}

impl Kept {
    /// Writes a record after those that are whole. What a write that failed half-way left is cut off first: it would
    /// shift all records after it.
    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.file.set_len(length(self.today))?;
        self.file.write_all(record)?;
        self.today = self.today.saturating_add(1);
        Ok(())
    }
}

impl ScanStore {
    /// Opens the folder, which is made where it is missing, and reads what isn't older than sixty days.
    pub fn open(folder: &Path, time: ScanTime) -> io::Result<ScanStore> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        let now = day_of(time.clock_ms).min(time.last_day());
        let files = day_files(folder)?;
        // Where blocks were lost, or the clock was set back, no day begins again: its file would replace the first one.
        let last = files.last().map_or(0, |(day, path)| {
            day.saturating_add(u32::from(is_closed(path)))
        });
        let today = now.max(last);
        let mut things: HashMap<ItemHash, Vec<Scan>> = HashMap::new();
        let mut in_file = 0;
        for (day, path) in files {
            if is_over(day, now) {
                fs::remove_file(&path)?;
                continue;
            }
            let records = read_day(&path)?;
            if day == today {
                in_file = records.len();
            } else {
                close(&path)?;
            }
            for (item, scan) in records {
                let scans = things.entry(item).or_default();
                scans.push(scan);
                bound(scans);
            }
        }
        let kept = Kept {
            day: today,
            salt: salt()?,
            file: open_day(folder, today, in_file)?,
            today: in_file,
            visitors: HashMap::new(),
            things,
        };
        Ok(ScanStore {
            folder: folder.to_owned(),
            kept: Mutex::new(kept),
        })
    }

    /// Takes a scan, if it is one more than those kept, and tells what all scans of the item say.
    ///
    /// A second scan by one visitor in one cell on one day is none, and neither are those beyond the bounds of a day or
    /// a visitor, nor those on a day that the chain knows nothing of: they are judged by what is kept.
    pub fn take(
        &self,
        item: &str,
        cell: ScanCell,
        from: IpAddr,
        time: ScanTime,
    ) -> io::Result<Vec<ScanFinding>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let today = day_of(time.clock_ms);
        let is_believed = today <= time.last_day();
        if today > kept.day && is_believed {
            self.begin_day(&mut kept, today)?;
        }
        let visitor = mark(&kept.salt, from);
        let scan = Scan {
            row: cell.row,
            column: cell.column,
            hour: hour_of(time.clock_ms),
            visitor,
        };
        let item = hash_of(item);
        let known = kept
            .things
            .get(&item)
            .map(Vec::as_slice)
            .unwrap_or_default();
        let is_same = |one: &Scan| {
            one.visitor == visitor
                && (one.row, one.column) == (scan.row, scan.column)
                && one.hour / HOURS_A_DAY == scan.hour / HOURS_A_DAY
        };
        let is_new = !known.iter().any(is_same);
        let of_visitor = kept.visitors.get(&visitor).copied().unwrap_or_default();
        let has_room = kept.today < MAX_A_DAY && of_visitor < MAX_OF_VISITOR;
        if is_new && is_believed && has_room {
            kept.append(&record(&item, &scan))?;
            kept.visitors.insert(visitor, of_visitor.saturating_add(1));
            let scans = kept.things.entry(item).or_default();
            scans.push(scan);
            bound(scans);
        }
        let scans = kept
            .things
            .get(&item)
            .map(Vec::as_slice)
            .unwrap_or_default();
        Ok(rules::assess(scans))
    }

    /// Closes the day's file, draws another salt, and drops what is too old. Where that fails, the day hasn't begun,
    /// and the next scan tries again.
    fn begin_day(&self, kept: &mut Kept, today: u32) -> io::Result<()> {
        for (day, path) in day_files(&self.folder)? {
            if is_over(day, today) {
                fs::remove_file(&path)?;
            } else if day < today {
                close(&path)?;
            }
        }
        let (file, salt) = (open_day(&self.folder, today, 0)?, salt()?);
        (kept.file, kept.salt, kept.day) = (file, salt, today);
        kept.today = 0;
        kept.visitors.clear();
        let first = today
            .saturating_mul(HOURS_A_DAY)
            .saturating_sub(WINDOW_HOURS);
        kept.things.retain(|_, scans| {
            scans.retain(|scan| scan.hour >= first);
            !scans.is_empty()
        });
        Ok(())
    }
}

fn hour_of(now_ms: u64) -> u32 {
    u32::try_from(now_ms / HOUR_MS).unwrap_or(u32::MAX)
}

fn day_of(now_ms: u64) -> u32 {
    hour_of(now_ms) / HOURS_A_DAY
}

/// Whether a day's scans say nothing any more.
fn is_over(day: u32, today: u32) -> bool {
    today.saturating_sub(day) > WINDOW_HOURS / HOURS_A_DAY
}

fn bound(scans: &mut Vec<Scan>) {
    let over = scans.len().saturating_sub(MAX_OF_THING);
    scans.drain(..over);
}

fn salt() -> io::Result<[u8; 32]> {
    let mut salt = [0; 32];
    getrandom::fill(&mut salt).map_err(io::Error::other)?;
    Ok(salt)
}

/// A visitor's mark under a day's salt.
fn mark(salt: &[u8; 32], from: IpAddr) -> u64 {
    let address = match from {
        IpAddr::V4(v4) => v4.to_ipv6_mapped(),
        IpAddr::V6(v6) => v6,
    };
    let hash = sha256(&[salt.as_slice(), &address.octets()].concat());
    let first = hash.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first)
}

fn hash_of(item: &str) -> ItemHash {
    let hash = sha256(item.as_bytes());
    hash.first_chunk().copied().unwrap_or_default()
}

fn record(item: &ItemHash, scan: &Scan) -> Vec<u8> {
    let mut bytes = item.to_vec();
    bytes.extend(scan.row.to_be_bytes());
    bytes.extend(scan.column.to_be_bytes());
    bytes.extend(scan.hour.to_be_bytes());
    bytes.extend(scan.visitor.to_be_bytes());
    bytes
}

fn read_record(bytes: &[u8]) -> Option<(ItemHash, Scan)> {
    let (item, rest) = bytes.split_first_chunk::<ITEM>()?;
    let (row, rest) = rest.split_first_chunk()?;
    let (column, rest) = rest.split_first_chunk()?;
    let (hour, rest) = rest.split_first_chunk()?;
    let scan = Scan {
        row: i16::from_be_bytes(*row),
        column: i16::from_be_bytes(*column),
        hour: u32::from_be_bytes(*hour),
        visitor: u64::from_be_bytes(*rest.first_chunk()?),
    };
    Some((*item, scan))
}

/// The whole records of a file; an end that was cut off is none.
fn read_day(path: &Path) -> io::Result<Vec<(ItemHash, Scan)>> {
    let bytes = fs::read(path)?;
    Ok(bytes.chunks_exact(RECORD).filter_map(read_record).collect())
}

/// The name of a day's file: its number of days since 1970-01-01.
fn day_path(folder: &Path, day: u32, ending: &str) -> PathBuf {
    folder.join(format!("{day}.{ending}"))
}

/// The files of days, the oldest first.
fn day_files(folder: &Path) -> io::Result<Vec<(u32, PathBuf)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if let Some((day, CLOSED | OPEN)) = name.split_once('.')
            && let Ok(day) = day.parse()
        {
            found.push((day, path));
        }
    }
    found.sort();
    Ok(found)
}

/// Opens a day's file for one more record after those that are whole.
fn open_day(folder: &Path, day: u32, records: usize) -> io::Result<File> {
    let mut options = OpenOptions::new();
    let path = day_path(folder, day, OPEN);
    let file = options.append(true).create(true).mode(0o600).open(path)?;
    file.set_len(length(records))?;
    Ok(file)
}

/// The bytes of so many records.
fn length(records: usize) -> u64 {
    records.saturating_mul(RECORD) as u64
}

/// Whether a day's file has its last name.
fn is_closed(path: &Path) -> bool {
    path.extension().is_none_or(|ending| ending != OPEN)
}

/// Gives the file of a day that is over its last name: it holds whole records from then on, and never changes.
fn close(path: &Path) -> io::Result<()> {
    if is_closed(path) {
        return Ok(());
    }
    let file = OpenOptions::new().write(true).open(path)?;
    let bytes = file.metadata()?.len();
    file.set_len(bytes - bytes % RECORD as u64)?;
    fs::rename(path, path.with_extension(CLOSED))
}

#[cfg(test)]
mod tests;
