//! `touchstone certificate --check`: a credential's signature, and what the ledger says about it.

use std::path::Path;

use serde_json::json;
use touchstone_client::verification::{Attested, NotVerified};

use super::{Arguments, certify};
use crate::certificate::credential::{self, BadCredential, Subject};
use crate::failure::Failure;
use crate::output::{Output, attested_json, plain, utc};
use crate::receipt::{self, Receipt};
use crate::settings::Settings;

/// Reads, checks, asks the ledger and prints.
pub(super) async fn run(
    path: &Path,
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let size = std::fs::metadata(path).map_err(|e| Failure::io("reading", path, &e))?;
    if size.len() > credential::MAX_BYTES as u64 {
        let bad = BadCredential::Form(format!("{} bytes are too many", size.len()));
        return Err(bad.into());
    }
    let bytes = std::fs::read(path).map_err(|e| Failure::io("reading", path, &e))?;
    let stated = credential::check(&bytes)?;
    let (as_of, reservations) = match settings.names_genesis() && !arguments.offline {
        true => {
            let (as_of, reservations) = ask(&stated, arguments, settings).await?;
            (Some(as_of), reservations)
        }
        false => {
            let unasked = "the ledger was not asked (--genesis names its document): the signature holds, and all that \
                           is stated is the word of the key's holder";
            (None, vec![unasked.to_owned()])
        }
    };
    if output.json {
        output.value(&json!({
            "verified": true,
            "ledger": as_of.as_ref().map(attested_json),
            "reservations": reservations,
            "credential_subject": stated,
        }));
    } else {
        print(&stated, as_of.as_ref(), &reservations, output);
    }
    match reservations.is_empty() {
        true => Ok(()),
        false => Err(Failure::Reservations(
            "verified, with the reservations named above".into(),
        )),
    }
}

/// Compares the statements with the ledger.
async fn ask(
    stated: &Subject,
    arguments: &Arguments,
    settings: &Settings,
) -> Result<(Attested, Vec<String>), Failure> {
    let hash = |member: &'static str, text: &str| {
        receipt::bytes(member, text).map_err(|_| {
            let bad = BadCredential::Form(format!("{member} is no hash in hex"));
            Failure::from(bad)
        })
    };
    let id = hash("designId", &stated.design_id)?;
    let found = hash("chainId", &stated.chain_id)?;
    let mut client = settings.client().await?;
    let expected = *client.trust().chain_id();
    if found != expected {
        return Err(NotVerified::AnotherChain { found, expected }.into());
    }
    let receipt = match &arguments.receipt {
        Some(path) => Some(Receipt::read(path)?).filter(|r| r.design_id == stated.design_id),
        None => receipt::of_design(arguments.receipts.as_deref(), &stated.design_id)?,
    };
    let certificate = certify(&mut client, id, receipt).await?;
    let facts = certificate.facts(&mut client).await?;
    let reservations = credential::compare(stated, &facts).map_err(|member| {
        NotVerified::Contradiction(format!("the ledger proves another {member}"))
    })?;
    Ok((certificate.as_of, reservations))
}

fn print(stated: &Subject, as_of: Option<&Attested>, reservations: &[String], output: &mut Output) {
    let verdict = match reservations.is_empty() {
        true => output.good("VERIFIED"),
        false => output.good("VERIFIED, WITH RESERVATIONS"),
    };
    output.line(format!("Credential  {verdict}"));
    output.line(format!("Issuer      {}", plain(&stated.id)));
    output.line(format!("Design      {}", plain(&stated.design_id)));
    if let Some(title) = &stated.title {
        output.line(format!("Title       {}", plain(title)));
    }
    output.line(format!(
        "Owner       {} ({})",
        plain(&stated.organisation_name),
        plain(&stated.organisation)
    ));
    for file in &stated.file {
        let name = file.file_name.as_deref().map(plain).unwrap_or_default();
        output.line(format!("File        {}  {name}", plain(&file.sha256)));
    }
    output.line(format!(
        "Deposited   {} ± {:.1} s, at height {}",
        plain(&stated.deposited),
        stated.time_error_ms as f64 / 1000.0,
        stated.height
    ));
    output.line("Signature   holds: eddsa-jcs-2022, by the issuer's key");
    output.line(match as_of {
        Some(as_of) => format!(
            "Ledger      agrees, as of block {}, {}",
            as_of.header.height,
            utc(as_of.header.time_ms)
        ),
        None => "Ledger      not asked".to_owned(),
    });
    for reservation in reservations {
        output.line(format!("To weigh    {}", plain(reservation)));
    }
}
