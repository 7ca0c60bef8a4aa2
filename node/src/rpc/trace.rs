//! Traces over the store. They are this node's word and as such quick; a client that wants proof
//! walks over the links itself.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use tonic::Status;
use touchstone_core::Fault;
use touchstone_core::encoding;
use touchstone_core::epcis::Identifier;
use touchstone_core::hash::Hash;
use touchstone_core::proof::journey::{self, CompleteLink, Place, Recorded};
use touchstone_core::rules;
use touchstone_core::state::{StateRead, delta::decode_stored, keys};
use touchstone_core::trace::{Direction, End, Limits, Next, Traced, Walk, Way};
use touchstone_core::transaction::captured_events;
use touchstone_proto::ledger::{Item, LinkEntry};
use touchstone_proto::node as wire;

use super::refusal;
use super::view::View;
use crate::storage::rocks::{LinkCursor, Snapshot};

/// Where the client names no limits, and at most.
const DEPTH: u32 = 64;
const MAX_DEPTH: u32 = 1000;
const ITEMS: u32 = 10_000;
const MAX_ITEMS: u32 = 200_000;
/// Things of one message.
const BATCH: usize = 256;
/// Entries that one trace may read.
const MAX_ENTRIES: usize = 4_000_000;
/// Entries read at once.
const PAGE: u32 = 1000;
/// Links, values and events that are kept for the next things.
const KEPT_LINKS: usize = 4096;
const KEPT_VALUES: usize = 16_384;
const KEPT_EVENTS: usize = 16_384;

/// Walks, and gives what is found to `send`, which says whether somebody still listens.
pub fn walk(
    view: &View<'_>,
    request: &wire::TraceRequest,
    mut send: impl FnMut(wire::TraceReply) -> bool,
) -> Result<(), Status> {
    let id = Identifier::parse(&request.id)
        .map_err(|e| Status::invalid_argument(format!("{:?}: {e}", request.id)))?;
    let limits = Limits {
        depth: limit("max_depth", request.max_depth, DEPTH, MAX_DEPTH)?,
        items: limit("max_items", request.max_items, ITEMS, MAX_ITEMS)? as usize,
    };
    let direction = match request.direction() {
        wire::TraceDirection::Forward => Direction::Forward,
        wire::TraceDirection::Backward => Direction::Backward,
    };
    let tip = view.snapshot.tip();
    let mut walk = Walk::new(id.as_str(), direction, limits);
    let mut shelf = Shelf::new(&view.snapshot, tip.height)?;
    let mut items = Vec::new();
    loop {
        match walk.next(&shelf.links).map_err(refusal::unproven)? {
            Next::Missing(link) => shelf.fetch(&link)?,
            Next::Item(traced) => {
                items.push(shelf.item(*traced, tip.time_ms)?);
                if items.len() == BATCH {
                    let items = std::mem::take(&mut items);
                    if !send(wire::TraceReply { items, end: None }) {
                        return Ok(());
                    }
                }
            }
            Next::End(End { too_deep, too_many }) => {
                let end = wire::TraceEnd {
                    height: tip.height,
                    time_ms: tip.time_ms,
                    too_deep,
                    too_many,
                };
                let end = Some(end);
                send(wire::TraceReply { items, end });
                return Ok(());
            }
        }
    }
}

/// What a walk says of one thing: where it stands, who has it, and where it was last seen.
pub fn about(view: &View<'_>, id: &str) -> Result<wire::TracedItem, Status> {
    let request = wire::TraceRequest {
        id: id.to_owned(),
        max_depth: 1,
        max_items: 1,
        ..wire::TraceRequest::default()
    };
    let mut found = None;
    walk(view, &request, |reply| {
        found = reply.items.into_iter().next();
        true
    })?;
    found.ok_or_else(|| refusal::unproven("a trace without its beginning"))
}

fn limit(name: &str, asked: u32, default: u32, most: u32) -> Result<u32, Status> {
    match asked {
        0 => Ok(default),
        asked if asked <= most => Ok(asked),
        _ => Err(Status::invalid_argument(format!(
            "{name} is at most {most}"
        ))),
    }
}

/// A transaction by height and index, and its events.
type Captured = ((u64, u32), Vec<Vec<u8>>);

/// Links and events as they are needed; neighbours in a trace share most of them.
struct Shelf<'a> {
    snapshot: &'a Snapshot<'a>,
    cursor: LinkCursor<'a>,
    values: Values<'a>,
    height: u64,
    links: BTreeMap<String, CompleteLink>,
    events: BTreeMap<Place, Arc<Recorded>>,
    /// The events of the transaction that was read last.
    transaction: Option<Captured>,
    entries: usize,
}

/// Values of the state: things in one container share what is recorded for it.
struct Values<'a> {
    snapshot: &'a Snapshot<'a>,
    read: RefCell<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl StateRead for Values<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        if let Some(value) = self.read.borrow().get(key) {
            return Ok(value.clone());
        }
        let value = self.snapshot.get(key)?;
        let mut read = self.read.borrow_mut();
        if read.len() >= KEPT_VALUES {
            read.clear();
        }
        read.insert(key.to_vec(), value.clone());
        Ok(value)
    }

    fn is_committed(&self, transaction_id: &Hash) -> Result<bool, Fault> {
        self.snapshot.is_committed(transaction_id)
    }
}

impl<'a> Shelf<'a> {
    fn new(snapshot: &'a Snapshot<'a>, height: u64) -> Result<Shelf<'a>, Status> {
        Ok(Shelf {
            snapshot,
            cursor: snapshot.links().map_err(refusal::fault)?,
            values: Values {
                snapshot,
                read: RefCell::default(),
            },
            height,
            links: BTreeMap::new(),
            events: BTreeMap::new(),
            transaction: None,
            entries: 0,
        })
    }

    fn fetch(&mut self, id: &str) -> Result<(), Status> {
        let key = keys::item(id);
        let mut events = Vec::new();
        loop {
            let from = events.len() as u64;
            let rows = self.cursor.entries(&key, from, PAGE);
            let rows = rows.map_err(refusal::fault)?;
            self.entries += rows.len();
            if self.entries > MAX_ENTRIES {
                return Err(Status::resource_exhausted(format!(
                    "this trace reads more than {MAX_ENTRIES} entries; ask for fewer things, or \
                     begin nearer to what you look for"
                )));
            }
            for row in &rows {
                events.push(self.recorded(row).map_err(refusal::fault)?);
            }
            if rows.len() < PAGE as usize {
                break;
            }
        }
        if self.links.len() >= KEPT_LINKS {
            self.links.clear();
        }
        let id = id.to_owned();
        let height = self.height;
        let link = CompleteLink { id, height, events };
        self.links.insert(link.id.clone(), link);
        Ok(())
    }

    fn recorded(&mut self, row: &[u8]) -> Result<Arc<Recorded>, Fault> {
        let damaged = |what: &str| Fault::Damaged(format!("an entry of a link: {what}"));
        let entry: LinkEntry = encoding::decode_exact(row).map_err(|e| damaged(&e.to_string()))?;
        let place = journey::place(&entry);
        if let Some(known) = self.events.get(&place) {
            return Ok(known.clone());
        }
        let (height, index, event) = place;
        let bytes = match self.transaction.take() {
            Some((at, events)) if at == (height, index) => events,
            _ => {
                let envelope = self.snapshot.envelope(height, index)?;
                let envelope = envelope.ok_or_else(|| damaged("it names no transaction"))?;
                let events = captured_events(&envelope).map_err(|e| damaged(&e.to_string()))?;
                events.ok_or_else(|| damaged("it names no capture"))?
            }
        };
        let event = bytes.get(event as usize).cloned();
        self.transaction = Some(((height, index), bytes));
        let recorded = Recorded::new(entry, event.ok_or_else(|| damaged("it names no event"))?);
        if self.events.len() >= KEPT_EVENTS {
            self.events.clear();
        }
        self.events.insert(place, recorded.clone());
        Ok(recorded)
    }

    /// A thing with who has it.
    fn item(&mut self, traced: Traced, now_ms: u64) -> Result<wire::TracedItem, Status> {
        let key = keys::item(&traced.id);
        let value = self.values.get(&key).map_err(refusal::fault)?;
        let record = value.map(|value| decode_stored::<Item>(&key, &value));
        let stock = record
            .transpose()
            .map_err(refusal::fault)?
            .and_then(|r| r.stock);
        let standing = rules::standing(&self.values, &traced.id, now_ms);
        let standing = standing.map_err(refusal::fault)?;
        // Its link isn't needed any more, unless it is a container.
        if traced
            .edge
            .as_ref()
            .is_some_and(|e| e.way == Way::Transformed)
        {
            self.links.remove(&traced.id);
        }
        Ok(traced.message(standing.holder().unwrap_or_default(), stock))
    }
}

#[cfg(test)]
mod tests;
