use super::*;

fn event(body: &str) -> Event {
    let text = format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],
        "eventTime":"2026-03-01T08:30:00+08:00","eventTimeZoneOffset":"+08:00",{body}}}"#
    );
    Event::parse(text.as_bytes()).unwrap()
}

#[test]
fn events_read_as_sentences() {
    let thing = "urn:epc:id:sgtin:9521234.050001.1";
    let pallet = "urn:epc:id:sscc:9521234.0000000015";
    let pallet_link = "https://id.gs1.org/00/095212340000000150";
    let adding = r#""type":"ObjectEvent","action":"ADD""#;
    let table = [
        (
            format!(
                r#"{adding},"bizStep":"commissioning","disposition":"active","epcList":["{thing}"]"#
            ),
            "commissioning: came into being; now active".to_owned(),
        ),
        (
            format!(
                r#""type":"ObjectEvent","action":"OBSERVE","bizStep":"https://ref.gs1.org/cbv/BizStep-shipping","disposition":"in_transit","epcList":["{thing}"]"#
            ),
            "shipping: seen; now in transit".to_owned(),
        ),
        (
            format!(
                r#""type":"AggregationEvent","action":"ADD","parentID":"{pallet}","childEPCs":["{thing}"]"#
            ),
            format!("packed 1 thing into {pallet_link}"),
        ),
        (
            format!(
                r#""type":"AggregationEvent","action":"DELETE","parentID":"{pallet}","childEPCs":[]"#
            ),
            format!("emptied {pallet_link}"),
        ),
        (
            format!(
                r#""type":"TransformationEvent","inputEPCList":["{thing}"],"outputEPCList":["{thing}","{pallet}"]"#
            ),
            "made 2 things from 1 thing".to_owned(),
        ),
    ];
    for (body, words) in table {
        assert_eq!(happening(&event(&body)), words);
    }
}

#[test]
fn sensor_readings_are_short() {
    let value: Value = serde_json::from_str(
        r#"{"sensorElementList":[{"sensorReport":[
            {"type":"gs1:Temperature","value":4.2,"uom":"CEL","minValue":3.9,"maxValue":5.1},
            {"type":"Temperature","uom":"CEL","minValue":14.2,"maxValue":27.9},
            {"type":"Illuminance","exception":"ALARM_CONDITION","stringValue":"a\u001bb"}]}]}"#,
    )
    .unwrap();
    assert_eq!(
        sensors(&value),
        [
            "temperature 4.2 °C min 3.9 max 5.1",
            "temperature min 14.2 max 27.9 °C",
            "illuminance a\\u{1b}b (alarm condition)"
        ]
    );
    assert!(sensors(&Value::Null).is_empty());
}
