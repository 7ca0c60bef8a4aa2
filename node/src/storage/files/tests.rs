//! The data folder on a real file system: content, the lock, failures.

use super::*;

#[test]
fn files_keep_what_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("node");
    let mut disk = FileDisk::new(DataFolder::open(&path).expect("opens"));
    assert_eq!(disk.read("a").expect("reads"), None);
    disk.write_at("a", 2, b"xyz").expect("writes");
    disk.write_at("a", 0, b"12").expect("writes");
    disk.sync("a").expect("syncs");
    assert_eq!(disk.read("a").expect("reads"), Some(b"12xyz".to_vec()));
    disk.truncate("a", 3).expect("truncates");
    disk.sync("a").expect("syncs");
    let clone = disk.clone();
    drop(disk);
    assert_eq!(clone.read("a").expect("reads"), Some(b"12x".to_vec()));
}

/// The lock holds until the last clone is gone.
#[test]
fn a_folder_has_one_user() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = FileDisk::new(DataFolder::open(folder.path()).expect("opens"));
    let second = first.clone();
    drop(first);
    assert!(matches!(
        DataFolder::open(folder.path()),
        Err(FolderError::InUse(_))
    ));
    drop(second);
    DataFolder::open(folder.path()).expect("free again");
}

/// A name that can't be a file, and a folder that can't be one, are faults with their names.
#[test]
fn failures_are_faults() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut disk = FileDisk::new(DataFolder::open(folder.path()).expect("opens"));
    std::fs::create_dir(folder.path().join("d")).expect("creates");
    assert!(matches!(disk.read("d"), Err(Fault::Storage(m)) if m.contains("\"d\"")));
    assert!(matches!(
        disk.write_at("d", 0, b"x"),
        Err(Fault::Storage(_))
    ));
    std::fs::write(folder.path().join("f"), b"").expect("writes");
    assert!(matches!(
        DataFolder::open(&folder.path().join("f")),
        Err(FolderError::Io(..))
    ));
}

/// The log and the guard work on real files.
#[test]
fn log_and_guard_share_a_folder() {
    use crate::storage::double_sign_guard::{Guard, SignedStep};
    use crate::storage::wal::Wal;
    let folder = tempfile::tempdir().expect("a folder");
    {
        let disk = FileDisk::new(DataFolder::open(folder.path()).expect("opens"));
        let mut guard = Guard::create(disk.clone()).expect("creates");
        guard
            .permit(3, 1, SignedStep::Prevote, &[9; 32])
            .expect("permits");
        guard.sync().expect("syncs");
        let (mut wal, _) = Wal::open(disk).expect("opens");
        wal.start_height(3).expect("starts");
        wal.append(b"entry").expect("appends");
        wal.sync().expect("syncs");
    }
    let disk = FileDisk::new(DataFolder::open(folder.path()).expect("opens"));
    let last = Guard::open(disk.clone()).expect("opens").last();
    assert_eq!(
        (last.height, last.round, last.step),
        (3, 1, SignedStep::Prevote)
    );
    let (wal, found) = Wal::open(disk).expect("opens");
    assert_eq!((wal.height(), found.entries), (3, vec![b"entry".to_vec()]));
}
