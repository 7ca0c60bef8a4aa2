//! Workbooks (`.xlsx`, ECMA-376): the cells of one sheet as text. Spreadsheets keep times and numbers as numbers with
//! a form, so each is written as its form shows it. What a spreadsheet may have spoiled is refused, not guessed: long
//! numbers, of which it keeps 15 digits, merged cells, errors of formulas.
//!
//! The crate calamine was turned down: it changes what other crates are compiled with, RocksDB among them. What is
//! read here is a small part of the format, in bounds: bytes unpacked, rows, columns, and text in all.

mod cell_form;
mod markup;
mod sheet;
mod zip;

use std::collections::BTreeMap;

use self::cell_form::CellForm;
use self::markup::{Markup, MarkupPiece};
use self::zip::Zip;

pub(super) use self::sheet::{Sheet, SheetRow};

/// How a workbook's bytes begin.
const ZIP: &[u8] = b"PK\x03\x04";
/// How files of the older format begin, and workbooks with a password.
const COMPOUND: &[u8] = b"\xd0\xcf\x11\xe0";
/// Bytes of text that a workbook may come to.
const TEXT_BYTES: usize = 128 << 20;
/// Sheets of a workbook.
const SHEETS: usize = 256;

/// Whether these bytes are a workbook, or another file of a spreadsheet program that isn't text.
pub(super) fn is_workbook(bytes: &[u8]) -> bool {
    bytes.starts_with(ZIP) || bytes.starts_with(COMPOUND)
}

/// Reads the sheet of this name, or the only one that holds anything.
pub(super) fn read(bytes: &[u8], name: Option<&str>) -> Result<Sheet, String> {
    if bytes.starts_with(COMPOUND) {
        return Err(
            "it is a workbook with a password, or an .xls file of before 2007; save it as .xlsx \
             without a password"
                .to_owned(),
        );
    }
    let zip = Zip::read(bytes)?;
    let workbook = Workbook::read(&zip)?;
    let names: Vec<&str> = workbook
        .sheets
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    let wanted = workbook.sheets.iter();
    let wanted = wanted.filter(|(found, _)| name.is_none_or(|name| name == found));
    let mut read = Vec::new();
    for (found, path) in wanted {
        let sheet =
            sheet::read(zip.open(path)?, &workbook).map_err(|e| format!("sheet {found:?}: {e}"))?;
        if name.is_some() || !sheet.rows.is_empty() {
            read.push((found, sheet));
        }
    }
    let filled: Vec<&String> = read.iter().map(|(found, _)| *found).collect();
    match (read.len(), name) {
        (1, _) => {}
        (_, Some(name)) => return Err(format!("it has no sheet {name:?}; there are {names:?}")),
        (0, None) => return Err("none of its sheets holds anything".to_owned()),
        (_, None) => {
            return Err(format!(
                "several of its sheets hold something: {filled:?}; name the one that is meant in the \
                 mapping, such as sheet = {:?}",
                filled.first().map_or("", |name| name)
            ));
        }
    }
    let sheet = read.into_iter().next().map(|(_, sheet)| sheet);
    sheet.ok_or_else(|| "it has no sheet".to_owned())
}

/// What the cells of all sheets refer to.
struct Workbook {
    /// Sheets that are shown: their names, and where they are.
    sheets: Vec<(String, String)>,
    texts: Vec<String>,
    /// By the number of a cell's style.
    forms: Vec<CellForm>,
    /// Whether days are counted from 1904 on.
    from_1904: bool,
}

impl Workbook {
    fn read(zip: &Zip<'_>) -> Result<Workbook, String> {
        let roots = relations(zip, "")?;
        let main = roots
            .values()
            .find(|relation| relation.kind == "officeDocument");
        let main = main.ok_or("it is a packed file, and no workbook")?;
        let parts = relations(zip, &main.target)?;
        let part = |kind: &str| parts.values().find(|part| part.kind == kind);
        let (mut sheets, mut from_1904) = (Vec::new(), false);
        let mut markup = Markup::new(zip.open(&main.target)?);
        while let Some(piece) = markup.next()? {
            let MarkupPiece::Open(element) = piece else {
                continue;
            };
            match element.name.as_str() {
                "workbookPr" => {
                    from_1904 = matches!(element.attribute("date1904"), Some("1" | "true"));
                }
                "sheet" if !matches!(element.attribute("state"), Some("hidden" | "veryHidden")) => {
                    let name = element.attribute("name").unwrap_or_default();
                    let id = element.attribute("id").unwrap_or_default();
                    // A sheet of charts has no cells.
                    if let Some(sheet) = parts.get(id).filter(|part| part.kind == "worksheet") {
                        sheets.push((name.to_owned(), sheet.target.clone()));
                    }
                }
                _ => {}
            }
            if sheets.len() > SHEETS {
                return Err(format!("it has more than {SHEETS} sheets"));
            }
        }
        let texts = match part("sharedStrings") {
            Some(part) => texts(Markup::new(zip.open(&part.target)?), TEXT_BYTES)?,
            None => Vec::new(),
        };
        let forms = match part("styles") {
            Some(part) => cell_form::read(Markup::new(zip.open(&part.target)?))?,
            None => Vec::new(),
        };
        Ok(Workbook {
            sheets,
            texts,
            forms,
            from_1904,
        })
    }
}

/// What a part of the file refers to.
struct Relation {
    kind: String,
    target: String,
}

/// The relations of a part, by their ids (ECMA-376 part 2, §6.5); of the file as a whole where it has no name.
fn relations(zip: &Zip<'_>, part: &str) -> Result<BTreeMap<String, Relation>, String> {
    let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
    let around = match folder {
        "" => String::new(),
        folder => format!("{folder}/"),
    };
    let mut markup = Markup::new(zip.open(&format!("{around}_rels/{name}.rels"))?);
    let mut found = BTreeMap::new();
    while let Some(piece) = markup.next()? {
        let MarkupPiece::Open(element) = piece else {
            continue;
        };
        if element.name != "Relationship" || element.attribute("TargetMode") == Some("External") {
            continue;
        }
        let attribute = |name| element.attribute(name).unwrap_or_default();
        let kind = attribute("Type").rsplit('/').next().unwrap_or_default();
        let target = match attribute("Target").strip_prefix('/') {
            Some(whole) => whole.to_owned(),
            None => format!("{around}{}", attribute("Target")),
        };
        let relation = Relation {
            kind: kind.to_owned(),
            target,
        };
        found.insert(attribute("Id").to_owned(), relation);
    }
    Ok(found)
}

/// The texts that cells share, of so many bytes at most. One that is empty takes its place, too.
fn texts(mut markup: Markup<'_>, most: usize) -> Result<Vec<String>, String> {
    let (mut texts, mut bytes) = (Vec::new(), 0);
    while let Some(piece) = markup.next()? {
        if matches!(&piece, MarkupPiece::Open(element) if element.name == "si") {
            let text = markup.plain_text("si")?;
            bytes += text.len() + size_of::<String>();
            if bytes > most {
                return Err(too_much_text());
            }
            texts.push(text);
        }
    }
    Ok(texts)
}

fn too_much_text() -> String {
    format!(
        "it has more than {} MiB of text; split it",
        TEXT_BYTES >> 20
    )
}

#[cfg(test)]
mod tests;
