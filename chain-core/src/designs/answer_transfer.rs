//! Answering the offer of a right: acceptance passes it on; the receiver rejects, the owner withdraws.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{AnswerTransfer, OfferedTransfer, Outcome, Right};

use super::{DesignRejection, right};
use crate::encoding;
use crate::hash::Hash;
use crate::rules::{Context, RuleError};
use crate::state::StateRead;
use crate::state::delta::Delta;

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &AnswerTransfer,
) -> Result<(), RuleError> {
    let subject: Hash = encoding::exact("subject", &action.subject)?;
    let mut record = right::read(state, &subject)?;
    let offer = check(context, &record, action)?;
    record.offered = None;
    if action.outcome() == Outcome::Accepted {
        right::pass_on(&mut record, &offer.to, context.block.time_ms);
    }
    right::write(state, &subject, &record)?;
    Ok(())
}

/// The offer that is answered.
fn check(
    context: &Context<'_>,
    record: &Right,
    action: &AnswerTransfer,
) -> Result<OfferedTransfer, DesignRejection> {
    // Rule: only the open offer is answered, up to its deadline, and while there is a right.
    let open = right::open_offer(record, context.block.time_ms);
    let offer = open.filter(|offer| offer.id == action.offer && record.ended.is_none());
    let offer = offer.ok_or(DesignRejection::NoSuchTransfer)?;
    // Rule: who it was made to accepts or rejects; who made it withdraws.
    let answers = match action.outcome() {
        Outcome::Accepted | Outcome::Rejected => offer.to.as_str(),
        Outcome::Withdrawn => right::owner(record),
        Outcome::Unspecified | Outcome::AcceptedWithDiscrepancy => {
            return Err(DesignRejection::TransferAnswer);
        }
    };
    match answers == context.organisation.id {
        true => Ok(offer.clone()),
        false => Err(DesignRejection::NotTheParty(answers.to_owned())),
    }
}
