//! The rules: one file for each action. Each is a run of checks, then writes; a rejected
//! transaction's writes are discarded as a whole.
//!
//! Consensus-critical: yes

pub(crate) mod link;
pub(crate) mod stop;

use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{Organisation, Parameters, Position};

use crate::Fault;
use crate::custody::{capture_events, declare_product};
use crate::designs::{deposit_design, disclose_design};
use crate::execution::BlockContext;
use crate::governance::{approve_change, change_keys, organisation};
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

/// Applies a transaction to the staged state, or says which rule it breaks. The caller discards
/// what was staged for a rejected one.
pub fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    parameters: &Parameters,
    block: &BlockContext,
    index: u32,
    transaction: &VerifiedTransaction,
) -> Result<Result<(), Rejection>, Fault> {
    let organisation = match may_sign(state, parameters, block.height, &transaction.claim())? {
        Ok(organisation) => organisation,
        Err(rejection) => return Ok(Err(rejection)),
    };
    let context = Context {
        block,
        parameters,
        transaction,
        index,
        organisation,
    };
    match transaction.action() {
        Action::CaptureEvents(action) => stop::told(capture_events::apply(state, &context, action)),
        Action::DepositDesign(action) => deposit_design::apply(state, &context, action),
        Action::DiscloseDesign(action) => disclose_design::apply(state, &context, action),
        Action::ChangeKeys(action) => change_keys::apply(state, &context, action),
        Action::ApproveChange(action) => approve_change::apply(state, &context, action),
        Action::DeclareProduct(action) => declare_product::apply(state, &context, action),
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
