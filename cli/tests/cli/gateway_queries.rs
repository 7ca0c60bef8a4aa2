//! Queries at the gateway: what it hands on to its node, and subscriptions, which it serves itself from blocks that
//! it has checked.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use touchstone_proto::node::BlockReply;

use crate::captures::document;
use crate::fake::{Served, now_ms};
use crate::gateway::{Gate, with_gateway, with_gateway_of};
use crate::items::{CASE, ITEM, OTHER, PALLET, seen};

const JSON: &str = "Content-Type: application/json";
const TOKEN: &str = "a signature token of this test";
const SUBSCRIPTIONS: &str = "/queries/stored/subscriptions";

/// A request that a server of these tests got.
#[derive(Clone, Debug)]
struct Request {
    head: String,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

async fn request(stream: &mut TcpStream) -> Option<Request> {
    let mut text = String::new();
    let mut piece = [0; 4096];
    loop {
        let count = stream.read(&mut piece).await.ok().filter(|n| *n > 0)?;
        text.push_str(std::str::from_utf8(&piece[..count]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let mut request = Request {
            head: head.to_owned(),
            body: body.to_owned(),
        };
        let length = request.header("content-length");
        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
            request.body = body.to_owned();
            return Some(request);
        }
    }
}

/// A server that tells of each request, and answers by its number; without an answer it stays silent.
async fn server(
    answer: impl Fn(usize, &Request) -> Option<String> + Send + Sync + 'static,
) -> (String, mpsc::UnboundedReceiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = mpsc::unbounded_channel();
    let (answer, asked) = (Arc::new(answer), Arc::new(AtomicUsize::new(0)));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (tell, answer, asked) = (tell.clone(), answer.clone(), asked.clone());
            tokio::spawn(async move {
                let Some(request) = request(&mut stream).await else {
                    return;
                };
                let text = answer(asked.fetch_add(1, Ordering::SeqCst), &request);
                let _ = tell.send(request);
                match text {
                    Some(text) => {
                        let _ = stream.write_all(text.as_bytes()).await;
                    }
                    None => std::future::pending().await,
                }
            });
        }
    });
    (url, told)
}

fn status(line: &str) -> String {
    format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n")
}

/// A destination that gives these answers, the last one again and again.
async fn destination(
    answers: &'static [&'static str],
) -> (String, mpsc::UnboundedReceiver<Request>) {
    server(move |number, _| {
        let line = answers.get(number).or(answers.last()).unwrap();
        Some(status(line))
    })
    .await
}

fn body(status: &str, more: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n{body}"
    )
}

/// A node's HTTP interface with one named query: what is stored.
async fn query_node() -> (String, mpsc::UnboundedReceiver<Request>) {
    server(|_, request| {
        let line = request.head.lines().next().unwrap().to_owned();
        Some(match line.as_str() {
            "GET /queries/stored HTTP/1.1" => body(
                "200 OK",
                "",
                &json!({ "name": "stored", "query": { "EQ_bizStep": ["storing"] } }),
            ),
            "GET /queries/listed HTTP/1.1" => body(
                "200 OK",
                "",
                &json!({ "name": "listed", "query": { "eventCountLimit": 3 } }),
            ),
            "DELETE /queries/stored HTTP/1.1" => "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            line if line.starts_with("GET /queries/") => body("404 Not Found", "", &json!({})),
            line => body(
                "200 OK",
                "Link: </events?nextPageToken=7>; rel=\"next\"\r\nSet-Cookie: a=b\r\n\
                 GS1-EPC-Format: Never_Translates\r\n",
                &json!({ "asked": line }),
            ),
        })
    })
    .await
}

async fn with_queries<T>(
    node: &Served,
    destinations: &[&str],
    story: impl AsyncFnOnce(&Gate, mpsc::UnboundedReceiver<Request>) -> T,
) -> T {
    let (queries, asked) = query_node().await;
    let token = node.write("queries-token", "a token of the node's\n");
    let mut words = vec!["--queries", &queries, "--queries-token", &token];
    for destination in destinations {
        words.extend(["--destination", destination]);
    }
    with_gateway_of("acme", node, &words, async |gate| story(gate, asked).await).await
}

fn wish(dest: &str, more: Value) -> String {
    let mut wish = json!({ "dest": dest, "signatureToken": TOKEN });
    for (name, value) in more.as_object().unwrap() {
        wish[name] = value.clone();
    }
    wish.to_string()
}

/// Subscribes to what is stored; gives the subscription's address.
async fn subscribe(gate: &Gate, dest: &str, more: Value) -> String {
    let wish = wish(dest, more);
    let answer = gate.ask("POST", SUBSCRIPTIONS, &[JSON], &wish).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    assert!(!answer.body.contains(TOKEN), "{}", answer.body);
    answer.header("location").unwrap()
}

/// The identifiers that a notice's events name, after both of its signatures were checked.
fn things(notice: &Request) -> Vec<Vec<String>> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, TOKEN.as_bytes());
    let plain = notice.header("gs1-signature").unwrap();
    let plain = hex::decode(plain.strip_prefix("sha256=").unwrap()).unwrap();
    hmac::verify(&key, notice.body.as_bytes(), &plain).unwrap();
    let header = |name| notice.header(name).unwrap();
    let signed = format!(
        "{}.{}.{}",
        header("webhook-id"),
        header("webhook-timestamp"),
        notice.body
    );
    let tag = header("webhook-signature").strip_prefix("v1,").unwrap();
    hmac::verify(&key, signed.as_bytes(), &STANDARD.decode(tag).unwrap()).unwrap();
    let told: Value = serde_json::from_str(&notice.body).unwrap();
    assert_eq!(told["type"], "EPCISQueryDocument");
    let results = &told["epcisBody"]["queryResults"];
    assert_eq!(results["queryName"], "stored");
    let events = results["resultsBody"]["eventList"].as_array().unwrap();
    let named = events.iter().map(|event| {
        assert!(
            event["touchstone:record"]["touchstone:height"].is_u64(),
            "{event}"
        );
        let list = event["epcList"].as_array().unwrap();
        list.iter()
            .map(|epc| epc.as_str().unwrap().to_owned())
            .collect()
    });
    named.collect()
}

fn stored(item: &str) -> String {
    document(&[seen(&[item], "storing"), seen(&[item], "shipping")])
}

#[tokio::test]
async fn queries_are_handed_on_and_marked_as_the_nodes_word() {
    let node = Served::start().await;
    with_queries(&node, &[], async |gate, mut asked| {
        for target in [
            "/events?EQ_bizStep=storing&perPage=2",
            "/events/urn:x:1%2F2",
            "/epcs/https%3A%2F%2Fid.gs1.org%2F00%2F095212340000000150/events",
            "/eventTypes",
            "/bizSteps/storing/events?MATCH_epc=(01)09521234500018(21)A1",
            "/",
        ] {
            let headers = [
                "Accept: application/ld+json",
                "Authorization: Bearer of the gateway",
                "Cookie: a=b",
                "GS1-Extensions: ex=https://ns.example/",
            ];
            let answer = gate.ask("GET", target, &headers, "").await;
            assert_eq!(answer.status, 200, "{target}: {}", answer.body);
            assert_eq!(answer.json()["asked"], format!("GET {target} HTTP/1.1"));
            assert_eq!(answer.header("touchstone-word").as_deref(), Some("node"));
            assert!(answer.header("link").is_some() && answer.header("set-cookie").is_none());
            // What a node sends doesn't act in the gateway's name where a browser opens it.
            let policy = answer.header("content-security-policy");
            assert_eq!(policy.as_deref(), Some("default-src 'none'; sandbox"));
            let question = asked.recv().await.unwrap();
            assert_eq!(question.header("accept"), Some("application/ld+json"));
            assert!(question.header("gs1-extensions").is_some(), "{question:?}");
            assert_eq!(question.header("authorization"), None);
            assert_eq!(question.header("cookie"), None);
        }
        let definition = "{\"name\":\"x\",\"query\":{}}";
        let answer = gate.ask("POST", "/queries", &[JSON], definition).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        let question = asked.recv().await.unwrap();
        assert_eq!(question.body, definition);
        let token = question.header("authorization");
        assert_eq!(token, Some("Bearer a token of the node's"));
        let large = format!("{{\"name\":\"{}\"}}", "x".repeat(64 << 10));
        assert_eq!(
            gate.ask("POST", "/queries", &[JSON], &large).await.status,
            413
        );
        // Addresses that the gateway doesn't list aren't handed on.
        for target in [
            "/evidence?item=x",
            "/01/09521234500018",
            "/app/",
            "/queries/x/y",
        ] {
            assert_eq!(gate.get(target).await.status, 404, "{target}");
        }
        assert!(asked.try_recv().is_err());
    })
    .await;
    with_gateway(&node, async |gate| {
        let refused = gate.get("/events").await;
        assert_eq!(refused.status, 404);
        assert!(refused.body.contains("--queries"), "{}", refused.body);
    })
    .await;
    let away = ["--queries", "http://127.0.0.1:9"];
    with_gateway_of("acme", &node, &away, async |gate| {
        assert_eq!(gate.get("/events").await.status, 503);
        let wish = wish("http://127.0.0.1:9/", json!({ "stream": true }));
        let refused = gate.ask("POST", SUBSCRIPTIONS, &[JSON], &wish).await;
        assert_eq!(refused.status, 403, "{}", refused.body);
    })
    .await;
}

#[tokio::test]
async fn subscribers_are_told_of_what_is_recorded_until_they_take_it() {
    let node = Served::start().await;
    let (dest, mut told) = destination(&["500 No", "204 Yes"]).await;
    with_queries(&node, &[&dest], async |gate, _| {
        gate.job(&stored(ITEM), &[]).await;
        let address = subscribe(gate, &format!("{dest}/told"), json!({ "stream": true })).await;
        gate.job(&stored(OTHER), &[]).await;
        gate.job(&document(&[seen(&[CASE], "shipping")]), &[]).await;
        let first = told.recv().await.unwrap();
        // Not what was recorded before, and not what doesn't fit.
        assert_eq!(things(&first), [[OTHER]]);
        assert!(first.head.starts_with("POST /told "), "{}", first.head);
        let again = told.recv().await.unwrap();
        assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
        assert_eq!((things(&again), &again.body), (things(&first), &first.body));
        gate.job(&stored(CASE), &[]).await;
        assert_eq!(things(&told.recv().await.unwrap()), [[CASE]]);
        let found = gate.get(&address).await.json();
        assert_eq!(found["touchstone:state"], "active", "{found}");
        assert!(found["lastNotifiedAt"].is_string(), "{found}");
        assert_eq!(gate.get(SUBSCRIPTIONS).await.json(), json!([found]));
        assert_eq!(gate.ask("DELETE", &address, &[], "").await.status, 204);
        assert_eq!(gate.get(&address).await.status, 404);
        gate.job(&stored(PALLET), &[]).await;
        // Another one, which begins with what is recorded: it is told, and the one that ended isn't.
        let since = json!({ "stream": true, "initialRecordTime": "2020-01-01T00:00:00+08:00" });
        subscribe(gate, &format!("{dest}/all"), since).await;
        let mut items = Vec::new();
        while items.len() < 4 {
            let notice = told.recv().await.unwrap();
            assert!(notice.head.starts_with("POST /all "), "{}", notice.head);
            items.extend(things(&notice).concat());
        }
        assert_eq!(items, [ITEM, OTHER, CASE, PALLET]);
        // With the query its subscriptions end.
        let deleted = gate.ask("DELETE", "/queries/stored", &[], "").await;
        assert_eq!(deleted.status, 204);
        assert_eq!(gate.get(SUBSCRIPTIONS).await.json(), json!([]));
    })
    .await;
}

/// A stop between any two notices loses none; the last one may come again.
#[tokio::test]
async fn nothing_is_lost_over_stops() {
    let node = Served::start().await;
    let (dest, mut told) = destination(&["503 Later", "503 Later", "204 Yes"]).await;
    with_queries(&node, &[&dest], async |gate, _| {
        subscribe(gate, &dest, json!({ "stream": true })).await;
        gate.job(&stored(ITEM), &[]).await;
        told.recv().await.unwrap();
    })
    .await;
    // While the gateway is down, more is recorded.
    for (name, item) in [("other.json", OTHER), ("case.json", CASE)] {
        let file = node.write(name, &stored(item));
        let ran = node.run_as("acme", &["capture", &file]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let (mut taken, mut stops) = (Vec::new(), 0);
    while taken.len() < 3 {
        with_queries(&node, &[&dest], async |_, _| {
            let notice = told.recv().await.unwrap();
            taken.push(things(&notice).concat().concat());
            stops += 1;
            if stops % 2 == 0 {
                // Its answer is heard; else the stop comes first, and the notice comes again.
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            }
        })
        .await;
        taken.dedup();
    }
    assert_eq!(taken, [ITEM, OTHER, CASE]);
}

#[tokio::test]
async fn what_is_no_subscription_is_refused() {
    let node = Served::start().await;
    let (dest, mut told) = destination(&["204 Yes"]).await;
    let (inner, mut reached) = destination(&["204 Yes"]).await;
    with_queries(&node, &[&dest], async |gate, _| {
        let stream = json!({ "stream": true });
        for (path, wish, status) in [
            // Servers in the gateway's network that the operator doesn't list.
            (SUBSCRIPTIONS, wish(&inner, stream.clone()), 403),
            (
                SUBSCRIPTIONS,
                wish("http://169.254.169.254/latest", stream.clone()),
                403,
            ),
            (
                SUBSCRIPTIONS,
                wish(&dest.replace("http", "https"), stream.clone()),
                403,
            ),
            (
                SUBSCRIPTIONS,
                wish(&dest.replace("127.0.0.1", "localhost"), stream.clone()),
                403,
            ),
            (
                SUBSCRIPTIONS,
                wish(&dest.replace("127.0.0.1", "127.1"), stream.clone()),
                403,
            ),
            (
                SUBSCRIPTIONS,
                wish(&dest.replace("//", "//evil@"), stream.clone()),
                400,
            ),
            (
                SUBSCRIPTIONS,
                wish(&format!("{dest}/\r\nX: y"), stream.clone()),
                400,
            ),
            (
                SUBSCRIPTIONS,
                wish("file:///etc/passwd", stream.clone()),
                400,
            ),
            (SUBSCRIPTIONS, wish(&dest, json!({})), 400),
            (SUBSCRIPTIONS, wish(&dest, json!({ "stream": false })), 400),
            (
                SUBSCRIPTIONS,
                wish(&dest, json!({ "stream": true, "reportIfEmpty": true })),
                400,
            ),
            (
                SUBSCRIPTIONS,
                wish(
                    &dest,
                    json!({ "stream": true, "schedule": { "hour": "1" } }),
                ),
                400,
            ),
            (SUBSCRIPTIONS, wish(&dest, json!({ "schedule": {} })), 400),
            (
                SUBSCRIPTIONS,
                wish(&dest, json!({ "schedule": { "hour": "24" } })),
                400,
            ),
            (
                SUBSCRIPTIONS,
                wish(&dest, json!({ "schedule": { "year": "1" } })),
                400,
            ),
            (
                SUBSCRIPTIONS,
                wish(&dest, json!({ "stream": true, "more": 1 })),
                400,
            ),
            (
                SUBSCRIPTIONS,
                wish(&dest, json!({ "stream": true, "signatureToken": "short" })),
                400,
            ),
            (
                SUBSCRIPTIONS,
                wish(&dest, json!({ "stream": true, "initialRecordTime": "now" })),
                400,
            ),
            (SUBSCRIPTIONS, "{".to_owned(), 400),
            (SUBSCRIPTIONS, "x".repeat(17 << 10), 413),
            (
                "/queries/none/subscriptions",
                wish(&dest, stream.clone()),
                404,
            ),
            (
                "/queries/a%2Fb/subscriptions",
                wish(&dest, stream.clone()),
                404,
            ),
            (
                "/queries/listed/subscriptions",
                wish(&dest, stream.clone()),
                400,
            ),
            (
                "/queries/stored/subscriptions?x=1",
                wish(&dest, stream.clone()),
                400,
            ),
        ] {
            let answer = gate.ask("POST", path, &[JSON], &wish).await;
            assert_eq!(answer.status, status, "{path} {wish}: {}", answer.body);
            assert_eq!(
                answer.header("content-type").as_deref(),
                Some("application/problem+json")
            );
        }
        let text = ["Content-Type: text/plain"];
        let answer = gate
            .ask("POST", SUBSCRIPTIONS, &text, &wish(&dest, stream))
            .await;
        assert_eq!(answer.status, 415, "{}", answer.body);
        assert_eq!(gate.get(SUBSCRIPTIONS).await.json(), json!([]));
        assert_eq!(gate.get("/queries/none/subscriptions").await.status, 404);
        let one = format!("{SUBSCRIPTIONS}/..%2F..%2Fowner");
        assert_eq!(gate.get(&one).await.status, 404);
        assert_eq!(gate.ask("DELETE", &one, &[], "").await.status, 404);
        gate.job(&stored(ITEM), &[]).await;
    })
    .await;
    assert!(told.try_recv().is_err() && reached.try_recv().is_err());
}

/// An address that the operator lists can't send the gateway on to one that isn't listed.
#[tokio::test]
async fn no_redirect_is_followed() {
    let node = Served::start().await;
    let (inner, mut reached) = destination(&["204 Yes"]).await;
    let leads = format!("HTTP/1.1 307 There\r\nLocation: {inner}/\r\nContent-Length: 0\r\n\r\n");
    let (dest, mut told) = server(move |_, _| Some(leads.clone())).await;
    with_queries(&node, &[&dest], async |gate, _| {
        let address = subscribe(gate, &dest, json!({ "stream": true })).await;
        gate.job(&stored(ITEM), &[]).await;
        told.recv().await.unwrap();
        told.recv().await.unwrap();
        let found = gate.get(&address).await.json();
        let error = found["touchstone:error"].as_str().unwrap();
        assert!(error.contains("307"), "{found}");
        assert_eq!(found["touchstone:state"], "active");
    })
    .await;
    assert!(reached.try_recv().is_err());
}

#[tokio::test]
async fn an_address_that_wants_nothing_more_or_says_nothing_holds_up_nobody() {
    let node = Served::start().await;
    let (silent, mut heard) = server(|_, _| None).await;
    let (gone, mut told_once) = destination(&["410 Gone"]).await;
    let (dest, mut told) = destination(&["204 Yes"]).await;
    with_queries(&node, &[&silent, &gone, &dest], async |gate, _| {
        let stream = json!({ "stream": true });
        subscribe(gate, &silent, stream.clone()).await;
        let suspended = subscribe(gate, &gone, stream.clone()).await;
        subscribe(gate, &dest, stream).await;
        gate.job(&stored(ITEM), &[]).await;
        heard.recv().await.unwrap();
        told_once.recv().await.unwrap();
        assert_eq!(things(&told.recv().await.unwrap()), [[ITEM]]);
        gate.job(&stored(OTHER), &[]).await;
        assert_eq!(things(&told.recv().await.unwrap()), [[OTHER]]);
        let found = gate.get(&suspended).await.json();
        assert_eq!(found["touchstone:state"], "suspended", "{found}");
    })
    .await;
    assert!(told_once.try_recv().is_err());
}

/// A node that leaves a transaction out of a block, or adds one, is found out: its word reaches no subscriber.
#[tokio::test]
async fn nothing_is_told_of_a_block_that_does_not_verify() {
    let node = Served::start().await;
    let (dest, mut told) = destination(&["204 Yes"]).await;
    with_queries(&node, &[&dest], async |gate, _| {
        subscribe(gate, &dest, json!({ "stream": true })).await;
        node.tamper(|reply: &mut BlockReply| reply.transactions.clear());
        node.world().record("acme", &[seen(&[OTHER], "storing")]);
        node.world().record("acme", &[seen(&[PALLET], "storing")]);
        let asked = node.world().answers;
        while node.world().answers < asked + 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        node.tamper(|reply: &mut BlockReply| {
            if let Some(first) = reply.transactions.first().cloned() {
                reply.transactions.push(first);
            }
        });
        let asked = node.world().answers;
        while node.world().answers < asked + 2 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert!(told.try_recv().is_err());
        node.world().tamper = None;
        assert_eq!(things(&told.recv().await.unwrap()), [[OTHER]]);
        assert_eq!(things(&told.recv().await.unwrap()), [[PALLET]]);
    })
    .await;
}

/// A node that doesn't keep a block: the subscription that needs it says so and waits, and others go on.
#[tokio::test]
async fn a_block_that_the_node_does_not_keep_is_told_of() {
    let node = Served::start().await;
    let (dest, mut told) = destination(&["204 Yes"]).await;
    with_queries(&node, &[&dest], async |gate, _| {
        let lacking = subscribe(gate, &dest, json!({ "stream": true })).await;
        let next = node.world().height() + 1;
        node.world().denied = Some(next);
        node.world().record("acme", &[seen(&[ITEM], "storing")]);
        loop {
            let found = gate.get(&lacking).await.json();
            if let Some(error) = found["touchstone:error"].as_str() {
                assert!(error.contains("keeps no block"), "{found}");
                assert_eq!(found["touchstone:nextBlock"], next, "{found}");
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        node.world().record("acme", &[seen(&[CASE], "shipping")]);
        subscribe(gate, &dest, json!({ "stream": true })).await;
        gate.job(&stored(OTHER), &[]).await;
        assert_eq!(things(&told.recv().await.unwrap()), [[OTHER]]);
    })
    .await;
}

/// The next notice. The clock of these tests goes on by a millisecond at each look, so seconds pass by looking.
async fn told_in_time(told: &mut mpsc::UnboundedReceiver<Request>) -> Request {
    let moment = std::time::Duration::from_millis(200);
    loop {
        for _ in 0..1000 {
            now_ms();
        }
        if let Ok(notice) = tokio::time::timeout(moment, told.recv()).await {
            return notice.unwrap();
        }
    }
}

#[tokio::test]
async fn a_schedule_tells_at_its_moments() {
    let node = Served::start().await;
    let (dest, mut told) = destination(&["204 Yes"]).await;
    with_queries(&node, &[&dest], async |gate, _| {
        let schedule = json!({ "schedule": { "second": "[0-59]" }, "reportIfEmpty": true });
        let address = subscribe(gate, &dest, schedule).await;
        let found = gate.get(&address).await.json();
        assert!(found["touchstone:nextRun"].is_string(), "{found}");
        for item in [ITEM, OTHER] {
            node.world().record("acme", &[seen(&[item], "storing")]);
        }
        // Both in one notice, though of two blocks.
        let first = told_in_time(&mut told).await;
        assert_eq!(things(&first), [[ITEM], [OTHER]]);
        let second = told_in_time(&mut told).await;
        assert_eq!(things(&second).len(), 0);
        assert_ne!(first.header("webhook-id"), second.header("webhook-id"));
    })
    .await;
}
