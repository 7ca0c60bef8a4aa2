//! Answers in XML say what those in JSON say, or say why they can't.

use serde_json::json;
use touchstone_epcis::{document_hashes, event_hash};

use super::*;

#[tokio::test]
async fn events_are_given_in_xml_and_say_the_same() {
    let mut node = start();
    node.record(&documents("import-story"));
    for address in ["/events?perPage=100", "/bizSteps/shipping/events"] {
        let in_json = node.get(address).await;
        let expected: Vec<String> = in_json
            .events()
            .iter()
            .map(|event| {
                let mut event = event.clone();
                event.as_object_mut().unwrap().remove("touchstone:record");
                event_hash(event.to_string().as_bytes()).unwrap()
            })
            .collect();
        for form in ["application/xml", "text/xml"] {
            let answer = node.get_as(address, form).await;
            assert_eq!(
                (answer.status, &answer.headers["content-type"]),
                (200, &form.parse().unwrap())
            );
            assert_eq!(answer.headers["gs1-cbv-xml-format"], "Always_Web_URI");
            assert!(
                answer.text.contains("<touchstone:height>"),
                "{}",
                answer.text
            );
            // Beside what was signed, only the ledger's own record counts for the hash.
            let told = without_records(&answer.text);
            let hashes = document_hashes(told.as_bytes()).unwrap().into_iter();
            let hashes: Vec<String> = hashes.map(Result::unwrap).collect();
            assert_eq!(hashes, expected, "{address}");
        }
    }
    let page = node.get_as("/events?perPage=1", "application/xml").await;
    assert!(page.headers.contains_key("link"));
}

fn without_records(xml: &str) -> String {
    let mut parts = xml.split("<touchstone:record>");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out.push_str(part.split_once("</touchstone:record>").unwrap().1);
    }
    out
}

#[tokio::test]
async fn a_named_query_and_one_event_are_given_in_xml() {
    let mut node = start();
    let epc = "https://id.gs1.org/01/09521234500018/21/A1";
    let more = r#", "bizStep": "shipping", "eventID": "urn:x:1""#;
    node.record(&[vec![event(epc, more)]]);
    let definition = r#"{"name": "mine", "query": {"EQ_bizStep": ["shipping"]}}"#;
    node.post("/queries", "application/json", definition).await;
    for address in ["/queries/mine/events", "/events/urn:x:1"] {
        let request = Request::get(address)
            .header("accept", "application/xml")
            .header("GS1-CBV-XML-Format", "Always_URN");
        let answer = node.ask(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.headers["gs1-cbv-xml-format"], "Always_URN");
        for part in [
            "<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>",
            "<epcisq:QueryResults><queryName>",
        ] {
            assert!(answer.text.contains(part), "{part}: {}", answer.text);
        }
    }
    let request = Request::get("/events").header("GS1-CBV-XML-Format", "Always");
    let refused = node.ask(request.body(Body::empty()).unwrap()).await;
    assert_eq!(
        (refused.status, refused.exception().as_str()),
        (406, "NotAcceptableException")
    );
}

/// A browser takes XML before JSON, and runs what stands in it: an event may name elements of XHTML.
#[tokio::test]
async fn what_an_event_holds_runs_in_no_browser() {
    let mut node = start();
    let event = json!({
        "@context": [
            "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
            { "html": "http://www.w3.org/1999/xhtml" },
        ],
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:00Z",
        "eventTimeZoneOffset": "+00:00", "epcList": ["https://id.gs1.org/01/09521234500018/21/A1"],
        "html:script": "alert(1)",
    });
    node.record(&[vec![event.to_string().into_bytes()]]);
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let answer = node.get_as("/events", browser).await;
    assert_eq!(answer.headers["content-type"], "application/xml");
    for part in [
        "=\"http://www.w3.org/1999/xhtml\"",
        "alert(1)</",
        ":script>",
    ] {
        assert!(answer.text.contains(part), "{}", answer.text);
    }
    let policy = &answer.headers["content-security-policy"];
    assert_eq!(policy, "default-src 'none'; sandbox");
}

/// The refusal names the event, the path and what stands in the way; in JSON it is there.
#[tokio::test]
async fn what_has_no_form_in_xml_is_refused_by_name() {
    let mut node = start();
    let epc = "https://id.gs1.org/01/09521234500018/21/A1";
    node.record(&[vec![event(
        epc,
        r#", "eventID": "urn:x:1", "urn:ext:a": [[1]]"#,
    )]]);
    let refused = node.get_as("/events", "application/xml").await;
    assert_eq!(
        (refused.status, refused.exception().as_str()),
        (406, "NotAcceptableException")
    );
    let refusal = refused.json();
    assert_eq!(refusal["touchstone:path"], "$.urn:ext:a[0]");
    assert_eq!(refusal["touchstone:obstacle"], "xml-nested-list");
    assert!(refusal["detail"].as_str().unwrap().contains("urn:x:1"));
    assert_eq!(node.get("/events").await.events().len(), 1);
}
