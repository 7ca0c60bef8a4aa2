//! The authority rules, by a rule book that the ruling names; false statements are found by ruling alone.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DisputeOutcome, DisputePhase, RuleDispute};

use super::{DesignRejection, dispute};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &RuleDispute,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let reasons: Hash = encoding::exact("reasons", &action.reasons)?;
    let rule_book: Hash = encoding::exact("rule_book", &action.rule_book)?;
    let now_ms = context.block.time_ms;
    let mut record = dispute::open(state, &id, &[DisputePhase::Filed], now_ms)?;
    if record.authority != context.organisation.id {
        return Err(DesignRejection::NotTheParty(record.authority).into());
    }
    // Rule: who has lost its role since rules no more, and hands the case over.
    context.check_role(dispute::AUTHORITIES)?;
    // Rule: a ruling is one of four; and a declaration is found false where there is one.
    let outcome = action.outcome();
    let may = match outcome {
        DisputeOutcome::Upheld | DisputeOutcome::Dismissed | DisputeOutcome::FalseNotice => true,
        DisputeOutcome::FalseDeclaration => !record.declaration.is_empty(),
        _ => false,
    };
    if !may {
        return Err(DesignRejection::NoRuling.into());
    }
    record.reasons = reasons.to_vec();
    record.rule_book = rule_book.to_vec();
    dispute::end(state, &id, &mut record, outcome, now_ms)?;
    Ok(())
}
