//! Events by their entries.

use std::collections::VecDeque;

use prost::Message;
use touchstone_core::transaction::captured_event;
use touchstone_proto::ledger::Position;

use super::error::{ServiceError, unproven};
use crate::storage::rocks::{Pinned, PlaceKey, Snapshot};

/// Bytes of transactions that are kept for the next entries, at most, beside the one used last.
const KEPT_BYTES: usize = 8 << 20;

/// The events that entries stand for. A transaction is read once where its events are asked for one soon after the
/// other; only the event that is asked for is taken out of it.
pub(super) struct EventReader<'a> {
    snapshot: &'a Snapshot<'a>,
    /// How many are kept.
    keeps: usize,
    /// The one used last stands first.
    kept: VecDeque<Capture<'a>>,
    kept_bytes: usize,
}

/// A transaction's place, and its envelope.
struct Capture<'a> {
    place: PlaceKey,
    envelope: Pinned<'a>,
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

impl<'a> EventReader<'a> {
    /// Of the chain after one block; so many transactions are kept for the next entries. In one link one is enough, as
    /// neighbours are mostly of one transaction. Items that travel together are in the same few.
    pub fn new(snapshot: &'a Snapshot<'a>, keeps: usize) -> EventReader<'a> {
        EventReader {
            snapshot,
            keeps,
            kept: VecDeque::new(),
            kept_bytes: 0,
        }
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
            let snapshot: &'a Snapshot<'a> = self.snapshot;
            let envelope = snapshot.pinned_envelope(place.height, place.index)?;
            let missing = || unproven("an entry points to no transaction");
            self.keep(place, envelope.ok_or_else(missing)?);
        }
        let first = self.kept.front().map(|first| &*first.envelope);
        Ok(first.unwrap_or_default())
    }

    fn keep(&mut self, place: PlaceKey, envelope: Pinned<'a>) {
        self.kept_bytes += envelope.len();
        self.kept.push_front(Capture { place, envelope });
        while self.has_too_many() {
            let oldest = self.kept.pop_back();
            self.kept_bytes -= oldest.map_or(0, |oldest| oldest.envelope.len());
        }
    }

    fn has_too_many(&self) -> bool {
        let kept = self.kept.len();
        kept > self.keeps || (self.kept_bytes > KEPT_BYTES && kept > 1)
    }
}
