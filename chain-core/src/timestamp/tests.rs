mod chains;
mod tokens;

use super::x509::printable;
use super::*;
use crate::hash::sha256;
use crate::test_support::bit_flips;
use crate::test_support::tsa::{TestAuthority, TestKey};

/// 2026-03-01T12:00:00.250Z.
const STAMPED_MS: u64 = 1_772_366_400_250;
const IMPRINT: Hash = [0xab; 32];

const DOCUMENT: &[u8] = include_bytes!("../../tests/data/tsa/document.txt");
const RSA_QUERY: &[u8] = include_bytes!("../../tests/data/tsa/rsa.tsq");
const RSA_RESPONSE: &[u8] = include_bytes!("../../tests/data/tsa/rsa.tsr");
const RSA_ROOT: &[u8] = include_bytes!("../../tests/data/tsa/rsa-root.der");
const RSA_INTERMEDIATE: &[u8] = include_bytes!("../../tests/data/tsa/rsa-intermediate.der");
const EC_RESPONSE: &[u8] = include_bytes!("../../tests/data/tsa/ec.tsr");
const EC_ROOT: &[u8] = include_bytes!("../../tests/data/tsa/ec-root.der");
const EC_SIGNER: &[u8] = include_bytes!("../../tests/data/tsa/ec-signer.der");
const SHA1_RESPONSE: &[u8] = include_bytes!("../../tests/data/tsa/sha1.tsr");
const REFUSED: &[u8] = include_bytes!("../../tests/data/tsa/refused.tsr");

fn owned(certificates: &[&[u8]]) -> Vec<Vec<u8>> {
    certificates.iter().map(|c| c.to_vec()).collect()
}

#[test]
fn tokens_by_openssl_verify() {
    let imprint = sha256(DOCUMENT);
    let token = response(RSA_RESPONSE).unwrap();
    let stamped = verify(&token, &owned(&[RSA_ROOT]), &imprint).unwrap();
    assert_eq!(stamped.authority, "C=XX, O=Test, CN=RSA Authority");
    assert_eq!(stamped.policy, "1.3.6.1.4.1.99999.1");
    assert_eq!(stamped.serial, "02");
    assert_eq!(stamped.accuracy_ms, Some(1501));
    assert_eq!(stamped.gen_time_ms % 1000, 703);
    assert_eq!(stamped.no_later_than_ms(), stamped.gen_time_ms + 1501);
    assert_eq!(stamped.chain.len(), 3);
    assert_eq!(stamped.chain[1..], owned(&[RSA_INTERMEDIATE, RSA_ROOT]));
    assert_eq!(stamped.beyond, owned(&[RSA_ROOT]));
    assert_eq!(stamped.root(), sha256(RSA_ROOT));
    // What is at hand besides, and its order, changes nothing.
    let more = owned(&[EC_ROOT, RSA_ROOT, RSA_INTERMEDIATE]);
    assert_eq!(verify(&token, &more, &imprint), Ok(stamped));

    let older = response(SHA1_RESPONSE).unwrap();
    let older = verify(&older, &owned(&[RSA_ROOT]), &imprint).unwrap();
    assert_eq!(older.authority, "C=XX, O=Test, CN=RSA Authority");

    let token = response(EC_RESPONSE).unwrap();
    let certificates = owned(&[EC_ROOT, EC_SIGNER]);
    let stamped = verify(&token, &certificates, &imprint).unwrap();
    assert_eq!(stamped.chain, owned(&[EC_SIGNER, EC_ROOT]));
    assert_eq!(stamped.accuracy_ms, None);
    assert_eq!(stamped.no_later_than_ms(), stamped.gen_time_ms);
    let mut both = certificates;
    both.sort();
    assert_eq!(stamped.beyond, both);
}

#[test]
fn a_request_is_the_one_that_openssl_makes() {
    let imprint = sha256(DOCUMENT);
    let token = response(RSA_RESPONSE).unwrap();
    let stamped = verify(&token, &owned(&[RSA_ROOT]), &imprint).unwrap();
    assert_eq!(request(&imprint, stamped.nonce.unwrap()), RSA_QUERY);
    for nonce in [0, 1, 0x7f, 0x80, 0xff, 0x100, 1 << 63, u64::MAX] {
        let request = request(&imprint, nonce);
        let mut fields = Reader::whole(&request, tag::SEQUENCE, "TimeStampReq").unwrap();
        assert_eq!(fields.unsigned(), Ok(1));
        fields.take(tag::SEQUENCE).unwrap();
        assert_eq!(fields.unsigned(), Ok(nonce));
    }
}

#[test]
fn a_response_without_a_token_says_why() {
    let refused = response(REFUSED).unwrap_err();
    let text = "the authority refuses with status 2: Message digest algorithm is not supported.; \
                failure info 0780";
    assert_eq!(refused.to_string(), text);
    let granted = [0x30, 5, 0x30, 3, 2, 1, 0];
    assert_eq!(response(&granted), Err(ResponseError::Missing));
    let large = vec![0; MAX_RESPONSE_BYTES + 1];
    assert_eq!(response(&large), Err(ResponseError::TooLarge(large.len())));
    let longer = [RSA_RESPONSE, &[0]].concat();
    assert!(matches!(
        response(&longer),
        Err(ResponseError::Malformed(_))
    ));
    assert!(matches!(response(b""), Err(ResponseError::Malformed(_))));
    assert_eq!(printable("a\u{1b}[1mb\n"), "a\u{fffd}[1mb\u{fffd}");
}

/// Whatever bit of a token is changed, or of the certificates beside it, it proves nothing.
#[test]
fn every_bit_of_a_token_is_bound() {
    let imprint = sha256(DOCUMENT);
    let refused = |token: &[u8], certificates: &[Vec<u8>], what: &str| {
        let found = verify(token, certificates, &imprint);
        // A certificate that isn't the same any more, yet isn't used, is for the file to refuse.
        let accepted = found.is_ok_and(|stamped| stamped.beyond == certificates);
        assert!(!accepted, "{what}");
    };
    // All bits of one, and of the others enough to meet every field.
    for (answer, certificates, step) in [
        (RSA_RESPONSE, owned(&[RSA_ROOT]), 1),
        (SHA1_RESPONSE, owned(&[RSA_ROOT]), 7),
        (EC_RESPONSE, owned(&[EC_ROOT, EC_SIGNER]), 7),
    ] {
        let token = response(answer).unwrap();
        let beyond = verify(&token, &certificates, &imprint).unwrap().beyond;
        for (bit, flipped) in bit_flips(&token).enumerate().step_by(step) {
            refused(&flipped, &beyond, &format!("bit {bit} of the token"));
        }
        for place in 0..beyond.len() {
            for (bit, flipped) in bit_flips(&beyond[place]).enumerate().step_by(step) {
                let mut changed = beyond.clone();
                changed[place] = flipped;
                refused(&token, &changed, &format!("bit {bit} of {place}"));
            }
        }
        for end in 0..token.len() {
            assert!(verify(&token[..end], &beyond, &imprint).is_err());
        }
    }
}

#[test]
fn a_token_stamps_one_thing() {
    let token = response(RSA_RESPONSE).unwrap();
    let mut imprint = sha256(DOCUMENT);
    imprint[31] ^= 1;
    let found = verify(&token, &owned(&[RSA_ROOT]), &imprint);
    assert_eq!(found, Err(TokenError::Imprint));
}

#[test]
fn every_kind_of_key_signs() {
    let keys = [
        TestKey::P256,
        TestKey::P384,
        TestKey::Ed25519(1),
        TestKey::RsaSigner,
    ];
    for key in keys {
        for root in [TestKey::Ed25519(2), TestKey::RsaRoot, TestKey::P384] {
            let authority = TestAuthority::simple(key, root);
            let token = authority.stamp(&IMPRINT, STAMPED_MS);
            let stamped = verify(&token, &authority.beyond(), &IMPRINT).unwrap();
            assert_eq!(stamped.gen_time_ms, STAMPED_MS, "{key:?} under {root:?}");
            assert_eq!(stamped.root(), authority.root());
        }
    }
}
