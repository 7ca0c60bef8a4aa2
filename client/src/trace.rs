//! Traces: walked over links that are proven one by one, or as a node tells them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use touchstone_core::proof::item_history::{CompleteLink, Recorded};
use touchstone_core::proof::items::MAX_ITEMS;
use touchstone_core::trace::{Direction, EdgeKind, End, Limits, Next, Walk};
use touchstone_epcis::Identifier;
use touchstone_proto::ledger::Stock;
use touchstone_proto::node::{TraceDirection, TraceEnd, TraceRequest, TracedItem};

use crate::as_of::Attempts;
use crate::attested_header::AttestedHeader;
use crate::client::{Client, ItemsAhead};
use crate::custody;
use crate::error::ClientError;
use crate::items::{self, ItemsAnswer};
use crate::verification::NotVerified;

/// Questions under way ahead of a walk, at most, and things of one, at least.
const QUESTIONS: usize = 2;
const FEW: usize = 16;
/// Things of a walk, at most, that is made again where the chain grew meanwhile.
const WALKED_AGAIN: usize = 1000;
/// Links that are kept for the next things.
const KEPT_LINKS: usize = 4096;
/// Bytes of the events of kept links, from which on these are dropped; and what each event is counted with beside its
/// own.
const KEPT_BYTES: usize = 256 << 20;
const READ_EVENT: usize = 1024;
/// How often all may be dropped for one thing: once for each question that was under way, and once for itself. What it
/// needs is more than may be kept then.
const CLEARED: usize = QUESTIONS + 1;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct TraceQuestion {
    /// Where it begins.
    pub id: Identifier,
    /// Which way.
    pub direction: Direction,
    /// How far.
    pub limits: Limits,
    /// The clock of whoever asks, milliseconds: by it deadlines have passed.
    pub now_ms: u64,
    /// Take the node's word for it.
    pub unproven: bool,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The things, the one that it began with first.
    pub items: Vec<TracedItem>,
    /// Up to which block, and what wasn't followed.
    pub end: TraceEnd,
}

impl Trace {
    /// Whether every connection was followed.
    pub fn is_whole(&self) -> bool {
        self.end.too_deep == 0 && self.end.too_many == 0
    }
}

/// Walks; `found` hears of the number of things so far.
pub async fn ask(
    client: &mut Client,
    question: &TraceQuestion,
    found: &mut (dyn FnMut(usize) + Send),
) -> Result<Trace, ClientError> {
    if question.unproven {
        return told(client, question, found).await;
    }
    let mut attempts = Attempts::default();
    loop {
        let trace = proven(client, question, found).await?;
        if trace.items.len() > WALKED_AGAIN || attempts.are_over(client.as_of()) {
            return Ok(trace);
        }
    }
}

async fn told(
    client: &mut Client,
    question: &TraceQuestion,
    found: &mut (dyn FnMut(usize) + Send),
) -> Result<Trace, ClientError> {
    let direction = match question.direction {
        Direction::Forward => TraceDirection::Forward,
        Direction::Backward => TraceDirection::Backward,
    };
    let number = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
    let request = TraceRequest {
        id: question.id.as_str().to_owned(),
        direction: direction.into(),
        max_depth: question.limits.depth,
        max_items: number(question.limits.items),
    };
    let mut items: Vec<TracedItem> = Vec::new();
    let mut named = BTreeSet::new();
    let mut replies = client.trace(request).await?;
    loop {
        let Some(reply) = replies.next().await? else {
            return Err(ClientError::Broken("broke off in the middle of the trace"));
        };
        if reply.items.is_empty() && reply.end.is_none() {
            return Err(ClientError::Broken("sends pieces with nothing in them"));
        }
        // Whoever draws the way from thing to thing comes to an end: it never leads back.
        for item in &reply.items {
            let follows = match &item.edge {
                None => named.is_empty(),
                Some(edge) => named.contains(&edge.from),
            };
            if !named.insert(item.id.clone()) || !follows {
                return Err(ClientError::Broken(
                    "names a thing twice, or one that nothing before it leads to",
                ));
            }
        }
        items.extend(reply.items);
        found(items.len());
        if let Some(end) = reply.end {
            let (height, proven) = (end.height, client.trust().proven_height());
            if height < proven {
                return Err(NotVerified::Behind { height, proven }.into());
            }
            return Ok(Trace { items, end });
        }
        if items.len() > question.limits.items {
            return Err(ClientError::Broken(
                "sends more things than it was asked for",
            ));
        }
    }
}

/// Every link is proven complete before it is followed, so nothing can be left out.
async fn proven(
    client: &mut Client,
    question: &TraceQuestion,
    found: &mut (dyn FnMut(usize) + Send),
) -> Result<Trace, ClientError> {
    let mut walk = Walk::new(question.id.as_str(), question.direction, question.limits);
    let mut supply = Supply::default();
    let mut custody_reader = custody::CustodyReader::new(question.now_ms);
    let mut items = Vec::new();
    let mut end = TraceEnd {
        height: u64::MAX,
        ..TraceEnd::default()
    };
    loop {
        let next = walk.next(|id| supply.links.get(id));
        match next.map_err(|e| NotVerified::Contradiction(e.to_string()))? {
            Next::Missing(missing) => {
                supply.provide(client, &walk, &missing, &mut end).await?;
            }
            Next::Item(traced) => {
                let holder = match Identifier::parse(&traced.id) {
                    Ok(id) if custody::is_holdable(&id) => {
                        match supply.holders.remove(&traced.id) {
                            Some(holder) => holder.unwrap_or_default(),
                            None => {
                                let status = custody_reader.status(client, id.as_str());
                                let (attested, status) = status.await?;
                                proven_at(&mut end, &attested);
                                status.holder().unwrap_or_default().to_owned()
                            }
                        }
                    }
                    _ => String::new(),
                };
                let edge = traced.edge.as_ref();
                if edge.is_some_and(|edge| edge.kind == EdgeKind::Transformed) {
                    supply.links.remove(&traced.id);
                }
                let stock = supply.stocks.remove(&traced.id);
                items.push(traced.message(&holder, stock));
                supply.cleared = 0;
                found(items.len());
            }
            Next::End(End { too_deep, too_many }) => {
                (end.too_deep, end.too_many) = (too_deep, too_many);
                return Ok(Trace { items, end });
            }
        }
    }
}

/// What a walk has, and what is asked for before it needs it: while it looks at some things, the node reads the next
/// ones, and another task checks those that came.
#[derive(Default)]
struct Supply {
    links: BTreeMap<String, CompleteLink>,
    /// Bytes of the events that came since these were dropped.
    bytes: usize,
    /// How often they were dropped for their bytes since the last thing was told.
    cleared: usize,
    /// Of things that weren't looked at yet.
    stocks: BTreeMap<String, Stock>,
    holders: BTreeMap<String, Option<String>>,
    under_way: VecDeque<UnderWay>,
}

/// A question that is under way.
struct UnderWay {
    ids: BTreeSet<String>,
    answer: ItemsAhead,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.answer.abort();
    }
}

impl Supply {
    /// Gets this link, and asks for those that come after what is here then.
    async fn provide(
        &mut self,
        client: &mut Client,
        walk: &Walk,
        missing: &str,
        end: &mut TraceEnd,
    ) -> Result<(), ClientError> {
        self.make_room(missing)?;
        while !self.links.contains_key(missing) && self.is_asked(missing) {
            let Some(mut next) = self.under_way.pop_front() else {
                break;
            };
            // A task that was ended has no answer: it is asked again.
            if let Ok(answer) = (&mut next.answer).await
                && let Some(answer) = answer?
            {
                self.take(answer, end);
            }
        }
        if !self.links.contains_key(missing) {
            // One thing that needs all there is room for has it.
            let ahead = match self.cleared {
                0 => MAX_ITEMS.saturating_sub(1),
                _ => 0,
            };
            let mut ids = self.coming(walk, ahead);
            ids.retain(|id| id != missing);
            ids.insert(0, missing.to_owned());
            let answer = items::fetch(client, &ids).await?;
            self.take(answer, end);
        }
        while self.under_way.len() < QUESTIONS && self.cleared == 0 {
            let coming = self.coming(walk, MAX_ITEMS);
            // A few would cost more than they spare.
            let answer = match coming.len() {
                0..FEW => None,
                _ => client.items_ahead(coming.clone()),
            };
            let Some(answer) = answer else {
                break;
            };
            let ids = coming.into_iter().collect();
            self.under_way.push_back(UnderWay { ids, answer });
        }
        Ok(())
    }

    /// Drops what is kept where that is as much as may be; the walk asks again for what it needs.
    fn make_room(&mut self, id: &str) -> Result<(), ClientError> {
        let is_heavy = self.bytes >= KEPT_BYTES;
        if is_heavy && self.cleared == CLEARED {
            let id = id.to_owned();
            return Err(ClientError::TraceTooLarge { id });
        }
        if is_heavy || self.links.len() >= KEPT_LINKS {
            self.links.clear();
            self.bytes = 0;
        }
        self.cleared = self.cleared.saturating_add(usize::from(is_heavy));
        Ok(())
    }

    /// What the walk comes to next and is neither here nor asked for, at most so many.
    fn coming(&self, walk: &Walk, count: usize) -> Vec<String> {
        let looked_at = MAX_ITEMS.saturating_mul(QUESTIONS.saturating_add(2));
        let coming = walk.coming(looked_at);
        let coming = coming.filter(|id| !self.links.contains_key(*id) && !self.is_asked(id));
        coming.take(count).map(str::to_owned).collect()
    }

    fn is_asked(&self, id: &str) -> bool {
        self.under_way.iter().any(|asked| asked.ids.contains(id))
    }

    fn take(&mut self, answer: ItemsAnswer, end: &mut TraceEnd) {
        if let Some(attested) = &answer.attested {
            proven_at(end, attested);
        }
        let links = answer.logs.iter().map(|log| log.events.as_slice());
        self.bytes = self.bytes.saturating_add(bytes_of(links));
        for log in answer.logs {
            proven_at(end, &log.attested);
            let stock = log.record.as_ref().and_then(|r| r.stock.clone());
            self.stocks
                .extend(stock.map(|stock| (log.id.clone(), stock)));
            let link = log.complete();
            self.links.insert(log.id, link);
        }
        self.holders.extend(answer.holders);
    }
}

/// What the events of these links take. Links of one answer share theirs.
fn bytes_of<'a>(links: impl Iterator<Item = &'a [Arc<Recorded>]>) -> usize {
    let mut seen = BTreeSet::new();
    links
        .flatten()
        .filter(|event| seen.insert(Arc::as_ptr(event)))
        .map(|event| event.bytes.len().saturating_add(READ_EVENT))
        .fold(0, usize::saturating_add)
}

/// The answer is as old as the oldest proof in it.
fn proven_at(end: &mut TraceEnd, attested: &AttestedHeader) {
    let header = &attested.header;
    if header.height < end.height {
        (end.height, end.time_ms) = (header.height, header.time_ms);
    }
}

#[cfg(test)]
mod tests {
    use touchstone_proto::ledger::LinkEntry;

    use super::*;

    #[test]
    fn links_are_kept_up_to_so_many_bytes_and_a_thing_that_needs_more_is_refused() {
        let event = |bytes| Recorded::new(LinkEntry::default(), vec![0; bytes]);
        let (shared, own) = (event(5), event(7));
        let links = [vec![shared.clone()], vec![shared, own]];
        let bytes = bytes_of(links.iter().map(Vec::as_slice));
        assert_eq!(bytes, 12 + 2 * READ_EVENT, "a shared one counts once");

        let mut supply = Supply::default();
        let link = |id: &str| CompleteLink::new(id.into(), 1, Vec::new());
        let mut filled = |bytes: usize| {
            supply.links.insert("a".into(), link("a"));
            supply.bytes = bytes;
            let made = supply.make_room("b");
            (made.is_ok(), supply.links.len(), supply.bytes)
        };
        assert_eq!(filled(KEPT_BYTES - 1), (true, 1, KEPT_BYTES - 1));
        for _ in 0..CLEARED {
            assert_eq!(filled(KEPT_BYTES), (true, 0, 0));
        }
        assert_eq!(filled(KEPT_BYTES), (false, 1, KEPT_BYTES));
        let refused = supply.make_room("b");
        assert!(matches!(refused, Err(ClientError::TraceTooLarge { id }) if id == "b"));
    }
}
