//! Names that files have until they are whole. A write that is interrupted, by a kill or a power cut, leaves a file of
//! such a name; the next program that writes into the folder removes it.

use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

/// How such a name ends. No other program gives files this one.
pub const STAGED: &str = ".touchstone-part";
/// How old a file of such a name must be to be left over: writing takes seconds.
const ABANDONED: Duration = Duration::from_secs(600);

/// Folders that this process has looked through.
static CLEARED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// The name under which a file is written until it is whole: one that nobody else knows, in the same folder. What
/// interrupted writes left there is removed, once in a process.
pub fn staged(path: &Path) -> io::Result<PathBuf> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let is_first = CLEARED
        .lock()
        .is_ok_and(|mut cleared| cleared.insert(folder.to_owned()));
    if is_first {
        remove_abandoned(folder);
    }
    let mut random = [0u8; 4];
    getrandom::fill(&mut random).map_err(|e| io::Error::other(e.to_string()))?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}{STAGED}", hex::encode(random)));
    Ok(path.with_file_name(name))
}

/// Removes what is left over in a folder: it may be a secret, and a disk that is full needs the place. What can't be
/// removed does no harm.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let is_staged = entry.file_name().to_string_lossy().ends_with(STAGED);
        if is_staged && is_old(&entry) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Whether nobody writes to it any more.
fn is_old(entry: &DirEntry) -> bool {
    let written = entry.metadata().and_then(|data| data.modified());
    let age = written.ok().and_then(|written| written.elapsed().ok());
    age.is_some_and(|age| age > ABANDONED)
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_an_interrupted_write_left_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let old = SystemTime::now() - 2 * ABANDONED;
        let laid = |name: &str, is_left: bool| {
            let path = folder.path().join(name);
            let file = File::create(&path).unwrap();
            if is_left {
                file.set_modified(old).unwrap();
            }
            path
        };
        let left = laid("acme.pem.0badcafe.touchstone-part", true);
        let under_way = laid("a.json.00c0ffee.touchstone-part", false);
        let others = laid("film.0badcafe.part", true);
        let path = folder.path().join("a.json");
        let first = staged(&path).unwrap();
        assert!(!left.exists() && under_way.exists() && others.exists());
        assert!(first != staged(&path).unwrap(), "nobody else knows it");
        assert_eq!(first.parent(), path.parent());
        assert!(first.to_string_lossy().ends_with(STAGED));
    }
}
