//! Who lost before the first panel appeals, once: a larger panel is drawn, of jurors that weren't drawn before.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{AppealReview, Panel, ReviewPhase};

use super::{check_loser, draws, panel_of, under_review};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &AppealReview,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let reasons: Hash = encoding::exact("reasons", &action.reasons)?;
    let now_ms = context.block.time_ms;
    let (dispute, mut review) = under_review(state, &id, ReviewPhase::Decided, now_ms)?;
    let by = &context.organisation.id;
    check_loser(state, &dispute, &review, by)?;
    let first = panel_of(state, &id, 0)?;
    let panel = Panel {
        root: first.root,
        count: first.count,
        terms: first.terms,
        ..Panel::default()
    };
    review.instance = 1;
    review.appellant.clone_from(by);
    review.appeal = reasons.to_vec();
    draws::begin_panel(state, context.block, &id, dispute, review, &panel)
}
