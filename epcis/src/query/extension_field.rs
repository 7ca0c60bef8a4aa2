//! Extension fields as queries name them: where in an event they stand, and their full URI.
//!
//! Consensus-critical: no

use std::cmp::Ordering;

use serde_json::Value;

use super::{Comparison, compare, time_ms};
use crate::error::excerpt;
use crate::prefixes::{Prefixes, gs1_vocabulary, split};
use crate::xml::SOURCE_DOCUMENT;

use super::bad_query::BadQuery;

/// Where in an event an extension field stands (EPCIS 2.0 §8.2.7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Event,
    Ilmd,
    ErrorDeclaration,
    SensorElement,
    SensorMetadata,
    SensorReport,
    ReadPoint,
    BizLocation,
}

/// What stands before the name of a field.
const SECTIONS: [(&str, Section); 7] = [
    ("ILMD_", Section::Ilmd),
    ("ERROR_DECLARATION_", Section::ErrorDeclaration),
    ("SENSORELEMENT_", Section::SensorElement),
    ("SENSORMETADATA_", Section::SensorMetadata),
    ("SENSORREPORT_", Section::SensorReport),
    ("readPoint_", Section::ReadPoint),
    ("bizLocation_", Section::BizLocation),
];

/// An extension field. Names are compared by their full URIs: the query's own prefixes and the
/// event's may differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ExtensionField {
    section: Section,
    /// `INNER_`: at any depth inside an extension of the section, not on top.
    inner: bool,
    uri: String,
}

impl ExtensionField {
    /// What stands after `EQ_`, `EXISTS_` and their like, such as `INNER_ILMD_example:field`. None
    /// if it names no extension.
    pub(super) fn read(
        parameter: &str,
        text: &str,
        prefixes: &Prefixes,
    ) -> Option<Result<ExtensionField, BadQuery>> {
        let (inner, rest) = match text.strip_prefix("INNER_") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let section = SECTIONS
            .iter()
            .find_map(|(word, section)| Some((*section, rest.strip_prefix(word)?)));
        let (section, name) = section.unwrap_or((Section::Event, rest));
        let (prefix, local) = name.split_once(':')?;
        if prefix.is_empty() || local.is_empty() {
            return None;
        }
        let full = prefixes.expand(name).or_else(|| {
            let is_uri = split(name).is_none() || name == SOURCE_DOCUMENT;
            is_uri.then(|| name.to_owned())
        });
        Some(match full {
            Some(uri) => Ok(ExtensionField {
                section,
                inner,
                uri: gs1_vocabulary(uri),
            }),
            None => Err(BadQuery::UndeclaredPrefix {
                name: excerpt(parameter),
                prefix: excerpt(prefix),
            }),
        })
    }

    /// The values of the field; those of a list one by one.
    pub(super) fn values<'a>(&self, event: &'a Value) -> Vec<&'a Value> {
        let mut found = Vec::new();
        let prefixes = within(&Prefixes::default(), event);
        for holder in self.section.holders(event) {
            let scope = match self.section {
                Section::Event => prefixes.clone(),
                _ => within(&prefixes, holder),
            };
            let members = holder.as_object().into_iter().flatten();
            for (name, value) in members.filter(|(name, _)| name.contains(':')) {
                if self.inner {
                    self.inside(value, &scope, &mut found);
                } else if self.is(name, &scope) {
                    flatten(value, &mut found);
                }
            }
        }
        found
    }

    /// The values of the field inside an extension.
    fn inside<'a>(&self, value: &'a Value, scope: &Prefixes, found: &mut Vec<&'a Value>) {
        match value {
            Value::Array(values) => {
                for value in values {
                    self.inside(value, scope, found);
                }
            }
            Value::Object(members) => {
                let scope = within(scope, value);
                for (name, value) in members {
                    if matches!(name.as_str(), "@context" | "#text") {
                        continue;
                    }
                    if self.is(name, &scope) {
                        flatten(value, found);
                    }
                    self.inside(value, &scope, found);
                }
            }
            _ => {}
        }
    }

    fn is(&self, name: &str, scope: &Prefixes) -> bool {
        let full = scope.expand(name).unwrap_or_else(|| name.to_owned());
        gs1_vocabulary(full) == self.uri
    }
}

impl Section {
    /// The objects whose extensions are meant.
    fn holders(self, event: &Value) -> Vec<&Value> {
        let elements = || {
            let list = event.get("sensorElementList").and_then(Value::as_array);
            list.into_iter().flatten()
        };
        match self {
            Section::Event => vec![event],
            Section::Ilmd => event.get("ilmd").into_iter().collect(),
            Section::ErrorDeclaration => event.get("errorDeclaration").into_iter().collect(),
            Section::ReadPoint => event.get("readPoint").into_iter().collect(),
            Section::BizLocation => event.get("bizLocation").into_iter().collect(),
            Section::SensorElement => elements().collect(),
            Section::SensorMetadata => elements().filter_map(|e| e.get("sensorMetadata")).collect(),
            Section::SensorReport => elements()
                .filter_map(|element| element.get("sensorReport")?.as_array())
                .flatten()
                .collect(),
        }
    }
}

/// The prefixes inside an object, which may have a context of its own. Later contexts come over
/// earlier ones (JSON-LD 1.1 §4.1).
fn within(outer: &Prefixes, object: &Value) -> Prefixes {
    let mut prefixes = outer.clone();
    if let Some(context) = object.get("@context") {
        declare(&mut prefixes, context);
    }
    prefixes
}

/// Declares the prefixes of a context in JSON.
pub(super) fn declare(prefixes: &mut Prefixes, context: &Value) {
    let parts = match context {
        Value::Array(parts) => parts.as_slice(),
        one => std::slice::from_ref(one),
    };
    for (prefix, term) in parts.iter().filter_map(Value::as_object).flatten() {
        let namespace = term.get("@id").unwrap_or(term);
        if let (Some(namespace), false) = (namespace.as_str(), prefix.starts_with('@')) {
            prefixes.declare(prefix, namespace);
        }
    }
}

/// A value, those of a list, or the text of an element that has attributes.
fn flatten<'a>(value: &'a Value, found: &mut Vec<&'a Value>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| flatten(value, found)),
        Value::Object(members) => found.push(members.get("#text").unwrap_or(value)),
        one => found.push(one),
    }
}

/// Whether a value stands so to what a parameter says. A text equals exactly what is written
/// (EPCIS 2.0 §8.2.7.1): `12` isn't the lot `0012`. Numbers equal as numbers and times as times;
/// greater and less compare a text that is a number too, since XML has no types.
pub(super) fn holds(value: &Value, comparison: Comparison, wanted: &str) -> bool {
    let number = || wanted.parse::<f64>().ok();
    let order = match value {
        Value::Number(found) => number().and_then(|wanted| compare(&found.to_string(), wanted)),
        Value::Bool(flag) => (flag.to_string() == wanted).then_some(Ordering::Equal),
        Value::String(text) if text == wanted => Some(Ordering::Equal),
        Value::String(text) => match (time_ms(text), time_ms(wanted)) {
            (Some(found), Some(wanted)) => Some(found.cmp(&wanted)),
            _ if comparison == Comparison::Equal => None,
            _ => number().and_then(|wanted| compare(text, wanted)),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    order.is_some_and(|order| comparison.holds(order))
}
