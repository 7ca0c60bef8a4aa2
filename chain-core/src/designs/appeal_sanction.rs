//! Who is sanctioned asks another authority to lift it, once. Source: Administrative Reconsideration Law of the
//! People's Republic of China, Art. 20: within sixty days.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{AppealSanction, Dispute};

use super::{CaseRejection, DesignRejection, dispute, sanction};
use crate::encoding;
use crate::governance::dispute_terms;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &AppealSanction,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("sanction", &action.sanction)?;
    encoding::exact::<32>("reasons", &action.reasons)?;
    let now_ms = context.block.time_ms;
    let mut record = sanction::open(state, &id, false, now_ms)?;
    if record.party != context.organisation.id {
        return Err(DesignRejection::NotTheParty(record.party).into());
    }
    // Rule: nobody decides about its own sanction, and no party about one for its dispute.
    let mut may_decide = action.authority != record.issuer;
    for ground in &record.grounds {
        let ground: Hash = encoding::exact("ground", ground)?;
        let ground: Dispute = state.read(&keys::dispute(&ground))?.unwrap_or_default();
        may_decide &= dispute::may_rule(state, &ground, &action.authority)?;
    }
    if !may_decide {
        return Err(CaseRejection::AppealTo(action.authority.clone()).into());
    }
    record.authority.clone_from(&action.authority);
    record.appeal.clone_from(&action.reasons);
    record.appealed_ms = now_ms;
    let days = dispute_terms::terms(state)?.decision_days;
    sanction::wait(state, &id, &mut record, days, now_ms)?;
    Ok(())
}
