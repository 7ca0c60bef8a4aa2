use touchstone_proto::ledger::Change;
use touchstone_proto::ledger::change::Kind;

use super::*;
use crate::test_support::{
    CARRIER, Chain, MAKER, MARKET, OFFICE, approve, capture, change, item, object,
};

const THREE: [(&str, u8); 3] = [MARKET, CARRIER, MAKER];

fn put(sequence: u64, parameters: &Parameters) -> Change {
    change(sequence, Kind::PutParameters(*parameters))
}

/// What the decisive approval is answered.
fn code(chain: &Chain, wanted: &Parameters) -> u32 {
    let mut chain = chain.clone();
    let change = put(1, wanted);
    chain.approve(&THREE[..2], &change);
    let refused = chain.check(&chain.sign(MAKER, approve(&change)));
    refused.map_err(|r| r.code()).err().unwrap_or_default()
}

#[test]
fn a_vote_changes_parameters_from_the_next_block_on() {
    let mut chain = Chain::start();
    let mut wanted = parameters(&chain.state).unwrap();
    wanted.max_block_transactions = 2;
    wanted.max_events_per_transaction = 1;
    let note = |n: u64| capture(&[object(n, &[item(n)])]);
    chain.approve(&THREE[..2], &put(1, &wanted));
    // The block with the vote still follows the old ones, also after it.
    let mut envelopes = vec![chain.sign(MAKER, approve(&put(1, &wanted)))];
    envelopes.extend((1..4).map(|n| chain.sign_at(MARKET, n, note(n))));
    assert_eq!(chain.commit(&envelopes).applied.len(), 4);
    assert_eq!(parameters(&chain.state), Ok(wanted));
    let envelopes: Vec<_> = (4..8).map(|n| chain.sign_at(MARKET, n, note(n))).collect();
    assert_eq!(chain.commit(&envelopes).applied.len(), 2);
    let two = capture(&[object(9, &[item(9)]), object(10, &[item(10)])]);
    let refused = chain.check(&chain.sign(MARKET, two));
    assert_eq!(refused.map_err(|r| r.code()), Err(300));
    // What was is voted again under another sequence.
    wanted.max_events_per_transaction = 1000;
    chain.approve(&[MARKET, CARRIER, OFFICE], &put(2, &wanted));
    assert_eq!(parameters(&chain.state), Ok(wanted));
}

#[test]
fn each_rule() {
    let chain = Chain::start();
    let now = parameters(&chain.state).unwrap();
    type Edit = fn(&mut Parameters);
    let rows: [(&str, Edit, u32); 10] = [
        ("nothing", |_| (), 504),
        ("a clock's precision", |p| p.precision_ms += 1, 519),
        ("the message delay", |p| p.message_delay_ms -= 1, 519),
        ("a block of nothing", |p| p.max_block_bytes = 0, 518),
        (
            "too many",
            |p| p.max_block_transactions = (1 << 20) + 1,
            518,
        ),
        (
            "a transaction larger than a block",
            |p| p.max_transaction_bytes = p.max_block_bytes + 1,
            518,
        ),
        ("no events", |p| p.max_events_per_transaction = 0, 518),
        (
            "a lifetime too short",
            |p| p.transaction_lifetime_ms = 59_999,
            518,
        ),
        (
            "a lifetime too long",
            |p| p.transaction_lifetime_ms = MAX_LIFETIME_MS + 1,
            518,
        ),
        ("what the rule sets", |p| p.expired_before_ms = 1, 518),
    ];
    for (name, edit, expected) in rows {
        let mut wanted = now;
        edit(&mut wanted);
        assert_eq!(code(&chain, &wanted), expected, "{name}");
    }
}

/// A sender was shown that a transaction is nowhere and never will be: a longer lifetime doesn't bring it back.
#[test]
fn what_expired_stays_expired_under_a_longer_lifetime() {
    let mut chain = Chain::start();
    let mut wanted = parameters(&chain.state).unwrap();
    let note = |n: u64| capture(&[object(n, &[item(n)])]);
    let old = chain.sign(MARKET, note(1));
    let created_ms = chain.time_ms;
    // The block that decides is at the end of its lifetime: it could still hold it, no later one can.
    chain.time_ms += DEFAULT_LIFETIME_MS - 3000;
    wanted.transaction_lifetime_ms = 10 * DEFAULT_LIFETIME_MS;
    chain.approve(&THREE, &put(1, &wanted));
    assert_eq!(chain.time_ms, created_ms + DEFAULT_LIFETIME_MS);
    assert_eq!(chain.check(&old).map_err(|r| r.code()), Err(107));
    let now = parameters(&chain.state).unwrap();
    assert_eq!(now.expired_before_ms, created_ms + 1);
    assert!(expires_ms(&now, created_ms) <= chain.time_ms);
    // One that was created a millisecond later lives as long as the new lifetime says.
    chain.time_ms = created_ms + 1;
    let younger = chain.sign(MARKET, note(2));
    chain.time_ms = created_ms + 5 * DEFAULT_LIFETIME_MS;
    assert_eq!(chain.check(&younger), Ok(()));
    assert_eq!(chain.check(&old).map_err(|r| r.code()), Err(107));
    // A shorter one forgets nothing.
    let mut wanted = now;
    wanted.transaction_lifetime_ms = 60_000;
    chain.approve(&THREE, &put(2, &wanted));
    let shorter = parameters(&chain.state).unwrap();
    assert_eq!(shorter.expired_before_ms, created_ms + 1);
}
