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

/// What parties say is never taken for the program's own words.
#[test]
fn only_reasons_are_translated_inside_a_sentence() {
    let reasons: BTreeMap<String, String> =
        toml::from_str(include_str!("../../messages/zh-reasons.toml")).unwrap();
    assert!(reasons.len() > 20);
    let (english, chinese) = reasons.first_key_value().unwrap();
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
