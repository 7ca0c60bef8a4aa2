//! `touchstone recover`: the consortium settles an organisation's keys, such as after a theft.

use touchstone_proto::ledger::{Compromise, RecoverKeys, change::Kind};

use super::keys::moment;
use crate::failure::Failure;
use crate::keyfile::{self, Passphrase};
use crate::output::Output;
use crate::settings::Settings;
use crate::verbs::enroll::{Approval, approve};

/// Approve new keys for an organisation, and since when its old ones were in other hands
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone recover echo --add new.pub.pem --compromised 9f3c…=2026-03-01T08:00:00Z \\
    --organisation acme --key acme.pem
  touchstone recover echo --dismiss 9f3c…    nothing speaks against this key, whatever was reported

Every organisation that runs a validator may approve; the change takes effect when more than 2/3
of the voting power approved the same. A key that is compromised or retired ends with that block.
What it signed in blocks before the time that you name keeps its worth; what it signed later is
doubtful. To stop a thief at once, suspend the organisation first: see `touchstone suspend`.")]
pub struct Arguments {
    /// The organisation's id
    #[arg(value_name = "ID")]
    pub subject: String,
    /// Keys that it gets: 64 hex digits or PEM files
    #[arg(long, value_name = "HEX|FILE")]
    pub add: Vec<String>,
    /// Keys that end, though nothing speaks against them
    #[arg(long, value_name = "HEX|FILE")]
    pub retire: Vec<String>,
    /// Keys that were in other hands, each with the first moment of it (RFC 3339)
    #[arg(long, value_name = "HEX|FILE=TIME")]
    pub compromised: Vec<String>,
    /// Keys of which a report is set aside
    #[arg(long, value_name = "HEX|FILE")]
    pub dismiss: Vec<String>,
    /// How
    #[command(flatten)]
    pub approval: Approval,
}

/// Approves and tells how far the change is.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let kind = Kind::RecoverKeys(recovery(arguments)?);
    let signer = settings.signer(&arguments.approval.signing)?;
    let mut client = settings.client().await?;
    approve(kind, &arguments.approval, &signer, &mut client, output).await
}

fn recovery(arguments: &Arguments) -> Result<RecoverKeys, Failure> {
    let key = |text: &str| -> Result<Vec<u8>, Failure> {
        Ok(keyfile::public_key(text, &Passphrase::default())?.to_vec())
    };
    let keys = |texts: &[String]| -> Result<Vec<Vec<u8>>, Failure> {
        texts.iter().map(|text| key(text)).collect()
    };
    let mut compromised = Vec::new();
    for verdict in &arguments.compromised {
        let (name, since) = verdict.rsplit_once('=').ok_or_else(|| {
            Failure::Usage(format!(
                "--compromised {verdict}: write KEY=TIME, like 9f3c…=2026-03-01T08:00:00Z"
            ))
        })?;
        compromised.push(Compromise {
            public_key: key(name)?,
            since_ms: moment(since)?,
        });
    }
    for name in &arguments.dismiss {
        compromised.push(Compromise {
            public_key: key(name)?,
            since_ms: 0,
        });
    }
    Ok(RecoverKeys {
        organisation: arguments.subject.clone(),
        add: keys(&arguments.add)?,
        retire: keys(&arguments.retire)?,
        compromised,
    })
}
