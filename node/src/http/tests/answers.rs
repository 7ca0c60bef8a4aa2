//! What queries and the resolver answer, and what they refuse.

use base64::Engine as _;
use prost::Message;
use touchstone_core::block::Header;
use touchstone_core::proof::{header, link, state};
use touchstone_core::state::{delta::decode_stored, keys};
use touchstone_epcis::query::{OrderBy, QueriedEvent, Query, QueryParameters};
use touchstone_proto::ledger::Item;
use touchstone_proto::node::ItemReply;

use super::*;

#[tokio::test]
async fn pages_hold_every_event_once_with_its_place() {
    let mut node = start();
    let story = documents("import-story");
    node.record(&story);
    let all = node.all("/events?perPage=1000").await;
    assert!(all.len() > 12);
    assert_eq!(node.all("/events?perPage=3").await, all);
    let page = node.get("/events?perPage=3").await;
    assert_eq!(page.headers["content-type"], "application/json");
    assert_eq!(page.headers["gs1-epcis-version"], "2.0.0");
    assert_eq!(page.headers["gs1-cbv-max"], "2.0.0");
    assert_eq!(
        page.headers["gs1-extensions"],
        "touchstone=urn:touchstone:epcis:"
    );
    assert_eq!(page.events().len(), 3);
    for event in page.events() {
        let own = event["touchstone:record"]["touchstone:id"]
            .as_str()
            .unwrap()
            .to_owned();
        let one = node.get(&format!("/events/{}", encode(&own))).await;
        assert_eq!(one.events(), [event]);
        let transaction = one.events()[0]["touchstone:record"]["touchstone:transaction"].clone();
        assert_eq!(transaction.as_str().unwrap().len(), 64);
    }
    let as_linked_data = node.get_as("/events", "application/ld+json").await;
    assert_eq!(
        as_linked_data.headers["content-type"],
        "application/ld+json"
    );
}

/// Whatever the index and the links are used for, the answer is the one of asking every event.
#[tokio::test]
async fn every_way_to_find_gives_what_asking_every_event_gives() {
    let mut node = start();
    let captures = public();
    let mut recorded = Vec::new();
    for capture in &captures {
        if node.record(std::slice::from_ref(capture)) == 1 {
            let tip = node.chain.tip();
            let id = format!("{}-0-0", tip.height);
            let time = i64::try_from(tip.time_ms).unwrap();
            let subject = QueriedEvent::read(&capture[0], time, String::new()).unwrap();
            recorded.push((id, subject));
        }
    }
    assert!(recorded.len() > 50);
    let half = document::time_text(recorded[30].1.record_time_ms as u64);
    for parameters in [
        String::new(),
        "eventType=ObjectEvent".into(),
        "EQ_bizStep=inspecting|receiving|inspecting".into(),
        "EQ_disposition=in_transit&EQ_action=OBSERVE".into(),
        "EQ_readPoint=urn:epc:id:sgln:4012345.00005.0".into(),
        "WD_readPoint=urn:epc:id:sgln:0012345.11111.0".into(),
        "EQ_bizLocation=urn:epc:id:sgln:0614141.00888.0&eventType=ObjectEvent".into(),
        "GE_eventTime=2013-01-01T00:00:00Z&LT_eventTime=2020-01-01T00:00:00Z".into(),
        "GE_eventTime=2013-01-01T00:00:00Z&EQ_bizStep=inspecting".into(),
        format!("GE_recordTime={half}"),
        format!("LT_recordTime={half}&EQ_action=OBSERVE"),
        format!("GE_recordTime={half}&LT_recordTime={half}"),
        "MATCH_anyEPC=urn:epc:id:sgtin:0614141.107346.2018".into(),
        "MATCH_epc=urn:epc:id:sgtin:0614141.107346.2017|urn:epc:id:giai:4000001.12345".into(),
        "MATCH_anyEPC=urn:epc:idpat:sgtin:4012345.*.*".into(),
        "MATCH_anyEPCClass=urn:epc:class:lgtin:4012345.012345.998877".into(),
        "EQ_eventID=urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8".into(),
        "EXISTS_errorDeclaration=".into(),
        "GT_quantity=100".into(),
    ] {
        let mut given = QueryParameters::default();
        for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap();
            given.add(name, value.split('|').map(str::to_owned).collect());
        }
        let query = Query::read(&given).unwrap();
        let fitting: Vec<_> = recorded.iter().filter(|(_, s)| query.matches(s)).collect();
        for order in [
            "",
            "eventTime ASC",
            "eventTime DESC",
            "recordTime ASC",
            "recordTime DESC",
        ] {
            let mut expected: Vec<_> = (0..fitting.len()).collect();
            let ordered = order.split_once(' ');
            if let Some(("eventTime", _)) = ordered {
                expected.sort_by_key(|n| fitting[*n].1.event.time_ms);
            }
            if ordered.is_some_and(|(_, direction)| direction == "DESC") {
                expected.reverse();
            }
            let mut expected: Vec<_> = expected.iter().map(|n| fitting[*n].0.clone()).collect();
            let mut address = format!("/events?perPage=4&{parameters}");
            if let Some((by, direction)) = ordered {
                address.push_str(&format!("&orderBy={by}&orderDirection={direction}"));
            }
            let mut found = node.all(&address.replace('|', "%7C")).await;
            if ordered.is_none() {
                // The order is free.
                expected.sort();
                found.sort();
            }
            assert_eq!(found, expected, "{address}");
        }
    }
    let mut given = QueryParameters::default();
    given.add("orderBy", vec!["eventTime".into()]);
    let ordered = Query::read(&given).unwrap();
    assert_eq!(ordered.order.map(|o| o.by), Some(OrderBy::EventTime));
}

#[tokio::test]
async fn a_path_stands_for_a_parameter() {
    let mut node = start();
    node.record(&public());
    for (path, value, parameter) in [
        ("eventTypes", "ObjectEvent", "eventType"),
        (
            "epcs",
            "urn:epc:id:sgtin:0614141.107346.2018",
            "MATCH_anyEPC",
        ),
        (
            "epcs",
            "https://id.gs1.org/01/10614141073464/21/2018",
            "MATCH_anyEPC",
        ),
        ("bizSteps", "inspecting", "EQ_bizStep"),
        (
            "bizSteps",
            "https://ref.gs1.org/cbv/BizStep-inspecting",
            "EQ_bizStep",
        ),
        (
            "bizLocations",
            "urn:epc:id:sgln:0614141.00888.0",
            "EQ_bizLocation",
        ),
        (
            "readPoints",
            "urn:epc:id:sgln:4012345.00005.0",
            "EQ_readPoint",
        ),
        ("dispositions", "in_transit", "EQ_disposition"),
    ] {
        let by_path = node
            .all(&format!("/{path}/{}/events?perPage=3", encode(value)))
            .await;
        let by_query = node
            .all(&format!("/events?{parameter}={}", encode(value)))
            .await;
        assert!(by_path.len() > 3, "{path} {value}");
        assert_eq!(by_path, by_query, "{path} {value}");
    }
    let narrowed = node
        .get("/eventTypes/ObjectEvent/events?EQ_action=ADD")
        .await;
    assert!(narrowed.events().iter().all(|e| e["action"] == "ADD"));
    let twice = node
        .get("/bizSteps/inspecting/events?EQ_bizStep=receiving")
        .await;
    assert_eq!(
        (twice.status, twice.exception().as_str()),
        (400, "QueryParameterException")
    );
}

#[tokio::test]
async fn limits_bound_an_answer() {
    let mut node = start();
    node.record(&documents("import-story"));
    let all = node.all("/events").await;
    let first = node.all("/events?eventCountLimit=7&perPage=3").await;
    assert_eq!(first, all[..7]);
    assert_eq!(
        node.all("/events?eventCountLimit=3&perPage=3").await,
        all[..3]
    );
    let exact = format!("/events?maxEventCount={}", all.len());
    assert_eq!(node.all(&exact).await, all);
    let too_many = node
        .get(&format!("/events?maxEventCount={}", all.len() - 1))
        .await;
    assert_eq!(
        (too_many.status, too_many.exception().as_str()),
        (413, "QueryTooLargeException")
    );
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_with_its_exception() {
    let mut node = start();
    node.record(&documents("import-story"));
    let page = node.get("/events?perPage=3").await;
    let next = page.next().unwrap();
    let (_, token) = next.split_once("nextPageToken=").unwrap();
    let other = format!("/events?EQ_action=ADD&nextPageToken={token}");
    let long = format!("/events?EQ_eventID={}", "a".repeat(MAX_ADDRESS_BYTES));
    let complex = format!("/events?EQ_eventID={}", "a".repeat(3000));
    for (address, status, exception) in [
        ("/events?colour=red", 400, "QueryParameterException"),
        ("/events?EQ_action=LOOK", 400, "QueryParameterException"),
        ("/events?perPage=0", 400, "QueryParameterException"),
        ("/events?perPage=1001", 400, "QueryParameterException"),
        (
            "/events?perPage=2&perPage=3",
            400,
            "QueryParameterException",
        ),
        (
            "/events?EQ_action=ADD&EQ_action=ADD",
            400,
            "QueryParameterException",
        ),
        ("/events?nextPageToken=00", 400, "QueryParameterException"),
        (
            "/events?nextPageToken=%C3%A9",
            400,
            "QueryParameterException",
        ),
        (other.as_str(), 400, "QueryParameterException"),
        ("/events?stream=true", 400, "QueryParameterException"),
        (complex.as_str(), 400, "QueryParameterException"),
        (long.as_str(), 414, "URITooLongException"),
        ("/events/urn:uuid:none", 404, "NoSuchResourceException"),
        (
            "/events/urn:uuid:none?EQ_action=ADD",
            400,
            "QueryParameterException",
        ),
        ("/events/%FF", 400, "ValidationException"),
        (
            "/eventTypes/PartyEvent/events",
            400,
            "QueryParameterException",
        ),
        ("/epcs/x/events", 400, "QueryParameterException"),
        ("/nothing", 404, "NoSuchResourceException"),
        ("/01/1", 400, "ValidationException"),
        (
            "/01/09521234500018/21/A1?from=x",
            400,
            "QueryParameterException",
        ),
        ("/queries/none", 404, "NoSuchNameException"),
        ("/queries/none/events", 404, "NoSuchNameException"),
        (
            "/queries/none/events?EQ_action=ADD",
            400,
            "QueryParameterException",
        ),
        ("/capture/00", 404, "NoSuchResourceException"),
        ("/capture?EQ_action=ADD", 400, "QueryParameterException"),
    ] {
        let answer = node.get(address).await;
        assert_eq!(
            (answer.status, answer.exception().as_str()),
            (status, exception),
            "{address}"
        );
    }
    let as_image = node.get_as("/events", "image/png").await;
    assert_eq!(
        (as_image.status, as_image.exception().as_str()),
        (406, "NotAcceptableException")
    );
    let delete = Request::delete("/events").body(Body::empty()).unwrap();
    let delete = node.ask(delete).await;
    assert_eq!(
        (delete.status, delete.headers["allow"].to_str().unwrap()),
        (405, "GET,HEAD")
    );
    assert_eq!(delete.exception(), "ValidationException");
}

#[tokio::test]
async fn other_versions_are_not_spoken() {
    let mut node = start();
    node.record(&documents("import-story")[..1]);
    for (name, value, status) in [
        ("GS1-EPCIS-Version", "2.0.0", 200),
        ("GS1-EPCIS-Version", "2.0", 200),
        ("GS1-EPCIS-Version", "1.2", 406),
        ("GS1-EPCIS-Min", "1.2", 200),
        ("GS1-EPCIS-Min", "2.1", 406),
        ("GS1-EPCIS-Max", "2.0", 200),
        ("GS1-EPCIS-Max", "1.3.0", 406),
        ("GS1-CBV-Min", "3", 406),
        ("GS1-CBV-Version", "two", 406),
        ("GS1-CBV-Max", "2.0.0.0", 406),
        ("GS1-EPCIS-Version", "2.0.1", 200),
        ("GS1-EPCIS-Min", "2.0.1", 200),
        ("GS1-EPC-Format", "Never_Translates", 200),
        ("GS1-EPC-Format", "Always_GS1_Digital_Link", 200),
        ("GS1-EPC-Format", "Always_EPC_URN", 406),
    ] {
        let request = Request::get("/events").header(name, value);
        let answer = node.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{name}: {value}");
        if status == 406 {
            assert_eq!(answer.exception(), "NotAcceptableException");
        }
    }
}

#[tokio::test]
async fn identifiers_are_given_as_digital_links_where_asked_for() {
    let mut node = start();
    let urn = "urn:epc:id:sgtin:9521234.050001.A1";
    let link = "https://id.gs1.org/01/09521234500018/21/A1";
    assert_eq!(node.record(&[vec![event(urn, r#", "ext:n": 1.00"#)]]), 1);
    for (format, told, epc) in [
        (None, "Never_Translates", urn),
        (Some("No_Preference"), "Never_Translates", urn),
        (
            Some("Always_GS1_Digital_Link"),
            "Always_GS1_Digital_Link",
            link,
        ),
    ] {
        let mut request = Request::get("/events");
        if let Some(format) = format {
            request = request.header("GS1-EPC-Format", format);
        }
        let answer = node.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers["gs1-epc-format"], told);
        assert!(
            answer.text.contains(&format!("[\"{epc}\"]")),
            "{}",
            answer.text
        );
        assert!(answer.text.contains("1.00"), "{}", answer.text);
    }
}

/// A submitter can't say for the ledger where an event is.
#[tokio::test]
async fn an_event_is_given_as_it_was_signed_but_for_a_place_that_it_claims() {
    let mut node = start();
    let epc = "https://id.gs1.org/01/09521234500018/21/A1";
    let more = r#", "\u0074ouchstone:record": {"touchstone:height": 9}, "ext:n": 1.00,
        "recordTime": "2020-01-01T00:00:00Z""#;
    assert_eq!(node.record(&[vec![event(epc, more)]]), 1);
    let answer = node.get("/events").await;
    assert!(answer.text.contains(r#""ext:n": 1.00"#), "{}", answer.text);
    let found = &answer.events()[0];
    assert_eq!(found["recordTime"], "2020-01-01T00:00:00Z");
    assert_eq!(found["touchstone:record"]["touchstone:height"], 1);
    assert_eq!(
        found["touchstone:record"]["touchstone:organisation"],
        "platform"
    );
    // Without a time of recording of its own it is given the block's.
    node.record(&[vec![event(epc, "")]]);
    let found = &node
        .get("/events?perPage=1&orderBy=recordTime")
        .await
        .events()[0];
    let time = document::time_text(node.chain.tip().time_ms);
    assert_eq!(found["recordTime"], time.as_str());
}

#[tokio::test]
async fn the_resolver_answers_with_an_item_that_a_light_client_verifies() {
    let mut node = start();
    let epc = "https://id.gs1.org/01/09521234500018/21/A1";
    for step in ["shipping", "receiving"] {
        node.record(&[vec![event(epc, &format!(r#", "bizStep": "{step}""#))]]);
    }
    let path = "/01/09521234500018/21/A1";
    let answer = node.get(path).await;
    let body = answer.json();
    assert_eq!(
        (answer.status, &body["id"], &body["count"]),
        (200, &epc.into(), &2.into())
    );
    assert_eq!(body["last"]["bizStep"], "receiving");
    assert_eq!(
        (&body["state"], &body["holder"], &body["container"]),
        (&"received".into(), &"platform".into(), &Value::Null)
    );
    assert_eq!(
        (&body["complete"], &body["next"]),
        (&true.into(), &Value::Null)
    );
    let (reply, item) = verified(&node, epc, &body["proof"]);
    link::verify(&item.unwrap().link.unwrap(), &reply.events).unwrap();
    let source = body["events"][1]["source"].as_str().unwrap();
    assert_eq!(source.as_bytes(), reply.events[1].event);

    let rest = node
        .get(&format!("{path}?from=1&linkType=gs1:epcis"))
        .await
        .json();
    assert_eq!(
        (&rest["from"], &rest["complete"]),
        (&1.into(), &false.into())
    );
    assert_eq!(rest["events"].as_array().unwrap().len(), 1);

    let absent = node.get("/01/09521234500018/21/A2").await;
    assert_eq!(
        (absent.status, absent.exception().as_str()),
        (404, "NoSuchResourceException")
    );
    let other = "https://id.gs1.org/01/09521234500018/21/A2";
    assert!(verified(&node, other, &absent.json()["proof"]).1.is_none());

    let linked = node.get_as(path, "application/linkset+json").await;
    assert_eq!(linked.headers["content-type"], "application/linkset+json");
    let links = &linked.json()["linkset"][0];
    let epcis = links["https://ref.gs1.org/voc/epcis"][0]["href"]
        .as_str()
        .unwrap();
    assert_eq!(node.get(epcis).await.events().len(), 2);

    let text = node.get_as(path, "text/plain").await;
    assert_eq!(text.headers["content-type"], "text/plain; charset=utf-8");
    assert!(
        text.text.contains("2 events") && text.text.contains("state: received\n"),
        "{}",
        text.text
    );
    // A batch beside a serial number is no part of the identity.
    let batch = node.get("/01/09521234500018/10/B/21/A1").await;
    assert_eq!(batch.json()["id"], epc);
}

/// Checks the message of an answer as a light client does.
fn verified(node: &Node, id: &str, proof: &Value) -> (ItemReply, Option<Item>) {
    let text = proof["base64"].as_str().unwrap();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .unwrap();
    let reply = ItemReply::decode(bytes.as_slice()).unwrap();
    let record = reply.record.clone().unwrap();
    let certified = record.header.unwrap();
    let validators = node.chain.validators();
    let decoded: Header = header::verify(node.chain.chain_id(), validators, &certified).unwrap();
    let key = keys::item(id);
    let value = record.value.as_deref();
    state::verify(&decoded.state_root, &key, value, &record.proof.unwrap()).unwrap();
    let item = value.map(|value| decode_stored(&key, value).unwrap());
    (reply, item)
}

#[tokio::test]
async fn a_browser_gets_the_page_for_people() {
    let node = start();
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    for address in ["/01/09521234500018/21/A1", "/01/1", "/app/", "/app"] {
        let page = node.get_as(address, accept).await;
        let told = |name: &str| page.headers[name].to_str().unwrap().to_owned();
        assert_eq!(page.status, 200, "{address}");
        assert_eq!(told("content-type"), "text/html; charset=utf-8");
        assert!(
            told("content-security-policy").starts_with("default-src 'none'; script-src 'sha256-")
        );
        assert!(page.text.starts_with("<!doctype html>"), "{address}");
    }
    let members = node.get("/app/members.json").await;
    assert_eq!(
        members.json(),
        serde_json::json!({ "members": [], "scans": false, "openings": null })
    );
}

#[tokio::test]
async fn the_page_learns_how_the_node_is() {
    let mut node = start();
    node.record(&[vec![event(
        "https://id.gs1.org/01/09521234500018/21/A1",
        r#", "bizStep": "shipping""#,
    )]]);
    let told = node.get("/app/status.json").await.json();
    let chain_id = hex::encode(node.chain.chain_id());
    assert_eq!(told["chain_id"], chain_id.as_str());
    let blocks = told["blocks"].as_array().unwrap();
    assert_eq!(told["height"], blocks.len());
    assert_eq!(told["block_id"], blocks[0]["id"]);
    assert_eq!(blocks[0]["transactions"], 1);
    let validators = told["validators"].as_array().unwrap();
    let signer = &blocks[0]["signers"][0];
    assert!(validators.iter().any(|one| one["public_key"] == *signer));
}

#[tokio::test]
async fn a_file_leads_to_the_designs_that_were_disclosed_with_it() {
    let mut node = start();
    node.block();
    let nobodys = format!("/app/designs.json?file={}", "ab".repeat(32));
    let told = node.get(&nobodys).await;
    assert_eq!(told.json(), serde_json::json!({ "designs": [] }));
    for query in [
        "",
        "?file=ab",
        "?file=zz",
        "?design=ab",
        &format!("?file={}", "AB".repeat(32)),
        &format!("?file={0}&file={0}", "ab".repeat(32)),
    ] {
        let refused = node.get(&format!("/app/designs.json{query}")).await;
        assert_eq!(refused.status, 400, "{query}");
    }
}

#[tokio::test]
async fn evidence_files_are_given_and_hold() {
    use touchstone_core::evidence::{Trusted, examine};
    let mut node = start();
    let epc = "https://id.gs1.org/01/09521234500018/21/A1";
    node.record(&[vec![event(epc, r#", "bizStep": "shipping""#)]]);
    let trusted = Trusted {
        chain_id: Some(*node.chain.chain_id()),
        ..Trusted::default()
    };
    let design = "ab".repeat(32);
    for address in [
        "/evidence?item=https%3A%2F%2Fid.gs1.org%2F01%2F09521234500018%2F21%2FA1",
        "/evidence?item=urn%3Aepc%3Aid%3Asgtin%3A9521234.050001.A1",
        "/evidence?item=https%3A%2F%2Fid.gs1.org%2F01%2F09521234500018%2F21%2FNONE",
        &format!("/designs/{design}/evidence"),
    ] {
        let request = Request::get(address).body(Body::empty()).unwrap();
        let answer = router(node.http.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{address}");
        assert_eq!(
            answer.headers()["content-type"],
            "application/x-touchstone-evidence"
        );
        let file = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let report = examine(&file, &trusted);
        assert!(
            report.failure().is_none(),
            "{address}: {:?}",
            report.failure()
        );
    }
    for (address, exception) in [
        ("/evidence", "QueryParameterException"),
        ("/evidence?item=a&item=b", "QueryParameterException"),
        ("/evidence?item=a&from=1", "QueryParameterException"),
        ("/evidence?item=lamp", "ValidationException"),
        ("/designs/ab/evidence", "ValidationException"),
        ("/designs/xy/evidence", "ValidationException"),
    ] {
        let refused = node.get(address).await;
        assert_eq!(
            (refused.status, refused.exception().as_str()),
            (400, exception),
            "{address}"
        );
    }
    let page = node.get_as(
        "/evidence?item=urn%3Aepc%3Aid%3Asgtin%3A9521234.050001.A1",
        "text/html",
    );
    assert_eq!(page.await.status, 406);
}

#[tokio::test]
async fn evidence_about_a_design_shows_disputes_and_answers_questions() {
    use touchstone_core::designs::authorised::SaleAnswer;
    use touchstone_core::designs::design;
    use touchstone_core::evidence::{Trusted, examine};
    use touchstone_proto::ledger::{DepositDesign, GiveNotice, LicensedAct};
    let mut node = start();
    let commitment = [7; 32];
    node.act(Action::DepositDesign(DepositDesign {
        commitment: commitment.to_vec(),
    }));
    let id = design::id(&test_blocks::key(1), &commitment);
    let dispute = node.act(Action::GiveNotice(GiveNotice {
        subject: id.to_vec(),
        platform: "platform".into(),
        respondent: "shop".into(),
        listing: "https://shop.example/1".into(),
        evidence: [8; 32].to_vec(),
    }));
    let base = format!("/designs/{}/evidence", hex::encode(id));
    let trusted = Trusted {
        chain_id: Some(*node.chain.chain_id()),
        ..Trusted::default()
    };
    let ask = async |query: &str| {
        let request = Request::get(format!("{base}{query}"));
        let request = request.body(Body::empty()).unwrap();
        let answer = router(node.http.clone()).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{query}");
        let file = to_bytes(answer.into_body(), 1 << 20).await.unwrap();
        let report = examine(&file, &trusted);
        assert!(
            report.failure().is_none(),
            "{query}: {:?}",
            report.failure()
        );
        report.facts
    };
    let plain = ask("").await;
    assert_eq!(plain.authorisations.len(), 0);
    assert_eq!(plain.disputes.unwrap().shown.len(), 0);
    let dispute = hex::encode(dispute);
    let shown = ask(&format!("?dispute={dispute}")).await.disputes.unwrap();
    assert_eq!(hex::encode(shown.shown[0].id), dispute);
    let facts = ask("?seller=platform&seller=shop&in=CN").await;
    let [owner, shop] = &facts.authorisations[..] else {
        panic!("{:?}", facts.authorisations);
    };
    assert_eq!(owner.answer, SaleAnswer::Owner);
    assert!(matches!(shop.answer, SaleAnswer::No(_)), "{shop:?}");
    assert_eq!(
        (
            shop.question.act,
            shop.question.at_ms,
            shop.question.territory.as_str()
        ),
        (LicensedAct::Sell, node.chain.tip().time_ms, "CN")
    );
    for (on, at_ms) in [
        ("2027-03-01", 1_803_859_200_000),
        ("2027-03-01T08:30:00%2B08:00", 1_803_861_000_000),
    ] {
        let facts = ask(&format!("?seller=shop&in=DE&act=import&on={on}")).await;
        let asked = &facts.authorisations[0].question;
        let told = (asked.act, asked.at_ms, asked.territory.as_str());
        assert_eq!(told, (LicensedAct::Import, at_ms, "DE"), "{on}");
    }
    let many = |parameter: &str| format!("?in=CN&{}", parameter.repeat(33));
    for (query, status) in [
        ("?dispute=ab", 400),
        ("?dispute=", 400),
        ("?seller=shop", 400),
        ("?in=CN", 400),
        ("?act=sell", 400),
        ("?on=2027-03-01", 400),
        ("?seller=shop&in=cn", 400),
        ("?seller=shop&in=CN&in=DE", 400),
        ("?seller=shop&in=CN&act=steal", 400),
        ("?seller=shop&in=CN&on=1969-12-31", 400),
        ("?seller=shop&in=CN&on=tomorrow", 400),
        ("?item=shop", 400),
        (&format!("?in=CN&seller={}", "s".repeat(130)), 400),
        (&many("seller=shop&"), 400),
        (&many(&format!("seller=shop&dispute={dispute}&")), 400),
        (&format!("?dispute={}", "cd".repeat(32)), 404),
    ] {
        let refused = node.get(&format!("{base}{query}")).await;
        assert_eq!(refused.status, status, "{query}: {}", refused.text);
    }
}

#[tokio::test]
async fn an_origin_that_may_ask_may_read_and_no_other_may() {
    let mut node = start();
    let http = Arc::get_mut(&mut node.http).unwrap();
    http.access = Access::new(vec![], vec!["https://a.example".into()]);
    let ask = async |origin: &str| {
        let request = Request::get("/openapi.json").header("origin", origin);
        node.ask(request.body(Body::empty()).unwrap()).await
    };
    let allowed = ask("https://a.example").await;
    assert_eq!(
        allowed.headers["access-control-allow-origin"],
        "https://a.example"
    );
    assert_eq!(allowed.headers["vary"], "origin");
    let refused = ask("https://b.example").await;
    assert_eq!(refused.status, 403);
    let told = "access-control-allow-origin";
    assert!(!refused.headers.contains_key(told));
    assert!(!node.get("/openapi.json").await.headers.contains_key(told));
}

#[tokio::test]
async fn a_chain_without_blocks_has_no_events_and_no_proofs() {
    let node = start();
    assert!(node.get("/events").await.events().is_empty());
    let item = node.get("/01/09521234500018/21/A1").await;
    assert_eq!(
        (item.status, item.exception().as_str()),
        (503, "ImplementationException")
    );
    assert_eq!(item.headers["retry-after"], "1");
}
