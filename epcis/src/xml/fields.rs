//! The elements of EPCIS events in XML, and the JSON that each becomes (EPCIS 2.0 §9, §10).
//!
//! Consensus-critical: no

use crate::cbv::Vocabulary;

/// What an element or attribute holds.
pub(super) enum Content {
    Text,
    Number,
    Flag,
    /// A word of the Core Business Vocabulary.
    Word(Vocabulary),
    /// A word of another vocabulary, perhaps with a prefix.
    Open,
    /// Elements of this name, each with the same content.
    List(&'static str, &'static Content),
    /// Fields, as elements or attributes, and extensions.
    Object(&'static [XmlField]),
    /// A `type` and a text, which becomes the field of this name.
    Typed(&'static str, Vocabulary),
}

/// An element or attribute of the standard.
pub(super) struct XmlField {
    pub(super) name: &'static str,
    pub(super) content: Content,
    pub(super) many: Many,
}

/// How often an element may stand in its parent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Many {
    Once,
    /// One is a value, several are a list.
    OneOrList,
    /// A list, however many there are.
    List,
}

const fn once(name: &'static str, content: Content) -> XmlField {
    XmlField {
        name,
        content,
        many: Many::Once,
    }
}

const EPCS: Content = Content::List("epc", &Content::Text);
const DISPOSITION: Content = Content::Word(Vocabulary::Disposition);
const PLACE: Content = Content::Object(&[once("id", Content::Text)]);
const QUANTITIES: Content = Content::List(
    "quantityElement",
    &Content::Object(&[
        once("epcClass", Content::Text),
        once("quantity", Content::Number),
        once("uom", Content::Text),
    ]),
);

/// The fields of all kinds of event: which kind has which is checked on the JSON.
pub(super) const EVENT: &[XmlField] = &[
    once("eventTime", Content::Text),
    once("recordTime", Content::Text),
    once("eventTimeZoneOffset", Content::Text),
    once("eventID", Content::Text),
    XmlField {
        name: "certificationInfo",
        content: Content::Text,
        many: Many::OneOrList,
    },
    once(
        "errorDeclaration",
        Content::Object(&[
            once("declarationTime", Content::Text),
            once("reason", Content::Word(Vocabulary::ErrorReason)),
            once(
                "correctiveEventIDs",
                Content::List("correctiveEventID", &Content::Text),
            ),
        ]),
    ),
    once("epcList", EPCS),
    once("childEPCs", EPCS),
    once("inputEPCList", EPCS),
    once("outputEPCList", EPCS),
    once("quantityList", QUANTITIES),
    once("childQuantityList", QUANTITIES),
    once("inputQuantityList", QUANTITIES),
    once("outputQuantityList", QUANTITIES),
    once("parentID", Content::Text),
    once("action", Content::Text),
    once("transformationID", Content::Text),
    once("bizStep", Content::Word(Vocabulary::BizStep)),
    once("disposition", DISPOSITION),
    once(
        "persistentDisposition",
        Content::Object(&[
            XmlField {
                name: "set",
                content: DISPOSITION,
                many: Many::List,
            },
            XmlField {
                name: "unset",
                content: DISPOSITION,
                many: Many::List,
            },
        ]),
    ),
    once("readPoint", PLACE),
    once("bizLocation", PLACE),
    once(
        "bizTransactionList",
        Content::List(
            "bizTransaction",
            &Content::Typed("bizTransaction", Vocabulary::TransactionType),
        ),
    ),
    once(
        "sourceList",
        Content::List("source", &Content::Typed("source", Vocabulary::SourceType)),
    ),
    once(
        "destinationList",
        Content::List(
            "destination",
            &Content::Typed("destination", Vocabulary::SourceType),
        ),
    ),
    once(
        "sensorElementList",
        Content::List("sensorElement", &Content::Object(SENSOR_ELEMENT)),
    ),
    once("ilmd", Content::Object(&[])),
];

/// The fields of a `QuantityEvent` (EPCIS 1.0 §7.2.11): it has no action.
pub(super) const QUANTITY_EVENT_FIELDS: &[XmlField] = &[
    once("eventTime", Content::Text),
    once("recordTime", Content::Text),
    once("eventTimeZoneOffset", Content::Text),
    once("eventID", Content::Text),
    once("epcClass", Content::Text),
    once("quantity", Content::Number),
    once("bizStep", Content::Word(Vocabulary::BizStep)),
    once("disposition", DISPOSITION),
    once("readPoint", PLACE),
    once("bizLocation", PLACE),
    once(
        "bizTransactionList",
        Content::List(
            "bizTransaction",
            &Content::Typed("bizTransaction", Vocabulary::TransactionType),
        ),
    ),
];

const SENSOR_ELEMENT: &[XmlField] = &[
    once("sensorMetadata", Content::Object(&[])),
    XmlField {
        name: "sensorReport",
        content: Content::Object(&[
            once("type", Content::Open),
            once("exception", Content::Open),
            once("component", Content::Open),
            once("value", Content::Number),
            once("minValue", Content::Number),
            once("maxValue", Content::Number),
            once("meanValue", Content::Number),
            once("sDev", Content::Number),
            once("percRank", Content::Number),
            once("percValue", Content::Number),
            once("booleanValue", Content::Flag),
        ]),
        many: Many::List,
    },
];
