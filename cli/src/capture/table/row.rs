//! A row, read by the mapping: its cells as values of an event.

use csv::StringRecord;
use serde_json::{Map, Value, json};
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};
use touchstone_epcis::Identifier;

use super::Columns;
use super::draft::{Draft, wrong_at};
use super::mapping::{Cell, LISTS, PLACES, QuantityCells, offset};

/// A row.
pub(super) struct TableRow<'a> {
    pub(super) columns: &'a Columns<'a>,
    /// Its line in the file, from 1.
    pub(super) number: u64,
    pub(super) record: &'a StringRecord,
}

impl TableRow<'_> {
    fn column(&self, name: &str) -> &str {
        let index = self.columns.index.get(name);
        index
            .and_then(|i| self.record.get(*i))
            .unwrap_or_default()
            .trim()
    }

    /// The values that rows of one event share; none where each row is an event.
    pub(super) fn group(&self) -> Result<Option<Vec<String>>, String> {
        let columns = &self.columns.mapping.file.group_by;
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
        wrong_at(self.number, column, what)
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

    /// What the row says of its event.
    pub(super) fn read(&self) -> Result<Draft, String> {
        let file = &self.columns.mapping.file;
        let mut draft = Draft::new(self.number);
        for (field, cell) in &file.event {
            if LISTS.contains(&field.as_str()) {
                let values = self.values(cell)?.into_iter().map(|v| thing(v).into());
                draft.lists.entry(field.clone()).or_default().extend(values);
                continue;
            }
            let Some(value) = self.one(cell)? else {
                continue;
            };
            let value = match field.as_str() {
                "eventTime" => self.time(cell, &value, &mut draft)?,
                field if PLACES.contains(&field) => json!({ "id": place(value) }),
                "parentID" => thing(value).into(),
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
        let class = Value::from(thing(class));
        let mut element = Map::from_iter([("epcClass".to_owned(), class)]);
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

/// A thing or class as a scanner gives it, as an event has it: a Digital Link. Any other text stays, so that the
/// refusal names it.
fn thing(text: String) -> String {
    match (Identifier::parse(&text), Identifier::read(&text)) {
        (Err(_), Ok(id)) => id.as_str().to_owned(),
        _ => text,
    }
}

/// The same of a place.
fn place(text: String) -> String {
    match (Identifier::parse(&text), Identifier::read_place(&text)) {
        (Err(_), Ok(id)) => id.as_str().to_owned(),
        _ => text,
    }
}

/// What spreadsheets write for a time: a date, and hours with or without seconds.
fn local_time(text: &str) -> Option<PrimitiveDateTime> {
    let text = text.replacen('T', " ", 1);
    let parts = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond]");
    let seconds = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let minutes = format_description!("[year]-[month]-[day] [hour]:[minute]");
    let parsed = PrimitiveDateTime::parse(&text, seconds);
    parsed
        .or_else(|_| PrimitiveDateTime::parse(&text, minutes))
        .or_else(|_| PrimitiveDateTime::parse(&text, parts))
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
