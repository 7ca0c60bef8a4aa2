//! Where something is in an XML document, as an XPath.
//!
//! Consensus-critical: no

use super::element::XmlElement;
use crate::error::excerpt;

/// An element and what it is in. Kept as a chain of borrowed steps: it costs nothing until an
/// error needs it.
pub(super) struct XmlPlace<'a> {
    parent: Parent<'a>,
    element: &'a XmlElement,
}

enum Parent<'a> {
    Outside(&'a str),
    Place(&'a XmlPlace<'a>),
}

impl<'a> XmlPlace<'a> {
    /// An event, which stands in the element with this path.
    pub(super) fn root(outside: &'a str, element: &'a XmlElement) -> XmlPlace<'a> {
        XmlPlace {
            parent: Parent::Outside(outside),
            element,
        }
    }

    pub(super) fn child(&'a self, element: &'a XmlElement) -> XmlPlace<'a> {
        XmlPlace {
            parent: Parent::Place(self),
            element,
        }
    }
}

impl std::fmt::Display for XmlPlace<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.parent {
            Parent::Outside(path) => f.write_str(path)?,
            Parent::Place(place) => place.fmt(f)?,
        }
        let element = self.element;
        f.write_str(&step(
            &element.name.written(),
            element.number,
            element.in_list,
        ))
    }
}

/// One step of a path. In lists, and where a name is repeated, the number tells which is meant.
pub(super) fn step(name: &str, number: usize, in_list: bool) -> String {
    let name = excerpt(name).escape_debug().to_string();
    if in_list || number > 1 {
        format!("/{name}[{number}]")
    } else {
        format!("/{name}")
    }
}

/// The XPath of what a path in a converted event means: `$.readPoint.id` is `readPoint/id`.
pub(super) fn of_json_path(event: &str, json: &str) -> String {
    /// Fields that repeat an element, without a list around them.
    const REPEATED: [&str; 4] = ["certificationInfo", "sensorReport", "set", "unset"];
    let mut out = event.to_owned();
    let mut list = "";
    for part in json.split('.').skip(1) {
        let (name, index) = match part.split_once('[') {
            Some((name, index)) => (name, index.trim_end_matches(']').parse::<usize>().ok()),
            None => (part, None),
        };
        // An element's own text, and what XML has as an attribute.
        let text = matches!(name, "bizTransaction" | "source" | "destination") && !list.is_empty();
        let attribute = match list {
            "bizTransactionList" | "sourceList" | "destinationList" => name == "type",
            "sensorMetadata" | "sensorReport" => true,
            _ => false,
        };
        match (text, attribute, index.map(|index| index + 1)) {
            (true, ..) => {}
            (_, true, _) => out.push_str(&format!("/@{name}")),
            (.., None) => out.push_str(&format!("/{name}")),
            (.., Some(number)) if REPEATED.contains(&name) => {
                out.push_str(&format!("/{name}[{number}]"));
            }
            (.., Some(number)) => out.push_str(&format!("/{name}/*[{number}]")),
        }
        list = name;
    }
    out
}
