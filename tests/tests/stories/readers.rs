//! What a reader with a telephone does, over live nodes: the page as a node serves it, in a real browser; scans that
//! show copies, a label that is opened, and a page that is looked up on the chain.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use touchstone_tests::cli_user::{CliUser, Ran, judge};
use touchstone_tests::cluster::{Cluster, Plan, free_ports};

use super::http::Gateway;

const LAMP: &str = "https://id.gs1.org/01/09521321000018/21/1";
const LAMP_PATH: &str = "/01/09521321000018/21/1";
const CHAIR: &str = "https://id.gs1.org/01/09521321000018/21/2";
/// Cells of half a degree.
const SHANGHAI: (i64, i64) = (62, 242);
const ROTTERDAM: (i64, i64) = (103, 8);

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A request from one of this machine's addresses, as a reader's browser makes it.
async fn ask(
    from: u8,
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[&str],
    body: &str,
) -> (u16, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, from], 0).into()).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    let mut request = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for header in headers {
        request.push_str(&format!("{header}\r\n"));
    }
    request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    // Evidence is no text.
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// A reader opens a thing's link, has its evidence, and tells where; the codes that it learns.
async fn scan(from: u8, node: SocketAddr, item: &str, (row, column): (i64, i64)) -> Vec<String> {
    let path = item.strip_prefix("https://id.gs1.org").unwrap();
    let (status, page) = ask(from, node, "GET", path, &["Accept: text/html"], "").await;
    assert_eq!(status, 200);
    assert!(page.starts_with("<!doctype html>"), "{page:.100}");
    let evidence = format!(
        "/evidence?item={}",
        item.replace(':', "%3A").replace('/', "%2F")
    );
    let (status, _) = ask(from, node, "GET", &evidence, &[], "").await;
    assert_eq!(status, 200);
    let told = json!({ "item": item, "row": row, "column": column }).to_string();
    let json = ["Content-Type: application/json"];
    let (status, answer) = ask(from, node, "POST", "/app/scans.json", &json, &told).await;
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(answer["counted"], true);
    let codes = answer["codes"].as_array().unwrap();
    codes
        .iter()
        .map(|code| code.as_str().unwrap().to_owned())
        .collect()
}

/// What a reader sees in a browser: the lines that the script says.
fn browse(arguments: &[&str]) -> Vec<Value> {
    let mut command = Command::new("node");
    command
        .arg(repository("verifiers/js/app/test/live.js"))
        .args(arguments);
    let told = Ran::of(&mut command).expect(0).out;
    let lines: Vec<Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let faults = &lines.last().unwrap()["faults"];
    assert_eq!(faults, &json!([]), "{told}");
    lines
}

fn codes(outcome: &Value) -> Vec<&str> {
    let codes = outcome["codes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap()).collect()
}

/// The things are made, the first with a code under its cover where one is given.
fn make(maker: &CliUser, recorded: Option<&str>) {
    for item in [LAMP, CHAIR] {
        let mut event = json!({
            "@context": [
                "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
                { "touchstone": "urn:touchstone:epcis:" },
            ],
            "type": "ObjectEvent",
            "action": "ADD",
            "bizStep": "commissioning",
            "eventTime": "2026-03-02T09:15:00.000+08:00",
            "eventTimeZoneOffset": "+08:00",
            "epcList": [item],
        });
        if let Some(recorded) = recorded.filter(|_| item == LAMP) {
            event["ilmd"] = json!({ "touchstone:activation": recorded });
        }
        maker.capture(event.to_string().as_bytes()).expect(0);
    }
}

/// Waits until a node gives the evidence of a thing.
async fn wait_for_item(cluster: &Cluster, index: usize, item: &str) {
    let id = item.replace(':', "%3A").replace('/', "%2F");
    let address = format!("/epcs/{id}/events");
    cluster
        .wait(index, "the item", async || {
            let (status, body) = ask(1, cluster.http(index), "GET", &address, &[], "").await;
            status == 200 && body.contains("commissioning")
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cloned_label_becomes_suspect_and_a_days_scans_are_anchored() {
    let mut cluster = Cluster::prepare(&Plan {
        observers: 1,
        ..Plan::default()
    });
    // A court's node counts. Its clock is a day behind at first, so that its day is over soon.
    let counting = 4;
    cluster.set(counting, "scans = true");
    for index in 0..4 {
        cluster.launch(index);
    }
    let preload = Command::new("faketime")
        .args(["-f", "+0s", "printenv", "LD_PRELOAD"])
        .output()
        .expect("faketime is installed (scripts/test installs it)");
    let preload = String::from_utf8(preload.stdout).unwrap();
    let preload = format!("LD_PRELOAD={}", preload.trim());
    // Pauses are measured by the clock that only counts, and it goes right.
    let right = ["FAKETIME_DONT_FAKE_MONOTONIC=1", "NO_FAKE_STAT=1"];
    let yesterday = ["env", &preload, "FAKETIME=-1d", right[0], right[1]];
    cluster.launch_under(counting, &yesterday);
    cluster.wait_for_height(0, 1).await;
    cluster.wait_for_height(counting, 1).await;
    let maker = CliUser::of(&cluster, 0);
    make(&maker, None);
    let node = cluster.http(counting);
    wait_for_item(&cluster, counting, CHAIR).await;

    // Two labels of one number, in Shanghai and in Rotterdam: one wrong position would explain the first three.
    for (reader, place) in [(2, SHANGHAI), (3, ROTTERDAM), (4, SHANGHAI)] {
        assert_eq!(scan(reader, node, LAMP, place).await, [""; 0]);
    }
    assert_eq!(
        scan(5, node, LAMP, ROTTERDAM).await,
        ["scan-impossible-travel"]
    );
    // One reader, again and again, is one scan.
    for _ in 0..3 {
        assert_eq!(scan(6, node, CHAIR, SHANGHAI).await, [""; 0]);
    }
    // Many readers far from where it was seen first.
    let mut last = Vec::new();
    for reader in 10..23 {
        last = scan(reader, node, CHAIR, ROTTERDAM).await;
    }
    assert!(last.contains(&"scan-many-visitors".to_owned()), "{last:?}");
    // Another node's readers aren't counted, and it tells so.
    let other = cluster.http(0);
    let told = json!({ "item": LAMP, "row": 0, "column": 0 }).to_string();
    let (status, _) = ask(
        7,
        other,
        "POST",
        "/app/scans.json",
        &["Content-Type: application/json"],
        &told,
    )
    .await;
    assert_eq!(status, 404);

    // The day is over: its file never changes again, and its hash is deposited as any file's.
    assert!(cluster.stop(counting), "{}", cluster.log(counting));
    cluster.launch(counting);
    cluster.wait_for_height(counting, 1).await;
    wait_for_item(&cluster, counting, CHAIR).await;
    let folder = cluster.node_folder(counting).join("data/scans");
    let closed = || -> Vec<PathBuf> {
        let files = std::fs::read_dir(&folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        files
            .filter(|path| path.extension().is_some_and(|e| e == "scans"))
            .collect()
    };
    let files = closed();
    let day = files.first().expect("a day is over");
    let kept = std::fs::read(day).unwrap();
    assert_eq!(kept.len() % 32, 0);
    let anchored = maker.write("anchored.scans", &kept);
    maker
        .run(&[
            "deposit",
            day.to_str().unwrap(),
            "--title",
            "Scans of a day",
        ])
        .expect(0);
    maker.run(&["certificate", "anchored.scans"]).expect(0);
    std::fs::write(&anchored, &kept[32..]).unwrap();
    maker.run(&["certificate", "anchored.scans"]).expect(4);

    // What was scanned yesterday counts today: a reader's browser says what it is.
    let link = format!("http://{node}{LAMP_PATH}");
    let chain = hex::encode(cluster.genesis.chain_id);
    let seen = browse(&[&link, &chain, "scan"]);
    assert!(
        !codes(&seen[0]["looked"]).contains(&"scan-impossible-travel"),
        "{seen:?}"
    );
    assert_eq!(seen[1]["told"]["verdict"], "suspect", "{seen:?}");
    assert!(
        codes(&seen[1]["told"]).contains(&"scan-impossible-travel"),
        "{seen:?}"
    );
    assert_eq!(std::fs::read(day).unwrap(), kept);
    assert_eq!(closed(), files);
}

/// A label is printed by the command line, its code recorded by the maker, and opened by a consumer without any key.
#[tokio::test(flavor = "multi_thread")]
async fn a_label_is_opened_from_the_page_and_the_second_reader_hears_when() {
    let mut cluster = Cluster::prepare(&Plan::default());
    let door = SocketAddr::from(([127, 0, 0, 1], free_ports(1)[0]));
    let url = format!("http://{door}");
    for index in [0, 2] {
        cluster.set(index, &format!("openings = \"{url}\""));
    }
    for index in 0..4 {
        cluster.launch(index);
    }
    cluster.wait_for_height(0, 1).await;
    let maker = CliUser::of(&cluster, 0);
    let base = format!("http://{}", cluster.http(0));
    let label = [
        "label",
        LAMP,
        "--base",
        &base,
        "--activation-codes",
        "codes.csv",
        "-o",
        "label.pdf",
    ];
    maker.run(&label).expect(0);
    let codes_file = std::fs::read_to_string(maker.path("codes.csv")).unwrap();
    let row: Vec<&str> = codes_file.lines().nth(1).unwrap().split(',').collect();
    let [link, code, recorded] = row[..] else {
        panic!("{codes_file}")
    };
    make(&maker, Some(recorded));
    for index in [0, 2] {
        wait_for_item(&cluster, index, LAMP).await;
    }
    // A shop's gateway records openings, for the pages of two nodes and nobody else's.
    let pages = [0, 2].map(|index| format!("http://{}", cluster.http(index)));
    let words = [
        "--openings",
        &door.to_string(),
        "--openings-origin",
        &pages[0],
        "--openings-origin",
        &pages[1],
    ];
    let gateway = Gateway::start_of(&cluster, 1, &words);
    super::http::wait_for("the gateway", || {
        super::http::ask(door, "GET / HTTP/1.1", b"")
    });

    let chain = hex::encode(cluster.genesis.chain_id);
    let seen = browse(&[link, &chain, "open", code, &url]);
    assert!(
        seen[0]["uses"]
            .as_str()
            .unwrap()
            .starts_with("No use of the code"),
        "{seen:?}"
    );
    assert_eq!(seen[1]["isOffered"], true, "{seen:?}");
    assert!(
        seen[1]["state"]
            .as_str()
            .unwrap()
            .ends_with("yours is the first use of this code."),
        "{seen:?}"
    );
    assert!(!codes(&seen[1]["opened"]).contains(&"opened"), "{seen:?}");

    // The next reader, at another member's node.
    let other = format!("{}{LAMP_PATH}", pages[1]);
    let again = browse(&[&other, &chain, "open", code, &url]);
    assert!(codes(&again[0]["looked"]).contains(&"opened"), "{again:?}");
    let first_use = "The code was first used on";
    assert!(
        again[0]["uses"].as_str().unwrap().starts_with(first_use),
        "{again:?}"
    );
    assert_eq!(again[1]["isOffered"], false, "{again:?}");
    // The door says the same to whoever asks it all the same; a foreign page may not ask at all.
    let body = json!({ "item": LAMP, "code": code }).to_string();
    let from = |origin: &str| {
        [
            format!("Origin: {origin}"),
            "Content-Type: application/json".to_owned(),
        ]
    };
    let [mine, foreign] = [from(&pages[0]), from("https://evil.example")];
    let headers = mine.each_ref().map(String::as_str);
    let (status, answer) = ask(9, door, "POST", "/openings", &headers, &body).await;
    assert_eq!(status, 200, "{answer}");
    let answer: Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(
        (&answer["first"], &answer["organisation"]),
        (&json!(false), &json!("organisation-1"))
    );
    let headers = foreign.each_ref().map(String::as_str);
    let (status, _) = ask(9, door, "POST", "/openings", &headers, &body).await;
    assert_eq!(status, 403);
    drop(gateway);

    // It is one signed record, that anyone proves offline.
    let openings = format!("urn:touchstone:activation:{recorded}");
    let file = maker.evidence(&openings, "opening.evidence", &[]);
    let judged = judge(&file, Some(&cluster.genesis_file()), &[]);
    assert_eq!(judged.with_result("reservation"), [""; 0]);
    assert_eq!(judged.result("completeness"), "passed");
    let item = maker.run(&["item", &openings, "--json"]).expect(0).json();
    let steps = item["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 1, "{item}");
    assert_eq!(steps[0]["transaction_id"], answer["transaction"]);
}

/// What "The pages on the chain" of docs/operating.md says, as it says it.
#[tokio::test(flavor = "multi_thread")]
async fn a_page_is_looked_up_on_the_chain_by_whoever_doubts_it() {
    let cluster = Cluster::start(&Plan::default());
    let member = CliUser::of(&cluster, 0);
    cluster.wait_for_height(0, 1).await;
    for page in ["touchstone-app.html", "touchstone-verify.html"] {
        member.write(
            page,
            std::fs::read(repository("verifiers/js").join(page)).unwrap(),
        );
    }
    let files = ["touchstone-app.html", "touchstone-verify.html"];
    let title = ["--title", "Touchstone, pages", "--json"];
    let deposit = [&["deposit"], &files[..], &title].concat();
    let deposited = member.run(&deposit).expect(0).json();
    let receipt = deposited["receipt"].as_str().unwrap().to_owned();
    member.run(&["disclose", &receipt]).expect(0);

    // A reader at another member's node saves the page as it is served.
    let reader = CliUser::of(&cluster, 2);
    cluster.wait_for_height(2, 2).await;
    let node = cluster.http(2);
    let (status, page) = ask(1, node, "GET", "/app/", &[], "").await;
    assert_eq!(status, 200);
    let saved = reader.write("page.html", &page);
    let changed = reader.write("changed.html", page.replace("Touchstone", "Touchst0ne"));
    let chain = hex::encode(cluster.genesis.chain_id);
    let address = format!("http://{}/app/", cluster.http(1));
    cluster
        .wait(2, "the disclosure", async || {
            reader.run(&["certificate", "page.html"]).code == Some(0)
        })
        .await;
    reader.run(&["certificate", "changed.html"]).expect(4);
    for (file, state, found) in [
        (&saved, "known", json!(["disclosed"])),
        (&changed, "unknown", json!([])),
    ] {
        let seen = browse(&[file.to_str().unwrap(), &chain, "look-up", &address]);
        assert_eq!(
            (&seen[0]["file"], &seen[0]["found"]),
            (&json!(state), &found),
            "{seen:?}"
        );
    }
}
