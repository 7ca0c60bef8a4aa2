//! The respondent declares that it doesn't infringe; the platform passes that on for one that isn't on the ledger.
//! Source: E-commerce Law, Art. 43.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{CounterNotice, DisputePhase};

use super::{DesignRejection, dispute, false_statements};
use crate::encoding;
use crate::governance::dispute_terms;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &CounterNotice,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let declaration: Hash = encoding::exact("declaration", &action.declaration)?;
    let now_ms = context.block.time_ms;
    let mut record = dispute::open(state, &id, &[DisputePhase::Measures], now_ms)?;
    let by = &context.organisation.id;
    if !dispute::speaks_for(state, &record, by, &record.respondent)? {
        return Err(DesignRejection::NotTheParty(record.respondent).into());
    }
    record.declaration = declaration.to_vec();
    record.countered_ms = now_ms;
    record.respondent_before = false_statements::before(state, &record, &record.respondent)?;
    let phase = DisputePhase::Countered;
    let days = u64::from(dispute_terms::terms(state)?.waiting_days);
    dispute::lead_on(state, &id, &mut record, phase, days, now_ms)?;
    Ok(())
}
