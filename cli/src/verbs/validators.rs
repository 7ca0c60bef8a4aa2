//! `touchstone validators`: who decides blocks, and changing that.

use serde_json::json;
use touchstone_client::client::Client;
use touchstone_core::Rejection;
use touchstone_core::encoding;
use touchstone_core::governance::GovernanceRejection;
use touchstone_proto::ledger::{Validator, change::Kind};

use super::enroll::{Approval, approve};
use crate::failure::Failure;
use crate::keyfile::{self, Passphrase};
use crate::output::{Output, attested_json, plain, validator_json};
use crate::settings::Settings;

/// Show the validators, or approve adding or removing one
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone validators
  touchstone validators add --public-key 9f3c… --of echo --organisation acme --key acme.pem
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
    #[command(after_help = "Example:
  touchstone validators add --public-key 9f3c… --of echo --organisation acme --key acme.pem

Its organisation must be enrolled. Every organisation that runs a validator may approve; the change
takes effect when more than 2/3 of the voting power approved the same key, organisation and power.
To give a validator a new key: add the new one, start its node with the new validator_key, and
remove the old one.")]
    Add(Add),
    /// Approve removing a validator
    #[command(after_help = "Example:
  touchstone validators remove --public-key 9f3c… --organisation acme --key acme.pem

To remove again what was added again, raise --sequence.")]
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
            let validator = Validator {
                public_key: keyfile::public_key(&add.public_key, &none)?.to_vec(),
                power: add.power,
                organisation: add.runner.clone(),
            };
            let signer = settings.signer(&add.approval.signing)?;
            let mut client = settings.client().await?;
            check_addition(&mut client, &validator, output).await?;
            let kind = Kind::PutValidator(validator);
            approve(kind, &add.approval, &signer, &mut client, output).await
        }
        Some(Verb::Remove(remove)) => {
            let key = keyfile::public_key(&remove.public_key, &none)?;
            let signer = settings.signer(&remove.approval.signing)?;
            let mut client = settings.client().await?;
            if client.trust().current().get(&key).is_none() {
                output.remark(
                    "no validator votes by this key; `touchstone validators` shows those that do",
                );
                return Err(
                    Rejection::Governance(GovernanceRejection::UnknownValidator(key)).into(),
                );
            }
            let kind = Kind::RemoveValidator(key.to_vec());
            approve(kind, &remove.approval, &signer, &mut client, output).await
        }
    }
}

/// Refuses what could never take effect, and says what the change does to a key that votes.
async fn check_addition(
    client: &mut Client,
    validator: &Validator,
    output: &mut Output,
) -> Result<(), Failure> {
    let runner = &validator.organisation;
    if !client.is_enrolled(runner).await? {
        output.remark(
            "an organisation is enrolled before it runs a validator: see `touchstone enroll`, and \
             `touchstone organisations` for those that are",
        );
        return Err(Rejection::UnknownOrganisation(validator.organisation.clone()).into());
    }
    let key: [u8; 32] = encoding::exact("public_key", &validator.public_key)
        .map_err(|e| Failure::Usage(e.to_string()))?;
    let Some(now) = client.trust().current().get(&key) else {
        return Ok(());
    };
    if (now.power, &now.organisation) == (validator.power, &validator.organisation) {
        return Err(Failure::Usage(format!(
            "this key votes for {} with power {} already: there is nothing to change",
            plain(&now.organisation),
            now.power
        )));
    }
    output.remark(format!(
        "this key votes for {} with power {} now; this makes it vote for {} with power {}",
        plain(&now.organisation),
        now.power,
        plain(&validator.organisation),
        validator.power
    ));
    Ok(())
}

async fn show(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let attested = client.validators().await?;
    if output.json {
        output.value(&json!({
            "verified": true,
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
    for line in lines {
        output.line(line);
    }
    Ok(())
}
