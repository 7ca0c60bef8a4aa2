//! Why the rules of master data refuse a transaction: codes 800 to 819.
//! Codes are stable and never reused; clients may match on them.
//!
//! Consensus-critical: no

use std::ops::RangeInclusive;

use thiserror::Error;

use super::limits::{
    MAX_ATTRIBUTE_DEPTH, MAX_ATTRIBUTE_NAME_BYTES, MAX_ATTRIBUTE_TEXT_BYTES, MAX_ATTRIBUTES,
    MAX_ELEMENT_BYTES, MAX_ELEMENTS, MAX_VOCABULARIES,
};

/// Which rule of master data a transaction breaks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MasterDataRejection {
    // 8xx: master data
    /// Of no identifier, or of too many.
    #[error(
        "a transaction states master data of 1 to {max} identifiers, this one of {found}; split it",
        max = MAX_ELEMENTS
    )]
    ElementCount {
        /// Identifiers found.
        found: usize,
    },
    /// Not in order.
    #[error("the identifiers of a transaction ascend, each once")]
    ElementOrder,
    /// Master data is stated of GS1 keys in their one spelling.
    #[error(
        "{0:?} is no GS1 key in canonical form, such as https://id.gs1.org/01/GTIN or https://id.gs1.org/414/GLN"
    )]
    ElementId(String),
    /// Somebody else's identifier, or nobody's.
    #[error(
        "the GS1 company prefix of {id} is registered with {holder}; only that states its master data"
    )]
    NotPrefixOwner {
        /// The identifier.
        id: String,
        /// Whose prefix it is.
        holder: String,
    },
    /// Stated without the knowledge of the current version, or signed twice.
    #[error(
        "the next version of {id} is {expected}, not {found}; look at the current one, and state it anew"
    )]
    ElementVersion {
        /// The identifier.
        id: String,
        /// The version that may come.
        expected: u64,
        /// The version that was stated.
        found: u64,
    },
    /// The same again, or nothing of an identifier without master data.
    #[error("{0} has exactly this master data already; nothing was left to record")]
    NothingNew(String),
    /// Vocabularies.
    #[error(
        "{0} belongs to 1 to {max} vocabularies, named by URIs, ascending, each once",
        max = MAX_VOCABULARIES
    )]
    ElementTypes(String),
    /// What an attribute is called.
    #[error(
        "{id}: {name:?} names no attribute: a URI of at most {max} bytes, such as \
         urn:epcglobal:cbv:mda#descriptionShort; a field in it may have a name without a namespace",
        max = MAX_ATTRIBUTE_NAME_BYTES
    )]
    AttributeName {
        /// The identifier.
        id: String,
        /// The name.
        name: String,
    },
    /// What an attribute says.
    #[error(
        "{id}: {name} has a text of 1 to {max} bytes without control characters, or fields, and not both",
        max = MAX_ATTRIBUTE_TEXT_BYTES
    )]
    AttributeValue {
        /// The identifier.
        id: String,
        /// The attribute.
        name: String,
    },
    /// Not in order.
    #[error("{0}: attributes ascend by name and then by encoding, each once")]
    AttributeOrder(String),
    /// Fields in fields in fields.
    #[error("{0}: attributes lie at most {max} deep", max = MAX_ATTRIBUTE_DEPTH)]
    AttributeDepth(String),
    /// Too many attributes.
    #[error("{0} has at most {max} attributes, those in attributes counted too", max = MAX_ATTRIBUTES)]
    AttributeCount(String),
    /// What belongs to it.
    #[error(
        "{0}: its children are GS1 keys in canonical form, ascending, each once, and not itself"
    )]
    ElementChildren(String),
    /// Too many bytes.
    #[error("what is stated of {id} has {bytes} bytes, at most {max} are allowed", max = MAX_ELEMENT_BYTES)]
    ElementTooLarge {
        /// The identifier.
        id: String,
        /// Bytes of its encoding.
        bytes: usize,
    },
}

impl MasterDataRejection {
    /// The codes of these rules.
    pub const CODES: RangeInclusive<u32> = 800..=819;

    /// The stable code.
    pub fn code(&self) -> u32 {
        match self {
            MasterDataRejection::ElementCount { .. } => 800,
            MasterDataRejection::ElementOrder => 801,
            MasterDataRejection::ElementId(_) => 802,
            MasterDataRejection::NotPrefixOwner { .. } => 803,
            MasterDataRejection::ElementVersion { .. } => 804,
            MasterDataRejection::NothingNew(_) => 805,
            MasterDataRejection::ElementTypes(_) => 806,
            MasterDataRejection::AttributeName { .. } => 807,
            MasterDataRejection::AttributeValue { .. } => 808,
            MasterDataRejection::AttributeOrder(_) => 809,
            MasterDataRejection::AttributeDepth(_) => 810,
            MasterDataRejection::AttributeCount(_) => 811,
            MasterDataRejection::ElementChildren(_) => 812,
            MasterDataRejection::ElementTooLarge { .. } => 813,
        }
    }

    /// The name of the rule that is broken.
    pub fn rule(&self) -> &'static str {
        match self {
            MasterDataRejection::ElementCount { .. } => "master-data-count",
            MasterDataRejection::ElementOrder => "master-data-order",
            MasterDataRejection::ElementId(_) => "master-data-identifier",
            MasterDataRejection::NotPrefixOwner { .. } => "master-data-prefix-owner",
            MasterDataRejection::ElementVersion { .. } => "master-data-version",
            MasterDataRejection::NothingNew(_) => "master-data-new",
            MasterDataRejection::ElementTypes(_) => "master-data-vocabularies",
            MasterDataRejection::AttributeName { .. } => "attribute-name",
            MasterDataRejection::AttributeValue { .. } => "attribute-value",
            MasterDataRejection::AttributeOrder(_) => "attribute-order",
            MasterDataRejection::AttributeDepth(_) => "attribute-depth",
            MasterDataRejection::AttributeCount(_) => "attribute-count",
            MasterDataRejection::ElementChildren(_) => "master-data-children",
            MasterDataRejection::ElementTooLarge { .. } => "master-data-size",
        }
    }
}
