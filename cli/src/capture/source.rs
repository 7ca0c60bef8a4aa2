//! Where events come from: files, folders and standard input.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use touchstone_client::capture::{ENVELOPE_BYTES, EventRefusal, SourceEvent};
use touchstone_core::custody::CustodyRejection;
use touchstone_core::rejection::Rejection;
use touchstone_epcis::{
    ContainmentStep, EpcisError, Event, MAX_DOCUMENT_BYTES, MasterDataEntry, convert_xml, is_xml,
    master_data, split_document,
};

use super::elements;
use super::table::{self, Mapping};
use crate::failure::Failure;

/// The rule that a table's row breaks if it can't be read.
pub const TABLE_ROW: &str = "table-row";

/// What is said of master data in a document whose events are a step of a handover.
pub const NOT_STATED: &str =
    "the document's master data isn't stated by a handover: capture the document to state it";

/// The master data of one document.
#[derive(Clone, Debug)]
pub struct MasterDataHeader {
    /// The file.
    pub file: String,
    /// Its elements; each that can't be read says why.
    pub entries: Vec<Result<MasterDataEntry, EpcisError>>,
}

/// A document that can't be split into events.
#[derive(Clone, Debug)]
pub struct BadDocument {
    /// The file.
    pub file: String,
    /// What is wrong.
    pub refusal: EventRefusal,
}

/// The input, in order.
#[derive(Clone, Debug, Default)]
pub struct CaptureInput {
    /// All events.
    pub events: Vec<SourceEvent>,
    /// Documents that hold none that can be read.
    pub bad: Vec<BadDocument>,
    /// What documents say of products, places and parties.
    pub headers: Vec<MasterDataHeader>,
    /// Events of tables whose rows can't be read.
    pub unreadable: usize,
    /// Rows of tables that belong to nobody knows which event: any of the others may lack them.
    pub strays: usize,
    /// What a person should know of how files were read.
    pub notes: Vec<String>,
}

impl CaptureInput {
    /// The number of elements of master data.
    pub fn elements(&self) -> usize {
        self.headers.iter().map(|header| header.entries.len()).sum()
    }
}

/// Reads all files (folders: their `.json`, `.jsonld` and `.xml` files, by name) in the order given.
/// `limit` is the number of bytes that a transaction may have.
/// With a mapping, the files are tables, in this encoding if one is named.
pub fn read(
    paths: &[PathBuf],
    mapping: Option<&Mapping>,
    encoding: Option<&str>,
    limit: u64,
) -> Result<CaptureInput, Failure> {
    let mut input = CaptureInput::default();
    if let Some(mapping) = mapping {
        for path in paths {
            add_table(&mut input, path, mapping, encoding, limit)?;
        }
        return Ok(input);
    }
    for path in paths {
        if is_table(path) {
            return Err(Failure::Usage(format!(
                "{} is a table: say with --mapping FILE what its columns mean (`touchstone capture --help` shows one)",
                path.display()
            )));
        }
        if path.is_dir() {
            for file in documents_in(path)? {
                add_file(&mut input, &file, limit)?;
            }
        } else {
            add_file(&mut input, path, limit)?;
        }
    }
    Ok(input)
}

/// The events of all files, of which one that breaks a rule stops it all; and whether the documents have master data.
pub fn whole(paths: &[PathBuf], limit: u64) -> Result<(Vec<Vec<u8>>, bool), Failure> {
    let input = read(paths, None, None, limit)?;
    let wrong = input.events.iter().find_map(|event| event.wrong.as_ref());
    let bad = input.bad.first().map(|bad| &bad.refusal);
    if let Some(refusal) = bad.or(wrong) {
        return Err(Failure::Refused {
            code: refusal.code,
            rule: refusal.rule.clone(),
            message: refusal.message.clone(),
            event: None,
        });
    }
    let has_master_data = !input.headers.is_empty();
    let events = input.events.into_iter().map(|event| event.bytes).collect();
    Ok((events, has_master_data))
}

/// A file that no reader of documents understands, by its name.
fn is_table(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    matches!(ending.as_deref(), Some("csv" | "tsv" | "xlsx"))
}

fn add_table(
    input: &mut CaptureInput,
    path: &Path,
    mapping: &Mapping,
    encoding: Option<&str>,
    limit: u64,
) -> Result<(), Failure> {
    let file = path.display().to_string();
    let table = table::events(path, mapping, encoding)?;
    if table.events.is_empty() {
        input.bad.push(without_events(&file, "the table"));
    }
    if table.encoding != "UTF-8" {
        input
            .notes
            .push(format!("{file} is read as {}", table.encoding));
    }
    input.strays += table.strays;
    for (index, event) in table.events.into_iter().enumerate() {
        let Some(wrong) = event.wrong else {
            let mut examined = examine(&file, index, event.bytes, limit);
            if let Some(refusal) = &mut examined.wrong {
                refusal.message = format!("{}: {}", event.place, refusal.message);
            }
            input.events.push(examined);
            continue;
        };
        input.unreadable += 1;
        input.events.push(SourceEvent {
            file: file.clone(),
            index,
            bytes: event.bytes,
            names: BTreeSet::new(),
            empties: false,
            wrong: Some(EventRefusal::unreadable(TABLE_ROW, wrong)),
        });
    }
    Ok(())
}

/// The bytes of a file, or of standard input for `-`: at most one more than a document may have.
pub fn read_document(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |e: std::io::Error| Failure::io("reading", path, &e);
    let most = MAX_DOCUMENT_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        let stdin = std::io::stdin().lock();
        stdin.take(most).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    }
    Ok(bytes)
}

fn documents_in(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |e: std::io::Error| Failure::io("reading", folder, &e);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let known = path
            .extension()
            .is_some_and(|e| e == "json" || e == "jsonld" || e == "xml");
        if known && path.is_file() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Failure::Empty(format!(
            "the folder {} holds no .json, .jsonld or .xml file: there is nothing to capture",
            folder.display()
        )));
    }
    files.sort();
    Ok(files)
}

fn add_file(input: &mut CaptureInput, path: &Path, limit: u64) -> Result<(), Failure> {
    let bytes = read_document(path)?;
    add(input, &path.display().to_string(), &bytes, limit);
    Ok(())
}

/// The events of one document, under the name of its file. `limit` is the number of bytes that a
/// transaction may have.
pub fn of_document(file: &str, bytes: &[u8], limit: u64) -> CaptureInput {
    let mut input = CaptureInput::default();
    add(&mut input, file, bytes, limit);
    input
}

/// A document without events and master data is refused, as the ledger refuses a capture of none: nobody takes
/// it for recorded.
fn add(input: &mut CaptureInput, file: &str, bytes: &[u8], limit: u64) {
    let before = (input.events.len(), input.bad.len());
    match is_xml(bytes) {
        true => add_xml(input, file, bytes, limit),
        false => add_json(input, file, bytes, limit),
    }
    let is_bad = input.bad.len() > before.1;
    let has_header = !is_bad && add_header(input, file, bytes);
    if !has_header && before == (input.events.len(), input.bad.len()) {
        input.bad.push(without_events(file, "the document"));
    }
}

/// Adds what the document says of master data, if it does.
fn add_header(input: &mut CaptureInput, file: &str, bytes: &[u8]) -> bool {
    // What can't be read as a whole is one element that can't.
    let entries = master_data(bytes).unwrap_or_else(|error| vec![Err(error)]);
    let has_some = !entries.is_empty();
    if has_some {
        let file = file.to_owned();
        input.headers.push(MasterDataHeader { file, entries });
    }
    has_some
}

/// A document in which there is nothing to record.
pub fn without_events(file: &str, what: &str) -> BadDocument {
    let none = Rejection::Custody(CustodyRejection::EventCount { found: 0, limit: 0 });
    BadDocument {
        file: file.to_owned(),
        refusal: EventRefusal {
            message: format!("{what} holds no event: there is nothing to record"),
            ..EventRefusal::of(&none)
        },
    }
}

fn add_json(input: &mut CaptureInput, file: &str, bytes: &[u8], limit: u64) {
    match split_document(bytes) {
        Ok(events) => input.events.extend(
            events
                .into_iter()
                .enumerate()
                .map(|(index, bytes)| examine(file, index, bytes, limit)),
        ),
        Err(error) => match one_by_one(file, bytes, &error, limit) {
            Some(events) => input.events.extend(events),
            None => input.bad.push(BadDocument {
                file: file.to_owned(),
                refusal: EventRefusal::epcis(error),
            }),
        },
    }
}

/// Adds the events of an XML document, converted.
fn add_xml(input: &mut CaptureInput, file: &str, bytes: &[u8], limit: u64) {
    match convert_xml(bytes) {
        Ok(events) => {
            input.events.extend(
                events
                    .into_iter()
                    .enumerate()
                    .map(|(index, event)| match event {
                        Ok(event) => examine(file, index, event, limit),
                        Err(error) => SourceEvent {
                            file: file.to_owned(),
                            index,
                            bytes: Vec::new(),
                            names: BTreeSet::new(),
                            empties: false,
                            wrong: Some(EventRefusal::epcis(error)),
                        },
                    }),
            )
        }
        Err(error) => input.bad.push(BadDocument {
            file: file.to_owned(),
            refusal: EventRefusal::epcis(error),
        }),
    }
}

/// Reads each event of a document by itself, where only events are wrong with it.
fn one_by_one(
    file: &str,
    document: &[u8],
    error: &EpcisError,
    limit: u64,
) -> Option<Vec<SourceEvent>> {
    const LIST: &str = "$.epcisBody.eventList[";
    if !error.path.starts_with(LIST) || document.len() > MAX_DOCUMENT_BYTES {
        return None;
    }
    let ranges = elements::events(document)?;
    let mut events = Vec::with_capacity(ranges.len());
    for (index, range) in ranges.iter().enumerate() {
        let alone = elements::alone(document, &ranges, *range)?;
        events.push(match split_document(&alone) {
            Ok(one) => examine(file, index, one.into_iter().next()?, limit),
            Err(mut error) => {
                let inner = error
                    .path
                    .strip_prefix(LIST)?
                    .strip_prefix("0]")?
                    .to_owned();
                error.path = format!("{LIST}{index}]{inner}");
                SourceEvent {
                    file: file.to_owned(),
                    index,
                    bytes: document.get(range.0..range.1)?.to_vec(),
                    names: BTreeSet::new(),
                    empties: false,
                    wrong: Some(EventRefusal::epcis(error)),
                }
            }
        });
    }
    Some(events)
}

fn examine(file: &str, index: usize, bytes: Vec<u8>, limit: u64) -> SourceEvent {
    let parsed = Event::parse(&bytes);
    let size = bytes.len() as u64 + ENVELOPE_BYTES;
    let (names, empties, wrong) = match parsed {
        Ok(event) => (
            event
                .items()
                .iter()
                .map(|i| i.as_str().to_owned())
                .collect(),
            matches!(event.containment(), Some(ContainmentStep::Empty { .. })),
            (size > limit)
                .then(|| EventRefusal::of(&Rejection::TransactionTooLarge { bytes: size, limit })),
        ),
        Err(error) => (BTreeSet::new(), false, Some(EventRefusal::epcis(error))),
    };
    SourceEvent {
        file: file.to_owned(),
        index,
        bytes,
        names,
        empties,
        wrong,
    }
}

#[cfg(test)]
mod tests;
