//! An event in the making: rows of one event add to it.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use touchstone_epcis::Event;

use super::TableEvent;
use super::mapping::Mapping;

/// The context that events of a table have, before the mapping's own.
const CONTEXT: &str = "https://ref.gs1.org/standards/epcis/epcis-context.jsonld";

/// An event in the making.
#[derive(Debug)]
pub(super) struct Draft {
    /// The first of its rows.
    row: u64,
    /// Each is the same in all rows of the event.
    pub(super) single: BTreeMap<String, Value>,
    /// Rows add to these.
    pub(super) lists: BTreeMap<String, Vec<Value>>,
    /// What is wrong with its rows.
    wrong: Vec<String>,
}

impl Draft {
    pub(super) fn new(row: u64) -> Draft {
        Draft {
            row,
            single: BTreeMap::new(),
            lists: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    /// Of a row that can't be read.
    pub(super) fn unreadable(row: u64, wrong: String) -> Draft {
        Draft {
            wrong: vec![wrong],
            ..Draft::new(row)
        }
    }

    /// Adds another row of the same event.
    pub(super) fn join(&mut self, other: Draft, mapping: &Mapping) {
        self.wrong.extend(other.wrong);
        for (field, value) in other.single {
            let known = self
                .single
                .entry(field.clone())
                .or_insert_with(|| value.clone());
            if *known != value {
                let cells = &mapping.file.event;
                let column = cells.get(&field).and_then(|cell| cell.column.as_deref());
                let what = format!(
                    "{field} is {value}, and {known} in row {}, which is the same event",
                    self.row
                );
                self.wrong
                    .push(wrong_at(other.row, column.unwrap_or_default(), &what));
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

    /// The event, or what is wrong with its rows.
    pub(super) fn finish(self, mapping: &Mapping) -> TableEvent {
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
/// What is said of a cell.
pub(super) fn wrong_at(row: u64, column: &str, what: &str) -> String {
    format!("row {row}, column {column:?}: {what}")
}

/// The field that a path such as `$.epcList[2]` begins with.
fn field_of(path: &str) -> Option<String> {
    let rest = path.strip_prefix("$.")?;
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    rest.get(..end).map(str::to_owned)
}
