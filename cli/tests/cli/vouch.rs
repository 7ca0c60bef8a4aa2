//! Vouching: an IP office vouches for a designer, who deposits under its own key until that is taken back.

use touchstone_cli::keyfile;
use touchstone_core::state::keys;
use touchstone_proto::ledger::Vouching;
use touchstone_proto::node::StateReply;

use crate::fake::{GENESIS_MS, Ran, Served, key};

/// The designer whom the office knows.
pub const LIN: &str = "delta.lin";
const UNTIL: &str = "2026-12-31T00:00:00Z";

/// Lin asks, and the office vouches.
pub async fn vouch(node: &Served) {
    let pem = keyfile::to_pem(&key(9), None).unwrap();
    keyfile::write_secret(&node.path("lin.pem"), pem.as_bytes(), true).unwrap();
    let request = node.path("lin.json").display().to_string();
    let pem = node.path("lin.pem").display().to_string();
    let asked = node
        .run(&["vouch", "request", LIN, "--key", &pem, "-o", &request])
        .await;
    assert_eq!(asked.code, 0, "{asked:?}");
    let vouched = designer(node, &request).await;
    assert_eq!(vouched.code, 0, "{vouched:?}");
}

async fn designer(node: &Served, request: &str) -> Ran {
    let check = [
        "--name",
        "Lin Yue",
        "--check",
        "in-person",
        "--words",
        "passport",
        "--until",
        UNTIL,
    ];
    node.run_as(
        "delta",
        &[&["vouch", "designer", request][..], &check].concat(),
    )
    .await
}

async fn deposit(node: &Served, file: &str) -> Ran {
    let (pem, folder) = (
        node.path("lin.pem"),
        node.folder.path().display().to_string(),
    );
    let pem = pem.display().to_string();
    let signing = [
        "--organisation",
        LIN,
        "--key",
        &pem,
        "--receipts",
        &folder,
        "--json",
    ];
    node.run(&[&["deposit", file][..], &signing].concat()).await
}

#[tokio::test]
async fn a_vouched_designer_deposits_and_its_certificate_says_who_vouched() {
    let node = Served::start().await;
    vouch(&node).await;
    let file = node.write("chair.txt", "a chair");
    let deposited = deposit(&node, &file).await;
    assert_eq!(deposited.code, 0, "{deposited:?}");
    let id = deposited.json()[0]["design_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let certificate = node.run(&["certificate", &id]).await;
    let words = "Delta IP Office (delta) vouches that it has checked who Lin Yue is";
    for part in [
        words,
        "shown in person (passport)",
        UNTIL.split('T').next().unwrap(),
    ] {
        assert!(
            certificate.out.contains(part),
            "{part:?} is not in\n{}",
            certificate.out
        );
    }
    assert_eq!(certificate.code, 0);
    let withdraw = ["vouch", "withdraw", LIN, "--reason", "false passport"];
    assert_eq!(node.run_as("delta", &withdraw).await.code, 0);
    let refused = deposit(&node, &node.write("table.txt", "a table")).await;
    assert_eq!(
        (refused.code, refused.json()[0]["code"].as_u64()),
        (2, Some(437))
    );
    let later = node.run(&["certificate", &id, "--json"]).await;
    let vouching = &later.json()[0]["vouching"];
    assert_eq!(vouching["withdrawn_reason"], "false passport");
    let shown = node.run(&["vouch", "show", LIN]).await;
    assert!(shown.out.contains("withdrawn"), "{shown:?}");
    // By its id, without a request: its key stays its own.
    assert_eq!(designer(&node, LIN).await.code, 0);
    assert_eq!(deposit(&node, &file).await.code, 0);
}

#[tokio::test]
async fn bent_requests_are_refused_before_anything_is_sent() {
    let node = Served::start().await;
    vouch(&node).await;
    let good = std::fs::read_to_string(node.path("lin.json")).unwrap();
    let other = hex::encode(key(8).verifying_key().to_bytes());
    let own = hex::encode(key(9).verifying_key().to_bytes());
    for (from, to, why) in [
        ("delta.lin", "delta.lim", "didn't sign"),
        (own.as_str(), other.as_str(), "didn't sign"),
        ("vouching-request/v1", "vouching-request/v2", "format"),
        ("possession", "posession", "no vouching request"),
    ] {
        let bent = node.write("bent.json", &good.replace(from, to));
        let ran = designer(&node, &bent).await;
        assert!(ran.code == 1 && ran.err.contains(why), "{ran:?}");
    }
    let taken = node.run(&["vouch", "request", "lin", "-o", "x.json"]).await;
    assert!(
        taken.code == 1 && taken.err.contains("voucher's id, a dot"),
        "{taken:?}"
    );
}

#[tokio::test]
async fn who_hides_or_bends_a_vouching_is_found_out() {
    let node = Served::start().await;
    vouch(&node).await;
    let deposited = deposit(&node, &node.write("chair.txt", "a chair")).await;
    let id = deposited.json()[0]["design_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let vouching = keys::vouching(LIN, 0);
    let hide = vouching.clone();
    node.tamper(move |reply: &mut StateReply| {
        if reply.key == hide {
            reply.value = None;
        }
    });
    assert_eq!(node.run(&["certificate", &id]).await.code, 3);
    node.tamper(move |reply: &mut StateReply| {
        if reply.key == vouching {
            let value = reply.value.as_mut().unwrap();
            let mut bent: Vouching = touchstone_core::encoding::decode_exact(value).unwrap();
            bent.until_ms = GENESIS_MS * 2;
            *value = prost::Message::encode_to_vec(&bent);
        }
    });
    for words in [&["certificate", &id][..], &["vouch", "show", LIN]] {
        assert_eq!(node.run(words).await.code, 3, "{words:?}");
    }
}
