//! Files and folders that are still there after a power cut: a file's bytes are synced before it gets its name, and the
//! folder once it has it. And files that are read if they aren't too large.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use touchstone_client::durable_file::sync_folder_of;

use crate::failure::Failure;
use crate::staging;

/// Refuses a name that is taken, unless overwriting is wished. Asked before the work is done.
pub fn refuse_existing(path: &Path, force: bool) -> Result<(), Failure> {
    if force || !path.exists() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{} exists; --force overwrites it",
        path.display()
    )))
}

/// Writes a file whole or not at all: a power cut leaves the old one or the new one. It is on the
/// disk, under its name, when this returns.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_by(OpenOptions::new(), path, bytes)
}

/// The same, for this user's eyes alone.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    write_by(options, path, bytes)
}

/// Writes to a name that nobody else knows: of two runs each renames its own file, and none is opened that somebody has
/// laid there.
fn write_by(mut options: OpenOptions, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let part = staging::staged(path).map_err(|e| Failure::io("writing", path, &e))?;
    let written = options
        .write(true)
        .create_new(true)
        .open(&part)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| std::fs::rename(&part, path))
        .and_then(|()| sync_folder_of(path));
    if written.is_err() {
        // A disk that is full needs the place.
        let _ = std::fs::remove_file(&part);
    }
    written.map_err(|e| Failure::io("writing", path, &e))
}

/// Removes a file, if it is there.
pub fn remove(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed
            .and_then(|()| sync_folder_of(path))
            .map_err(|e| Failure::io("removing", path, &e)),
    }
}

/// Makes a folder, and those around it, that this user alone may look into; one that is there
/// stays as it is.
pub fn create_private_folder(folder: &Path) -> Result<(), Failure> {
    create(folder).map_err(|e| Failure::io("making", folder, &e))
}

fn create(folder: &Path) -> io::Result<()> {
    if folder.is_dir() || folder.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(around) = folder.parent() {
        create(around)?;
    }
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        made => made.and_then(|()| sync_folder_of(folder)),
    }
}

/// A file's bytes; one of more than `most` bytes isn't read. `too_many` makes the failure from how many it has.
pub fn read_within(
    path: &Path,
    most: u64,
    too_many: impl FnOnce(u64) -> Failure,
) -> Result<Vec<u8>, Failure> {
    let size = std::fs::metadata(path).map_err(|e| Failure::io("reading", path, &e))?;
    match size.len() > most {
        true => Err(too_many(size.len())),
        false => std::fs::read(path).map_err(|e| Failure::io("reading", path, &e)),
    }
}

#[cfg(test)]
mod tests {
    use touchstone_client::durable_file::open_log;

    use super::*;

    #[test]
    fn a_file_is_written_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.json");
        for content in [&b"first"[..], b"second"] {
            write(&path, content).unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), content);
        }
        let full = folder.path().join("full");
        std::fs::create_dir(&full).unwrap();
        std::fs::write(full.join("content"), b"").unwrap();
        // One can't be written to, the other can't be replaced.
        for refused in [folder.path().join("none/a"), full] {
            assert!(matches!(write(&refused, b""), Err(Failure::File(_))));
        }
        let names = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(names, 2, "nothing is left over");
    }

    /// What somebody laid there, to read a secret, isn't written to.
    #[cfg(unix)]
    #[test]
    fn a_private_file_is_written_to_no_file_that_was_there() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("codes.csv");
        let laid = folder.path().join("codes.csv.part");
        std::fs::write(&laid, b"open to all").unwrap();
        write_private(&path, b"secret").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600);
        assert_eq!(std::fs::read(&laid).unwrap(), b"open to all");
    }

    #[cfg(unix)]
    #[test]
    fn a_private_folder_is_this_users_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        create_private_folder(&inner).unwrap();
        create_private_folder(&inner).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&inner), mode(&folder.path().join("a"))),
            (0o700, 0o700)
        );
        drop(open_log(&inner.join("log")).unwrap());
        assert_eq!(mode(&inner.join("log")), 0o600);
        std::fs::write(folder.path().join("file"), b"").unwrap();
        assert!(create_private_folder(&folder.path().join("file/x")).is_err());
    }
}
