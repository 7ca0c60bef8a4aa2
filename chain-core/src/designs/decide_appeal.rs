//! The authority to which a sanction was appealed confirms or lifts it. Source: Administrative Reconsideration Law of
//! the People's Republic of China, Art. 62: within sixty days.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DecideAppeal, SanctionOutcome};

use super::dispute::AUTHORITIES;
use super::{CaseRejection, DesignRejection, sanction};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &DecideAppeal,
) -> Result<(), RuleError> {
    context.check_role(AUTHORITIES)?;
    let id: Hash = encoding::exact("sanction", &action.sanction)?;
    encoding::exact::<32>("reasons", &action.reasons)?;
    encoding::exact::<32>("rule_book", &action.rule_book)?;
    let now_ms = context.block.time_ms;
    let mut record = sanction::open(state, &id, true, now_ms)?;
    if record.authority != context.organisation.id {
        return Err(DesignRejection::NotTheParty(record.authority).into());
    }
    let outcome = action.outcome();
    let is_decision = matches!(
        outcome,
        SanctionOutcome::Confirmed | SanctionOutcome::Lifted
    );
    if !is_decision {
        return Err(CaseRejection::NoDecision.into());
    }
    record.decision.clone_from(&action.reasons);
    record.decision_rule_book.clone_from(&action.rule_book);
    sanction::close(state, &id, &mut record, outcome, now_ms)?;
    Ok(())
}
