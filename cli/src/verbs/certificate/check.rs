//! `touchstone certificate --check`: a credential's signature, and what the ledger says about it.

use std::path::Path;

use serde_json::json;
use touchstone_client::{AttestedHeader, NotVerified};
use touchstone_core::evidence::Finding;

use super::{Arguments, certify};
use crate::deposit_certificate::content::CredentialContent;
use crate::deposit_certificate::credential::{self, BadCredential, CredentialStatement};
use crate::deposit_certificate::data_integrity::did_key;
use crate::deposit_certificate::status_list;
use crate::failure::Failure;
use crate::field_selection::FieldSelection;
use crate::fields;
use crate::file;
use crate::messages::{Speech, in_column};
use crate::output::{Output, attested_json, plain, utc};
use crate::receipt::{self, Receipt};
use crate::say;
use crate::settings::Settings;

/// Reads, checks, asks the ledger and prints.
pub(super) async fn run(
    path: &Path,
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let bytes = file::read_within(path, credential::MAX_BYTES as u64, |bytes| {
        BadCredential::Form(format!("{bytes} bytes are too many")).into()
    })?;
    let stated = credential::check(&bytes)?;
    let revoked = revoked(&stated, arguments.status_list.as_deref())?;
    if let Some(doubt) = settings.doubt_of_folder() {
        output.remark(doubt.to_string());
    }
    let is_asked = !arguments.offline && settings.examiners_genesis()?.is_some();
    let (as_of, mut reservations) = match is_asked {
        true => {
            let (as_of, reservations) = Box::pin(ask(&stated, arguments, settings)).await?;
            let reservations = reservations.iter();
            let reservations = reservations.map(|found| output.language.finding(found));
            (Some(as_of), reservations.collect())
        }
        false => {
            let unasked = say!(
                output.language,
                "the ledger was not asked (--genesis names its document): the signature holds, and all that is stated \
                 is the word of the key's holder"
            );
            (None, vec![unasked])
        }
    };
    let revoked = revoked.filter(|is_revoked| *is_revoked);
    reservations.extend(revoked.map(|_| {
        say!(
            output.language,
            "its issuer's status list says that it is to be relied on no more"
        )
    }));
    if output.json {
        // The reservations, which the exit code tells of, are in it.
        output.whole_value(&json!({
            "verified": true,
            "exit_code": if reservations.is_empty() { 0 } else { 6 },
            "ledger": as_of.as_ref().map(attested_json),
            "reservations": reservations,
            "issuer": did_key(&stated.issuer),
            "credential_subject": stated.subject,
        }));
    } else {
        print(&stated, as_of.as_ref(), &reservations, output);
    }
    match reservations.is_empty() {
        true => Ok(()),
        false => Err(Failure::Reservations(say!(
            output.language,
            "verified, with the reservations named above"
        ))),
    }
}

/// Whether the issuer's status list says that the credential is to be relied on no more, where one is at hand.
fn revoked(statement: &CredentialStatement, path: Option<&Path>) -> Result<Option<bool>, Failure> {
    let Some(path) = path else {
        return Ok(None);
    };
    let bytes = file::read_within(path, credential::MAX_BYTES as u64, |bytes| {
        BadCredential::Form(format!("{bytes} bytes are too many")).into()
    })?;
    let list = status_list::read(&bytes)?;
    // Another's list says nothing of this credential.
    let own = statement
        .status
        .as_ref()
        .filter(|_| list.issuer == statement.issuer);
    match own.and_then(|entry| list.is_revoked(entry)) {
        Some(is_revoked) => Ok(Some(is_revoked)),
        None => Err(NotVerified::Contradiction(format!(
            "{}: not the status list that the credential names, or not its issuer's",
            plain(&path.display().to_string())
        ))
        .into()),
    }
}

/// Compares the statements with the ledger.
async fn ask(
    statement: &CredentialStatement,
    arguments: &Arguments,
    settings: &Settings,
) -> Result<(AttestedHeader, Vec<Finding>), Failure> {
    let hash = |member: &'static str, text: &str| {
        receipt::bytes(member, text).map_err(|_| {
            let bad = BadCredential::Form(format!("{member} is no hash in hex"));
            Failure::from(bad)
        })
    };
    let stated = &statement.subject;
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
    let certificate = Box::pin(certify(&mut client, id, receipt, &FieldSelection::all())).await?;
    let facts = Box::pin(certificate.facts(&mut client)).await?;
    let reservations = credential::compare(statement, &facts).map_err(|member| {
        NotVerified::Contradiction(format!("the ledger proves another {member}"))
    })?;
    Ok((certificate.as_of, reservations))
}

fn print(
    statement: &CredentialStatement,
    as_of: Option<&AttestedHeader>,
    reservations: &[String],
    output: &mut Output,
) {
    let language = output.language;
    let stated = &statement.subject;
    let verdict = match reservations.is_empty() {
        true => output.good(&say!(language, "VERIFIED")),
        false => output.good(&say!(language, "VERIFIED, WITH RESERVATIONS")),
    };
    let issuer = did_key(&statement.issuer);
    let mut rows = vec![
        (say!(language, "Credential"), verdict),
        (say!(language, "Issuer"), issuer.clone()),
        (say!(language, "Design"), plain(&stated.design_id)),
    ];
    if stated.id != issuer {
        rows.push((say!(language, "Owner key"), plain(&stated.id)));
    }
    if let Some(title) = stated.title.as_ref().filter(|_| stated.content.is_none()) {
        rows.push((say!(language, "Title"), plain(title)));
    }
    for (name, value) in stated.content.iter().flat_map(CredentialContent::named) {
        rows.push((fields::name_in(language, name), plain(&value)));
    }
    let owner = format!(
        "{} ({})",
        plain(&stated.organisation_name),
        plain(&stated.organisation)
    );
    rows.push((say!(language, "Owner"), owner));
    for file in &stated.file {
        let name = file.file_name.as_deref().map(plain).unwrap_or_default();
        rows.push((
            say!(language, "File"),
            format!("{}  {name}", plain(&file.sha256)),
        ));
    }
    rows.push((
        say!(language, "Deposited"),
        say!(
            language,
            "{time} ± {error} s, at height {height}",
            time = plain(&stated.deposited),
            error = format!("{:.1}", stated.time_error_ms as f64 / 1000.0),
            height = stated.height
        ),
    ));
    rows.push((
        say!(language, "Signature"),
        say!(language, "holds: eddsa-jcs-2022, by the issuer's key"),
    ));
    rows.push((
        say!(language, "Ledger"),
        match as_of {
            Some(as_of) => say!(
                language,
                "agrees, as of block {height}, {time}",
                height = as_of.header.height,
                time = utc(as_of.header.time_ms)
            ),
            None => say!(language, "not asked"),
        },
    ));
    for reservation in reservations {
        rows.push((say!(language, "To weigh"), plain(reservation)));
    }
    for (name, text) in rows {
        output.line(format!("{} {text}", in_column(&name, 11)));
    }
}
