//! Traces: walked over links that are proven one by one, or as a node tells them.

use std::collections::BTreeMap;

use touchstone_core::proof::item_history::CompleteLink;
use touchstone_core::trace::{Direction, EdgeKind, End, Limits, Next, Walk};
use touchstone_epcis::Identifier;
use touchstone_proto::ledger::Stock;
use touchstone_proto::node::{TraceDirection, TraceEnd, TraceRequest, TracedItem};

use crate::as_of::Attempts;
use crate::attested_header::AttestedHeader;
use crate::client::Client;
use crate::error::ClientError;
use crate::verification::NotVerified;
use crate::{custody, event_log};

/// Links asked for at once.
const AT_ONCE: usize = 16;
/// Things of a walk, at most, that is made again where the chain grew meanwhile.
const WALKED_AGAIN: usize = 1000;
/// Links that are kept for the next things.
const KEPT_LINKS: usize = 4096;

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
    let mut replies = client.trace(request).await?;
    loop {
        let Some(reply) = replies.next().await? else {
            return Err(ClientError::Broken("broke off in the middle of the trace"));
        };
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
    let mut links: BTreeMap<String, CompleteLink> = BTreeMap::new();
    let mut stocks: BTreeMap<String, Stock> = BTreeMap::new();
    let mut custody_reader = custody::CustodyReader::new(question.now_ms);
    let mut items = Vec::new();
    let mut end = TraceEnd {
        height: u64::MAX,
        ..TraceEnd::default()
    };
    loop {
        let next = walk.next(|id| links.get(id));
        match next.map_err(|e| NotVerified::Contradiction(e.to_string()))? {
            Next::Missing(missing) => {
                if links.len() >= KEPT_LINKS {
                    links.clear();
                }
                let others = walk.coming(AT_ONCE);
                let others = others.filter(|id| *id != missing && !links.contains_key(*id));
                let mut ids: Vec<String> = others.take(AT_ONCE - 1).map(str::to_owned).collect();
                ids.push(missing);
                for fetched in event_log::fetch_all(client, &ids).await? {
                    proven_at(&mut end, &fetched.attested);
                    custody_reader.learn(&fetched.attested, &fetched.id, fetched.record.as_ref());
                    let stock = fetched.record.as_ref().and_then(|r| r.stock.clone());
                    stocks.extend(stock.map(|stock| (fetched.id.clone(), stock)));
                    links.insert(fetched.id.clone(), fetched.complete());
                }
            }
            Next::Item(traced) => {
                let holder = match Identifier::parse(&traced.id) {
                    Ok(id) if custody::is_holdable(&id) => {
                        let (attested, status) = custody_reader.status(client, id.as_str()).await?;
                        proven_at(&mut end, &attested);
                        status.holder().unwrap_or_default().to_owned()
                    }
                    _ => String::new(),
                };
                let edge = traced.edge.as_ref();
                if edge.is_some_and(|edge| edge.kind == EdgeKind::Transformed) {
                    links.remove(&traced.id);
                }
                let stock = stocks.remove(&traced.id);
                items.push(traced.message(&holder, stock));
                found(items.len());
            }
            Next::End(End { too_deep, too_many }) => {
                (end.too_deep, end.too_many) = (too_deep, too_many);
                return Ok(Trace { items, end });
            }
        }
    }
}

/// The answer is as old as the oldest proof in it.
fn proven_at(end: &mut TraceEnd, attested: &AttestedHeader) {
    let header = &attested.header;
    if header.height < end.height {
        (end.height, end.time_ms) = (header.height, header.time_ms);
    }
}
