//! The description says what there is, and no more.

use std::collections::BTreeSet;

use touchstone_epcis::query::NAMES;

use super::*;

fn description() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

#[tokio::test]
async fn the_description_is_served() {
    let answer = start().get("/openapi.json").await;
    assert_eq!((answer.status, answer.json()), (200, description()));
}

/// The id is that of the document beside it, and the node's own.
#[tokio::test]
async fn the_chain_is_told_at_a_well_known_address() {
    let node = start();
    let answer = node.get("/.well-known/touchstone-chain").await;
    let chain = answer.json();
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(
        (answer.status, &chain["format"]),
        (200, &"touchstone/chain/v1".into())
    );
    let document = node.get(chain["genesis"].as_str().unwrap()).await;
    let id = touchstone_core::hash::sha256(document.text.as_bytes());
    assert_eq!(chain["chain_id"], hex::encode(id));
    assert_eq!(
        chain["chain_id"],
        hex::encode(node.http.service.parts.chain_id)
    );
    assert_eq!(document.json()["chain"], chain["chain"]);
}

#[tokio::test]
async fn every_path_that_is_described_is_there() {
    let node = start();
    for (path, methods) in description()["paths"].as_object().unwrap() {
        let path = path.replace(['{', '}'], "");
        // A method that nothing has: what is there refuses it otherwise than what isn't.
        let request = Request::builder().method("TRACE").uri(&path);
        let answer = node.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 405, "{path}");
        let allowed = answer.headers["allow"].to_str().unwrap().to_owned();
        let allowed: BTreeSet<&str> = allowed.split(',').filter(|m| *m != "HEAD").collect();
        let described: BTreeSet<String> = methods
            .as_object()
            .unwrap()
            .keys()
            .filter(|key| *key != "parameters")
            .map(|method| method.to_uppercase())
            .collect();
        let described: BTreeSet<&str> = described.iter().map(String::as_str).collect();
        assert_eq!(described, allowed, "{path}");
        let request = Request::builder().method("OPTIONS").uri(&path);
        let options = node.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(options.status, 204, "{path}");
        for told in ["allow", "gs1-epcis-version", "gs1-cbv-version"] {
            assert!(options.headers.contains_key(told), "{path}: {told}");
        }
    }
}

#[test]
fn every_key_of_a_digital_link_is_described() {
    let description = description();
    let paths: Vec<&String> = description["paths"].as_object().unwrap().keys().collect();
    for key in resolver::KEYS {
        let start = format!("/{key}/");
        assert!(paths.iter().any(|path| path.starts_with(&start)), "{key}");
    }
}

#[test]
fn every_parameter_of_a_query_is_described() {
    let description = description();
    let parameters = description["components"]["parameters"].as_object().unwrap();
    let described: BTreeSet<&str> = parameters
        .values()
        .filter(|p| p["in"] == "query")
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    for name in NAMES {
        assert!(described.contains(name), "{name}");
    }
}

#[tokio::test]
async fn everybody_sees_one_exact_thing_and_no_list() {
    let mut node = start();
    let item = event("https://id.gs1.org/01/09521234500018/21/7", "");
    assert_eq!(node.record(&[vec![item]]), 1);
    Arc::get_mut(&mut node.http).unwrap().audience = Audience::Everybody;
    let lists = [
        "/event",
        "/capture",
        "/queries",
        "/epcs",
        "/biz",
        "/readPoints",
        "/dispositions",
        "/app/status.json",
    ];
    for path in description()["paths"].as_object().unwrap().keys() {
        let path = path.replace(['{', '}'], "");
        let is_list = path == "/" || lists.iter().any(|list| path.starts_with(list));
        let request = Request::builder().method("TRACE").uri(&path);
        let answer = node.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, if is_list { 404 } else { 405 }, "{path}");
        assert_eq!(answer.text.contains("for members"), is_list, "{path}");
    }
    let address = "/01/09521234500018/21/7";
    let found = node.get_as(address, "application/json").await;
    assert_eq!(found.status, 200, "{}", found.text);
    let evidence = format!(
        "/evidence?item={}",
        encode(&format!("https://id.gs1.org{address}"))
    );
    let request = Request::get(evidence).body(Body::empty()).unwrap();
    let answer = router(node.http.clone()).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
}
