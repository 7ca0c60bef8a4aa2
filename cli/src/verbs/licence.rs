//! `touchstone licence`: what an organisation lets another do with a design.

use std::path::PathBuf;

use serde_json::json;
use touchstone_client::rights as asked;
use touchstone_core::designs::licence::WORLD;
use touchstone_proto::ledger::{
    EndLicence, GrantLicence, LicenceTerms, LicensedAct, transaction::Action,
};

use super::keys::moment;
use super::right::{act, id};
use crate::countries::country;
use crate::failure::Failure;
use crate::file;
use crate::odrl;
use crate::output::{Output, attested_json, plain, utc};
use crate::rights;
use crate::say;
use crate::settings::{Settings, Signing};

/// Grant, end or show licences of a design
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Let another organisation do something with a design, as its owner or on your own licence
    #[command(after_help = "Examples:
  touchstone licence grant 4be1… --to market --act sell --in CN --until 2027-12-31T00:00:00Z
  touchstone licence grant 4be1… --to shop --on 77d… --act sell --in CN --until 2027-06-30T00:00:00Z
  touchstone licence grant 4be1… --to 'market.*' --act sell --in 001 --until 2027-06-30T00:00:00Z

A sublicence (--on LICENCE) lies within the licence that it stands on, and ends with it. market.* is
everyone for whom market vouches. 001 is the world. docs/designs.md tells of rights.")]
    Grant(Grant),
    /// End a licence that you granted, or that you have; those that stand on it end with it
    #[command(after_help = "Example:
  touchstone licence end 77d0… --reason 'not paid' --key maker.pem")]
    End(End),
    /// Show, proven, what a licence says and whether it was ended
    #[command(after_help = "Example:
  touchstone licence show 77d0…
  touchstone licence show 77d0… --odrl licence.json    the same as an ODRL agreement

Whether somebody may sell, `touchstone authorised` tells: that looks at all above the licence too.
Exit codes: 0 verified; 3 not verified; 4 no such licence (proven).")]
    Show(Show),
}

/// Arguments of `licence grant`.
#[derive(clap::Args, Debug)]
pub struct Grant {
    /// The design's id
    #[arg(value_name = "ID")]
    pub design: String,
    /// Who gets it: an organisation's id, or a voucher's id and .*
    #[arg(long, value_name = "LICENSEE")]
    pub to: String,
    /// Your licence that it stands on; without it, you own the design
    #[arg(long, value_name = "LICENCE")]
    pub on: Option<String>,
    /// What it is for: make, offer, sell or import
    #[arg(long, value_name = "ACT", required = true, value_delimiter = ',', value_parser = rights::act)]
    pub act: Vec<LicensedAct>,
    /// Where: countries by ISO 3166-1 alpha-2, or 001 for the world
    #[arg(long = "in", value_name = "COUNTRY", required = true, value_delimiter = ',', value_parser = territory)]
    pub territories: Vec<String>,
    /// The first moment (RFC 3339) [default: its block]
    #[arg(long, value_name = "TIME")]
    pub from: Option<String>,
    /// The last moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    pub until: String,
    /// How many levels of sublicences it allows, at most 3
    #[arg(long, value_name = "LEVELS", default_value_t = 0)]
    pub depth: u32,
    /// Who may get a sublicence [default: anyone]
    #[arg(long, value_name = "LICENSEE", value_delimiter = ',')]
    pub sublicensees: Vec<String>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `licence end`.
#[derive(clap::Args, Debug)]
pub struct End {
    /// The licence's id
    #[arg(value_name = "ID")]
    pub licence: String,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `licence show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The licence's id
    #[arg(value_name = "ID")]
    pub licence: String,
    /// Write it as an agreement in ODRL (JSON-LD) too
    #[arg(long, value_name = "FILE")]
    pub odrl: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long, requires = "odrl")]
    pub force: bool,
}

/// Acts, or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Grant(arguments) => {
            let action = Action::GrantLicence(granted(arguments)?);
            act(action, "Granted", &arguments.signing, settings, output).await
        }
        Verb::End(arguments) => {
            let action = Action::EndLicence(EndLicence {
                licence: id(&arguments.licence)?.to_vec(),
                reason: arguments.reason.clone(),
            });
            act(action, "Ended", &arguments.signing, settings, output).await
        }
        Verb::Show(arguments) => show(arguments, settings, output).await,
    }
}

fn granted(arguments: &Grant) -> Result<GrantLicence, Failure> {
    let mut acts: Vec<i32> = arguments.act.iter().map(|act| (*act).into()).collect();
    acts.sort_unstable();
    acts.dedup();
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort_unstable();
        names.dedup();
        names
    };
    let parent = arguments.on.as_deref().map(id).transpose()?;
    let from_ms = arguments.from.as_deref().map(moment).transpose()?;
    Ok(GrantLicence {
        subject: id(&arguments.design)?.to_vec(),
        parent: parent.map(Vec::from).unwrap_or_default(),
        licensee: arguments.to.clone(),
        terms: Some(LicenceTerms {
            acts,
            territories: sorted(&arguments.territories),
            from_ms: from_ms.unwrap_or(0),
            until_ms: moment(&arguments.until)?,
            depth: arguments.depth,
            sublicensees: sorted(&arguments.sublicensees),
        }),
    })
}

async fn show(arguments: &Show, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    if let Some(path) = &arguments.odrl {
        file::refuse_existing(path, arguments.force)?;
    }
    let mut client = settings.client().await?;
    let (attested, found) = asked::licence(&mut client, &id(&arguments.licence)?).await?;
    let height = attested.header.height;
    let Some((licence, end)) = found else {
        return Err(Failure::Absent {
            id: arguments.licence.clone(),
            height,
            message: format!("there is no licence {}", arguments.licence),
        });
    };
    if let Some(path) = &arguments.odrl {
        let chain_id = hex::encode(client.trust().chain_id());
        let agreement = odrl::agreement(&chain_id, &arguments.licence, &licence, end.as_ref());
        file::write(path, format!("{agreement:#}\n").as_bytes())?;
    }
    let terms = licence.terms.unwrap_or_default();
    let above: Vec<String> = licence.above.iter().map(hex::encode).collect();
    if output.json {
        output.value(&json!({
            "licence": arguments.licence,
            "design_id": hex::encode(&licence.subject),
            "above": above,
            "grantor": licence.grantor,
            "licensee": licence.licensee,
            "acts": rights::words(&terms.acts),
            "territories": terms.territories,
            "from_ms": terms.from_ms,
            "until_ms": terms.until_ms,
            "depth": terms.depth,
            "sublicensees": terms.sublicensees,
            "granted_ms": licence.time_ms,
            "ended_ms": end.as_ref().map(|end| end.time_ms),
            "ended_by": end.as_ref().map(|end| &end.organisation),
            "ended_reason": end.as_ref().map(|end| &end.reason),
            "verified": true,
            "header": attested_json(&attested),
        }));
        return Ok(());
    }
    let verdict = output.good("VERIFIED");
    let id = &arguments.licence;
    output.line(format!("Licence   {id}, {verdict} as of block {height}"));
    output.line(format!("Design    {}", hex::encode(&licence.subject)));
    let (grantor, licensee) = (plain(&licence.grantor), plain(&licence.licensee));
    output.line(format!(
        "Granted   {}, by {grantor} to {licensee}",
        utc(licence.time_ms)
    ));
    let acts = rights::named(output.language, &terms.acts);
    let places = rights::places(output.language, &terms.territories);
    output.line(format!("For       {acts} in {places}"));
    let (from, until) = (utc(terms.from_ms), utc(terms.until_ms));
    output.line(format!(
        "Term      {from} to {until}; sublicences {} deep",
        terms.depth
    ));
    if !terms.sublicensees.is_empty() {
        output.line(format!(
            "Only to   {}",
            plain(&terms.sublicensees.join(", "))
        ));
    }
    for parent in above {
        output.line(format!("Stands on {parent}"));
    }
    if let Some(path) = &arguments.odrl {
        let name = say!(output.language, "Written");
        output.line(format!("{name:<9} {}", plain(&path.display().to_string())));
    }
    if let Some(end) = end {
        let (time, by) = (utc(end.time_ms), plain(&end.organisation));
        output.line(format!("ENDED     {time} by {by}: {}", plain(&end.reason)));
    }
    Ok(())
}

fn territory(text: &str) -> Result<String, String> {
    match text {
        WORLD => Ok(text.to_owned()),
        other => country(other),
    }
}
