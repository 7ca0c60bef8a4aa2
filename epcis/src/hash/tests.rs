use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::convert_xml;
use crate::test_support::documents;
use crate::tests::draft::{draft, style};

mod values;

/// Pre-hash strings of the reference implementation that its own hashes contradict: the second
/// event of each file was changed after they were written.
const STALE: [(&str, usize); 2] = [
    ("epcisDocWithCustomSchemaInContext", 1),
    ("epcisDocWithDefaultSchemaInContext", 1),
];

fn lines(extension: &str) -> BTreeMap<String, Vec<String>> {
    let name = |name: String| name.split_once('.').unwrap().0.to_owned();
    documents("epcis-hash", extension)
        .into_iter()
        .map(|(file, bytes)| {
            let text = String::from_utf8(bytes).unwrap();
            (name(file), text.lines().map(str::to_owned).collect())
        })
        .collect()
}

/// The hashes of a document without a fault.
fn hashes(name: &str, document: &[u8]) -> Vec<String> {
    let hashes = document_hashes(document).unwrap_or_else(|error| panic!("{name}: {error}"));
    let hash = |hash: Result<String, EpcisError>| hash.unwrap_or_else(|e| panic!("{name}: {e}"));
    hashes.into_iter().map(hash).collect()
}

#[test]
fn every_published_hash_is_met_in_json_and_in_xml() {
    let expected = lines("hashes");
    let mut met = BTreeMap::new();
    for (file, document) in documents("epcis-hash", "jsonld") {
        let name = file.strip_suffix(".jsonld").unwrap();
        assert_eq!(hashes(&file, &document), expected[name], "{file}");
        met.insert(name.to_owned(), 1);
    }
    for (file, document) in documents("epcis-hash", "xml") {
        let name = file.strip_suffix(".xml").unwrap();
        assert_eq!(hashes(&file, &document), expected[name], "{file}");
        *met.entry(name.to_owned()).or_default() += 1;
    }
    assert_eq!(met.len(), expected.len());
    assert_eq!(met.values().sum::<usize>(), 15 + 11);
}

#[test]
fn the_strings_that_are_hashed_are_the_published_ones() {
    let mut compared = 0;
    let prehashes = lines("prehashes");
    for (file, document) in documents("epcis-hash", "jsonld") {
        let name = file.strip_suffix(".jsonld").unwrap();
        let Some(expected) = prehashes.get(name) else {
            continue;
        };
        let ignored = document::ignored_fields(&document).unwrap();
        for (index, event) in split_document(&document).unwrap().iter().enumerate() {
            let found = prehash(event, &ignored).unwrap();
            let stale = STALE.contains(&(name, index));
            assert_eq!(found == expected[index], !stale, "{file} {index}: {found}");
            compared += 1;
        }
    }
    assert_eq!(compared, 33);
}

fn event() -> Json {
    json!({
        "@context": [
            "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
            {"ex": "https://example.com/ns/", "outer": "https://example.com/", "inner": "outer:in/"},
        ],
        "type": "ObjectEvent", "action": "ADD",
        "eventTime": "2026-03-01T08:30:00.250+08:00", "eventTimeZoneOffset": "+08:00",
        "epcList": ["urn:epc:id:sgtin:9521141.001234.A", "urn:epc:id:sgtin:9521141.001234.B"],
        "bizStep": "commissioning",
        "ilmd": {"ex:lot": "7"},
        "ex:field": {"ex:a": ["2", "1"], "plain": 3},
    })
}

fn hash(event: &Json) -> String {
    event_hash(event.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}: {event}"))
}

fn text(event: &Json) -> String {
    prehash(event.to_string().as_bytes(), &[]).unwrap()
}

fn with(name: &str, value: Json) -> Json {
    let mut event = event();
    event[name] = value;
    event
}

#[test]
fn the_string_has_names_and_values_in_the_standards_order() {
    let expected = [
        "eventType=ObjectEvent",
        "eventTime=2026-03-01T00:30:00.250Z",
        "eventTimeZoneOffset=+08:00",
        "epcListepc=https://id.gs1.org/01/09521141012345/21/A",
        "epc=https://id.gs1.org/01/09521141012345/21/B",
        "action=ADD",
        "bizStep=https://ref.gs1.org/cbv/BizStep-commissioning",
        "ilmd{https://example.com/ns/}lot=7",
        "{https://example.com/ns/}field",
        "plain=3",
        "{https://example.com/ns/}a=1",
        "{https://example.com/ns/}a=2",
    ];
    let sorted = expected.concat();
    assert_eq!(text(&event()).len(), sorted.len());
    // `plain` sorts before `{`.
    assert_eq!(text(&event()), sorted);
}

#[test]
fn what_is_no_part_of_an_event_is_left_out() {
    let original = hash(&event());
    for (name, value) in [
        (
            "eventID",
            json!("urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8"),
        ),
        ("recordTime", json!("2026-03-01T09:00:00Z")),
        (
            "errorDeclaration",
            json!({"declarationTime": "2026-03-02T00:00:00Z", "ex:by": "me"}),
        ),
        ("rdfs:comment", json!("for people")),
        (
            "http://www.w3.org/2000/01/rdf-schema#comment",
            json!("for people"),
        ),
        ("touchstone:sourceDocument", json!("ni:///sha-256;00")),
    ] {
        assert_eq!(hash(&with(name, value)), original, "{name}");
    }
}

#[test]
fn what_is_part_of_an_event_changes_its_hash() {
    let mut seen = vec![hash(&event())];
    for (name, value) in [
        ("action", json!("OBSERVE")),
        ("type", json!("AssociationEvent")),
        ("eventTime", json!("2026-03-01T08:30:00.251+08:00")),
        ("eventTimeZoneOffset", json!("+07:00")),
        ("epcList", json!(["urn:epc:id:sgtin:9521141.001234.A"])),
        (
            "quantityList",
            json!([{"epcClass": "urn:epc:class:lgtin:9521141.001234.L", "quantity": 1}]),
        ),
        ("bizStep", json!("shipping")),
        ("disposition", json!("active")),
        ("persistentDisposition", json!({"set": ["active"]})),
        ("persistentDisposition", json!({"unset": ["active"]})),
        ("readPoint", json!({"id": "https://example.com/gate"})),
        (
            "readPoint",
            json!({"id": "https://example.com/gate", "ex:door": "1"}),
        ),
        ("bizLocation", json!({"id": "https://example.com/gate"})),
        ("bizTransactionList", json!([{"bizTransaction": "urn:x:1"}])),
        (
            "bizTransactionList",
            json!([{"type": "po", "bizTransaction": "urn:x:1"}]),
        ),
        (
            "sourceList",
            json!([{"type": "location", "source": "urn:x:1"}]),
        ),
        (
            "destinationList",
            json!([{"type": "location", "destination": "urn:x:1"}]),
        ),
        ("certificationInfo", json!("urn:x:1")),
        (
            "sensorElementList",
            json!([{"sensorReport": [{"type": "Temperature", "value": 4}]}]),
        ),
        (
            "sensorElementList",
            json!([{"sensorReport": [{"type": "Temperature", "value": 5}]}]),
        ),
        ("ex:field", json!({"ex:a": ["2", "1"], "plain": 4})),
        ("ex:other", json!("")),
    ] {
        let mut event = with(name, value);
        if name == "type" {
            event["parentID"] = json!("urn:epc:id:sscc:9521234.0000000015");
            event["childEPCs"] = event["epcList"].take();
            let fields = event.as_object_mut().unwrap();
            fields.remove("epcList");
            fields.remove("ilmd");
        }
        if name == "action" {
            event.as_object_mut().unwrap().remove("ilmd");
        }
        seen.push(hash(&event));
    }
    let all = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

#[test]
fn prefixes_stand_for_what_the_context_says() {
    let original = hash(&event());
    let renamed = event().to_string().replace("\"ex", "\"other");
    assert_eq!(event_hash(renamed.as_bytes()).unwrap(), original);
    let full = event()
        .to_string()
        .replace("\"ex:", "\"https://example.com/ns/");
    assert_eq!(event_hash(full.as_bytes()).unwrap(), original);
    let as_object = event().to_string().replace(
        "\"https://example.com/ns/\"",
        r#"{"@id": "https://example.com/ns/", "@prefix": true}"#,
    );
    assert_eq!(event_hash(as_object.as_bytes()).unwrap(), original);
    let elsewhere = event().to_string().replace("com/ns/", "com/other/");
    assert_ne!(event_hash(elsewhere.as_bytes()).unwrap(), original);

    for (name, expected) in [
        ("inner:x", "{https://example.com/in/}x=1"),
        ("https://example.com/in/x", "{https://example.com/in/}x=1"),
        (
            "https://other.example/a/b#c",
            "{https://other.example/a/b#}c=1",
        ),
        ("urn:x:y:z", "{urn:x:y:}z=1"),
        ("unknown:x", "{unknown:}x=1"),
        ("cbvmda:lot", "{urn:epcglobal:cbv:mda:}lot=1"),
    ] {
        let found = text(&with(name, json!("1")));
        assert!(found.contains(expected), "{name}: {found}");
    }
    let own = with(
        "ex:field",
        json!({"@context": {"ex": "https://example.com/own/"}, "ex:a": "1"}),
    );
    let found = text(&own);
    assert!(
        found.ends_with("{https://example.com/ns/}field{https://example.com/own/}a=1"),
        "{found}"
    );
}

#[test]
fn a_document_may_name_what_its_repository_added() {
    let document = |ignored: &str, event: Json| {
        json!({
            "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld", {"r": "https://r.example/"}],
            "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-03-01T09:00:00Z",
            "r:ignoreFields": [ignored, 7], "epcisBody": {"eventList": [event]},
        })
        .to_string()
    };
    let hashes = |text: String| hashes("", text.as_bytes());
    let plain = hashes(document("r:none", event()));
    let added = with("r:id", json!("17"));
    assert_eq!(hashes(document("r:id", added.clone())), plain);
    assert_ne!(hashes(document("r:none", added)), plain);
    // Only extensions: nobody can declare away what the standard says of an event.
    assert_eq!(hashes(document("action", event())), plain);
}

/// What the reference implementation gives for these, or where we differ, as docs/epcis.md says.
#[test]
fn documents_that_others_write_have_their_hashes() {
    let same = "72c24602dfb0";
    let ignoring = "b3d481c5590757ab8361a6cb0e924820feb3b61eb568e7d7703f21a96f76f51d";
    for (name, expected) in [
        ("D01_bom.json", [same].as_slice()),
        ("D04_creationDate_without_zone.xml", &[same]),
        ("D08_query_ignoreFields.jsonld", &[ignoring, ignoring]),
        ("D11_document_extension.xml", &[same]),
        ("D12_cbvmda.xml", &["9f40a476"]),
        ("D15_schemaVersion_2.xml", &[same]),
    ] {
        let extension = name.rsplit('.').next().unwrap();
        let cases = documents("epcis-cases", extension);
        let (_, document) = cases.iter().find(|(file, _)| file == name).expect(name);
        let found = hashes(name, document);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (found, expected) in found.iter().zip(expected) {
            let start = format!("ni:///sha-256;{expected}");
            assert!(found.starts_with(&start), "{name}: {found}");
        }
    }
}

/// In XML an element of any namespace names them, beside the body or in it.
#[test]
fn an_xml_document_may_name_what_its_repository_added_too() {
    let document = |beside: &str, inside: &str, added: &str| {
        format!(
            "<e:EPCISDocument xmlns:e=\"urn:epcglobal:epcis:xsd:2\" xmlns:r=\"https://r.example/\" \
             xmlns:x=\"https://x.example/\" schemaVersion=\"2.0\" creationDate=\"2026-03-01T09:00:00Z\">\
             {beside}<EPCISBody>{inside}<EventList><ObjectEvent>\
             <eventTime>2026-03-01T08:30:00Z</eventTime><eventTimeZoneOffset>+00:00</eventTimeZoneOffset>\
             <epcList><epc>urn:epc:id:sscc:9521234.0000000015</epc></epcList><action>OBSERVE</action>\
             {added}</ObjectEvent></EventList></EPCISBody></e:EPCISDocument>"
        )
    };
    let hash = |text: String| hashes("", text.as_bytes());
    let fields = "<r:ignoreFields><x:id/></r:ignoreFields>";
    let plain = hash(document("", "", ""));
    let added = "<x:id>17</x:id>";
    assert_ne!(hash(document("", "", added)), plain);
    assert_eq!(hash(document(fields, "", added)), plain);
    assert_eq!(hash(document("", fields, added)), plain);
    let nested = "<x:a><x:id>17</x:id></x:a>";
    assert_ne!(
        hash(document(fields, "", nested)),
        hash(document(fields, "", "<x:a/>"))
    );
}

#[test]
fn an_event_that_breaks_a_rule_has_no_hash() {
    let error = event_hash(with("bizStep", json!("teleporting")).to_string().as_bytes());
    assert_eq!(error.unwrap_err().rule.code(), "unknown-biz-step");
}

proptest! {
    #[test]
    fn however_an_event_is_written_its_hash_is_the_same(draft in draft(), one in style(), other in style()) {
        let (one, other) = (draft.json(one), draft.json(other));
        let hash = event_hash(one.as_bytes()).unwrap();
        prop_assert_eq!(&hash, &event_hash(other.as_bytes()).unwrap(), "{}\n{}", one, other);
    }

    #[test]
    fn an_event_in_xml_has_the_hash_of_the_event_in_json(draft in draft(), one in style(), other in style()) {
        let (json, xml) = (draft.json(one), draft.xml(other));
        let events = convert_xml(xml.as_bytes()).unwrap();
        let event = events[0].as_ref().unwrap_or_else(|error| panic!("{error}\n{xml}"));
        prop_assert_eq!(event_hash(json.as_bytes()), event_hash(event), "{}\n{}", json, xml);
    }

    #[test]
    fn broken_bytes_have_a_hash_or_a_rule(at: prop::sample::Index, byte: u8) {
        let mut bytes = event().to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        match event_hash(&bytes) {
            Ok(hash) => prop_assert!(hash.starts_with("ni:///sha-256;")),
            Err(error) => prop_assert!(error.path.starts_with('$')),
        }
    }
}
