use super::*;
use crate::designs::limits::MAX_AUTHORS;

const SALT: [u8; 16] = [7; 16];

fn written(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// RFC 9901, section 4.2.3: the digest of its example, over the base64url's ASCII.
#[test]
fn digests_are_those_of_rfc_9901() {
    let field = DesignField {
        name: FieldName::Author,
        value: "Möbius".into(),
        disclosure: "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0"
            .into(),
    };
    assert_eq!(
        URL_SAFE_NO_PAD.encode(field.digest()),
        "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0"
    );
}

#[test]
fn a_field_is_read_as_it_was_written() {
    for (name, value) in [
        (FieldName::Title, "Chair 7, \"the \\ bent\" 椅子 🪑"),
        (FieldName::Class, "06-01"),
        (FieldName::Description, "</script> \u{2028} é"),
        (FieldName::Author, "林悦"),
    ] {
        let field = DesignField::new(name, value, &SALT).unwrap();
        assert_eq!(DesignField::read(&field.disclosure), Ok(field.clone()));
        let text = URL_SAFE_NO_PAD.decode(&field.disclosure).unwrap();
        let parsed: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            parsed,
            serde_json::json!(["BwcHBwcHBwcHBwcHBwcHBw", name.name(), value])
        );
    }
    let longest = "\"".repeat(MAX_DESCRIPTION_BYTES);
    let field = DesignField::new(FieldName::Description, &longest, &SALT).unwrap();
    assert!(field.disclosure.len() <= MAX_DISCLOSURE_BYTES);
    assert_eq!(DesignField::read(&field.disclosure), Ok(field));
}

/// One field has one disclosure for each salt; whatever isn't written so is refused, however large or deep.
#[test]
fn what_is_no_disclosure_is_refused() {
    let salt = "BwcHBwcHBwcHBwcHBwcHBw";
    let good = format!("[\"{salt}\",\"class\",\"06-01\"]");
    assert!(DesignField::read(&written(&good)).is_ok());
    let deep = "[".repeat(4_000);
    let bad = [
        String::new(),
        "[]".into(),
        format!(" {good}"),
        good.replace(',', ", "),
        format!("{good}\n"),
        good.replace("class", "cl\\u0061ss"),
        good.replace("\"06-01\"", "6"),
        good.replace("\"06-01\"", "[\"06-01\"]"),
        good.replace("\"06-01\"", "null"),
        format!("[\"{salt}\",\"class\",\"06-01\",\"\"]"),
        format!("[\"{salt}\",\"06-01\"]"),
        good.replace(salt, &salt[1..]),
        good.replace(salt, &format!("{salt}B")),
        good.replace(salt, &salt.replace('w', "+")),
        good.replace("06-01", "\\ud800"),
        format!("{{\"{salt}\":\"class\"}}"),
        deep.clone(),
        format!("[\"{salt}\",\"class\",{deep}"),
        "x".repeat(6_000),
    ];
    for text in &bad {
        assert_eq!(
            DesignField::read(&written(text)),
            Err(DesignRejection::FieldForm),
            "{text:.60}"
        );
    }
    // The base64url's own form: no padding, no other alphabet, no bits behind the last byte, and bounded.
    let good = written(&good);
    let ends = good.strip_suffix(|_: char| true).unwrap();
    for text in [
        format!("{good}="),
        format!("{good}\n"),
        format!("+{}", &good[1..]),
        format!("{ends}1"),
        "W".repeat(MAX_DISCLOSURE_BYTES + 1),
        "é".into(),
    ] {
        assert_eq!(
            DesignField::read(&text),
            Err(DesignRejection::FieldForm),
            "{text:.60}"
        );
    }
    let invalid = URL_SAFE_NO_PAD.encode([0x5b, 0x22, 0xff, 0x22, 0x5d]);
    assert_eq!(DesignField::read(&invalid), Err(DesignRejection::FieldForm));
    let other = written(&format!("[\"{salt}\",\"colour\",\"red\"]"));
    assert_eq!(DesignField::read(&other), Err(DesignRejection::FieldName));
}

#[test]
fn a_locarno_class_has_its_form() {
    for good in ["01-01", "06-01", "09-99", "32-01", "32-99"] {
        assert_eq!(FieldName::Class.check(good), Ok(()), "{good}");
    }
    for bad in [
        "",
        "6-1",
        "06",
        "06-",
        "-01",
        "00-01",
        "33-01",
        "06-00",
        "06-1",
        "06-001",
        "006-01",
        "06_01",
        "06-01 ",
        " 06-01",
        "06-0a",
        "+6-01",
        "06-+1",
        "０６-０１",
        "06-01-01",
        "99-99",
        "06.01",
        "Ⅵ-01",
        "06-01\n",
    ] {
        assert_eq!(
            FieldName::Class.check(bad),
            Err(DesignRejection::LocarnoClass),
            "{bad:?}"
        );
    }
}

#[test]
fn values_are_bounded_and_hold_no_control_characters() {
    for (name, limit) in [
        (FieldName::Title, 256),
        (FieldName::Author, 256),
        (FieldName::Description, 2_048),
    ] {
        let refused = Err(DesignRejection::FieldValue {
            name: name.name(),
            limit,
        });
        assert_eq!(name.check(&"x".repeat(limit)), Ok(()));
        assert_eq!(name.check(&"x".repeat(limit + 1)), refused);
        assert_eq!(name.check(&"é".repeat(limit / 2 + 1)), refused);
        for bad in ["", "a\nb", "a\u{0}", "\u{7f}", "\u{85}", "\u{1b}[2J"] {
            assert_eq!(name.check(bad), refused, "{bad:?}");
        }
    }
}

#[test]
fn a_head_of_drafts_has_one_form() {
    let head = "ab".repeat(32);
    assert_eq!(drafts_head(&format!("17:{head}")), Ok((17, [0xab; 32])));
    assert_eq!(written_head(17, &[0xab; 32]), format!("17:{head}"));
    assert!(drafts_head(&format!("65536:{head}")).is_ok());
    for bad in [
        String::new(),
        head.clone(),
        format!("0:{head}"),
        format!("65537:{head}"),
        format!("017:{head}"),
        format!("+17:{head}"),
        format!("17:{}", head.to_uppercase()),
        format!("17:{}", &head[1..]),
        format!("17:{head}0"),
        format!("17 :{head}"),
        format!("99999999999999999999999:{head}"),
    ] {
        assert_eq!(drafts_head(&bad), Err(DesignRejection::DraftsHead), "{bad}");
    }
}

/// The places lie side by side, and none is two names'.
#[test]
fn each_name_has_places_of_its_own() {
    let mut next = 0;
    for name in FieldName::ALL {
        assert_eq!(name.places().start, next);
        next = name.places().end;
        assert_eq!(FieldName::of(name.name()), Some(name));
    }
    assert_eq!(next, FIELD_PLACES);
    assert_eq!(FieldName::Author.places().len(), MAX_AUTHORS);
    assert_eq!(FieldName::of("Title"), None);
}
