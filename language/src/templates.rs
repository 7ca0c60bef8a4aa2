//! The English sentences of sources, as the compiler reads them: tests hold tables of other languages against them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "it reads this repository's own sources, in tests alone"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::SentenceTable;

/// All Rust files in a folder and in those within it.
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(sources(&path)),
            false if path.extension().is_some_and(|e| e == "rs") => found.push(path),
            false => {}
        }
    }
    found
}

/// The text of each product file in these folders, without its tests.
pub fn texts(folders: &[PathBuf]) -> Vec<(PathBuf, String)> {
    let files = folders.iter().flat_map(|folder| sources(folder));
    let product = files.filter(|path| {
        let name = path.display().to_string();
        !["tests", "test_support", "messages.rs"]
            .iter()
            .any(|part| name.contains(part))
    });
    product
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
            (path, text[..end].to_owned())
        })
        .collect()
}

/// The first string literal of a text, such as behind a macro's name.
pub fn literal(text: &str) -> Option<String> {
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

/// All string literals of a text, without the names of their values. A literal may begin where another ends: both ways
/// are read.
pub fn literals(text: &str) -> BTreeSet<String> {
    let mut said = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        rest = &rest[at..];
        let Some(text) = literal(rest) else { break };
        said.insert(nameless(&text));
        rest = &rest[1..];
    }
    said
}

/// The names of values in a template.
pub fn placeholders(template: &str) -> BTreeSet<&str> {
    let parts = template.split('{').skip(1);
    parts
        .filter_map(|part| Some(part.split_once('}')?.0))
        .collect()
}

/// A template without the names of its values.
pub fn nameless(template: &str) -> String {
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
pub fn has_words(nameless: &str) -> bool {
    let mut words = nameless.split(|c: char| !c.is_ascii_alphabetic());
    let is_chinese = nameless.chars().any(|c| c > '\u{2e7f}');
    !is_chinese && words.any(|word| word.len() > 1) && !nameless.starts_with("SHA-256 {}")
}

/// The sentences behind some beginnings, such as `#[error(`.
pub fn behind(text: &str, beginnings: &[&str]) -> BTreeSet<String> {
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

/// A table by its templates without names. Fails where the languages differ in their values, or where two templates
/// are one without their names.
pub fn recognised(text: &str) -> SentenceTable {
    let table: SentenceTable = toml::from_str(text).unwrap();
    for (english, chinese) in &table {
        assert_eq!(placeholders(english), placeholders(chinese), "{english}");
        assert!(!chinese.trim().is_empty(), "{english}");
    }
    let count = table.len();
    let nameless: SentenceTable = table.into_iter().map(|(e, c)| (nameless(&e), c)).collect();
    assert_eq!(nameless.len(), count, "two differ in their names alone");
    nameless
}

/// Fails where one of the sentences stands in none of the tables.
pub fn assert_translated(said: &BTreeSet<String>, tables: &[SentenceTable], place: &str) {
    let missing: Vec<_> = said
        .iter()
        .filter(|text| !tables.iter().any(|table| table.contains_key(*text)))
        .collect();
    assert!(missing.is_empty(), "not in {place}: {missing:#?}");
}

/// Fails where a table holds a sentence that nobody says.
pub fn assert_said(table: &SentenceTable, said: &BTreeSet<String>) {
    let unused: Vec<_> = table.keys().filter(|text| !said.contains(*text)).collect();
    assert!(unused.is_empty(), "nobody says: {unused:#?}");
}

/// A place of a failure's sentence in which a text of the program itself stands.
#[derive(Debug)]
pub struct Insertion {
    /// The type and its field, as in `EpcisRule::NotJson.expected`.
    pub field: String,
    /// The failure's sentence.
    pub template: String,
    /// The field's name in the sentence.
    pub name: String,
}

impl Insertion {
    /// The sentence with a word in that place, and a digit in every other.
    pub fn with(&self, word: &str) -> String {
        let mut parts = self.template.split('{');
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let (name, behind) = part.split_once('}').unwrap_or((part, ""));
            let name = name.split_once(':').map_or(name, |(name, _)| name);
            text.push_str(if name == self.name { word } else { "7" });
            text.push_str(behind);
        }
        text
    }
}

/// Every place of that kind in a source: fields of failures that are `&'static str`.
pub fn insertions(text: &str) -> Vec<Insertion> {
    let (mut kind, mut variant) = (String::new(), String::new());
    let (mut template, mut found) = (String::new(), Vec::new());
    let mut at = 0;
    for line in text.lines() {
        let (rest, code) = (&text[at..], line.trim());
        at += line.len() + 1;
        if line == "}" {
            template.clear();
        }
        if code.starts_with("#[error(") {
            let is_sentence = !code.starts_with("#[error(transparent");
            let sentence = is_sentence.then(|| literal(rest)).flatten();
            template = sentence.unwrap_or_default();
        }
        for keyword in ["enum ", "struct "] {
            let named = code.trim_start_matches("pub ").strip_prefix(keyword);
            if let Some(named) = named {
                kind = identifier(named);
                variant.clear();
            }
        }
        let is_variant = line.starts_with("    ") && line[4..].starts_with(char::is_uppercase);
        if is_variant {
            variant = format!("::{}", identifier(code));
        }
        let Some((before, _)) = code
            .split_once("&'static str")
            .filter(|_| !template.is_empty())
        else {
            continue;
        };
        let name = match is_variant {
            true => "0",
            false => before.trim_start_matches("pub ").trim_end_matches(": "),
        };
        if identifier(name) != name {
            continue;
        }
        let name = name.to_owned();
        let field = match is_variant {
            true => format!("{kind}{variant}"),
            false => format!("{kind}{variant}.{name}"),
        };
        let template = template.clone();
        found.push(Insertion {
            field,
            template,
            name,
        });
    }
    found
}

fn identifier(text: &str) -> String {
    let letters = text.chars();
    let is_part = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    letters.take_while(is_part).collect()
}

/// The texts that sources put into such a field: each that stands directly behind a beginning such as `NotOpen(`, and
/// all within a function that is named as `fn phase_name(`, or a list named as `const NAMES:`.
pub fn inserted(text: &str, beginnings: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for beginning in beginnings {
        for (at, _) in text.match_indices(beginning) {
            let rest = text[at + beginning.len()..].trim_start();
            let is_list = beginning.starts_with("const ");
            if is_list || beginning.starts_with("fn ") {
                let line = text[..at].rsplit('\n').next().unwrap_or_default();
                let indent = &line[..line.len() - line.trim_start().len()];
                let end = match is_list {
                    true => "];\n".to_owned(),
                    false => format!("\n{indent}}}\n"),
                };
                let body = rest.split(&end).next().unwrap_or(rest);
                let texts = body.split('"').skip(1).step_by(2);
                found.extend(texts.map(str::to_owned));
            } else if rest.starts_with('"') {
                found.extend(literal(rest));
            }
        }
    }
    found
}

/// Fails where a command's help and its table differ.
pub fn assert_help(command: &clap::Command, table: &str, place: &str) {
    let said: BTreeSet<String> = crate::help::texts(command).into_iter().collect();
    let table: SentenceTable = toml::from_str(table).unwrap();
    assert_translated(&said, std::slice::from_ref(&table), place);
    assert_said(&table, &said);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is wrong with a command line stands in both languages.
    #[test]
    fn every_sentence_of_the_usage_stands_in_both_languages() {
        let source = include_str!("usage.rs");
        let calls = source.split("say!(").skip(1);
        let said: BTreeSet<String> = calls
            .filter_map(literal)
            .map(|text| nameless(&text))
            .collect();
        assert!(said.len() > 10, "{said:?}");
        let table = recognised(include_str!("../messages/zh-usage.toml"));
        assert_translated(
            &said,
            std::slice::from_ref(&table),
            "messages/zh-usage.toml",
        );
        assert_said(&table, &said);
    }
}
