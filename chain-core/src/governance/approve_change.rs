//! Governing the consortium: a change takes effect when organisations with more than 2/3 of the
//! voting power have approved exactly it.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::{ApproveChange, Change, ChangeRecord, Key, Organisation};

use super::change_keys::register_key;
use crate::Fault;
use crate::commit_certificate::exceeds_two_thirds;
use crate::encoding;
use crate::governance::change;
use crate::governance::organisation;
use crate::governance::validators::{self, Validator, ValidatorSet};
use crate::rejection::Rejection;
use crate::rules::Context;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ApproveChange,
) -> Result<Result<(), Rejection>, Fault> {
    let Some(change) = &action.change else {
        return Ok(Err(Rejection::EmptyChange));
    };
    let validators = validators::current(state)?;
    let approver = &context.organisation.id;
    // Rule: organisations that run a validator govern, each with its validators' power.
    if validators.power_of_organisation(approver) == 0 {
        return Ok(Err(Rejection::NotAGovernor(approver.clone())));
    }
    let key = keys::change(&change::id(&context.block.chain_id, change));
    let mut record = state
        .read::<ChangeRecord>(&key)?
        .unwrap_or_else(|| ChangeRecord {
            change: Some(change.clone()),
            ..ChangeRecord::default()
        });
    if record.effective_height != 0 {
        return Ok(Err(Rejection::AlreadyEffective(record.effective_height)));
    }
    if record.approvals.contains(approver) {
        return Ok(Err(Rejection::AlreadyApproved(approver.clone())));
    }
    record.approvals.push(approver.clone());
    let approved: u64 = record
        .approvals
        .iter()
        .map(|o| validators.power_of_organisation(o))
        .sum();
    if exceeds_two_thirds(approved, validators.total_power()) {
        record.effective_height = context.block.height;
        if let Err(rejection) = take_effect(state, &validators, change, context.block.height)? {
            return Ok(Err(rejection));
        }
    } else if let Err(rejection) = check_shape(change) {
        return Ok(Err(rejection));
    }
    state.write(key, &record);
    Ok(Ok(()))
}

fn check_shape(change: &Change) -> Result<(), Rejection> {
    match &change.kind {
        None => Err(Rejection::EmptyChange),
        Some(Kind::PutOrganisation(o)) => Ok(organisation::check(o)?),
        Some(Kind::PutValidator(v)) => {
            encoding::exact::<32>("public_key", &v.public_key)?;
            Ok(())
        }
        Some(Kind::RemoveValidator(key)) => {
            encoding::exact::<32>("remove_validator", key)?;
            Ok(())
        }
    }
}

fn take_effect<S: StateRead>(
    state: &mut Delta<'_, S>,
    validators: &ValidatorSet,
    change: &Change,
    height: u64,
) -> Result<Result<(), Rejection>, Fault> {
    if let Err(rejection) = check_shape(change) {
        return Ok(Err(rejection));
    }
    let mut next: Vec<Validator> = validators.iter().cloned().collect();
    match &change.kind {
        None => return Ok(Err(Rejection::EmptyChange)),
        Some(Kind::PutOrganisation(o)) => return enroll(state, o, height),
        Some(Kind::PutValidator(v)) => {
            if state.get(&keys::organisation(&v.organisation))?.is_none() {
                return Ok(Err(Rejection::UnknownOrganisation(v.organisation.clone())));
            }
            let public_key = match encoding::exact("public_key", &v.public_key) {
                Ok(key) => key,
                Err(malformed) => return Ok(Err(malformed.into())),
            };
            next.retain(|other| other.public_key != public_key);
            next.push(Validator {
                public_key,
                power: v.power,
                organisation: v.organisation.clone(),
            });
        }
        Some(Kind::RemoveValidator(key)) => {
            let before = next.len();
            next.retain(|v| v.public_key != key.as_slice());
            if next.len() == before {
                return Ok(Err(match encoding::exact("remove_validator", key) {
                    Ok(key) => Rejection::UnknownValidator(key),
                    Err(malformed) => malformed.into(),
                }));
            }
        }
    }
    match ValidatorSet::new(next, height.saturating_add(1)) {
        Ok(set) => {
            state.put(keys::VALIDATORS.to_vec(), set.encode());
            Ok(Ok(()))
        }
        Err(bad) => Ok(Err(bad.into())),
    }
}

/// Enrolls an organisation at `height`: its keys hold from the next one. An enrolled one gets new
/// name, roles, peers and prefixes, and keeps its keys, which it alone changes.
pub(crate) fn enroll<S: StateRead>(
    state: &mut Delta<'_, S>,
    organisation: &Organisation,
    height: u64,
) -> Result<Result<(), Rejection>, Fault> {
    if let Err(bad) = organisation::check(organisation) {
        return Ok(Err(bad.into()));
    }
    let key = keys::organisation(&organisation.id);
    let mut record = organisation.clone();
    let before = state.read::<Organisation>(&key)?;
    let gone = before.as_ref().map_or(&[][..], |b| &b.gs1_prefixes);
    if let Err(rejection) = register_prefixes(state, organisation, gone)? {
        return Ok(Err(rejection));
    }
    match before {
        Some(before) => record.keys = before.keys,
        None => {
            record.keys.clear();
            for k in &organisation.keys {
                let public_key = match encoding::exact("public_key", &k.public_key) {
                    Ok(public_key) => public_key,
                    Err(malformed) => return Ok(Err(malformed.into())),
                };
                if let Err(rejection) = register_key(state, &organisation.id, &public_key)? {
                    return Ok(Err(rejection));
                }
                record.keys.push(Key {
                    public_key: public_key.to_vec(),
                    valid_from_height: height + 1,
                    valid_until_height: 0,
                    compromised_since_ms: 0,
                });
            }
            list(state, &organisation.id)?;
        }
    }
    state.write(key, &record);
    Ok(Ok(()))
}

/// Rule: a GS1 company prefix has one owner, and none begins with another (GS1 General
/// Specifications §1.4.2). `before` are the organisation's own until now.
fn register_prefixes<S: StateRead>(
    state: &mut Delta<'_, S>,
    organisation: &Organisation,
    before: &[String],
) -> Result<Result<(), Rejection>, Fault> {
    let listed = state.get(keys::ORGANISATIONS)?.unwrap_or_default();
    let ids = listed.split(|b| *b == 0).filter(|id| !id.is_empty());
    for id in ids.filter(|id| *id != organisation.id.as_bytes()) {
        let key = keys::organisation(&String::from_utf8_lossy(id));
        let Some(other) = state.read::<Organisation>(&key)? else {
            continue;
        };
        let overlaps = |prefix: &&String| {
            let mut taken = other.gs1_prefixes.iter();
            taken.any(|p| p.starts_with(prefix.as_str()) || prefix.starts_with(p.as_str()))
        };
        if let Some(prefix) = organisation.gs1_prefixes.iter().find(overlaps) {
            return Ok(Err(Rejection::PrefixTaken {
                prefix: prefix.clone(),
                organisation: other.id,
            }));
        }
    }
    for prefix in before {
        state.put(keys::company_prefix(prefix), Vec::new());
    }
    for prefix in &organisation.gs1_prefixes {
        let owner = organisation.id.as_bytes().to_vec();
        state.put(keys::company_prefix(prefix), owner);
    }
    Ok(Ok(()))
}

fn list<S: StateRead>(state: &mut Delta<'_, S>, id: &str) -> Result<(), Fault> {
    let listed = state.get(keys::ORGANISATIONS)?.unwrap_or_default();
    let mut ids: Vec<&[u8]> = listed
        .split(|b| *b == 0)
        .filter(|id| !id.is_empty())
        .collect();
    ids.push(id.as_bytes());
    ids.sort_unstable();
    let joined: Vec<u8> = ids.iter().flat_map(|id| [*id, &[0]].concat()).collect();
    state.put(keys::ORGANISATIONS.to_vec(), joined);
    Ok(())
}

#[cfg(test)]
mod tests;
