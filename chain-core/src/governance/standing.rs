//! Whether an organisation may act. The consortium suspends one, lets it act again, or removes it for ever. What it
//! signed before stays valid.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Organisation, PutStanding, Standing};

use super::validators::ValidatorSet;
use crate::block::BlockContext;
use crate::commit_certificate::exceeds_two_thirds;
use crate::governance::GovernanceRejection;
use crate::rejection::Rejection;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(super) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    block: &BlockContext,
    validators: &ValidatorSet,
    change: &PutStanding,
) -> Result<(), RuleError> {
    let before = enrolled(state, &change.organisation)?;
    let record = check(&before, block, validators, change)?;
    if is_removed(&record) {
        for prefix in &before.gs1_prefixes {
            state.put(keys::company_prefix(prefix), Vec::new());
        }
    }
    state.write(keys::organisation(&record.id), &record);
    check_governable(state, validators)
}

/// The organisation's record with its new standing.
fn check(
    before: &Organisation,
    block: &BlockContext,
    validators: &ValidatorSet,
    change: &PutStanding,
) -> Result<Organisation, RuleError> {
    let mut record = before.clone();
    if change.standing == record.standing || Standing::try_from(change.standing).is_err() {
        return Err(GovernanceRejection::EmptyChange.into());
    }
    record.standing = change.standing;
    record.standing_height = block.height;
    if is_removed(&record) {
        // Rule: who votes on blocks isn't removed meanwhile.
        if validators.power_of_organisation(&record.id) > 0 {
            return Err(GovernanceRejection::RunsValidator(record.id).into());
        }
        record.peers.clear();
        record.gs1_prefixes.clear();
        let in_use = record.keys.iter_mut().filter(|k| k.valid_until_height == 0);
        in_use.for_each(|key| key.valid_until_height = block.height);
    }
    Ok(record)
}

/// The record of an organisation that isn't removed.
pub(super) fn enrolled<S: StateRead>(
    state: &Delta<'_, S>,
    id: &str,
) -> Result<Organisation, RuleError> {
    let record: Option<Organisation> = state.read(&keys::organisation(id))?;
    let record = record.ok_or_else(|| Rejection::UnknownOrganisation(id.to_owned()))?;
    match is_removed(&record) {
        true => Err(GovernanceRejection::Removed(record.id).into()),
        false => Ok(record),
    }
}

/// Rule: the organisations that may act hold more than 2/3 of the voting power, or nothing could be decided any more.
pub(super) fn check_governable<S: StateRead>(
    state: &Delta<'_, S>,
    validators: &ValidatorSet,
) -> Result<(), RuleError> {
    let mut able: u64 = 0;
    for validator in validators.iter() {
        let key = keys::organisation(&validator.organisation);
        let record: Option<Organisation> = state.read(&key)?;
        if record.is_some_and(|record| may_act(&record)) {
            able = able.saturating_add(validator.power);
        }
    }
    match exceeds_two_thirds(able, validators.total_power()) {
        true => Ok(()),
        false => Err(GovernanceRejection::WouldEndGovernance.into()),
    }
}

/// Whether the organisation may act.
pub fn may_act(record: &Organisation) -> bool {
    record.standing == Standing::Unspecified as i32
}

/// Whether the organisation was removed, which is for ever.
pub fn is_removed(record: &Organisation) -> bool {
    record.standing == Standing::Removed as i32
}

/// Rule: who is suspended or removed doesn't act.
pub(super) fn check_acting(record: &Organisation) -> Result<(), GovernanceRejection> {
    if is_removed(record) {
        return Err(GovernanceRejection::Removed(record.id.clone()));
    }
    match may_act(record) {
        true => Ok(()),
        false => Err(GovernanceRejection::Suspended {
            organisation: record.id.clone(),
            height: record.standing_height,
        }),
    }
}

#[cfg(test)]
mod tests;
