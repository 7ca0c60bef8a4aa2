use serde_json::Value;

use super::*;
use crate::test_support::{key, public};

const WYCHEPROOF: &str = include_str!("../../../tests/data/ed25519/ed25519_test.json");
const SPECCHECK: &str = include_str!("../../../tests/data/ed25519/speccheck_cases.json");

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn verify_vector(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    match (key.try_into(), signature.try_into()) {
        (Ok(key), Ok(signature)) => {
            let holds = verify_bytes(key, message, signature);
            let table = KeyTable::new(key);
            let by_table = table.as_ref();
            let by_table = by_table.is_some_and(|table| table.verify_bytes(message, signature));
            assert_eq!(by_table, holds, "by a table");
            let among_others = table.is_some_and(|table| {
                key_table::tests::answer_among_others(&table, message, signature)
            });
            assert_eq!(among_others, holds, "by a table, beside others");
            holds
        }
        _ => false,
    }
}

#[test]
fn wycheproof() {
    let file: Value = serde_json::from_str(WYCHEPROOF).unwrap();
    let mut checked = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let key = bytes(&group["publicKey"]["pk"]);
        for test in group["tests"].as_array().unwrap() {
            let expected = match test["result"].as_str().unwrap() {
                "valid" => true,
                "invalid" => false,
                other => panic!("result {other}"),
            };
            let holds = verify_vector(&key, &bytes(&test["msg"]), &bytes(&test["sig"]));
            assert_eq!(
                holds, expected,
                "test {}: {}",
                test["tcId"], test["comment"]
            );
            checked += 1;
        }
    }
    assert_eq!(checked, file["numberOfTests"].as_u64().unwrap());
}

/// The cases on which verifiers disagree ("Taming the many EdDSAs", 2020, table 5). Only case 3
/// passes the strict cofactorless rule: its key is of mixed order, and the equation holds exactly.
#[test]
fn speccheck_edge_cases() {
    let cases: Value = serde_json::from_str(SPECCHECK).unwrap();
    let accepted: Vec<usize> = cases
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
        .filter(|(_, case)| {
            verify_vector(
                &bytes(&case["pub_key"]),
                &bytes(&case["message"]),
                &bytes(&case["signature"]),
            )
        })
        .map(|(index, _)| index)
        .collect();
    assert_eq!((cases.as_array().unwrap().len(), accepted), (12, vec![3]));
}

/// All eight points of small order, in their canonical encodings.
const SMALL_ORDER: [&str; 8] = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
];

#[test]
fn weak_keys_are_refused() {
    for text in SMALL_ORDER {
        let key: [u8; 32] = hex::decode(text).unwrap().try_into().unwrap();
        assert_eq!(check_public_key(&key), Err(BadKey::Weak), "{text}");
        // The all-zero signature part holds for such a key in a lenient verifier.
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&key);
        assert!(!verify_bytes(&key, b"anything", &signature), "{text}");
    }
}

#[test]
fn what_is_no_point_is_refused() {
    let mut refused = 0;
    for y in 0..100u8 {
        let mut key = [0; 32];
        key[0] = y;
        refused += usize::from(check_public_key(&key) == Err(BadKey::NotAPoint));
    }
    assert!(
        (20..80).contains(&refused),
        "about half of all y are no points"
    );
    assert_eq!(check_public_key(&public(1)), Ok(()));
}

/// y and y + p name the same point; only the smaller is an encoding (RFC 8032 §5.1.3). Some of
/// the larger name points of full order, so the weak-key rule doesn't catch them.
#[test]
fn non_canonical_keys_are_refused() {
    let mut strong_points = 0;
    for excess in 0..19u8 {
        for sign in [0, 0x80] {
            let mut large = [0xff; 32];
            large[0] = 0xed + excess;
            large[31] = 0x7f | sign;
            if VerifyingKey::from_bytes(&large).is_ok_and(|key| !key.is_weak()) {
                strong_points += 1;
            }
            assert_eq!(check_public_key(&large), Err(BadKey::NotAPoint), "{excess}");
        }
    }
    assert!(strong_points > 0, "the library alone takes some of them");
    let mut largest = [0xff; 32];
    largest[0] = 0xec;
    largest[31] = 0x7f;
    assert_eq!(
        check_public_key(&largest),
        Err(BadKey::Weak),
        "p - 1 is canonical"
    );
    // The neighbours of the bound differ from it in one byte.
    assert!(is_canonical(&largest));
    for place in 1..31 {
        let mut below = [0xff; 32];
        below[31] = 0x7f;
        below[place] = 0xfe;
        assert!(is_canonical(&below), "byte {place}");
    }
}

#[test]
fn a_signature_holds_for_one_purpose_chain_message_and_key() {
    let purposes = [
        Purpose::Transaction,
        Purpose::Vote,
        Purpose::Proposal,
        Purpose::Possession,
    ];
    for purpose in purposes {
        let signature = sign(&key(1), purpose, &[7; 32], b"message");
        for other in purposes {
            let holds = verify(&public(1), other, &[7; 32], b"message", &signature);
            assert_eq!(holds, other == purpose, "{purpose:?} as {other:?}");
        }
        assert!(!verify(
            &public(1),
            purpose,
            &[8; 32],
            b"message",
            &signature
        ));
        assert!(!verify(
            &public(1),
            purpose,
            &[7; 32],
            b"messagf",
            &signature
        ));
        assert!(!verify(
            &public(2),
            purpose,
            &[7; 32],
            b"message",
            &signature
        ));
    }
}

#[test]
fn the_signed_bytes_are_tag_zero_chain_message() {
    let expected = [b"touchstone/vote/v1\0".as_slice(), &[7; 32], b"message"].concat();
    assert_eq!(signed_bytes(Purpose::Vote, &[7; 32], b"message"), expected);
}
