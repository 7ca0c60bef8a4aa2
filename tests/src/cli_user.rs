//! A person at the command line, and the two examiners of what such a person hands over.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::cluster::{Cluster, binary, organisation_id};
use crate::forgery::verifier::{independent_verifier, python};

/// How a program ended, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// The exit code; none where a signal ended it.
    pub code: Option<i32>,
    /// Its results.
    pub out: String,
    /// Its remarks.
    pub err: String,
}

impl Ran {
    /// Runs a program to its end.
    pub fn of(command: &mut Command) -> Ran {
        let name = command.get_program().to_owned();
        let ran = command
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|e| panic!("{}: {e} (scripts/test prepares it)", name.display()));
        Ran {
            code: ran.status.code(),
            out: String::from_utf8(ran.stdout).expect("programs print UTF-8"),
            err: String::from_utf8(ran.stderr).expect("programs print UTF-8"),
        }
    }

    /// Fails the test unless the program ended with this code.
    pub fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    /// The first line of the results, which is JSON.
    pub fn json(&self) -> Value {
        let line = self.out.lines().next().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.err))
    }
}

/// Somebody who acts for an organisation, at a desk (a folder) of one's own.
pub struct CliUser {
    /// The organisation's id.
    pub organisation: String,
    /// The key that signs.
    pub key: PathBuf,
    desk: PathBuf,
    node: String,
    genesis: PathBuf,
}

impl CliUser {
    /// Somebody of the organisation with this index, who asks the node with the same index.
    pub fn of(cluster: &Cluster, index: usize) -> CliUser {
        let organisation = organisation_id(index);
        let desk = cluster.folder().join(format!("desk-{index}"));
        std::fs::create_dir_all(&desk).expect("the folder is writable");
        CliUser {
            organisation,
            key: cluster.signing_key_file(index),
            desk,
            node: cluster.url(index),
            genesis: cluster.genesis_file(),
        }
    }

    /// A file on the desk.
    pub fn path(&self, name: &str) -> PathBuf {
        self.desk.join(name)
    }

    /// Writes a file on the desk.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).expect("the folder is writable");
        path
    }

    /// `touchstone` with these arguments, for a program that runs it in another way.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = touchstone(arguments);
        command
            .current_dir(&self.desk)
            .env("TOUCHSTONE_NODE", &self.node)
            .env("TOUCHSTONE_GENESIS", &self.genesis)
            .env("TOUCHSTONE_CACHE", self.desk.join("cache"))
            .env("TOUCHSTONE_ORGANISATION", &self.organisation)
            .env("TOUCHSTONE_KEY", &self.key);
        command
    }

    /// Runs `touchstone` with these arguments.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments))
    }

    /// Makes a key, in a file of this name.
    pub fn new_key(&self, name: &str) -> PathBuf {
        self.run(&["key", "new", "--no-passphrase", "--out", name])
            .expect(0);
        self.path(name)
    }

    /// Captures one event; how it went.
    pub fn capture(&self, event: &[u8]) -> Ran {
        let name = format!("{}.json", hex::encode(touchstone_core::hash::sha256(event)));
        self.write(&name, event);
        self.run(&["capture", &name])
    }

    /// Writes the evidence about an item or a design.
    pub fn evidence(&self, id: &str, name: &str, more: &[&str]) -> PathBuf {
        self.run(&[&["evidence", id, "-o", name], more].concat())
            .expect(0);
        self.path(name)
    }
}

/// `touchstone` with these arguments, and with nothing of this process's environment but the path.
pub fn touchstone(arguments: &[&str]) -> Command {
    let mut command = bare(binary("touchstone"));
    command.args(arguments);
    command
}

/// A program without any environment but the path by which it finds others.
pub fn bare(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    if let Some(path) = std::env::var_os("PATH") {
        command.env("PATH", path);
    }
    command
}

/// What both examiners say of an evidence file.
#[derive(Debug)]
pub struct Judgement {
    /// The exit code of both.
    pub code: i32,
    /// The report of `touchstone verify --json`.
    pub report: Value,
}

impl Judgement {
    /// The result of an element.
    pub fn result(&self, element: &str) -> &str {
        self.check(element)["result"]
            .as_str()
            .expect("a result is text")
    }

    /// What was found about an element, in one text.
    pub fn findings(&self, element: &str) -> String {
        self.check(element)["findings"].to_string()
    }

    fn check(&self, element: &str) -> &Value {
        let checks = self.report["checks"].as_array().expect("there are checks");
        checks
            .iter()
            .find(|check| check["element"] == element)
            .unwrap_or_else(|| panic!("there is no element {element}"))
    }

    /// The elements with this result.
    pub fn with_result(&self, result: &str) -> Vec<&str> {
        let checks = self.report["checks"].as_array().expect("there are checks");
        checks
            .iter()
            .filter(|check| check["result"] == result)
            .filter_map(|check| check["element"].as_str())
            .collect()
    }
}

/// Where a value isn't of the documented form (`docs/examination.schema.json`), if it isn't.
fn schema_mismatch(json: &str) -> Option<String> {
    let checker = independent_verifier().with_file_name("check_schema.py");
    let mut command = bare(python());
    command.arg("-B").arg(checker);
    command.stdin(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("python runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(json.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (!output.status.success()).then_some(said)
}

/// Has `touchstone verify` and the independent verifier examine a file. They must agree: exit code,
/// verdict, the result of every element, and all facts.
pub fn judge(file: &Path, genesis: Option<&Path>, originals: &[&Path]) -> Judgement {
    let mut ours = touchstone(&["verify"]);
    let mut theirs = bare(python());
    theirs.arg("-B").arg(independent_verifier());
    for command in [&mut ours, &mut theirs] {
        command.arg(file).args(originals).arg("--json");
        if let Some(genesis) = genesis {
            command.arg("--genesis").arg(genesis);
        }
    }
    let (ours, theirs) = (Ran::of(&mut ours), Ran::of(&mut theirs));
    let (report, second) = (ours.json(), theirs.json());
    let results = |list: &Value| -> Vec<(Value, Value)> {
        let list = list.as_array().expect("elements are a list");
        let pair = |e: &Value| (e["element"].clone(), e["result"].clone());
        list.iter().map(pair).collect()
    };
    assert_eq!(
        (ours.code, &report["verdict"], results(&report["checks"])),
        (theirs.code, &second["verdict"], results(&second["checks"])),
        "the verifiers disagree\n{report}\n{second}"
    );
    for said in [&ours.out, &theirs.out] {
        assert_eq!(schema_mismatch(said), None, "{said}");
    }
    // What the file proves, and what the exhibits are to it, don't depend on who reads it.
    for part in ["facts", "exhibits", "file", "exit_code", "format"] {
        assert_eq!(report[part], second[part], "{part}");
    }
    Judgement {
        code: ours.code.expect("no signal ends a verifier"),
        report,
    }
}
