//! The authority of a dispute offers the case to another one. Until that acknowledges it, the giver stays responsible
//! and may rule. Source: Administrative Penalty Law of the People's Republic of China, Art. 25: who isn't competent
//! hands a case over; Provisions on the Transfer of Suspected Criminal Cases by Administrative Organs (State Council
//! Decree 310), Art. 7: the receiver signs the receipt.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{CaseHandOver, DisputePhase, HandOverCase, HandOverState};

use super::limits::MAX_HAND_OVERS;
use super::{CaseRejection, DesignRejection, deadline, dispute};
use crate::encoding;
use crate::governance::dispute_terms;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &HandOverCase,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    encoding::exact::<32>("reasons", &action.reasons)?;
    encoding::exact::<32>("rule_book", &action.rule_book)?;
    let now_ms = context.block.time_ms;
    let mut record = dispute::open(state, &id, &[DisputePhase::Filed], now_ms)?;
    let by = &context.organisation.id;
    if record.authority != *by {
        return Err(DesignRejection::NotTheParty(record.authority).into());
    }
    if action.to == *by || !dispute::may_rule(state, &record, &action.to)? {
        return Err(DesignRejection::NoAuthority(action.to.clone()).into());
    }
    // Rule: one offer at a time, so that nobody answers another's.
    let last = record.handovers.last();
    if last.is_some_and(|last| last.state() == HandOverState::Unspecified) {
        return Err(CaseRejection::NotOpen("the last hand-over").into());
    }
    if record.handovers.len() >= MAX_HAND_OVERS {
        return Err(CaseRejection::Full("hand-overs of a case", MAX_HAND_OVERS).into());
    }
    let days = u64::from(dispute_terms::terms(state)?.acceptance_days);
    record.handovers.push(CaseHandOver {
        from: by.clone(),
        to: action.to.clone(),
        reasons: action.reasons.clone(),
        rule_book: action.rule_book.clone(),
        offered_ms: now_ms,
        deadline_ms: deadline::set(state, &id, days, now_ms)?,
        ..CaseHandOver::default()
    });
    state.write(keys::dispute(&id), &record);
    Ok(())
}
