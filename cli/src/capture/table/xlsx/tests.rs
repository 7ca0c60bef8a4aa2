//! Workbooks that were written by other programs, and those that would deceive or exhaust a reader.

use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::Crc;
use flate2::write::DeflateEncoder;

use super::*;
use crate::capture::table::{self, Mapping};

/// A part as it is packed: what the directory says of it may be bent.
struct Packed {
    name: &'static str,
    data: Vec<u8>,
    size: u32,
    sum: u32,
    flags: u16,
    method: u16,
}

impl Packed {
    fn of(name: &'static str, text: &str) -> Packed {
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        let mut sum = Crc::new();
        sum.update(text.as_bytes());
        Packed {
            name,
            data: packer.finish().unwrap(),
            size: text.len() as u32,
            sum: sum.sum(),
            flags: 0,
            method: 8,
        }
    }

    fn head(&self) -> Vec<u8> {
        let mut head = Vec::new();
        head.extend(20u16.to_le_bytes());
        head.extend(self.flags.to_le_bytes());
        head.extend(self.method.to_le_bytes());
        head.extend(0u32.to_le_bytes());
        head.extend(self.sum.to_le_bytes());
        head.extend((self.data.len() as u32).to_le_bytes());
        head.extend(self.size.to_le_bytes());
        head.extend((self.name.len() as u16).to_le_bytes());
        head.extend(0u16.to_le_bytes());
        head
    }
}

fn packed(parts: &[Packed]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for part in parts {
        let offset = bytes.len() as u32;
        bytes.extend(b"PK\x03\x04");
        bytes.extend(part.head());
        bytes.extend(part.name.as_bytes());
        bytes.extend(&part.data);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(part.head());
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(part.name.as_bytes());
    }
    let (count, offset) = (parts.len() as u16, bytes.len() as u32);
    let size = directory.len() as u32;
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(offset.to_le_bytes());
    bytes.extend(0u16.to_le_bytes());
    bytes
}

const ROOT: &str = r#"<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">
    <Relationship Id="r1" Target="xl/workbook.xml"
    Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument"/></Relationships>"#;
const BOOK: &str = r#"<x:workbook xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">
    <x:workbookPr/><x:sheets><x:sheet name="One" sheetId="1" r:id="s1"/>
    <x:sheet name="Two" sheetId="2" r:id="s2"/>
    <x:sheet name="Secret" sheetId="3" state="hidden" r:id="s2"/></x:sheets></x:workbook>"#;
const PARTS: &str = r#"<Relationships>
    <Relationship Id="s1" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/worksheet"
        Target="worksheets/one.xml"/>
    <Relationship Id="s2" Type="x/worksheet" Target="/xl/two.xml"/>
    <Relationship Id="t" Type="x/sharedStrings" Target="texts.xml"/>
    <Relationship Id="f" Type="x/styles" Target="styles.xml"/></Relationships>"#;
const TEXTS: &str = r#"<sst><si><t>Time</t></si><si><r><t>Th</t></r><r><t>ing</t></r><rPh><t>no</t></rPh></si><si>
    <t xml:space="preserve">a&amp;b_x0041_&#x4E2D;</t></si></sst>"#;
const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd\ hh:mm"/></numFmts>
    <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/>
    </cellXfs></styleSheet>"#;
const HEAD: &str = r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c></row>"#;

fn parts(one: &str, two: &str) -> Vec<Packed> {
    let sheet = |rows: &str| format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    vec![
        Packed::of("_rels/.rels", ROOT),
        Packed::of("xl/workbook.xml", BOOK),
        Packed::of("xl/_rels/workbook.xml.rels", PARTS),
        Packed::of("xl/worksheets/one.xml", &sheet(one)),
        Packed::of("xl/two.xml", &sheet(two)),
        Packed::of("xl/texts.xml", TEXTS),
        Packed::of("xl/styles.xml", STYLES),
    ]
}

/// A row's cells, at their columns.
type Cells = Vec<(usize, Result<String, String>)>;

/// The cells of each row, or why there are none.
fn cells(bytes: &[u8], name: Option<&str>) -> Result<Vec<Cells>, String> {
    let sheet = read(bytes, name)?;
    let rows = sheet
        .rows
        .into_iter()
        .map(|row| row.cells.into_iter().collect());
    Ok(rows.collect())
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes, None)
        .map(|sheet| format!("{sheet:?}"))
        .unwrap_err()
}

/// XlsxWriter writes as Excel does: the workbook gives the same events as the text with the same mapping.
#[test]
fn a_workbook_is_read_as_the_same_table_in_text() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/csv");
    let mapping = Mapping::read(&folder.join("deliveries.toml")).unwrap();
    let events = |name| {
        table::events(&folder.join(name), &mapping, None)
            .unwrap()
            .events
    };
    let (text, book) = (events("deliveries.csv"), events("deliveries.xlsx"));
    assert_eq!(text.len(), book.len());
    for (text, book) in text.iter().zip(&book) {
        assert_eq!(
            String::from_utf8_lossy(&book.bytes),
            String::from_utf8_lossy(&text.bytes)
        );
        assert_eq!((&book.wrong, &text.wrong), (&None, &None));
        assert_eq!(book.place, text.place);
    }
    let failure = table::events(&folder.join("deliveries.xlsx"), &mapping, Some("utf-8"));
    assert!(failure.unwrap_err().to_string().contains("--encoding"));
}

#[test]
fn cells_of_all_kinds_are_text() {
    let row = r#"<row r="3"><c r="A3" s="1"><v>46082.354166666664</v></c><c t="s"><v>2</v></c>
        <c r="D3" t="inlineStr"><is><t>in</t><r><t>line</t></r></is></c><c r="E3" t="b"><v>1</v></c>
        <c r="F3" t="str"><f>A1&amp;"x"</f><v>made</v></c><c r="G3" t="e"><v>#N/A</v></c>
        <c r="H3"><f>1+1</f></c><c r="AA3"><v>7</v></c><c r="AB3" t="str"><v>  </v></c></row>"#;
    let found = cells(
        &packed(&parts(&format!("{HEAD}<row r=\"2\"/>{row}"), "")),
        None,
    )
    .unwrap();
    let ok = |column: usize, text: &str| (column, Ok(text.to_owned()));
    assert_eq!(found[0], [ok(0, "Time"), ok(1, "Thing")]);
    assert_eq!(
        found[1],
        [
            ok(0, "2026-03-01 08:30:00"),
            ok(1, "a&bA中"),
            ok(3, "inline"),
            ok(4, "TRUE"),
            ok(5, "made"),
            (6, Err("holds the error #N/A".to_owned())),
            ok(26, "7"),
        ]
    );
}

#[test]
fn where_several_sheets_hold_something_one_must_be_named() {
    let both = packed(&parts(HEAD, HEAD));
    assert!(
        refusal(&both).contains("sheet = \"One\""),
        "{}",
        refusal(&both)
    );
    assert_eq!(cells(&both, Some("Two")).unwrap().len(), 1);
    for name in ["Three", "Secret"] {
        assert!(
            cells(&both, Some(name)).unwrap_err().contains("no sheet"),
            "{name}"
        );
    }
    assert_eq!(cells(&packed(&parts(HEAD, "")), None).unwrap().len(), 1);
    assert!(refusal(&packed(&parts("", ""))).contains("none of its sheets"));
}

#[test]
fn a_cell_that_cannot_be_read_spoils_its_row_where_its_column_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.toml");
    let mapping = "[event]\ntype = { value = \"ObjectEvent\" }\naction = { value = \"OBSERVE\" }\n\
                   eventTime = { column = \"Time\", zone = \"+08:00\" }\nepcList = { column = \"Thing\" }\n";
    std::fs::write(&path, mapping).unwrap();
    let mapping = Mapping::read(&path).unwrap();
    let row = |number: usize, thing: &str| {
        format!(
            "<row r=\"{number}\"><c r=\"A{number}\" s=\"1\"><v>46082.5</v></c><c r=\"B{number}\" {thing}</c>\
             <c r=\"C{number}\" t=\"e\"><v>#REF!</v></c></row>"
        )
    };
    let rows = format!(
        "{HEAD}{}{}{}",
        row(2, "t=\"str\"><v>urn:x:1</v>"),
        row(4, "t=\"e\"><v>#N/A</v>"),
        row(5, "><v>95212340000000150</v>"),
    );
    let read = table::of_bytes(Path::new("t"), &packed(&parts(&rows, "")), &mapping, None);
    let events = read.unwrap().events;
    let wrong: Vec<Option<&str>> = events.iter().map(|event| event.wrong.as_deref()).collect();
    assert_eq!(wrong[0], None);
    assert_eq!(
        wrong[1],
        Some("row 4, column \"Thing\": holds the error #N/A")
    );
    assert!(
        wrong[2].unwrap().starts_with("row 5, column \"Thing\""),
        "{wrong:?}"
    );
    assert!(wrong[2].unwrap().contains("15 digits"), "{wrong:?}");
    let event: serde_json::Value = serde_json::from_slice(&events[0].bytes).unwrap();
    assert_eq!(event["eventTime"], "2026-03-01T12:00:00+08:00");
}

#[test]
fn what_would_deceive_is_refused() {
    let merged = |range: &str| {
        let rows = format!(
            "{HEAD}<row r=\"2\"><c r=\"A2\"><v>1</v></c></row></sheetData>\
             <mergeCells><mergeCell ref=\"{range}\"/></mergeCells><sheetData>"
        );
        packed(&parts(&rows, ""))
    };
    assert!(refusal(&merged("A2:A3")).contains("A2:A3 are merged"));
    assert!(read(&merged("A1:B1"), None).is_ok());
    let dtd = parts("<!DOCTYPE x [<!ENTITY a \"aaaa\">]>", "");
    let mut sheet = Packed::of(
        "xl/worksheets/one.xml",
        "<!DOCTYPE x [<!ENTITY a \"b\">]><worksheet/>",
    );
    let mut doctype: Vec<Packed> = parts(HEAD, "");
    doctype[3] = sheet;
    assert!(refusal(&packed(&doctype)).contains("DTD"));
    assert!(read(&packed(&dtd), None).is_err());
    for (rows, says) in [
        (
            "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>99</v></c></row>",
            "isn't there",
        ),
        (
            "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"A1\"><v>2</v></c></row>",
            "one place",
        ),
        ("<row r=\"1\"><c r=\"XFE1\"><v>1</v></c></row>", "no place"),
        ("<row r=\"1\"><c r=\"A0\"><v>1</v></c></row>", "no place"),
        (
            "<row r=\"2\"/><row r=\"2\"><c><v>1</v></c></row><row r=\"1\"/>",
            "in order",
        ),
        ("<row r=\"1048577\"/>", "in order"),
        ("<row><c t=\"str\"><v>&a;</v></c></row>", "entity"),
        ("<row><c></row>", "can't be read"),
    ] {
        assert!(refusal(&packed(&parts(rows, ""))).contains(says), "{rows}");
    }
    // Another directory than the parts.
    for bend in [
        (|part: &mut Packed| part.size -= 1) as fn(&mut Packed),
        |part| part.size += 1,
        |part| part.sum ^= 1,
        |part| part.flags = 1,
        |part| part.method = 9,
        |part| part.size = u32::MAX,
        |part| part.size = (256 << 20) + 1,
        |part| part.name = "xl/two.xml",
        |part| part.name = "xl/elsewhere.xml",
    ] {
        let mut bent = parts(HEAD, "");
        bend(&mut bent[3]);
        assert!(read(&packed(&bent), None).is_err());
    }
    sheet = Packed::of("a", "b");
    let named = packed(&[sheet]);
    assert!(refusal(&named).contains("no workbook"));
    assert!(refusal(b"\xd0\xcf\x11\xe0 and more").contains("password"));
    assert!(!is_workbook(b"a,b\n"));
}

/// A quarter of a megabyte, packed, held 53 million of them.
#[test]
fn empty_texts_take_their_place() {
    let many = format!("<sst>{}</sst>", "<si/>".repeat(1000));
    let bytes = packed(&[Packed::of("texts.xml", &many)]);
    let zip = Zip::read(&bytes).unwrap();
    let read = |most| texts(Markup::new(zip.open("texts.xml").unwrap()), most);
    assert_eq!(read(1 << 20).unwrap().len(), 1000);
    assert!(read(1 << 10).is_err());
}

/// A small file that comes to very much.
#[test]
fn what_would_exhaust_is_refused() {
    // 300 MiB of spaces in 300 KiB.
    let spaces = " ".repeat(300 << 20);
    let mut bomb = parts(HEAD, "");
    bomb[3] = Packed::of("xl/worksheets/one.xml", &spaces);
    assert!(packed(&bomb).len() < 2 << 20);
    assert!(refusal(&packed(&bomb)).contains("MiB unpacked"));
    bomb[3].size = 1000;
    assert!(refusal(&packed(&bomb)).contains("larger than the directory says"));
    // One text that many cells refer to.
    let mut long = parts("", "");
    let text = "x".repeat(1 << 20);
    long[5] = Packed::of(
        "xl/texts.xml",
        &format!("<sst><si><t>{text}</t></si></sst>"),
    );
    let cell = "<c t=\"s\"><v>0</v></c>".repeat(200);
    long[3] = Packed::of(
        "xl/worksheets/one.xml",
        &format!("<worksheet><row>{cell}</row></worksheet>"),
    );
    assert!(refusal(&packed(&long)).contains("MiB of text"));
}

/// Whatever is changed or cut off: it is refused, or read as it was.
#[test]
fn a_damaged_workbook_is_refused_or_the_same() {
    let whole = packed(&parts(HEAD, ""));
    let expected = cells(&whole, None).unwrap();
    for at in 0..whole.len() {
        let mut bent = whole.clone();
        bent[at] ^= 0x41;
        if let Ok(found) = cells(&bent, None) {
            assert_eq!(found, expected, "byte {at}");
        }
        assert!(read(&whole[..at], None).is_err(), "cut off at {at}");
    }
}
