//! Whose licences we live under, and where dependencies come from. A new licence or source is a decision, not an
//! accident of `cargo add`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::files::assert_none;
use super::imports::cargo;

/// Licences whose terms a shipped program meets: permissive ones, and those that bind a file's own changes alone.
const ALLOWED: [&str; 16] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-1-Clause",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Where packages come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Whether an SPDX expression can be met with the allowed licences. `/` is an old way to write OR; AND binds more.
fn is_met(expression: &str) -> bool {
    let plain = expression.replace('/', " OR ").replace(['(', ')'], " ");
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    // Without brackets, `A AND (B OR C)` reads as `A AND B` or `C`: each licence that is named counts then.
    let is_known = |licence: &str| ALLOWED.contains(&licence.trim());
    match expression.contains('(') {
        true => words
            .split(" AND ")
            .all(|part| part.split(" OR ").any(is_known)),
        false => words
            .split(" OR ")
            .any(|part| part.split(" AND ").all(is_known)),
    }
}

fn violations(metadata: &Value) -> Vec<String> {
    let none = Vec::new();
    let packages = metadata["packages"].as_array().unwrap_or(&none);
    let mut violations = BTreeSet::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        // Our own packages have no source.
        let Some(source) = package["source"].as_str() else {
            continue;
        };
        if source != REGISTRY {
            violations.insert(format!("{name} comes from {source}"));
        }
        match package["license"].as_str() {
            Some(licence) if is_met(licence) => {}
            Some(licence) => drop(violations.insert(format!("{name}: {licence}"))),
            None => drop(violations.insert(format!("{name} names no licence"))),
        }
    }
    violations.into_iter().collect()
}

#[test]
fn every_dependency_has_a_licence_and_a_source_that_we_accept() {
    let metadata = cargo(&["metadata", "--format-version", "1"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let count = metadata["packages"].as_array().map_or(0, Vec::len);
    assert!(count > 100, "the dependencies are listed");
    assert_none(violations(&metadata));
}

#[test]
fn the_rule_of_licences_bites() {
    for (expression, met) in [
        ("MIT", true),
        ("MIT OR Apache-2.0", true),
        ("MIT/Apache-2.0", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("MIT AND GPL-3.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("(MIT OR Apache-2.0) AND OpenSSL", false),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("", false),
    ] {
        assert_eq!(is_met(expression), met, "{expression}");
    }
    let package = |source: &str| serde_json::json!({"packages": [{"name": "a", "source": source, "license": "MIT"}]});
    assert!(violations(&package(REGISTRY)).is_empty());
    assert_eq!(violations(&package("git+https://example.org/a")).len(), 1);
}
