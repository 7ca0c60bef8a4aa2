//! `touchstone studio`: drafts that are kept while a design comes about, and deposited with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use touchstone_core::designs::design::MAX_FILES;
use touchstone_core::designs::field::{FieldName, written_head};
use touchstone_edge::release::VERSION;

use super::deposit::{self, DepositFields};
use crate::failure::Failure;
use crate::output::{Output, plain, utc};
use crate::say;
use crate::settings::{Settings, Signing};
use crate::studio::{OpenedLog, StudioFile, StudioLog, Words, scan};

/// Keep a record of a design's drafts, and deposit it with the design
#[derive(clap::Subcommand, Debug)]
pub enum Verb {
    /// Watch a folder: each change of its files becomes a draft in a hash chain, until Ctrl-C
    #[command(after_help = "Examples:
  touchstone studio watch chair/ --who 'Lin Yue'
  touchstone studio watch chair/ --every 10       looks every ten seconds

The drafts are kept in chair/.touchstone/drafts.jsonl: of each file its SHA-256 and size, with the
time of this machine's clock, who, device and program. The files' names are kept there with salts;
a draft holds only their digests. The files themselves aren't copied, and nothing is sent. Files
that begin with a dot, links, and files that programs write while they save (~) are left out.
Stopped, killed or restarted, it goes on where it was; what changed meanwhile becomes one draft.

Exit codes: 0 stopped by Ctrl-C; 1 a file can't be read or written; 3 the log was altered.")]
    Watch(Watch),
    /// Say what the drafts of a folder are, and what has changed since the last one
    #[command(after_help = "Example:
  touchstone studio status chair/")]
    Status(Of),
    /// Check every draft of a folder against the one before it, and the files against the last one
    #[command(after_help = "Example:
  touchstone studio verify chair/

Exit codes: 0 whole, and the files are those of the last draft; 3 a draft is missing, out of order
or altered, which is named; 7 the files have changed since the last draft.")]
    Verify(Of),
    /// Deposit a folder's files with the head of its drafts
    #[command(after_help = "Examples:
  touchstone studio deposit chair/ --title 'Chair 7' --class 06-01
  touchstone studio deposit chair/ chair/chair.step --view front=chair/front.png

Changes since the last draft become a draft first. Without files all those of the folder are
deposited. The head of the drafts is a field of the deposit: `touchstone evidence ID --receipt …
--studio chair/` shows a court the drafts before it, and whoever has no such file learns nothing of
them.")]
    Deposit(Box<Deposit>),
}

/// Arguments of `studio watch`.
#[derive(clap::Args, Debug)]
pub struct Watch {
    /// The folder of one design
    pub folder: PathBuf,
    /// What each draft says of its circumstances
    #[command(flatten)]
    pub words: WordArguments,
    /// Seconds between two looks
    #[arg(long, default_value_t = 2, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub every: u64,
}

/// What a draft says of its circumstances.
#[derive(clap::Args, Debug)]
pub struct WordArguments {
    /// Who works here [default: the organisation that acts, else the user's name]
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// On what machine [default: its host name]
    #[arg(long, value_name = "NAME")]
    pub device: Option<String>,
}

/// A folder.
#[derive(clap::Args, Debug)]
pub struct Of {
    /// The folder of one design
    pub folder: PathBuf,
}

/// Arguments of `studio deposit`.
#[derive(clap::Args, Debug)]
pub struct Deposit {
    /// The folder of one design
    pub folder: PathBuf,
    /// Files to deposit [default: all of the folder]
    pub files: Vec<PathBuf>,
    /// Files that show the design from a side, behind the others: front=chair-front.png
    #[arg(long, value_name = "VIEW=FILE")]
    pub view: Vec<String>,
    /// What is deposited besides
    #[command(flatten)]
    pub fields: DepositFields,
    /// What the last draft says of its circumstances
    #[command(flatten)]
    pub words: WordArguments,
    /// Folder for the receipt
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub receipts: PathBuf,
    /// Who signs
    #[command(flatten)]
    pub signing: Signing,
}

/// Does it.
pub async fn run(verb: &Verb, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    match verb {
        Verb::Watch(arguments) => watch(arguments, settings, output).await,
        Verb::Status(arguments) => status(&arguments.folder, output),
        Verb::Verify(arguments) => verify(&arguments.folder, output),
        Verb::Deposit(arguments) => Box::pin(deposit(arguments, settings, output)).await,
    }
}

async fn watch(arguments: &Watch, settings: &Settings, output: &mut Output) -> Result<(), Failure> {
    let words = words(&arguments.words, settings);
    let mut opened = open(&arguments.folder, output)?;
    say_begin(&arguments.folder, &opened.log, output);
    let mut found = BTreeMap::new();
    let stop = tokio::signal::ctrl_c();
    tokio::pin!(stop);
    // Asked once before the first look, so that it is heard while a look lasts.
    tokio::select! {
        biased;
        _ = &mut stop => return Ok(()),
        () = std::future::ready(()) => {}
    }
    loop {
        let is_at_rest = look(&arguments.folder, &mut found)?;
        if is_at_rest {
            record(&mut opened, &found, &words, output)?;
        }
        let pause = tokio::time::sleep(Duration::from_secs(arguments.every));
        tokio::select! {
            _ = &mut stop => break,
            () = pause => {}
        }
    }
    let count = opened.log.drafts.len();
    output.remark(say!(
        output.language,
        "stopped; drafts so far: {count}, all on the disk",
        count = count
    ));
    Ok(())
}

/// Opens a studio's log; what was broken off is said.
fn open(folder: &Path, output: &mut Output) -> Result<OpenedLog, Failure> {
    if !folder.is_dir() {
        return Err(Failure::Usage(format!(
            "{}: not a folder",
            folder.display()
        )));
    }
    let opened = OpenedLog::open(folder)?;
    if opened.log.torn > 0 {
        output.remark(say!(
            output.language,
            "the last line of the log was broken off while it was written ({bytes} bytes), and was dropped: no draft \
             was told of it",
            bytes = opened.log.torn
        ));
    }
    Ok(opened)
}

fn say_begin(folder: &Path, log: &StudioLog, output: &mut Output) {
    output.remark(say!(
        output.language,
        "watching {folder}; drafts so far: {count}; nothing leaves this machine; Ctrl-C stops",
        folder = plain(&folder.display().to_string()),
        count = log.drafts.len()
    ));
}

/// Looks once; gives whether all files are at rest.
fn look(folder: &Path, found: &mut BTreeMap<String, StudioFile>) -> Result<bool, Failure> {
    let (now, is_at_rest) = scan(folder, found)?;
    *found = now;
    Ok(is_at_rest)
}

/// Records what changed, and says it.
fn record(
    opened: &mut OpenedLog,
    found: &BTreeMap<String, StudioFile>,
    words: &Words,
    output: &mut Output,
) -> Result<(), Failure> {
    let changes = opened.log.changes(found);
    if changes.is_empty() {
        return Ok(());
    }
    let before = opened.log.drafts.len();
    opened.append(&changes, words, output.now_ms())?;
    let names: Vec<String> = changes.iter().map(|(name, _)| plain(name)).collect();
    for read in opened.log.drafts.iter().skip(before) {
        let draft = &read.draft;
        if output.json {
            output.value(&json!({
                "draft": draft.number,
                "time_ms": draft.time_ms,
                "head": hex::encode(read.head),
                "files": draft.files.len(),
            }));
        } else {
            output.line(say!(
                output.language,
                "draft {number}  {time}  {names}",
                number = draft.number,
                time = utc(draft.time_ms),
                names = names.join(", ")
            ));
        }
    }
    Ok(())
}

fn status(folder: &Path, output: &mut Output) -> Result<(), Failure> {
    let log = StudioLog::read(folder)?;
    let (found, _) = scan(folder, &BTreeMap::new())?;
    let changes = log.changes(&found);
    tell(folder, &log, &changes, output);
    Ok(())
}

fn verify(folder: &Path, output: &mut Output) -> Result<(), Failure> {
    let log = StudioLog::read(folder)?;
    let (found, _) = scan(folder, &BTreeMap::new())?;
    let changes = log.changes(&found);
    tell(folder, &log, &changes, output);
    match changes.is_empty() {
        true => Ok(()),
        false => Err(Failure::Exhibit(say!(
            output.language,
            "the drafts are whole; files have changed since the last one"
        ))),
    }
}

/// What the drafts are, and what has changed since.
fn tell(
    folder: &Path,
    log: &StudioLog,
    changes: &[(String, Option<(touchstone_core::hash::Hash, u64)>)],
    output: &mut Output,
) {
    let (first, last) = (log.drafts.first(), log.drafts.last());
    if output.json {
        output.value(&json!({
            "drafts": log.drafts.len(),
            "head": last.map(|read| hex::encode(read.head)),
            "first_ms": first.map(|read| read.draft.time_ms),
            "last_ms": last.map(|read| read.draft.time_ms),
            "files": log.files.len(),
            "changed": changes.iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "torn_bytes": log.torn,
        }));
        return;
    }
    let language = output.language;
    let drafts = log.drafts.len().to_string();
    let mut rows = vec![
        (
            say!(language, "Studio"),
            plain(&folder.display().to_string()),
        ),
        (say!(language, "Drafts"), drafts),
    ];
    if let (Some(first), Some(last)) = (first, last) {
        let span = say!(
            language,
            "from {first} to {last}, by this machine's own clock",
            first = utc(first.draft.time_ms),
            last = utc(last.draft.time_ms)
        );
        rows.push((say!(language, "Time"), span));
        rows.push((say!(language, "Head"), hex::encode(last.head)));
        rows.push((say!(language, "Files"), log.files.len().to_string()));
    }
    if log.torn > 0 {
        let torn = say!(
            language,
            "a last line of {bytes} bytes was broken off; the next draft takes its place",
            bytes = log.torn
        );
        rows.push((say!(language, "Note"), torn));
    }
    for (name, content) in changes {
        let what = match content {
            Some(_) => say!(
                language,
                "{name}: new or changed since the last draft",
                name = plain(name)
            ),
            None => say!(
                language,
                "{name}: gone since the last draft",
                name = plain(name)
            ),
        };
        rows.push((say!(language, "Changed"), what));
    }
    for (name, text) in rows {
        output.line(format!("{name:<9} {text}"));
    }
}

async fn deposit(
    arguments: &Deposit,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    let words = words(&arguments.words, settings);
    let mut opened = open(&arguments.folder, output)?;
    let mut found = BTreeMap::new();
    if !look(&arguments.folder, &mut found)? {
        return Err(Failure::Usage(
            "files are being written: save them first, then deposit".into(),
        ));
    }
    record(&mut opened, &found, &words, output)?;
    let (count, head) = opened.log.head().ok_or_else(|| {
        Failure::Usage(format!(
            "{}: no files, no drafts",
            arguments.folder.display()
        ))
    })?;
    let mut files = Vec::new();
    let named = !arguments.files.is_empty() || !arguments.view.is_empty();
    match named {
        true => {
            for path in &arguments.files {
                files.push(deposit::hashed(path, output)?);
            }
        }
        // As the last draft has them: by name, so that the order can be repeated.
        false => {
            let all = opened.log.files.keys();
            if all.len() > MAX_FILES {
                return Err(Failure::Usage(format!(
                    "a design has at most {MAX_FILES} files, the folder has {}; name those to deposit",
                    all.len()
                )));
            }
            for name in all {
                files.push(deposit::hashed(&arguments.folder.join(name), output)?);
            }
        }
    }
    for view in &arguments.view {
        files.push(deposit::view_file(view, output)?);
    }
    let mut fields = arguments.fields.named();
    fields.push((FieldName::Drafts, written_head(count, &head)));
    deposit::deposit_new(
        files,
        &fields,
        &arguments.receipts,
        &arguments.signing,
        settings,
        output,
    )
    .await
}

fn words(arguments: &WordArguments, settings: &Settings) -> Words {
    let text = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let user = || text(std::env::var("USER").ok());
    let who = text(arguments.who.clone())
        .or_else(|| settings.organisation().map(str::to_owned))
        .or_else(user);
    let host = || text(std::fs::read_to_string("/proc/sys/kernel/hostname").ok());
    let host = || host().or_else(|| text(std::env::var("HOSTNAME").ok()));
    Words {
        who: who.unwrap_or_else(|| "unnamed".to_owned()),
        device: text(arguments.device.clone())
            .or_else(host)
            .unwrap_or_else(|| "unnamed".to_owned()),
        tool: format!("touchstone {VERSION}"),
    }
}
