//! The standard's fields as elements, in the order of GS1's schema (EPCglobal-epcis-2_0.xsd).
//!
//! Consensus-critical: no

use super::obstacle::{XmlFormError, XmlObstacle};
use super::text::attribute_value;
use super::{XmlRecord, XmlWriter};
use crate::cbv::Vocabulary;
use crate::hash::{COMPONENTS, EventContext, number};
use crate::json::{JsonValue, Node};
use crate::prefixes::GS1_VOCABULARY;

/// How a field's value is written.
#[derive(Clone, Copy)]
enum Form {
    Text,
    /// A URI: a prefix of the event's context is written in full.
    Uri,
    /// A number without exponent.
    Decimal,
    /// A word of a vocabulary, in full.
    Word(Vocabulary),
    /// A word of an open vocabulary, whose full names begin so.
    Open(&'static str),
    /// Whole bytes in hexadecimal digits.
    Hex,
    /// A URI that GS1's schema has once.
    OneUri,
    /// The elements of this name, one for each value.
    Each(&'static str, &'static Form),
    /// As [`Form::Each`], where the schema has no empty list: that is left out.
    Some(&'static str, &'static Form),
    /// An element for each value, without one around them.
    Repeated(&'static Form),
    /// Fields as elements, then extensions.
    Elements(&'static [(&'static str, Form)]),
    /// Fields as attributes, extensions too.
    Attributes(&'static [(&'static str, Form)]),
    /// An attribute `type` of a vocabulary, and the field of this name as its text.
    Typed(&'static str, Vocabulary),
}

type Fields = &'static [(&'static str, Form)];

/// What all events begin with.
const HEAD: Fields = &[
    ("eventTime", Form::Text),
    ("recordTime", Form::Text),
    ("eventTimeZoneOffset", Form::Text),
    ("eventID", Form::Text),
    (
        "errorDeclaration",
        Form::Elements(&[
            ("declarationTime", Form::Text),
            ("reason", Form::Word(Vocabulary::ErrorReason)),
            (
                "correctiveEventIDs",
                Form::Each("correctiveEventID", &Form::Text),
            ),
        ]),
    ),
    ("certificationInfo", Form::OneUri),
];

const OBJECT: Fields = &[
    ("epcList", EPCS),
    ("action", Form::Text),
    ("bizStep", BIZ_STEP),
    ("disposition", DISPOSITION),
    ("readPoint", PLACE),
    ("bizLocation", PLACE),
    ("bizTransactionList", TRANSACTIONS),
    ("quantityList", QUANTITIES),
];

const AGGREGATION: Fields = &[
    ("parentID", Form::Text),
    ("childEPCs", EPCS),
    ("action", Form::Text),
    ("bizStep", BIZ_STEP),
    ("disposition", DISPOSITION),
    ("readPoint", PLACE),
    ("bizLocation", PLACE),
    ("bizTransactionList", TRANSACTIONS),
    ("childQuantityList", QUANTITIES),
];

const ASSOCIATION: Fields = &[
    ("parentID", Form::Text),
    ("childEPCs", EPCS),
    ("childQuantityList", QUANTITIES),
    ("action", Form::Text),
    ("bizStep", BIZ_STEP),
    ("disposition", DISPOSITION),
    ("readPoint", PLACE),
    ("bizLocation", PLACE),
    ("bizTransactionList", TRANSACTIONS),
];

const TRANSACTION: Fields = &[
    ("bizTransactionList", TRANSACTIONS),
    ("parentID", Form::Text),
    ("epcList", EPCS),
    ("action", Form::Text),
    ("bizStep", BIZ_STEP),
    ("disposition", DISPOSITION),
    ("readPoint", PLACE),
    ("bizLocation", PLACE),
    ("quantityList", QUANTITIES),
];

const TRANSFORMATION: Fields = &[
    ("inputEPCList", EPCS),
    ("inputQuantityList", QUANTITIES),
    ("outputEPCList", EPCS),
    ("outputQuantityList", QUANTITIES),
    ("transformationID", Form::Uri),
    ("bizStep", BIZ_STEP),
    ("disposition", DISPOSITION),
    ("readPoint", PLACE),
    ("bizLocation", PLACE),
    ("bizTransactionList", TRANSACTIONS),
];

/// What all events end with. Two kinds may have `ilmd`; in others nobody reads one.
const TAIL: Fields = &[
    ("sourceList", SOURCES),
    ("destinationList", DESTINATIONS),
    ("sensorElementList", SENSORS),
    ("persistentDisposition", PERSISTENT),
    ("ilmd", Form::Elements(&[])),
];

const EPCS: Form = Form::Each("epc", &Form::Text);
const BIZ_STEP: Form = Form::Word(Vocabulary::BizStep);
const DISPOSITION: Form = Form::Word(Vocabulary::Disposition);
const PLACE: Form = Form::Elements(&[("id", Form::Text)]);
const PERSISTENT: Form = Form::Elements(&[
    ("unset", Form::Repeated(&DISPOSITION)),
    ("set", Form::Repeated(&DISPOSITION)),
]);
const QUANTITIES: Form = Form::Each(
    "quantityElement",
    &Form::Elements(&[
        ("epcClass", Form::Text),
        ("quantity", Form::Decimal),
        ("uom", Form::Text),
    ]),
);
const TRANSACTIONS: Form = Form::Some(
    "bizTransaction",
    &Form::Typed("bizTransaction", Vocabulary::TransactionType),
);
const SOURCES: Form = Form::Some("source", &Form::Typed("source", Vocabulary::SourceType));
const DESTINATIONS: Form = Form::Some(
    "destination",
    &Form::Typed("destination", Vocabulary::SourceType),
);
const SENSORS: Form = Form::Some(
    "sensorElement",
    &Form::Elements(&[
        ("sensorMetadata", Form::Attributes(METADATA)),
        ("sensorReport", Form::Repeated(&Form::Attributes(REPORT))),
    ]),
);
const METADATA: Fields = &[
    ("time", Form::Text),
    ("startTime", Form::Text),
    ("endTime", Form::Text),
    ("deviceID", Form::Uri),
    ("deviceMetadata", Form::Uri),
    ("rawData", Form::Uri),
    ("dataProcessingMethod", Form::Uri),
    ("bizRules", Form::Uri),
];
const REPORT: Fields = &[
    ("type", Form::Open(GS1_VOCABULARY)),
    ("exception", Form::Open(GS1_VOCABULARY)),
    ("deviceID", Form::Uri),
    ("deviceMetadata", Form::Uri),
    ("rawData", Form::Uri),
    ("dataProcessingMethod", Form::Uri),
    ("time", Form::Text),
    ("microorganism", Form::Uri),
    ("chemicalSubstance", Form::Uri),
    ("value", Form::Text),
    ("component", Form::Open(COMPONENTS)),
    ("stringValue", Form::Text),
    ("booleanValue", Form::Text),
    ("hexBinaryValue", Form::Hex),
    ("uriValue", Form::Uri),
    ("minValue", Form::Text),
    ("maxValue", Form::Text),
    ("meanValue", Form::Text),
    ("sDev", Form::Text),
    ("percRank", Form::Text),
    ("percValue", Form::Text),
    ("uom", Form::Text),
    ("coordinateReferenceSystem", Form::Uri),
    ("bizRules", Form::Uri),
];

impl XmlWriter {
    /// Writes what is in an event; gives the attributes of its own element.
    pub(super) fn event(
        &mut self,
        kind: &str,
        event: &Node<'_>,
        scope: &EventContext,
        record: Option<&XmlRecord<'_>>,
    ) -> Result<String, XmlFormError> {
        let own = match kind {
            "ObjectEvent" => OBJECT,
            "AggregationEvent" => AGGREGATION,
            "AssociationEvent" => ASSOCIATION,
            "TransactionEvent" => TRANSACTION,
            "TransformationEvent" => TRANSFORMATION,
            _ => return Err(XmlObstacle::Unreadable.at("$.type")),
        };
        for (name, form) in HEAD {
            match (event.get(name), record) {
                (Some(node), _) => self.field(name, node, form, scope, &format!("$.{name}"))?,
                (None, Some(record)) if *name == "recordTime" => {
                    self.text(name, record.record_time, "$")?;
                }
                (None, _) => {}
            }
        }
        for (name, form) in own.iter().chain(TAIL) {
            if let Some(node) = event.get(name) {
                self.field(name, node, form, scope, &format!("$.{name}"))?;
            }
        }
        let claimed = record.map(|record| (record.namespace, record.name));
        let attributes = self.extensions(event, scope, "$", claimed)?;
        if let Some(record) = record {
            self.record(record)?;
        }
        Ok(attributes)
    }

    /// What the server says, in its namespace.
    fn record(&mut self, record: &XmlRecord<'_>) -> Result<(), XmlFormError> {
        let mut prefix = record.prefix.to_owned();
        let is_taken = |prefix: &String, writer: &XmlWriter| {
            let mut others = writer.prefixes.iter();
            others.any(|(namespace, taken)| taken == prefix && namespace != record.namespace)
        };
        while is_taken(&prefix, self) {
            prefix.push('_');
        }
        self.prefixes
            .insert(record.namespace.to_owned(), prefix.clone());
        let name = format!("{prefix}:{}", record.name);
        self.open(&name);
        for (field, text) in &record.fields {
            self.text(&format!("{prefix}:{field}"), text, "$")?;
        }
        self.close(&name);
        Ok(())
    }

    fn field(
        &mut self,
        name: &str,
        node: &Node<'_>,
        form: &Form,
        scope: &EventContext,
        path: &str,
    ) -> Result<(), XmlFormError> {
        match form {
            Form::Each(element, each) => {
                self.open(name);
                self.each(element, node, each, scope, path)?;
                self.close(name);
                Ok(())
            }
            Form::Some(element, each) => match values(node) {
                [] => Ok(()),
                _ => self.field(name, node, &Form::Each(element, each), scope, path),
            },
            Form::Repeated(each) => self.each(name, node, each, scope, path),
            Form::Elements(fields) => {
                let start = self.out.len();
                for (field, form) in *fields {
                    if let Some(node) = node.get(field) {
                        self.field(field, node, form, scope, &format!("{path}.{field}"))?;
                    }
                }
                let attributes = self.extensions(node, scope, path, None)?;
                self.out.insert_str(start, &format!("<{name}{attributes}>"));
                self.close(name);
                Ok(())
            }
            Form::Attributes(fields) => {
                let mut attributes = String::new();
                for (field, form) in *fields {
                    if let Some(node) = node.get(field) {
                        let path = format!("{path}.{field}");
                        let text = self.scalar(node, form, scope, &path)?;
                        let value = attribute_value(&text, &path)?;
                        attributes.push_str(&format!(" {field}=\"{value}\""));
                    }
                }
                let more = self.extension_attributes(node, scope, path)?;
                self.out.push_str(&format!("<{name}{attributes}{more}/>"));
                Ok(())
            }
            Form::Typed(field, vocabulary) => {
                let mut attributes = String::new();
                if let Some(node) = node.get("type") {
                    let path = format!("{path}.type");
                    let word = self.scalar(node, &Form::Word(*vocabulary), scope, &path)?;
                    let value = attribute_value(&word, &path)?;
                    attributes = format!(" type=\"{value}\"");
                }
                let more = self.extension_attributes(node, scope, path)?;
                let path = format!("{path}.{field}");
                let text = match node.get(field) {
                    Some(node) => self.scalar(node, &Form::Uri, scope, &path)?,
                    None => return Err(XmlObstacle::Unreadable.at(&path)),
                };
                let text = super::element_text(&text, &path)?;
                self.out
                    .push_str(&format!("<{name}{attributes}{more}>{text}</{name}>"));
                Ok(())
            }
            Form::OneUri => match values(node) {
                [one] => self.field(name, one, &Form::Uri, scope, path),
                [] => Ok(()),
                _ => Err(XmlObstacle::Once("certificationInfo").at(path)),
            },
            form => {
                let text = self.scalar(node, form, scope, path)?;
                self.text(name, &text, path)
            }
        }
    }

    fn each(
        &mut self,
        name: &str,
        node: &Node<'_>,
        form: &Form,
        scope: &EventContext,
        path: &str,
    ) -> Result<(), XmlFormError> {
        for (index, node) in values(node).iter().enumerate() {
            self.field(name, node, form, scope, &format!("{path}[{index}]"))?;
        }
        Ok(())
    }

    /// A value as a text.
    fn scalar(
        &self,
        node: &Node<'_>,
        form: &Form,
        scope: &EventContext,
        path: &str,
    ) -> Result<String, XmlFormError> {
        let text = match &node.value {
            JsonValue::Text(text) => text.as_ref(),
            JsonValue::Number | JsonValue::Bool => node.source,
            _ => return Err(XmlObstacle::Unreadable.at(path)),
        };
        match form {
            Form::Uri => Ok(scope.expand(text)),
            Form::Decimal if text.contains(['e', 'E']) => {
                number(text).ok_or_else(|| XmlObstacle::Decimal.at(path))
            }
            Form::Word(vocabulary) => Ok(match vocabulary.resolve(text) {
                Some(word) if !word.contains(':') && self.urns => {
                    format!("{}{word}", vocabulary.urn())
                }
                Some(word) if !word.contains(':') => format!("{}{word}", vocabulary.uri()),
                _ => scope.expand(text),
            }),
            Form::Open(namespace) => Ok(match text.contains(':') {
                true => scope.expand(text),
                false => format!("{namespace}{text}"),
            }),
            Form::Hex if text.len() % 2 == 1 => Err(XmlObstacle::Hex.at(path)),
            _ => Ok(text.to_owned()),
        }
    }
}

/// The values of a list, or the one value.
fn values<'a, 'b>(node: &'a Node<'b>) -> &'a [Node<'b>] {
    match &node.value {
        JsonValue::List(nodes) => nodes,
        _ => std::slice::from_ref(node),
    }
}
