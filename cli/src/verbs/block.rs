//! `touchstone block`: one block's header, proven by a later one.

use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, attested_json, counted, plain, utc};
use crate::settings::Settings;

/// Show one block: its id and header, proven by the last block's state
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  touchstone block 120

The block's own validators must have signed it, and the state of the last block must name its id.
So its id is as certain as today's validators make it, whoever came to hold the keys of earlier
ones. The last block itself has its validators' signatures alone, until the next one names it.

Exit codes: 0 verified; 3 not verified; 4 no such block yet.")]
pub struct Arguments {
    /// The block's height, from 1
    #[arg(value_name = "HEIGHT")]
    pub height: u64,
}

/// Asks, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let (block, later) = client.past_block(arguments.height).await?;
    let header = &block.header;
    let proposer = block.validators.get(&header.proposer);
    let proposer = proposer.map_or("?", |v| v.organisation.as_str());
    if output.json {
        output.value(&json!({
            "verified": true,
            "height": header.height,
            "block_id": hex::encode(header.id()),
            "named_by": later.as_ref().map(attested_json),
            "header": attested_json(&block),
            "time_ms": header.time_ms,
            "parent": hex::encode(header.parent),
            "proposer": hex::encode(header.proposer),
            "proposer_organisation": proposer,
            "transactions": header.transaction_count,
            "transaction_root": hex::encode(header.transaction_root),
            "state_root": hex::encode(header.state_root),
            "validators_hash": hex::encode(header.validators_hash),
            "next_validators_hash": hex::encode(header.next_validators_hash),
        }));
        return Ok(());
    }
    let verdict = output.good("VERIFIED");
    let how = match &later {
        Some(later) => format!(
            "signed by its validators, and named by the state of block {}",
            later.header.height
        ),
        None => "signed by its validators; the last block, which no later one names yet".to_owned(),
    };
    let lines = [
        format!("Block     {} {}", header.height, hex::encode(header.id())),
        format!("Verdict   {verdict}: {how}"),
        format!("Time      {}", utc(header.time_ms)),
        format!("Parent    {}", hex::encode(header.parent)),
        format!(
            "Proposer  {} ({})",
            hex::encode(header.proposer),
            plain(proposer)
        ),
        format!(
            "Content   {}, root {}",
            counted(header.transaction_count, "transaction"),
            hex::encode(header.transaction_root)
        ),
        format!("State     {}", hex::encode(header.state_root)),
        format!("Voted by  set {}", hex::encode(header.validators_hash)),
        format!("Next      set {}", hex::encode(header.next_validators_hash)),
    ];
    for line in lines {
        output.line(line);
    }
    Ok(())
}
