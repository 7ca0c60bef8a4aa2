//! Master data: what vocabularies say of products, places and parties (EPCIS 2.0 §6.1.1), and what its attributes are
//! called.
//!
//! An attribute's name is a full URI; those of CBV are met as `urn:epcglobal:cbv:mda#name`, with a colon in place of
//! `#`, and as `cbvmda:name`, and are one name here. Structured values become fields, in XML and JSON alike.
//!
//! Consensus-critical: no

use super::identifier::{self, Identifier};
use super::prefixes::Prefixes;

/// The most elements of one document.
pub const MAX_MASTER_DATA_ELEMENTS: usize = 1 << 14;

/// The namespace of CBV's attributes, in the one form that is used here.
const CBV: &str = "urn:epcglobal:cbv:mda#";
/// Others that are met.
const CBV_ALIASES: [&str; 2] = ["urn:epcglobal:cbv:mda:", "https://ref.gs1.org/cbv/mda/"];
/// The namespace of vocabularies.
const VOCABULARY_TYPES: &str = "urn:epcglobal:epcis:vtype:";
/// Attributes that name a thing, a place or a party, the one that is shown first.
const NAMES: [&str; 5] = [
    "name",
    "regulatedProductName",
    "descriptionShort",
    "functionalName",
    "tradeItemDescription",
];

/// What a document says of one element of a vocabulary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasterDataEntry {
    /// Where it stands: a path in JSON or an XPath.
    pub place: String,
    /// Its identifier, as the document has it.
    pub id: String,
    /// The vocabularies that it is said to belong to: URIs.
    pub types: Vec<String>,
    /// What is said of it, in the document's order.
    pub attributes: Vec<EntryAttribute>,
    /// What belongs to it, as the document has it.
    pub children: Vec<String>,
}

/// An attribute, or a field in one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EntryAttribute {
    /// A full URI; a field's may have no namespace.
    pub id: String,
    /// What it says.
    pub value: EntryValue,
}

/// A text, or fields.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EntryValue {
    /// On one line.
    Text(String),
    /// At least one.
    Fields(Vec<EntryAttribute>),
}

/// The one form of an attribute's name: a full URI, where its prefix is known; one of CBV in its one spelling.
pub fn attribute_name(name: &str, prefixes: &Prefixes) -> String {
    let full = prefixes.expand(name).unwrap_or_else(|| name.to_owned());
    let word = CBV_ALIASES
        .iter()
        .find_map(|alias| full.strip_prefix(alias));
    match word {
        Some(word) => format!("{CBV}{word}"),
        None => full,
    }
}

/// The same of what a person writes: a word alone is one of CBV.
///
/// ```
/// use touchstone_epcis::written_attribute_name;
///
/// let full = "urn:epcglobal:cbv:mda#descriptionShort";
/// for written in ["descriptionShort", "cbvmda:descriptionShort", full] {
///     assert_eq!(written_attribute_name(written), full);
/// }
/// assert_eq!(written_attribute_name("https://ns.example/colour"), "https://ns.example/colour");
/// ```
pub fn written_attribute_name(name: &str) -> String {
    match name.contains(':') {
        true => attribute_name(name, &Prefixes::default()),
        false => format!("{CBV}{name}"),
    }
}

/// How well an attribute names what it is of: 0 best; none where it doesn't.
pub fn naming_rank(attribute: &str) -> Option<usize> {
    let word = attribute.strip_prefix(CBV)?;
    NAMES.iter().position(|name| *name == word)
}

/// The attribute that names what an identifier stands for: CBV has one for products and one for places and parties.
pub fn naming_attribute(id: &Identifier) -> String {
    let word = match id.parts().first() {
        Some(("01" | "8006", _)) => "descriptionShort",
        _ => "name",
    };
    format!("{CBV}{word}")
}

/// The vocabulary that an identifier belongs to by its kind (EPCIS 2.0 §7.2).
pub fn vocabulary(id: &Identifier) -> String {
    let word = match id.parts().first() {
        _ if id.is_class() => "EPCClass",
        Some(("414", _)) => "Location",
        Some(("417", _)) => "Party",
        _ => "EPCInstance",
    };
    format!("{VOCABULARY_TYPES}{word}")
}

/// A vocabulary's name as a URI: a word alone is one of EPCIS.
pub(crate) fn vocabulary_type(name: &str) -> String {
    match identifier::is_uri(name) {
        true => name.to_owned(),
        false => format!("{VOCABULARY_TYPES}{name}"),
    }
}

/// A text on one line, without space around it.
pub(crate) fn one_line(text: &str) -> String {
    let line = |part: &str| part.trim().to_owned();
    let parts = text.split(char::is_control).map(line);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(" ")
}
