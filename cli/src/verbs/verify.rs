//! `touchstone verify`: examines an evidence file, offline, element by element.

use std::path::PathBuf;

use serde_json::{Value, json};
use touchstone_client::verification::NotVerified;
use touchstone_core::evidence::{
    self, Check, CheckResult, Deposit, Facts, History, Report, StampFact, Trusted, Verdict,
};
use touchstone_core::hash::{Hash, sha256};

use crate::failure::Failure;
use crate::file;
use crate::output::{Output, add_member, plain, utc};
use crate::pdf;
use crate::receipt;
use crate::report;
use crate::settings::Settings;
use crate::tokens::{self, Written};
use crate::words;

/// Examine an evidence file, offline: what was checked, and what follows
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone verify case.evidence --genesis genesis.json
  touchstone verify case.evidence chair-front.png chair-back.png     with the original files
  touchstone verify case.evidence --pdf report.pdf                   a report for the file of a case
  touchstone verify case.evidence --tsa-roots roots.pem              whom to trust for time stamps
  touchstone verify case.evidence --tsa-roots roots.pem --tokens DIR their tokens, for openssl ts
  touchstone verify case.evidence --json

No network, no node and no clock is asked. Without a genesis file from a trusted place the verdict
names the chain id that must be compared with the one that the consortium publishes.

Exit codes: 0 verified; 3 not verified; 6 verified, with reservations to weigh.")]
pub struct Arguments {
    /// The evidence file
    #[arg(value_name = "EVIDENCE")]
    pub file: PathBuf,
    /// Original files to compare with the record
    #[arg(value_name = "ORIGINAL")]
    pub originals: Vec<PathBuf>,
    /// Write the report as a PDF/A document too, in Chinese and English
    #[arg(long, value_name = "REPORT")]
    pub pdf: Option<PathBuf>,
    /// Root certificates of time-stamp authorities that are trusted, in PEM
    #[arg(long, value_name = "ROOTS")]
    pub tsa_roots: Option<PathBuf>,
    /// Write the time-stamp tokens as files into this folder, and print how openssl verifies them
    #[arg(long, value_name = "DIR")]
    pub tokens: Option<PathBuf>,
    /// Overwrite existing files
    #[arg(long)]
    pub force: bool,
}

/// Reads, examines and prints.
pub fn run(arguments: &Arguments, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    if let Some(path) = &arguments.pdf {
        file::refuse_existing(path, arguments.force)?;
    }
    let path = &arguments.file;
    let size = std::fs::metadata(path).map_err(|e| Failure::io("reading", path, &e))?;
    if size.len() > evidence::MAX_FILE_BYTES as u64 {
        let bad = evidence::BadFile::TooLarge(usize::try_from(size.len()).unwrap_or(usize::MAX));
        return Err(NotVerified::evidence("file", &bad.to_string()).into());
    }
    let bytes = std::fs::read(path).map_err(|e| Failure::io("reading", path, &e))?;
    let mut originals: Vec<(String, Hash)> = Vec::with_capacity(arguments.originals.len());
    for path in &arguments.originals {
        let sha256 = receipt::hash_file(path)?.sha256;
        originals.push((
            path.display().to_string(),
            receipt::bytes("sha256", &sha256)?,
        ));
    }
    let chain_id = match settings.names_genesis() {
        true => Some(settings.genesis()?.chain_id),
        false => None,
    };
    let stamp_roots = match &arguments.tsa_roots {
        Some(path) => tokens::roots(path)?,
        None => Vec::new(),
    };
    let trusted = Trusted {
        chain_id,
        originals: &originals,
        stamp_roots: &stamp_roots,
    };
    let report = evidence::examine(&bytes, &trusted);
    if let Some(path) = &arguments.pdf {
        let document = report::document(&report, &sha256(&bytes), &originals);
        file::write(path, &pdf::render(&document)?)?;
    }
    let written = match &arguments.tokens {
        Some(folder) if report.verdict != Verdict::NotVerified => {
            let roots = arguments.tsa_roots.as_deref();
            tokens::write(folder, &report.facts.stamps, roots, arguments.force)?
        }
        _ => Vec::new(),
    };
    if output.json {
        let mut value = report_json(&report);
        if arguments.tokens.is_some() {
            let tokens = written.iter().map(Written::json).collect();
            add_member(&mut value, "tokens", tokens);
        }
        output.value(&value);
    } else {
        print(&report, output);
        print_tokens(&written, output);
    }
    match report.verdict {
        Verdict::Verified => Ok(()),
        Verdict::Reservations => Err(Failure::Reservations(
            "verified, with the reservations named above".into(),
        )),
        Verdict::NotVerified => {
            let (element, reason) = report
                .failure()
                .map_or(("evidence", "the examination didn't finish"), |(e, r)| {
                    (e.name(), r)
                });
            Err(NotVerified::evidence(element, reason).into())
        }
    }
}

const HEADINGS: [(u8, &str); 3] = [
    (
        16,
        "Untampered since the deposit (Online Litigation Rules, Art. 16)",
    ),
    (17, "Platform, parties and system (Art. 17)"),
    (18, "Before the deposit (Art. 18)"),
];

fn print(report: &Report, output: &mut Output) {
    let verdict = match report.verdict {
        Verdict::Verified => output.good("VERIFIED"),
        Verdict::Reservations => output.good("VERIFIED, WITH RESERVATIONS"),
        Verdict::NotVerified => output.bad("NOT VERIFIED: this file proves nothing"),
    };
    output.line(format!("Verdict   {verdict}"));
    if report.verdict != Verdict::NotVerified {
        print_facts(&report.facts, output);
    }
    for (article, heading) in HEADINGS {
        output.line("");
        output.line(heading);
        for check in report
            .checks
            .iter()
            .filter(|c| c.element.article() == article)
        {
            print_check(check, output);
        }
    }
    output.line("");
    output.line(
        "What a record can't show: who made a thing, that an event's account of the world is true, or what \
         happened before it was recorded. It shows who said what, when, and that nothing was changed or left out.",
    );
}

fn print_check(check: &Check, output: &mut Output) {
    let result = match check.result {
        CheckResult::Passed => output.good("passed"),
        CheckResult::Reservation => output.bad("RESERVATION"),
        CheckResult::Failed => output.bad("FAILED"),
        CheckResult::NotChecked => "not checked".to_owned(),
        CheckResult::NotGiven => "not given".to_owned(),
    };
    let mut findings = check.findings.iter();
    let first = findings.next().map_or(String::new(), |f| plain(f));
    // That an element isn't checked is itself what was found.
    output.line(match check.result {
        CheckResult::NotChecked => format!("  {:<13} {first}", check.element.name()),
        _ => format!("  {:<13} {result}: {first}", check.element.name()),
    });
    for finding in findings {
        output.line(format!("  {:<13} {}", "", plain(finding)));
    }
}

fn print_tokens(written: &[Written], output: &mut Output) {
    for written in written {
        output.line("");
        output.line(format!(
            "Token     {}",
            plain(&written.token.display().to_string())
        ));
        output.line(plain(&written.command_line()));
    }
}

fn print_facts(facts: &Facts, output: &mut Output) {
    let hex = |hash: Option<Hash>| hash.map(hex::encode).unwrap_or_default();
    let chain = facts.chain_name.as_deref().unwrap_or_default();
    output.line(format!(
        "Chain     {} {}",
        hex(facts.chain_id),
        plain(chain)
    ));
    output.line(format!(
        "Anchor    height {}, {}",
        facts.height.unwrap_or_default(),
        facts.time_ms.map(utc).unwrap_or_default()
    ));
    if let Some(history) = &facts.history {
        print_history(history, facts, output);
    }
    if let Some(deposit) = &facts.deposit {
        print_deposit(deposit, facts, output);
    }
    for fact in &facts.stamps {
        let trusted = if fact.is_trusted {
            "trusted"
        } else {
            "root not trusted here"
        };
        output.line(format!(
            "Stamped   no later than {} by {} ({trusted}): {} of the record's blocks",
            utc(fact.stamped.no_later_than_ms()),
            plain(&fact.stamped.authority),
            fact.heights.len()
        ));
    }
    let names: Vec<String> = facts
        .validators
        .iter()
        .map(|v| {
            let signed = if v.signed { "signed" } else { "didn't sign" };
            format!(
                "{} ({}, power {}, {signed})",
                plain(&v.name),
                plain(&v.organisation),
                v.power
            )
        })
        .collect();
    output.line(format!("Validators {}", names.join("; ")));
}

fn print_history(history: &History, facts: &Facts, output: &mut Output) {
    output.line(format!("Item      {}", plain(&history.item)));
    if history.own_events == 0 {
        output.line("          nothing was ever recorded for it, up to the anchor");
    }
    for step in &history.steps {
        let name = facts
            .transactions
            .iter()
            .find(|t| (t.height, t.index) == (step.place.0, step.place.1))
            .map_or("", |t| t.name.as_str());
        let happening = match &step.event {
            Some(event) => words::happening(event),
            None => "an event that this program's rules can't read".to_owned(),
        };
        output.line(format!(
            "  {}  {happening}; by {} ({})",
            utc(step.entry.time_ms),
            plain(name),
            plain(&step.entry.organisation)
        ));
    }
}

fn print_deposit(deposit: &Deposit, facts: &Facts, output: &mut Output) {
    output.line(format!("Design    {}", hex::encode(deposit.id)));
    if !deposit.recorded {
        output.line("          no such design was deposited, up to the anchor");
        return;
    }
    if let Some(title) = &deposit.title {
        let whose = match deposit.title_is_recorded {
            true => "recorded",
            false => "the holder's word",
        };
        output.line(format!("Title     {} ({whose})", plain(title)));
    }
    output.line(format!(
        "Deposited no later than {} ± {:.1} s by {}",
        utc(deposit.time_ms),
        facts.time_error_ms.unwrap_or_default() as f64 / 1000.0,
        plain(&deposit.organisation)
    ));
    output.line(format!("Owner key {}", hex::encode(&deposit.owner_key)));
    for (sha256, name) in &deposit.files {
        let name = name.as_deref().map(plain).unwrap_or_default();
        output.line(format!("File      {} {name}", hex::encode(sha256)));
    }
}

/// A report for programs.
pub fn report_json(report: &Report) -> Value {
    let facts = match report.verdict {
        Verdict::NotVerified => Value::Null,
        _ => facts_json(&report.facts),
    };
    json!({
        "verdict": report.verdict.name(),
        "checks": report.checks.iter().map(|check| json!({
            "element": check.element.name(),
            "article": check.element.article(),
            "result": check.result.name(),
            "findings": check.findings,
        })).collect::<Vec<_>>(),
        "facts": facts,
    })
}

fn facts_json(facts: &Facts) -> Value {
    json!({
        "chain_id": facts.chain_id.map(hex::encode),
        "chain_name": facts.chain_name,
        "height": facts.height,
        "time_ms": facts.time_ms,
        "block_id": facts.block_id.map(hex::encode),
        "time_error_ms": facts.time_error_ms,
        "stamps": facts.stamps.iter().map(stamp_json).collect::<Vec<_>>(),
        "validators": facts.validators.iter().map(|v| json!({
            "public_key": hex::encode(v.public_key),
            "power": v.power,
            "organisation": v.organisation,
            "name": v.name,
            "signed": v.signed,
        })).collect::<Vec<_>>(),
        "transactions": facts.transactions.iter().map(|t| json!({
            "height": t.height,
            "index": t.index,
            "id": hex::encode(t.id),
            "time_ms": t.time_ms,
            "organisation": t.organisation,
            "signer": hex::encode(t.signer),
        })).collect::<Vec<_>>(),
        "history": facts.history.as_ref().map(|h| json!({
            "item": h.item,
            "own_events": h.own_events,
            "inside": h.inside,
            "events": h.steps.iter().map(|s| json!({
                "height": s.place.0,
                "transaction": s.place.1,
                "event": s.place.2,
                "time_ms": s.entry.time_ms,
                "organisation": s.entry.organisation,
                "content_hash": hex::encode(&s.entry.content_hash),
                "via": s.via[..],
            })).collect::<Vec<_>>(),
        })),
        "deposit": facts.deposit.as_ref().map(|d| json!({
            "id": hex::encode(d.id),
            "recorded": d.recorded,
            "commitment": hex::encode(&d.commitment),
            "owner_key": hex::encode(&d.owner_key),
            "organisation": d.organisation,
            "time_ms": d.time_ms,
            "title": d.title,
            "title_is_recorded": d.title_is_recorded,
            "disclosed_ms": d.disclosed_ms,
            "files": d.files.iter().map(|(sha256, name)| json!({
                "sha256": hex::encode(sha256),
                "name": name,
            })).collect::<Vec<_>>(),
        })),
    })
}

fn stamp_json(fact: &StampFact) -> Value {
    let stamped = &fact.stamped;
    json!({
        "authority": stamped.authority,
        "url": fact.url,
        "first": fact.first,
        "last": fact.last,
        "heights": fact.heights,
        "gen_time_ms": stamped.gen_time_ms,
        "accuracy_ms": stamped.accuracy_ms,
        "no_later_than_ms": stamped.no_later_than_ms(),
        "serial": stamped.serial,
        "policy": stamped.policy,
        "root_sha256": hex::encode(stamped.root()),
        "trusted": fact.is_trusted,
    })
}
