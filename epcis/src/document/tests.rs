use proptest::prelude::*;

use super::*;

const EVENT: &str = r#""type": "ObjectEvent", "action": "ADD", "eventTime": "2026-03-01T08:30:00Z",
    "eventTimeZoneOffset": "+00:00", "epcList": ["urn:epc:id:sscc:9521234.0000000015"]"#;

/// A document around the inside of one event.
fn document(context: &str, event: &str) -> String {
    format!(
        r#"{{"@context": {context}, "type": "EPCISDocument", "schemaVersion": "2.0",
        "creationDate": "2026-03-01T09:00:00Z", "epcisBody": {{"eventList": [ {{{event}}} ]}}}}"#
    )
}

fn query(events: &str) -> String {
    format!(
        r#"{{"@context": "https://example.com/c", "type": "EPCISQueryDocument",
        "schemaVersion": "2.0", "creationDate": "2026-03-01T09:00:00Z", "epcisBody": {{
        "queryResults": {{"queryName": "q", "resultsBody": {{"eventList": {events}}}}}}}}}"#
    )
}

fn one(document: &str) -> String {
    let events = split_document(document.as_bytes()).unwrap_or_else(|e| panic!("{e}: {document}"));
    assert_eq!(events.len(), 1, "{document}");
    String::from_utf8(events[0].clone()).unwrap()
}

#[test]
fn an_event_stands_alone_with_its_documents_context() {
    let url = r#""https://example.com/c""#;
    for (context, own, expected) in [
        (url, "", r#""https://example.com/c""#),
        (
            r#"[ "https://example.com/c" ]"#,
            "",
            r#"["https://example.com/c"]"#,
        ),
        (r#"{ "a": "https://a" }"#, "", r#"{"a":"https://a"}"#),
        // An event's own terms come after, and so over, its document's (JSON-LD 1.1 §4.1).
        (
            url,
            r#"{"a": "https://b"}"#,
            r#"["https://example.com/c",{"a":"https://b"}]"#,
        ),
        (
            r#"["https://example.com/c", {"a": "https://a"}]"#,
            r#"[ {"b": "https://b"}, null ]"#,
            r#"["https://example.com/c",{"a":"https://a"},{"b":"https://b"},null]"#,
        ),
        ("null", r#"[]"#, "[null]"),
    ] {
        let event = match own {
            "" => EVENT.to_owned(),
            own => format!(r#"{EVENT}, "@context": {own}"#),
        };
        let found = one(&document(context, &event));
        let head = format!(r#"{{"@context":{expected},"type":"ObjectEvent","action":"ADD","#);
        assert!(found.starts_with(&head), "{found}");
        assert_eq!(found.matches("@context").count(), 1, "{found}");
    }
}

#[test]
fn tokens_come_through_as_they_are() {
    let fields = concat!(
        r#""x:a":1.00,"x:b":-0,"x:c":1E+2,"x:d":9007199254740991,"#,
        r#""x:\u0065":"\u00e9\/é \" : , ","x:f":[true,false,null,{}]"#
    );
    let spaced = fields
        .replace("\":", "\" :\n\t")
        .replace(",\"x", " ,\r\n \"x");
    assert_ne!(spaced, fields);
    let found = one(&document(
        "\"https://example.com/c\"",
        &format!("{EVENT}, {spaced}"),
    ));
    assert!(found.ends_with(&format!(",{fields}}}")), "{found}");
}

#[test]
fn a_bare_event_is_kept_byte_by_byte() {
    let event = format!("\n {{ \"@context\" : \"https://example.com/c\" , {EVENT} }} \n");
    assert_eq!(one(&event), event);
}

#[test]
fn what_was_split_is_split_into_itself() {
    let event = one(&document("\"https://example.com/c\"", EVENT));
    assert_eq!(one(&event), event);
}

#[test]
fn query_results_are_split_in_their_order() {
    let text = query(&format!("[{{{EVENT}}}, {{\"x:second\": 2, {EVENT}}}]"));
    let events = split_document(text.as_bytes()).unwrap();
    assert_eq!(events.len(), 2);
    assert!(events[1].starts_with(br#"{"@context":"https://example.com/c","x:second":2,"#));
    assert_eq!(split_document(query("[]").as_bytes()), Ok(vec![]));
}

fn check(text: &str, path: &str, code: &str) {
    let error = split_document(text.as_bytes()).expect_err(text);
    assert_eq!(
        (error.path.as_str(), error.rule.code()),
        (path, code),
        "{text}"
    );
}

#[test]
fn each_rule_refuses() {
    let good = document("\"https://example.com/c\"", EVENT);
    let without = |field: &str| good.replacen(&format!("\"{field}\""), "\"x:other\"", 1);
    check("[]", "$", "wrong-type");
    check("{}", "$.type", "missing-field");
    check(
        &good.replace("EPCISDocument", "Document"),
        "$.type",
        "unknown-event-type",
    );
    check(&without("@context"), "$.@context", "missing-context");
    check(
        &without("schemaVersion"),
        "$.schemaVersion",
        "missing-field",
    );
    check(&without("creationDate"), "$.creationDate", "missing-field");
    check(&without("epcisBody"), "$.epcisBody", "missing-field");
    check(
        &without("eventList"),
        "$.epcisBody.eventList",
        "missing-field",
    );
    check(
        &good.replace("\"2.0\"", "\"1.2\""),
        "$.schemaVersion",
        "bad-schema-version",
    );
    check(&good.replace("T09:", " 09:"), "$.creationDate", "bad-time");
    check(
        &good.replace("\"epcisBody\"", "\"other\": 1, \"epcisBody\""),
        "$.other",
        "unknown-field",
    );
    check(&document("7", EVENT), "$.@context", "wrong-type");
    check(&document("[[]]", EVENT), "$.@context[0]", "wrong-type");
    check(&document("[\"a b\"]", EVENT), "$.@context[0]", "bad-uri");
    check(
        &query("{}"),
        "$.epcisBody.queryResults.resultsBody.eventList",
        "wrong-type",
    );
    check(
        &query(&format!("[{{{EVENT}}}, {{\"type\": 1}}]")),
        "$.epcisBody.queryResults.resultsBody.eventList[1].type",
        "wrong-type",
    );
    check(
        &query("[7]"),
        "$.epcisBody.queryResults.resultsBody.eventList[0]",
        "wrong-type",
    );
    check(
        &query("[]").replace("resultsBody", "x:y"),
        "$.epcisBody.queryResults.resultsBody",
        "missing-field",
    );
    check(
        &query("[]").replace("queryResults", "x:y"),
        "$.epcisBody.queryResults",
        "missing-field",
    );
}

#[test]
fn sizes_and_depths_have_limits() {
    let long = "a".repeat(event::MAX_EVENT_BYTES);
    let big = document(
        "\"https://example.com/c\"",
        &format!("{EVENT}, \"x:a\": \"{long}\""),
    );
    check(&big, "$.epcisBody.eventList[0]", "too-large");
    let spaced = " ".repeat(MAX_DOCUMENT_BYTES + 1);
    check(&spaced, "$", "too-large");

    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    let with = |levels| format!("[{{{EVENT}, \"x:a\": {}}}]", nested(levels));
    assert!(split_document(query(&with(MAX_EVENT_DEPTH - 1)).as_bytes()).is_ok());
    let too_deep = split_document(query(&with(MAX_EVENT_DEPTH)).as_bytes()).unwrap_err();
    assert_eq!(too_deep.rule.code(), "too-deep");
}

proptest! {
    /// Bytes may be broken anywhere: what is given stands alone, or a rule is named.
    #[test]
    fn broken_bytes_are_split_or_refused(at: prop::sample::Index, byte: u8, remove: bool) {
        let own = format!("{EVENT}, \"@context\": [null]");
        let mut bytes = query(&format!("[{{{EVENT}}}, {{{own}}}]")).into_bytes();
        let at = at.index(bytes.len());
        if remove { bytes.remove(at); } else { bytes[at] = byte; }
        match split_document(&bytes) {
            Ok(events) => for event in events {
                prop_assert!(Event::parse(&event).is_ok());
            },
            Err(error) => prop_assert!(error.path.starts_with('$')),
        }
    }
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let cases = crate::test_support::documents("epcis-cases", "json");
    let (_, marked) = cases
        .iter()
        .find(|(name, _)| name == "D01_bom.json")
        .unwrap();
    let plain = marked.strip_prefix("\u{feff}".as_bytes()).unwrap();
    let events = split_document(plain).unwrap();
    assert_eq!(split_document(marked), Ok(events.clone()));
    let bare = [b"\xef\xbb\xbf".as_slice(), events[0].as_slice()].concat();
    assert_eq!(split_document(&bare), Ok(events));
}

/// What is around the events isn't recorded, so that a comment there costs nothing.
#[test]
fn an_envelope_may_have_comments_and_any_id() {
    let document = |more: &str| {
        format!(
            r#"{{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld", {more}
            "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-03-01T09:00:00Z",
            "epcisBody": {{"eventList": []}}}}"#
        )
    };
    for more in [
        r#""_comment": "made by hand","#,
        r#""_comment2": {"a": 1}, "id": "_:document1","#,
        r#""sender": "9521234500018","#,
    ] {
        assert_eq!(
            split_document(document(more).as_bytes()),
            Ok(Vec::new()),
            "{more}"
        );
    }
    let error = split_document(document(r#""comment": 1,"#).as_bytes()).unwrap_err();
    assert_eq!(error.rule.code(), "unknown-field");
}
