//! Attesting a mark: the first time it makes its right; later it renews the term, and records who owns it now.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{AttestMark, Mark, Right, Role};

use super::limits::MAX_MARK_MS;
use super::{DesignRejection, mark, right};
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Those that keep registers.
const OFFICES: &[Role] = &[Role::IpOffice];

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &AttestMark,
) -> Result<(), RuleError> {
    check(state, context, action)?;
    let office = &context.organisation.id;
    let now_ms = context.block.time_ms;
    let id = mark::id(office, &action.number);
    let known: Option<Right> = state.read(&keys::right(&id))?;
    let mut record = known.unwrap_or_else(|| Right {
        office: office.clone(),
        ..Right::default()
    });
    // What ended comes back with a new beginning: so an answer about the past doesn't change.
    let has_lapsed = record.ended.is_some() || record.until_ms < now_ms;
    if has_lapsed && !record.owners.is_empty() {
        let gone = u32::try_from(record.owners.len()).unwrap_or(u32::MAX);
        record.earlier_owners = record.earlier_owners.saturating_add(gone);
        record.owners.clear();
        record.ended = None;
    }
    if right::owner(&record) != action.owner {
        right::pass_on(&mut record, &action.owner, now_ms);
    }
    record.until_ms = action.until_ms;
    state.write(keys::right(&id), &record);
    state.write(
        keys::mark(&id),
        &Mark {
            office: office.clone(),
            number: action.number.clone(),
            name: action.name.clone(),
            classes: action.classes,
            position: Some(context.position(0)),
            time_ms: now_ms,
        },
    );
    Ok(())
}

fn check<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    action: &AttestMark,
) -> Result<(), RuleError> {
    context.check_role(OFFICES)?;
    mark::check_shape(action)?;
    // Rule: the owner can act under it.
    if state.get(&keys::organisation(&action.owner))?.is_none() {
        return Err(DesignRejection::TransferTo(action.owner.clone()).into());
    }
    // Rule: a registration has a term. Source: Trademark Law of the People's Republic of China, Art. 39 and 40: ten
    // years, renewed within the twelve months before its end.
    let term_ms = action.until_ms.checked_sub(context.block.time_ms);
    match term_ms.is_some_and(|term| (1..=MAX_MARK_MS).contains(&term)) {
        true => Ok(()),
        false => Err(DesignRejection::MarkTerm.into()),
    }
}

#[cfg(test)]
mod tests;
