use proptest::prelude::*;
use serde_json::Value as Json;

use super::*;

fn check(source: &str, expect: Result<(), (&str, &str)>) {
    let found = read(source.as_bytes(), 3).map(drop);
    let found = found
        .as_ref()
        .map_err(|error| (error.path.as_str(), error.rule.code()));
    assert_eq!(found.copied(), expect, "{source}");
}

#[test]
fn what_readers_understand_alike_is_read() {
    for source in [
        " null ",
        "-0",
        "1.00",
        "-12.5e+10",
        "1E5",
        "9007199254740991",
        "-9007199254740991",
        "9007199254740993.0",
        r#""""#,
        r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#,
        "{}",
        "[ ]",
        r#"{ "a" : [ 1 , {"b": true} ] , "c":false }"#,
        r#"{"a": {"a": 1}, "A": 1}"#,
    ] {
        check(source, Ok(()));
    }
}

#[test]
fn each_rule_refuses() {
    for (source, path, code) in [
        ("", "$", "not-json"),
        ("\u{feff}{}", "$", "not-json"),
        ("{} {}", "$", "not-json"),
        ("{\"a\":1,}", "$", "not-json"),
        ("[1,]", "$[1]", "not-json"),
        ("[1", "$", "not-json"),
        ("{a:1}", "$", "not-json"),
        ("{'a':1}", "$", "not-json"),
        ("{\"a\" 1}", "$.a", "not-json"),
        ("[01]", "$", "not-json"),
        ("[1.]", "$[0]", "not-json"),
        ("[.5]", "$[0]", "not-json"),
        ("[+1]", "$[0]", "not-json"),
        ("[1, -]", "$[1]", "not-json"),
        ("[1e]", "$[0]", "not-json"),
        ("[NaN]", "$[0]", "not-json"),
        ("[tru]", "$[0]", "not-json"),
        ("\"a", "$", "not-json"),
        ("\"a\nb\"", "$", "not-json"),
        ("\"\\x\"", "$", "not-json"),
        ("\"\\", "$", "not-json"),
        ("\"\\é\"", "$", "not-json"),
        ("\"\\ud800\"", "$", "not-json"),
        ("{\"a\": [{\"b\": \"\\ud800\"}]}", "$.a[0].b", "not-json"),
        (
            "{\"x\": {\"a\": 1, \"b\": 2, \"a\": 1}}",
            "$.x.a",
            "duplicate-key",
        ),
        ("{\"a\": 1, \"\\u0061\": 1}", "$.a", "duplicate-key"),
        ("[9007199254740992]", "$[0]", "number-too-large"),
        ("[-9007199254740992]", "$[0]", "number-too-large"),
        ("[99999999999999999999999999]", "$[0]", "number-too-large"),
        ("[1e400]", "$[0]", "number-too-large"),
        ("[[[[]]]]", "$[0][0][0]", "too-deep"),
        ("{\"a\":[{\"b\":{}}]}", "$.a[0].b", "too-deep"),
    ] {
        check(source, Err((path, code)));
    }
    assert_eq!(
        read(b"\"\xff\"", 3).err().map(|e| e.rule.code()),
        Some("not-json")
    );
}

fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        (-(1i64 << 53) + 1..1 << 53).prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        "\\PC{0,8}|[\"\\\\\u{0}-\u{1f} ]{0,6}".prop_map(Json::from),
    ];
    leaf.prop_recursive(6, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Json::from),
            prop::collection::vec(("\\PC{0,4}", inner), 0..5)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_value_is_read_and_written_minimally(value in any_json()) {
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let Ok(node) = read(pretty.as_bytes(), 16) else { panic!("refused: {pretty}") };
        let mut minimal = String::new();
        write_minimal(node.source, &mut minimal);
        prop_assert_eq!(minimal, serde_json::to_string(&value).unwrap());
    }

    /// Whatever is changed in a JSON text: this reader never accepts what a common one refuses.
    #[test]
    fn what_is_accepted_others_read_too(
        value in any_json(), at: prop::sample::Index, byte: u8, remove: bool,
    ) {
        let mut bytes = serde_json::to_vec(&value).unwrap();
        let at = at.index(bytes.len());
        if remove { bytes.remove(at); } else { bytes[at] = byte; }
        if read(&bytes, 16).is_ok() {
            prop_assert!(serde_json::from_slice::<Json>(&bytes).is_ok());
        }
    }
}
