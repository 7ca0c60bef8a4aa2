//! What can be wrong with an event or document: one variant per rule, with a stable code.
//!
//! Consensus-critical: no

use thiserror::Error;

use super::identifier::IdentifierError;

/// A problem with an event or document: where it is, and which rule it breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path}: {rule}")]
pub struct EpcisError {
    /// Path from the root of what was parsed, such as `$.epcisBody.eventList[3].eventTime`; for XML
    /// an XPath, such as `/epcis:EPCISDocument/EPCISBody/EventList/ObjectEvent[3]/eventTime`.
    pub path: String,
    /// The broken rule.
    pub rule: EpcisRule,
}

/// The rules for EPCIS 2.0 events and documents in JSON, and for XML on its way there. Texts quoted from the input are
/// shortened, so a message stays small whatever was sent.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum EpcisRule {
    /// RFC 8259.
    #[error("not JSON: expected {expected} at byte {offset}")]
    NotJson {
        /// Byte in the input.
        offset: usize,
        /// What would have been right there.
        expected: &'static str,
    },
    /// RFC 7493 §2.3: readers differ on which of two equal names counts.
    #[error("the name {0:?} occurs twice in one object; keep one")]
    DuplicateKey(String),
    /// RFC 7493 §2.2: readers differ on integers beyond 2^53 - 1.
    #[error(
        "the number {0} is beyond what every JSON reader keeps exactly (integers up to 2^53 - 1); \
         write it as a string"
    )]
    NumberTooLarge(String),
    /// Size limit of this ledger.
    #[error("{bytes} bytes, and at most {limit} are accepted; split it")]
    TooLarge {
        /// Found size.
        bytes: usize,
        /// Accepted size.
        limit: usize,
    },
    /// Depth limit of this ledger.
    #[error("nested deeper than {limit} levels; flatten it")]
    TooDeep {
        /// Accepted depth.
        limit: usize,
    },
    /// The value has another JSON type than the standard gives the field.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// The type that the field has.
        expected: &'static str,
        /// The type that was found.
        found: &'static str,
    },
    /// EPCIS 2.0 §7.4: the five kinds of event; §10.2: documents.
    #[error(
        "unknown type {0:?}; known are ObjectEvent, AggregationEvent, AssociationEvent, \
         TransactionEvent, TransformationEvent, EPCISDocument and EPCISQueryDocument"
    )]
    UnknownEventType(String),
    /// EPCIS 2.0 §7.4: fields that the kind of event demands.
    #[error("the field {0} is missing or empty; add it")]
    MissingField(&'static str),
    /// EPCIS 2.0 §7.1: fields beside the standard's need a namespace of their own.
    #[error(
        "the field {0:?} isn't one of the standard here; give an extension a namespace prefix \
         (`example:field`) declared in @context"
    )]
    UnknownField(String),
    /// RFC 3339 date-time with zone (EPCIS 2.0 §7.3.1).
    #[error(
        "{0:?} isn't a date and time with zone, such as 2026-03-01T08:30:00Z or \
         2026-03-01T08:30:00.250+08:00"
    )]
    BadTime(String),
    /// EPCIS 2.0 §7.4.1: `eventTimeZoneOffset`.
    #[error("{0:?} isn't an offset from UTC such as +08:00 or -05:30, up to 14:00")]
    BadTimeZoneOffset(String),
    /// EPCIS 2.0 §7.3.2.
    #[error("the action {0:?} is unknown; use ADD, OBSERVE or DELETE")]
    BadAction(String),
    /// CBV 2.0 §7.1.
    #[error(
        "the business step {0:?} isn't in the Core Business Vocabulary 2.0; use one of it, or \
         the full URI of your own"
    )]
    UnknownBizStep(String),
    /// CBV 2.0 §7.2.
    #[error(
        "the disposition {0:?} isn't in the Core Business Vocabulary 2.0; use one of it, or the \
         full URI of your own"
    )]
    UnknownDisposition(String),
    /// CBV 2.0 §7.3 to §7.5: types of transactions, sources and destinations; reasons of errors.
    #[error("{term:?} isn't a {vocabulary} of the Core Business Vocabulary 2.0; use its full URI")]
    UnknownTerm {
        /// Which list was searched.
        vocabulary: &'static str,
        /// What was not in it.
        term: String,
    },
    /// EPCIS 2.0 §7.4: an event says what it is about.
    #[error("the event names no object, container, class, or sensor's read point; name one")]
    NoIdentifier,
    /// EPCIS 2.0 §7.4.3, §7.4.6: only DELETE may leave the children out, meaning all of them.
    #[error("no child is named, and only the action DELETE may leave the children out; name them")]
    NoChild,
    /// Identifiers (TDS 2.0, GS1 Digital Link 1.3).
    #[error("{value:?} can't be used as an identifier: {reason}")]
    BadIdentifier {
        /// What was given.
        value: String,
        /// What is wrong with it.
        reason: IdentifierError,
    },
    /// RFC 3986.
    #[error("{0:?} isn't an absolute URI; percent-encode what RFC 3986 doesn't allow")]
    BadUri(String),
    /// UN/ECE Recommendation 20 codes (EPCIS 2.0 §7.3.3.3).
    #[error(
        "{0:?} isn't a unit code of UN/ECE Recommendation 20, such as KGM; two or three of A-Z, 0-9"
    )]
    BadUnit(String),
    /// EPCIS 2.0 §10.2: JSON documents and single events carry their context.
    #[error(
        "no @context; add \"@context\": \
         [\"https://ref.gs1.org/standards/epcis/epcis-context.jsonld\"]"
    )]
    MissingContext,
    /// EPCIS 2.0 §7.3.8: master data of an instance or lot is all extension fields.
    #[error(
        "the field {0:?} of ilmd has no namespace; give it a prefix (`example:field`) declared in \
         @context"
    )]
    IlmdWithoutNamespace(String),
    /// EPCIS 2.0 §7.4.2: master data is given when objects begin.
    #[error("ilmd is only allowed when objects begin: with action ADD; remove it")]
    IlmdNotAllowed,
    /// EPCIS 2.0 §10.2: `schemaVersion`.
    #[error("the schema version {0:?} isn't supported; write the document as EPCIS 2.0")]
    BadSchemaVersion(String),
    /// XML 1.0, Namespaces in XML 1.0.
    #[error("not XML: {problem}, at byte {offset}")]
    NotXml {
        /// Byte in the input.
        offset: usize,
        /// What is wrong there.
        problem: &'static str,
    },
    /// XML 1.0 §2.8: a document type can name files to read and text to multiply.
    #[error("the document has a DOCTYPE, which isn't accepted; remove it")]
    XmlDoctype,
    /// XML 1.0 §4.6: without a document type there are five entities.
    #[error("the entity &{0}; isn't one of XML's own; write the text itself")]
    XmlEntity(String),
    /// Namespaces in XML 1.0 §5.
    #[error("the prefix {0:?} isn't declared; add xmlns:{0}=\"…\"")]
    UnboundPrefix(String),
    /// EPCIS 2.0 §9: what an element of the standard holds.
    #[error("found {found}, expected {expected}")]
    UnexpectedContent {
        /// What stands there.
        found: String,
        /// What the standard has there.
        expected: &'static str,
    },
    /// Limit of this ledger.
    #[error("more than {limit} {what}; split it")]
    TooMany {
        /// What is counted.
        what: &'static str,
        /// How many are accepted.
        limit: usize,
    },
}

impl EpcisRule {
    /// The stable name of the rule, which clients may match.
    pub fn code(&self) -> &'static str {
        match self {
            EpcisRule::NotJson { .. } => "not-json",
            EpcisRule::DuplicateKey(_) => "duplicate-key",
            EpcisRule::NumberTooLarge(_) => "number-too-large",
            EpcisRule::TooLarge { .. } => "too-large",
            EpcisRule::TooDeep { .. } => "too-deep",
            EpcisRule::WrongType { .. } => "wrong-type",
            EpcisRule::UnknownEventType(_) => "unknown-event-type",
            EpcisRule::MissingField(_) => "missing-field",
            EpcisRule::UnknownField(_) => "unknown-field",
            EpcisRule::BadTime(_) => "bad-time",
            EpcisRule::BadTimeZoneOffset(_) => "bad-time-zone-offset",
            EpcisRule::BadAction(_) => "bad-action",
            EpcisRule::UnknownBizStep(_) => "unknown-biz-step",
            EpcisRule::UnknownDisposition(_) => "unknown-disposition",
            EpcisRule::UnknownTerm { .. } => "unknown-term",
            EpcisRule::NoIdentifier => "no-identifier",
            EpcisRule::NoChild => "no-child",
            EpcisRule::BadIdentifier { .. } => "bad-identifier",
            EpcisRule::BadUri(_) => "bad-uri",
            EpcisRule::BadUnit(_) => "bad-unit",
            EpcisRule::MissingContext => "missing-context",
            EpcisRule::IlmdWithoutNamespace(_) => "ilmd-without-namespace",
            EpcisRule::IlmdNotAllowed => "ilmd-not-allowed",
            EpcisRule::BadSchemaVersion(_) => "bad-schema-version",
            EpcisRule::NotXml { .. } => "not-xml",
            EpcisRule::XmlDoctype => "xml-doctype",
            EpcisRule::XmlEntity(_) => "xml-entity",
            EpcisRule::UnboundPrefix(_) => "unbound-prefix",
            EpcisRule::UnexpectedContent { .. } => "unexpected-content",
            EpcisRule::TooMany { .. } => "too-many",
        }
    }

    pub(super) fn at(self, path: &Path<'_>) -> EpcisError {
        EpcisError {
            path: shorten(&path.to_string(), MAX_PATH),
            rule: self,
        }
    }

    /// At a place of an XML document.
    pub(super) fn at_xml(self, path: String) -> EpcisError {
        EpcisError {
            path: shorten(&path, MAX_PATH),
            rule: self,
        }
    }
}

/// Where a value is. Kept as a chain of borrowed steps: it costs nothing until an error needs it.
pub(super) enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    pub(super) fn field(&'a self, name: &'a str) -> Path<'a> {
        Path::Field(self, name)
    }

    pub(super) fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }
}

impl std::fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Path::Root => f.write_str("$"),
            Path::Field(parent, name) => write!(f, "{parent}.{}", excerpt(name).escape_debug()),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// The longest path in an error, in characters. Paths of the standard's fields are far shorter;
/// extensions may be nested deeply under long names.
const MAX_PATH: usize = 400;

/// At most 80 characters of a text from outside, so that messages stay small.
pub(super) fn excerpt(text: &str) -> String {
    shorten(text, 80)
}

fn shorten(text: &str, characters: usize) -> String {
    let mut short: String = text.chars().take(characters).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
