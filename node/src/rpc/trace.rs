//! Traces over the store. They are this node's word and as such quick; a client that wants proof
//! walks over the links itself.

mod ahead;

use std::collections::{HashMap, HashSet};

use tonic::Status;
use touchstone_core::epcis::Identifier;
use touchstone_core::proof::journey::CompleteLink;
use touchstone_core::rules::Standings;
use touchstone_core::state::StateRead;
use touchstone_core::state::delta::Delta;
use touchstone_core::trace::{Direction, End, Limits, Next, Walk, Way};
use touchstone_proto::node as wire;

use self::ahead::{Ahead, Read};
use super::refusal;
use super::view::View;

/// Where the client names no limits, and at most.
const DEPTH: u32 = 64;
const MAX_DEPTH: u32 = 1000;
const ITEMS: u32 = 10_000;
const MAX_ITEMS: u32 = 200_000;
/// Things of one message.
const BATCH: usize = 256;
/// Things that are read together before they are needed.
const AHEAD: usize = 256;
/// Links that are kept for the next things.
const KEPT_LINKS: usize = 4096;

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
    let walk = Walk::new(id.as_str(), direction, limits);
    std::thread::scope(|scope| follow(walk, view, &Ahead::start(scope, view), &mut send))
}

/// Follows a walk to its end, or until nobody listens.
fn follow(
    mut walk: Walk,
    view: &View<'_>,
    ahead: &Ahead,
    send: &mut impl FnMut(wire::TraceReply) -> bool,
) -> Result<(), Status> {
    let tip = view.snapshot.tip();
    let mut state = Delta::new(&view.snapshot);
    let mut standings = Standings::new(&mut state, tip.time_ms);
    let mut shelf = Shelf::default();
    let mut items = Vec::new();
    loop {
        let next = walk.next(|id| shelf.links.get(id));
        match next.map_err(refusal::unproven)? {
            Next::Missing(link) => shelf.wait_for(&link, &walk, ahead, &mut standings)?,
            Next::Item(traced) => {
                let (standing, stock) = standings.of(&traced.id).map_err(refusal::fault)?;
                let edge = traced.edge.as_ref();
                if edge.is_some_and(|edge| edge.way == Way::Transformed) {
                    // Containers are asked for again.
                    shelf.links.remove(&traced.id);
                    standings.forget(&traced.id);
                }
                items.push(traced.message(standing.holder().unwrap_or_default(), stock));
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

/// The links that a walk has, or waits for.
#[derive(Default)]
struct Shelf {
    links: HashMap<String, CompleteLink>,
    asked: HashSet<String>,
}

impl Shelf {
    /// Waits for this link, and lets those be read that come after what is here then.
    fn wait_for<S: StateRead>(
        &mut self,
        id: &str,
        walk: &Walk,
        ahead: &Ahead,
        standings: &mut Standings<'_, '_, S>,
    ) -> Result<(), Status> {
        if !self.asked.contains(id) {
            self.ask(ahead, vec![id.to_owned()]);
        }
        if self.links.len() >= KEPT_LINKS {
            self.links.clear();
        }
        while !self.links.contains_key(id) {
            for Read { link, record } in ahead.next()? {
                self.asked.remove(link.id());
                standings.learn(link.id(), record);
                self.links.insert(link.id().to_owned(), link);
            }
        }
        let is_new = |id: &&str| !self.links.contains_key(*id) && !self.asked.contains(*id);
        let coming = walk.coming(2 * AHEAD).filter(is_new).take(AHEAD);
        let coming: Vec<String> = coming.map(str::to_owned).collect();
        // Few by few would cost more than it spares.
        if self.asked.is_empty() && !coming.is_empty() {
            self.ask(ahead, coming);
        }
        Ok(())
    }

    fn ask(&mut self, ahead: &Ahead, ids: Vec<String>) {
        self.asked.extend(ids.iter().cloned());
        ahead.ask(ids);
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

#[cfg(test)]
mod tests;
