//! `touchstone status`: how the node is, by its own account, and what of it is proven.

use serde_json::json;
use touchstone_client::{ClientError, NotVerified};
use touchstone_core::encoding;

use crate::failure::Failure;
use crate::output::{Output, attested_json, counted, plain};
use crate::settings::Settings;

/// Show the node's status
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  touchstone status --node http://127.0.0.1:26650

The chain and the last header are proven; the rest is the node's own word.")]
pub struct Arguments {}

/// Asks and prints.
pub async fn run(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let status = client.status().await?;
    if status.chain_id != client.trust().chain_id() {
        let found = encoding::exact("chain_id", &status.chain_id).map_err(NotVerified::from)?;
        let expected = *client.trust().chain_id();
        return Err(NotVerified::AnotherChain { found, expected }.into());
    }
    // A node that is behind is told of all the same, and then the failure.
    let (attested, behind) = match client.has_blocks().await? {
        false => (None, None),
        true => match client.validators().await {
            Ok(attested) => (Some(attested), None),
            Err(behind @ ClientError::Behind { .. }) => (None, Some(Failure::from(behind))),
            Err(other) => return Err(other.into()),
        },
    };
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
                "voting_key": Some(hex::encode(&status.voting_key)).filter(|key| !key.is_empty()),
                "syncing": status.syncing,
                "silence": Some(&status.silence).filter(|silence| !silence.is_empty()),
                "halted": status.halt.as_ref().map(|halt| &halt.explanation),
                "clock_alarm": Some(&status.clock_alarm).filter(|alarm| !alarm.is_empty()),
                "failure_alarm": Some(&status.failure_alarm).filter(|alarm| !alarm.is_empty()),
                "version": status.version,
            },
        }));
        return behind.map_or(Ok(()), Err);
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
        }
        None if behind.is_some() => {
            output.line(format!("Height    {} (the node's word)", status.height))
        }
        None => output.line("Height    0: no block yet"),
    }
    output.line(format!(
        "The node says: version {}, {}, {}, round {}, {} pending, {}",
        plain(&status.version),
        if status.validator {
            "validator"
        } else {
            "no validator"
        },
        match (&status.halt, status.syncing) {
            (Some(_), _) => "the chain has halted",
            (None, true) => "catching up",
            (None, false) => "up to date",
        },
        status.round,
        status.pending_transactions,
        counted(status.connected_peers.len(), "peer")
    ));
    if !status.validator && !status.syncing && !status.voting_key.is_empty() {
        output.line(format!(
            "Key       {} is no validator's, and the node signs nothing. If another key took its place \
             (touchstone validators), name that one's file as validator_key and start the node again; if the vote on \
             it is still to come, it votes from then on",
            hex::encode(&status.voting_key)
        ));
    }
    if !status.silence.is_empty() {
        output.line(format!("Silent    {}", plain(&status.silence)));
    }
    if !status.clock_alarm.is_empty() {
        output.line(format!("Clocks    {}", plain(&status.clock_alarm)));
    }
    if !status.failure_alarm.is_empty() {
        output.line(format!("Failed    {}", plain(&status.failure_alarm)));
    }
    if let Some(halt) = &status.halt {
        output.line(format!("Halted    {}", plain(&halt.explanation)));
    }
    behind.map_or(Ok(()), Err)
}
