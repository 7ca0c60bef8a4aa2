//! Tables of partners who have spreadsheets, as text or as workbooks: each row, or each group of rows, is an
//! event. A mapping
//! tells which column is which field of EPCIS. Whatever is wrong is told with its row and column, all of
//! it at once.

mod draft;
mod encoding;
mod mapping;
mod row;
mod xlsx;

use std::collections::BTreeMap;
use std::path::Path;

use csv::StringRecord;

pub use self::mapping::Mapping;

use self::draft::Draft;
use self::row::TableRow;
use self::xlsx::SheetRow;
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
    if xlsx::is_workbook(bytes) {
        if encoding.is_some() {
            let why = "a workbook says itself how its text is encoded; leave --encoding out";
            return Err(wrong(path, why));
        }
        return of_workbook(path, bytes, mapping);
    }
    let named = encoding.or(mapping.file.encoding.as_deref());
    let (text, encoding) = encoding::decode(bytes, named).map_err(|e| wrong(path, &e))?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(u8::try_from(mapping.file.separator).unwrap_or(b','))
        .from_reader(text.as_bytes());
    let headers = reader
        .headers()
        .map_err(|e| wrong(path, &e.to_string()))?
        .clone();
    let columns = Columns::new(path, mapping, (1, &headers))?;
    let lines = reader.into_records().map(|record| match record {
        Ok(record) => TableLine {
            number: record.position().map_or(0, csv::Position::line),
            cells: Ok(record),
        },
        // Such as one with more or fewer columns: the next row is read again.
        Err(error) => TableLine {
            number: error.position().map_or(0, csv::Position::line),
            cells: Err(error.to_string()),
        },
    });
    Ok(Events {
        encoding: encoding.name(),
        ..of_lines(lines, &columns)
    })
}

/// The same of a workbook, whose first row that holds anything names the columns.
fn of_workbook(path: &Path, bytes: &[u8], mapping: &Mapping) -> Result<Events, Failure> {
    let sheet = xlsx::read(bytes, mapping.file.sheet.as_deref());
    let mut rows = sheet.map_err(|e| wrong(path, &e))?.rows.into_iter();
    let first = rows.next();
    let first = first.ok_or_else(|| wrong(path, "its sheet holds nothing"))?;
    let mut names = StringRecord::new();
    let width = first.cells.keys().next_back().map_or(0, |last| last + 1);
    for column in 0..width {
        match first.cells.get(&column) {
            Some(Ok(name)) => names.push_field(name),
            Some(Err(error)) => return Err(wrong(path, &format!("row {}: {error}", first.number))),
            // Nobody can mean a column without a name.
            None => names.push_field(&format!("(column {})", column + 1)),
        }
    }
    let columns = Columns::new(path, mapping, (first.number, &names))?;
    let lines = rows.map(|row| TableLine {
        number: row.number,
        cells: columns.cells_of(row, width),
    });
    Ok(of_lines(lines, &columns))
}

/// A line of a table: its cells, or why they can't be read.
struct TableLine {
    /// From 1.
    number: u64,
    cells: Result<StringRecord, String>,
}

/// The events of a table's lines, in UTF-8.
fn of_lines(lines: impl Iterator<Item = TableLine>, columns: &Columns<'_>) -> Events {
    let mapping = columns.mapping;
    let mut drafts: Vec<Draft> = Vec::new();
    let mut groups: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    let mut strays = 0;
    let is_grouped = !mapping.file.group_by.is_empty();
    for line in lines {
        let record = match line.cells {
            Ok(record) => record,
            Err(error) => {
                strays += usize::from(is_grouped);
                drafts.push(Draft::unreadable(line.number, error));
                continue;
            }
        };
        let row = TableRow {
            columns,
            number: line.number,
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
    Events {
        events: events.collect(),
        encoding: "UTF-8",
        strays,
    }
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
        (row, headers): (u64, &'a StringRecord),
    ) -> Result<Columns<'a>, Failure> {
        let mut columns = BTreeMap::new();
        for (index, header) in headers.iter().enumerate() {
            // What spreadsheets write before the first one.
            let name = header.trim_start_matches('\u{feff}').trim();
            if columns.insert(name, index).is_some() {
                let what = format!("row {row} has two columns {name:?}");
                return Err(wrong(path, &what));
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
                        "row {row} has no column {column:?}, which {} names; there are {}",
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

    /// A sheet's row as a table's: a cell that can't be read is told of where its column is asked for.
    fn cells_of(&self, row: SheetRow, width: usize) -> Result<StringRecord, String> {
        let file = &self.mapping.file;
        let named = file.cells().filter_map(|(_, cell)| cell.column.as_ref());
        for column in named.chain(&file.group_by) {
            let index = self.index.get(column.as_str());
            if let Some(Err(error)) = index.and_then(|index| row.cells.get(index)) {
                return Err(draft::wrong_at(row.number, column, error));
            }
        }
        let cells = (0..width).map(|column| match row.cells.get(&column) {
            Some(Ok(text)) => text.as_str(),
            _ => "",
        });
        Ok(cells.collect())
    }
}

#[cfg(test)]
mod tests;
