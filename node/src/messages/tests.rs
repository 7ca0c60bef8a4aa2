use std::collections::BTreeSet;
use std::path::Path;

use clap::CommandFactory;
use touchstone_language::templates::{
    assert_help, assert_said, assert_translated, behind, inserted, insertions, literals,
    recognised, texts,
};

use super::*;
use crate::command_line::{NodeArguments, parsed};

/// Where failures are made that end the program or its start; those of peers and of questions go to the log, or to a
/// client as a code.
const FAILURES: [&str; 11] = [
    "admin/client.rs",
    "src/chain.rs",
    "src/config.rs",
    "lifecycle/node_error.rs",
    "src/network.rs",
    "network/config.rs",
    "storage/double_sign_guard.rs",
    "storage/files.rs",
    "storage/rocks.rs",
    "storage/wal.rs",
    "timestamps/settings.rs",
];

/// What an examination finds and does is a text of these.
const FINDINGS: [&str; 2] = ["src/fsck.rs", "storage/salvage.rs"];

fn sources_of_the_node() -> Vec<(std::path::PathBuf, String)> {
    texts(&[Path::new(env!("CARGO_MANIFEST_DIR")).join("src")])
}

fn tables() -> [SentenceTable; 2] {
    [
        recognised(include_str!("../../../language/messages/zh-reasons.toml")),
        recognised(include_str!("../../messages/zh.toml")),
    ]
}

/// Every failure, line and question of the program has its Chinese sentence, and every word on a halt.
#[test]
fn every_sentence_stands_in_both_languages() {
    let mut said = BTreeSet::new();
    for (path, text) in sources_of_the_node() {
        let name = path.display().to_string();
        let is_of = |places: &[&str]| places.iter().any(|place| name.ends_with(place));
        if is_of(&FAILURES) {
            said.extend(behind(&text, &["#[error("]));
        }
        if is_of(&FINDINGS) {
            let beginnings = [
                "note(",
                "&str = ",
                ".push(",
                "or_insert(",
                "what: ",
                "format!(",
            ];
            // Names of files are no sentences.
            let found = behind(&text, &beginnings).into_iter();
            said.extend(found.filter(|text| text.contains(' ')));
        }
        if is_of(&["src/main.rs"]) {
            let beginnings = [".line(", ".remark(", ".under(", ".failure("];
            said.extend(behind(&text, &beginnings));
            // Nothing is printed past the tables but what is no sentence.
            let printed = behind(
                &text,
                &["println!(", "print(stdout(), ", "print(stderr(), "],
            );
            assert_eq!(printed, BTreeSet::new());
        }
        if is_of(&["service/status.rs"]) {
            said.extend(behind(&text, &["format!(", "push(", "{"]));
        }
        if is_of(&["config/keys.rs"]) {
            said.extend(behind(&text, &["asked("]));
        }
        if is_of(&["consensus/clock_watch.rs"]) {
            said.extend(behind(&text, &["f,"]));
        }
        if is_of(&["lifecycle/node_error.rs"]) {
            said.extend(behind(&text, &["then_some("]));
        }
    }
    said.remove("block {}: {}");
    assert!(said.len() > 80, "{} sentences only", said.len());
    assert_translated(&said, &tables(), "node/messages/zh.toml");
}

/// The table holds nothing that nobody says.
#[test]
fn no_sentence_of_the_table_is_left_over() {
    let said: BTreeSet<String> = sources_of_the_node()
        .iter()
        .flat_map(|(_, text)| literals(text))
        .collect();
    let [_, own] = tables();
    assert_said(&own, &said);
}

#[test]
fn all_of_the_help_stands_in_both_languages() {
    let table = include_str!("../../messages/zh-help.toml");
    assert_help(
        &NodeArguments::command(),
        table,
        "node/messages/zh-help.toml",
    );
}

/// Help and a wrong command line, as a person meets them.
#[test]
fn the_command_line_speaks_the_language_that_is_asked_for() {
    let asked = |words: &[&str]| {
        let words: Vec<std::ffi::OsString> = words.iter().map(Into::into).collect();
        parsed(&words).err().unwrap()
    };
    let help = asked(&["touchstone-node", "--lang", "zh", "--help"]);
    assert_eq!((help.error.exit_code(), help.text), (0, None));
    let help = help.error.to_string();
    assert!(
        help.contains("用法：") && !help.contains("Run the node"),
        "{help}"
    );
    let help = asked(&["touchstone-node", "help", "run", "--lang=zh"]).error;
    assert!(help.to_string().contains("配置文件"), "{help}");
    let wrong = asked(&["touchstone-node", "--lang", "zh", "run", "--nonsense"]);
    assert_eq!(wrong.error.exit_code(), 2);
    assert!(wrong.text.unwrap().contains("此处没有 --nonsense"));
    let english = asked(&["touchstone-node", "--lang", "en", "run", "--nonsense"]);
    assert_eq!(english.text, None);
}

/// A failure within a failure.
#[test]
fn what_ends_the_program_is_said_in_both_languages() {
    let path = std::path::PathBuf::from("/var/lib/x");
    let error = crate::lifecycle::NodeError::Store {
        path,
        error: crate::storage::rocks::OpenError::Missing,
    };
    let text = error.to_string();
    assert_eq!(said(Language::English, &text), text);
    let chinese = said(Language::Chinese, &text);
    assert!(
        chinese.starts_with("/var/lib/x 中的数据库：") && !chinese.contains("chain"),
        "{chinese}"
    );
}

/// Why a file of the node is damaged, and what can't listen, is said in Chinese as well.
#[test]
fn words_that_failures_insert_are_said_in_chinese() {
    let sources = sources_of_the_node();
    let places: Vec<_> = sources.iter().flat_map(|(_, t)| insertions(t)).collect();
    let words_of = [
        ("GuardError::Damaged", "GuardError::Damaged("),
        ("NodeError::Port.name", "const NAMES: [&str; 4] = ["),
        ("WalError::Damaged.reason", "reason: "),
    ];
    for place in &places {
        let Some((_, beginning)) = words_of.iter().find(|(field, _)| *field == place.field) else {
            // Names of settings and of files.
            let names = ["BadSettings::Zero", "ConfigError::"];
            let is_name = names.iter().any(|name| place.field.starts_with(name));
            assert!(is_name, "{}: a word or a name?", place.field);
            continue;
        };
        let texts = sources.iter().map(|(_, text)| text);
        let words: BTreeSet<String> = texts
            .flat_map(|text| inserted(text, &[*beginning]))
            .collect();
        assert!(words.len() > 1, "{}: {words:?}", place.field);
        for word in &words {
            let chinese = said(Language::Chinese, &place.with(word));
            let known = touchstone_language::words();
            assert!(chinese.contains(&known[word]), "{chinese}");
        }
    }
}
