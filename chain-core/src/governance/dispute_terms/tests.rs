use touchstone_proto::ledger::change::Kind;

use super::*;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, approve, change};

#[test]
fn each_term_has_its_range() {
    assert_eq!(check_ranges(&DEFAULT), Ok(()));
    type Bend = fn(&mut DisputeTerms, u32);
    let table: [(&str, u32, Bend); 13] = [
        ("laboratory_days", 367, |t, n| t.laboratory_days = n),
        ("mend_days", 367, |t, n| t.mend_days = n),
        ("acceptance_days", 91, |t, n| t.acceptance_days = n),
        ("sanction_days", 3_661, |t, n| t.sanction_days = n),
        ("false_notices", 9, |t, n| t.false_notices = n),
        ("appeal_days", 367, |t, n| t.appeal_days = n),
        ("decision_days", 367, |t, n| t.decision_days = n),
        ("answer_days", 91, |t, n| t.answer_days = n),
        ("declaration_days", 367, |t, n| t.declaration_days = n),
        ("waiting_days", 91, |t, n| t.waiting_days = n),
        ("ruling_days", 3_661, |t, n| t.ruling_days = n),
        ("opinion_days", 91, |t, n| t.opinion_days = n),
        ("escalation_days", 91, |t, n| t.escalation_days = n),
    ];
    for (name, above, bend) in table {
        for (value, expected) in [
            (0, Err(name)),
            (1, Ok(())),
            (above - 1, Ok(())),
            (above, Err(name)),
        ] {
            let mut bent = DEFAULT;
            bend(&mut bent, value);
            assert_eq!(check_ranges(&bent), expected, "{bent:?}");
        }
    }
}

#[test]
fn the_consortium_votes_on_terms() {
    let mut chain = Chain::start();
    assert_eq!(terms(&chain.state), Ok(DEFAULT));
    let wanted = DisputeTerms {
        mend_days: 30,
        ..DEFAULT
    };
    let put = |sequence, terms| change(sequence, Kind::PutDisputeTerms(terms));
    chain.approve(&[MARKET, CARRIER, MAKER], &put(1, wanted));
    assert_eq!(terms(&chain.state), Ok(wanted));
    let again = chain.check(&chain.sign(MARKET, approve(&put(2, wanted))));
    assert_eq!(again, Err(GovernanceRejection::EmptyChange.into()));
    let none = DisputeTerms {
        mend_days: 0,
        ..DEFAULT
    };
    let none = chain.check(&chain.sign(MARKET, approve(&put(2, none))));
    let range = GovernanceRejection::DisputeTerm("mend_days");
    assert_eq!((range.code(), none), (849, Err(range.into())));
}
