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
    let slots = [0, 1].map(|sequence| {
        encode(&Slot {
            sequence,
            last,
            file: 0,
            reserved: Reserved::default(),
        })
    });
    let slots = slots.map(of_version_1).concat();
    let disk = MemoryDisk::with([(FILE.to_owned(), slots)].into());
    let mut guard = Guard::open(disk.clone()).expect("opens");
    assert!(sign(&mut guard, 4, 0, SignedStep::Prevote, 2));
    let copy = MemoryDisk::with(disk.files());
    assert_eq!(Guard::open(copy).err(), Some(GuardError::Copied));
    assert_eq!(Guard::open(disk).expect("opens").last().height, 4);
}

/// The slot as the version wrote it that reserved nothing.
fn of_version_1(mut slot: Vec<u8>) -> Vec<u8> {
    slot[8..12].copy_from_slice(&WITHOUT_RESERVE.to_le_bytes());
    let check = hash::tagged(CHECK_TAG, &[&slot[..BODY]]);
    slot[BODY..].copy_from_slice(&check);
    slot
}

/// The log that is followed here.
const LOG: LogIdentity = [7, 8];

fn following(disk: &MemoryDisk) -> Guard<MemoryDisk> {
    let mut guard = Guard::open(disk.clone()).expect("opens");
    assert_eq!(guard.follow(LOG), 0);
    guard
}

fn save(guard: &mut Guard<MemoryDisk>, height: u64, step: SignedStep) {
    let permitted = guard.permit(height, 0, step, &[1; 32]);
    permitted.expect("a later one");
    guard.save().expect("saves");
}

/// One sync for so many heights, and a power cut never leaves a guard that refuses to open or that has forgotten which
/// heights are reserved, whichever of the writes since it loses.
#[test]
fn what_is_logged_costs_a_sync_for_many_heights() {
    let (disk, _) = created();
    let mut guard = following(&disk);
    let before = disk.syncs();
    for height in 1..=2 * AHEAD {
        for step in STEPS {
            save(&mut guard, height, step);
            for share in 0..2 {
                let mut after = Guard::open(disk.crashed(|| share)).expect("opens");
                assert_eq!(after.reserved_to(), height.div_ceil(AHEAD) * AHEAD);
                assert_eq!(
                    after.last() == guard.last(),
                    share == 1 || is_first(height, step)
                );
                assert_eq!(after.follow([7, 9]), after.reserved_to(), "another log");
            }
            // Another process goes on, and the power is cut before anything of its is synced.
            if height % 5 == 0 {
                guard = following(&disk);
            }
        }
    }
    let processes = 3 * (2 * AHEAD / 5);
    assert_eq!(disk.syncs() - before, 2 + processes);
}

fn is_first(height: u64, step: SignedStep) -> bool {
    height % AHEAD == 1 && step == SignedStep::Propose
}

/// Where the disk can't tell files from copies, every permit is synced, logged or not.
#[test]
fn a_log_without_identity_is_not_believed() {
    for log in [[0, 0], [7, 0]] {
        let (disk, mut guard) = created();
        assert_eq!(guard.follow(log), 0);
        for step in STEPS {
            save(&mut guard, 1, step);
            let after = Guard::open(disk.crashed(|| 0)).expect("opens");
            assert_eq!((after.last(), after.reserved_to()), (guard.last(), 0));
        }
    }
}

/// All that was reserved counts as signed once the log is another one, and a reset ends that.
#[test]
fn another_log_ends_a_reserve() {
    let (disk, _) = created();
    let mut guard = following(&disk);
    save(&mut guard, 3, SignedStep::Prevote);
    let mut guard = Guard::open(disk.clone()).expect("opens");
    assert_eq!(guard.follow([9, 8]), 2 + AHEAD);
    save(&mut guard, 3 + AHEAD, SignedStep::Prevote);
    let mut guard = Guard::open(disk.crashed(|| 0)).expect("opens");
    assert_eq!(guard.follow([9, 8]), 0, "the new one is believed now");
    assert_eq!(guard.follow(LOG), 2 + 2 * AHEAD);
    let mut guard = Guard::reset(disk, 3 + AHEAD).expect("resets");
    assert_eq!(guard.follow(LOG), 0);
}

/// Nothing that was synced is forgotten where heights are reserved: what isn't in the log costs its sync.
#[test]
fn what_is_not_logged_is_synced_at_reserved_heights_too() {
    let (disk, _) = created();
    let mut guard = following(&disk);
    save(&mut guard, 3, SignedStep::Prevote);
    assert!(sign(&mut guard, 3, 0, SignedStep::Precommit, 1));
    let after = Guard::open(disk.crashed(|| 0)).expect("opens");
    assert_eq!(after.last(), guard.last());
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

/// What a sound guard knows is not forgotten by a lower height; an operator's word is.
#[test]
fn a_reset_forgets_no_signature() {
    let (disk, mut guard) = created();
    assert!(sign(&mut guard, 7, 0, SignedStep::Prevote, 1));
    let refused = Guard::reset(disk.clone(), 6).err();
    let expected = GuardError::Knows {
        signed: 7,
        asked: 6,
    };
    assert_eq!(refused, Some(expected));
    assert!(!sign(&mut guard, 7, 0, SignedStep::Prevote, 2));
    for height in [7, 1000, 8] {
        Guard::reset(disk.clone(), height).expect("resets");
        let mut guard = Guard::open(disk.clone()).expect("opens");
        assert!(!sign(&mut guard, height, 0, SignedStep::Propose, 1));
    }
    let mut guard = Guard::open(disk).expect("opens");
    assert!(sign(&mut guard, 9, 0, SignedStep::Propose, 1));
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
