//! Traces: where a thing's substance went, and what it came from, through transformation and
//! containment. docs/traces.md says what a trace tells, and what it doesn't.
//!
//! A walk asks for complete links and does no reading itself, so that a node walks over its store,
//! and a client over links that it has proven: then the trace is proven too, and complete.
//!
//! Consensus-critical: no

mod traced;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use self::traced::{Edge, EdgeKind, Seen, Traced};

use crate::custody::is_holdable;
use crate::custody::unit_state::{self, HistoryEntry, UnitState};
use crate::proof::item_history::{self, CompleteLink, ItemHistory, ItemHistoryError, Place, Step};
use touchstone_epcis::{ContainmentStep, Event, EventType, Identifier, QuantityRole};

/// Which way a trace goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From what went in to what was made of it.
    Forward,
    /// From what was made to what went in.
    Backward,
}

/// How far a trace goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps away from where it began.
    pub depth: u32,
    /// Things, the first among them.
    pub items: usize,
}

/// How a trace ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Connections that weren't followed because they were too many steps away.
    pub too_deep: u64,
    /// Connections that weren't followed because there were too many things already.
    pub too_many: u64,
}

impl End {
    /// Whether everything was followed.
    pub fn is_complete(&self) -> bool {
        *self == End::default()
    }
}

/// What a walk says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// The link of this identifier is needed: ask again with it.
    Missing(String),
    /// The next thing.
    Item(Box<Traced>),
    /// That was all.
    End(End),
}

/// A walk from one thing. Each thing comes once, in the order of the ledger (forward), or against
/// it (backward), so that it comes with the earliest, or the latest, time that counts.
#[derive(Clone, Debug)]
pub struct Walk {
    direction: Direction,
    limits: Limits,
    /// Numbers of what is to be looked at, by order; of one order, what was reached first.
    frontier: BTreeSet<(Order, usize)>,
    /// In the order in which they were reached.
    reached: Vec<Reached>,
    /// Their numbers, by identifier.
    numbers: BTreeMap<Arc<str>, usize>,
    end: End,
}

/// Ascends in the direction of the walk.
type Order = (u64, u32, u32);

#[derive(Clone, Debug)]
struct Reached {
    id: Arc<str>,
    order: Order,
    depth: u32,
    edge: Option<Edge>,
    is_answered: bool,
}

/// A connection of a thing to the next.
struct Connection {
    to: Arc<str>,
    /// From when on (forward), or until when (backward), the next thing counts.
    bound: Place,
    edge: Edge,
}

const BEGINNING: Place = (0, 0, 0);
const NOW: Place = (u64::MAX, u32::MAX, u32::MAX);

impl Walk {
    /// A walk from the thing with this canonical identifier. The first thing always comes.
    pub fn new(id: &str, direction: Direction, limits: Limits) -> Walk {
        let order = match direction {
            Direction::Forward => BEGINNING,
            Direction::Backward => turned(NOW),
        };
        let id: Arc<str> = id.into();
        let first = Reached {
            id: id.clone(),
            order,
            depth: 0,
            edge: None,
            is_answered: false,
        };
        Walk {
            direction,
            limits,
            frontier: BTreeSet::from([(order, 0)]),
            reached: vec![first],
            numbers: BTreeMap::from([(id, 0)]),
            end: End::default(),
        }
    }

    /// The next thing, from complete links, which `find` gives by identifier. One that it gave
    /// once it may lack later; that is asked for again if it is needed.
    pub fn next<'a>(
        &mut self,
        find: impl Fn(&str) -> Option<&'a CompleteLink>,
    ) -> Result<Next, ItemHistoryError> {
        let first = self.frontier.first();
        let Some(reached) = first.and_then(|(_, number)| self.reached.get_mut(*number)) else {
            return Ok(Next::End(self.end));
        };
        let (order, id, depth) = (reached.order, reached.id.clone(), reached.depth);
        let resolved = match item_history::resolve(&id, find) {
            Ok(resolved) => resolved,
            Err(ItemHistoryError::Missing(missing)) => return Ok(Next::Missing(missing)),
            Err(error) => return Err(error),
        };
        reached.is_answered = true;
        let edge = reached.edge.take();
        self.frontier.pop_first();
        let history = History::of(&id, &resolved);
        let connections = match self.direction {
            Direction::Forward => history.forward(order),
            Direction::Backward => history.backward(turned(order)),
        };
        for connection in connections {
            self.reach(connection, depth);
        }
        Ok(Next::Item(Box::new(Traced {
            depth,
            edge,
            state: history.state(),
            seen: history.seen(),
            events: resolved.steps.len(),
            inside: resolved.inside,
            id: id.as_ref().to_owned(),
        })))
    }

    /// Things that come next, at most so many: whoever reads links may read theirs together.
    pub fn coming(&self, count: usize) -> impl Iterator<Item = &str> {
        let next = self.frontier.iter().take(count);
        next.filter_map(|(_, number)| Some(self.reached.get(*number)?.id.as_ref()))
    }

    fn reach(&mut self, connection: Connection, depth: u32) {
        let order = match self.direction {
            Direction::Forward => connection.bound,
            Direction::Backward => turned(connection.bound),
        };
        let Connection { to, edge, .. } = connection;
        let deeper = depth.saturating_add(1);
        let known = self.numbers.get(&to).copied();
        let number = known.unwrap_or(self.reached.len());
        if let Some(known) = self.reached.get_mut(number) {
            let is_better = (order, deeper) < (known.order, known.depth);
            if known.is_answered || !is_better {
                return;
            }
            self.frontier.remove(&(known.order, number));
            (known.order, known.depth) = (order, deeper);
            known.edge = Some(edge);
        } else if depth >= self.limits.depth {
            self.end.too_deep = self.end.too_deep.saturating_add(1);
            return;
        } else if self.reached.len() >= self.limits.items {
            self.end.too_many = self.end.too_many.saturating_add(1);
            return;
        } else {
            self.numbers.insert(to.clone(), number);
            self.reached.push(Reached {
                id: to,
                order,
                depth: deeper,
                edge: Some(edge),
                is_answered: false,
            });
        }
        self.frontier.insert((order, number));
    }
}

/// The order of places, turned around: a number's complement is what lacks to the greatest.
fn turned((height, transaction, event): Place) -> Order {
    (!height, !transaction, !event)
}

/// A thing's events as a walk sees them.
struct History<'a> {
    id: &'a Arc<str>,
    steps: Vec<(&'a Step, &'a Event)>,
    told: Vec<HistoryEntry<'a>>,
    /// Which events are declared wrong, and by which.
    corrections: Vec<(usize, usize)>,
}

impl<'a> History<'a> {
    fn of(id: &'a Arc<str>, resolved: &'a ItemHistory<'_>) -> History<'a> {
        let read = |step: &'a Step| Some((step, step.event.as_ref()?));
        let steps: Vec<_> = resolved.steps.iter().filter_map(read).collect();
        let told = |(step, event): &(&'a Step, &'a Event)| HistoryEntry {
            event,
            organisation: &step.entry.organisation,
            named: step.via.last().map_or(id.as_ref(), String::as_str),
        };
        let told: Vec<_> = steps.iter().map(told).collect();
        History {
            id,
            corrections: unit_state::declared_wrong(&told),
            steps,
            told,
        }
    }

    fn state(&self) -> Option<UnitState> {
        if self.is_class() || !is_holdable(self.id) {
            return None;
        }
        unit_state::unit_state(self.id, &self.told, &self.corrections)
    }

    fn is_class(&self) -> bool {
        let own = self.steps.iter().find(|(step, _)| step.via.is_empty());
        match own.and_then(|(_, event)| event.item(self.id)) {
            Some(id) => id.is_class(),
            None => Identifier::parse(self.id).is_ok_and(|id| id.is_class()),
        }
    }

    fn seen(&self) -> Option<Seen> {
        self.steps.iter().rev().find_map(|(_, event)| {
            let place = event.biz_location.as_ref().or(event.read_point.as_ref())?;
            Some(Seen {
                place: place.as_str().to_owned(),
                time_ms: event.time_ms,
            })
        })
    }

    /// What came of the thing after `since`: the outputs of transformations that it, or a container
    /// that it was in, went into; and what was in it then or came into it later.
    fn forward(&self, since: Place) -> Vec<Connection> {
        let mut connections = Vec::new();
        let mut inside: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, (step, event)) in self.steps.iter().enumerate() {
            let used = step.via.last().map_or(self.id.as_ref(), String::as_str);
            if step.place > since && names(event, QuantityRole::Input, used) {
                for (to, quantity) in parts(event, QuantityRole::Output) {
                    let edge = self.edge(at, EdgeKind::Transformed, quantity);
                    connections.extend(edge.map(|edge| connection(to, step.place, edge)));
                }
            }
            if !step.via.is_empty() {
                continue;
            }
            let packed = packed_into(event, self.id).filter(|_| step.place > since);
            if let Some(children) = packed {
                for child in children {
                    let edge = self.edge(at, EdgeKind::Contained, None);
                    connections
                        .extend(edge.map(|edge| connection(child.as_str(), step.place, edge)));
                }
            } else {
                change_content(&mut inside, at, event, self.id, step.place <= since);
            }
        }
        connections.extend(self.content(inside, since));
        connections
    }

    /// What the thing came from before `until`: the inputs of the transformations that it came out
    /// of; and what was in it then.
    fn backward(&self, until: Place) -> Vec<Connection> {
        let mut connections = Vec::new();
        let mut inside: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, (step, event)) in self.steps.iter().enumerate() {
            if step.place > until || !step.via.is_empty() {
                continue;
            }
            if names(event, QuantityRole::Output, self.id) {
                for (to, quantity) in parts(event, QuantityRole::Input) {
                    let edge = self.edge(at, EdgeKind::Transformed, quantity);
                    connections.extend(edge.map(|edge| connection(to, step.place, edge)));
                }
            }
            change_content(&mut inside, at, event, self.id, true);
        }
        connections.extend(self.content(inside, until));
        connections
    }

    /// What was in the thing at a time, by the number of the step that packed it.
    fn content(&self, inside: BTreeMap<&str, usize>, at: Place) -> Vec<Connection> {
        let connections = inside.into_iter().filter_map(|(child, packed)| {
            let edge = self.edge(packed, EdgeKind::Contained, None)?;
            Some(connection(child, at, edge))
        });
        connections.collect()
    }

    fn edge(
        &self,
        at: usize,
        kind: EdgeKind,
        quantity: Option<(String, Option<String>)>,
    ) -> Option<Edge> {
        let (step, _) = self.steps.get(at)?;
        Some(Edge {
            from: self.id.clone(),
            kind,
            place: step.place,
            transaction_id: step.entry.transaction_id.clone(),
            quantity,
            declared_wrong: self.corrections.iter().any(|(wrong, _)| *wrong == at),
        })
    }
}

fn connection(to: &str, bound: Place, edge: Edge) -> Connection {
    Connection {
        to: to.into(),
        bound,
        edge,
    }
}

/// Whether a transformation names a thing on this side, itself or as an amount of a class.
fn names(event: &Event, side: QuantityRole, id: &str) -> bool {
    event.event_type == EventType::Transformation
        && event.error_declaration.is_none()
        && parts(event, side).any(|(part, _)| part == id)
}

/// The things and amounts on one side of a transformation.
fn parts(
    event: &Event,
    side: QuantityRole,
) -> impl Iterator<Item = (&str, Option<(String, Option<String>)>)> {
    let things = match side {
        QuantityRole::Output => &event.outputs,
        _ => &event.inputs,
    };
    let amounts = event.classes.iter().filter(move |c| c.role == side);
    let amounts = amounts.map(|amount| {
        let number = amount.quantity.clone();
        let quantity = number.map(|number| (number, amount.unit.clone()));
        (amount.class.as_str(), quantity)
    });
    things.iter().map(|id| (id.as_str(), None)).chain(amounts)
}

/// What an event does to the content of the container `id`, if it wasn't a declaration that
/// another was wrong.
fn containment<'a>(event: &'a Event, id: &str) -> Option<ContainmentStep<'a>> {
    let step = event.containment()?;
    let counts = event.error_declaration.is_none() && step.container().as_str() == id;
    counts.then_some(step)
}

/// What an event puts into the container `id`.
fn packed_into<'a>(event: &'a Event, id: &str) -> Option<&'a [Identifier]> {
    match containment(event, id)? {
        ContainmentStep::Pack { items, .. } => Some(items),
        _ => None,
    }
}

/// What the step `at` does to the content of the container `id`, if it counts.
fn change_content<'a>(
    inside: &mut BTreeMap<&'a str, usize>,
    at: usize,
    event: &'a Event,
    id: &str,
    counts: bool,
) {
    match containment(event, id).filter(|_| counts) {
        None => {}
        Some(ContainmentStep::Pack { items, .. }) => {
            inside.extend(items.iter().map(|child| (child.as_str(), at)));
        }
        Some(ContainmentStep::Unpack { items, .. }) => {
            for child in items {
                inside.remove(child.as_str());
            }
        }
        Some(ContainmentStep::Empty { .. }) => inside.clear(),
    }
}

#[cfg(test)]
mod tests;
