//! The conditions of a query, and whether an event meets them (EPCIS 2.0 §8.2.7.1).
//!
//! Consensus-critical: no

use serde_json::Value;

use super::extension_field::{self, ExtensionField};
use super::pattern::Pattern;
use super::sensor::SensorCondition;
use super::{
    Comparison, IndexField, KnownAttributes, QueriedEvent, canonical, compare, type_name, word,
};
use crate::event::{Action, Event, EventType, QuantityRole};
use crate::identifier::Identifier;

/// Fields of the standard whose presence may be asked for.
pub(super) const STANDARD_FIELDS: [&str; 29] = [
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeField {
    Event,
    Record,
    ErrorDeclaration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PlaceField {
    ReadPoint,
    BizLocation,
}

/// Lists of an event whose elements have a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TypedList {
    BizTransaction,
    Source,
    Destination,
}

/// Where an identifier may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Objects,
    Children,
    Parent,
    Inputs,
    Outputs,
    Class(QuantityRole),
}

/// What an event must meet.
#[derive(Clone, Debug)]
pub(super) enum Condition {
    EventType(Vec<EventType>),
    Time {
        field: TimeField,
        comparison: Comparison,
        ms: i64,
    },
    Action(Vec<Action>),
    BizStep(Vec<String>),
    Disposition(Vec<String>),
    PersistentDisposition {
        list: &'static str,
        words: Vec<String>,
    },
    Place {
        field: PlaceField,
        places: Vec<Identifier>,
        with_descendants: bool,
    },
    Typed {
        list: TypedList,
        kind: String,
        values: Vec<String>,
    },
    TransformationId(Vec<String>),
    Names {
        roles: &'static [Role],
        patterns: Vec<Pattern>,
    },
    Quantity {
        comparison: Comparison,
        numbers: Vec<f64>,
        /// The unit of measure, where the parameter names one.
        unit: Option<String>,
    },
    Sensor(SensorCondition),
    EventId(Vec<String>),
    ErrorReason(Vec<String>),
    CorrectiveEventId(Vec<String>),
    /// The master data of a place has an attribute of one of these names; one of these texts, where they are given.
    MasterData {
        field: PlaceField,
        names: Vec<String>,
        texts: Option<Vec<String>>,
    },
    Exists(&'static str),
    ExtensionExists(ExtensionField),
    Extension {
        field: ExtensionField,
        comparison: Comparison,
        values: Vec<String>,
    },
}

impl Condition {
    /// The field of the index that the condition names, and the values.
    pub(super) fn index(&self) -> Option<(IndexField, Vec<String>)> {
        match self {
            Condition::EventType(types) => {
                let names = types.iter().map(|t| type_name(*t).to_owned()).collect();
                Some((IndexField::EventType, names))
            }
            Condition::BizStep(words) => Some((IndexField::BizStep, words.clone())),
            Condition::Disposition(words) => Some((IndexField::Disposition, words.clone())),
            Condition::Place {
                field,
                places,
                with_descendants: false,
            } => {
                let field = match field {
                    PlaceField::ReadPoint => IndexField::ReadPoint,
                    PlaceField::BizLocation => IndexField::BizLocation,
                };
                Some((
                    field,
                    places.iter().map(|p| p.as_str().to_owned()).collect(),
                ))
            }
            _ => None,
        }
    }

    /// The field whose master data the condition asks for.
    pub(super) fn described(&self) -> Option<PlaceField> {
        match self {
            Condition::MasterData { field, .. } => Some(*field),
            _ => None,
        }
    }

    pub(super) fn holds(&self, subject: &QueriedEvent, attributes: &KnownAttributes) -> bool {
        let event = &subject.event;
        match self {
            Condition::EventType(types) => types.contains(&event.event_type),
            Condition::Time {
                field,
                comparison,
                ms,
            } => time_of(*field, subject).is_some_and(|found| comparison.holds(found.cmp(ms))),
            Condition::Action(actions) => event.action.is_some_and(|a| actions.contains(&a)),
            Condition::BizStep(words) => holds_word(&event.biz_step, words),
            Condition::Disposition(words) => holds_word(&event.disposition, words),
            Condition::PersistentDisposition { list, words } => {
                let found = subject.json.get("persistentDisposition");
                let found = found.and_then(|p| p.get(*list));
                texts(found).any(|text| words.iter().any(|w| w == word(text)))
            }
            Condition::Place {
                field,
                places,
                with_descendants,
            } => field.of(event).is_some_and(|found| {
                let mut places = places.iter();
                places.any(|p| found == p || (*with_descendants && lies_within(found, p)))
            }),
            Condition::Typed { list, kind, values } => {
                typed_holds(&subject.json, *list, kind, values)
            }
            Condition::TransformationId(ids) => {
                let mut found = texts(subject.json.get("transformationID"));
                found.any(|id| ids.contains(&canonical(id)))
            }
            Condition::Names { roles, patterns } => {
                let mut names = roles.iter().flat_map(|role| role.names(event));
                names.any(|name| patterns.iter().any(|p| p.fits(name)))
            }
            Condition::Quantity {
                comparison,
                numbers,
                unit,
            } => event
                .classes
                .iter()
                .filter(|class| unit.is_none() || class.unit == *unit)
                .filter_map(|class| class.quantity.as_deref())
                .any(|text| {
                    let mut numbers = numbers.iter();
                    numbers.any(|n| compare(text, *n).is_some_and(|o| comparison.holds(o)))
                }),
            Condition::Sensor(sensor) => sensor.holds(&subject.json),
            Condition::EventId(ids) => {
                let mut ids = ids.iter();
                ids.any(|id| event.event_id.as_ref() == Some(id) || *id == subject.id)
            }
            Condition::ErrorReason(words) => {
                let declared = event.error_declaration.as_ref();
                declared.is_some_and(|e| holds_word(&e.reason, words))
            }
            Condition::CorrectiveEventId(ids) => {
                let declared = event.error_declaration.as_ref();
                declared.is_some_and(|e| e.corrective_event_ids.iter().any(|id| ids.contains(id)))
            }
            Condition::MasterData {
                field,
                names,
                texts,
            } => {
                let place = field.of(event);
                let known = place.and_then(|place| attributes.get(place.as_str()));
                known.into_iter().flatten().any(|(name, text)| {
                    let has_text = |texts: &Vec<String>| texts.contains(text);
                    names.contains(name) && texts.as_ref().is_none_or(has_text)
                })
            }
            Condition::Exists(field) => subject.json.get(field).is_some_and(is_something),
            Condition::ExtensionExists(field) => !field.values(&subject.json).is_empty(),
            Condition::Extension {
                field,
                comparison,
                values,
            } => field.values(&subject.json).into_iter().any(|value| {
                let mut values = values.iter();
                values.any(|wanted| extension_field::holds(value, *comparison, wanted))
            }),
        }
    }
}

impl PlaceField {
    pub(super) fn of(self, event: &Event) -> Option<&Identifier> {
        match self {
            PlaceField::ReadPoint => event.read_point.as_ref(),
            PlaceField::BizLocation => event.biz_location.as_ref(),
        }
    }
}

/// An empty list is as good as none (EPCIS 2.0 §7.4: a field that may be left out may be empty).
fn is_something(value: &Value) -> bool {
    value.as_array().is_none_or(|list| !list.is_empty())
}

/// The texts in a value: itself, or those of a list.
fn texts(value: Option<&Value>) -> impl Iterator<Item = &str> {
    let values = match value {
        Some(Value::Array(values)) => values.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    values.iter().filter_map(Value::as_str)
}

impl Role {
    fn names(self, event: &Event) -> Box<dyn Iterator<Item = &Identifier> + '_> {
        match self {
            Role::Objects => Box::new(event.objects.iter()),
            Role::Children => Box::new(event.children.iter()),
            Role::Parent => Box::new(event.parent.iter()),
            Role::Inputs => Box::new(event.inputs.iter()),
            Role::Outputs => Box::new(event.outputs.iter()),
            Role::Class(role) => {
                let of_role = event.classes.iter().filter(move |q| q.role == role);
                Box::new(of_role.map(|q| &q.class))
            }
        }
    }
}

fn time_of(field: TimeField, subject: &QueriedEvent) -> Option<i64> {
    match field {
        TimeField::Event => Some(subject.event.time_ms),
        TimeField::Record => Some(subject.record_time_ms),
        TimeField::ErrorDeclaration => {
            let declared = subject.event.error_declaration.as_ref();
            declared.map(|e| e.declaration_time_ms)
        }
    }
}

fn holds_word(found: &Option<String>, words: &[String]) -> bool {
    found.as_ref().is_some_and(|found| words.contains(found))
}

/// Whether a place is within another as far as their keys tell: an extension of a location (414
/// with 254) within the location. What master data says of it isn't asked.
fn lies_within(place: &Identifier, outer: &Identifier) -> bool {
    let rest = place.as_str().strip_prefix(outer.as_str());
    rest.is_some_and(|rest| rest.starts_with('/'))
}

/// EPCIS 2.0 §8.2.7.1, `EQ_bizTransaction_type` and its like: an element of this type with one of
/// these values.
fn typed_holds(json: &Value, list: TypedList, kind: &str, values: &[String]) -> bool {
    let (list, member) = match list {
        TypedList::BizTransaction => ("bizTransactionList", "bizTransaction"),
        TypedList::Source => ("sourceList", "source"),
        TypedList::Destination => ("destinationList", "destination"),
    };
    let elements = json.get(list).and_then(Value::as_array);
    elements.into_iter().flatten().any(|element| {
        let found_kind = element
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let found = element
            .get(member)
            .and_then(Value::as_str)
            .unwrap_or_default();
        word(found_kind) == kind && values.contains(&canonical(found))
    })
}
