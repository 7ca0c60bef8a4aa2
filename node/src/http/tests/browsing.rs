//! What the binding lets a client browse: values and things, page after page.

use super::*;

/// Each thing once, at its first event, page after page; classes and places aren't things.
#[tokio::test]
async fn all_things_are_listed_once() {
    let mut node = start();
    for document in documents("epcis/valid") {
        node.record(&[document]);
    }
    let in_order = "/events?perPage=1000&orderBy=recordTime&orderDirection=ASC";
    let all = node.get(in_order).await.json();
    let events = &all["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    let mut expected = Vec::new();
    for event in events.as_array().unwrap() {
        let mut event = event.clone();
        for added in ["touchstone:record", "recordTime"] {
            event.as_object_mut().unwrap().shift_remove(added);
        }
        let event = touchstone_epcis::Event::parse(event.to_string().as_bytes()).unwrap();
        for item in event.items() {
            let named = event.item(item.as_str()).is_some() && !item.is_class();
            if named && !expected.contains(&item.as_str().to_owned()) {
                expected.push(item.as_str().to_owned());
            }
        }
    }
    assert!(expected.len() > 10);
    for per_page in [1, 3, 1000] {
        let mut found = Vec::new();
        let mut address = format!("/epcs?perPage={per_page}");
        loop {
            let page = node.get(&address).await;
            let some = page.json()["member"].as_array().unwrap().clone();
            assert!(some.len() <= per_page, "{some:?}");
            found.extend(some.iter().map(|m| m.as_str().unwrap().to_owned()));
            match page.next() {
                Some(next) => address = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(found, expected, "{per_page}");
    }
    for address in [
        "/epcs?nextPageToken=00",
        "/epcs?MATCH_epc=urn:x:1",
        "/epcs?perPage=0",
    ] {
        assert_eq!(node.get(address).await.status, 400, "{address}");
    }
}

/// A token comes from a client, which may have changed it: no count in it breaks a thread.
#[tokio::test]
async fn a_token_that_was_changed_is_answered() {
    let mut node = start();
    node.record(&documents("import-story"));
    let next = node.get("/events?perPage=1").await.next().unwrap();
    let (_, token) = next.split_once("nextPageToken=").unwrap();
    let (first, given) = token.split_at(token.len() - 16);
    assert_eq!(given, "0000000000000001");
    let changed = format!("/events?perPage=1&nextPageToken={first}ffffffffffffffff");
    assert_eq!(node.get(&changed).await.events().len(), 1);
    for changed in [
        format!("{}{given}", "f".repeat(first.len())),
        "f".repeat(token.len()),
    ] {
        let of_another = format!("/events?perPage=1&nextPageToken={changed}");
        assert_eq!(node.get(&of_another).await.status, 400);
        // The same with the query's own digest.
        let changed = format!("{}{}", &first[..16], &changed[16..]);
        let changed = format!("/events?perPage=1&nextPageToken={changed}");
        assert_eq!(node.get(&changed).await.status, 200);
    }
}

/// What the header adds may not lie deeper than can be read again: a node would take its own definition for damage.
#[tokio::test]
async fn a_query_that_could_not_be_read_again_is_not_kept() {
    let node = start();
    let define = async |name: &str, depth: usize| {
        let context = format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        let body = format!("{{\"name\": \"{name}\", \"query\": {{\"@context\": {context}}}}}");
        let request = Request::post("/queries")
            .header("content-type", "application/json")
            .header("gs1-extensions", "example=https://example.org/");
        node.ask(request.body(body.into()).unwrap()).await.status
    };
    assert_eq!(define("deepest", 123).await, 201);
    assert_eq!(node.get("/queries/deepest").await.status, 200);
    assert_eq!(define("deeper", 124).await, 400);
    assert_eq!(node.get("/queries/deeper").await.status, 404);
    assert_eq!(
        node.get("/queries").await.json().as_array().unwrap().len(),
        1
    );
}

/// What the binding lets a client browse.
#[tokio::test]
async fn collections_list_what_events_have() {
    let mut node = start();
    for document in documents("epcis/valid") {
        node.record(&[document]);
    }
    let members = |answer: &Value| -> std::collections::BTreeSet<String> {
        assert_eq!(answer["type"], "Collection");
        let members = answer["member"].as_array().unwrap().iter();
        members.map(|m| m.as_str().unwrap().to_owned()).collect()
    };
    let top = members(&node.get("/").await.json());
    assert!(
        top.contains("events") && top.contains("bizSteps"),
        "{top:?}"
    );
    let types = members(&node.get("/eventTypes").await.json());
    assert_eq!(types.len(), 5);
    for (collection, pointer) in [
        ("bizSteps", "/bizStep"),
        ("dispositions", "/disposition"),
        ("readPoints", "/readPoint/id"),
        ("bizLocations", "/bizLocation/id"),
    ] {
        let mut found = std::collections::BTreeSet::new();
        let mut address = format!("/{collection}?perPage=2");
        loop {
            let page = node.get(&address).await;
            let some = members(&page.json());
            assert!(some.len() <= 2 && some.is_disjoint(&found), "{some:?}");
            found.extend(some);
            match page.next() {
                Some(next) => address = next.to_owned(),
                None => break,
            }
        }
        assert!(!found.is_empty(), "{collection}");
        let expected: std::collections::BTreeSet<String> = documents("epcis/valid")
            .iter()
            .flatten()
            .filter_map(|event| {
                let event: Value = serde_json::from_slice(event).unwrap();
                let value = event.pointer(pointer)?.as_str()?.to_owned();
                let id = touchstone_epcis::Identifier::parse(&value);
                Some(match (collection, id) {
                    ("readPoints" | "bizLocations", Ok(id)) => id.as_str().to_owned(),
                    _ => value,
                })
            })
            .collect();
        if matches!(collection, "readPoints" | "bizLocations") {
            assert!(
                found.is_subset(&expected),
                "{collection}: {found:?} {expected:?}"
            );
        }
        let one = found
            .first()
            .unwrap()
            .replace('/', "%2F")
            .replace(':', "%3A");
        let under = node.get(&format!("/{collection}/{one}")).await;
        assert_eq!(
            under.json()["member"],
            serde_json::json!(["events"]),
            "{one}"
        );
    }
    for (address, status) in [
        ("/bizSteps/holding_on", 400),
        (
            "/epcs/https%3A%2F%2Fid.gs1.org%2F01%2F09521234500018%2F21%2FNONE",
            404,
        ),
        ("/bizSteps?EQ_action=ADD", 400),
        ("/bizSteps?nextPageToken=00", 400),
        ("/eventTypes/ObjectEvent", 200),
    ] {
        assert_eq!(node.get(address).await.status, status, "{address}");
    }
}
