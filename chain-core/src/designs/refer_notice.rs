//! The platform asks an assistance centre about a listing that is hard to judge. Source: Norms of Sichuan Province for
//! handling cases of administrative patent enforcement, Art. 145: it asks with the material that the opinion needs.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{DisputePhase, ReferNotice, Referral};

use super::{DesignRejection, dispute, referral};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &ReferNotice,
) -> Result<(), RuleError> {
    let id: Hash = encoding::exact("dispute", &action.dispute)?;
    encoding::exact::<32>("reasons", &action.reasons)?;
    encoding::exact::<32>("rule_book", &action.rule_book)?;
    let now_ms = context.block.time_ms;
    let record = dispute::open(state, &id, &[DisputePhase::Noticed], now_ms)?;
    let by = &context.organisation.id;
    if record.platform != *by {
        return Err(DesignRejection::NotTheParty(record.platform).into());
    }
    let question = Referral {
        centre: action.centre.clone(),
        by: by.clone(),
        reasons: action.reasons.clone(),
        rule_book: action.rule_book.clone(),
        ..Referral::default()
    };
    referral::ask(state, &id, record, question, now_ms)
}
