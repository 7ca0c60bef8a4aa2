//! What an operator gets wrong, and what the node says to it: it refuses to start, with a code and the way out.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Output, Stdio};

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use touchstone_tests::cluster::{Cluster, Plan, binary};

fn node(cluster: &Cluster, verb: &str, more: &[&str]) -> Output {
    Command::new(binary("touchstone-node"))
        .args([verb, "--config"])
        .arg(cluster.node_folder(0).join("node.toml"))
        .args(more)
        .output()
        .expect("touchstone-node is built")
}

/// The exit code and what is said.
fn told(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_can_not_do_its_part_says_so_and_does_not_start() {
    let mut cluster = Cluster::start(&Plan {
        validators: 1,
        ..Plan::default()
    });
    cluster.wait_for_height(0, 1).await;
    assert!(cluster.stop(0), "{}", cluster.log(0));
    assert!(!cluster.log(0).contains('\u{1b}'), "colours are for people");

    // Nobody reads the answer to its end (`| head`), or the disk is full.
    let (reader, unread) = std::io::pipe().expect("the system has pipes");
    drop(reader);
    let full = fs::File::create("/dev/full").expect("this system has it");
    for (to, expected) in [(Stdio::from(unread), 0), (Stdio::from(full), 1)] {
        let ran = Command::new(binary("touchstone-node"))
            .args(["fsck", "--config"])
            .arg(cluster.node_folder(0).join("node.toml"))
            .stdout(to)
            .output()
            .expect("touchstone-node is built");
        let (code, text) = told(&ran);
        assert_eq!(code, Some(expected), "{text}");
    }

    // A guard below what is decided.
    let (code, text) = told(&node(&cluster, "reset-guard", &["--height", "0"]));
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("the chain stands at height"), "{text}");

    // No guard at all.
    let guard = cluster.node_folder(0).join("data/guard");
    let kept = guard.with_extension("kept");
    fs::rename(&guard, &kept).expect("the guard is there");
    let (code, text) = told(&node(&cluster, "run", &[]));
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("reset-guard --height"), "{text}");

    // A copy of it, as a backup has one.
    fs::copy(&kept, &guard).expect("the folder is the test's own");
    let (code, text) = told(&node(&cluster, "run", &[]));
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("the double-sign guard is a copy"), "{text}");
    fs::rename(&kept, &guard).expect("the folder is the test's own");

    // Too few descriptors.
    let config = cluster.node_folder(0).join("node.toml");
    let limited = Command::new("sh")
        .arg("-c")
        .arg("ulimit -n 500; exec \"$0\" run --config \"$1\"")
        .arg(binary("touchstone-node"))
        .arg(&config)
        .output()
        .expect("there is a shell");
    let (code, text) = told(&limited);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("LimitNOFILE"), "{text}");

    // Another key than the one that the consortium knows.
    let validator = cluster.node_folder(0).join("validator.pem");
    let other = SigningKey::from_bytes(&[99; 32]);
    let pem = other.to_pkcs8_pem(LineEnding::LF).expect("a key encodes");
    fs::write(&validator, pem.as_bytes()).expect("the folder is the test's own");
    let (code, text) = told(&node(&cluster, "run", &[]));
    assert_eq!(code, Some(3), "{text}");
    let public = hex::encode(other.verifying_key().to_bytes());
    assert!(text.contains(&public), "{text}");

    // A key that others may read.
    let everybody = fs::Permissions::from_mode(0o644);
    fs::set_permissions(&validator, everybody).expect("the file is the test's own");
    let (code, text) = told(&node(&cluster, "run", &[]));
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("chmod 600"), "{text}");

    // An encrypted key: the ways to give its passphrase are told, and systemd's credential opens it.
    let credentials = cluster.node_folder(0).join("credentials");
    fs::create_dir(&credentials).expect("the folder is the test's own");
    let credential = credentials.join("touchstone-validator-passphrase");
    fs::write(&credential, "open sesame\n").expect("the folder is the test's own");
    fs::set_permissions(&credential, fs::Permissions::from_mode(0o600))
        .expect("it is the test's own");
    let made = Command::new(binary("touchstone"))
        .args(["key", "new", "--force", "--json", "--out"])
        .arg(&validator)
        .arg("--passphrase-file")
        .arg(&credential)
        .output()
        .expect("touchstone is built");
    assert!(made.status.success(), "{made:?}");
    let made: serde_json::Value = serde_json::from_slice(&made.stdout).expect("one JSON value");
    let public = made["public_key"].as_str().expect("a key").to_owned();
    let (code, text) = told(&node(&cluster, "run", &[]));
    assert_eq!(code, Some(3), "{text}");
    for way in [
        "is encrypted: give its passphrase in",
        "validator.pem.passphrase",
        "systemd's credential `touchstone-validator-passphrase`",
        "TOUCHSTONE_PASSPHRASE",
    ] {
        assert!(text.contains(way), "{way}: {text}");
    }
    let opened = Command::new(binary("touchstone-node"))
        .args(["run", "--config"])
        .arg(&config)
        .env("CREDENTIALS_DIRECTORY", &credentials)
        .output()
        .expect("touchstone-node is built");
    let (code, text) = told(&opened);
    assert_eq!(code, Some(3), "{text}");
    assert!(
        text.contains(&public),
        "it opened, and is no validator's: {text}"
    );
}

/// A node is administrated while it runs, by nobody but its user; and a backup makes a node anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_node_is_administrated_and_backed_up() {
    let mut cluster = Cluster::start(&Plan {
        validators: 1,
        ..Plan::default()
    });
    cluster.wait_for_height(0, 1).await;
    let admin = |cluster: &Cluster, words: &[&str]| {
        let config = cluster.node_folder(0).join("node.toml");
        Command::new(binary("touchstone-node"))
            .arg("admin")
            .args(words)
            .arg("--config")
            .arg(config)
            .output()
            .expect("touchstone-node is built")
    };
    let socket = cluster.node_folder(0).join("data/admin/socket");
    let mode = |path: &std::path::Path| {
        let metadata = fs::metadata(path).expect("it is there");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(socket.parent().expect("it has one")), 0o700);

    let status = admin(&cluster, &["status"]);
    let status: serde_json::Value =
        serde_json::from_slice(&status.stdout).expect("the status is JSON");
    assert!(status["height"].as_u64() >= Some(1), "{status}");
    assert_eq!(status["peers"][0]["organisation"], "organisation-0");

    // A crash leaves no image of its keys.
    let process = cluster.process_id(0).expect("it runs");
    let limits = fs::read_to_string(format!("/proc/{process}/limits")).expect("it runs");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let words: Vec<&str> = core.unwrap_or_default().split_whitespace().collect();
    assert_eq!(words.get(4..6), Some(&["1", "1"][..]), "{limits}");

    // Nor does the system clear 2 MiB for a byte (proc_pid_status(5)).
    let memory = fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let huge = memory.lines().find(|line| line.starts_with("THP_enabled:"));
    assert_eq!(huge, Some("THP_enabled:\t0"), "{memory}");

    // What is logged changes, and a filter that isn't one changes nothing.
    let (code, text) = told(&admin(&cluster, &["log", "touchstone_node=loud"]));
    assert_eq!(code, Some(1), "{text}");
    let (code, text) = told(&admin(&cluster, &["log", "trace"]));
    assert_eq!(code, Some(0), "{text}");
    cluster
        .wait(0, "more in the log", async || {
            cluster.log(0).contains("TRACE")
        })
        .await;

    let copy = cluster.folder().join("backup");
    let to = copy.display().to_string();
    let (code, text) = told(&admin(&cluster, &["backup", &to]));
    assert_eq!(code, Some(0), "{text}");
    let (code, text) = told(&admin(&cluster, &["stop"]));
    assert_eq!(code, Some(0), "{text}");
    assert!(cluster.has_stopped(0), "{}", cluster.log(0));
    let (code, text) = told(&admin(&cluster, &["status"]));
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("no node runs"), "{text}");

    // The disk is lost; the backup has the chain, and the operator's word makes the guard.
    let data = cluster.node_folder(0).join("data");
    fs::remove_dir_all(&data).expect("the folder is the test's own");
    fs::create_dir(&data).expect("the folder is the test's own");
    fs::rename(&copy, data.join("chain")).expect("the folder is the test's own");
    let height = status["height"].as_u64().unwrap_or_default() + 1000;
    let output = node(&cluster, "reset-guard", &["--height", &height.to_string()]);
    assert!(output.status.success(), "{output:?}");
    cluster.launch(0);
    cluster.wait_for_height(0, 1).await;
}
