//! Reading what a walk will need while it still looks at what came before: a thread of its own reads
//! links, records, and the containers that things are in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::Scope;

use foldhash::fast::RandomState;
use touchstone_core::Fault;
use touchstone_core::encoding;
use touchstone_core::proof::item_history::{self, CompleteLink, Recorded};
use touchstone_core::state::delta::decode_stored;
use touchstone_core::state::keys;
use touchstone_core::transaction::captured_event;
use touchstone_epcis::Event;
use touchstone_proto::ledger::{Item, LinkEntry};

use crate::service::error::ServiceError;
use crate::service::limits::Cancelled;
use crate::service::proven_state::ProvenState;
use crate::storage::rocks::{LinkCursor, Snapshot};

/// Entries read at once.
const PAGE: u32 = 1000;
/// Events, and bytes of them, that are kept for the next links: neighbours in a trace share most of
/// theirs.
const KEPT_EVENTS: usize = 16_384;
const KEPT_BYTES: usize = 64 << 20;
/// Containers that are known to have been read.
const KNOWN_CONTAINERS: usize = 4096;

/// What may be read for one trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadLimits {
    /// Entries of all links together.
    pub entries: usize,
    /// Entries of one link: it is held in memory whole.
    pub link_entries: u64,
    /// Bytes of one link's events.
    pub link_bytes: usize,
}

/// A thing's link and record.
pub(super) struct Read {
    pub link: CompleteLink,
    pub record: Box<Item>,
}

/// The reading thread, as the walk sees it.
pub(super) struct Prefetcher {
    asked: mpsc::Sender<Vec<String>>,
    answers: mpsc::Receiver<Result<Vec<Read>, ServiceError>>,
}

impl Prefetcher {
    /// Starts the thread, which reads so much at most; it ends when this is dropped.
    pub fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        view: &'env ProvenState<'env>,
        most: ReadLimits,
    ) -> Prefetcher {
        let (asked, questions) = mpsc::channel::<Vec<String>>();
        let (replies, answers) = mpsc::channel();
        scope.spawn(move || {
            let mut reader = StoreReader::new(view, most);
            for ids in questions {
                let read = match &mut reader {
                    Ok(reader) => reader.read(ids),
                    Err(fault) => Err(ServiceError::Fault(fault.clone())),
                };
                if replies.send(read).is_err() {
                    return;
                }
            }
        });
        Prefetcher { asked, answers }
    }

    /// Lets these be read; each question is answered once, in order.
    pub fn ask(&self, ids: Vec<String>) {
        // A thread that is gone is noticed when its answer is waited for.
        let _ = self.asked.send(ids);
    }

    /// Waits for the answer to the oldest question that has none. It may hold containers that
    /// weren't asked for.
    pub fn next(&self) -> Result<Vec<Read>, ServiceError> {
        let answer = self.answers.recv();
        answer.map_err(|_| {
            ServiceError::Fault(Fault::Invariant("the reading thread has ended".into()))
        })?
    }
}

/// A transaction by height and index, and its events.
type Captured = ((u64, u32), Vec<u8>);

struct StoreReader<'a> {
    snapshot: &'a Snapshot<'a>,
    cancelled: &'a Cancelled,
    cursor: LinkCursor<'a>,
    height: u64,
    /// By the bytes of their entries, which are the same in every link.
    recorded: HashMap<Vec<u8>, Arc<Recorded>, RandomState>,
    recorded_bytes: usize,
    /// Which of these events name a thing.
    naming: HashMap<String, Vec<Arc<Recorded>>, RandomState>,
    /// The transaction that was read last.
    transaction: Option<Captured>,
    /// Containers that the walk was given already.
    containers: HashSet<String>,
    /// Entries that were read.
    entries: usize,
    most: ReadLimits,
}

impl<'a> StoreReader<'a> {
    fn new(view: &'a ProvenState<'a>, most: ReadLimits) -> Result<StoreReader<'a>, Fault> {
        let snapshot = &view.snapshot;
        Ok(StoreReader {
            snapshot,
            cancelled: view.cancelled,
            cursor: snapshot.links()?,
            height: snapshot.tip().height,
            recorded: HashMap::default(),
            recorded_bytes: 0,
            naming: HashMap::default(),
            transaction: None,
            containers: HashSet::new(),
            entries: 0,
            most,
        })
    }

    /// Reads these, and the containers around them that weren't read before.
    fn read(&mut self, ids: Vec<String>) -> Result<Vec<Read>, ServiceError> {
        let mut found = Vec::with_capacity(ids.len());
        let mut next = ids;
        while !next.is_empty() {
            let records = self.records(&next)?;
            let around = records
                .iter()
                .filter_map(|record| self.new_container(record));
            let around = around.collect();
            found.extend(next.into_iter().zip(records));
            next = around;
        }
        let mut all = Vec::with_capacity(found.len());
        // Containers first: their events name what is in them.
        for (id, record) in found.into_iter().rev() {
            let count = record.link.as_ref().map_or(0, |link| link.count);
            let events = match self.named(&id, count) {
                Some(events) => events,
                None => self.events(&id, count)?,
            };
            let link = CompleteLink::new(id, self.height, events);
            let record = Box::new(record);
            all.push(Read { link, record });
        }
        Ok(all)
    }

    /// The container that a thing is in, if it wasn't read before.
    fn new_container(&mut self, record: &Item) -> Option<String> {
        let container = &record.packed.as_ref()?.container;
        if self.containers.contains(container) {
            return None;
        }
        if self.containers.len() >= KNOWN_CONTAINERS {
            self.containers.clear();
        }
        self.containers.insert(container.clone());
        Some(container.clone())
    }

    /// All events of a thing whose link has so many, if events that were read already name it as
    /// often: those are all then.
    fn named(&self, id: &str, count: u64) -> Option<Vec<Arc<Recorded>>> {
        let mut naming = self.naming.get(id)?.clone();
        if naming.len() as u64 != count {
            return None;
        }
        naming.sort_by_key(|recorded| recorded.place);
        Some(naming)
    }

    /// The records of these things; what isn't recorded is empty.
    fn records(&self, ids: &[String]) -> Result<Vec<Item>, Fault> {
        let keys: Vec<Vec<u8>> = ids.iter().map(|id| keys::item(id)).collect();
        let values = self.snapshot.state_values(&keys)?;
        let records = keys.iter().zip(values).map(|(key, value)| match value {
            Some(value) => decode_stored::<Item>(key, &value),
            None => Ok(Item::default()),
        });
        records.collect()
    }

    /// All events of a thing whose link has so many.
    fn events(&mut self, id: &str, count: u64) -> Result<Vec<Arc<Recorded>>, ServiceError> {
        let most = self.most;
        if count > most.link_entries {
            return Err(ServiceError::TooLarge(format!(
                "{id} has {count} events, and a trace holds those of one thing whole, {} at most; page through its \
                 events instead, or begin at what was made of it",
                most.link_entries
            )));
        }
        let key = keys::item(id);
        let mut events = Vec::new();
        let mut bytes: usize = 0;
        loop {
            self.cancelled.check()?;
            let from = events.len() as u64;
            let rows = self.cursor.entries(&key, from, PAGE);
            let rows = rows?;
            self.entries += rows.len();
            if self.entries > most.entries {
                return Err(ServiceError::TooLarge(format!(
                    "this trace reads more than {} entries; ask for fewer things, or begin nearer to what you \
                     look for",
                    most.entries
                )));
            }
            for row in &rows {
                let recorded = self.recorded(row)?;
                bytes = bytes.saturating_add(recorded.bytes.len());
                if bytes > most.link_bytes {
                    return Err(ServiceError::TooLarge(format!(
                        "the events of {id} have more than {} bytes, the most of one thing that a trace holds; page \
                         through its events instead, or begin at what was made of it",
                        most.link_bytes
                    )));
                }
                events.push(recorded);
            }
            if rows.len() < PAGE as usize {
                return Ok(events);
            }
        }
    }

    fn recorded(&mut self, row: &[u8]) -> Result<Arc<Recorded>, Fault> {
        if let Some(known) = self.recorded.get(row) {
            return Ok(known.clone());
        }
        let damaged = |what: &str| Fault::Damaged(format!("an entry of a link: {what}"));
        let entry: LinkEntry = encoding::decode_exact(row).map_err(|e| damaged(&e.to_string()))?;
        let (height, index, event) = item_history::place(&entry);
        let envelope = match self.transaction.take() {
            Some((at, envelope)) if at == (height, index) => envelope,
            _ => {
                let envelope = self.snapshot.envelope(height, index)?;
                envelope.ok_or_else(|| damaged("it names no transaction"))?
            }
        };
        let event = captured_event(&envelope, event).map(<[u8]>::to_vec);
        self.transaction = Some(((height, index), envelope));
        let recorded = Recorded::new(entry, event.ok_or_else(|| damaged("it names no event"))?);
        if self.recorded.len() >= KEPT_EVENTS || self.recorded_bytes >= KEPT_BYTES {
            self.recorded.clear();
            self.naming.clear();
            self.recorded_bytes = 0;
        }
        self.recorded_bytes += recorded.bytes.len();
        for id in recorded.event.iter().flat_map(Event::named) {
            let naming = self.naming.entry(id.as_str().to_owned()).or_default();
            // It may name one thing in two roles.
            if naming
                .last()
                .is_none_or(|last| !Arc::ptr_eq(last, &recorded))
            {
                naming.push(recorded.clone());
            }
        }
        self.recorded.insert(row.to_vec(), recorded.clone());
        Ok(recorded)
    }
}
