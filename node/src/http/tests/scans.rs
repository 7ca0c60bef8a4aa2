//! Scans that the page for people tells.

use super::*;
use crate::scans::{ScanStore, ScanTime};

const ADDRESS: &str = "/app/scans.json";
const LAMP: &str = "https://id.gs1.org/01/09521321000018/21/1";

/// A node that counts scans, and knows the lamp.
fn counting() -> Node {
    let mut node = start();
    let folder = node.folder.path().join("scans");
    let now_ms = crate::consensus_thread::now_ms();
    let time = ScanTime {
        clock_ms: now_ms,
        block_ms: now_ms,
    };
    let store = ScanStore::open(&folder, time).unwrap();
    let http = Arc::get_mut(&mut node.http).unwrap();
    http.scans = Some(Arc::new(store));
    http.app = app::App::new(&app::Surroundings::default(), true);
    assert_eq!(node.record(&[vec![event(LAMP, "")]]), 1);
    node
}

fn told(item: &str, row: i64, column: i64) -> String {
    format!(r#"{{"item": "{item}", "row": {row}, "column": {column}}}"#)
}

#[tokio::test]
async fn three_far_places_are_told_of_a_thing_that_the_ledger_knows() {
    let node = counting();
    let mut codes = Value::Null;
    for (row, column) in [(62, 243), (79, 232), (61, 208)] {
        let answer = node
            .post(ADDRESS, "application/json", told(LAMP, row, column))
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.json()["counted"], true);
        codes = answer.json()["codes"].clone();
    }
    let codes = codes.as_array().unwrap();
    assert!(codes.contains(&"scan-many-places".into()), "{codes:?}");
    // Another form of the same identifier is the same thing, and nothing is told of places.
    let urn = told("urn:epc:id:sgtin:9521321.000001.1", 62, 243);
    let answer = node.post(ADDRESS, "application/json", urn).await;
    assert_eq!(answer.json()["codes"].as_array(), Some(codes));
    assert_eq!(answer.json().as_object().unwrap().len(), 3);
    // What isn't recorded isn't counted.
    let other = told(&format!("{LAMP}2"), 62, 243);
    let answer = node.post(ADDRESS, "application/json", other).await;
    assert_eq!(
        (
            answer.json()["counted"].clone(),
            answer.json()["codes"].clone()
        ),
        (false.into(), Value::Array(vec![]))
    );
}

#[tokio::test]
async fn what_is_no_scan_is_refused() {
    let node = counting();
    for body in [
        "",
        "{}",
        &told("lamp", 0, 0),
        &told("https://id.gs1.org/01/09521321000018/10/B7", 0, 0),
        &told(LAMP, 181, 0),
        &told(LAMP, 0, -361),
        &told(LAMP, 1, 1).replace("\"row\"", "\"exact\""),
        &" ".repeat(5000),
    ] {
        let answer = node
            .post(ADDRESS, "application/json", body.to_owned())
            .await;
        assert_eq!(answer.exception(), "ValidationException", "{body}");
    }
    let answer = node.post(ADDRESS, "text/plain", told(LAMP, 1, 1)).await;
    assert_eq!(answer.status, 415);
}

#[tokio::test]
async fn a_node_counts_only_where_its_operator_wants_it() {
    let node = start();
    let answer = node
        .post(ADDRESS, "application/json", told(LAMP, 1, 1))
        .await;
    assert_eq!(answer.exception(), "NoSuchResourceException");
    assert_eq!(node.get("/app/members.json").await.json()["scans"], false);
    assert_eq!(
        counting().get("/app/members.json").await.json()["scans"],
        true
    );
}

#[tokio::test]
async fn telling_a_scan_needs_no_token_and_a_foreign_page_tells_none() {
    let mut node = counting();
    Arc::get_mut(&mut node.http).unwrap().access = Access::default().with_token("secret");
    let answer = node
        .post(ADDRESS, "application/json", told(LAMP, 1, 1))
        .await;
    assert_eq!(answer.status, 200);
    for (origin, status) in [
        ("http://127.0.0.1:4000", 200),
        ("https://evil.example", 403),
    ] {
        let request = Request::post(ADDRESS)
            .header("content-type", "application/json")
            .header("host", "127.0.0.1:4000")
            .header("origin", origin);
        let answer = node
            .ask(request.body(told(LAMP, 1, 1).into()).unwrap())
            .await;
        assert_eq!(answer.status, status, "{origin}");
    }
    assert_eq!(
        node.post("/capture", "application/json", "{}").await.status,
        401
    );
}

#[tokio::test]
async fn the_page_learns_where_openings_are_recorded() {
    let mut node = start();
    let told = node.get("/app/members.json").await.json();
    assert_eq!(told["openings"], Value::Null);
    let url = "https://openings.example.org";
    let surroundings = app::Surroundings {
        openings: Some(url.into()),
        ..app::Surroundings::default()
    };
    Arc::get_mut(&mut node.http).unwrap().app = app::App::new(&surroundings, false);
    let told = node.get("/app/members.json").await.json();
    assert_eq!(told["openings"], url);
}
