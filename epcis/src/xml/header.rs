//! Master data in a document's header, in XML (EPCIS 1.2 §9.5, EPCIS 2.0 §9.5).
//!
//! Consensus-critical: no

use super::element::XmlElement;
use super::reader::{Piece, XmlReader};
use crate::document::{MAX_DOCUMENT_BYTES, without_byte_order_mark};
use crate::error::{EpcisError, EpcisRule, excerpt};
use crate::master_data::{
    EntryAttribute, EntryValue, MAX_MASTER_DATA_ELEMENTS, MasterDataEntry, attribute_name,
    one_line, vocabulary_type,
};
use crate::prefixes::Prefixes;

type Entries = Vec<Result<MasterDataEntry, EpcisError>>;

/// Attributes of XML Schema say how a document is processed.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// The elements of a document's vocabularies.
pub(crate) fn read(bytes: &[u8]) -> Result<Entries, EpcisError> {
    if bytes.len() > MAX_DOCUMENT_BYTES {
        let rule = EpcisRule::TooLarge {
            bytes: bytes.len(),
            limit: MAX_DOCUMENT_BYTES,
        };
        return Err(rule.at_xml("/".to_owned()));
    }
    let mut reader = XmlReader::new(without_byte_order_mark(bytes))?;
    let mut entries = Vec::new();
    let mut vocabulary = None;
    loop {
        match reader.next()? {
            Piece::Open(element) => match at(&reader, &element) {
                At::Around => {}
                At::Vocabulary => vocabulary = element.attribute("type").map(vocabulary_type),
                At::Element => {
                    if entries.len() >= MAX_MASTER_DATA_ELEMENTS {
                        let what = "elements of vocabularies in one document";
                        let limit = MAX_MASTER_DATA_ELEMENTS;
                        return Err(reader.error(EpcisRule::TooMany { what, limit }));
                    }
                    let place = reader.path();
                    let element = reader.rest_of(element)?;
                    entries.push(entry(&element, vocabulary.as_deref(), place));
                }
                At::Other => reader.skip()?,
            },
            Piece::Close | Piece::Text(_) => {}
            Piece::End => return Ok(entries),
        }
    }
}

/// What an element that was just opened is.
enum At {
    Around,
    Vocabulary,
    Element,
    Other,
}

fn at(reader: &XmlReader<'_>, element: &XmlElement) -> At {
    let names = reader.names();
    if names.len() > 1 && !element.name.is_standard() {
        return At::Other;
    }
    match names.as_slice() {
        [_]
        | [_, "EPCISHeader"]
        | [_, "EPCISHeader", "extension"]
        | [.., "EPCISMasterData"]
        | [.., "EPCISMasterData", "VocabularyList"]
        | [.., "Vocabulary", "VocabularyElementList"] => At::Around,
        [.., "VocabularyList", "Vocabulary"] => At::Vocabulary,
        [.., "VocabularyElementList", "VocabularyElement"] => At::Element,
        _ => At::Other,
    }
}

fn entry(
    element: &XmlElement,
    vocabulary: Option<&str>,
    place: String,
) -> Result<MasterDataEntry, EpcisError> {
    let missing = |field| EpcisRule::MissingField(field).at_xml(place.clone());
    let id = element.attribute("id").ok_or_else(|| missing("id"))?;
    let prefixes = Prefixes::default();
    let mut attributes = Vec::new();
    let mut children = Vec::new();
    for child in element.children.iter().filter(|c| c.name.is_standard()) {
        match child.name.local.as_str() {
            "attribute" => {
                let id = child.attribute("id").ok_or_else(|| missing("id"))?;
                let name = attribute_name(id.trim(), &prefixes);
                attributes.extend(attribute(name, child, &["id"], &place)?);
            }
            "children" => {
                let ids = child.children.iter();
                children.extend(ids.map(|id| id.text.trim().to_owned()));
            }
            // The brackets of extensions hold nothing that the standard names.
            _ => {}
        }
    }
    Ok(MasterDataEntry {
        id: id.trim().to_owned(),
        types: vocabulary.map(str::to_owned).into_iter().collect(),
        attributes,
        children,
        place,
    })
}

/// An element as an attribute or a field; none where it says nothing. `used` are attributes that say something else.
fn attribute(
    id: String,
    element: &XmlElement,
    used: &[&str],
    place: &str,
) -> Result<Option<EntryAttribute>, EpcisError> {
    let mut fields = Vec::new();
    for (name, value) in &element.attributes {
        let is_used = name.namespace.is_empty() && used.contains(&name.local.as_str());
        let text = one_line(value);
        if !is_used && &*name.namespace != SCHEMA_INSTANCE && !text.is_empty() {
            fields.push(EntryAttribute {
                id: name.full(),
                value: EntryValue::Text(text),
            });
        }
    }
    for child in &element.children {
        fields.extend(attribute(child.name.full(), child, &[], place)?);
    }
    let text = one_line(&element.text);
    let value = match (text.is_empty(), fields.is_empty()) {
        (true, true) => return Ok(None),
        (false, true) => EntryValue::Text(text),
        (true, false) => EntryValue::Fields(fields),
        (false, false) => {
            let found = format!("text beside elements in {}", excerpt(&id));
            let expected = "either text or elements";
            return Err(EpcisRule::UnexpectedContent { found, expected }.at_xml(place.to_owned()));
        }
    };
    Ok(Some(EntryAttribute { id, value }))
}
