//! Documents are true: a page's commands are run as they stand.

mod commands;

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;
use touchstone_tests::cluster::binary;

/// The shell blocks of a page, in order, as one script.
fn script(page: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let text = fs::read_to_string(root.join(page)).expect("the page is there");
    let mut script = String::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(language) = line.strip_prefix("```") {
            inside = !inside && language == "sh";
        } else if inside {
            script.push_str(line);
            script.push('\n');
        }
    }
    assert!(!script.is_empty(), "{page} has commands");
    script
}

/// Runs the commands of pages that follow each other, and what comes `after` them, in an empty folder; what they
/// started ends with them. Gives the output.
fn run(pages: &[&str], after: &str, adapt: impl Fn(String) -> String) -> String {
    let folder = TempDir::new().expect("a temporary folder can be made");
    let programs = binary("touchstone");
    let programs = programs.parent().expect("a program lies in a folder");
    let path = std::env::var("PATH").expect("there is a PATH");
    let script = format!(
        "set -euo pipefail\ntrap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n{}",
        adapt(pages.iter().map(|page| script(page)).collect::<String>() + after)
    );
    // A chain that never starts must end the test, not hang it.
    let output = Command::new("timeout")
        .args(["300", "bash", "-c", &script])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("XDG_CACHE_HOME", folder.path())
        .stdin(Stdio::null())
        .output()
        .expect("bash is there");
    let told =
        String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned();
    assert!(
        output.status.success(),
        "{pages:?}: {}\n{told}",
        output.status
    );
    told
}

/// Other programs may hold the ports that a page names, 26661 to 26666 say: others of the same last digit
/// stand for them.
fn with_free_ports(script: String) -> String {
    let free = |prefix: &u16| {
        let ports = (1..=6).map(|digit| TcpListener::bind(("127.0.0.1", prefix * 10 + digit)));
        ports.collect::<Result<Vec<_>, _>>().is_ok()
    };
    // Below the ports that the system gives to outgoing connections; each script of a process begins elsewhere.
    static SCRIPTS: AtomicU32 = AtomicU32::new(0);
    let begun = SCRIPTS.fetch_add(1, Ordering::Relaxed);
    let start = 1500 + (std::process::id().wrapping_mul(7).wrapping_add(begun * 50) % 1500) as u16;
    let mut prefixes = (start..3200).filter(free);
    let mut script = script;
    for named in ["2666", "2665"] {
        let prefix = prefixes.next().expect("loopback has free ports");
        script = script.replace(named, &prefix.to_string());
    }
    script
}

#[test]
fn the_ceremony_runs_as_written() {
    let told = run(&["genesis/README.md"], "", with_free_ports);
    let ids: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("Chain id    "))
        .collect();
    assert_eq!(ids.len(), 4, "{told}");
    assert!(ids.iter().all(|id| *id == ids[0]), "{told}");
}

#[test]
fn the_walks_of_the_users_and_all_other_commands_run_as_written() {
    let (others, count) = commands::script();
    let after = format!("{others}echo 'all {count} commands ran'\n");
    let told = run(
        &["genesis/README.md", "docs/walks.md"],
        &after,
        with_free_ports,
    );
    assert!(
        told.contains(&format!("all {count} commands ran")),
        "{told}"
    );
    for said in [
        "Offered",
        "Certificate of deposit: VERIFIED",
        "Verdict   VERIFIED complete",
        "VERIFIED, WITH RESERVATIONS",
        "NOT VERIFIED",
        "Next      Newcomer echo signs with --organisation echo",
        "Next      on its node, name the key's file as validator_key",
        "Next      stop the validator's node, name the new key's file",
    ] {
        assert!(told.contains(said), "{said} isn't said:\n{told}");
    }
}
