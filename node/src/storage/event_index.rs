//! The index of events and the named queries. The index follows the chain in its own time: a commit
//! doesn't wait for it, and building it anew is the same work.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use touchstone_core::Fault;
use touchstone_core::hash;
use touchstone_core::transaction::{VerifiedTransaction, captured_events};
use touchstone_epcis::Event;
use touchstone_epcis::query::{IndexField, index_values};

use super::commit_block;
use super::database::Rows;
use super::recent_events::RecentEvents;
use super::schema::{EventIndex, EventKey, EventPlace, EventPlaces, HttpKey, HttpTable};
use super::snapshot::{Snapshot, StoreReader};

/// Values of events that are written at once.
const VALUES: usize = 10_000;
/// The field of the time.
const TIME: u8 = 0;

/// The writing side.
pub struct EventCatalogue {
    reader: StoreReader,
    recent: Arc<RecentEvents>,
    /// One writes at a time.
    writing: Mutex<()>,
}

impl EventCatalogue {
    pub(super) fn new(reader: StoreReader, recent: Arc<RecentEvents>) -> EventCatalogue {
        EventCatalogue {
            reader,
            recent,
            writing: Mutex::default(),
        }
    }

    /// Indexes what was committed since the last time, at most so many blocks. Whether the index now
    /// goes as far as the chain.
    pub fn catch_up(&self, blocks: u64) -> Result<bool, Fault> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.reader.snapshot();
        let (from, tip) = (snapshot.indexed_to()?, snapshot.tip().height);
        let last = tip.min(from.saturating_add(blocks));
        let mut rows = IndexRows::default();
        for height in from + 1..=last {
            match self.recent.take(height) {
                Some(transactions) if !transactions.is_empty() => {
                    for (number, transaction) in (0u32..).zip(transactions) {
                        rows.add_read(height, number, &transaction)?;
                    }
                }
                _ => {
                    for (number, envelope) in (0u32..).zip(snapshot.envelopes(height)?) {
                        rows.add(height, number, &envelope)?;
                    }
                }
            }
            if rows.values >= VALUES || height == last {
                commit_block::index(&self.reader.db, &rows.rows, height)?;
                rows = IndexRows::default();
            }
        }
        Ok(last == tip)
    }

    /// Keeps a query under a name, unless there is one of this name already, or as many as may be.
    pub fn define(&self, name: &str, query: &[u8], limit: usize) -> Result<Defined, Fault> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.reader.snapshot().named_queries()?;
        if known.iter().any(|(n, _)| n == name) {
            return Ok(Defined::Exists);
        }
        if known.len() >= limit {
            return Ok(Defined::TooMany);
        }
        commit_block::named_query(&self.reader.db, name, Some(query))?;
        Ok(Defined::Yes)
    }

    /// Forgets a query; whether there was one.
    pub fn forget(&self, name: &str) -> Result<bool, Fault> {
        let _one = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.reader.snapshot().named_query(name)?.is_none() {
            return Ok(false);
        }
        commit_block::named_query(&self.reader.db, name, None)?;
        Ok(true)
    }
}

/// What became of a definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defined {
    /// It is kept.
    Yes,
    /// The name is taken.
    Exists,
    /// There is no room.
    TooMany,
}

impl<'s> Snapshot<'s> {
    /// Height up to which events are indexed.
    pub fn indexed_to(&self) -> Result<u64, Fault> {
        let Some(row) = self.row::<HttpTable>(&HttpKey::Indexed)? else {
            return Ok(0);
        };
        let bytes = row.try_into();
        bytes
            .map(u64::from_be_bytes)
            .map_err(|_| Fault::Damaged("how far the event index goes".into()))
    }

    /// Places of the events that have this value, from a place on, or back from it.
    pub fn events_with<'a>(
        &'a self,
        field: IndexField,
        value: &str,
        from: EventPlace,
        descending: bool,
    ) -> impl Iterator<Item = Result<EventPlace, Fault>> + use<'a, 's> {
        let first = EventKey {
            field: number(field),
            value: digest(value),
            height: from.height,
        };
        let wanted = (first.field, first.value);
        self.places(first, from, descending)
            .take_while(move |found| {
                let key = found.as_ref().map(|(key, _)| key);
                key.map_or(true, |k| (k.field, k.value) == wanted)
            })
            .map(|found| found.map(|(_, place)| place))
    }

    /// The value of a field that follows another one, in the order of the index, by its digest and the
    /// place of the first event that has it.
    pub fn next_value(
        &self,
        field: IndexField,
        after: Option<[u8; 16]>,
    ) -> Result<Option<([u8; 16], EventPlace)>, Fault> {
        let value = match after.map(|after| u128::from_be_bytes(after).checked_add(1)) {
            None => [0; 16],
            Some(Some(next)) => next.to_be_bytes(),
            Some(None) => return Ok(None),
        };
        let first = EventKey {
            field: number(field),
            value,
            height: 0,
        };
        let of_field = first.field;
        let mut places = self.places(first, EventPlace::default(), false);
        let found = places.next().transpose()?;
        Ok(found
            .filter(|(key, _)| key.field == of_field)
            .map(|(key, place)| (key.value, place)))
    }

    /// Times of events with their places, from there on, or back from there.
    pub fn events_by_time<'a>(
        &'a self,
        from_ms: i64,
        from: EventPlace,
        descending: bool,
    ) -> impl Iterator<Item = Result<(i64, EventPlace), Fault>> + use<'a, 's> {
        let first = EventKey {
            field: TIME,
            value: sorted(from_ms),
            height: from.height,
        };
        self.places(first, from, descending)
            .take_while(|found| found.as_ref().map_or(true, |(key, _)| key.field == TIME))
            .map(|found| found.map(|(key, place)| (time_of(&key.value), place)))
    }

    /// Events in the order of the index from a row and, in that row, a place on, or back from it.
    fn places<'a>(
        &'a self,
        first: EventKey,
        from: EventPlace,
        descending: bool,
    ) -> impl Iterator<Item = Result<(EventKey, EventPlace), Fault>> + use<'a, 's> {
        let rows = self.rows.rows_ordered::<EventIndex>(&first, descending);
        let fault = self.fault.clone().map(Err);
        let of_row = move |row: Result<(EventKey, EventPlaces), Fault>| {
            let (key, places) = match row {
                Ok(row) => row,
                Err(fault) => return vec![Err(fault)],
            };
            let places = places.0.into_iter().map(|(transaction, event)| EventPlace {
                height: key.height,
                transaction,
                event,
            });
            let is_wanted = |place: &EventPlace| match (key == first, descending) {
                (false, _) => true,
                (true, false) => *place >= from,
                (true, true) => *place <= from,
            };
            let mut found: Vec<_> = places
                .filter(is_wanted)
                .map(|place| Ok((key, place)))
                .collect();
            if descending {
                found.reverse();
            }
            found
        };
        fault.into_iter().chain(rows).flat_map(of_row)
    }

    /// A named query.
    pub fn named_query(&self, name: &str) -> Result<Option<Vec<u8>>, Fault> {
        self.row::<HttpTable>(&HttpKey::Query(name.to_owned()))
    }

    /// All named queries, by name.
    pub fn named_queries(&self) -> Result<Vec<(String, Vec<u8>)>, Fault> {
        let mut queries = Vec::new();
        for row in self.rows_from::<HttpTable>(&HttpKey::Query(String::new())) {
            if let (HttpKey::Query(name), query) = row? {
                queries.push((name, query));
            }
        }
        Ok(queries)
    }
}

/// Rows that are made, each of one block's events.
#[derive(Default)]
struct IndexRows {
    rows: BTreeMap<EventKey, EventPlaces>,
    values: usize,
    /// What each field had last, with its digest: events that come together have most of it in common.
    last: BTreeMap<u8, (String, [u8; 16])>,
}

impl IndexRows {
    /// Adds a transaction that has been read.
    fn add_read(
        &mut self,
        height: u64,
        transaction: u32,
        read: &VerifiedTransaction,
    ) -> Result<(), Fault> {
        let Ok(events) = read.events() else {
            return self.add(height, transaction, read.envelope());
        };
        for (number, read) in (0u32..).zip(events) {
            self.add_event(height, (transaction, number), read);
        }
        Ok(())
    }

    /// Adds a transaction.
    fn add(&mut self, height: u64, transaction: u32, envelope: &[u8]) -> Result<(), Fault> {
        let damaged =
            |what: String| Fault::Damaged(format!("block {height}, {transaction}: {what}"));
        let events = captured_events(envelope).map_err(|e| damaged(e.to_string()))?;
        for (number, bytes) in (0u32..).zip(events.into_iter().flatten()) {
            // Else it was recorded under rules that were less strict than this program's: no query reads it.
            if let Ok(event) = Event::parse(&bytes) {
                self.add_event(height, (transaction, number), &event);
            }
        }
        Ok(())
    }

    fn add_event(&mut self, height: u64, place: (u32, u32), event: &Event) {
        for (field, value) in index_values(event) {
            let field = number(field);
            let value = self.digest(field, value);
            self.add_value(field, value, height, place);
        }
        self.add_value(TIME, sorted(event.time_ms), height, place);
    }

    fn add_value(&mut self, field: u8, value: [u8; 16], height: u64, place: (u32, u32)) {
        let key = EventKey {
            field,
            value,
            height,
        };
        self.rows.entry(key).or_default().0.push(place);
        self.values += 1;
    }

    fn digest(&mut self, field: u8, value: &str) -> [u8; 16] {
        let last = self.last.get(&field);
        if let Some((_, digest)) = last.filter(|(last, _)| last == value) {
            return *digest;
        }
        let digest = digest(value);
        self.last.insert(field, (value.to_owned(), digest));
        digest
    }
}

/// The field's number on disk.
fn number(field: IndexField) -> u8 {
    match field {
        IndexField::EventType => 1,
        IndexField::BizStep => 2,
        IndexField::Disposition => 3,
        IndexField::ReadPoint => 4,
        IndexField::BizLocation => 5,
        IndexField::EventId => 6,
    }
}

fn digest(value: &str) -> [u8; 16] {
    let hash = hash::sha256(value.as_bytes());
    let mut digest = [0; 16];
    for (to, from) in digest.iter_mut().zip(hash) {
        *to = from;
    }
    digest
}

/// A time whose bytes sort as it does: the sign's bit is turned over.
fn sorted(time_ms: i64) -> [u8; 16] {
    let biased = (time_ms as u64) ^ (1 << 63);
    u128::from(biased).to_be_bytes()
}

fn time_of(value: &[u8; 16]) -> i64 {
    let biased = u128::from_be_bytes(*value) as u64;
    (biased ^ (1 << 63)) as i64
}

#[cfg(test)]
mod tests;
