//! Depositing a design: a salted commitment that is bound to its owner's key.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DepositDesign, Design};

use crate::Fault;
use crate::designs::design;
use crate::encoding;
use crate::hash::Hash;
use crate::rejection::Rejection;
use crate::rules::Context;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &DepositDesign,
) -> Result<Result<(), Rejection>, Fault> {
    let commitment: Hash = match encoding::exact("commitment", &action.commitment) {
        Ok(commitment) => commitment,
        Err(malformed) => return Ok(Err(malformed.into())),
    };
    let owner_key = context.transaction.signer();
    let id = design::id(owner_key, &commitment);
    let key = keys::design(&id);
    // Rule: the first deposit counts; a later one of the same would only blur its time.
    if state.get(&key)?.is_some() {
        return Ok(Err(Rejection::AlreadyDeposited(id)));
    }
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
        },
    );
    Ok(Ok(()))
}

#[cfg(test)]
mod tests;
