//! No file depends on one that depends on it: then each can be read, and changed, after those below.
//! A file and the files in its folder are one noun and may know each other.

use std::collections::{BTreeMap, BTreeSet};

use super::files::{File, assert_none, files};
use super::lexer::{paths, production, tokens};

/// Crates, by the folder of their sources.
const CRATES: [&str; 7] = [
    "chain-core/src",
    "cli/src",
    "client/src",
    "edge/src",
    "epcis/src",
    "language/src",
    "node/src",
];

/// A module's name from the crate's root, such as `proof::tree`; the root's is empty.
type Module = String;

fn module(path: &str, folder: &str) -> Option<Module> {
    let inner = path.strip_prefix(folder)?.strip_prefix('/')?;
    let name = inner.strip_suffix(".rs")?.replace('/', "::");
    Some(match name.as_str() {
        "lib" | "main" => String::new(),
        _ => name,
    })
}

/// What each module of a crate names of the others, its own family left out.
fn uses(folder: &str, sources: &[File]) -> BTreeMap<Module, BTreeSet<Module>> {
    let of_crate = sources
        .iter()
        .filter(|file| !file.is_test() && !file.path.contains("test_support"));
    let modules: BTreeMap<Module, &File> = of_crate
        .filter_map(|file| Some((module(&file.path, folder)?, file)))
        .collect();
    let find = |segments: &[String]| {
        (1..=segments.len())
            .rev()
            .map(|length| segments[..length].join("::"))
            .find(|name| modules.contains_key(name))
    };
    let mut uses = BTreeMap::new();
    for (name, file) in &modules {
        let here: Vec<String> = name
            .split("::")
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect();
        let mut named = BTreeSet::new();
        for path in paths(&production(&tokens(&file.text))) {
            let from_root = from_root(&here, &path.segments);
            let found = from_root.and_then(|segments| find(&segments));
            named.extend(found.filter(|other| !is_family(name, other)));
        }
        uses.insert(name.clone(), named);
    }
    uses
}

/// A path from the crate's root, if it names something of this crate.
fn from_root(here: &[String], segments: &[String]) -> Option<Vec<String>> {
    let supers = segments.iter().take_while(|s| *s == "super").count();
    match segments.first()?.as_str() {
        "crate" => Some(segments[1..].to_vec()),
        "self" => Some([here, &segments[1..]].concat()),
        "super" => {
            let base = here.get(..here.len().checked_sub(supers)?)?;
            Some([base, &segments[supers..]].concat())
        }
        _ => None,
    }
}

fn is_family(one: &str, other: &str) -> bool {
    let above = |a: &str, b: &str| b.strip_prefix(a).is_some_and(|rest| rest.starts_with("::"));
    one == other || above(one, other) || above(other, one)
}

/// All pairs of modules that reach each other.
fn circles(uses: &BTreeMap<Module, BTreeSet<Module>>) -> BTreeSet<(Module, Module)> {
    let reached = |from: &Module| {
        let mut reached = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for next in uses.get(module).into_iter().flatten() {
                if reached.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
        reached
    };
    let all: BTreeMap<&Module, BTreeSet<Module>> = uses.keys().map(|m| (m, reached(m))).collect();
    let mut found = BTreeSet::new();
    for (one, others) in &all {
        for other in others {
            let back = all.get(other).is_some_and(|b| b.contains(*one));
            if back && *one < other {
                found.insert(((*one).clone(), other.clone()));
            }
        }
    }
    found
}

#[test]
fn no_two_files_depend_on_each_other() {
    let sources = files(&[".rs"]);
    let mut violations = Vec::new();
    for folder in CRATES {
        let uses = uses(folder, &sources);
        assert!(uses.len() > 3, "{folder}'s sources are found");
        for (one, other) in circles(&uses) {
            violations.push(format!("{folder}: {one} and {other} reach each other"));
        }
    }
    assert_none(violations);
}

#[test]
fn the_rule_of_circles_bites() {
    let file = |path: &str, text: &str| File {
        path: path.into(),
        text: text.into(),
    };
    let found = |texts: [&str; 3]| {
        let paths = ["x/src/a.rs", "x/src/b.rs", "x/src/b/c.rs"];
        let sources: Vec<File> = paths.iter().zip(texts).map(|(p, t)| file(p, t)).collect();
        circles(&uses("x/src", &sources)).len()
    };
    assert_eq!(found(["use crate::b::B;", "use super::a::A;", ""]), 1);
    assert_eq!(
        found(["use crate::b::c::C;", "", "use super::super::a;"]),
        1
    );
    assert_eq!(
        found(["use crate::b::c::C;", "use crate::a::A;", "use super::B;"]),
        0
    );
    assert_eq!(
        found(["use crate::b;", "mod c; use c::C;", "use super::B;"]),
        0
    );
    assert_eq!(
        found(["use crate::b;", "#[cfg(test)] use crate::a;", ""]),
        0
    );
}
