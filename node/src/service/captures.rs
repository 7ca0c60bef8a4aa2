//! Events by their entries.

use std::collections::VecDeque;

use prost::Message;
use touchstone_core::transaction::captured_event;
use touchstone_proto::ledger::Position;

use super::error::{ServiceError, unproven};
use crate::storage::rocks::{PlaceKey, Snapshot};

/// Transactions that are kept for the next entries, and bytes of them: neighbours in a link are mostly of one
/// transaction, and items that travel together are in the same few.
const KEPT: usize = 32;
const KEPT_BYTES: usize = 8 << 20;
/// Entries whose transactions are read together.
pub(super) const AHEAD: usize = 16;

/// The events that entries stand for. A transaction is read once where its events are asked for one soon after the
/// other; only the event that is asked for is taken out of it.
pub(super) struct Captures<'a> {
    snapshot: &'a Snapshot<'a>,
    /// The one used last stands first.
    kept: VecDeque<Capture>,
    kept_bytes: usize,
}

/// A transaction's place, and its envelope.
struct Capture {
    place: PlaceKey,
    envelope: Vec<u8>,
}

/// A `LinkEntry` of which nothing but its position is wanted.
#[derive(Clone, PartialEq, Message)]
struct Placed {
    #[prost(message, optional, tag = "1")]
    position: Option<Position>,
}

/// Where an entry's event stands. The entry itself is checked with the answer.
fn position(entry: &[u8]) -> Result<Position, ServiceError> {
    let placed = Placed::decode(entry).map_err(unproven)?;
    let position = placed.position;
    position.ok_or_else(|| unproven("an entry points to no event"))
}

fn place_of(position: Position) -> PlaceKey {
    PlaceKey {
        height: position.height,
        index: position.transaction,
    }
}

impl<'a> Captures<'a> {
    /// Of the chain after one block.
    pub fn new(snapshot: &'a Snapshot<'a>) -> Captures<'a> {
        Captures {
            snapshot,
            kept: VecDeque::new(),
            kept_bytes: 0,
        }
    }

    /// Reads together the transactions that the first of these entries name: their events are asked for next.
    pub fn read_ahead(&mut self, entries: &[Vec<u8>]) -> Result<(), ServiceError> {
        let mut places: Vec<PlaceKey> = Vec::new();
        for entry in entries.iter().take(AHEAD) {
            let place = place_of(position(entry)?);
            if !places.contains(&place) && !self.kept.iter().any(|kept| kept.place == place) {
                places.push(place);
            }
        }
        // One alone is read when it is asked for.
        if places.len() < 2 {
            return Ok(());
        }
        for (place, envelope) in places.iter().zip(self.snapshot.envelopes_at(&places)?) {
            if let Some(envelope) = envelope {
                self.keep(*place, envelope);
            }
        }
        Ok(())
    }

    /// The event of an entry. What is answered is checked against the entry's hash.
    pub fn event_of(&mut self, entry: &[u8]) -> Result<Vec<u8>, ServiceError> {
        let at = position(entry)?;
        let event = captured_event(self.envelope(place_of(at))?, at.event);
        let event = event.ok_or_else(|| unproven("an entry points to no event"))?;
        Ok(event.to_vec())
    }

    fn envelope(&mut self, place: PlaceKey) -> Result<&[u8], ServiceError> {
        let known = self.kept.iter().position(|kept| kept.place == place);
        if let Some(kept) = known.and_then(|number| self.kept.remove(number)) {
            self.kept.push_front(kept);
        } else {
            let envelope = self.snapshot.envelope(place.height, place.index)?;
            let missing = || unproven("an entry points to no transaction");
            self.keep(place, envelope.ok_or_else(missing)?);
        }
        let first = self.kept.front().map(|first| first.envelope.as_slice());
        Ok(first.unwrap_or_default())
    }

    fn keep(&mut self, place: PlaceKey, envelope: Vec<u8>) {
        self.kept_bytes += envelope.len();
        self.kept.push_front(Capture { place, envelope });
        while self.kept.len() > KEPT || (self.kept_bytes > KEPT_BYTES && self.kept.len() > 1) {
            let oldest = self.kept.pop_back();
            self.kept_bytes -= oldest.map_or(0, |oldest| oldest.envelope.len());
        }
    }
}
