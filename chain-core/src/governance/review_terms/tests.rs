use touchstone_proto::ledger::Beacon;
use touchstone_proto::ledger::change::Kind;

use super::*;
use crate::test_support::beacons;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, approve, change};

#[test]
fn each_term_has_its_range() {
    assert_eq!(check_ranges(&DEFAULT), Ok(()));
    type Bend = fn(&mut ReviewTerms);
    let table: [(&str, Bend); 18] = [
        ("panel", |t| t.panel = 1),
        ("panel", |t| t.panel = 32),
        ("panel", |t| (t.panel, t.appeal_panel) = (101, 103)),
        ("appeal_panel", |t| t.appeal_panel = 31),
        ("appeal_panel", |t| t.appeal_panel = 62),
        ("appeal_panel", |t| t.appeal_panel = 201),
        ("alternates", |t| t.alternates = 200),
        ("quorum_percent", |t| t.quorum_percent = 0),
        ("quorum_percent", |t| t.quorum_percent = 101),
        ("majority_percent", |t| t.majority_percent = 49),
        ("majority_percent", |t| t.majority_percent = 100),
        ("commit_days", |t| t.commit_days = 0),
        ("commit_days", |t| t.commit_days = 91),
        ("open_days", |t| t.open_days = 0),
        ("open_days", |t| t.open_days = 91),
        ("appeal_days", |t| t.appeal_days = 0),
        ("reveal_blocks", |t| t.reveal_blocks = 0),
        ("reveal_blocks", |t| t.reveal_blocks = 100_001),
    ];
    for (name, bend) in table {
        let mut bent = DEFAULT;
        bend(&mut bent);
        assert_eq!(check_ranges(&bent), Err(name), "{bent:?}");
    }
}

#[test]
fn the_consortium_votes_on_terms() {
    let mut chain = Chain::start();
    assert_eq!(terms(&chain.state), Ok(DEFAULT));
    let mut wanted = DEFAULT;
    wanted.panel = 5;
    let put = |sequence, terms: &ReviewTerms| change(sequence, Kind::PutReviewTerms(terms.clone()));
    chain.approve(&[MARKET, CARRIER, MAKER], &put(1, &wanted));
    assert_eq!(terms(&chain.state), Ok(wanted.clone()));
    let again = chain.check(&chain.sign(MARKET, approve(&put(2, &wanted))));
    assert_eq!(again, Err(GovernanceRejection::EmptyChange.into()));
    wanted.panel = 4;
    let even = chain.check(&chain.sign(MARKET, approve(&put(2, &wanted))));
    let range = GovernanceRejection::ReviewTerm("panel");
    assert_eq!((range.code(), even), (820, Err(range.into())));
}

/// None at first; one with a weak key, or with times out of range, is refused from the first approval on.
#[test]
fn the_consortium_may_name_a_beacon() {
    let mut chain = Chain::start();
    assert_eq!(terms(&chain.state).unwrap().beacon, None);
    let with = |beacon| ReviewTerms { beacon, ..DEFAULT };
    let put = |sequence, terms| change(sequence, Kind::PutReviewTerms(terms));
    let refused = |chain: &Chain, named: Beacon| {
        let wanted = put(1, with(Some(named)));
        chain
            .check(&chain.sign(MARKET, approve(&wanted)))
            .unwrap_err()
    };
    let mut weak = beacons::named();
    weak.modulus.truncate(128);
    assert_eq!(refused(&chain, weak), GovernanceRejection::BeaconKey.into());
    let mut hasty = beacons::named();
    hasty.delay_ms = 1;
    let expected = GovernanceRejection::ReviewTerm("beacon_delay_ms");
    assert_eq!(refused(&chain, hasty), expected.into());
    let named = with(Some(beacons::named()));
    chain.approve(&[MARKET, CARRIER, MAKER], &put(1, named.clone()));
    assert_eq!(terms(&chain.state), Ok(named));
    chain.approve(&[MARKET, CARRIER, MAKER], &put(2, with(None)));
    assert_eq!(terms(&chain.state), Ok(DEFAULT));
}
