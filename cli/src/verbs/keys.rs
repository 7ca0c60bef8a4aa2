//! `touchstone keys`: an organisation changes its own signing keys; anyone asks what a key was worth.

mod check;

use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_proto::ledger::{self, ChangeKeys, transaction::Action};

use crate::failure::Failure;
use crate::keyfile::{self, Passphrase};
use crate::output::Output;
use crate::settings::{Settings, Signing};

/// Add and retire your organisation's signing keys, or check whether a key was valid
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Add keys, which may sign from the next height
    #[command(after_help = "Examples:
  touchstone keys add new.pem --organisation acme --key acme.pem
  touchstone keys add new.pem --retire 9f3c…     both at once

A key belongs to one organisation for ever.")]
    Add(Add),
    /// Retire keys, which may sign up to this height; what they signed stays valid
    #[command(after_help = "Example:
  touchstone keys retire 9f3c… --organisation acme --key acme.pem")]
    Retire(Retire),
    /// Report that others may have used a key since a time; it is retired with this height
    #[command(after_help = "Example:
  touchstone keys compromise 9f3c… --since 2026-03-01T08:00:00Z --key acme-2.pem

What the key signed stays recorded. Verifiers tell what it signed before this time, which keeps its
worth, from what it signed after, which they mark as doubtful. The report can't be changed later.")]
    Compromise(Compromise),
    /// Check, proven, whether a key was an organisation's valid key at a height
    #[command(after_help = "Examples:
  touchstone keys check 9f3c… --of acme
  touchstone keys check acme.pub.pem --of acme --at 120 --json

Exit codes: 0 valid; 3 not verified; 4 not valid at that height, or never that organisation's
(proven); 6 valid, but reported compromised since a time that isn't after that block's.")]
    Check(check::Arguments),
}

/// Arguments of `keys add`.
#[derive(clap::Args, Debug)]
pub struct Add {
    /// Keys to add: 64 hex digits or PEM files
    #[arg(required = true, value_name = "HEX|FILE")]
    pub keys: Vec<String>,
    /// Key to retire in the same step
    #[arg(long, value_name = "HEX|FILE")]
    pub retire: Vec<String>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `keys retire`.
#[derive(clap::Args, Debug)]
pub struct Retire {
    /// Keys to retire: 64 hex digits or PEM files
    #[arg(required = true, value_name = "HEX|FILE")]
    pub keys: Vec<String>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `keys compromise`.
#[derive(clap::Args, Debug)]
pub struct Compromise {
    /// The key: 64 hex digits or a PEM file
    #[arg(value_name = "HEX|FILE")]
    pub compromised: String,
    /// First moment at which others may have had it (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub since: String,
    /// Who signs, with another key
    #[command(flatten)]
    pub signing: Signing,
}

/// Changes keys and waits for the proof.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let none = Passphrase::default();
    let read = |texts: &[String]| -> Result<Vec<Vec<u8>>, Failure> {
        let keys = texts.iter().map(|t| keyfile::public_key(t, &none));
        keys.map(|key| key.map(|k| k.to_vec())).collect()
    };
    let (action, signing) = match verb {
        Verb::Check(arguments) => return check::run(arguments, settings, output).await,
        Verb::Add(verb) => {
            let action = ChangeKeys {
                add: read(&verb.keys)?,
                retire: read(&verb.retire)?,
                ..ChangeKeys::default()
            };
            (action, &verb.signing)
        }
        Verb::Retire(verb) => {
            let action = ChangeKeys {
                retire: read(&verb.keys)?,
                ..ChangeKeys::default()
            };
            (action, &verb.signing)
        }
        Verb::Compromise(verb) => {
            let report = ledger::Compromise {
                public_key: keyfile::public_key(&verb.compromised, &none)?.to_vec(),
                since_ms: moment(&verb.since)?,
            };
            let action = ChangeKeys {
                compromised: vec![report],
                ..ChangeKeys::default()
            };
            (action, &verb.signing)
        }
    };
    change(action, signing, settings, output).await
}

async fn change(
    action: ChangeKeys,
    signing: &Signing,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let (added, retired, compromised) = (
        action.add.len(),
        action.retire.len(),
        action.compromised.len(),
    );
    let signer = settings.signer(signing)?;
    let mut client = settings.client().await?;
    let action = Action::ChangeKeys(action);
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    if output.json {
        output.value(&json!({"transaction": hex::encode(recorded.id), "height": height}));
    } else {
        output.line(format!(
            "Changed   at height {height} (proven): {added} added from height {}, {retired} retired \
             after {height}, {compromised} reported compromised",
            height + 1,
        ));
    }
    Ok(())
}

/// Milliseconds since 1970-01-01T00:00:00Z of an RFC 3339 time.
pub(super) fn moment(text: &str) -> Result<u64, Failure> {
    OffsetDateTime::parse(text, &Rfc3339)
        .ok()
        .and_then(|t| u64::try_from(t.unix_timestamp_nanos() / 1_000_000).ok())
        .ok_or_else(|| {
            Failure::Usage(format!(
                "{text:?} is no time; write it like 2026-03-01T08:00:00Z"
            ))
        })
}
