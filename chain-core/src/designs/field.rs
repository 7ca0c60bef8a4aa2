//! Fields of a design: each a name and a value under a salt of its own, so that one is shown without the others.
//!
//! The form is that of selective disclosure for JWTs (RFC 9901, section 4.2): a disclosure is the base64url of the
//! JSON array `[salt, name, value]`, its digest the SHA-256 of the base64url's ASCII. RFC 9901 leaves the writer free
//! in how it writes JSON; here the one form of RFC 8785 counts, so that no two disclosures say the same.
//!
//! Unicode's normalisation form isn't a rule: its tables grow with each version, and validators must agree. Who makes
//! a disclosure writes NFC (`touchstone deposit` does).
//!
//! Consensus-critical: yes

use std::ops::Range;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::DesignRejection;
use super::design::MAX_TITLE_BYTES;
use super::limits::{MAX_AUTHOR_BYTES, MAX_DESCRIPTION_BYTES, MAX_DISCLOSURE_BYTES, MAX_DRAFTS};
use crate::hash::{self, Hash};

/// Bytes of a field's salt: RFC 9901, section 9.3 recommends 128 bits.
pub const SALT_BYTES: usize = 16;
/// Characters of a salt in base64url.
const SALT_CHARACTERS: usize = 22;
/// Places of digests: each name has its own, so that a deposit can't commit to two titles and show the better one.
pub const FIELD_PLACES: usize = 12;
/// Where authors begin.
const FIRST_AUTHOR: usize = 4;

/// What a field says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FieldName {
    /// The design's title.
    Title,
    /// Its class in the Locarno Classification (WIPO): class and subclass, as `06-01`.
    Class,
    /// What it is, in words.
    Description,
    /// The head of the drafts before the deposit, with their count.
    Drafts,
    /// Somebody who made it.
    Author,
}

impl FieldName {
    /// All, in the order of their places.
    pub const ALL: [FieldName; 5] = [
        FieldName::Title,
        FieldName::Class,
        FieldName::Description,
        FieldName::Drafts,
        FieldName::Author,
    ];

    /// As it stands in a disclosure.
    pub fn name(self) -> &'static str {
        match self {
            FieldName::Title => "title",
            FieldName::Class => "class",
            FieldName::Description => "description",
            FieldName::Drafts => "drafts",
            FieldName::Author => "author",
        }
    }

    /// The field of this name.
    pub fn of(name: &str) -> Option<FieldName> {
        FieldName::ALL
            .into_iter()
            .find(|field| field.name() == name)
    }

    /// Where its digests stand.
    pub fn places(self) -> Range<usize> {
        match self {
            FieldName::Title => 0..1,
            FieldName::Class => 1..2,
            FieldName::Description => 2..3,
            FieldName::Drafts => 3..FIRST_AUTHOR,
            FieldName::Author => FIRST_AUTHOR..FIELD_PLACES,
        }
    }

    /// Requires a value that the field may have.
    pub fn check(self, value: &str) -> Result<(), DesignRejection> {
        let limit = match self {
            FieldName::Class => return locarno_class(value),
            FieldName::Drafts => return drafts_head(value).map(|_| ()),
            FieldName::Title => MAX_TITLE_BYTES,
            FieldName::Description => MAX_DESCRIPTION_BYTES,
            FieldName::Author => MAX_AUTHOR_BYTES,
        };
        let fits = (1..=limit).contains(&value.len()) && !value.chars().any(char::is_control);
        match fits {
            true => Ok(()),
            false => Err(DesignRejection::FieldValue {
                name: self.name(),
                limit,
            }),
        }
    }
}

/// Source: Locarno Agreement, Art. 1, and the Classification's edition 14: classes 1 to 32, each with subclasses of
/// two digits, 99 for what is in no other.
fn locarno_class(value: &str) -> Result<(), DesignRejection> {
    let number = |digits: &str| match digits.len() {
        2 if digits.bytes().all(|b| b.is_ascii_digit()) => digits.parse::<u8>().ok(),
        _ => None,
    };
    let parts = value.split_once('-');
    let parts = parts.and_then(|(class, below)| Some((number(class)?, number(below)?)));
    match parts {
        Some((1..=32, 1..)) => Ok(()),
        _ => Err(DesignRejection::LocarnoClass),
    }
}

/// The count and the head of drafts: `COUNT:HEAD`, the count without leading zeros, the head in lower-case hex.
pub fn drafts_head(value: &str) -> Result<(usize, Hash), DesignRejection> {
    let parts = value.split_once(':').and_then(|(count, head)| {
        let count = count.parse::<usize>().ok()?;
        let mut bytes: Hash = [0; 32];
        hex::decode_to_slice(head, &mut bytes).ok()?;
        Some((count, bytes))
    });
    match parts {
        // Written again, it is the same: no sign, no upper case.
        Some((count @ 1..=MAX_DRAFTS, head)) if written_head(count, &head) == value => {
            Ok((count, head))
        }
        _ => Err(DesignRejection::DraftsHead),
    }
}

/// The value of [`FieldName::Drafts`].
pub fn written_head(count: usize, head: &Hash) -> String {
    format!("{count}:{}", hex::encode(head))
}

/// A field that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DesignField {
    /// Its name.
    pub name: FieldName,
    /// Its value.
    pub value: String,
    /// What shows it: RFC 9901's form.
    pub disclosure: String,
}

impl DesignField {
    /// A field under a salt, which nobody may guess.
    pub fn new(
        name: FieldName,
        value: &str,
        salt: &[u8; SALT_BYTES],
    ) -> Result<DesignField, DesignRejection> {
        name.check(value)?;
        let salt = URL_SAFE_NO_PAD.encode(salt);
        Ok(DesignField {
            name,
            value: value.to_owned(),
            disclosure: URL_SAFE_NO_PAD.encode(json(&salt, name.name(), value)),
        })
    }

    /// Reads a disclosure.
    pub fn read(disclosure: &str) -> Result<DesignField, DesignRejection> {
        if disclosure.len() > MAX_DISCLOSURE_BYTES {
            return Err(DesignRejection::FieldForm);
        }
        let text = URL_SAFE_NO_PAD.decode(disclosure);
        let text = text.map_err(|_| DesignRejection::FieldForm)?;
        let (salt, name, value): (String, String, String) =
            serde_json::from_slice(&text).map_err(|_| DesignRejection::FieldForm)?;
        let is_salt = salt.len() == SALT_CHARACTERS
            && salt
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        if !is_salt || json(&salt, &name, &value) != text {
            return Err(DesignRejection::FieldForm);
        }
        let name = FieldName::of(&name).ok_or(DesignRejection::FieldName)?;
        name.check(&value)?;
        Ok(DesignField {
            name,
            value,
            disclosure: disclosure.to_owned(),
        })
    }

    /// What a deposit covers of it.
    pub fn digest(&self) -> Hash {
        hash::sha256(self.disclosure.as_bytes())
    }
}

/// The array as RFC 8785 writes it: values hold no control characters, so only `"` and `\` are escaped.
fn json(salt: &str, name: &str, value: &str) -> Vec<u8> {
    serde_json::json!([salt, name, value])
        .to_string()
        .into_bytes()
}

#[cfg(test)]
mod tests;
