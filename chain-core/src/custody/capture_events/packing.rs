//! Containment: packing writes to the children once; what happens to a container later reaches
//! its content by the interval between packing and unpacking, without a write.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_epcis::{ContainmentStep, Identifier};
use touchstone_proto::ledger::{Custody, Emptying, Item, Packing, Position};

use super::EventContext;
use crate::Fault;
use crate::custody::CustodyRejection;
use crate::custody::is_holdable;
use crate::custody::item_cache::{ItemCache, inherited, is_confirmed};
use crate::custody::limits::MAX_CONTAINERS;
use crate::rules::RuleError;
use crate::state::{StateRead, keys};

/// What an event that keeps the rules does to containment.
pub(super) enum PackingChange<'a> {
    Pack {
        container: &'a str,
        generation: u64,
        items: &'a [Identifier],
        /// The container and those around it, and the levels of content that each has at least.
        levels: Vec<(String, u32)>,
        /// Those of them that no claim takes from their holder from now on.
        kept: Vec<String>,
    },
    Unpack {
        items: &'a [Identifier],
        /// The container's.
        custody: Option<Custody>,
    },
    Empty {
        container: &'a str,
        custody: Option<Custody>,
    },
}

/// Rules of packing, unpacking and emptying.
pub(super) fn check<'a, S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'a>,
) -> Result<Option<PackingChange<'a>>, RuleError> {
    let Some(step) = at.event.containment() else {
        return Ok(None);
    };
    let change = match step {
        ContainmentStep::Pack {
            container,
            items: children,
        } => check_pack(items, at.index, container.as_str(), children)?,
        ContainmentStep::Unpack {
            container,
            items: children,
        } => check_unpack(items, at.index, container.as_str(), children)?,
        ContainmentStep::Empty { container } => PackingChange::Empty {
            container: container.as_str(),
            custody: items.status_without_offer(container.as_str())?.custody,
        },
    };
    Ok(Some(change))
}

fn check_pack<'a, S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    index: u32,
    container: &'a str,
    children: &'a [Identifier],
) -> Result<PackingChange<'a>, RuleError> {
    // Rule: only what somebody can have contains anything. Else whoever packs a place, which everybody may, would
    // have what is in it.
    if !is_holdable(container) {
        return Err(CustodyRejection::NotAContainer {
            index,
            container: container.to_owned(),
        }
        .into());
    }
    let mut around = vec![container.to_owned()];
    around.extend(items.containers(container)?);
    let inside: BTreeSet<&str> = around.iter().map(String::as_str).collect();
    let generation = items.item(container)?.generation;
    let mut packed: BTreeSet<&str> = BTreeSet::new();
    let mut levels: u32 = 0;
    let mut is_confirmed_content = false;
    for identifier in children {
        let id = identifier.as_str();
        let item = items.item(id)?;
        is_confirmed_content |= holds_confirmed(item);
        // Rule: an item is in one container at a time; unpack first.
        let elsewhere = item
            .packed
            .as_ref()
            .map(|packing| packing.container.as_str());
        if let Some(other) = elsewhere.or((!packed.insert(id)).then_some(container)) {
            return Err(CustodyRejection::AlreadyPacked {
                index,
                item: id.to_owned(),
                container: other.to_owned(),
            }
            .into());
        }
        // Rule: nothing is inside itself.
        if inside.contains(id) {
            return Err(CustodyRejection::PackingCycle {
                index,
                item: id.to_owned(),
                container: container.to_owned(),
            }
            .into());
        }
        levels = levels.max(item.levels.saturating_add(1));
        // Rule: around what is innermost stand a bounded number of containers, so that walks
        // outwards end and every history can be shown.
        if around.len().saturating_add(levels as usize) > MAX_CONTAINERS + 1 {
            return Err(CustodyRejection::PackingTooDeep {
                index,
                container: container.to_owned(),
            }
            .into());
        }
    }
    let kept = match is_confirmed_content {
        true => held_by_word(items, &around)?,
        false => Vec::new(),
    };
    let levels = around.into_iter().zip(levels..).collect();
    Ok(PackingChange::Pack {
        container,
        generation,
        items: children,
        levels,
        kept,
    })
}

/// Whether the holder of a loose item has it, or something in it, by more than its own word.
fn holds_confirmed(item: &Item) -> bool {
    item.confirmed_content != 0 || item.custody.as_ref().is_some_and(is_confirmed)
}

/// Those of the containers that their holder has by its own word alone.
fn held_by_word<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    containers: &[String],
) -> Result<Vec<String>, Fault> {
    let mut held = Vec::new();
    for container in containers {
        let custody = items.status_without_offer(container)?.custody;
        if !custody.as_ref().is_some_and(is_confirmed) {
            held.push(container.clone());
        }
    }
    Ok(held)
}

fn check_unpack<'a, S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    index: u32,
    container: &str,
    children: &'a [Identifier],
) -> Result<PackingChange<'a>, RuleError> {
    let custody = items.status_without_offer(container)?.custody;
    let mut unpacked: BTreeSet<&str> = BTreeSet::new();
    for identifier in children {
        let id = identifier.as_str();
        // Rule: only what is in the container comes out of it.
        let is_in = items.container_of(id)?.as_deref() == Some(container);
        if !is_in || !unpacked.insert(id) {
            return Err(CustodyRejection::NotPacked {
                index,
                item: id.to_owned(),
                container: container.to_owned(),
            }
            .into());
        }
    }
    Ok(PackingChange::Unpack {
        items: children,
        custody,
    })
}

impl PackingChange<'_> {
    pub(super) fn write<S: StateRead>(
        self,
        items: &mut ItemCache<'_, '_, S>,
        position: Position,
    ) -> Result<(), Fault> {
        match self {
            PackingChange::Pack {
                container,
                generation,
                items: children,
                levels,
                kept,
            } => {
                for child in children {
                    items.change(child.as_str())?.packed = Some(Packing {
                        container: container.to_owned(),
                        since: Some(position),
                        generation,
                    });
                }
                for (outer, levels) in levels {
                    if items.item(&outer)?.levels < levels {
                        items.change(&outer)?.levels = levels;
                    }
                }
                for container in kept {
                    if items.item(&container)?.confirmed_content == 0 {
                        items.change(&container)?.confirmed_content = 1;
                    }
                }
            }
            PackingChange::Unpack {
                items: children,
                custody,
            } => {
                for child in children {
                    let item = items.change(child.as_str())?;
                    let since = item.packed.take().and_then(|packing| packing.since);
                    item.custody = inherited(item.custody.take(), since, custody.clone());
                }
            }
            PackingChange::Empty { container, custody } => {
                let item = items.change(container)?;
                let generation = item.generation;
                item.generation = generation.saturating_add(1);
                item.levels = 0;
                item.confirmed_content = 0;
                item.emptied = Some(position);
                let emptying = Emptying {
                    position: Some(position),
                    custody,
                };
                let key = keys::emptying(container, generation);
                items.state.write(key, &emptying);
            }
        }
        Ok(())
    }
}
