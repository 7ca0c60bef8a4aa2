use super::font::Font;
use super::layout::{self, Mark, PAGE};
use super::*;

fn document() -> PdfDocument {
    PdfDocument {
        title: ["设计存证证书".into(), "Certificate".into()],
        code: Some("touchstone:design/00/11".into()),
        blocks: vec![
            PageBlock::Heading("时间 Time".into()),
            PageBlock::Field(
                "名称 Title".into(),
                vec!["黄昏的桥".into(), "Zürich".into()],
            ),
            PageBlock::Paragraph("一段文字。 A paragraph.".into()),
            PageBlock::Notice("注意 Note".into()),
        ],
        foot: "foot".into(),
        date_ms: 1_700_000_000_123,
    }
}

/// Every line with its page's number and where it begins and ends.
fn lines(document: &PdfDocument) -> Vec<(usize, f32, f32, f32, String)> {
    let font = Font::load().unwrap();
    let pages = layout::pages(document, &font).unwrap();
    let mut lines = Vec::new();
    for (number, page) in pages.iter().enumerate() {
        for mark in &page.marks {
            if let (_, Mark::Text { x, y, style, text }) = mark {
                let end = x + font.width(text) * style.size();
                lines.push((number, *x, end, *y, text.clone()));
            }
        }
    }
    lines
}

#[test]
fn a_document_is_archival_and_its_bytes_are_repeatable() {
    let bytes = render(&document()).unwrap();
    assert_eq!(bytes, render(&document()).unwrap());
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("%PDF-1.7"), "{}", &text[..20]);
    for part in [
        "<pdfaid:part>2</pdfaid:part>",
        "<pdfaid:conformance>A</pdfaid:conformance>",
        "2023-11-14T22:13:20",
        "Certificate / 设计存证证书",
    ] {
        assert!(text.contains(part), "{part} is missing");
    }
    let mut other = document();
    other.date_ms += 1000;
    assert_ne!(bytes, render(&other).unwrap());
}

#[test]
fn what_the_font_lacks_is_named_and_never_dropped() {
    let font = Font::load().unwrap();
    let table = [
        (
            "设计存证證書 Žluťoučký Ωж 「」…€",
            "设计存证證書 Žluťoučký Ωж 「」…€",
        ),
        ("a😀b", "a[U+1F600]b"),
        ("x\u{202e}y\nz", "x[U+202E]y[U+000A]z"),
        ("e\u{301} Việt Ἀθῆναι", "e\u{301} Việt Ἀθῆναι"),
        ("co\u{ad}op", "co[U+00AD]op"),
        ("\u{200b}\u{feff}\u{e000}", "[U+200B][U+FEFF][U+E000]"),
        ("مرحبا", "[U+0645][U+0631][U+062D][U+0628][U+0627]"),
    ];
    for (text, shown) in table {
        assert_eq!(font.printable(text), shown);
    }
    // Characters of names and places that the common sets lack.
    let rare = "玥喆镕䶮𠮷";
    assert_eq!(font.printable(rare), rare);
    assert!(rare.chars().all(|c| font.glyph(c).unwrap().width > 0.9));
    // All of the hanzi of GB 2312's first level begin with this one and end with that one.
    assert!(font.glyph('啊').is_some() && font.glyph('座').is_some());
}

/// All Han characters of GB 18030's Unified Ideographs and Extension A are printed, each as itself.
#[test]
fn every_common_han_character_has_a_glyph() {
    let font = Font::load().unwrap();
    let blocks = ('\u{4e00}'..='\u{9fa5}').chain('\u{3400}'..='\u{4db5}');
    let missing: Vec<char> = blocks.filter(|c| font.glyph(*c).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A document with a rare character holds its glyph, not the whole font.
#[test]
fn a_rare_character_costs_a_subset() {
    let plain = render(&document()).unwrap();
    let mut with_rare = document();
    with_rare
        .blocks
        .push(PageBlock::Paragraph("玥喆镕䶮𠮷".into()));
    let bytes = render(&with_rare).unwrap();
    assert!(bytes.len() > plain.len());
    assert!(bytes.len() < plain.len() + 20_000, "{}", bytes.len());
}

/// The tags are there: a title, headings, fields as a list, and the code with its text.
#[test]
fn a_document_is_tagged() {
    let bytes = render(&document()).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    for part in ["/MarkInfo", "/StructTreeRoot"] {
        assert!(text.contains(part), "{part} is missing");
    }
}

#[test]
fn everything_that_text_can_hold_makes_a_file() {
    let all: String = ('\0'..=char::MAX).step_by(97).collect();
    let mut hostile = document();
    hostile.blocks = vec![
        PageBlock::Heading(all.clone()),
        PageBlock::Field(all.clone(), vec![all.clone(), String::new()]),
        PageBlock::Notice(all.clone()),
        PageBlock::Field(String::new(), vec![]),
    ];
    hostile.title = [all.chars().take(2000).collect(), String::new()];
    hostile.foot = "\u{0}\u{202e}".into();
    let bytes = render(&hostile).unwrap();
    assert!(bytes.starts_with(b"%PDF-"));
    hostile.code = Some("x".repeat(5000));
    assert!(matches!(render(&hostile), Err(PdfError::Code)));
}

#[test]
fn lines_stay_on_their_page_and_lose_nothing() {
    let font = Font::load().unwrap();
    let hash = "0123456789abcdef".repeat(40);
    let chinese = "存证人所属机构本身也是验证节点，表决权，".repeat(40);
    let english = "the owner's own organisation is among them ".repeat(40);
    let mut long = document();
    for text in [&hash, &chinese, &english] {
        long.blocks.push(PageBlock::Paragraph(text.clone()));
        long.blocks
            .push(PageBlock::Field(text.clone(), vec![text.clone()]));
        long.blocks.push(PageBlock::Notice(text.clone()));
        let joined: String = layout::broken(&font, text, 20.0).concat();
        assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
    }
    let lines = lines(&long);
    assert!(lines.iter().any(|(page, ..)| *page == 1), "one page only");
    for (page, start, end, y, text) in &lines {
        assert!(*start >= 0.0 && *end <= PAGE.0 - 49.0, "{page}: {text}");
        let end = if text == "foot" || text.contains(" / ") {
            20.0
        } else {
            44.0
        };
        assert!(*y < PAGE.1 - end, "{page}: {text} at {y}");
    }
    let first = layout::broken(&font, &chinese, 20.0);
    assert!(first.iter().all(|l| !l.starts_with('，')), "{first:?}");
    let words = layout::broken(&font, &english, 10.0);
    assert!(
        words
            .iter()
            .all(|l| !l.starts_with(' ') && !l.starts_with("wner"))
    );
}

#[test]
fn a_qr_code_is_all_of_its_dark_modules() {
    let text = format!("touchstone:design/{}/{}", "a".repeat(64), "b".repeat(64));
    let squares = qr::squares(&text).unwrap();
    let code = qrcode::QrCode::with_error_correction_level(&text, qrcode::EcLevel::M).unwrap();
    let mut painted = vec![qrcode::Color::Light; squares.width * squares.width];
    for (column, row, length) in squares.runs {
        for at in column..column + length {
            painted[row * squares.width + at] = qrcode::Color::Dark;
        }
    }
    assert_eq!(painted, code.to_colors());
}
