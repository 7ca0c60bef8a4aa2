//! What the guard permits, what survives a crash, and that no changed file is believed.

use proptest::prelude::*;

use super::*;
use crate::storage::memory_disk::MemoryDisk;

const STEPS: [SignedStep; 3] = [
    SignedStep::Propose,
    SignedStep::Prevote,
    SignedStep::Precommit,
];

fn created() -> (MemoryDisk, Guard<MemoryDisk>) {
    let disk = MemoryDisk::default();
    let guard = Guard::create(disk.clone()).expect("creates");
    (disk, guard)
}

fn sign(
    guard: &mut Guard<MemoryDisk>,
    height: u64,
    round: u32,
    step: SignedStep,
    mark: u8,
) -> bool {
    let permitted = guard.permit(height, round, step, &[mark; 32]).is_ok();
    guard.sync().expect("syncs");
    permitted
}

#[test]
fn only_later_messages_and_the_same_one_are_signed() {
    use SignedStep::{Precommit, Prevote, Propose};
    let (_, mut guard) = created();
    let table = [
        (5, 1, Prevote, 1, true, "the first"),
        (5, 1, Prevote, 1, true, "the same again"),
        (5, 1, Prevote, 2, false, "other bytes in the same place"),
        (5, 1, Propose, 3, false, "an earlier step"),
        (5, 0, Precommit, 3, false, "an earlier round"),
        (4, 9, Precommit, 3, false, "an earlier height"),
        (5, 1, Precommit, 3, true, "a later step"),
        (5, 2, Propose, 4, true, "a later round"),
        (6, 0, Propose, 5, true, "a later height"),
        (
            5,
            2,
            Propose,
            4,
            false,
            "what was signed once, but not last",
        ),
    ];
    for (height, round, step, mark, expected, why) in table {
        assert_eq!(
            sign(&mut guard, height, round, step, mark),
            expected,
            "{why}"
        );
    }
    assert_eq!(guard.last().place(), (6, 0, Propose));
}

#[test]
fn height_zero_is_never_signed() {
    let (_, mut guard) = created();
    assert!(guard.permit(0, 0, SignedStep::Propose, &[0; 32]).is_err());
}

fn message() -> impl Strategy<Value = (u64, u32, SignedStep, u8)> {
    (1u64..4, 0u32..3, 0usize..3, 0u8..2).prop_map(|(h, r, s, m)| (h, r, STEPS[s], m))
}

proptest! {
    /// Whatever is asked for, with crashes in between that lose any of the unsynced writes: nothing
    /// that left contradicts anything that left.
    #[test]
    fn nothing_contradictory_ever_leaves(
        asked in prop::collection::vec((message(), any::<bool>(), any::<bool>()), 1..60),
    ) {
        let (mut disk, mut guard) = created();
        let mut left: Vec<(u64, u32, SignedStep, u8)> = Vec::new();
        for ((height, round, step, mark), crash, keep) in asked {
            let permitted = guard.permit(height, round, step, &[mark; 32]).is_ok();
            if crash {
                disk.fail_after(1);
                let _ = guard.sync();
                disk = disk.crashed(|| u8::from(keep));
                guard = Guard::open(disk.clone()).expect("whole sectors survive");
                continue;
            }
            guard.sync().expect("syncs");
            if permitted {
                for (h, r, s, m) in &left {
                    prop_assert!(
                        (*h, *r, *s) != (height, round, step) || *m == mark,
                        "both hashes in {:?}", (h, r, s)
                    );
                }
                left.push((height, round, step, mark));
            }
        }
    }
}

/// What was synced is there after a crash; what was only permitted never left.
#[test]
fn a_synced_mark_survives() {
    let (disk, mut guard) = created();
    for height in 1..5 {
        assert!(sign(&mut guard, height, 0, SignedStep::Prevote, 1));
        guard
            .permit(height, 0, SignedStep::Precommit, &[2; 32])
            .expect("permitted");
        let reopened = Guard::open(disk.crashed(|| 0)).expect("opens");
        assert_eq!(reopened.last().place(), (height, 0, SignedStep::Prevote));
    }
}

/// A crash while a slot is written: the old mark, the new one, or (a torn sector) a refusal.
#[test]
fn a_torn_slot_refuses() {
    let (disk, mut guard) = created();
    assert!(sign(&mut guard, 1, 0, SignedStep::Prevote, 1));
    guard
        .permit(2, 0, SignedStep::Prevote, &[2; 32])
        .expect("permitted");
    disk.fail_after(1);
    assert!(guard.sync().is_err());
    for share in 0..=255u8 {
        match Guard::open(disk.crashed(|| share)) {
            Ok(guard) => {
                let height = if share == 1 { 2 } else { 1 };
                assert_eq!(guard.last().height, height, "share {share}");
                assert!(
                    share < 2 || share as usize * SLOT / 256 <= 12,
                    "share {share}"
                );
            }
            Err(error) => assert!(matches!(error, GuardError::Damaged(_)), "{error}"),
        }
    }
}

/// Every flip of a bit, every cut and every exchange of slots is refused.
#[test]
fn every_change_of_the_file_is_refused() {
    let (disk, mut guard) = created();
    for height in 1..4 {
        assert!(sign(&mut guard, height, 0, SignedStep::Prevote, 1));
        let file = disk.files()[FILE].clone();
        let refused = |bytes: Vec<u8>| {
            matches!(
                Guard::open(MemoryDisk::with([(FILE.to_owned(), bytes)].into())),
                Err(GuardError::Damaged(_))
            )
        };
        assert!(!refused(file.clone()));
        for bit in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(refused(flipped), "bit {bit}");
        }
        for length in 0..file.len() {
            assert!(refused(file[..length].to_vec()), "length {length}");
        }
        let (first, second) = file.split_at(SLOT);
        assert!(refused([second, first].concat()), "exchanged");
        assert!(refused([first, first].concat()), "one slot twice");
        assert!(refused([second, second].concat()), "the other twice");
        assert!(refused([first, second, &[0]].concat()), "longer");
    }
}

/// A guard that was copied to another file is refused, whichever of the two goes on; reset, it is bound to its file.
#[test]
fn a_copy_is_refused_until_it_is_reset() {
    let (disk, mut guard) = created();
    assert!(sign(&mut guard, 4, 0, SignedStep::Prevote, 1));
    let copy = MemoryDisk::with(disk.files());
    assert_eq!(Guard::open(copy.clone()).err(), Some(GuardError::Copied));
    assert!(sign(&mut guard, 5, 0, SignedStep::Prevote, 1));
    Guard::open(disk.crashed(|| 0)).expect("the file itself is accepted, after a crash too");
    Guard::reset(copy.clone(), 6).expect("resets");
    let mut guard = Guard::open(copy.clone()).expect("it is the copy's own now");
    assert!(sign(&mut guard, 7, 0, SignedStep::Prevote, 1));
    Guard::open(copy).expect("opens");
}

/// Guards of before, whose slots name no file, are accepted and bound by the next signature.
#[test]
fn a_guard_without_an_identity_is_bound_by_its_next_signature() {
    let last = LastSigned {
        height: 3,
        round: 0,
        step: SignedStep::Prevote,
        hash: [1; 32],
    };
    let slots = [encode(0, &last, 0), encode(1, &last, 0)].concat();
    let disk = MemoryDisk::with([(FILE.to_owned(), slots)].into());
    let mut guard = Guard::open(disk.clone()).expect("opens");
    assert!(sign(&mut guard, 4, 0, SignedStep::Prevote, 2));
    let copy = MemoryDisk::with(disk.files());
    assert_eq!(Guard::open(copy).err(), Some(GuardError::Copied));
    assert_eq!(Guard::open(disk).expect("opens").last().height, 4);
}

#[test]
fn a_missing_guard_is_never_replaced_silently() {
    let disk = MemoryDisk::default();
    assert!(matches!(
        Guard::open(disk.clone()),
        Err(GuardError::Missing)
    ));
    Guard::create(disk.clone()).expect("creates");
    assert!(matches!(
        Guard::create(disk.clone()),
        Err(GuardError::Exists)
    ));
    Guard::open(disk).expect("opens");
}

/// A reset refuses everything up to its height, over any content.
#[test]
fn a_reset_forbids_the_past() {
    for content in [None, Some(vec![7; 3]), Some(vec![0; 2 * SLOT])] {
        let disk = MemoryDisk::with(content.map(|c| (FILE.to_owned(), c)).into_iter().collect());
        Guard::reset(disk.clone(), 10).expect("resets");
        let mut guard = Guard::open(disk.crashed(|| 0)).expect("opens");
        assert!(!sign(&mut guard, 10, u32::MAX, SignedStep::Precommit, 1));
        assert!(!sign(&mut guard, 9, 0, SignedStep::Propose, 1));
        assert!(sign(&mut guard, 11, 0, SignedStep::Propose, 1));
    }
}

/// A guard whose disk is new permits nothing, over restarts too, until the others' word is durable.
#[test]
fn an_unknown_guard_permits_nothing_until_it_is_confirmed() {
    let disk = MemoryDisk::default();
    let mut guard = Guard::create_unknown(disk.clone()).expect("creates");
    assert!(guard.is_unknown());
    for (height, round) in [(1, 0), (1 << 60, 9), (u64::MAX, u32::MAX)] {
        assert!(
            guard
                .permit(height, round, SignedStep::Precommit, &[1; 32])
                .is_err()
        );
    }
    let mut guard = Guard::open(disk.clone()).expect("opens");
    assert!(guard.is_unknown());
    guard.confirm(7).expect("it is unknown");
    let mut guard = Guard::open(disk.clone()).expect("opens");
    assert!(!guard.is_unknown());
    assert!(!sign(&mut guard, 7, 3, SignedStep::Precommit, 1));
    assert!(sign(&mut guard, 8, 0, SignedStep::Propose, 1));
    assert!(guard.confirm(5).is_err(), "only once");
    assert_eq!(guard.last().place(), (8, 0, SignedStep::Propose));
    assert!(matches!(
        Guard::create_unknown(disk),
        Err(GuardError::Exists)
    ));
}
