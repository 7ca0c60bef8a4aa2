//! When what waits is looked at: deadlines are ends of hours, and each hour has a list of what is due then.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::DueDisputes;

use super::limits::{HOUR_MS, MAX_DUE};
use crate::Fault;
use crate::hash::Hash;
use crate::state::delta::Delta;
use crate::state::{StateRead, keys};

/// Has what this id names looked at when so many days are past; gives the last moment before that, milliseconds.
pub(super) fn set<S: StateRead>(
    state: &mut Delta<'_, S>,
    id: &Hash,
    days: u64,
    now_ms: u64,
) -> Result<u64, Fault> {
    let after_ms = days.saturating_mul(24).saturating_mul(HOUR_MS);
    let mut hour = now_ms.saturating_add(after_ms) / HOUR_MS;
    // A full hour passes the deadline on to the next one.
    let mut due: DueDisputes = loop {
        let due: DueDisputes = state.read(&keys::due_disputes(hour))?.unwrap_or_default();
        if due.disputes.len() < MAX_DUE {
            break due;
        }
        hour = hour.saturating_add(1);
    };
    due.disputes.push(id.to_vec());
    state.write(keys::due_disputes(hour), &due);
    if state.get(keys::DISPUTES_HOUR)?.is_none() {
        let first = now_ms / HOUR_MS;
        state.put(keys::DISPUTES_HOUR.to_vec(), first.to_be_bytes().to_vec());
    }
    Ok(hour
        .saturating_add(1)
        .saturating_mul(HOUR_MS)
        .saturating_sub(1))
}

/// Whether a deadline is the end of this hour since 1970.
pub(super) fn is_due(deadline_ms: u64, hour: u64) -> bool {
    deadline_ms / HOUR_MS == hour
}
