//! `touchstone certificate --check`: a credential's signature, and what the ledger says about it.

use std::path::Path;

use serde_json::json;
use touchstone_client::{AttestedHeader, NotVerified};
use touchstone_core::evidence::Finding;

use super::{Arguments, certify, receipt_of};
use crate::deposit_certificate::content::CredentialContent;
use crate::deposit_certificate::credential::{self, BadCredential, CredentialStatement};
use crate::deposit_certificate::data_integrity::did_key;
use crate::deposit_certificate::status_list;
use crate::failure::Failure;
use crate::field_selection::FieldSelection;
use crate::fields;
use crate::file;
use crate::messages::{Language, Speech, in_column};
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
    let listed = listed(&stated, arguments.status_list.as_deref())?;
    if let Some(doubt) = settings.doubt_of_folder() {
        output.remark(doubt.to_string());
    }
    let is_asked = !arguments.offline && settings.examiners_genesis()?.is_some();
    let (as_of, mut reservations) = match is_asked {
        true => {
            let (as_of, reservations) = Box::pin(ask(&stated, arguments, settings, output)).await?;
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
    reservations.extend(
        listed
            .iter()
            .flat_map(|listed| listed.reservations(output.language)),
    );
    if output.json {
        // The reservations, which the exit code tells of, are in it.
        output.whole_value(&json!({
            "verified": true,
            "exit_code": if reservations.is_empty() { 0 } else { 6 },
            "ledger": as_of.as_ref().map(attested_json),
            "status_list": listed.as_ref().map(|listed| json!({
                "revoked": listed.is_revoked,
                "date": listed.date,
            })),
            "reservations": reservations,
            "issuer": did_key(&stated.issuer),
            "credential_subject": stated.subject,
        }));
    } else {
        let date = listed.as_ref().and_then(|listed| listed.date.as_deref());
        print(&stated, as_of.as_ref(), date, &reservations, output);
    }
    match reservations.is_empty() {
        true => Ok(()),
        false => Err(Failure::Reservations(say!(
            output.language,
            "verified, with the reservations named above"
        ))),
    }
}

/// What the issuer's status list says of the credential.
struct ListedStatus {
    /// Whether it is to be relied on no more.
    is_revoked: bool,
    /// As of when, by the issuer's word.
    date: Option<String>,
}

impl ListedStatus {
    /// What its reader must weigh: whoever hands a list in may hand in one of before.
    fn reservations(&self, language: Language) -> Vec<String> {
        let mut found = Vec::new();
        if self.is_revoked {
            found.push(say!(
                language,
                "its issuer's status list says that it is to be relied on no more"
            ));
        }
        if self.date.is_none() {
            found.push(say!(
                language,
                "its issuer's status list has no date: it may be older than what became of the credential"
            ));
        }
        found
    }
}

/// What the issuer's status list says of the credential, where one is at hand.
fn listed(
    statement: &CredentialStatement,
    path: Option<&Path>,
) -> Result<Option<ListedStatus>, Failure> {
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
        Some(is_revoked) => Ok(Some(ListedStatus {
            is_revoked,
            date: list.date,
        })),
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
    output: &mut Output,
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
        None => receipt_of(arguments, &stated.design_id, output)?.0,
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
    list_date: Option<&str>,
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
    if let Some(date) = list_date {
        rows.push((
            say!(language, "Status"),
            say!(
                language,
                "by its issuer's list of {date}; a later one may say another",
                date = plain(date)
            ),
        ));
    }
    for reservation in reservations {
        rows.push((say!(language, "To weigh"), plain(reservation)));
    }
    for (name, text) in rows {
        output.line(format!("{} {text}", in_column(&name, 11)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_without_a_date_is_weighed() {
        for (is_revoked, date, count) in [
            (false, Some("2026-11-29T12:00:00.000Z"), 0),
            (false, None, 1),
            (true, Some("2026-11-29T12:00:00.000Z"), 1),
            (true, None, 2),
        ] {
            let date = date.map(str::to_owned);
            let listed = ListedStatus { is_revoked, date };
            assert_eq!(listed.reservations(Language::English).len(), count);
        }
    }
}
