//! The fields of EPCIS 2.0 events in JSON: which there are, what they hold, which must be there
//! (the standard's §7 in the JSON binding of §10). What the ledger reads out of an event is
//! checked where it is read, in `event.rs`; here its JSON type is enough.
//!
//! Consensus-critical: yes

use super::cbv::Vocabulary;
use super::date_time;
use super::error::{EpcisError, EpcisRule, Path, excerpt};
use super::event::event_type::EventType;
use super::identifier::is_uri;
use super::json::{JsonMember, JsonValue, Node};

/// What a field holds.
pub(super) enum Shape {
    Text,
    Uri,
    Time,
    TimeZoneOffset,
    Number,
    Flag,
    Hex,
    Unit,
    Context,
    Ilmd,
    Term(Vocabulary),
    Any,
    Object(&'static [Field]),
    SensorReport,
    List(&'static Shape),
    NonEmptyList(&'static Shape),
    OneOrMany(&'static Shape),
}

/// A field of the standard.
pub(super) struct Field {
    name: &'static str,
    shape: Shape,
    required: bool,
}

const fn required(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        required: true,
    }
}

const fn optional(name: &'static str, shape: Shape) -> Field {
    Field {
        name,
        shape,
        required: false,
    }
}

/// §7.4.1, and what the kinds of event share.
const EVENT: &[Field] = &[
    required("@context", Shape::Context),
    required("type", Shape::Text),
    required("eventTime", Shape::Text),
    required("eventTimeZoneOffset", Shape::TimeZoneOffset),
    optional("recordTime", Shape::Time),
    optional("eventID", Shape::Uri),
    optional("certificationInfo", Shape::OneOrMany(&Shape::Uri)),
    optional("errorDeclaration", Shape::Object(ERROR_DECLARATION)),
    optional("bizStep", Shape::Text),
    optional("disposition", Shape::Text),
    optional(
        "persistentDisposition",
        Shape::Object(PERSISTENT_DISPOSITION),
    ),
    optional("readPoint", Shape::Object(PLACE)),
    optional("bizLocation", Shape::Object(PLACE)),
    optional(
        "bizTransactionList",
        Shape::List(&Shape::Object(TRANSACTION)),
    ),
    optional("sourceList", Shape::List(&Shape::Object(SOURCE))),
    optional("destinationList", Shape::List(&Shape::Object(DESTINATION))),
    optional(
        "sensorElementList",
        Shape::List(&Shape::Object(SENSOR_ELEMENT)),
    ),
];

/// §7.4.2
const OBJECT_EVENT: &[Field] = &[
    required("action", Shape::Text),
    optional("epcList", Shape::List(&Shape::Text)),
    optional("quantityList", QUANTITIES),
    optional("ilmd", Shape::Ilmd),
];

/// §7.4.3, §7.4.6
const PARENT_AND_CHILDREN_EVENT: &[Field] = &[
    required("action", Shape::Text),
    optional("parentID", Shape::Text),
    optional("childEPCs", Shape::List(&Shape::Text)),
    optional("childQuantityList", QUANTITIES),
];

/// §7.4.4
const TRANSACTION_EVENT: &[Field] = &[
    required("action", Shape::Text),
    required(
        "bizTransactionList",
        Shape::List(&Shape::Object(TRANSACTION)),
    ),
    optional("parentID", Shape::Text),
    optional("epcList", Shape::List(&Shape::Text)),
    optional("quantityList", QUANTITIES),
];

/// §7.4.5
const TRANSFORMATION_EVENT: &[Field] = &[
    optional("inputEPCList", Shape::List(&Shape::Text)),
    optional("inputQuantityList", QUANTITIES),
    optional("outputEPCList", Shape::List(&Shape::Text)),
    optional("outputQuantityList", QUANTITIES),
    optional("transformationID", Shape::Uri),
    optional("ilmd", Shape::Ilmd),
];

/// §7.3.3.3
const QUANTITIES: Shape = Shape::List(&Shape::Object(&[
    required("epcClass", Shape::Text),
    optional("quantity", Shape::Number),
    optional("uom", Shape::Unit),
]));

/// §7.3.5.3, §7.3.5.4
const PLACE: &[Field] = &[required("id", Shape::Text)];

/// §7.3.5.5
const TRANSACTION: &[Field] = &[
    optional("type", Shape::Term(Vocabulary::TransactionType)),
    required("bizTransaction", Shape::Uri),
];

/// §7.3.5.6
const SOURCE: &[Field] = &[
    required("type", Shape::Term(Vocabulary::SourceType)),
    required("source", Shape::Uri),
];
const DESTINATION: &[Field] = &[
    required("type", Shape::Term(Vocabulary::SourceType)),
    required("destination", Shape::Uri),
];

/// §7.3.5.2
const PERSISTENT_DISPOSITION: &[Field] = &[
    optional("set", Shape::List(&Shape::Term(Vocabulary::Disposition))),
    optional("unset", Shape::List(&Shape::Term(Vocabulary::Disposition))),
];

/// §7.4.1.2
const ERROR_DECLARATION: &[Field] = &[
    required("declarationTime", Shape::Time),
    optional("reason", Shape::Term(Vocabulary::ErrorReason)),
    optional("correctiveEventIDs", Shape::List(&Shape::Uri)),
];

/// §7.3.7
const SENSOR_ELEMENT: &[Field] = &[
    optional("sensorMetadata", Shape::Object(SENSOR_METADATA)),
    required("sensorReport", Shape::NonEmptyList(&Shape::SensorReport)),
];

/// §7.3.7.1
const SENSOR_METADATA: &[Field] = &[
    optional("time", Shape::Time),
    optional("startTime", Shape::Time),
    optional("endTime", Shape::Time),
    optional("deviceID", Shape::Uri),
    optional("deviceMetadata", Shape::Uri),
    optional("rawData", Shape::Uri),
    optional("dataProcessingMethod", Shape::Uri),
    optional("bizRules", Shape::Uri),
];

/// §7.3.7.2. `bizRules` is met in practice in a report, not only in the metadata.
const SENSOR_REPORT: &[Field] = &[
    optional("type", Shape::Term(Vocabulary::Measurement)),
    optional("exception", Shape::Term(Vocabulary::SensorAlert)),
    optional("time", Shape::Time),
    optional("deviceID", Shape::Uri),
    optional("deviceMetadata", Shape::Uri),
    optional("rawData", Shape::Uri),
    optional("dataProcessingMethod", Shape::Uri),
    optional("bizRules", Shape::Uri),
    optional("microorganism", Shape::Uri),
    optional("chemicalSubstance", Shape::Uri),
    optional("coordinateReferenceSystem", Shape::Uri),
    optional("component", Shape::Term(Vocabulary::Component)),
    optional("value", Shape::Number),
    optional("stringValue", Shape::Text),
    optional("booleanValue", Shape::Flag),
    optional("hexBinaryValue", Shape::Hex),
    optional("uriValue", Shape::Uri),
    optional("minValue", Shape::Number),
    optional("maxValue", Shape::Number),
    optional("meanValue", Shape::Number),
    optional("sDev", Shape::Number),
    optional("percRank", Shape::Number),
    optional("percValue", Shape::Number),
    optional("uom", Shape::Text),
];

/// §10.2: a document around events. Its header holds master data, which isn't recorded.
pub(super) const DOCUMENT: &[Field] = &[
    required("@context", Shape::Context),
    required("type", Shape::Text),
    required("schemaVersion", Shape::Text),
    required("creationDate", Shape::Time),
    required("epcisBody", Shape::Any),
    optional("epcisHeader", Shape::Any),
    optional("id", Shape::Text),
    optional("sender", Shape::Text),
    optional("receiver", Shape::Text),
    optional("instanceIdentifier", Shape::Text),
];

/// Checks what a document has around its events. It isn't recorded, so that a comment there, which
/// many examples have (`_comment`), costs nothing.
pub(super) fn check_envelope(document: &Node<'_>) -> Result<(), EpcisError> {
    check_members(document, &[DOCUMENT], &Path::Root, &|name| {
        is_extension(name) || name.starts_with('_')
    })
}

/// §10.2: the body of an `EPCISDocument`, and what a query document's results hold.
pub(super) const EVENTS: &[Field] = &[required("eventList", Shape::List(&Shape::Any))];

/// §10.2: the body of an `EPCISQueryDocument`.
pub(super) const QUERY_BODY: &[Field] = &[required("queryResults", Shape::Any)];

/// §8.2.7.2: query results.
pub(super) const QUERY_RESULTS: &[Field] = &[
    optional("queryName", Shape::Text),
    optional("subscriptionID", Shape::Text),
    required("resultsBody", Shape::Any),
];

/// Checks the fields of an event of a kind.
pub(super) fn check_event(node: &Node<'_>, kind: EventType) -> Result<(), EpcisError> {
    let own = match kind {
        EventType::Object => OBJECT_EVENT,
        EventType::Aggregation | EventType::Association => PARENT_AND_CHILDREN_EVENT,
        EventType::Transaction => TRANSACTION_EVENT,
        EventType::Transformation => TRANSFORMATION_EVENT,
    };
    check_object(node, &[own, EVENT], &Path::Root)
}

/// Checks that a node is an object with these fields and extensions only.
pub(super) fn check_object(
    node: &Node<'_>,
    fields: &[&[Field]],
    path: &Path<'_>,
) -> Result<(), EpcisError> {
    check_members(node, fields, path, &is_extension)
}

/// As [`check_object`], where other names pass too.
fn check_members(
    node: &Node<'_>,
    fields: &[&[Field]],
    path: &Path<'_>,
    passes: &dyn Fn(&str) -> bool,
) -> Result<(), EpcisError> {
    for member in node.object(path)? {
        let path = path.field(&member.name);
        match fields
            .iter()
            .copied()
            .flatten()
            .find(|field| field.name == member.name)
        {
            Some(field) => field.shape.check(&member.value, &path)?,
            None if passes(&member.name) => {}
            None => return Err(EpcisRule::UnknownField(excerpt(&member.name)).at(&path)),
        }
    }
    let required = fields
        .iter()
        .copied()
        .flatten()
        .filter(|field| field.required);
    for field in required {
        if node.get(field.name).is_none() {
            let rule = match field.shape {
                Shape::Context => EpcisRule::MissingContext,
                _ => EpcisRule::MissingField(field.name),
            };
            return Err(rule.at(&path.field(field.name)));
        }
    }
    Ok(())
}

/// A name with a namespace that isn't the standard's own: `epcis:eventTime` would say a second
/// time, to a reader that knows linked data, when the event was.
fn is_extension(name: &str) -> bool {
    const OWN: [&str; 4] = [
        "epcis:",
        "https://ref.gs1.org/standards/epcis/",
        "http://ref.gs1.org/standards/epcis/",
        "urn:epcglobal:epcis:",
    ];
    let namespaced = name.split_once(':').is_some_and(|(prefix, rest)| {
        !prefix.is_empty() && !prefix.starts_with('@') && !rest.is_empty()
    });
    namespaced && !OWN.iter().any(|own| name.starts_with(own))
}

impl Shape {
    fn check(&self, node: &Node<'_>, path: &Path<'_>) -> Result<(), EpcisError> {
        match self {
            Shape::Any => Ok(()),
            Shape::Text => node.text(path).map(drop),
            Shape::Uri => check_text(node, path, is_uri, EpcisRule::BadUri),
            Shape::Time => check_text(
                node,
                path,
                |text| date_time::time_ms(text).is_some(),
                EpcisRule::BadTime,
            ),
            Shape::TimeZoneOffset => check_text(
                node,
                path,
                date_time::is_offset,
                EpcisRule::BadTimeZoneOffset,
            ),
            Shape::Unit => check_text(node, path, is_unit, EpcisRule::BadUnit),
            Shape::Hex => check_hex(node, path),
            Shape::Term(vocabulary) => resolve(*vocabulary, node, path).map(drop),
            Shape::Number => match node.value {
                JsonValue::Number => Ok(()),
                _ => Err(node.wrong_type("a number", path)),
            },
            Shape::Flag => match node.value {
                JsonValue::Bool => Ok(()),
                _ => Err(node.wrong_type("a boolean", path)),
            },
            Shape::Context => check_context(node, path),
            Shape::Ilmd => check_ilmd(node.object(path)?, path),
            Shape::Object(fields) => check_object(node, &[fields], path),
            Shape::SensorReport => check_sensor_report(node, path),
            Shape::List(each) => node
                .list(path)?
                .iter()
                .enumerate()
                .try_for_each(|(index, node)| each.check(node, &path.index(index))),
            Shape::NonEmptyList(each) => match node.list(path)? {
                [] => Err(node.wrong_type("a list that isn't empty", path)),
                _ => Shape::List(each).check(node, path),
            },
            Shape::OneOrMany(each) => match node.value {
                JsonValue::List(_) => Shape::List(each).check(node, path),
                _ => each.check(node, path),
            },
        }
    }
}

/// The bare word of a standard term, or a user's own term as it is.
pub(super) fn resolve(
    vocabulary: Vocabulary,
    node: &Node<'_>,
    path: &Path<'_>,
) -> Result<String, EpcisError> {
    let term = node.text(path)?;
    if let Some(resolved) = vocabulary.resolve(term) {
        return Ok(resolved.to_owned());
    }
    let term = excerpt(term);
    let rule = match vocabulary {
        Vocabulary::BizStep => EpcisRule::UnknownBizStep(term),
        Vocabulary::Disposition => EpcisRule::UnknownDisposition(term),
        _ => EpcisRule::UnknownTerm {
            vocabulary: vocabulary.name(),
            term,
        },
    };
    Err(rule.at(path))
}

fn check_text(
    node: &Node<'_>,
    path: &Path<'_>,
    fits: impl Fn(&str) -> bool,
    rule: impl Fn(String) -> EpcisRule,
) -> Result<(), EpcisError> {
    let text = node.text(path)?;
    if fits(text) {
        Ok(())
    } else {
        Err(rule(excerpt(text)).at(path))
    }
}

fn is_unit(text: &str) -> bool {
    (2..=3).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

fn check_hex(node: &Node<'_>, path: &Path<'_>) -> Result<(), EpcisError> {
    let text = node.text(path)?;
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit()) {
        Ok(())
    } else {
        Err(node.wrong_type("a string of hexadecimal digits", path))
    }
}

/// EPCIS 2.0 §7.3.7.2: a report says what it measured, or that something is wrong.
fn check_sensor_report(node: &Node<'_>, path: &Path<'_>) -> Result<(), EpcisError> {
    check_object(node, &[SENSOR_REPORT], path)?;
    match node.get("type").or_else(|| node.get("exception")) {
        Some(_) => Ok(()),
        None => Err(EpcisRule::MissingField("type").at(&path.field("type"))),
    }
}

/// JSON-LD 1.1 §9.15: a context is a URI, a map of terms, null, or a list of these.
fn check_context(node: &Node<'_>, path: &Path<'_>) -> Result<(), EpcisError> {
    let one = |node: &Node<'_>, path: &Path<'_>| match node.value {
        JsonValue::Text(_) => Shape::Uri.check(node, path),
        JsonValue::Object(_) | JsonValue::Null => Ok(()),
        _ => Err(node.wrong_type("a URI or a map of terms", path)),
    };
    match &node.value {
        JsonValue::List(nodes) => nodes
            .iter()
            .enumerate()
            .try_for_each(|(index, node)| one(node, &path.index(index))),
        _ => one(node, path),
    }
}

fn check_ilmd(members: &[JsonMember<'_>], path: &Path<'_>) -> Result<(), EpcisError> {
    match members.iter().find(|member| !is_extension(&member.name)) {
        None => Ok(()),
        Some(member) => {
            Err(EpcisRule::IlmdWithoutNamespace(excerpt(&member.name))
                .at(&path.field(&member.name)))
        }
    }
}
