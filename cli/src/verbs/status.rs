//! `touchstone status`: how the node is, by its own account, and what of it is proven.

use serde_json::json;
use touchstone_core::encoding;
use touchstone_proto::node::GetStatusRequest;

use crate::client::within;
use crate::failure::Failure;
use crate::output::{Output, attested_json, attested_lines, plain};
use crate::settings::Settings;
use crate::verify::NotVerified;

/// Show the node's status
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  touchstone status --node http://127.0.0.1:26650

The chain and the last header are proven; the rest is the node's own word.")]
pub struct Arguments {}

/// Asks and prints.
pub async fn run(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let mut ledger = client.raw();
    let status = within(client.timeout(), ledger.get_status(GetStatusRequest {})).await?;
    if status.chain_id != client.trust().chain_id() {
        let found = encoding::exact("chain_id", &status.chain_id).map_err(NotVerified::from)?;
        let expected = *client.trust().chain_id();
        return Err(NotVerified::AnotherChain { found, expected }.into());
    }
    let attested = match status.height {
        0 => None,
        _ => Some(client.validators().await?),
    };
    if let Some(attested) = &attested {
        output.warn_if_old(attested);
    }
    if output.json {
        output.value(&json!({
            "chain": status.chain_name,
            "chain_id": hex::encode(&status.chain_id),
            "header": attested.as_ref().map(attested_json),
            "claimed": {
                "height": status.height,
                "round": status.round,
                "pending_transactions": status.pending_transactions,
                "connected_peers": status.connected_peers,
                "validator": status.validator,
                "syncing": status.syncing,
                "version": status.version,
            },
        }));
        return Ok(());
    }
    output.line(format!(
        "Chain     {} {}",
        plain(&status.chain_name),
        hex::encode(&status.chain_id)
    ));
    match &attested {
        Some(attested) => {
            output.line(format!(
                "Height    {} ({})",
                attested.header.height,
                output.good("VERIFIED")
            ));
            for line in attested_lines(attested, output) {
                output.line(line);
            }
        }
        None => output.line("Height    0: no block yet"),
    }
    output.line(format!(
        "The node says: version {}, {}, {}, round {}, {} pending, {} peers",
        plain(&status.version),
        if status.validator {
            "validator"
        } else {
            "no validator"
        },
        if status.syncing {
            "catching up"
        } else {
            "up to date"
        },
        status.round,
        status.pending_transactions,
        status.connected_peers.len()
    ));
    Ok(())
}
