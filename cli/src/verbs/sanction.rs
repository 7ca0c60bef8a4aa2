//! `touchstone sanction`: an authority bars an organisation for a term, and another one decides about its appeal.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use touchstone_client::cases as asked;
use touchstone_proto::ledger::{
    AppealSanction, DecideAppeal, ImposeSanction, SanctionKind, SanctionOutcome,
    transaction::Action,
};

use super::dispute::{Reasoned, named, sha256};
use super::keys::moment;
use super::organisations::check_known;
use super::right::{act, id};
use crate::failure::Failure;
use crate::output::{Output, add_member, attested_json, plain};
use crate::sanctions;
use crate::settings::{Settings, Signing};

/// Impose a sanction, appeal one, decide about an appeal, or show which hold
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Bar an organisation for a term, for what disputes have found against it
    #[command(after_help = "Example:
  touchstone sanction impose shop --kind no-sales --for 77d0… --until 2027-11-29T00:00:00Z \\
    --reasons r.pdf --rule-book b.pdf --key market.pem

Kinds: warning, no-notices (after false notices), no-sales (after upheld notices). It holds at once,
for all keys of the organisation. docs/disputes.md tells who may, for what, and the terms. Where an
IP office or a court bars, it holds for all that are vouched for with its register's number, too.")]
    Impose(Impose),
    /// Appeal a sanction against you to another authority, once
    #[command(after_help = "Example:
  touchstone sanction appeal 9a0b… --authority court --reasons appeal.pdf --key shop.pem")]
    Appeal(Appeal),
    /// Decide about an appeal to you
    #[command(after_help = "Example:
  touchstone sanction decide 9a0b… --decision lifted --reasons r.pdf --rule-book b.pdf --key c.pem")]
    Decide(Decide),
    /// Show, proven, a sanction and what became of its appeal
    #[command(after_help = "Example:
  touchstone sanction show 9a0b…

Exit codes: 0 verified; 3 not verified; 4 no such sanction (proven).")]
    Show(Show),
    /// Show, proven, the sanctions that hold for an organisation, or did
    #[command(after_help = "Example:
  touchstone sanction party shop

Exit codes: 0 verified; 3 not verified; 4 no such organisation (proven).")]
    Party(Party),
}

/// Arguments of `sanction impose`.
#[derive(clap::Args, Debug)]
pub struct Impose {
    /// Id of the organisation
    #[arg(value_name = "ID")]
    pub party: String,
    /// warning, no-notices or no-sales
    #[arg(long, value_name = "KIND", value_parser = kind)]
    pub kind: SanctionKind,
    /// The dispute that found something against it; several: say it again
    #[arg(long = "for", value_name = "DISPUTE", required = true)]
    pub grounds: Vec<String>,
    /// The last moment of the term (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub until: String,
    /// Why
    #[command(flatten)]
    pub reasoned: Reasoned,
}

/// Arguments of `sanction appeal`.
#[derive(clap::Args, Debug)]
pub struct Appeal {
    /// The sanction's id
    #[arg(value_name = "SANCTION")]
    pub sanction: String,
    /// Id of the IP office or court on this ledger
    #[arg(long, value_name = "ID")]
    pub authority: String,
    /// The reasons; their SHA-256 is recorded
    #[arg(long, value_name = "FILE")]
    pub reasons: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `sanction decide`.
#[derive(clap::Args, Debug)]
pub struct Decide {
    /// The sanction's id
    #[arg(value_name = "SANCTION")]
    pub sanction: String,
    /// confirmed or lifted
    #[arg(long, value_name = "DECISION", value_parser = decision)]
    pub decision: SanctionOutcome,
    /// Why
    #[command(flatten)]
    pub reasoned: Reasoned,
}

/// Arguments of `sanction show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The sanction's id
    #[arg(value_name = "SANCTION")]
    pub sanction: String,
}

/// Arguments of `sanction party`.
#[derive(clap::Args, Debug)]
pub struct Party {
    /// Id of the organisation
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub party: String,
}

/// Acts, or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let (action, done, signing) = match verb {
        Verb::Show(arguments) => return show(arguments, settings, output).await,
        Verb::Party(arguments) => return party(arguments, settings, output).await,
        Verb::Impose(a) => {
            let grounds = a.grounds.iter().map(|ground| Ok(id(ground)?.to_vec()));
            let mut grounds = grounds.collect::<Result<Vec<_>, Failure>>()?;
            grounds.sort_unstable();
            let action = ImposeSanction {
                party: a.party.clone(),
                kind: a.kind.into(),
                grounds,
                reasons: sha256(&a.reasoned.reasons)?,
                rule_book: sha256(&a.reasoned.rule_book)?,
                until_ms: moment(&a.until)?,
            };
            (
                Action::ImposeSanction(action),
                "Imposed",
                &a.reasoned.signing,
            )
        }
        Verb::Appeal(a) => {
            let action = AppealSanction {
                sanction: id(&a.sanction)?.to_vec(),
                authority: a.authority.clone(),
                reasons: sha256(&a.reasons)?,
            };
            (Action::AppealSanction(action), "Appealed", &a.signing)
        }
        Verb::Decide(a) => {
            let action = DecideAppeal {
                sanction: id(&a.sanction)?.to_vec(),
                outcome: a.decision.into(),
                reasons: sha256(&a.reasoned.reasons)?,
                rule_book: sha256(&a.reasoned.rule_book)?,
            };
            (Action::DecideAppeal(action), "Decided", &a.reasoned.signing)
        }
    };
    act(action, done, signing, settings, output).await
}

async fn show(arguments: &Show, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let sanction = id(&arguments.sanction)?;
    let mut client = settings.client().await?;
    let (attested, found) = asked::sanction(&mut client, &sanction).await?;
    let height = attested.header.height;
    let found = found.ok_or_else(|| Failure::Absent {
        id: arguments.sanction.clone(),
        height,
        message: format!("there is no sanction {}", arguments.sanction),
    })?;
    if output.json {
        let mut value = sanctions::json(&sanction, &found);
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", attested_json(&attested));
        output.value(&value);
        return Ok(());
    }
    let verdict = output.good("VERIFIED");
    let party = plain(&found.party);
    output.line(format!("Party     {party}, {verdict} as of block {height}"));
    for line in sanctions::lines(output.language, &sanction, &found) {
        output.line(format!("          {line}"));
    }
    Ok(())
}

async fn party(arguments: &Party, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let found = asked::of_party(&mut client, &arguments.party).await?;
    if !found.is_any() {
        check_known(&mut client, &arguments.party).await?;
    }
    if output.json {
        let mut value = sanctions::of_party_json(&found.fact);
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", attested_json(&found.attested));
        output.value(&value);
        return Ok(());
    }
    let verdict = output.good("VERIFIED");
    let height = found.attested.header.height;
    let party = plain(&arguments.party);
    output.line(format!("Party     {party}, {verdict} as of block {height}"));
    for line in sanctions::of_party(output.language, &found.fact) {
        output.line(format!("          {line}"));
    }
    Ok(())
}

fn kind(text: &str) -> Result<SanctionKind, String> {
    named(text, &sanctions::KINDS)
}

fn decision(text: &str) -> Result<SanctionOutcome, String> {
    named(text, &sanctions::DECISIONS)
}
