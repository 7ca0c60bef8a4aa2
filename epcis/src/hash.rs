//! The CBV 2.0 event hash (`ni:///sha-256;…?ver=CBV2.0`): one name for an event, however it is
//! written.
//!
//! The rules are those of CBV 2.0 §8.9 and of the reference implementation's description
//! (RalphTro/epcis-event-hash-generator, README): an event is written as one *pre-hash string* of
//! names and values in the standard's order, with identifiers, words, times and numbers in one
//! form and lists sorted, and that string is hashed. So the order of fields, white space, EPC URN
//! or Digital Link, time zone, prefix or full URI don't matter.
//!
//! Where text and published vectors differ, the vectors decide: `certificationInfo` counts, and
//! destinations stand before sources.
//!
//! **It is an index and a duplicate's key, never an anchor.** It leaves out `eventID`,
//! `recordTime` and the whole error declaration, joins names and values without separators, and
//! takes `1.0` for `1`: different events may share a hash. What the ledger signs and proves are an
//! event's exact bytes.
//!
//! Consensus-critical: no

mod canonical;
mod json_ld_context;

pub(crate) use canonical::{COMPONENTS, number};
pub(crate) use json_ld_context::EventContext;

use super::cbv::Vocabulary;
use super::document::{self, split_document};
use super::error::EpcisError;
use super::event::{Event, MAX_EVENT_DEPTH};
use super::json::{self, JsonMember, JsonValue, Node};
use super::prefixes::GS1_VOCABULARY;
use super::xml::{self, ATTRIBUTES, SOURCE_DOCUMENT};
use canonical::{canonical, instant, term};
use sha2::{Digest, Sha256};

/// The CBV 2.0 event hash of one event that stands alone.
///
/// ```
/// let event = br#"{ "@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
///   "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:00+08:00",
///   "eventTimeZoneOffset": "+08:00", "epcList": ["urn:epc:id:sscc:9521234.0000000015"] }"#;
/// let hash = touchstone_epcis::event_hash(event)?;
/// assert!(hash.starts_with("ni:///sha-256;") && hash.ends_with("?ver=CBV2.0"));
/// # Ok::<(), touchstone_epcis::EpcisError>(())
/// ```
pub fn event_hash(event: &[u8]) -> Result<String, EpcisError> {
    Ok(named(&prehash(event, &[])?))
}

/// The CBV 2.0 event hash of each event of a document in JSON or XML, in order; the error of an
/// event in XML stands in its place.
///
/// A document may name extension fields that its repository added and that are no part of the
/// events, in a field `ignoreFields` of any namespace. They don't count here; an event that stands
/// alone can't say so.
pub fn document_hashes(document: &[u8]) -> Result<Vec<Result<String, EpcisError>>, EpcisError> {
    let (events, ignored) = if xml::is_xml(document) {
        xml::read(document)?
    } else {
        let events = split_document(document)?.into_iter().map(Ok).collect();
        (events, document::ignored_fields(document)?)
    };
    let hash =
        |event: Vec<u8>| -> Result<String, EpcisError> { Ok(named(&prehash(&event, &ignored)?)) };
    Ok(events
        .into_iter()
        .map(|event: Result<Vec<u8>, EpcisError>| event.and_then(hash))
        .collect())
}

/// RFC 6920, with the digest in hex as CBV 2.0 §8.9 has it.
fn named(prehash: &str) -> String {
    let digest = Sha256::digest(prehash.as_bytes());
    format!("ni:///sha-256;{}?ver=CBV2.0", hex::encode(digest))
}

/// What two forms of one event say alike: the string that is hashed, and what the hash leaves out.
pub(crate) fn meaning(event: &[u8]) -> Result<String, EpcisError> {
    let mut out = prehash(event, &[])?;
    let node = json::read(event, MAX_EVENT_DEPTH)?;
    let scope = EventContext::of_event(&node);
    out.push_str(&fields(&node, LEFT_OUT, &scope));
    Ok(out)
}

/// Standard fields that the hash leaves out.
const LEFT_OUT: &[Rule] = &[
    Rule("eventID", Form::Plain),
    Rule("recordTime", Form::Time),
    Rule(
        "errorDeclaration",
        Form::Inside(&[
            Rule("declarationTime", Form::Time),
            Rule("reason", Form::Word(Vocabulary::ErrorReason)),
            Rule("correctiveEventIDs", Form::Plain),
        ]),
    ),
];

/// The string that is hashed.
fn prehash(event: &[u8], ignored: &[String]) -> Result<String, EpcisError> {
    Event::parse(event)?;
    let node = json::read(event, MAX_EVENT_DEPTH)?;
    let scope = EventContext::of_event(&node);
    let kind = node.get("type").map_or("", plain);
    let mut out = format!("eventType={kind}");
    out.push_str(&fields(&node, EVENT, &scope));
    if let Some(ilmd) = node.get("ilmd") {
        out.push_str("ilmd");
        out.push_str(&extensions(ilmd, &scope, &[]));
    }
    let names = ignored.iter().map(String::as_str).chain([SOURCE_DOCUMENT]);
    let left_out: Vec<String> = names.filter_map(|name| scope.name(name)).collect();
    out.push_str(&extensions(&node, &scope, &left_out));
    Ok(out)
}

/// How a standard field is written.
enum Form {
    /// `name=value`, or several sorted.
    Plain,
    /// A URI, perhaps with a prefix of the context.
    Uri,
    /// An instant.
    Time,
    /// A word of the Core Business Vocabulary.
    Word(Vocabulary),
    /// A word of a vocabulary that has no closed list: the start of its full URI.
    Open(&'static str),
    /// `name`, then each value as `epc=value`, sorted.
    Epcs,
    /// `name`, then each element as its own name and fields, sorted.
    Elements(&'static str, &'static [Rule]),
    /// `name` and the fields inside, then extensions; a list is written element by element, sorted.
    Inside(&'static [Rule]),
}

/// A field and how it is written.
struct Rule(&'static str, Form);

/// CBV 2.0 §8.9: the canonical order of properties.
const EVENT: &[Rule] = &[
    Rule("eventTime", Form::Time),
    Rule("eventTimeZoneOffset", Form::Plain),
    Rule("certificationInfo", Form::Uri),
    Rule("epcList", Form::Epcs),
    Rule("parentID", Form::Plain),
    Rule("inputEPCList", Form::Epcs),
    Rule("childEPCs", Form::Epcs),
    Rule("quantityList", QUANTITIES),
    Rule("childQuantityList", QUANTITIES),
    Rule("inputQuantityList", QUANTITIES),
    Rule("outputEPCList", Form::Epcs),
    Rule("outputQuantityList", QUANTITIES),
    Rule("action", Form::Plain),
    Rule("transformationID", Form::Uri),
    Rule("bizStep", Form::Word(Vocabulary::BizStep)),
    Rule("disposition", Form::Word(Vocabulary::Disposition)),
    Rule(
        "persistentDisposition",
        Form::Inside(&[
            Rule("set", Form::Word(Vocabulary::Disposition)),
            Rule("unset", Form::Word(Vocabulary::Disposition)),
        ]),
    ),
    Rule("readPoint", PLACE),
    Rule("bizLocation", PLACE),
    Rule(
        "bizTransactionList",
        Form::Elements(
            "",
            &[
                Rule("type", Form::Word(Vocabulary::TransactionType)),
                Rule("bizTransaction", Form::Uri),
            ],
        ),
    ),
    Rule(
        "destinationList",
        Form::Elements(
            "",
            &[
                Rule("type", Form::Word(Vocabulary::SourceType)),
                Rule("destination", Form::Uri),
            ],
        ),
    ),
    Rule(
        "sourceList",
        Form::Elements(
            "",
            &[
                Rule("type", Form::Word(Vocabulary::SourceType)),
                Rule("source", Form::Uri),
            ],
        ),
    ),
    Rule(
        "sensorElementList",
        Form::Elements("sensorElement", SENSOR_ELEMENT),
    ),
];

const QUANTITIES: Form = Form::Elements(
    "quantityElement",
    &[
        Rule("epcClass", Form::Plain),
        Rule("quantity", Form::Plain),
        Rule("uom", Form::Plain),
    ],
);

const PLACE: Form = Form::Inside(&[Rule("id", Form::Plain)]);

const SENSOR_ELEMENT: &[Rule] = &[
    Rule(
        "sensorMetadata",
        Form::Inside(&[
            Rule("time", Form::Time),
            Rule("startTime", Form::Time),
            Rule("endTime", Form::Time),
            Rule("deviceID", Form::Uri),
            Rule("deviceMetadata", Form::Uri),
            Rule("rawData", Form::Uri),
            Rule("dataProcessingMethod", Form::Uri),
            Rule("bizRules", Form::Uri),
        ]),
    ),
    Rule(
        "sensorReport",
        Form::Inside(&[
            Rule("type", Form::Open(GS1_VOCABULARY)),
            Rule("exception", Form::Open(GS1_VOCABULARY)),
            Rule("deviceID", Form::Uri),
            Rule("deviceMetadata", Form::Uri),
            Rule("rawData", Form::Uri),
            Rule("dataProcessingMethod", Form::Uri),
            Rule("time", Form::Time),
            Rule("microorganism", Form::Uri),
            Rule("chemicalSubstance", Form::Uri),
            Rule("value", Form::Plain),
            Rule("component", Form::Open(canonical::COMPONENTS)),
            Rule("stringValue", Form::Plain),
            Rule("booleanValue", Form::Plain),
            Rule("hexBinaryValue", Form::Plain),
            Rule("uriValue", Form::Uri),
            Rule("minValue", Form::Plain),
            Rule("maxValue", Form::Plain),
            Rule("meanValue", Form::Plain),
            Rule("sDev", Form::Plain),
            Rule("percRank", Form::Plain),
            Rule("percValue", Form::Plain),
            Rule("uom", Form::Plain),
            Rule("coordinateReferenceSystem", Form::Uri),
            // Met in practice here, too; the standard has it in the metadata alone.
            Rule("bizRules", Form::Uri),
        ]),
    ),
];

/// The fields of an object in the order of the rules.
fn fields(node: &Node<'_>, rules: &[Rule], scope: &EventContext) -> String {
    let mut out = String::new();
    for Rule(name, form) in rules {
        if let Some(node) = node.get(name) {
            out.push_str(&field(name, node, form, scope));
        }
    }
    out
}

fn field(name: &str, node: &Node<'_>, form: &Form, scope: &EventContext) -> String {
    match form {
        Form::Epcs => under(name, sorted(each(node).map(|epc| value("epc", epc, scope)))),
        Form::Elements(element, rules) => under(
            name,
            sorted(each(node).map(|node| match inside(node, rules, scope) {
                body if body.is_empty() => body,
                body => format!("{element}{body}"),
            })),
        ),
        Form::Inside(rules) => {
            sorted(each(node).map(|node| under(name, inside(node, rules, scope))))
        }
        Form::Plain => sorted(each(node).map(|node| value(name, node, scope))),
        Form::Uri => sorted(
            each(node).map(|node| assigned(name, &canonical(&scope.expand(plain(node)), scope))),
        ),
        Form::Time => sorted(each(node).map(|node| assigned(name, &instant(plain(node))))),
        Form::Word(vocabulary) => {
            sorted(each(node).map(|node| assigned(name, &term(*vocabulary, plain(node), scope))))
        }
        Form::Open(namespace) => sorted(each(node).map(|node| {
            let word = plain(node);
            let full = if word.contains(':') {
                canonical(&scope.expand(word), scope)
            } else {
                format!("{namespace}{word}")
            };
            assigned(name, &full)
        })),
    }
}

/// The standard fields of an object, then its extensions.
fn inside(node: &Node<'_>, rules: &[Rule], scope: &EventContext) -> String {
    fields(node, rules, scope) + &extensions(node, scope, &[])
}

/// The extension fields of an object, sorted: those whose name has a namespace.
fn extensions(node: &Node<'_>, scope: &EventContext, left_out: &[String]) -> String {
    let fields = members(node)
        .iter()
        .filter(|member| member.name.contains(':') && member.name != ATTRIBUTES);
    sorted(fields.flat_map(|member| extension(&member.name, &member.value, scope, left_out)))
}

/// An extension field, at any depth: its name, its value, its own fields sorted. A list repeats it.
fn extension(
    name: &str,
    node: &Node<'_>,
    scope: &EventContext,
    left_out: &[String],
) -> Vec<String> {
    match scope.name(name) {
        Some(name) if !left_out.contains(&name) => {
            each(node).map(|node| generic(&name, node, scope)).collect()
        }
        _ => Vec::new(),
    }
}

fn generic(name: &str, node: &Node<'_>, scope: &EventContext) -> String {
    match &node.value {
        JsonValue::Object(found) => {
            let inner = scope.within(node);
            let scope = inner.as_ref().unwrap_or(scope);
            let text = node.get("#text").map_or("", plain);
            let fields = found
                .iter()
                .filter(|member| !matches!(member.name.as_ref(), "#text" | "@context" | ATTRIBUTES))
                .flat_map(|member| extension(&member.name, &member.value, scope, &[]));
            let mut out = name.to_owned();
            let text = canonical(text, scope);
            if !text.is_empty() {
                out.push('=');
                out.push_str(&text);
            }
            out.push_str(&sorted(fields));
            out
        }
        // A list in a list has no name of its own.
        JsonValue::List(nodes) => {
            let values = nodes.iter().map(|node| generic("", node, scope));
            format!("{name}{}", sorted(values))
        }
        _ => match canonical(plain(node), scope) {
            text if text.is_empty() => name.to_owned(),
            text => format!("{name}={text}"),
        },
    }
}

fn value(name: &str, node: &Node<'_>, scope: &EventContext) -> String {
    assigned(name, &canonical(plain(node), scope))
}

/// `name=value`; nothing for an empty value.
fn assigned(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    format!("{name}={value}")
}

/// A name before what it holds; nothing if it holds nothing.
fn under(name: &str, body: String) -> String {
    if body.is_empty() {
        return body;
    }
    format!("{name}{body}")
}

/// Sorted by code points, which is the order of UTF-8's bytes, and joined.
fn sorted(parts: impl Iterator<Item = String>) -> String {
    let mut parts: Vec<String> = parts.collect();
    parts.sort_unstable();
    parts.concat()
}

/// The elements of a list, or the one value.
fn each<'a, 'b>(node: &'a Node<'b>) -> impl Iterator<Item = &'a Node<'b>> {
    let (list, one) = match &node.value {
        JsonValue::List(nodes) => (nodes.as_slice(), None),
        _ => (&[][..], Some(node)),
    };
    list.iter().chain(one)
}

fn members<'a, 'b>(node: &'a Node<'b>) -> &'a [JsonMember<'b>] {
    match &node.value {
        JsonValue::Object(members) => members,
        _ => &[],
    }
}

/// The text of a string, number or boolean; of anything else none.
fn plain<'a>(node: &'a Node<'_>) -> &'a str {
    match &node.value {
        JsonValue::Text(text) => text,
        JsonValue::Number | JsonValue::Bool => node.source,
        JsonValue::Null | JsonValue::List(_) | JsonValue::Object(_) => "",
    }
}

#[cfg(test)]
mod tests;
