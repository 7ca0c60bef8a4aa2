//! One word, one meaning: a public type's name stands once in the workspace, or the table says why
//! nobody takes one for the other.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{assert_none, files};
use super::lexer::{production, tokens};

/// Where crates stand. A verb's file names its arguments alike, each for itself.
const APART: [&str; 3] = ["/verbs/", "test_support", "/testkit"];

/// Names that stand more than once, and why none is read wrongly.
const EXPLAINED: &[(&str, &str)] = &[(
    "Output",
    "what a step of consensus asks for, and what a command prints: neither room sees the other",
)];

/// The files of each public type of production code, by its name.
fn places() -> BTreeMap<String, BTreeSet<String>> {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files(&[".rs"]) {
        let is_source = file.path.contains("/src/") && !file.path.starts_with("tests/");
        let is_apart = APART.iter().any(|part| file.path.contains(part));
        if !is_source || file.is_test() || is_apart {
            continue;
        }
        for name in public_types(&file.text) {
            places.entry(name).or_default().insert(file.path.clone());
        }
    }
    places
}

/// The names of the types that a source declares for other files.
fn public_types(source: &str) -> Vec<String> {
    let tokens = production(&tokens(source));
    let text = |i: usize| tokens.get(i).map_or("", |token| token.text.as_str());
    let mut names = Vec::new();
    for i in 1..tokens.len() {
        let declares = matches!(text(i), "struct" | "enum" | "trait" | "type");
        // `pub`, or `pub(crate)` and its like.
        let restricted = text(i - 1) == ")" && i >= 4 && text(i - 4) == "pub";
        if declares && (text(i - 1) == "pub" || restricted) {
            names.push(text(i + 1).to_owned());
        }
    }
    names
}

#[test]
fn a_types_name_stands_once_or_is_explained() {
    let places = places();
    assert!(places.len() > 100, "the workspace's types are found");
    let is_explained = |name: &str| EXPLAINED.iter().any(|(known, _)| *known == name);
    let mut violations = Vec::new();
    for (name, files) in &places {
        if files.len() > 1 && !is_explained(name) {
            let files: Vec<&str> = files.iter().map(String::as_str).collect();
            violations.push(format!("{name} stands in {}", files.join(", ")));
        }
    }
    for (name, _) in EXPLAINED {
        if places.get(*name).is_none_or(|files| files.len() < 2) {
            violations.push(format!("{name} is explained, and stands once"));
        }
    }
    assert_none(violations);
}

#[test]
fn the_rule_of_names_bites() {
    let source = "pub struct A; struct B; pub(crate) enum C {} pub(super) trait D {} pub type E = u8; \
                  #[cfg(test)] pub struct F; impl G { type H = u8; }";
    assert_eq!(public_types(source), ["A", "C", "D", "E"]);
}
