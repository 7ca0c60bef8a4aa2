//! Offering a right: the first of the two steps of its transfer.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{OfferTransfer, OfferedTransfer};

use super::limits::MAX_TRANSFER_MS;
use super::{DesignRejection, right};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &OfferTransfer,
) -> Result<(), RuleError> {
    let subject: Hash = encoding::exact("subject", &action.subject)?;
    let mut record = right::read(state, &subject)?;
    let now_ms = context.block.time_ms;
    right::check_is_no_mark(&record)?;
    right::check_owner(&record, &context.organisation.id, now_ms)?;
    // Rule: one offer at a time; else two could accept.
    right::check_not_offered(&record, now_ms)?;
    // Rule: it is offered to another organisation that can accept.
    let exists = state.get(&keys::organisation(&action.to))?.is_some();
    if !exists || action.to == context.organisation.id {
        return Err(DesignRejection::TransferTo(action.to.clone()).into());
    }
    // Rule: there is a time to answer, and it ends.
    let left_ms = action.deadline_ms.checked_sub(now_ms);
    if !left_ms.is_some_and(|left| (1..=MAX_TRANSFER_MS).contains(&left)) {
        return Err(DesignRejection::TransferDeadline.into());
    }
    record.offered = Some(OfferedTransfer {
        id: context.transaction.id().to_vec(),
        to: action.to.clone(),
        deadline_ms: action.deadline_ms,
    });
    right::write(state, &subject, &record)?;
    Ok(())
}
