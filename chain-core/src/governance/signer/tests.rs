//! The rules that hold for every action. Each action's own rules are tested beside it.

use crate::governance::parameters::{DEFAULT_LIFETIME_MS, MAX_AHEAD_MS};
use crate::rejection::Rejection;
use crate::test_support::{
    CARRIER, Chain, MARKET, approve, capture, change, change_keys, genesis_document, item, key,
    newcomer, object, public,
};
use crate::{Hash, transaction};
use touchstone_proto::ledger::DepositDesign;
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;

fn note(n: u64) -> Action {
    capture(&[object(n, &[item(n)])])
}

fn deposit(commitment: Hash) -> Action {
    Action::DepositDesign(DepositDesign {
        commitment: commitment.to_vec(),
    })
}

#[test]
fn only_enrolled_organisations_act() {
    let chain = Chain::start();
    let envelope = chain.sign(("nobody", 1), note(1));
    assert_eq!(
        chain.check(&envelope),
        Err(Rejection::UnknownOrganisation("nobody".into()))
    );
}

#[test]
fn only_an_organisations_own_keys_sign_for_it() {
    let chain = Chain::start();
    // Another organisation's key, a validator's key, and one that nobody knows.
    for seed in [2, 11, 99] {
        let refused = chain.check(&chain.sign(("market", seed), note(1)));
        assert_eq!(
            refused,
            Err(Rejection::ForeignKey {
                key: public(seed),
                organisation: "market".into()
            })
        );
    }
}

/// The chain's limit is below the hard one of every chain.
#[test]
fn a_transaction_fits_the_chains_limit() {
    let mut document = genesis_document();
    document.parameters.max_transaction_bytes = 2048;
    let chain = Chain::from(&document);
    let sized = |bytes: usize| {
        let envelope = chain.sign(MARKET, deposit([0; 32]));
        let padding = bytes - envelope.len();
        // A longer commitment is refused too, but only after the size.
        chain.sign(
            MARKET,
            Action::DepositDesign(DepositDesign {
                commitment: vec![0; 32 + padding],
            }),
        )
    };
    let mut sizes = (2000..2100).map(sized).collect::<Vec<_>>();
    sizes.sort_by_key(Vec::len);
    for envelope in sizes {
        let bytes = envelope.len() as u64;
        let too_large = Rejection::TransactionTooLarge { bytes, limit: 2048 };
        assert_eq!(
            chain.check(&envelope) == Err(too_large),
            bytes > 2048,
            "{bytes} bytes"
        );
    }
}

#[test]
fn a_transaction_is_committed_once() {
    let mut chain = Chain::start();
    let envelope = chain.sign(MARKET, note(1));
    // Twice in one block, then again in a later one.
    let executed = chain.commit(&[envelope.clone(), envelope.clone()]);
    assert_eq!(executed.applied, [0]);
    assert_eq!(executed.rejected, [(1, Rejection::AlreadyCommitted)]);
    assert_eq!(chain.check(&envelope), Err(Rejection::AlreadyCommitted));
    // The same action at another time of the submitter's clock is another transaction.
    let again = chain.sign_at(MARKET, 77, note(1));
    assert_eq!(chain.check(&again), Ok(()));
}

/// A block takes a transaction from an hour before it was created, since clocks differ, to the end of its lifetime.
#[test]
fn a_transaction_has_a_lifetime() {
    let mut chain = Chain::start();
    let envelope = chain.sign(MARKET, note(1));
    let created_ms = chain.time_ms;
    let mut check_at = |time_ms: u64| {
        chain.time_ms = time_ms - 1000;
        assert_eq!(chain.context().time_ms, time_ms);
        chain.check(&envelope)
    };
    let lifetime_ms = DEFAULT_LIFETIME_MS;
    let late = created_ms + lifetime_ms + 1;
    assert_eq!(check_at(created_ms + lifetime_ms), Ok(()));
    let expired = Rejection::Expired {
        created_ms,
        lifetime_ms,
        time_ms: late,
    };
    assert_eq!(check_at(late), Err(expired));
    assert_eq!(check_at(created_ms - MAX_AHEAD_MS), Ok(()));
    let early = created_ms - MAX_AHEAD_MS - 1;
    let ahead = Rejection::FromTheFuture {
        created_ms,
        time_ms: early,
    };
    assert_eq!(check_at(early), Err(ahead));
    // What is recorded is told as that, however late it is asked for.
    chain.time_ms = created_ms;
    chain.commit(std::slice::from_ref(&envelope));
    chain.time_ms = late;
    assert_eq!(chain.check(&envelope), Err(Rejection::AlreadyCommitted));
}

/// A change of keys that was refused for once: months later, when it would apply, a stranger sends it.
#[test]
fn a_stranger_cannot_send_an_old_change_of_keys_again() {
    let mut chain = Chain::start();
    let new = ("market", 50);
    // Key 50 isn't the market's yet, so the retirement of its only key is refused.
    let old = chain.sign(MARKET, change_keys(&[], &[1]));
    assert_eq!(chain.check(&old).map_err(|r| r.code()), Err(503));
    chain.run(MARKET, change_keys(&[50], &[])).unwrap();
    assert_eq!(chain.check(&old), Ok(()), "it applies now");
    chain.time_ms += 90 * DEFAULT_LIFETIME_MS;
    assert_eq!(chain.check(&old).map_err(|r| r.code()), Err(107));
    // The owner's own, signed today, goes through.
    assert_eq!(chain.run(new, change_keys(&[], &[1])), Ok(()));
}

#[test]
fn the_lifetime_is_the_chains() {
    let mut document = genesis_document();
    document.parameters.transaction_lifetime_ms = Some(60_000);
    let mut chain = Chain::from(&document);
    let envelope = chain.sign(MARKET, note(1));
    chain.time_ms += 59_000;
    assert_eq!(chain.check(&envelope), Ok(()));
    chain.time_ms += 1;
    assert_eq!(chain.check(&envelope).map_err(|r| r.code()), Err(107));
}

/// A key signs from the height after its registration to the height of its retirement.
#[test]
fn keys_are_valid_by_height() {
    let mut chain = Chain::start();
    let new = ("market", 50);
    let unknown = Err(Rejection::ForeignKey {
        key: public(50),
        organisation: "market".into(),
    });
    let not_valid = |seed, from, until, height| {
        Err(Rejection::KeyNotValid {
            key: public(seed),
            from,
            until,
            height,
        })
    };
    assert_eq!(chain.check(&chain.sign(new, note(1))), unknown);

    // Height 1 adds the key; in the same block it doesn't sign yet.
    let early = chain.sign(new, note(1));
    let executed = chain.commit(&[chain.sign(MARKET, change_keys(&[50], &[])), early]);
    assert_eq!(executed.rejected[0].1, not_valid(50, 2, 0, 1).unwrap_err());
    assert_eq!(chain.run(new, note(2)), Ok(()), "height 2");

    // Height 3 retires the old key; in the same block it still signs, at height 4 no more.
    let last = chain.sign(MARKET, note(3));
    let retire = chain.sign(new, change_keys(&[], &[1]));
    let executed = chain.commit(&[retire, last]);
    assert_eq!(executed.rejected, [], "height 3");
    let late = chain.check(&chain.sign(MARKET, note(4)));
    assert_eq!(late, not_valid(1, 1, 3, 4));
    assert_eq!(late.unwrap_err().code(), 202);

    // What the retired key signed stays in the chain, and its replay is still a replay.
    assert!(chain.state.transactions.len() >= 4);
    let kept = chain
        .state
        .message::<touchstone_proto::ledger::Item>(&crate::state::keys::item(&item(3)));
    assert_eq!(kept.unwrap().link.unwrap().count, 1);
}

/// A block at a later height refuses a key that the block before it retired, whoever proposes.
#[test]
fn a_retired_key_stays_refused() {
    let mut chain = Chain::start();
    chain.run(MARKET, change_keys(&[50], &[1])).unwrap();
    for n in 0..5 {
        let refused = chain.check(&chain.sign(MARKET, note(n)));
        assert_eq!(refused.map_err(|r| r.code()), Err(202));
        chain.commit(&[]);
    }
}

/// The keys of an organisation that governance enrolls hold from the next height.
#[test]
fn a_newcomer_acts_from_the_next_height() {
    let mut chain = Chain::start();
    let enrol = change(1, Kind::PutOrganisation(newcomer("customs", 60)));
    chain.approve(&[MARKET, CARRIER], &enrol);
    let act = chain.sign(("customs", 60), note(1));
    let last_approval = chain.sign(("maker", 3), approve(&enrol));
    let executed = chain.commit(&[last_approval, act.clone()]);
    assert_eq!(executed.applied, [0]);
    assert_eq!(executed.rejected[0].1.code(), 202);
    assert_eq!(chain.check(&act), Ok(()));
}

/// The signature is checked before execution; here only its chain.
#[test]
fn a_transaction_of_another_chain_has_another_id() {
    let mut document = genesis_document();
    document.chain = "other".into();
    let (one, other) = (Chain::start(), Chain::from(&document));
    let envelope = one.sign(MARKET, note(1));
    assert_eq!(
        other.check(&envelope),
        Err(Rejection::BadSignature { key: public(1) })
    );
    let body = crate::test_support::body("market", 0, note(1));
    assert_ne!(
        transaction::sign(&key(1), &one.id, &body),
        transaction::sign(&key(1), &other.id, &body)
    );
}

/// What a node asks before it verifies a signature is what a block asks.
#[test]
fn whether_a_key_may_sign_is_known_without_its_signature() {
    let chain = Chain::start();
    let delta = crate::state::delta::Delta::new(&chain.state);
    let parameters = crate::governance::parameters::parameters(&chain.state).unwrap();
    for who in [MARKET, ("market", 2), ("nobody", 1)] {
        let mut envelope = chain.sign(who, note(1));
        let expected = chain.check(&envelope);
        *envelope.last_mut().unwrap() ^= 1;
        assert!(transaction::verify(&chain.id, &envelope).is_err());
        let unverified = transaction::read(&chain.id, &envelope).unwrap();
        let (height, time_ms) = (chain.context().height, chain.context().time_ms);
        let claim = unverified.claim();
        let answer = super::may_sign(&delta, &parameters, height, time_ms, &claim);
        let answer = crate::rules::separate(answer).unwrap();
        assert_eq!(answer.map(drop), expected, "{who:?}");
    }
}
