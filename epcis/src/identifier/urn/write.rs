//! A key as an EPC URN (TDS 2.0 §6.3, §8), the way back from [`super::read`].
//!
//! A URN tells where the company's prefix ends; the key's digits don't. So whoever wants a URN must
//! say how many digits the prefix has.
//!
//! Consensus-critical: no

use super::super::UrnError;
use super::super::digital_link::encode;
use super::super::keys::Gs1Key;

/// The URN of a key whose company prefix has so many digits.
pub(in super::super) fn write(
    key: &Gs1Key,
    prefix_digits: Option<usize>,
) -> Result<String, UrnError> {
    let form = form(key).ok_or(UrnError::NoUrn)?;
    let digits = prefix_digits.ok_or(UrnError::PrefixLengthUnknown)?;
    if !(6..=12).contains(&digits) {
        return Err(UrnError::PrefixLength { digits });
    }
    let split = Split { digits };
    let value = key.value();
    let body = match form {
        Form::IndicatorFirst { rest } => {
            let (key, pieces) = cut(value, rest)?;
            split.indicator_first(key)? + &pieces_of(pieces)
        }
        Form::Digits { skip, length } => {
            let (_, value) = cut(value, skip)?;
            let (digits, serial) = cut(value, length)?;
            let serial = if serial.is_empty() {
                String::new()
            } else {
                format!(".{}", encoded(serial))
            };
            split.checked(digits)? + &serial
        }
        Form::Text => split.text(value)?,
    };
    let (kind, tail) = tail(key);
    Ok(format!("urn:epc:{kind}:{body}{tail}"))
}

/// How the key's value becomes the URN's first parts.
enum Form {
    /// The first digit moves behind the prefix, the check digit is left out; what follows the
    /// first `rest` digits are pieces of two digits.
    IndicatorFirst { rest: usize },
    /// After `skip` digits, `length` digits of which the last is the check digit, then a serial.
    Digits { skip: usize, length: usize },
    /// Prefix and reference of any length.
    Text,
}

/// None for a key that no EPC scheme has.
fn form(key: &Gs1Key) -> Option<Form> {
    let qualifiers = key.qualifier_ais();
    match (key.ai(), qualifiers.as_slice()) {
        ("00", _) => Some(Form::IndicatorFirst { rest: 18 }),
        ("01", [] | ["10"] | ["21"] | ["235"]) => Some(Form::IndicatorFirst { rest: 14 }),
        ("8006", [] | ["21"]) => Some(Form::IndicatorFirst { rest: 14 }),
        ("253" | "255" | "414" | "417", _) => Some(Form::Digits {
            skip: 0,
            length: 13,
        }),
        ("8003", _) => Some(Form::Digits {
            skip: 1,
            length: 13,
        }),
        ("402", _) => Some(Form::Digits {
            skip: 0,
            length: 17,
        }),
        ("8017" | "8018", []) => Some(Form::Digits {
            skip: 0,
            length: 18,
        }),
        ("401" | "8004" | "8010", _) => Some(Form::Text),
        _ => None,
    }
}

/// The scheme and what follows the value: a serial number, or the `.*` of a class.
fn tail(key: &Gs1Key) -> (&'static str, String) {
    let serial = |ai| {
        key.qualified(ai)
            .map(|value| format!(".{}", encoded(value)))
    };
    let class = || ".*".to_owned();
    let is_class = key.is_class();
    match key.ai() {
        "00" => ("id:sscc", String::new()),
        "01" => match (serial("21"), serial("235"), serial("10")) {
            (Some(serial), ..) => ("id:sgtin", serial),
            (_, Some(serial), _) => ("id:upui", serial),
            (.., Some(batch)) => ("class:lgtin", batch),
            _ => ("idpat:sgtin", class()),
        },
        "253" if is_class => ("idpat:gdti", class()),
        "253" => ("id:gdti", String::new()),
        "255" if is_class => ("idpat:sgcn", class()),
        "255" => ("id:sgcn", String::new()),
        "401" => ("id:ginc", String::new()),
        "402" => ("id:gsin", String::new()),
        "414" => ("id:sgln", serial("254").unwrap_or_else(|| ".0".to_owned())),
        "417" => ("id:pgln", String::new()),
        "8003" if is_class => ("idpat:grai", class()),
        "8003" => ("id:grai", String::new()),
        "8004" => ("id:giai", String::new()),
        "8006" => match serial("21") {
            Some(serial) => ("id:itip", serial),
            None => ("idpat:itip", class()),
        },
        "8010" => match serial("8011") {
            Some(serial) => ("id:cpi", serial),
            None => ("idpat:cpi", class()),
        },
        "8017" => ("id:gsrnp", String::new()),
        _ => ("id:gsrn", String::new()),
    }
}

/// Where the company's prefix ends.
struct Split {
    digits: usize,
}

impl Split {
    /// Prefix and reference, without the check digit.
    fn checked(&self, digits: &str) -> Result<String, UrnError> {
        let body = without_check_digit(digits)?;
        let (company, reference) = self.prefix(body)?;
        Ok(format!("{company}.{reference}"))
    }

    /// As [`Split::checked`], with the digit before the prefix moved behind it.
    fn indicator_first(&self, digits: &str) -> Result<String, UrnError> {
        let (indicator, rest) = cut(without_check_digit(digits)?, 1)?;
        let (company, reference) = self.prefix(rest)?;
        Ok(format!("{company}.{indicator}{reference}"))
    }

    /// A reference of any length and any characters: one at least.
    fn text(&self, value: &str) -> Result<String, UrnError> {
        let (company, reference) = self.prefix(value)?;
        if reference.is_empty() {
            return Err(UrnError::PrefixTooLong {
                digits: self.digits,
            });
        }
        Ok(format!("{company}.{}", encoded(reference)))
    }

    fn prefix<'a>(&self, value: &'a str) -> Result<(&'a str, &'a str), UrnError> {
        let too_long = UrnError::PrefixTooLong {
            digits: self.digits,
        };
        match value.split_at_checked(self.digits) {
            Some((company, rest)) if company.bytes().all(|b| b.is_ascii_digit()) => {
                Ok((company, rest))
            }
            _ => Err(too_long),
        }
    }
}

/// The number of the piece and the count of pieces, two digits each.
fn pieces_of(digits: &str) -> String {
    match digits.split_at_checked(2) {
        Some((piece, total)) if !total.is_empty() => format!(".{piece}.{total}"),
        _ => String::new(),
    }
}

fn without_check_digit(digits: &str) -> Result<&str, UrnError> {
    let body = digits
        .len()
        .checked_sub(1)
        .and_then(|end| digits.get(..end));
    body.ok_or(UrnError::NoUrn)
}

/// A key's value has been checked, so it is long enough.
fn cut(value: &str, at: usize) -> Result<(&str, &str), UrnError> {
    value.split_at_checked(at).ok_or(UrnError::NoUrn)
}

fn encoded(value: &str) -> String {
    let mut out = String::new();
    for character in value.chars() {
        encode(character, &mut out);
    }
    out
}
