//! Withdrawing one's word for a designer: it deposits no more, and what it has deposited stays.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{VouchingWithdrawal, WithdrawVouching};

use super::{DesignRejection, vouching};
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// A voucher that has lost its role may withdraw what it said.
pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &WithdrawVouching,
) -> Result<(), RuleError> {
    let designer = &action.designer;
    // Rule: only the voucher takes its word back, and says why.
    vouching::check_id(&context.organisation.id, designer)?;
    if action.reason.is_empty() || !vouching::are_words(&action.reason) {
        return Err(DesignRejection::VouchingShape.into());
    }
    let last = vouching::last(state, designer)?;
    let mut last = last.ok_or_else(|| DesignRejection::NeverVouched(designer.clone()))?;
    // Rule: the first withdrawal counts.
    if last.vouching.withdrawn.is_some() {
        return Err(DesignRejection::VouchingWithdrawn(context.organisation.id.clone()).into());
    }
    last.vouching.withdrawn = Some(VouchingWithdrawal {
        position: Some(context.position(0)),
        time_ms: context.block.time_ms,
        reason: action.reason.clone(),
    });
    state.write(keys::vouching(designer, last.number), &last.vouching);
    let before_ms = context.block.time_ms.saturating_sub(1);
    last.record.until_ms = last.record.until_ms.min(before_ms);
    state.write(keys::vouched_designer(designer), &last.record);
    Ok(())
}

#[cfg(test)]
mod tests;
