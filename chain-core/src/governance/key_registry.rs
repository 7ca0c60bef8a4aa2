//! Which organisation a signing key belongs to.
//!
//! Consensus-critical: yes

use crate::governance::GovernanceRejection;
use crate::rules::RuleError;
use crate::signing;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Rule: a key is usable, and belongs to one organisation for ever.
pub(crate) fn check_new(state: &impl StateRead, public_key: &[u8; 32]) -> Result<(), RuleError> {
    signing::check_public_key(public_key).map_err(|error| GovernanceRejection::BadKey {
        key: *public_key,
        error,
    })?;
    match state.get(&keys::key_owner(public_key))? {
        Some(_) => Err(GovernanceRejection::KeyTaken(*public_key).into()),
        None => Ok(()),
    }
}

pub(crate) fn register<S: StateRead>(
    state: &mut Delta<'_, S>,
    organisation: &str,
    public_key: &[u8],
) {
    let owner = organisation.as_bytes().to_vec();
    state.put(keys::key_owner(public_key), owner);
}
