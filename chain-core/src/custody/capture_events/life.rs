//! How lives begin and end: commissioned once, by whom the company prefix is registered with; then
//! sold, consumed, destroyed or decommissioned.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_proto::ledger::{Basis, End, Ending, Position, Role};

use super::goods::{self, Goods, Standing};
use crate::Fault;
use crate::custody::unit_state::ending;
use crate::governance::organisation;
use crate::rejection::Rejection;
use crate::rules::Context;
use crate::rules::RuleError;
use crate::state::StateRead;
use touchstone_epcis::{Action, Event, EventType, Identifier, QuantityRole};

/// Who takes back what was sold.
const TAKES_BACK: &[Role] = &[Role::Retail, Role::Manufacturer];

/// Commissions what an event begins: the objects of an object event that adds (EPCIS 2.0 §7.4.2),
/// the outputs of a transformation (§7.4.5).
pub(super) fn begin<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    index: u32,
    event: &Event,
) -> Result<(), RuleError> {
    let classes = event.classes.iter().filter(|q| begins_class(event, q.role));
    let classes: Vec<&Identifier> = classes.map(|q| &q.class).collect();
    for identifier in event.begins().chain(classes) {
        // Rule: under a company prefix commissions only whom it is registered with (GS1 General
        // Specifications §1.4.2: the holder of the prefix assigns the keys).
        let owner = goods.prefix_holder(identifier.as_str())?;
        if let Some(holder) = owner.filter(|owner| *owner != context.organisation.id) {
            return Err(Rejection::ForeignPrefix {
                index,
                item: identifier.as_str().to_owned(),
                holder,
            }
            .into());
        }
    }
    let inputs: BTreeSet<&Identifier> = event.inputs.iter().collect();
    for identifier in event.begins() {
        let item = goods.change(identifier.as_str())?;
        // Rule: a thing begins once, and not of itself. (Of a class or lot, more may be made.)
        if item.commissioned.is_some() || inputs.contains(identifier) {
            return Err(Rejection::AlreadyCommissioned {
                index,
                item: identifier.as_str().to_owned(),
            }
            .into());
        }
        item.commissioned = Some(context.position(index));
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

/// Ends the lives that an event ends, those of a transformation's inputs included.
pub(super) fn end<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    index: u32,
    event: &Event,
) -> Result<(), RuleError> {
    let how = match event.event_type {
        EventType::Transformation => Some(Ending::Consumed),
        _ => ending(event),
    };
    let acting = event.acting();
    // Rule: what is packed isn't shipped and doesn't end alone. Where the event names a container
    // around it too, it isn't alone.
    if how.is_some() || event.biz_step.as_deref() == Some("shipping") {
        for identifier in &acting {
            let containers = goods.containers(identifier.as_str())?;
            let alone = !containers
                .iter()
                .any(|container| acting.iter().any(|other| other.as_str() == container));
            if let Some(container) = containers.into_iter().next().filter(|_| alone) {
                return Err(Rejection::PackedItem {
                    index,
                    item: identifier.as_str().to_owned(),
                    container,
                }
                .into());
            }
        }
    }
    let Some(how) = how else {
        return Ok(());
    };
    for identifier in acting {
        goods.change(identifier.as_str())?.ended = Some(End {
            how: how as i32,
            position: Some(context.position(index)),
        });
    }
    Ok(())
}

/// Whether an event takes back what was sold: to a shop or its manufacturer, with the disposition
/// `returned` (CBV 2.0 §7.2).
pub(super) fn returns<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    event: &Event,
    id: &str,
    standing: &Standing,
) -> Result<bool, Fault> {
    let says_so = event.event_type == EventType::Object
        && event.action == Some(Action::Observe)
        && event.disposition.as_deref() == Some("returned")
        && ending(event).is_none()
        && event.error_declaration.is_none();
    let own = goods.item(id)?.ended;
    let sold = own.is_some_and(|own| own.how == Ending::Sold as i32);
    let mut around_ended = false;
    for container in &standing.containers {
        around_ended |= goods.item(container)?.ended.is_some();
    }
    let is_at_hand = standing.containers.is_empty()
        || standing.holder() == Some(context.organisation.id.as_str());
    let may = organisation::has_role(&context.organisation, TAKES_BACK);
    Ok(says_so && sold && !around_ended && is_at_hand && may)
}

/// A sold item is with whoever takes it back, by its own word if it isn't who sold it.
pub(super) fn reopen<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    position: Position,
    id: &str,
) -> Result<(), Fault> {
    let item = goods.change(id)?;
    item.ended = None;
    let is_holder = item
        .custody
        .as_ref()
        .is_some_and(|custody| custody.holder == context.organisation.id);
    if item.packed.is_none() && !is_holder {
        item.custody = Some(goods::custody(context, Basis::OwnWord, position));
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
