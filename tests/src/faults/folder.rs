//! Folders of a node that are copied, harmed and thrown away again: in memory where the system has such a place.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Where files are kept in memory.
const MEMORY: &str = "/dev/shm";

/// A folder that is gone when it is dropped.
pub fn scratch() -> TempDir {
    let in_memory = TempDir::new_in(MEMORY);
    in_memory
        .or_else(|_| TempDir::new())
        .expect("a temporary folder can be made")
}

/// Copies a folder with all that it holds.
pub fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to)?;
        }
    }
    Ok(())
}

/// All files below a folder, by their paths in it, in order.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(inner) = path.strip_prefix(folder) {
                found.push(inner.to_owned());
            }
        }
    }
    found.sort();
    Ok(found)
}
