//! What the manuals tell a reader to run or to look at exists.

use super::files::{File, assert_none, files, root};

/// The lines of a document's shell blocks, without comments.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    let mut shell = false;
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            shell = !shell && matches!(language.trim(), "sh" | "bash" | "console" | "shell");
        } else if shell {
            let command = line.split(" #").next().unwrap_or_default().trim();
            let command = command.strip_prefix("$ ").unwrap_or(command);
            if !command.is_empty() && !command.starts_with('#') {
                commands.push(command.into());
            }
        }
    }
    commands
}

/// What is wrong with the commands of a document: a script that isn't there, or an option that the
/// script doesn't know.
fn broken_commands(file: &File) -> Vec<String> {
    let mut violations = Vec::new();
    for command in commands(&file.text) {
        let mut words = command.split_whitespace();
        let Some(script) = words.find(|word| word.starts_with("scripts/")) else {
            continue;
        };
        match std::fs::read_to_string(root().join(script)) {
            Err(_) => violations.push(format!("{}: {script} doesn't exist", file.path)),
            Ok(source) => {
                let options = words.filter(|word| word.starts_with("--"));
                let unknown = options.filter(|option| !source.contains(option));
                violations.extend(
                    unknown.map(|option| format!("{}: {script} has no {option}", file.path)),
                );
            }
        }
    }
    violations
}

/// Paths in backticks that start in one of the repository's folders, and lead nowhere.
fn broken_paths(file: &File) -> Vec<String> {
    let mut violations = Vec::new();
    for quoted in prose(&file.text).split('`').skip(1).step_by(2) {
        let path = quoted.split_whitespace().next().unwrap_or_default();
        let plain = path
            .chars()
            .all(|c| c.is_alphanumeric() || "/._-".contains(c));
        let first = path.split('/').next().unwrap_or_default();
        let ours = path.contains('/') && !first.is_empty() && !first.starts_with('.');
        // `target` holds what a build makes.
        if !plain || !ours || first == "target" || !root().join(first).is_dir() {
            continue;
        }
        let source = root().join(format!("{path}.rs"));
        if !root().join(path).exists() && !source.exists() {
            violations.push(format!("{}: `{path}` doesn't exist", file.path));
        }
    }
    violations
}

/// A document without its blocks of code, in which backticks mean something else.
fn prose(text: &str) -> String {
    let mut prose = String::new();
    let mut block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            block = !block;
        } else if !block {
            prose.push_str(line);
            prose.push('\n');
        }
    }
    prose
}

#[test]
fn commands_in_the_manuals_exist() {
    let manuals = files(&[".md"]);
    let readme = manuals
        .iter()
        .find(|file| file.path == "README.md")
        .expect("there is a README");
    let runs = commands(&readme.text);
    for script in ["scripts/demo", "scripts/test"] {
        let told = runs.iter().any(|command| command.starts_with(script));
        assert!(told, "README.md tells to run {script}");
    }
    assert_none(manuals.iter().flat_map(broken_commands).collect());
}

#[test]
fn paths_in_the_manuals_exist() {
    assert_none(files(&[".md"]).iter().flat_map(broken_paths).collect());
}

/// Words that a reader must learn first cost: the field's own need no entry.
#[test]
fn the_glossary_has_under_25_entries() {
    let path = root().join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(path).expect("ARCHITECTURE.md is there");
    let (_, glossary) = text
        .split_once("## Glossary")
        .expect("ARCHITECTURE.md has a glossary");
    let rows = glossary.lines().filter(|line| line.starts_with("| "));
    // The first is the table's head.
    let entries = rows.count().saturating_sub(1);
    assert!((1..25).contains(&entries), "{entries} entries");
}

#[test]
fn the_rules_of_manuals_bite() {
    let file = |text: &str| File {
        path: "a.md".into(),
        text: text.into(),
    };
    for (text, violations) in [
        ("```sh\nscripts/test   # all\n```\n", 0),
        ("```sh\n$ A=1 scripts/none\n```\n", 1),
        ("```sh\nscripts/test --none\n```\n", 1),
        ("```text\nscripts/none\n```\n", 0),
        ("```text\na\n```\n```sh\nscripts/none\n```\n", 1),
    ] {
        assert_eq!(broken_commands(&file(text)).len(), violations, "{text}");
    }
    for (text, violations) in [
        ("`scripts/test` and `docs/none.md`", 1),
        ("`tests/tests/house`", 0),
        ("`elsewhere/none`, `node/src/{a,b}`, `target/debug/none`", 0),
        ("```\n`docs/none.md`\n```\n", 0),
    ] {
        assert_eq!(broken_paths(&file(text)).len(), violations, "{text}");
    }
}
