//! `touchstone statuslist`: which of an organisation's certificates are to be relied on no more, for any verifier.

use std::path::PathBuf;

use serde_json::json;

use super::certificate;
use crate::deposit_certificate::status_list;
use crate::deposit_certificate::{credential, facts};
use crate::failure::Failure;
use crate::file;
use crate::listed_designs;
use crate::messages::Speech;
use crate::output::{Output, counted, plain};
use crate::say;
use crate::settings::{Settings, Signing};

/// Write, signed, which of your certificates are to be relied on no more (W3C status list)
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone statuslist https://maker.example/status.json --listed designs.txt -o status.json
  touchstone certificate 4be1… -o cert.json --status URL --listed designs.txt --key maker.pem

designs.txt has a design's id in each line, and only grows: a design's place there is the index that
its credential names. Publish the list at its address, and write it anew when something changed. It
says so where the right was given up or passed on, or where others may have used the key that
deposited. It is your word, of this moment; `touchstone certificate --check` asks the ledger.

Exit codes: 0 written; 3 not verified; 4 a design isn't deposited.")]
pub struct Arguments {
    /// Where the list will be published
    #[arg(value_name = "URL")]
    pub url: String,
    /// The designs, an id in each line, in an order that only grows
    #[arg(long, value_name = "FILE")]
    pub listed: PathBuf,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Asks the ledger about each design, and writes the list.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    file::refuse_existing(&arguments.out, arguments.force)?;
    let key = settings.key(&arguments.signing)?;
    let designs = listed_designs::read(&arguments.listed)?;
    let refused = |e| Failure::Usage(format!("{}: {e}", arguments.out.display()));
    let mut client = settings.client().await?;
    let mut revoked = Vec::with_capacity(designs.len());
    for id in &designs {
        let facts = Box::pin(certificate::facts_of(&mut client, *id)).await?;
        credential::check_issuer(&facts, &key).map_err(refused)?;
        revoked.push(status_list::is_revoked(&facts));
    }
    let created = facts::date(output.now_ms());
    let list = status_list::issue(&arguments.url, &revoked, &key, &created).map_err(refused)?;
    file::write(&arguments.out, &list)?;
    let count = revoked.iter().filter(|is_set| **is_set).count();
    if output.json {
        output.value(&json!({
            "file": arguments.out,
            "certificates": revoked.len(),
            "revoked": count,
        }));
        return Ok(());
    }
    let language = output.language;
    output.line(say!(
        language,
        "Written   {path}: {certificates}, {revoked} of them to be relied on no more",
        path = plain(&arguments.out.display().to_string()),
        certificates = language.line(&counted(revoked.len(), "certificate")),
        revoked = count
    ));
    Ok(())
}
