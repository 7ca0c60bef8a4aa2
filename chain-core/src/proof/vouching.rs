//! The vouching under which a design was deposited, held against the design's record. A light client and an evidence
//! file are checked by this one function.
//!
//! Consensus-critical: no

use thiserror::Error;
use touchstone_proto::ledger::{Design, IdentityCheck, Position, Vouching};

use crate::designs::vouching::voucher_of;

/// Why a vouching isn't that of the deposit.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VouchingError {
    /// The record of the design and the id of its depositor don't agree on whether there is one.
    #[error(
        "the id of a designer who was vouched for and the deposit's record contradict each other"
    )]
    Depositor,
    /// The design's record names one.
    #[error("the deposit was made under a vouching, which is missing")]
    Missing,
    /// It is of another designer, or by another voucher than the designer's id says.
    #[error("the vouching is for another designer, or by another voucher")]
    Parties,
    /// It didn't hold when the design was deposited.
    #[error("the vouching didn't hold at the time of the deposit")]
    Term,
    /// It says nothing of how the designer was checked.
    #[error("the vouching doesn't say how the designer was checked")]
    Check,
}

/// Checks what the state holds at `vouching/` and the number in a design's record against this record.
pub fn check(design: &Design, found: Option<&Vouching>) -> Result<(), VouchingError> {
    let voucher = voucher_of(&design.organisation);
    if voucher.is_some() != design.vouching.is_some() {
        return Err(VouchingError::Depositor);
    }
    let Some(voucher) = voucher else {
        return match found {
            None => Ok(()),
            Some(_) => Err(VouchingError::Depositor),
        };
    };
    let found = found.ok_or(VouchingError::Missing)?;
    if found.designer != design.organisation || found.voucher != voucher {
        return Err(VouchingError::Parties);
    }
    let place = |position: &Option<Position>| position.map(|p| (p.height, p.transaction));
    let deposited = place(&design.position);
    let is_earlier = place(&found.position).is_some() && place(&found.position) < deposited;
    let in_term = (found.from_ms..=found.until_ms).contains(&design.time_ms);
    let was_withdrawn = found
        .withdrawn
        .as_ref()
        .is_some_and(|withdrawn| place(&withdrawn.position) <= deposited);
    if !is_earlier || !in_term || was_withdrawn {
        return Err(VouchingError::Term);
    }
    match found.check() {
        IdentityCheck::Unspecified => Err(VouchingError::Check),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
