//! `touchstone evidence`: one offline file that proves a record to somebody without the network.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;
use serde_json::json;
use touchstone_client::client::Client;
use touchstone_client::disputes;
use touchstone_client::verification::NotVerified;
use touchstone_core::designs::drafts;
use touchstone_core::designs::field::{self, FieldName};
use touchstone_core::evidence::{self, Report, Trusted, Verdict};
use touchstone_core::hash::Hash;
use touchstone_epcis::Identifier;
use touchstone_proto::evidence::{Opening, OriginalFile};
use touchstone_proto::ledger::LicensedAct;
use touchstone_proto::node::get_evidence_request::Subject;
use touchstone_proto::node::{AuthorisationQuestion, GetEvidenceRequest};

use super::authorised::{day_or_moment, unknown_seller};
use super::organisations::is_known;
use super::right;
use crate::countries::country;
use crate::failure::Failure;
use crate::field_selection::{FieldChoice, FieldSelection};
use crate::file;
use crate::messages::Speech;
use crate::output::{Output, counted, plain};
use crate::receipt::{self, Receipt};
use crate::rights;
use crate::say;
use crate::settings::Settings;
use crate::studio::StudioLog;

/// Write one offline file that proves an item's history or a design's deposit
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone evidence https://id.gs1.org/00/095212340000000150 -o case.evidence
  touchstone evidence 4be1… --receipt 4be1….touchstone.json -o case.evidence
  touchstone evidence 4be1… --receipt 4be1….touchstone.json --show author -o case.evidence
  touchstone evidence 4be1… --receipt 4be1….touchstone.json --studio chair/ -o case.evidence
  touchstone evidence 4be1… -o case.evidence      without the receipt the content stays closed
  touchstone evidence 4be1… --with-page -o case    a folder: the file, and a page that examines it
  touchstone evidence --dispute 77d0… -o case.evidence     a dispute, its panel, and its design
  touchstone evidence 4be1… --seller shop --in CN -o case.evidence     may shop sell it there?
  touchstone verify case.evidence                 checks it, offline

The file holds the record's exact bytes, signatures, keys, proofs and validators. With the receipt
it also holds the salt: whoever has the file can then tell which files were deposited, though it
holds none of them. docs/evidence.md describes every byte.

Exit codes: 0 written, and verified as its reader will; 3 not verified; 5 no answer of the node.")]
pub struct Arguments {
    /// An item's identifier, or a design's id (64 hex digits)
    #[arg(value_name = "ID", required_unless_present = "disputes")]
    pub subject: Option<String>,
    /// File to write; with --with-page the folder
    #[arg(short, long, value_name = "FILE")]
    pub out: PathBuf,
    /// The receipt of the deposit, to open its commitment to the file's reader
    #[arg(long, value_name = "RECEIPT")]
    pub receipt: Option<PathBuf>,
    /// Which of the deposit's fields the file shows
    #[command(flatten)]
    pub fields: FieldSelection,
    /// The studio's folder: the drafts before the deposit are added, whose head it covers
    #[arg(long, value_name = "DIR", requires = "receipt")]
    pub studio: Option<PathBuf>,
    /// Write a folder with the file and with a page that examines it in any browser, offline
    #[arg(long)]
    pub with_page: bool,
    /// A dispute under the design's right that the file shows, with its panels and draws
    #[arg(long = "dispute", value_name = "ID")]
    pub disputes: Vec<String>,
    /// Whether this organisation may do something with the design; the file proves yes or no
    #[arg(long = "seller", value_name = "ID", requires = "territory", value_parser = NonEmptyStringValueParser::new())]
    pub sellers: Vec<String>,
    /// The country in which it would: ISO 3166-1 alpha-2
    #[arg(long = "in", value_name = "COUNTRY", value_parser = country, requires = "sellers")]
    pub territory: Option<String>,
    /// What it would do: make, offer, sell or import
    #[arg(long, value_name = "ACT", default_value = "sell", value_parser = rights::act)]
    pub act: LicensedAct,
    /// The day (2027-03-01) or moment (RFC 3339) at which it would [default: now]
    #[arg(long, value_name = "DAY|TIME", requires = "sellers")]
    pub on: Option<String>,
    /// Overwrite an existing file
    #[arg(long)]
    pub force: bool,
}

/// The page that examines evidence files in a browser; its tests compare it with its sources.
const PAGE: &[u8] = include_bytes!("../../../verifiers/js/touchstone-verify.html");
/// Names in the folder.
const PAGE_NAME: &str = "touchstone-verify.html";
const FILE_NAME: &str = "record.evidence";

/// Fetches, opens, examines and writes.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let out = match arguments.with_page {
        true => arguments.out.join(FILE_NAME),
        false => arguments.out.clone(),
    };
    file::refuse_existing(&out, arguments.force)?;
    let page = arguments
        .with_page
        .then(|| arguments.out.join(PAGE_NAME))
        .filter(|page| std::fs::read(page).ok().as_deref() != Some(PAGE));
    if let Some(page) = &page {
        file::refuse_existing(page, arguments.force)?;
    }
    let receipt = arguments
        .receipt
        .as_deref()
        .map(Receipt::read)
        .transpose()?;
    let disputes = arguments.disputes.iter().map(|id| right::id(id));
    let disputes = disputes.collect::<Result<Vec<Hash>, Failure>>()?;
    let questions = questions(arguments, output.now_ms())?;
    let mut client = settings.client().await?;
    let subject = match (&arguments.subject, disputes.first()) {
        (None, Some(id)) => design_of(&mut client, id).await?,
        (given, _) => subject(given.as_deref().unwrap_or_default(), receipt.as_ref())?,
    };
    check_about_designs(&subject, &disputes, &questions)?;
    for seller in &arguments.sellers {
        if !is_known(&mut client, seller).await? {
            output.remark(unknown_seller(output.language, seller));
        }
    }
    if let (Subject::Design(id), None) = (&subject, &receipt)
        && receipt::of_design(None, &hex::encode(id))?.is_some()
    {
        let remark = say!(
            output.language,
            "the design's receipt lies here: --receipt with it would show the file's reader what was deposited"
        );
        output.remark(remark);
    }
    let mut selection = arguments.fields.clone();
    if arguments.studio.is_some() {
        // Nobody can follow the drafts without their head.
        selection.show.push(FieldChoice::Drafts);
    }
    let opening = match &receipt {
        Some(receipt) => {
            receipt.check(client.trust().chain_id())?;
            Some(opening(receipt, &selection, arguments.studio.as_deref())?)
        }
        None => None,
    };
    let request = GetEvidenceRequest {
        subject: Some(subject.clone()),
        disputes: disputes.iter().map(|id| id.to_vec()).collect(),
        questions: questions.clone(),
    };
    let (bytes, report) = Box::pin(fetch(&mut client, request, opening)).await?;
    check_additions(&disputes, &questions, &report.facts)?;
    if let Some(page) = &page {
        std::fs::create_dir_all(&arguments.out)
            .map_err(|error| Failure::io("making", &arguments.out, &error))?;
        file::write(page, PAGE)?;
    }
    file::write(&out, &bytes)?;
    let events = report.facts.history.as_ref().map_or(0, |h| h.steps.len());
    if output.json {
        output.value(&json!({
            "file": out,
            "page": arguments.with_page.then(|| arguments.out.join(PAGE_NAME)),
            "bytes": bytes.len(),
            "verdict": report.verdict.name(),
            "height": report.facts.height,
            "events": events,
            "disputes": disputes.len(),
            "questions": questions.len(),
        }));
        return Ok(());
    }
    let language = output.language;
    let path = plain(&out.display().to_string());
    let height = report.facts.height.unwrap_or_default();
    let verdict = output.good(&match report.verdict {
        Verdict::Reservations => say!(language, "verified-with-reservations"),
        Verdict::Verified | Verdict::NotVerified => say!(language, "verified"),
    });
    output.line(match &report.facts.history {
        Some(_) => say!(
            language,
            "Written   {path} ({bytes} bytes): {events} as of height {height}, examined: {verdict}",
            path = path,
            bytes = bytes.len(),
            events = language.line(&counted(events, "event")),
            height = height,
            verdict = verdict
        ),
        None => say!(
            language,
            "Written   {path} ({bytes} bytes): the deposit as of height {height}, examined: {verdict}",
            path = path,
            bytes = bytes.len(),
            height = height,
            verdict = verdict
        ),
    });
    output.line(say!(
        language,
        "Check it  touchstone verify {path} --genesis genesis.json",
        path = path
    ));
    if arguments.with_page {
        let page = arguments.out.join(PAGE_NAME);
        output.line(say!(
            language,
            "Or open   {page} in a browser, and drop the file on it",
            page = plain(&page.display().to_string())
        ));
        output.line(say!(
            language,
            "          SHA-256 of the page: {sha256}",
            sha256 = hex::encode(touchstone_core::hash::sha256(PAGE))
        ));
    }
    Ok(())
}

/// A file about something, with what a receipt opens of it, examined as its reader will.
pub(super) async fn fetch(
    client: &mut Client,
    request: GetEvidenceRequest,
    opening: Option<Opening>,
) -> Result<(Vec<u8>, Report), Failure> {
    let chain_id = *client.trust().chain_id();
    let subject = request.subject.clone();
    let mut bytes = client.evidence(request).await?;
    if opening.is_some() {
        let mut message =
            evidence::open(&bytes).map_err(|e| NotVerified::evidence("file", &e.to_string()))?;
        message.opening = opening;
        bytes = evidence::seal(&message);
    }
    let trusted = Trusted {
        chain_id: Some(chain_id),
        ..Trusted::default()
    };
    let report = evidence::examine(&bytes, &trusted);
    if let Some((element, reason)) = report.failure() {
        return Err(NotVerified::evidence(element.name(), &reason).into());
    }
    if let Some(subject) = &subject {
        check_subject(subject, &report.facts)?;
    }
    Ok((bytes, report))
}

/// What the file is asked about its design.
fn questions(arguments: &Arguments, now_ms: u64) -> Result<Vec<AuthorisationQuestion>, Failure> {
    let time_ms = match &arguments.on {
        Some(text) => day_or_moment(text)?,
        None => now_ms,
    };
    let question = |seller: &String| AuthorisationQuestion {
        seller: seller.clone(),
        act: arguments.act.into(),
        territory: arguments.territory.clone().unwrap_or_default(),
        time_ms,
    };
    Ok(arguments.sellers.iter().map(question).collect())
}

/// The design that a dispute is about.
async fn design_of(client: &mut Client, id: &Hash) -> Result<Subject, Failure> {
    let (attested, dispute) = disputes::dispute(client, id).await?;
    let height = attested.header.height;
    let dispute = dispute.ok_or_else(|| Failure::Absent {
        id: hex::encode(id),
        height,
        message: format!("there is no dispute {}", hex::encode(id)),
    })?;
    Ok(Subject::Design(dispute.subject))
}

/// Disputes and licences are about designs.
fn check_about_designs(
    subject: &Subject,
    disputes: &[Hash],
    questions: &[AuthorisationQuestion],
) -> Result<(), Failure> {
    match subject {
        Subject::Item(_) if !disputes.is_empty() || !questions.is_empty() => Err(Failure::Usage(
            "--dispute and --seller are about a design, not an item".into(),
        )),
        _ => Ok(()),
    }
}

/// The file shows and answers what was asked for.
fn check_additions(
    disputes: &[Hash],
    questions: &[AuthorisationQuestion],
    facts: &evidence::Facts,
) -> Result<(), Failure> {
    let shown = facts.disputes.iter().flat_map(|fact| &fact.shown);
    let shown: BTreeSet<&Hash> = shown.map(|shown| &shown.id).collect();
    let are_shown = shown == disputes.iter().collect();
    let is_answered = |asked: &AuthorisationQuestion| {
        facts.authorisations.iter().any(|fact| {
            fact.question.seller == asked.seller
                && fact.question.act == asked.act()
                && fact.question.territory == asked.territory
                && fact.question.at_ms == asked.time_ms
        })
    };
    match are_shown && questions.iter().all(is_answered) {
        true => Ok(()),
        false => Err(NotVerified::Contradiction(
            "it doesn't show the disputes or answer the questions that were asked for".into(),
        )
        .into()),
    }
}

fn subject(text: &str, receipt: Option<&Receipt>) -> Result<Subject, Failure> {
    if let Ok(id) = receipt::bytes("id", text) {
        return match receipt {
            Some(receipt) if receipt.id()? != id => Err(Failure::NotFound(
                "the receipt is of another design than the id names".into(),
            )),
            _ => Ok(Subject::Design(id.to_vec())),
        };
    }
    if Path::new(text).is_file() {
        return Err(Failure::Usage(format!(
            "{} is a file: name the design by its id, which is the receipt's name, and the receipt \
             with --receipt",
            plain(text)
        )));
    }
    let id = Identifier::read(text).map_err(|e| {
        Failure::Usage(format!(
            "{}: {e}; name an item's identifier or a design's id of 64 hex digits",
            plain(text)
        ))
    })?;
    match receipt {
        Some(_) => Err(Failure::Usage(
            "a receipt opens a design, not an item".into(),
        )),
        None => Ok(Subject::Item(id.as_str().to_owned())),
    }
}

/// The node answered about what was asked.
fn check_subject(subject: &Subject, facts: &evidence::Facts) -> Result<(), Failure> {
    let same = match subject {
        Subject::Item(id) => facts.history.as_ref().is_some_and(|h| h.item == *id),
        Subject::Design(id) => facts
            .deposit
            .as_ref()
            .is_some_and(|d| d.id.as_slice() == id),
    };
    match same {
        true => Ok(()),
        false => {
            Err(NotVerified::Contradiction("it is evidence about something else".into()).into())
        }
    }
}

/// What a receipt opens of its design to the file's reader.
pub(super) fn opening(
    receipt: &Receipt,
    selection: &FieldSelection,
    studio: Option<&Path>,
) -> Result<Opening, Failure> {
    let opening = receipt.opening()?;
    let (title, content) = selection.of_opening(&opening, &receipt.title)?;
    let named = receipt.files.iter().zip(&opening.files);
    Ok(Opening {
        salt: opening.salt.to_vec(),
        files: named
            .map(
                |(file, sha256): (&receipt::ReceiptFile, &Hash)| OriginalFile {
                    sha256: sha256.to_vec(),
                    name: file.name.clone(),
                },
            )
            .collect(),
        title,
        content,
        drafts: match studio {
            Some(folder) => drafts(receipt, folder)?,
            None => Vec::new(),
        },
    })
}

/// The drafts that the deposit covers: its studio may have gone on since.
fn drafts(receipt: &Receipt, folder: &Path) -> Result<Vec<Vec<u8>>, Failure> {
    let opened = receipt.opening()?.opened();
    let opened = opened.map_err(|e| Failure::Usage(e.to_string()))?;
    let mut fields = opened.fields.iter().map(|(_, field)| field);
    let field = fields.find(|field| field.name == FieldName::Drafts);
    let field = field.ok_or_else(|| {
        Failure::NotFound(
            "the deposit covers no drafts: it wasn't made by `touchstone studio deposit`".into(),
        )
    })?;
    let (count, head) =
        field::drafts_head(&field.value).map_err(|e| Failure::Usage(e.to_string()))?;
    let mut entries = StudioLog::read(folder)?.entries;
    entries.truncate(count);
    drafts::verify(&entries, count, &head)
        .map_err(|e| NotVerified::Contradiction(format!("{}: {e}", folder.display())))?;
    Ok(entries)
}
