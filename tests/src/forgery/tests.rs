use std::collections::BTreeSet;

use prost::Message;

use super::campaign::Campaign;
use super::family::Family;
use super::graft::Grafter;
use super::verifier::Independents;
use crate::random::Random;

#[test]
fn genuine_files_hold_and_no_forgery_does() {
    let campaign = Campaign::new(1, 3);
    let folder = tempfile::tempdir().unwrap();
    let genesis = folder.path().join("genesis.json");
    std::fs::write(&genesis, campaign.genesis()).unwrap();
    let mut independent = Independents::start(&genesis).unwrap();
    let refused = campaign
        .refused_though_genuine(Some(&mut independent))
        .unwrap();
    assert_eq!(refused, [""; 0]);
    let tally = campaign
        .structural(0..4_000, Some((&mut independent, 4)))
        .unwrap();
    // All are written from the same documents: they refuse for the same element.
    assert_eq!((tally.judged_by_all, tally.other_element), (1_008, 0));
    let accepted: Vec<_> = tally.accepted.iter().map(|a| &a.what).collect();
    assert!(accepted.is_empty(), "{accepted:?}");
    assert_eq!(tally.total(), 4_000);
    // Every kind was tried.
    assert_eq!(tally.made.len(), Family::ALL.len());
}

/// A field that no genuine file has is changed by nobody: these, and no others, wait for a file that has them.
#[test]
fn genuine_files_have_the_fields_that_verifiers_read() {
    let campaign = Campaign::new(1, 12);
    let missing = campaign.missing_fields();
    // Stamps by authorities and goods that are counted have tests of their own; a panel's terms name no beacon.
    let elsewhere = [
        "checkpoints ",
        "stamps ",
        "item/ Stock.",
        "item/ Holding.",
        "item/ End.",
        "offer/ Portion.",
        "panel/ Beacon.",
    ];
    let unexpected: Vec<_> = missing
        .iter()
        .filter(|field| !elsewhere.iter().any(|known| field.starts_with(known)))
        .collect();
    assert!(unexpected.is_empty(), "{unexpected:?}");
}

/// Each field comes up, and what comes of it is another file.
#[test]
fn every_field_is_changed_alone() {
    let campaign = Campaign::new(4, 1);
    let bundles = campaign.bundles(usize::MAX);
    let grafter = Grafter::default();
    let mut random = Random::new(4);
    let mut done = BTreeSet::new();
    for bundle in bundles {
        for field in grafter.fields(&bundle.evidence) {
            let mut tries = 0..20;
            let changed = tries.any(|_| {
                let bent = grafter.bend(&bundle.evidence, &field, &mut random);
                bent.is_some_and(|bent| bent != bundle.evidence)
            });
            assert!(changed || done.contains(&field), "{field}");
            done.insert(field);
        }
    }
    assert!(done.len() > 250, "{} fields", done.len());
}

#[test]
fn no_flipped_bit_goes_unseen() {
    let campaign = Campaign::new(2, 1);
    let bundles = campaign.bundles(usize::MAX);
    let shortest = bundles.iter().min_by_key(|b| b.evidence.encoded_len());
    let bundle = shortest.unwrap();
    for with_new_checksum in [false, true] {
        let tally = campaign.flips(bundle, with_new_checksum, None).unwrap();
        assert!(tally.accepted.is_empty(), "{:?}", tally.accepted[0].what);
        assert!(tally.total() > 10_000);
    }
}

/// A number means the same forgery on every machine and in every run.
#[test]
fn a_number_is_one_forgery() {
    let (one, two) = (Campaign::new(3, 1), Campaign::new(3, 1));
    for number in 0..64 {
        assert_eq!(one.forgery(number), two.forgery(number), "{number}");
    }
}
