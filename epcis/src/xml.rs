//! EPCIS documents in XML (1.0 to 1.2 and 2.0) as JSON-LD events, at the edge of the ledger.
//!
//! The ledger keeps events in JSON. Whoever sends XML has each event converted before it is
//! signed; the field [`SOURCE_DOCUMENT`] in it names the SHA-256 of the document's exact bytes, so
//! that a person who holds the XML file can show where the event is from. The conversion depends
//! on nothing but the bytes: the same document gives the same events, byte by byte.
//!
//! * Standard elements become the fields that EPCIS 2.0 §10 gives them, in the order of the
//!   document; `extension` and `baseExtension` of EPCIS 1.x are only brackets and fall away.
//! * Standard words in any spelling become the bare word; numbers keep their digits.
//! * Other elements keep their namespace: a prefix of it is declared in `@context`. An element
//!   without attributes and elements becomes its text, any other an object; one that is repeated
//!   becomes a list; attributes become fields, text beside them `#text`.
//! * Comments, processing instructions, the header, and attributes of XML Schema (`xsi:…`) are
//!   left out.
//!
//! XML is hostile: there is no DTD, no entity beside XML's five, and depth, size and counts are
//! bounded. Errors say where as an XPath.
//!
//! Consensus-critical: no

mod convert;
mod fields;
mod names;
mod place;
mod reader;
mod value;

use super::document::MAX_DOCUMENT_BYTES;
use super::error::{EpcisError, EpcisRule, excerpt};
use super::event::{self, Event, MAX_EVENT_BYTES};
use super::moment;
use reader::{Element, Piece, Reader};
use sha2::{Digest, Sha256};

/// The field of a converted event that names the XML document which it is from:
/// `ni:///sha-256;` and the SHA-256 of the document's bytes in hex.
///
/// The name is a full URI of its own, so it needs no entry in `@context`. The CBV event hash
/// leaves it out: an event and its conversion from XML are one event.
pub const SOURCE_DOCUMENT: &str = "touchstone:sourceDocument";

/// The most events of one document.
pub const MAX_XML_EVENTS: usize = 1 << 16;

/// Namespaces of EPCIS's own elements, in documents and query documents.
const EPCIS: [&str; 4] = [
    "urn:epcglobal:epcis:xsd:1",
    "urn:epcglobal:epcis:xsd:2",
    "urn:epcglobal:epcis-query:xsd:1",
    "urn:epcglobal:epcis-query:xsd:2",
];

/// Whether bytes are XML rather than JSON: they begin with `<`, perhaps after a byte order mark
/// and white space.
pub fn is_xml(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    bytes.trim_ascii_start().first() == Some(&b'<')
}

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// The events of an XML document as JSON-LD, in order. Each has passed [`Event::parse`], or says
/// which rule it breaks; an error for the whole document means that it can't be read.
pub fn convert_xml(bytes: &[u8]) -> Result<Vec<Result<Vec<u8>, EpcisError>>, EpcisError> {
    let source = format!("ni:///sha-256;{}", hex::encode(Sha256::digest(bytes)));
    if bytes.len() > MAX_DOCUMENT_BYTES {
        let rule = EpcisRule::TooLarge {
            bytes: bytes.len(),
            limit: MAX_DOCUMENT_BYTES,
        };
        return Err(rule.at_xml("/".to_owned()));
    }
    let mut reader = Reader::new(bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes))?;
    let mut events = Vec::new();
    loop {
        match reader.next()? {
            Piece::Open(element) => match at(&reader, &element)? {
                At::Envelope => {}
                At::Header => reader.skip()?,
                At::Event => {
                    if events.len() >= MAX_XML_EVENTS {
                        let what = "events in one document";
                        return Err(reader.error(EpcisRule::TooMany {
                            what,
                            limit: MAX_XML_EVENTS,
                        }));
                    }
                    let outside = reader.outside();
                    let bindings = reader.bindings();
                    let event = reader.rest_of(element)?;
                    events.push(one(&event, &outside, bindings, &source));
                }
            },
            Piece::Close | Piece::Text(_) => {}
            Piece::End => return Ok(events),
        }
    }
}

/// What an element that was just opened is.
enum At {
    /// Around the events.
    Envelope,
    /// What isn't recorded, such as master data about the document.
    Header,
    /// An event.
    Event,
}

fn at(reader: &Reader<'_>, element: &Element) -> Result<At, EpcisError> {
    let unexpected = |expected| {
        let found = format!("<{}>", excerpt(&element.name.local));
        Err(reader.error(EpcisRule::UnexpectedContent { found, expected }))
    };
    if !element.is_standard() {
        return unexpected("an element of EPCIS");
    }
    let names = reader.names();
    let local = element.name.local.as_str();
    match names.as_slice() {
        [root] => {
            check_root(reader, element, root)?;
            Ok(At::Envelope)
        }
        [_, "EPCISHeader"] | [_, "extension"] => Ok(At::Header),
        [_, "EPCISBody"] => Ok(At::Envelope),
        [.., "EventList", "extension"] | [.., "extension", "extension"] => Ok(At::Envelope),
        [.., "EventList" | "extension", _] => match event::event_type(local) {
            Some(_) => Ok(At::Event),
            None => Err(reader.error(EpcisRule::UnknownEventType(excerpt(local)))),
        },
        ["EPCISDocument", _, "EventList"]
        | ["EPCISQueryDocument", _, "QueryResults"]
        | ["EPCISQueryDocument", _, _, "resultsBody"]
        | ["EPCISQueryDocument", _, _, _, "EventList"] => Ok(At::Envelope),
        ["EPCISQueryDocument", _, _, "queryName" | "subscriptionID"] => Ok(At::Header),
        _ => unexpected("EventList, or QueryResults of a query document"),
    }
}

/// EPCIS 2.0 §9: the document's own attributes.
fn check_root(reader: &Reader<'_>, element: &Element, root: &str) -> Result<(), EpcisError> {
    if !matches!(root, "EPCISDocument" | "EPCISQueryDocument") {
        return Err(reader.error(EpcisRule::UnknownEventType(excerpt(root))));
    }
    let attribute = |name: &'static str| {
        let path = format!("{}/@{name}", reader.path());
        match element.attribute(name) {
            Some(value) => Ok((value, path)),
            None => Err(EpcisRule::MissingField(name).at_xml(path)),
        }
    };
    let (version, path) = attribute("schemaVersion")?;
    let known =
        matches!(version, "1" | "1.0" | "1.1" | "1.2" | "2.0") || version.starts_with("2.0.");
    if !known {
        return Err(EpcisRule::BadSchemaVersion(excerpt(version)).at_xml(path));
    }
    let (created, path) = attribute("creationDate")?;
    if moment::time_ms(created.trim()).is_none() {
        return Err(EpcisRule::BadTime(excerpt(created)).at_xml(path));
    }
    Ok(())
}

/// One event in JSON, checked.
fn one(
    element: &Element,
    outside: &str,
    bindings: Vec<(String, String)>,
    source: &str,
) -> Result<Vec<u8>, EpcisError> {
    let json = convert::event(element, outside, bindings, source)?;
    if json.len() > MAX_EVENT_BYTES {
        let rule = EpcisRule::TooLarge {
            bytes: json.len(),
            limit: MAX_EVENT_BYTES,
        };
        return Err(rule.at_xml(place::Place::root(outside, element).to_string()));
    }
    match Event::parse(&json) {
        Ok(_) => Ok(json),
        Err(error) => {
            let root = place::Place::root(outside, element).to_string();
            Err(error.rule.at_xml(place::xpath(&root, &error.path)))
        }
    }
}

#[cfg(test)]
mod tests;
