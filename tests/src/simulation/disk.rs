//! A disk that loses in a power cut what was not synced, in part and out of order, as a real one
//! may.
//!
//! Model: each 512-byte sector of a file is written as a whole, and after a power cut holds what
//! it held at *some* moment since the last sync; so does the file's length. Sectors choose their
//! moments independently. A file that was never synced may also be missing.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use touchstone_core::Fault;
use touchstone_node::storage::Disk;

use crate::random::Random;

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

/// Clones share the content, so a machine can be dropped and opened again over what it left.
#[derive(Clone, Debug, Default)]
pub struct SimDisk(Rc<RefCell<Files>>);

#[derive(Debug, Default)]
struct Files {
    files: BTreeMap<String, File>,
    /// Operations left before every one fails.
    fails_after: Option<u64>,
    has_failed: bool,
    ignores_sync: bool,
}

#[derive(Clone, Debug, Default)]
struct File {
    durable: Option<Vec<u8>>,
    now: Option<Vec<u8>>,
    pending: Vec<Write>,
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
}

impl File {
    fn write(&mut self, write: Write) {
        write.apply(&mut self.now);
        self.pending.push(write);
        if self.pending.len() > MAX_PENDING {
            self.pending.remove(0).apply(&mut self.durable);
        }
    }

    /// What a power cut leaves.
    fn after_crash(&self, loss: Loss, random: &mut Random) -> Option<Vec<u8>> {
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
        let length = versions[random.index(versions.len())].as_ref()?.len();
        let mut content = vec![0; length];
        for (sector, bytes) in content.chunks_mut(SECTOR).enumerate() {
            let version = &versions[random.index(versions.len())];
            let found = version.as_ref().and_then(|v| v.get(sector * SECTOR..));
            for (byte, old) in bytes.iter_mut().zip(found.unwrap_or_default()) {
                *byte = *old;
            }
        }
        Some(content)
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    /// A power cut or a killed process; a failing disk is replaced by a copy of itself.
    pub fn crash(&self, loss: Loss, random: &mut Random) {
        let mut disk = self.0.borrow_mut();
        for file in disk.files.values_mut() {
            let content = file.after_crash(loss, random);
            file.now = content.clone();
            file.durable = content;
            file.pending.clear();
        }
        disk.files.retain(|_, file| file.now.is_some());
        disk.fails_after = None;
        disk.has_failed = false;
    }

    /// After so many more operations every one fails, until the next crash.
    pub fn fail_after(&self, operations: u64) {
        self.0.borrow_mut().fails_after = Some(operations);
    }

    /// It doesn't fail after all.
    pub fn mend(&self) {
        self.0.borrow_mut().fails_after = None;
    }

    /// Whether a failure that was asked for has shown since the last crash.
    pub fn has_failed(&self) -> bool {
        self.0.borrow().has_failed
    }

    /// From now on a sync says that it is done and does nothing.
    pub fn ignore_sync(&self) {
        self.0.borrow_mut().ignores_sync = true;
    }

    /// Loses the files whose names start like this, as a careless operator does.
    pub fn remove(&self, prefix: &str) {
        let mut disk = self.0.borrow_mut();
        disk.files.retain(|name, _| !name.starts_with(prefix));
    }

    /// Whether a power cut now, however bad, leaves these bytes in some file.
    pub fn holds_durably(&self, bytes: &[u8]) -> bool {
        let disk = self.0.borrow();
        let mut contents = disk.files.values().filter_map(|f| f.durable.as_ref());
        contents.any(|c| contains(c, bytes))
    }

    fn operate(&self) -> Result<(), Fault> {
        let mut disk = self.0.borrow_mut();
        match disk.fails_after {
            None => Ok(()),
            Some(0) => {
                disk.has_failed = true;
                Err(Fault::Storage("the simulated disk fails".into()))
            }
            Some(left) => {
                disk.fails_after = Some(left - 1);
                Ok(())
            }
        }
    }

    fn write(&self, name: &str, write: Write) -> Result<(), Fault> {
        self.operate()?;
        let mut disk = self.0.borrow_mut();
        disk.files.entry(name.to_owned()).or_default().write(write);
        Ok(())
    }
}

impl Disk for SimDisk {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let disk = self.0.borrow();
        Ok(disk.files.get(name).and_then(|f| f.now.clone()))
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.write(name, Write::At(offset as usize, bytes.to_vec()))
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), Fault> {
        self.write(name, Write::Truncate(length as usize))
    }

    fn sync(&mut self, name: &str) -> Result<(), Fault> {
        self.operate()?;
        let mut disk = self.0.borrow_mut();
        if disk.ignores_sync {
            return Ok(());
        }
        let file = disk.files.entry(name.to_owned()).or_default();
        file.now.get_or_insert_default();
        file.durable = file.now.clone();
        file.pending.clear();
        Ok(())
    }
}

/// Whether `part` stands in `whole`.
fn contains(whole: &[u8], part: &[u8]) -> bool {
    part.is_empty() || whole.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(disk: &SimDisk) -> Option<Vec<u8>> {
        disk.read("file").expect("a simulated read never fails")
    }

    /// A crash keeps what was synced and mixes versions of the rest by whole sectors.
    #[test]
    fn a_crash_tears_what_was_not_synced() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut disk = SimDisk::new();
            disk.write_at("file", 0, &[1; 1024]).expect("it works");
            disk.sync("file").expect("it works");
            disk.write_at("file", 0, &[2; 1024]).expect("it works");
            disk.crash(Loss::Parts, &mut Random::new(seed));
            let found = content(&disk).expect("it was synced");
            assert!(found[..SECTOR].iter().all(|b| *b == found[0]));
            assert!(found[SECTOR..].iter().all(|b| *b == found[SECTOR]));
            outcomes.insert((found[0], found[SECTOR]));
        }
        assert_eq!(outcomes.len(), 4, "old or new, for each of two sectors");
    }

    #[test]
    fn what_was_synced_survives_and_a_failing_disk_says_so() {
        let mut disk = SimDisk::new();
        let mut random = Random::new(0);
        disk.write_at("file", 0, b"kept").expect("it works");
        assert!(!disk.holds_durably(b"kept"));
        disk.sync("file").expect("it works");
        assert!(disk.holds_durably(b"kept"));
        disk.write_at("file", 4, b" lost").expect("it works");
        disk.write_at("other", 0, b"lost").expect("it works");
        disk.crash(Loss::Everything, &mut random);
        assert_eq!(content(&disk).as_deref(), Some(b"kept".as_slice()));
        assert_eq!(disk.read("other"), Ok(None));

        disk.fail_after(1);
        disk.write_at("file", 0, b"K").expect("one more works");
        disk.sync("file").expect_err("the disk has failed");
        assert!(disk.has_failed());
        disk.crash(Loss::Everything, &mut random);
        assert_eq!(content(&disk).as_deref(), Some(b"kept".as_slice()));

        disk.ignore_sync();
        disk.write_at("file", 0, b"K").expect("it works");
        disk.sync("file").expect("it says that it is done");
        disk.crash(Loss::Everything, &mut random);
        assert_eq!(content(&disk).as_deref(), Some(b"kept".as_slice()));
    }
}
