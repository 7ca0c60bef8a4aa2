//! What an organisation's change of its own keys and the consortium's have in common.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Key, Organisation};

use super::key_registry;
use super::organisation::{self, BadOrganisation, MAX_KEYS};
use crate::encoding;
use crate::governance::GovernanceRejection;
use crate::rules::RuleError;
use crate::state::StateRead;
use crate::state::delta::Delta;

/// Ends keys with this height; gives their places in the record. Rule: a key is retired once, while it is in use.
pub(super) fn retire(
    record: &mut Organisation,
    keys: &[Vec<u8>],
    height: u64,
) -> Result<Vec<usize>, RuleError> {
    let mut retired = Vec::with_capacity(keys.len());
    for bytes in keys {
        let public_key: [u8; 32] = encoding::exact("retire", bytes)?;
        let mut known = record.keys.iter_mut().enumerate();
        let in_use = known.find(|(_, k)| k.public_key == public_key && k.valid_until_height == 0);
        let (place, key) = in_use.ok_or(GovernanceRejection::KeyNotInUse(public_key))?;
        key.valid_until_height = height;
        retired.push(place);
    }
    Ok(retired)
}

/// The key that a report names; it is retired with this height if it is in use.
pub(super) fn reported<'a>(
    record: &'a mut Organisation,
    public_key: &[u8; 32],
) -> Result<&'a mut Key, RuleError> {
    let known = record.keys.iter_mut().find(|k| k.public_key == public_key);
    Ok(known.ok_or(GovernanceRejection::KeyNotInUse(*public_key))?)
}

/// Appends new keys, valid from the next height on. `added_ms` is the block's time where the organisation itself adds
/// them, 0 where the consortium does.
pub(super) fn add<S: StateRead>(
    state: &Delta<'_, S>,
    record: &mut Organisation,
    keys: &[Vec<u8>],
    height: u64,
    added_ms: u64,
) -> Result<(), RuleError> {
    let before = record.keys.len();
    // Counted first: each key is a point to decompress.
    if before.saturating_add(keys.len()) > MAX_KEYS {
        return Err(BadOrganisation::Keys.into());
    }
    for bytes in keys {
        let public_key: [u8; 32] = encoding::exact("add", bytes)?;
        key_registry::check_new(state, &public_key)?;
        let mut added = record.keys.iter().skip(before);
        if added.any(|key| key.public_key == public_key) {
            return Err(GovernanceRejection::KeyTaken(public_key).into());
        }
        let key = organisation::new_key(&public_key, height, added_ms);
        record.keys.push(key);
    }
    Ok(())
}

/// Rule: an organisation is never locked out.
pub(super) fn check_remaining(record: &Organisation, height: u64) -> Result<(), RuleError> {
    let next = height.saturating_add(1);
    match record.keys.iter().any(|k| organisation::valid_at(k, next)) {
        true => Ok(()),
        false => Err(GovernanceRejection::WouldLeaveNoKey.into()),
    }
}
