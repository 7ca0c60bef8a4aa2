//! Multiples of a point of the curve, so that its product with a scalar is a sum of some thirty or forty of them. They
//! are looked up by the scalar's digits, in a time that depends on these: for what everybody may know, as in a
//! verification, and never for a secret.
//!
//! Consensus-critical: yes

#![allow(
    clippy::arithmetic_side_effects,
    reason = "sums of a curve's points don't overflow, and digits are smaller than their types"
)]

use curve25519_dalek::Scalar;
use curve25519_dalek::edwards::EdwardsPoint;
use curve25519_dalek::traits::Identity;

/// Multiples that are fetched before they are added. They stand here and there in a table that is larger than a core's
/// caches beside other work: what is far away comes together so, and not one after the other.
const TOGETHER: usize = 16;

/// The multiples that a digit of so many bits may ask for: 1 to 2^(bits - 1) times the point, and the same for each
/// further digit, where the point counts 2^bits times as much.
pub struct Multiples {
    bits: u32,
    points: Box<[EdwardsPoint]>,
}

impl Multiples {
    /// The multiples for digits of 2 to 8 bits: 160 bytes each.
    pub fn new(point: EdwardsPoint, bits: u32) -> Multiples {
        let of_a_digit = 1_usize << (bits - 1);
        // A scalar has 253 bits, and its highest digit takes a carry.
        let digits = 254_usize.div_ceil(bits as usize);
        let mut points = Vec::with_capacity(digits * of_a_digit);
        let mut unit = point;
        for _ in 0..digits {
            let mut multiple = unit;
            for _ in 1..of_a_digit {
                points.push(multiple);
                multiple += unit;
            }
            points.push(multiple);
            unit = multiple + multiple;
        }
        Multiples {
            bits,
            points: points.into(),
        }
    }

    /// The product of the point and a scalar.
    pub fn times(&self, scalar: &Scalar) -> EdwardsPoint {
        let mut sum = EdwardsPoint::identity();
        let mut fetched = [(false, EdwardsPoint::identity()); TOGETHER];
        let mut terms = self.terms(scalar);
        loop {
            let mut count = 0;
            for (place, (is_negative, multiple)) in fetched.iter_mut().zip(&mut terms) {
                *place = (is_negative, *multiple);
                count += 1;
            }
            for (is_negative, multiple) in fetched.iter().take(count) {
                match is_negative {
                    true => sum -= multiple,
                    false => sum += multiple,
                }
            }
            if count < TOGETHER {
                return sum;
            }
        }
    }

    /// What a product is the sum of: multiples, and whether each is taken away.
    fn terms(&self, scalar: &Scalar) -> impl Iterator<Item = (bool, &EdwardsPoint)> {
        let digits = self.digits(scalar).zip(self.of_each_digit());
        digits.filter_map(|(digit, multiples)| {
            // A digit of zero adds nothing.
            let place = digit.unsigned_abs().checked_sub(1)?;
            Some((digit < 0, multiples.get(usize::from(place))?))
        })
    }

    fn of_each_digit(&self) -> impl Iterator<Item = &[EdwardsPoint]> {
        self.points.chunks_exact(1 << (self.bits - 1))
    }

    /// A scalar's digits to the base of 2^bits, lowest first, from -2^(bits - 1) + 1 to 2^(bits - 1): more than half of
    /// the base counts as one of the next digit and less than nothing of this.
    fn digits(&self, scalar: &Scalar) -> impl Iterator<Item = i16> {
        let (bytes, bits) = (scalar.to_bytes(), self.bits);
        let (base, half) = (1_i16 << bits, 1_i16 << (bits - 1));
        let mut carry = 0;
        (0..254_u32.div_ceil(bits)).map(move |place| {
            let (byte, within) = ((place * bits / 8) as usize, place * bits % 8);
            let of = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
            let window = (of(byte) | of(byte + 1) << 8) >> within;
            let digit = (window & (base.unsigned_abs() - 1)).cast_signed() + carry;
            carry = i16::from(digit > half);
            digit - carry * base
        })
    }
}

#[cfg(test)]
mod tests {
    use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
    use proptest::prelude::*;

    use super::*;

    const BITS: [u32; 4] = [2, 5, 6, 8];

    /// The products are the library's, and no digit is larger than what there is a multiple of.
    fn check(point: EdwardsPoint, scalar: &Scalar) {
        for bits in BITS {
            let multiples = Multiples::new(point, bits);
            assert_eq!(multiples.times(scalar), point * scalar, "{bits} {scalar:?}");
            let half = 1_i16 << (bits - 1);
            let digits: Vec<i16> = multiples.digits(scalar).collect();
            assert!(digits.iter().all(|digit| (1 - half..=half).contains(digit)));
            assert_eq!(multiples.of_each_digit().count(), digits.len());
        }
    }

    /// Around each power of two, where carries begin and end, and around the group's order, where scalars end.
    #[test]
    fn scalars_at_the_edges_of_digits_give_the_librarys_products() {
        let point = ED25519_BASEPOINT_POINT;
        let all: Vec<Multiples> = BITS.map(|bits| Multiples::new(point, bits)).into();
        let mut power = Scalar::ONE;
        for _ in 0..254 {
            for scalar in [power, power - Scalar::ONE, -power, -power - Scalar::ONE] {
                for multiples in &all {
                    let bits = multiples.bits;
                    assert_eq!(multiples.times(&scalar), point * scalar, "{bits}");
                }
            }
            power += power;
        }
        // Each digit half of its base, and one more: none carries, and all do.
        for bytes in [[0x80; 32], [0x81; 32], [0x7f; 32], [0xff; 32], [0; 32]] {
            check(point, &Scalar::from_bytes_mod_order(bytes));
        }
    }

    #[test]
    fn points_of_small_and_mixed_order_give_the_librarys_products() {
        for small in EIGHT_TORSION {
            for point in [small, ED25519_BASEPOINT_POINT + small] {
                for scalar in [Scalar::ZERO, Scalar::ONE, -Scalar::ONE, Scalar::from(8u8)] {
                    check(point, &scalar);
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_product_is_the_librarys(point in any::<[u8; 32]>(), scalar in any::<[u8; 32]>()) {
            let point = EdwardsPoint::mul_base(&Scalar::from_bytes_mod_order(point));
            check(point, &Scalar::from_bytes_mod_order(scalar));
        }
    }
}
