use touchstone_proto::ledger::{Disclosure, FingerprintCount, PictureFingerprint, Position};

use super::*;

const ID: Hash = [9; 32];

fn candidate(number: u64, distance: u32) -> LookAlike {
    LookAlike {
        number,
        design_id: vec![8; 32],
        file_hash: vec![7; 32],
        distance,
        variant: 1,
        part: 0,
        organisation: "maker".into(),
        deposited: Some(Position::default()),
        deposited_ms: 1,
    }
}

fn picture(file: u8, candidates: Vec<LookAlike>) -> ComparedPicture {
    ComparedPicture {
        fingerprint: Some(PictureFingerprint {
            file_hash: vec![file; 32],
            ..PictureFingerprint::default()
        }),
        found: candidates.len() as u64,
        candidates,
    }
}

fn sample() -> (Design, LookAlikes) {
    let design = Design {
        disclosure: Some(Disclosure {
            file_hashes: vec![vec![1; 32], vec![2; 32], vec![3; 32]],
            ..Disclosure::default()
        }),
        compared: 2,
        ..Design::default()
    };
    let found = LookAlikes {
        specification: vec![5; 32],
        searched: Some(FingerprintCount {
            pictures: 40,
            designs: 30,
        }),
        pictures: vec![
            picture(1, vec![candidate(7, 3), candidate(2, 4), candidate(3, 4)]),
            picture(3, vec![]),
        ],
        ..LookAlikes::default()
    };
    (design, found)
}

#[test]
fn a_comparison_belongs_to_its_design() {
    let (design, found) = sample();
    assert_eq!(check(&ID, &design, Some(&found)), Ok(()));
    let none = Design {
        compared: 0,
        ..design
    };
    assert_eq!(check(&ID, &none, None), Ok(()));
}

/// Who hides the comparison, a picture or a candidate is found out.
#[test]
fn what_is_bent_is_refused() {
    let (design, found) = sample();
    assert_eq!(
        check(&ID, &design, None),
        Err(LookAlikesError::Missing(2)),
        "hidden as a whole"
    );
    type Bend = fn(&mut Design, &mut LookAlikes);
    let bends: [(&str, Bend); 19] = [
        ("not counted", |d, _| d.compared = 0),
        ("counted as more", |d, _| d.compared = 3),
        ("no disclosure", |d, _| d.disclosure = None),
        ("a picture left out", |_, f| {
            f.pictures.pop();
        }),
        ("no pictures", |d, f| {
            d.compared = 0;
            f.pictures.clear();
        }),
        ("a picture of another design", |_, f| {
            f.pictures[1] = picture(4, vec![]);
        }),
        ("a picture twice", |_, f| f.pictures[1] = picture(1, vec![])),
        ("pictures out of order", |_, f| f.pictures.reverse()),
        ("no fingerprint", |_, f| f.pictures[0].fingerprint = None),
        ("a short specification", |_, f| {
            f.specification.pop();
        }),
        ("a candidate left out", |_, f| {
            f.pictures[0].candidates.pop();
        }),
        ("more than were searched", |_, f| {
            f.searched = Some(FingerprintCount::default());
        }),
        ("candidates out of order", |_, f| {
            f.pictures[0].candidates.reverse();
        }),
        ("equally near ones out of order", |_, f| {
            f.pictures[0].candidates.swap(1, 2);
        }),
        ("too far", |_, f| f.pictures[0].candidates[2].distance = 48),
        ("no such variant", |_, f| {
            f.pictures[0].candidates[2].variant = 8;
        }),
        ("no such part", |_, f| f.pictures[0].candidates[2].part = 2),
        ("a look-alike of itself", |_, f| {
            f.pictures[0].candidates[2].design_id = ID.to_vec();
        }),
        ("published later", |_, f| {
            f.pictures[0].candidates[2].number = 40;
        }),
    ];
    for (what, bend) in bends {
        let (mut design, mut found) = (design.clone(), found.clone());
        bend(&mut design, &mut found);
        assert!(check(&ID, &design, Some(&found)).is_err(), "{what}");
    }
}

#[test]
fn of_more_than_32_exactly_32_are_named() {
    let (design, mut found) = sample();
    found.pictures[0].candidates = (0..32).map(|number| candidate(number, 5)).collect();
    found.pictures[0].found = 35;
    assert_eq!(check(&ID, &design, Some(&found)), Ok(()));
    found.pictures[0].candidates.pop();
    let hidden = Err(LookAlikesError::Candidates);
    assert_eq!(check(&ID, &design, Some(&found)), hidden);
}
