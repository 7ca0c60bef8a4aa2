//! The gateway beyond captures: handovers, questions, webhooks, and who may ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::captures::document;
use crate::fake::faults::Fault;
use crate::fake::{Served, key, permit, write_private};
use crate::gateway::{outcomes, with_gateway, with_gateway_of};
use crate::items::{ITEM, OTHER, seen};

const JSON_LD: &str = "Content-Type: application/ld+json";
const WAIT: &str = "Prefer: wait=20";

fn path_of(text: &str) -> String {
    let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded
}

#[tokio::test]
async fn goods_are_handed_over_and_traced_through_gateways() {
    let node = Served::start().await;
    let begun = document(&[seen(&[ITEM, OTHER], "storing")]);
    let offer = with_gateway(&node, async |gate| {
        gate.job(&begun, &[]).await;
        let shipped = document(&[seen(&[ITEM], "shipping")]);
        let path = "/handovers?to=bravo&deadline=2d";
        let answer = gate.ask("POST", path, &[JSON_LD, WAIT], &shipped).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let job = answer.json();
        assert_eq!(
            (&job["success"], &job["touchstone:action"]),
            (&json!(true), &json!("offer"))
        );
        let open = gate.get("/handovers").await.json();
        assert_eq!(open[0]["offer"], job["touchstone:transaction"], "{open}");
        // What is offered can't be offered again: rule and code say so.
        let again = gate
            .ask("POST", path, &[JSON_LD, WAIT], &shipped)
            .await
            .json();
        assert_eq!(again["success"], false, "{again}");
        assert!(again["errors"][0]["touchstone:code"].is_u64(), "{again}");
        open[0]["offer"].as_str().unwrap().to_owned()
    })
    .await;
    with_gateway_of("bravo", &node, &[], async |gate| {
        let path = format!("/handovers/{offer}/accept?discrepancy=one%20is%20torn");
        let answer = gate.ask("POST", &path, &[WAIT], "").await;
        assert_eq!(
            (answer.status, &answer.json()["success"]),
            (200, &json!(true)),
            "{}",
            answer.body
        );
        assert_eq!(gate.get("/handovers").await.json(), json!([]));
        let item = gate.get(&format!("/items?id={}", path_of(ITEM))).await;
        assert!(item.body.contains("bravo"), "{}", item.body);
        for question in ["recall", "trace"] {
            let answer = gate.get(&format!("/{question}?id={}", path_of(ITEM))).await;
            assert_eq!(answer.status, 200, "{}", answer.body);
            assert_eq!(answer.json()["verified"], true, "{}", answer.body);
        }
        let claim = document(&[seen(&[OTHER], "storing")]);
        let answer = gate
            .ask("POST", "/claims?reason=found", &[JSON_LD, WAIT], &claim)
            .await;
        assert_eq!(answer.json()["success"], true, "{}", answer.body);
    })
    .await;
}

#[tokio::test]
async fn questions_that_have_no_answer_say_why() {
    let node = Served::start().await;
    with_gateway(&node, async |gate| {
        gate.job(&document(&[seen(&[ITEM], "storing")]), &[]).await;
        let nothing = "/recall?id=urn:epc:class:lgtin:9521234.050001.NONE";
        let id = "0".repeat(64);
        for (path, status) in [
            (nothing.to_owned(), 404),
            ("/recall".to_owned(), 400),
            ("/recall?id=x&id=y".to_owned(), 400),
            ("/recall?id=--json".to_owned(), 400),
            ("/recall?id=urn:x:1&depth=0".to_owned(), 400),
            ("/trace?id=urn:x:1&direction=up".to_owned(), 400),
            (
                "/products?product=https://id.gs1.org/01/09521234500018".to_owned(),
                404,
            ),
            (format!("/designs/{id}/certificate"), 404),
            ("/designs/..%2F..%2Facme.pem/certificate".to_owned(), 404),
            ("/nowhere".to_owned(), 404),
        ] {
            let answer = gate.get(&path).await;
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
            let kind = answer.header("content-type");
            assert_eq!(kind.as_deref(), Some("application/problem+json"), "{path}");
        }
        let absent = gate.get(nothing).await.json();
        assert_eq!(absent["touchstone:failure"]["verified"], true, "{absent}");
        assert_eq!(gate.ask("DELETE", "/capture", &[], "").await.status, 405);
        let organisations = gate.get("/organisations").await.json();
        assert_eq!(organisations.as_array().unwrap().len(), 4);
    })
    .await;
}

/// The description names what there is, and nothing else.
#[tokio::test]
async fn the_description_is_that_of_the_addresses() {
    let node = Served::start().await;
    with_gateway(&node, async |gate| {
        let description = gate.get("/openapi.json").await.json();
        let mut asked = 0;
        for (path, operations) in description["paths"].as_object().unwrap() {
            let parts = path.split('/').map(|part| match part.starts_with('{') {
                true if part == "{answer}" => "x",
                true => "0",
                false => part,
            });
            let path = parts.collect::<Vec<_>>().join("/");
            for method in ["GET", "POST", "DELETE"] {
                let answer = gate.ask(method, &path, &[], "").await;
                let is_described = operations[method.to_lowercase()].is_object();
                assert_eq!(
                    answer.status != 405,
                    is_described,
                    "{method} {path}: {}",
                    answer.body
                );
                if is_described {
                    let responses = &operations[method.to_lowercase()]["responses"];
                    let status = answer.status.to_string();
                    assert!(responses[&status].is_object(), "{method} {path}: {status}");
                    asked += 1;
                }
            }
        }
        assert!(asked > 40, "{asked}");
    })
    .await;
}

/// A web page that makes its reader's browser ask, and a stranger without the token.
#[tokio::test]
async fn foreign_pages_and_strangers_are_refused() {
    let node = Served::start().await;
    let token = node.write("token", "a token of the operator's\n");
    let fine = document(&[seen(&[ITEM], "storing")]);
    with_gateway(&node, async |gate| {
        for (header, status) in [
            ("Host: evil.example", 403),
            ("Origin: https://evil.example", 403),
            ("Origin: null", 403),
            ("Host: 127.0.0.1:26670", 202),
        ] {
            let answer = gate
                .ask("POST", "/capture", &[JSON_LD, header], &fine)
                .await;
            assert_eq!(answer.status, status, "{header}: {}", answer.body);
        }
        assert_eq!(
            gate.ask("GET", "/capture", &["Host: evil.example"], "")
                .await
                .status,
            403
        );
    })
    .await;
    let words = [
        "--token-file",
        &token,
        "--origin",
        "https://erp.example.org",
    ];
    with_gateway_of("acme", &node, &words, async |gate| {
        let right = "Authorization: Bearer a token of the operator's";
        for (headers, status) in [
            (vec![], 401),
            (vec!["Authorization: Bearer another"], 401),
            (vec![right, "Origin: https://erp.example.org"], 202),
        ] {
            let headers = [&[JSON_LD][..], &headers].concat();
            let answer = gate.ask("POST", "/capture", &headers, &fine).await;
            assert_eq!(answer.status, status, "{}", answer.body);
        }
    })
    .await;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(node.path("jobs"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}

/// Whoever reads a token, or what signs webhooks, can act in the gateway's name.
#[tokio::test]
async fn secrets_that_others_may_read_are_refused() {
    let node = Served::start().await;
    let secret = node.write("secret", "a secret of more than 24 characters\n");
    permit(&secret, 0o640);
    let jobs = node.path("jobs").display().to_string();
    let gateway = ["gateway", "--listen", "127.0.0.1:0", "--jobs", &jobs];
    let nowhere = "http://127.0.0.1:9";
    for words in [
        ["--token-file", &secret].as_slice(),
        &["--webhook", nowhere, "--webhook-secret", &secret],
        &["--queries", nowhere, "--queries-token", &secret],
        &["--serve-certificate", &secret, "--serve-key", &secret],
        &["--passphrase-file", &secret],
    ] {
        if words.contains(&"--passphrase-file") {
            // A passphrase is asked for where there is something to open.
            let pem = touchstone_cli::keyfile::to_pem(&key(1), Some("open sesame"));
            write_private(&node.path("acme.pem"), &pem.unwrap());
        }
        let ran = node.run_as("acme", &[&gateway, words].concat()).await;
        assert_eq!(ran.code, 1, "{words:?}: {ran:?}");
        assert!(
            ran.err.contains("(mode 640): chmod 600"),
            "{words:?}: {ran:?}"
        );
    }
}

/// Bodies that don't come, more of them than documents are read at once, hold up nobody.
#[tokio::test]
async fn bodies_that_do_not_come_hold_up_nobody() {
    let node = Served::start().await;
    with_gateway(&node, async |gate| {
        gate.get("/capture").await;
        let mut silent = Vec::new();
        for _ in 0..16 {
            let mut stream = tokio::net::TcpStream::connect(gate.address()).await.unwrap();
            let head = "POST /capture HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
                        Content-Length: 1000\r\n\r\n{";
            stream.write_all(head.as_bytes()).await.unwrap();
            silent.push(stream);
        }
        let job = gate.job(&document(&[seen(&[ITEM], "storing")]), &[]).await;
        assert_eq!(job["success"], true, "{job}");
        drop(silent);
    })
    .await;
}

/// Documents are taken while the node is away, and recorded once it is back.
#[tokio::test]
async fn a_gateway_starts_while_its_node_is_away() {
    let node = Served::start_on_a_bad_line().await;
    let away: Vec<(usize, Fault)> = (0..3).map(|step| (step, Fault::Refuse)).collect();
    node.faults.plan(&away);
    with_gateway(&node, async |gate| {
        let accepted = gate
            .capture(&document(&[seen(&[ITEM], "storing")]), &[])
            .await;
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        let health = gate.get("/healthz").await;
        assert_eq!(
            (health.status, &health.json()["status"]),
            (200, &json!("warn")),
            "{}",
            health.body
        );
        assert_eq!(gate.get("/readyz").await.status, 503);
        let job = gate.finished(&accepted.header("location").unwrap()).await;
        assert_eq!(outcomes(&job), ["recorded"], "{job}");
        loop {
            let ready = gate.get("/readyz").await;
            if ready.status == 200 {
                assert!(ready.json()["node"]["height"].is_u64(), "{}", ready.body);
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    })
    .await;
}

/// An address that takes notices, after it refused the first.
async fn receiver() -> (String, mpsc::UnboundedReceiver<(String, Value)>, String) {
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/told", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    let asked = Arc::new(AtomicUsize::new(0));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (tell, asked) = (tell.clone(), asked.clone());
            tokio::spawn(async move {
                let mut text = String::new();
                let mut piece = [0; 4096];
                let (head, body) = loop {
                    let count = stream.read(&mut piece).await.unwrap();
                    text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
                    if let Some((head, body)) = text.split_once("\r\n\r\n") {
                        let length = header(head, "content-length").parse().unwrap();
                        if body.len() >= length {
                            break (head.to_owned(), body.to_owned());
                        }
                    }
                    assert!(count > 0, "{text}");
                };
                let first = asked.fetch_add(1, Ordering::SeqCst) == 0;
                let status = if first { "500 No" } else { "204 Yes" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes()).await;
                let id = header(&head, "webhook-id");
                let signed = format!("{id}.{}.{body}", header(&head, "webhook-timestamp"));
                let key = STANDARD
                    .decode(SECRET.strip_prefix("whsec_").unwrap())
                    .unwrap();
                let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
                let signature = header(&head, "webhook-signature");
                let tag = STANDARD
                    .decode(signature.strip_prefix("v1,").unwrap())
                    .unwrap();
                hmac::verify(&key, signed.as_bytes(), &tag).unwrap();
                let _ = tell.send((id, serde_json::from_str(&body).unwrap()));
            });
        }
    });
    (url, told, SECRET.to_owned())
}

fn header(head: &str, name: &str) -> String {
    let mut lines = head.lines();
    let found = lines.find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then(|| value.to_owned())
    });
    found.unwrap_or_else(|| panic!("no {name}: {head}"))
}

#[tokio::test]
async fn webhooks_tell_of_jobs_and_offers_until_they_are_heard() {
    let node = Served::start().await;
    let (url, mut told, secret) = receiver().await;
    let secret = node.write("secret", &secret);
    let words = ["--webhook", &url, "--webhook-secret", &secret];
    with_gateway_of("bravo", &node, &words, async |gate| {
        let job = gate.job(&document(&[seen(&[OTHER], "storing")]), &[]).await;
        let (id, notice) = told.recv().await.unwrap();
        assert_eq!(
            id,
            format!("job.finished.{}", job["captureID"].as_str().unwrap())
        );
        assert_eq!(
            (&notice["type"], &notice["data"]),
            (&json!("job.finished"), &job)
        );
        // It was refused, and comes again: the same notice under the same id.
        assert_eq!(told.recv().await.unwrap(), (id, notice));
        let file = node.write("begun.json", &document(&[seen(&[ITEM], "storing")]));
        assert_eq!(node.run_as("acme", &["capture", &file]).await.code, 0);
        let file = node.write("offer.json", &document(&[seen(&[ITEM], "shipping")]));
        let arguments = ["handover", "offer", &file, "--to", "bravo", "--json"];
        let offer = node.run_as("acme", &arguments).await.json();
        let (id, notice) = told.recv().await.unwrap();
        let offer = offer[0]["offer"].as_str().unwrap();
        assert_eq!(id, format!("offer.received.{offer}"));
        assert_eq!(
            (&notice["data"]["from"], &notice["data"]["to"]),
            (&json!("acme"), &json!("bravo"))
        );
    })
    .await;
    let left = std::fs::read_dir(node.path("jobs-bravo/notices"))
        .unwrap()
        .count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_table_is_taken_with_a_mapping_of_the_operator() {
    let node = Served::start().await;
    let mapping = node.write(
        "m.toml",
        "[event]\ntype = { value = \"ObjectEvent\" }\naction = { value = \"OBSERVE\" }\n\
         eventTime = { column = \"Time\" }\nepcList = { column = \"Thing\" }\n\
         bizStep = { column = \"Step\" }\n",
    );
    let named = format!("deliveries={mapping}");
    with_gateway_of("acme", &node, &["--mapping", &named], async |gate| {
        let table = |time: &str| format!("Time,Thing,Step\n{time},{ITEM},storing\n");
        let fine = table("2026-03-01T08:30:00Z");
        let path = "/capture?mapping=deliveries";
        let form = "Content-Type: text/csv; charset=utf-8";
        let accepted = gate.ask("POST", path, &[form], &fine).await;
        assert_eq!(accepted.status, 202, "{}", accepted.body);
        let job = gate.finished(&accepted.header("location").unwrap()).await;
        assert_eq!(outcomes(&job), ["recorded"], "{job}");
        // The same table by the command line is the same event.
        let file = node.write("t.csv", &fine);
        let ran = node
            .run_as("acme", &["capture", &file, "--mapping", &mapping])
            .await;
        assert!(ran.out.contains("1 skipped as recorded before"), "{ran:?}");
        let refused = gate.ask("POST", path, &[form], &table("yesterday")).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        assert!(
            refused.json()["touchstone:rows"][0]
                .as_str()
                .unwrap()
                .contains("row 2")
        );
        assert_eq!(
            gate.ask("POST", "/capture", &[form], &fine).await.status,
            400
        );
        assert_eq!(
            gate.ask("POST", "/capture?mapping=x", &[form], &fine)
                .await
                .status,
            400
        );
    })
    .await;
}
