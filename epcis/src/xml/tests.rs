use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::test_support::documents;
use crate::tests::draft::{draft, style};
use crate::{event_hash, split_document};

mod refusals;

const HEAD: &str = r#"<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:2" xmlns:x="https://example.com/x/"
    schemaVersion="2.0" creationDate="2026-03-01T09:00:00Z"><EPCISBody><EventList>"#;
const FOOT: &str = "</EventList></EPCISBody></epcis:EPCISDocument>";
const TIMES: &str =
    "<eventTime>2026-03-01T08:30:00Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>";
const EPCS: &str =
    "<epcList><epc>urn:epc:id:sscc:9521234.0000000015</epc></epcList><action>ADD</action>";

fn document(events: &str) -> String {
    format!("{HEAD}{events}{FOOT}")
}

/// A document around an object event with some more elements.
fn object(more: &str) -> String {
    document(&format!("<ObjectEvent>{TIMES}{EPCS}{more}</ObjectEvent>"))
}

fn convert(xml: &str) -> Vec<Json> {
    let events = convert_xml(xml.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{xml}"));
    let event = |event: Result<Vec<u8>, EpcisError>| {
        let event = event.unwrap_or_else(|error| panic!("{error}\n{xml}"));
        serde_json::from_slice(&event).unwrap()
    };
    events.into_iter().map(event).collect()
}

/// What an object event becomes, without what all have.
fn fields(more: &str) -> Json {
    let mut event = convert(&object(more)).remove(0);
    let fields = event.as_object_mut().unwrap();
    let common = [
        "type",
        "eventTime",
        "eventTimeZoneOffset",
        "epcList",
        "action",
        SOURCE_DOCUMENT,
    ];
    for name in common {
        assert!(fields.remove(name).is_some(), "{name}");
    }
    if fields["@context"] == json!(["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"]) {
        fields.remove("@context");
    }
    event
}

/// Documents of which the XML and the JSON say different things.
const DIFFERENT: [(&str, &str); 0] = [];

#[test]
fn every_public_document_is_converted_into_its_twin() {
    let twins: BTreeMap<String, Vec<u8>> = documents("epcis/valid", "json").into_iter().collect();
    let mut compared = 0;
    let mut different = Vec::new();
    let files = documents("epcis/xml", "xml");
    for (file, xml) in &files {
        let events = convert_xml(xml).unwrap_or_else(|error| panic!("{file}: {error}"));
        let hashes = events.iter().map(|event| {
            let event = event
                .as_ref()
                .unwrap_or_else(|error| panic!("{file}: {error}"));
            event_hash(event).unwrap()
        });
        let hashes: Vec<String> = hashes.collect();
        let name = file
            .replace(".xml", ".json")
            .replace("errorDeclaration", "error_declaration");
        let Some(twin) = twins.get(&name) else {
            assert_eq!(file, "Namespace_document.xml");
            continue;
        };
        let expected = split_document(twin).unwrap();
        for (index, event) in expected.iter().enumerate() {
            if Some(&event_hash(event).unwrap()) != hashes.get(index) {
                different.push(format!("{file} {index}"));
            }
            compared += 1;
        }
        assert_eq!(hashes.len(), expected.len(), "{file}");
    }
    let known: Vec<String> = DIFFERENT.iter().map(|(at, _)| (*at).to_owned()).collect();
    assert_eq!(different, known);
    assert_eq!((files.len(), compared), (37, 65));
}

#[test]
fn standard_elements_become_the_fields_of_json() {
    for (xml, json) in [
        ("", json!({})),
        ("<!-- hidden --><?pi?>", json!({})),
        (
            "<bizStep>urn:epcglobal:cbv:bizstep:shipping</bizStep>",
            json!({"bizStep": "shipping"}),
        ),
        (
            "<bizStep>\n https://a.example/b </bizStep>",
            json!({"bizStep": "https://a.example/b"}),
        ),
        (
            "<epcis:disposition>cbv:Disp-active</epcis:disposition>",
            json!({"disposition": "active"}),
        ),
        (
            "<quantityList><quantityElement><epcClass>urn:epc:class:lgtin:9521141.001234.L</epcClass>\
             <quantity>+007.50</quantity><uom>KGM</uom></quantityElement></quantityList>",
            json!({"quantityList": [
                {"epcClass": "urn:epc:class:lgtin:9521141.001234.L", "quantity": 7.5, "uom": "KGM"},
            ]}),
        ),
        (
            "<certificationInfo>urn:x:1</certificationInfo>",
            json!({"certificationInfo": "urn:x:1"}),
        ),
        (
            "<certificationInfo>urn:x:1</certificationInfo><certificationInfo>urn:x:2</certificationInfo>",
            json!({"certificationInfo": ["urn:x:1", "urn:x:2"]}),
        ),
        (
            "<readPoint><id>urn:x:gate</id></readPoint>",
            json!({"readPoint": {"id": "urn:x:gate"}}),
        ),
        (
            "<persistentDisposition><set>urn:epcglobal:cbv:disp:recalled</set></persistentDisposition>",
            json!({"persistentDisposition": {"set": ["recalled"]}}),
        ),
        (
            "<bizTransactionList><bizTransaction type=\"urn:epcglobal:cbv:btt:po\"> urn:x:1 </bizTransaction>\
             <bizTransaction>urn:x:2</bizTransaction></bizTransactionList>",
            json!({"bizTransactionList": [{"type": "po", "bizTransaction": "urn:x:1"}, {"bizTransaction": "urn:x:2"}]}),
        ),
        (
            "<sourceList><source type=\"urn:epcglobal:cbv:sdt:location\">urn:x:1</source></sourceList>\
             <destinationList><destination type=\"cbv:own\">urn:x:2</destination></destinationList>",
            json!({
                "sourceList": [{"type": "location", "source": "urn:x:1"}],
                "destinationList": [{"type": "cbv:own", "destination": "urn:x:2"}],
            }),
        ),
        (
            "<errorDeclaration><declarationTime>2026-03-02T00:00:00Z</declarationTime>\
             <reason>urn:epcglobal:cbv:er:did_not_occur</reason><correctiveEventIDs>\
             <correctiveEventID>urn:x:1</correctiveEventID></correctiveEventIDs></errorDeclaration>",
            json!({"errorDeclaration": {
                "declarationTime": "2026-03-02T00:00:00Z", "reason": "did_not_occur",
                "correctiveEventIDs": ["urn:x:1"],
            }}),
        ),
        (
            "<sensorElementList><sensorElement><sensorMetadata time=\"2026-03-01T08:00:00Z\" deviceID=\"urn:x:1\"/>\
             <sensorReport type=\"gs1:Temperature\" value=\"4.50\" booleanValue=\"1\" uom=\"CEL\"/>\
             </sensorElement></sensorElementList>",
            json!({"sensorElementList": [{
                "sensorMetadata": {"time": "2026-03-01T08:00:00Z", "deviceID": "urn:x:1"},
                "sensorReport": [{"type": "gs1:Temperature", "value": 4.5, "booleanValue": true, "uom": "CEL"}],
            }]}),
        ),
    ] {
        assert_eq!(fields(xml), json, "{xml}");
    }
}

#[test]
fn a_number_keeps_its_digits() {
    let list = |number: &str| {
        object(&format!(
            "<quantityList><quantityElement><epcClass>urn:x:c</epcClass><quantity>{number}</quantity>\
             </quantityElement></quantityList>"
        ))
    };
    for (xml, json) in [
        ("200.50", "200.50"),
        ("-0", "-0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("+00", "0"),
        ("1E+2", "1E+2"),
    ] {
        let events = convert_xml(list(xml).as_bytes()).unwrap();
        let event = String::from_utf8(events[0].clone().unwrap()).unwrap();
        assert!(
            event.contains(&format!("\"quantity\":{json}}}")),
            "{xml}: {event}"
        );
    }
    for xml in [
        "INF",
        "NaN",
        "1e",
        "1.2.3",
        "",
        ".",
        "0x1",
        "1e+",
        "9007199254740993",
    ] {
        let event = convert_xml(list(xml).as_bytes()).unwrap().remove(0);
        let error = event.expect_err(xml);
        let place = "/ObjectEvent[1]/quantityList/*[1]/quantity";
        assert!(error.path.ends_with(place), "{xml}: {error}");
    }
}

#[test]
fn extensions_keep_their_namespaces() {
    let x = json!({"x": "https://example.com/x/"});
    let context = |terms: Json| {
        json!([
            "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
            terms
        ])
    };
    for (xml, terms, expected) in [
        ("<x:a> text </x:a>", x.clone(), json!({"x:a": "text"})),
        ("<x:a/>", x.clone(), json!({"x:a": ""})),
        (
            "<x:a>1</x:a><x:b/><x:a>2</x:a>",
            x.clone(),
            json!({"x:a": ["1", "2"], "x:b": ""}),
        ),
        (
            "<x:a><x:b>1</x:b><c>2</c></x:a>",
            x.clone(),
            json!({"x:a": {"x:b": "1", "c": "2"}}),
        ),
        (
            "<x:a k=\"v\" x:l=\"w\">text</x:a>",
            x.clone(),
            json!({"x:a": {
                "k": "v", "x:l": "w", "touchstone:attributes": ["k", "x:l"], "#text": "text",
            }}),
        ),
        (
            "<x:a xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:nil=\"true\"/>",
            x.clone(),
            json!({"x:a": null}),
        ),
        (
            "<x:a xmlns:i=\"http://www.w3.org/2001/XMLSchema-instance\" i:type=\"t\">1</x:a>",
            x.clone(),
            json!({"x:a": "1"}),
        ),
        (
            "<ilmd><x:lot><![CDATA[<&]]>&amp;&#x41;</x:lot></ilmd>",
            x.clone(),
            json!({"ilmd": {"x:lot": "<&&A"}}),
        ),
        (
            "<extension><ilmd><extension><x:lot>1</x:lot></extension></ilmd></extension>",
            x.clone(),
            json!({"ilmd": {"x:lot": "1"}}),
        ),
        (
            "<readPoint><id>urn:x:1</id><x:door>2</x:door></readPoint>",
            x.clone(),
            json!({"readPoint": {"id": "urn:x:1", "x:door": "2"}}),
        ),
        // The default namespace, a prefix that means something else in JSON, one name for two.
        (
            "<a xmlns=\"https://y.example#\">1</a>",
            json!({"ns1": "https://y.example#"}),
            json!({"ns1:a": "1"}),
        ),
        (
            "<https:a xmlns:https=\"https://y.example#\">1</https:a>",
            json!({"ns1": "https://y.example#"}),
            json!({"ns1:a": "1"}),
        ),
        (
            "<x:a>1</x:a><x:a xmlns:x=\"https://y.example/\">2</x:a>",
            json!({"x": "https://example.com/x/", "ns1": "https://y.example/"}),
            json!({"x:a": "1", "ns1:a": "2"}),
        ),
        (
            "<y:a xmlns:y=\"https://y.example/y\"/>",
            json!({"y": {"@id": "https://y.example/y", "@prefix": true}}),
            json!({"y:a": ""}),
        ),
        (
            "<bizStep>x:own</bizStep>",
            x.clone(),
            json!({"bizStep": "x:own"}),
        ),
        (
            "<bizStep xmlns:urn=\"https://y.example/\">urn:own</bizStep>",
            json!({"ns1": "https://y.example/"}),
            json!({"bizStep": "ns1:own"}),
        ),
    ] {
        let mut expected = expected;
        expected["@context"] = context(terms);
        assert_eq!(fields(xml), expected, "{xml}");
    }
    // What the standard's context has a prefix for isn't declared again.
    for namespace in ["urn:epcglobal:cbv:mda", "urn:epcglobal:cbv:mda:"] {
        let xml = format!("<ilmd><m:lot xmlns:m=\"{namespace}\">1</m:lot></ilmd>");
        assert_eq!(fields(&xml), json!({"ilmd": {"cbvmda:lot": "1"}}));
    }
}

/// The one event of a case.
fn case(name: &str) -> Result<Json, EpcisError> {
    let cases = documents("epcis-cases", "xml");
    let (_, xml) = cases.iter().find(|(file, _)| file == name).expect(name);
    let event = convert_xml(xml)?.remove(0)?;
    Ok(serde_json::from_slice(&event).unwrap())
}

#[test]
fn what_a_conversion_would_lose_is_kept_or_refused() {
    let refused = |name: &str| case(name).unwrap_err().rule.code();
    for name in ["D13_mixed_a.xml", "D13_mixed_b.xml", "x_order_a.xml"] {
        assert_eq!(refused(name), "unexpected-content", "{name}");
    }
    assert_eq!(
        case("x_order_b.xml").unwrap()["ex:l"],
        json!({"ex:i": ["1", "3"], "ex:j": "2"})
    );
    let attribute = json!({"k": "v", "touchstone:attributes": ["k"]});
    assert_eq!(case("x_attr.xml").unwrap()["ex:a"], attribute);
    assert_eq!(case("x_elem.xml").unwrap()["ex:a"], json!({"k": "v"}));
}

#[test]
fn what_the_standards_schemas_allow_is_read() {
    let nil = case("D09_quantity_nil.xml").unwrap();
    let class = "urn:epc:class:lgtin:9521234.098765.L-1";
    assert_eq!(nil["quantityList"], json!([{"epcClass": class}]));
    let quantity = case("D10_quantityevent.xml").unwrap();
    assert_eq!(
        (
            &quantity["type"],
            &quantity["action"],
            &quantity["quantityList"]
        ),
        (
            &json!("ObjectEvent"),
            &json!("OBSERVE"),
            &json!([{"epcClass": "urn:epc:idpat:sgtin:9521234.098765.*", "quantity": 5}])
        )
    );
    for name in [
        "D04_creationDate_without_zone.xml",
        "D11_document_extension.xml",
        "D15_schemaVersion_2.xml",
    ] {
        assert_eq!(case(name).unwrap()["action"], json!("OBSERVE"), "{name}");
    }
    let error = case("D14_utf16.xml").unwrap_err();
    assert_eq!(
        error.to_string(),
        "/: not XML: its encoding is UTF-16; convert it to UTF-8, at byte 0"
    );
}

#[test]
fn all_kinds_of_event_in_all_kinds_of_document_are_found() {
    let children =
        "<parentID>urn:x:p</parentID><childEPCs><epc>urn:x:c</epc></childEPCs><action>ADD</action>";
    let order = "<bizTransactionList><bizTransaction>urn:x:o</bizTransaction></bizTransactionList>";
    let made = "<inputEPCList><epc>urn:x:i</epc></inputEPCList><outputEPCList><epc>urn:x:o</epc></outputEPCList>";
    let association = format!("<AssociationEvent>{TIMES}{children}</AssociationEvent>");
    let events = format!(
        "<ObjectEvent>{TIMES}{EPCS}</ObjectEvent><AggregationEvent>{TIMES}{children}</AggregationEvent>\
         <TransactionEvent>{order}{TIMES}{EPCS}</TransactionEvent>\
         <extension><TransformationEvent>{TIMES}{made}</TransformationEvent>\
         <extension>{association}</extension></extension>"
    );
    let header = "<EPCISHeader><h:a xmlns:h=\"urn:h\"><b/></h:a><extension/></EPCISHeader>";
    let document = document(&events).replace("<EPCISBody>", &format!("{header}<EPCISBody>"));
    let query = document
        .replace("EPCISDocument", "EPCISQueryDocument")
        .replace("epcis:xsd", "epcis-query:xsd")
        .replace(
            "<EventList>",
            "<epcis:QueryResults><queryName>q</queryName><resultsBody><EventList>",
        )
        .replace(
            "</EventList>",
            "</EventList></resultsBody></epcis:QueryResults>",
        );
    let old = document
        .replace("xsd:2", "xsd:1")
        .replace("\"2.0\"", "\"1.2\"");
    let kinds = [
        "ObjectEvent",
        "AggregationEvent",
        "TransactionEvent",
        "TransformationEvent",
        "AssociationEvent",
    ];
    for xml in [&document, &query, &old] {
        let found = convert(xml);
        let found: Vec<&str> = found
            .iter()
            .map(|event| event["type"].as_str().unwrap())
            .collect();
        assert_eq!(found, kinds, "{xml}");
    }
    assert_eq!(convert(&document.replace(&events, "")), Vec::<Json>::new());
}

/// A person who holds the file finds its events, and the file of an event.
#[test]
fn an_event_names_the_bytes_that_it_is_from() {
    let xml = object("");
    let event = &convert(&xml)[0];
    let digest = hex::encode(Sha256::digest(xml.as_bytes()));
    assert_eq!(event[SOURCE_DOCUMENT], format!("ni:///sha-256;{digest}"));
    let again = convert_xml(xml.as_bytes());
    assert_eq!(convert_xml(xml.as_bytes()), again);
    let spaced = convert(&format!("\u{feff}{xml}\n"));
    assert_ne!(spaced[0][SOURCE_DOCUMENT], event[SOURCE_DOCUMENT]);
    assert_eq!(spaced[0]["epcList"], event["epcList"]);
}

#[test]
fn xml_is_told_from_json_by_its_first_character() {
    for (bytes, xml) in [
        ("<a/>", true),
        ("\u{feff} \n<a/>", true),
        ("{\"a\": \"<a/>\"}", false),
        (" []", false),
        ("", false),
        ("<\0a\0", true),
        ("\0<\0a", true),
    ] {
        assert_eq!(is_xml(bytes.as_bytes()), xml, "{bytes}");
    }
}

proptest! {
    /// Bytes may be broken anywhere: what is given is an event, or a rule is named.
    #[test]
    fn broken_bytes_are_converted_or_refused(
        draft in draft(), style in style(), at: prop::sample::Index, byte: u8, remove: bool,
    ) {
        let mut bytes = draft.xml(style).into_bytes();
        let at = at.index(bytes.len());
        if remove { bytes.remove(at); } else { bytes[at] = byte; }
        match convert_xml(&bytes) {
            Ok(events) => for event in events {
                match event {
                    Ok(event) => prop_assert!(Event::parse(&event).is_ok()),
                    Err(error) => prop_assert!(error.path.starts_with('/'), "{}", error),
                }
            },
            Err(error) => prop_assert!(error.path.starts_with('/'), "{}", error),
        }
    }

    #[test]
    fn any_text_is_converted_or_refused(text in "(<[a-z:!?/]{0,4}|[&;>\"'= a-z-]|\\PC){0,40}") {
        if let Err(error) = convert_xml(text.as_bytes()) {
            prop_assert!(error.path.starts_with('/'), "{}", error);
        }
    }
}
