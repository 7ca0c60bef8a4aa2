//! Files that are still there after a power cut.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

/// Has the folder of a file remember its name.
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    sync_folder(folder.unwrap_or(Path::new(".")))
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    // Elsewhere a folder isn't a file that can be synced.
    match cfg!(unix) {
        true => File::open(folder)?.sync_all(),
        false => Ok(()),
    }
}

/// Opens a file to append to, which this user alone may read, and makes it if need be. Its name is
/// on the disk; what is written to it is once its writer synced it.
pub fn open_log(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path)?;
    sync_folder_of(path)?;
    Ok(file)
}
