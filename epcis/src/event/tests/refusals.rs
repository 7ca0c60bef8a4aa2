//! What is refused, where, and by which rule.

use serde_json::{Value as Json, json};

use super::*;

pub(super) fn check(event: Json, path: &str, code: &str) {
    let error = parse(&event).expect_err(&event.to_string());
    assert_eq!(
        (error.path.as_str(), error.rule.code()),
        (path, code),
        "{event}"
    );
}

#[test]
fn each_rule_of_all_events_refuses() {
    let long = format!("urn:x:{}", "a".repeat(600));
    for (fields, path, code) in [
        (json!({"@context": null}), "$.@context", "missing-context"),
        (json!({"type": null}), "$.type", "missing-field"),
        (
            json!({"type": "objectEvent"}),
            "$.type",
            "unknown-event-type",
        ),
        (json!({"type": 1}), "$.type", "wrong-type"),
        (json!({"eventTime": null}), "$.eventTime", "missing-field"),
        (
            json!({"eventTime": "2026-03-01"}),
            "$.eventTime",
            "bad-time",
        ),
        (
            json!({"eventTimeZoneOffset": null}),
            "$.eventTimeZoneOffset",
            "missing-field",
        ),
        (
            json!({"eventTimeZoneOffset": "+8:00"}),
            "$.eventTimeZoneOffset",
            "bad-time-zone-offset",
        ),
        (json!({"recordTime": "now"}), "$.recordTime", "bad-time"),
        (json!({"action": null}), "$.action", "missing-field"),
        (json!({"action": "add"}), "$.action", "bad-action"),
        (
            json!({"bizStep": "teleporting"}),
            "$.bizStep",
            "unknown-biz-step",
        ),
        (
            json!({"bizStep": "cbv:BizStep-teleporting"}),
            "$.bizStep",
            "unknown-biz-step",
        ),
        (
            json!({"bizStep": "cbv:shipping"}),
            "$.bizStep",
            "unknown-biz-step",
        ),
        (
            json!({"bizStep": "urn:epcglobal:cbv:disp:active"}),
            "$.bizStep",
            "unknown-biz-step",
        ),
        (
            json!({"bizStep": "https://ref.gs1.org/cbv/BizStep-x"}),
            "$.bizStep",
            "unknown-biz-step",
        ),
        (
            json!({"bizStep": "Shipping"}),
            "$.bizStep",
            "unknown-biz-step",
        ),
        (
            json!({"bizStep": "my: step"}),
            "$.bizStep",
            "unknown-biz-step",
        ),
        (json!({"bizStep": 7}), "$.bizStep", "wrong-type"),
        (
            json!({"disposition": "in_transport"}),
            "$.disposition",
            "unknown-disposition",
        ),
        (
            json!({"disposition": "urn:epcglobal:cbv:disp:gone"}),
            "$.disposition",
            "unknown-disposition",
        ),
        (json!({"eventID": "7"}), "$.eventID", "bad-uri"),
        (json!({"other": 1}), "$.other", "unknown-field"),
        (json!({"parentID": SSCC}), "$.parentID", "unknown-field"),
        (json!({":other": 1}), "$.:other", "unknown-field"),
        (json!({"other:": 1}), "$.other:", "unknown-field"),
        (json!({"@type": "ObjectEvent"}), "$.@type", "unknown-field"),
        (
            json!({"@x:type": "ObjectEvent"}),
            "$.@x:type",
            "unknown-field",
        ),
        (
            json!({"epcis:eventTime": "x"}),
            "$.epcis:eventTime",
            "unknown-field",
        ),
        (
            json!({"https://ref.gs1.org/standards/epcis/action": 1}),
            "$.https://ref.gs1.org/standards/epcis/action",
            "unknown-field",
        ),
        (json!({"readPoint": {}}), "$.readPoint.id", "missing-field"),
        (
            json!({"readPoint": {"id": "gate"}}),
            "$.readPoint.id",
            "bad-identifier",
        ),
        (
            json!({"bizLocation": "gate"}),
            "$.bizLocation",
            "wrong-type",
        ),
        (json!({"epcList": UNIT}), "$.epcList", "wrong-type"),
        (json!({"epcList": [UNIT, 7]}), "$.epcList[1]", "wrong-type"),
        (
            json!({"epcList": [UNIT, "A1"]}),
            "$.epcList[1]",
            "bad-identifier",
        ),
        (json!({"epcList": [long]}), "$.epcList[0]", "bad-identifier"),
        (
            json!({"epcList": [BATCH]}),
            "$.epcList[0]",
            "bad-identifier",
        ),
        (json!({"epcList": []}), "$", "no-identifier"),
        (json!({"epcList": null}), "$", "no-identifier"),
        (
            json!({"quantityList": [{"epcClass": UNIT}]}),
            "$.quantityList[0].epcClass",
            "bad-identifier",
        ),
        (
            json!({"quantityList": [{}]}),
            "$.quantityList[0].epcClass",
            "missing-field",
        ),
        (
            json!({"quantityList": [{"epcClass": BATCH, "quantity": "2"}]}),
            "$.quantityList[0].quantity",
            "wrong-type",
        ),
        (
            json!({"quantityList": [{"epcClass": BATCH, "uom": "kg"}]}),
            "$.quantityList[0].uom",
            "bad-unit",
        ),
        (
            json!({"quantityList": [{"epcClass": BATCH, "weight": 2}]}),
            "$.quantityList[0].weight",
            "unknown-field",
        ),
        (json!({"ilmd": {"x:a": 1}}), "$.ilmd", "ilmd-not-allowed"),
        (
            json!({"action": "ADD", "ilmd": {"a": 1}}),
            "$.ilmd.a",
            "ilmd-without-namespace",
        ),
        (
            json!({"certificationInfo": [{}]}),
            "$.certificationInfo[0]",
            "wrong-type",
        ),
        (
            json!({"persistentDisposition": {"set": ["gone"]}}),
            "$.persistentDisposition.set[0]",
            "unknown-disposition",
        ),
        (
            json!({"errorDeclaration": {}}),
            "$.errorDeclaration.declarationTime",
            "missing-field",
        ),
        (
            json!({"errorDeclaration": {"declarationTime": "x"}}),
            "$.errorDeclaration.declarationTime",
            "bad-time",
        ),
        (
            json!({"sourceList": [{"type": "place", "source": "urn:x:y"}]}),
            "$.sourceList[0].type",
            "unknown-term",
        ),
        (
            json!({"destinationList": [{"type": "location"}]}),
            "$.destinationList[0].destination",
            "missing-field",
        ),
        (
            json!({"bizTransactionList": [{"bizTransaction": "42"}]}),
            "$.bizTransactionList[0].bizTransaction",
            "bad-uri",
        ),
        (
            json!({"sensorElementList": [{}]}),
            "$.sensorElementList[0].sensorReport",
            "missing-field",
        ),
        (
            json!({"sensorElementList": [{"sensorReport": [{"value": "4"}]}]}),
            "$.sensorElementList[0].sensorReport[0].value",
            "wrong-type",
        ),
        (
            json!({"sensorElementList": [{"sensorReport": [{"booleanValue": 1}]}]}),
            "$.sensorElementList[0].sensorReport[0].booleanValue",
            "wrong-type",
        ),
        (
            json!({"sensorElementList": [{"sensorReport": [{"hexBinaryValue": "0g"}]}]}),
            "$.sensorElementList[0].sensorReport[0].hexBinaryValue",
            "wrong-type",
        ),
        (
            json!({"sensorElementList": [{"sensorMetadata": {"time": "x"}, "sensorReport": []}]}),
            "$.sensorElementList[0].sensorMetadata.time",
            "bad-time",
        ),
    ] {
        check(with(object(), fields), path, code);
    }
}

#[test]
fn each_rule_of_a_kind_of_event_refuses() {
    for kind in ["AggregationEvent", "AssociationEvent"] {
        let event = with(aggregation(), json!({"type": kind}));
        let refused = |fields, path, code| check(with(event.clone(), fields), path, code);
        refused(json!({"parentID": null}), "$.parentID", "missing-field");
        refused(
            json!({"parentID": null, "action": "DELETE"}),
            "$.parentID",
            "missing-field",
        );
        refused(json!({"childEPCs": []}), "$", "no-child");
        refused(
            json!({"childEPCs": null, "action": "OBSERVE"}),
            "$",
            "no-child",
        );
        refused(json!({"parentID": BATCH}), "$.parentID", "bad-identifier");
        refused(json!({"epcList": [UNIT]}), "$.epcList", "unknown-field");
        refused(json!({"ilmd": {"x:a": 1}}), "$.ilmd", "unknown-field");
    }
    let association = json!({"type": "AssociationEvent", "action": "OBSERVE", "parentID": null});
    check(
        with(aggregation(), association),
        "$.parentID",
        "missing-field",
    );

    let refused = |fields, path, code| check(with(transaction(), fields), path, code);
    refused(
        json!({"bizTransactionList": null}),
        "$.bizTransactionList",
        "missing-field",
    );
    refused(
        json!({"bizTransactionList": []}),
        "$.bizTransactionList",
        "missing-field",
    );
    refused(
        json!({"epcList": [], "action": "DELETE"}),
        "$",
        "no-identifier",
    );
    let typo = json!([{"type": "invoice", "bizTransaction": "urn:x:y"}]);
    refused(
        json!({"bizTransactionList": typo}),
        "$.bizTransactionList[0].type",
        "unknown-term",
    );

    let refused = |fields, path, code| check(with(transformation(), fields), path, code);
    refused(
        json!({"inputEPCList": null}),
        "$.inputEPCList",
        "missing-field",
    );
    refused(
        json!({"outputEPCList": []}),
        "$.outputEPCList",
        "missing-field",
    );
    let nothing =
        json!({"inputEPCList": null, "outputEPCList": null, "transformationID": "urn:x:t"});
    refused(nothing, "$", "no-identifier");
    refused(json!({"action": "ADD"}), "$.action", "unknown-field");
}

/// GS1's schema refuses these reports.
#[test]
fn a_sensors_report_says_what_it_measured() {
    let cases = crate::test_support::documents("epcis-cases", "json");
    for (name, path, code) in [
        ("sensor_empty_report.json", "sensorReport", "wrong-type"),
        (
            "sensor_no_type.json",
            "sensorReport[0].type",
            "missing-field",
        ),
        (
            "sensor_type_unknown.json",
            "sensorReport[0].type",
            "unknown-term",
        ),
    ] {
        let (_, document) = cases.iter().find(|(file, _)| file == name).expect(name);
        let error = crate::split_document(document).unwrap_err();
        let path = format!("$.epcisBody.eventList[0].sensorElementList[0].{path}");
        assert_eq!(
            (error.path.as_str(), error.rule.code()),
            (path.as_str(), code),
            "{name}"
        );
    }
}
