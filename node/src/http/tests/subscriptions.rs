//! Subscriptions to a named query.

use axum::body::BodyDataStream;
use futures::StreamExt;
use serde_json::json;

use super::*;

const EPC: &str = "https://id.gs1.org/01/09521234500018/21/A1";

/// A stream's lines so far.
struct Stream {
    pieces: BodyDataStream,
    text: String,
}

impl Stream {
    /// The next event: its id and the step in it.
    async fn next(&mut self) -> (String, String) {
        loop {
            if let Some((piece, rest)) = self.text.split_once("\n\n") {
                let (piece, rest) = (piece.to_owned(), rest.to_owned());
                self.text = rest;
                if piece.starts_with(':') {
                    continue;
                }
                let line = |name: &str| {
                    let mut lines = piece.lines();
                    lines.find_map(|l| l.strip_prefix(name)).unwrap().to_owned()
                };
                let data = line("data: ");
                split_document(data.as_bytes()).unwrap();
                let data: Value = serde_json::from_str(&data).unwrap();
                let results = &data["epcisBody"]["queryResults"];
                assert_eq!(results["queryName"], "mine");
                let event = &results["resultsBody"]["eventList"][0];
                return (line("id: "), event["bizStep"].as_str().unwrap().to_owned());
            }
            let piece = self
                .pieces
                .next()
                .await
                .expect("the stream goes on")
                .unwrap();
            self.text.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

impl Node {
    async fn subscribe(&self, after: Option<&str>) -> Stream {
        let mut request =
            Request::get("/queries/mine/events?stream=true").header("accept", "text/event-stream");
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = router(self.http.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        let mut stream = Stream {
            pieces: answer.into_body().into_data_stream(),
            text: String::new(),
        };
        // It is heard before anything happens.
        let first = stream.pieces.next().await.unwrap().unwrap();
        assert_eq!(&first[..], b": subscribed\n\n");
        stream
    }
}

async fn with_query() -> Node {
    let node = start();
    let query = json!({"EQ_bizStep": ["shipping", "receiving"]});
    let body = json!({"name": "mine", "query": query}).to_string();
    assert_eq!(
        node.post("/queries", "application/json", body).await.status,
        201
    );
    node
}

fn step(step: &str) -> Vec<u8> {
    event(EPC, &format!(",\n \"bizStep\": \"{step}\""))
}

#[tokio::test]
async fn a_subscriber_hears_new_events_that_fit_and_goes_on_where_it_was() {
    let mut node = with_query().await;
    node.record(&[vec![step("shipping")]]);
    let mut stream = node.subscribe(None).await;
    node.record(&[
        vec![step("packing"), step("receiving")],
        vec![step("packing")],
        vec![step("shipping"), step("receiving")],
    ]);
    let said = |id: &str, step: &str| (id.to_owned(), step.to_owned());
    assert_eq!(stream.next().await, said("2-0-1", "receiving"));
    assert_eq!(stream.next().await, said("4-0-0", "shipping"));
    drop(stream);
    let mut stream = node.subscribe(Some("4-0-0")).await;
    assert_eq!(stream.next().await, said("4-0-1", "receiving"));
    let mut from_the_first = node.subscribe(Some("0-0-0")).await;
    assert_eq!(from_the_first.next().await, said("1-0-0", "shipping"));
}

#[tokio::test]
async fn a_subscription_is_refused_in_another_form() {
    let node = with_query().await;
    let address = "/queries/mine/events?stream=true";
    let as_json = node.get_as(address, "application/json").await;
    assert_eq!(
        (as_json.status, as_json.exception().as_str()),
        (406, "NotAcceptableException")
    );
    let anything = node.get_as(address, "*/*").await;
    assert_eq!(
        (anything.status, anything.exception().as_str()),
        (406, "NotAcceptableException")
    );
    let request = Request::get(address)
        .header("accept", "text/event-stream")
        .header("last-event-id", "yesterday");
    let bad = node.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (bad.status, bad.exception().as_str()),
        (400, "ValidationException")
    );
}

/// One address subscribes more often than it may: the first ones give way, and the last one hears of events.
#[tokio::test]
async fn silent_subscribers_give_way_to_new_ones() {
    let mut node = with_query().await;
    let mut streams = Vec::new();
    for _ in 0..SUBSCRIPTIONS.0 + 1 {
        streams.push(node.subscribe(None).await);
    }
    let mut first = streams.swap_remove(0);
    assert!(first.pieces.next().await.is_none(), "it gave way");
    let mut last = streams.pop().unwrap();
    node.record(&[vec![step("shipping")]]);
    assert_eq!(last.next().await.1, "shipping");
}

#[tokio::test]
async fn a_foreign_page_neither_asks_nor_writes() {
    let node = start();
    for (method, name, value, status) in [
        ("GET", "host", "127.0.0.1:4000", 200),
        ("GET", "host", "evil.example", 403),
        ("GET", "origin", "https://evil.example", 403),
        ("POST", "origin", "https://evil.example", 403),
        ("DELETE", "host", "evil.example", 403),
    ] {
        let request = Request::builder().method(method).uri("/queries");
        let request = request.header(name, value).body(Body::empty()).unwrap();
        let answer = node.ask(request).await;
        assert_eq!(answer.status, status, "{method} {name}: {value}");
    }
}
