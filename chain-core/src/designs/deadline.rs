//! When what waits is looked at: deadlines are ends of hours, and each hour has a list of what is due then.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::DueDisputes;

use super::limits::{HOUR_MS, MAX_DUE};
use crate::Fault;
use crate::encoding;
use crate::hash::Hash;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Has what this id names looked at when so many days are past; gives the last moment before that, milliseconds. How
/// much else is due then neither moves the deadline nor makes this slower: an hour's list has pages.
pub(super) fn set<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    days: u64,
    now_ms: u64,
) -> Result<u64, Fault> {
    let after_ms = days.saturating_mul(24).saturating_mul(HOUR_MS);
    let hour = now_ms.saturating_add(after_ms) / HOUR_MS;
    let mut page = last_page(state, hour)?;
    let mut due = due(state, hour, page)?;
    if due.disputes.len() >= MAX_DUE {
        page = page.saturating_add(1);
        due = DueDisputes::default();
        let last = page.to_be_bytes().to_vec();
        state.put(keys::due_disputes_last_page(hour), last);
    }
    due.disputes.push(id.to_vec());
    state.write(keys::due_disputes(hour, page), &due);
    if state.get(keys::DISPUTES_HOUR)?.is_none() {
        let first = now_ms / HOUR_MS;
        state.put(keys::DISPUTES_HOUR.to_vec(), first.to_be_bytes().to_vec());
    }
    Ok(hour
        .saturating_add(1)
        .saturating_mul(HOUR_MS)
        .saturating_sub(1))
}

/// A page of what is due at an hour's end.
pub(super) fn due<S: StateRead>(
    state: &Delta<'_, S>,
    hour: u64,
    page: u64,
) -> Result<DueDisputes, Fault> {
    let due = state.read(&keys::due_disputes(hour, page))?;
    Ok(due.unwrap_or_default())
}

/// The number of the last page of what is due at an hour's end, from 0.
pub(super) fn last_page<S: StateRead>(state: &Delta<'_, S>, hour: u64) -> Result<u64, Fault> {
    Ok(number(state, &keys::due_disputes_last_page(hour))?.unwrap_or_default())
}

/// A number that the state has, eight bytes big-endian.
pub(super) fn number<S: StateRead>(state: &Delta<'_, S>, key: &[u8]) -> Result<Option<u64>, Fault> {
    let read = |bytes: Vec<u8>| encoding::exact("number", &bytes).map(u64::from_be_bytes);
    let number = state.get(key)?.map(read).transpose();
    number.map_err(|e| Fault::Damaged(format!("state key {}: {e}", key.escape_ascii())))
}

/// Whether a deadline is the end of this hour since 1970.
pub(super) fn is_due(deadline_ms: u64, hour: u64) -> bool {
    deadline_ms / HOUR_MS == hour
}
