use curve25519_dalek::EdwardsPoint;
use curve25519_dalek::constants::EIGHT_TORSION;
use proptest::prelude::*;

use super::super::verify_bytes;
use super::*;
use crate::test_support::{key, public};

/// Whether all ways say the same, and what: without a table, by one, and by one beside other signatures.
fn all(public_key: &[u8; 32], signed: &[u8], signature: &[u8; 64]) -> bool {
    let strict = verify_bytes(public_key, signed, signature);
    let table = KeyTable::new(public_key);
    let by_table = table
        .as_ref()
        .is_some_and(|table| table.verify_bytes(signed, signature));
    assert_eq!(by_table, strict, "{}", hex::encode(public_key));
    if let Some(table) = table {
        let holds = answer_among_others(&table, signed, signature);
        assert_eq!(holds, strict, "{}", hex::encode(public_key));
    }
    strict
}

/// What is said of a signature alone, and before and after one that holds, one that doesn't, and one whose S is no
/// scalar; and that the others' answers stay what they are.
pub(in super::super) fn answer_among_others(
    table: &KeyTable,
    signed: &[u8],
    signature: &[u8; 64],
) -> bool {
    use ed25519_dalek::Signer;
    let alone = verify_each(&[(table, signed, signature)]);
    let other = KeyTable::new(&public(1)).unwrap();
    let good = key(1).sign(b"other").to_bytes();
    let wrong = key(1).sign(b"another").to_bytes();
    let no_scalar = [0xff; 64];
    let this = (table, signed, signature);
    let among = verify_each(&[
        this,
        (&other, b"other", &good),
        this,
        (&other, b"other", &wrong),
        (&other, b"other", &no_scalar),
        this,
    ]);
    let holds = alone == [true];
    assert_eq!(among, [holds, true, holds, false, false, holds]);
    holds
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
                        match all(&public_key, &signed, &signature) {
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
    assert!(all(&public_key, signed, &signature));
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
    assert!(!all(&public_key, signed, &malleable));
    // R's and the key's y + p, and their other signs.
    for excess in 0..19u8 {
        for sign in [0, 0x80] {
            let mut large = [0xff; 32];
            large[0] = 0xed + excess;
            large[31] = 0x7f | sign;
            let mut of_r = signature;
            of_r[..32].copy_from_slice(&large);
            assert!(!all(&public_key, signed, &of_r));
            assert!(!all(&large, signed, &signature));
            assert!(KeyTable::new(&large).is_none());
        }
    }
}

/// What may be wrong with one of several signatures.
#[derive(Clone, Copy, Debug)]
enum Spoilt {
    Nothing,
    Bit(usize),
    Message,
    Key,
    /// Moved by points of small order.
    Moved(usize, usize),
}

fn spoilt() -> impl Strategy<Value = Spoilt> {
    prop_oneof![
        3 => Just(Spoilt::Nothing),
        1 => (0usize..512).prop_map(Spoilt::Bit),
        1 => Just(Spoilt::Message),
        1 => Just(Spoilt::Key),
        2 => (0usize..8, 0usize..8).prop_map(|(of_key, of_r)| Spoilt::Moved(of_key, of_r)),
    ]
}

/// A key, a message and a signature, which holds unless something is wrong with it.
fn one_of_several(seed: u8, spoilt: Spoilt) -> ([u8; 32], Vec<u8>, [u8; 64]) {
    use ed25519_dalek::Signer;
    let mut signed = vec![seed; usize::from(seed)];
    if let Spoilt::Moved(of_key, of_r) = spoilt {
        // Zero among the secrets: key or R are then of small order themselves.
        let secret = |n: u8| Scalar::from(u64::from(n));
        let (a, r) = (secret(seed % 3), secret(seed / 3 % 3));
        let (public_key, signature) = moved(a, r, of_key, of_r, &signed);
        return (public_key, signed, signature);
    }
    let mut signature = key(seed).sign(&signed).to_bytes();
    match spoilt {
        Spoilt::Bit(bit) => signature[bit / 8] ^= 1 << (bit % 8),
        Spoilt::Message => signed.push(0),
        _ => {}
    }
    let signer = match spoilt {
        Spoilt::Key => seed.wrapping_add(1),
        _ => seed,
    };
    (public(signer), signed, signature)
}

proptest! {
    #[test]
    fn each_of_several_gets_the_answer_that_it_gets_alone(
        several in proptest::collection::vec((any::<u8>(), spoilt()), 0..40),
    ) {
        let several = several.into_iter().map(|(seed, spoilt)| one_of_several(seed, spoilt));
        let several: Vec<_> = several.collect();
        let with_tables = several.iter();
        let with_tables: Vec<_> = with_tables
            .filter_map(|(public_key, signed, signature)| {
                Some((KeyTable::new(public_key)?, signed, signature))
            })
            .collect();
        let together = with_tables.iter();
        let together: Vec<_> = together
            .map(|(table, signed, signature)| (table, signed.as_slice(), *signature))
            .collect();
        let alone = with_tables.iter();
        let alone: Vec<bool> = alone
            .map(|(table, signed, signature)| verify_bytes(table.public_key(), signed, signature))
            .collect();
        prop_assert_eq!(verify_each(&together), alone);
    }

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
        prop_assert!(all(&public_key, &signed, &signature));
        signature[place] ^= 1 << bit;
        prop_assert!(!all(&public_key, &signed, &signature));
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
        all(&public_key, &signed, &signature);
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
        all(&public_key, &signed, &signature);
    }
}
