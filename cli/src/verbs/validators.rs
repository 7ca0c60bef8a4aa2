//! `touchstone validators`: who decides blocks, and changing that.

use serde_json::json;
use touchstone_proto::ledger::{Validator, change::Kind};

use super::enroll::{Approval, approve};
use crate::failure::Failure;
use crate::keyfile::{self, Passphrase};
use crate::output::{Output, attested_json, attested_lines, plain, validator_json};
use crate::settings::Settings;

/// Show the validators, or approve adding or removing one
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone validators
  touchstone validators add --public-key 9f3c… --of echo --power 1 --organisation acme --key acme.pem
  touchstone validators remove --public-key 9f3c… --organisation acme --key acme.pem")]
pub struct Arguments {
    /// What to do; without it, the validators are shown
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Changes of the validators.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Approve adding a validator, or another power for one
    Add(Add),
    /// Approve removing a validator
    Remove(Remove),
}

/// Arguments of `validators add`.
#[derive(clap::Args, Debug)]
pub struct Add {
    /// The key by which it votes: 64 hex digits or a PEM file
    #[arg(long, value_name = "HEX|FILE")]
    pub public_key: String,
    /// The organisation that runs it
    #[arg(long = "of", value_name = "ID")]
    pub runner: String,
    /// Its voting power
    #[arg(long, default_value_t = 1)]
    pub power: u64,
    /// How it is approved
    #[command(flatten)]
    pub approval: Approval,
}

/// Arguments of `validators remove`.
#[derive(clap::Args, Debug)]
pub struct Remove {
    /// The key by which it votes: 64 hex digits or a PEM file
    #[arg(long, value_name = "HEX|FILE")]
    pub public_key: String,
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
    let none = Passphrase::default();
    match &arguments.verb {
        None => show(settings, output).await,
        Some(Verb::Add(add)) => {
            let kind = Kind::PutValidator(Validator {
                public_key: keyfile::public_key(&add.public_key, &none)?.to_vec(),
                power: add.power,
                organisation: add.runner.clone(),
            });
            approve(kind, &add.approval, settings, output).await
        }
        Some(Verb::Remove(remove)) => {
            let key = keyfile::public_key(&remove.public_key, &none)?;
            let kind = Kind::RemoveValidator(key.to_vec());
            approve(kind, &remove.approval, settings, output).await
        }
    }
}

async fn show(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let attested = client.validators().await?;
    if output.json {
        output.value(&json!({
            "header": attested_json(&attested),
            "validators": attested.validators.iter().map(validator_json).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let mut lines = Vec::new();
    for validator in attested.validators.iter() {
        let name = client.name(&validator.organisation).await?;
        lines.push(format!(
            "{} power {} {} ({})",
            hex::encode(validator.public_key),
            validator.power,
            plain(&name),
            plain(&validator.organisation)
        ));
    }
    lines.extend(attested_lines(&attested, output));
    for line in lines {
        output.line(line);
    }
    Ok(())
}
