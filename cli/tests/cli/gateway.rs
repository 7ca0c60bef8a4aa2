//! The gateway: documents over HTTP, signed here, recorded with proof.

use std::net::{IpAddr, SocketAddr};

use clap::Parser;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use touchstone_cli::Cli;
use touchstone_cli::output::Output;
use touchstone_cli::settings::Settings;
use touchstone_cli::verbs::{Verb, gateway};

use crate::captures::document;
use crate::fake::{Buffer, Served, now_ms};
use crate::items::{CASE, ITEM, PALLET, aggregation, seen};

/// Between two looks at something that changes soon.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(5);

/// An answer over HTTP.
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<String> {
        let mut lines = self.head.lines();
        lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then(|| value.to_owned())
        })
    }
}

/// A gateway's address, and whence it is asked.
pub struct Gate {
    to: SocketAddr,
    from: IpAddr,
}

impl Gate {
    /// Asked from this machine's first address.
    pub fn at(to: SocketAddr) -> Gate {
        let from = IpAddr::from([127, 0, 0, 1]);
        Gate { to, from }
    }

    /// The same, asked from another of this machine's addresses.
    pub fn asked_from(&self, from: [u8; 4]) -> Gate {
        Gate {
            from: from.into(),
            ..*self
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.to
    }

    pub async fn ask(&self, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
        let mut stream = loop {
            let socket = tokio::net::TcpSocket::new_v4().unwrap();
            socket.bind((self.from, 0).into()).unwrap();
            // It listens in a moment.
            if let Ok(stream) = socket.connect(self.to).await {
                break stream;
            }
            tokio::time::sleep(MOMENT).await;
        };
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|header| header.starts_with("Host:")) {
            request.push_str("Host: localhost\r\n");
        }
        for header in headers {
            request.push_str(&format!("{header}\r\n"));
        }
        request.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], "").await
    }

    pub async fn capture(&self, document: &str, more: &[&str]) -> Answer {
        let headers = [&["Content-Type: application/ld+json"], more].concat();
        self.ask("POST", "/capture", &headers, document).await
    }

    /// Captures, and gives the job once it is done with.
    pub async fn job(&self, document: &str, more: &[&str]) -> Value {
        let accepted = self.capture(document, more).await;
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        let location = accepted.header("location").unwrap();
        self.finished(&location).await
    }

    pub async fn finished(&self, location: &str) -> Value {
        loop {
            let job = self.get(location).await.json();
            if job["running"] == false {
                return job;
            }
            assert_eq!(job["success"], false, "{job}");
            tokio::time::sleep(MOMENT).await;
        }
    }
}

/// What a gateway is told by these words and those about its node.
fn typed(node: &Served, words: &[&str]) -> (Box<gateway::Arguments>, Settings) {
    let options = node.options();
    let options = options.iter().map(String::as_str);
    let cli = Cli::try_parse_from(words.iter().copied().chain(options)).unwrap();
    let settings = Settings::load(&cli.options).unwrap();
    match cli.verb {
        Verb::Gateway(arguments) => (arguments, settings),
        _ => panic!("another verb"),
    }
}

/// Runs a gateway for acme while a story is told.
pub async fn with_gateway<T>(node: &Served, story: impl AsyncFnOnce(&Gate) -> T) -> T {
    with_gateway_of("acme", node, &[], story).await
}

/// Runs a gateway for an organisation, with more words on its command line.
pub async fn with_gateway_of<T>(
    organisation: &str,
    node: &Served,
    more: &[&str],
    story: impl AsyncFnOnce(&Gate) -> T,
) -> T {
    let key = node.path(&format!("{organisation}.pem"));
    let jobs = node.path(&match organisation {
        "acme" => "jobs".to_owned(),
        other => format!("jobs-{other}"),
    });
    let mut words = vec!["touchstone", "gateway", "--listen", "127.0.0.1:0"];
    words.extend(["--organisation", organisation]);
    words.extend([
        "--key",
        key.to_str().unwrap(),
        "--jobs",
        jobs.to_str().unwrap(),
    ]);
    words.extend(more);
    let (arguments, settings) = typed(node, &words);
    let out = Buffer::default();
    let mut output = Output::to(false, Box::new(out.clone()), Box::new(out.clone()), now_ms);
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = gateway::run_until(&arguments, &settings, &mut output, async {
        let _ = stopped.await;
    });
    let telling = async {
        let address = loop {
            let text = out.text();
            let said = text.split_once("listening on http://");
            if let Some((address, _)) = said.and_then(|(_, rest)| rest.split_once(' ')) {
                break address.parse().unwrap();
            }
            tokio::time::sleep(MOMENT).await;
        };
        let told = story(&Gate::at(address)).await;
        let _ = stop.send(());
        told
    };
    let (served, told) = tokio::join!(serving, telling);
    served.unwrap_or_else(|failure| panic!("{failure}: {}", out.text()));
    told
}

/// What isn't ready doesn't say that it listens.
#[tokio::test]
async fn a_gateway_that_can_not_serve_says_so_alone() {
    let node = Served::start().await;
    let file = node.write("file", "no folder");
    let key = node.path("acme.pem").display().to_string();
    for wrong in [["--mapping", "nothing"], ["--jobs", &file]] {
        let signing = ["--organisation", "acme", "--key", &key];
        let mut words = vec!["touchstone", "gateway", "--listen", "127.0.0.1:0"];
        words.extend(signing);
        words.extend(wrong);
        let (arguments, settings) = typed(&node, &words);
        let out = Buffer::default();
        let mut output = Output::to(false, Box::new(out.clone()), Box::new(out.clone()), now_ms);
        let never = std::future::pending();
        let served = gateway::run_until(&arguments, &settings, &mut output, never).await;
        assert!(served.is_err());
        assert_eq!(out.text(), "");
    }
}

pub fn outcomes(job: &Value) -> Vec<&str> {
    let events = job["touchstone:events"].as_array().unwrap();
    events
        .iter()
        .map(|e| e["outcome"].as_str().unwrap())
        .collect()
}

/// How many events are recorded for an item.
async fn recorded(node: &Served, item: &str) -> usize {
    let ran = node.run(&["item", item, "--json"]).await;
    match ran.code {
        4 => 0,
        0 => ran.json()[0]["steps"].as_array().unwrap().len(),
        code => panic!("{code}: {}", ran.err),
    }
}

/// A public document as XML.
const XML: &str = include_str!("../../../tests/data/epcis/xml/ObjectEvent.xml");

#[tokio::test]
async fn an_xml_document_is_converted_and_recorded() {
    let node = Served::start().await;
    with_gateway(&node, async |gate| {
        let form = ["Content-Type: application/xml"];
        let accepted = gate.ask("POST", "/capture", &form, XML).await;
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        let job = gate.finished(&accepted.header("location").unwrap()).await;
        assert!(!outcomes(&job).is_empty());
        assert!(outcomes(&job).iter().all(|o| *o == "recorded"), "{job}");
    })
    .await;
}

pub const PROCEED: &str = "GS1-Capture-Error-Behaviour: proceed";

#[tokio::test]
async fn a_document_is_signed_recorded_and_told_of() {
    let node = Served::start().await;
    let job = with_gateway(&node, async |gate| {
        let document = document(&[seen(&[ITEM], "storing"), seen(&[ITEM], "shipping")]);
        let job = gate.job(&document, &[]).await;
        let list = gate.get("/capture").await;
        assert_eq!(list.header("gs1-epcis-version").as_deref(), Some("2.0.0"));
        assert_eq!(list.json(), json!([job]));
        job
    })
    .await;
    assert_eq!(outcomes(&job), ["recorded", "recorded"]);
    assert_eq!(
        (&job["success"], &job["captureErrorBehaviour"]),
        (&json!(true), &json!("rollback"))
    );
    // A document is one transaction.
    let events = &job["touchstone:events"];
    assert_eq!(events[0]["transaction"], events[1]["transaction"]);
    assert_eq!(recorded(&node, ITEM).await, 2);
}

#[tokio::test]
async fn where_one_event_is_refused_none_is_recorded_or_the_others_are() {
    let node = Served::start().await;
    // The second packs what is packed already: only the ledger can tell.
    let events = [
        aggregation("ADD", CASE, &[ITEM]),
        aggregation("ADD", PALLET, &[ITEM]),
        seen(&[CASE], "storing"),
    ];
    with_gateway(&node, async |gate| {
        let job = gate.job(&document(&events), &[]).await;
        assert_eq!(
            outcomes(&job),
            ["rolled-back", "refused", "rolled-back"],
            "{job}"
        );
        assert_eq!(job["success"], false);
        let error = &job["errors"][0];
        assert_eq!(error["type"], "epcisException:ValidationException");
        assert_eq!(error["touchstone:path"], "$.epcisBody.eventList[1]");
        assert!(error["touchstone:code"].is_u64() && error["touchstone:rule"].is_string());
        assert_eq!(recorded(&node, CASE).await, 0);

        let job = gate.job(&document(&events), &[PROCEED]).await;
        assert_eq!(outcomes(&job), ["recorded", "refused", "recorded"], "{job}");
        let told = &job["touchstone:events"];
        assert_ne!(told[0]["transaction"], told[2]["transaction"]);
        assert_eq!(recorded(&node, CASE).await, 2);
        // Again: what is recorded isn't recorded twice.
        let job = gate.job(&document(&events), &[PROCEED]).await;
        assert_eq!(outcomes(&job), ["skipped", "refused", "skipped"], "{job}");
    })
    .await;
}

#[tokio::test]
async fn an_event_that_is_wrong_in_itself_is_told_with_its_path() {
    let node = Served::start().await;
    let bad = seen(&[ITEM], "storing").replace("storing", "flying");
    let document = document(&[seen(&[ITEM], "storing"), bad]);
    with_gateway(&node, async |gate| {
        let job = gate.job(&document, &[]).await;
        assert_eq!(outcomes(&job), ["rolled-back", "refused"]);
        assert_eq!(
            job["errors"][0]["touchstone:path"],
            "$.epcisBody.eventList[1].bizStep"
        );
        let job = gate.job(&document, &[PROCEED]).await;
        assert_eq!(outcomes(&job), ["recorded", "refused"]);
        assert_eq!(recorded(&node, ITEM).await, 1);
    })
    .await;
}

/// What is allowed and yet is probably a mistake is told with the job.
#[tokio::test]
async fn what_is_doubtful_is_told() {
    let node = Served::start().await;
    with_gateway(&node, async |gate| {
        let plain = seen(&[ITEM], "storing");
        let year = plain
            .find("\"eventTime\":\"")
            .or(plain.find("\"eventTime\": \""));
        let at = plain[year.unwrap()..].find("20").unwrap() + year.unwrap();
        let late = format!("{}2199{}", &plain[..at], &plain[at + 4..]);
        let job = gate.job(&document(&[plain.clone(), late]), &[]).await;
        assert_eq!(outcomes(&job), ["recorded", "recorded"], "{job}");
        let warnings = job["touchstone:warnings"].as_array().unwrap();
        assert_eq!(warnings.len(), 1, "{job}");
        let told = (
            &warnings[0]["index"],
            &warnings[0]["warning"],
            &warnings[0]["path"],
        );
        assert_eq!(
            told,
            (&json!(1), &json!("future-time"), &json!("$.eventTime"))
        );
    })
    .await;
}

#[tokio::test]
async fn what_is_no_capture_is_refused_at_once() {
    let node = Served::start().await;
    with_gateway(&node, async |gate| {
        let fine = document(&[seen(&[ITEM], "storing")]);
        let many: Vec<String> = (0..1001).map(|_| seen(&[ITEM], "storing")).collect();
        let many = document(&many);
        for (form, more, body, status) in [
            ("application/xml", "A: b", fine.as_str(), 415),
            ("application/json", "A: b", XML, 415),
            ("text/plain", "A: b", fine.as_str(), 415),
            (
                "application/json",
                "GS1-Capture-Error-Behaviour: ignore",
                fine.as_str(),
                400,
            ),
            ("application/json", "A: b", "{", 400),
            (
                "application/json",
                "A: b",
                "{\"type\": \"EPCISDocument\"}",
                400,
            ),
            ("application/json", "A: b", many.as_str(), 413),
        ] {
            let form = format!("Content-Type: {form}");
            let answer = gate.ask("POST", "/capture", &[&form, more], body).await;
            assert_eq!(answer.status, status, "{}", answer.body);
            let kind = answer.header("content-type");
            assert_eq!(kind.as_deref(), Some("application/problem+json"));
        }
        assert_eq!(gate.get("/capture/0000").await.status, 404);
        assert_eq!(gate.get("/nothing").await.status, 404);
        assert_eq!(gate.ask("DELETE", "/capture", &[], "").await.status, 405);
        // A web page that its reader opens can't capture in the organisation's name.
        let json = "Content-Type: application/json";
        let foreign = ["Origin: https://evil.example", json];
        let refused = gate.ask("POST", "/capture", &foreign, &fine).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
        assert_eq!(gate.get("/capture?perPage=0").await.status, 400);
        assert_eq!(gate.get("/capture").await.json(), json!([]));
    })
    .await;
}

/// A job that was taken in is done with by the next run, and nothing is recorded twice.
/// EPCIS 2.0's synchronous capture of one event.
#[tokio::test]
async fn one_event_is_captured_while_the_client_waits() {
    let node = Served::start().await;
    with_gateway(&node, async |gate| {
        let json = ["Content-Type: application/json"];
        let event = seen(&[ITEM], "storing");
        let made = gate.ask("POST", "/events", &json, &event).await;
        assert_eq!((made.status, &made.body), (201, &event));
        let address = made.header("location").unwrap();
        assert!(
            address.starts_with("/events/urn:touchstone:event:"),
            "{address}"
        );
        assert_eq!(recorded(&node, ITEM).await, 1);
        let again = gate.ask("POST", "/events", &json, &event).await;
        assert_eq!(
            (again.status, again.header("location")),
            (200, Some(address))
        );
        assert_eq!(recorded(&node, ITEM).await, 1);
        let named = event.replacen('{', "{\"eventID\": \"urn:x:1/2\", \"ex:n\": 1, ", 1);
        let made = gate.ask("POST", "/events", &json, &named).await;
        assert_eq!(made.header("location").unwrap(), "/events/urn:x:1%2F2");
        let wrong = event.replace("storing", "teleporting");
        let refused = gate.ask("POST", "/events", &json, &wrong).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert_eq!(refused.json()["touchstone:rule"], "unknown-biz-step");
        let many = document(&[seen(&[ITEM], "storing"), seen(&[CASE], "storing")]);
        let refused = gate.ask("POST", "/events", &json, &many).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(
            refused.body.contains("takes one event, this has 2"),
            "{}",
            refused.body
        );
        assert_eq!(recorded(&node, CASE).await, 0);
    })
    .await;
}

#[tokio::test]
async fn methods_are_told_and_others_refused() {
    let node = Served::start().await;
    with_gateway(&node, async |gate| {
        for (path, methods) in [
            ("/capture", "GET,HEAD,POST"),
            ("/capture/1", "GET,HEAD"),
            ("/events", "GET,HEAD,POST"),
        ] {
            let options = gate.ask("OPTIONS", path, &[], "").await;
            assert_eq!(options.status, 204, "{path}");
            assert_eq!(options.header("allow").unwrap(), methods, "{path}");
            assert_eq!(options.header("gs1-epcis-version").unwrap(), "2.0.0");
            let refused = gate.ask("DELETE", path, &[], "").await;
            assert_eq!(refused.status, 405, "{path}");
            assert_eq!(refused.header("allow").unwrap(), methods, "{path}");
        }
        assert_eq!(gate.ask("OPTIONS", "/nothing", &[], "").await.status, 404);
    })
    .await;
}

#[tokio::test]
async fn a_gateway_goes_on_with_its_jobs_after_a_stop() {
    let node = Served::start().await;
    let document = document(&[seen(&[ITEM], "storing"), seen(&[ITEM], "shipping")]);
    let locations = with_gateway(&node, async |gate| {
        let done = gate
            .capture(&document, &[])
            .await
            .header("location")
            .unwrap();
        gate.finished(&done).await;
        let open = gate
            .capture(&document, &[PROCEED])
            .await
            .header("location")
            .unwrap();
        [done, open]
    })
    .await;
    with_gateway(&node, async |gate| {
        for location in &locations {
            let job = gate.finished(location).await;
            assert_eq!(
                (&job["success"], outcomes(&job).len()),
                (&json!(true), 2),
                "{job}"
            );
        }
    })
    .await;
    assert_eq!(recorded(&node, ITEM).await, 2);
}
