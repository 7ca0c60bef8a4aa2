use ledger::{Envelope, Transaction};

use super::*;
use crate::commit_certificate::vote_bytes;
use crate::encoding::Malformed;
use crate::test_support::{Chain, MARKET, bit_flips, body, capture, item, key, object, public};

const CHAIN: Hash = [7; 32];

fn transaction() -> Transaction {
    body("market", 5, capture(&[object(1, &[item(1)])]))
}

fn signed() -> Vec<u8> {
    sign(&key(1), &CHAIN, &transaction())
}

/// An envelope whose signature holds for exactly these body bytes.
fn signed_body(body: Vec<u8>) -> Vec<u8> {
    let signature = signing::sign(&key(1), Purpose::Transaction, &CHAIN, &body);
    envelope(body, vec![(public(1).to_vec(), signature.to_vec())])
}

fn envelope(body: Vec<u8>, signatures: Vec<(Vec<u8>, Vec<u8>)>) -> Vec<u8> {
    Envelope {
        body,
        signatures: signatures
            .into_iter()
            .map(|(public_key, signature)| ledger::Signature {
                public_key,
                signature,
            })
            .collect(),
    }
    .encode_to_vec()
}

fn parts() -> (Vec<u8>, Vec<u8>, Vec<u8>) {
    let envelope = Envelope::decode(signed().as_slice()).unwrap();
    let signature = envelope.signatures[0].clone();
    (envelope.body, signature.public_key, signature.signature)
}

#[test]
fn a_signed_transaction_verifies() {
    let verified = verify(&CHAIN, &signed()).unwrap();
    assert_eq!(verified.signer(), &public(1));
    assert_eq!(verified.organisation(), "market");
    assert_eq!(verified.envelope(), signed());
    assert_eq!(verified.id(), &id(&CHAIN, &transaction().encode_to_vec()));
    assert_eq!(
        id_of_envelope(&CHAIN, &signed()).as_ref(),
        Ok(verified.id())
    );
}

#[test]
fn every_flipped_bit_is_refused() {
    for flipped in bit_flips(&signed()) {
        let refused = verify(&CHAIN, &flipped).map(|t| hex::encode(t.envelope()));
        assert!(
            matches!(
                refused,
                Err(Rejection::Malformed(_)
                    | Rejection::BadSignature { .. }
                    | Rejection::SignatureCount { .. }
                    | Rejection::NoAction)
            ),
            "{refused:?}"
        );
    }
}

#[test]
fn every_tampered_field_is_refused_with_its_code() {
    let (body_bytes, key_bytes, signature) = parts();
    let resigned = |change: &dyn Fn(&mut Transaction)| {
        let mut changed = transaction();
        change(&mut changed);
        envelope(
            changed.encode_to_vec(),
            vec![(key_bytes.clone(), signature.clone())],
        )
    };
    let one = |key: &[u8], signature: &[u8]| {
        envelope(body_bytes.clone(), vec![(key.to_vec(), signature.to_vec())])
    };
    let mut long_signature = signature.clone();
    long_signature.push(0);
    let mut high_s = signature.clone();
    // s + L, the classic malleation: L is the group's order, little-endian.
    let order =
        hex::decode("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").unwrap();
    let mut carry = 0u16;
    for (byte, add) in high_s[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum as u8;
        carry = sum >> 8;
    }
    let weak = [[1].as_slice(), &[0; 31]].concat();
    let both = vec![(key_bytes.clone(), signature.clone()); 2];
    let rows: [(&str, Vec<u8>, u32); 15] = [
        (
            "organisation",
            resigned(&|t| t.organisation = "carrier".into()),
            104,
        ),
        ("created_ms", resigned(&|t| t.created_ms += 1), 104),
        (
            "event",
            resigned(&|t| t.action = Some(capture(&[object(2, &[])]))),
            104,
        ),
        (
            "no action",
            signed_body(
                Transaction {
                    action: None,
                    ..transaction()
                }
                .encode_to_vec(),
            ),
            103,
        ),
        ("another key", one(&public(2), &signature), 104),
        (
            "weak key",
            one(&weak, &[weak.clone(), vec![0; 32]].concat()),
            104,
        ),
        ("short key", one(&key_bytes[..31], &signature), 100),
        ("no key", one(&[], &signature), 100),
        ("short signature", one(&key_bytes, &signature[..63]), 100),
        ("long signature", one(&key_bytes, &long_signature), 100),
        ("signature with s + L", one(&key_bytes, &high_s), 104),
        ("no signature", envelope(body_bytes.clone(), vec![]), 102),
        ("two signatures", envelope(body_bytes.clone(), both), 102),
        (
            "empty body",
            envelope(vec![], vec![(key_bytes.clone(), signature.clone())]),
            103,
        ),
        ("nothing", vec![], 102),
    ];
    for (name, bytes, code) in rows {
        let refused = verify(&CHAIN, &bytes).map(|t| *t.id());
        assert_eq!(
            refused.as_ref().map_err(Rejection::code),
            Err(code),
            "{name}: {refused:?}"
        );
    }
}

/// The signature holds, so only the encoding is at fault.
#[test]
fn a_signed_body_must_be_canonical() {
    let canonical = transaction().encode_to_vec();
    assert!(verify(&CHAIN, &signed_body(canonical.clone())).is_ok());
    let with = |extra: &[u8]| [canonical.as_slice(), extra].concat();
    let in_front = |extra: &[u8]| [extra, canonical.as_slice()].concat();
    let rows = [
        ("unknown field", with(&[0xf8, 0x01, 1])),
        ("unknown action", with(&[0x7a, 0])),
        ("action twice", with(&[0x52, 0])),
        ("trailing zero", with(&[0])),
        ("field out of order", in_front(&[0x10, 5])),
        ("organisation twice", in_front(&[0x0a, 1, b'a'])),
        ("explicit default", in_front(&[0x0a, 0])),
    ];
    for (name, body) in rows {
        let refused = verify(&CHAIN, &signed_body(body)).map(|t| *t.id());
        assert!(
            matches!(refused, Err(Rejection::Malformed(_))),
            "{name}: {refused:?}"
        );
    }
}

#[test]
fn the_envelope_must_be_canonical() {
    let good = signed();
    let rows = [
        ("unknown field", [good.as_slice(), &[0x1a, 0]].concat()),
        ("trailing byte", [good.as_slice(), &[0]].concat()),
        ("leading signature", [&[0x12, 0], good.as_slice()].concat()),
        ("body twice", [&[0x0a, 1, 0], good.as_slice()].concat()),
        ("truncated", good[..good.len() - 1].to_vec()),
    ];
    for (name, bytes) in rows {
        let refused = verify(&CHAIN, &bytes).map(|t| *t.id());
        assert!(
            matches!(refused, Err(Rejection::Malformed(_))),
            "{name}: {refused:?}"
        );
    }
}

#[test]
fn an_oversized_envelope_is_refused_before_it_is_read() {
    let refused = verify(&CHAIN, &vec![0xff; MAX_ENVELOPE_BYTES + 1]).map(|t| *t.id());
    assert_eq!(
        refused,
        Err(Rejection::TransactionTooLarge {
            bytes: MAX_ENVELOPE_BYTES as u64 + 1,
            limit: MAX_ENVELOPE_BYTES as u64
        })
    );
    let read = verify(&CHAIN, &vec![0xff; MAX_ENVELOPE_BYTES]).map(|t| *t.id());
    assert!(matches!(
        read,
        Err(Rejection::Malformed(Malformed::Undecodable { .. }))
    ));
}

#[test]
fn a_transaction_of_another_chain_is_refused() {
    let refused = verify(&[8; 32], &signed()).map(|t| *t.id());
    assert_eq!(refused, Err(Rejection::BadSignature { key: public(1) }));
    assert_ne!(id(&[7; 32], b"body"), id(&[8; 32], b"body"));
}

/// A validator's signature never passes for its organisation's.
#[test]
fn signatures_for_other_purposes_are_refused() {
    let vote = vote_bytes(ledger::VoteKind::Precommit, 5, 0, Some(&[1; 32]));
    let bodies = [transaction().encode_to_vec(), vote];
    for purpose in [Purpose::Vote, Purpose::Proposal] {
        for body in &bodies {
            let signature = signing::sign(&key(1), purpose, &CHAIN, body);
            let bytes = envelope(body.clone(), vec![(public(1).to_vec(), signature.to_vec())]);
            let refused = verify(&CHAIN, &bytes).map(|t| *t.id());
            assert!(
                matches!(
                    refused,
                    Err(Rejection::BadSignature { .. } | Rejection::Malformed(_))
                ),
                "{purpose:?}: {refused:?}"
            );
        }
    }
}

/// Pool, proposal, validation and index share what is read here.
#[test]
fn events_are_read_once_and_the_envelope_is_hashed_once() {
    let verified = verify(&CHAIN, &signed()).unwrap();
    let events = verified.events().unwrap();
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].objects[0].as_str(), item(1));
    assert!(std::ptr::eq(events, verified.events().unwrap()));
    assert_eq!(*verified.leaf(), transaction_tree::leaf(&signed()));
    assert!(std::ptr::eq(verified.leaf(), verified.leaf()));
}

#[test]
fn the_first_event_that_cannot_be_read_is_named() {
    let events = [object(1, &[item(1)]), b"{}".to_vec(), b"[]".to_vec()];
    let body = body("market", 5, capture(&events));
    let verified = verify(&CHAIN, &sign(&key(1), &CHAIN, &body)).unwrap();
    let (index, error) = verified.events().unwrap_err();
    assert_eq!(index, 1);
    assert_eq!(error, &Event::parse(b"{}").unwrap_err());
}

/// A table of another key doesn't refuse what holds.
#[test]
fn a_signature_is_verified_by_the_table_of_its_key() {
    for table in [1, 2].map(|seed| KeyTable::new(&public(seed)).unwrap()) {
        let read = |bytes: &[u8]| super::read(&CHAIN, bytes).unwrap();
        assert!(read(&signed()).verify_by(&table).is_ok());
        let mut forged = signed();
        *forged.last_mut().unwrap() ^= 1;
        let refused = read(&forged).verify_by(&table);
        assert!(matches!(refused, Err(Rejection::BadSignature { .. })));
        let both = [signed(), forged].map(|bytes| (read(&bytes), &table));
        let both = UnverifiedTransaction::verify_each(both.into());
        assert!(matches!(
            both[..],
            [Ok(_), Err(Rejection::BadSignature { .. })]
        ));
    }
}

#[test]
fn one_event_is_found_without_the_others() {
    let events: Vec<Vec<u8>> = (0..5).map(|n| object(n, &[item(n)])).collect();
    let envelope = sign(&key(1), &CHAIN, &body("market", 5, capture(&events)));
    for (number, event) in (0u32..).zip(&events) {
        assert_eq!(captured_event(&envelope, number), Some(event.as_slice()));
    }
    assert_eq!(captured_event(&envelope, 5), None);
    // What is cut off or bent is not found, or is the event still; no bytes are trouble.
    for length in 0..envelope.len() {
        let found = captured_event(&envelope[..length], 0);
        assert!(found.is_none_or(|found| found == events[0]), "{length}");
    }
    for bent in bit_flips(&envelope) {
        let _ = captured_event(&bent, 3);
    }
    let deposit = touchstone_proto::ledger::DepositDesign {
        commitment: vec![7; 32],
    };
    let other = body(
        "market",
        5,
        ledger::transaction::Action::DepositDesign(deposit),
    );
    assert_eq!(captured_event(&sign(&key(1), &CHAIN, &other), 0), None);
}

/// Otherwise a second signature over the same body would be a second transaction.
#[test]
fn the_id_does_not_depend_on_the_signature() {
    let chain = Chain::start();
    let one = chain.sign(MARKET, transaction().action.unwrap());
    let mut two = Envelope::decode(one.as_slice()).unwrap();
    two.signatures[0].signature = vec![1; 64];
    two.signatures[0].public_key = public(2).to_vec();
    let ids = [one, two.encode_to_vec()].map(|e| id_of_envelope(&chain.id, &e).unwrap());
    assert_eq!(ids[0], ids[1]);
}

proptest::proptest! {
    /// Bytes from outside never panic, and nothing random verifies.
    #[test]
    fn hostile_bytes_are_refused(bytes: Vec<u8>) {
        proptest::prop_assert!(verify(&CHAIN, &bytes).is_err());
        proptest::prop_assert!(verify(&CHAIN, &signed_body(bytes)).is_err());
    }
}
