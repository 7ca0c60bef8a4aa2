//! An organisation adds and retires its own keys, and reports those that others may have used. What
//! a retired key signed stays valid; what a compromised one signed stays recorded, and every
//! verifier tells what it signed before the reported time from what it signed after.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{ChangeKeys, Organisation};

use super::key_registry;
use super::organisation::{self, BadOrganisation, MAX_KEYS};
use crate::encoding;
use crate::governance::GovernanceRejection;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ChangeKeys,
) -> Result<(), RuleError> {
    let record = check(state, context, action)?;
    for public_key in &action.add {
        key_registry::register(state, &record.id, public_key);
    }
    state.write(keys::organisation(&record.id), &record);
    Ok(())
}

/// The organisation's record with its keys changed.
fn check<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    action: &ChangeKeys,
) -> Result<Organisation, RuleError> {
    if action.add.is_empty() && action.retire.is_empty() && action.compromised.is_empty() {
        return Err(GovernanceRejection::EmptyChange.into());
    }
    let mut record = context.organisation.clone();
    let height = context.block.height;
    for bytes in &action.retire {
        let public_key: [u8; 32] = encoding::exact("retire", bytes)?;
        // Rule: a key is retired once, while it is in use, with the end of this height.
        let in_use = record
            .keys
            .iter_mut()
            .find(|k| k.public_key == public_key && k.valid_until_height == 0);
        let key = in_use.ok_or(GovernanceRejection::KeyNotInUse(public_key))?;
        key.valid_until_height = height;
    }
    for report in &action.compromised {
        let public_key: [u8; 32] = encoding::exact("compromised", &report.public_key)?;
        let known = record.keys.iter_mut().find(|k| k.public_key == public_key);
        let key = known.ok_or(GovernanceRejection::KeyNotInUse(public_key))?;
        // Rule: reported once, and about the past; a later date would bless what a thief signs now.
        let dated = (1..=context.block.time_ms).contains(&report.since_ms);
        if !dated || key.compromised_since_ms != 0 {
            return Err(GovernanceRejection::BadCompromise(public_key).into());
        }
        key.compromised_since_ms = report.since_ms;
        if key.valid_until_height == 0 {
            key.valid_until_height = height;
        }
    }
    let before = record.keys.len();
    for bytes in &action.add {
        let public_key: [u8; 32] = encoding::exact("add", bytes)?;
        key_registry::check_new(state, &public_key)?;
        let mut added = record.keys.iter().skip(before);
        if added.any(|key| key.public_key == public_key) {
            return Err(GovernanceRejection::KeyTaken(public_key).into());
        }
        record.keys.push(organisation::new_key(&public_key, height));
    }
    if record.keys.len() > MAX_KEYS {
        return Err(BadOrganisation::Keys.into());
    }
    // Rule: an organisation never locks itself out.
    let next = height.saturating_add(1);
    if !record.keys.iter().any(|k| organisation::valid_at(k, next)) {
        return Err(GovernanceRejection::WouldLeaveNoKey.into());
    }
    Ok(record)
}

#[cfg(test)]
mod tests;
