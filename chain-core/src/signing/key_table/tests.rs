use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::constants::EIGHT_TORSION;
use proptest::prelude::*;

use super::super::verify_bytes;
use super::*;
use crate::test_support::{key, public};

/// Whether both ways say the same, and what.
fn both(public_key: &[u8; 32], signed: &[u8], signature: &[u8; 64]) -> bool {
    let strict = verify_bytes(public_key, signed, signature);
    let table = KeyTable::new(public_key);
    let by_table = table.is_some_and(|table| table.verify_bytes(signed, signature));
    assert_eq!(by_table, strict, "{}", hex::encode(public_key));
    strict
}

fn challenge(r: &[u8; 32], public_key: &[u8; 32], signed: &[u8]) -> Scalar {
    let bytes = [r.as_slice(), public_key, signed].concat();
    Scalar::from_bytes_mod_order_wide(&Sha512::digest(bytes).into())
}

fn scalar(bytes: [u8; 32]) -> Scalar {
    Scalar::from_bytes_mod_order(bytes)
}

/// A signature whose key and first half are moved by points of small order. The equation holds, with the cofactor,
/// for all of them; without it for some.
fn moved(a: Scalar, r: Scalar, of_key: usize, of_r: usize, signed: &[u8]) -> ([u8; 32], [u8; 64]) {
    let point = EdwardsPoint::mul_base(&a) + EIGHT_TORSION[of_key];
    let public_key = point.compress().to_bytes();
    let first = (EdwardsPoint::mul_base(&r) + EIGHT_TORSION[of_r])
        .compress()
        .to_bytes();
    let s = r + challenge(&first, &public_key, signed) * a;
    let mut signature = [0; 64];
    signature[..32].copy_from_slice(&first);
    signature[32..].copy_from_slice(s.as_bytes());
    (public_key, signature)
}

/// All pairs of points of small order, with secrets that are zero, so that key or R are themselves of small order, and
/// with others.
#[test]
fn points_of_small_and_mixed_order_get_the_same_answers() {
    let scalars = [Scalar::ZERO, Scalar::ONE, scalar([201; 32])];
    let (mut held, mut refused) = (0, 0);
    for a in scalars {
        for r in scalars {
            for of_key in 0..8 {
                for of_r in 0..8 {
                    for number in 0..4u8 {
                        let signed = [number; 40];
                        let (public_key, signature) = moved(a, r, of_key, of_r, &signed);
                        match both(&public_key, &signed, &signature) {
                            true => held += 1,
                            false => refused += 1,
                        }
                    }
                }
            }
        }
    }
    // Without the cofactor the equation holds where the parts of small order cancel out: never where one is zero.
    assert!(held > 2 * 2 * 8 * 4, "{held}");
    assert!(refused > held, "{refused}");
}

#[test]
fn what_is_not_canonical_is_refused() {
    let signed = b"message";
    let public_key = public(1);
    let signature: [u8; 64] = {
        use ed25519_dalek::Signer;
        key(1).sign(signed).to_bytes()
    };
    assert!(both(&public_key, signed, &signature));
    // S + the group's order (RFC 8032 §5.1): the same scalar, another encoding.
    let order = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";
    let order = hex::decode(order).unwrap();
    let mut malleable = signature;
    let mut carry = 0;
    for (byte, add) in malleable[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(add) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert!(!both(&public_key, signed, &malleable));
    // R's and the key's y + p, and their other signs.
    for excess in 0..19u8 {
        for sign in [0, 0x80] {
            let mut large = [0xff; 32];
            large[0] = 0xed + excess;
            large[31] = 0x7f | sign;
            let mut of_r = signature;
            of_r[..32].copy_from_slice(&large);
            assert!(!both(&public_key, signed, &of_r));
            assert!(!both(&large, signed, &signature));
            assert!(KeyTable::new(&large).is_none());
        }
    }
}

proptest! {
    #[test]
    fn any_signature_gets_the_same_answer(
        seed in any::<[u8; 32]>(),
        signed in proptest::collection::vec(any::<u8>(), 0..300),
        place in 0usize..64,
        bit in 0u8..8,
    ) {
        use ed25519_dalek::{Signer, SigningKey};
        let key = SigningKey::from_bytes(&seed);
        let public_key = key.verifying_key().to_bytes();
        let mut signature = key.sign(&signed).to_bytes();
        prop_assert!(both(&public_key, &signed, &signature));
        signature[place] ^= 1 << bit;
        prop_assert!(!both(&public_key, &signed, &signature));
    }

    #[test]
    fn any_bytes_get_the_same_answer(
        public_key in any::<[u8; 32]>(),
        signed in proptest::collection::vec(any::<u8>(), 0..40),
        first in any::<[u8; 32]>(),
        second in any::<[u8; 32]>(),
    ) {
        let mut signature = [0; 64];
        signature[..32].copy_from_slice(&first);
        signature[32..].copy_from_slice(&second);
        both(&public_key, &signed, &signature);
    }

    #[test]
    fn any_moved_signature_gets_the_same_answer(
        a in any::<[u8; 32]>(),
        r in any::<[u8; 32]>(),
        of_key in 0usize..8,
        of_r in 0usize..8,
        signed in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let (public_key, signature) = moved(scalar(a), scalar(r), of_key, of_r, &signed);
        both(&public_key, &signed, &signature);
    }
}
