//! The log under crashes at every operation, damage in every bit, and misuse.

use proptest::prelude::*;

use super::*;
use crate::storage::memory_disk::MemoryDisk;

fn entries(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|t| t.as_bytes().to_vec()).collect()
}

/// What the node does to its log.
#[derive(Clone, Debug)]
enum Act {
    Start,
    Append(usize),
    Sync,
}

/// Performs acts until the disk stops. Answers the states that a crash may leave: those that
/// hold at least what was synced.
fn perform(disk: &MemoryDisk, acts: &[Act]) -> Allowed {
    let mut allowed = Allowed::default();
    let Ok((mut wal, _)) = Wal::open(disk.clone()) else {
        return allowed;
    };
    let mut serial = 0u64;
    for act in acts {
        let done = match act {
            Act::Start => {
                let height = wal.height() + 1;
                allowed.started.push((height, Vec::new()));
                wal.start_height(height)
            }
            Act::Append(size) if wal.height() > 0 => {
                serial += 1;
                let entry = serial.to_le_bytes().repeat(*size);
                if let Some((_, entries)) = allowed.started.last_mut() {
                    entries.push(entry.clone());
                }
                wal.append(&entry)
            }
            Act::Append(_) => Ok(()),
            Act::Sync => wal.sync(),
        };
        if done.is_err() {
            break;
        }
        if let (Act::Sync, Some((height, entries))) = (act, allowed.started.last()) {
            allowed.synced = (*height, entries.len());
        }
    }
    allowed
}

#[derive(Clone, Debug, Default)]
struct Allowed {
    /// Heights with all entries given to them.
    started: Vec<(u64, Vec<Vec<u8>>)>,
    /// The last sync that succeeded: its height and number of entries.
    synced: (u64, usize),
}

impl Allowed {
    fn check(&self, found: &RecoveredLog) {
        let (height, count) = self.synced;
        assert!(found.height >= height, "{} of {self:?}", found.height);
        if found.height == height {
            assert!(found.entries.len() >= count, "{found:?} of {self:?}");
        }
        if found.height > 0 {
            let (_, given) = self
                .started
                .iter()
                .find(|(h, _)| *h == found.height)
                .expect("a height that was started");
            assert!(given.starts_with(&found.entries), "{found:?} of {self:?}");
        }
    }
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => Just(Act::Start),
        4 => (0usize..40).prop_map(Act::Append),
        3 => Just(Act::Sync),
    ];
    prop::collection::vec(act, 1..24)
}

proptest! {
    /// After a crash at any operation, with any part of the unsynced writes kept, the log opens
    /// and holds what was synced, followed by at most what was appended; and it goes on from there.
    #[test]
    fn a_crash_loses_nothing_that_was_synced(
        acts in acts(),
        stop in 0u64..80,
        keeps in prop::collection::vec(prop::sample::select(vec![0u8, 1, 1, 64, 128, 200]), 64),
    ) {
        let disk = MemoryDisk::default();
        disk.fail_after(stop);
        let allowed = perform(&disk, &acts);
        let mut keeps = keeps.into_iter();
        let crashed = disk.crashed(|| keeps.next().unwrap_or(0));
        let (mut wal, found) = Wal::open(crashed.clone()).expect("a crash is not damage");
        allowed.check(&found);

        // What was answered is durable, and appending goes on behind it.
        let (_, again) = Wal::open(crashed.crashed(|| 0)).expect("opens again");
        prop_assert_eq!(&again, &found);
        if found.height > 0 {
            wal.append(b"next").expect("appends");
            wal.sync().expect("syncs");
            let (_, grown) = Wal::open(crashed.crashed(|| 0)).expect("opens again");
            prop_assert_eq!(grown.entries.len(), found.entries.len() + 1);
        }
    }
}

/// Starting a height, stopped after each of its operations, under every way in which the unsynced
/// writes may be kept, leaves the old height with all its entries or the new one.
#[test]
fn starting_a_height_leaves_the_old_or_the_new_one() {
    let begin = |disk: &MemoryDisk| {
        let (mut wal, _) = Wal::open(disk.clone()).expect("opens");
        for height in [1, 2] {
            wal.start_height(height).expect("starts");
            wal.append(b"kept").expect("appends");
            wal.sync().expect("syncs");
        }
        wal
    };
    let whole = MemoryDisk::default();
    let mut wal = begin(&whole);
    let before = whole.operations();
    wal.start_height(3).expect("starts");
    wal.sync().expect("syncs");
    let after = whole.operations();
    let mut seen = [false; 2];
    for stop in before..=after {
        let disk = MemoryDisk::default();
        let mut wal = begin(&disk);
        disk.fail_after(stop - before);
        let _ = wal.start_height(3).and_then(|()| wal.sync());
        for choice in 0..4u32.pow(4) {
            let mut rest = choice;
            let crashed = disk.crashed(|| {
                let keep = [0, 1, 100, 200][(rest % 4) as usize];
                rest /= 4;
                keep
            });
            let (_, found) = Wal::open(crashed).expect("opens");
            let expected = match found.height {
                2 => entries(&["kept"]),
                _ => Vec::new(),
            };
            assert!([2, 3].contains(&found.height), "{found:?}");
            assert_eq!(found.entries, expected);
            seen[(found.height - 2) as usize] = true;
        }
    }
    assert_eq!(seen, [true; 2], "both outcomes occur");
}

/// Heights left without a sync (blocks fetched one after the other) must not overwrite the only
/// durable file.
#[test]
fn heights_passed_without_a_sync_keep_the_durable_one() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = Wal::open(disk.clone()).expect("opens");
    wal.start_height(1).expect("starts");
    wal.append(b"kept").expect("appends");
    wal.sync().expect("syncs");
    for height in 2..6 {
        wal.start_height(height).expect("starts");
        let (_, found) = Wal::open(disk.crashed(|| 0)).expect("opens");
        assert_eq!((found.height, found.entries), (1, entries(&["kept"])));
    }
}

/// One sync for the first batch of a height, none for starting it.
#[test]
fn starting_a_height_costs_no_sync() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = Wal::open(disk.clone()).expect("opens");
    wal.start_height(1).expect("starts");
    wal.sync().expect("syncs");
    let mut costs = |act: &dyn Fn(&mut Wal<MemoryDisk>) -> Result<(), Fault>| {
        let before = disk.operations();
        act(&mut wal).expect("a good disk");
        disk.operations() - before
    };
    assert_eq!(costs(&|wal| wal.start_height(2)), 0);
    assert_eq!(costs(&|wal| wal.append(b"x")), 0);
    assert_eq!(costs(&|wal| wal.sync()), 4, "cut, write, sync and mark");
    assert_eq!(costs(&|wal| wal.start_height(3)), 0);
    assert_eq!(
        costs(&|wal| wal.sync()),
        3,
        "the file stays as long as it was"
    );
    assert_eq!(costs(&|wal| wal.sync()), 0, "it is durable already");
    assert_eq!(costs(&|wal| wal.append(b"x")), 0);
    assert_eq!(costs(&|wal| wal.sync()), 3, "write, sync and mark");
}

/// A power cut before a height's first sync leaves nothing of it, whatever else of the disk's writes it loses: until
/// then the height before counts, whose block may have to be decided again.
#[test]
fn nothing_of_a_height_is_in_a_file_before_its_first_sync() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = Wal::open(disk.clone()).expect("opens");
    wal.start_height(1).expect("starts");
    wal.append(b"kept").expect("appends");
    wal.sync().expect("syncs");
    wal.start_height(2).expect("starts");
    wal.append(b"lost").expect("appends");
    for share in [0, 1, 100] {
        let (_, found) = Wal::open(disk.crashed(|| share)).expect("opens");
        assert_eq!((found.height, found.entries), (1, entries(&["kept"])));
    }
}

/// A file that was taken away and is there again is another one, as a copy is.
#[test]
fn its_identity_is_that_of_its_files() {
    let disk = MemoryDisk::default();
    let (wal, _) = Wal::open(disk.clone()).expect("opens");
    let first = wal.identity().expect("a good disk");
    assert!(!first.contains(&0));
    let (wal, _) = Wal::open(disk.crashed(|| 0)).expect("opens");
    assert_eq!(wal.identity().expect("a good disk"), first, "after a crash");
    for name in FILES {
        let disk = disk.twin();
        disk.remove(name);
        let (wal, _) = Wal::open(disk).expect("opens");
        assert_ne!(wal.identity().expect("a good disk"), first, "{name}");
    }
}

/// A height's file holds what an earlier one left behind its own entries, until it has grown too long.
#[test]
fn what_an_earlier_height_left_is_no_entry() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = Wal::open(disk.clone()).expect("opens");
    for height in 1..9 {
        wal.start_height(height).expect("starts");
        for entry in 0..=(20 - 2 * height) {
            wal.append(format!("{height} {entry}").as_bytes())
                .expect("appends");
        }
        wal.sync().expect("syncs");
        let (_, found) = Wal::open(disk.crashed(|| 0)).expect("opens");
        assert_eq!(found.height, height);
        let own = found.entries.iter().enumerate();
        let mut own = own.map(|(entry, found)| *found == format!("{height} {entry}").into_bytes());
        assert!(own.all(|is_own| is_own), "{found:?}");
        assert_eq!(found.entries.len() as u64, 21 - 2 * height);
    }
    let length = |disk: &MemoryDisk| disk.files().values().map(Vec::len).max();
    assert_eq!(length(&disk), length(&disk.crashed(|| 0)), "it is durable");
    let kept = usize::try_from(KEPT).expect("a small number");
    for height in 9..12 {
        wal.start_height(height).expect("starts");
        let size = if height == 9 { kept } else { 1 };
        wal.append(&vec![1; size]).expect("appends");
        wal.sync().expect("syncs");
        assert_eq!(length(&disk) > Some(kept), height < 11, "{height}");
    }
    assert_eq!(Wal::open(disk).expect("opens").1.entries, [[1]]);
}

fn sample() -> MemoryDisk {
    let disk = MemoryDisk::default();
    let (mut wal, _) = Wal::open(disk.clone()).expect("opens");
    wal.start_height(6).expect("starts");
    wal.append(b"old").expect("appends");
    wal.sync().expect("syncs");
    wal.start_height(7).expect("starts");
    for entry in ["first", "second", ""] {
        wal.append(entry.as_bytes()).expect("appends");
        wal.sync().expect("syncs");
    }
    disk
}

/// Every flip of a bit in any file is either refused or changes nothing that is read.
#[test]
fn every_flipped_bit_is_refused_or_harmless() {
    let files = sample().files();
    let (_, intact) = Wal::open(MemoryDisk::with(files.clone())).expect("opens");
    assert_eq!(intact.entries, entries(&["first", "second", ""]));
    let mut refused = 0;
    for (name, bytes) in &files {
        for bit in 0..bytes.len() * 8 {
            let mut damaged = files.clone();
            let file = damaged.get_mut(name).expect("listed");
            file[bit / 8] ^= 1 << (bit % 8);
            match Wal::open(MemoryDisk::with(damaged)) {
                Ok((_, found)) => {
                    assert_eq!(found, intact, "{name} bit {bit}");
                    assert_ne!(name, FILES[1], "bit {bit} of the current file");
                }
                Err(WalError::Damaged { .. }) => refused += 1,
                Err(other) => panic!("{name} bit {bit}: {other}"),
            }
        }
    }
    assert_eq!(refused, files[FILES[1]].len() * 8);
}

/// A synced file that was cut short or taken away is damage, at every length.
#[test]
fn a_synced_file_cut_short_is_damaged() {
    let files = sample().files();
    for length in 0..files[FILES[1]].len() {
        let mut cut = files.clone();
        cut.get_mut(FILES[1]).expect("there").truncate(length);
        let opened = Wal::open(MemoryDisk::with(cut)).map(|(_, found)| found);
        assert!(
            matches!(opened, Err(WalError::Damaged { .. })),
            "length {length}: {opened:?}"
        );
    }
    let mut without = files.clone();
    without.remove(FILES[1]);
    assert!(Wal::open(MemoryDisk::with(without)).is_err());
}

/// A log of the same height with other entries, valid in itself, is not the one that was synced.
#[test]
fn another_log_of_the_height_is_damaged() {
    let disk = MemoryDisk::default();
    let (mut wal, _) = Wal::open(disk.clone()).expect("opens");
    wal.start_height(7).expect("starts");
    for _ in 0..9 {
        wal.append(b"forged").expect("appends");
    }
    wal.sync().expect("syncs");
    let mut files = sample().files();
    files.insert(FILES[1].to_owned(), disk.files()[FILES[0]].clone());
    let opened = Wal::open(MemoryDisk::with(files)).map(|(_, found)| found);
    assert!(
        matches!(opened, Err(WalError::Damaged { .. })),
        "{opened:?}"
    );
}

/// Anything behind the synced part is a torn tail, cut off for good.
#[test]
fn an_unsynced_tail_is_cut_off() {
    for tail in [&[0u8][..], &[5, 0, 0, 0, 1], &[0xff; 200], &[0; 4096]] {
        let mut files = sample().files();
        let file = files.get_mut(FILES[1]).expect("there");
        let length = file.len();
        file.extend_from_slice(tail);
        let disk = MemoryDisk::with(files);
        let (_, found) = Wal::open(disk.clone()).expect("opens");
        assert_eq!(found.entries.len(), 3);
        assert_eq!(disk.crashed(|| 0).files()[FILES[1]].len(), length);
    }
}

#[test]
fn refuses_what_makes_no_sense() {
    let (mut wal, found) = Wal::open(MemoryDisk::default()).expect("opens");
    assert_eq!(found, RecoveredLog::default());
    assert!(wal.append(b"x").is_err(), "before the first height");
    wal.start_height(4).expect("starts");
    assert!(wal.start_height(4).is_err(), "the same height");
    assert!(wal.start_height(3).is_err(), "an earlier height");
    assert_eq!(wal.height(), 4);
}

#[test]
fn another_version_is_named() {
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&2u32.to_le_bytes());
    header.extend_from_slice(&9u64.to_le_bytes());
    let check = hash::tagged(HEADER_TAG, &[&header]);
    header.extend_from_slice(&check);
    let disk = MemoryDisk::with([(FILES[0].to_owned(), header)].into());
    let opened = Wal::open(disk).map(|(_, found)| found);
    assert_eq!(opened, Err(WalError::Version(2)));
}
