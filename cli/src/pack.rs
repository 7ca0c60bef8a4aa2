//! A folder of files for who decides a case. One list names each file with its SHA-256, and the ledger records the
//! SHA-256 of the list: so none of the files is exchanged later.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use touchstone_client::durable_file::sync_folder_of;
use touchstone_client::verification::NotVerified;
use touchstone_core::hash::{Hash, sha256};

use crate::failure::Failure;
use crate::file;
use crate::json_file;
use crate::output::{Output, plain};
use crate::say;

/// The list's name in the folder.
pub const LIST: &str = "pack.json";
/// Bytes of a list, at most: it is read whole.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// A folder that is being written.
pub struct Pack {
    folder: PathBuf,
    files: Vec<PackedFile>,
    /// Where the pack that was there before is now.
    kept: Option<PathBuf>,
}

/// A file of the folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackedFile {
    /// Its name in the folder.
    pub name: String,
    /// Its SHA-256, in hex.
    pub sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    about: Value,
    files: Vec<PackedFile>,
}

impl Pack {
    /// A folder to write to; one that holds a list already is left alone, or with `force` set aside.
    pub fn create(folder: &Path, force: bool) -> Result<Pack, Failure> {
        file::refuse_existing(&folder.join(LIST), force)?;
        std::fs::create_dir_all(folder).map_err(|e| Failure::io("making", folder, &e))?;
        Ok(Pack {
            folder: folder.to_owned(),
            files: Vec::new(),
            kept: set_aside(folder)?,
        })
    }

    /// Tells where the pack that was in this folder is kept, if there was one.
    pub fn tell_kept(&self, output: &mut Output) {
        if let Some(kept) = &self.kept {
            output.remark(say!(
                output.language,
                "the earlier pack is kept as {folder}: a notice may name it",
                folder = plain(&kept.display().to_string())
            ));
        }
    }

    /// Where the list will be.
    pub fn list(&self) -> PathBuf {
        self.folder.join(LIST)
    }

    /// Adds a file.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        file::write(&self.folder.join(name), bytes)?;
        self.files.push(PackedFile {
            name: name.to_owned(),
            sha256: hex::encode(sha256(bytes)),
        });
        Ok(())
    }

    /// Writes the list, with what the folder is about; its SHA-256.
    pub fn finish(self, about: Value) -> Result<Hash, Failure> {
        let path = self.list();
        let files = self.files;
        let mut bytes = serde_json::to_vec_pretty(&List { about, files })
            .map_err(|e| Failure::Usage(e.to_string()))?;
        bytes.push(b'\n');
        file::write(&path, &bytes)?;
        Ok(sha256(&bytes))
    }
}

/// Moves the pack of a folder beside it, and tells where it is now: a notice that has no outcome yet may name its list.
/// What nobody packed stays. The list goes last, so that what was interrupted is finished by the next run.
fn set_aside(folder: &Path) -> Result<Option<PathBuf>, Failure> {
    let path = folder.join(LIST);
    let read = json_file::read::<List>(&path, MAX_LIST_BYTES, Failure::Usage);
    // No list: nothing that could be named by its hash.
    let Ok((bytes, list)) = read else {
        return Ok(None);
    };
    let failed = |e: std::io::Error| Failure::io("renaming", &path, &e);
    let whole = folder.canonicalize().map_err(failed)?;
    let mut name = whole.file_name().unwrap_or_default().to_owned();
    let sha256 = hex::encode(sha256(&bytes));
    name.push(format!(".{}", sha256.get(..16).unwrap_or_default()));
    let aside = whole.with_file_name(name);
    std::fs::create_dir_all(&aside).map_err(failed)?;
    let names = list.files.iter().map(|packed| packed.name.as_str());
    for name in names.filter(|name| is_name(name)).chain([LIST]) {
        match std::fs::rename(whole.join(name), aside.join(name)) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            renamed => renamed.map_err(failed)?,
        }
    }
    sync_folder_of(&aside.join(LIST))
        .and_then(|()| sync_folder_of(&aside))
        .map_err(failed)?;
    Ok(Some(aside))
}

/// Whether a name leads nowhere else.
fn is_name(name: &str) -> bool {
    Path::new(name).file_name() == Some(name.as_ref())
}

/// The SHA-256 of a folder's list, and its files; each of them is as the list says.
pub fn check(folder: &Path) -> Result<(Hash, Vec<PackedFile>), Failure> {
    let path = folder.join(LIST);
    let bad = |reason: String| {
        let name = plain(&path.display().to_string());
        let what = format!("the pack of {name} isn't what was packed: {reason}");
        Failure::from(NotVerified::Pack(what))
    };
    let (bytes, list) = json_file::read::<List>(&path, MAX_LIST_BYTES, bad)?;
    for packed in &list.files {
        if !is_name(&packed.name) {
            return Err(bad(format!("{} is no file name", plain(&packed.name))));
        }
        let path = folder.join(&packed.name);
        let file = std::fs::read(&path).map_err(|e| Failure::io("reading", &path, &e))?;
        if hex::encode(sha256(&file)) != packed.sha256 {
            return Err(bad(format!(
                "{} is another file than the list says",
                plain(&packed.name)
            )));
        }
    }
    Ok((sha256(&bytes), list.files))
}

/// The names of what lies in a folder beside the files of its list: nobody packed it. What begins with a dot is an
/// operating system's own.
pub fn unlisted(folder: &Path, files: &[PackedFile]) -> Result<Vec<String>, Failure> {
    let failed = |e: std::io::Error| Failure::io("reading", folder, &e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let name = name.to_string_lossy().into_owned();
        let is_listed = name == LIST || files.iter().any(|file| file.name == name);
        if !is_listed && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A notice that was sent may name the earlier one, though nobody knows yet what became of it.
    #[test]
    fn a_folder_that_is_packed_anew_keeps_the_earlier_pack_beside_it() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("pack");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("mine.txt"), b"not packed").unwrap();
        let mut earlier = None;
        for name in ["a.txt", "b.txt"] {
            let mut pack = Pack::create(&folder, true).unwrap();
            let kept = pack.kept.clone();
            pack.add(name, b"one").unwrap();
            let hash = pack.finish(json!({})).unwrap();
            let (_, files) = check(&folder).unwrap();
            assert_eq!(unlisted(&folder, &files).unwrap(), ["mine.txt"]);
            let kept = kept.map(|kept| check(&kept).unwrap().0);
            assert_eq!(kept, earlier);
            earlier = Some(hash);
        }
        assert_eq!(std::fs::read_dir(around.path()).unwrap().count(), 2);
    }

    /// Whoever laid the list there moves nothing from elsewhere.
    #[test]
    fn what_is_set_aside_comes_from_the_folder() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("pack");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(around.path().join("key.pem"), b"a key").unwrap();
        let sha256 = "00".repeat(32);
        let list = json!({"about": {}, "files": [{"name": "../key.pem", "sha256": sha256}]});
        std::fs::write(folder.join(LIST), list.to_string()).unwrap();
        let pack = Pack::create(&folder, true).unwrap();
        assert!(pack.kept.unwrap().join(LIST).exists());
        assert!(around.path().join("key.pem").exists());
    }

    #[test]
    fn a_folder_is_as_its_list_says_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("pack");
        let mut pack = Pack::create(&folder, false).unwrap();
        pack.add("a.txt", b"one").unwrap();
        pack.add("b.txt", b"two").unwrap();
        let hash = pack.finish(json!({"listing": "7"})).unwrap();
        let (found, files) = check(&folder).unwrap();
        assert_eq!((found, files.len()), (hash, 2));
        assert!(unlisted(&folder, &files).unwrap().is_empty());
        for laid in [".DS_Store", "c.txt"] {
            std::fs::write(folder.join(laid), b"three").unwrap();
        }
        assert_eq!(unlisted(&folder, &files).unwrap(), ["c.txt"]);
        assert!(Pack::create(&folder, false).is_err());
        std::fs::write(folder.join("b.txt"), b"twO").unwrap();
        assert!(check(&folder).is_err());
        std::fs::write(folder.join("b.txt"), b"two").unwrap();
        let list = std::fs::read_to_string(folder.join(LIST)).unwrap();
        for (from, to) in [("a.txt", "../a.txt"), ("\"files\"", "\"file\"")] {
            std::fs::write(folder.join(LIST), list.replacen(from, to, 1)).unwrap();
            assert!(check(&folder).is_err(), "{to}");
        }
        std::fs::write(folder.parent().unwrap().join("a.txt"), b"one").unwrap();
        std::fs::write(folder.join(LIST), list.replacen("a.txt", "../a.txt", 1)).unwrap();
        assert!(check(&folder).is_err(), "a name leads nowhere else");
    }
}
