//! How lives begin and end: commissioned once, by whom the company prefix is registered with; then
//! sold, consumed, destroyed or decommissioned.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_epcis::{Action, Event, EventType, Identifier, QuantityRole};
use touchstone_proto::ledger::{Basis, End, Ending, Role};

use super::{EventContext, begun_custody};
use crate::Fault;
use crate::custody::CustodyRejection;
use crate::custody::CustodyStatus;
use crate::custody::item_cache::ItemCache;
use crate::custody::unit_state::ending;
use crate::rules::RuleError;
use crate::state::StateRead;

/// Who takes back what was sold.
const TAKES_BACK: &[Role] = &[Role::Retail, Role::Manufacturer];

/// Rules of what an event begins: the objects of an object event that adds (EPCIS 2.0 §7.4.2), the
/// outputs of a transformation (§7.4.5).
pub(super) fn check_begin<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<(), RuleError> {
    let event = at.event;
    let classes = event.classes.iter().filter(|q| begins_class(event, q.role));
    let classes: Vec<&Identifier> = classes.map(|q| &q.class).collect();
    for identifier in event.begins().chain(classes) {
        // Rule: under a company prefix commissions only whom it is registered with (GS1 General
        // Specifications §1.4.2: the holder of the prefix assigns the keys).
        let owner = items.prefix_owner(identifier.as_str())?;
        if let Some(holder) = owner.filter(|owner| owner != at.organisation()) {
            return Err(CustodyRejection::ForeignPrefix {
                index: at.index,
                item: identifier.as_str().to_owned(),
                holder,
            }
            .into());
        }
    }
    let inputs = event.inputs.iter();
    let mut taken: BTreeSet<&Identifier> = inputs.collect();
    for identifier in event.begins() {
        let id = identifier.as_str();
        // Rule: a thing begins once, and not of itself. (Of a class or lot, more may be made.)
        if items.item(id)?.commissioned.is_some() || !taken.insert(identifier) {
            return Err(CustodyRejection::AlreadyCommissioned {
                index: at.index,
                item: id.to_owned(),
            }
            .into());
        }
    }
    Ok(())
}

/// Commissions what an event begins.
pub(super) fn begin<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<(), Fault> {
    for identifier in at.event.begins() {
        items.change(identifier.as_str())?.commissioned = Some(at.position());
    }
    Ok(())
}

/// Whether quantities in this list of an event come into being.
pub(super) fn begins_class(event: &Event, role: QuantityRole) -> bool {
    match role {
        QuantityRole::Object => {
            event.event_type == EventType::Object && event.action == Some(Action::Add)
        }
        QuantityRole::Output => true,
        QuantityRole::Child | QuantityRole::Input => false,
    }
}

/// How the lives end that an event ends, those of a transformation's inputs included.
pub(super) fn check_end<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<Option<Ending>, RuleError> {
    let how = match at.event.event_type {
        EventType::Transformation => Some(Ending::Consumed),
        _ => ending(at.event),
    };
    if how.is_none() && at.event.biz_step.as_deref() != Some("shipping") {
        return Ok(None);
    }
    // Rule: what is packed isn't shipped and doesn't end alone. Where the event names a container
    // around it too, it isn't alone.
    let acting = at.event.acting();
    let named: BTreeSet<&str> = acting.iter().map(|other| other.as_str()).collect();
    for identifier in &acting {
        let containers = items.containers(identifier.as_str())?;
        let mut around = containers.iter();
        let alone = !around.any(|container| named.contains(container.as_str()));
        if let Some(container) = containers.into_iter().next().filter(|_| alone) {
            return Err(CustodyRejection::PackedItem {
                index: at.index,
                item: identifier.as_str().to_owned(),
                container,
            }
            .into());
        }
    }
    Ok(how)
}

/// Ends the lives of what an event is about.
pub(super) fn end<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
    how: Ending,
) -> Result<(), Fault> {
    for identifier in at.event.acting() {
        items.change(identifier.as_str())?.ended = Some(End {
            how: how as i32,
            position: Some(at.position()),
        });
    }
    Ok(())
}

/// Whether an event takes back what was sold: to a shop or its manufacturer, with the disposition
/// `returned` (CBV 2.0 §7.2).
pub(super) fn is_return<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
    id: &str,
    status: &CustodyStatus,
) -> Result<bool, Fault> {
    let event = at.event;
    let says_so = event.event_type == EventType::Object
        && event.action == Some(Action::Observe)
        && event.disposition.as_deref() == Some("returned")
        && ending(event).is_none()
        && event.error_declaration.is_none();
    let own = items.item(id)?.ended;
    let sold = own.is_some_and(|own| own.how == Ending::Sold as i32);
    let mut around_ended = false;
    for container in &status.containers {
        around_ended |= items.item(container)?.ended.is_some();
    }
    let is_at_hand = status.containers.is_empty() || status.holder() == Some(at.organisation());
    let may = at.has_role(TAKES_BACK);
    Ok(says_so && sold && !around_ended && is_at_hand && may)
}

/// A sold item is with whoever takes it back, by its own word if it isn't who sold it.
pub(super) fn reopen<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
    id: &str,
) -> Result<(), Fault> {
    let item = items.change(id)?;
    item.ended = None;
    let is_holder = item
        .custody
        .as_ref()
        .is_some_and(|custody| custody.holder == at.organisation());
    if item.packed.is_none() && !is_holder {
        item.custody = Some(begun_custody(at.context, Basis::OwnWord, at.position()));
    }
    Ok(())
}

/// How a life ended, in a word.
pub(super) fn word(end: &End) -> &'static str {
    match end.how() {
        Ending::Sold => "sold",
        Ending::Consumed => "consumed",
        Ending::Destroyed => "destroyed",
        Ending::Decommissioned | Ending::Unspecified => "decommissioned",
    }
}
