//! Capturing custody events. Each event is appended to the link of every item that it names.
//! Containment: packing writes to the children once; what happens to a container later reaches
//! its content by the interval between packing and unpacking, without a write.

use std::collections::BTreeSet;

use touchstone_proto::ledger::{CaptureEvents, Item, Packing, Position, Role};

use super::{Context, link};
use crate::Fault;
use crate::epcis::{Action, Event, EventType, Identifier};
use crate::execution::MAX_LINK_ENTRIES;
use crate::hash;
use crate::model::organisation;
use crate::rejection::Rejection;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// A container takes something in while at most this many containers stand around it. The bound
/// is on the walk that finds cycles, not on what was packed from the inside out.
pub const MAX_PACKING_DEPTH: usize = 16;

const ROLES: &[Role] = &[
    Role::Platform,
    Role::Logistics,
    Role::Manufacturer,
    Role::Customs,
    Role::Inspection,
    Role::Laboratory,
    Role::Retail,
];

pub(super) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &CaptureEvents,
) -> Result<Result<(), Rejection>, Fault> {
    // Rule: organisations whose work is goods append custody events.
    if !organisation::has_role(&context.organisation, ROLES) {
        return Ok(Err(Rejection::Role {
            organisation: context.organisation.id.clone(),
            allowed: "platform, logistics, manufacturer, customs, inspection, laboratory, retail",
        }));
    }
    let limit = context.parameters.max_events_per_transaction;
    let found = action.events.len();
    if found == 0 || found as u64 > limit {
        return Ok(Err(Rejection::EventCount { found, limit }));
    }
    for (index, bytes) in (0u32..).zip(&action.events) {
        let event = match Event::parse(bytes) {
            Ok(event) => event,
            Err(error) => return Ok(Err(Rejection::Event { index, error })),
        };
        if let Err(rejection) = append(state, context, index, bytes, &event)? {
            return Ok(Err(rejection));
        }
        // Rule: a capture's entries fit into one block.
        if state.staged_entries() > MAX_LINK_ENTRIES {
            let limit = MAX_LINK_ENTRIES;
            return Ok(Err(Rejection::TooManyItems { limit }));
        }
    }
    Ok(Ok(()))
}

fn append<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    index: u32,
    bytes: &[u8],
    event: &Event,
) -> Result<Result<(), Rejection>, Fault> {
    let content_hash = hash::sha256(bytes);
    let position = context.position(index);
    if let Some(packing) = PackingStep::of(event)
        && let Err(rejection) = packing.apply(state, index, position)?
    {
        return Ok(Err(rejection));
    }
    for identifier in event.items() {
        let key = keys::item(identifier.as_str());
        let mut item = read_item(state, &key)?;
        let mut chain = item.link.take().unwrap_or_else(crate::proof::link::empty);
        link::append(state, context, &key, &mut chain, index, &content_hash)?;
        item.link = Some(chain);
        state.write(key, &item);
    }
    Ok(Ok(()))
}

/// What an aggregation event does to containment (EPCIS 2.0 §7.4.2: ADD aggregates the children
/// to the parent, DELETE disaggregates the children, or all of them where none is named).
enum PackingStep<'a> {
    Pack {
        container: &'a Identifier,
        items: &'a [Identifier],
    },
    Unpack {
        container: &'a Identifier,
        items: &'a [Identifier],
    },
    Empty {
        container: &'a Identifier,
    },
}

impl<'a> PackingStep<'a> {
    fn of(event: &'a Event) -> Option<PackingStep<'a>> {
        let container = event.parent.as_ref()?;
        if event.event_type != EventType::Aggregation {
            return None;
        }
        let items = event.children.as_slice();
        match event.action? {
            Action::Add => Some(PackingStep::Pack { container, items }),
            Action::Delete if items.is_empty() && event.classes.is_empty() => {
                Some(PackingStep::Empty { container })
            }
            Action::Delete => Some(PackingStep::Unpack { container, items }),
            Action::Observe => None,
        }
    }

    fn apply<S: StateRead>(
        &self,
        state: &mut Delta<'_, S>,
        index: u32,
        position: Position,
    ) -> Result<Result<(), Rejection>, Fault> {
        match self {
            PackingStep::Pack { container, items } => {
                pack(state, index, position, container, items)
            }
            PackingStep::Unpack { container, items } => unpack(state, index, container, items),
            PackingStep::Empty { container } => {
                let key = keys::item(container.as_str());
                let mut item = read_item(state, &key)?;
                item.emptied = Some(position);
                state.write(key, &item);
                Ok(Ok(()))
            }
        }
    }
}

fn pack<S: StateRead>(
    state: &mut Delta<'_, S>,
    index: u32,
    position: Position,
    container: &Identifier,
    items: &[Identifier],
) -> Result<Result<(), Rejection>, Fault> {
    let mut around = BTreeSet::from([container.as_str().to_owned()]);
    let mut inner = container.as_str().to_owned();
    while let Some(outer) = container_of(state, &inner)? {
        // Rule: the walk outwards is bounded.
        if around.len() > MAX_PACKING_DEPTH {
            return Ok(Err(Rejection::PackingTooDeep {
                index,
                container: container.as_str().to_owned(),
            }));
        }
        if !around.insert(outer.clone()) {
            return Err(Fault::Damaged(format!("{outer} is packed inside itself")));
        }
        inner = outer;
    }
    for identifier in items {
        // Rule: an item is in one container at a time; unpack first.
        if let Some(current) = container_of(state, identifier.as_str())? {
            return Ok(Err(Rejection::AlreadyPacked {
                index,
                item: identifier.as_str().to_owned(),
                container: current,
            }));
        }
        // Rule: nothing is inside itself.
        if around.contains(identifier.as_str()) {
            return Ok(Err(cycle(index, identifier, container)));
        }
        let key = keys::item(identifier.as_str());
        let mut item = read_item(state, &key)?;
        item.packed = Some(Packing {
            container: container.as_str().to_owned(),
            since: Some(position),
        });
        state.write(key, &item);
    }
    Ok(Ok(()))
}

fn unpack<S: StateRead>(
    state: &mut Delta<'_, S>,
    index: u32,
    container: &Identifier,
    items: &[Identifier],
) -> Result<Result<(), Rejection>, Fault> {
    for identifier in items {
        // Rule: only what is in the container comes out of it.
        if container_of(state, identifier.as_str())?.as_deref() != Some(container.as_str()) {
            return Ok(Err(Rejection::NotPacked {
                index,
                item: identifier.as_str().to_owned(),
                container: container.as_str().to_owned(),
            }));
        }
        let key = keys::item(identifier.as_str());
        let mut item = read_item(state, &key)?;
        item.packed = None;
        state.write(key, &item);
    }
    Ok(Ok(()))
}

fn cycle(index: u32, item: &Identifier, container: &Identifier) -> Rejection {
    Rejection::PackingCycle {
        index,
        item: item.as_str().to_owned(),
        container: container.as_str().to_owned(),
    }
}

/// The container an item is in now: its packing counts unless the container was emptied since.
fn container_of<S: StateRead>(
    state: &Delta<'_, S>,
    identifier: &str,
) -> Result<Option<String>, Fault> {
    let Some(packing) = read_item(state, &keys::item(identifier))?.packed else {
        return Ok(None);
    };
    let container = read_item(state, &keys::item(&packing.container))?;
    let emptied = container.emptied.map(order).unwrap_or_default();
    let since = packing.since.map(order).unwrap_or_default();
    Ok((since > emptied).then_some(packing.container))
}

fn order(position: Position) -> (u64, u32, u32) {
    (position.height, position.transaction, position.event)
}

fn read_item<S: StateRead>(state: &Delta<'_, S>, key: &[u8]) -> Result<Item, Fault> {
    Ok(state.read::<Item>(key)?.unwrap_or_default())
}

#[cfg(test)]
mod tests;
