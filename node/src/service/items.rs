//! Several items with all their events, and the containers around them: one header, one proof, each event once.
//! The whole answer is verified here before it is sent.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::RandomState;
use touchstone_core::proof::items::{self, MAX_ITEMS};
use touchstone_core::proof::link::empty;
use touchstone_core::proof::multiproof::KeyValue;
use touchstone_core::state::{delta::decode_stored, keys};
use touchstone_epcis::Identifier;
use touchstone_proto::ledger::Item;
use touchstone_proto::node as wire;

use super::error::{ServiceError, unproven};
use super::event_reader::EventReader;
use super::log_page::{FRAME_BYTES, PAGE};
use super::proven_state::ProvenState;
use super::state_query::PAGE_BYTES;
use crate::storage::rocks::LinkCursor;

/// Transactions that are kept while events are taken out of them.
const KEPT: usize = 32;

/// The first of these items, as many as fit.
pub fn items(
    view: &ProvenState<'_>,
    request: &wire::GetItemsRequest,
) -> Result<wire::ItemsReply, ServiceError> {
    let asked = asked(&request.ids)?;
    let tip = view.tip()?;
    let mut answer = Answer::new(view)?;
    answer.add_asked(&asked)?;
    answer.add_around(&asked)?;
    let reply = answer.prove(&tip.certified)?;
    items::verify(&tip.header.state_root, &asked, &reply).map_err(unproven)?;
    Ok(reply)
}

/// The canonical identifiers that are asked for.
fn asked(ids: &[String]) -> Result<Vec<String>, ServiceError> {
    if ids.is_empty() || ids.len() > MAX_ITEMS {
        return Err(ServiceError::Malformed(format!(
            "a question about several items names 1 to {MAX_ITEMS}; this one names {}",
            ids.len()
        )));
    }
    let mut known = BTreeSet::new();
    let mut asked = Vec::with_capacity(ids.len());
    for id in ids {
        let read = Identifier::read(id);
        let read = read.map_err(|e| ServiceError::Malformed(format!("{id:?}: {e}")))?;
        let id = read.as_str().to_owned();
        if !known.insert(id.clone()) {
            let twice = format!("{id} is asked for twice; name each item once");
            return Err(ServiceError::Malformed(twice));
        }
        asked.push(id);
    }
    Ok(asked)
}

/// An answer that is being put together.
struct Answer<'a> {
    view: &'a ProvenState<'a>,
    cursor: LinkCursor<'a>,
    reader: EventReader<'a>,
    reply: wire::ItemsReply,
    /// Numbers of the events that are there, by their entries.
    numbers: HashMap<Vec<u8>, u32, RandomState>,
    /// Bytes so far, and entries of links.
    bytes: usize,
    entries: u64,
}

/// An item's record, as it is stored and decoded.
struct Stored {
    value: Option<Vec<u8>>,
    item: Item,
}

impl<'a> Answer<'a> {
    fn new(view: &'a ProvenState<'a>) -> Result<Answer<'a>, ServiceError> {
        Ok(Answer {
            view,
            cursor: view.snapshot.links()?,
            reader: EventReader::new(&view.snapshot, KEPT),
            reply: wire::ItemsReply::default(),
            numbers: HashMap::default(),
            bytes: 0,
            entries: 0,
        })
    }

    /// The first of the items that are asked for, up to the bounds of an answer.
    fn add_asked(&mut self, asked: &[String]) -> Result<(), ServiceError> {
        for (id, stored) in asked.iter().zip(self.records(asked)?) {
            self.view.cancelled.check()?;
            let is_first = self.reply.items.is_empty();
            let Some(found) = self.whole(id, &stored, is_first)? else {
                break;
            };
            self.reply.items.push(found);
        }
        Ok(())
    }

    /// The containers around them, outwards, as far as they fit: an item's history takes their links, and who has it
    /// their records.
    fn add_around(&mut self, asked: &[String]) -> Result<(), ServiceError> {
        let taken = asked.iter().take(self.reply.items.len());
        let mut known: BTreeSet<String> = taken.cloned().collect();
        let mut next: Vec<String> = Vec::new();
        for item in &self.reply.items {
            next.extend(container(item.record.as_deref(), &item.id)?);
        }
        loop {
            next.retain(|id| known.insert(id.clone()));
            next.truncate(MAX_ITEMS.saturating_sub(self.reply.around.len()));
            if next.is_empty() {
                return Ok(());
            }
            let stored = self.records(&next)?;
            let mut further = Vec::new();
            for (id, stored) in next.iter().zip(stored) {
                self.view.cancelled.check()?;
                let Some(found) = self.whole(id, &stored, false)? else {
                    return Ok(());
                };
                further.extend(container(found.record.as_deref(), id)?);
                self.reply.around.push(found);
            }
            next = further;
        }
    }

    /// The records of these items; what isn't recorded is empty.
    fn records(&self, ids: &[String]) -> Result<Vec<Stored>, ServiceError> {
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| keys::item(id)).collect();
        let values = self.view.snapshot.state_values(&keys)?;
        let stored = keys.iter().zip(values).map(|(key, value)| {
            let item = value
                .as_deref()
                .map(|value| decode_stored::<Item>(key, value));
            let item = item.transpose()?.unwrap_or_default();
            Ok(Stored { value, item })
        });
        stored.collect()
    }

    /// An item with all its events; none where they go beyond the bounds of an answer, unless they must be there.
    /// A link that is longer than a page is left to pages.
    fn whole(
        &mut self,
        id: &str,
        stored: &Stored,
        must: bool,
    ) -> Result<Option<wire::ItemEvents>, ServiceError> {
        let mut found = wire::ItemEvents {
            id: id.to_owned(),
            record: stored.value.clone(),
            events: Vec::new(),
        };
        let link = stored.item.link.clone().unwrap_or_else(empty);
        let count = if link.count > PAGE { 0 } else { link.count };
        if self.entries + count > PAGE && !must {
            return Ok(None);
        }
        let (had, had_bytes) = (self.reply.events.len(), self.bytes);
        self.entries += count;
        self.bytes += id.len() + stored.value.as_ref().map_or(0, Vec::len) + FRAME_BYTES;
        let limit = u32::try_from(count).unwrap_or_default();
        for entry in self.cursor.entries(&keys::item(id), 0, limit)? {
            found.events.push(self.number(entry)?);
            if self.bytes > PAGE_BYTES && !must {
                self.take_back(had, had_bytes);
                return Ok(None);
            }
            if self.bytes > PAGE_BYTES && found.events.len() > 1 {
                // All of them are more than fits an answer.
                self.take_back(had, had_bytes);
                found.events.clear();
                break;
            }
        }
        Ok(Some(found))
    }

    /// The number of an entry's event, which is added where it isn't there yet.
    fn number(&mut self, entry: Vec<u8>) -> Result<u32, ServiceError> {
        if let Some(number) = self.numbers.get(&entry) {
            return Ok(*number);
        }
        let event = self.reader.event_of(&entry)?;
        self.bytes += entry.len() + event.len() + FRAME_BYTES;
        let number = u32::try_from(self.reply.events.len()).map_err(unproven)?;
        self.numbers.insert(entry.clone(), number);
        self.reply.events.push(wire::LinkedEvent { entry, event });
        Ok(number)
    }

    /// Forgets the events that were added since there were so many.
    fn take_back(&mut self, had: usize, had_bytes: usize) {
        for event in self.reply.events.drain(had..) {
            self.numbers.remove(&event.entry);
        }
        self.bytes = had_bytes;
    }

    /// The answer with the proof of all its records.
    fn prove(self, header: &wire::CertifiedHeader) -> Result<wire::ItemsReply, ServiceError> {
        let mut reply = self.reply;
        let all = || reply.items.iter().chain(&reply.around);
        let keys: Vec<Vec<u8>> = all().map(|item| keys::item(&item.id)).collect();
        let values = keys.iter().map(Vec::as_slice);
        let values = values.zip(all().map(|item| item.record.as_deref()));
        let values: Vec<KeyValue<'_>> = values.collect();
        let proof = self.view.snapshot.prove_values(&values)?;
        reply.proof = Some(proof);
        reply.header = Some(header.clone());
        Ok(reply)
    }
}

/// The container that an item's record says it is in.
fn container(record: Option<&[u8]>, id: &str) -> Result<Option<String>, ServiceError> {
    let Some(record) = record else {
        return Ok(None);
    };
    let item: Item = decode_stored(&keys::item(id), record)?;
    Ok(item.packed.map(|packing| packing.container))
}

#[cfg(test)]
mod tests;
