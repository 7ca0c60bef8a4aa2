//! The complainant whose notice the platform refused asks an assistance centre. Source: CNIPA, Guiding Opinions on
//! Further Strengthening Intellectual Property Rights Protection Assistance (Guo Zhi Fa Bao Zi (2020) No. 22): centres
//! advise right holders on how infringement is judged.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{ContestRefusal, DisputePhase, Referral};

use super::{DesignRejection, dispute, referral};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ContestRefusal,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    encoding::exact::<32>("reasons", &action.reasons)?;
    let now_ms = context.block.time_ms;
    let record = dispute::open(state, &id, &[DisputePhase::Refused], now_ms)?;
    let by = &context.organisation.id;
    if record.complainant != *by {
        return Err(DesignRejection::NotTheParty(record.complainant).into());
    }
    let question = Referral {
        centre: action.centre.clone(),
        by: by.clone(),
        reasons: action.reasons.clone(),
        ..Referral::default()
    };
    referral::ask(state, &id, record, question, now_ms)
}
