//! A record of master data, held against what was asked for. The state's proof says that a key has this value; here
//! it is made sure that the record is of this identifier and this version.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::ledger::{MasterData, VocabularyElement};

/// Why a record isn't the master data that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MasterDataError {
    /// It says nothing, of another identifier, or not since when.
    #[error("the master data is of another identifier, or doesn't say when it was stated")]
    Identifier,
    /// Another version.
    #[error("the master data is of version {found}, not {expected}")]
    Version {
        /// The version asked for.
        expected: u64,
        /// The record's.
        found: u64,
    },
    /// Nobody stated it.
    #[error("the master data doesn't say who stated it")]
    Organisation,
}

/// Checks what the state holds for an identifier: its current record, or the version that was asked for.
pub fn check<'a>(
    id: &str,
    version: Option<u64>,
    record: &'a MasterData,
) -> Result<&'a VocabularyElement, MasterDataError> {
    let element = record.element.as_ref();
    let element = element.ok_or(MasterDataError::Identifier)?;
    let is_placed = record.position.is_some() && record.transaction_id.len() == 32;
    if element.id != id || !is_placed {
        return Err(MasterDataError::Identifier);
    }
    let found = element.version;
    let expected = version.unwrap_or_else(|| found.max(1));
    if found != expected {
        return Err(MasterDataError::Version { expected, found });
    }
    match record.organisation.is_empty() {
        true => Err(MasterDataError::Organisation),
        false => Ok(element),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_proto::ledger::Position;

    fn sample() -> MasterData {
        MasterData {
            element: Some(VocabularyElement {
                id: "https://id.gs1.org/414/9521321000017".into(),
                version: 2,
                ..VocabularyElement::default()
            }),
            organisation: "maker".into(),
            position: Some(Position::default()),
            transaction_id: vec![7; 32],
            time_ms: 5,
        }
    }

    #[test]
    fn a_record_is_that_of_its_key() {
        let id = "https://id.gs1.org/414/9521321000017";
        let record = sample();
        for version in [None, Some(2)] {
            assert!(check(id, version, &record).is_ok());
        }
        let another = "https://id.gs1.org/414/9521321000024";
        assert!(check(another, None, &record).is_err());
        assert!(check(id, Some(1), &record).is_err());
        type Bend = fn(&mut MasterData);
        let bends: [Bend; 6] = [
            |r| r.element = None,
            |r| r.element.as_mut().unwrap().id.pop().map_or((), drop),
            |r| r.element.as_mut().unwrap().version = 0,
            |r| r.organisation.clear(),
            |r| r.position = None,
            |r| r.transaction_id.truncate(31),
        ];
        for (n, bend) in bends.iter().enumerate() {
            let mut bent = sample();
            bend(&mut bent);
            assert!(check(id, None, &bent).is_err(), "bend {n}");
        }
    }
}
