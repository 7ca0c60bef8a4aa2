//! Captures of signed transactions, and named queries.

use base64::Engine as _;
use serde_json::json;

use super::*;

const ENVELOPE: &str = "application/x-touchstone-envelope";
const EPC: &str = "https://id.gs1.org/01/09521234500018/21/A1";

#[tokio::test]
async fn a_signed_transaction_is_a_job_until_its_block() {
    let mut node = start();
    node.record(&[vec![event(EPC, "")]]);
    let envelope = node.envelope(&[event(EPC, r#", "bizStep": "shipping""#)]);
    let id = hex::encode(transaction::id_of_envelope(node.chain.chain_id(), &envelope).unwrap());
    let accepted = node.post("/capture", ENVELOPE, envelope.clone()).await;
    assert_eq!((accepted.status, accepted.text.as_str()), (202, ""));
    let location = accepted.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(location, format!("/capture/{id}"));
    let job = node.get(&location).await.json();
    assert_eq!(
        (&job["running"], &job["success"]),
        (&true.into(), &false.into())
    );
    node.block();
    let job = node.get(&location).await.json();
    assert_eq!(
        (&job["running"], &job["success"]),
        (&false.into(), &true.into())
    );
    assert_eq!(job["touchstone:record"], json!({"height": 2, "index": 0}));
    assert_eq!(job["captureErrorBehaviour"], "rollback");
    assert!(job["createdAt"].is_string() && job["finishedAt"].is_string());
    // The same bytes again are the same job.
    assert_eq!(node.post("/capture", ENVELOPE, envelope).await.status, 202);
    let list = node.get("/capture").await.json();
    assert_eq!(list, json!([job]));
    assert_eq!(node.all("/events?EQ_bizStep=shipping").await, ["2-0-0"]);
}

#[tokio::test]
async fn json_carries_an_envelope_in_base64() {
    let mut node = start();
    node.record(&[vec![event(EPC, "")]]);
    let envelope = node.envelope(&[event(EPC, "")]);
    let text = base64::engine::general_purpose::STANDARD.encode(&envelope);
    let body = json!({ "envelope": text }).to_string();
    assert_eq!(
        node.post("/capture", "application/json; charset=utf-8", body)
            .await
            .status,
        202
    );
}

#[tokio::test]
async fn what_cannot_be_captured_is_refused_with_its_rule() {
    let mut node = start();
    node.record(&[vec![event(EPC, "")]]);
    let broken = node.envelope(&[event(EPC, ""), b"{}".to_vec()]);
    let refused = node.post("/capture", ENVELOPE, broken).await;
    assert_eq!(
        (refused.status, refused.exception().as_str()),
        (400, "ValidationException")
    );
    let body = refused.json();
    assert_eq!(body["touchstone:event"], 1);
    assert!(body["touchstone:code"].is_u64() && body["touchstone:rule"].is_string());

    let document = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/epcis/valid/ObjectEvent.json"),
    );
    for (form, body, status, exception) in [
        (
            "application/json",
            document.unwrap(),
            415,
            "UnsupportedMediaTypeException",
        ),
        (
            "application/xml",
            "<a/>".into(),
            415,
            "UnsupportedMediaTypeException",
        ),
        ("application/json", "{".into(), 400, "ValidationException"),
        (
            "application/json",
            r#"{"envelope": "?"}"#.into(),
            400,
            "ValidationException",
        ),
        (
            "application/json",
            r#"{"envelope": 7}"#.into(),
            400,
            "ValidationException",
        ),
        (
            "application/json",
            "[]".into(),
            415,
            "UnsupportedMediaTypeException",
        ),
        (
            ENVELOPE,
            "not an envelope".into(),
            400,
            "ValidationException",
        ),
        (
            ENVELOPE,
            "x".repeat(6 << 20),
            413,
            "CaptureLimitExceededException",
        ),
    ] {
        let answer = node.post("/capture", form, body).await;
        assert_eq!(
            (answer.status, answer.exception().as_str()),
            (status, exception),
            "{form}"
        );
    }
    let envelope = node.envelope(&[event(EPC, "")]);
    let proceed = Request::post("/capture")
        .header("content-type", ENVELOPE)
        .header("GS1-Capture-Error-Behaviour", "proceed");
    let proceed = node.ask(proceed.body(Body::from(envelope)).unwrap()).await;
    assert_eq!(
        (proceed.status, proceed.exception().as_str()),
        (400, "ValidationException")
    );
    assert_eq!(node.get("/capture").await.json(), json!([]));
}

#[tokio::test]
async fn a_named_query_is_kept_asked_and_forgotten() {
    let mut node = start();
    node.record(&documents("import-story"));
    let query = json!({"EQ_bizStep": ["shipping", "receiving"], "eventCountLimit": 3});
    let definition = json!({"name": "moves", "query": query}).to_string();
    let made = node
        .post("/queries", "application/json", definition.clone())
        .await;
    assert_eq!(
        (made.status, made.headers["location"].to_str().unwrap()),
        (201, "/queries/moves")
    );
    let again = node
        .post("/queries", "application/json", definition.clone())
        .await;
    assert_eq!(
        (again.status, again.exception().as_str()),
        (409, "ResourceAlreadyExistsException")
    );
    let folder = std::mem::replace(&mut node.folder, tempfile::tempdir().unwrap());
    drop(node);
    let node = start_at(folder);

    let kept: Value = serde_json::from_str(&definition).unwrap();
    assert_eq!(node.get("/queries").await.json(), json!([kept]));
    assert_eq!(node.get("/queries/moves").await.json(), kept);
    let found = node.all("/queries/moves/events?perPage=2").await;
    let same = node
        .all("/events?EQ_bizStep=shipping%7Creceiving&eventCountLimit=3")
        .await;
    assert_eq!((found.len(), &found), (3, &same));
    let page = node.get("/queries/moves/events").await.json();
    assert_eq!(page["epcisBody"]["queryResults"]["queryName"], "moves");

    let forget = || {
        Request::delete("/queries/moves")
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(node.ask(forget()).await.status, 204);
    let gone = node.ask(forget()).await;
    assert_eq!(
        (gone.status, gone.exception().as_str()),
        (404, "NoSuchNameException")
    );
    assert_eq!(node.get("/queries").await.json(), json!([]));
}

#[tokio::test]
async fn what_is_no_definition_is_refused() {
    let node = start();
    let long = "n".repeat(65);
    let large = json!({"name": "a", "query": {"EQ_eventID": "x".repeat(70_000)}});
    for (definition, status, exception) in [
        (json!([]), 400, "ValidationException"),
        (json!({}), 400, "ValidationException"),
        (json!({"name": "", "query": {}}), 400, "ValidationException"),
        (
            json!({"name": "..", "query": {}}),
            400,
            "ValidationException",
        ),
        (
            json!({"name": "a/b", "query": {}}),
            400,
            "ValidationException",
        ),
        (
            json!({"name": long, "query": {}}),
            400,
            "ValidationException",
        ),
        (
            json!({"name": "SimpleEventQuery", "query": {}}),
            400,
            "ValidationException",
        ),
        (
            json!({"name": "a", "query": {}, "more": 1}),
            400,
            "ValidationException",
        ),
        (json!({"name": "a"}), 400, "QueryParameterException"),
        (
            json!({"name": "a", "query": {"colour": "red"}}),
            400,
            "QueryParameterException",
        ),
        (
            json!({"name": "a", "query": {"EQ_action": true}}),
            400,
            "QueryParameterException",
        ),
        (
            json!({"name": "a", "query": {"perPage": 3}}),
            400,
            "QueryParameterException",
        ),
        (large, 413, "CaptureLimitExceededException"),
    ] {
        let answer = node
            .post("/queries", "application/json", definition.to_string())
            .await;
        assert_eq!(
            (answer.status, answer.exception().as_str()),
            (status, exception),
            "{definition}"
        );
    }
    let text = node.post("/queries", "text/plain", "{}").await;
    assert_eq!(
        (text.status, text.exception().as_str()),
        (415, "UnsupportedMediaTypeException")
    );
    let broken = node.post("/queries", "application/json", "{").await;
    assert_eq!(
        (broken.status, broken.exception().as_str()),
        (400, "ValidationException")
    );
}
