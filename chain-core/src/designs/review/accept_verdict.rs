//! Who lost before the first panel accepts the verdict: it ends the dispute now, and nobody appeals.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{AcceptVerdict, ReviewPhase};

use super::{check_loser, end, under_review};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &AcceptVerdict,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let now_ms = context.block.time_ms;
    let (dispute, review) = under_review(state, &id, ReviewPhase::Decided, now_ms)?;
    check_loser(state, &dispute, &review, &context.organisation.id)?;
    end(state, &id, dispute, review, now_ms)?;
    Ok(())
}
