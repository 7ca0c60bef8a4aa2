//! The disk in memory loses what a real one may lose, and nothing else.

use touchstone_node::storage::Disk;

use super::memory_disk::{FalseSync, Loss, MemoryDisk};
use crate::random::Random;

fn content(disk: &MemoryDisk) -> Option<Vec<u8>> {
    disk.read("file").expect("a simulated read never fails")
}

/// A crash keeps what was synced and mixes versions of the rest by whole sectors.
#[test]
fn a_crash_tears_what_was_not_synced() {
    let mut outcomes = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let mut disk = MemoryDisk::new();
        disk.write_at("file", 0, &[1; 1024]).expect("it works");
        disk.sync("file").expect("it works");
        disk.write_at("file", 0, &[2; 1024]).expect("it works");
        let mut random = Random::new(seed);
        disk.crash(Loss::Parts, |below| random.index(below));
        let found = content(&disk).expect("it was synced");
        assert!(found[..512].iter().all(|b| *b == found[0]));
        assert!(found[512..].iter().all(|b| *b == found[512]));
        outcomes.insert((found[0], found[512]));
    }
    assert_eq!(outcomes.len(), 4, "old or new, for each of two sectors");
}

#[test]
fn what_was_synced_survives_and_a_failing_disk_says_so() {
    let mut disk = MemoryDisk::new();
    let mut random = Random::new(0);
    let mut choose = |below| random.index(below);
    disk.write_at("file", 0, b"kept").expect("it works");
    assert!(!disk.holds_durably(b"kept"));
    disk.sync("file").expect("it works");
    assert!(disk.holds_durably(b"kept"));
    disk.write_at("file", 4, b" lost").expect("it works");
    disk.write_at("other", 0, b"lost").expect("it works");
    disk.crash(Loss::Everything, &mut choose);
    assert_eq!(content(&disk).as_deref(), Some(b"kept".as_slice()));
    assert_eq!(disk.read("other"), Ok(None));

    disk.fail_after(1);
    disk.write_at("file", 0, b"K").expect("one more works");
    disk.sync("file").expect_err("the disk has failed");
    assert!(disk.has_failed());
    disk.crash(Loss::Everything, &mut choose);
    assert_eq!(content(&disk).as_deref(), Some(b"kept".as_slice()));

    disk.lie(FalseSync::Skipped);
    disk.write_at("file", 0, b"K").expect("it works");
    disk.sync("file").expect("it says that it is done");
    disk.crash(Loss::Everything, &mut choose);
    assert_eq!(content(&disk).as_deref(), Some(b"kept".as_slice()));
}
