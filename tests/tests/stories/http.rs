//! EPCIS over HTTP between real processes: an ERP's document through a gateway to a node, and the
//! node's description held against what it does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use touchstone_tests::cluster::{Cluster, PATIENCE, Plan, binary, free_ports, organisation_id};

/// A running gateway; dropping it ends it.
pub struct Gateway {
    process: Child,
    pub address: SocketAddr,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Gateway {
    fn start(cluster: &Cluster) -> Gateway {
        Gateway::start_of(cluster, 0, &[])
    }

    /// Of an organisation, with more words on its command line.
    pub fn start_of(cluster: &Cluster, index: usize, words: &[&str]) -> Gateway {
        let address = SocketAddr::from(([127, 0, 0, 1], free_ports(1)[0]));
        let folder = cluster.folder();
        let key = folder.join(format!("key-{index}.pem"));
        let pem = {
            use ed25519_dalek::pkcs8::EncodePrivateKey;
            use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
            cluster.keys[index]
                .to_pkcs8_pem(LineEnding::LF)
                .expect("a key encodes")
        };
        std::fs::write(&key, pem.as_bytes()).expect("the folder is writable");
        let owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&key, owner).expect("the file is the test's own");
        let process = Command::new(binary("touchstone"))
            .args(["gateway", "--listen", &address.to_string()])
            .args([
                "--node",
                &cluster.url(index),
                "--organisation",
                &organisation_id(index),
            ])
            .args(words)
            .arg("--key")
            .arg(key)
            .arg("--genesis")
            .arg(folder.join("genesis.json"))
            .arg("--cache")
            .arg(folder.join(format!("cache-{index}")))
            .arg("--jobs")
            .arg(folder.join(format!("jobs-{index}")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("touchstone is built (scripts/test builds it first)");
        Gateway { process, address }
    }
}

/// One request; none where nobody listens.
pub fn ask(address: SocketAddr, head: &str, body: &[u8]) -> Option<(u16, String, Value)> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    let length = body.len();
    let request = format!(
        "{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).ok()?;
    stream.write_all(body).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((
        status,
        head.to_owned(),
        serde_json::from_str(body).unwrap_or(Value::Null),
    ))
}

fn get(address: SocketAddr, path: &str) -> Option<(u16, Value)> {
    let (status, _, body) = ask(address, &format!("GET {path} HTTP/1.1"), b"")?;
    Some((status, body))
}

/// Asks until an answer is as it must become.
pub fn wait_for<T>(what: &str, mut answer: impl FnMut() -> Option<T>) -> T {
    for _ in 0..PATIENCE.as_millis() / 50 {
        if let Some(found) = answer() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("waited in vain for {what}");
}

fn documents() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/import-story");
    let files = std::fs::read_dir(folder).expect("the story's documents are there");
    let mut files: Vec<PathBuf> = files
        .map(|file| file.expect("is readable").path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    files
}

/// Captures the story's documents through a gateway; gives the jobs.
fn tell_the_story(cluster: &Cluster) -> Vec<Value> {
    // The node must have a block before a gateway can trust it with anything.
    let gateway = Gateway::start(cluster);
    documents()
        .iter()
        .map(|file| {
            let document = std::fs::read(file).expect("is readable");
            let head = "POST /capture HTTP/1.1\r\nContent-Type: application/ld+json\r\n\
                        GS1-Capture-Error-Behaviour: proceed";
            let (status, head, body) =
                wait_for("the gateway", || ask(gateway.address, head, &document));
            assert_eq!(status, 202, "{body}");
            let mut lines = head.lines();
            let location = lines
                .find_map(|l| l.strip_prefix("location: "))
                .expect("a job");
            wait_for("the job's end", || {
                let (_, job) = get(gateway.address, location)?;
                (job["running"] == false).then_some(job)
            })
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erps_documents_are_captured_queried_and_resolved() {
    let cluster = Cluster::start(&Plan::default());
    cluster.wait_for_height(0, 1).await;
    let jobs = tell_the_story(&cluster);
    let outcomes = |job: &Value| -> Vec<Value> {
        let events = job["touchstone:events"].as_array().expect("outcomes");
        events.iter().map(|e| e["outcome"].clone()).collect()
    };
    let outcomes: Vec<Value> = jobs.iter().flat_map(outcomes).collect();
    let recorded = outcomes.iter().filter(|o| **o == "recorded").count();
    assert!(recorded > 10, "{jobs:?}");
    let node = cluster.http(0);
    let (status, found) = get(node, "/events?perPage=1000").expect("the node answers");
    let events = &found["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    let events = events.as_array().expect("events").clone();
    assert_eq!((status, events.len()), (200, recorded));
    // Each is there by its own id, at another node as well.
    let other = cluster.http(3);
    for event in &events {
        let id = event["touchstone:record"]["touchstone:id"]
            .as_str()
            .expect("an id");
        wait_for("the other node", || {
            let (status, found) = get(
                other,
                &format!("/events/{}", id.replace('/', "%2F").replace('?', "%3F")),
            )?;
            let list = &found["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
            (status == 200).then(|| assert_eq!(list, &json!([event])))
        });
    }
    let (status, absent) = get(node, "/01/09521234500018/21/nobody").expect("the node answers");
    assert_eq!(
        (status, &absent["type"]),
        (404, &json!("epcisException:NoSuchResourceException"))
    );
    assert!(absent["proof"]["base64"].is_string());
}

/// What is asked of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,\
                      negative_data_rejection,unsupported_method";

/// Schemathesis makes requests of all kinds from the description. scripts/lib/schemathesis.sh installs
/// it; where it can't (no network), the test says so, and fails where CI runs it.
#[allow(clippy::print_stderr, reason = "a test that can't run says so")]
#[tokio::test(flavor = "multi_thread")]
async fn the_description_holds_for_requests_of_all_kinds() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let installed = Command::new("bash")
        .arg(root.join("scripts/lib/schemathesis.sh"))
        .output()
        .expect("bash runs");
    if !installed.status.success() {
        let why = String::from_utf8_lossy(&installed.stderr).into_owned();
        assert!(
            std::env::var_os("CI").is_none(),
            "schemathesis is not installed: {why}"
        );
        eprintln!("NOT TESTED: schemathesis is not installed: {why}");
        return;
    }
    let program = String::from_utf8_lossy(&installed.stdout).trim().to_owned();
    let mut cluster = Cluster::start(&Plan::default());
    cluster.wait_for_height(0, 1).await;
    tell_the_story(&cluster);
    let address = cluster.http(0);
    let settings = root.join("tests/data/schemathesis.toml");
    let ran = Command::new(program)
        .current_dir(cluster.folder())
        .arg("--config-file")
        .arg(settings)
        .arg("run")
        .arg(format!("http://{address}/openapi.json"))
        .args(["--checks", CHECKS, "--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "25", "--generation-deterministic"])
        .arg("--no-color")
        .args(["--exclude-path", "/openapi.json"])
        .output()
        .expect("it was installed");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    assert!(cluster.is_running(0), "{}", cluster.log(0));
}
