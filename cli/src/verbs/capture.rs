//! `touchstone capture`: events from EPCIS documents into the ledger.

pub mod headers;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use touchstone_client::ClientError;
use touchstone_client::capture::{
    CaptureError, EventOutcome, EventRefusal, Journal, Original, SendLimits, SendStop, Sender,
    SourceEvent,
};

use crate::capture::source::{self, CaptureInput};
use crate::capture::table::Mapping;
use crate::failure::Failure;
use crate::output::{Output, add_member, counted, plain};
use crate::say;
use crate::settings::{Settings, Signing};

use headers::ElementCounts;

/// Record the events of EPCIS documents
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  touchstone capture shipments.json --organisation acme --key acme.pem
  touchstone capture monday/ tuesday/ --batch 500
  touchstone capture despatch.xml
  curl -s https://example.com/events | touchstone capture - --journal events.journal
  touchstone capture deliveries.csv --mapping deliveries.toml

A mapping names for each field of EPCIS a column, a fixed value, or both ways to change it:

  separator = \";\"                     # between columns; a comma where it isn't named
  group_by = [\"Delivery\"]             # rows with the same delivery are one event
  [event]
  type = { value = \"ObjectEvent\" }
  action = { value = \"OBSERVE\" }
  eventTime = { column = \"Sent\", zone = \"+01:00\" }
  bizStep = { column = \"What\", words = { Dispatch = \"shipping\" } }
  readPoint = { column = \"From\", form = \"https://id.gs1.org/414/{}\" }
  epcList = { column = \"Serial\", form = \"https://id.gs1.org/01/09521234500018/21/{}\" }

A run that was cut off goes on when the same command is run again: the journal holds the exact
bytes of what was sent. Events whose exact bytes your organisation has recorded before, from another
folder say, are skipped; --allow-duplicates records them again.

What a document's epcisMasterData says of identifiers of your GS1 company prefixes is stated too,
where the ledger doesn't say so already; elements of other prefixes are named. A bare event
has none.

XML documents (EPCIS 1.0 to 2.0) are converted to JSON on this machine before they are signed. Each
event then names the SHA-256 of its file in touchstone:sourceDocument: keep the file.

With --json the last outcome is {\"outcome\":\"summary\", ...}: how many are committed, refused,
skipped and pending.

A node that goes away is waited for, as long as --timeout says; then the run ends and says how many
events have no outcome.

Exit codes: 0 all recorded (proven); 2 some events refused or skipped, the others recorded, or
documents without events; 5 node unreachable, some events undecided; 130 Ctrl-C (run it again to go
on).")]
pub struct Arguments {
    /// EPCIS 2.0 documents or events in JSON, EPCIS documents in XML, folders of them, or '-' for
    /// standard input
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The files are tables (CSV), and this file tells what their columns mean
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// The encoding of the tables' text, such as gb18030 [default: what their bytes tell]
    #[arg(long, value_name = "NAME", requires = "mapping")]
    pub encoding: Option<String>,
    /// Record the events of a table whose rows can be read, where others can't
    #[arg(long, requires = "mapping")]
    pub good_rows: bool,
    /// Events of one transaction, at most
    #[arg(long, default_value_t = 100)]
    pub batch: usize,
    /// Transactions under way at once, at most
    #[arg(long, default_value_t = 16)]
    pub window: usize,
    /// Record again events that are recorded already
    #[arg(long)]
    pub allow_duplicates: bool,
    /// Where to remember what was sent [default: beside the first input]
    #[arg(long, value_name = "FILE")]
    pub journal: Option<PathBuf>,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Captures until done or Ctrl-C.
pub async fn run(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without signals, nothing interrupts.
            std::future::pending::<()>().await;
        }
    };
    let mut interrupted = Box::pin(interrupted);
    run_until(arguments, settings, output, interrupted.as_mut()).await
}

/// Captures until done or `stop`.
pub async fn run_until(
    arguments: &Arguments,
    settings: &Settings,
    output: &mut Output,
    stop: SendStop<'_>,
) -> Result<(), Failure> {
    let signer = settings.signer(&arguments.signing)?;
    let mut client = settings.sending_client().await?;
    let parameters = client.trust().genesis().document.parameters.clone();
    let journal_path = journal_path(arguments)?;
    check_inputs(&arguments.files, &journal_path)?;
    let mapping = arguments
        .mapping
        .as_deref()
        .map(Mapping::read)
        .transpose()?;
    let limit = parameters.max_transaction_bytes;
    let encoding = arguments.encoding.as_deref();
    let input = source::read(&arguments.files, mapping.as_ref(), encoding, limit)?;
    check_rows(&input, arguments.good_rows, output)?;
    let (journal, history) = Journal::open(
        &journal_path,
        client.trust().chain_id(),
        &signer.organisation,
    )?;
    let most = usize::try_from(parameters.max_events_per_transaction).unwrap_or(usize::MAX);
    let limits = SendLimits {
        batch: arguments.batch.clamp(1, most),
        bytes: parameters.max_transaction_bytes,
        window: arguments.window.clamp(1, 1000),
        duplicates: arguments.allow_duplicates,
        whole: false,
    };
    let total = input.events.len() + input.bad.len();
    let bar = progress(output, input.events.len());
    report_bad_documents(&input, output);
    let now = output.clock();
    report_warnings(&input, now(), output);
    let mut sender = Sender::plan(
        &mut client,
        &signer,
        &input.events,
        journal,
        history,
        limits,
        now,
    )?;
    let ended = sender
        .run(stop, &mut |index, outcome| {
            bar.inc(1);
            bar.suspend(|| report(&input, index, outcome, output));
        })
        .await;
    bar.finish_and_clear();
    let pending = sender.undecided();
    let count = |is: fn(&EventOutcome) -> bool| {
        let outcomes = sender.outcomes().values();
        outcomes.filter(|outcome| is(outcome)).count()
    };
    let recorded = count(|o| matches!(o, EventOutcome::Recorded { .. }));
    let skipped = count(|o| matches!(o, EventOutcome::Duplicate(_)));
    let refused = total - recorded - skipped - pending;
    let by_rule = by_rule(&input, sender.outcomes().values());
    let journal = sender.journal_path().display().to_string();
    let stated = match ended {
        Ok(_) => headers::state(&input.headers, &mut client, &signer, output).await,
        Err(_) => Ok(ElementCounts::default()),
    };
    let elements = stated.as_ref().ok();
    let elements = elements.filter(|elements| elements.total() > 0);
    if output.json {
        let mut summary = json!({
            "outcome": "summary", "total": total, "committed": recorded,
            "refused": refused, "skipped": skipped, "pending": pending,
            "refused_by_rule": by_rule.iter().map(|(rule, code, count)| json!({
                "rule": rule, "code": code, "count": count,
            })).collect::<Vec<_>>(),
        });
        if let Some(elements) = elements {
            add_member(&mut summary, "master_data", elements.json());
        }
        output.value(&summary);
    } else {
        for (rule, code, count) in &by_rule {
            output.line(format!(
                "refused   {} by rule {} ({code})",
                counted(*count, "event"),
                plain(rule)
            ));
        }
        let rest = match (skipped, pending) {
            (0, 0) => String::new(),
            (skipped, 0) => format!(", {skipped} skipped as recorded before"),
            (0, pending) => format!(", {pending} UNDECIDED"),
            (skipped, pending) => {
                format!(", {skipped} skipped as recorded before, {pending} UNDECIDED")
            }
        };
        output.line(format!(
            "{} of {total} recorded (proven), {refused} refused{rest}",
            counted(recorded, "event")
        ));
        if let Some(elements) = elements {
            output.line(elements.line());
        }
    }
    match &ended {
        Ok(_) => {}
        Err(CaptureError::Client(ClientError::Refused { .. })) => output.remark(format!(
            "{} not sent: mend what the rule names (--key, --organisation) and run the command \
             again; {journal} remembers what is recorded",
            counted(pending, "event")
        )),
        Err(_) => output.remark(format!(
            "not finished: run the same command again to go on; {journal} remembers what was sent"
        )),
    }
    if matches!(ended, Err(CaptureError::Undecided { .. }))
        && let Some(why) = client.halt().await
    {
        let text = format!("the chain has halted, by the node's word: {why}");
        output.remark(plain(&text));
    }
    // Each event, and each element of master data, has its outcome from here on.
    ended?;
    let stated = stated?;
    if refused + skipped > 0 {
        return Err(Failure::EventsRefused {
            refused,
            duplicates: skipped,
            total,
        });
    }
    stated.check()
}

/// How many events and documents each rule refuses, the most frequent first.
fn by_rule<'a>(
    input: &CaptureInput,
    outcomes: impl Iterator<Item = &'a EventOutcome>,
) -> Vec<(String, u32, usize)> {
    let refused = outcomes.filter_map(|outcome| match outcome {
        EventOutcome::Refused(refusal) => Some((refusal.rule.clone(), refusal.code)),
        _ => None,
    });
    let bad = input.bad.iter();
    let bad = bad.map(|bad| (bad.refusal.rule.clone(), bad.refusal.code));
    let mut counts: BTreeMap<(String, u32), usize> = BTreeMap::new();
    for rule in refused.chain(bad) {
        *counts.entry(rule).or_default() += 1;
    }
    let counts = counts.into_iter();
    let mut counts: Vec<_> = counts.map(|((rule, code), n)| (rule, code, n)).collect();
    counts.sort_by_key(|(_, _, count)| std::cmp::Reverse(*count));
    counts
}

/// Tells how tables were read, and of all rows that can't be; these stop the run unless the person
/// wants the others recorded.
fn check_rows(input: &CaptureInput, good_rows: bool, output: &mut Output) -> Result<(), Failure> {
    for note in &input.notes {
        output.remark(plain(note));
    }
    if input.unreadable == 0 || (good_rows && input.strays == 0) {
        return Ok(());
    }
    for event in input.events.iter().filter(|event| event.wrong.is_some()) {
        if let Some(refusal) = &event.wrong {
            report_refused(event, refusal, output);
        }
    }
    let others = match input.strays {
        0 => "or record the others with --good-rows",
        _ => "since any event may lack a row whose group isn't known",
    };
    Err(Failure::Usage(format!(
        "{} of {} of the tables can't be read; nothing was sent: mend them, {others}",
        input.unreadable,
        counted(input.events.len(), "event")
    )))
}

/// A file that has gone while its journal is there is told of as such.
fn check_inputs(files: &[PathBuf], journal: &Path) -> Result<(), Failure> {
    for file in files {
        if file.as_os_str() != "-" && !file.exists() && journal.exists() {
            return Err(Failure::Usage(format!(
                "{} isn't there, but {} remembers a capture: put the file back to go on with it, \
                 or remove the journal to forget it",
                file.display(),
                journal.display()
            )));
        }
    }
    Ok(())
}

fn journal_path(arguments: &Arguments) -> Result<PathBuf, Failure> {
    if let Some(path) = &arguments.journal {
        return Ok(path.clone());
    }
    let first = arguments
        .files
        .first()
        .map_or(Path::new("-"), |p| p.as_path());
    if first.as_os_str() == "-" {
        return Err(Failure::Usage(
            "standard input has no place for a journal; name one with --journal FILE".into(),
        ));
    }
    let absolute = std::path::absolute(first).map_err(|e| Failure::io("finding", first, &e))?;
    let mut name = absolute
        .file_name()
        .ok_or_else(|| Failure::Usage("name the journal with --journal FILE".into()))?
        .to_owned();
    name.push(".touchstone-journal");
    Ok(absolute.with_file_name(name))
}

fn progress(output: &Output, events: usize) -> ProgressBar {
    if !output.terminal || output.json {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(&say!(
        output.language,
        "{bar:40} {pos}/{len} events {per_sec} {eta}"
    ))
    .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(events as u64).with_style(style)
}

fn report_bad_documents(input: &CaptureInput, output: &mut Output) {
    for bad in &input.bad {
        if output.json {
            output.value(&json!({
                "file": bad.file, "index": null, "outcome": "refused",
                "code": bad.refusal.code, "rule": bad.refusal.rule, "message": bad.refusal.message,
            }));
        } else {
            output.line(format!(
                "refused   {}: rule {} ({}): {}",
                plain(&bad.file),
                plain(&bad.refusal.rule),
                bad.refusal.code,
                plain(&bad.refusal.message)
            ));
        }
    }
}

/// Tells what is allowed and yet is probably a mistake, before anything is signed.
fn report_warnings(input: &CaptureInput, now_ms: u64, output: &mut Output) {
    let now_ms = i64::try_from(now_ms).unwrap_or(i64::MAX);
    for event in input.events.iter().filter(|event| event.wrong.is_none()) {
        for warning in touchstone_epcis::warnings(&event.bytes, now_ms) {
            let code = warning.doubt.code();
            if output.json {
                output.value(&json!({
                    "file": event.file, "index": event.index, "outcome": "warning",
                    "warning": code, "message": warning.to_string(),
                }));
            } else {
                output.remark(format!(
                    "warning   {} event {}: {code}: {}",
                    plain(&event.file),
                    event.index,
                    plain(&warning.to_string())
                ));
            }
        }
    }
}

fn report(input: &CaptureInput, index: usize, outcome: &EventOutcome, output: &mut Output) {
    let Some(event) = input.events.get(index) else {
        return;
    };
    match outcome {
        EventOutcome::Recorded {
            transaction,
            height,
            time_ms,
        } if output.json => output.value(&json!({
            "file": event.file, "index": event.index, "outcome": "recorded",
            "transaction": hex::encode(transaction), "height": height, "time_ms": time_ms,
        })),
        EventOutcome::Recorded { .. } => {}
        EventOutcome::Duplicate(original) => report_duplicate(input, event, original, output),
        EventOutcome::RolledBack if output.json => output.value(&json!({
            "file": event.file, "index": event.index, "outcome": "rolled-back",
        })),
        EventOutcome::RolledBack => output.line(format!(
            "not sent  {} event {}: another of its transaction is refused",
            plain(&event.file),
            event.index
        )),
        EventOutcome::Refused(refusal) => report_refused(event, refusal, output),
    }
}

fn report_refused(event: &SourceEvent, refusal: &EventRefusal, output: &mut Output) {
    if output.json {
        output.value(&json!({
            "file": event.file, "index": event.index, "outcome": "refused",
            "code": refusal.code, "rule": refusal.rule, "message": refusal.message,
        }));
        return;
    }
    output.line(format!(
        "refused   {} event {}: rule {} ({}): {}",
        plain(&event.file),
        event.index,
        plain(&refusal.rule),
        refusal.code,
        plain(&refusal.message)
    ));
}

fn report_duplicate(
    input: &CaptureInput,
    event: &SourceEvent,
    original: &Original,
    output: &mut Output,
) {
    let first = match original {
        Original::Input(index) => input.events.get(*index),
        Original::Recorded { .. } => None,
    };
    if output.json {
        let (transaction, height) = match original {
            Original::Recorded {
                transaction,
                height,
            } => (Some(hex::encode(transaction)), Some(height)),
            Original::Input(_) => (None, None),
        };
        output.value(&json!({
            "file": event.file, "index": event.index, "outcome": "skipped",
            "transaction": transaction, "height": height,
            "same_as": first.map(|f| json!({"file": f.file, "index": f.index})),
        }));
        return;
    }
    let where_it_is = match (original, first) {
        (
            Original::Recorded {
                transaction,
                height,
            },
            _,
        ) => {
            let id = hex::encode(transaction);
            format!("recorded already at height {height}, in transaction {id}")
        }
        (_, Some(first)) => format!("the same as {} event {}", plain(&first.file), first.index),
        (_, None) => "it comes earlier in the input".to_owned(),
    };
    output.line(format!(
        "skipped   {} event {}: {where_it_is} (--allow-duplicates records it again)",
        plain(&event.file),
        event.index
    ));
}
