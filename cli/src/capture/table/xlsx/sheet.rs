//! A sheet's rows: each cell as text, at its column.

use std::collections::BTreeMap;

use super::cell_form::{self, CellForm};
use super::markup::{Markup, MarkupElement, MarkupPiece};
use super::zip::ZipPart;
use super::{TEXT_BYTES, Workbook, too_much_text};

/// Rows and columns of a sheet, at most: those of spreadsheets.
const ROWS: u64 = 1_048_576;
const COLUMNS: usize = 16_384;

/// A sheet's rows that hold anything.
#[derive(Debug, Default)]
pub(in crate::capture::table) struct Sheet {
    pub(in crate::capture::table) rows: Vec<SheetRow>,
}

/// A row: what its cells hold by their columns, from 0; or why one can't be read.
#[derive(Debug)]
pub(in crate::capture::table) struct SheetRow {
    /// From 1, as the spreadsheet shows it.
    pub(in crate::capture::table) number: u64,
    pub(in crate::capture::table) cells: BTreeMap<usize, Result<String, String>>,
}

/// Reads a sheet. Merged cells below its first row are refused: only the first of them has a value.
pub(super) fn read(part: ZipPart<'_>, workbook: &Workbook) -> Result<Sheet, String> {
    let mut markup = Markup::new(part);
    let mut sheet = Sheet::default();
    let (mut number, mut bytes) = (0, 0);
    while let Some(piece) = markup.next()? {
        let MarkupPiece::Open(element) = piece else {
            continue;
        };
        match element.name.as_str() {
            "row" => {
                number = match element.attribute("r") {
                    Some(text) => text.parse().unwrap_or(0),
                    None => number + 1,
                };
                let last = sheet.rows.last().map_or(0, |row| row.number);
                if number <= last || number > ROWS {
                    return Err("its rows aren't in order".to_owned());
                }
                let cells = row(&mut markup, workbook, &mut bytes)?;
                if !cells.is_empty() {
                    sheet.rows.push(SheetRow { number, cells });
                }
            }
            "mergeCell" => {
                let range = element.attribute("ref").unwrap_or_default();
                let last = range.rsplit(':').next().and_then(place);
                let first = sheet.rows.first().map_or(0, |row| row.number);
                if last.is_none_or(|(_, row)| row > first) {
                    return Err(format!(
                        "its cells {range} are merged, so that only the first of them has a value: separate \
                         them, and fill each"
                    ));
                }
            }
            _ => {}
        }
    }
    Ok(sheet)
}

fn row(
    markup: &mut Markup<'_>,
    workbook: &Workbook,
    bytes: &mut usize,
) -> Result<BTreeMap<usize, Result<String, String>>, String> {
    let mut cells = BTreeMap::new();
    let mut next = 0;
    while let Some(piece) = markup.next()? {
        match piece {
            MarkupPiece::Open(element) if element.name == "c" => {
                let column = match element.attribute("r") {
                    Some(text) => place(text).map(|(column, _)| column),
                    None => Some(next),
                };
                let column = column.filter(|column| *column < COLUMNS);
                let column = column.ok_or("a cell has no place")?;
                next = column + 1;
                if let Some(found) = cell(markup, &element, workbook)? {
                    *bytes += found.as_ref().map_or(0, String::len);
                    if *bytes > TEXT_BYTES {
                        return Err(too_much_text());
                    }
                    if cells.insert(column, found).is_some() {
                        return Err("two cells have one place".to_owned());
                    }
                }
            }
            MarkupPiece::Close(name) if name == "row" => break,
            _ => {}
        }
    }
    Ok(cells)
}

/// What a cell holds (ECMA-376 part 1, §18.3.1.4); none where it is empty.
fn cell(
    markup: &mut Markup<'_>,
    element: &MarkupElement,
    workbook: &Workbook,
) -> Result<Option<Result<String, String>>, String> {
    let (mut value, mut inline) = (None, None);
    while let Some(piece) = markup.next()? {
        match piece {
            MarkupPiece::Open(inner) if inner.name == "v" => value = Some(markup.text_of("v")?),
            MarkupPiece::Open(inner) if inner.name == "is" => {
                inline = Some(markup.plain_text("is")?)
            }
            // The value beside a formula is what it came to.
            MarkupPiece::Open(inner) if inner.name == "f" => {
                markup.text_of("f")?;
            }
            MarkupPiece::Close(name) if name == "c" => break,
            _ => {}
        }
    }
    let kind = element.attribute("t").unwrap_or("n");
    let found = match (kind, value, inline) {
        ("inlineStr", _, inline) => inline.map(Ok),
        (_, None, _) => None,
        ("s", Some(index), _) => {
            let index: Option<usize> = index.trim().parse().ok();
            let text = index.and_then(|index| workbook.texts.get(index));
            Some(Ok(text
                .ok_or("a cell refers to a text that isn't there")?
                .clone()))
        }
        ("b", Some(value), _) => Some(Ok(match value.trim() {
            "0" => "FALSE".to_owned(),
            _ => "TRUE".to_owned(),
        })),
        ("e", Some(error), _) => Some(Err(format!("holds the error {error}"))),
        ("str" | "d", Some(value), _) => Some(Ok(value)),
        (_, Some(value), _) => {
            let style: usize = element
                .attribute("s")
                .and_then(|s| s.parse().ok())
                .unwrap_or(0);
            let form = workbook
                .forms
                .get(style)
                .copied()
                .unwrap_or(CellForm::Number);
            Some(cell_form::write(&value, form, workbook.from_1904))
        }
    };
    Ok(found.filter(|found| !matches!(found, Ok(text) if text.trim().is_empty())))
}

/// `B7` as column, from 0, and row.
fn place(text: &str) -> Option<(usize, u64)> {
    let digits = text.find(|c: char| c.is_ascii_digit())?;
    let (letters, row) = text.split_at_checked(digits)?;
    let row = row.parse().ok().filter(|row| (1..=ROWS).contains(row))?;
    if !(1..=3).contains(&letters.len()) {
        return None;
    }
    let column = letters.bytes().try_fold(0usize, |column, letter| {
        letter
            .is_ascii_uppercase()
            .then(|| column * 26 + usize::from(letter - b'A') + 1)
    });
    Some((column?.checked_sub(1)?, row))
}
