//! Openings of labels that pages ask a gateway for: recorded once, for who has the code, and for nobody else.

use std::net::SocketAddr;

use serde_json::{Value, json};
use touchstone_cli::label::activation::Activation;

use crate::fake::Served;
use crate::gateway::{Answer, Gate, with_gateway_of};
use crate::items::{ITEM, OTHER, seen};

const PAGE: &str = "https://node.example.org";
const JSON: &str = "Content-Type: application/json";
const LONG: &str = "urn:epc:id:sgtin:9521234.050001.C3";
const OPEN_TO: &str = "urn:epc:id:sgtin:9521234.050001.D4";

/// A code, the same for the same seed.
fn code(seed: u8) -> Activation {
    let mut random = [0; 28];
    for (at, byte) in random.iter_mut().enumerate() {
        *byte = seed.wrapping_add(37_u8.wrapping_mul(at as u8));
    }
    Activation::from_random(&random)
}

/// The item is made, with a code under its cover.
fn made(item: &str, activation: &Activation, more: &Value) -> String {
    let mut event = json!({
        "@context": [
            "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
            { "touchstone": "urn:touchstone:epcis:" },
        ],
        "type": "ObjectEvent",
        "action": "ADD",
        "bizStep": "commissioning",
        "eventTime": "2026-01-01T08:30:00+08:00",
        "eventTimeZoneOffset": "+08:00",
        "epcList": [item],
        "ilmd": { "touchstone:activation": activation.recorded },
    });
    let members = more.as_object().unwrap().clone();
    event.as_object_mut().unwrap().extend(members);
    event.to_string()
}

fn openings(activation: &Activation) -> String {
    format!("urn:touchstone:activation:{}", activation.recorded)
}

/// A gateway for an organisation with a port for openings, which a page may ask.
async fn with_door<T>(
    organisation: &str,
    node: &Served,
    more: &[&str],
    story: impl AsyncFnOnce(&Gate) -> T,
) -> T {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address: SocketAddr = free.local_addr().unwrap();
    drop(free);
    let listen = address.to_string();
    let words = ["--openings", &listen, "--openings-origin", PAGE];
    let words = [&words[..], more].concat();
    with_gateway_of(organisation, node, &words, async |_| {
        story(&Gate::at(address)).await
    })
    .await
}

async fn ask(door: &Gate, item: &str, code: &str) -> Answer {
    let body = json!({ "item": item, "code": code }).to_string();
    let origin = format!("Origin: {PAGE}");
    door.ask("POST", "/openings", &[JSON, &origin], &body).await
}

/// How many events are recorded under a label.
fn recorded(node: &Served, activation: &Activation) -> usize {
    let key = touchstone_core::state::keys::item(&openings(activation));
    node.world().entries(&key).len()
}

#[tokio::test]
async fn an_opening_is_recorded_once_and_whoever_asks_later_hears_of_it() {
    let node = Served::start().await;
    let (mine, others) = (code(1), code(2));
    let events = [
        made(ITEM, &mine, &json!({})),
        made(OTHER, &others, &json!({})),
    ];
    node.world().record("acme", &events);
    let first = with_door("bravo", &node, &[], async |door| {
        let wrong = ask(door, ITEM, &others.code).await;
        assert_eq!(wrong.status, 400, "{}", wrong.body);
        assert_eq!(wrong.json()["touchstone:reason"], "wrong-code");
        assert_eq!(recorded(&node, &mine), 0);
        // As people type it.
        let typed = mine.code.to_lowercase().replace('-', " ").replace('0', "o");
        let answer = ask(door, ITEM, &typed).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        let first = answer.json();
        assert_eq!(
            (&first["first"], &first["organisation"]),
            (&json!(true), &json!("bravo"))
        );
        assert_eq!(
            answer.header("access-control-allow-origin").as_deref(),
            Some(PAGE)
        );
        assert_eq!(answer.header("cache-control").as_deref(), Some("no-store"));
        let again = ask(door, ITEM, &mine.code).await;
        assert_eq!(again.status, 200, "{}", again.body);
        assert_eq!(again.json()["first"], false);
        for same in ["time", "height", "transaction", "organisation"] {
            assert_eq!(again.json()[same], first[same]);
        }
        first
    })
    .await;
    // Another gateway, and the same after a restart, have no memory but the ledger.
    for organisation in ["bravo", "carol"] {
        let again = with_door(organisation, &node, &[], async |door| {
            ask(door, ITEM, &mine.code).await
        })
        .await;
        assert_eq!(again.status, 200, "{}", again.body);
        assert_eq!(again.json()["transaction"], first["transaction"]);
    }
    assert_eq!(recorded(&node, &mine), 1);
    let ran = node.run(&["item", &openings(&mine), "--json"]).await;
    let text = ran.json()[0]["steps"][0]["text"]
        .as_str()
        .unwrap()
        .to_owned();
    let event: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(event["touchstone:openingCode"], mine.code.replace('-', ""));
    // Two at once.
    let answers = with_door("bravo", &node, &[], async |door| {
        let both = tokio::join!(
            ask(door, OTHER, &others.code),
            ask(door, OTHER, &others.code)
        );
        [both.0.status, both.1.status]
    })
    .await;
    assert!(
        answers == [200, 201] || answers == [201, 200],
        "{answers:?}"
    );
    assert_eq!(recorded(&node, &others), 1);
}

#[tokio::test]
async fn what_opens_nothing_is_refused_with_its_reason() {
    let node = Served::start().await;
    let (plain, taken, long) = (code(3), code(4), code(5));
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    node.world()
        .record("acme", &[made(OTHER, &taken, &json!({}))]);
    // A member takes the label's identifier without its code.
    let empty = seen(&[&openings(&taken)], "storing");
    node.world().record("acme", &[empty]);
    node.world()
        .record("acme", &[made(LONG, &long, &json!({}))]);
    // More events than a page has.
    for _ in 0..2 {
        let many: Vec<String> = (0..520).map(|_| seen(&[LONG], "storing")).collect();
        node.world().record("acme", &many);
    }
    with_door(
        "bravo",
        &node,
        &["--openings-per-minute", "100"],
        async |door| {
            for (item, code, status, reason) in [
                (
                    "urn:epc:id:sgtin:9521234.050001.Z9",
                    &plain,
                    404,
                    json!("unknown"),
                ),
                (ITEM, &plain, 404, json!("no-code")),
                (OTHER, &taken, 409, json!("taken")),
                (LONG, &long, 413, json!("too-long")),
                (
                    "https://id.gs1.org/01/09521234500018",
                    &plain,
                    400,
                    Value::Null,
                ),
                ("lamp", &plain, 400, Value::Null),
            ] {
                let answer = ask(door, item, &code.code).await;
                assert_eq!(answer.status, status, "{item}: {}", answer.body);
                assert_eq!(answer.json()["touchstone:reason"], reason, "{item}");
            }
            let right = json!({ "item": OTHER, "code": "" }).to_string();
            for (method, path, headers, body, status) in [
                ("GET", "/openings", vec![], "", 404),
                ("GET", "/", vec![], "", 404),
                // What the gateway itself answers isn't answered here.
                ("GET", "/jobs", vec![], "", 404),
                ("POST", "/capture", vec![JSON], "{}", 404),
                ("POST", "/openings", vec![], right.as_str(), 415),
                ("POST", "/openings", vec![JSON], "{}", 400),
                (
                    "POST",
                    "/openings",
                    vec![JSON],
                    &right.replace("code", "exact"),
                    400,
                ),
                ("POST", "/openings", vec![JSON], &" ".repeat(5000), 400),
                (
                    "POST",
                    "/openings",
                    vec![JSON, "Origin: https://evil.example"],
                    &right,
                    403,
                ),
                (
                    "POST",
                    "/openings",
                    vec![JSON, "Host: evil.example"],
                    &right,
                    403,
                ),
                (
                    "OPTIONS",
                    "/openings",
                    vec!["Origin: https://evil.example"],
                    "",
                    403,
                ),
            ] {
                let answer = door.ask(method, path, &headers, body).await;
                assert_eq!(
                    answer.status, status,
                    "{method} {path} {headers:?}: {}",
                    answer.body
                );
                assert_eq!(answer.header("access-control-allow-origin"), None);
            }
            // A page's browser asks whether it may.
            let origin = format!("Origin: {PAGE}");
            let asked = ["Access-Control-Request-Method: POST", &origin];
            let answer = door.ask("OPTIONS", "/openings", &asked, "").await;
            assert_eq!(answer.status, 204);
            for (name, value) in [
                ("access-control-allow-origin", PAGE),
                ("access-control-allow-methods", "POST"),
                ("access-control-allow-headers", "content-type"),
                ("vary", "origin"),
            ] {
                assert_eq!(answer.header(name).as_deref(), Some(value), "{name}");
            }
        },
    )
    .await;
    assert_eq!(recorded(&node, &taken), 1);
}

#[tokio::test]
async fn a_code_that_its_maker_took_back_opens_nothing() {
    let node = Served::start().await;
    let (wrong, right) = (code(6), code(7));
    let named = json!({ "eventID": "urn:uuid:00000000-0000-4000-8000-000000000001" });
    let begun = made(OPEN_TO, &wrong, &named);
    let mut taken_back: Value = serde_json::from_str(&begun).unwrap();
    taken_back["errorDeclaration"] = json!({ "declarationTime": "2026-01-02T00:00:00Z" });
    node.world().record("acme", &[begun]);
    node.world().record("acme", &[taken_back.to_string()]);
    node.world()
        .record("acme", &[made(OPEN_TO, &right, &json!({}))]);
    with_door("bravo", &node, &[], async |door| {
        assert_eq!(ask(door, OPEN_TO, &wrong.code).await.status, 400);
        assert_eq!(ask(door, OPEN_TO, &right.code).await.status, 201);
    })
    .await;
    assert_eq!((recorded(&node, &wrong), recorded(&node, &right)), (0, 1));
}

/// Strangers try codes, and hold connections open. They are told to wait, cost the node no question, and keep nobody
/// else from opening a label.
#[tokio::test]
async fn strangers_at_the_door_cost_little_and_keep_nobody_out() {
    let node = Served::start().await;
    let (mine, others) = (code(8), code(9));
    node.world()
        .record("acme", &[made(ITEM, &mine, &json!({}))]);
    with_door("bravo", &node, &[], async |door| {
        assert_eq!(ask(door, ITEM, &others.code).await.status, 400);
        let before = node.world().answers;
        let mut statuses = Vec::new();
        for _ in 0..15 {
            let answer = ask(door, ITEM, &others.code).await;
            if answer.status == 429 {
                // The page must be able to read it.
                assert_eq!(
                    answer.header("access-control-allow-origin").as_deref(),
                    Some(PAGE)
                );
                assert!(answer.header("retry-after").is_some());
            }
            statuses.push(answer.status);
        }
        assert_eq!(statuses, [vec![400; 11], vec![429; 4]].concat());
        // From many addresses: what was proven of the thing serves them all.
        for address in 2..12 {
            let answer = ask(&door.asked_from([127, 0, 0, address]), ITEM, &others.code).await;
            assert_eq!(answer.status, 400, "{}", answer.body);
        }
        // The gateway itself asks now and then whether its node is there; 21 codes were looked at.
        let asked = node.world().answers - before;
        assert!(asked < 10, "wrong codes cost {asked} questions");
        // An address that holds all connections it may.
        let mut held = Vec::new();
        for _ in 0..200 {
            held.push(
                tokio::net::TcpStream::connect(door.address())
                    .await
                    .unwrap(),
            );
        }
        let honest = ask(&door.asked_from([127, 0, 0, 99]), ITEM, &mine.code).await;
        assert_eq!(honest.status, 201, "{}", honest.body);
        drop(held);
    })
    .await;
    assert_eq!(recorded(&node, &mine), 1);
}

#[tokio::test]
async fn a_gateway_has_no_such_door_unless_it_is_asked_for() {
    let node = Served::start().await;
    with_gateway_of("bravo", &node, &[], async |gate| {
        let answer = gate.ask("POST", "/openings", &[JSON], "{}").await;
        assert_eq!(answer.status, 404);
    })
    .await;
}

/// Codes of labels that weren't drawn would stand in the way of those that are.
#[tokio::test]
async fn no_codes_are_written_without_their_labels() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let codes = path("codes.csv");
    let thing = "(01)09521321000018(21)1";
    for (out, code) in [("labels.txt", 1), ("labels.pdf", 0)] {
        let out = path(out);
        let base = ["--base", "https://trace.example.org", "-o", &out];
        let words = ["label", thing, "--activation-codes", &codes];
        let ran = crate::fake::touchstone(&[&words[..], &base].concat()).await;
        assert_eq!(ran.code, code, "{ran:?}");
        assert_eq!(std::fs::exists(&codes).unwrap(), code == 0);
    }
}
