//! Tables of partners who have spreadsheets: each row, or each group of rows, is an event. A mapping
//! tells which column is which field of EPCIS. Whatever is wrong is told with its row and column, all of
//! it at once.

mod draft;
mod encoding;
mod mapping;
mod row;

use std::collections::BTreeMap;
use std::path::Path;

use csv::StringRecord;

pub use self::mapping::Mapping;

use self::draft::Draft;
use self::row::TableRow;
use crate::failure::Failure;

/// The largest table, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// An event of a table.
#[derive(Clone, Debug)]
pub struct TableEvent {
    /// The event's bytes.
    pub bytes: Vec<u8>,
    /// Its row, and the column that is to blame where it is no event.
    pub place: String,
    /// What is wrong with its rows, if they can't be read.
    pub wrong: Option<String>,
}

/// A table that was read.
#[derive(Clone, Debug)]
pub struct Events {
    /// In the order of their first rows.
    pub events: Vec<TableEvent>,
    /// The encoding of its text.
    pub encoding: &'static str,
    /// Rows that can't be read, and belong to nobody knows which event.
    pub strays: usize,
}

/// The events of a table. A row that can't be read spoils its event, and no other. `encoding` is the one
/// that the person names.
pub fn events(path: &Path, mapping: &Mapping, encoding: Option<&str>) -> Result<Events, Failure> {
    let bytes = std::fs::metadata(path)
        .map_err(|e| Failure::io("reading", path, &e))?
        .len();
    if bytes > MAX_BYTES {
        return Err(Failure::Usage(format!(
            "{} has {bytes} bytes, and a table has at most {MAX_BYTES}; split it",
            path.display()
        )));
    }
    let bytes = std::fs::read(path).map_err(|e| Failure::io("reading", path, &e))?;
    of_bytes(path, &bytes, mapping, encoding)
}

/// The same of a table's bytes; `path` names it.
pub fn of_bytes(
    path: &Path,
    bytes: &[u8],
    mapping: &Mapping,
    encoding: Option<&str>,
) -> Result<Events, Failure> {
    let named = encoding.or(mapping.file.encoding.as_deref());
    let (text, encoding) = encoding::decode(bytes, named).map_err(|e| wrong(path, &e))?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(mapping.file.separator).unwrap_or(b','))
        .from_reader(text.as_bytes());
    let headers = reader
        .headers()
        .map_err(|e| wrong(path, &e.to_string()))?
        .clone();
    let columns = Columns::new(path, mapping, &headers)?;
    let mut drafts: Vec<Draft> = Vec::new();
    let mut groups: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut strays = 0;
    let is_grouped = !mapping.file.group_by.is_empty();
    for record in reader.records() {
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                // Such as one with more or fewer columns: the next row is read again.
                let number = error.position().map_or(0, csv::Position::line);
                strays += usize::from(is_grouped);
                drafts.push(Draft::unreadable(number, error.to_string()));
                continue;
            }
        };
        let row = TableRow {
            columns: &columns,
            number: record.position().map_or(0, csv::Position::line),
            record: &record,
        };
        let group = match row.group() {
            Ok(group) => group,
            Err(wrong) => {
                strays += 1;
                drafts.push(Draft::unreadable(row.number, wrong));
                continue;
            }
        };
        let part = row
            .read()
            .unwrap_or_else(|wrong| Draft::unreadable(row.number, wrong));
        let known = group.as_ref().and_then(|group| groups.get(group).copied());
        match known.and_then(|known| drafts.get_mut(known)) {
            Some(draft) => draft.join(part, mapping),
            None => {
                if let Some(group) = group {
                    groups.insert(group, drafts.len());
                }
                drafts.push(part);
            }
        }
    }
    let events = drafts.into_iter().map(|draft| draft.finish(mapping));
    Ok(Events {
        events: events.collect(),
        encoding: encoding.name(),
        strays,
    })
}

fn wrong(path: &Path, what: &str) -> Failure {
    Failure::Usage(format!("{}: {what}; nothing was sent", path.display()))
}

/// A table's columns.
struct Columns<'a> {
    mapping: &'a Mapping,
    index: BTreeMap<&'a str, usize>,
}

impl<'a> Columns<'a> {
    fn new(
        path: &Path,
        mapping: &'a Mapping,
        headers: &'a StringRecord,
    ) -> Result<Columns<'a>, Failure> {
        let mut columns = BTreeMap::new();
        for (index, header) in headers.iter().enumerate() {
            // What spreadsheets write before the first one.
            let name = header.trim_start_matches('\u{feff}').trim();
            if columns.insert(name, index).is_some() {
                return Err(wrong(path, &format!("row 1 has two columns {name:?}")));
            }
        }
        let wanted = mapping
            .file
            .cells()
            .filter_map(|(_, cell)| cell.column.as_ref());
        for column in wanted.chain(&mapping.file.group_by) {
            if !columns.contains_key(column.as_str()) {
                let there: Vec<&str> = columns.keys().copied().collect();
                return Err(wrong(
                    path,
                    &format!(
                        "row 1 has no column {column:?}, which {} names; there are {}",
                        mapping.path.display(),
                        there.join(", ")
                    ),
                ));
            }
        }
        Ok(Columns {
            mapping,
            index: columns,
        })
    }
}

#[cfg(test)]
mod tests;
