//! Who may append to an item's history, and how its custody begins.
//!
//! Consensus-critical: yes

use touchstone_epcis::{Action, Event};
use touchstone_proto::ledger::{Basis, Custody, Role};

use super::{EventContext, Mode, begun_custody, life};
use crate::Fault;
use crate::custody::CustodyRejection;
use crate::custody::item_cache::ItemCache;
use crate::custody::unit_state::ending;
use crate::custody::{CustodyStatus, is_holdable};
use crate::rules::RuleError;
use crate::state::StateRead;

/// Roles of organisations that have goods in their hands.
pub(super) const CUSTODIANS: &[Role] = &[
    Role::Platform,
    Role::Logistics,
    Role::Manufacturer,
    Role::Retail,
];

/// Roles of organisations that examine what others have.
const OBSERVERS: &[Role] = &[Role::Customs, Role::Inspection, Role::Laboratory];

/// What appending an event does to the custody of an item.
enum CustodyChange {
    None,
    Begins(Custody),
    /// It was sold, and is taken back.
    Returns,
}

/// Lets an event into the history of each item that it names, one after the other: a container that
/// is taken back brings its content back.
pub(super) fn admit<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<(), RuleError> {
    for identifier in at.event.things() {
        let id = identifier.as_str();
        match check(items, at, id)? {
            CustodyChange::None => {}
            CustodyChange::Begins(custody) => {
                let item = items.change(id)?;
                item.custody = Some(custody);
                // What others had said of it before its maker commissioned it.
                item.ended = None;
                item.offer.clear();
            }
            CustodyChange::Returns => life::reopen(items, at, id)?,
        }
    }
    Ok(())
}

/// Whether the organisation may append the event to the item's history.
fn check<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
    id: &str,
) -> Result<CustodyChange, RuleError> {
    if !is_holdable(id) {
        return Ok(CustodyChange::None);
    }
    let status = items.status(id, at.context.block.time_ms)?;
    if commissions_its_own(items, at, id, &status)? {
        let custody = begun_custody(at.context, Basis::Prefix, at.position());
        return Ok(CustodyChange::Begins(custody));
    }
    // Rule: nothing follows the end of a life but its correction, and the return of what was
    // sold (CBV 2.0 §7.2: `returned`).
    if let Some(ended) = &status.ended {
        if life::is_return(items, at, id, &status)? {
            return Ok(CustodyChange::Returns);
        }
        return Err(CustodyRejection::LifeEnded {
            index: at.index,
            item: id.to_owned(),
            how: life::word(ended),
        }
        .into());
    }
    // Rule: what is offered stays as it was offered, until the offer is over.
    if let Some(offer) = status.offer.as_ref().filter(|_| !is_finding(at.event)) {
        return Err(CustodyRejection::Offered {
            index: at.index,
            item: id.to_owned(),
            to: offer.to.clone(),
        }
        .into());
    }
    match status.holder() {
        None => check_first(items, at, id),
        Some(holder) if holder == at.organisation() => Ok(CustodyChange::None),
        Some(holder) => check_other(at, id, holder),
    }
}

/// Rule: the holder appends; observers by role, whoever claims the item, and whoever answers an
/// offer of it, append findings.
fn check_other(at: &EventContext<'_>, id: &str, holder: &str) -> Result<CustodyChange, RuleError> {
    let may_find = match at.mode {
        Mode::Claim | Mode::Answer => true,
        Mode::Record => at.has_role(OBSERVERS),
    };
    if may_find && is_finding(at.event) {
        return Ok(CustodyChange::None);
    }
    Err(CustodyRejection::NotHolder {
        index: at.index,
        item: id.to_owned(),
        holder: holder.to_owned(),
    }
    .into())
}

/// Whether the owner of an item's company prefix commissions it, which others had recorded, offered or ended by their
/// own word before. Rule: the prefix's owner assigns the keys (GS1 General Specifications §1.4.2), so nobody uses one
/// up before him. What is in a container isn't taken with it.
fn commissions_its_own<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
    id: &str,
    status: &CustodyStatus,
) -> Result<bool, Fault> {
    if !at.begins.contains(id) {
        return Ok(false);
    }
    let is_anothers_word = status.custody.as_ref().is_some_and(|custody| {
        custody.basis == Basis::OwnWord as i32 && custody.holder != at.organisation()
    });
    let item = items.item(id)?;
    let is_new = item.commissioned.is_none() && item.levels == 0 && status.containers.is_empty();
    let owner = items.prefix_owner(id)?;
    Ok(is_anothers_word && is_new && owner.as_deref() == Some(at.organisation()))
}

/// The first record of an item: whoever has goods in its hands holds it from then on, by its own
/// word unless the company prefix is its own. Observers only leave their finding.
fn check_first<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
    id: &str,
) -> Result<CustodyChange, RuleError> {
    if !at.has_role(CUSTODIANS) {
        // Rule: observers neither begin, pack nor end anything.
        if !is_finding(at.event) {
            return Err(CustodyRejection::OnlyFindings {
                index: at.index,
                item: id.to_owned(),
            }
            .into());
        }
        return Ok(CustodyChange::None);
    }
    let owner = items.prefix_owner(id)?;
    let is_own = owner.as_deref() == Some(at.organisation());
    let basis = match is_own && at.mode != Mode::Claim {
        true => Basis::Prefix,
        false => Basis::OwnWord,
    };
    let custody = begun_custody(at.context, basis, at.position());
    Ok(CustodyChange::Begins(custody))
}

/// Whether an event only tells what was seen: it begins, packs and ends nothing.
fn is_finding(event: &Event) -> bool {
    // A transformation has no action (EPCIS 2.0 §7.4.5).
    event.action == Some(Action::Observe) && ending(event).is_none()
}
