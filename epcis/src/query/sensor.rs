//! Conditions on what sensors report (EPCIS 2.0 §8.2.7.1).
//!
//! Consensus-critical: no

use serde_json::Value;

use super::bad_query::BadQuery;
use super::parameter_values::Given;
use super::{Comparison, canonical, compare, time_ms};
use crate::prefixes::{GS1_VOCABULARY, gs1_vocabulary};

/// Times of a sensor element.
const TIMES: [&str; 3] = ["time", "startTime", "endTime"];
/// Texts and URIs of a sensor element, whose values are compared in their one form.
const TEXTS: [&str; 9] = [
    "type",
    "deviceID",
    "dataProcessingMethod",
    "microorganism",
    "chemicalSubstance",
    "bizRules",
    "stringValue",
    "hexBinaryValue",
    "uriValue",
];
/// Measurements, which have a unit.
const MEASUREMENTS: [&str; 6] = [
    "value",
    "minValue",
    "maxValue",
    "meanValue",
    "sDev",
    "percValue",
];

/// A condition that one metadata or report of an event's sensors must meet.
#[derive(Clone, Debug)]
pub(super) enum SensorCondition {
    Time {
        field: &'static str,
        comparison: Comparison,
        ms: i64,
    },
    Text {
        field: &'static str,
        values: Vec<String>,
    },
    Flag(bool),
    Number {
        field: &'static str,
        comparison: Comparison,
        numbers: Vec<f64>,
        /// The unit of measure as it is written; a rank in percent has none.
        unit: Option<String>,
    },
}

impl SensorCondition {
    /// What a parameter of this comparison and field says; none if it is no sensor's.
    pub(super) fn read(
        comparison: Comparison,
        field: &str,
        given: &Given<'_>,
    ) -> Option<Result<SensorCondition, BadQuery>> {
        let one_of =
            |names: &'static [&'static str]| names.iter().copied().find(|name| *name == field);
        let from_to = matches!(comparison, Comparison::GreaterOrEqual | Comparison::Less);
        if let (true, Some(field)) = (from_to, one_of(&TIMES)) {
            let time = |ms| SensorCondition::Time {
                field,
                comparison,
                ms,
            };
            return Some(given.time().map(time));
        }
        let equal = comparison == Comparison::Equal;
        if let (true, Some(field)) = (equal, one_of(&TEXTS)) {
            let text = |values: &[String]| SensorCondition::Text {
                field,
                values: values.iter().map(|value| text(field, value)).collect(),
            };
            return Some(given.some().map(text));
        }
        if equal && field == "booleanValue" {
            return Some(given.boolean().map(SensorCondition::Flag));
        }
        let (name, unit) = match field.rsplit_once('_') {
            Some((name, unit)) => (name, Some(unit)),
            None => (field, None),
        };
        let measured = MEASUREMENTS.iter().find(|known| **known == name);
        let (field, unit) = match (measured, unit) {
            (Some(field), Some(unit)) if is_unit(unit) => (*field, Some(unit.to_owned())),
            _ if field == "percRank" => ("percRank", None),
            _ => return None,
        };
        let number = |numbers| SensorCondition::Number {
            field,
            comparison,
            numbers,
            unit,
        };
        Some(given.numbers(comparison).map(number))
    }

    pub(super) fn holds(&self, event: &Value) -> bool {
        let elements = event.get("sensorElementList").and_then(Value::as_array);
        elements.into_iter().flatten().any(|element| {
            let reports = element.get("sensorReport").and_then(Value::as_array);
            let reports = reports.into_iter().flatten();
            reports
                .chain(element.get("sensorMetadata"))
                .any(|part| self.holds_in(part))
        })
    }

    /// Whether one report, or the metadata, meets it.
    fn holds_in(&self, part: &Value) -> bool {
        match self {
            SensorCondition::Time {
                field,
                comparison,
                ms,
            } => {
                let found = part.get(field).and_then(Value::as_str).and_then(time_ms);
                found.is_some_and(|found| comparison.holds(found.cmp(ms)))
            }
            SensorCondition::Text { field, values } => {
                let found = part.get(field).and_then(Value::as_str);
                found.is_some_and(|found| values.contains(&text(field, found)))
            }
            SensorCondition::Flag(wanted) => {
                part.get("booleanValue").and_then(Value::as_bool) == Some(*wanted)
            }
            SensorCondition::Number {
                field,
                comparison,
                numbers,
                unit,
            } => {
                let fits_unit = unit
                    .as_deref()
                    .is_none_or(|unit| part.get("uom").and_then(Value::as_str) == Some(unit));
                let found = part.get(field).filter(|_| fits_unit);
                found.is_some_and(|found| {
                    let mut numbers = numbers.iter();
                    numbers.any(|number| {
                        compare(&found.to_string(), *number).is_some_and(|o| comparison.holds(o))
                    })
                })
            }
        }
    }
}

/// UN/ECE Recommendation 20.
pub(super) fn is_unit(text: &str) -> bool {
    (2..=4).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// A value of a field in the form in which it is compared.
fn text(field: &str, value: &str) -> String {
    match field {
        "stringValue" => value.to_owned(),
        "hexBinaryValue" => value.to_ascii_uppercase(),
        "type" => {
            let full = value
                .strip_prefix("gs1:")
                .map(|word| format!("{GS1_VOCABULARY}{word}"));
            let full = gs1_vocabulary(full.unwrap_or_else(|| value.to_owned()));
            full.strip_prefix(GS1_VOCABULARY)
                .map_or_else(|| full.clone(), str::to_owned)
        }
        _ => canonical(value),
    }
}
