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
//!   becomes a list; attributes become fields, which [`ATTRIBUTES`] lists, text beside them `#text`.
//! * A `QuantityEvent` of EPCIS 1.0 becomes the object event that EPCIS 1.1 replaces it with.
//! * Comments, processing instructions, the header, what others put into the document around its
//!   events, and attributes of XML Schema (`xsi:…`) are left out.
//!
//! XML is hostile: there is no DTD, no entity beside XML's five, and depth, size and counts are
//! bounded. Errors say where as an XPath.
//!
//! Consensus-critical: no

mod assigned_prefixes;
mod convert;
mod element;
mod fields;
pub(crate) mod header;
mod reader;
mod value;
mod xpath;

use super::date_time;
use super::document::{MAX_DOCUMENT_BYTES, without_byte_order_mark};
use super::error::{EpcisError, EpcisRule, excerpt};
use super::event::{self, Event, MAX_EVENT_BYTES};
use element::XmlElement;
use reader::{Piece, XmlReader};
use sha2::{Digest, Sha256};

/// The field of a converted event that names the XML document which it is from:
/// `ni:///sha-256;` and the SHA-256 of the document's bytes in hex.
///
/// The name is a full URI of its own, so it needs no entry in `@context`. The CBV event hash
/// leaves it out: an event and its conversion from XML are one event.
pub const SOURCE_DOCUMENT: &str = "touchstone:sourceDocument";

/// The field of an extension that lists which of its fields were attributes: `<a k="v"/>` and
/// `<a><k>v</k></a>` stay two things. The CBV event hash, which takes them for one, leaves it out.
pub(crate) const ATTRIBUTES: &str = "touchstone:attributes";

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
    let first = without_byte_order_mark(bytes).trim_ascii_start().first();
    first == Some(&b'<') || is_utf16_xml(bytes)
}

/// `<` in UTF-16, with or without its byte order mark: XML 1.0 §4.3.3 allows it, and it isn't read.
fn is_utf16_xml(bytes: &[u8]) -> bool {
    let starts: [&[u8]; 4] = [b"\xff\xfe<\0", b"\xfe\xff\0<", b"<\0", b"\0<"];
    starts.iter().any(|start| bytes.starts_with(start))
}

/// The events of an XML document as JSON-LD, in order. Each has passed [`Event::parse`], or says
/// which rule it breaks; an error for the whole document means that it can't be read.
pub fn convert_xml(bytes: &[u8]) -> Result<Vec<Result<Vec<u8>, EpcisError>>, EpcisError> {
    Ok(read(bytes)?.0)
}

/// The events of a document in XML.
type Events = Vec<Result<Vec<u8>, EpcisError>>;

/// The converted events, and the full names of the fields that an element `ignoreFields`, of any
/// namespace, says to be no part of them.
pub(crate) fn read(bytes: &[u8]) -> Result<(Events, Vec<String>), EpcisError> {
    let source = format!("ni:///sha-256;{}", hex::encode(Sha256::digest(bytes)));
    if bytes.len() > MAX_DOCUMENT_BYTES {
        let rule = EpcisRule::TooLarge {
            bytes: bytes.len(),
            limit: MAX_DOCUMENT_BYTES,
        };
        return Err(rule.at_xml("/".to_owned()));
    }
    if is_utf16_xml(bytes) {
        let rule = EpcisRule::NotXml {
            offset: 0,
            problem: "its encoding is UTF-16; convert it to UTF-8",
        };
        return Err(rule.at_xml("/".to_owned()));
    }
    let mut reader = XmlReader::new(without_byte_order_mark(bytes))?;
    let mut events = Vec::new();
    let mut ignored = Vec::new();
    loop {
        match reader.next()? {
            Piece::Open(element) => match at(&reader, &element)? {
                At::Envelope => {}
                At::Header => reader.skip()?,
                At::Others => {
                    let element = reader.rest_of(element)?;
                    if element.name.local == "ignoreFields" {
                        ignored.extend(element.children.iter().map(|field| field.name.full()));
                    }
                }
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
            Piece::End => return Ok((events, ignored)),
        }
    }
}

/// What an element that was just opened is.
enum At {
    /// Around the events.
    Envelope,
    /// What isn't recorded, such as master data about the document.
    Header,
    /// What others put beside the standard's elements.
    Others,
    /// An event.
    Event,
}

fn at(reader: &XmlReader<'_>, element: &XmlElement) -> Result<At, EpcisError> {
    let unexpected = |expected| {
        let found = format!("<{}>", excerpt(&element.name.local));
        Err(reader.error(EpcisRule::UnexpectedContent { found, expected }))
    };
    let names = reader.names();
    if !element.is_standard() {
        // Beside the body, and in it beside the list: there, what is foreign says something about
        // the document. In the list it would be an event.
        return match names.as_slice() {
            ["EPCISDocument" | "EPCISQueryDocument", _] => Ok(At::Others),
            ["EPCISDocument" | "EPCISQueryDocument", "EPCISBody", _] => Ok(At::Others),
            ["EPCISQueryDocument", _, "QueryResults", _] => Ok(At::Others),
            _ => unexpected("an element of EPCIS"),
        };
    }
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
            None if local == convert::QUANTITY_EVENT => Ok(At::Event),
            None => Err(reader.error(EpcisRule::UnknownEventType(excerpt(local)))),
        },
        ["EPCISDocument", _, "EventList"]
        | ["EPCISQueryDocument", _, "QueryResults"]
        | ["EPCISQueryDocument", _, _, "resultsBody"]
        | ["EPCISQueryDocument", _, _, _, "EventList"] => Ok(At::Envelope),
        ["EPCISQueryDocument", _, _, "queryName" | "subscriptionID"] => Ok(At::Header),
        // Results of a subscription are met without the body and the results around them.
        ["EPCISQueryDocument", "resultsBody"] | ["EPCISQueryDocument", _, "EventList"] => {
            Ok(At::Envelope)
        }
        ["EPCISQueryDocument", "queryName" | "subscriptionID"] => Ok(At::Header),
        _ => unexpected("EventList, or QueryResults of a query document"),
    }
}

/// EPCIS 2.0 §9: the document's own attributes.
fn check_root(reader: &XmlReader<'_>, element: &XmlElement, root: &str) -> Result<(), EpcisError> {
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
        matches!(version, "1" | "1.0" | "1.1" | "1.2" | "2" | "2.0") || version.starts_with("2.0.");
    if !known {
        return Err(EpcisRule::BadSchemaVersion(excerpt(version)).at_xml(path));
    }
    // An `xsd:dateTime`, whose zone may be left out; it isn't recorded.
    let (created, path) = attribute("creationDate")?;
    let created = created.trim();
    if date_time::time_ms(created).is_none() && date_time::time_ms(&format!("{created}Z")).is_none()
    {
        return Err(EpcisRule::BadTime(excerpt(created)).at_xml(path));
    }
    Ok(())
}

/// One event in JSON, checked.
fn one(
    element: &XmlElement,
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
        return Err(rule.at_xml(xpath::XmlPlace::root(outside, element).to_string()));
    }
    match Event::parse(&json) {
        Ok(_) => Ok(json),
        Err(error) => {
            let root = xpath::XmlPlace::root(outside, element).to_string();
            Err(error.rule.at_xml(xpath::of_json_path(&root, &error.path)))
        }
    }
}

#[cfg(test)]
mod tests;
