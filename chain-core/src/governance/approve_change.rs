//! Governing the consortium: a change takes effect when organisations with more than 2/3 of the
//! voting power have approved exactly it.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{
    ApproveChange, Change, ChangeRecord, Organisation, ReplaceValidator,
};

use super::enrollment;
use super::validators::{self, Validator, ValidatorSet};
use super::{
    change, dispute_terms, hash_chain, organisation, parameters, protocol, recover_keys,
    review_terms, standing, voucher,
};
use crate::block::BlockContext;
use crate::commit_certificate::exceeds_two_thirds;
use crate::encoding;
use crate::governance::GovernanceRejection;
use crate::rejection::Rejection;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ApproveChange,
) -> Result<(), RuleError> {
    let change = action
        .change
        .as_ref()
        .ok_or(GovernanceRejection::EmptyChange)?;
    let validators = validators::current(state)?;
    let approver = &context.organisation.id;
    // Rule: organisations that run a validator govern, each with its validators' power.
    if validators.power_of_organisation(approver) == 0 {
        return Err(GovernanceRejection::NotAGovernor(approver.clone()).into());
    }
    let key = keys::change(&change::id(&context.block.chain_id, change));
    let mut record = state
        .read::<ChangeRecord>(&key)?
        .unwrap_or_else(|| ChangeRecord {
            change: Some(change.clone()),
            ..ChangeRecord::default()
        });
    if record.effective_height != 0 {
        return Err(GovernanceRejection::AlreadyEffective(record.effective_height).into());
    }
    if record.approvals.contains(approver) {
        return Err(GovernanceRejection::AlreadyApproved(approver.clone()).into());
    }
    check_shape(change)?;
    check_named(state, &validators, context.block, change)?;
    record.approvals.push(approver.clone());
    let approved: u64 = record
        .approvals
        .iter()
        .map(|o| validators.power_of_organisation(o))
        .sum();
    if exceeds_two_thirds(approved, validators.total_power()) {
        record.effective_height = context.block.height;
        take_effect(state, &validators, change, context.block)?;
    }
    state.write(key, &record);
    Ok(())
}

fn check_shape(change: &Change) -> Result<(), Rejection> {
    match &change.kind {
        None => Err(GovernanceRejection::EmptyChange.into()),
        Some(Kind::PutOrganisation(o)) => Ok(organisation::check(o)?),
        Some(Kind::PutValidator(v)) => {
            encoding::exact::<32>("public_key", &v.public_key)?;
            Ok(())
        }
        Some(Kind::RemoveValidator(key)) => {
            encoding::exact::<32>("remove_validator", key)?;
            Ok(())
        }
        Some(Kind::ReplaceValidator(replacement)) => {
            encoding::exact::<32>("old_key", &replacement.old_key)?;
            encoding::exact::<32>("new_key", &replacement.new_key)?;
            Ok(())
        }
        Some(
            Kind::RecoverKeys(_)
            | Kind::PutStanding(_)
            | Kind::PutParameters(_)
            | Kind::PutProtocol(_)
            | Kind::PutReviewTerms(_)
            | Kind::PutDisputeTerms(_)
            | Kind::PutHashChain(_),
        ) => Ok(()),
    }
}

/// What the change says of an enrolled organisation must be so from the first approval on: nobody approves what can't
/// be made.
fn check_named<S: StateRead>(
    state: &Delta<'_, S>,
    validators: &ValidatorSet,
    block: &BlockContext,
    change: &Change,
) -> Result<(), RuleError> {
    match &change.kind {
        Some(Kind::PutOrganisation(o)) => {
            let before: Option<Organisation> = state.read(&keys::organisation(&o.id))?;
            if let Some(before) = before {
                enrollment::check_own_keys(o, &before)?;
            }
            Ok(())
        }
        Some(Kind::RecoverKeys(recovery)) => {
            recover_keys::check(state, block, recovery)?;
            Ok(())
        }
        Some(Kind::PutStanding(change)) => {
            standing::enrolled(state, &change.organisation)?;
            Ok(())
        }
        Some(Kind::PutReviewTerms(terms)) => review_terms::check(state, terms),
        Some(Kind::PutDisputeTerms(terms)) => dispute_terms::check(state, terms),
        Some(Kind::PutHashChain(chain)) => {
            hash_chain::check(state, validators, chain)?;
            Ok(())
        }
        Some(
            Kind::PutValidator(_)
            | Kind::RemoveValidator(_)
            | Kind::ReplaceValidator(_)
            | Kind::PutParameters(_)
            | Kind::PutProtocol(_),
        )
        | None => Ok(()),
    }
}

fn take_effect<S: StateRead>(
    state: &mut Delta<'_, S>,
    validators: &ValidatorSet,
    change: &Change,
    block: &BlockContext,
) -> Result<(), RuleError> {
    let height = block.height;
    let mut next: Vec<Validator> = validators.iter().cloned().collect();
    match &change.kind {
        None => return Err(GovernanceRejection::EmptyChange.into()),
        Some(Kind::PutOrganisation(o)) => {
            let was_voucher = voucher::is_voucher(state, &o.id)?;
            enrollment::enroll(state, o, height)?;
            return Ok(voucher::note(state, &o.id, was_voucher, block.time_ms)?);
        }
        Some(Kind::RecoverKeys(recovery)) => return recover_keys::apply(state, block, recovery),
        Some(Kind::PutStanding(change)) => {
            let id = &change.organisation;
            let was_voucher = voucher::is_voucher(state, id)?;
            standing::apply(state, block, validators, change)?;
            return Ok(voucher::note(state, id, was_voucher, block.time_ms)?);
        }
        // What the block's other transactions are judged by was read before the first of them.
        Some(Kind::PutParameters(wanted)) => {
            let before = parameters::parameters(state)?;
            let after = parameters::changed(&before, wanted, block.time_ms)?;
            state.write(keys::PARAMETERS.to_vec(), &after);
            return Ok(());
        }
        Some(Kind::PutProtocol(change)) => return protocol::put(state, block, change),
        Some(Kind::PutReviewTerms(terms)) => return review_terms::put(state, terms),
        Some(Kind::PutDisputeTerms(terms)) => return dispute_terms::put(state, terms),
        Some(Kind::PutHashChain(chain)) => return hash_chain::put(state, validators, chain),
        Some(Kind::PutValidator(v)) => {
            standing::enrolled(state, &v.organisation)?;
            let public_key = encoding::exact("public_key", &v.public_key)?;
            next.retain(|other| other.public_key != public_key);
            next.push(Validator {
                public_key,
                power: v.power,
                organisation: v.organisation.clone(),
            });
        }
        Some(Kind::RemoveValidator(key)) => {
            let public_key: [u8; 32] = encoding::exact("remove_validator", key)?;
            let before = next.len();
            next.retain(|v| v.public_key != public_key);
            if next.len() == before {
                return Err(GovernanceRejection::UnknownValidator(public_key).into());
            }
        }
        Some(Kind::ReplaceValidator(replacement)) => replace(&mut next, replacement)?,
    }
    let set = ValidatorSet::new(next, height.saturating_add(1))?;
    standing::check_governable(state, &set)?;
    state.put(keys::VALIDATORS.to_vec(), set.encode());
    Ok(())
}

/// One change, not an addition and a removal: between those two the consortium would count a validator twice, and
/// a dead one of the two would cost it a failure that it can bear.
fn replace(next: &mut [Validator], replacement: &ReplaceValidator) -> Result<(), Rejection> {
    let old_key: [u8; 32] = encoding::exact("old_key", &replacement.old_key)?;
    let new_key: [u8; 32] = encoding::exact("new_key", &replacement.new_key)?;
    // Rule: a key that votes already replaces none.
    if next.iter().any(|v| v.public_key == new_key) {
        return Err(GovernanceRejection::ReplacementVotes(new_key).into());
    }
    // Rule: only a validator's key is replaced.
    let validator = next
        .iter_mut()
        .find(|v| v.public_key == old_key)
        .ok_or(GovernanceRejection::UnknownValidator(old_key))?;
    validator.public_key = new_key;
    Ok(())
}

#[cfg(test)]
mod tests;
