//! Who may append to an item's history, and how its custody begins.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Basis, Role};

use super::goods::{Goods, Standing, custody};
use super::{Mode, life};
use crate::Fault;
use crate::custody::unit_state::ending;
use crate::governance::company_prefix::is_holdable;
use crate::governance::organisation;
use crate::rejection::Rejection;
use crate::rules::Context;
use crate::rules::RuleError;
use crate::state::StateRead;
use touchstone_epcis::{Action, Event};

/// Roles of organisations that have goods in their hands.
pub(super) const CUSTODIANS: &[Role] = &[
    Role::Platform,
    Role::Logistics,
    Role::Manufacturer,
    Role::Retail,
];

/// Roles of organisations that examine what others have.
pub(super) const OBSERVERS: &[Role] = &[Role::Customs, Role::Inspection, Role::Laboratory];

/// Checks for each thing that an event names whether the organisation may append it, and begins
/// the custody of what nobody held before.
pub(super) fn check<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    mode: Mode,
    index: u32,
    event: &Event,
) -> Result<(), RuleError> {
    let position = context.position(index);
    let finding = is_finding(event);
    for identifier in event.things() {
        let id = identifier.as_str();
        if !is_holdable(id) {
            continue;
        }
        let standing = goods.standing(id)?;
        // Rule: nothing follows the end of a life but its correction, and the return of what was
        // sold (CBV 2.0 §7.2: `returned`).
        if let Some(ended) = &standing.ended {
            if !life::returns(goods, context, event, id, &standing)? {
                return Err(Rejection::LifeEnded {
                    index,
                    item: id.to_owned(),
                    how: life::word(ended),
                }
                .into());
            }
            life::reopen(goods, context, position, id)?;
            continue;
        }
        // Rule: what is offered stays as it was offered, until the offer is over.
        if let Some(offer) = standing.offer.as_ref().filter(|_| !finding) {
            return Err(Rejection::Offered {
                index,
                item: id.to_owned(),
                to: offer.to.clone(),
            }
            .into());
        }
        match standing.holder() {
            None => begin(goods, context, mode, index, event, id)?,
            Some(holder) if holder == context.organisation.id => {}
            Some(_) => check_other(goods, context, mode, index, event, id, &standing)?,
        }
    }
    Ok(())
}

/// Rule: the holder appends; observers by role, whoever claims the item, and whoever answers an
/// offer of it, append findings.
fn check_other<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    mode: Mode,
    index: u32,
    event: &Event,
    id: &str,
    standing: &Standing,
) -> Result<(), RuleError> {
    let may_find = match mode {
        Mode::Claim | Mode::Answer => true,
        Mode::Record => organisation::has_role(&context.organisation, OBSERVERS),
    };
    if may_find && is_finding(event) {
        return Ok(());
    }
    if commissions_its_own(goods, context, event, id, standing)? {
        let custody = custody(context, Basis::Prefix, context.position(index));
        goods.change(id)?.custody = Some(custody);
        return Ok(());
    }
    let holder = standing.holder().unwrap_or_default().to_owned();
    Err(Rejection::NotHolder {
        index,
        item: id.to_owned(),
        holder,
    }
    .into())
}

/// Whether the owner of an item's company prefix commissions it, which others had recorded by
/// their own word before.
fn commissions_its_own<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    event: &Event,
    id: &str,
    standing: &Standing,
) -> Result<bool, Fault> {
    let own_word = standing
        .custody
        .as_ref()
        .is_some_and(|custody| custody.basis == Basis::OwnWord as i32);
    let begins = event.begins().any(|begun| begun.as_str() == id);
    let is_new = goods.item(id)?.commissioned.is_none() && standing.containers.is_empty();
    let owner = goods.prefix_holder(id)?;
    Ok(own_word && begins && is_new && owner.as_deref() == Some(&context.organisation.id))
}

/// The first record of an item: whoever has goods in its hands holds it from then on, by its own
/// word unless the company prefix is its own. Observers only leave their finding.
fn begin<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    mode: Mode,
    index: u32,
    event: &Event,
    id: &str,
) -> Result<(), RuleError> {
    if !organisation::has_role(&context.organisation, CUSTODIANS) {
        // Rule: observers neither begin, pack nor end anything.
        if !is_finding(event) {
            return Err(Rejection::OnlyFindings {
                index,
                item: id.to_owned(),
            }
            .into());
        }
        return Ok(());
    }
    let owner = goods.prefix_holder(id)?;
    let is_own = owner.as_deref() == Some(&context.organisation.id);
    let basis = match is_own && mode != Mode::Claim {
        true => Basis::Prefix,
        false => Basis::OwnWord,
    };
    goods.change(id)?.custody = Some(custody(context, basis, context.position(index)));
    Ok(())
}

/// Whether an event only tells what was seen: it begins, packs and ends nothing.
pub(super) fn is_finding(event: &Event) -> bool {
    // A transformation has no action (EPCIS 2.0 §7.4.5).
    event.action == Some(Action::Observe) && ending(event).is_none()
}
