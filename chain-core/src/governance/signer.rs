//! Who may sign: the rules that hold for every action.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Organisation, Parameters};

use super::organisation;
use crate::rejection::Rejection;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};
use crate::transaction::Claim;

/// The organisation that a transaction is by, if its size is allowed, it isn't committed, and its
/// key may sign at this height. None of it needs the signature, so it can be asked before that is
/// verified.
pub fn may_sign<S: StateRead>(
    state: &Delta<'_, S>,
    parameters: &Parameters,
    height: u64,
    claim: &Claim<'_>,
) -> Result<Organisation, RuleError> {
    let Claim {
        id,
        bytes,
        organisation: name,
        signer,
    } = *claim;
    let limit = parameters.max_transaction_bytes;
    if bytes > limit {
        return Err(Rejection::TransactionTooLarge { bytes, limit }.into());
    }
    if state.is_committed(id)? {
        return Err(Rejection::AlreadyCommitted.into());
    }
    let organisation: Option<Organisation> = state.read(&keys::organisation(name))?;
    let organisation =
        organisation.ok_or_else(|| Rejection::UnknownOrganisation(name.to_owned()))?;
    let key = organisation.keys.iter().find(|k| k.public_key == signer);
    let key = key.ok_or_else(|| Rejection::ForeignKey {
        key: *signer,
        organisation: name.to_owned(),
    })?;
    if !organisation::valid_at(key, height) {
        return Err(Rejection::KeyNotValid {
            key: *signer,
            from: key.valid_from_height,
            until: key.valid_until_height,
            height,
        }
        .into());
    }
    Ok(organisation)
}

#[cfg(test)]
mod tests;
