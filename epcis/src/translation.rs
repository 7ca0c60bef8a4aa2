//! An event with its identifiers as GS1 Digital Links, for readers that know no EPC URNs (the REST
//! binding's `GS1-EPC-Format: Always_GS1_Digital_Link`). Everything else stays, token by token.
//!
//! Consensus-critical: no

use super::error::EpcisError;
use super::event::{Event, MAX_EVENT_DEPTH};
use super::identifier::Identifier;
use super::json::{self, JsonValue, Node, write_minimal};

/// How a field holds identifiers.
#[derive(Clone, Copy)]
enum IdentifierField {
    /// Itself, or each element of it, is one.
    Directly,
    /// In this field of it, or of each element.
    In(&'static str),
}

/// The fields of the standard that hold identifiers.
const FIELDS: [(&str, IdentifierField); 15] = [
    ("parentID", IdentifierField::Directly),
    ("epcList", IdentifierField::Directly),
    ("childEPCs", IdentifierField::Directly),
    ("inputEPCList", IdentifierField::Directly),
    ("outputEPCList", IdentifierField::Directly),
    ("transformationID", IdentifierField::Directly),
    ("quantityList", IdentifierField::In("epcClass")),
    ("childQuantityList", IdentifierField::In("epcClass")),
    ("inputQuantityList", IdentifierField::In("epcClass")),
    ("outputQuantityList", IdentifierField::In("epcClass")),
    ("readPoint", IdentifierField::In("id")),
    ("bizLocation", IdentifierField::In("id")),
    ("bizTransactionList", IdentifierField::In("bizTransaction")),
    ("sourceList", IdentifierField::In("source")),
    ("destinationList", IdentifierField::In("destination")),
];

/// The event in minimal JSON, in which every EPC URN of a standard field is the Digital Link of the
/// same key. Other URIs stay as they are, Digital Links with their attributes among them, and so do
/// extensions.
///
/// ```
/// let event = br#"{ "@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
///   "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:00+08:00",
///   "eventTimeZoneOffset": "+08:00", "epcList": ["urn:epc:id:sscc:9521234.0000000015"] }"#;
/// let links = touchstone_epcis::with_digital_links(event)?;
/// assert!(links.contains(r#""epcList":["https://id.gs1.org/00/095212340000000150"]"#));
/// # Ok::<(), touchstone_epcis::EpcisError>(())
/// ```
pub fn with_digital_links(event: &[u8]) -> Result<String, EpcisError> {
    Event::parse(event)?;
    let node = json::read(event, MAX_EVENT_DEPTH)?;
    let mut out = String::with_capacity(event.len());
    members(&node, &mut out, |name, value, out| {
        let held = FIELDS.iter().find(|(field, _)| *field == name);
        match held {
            Some((_, held)) => each(value, *held, out),
            None => write_minimal(value.source, out),
        }
    });
    Ok(out)
}

/// Writes a value, or each element of a list, with its identifiers translated.
fn each(node: &Node<'_>, held: IdentifierField, out: &mut String) {
    match (&node.value, held) {
        (JsonValue::List(nodes), _) => {
            out.push('[');
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                each(node, held, out);
            }
            out.push(']');
        }
        (JsonValue::Text(text), IdentifierField::Directly) => identifier(text, node.source, out),
        (JsonValue::Object(_), IdentifierField::In(field)) => {
            members(node, out, |name, value, out| match &value.value {
                JsonValue::Text(text) if name == field => identifier(text, value.source, out),
                _ => write_minimal(value.source, out),
            })
        }
        _ => write_minimal(node.source, out),
    }
}

/// Writes an object, each value by a function.
fn members(node: &Node<'_>, out: &mut String, mut write: impl FnMut(&str, &Node<'_>, &mut String)) {
    let JsonValue::Object(members) = &node.value else {
        return write_minimal(node.source, out);
    };
    out.push('{');
    for (index, member) in members.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        out.push_str(member.name_source);
        out.push(':');
        write(&member.name, &member.value, out);
    }
    out.push('}');
}

/// An EPC URN as the Digital Link, whose characters JSON needs no escapes for.
fn identifier(text: &str, source: &str, out: &mut String) {
    match Identifier::parse(text) {
        Ok(identifier) if is_urn(text) && identifier.kind().is_some() => {
            out.push('"');
            out.push_str(identifier.as_str());
            out.push('"');
        }
        _ => write_minimal(source, out),
    }
}

/// RFC 8141 §2: `urn` and the namespace are the same in any case.
fn is_urn(text: &str) -> bool {
    const EPC: &str = "urn:epc:";
    text.get(..EPC.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(EPC))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::documents;
    use crate::{event_hash, split_document};

    /// Every public event says the same in Digital Links: the hash knows no difference.
    #[test]
    fn nothing_but_the_spelling_of_identifiers_changes() {
        let mut translated = 0;
        for (name, bytes) in documents("epcis/valid", "json") {
            for event in split_document(&bytes).unwrap() {
                let links = with_digital_links(&event).unwrap();
                let (was, is) = (Event::parse(&event), Event::parse(links.as_bytes()));
                assert_eq!(was, is, "{name}");
                assert_eq!(event_hash(&event), event_hash(links.as_bytes()), "{name}");
                let again = with_digital_links(links.as_bytes());
                assert_eq!(again.as_ref(), Ok(&links), "{name}");
                translated += usize::from(links.as_bytes() != event);
            }
        }
        assert!(translated > 20, "{translated}");
    }

    #[test]
    fn tokens_stay_as_they_are() {
        let event = br#"{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
            "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:00Z",
            "eventTimeZoneOffset": "+00:00", "epcList": ["urn:x:\u0031", "urn:epc:id:sscc:9521234.0000000015"],
            "ex:n": 1.00, "ex:id": "urn:epc:id:sscc:9521234.0000000015",
            "readPoint": {"ex:door": 7, "id": "urn:epc:id:sgln:9521234.00001.0"}}"#;
        let links = with_digital_links(event).unwrap();
        for part in [
            r#""epcList":["urn:x:\u0031","https://id.gs1.org/00/095212340000000150"]"#,
            r#""ex:n":1.00,"ex:id":"urn:epc:id:sscc:9521234.0000000015""#,
            r#""readPoint":{"ex:door":7,"id":"https://id.gs1.org/414/9521234000013"}"#,
        ] {
            assert!(links.contains(part), "{part}\n{links}");
        }
    }
}
