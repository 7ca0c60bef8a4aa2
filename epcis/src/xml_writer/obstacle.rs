//! Why an event has no form in XML.
//!
//! Consensus-critical: no

use thiserror::Error;

/// What stands in the way, and where in the event it is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path}: {obstacle}")]
pub struct XmlFormError {
    /// A JSON path from the event.
    pub path: String,
    /// What stands in the way.
    pub obstacle: XmlObstacle,
}

/// What XML can't say, or not so that it is read back as the same.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum XmlObstacle {
    /// Namespaces in XML 1.0 §3: a local name is an NCName.
    #[error("{0:?} can't be the name of an element in XML")]
    Name(String),
    /// The namespace of a name is declared in a context that isn't read.
    #[error("what the prefix {0:?} stands for is known from a context elsewhere alone")]
    Prefix(String),
    /// An element that is repeated is a list: a list in it has no name.
    #[error("a list in a list has no form in XML")]
    NestedList,
    /// An element that is repeated no times isn't there.
    #[error("an empty list has no form in XML")]
    EmptyList,
    /// Text beside elements.
    #[error("a text beside fields that are elements isn't read back")]
    MixedContent,
    /// XML 1.0 §2.2.
    #[error("the character U+{0:04X} isn't allowed in XML")]
    Character(u32),
    /// An attribute, as the standard's sensor data have, is a text.
    #[error("an attribute in XML holds a text alone")]
    Attribute,
    /// XML Schema has no exponent in a decimal.
    #[error("this number is no decimal of XML")]
    Decimal,
    /// XML Schema's `hexBinary` has whole bytes.
    #[error("hexadecimal digits come in pairs in XML")]
    Hex,
    /// GS1's schema has the element once.
    #[error("GS1's schema for XML takes one {0}")]
    Once(&'static str),
    /// It isn't an event.
    #[error("it can't be read")]
    Unreadable,
    /// What was written is read as something else.
    #[error("read back from XML, the event would say something else")]
    Different,
}

impl XmlObstacle {
    pub(super) fn at(self, path: &str) -> XmlFormError {
        XmlFormError {
            path: path.to_owned(),
            obstacle: self,
        }
    }

    /// Its stable name.
    pub fn code(&self) -> &'static str {
        match self {
            XmlObstacle::Name(_) => "xml-name",
            XmlObstacle::Prefix(_) => "xml-prefix",
            XmlObstacle::NestedList => "xml-nested-list",
            XmlObstacle::EmptyList => "xml-empty-list",
            XmlObstacle::MixedContent => "xml-mixed-content",
            XmlObstacle::Character(_) => "xml-character",
            XmlObstacle::Attribute => "xml-attribute",
            XmlObstacle::Decimal => "xml-decimal",
            XmlObstacle::Hex => "xml-hex",
            XmlObstacle::Once(_) => "xml-once",
            XmlObstacle::Unreadable => "xml-unreadable",
            XmlObstacle::Different => "xml-different",
        }
    }
}
