//! EPCIS's SimpleEventQuery as a pure predicate: parameters are read once, and every event is asked
//! whether it fits them (EPCIS 2.0 §8.2.7.1). Parameters are joined by AND, the values of one by OR.
//!
//! Consensus-critical: no
//!
//! ```
//! use touchstone_epcis::query::{Query, Subject};
//!
//! let parameters = [("MATCH_anyEPC".to_owned(), vec!["urn:epc:idpat:sscc:9521234.*".to_owned()])];
//! let query = Query::read(&parameters)?;
//! let event = br#"{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
//!   "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:00+08:00",
//!   "eventTimeZoneOffset": "+08:00", "epcList": ["https://id.gs1.org/00/095212340000000150"]}"#;
//! let subject = Subject::read(event, 1_772_325_000_000, "urn:x:1".to_owned()).expect("an event");
//! assert!(query.matches(&subject));
//! # Ok::<(), touchstone_epcis::query::BadQuery>(())
//! ```

mod fields;
mod parameters;
mod pattern;

use std::cmp::Ordering;

use serde_json::Value;

use super::error::EpcisError;
use super::event::{Action, Event, EventType, QuantityRole};
use super::identifier::Identifier;
use super::moment;
use fields::FieldName;
use pattern::Pattern;

pub use parameters::{BadQuery, MAX_PARAMETERS, MAX_VALUE_BYTES, MAX_VALUES, NAMES};

/// A query, read and checked.
#[derive(Clone, Debug, Default)]
pub struct Query {
    conditions: Vec<Condition>,
    /// `orderBy` with `orderDirection`; none where the order is free.
    pub order: Option<Order>,
    /// `eventCountLimit`: so many events are given, and the rest is left out.
    pub event_count_limit: Option<u64>,
    /// `maxEventCount`: more events are an error.
    pub max_event_count: Option<u64>,
}

/// The order of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// By what.
    pub by: OrderBy,
    /// `DESC`, which is what EPCIS does where nothing is said.
    pub descending: bool,
}

/// What events can be ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderBy {
    /// When it happened.
    EventTime,
    /// When it was recorded: the place on the chain.
    RecordTime,
}

/// What an index may be kept by: an event has at most one value of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IndexField {
    /// `type`
    EventType,
    /// `bizStep`
    BizStep,
    /// `disposition`
    Disposition,
    /// `readPoint`
    ReadPoint,
    /// `bizLocation`
    BizLocation,
    /// `eventID`
    EventId,
}

/// An event as queries see it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// What the ledger reads of it.
    pub event: Event,
    json: Value,
    /// When it was recorded, milliseconds since 1970-01-01T00:00:00Z.
    pub record_time_ms: i64,
    /// The name that the ledger has for it, beside its `eventID`.
    id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TimeField {
    Event,
    Record,
    ErrorDeclaration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlaceField {
    ReadPoint,
    BizLocation,
}

/// Lists of an event whose elements have a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TypedList {
    BizTransaction,
    Source,
    Destination,
}

/// Where an identifier may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Objects,
    Children,
    Parent,
    Inputs,
    Outputs,
    Class(QuantityRole),
}

#[derive(Clone, Debug)]
enum Condition {
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
        number: f64,
    },
    EventId(Vec<String>),
    ErrorDeclared,
    ErrorReason(Vec<String>),
    CorrectiveEventId(Vec<String>),
    Exists(FieldName),
    Field {
        name: FieldName,
        comparison: Comparison,
        values: Vec<String>,
    },
}

impl Subject {
    /// Reads an event's exact bytes.
    pub fn read(bytes: &[u8], record_time_ms: i64, id: String) -> Result<Subject, EpcisError> {
        let event = Event::parse(bytes)?;
        // The strict reader has accepted it; what it accepts is JSON.
        let json = serde_json::from_slice(bytes).unwrap_or_default();
        Ok(Subject {
            event,
            json,
            record_time_ms,
            id,
        })
    }

    /// The `eventID` that it carries, or the ledger's name for it.
    pub fn id(&self) -> &str {
        self.event.event_id.as_deref().unwrap_or(&self.id)
    }
}

/// The values under which an index keeps an event.
pub fn index_values(event: &Event) -> Vec<(IndexField, String)> {
    let place = |place: &Option<Identifier>| place.as_ref().map(|p| p.as_str().to_owned());
    let event_type = Some(type_name(event.event_type).to_owned());
    let values = [
        (IndexField::EventType, event_type),
        (IndexField::BizStep, event.biz_step.clone()),
        (IndexField::Disposition, event.disposition.clone()),
        (IndexField::ReadPoint, place(&event.read_point)),
        (IndexField::BizLocation, place(&event.biz_location)),
        (IndexField::EventId, event.event_id.clone()),
    ];
    let present = values.into_iter();
    present
        .filter_map(|(field, value)| Some((field, value?)))
        .collect()
}

/// The standard's name of a kind of event.
pub fn type_name(event_type: EventType) -> &'static str {
    match event_type {
        EventType::Object => "ObjectEvent",
        EventType::Aggregation => "AggregationEvent",
        EventType::Transaction => "TransactionEvent",
        EventType::Transformation => "TransformationEvent",
        EventType::Association => "AssociationEvent",
    }
}

impl Query {
    /// Reads parameters, each with its values. What an interface keeps for itself (the page's size
    /// and token) isn't among them.
    pub fn read(parameters: &[(String, Vec<String>)]) -> Result<Query, BadQuery> {
        parameters::read(parameters)
    }

    /// Whether an event fits all parameters.
    pub fn matches(&self, subject: &Subject) -> bool {
        self.conditions.iter().all(|c| c.holds(subject))
    }

    /// Items of which every matching event names one; none if the query doesn't say.
    pub fn items(&self) -> Option<Vec<Identifier>> {
        self.conditions.iter().find_map(|condition| {
            let Condition::Names { patterns, .. } = condition else {
                return None;
            };
            patterns.iter().map(|p| p.exact().cloned()).collect()
        })
    }

    /// The ids of which every matching event has one; none if the query doesn't say.
    pub fn event_ids(&self) -> Option<&[String]> {
        self.conditions
            .iter()
            .find_map(|condition| match condition {
                Condition::EventId(ids) => Some(ids.as_slice()),
                _ => None,
            })
    }

    /// For each indexed field that the query names: the values of which every matching event has
    /// one. The most telling fields come first.
    pub fn indexed(&self) -> Vec<(IndexField, Vec<String>)> {
        let mut found: Vec<_> = self
            .conditions
            .iter()
            .filter_map(Condition::index)
            .collect();
        found.sort_by_key(|(field, _)| std::cmp::Reverse(*field));
        found
    }

    /// The bounds of `eventTime`: from, and before; milliseconds.
    pub fn event_time(&self) -> (Option<i64>, Option<i64>) {
        self.bounds(TimeField::Event)
    }

    /// The bounds of the time of recording: from, and before; milliseconds.
    pub fn record_time(&self) -> (Option<i64>, Option<i64>) {
        self.bounds(TimeField::Record)
    }

    fn bounds(&self, wanted: TimeField) -> (Option<i64>, Option<i64>) {
        let mut bounds = (None, None);
        for condition in &self.conditions {
            match condition {
                Condition::Time {
                    field,
                    comparison,
                    ms,
                } if *field == wanted => match comparison {
                    Comparison::GreaterOrEqual => bounds.0 = Some(*ms),
                    _ => bounds.1 = Some(*ms),
                },
                _ => {}
            }
        }
        bounds
    }
}

impl Condition {
    fn index(&self) -> Option<(IndexField, Vec<String>)> {
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

    fn holds(&self, subject: &Subject) -> bool {
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
                fields::texts(found).any(|text| words.iter().any(|w| w == parameters::word(text)))
            }
            Condition::Place {
                field,
                places,
                with_descendants,
            } => {
                let found = match field {
                    PlaceField::ReadPoint => &event.read_point,
                    PlaceField::BizLocation => &event.biz_location,
                };
                found.as_ref().is_some_and(|found| {
                    let mut places = places.iter();
                    places.any(|p| found == p || (*with_descendants && lies_within(found, p)))
                })
            }
            Condition::Typed { list, kind, values } => {
                typed_holds(&subject.json, *list, kind, values)
            }
            Condition::TransformationId(ids) => {
                let found = fields::texts(subject.json.get("transformationID"));
                found.into_iter().any(|id| ids.iter().any(|i| i == id))
            }
            Condition::Names { roles, patterns } => {
                let mut names = roles.iter().flat_map(|role| role.names(event));
                names.any(|name| patterns.iter().any(|p| p.fits(name)))
            }
            Condition::Quantity { comparison, number } => {
                let mut found = event.classes.iter().filter_map(|c| c.quantity.as_deref());
                found.any(|text| compare(text, *number).is_some_and(|o| comparison.holds(o)))
            }
            Condition::EventId(ids) => {
                let mut ids = ids.iter();
                ids.any(|id| event.event_id.as_ref() == Some(id) || *id == subject.id)
            }
            Condition::ErrorDeclared => event.error_declaration.is_some(),
            Condition::ErrorReason(words) => {
                let declared = event.error_declaration.as_ref();
                declared.is_some_and(|e| holds_word(&e.reason, words))
            }
            Condition::CorrectiveEventId(ids) => {
                let declared = event.error_declaration.as_ref();
                declared.is_some_and(|e| e.corrective_event_ids.iter().any(|id| ids.contains(id)))
            }
            Condition::Exists(name) => name.find(&subject.json).next().is_some(),
            Condition::Field {
                name,
                comparison,
                values,
            } => {
                let mut found = name.find(&subject.json);
                found.any(|value| values.iter().any(|v| fields::holds(value, *comparison, v)))
            }
        }
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
        }
    }
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

fn time_of(field: TimeField, subject: &Subject) -> Option<i64> {
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
/// with 254) within the location. Master data, which says more, isn't on the ledger.
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
        parameters::word(found_kind) == kind && values.contains(&parameters::canonical(found))
    })
}

fn compare(text: &str, number: f64) -> Option<Ordering> {
    text.parse::<f64>().ok()?.partial_cmp(&number)
}

/// Milliseconds of a time as parameters have it.
fn time_ms(text: &str) -> Option<i64> {
    moment::time_ms(text)
}

#[cfg(test)]
mod tests;
