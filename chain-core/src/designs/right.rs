//! The right to a design: one owner at a time. Until its owner first disposes of it, the depositor owns it and no
//! record
//! says so; from then on the design's record says that there is one.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Design, OfferedTransfer, Ownership, Right};

use super::DesignRejection;
use super::limits::MAX_OWNERS;
use crate::Fault;
use crate::hash::Hash;
use crate::rules::RuleError;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// The right as its depositor has it.
pub fn of_depositor(design: &Design) -> Right {
    let depositor = Ownership {
        organisation: design.organisation.clone(),
        since_ms: design.time_ms,
    };
    Right {
        owners: vec![depositor],
        ..Right::default()
    }
}

/// The moment from which on there is no right any more, milliseconds: given up, or past a registration's term.
pub fn ends_ms(right: &Right) -> Option<u64> {
    let given_up = right.ended.as_ref().map(|end| end.time_ms);
    let lapse = Some(right.until_ms).filter(|until| *until != 0);
    let lapse = lapse.map(|until| until.saturating_add(1));
    given_up.into_iter().chain(lapse).min()
}

/// The present owner's id.
pub fn owner(right: &Right) -> &str {
    right.owners.last().map_or("", |o| &o.organisation)
}

/// Who owned it at a time, milliseconds; `None` before the first owner that the record names.
pub fn owner_at(right: &Right, at_ms: u64) -> Option<&str> {
    let mut owners = right.owners.iter().rev();
    let found = owners.find(|o| o.since_ms <= at_ms);
    found.map(|o| o.organisation.as_str())
}

/// The open offer of a transfer, if it may still be answered in a block of this time.
pub fn open_offer(right: &Right, at_ms: u64) -> Option<&OfferedTransfer> {
    let offered = right.offered.as_ref();
    offered.filter(|offer| at_ms <= offer.deadline_ms)
}

/// The right to a design.
pub(super) fn read<S: StateRead>(state: &Delta<'_, S>, subject: &Hash) -> Result<Right, RuleError> {
    if let Some(right) = state.read(&keys::right(subject))? {
        return Ok(right);
    }
    let design: Option<Design> = state.read(&keys::design(subject))?;
    let design = design.ok_or(DesignRejection::UnknownDesign(*subject))?;
    Ok(of_depositor(&design))
}

/// Rule: only the present owner disposes of a right, and only while there is one.
pub(super) fn check_owner(
    right: &Right,
    organisation: &str,
    now_ms: u64,
) -> Result<(), DesignRejection> {
    if owner(right) != organisation {
        return Err(DesignRejection::NotTheRightsOwner(owner(right).to_owned()));
    }
    check_stands(right, now_ms)
}

/// Rule: nothing is granted or passed on under a right that has ended.
pub(super) fn check_stands(right: &Right, now_ms: u64) -> Result<(), DesignRejection> {
    match ends_ms(right).is_some_and(|end| end <= now_ms) {
        true => Err(DesignRejection::RightEnded),
        false => Ok(()),
    }
}

/// Rule: who owns a mark, and whether it stands, its register says. Source: Trademark Law, Art. 42: an assignment takes
/// effect with the office's announcement.
pub(super) fn check_is_no_mark(right: &Right) -> Result<(), DesignRejection> {
    match right.office.is_empty() {
        true => Ok(()),
        false => Err(DesignRejection::OfMark(right.office.clone())),
    }
}

/// Rule: the present owner discloses a design and says what its pictures look like.
pub(super) fn check_discloser<S: StateRead>(
    state: &Delta<'_, S>,
    id: &Hash,
    design: &Design,
    organisation: &str,
) -> Result<(), RuleError> {
    let right = match design.disposed {
        0 => of_depositor(design),
        _ => read(state, id)?,
    };
    match owner(&right) == organisation {
        true => Ok(()),
        false => Err(DesignRejection::NotTheOwner(owner(&right).to_owned()).into()),
    }
}

/// Rule: while a transfer is on offer, nothing changes of what was offered.
pub(super) fn check_not_offered(right: &Right, at_ms: u64) -> Result<(), DesignRejection> {
    match open_offer(right, at_ms) {
        Some(offer) => Err(DesignRejection::TransferOpen(offer.to.clone())),
        None => Ok(()),
    }
}

/// Writes the right; the first time the design's record says that there is one, so that no proof can do without it.
pub(super) fn write<S: StateRead>(
    state: &mut Delta<'_, S>,
    subject: &Hash,
    right: &Right,
) -> Result<(), Fault> {
    let key = keys::design(subject);
    if let Some(design) = state.read::<Design>(&key)?
        && design.disposed == 0
    {
        let design = Design {
            disposed: 1,
            ..design
        };
        state.write(key, &design);
    }
    state.write(keys::right(subject), right);
    Ok(())
}

/// A new owner from a time on, milliseconds; of the earlier ones the record keeps the last.
pub(super) fn pass_on(right: &mut Right, organisation: &str, since_ms: u64) {
    right.owners.push(Ownership {
        organisation: organisation.to_owned(),
        since_ms,
    });
    while right.owners.len() > MAX_OWNERS {
        right.owners.remove(0);
        right.earlier_owners = right.earlier_owners.saturating_add(1);
    }
}

#[cfg(test)]
mod tests;
