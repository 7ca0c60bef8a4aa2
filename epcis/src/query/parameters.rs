//! From parameters to a query. Whatever isn't known is refused: a parameter that is passed over
//! would answer another question than was asked.
//!
//! Consensus-critical: no

use serde_json::Value;

use super::bad_query::BadQuery;
use super::condition::{Condition, PlaceField, Role, STANDARD_FIELDS, TimeField, TypedList};
use super::extension_field::{self, ExtensionField};
use super::limits::{MAX_PARAMETERS, MAX_VALUE_BYTES, MAX_VALUES};
use super::parameter_values::Given;
use super::sensor::{self, SensorCondition};
use super::{Comparison, Order, OrderBy, QuantityRole, Query, canonical, time_ms, word};
use crate::cbv::Vocabulary;
use crate::error::excerpt;
use crate::identifier::is_uri;
use crate::master_data::{attribute_name, written_attribute_name};
use crate::prefixes::Prefixes;

/// The parameters of a query as they were given, and what the prefixes in their names stand for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueryParameters {
    pairs: Vec<(String, Vec<String>)>,
    prefixes: Prefixes,
}

impl QueryParameters {
    /// Adds a parameter with its values.
    pub fn add(&mut self, name: impl Into<String>, values: Vec<String>) {
        self.pairs.push((name.into(), values));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// Declares the prefixes of a header `GS1-Extensions`: `example=https://ns.example/`, several
    /// separated by commas.
    ///
    /// ```
    /// use touchstone_epcis::query::{Query, QueryParameters};
    ///
    /// let mut parameters = QueryParameters::default();
    /// parameters.declare("example=https://ns.example/")?;
    /// parameters.add("EQ_example:grade", vec!["07".to_owned()]);
    /// Query::read(&parameters)?;
    /// # Ok::<(), touchstone_epcis::query::BadQuery>(())
    /// ```
    pub fn declare(&mut self, header: &str) -> Result<(), BadQuery> {
        for (prefix, namespace) in declarations(header)? {
            self.prefixes.declare(&prefix, &namespace);
        }
        Ok(())
    }

    /// The parameters of a query in JSON (GS1's query schema): texts, numbers, booleans, null for
    /// `EXISTS_`, or a list; `@context` declares prefixes.
    pub fn from_json(query: &Value) -> Result<QueryParameters, BadQuery> {
        let members = query.as_object().ok_or(BadQuery::NotAnObject)?;
        let mut parameters = QueryParameters::default();
        for (name, value) in members {
            if name == "@context" {
                extension_field::declare(&mut parameters.prefixes, value);
                continue;
            }
            let wrong = || BadQuery::JsonType(excerpt(name));
            let values = match value {
                Value::Null if name.starts_with("EXISTS_") => Vec::new(),
                Value::Bool(flag) => vec![flag.to_string()],
                Value::Array(values) => {
                    let texts = values.iter().map(|value| text(value).ok_or_else(wrong));
                    texts.collect::<Result<_, _>>()?
                }
                one => vec![text(one).ok_or_else(wrong)?],
            };
            parameters.add(name, values);
        }
        Ok(parameters)
    }

    /// One text for each query that may be asked: its parameters sorted, with their prefixes.
    pub fn fingerprint(&self) -> String {
        let mut pairs = self.pairs.clone();
        pairs.sort();
        format!("{pairs:?}{:?}", self.prefixes)
    }
}

/// The prefixes and namespaces of a header `GS1-Extensions`.
pub fn declarations(header: &str) -> Result<Vec<(String, String)>, BadQuery> {
    let parts = header.split(',').map(str::trim);
    let parts = parts.filter(|part| !part.is_empty());
    let declared = parts.map(|part| match part.split_once('=') {
        Some((prefix, namespace)) if !prefix.is_empty() && is_uri(namespace) => {
            Ok((prefix.to_owned(), namespace.to_owned()))
        }
        _ => Err(BadQuery::Declaration(excerpt(part))),
    });
    declared.collect()
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

pub(super) fn read(parameters: &QueryParameters) -> Result<Query, BadQuery> {
    let pairs = &parameters.pairs;
    let values: usize = pairs.iter().map(|(_, values)| values.len()).sum();
    let mut texts = pairs
        .iter()
        .flat_map(|(name, values)| values.iter().chain([name]));
    if pairs.len() > MAX_PARAMETERS
        || values > MAX_VALUES
        || texts.any(|text| text.len() > MAX_VALUE_BYTES)
    {
        return Err(BadQuery::TooLarge);
    }
    let mut query = Query::default();
    let mut order_by = None;
    let mut descending = None;
    for (index, (name, values)) in pairs.iter().enumerate() {
        let mut earlier = pairs.iter().take(index);
        if earlier.any(|(earlier, _)| earlier == name) {
            return Err(BadQuery::Twice(excerpt(name)));
        }
        let given = Given { name, values };
        match name.as_str() {
            "orderBy" => order_by = Some(given.word("eventTime, recordTime", order_by_word)?),
            "orderDirection" => descending = Some(given.word("ASC, DESC", direction_word)?),
            "eventCountLimit" => query.event_count_limit = Some(given.count()?),
            "maxEventCount" => query.max_event_count = Some(given.count()?),
            _ => query
                .conditions
                .extend(condition(&given, &parameters.prefixes)?),
        }
    }
    if query.event_count_limit.is_some() && query.max_event_count.is_some() {
        return Err(BadQuery::TwoLimits);
    }
    query.order = match (order_by, descending) {
        (None, None) => None,
        (None, Some(_)) => return Err(BadQuery::DirectionAlone),
        (Some(by), descending) => Some(Order {
            by,
            descending: descending.unwrap_or(true),
        }),
    };
    Ok(query)
}

/// What a parameter asks for; none where it asks for nothing, as `EXISTS_ilmd=false` does.
fn condition(given: &Given<'_>, prefixes: &Prefixes) -> Result<Option<Condition>, BadQuery> {
    if let Some(field) = given.name.strip_prefix("EXISTS_") {
        return exists(field, given, prefixes);
    }
    let found = match given.name {
        "eventType" => Condition::EventType(given.event_types()?),
        "EQ_action" => Condition::Action(given.actions()?),
        "EQ_bizStep" => Condition::BizStep(given.words(Vocabulary::BizStep)?),
        "EQ_disposition" => Condition::Disposition(given.words(Vocabulary::Disposition)?),
        "EQ_errorReason" => Condition::ErrorReason(given.words(Vocabulary::ErrorReason)?),
        "EQ_transformationID" => {
            Condition::TransformationId(given.some()?.iter().map(|id| canonical(id)).collect())
        }
        "EQ_eventID" => Condition::EventId(given.some()?.to_vec()),
        "EQ_correctiveEventID" => Condition::CorrectiveEventId(given.some()?.to_vec()),
        name => return of_parts(name, given, prefixes).map(Some),
    };
    Ok(Some(found))
}

fn exists(
    field: &str,
    given: &Given<'_>,
    prefixes: &Prefixes,
) -> Result<Option<Condition>, BadQuery> {
    let standard = STANDARD_FIELDS
        .iter()
        .copied()
        .find(|known| *known == field);
    let condition = match standard {
        Some(field) => Condition::Exists(field),
        None => match ExtensionField::read(given.name, field, prefixes) {
            Some(field) => Condition::ExtensionExists(field?),
            None => return Err(BadQuery::Unknown(excerpt(given.name))),
        },
    };
    Ok(given.flag()?.then_some(condition))
}

/// Parameters that are made of parts.
fn of_parts(name: &str, given: &Given<'_>, prefixes: &Prefixes) -> Result<Condition, BadQuery> {
    let unknown = || BadQuery::Unknown(excerpt(name));
    if let Some(what) = name.strip_prefix("MATCH_") {
        let roles = roles(what).ok_or_else(unknown)?;
        let patterns = given.patterns()?;
        return Ok(Condition::Names { roles, patterns });
    }
    if let Some(condition) = master_data(name, given, prefixes) {
        return condition;
    }
    let lists = [
        ("EQ_bizTransaction_", TypedList::BizTransaction),
        ("EQ_source_", TypedList::Source),
        ("EQ_destination_", TypedList::Destination),
    ];
    for (prefix, list) in lists {
        if let Some(kind) = name.strip_prefix(prefix).filter(|kind| !kind.is_empty()) {
            return Ok(Condition::Typed {
                list,
                kind: word(kind).to_owned(),
                values: match list {
                    // A number of a business is no GTIN, however many digits it has.
                    TypedList::BizTransaction => {
                        given.some()?.iter().map(|v| canonical(v)).collect()
                    }
                    TypedList::Source | TypedList::Destination => given.parties()?,
                },
            });
        }
    }
    let (comparison, field) = comparison(name).ok_or_else(unknown)?;
    if let Some(condition) = standard(comparison, field, given) {
        return condition;
    }
    if let Some(sensor) = SensorCondition::read(comparison, field, given) {
        return Ok(Condition::Sensor(sensor?));
    }
    let field = ExtensionField::read(name, field, prefixes).ok_or_else(unknown)??;
    let values = given.some()?.to_vec();
    if comparison != Comparison::Equal && time_ms(given.one()?).is_none() {
        given.number()?;
    }
    Ok(Condition::Extension {
        field,
        comparison,
        values,
    })
}

/// `HASATTR_field` and `EQATTR_field_attribute`: the master data of the place in a field. Of other vocabularies there
/// is none on a ledger, so that asking for it would find nothing, whatever was meant.
fn master_data(
    name: &str,
    given: &Given<'_>,
    prefixes: &Prefixes,
) -> Option<Result<Condition, BadQuery>> {
    let wrong = || BadQuery::MasterData(excerpt(name));
    let place = |field: &str| match field {
        "readPoint" => Ok(PlaceField::ReadPoint),
        "bizLocation" => Ok(PlaceField::BizLocation),
        _ => Err(wrong()),
    };
    let full = |attribute: &str| match attribute.contains(':') {
        true => attribute_name(attribute, prefixes),
        false => written_attribute_name(attribute),
    };
    if let Some(field) = name.strip_prefix("HASATTR_") {
        let names = given.some();
        return Some(place(field).and_then(|field| {
            Ok(Condition::MasterData {
                field,
                names: names?.iter().map(|name| full(name)).collect(),
                texts: None,
            })
        }));
    }
    // GS1's OpenAPI writes the one, the standard's text the other.
    let rest = name.strip_prefix("EQATTR_");
    let rest = rest.or_else(|| name.strip_prefix("EQ_ATTR_"))?;
    let Some((field, attribute)) = rest.split_once('_').filter(|(_, name)| !name.is_empty()) else {
        return Some(Err(wrong()));
    };
    Some(place(field).and_then(|field| {
        Ok(Condition::MasterData {
            field,
            names: vec![full(attribute)],
            texts: Some(given.some()?.to_vec()),
        })
    }))
}

/// Fields of the standard that are compared: times, places, dispositions, quantities.
fn standard(
    comparison: Comparison,
    field: &str,
    given: &Given<'_>,
) -> Option<Result<Condition, BadQuery>> {
    use Comparison::{Equal, GreaterOrEqual, Less, Within};
    let time = |field| {
        given.time().map(|ms| Condition::Time {
            field,
            comparison,
            ms,
        })
    };
    let places = |field| {
        given.places().map(|places| Condition::Place {
            field,
            places,
            with_descendants: comparison == Within,
        })
    };
    let persistent = |list| {
        let words = given.words(Vocabulary::Disposition);
        words.map(|words| Condition::PersistentDisposition { list, words })
    };
    let unit = match field.split_once('_') {
        Some(("quantity", unit)) if sensor::is_unit(unit) => Some(Some(unit.to_owned())),
        None if field == "quantity" => Some(None),
        _ => None,
    };
    if let (Some(unit), true) = (unit, comparison != Within) {
        return Some(
            given
                .numbers(comparison)
                .map(|numbers| Condition::Quantity {
                    comparison,
                    numbers,
                    unit,
                }),
        );
    }
    Some(match (comparison, field) {
        (GreaterOrEqual | Less, "eventTime") => time(TimeField::Event),
        (GreaterOrEqual | Less, "recordTime") => time(TimeField::Record),
        // GS1's OpenAPI writes the one, its query schema the other.
        (GreaterOrEqual | Less, "errorDeclarationTime" | "errorDeclaration_Time") => {
            time(TimeField::ErrorDeclaration)
        }
        (Equal | Within, "readPoint") => places(PlaceField::ReadPoint),
        (Equal | Within, "bizLocation") => places(PlaceField::BizLocation),
        (Equal, "persistentDisposition_set") => persistent("set"),
        (Equal, "persistentDisposition_unset") => persistent("unset"),
        _ => return None,
    })
}

fn comparison(name: &str) -> Option<(Comparison, &str)> {
    let (word, field) = name.split_once('_')?;
    let comparison = match word {
        "EQ" => Comparison::Equal,
        "GT" => Comparison::Greater,
        "GE" => Comparison::GreaterOrEqual,
        "LT" => Comparison::Less,
        "LE" => Comparison::LessOrEqual,
        "WD" if matches!(field, "readPoint" | "bizLocation") => Comparison::Within,
        _ => return None,
    };
    Some((comparison, field))
}

/// Where the identifiers of a `MATCH_` parameter may stand (EPCIS 2.0 §8.2.7.1).
fn roles(what: &str) -> Option<&'static [Role]> {
    use QuantityRole::{Child, Input, Object, Output};
    Some(match what {
        "epc" => &[Role::Objects, Role::Children],
        "parentID" => &[Role::Parent],
        "inputEPC" => &[Role::Inputs],
        "outputEPC" => &[Role::Outputs],
        "anyEPC" => &[
            Role::Objects,
            Role::Children,
            Role::Parent,
            Role::Inputs,
            Role::Outputs,
        ],
        "epcClass" => &[Role::Class(Object), Role::Class(Child)],
        "inputEPCClass" => &[Role::Class(Input)],
        "outputEPCClass" => &[Role::Class(Output)],
        "anyEPCClass" => &[
            Role::Class(Object),
            Role::Class(Child),
            Role::Class(Input),
            Role::Class(Output),
        ],
        _ => return None,
    })
}

fn order_by_word(text: &str) -> Option<OrderBy> {
    match text {
        "eventTime" => Some(OrderBy::EventTime),
        "recordTime" => Some(OrderBy::RecordTime),
        _ => None,
    }
}

fn direction_word(text: &str) -> Option<bool> {
    match text {
        "ASC" => Some(false),
        "DESC" => Some(true),
        _ => None,
    }
}
