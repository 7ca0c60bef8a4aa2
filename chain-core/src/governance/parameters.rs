//! The chain's parameters, as the state has them.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::Parameters;

use crate::Fault;
use crate::state::delta::decode_stored;
use crate::state::{StateRead, keys};

/// The chain's parameters.
pub fn parameters(state: &impl StateRead) -> Result<Parameters, Fault> {
    let bytes = state
        .get(keys::PARAMETERS)?
        .ok_or_else(|| Fault::Damaged("the state has no parameters".into()))?;
    decode_stored(keys::PARAMETERS, &bytes)
}
