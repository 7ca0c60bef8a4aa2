//! A folder of files for who decides a case. One list names each file with its SHA-256, and the ledger records the
//! SHA-256 of the list: so none of the files is exchanged later.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use touchstone_client::verification::NotVerified;
use touchstone_core::hash::{Hash, sha256};

use crate::failure::Failure;
use crate::file;
use crate::json_file;
use crate::output::plain;

/// The list's name in the folder.
pub const LIST: &str = "pack.json";
/// Bytes of a list, at most: it is read whole.
const MAX_LIST_BYTES: u64 = 1 << 20;

/// A folder that is being written.
pub struct Pack {
    folder: PathBuf,
    files: Vec<PackedFile>,
    /// What the pack that was there before holds.
    before: Vec<PackedFile>,
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
    /// A folder to write to; one that holds a list already is left alone.
    pub fn create(folder: &Path, force: bool) -> Result<Pack, Failure> {
        file::refuse_existing(&folder.join(LIST), force)?;
        std::fs::create_dir_all(folder).map_err(|e| Failure::io("making", folder, &e))?;
        Ok(Pack {
            folder: folder.to_owned(),
            files: Vec::new(),
            before: check(folder).map_or_else(|_| Vec::new(), |(_, files)| files),
        })
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

    /// Writes the list, with what the folder is about; its SHA-256. Files of an earlier pack that are none of this one
    /// are removed.
    pub fn finish(self, about: Value) -> Result<Hash, Failure> {
        let path = self.list();
        let files = self.files;
        let mut left = self.before;
        left.retain(|old| files.iter().all(|file| file.name != old.name));
        let mut bytes = serde_json::to_vec_pretty(&List { about, files })
            .map_err(|e| Failure::Usage(e.to_string()))?;
        bytes.push(b'\n');
        file::write(&path, &bytes)?;
        for old in left {
            file::remove(&self.folder.join(&old.name))?;
        }
        Ok(sha256(&bytes))
    }
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
        // A name leads nowhere else.
        let is_name = Path::new(&packed.name).file_name() == Some(packed.name.as_ref());
        if !is_name {
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

    #[test]
    fn a_folder_that_is_packed_anew_keeps_nothing_of_before() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.txt"), b"not packed").unwrap();
        for name in ["a.txt", "b.txt"] {
            let mut pack = Pack::create(folder.path(), true).unwrap();
            pack.add(name, b"one").unwrap();
            pack.finish(json!({})).unwrap();
            let (_, files) = check(folder.path()).unwrap();
            assert_eq!(unlisted(folder.path(), &files).unwrap(), ["mine.txt"]);
        }
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
        assert!(Pack::create(&folder, true).is_ok());
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
