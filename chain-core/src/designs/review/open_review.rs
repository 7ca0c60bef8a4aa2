//! The respondent asks for a public review; the platform passes that on for one that isn't on the ledger. Source:
//! E-commerce Law, Art. 63: disputes are settled online voluntarily. So the respondent asks, whose time it takes, and
//! the complainant may go to an authority instead.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{
    DisputePhase, OpenReview, Panel, Review, ReviewGround, ReviewTerms,
};

use super::{ReviewRejection, draws, jurors, matter, panel};
use crate::designs::{DesignRejection, dispute};
use crate::encoding;
use crate::governance::review_terms;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &OpenReview,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    let rule_book: Hash = encoding::exact("rule_book", &action.rule_book)?;
    let now_ms = context.block.time_ms;
    let record = dispute::open(state, &id, &[DisputePhase::Countered], now_ms)?;
    let by = &context.organisation.id;
    if !dispute::speaks_for(state, &record, by, &record.respondent)? {
        return Err(DesignRejection::NotTheParty(record.respondent).into());
    }
    if action.ground() == ReviewGround::Unspecified {
        return Err(ReviewRejection::NoGround.into());
    }
    // Rule: one panel for a right, a respondent and a ground, whatever disputes there are: else who dislikes a panel
    // opens another dispute.
    let subject = dispute::subject(&record)?;
    let reviewed = keys::reviewed(&matter(&subject, &record.respondent, action.ground()));
    let before = state.get(&reviewed)?.unwrap_or_default();
    if let Ok(before) = encoding::exact("dispute", &before) {
        return Err(ReviewRejection::ReviewedBefore(before).into());
    }
    if record.review.is_some() {
        return Err(ReviewRejection::ReviewedBefore(id).into());
    }
    let list = jurors::list_before(state, &record)?;
    let terms = review_terms::terms(state)?;
    let needed = u32::try_from(panel::needed(&terms)).unwrap_or(u32::MAX);
    if list.count < needed {
        let count = list.count;
        return Err(ReviewRejection::TooFewJurors { count, needed }.into());
    }
    draws::check_chains(state)?;
    let review = Review {
        ground: action.ground,
        rule_book: rule_book.to_vec(),
        opened_by: by.clone(),
        opened_ms: now_ms,
        ..Review::default()
    };
    let panel = Panel {
        root: list.root,
        count: list.count,
        terms: Some(ReviewTerms {
            beacon: None,
            ..terms
        }),
        ..Panel::default()
    };
    state.put(reviewed, id.to_vec());
    draws::begin_panel(state, context.block, &id, record, review, &panel)
}
