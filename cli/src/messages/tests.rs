use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;

/// Macros whose first literal is a template.
const MACROS: [&str; 4] = ["say!(", "both!(", "both_lines!(", "finding!("];

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => sources(&path, found),
            false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            false => {}
        }
    }
}

/// The first string literal behind a macro's name, as the compiler reads it.
fn literal(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('"')?;
    let mut read = String::new();
    let mut chars = rest.chars();
    loop {
        match chars.next()? {
            '"' => return Some(read),
            '\\' => match chars.next()? {
                '\n' => {
                    let rest = chars.as_str().trim_start();
                    chars = rest.chars();
                }
                'n' => read.push('\n'),
                other => read.push(other),
            },
            other => read.push(other),
        }
    }
}

/// All templates of the sources.
fn templates() -> BTreeSet<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&here.join("src"), &mut files);
    sources(&here.join("../chain-core/src/evidence"), &mut files);
    let mut found = BTreeSet::new();
    for path in files {
        let is_test =
            path.components().any(|c| c.as_os_str() == "tests") || path.ends_with("tests.rs");
        // The macros themselves, and what isn't part of the product.
        if is_test || path.ends_with("messages.rs") || path.ends_with("evidence/finding.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for name in MACROS {
            for (at, _) in text.match_indices(name) {
                let rest = &text[at + name.len()..];
                found.insert(literal(rest).unwrap_or_else(|| panic!("{}: {name}", path.display())));
            }
        }
    }
    found
}

fn placeholders(template: &str) -> BTreeSet<&str> {
    let parts = template.split('{').skip(1);
    parts
        .filter_map(|part| Some(part.split_once('}')?.0))
        .collect()
}

/// Both languages have every sentence, with the same values in it, and none that nobody says.
#[test]
fn every_sentence_stands_in_both_languages() {
    let chinese: BTreeMap<String, String> =
        toml::from_str(include_str!("../../messages/zh.toml")).unwrap();
    let templates = templates();
    assert!(templates.len() > 150, "{} sentences only", templates.len());
    let missing: Vec<_> = templates
        .iter()
        .filter(|t| !chinese.contains_key(*t))
        .collect();
    assert!(missing.is_empty(), "not in messages/zh.toml: {missing:#?}");
    let unused: Vec<_> = chinese.keys().filter(|t| !templates.contains(*t)).collect();
    assert!(unused.is_empty(), "nobody says: {unused:#?}");
    for (english, chinese) in &chinese {
        assert_eq!(placeholders(english), placeholders(chinese), "{english}");
        assert!(!chinese.trim().is_empty(), "{english}");
    }
}

/// A table of sentences that are recognised, by their templates without names.
fn recognised(text: &str) -> BTreeMap<String, String> {
    let table: BTreeMap<String, String> = toml::from_str(text).unwrap();
    for (english, chinese) in &table {
        assert_eq!(placeholders(english), placeholders(chinese), "{english}");
        assert!(!chinese.trim().is_empty(), "{english}");
    }
    let count = table.len();
    let nameless: BTreeMap<_, _> = table.into_iter().map(|(e, c)| (nameless(&e), c)).collect();
    assert_eq!(nameless.len(), count, "two differ in their names alone");
    nameless
}

fn tables() -> [BTreeMap<String, String>; 2] {
    [
        recognised(include_str!("../../messages/zh-reasons.toml")),
        recognised(include_str!("../../messages/zh-lines.toml")),
    ]
}

/// A template without the names of its values.
fn nameless(template: &str) -> String {
    let template = template.replace("{{", "{").replace("}}", "}");
    let mut parts = template.split('{');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str("{}");
        text.push_str(part.split_once('}').map_or("", |(_, behind)| behind));
    }
    text
}

/// Whether a person would miss a translation: there are words beside the values.
fn has_words(nameless: &str) -> bool {
    let mut words = nameless.split(|c: char| !c.is_ascii_alphabetic());
    let is_chinese = nameless.chars().any(|c| c > '\u{2e7f}');
    !is_chinese && words.any(|word| word.len() > 1) && !nameless.starts_with("SHA-256 {}")
}

const CRATES: [&str; 6] = ["chain-core", "client", "cli", "epcis", "pictures", "edge"];

/// Each source file's text without its tests.
fn texts() -> Vec<(PathBuf, String)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for name in CRATES {
        sources(&here.join("..").join(name).join("src"), &mut files);
    }
    let product = files.into_iter().filter(|path| {
        let name = path.display().to_string();
        !["tests", "test_support", "messages.rs"]
            .iter()
            .any(|part| name.contains(part))
    });
    product
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let end = text.find("#[cfg(test)]\nmod").unwrap_or(text.len());
            (path, text[..end].to_owned())
        })
        .collect()
}

/// The sentences behind some beginnings, such as `#[error(`.
fn behind(text: &str, beginnings: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for beginning in beginnings {
        for (at, _) in text.match_indices(beginning) {
            let mut rest = text[at + beginning.len()..].trim_start();
            for wrapper in ["format!(", "&"] {
                rest = rest.strip_prefix(wrapper).unwrap_or(rest).trim_start();
            }
            if rest.starts_with('"') {
                found.insert(nameless(&literal(rest).unwrap()));
            }
        }
    }
    found.into_iter().filter(|text| has_words(text)).collect()
}

/// What `counted` says.
fn counts(text: &str) -> Vec<String> {
    let calls = text.split("counted(").skip(1);
    let nouns = calls.filter_map(|call| call.split('"').nth(1));
    let forms = nouns.map(|noun| [format!("1 {noun}"), format!("{{}} {noun}s")]);
    // The function itself stands among other texts.
    forms
        .flatten()
        .filter(|text| !text.contains("{noun}"))
        .collect()
}

fn assert_translated(said: &BTreeSet<String>, tables: &[BTreeMap<String, String>], place: &str) {
    let missing: Vec<_> = said
        .iter()
        .filter(|text| !tables.iter().any(|table| table.contains_key(*text)))
        .collect();
    assert!(missing.is_empty(), "not in {place}: {missing:#?}");
}

/// Every failure of the libraries that the command line shows has its Chinese sentence.
#[test]
fn every_reason_stands_in_both_languages() {
    let mut said = BTreeSet::new();
    for (path, text) in texts() {
        // The gateway speaks to programs.
        if !path.display().to_string().contains("gateway") {
            said.extend(behind(
                &text,
                &["#[error(", "Contradiction(", "contradiction("],
            ));
        }
    }
    assert!(said.len() > 250, "{} sentences only", said.len());
    assert_translated(&said, &tables(), "messages/zh-reasons.toml");
}

/// Every line, remark and failure of a verb has its Chinese sentence.
#[test]
fn every_line_stands_in_both_languages() {
    let mut said = BTreeSet::new();
    for (path, text) in texts() {
        let name = path.display().to_string();
        if name.contains("cli/src") && !name.contains("gateway/") {
            let failures = [
                "Usage",
                "File",
                "NotFound",
                "Unreachable",
                "Empty",
                "Reservations",
            ];
            let failures = failures.map(|kind| format!("Failure::{kind}("));
            let mut beginnings: Vec<&str> = failures.iter().map(String::as_str).collect();
            beginnings.extend([".line(", ".remark(", "message: ", ".good(", ".bad("]);
            said.extend(behind(&text, &beginnings));
            said.extend(counts(&text));
        }
    }
    assert!(said.len() > 150, "{} sentences only", said.len());
    assert_translated(&said, &tables(), "messages/zh-lines.toml");
}

/// The tables hold nothing that nobody says.
#[test]
fn no_sentence_of_the_tables_is_left_over() {
    let mut said = BTreeSet::new();
    for (_, text) in texts() {
        let mut rest = text.as_str();
        while let Some(at) = rest.find('"') {
            rest = &rest[at..];
            let Some(text) = literal(rest) else { break };
            said.insert(nameless(&text));
            // A literal may begin where another ends: both ways are read.
            rest = &rest[1..];
        }
        said.extend(counts(&text));
        // What fails, and of which file.
        for call in text.split("Failure::io(").skip(1) {
            said.extend(literal(call).map(|doing| format!("{doing} {{}}: {{}}")));
        }
    }
    for table in tables() {
        let unused: Vec<_> = table.keys().filter(|text| !said.contains(*text)).collect();
        assert!(unused.is_empty(), "nobody says: {unused:#?}");
    }
}

/// The help is a table of paragraphs, each said somewhere, and none is missing.
#[test]
fn all_of_the_help_stands_in_both_languages() {
    use clap::CommandFactory;
    let said: BTreeSet<String> = help::texts(&crate::Cli::command()).into_iter().collect();
    assert!(said.len() > 250, "{} texts only", said.len());
    let table: BTreeMap<String, String> =
        toml::from_str(include_str!("../../messages/zh-help.toml")).unwrap();
    let missing: Vec<_> = said
        .iter()
        .filter(|text| !table.contains_key(*text))
        .collect();
    assert!(
        missing.is_empty(),
        "not in messages/zh-help.toml: {missing:#?}"
    );
    let unused: Vec<_> = table.keys().filter(|text| !said.contains(*text)).collect();
    assert!(unused.is_empty(), "nobody says: {unused:#?}");
}

/// What parties say is never taken for the program's own words.
#[test]
fn only_reasons_are_translated_inside_a_sentence() {
    let reasons: BTreeMap<String, String> =
        toml::from_str(include_str!("../../messages/zh-reasons.toml")).unwrap();
    let plain = reasons.iter().find(|(english, _)| !english.contains('{'));
    let (english, chinese) = plain.unwrap();
    let filled = |name: &'static str| {
        Language::Chinese.fill(&format!("{{{name}}}"), &[(name, english.clone())])
    };
    assert_eq!(&filled("reason"), chinese);
    assert_eq!(&filled("text"), english);
}

#[test]
fn the_vocabulary_is_a_table() {
    let terms: BTreeMap<String, String> =
        toml::from_str(include_str!("../../messages/zh-terms.toml")).unwrap();
    assert!(terms.len() > 50);
    assert_eq!(Language::Chinese.term("shipping"), "发运");
    assert_eq!(
        Language::Chinese.term("a step of my own"),
        "a step of my own"
    );
    assert_eq!(Language::English.term("shipping"), "shipping");
}

#[test]
fn the_language_is_the_environments() {
    for (locale, language) in [
        ("zh_CN.UTF-8", Language::Chinese),
        ("zh", Language::Chinese),
        ("zh-Hans-CN", Language::Chinese),
        ("en_GB.UTF-8", Language::English),
        ("C", Language::English),
        ("zha", Language::English),
        ("", Language::English),
    ] {
        assert_eq!(Language::of_locale(locale), language, "{locale}");
    }
}
