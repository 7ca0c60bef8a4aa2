use proptest::prelude::*;

use super::*;

mod element_string;
mod to_urn;

/// Facts from public test suites; the file says that not all of them conform.
const PAIRS: &str = include_str!("../../../tests/data/digital-link/urn_digitallink_pairs.tsv");
const DICTIONARY: &str = include_str!("../../../tests/data/digital-link/gs1-syntax-dictionary.txt");
const AI_TABLE: &str = include_str!("../../../tests/data/digital-link/aitable.json");

/// Why a pair in the file doesn't conform to the standards.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Why {
    /// A character that must be percent-encoded stands bare, in both forms.
    BareCharacter,
    /// The link's check digit is not the one that the other digits give.
    CheckDigit,
    /// The URN has an empty part that must have a character.
    EmptyPart,
    /// A GIAI has at most 30 characters; this one has 31.
    TooLong,
    /// Piece 65 of 44, piece 40 of 39.
    PieceOfTotal,
}

/// The lines of the file, from 0, that don't conform.
const NON_CONFORMANT: &[(Why, &[usize])] = &[
    (
        Why::BareCharacter,
        &[
            5, 11, 12, 15, 16, 17, 41, 45, 48, 60, 63, 64, 69, 70, 73, 77, 78, 83, 84, 120, 124,
            138, 139, 145, 146, 147, 148, 159, 171, 172, 178, 179, 199, 200, 204, 205,
        ],
    ),
    (
        Why::CheckDigit,
        &[
            105, 106, 107, 108, 109, 123, 127, 129, 130, 140, 141, 142, 143, 144, 206, 207,
        ],
    ),
    (Why::EmptyPart, &[14, 19, 74]),
    (Why::TooLong, &[65]),
    (Why::PieceOfTotal, &[128, 135]),
];

#[test]
fn both_forms_of_a_public_pair_are_one_identifier() {
    let why = |line| {
        NON_CONFORMANT
            .iter()
            .find(|(_, lines)| lines.contains(&line))
            .map(|x| x.0)
    };
    let mut conformant = 0;
    for (number, line) in PAIRS
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.starts_with('#'))
    {
        let line = line.replace("\\\"", "\"");
        let mut fields = line.split('\t').skip(1);
        let (urn, link) = (fields.next().unwrap(), fields.next().unwrap());
        let (from_urn, from_link) = (Identifier::parse(urn), Identifier::parse(link));
        match why(number) {
            None => {
                assert_eq!(from_urn, from_link, "{number}: {line}");
                assert!(
                    from_urn.is_ok_and(|id| id.level.is_some()),
                    "{number}: {line}"
                );
                conformant += 1;
            }
            Some(Why::BareCharacter | Why::TooLong | Why::PieceOfTotal) => {
                assert!(from_urn.is_err() && from_link.is_err(), "{number}: {line}");
            }
            Some(Why::EmptyPart) => {
                assert!(
                    matches!(from_urn, Err(IdentifierError::EpcParts(_))),
                    "{number}: {line}"
                );
            }
            Some(Why::CheckDigit) if link.starts_with("https://id.gs1.org/") => {
                assert!(from_urn.is_ok(), "{number}: {line}");
                let refused = matches!(from_link, Err(IdentifierError::CheckDigit { .. }));
                assert!(refused, "{number}: {line}");
            }
            Some(Why::CheckDigit) => {
                assert!(from_urn.is_ok(), "{number}: {line}");
                assert_eq!(from_link.unwrap().as_str(), link, "{number}: {line}");
            }
        }
    }
    assert_eq!(conformant, 148);
}

/// The table of keys against GS1's own facts: which keys, their form, their qualifiers.
#[test]
fn the_keys_are_those_of_the_public_table() {
    let table: serde_json::Value = serde_json::from_str(AI_TABLE).unwrap();
    let public = |ai: &str| table.as_array().unwrap().iter().find(|row| row["ai"] == ai);
    // Two keys that the table doesn't have as such, or not in this form, are GS1's today.
    for line in [
        "415 *? N13,csum,gcppos1 req=8020 dlpkey=8020",
        "8013 ? X..25,csumalpha,gcppos1 dlpkey",
    ] {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            DICTIONARY
                .lines()
                .any(|found| words(found).starts_with(line)),
            "{line}"
        );
    }
    for row in table
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["type"] == "I")
    {
        let ai = row["ai"].as_str().unwrap();
        assert!(keys::primary(ai).is_some(), "{ai}");
    }
    for (ai, format) in keys::formats() {
        // 235, the serial number under the EU tobacco rules, is younger than the public table.
        let Some(row) = public(ai) else {
            assert_eq!((ai, format.as_str()), ("235", "X..28"));
            continue;
        };
        // A model's number got shorter and its check characters after the table was made.
        let public_format = match ai {
            "8013" => "X..25".to_owned(),
            _ => row["format"].as_str().unwrap().replace("N14+N2+N2", "N18"),
        };
        assert_eq!(public_format, format, "{ai}");
        // 415's qualifier is younger, too: the syntax dictionary has it (`dlpkey=8020`).
        let younger: &[&str] = if ai == "415" { &["8020"] } else { &[] };
        let qualifiers: Vec<&str> = row["qualifiers"]
            .as_array()
            .map(|found| found.iter().map(|ai| ai.as_str().unwrap()).collect())
            .unwrap_or_else(|| younger.to_vec());
        let ours = keys::primary(ai)
            .map(keys::qualifier_order)
            .unwrap_or_default();
        assert_eq!(ours, qualifiers, "{ai}");
    }
}

fn check(text: &str, expect: Result<&str, IdentifierError>) {
    let found = Identifier::parse(text);
    assert_eq!(
        found.as_ref().map(Identifier::as_str),
        expect.as_ref().copied(),
        "{text}"
    );
}

#[test]
fn what_is_written_differently_and_means_the_same_is_one_identifier() {
    for (text, canonical) in [
        (
            "URN:EPC:id:sscc:9521234.0000000015",
            "https://id.gs1.org/00/095212340000000150",
        ),
        (
            "HTTP://ID.GS1.ORG/00/095212340000000150",
            "https://id.gs1.org/00/095212340000000150",
        ),
        (
            "https://shop.example/any/00/095212340000000150",
            "https://id.gs1.org/00/095212340000000150",
        ),
        (
            "https://shop.example:8443/01/09521141012345/21/A",
            "https://id.gs1.org/01/09521141012345/21/A",
        ),
        (
            "https://id.gs1.org/01/9521141012345/21/A",
            "https://id.gs1.org/01/09521141012345/21/A",
        ),
        (
            "https://id.gs1.org/01/09521141012345/21/%41%2f%62",
            "https://id.gs1.org/01/09521141012345/21/A%2Fb",
        ),
        (
            "https://id.gs1.org/01/09521141012345/21/%21%28%2D",
            "https://id.gs1.org/01/09521141012345/21/!(-",
        ),
        (
            "https://id.gs1.org/01/09521141012345/21/A?17=261231&linkType=gs1:pip",
            "https://id.gs1.org/01/09521141012345/21/A",
        ),
        (
            "https://id.gs1.org/01/09521141012345/22/V/10/L/21/A",
            "https://id.gs1.org/01/09521141012345/21/A",
        ),
        (
            "https://id.gs1.org/01/09521141012345/10/L",
            "https://id.gs1.org/01/09521141012345/10/L",
        ),
        (
            "https://id.gs1.org/01/09521141012345/22/V/10/L",
            "https://id.gs1.org/01/09521141012345/22/V/10/L",
        ),
        (
            "https://id.gs1.org/414/9521141012345/254/0",
            "https://id.gs1.org/414/9521141012345",
        ),
        (
            "urn:epc:id:sgln:9521141.01234.0",
            "https://id.gs1.org/414/9521141012345",
        ),
        // a value that looks like a key
        (
            "https://id.gs1.org/01/09521141012345/10/414/21/00",
            "https://id.gs1.org/01/09521141012345/21/00",
        ),
        (
            "https://id.gs1.org/00/x/01/09521141012345/21/A",
            "https://id.gs1.org/01/09521141012345/21/A",
        ),
    ] {
        check(text, Ok(canonical));
    }
}

#[test]
fn what_is_not_gs1_is_kept_as_it_is() {
    for text in [
        "urn:uuid:374d95fc-9457-4a51-bd6a-0bba133845a8",
        "https://example.com/things/7?colour=red#top",
        "https://example.com/01/09521141012346/21/A",
        "https://example.com/01/09521141012345/21/A#part",
        "https://example.com/21/09521141012345",
        "urn:epc:id:bic:CSQU3054383",
        "geo:51.9,4.5",
        "example:thing",
    ] {
        check(text, Ok(text));
        let identifier = Identifier::parse(text).unwrap();
        assert!(
            !identifier.is_class() && !identifier.is_instance(),
            "{text}"
        );
    }
}

#[test]
fn each_rule_refuses() {
    use IdentifierError::*;
    let long = format!("urn:x:{}", "a".repeat(MAX_IDENTIFIER_BYTES));
    for (text, error) in [
        ("", NotUri),
        ("no-scheme", NotUri),
        ("1a:x", NotUri),
        ("urn:", NotUri),
        ("urn:x:a b", NotUri),
        ("urn:x:\u{e9}", NotUri),
        ("urn:x:%4", NotUri),
        ("urn:x:%+1", NotUri),
        ("urn:x#a#b", NotUri),
        (long.as_str(), TooLong { bytes: long.len() }),
        ("urn:epc:id:nothing:1.2", UnknownEpcScheme),
        ("urn:epc:tag:sgtin-96:1.9521141.01234.5", UnknownEpcScheme),
        (
            "urn:epc:idpat:sgtin:9521141.*.*",
            EpcParts("a GTIN pattern"),
        ),
        ("urn:epc:idpat:sgtin:9521141.101234.7", UnknownEpcScheme),
        ("urn:epc:id:sgtin:9521141.101234", EpcParts("an SGTIN")),
        ("urn:epc:id:sgtin:9521141.10123.A", EpcParts("an SGTIN")),
        ("urn:epc:id:sgtin:95211.41101234.A", EpcParts("an SGTIN")),
        ("urn:epc:id:sgtin:9521141.10123x.A", EpcParts("an SGTIN")),
        ("urn:epc:id:sgtin:9521141.101234.a/b", EpcParts("an SGTIN")),
        ("urn:epc:id:sgtin:9521141.101234.%23", Value("21")),
        (
            "urn:epc:id:sgtin:9521141.101234.%C3%A9",
            EpcParts("an SGTIN"),
        ),
        ("urn:epc:id:sgtin:9521141.101234.", Value("21")),
        (
            "urn:epc:id:sgtin:9521141.101234.123456789012345678901",
            Value("21"),
        ),
        ("urn:epc:id:grai:9521141.01234.", EpcParts("a GRAI")),
        ("urn:epc:id:cpi:9521141.abc.1", Value("8010")),
        ("urn:epc:id:cpi:9521141.ABC.01", Value("8011")),
        ("urn:epc:id:cpi:9521141.ABC.A", Value("8011")),
        ("https://id.gs1.org", LinkPath),
        ("https://id.gs1.org?01=09521141012345", LinkPath),
        ("https://id.gs1.org/01/09521141012345/21/A/", LinkPath),
        ("https://id.gs1.org/gtin/09521141012345", LinkPath),
        ("https://id.gs1.org/01/09521141012345/21/A/10/L", LinkPath),
        ("https://id.gs1.org/01/09521141012345/21/A/21/B", LinkPath),
        ("https://id.gs1.org/01/09521141012345/21/A/235/B", LinkPath),
        ("https://id.gs1.org/00/095212340000000150/21/A", LinkPath),
        ("https://id.gs1.org/01/09521141012345/21/A#B", LinkPath),
        ("https://id.gs1.org/01/09521141012345/21/A?B", LinkPath),
        ("https://id.gs1.org/01/0952114101234X", Value("01")),
        (
            "https://id.gs1.org/01/952114101234",
            CheckDigit {
                ai: "01",
                found: '4',
                expected: '7',
            },
        ),
        ("https://id.gs1.org/8003/19521141012342A", Value("8003")),
        ("https://id.gs1.org/8013/1987XY", Value("8013")),
        (
            "https://id.gs1.org/8013/A987654Ad4X4bL5ttr2310c2K",
            Value("8013"),
        ),
        (
            "https://id.gs1.org/8013/1987654Ad4X4bL5ttr2310cc2K",
            Value("8013"),
        ),
        (
            "https://id.gs1.org/8013/1987654Ad4X4bL5ttr2310d2K",
            CheckPair {
                ai: "8013",
                expected: "2M".into(),
            },
        ),
        ("https://id.gs1.org/8004/12A456", Value("8004")),
        ("https://id.gs1.org/8004/1234", Value("8004")),
    ] {
        check(text, Err(error));
    }
}

#[test]
fn a_key_says_whether_it_names_one_thing_or_a_class() {
    for (text, instance) in [
        ("urn:epc:id:sgtin:9521141.101234.A", true),
        ("urn:epc:id:upui:9521141.101234.A", true),
        ("urn:epc:idpat:sgtin:9521141.101234.*", false),
        ("urn:epc:class:lgtin:9521141.101234.L", false),
        ("urn:epc:id:itip:9521141.101234.01.02.A", true),
        ("urn:epc:idpat:itip:9521141.101234.01.02.*", false),
        ("urn:epc:id:grai:9521141.01234.A", true),
        ("urn:epc:idpat:grai:9521141.01234.*", false),
        ("urn:epc:id:gdti:9521141.01234.A", true),
        ("urn:epc:idpat:gdti:9521141.01234.*", false),
        ("urn:epc:id:sgcn:9521141.01234.1", true),
        ("urn:epc:idpat:sgcn:9521141.01234.*", false),
        ("urn:epc:id:cpi:9521141.ABC.1", true),
        ("urn:epc:idpat:cpi:9521141.ABC.*", false),
        ("urn:epc:id:sscc:9521234.0000000015", true),
        ("urn:epc:id:sgln:9521141.01234.0", true),
        ("urn:epc:id:pgln:9521141.01234", true),
        ("urn:epc:id:giai:9521141.A", true),
        ("urn:epc:id:ginc:9521141.A", true),
        ("urn:epc:id:gsin:9521141.012345678", true),
        ("urn:epc:id:gsrn:9521141.0123456789", true),
        ("urn:epc:id:gsrnp:9521141.0123456789", true),
    ] {
        let identifier = Identifier::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(identifier.is_instance(), instance, "{text}");
        assert_eq!(identifier.is_class(), !instance, "{text}");
    }
}

/// What [`Identifier::parse`] makes of a link by taking it apart.
fn taken_apart(text: &str) -> Option<Identifier> {
    let key = digital_link::read(text).ok().flatten()?;
    Some(Identifier::of_key(&key))
}

#[test]
fn a_link_that_is_canonical_needs_no_closer_look() {
    let begin = "https://id.gs1.org/";
    for (path, is_canonical) in [
        ("00/095212340000000150", true),
        ("01/09521141012345", true),
        ("01/09521141012345/10/L", true),
        ("01/09521141012345/21/A1", true),
        ("01/09521141012345/235/A1", true),
        ("414/9521141012345", true),
        ("414/9521141012345/254/x", true),
        ("253/9521141012345", true),
        ("253/9521141012345A", true),
        ("8004/9521141A", true),
        ("414/9521141012345/254/0", false),
        ("01/09521141012345/10/L/21/A1", false),
        ("01/09521141012345/22/V/10/L", false),
        ("01/9521141012345/21/A1", false),
        ("01/09521141012345/21/%41", false),
        ("01/09521141012345/21/A1?11=260301", false),
        ("01/09521141012344/21/A1", false),
        ("01/09521141012345/21/", false),
        ("01/09521141012345/8011/1", false),
        ("00/095212340000000150/21/A1", false),
        ("b/01/09521141012345", false),
        ("01/09521141012345/414/9521141012345", false),
    ] {
        let text = format!("{begin}{path}");
        let level = digital_link::level_of_canonical(&text);
        assert_eq!(level.is_some(), is_canonical, "{path}");
        let whole = taken_apart(&text);
        let same = whole.as_ref().filter(|whole| whole.as_str() == text);
        if is_canonical {
            assert_eq!(same.map(|same| same.level), Some(level), "{path}");
        }
    }
    for other in ["https://a.example/", "http://id.gs1.org/"] {
        let text = format!("{other}01/09521141012345");
        assert_eq!(digital_link::level_of_canonical(&text), None, "{text}");
    }
}

/// Percent-encodes what must be, and as many other characters as the mask says.
fn encoded(serial: &str, mask: u32) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || "!'()*+,-.:;=_".contains(c);
    let one = |(index, c): (usize, char)| match bare(c) && mask >> index & 1 == 0 {
        true => c.to_string(),
        false => format!("%{:02x}", u32::from(c)),
    };
    serial.chars().enumerate().map(one).collect()
}

proptest! {
    #[test]
    fn however_a_serial_number_is_encoded_it_is_the_same(
        serial in "[!\"%&'()*+,./0-9:;<=>?A-Z_a-z-]{1,20}", mask: u32, other: u32,
    ) {
        let urn = format!("urn:epc:id:sgtin:9521141.001234.{}", encoded(&serial, mask));
        let link = format!("https://a.example/b/01/09521141012345/21/{}", encoded(&serial, other));
        let identifier = Identifier::parse(&urn).unwrap();
        prop_assert_eq!(&identifier, &Identifier::parse(&link).unwrap());
        prop_assert_eq!(&identifier, &Identifier::parse(identifier.as_str()).unwrap());
    }

    #[test]
    fn a_mistyped_digit_is_found(place in 0usize..18, digit in 0u8..10) {
        let mut sscc = b"095212340000000150".to_vec();
        let right = sscc[place] == b'0' + digit;
        sscc[place] = b'0' + digit;
        let link = format!("https://id.gs1.org/00/{}", String::from_utf8(sscc).unwrap());
        prop_assert_eq!(Identifier::parse(&link).is_ok(), right);
    }

    #[test]
    fn any_text_is_refused_or_has_a_stable_canonical_form(
        text in "(urn:epc:(id|idpat|class):(sgtin|sscc|cpi|giai|sgln):|https://(id.gs1.org|a.b)/(00|01|8004|414)/|\\PC{0,3})[0-9./%?#A-Z*:-]{0,40}",
    ) {
        if let Ok(identifier) = Identifier::parse(&text) {
            prop_assert_eq!(Identifier::parse(identifier.as_str()), Ok(identifier.clone()));
        }
        if let Some(level) = digital_link::level_of_canonical(&text) {
            let same = Identifier { uri: text.clone(), level: Some(level) };
            prop_assert_eq!(taken_apart(&text), Some(same));
        }
    }
}
