//! `touchstone verify`: examines an evidence file, offline, element by element.

use std::path::PathBuf;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use touchstone_client::verification::NotVerified;
use touchstone_core::evidence::{self, Exhibit, ExhibitVerdict, Report, Trusted, Verdict};
use touchstone_core::hash::{Hash, sha256};

use crate::exact_bytes;
use crate::failure::Failure;
use crate::file;
use crate::messages::Speech;
use crate::output::{Output, add_member, counted, plain};
use crate::pdf;
use crate::receipt;
use crate::report::{self, Examined};
use crate::say;
use crate::settings::Settings;
use crate::tokens::{self, WrittenToken};

/// Examine an evidence file, offline: what was checked, and what follows
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone verify case.evidence --genesis genesis.json
  touchstone verify case.evidence chair-front.png chair-back.png     with files of the parties
  touchstone verify case.evidence --pdf report.pdf                   a report for the file of a case
  touchstone verify case.evidence --events DIR                       the events' exact bytes
  touchstone verify case.evidence --tsa-roots roots.pem              whom to trust for time stamps
  touchstone verify case.evidence --tsa-roots roots.pem --tokens DIR their tokens, for openssl ts
  touchstone verify case.evidence --json                             docs/examination.schema.json

No network and no node is asked, and the verdict depends on no clock. Without a genesis file from a
trusted place the verdict names the chain id that must be compared with the one that the consortium
publishes. A file that is handed in with the evidence has a verdict of its own: a wrong one says
nothing about the record.

Exit codes: 0 verified; 3 not verified; 6 verified, with reservations to weigh; 7 verified, but a
file that was handed in isn't shown to be part of the record.")]
pub struct Arguments {
    /// The evidence file
    #[arg(value_name = "EVIDENCE")]
    pub file: PathBuf,
    /// Files to compare with the record, each judged apart
    #[arg(value_name = "EXHIBIT")]
    pub originals: Vec<PathBuf>,
    /// Write the report as a PDF/A document too, in Chinese and English
    #[arg(long, value_name = "REPORT")]
    pub pdf: Option<PathBuf>,
    /// Root certificates of time-stamp authorities that are trusted, in PEM or DER
    #[arg(long, value_name = "ROOTS")]
    pub tsa_roots: Option<PathBuf>,
    /// Write the time-stamp tokens as files into this folder, and print how openssl verifies them
    #[arg(long, value_name = "DIR")]
    pub tokens: Option<PathBuf>,
    /// Write the exact bytes that each hash of the record covers into this folder
    #[arg(long, value_name = "DIR")]
    pub events: Option<PathBuf>,
    /// When the examination is made, as the report says it (RFC 3339) [default: now, by this machine's clock]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub at: Option<u64>,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
}

/// A time in milliseconds since 1970-01-01T00:00:00Z.
fn moment(text: &str) -> Result<u64, String> {
    let read = OffsetDateTime::parse(text, &Rfc3339).map_err(|e| e.to_string())?;
    u64::try_from(read.unix_timestamp_nanos() / 1_000_000)
        .map_err(|_| "it is before 1970".to_owned())
}

/// Reads, examines and prints.
pub fn run(arguments: &Arguments, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    if let Some(path) = &arguments.pdf {
        file::refuse_existing(path, arguments.force)?;
    }
    let bytes = read(&arguments.file)?;
    let mut originals: Vec<(String, Hash)> = Vec::with_capacity(arguments.originals.len());
    for path in &arguments.originals {
        let sha256 = receipt::hash_file(path)?.sha256;
        originals.push((
            path.display().to_string(),
            receipt::bytes("sha256", &sha256)?,
        ));
    }
    let genesis = settings.examiners_genesis()?;
    let chain_id = genesis.map(|genesis| genesis.chain_id);
    if let Some(doubt) = settings.doubt_of_folder() {
        output.remark(doubt.to_string());
    }
    let stamp_roots = match &arguments.tsa_roots {
        Some(path) => tokens::roots(path)?,
        None => Vec::new(),
    };
    let trusted = Trusted {
        chain_id,
        stamp_roots: &stamp_roots,
    };
    let report = evidence::examine(&bytes, &trusted);
    let exhibits: Vec<Exhibit> = originals
        .iter()
        .map(|(name, sha256)| report.compare(name, *sha256))
        .collect();
    let examined = Examined {
        report: &report,
        exhibits: &exhibits,
        file: report::ExaminedFile {
            sha256: sha256(&bytes),
            bytes: bytes.len() as u64,
        },
        examined_ms: arguments.at.unwrap_or_else(|| output.now_ms()),
        language: output.language,
    };
    if let Some(path) = &arguments.pdf {
        let document = report::document::document(&examined);
        file::write(path, &pdf::render(&document)?)?;
    }
    let proven = report.verdict != Verdict::NotVerified;
    let written = match &arguments.tokens {
        Some(folder) if proven => {
            let roots = arguments.tsa_roots.as_deref();
            tokens::write(folder, &report.facts.stamps, roots, arguments.force)?
        }
        _ => Vec::new(),
    };
    let exact = match &arguments.events {
        Some(folder) if proven => exact_bytes::write(folder, &report.facts, arguments.force)?,
        _ => Vec::new(),
    };
    let failure = failure(&report, &exhibits, output);
    if output.json {
        let code = failure.as_ref().map_or(0, Failure::exit_code);
        let mut value = report::json::value(&examined, code);
        if arguments.tokens.is_some() {
            let tokens = written.iter().map(WrittenToken::json).collect();
            add_member(&mut value, "tokens", tokens);
        }
        if arguments.events.is_some() {
            let exact = exact.iter().map(exact_bytes::Written::json).collect();
            add_member(&mut value, "exact_bytes", exact);
        }
        output.whole_value(&value);
    } else {
        report::text::print(&examined, output);
        print_tokens(&written, output);
        if let Some(folder) = arguments.events.as_ref().filter(|_| proven) {
            output.line("");
            output.line(say!(
                output.language,
                "Exact bytes: {files} in {folder}; check them there with sha256sum -c SHA256SUMS",
                files = output.language.line(&counted(exact.len(), "file")),
                folder = plain(&folder.display().to_string())
            ));
        }
    }
    failure.map_or(Ok(()), Err)
}

/// A file's bytes; one that is too large to be evidence isn't read.
fn read(path: &std::path::Path) -> Result<Vec<u8>, Failure> {
    file::read_within(path, evidence::MAX_FILE_BYTES as u64, |bytes| {
        let bad = evidence::BadFile::TooLarge(usize::try_from(bytes).unwrap_or(usize::MAX));
        NotVerified::evidence("file", &bad.to_string()).into()
    })
}

/// What the exit code says: of the record first, then of what was handed in with it.
fn failure(report: &Report, exhibits: &[Exhibit], output: &Output) -> Option<Failure> {
    if report.verdict == Verdict::NotVerified {
        let (element, reason) = match report.failure() {
            Some((element, reason)) => (element.name(), reason),
            None => ("evidence", "the examination didn't finish".to_owned()),
        };
        return Some(NotVerified::evidence(element, &reason).into());
    }
    let strange = exhibits
        .iter()
        .filter(|exhibit| exhibit.verdict != ExhibitVerdict::Recorded);
    let strange: Vec<String> = strange.map(|exhibit| plain(&exhibit.name)).collect();
    if !strange.is_empty() {
        return Some(Failure::Exhibit(say!(
            output.language,
            "the record is verified, but these files aren't shown to be part of it: {names}",
            names = strange.join(", ")
        )));
    }
    (report.verdict == Verdict::Reservations).then(|| {
        Failure::Reservations(say!(
            output.language,
            "verified, with the reservations named above"
        ))
    })
}

fn print_tokens(written: &[WrittenToken], output: &mut Output) {
    for written in written {
        output.line("");
        output.line(format!(
            "{:<9} {}",
            say!(output.language, "Token"),
            plain(&written.token.display().to_string())
        ));
        output.line(plain(&written.command_line()));
    }
}
