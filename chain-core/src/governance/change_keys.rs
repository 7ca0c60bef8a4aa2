//! An organisation adds and retires its own keys, and reports those that others may have used. What
//! a retired key signed stays valid; what a compromised one signed stays recorded, and every
//! verifier tells what it signed before the reported time from what it signed after.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{ChangeKeys, Key};

use crate::Fault;
use crate::encoding;
use crate::governance::organisation::{self, BadOrganisation, MAX_KEYS};
use crate::rejection::Rejection;
use crate::rules::Context;
use crate::signing;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ChangeKeys,
) -> Result<Result<(), Rejection>, Fault> {
    if action.add.is_empty() && action.retire.is_empty() && action.compromised.is_empty() {
        return Ok(Err(Rejection::EmptyChange));
    }
    let mut record = context.organisation.clone();
    let height = context.block.height;
    for bytes in &action.retire {
        let public_key: [u8; 32] = match encoding::exact("retire", bytes) {
            Ok(key) => key,
            Err(malformed) => return Ok(Err(malformed.into())),
        };
        // Rule: a key is retired once, while it is in use, with the end of this height.
        let in_use = record
            .keys
            .iter_mut()
            .find(|k| k.public_key == public_key && k.valid_until_height == 0);
        match in_use {
            Some(key) => key.valid_until_height = height,
            None => return Ok(Err(Rejection::KeyNotInUse(public_key))),
        }
    }
    for report in &action.compromised {
        let public_key: [u8; 32] = match encoding::exact("compromised", &report.public_key) {
            Ok(key) => key,
            Err(malformed) => return Ok(Err(malformed.into())),
        };
        let known = record.keys.iter_mut().find(|k| k.public_key == public_key);
        let Some(key) = known else {
            return Ok(Err(Rejection::KeyNotInUse(public_key)));
        };
        // Rule: reported once, and about the past; a later date would bless what a thief signs now.
        let dated = (1..=context.block.time_ms).contains(&report.since_ms);
        if !dated || key.compromised_since_ms != 0 {
            return Ok(Err(Rejection::BadCompromise(public_key)));
        }
        key.compromised_since_ms = report.since_ms;
        if key.valid_until_height == 0 {
            key.valid_until_height = height;
        }
    }
    for bytes in &action.add {
        let public_key: [u8; 32] = match encoding::exact("add", bytes) {
            Ok(key) => key,
            Err(malformed) => return Ok(Err(malformed.into())),
        };
        if let Err(rejection) = register_key(state, &record.id, &public_key)? {
            return Ok(Err(rejection));
        }
        record.keys.push(Key {
            public_key: bytes.clone(),
            valid_from_height: height + 1,
            valid_until_height: 0,
            compromised_since_ms: 0,
        });
    }
    if record.keys.len() > MAX_KEYS {
        return Ok(Err(BadOrganisation::Keys.into()));
    }
    // Rule: an organisation never locks itself out.
    if !record
        .keys
        .iter()
        .any(|k| organisation::valid_at(k, height + 1))
    {
        return Ok(Err(Rejection::WouldLeaveNoKey));
    }
    state.write(keys::organisation(&record.id), &record);
    Ok(Ok(()))
}

/// Rule: a key is usable, and belongs to one organisation for ever.
pub(super) fn register_key<S: StateRead>(
    state: &mut Delta<'_, S>,
    organisation: &str,
    public_key: &[u8; 32],
) -> Result<Result<(), Rejection>, Fault> {
    if let Err(error) = signing::check_public_key(public_key) {
        return Ok(Err(Rejection::BadKey {
            key: *public_key,
            error,
        }));
    }
    let owner = keys::key_owner(public_key);
    if state.get(&owner)?.is_some() {
        return Ok(Err(Rejection::KeyTaken(*public_key)));
    }
    state.put(owner, organisation.as_bytes().to_vec());
    Ok(Ok(()))
}

#[cfg(test)]
mod tests;
