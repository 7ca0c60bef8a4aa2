//! `touchstone dispute`: notice of an infringing listing, and what follows, by the clocks of the law.

mod listing;
mod routes;
mod source;

use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use serde_json::json;
use touchstone_client::NotVerified;
use touchstone_client::disputes as asked;
use touchstone_proto::ledger::{
    AnswerNotice, CounterNotice, Dispute, DisputeOutcome, DisputeTally, GiveNotice,
    PlatformMeasure, RuleDispute, ShowFiling, WithdrawNotice, transaction::Action,
};

use super::organisations::{check_known, proven_absent};
use super::right::{act, id};
use crate::cases;
use crate::disputes::{self, CaseFile};
use crate::failure::Failure;
use crate::messages::{Language, Speech};
use crate::output::{Output, add_member, attested_json, counted, plain};
use crate::pack;
use crate::receipt;
use crate::sanctions;
use crate::say;
use crate::settings::{Settings, Signing};

/// Give notice of an infringing listing, answer one, rule, or show a dispute
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Give a platform notice of a listing that infringes your right
    #[command(after_help = "Example:
  touchstone dispute notice 4be1… --platform market --respondent shop --listing URL --evidence c.pdf

The file stays with you; its SHA-256 is recorded. docs/disputes.md tells of phases and deadlines.")]
    Notice(Notice),
    /// Answer a notice as the platform: which measure you take, or that you refuse
    #[command(after_help = "Example:
  touchstone dispute answer 77d0… --measure removed --reason 'the pictures agree' --key market.pem")]
    Answer(Answer),
    /// Ask an assistance centre, as the platform, about a listing that is hard to judge
    #[command(after_help = "Example:
  touchstone dispute refer 77d0… --centre aid --reasons q.pdf --rule-book r.pdf --key market.pem

Once in a dispute. If it says that the listing infringes, take a measure.")]
    Refer(routes::Refer),
    /// Ask an assistance centre about your notice, which the platform refused
    #[command(after_help = "Example:
  touchstone dispute contest 77d0… --centre aid --reasons q.pdf --key maker.pem

Once in a dispute; afterwards, or instead, `touchstone dispute file` goes to an IP office or court.")]
    Contest(routes::Contest),
    /// Give your opinion on a listing as the assistance centre that was asked
    #[command(after_help = "Example:
  touchstone dispute opinion 77d0… --opinion infringes --reasons o.pdf --rule-book r.pdf --key a.pem")]
    Opinion(routes::Opinion),
    /// Declare that you don't infringe; the platform passes it on for one without an organisation
    #[command(after_help = "Example:
  touchstone dispute counter 77d0… --declaration statement.pdf --key shop.pem")]
    Counter(Counter),
    /// Export the custody chains of the goods in question as a defence: where you have them from
    #[command(after_help = "Example:
  touchstone dispute source 77d0… https://id.gs1.org/00/095212340000000150 -o source/
  touchstone dispute counter 77d0… --declaration source/pack.json --key shop.pem

Each item becomes a file of evidence that anybody verifies offline; pack.json names each with its
SHA-256. Whether they show a lawful source (Patent Law, Art. 77) is for who decides.

Exit codes: 0 written; 3 not verified; 4 no such dispute or item (proven).")]
    Source(source::Arguments),
    /// Show that you complained to an authority or sued: the measures stay until it rules
    #[command(after_help = "Example:
  touchstone dispute file 77d0… --authority ip-office --reference '(2026) 7' --key maker.pem")]
    File(Filing),
    /// Withdraw your notice, before it is filed with an authority
    #[command(after_help = "Example:
  touchstone dispute withdraw 77d0… --reason 'a mistake' --key maker.pem")]
    Withdraw(Withdraw),
    /// Rule as the authority with which it was filed
    #[command(after_help = "Example:
  touchstone dispute rule 77d0… --ruling upheld --reasons ruling.pdf --rule-book r.pdf --key o.pem")]
    Rule(Rule),
    /// Show, proven, what happened in a dispute and what it waits for
    #[command(after_help = "Example:
  touchstone dispute show 77d0…
  touchstone dispute show 77d0… --pack notice/    is that folder the one of the notice?

Exit codes: 0 verified; 3 not verified; 4 no such dispute (proven); 7 verified, and a file in the
folder is no part of the pack.")]
    Show(Show),
    /// Show, proven, how a party's disputes went
    #[command(after_help = "Examples:
  touchstone dispute party maker
  touchstone dispute party shop-7 --platform market    a shop that only its platform knows

Exit codes: 0 verified; 3 not verified; 4 no such organisation, and no notice names it (proven).")]
    Party(Party),
    /// Show, proven, all notices about a listing, under whatever right, and which measure is in force
    #[command(after_help = "Example:
  touchstone dispute listing https://market.example/lamp --platform market

A measure is in force from the platform's answer until the dispute lifts it: withdrawn, dismissed, a
false notice, a declaration without a filing, or no ruling. Each notice names the one before it.

Exit codes: 0 verified; 3 not verified; 4 no notice about it (proven); 6 older ones not read.")]
    Listing(listing::Arguments),
}

/// Arguments of `dispute notice`.
#[derive(clap::Args, Debug)]
pub struct Notice {
    /// What your right is to: a design's or a mark's id
    #[arg(value_name = "ID")]
    pub subject: String,
    /// Id of the platform
    #[arg(long, value_name = "ID")]
    pub platform: String,
    /// Whose listing it is: an organisation's id, or as the platform names it
    #[arg(long, value_name = "NAME")]
    pub respondent: String,
    /// Where the listing is found
    #[arg(long, value_name = "URL")]
    pub listing: String,
    /// The prima facie evidence
    #[arg(long, value_name = "FILE")]
    pub evidence: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `dispute answer`.
#[derive(clap::Args, Debug)]
pub struct Answer {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// removed, blocked, disconnected, terminated or refused
    #[arg(long, value_name = "MEASURE", value_parser = measure)]
    pub measure: PlatformMeasure,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `dispute counter`.
#[derive(clap::Args, Debug)]
pub struct Counter {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// The declaration, with its prima facie evidence
    #[arg(long, value_name = "FILE")]
    pub declaration: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `dispute file`.
#[derive(clap::Args, Debug)]
pub struct Filing {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Id of the IP office or court on this ledger
    #[arg(long, value_name = "ID")]
    pub authority: String,
    /// Its number of the case
    #[arg(long, value_name = "NUMBER")]
    pub reference: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `dispute withdraw`.
#[derive(clap::Args, Debug)]
pub struct Withdraw {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// Why
    #[arg(long)]
    pub reason: String,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// What a decision rests on.
#[derive(clap::Args, Debug)]
pub struct Reasoned {
    /// The reasons; their SHA-256 is recorded
    #[arg(long, value_name = "FILE")]
    pub reasons: PathBuf,
    /// The rule book that was applied; its SHA-256 is recorded
    #[arg(long, value_name = "FILE")]
    pub rule_book: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Arguments of `dispute rule`.
#[derive(clap::Args, Debug)]
pub struct Rule {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// upheld, dismissed, false-notice or false-declaration
    #[arg(long, value_name = "RULING", value_parser = ruling)]
    pub ruling: DisputeOutcome,
    /// Why
    #[command(flatten)]
    pub reasoned: Reasoned,
}

/// Arguments of `dispute show`.
#[derive(clap::Args, Debug)]
pub struct Show {
    /// The dispute's id
    #[arg(value_name = "ID")]
    pub dispute: String,
    /// A folder that you were sent: is it the one of the notice or of the declaration?
    #[arg(long, value_name = "FOLDER")]
    pub pack: Option<PathBuf>,
}

/// Arguments of `dispute party`.
#[derive(clap::Args, Debug)]
pub struct Party {
    /// Id of the organisation, or a shop's name as its platform has it
    #[arg(value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub party: String,
    /// The platform of a shop that isn't an organisation of the ledger
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub platform: Option<String>,
}

/// Acts, or shows.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let (action, done, signing) = match verb {
        Verb::Show(arguments) => return show(arguments, settings, output).await,
        Verb::Party(arguments) => return party(arguments, settings, output).await,
        Verb::Listing(arguments) => return listing::run(arguments, settings, output).await,
        Verb::Source(arguments) => return source::run(arguments, settings, output).await,
        Verb::Notice(a) => {
            let action = GiveNotice {
                subject: id(&a.subject)?.to_vec(),
                platform: a.platform.clone(),
                respondent: a.respondent.clone(),
                listing: a.listing.clone(),
                evidence: sha256(&a.evidence)?,
            };
            (Action::GiveNotice(action), "Noticed", &a.signing)
        }
        Verb::Answer(a) => {
            let action = AnswerNotice {
                dispute: id(&a.dispute)?.to_vec(),
                measure: a.measure.into(),
                reason: a.reason.clone(),
            };
            (Action::AnswerNotice(action), "Answered", &a.signing)
        }
        Verb::Refer(a) => (a.action()?, "Referred", &a.reasoned.signing),
        Verb::Contest(a) => (a.action()?, "Contested", &a.signing),
        Verb::Opinion(a) => (a.action()?, "Opined", &a.reasoned.signing),
        Verb::Counter(a) => {
            let action = CounterNotice {
                dispute: id(&a.dispute)?.to_vec(),
                declaration: sha256(&a.declaration)?,
            };
            (Action::CounterNotice(action), "Declared", &a.signing)
        }
        Verb::File(a) => {
            let action = ShowFiling {
                dispute: id(&a.dispute)?.to_vec(),
                authority: a.authority.clone(),
                reference: a.reference.clone(),
            };
            (Action::ShowFiling(action), "Filed", &a.signing)
        }
        Verb::Withdraw(a) => {
            let action = WithdrawNotice {
                dispute: id(&a.dispute)?.to_vec(),
                reason: a.reason.clone(),
            };
            (Action::WithdrawNotice(action), "Withdrawn", &a.signing)
        }
        Verb::Rule(a) => {
            let action = RuleDispute {
                dispute: id(&a.dispute)?.to_vec(),
                outcome: a.ruling.into(),
                reasons: sha256(&a.reasoned.reasons)?,
                rule_book: sha256(&a.reasoned.rule_book)?,
            };
            (Action::RuleDispute(action), "Ruled", &a.reasoned.signing)
        }
    };
    act(action, done, signing, settings, output).await
}

/// SHA-256 of a file.
pub(super) fn sha256(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = receipt::hash_file(path)?;
    Ok(receipt::bytes("sha256", &file.sha256)?.to_vec())
}

async fn show(arguments: &Show, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let (attested, found) = asked::dispute(&mut client, &id(&arguments.dispute)?).await?;
    let height = attested.header.height;
    let found = found.ok_or_else(|| Failure::Absent {
        id: arguments.dispute.clone(),
        height,
        message: format!("there is no dispute {}", arguments.dispute),
    })?;
    let beside = touchstone_client::cases::of_dispute(&mut client, &found).await?;
    let packed = arguments
        .pack
        .as_deref()
        .map(|folder| packed(folder, &found));
    let packed = packed.transpose()?;
    if output.json {
        let mut value = disputes::json(&found);
        if let Some(Packed { of, files, strange }) = &packed {
            let pack = json!({"of": of, "files": files, "strange": strange});
            add_member(&mut value, "pack", pack);
        }
        let checks = beside.checks.iter();
        let checks: Vec<_> = checks.map(|(id, c)| cases::check_json(id, c)).collect();
        add_member(&mut value, "checks", checks.into());
        let imposed = beside.sanctions.iter();
        let imposed: Vec<_> = imposed.map(|(id, s)| sanctions::json(id, s)).collect();
        add_member(&mut value, "sanctions", imposed.into());
        add_member(&mut value, "dispute", arguments.dispute.as_str().into());
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", attested_json(&attested));
        output.value(&value);
        return packed.map_or(Ok(()), |packed| packed.check(output.language));
    }
    let verdict = output.good("VERIFIED");
    let dispute = &arguments.dispute;
    output.line(format!(
        "Dispute   {dispute}, {verdict} as of block {height}"
    ));
    output.line(format!("About     {}", hex::encode(&found.subject)));
    let language = output.language;
    let records = CaseFile {
        dispute: &found,
        panels: &[],
        checks: &beside.checks,
        sanctions: &beside.sanctions,
    };
    for line in records.lines(language) {
        output.line(format!("          {line}"));
    }
    if let Some(packed) = &packed {
        let files = language.line(&counted(packed.files, "file"));
        output.line(match packed.of {
            "notice" => say!(
                language,
                "Pack      {files}, whole: it is the one of the notice",
                files = files
            ),
            _ => say!(
                language,
                "Pack      {files}, whole: it is the one of the declaration",
                files = files
            ),
        });
    }
    packed.map_or(Ok(()), |packed| packed.check(language))
}

/// A folder that was sent.
struct Packed {
    /// Whose it is.
    of: &'static str,
    /// How many files it holds.
    files: usize,
    /// What lies beside them, which nobody packed.
    strange: Vec<String>,
}

impl Packed {
    /// Nobody takes what was laid into the folder for a part of it.
    fn check(&self, language: Language) -> Result<(), Failure> {
        let names: Vec<String> = self.strange.iter().map(|name| plain(name)).collect();
        match names.is_empty() {
            true => Ok(()),
            false => Err(Failure::Exhibit(say!(
                language,
                "the pack is whole, but these files in its folder are no part of it: {names}",
                names = names.join(", ")
            ))),
        }
    }
}

/// Whose folder it is, and what it holds.
fn packed(folder: &Path, dispute: &Dispute) -> Result<Packed, Failure> {
    let (sha256, files) = pack::check(folder)?;
    let sha256 = sha256.as_slice();
    let of = match (sha256 == dispute.evidence, sha256 == dispute.declaration) {
        (true, _) => "notice",
        (_, true) => "declaration",
        (false, false) => {
            return Err(NotVerified::Pack(format!(
                "{}: neither the notice nor the declaration of this dispute names this folder",
                plain(&folder.display().to_string())
            ))
            .into());
        }
    };
    Ok(Packed {
        of,
        files: files.len(),
        strange: pack::unlisted(folder, &files)?,
    })
}

async fn party(arguments: &Party, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let mut client = settings.client().await?;
    let name = &arguments.party;
    let (attested, tally) = asked::of_party(&mut client, name).await?;
    let height = attested.header.height;
    let absent = proven_absent(&mut client, name).await?;
    let is_known = absent.is_none();
    if let Some(absent) = absent.filter(|_| tally == DisputeTally::default()) {
        return Err(absent);
    }
    // Of a shop that only its platform knows, what rulings found false is counted under that platform.
    let found = match (is_known, &arguments.platform) {
        (true, _) => Some(asked::false_statements(&mut client, name).await?),
        (false, Some(platform)) => {
            check_known(&mut client, platform).await?;
            let shop = asked::shop_of(platform, name);
            Some(asked::false_statements(&mut client, &shop).await?)
        }
        (false, None) => None,
    };
    if output.json {
        let mut value = disputes::tally_json(&tally);
        let own = found.as_ref().map(disputes::false_json);
        add_member(&mut value, "own", own.into());
        add_member(&mut value, "party", name.as_str().into());
        add_member(&mut value, "known", is_known.into());
        add_member(&mut value, "verified", true.into());
        add_member(&mut value, "header", attested_json(&attested));
        output.value(&value);
        return Ok(());
    }
    let verdict = output.good("VERIFIED");
    let party = plain(name);
    let language = output.language;
    output.line(format!("Party     {party}, {verdict} as of block {height}"));
    if !is_known {
        output.line(say!(
            language,
            "          no organisation of the ledger: a name in notices, which shops of several platforms may have"
        ));
    }
    output.line(format!("Disputes  {}", disputes::tally(language, &tally)));
    output.line(match found {
        Some(found) => format!("Own       {}", disputes::false_line(language, &found)),
        None => say!(
            language,
            "Own       not asked: what rulings found false of a shop is counted under its platform (--platform)"
        ),
    });
    Ok(())
}

fn measure(text: &str) -> Result<PlatformMeasure, String> {
    named(text, &disputes::MEASURES)
}

fn ruling(text: &str) -> Result<DisputeOutcome, String> {
    named(text, &disputes::RULINGS)
}

/// What a word of a table stands for.
pub(super) fn named<T: Copy>(text: &str, table: &[(&str, T)]) -> Result<T, String> {
    let words: Vec<_> = table.iter().map(|(word, _)| *word).collect();
    match table.iter().find(|(word, _)| *word == text) {
        Some((_, value)) => Ok(*value),
        None => Err(format!("one of {}", words.join(", "))),
    }
}
