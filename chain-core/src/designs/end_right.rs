//! Ending a right: a design's owner gives it up, an office strikes a mark out. What was licensed under it ends with it.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{EndRight, RightEnd};

use super::{DesignRejection, right, vouching};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &EndRight,
) -> Result<(), RuleError> {
    let subject: Hash = encoding::exact("subject", &action.subject)?;
    let mut record = right::read(state, &subject)?;
    let now_ms = context.block.time_ms;
    let by = &context.organisation.id;
    // Rule: a mark leaves the register by its office's word.
    match record.office == *by {
        true => right::check_stands(&record, now_ms)?,
        false => {
            right::check_is_no_mark(&record)?;
            right::check_owner(&record, by, now_ms)?;
        }
    }
    right::check_not_offered(&record, now_ms)?;
    if action.reason.is_empty() || !vouching::are_words(&action.reason) {
        return Err(DesignRejection::ReasonShape.into());
    }
    record.ended = Some(RightEnd {
        time_ms: now_ms,
        reason: action.reason.clone(),
    });
    right::write(state, &subject, &record)?;
    Ok(())
}
