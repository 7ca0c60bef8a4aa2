//! `touchstone checkpoints` believes neither the node nor the list that it gives.

use std::path::Path;
use std::process::Command;

use touchstone_core::proof::checkpoint::{self, BlockLeaf};
use touchstone_core::timestamp;
use touchstone_proto::node::{BlockReply, ListCheckpointsReply, StampedRange};

use crate::fake::{Served, World};
use crate::items::{ITEM, seen};

const AUTHORITY: &str = "http://127.0.0.1:1/";

fn succeed(command: &mut Command) {
    let done = command.output().unwrap();
    let words = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {words}");
}

/// A token of an authority made by openssl in `folder` over blocks `first..=last`.
fn stamp(world: &World, folder: &Path, first: u64, last: u64) -> StampedRange {
    if !folder.join("serial").exists() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/lib/tsa.py");
        let mut python = Command::new("python3");
        succeed(python.arg(script).arg(folder).arg("--prepare"));
    }
    let chain_id = world.genesis.chain_id;
    let blocks = &world.blocks[first as usize - 1..last as usize];
    let leaves: Vec<BlockLeaf> = blocks
        .iter()
        .map(|(block, _)| BlockLeaf::from(&block.header))
        .collect();
    let tree = checkpoint::tree(&chain_id, first, &leaves).unwrap();
    let imprint = tree.checkpoint(&chain_id, AUTHORITY).unwrap().imprint();
    let (query, reply) = (folder.join("a.tsq"), folder.join("a.tsr"));
    std::fs::write(&query, timestamp::request(&imprint, 7)).unwrap();
    let mut openssl = Command::new("openssl");
    openssl.args(["ts", "-reply", "-config"]);
    openssl.arg(folder.join("authority.cnf"));
    succeed(openssl.arg("-queryfile").arg(query).arg("-out").arg(&reply));
    StampedRange {
        first,
        last,
        authority: AUTHORITY.into(),
        token: timestamp::response(&std::fs::read(reply).unwrap()).unwrap(),
        certificates: Vec::new(),
    }
}

/// Six blocks, of which two checkpoints cover the first five.
async fn stamped() -> Served {
    let node = Served::start().await;
    for _ in 0..6 {
        node.world().record("acme", &[seen(&[ITEM], "storing")]);
    }
    let folder = node.path("authority");
    std::fs::create_dir(&folder).unwrap();
    let ranges = [(1, 3), (4, 5)];
    let ranges = ranges.map(|(first, last)| stamp(&node.world(), &folder, first, last));
    node.world().checkpoints = ranges.into();
    node
}

#[tokio::test]
async fn time_stamps_are_listed_and_proven() {
    let node = stamped().await;
    let ran = node.run(&["checkpoints"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for words in [
        "Blocks 1 to 3  ",
        "Blocks 4 to 5  ",
        " UTC ± 1000 ms\n",
        "asked as http://127.0.0.1:1/\n",
        "policy 1.3.6.1.4.1.99999.1, root SHA-256 ",
        "VERIFIED 2 time stamps over blocks 1 to 5",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let ran = node.run(&["checkpoints", "--from", "4", "--json"]).await;
    let shown = ran.json();
    assert_eq!(shown.len(), 1, "{ran:?}");
    assert_eq!(
        (&shown[0]["first"], &shown[0]["last"]),
        (&4.into(), &5.into())
    );
    assert_eq!(shown[0]["verified"], true);
    assert_eq!(shown[0]["accuracy_ms"], 1000);
    assert_eq!(shown[0]["trusted"], serde_json::Value::Null);
    let roots = node.path("authority").join("root.pem");
    let roots = roots.to_str().unwrap();
    let ran = node.run(&["checkpoints", "--tsa-roots", roots]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.out.matches(" (trusted)\n").count(), 2, "{ran:?}");
    let signer = node.path("authority").join("signer.pem");
    let signer = signer.to_str().unwrap();
    let ran = node.run(&["checkpoints", "--tsa-roots", signer]).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert_eq!(ran.out.matches("NOT among those").count(), 2, "{ran:?}");
    let other = node.run(&["checkpoints", "--authority", "else"]).await;
    assert_eq!(other.code, 0, "{other:?}");
    let told = format!("or later by else; it keeps some by {AUTHORITY}");
    assert!(other.out.contains(&told), "{other:?}");
    assert!(!other.out.contains("chain's time only"), "{other:?}");
    let none = node.run(&["checkpoints", "--from", "6"]).await;
    assert!(
        none.out.contains("no such time stamp of block 6"),
        "{none:?}"
    );
}

#[tokio::test]
async fn no_time_stamp_is_shown_that_is_not_of_these_blocks() {
    type Bend = fn(&mut StampedRange);
    let table: [(&str, &str, Bend); 7] = [
        ("a flipped bit", "time-stamp", |range| {
            let last = range.token.len() - 1;
            range.token[last] ^= 1;
        }),
        ("more blocks", "time-stamp", |range| {
            if range.last == 5 {
                range.last = 6;
            }
        }),
        ("fewer blocks", "time-stamp", |range| {
            if range.first == 1 {
                range.first = 2;
            }
        }),
        ("another authority", "time-stamp", |range| {
            range.authority.push('x');
        }),
        ("blocks that aren't there", "contradiction", |range| {
            if range.last == 5 {
                range.last = 7;
            }
        }),
        ("the block before the first", "contradiction", |range| {
            if range.first == 1 {
                range.first = 0;
            }
        }),
        ("the same again", "contradiction", |range| {
            range.last = 5;
        }),
    ];
    let node = stamped().await;
    for (what, check, bend) in table {
        node.tamper(move |reply: &mut ListCheckpointsReply| {
            reply.checkpoints.iter_mut().for_each(bend);
            if what == "the same again" {
                reply.checkpoints = [reply.checkpoints.clone(), reply.checkpoints.clone()].concat();
            }
        });
        let ran = node.run(&["checkpoints", "--json"]).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        let json = ran.json();
        let answer = json.last().unwrap();
        assert_eq!(answer["check"], check, "{what}: {answer}");
        let ran = node.run(&["checkpoints"]).await;
        assert!(!ran.out.contains("VERIFIED"), "{what}: {ran:?}");
    }
    // The blocks themselves are proven, and in their places.
    node.tamper(|reply: &mut BlockReply| {
        let header = reply.header.as_mut().unwrap();
        let last = header.header.len() - 1;
        header.header[last] ^= 1;
    });
    assert_eq!(node.run(&["checkpoints"]).await.code, 3);
}
