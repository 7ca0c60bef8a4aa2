//! `touchstone parameters`: the rules' numbers and version, and changing them by vote.

use serde_json::{Value, json};
use touchstone_client::client::Client;
use touchstone_core::governance::{parameters, protocol};
use touchstone_core::state::keys;
use touchstone_proto::ledger::{Parameters, Protocol, PutProtocol, change::Kind};

use super::enroll::{Approval, approve};
use crate::failure::Failure;
use crate::output::{Output, attested_json};
use crate::settings::Settings;

/// Show the chain's parameters and the version of its rules, or approve changing them
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone parameters
  touchstone parameters set --transaction-lifetime-ms 172800000 --organisation acme --key acme.pem
  touchstone parameters version 2 --from-height 5000 --organisation acme --key acme.pem")]
pub struct Arguments {
    /// What to do; without it, they are shown
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Changes of the parameters.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Approve other parameters, from the block after the decisive approval on
    #[command(after_help = "Example:
  touchstone parameters set --max-block-bytes 2097152 --organisation acme --key acme.pem

What you don't name stays. Every organisation that runs a validator may approve; the change takes
effect when more than 2/3 of the voting power approved the same parameters. Precision and message
delay stay as the genesis document has them: every certificate names the bound that they are on
the error of its time.")]
    Set(Set),
    /// Approve another version of the rules from a height on
    #[command(after_help = "Examples:
  touchstone parameters version 2 --from-height 5000 --organisation acme --key acme.pem
  touchstone parameters version 1 --from-height 0    takes back what was to come

A node whose program lacks the version stops before that height and says so: install the release
first.")]
    Version(Version),
}

/// Arguments of `parameters set`.
#[derive(clap::Args, Debug)]
pub struct Set {
    /// Bytes of a block's transactions
    #[arg(long, value_name = "BYTES")]
    pub max_block_bytes: Option<u64>,
    /// Transactions of a block
    #[arg(long, value_name = "N")]
    pub max_block_transactions: Option<u64>,
    /// Bytes of a transaction
    #[arg(long, value_name = "BYTES")]
    pub max_transaction_bytes: Option<u64>,
    /// Events of a transaction
    #[arg(long, value_name = "N")]
    pub max_events_per_transaction: Option<u64>,
    /// How long a block takes a transaction after it was signed, milliseconds
    #[arg(long, value_name = "MS")]
    pub transaction_lifetime_ms: Option<u64>,
    /// How it is approved
    #[command(flatten)]
    pub approval: Approval,
}

/// Arguments of `parameters version`.
#[derive(clap::Args, Debug)]
pub struct Version {
    /// The version
    pub version: u32,
    /// The first block that follows it
    #[arg(long, value_name = "HEIGHT")]
    pub from_height: u64,
    /// How it is approved
    #[command(flatten)]
    pub approval: Approval,
}

/// Shows or approves.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let (kind, approval, mut client) = match &arguments.verb {
        None => return show(settings, output).await,
        Some(Verb::Set(set)) => {
            let mut client = settings.client().await?;
            let wanted = set.applied_to(client.parameters().await?.1);
            (Kind::PutParameters(wanted), &set.approval, client)
        }
        Some(Verb::Version(version)) => {
            let change = PutProtocol {
                version: version.version,
                from_height: version.from_height,
            };
            let client = settings.client().await?;
            (Kind::PutProtocol(change), &version.approval, client)
        }
    };
    let signer = settings.signer(&approval.signing)?;
    approve(kind, approval, &signer, &mut client, output).await
}

impl Set {
    fn applied_to(&self, now: Parameters) -> Parameters {
        let or = |new: Option<u64>, now: u64| new.unwrap_or(now);
        Parameters {
            max_block_bytes: or(self.max_block_bytes, now.max_block_bytes),
            max_block_transactions: or(self.max_block_transactions, now.max_block_transactions),
            max_transaction_bytes: or(self.max_transaction_bytes, now.max_transaction_bytes),
            max_events_per_transaction: or(
                self.max_events_per_transaction,
                now.max_events_per_transaction,
            ),
            transaction_lifetime_ms: or(self.transaction_lifetime_ms, now.transaction_lifetime_ms),
            ..now
        }
    }
}

async fn show(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let (attested, now) = client.parameters().await?;
    let rules = rules(&mut client).await?;
    let lifetime_ms = parameters::lifetime_ms(&now);
    let rows = [
        ("precision_ms", now.precision_ms),
        ("message_delay_ms", now.message_delay_ms),
        ("max_block_bytes", now.max_block_bytes),
        ("max_block_transactions", now.max_block_transactions),
        ("max_transaction_bytes", now.max_transaction_bytes),
        ("max_events_per_transaction", now.max_events_per_transaction),
        ("transaction_lifetime_ms", lifetime_ms),
    ];
    if output.json {
        let values = rows
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)));
        output.value(&json!({
            "verified": true,
            "parameters": values.collect::<serde_json::Map<String, Value>>(),
            "protocol_version": rules.version,
            "next_protocol_version": rules.next_version,
            "next_protocol_height": rules.next_height,
            "header": attested_json(&attested),
        }));
        return Ok(());
    }
    for (name, value) in rows {
        output.line(format!("{name:<28}{value}"));
    }
    output.line(format!("Rules     version {}", rules.version));
    let (next, height) = (rules.next_version, rules.next_height);
    if next != 0 && !protocol::SUPPORTED.contains(&next) {
        output.line(format!(
            "Next      version {next} from height {height} on; this program lacks it: install a newer release before"
        ));
    } else if next != 0 {
        output.line(format!("Next      version {next} from height {height} on"));
    }
    Ok(())
}

/// The version of the rules; where no vote was held, the first.
async fn rules(client: &mut Client) -> Result<Protocol, Failure> {
    let (_, voted) = client.message(keys::PROTOCOL).await?;
    Ok(voted.unwrap_or(Protocol {
        version: touchstone_core::block::VERSION,
        next_version: 0,
        next_height: 0,
    }))
}
