use super::*;
use crate::test_support::documents;
use crate::tests::draft::{draft, style};
use crate::{document_hashes, event_hash, split_document};
use proptest::prelude::*;

/// A document of events.
fn document(events: &[String]) -> String {
    let head = XmlQueryHead {
        creation_date: "2026-03-01T08:30:00Z",
        namespace: ("urn:touchstone:epcis:", "touchstone"),
        attributes: vec![("height", "7".to_owned())],
        query: "SimpleEventQuery",
        subscription: None,
    };
    query_document_xml(&head, events).unwrap()
}

fn read_back(xml: &str) -> Vec<Vec<u8>> {
    let events = convert_xml(xml.as_bytes()).unwrap_or_else(|e| panic!("{e}: {xml}"));
    let events = events.into_iter();
    events
        .map(|event| event.unwrap_or_else(|e| panic!("{e}: {xml}")))
        .collect()
}

/// Every public event has a form in XML that says the same, or its refusal is one of these.
#[test]
fn every_public_event_is_written_in_xml_and_read_back() {
    let mut refused = Vec::new();
    let mut written = 0;
    for (folder, extension) in [
        ("epcis/valid", "json"),
        ("epcis/events", "json"),
        ("epcis/query", "json"),
        ("epcis-hash", "jsonld"),
    ] {
        for (name, bytes) in documents(folder, extension) {
            for (index, event) in split_document(&bytes).unwrap().iter().enumerate() {
                match event_xml(event, None, false) {
                    Ok(xml) => {
                        let read = read_back(&document(std::slice::from_ref(&xml)));
                        let [read] = read.as_slice() else {
                            panic!("{name}[{index}]: {xml}")
                        };
                        assert_eq!(
                            event_hash(read),
                            event_hash(event),
                            "{name}[{index}]: {xml}"
                        );
                        assert_eq!(hash::meaning(read), hash::meaning(event), "{name}[{index}]");
                        written += 1;
                    }
                    Err(error) => refused.push(format!("{name}[{index}] {error}")),
                }
            }
        }
    }
    assert_eq!((written, refused), (135, Vec::<String>::new()));
}

/// What was XML once is XML again, with attributes where they were.
#[test]
fn public_documents_in_xml_come_back() {
    for folder in ["epcis/xml", "epcis-hash"] {
        for (name, bytes) in documents(folder, "xml") {
            let Ok(events) = convert_xml(&bytes) else {
                continue;
            };
            let events: Vec<Vec<u8>> = events.into_iter().flatten().collect();
            let written = events.iter().map(|event| event_xml(event, None, false));
            let written: Result<Vec<String>, _> = written.collect();
            let written = written.unwrap_or_else(|error| panic!("{name}: {error}"));
            let again = read_back(&document(&written));
            assert_eq!(again.len(), events.len());
            for (again, event) in again.iter().zip(&events) {
                assert_eq!(hash::meaning(again), hash::meaning(event), "{name}");
                let twice = event_xml(again, None, false).unwrap();
                let plain = |xml: &str| xml.split("sourceDocument").next().unwrap().to_owned();
                assert_eq!(
                    plain(&twice),
                    plain(&event_xml(event, None, false).unwrap()),
                    "{name}"
                );
            }
        }
    }
}

/// The public pairs: the document in JSON, written in XML, has the event hashes of the one that others wrote in XML.
#[test]
fn what_is_written_says_what_the_public_xml_says() {
    let theirs = documents("epcis/xml", "xml");
    let mut pairs = 0;
    for (name, bytes) in documents("epcis/valid", "json") {
        let stem = name.strip_suffix(".json").unwrap();
        let other = theirs
            .iter()
            .find(|(n, _)| n.strip_suffix(".xml") == Some(stem));
        let Some((_, xml)) = other else { continue };
        let events = split_document(&bytes).unwrap();
        let written = events
            .iter()
            .map(|event| event_xml(event, None, false).unwrap());
        let written = document(&written.collect::<Vec<_>>());
        let ours = document_hashes(written.as_bytes()).unwrap();
        let in_json = document_hashes(&bytes).unwrap();
        assert_eq!(ours, in_json, "{name}");
        let in_xml = document_hashes(xml).unwrap();
        pairs += usize::from(in_xml == ours);
    }
    assert_eq!(pairs, 35);
}

/// GS1's schema has elements in one order, whatever that of the JSON is, and what the server says comes last.
#[test]
fn elements_stand_in_the_order_of_the_schema() {
    let event = br#"{"ex:z": {"ex:a": [1, 2], "ex:b": null}, "epcList": ["urn:epc:id:sscc:9521234.0000000015"],
        "disposition": "in_transit", "bizStep": "shipping", "action": "OBSERVE", "eventTimeZoneOffset": "+08:00",
        "persistentDisposition": {"set": ["damaged"], "unset": ["active"]},
        "sensorElementList": [{"sensorReport": [{"value": 1.50, "type": "Temperature", "ex:c": "x"}]}],
        "eventTime": "2026-03-01T08:30:00+08:00", "eventID": "urn:x:1", "type": "ObjectEvent",
        "quantityList": [{"epcClass": "urn:epc:class:lgtin:9521234.050001.L", "quantity": 1e2}],
        "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld", {"ex": "https://ns.example/"}]}"#;
    let record = XmlRecord {
        namespace: "urn:touchstone:epcis:",
        prefix: "touchstone",
        name: "record",
        fields: vec![("height", "7".to_owned())],
        record_time: "2026-03-01T09:00:00Z",
    };
    let expected = "<ObjectEvent xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
        xmlns:ex=\"https://ns.example/\" xmlns:touchstone=\"urn:touchstone:epcis:\">\
        <eventTime>2026-03-01T08:30:00+08:00</eventTime><recordTime>2026-03-01T09:00:00Z</recordTime>\
        <eventTimeZoneOffset>+08:00</eventTimeZoneOffset><eventID>urn:x:1</eventID>\
        <epcList><epc>urn:epc:id:sscc:9521234.0000000015</epc></epcList><action>OBSERVE</action>\
        <bizStep>https://ref.gs1.org/cbv/BizStep-shipping</bizStep>\
        <disposition>https://ref.gs1.org/cbv/Disp-in_transit</disposition>\
        <quantityList><quantityElement><epcClass>urn:epc:class:lgtin:9521234.050001.L</epcClass>\
        <quantity>100</quantity></quantityElement></quantityList>\
        <sensorElementList><sensorElement><sensorReport type=\"https://gs1.org/voc/Temperature\" value=\"1.50\" \
        ex:c=\"x\"/></sensorElement></sensorElementList>\
        <persistentDisposition><unset>https://ref.gs1.org/cbv/Disp-active</unset>\
        <set>https://ref.gs1.org/cbv/Disp-damaged</set></persistentDisposition>\
        <ex:z><ex:a>1</ex:a><ex:a>2</ex:a><ex:b xsi:nil=\"true\"/></ex:z>\
        <touchstone:record><touchstone:height>7</touchstone:height></touchstone:record></ObjectEvent>";
    assert_eq!(event_xml(event, Some(&record), false).unwrap(), expected);
    let urns = event_xml(event, None, true).unwrap();
    for word in [
        "bizstep:shipping",
        "disp:in_transit",
        "disp:active",
        "disp:damaged",
    ] {
        assert!(
            urns.contains(&format!(">urn:epcglobal:cbv:{word}<")),
            "{urns}"
        );
    }
}

/// A place on the chain that an event claims for itself isn't told, whatever prefix it has for it.
#[test]
fn a_record_that_an_event_claims_isnt_written() {
    let event = plain(
        r#""t:record": {"t:height": "1"}, "#,
        r#", {"t": "urn:touchstone:epcis:"}"#,
    );
    let record = XmlRecord {
        namespace: "urn:touchstone:epcis:",
        prefix: "touchstone",
        name: "record",
        fields: vec![("height", "7".to_owned())],
        record_time: "2026-03-01T09:00:00Z",
    };
    let xml = event_xml(event.as_bytes(), Some(&record), false).unwrap();
    assert_eq!(xml.matches(":record>").count(), 2, "{xml}");
    assert!(xml.contains(":height>7<"), "{xml}");
}

fn plain(fields: &str, contexts: &str) -> String {
    format!(
        r#"{{"@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"{contexts}], {fields}
        "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:00+08:00",
        "eventTimeZoneOffset": "+08:00", "epcList": ["urn:epc:id:sscc:9521234.0000000015"]}}"#
    )
}

/// What XML can't say is refused, with its path and a stable name.
#[test]
fn what_has_no_form_in_xml_is_refused_with_its_path() {
    let own = r#", {"ex": "https://ns.example/"}"#;
    let elsewhere = r#", "https://elsewhere.example/context.jsonld""#;
    for (fields, contexts, path, code) in [
        (r#""ex:a": [[1]], "#, own, "$.ex:a[0]", "xml-nested-list"),
        (
            r#""ex:a": {"ex:b": []}, "#,
            own,
            "$.ex:a.ex:b",
            "xml-empty-list",
        ),
        (r#""ex:1a": 1, "#, own, "$", "xml-name"),
        (r#""ex:a": {"@type": "x"}, "#, own, "$.ex:a", "xml-name"),
        (r#""ex:a": "\u0001", "#, own, "$.ex:a", "xml-character"),
        (
            r##""ex:a": {"#text": "x", "ex:b": "y"}, "##,
            own,
            "$.ex:a.#text",
            "xml-mixed-content",
        ),
        (r#""no:a": 1, "#, elsewhere, "$", "xml-prefix"),
        (
            r#""sensorElementList": [{"sensorReport": [{"type": "Temperature", "ex:a": {"ex:b": 1}}]}], "#,
            own,
            "$.sensorElementList[0].sensorReport[0].ex:a",
            "xml-attribute",
        ),
        (
            r#""sensorElementList": [{"sensorReport": [{"type": "Temperature", "hexBinaryValue": "abc"}]}], "#,
            own,
            "$.sensorElementList[0].sensorReport[0].hexBinaryValue",
            "xml-hex",
        ),
        (
            r#""certificationInfo": ["urn:x:1", "urn:x:2"], "#,
            own,
            "$.certificationInfo",
            "xml-once",
        ),
    ] {
        let event = plain(fields, contexts);
        crate::Event::parse(event.as_bytes()).unwrap_or_else(|e| panic!("{fields}: {e}"));
        let error = event_xml(event.as_bytes(), None, false).unwrap_err();
        assert_eq!(
            (error.path.as_str(), error.obstacle.code()),
            (path, code),
            "{fields}"
        );
    }
    // A prefix that nobody declares is the start of a full URI, as long as no other context may.
    assert!(event_xml(plain(r#""no:a": 1, "#, "").as_bytes(), None, false).is_ok());
}

proptest! {
    /// JSON, XML, JSON: the event says the same, and has the same hash.
    #[test]
    fn an_event_that_is_written_in_xml_says_the_same(draft in draft(), style in style()) {
        let event = draft.json(style);
        match event_xml(event.as_bytes(), None, false) {
            Ok(xml) => {
                let read = read_back(&document(&[xml]));
                prop_assert_eq!(event_hash(&read[0]), event_hash(event.as_bytes()));
                prop_assert_eq!(hash::meaning(&read[0]), hash::meaning(event.as_bytes()));
            }
            Err(error) => prop_assert_eq!(error.obstacle.code(), "xml-empty-list", "{}", event),
        }
    }
}
