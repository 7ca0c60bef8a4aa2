//! How files look. A reader meets the same shape in every room.

use super::files::{File, assert_none, files, root, scripts};
use super::lexer::{end_of_group, tokens};

/// Longest line of a source, in characters; lines with an address may be longer.
const LINE_CHARS: usize = 120;
/// Longest source, in lines: beyond it, there is a room to be found in the file. Tests are tables, and may be longer.
const FILE_LINES: usize = 500;
const TEST_LINES: usize = 700;

fn longest(file: &File) -> usize {
    let is_test =
        file.is_test() || file.path.starts_with("tests/") || file.path.contains("test_support");
    match is_test {
        true => TEST_LINES,
        false => FILE_LINES,
    }
}

fn header(file: &File) -> Vec<String> {
    // A room's tests.rs says by its place what it is for.
    let missing = !file.text.starts_with("//! ") && !file.path.ends_with("/tests.rs");
    Vec::from_iter(missing.then(|| format!("{}:1: say with //! what the file is for", file.path)))
}

/// Rooms whose files decide, or don't, what a block does: a change of one that does forks the chain.
const LEDGER: [&str; 3] = ["chain-core/src", "epcis/src", "pictures/src"];

fn consensus_mark(file: &File) -> Vec<String> {
    if !LEDGER.iter().any(|room| file.is_in(room)) || file.is_test() {
        return Vec::new();
    }
    let head = file.text.lines().take_while(|line| line.starts_with("//!"));
    let marks: Vec<_> = head
        .filter(|line| line.starts_with("//! Consensus-critical:"))
        .collect();
    let is_marked = matches!(
        marks[..],
        ["//! Consensus-critical: yes" | "//! Consensus-critical: no"]
    );
    Vec::from_iter((!is_marked).then(|| {
        format!(
            "{}:1: say once in the head: `//! Consensus-critical: yes`, or `no`",
            file.path
        )
    }))
}

fn measures(file: &File) -> Vec<String> {
    let mut violations = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let chars = line.chars().count();
        if chars > LINE_CHARS && !line.contains("://") {
            let place = format!("{}:{}", file.path, index + 1);
            violations.push(format!(
                "{place}: {chars} characters, {LINE_CHARS} are allowed"
            ));
        }
    }
    let lines = file.text.lines().count();
    let longest = longest(file);
    if lines > longest {
        violations.push(format!(
            "{}: {lines} lines, {longest} are allowed",
            file.path
        ));
    }
    violations
}

/// Marks of unfinished work, in any text. Put together here, as this file is read too.
fn unfinished_words(file: &File) -> Vec<String> {
    let marks = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["X", "XX"].concat(),
    ];
    let mut violations = Vec::new();
    for (index, line) in file.text.lines().enumerate() {
        let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
        if let Some(word) = words.find(|word| marks.iter().any(|mark| mark == word)) {
            violations.push(format!("{}:{}: {word}", file.path, index + 1));
        }
    }
    violations
}

/// Code that stands for code not written, and tests that don't run.
fn unfinished_code(file: &File) -> Vec<String> {
    let tokens = tokens(&file.text);
    let is = |i: usize, text: &str| tokens.get(i).is_some_and(|token| token.text == text);
    let mut violations = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let place = format!("{}:{}", file.path, token.line);
        if matches!(token.text.as_str(), "todo" | "unimplemented") && is(i + 1, "!") {
            violations.push(format!("{place}: {}!", token.text));
        }
        if token.text == "ignore" && i >= 2 && is(i - 1, "[") && is(i - 2, "#") {
            violations.push(format!("{place}: a test that doesn't run"));
        }
    }
    violations
}

/// An assertion about elapsed time fails on a busy machine and shows nothing on a fast one.
fn timed_assertions(file: &File) -> Vec<String> {
    let tokens = tokens(&file.text);
    let mut violations = Vec::new();
    for (i, token) in tokens.iter().enumerate() {
        let called = tokens.get(i + 1).is_some_and(|next| next.text == "!");
        if !(token.text.contains("assert") && called) {
            continue;
        }
        let inside = &tokens[i..end_of_group(&tokens, i + 2).min(tokens.len())];
        let clock = ["elapsed", "Instant", "SystemTime", "duration_since"];
        if inside
            .iter()
            .any(|token| clock.contains(&token.text.as_str()))
        {
            violations.push(format!("{}:{}: asserts on time", file.path, token.line));
        }
    }
    violations
}

/// A shell script stops at the first failure, an unset variable or a broken pipe's start.
fn careless_script(file: &File) -> Vec<String> {
    let mut lines = file.text.lines();
    let shell = match lines.next() {
        Some(first) if first.starts_with("#!") => first.contains("sh"),
        _ => true,
    };
    let first = file
        .text
        .lines()
        .find(|line| !line.is_empty() && !line.starts_with('#'));
    let careless = shell && first != Some("set -euo pipefail");
    let violation = || format!("{}: doesn't begin with set -euo pipefail", file.path);
    Vec::from_iter(careless.then(violation))
}

#[test]
fn every_source_says_what_it_is_for() {
    assert_none(files(&[".rs"]).iter().flat_map(header).collect());
}

#[test]
fn every_file_of_the_ledger_says_whether_it_decides_blocks() {
    assert_none(files(&[".rs"]).iter().flat_map(consensus_mark).collect());
    let marked = "//! Rules.\n//!\n//! Consensus-critical: yes\n\nuse std::fmt;\n";
    let cases = [
        ("chain-core/src/a.rs", marked, 0),
        ("epcis/src/a/b.rs", marked, 0),
        ("chain-core/src/a.rs", "//! Consensus-critical: no\n", 0),
        ("chain-core/src/a.rs", "//! Rules.\n", 1),
        ("epcis/src/a.rs", "//! Consensus-critical: perhaps\n", 1),
        (
            "epcis/src/a.rs",
            "//! Consensus-critical: yes\n//! Consensus-critical: no\n",
            1,
        ),
        (
            "chain-core/src/a.rs",
            "//! Rules.\n\n//! Consensus-critical: yes\n",
            1,
        ),
        ("chain-core/src/a/tests.rs", "use super::*;\n", 0),
        ("node/src/a.rs", "//! A node.\n", 0),
    ];
    for (path, text, violations) in cases {
        let file = File {
            path: path.into(),
            text: text.into(),
        };
        assert_eq!(consensus_mark(&file).len(), violations, "{path}: {text}");
    }
}

#[test]
fn sources_keep_their_measures() {
    assert_none(files(&[".rs"]).iter().flat_map(measures).collect());
}

#[test]
fn nothing_is_left_unfinished() {
    let mut texts = files(&[
        ".rs", ".proto", ".toml", ".md", ".py", ".sh", ".js", ".html",
    ]);
    texts.extend(scripts());
    let sources = files(&[".rs"]);
    let words = texts.iter().flat_map(unfinished_words);
    assert_none(
        words
            .chain(sources.iter().flat_map(unfinished_code))
            .collect(),
    );
}

#[test]
fn no_assertion_is_about_time() {
    assert_none(files(&[".rs"]).iter().flat_map(timed_assertions).collect());
}

#[test]
fn scripts_are_careful_and_can_be_run() {
    let scripts = scripts();
    let mut violations: Vec<String> = scripts.iter().flat_map(careless_script).collect();
    for file in &scripts {
        // What lies in lib is read by other scripts, not run.
        if !file.path.starts_with("scripts/lib/") && !executable(&file.path) {
            violations.push(format!("{}: isn't executable", file.path));
        }
    }
    assert_none(violations);
}

#[cfg(unix)]
fn executable(path: &str) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let metadata = std::fs::metadata(root().join(path)).expect("a listed file has metadata");
    metadata.permissions().mode() & 0o111 == 0o111
}

#[test]
fn every_room_of_the_house_stands() {
    let rooms = "proto epcis/src pictures/src chain-core/src/governance chain-core/src/custody chain-core/src/designs \
                 chain-core/src/state chain-core/src/proof node/src/network node/src/consensus \
                 node/src/storage node/src/rpc client/src cli/src genesis scripts tests/src tests/tests \
                 verifiers clients docs docs/adr";
    let missing = rooms
        .split_whitespace()
        .filter(|room| !root().join(room).is_dir());
    assert_none(missing.map(|room| format!("{room}/ is missing")).collect());
}

#[test]
fn the_rules_of_style_bite() {
    type Rule = fn(&File) -> Vec<String>;
    let long = format!("//! {}\n", "x".repeat(LINE_CHARS));
    let address = format!("//! https://{}\n", "x".repeat(LINE_CHARS));
    let many = "//! x\n".repeat(FILE_LINES + 1);
    let mark = format!("// {}: later", ["TO", "DO"].concat());
    let skipped = ["#[", "ignore]\nfn a() {}"].concat();
    let cases: [(Rule, &str, usize); 19] = [
        (header, "//! What it is for.\n", 0),
        (header, "// What it is for.\n", 1),
        (header, "use std::fmt;\n//! Late.\n", 1),
        (header, "", 1),
        (measures, &long, 1),
        (measures, &address, 0),
        (measures, &many, 1),
        (unfinished_words, &mark, 1),
        (unfinished_words, "mktemp /tmp/a.XXXXXX", 0),
        (unfinished_code, "fn a() { todo!() }", 1),
        (unfinished_code, "fn a() { \"todo!()\" }", 0),
        (unfinished_code, &skipped, 1),
        (unfinished_code, "let ignore = 1;", 0),
        (timed_assertions, "assert!(start.elapsed() < limit);", 1),
        (
            timed_assertions,
            "prop_assert!(a, \"{:?}\", b.elapsed());",
            1,
        ),
        (timed_assertions, "assert!(a); let b = start.elapsed();", 0),
        (
            careless_script,
            "#!/usr/bin/env bash\n# What for.\nset -euo pipefail\n",
            0,
        ),
        (
            careless_script,
            "#!/usr/bin/env bash\ncd /\nset -euo pipefail\n",
            1,
        ),
        (careless_script, "#!/usr/bin/env python3\nimport sys\n", 0),
    ];
    for (rule, text, violations) in cases {
        let file = File {
            path: "a.rs".into(),
            text: text.into(),
        };
        assert_eq!(rule(&file).len(), violations, "{text}");
    }
}
