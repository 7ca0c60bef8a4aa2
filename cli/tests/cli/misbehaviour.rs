//! Double signers: nobody is accused without a proof, and who signed twice is voted out.

use touchstone_core::commit_certificate::vote_bytes;
use touchstone_core::hash::Hash;
use touchstone_core::signing::{self, Purpose};
use touchstone_proto::ledger::VoteKind;
use touchstone_proto::node::Misbehaviour;

use crate::consortium::public;
use crate::fake::{Served, key};
use crate::items::{ITEM, seen};

/// Evidence that the validator with the key of a seed signed two precommits of a height.
fn two_votes(chain: &Hash, seed: u8, height: u64) -> Misbehaviour {
    let [first, second] = [1, 2].map(|block| {
        let vote = vote_bytes(VoteKind::Precommit, height, 0, Some(&[block; 32]));
        let signature = signing::sign(&key(seed), Purpose::Vote, chain, &vote).to_vec();
        (vote, signature)
    });
    Misbehaviour {
        validator: key(seed).verifying_key().to_bytes().to_vec(),
        height,
        first: first.0,
        first_signature: first.1,
        second: second.0,
        second_signature: second.1,
        kind: "vote".into(),
    }
}

/// Who signed twice is voted out by one command of each member, without a key to be typed; where several did, and where
/// it is out already, the error names the keys.
#[tokio::test]
async fn a_double_signer_is_voted_out_with_one_command() {
    let node = Served::start().await;
    let chain = node.world().genesis.chain_id;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    // At a height at which it was a validator, also once it is none.
    node.world().evidence = vec![two_votes(&chain, 104, 1)];
    let remove = ["misbehaviour", "remove"];
    for organisation in ["acme", "bravo", "carol"] {
        assert!(node.run(&["validators"]).await.out.contains(&public(104)));
        let ran = node.run_as(organisation, &remove).await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    node.world().voters = vec![101, 102, 103];
    node.world().record("acme", &[seen(&[ITEM], "inspecting")]);
    let left = node.run(&["validators"]).await;
    assert!(!left.out.contains(&public(104)), "{left:?}");
    assert!(left.out.contains(&public(103)), "{left:?}");
    let again = node.run_as("delta", &remove).await;
    assert_eq!(again.code, 2, "{again:?}");
    let told = format!("{} is not a validator", public(104));
    assert!(again.err.contains(&told), "{again:?}");
    node.world().evidence.push(two_votes(&chain, 103, 1));
    let which = node.run_as("acme", &remove).await;
    assert_eq!(which.code, 1, "{which:?}");
    for convicted in [103, 104] {
        assert!(which.err.contains(&public(convicted)), "{which:?}");
    }
}

#[tokio::test]
async fn evidence_is_checked_before_anyone_is_accused() {
    let node = Served::start().await;
    let none = node.run(&["misbehaviour"]).await;
    assert_eq!(
        none.out,
        "The node says that it knows of no misbehaviour (its own word).\n"
    );
    let chain = node.world().genesis.chain_id;
    let vote = |block: u8| vote_bytes(VoteKind::Precommit, 7, 0, Some(&[block; 32]));
    let sign = |seed: u8, message: &[u8]| {
        signing::sign(&key(seed), Purpose::Vote, &chain, message).to_vec()
    };
    let evidence = two_votes(&chain, 104, 7);
    node.world().evidence = vec![evidence.clone()];
    let proven = node.run(&["misbehaviour"]).await;
    assert_eq!(proven.code, 0, "{proven:?}");
    assert!(
        proven.out.contains("of delta signed two votes at height 7"),
        "{proven:?}"
    );
    let remove = ["misbehaviour", "remove"];
    let removes = node.run_as("acme", &remove).await;
    assert_eq!(removes.code, 0, "{removes:?}");
    assert!(removes.err.contains("PROVEN: validator "), "{removes:?}");
    let waiting = node.run(&["proposals"]).await;
    let told = format!("remove validator {}", public(104));
    assert!(waiting.out.contains(&told), "{waiting:?}");
    let acme = public(101);
    let other = [&remove[..], &["--public-key", &acme]].concat();
    let innocent = node.run_as("acme", &other).await;
    assert_eq!(innocent.code, 4, "{innocent:?}");
    let told = format!("no evidence against validator {}", public(101));
    assert!(innocent.err.contains(&told), "{innocent:?}");
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
        let height = node.world().height();
        let ran = node.run_as("bravo", &remove).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        assert_eq!(node.world().height(), height, "{what}: nothing is sent");
    }
}
