//! The organisations of a state.

use touchstone_core::Fault;
use touchstone_core::governance::organisation;
use touchstone_core::state::delta::decode_stored;
use touchstone_core::state::{StateRead, keys};
use touchstone_proto::ledger::Organisation;

/// All organisations that the chain lists, by id.
pub fn organisations(state: &impl StateRead) -> Result<Vec<Organisation>, Fault> {
    let mut found = Vec::new();
    for id in organisation::enrolled(state)? {
        let key = keys::organisation(&id);
        if let Some(bytes) = state.get(&key)? {
            found.push(decode_stored(&key, &bytes)?);
        }
    }
    Ok(found)
}
