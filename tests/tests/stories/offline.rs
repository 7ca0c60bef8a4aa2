//! An evidence file is examined when there is no network, no ledger and no right time any more.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use touchstone_tests::cli_user::{CliUser, Ran, bare};
use touchstone_tests::cluster::{Cluster, Plan, binary};
use touchstone_tests::forgery::verifier::{independent_verifier, python};
use touchstone_tests::load;

const UNIT: &str = "https://id.gs1.org/01/09521321000018/21/1";
const DATES: [&str; 2] = ["@1999-01-01 00:00:00", "@2099-01-01 00:00:00"];

/// A wrapper that tells the program this time, whatever the machine's clock says.
fn at(date: &str) -> Vec<&str> {
    vec!["faketime", "-f", date]
}

/// A wrapper in which the network is down, without asking for privileges: whoever opens a socket is
/// told so, and noted in `trace`.
fn without_network(trace: &Path) -> Vec<&str> {
    let trace = trace.to_str().unwrap();
    let down = ["-e", "trace=socket", "-e", "inject=socket:error=ENETDOWN"];
    let quiet = ["strace", "-f", "-qq", "-e", "signal=none", "-o", trace];
    [&quiet[..], &down[..]].concat()
}

/// Runs a command inside a wrapper, which gets all of its environment.
fn wrapped(wrapper: &[&str], command: &Command) -> Ran {
    let Some((program, arguments)) = wrapper.split_first() else {
        panic!("a wrapper is a program");
    };
    let mut outer = bare(program);
    outer.args(arguments).arg(command.get_program());
    outer.args(command.get_args());
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            outer.env(name, value);
        }
    }
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    Ran::of(&mut outer)
}

/// An examiner's empty room, with the program, the file and the genesis document.
struct Room {
    folder: TempDir,
}

impl Room {
    fn with(evidence: &Path, genesis: &Path) -> Room {
        let folder = TempDir::new().unwrap();
        let copy = |from: &Path, name: &str| {
            std::fs::copy(from, folder.path().join(name)).unwrap();
        };
        copy(&binary("touchstone"), "touchstone");
        copy(evidence, "case.evidence");
        copy(genesis, "genesis.json");
        std::fs::create_dir(folder.path().join("python")).unwrap();
        let sources = independent_verifier();
        for source in std::fs::read_dir(sources.parent().unwrap()).unwrap() {
            let source = source.unwrap().path();
            if source.extension().is_some_and(|e| e == "py") {
                let name = source.file_name().unwrap().to_str().unwrap();
                copy(&source, &format!("python/{name}"));
            }
        }
        Room { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, mut command: Command, more: &[&str]) -> Command {
        command
            .current_dir(self.folder.path())
            .args(["case.evidence", "--genesis", "genesis.json"])
            .args(more);
        command
    }

    /// `touchstone verify`, in this room.
    fn ours(&self, more: &[&str]) -> Command {
        let mut command = bare(self.path("touchstone"));
        command.arg("verify");
        self.command(command, more)
    }

    /// The independent verifier, in this room.
    fn theirs(&self) -> Command {
        let mut command = bare(python());
        command.args(["-B", "python/verify.py"]);
        self.command(command, &[])
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_enough_when_network_ledger_and_clock_are_gone() {
    let cluster = Cluster::start(&Plan::default());
    for index in 0..4 {
        cluster.wait_for_height(index, 1).await;
    }
    let person = CliUser::of(&cluster, 0);
    person.capture(&load::event(1)).expect(0);
    let file = person.evidence(UNIT, "case.evidence", &[]);
    let room = Room::with(&file, &cluster.genesis_file());
    let trace = room.path("trace");

    // The wrappers do what they are for: a question to a node fails without network, and feels a
    // wrong clock.
    let question = person.command(&["item", UNIT]);
    wrapped(&without_network(&trace), &question).expect(5);
    let sockets = std::fs::read_to_string(&trace).unwrap();
    assert!(sockets.contains("socket(AF_INET"), "{sockets}");
    let late = wrapped(&at(DATES[1]), &question).expect(0);
    assert!(late.err.contains("the chain stands still"), "{late:?}");
    drop(cluster);

    // The report says when it was made, which here is the same for all.
    let when = ["--at", "2031-01-01T00:00:00Z"];
    let as_json = ["--at", "2031-01-01T00:00:00Z", "--json"];
    let asked = [room.ours(&when), room.ours(&as_json), room.theirs()];
    for mut command in asked {
        let plain = Ran::of(&mut command).expect(0);
        assert!(plain.out.contains("completeness"), "{plain:?}");
        for date in DATES {
            assert_eq!(wrapped(&at(date), &command), plain, "{date}");
        }
        let offline = wrapped(&without_network(&trace), &command);
        assert_eq!(offline, plain);
        // Python may ask this machine for a user's name; nothing leads out of it.
        let sockets = std::fs::read_to_string(&trace).unwrap();
        let led_out = sockets.lines().find(|line| !line.contains("AF_UNIX"));
        assert_eq!(led_out, None, "{command:?}");
    }
    // The report too is the same bytes.
    let mut reports = Vec::new();
    for date in DATES {
        let command = room.ours(&["--pdf", "report.pdf", "--force", when[0], when[1]]);
        wrapped(&at(date), &command).expect(0);
        reports.push(std::fs::read(room.path("report.pdf")).unwrap());
    }
    assert!(reports[0].starts_with(b"%PDF-"));
    assert_eq!(reports[0], reports[1]);
}
