//! Depositing a design: a salted commitment that is bound to its owner's key.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DepositDesign, Design};

use super::{design, vouching};
use crate::designs::DesignRejection;
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &DepositDesign,
) -> Result<(), RuleError> {
    let commitment: Hash = encoding::exact("commitment", &action.commitment)?;
    let owner_key = context.transaction.signer();
    let id = design::id(owner_key, &commitment);
    let key = keys::design(&id);
    // Rule: the first deposit counts; a later one of the same would only blur its time.
    if state.get(&key)?.is_some() {
        return Err(DesignRejection::AlreadyDeposited(id).into());
    }
    let vouching = vouching::check_in_force(state, context)?;
    state.write(
        key,
        &Design {
            commitment: commitment.to_vec(),
            organisation: context.organisation.id.clone(),
            owner_key: owner_key.to_vec(),
            position: Some(context.position(0)),
            transaction_id: context.transaction.id().to_vec(),
            time_ms: context.block.time_ms,
            disclosure: None,
            compared: 0,
            vouching,
            disposed: 0,
        },
    );
    Ok(())
}

#[cfg(test)]
mod tests;
