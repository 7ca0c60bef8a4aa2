//! Fields that the ledger keeps and doesn't interpret, as queries name them: extensions of an event
//! and of its ILMD, and whether a field of the standard is there.
//!
//! Consensus-critical: no

use std::cmp::Ordering;

use serde_json::Value;

use super::{Comparison, compare, time_ms};

/// Fields of the standard whose presence may be asked for.
pub(super) const STANDARD: [&str; 29] = [
    "action",
    "bizLocation",
    "bizStep",
    "bizTransactionList",
    "certificationInfo",
    "childEPCs",
    "childQuantityList",
    "destinationList",
    "disposition",
    "epcList",
    "errorDeclaration",
    "eventID",
    "eventTime",
    "eventTimeZoneOffset",
    "ilmd",
    "inputEPCList",
    "inputQuantityList",
    "outputEPCList",
    "outputQuantityList",
    "parentID",
    "persistentDisposition",
    "quantityList",
    "readPoint",
    "recordTime",
    "sensorElementList",
    "sourceList",
    "transformationID",
    "type",
    "@context",
];

/// A field of an event, or of its ILMD. A prefixed name is compared as it is written; a full URI
/// with what the event's own `@context` makes of its names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FieldName {
    pub(super) in_ilmd: bool,
    pub(super) name: String,
}

impl FieldName {
    /// The values of the field; those of a list one by one.
    pub(super) fn find<'a>(&'a self, event: &'a Value) -> impl Iterator<Item = &'a Value> {
        let holder = if self.in_ilmd {
            event.get("ilmd")
        } else {
            Some(event)
        };
        let members = holder.and_then(Value::as_object).into_iter().flatten();
        members
            .filter(|(name, _)| self.is(name, event.get("@context")))
            .flat_map(|(_, value)| match value {
                Value::Array(values) if !values.is_empty() => values.as_slice(),
                one => std::slice::from_ref(one),
            })
    }

    fn is(&self, found: &str, context: Option<&Value>) -> bool {
        if found == self.name {
            return true;
        }
        let Some((prefix, local)) = found.split_once(':') else {
            return false;
        };
        let parts = match context {
            Some(Value::Array(parts)) => parts.as_slice(),
            Some(one) => std::slice::from_ref(one),
            None => &[],
        };
        // Later contexts come over earlier ones (JSON-LD 1.1 §4.1).
        let meaning = parts.iter().rev().find_map(|p| p.get(prefix)?.as_str());
        meaning.is_some_and(|namespace| {
            self.name
                .strip_prefix(namespace)
                .is_some_and(|rest| rest == local)
        })
    }
}

/// The texts in a value: itself, or those of a list.
pub(super) fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let values = match value {
        Some(Value::Array(values)) => values.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    values.iter().filter_map(Value::as_str)
}

/// Whether a value stands so to what a parameter says: numbers as numbers, times as times,
/// everything else as text, which only equals.
pub(super) fn holds(value: &Value, comparison: Comparison, wanted: &str) -> bool {
    let order = match value {
        Value::Number(number) => wanted
            .parse()
            .ok()
            .and_then(|wanted: f64| compare(&number.to_string(), wanted)),
        Value::Bool(flag) => (flag.to_string() == wanted).then_some(Ordering::Equal),
        Value::String(text) if text == wanted => Some(Ordering::Equal),
        Value::String(text) => match (time_ms(text), time_ms(wanted)) {
            (Some(found), Some(wanted)) => Some(found.cmp(&wanted)),
            _ => wanted
                .parse()
                .ok()
                .and_then(|wanted: f64| compare(text, wanted)),
        },
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    order.is_some_and(|order| comparison.holds(order))
}
