//! `touchstone misbehaviour`: validators that signed two conflicting messages.

use serde_json::json;

use crate::failure::Failure;
use crate::output::{Output, plain};
use crate::settings::Settings;

/// Show evidence of double signing
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  touchstone misbehaviour

Each piece of evidence is checked: two conflicting messages with two valid signatures of one
validator. That the node knows of no more is its own word.")]
pub struct Arguments {}

/// Asks, checks and prints.
pub async fn run(settings: &Settings, output: &mut Output) -> Result<(), Failure> {
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
