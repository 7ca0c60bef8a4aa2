//! `touchstone authorised`: may a seller do something with a design, there and then? Proven yes, or proven no.

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use serde_json::Value;
use time::Date;
use time::macros::format_description;
use touchstone_client::NotVerified;
use touchstone_core::block::Header;
use touchstone_core::designs::authorised::{SaleAnswer, SaleQuestion};
use touchstone_core::genesis::Genesis;
use touchstone_core::proof::authorisation::{self, ExaminedAuthorisation};
use touchstone_proto::ledger::LicensedAct;

use super::keys::moment;
use super::organisations::is_known;
use crate::countries::country;
use crate::failure::Failure;
use crate::file;
use crate::messages::{Language, Speech};
use crate::output::{Output, add_member, attested_json, plain, utc};
use crate::rights;
use crate::say;
use crate::settings::Settings;

/// Ask, proven, whether a seller may sell a design in a country at a time
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone authorised 4be1… --seller shop --in CN
  touchstone authorised 4be1… --seller market.lin --in JP --on 2027-03-01 --act import
  touchstone authorised 4be1… --seller shop --in CN -o answer.authorisation
  touchstone authorised --check answer.authorisation --genesis genesis.json

A day is asked about as it begins in UTC. An answer about the past doesn't change any more.
Exit codes: 0 yes, proven; 3 not verified; 4 no, proven; 6 the records don't tell of so early a
time.")]
pub struct Arguments {
    /// The design's id (64 hex digits)
    #[arg(value_name = "ID", required_unless_present = "check", requires_all = ["seller", "territory"])]
    pub design: Option<String>,
    /// Id of the organisation that sells
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub seller: Option<String>,
    /// The country: ISO 3166-1 alpha-2
    #[arg(long = "in", value_name = "COUNTRY", value_parser = country)]
    pub territory: Option<String>,
    /// What it would do: make, offer, sell or import
    #[arg(long, value_name = "ACT", default_value = "sell", value_parser = rights::act)]
    pub act: LicensedAct,
    /// Write the answer as a file too, which anybody examines without a node
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
    /// Examine such a file, offline
    #[arg(long, value_name = "FILE", conflicts_with_all = ["design", "out"])]
    pub check: Option<PathBuf>,
    /// The day (2027-03-01) or moment (RFC 3339) [default: now]
    #[arg(long, value_name = "DAY|TIME")]
    pub on: Option<String>,
}

/// Asks or reads, checks and prints.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    if let Some(path) = &arguments.check {
        let examined = read(path, &settings.required_genesis()?)?;
        return tell(&examined, None, None, output);
    }
    if let Some(path) = &arguments.out {
        file::refuse_existing(path, arguments.force)?;
    }
    let design = arguments.design.as_deref().unwrap_or_default();
    let question = SaleQuestion {
        subject: super::right::id(design)?,
        seller: arguments.seller.clone().unwrap_or_default(),
        act: arguments.act,
        territory: arguments.territory.clone().unwrap_or_default(),
        at_ms: match &arguments.on {
            Some(text) => day_or_moment(text)?,
            None => output.now_ms(),
        },
    };
    let mut client = settings.client().await?;
    let answered = client.authorised(&question).await?;
    if let Some(path) = &arguments.out {
        file::write(path, &answered.file)?;
    }
    let is_known = match answered.answer {
        SaleAnswer::No(_) => Some(is_known(&mut client, &question.seller).await?),
        _ => None,
    };
    let header = attested_json(&answered.attested);
    let examined = ExaminedAuthorisation {
        header: answered.attested.header,
        question,
        answer: answered.answer,
    };
    tell(&examined, Some(header), is_known, output)
}

/// Examines a file.
fn read(path: &Path, genesis: &Genesis) -> Result<ExaminedAuthorisation, Failure> {
    let bytes = std::fs::read(path).map_err(|e| Failure::io("reading", path, &e))?;
    authorisation::examine(&bytes, genesis)
        .map_err(|e| NotVerified::evidence("authorisation", &e.to_string()).into())
}

/// Prints an answer; its exit code is the verdict. A no says whether the ledger knows the seller, where that was asked.
fn tell(
    examined: &ExaminedAuthorisation,
    header: Option<Value>,
    is_known: Option<bool>,
    output: &mut Output,
) -> Result<(), Failure> {
    let ExaminedAuthorisation {
        header: block,
        question: asked,
        answer,
    } = examined;
    let language = output.language;
    let act = rights::word(asked.act);
    let height = block.height;
    if output.json {
        let mut value = rights::answer_json(answer);
        let design = hex::encode(asked.subject);
        add_member(&mut value, "design_id", design.into());
        add_member(&mut value, "seller", asked.seller.as_str().into());
        add_member(&mut value, "seller_known", is_known.into());
        add_member(&mut value, "act", act.into());
        add_member(&mut value, "territory", asked.territory.as_str().into());
        add_member(&mut value, "time_ms", asked.at_ms.into());
        add_member(&mut value, "height", height.into());
        add_member(&mut value, "block_time_ms", block.time_ms.into());
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", header.unwrap_or(Value::Null));
        output.whole_value(&value);
    } else {
        let verdict = match answer {
            SaleAnswer::Owner | SaleAnswer::Licensed(_) => output.good(&say!(language, "YES")),
            SaleAnswer::No(_) => output.bad(&say!(language, "NO")),
            SaleAnswer::Untold { .. } => output.bad(&say!(language, "NOT TOLD")),
        };
        output.line(say!(
            language,
            "{verdict}: whether {seller} may {act} it in {place} on {time}, proven at height {height}",
            verdict = verdict,
            seller = plain(&asked.seller),
            act = language.term(act),
            place = plain(&asked.territory),
            time = utc(asked.at_ms),
            height = height
        ));
        if header.is_none() {
            output.line(block_line(language, block));
        }
        let unknown = is_known == Some(false);
        let unknown = unknown.then(|| unknown_seller(language, &asked.seller));
        for line in unknown.into_iter().chain(rights::grounds(language, answer)) {
            output.line(format!("{:<9} {line}", say!(language, "Because")));
        }
    }
    match answer {
        SaleAnswer::Owner | SaleAnswer::Licensed(_) => Ok(()),
        SaleAnswer::No(_) => Err(Failure::NotAuthorised {
            seller: asked.seller.clone(),
            height,
        }),
        SaleAnswer::Untold { .. } => Err(Failure::Reservations(say!(
            language,
            "the records don't tell of so early a time"
        ))),
    }
}

/// The block that a file is as of: whoever handed it in may have kept it, and what came later isn't in it.
pub(super) fn block_line(language: Language, block: &Header) -> String {
    say!(
        language,
        "Block     {height}, {time}",
        height = block.height,
        time = utc(block.time_ms)
    )
}

/// What a no says where the ledger knows no such seller: whoever mistyped it sees that.
pub(super) fn unknown_seller(language: Language, seller: &str) -> String {
    say!(
        language,
        "the ledger knows no organisation {seller}: is it the seller's id?",
        seller = plain(seller)
    )
}

/// The milliseconds at which a day begins in UTC, or of a moment.
pub(super) fn day_or_moment(text: &str) -> Result<u64, Failure> {
    let format = format_description!("[year]-[month]-[day]");
    match Date::parse(text, &format) {
        Ok(day) => {
            let begins = day.midnight().assume_utc().unix_timestamp_nanos() / 1_000_000;
            u64::try_from(begins).map_err(|_| Failure::Usage(format!("{text:?} is before 1970")))
        }
        Err(_) => moment(text),
    }
}
