//! `touchstone mark`: an IP office attests what its register says of a trade mark; rights and licences stand on that.

use clap::builder::NonEmptyStringValueParser;
use serde_json::json;
use touchstone_core::designs::{mark, right};
use touchstone_core::governance::organisation;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_proto::ledger::{AttestMark, Mark, Right, transaction::Action};

use super::keys::moment;
use super::organisations::check_known;
use super::right::id;
use crate::failure::Failure;
use crate::output::{Output, attested_json, plain, utc};
use crate::rights;
use crate::settings::{Settings, Signing};

/// Attest a trade mark as its IP office, or show one
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Attest that a mark stands in your register: who owns it, for which classes, until when
    #[command(after_help = "Examples:
  touchstone mark attest 1234567 --name Cloud --owner maker --class 25 --until 2036-01-31T00:00:00Z
  touchstone mark attest 1234567 --name Cloud --owner market --class 18 --until 2046-01-31T00:00:00Z

Attest again to renew the term, or to record another owner; `touchstone right end ID` strikes the
mark out. The owner licenses it with `touchstone licence grant ID`, as a design.")]
    Attest(Attest),
    /// Show, proven, what an office attests of a mark, and its id for licences
    #[command(after_help = "Examples:
  touchstone mark show 1234567 --office ip-office
  touchstone mark show 4be1…                       by its id

Exit codes: 0 verified; 3 not verified; 4 no such mark (proven).")]
    Show(Show),
}

/// Arguments of `mark attest`.
#[derive(clap::Args, Debug)]
pub struct Attest {
    /// The number in your register
    pub number: String,
    /// The mark in words
    #[arg(long)]
    pub name: String,
    /// Id of the organisation that owns it
    #[arg(long, value_name = "ID")]
    pub owner: String,
    /// Classes of the Nice Agreement: 1 to 45
    #[arg(
        long = "class",
        value_name = "CLASS",
        required = true,
        value_delimiter = ','
    )]
    pub classes: Vec<u32>,
    /// The last moment of the registration's term (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub until: String,
    /// Who attests
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `mark show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The mark's number in the office's register, or its id (64 hex digits)
    #[arg(value_name = "NUMBER|ID", value_parser = NonEmptyStringValueParser::new())]
    pub mark: String,
    /// The office whose number it is
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub office: Option<String>,
}

/// Attests, or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Attest(arguments) => attest(arguments, settings, output).await,
        Verb::Show(arguments) => show(arguments, settings, output).await,
    }
}

async fn attest(
    arguments: &Attest,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let classes = mark::class_bits(&arguments.classes)
        .ok_or_else(|| Failure::Usage("--class: classes are 1 to 45".to_owned()))?;
    let action = AttestMark {
        number: arguments.number.clone(),
        name: arguments.name.clone(),
        owner: arguments.owner.clone(),
        classes,
        until_ms: moment(&arguments.until)?,
    };
    let signer = settings.signer(&arguments.signing)?;
    let subject = hex::encode(mark::id(&signer.organisation, &arguments.number));
    let mut client = settings.client().await?;
    let action = Action::AttestMark(action);
    let recorded = client.act(&signer, output.now_ms(), action).await?;
    let height = recorded.attested.header.height;
    if output.json {
        output.value(&json!({
            "mark_id": subject,
            "transaction": hex::encode(recorded.id),
            "height": height,
        }));
    } else {
        output.line(format!("Mark      {subject}"));
        output.line(format!("Attested  at block {height} (proven)"));
    }
    Ok(())
}

fn subject(arguments: &Show) -> Result<Hash, Failure> {
    match &arguments.office {
        Some(office) if organisation::is_id(office) => Ok(mark::id(office, &arguments.mark)),
        Some(office) => Err(Failure::Usage(format!(
            "{}: no organisation's id",
            plain(office)
        ))),
        None => id(&arguments.mark),
    }
}

async fn show(arguments: &Show, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let subject = subject(arguments)?;
    let mut client = settings.client().await?;
    let (_, found): (_, Option<Mark>) = client.message(&keys::mark(&subject)).await?;
    let (attested, right): (_, Option<Right>) = client.message(&keys::right(&subject)).await?;
    let height = attested.header.height;
    let id = hex::encode(subject);
    let (Some(found), Some(right)) = (found, right) else {
        if let Some(office) = &arguments.office {
            check_known(&mut client, office).await?;
        }
        return Err(Failure::Absent {
            message: format!("no mark {id} is attested"),
            id,
            height,
        });
    };
    let classes: Vec<String> = mark::classes(found.classes)
        .iter()
        .map(u32::to_string)
        .collect();
    if output.json {
        output.value(&json!({
            "mark_id": id,
            "office": found.office,
            "number": found.number,
            "name": found.name,
            "classes": mark::classes(found.classes),
            "attested_ms": found.time_ms,
            "until_ms": right.until_ms,
            "ends_ms": right::ends_ms(&right),
            "right": rights::json(&right),
            "verified": true,
            "header": attested_json(&attested),
        }));
        return Ok(());
    }
    let verdict = output.good("VERIFIED");
    output.line(format!("Mark      {id}, {verdict} as of block {height}"));
    let (name, number) = (plain(&found.name), plain(&found.number));
    let office = plain(&found.office);
    output.line(format!("Name      {name}, number {number} of {office}"));
    output.line(format!("Classes   {}", classes.join(", ")));
    let (time, until) = (utc(found.time_ms), utc(right.until_ms));
    output.line(format!("Attested  {time}, registered until {until}"));
    for line in rights::lines(output.language, &right) {
        output.line(format!("Right     {line}"));
    }
    Ok(())
}
