use prost::Message;

use super::campaign::Campaign;
use super::family::Family;
use super::verifier::Independents;

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
