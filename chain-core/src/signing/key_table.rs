//! Strict verification by a table of one key's multiples, in a third of the time: no doublings are left, and neither
//! the key nor the signature's first half has to be made a point of. The answers are those of [`super::verify`],
//! signature by signature, which the tests show for keys and signatures of mixed and small order and for public
//! vectors.
//!
//! Consensus-critical: yes

#![allow(
    clippy::arithmetic_side_effects,
    reason = "sums of a curve's points don't overflow"
)]

use std::sync::LazyLock;

use curve25519_dalek::Scalar;
use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use sha2::{Digest, Sha512};

use super::multiples::Multiples;
use super::{Purpose, check_public_key, signed_bytes};
use crate::hash::Hash;

/// Bits of a digit for which a key's table holds the multiples, and of one for the base point's.
const KEY_BITS: u32 = 7;
const BASE_BITS: u32 = 8;

/// The base point's multiples, 640 KiB: each verification needs them.
static BASE: LazyLock<Multiples> =
    LazyLock::new(|| Multiples::new(ED25519_BASEPOINT_POINT, BASE_BITS));

/// A public key with a table of the multiples of its negative: 370 KiB, made in the time of some ten verifications.
pub struct KeyTable {
    public_key: [u8; 32],
    negative: Multiples,
}

impl KeyTable {
    /// The table of a key; none for one by which no signature holds.
    pub fn new(public_key: &[u8; 32]) -> Option<KeyTable> {
        check_public_key(public_key).ok()?;
        let point = CompressedEdwardsY(*public_key).decompress()?;
        Some(KeyTable {
            public_key: *public_key,
            negative: Multiples::new(-point, KEY_BITS),
        })
    }

    /// The key.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public_key
    }

    /// Whether `signature` by this key over `message` holds, strictly.
    pub fn verify(
        &self,
        purpose: Purpose,
        chain_id: &Hash,
        message: &[u8],
        signature: &[u8; 64],
    ) -> bool {
        self.verify_bytes(&signed_bytes(purpose, chain_id, message), signature)
    }

    /// RFC 8032 §5.1.7 without the cofactor: R = [S]B - [k]A, byte by byte, with S below the group's order and R not of
    /// small order. The computed R is canonical, so that a signature whose R is no canonical point never equals it.
    pub(super) fn verify_bytes(&self, signed: &[u8], signature: &[u8; 64]) -> bool {
        let computed = self.computed(signed, signature);
        computed.is_some_and(|computed| is_half(signature, &computed, &computed.compress()))
    }

    /// What R must be; none where S isn't below the group's order.
    fn computed(&self, signed: &[u8], signature: &[u8; 64]) -> Option<EdwardsPoint> {
        let (r, s) = (
            signature.first_chunk::<32>()?,
            signature.last_chunk::<32>()?,
        );
        let s = Option::<Scalar>::from(Scalar::from_canonical_bytes(*s))?;
        let mut hash = Sha512::new();
        hash.update(r);
        hash.update(self.public_key);
        hash.update(signed);
        let k = Scalar::from_bytes_mod_order_wide(&hash.finalize().into());
        Some(BASE.times(&s) + self.negative.times(&k))
    }
}

/// As [`KeyTable::verify_bytes`] for each of several, with the same answers: a point's bytes take an inversion, and
/// these points share one. No answer depends on another, unlike those of batch verification.
pub(crate) fn verify_each(signatures: &[(&KeyTable, &[u8], &[u8; 64])]) -> Vec<bool> {
    let computed = signatures.iter();
    let computed: Vec<Option<EdwardsPoint>> = computed
        .map(|(table, signed, signature)| table.computed(signed, signature))
        .collect();
    let points: Vec<EdwardsPoint> = computed.iter().flatten().copied().collect();
    let mut encoded = EdwardsPoint::compress_batch_alloc(&points).into_iter();
    let each = signatures.iter().zip(&computed);
    each.map(|((_, _, signature), computed)| {
        let computed = computed.as_ref();
        let pair = computed.and_then(|computed| Some((computed, encoded.next()?)));
        pair.is_some_and(|(computed, encoded)| is_half(signature, computed, &encoded))
    })
    .collect()
}

/// Whether a computed R, with its bytes, is the signature's, and not of small order.
fn is_half(signature: &[u8; 64], computed: &EdwardsPoint, encoded: &CompressedEdwardsY) -> bool {
    signature.first_chunk::<32>() == Some(encoded.as_bytes()) && !computed.is_small_order()
}

impl std::fmt::Debug for KeyTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyTable({})", hex::encode(self.public_key))
    }
}

#[cfg(test)]
pub(super) mod tests;
