//! Who may import whom. A room that knows less can be read, replaced and proven alone.

use std::process::Command;

use serde_json::Value;

use super::files::{File, assert_none, files, root};
use super::lexer::{Token, paths, production, tokens};

/// Libraries that few rooms know: the start of the crate's name, the rooms, and where tests of
/// those rooms may use it too.
const ROOMS: [(&str, &[&str], &str); 10] = [
    // Only adapters know what a service is spoken over.
    (
        "tonic",
        &[
            "node/src/rpc",
            "cli/tests",
            "client/src",
            "proto/src",
            "proto/build",
            "tests/src",
            "tests/tests",
        ],
        "node/tests/rpc",
    ),
    (
        "axum",
        &[
            "edge/src",
            "node/src/rpc",
            "node/src/http",
            "cli/src/gateway",
        ],
        "node/tests/http",
    ),
    ("rocksdb", &["node/src/storage"], "node/tests/storage"),
    (
        "librocksdb_sys",
        &["node/src/storage"],
        "node/tests/storage",
    ),
    ("libp2p", &["node/src/network"], "node/tests/network"),
    // Each asks or answers over HTTP on its own terms: limits, timeouts, who may come.
    (
        "hyper",
        &[
            "edge/src",
            "node/src/timestamps",
            "node/src/rpc",
            "cli/src/gateway",
            "client/src",
        ],
        "node/tests/timestamps",
    ),
    (
        "rustls",
        &[
            "edge/src",
            "node/src/timestamps",
            "client/src",
            "cli/src/gateway/webhooks",
            "cli/tests",
        ],
        "node/tests/timestamps",
    ),
    (
        "tokio_rustls",
        &[
            "edge/src",
            "node/src/timestamps",
            "client/src",
            "cli/src/gateway/webhooks",
            "cli/tests",
        ],
        "node/tests/timestamps",
    ),
    // The simulator drives the machine itself, so it speaks its language.
    (
        "arc_malachitebft",
        &["node/src/consensus"],
        "tests/src/simulation",
    ),
    ("malachite", &["node/src/consensus"], "tests/src/simulation"),
];

fn outside_its_room(file: &File) -> Vec<String> {
    let mut violations = Vec::new();
    for path in paths(&tokens(&file.text)) {
        let first = path.segments[0].as_str();
        for (library, rooms, tests) in ROOMS {
            let allowed = rooms.iter().chain([&tests]).any(|room| file.is_in(room));
            if first.starts_with(library) && !allowed {
                let rooms = rooms.join(", ");
                violations.push(format!(
                    "{}:{}: {first} belongs to {rooms}",
                    file.path, path.line
                ));
            }
        }
    }
    violations
}

/// Names by which a program speaks to a terminal.
const SPEAKS: [&str; 9] = [
    "println",
    "eprintln",
    "print",
    "eprint",
    "stdout",
    "stderr",
    "stdin",
    "is_terminal",
    "exit",
];

/// The light client answers whoever calls it, and speaks to nobody else.
fn speaks(file: &File) -> Vec<String> {
    if !file.is_in("client/src") {
        return Vec::new();
    }
    let code = production(&tokens(&file.text));
    let words = code
        .iter()
        .filter(|token| SPEAKS.contains(&token.text.as_str()));
    words
        .map(|Token { text, line }| format!("{}:{line}: {text}: a terminal", file.path))
        .collect()
}

#[test]
fn the_light_client_knows_no_terminal() {
    assert_none(files(&[".rs"]).iter().flat_map(speaks).collect());
    let file = |path: &str, text: &str| File {
        path: path.into(),
        text: text.into(),
    };
    let bad = "fn a() { println!(); std::io::stdout(); }";
    assert_eq!(speaks(&file("client/src/a.rs", bad)).len(), 2);
    assert_eq!(speaks(&file("cli/src/a.rs", bad)).len(), 0);
}

/// Rooms of the node that a room must not know.
const UNKNOWN: [(&str, &[&str]); 4] = [
    ("node/src/service", &["consensus", "network", "rpc", "http"]),
    ("node/src/http", &["consensus", "network", "rpc"]),
    ("node/src/rpc", &["consensus", "network", "http"]),
    (
        "node/src/scans",
        &[
            "chain",
            "consensus",
            "network",
            "rpc",
            "http",
            "service",
            "storage",
        ],
    ),
];

fn knows_too_much(file: &File) -> Vec<String> {
    let mut violations = Vec::new();
    for (room, unknown) in UNKNOWN {
        if !file.is_in(room) {
            continue;
        }
        for path in paths(&tokens(&file.text)) {
            if let [first, second, ..] = path.segments.as_slice()
                && first == "crate"
                && unknown.contains(&second.as_str())
            {
                violations.push(format!(
                    "{}:{}: {room} knows {second}",
                    file.path, path.line
                ));
            }
        }
    }
    violations
}

#[test]
fn the_services_know_nothing_of_consensus_and_network() {
    assert_none(files(&[".rs"]).iter().flat_map(knows_too_much).collect());
    let file = |path: &str, text: &str| File {
        path: path.into(),
        text: text.into(),
    };
    let bad = "use crate::{consensus::Machine, network};";
    assert_eq!(knows_too_much(&file("node/src/http/a.rs", bad)).len(), 2);
    assert_eq!(knows_too_much(&file("node/src/rpc.rs", bad)).len(), 2);
    assert_eq!(knows_too_much(&file("node/src/service.rs", bad)).len(), 2);
    assert_eq!(knows_too_much(&file("node/src/dispatch.rs", bad)).len(), 0);
}

#[test]
fn libraries_stay_in_their_rooms() {
    assert_none(files(&[".rs"]).iter().flat_map(outside_its_room).collect());
}

#[test]
fn the_rules_of_import_bite() {
    let file = |path: &str, text: &str| File {
        path: path.into(),
        text: text.into(),
    };
    for (path, text, violations) in [
        ("node/src/chain.rs", "use rocksdb::DB;", 1),
        ("node/src/storage.rs", "use rocksdb::DB;", 0),
        ("node/src/storage/rocks/tests.rs", "use rocksdb::DB;", 0),
        ("node/src/storages/a.rs", "use rocksdb::DB;", 1),
        (
            "node/src/rpc.rs",
            "/// Not `libp2p::PeerId`.\nfn a() { \"libp2p::PeerId\" }",
            0,
        ),
        ("node/src/rpc.rs", "fn a(b: libp2p::PeerId) {}", 1),
        ("node/src/rpc.rs", "use {libp2p_core as l, std::fmt};", 1),
        (
            "node/src/consensus_thread.rs",
            "use arc_malachitebft_core_types::Round;",
            1,
        ),
        (
            "tests/src/simulation/world.rs",
            "use arc_malachitebft_core_types::Round;",
            0,
        ),
    ] {
        assert_eq!(
            outside_its_room(&file(path, text)).len(),
            violations,
            "{path}: {text}"
        );
    }
}

/// What a member of the workspace may not name among its dependencies. Build and test
/// dependencies don't count: they are no part of what runs.
fn banned(member: &str) -> Option<Banned> {
    const IO: &[&str] = &[
        "tokio",
        "mio",
        "rocksdb",
        "libp2p",
        "malachite",
        "rand",
        "getrandom",
        "tonic",
        "futures",
        "async",
        "quinn",
        "hyper",
        "axum",
    ];
    const ROOMS_OF_THE_NODE: &[&str] = &["rocksdb", "libp2p", "malachite"];
    const TERMINAL: &[&str] = &[
        "rocksdb",
        "libp2p",
        "malachite",
        "axum",
        "clap",
        "indicatif",
        "rpassword",
        "krilla",
        "tracing",
    ];
    const OURS: &[&str] = &[
        "touchstone-core",
        "touchstone-edge",
        "touchstone-epcis",
        "touchstone-pictures",
        "touchstone-proto",
    ];
    let (ours, others): (&[&str], &[&str]) = match member {
        "touchstone-proto" => (&[], ROOMS_OF_THE_NODE),
        // EPCIS knows no ledger: what it takes, it takes from outside.
        "touchstone-epcis" => (&[], IO),
        // Pictures know no ledger either.
        "touchstone-pictures" => (&[], IO),
        "touchstone-core" => (
            &[
                "touchstone-epcis",
                "touchstone-pictures",
                "touchstone-proto",
            ],
            IO,
        ),
        "touchstone-edge" => (&[], ROOMS_OF_THE_NODE),
        // It is given sentences; of the ledger it takes how values are put into one.
        "touchstone-language" => (&["touchstone-core"], IO),
        // It asks and checks; who shows the answers is somebody else.
        "touchstone-client" => (OURS, TERMINAL),
        "touchstone-cli" => (
            &[
                "touchstone-client",
                "touchstone-core",
                "touchstone-edge",
                "touchstone-epcis",
                "touchstone-language",
                "touchstone-pictures",
                "touchstone-proto",
            ],
            ROOMS_OF_THE_NODE,
        ),
        "touchstone-node" => (
            &[
                "touchstone-core",
                "touchstone-edge",
                "touchstone-epcis",
                "touchstone-language",
                "touchstone-pictures",
                "touchstone-proto",
            ],
            &[],
        ),
        // Tests may look at everything.
        "touchstone-tests" => return None,
        _ => (OURS, ROOMS_OF_THE_NODE),
    };
    Some(Banned { ours, others })
}

struct Banned {
    /// Members that may be named.
    ours: &'static [&'static str],
    /// Parts of others' names that may not.
    others: &'static [&'static str],
}

fn forbidden_dependency(member: &str, dependency: &str) -> bool {
    let Some(Banned { ours, others }) = banned(member) else {
        return false;
    };
    if dependency.starts_with("touchstone-") {
        return !ours.contains(&dependency);
    }
    let parts: Vec<&str> = dependency.split(['-', '_']).collect();
    others.iter().any(|other| {
        parts[0] == *other || (*other == "malachite" && dependency.contains("malachite"))
    })
}

/// What cargo says of the workspace, as it is locked.
pub fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--locked"])
        .current_dir(root())
        .output()
        .expect("cargo, which runs this test, runs again");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo {arguments:?} ('cargo fetch --locked' brings what is missing): {errors}"
    );
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

#[test]
fn members_depend_on_what_they_may() {
    let metadata = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
    let packages = metadata["packages"]
        .as_array()
        .expect("packages are a list");
    assert!(packages.len() >= 6, "all members are listed");
    let mut violations = Vec::new();
    for package in packages {
        let member = package["name"].as_str().expect("a package has a name");
        for dependency in package["dependencies"]
            .as_array()
            .expect("dependencies are a list")
        {
            let name = dependency["name"]
                .as_str()
                .expect("a dependency has a name");
            if dependency["kind"].is_null() && forbidden_dependency(member, name) {
                violations.push(format!("{member} may not depend on {name}"));
            }
        }
    }
    assert_none(violations);
}

/// Nothing beneath the ledger may bring an executor, a socket or a database either.
#[test]
fn the_ledger_stands_on_no_runtime() {
    let tree = cargo(&[
        "tree",
        "--package",
        "touchstone-core",
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    assert!(
        tree.contains("touchstone-proto"),
        "the tree is listed: {tree}"
    );
    let runtime = [
        "tokio",
        "mio",
        "async-io",
        "libp2p",
        "rocksdb",
        "librocksdb-sys",
        "tonic",
    ];
    let names = tree.lines().filter_map(|line| line.split(' ').next());
    let found = names.filter(|name| runtime.contains(name) || name.contains("malachite"));
    assert_none(
        found
            .map(|name| format!("touchstone-core stands on {name}"))
            .collect(),
    );
}

#[test]
fn the_rules_of_dependency_bite() {
    for (member, dependency, forbidden) in [
        ("touchstone-proto", "touchstone-core", true),
        ("touchstone-proto", "tonic", false),
        ("touchstone-epcis", "touchstone-core", true),
        ("touchstone-epcis", "touchstone-proto", true),
        ("touchstone-epcis", "tokio", true),
        ("touchstone-epcis", "sha2", false),
        ("touchstone-pictures", "touchstone-core", true),
        ("touchstone-pictures", "touchstone-proto", true),
        ("touchstone-pictures", "tokio", true),
        ("touchstone-pictures", "image", false),
        ("touchstone-core", "touchstone-pictures", false),
        ("touchstone-core", "touchstone-proto", false),
        ("touchstone-core", "touchstone-epcis", false),
        ("touchstone-core", "touchstone-node", true),
        ("touchstone-core", "tokio", true),
        ("touchstone-core", "rand", true),
        ("touchstone-core", "rand_core", true),
        ("touchstone-core", "getrandom", true),
        ("touchstone-core", "libp2p-identity", true),
        ("touchstone-core", "arc-malachitebft-core-types", true),
        ("touchstone-core", "sha2", false),
        ("touchstone-cli", "touchstone-node", true),
        ("touchstone-cli", "tokio", false),
        ("touchstone-cli", "rocksdb", true),
        ("touchstone-node", "rocksdb", false),
        ("touchstone-node", "touchstone-cli", true),
        ("touchstone-new", "touchstone-node", true),
        ("touchstone-tests", "touchstone-node", false),
    ] {
        assert_eq!(
            forbidden_dependency(member, dependency),
            forbidden,
            "{member}: {dependency}"
        );
    }
}
