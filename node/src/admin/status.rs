//! What an operator is told of a running node.

use serde_json::{Value, json};
use touchstone_core::Fault;

use crate::network::peer_id_of;
use crate::organisations::organisations;
use crate::service::LedgerService;
use crate::service::status::status as node_status;

/// Where the node is, and which of the chain's nodes it is connected to.
pub fn status(service: &LedgerService, bytes_under_way: usize) -> Result<Value, Fault> {
    let snapshot = service.parts.reader.snapshot();
    let status = node_status(service, snapshot.tip());
    let mut peers = Vec::new();
    for organisation in organisations(&snapshot)? {
        for node in &organisation.peers {
            let key = <[u8; 32]>::try_from(node.public_key.as_slice()).ok();
            let id = key.and_then(|key| peer_id_of(&key).ok());
            let id = id.map(|id| id.to_string()).unwrap_or_default();
            peers.push(json!({
                "organisation": organisation.id,
                "connected": status.connected_peers.contains(&id),
                "addresses": node.addresses,
                "peer": id,
            }));
        }
    }
    Ok(json!({
        "chain": status.chain_name,
        "chain_id": hex::encode(&status.chain_id),
        "height": status.height,
        "block_id": hex::encode(&status.block_id),
        "time_ms": status.time_ms,
        "round": status.round,
        "validator": status.validator,
        "voting_key": Some(hex::encode(&status.voting_key)).filter(|key| !key.is_empty()),
        "idle_key": service.parts.progress.borrow().idle_key(),
        "silence": Some(&status.silence).filter(|silence| !silence.is_empty()),
        "syncing": status.syncing,
        "clock_alarm": Some(&status.clock_alarm).filter(|alarm| !alarm.is_empty()),
        "failure_alarm": Some(&status.failure_alarm).filter(|alarm| !alarm.is_empty()),
        "halted": status.halt.map(|halt| halt.explanation),
        "pending_transactions": status.pending_transactions,
        "connected_peers": status.connected_peers.len(),
        "peers": peers,
        "bytes_under_way": bytes_under_way,
        "version": status.version,
    }))
}
