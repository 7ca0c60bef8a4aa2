//! What lies in a studio's folder: files by name, size, time and content. Content is read again only where size or time
//! differ.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, SystemTime};

use touchstone_core::hash::Hash;

use crate::failure::Failure;
use crate::receipt;

/// Files of a studio, at most.
pub const MAX_FILES: usize = 10_000;
/// Folders in folders, at most.
const MAX_DEPTH: usize = 32;
/// Names in the studio's folder have at most so many bytes.
const MAX_NAME_BYTES: usize = 1_024;

/// A file of the studio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StudioFile {
    /// SHA-256 of its content.
    pub sha256: Hash,
    /// Its size.
    pub bytes: u64,
    modified: Option<SystemTime>,
    /// When its content was read.
    looked: SystemTime,
}

/// A file that was changed less than this before it was read may have been changed again within one tick of its
/// folder's clock: it is read once more.
const TICK: Duration = Duration::from_secs(2);

impl StudioFile {
    /// Whether a file of this size and time is this one, unchanged.
    fn is_still(&self, bytes: u64, modified: Option<SystemTime>) -> bool {
        let is_settled =
            modified.is_some_and(|at| self.looked.duration_since(at).is_ok_and(|age| age >= TICK));
        is_settled && (self.bytes, self.modified) == (bytes, modified)
    }
}

/// Looks through a folder. What begins with a dot, and links, are left out; so are files that programs write while they
/// save (`~` at an end of the name). `before` is what was found last. Gives what is found, and whether it is at rest: a
/// file that another program is writing waits for the next look.
pub fn scan(
    folder: &Path,
    before: &BTreeMap<String, StudioFile>,
) -> Result<(BTreeMap<String, StudioFile>, bool), Failure> {
    let mut looked = Looked {
        before,
        found: BTreeMap::new(),
        is_at_rest: true,
    };
    looked.folder(folder, "", 0)?;
    Ok((looked.found, looked.is_at_rest))
}

struct Looked<'a> {
    before: &'a BTreeMap<String, StudioFile>,
    found: BTreeMap<String, StudioFile>,
    is_at_rest: bool,
}

impl Looked<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Failure> {
        let failed = |e: std::io::Error| Failure::io("reading", folder, &e);
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let file_name = entry.file_name();
            let Some(name) = file_name.to_str() else {
                return Err(Failure::Usage(format!(
                    "{}: a name that isn't UTF-8; rename it",
                    entry.path().display()
                )));
            };
            if name.starts_with(['.', '~']) || name.ends_with('~') {
                continue;
            }
            let name = format!("{prefix}{name}");
            if name.len() > MAX_NAME_BYTES {
                return Err(Failure::Usage(format!(
                    "{name:.80}…: a name of more than {MAX_NAME_BYTES} bytes"
                )));
            }
            if kind.is_dir() {
                // What isn't looked at would be told as unchanged.
                if depth >= MAX_DEPTH {
                    return Err(Failure::Usage(format!(
                        "{}: more than {MAX_DEPTH} folders in each other; watch the folder of one design",
                        entry.path().display()
                    )));
                }
                self.folder(&entry.path(), &format!("{name}/"), depth + 1)?;
            } else if kind.is_file() {
                self.file(&entry.path(), name)?;
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), Failure> {
        if self.found.len() >= MAX_FILES {
            return Err(Failure::Usage(format!(
                "the folder has more than {MAX_FILES} files; watch the folder of one design"
            )));
        }
        let state = |path: &Path| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((metadata.len(), metadata.modified().ok()))
        };
        // Gone since the folder was read: the next look tells.
        let Some((bytes, modified)) = state(path) else {
            self.is_at_rest = false;
            return Ok(());
        };
        if let Some(known) = self.before.get(&name)
            && known.is_still(bytes, modified)
        {
            self.found.insert(name, known.clone());
            return Ok(());
        }
        let looked = SystemTime::now();
        let sha256 = match receipt::hash_file(path) {
            Ok(file) => receipt::bytes("sha256", &file.sha256)?,
            Err(_) if !path.exists() => {
                self.is_at_rest = false;
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        // Written meanwhile: what was read may be half of it.
        self.is_at_rest &= state(path) == Some((bytes, modified));
        let file = StudioFile {
            sha256,
            bytes,
            modified,
            looked,
        };
        self.found.insert(name, file);
        Ok(())
    }
}
