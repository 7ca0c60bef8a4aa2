//! Tables of partners who have spreadsheets: each row, or each group of rows, is an event. A mapping
//! tells which column is which field of EPCIS. Whatever is wrong is told with its row and column, all of
//! it at once.

mod encoding;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use csv::StringRecord;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime, UtcOffset};
use touchstone_epcis::Event;

use crate::failure::Failure;

/// The context that events of a table have, before the mapping's own.
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld";
/// The largest table, in bytes.
const MAX_BYTES: u64 = 256 << 20;

/// The file that tells what columns mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Between columns.
    #[serde(default = "comma")]
    separator: char,
    /// The text's encoding, where its bytes don't tell.
    encoding: Option<String>,
    /// Columns whose values rows of one event share; where none is named, each row is an event.
    #[serde(default)]
    group_by: Vec<String>,
    /// Prefixes of extensions.
    #[serde(default)]
    context: BTreeMap<String, String>,
    /// Fields of the event.
    event: BTreeMap<String, Cell>,
    /// Business transactions, by their types.
    #[serde(default)]
    business_transactions: BTreeMap<String, Cell>,
    /// Sources, by their types.
    #[serde(default)]
    sources: BTreeMap<String, Cell>,
    /// Destinations, by their types.
    #[serde(default)]
    destinations: BTreeMap<String, Cell>,
    /// Quantities, by the lists that they go to.
    #[serde(default)]
    quantities: BTreeMap<String, QuantityCells>,
}

/// Where a value comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cell {
    /// The column's name.
    column: Option<String>,
    /// The same for every row.
    value: Option<String>,
    /// What the column's words mean.
    #[serde(default)]
    words: BTreeMap<String, String>,
    /// What the value stands in, at `{}`.
    form: Option<String>,
    /// Several values in one cell are separated so.
    split: Option<String>,
    /// The offset from UTC of times that don't say.
    zone: Option<String>,
}

/// A quantity's parts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuantityCells {
    class: Cell,
    quantity: Option<Cell>,
    unit: Option<Cell>,
}

/// A mapping, read and checked.
#[derive(Clone, Debug)]
pub struct Mapping {
    path: PathBuf,
    file: File,
}

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

/// Fields that hold lists of identifiers: rows of one event add to them.
const LISTS: [&str; 4] = ["epcList", "childEPCs", "inputEPCList", "outputEPCList"];
/// Fields whose value is an object with an id.
const PLACES: [&str; 2] = ["readPoint", "bizLocation"];
/// Other fields that a mapping can fill.
const TEXTS: [&str; 10] = [
    "type",
    "eventTime",
    "eventTimeZoneOffset",
    "eventID",
    "action",
    "bizStep",
    "disposition",
    "parentID",
    "transformationID",
    "certificationInfo",
];
const QUANTITY_LISTS: [&str; 4] = [
    "quantityList",
    "childQuantityList",
    "inputQuantityList",
    "outputQuantityList",
];

fn comma() -> char {
    ','
}

impl Mapping {
    /// Reads a mapping file.
    pub fn read(path: &Path) -> Result<Mapping, Failure> {
        let text = std::fs::read_to_string(path).map_err(|e| Failure::io("reading", path, &e))?;
        let wrong = |what: String| Failure::Usage(format!("{}: {what}", path.display()));
        let file: File = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
        if !file.separator.is_ascii() {
            return Err(wrong("separator must be one ASCII character".into()));
        }
        for field in file.event.keys() {
            let known = [&LISTS[..], &PLACES[..], &TEXTS[..]].concat();
            let extension = field.split_once(':').map(|(prefix, _)| prefix);
            let fits = match extension {
                None => known.contains(&field.as_str()),
                Some(prefix) => file.context.contains_key(prefix),
            };
            if !fits {
                return Err(wrong(format!(
                    "[event] has no field {field:?}: there are {}, and extensions whose prefix \
                     stands under [context]",
                    known.join(", ")
                )));
            }
        }
        for list in file.quantities.keys() {
            if !QUANTITY_LISTS.contains(&list.as_str()) {
                return Err(wrong(format!(
                    "[quantities] has no list {list:?}: there are {}",
                    QUANTITY_LISTS.join(", ")
                )));
            }
        }
        for (name, cell) in file.cells() {
            if cell.column.is_some() == cell.value.is_some() {
                return Err(wrong(format!(
                    "{name} needs a column or a value, and not both"
                )));
            }
            if cell.form.as_ref().is_some_and(|form| !form.contains("{}")) {
                return Err(wrong(format!(
                    "the form of {name} has no {{}} for the value"
                )));
            }
            let zone = cell.zone.as_deref();
            if zone.is_some_and(|zone| offset(zone).is_none()) {
                return Err(wrong(format!(
                    "the zone of {name} is no offset such as +01:00"
                )));
            }
        }
        Ok(Mapping {
            path: path.to_owned(),
            file,
        })
    }
}

impl File {
    /// All cells with the names of what they fill.
    fn cells(&self) -> impl Iterator<Item = (&str, &Cell)> {
        let quantities = self.quantities.iter().flat_map(|(name, cells)| {
            let parts = [
                Some(&cells.class),
                cells.quantity.as_ref(),
                cells.unit.as_ref(),
            ];
            parts.into_iter().flatten().map(move |cell| (name, cell))
        });
        let lists = [
            &self.event,
            &self.business_transactions,
            &self.sources,
            &self.destinations,
        ];
        let lists = lists.into_iter().flatten();
        lists
            .chain(quantities)
            .map(|(name, cell)| (name.as_str(), cell))
    }
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
    let table = Table::new(path, mapping, &headers)?;
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
        let row = Row {
            table: &table,
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
            Some(draft) => draft.join(part, &row),
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
struct Table<'a> {
    mapping: &'a Mapping,
    columns: BTreeMap<&'a str, usize>,
}

impl<'a> Table<'a> {
    fn new(
        path: &Path,
        mapping: &'a Mapping,
        headers: &'a StringRecord,
    ) -> Result<Table<'a>, Failure> {
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
        Ok(Table { mapping, columns })
    }
}

/// A row.
struct Row<'a> {
    table: &'a Table<'a>,
    /// Its line in the file, from 1.
    number: u64,
    record: &'a StringRecord,
}

/// An event in the making.
#[derive(Debug)]
struct Draft {
    row: u64,
    /// Each is the same in all rows of the event.
    single: BTreeMap<String, Value>,
    /// Rows add to these.
    lists: BTreeMap<String, Vec<Value>>,
    /// What is wrong with its rows.
    wrong: Vec<String>,
}

impl Row<'_> {
    fn column(&self, name: &str) -> &str {
        let index = self.table.columns.get(name);
        index
            .and_then(|i| self.record.get(*i))
            .unwrap_or_default()
            .trim()
    }

    fn group(&self) -> Result<Option<Vec<String>>, String> {
        let columns = &self.table.mapping.file.group_by;
        let mut group = Vec::with_capacity(columns.len());
        for column in columns {
            match self.column(column) {
                "" => return Err(self.wrong(column, "is empty, and events are grouped by it")),
                value => group.push(value.to_owned()),
            }
        }
        Ok((!group.is_empty()).then_some(group))
    }

    fn wrong(&self, column: &str, what: &str) -> String {
        format!("row {}, column {column:?}: {what}", self.number)
    }

    /// The values of a cell; none where it is empty.
    fn values(&self, cell: &Cell) -> Result<Vec<String>, String> {
        let (column, text) = match (&cell.column, &cell.value) {
            (Some(column), _) => (column.as_str(), self.column(column)),
            (None, value) => ("", value.as_deref().unwrap_or_default()),
        };
        let parts: Vec<&str> = match &cell.split {
            Some(separator) => text.split(separator.as_str()).map(str::trim).collect(),
            None => vec![text],
        };
        let mut values = Vec::new();
        for part in parts.into_iter().filter(|part| !part.is_empty()) {
            let word = match cell.words.get(part) {
                Some(word) => word.as_str(),
                None if cell.words.is_empty() => part,
                None => {
                    let known: Vec<&str> = cell.words.keys().map(String::as_str).collect();
                    let what = format!(
                        "{part:?} isn't among the words of the mapping: {}",
                        known.join(", ")
                    );
                    return Err(self.wrong(column, &what));
                }
            };
            values.push(match &cell.form {
                Some(form) => form.replace("{}", &percent_encode(word)),
                None => word.to_owned(),
            });
        }
        Ok(values)
    }

    fn one(&self, cell: &Cell) -> Result<Option<String>, String> {
        let mut values = self.values(cell)?;
        match values.len() {
            0 | 1 => Ok(values.pop()),
            _ => {
                let column = cell.column.as_deref().unwrap_or_default();
                Err(self.wrong(column, "holds several values, and the field takes one"))
            }
        }
    }

    fn read(&self) -> Result<Draft, String> {
        let file = &self.table.mapping.file;
        let mut draft = Draft::new(self.number);
        for (field, cell) in &file.event {
            if LISTS.contains(&field.as_str()) {
                let values = self.values(cell)?.into_iter().map(Value::from);
                draft.lists.entry(field.clone()).or_default().extend(values);
                continue;
            }
            let Some(value) = self.one(cell)? else {
                continue;
            };
            let value = match field.as_str() {
                "eventTime" => self.time(cell, &value, &mut draft)?,
                field if PLACES.contains(&field) => json!({ "id": value }),
                _ => value.into(),
            };
            draft.single.insert(field.clone(), value);
        }
        let typed = [
            (
                "bizTransactionList",
                "bizTransaction",
                &file.business_transactions,
            ),
            ("sourceList", "source", &file.sources),
            ("destinationList", "destination", &file.destinations),
        ];
        for (list, member, cells) in typed {
            for (kind, cell) in cells {
                for value in self.values(cell)? {
                    let element = json!({ "type": kind, member: value });
                    let elements = draft.lists.entry(list.into()).or_default();
                    elements.push(element);
                }
            }
        }
        for (list, cells) in &file.quantities {
            if let Some(element) = self.quantity(cells)? {
                draft.lists.entry(list.clone()).or_default().push(element);
            }
        }
        Ok(draft)
    }

    fn quantity(&self, cells: &QuantityCells) -> Result<Option<Value>, String> {
        let Some(class) = self.one(&cells.class)? else {
            return Ok(None);
        };
        let mut element = Map::from_iter([("epcClass".to_owned(), Value::from(class))]);
        if let Some(cell) = &cells.quantity
            && let Some(text) = self.one(cell)?
        {
            let number = serde_json::from_str::<serde_json::Number>(&text).map_err(|_| {
                let column = cell.column.as_deref().unwrap_or_default();
                self.wrong(column, &format!("{text:?} is no number such as 12 or 0.5"))
            })?;
            element.insert("quantity".into(), Value::from(number));
        }
        if let Some(cell) = &cells.unit
            && let Some(unit) = self.one(cell)?
        {
            element.insert("uom".into(), unit.into());
        }
        Ok(Some(element.into()))
    }

    /// A time with zone as it is; one without zone in the mapping's.
    fn time(&self, cell: &Cell, text: &str, draft: &mut Draft) -> Result<Value, String> {
        let zone = cell.zone.as_deref().and_then(offset);
        let moment = OffsetDateTime::parse(text, &Rfc3339).ok().or_else(|| {
            let local = local_time(text)?;
            Some(local.assume_offset(zone?))
        });
        let Some(moment) = moment else {
            let column = cell.column.as_deref().unwrap_or_default();
            let hint = match zone {
                Some(_) => "2026-03-01 08:30",
                None => "2026-03-01T08:30:00+01:00, or give the mapping a zone",
            };
            return Err(self.wrong(column, &format!("{text:?} is no time such as {hint}")));
        };
        let (hours, minutes, _) = moment.offset().as_hms();
        let sign = if moment.offset().is_negative() {
            '-'
        } else {
            '+'
        };
        let offset = format!("{sign}{:02}:{:02}", hours.abs(), minutes.abs());
        draft
            .single
            .entry("eventTimeZoneOffset".into())
            .or_insert(offset.into());
        // Formatting fails for years beyond 9999 alone, and such a time isn't read.
        Ok(moment.format(&Rfc3339).unwrap_or_default().into())
    }
}

impl Draft {
    fn new(row: u64) -> Draft {
        Draft {
            row,
            single: BTreeMap::new(),
            lists: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    /// Of a row that can't be read.
    fn unreadable(row: u64, wrong: String) -> Draft {
        Draft {
            wrong: vec![wrong],
            ..Draft::new(row)
        }
    }

    /// Adds another row of the same event.
    fn join(&mut self, other: Draft, row: &Row<'_>) {
        self.wrong.extend(other.wrong);
        for (field, value) in other.single {
            let known = self
                .single
                .entry(field.clone())
                .or_insert_with(|| value.clone());
            if *known != value {
                let cells = &row.table.mapping.file.event;
                let column = cells.get(&field).and_then(|cell| cell.column.as_deref());
                let what = format!(
                    "{field} is {value}, and {known} in row {}, which is the same event",
                    self.row
                );
                self.wrong
                    .push(row.wrong(column.unwrap_or_default(), &what));
            }
        }
        for (list, values) in other.lists {
            let known = self.lists.entry(list).or_default();
            for value in values {
                // Rows of one event repeat what they share.
                if !known.contains(&value) {
                    known.push(value);
                }
            }
        }
    }

    fn finish(self, mapping: &Mapping) -> TableEvent {
        if !self.wrong.is_empty() {
            let wrong = self.wrong.join("; ");
            return TableEvent {
                bytes: format!("{} {wrong}", self.row).into_bytes(),
                place: format!("row {}", self.row),
                wrong: Some(wrong),
            };
        }
        let mut context = vec![Value::from(CONTEXT)];
        if !mapping.file.context.is_empty() {
            context.push(json!(mapping.file.context));
        }
        let mut event = Map::from_iter([("@context".to_owned(), Value::from(context))]);
        event.extend(self.single);
        let lists = self
            .lists
            .into_iter()
            .filter(|(_, values)| !values.is_empty());
        event.extend(lists.map(|(name, values)| (name, Value::from(values))));
        let bytes = Value::from(event).to_string().into_bytes();
        let field = match Event::parse(&bytes) {
            Ok(_) => None,
            Err(error) => field_of(&error.path).and_then(|field| mapping.column(&field)),
        };
        let column = field.map_or_else(String::new, |column| format!(", column {column:?}"));
        TableEvent {
            bytes,
            place: format!("row {}{column}", self.row),
            wrong: None,
        }
    }
}

impl Mapping {
    /// The column that fills a field.
    fn column(&self, field: &str) -> Option<String> {
        let file = &self.file;
        let lists = match field {
            "bizTransactionList" => Some(&file.business_transactions),
            "sourceList" => Some(&file.sources),
            "destinationList" => Some(&file.destinations),
            _ => None,
        };
        let cell = file
            .event
            .get(field)
            .or_else(|| file.quantities.get(field).map(|cells| &cells.class))
            .or_else(|| lists.and_then(|cells| cells.values().next()));
        cell.and_then(|cell| cell.column.clone())
    }
}

/// The field that a path such as `$.epcList[2]` begins with.
fn field_of(path: &str) -> Option<String> {
    let rest = path.strip_prefix("$.")?;
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    rest.get(..end).map(str::to_owned)
}

fn offset(text: &str) -> Option<UtcOffset> {
    let format = format_description!("[offset_hour sign:mandatory]:[offset_minute]");
    UtcOffset::parse(text, format).ok()
}

/// What spreadsheets write for a time: a date, and hours with or without seconds.
fn local_time(text: &str) -> Option<PrimitiveDateTime> {
    let text = text.replacen('T', " ", 1);
    let seconds = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let minutes = format_description!("[year]-[month]-[day] [hour]:[minute]");
    let parsed = PrimitiveDateTime::parse(&text, seconds);
    parsed
        .or_else(|_| PrimitiveDateTime::parse(&text, minutes))
        .ok()
}

/// A cell's text inside a URI: what a URI can't hold as it is, encoded (RFC 3986 §2.1).
fn percent_encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!'()*+,:;=".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests;
