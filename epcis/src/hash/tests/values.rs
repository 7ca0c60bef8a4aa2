//! Values in their one form.

use super::*;

/// The text after `=` of an extension's value.
fn extension(value: &str) -> String {
    let found = text(&with("z:z", json!(value)));
    let (_, value) = found.rsplit_once("{z:}z").unwrap();
    value.strip_prefix('=').unwrap_or_default().to_owned()
}

#[test]
fn numbers_have_no_zeros_that_say_nothing() {
    for (text, expected) in [
        ("1.0", "1"),
        ("1.50", "1.5"),
        ("007", "7"),
        ("+7", "7"),
        ("-0.0", "0"),
        ("-1.20", "-1.2"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e3", "1000"),
        ("1.25E+1", "12.5"),
        ("125e-4", "0.0125"),
        ("0e9", "0"),
        ("100", "100"),
        // No digit is lost, however many there are.
        (
            "123456789012345678901234567890.10",
            "123456789012345678901234567890.1",
        ),
        ("1e500", "1e500"),
        ("1e99999999999", "1e99999999999"),
        ("1.2.3", "1.2.3"),
        ("1,5", "1,5"),
        ("1 5", "1 5"),
        ("e5", "e5"),
        (".", "."),
        ("-", "-"),
        ("NaN", "NaN"),
        ("  1.0\n", "1"),
        ("", ""),
    ] {
        assert_eq!(extension(text), expected, "{text:?}");
    }
}

#[test]
fn identifiers_and_words_have_one_form_in_extensions_too() {
    for (text, expected) in [
        (
            "urn:epc:id:sscc:9521234.0000000015",
            "https://id.gs1.org/00/095212340000000150",
        ),
        (
            "https://a.example/b/00/095212340000000150?c=d",
            "https://id.gs1.org/00/095212340000000150",
        ),
        (
            "urn:epc:id:sgtin:9521141.001234.!(a)*+,:'=;",
            "https://id.gs1.org/01/09521141012345/21/%21%28a%29%2A%2B%2C%3A'=;",
        ),
        (
            "urn:epc:id:sgtin:9521141.001234.%23",
            "urn:epc:id:sgtin:9521141.001234.%23",
        ),
        (
            "https://a.example/00/095212340000000151",
            "https://a.example/00/095212340000000151",
        ),
        (
            "urn:epcglobal:cbv:bizstep:shipping",
            "https://ref.gs1.org/cbv/BizStep-shipping",
        ),
        (
            "urn:epcglobal:cbv:bt:9521141012345:7",
            "urn:epcglobal:cbv:bt:9521141012345:7",
        ),
        ("cbv:Disp-active", "https://ref.gs1.org/cbv/Disp-active"),
        ("gs1:Temperature", "https://gs1.org/voc/Temperature"),
        (
            "https://ref.gs1.org/voc/Temperature",
            "https://gs1.org/voc/Temperature",
        ),
        // In a text, a colon may mean anything.
        ("ex:field", "ex:field"),
        ("active", "active"),
    ] {
        assert_eq!(extension(text), expected, "{text:?}");
    }
}

#[test]
fn instants_are_in_utc_and_rounded_to_milliseconds() {
    for (time, expected) in [
        ("2026-03-01T08:30:00+08:00", "2026-03-01T00:30:00.000Z"),
        ("2026-03-01T00:30:00.1Z", "2026-03-01T00:30:00.100Z"),
        ("2026-03-01T00:30:00.1414Z", "2026-03-01T00:30:00.141Z"),
        ("2026-03-01T00:30:00.1405Z", "2026-03-01T00:30:00.141Z"),
        ("2026-03-01T00:30:00.140499999Z", "2026-03-01T00:30:00.140Z"),
        ("2026-12-31T23:59:59.9995Z", "2027-01-01T00:00:00.000Z"),
        ("1969-12-31T23:59:59.9996Z", "1970-01-01T00:00:00.000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("9999-12-31T23:59:59.9999Z", "9999-12-31T23:59:59.9999Z"),
        ("9999-12-31T23:59:59-14:00", "9999-12-31T23:59:59-14:00"),
    ] {
        let found = text(&with("eventTime", json!(time)));
        let expected = format!("eventTime={expected}eventTimeZoneOffset");
        assert!(found.contains(&expected), "{time}: {found}");
    }
}

#[test]
fn words_of_standard_fields_are_full_uris() {
    let report = |fields: Json| {
        let mut fields = fields;
        fields["value"] = json!(1);
        text(&with(
            "sensorElementList",
            json!([{"sensorReport": [fields]}]),
        ))
    };
    for (fields, expected) in [
        (
            json!({"type": "Temperature"}),
            "type=https://gs1.org/voc/Temperaturevalue=1",
        ),
        (
            json!({"type": "gs1:Temperature"}),
            "type=https://gs1.org/voc/Temperaturevalue=1",
        ),
        (
            json!({"type": "ex:Own"}),
            "type=https://example.com/ns/Ownvalue=1",
        ),
        (
            json!({"exception": "ALARM_CONDITION"}),
            "exception=https://gs1.org/voc/ALARM_CONDITIONvalue=1",
        ),
        (
            json!({"exception": "ERROR_CONDITION", "component": "x"}),
            "value=1component=https://ref.gs1.org/cbv/Comp-x",
        ),
        (
            json!({"exception": "ERROR_CONDITION", "component": "cbv:Comp-x"}),
            "value=1component=https://ref.gs1.org/cbv/Comp-x",
        ),
    ] {
        let found = report(fields.clone());
        assert!(found.contains(expected), "{fields}: {found}");
    }
    let order = |kind: &str| {
        let orders = json!([{"type": kind, "bizTransaction": "ex:1"}]);
        text(&with("bizTransactionList", orders))
    };
    for (kind, expected) in [
        ("po", "type=https://ref.gs1.org/cbv/BTT-po"),
        ("cbv:own", "type=https://ref.gs1.org/cbv/own"),
        ("ex:own", "type=https://example.com/ns/own"),
        ("https://own.example/x", "type=https://own.example/x"),
    ] {
        let found = order(kind);
        let expected = format!("{expected}bizTransaction=https://example.com/ns/1");
        assert!(found.contains(&expected), "{kind}: {found}");
    }
}
