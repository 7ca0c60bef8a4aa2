//! From parameters to a query. Whatever isn't known is refused: a parameter that is passed over
//! would answer another question than was asked.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::fields::{FieldName, STANDARD};
use super::pattern::Pattern;
use super::{
    Action, Comparison, Condition, EventType, Order, OrderBy, PlaceField, QuantityRole, Query,
    Role, TimeField, TypedList, time_ms,
};
use crate::cbv::Vocabulary;
use crate::error::excerpt;
use crate::event::event_type;
use crate::identifier::{Identifier, IdentifierError};

/// Parameters of one query, at most.
pub const MAX_PARAMETERS: usize = 64;
/// Values of one query's parameters together, at most.
pub const MAX_VALUES: usize = 1000;
/// Bytes of a value, at most.
pub const MAX_VALUE_BYTES: usize = 2048;

/// Names of parameters that have one form only; a test holds the description of the HTTP interface
/// against them.
pub const NAMES: [&str; 45] = [
    "eventType",
    "GE_eventTime",
    "LT_eventTime",
    "GE_recordTime",
    "LT_recordTime",
    "EQ_action",
    "EQ_bizStep",
    "EQ_disposition",
    "EQ_persistentDisposition_set",
    "EQ_persistentDisposition_unset",
    "EQ_readPoint",
    "WD_readPoint",
    "EQ_bizLocation",
    "WD_bizLocation",
    "EQ_transformationID",
    "MATCH_epc",
    "MATCH_parentID",
    "MATCH_inputEPC",
    "MATCH_outputEPC",
    "MATCH_anyEPC",
    "MATCH_epcClass",
    "MATCH_inputEPCClass",
    "MATCH_outputEPCClass",
    "MATCH_anyEPCClass",
    "EQ_quantity",
    "GT_quantity",
    "GE_quantity",
    "LT_quantity",
    "LE_quantity",
    "EQ_eventID",
    "EXISTS_errorDeclaration",
    "GE_errorDeclarationTime",
    "LT_errorDeclarationTime",
    "EQ_errorReason",
    "EQ_correctiveEventID",
    "EXISTS_ilmd",
    "EXISTS_readPoint",
    "EXISTS_bizLocation",
    "EXISTS_sensorElementList",
    "EXISTS_bizTransactionList",
    "EXISTS_parentID",
    "orderBy",
    "orderDirection",
    "eventCountLimit",
    "maxEventCount",
];

/// Why parameters are no query.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BadQuery {
    /// No such parameter.
    #[error(
        "there is no parameter {0:?}; see EPCIS 2.0 §8.2.7.1 for their names, and write the name \
         of an extension with its prefix, such as EQ_example:field"
    )]
    Unknown(String),
    /// Given twice.
    #[error("{0} is given twice; separate the values of one parameter by |")]
    Twice(String),
    /// Nothing where something must be.
    #[error("{0} needs a value")]
    NoValue(String),
    /// Several where one must be.
    #[error("{0} takes one value")]
    NotOne(String),
    /// Something where nothing may be.
    #[error("{0} takes no value: it asks whether the field is there")]
    Flag(String),
    /// More than is read.
    #[error(
        "a query may have {MAX_PARAMETERS} parameters with {MAX_VALUES} values of {MAX_VALUE_BYTES} \
         bytes, and this one has more"
    )]
    TooLarge,
    /// No time.
    #[error(
        "{name} is {value:?}, which is no date and time with zone, such as 2026-03-01T08:30:00Z \
         (in an address, + is written %2B)"
    )]
    Time {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
    },
    /// No number.
    #[error("{name} is {value:?}, which is no number that fits")]
    Number {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
    },
    /// None of the words that there are.
    #[error("{name} is {value:?}, and must be one of {allowed}")]
    Word {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
        /// What there is.
        allowed: &'static str,
    },
    /// No identifier and no pattern of them.
    #[error("{name}: {value:?}: {reason}")]
    Identifier {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
        /// Why not.
        reason: IdentifierError,
    },
    /// EPCIS 2.0 §8.2.7.1: one of the two.
    #[error("eventCountLimit and maxEventCount exclude one another; leave one out")]
    TwoLimits,
    /// A direction of no order.
    #[error("orderDirection says nothing without orderBy")]
    DirectionAlone,
}

pub(super) fn read(parameters: &[(String, Vec<String>)]) -> Result<Query, BadQuery> {
    let values: usize = parameters.iter().map(|(_, values)| values.len()).sum();
    let mut texts = parameters
        .iter()
        .flat_map(|(name, values)| values.iter().chain([name]));
    if parameters.len() > MAX_PARAMETERS
        || values > MAX_VALUES
        || texts.any(|text| text.len() > MAX_VALUE_BYTES)
    {
        return Err(BadQuery::TooLarge);
    }
    let mut query = Query::default();
    let mut order_by = None;
    let mut descending = None;
    for (index, (name, values)) in parameters.iter().enumerate() {
        if parameters
            .iter()
            .take(index)
            .any(|(earlier, _)| earlier == name)
        {
            return Err(BadQuery::Twice(name.clone()));
        }
        let given = Given { name, values };
        match name.as_str() {
            "orderBy" => order_by = Some(given.word("eventTime, recordTime", order_by_word)?),
            "orderDirection" => descending = Some(given.word("ASC, DESC", direction_word)?),
            "eventCountLimit" => query.event_count_limit = Some(given.count()?),
            "maxEventCount" => query.max_event_count = Some(given.count()?),
            _ => query.conditions.push(condition(&given)?),
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

/// The bare word of a term of the Core Business Vocabulary; any other text as it is.
pub(super) fn word(text: &str) -> &str {
    const VOCABULARIES: [Vocabulary; 5] = [
        Vocabulary::BizStep,
        Vocabulary::Disposition,
        Vocabulary::TransactionType,
        Vocabulary::SourceType,
        Vocabulary::ErrorReason,
    ];
    let resolved = VOCABULARIES.iter().filter_map(|v| v.resolve(text));
    resolved.min_by_key(|word| word.len()).unwrap_or(text)
}

/// An identifier in its canonical form; any other text as it is.
pub(super) fn canonical(text: &str) -> String {
    match Identifier::parse(text) {
        Ok(identifier) => identifier.as_str().to_owned(),
        Err(_) => text.to_owned(),
    }
}

fn condition(given: &Given<'_>) -> Result<Condition, BadQuery> {
    use Comparison::{GreaterOrEqual, Less};
    use TimeField::{ErrorDeclaration, Event, Record};
    Ok(match given.name {
        "eventType" => Condition::EventType(given.event_types()?),
        "GE_eventTime" => given.time(Event, GreaterOrEqual)?,
        "LT_eventTime" => given.time(Event, Less)?,
        "GE_recordTime" => given.time(Record, GreaterOrEqual)?,
        "LT_recordTime" => given.time(Record, Less)?,
        "GE_errorDeclarationTime" => given.time(ErrorDeclaration, GreaterOrEqual)?,
        "LT_errorDeclarationTime" => given.time(ErrorDeclaration, Less)?,
        "EQ_action" => Condition::Action(given.actions()?),
        "EQ_bizStep" => Condition::BizStep(given.words()?),
        "EQ_disposition" => Condition::Disposition(given.words()?),
        "EQ_persistentDisposition_set" => given.persistent("set")?,
        "EQ_persistentDisposition_unset" => given.persistent("unset")?,
        "EQ_readPoint" => given.places(PlaceField::ReadPoint, false)?,
        "WD_readPoint" => given.places(PlaceField::ReadPoint, true)?,
        "EQ_bizLocation" => given.places(PlaceField::BizLocation, false)?,
        "WD_bizLocation" => given.places(PlaceField::BizLocation, true)?,
        "EQ_transformationID" => Condition::TransformationId(given.some()?.to_vec()),
        "EQ_eventID" => Condition::EventId(given.some()?.to_vec()),
        "EQ_errorReason" => Condition::ErrorReason(given.words()?),
        "EQ_correctiveEventID" => Condition::CorrectiveEventId(given.some()?.to_vec()),
        "EXISTS_errorDeclaration" => {
            given.none()?;
            Condition::ErrorDeclared
        }
        name => return other(name, given),
    })
}

/// Parameters that are made of parts.
fn other(name: &str, given: &Given<'_>) -> Result<Condition, BadQuery> {
    let unknown = || BadQuery::Unknown(excerpt(name));
    if let Some(what) = name.strip_prefix("MATCH_") {
        let roles = roles(what).ok_or_else(unknown)?;
        return Ok(Condition::Names {
            roles,
            patterns: given.patterns()?,
        });
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
                values: given.some()?.iter().map(|v| canonical(v)).collect(),
            });
        }
    }
    if let Some(field) = name.strip_prefix("EXISTS_") {
        let field = if STANDARD.contains(&field) {
            FieldName {
                in_ilmd: false,
                name: field.to_owned(),
            }
        } else {
            extension(field).ok_or_else(unknown)?
        };
        given.none()?;
        return Ok(Condition::Exists(field));
    }
    let (comparison, field) = comparison(name).ok_or_else(unknown)?;
    if field == "quantity" {
        let number = given.number()?;
        return Ok(Condition::Quantity { comparison, number });
    }
    let name = extension(field).ok_or_else(unknown)?;
    let values = given.some()?.to_vec();
    if comparison != Comparison::Equal {
        let one = given.one()?;
        if time_ms(one).is_none() {
            given.number()?;
        }
    }
    Ok(Condition::Field {
        name,
        comparison,
        values,
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
        _ => return None,
    };
    Some((comparison, field))
}

/// The name of an extension, which has a prefix or is a full URI; `ILMD_` before it means the
/// event's instance and lot master data.
fn extension(field: &str) -> Option<FieldName> {
    let (in_ilmd, name) = match field.strip_prefix("ILMD_") {
        Some(name) => (true, name),
        None => (false, field),
    };
    let (prefix, local) = name.split_once(':')?;
    (!prefix.is_empty() && !local.is_empty()).then(|| FieldName {
        in_ilmd,
        name: name.to_owned(),
    })
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

/// A parameter as it was given.
struct Given<'a> {
    name: &'a str,
    values: &'a [String],
}

impl Given<'_> {
    fn some(&self) -> Result<&[String], BadQuery> {
        if self.values.is_empty() || self.values.iter().any(String::is_empty) {
            return Err(BadQuery::NoValue(excerpt(self.name)));
        }
        Ok(self.values)
    }

    fn one(&self) -> Result<&str, BadQuery> {
        match self.some()? {
            [one] => Ok(one),
            _ => Err(BadQuery::NotOne(excerpt(self.name))),
        }
    }

    fn none(&self) -> Result<(), BadQuery> {
        match self.values.iter().all(String::is_empty) {
            true => Ok(()),
            false => Err(BadQuery::Flag(excerpt(self.name))),
        }
    }

    fn time(&self, field: TimeField, comparison: Comparison) -> Result<Condition, BadQuery> {
        let text = self.one()?;
        let ms = time_ms(text).ok_or_else(|| BadQuery::Time {
            name: excerpt(self.name),
            value: excerpt(text),
        })?;
        Ok(Condition::Time {
            field,
            comparison,
            ms,
        })
    }

    fn number(&self) -> Result<f64, BadQuery> {
        let text = self.one()?;
        let number = text.parse::<f64>().ok().filter(|n| n.is_finite());
        number.ok_or_else(|| self.no_number(text))
    }

    fn count(&self) -> Result<u64, BadQuery> {
        let text = self.one()?;
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let count = text.parse::<u64>().ok().filter(|n| digits && *n > 0);
        count.ok_or_else(|| self.no_number(text))
    }

    fn no_number(&self, text: &str) -> BadQuery {
        BadQuery::Number {
            name: excerpt(self.name),
            value: excerpt(text),
        }
    }

    fn word<T>(
        &self,
        allowed: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<T, BadQuery> {
        let text = self.one()?;
        read(text).ok_or_else(|| self.no_word(text, allowed))
    }

    fn no_word(&self, text: &str, allowed: &'static str) -> BadQuery {
        BadQuery::Word {
            name: excerpt(self.name),
            value: excerpt(text),
            allowed,
        }
    }

    fn event_types(&self) -> Result<Vec<EventType>, BadQuery> {
        const ALLOWED: &str = "ObjectEvent, AggregationEvent, TransactionEvent, \
                               TransformationEvent, AssociationEvent";
        let types = self.some()?.iter();
        types
            .map(|text| event_type(text).ok_or_else(|| self.no_word(text, ALLOWED)))
            .collect()
    }

    fn actions(&self) -> Result<Vec<Action>, BadQuery> {
        let actions = self.some()?.iter();
        actions
            .map(|text| match text.as_str() {
                "ADD" => Ok(Action::Add),
                "OBSERVE" => Ok(Action::Observe),
                "DELETE" => Ok(Action::Delete),
                other => Err(self.no_word(other, "ADD, OBSERVE, DELETE")),
            })
            .collect()
    }

    fn words(&self) -> Result<Vec<String>, BadQuery> {
        Ok(self
            .some()?
            .iter()
            .map(|text| word(text).to_owned())
            .collect())
    }

    fn persistent(&self, list: &'static str) -> Result<Condition, BadQuery> {
        let words = self.words()?;
        Ok(Condition::PersistentDisposition { list, words })
    }

    fn places(&self, field: PlaceField, with_descendants: bool) -> Result<Condition, BadQuery> {
        let places = self.some()?.iter();
        let places = places
            .map(|text| Identifier::parse(text).map_err(|reason| self.no_identifier(text, reason)));
        Ok(Condition::Place {
            field,
            places: places.collect::<Result<_, _>>()?,
            with_descendants,
        })
    }

    fn patterns(&self) -> Result<Vec<Pattern>, BadQuery> {
        let patterns = self.some()?.iter();
        patterns
            .map(|text| Pattern::read(text).map_err(|reason| self.no_identifier(text, reason)))
            .collect()
    }

    fn no_identifier(&self, text: &str, reason: IdentifierError) -> BadQuery {
        BadQuery::Identifier {
            name: excerpt(self.name),
            value: excerpt(text),
            reason,
        }
    }
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
