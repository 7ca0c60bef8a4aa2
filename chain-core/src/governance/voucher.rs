//! Who may vouch for designers, and since when an organisation may not. Licences of the class of all whom it vouches
//! for rest meanwhile (`designs::authorised`), so the times are recorded here as the consortium decides.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Organisation, Role, Voucher, VoucherRest};

use super::{organisation, standing};
use crate::Fault;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Organisations that know designers. Source: E-commerce Law of the People's Republic of China, Art. 27: a platform
/// has those who apply to it submit true particulars, checks and registers them.
pub const VOUCHERS: &[Role] = &[Role::Platform, Role::IpOffice];
/// Rests that a voucher's record names.
pub const MAX_RESTS: usize = 8;

/// Whether an organisation may vouch: it has a role of those, and is neither suspended nor removed.
pub fn may_vouch(record: &Organisation) -> bool {
    organisation::has_role(record, VOUCHERS) && standing::may_act(record)
}

/// Whether the organisation with this id is there and may vouch.
pub(super) fn is_voucher<S: StateRead>(state: &Delta<'_, S>, id: &str) -> Result<bool, Fault> {
    let record: Option<Organisation> = state.read(&keys::organisation(id))?;
    Ok(record.as_ref().is_some_and(may_vouch))
}

/// Notes that an organisation may vouch no more, or again, where a change has made it so.
pub(super) fn note<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &str,
    was_voucher: bool,
    now_ms: u64,
) -> Result<(), Fault> {
    let is_voucher = is_voucher(state, id)?;
    if was_voucher == is_voucher {
        return Ok(());
    }
    let key = keys::voucher(id);
    let mut record: Voucher = state.read(&key)?.unwrap_or_default();
    match record.rests.last_mut().filter(|rest| rest.until_ms == 0) {
        Some(rest) => rest.until_ms = now_ms.saturating_sub(1),
        // It becomes one for the first time.
        None if is_voucher => return Ok(()),
        None => record.rests.push(VoucherRest {
            from_ms: now_ms,
            until_ms: 0,
        }),
    }
    // The record stays short, and says up to when it may lack something.
    if record.rests.len() > MAX_RESTS {
        let gone = record.rests.remove(0);
        record.told_from_ms = gone.until_ms.saturating_add(1);
    }
    state.write(key, &record);
    Ok(())
}

/// Whether a voucher rested at a time.
pub fn rested_at(record: &Voucher, at_ms: u64) -> bool {
    let mut rests = record.rests.iter();
    rests.any(|rest| rest.from_ms <= at_ms && (rest.until_ms == 0 || at_ms <= rest.until_ms))
}

#[cfg(test)]
mod tests;
