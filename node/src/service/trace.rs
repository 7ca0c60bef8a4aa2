//! Traces over the store. They are this node's word and as such quick; a client that wants proof
//! walks over the links itself.

mod prefetch;

use std::collections::{HashMap, HashSet};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::sync::mpsc;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use touchstone_core::custody::{self, Holders};
use touchstone_core::proof::item_history::CompleteLink;
use touchstone_core::state::delta::Delta;
use touchstone_core::trace::{Direction, EdgeKind, End, Limits, Next, Traced, Walk};
use touchstone_edge::Caller;
use touchstone_epcis::Identifier;
use touchstone_proto::ledger::Item;
use touchstone_proto::node as wire;

use self::prefetch::{Prefetcher, Read, ReadLimits};
use super::LedgerService;
use super::error::{ServiceError, unproven, untold};
use super::limits::StreamPermit;
use super::proven_state::ProvenState;

/// How long a reader may sleep before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// Where the client names no limits, and at most.
const DEPTH: u32 = 64;
const MAX_DEPTH: u32 = 1000;
const ITEMS: u32 = 10_000;
const MAX_ITEMS: u32 = 200_000;
/// What one trace may read: of one link no more than an evidence file holds, since everybody's events lengthen that of
/// a lot.
const MOST: ReadLimits = ReadLimits {
    entries: 4_000_000,
    link_entries: 100_000,
    link_bytes: 256 << 20,
    kept_bytes: 64 << 20,
    held_bytes: 512 << 20,
};
/// Entries that are read for what is said of one thing, for which others wait.
const ENTRIES_OF_ONE: usize = 4096;
/// Things of one message.
const BATCH: usize = 256;
/// Things that are read together before they are needed.
const AHEAD: usize = 256;
/// How many such readings may wait or be under way.
const QUESTIONS: usize = 3;
/// Things that are kept for the next ones.
const KEPT_THINGS: usize = 4096;
/// How often all that is held may be dropped for one thing: once for each reading ahead that was under way, and once
/// for itself. What it needs is more than may be held then.
const CLEARED: usize = QUESTIONS + 1;

/// Parts of a trace, as they are found.
pub type TraceStream =
    Pin<Box<dyn Stream<Item = Result<wire::TraceReply, ServiceError>> + Send + 'static>>;

/// Walks in the background, as far as its reader takes what is found.
pub fn stream(
    service: Arc<LedgerService>,
    client: Caller,
    request: wire::TraceRequest,
) -> Result<TraceStream, ServiceError> {
    let permit = service.limits.traces.take(client)?;
    let (replies, stream) = mpsc::channel(4);
    tokio::spawn(async move {
        permit.owes();
        let found = replies.clone();
        let runtime = tokio::runtime::Handle::current();
        let walk = move |view: &ProvenState<'_>| {
            walk(view, &request, |reply| {
                let sent = found.send(Ok(reply));
                let sent = runtime.block_on(async { tokio::time::timeout(PATIENCE, sent).await });
                matches!(sent, Ok(Ok(())))
            })
        };
        let walked = tokio::select! {
            () = replies.closed() => return,
            () = permit.displaced() => Err(StreamPermit::gave_way()),
            walked = service.read_long(client, walk) => walked,
        };
        if let Err(failure) = walked {
            // An error means that the client has gone.
            let _ = replies.send(Err(failure)).await;
        }
    });
    Ok(Box::pin(ReceiverStream::new(stream)))
}

/// Walks, and gives what is found to `send`, which says whether somebody still listens.
pub fn walk(
    view: &ProvenState<'_>,
    request: &wire::TraceRequest,
    send: impl FnMut(wire::TraceReply) -> bool,
) -> Result<(), ServiceError> {
    walk_within(view, request, MOST, send)
}

/// The same, reading so much at most.
fn walk_within(
    view: &ProvenState<'_>,
    request: &wire::TraceRequest,
    most: ReadLimits,
    mut send: impl FnMut(wire::TraceReply) -> bool,
) -> Result<(), ServiceError> {
    let id = Identifier::read(&request.id)
        .map_err(|e| ServiceError::Malformed(format!("{:?}: {e}", request.id)))?;
    let limits = Limits {
        depth: limit("max_depth", request.max_depth, DEPTH, MAX_DEPTH)?,
        items: limit("max_items", request.max_items, ITEMS, MAX_ITEMS)? as usize,
    };
    let direction = match request.direction() {
        wire::TraceDirection::Forward => Direction::Forward,
        wire::TraceDirection::Backward => Direction::Backward,
    };
    let walk = Walk::new(id.as_str(), direction, limits);
    std::thread::scope(|scope| follow(walk, view, &Prefetcher::start(scope, view, most), &mut send))
}

/// Follows a walk to its end, or until nobody listens.
fn follow(
    mut walk: Walk,
    view: &ProvenState<'_>,
    prefetcher: &Prefetcher,
    send: &mut impl FnMut(wire::TraceReply) -> bool,
) -> Result<(), ServiceError> {
    let tip = view.snapshot.tip();
    let mut state = Delta::new(&view.snapshot);
    let mut holders = Holders::new(&mut state);
    let mut cache = TraceCache::default();
    let mut items = Vec::new();
    loop {
        view.cancelled.check()?;
        let next = walk.next(|id| cache.link(id));
        match next.map_err(|error| untold(&error))? {
            Next::Missing(link) => cache.wait_for(&link, &walk, prefetcher)?,
            Next::Item(traced) => {
                let record = cache.record(&traced)?;
                let holder = holders.of(&traced.id, &record)?;
                items.push(traced.message(&holder.unwrap_or_default(), record.stock));
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

/// What a walk has, or waits for.
#[derive(Default)]
struct TraceCache {
    things: HashMap<String, Read, RandomState>,
    asked: HashSet<String, RandomState>,
    /// Questions without answer.
    questions: usize,
    /// Bytes of these things.
    bytes: usize,
    /// How often they were dropped, as too much was held, since the last thing was told.
    cleared: usize,
}

impl TraceCache {
    fn link(&self, id: &str) -> Option<&CompleteLink> {
        self.things.get(id).map(|read| &read.link)
    }

    /// The record of a thing, which isn't needed again unless it is a container.
    fn record(&mut self, traced: &Traced) -> Result<Box<Item>, ServiceError> {
        self.cleared = 0;
        let edge = traced.edge.as_ref();
        let is_last = edge.is_some_and(|edge| edge.kind == EdgeKind::Transformed);
        let record = match is_last {
            true => self.things.remove(&traced.id).map(|read| read.record),
            false => self.things.get(&traced.id).map(|read| read.record.clone()),
        };
        record.ok_or_else(|| unproven("a thing of a trace without its record"))
    }

    /// Waits for this link, and lets those be read that come after what is here then.
    fn wait_for(
        &mut self,
        id: &str,
        walk: &Walk,
        prefetcher: &Prefetcher,
    ) -> Result<(), ServiceError> {
        if prefetcher.is_full() {
            if self.cleared == CLEARED {
                return Err(prefetcher.refusal(id));
            }
            self.cleared += 1;
            self.clear(prefetcher);
        } else if self.things.len() >= KEPT_THINGS {
            self.clear(prefetcher);
        }
        while !self.things.contains_key(id) {
            if self.asked.insert(id.to_owned()) {
                self.questions += 1;
                prefetcher.ask(id.to_owned());
            }
            let answer = prefetcher.next()?;
            self.questions -= 1;
            self.bytes = self.bytes.saturating_add(answer.bytes);
            for left in &answer.left {
                self.asked.remove(left);
            }
            for read in answer.reads {
                let id = read.link.id().to_owned();
                self.asked.remove(&id);
                self.things.insert(id, read);
            }
        }
        // One thing that needs all there is room for has it.
        while self.questions < QUESTIONS && self.cleared == 0 {
            let is_new = |id: &&str| !self.things.contains_key(*id) && !self.asked.contains(*id);
            let coming = walk.coming(QUESTIONS * AHEAD + AHEAD).filter(is_new);
            let coming: Vec<String> = coming.take(AHEAD).map(str::to_owned).collect();
            // A few would cost more than they spare, unless nothing else is to be done.
            if coming.is_empty() || (coming.len() < AHEAD && self.questions > 0) {
                break;
            }
            self.asked.extend(coming.iter().cloned());
            self.questions += 1;
            prefetcher.ask_ahead(coming);
        }
        Ok(())
    }

    /// Drops what is here; the walk asks again for what it needs.
    fn clear(&mut self, prefetcher: &Prefetcher) {
        self.things.clear();
        prefetcher.release(std::mem::take(&mut self.bytes));
    }
}

/// What a walk says of one thing: where it stands, who has it, and where it was last seen. Of one with more events than
/// are read for one answer, its containers' included, it says who has it and what it is in.
pub fn about(view: &ProvenState<'_>, id: &str) -> Result<wire::TracedItem, ServiceError> {
    let request = wire::TraceRequest {
        id: id.to_owned(),
        max_depth: 1,
        max_items: 1,
        ..wire::TraceRequest::default()
    };
    let most = ReadLimits {
        entries: ENTRIES_OF_ONE,
        ..MOST
    };
    let mut found = None;
    let walked = walk_within(view, &request, most, |reply| {
        found = reply.items.into_iter().next();
        true
    });
    match walked {
        Err(ServiceError::TooLarge(_)) => {
            let status = custody::status(&view.snapshot, id, view.snapshot.tip().time_ms)?;
            Ok(wire::TracedItem {
                id: id.to_owned(),
                holder: status.holder().unwrap_or_default().to_owned(),
                inside: status.containers,
                ..wire::TracedItem::default()
            })
        }
        Err(failure) => Err(failure),
        Ok(()) => found.ok_or_else(|| unproven("a trace without its beginning")),
    }
}

fn limit(name: &str, asked: u32, default: u32, most: u32) -> Result<u32, ServiceError> {
    match asked {
        0 => Ok(default),
        asked if asked <= most => Ok(asked),
        _ => Err(ServiceError::Malformed(format!("{name} is at most {most}"))),
    }
}

#[cfg(test)]
mod tests;
