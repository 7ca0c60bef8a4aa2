use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{DisputePhase, PlatformMeasure};

use super::*;
use crate::hash::Hash;
use crate::test_support::cases::{dispute_in, ruled};
use crate::test_support::disputes::{counter, filing, measure, notice, ruling};
use crate::test_support::rights::designed;
use crate::test_support::{CARRIER, Chain, MAKER, MARKET, OFFICE};

fn record(chain: &Chain, id: &Hash) -> Dispute {
    chain.state.message(&keys::dispute(id)).unwrap()
}

fn found(notices: u64, declarations: u64) -> Option<FalseStatements> {
    Some(FalseStatements {
        notices,
        declarations,
    })
}

/// A ruling is shown on what the party that it is against says later, and on nobody else's.
#[test]
fn rulings_are_shown_on_later_statements_of_their_party() {
    let (mut chain, subject) = designed();
    let first = ruled(&mut chain, &subject, "1", DisputeOutcome::FalseNotice);
    assert_eq!(record(&chain, &first).complainant_before, None);
    let second = ruled(&mut chain, &subject, "2", DisputeOutcome::FalseDeclaration);
    let second = record(&chain, &second);
    assert_eq!(second.complainant_before, found(1, 0));
    assert_eq!(
        second.respondent_before, None,
        "the victim of a false notice gave none"
    );
    let third = dispute_in(&mut chain, &subject, "3", DisputePhase::Countered);
    let third = record(&chain, &third);
    assert_eq!(
        (third.complainant_before, third.respondent_before),
        (found(1, 0), found(0, 1))
    );
    let counted = |party: &str| chain.state.message(&keys::false_statements(party));
    assert_eq!(counted(MAKER.0), found(1, 0));
    assert_eq!(counted(CARRIER.0), found(0, 1));
}

/// Rulings of another kind find nothing false.
#[test]
fn other_rulings_are_not_shown() {
    let (mut chain, subject) = designed();
    for (listing, outcome) in [
        ("1", DisputeOutcome::Upheld),
        ("2", DisputeOutcome::Dismissed),
    ] {
        ruled(&mut chain, &subject, listing, outcome);
    }
    let later = dispute_in(&mut chain, &subject, "3", DisputePhase::Countered);
    let later = record(&chain, &later);
    assert_eq!(
        (later.complainant_before, later.respondent_before),
        (None, None)
    );
}

/// A shop that only its platform knows is not taken for an organisation, nor for another platform's shop.
#[test]
fn a_shop_of_a_platform_is_its_own() {
    let (mut chain, subject) = designed();
    let mut run = |listing: &str| {
        let mut wanted = notice(&subject, listing);
        wanted.respondent = "Shop 7".into();
        let id = chain.run_for_id(MAKER, Action::GiveNotice(wanted)).unwrap();
        let removed = measure(&id, PlatformMeasure::Removed);
        chain.run(MARKET, removed).unwrap();
        chain.run(MARKET, counter(&id)).unwrap();
        chain.run(MAKER, filing(&id, OFFICE.0)).unwrap();
        let before = record(&chain, &id).respondent_before;
        chain
            .run(OFFICE, ruling(&id, DisputeOutcome::FalseDeclaration))
            .unwrap();
        before
    };
    assert_eq!(run("1"), None);
    assert_eq!(run("2"), found(0, 1));
    let counted = |party: &str| {
        chain
            .state
            .message::<FalseStatements>(&keys::false_statements(party))
    };
    assert_eq!(counted("Shop 7"), None);
    assert_eq!(counted("market/Shop 7"), found(0, 2));
}
