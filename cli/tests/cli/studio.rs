//! A studio: drafts kept while a design comes about, and what becomes of them at the deposit.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fake::{Ran, Served, touchstone};

/// A studio's folder in a node's folder, with a first file.
fn studio(node: &Served) -> PathBuf {
    let folder = node.path("chair");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("front.png"), "a first sketch").unwrap();
    folder
}

fn log(folder: &Path) -> PathBuf {
    folder.join(".touchstone/drafts.jsonl")
}

fn lines(folder: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(log(folder)).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn rewrite(folder: &Path, lines: &[String]) {
    std::fs::write(
        log(folder),
        lines.iter().map(|l| format!("{l}\n")).collect::<String>(),
    )
    .unwrap();
}

/// One look: what changed becomes a draft. Depositing looks too, so this deposits.
async fn deposit(node: &Served, folder: &Path) -> Value {
    let folder = folder.display().to_string();
    let receipts = node.folder.path().display().to_string();
    let arguments = [
        "studio",
        "deposit",
        &folder,
        "--title",
        "Chair 7",
        "--class",
        "06-01",
        "--who",
        "Lin Yue",
        "--device",
        "bench",
        "--receipts",
        &receipts,
        "--json",
    ];
    let ran = node.run_as("carol", &arguments).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json().pop().unwrap()
}

async fn verified(folder: &Path) -> Ran {
    touchstone(&["studio", "verify", &folder.display().to_string(), "--json"]).await
}

async fn status(folder: &Path) -> Value {
    let ran = touchstone(&["studio", "status", &folder.display().to_string(), "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.json()[0].clone()
}

#[tokio::test]
async fn what_was_before_the_deposit_is_shown_to_a_court() {
    let node = Served::start().await;
    let folder = studio(&node);
    assert_eq!(status(&folder).await["drafts"], 0);
    deposit(&node, &folder).await;
    std::fs::write(folder.join("front.png"), "a second sketch").unwrap();
    std::fs::write(folder.join("secret name.txt"), "notes").unwrap();
    let deposited = deposit(&node, &folder).await;
    let told = status(&folder).await;
    assert_eq!((&told["drafts"], &told["files"]), (&2.into(), &2.into()));
    assert_eq!(verified(&folder).await.code, 0);
    // The studio goes on; the deposit's evidence has the drafts up to it.
    std::fs::remove_file(folder.join("secret name.txt")).unwrap();
    deposit(&node, &folder).await;
    let (id, receipt) = (&deposited["design_id"], &deposited["receipt"]);
    let (id, receipt) = (id.as_str().unwrap(), receipt.as_str().unwrap());
    let file = node.path("chair.evidence").display().to_string();
    let ran = write_evidence(&node, id, receipt, &folder, &file).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let genesis = node.path("genesis.json").display().to_string();
    let ran = touchstone(&["verify", &file, "--genesis", &genesis, "--json"]).await;
    let found = &ran.json()[0];
    let drafts = found["facts"]["deposit"]["drafts"].as_array().unwrap();
    assert_eq!(drafts.len(), 2, "{found}");
    assert_eq!(drafts[1]["who"], "Lin Yue");
    assert_eq!(drafts[1]["device"], "bench");
    assert_eq!(drafts[1]["files"].as_array().unwrap().len(), 2);
    // The drafts hold no file's name.
    let told = Value::from(drafts.clone()).to_string();
    assert!(
        !told.contains("secret name") && !told.contains("front.png"),
        "{told}"
    );
    let text = touchstone(&["verify", &file, "--genesis", &genesis]).await;
    for part in [
        "2 drafts, none missing",
        "that are in a draft: 2 of 2",
        "Lin Yue, bench",
    ] {
        assert!(text.out.contains(part), "{part:?} is not in\n{}", text.out);
    }
    // A certificate shows the title, and the drafts' head only where it is asked to.
    let certificate = node
        .run(&["certificate", id, "--receipt", receipt, "--json"])
        .await;
    assert!(!certificate.out.contains("drafts"), "{certificate:?}");
}

/// Files that lie too deep to be looked at aren't told as unchanged.
#[tokio::test]
async fn folders_that_are_too_deep_are_refused() {
    let node = Served::start().await;
    let folder = studio(&node);
    let mut deep = folder.clone();
    for depth in 1..=33 {
        deep.push("in");
        std::fs::create_dir(&deep).unwrap();
        std::fs::write(deep.join("notes.txt"), "a note").unwrap();
        let ran = touchstone(&["studio", "status", &folder.display().to_string()]).await;
        match depth {
            33 => assert!(ran.err.contains("more than 32 folders"), "{ran:?}"),
            _ => assert_eq!(ran.code, 0, "{depth}: {ran:?}"),
        }
    }
}

#[tokio::test]
async fn a_gap_another_order_and_altered_lines_are_named() {
    let node = Served::start().await;
    let folder = studio(&node);
    for content in ["first", "second", "third"] {
        std::fs::write(folder.join("front.png"), content).unwrap();
        deposit(&node, &folder).await;
    }
    let genuine = lines(&folder);
    assert_eq!(genuine.len(), 3);
    let altered = |at: usize, field: &str, value: Value| {
        let mut line: Value = serde_json::from_str(&genuine[at]).unwrap();
        line[field] = value;
        let mut lines = genuine.clone();
        lines[at] = line.to_string();
        lines
    };
    let mut line: Value = serde_json::from_str(&genuine[1]).unwrap();
    line["names"][0]["name"] = "back.png".into();
    let mut renamed = genuine.clone();
    renamed[1] = line.to_string();
    let zeros = "0".repeat(64);
    for (lines, why) in [
        (
            vec![genuine[0].clone(), genuine[2].clone()],
            "draft 3 stands where draft 2 should",
        ),
        (
            vec![genuine[1].clone(), genuine[0].clone()],
            "draft 2 stands where draft 1 should",
        ),
        (altered(1, "head", zeros.into()), "draft 2 was altered"),
        (altered(1, "number", 7.into()), "draft 2 was altered"),
        (altered(1, "draft", "00".into()), "draft 2"),
        (altered(1, "note", "x".into()), "draft 2: not a line"),
        (renamed, "draft 2: the names"),
    ] {
        rewrite(&folder, &lines);
        let ran = verified(&folder).await;
        assert_eq!(ran.code, 3, "{why}: {ran:?}");
        assert!(
            ran.err.contains(why) || ran.out.contains(why),
            "{why}: {ran:?}"
        );
    }
    // Fewer than the deposit covers.
    rewrite(&folder, &genuine[..2]);
    assert_eq!(
        verified(&folder).await.code,
        7,
        "the file isn't that of the last draft"
    );
    rewrite(&folder, &genuine);
    assert_eq!(verified(&folder).await.code, 0);
}

/// A line that a power cut broke off is dropped and said; nothing whole is lost.
#[tokio::test]
async fn a_broken_last_line_is_dropped() {
    let node = Served::start().await;
    let folder = studio(&node);
    deposit(&node, &folder).await;
    std::fs::write(folder.join("front.png"), "another sketch").unwrap();
    deposit(&node, &folder).await;
    let whole = std::fs::read(log(&folder)).unwrap();
    let first = whole.iter().position(|b| *b == b'\n').unwrap() + 1;
    for cut in [first + 1, first + 40, whole.len() - 1] {
        std::fs::write(log(&folder), &whole[..cut]).unwrap();
        let told = status(&folder).await;
        assert_eq!(told["drafts"], 1, "{told}");
        assert_eq!(told["torn_bytes"], (cut - first) as u64);
    }
    deposit(&node, &folder).await;
    assert_eq!(lines(&folder).len(), 2);
    assert_eq!(verified(&folder).await.code, 0);
}

#[tokio::test]
async fn what_a_studio_leaves_out_and_refuses() {
    let node = Served::start().await;
    let folder = studio(&node);
    for name in [".hidden", "sketch.png~", "~$sketch.docx"] {
        std::fs::write(folder.join(name), "x").unwrap();
    }
    std::os::unix::fs::symlink("/etc/hostname", folder.join("link")).unwrap();
    std::fs::create_dir(folder.join("parts")).unwrap();
    std::fs::write(folder.join("parts/leg.step"), "a leg").unwrap();
    let told = status(&folder).await;
    assert_eq!(
        told["changed"],
        serde_json::json!(["front.png", "parts/leg.step"])
    );
    let none = touchstone(&[
        "studio",
        "watch",
        &node.path("nowhere").display().to_string(),
    ])
    .await;
    assert_eq!(none.code, 1, "{none:?}");
    // A deposit that covers no drafts has none to show.
    let file = node.write("lamp.png", "a lamp");
    let receipts = node.folder.path().display().to_string();
    let plain = [
        "deposit",
        &file,
        "--title",
        "Lamp",
        "--receipts",
        &receipts,
        "--json",
    ];
    let ran = node.run_as("carol", &plain).await;
    let json = &ran.json()[0];
    let (id, receipt) = (
        json["design_id"].as_str().unwrap(),
        json["receipt"].as_str().unwrap(),
    );
    let out = node.path("lamp.evidence").display().to_string();
    let ran = write_evidence(&node, id, receipt, &folder, &out).await;
    assert_eq!(ran.code, 4, "{ran:?}");
}

/// The deposit's evidence, with the drafts of its studio.
async fn write_evidence(node: &Served, id: &str, receipt: &str, folder: &Path, out: &str) -> Ran {
    let studio = folder.display().to_string();
    let write = [
        "evidence",
        id,
        "--receipt",
        receipt,
        "--studio",
        &studio,
        "-o",
        out,
    ];
    node.run(&write).await
}

/// Waits for a program's doing.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    for _ in 0..1_200 {
        if is_so() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    panic!("{what} didn't come about");
}

fn watching(folder: &Path) -> std::process::Child {
    std::process::Command::new(env!("CARGO_BIN_EXE_touchstone"))
        .args(["studio", "watch", "--every", "1", "--who", "Lin Yue"])
        .arg(folder)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap()
}

/// Killed in the middle of a line, it goes on where it was; at Ctrl-C it ends cleanly; a second one is refused.
#[test]
fn a_watch_survives_a_kill_and_stops_at_ctrl_c() {
    let node = tempfile::tempdir().unwrap();
    let folder = node.path().join("chair");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("front.png"), "a first sketch").unwrap();
    // A line is there with its end.
    let count = |n: usize| {
        let text = std::fs::read_to_string(log(&folder)).unwrap_or_default();
        text.matches('\n').count() == n
    };
    let mut killed = watching(&folder);
    wait_until("the first draft", || count(1));
    killed.kill().unwrap();
    killed.wait().unwrap();
    // As if it had been killed while it wrote the next line.
    let mut torn = std::fs::read(log(&folder)).unwrap();
    torn.extend(br#"{"number":2,"head":"#);
    std::fs::write(log(&folder), torn).unwrap();
    std::fs::write(folder.join("front.png"), "a second sketch").unwrap();
    let again = watching(&folder);
    let is_second = || count(2) && lines(&folder)[1].contains("\"number\":2");
    wait_until("the second draft", is_second);
    let second = watching(&folder).wait_with_output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(said.contains("another touchstone studio"), "{said}");
    let pid = again.id().to_string();
    let sent = std::process::Command::new("kill")
        .args(["-INT", &pid])
        .status();
    assert!(sent.unwrap().success());
    let ended = again.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(
        said.contains("broken off") && said.contains("stopped"),
        "{said}"
    );
    let told = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert!(
        told.contains("draft 2") && told.contains("front.png"),
        "{told}"
    );
    let whole = touchstone_cli::studio::StudioLog::read(&folder).unwrap();
    assert_eq!(whole.head().unwrap().0, 2);
}
