//! Texts and names in XML.
//!
//! Consensus-critical: no

use super::obstacle::{XmlFormError, XmlObstacle};

/// A text between tags. A carriage return would be read as a line feed, so it is written as a number.
pub(super) fn element_text(text: &str, path: &str) -> Result<String, XmlFormError> {
    escaped(text, path, |character| match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '\r' => Some("&#13;"),
        _ => None,
    })
}

/// A text in an attribute (XML 1.0 §3.3.3: white space would be read as spaces).
pub(super) fn attribute_value(text: &str, path: &str) -> Result<String, XmlFormError> {
    escaped(text, path, |character| match character {
        '&' => Some("&amp;"),
        '<' => Some("&lt;"),
        '>' => Some("&gt;"),
        '"' => Some("&quot;"),
        '\t' => Some("&#9;"),
        '\n' => Some("&#10;"),
        '\r' => Some("&#13;"),
        _ => None,
    })
}

fn escaped(
    text: &str,
    path: &str,
    escape: impl Fn(char) -> Option<&'static str>,
) -> Result<String, XmlFormError> {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if !is_character(character) {
            return Err(XmlObstacle::Character(u32::from(character)).at(path));
        }
        match escape(character) {
            Some(entity) => out.push_str(entity),
            None => out.push(character),
        }
    }
    Ok(out)
}

/// XML 1.0 §2.2.
fn is_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// Namespaces in XML 1.0 §3: an NCName.
pub(super) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(starts_name) && characters.all(continues_name)
}

/// XML 1.0 §2.3: names that begin with `xml` are its own.
pub(super) fn is_reserved(prefix: &str) -> bool {
    let start = prefix.get(..3).unwrap_or_default();
    start.eq_ignore_ascii_case("xml")
}

/// XML 1.0 §2.3, `NameStartChar` without the colon.
fn starts_name(character: char) -> bool {
    matches!(character,
        'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

fn continues_name(character: char) -> bool {
    starts_name(character)
        || matches!(character,
            '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}
