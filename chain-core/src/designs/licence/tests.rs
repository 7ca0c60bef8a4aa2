use super::*;

fn terms() -> LicenceTerms {
    LicenceTerms {
        acts: vec![2, 3],
        territories: vec!["CN".into(), "JP".into()],
        from_ms: 100,
        until_ms: 200,
        depth: 2,
        sublicensees: vec!["carrier".into(), "market.*".into()],
    }
}

fn bent(bend: impl Fn(&mut LicenceTerms)) -> LicenceTerms {
    let mut terms = terms();
    bend(&mut terms);
    terms
}

#[test]
fn terms_have_one_spelling_and_limits() {
    assert_eq!(check_shape(&terms(), 100), Ok(()));
    let world = bent(|t| t.territories = vec![WORLD.into()]);
    assert_eq!(check_shape(&world, 100), Ok(()));
    let (wrong, term, depth) = (
        DesignRejection::LicenceTerms,
        DesignRejection::LicenceTerm,
        DesignRejection::LicenceDepth,
    );
    assert_eq!((wrong.code(), term.code(), depth.code()), (450, 451, 452));
    type Bend = fn(&mut LicenceTerms);
    let table: [(&DesignRejection, Bend); 19] = [
        (&wrong, |t| t.acts.clear()),
        (&wrong, |t| t.acts = vec![0]),
        (&wrong, |t| t.acts = vec![5]),
        (&wrong, |t| t.acts = vec![3, 2]),
        (&wrong, |t| t.acts = vec![3, 3]),
        (&wrong, |t| t.territories.clear()),
        (&wrong, |t| t.territories.reverse()),
        (&wrong, |t| t.territories = vec!["CN".into(), "CN".into()]),
        (&wrong, |t| t.territories = vec!["cn".into()]),
        (&wrong, |t| t.territories = vec!["CHN".into()]),
        (&wrong, |t| t.territories = vec![WORLD.into(), "CN".into()]),
        (&wrong, |t| {
            let codes = ('A'..='Z').flat_map(|a| [format!("{a}A"), format!("{a}B")]);
            t.territories = codes.take(MAX_TERRITORIES + 1).collect();
        }),
        (&term, |t| t.from_ms = 99),
        (&term, |t| t.until_ms = 99),
        (&depth, |t| t.depth = MAX_DEPTH + 1),
        (&depth, |t| t.depth = 0),
        (&depth, |t| t.sublicensees.reverse()),
        (&depth, |t| t.sublicensees[0] = "No Name".into()),
        (&depth, |t| {
            let names = (0..=MAX_SUBLICENSEES).map(|n| format!("shop-{n}"));
            t.sublicensees = names.collect();
        }),
    ];
    for (n, (expected, bend)) in table.into_iter().enumerate() {
        assert_eq!(
            check_shape(&bent(bend), 100),
            Err(expected.clone()),
            "row {n}"
        );
    }
}

#[test]
fn a_sublicence_stays_within_its_parent() {
    let child = bent(|t| {
        t.depth = 1;
        t.from_ms = 100;
    });
    assert_eq!(check_within("carrier", &child, &terms()), Ok(()));
    assert_eq!(
        check_within("market.lin", &child, &terms()),
        Ok(()),
        "of the class"
    );
    assert_eq!(
        check_within(
            "market.*",
            &bent(|t| {
                t.depth = 0;
                t.sublicensees.clear();
            }),
            &terms()
        ),
        Ok(())
    );
    let anyone = bent(|t| t.sublicensees.clear());
    assert_eq!(check_within("office", &child, &anyone), Ok(()));
    let world = bent(|t| t.territories = vec![WORLD.into()]);
    assert_eq!(check_within("carrier", &child, &world), Ok(()));
    type Bend = fn(&mut LicenceTerms);
    let table: [(&str, &str, Bend); 10] = [
        ("acts", "carrier", |t| t.acts = vec![1, 2]),
        ("territory", "carrier", |t| {
            t.territories = vec!["CN".into(), "US".into()]
        }),
        ("territory", "carrier", |t| {
            t.territories = vec![WORLD.into()]
        }),
        ("term", "carrier", |t| t.from_ms = 99),
        ("term", "carrier", |t| t.until_ms = 201),
        ("depth of sublicences", "carrier", |t| t.depth = 2),
        ("licensee", "office", |_| {}),
        ("licensee", "market", |_| {}),
        ("sublicensees", "carrier", |t| t.sublicensees.clear()),
        ("sublicensees", "carrier", |t| {
            t.sublicensees = vec!["office".into()]
        }),
    ];
    for (part, licensee, bend) in table {
        let mut child = child.clone();
        bend(&mut child);
        let beyond = DesignRejection::BeyondParent(part);
        assert_eq!(beyond.code(), 456);
        assert_eq!(
            check_within(licensee, &child, &terms()),
            Err(beyond),
            "{part}"
        );
    }
}

#[test]
fn classes_and_organisations_are_told_apart() {
    assert_eq!(class_of("market.lin"), Some("market.*".into()));
    assert_eq!(class_of("market"), None);
    assert_eq!(voucher_of_class("market.*"), Some("market"));
    assert_eq!(voucher_of_class("market.lin"), None);
    for good in ["market", "market.*", "market.lin"] {
        assert!(is_licensee(good), "{good}");
    }
    for bad in [
        "",
        ".*",
        "*",
        "market.",
        "market..*",
        "a.b.*",
        "Market",
        "market.l",
    ] {
        assert!(!is_licensee(bad), "{bad}");
    }
}
