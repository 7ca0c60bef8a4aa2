//! Identifiers as barcode scanners and labels write them: digits alone, GS1 element strings with
//! FNC1, and the same in brackets (GS1 General Specifications §4.14, §7.8). Events have URIs alone;
//! people and scanners give these.
//!
//! Consensus-critical: no

use super::IdentifierError;
use super::keys::{self, Gs1Key};

/// How scanners send FNC1 between element strings: ASCII's group separator.
const FNC1: char = '\u{1d}';

/// The key in a text as a scanner or a label has it; none if the text has no such form.
pub(super) fn read(text: &str) -> Result<Option<Gs1Key>, IdentifierError> {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    if text.starts_with('(') {
        return key(bracketed(text)?).map(Some);
    }
    // ISO/IEC 15424: what a scanner says about the barcode's kind.
    let symbology = text.get(..3).filter(|start| start.starts_with(']'));
    let data = match symbology {
        Some("]C1" | "]e0" | "]e1" | "]e2" | "]d2" | "]Q3" | "]J1") => text.get(3..),
        Some("]E0" | "]E4" | "]I1") => return bare(text.get(3..).unwrap_or_default()).map(Some),
        Some(_) => {
            return Err(IdentifierError::ElementString(
                "its kind of barcode has no GS1 data",
            ));
        }
        None => None,
    };
    let marked = data
        .or_else(|| text.strip_prefix('^'))
        .or_else(|| text.strip_prefix(FNC1));
    if let Some(data) = marked {
        return key(elements(&data.replace('^', &FNC1.to_string()))?).map(Some);
    }
    if text.contains(FNC1) {
        return key(elements(text)?).map(Some);
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Ok(None);
    }
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    match digits && matches!(text.len(), 8 | 12 | 13 | 14 | 18) {
        true => bare(text).map(Some),
        false => key(elements(text)?).map(Some),
    }
}

/// Digits alone: a GTIN of 8, 12, 13 or 14 digits, or the 18 digits of an SSCC.
fn bare(digits: &str) -> Result<Gs1Key, IdentifierError> {
    let (ai, value) = match digits.len() {
        8 | 12 | 13 | 14 => ("01", format!("{digits:0>14}")),
        18 => ("00", digits.to_owned()),
        _ => {
            let what = "a GTIN has 8, 12, 13 or 14 digits, an SSCC 18";
            return Err(IdentifierError::ElementString(what));
        }
    };
    key(vec![(ai.to_owned(), value)])
}

/// `(01)09521234500018(21)A1`. A bracket of a value is written `\(`, or stands where no application
/// identifier follows it.
fn bracketed(text: &str) -> Result<Vec<(String, String)>, IdentifierError> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some((ai, after)) = bracket(rest) {
            found.push((ai.to_owned(), String::new()));
            rest = after;
            continue;
        }
        let escaped = rest
            .strip_prefix('\\')
            .filter(|after| after.starts_with('('));
        let mut characters = escaped.unwrap_or(rest).chars();
        if let (Some(character), Some((_, value))) = (characters.next(), found.last_mut()) {
            value.push(character);
        }
        rest = characters.as_str();
    }
    Ok(found)
}

/// An application identifier in brackets, and what follows it.
fn bracket(text: &str) -> Option<(&str, &str)> {
    let (ai, after) = text.strip_prefix('(')?.split_once(')')?;
    let digits = ai.bytes().all(|b| b.is_ascii_digit());
    (digits && ai_digits(ai) == Some(ai.len())).then_some((ai, after))
}

/// Element strings one behind the other; those without a fixed length end with FNC1.
fn elements(text: &str) -> Result<Vec<(String, String)>, IdentifierError> {
    let mut found = Vec::new();
    let mut rest = text.trim_end_matches(FNC1);
    while !rest.is_empty() {
        let unknown = IdentifierError::ElementString("an application identifier is unknown");
        let length = ai_digits(rest).ok_or(unknown.clone())?;
        let (ai, after) = rest.split_at_checked(length).ok_or(unknown)?;
        let end = after.find(FNC1).unwrap_or(after.len());
        let (value, next) = match fixed_length(ai) {
            None => after.split_at(end),
            Some(length) => {
                let early = IdentifierError::ElementString("a value ends early");
                after
                    .split_at_checked(length)
                    .filter(|(value, _)| !value.contains(FNC1))
                    .ok_or(early)?
            }
        };
        found.push((ai.to_owned(), value.to_owned()));
        rest = next.strip_prefix(FNC1).unwrap_or(next);
    }
    Ok(found)
}

/// The key among element strings, with its qualifiers. Others, such as a weight or an expiry date,
/// are no part of the identity.
fn key(elements: Vec<(String, String)>) -> Result<Gs1Key, IdentifierError> {
    let none = "none of its elements is a key, such as (01) or (00)";
    let primary = elements
        .iter()
        .find_map(|(ai, value)| Some((keys::primary(ai)?, value.clone())));
    let (primary, value) = primary.ok_or(IdentifierError::ElementString(none))?;
    let twice = elements.iter().enumerate().any(|(at, (ai, value))| {
        let mut earlier = elements.iter().take(at);
        earlier.any(|(other, found)| other == ai && found != value)
    });
    if twice {
        return Err(IdentifierError::ElementString(
            "an element stands twice with two values",
        ));
    }
    let order = primary.qualifiers_in_order();
    let qualifiers = order.filter_map(|ai| {
        let (_, value) = elements.iter().find(|(found, _)| found == ai)?;
        Some((ai, value.clone()))
    });
    Gs1Key::new(primary, value, qualifiers.collect())
}

/// How many digits the application identifier has with which a text begins (GS1 General
/// Specifications §3.2).
fn ai_digits(text: &str) -> Option<usize> {
    let digits = |range: std::ops::Range<usize>| {
        let text: &str = text.get(range)?;
        text.parse::<u8>()
            .ok()
            .filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
    };
    let third = || digits(2..3);
    match digits(0..2)? {
        0..=3 | 10..=13 | 15..=17 | 20..=22 | 30 | 37 | 90..=99 => Some(2),
        23 => third().filter(|d| *d == 5).map(|_| 3),
        24 => third().filter(|d| *d <= 3).map(|_| 3),
        25 => third()
            .filter(|d| matches!(d, 0 | 1 | 3 | 4 | 5))
            .map(|_| 3),
        40 => third().filter(|d| *d <= 3).map(|_| 3),
        41 | 42 => third().filter(|d| *d <= 7).map(|_| 3),
        71 => third().filter(|d| *d <= 7).map(|_| 3),
        31..=36 | 39 | 43 | 70 | 72 | 80 | 81 | 82 => digits(2..4).map(|_| 4),
        _ => None,
    }
}

/// The characters of a value that needs no FNC1 behind it (GS1 General Specifications §7.8.5).
fn fixed_length(ai: &str) -> Option<usize> {
    Some(match ai.get(..2)? {
        "00" => 18,
        "01" | "02" | "03" => 14,
        "11" | "12" | "13" | "15" | "16" | "17" => 6,
        "20" => 2,
        "31" | "32" | "33" | "34" | "35" | "36" => 6,
        "41" => 13,
        _ => return None,
    })
}

/// The form of every application identifier, for the test against GS1's dictionary.
#[cfg(test)]
pub(super) fn form(ai: &str) -> (Option<usize>, Option<usize>) {
    (ai_digits(ai), fixed_length(ai))
}
