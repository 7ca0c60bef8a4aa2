//! A disk for tests: it stops after a number of operations, and a crash keeps any part of what was
//! not synced.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use touchstone_core::Fault;

use super::Disk;

/// Clones share the content.
#[derive(Clone, Debug, Default)]
pub struct CrashDisk(Rc<RefCell<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    durable: BTreeMap<String, Vec<u8>>,
    unsynced: Vec<(String, Operation)>,
    operations: usize,
    limit: Option<usize>,
}

#[derive(Clone, Debug)]
enum Operation {
    Write(u64, Vec<u8>),
    Truncate(u64),
}

impl Operation {
    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Operation::Write(offset, bytes) => {
                let start = *offset as usize;
                let end = start + bytes.len();
                if file.len() < end {
                    file.resize(end, 0);
                }
                file[start..end].copy_from_slice(bytes);
            }
            Operation::Truncate(length) => file.resize(*length as usize, 0),
        }
    }
}

impl CrashDisk {
    /// Operations that change something fail once this many have been done.
    pub fn stop_after(&self, operations: usize) {
        self.0.borrow_mut().limit = Some(operations);
    }

    /// Operations done so far.
    pub fn operations(&self) -> usize {
        self.0.borrow().operations
    }

    /// What a crash may leave: for each unsynced operation, `keep` says whether it is lost (0),
    /// whole (1), or (of a write) torn after some share of its bytes.
    pub fn crash(&self, mut keep: impl FnMut() -> u8) -> CrashDisk {
        let inner = self.0.borrow();
        let mut durable = inner.durable.clone();
        for (name, operation) in &inner.unsynced {
            let kept = match (keep(), operation) {
                (0, _) => continue,
                (1, _) | (_, Operation::Truncate(_)) => operation.clone(),
                (share, Operation::Write(offset, bytes)) => {
                    let length = bytes.len() * usize::from(share) / 256;
                    Operation::Write(*offset, bytes[..length].to_vec())
                }
            };
            kept.apply(durable.entry(name.clone()).or_default());
        }
        CrashDisk(Rc::new(RefCell::new(Inner {
            durable,
            ..Inner::default()
        })))
    }

    /// The files as a process that was merely killed leaves them.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        self.crash(|| 1).0.borrow().durable.clone()
    }

    /// A disk with this content.
    pub fn with(files: BTreeMap<String, Vec<u8>>) -> CrashDisk {
        CrashDisk(Rc::new(RefCell::new(Inner {
            durable: files,
            ..Inner::default()
        })))
    }

    fn change(&self, name: &str, operation: Option<Operation>) -> Result<(), Fault> {
        let mut inner = self.0.borrow_mut();
        if inner.limit.is_some_and(|limit| inner.operations >= limit) {
            return Err(Fault::Storage("stopped".into()));
        }
        inner.operations += 1;
        if let Some(operation) = operation {
            inner.unsynced.push((name.to_owned(), operation));
            return Ok(());
        }
        let (synced, rest) = std::mem::take(&mut inner.unsynced)
            .into_iter()
            .partition(|(n, _)| n == name);
        inner.unsynced = rest;
        let synced: Vec<(String, Operation)> = synced;
        for (name, operation) in synced {
            operation.apply(inner.durable.entry(name).or_default());
        }
        Ok(())
    }
}

impl Disk for CrashDisk {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.files().get(name).cloned())
    }
    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Fault> {
        self.change(name, Some(Operation::Write(offset, bytes.to_vec())))
    }
    fn truncate(&mut self, name: &str, length: u64) -> Result<(), Fault> {
        self.change(name, Some(Operation::Truncate(length)))
    }
    fn sync(&mut self, name: &str) -> Result<(), Fault> {
        self.change(name, None)
    }
}
