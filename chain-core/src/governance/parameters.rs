//! The chain's parameters, as the state has them.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::Parameters;

use crate::Fault;
use crate::governance::GovernanceRejection;
use crate::state::delta::decode_stored;
use crate::state::{StateRead, keys};

/// How long a block takes a transaction after it was created, milliseconds, on a chain whose parameters don't say.
pub const DEFAULT_LIFETIME_MS: u64 = 86_400_000;
/// No chain's lifetime of transactions is longer, milliseconds: 366 days.
pub const MAX_LIFETIME_MS: u64 = 31_622_400_000;
/// By how much a transaction may have been created after its block's time, milliseconds: clocks differ.
pub const MAX_AHEAD_MS: u64 = 3_600_000;

/// The chain's parameters.
pub fn parameters(state: &impl StateRead) -> Result<Parameters, Fault> {
    let bytes = state
        .get(keys::PARAMETERS)?
        .ok_or_else(|| Fault::Damaged("the state has no parameters".into()))?;
    decode_stored(keys::PARAMETERS, &bytes)
}

/// How long a block takes a transaction after it was created, milliseconds.
pub fn lifetime_ms(parameters: &Parameters) -> u64 {
    match parameters.transaction_lifetime_ms {
        0 => DEFAULT_LIFETIME_MS,
        lifetime_ms => lifetime_ms,
    }
}

/// The last time of a block that takes a transaction, milliseconds.
pub fn expires_ms(parameters: &Parameters, created_ms: u64) -> u64 {
    match created_ms < parameters.expired_before_ms {
        true => created_ms,
        false => created_ms.saturating_add(lifetime_ms(parameters)),
    }
}

/// Rule: each parameter has its range, and a transaction fits into a block; the name of the one that breaks it.
pub fn check_ranges(p: &Parameters) -> Result<(), &'static str> {
    let largest = p.max_block_bytes.min(4 << 20);
    let ranges = [
        ("precision_ms", p.precision_ms, 1, 60_000),
        ("message_delay_ms", p.message_delay_ms, 1, 600_000),
        ("max_block_bytes", p.max_block_bytes, 1 << 16, 6 << 20),
        (
            "max_block_transactions",
            p.max_block_transactions,
            1,
            1 << 20,
        ),
        (
            "max_transaction_bytes",
            p.max_transaction_bytes,
            1 << 10,
            largest,
        ),
        (
            "max_events_per_transaction",
            p.max_events_per_transaction,
            1,
            100_000,
        ),
        (
            "transaction_lifetime_ms",
            lifetime_ms(p),
            60_000,
            MAX_LIFETIME_MS,
        ),
    ];
    let outside = ranges
        .iter()
        .find(|(_, value, low, high)| !(low..=high).contains(&value));
    outside.map_or(Ok(()), |(name, ..)| Err(name))
}

/// The parameters after a vote in a block of this time, milliseconds. Rule: precision and message delay stay, since
/// every certificate names the bound that they are on its time's error; and what has expired stays expired.
pub(super) fn changed(
    before: &Parameters,
    wanted: &Parameters,
    time_ms: u64,
) -> Result<Parameters, GovernanceRejection> {
    check_ranges(wanted).map_err(GovernanceRejection::ParameterRange)?;
    if wanted.expired_before_ms != before.expired_before_ms {
        return Err(GovernanceRejection::ParameterRange("expired_before_ms"));
    }
    if wanted.precision_ms != before.precision_ms {
        return Err(GovernanceRejection::ParameterFixed("precision_ms"));
    }
    if wanted.message_delay_ms != before.message_delay_ms {
        return Err(GovernanceRejection::ParameterFixed("message_delay_ms"));
    }
    if wanted == before {
        return Err(GovernanceRejection::EmptyChange);
    }
    let mut after = *wanted;
    if lifetime_ms(wanted) > lifetime_ms(before) {
        let ended = time_ms.saturating_sub(lifetime_ms(before));
        after.expired_before_ms = before.expired_before_ms.max(ended.saturating_add(1));
    }
    Ok(after)
}

#[cfg(test)]
mod tests;
