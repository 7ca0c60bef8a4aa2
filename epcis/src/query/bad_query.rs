//! Why parameters are no query.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::limits::{MAX_PARAMETERS, MAX_VALUE_BYTES, MAX_VALUES};
use crate::identifier::IdentifierError;

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
    /// EPCIS 2.0 §8.2.7.1: a parameter that asks whether a field is there.
    #[error("{0} is true or false, or has no value: it asks whether the field is there")]
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
    /// A `*` where no pattern can have one.
    #[error(
        "{name}: {value:?}: a pattern leaves whole parts open (urn:epc:idpat:sgtin:9521234.*.*), \
         or the end of a serial number or address (https://id.gs1.org/01/09521234500018/21/A*)"
    )]
    Pattern {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
    },
    /// JSON-LD 1.1 §4.1: two parties may mean different fields by one prefix.
    #[error(
        "{name}: what does the prefix {prefix:?} stand for? Say so in the header GS1-Extensions \
         ({prefix}=https://…), in the @context of a named query, or write the field's full URI"
    )]
    UndeclaredPrefix {
        /// The parameter.
        name: String,
        /// The prefix.
        prefix: String,
    },
    /// A declaration of a prefix that isn't one.
    #[error(
        "{0:?} declares no prefix; write prefix=namespace, such as example=https://ns.example/"
    )]
    Declaration(String),
    /// EPCIS 2.0 §8.2.7.1, `HASATTR_` and `EQATTR_`: a field whose values have no master data.
    #[error(
        "{0}: places have master data here; write HASATTR_readPoint, HASATTR_bizLocation, or \
         EQATTR_bizLocation_ and the attribute's name"
    )]
    MasterData(String),
    /// A value of a JSON type that the parameter doesn't have.
    #[error(
        "the value of {0:?} is no text, number, boolean or null, and no list of texts or numbers"
    )]
    JsonType(String),
    /// A definition that isn't an object.
    #[error("a query is an object of parameters")]
    NotAnObject,
    /// EPCIS 2.0 §8.2.7.1: one of the two.
    #[error("eventCountLimit and maxEventCount exclude one another; leave one out")]
    TwoLimits,
    /// A direction of no order.
    #[error("orderDirection says nothing without orderBy")]
    DirectionAlone,
}
