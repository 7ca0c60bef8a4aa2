//! The consortium settles an organisation's keys, such as after a theft: it adds and retires them, and says since when
//! each was in other hands, whatever was reported. What it says, no report of the organisation changes.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_proto::ledger::{KeyDispute, Organisation, RecoverKeys};

use super::{key_changes, key_registry, standing};
use crate::block::BlockContext;
use crate::encoding;
use crate::governance::GovernanceRejection;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(super) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    block: &BlockContext,
    change: &RecoverKeys,
) -> Result<(), RuleError> {
    let record = check(state, block, change)?;
    for public_key in &change.add {
        key_registry::register(state, &record.id, public_key);
    }
    state.write(keys::organisation(&record.id), &record);
    Ok(())
}

/// The organisation's record with its keys settled. A suspended organisation's may be; a removed one has none.
pub(super) fn check<S: StateRead>(
    state: &Delta<'_, S>,
    block: &BlockContext,
    change: &RecoverKeys,
) -> Result<Organisation, RuleError> {
    if change.add.is_empty() && change.retire.is_empty() && change.compromised.is_empty() {
        return Err(GovernanceRejection::EmptyChange.into());
    }
    let mut record = standing::enrolled(state, &change.organisation)?;
    let settled = KeyDispute::Settled as i32;
    for place in key_changes::retire(&mut record, &change.retire, block.height)? {
        if let Some(key) = record.keys.get_mut(place) {
            key.dispute = settled;
        }
    }
    let mut named = BTreeSet::new();
    for verdict in &change.compromised {
        let public_key: [u8; 32] = encoding::exact("compromised", &verdict.public_key)?;
        let key = key_changes::reported(&mut record, &public_key)?;
        // Rule: each key once, and not about the future.
        if verdict.since_ms > block.time_ms || !named.insert(public_key) {
            return Err(GovernanceRejection::BadCompromise(public_key).into());
        }
        key.compromised_since_ms = verdict.since_ms;
        key.dispute = settled;
        if verdict.since_ms != 0 && key.valid_until_height == 0 {
            key.valid_until_height = block.height;
        }
    }
    key_changes::add(state, &mut record, &change.add, block.height, 0)?;
    key_changes::check_remaining(&record, block.height)?;
    Ok(record)
}

#[cfg(test)]
mod tests;
