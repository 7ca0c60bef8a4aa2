use super::*;

fn printed(lot: Option<&str>, expiry: Option<&str>) -> Printed {
    Printed {
        lot: lot.map(str::to_owned),
        expiry: expiry.map(str::to_owned),
    }
}

fn read(text: &str) -> Identifier {
    Identifier::read(text).unwrap()
}

const LAMP: &str = "https://id.gs1.org/01/09521321000018/21/1";

#[test]
fn a_label_says_the_same_in_code_and_text() {
    let base = "https://trace.example.org/";
    let full = label(&read(LAMP), base, &printed(Some("B7"), Some("311200"))).unwrap();
    assert_eq!(
        full.link,
        "https://trace.example.org/01/09521321000018/10/B7/21/1?17=311200"
    );
    assert_eq!(
        full.lines,
        ["(01) 09521321000018", "(21) 1", "(10) B7", "(17) 311200"]
    );
}

#[test]
fn what_no_label_can_say_is_refused() {
    let base = "https://trace.example.org";
    let refuse = |id: &str, base: &str, lot, expiry| {
        label(&read(id), base, &printed(lot, expiry)).unwrap_err()
    };
    assert!(matches!(
        refuse("https://example.org/lamp", base, None, None),
        BadLabel::NoKey(_)
    ));
    for wrong in [
        "",
        "trace.example.org",
        "ftp://a.example",
        "https://",
        "https://a.example?x",
    ] {
        assert!(
            matches!(refuse(LAMP, wrong, None, None), BadLabel::Base(_)),
            "{wrong}"
        );
    }
    for wrong in ["", "0123456789012345678901", "B 7"] {
        assert!(
            matches!(refuse(LAMP, base, Some(wrong), None), BadLabel::Lot(_)),
            "{wrong}"
        );
    }
    let carton = "https://id.gs1.org/00/095210010000000017";
    assert!(matches!(
        refuse(carton, base, Some("B7"), None),
        BadLabel::Lot(_)
    ));
    for wrong in ["", "2031-12-31", "311331", "31123", "311232", "31x231"] {
        assert!(
            matches!(refuse(LAMP, base, None, Some(wrong)), BadLabel::Expiry(_)),
            "{wrong}"
        );
    }
}

#[test]
fn the_link_names_the_same_thing_on_the_base() {
    let base = "https://trace.example.org/gs1";
    let label = label(&read(LAMP), base, &printed(Some("B7"), Some("311231"))).unwrap();
    assert_eq!(
        label.link,
        "https://trace.example.org/gs1/01/09521321000018/10/B7/21/1?17=311231"
    );
    assert_eq!(read(&label.link), read(LAMP));
}

/// The page's test has the same code and the same value.
#[test]
fn a_code_under_a_cover_is_recorded_salted() {
    let mut random = [0; 28];
    for (at, byte) in random.iter_mut().enumerate() {
        *byte = 37_u8.wrapping_mul(at as u8);
    }
    let drawn = activation::Activation::from_random(&random);
    assert_eq!(drawn.code, "05AF-MSY3-8DJQ");
    assert_eq!(
        drawn.recorded,
        "sha256:bce1062b50759abfe4092e53789dc2e7:781f3f255285386d8c29\
         66eea56f781694c13c89bd687601d21564725fcd1983"
    );
    let recorded = activation::RecordedCode::read(&drawn.recorded).unwrap();
    for typed in ["05AF-MSY3-8DJQ", "o5af msy3 8djq", " 05AFMSY38DJQ"] {
        assert!(recorded.fits(typed), "{typed}");
    }
    for typed in ["", "05AF-MSY3-8DJR", "05AF-MSY3-8DJQ0"] {
        assert!(!recorded.fits(typed), "{typed}");
    }
    let name = format!("urn:touchstone:activation:{}", drawn.recorded);
    assert_eq!(recorded.openings(), name);
    assert_eq!(read(&name).as_str(), name);
    for other in [
        "",
        "sha256:",
        &drawn.recorded.replace("sha256", "sha512"),
        &drawn.recorded.to_uppercase(),
        &drawn.recorded.replace(":b", ":B"),
        &format!("{}0", drawn.recorded),
        &drawn.recorded.replace("sha256:b", "sha256:"),
    ] {
        assert_eq!(activation::RecordedCode::read(other), None, "{other}");
    }
    assert_eq!(activation::letters("il-O"), "110");
}

/// The dark modules of both pictures are the code's.
#[test]
fn pictures_show_the_code() {
    let link = "https://trace.example.org/01/09521321000018/21/1";
    let svg = svg(link).unwrap();
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    let png = png(link).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"));
    assert!(png.ends_with(b"IEND\xae\x42\x60\x82"));
    let code = crate::pdf::qr::squares(link).unwrap();
    assert_eq!(svg.matches('M').count(), code.runs.len() + 1);
}

#[test]
fn a_designs_link_leads_to_a_nodes_page() {
    let link = of_design("https://node.example.org/", "ab").unwrap();
    assert_eq!(link, "https://node.example.org/app/?design=ab");
    for base in ["", "node.example.org", "ftp://a", "https://", "https://a?b"] {
        assert!(of_design(base, "ab").is_err(), "{base}");
    }
}
