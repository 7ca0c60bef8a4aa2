//! Vouching: a platform or IP office says who a designer is, so that 100,000 designers take no vote. A vouched
//! designer is an organisation with the one role of a designer, whose id begins with its voucher's.
//!
//! What a vouching does: its designer may deposit, from the block of the vouching to the end of its term. It does so no
//! more once the voucher has withdrawn it, or while the voucher may not vouch itself: it has lost its role, or is
//! suspended or removed. What was deposited before stays, with the vouching that held then; and its owner goes on
//! disposing of it.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{IdentityCheck, Organisation, VouchedDesigner, Vouching};

use super::limits::{MAX_REGISTERED_BYTES, MAX_WORDS_BYTES};
use super::{CaseRejection, DesignRejection};
use crate::Fault;
use crate::governance::organisation::{self, MAX_NAME_BYTES};
use crate::governance::voucher;
use crate::rules::{Context, RuleError};
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// The id of the voucher in a vouched designer's id; `None` for an enrolled organisation, whose id has no dot.
pub fn voucher_of(designer: &str) -> Option<&str> {
    designer.split_once('.').map(|(voucher, _)| voucher)
}

/// Rule: a voucher names designers below its own id, so that ids of different vouchers and of enrolled organisations
/// never collide.
pub(super) fn check_id(voucher: &str, designer: &str) -> Result<(), DesignRejection> {
    let name = designer
        .strip_prefix(voucher)
        .and_then(|rest| rest.strip_prefix('.'));
    match name.is_some_and(organisation::is_id) {
        true => Ok(()),
        false => Err(DesignRejection::DesignerId(designer.to_owned())),
    }
}

/// Rule: it is told who the designer is and how that was checked.
pub(super) fn check_words(
    name: &str,
    check: IdentityCheck,
    words: &str,
) -> Result<(), DesignRejection> {
    let is_name = (1..=MAX_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    let is_told = match check {
        IdentityCheck::Unspecified => false,
        IdentityCheck::Other => !words.is_empty(),
        _ => true,
    };
    match is_name && is_told && are_words(words) {
        true => Ok(()),
        false => Err(DesignRejection::VouchingShape),
    }
}

/// Rule: a register's number is told by who looked it up.
pub(super) fn check_registered(check: IdentityCheck, number: &str) -> Result<(), CaseRejection> {
    let is_number =
        number.len() <= MAX_REGISTERED_BYTES && number.bytes().all(|b| b.is_ascii_graphic());
    let may = number.is_empty() || check == IdentityCheck::BusinessRegister;
    match is_number && may {
        true => Ok(()),
        false => Err(CaseRejection::RegisteredAs),
    }
}

/// Whether a text is short, and holds nothing that a terminal obeys.
pub(super) fn are_words(text: &str) -> bool {
    text.len() <= MAX_WORDS_BYTES && !text.chars().any(char::is_control)
}

/// A designer's last vouching.
pub(super) struct LastVouching {
    /// What is known of all of them.
    pub record: VouchedDesigner,
    /// Its number.
    pub number: u64,
    /// It.
    pub vouching: Vouching,
}

/// A designer's last vouching, where there ever was one.
pub(super) fn last<S: StateRead>(
    state: &Delta<'_, S>,
    designer: &str,
) -> Result<Option<LastVouching>, Fault> {
    let record: Option<VouchedDesigner> = state.read(&keys::vouched_designer(designer))?;
    let record = record.unwrap_or_default();
    let Some(number) = record.vouchings.checked_sub(1) else {
        return Ok(None);
    };
    let vouching = state.read(&keys::vouching(designer, number))?;
    let missing = || Fault::Damaged(format!("vouching {number} of {designer} is missing"));
    Ok(Some(LastVouching {
        record,
        number,
        vouching: vouching.ok_or_else(missing)?,
    }))
}

/// Rule: a vouched designer deposits while its voucher's word holds; gives the vouching's number.
pub(super) fn check_in_force<S: StateRead>(
    state: &Delta<'_, S>,
    context: &Context<'_>,
) -> Result<Option<u64>, RuleError> {
    let designer = &context.organisation.id;
    let Some(id) = voucher_of(designer) else {
        return Ok(None);
    };
    let LastVouching {
        number, vouching, ..
    } = last(state, designer)?
        .ok_or_else(|| Fault::Damaged(format!("{designer} was never vouched for")))?;
    if vouching.withdrawn.is_some() {
        return Err(DesignRejection::VouchingWithdrawn(id.to_owned()).into());
    }
    if context.block.time_ms > vouching.until_ms {
        return Err(DesignRejection::VouchingEnded {
            voucher: id.to_owned(),
            until_ms: vouching.until_ms,
        }
        .into());
    }
    // Rule: who is no voucher any more has no say either, as long as that lasts.
    let record: Option<Organisation> = state.read(&keys::organisation(id))?;
    match record.as_ref().is_some_and(voucher::may_vouch) {
        true => Ok(Some(number)),
        false => Err(DesignRejection::NoVoucher(id.to_owned()).into()),
    }
}

#[cfg(test)]
mod tests;
