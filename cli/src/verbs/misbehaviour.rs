//! `touchstone misbehaviour`: validators that signed two conflicting messages, and the vote to remove one.

use std::collections::BTreeSet;

use serde_json::json;
use touchstone_core::Rejection;
use touchstone_core::governance::GovernanceRejection;
use touchstone_proto::ledger::change::Kind;

use super::enroll::{Approval, approve};
use super::validators::liveness;
use crate::failure::Failure;
use crate::keyfile::{self, Passphrase};
use crate::output::{Output, plain};
use crate::settings::Settings;

/// Show evidence of double signing, or approve removing a validator that it convicts
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone misbehaviour
  touchstone misbehaviour remove --organisation acme --key acme.pem

Each piece of evidence is checked: two conflicting messages with two valid signatures of one
validator. That the node knows of no more is its own word.")]
pub struct Arguments {
    /// What to do; without it, the evidence is shown
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// What follows from evidence.
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Approve removing the validator that the node's evidence convicts
    #[command(after_help = "Examples:
  touchstone misbehaviour remove --organisation acme --key acme.pem
  touchstone misbehaviour remove --public-key 9f3c…    where evidence convicts several

The evidence is checked before anything is signed. Every organisation that runs a validator may
approve; the change takes effect when more than 2/3 of the voting power approved it.")]
    Remove(Remove),
}

/// Arguments of `misbehaviour remove`.
#[derive(clap::Args, Debug)]
pub struct Remove {
    /// The validator's key, where evidence convicts several: 64 hex digits or a PEM file
    #[arg(long, value_name = "HEX|FILE")]
    pub public_key: Option<String>,
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
    match &arguments.verb {
        None => show(settings, output).await,
        Some(Verb::Remove(remove)) => vote_out(remove, settings, output).await,
    }
}

/// Asks, checks and prints.
async fn show(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let found = client.misbehaviour().await?;
    for (evidence, validator) in &found {
        if output.json {
            output.value(&json!({
                "verified": true,
                "validator": hex::encode(validator.public_key),
                "organisation": validator.organisation,
                "height": evidence.height,
                "kind": evidence.kind,
                "first": hex::encode(&evidence.first),
                "first_signature": hex::encode(&evidence.first_signature),
                "second": hex::encode(&evidence.second),
                "second_signature": hex::encode(&evidence.second_signature),
            }));
        } else {
            output.line(format!(
                "{}: validator {} of {} signed two {}s at height {}",
                output.bad("PROVEN"),
                hex::encode(validator.public_key),
                plain(&validator.organisation),
                plain(&evidence.kind),
                evidence.height
            ));
        }
    }
    if found.is_empty() {
        match output.json {
            true => output.value(&json!({"evidence": []})),
            false => output.line("The node says that it knows of no misbehaviour (its own word)."),
        }
    }
    Ok(())
}

/// Nobody is voted out by this verb without two signatures that contradict each other.
async fn vote_out(
    remove: &Remove,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let named = match &remove.public_key {
        Some(text) => Some(keyfile::public_key(text, &Passphrase::default())?),
        None => None,
    };
    let signer = settings.signer(&remove.approval.signing)?;
    let mut client = settings.client().await?;
    let found = client.misbehaviour().await?;
    let convicted: BTreeSet<[u8; 32]> = found.iter().map(|(_, v)| v.public_key).collect();
    let key = match (named, convicted.iter().next()) {
        (Some(key), _) if convicted.contains(&key) => key,
        (Some(key), _) => {
            return Err(Failure::NotFound(format!(
                "the node holds no evidence against validator {}; another node may",
                hex::encode(key)
            )));
        }
        (None, None) => {
            return Err(Failure::NotFound(
                "the node says that it knows of no misbehaviour; another node may".to_owned(),
            ));
        }
        (None, Some(key)) if convicted.len() == 1 => *key,
        (None, Some(_)) => {
            let all: Vec<String> = convicted.iter().map(hex::encode).collect();
            return Err(Failure::Usage(format!(
                "evidence convicts several validators; name one with --public-key: {}",
                all.join(", ")
            )));
        }
    };
    if client.trust().current().get(&key).is_none() {
        return Err(Rejection::Governance(GovernanceRejection::UnknownValidator(key)).into());
    }
    for (evidence, validator) in found.iter().filter(|(_, v)| v.public_key == key) {
        output.remark(format!(
            "PROVEN: validator {} of {} signed two {}s at height {}",
            hex::encode(key),
            plain(&validator.organisation),
            plain(&evidence.kind),
            evidence.height
        ));
    }
    let kind = Kind::RemoveValidator(key.to_vec());
    liveness::warn_of_halt(&mut client, &kind, output).await?;
    approve(kind, &remove.approval, &signer, &mut client, output).await
}
