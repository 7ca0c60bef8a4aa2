//! The answer that a check waits for: a laboratory's verdict on a sample, or the word that a defect is mended.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    AnswerCheck, CaseCheck, CaseCheckKind, CaseCheckState, Dispute, SampleVerdict,
};

use super::record_check::LABORATORIES;
use super::{CaseRejection, DesignRejection, case_check, dispute};
use crate::Fault;
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &AnswerCheck,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("check", &action.check)?;
    encoding::exact::<32>("report", &action.report)?;
    encoding::exact::<32>("rule_book", &action.rule_book)?;
    let now_ms = context.block.time_ms;
    let mut check = case_check::open(state, &id, now_ms)?;
    match check.kind() {
        CaseCheckKind::TestPurchase => check_verdict(context, &check, action)?,
        _ => check_mended(state, context, &check, action)?,
    }
    let is_purchase = check.kind() == CaseCheckKind::TestPurchase;
    check.seal_confirmed = u32::from(is_purchase && action.seal == check.seal);
    check.verdict = action.verdict;
    check.answer.clone_from(&action.report);
    check.answer_rule_book.clone_from(&action.rule_book);
    check.state = CaseCheckState::Closed.into();
    check.closed_ms = now_ms;
    state.write(keys::case_check(&id), &check);
    Ok(())
}

fn check_verdict(
    context: &Context<'_>,
    check: &CaseCheck,
    action: &AnswerCheck,
) -> Result<(), RuleError> {
    context.check_role(LABORATORIES)?;
    if check.to != context.organisation.id {
        return Err(DesignRejection::NotTheParty(check.to.clone()).into());
    }
    let is_seal = action.seal.is_empty() || action.seal.len() == check.seal.len();
    if action.verdict() == SampleVerdict::Unspecified || !is_seal {
        return Err(CaseRejection::CheckAnswer.into());
    }
    // Rule: what came under another or a broken seal may be another thing, so nothing is found of the sample. Source:
    // Product Quality Law, Art. 21: who tests gives results objectively and justly.
    let is_whole = action.seal == check.seal;
    match is_whole || action.verdict() == SampleVerdict::Undetermined {
        true => Ok(()),
        false => Err(CaseRejection::BrokenSeal.into()),
    }
}

/// Who was told to mend says so; the platform passes that on for a respondent that isn't on the ledger.
fn check_mended<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
    check: &CaseCheck,
    action: &AnswerCheck,
) -> Result<(), RuleError> {
    let dispute: Hash = encoding::exact("dispute", &check.dispute)
        .map_err(|e| Fault::Damaged(format!("check: {e}")))?;
    let missing = || Fault::Damaged("the dispute of a check is missing".to_owned());
    let dispute: Dispute = state.read(&keys::dispute(&dispute))?.ok_or_else(missing)?;
    let by = &context.organisation.id;
    if !dispute::speaks_for(state, &dispute, by, &check.to)? {
        return Err(DesignRejection::NotTheParty(check.to.clone()).into());
    }
    let is_plain = action.verdict() == SampleVerdict::Unspecified && action.seal.is_empty();
    match is_plain {
        true => Ok(()),
        false => Err(CaseRejection::CheckAnswer.into()),
    }
}
