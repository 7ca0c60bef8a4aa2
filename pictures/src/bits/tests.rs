use proptest::prelude::*;

use super::*;
use crate::transform::FREQUENCIES;

/// Coefficients without zeros or ties.
fn coefficients() -> impl Strategy<Value = Coefficients> {
    prop::collection::vec(1i64..1 << 40, 256).prop_map(|values| {
        let mut out = [[0; FREQUENCIES]; FREQUENCIES];
        for (k, value) in values.into_iter().enumerate() {
            let sign = if value % 2 == 0 { 1 } else { -1 };
            out[k / 16][k % 16] = sign * (value * 256 + k as i64);
        }
        out
    })
}

/// The coefficients of the picture that is turned and mirrored so.
fn turned(of: &Coefficients, variant: Variant) -> Coefficients {
    let mut out = [[0; FREQUENCIES]; FREQUENCIES];
    for u in 0..16 {
        for v in 0..16 {
            let value = if variant.number() & 4 != 0 {
                of[v][u]
            } else {
                of[u][v]
            };
            let mirrored = variant.number() & 1 != 0 && v % 2 == 0;
            let flipped = variant.number() & 2 != 0 && u % 2 == 0;
            out[u][v] = if mirrored != flipped { -value } else { value };
        }
    }
    out
}

proptest! {
    /// Turning the bits and turning the picture are the same.
    #[test]
    fn variants_of_bits_are_bits_of_variants(of in coefficients()) {
        for variant in Variant::ALL {
            prop_assert_eq!(Bits::of(&of).variant(variant), Bits::of(&turned(&of, variant)));
        }
    }

    #[test]
    fn bytes_and_bits_are_the_same(words in any::<[u64; 4]>()) {
        let bits = Bits { words };
        prop_assert_eq!(Bits::from_bytes(&bits.to_bytes()), bits);
        prop_assert_eq!(bits.to_bytes()[0], (words[0] >> 56) as u8);
    }

    #[test]
    fn a_picture_is_nearest_to_its_own_variants(words in any::<[u64; 4]>()) {
        let bits = Bits { words };
        for variant in Variant::ALL {
            prop_assert_eq!(bits.nearest(&bits.variant(variant)).distance, 0);
        }
    }
}

#[test]
fn transposing_swaps_row_and_column() {
    for row in 0..8 {
        for column in 0..8 {
            let bit = |row, column| 1u64 << (63 - 8 * row - column);
            assert_eq!(transpose(bit(row, column)), bit(column, row));
        }
    }
}

#[test]
fn variants_have_numbers_and_names() {
    let names: std::collections::BTreeSet<&str> = Variant::ALL.map(Variant::name).into();
    assert_eq!(names.len(), 8);
    for (number, variant) in (0..).zip(Variant::ALL) {
        assert_eq!(Variant::from_number(number), Some(variant));
        assert_eq!(variant.number(), number);
    }
    assert_eq!(Variant::from_number(8), None);
}
