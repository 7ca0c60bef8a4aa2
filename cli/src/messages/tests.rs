use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use touchstone_language::templates::{
    assert_help, assert_said, assert_translated, behind, literal, literals, placeholders,
    recognised, sources, texts,
};

use super::*;

mod inserted_words;

/// Macros whose first literal is a template.
const MACROS: [&str; 4] = ["say!(", "both!(", "both_lines!(", "finding!("];

/// Libraries whose failures the command line shows.
const CRATES: [&str; 6] = ["chain-core", "client", "cli", "epcis", "pictures", "edge"];

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Each source file's text without its tests.
fn product() -> Vec<(PathBuf, String)> {
    texts(&CRATES.map(|name| here().join("..").join(name).join("src")))
}

/// All templates of the sources.
fn templates() -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let folders = [
        here().join("src"),
        here().join("../chain-core/src/evidence"),
    ];
    for path in folders.iter().flat_map(|folder| sources(folder)) {
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

fn tables() -> [SentenceTable; 2] {
    [
        recognised(include_str!("../../../language/messages/zh-reasons.toml")),
        recognised(include_str!("../../messages/zh-lines.toml")),
    ]
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

/// Every failure of the libraries that the command line shows has its Chinese sentence.
#[test]
fn every_reason_stands_in_both_languages() {
    let mut said = BTreeSet::new();
    for (path, text) in product() {
        // The gateway speaks to programs.
        if !path.display().to_string().contains("gateway") {
            said.extend(behind(
                &text,
                &[
                    "#[error(",
                    "Contradiction(",
                    "contradiction(",
                    "NotVerified::Pack(",
                ],
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
    for (path, text) in product() {
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
            // `bad(` is a failure of a file, too.
            beginnings.extend([".line(", ".remark(", "message: ", ".good(", "bad("]);
            // So is why a value of a command line is none.
            if name.contains("verbs/") || name.ends_with("countries.rs") {
                beginnings.push("Err(");
            }
            said.extend(behind(&text, &beginnings));
            said.extend(counts(&text));
        }
    }
    assert!(said.len() > 150, "{} sentences only", said.len());
    assert_translated(&said, &tables(), "messages/zh-lines.toml");
}

/// The tables hold nothing that nobody says. A node's word of a halt is said by the node.
#[test]
fn no_sentence_of_the_tables_is_left_over() {
    let mut said = BTreeSet::new();
    let node = texts(&[here().join("../node/src")]);
    for (_, text) in product().into_iter().chain(node) {
        said.extend(literals(&text));
        said.extend(counts(&text));
        // What fails, and of which file.
        for name in ["Failure::io(", "CaptureError::journal("] {
            let calls = text.split(name).skip(1);
            let doing = calls.filter_map(literal);
            said.extend(doing.map(|doing| format!("{doing} {{}}: {{}}")));
        }
    }
    for table in tables() {
        assert_said(&table, &said);
    }
}

/// The help is a table of paragraphs, each said somewhere, and none is missing.
#[test]
fn all_of_the_help_stands_in_both_languages() {
    use clap::CommandFactory;
    let table = include_str!("../../messages/zh-help.toml");
    assert!(help().len() > 250, "{} texts only", help().len());
    assert_help(&crate::Cli::command(), table, "messages/zh-help.toml");
}

/// A halt and clocks that disagree are said in Chinese, with all that a node may know of them.
#[test]
fn a_nodes_own_words_are_recognised() {
    let halt = "no block for 90 s: height 7 is in round 12; not heard: court, platform; this validator signs nothing \
                up to height 9; this clock is -4000 ms off the others'. Its guard knows of signatures that its log \
                doesn't: docs/operating.md, \"A muted validator\"";
    let chinese = "已有 90 秒没有新区块：高度 7 处于第 12 轮；未收到其消息：court, platform；本验证者在高度 9 及以下不签署任何内容；\
                   本机时钟与其他节点相差 -4000 毫秒。其防双签记录含有日志中没有的签名：见 docs/operating.md \"A muted validator\"";
    let said = |text: &str| Language::Chinese.line(text);
    assert_eq!(
        said(&format!("Halted    {halt}")),
        format!("已停顿    {chinese}")
    );
    assert_eq!(
        Language::Chinese.sentence(&format!("the chain has halted, by the node's word: {halt}")),
        format!("链已停顿（仅为该节点所述）：{chinese}")
    );
    let clocks = "Clocks    most validators' clocks disagree with this node's, which is probably wrong (ahead of it: \
                  ab01 by 9000 ms): set them right, docs/operating.md, \"A wrong clock\"";
    assert!(
        said(clocks).starts_with("时钟      多数验证者的时钟"),
        "{}",
        said(clocks)
    );
}

/// What parties say is never taken for the program's own words.
#[test]
fn only_reasons_are_translated_inside_a_sentence() {
    let reasons = reasons();
    let plain = reasons.iter().find(|(english, _)| !english.contains('{'));
    let (english, chinese) = plain.unwrap();
    let filled = |name: &'static str| {
        fill(
            Language::Chinese,
            &format!("{{{name}}}"),
            &[(name, english.clone())],
        )
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
