//! Tests that a document names are there.

use std::collections::BTreeSet;

use super::files::{assert_none, files};

/// The names of tests in a document's tables: in backquotes, of several words.
fn named(text: &str) -> BTreeSet<&str> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let is_name = |name: &&str| {
        let letters = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        name.matches('_').count() > 1 && name.chars().all(letters)
    };
    quoted.filter(is_name).collect()
}

#[test]
fn tests_that_a_document_names_are_there() {
    let sources = files(&[".rs"]);
    let is_there = |name: &str| {
        let begin = format!("fn {name}(");
        sources.iter().any(|file| file.text.contains(&begin))
    };
    let documents = files(&["faults.md"]);
    let mut violations = Vec::new();
    for document in &documents {
        let names = named(&document.text);
        assert!(names.len() > 50, "{}: {} names", document.path, names.len());
        let missing = names.into_iter().filter(|name| !is_there(name));
        violations.extend(missing.map(|name| format!("{}: no test {name}", document.path)));
    }
    assert_none(violations);
    assert_eq!(
        named("| `a_b_c`, `cargo` | `no_op` |\n`d_e_f`"),
        BTreeSet::from(["a_b_c"])
    );
}
