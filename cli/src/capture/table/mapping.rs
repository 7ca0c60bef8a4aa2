//! The file that tells which column of a table is which field of EPCIS.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use time::UtcOffset;
use time::macros::format_description;

use crate::failure::Failure;

/// The file that tells what columns mean.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MappingFile {
    /// Between columns.
    #[serde(default = "comma")]
    pub(super) separator: char,
    /// The text's encoding, where its bytes don't tell.
    pub(super) encoding: Option<String>,
    /// The sheet of a workbook, where several hold anything.
    pub(super) sheet: Option<String>,
    /// Columns whose values rows of one event share; where none is named, each row is an event.
    #[serde(default)]
    pub(super) group_by: Vec<String>,
    /// Prefixes of extensions.
    #[serde(default)]
    pub(super) context: BTreeMap<String, String>,
    /// Fields of the event.
    pub(super) event: BTreeMap<String, Cell>,
    /// Business transactions, by their types.
    #[serde(default)]
    pub(super) business_transactions: BTreeMap<String, Cell>,
    /// Sources, by their types.
    #[serde(default)]
    pub(super) sources: BTreeMap<String, Cell>,
    /// Destinations, by their types.
    #[serde(default)]
    pub(super) destinations: BTreeMap<String, Cell>,
    /// Quantities, by the lists that they go to.
    #[serde(default)]
    pub(super) quantities: BTreeMap<String, QuantityCells>,
}

/// Where a value comes from.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cell {
    /// The column's name.
    pub(super) column: Option<String>,
    /// The same for every row.
    pub(super) value: Option<String>,
    /// What the column's words mean.
    #[serde(default)]
    pub(super) words: BTreeMap<String, String>,
    /// What the value stands in, at `{}`.
    pub(super) form: Option<String>,
    /// Several values in one cell are separated so.
    pub(super) split: Option<String>,
    /// The offset from UTC of times that don't say.
    pub(super) zone: Option<String>,
}

/// A quantity's parts.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct QuantityCells {
    pub(super) class: Cell,
    pub(super) quantity: Option<Cell>,
    pub(super) unit: Option<Cell>,
}

/// A mapping, read and checked.
#[derive(Clone, Debug)]
pub struct Mapping {
    pub(super) path: PathBuf,
    pub(super) file: MappingFile,
}
/// Fields that hold lists of identifiers: rows of one event add to them.
pub(super) const LISTS: [&str; 4] = ["epcList", "childEPCs", "inputEPCList", "outputEPCList"];
/// Fields whose value is an object with an id.
pub(super) const PLACES: [&str; 2] = ["readPoint", "bizLocation"];
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
        let file: MappingFile = toml::from_str(&text).map_err(|e| wrong(e.to_string()))?;
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

    /// The column that fills a field.
    pub(super) fn column(&self, field: &str) -> Option<String> {
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

impl MappingFile {
    /// All cells with the names of what they fill.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&str, &Cell)> {
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
/// An offset from UTC, such as +01:00.
pub(super) fn offset(text: &str) -> Option<UtcOffset> {
    let format = format_description!("[offset_hour sign:mandatory]:[offset_minute]");
    UtcOffset::parse(text, format).ok()
}
