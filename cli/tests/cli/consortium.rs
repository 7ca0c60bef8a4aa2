//! Enrolling organisations, changing validators and keys.

use touchstone_core::certificate::vote_bytes;
use touchstone_core::signing::{self, Purpose};
use touchstone_proto::ledger::VoteKind;
use touchstone_proto::node::{
    BlockReply, ListOrganisationsReply, Misbehaviour, NodeStatus, ValidatorsReply,
};

use crate::fake::{Served, key};
use crate::items::{ITEM, seen};

fn public(seed: u8) -> String {
    hex::encode(key(seed).verifying_key().to_bytes())
}

async fn contribution(node: &Served) -> String {
    let file = node.path("echo.json").display().to_string();
    let ran = crate::fake::touchstone(&[
        "genesis",
        "contribute",
        "--id",
        "echo",
        "--name",
        "Echo Customs",
        "--role",
        "customs",
        "--key",
        &public(5),
        "--node-network-key",
        &public(55),
        "--node-address",
        "/ip4/127.0.0.1/tcp/26605",
        "--out",
        &file,
    ])
    .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    file
}

#[tokio::test]
async fn an_organisation_is_enrolled_by_more_than_two_thirds() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let file = contribution(&node).await;
    let first = node.run_as("acme", &["enroll", &file]).await;
    assert_eq!(first.code, 0, "{first:?}");
    assert!(
        first.out.contains("1 of 4 voting power, by acme\n"),
        "{}",
        first.out
    );
    assert!(
        first
            .out
            .contains("2 more voting power, of bravo, carol, delta"),
        "{}",
        first.out
    );
    let absent = node.run(&["organisations", "echo"]).await;
    assert_eq!(absent.code, 4, "{absent:?}");
    let again = node.run_as("acme", &["enroll", &file, "--json"]).await;
    assert_eq!(again.json()[0]["rule"], "approve-once");
    assert_eq!(node.run_as("bravo", &["enroll", &file]).await.code, 0);
    let last = node.run_as("carol", &["enroll", &file]).await;
    assert!(
        last.out
            .contains("3 of 4 voting power, by acme, bravo, carol\n"),
        "{}",
        last.out
    );
    assert!(last.out.contains("In force"), "{}", last.out);
    let shown = node.run(&["organisations", "echo"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown.out.starts_with("Echo Customs (echo): customs\n"),
        "{}",
        shown.out
    );
    assert!(
        shown
            .out
            .contains(&format!("  key  {} from height 6 on\n", public(5))),
        "{}",
        shown.out
    );
    let all = node.run(&["organisations", "--json"]).await;
    assert_eq!(all.json().len(), 5);
    assert_eq!(all.err, "");
    // A list with one left out; a list whose completeness isn't proven says so.
    node.tamper(|reply: &mut ListOrganisationsReply| drop(reply.organisations.pop()));
    assert_eq!(node.run(&["organisations"]).await.code, 3);
    node.tamper(|reply: &mut ListOrganisationsReply| drop(reply.organisations.remove(0)));
    let unproven = node.run(&["organisations"]).await;
    assert_eq!(unproven.code, 0);
    assert!(unproven.err.contains("node's own word"), "{unproven:?}");
}

#[tokio::test]
async fn blocks_that_hide_approvals_are_refused() {
    let node = Served::start().await;
    let file = contribution(&node).await;
    assert_eq!(node.run_as("acme", &["enroll", &file]).await.code, 0);
    node.tamper(|reply: &mut BlockReply| reply.transactions.clear());
    let ran = node.run_as("bravo", &["enroll", &file]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
}

#[tokio::test]
async fn validators_are_added_removed_and_shown() {
    let node = Served::start().await;
    let new = public(120);
    let add = [
        "validators",
        "add",
        "--public-key",
        &new,
        "--of",
        "acme",
        "--power",
        "2",
    ];
    for organisation in ["acme", "bravo", "carol"] {
        let ran = node.run_as(organisation, &add).await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    node.world().voters = vec![101, 102, 103, 120];
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let shown = node.run(&["validators"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown
            .out
            .contains(&format!("{new} power 2 Acme Logistics (acme)\n")),
        "{}",
        shown.out
    );
    assert!(
        shown.out.contains("4 of 5 validators, 5 of 6 voting power"),
        "{}",
        shown.out
    );
    node.tamper(|reply: &mut ValidatorsReply| {
        drop(reply.validators.as_mut().unwrap().validators.pop());
    });
    assert_eq!(node.run(&["validators"]).await.code, 3);
    node.world().tamper = None;
    let remove = ["validators", "remove", "--public-key", &public(99)];
    let ran = node.run_as("acme", &remove).await;
    assert!(
        ran.out.contains("2 more") || ran.out.contains("more voting power"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn keys_are_added_and_retired() {
    let node = Served::start().await;
    let file = node.path("new.pem").display().to_string();
    let made = crate::fake::touchstone(&["key", "new", "--out", &file, "--no-passphrase"]).await;
    let new = made.out.lines().next().unwrap().to_owned();
    let ran = node
        .run_as("acme", &["keys", "add", &file, "--retire", &public(1)])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("1 added from height 2, 1 retired after 1"),
        "{}",
        ran.out
    );
    let shown = node.run(&["organisations", "acme"]).await;
    assert!(
        shown
            .out
            .contains(&format!("{} from height 1 to 1\n", public(1))),
        "{}",
        shown.out
    );
    assert!(
        shown.out.contains(&format!("{new} from height 2 on\n")),
        "{}",
        shown.out
    );
    let retired = node
        .run_as("acme", &["keys", "retire", &new, "--json"])
        .await;
    assert_eq!(retired.code, 2, "{retired:?}");
    assert_eq!(retired.json()[0]["rule"], "key-validity");
}

#[tokio::test]
async fn status_blocks_and_transactions_are_proven() {
    let node = Served::start().await;
    let empty = node.run(&["status"]).await;
    assert!(
        empty.out.contains("Height    0: no block yet\n"),
        "{empty:?}"
    );
    let id = node.world().record("acme", &[seen(&[ITEM], "storing")]);
    node.world().record("acme", &[seen(&[ITEM], "shipping")]);
    let status = node.run(&["status"]).await;
    assert!(
        status.out.contains("Height    2 (VERIFIED)\n"),
        "{status:?}"
    );
    let blocks = node.run(&["blocks"]).await;
    assert_eq!(
        (blocks.code, blocks.out.lines().count()),
        (0, 2),
        "{blocks:?}"
    );
    assert!(
        blocks.out.contains("    1 transactions  by"),
        "{}",
        blocks.out
    );
    assert_eq!(node.run(&["blocks", "--from", "3"]).await.code, 4);
    // The fake node's stream ends, which a follower is told.
    let followed = node.run(&["blocks", "--follow", "--from", "1"]).await;
    assert_eq!((followed.code, followed.out), (5, blocks.out));
    let transaction = node.run(&["transaction", &hex::encode(id)]).await;
    assert_eq!(transaction.code, 0, "{transaction:?}");
    assert!(
        transaction
            .out
            .contains("Verdict   VERIFIED: recorded at 1/0\n"),
        "{transaction:?}"
    );
    assert!(
        transaction.out.contains("Action    capture of 1 event\n"),
        "{transaction:?}"
    );
    assert_eq!(node.run(&["transaction", &"0".repeat(64)]).await.code, 4);

    node.tamper(|reply: &mut BlockReply| {
        let header = reply.header.as_mut().unwrap();
        header.certificate.as_mut().unwrap().signatures.clear();
    });
    assert_eq!(node.run(&["blocks"]).await.code, 3);
    node.tamper(|reply: &mut NodeStatus| reply.chain_id = vec![0; 32]);
    assert_eq!(node.run(&["status"]).await.code, 3);
}

#[tokio::test]
async fn evidence_is_checked_before_anyone_is_accused() {
    let node = Served::start().await;
    let none = node.run(&["misbehaviour"]).await;
    assert_eq!(none.out, "The node knows of no misbehaviour.\n");
    let chain = node.world().genesis.chain_id;
    let vote = |block: u8| vote_bytes(VoteKind::Precommit, 7, 0, Some(&[block; 32]));
    let sign = |seed: u8, message: &[u8]| {
        signing::sign(&key(seed), Purpose::Vote, &chain, message).to_vec()
    };
    let evidence = Misbehaviour {
        validator: key(104).verifying_key().to_bytes().to_vec(),
        height: 7,
        first: vote(1),
        first_signature: sign(104, &vote(1)),
        second: vote(2),
        second_signature: sign(104, &vote(2)),
        kind: "vote".into(),
    };
    node.world().evidence = vec![evidence.clone()];
    let proven = node.run(&["misbehaviour"]).await;
    assert_eq!(proven.code, 0, "{proven:?}");
    assert!(
        proven.out.contains("of delta signed two votes at height 7"),
        "{proven:?}"
    );
    type Bend<'a> = &'a dyn Fn(&mut Misbehaviour);
    let table: [(&str, Bend<'_>); 6] = [
        ("a forged signature", &|e| {
            e.second_signature = sign(101, &vote(2))
        }),
        ("one message twice", &|e| {
            e.second = e.first.clone();
            e.second_signature = e.first_signature.clone();
        }),
        ("another height", &|e| e.height = 8),
        ("a stranger", &|e| {
            e.validator = key(5).verifying_key().to_bytes().to_vec()
        }),
        ("another kind", &|e| e.kind = "proposal".into()),
        ("another round", &|e| {
            e.second = vote_bytes(VoteKind::Precommit, 7, 1, Some(&[2; 32]));
            e.second_signature = sign(104, &e.second);
        }),
    ];
    for (what, bend) in table {
        let mut bent = evidence.clone();
        bend(&mut bent);
        node.world().evidence = vec![bent];
        let ran = node.run(&["misbehaviour"]).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        assert!(!ran.out.contains("PROVEN"), "{what}: {ran:?}");
    }
}
