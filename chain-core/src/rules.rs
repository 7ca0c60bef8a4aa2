//! What the rules of all domains share. Each action's rules are a file of its domain: a run of
//! checks, then writes; a rejected transaction's writes are discarded as a whole.
//!
//! Consensus-critical: yes

pub(crate) mod link;
pub(crate) mod stop;

use touchstone_proto::ledger::{Organisation, Parameters, Position};

use crate::Fault;
use crate::block::BlockContext;
use crate::governance::organisation;
use crate::rejection::Rejection;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};
use crate::transaction::{Claim, VerifiedTransaction};

/// What a rule sees of the transaction and its block.
pub(crate) struct Context<'a> {
    pub(crate) block: &'a BlockContext,
    pub(crate) parameters: &'a Parameters,
    pub(crate) transaction: &'a VerifiedTransaction,
    /// Index of the transaction in its block.
    pub(crate) index: u32,
    pub(crate) organisation: Organisation,
}

impl Context<'_> {
    pub(crate) fn position(&self, event: u32) -> Position {
        Position {
            height: self.block.height,
            transaction: self.index,
            event,
        }
    }
}

/// The rules that hold for every action: size, no replay, and a key of the named organisation
/// that may sign at this height. They need no signature, so they can be asked before it is verified.
pub fn may_sign<S: StateRead>(
    state: &Delta<'_, S>,
    parameters: &Parameters,
    height: u64,
    claim: &Claim<'_>,
) -> Result<Result<Organisation, Rejection>, Fault> {
    let Claim {
        id,
        bytes,
        organisation: name,
        signer,
    } = *claim;
    let limit = parameters.max_transaction_bytes;
    if bytes > limit {
        return Ok(Err(Rejection::TransactionTooLarge { bytes, limit }));
    }
    if state.is_committed(id)? {
        return Ok(Err(Rejection::AlreadyCommitted));
    }
    let Some(organisation) = state.read::<Organisation>(&keys::organisation(name))? else {
        return Ok(Err(Rejection::UnknownOrganisation(name.to_owned())));
    };
    let Some(key) = organisation.keys.iter().find(|k| k.public_key == signer) else {
        return Ok(Err(Rejection::ForeignKey {
            key: *signer,
            organisation: name.to_owned(),
        }));
    };
    if !organisation::valid_at(key, height) {
        return Ok(Err(Rejection::KeyNotValid {
            key: *signer,
            from: key.valid_from_height,
            until: key.valid_until_height,
            height,
        }));
    }
    Ok(Ok(organisation))
}

#[cfg(test)]
mod tests;
