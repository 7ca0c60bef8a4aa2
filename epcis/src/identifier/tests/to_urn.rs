//! Digital Links back to EPC URNs.

use super::*;
use UrnError::{NoUrn, PrefixLength, PrefixLengthUnknown, PrefixTooLong};

/// The number of digits of the prefix in a URN.
fn prefix_length(urn: &str) -> usize {
    let body = urn.rsplit(':').next().unwrap();
    body.split('.').next().unwrap().len()
}

#[test]
fn every_public_link_gives_its_urn_back_when_the_prefix_length_is_told() {
    let mut compared = 0;
    for (number, line) in PAIRS
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.starts_with('#'))
    {
        if NON_CONFORMANT
            .iter()
            .any(|(_, lines)| lines.contains(&number))
        {
            continue;
        }
        let line = line.replace("\\\"", "\"");
        let mut fields = line.split('\t').skip(1);
        let (urn, link) = (fields.next().unwrap(), fields.next().unwrap());
        let link = Identifier::parse(link).unwrap();
        assert_eq!(
            link.to_urn(Some(prefix_length(urn))).as_deref(),
            Ok(urn),
            "{number}: {line}"
        );
        assert_eq!(
            link.to_urn(None),
            Err(PrefixLengthUnknown),
            "{number}: {line}"
        );
        compared += 1;
    }
    assert_eq!(compared, 148);
}

#[test]
fn each_kind_of_key_has_its_urn() {
    for (link, urn) in [
        ("00/095212340000000150", "id:sscc:9521234.0000000015"),
        (
            "01/09521141012345/21/A%2Fb",
            "id:sgtin:9521141.001234.A%2Fb",
        ),
        (
            "01/09521141012345/22/V/10/L/21/A",
            "id:sgtin:9521141.001234.A",
        ),
        ("01/09521141012345/235/A", "id:upui:9521141.001234.A"),
        ("01/09521141012345/10/L", "class:lgtin:9521141.001234.L"),
        ("01/09521141012345", "idpat:sgtin:9521141.001234.*"),
        ("253/9521141012345A", "id:gdti:9521141.01234.A"),
        ("253/9521141012345", "idpat:gdti:9521141.01234.*"),
        ("255/95211410123451", "id:sgcn:9521141.01234.1"),
        ("255/9521141012345", "idpat:sgcn:9521141.01234.*"),
        ("401/9521141A%22", "id:ginc:9521141.A%22"),
        ("402/95211410123456781", "id:gsin:9521141.012345678"),
        ("414/9521141012345", "id:sgln:9521141.01234.0"),
        ("414/9521141012345/254/A", "id:sgln:9521141.01234.A"),
        ("417/9521141012345", "id:pgln:9521141.01234"),
        ("8003/09521141012345A", "id:grai:9521141.01234.A"),
        ("8003/09521141012345", "idpat:grai:9521141.01234.*"),
        ("8004/9521141A", "id:giai:9521141.A"),
        (
            "8006/095211410123450102/21/A",
            "id:itip:9521141.001234.01.02.A",
        ),
        (
            "8006/095211410123450102",
            "idpat:itip:9521141.001234.01.02.*",
        ),
        ("8010/9521141ABC/8011/1", "id:cpi:9521141.ABC.1"),
        ("8010/9521141A%23C", "idpat:cpi:9521141.A%23C.*"),
        ("8017/952114101234567896", "id:gsrnp:9521141.0123456789"),
        ("8018/952114101234567896", "id:gsrn:9521141.0123456789"),
    ] {
        let id = Identifier::parse(&format!("https://id.gs1.org/{link}"))
            .unwrap_or_else(|error| panic!("{link}: {error}"));
        let urn = format!("urn:epc:{urn}");
        assert_eq!(id.to_urn(Some(7)).as_ref(), Ok(&urn), "{link}");
        assert_eq!(Identifier::parse(&urn), Ok(id), "{urn}");
    }
}

#[test]
fn what_has_no_urn_says_why() {
    for (text, digits, error) in [
        (
            "https://id.gs1.org/00/095212340000000150",
            None,
            PrefixLengthUnknown,
        ),
        (
            "https://id.gs1.org/00/095212340000000150",
            Some(5),
            PrefixLength { digits: 5 },
        ),
        (
            "https://id.gs1.org/00/095212340000000150",
            Some(13),
            PrefixLength { digits: 13 },
        ),
        (
            "https://id.gs1.org/8004/9521141A",
            Some(8),
            PrefixTooLong { digits: 8 },
        ),
        (
            "https://id.gs1.org/8004/9521141",
            Some(7),
            PrefixTooLong { digits: 7 },
        ),
        (
            "https://id.gs1.org/8010/95211",
            Some(6),
            PrefixTooLong { digits: 6 },
        ),
        ("https://id.gs1.org/01/09521141012345/22/V", Some(7), NoUrn),
        (
            "https://id.gs1.org/01/09521141012345/22/V/10/L",
            Some(7),
            NoUrn,
        ),
        (
            "https://id.gs1.org/8006/095211410123450102/10/L",
            Some(7),
            NoUrn,
        ),
        (
            "https://id.gs1.org/8018/952114101234567896/8019/1",
            Some(7),
            NoUrn,
        ),
        (
            "https://id.gs1.org/415/9521141012345/8020/A",
            Some(7),
            NoUrn,
        ),
        // Asking for a length wouldn't help.
        ("https://id.gs1.org/415/9521141012345", None, NoUrn),
    ] {
        let id = Identifier::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(id.to_urn(digits), Err(error), "{text}");
    }
}

#[test]
fn what_is_no_gs1_key_stays_as_it_is() {
    for text in [
        "https://shop.example/01/7",
        "urn:epc:id:gid:1.2.3",
        "urn:uuid:0",
    ] {
        let id = Identifier::parse(text).unwrap();
        assert_eq!(id.to_urn(None).as_deref(), Ok(text));
        assert_eq!((id.kind(), id.parts()), (None, vec![]));
    }
}

#[test]
fn a_key_is_explained() {
    let id = Identifier::parse("urn:epc:id:sgtin:9521141.001234.a%2Fb").unwrap();
    assert_eq!(id.kind(), Some("GTIN: a trade item"));
    assert_eq!(
        id.parts(),
        [
            ("01", "09521141012345".to_owned()),
            ("21", "a/b".to_owned())
        ]
    );
}

proptest! {
    #[test]
    fn a_urn_and_back_is_the_same(
        digits in 6usize..=12, company in "[0-9]{12}", rest in "[0-9]{11}",
        serial in "[!\"%&'()*+,./0-9:;<=>?A-Z_a-z-]{1,16}",
    ) {
        let company = &company[..digits];
        let number = |length: usize| &rest[..length - digits];
        let serial = encoded(&serial, 0);
        for urn in [
            format!("id:sgtin:{company}.{}.{serial}", number(13)),
            format!("class:lgtin:{company}.{}.{serial}", number(13)),
            format!("idpat:sgtin:{company}.{}.*", number(13)),
            format!("id:sscc:{company}.{}", number(17)),
            format!("id:sgln:{company}.{}.x{serial}", number(12)),
            format!("id:grai:{company}.{}.{serial}", number(12)),
            format!("id:giai:{company}.{serial}"),
        ] {
            let urn = format!("urn:epc:{urn}");
            let id = Identifier::parse(&urn).unwrap();
            let written = id.to_urn(Some(digits)).unwrap();
            prop_assert_eq!(Identifier::parse(&written), Ok(id.clone()));
            prop_assert_eq!(written.to_uppercase(), urn.to_uppercase());
        }
    }
}
