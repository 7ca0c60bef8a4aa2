//! What places are, for queries that ask for it: the current master data in the state, each record read once.

use touchstone_core::state::{StateRead, decode_stored, keys};
use touchstone_epcis::query::{KnownAttributes, QueriedEvent, Query};
use touchstone_proto::ledger::MasterData;

use super::HttpFailure;
use crate::service::ProvenState;

/// Places that are remembered.
const REMEMBERED: usize = 4096;

/// Whether events fit a query.
pub(super) struct Fit<'a, 'b> {
    view: &'a ProvenState<'b>,
    query: &'a Query,
    known: KnownAttributes,
}

impl<'a, 'b> Fit<'a, 'b> {
    pub(super) fn new(view: &'a ProvenState<'b>, query: &'a Query) -> Fit<'a, 'b> {
        let known = KnownAttributes::new();
        Fit { view, query, known }
    }

    /// Whether an event fits.
    pub(super) fn fits(&mut self, subject: &QueriedEvent) -> Result<bool, HttpFailure> {
        if self.known.len() >= REMEMBERED {
            self.known.clear();
        }
        for place in self.query.described(subject) {
            if self.known.contains_key(place.as_str()) {
                continue;
            }
            let key = keys::master_data(place.as_str());
            let value = self.view.snapshot.get(&key)?;
            let record: MasterData = match value {
                Some(value) => decode_stored(&key, &value)?,
                None => MasterData::default(),
            };
            let attributes = record.element.unwrap_or_default().attributes;
            let attributes = attributes.into_iter().map(|a| (a.id, a.text)).collect();
            self.known.insert(place.as_str().to_owned(), attributes);
        }
        Ok(self.query.matches_with(subject, &self.known))
    }
}
