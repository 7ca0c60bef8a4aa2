//! A folder of small files as a [`Disk`].

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::UNIX_EPOCH;

use thiserror::Error;
use touchstone_core::Fault;

use super::Disk;

const LOCK: &str = "lock";

/// A node's data folder, held by this process alone until the last clone is dropped.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
    /// Locked; the operating system lets go when it is closed, however the process ends.
    _lock: Arc<File>,
}

/// Why the data folder can't be used.
#[derive(Debug, Error)]
pub enum FolderError {
    /// Another process uses it. Two nodes with one validator key would sign twice.
    #[error("the data folder {0} is in use by another process")]
    InUse(PathBuf),
    /// The file system refused.
    #[error("the data folder {0} can't be opened: {1}")]
    Io(PathBuf, #[source] io::Error),
}

impl DataFolder {
    /// Creates the folder if need be and locks it.
    pub fn open(path: &Path) -> Result<DataFolder, FolderError> {
        let io = |e| FolderError::Io(path.to_owned(), e);
        std::fs::create_dir_all(path).map_err(io)?;
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK))
            .map_err(io)?;
        match lock.try_lock() {
            Ok(()) => Ok(DataFolder {
                path: path.to_owned(),
                _lock: Arc::new(lock),
            }),
            Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
            Err(TryLockError::Error(e)) => Err(io(e)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The files of a data folder. Clones share the open files.
#[derive(Clone, Debug)]
pub struct FileDisk {
    folder: DataFolder,
    open: Arc<Mutex<Open>>,
}

#[derive(Debug, Default)]
struct Open {
    files: BTreeMap<String, OpenFile>,
    /// Set by a failed sync: what the disk holds is unknown then, and trying again may report
    /// success without it (the kernel forgets the failed pages).
    failed: bool,
}

#[derive(Debug)]
struct OpenFile {
    file: File,
    /// Whether the folder was synced since we opened the file; an earlier process may have created
    /// it and died.
    entry_durable: bool,
}

impl FileDisk {
    /// The files of a folder.
    pub fn new(folder: DataFolder) -> FileDisk {
        FileDisk {
            folder,
            open: Arc::default(),
        }
    }

    fn lock(&self) -> Result<MutexGuard<'_, Open>, Fault> {
        let open = self
            .open
            .lock()
            .map_err(|_| Fault::Storage("a thread died while it wrote".into()))?;
        if open.failed {
            return Err(Fault::Storage("an earlier sync failed".into()));
        }
        Ok(open)
    }
}

impl Open {
    /// The file, opened once and kept; created if need be.
    fn file(&mut self, folder: &Path, name: &str) -> Result<&mut OpenFile, Fault> {
        if !self.files.contains_key(name) {
            let path = folder.join(name);
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(path)
                .map_err(|e| fault("open", name, e))?;
            let entry_durable = false;
            self.files.insert(
                name.to_owned(),
                OpenFile {
                    file,
                    entry_durable,
                },
            );
        }
        self.files
            .get_mut(name)
            .ok_or_else(|| Fault::Invariant("a file that was just opened is gone".into()))
    }
}

impl Disk for FileDisk {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        let _open = self.lock()?;
        let mut file = match File::open(self.folder.path.join(name)) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(fault("open", name, e)),
        };
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)
            .map_err(|e| fault("read", name, e))?;
        Ok(Some(bytes))
    }

    /// The time at which the file was made, nanoseconds since 1970. It goes with the file where that is moved or
    /// written to, and no program that copies can set it.
    fn identity(&self, name: &str) -> Result<Option<u64>, Fault> {
        let data = match std::fs::metadata(self.folder.path.join(name)) {
            Ok(data) => data,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(fault("look at", name, e)),
        };
        let made = data.created().ok();
        let made = made.and_then(|made| made.duration_since(UNIX_EPOCH).ok());
        Ok(made.and_then(|made| u64::try_from(made.as_nanos()).ok()))
    }

    fn write_at(&mut self, name: &str, offset: u64, bytes: &[u8]) -> Result<(), Fault> {
        let mut open = self.lock()?;
        let open = open.file(&self.folder.path, name)?;
        open.file
            .write_all_at(bytes, offset)
            .map_err(|e| fault("write", name, e))
    }

    fn truncate(&mut self, name: &str, length: u64) -> Result<(), Fault> {
        let mut open = self.lock()?;
        let open = open.file(&self.folder.path, name)?;
        open.file
            .set_len(length)
            .map_err(|e| fault("truncate", name, e))
    }

    fn sync(&mut self, name: &str) -> Result<(), Fault> {
        let mut open = self.lock()?;
        let file = open.file(&self.folder.path, name)?;
        let synced = file.file.sync_data().and_then(|()| {
            if !file.entry_durable {
                File::open(&self.folder.path)?.sync_all()?;
                file.entry_durable = true;
            }
            Ok(())
        });
        open.failed = synced.is_err();
        synced.map_err(|e| fault("sync", name, e))
    }
}

fn fault(action: &str, name: &str, error: io::Error) -> Fault {
    Fault::Storage(format!("{action} {name:?}: {error}"))
}

#[cfg(test)]
mod tests;
