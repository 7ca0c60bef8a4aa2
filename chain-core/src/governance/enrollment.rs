//! Enrolling an organisation: at genesis, and by vote.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_proto::ledger::{Key, Organisation};

use super::{key_registry, organisation, standing};
use crate::Fault;
use crate::encoding;
use crate::governance::GovernanceRejection;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// What enrolling writes.
struct Enrollment {
    /// The record, with the keys that it has from now on.
    record: Organisation,
    /// Prefixes that it had until now.
    prefixes_before: Vec<String>,
    is_new: bool,
}

/// Enrolls an organisation at `height`: its keys hold from the next one. An enrolled one gets new
/// name, roles, peers and prefixes, and keeps its keys: itself changes them, or the consortium recovers them.
pub(crate) fn enroll<S: StateRead>(
    state: &mut Delta<'_, S>,
    organisation: &Organisation,
    height: u64,
) -> Result<(), RuleError> {
    let Enrollment {
        record,
        prefixes_before,
        is_new,
    } = check(state, organisation, height)?;
    for prefix in &prefixes_before {
        state.put(keys::company_prefix(prefix), Vec::new());
    }
    for prefix in &record.gs1_prefixes {
        let owner = record.id.as_bytes().to_vec();
        state.put(keys::company_prefix(prefix), owner);
    }
    if is_new {
        for key in &record.keys {
            key_registry::register(state, &record.id, &key.public_key);
        }
        let mut ids = organisation::enrolled(state)?;
        ids.push(record.id.clone());
        state.put(keys::ORGANISATIONS.to_vec(), organisation::encode_ids(ids));
    }
    state.write(keys::organisation(&record.id), &record);
    Ok(())
}

fn check<S: StateRead>(
    state: &Delta<'_, S>,
    organisation: &Organisation,
    height: u64,
) -> Result<Enrollment, RuleError> {
    organisation::check(organisation)?;
    check_prefixes(state, organisation)?;
    let before: Option<Organisation> = state.read(&keys::organisation(&organisation.id))?;
    let is_new = before.is_none();
    let before = match before {
        Some(before) => {
            check_own_keys(organisation, &before)?;
            before
        }
        None => Organisation {
            keys: check_keys(state, organisation, height)?,
            ..Organisation::default()
        },
    };
    let prefixes_before = before.gs1_prefixes;
    let record = Organisation {
        keys: before.keys,
        standing: before.standing,
        standing_height: before.standing_height,
        ..organisation.clone()
    };
    Ok(Enrollment {
        record,
        prefixes_before,
        is_new,
    })
}

/// Rule: new details of an enrolled organisation name the keys that it uses, all of them and no other. A change of keys
/// that stood here would be approved by all and made by none.
pub(super) fn check_own_keys(
    organisation: &Organisation,
    before: &Organisation,
) -> Result<(), GovernanceRejection> {
    if standing::is_removed(before) {
        return Err(GovernanceRejection::Removed(before.id.clone()));
    }
    let in_use = before.keys.iter().filter(|k| k.valid_until_height == 0);
    let in_use: BTreeSet<&[u8]> = in_use.map(|k| k.public_key.as_slice()).collect();
    let named = organisation.keys.iter();
    let named: BTreeSet<&[u8]> = named.map(|k| k.public_key.as_slice()).collect();
    match in_use.symmetric_difference(&named).next() {
        None => Ok(()),
        Some(key) => Err(GovernanceRejection::KeysAreItsOwn {
            organisation: before.id.clone(),
            key: key.to_vec(),
        }),
    }
}

/// The keys of a new organisation, as its record has them.
fn check_keys<S: StateRead>(
    state: &Delta<'_, S>,
    organisation: &Organisation,
    height: u64,
) -> Result<Vec<Key>, RuleError> {
    let mut keys = Vec::with_capacity(organisation.keys.len());
    for key in &organisation.keys {
        let public_key = encoding::exact("public_key", &key.public_key)?;
        key_registry::check_new(state, &public_key)?;
        keys.push(organisation::new_key(&public_key, height, 0));
    }
    Ok(keys)
}

/// Rule: a GS1 company prefix has one owner, and none begins with another (GS1 General
/// Specifications §1.4.2).
fn check_prefixes<S: StateRead>(
    state: &Delta<'_, S>,
    organisation: &Organisation,
) -> Result<(), RuleError> {
    for id in organisation::enrolled(state)? {
        if id == organisation.id {
            continue;
        }
        let Some(other) = state.read::<Organisation>(&keys::organisation(&id))? else {
            return Err(
                Fault::Damaged(format!("organisation {id} is listed, and has no record")).into(),
            );
        };
        let overlaps = |prefix: &&String| {
            let mut taken = other.gs1_prefixes.iter();
            taken.any(|p| p.starts_with(prefix.as_str()) || prefix.starts_with(p.as_str()))
        };
        if let Some(prefix) = organisation.gs1_prefixes.iter().find(overlaps) {
            return Err(GovernanceRejection::PrefixTaken {
                prefix: prefix.clone(),
                organisation: other.id,
            }
            .into());
        }
    }
    Ok(())
}
