//! The assistance centre that was asked gives its opinion. Source: Norms of Sichuan Province for handling cases of
//! administrative patent enforcement, Art. 146: where facts are clear and little is contested, the centre says whether
//! the listing infringes, and the platform decides by that. What is contested is for the department for patents or a
//! court (Patent Law, Art. 65).
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{CentreOpinion, DisputePhase, GiveOpinion};

use super::{DesignRejection, RouteRejection, dispute, referral};
use crate::Fault;
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &GiveOpinion,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    encoding::exact::<32>("reasons", &action.reasons)?;
    encoding::exact::<32>("rule_book", &action.rule_book)?;
    let now_ms = context.block.time_ms;
    let mut record = dispute::open(state, &id, &[DisputePhase::Referred], now_ms)?;
    let missing = || Fault::Damaged("a referred dispute names no centre".to_owned());
    let asked = record.referral.as_mut().ok_or_else(missing)?;
    if asked.centre != context.organisation.id {
        return Err(DesignRejection::NotTheParty(asked.centre.clone()).into());
    }
    // Rule: who has lost its role since gives no opinion.
    context.check_role(referral::CENTRES)?;
    if action.opinion() == CentreOpinion::Unspecified {
        return Err(RouteRejection::NoOpinion.into());
    }
    asked.opinion = action.opinion;
    asked.opinion_reasons.clone_from(&action.reasons);
    asked.opinion_rule_book.clone_from(&action.rule_book);
    asked.closed_ms = now_ms;
    match action.opinion() {
        CentreOpinion::Infringes => referral::await_answer(state, &id, &mut record, now_ms)?,
        _ => referral::refuse(state, &id, &mut record, now_ms)?,
    }
    Ok(())
}
