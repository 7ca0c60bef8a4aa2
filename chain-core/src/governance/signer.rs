//! Who may sign: the rules that hold for every action.
//!
//! Consensus-critical: yes

use std::sync::Arc;

use touchstone_proto::ledger::{Organisation, Parameters};

use super::parameters::{self, MAX_AHEAD_MS};
use super::{organisation, standing};
use crate::rejection::Rejection;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};
use crate::transaction::Claim;

/// The organisation that a transaction is by, if its size is allowed, it isn't committed, its lifetime isn't
/// over in a block of this time, and its key may sign at this height. None of it needs the signature, so it can
/// be asked before that is verified.
pub fn may_sign<S: StateRead>(
    state: &Delta<'_, S>,
    parameters: &Parameters,
    height: u64,
    time_ms: u64,
    claim: &Claim<'_>,
) -> Result<Arc<Organisation>, RuleError> {
    let Claim {
        id,
        bytes,
        organisation: name,
        signer,
        created_ms,
    } = *claim;
    let limit = parameters.max_transaction_bytes;
    if bytes > limit {
        return Err(Rejection::TransactionTooLarge { bytes, limit }.into());
    }
    if state.is_committed(id)? {
        return Err(Rejection::AlreadyCommitted.into());
    }
    // After that: a sender who asks again years later hears that it is recorded.
    check_lifetime(parameters, created_ms, time_ms)?;
    let organisation: Option<Arc<Organisation>> = state.read_shared(&keys::organisation(name))?;
    let organisation =
        organisation.ok_or_else(|| Rejection::UnknownOrganisation(name.to_owned()))?;
    standing::check_acting(&organisation)?;
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

/// Rule: a block takes a transaction only during its lifetime. So what was refused once can't be sent again by
/// others when nobody expects it any more, and its sender knows from when on it is nowhere and never will be.
fn check_lifetime(parameters: &Parameters, created_ms: u64, time_ms: u64) -> Result<(), Rejection> {
    if parameters::expires_ms(parameters, created_ms) < time_ms {
        return Err(Rejection::Expired {
            created_ms,
            lifetime_ms: parameters::lifetime_ms(parameters),
            time_ms,
        });
    }
    match created_ms > time_ms.saturating_add(MAX_AHEAD_MS) {
        true => Err(Rejection::FromTheFuture {
            created_ms,
            time_ms,
        }),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
