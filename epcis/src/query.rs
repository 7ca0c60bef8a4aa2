//! EPCIS's SimpleEventQuery as a pure predicate: parameters are read once, and every event is asked
//! whether it fits them (EPCIS 2.0 §8.2.7.1). Parameters are joined by AND, the values of one by OR.
//!
//! Consensus-critical: no
//!
//! ```
//! use touchstone_epcis::query::{QueriedEvent, Query, QueryParameters};
//!
//! let mut parameters = QueryParameters::default();
//! parameters.add("MATCH_anyEPC", vec!["urn:epc:idpat:sscc:9521234.*".to_owned()]);
//! let query = Query::read(&parameters)?;
//! let event = br#"{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
//!   "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:00+08:00",
//!   "eventTimeZoneOffset": "+08:00", "epcList": ["https://id.gs1.org/00/095212340000000150"]}"#;
//! let subject = QueriedEvent::read(event, 1_772_325_000_000, "urn:x:1".to_owned()).expect("an event");
//! assert!(query.matches(&subject));
//! # Ok::<(), touchstone_epcis::query::BadQuery>(())
//! ```

mod bad_query;
mod condition;
mod extension_field;
mod limits;
mod parameter_names;
mod parameter_values;
mod parameters;
mod pattern;
mod sensor;

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::Value;

use super::cbv::Vocabulary;
use super::date_time;
use super::error::EpcisError;
use super::event::{Action, Event, EventType, QuantityRole};
use super::identifier::Identifier;
use condition::{Condition, TimeField};

pub use bad_query::BadQuery;
pub use limits::{MAX_PARAMETERS, MAX_VALUE_BYTES, MAX_VALUES};
pub use parameter_names::NAMES;
pub use parameters::{QueryParameters, declarations};

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

/// Attributes of master data by the identifier that they are of: names and texts; a structured value has no text.
pub type KnownAttributes = BTreeMap<String, Vec<(String, String)>>;

/// An event as queries see it.
#[derive(Clone, Debug)]
pub struct QueriedEvent {
    /// What the ledger reads of it.
    pub event: Event,
    json: Value,
    /// When it was recorded, milliseconds since 1970-01-01T00:00:00Z.
    pub record_time_ms: i64,
    /// The name that the ledger has for it, beside its `eventID`.
    id: String,
}

/// How a value stands to what a parameter says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    /// `WD_`: the place or one inside it.
    Within,
}

impl QueriedEvent {
    /// Reads an event's exact bytes.
    pub fn read(bytes: &[u8], record_time_ms: i64, id: String) -> Result<QueriedEvent, EpcisError> {
        let event = Event::parse(bytes)?;
        // The strict reader has accepted it; what it accepts is JSON.
        let json = serde_json::from_slice(bytes).unwrap_or_default();
        Ok(QueriedEvent {
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
pub fn index_values(event: &Event) -> impl Iterator<Item = (IndexField, &str)> {
    let read_point = event.read_point.as_ref().map(Identifier::as_str);
    let biz_location = event.biz_location.as_ref().map(Identifier::as_str);
    let values = [
        (IndexField::EventType, Some(type_name(event.event_type))),
        (IndexField::BizStep, event.biz_step.as_deref()),
        (IndexField::Disposition, event.disposition.as_deref()),
        (IndexField::ReadPoint, read_point),
        (IndexField::BizLocation, biz_location),
        (IndexField::EventId, event.event_id.as_deref()),
    ];
    let present = values.into_iter();
    present.filter_map(|(field, value)| Some((field, value?)))
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
    pub fn read(parameters: &QueryParameters) -> Result<Query, BadQuery> {
        parameters::read(parameters)
    }

    /// Whether an event fits all parameters, where none of them asks for master data.
    pub fn matches(&self, subject: &QueriedEvent) -> bool {
        self.matches_with(subject, &KnownAttributes::new())
    }

    /// The same, where the attributes are known of the places that [`Query::described`] names.
    pub fn matches_with(&self, subject: &QueriedEvent, attributes: &KnownAttributes) -> bool {
        let mut conditions = self.conditions.iter();
        conditions.all(|c| c.holds(subject, attributes))
    }

    /// The places of an event whose master data decides whether it fits.
    pub fn described<'a>(&self, subject: &'a QueriedEvent) -> Vec<&'a Identifier> {
        let fields = self.conditions.iter().filter_map(Condition::described);
        fields
            .filter_map(|field| field.of(&subject.event))
            .collect()
    }

    /// Whether a parameter asks for master data.
    pub fn asks_for_master_data(&self) -> bool {
        let mut fields = self.conditions.iter().filter_map(Condition::described);
        fields.next().is_some()
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

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Equal | Comparison::Within => order.is_eq(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterOrEqual => order.is_ge(),
            Comparison::Less => order.is_lt(),
            Comparison::LessOrEqual => order.is_le(),
        }
    }
}

/// The bare word of a term of the Core Business Vocabulary; any other text as it is.
fn word(text: &str) -> &str {
    let resolved = Vocabulary::ALL.iter().filter_map(|v| v.resolve(text));
    resolved.min_by_key(|word| word.len()).unwrap_or(text)
}

/// An identifier in its canonical form; any other text as it is.
fn canonical(text: &str) -> String {
    match Identifier::parse(text) {
        Ok(identifier) => identifier.as_str().to_owned(),
        Err(_) => text.to_owned(),
    }
}

fn compare(text: &str, number: f64) -> Option<Ordering> {
    text.parse::<f64>().ok()?.partial_cmp(&number)
}

/// Milliseconds of a time as parameters have it.
fn time_ms(text: &str) -> Option<i64> {
    date_time::time_ms(text)
}

#[cfg(test)]
mod tests;
