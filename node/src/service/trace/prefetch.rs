//! Reading what a walk will need while it still looks at what came before: a thread of its own reads
//! links, records, and the containers that things are in.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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
/// Events that are kept for the next links, whatever their bytes: neighbours in a trace share most of theirs.
const KEPT_EVENTS: usize = 16_384;
/// What an event is counted with beside its bytes, for what was read from them.
const READ_EVENT: usize = 1024;
/// What a link is counted with for each event in it, which it may share.
const SHARED_EVENT: usize = 16;
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
    /// Bytes of events that are kept for the next links.
    pub kept_bytes: usize,
    /// Bytes that all links together hold, from which on none is read ahead.
    pub held_bytes: usize,
}

/// A thing's link and record.
pub(super) struct Read {
    pub link: CompleteLink,
    pub record: Box<Item>,
}

/// What is to be read.
struct Question {
    ids: Vec<String>,
    /// Whether the walk stands still until it has the first: that one is read, whatever is held.
    is_needed: bool,
}

/// What was read.
pub(super) struct Answer {
    pub reads: Vec<Read>,
    /// What wasn't, as too much was held.
    pub left: Vec<String>,
    /// Bytes that are held for it, until [`Prefetcher::release`].
    pub bytes: usize,
}

/// The reading thread, as the walk sees it.
pub(super) struct Prefetcher {
    asked: mpsc::Sender<Question>,
    answers: mpsc::Receiver<Result<Answer, ServiceError>>,
    held: Arc<AtomicUsize>,
    most: ReadLimits,
}

impl Prefetcher {
    /// Starts the thread, which reads so much at most; it ends when this is dropped.
    pub fn start<'scope, 'env>(
        scope: &'scope Scope<'scope, 'env>,
        view: &'env ProvenState<'env>,
        most: ReadLimits,
    ) -> Prefetcher {
        let (asked, questions) = mpsc::channel::<Question>();
        let (replies, answers) = mpsc::channel();
        let held = Arc::new(AtomicUsize::new(0));
        let counted = held.clone();
        scope.spawn(move || {
            let mut reader = StoreReader::new(view, most, counted);
            for question in questions {
                let read = match &mut reader {
                    Ok(reader) => reader.read(question),
                    Err(fault) => Err(ServiceError::Fault(fault.clone())),
                };
                if replies.send(read).is_err() {
                    return;
                }
            }
        });
        Prefetcher {
            asked,
            answers,
            held,
            most,
        }
    }

    /// Lets this be read, which the walk needs now.
    pub fn ask(&self, id: String) {
        let ids = vec![id];
        self.send(Question {
            ids,
            is_needed: true,
        });
    }

    /// Lets these be read, as far as there is room.
    pub fn ask_ahead(&self, ids: Vec<String>) {
        self.send(Question {
            ids,
            is_needed: false,
        });
    }

    /// Each question is answered once, in order.
    fn send(&self, question: Question) {
        // A thread that is gone is noticed when its answer is waited for.
        let _ = self.asked.send(question);
    }

    /// Whether as much is held as may be.
    pub fn is_full(&self) -> bool {
        self.held.load(Ordering::Relaxed) >= self.most.held_bytes
    }

    /// So many bytes aren't held any more.
    pub fn release(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Why a walk ends that needs more for one thing than may be held.
    pub fn refusal(&self, id: &str) -> ServiceError {
        ServiceError::TooLarge(format!(
            "the trace comes to a thing whose events, and those of its containers ({id} among them), have more than {} \
             bytes together; page through its events instead, or begin at what was made of it",
            self.most.held_bytes
        ))
    }

    /// Waits for the answer to the oldest question that has none. It may hold containers that
    /// weren't asked for.
    pub fn next(&self) -> Result<Answer, ServiceError> {
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
    /// Bytes of events that were taken out of their transactions for the link that is read.
    fresh: usize,
    /// Bytes that the walk holds, or will.
    held: Arc<AtomicUsize>,
    most: ReadLimits,
}

impl<'a> StoreReader<'a> {
    fn new(
        view: &'a ProvenState<'a>,
        most: ReadLimits,
        held: Arc<AtomicUsize>,
    ) -> Result<StoreReader<'a>, Fault> {
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
            fresh: 0,
            held,
            most,
        })
    }

    /// Reads these, and the containers around them that weren't read before, as far as there is room.
    fn read(&mut self, question: Question) -> Result<Answer, ServiceError> {
        let Question { ids, is_needed } = question;
        let needed = ids.first().filter(|_| is_needed).cloned();
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
        let mut answer = Answer {
            reads: Vec::with_capacity(found.len()),
            left: Vec::new(),
            bytes: 0,
        };
        // Containers first: their events name what is in them.
        for (id, record) in found.into_iter().rev() {
            let is_full = self.held.load(Ordering::Relaxed) >= self.most.held_bytes;
            if is_full && needed.as_ref() != Some(&id) {
                self.containers.remove(&id);
                answer.left.push(id);
                continue;
            }
            self.fresh = 0;
            let count = record.link.as_ref().map_or(0, |link| link.count);
            let events = match self.named(&id, count) {
                Some(events) => events,
                None => self.events(&id, count)?,
            };
            let shared = events.len().saturating_mul(SHARED_EVENT);
            let bytes = self.fresh.saturating_add(shared);
            self.held.fetch_add(bytes, Ordering::Relaxed);
            answer.bytes = answer.bytes.saturating_add(bytes);
            let link = CompleteLink::new(id, self.height, events);
            let record = Box::new(record);
            answer.reads.push(Read { link, record });
        }
        Ok(answer)
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
        if self.recorded.len() >= KEPT_EVENTS || self.recorded_bytes >= self.most.kept_bytes {
            self.recorded.clear();
            self.naming.clear();
            self.recorded_bytes = 0;
        }
        let bytes = recorded.bytes.len();
        self.recorded_bytes += bytes;
        self.fresh = self.fresh.saturating_add(bytes).saturating_add(READ_EVENT);
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
