//! Exact amounts: decimals with units, as whole millionths of a base unit. No floats.
//!
//! Consensus-critical: yes

use thiserror::Error;

/// A unit of UN/ECE Recommendation 20, its base unit, and the power of ten between them.
const UNITS: &[(&str, &str, i64)] = &[
    ("KGM", "KGM", 0),
    ("MGM", "KGM", -6),
    ("GRM", "KGM", -3),
    ("TNE", "KGM", 3),
    ("LTR", "LTR", 0),
    ("MLT", "LTR", -3),
    ("CLT", "LTR", -2),
    ("HLT", "LTR", 2),
    ("MTQ", "LTR", 3),
];

/// An amount in millionths of its base unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount {
    /// `KGM`, `LTR`, any other unit as it is, or nothing: pieces.
    pub unit: String,
    /// Millionths of it.
    pub millionths: u64,
}

/// Why a number is no exact amount.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0} isn't an exact amount: from 0 to 18,446,744,073,709, to the millionth of {1}")]
pub struct Inexact(String, String);

/// The base unit of a unit, and the power of ten that leads to it.
pub fn base(unit: &str) -> (&str, i64) {
    let known = UNITS.iter().find(|(known, ..)| *known == unit);
    known.map_or((unit, 0), |(_, base, power)| (*base, *power))
}

/// Reads a number in the notation of JSON (RFC 8259 §6), in a unit.
pub fn read(number: &str, unit: &str) -> Result<Amount, Inexact> {
    let (base, power) = base(unit);
    let millionths = millionths(number, power).ok_or_else(|| {
        let shown = number.chars().take(40).collect();
        let unit = if base.is_empty() { "a piece" } else { base };
        Inexact(shown, unit.to_owned())
    })?;
    Ok(Amount {
        unit: base.to_owned(),
        millionths,
    })
}

/// Pieces that are counted one by one.
pub fn pieces(count: usize) -> u64 {
    (count as u64).saturating_mul(1_000_000)
}

/// Millionths as a decimal, without zeros that say nothing.
pub fn decimal(millionths: u64) -> String {
    let (whole, rest) = (millionths / 1_000_000, millionths % 1_000_000);
    match rest {
        0 => whole.to_string(),
        _ => format!("{whole}.{}", format!("{rest:06}").trim_end_matches('0')),
    }
}

fn millionths(number: &str, power: i64) -> Option<u64> {
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        None => (number, 0),
        Some((mantissa, exponent)) => {
            let exponent: i64 = exponent
                .strip_prefix('+')
                .unwrap_or(exponent)
                .parse()
                .ok()?;
            (mantissa, exponent)
        }
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0').trim_end_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let kept = digits.trim_end_matches('0').len();
    let dropped = digits.len().saturating_sub(kept);
    let shift = exponent
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(i64::try_from(dropped).ok()?)?
        .checked_add(power)?
        .checked_add(6)?;
    // What is left has no zero at its end, so a negative shift would cut off digits.
    let shift = u32::try_from(shift).ok()?;
    let value: u64 = significant.parse().ok()?;
    value.checked_mul(10u64.checked_pow(shift)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn decimals_are_exact() {
        let table = [
            ("0", "KGM", Some(0)),
            ("-0", "KGM", None),
            ("0.000", "", Some(0)),
            ("1", "KGM", Some(1_000_000)),
            ("200.50", "KGM", Some(200_500_000)),
            ("1", "GRM", Some(1_000)),
            ("0.001", "GRM", Some(1)),
            ("0.0010", "GRM", Some(1)),
            ("0.0001", "GRM", None),
            ("2.5", "TNE", Some(2_500_000_000)),
            ("1", "MGM", Some(1)),
            ("75", "CLT", Some(750_000)),
            ("1e3", "", Some(1_000_000_000)),
            ("1E+3", "", Some(1_000_000_000)),
            ("12e-1", "", Some(1_200_000)),
            ("0.0000001", "", None),
            ("1e-7", "", None),
            ("1e2147483648", "", None),
            ("1e99999999999999999999", "", None),
            ("18446744073709.551615", "", Some(u64::MAX)),
            ("18446744073709.551616", "", None),
            ("-1", "", None),
            ("", "", None),
            (".", "", None),
            ("1.2.3", "", None),
            ("0x10", "", None),
        ];
        for (number, unit, expected) in table {
            let found = read(number, unit).ok().map(|amount| amount.millionths);
            assert_eq!(found, expected, "{number} {unit}");
        }
    }

    #[test]
    fn units_have_a_base() {
        let unit = |unit: &str| read("1", unit).unwrap().unit;
        assert_eq!(
            [unit("TNE"), unit("MLT"), unit("H87"), unit("")],
            ["KGM", "LTR", "H87", ""]
        );
    }

    proptest! {
        #[test]
        fn a_decimal_is_read_as_it_is_written(millionths in any::<u64>()) {
            prop_assert_eq!(read(&decimal(millionths), "").unwrap().millionths, millionths);
        }
    }
}
