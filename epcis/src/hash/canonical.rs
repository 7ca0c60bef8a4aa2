//! Values in one form: identifiers, words, instants, numbers.
//!
//! Consensus-critical: no

use super::json_ld_context::EventContext;
use crate::cbv::Vocabulary;
use crate::date_time;
use crate::identifier::Identifier;
use crate::prefixes::gs1_vocabulary;

/// The start of the names of a measurement's components.
pub(crate) const COMPONENTS: &str = "https://ref.gs1.org/cbv/Comp-";

/// Numbers with more digits are left as they are: nobody measures that.
const MAX_NUMBER: usize = 400;

/// The one form of a value.
pub(super) fn canonical(text: &str, scope: &EventContext) -> String {
    let text = text.trim();
    if let Some(number) = number(text) {
        return number;
    }
    let text = scope.expand_gs1(text);
    for vocabulary in Vocabulary::ALL {
        if let Some(word) = text.strip_prefix(vocabulary.urn()) {
            return format!("{}{word}", vocabulary.uri());
        }
    }
    let text = gs1_vocabulary(text);
    match Identifier::parse(&text) {
        Ok(id) if id.kind().is_some() => link(id.as_str()),
        _ => text,
    }
}

/// A word of the Core Business Vocabulary as full URI; a user's own word as it is.
pub(super) fn term(vocabulary: Vocabulary, text: &str, scope: &EventContext) -> String {
    match vocabulary.resolve(text.trim()) {
        Some(word) if !word.contains(':') => format!("{}{word}", vocabulary.uri()),
        _ => canonical(&scope.expand(text), scope),
    }
}

/// An instant in UTC, rounded to milliseconds, halves up. What is no instant, or needs five digits
/// for the year, stays as it is.
pub(super) fn instant(text: &str) -> String {
    let text = text.trim();
    date_time::time_ns(text)
        .map(|ns| ns.saturating_add(500_000))
        .and_then(date_time::in_milliseconds)
        .unwrap_or_else(|| text.to_owned())
}

/// A decimal number without leading zeros, plus sign, zeros after the last other decimal, or
/// exponent. Exact: no digit that counts is lost.
pub(crate) fn number(text: &str) -> Option<String> {
    if text.len() > MAX_NUMBER {
        return None;
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Where the decimal point stands in `digits`.
    let point = i32::try_from(whole.len()).ok()? + i32::from(exponent);
    if point.unsigned_abs() as usize > MAX_NUMBER {
        return None;
    }
    let zeros_before = usize::try_from(-point).unwrap_or(0);
    let padded = format!("{}{digits}", "0".repeat(zeros_before));
    let point = usize::try_from(point).unwrap_or(0);
    let padded = format!("{padded:0<point$}");
    let (whole, fraction) = padded.split_at_checked(point)?;
    let whole = whole.trim_start_matches('0');
    let fraction = fraction.trim_end_matches('0');
    let sign = if negative && !(whole.is_empty() && fraction.is_empty()) {
        "-"
    } else {
        ""
    };
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match fraction {
        "" => format!("{sign}{whole}"),
        fraction => format!("{sign}{whole}.{fraction}"),
    })
}

/// A canonical Digital Link as the hash writes it: GS1 Digital Link 1.2 §4.11 percent-encodes more
/// characters of a value than the ledger's canonical form does.
fn link(uri: &str) -> String {
    const HOST: &str = "https://id.gs1.org";
    let mut out = HOST.to_owned();
    for character in uri.strip_prefix(HOST).unwrap_or(uri).chars() {
        if "!()*+,:".contains(character) {
            out.push_str(&format!("%{:02X}", u32::from(character)));
        } else {
            out.push(character);
        }
    }
    out
}
