//! `touchstone blocks`: headers, each checked, and each the child of the one before.

use serde_json::json;
use touchstone_client::client::Client;
use touchstone_client::{AttestedHeader, NotVerified};
use touchstone_core::hash::Hash;

use crate::failure::Failure;
use crate::output::{Output, attested_json, counted, utc};
use crate::settings::Settings;

/// Show blocks as they are decided
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone blocks                    the last ten
  touchstone blocks --from 1 --count 100
  touchstone blocks --follow           the last ten, then new ones until Ctrl-C")]
pub struct Arguments {
    /// First height
    #[arg(long, value_name = "HEIGHT")]
    pub from: Option<u64>,
    /// How many; with --follow, how many that are there already
    #[arg(long, default_value_t = 10)]
    pub count: u64,
    /// Go on with new blocks until interrupted
    #[arg(long)]
    pub follow: bool,
}

/// Asks, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    if arguments.count == 0 && !arguments.follow {
        return Err(Failure::Usage(
            "--count 0 asks for no block; with --follow it shows new ones alone".into(),
        ));
    }
    let mut client = settings.client().await?;
    let mut before: Option<(u64, Hash)> = None;
    if arguments.follow {
        let first = match arguments.from {
            Some(height) => height,
            None => last(&mut client, arguments.count).await?,
        };
        let mut blocks = client.follow_blocks(first.max(1)).await?;
        loop {
            let reply = blocks.next().await?;
            let attested = client.checked_block(&reply, false).await?;
            check_parent(&mut before, &attested)?;
            print(&attested, output);
            // As behind `| head`: nobody would ever end it.
            if output.is_unread() {
                return Ok(());
            }
        }
    }
    let newest = client.validators().await?;
    let tip = newest.header.height;
    let from = match arguments.from {
        Some(height) => height.max(1),
        None => (tip + 1).saturating_sub(arguments.count).max(1),
    };
    if from > tip {
        return Err(Failure::NotFound(format!(
            "no block at height {from} yet; the last is {tip}"
        )));
    }
    for height in from..=tip.min(from.saturating_add(arguments.count.saturating_sub(1))) {
        let (attested, _) = client.block(height, false).await?;
        check_parent(&mut before, &attested)?;
        print(&attested, output);
    }
    Ok(())
}

/// The height from which on there are so many blocks.
async fn last(client: &mut Client, count: u64) -> Result<u64, Failure> {
    let height = match client.has_blocks().await? {
        true => client.validators().await?.header.height,
        false => 0,
    };
    Ok(height.saturating_add(1).saturating_sub(count))
}

/// Checks that a block is the child of the one before, if there was one.
pub fn check_parent(
    before: &mut Option<(u64, Hash)>,
    attested: &AttestedHeader,
) -> Result<(), Failure> {
    let header = &attested.header;
    if let Some((height, id)) = before
        && (header.height != *height + 1 || header.parent != *id)
    {
        return Err(NotVerified::Contradiction(format!(
            "block {} is not the child of the block before",
            header.height
        ))
        .into());
    }
    *before = Some((header.height, header.id()));
    Ok(())
}

fn print(attested: &AttestedHeader, output: &mut Output) {
    let header = &attested.header;
    if output.json {
        output.value(&json!({
            "header": attested_json(attested),
            "transactions": header.transaction_count,
            "proposer": hex::encode(header.proposer),
            "state_root": hex::encode(header.state_root),
        }));
        return;
    }
    let proposer = attested
        .validators
        .get(&header.proposer)
        .map_or("?", |v| v.organisation.as_str());
    output.line(format!(
        "{:>8}  {}  {}  {:>18}  by {proposer}  signed {}/{}",
        header.height,
        utc(header.time_ms),
        hex::encode(header.id()),
        counted(header.transaction_count, "transaction"),
        attested.signers.len(),
        attested.validators.count()
    ));
}
