//! What people record, others prove to somebody who has nothing but a file and the genesis document.

use std::path::{Path, PathBuf};

use touchstone_core::hash::sha256;
use touchstone_tests::cli_user::{CliUser, judge};
use touchstone_tests::cluster::{Cluster, Plan, organisation_id};

const UNIT: &str = "https://id.gs1.org/01/09521001000017/21/L-0002";
const NEVER_MADE: &str = "https://id.gs1.org/01/09521001000017/21/L-9999";

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("data")
        .join(name)
}

/// Captures the import story, each document by the organisation that submits it.
fn import(people: &[CliUser]) {
    let names = ["platform", "logistics-a", "logistics-b", "ip-office"];
    let mut offer = String::new();
    let submitters = std::fs::read_to_string(data("import-story/submitters.txt")).unwrap();
    for line in submitters.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let (who, file) = (words[0], words[1]);
        let at = |name: &str| names.iter().position(|known| *known == name).unwrap();
        let who = at(who);
        let bytes = std::fs::read(data("import-story").join(file)).unwrap();
        people[who].write(file, bytes);
        match words[2..] {
            ["offer", to] => {
                let to = organisation_id(at(to));
                let offered = ["handover", "offer", file, "--to", &to, "--json"];
                let offered = people[who].run(&offered).expect(0).json();
                offered["offer"].as_str().unwrap().clone_into(&mut offer);
            }
            ["accept"] => {
                let accept = ["handover", "accept", &offer, file];
                people[who].run(&accept).expect(0);
            }
            _ => {
                people[who].run(&["capture", file]).expect(0);
            }
        }
    }
}

/// The same file with one bit changed where these bytes first stand, and with a new checksum, as
/// whoever forges it would make one.
fn forged(bytes: &[u8], what: &[u8]) -> Vec<u8> {
    let mut content = bytes[..bytes.len() - 32].to_vec();
    let mut windows = content.windows(what.len());
    let at = windows.position(|window| window == what).unwrap();
    content[at] ^= 1;
    let sum = sha256(&content);
    [content, sum.to_vec()].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_and_a_design_are_proven_by_files_alone() {
    let cluster = Cluster::start(&Plan::default());
    for index in 0..4 {
        cluster.wait_for_height(index, 1).await;
    }
    let people: Vec<CliUser> = (0..4).map(|index| CliUser::of(&cluster, index)).collect();
    import(&people);
    let owner = &people[0];
    let photo = owner.write(
        "design.jpg",
        std::fs::read(data("images/square-256x256.jpg")).unwrap(),
    );
    let deposit = ["deposit", "design.jpg", "--title", "Bridge", "--json"];
    let deposit = owner.run(&deposit).expect(0).json();
    let id = deposit["design_id"].as_str().unwrap();
    let receipt = deposit["receipt"].as_str().unwrap();

    // Somebody else asks, at another node, and hands the files over.
    let asker = &people[2];
    let unit = asker.evidence(UNIT, "unit.evidence", &[]);
    let never = asker.evidence(NEVER_MADE, "never.evidence", &[]);
    let no_design = asker.evidence(&"7f".repeat(32), "no-design.evidence", &[]);
    let design = owner.evidence(id, "design.evidence", &["--receipt", receipt]);
    let closed = asker.evidence(id, "closed.evidence", &[]);
    let online = asker.run(&["item", UNIT, "--json"]).expect(0).json();
    let genesis = cluster.genesis_file();
    let trusted = Some(genesis.as_path());

    // The unit: what the file tells is what the ledger told, event for event.
    let unit_judged = judge(&unit, trusted, &[]);
    let history = &unit_judged.report["facts"]["history"];
    assert_eq!(history["own_events"], 6);
    let places = |events: &serde_json::Value| -> Vec<String> {
        let place =
            |e: &serde_json::Value| format!("{}/{}/{}", e["height"], e["transaction"], e["event"]);
        events.as_array().unwrap().iter().map(place).collect()
    };
    assert_eq!(places(&history["events"]), places(&online["steps"]));
    assert_eq!(places(&history["events"]).len(), 22);
    // All who keep this ledger had a hand in the import, which a reader must weigh.
    assert_eq!(unit_judged.code, 6);
    assert_eq!(unit_judged.with_result("reservation"), ["independence"]);
    assert_eq!(unit_judged.result("completeness"), "passed");

    // The design: complete, opened, and byte for byte the file at hand.
    let judged = judge(&design, trusted, &[&photo]);
    assert_eq!(judged.code, 0);
    assert_eq!(judged.result("opening"), "passed");
    assert_eq!(judged.report["exhibits"]["verdict"], "recorded");
    assert_eq!(judged.report["facts"]["deposit"]["title"], "Bridge");
    let judged = judge(&closed, trusted, &[]);
    assert_eq!((judged.code, judged.result("opening")), (0, "not-given"));
    let another = owner.write("another.jpg", b"another picture");
    let judged = judge(&design, trusted, &[&another]);
    // Another file says nothing about the record, which holds.
    assert_eq!(judged.code, 7);
    assert_eq!(judged.report["verdict"], "verified");
    assert_eq!(judged.report["exhibits"]["verdict"], "not-recorded");

    // What was never recorded is proven absent.
    let judged = judge(&never, trusted, &[]);
    assert_eq!(judged.code, 0);
    assert_eq!(judged.report["facts"]["history"]["own_events"], 0);
    assert_eq!(
        places(&judged.report["facts"]["history"]["events"]).len(),
        0
    );
    let judged = judge(&no_design, trusted, &[]);
    assert_eq!(judged.code, 0);
    assert_eq!(judged.report["facts"]["deposit"]["recorded"], false);

    // Without a genesis document from elsewhere, the reader must compare the chain id.
    let judged = judge(&never, None, &[]);
    assert_eq!((judged.code, judged.result("genesis")), (6, "reservation"));

    // One byte is changed: the element that it belongs to refuses.
    let tampered = asker.path("tampered.evidence");
    let refused_by = |bytes: Vec<u8>, element: &str| {
        std::fs::write(&tampered, bytes).unwrap();
        let judged = judge(&tampered, trusted, &[]);
        assert_eq!(judged.code, 3, "{element}");
        assert_eq!(judged.report["verdict"], "not-verified");
        assert_eq!(judged.with_result("failed"), [element]);
    };
    let salt = std::fs::read(owner.path(receipt)).unwrap();
    let salt: serde_json::Value = serde_json::from_slice(&salt).unwrap();
    let salt = hex::decode(salt["salt"].as_str().unwrap()).unwrap();
    let (unit, design) = (
        std::fs::read(&unit).unwrap(),
        std::fs::read(&design).unwrap(),
    );
    for at in [0, unit.len() / 2, unit.len() - 1] {
        let mut bytes = unit.clone();
        bytes[at] ^= 1;
        refused_by(bytes, "file");
    }
    refused_by(forged(&unit, b"\"chain\": \"test\""), "genesis");
    refused_by(forged(&unit, b"organisation/organisation-1"), "state");
    refused_by(forged(&unit, b"\"commissioning\""), "transactions");
    refused_by(forged(&design, b"organisation/organisation-0"), "state");
    refused_by(forged(&design, &salt), "opening");
}
