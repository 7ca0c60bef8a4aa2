//! The chain's parameters, as the state has them.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::Parameters;

use crate::Fault;
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
    created_ms.saturating_add(lifetime_ms(parameters))
}
