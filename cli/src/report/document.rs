//! An examination as a document for the file of a case, in Chinese and English.

use touchstone_core::evidence::{Check, CheckResult, Facts, Verdict};

use super::fact_row::FactRow;
use super::facts;
use super::{
    ARTICLES, Examined, TOOL, VERSION, article, element, exhibit, limits, question, result,
};
use crate::messages::Language::{self, Chinese, English};
use crate::messages::Speech;
use crate::output::utc;
use crate::pdf::{PageBlock, PdfDocument};
use crate::{both, both_lines};

/// The document.
pub fn document(examined: &Examined<'_>) -> PdfDocument {
    let report = examined.report;
    let proven = report.verdict != Verdict::NotVerified;
    let mut blocks = vec![PageBlock::Notice(verdict(examined))];
    blocks.extend(occasion(examined));
    blocks.extend(exhibits(examined));
    if proven {
        blocks.push(PageBlock::Heading(both!("What is proven")));
        blocks.extend(merged(&report.facts, facts::rows));
    }
    for number in ARTICLES {
        blocks.push(PageBlock::Heading(twice(|language| {
            article(language, number)
        })));
        let checks = report.checks.iter();
        blocks.extend(checks.filter(|c| c.element.article() == number).map(check));
    }
    blocks.push(PageBlock::Heading(both!("What a record can't show")));
    blocks.push(PageBlock::Paragraph(twice(limits)));
    blocks.extend(signature());
    if proven {
        blocks.extend(annex(&report.facts));
    }
    PdfDocument {
        title: [
            crate::say!(Chinese, "Examination of an evidence file"),
            crate::say!(English, "Examination of an evidence file"),
        ],
        code: None,
        blocks,
        foot: both!(
            "Report on the file {sha256}",
            sha256 = hex::encode(examined.file.sha256)
        ),
        date_ms: examined.examined_ms,
    }
}

/// The same in Chinese and English, one behind the other.
fn twice(words: impl Fn(Language) -> String) -> String {
    format!("{} {}", words(Chinese), words(English))
}

/// The rows of both languages as fields: lines that are the same in both stand once.
fn merged(facts: &Facts, rows: fn(Language, &Facts) -> Vec<FactRow>) -> Vec<PageBlock> {
    let both = rows(Chinese, facts).into_iter().zip(rows(English, facts));
    let fields = both.map(|(chinese, english)| {
        let name = match chinese.name == english.name {
            true => chinese.name,
            false => format!("{} {}", chinese.name, english.name),
        };
        let mut lines = Vec::new();
        for (one, other) in chinese.lines.into_iter().zip(english.lines) {
            let differs = one != other;
            lines.push(one);
            lines.extend(differs.then_some(other));
        }
        PageBlock::Field(name, lines)
    });
    fields.collect()
}

fn verdict(examined: &Examined<'_>) -> String {
    let names = |language: Language, wanted: CheckResult| {
        let checks = examined.report.checks.iter();
        let checks = checks.filter(|c| c.result == wanted);
        let names: Vec<String> = checks.map(|c| element(language, c.element)).collect();
        names.join(match language {
            Chinese => "、",
            English => ", ",
        })
    };
    let say = |language: Language| match examined.report.verdict {
        Verdict::Verified => {
            crate::say!(language, "VERIFIED: every element of the record holds.")
        }
        Verdict::Reservations => crate::say!(
            language,
            "VERIFIED, WITH RESERVATIONS: every element of the record holds; these leave a question to weigh: {names}.",
            names = names(language, CheckResult::Reservation)
        ),
        Verdict::NotVerified => crate::say!(
            language,
            "NOT VERIFIED: {names} doesn't hold; this file proves nothing.",
            names = names(language, CheckResult::Failed)
        ),
    };
    twice(say)
}

/// What was examined, when and with what.
fn occasion(examined: &Examined<'_>) -> Vec<PageBlock> {
    vec![
        PageBlock::Field(
            both!("Evidence file"),
            vec![
                format!("SHA-256 {}", hex::encode(examined.file.sha256)),
                both!("{count} bytes", count = examined.file.bytes),
            ],
        ),
        PageBlock::Field(
            both!("Examined"),
            vec![
                utc(examined.examined_ms),
                both!("by the examiner's word or clock"),
            ],
        ),
        PageBlock::Field(both!("Tool"), vec![format!("{TOOL} {VERSION}")]),
    ]
}

/// Files that were handed in, each with its own verdict.
fn exhibits(examined: &Examined<'_>) -> Vec<PageBlock> {
    if examined.exhibits.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![PageBlock::Heading(both!(
        "Exhibits, judged apart from the record"
    ))];
    for found in examined.exhibits {
        let mut lines = vec![
            found.name.clone(),
            format!("SHA-256 {}", hex::encode(found.sha256)),
        ];
        lines.extend([Chinese, English].map(|language| exhibit(language, found.verdict)));
        blocks.push(PageBlock::Field(both!("Exhibit"), lines));
    }
    blocks
}

fn check(check: &Check) -> PageBlock {
    let name = twice(|language| element(language, check.element));
    let mut lines = vec![
        format!(
            "【{}】 {}",
            twice(|language| result(language, check.result)),
            question(Chinese, check.element)
        ),
        question(English, check.element),
    ];
    for finding in &check.findings {
        lines.push(Chinese.finding(finding));
        lines.push(English.finding(finding));
    }
    PageBlock::Field(name, lines)
}

/// Where the examiner signs.
fn signature() -> Vec<PageBlock> {
    let blank = || vec![String::new(), "_".repeat(48)];
    vec![
        PageBlock::Heading(both!("The examiner")),
        PageBlock::Paragraph(both!(
            "I examined the file named above with the tool named above and found what this report says."
        )),
        PageBlock::Field(both!("Name and office"), blank()),
        PageBlock::Field(both!("Signature, seal"), blank()),
        PageBlock::Field(both!("Place, date"), blank()),
    ]
}

/// The events, after what a judge reads first.
fn annex(facts: &Facts) -> Vec<PageBlock> {
    let events = merged(facts, facts::events);
    if events.is_empty() {
        return Vec::new();
    }
    let mut blocks = vec![PageBlock::Heading(both!(
        "Annex: the events, in their recorders' words"
    ))];
    for line in both_lines!(
        "The exact bytes that each SHA-256 is of are written by: touchstone verify FILE --events DIR"
    ) {
        blocks.push(PageBlock::Paragraph(line));
    }
    blocks.extend(events);
    blocks
}
