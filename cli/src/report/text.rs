//! An examination as text on a terminal.

use touchstone_core::evidence::{Check, CheckResult, ExhibitVerdict, Verdict};

use super::{ARTICLES, Examined, TOOL, VERSION, article, element, exhibit, facts, limits, result};
use crate::messages::{Language, Speech, in_column};
use crate::output::{Output, plain, utc};
use crate::say;

/// Prints it.
pub fn print(examined: &Examined<'_>, output: &mut Output) {
    let language = examined.language;
    let report = examined.report;
    let verdict = match report.verdict {
        Verdict::Verified => output.good(&say!(language, "VERIFIED")),
        Verdict::Reservations => output.good(&say!(language, "VERIFIED, WITH RESERVATIONS")),
        Verdict::NotVerified => {
            output.bad(&say!(language, "NOT VERIFIED: this file proves nothing"))
        }
    };
    line(output, &say!(language, "Verdict"), &verdict);
    print_exhibits(examined, output);
    if report.verdict != Verdict::NotVerified {
        for row in facts::rows(language, &report.facts) {
            rows(output, &row.name, &row.lines);
        }
        print_events(examined, output);
    }
    for number in ARTICLES {
        output.line("");
        output.line(article(language, number));
        let checks = report.checks.iter();
        for check in checks.filter(|c| c.element.article() == number) {
            print_check(language, check, output);
        }
    }
    output.line("");
    output.line(limits(language));
    output.line("");
    output.line(say!(
        language,
        "Examined {time}, by the examiner's word or clock, with {tool} {version}; file SHA-256 {sha256}",
        time = utc(examined.examined_ms),
        tool = TOOL,
        version = VERSION,
        sha256 = hex::encode(examined.file.sha256)
    ));
}

/// A name in its column, and what it names.
fn line(output: &mut Output, name: &str, text: &str) {
    output.line(format!("{} {text}", in_column(name, 9)));
}

fn rows(output: &mut Output, name: &str, lines: &[String]) {
    for (at, text) in lines.iter().enumerate() {
        line(output, if at == 0 { name } else { "" }, text);
    }
}

fn print_exhibits(examined: &Examined<'_>, output: &mut Output) {
    for found in examined.exhibits {
        let words = exhibit(examined.language, found.verdict);
        let words = match found.verdict {
            ExhibitVerdict::Recorded => output.good(&words),
            ExhibitVerdict::NotCompared | ExhibitVerdict::NotRecorded => output.bad(&words),
        };
        let name = say!(examined.language, "Exhibit");
        line(output, &name, &format!("{}: {words}", plain(&found.name)));
        line(
            output,
            "",
            &format!("SHA-256 {}", hex::encode(found.sha256)),
        );
    }
}

fn print_events(examined: &Examined<'_>, output: &mut Output) {
    let steps = examined.report.facts.history.iter().flat_map(|h| &h.steps);
    for step in steps {
        let name = examined
            .report
            .facts
            .transactions
            .iter()
            .find(|t| (t.height, t.index) == (step.place.0, step.place.1))
            .map_or("", |t| t.name.as_str());
        output.line(format!(
            "  {}",
            say!(
                examined.language,
                "{time}  {happening}; by {name} ({id})",
                time = utc(step.entry.time_ms),
                happening = facts::happening(examined.language, step.event.as_ref()),
                name = plain(name),
                id = plain(&step.entry.organisation)
            )
        ));
    }
}

fn print_check(language: Language, check: &Check, output: &mut Output) {
    let said = result(language, check.result);
    let said = match check.result {
        CheckResult::Passed => output.good(&said),
        CheckResult::Reservation | CheckResult::Failed => output.bad(&said),
        CheckResult::NotChecked | CheckResult::NotGiven => said,
    };
    let mut findings = check.findings.iter().map(|f| plain(&language.finding(f)));
    let first = findings.next().unwrap_or_default();
    // In English by the names that programs know.
    let name = match language {
        Language::English => check.element.name().to_owned(),
        Language::Chinese => element(language, check.element),
    };
    let name = in_column(&name, 13);
    // That an element isn't checked is itself what was found.
    output.line(match check.result {
        CheckResult::NotChecked => format!("  {name} {first}"),
        _ => format!("  {name} {said}: {first}"),
    });
    for finding in findings {
        output.line(format!("  {} {finding}", in_column("", 13)));
    }
}
