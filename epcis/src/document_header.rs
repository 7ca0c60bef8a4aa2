//! What a document's header says: master data, in JSON-LD and in XML (EPCIS 1.2 and 2.0).
//!
//! Consensus-critical: no

mod json_ld;

use super::error::EpcisError;
use super::master_data::MasterDataEntry;
use super::xml::{self, is_xml};

/// What a document's header says of its vocabularies' elements, in order; each that can't be read says why. None where
/// it has no master data. An error for the whole document means that it can't be read.
pub fn master_data(bytes: &[u8]) -> Result<Vec<Result<MasterDataEntry, EpcisError>>, EpcisError> {
    match is_xml(bytes) {
        true => xml::header::read(bytes),
        false => json_ld::read(bytes),
    }
}

#[cfg(test)]
mod tests;
