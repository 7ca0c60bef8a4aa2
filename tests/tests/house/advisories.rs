//! No locked dependency has a known flaw, as far as the recorded list knows, other than those
//! that are accepted with a reason. The list stands in `tests/data/advisories.toml`, so that the
//! check needs no network; `scripts/advisories` asks the live database where it can.

use std::collections::BTreeSet;

use semver::{Version, VersionReq};
use serde::Deserialize;

use super::files::{assert_none, root};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    accepted: Vec<Accepted>,
    advisory: Vec<Advisory>,
}

/// An advisory that does no harm here.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    id: String,
    /// Why it does no harm.
    reason: String,
    /// What ends the acceptance.
    until: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advisory {
    id: String,
    #[serde(rename = "crate")]
    package: String,
    title: String,
    patched: Vec<VersionReq>,
    unaffected: Vec<VersionReq>,
}

impl Advisory {
    /// RustSec's meaning of the ranges: what is in none of them is affected.
    fn affects(&self, version: &Version) -> bool {
        let safe = self.patched.iter().chain(&self.unaffected);
        !safe.into_iter().any(|range| range.matches(version))
    }
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: Version,
}

/// What is wrong: affected crates that nobody accepted, and acceptances that nothing needs.
fn findings(record: &Record, lock: &Lock) -> Vec<String> {
    let mut needed = BTreeSet::new();
    let mut findings = Vec::new();
    for Locked { name, version } in &lock.package {
        let known = record
            .advisory
            .iter()
            .filter(|advisory| advisory.package == *name);
        for advisory in known.filter(|advisory| advisory.affects(version)) {
            let Advisory { id, title, .. } = advisory;
            if record.accepted.iter().any(|accepted| accepted.id == *id) {
                needed.insert(id.as_str());
            } else {
                let update = format!("cargo update -p {name}@{version}");
                findings.push(format!("{id}: {name} {version}: {title}; try {update}"));
            }
        }
    }
    for Accepted { id, .. } in &record.accepted {
        if !needed.contains(id.as_str()) {
            findings.push(format!(
                "{id} is accepted, but no locked crate is affected: remove it"
            ));
        }
    }
    findings
}

fn record() -> Record {
    let text = std::fs::read_to_string(root().join("tests/data/advisories.toml"))
        .expect("the recorded advisories are readable");
    toml::from_str(&text).expect("the recorded advisories are well-formed")
}

#[test]
fn no_locked_crate_has_a_known_flaw() {
    let text = std::fs::read_to_string(root().join("Cargo.lock")).expect("Cargo.lock is readable");
    let lock: Lock = toml::from_str(&text).expect("Cargo.lock is well-formed");
    assert!(lock.package.len() > 100, "Cargo.lock is read whole");
    assert_none(findings(&record(), &lock));
}

#[test]
fn the_record_of_advisories_is_sound() {
    let record = record();
    assert!(!record.advisory.is_empty());
    let mut seen = BTreeSet::new();
    for advisory in &record.advisory {
        let Advisory {
            id, package, title, ..
        } = advisory;
        assert!(
            seen.insert((id, package)),
            "{id} of {package} is recorded twice"
        );
        assert!(!title.is_empty(), "{id} has no title");
        let numbers = id.split('-').skip(1);
        let numbered = id.starts_with("RUSTSEC-")
            && numbers.clone().map(str::len).eq([4, 4])
            && numbers.flat_map(str::chars).all(|c| c.is_ascii_digit());
        let named = id.starts_with("GHSA-") && id.split('-').skip(1).map(str::len).eq([4, 4, 4]);
        assert!(numbered || named, "{id} is no number of an advisory");
    }
    for Accepted { id, reason, until } in &record.accepted {
        assert!(
            seen.iter().any(|(known, _)| *known == id),
            "{id} is accepted, but not recorded"
        );
        assert!(
            reason.len() > 40 && until.len() > 20,
            "{id}: say why, and until when"
        );
    }
}

#[test]
fn the_check_of_advisories_bites() {
    let advisory = "[[advisory]]\nid = 'A'\ncrate = 'h2'\ntitle = 'Flood'\n\
                    patched = ['^0.3.26', '>= 0.4.4']\nunaffected = ['< 0.2.0']\n";
    let accepted = "[[accepted]]\nid = 'A'\nreason = 'r'\nuntil = 'u'\n";
    for (accepted, name, version, expected) in [
        ("accepted = []\n", "h2", "0.4.3", Some("A: h2 0.4.3: Flood")),
        (
            "accepted = []\n",
            "h2",
            "0.3.25",
            Some("A: h2 0.3.25: Flood"),
        ),
        ("accepted = []\n", "h2", "0.3.26", None),
        ("accepted = []\n", "h2", "0.4.4", None),
        ("accepted = []\n", "h2", "1.0.0", None),
        ("accepted = []\n", "h2", "0.1.9", None),
        ("accepted = []\n", "h3", "0.4.3", None),
        (accepted, "h2", "0.4.3", None),
        (
            accepted,
            "h2",
            "0.4.4",
            Some("A is accepted, but no locked crate is affected"),
        ),
    ] {
        let record: Record = toml::from_str(&format!("{accepted}{advisory}")).expect("a record");
        let lock = format!("[[package]]\nname = '{name}'\nversion = '{version}'\n");
        let findings = findings(&record, &toml::from_str(&lock).expect("a lock file"));
        assert_eq!(
            findings.len(),
            usize::from(expected.is_some()),
            "{name} {version}"
        );
        for (finding, expected) in findings.iter().zip(expected) {
            assert!(finding.starts_with(expected), "{finding}");
        }
    }
}
