//! The configuration's section, as written and as read.

use std::path::Path;

use super::responder::Certificates;
use crate::timestamps::schedule::Schedule;
use crate::timestamps::settings::{BadSettings, TimestampSettings, Timestamps};

fn load(text: &str, folder: &Path) -> Result<TimestampSettings, BadSettings> {
    let section: Timestamps = toml::from_str(text).expect("the section's shape is right");
    section.load(folder)
}

#[test]
fn a_section_is_read_with_its_defaults() {
    let certificates = Certificates::new();
    let file = certificates.file("root.pem");
    let folder = file.parent().unwrap();
    let nothing = load("", folder).unwrap();
    assert_eq!(nothing.schedule, Schedule::default());
    assert!(nothing.authorities.is_empty());

    let settings = load(
        "every_blocks = 7\nevery_ms = 8\npause_ms = 9\n\
         [[authority]]\nurl = \"http://127.0.0.1:1/\"\nroots = \"root.pem\"\n\
         [[authority]]\nurl = \"http://127.0.0.1:1/\"\nroots = \"root.pem\"\nname = \"Two\"\n\
         policy = \"1.2.3\"\ntimeout_ms = 5\n",
        folder,
    )
    .unwrap();
    let expected = Schedule {
        every_blocks: 7,
        every_ms: 8,
        pause_ms: 9,
    };
    assert_eq!(settings.schedule, expected);
    let [one, two] = &settings.authorities[..] else {
        panic!("two authorities");
    };
    assert_eq!(
        (one.name.as_str(), two.name.as_str()),
        ("http://127.0.0.1:1/", "Two")
    );
    assert_eq!((&one.policy, two.policy.as_deref()), (&None, Some("1.2.3")));
    assert_eq!(
        (one.timeout.as_millis(), two.timeout.as_millis()),
        (20_000, 5)
    );
    assert_eq!(one.roots.len(), 1);
}

#[test]
fn what_cannot_be_used_is_named() {
    let certificates = Certificates::new();
    let file = certificates.file("root.pem");
    let folder = file.parent().unwrap();
    let root = std::fs::read_to_string(&file).unwrap();
    std::fs::write(folder.join("many.pem"), root.repeat(33)).unwrap();
    let authority = |lines: &str| format!("[[authority]]\n{lines}\n");
    let usual = "url = \"http://127.0.0.1:1/\"\nroots = \"root.pem\"\n";
    let with = |line: &str| authority(&format!("{usual}{line}"));
    let long = format!("name = \"{}\"", "x".repeat(600));
    type Fits = fn(&BadSettings) -> bool;
    let table: Vec<(String, Fits)> = vec![
        ("every_blocks = 0".into(), |e| {
            matches!(e, BadSettings::Zero("every_blocks"))
        }),
        ("every_ms = 0".into(), |e| {
            matches!(e, BadSettings::Zero("every_ms"))
        }),
        ("pause_ms = 0".into(), |e| {
            matches!(e, BadSettings::Zero("pause_ms"))
        }),
        (with("timeout_ms = 0"), |e| {
            matches!(e, BadSettings::Zero(_))
        }),
        (with("name = \"\""), |e| matches!(e, BadSettings::Name(_))),
        (with("name = \"a\\nb\""), |e| {
            matches!(e, BadSettings::Name(_))
        }),
        (with(&long), |e| matches!(e, BadSettings::Name(_))),
        (with("policy = \"time\""), |e| {
            matches!(e, BadSettings::Policy(_))
        }),
        (with("policy = \"1..2\""), |e| {
            matches!(e, BadSettings::Policy(_))
        }),
        (with("") + &with(""), |e| {
            matches!(e, BadSettings::SameName(_))
        }),
        (authority("url = \"tsa\"\nroots = \"root.pem\""), |e| {
            matches!(e, BadSettings::Url { .. })
        }),
        (
            authority("url = \"http://h/\"\nroots = \"none.pem\""),
            |e| matches!(e, BadSettings::Certificates { .. }),
        ),
        (authority("url = \"http://h/\"\nroots = \"serial\""), |e| {
            matches!(e, BadSettings::Certificates { .. })
        }),
        (
            authority("url = \"http://h/\"\nroots = \"many.pem\""),
            |e| matches!(e, BadSettings::TooManyRoots { found: 33, .. }),
        ),
        (
            authority("url = \"https://h/\"\nroots = \"root.pem\"\ntls_roots = \"serial\""),
            |e| matches!(e, BadSettings::Certificates { .. }),
        ),
    ];
    for (text, fits) in table {
        match load(&text, folder) {
            Ok(_) => panic!("{text} is taken"),
            Err(error) => assert!(fits(&error), "{text}: {error}"),
        }
    }
    let unknown: Result<Timestamps, _> = toml::from_str("every_block = 1");
    assert!(unknown.is_err());
}
