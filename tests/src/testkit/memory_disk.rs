//! A disk in memory that loses in a power cut what was not synced, in part and out of order, as a real
//! one may.
//!
//! Model: each 512-byte sector of a file is written as a whole, and after a power cut holds what
//! it held at *some* moment since the last sync; so does the file's length. Sectors choose their
//! moments independently. A file that was never synced may also be missing.
//!
//! The simulation uses it, and the node's own tests, which compile this file as a part of the node.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use touchstone_core::Fault;
use touchstone_node::storage::Disk;

const SECTOR: usize = 512;

/// Writes that stay in memory; the operating system writes older ones out by itself.
const MAX_PENDING: usize = 48;

/// What a crash does to what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing is lost: the process was killed, the machine runs on.
    Nothing,
    /// All of it is lost.
    Everything,
    /// Any part of it, by sectors.
    Parts,
}

impl Loss {
    /// How many of some writes in a row are there afterwards, where each needs those before it; `choose` gives a number
    /// below its argument.
    pub fn kept(self, writes: usize, choose: impl FnOnce(usize) -> usize) -> usize {
        match self {
            Loss::Nothing => writes,
            Loss::Everything => 0,
            Loss::Parts => choose(writes + 1),
        }
    }
}

/// What a sync says that it has done, and hasn't.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FalseSync {
    /// Nothing is durable.
    Skipped,
    /// Nothing of the files whose names start like this.
    SkippedFor(&'static str),
    /// Only what was there at the sync before.
    Late,
}

/// Clones share the content, so a machine can be dropped and opened again over what it left.
#[derive(Clone, Debug, Default)]
pub struct MemoryDisk(Arc<Mutex<Files>>);

#[derive(Clone, Debug, Default)]
struct Files {
    files: BTreeMap<String, File>,
    /// Operations done, and those of them that were syncs.
    operations: u64,
    syncs: u64,
    /// Operations left before every one fails.
    fails_after: Option<u64>,
    has_failed: bool,
    false_sync: Option<FalseSync>,
}

#[derive(Clone, Debug)]
struct File {
    /// No other file of this process has it.
    identity: u64,
    durable: Option<Vec<u8>>,
    now: Option<Vec<u8>>,
    pending: Vec<Write>,
    /// What a late sync will make durable.
    late: Option<Vec<u8>>,
}

impl Default for File {
    fn default() -> File {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        File {
            identity: NEXT.fetch_add(1, Ordering::Relaxed),
            durable: None,
            now: None,
            pending: Vec::new(),
            late: None,
        }
    }
}

#[derive(Clone, Debug)]
enum Write {
    At(usize, Vec<u8>),
    Truncate(usize),
}

impl Write {
    fn apply(&self, content: &mut Option<Vec<u8>>) {
        let content = content.get_or_insert_default();
        match self {
            Write::Truncate(length) => content.resize(*length, 0),
            Write::At(start, bytes) => {
                let end = start + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*start..end].copy_from_slice(bytes);
            }
        }
    }

    /// A write of which only some of 256 parts reached the disk; a truncation is done or isn't.
    fn torn(&self, share: u8) -> Write {
        match self {
            Write::Truncate(length) => Write::Truncate(*length),
            Write::At(start, bytes) => {
                let length = bytes.len() * usize::from(share) / 256;
                Write::At(*start, bytes[..length].to_vec())
            }
        }
    }
}

impl File {
    fn write(&mut self, write: Write) {
        write.apply(&mut self.now);
        self.pending.push(write);
        if self.pending.len() > MAX_PENDING {
            self.pending.remove(0).apply(&mut self.durable);
        }
    }

    /// What a power cut leaves; `choose` gives a number below its argument.
    fn after_crash(&self, loss: Loss, choose: &mut impl FnMut(usize) -> usize) -> Option<Vec<u8>> {
        match loss {
            Loss::Nothing => return self.now.clone(),
            Loss::Everything => return self.durable.clone(),
            Loss::Parts => {}
        }
        let mut versions = vec![self.durable.clone()];
        for write in &self.pending {
            let mut next = versions.last().cloned().flatten();
            write.apply(&mut next);
            versions.push(next);
        }
        let length = versions[choose(versions.len())].as_ref()?.len();
        let mut content = vec![0; length];
        for (sector, bytes) in content.chunks_mut(SECTOR).enumerate() {
            let version = &versions[choose(versions.len())];
            let found = version.as_ref().and_then(|v| v.get(sector * SECTOR..));
            for (byte, old) in bytes.iter_mut().zip(found.unwrap_or_default()) {
                *byte = *old;
            }
        }
        Some(content)
    }

    /// From now on this is all there is, and durable.
    fn settle(&mut self, content: Option<Vec<u8>>) {
        self.now = content.clone();
        self.durable = content;
        self.pending.clear();
    }
}

impl MemoryDisk {
    /// An empty disk.
    pub fn new() -> MemoryDisk {
        MemoryDisk::default()
    }

    /// A disk with this content, all of it durable.
    pub fn with(files: BTreeMap<String, Vec<u8>>) -> MemoryDisk {
        let disk = MemoryDisk::new();
        for (name, content) in files {
            let mut file = File::default();
            file.settle(Some(content));
            disk.lock().files.insert(name, file);
        }
        disk
    }

    /// This disk once more, which from now on goes its own way. (For copies of its files see [`MemoryDisk::with`].)
    pub fn twin(&self) -> MemoryDisk {
        MemoryDisk(Arc::new(Mutex::new(self.lock().clone())))
    }

    /// A power cut or a killed process; a failing disk is replaced by a copy of itself. `choose` gives
    /// a number below its argument.
    pub fn crash(&self, loss: Loss, mut choose: impl FnMut(usize) -> usize) {
        self.settle(|_, file| file.after_crash(loss, &mut choose));
    }

    /// A power cut: of each file's unsynced writes, the first `kept(name, count)` of `count` have
    /// reached the disk.
    pub fn crash_keeping(&self, mut kept: impl FnMut(&str, usize) -> usize) {
        self.settle(|name, file| {
            let count = kept(name, file.pending.len());
            let mut content = file.durable.clone();
            for write in file.pending.iter().take(count) {
                write.apply(&mut content);
            }
            content
        });
    }

    /// The disk as a power cut leaves it, while this one stays: for each unsynced operation, `keep`
    /// says whether it is lost (0), whole (1), or torn after so many of 256 parts.
    pub fn crashed(&self, mut keep: impl FnMut() -> u8) -> MemoryDisk {
        let copy = self.twin();
        copy.settle(|_, file| {
            let mut content = file.durable.clone();
            for write in &file.pending {
                match keep() {
                    0 => {}
                    1 => write.apply(&mut content),
                    share => write.torn(share).apply(&mut content),
                }
            }
            content
        });
        copy
    }

    fn settle(&self, mut left: impl FnMut(&str, &File) -> Option<Vec<u8>>) {
        let mut disk = self.lock();
        for (name, file) in &mut disk.files {
            let content = left(name, file);
            file.settle(content);
        }
        disk.files.retain(|_, file| file.now.is_some());
        disk.fails_after = None;
        disk.has_failed = false;
    }

    /// After so many more operations every one fails, until the next crash.
    pub fn fail_after(&self, operations: u64) {
        self.lock().fails_after = Some(operations);
    }

    /// It doesn't fail after all.
    pub fn mend(&self) {
        self.lock().fails_after = None;
    }

    /// Whether a failure that was asked for has shown since the last crash.
    pub fn has_failed(&self) -> bool {
        self.lock().has_failed
    }

    /// From now on a sync says that it is done, and isn't.
    pub fn lie(&self, false_sync: FalseSync) {
        self.lock().false_sync = Some(false_sync);
    }

    /// Writes, truncations and syncs so far.
    pub fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Syncs so far.
    pub fn syncs(&self) -> u64 {
        self.lock().syncs
    }

    /// The files as a process sees them.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let disk = self.lock();
        let files = disk.files.iter();
        files
            .filter_map(|(name, file)| Some((name.clone(), file.now.clone()?)))
            .collect()
    }

    /// Loses the files whose names start like this, as a careless operator does.
    pub fn remove(&self, prefix: &str) {
        let mut disk = self.lock();
        disk.files.retain(|name, _| !name.starts_with(prefix));
    }

    /// Changes the bits of a byte of a file.
    pub fn flip(&self, name: &str, place: usize, mask: u8) {
        if let Some(file) = self.lock().files.get_mut(name) {
            for content in [&mut file.now, &mut file.durable].into_iter().flatten() {
                if let Some(byte) = content.get_mut(place) {
                    *byte ^= mask;
                }
            }
        }
    }

    /// Whether a power cut now, however bad, leaves these bytes in some file.
    pub fn holds_durably(&self, bytes: &[u8]) -> bool {
        let disk = self.lock();
        let mut contents = disk.files.values().filter_map(|f| f.durable.as_ref());
        contents.any(|c| contains(c, bytes))
    }

    fn lock(&self) -> MutexGuard<'_, Files> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, name: &str, write: Write) -> Result<(), Fault> {
        let mut disk = self.lock();
        disk.operate()?;
        disk.files.entry(name.to_owned()).or_default().write(write);
        Ok(())
    }
}

impl Files {
    fn operate(&mut self) -> Result<(), Fault> {
        match self.fails_after {
            Some(0) => {
                self.has_failed = true;
                return Err(Fault::Storage("the disk in memory fails".into()));
            }
            Some(left) => self.fails_after = Some(left - 1),
            None => {}
        }
        self.operations += 1;
        Ok(())
    }
}

impl Disk for MemoryDisk {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let disk = self.lock();
        Ok(disk.files.get(name).and_then(|f| f.now.clone()))
    }

    fn identity(&self, name: &str) -> Result<Option<u64>, Fault> {
        let disk = self.lock();
        Ok(disk.files.get(name).map(|file| file.identity))
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.write(name, Write::At(offset as usize, bytes.to_vec()))
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), Fault> {
        self.write(name, Write::Truncate(length as usize))
    }

    fn sync(&mut self, name: &str) -> Result<(), Fault> {
        let mut disk = self.lock();
        disk.operate()?;
        disk.syncs += 1;
        let false_sync = disk.false_sync;
        let file = disk.files.entry(name.to_owned()).or_default();
        match false_sync {
            Some(FalseSync::Skipped) => {}
            Some(FalseSync::SkippedFor(prefix)) if name.starts_with(prefix) => {}
            Some(FalseSync::Late) => {
                file.durable = file.late.take();
                file.late = file.now.clone();
                file.pending.clear();
            }
            _ => {
                let content = std::mem::take(&mut file.now).unwrap_or_default();
                file.settle(Some(content));
            }
        }
        Ok(())
    }
}

/// Whether `part` stands in `whole`.
fn contains(whole: &[u8], part: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}
