//! GS1 Digital Link URIs (standard 1.3), uncompressed.
//!
//! Consensus-critical: yes

use super::keys::{self, Gs1Key, Level};
use super::{IdentifierError, percent_decode};

/// The domain of canonical Digital Links, where every path must be one.
const OFFICIAL: &str = "id.gs1.org";

/// The key in a web address; none if the address is no Digital Link and needn't be one.
pub(super) fn read(text: &str) -> Result<Option<Gs1Key>, IdentifierError> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Ok(None);
    };
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Ok(None);
    }
    let (domain, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.strip_prefix('/').unwrap_or(path);
    match without_attributes(path).and_then(read_path) {
        Ok(key) => Ok(Some(key)),
        Err(error) if domain.eq_ignore_ascii_case(OFFICIAL) => Err(error),
        Err(_) => Ok(None),
    }
}

/// The level of the key in a link that is canonical as it stands, with at most one qualifier. None where it isn't, or
/// where that takes a closer look.
pub(super) fn level_of_canonical(text: &str) -> Option<Level> {
    let path = text.strip_prefix("https://")?.strip_prefix(OFFICIAL)?;
    let path = path.strip_prefix('/')?;
    if path.contains(|character: char| character != '/' && is_encoded(character)) {
        return None;
    }
    let mut segments = path.split('/');
    let (ai, value) = (segments.next()?, segments.next()?);
    let qualifier = match (segments.next(), segments.next(), segments.next()) {
        (None, ..) => None,
        (Some(ai), Some(value), None) => Some((ai, value)),
        _ => return None,
    };
    keys::level_as_written(ai, value, qualifier)
}

/// The canonical form of a link's beginning, which ends within a value, or before one.
pub(super) fn start(text: &str) -> Option<String> {
    let (scheme, rest) = text.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return None;
    }
    let (_, path) = rest.split_once('/')?;
    if let Some(whole) = path.strip_suffix('/')
        && let Ok(key) = read_path(whole)
    {
        // After a batch comes a serial number alone, beside which the batch falls away.
        let goes_on = matches!(key.qualifier_ais().as_slice(), [] | ["22"]);
        return goes_on.then(|| format!("{}/", write(&key)));
    }
    let segments: Vec<&str> = path.split('/').collect();
    // The last segment is the open one, so the application identifiers stand before it, two by two.
    let (open, closed) = segments.split_last()?;
    let at = (0..closed.len()).rev().step_by(2).find(|at| {
        closed
            .get(*at)
            .is_some_and(|ai| keys::primary(ai).is_some())
    })?;
    let parts = closed.get(at..)?;
    let (last, whole) = parts.split_last()?;
    let mut encoded = String::new();
    for character in percent_decode(open)?.chars() {
        encode(character, &mut encoded);
    }
    let open = encoded;
    if whole.is_empty() {
        return Some(format!("https://{OFFICIAL}/{last}/{open}"));
    }
    let key = read_path(&whole.join("/")).ok()?;
    // A serial number alone tells a thing, so a batch before it falls away.
    let before = match *last {
        "21" => read_path(whole.get(..2)?.join("/").as_str()).ok()?,
        _ => key,
    };
    keys::qualifier(last)?;
    Some(format!("{}/{last}/{open}", write(&before)))
}

/// A query holds attributes, such as an expiry date or the type of page wanted, which are no part
/// of the identity (GS1 Digital Link 1.3 §5). Anything else after `?` or `#` is more likely a
/// serial number that wasn't percent-encoded; cutting it off would turn one thing into another.
fn without_attributes(path: &str) -> Result<&str, IdentifierError> {
    if path.contains('#') {
        return Err(IdentifierError::LinkPath);
    }
    let Some((path, query)) = path.split_once('?') else {
        return Ok(path);
    };
    let is_attribute = |pair: &str| {
        pair.split_once('=')
            .is_some_and(|(name, _)| !name.is_empty())
    };
    if query.split('&').all(is_attribute) {
        Ok(path)
    } else {
        Err(IdentifierError::LinkPath)
    }
}

/// A path is anything, then a primary key and its value, then qualifiers and their values
/// (GS1 Digital Link 1.3 §4). No application identifier is both primary key and qualifier, so
/// walking back from the end, the first primary key is the one.
fn read_path(path: &str) -> Result<Gs1Key, IdentifierError> {
    let mut qualifiers = Vec::new();
    let mut segments = path.rsplit('/');
    loop {
        let (Some(value), Some(ai)) = (segments.next(), segments.next()) else {
            return Err(IdentifierError::LinkPath);
        };
        let value = percent_decode(value).ok_or(IdentifierError::LinkPath)?;
        if let Some(primary) = keys::primary(ai) {
            qualifiers.reverse();
            return Gs1Key::new(
                primary,
                if ai == "01" { gtin_14(value) } else { value },
                qualifiers,
            );
        }
        let ai = keys::qualifier(ai).ok_or(IdentifierError::LinkPath)?;
        qualifiers.push((ai, value));
    }
}

/// GTINs of 8, 12 and 13 digits are the same number as their 14 digits with leading zeros
/// (GS1 General Specifications §3.3.2).
fn gtin_14(value: String) -> String {
    match value.len() {
        8 | 12 | 13 => format!("{value:0>14}"),
        _ => value,
    }
}

/// The canonical link of a key.
pub(super) fn write(key: &Gs1Key) -> String {
    const BEGIN: &str = "https://";
    let parts = key.parts().map(|(ai, value)| ai.len() + value.len() + 2);
    let length = BEGIN.len() + OFFICIAL.len() + parts.sum::<usize>();
    let mut link = String::with_capacity(length);
    link.push_str(BEGIN);
    link.push_str(OFFICIAL);
    for (ai, value) in key.parts() {
        link.push('/');
        link.push_str(ai);
        link.push('/');
        match value.contains(is_encoded) {
            false => link.push_str(value),
            true => value
                .chars()
                .for_each(|character| encode(character, &mut link)),
        }
    }
    link
}

/// Percent-encodes what an EPC URN does (TDS 2.0 §6.3.1 and appendix A): the set 82 and 39
/// characters that aren't allowed, or mean something else, in a URN. So a serial number is written
/// alike in both forms.
pub(super) fn encode(character: char, out: &mut String) {
    if is_encoded(character) {
        out.push_str(&format!("%{:02X}", u32::from(character)));
    } else {
        out.push(character);
    }
}

fn is_encoded(character: char) -> bool {
    matches!(character, '"' | '#' | '%' | '&' | '/' | '<' | '>' | '?')
}
