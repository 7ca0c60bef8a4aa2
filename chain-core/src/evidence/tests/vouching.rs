//! Who vouched for a designer, in evidence files: it comes with the design, and can't be hidden.

use super::*;
use crate::state::keys;
use crate::test_support::vouched::{LIN, deposit, vouch, vouch_again, withdraw};

/// A designer's two deposits, each under a vouching of its own, the later of which is withdrawn since.
pub(super) fn vouched() -> (Chain, Hash, Hash) {
    let mut chain = Chain::start();
    let action = vouch(&chain.id, LIN, chain.time_ms + 10_000);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    chain.run(LIN, deposit(1)).unwrap();
    let action = vouch_again(&chain.id, LIN, chain.time_ms + 20_000);
    chain.run(MARKET, Action::VouchForDesigner(action)).unwrap();
    chain.run(LIN, deposit(2)).unwrap();
    chain
        .run(MARKET, withdraw(LIN.0, "a false passport"))
        .unwrap();
    let id = |byte| design::id(&public(LIN.1), &[byte; 32]);
    (chain, id(1), id(2))
}

#[test]
fn who_vouched_comes_with_the_design() {
    let (chain, first, second) = vouched();
    for (id, number, is_withdrawn) in [(first, 0, false), (second, 1, true)] {
        let evidence = collected(&chain, &Subject::Design(id));
        let report = examine(&seal(&evidence), &trusting(&chain));
        assert_verified(&report);
        let (vouching, name) = report.facts.deposit.unwrap().vouching.unwrap();
        let expected = chain.state.message(&keys::vouching(LIN.0, number));
        assert_eq!(Some(&vouching), expected.as_ref());
        assert_eq!(
            (name.as_str(), vouching.withdrawn.is_some()),
            ("The market", is_withdrawn)
        );
    }
}

#[test]
fn who_vouched_cannot_be_hidden_or_exchanged() {
    let (chain, first, second) = vouched();
    let of = |id| collected(&chain, &Subject::Design(id));
    let key = keys::vouching(LIN.0, 0);
    let mut hidden = of(first);
    hidden.states.retain(|state| state.key != key);
    let mut nameless = of(first);
    nameless
        .states
        .retain(|state| state.key != keys::organisation(MARKET.0));
    let mut exchanged = of(second);
    let other = of(first).states.into_iter().find(|state| state.key == key);
    let own = keys::vouching(LIN.0, 1);
    exchanged.states.retain(|state| state.key != own);
    exchanged.states.extend(other);
    exchanged.states.sort_by(|a, b| a.key.cmp(&b.key));
    for forged in [hidden, nameless, exchanged] {
        let report = examine(&seal(&forged), &trusting(&chain));
        assert_eq!(report.failure().map(|f| f.0), Some(Element::Completeness));
    }
    let mut bent = of(second);
    let state = bent
        .states
        .iter_mut()
        .find(|state| state.key == own)
        .unwrap();
    let value = state.value.as_mut().unwrap();
    let last = value.len() - 1;
    value[last] ^= 1;
    let report = examine(&seal(&bent), &trusting(&chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::State));
    let mut superfluous = of(first);
    let other = of(second).states.into_iter().find(|state| state.key == own);
    superfluous.states.extend(other);
    superfluous.states.sort_by(|a, b| a.key.cmp(&b.key));
    let report = examine(&seal(&superfluous), &trusting(&chain));
    assert_eq!(report.failure().map(|f| f.0), Some(Element::State));
}
