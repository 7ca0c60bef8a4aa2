//! `touchstone validators`: who decides blocks, and changing that.

pub mod liveness;

use serde_json::json;
use touchstone_client::client::Client;
use touchstone_core::Rejection;
use touchstone_core::encoding;
use touchstone_core::governance::GovernanceRejection;
use touchstone_proto::ledger::{ReplaceValidator, Validator, change::Kind};

use super::enroll::{Approval, approve};
use crate::failure::Failure;
use crate::keyfile::{self, Passphrase};
use crate::output::{Output, attested_json, plain, validator_json};
use crate::settings::Settings;

/// A validator that signed none of so many last blocks may be dead.
const SILENT_BLOCKS: u64 = 5;

/// Show the validators, or approve adding or removing one
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone validators
  touchstone validators add --public-key 9f3c… --of echo --organisation acme --key acme.pem
  touchstone validators rotate --public-key 9f3c… --to 77d0… --organisation acme --key acme.pem
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
On the new validator's node: name the key's file as validator_key, say validator_candidate = true,
and make its guard with `touchstone-node reset-guard`; docs/operating.md has every step.")]
    Add(Add),
    /// Approve another key for a validator; its power and its organisation stay
    #[command(after_help = "Example:
  touchstone validators rotate --public-key 9f3c… --to 77d0… --organisation acme --key acme.pem

The old key votes up to the height at which the change takes effect, the new one from the next, so
the consortium never counts more validators or fewer. Once it is in force, stop the node, name the
new key's file as validator_key, and start it again.")]
    Rotate(Rotate),
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

/// Arguments of `validators rotate`.
#[derive(clap::Args, Debug)]
pub struct Rotate {
    /// The key by which it votes: 64 hex digits or a PEM file
    #[arg(long, value_name = "HEX|FILE")]
    pub public_key: String,
    /// The key by which it is to vote: 64 hex digits or a PEM file
    #[arg(long, value_name = "HEX|FILE")]
    pub to: String,
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
            liveness::warn_of_halt(&mut client, &kind, output).await?;
            approve(kind, &add.approval, &signer, &mut client, output).await
        }
        Some(Verb::Rotate(rotate)) => {
            let old = keyfile::public_key(&rotate.public_key, &none)?;
            let new = keyfile::public_key(&rotate.to, &none)?;
            let signer = settings.signer(&rotate.approval.signing)?;
            let mut client = settings.client().await?;
            check_rotation(&mut client, old, new, output).await?;
            let kind = Kind::ReplaceValidator(ReplaceValidator {
                old_key: old.to_vec(),
                new_key: new.to_vec(),
            });
            approve(kind, &rotate.approval, &signer, &mut client, output).await
        }
        Some(Verb::Remove(remove)) => {
            let key = keyfile::public_key(&remove.public_key, &none)?;
            let signer = settings.signer(&remove.approval.signing)?;
            let mut client = settings.client().await?;
            check_votes(&client, key, output)?;
            let kind = Kind::RemoveValidator(key.to_vec());
            liveness::warn_of_halt(&mut client, &kind, output).await?;
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

/// Refuses a key that doesn't vote.
fn check_votes(client: &Client, key: [u8; 32], output: &mut Output) -> Result<(), Failure> {
    if client.trust().current().get(&key).is_some() {
        return Ok(());
    }
    output.remark("no validator votes by this key; `touchstone validators` shows those that do");
    Err(Rejection::Governance(GovernanceRejection::UnknownValidator(key)).into())
}

/// Refuses what could never take effect, and warns of a validator that is dead: another key doesn't raise it.
async fn check_rotation(
    client: &mut Client,
    old: [u8; 32],
    new: [u8; 32],
    output: &mut Output,
) -> Result<(), Failure> {
    check_votes(client, old, output)?;
    if client.trust().current().get(&new).is_some() {
        return Err(Rejection::Governance(GovernanceRejection::ReplacementVotes(new)).into());
    }
    let silent = silent_blocks(client, &old).await?;
    if silent >= SILENT_BLOCKS {
        output.remark(format!(
            "warning: this validator's signature is under none of the last {silent} blocks: if its node is down, \
             another key alone brings no vote back; start the node with the new key as soon as the change is in \
             force"
        ));
    }
    Ok(())
}

/// How many of the last blocks lack a validator's signature, counted to [`SILENT_BLOCKS`] at most. A block needs
/// more than 2/3 of the signatures, so one that is missing says nothing.
async fn silent_blocks(client: &mut Client, key: &[u8; 32]) -> Result<u64, Failure> {
    let mut attested = client.validators().await?;
    let tip = attested.header.height;
    for silent in 0..SILENT_BLOCKS {
        let height = tip.saturating_sub(silent);
        if silent > 0 && height > 0 {
            (attested, _) = client.block(height, false).await?;
        }
        let votes = height > 0 && attested.validators.get(key).is_some();
        let has_signed = attested.signers.iter().any(|v| v.public_key == *key);
        if !votes || has_signed {
            return Ok(silent);
        }
    }
    Ok(SILENT_BLOCKS)
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
