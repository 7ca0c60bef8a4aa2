//! Events in JSON as EPCIS 2.0's XML (§9), the reverse of what [`convert_xml`](crate::convert_xml) reads: elements
//! in the order of GS1's schema, standard words and names in full, extensions as elements of their namespaces.
//!
//! What was signed is JSON; this is another document that says the same. So each element is read back before it is
//! given, and what would say something else, or has no form in XML, is refused with its path.
//!
//! Consensus-critical: no

mod capture_job;
mod elements;
mod extensions;
mod obstacle;
mod text;

use std::collections::BTreeMap;

pub use capture_job::capture_job_xml;
pub use obstacle::{XmlFormError, XmlObstacle};

use super::event::MAX_EVENT_DEPTH;
use super::hash::{self, EventContext};
use super::json::{self, JsonValue, Node};
use super::xml::convert_xml;
use text::{attribute_value, element_text};

/// The contexts that add nothing to what is known here.
const STANDARD_CONTEXT: &str = "epcis-context.jsonld";
/// Where XML Schema says that a value is none.
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
/// Namespaces whose prefix everybody knows.
const PREFIXES: [(&str, &str); 3] = [
    ("urn:epcglobal:cbv:mda:", "cbvmda"),
    ("https://gs1.org/voc/", "gs1"),
    (SCHEMA_INSTANCE, "xsi"),
];

/// What a server says of an event besides: an element of its own, behind all others.
#[derive(Clone, Debug)]
pub struct XmlRecord<'a> {
    /// The server's namespace.
    pub namespace: &'a str,
    /// Its prefix.
    pub prefix: &'a str,
    /// The element's name.
    pub name: &'a str,
    /// What is in it: names, and texts.
    pub fields: Vec<(&'a str, String)>,
    /// When it was recorded, where the event doesn't say.
    pub record_time: &'a str,
}

/// One event in JSON as an element, with all that it needs to stand anywhere. The standard's words are Web URIs, or
/// with `urns` the URNs of CBV 1.2.
///
/// ```
/// let event = br#"{ "@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
///   "type": "ObjectEvent", "action": "OBSERVE", "bizStep": "shipping",
///   "eventTime": "2026-03-01T08:30:00+08:00", "eventTimeZoneOffset": "+08:00",
///   "epcList": ["urn:epc:id:sscc:9521234.0000000015"] }"#;
/// let xml = touchstone_epcis::event_xml(event, None, false)?;
/// assert!(xml.contains("<bizStep>https://ref.gs1.org/cbv/BizStep-shipping</bizStep>"));
/// # Ok::<(), touchstone_epcis::XmlFormError>(())
/// ```
pub fn event_xml(
    event: &[u8],
    record: Option<&XmlRecord<'_>>,
    urns: bool,
) -> Result<String, XmlFormError> {
    let own = written(event, None, urns)?;
    let document = format!(
        "<e:EPCISDocument xmlns:e=\"urn:epcglobal:epcis:xsd:2\" schemaVersion=\"2.0\" \
         creationDate=\"1970-01-01T00:00:00Z\"><EPCISBody><EventList>{own}</EventList></EPCISBody></e:EPCISDocument>"
    );
    let is_same = match convert_xml(document.as_bytes()).as_deref() {
        Ok([Ok(read)]) => {
            let (read, meant) = (hash::meaning(read), hash::meaning(event));
            read.is_ok() && read == meant
        }
        _ => false,
    };
    match (is_same, record) {
        (false, _) => Err(XmlObstacle::Different.at("$")),
        (true, None) => Ok(own),
        (true, Some(_)) => written(event, record, urns),
    }
}

fn written(
    event: &[u8],
    record: Option<&XmlRecord<'_>>,
    urns: bool,
) -> Result<String, XmlFormError> {
    let unreadable = |_| XmlObstacle::Unreadable.at("$");
    let node = json::read(event, MAX_EVENT_DEPTH).map_err(unreadable)?;
    let scope = EventContext::of_event(&node);
    let mut writer = XmlWriter {
        out: String::with_capacity(event.len().saturating_mul(2)),
        prefixes: BTreeMap::new(),
        elsewhere: has_context_elsewhere(&node),
        urns,
    };
    let kind = match node.get("type").map(|kind| &kind.value) {
        Some(JsonValue::Text(kind)) => kind.clone().into_owned(),
        _ => return Err(XmlObstacle::Unreadable.at("$.type")),
    };
    let attributes = writer.event(&kind, &node, &scope, record)?;
    let mut text = format!("<{kind}{attributes}");
    for (namespace, prefix) in &writer.prefixes {
        text.push_str(&format!(" xmlns:{prefix}=\""));
        // The namespace of master data is without its colon in XML (CBV 2.0 §9).
        let shown = match namespace.as_str() {
            "urn:epcglobal:cbv:mda:" => "urn:epcglobal:cbv:mda",
            other => other,
        };
        text.push_str(&attribute_value(shown, "$.@context")?);
        text.push('"');
    }
    Ok(format!("{text}>{}</{kind}>", writer.out))
}

/// Whether the event names a context that isn't the standard's: what it declares isn't known here.
fn has_context_elsewhere(event: &Node<'_>) -> bool {
    let is_own = |uri: &str| uri.ends_with(STANDARD_CONTEXT);
    let is_elsewhere = |node: &Node<'_>| match &node.value {
        JsonValue::Text(uri) => !is_own(uri),
        _ => false,
    };
    match event.get("@context") {
        Some(node) => match &node.value {
            JsonValue::List(nodes) => nodes.iter().any(is_elsewhere),
            _ => is_elsewhere(node),
        },
        None => false,
    }
}

/// An event's element while it is written.
struct XmlWriter {
    out: String,
    /// Prefixes in use, by their namespace.
    prefixes: BTreeMap<String, String>,
    /// Whether the event names a context that isn't read.
    elsewhere: bool,
    /// Whether the standard's words are URNs.
    urns: bool,
}

impl XmlWriter {
    fn open(&mut self, name: &str) {
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
    }

    fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// An element that holds a text.
    fn text(&mut self, name: &str, text: &str, path: &str) -> Result<(), XmlFormError> {
        let text = element_text(text, path)?;
        self.open(name);
        self.out.push_str(&text);
        self.close(name);
        Ok(())
    }

    /// The prefix of a namespace: a well-known one, the event's own, or a number.
    fn prefix(&mut self, namespace: &str, scope: &EventContext) -> String {
        if let Some(prefix) = self.prefixes.get(namespace) {
            return prefix.clone();
        }
        let known = PREFIXES.iter().find(|(known, _)| *known == namespace);
        let known = known.map(|(_, prefix)| (*prefix).to_owned());
        let own = || scope.prefix_of(namespace);
        let is_free = |prefix: &String| {
            let is_other = PREFIXES
                .iter()
                .any(|(of, known)| known == prefix && *of != namespace);
            !is_other && !self.prefixes.values().any(|taken| taken == prefix)
        };
        let wanted = known.or_else(own);
        let wanted = wanted.filter(|prefix| text::is_name(prefix) && !text::is_reserved(prefix));
        let prefix = wanted.filter(|prefix| is_free(prefix)).or_else(|| {
            let mut numbered = (1u32..).map(|number| format!("ns{number}"));
            numbered.find(|prefix| is_free(prefix))
        });
        let prefix = prefix.unwrap_or_default();
        self.prefixes.insert(namespace.to_owned(), prefix.clone());
        prefix
    }
}

/// What stands before a query's events.
#[derive(Clone, Debug)]
pub struct XmlQueryHead<'a> {
    /// When the answer is of.
    pub creation_date: &'a str,
    /// The server's namespace, and its prefix.
    pub namespace: (&'a str, &'a str),
    /// What the server says of the answer: attributes in its namespace.
    pub attributes: Vec<(&'a str, String)>,
    /// The query's name.
    pub query: &'a str,
    /// The subscription that it is told to, if it is.
    pub subscription: Option<&'a str>,
}

/// A query document (EPCIS 2.0 §9.7) with these events, each written by [`event_xml`].
pub fn query_document_xml(
    head: &XmlQueryHead<'_>,
    events: &[String],
) -> Result<String, XmlFormError> {
    let (namespace, prefix) = head.namespace;
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<epcisq:EPCISQueryDocument \
         xmlns:epcisq=\"urn:epcglobal:epcis-query:xsd:2\" xmlns:{prefix}=\"{}\" schemaVersion=\"2.0\" \
         creationDate=\"{}\"",
        attribute_value(namespace, "$")?,
        attribute_value(head.creation_date, "$")?
    );
    for (name, value) in &head.attributes {
        text.push_str(&format!(
            " {prefix}:{name}=\"{}\"",
            attribute_value(value, "$")?
        ));
    }
    text.push_str("><EPCISBody><epcisq:QueryResults><queryName>");
    text.push_str(&element_text(head.query, "$")?);
    text.push_str("</queryName>");
    if let Some(subscription) = head.subscription {
        text.push_str("<subscriptionID>");
        text.push_str(&element_text(subscription, "$")?);
        text.push_str("</subscriptionID>");
    }
    text.push_str("<resultsBody><EventList>");
    text.push_str(&events.concat());
    text.push_str(
        "</EventList></resultsBody></epcisq:QueryResults></EPCISBody></epcisq:EPCISQueryDocument>\n",
    );
    Ok(text)
}

#[cfg(test)]
mod tests;
