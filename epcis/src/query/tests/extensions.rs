//! Extensions, sensors, units and JSON: what partners ask for, over the cases and the public documents.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::test_support::documents;

/// The event of a case.
fn case(name: &str) -> QueriedEvent {
    let cases = documents("epcis-cases", "json");
    let bytes = cases.iter().find(|(file, _)| file == name);
    let (_, bytes) = bytes.unwrap_or_else(|| panic!("no case {name}"));
    let event = split_document(bytes).unwrap().remove(0);
    QueriedEvent::read(&event, 0, String::new()).unwrap()
}

fn finds(text: &str, subject: &QueriedEvent) -> bool {
    query(text).matches(subject)
}

#[test]
fn extensions_are_found_wherever_they_stand() {
    let sensors = case("D02_inner_sensor_extensions.json");
    for (text, found) in [
        ("EQ_SENSORREPORT_x:sr=r1", true),
        ("EQ_SENSORREPORT_x:sr=r2", false),
        ("EQ_SENSORELEMENT_x:se=e1", true),
        ("EQ_SENSORMETADATA_x:sm=m1", true),
        ("EQ_INNER_x:in=q1", true),
        ("EQ_INNER_x:top=q1", false),
        ("EQ_x:in=q1", false),
        ("EQ_INNER_ILMD_x:deep=zz", true),
        ("EQ_ILMD_x:deep=zz", false),
        ("EQ_readPoint_x:door=D7", true),
        ("EQ_bizLocation_x:door=D7", false),
        ("EXISTS_SENSORREPORT_x:sr=true", true),
        ("EXISTS_INNER_ILMD_x:deep=", true),
        ("EXISTS_INNER_x:other=1", false),
        ("EXISTS_x:top=", true),
        ("EXISTS_ERROR_DECLARATION_x:who=", false),
        ("EXISTS_ERROR_DECLARATION_x:who=false", true),
    ] {
        assert_eq!(finds(text, &sensors), found, "{text}");
    }
    let declared = case("D02_error_declaration_extension.json");
    assert!(finds("EQ_ERROR_DECLARATION_x:who=QA", &declared));
    assert!(finds("EXISTS_ERROR_DECLARATION_x:who=1", &declared));
    assert!(!finds("EQ_ERROR_DECLARATION_x:who=QB", &declared));
}

/// A recall by lot takes no foreign lots.
#[test]
fn texts_are_compared_exactly() {
    let lot = case("D03_lot_0012.json");
    for (text, found) in [
        ("EQ_ILMD_cbvmda:lotNumber=0012", true),
        ("EQ_ILMD_urn:epcglobal:cbv:mda:lotNumber=0012", true),
        ("EQ_ILMD_cbvmda:lotNumber=12", false),
        ("EQ_ILMD_cbvmda:lotNumber=0012.0", false),
        ("GE_ILMD_cbvmda:lotNumber=12", true),
        ("GT_ILMD_cbvmda:lotNumber=12", false),
    ] {
        assert_eq!(finds(text, &lot), found, "{text}");
    }
}

#[test]
fn prefixes_stand_for_namespaces() {
    let mut parameters = QueryParameters::default();
    parameters.declare("p1=https://vendor.example/ns/").unwrap();
    parameters.add("EQ_p1:grade", vec!["07".into()]);
    let by_prefix = Query::read(&parameters).unwrap();
    let by_uri = query("EQ_https://vendor.example/ns/grade=07");
    for (name, found) in [
        ("30_p1.json", true),
        ("30_p2.json", true),
        ("30_p1other.json", false),
    ] {
        let subject = case(name);
        assert_eq!(by_prefix.matches(&subject), found, "{name}");
        assert_eq!(by_uri.matches(&subject), found, "{name}");
    }
    let json = json!({
        "@context": {"p": "https://vendor.example/ns/"},
        "EQ_p:grade": ["07"],
    });
    let by_context = Query::read(&QueryParameters::from_json(&json).unwrap()).unwrap();
    assert!(by_context.matches(&case("30_p2.json")));
    assert!(!by_context.matches(&case("30_p1other.json")));
    for header in ["p1", "p1=", "=https://a.example/", "p1=here"] {
        let refused = QueryParameters::default().declare(header);
        assert!(matches!(refused, Err(BadQuery::Declaration(_))), "{header}");
    }
}

#[test]
fn what_sensors_report_is_found() {
    let sensors = case("D02_inner_sensor_extensions.json");
    for (text, found) in [
        ("EQ_type=Temperature", true),
        ("EQ_type=gs1:Temperature", true),
        ("EQ_type=https://ref.gs1.org/voc/Temperature|Speed", true),
        ("EQ_type=Speed", false),
        ("EQ_value_CEL=4", true),
        ("EQ_value_CEL=3|4", true),
        ("EQ_value_FAH=4", false),
        ("GE_value_CEL=4", true),
        ("GT_value_CEL=4", false),
        ("LT_value_CEL=4.5", true),
        ("GE_maxValue_CEL=1", false),
        ("GE_time=2026-03-01T08:00:00Z", true),
        ("LT_time=2026-03-01T08:00:00Z", false),
        ("GE_startTime=2026-03-01T08:00:00Z", false),
        ("EQ_booleanValue=true", false),
        ("EQ_stringValue=4", false),
        ("LE_percRank=50", false),
    ] {
        assert_eq!(finds(text, &sensors), found, "{text}");
    }
}

/// GS1's query schema.
#[test]
fn a_query_in_json_has_the_values_of_the_schema() {
    let quantities = json!({"EQ_quantity": [10, "12.5"], "EQ_quantity_KGM": 3});
    let flags = json!({
        "EXISTS_errorDeclaration": null, "EXISTS_ilmd": 1, "EXISTS_readPoint": true,
        "EQ_booleanValue": false, "GE_errorDeclaration_Time": "2020-01-01T00:00:00Z",
    });
    for query in [quantities, flags, json!({})] {
        let parameters =
            QueryParameters::from_json(&query).unwrap_or_else(|e| panic!("{query}: {e}"));
        Query::read(&parameters).unwrap_or_else(|e| panic!("{query}: {e}"));
    }
    for (query, refused) in [
        (json!([]), BadQuery::NotAnObject),
        (
            json!({"EQ_action": null}),
            BadQuery::JsonType("EQ_action".into()),
        ),
        (
            json!({"EQ_action": {}}),
            BadQuery::JsonType("EQ_action".into()),
        ),
        (
            json!({"EQ_action": [[]]}),
            BadQuery::JsonType("EQ_action".into()),
        ),
    ] {
        assert_eq!(
            QueryParameters::from_json(&query).unwrap_err(),
            refused,
            "{query}"
        );
    }
}

#[test]
fn quantities_are_found_by_their_unit() {
    let subjects = public();
    let count = |text: &str| subjects.iter().filter(|s| finds(text, s)).count();
    assert_eq!(
        count("EQ_quantity_KGM=200.5|200"),
        count("EQ_quantity=200.5|200")
    );
    assert_eq!(count("GE_quantity_LTR=0"), 0);
}

proptest! {
    /// Whatever is asked, it is a query or is refused with a reason, and an event is found or not.
    #[test]
    fn any_parameter_is_read_or_refused(
        name in "(EQ|GE|LT|MATCH|EXISTS|WD|HASATTR)?_?(INNER_|ILMD_|SENSORREPORT_)?[a-zA-Z_:*]{0,12}",
        value in "(urn:epc:id(pat)?:|https://id.gs1.org/)?[ -~\u{e9}]{0,20}\\*?",
    ) {
        let mut parameters = QueryParameters::default();
        let _ = parameters.declare(&value);
        parameters.add(name, vec![value]);
        if let Ok(query) = Query::read(&parameters) {
            query.matches(&case("D02_inner_sensor_extensions.json"));
        }
    }
}
