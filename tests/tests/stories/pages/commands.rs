//! Every command that a document names is run as it stands, or is listed with the reason why it isn't: a new one must
//! be sorted into `tests/data/commands.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

/// The programs whose commands are followed.
const PROGRAMS: [&str; 13] = [
    "touchstone",
    "touchstone-node",
    "sha256sum",
    "openssl",
    "curl",
    "npm",
    "cargo",
    "apt",
    "apt-get",
    "pip",
    "install",
    "runuser",
    "systemctl",
];
/// Pages whose blocks run whole.
const WHOLE: [&str; 2] = ["genesis/README.md", "docs/walks.md"];

/// `tests/data/commands.toml`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    before: String,
    command: Vec<Entry>,
    apart: Vec<Apart>,
}

/// A command, and how it is run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    says: String,
    #[serde(default)]
    words: BTreeMap<String, String>,
    before: Option<String>,
    within: Option<String>,
    #[serde(default)]
    exit: i32,
    seconds: Option<u32>,
}

/// Commands that aren't run, and why.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Apart {
    why: String,
    says: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn table() -> Table {
    let text = std::fs::read_to_string(root().join("tests/data/commands.toml"));
    toml::from_str(&text.expect("the table is there")).expect("the table can be read")
}

/// All documents but decisions and the history of changes, which tell of their time.
fn documents() -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder can be read") {
            let path = entry.expect("an entry can be read").path();
            let name = path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            let is_made =
                name.starts_with('.') || matches!(&*name, "target" | "node_modules" | "adr");
            if path.is_dir() && !is_made {
                folders.push(path);
            } else if name.ends_with(".md") && name != "CHANGELOG.md" {
                let page = path
                    .strip_prefix(root())
                    .expect("it lies in the repository");
                found.push(page.display().to_string());
            }
        }
    }
    found
}

/// Whether a text is a command: a program with something behind it, or one of our scripts.
fn is_command(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let first = words.next().unwrap_or_default();
    let has_more = words.next();
    let is_script = first
        .strip_prefix("scripts/")
        .is_some_and(|name| !name.is_empty());
    let is_program = PROGRAMS.contains(&first) && has_more.is_some();
    let is_ours = first == "node" && has_more.is_some_and(|word| word.starts_with("verifiers/"));
    is_script || is_program || is_ours || first == ".ci/run"
}

/// A command without prompt, comment and needless spaces.
fn plain(text: &str) -> String {
    let text = text.trim().strip_prefix("$ ").unwrap_or(text.trim());
    let text = text.split(" #").next().unwrap_or_default();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The commands of a page: in backticks, and in its blocks.
fn commands(page: &str, text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut prose = String::new();
    let mut block: Option<String> = None;
    for line in text.lines() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            block = match block {
                Some(_) => None,
                None => Some(language.trim().to_owned()),
            };
            continue;
        }
        let is_typed = match block.as_deref() {
            None => line.starts_with("    "),
            Some("sh") => !WHOLE.contains(&page),
            Some(language) => matches!(language, "text" | "console" | "shell" | "bash"),
        };
        let typed = plain(line);
        match (is_typed && is_command(&typed), &block) {
            (true, _) => drop(found.insert(typed)),
            (false, None) => {
                prose.push_str(line);
                prose.push('\n');
            }
            (false, Some(_)) => {}
        }
    }
    let quoted = prose.split('`').skip(1).step_by(2).map(plain);
    found.extend(quoted.filter(|text| is_command(text)));
    found
}

/// Whether a verb is only named: its help is what can be said of it.
fn is_name(command: &str) -> bool {
    let mut words = command.split(' ');
    let is_word = |word: &str| {
        let is_lower = word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-');
        is_lower && (!word.starts_with('-') || word == "--help")
    };
    matches!(words.next(), Some("touchstone" | "touchstone-node")) && words.all(is_word)
}

/// All commands, with the pages that name them.
fn named() -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for page in documents() {
        let text = std::fs::read_to_string(root().join(&page)).expect("the page is there");
        for command in commands(&page, &text) {
            found.entry(command).or_default().push(page.clone());
        }
    }
    found
}

/// A shell text as one word.
fn word(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A script that runs every command, in the table's order, behind those of the two pages; and how many it runs.
pub fn script() -> (String, usize) {
    let table = table();
    let mut script = format!(
        "repository={}\n{}\n\
         run() {{ # what a page says, exit code, folder, the command\n\
         \x20   code=0; (cd \"$3\" && eval \"$4\") > said 2>&1 < /dev/null || code=$?\n\
         \x20   [ $code = \"$2\" ] || {{ cat said; echo \"$1: exit code $code, not $2\"; exit 1; }}\n\
         }}\n",
        word(
            &root()
                .canonicalize()
                .expect("the repository is there")
                .display()
                .to_string()
        ),
        table.before
    );
    let mut count = 0;
    for entry in &table.command {
        let mut command = entry.says.clone();
        // The longest first: one word may be a part of another.
        let mut words: Vec<(&String, &String)> = entry.words.iter().collect();
        words.sort_by_key(|(says, _)| std::cmp::Reverse(says.len()));
        for (says, stands) in words {
            assert!(command.contains(says.as_str()), "{}: {says}", entry.says);
            command = command.replace(says.as_str(), stands);
        }
        // One that goes on is ended by `timeout`, whose exit code says so.
        let (command, exit) = match entry.seconds {
            Some(seconds) => (format!("timeout {seconds} {command}"), 124),
            None => (command, entry.exit),
        };
        if let Some(before) = &entry.before {
            script.push_str(&format!(
                "{{ {}\n}} > prepared 2>&1 || {{ cat prepared; exit 1; }}\n",
                before.trim_end()
            ));
        }
        let within = entry.within.as_deref().unwrap_or(".");
        script.push_str(&format!(
            "run {} {exit} {within} {}\n",
            word(&entry.says),
            word(&command)
        ));
        count += 1;
    }
    let run: BTreeSet<&String> = table.command.iter().map(|entry| &entry.says).collect();
    for name in named()
        .into_keys()
        .filter(|c| is_name(c) && !run.contains(c))
    {
        let help = match name.ends_with("--help") {
            true => name.clone(),
            false => format!("{name} --help"),
        };
        script.push_str(&format!("run {} 0 . {}\n", word(&name), word(&help)));
        count += 1;
    }
    (script, count)
}

#[test]
fn every_command_of_the_documents_is_run_or_listed_with_a_reason() {
    let table = table();
    let mut sorted: BTreeSet<&str> = BTreeSet::new();
    let apart = table.apart.iter().flat_map(|apart| &apart.says);
    for says in table.command.iter().map(|entry| &entry.says).chain(apart) {
        assert!(sorted.insert(says), "{says} stands twice in the table");
    }
    assert!(table.apart.iter().all(|apart| !apart.why.trim().is_empty()));
    let named = named();
    let unsorted: Vec<_> = named
        .iter()
        .filter(|(command, _)| !is_name(command) && !sorted.contains(command.as_str()))
        .collect();
    assert!(
        unsorted.is_empty(),
        "sort them into tests/data/commands.toml: {unsorted:#?}"
    );
    let gone: Vec<_> = sorted
        .iter()
        .filter(|says| !named.contains_key(**says))
        .collect();
    assert!(gone.is_empty(), "no document says: {gone:#?}");
    assert!(table.command.len() > 90, "{} commands", table.command.len());
}

#[test]
fn a_new_command_is_found_wherever_it_stands() {
    let page = "See `touchstone item\nID`, `touchstone` and `node 1`.\n\n    $ touchstone hash FILE   # one\n\n\
                ```text\nscripts/demo --once\n```\n```rust\ntouchstone x y\n```\n```sh\ncurl -s x\n```\n";
    let found: Vec<String> = commands("docs/x.md", page).into_iter().collect();
    let expected = [
        "curl -s x",
        "scripts/demo --once",
        "touchstone hash FILE",
        "touchstone item ID",
    ];
    assert_eq!(found, expected);
    assert!(!commands("docs/walks.md", page).contains("curl -s x"));
    for (command, name) in [
        ("touchstone right offer", true),
        ("touchstone genesis assemble --help", true),
        ("touchstone item ID", false),
        ("touchstone --json", false),
        ("scripts/demo", false),
    ] {
        assert_eq!(is_name(command), name, "{command}");
    }
}
