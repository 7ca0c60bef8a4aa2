//! `docs/configuration.md` lists every setting of a node and of the command line as the sources have them, with the
//! defaults that the code computes. `TOUCHSTONE_APPROVE=1` writes it anew.

use std::fmt::Write;

use touchstone_edge::server::PortLimits;
use touchstone_node::config::{ClientLimits, PublicPorts, Timing};
use touchstone_node::timestamps::schedule::Schedule;

use super::files::root;

/// A setting, as its source has it.
#[derive(Debug, PartialEq, Eq)]
struct Setting {
    name: String,
    /// The field's type in Rust.
    kind: String,
    may_be_missing: bool,
    explanation: String,
}

/// Reads the fields of a struct. Relies on the shape that rustfmt gives it.
fn settings(source: &str, name: &str) -> Vec<Setting> {
    let mut found = Vec::new();
    let (mut words, mut has_default) = (Vec::new(), false);
    let lines = source.lines();
    let body = lines
        .skip_while(|line| !line.ends_with(&format!("struct {name} {{")))
        .skip(1);
    for line in body.take_while(|line| *line != "}") {
        let line = line.trim();
        if let Some(text) = line.strip_prefix("///") {
            words.push(text.trim().to_owned());
        } else if line.starts_with("#[serde(default") {
            has_default = true;
        } else if let Some((name, kind)) = line.trim_end_matches(',').split_once(": ") {
            found.push(Setting {
                name: name.trim_start_matches("pub ").to_owned(),
                kind: kind.to_owned(),
                may_be_missing: has_default || kind.starts_with("Option<"),
                explanation: words.join(" "),
            });
            (words, has_default) = (Vec::new(), false);
        }
    }
    found
}

/// What a type is to who writes the file.
fn kind_in_words(kind: &str) -> String {
    let inner = |start: &str| kind.strip_prefix(start)?.strip_suffix('>');
    if let Some(inner) = inner("Option<") {
        return kind_in_words(inner);
    }
    if let Some(inner) = inner("Vec<") {
        return format!("list: {}", kind_in_words(inner));
    }
    match kind {
        "PathBuf" => "path",
        "SocketAddr" => "address and port",
        "Multiaddr" => "multiaddress",
        "String" => "text",
        "bool" => "`true` or `false`",
        "u32" | "u64" | "usize" => "number",
        _ => "table",
    }
    .to_owned()
}

/// The defaults that stand in the code, by table and name.
fn default_of(table: &str, name: &str) -> Option<String> {
    let timing = Timing::default().settings();
    let ports: PortLimits = ClientLimits::default().rpc();
    let schedule = Schedule::default();
    let number = match (table, name) {
        ("public", "calls_per_minute") => {
            let calls = PublicPorts::default().limited(ports).calls;
            calls.map_or(0, |calls| u64::from(calls.per_minute))
        }
        ("limits", "connections") => ports.connections as u64,
        ("limits", "connections_per_address") => ports.connections_per_address as u64,
        ("limits", "region_search_mib") => ClientLimits::default().region_search() >> 20,
        ("consensus", "heartbeat_ms") => timing.heartbeat_ms,
        ("consensus", "batching_delay_ms") => timing.batching_delay_ms,
        ("consensus", "propose_ms") => timing.propose_ms,
        ("consensus", "prevote_ms") => timing.prevote_ms,
        ("consensus", "precommit_ms") => timing.precommit_ms,
        ("timestamps", "every_blocks") => schedule.every_blocks,
        ("timestamps", "every_ms") => schedule.every_ms,
        ("timestamps", "pause_ms") => schedule.pause_ms,
        _ => return None,
    };
    Some(number.to_string())
}

/// A table of the document: its name in the file, the struct, and the struct's source.
const TABLES: [(&str, &str, &str); 8] = [
    ("", "Config", "node/src/config.rs"),
    ("tls", "TlsFiles", "node/src/config/ports.rs"),
    ("public", "PublicPorts", "node/src/config/ports.rs"),
    ("limits", "ClientLimits", "node/src/config/ports.rs"),
    ("consensus", "Timing", "node/src/config.rs"),
    (
        "timestamps",
        "Timestamps",
        "node/src/timestamps/settings.rs",
    ),
    (
        "[timestamps.authority]",
        "WrittenAuthority",
        "node/src/timestamps/settings.rs",
    ),
    ("[http_members]", "MemberNode", "node/src/http/app.rs"),
];

const HEAD: &str = "# Configuration

Every setting, as the sources have them: a test writes this page and compares it in every run. What to choose says
[operating.md](operating.md).

## `node.toml`

A node's file, TOML. A name that isn't here is refused. Relative paths are relative to the file.
";

const CLIENT: &str = "
## `touchstone.toml`

Settings of the command line. What is given on it, or in the environment variable, comes first. A file from somebody
else (`touchstone verify`, and what takes `--check`) isn't examined by the genesis document that the file of this folder
names: the folder may be its sender's work. Name the document with `--genesis`, in the environment, or in the user's own
settings file.
";

fn rows(document: &mut String, table: &str, settings: &[Setting]) {
    document.push_str("\n| setting | | if it is missing | |\n|---|---|---|---|\n");
    for setting in settings {
        let Setting {
            name,
            kind,
            explanation,
            ..
        } = setting;
        let kind = kind_in_words(kind);
        let missing = match (default_of(table, name), setting.may_be_missing) {
            (Some(default), _) => default,
            (None, true) if kind.contains("true") => "`false`".to_owned(),
            (None, true) => "–".to_owned(),
            (None, false) => "refused".to_owned(),
        };
        let _ = writeln!(
            document,
            "| `{name}` | {kind} | {missing} | {explanation} |"
        );
    }
}

fn document() -> String {
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a source is there");
    let mut document = HEAD.to_owned();
    for (table, name, path) in TABLES {
        if !table.is_empty() {
            let _ = writeln!(document, "\n### `[{table}]`");
        }
        let found = settings(&read(path), name);
        assert!(!found.is_empty(), "{name} is read");
        rows(&mut document, table, &found);
    }
    document.push_str(CLIENT);
    let options = read("cli/src/settings.rs");
    let known: Vec<Setting> = ["GlobalOptions", "Signing"]
        .iter()
        .flat_map(|name| settings(&options, name))
        .collect();
    let mut file = settings(&options, "File");
    for setting in &mut file {
        let option = known.iter().find(|one| one.name == setting.name);
        let option = option.expect("a setting of the file is an option, too");
        setting.explanation.clone_from(&option.explanation);
    }
    rows(&mut document, "client", &file);
    document
}

#[test]
fn every_setting_is_documented() {
    let expected = document();
    let path = root().join("docs/configuration.md");
    if std::env::var_os("TOUCHSTONE_APPROVE").is_some() {
        std::fs::write(&path, &expected).expect("docs/configuration.md can be written");
    }
    let documented = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        documented == expected,
        "docs/configuration.md is out of step with the sources; after reading the difference, \
         write it with TOUCHSTONE_APPROVE=1 cargo test --workspace --test house configuration"
    );
}

#[test]
fn settings_are_read_with_their_words() {
    let source = "pub struct A {\n    /// One\n    /// word.\n    #[serde(default)]\n    pub a: Vec<String>,\n    \
                  /// Two.\n    b: Option<u64>,\n    c: PathBuf,\n}\npub struct B {\n    pub d: bool,\n}\n";
    let setting = |name: &str, kind: &str, may_be_missing, explanation: &str| Setting {
        name: name.into(),
        kind: kind.into(),
        may_be_missing,
        explanation: explanation.into(),
    };
    assert_eq!(
        settings(source, "A"),
        [
            setting("a", "Vec<String>", true, "One word."),
            setting("b", "Option<u64>", true, "Two."),
            setting("c", "PathBuf", false, ""),
        ]
    );
    assert_eq!(kind_in_words("Vec<String>"), "list: text");
    assert_eq!(kind_in_words("Option<SocketAddr>"), "address and port");
}
