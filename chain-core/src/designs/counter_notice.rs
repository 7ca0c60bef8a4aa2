//! The respondent declares that it doesn't infringe; the platform passes that on for one that isn't on the ledger.
//! Source:
//! E-commerce Law, Art. 43.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{CounterNotice, DisputePhase};

use super::limits::WAITING_DAYS;
use super::{DesignRejection, dispute};
use crate::encoding;
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
    if record.respondent != *by && record.platform != *by {
        return Err(DesignRejection::NotTheParty(record.respondent).into());
    }
    record.declaration = declaration.to_vec();
    record.countered_ms = now_ms;
    let phase = DisputePhase::Countered;
    dispute::lead_on(state, &id, &mut record, phase, WAITING_DAYS, now_ms)?;
    Ok(())
}
