use std::fs;
use std::path::Path;

use super::*;
use crate::split_document;

mod extensions;

/// The 68 events of the public documents, recorded one second after another from 1000 s on.
fn public() -> Vec<QueriedEvent> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/epcis/valid");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let documents = files.iter().map(|file| fs::read(file).unwrap());
    let events: Vec<Vec<u8>> = documents
        .flat_map(|d| split_document(&d).unwrap())
        .collect();
    assert_eq!(events.len(), 68);
    (0i64..)
        .zip(events)
        .map(|(n, e)| QueriedEvent::read(&e, (1000 + n) * 1000, format!("urn:x:{n}")).unwrap())
        .collect()
}

/// Prefixes of the public documents.
const EXTENSIONS: &str = "example=http://ns.example.com/epcis/,ext1=http://example.com/ext1/,\
                          x=https://ns.example.com/x/";

fn parameters(text: &str) -> QueryParameters {
    let mut parameters = QueryParameters::default();
    parameters.declare(EXTENSIONS).unwrap();
    for pair in text.split('&') {
        let (name, values) = pair.split_once('=').unwrap_or((pair, ""));
        parameters.add(name, values.split('|').map(str::to_owned).collect());
    }
    parameters
}

fn query(text: &str) -> Query {
    Query::read(&parameters(text)).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// The counts were made from the documents by another program.
#[test]
fn parameters_find_what_is_in_the_public_documents() {
    let subjects = public();
    for (text, expected) in [
        ("eventType=ObjectEvent", 34),
        ("eventType=AggregationEvent|AssociationEvent", 17),
        ("eventType=TransactionEvent", 8),
        ("eventType=TransformationEvent", 9),
        ("EQ_action=OBSERVE", 36),
        ("EQ_action=ADD|DELETE", 23),
        ("EQ_bizStep=inspecting", 13),
        ("EQ_bizStep=urn:epcglobal:cbv:bizstep:inspecting", 13),
        (
            "EQ_bizStep=https://ref.gs1.org/cbv/BizStep-sensor_reporting",
            5,
        ),
        ("EQ_bizStep=https://example.com/bizStep/inspecting", 1),
        ("EQ_disposition=in_progress|in_transit", 32),
        ("EQ_disposition=cbv:Disp-in_transit", 8),
        ("EQ_persistentDisposition_set=completeness_verified", 5),
        ("EQ_persistentDisposition_unset=completeness_inferred", 5),
        ("GE_eventTime=2020-01-01T00:00:00Z", 26),
        ("LT_eventTime=2020-01-01T00:00:00Z", 42),
        (
            "GE_eventTime=2020-01-01T00:00:00Z&LT_eventTime=2021-01-01T00:00:00Z",
            14,
        ),
        ("GE_recordTime=1970-01-01T00:17:20Z", 28),
        ("LT_recordTime=1970-01-01T00:17:20Z", 40),
        ("EQ_readPoint=urn:epc:id:sgln:4012345.00005.0", 14),
        ("EQ_readPoint=https://id.gs1.org/414/4012345000054", 14),
        ("EQ_readPoint=urn:epc:id:sgln:0012345.11111.0", 0),
        ("WD_readPoint=urn:epc:id:sgln:0012345.11111.0", 4),
        ("EQ_bizLocation=urn:epc:id:sgln:4023333.00001.0", 0),
        ("WD_bizLocation=urn:epc:id:sgln:4023333.00001.0", 3),
        ("EQ_bizLocation=urn:epc:id:sgln:0614141.00888.0", 8),
        (
            "EQ_bizTransaction_po=http://transaction.acme.com/po/12345678",
            8,
        ),
        (
            "EQ_bizTransaction_urn:epcglobal:cbv:btt:po=urn:epc:id:gdti:0614141.00001.1618034",
            6,
        ),
        (
            "EQ_bizTransaction_inv=http://transaction.acme.com/po/12345678",
            0,
        ),
        ("EQ_source_location=urn:epc:id:sgln:4012345.00225.0", 8),
        ("EQ_destination_location=urn:epc:id:sgln:4012345.00225.1", 0),
        ("EQ_transformationID=urn:epc:id:gdti:0614141.12345.400", 1),
        ("MATCH_epc=urn:epc:id:sgtin:0614141.107346.2018", 13),
        ("MATCH_epc=https://id.gs1.org/01/10614141073464/21/2018", 13),
        ("MATCH_anyEPC=urn:epc:idpat:sgtin:0614141.107346.*", 13),
        ("MATCH_anyEPC=https://id.gs1.org/01/10614141073464/21/*", 13),
        ("MATCH_anyEPC=urn:epc:idpat:sgtin:4012345.*.*", 24),
        (
            "MATCH_epc=urn:epc:id:giai:4000001.12345|urn:epc:id:giai:4000001.12346",
            7,
        ),
        ("MATCH_inputEPC=urn:epc:id:giai:4000001.12345", 0),
        ("MATCH_inputEPC=urn:epc:id:sgtin:4012345.011122.25", 4),
        ("MATCH_outputEPC=urn:epc:id:sgtin:4012345.077889.25", 4),
        ("MATCH_epc=urn:epc:id:sgtin:4012345.077889.25", 0),
        ("MATCH_parentID=urn:epc:id:sscc:0614141.1234567890", 6),
        ("MATCH_parentID=urn:epc:idpat:grai:4012345.*.*", 8),
        (
            "MATCH_epcClass=urn:epc:class:lgtin:4012345.012345.998877",
            6,
        ),
        ("MATCH_anyEPCClass=urn:epc:idpat:sgtin:4012345.066666.*", 4),
        (
            "MATCH_inputEPCClass=urn:epc:idpat:sgtin:4012345.066666.*",
            4,
        ),
        (
            "MATCH_outputEPCClass=urn:epc:idpat:sgtin:4012345.044444.*",
            2,
        ),
        ("EQ_quantity=10", 11),
        ("GT_quantity=200", 11),
        ("GE_quantity=200", 13),
        ("LT_quantity=10", 3),
        ("LE_quantity=4", 3),
        ("EQ_quantity=200.50", 5),
        (
            "EQ_eventID=urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8",
            2,
        ),
        ("EQ_eventID=urn:x:0|urn:x:67", 2),
        ("EXISTS_errorDeclaration=", 10),
        ("EXISTS_errorDeclaration=true", 10),
        ("EXISTS_errorDeclaration=1", 10),
        ("EXISTS_errorDeclaration=false", 68),
        ("EQ_errorReason=incorrect_data", 7),
        ("EQ_errorReason=urn:epcglobal:cbv:er:incorrect_data", 7),
        (
            "EQ_correctiveEventID=urn:uuid:fd338495-0e6d-41dd-afee-a862ecd32518",
            1,
        ),
        ("GE_errorDeclarationTime=2020-01-01T00:00:00Z", 5),
        ("LT_errorDeclarationTime=2007-01-01T00:00:00Z", 2),
        ("EXISTS_ilmd=", 7),
        ("EXISTS_sensorElementList=", 38),
        ("EXISTS_example:myField=", 10),
        ("EXISTS_http://ns.example.com/epcis/myField=", 10),
        // A prefix without slash: JSON-LD puts the name right behind it.
        ("EXISTS_http://ns.example.com/epcismyField=", 2),
        ("EXISTS_ILMD_cbvmda:lotNumber=", 3),
        ("EQ_ILMD_cbvmda:lotNumber=LOTABC", 2),
        ("EQ_ext1:int=10", 6),
        ("EQ_http://example.com/ext1/int=10.0", 0),
        ("GT_ext1:int=9", 6),
        ("GT_ext1:int=10", 0),
        ("LE_ext1:float=20", 6),
        ("EQ_ext1:boolean=true", 6),
        ("LT_ext1:time=2013-06-08T14:58:57Z", 6),
        ("GE_ext1:time=2013-06-08T14:58:57Z", 0),
        ("EQ_ext1:array=stringInArray", 5),
        (
            "eventType=ObjectEvent&EQ_action=OBSERVE&EQ_bizStep=inspecting",
            10,
        ),
    ] {
        let query = query(text);
        let found = subjects.iter().filter(|s| query.matches(s)).count();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn patterns_leave_open_what_they_say() {
    let event = |epc: &str| {
        let event = format!(
            r#"{{"@context": "https://ref.gs1.org/standards/epcis/epcis-context.jsonld",
            "type": "ObjectEvent", "action": "OBSERVE", "eventTime": "2026-03-01T08:30:00Z",
            "eventTimeZoneOffset": "+00:00", "epcList": ["{epc}"]}}"#
        );
        QueriedEvent::read(event.as_bytes(), 0, String::new())
            .unwrap_or_else(|e| panic!("{epc}: {e}"))
    };
    for (pattern, epc, fits) in [
        (
            "urn:epc:idpat:sgtin:0614141.107346.2017",
            "urn:epc:id:sgtin:0614141.107346.2017",
            true,
        ),
        (
            "urn:epc:idpat:sgtin:0614141.107346.2017",
            "urn:epc:id:sgtin:0614141.107346.20170",
            false,
        ),
        (
            "urn:epc:idpat:sgtin:0614141.107346.*",
            "urn:epc:id:sgtin:0614141.107346.2017",
            true,
        ),
        (
            "urn:epc:idpat:sgtin:0614141.107346.*",
            "urn:epc:id:sgtin:0614141.107347.2017",
            false,
        ),
        (
            "urn:epc:idpat:sgtin:0614141.*.*",
            "urn:epc:id:sgtin:0614141.907347.2017",
            true,
        ),
        (
            "urn:epc:idpat:sgtin:0614142.*.*",
            "urn:epc:id:sgtin:0614141.907347.2017",
            false,
        ),
        (
            "urn:epc:idpat:sgtin:*.*.*",
            "urn:epc:id:sgtin:0614141.907347.2017",
            true,
        ),
        (
            "urn:epc:idpat:sgtin:*.*.*",
            "urn:epc:id:sscc:4012345.0000000333",
            false,
        ),
        (
            "urn:epc:idpat:sscc:4012345.*",
            "urn:epc:id:sscc:4012345.0000000333",
            true,
        ),
        (
            "urn:epc:idpat:sscc:4012346.*",
            "urn:epc:id:sscc:4012345.0000000333",
            false,
        ),
        (
            "urn:epc:idpat:giai:4012345.*",
            "urn:epc:id:giai:4012345.AAbb",
            true,
        ),
        (
            "urn:epc:idpat:grai:4012345.66666.*",
            "urn:epc:id:grai:4012345.66666.87",
            true,
        ),
        (
            "urn:epc:idpat:grai:4012345.66667.*",
            "urn:epc:id:grai:4012345.66666.87",
            false,
        ),
        (
            "urn:epc:idpat:sgln:4012345.00005.*",
            "urn:epc:id:sgln:4012345.00005.7",
            true,
        ),
        (
            "urn:epc:idpat:sgln:4012345.00006.*",
            "urn:epc:id:sgln:4012345.00005.7",
            false,
        ),
        // The canonical form is written otherwise: open ends are found in any spelling.
        (
            "urn:epc:id:sgtin:0614141.107346.*",
            "urn:epc:id:sgtin:0614141.107346.2017",
            true,
        ),
        (
            "urn:epc:id:sgtin:0614141.107346.20*",
            "urn:epc:id:sgtin:0614141.107346.2017",
            true,
        ),
        (
            "urn:epc:id:sgtin:0614141.107346.21*",
            "urn:epc:id:sgtin:0614141.107346.2017",
            false,
        ),
        (
            "urn:epc:id:sscc:4012345.*",
            "urn:epc:id:sscc:4012345.0000000333",
            true,
        ),
        (
            "urn:epc:id:grai:4012345.66666.8*",
            "urn:epc:id:grai:4012345.66666.87",
            true,
        ),
        (
            "https://own.example/01/10614141073464/21/20*",
            "https://id.gs1.org/01/10614141073464/21/2017",
            true,
        ),
        (
            "http://ID.gs1.org/01/10614141073464/*",
            "https://id.gs1.org/01/10614141073464/21/2017",
            true,
        ),
        (
            "https://own.example/shop/01/10614141073464/10/B/21/*",
            "https://id.gs1.org/01/10614141073464/21/2017",
            true,
        ),
        (
            "https://id.gs1.org/01/1061414*",
            "https://id.gs1.org/01/10614141073464/21/2017",
            true,
        ),
        (
            "https://id.gs1.org/00*",
            "https://id.gs1.org/01/10614141073464/21/2017",
            false,
        ),
        (
            "https://example.com/units/*",
            "https://example.com/units/7",
            true,
        ),
        (
            "https://example.com/units/*",
            "https://example.com/unit/7",
            false,
        ),
        (
            "https://example.com/units/7",
            "https://example.com/units/7",
            true,
        ),
    ] {
        let query = query(&format!("MATCH_epc={pattern}"));
        assert_eq!(query.matches(&event(epc)), fits, "{pattern} {epc}");
    }
}

#[test]
fn what_is_no_query_is_refused_with_its_reason() {
    let word = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    for (text, reason) in [
        ("EQ_colour=red", BadQuery::Unknown("EQ_colour".into())),
        ("bizStep=shipping", BadQuery::Unknown("bizStep".into())),
        (
            "MATCH_thing=urn:x:1",
            BadQuery::Unknown("MATCH_thing".into()),
        ),
        ("XX_ext1:int=1", BadQuery::Unknown("XX_ext1:int".into())),
        ("EXISTS_colour=", BadQuery::Unknown("EXISTS_colour".into())),
        ("EQ_source_=urn:x:1", BadQuery::Unknown("EQ_source_".into())),
        ("EQ_:a=1", BadQuery::Unknown("EQ_:a".into())),
        (
            "EQ_action=ADD&EQ_action=DELETE",
            BadQuery::Twice("EQ_action".into()),
        ),
        ("EQ_bizStep=", BadQuery::NoValue("EQ_bizStep".into())),
        (
            "EQ_bizStep=shipping||packing",
            BadQuery::NoValue("EQ_bizStep".into()),
        ),
        (
            "GE_eventTime=2020-01-01T00:00:00Z|2020-01-02T00:00:00Z",
            BadQuery::NotOne("GE_eventTime".into()),
        ),
        ("EXISTS_ilmd=yes", BadQuery::Flag("EXISTS_ilmd".into())),
        (
            "EQ_unknown:a=1",
            BadQuery::UndeclaredPrefix {
                name: "EQ_unknown:a".into(),
                prefix: "unknown".into(),
            },
        ),
        (
            "HASATTR_bizStep=x:a",
            BadQuery::MasterData("HASATTR_bizStep".into()),
        ),
        (
            "EQATTR_bizLocation=x:a",
            BadQuery::MasterData("EQATTR_bizLocation".into()),
        ),
        (
            "EQATTR_disposition_city=x",
            BadQuery::MasterData("EQATTR_disposition_city".into()),
        ),
        (
            "HASATTR_readPoint=",
            BadQuery::NoValue("HASATTR_readPoint".into()),
        ),
        ("eventCountLimit=2&maxEventCount=2", BadQuery::TwoLimits),
        ("orderDirection=ASC", BadQuery::DirectionAlone),
    ] {
        assert_eq!(
            Query::read(&parameters(text)).unwrap_err(),
            reason,
            "{text}"
        );
    }
    for (text, (name, value)) in [
        ("GE_eventTime=yesterday", word("GE_eventTime", "yesterday")),
        (
            "LT_recordTime=2020-01-01T00:00:00",
            word("LT_recordTime", "2020-01-01T00:00:00"),
        ),
    ] {
        let refused = Query::read(&parameters(text)).unwrap_err();
        assert_eq!(refused, BadQuery::Time { name, value });
    }
    for (text, (name, value)) in [
        ("EQ_quantity=many", word("EQ_quantity", "many")),
        ("EQ_quantity=NaN", word("EQ_quantity", "NaN")),
        ("GT_ext1:int=x", word("GT_ext1:int", "x")),
        ("eventCountLimit=0", word("eventCountLimit", "0")),
        ("maxEventCount=-1", word("maxEventCount", "-1")),
        ("maxEventCount=+1", word("maxEventCount", "+1")),
    ] {
        let refused = Query::read(&parameters(text)).unwrap_err();
        assert_eq!(refused, BadQuery::Number { name, value });
    }
    for text in [
        "eventType=object",
        "EQ_bizStep=nothing_of_the_kind",
        "EQ_disposition=in_transitt",
        "EQ_action=LOOK",
        "orderBy=colour",
        "orderBy=eventTime&orderDirection=UP",
    ] {
        let refused = Query::read(&parameters(text)).unwrap_err();
        assert!(
            matches!(refused, BadQuery::Word { .. }),
            "{text}: {refused}"
        );
    }
    for text in [
        "EQ_readPoint=here",
        "MATCH_epc=*",
        "MATCH_epc=urn:epc:idpat:none:1.*",
        "MATCH_epc=urn:epc:idpat:sgtin:abc.*.*",
        "MATCH_epc=https://id.gs1.org/01/1",
        "MATCH_epc=urn:epc:id:sgtin:0614141.1073*",
    ] {
        let refused = Query::read(&parameters(text)).unwrap_err();
        assert!(
            matches!(refused, BadQuery::Identifier { .. }),
            "{text}: {refused}"
        );
    }
}

#[test]
fn a_pattern_that_could_never_fit_is_refused() {
    for text in [
        "urn:epc:idpat:sgtin:1.*.1",
        "urn:epc:id:sscc:4012345.00*",
        "urn:epc:id:pgln:4012345.0*",
        "https://id.gs1.org/01/10614141073465/21/*",
        "https://id.gs1.org/01/10614141073464/10/B/*",
    ] {
        let refused = Query::read(&parameters(&format!("MATCH_epc={text}"))).unwrap_err();
        assert!(
            matches!(refused, BadQuery::Pattern { .. }),
            "{text}: {refused}"
        );
    }
}

#[test]
fn a_query_is_bounded() {
    let given = |count: usize, values: usize, bytes: usize| {
        let mut parameters = QueryParameters::default();
        parameters.declare(EXTENSIONS).unwrap();
        for n in 0..count {
            parameters.add(format!("EQ_x:{n}"), vec!["a".repeat(bytes); values]);
        }
        parameters
    };
    assert!(Query::read(&given(MAX_PARAMETERS, 1, 1)).is_ok());
    assert!(Query::read(&given(1, MAX_VALUES, 1)).is_ok());
    assert!(Query::read(&given(1, 1, MAX_VALUE_BYTES)).is_ok());
    for (count, values, bytes) in [
        (MAX_PARAMETERS + 1, 1, 1),
        (1, MAX_VALUES + 1, 1),
        (1, 1, MAX_VALUE_BYTES + 1),
    ] {
        let refused = Query::read(&given(count, values, bytes)).unwrap_err();
        assert_eq!(refused, BadQuery::TooLarge);
    }
    let mut name = QueryParameters::default();
    name.add("x".repeat(MAX_VALUE_BYTES + 1), vec!["1".to_owned()]);
    assert_eq!(Query::read(&name).unwrap_err(), BadQuery::TooLarge);
}

#[test]
fn every_name_that_is_told_of_is_known() {
    for name in NAMES {
        let value = match name {
            "eventType" => "ObjectEvent",
            "EQ_action" => "ADD",
            "orderBy" => "recordTime",
            "orderDirection" => "ASC&orderBy=eventTime",
            "EQ_booleanValue" => "true",
            "EQ_type" => "Temperature",
            name if name.ends_with("Time") || name.ends_with("_time") => "2026-03-01T08:30:00Z",
            name if name.starts_with("EXISTS") => "",
            name if name.ends_with("quantity") || name.contains("Count") => "1",
            name if name.ends_with("percRank") => "1",
            _ => "urn:x:1",
        };
        query(&format!("{name}={value}"));
    }
}

#[test]
fn order_and_limits_are_told() {
    let order = |by, descending| Some(Order { by, descending });
    assert_eq!(query("EQ_action=ADD").order, None);
    assert_eq!(
        query("orderBy=eventTime").order,
        order(OrderBy::EventTime, true)
    );
    let ascending = query("orderBy=recordTime&orderDirection=ASC");
    assert_eq!(ascending.order, order(OrderBy::RecordTime, false));
    assert_eq!(query("eventCountLimit=7").event_count_limit, Some(7));
    assert_eq!(query("maxEventCount=7").max_event_count, Some(7));
}

/// An index must give every event that matches.
#[test]
fn what_an_index_is_told_holds_for_every_match() {
    let subjects = public();
    for text in [
        "EQ_bizStep=urn:epcglobal:cbv:bizstep:inspecting|receiving",
        "EQ_disposition=cbv:Disp-in_transit",
        "eventType=ObjectEvent|TransactionEvent",
        "EQ_readPoint=urn:epc:id:sgln:4012345.00005.0",
        "EQ_bizLocation=urn:epc:id:sgln:0614141.00888.0",
    ] {
        let query = query(text);
        let indexed = query.indexed();
        assert_eq!(indexed.len(), 1, "{text}");
        let (field, values) = &indexed[0];
        for subject in subjects.iter().filter(|s| query.matches(s)) {
            let mut kept = index_values(&subject.event);
            let found = kept.any(|(f, v)| f == *field && values.iter().any(|value| value == v));
            assert!(found, "{text}");
        }
    }
    assert!(
        query("WD_readPoint=urn:epc:id:sgln:0012345.11111.0")
            .indexed()
            .is_empty()
    );
    let items = |text: &str| query(text).items().map(|items| items.len());
    assert_eq!(items("MATCH_anyEPC=urn:x:1|urn:x:2"), Some(2));
    assert_eq!(items("MATCH_anyEPC=urn:x:1|urn:x:*"), None);
    assert_eq!(items("EQ_action=ADD"), None);
    let times = query("GE_eventTime=1970-01-01T00:00:01Z&LT_recordTime=1970-01-01T00:00:02Z");
    assert_eq!(times.event_time(), (Some(1000), None));
    assert_eq!(times.record_time(), (None, Some(2000)));
}
