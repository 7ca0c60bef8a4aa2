//! Who owns a design, in evidence files: once it was passed on, no file can do without saying so.

use touchstone_proto::ledger::{Outcome, Right};

use super::*;
use crate::state::keys;
use crate::test_support::rights::{answer_right, designed, offer_right};

/// A design that the maker passed on to the market.
pub(super) fn transferred() -> (Chain, Hash) {
    let (mut chain, subject) = designed();
    let action = offer_right(&subject, MARKET.0, chain.time_ms + 10_000);
    let offer = chain.run_for_id(MAKER, action).unwrap();
    let accept = answer_right(&subject, &offer, Outcome::Accepted);
    chain.run(MARKET, accept).unwrap();
    (chain, subject)
}

#[test]
fn the_owner_comes_with_the_design_and_cannot_be_hidden() {
    let (chain, subject) = transferred();
    let evidence = collected(&chain, &Subject::Design(subject));
    let report = examine(&seal(&evidence), &trusting(&chain));
    assert_verified(&report);
    let right = report.facts.deposit.unwrap().right.unwrap();
    let owners: Vec<_> = right
        .owners
        .iter()
        .map(|o| o.organisation.as_str())
        .collect();
    assert_eq!(owners, [MAKER.0, MARKET.0]);
    let key = keys::right(&subject);
    let mut hidden = evidence.clone();
    hidden.states.retain(|state| state.key != key);
    let report = examine(&seal(&hidden), &trusting(&chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::Completeness));
    // Bent values fail under the anchor's root; a right of others, were it proven, by its beginning.
    let mut bent = evidence;
    let state = bent
        .states
        .iter_mut()
        .find(|state| state.key == key)
        .unwrap();
    let mut other: Right = encoding::decode_exact(state.value.as_ref().unwrap()).unwrap();
    other.owners[1].organisation = CARRIER.0.into();
    state.value = Some(other.encode_to_vec());
    let report = examine(&seal(&bent), &trusting(&chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::State));
}
