//! `touchstone disclose`: open a deposit, so that anyone finds it by its files.

use std::path::PathBuf;

use serde_json::json;
use touchstone_proto::ledger::{DiscloseDesign, transaction::Action};

use crate::failure::Failure;
use crate::output::{Output, utc};
use crate::receipt::Receipt;
use crate::settings::{Settings, Signing};

/// Disclose a deposited design: its files' hashes and title become public for ever
#[derive(clap::Args, Debug)]
#[command(after_help = "Example:
  touchstone disclose 4be1….touchstone.json

The files themselves stay where they are; their SHA-256, the salt and the title are published.")]
pub struct Arguments {
    /// The receipt of the deposit
    pub receipt: PathBuf,
    /// Another title than the receipt's
    #[arg(long)]
    pub title: Option<String>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Discloses and waits for the proof.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let receipt = Receipt::read(&arguments.receipt)?;
    let mut client = settings.client().await?;
    receipt.check(client.trust().chain_id())?;
    let signer = settings.signer(&arguments.signing)?;
    let opening = receipt.opening()?;
    let action = Action::DiscloseDesign(DiscloseDesign {
        design_id: receipt.id()?.to_vec(),
        salt: opening.salt.to_vec(),
        file_hashes: opening.files.iter().map(|f| f.to_vec()).collect(),
        title: arguments.title.clone().unwrap_or(receipt.title),
    });
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let header = &recorded.attested.header;
    if output.json {
        output.value(&json!({
            "design_id": receipt.design_id,
            "transaction": hex::encode(recorded.id),
            "height": header.height,
            "time_ms": header.time_ms,
        }));
    } else {
        output.line(format!(
            "Disclosed {} at height {}, {} (proven)",
            receipt.design_id,
            header.height,
            utc(header.time_ms)
        ));
    }
    Ok(())
}
