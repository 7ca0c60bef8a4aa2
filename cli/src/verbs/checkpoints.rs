//! `touchstone checkpoints`: what time-stamp authorities stamped, each checked over the blocks.

use std::collections::BTreeSet;
use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use touchstone_client::client::Client;
use touchstone_client::verification::NotVerified;
use touchstone_core::hash::Hash;
use touchstone_core::proof::checkpoint::{self, BlockLeaf};
use touchstone_core::timestamp::{self, Stamped};
use touchstone_proto::node::{ListCheckpointsRequest, StampedRange};

use super::blocks as headers;
use crate::failure::Failure;
use crate::output::{Output, counted, plain, utc};
use crate::settings::Settings;
use crate::{say, tokens};

/// Time stamps that are read of a node, at most.
const MOST: usize = 100_000;

/// Show the time stamps of authorities outside the consortium that a node keeps
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone checkpoints
  touchstone checkpoints --from 1000          those that reach block 1000 or later
  touchstone checkpoints --tsa-roots roots.pem   saying which lead to a root that you trust
  touchstone checkpoints --authority 'DigiCert' --json

A node that is configured so has ranges of blocks stamped by RFC 3161 authorities: whoever trusts
one of them knows, without trusting the validators, that these blocks existed no later than its
time. Each time stamp is checked: the blocks are fetched, with their certificates, and the token
must stamp them, with a signature whose certificates lead to the root that is named. Whether that
root is to be trusted is yours to say: by --tsa-roots, or by comparing its SHA-256 with the one
that the authority publishes. That the node keeps no more of them is its own word.

Exit codes: 0 shown, all verified; 3 not verified; 5 the node doesn't answer; 6 verified, but some
lead to roots that --tsa-roots doesn't hold.")]
pub struct Arguments {
    /// Only those that end at this height or later
    #[arg(long, value_name = "HEIGHT", default_value_t = 1)]
    pub from: u64,
    /// Only those of this authority, by the name or URL that the node gives it
    #[arg(long, value_name = "NAME")]
    pub authority: Option<String>,
    /// Root certificates of authorities that you trust, in PEM or DER
    #[arg(long, value_name = "FILE")]
    pub tsa_roots: Option<PathBuf>,
}

/// Asks, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let roots = arguments.tsa_roots.as_deref().map(tokens::roots);
    let roots = roots.transpose()?;
    let mut client = settings.client().await?;
    let mut ranges = list(&mut client, arguments.from).await?;
    let kept: BTreeSet<String> = ranges.iter().map(|r| plain(&r.authority)).collect();
    if let Some(authority) = &arguments.authority {
        ranges.retain(|range| range.authority == *authority);
    }
    let (Some(first), Some(last)) = (
        ranges.iter().map(|range| range.first).min(),
        ranges.iter().map(|range| range.last).max(),
    ) else {
        match output.json {
            true => output.value(&json!({"checkpoints": []})),
            false if !kept.is_empty() => {
                let asked = arguments.authority.as_deref().map(plain).unwrap_or_default();
                let kept: Vec<String> = kept.into_iter().collect();
                output.line(format!(
                    "The node keeps no time stamp of block {} or later by {asked}; it keeps some by {}",
                    arguments.from,
                    kept.join(", ")
                ));
            }
            false => output.line(format!(
                "The node keeps no such time stamp of block {} or later: they have the chain's time only.",
                arguments.from
            )),
        }
        return Ok(());
    };
    let leaves = leaves(&mut client, first, last, output).await?;
    let chain_id = *client.trust().chain_id();
    let checked = ranges
        .iter()
        .map(|range| check(range, &chain_id, first, &leaves));
    let checked = checked.collect::<Result<Vec<Stamped>, _>>()?;
    let is_trusted = |stamped: &Stamped| {
        let root = stamped.root();
        roots.as_ref().map(|roots| roots.contains(&root))
    };
    for (range, stamped) in ranges.iter().zip(&checked) {
        print(range, stamped, is_trusted(stamped), output);
    }
    let strange = checked
        .iter()
        .filter(|stamped| is_trusted(stamped) == Some(false));
    let strange = strange.count();
    if !output.json {
        let count = counted(ranges.len(), "time stamp");
        let verdict = output.good(&format!("VERIFIED {count}"));
        let trust = match roots {
            Some(_) => "",
            None => "; compare the roots with those that the authorities publish",
        };
        output.line(format!("{verdict} over blocks {first} to {last}{trust}"));
    }
    match strange {
        0 => Ok(()),
        strange => Err(Failure::Reservations(format!(
            "{strange} of {} lead to roots that the file of --tsa-roots doesn't hold",
            counted(ranges.len(), "time stamp")
        ))),
    }
}

/// All that the node lists, in an order of its own; unchecked.
async fn list(client: &mut Client, from_height: u64) -> Result<Vec<StampedRange>, Failure> {
    let mut found: Vec<StampedRange> = Vec::new();
    let mut seen = BTreeSet::new();
    loop {
        let after = found.last();
        let request = ListCheckpointsRequest {
            from_height,
            after_authority: after.map_or(String::new(), |range| range.authority.clone()),
            after_last: after.map_or(0, |range| range.last),
            limit: 0,
        };
        let more = client.checkpoints(request).await?;
        if more.is_empty() {
            return Ok(found);
        }
        for range in more {
            if range.last < from_height || !seen.insert((range.authority.clone(), range.last)) {
                return Err(contradiction(
                    "a time stamp that wasn't asked for, or one twice",
                ));
            }
            found.push(range);
        }
        if found.len() > MOST {
            return Err(Failure::Usage(format!(
                "the node keeps more than {MOST} time stamps; name a height with --from"
            )));
        }
    }
}

/// What a checkpoint binds of each of these blocks, certified and each the child of the one before.
async fn leaves(
    client: &mut Client,
    first: u64,
    last: u64,
    output: &mut Output,
) -> Result<Vec<BlockLeaf>, Failure> {
    let newest = client.validators().await?;
    if first == 0 || last > newest.header.height {
        return Err(contradiction("a time stamp of blocks that aren't there"));
    }
    let mut blocks = client.follow_blocks(first).await?;
    let bar = progress(output, last - first + 1);
    let mut before = None;
    let mut leaves = Vec::new();
    for height in first..=last {
        let next = blocks.next_soon().await?;
        let attested = client.checked_block(&next, false).await?;
        if attested.header.height != height {
            return Err(contradiction("another block than asked for"));
        }
        headers::check_parent(&mut before, &attested)?;
        leaves.push(BlockLeaf::from(&attested.header));
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(leaves)
}

fn progress(output: &Output, blocks: u64) -> ProgressBar {
    if !output.terminal || output.json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(&say!(
        output.language,
        "{bar:40} {pos}/{len} blocks {per_sec} {eta}"
    ))
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(blocks).with_style(style)
}

/// The token stamps these very blocks. `leaves` begin at height `from`.
fn check(
    range: &StampedRange,
    chain_id: &Hash,
    from: u64,
    leaves: &[BlockLeaf],
) -> Result<Stamped, NotVerified> {
    let bad = |reason: String| NotVerified::TimeStamp {
        first: range.first,
        last: range.last,
        authority: range.authority.clone(),
        reason,
    };
    let index = |height: u64| usize::try_from(height.saturating_sub(from)).unwrap_or(usize::MAX);
    let covered = leaves.get(index(range.first)..index(range.last.saturating_add(1)));
    let covered = covered.ok_or_else(|| bad("it covers no range of blocks".into()))?;
    let tree = checkpoint::tree(chain_id, range.first, covered).map_err(|e| bad(e.to_string()))?;
    let stamped = tree
        .checkpoint(chain_id, &range.authority)
        .map_err(|e| bad(e.to_string()))?;
    timestamp::verify(&range.token, &range.certificates, &stamped.imprint())
        .map_err(|e| bad(e.to_string()))
}

fn print(range: &StampedRange, stamped: &Stamped, trusted: Option<bool>, output: &mut Output) {
    if output.json {
        output.value(&json!({
            "verified": true,
            "first": range.first,
            "last": range.last,
            "authority": range.authority,
            "signer": stamped.authority,
            "time_ms": stamped.gen_time_ms,
            "accuracy_ms": stamped.accuracy_ms,
            "serial": stamped.serial,
            "policy": stamped.policy,
            "root_sha256": hex::encode(stamped.root()),
            "trusted": trusted,
            "token": hex::encode(&range.token),
        }));
        return;
    }
    let accuracy = match stamped.accuracy_ms {
        Some(ms) => format!("± {ms} ms"),
        None => "(accuracy not stated)".to_owned(),
    };
    output.line(format!(
        "Blocks {} to {}  {} {accuracy}",
        range.first,
        range.last,
        utc(stamped.gen_time_ms)
    ));
    output.line(format!(
        "    by {}, asked as {}",
        plain(&stamped.authority),
        plain(&range.authority)
    ));
    let trust = match trusted {
        Some(true) => " (trusted)",
        Some(false) => " (NOT among those that you trust)",
        None => "",
    };
    output.line(format!(
        "    serial {}, policy {}, root SHA-256 {}{trust}",
        stamped.serial,
        stamped.policy,
        hex::encode(stamped.root())
    ));
}

fn contradiction(what: &str) -> Failure {
    NotVerified::Contradiction(what.to_owned()).into()
}
