//! `touchstone keys`: an organisation changes its own signing keys.

use serde_json::json;
use touchstone_proto::ledger::{ChangeKeys, transaction::Action};

use crate::failure::Failure;
use crate::keyfile::{self, Passphrase};
use crate::output::Output;
use crate::settings::{Settings, Signing};

/// Add and retire your organisation's signing keys
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

/// Changes keys and waits for the proof.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Add(add) => change(&add.keys, &add.retire, &add.signing, settings, output).await,
        Verb::Retire(retire) => change(&[], &retire.keys, &retire.signing, settings, output).await,
    }
}

async fn change(
    add: &[String],
    retire: &[String],
    signing: &Signing,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let none = Passphrase::default();
    let read = |texts: &[String]| -> Result<Vec<Vec<u8>>, Failure> {
        let keys = texts.iter().map(|t| keyfile::public_key(t, &none));
        keys.map(|key| key.map(|k| k.to_vec())).collect()
    };
    let action = Action::ChangeKeys(ChangeKeys {
        add: read(add)?,
        retire: read(retire)?,
    });
    let signer = settings.signer(signing)?;
    let mut client = settings.client().await?;
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    if output.json {
        output.value(&json!({"transaction": hex::encode(recorded.id), "height": height}));
    } else {
        output.line(format!(
            "Changed   at height {height} (proven): {} added from height {}, {} retired after {height}",
            add.len(),
            height + 1,
            retire.len()
        ));
    }
    Ok(())
}
