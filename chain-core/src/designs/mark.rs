//! Marks: an IP office attests what its register says of a trade mark, and rights and licences stand on that as they do
//! on a design.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::AttestMark;

use super::DesignRejection;
use super::limits::{MAX_MARK_NAME_BYTES, MAX_NUMBER_BYTES};
use crate::hash::{self, Hash, tag};

/// The highest class of the Nice Agreement's classification.
pub const LAST_CLASS: u32 = 45;

/// The id of a mark: `H(mark-id, office ‖ 0x00 ‖ number)`. An office's id has no zero byte.
pub fn id(office: &str, number: &str) -> Hash {
    let parts: [&[u8]; 3] = [office.as_bytes(), &[0], number.as_bytes()];
    hash::tagged(tag::MARK_ID, &parts)
}

/// The classes that a record has, ascending.
pub fn classes(bits: u64) -> Vec<u32> {
    let has = |class: &u32| bits.wrapping_shr(class.saturating_sub(1)) & 1 == 1;
    (1..=LAST_CLASS).filter(has).collect()
}

/// The record of these classes; `None` where one isn't a class.
pub fn class_bits(classes: &[u32]) -> Option<u64> {
    classes.iter().try_fold(0, |bits, class| {
        let is_class = (1..=LAST_CLASS).contains(class);
        is_class.then(|| bits | 1 << class.saturating_sub(1))
    })
}

/// Rule: a mark has a number and a name, and classes.
pub(super) fn check_shape(action: &AttestMark) -> Result<(), DesignRejection> {
    let number = &action.number;
    let is_number = (1..=MAX_NUMBER_BYTES).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_graphic());
    let name = &action.name;
    let is_name =
        (1..=MAX_MARK_NAME_BYTES).contains(&name.len()) && !name.chars().any(char::is_control);
    let are_classes = action.classes != 0 && action.classes >> LAST_CLASS == 0;
    match is_number && is_name && are_classes {
        true => Ok(()),
        false => Err(DesignRejection::MarkShape),
    }
}

#[cfg(test)]
mod tests;
