//! What held at a past height: a block's id, a key's validity, and a deposit by its commitment.

use touchstone_proto::node::{BlockReply, CertifiedHeader, StateReply};

use crate::fake::{Served, key};
use crate::items::{ITEM, seen};

async fn grown(blocks: usize) -> Served {
    let node = Served::start().await;
    for n in 0..blocks {
        let step = format!("https://example.org/step/{n}");
        node.world().record("acme", &[seen(&[ITEM], &step)]);
    }
    node
}

#[tokio::test]
async fn a_past_block_is_named_by_the_last_ones_state() {
    let node = grown(5).await;
    let id = hex::encode(node.world().blocks[1].0.id());
    let parent = hex::encode(node.world().blocks[0].0.id());
    let ran = node.run(&["block", "2"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        &format!("Block     2 {id}\n"),
        "Verdict   VERIFIED: signed by its validators, and named by the state of block 5\n",
        "Time      2026-01-01 00:00:02.000 UTC\n",
        &format!("Parent    {parent}\n"),
        "Content   1 transaction, root ",
        "As of     block 5, ",
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    let json = &node.run(&["block", "2", "--json"]).await.json()[0];
    assert_eq!(json["verified"], true);
    assert_eq!(json["block_id"], id.as_str());
    assert_eq!(
        (&json["height"], &json["named_by"]["height"]),
        (&2.into(), &5.into())
    );

    let last = node.run(&["block", "5"]).await;
    assert_eq!(last.code, 0, "{last:?}");
    assert!(
        last.out
            .contains("the last block, which no later one names yet"),
        "{last:?}"
    );
    for (height, message) in [
        ("6", "no block at height 6 yet; the last is 5"),
        ("0", "the first block has height 1"),
    ] {
        let ran = node.run(&["block", height]).await;
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.err.contains(message), "{ran:?}");
    }
}

fn proof(reply: &mut BlockReply) -> &mut StateReply {
    reply.proof.as_mut().unwrap()
}

type Bend = fn(&mut BlockReply);

#[tokio::test]
async fn a_bent_past_block_is_refused() {
    let node = grown(5).await;
    let table: &[(&str, &str, Bend)] = &[
        ("no header", "certified-header", |r| r.header = None),
        ("no proof", "missing", |r| r.proof = None),
        ("another id", "state-proof", |r| {
            proof(r).value.as_mut().unwrap()[0] ^= 1
        }),
        ("absence", "state-proof", |r| proof(r).value = None),
        ("another key", "state-proof", |r| proof(r).key[8] ^= 1),
        ("a sibling", "state-proof", |r| {
            proof(r).proof.as_mut().unwrap().siblings[0][0] ^= 1;
        }),
        ("a later header's vote", "certified-header", |r| {
            let header = proof(r).header.as_mut().unwrap();
            header.certificate.as_mut().unwrap().signatures.pop();
        }),
        ("another block", "contradiction", |r| {
            // The proof's own header is a true one, of another height.
            r.header = proof(r).header.clone();
        }),
    ];
    for (what, check, bend) in table {
        node.tamper(*bend);
        let ran = node.run(&["block", "2", "--json"]).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        assert_eq!(ran.json()[0]["check"], *check, "{what}: {ran:?}");
    }
    node.tamper(|_: &mut BlockReply| {});
    node.world().denied = Some(2);
    let ran = node.run(&["block", "2", "--json"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(ran.json()[0]["check"], "contradiction");
}

/// Whoever holds the keys of past validators can sign another past, but today's state doesn't name it.
#[tokio::test]
async fn another_past_that_its_validators_signed_is_refused() {
    let node = grown(5).await;
    let forged = {
        let world = node.world();
        let mut header = world.blocks[1].0.header.clone();
        header.time_ms += 1;
        CertifiedHeader {
            header: header.encode(),
            certificate: Some(world.certify(2, &header.id())),
        }
    };
    node.tamper(move |reply: &mut BlockReply| reply.header = Some(forged.clone()));
    // Their signatures hold.
    let blocks = node.run(&["blocks", "--from", "2", "--count", "1"]).await;
    assert_eq!(blocks.code, 0, "{blocks:?}");
    let none = node.run(&["blocks", "--from", "2", "--count", "0"]).await;
    assert!(none.code == 1 && none.out.is_empty(), "{none:?}");
    let ran = node.run(&["block", "2"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.err.contains("names another block at this height"),
        "{ran:?}"
    );
}

/// What was proven once is remembered: a node can't turn the clock back.
#[tokio::test]
async fn a_node_behind_what_was_proven_before_is_refused() {
    let node = grown(3).await;
    let old = node.world().clone();
    let first = node.run(&["item", ITEM]).await;
    assert_eq!((first.code, first.err.as_str()), (0, ""));
    node.world().record("acme", &[seen(&[ITEM], "shipping")]);
    assert_eq!(node.run(&["block", "4"]).await.err, "");
    *node.world() = old;
    let behind = node.run(&["item", ITEM, "--timeout", "1"]).await;
    assert_eq!((behind.code, behind.out.as_str()), (5, ""), "{behind:?}");
    let told = "the node answers as of block 3, but block 4 was proven before";
    assert!(behind.err.contains(told), "{behind:?}");
    // A memory that was damaged is none.
    let cache = std::fs::read_dir(node.path("cache")).unwrap();
    for file in cache {
        std::fs::write(file.unwrap().path(), "damaged").unwrap();
    }
    let forgotten = node.run(&["item", ITEM]).await;
    assert_eq!((forgotten.code, forgotten.err.as_str()), (0, ""));
}

#[tokio::test]
async fn two_blocks_at_one_height_are_refused() {
    let node = grown(5).await;
    assert_eq!(node.run(&["block", "5"]).await.code, 0);
    let forged = {
        let world = node.world();
        let mut header = world.blocks[4].0.header.clone();
        header.time_ms += 1;
        CertifiedHeader {
            header: header.encode(),
            certificate: Some(world.certify(5, &header.id())),
        }
    };
    node.tamper(move |reply: &mut BlockReply| reply.header = Some(forged.clone()));
    let ran = node.run(&["blocks", "--from", "5", "--count", "1"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.err
            .contains("its validators decided two blocks at height 5"),
        "{ran:?}"
    );
}

fn public(seed: u8) -> String {
    hex::encode(key(seed).verifying_key().to_bytes())
}

#[tokio::test]
async fn a_keys_validity_is_told_for_every_height() {
    let node = grown(1).await;
    let file = node.path("new.pem").display().to_string();
    let made = crate::fake::touchstone(&["key", "new", "--out", &file, "--no-passphrase"]).await;
    let new = made.out.lines().next().unwrap().to_owned();
    let old = public(1);
    // Block 2: the old key goes, the new one comes.
    let rotate = ["keys", "add", &file, "--retire", &old];
    assert_eq!(node.run_as("acme", &rotate).await.code, 0);
    for _ in 0..2 {
        let other = "https://id.gs1.org/01/09521234500018/21/B1";
        node.world().record("bravo", &[seen(&[other], "storing")]);
    }
    let check = |key: &str, at: u64| {
        let words = [
            "keys",
            "check",
            key,
            "--of",
            "acme",
            "--at",
            &at.to_string(),
        ];
        words.map(str::to_owned)
    };
    for (key, at, valid) in [
        (&old, 1, true),
        (&old, 2, true),
        (&old, 3, false),
        (&old, 4, false),
        (&new, 2, false),
        (&new, 3, true),
    ] {
        let words = check(key, at);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ran = node.run(&words).await;
        if valid {
            assert_eq!(ran.code, 0, "{at}: {ran:?}");
            let verdict =
                format!("Verdict   VERIFIED: valid for Acme Logistics (acme) at height {at}\n");
            assert!(ran.out.contains(&verdict), "{ran:?}");
            assert!(ran.out.contains("As of     block 4, "), "{ran:?}");
        } else {
            assert_eq!(ran.code, 4, "{at}: {ran:?}");
            assert!(
                ran.err.contains(&format!("not valid at height {at}")),
                "{ran:?}"
            );
            assert!(ran.err.contains("proven at height 4"), "{ran:?}");
            assert_eq!(ran.out, "");
        }
        let json = &node.run(&[&words[..], &["--json"]].concat()).await.json()[0];
        assert_eq!(json["verified"], true, "{json}");
        let word = if valid {
            &json["valid"]
        } else {
            &json["error"]
        };
        let expected: serde_json::Value = if valid {
            true.into()
        } else {
            "not-valid".into()
        };
        assert_eq!(*word, expected, "{json}");
    }
    let gone = node.run(&["keys", "check", &old, "--of", "acme"]).await;
    assert!(
        gone.err.contains("it is valid from height 1 to 2"),
        "{gone:?}"
    );
    for (key, of, at, message) in [
        (
            &old,
            "bravo",
            "1",
            "was never a key of bravo, proven absent at height 4",
        ),
        (
            &old,
            "nobody",
            "1",
            "is not enrolled, proven absent at height 4",
        ),
        (&new, "acme", "5", "no block at height 5 yet; the last is 4"),
    ] {
        let ran = node
            .run(&["keys", "check", key, "--of", of, "--at", at])
            .await;
        assert_eq!(ran.code, 4, "{ran:?}");
        assert!(ran.err.contains(message), "{ran:?}");
    }
    node.tamper(|reply: &mut StateReply| {
        let value = reply.value.as_mut().unwrap();
        let last = value.len() - 1;
        value[last] ^= 1;
    });
    let ran = node.run(&["keys", "check", &new, "--of", "acme"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
}

#[tokio::test]
async fn a_key_reported_compromised_leaves_something_to_weigh() {
    let node = grown(3).await;
    let file = node.path("new.pem").display().to_string();
    let made = crate::fake::touchstone(&["key", "new", "--out", &file, "--no-passphrase"]).await;
    assert_eq!(made.code, 0);
    let old = public(1);
    assert_eq!(node.run_as("acme", &["keys", "add", &file]).await.code, 0);
    let report = [
        "keys",
        "compromise",
        &old,
        "--since",
        "2026-01-01T00:00:02Z",
    ];
    let signing = ["--organisation", "acme", "--key", &file];
    let ran = node.run(&[&report[..], &signing].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let check = ["keys", "check", &old, "--of", "acme", "--at"];
    let before = node.run(&[&check[..], &["1"]].concat()).await;
    assert_eq!(before.code, 0, "{before:?}");
    let since = "Reported  that others may have used it since 2026-01-01 00:00:02.000 UTC; CONTESTED: by a key";
    assert!(before.out.contains(since), "{before:?}");
    let after = node.run(&[&check[..], &["2"]].concat()).await;
    assert_eq!(after.code, 6, "{after:?}");
    assert!(after.out.contains("VERIFIED: valid"), "{after:?}");
    let weigh = "that block is of 2026-01-01 00:00:02.000 UTC";
    assert!(after.err.contains(weigh), "{after:?}");
    let json = &node
        .run(&[&check[..], &["2", "--json"]].concat())
        .await
        .json()[0];
    assert_eq!(json["doubtful"], true);
    assert_eq!(
        (&json["contested"], &json["settled"]),
        (&true.into(), &false.into())
    );
    let shown = node.run(&["organisations", "acme"]).await;
    let reported = "reported compromised since 2026-01-01 00:00:02.000 UTC";
    assert!(shown.out.contains(reported), "{shown:?}");
    // The consortium settles it: that key was stolen a second later.
    let verdict = format!("--compromised={old}=2026-01-01T00:00:03Z");
    for organisation in ["bravo", "carol", "delta"] {
        let ran = node
            .run_as(organisation, &["recover", "acme", &verdict])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let settled = node.run(&[&check[..], &["2"]].concat()).await;
    assert_eq!(settled.code, 0, "{settled:?}");
    let told =
        "that others have used it since 2026-01-01 00:00:03.000 UTC; settled by the consortium\n";
    assert!(settled.out.contains(told), "{settled:?}");
    let after = node.run(&[&check[..], &["3"]].concat()).await;
    assert!(after.err.contains("the consortium decided"), "{after:?}");
}

#[tokio::test]
async fn a_deposit_is_found_by_its_commitment_and_key() {
    let node = Served::start().await;
    let file = node.write("front.png", "a chair from the front");
    let folder = node.folder.path().display().to_string();
    let deposit = [
        "deposit",
        &file,
        "--title",
        "Chair",
        "--receipts",
        &folder,
        "--json",
    ];
    let ran = node.run_as("carol", &deposit).await;
    let id = ran.json()[0]["design_id"].as_str().unwrap().to_owned();
    let by_id = &node.run(&["certificate", &id, "--json"]).await.json()[0];
    let commitment = by_id["commitment"].as_str().unwrap();
    let owner = by_id["owner_key"].as_str().unwrap();
    let question = [
        "certificate",
        "--commitment",
        commitment,
        "--owner-key",
        owner,
    ];
    let ran = node.run(&[&question[..], &["--json"]].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()[0]["design_id"], id.as_str());
    let ran = node
        .run(&[&question[..], &["--receipts", &folder]].concat())
        .await;
    assert!(ran.out.contains("front.png"), "{ran:?}");
    // Nobody else deposited it.
    let copier = public(2);
    let ran = node
        .run(&[
            "certificate",
            "--commitment",
            commitment,
            "--owner-key",
            &copier,
        ])
        .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("proven absent"), "{ran:?}");
    let ran = node
        .run(&["certificate", "--commitment", "77", "--owner-key", owner])
        .await;
    assert_eq!(ran.code, 1, "{ran:?}");
}
