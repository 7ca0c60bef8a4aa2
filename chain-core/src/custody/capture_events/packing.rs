//! Containment: packing writes to the children once; what happens to a container later reaches
//! its content by the interval between packing and unpacking, without a write.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_proto::ledger::{Emptying, Packing, Position};

use super::goods::{Goods, MAX_CONTAINERS, inherited};
use crate::rejection::Rejection;
use crate::rules::RuleError;
use crate::state::{StateRead, keys};
use touchstone_epcis::{Action, Event, EventType, Identifier};

/// What an aggregation event does to containment (EPCIS 2.0 §7.4.3: ADD aggregates the children
/// to the parent, DELETE disaggregates the children, or all of them where none is named).
pub(super) enum PackingStep<'a> {
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
    pub(super) fn of(event: &'a Event) -> Option<PackingStep<'a>> {
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

    pub(super) fn apply<S: StateRead>(
        &self,
        goods: &mut Goods<'_, '_, S>,
        index: u32,
        position: Position,
    ) -> Result<(), RuleError> {
        match self {
            PackingStep::Pack { container, items } => {
                pack(goods, index, position, container.as_str(), items)
            }
            PackingStep::Unpack { container, items } => {
                unpack(goods, index, container.as_str(), items)
            }
            PackingStep::Empty { container } => empty(goods, position, container.as_str()),
        }
    }
}

fn pack<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    index: u32,
    position: Position,
    container: &str,
    items: &[Identifier],
) -> Result<(), RuleError> {
    let mut around = vec![container.to_owned()];
    around.extend(goods.containers(container)?);
    let inside: BTreeSet<&str> = around.iter().map(String::as_str).collect();
    let generation = goods.item(container)?.generation;
    let mut levels = 0;
    for identifier in items {
        let id = identifier.as_str();
        let item = goods.item(id)?;
        // Rule: an item is in one container at a time; unpack first.
        if let Some(packing) = &item.packed {
            return Err(Rejection::AlreadyPacked {
                index,
                item: id.to_owned(),
                container: packing.container.clone(),
            }
            .into());
        }
        // Rule: nothing is inside itself.
        if inside.contains(id) {
            return Err(Rejection::PackingCycle {
                index,
                item: id.to_owned(),
                container: container.to_owned(),
            }
            .into());
        }
        levels = levels.max(item.levels + 1);
        // Rule: around what is innermost stand a bounded number of containers, so that walks
        // outwards end and every history can be shown.
        if around.len() + levels as usize > MAX_CONTAINERS + 1 {
            return Err(Rejection::PackingTooDeep {
                index,
                container: container.to_owned(),
            }
            .into());
        }
        goods.change(id)?.packed = Some(Packing {
            container: container.to_owned(),
            since: Some(position),
            generation,
        });
    }
    for outer in &around {
        if goods.item(outer)?.levels < levels {
            goods.change(outer)?.levels = levels;
        }
        levels += 1;
    }
    Ok(())
}

fn unpack<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    index: u32,
    container: &str,
    items: &[Identifier],
) -> Result<(), RuleError> {
    let outer = goods.standing(container)?.custody;
    for identifier in items {
        let id = identifier.as_str();
        // Rule: only what is in the container comes out of it.
        if goods.container_of(id)?.as_deref() != Some(container) {
            return Err(Rejection::NotPacked {
                index,
                item: id.to_owned(),
                container: container.to_owned(),
            }
            .into());
        }
        let item = goods.change(id)?;
        let since = item.packed.take().and_then(|packing| packing.since);
        item.custody = inherited(item.custody.take(), since, outer.clone());
    }
    Ok(())
}

fn empty<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    position: Position,
    container: &str,
) -> Result<(), RuleError> {
    let custody = goods.standing(container)?.custody;
    let item = goods.change(container)?;
    let generation = item.generation;
    item.generation += 1;
    item.levels = 0;
    item.emptied = Some(position);
    let emptying = Emptying {
        position: Some(position),
        custody,
    };
    goods
        .state
        .write(keys::emptying(container, generation), &emptying);
    Ok(())
}
