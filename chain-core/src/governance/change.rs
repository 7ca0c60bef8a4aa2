//! Changes of the consortium, which organisations approve by their exact bytes.
//!
//! Consensus-critical: yes

use prost::Message;
use touchstone_proto::ledger::Change;

use crate::hash::{self, Hash, tag};

/// A change's id: SHA-256(tag 0x00 chain-id change). Approvals of equal changes have one id.
pub fn id(chain_id: &Hash, change: &Change) -> Hash {
    hash::tagged(tag::CHANGE, &[chain_id, &change.encode_to_vec()])
}
