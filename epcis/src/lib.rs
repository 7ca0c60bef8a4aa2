//! EPCIS 2.0: custody events, documents of them, and the identifiers in them.
//!
//! An event's record is the exact bytes that its submitter sent. This crate reads from them the
//! little that a ledger's rules need ([`Event`]), and refuses what two readers could understand
//! differently. It doesn't resolve linked data, keep bytes or know a ledger's state.
//!
//! Everything here is a pure function of its arguments: no I/O, no clock, no randomness, no threads.
//! The rules of Touchstone's ledger stand on it, so some files decide which blocks are valid. Each
//! file's head says whether it does: `Consensus-critical: yes` or `no`.
//!
//! Consensus-critical: no
//!
//! ```
//! use touchstone_epcis::{Event, Identifier, split_document};
//!
//! let document = br#"{
//!   "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],
//!   "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-03-01T09:00:00Z",
//!   "epcisBody": { "eventList": [ {
//!     "type": "ObjectEvent", "action": "OBSERVE", "bizStep": "shipping",
//!     "eventTime": "2026-03-01T08:30:00+08:00", "eventTimeZoneOffset": "+08:00",
//!     "epcList": ["urn:epc:id:sscc:9521234.0000000015"]
//!   } ] }
//! }"#;
//! let events = split_document(document)?;
//! let event = Event::parse(&events[0])?;
//! assert_eq!(event.biz_step.as_deref(), Some("shipping"));
//! assert_eq!(event.items()[0].as_str(), "https://id.gs1.org/00/095212340000000150");
//! # Ok::<(), touchstone_epcis::EpcisError>(())
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "tests read their data from files"
    )
)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::todo,
        clippy::unimplemented
    )
)]

mod cbv;
mod date_time;
mod document;
mod document_header;
mod error;
mod event;
mod fields;
mod hash;
mod identifier;
mod json;
mod master_data;
mod prefixes;
pub mod query;
mod query_document;
mod translation;
mod warnings;
mod xml;
mod xml_writer;

pub use date_time::in_milliseconds;
pub use document::{MAX_DOCUMENT_BYTES, split_document};
pub use document_header::master_data;
pub use error::{EpcisError, EpcisRule};
pub use event::{
    Action, ContainmentStep, ErrorDeclaration, Event, EventType, MAX_EVENT_BYTES, MAX_EVENT_DEPTH,
    Quantity, QuantityRole, SourceOrDestination,
};
pub use hash::{document_hashes, event_hash};
pub use identifier::{Identifier, IdentifierError, MAX_IDENTIFIER_BYTES, UrnError};
pub use master_data::{
    EntryAttribute, EntryValue, MAX_MASTER_DATA_ELEMENTS, MasterDataEntry, attribute_name,
    naming_attribute, naming_rank, vocabulary, written_attribute_name,
};
pub use prefixes::Prefixes;
pub use query_document::{query_document, with_record};
pub use translation::with_digital_links;
pub use warnings::{Doubt, Warning, warnings};
pub use xml::{MAX_XML_EVENTS, SOURCE_DOCUMENT, convert_xml, is_xml};
pub use xml_writer::{
    XmlFormError, XmlObstacle, XmlQueryHead, XmlRecord, capture_job_xml, event_xml,
    query_document_xml,
};

/// The examples of README.md are compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(any(test, feature = "test-support"))]
#[allow(
    clippy::disallowed_methods,
    reason = "the testkit reads its data from files"
)]
pub mod test_support;
#[cfg(test)]
mod tests;
