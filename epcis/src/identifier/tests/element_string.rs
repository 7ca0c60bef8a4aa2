//! What scanners and labels give, against GS1's dictionary and the general specifications' forms.

use super::*;
use crate::identifier::element_string::form;

const LAMP: &str = "https://id.gs1.org/01/09521234500018/21/A1";

#[test]
fn a_scanners_forms_are_one_identifier() {
    for (text, expected) in [
        ("09521234500018", "https://id.gs1.org/01/09521234500018"),
        ("9521234500018", "https://id.gs1.org/01/09521234500018"),
        ("614141000036", "https://id.gs1.org/01/00614141000036"),
        ("96385074", "https://id.gs1.org/01/00000096385074"),
        ("]E09521234500018", "https://id.gs1.org/01/09521234500018"),
        (
            "095212340000000150",
            "https://id.gs1.org/00/095212340000000150",
        ),
        (
            "00095212340000000150",
            "https://id.gs1.org/00/095212340000000150",
        ),
        (
            "(00)095212340000000150",
            "https://id.gs1.org/00/095212340000000150",
        ),
        ("(01)09521234500018(21)A1", LAMP),
        ("(01)09521234500018(17)270131(10)B7(21)A1", LAMP),
        ("(21)A1(01)09521234500018", LAMP),
        ("010952123450001821A1", LAMP),
        ("010952123450001821A1\u{1d}", LAMP),
        ("\u{1d}010952123450001821A1\u{1d}17270131", LAMP),
        ("]d2010952123450001817270131\u{1d}21A1", LAMP),
        ("]C1010952123450001810B7\u{1d}21A1", LAMP),
        ("]Q30109521234500018310300012521A1", LAMP),
        ("^010952123450001810B7^21A1", LAMP),
        (" 010952123450001821A1\r\n", LAMP),
        (
            "(01)09521234500018(10)B7",
            "https://id.gs1.org/01/09521234500018/10/B7",
        ),
        (
            "(414)9521234000013(254)7",
            "https://id.gs1.org/414/9521234000013/254/7",
        ),
        (
            "(01)09521234500018(21)A(1",
            "https://id.gs1.org/01/09521234500018/21/A(1",
        ),
        (
            "(01)09521234500018(21)A\\(10)B",
            "https://id.gs1.org/01/09521234500018/21/A(10)B",
        ),
        (
            "(01)09521234500018(21)A/1",
            "https://id.gs1.org/01/09521234500018/21/A%2F1",
        ),
        (
            "(8010)9521234A(8011)7",
            "https://id.gs1.org/8010/9521234A/8011/7",
        ),
        (LAMP, LAMP),
        (
            "urn:epc:id:sscc:9521234.0000000015",
            "https://id.gs1.org/00/095212340000000150",
        ),
        ("urn:x:1", "urn:x:1"),
    ] {
        let found = Identifier::read(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(found.as_str(), expected, "{text}");
    }
}

#[test]
fn what_no_scanner_gives_is_refused_with_its_reason() {
    let string = IdentifierError::ElementString;
    let digit = |ai, found, expected| IdentifierError::CheckDigit {
        ai,
        found,
        expected,
    };
    for (text, reason) in [
        ("09521234500017", digit("01", '7', '8')),
        ("(01)09521234500017", digit("01", '7', '8')),
        ("095212340000000151", digit("00", '1', '0')),
        ("(01)9521234500018", IdentifierError::Value("01")),
        (
            "(21)A1",
            string("none of its elements is a key, such as (01) or (00)"),
        ),
        (
            "(01)09521234500018(01)09501234500018",
            string("an element stands twice with two values"),
        ),
        ("0109521234", string("a value ends early")),
        ("0109521234500018171\u{1d}", string("a value ends early")),
        (
            "010952123450001805A",
            string("an application identifier is unknown"),
        ),
        ("]A0123", string("its kind of barcode has no GS1 data")),
        (
            "]E0123",
            string("a GTIN has 8, 12, 13 or 14 digits, an SSCC 18"),
        ),
        (
            "(",
            string("none of its elements is a key, such as (01) or (00)"),
        ),
        ("A1", IdentifierError::NotUri),
        ("", IdentifierError::NotUri),
    ] {
        assert_eq!(Identifier::read(text).unwrap_err(), reason, "{text}");
    }
    // An event holds URIs alone.
    assert_eq!(
        Identifier::parse("09521234500018"),
        Err(IdentifierError::NotUri)
    );
    assert_eq!(
        Identifier::parse("(01)09521234500018"),
        Err(IdentifierError::NotUri)
    );
}

/// Which application identifiers there are, how long they are and which need no FNC1 behind them.
#[test]
fn the_forms_are_those_of_the_dictionary() {
    let mut known = 0;
    for line in DICTIONARY
        .lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
    {
        let mut words = line.split_whitespace();
        let ais = words.next().unwrap();
        let fixed = words.next().is_some_and(|flags| flags.starts_with('*'));
        let (first, last) = ais.split_once('-').unwrap_or((ais, ais));
        let (from, to): (u32, u32) = (first.parse().unwrap(), last.parse().unwrap());
        for number in from..=to {
            let ai = format!("{number:0width$}", width = first.len());
            let (digits, length) = form(&ai);
            assert_eq!(digits, Some(ai.len()), "{ai}");
            assert_eq!(length.is_some(), fixed, "{ai}");
            known += 1;
        }
    }
    assert!(known > 400, "{known}");
}

proptest! {
    #[test]
    fn any_text_is_an_identifier_or_refused(text in "[\\]^(]?[0-9()\\u{1d}A-Z\\\\/é ]{0,40}") {
        if let Ok(id) = Identifier::read(&text) {
            prop_assert_eq!(Identifier::parse(id.as_str()), Ok(id));
        }
    }

    /// What is written as an element string is read as the same link.
    #[test]
    fn element_strings_and_links_are_one(serial in "[A-Za-z0-9!'()*+,.:;=_-]{1,20}", expiry: bool) {
        let attribute = if expiry { "17270131" } else { "" };
        let element = format!("0109521234500018{attribute}21{serial}");
        let link = format!("https://id.gs1.org/01/09521234500018/21/{serial}");
        let found = Identifier::read(&element).unwrap();
        prop_assert_eq!(&found, &Identifier::parse(&link).unwrap());
        let marked = format!("]d2{element}\u{1d}10B7");
        prop_assert_eq!(Identifier::read(&marked).unwrap(), found);
    }
}
