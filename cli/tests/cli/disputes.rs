//! A dispute about a listing, from the notice to the ruling, and what certificates tell of it.

use crate::fake::{Ran, Served, key};

pub fn shows(ran: &Ran, code: u8, parts: &[&str]) {
    assert_eq!(ran.code, code, "{ran:?}");
    for part in parts {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
}

pub async fn done(node: &Served, who: &str, words: &[&str]) -> String {
    let ran = node.run_as(who, &[words, &["--json"]].concat()).await;
    assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
    ran.json()[0]["transaction"].as_str().unwrap().to_owned()
}

/// The market, a platform that runs no node.
pub async fn enroll_market(node: &Served) {
    let pem = touchstone_cli::keyfile::to_pem(&key(7), None).unwrap();
    touchstone_cli::keyfile::write_secret(&node.path("market.pem"), pem.as_bytes(), true).unwrap();
    let public = hex::encode(key(7).verifying_key().to_bytes());
    let network = hex::encode(key(57).verifying_key().to_bytes());
    let file = node.path("market.json").display().to_string();
    let contribute = [
        "genesis",
        "contribute",
        "--id",
        "market",
        "--name",
        "The Market",
        "--role",
        "platform",
    ];
    let keys = ["--key", &public, "--node-network-key", &network];
    let more = ["--node-address", "/ip4/127.0.0.1/tcp/26607", "--out", &file];
    let ran = crate::fake::touchstone(&[&contribute[..], &keys, &more].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for member in ["acme", "bravo", "delta"] {
        assert_eq!(node.run_as(member, &["enroll", &file]).await.code, 0);
    }
}

#[tokio::test]
async fn a_dispute_from_notice_to_ruling() {
    let node = Served::start().await;
    enroll_market(&node).await;
    let file = node.write("chair.txt", "a chair");
    let folder = node.folder.path().display().to_string();
    let deposit = ["deposit", &file, "--receipts", &folder, "--json"];
    let design = node.run_as("carol", &deposit).await.json()[0]["design_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let notice = [
        "dispute",
        "notice",
        &design,
        "--platform",
        "market",
        "--respondent",
        "acme",
    ];
    let listing = ["--listing", "https://market.example/7", "--evidence", &file];
    let id = done(&node, "carol", &[&notice[..], &listing].concat()).await;
    shows(
        &node.run(&["dispute", "show", &id]).await,
        0,
        &["open (noticed)", "https://market.example/7"],
    );
    let early = node
        .run_as(
            "acme",
            &["dispute", "counter", &id, "--declaration", &file, "--json"],
        )
        .await;
    assert_eq!((early.code, &early.json()[0]["code"]), (2, &471.into()));
    let answer = [
        "dispute",
        "answer",
        &id,
        "--measure",
        "removed",
        "--reason",
        "the pictures agree",
    ];
    done(&node, "market", &answer).await;
    done(
        &node,
        "acme",
        &["dispute", "counter", &id, "--declaration", &file],
    )
    .await;
    let filing = [
        "dispute",
        "file",
        &id,
        "--authority",
        "delta",
        "--reference",
        "(2026) 7",
    ];
    done(&node, "carol", &filing).await;
    let rule = [
        "dispute",
        "rule",
        &id,
        "--ruling",
        "upheld",
        "--reasons",
        &file,
        "--rule-book",
        &file,
    ];
    done(&node, "delta", &rule).await;
    shows(
        &node.run(&["dispute", "show", &id]).await,
        0,
        &["removed (the pictures agree)", "(2026) 7", "ended: upheld"],
    );
    let json = node.run(&["dispute", "show", &id, "--json"]).await.json();
    assert_eq!(
        (&json[0]["outcome"], &json[0]["by_default"]),
        (&"upheld".into(), &false.into())
    );
    let certificate = node.run(&["certificate", &design]).await;
    shows(
        &certificate,
        0,
        &["Disputes", "notices 1, open 0; upheld 1"],
    );
    let party = node
        .run(&["dispute", "party", "acme", "--json"])
        .await
        .json();
    assert_eq!(party[0]["upheld"], 1);
}
