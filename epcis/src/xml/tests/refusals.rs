//! What is refused, where, and by which rule.

use super::*;

/// The error of a document, or of its first event that has one.
fn refusal(xml: &[u8]) -> EpcisError {
    match convert_xml(xml) {
        Err(error) => error,
        Ok(events) => events
            .into_iter()
            .find_map(Result::err)
            .unwrap_or_else(|| panic!("accepted: {}", String::from_utf8_lossy(xml))),
    }
}

fn check(xml: &str, path: &str, code: &str) {
    let error = refusal(xml.as_bytes());
    let path = path.replacen('~', "/epcis:EPCISDocument/EPCISBody/EventList", 1);
    assert_eq!(
        (error.path.as_str(), error.rule.code()),
        (path.as_str(), code),
        "{error}\n{xml}"
    );
}

#[test]
fn entities_and_document_types_are_refused() {
    let billion =
        "<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">]>";
    let file = "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";
    for doctype in [
        billion,
        file,
        "<!DOCTYPE a>",
        "<!DOCTYPE a SYSTEM \"http://127.0.0.1/a.dtd\">",
    ] {
        check(&format!("{doctype}{}", object("")), "/", "xml-doctype");
    }
    check(
        &object("<x:a>&b;</x:a>"),
        "~/ObjectEvent[1]/x:a",
        "xml-entity",
    );
    check(
        &object("<x:a b=\"&b;\"/>"),
        "~/ObjectEvent[1]",
        "xml-entity",
    );
    check(
        &object("<x:a>&#0;</x:a>"),
        "~/ObjectEvent[1]/x:a",
        "not-xml",
    );
    check(
        &object("<x:a>&#xD800;</x:a>"),
        "~/ObjectEvent[1]/x:a",
        "not-xml",
    );
    check(&object("<x:a b=\"&#8;\"/>"), "~/ObjectEvent[1]", "not-xml");
    check(
        &object("<x:a>a & b</x:a>"),
        "~/ObjectEvent[1]/x:a",
        "not-xml",
    );
}

#[test]
fn what_is_not_well_formed_is_refused() {
    check("", "/", "not-xml");
    check("<", "/", "not-xml");
    check("text", "/", "not-xml");
    check(
        &format!("{HEAD}<ObjectEvent>"),
        "~/ObjectEvent[1]",
        "not-xml",
    );
    check(&format!("{}{}", object(""), object("")), "/", "not-xml");
    check(&format!("{}text", object("")), "/", "not-xml");
    check(&object("<x:a></x:b>"), "~/ObjectEvent[1]/x:a", "not-xml");
    check(&object("</x:a>"), "~/ObjectEvent[1]", "not-xml");
    check(
        &object("<x:a b=\"1\" b=\"2\"/>"),
        "~/ObjectEvent[1]/x:a",
        "not-xml",
    );
    check(
        &object("<x:a xmlns:y=\"https://example.com/x/\" x:b=\"1\" y:b=\"2\"/>"),
        "~/ObjectEvent[1]/x:a",
        "not-xml",
    );
    check(&object("<x:a b=1/>"), "~/ObjectEvent[1]", "not-xml");
    check(&object("<x:a b=\"<\"/>"), "~/ObjectEvent[1]", "not-xml");
    check(&object("<x:/>"), "~/ObjectEvent[1]", "not-xml");
    check(&object("<x:a:b/>"), "~/ObjectEvent[1]", "not-xml");
    check(&object("<x:1/>"), "~/ObjectEvent[1]", "not-xml");
    check(&object("<!-- -- -->"), "~/ObjectEvent[1]", "not-xml");
    check(
        &object("<x:a>\u{1}</x:a>"),
        "~/ObjectEvent[1]/x:a",
        "not-xml",
    );
    check(&object("<y:a/>"), "~/ObjectEvent[1]/y:a", "unbound-prefix");
    check(
        &object("<x:a y:b=\"1\"/>"),
        "~/ObjectEvent[1]/x:a",
        "unbound-prefix",
    );
    check(
        &object("<x:a xmlns:x=\"\"/>"),
        "~/ObjectEvent[1]",
        "not-xml",
    );
    check(
        &object("<x:a xmlns:xml=\"urn:y\"/>"),
        "~/ObjectEvent[1]",
        "not-xml",
    );
    check(
        &format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{}", object("")),
        "/",
        "not-xml",
    );
    let mut bytes = object("").into_bytes();
    let at = bytes.iter().position(|b| *b == b'A').unwrap();
    bytes[at] = 0xff;
    assert_eq!(refusal(&bytes).rule.code(), "not-xml");
}

#[test]
fn documents_that_hold_no_events_are_refused() {
    let root = "/epcis:EPCISDocument";
    let good = object("");
    check(
        &good.replace("EPCISDocument", "Document"),
        "/epcis:Document",
        "unknown-event-type",
    );
    check(
        &good.replace("urn:epcglobal:epcis:xsd:2", "urn:y"),
        root,
        "unexpected-content",
    );
    check(
        &good.replace("schemaVersion", "version"),
        "/epcis:EPCISDocument/@schemaVersion",
        "missing-field",
    );
    check(
        &good.replace("\"2.0\"", "\"3.0\""),
        "/epcis:EPCISDocument/@schemaVersion",
        "bad-schema-version",
    );
    check(
        &good.replace("creationDate", "created"),
        "/epcis:EPCISDocument/@creationDate",
        "missing-field",
    );
    check(
        &good.replace("T09:", " 09:"),
        "/epcis:EPCISDocument/@creationDate",
        "bad-time",
    );
    check(
        &good.replace("EPCISBody", "Body"),
        "/epcis:EPCISDocument/Body",
        "unexpected-content",
    );
    check(
        &good.replace("EventList", "VocabularyList"),
        "/epcis:EPCISDocument/EPCISBody/VocabularyList",
        "unexpected-content",
    );
    check(
        &document("<PartyEvent/>"),
        "~/PartyEvent[1]",
        "unknown-event-type",
    );
    check(
        &document("<x:ObjectEvent/>"),
        "~/x:ObjectEvent[1]",
        "unexpected-content",
    );
}

#[test]
fn what_would_be_lost_is_refused() {
    for (xml, path) in [
        ("text", ""),
        ("<action>ADD</action>", "/action[2]"),
        ("<bizStep>a<b/></bizStep>", "/bizStep"),
        ("<bizStep x:a=\"1\">shipping</bizStep>", "/bizStep"),
        ("<extension><epcList/></extension>", "/extension/epcList"),
        ("<quantityList>3</quantityList>", "/quantityList"),
        (
            "<quantityList><epc/></quantityList>",
            "/quantityList/epc[1]",
        ),
        (
            "<quantityList><x:quantityElement/></quantityList>",
            "/quantityList/x:quantityElement[1]",
        ),
        ("<readPoint><id>urn:x:1</id>text</readPoint>", "/readPoint"),
        (
            "<readPoint><id>urn:x:1</id><id>urn:x:2</id></readPoint>",
            "/readPoint/id[2]",
        ),
        (
            "<readPoint id=\"urn:x:1\"><id>urn:x:2</id></readPoint>",
            "/readPoint/id",
        ),
        (
            "<bizTransactionList><bizTransaction>a<b/></bizTransaction></bizTransactionList>",
            "/bizTransactionList/bizTransaction[1]",
        ),
    ] {
        check(
            &object(xml),
            &format!("~/ObjectEvent[1]{path}"),
            "unexpected-content",
        );
    }
}

#[test]
fn the_rules_of_events_are_told_with_an_xpath() {
    let sensor = |report: &str| {
        format!("<sensorElementList><sensorElement>{report}</sensorElement></sensorElementList>")
    };
    for (xml, path, code) in [
        (
            "<bizStep>teleporting</bizStep>",
            "/bizStep",
            "unknown-biz-step",
        ),
        (
            "<disposition>gone</disposition>",
            "/disposition",
            "unknown-disposition",
        ),
        ("<recordTime>now</recordTime>", "/recordTime", "bad-time"),
        ("<parentID>urn:x:1</parentID>", "/parentID", "unknown-field"),
        ("<other/>", "/other", "unknown-field"),
        (
            "<ilmd><lot>1</lot></ilmd>",
            "/ilmd/lot",
            "ilmd-without-namespace",
        ),
        (
            "<readPoint><id>gate</id></readPoint>",
            "/readPoint/id",
            "bad-identifier",
        ),
        ("<readPoint/>", "/readPoint/id", "missing-field"),
        (
            "<bizTransactionList><bizTransaction type=\"x\">urn:x:1</bizTransaction></bizTransactionList>",
            "/bizTransactionList/*[1]/@type",
            "unknown-term",
        ),
        (
            "<bizTransactionList><bizTransaction>no uri</bizTransaction></bizTransactionList>",
            "/bizTransactionList/*[1]",
            "bad-uri",
        ),
        (
            "<certificationInfo>urn:x:1</certificationInfo><certificationInfo>no uri</certificationInfo>",
            "/certificationInfo[2]",
            "bad-uri",
        ),
        (
            &sensor("<sensorReport type=\"gs1:Mass\"/><sensorReport value=\"much\"/>"),
            "/sensorElementList/*[1]/sensorReport[2]/@value",
            "wrong-type",
        ),
        (
            &sensor("<sensorMetadata time=\"now\"/><sensorReport/>"),
            "/sensorElementList/*[1]/sensorMetadata/@time",
            "bad-time",
        ),
    ] {
        check(&object(xml), &format!("~/ObjectEvent[1]{path}"), code);
    }
    let good = format!("<ObjectEvent>{TIMES}{EPCS}</ObjectEvent>");
    let bad = format!("<ObjectEvent>{EPCS}</ObjectEvent>");
    let events =
        convert_xml(document(&format!("{good}<AggregationEvent/>{bad}{good}")).as_bytes()).unwrap();
    let paths = events
        .iter()
        .map(|event| event.as_ref().err().map(|error| error.path.as_str()));
    let list = "/epcis:EPCISDocument/EPCISBody/EventList";
    let expected = [
        None,
        Some(format!("{list}/AggregationEvent[1]/action")),
        Some(format!("{list}/ObjectEvent[2]/eventTime")),
        None,
    ];
    assert_eq!(
        paths.collect::<Vec<_>>(),
        expected.each_ref().map(Option::as_deref)
    );
}

#[test]
fn sizes_depths_and_counts_have_limits() {
    let nested = |levels: usize| format!("{}{}", "<x:a>".repeat(levels), "</x:a>".repeat(levels));
    assert_eq!(fields(&nested(60)).as_object().unwrap().len(), 2);
    for levels in [70, 100_000] {
        assert_eq!(
            refusal(object(&nested(levels)).as_bytes()).rule.code(),
            "too-deep"
        );
    }
    let spaces = " ".repeat(MAX_DOCUMENT_BYTES);
    check(&format!("{spaces}{}", object("")), "/", "too-large");
    let text = "a".repeat(MAX_EVENT_BYTES);
    check(
        &object(&format!("<x:a>{text}</x:a>")),
        "~/ObjectEvent[1]",
        "too-large",
    );
    let much = format!("<x:a>{}</x:a>", "a".repeat(1 << 16)).repeat(70);
    assert_eq!(refusal(object(&much).as_bytes()).rule.code(), "too-large");
    check(
        &object(&"<x:a/>".repeat(1 << 16)),
        "~/ObjectEvent[1]/x:a[65532]",
        "too-many",
    );
    check(
        &document(&"<ObjectEvent/>".repeat(MAX_XML_EVENTS + 1)),
        "~/ObjectEvent[65537]",
        "too-many",
    );
    let prefixes: String = (0..200)
        .map(|n| format!(" xmlns:p{n}=\"urn:{n}\""))
        .collect();
    check(
        &object(&format!("<x:a{prefixes}/>")),
        "~/ObjectEvent[1]",
        "too-many",
    );
}
