//! The organisations of a state.

use touchstone_core::Fault;
use touchstone_core::state::delta::decode_stored;
use touchstone_core::state::{StateRead, keys};
use touchstone_proto::ledger::Organisation;

/// All organisations that the chain lists, by id.
pub fn organisations(state: &impl StateRead) -> Result<Vec<Organisation>, Fault> {
    let listed = state.get(keys::ORGANISATIONS)?.unwrap_or_default();
    let mut found = Vec::new();
    for id in listed.split(|b| *b == 0).filter(|id| !id.is_empty()) {
        let key = keys::organisation(&String::from_utf8_lossy(id));
        if let Some(bytes) = state.get(&key)? {
            found.push(decode_stored(&key, &bytes)?);
        }
    }
    Ok(found)
}
