//! Enrolling organisations, changing validators and keys.

use prost::Message;
use touchstone_proto::ledger::ChangeRecord;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{
    BlockReply, Halt, ListOrganisationsReply, NodeStatus, StateReply, TransactionStatus,
    ValidatorSetChangesReply, ValidatorsReply,
};

use crate::fake::{Served, key};
use crate::items::{ITEM, seen};

pub fn public(seed: u8) -> String {
    hex::encode(key(seed).verifying_key().to_bytes())
}

pub async fn contribution(node: &Served) -> String {
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
    let open = node.run(&["proposals"]).await;
    assert_eq!(open.code, 0, "{open:?}");
    for part in [
        "          enrol Echo Customs (echo)\n",
        "Approved  since block 2: 1 of 4 voting power, by acme\n",
        "Needed    2 more voting power, of bravo, carol, delta\n",
    ] {
        assert!(open.out.contains(part), "{part:?}: {}", open.out);
    }
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
    let next = "Next      Echo Customs signs with --organisation echo and its key from then on; ";
    assert!(last.out.contains(next), "{}", last.out);
    let shown = node.run(&["organisations", "echo"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(
        shown.out.contains("\nEcho Customs (echo): customs\n"),
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
    let closed = node.run(&["proposals"]).await;
    assert!(
        closed.out.contains("No change is open of those"),
        "{closed:?}"
    );
    // A node that leaves an approval out of a block.
    node.tamper(|reply: &mut BlockReply| reply.transactions.clear());
    assert_eq!(node.run(&["proposals"]).await.code, 3);
    node.world().tamper = None;
    let all = node.run(&["organisations", "--json"]).await;
    assert_eq!(all.json().len(), 5);
    assert_eq!(all.err, "");
    // A list with one left out; a list whose completeness isn't proven is refused.
    node.tamper(|reply: &mut ListOrganisationsReply| drop(reply.organisations.pop()));
    assert_eq!(node.run(&["organisations"]).await.code, 3);
    node.tamper(|reply: &mut ListOrganisationsReply| drop(reply.organisations.remove(0)));
    let unproven = node.run(&["organisations"]).await;
    assert_eq!(unproven.code, 3, "{unproven:?}");
    assert!(
        unproven.err.contains("no list of all organisations"),
        "{unproven:?}"
    );
}

#[tokio::test]
async fn a_change_whose_record_hides_approvals_is_refused() {
    let node = Served::start().await;
    let file = contribution(&node).await;
    assert_eq!(node.run_as("acme", &["enroll", &file]).await.code, 0);
    // An answer that is right but older than the approval doesn't hold it.
    let values = node.world().values.clone();
    let key = values.keys().find(|k| k.starts_with(b"change/")).unwrap();
    let old = node.world().state(key.clone());
    node.tamper(move |reply: &mut StateReply| {
        if reply.key == old.key {
            *reply = old.clone();
        }
    });
    let ran = node.run_as("bravo", &["enroll", &file]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    let behind = "the node answers as of block 1, but block 2 was proven before";
    assert!(ran.err.contains(behind), "{ran:?}");
    let hide = |bend: fn(&mut StateReply)| {
        move |reply: &mut StateReply| {
            if reply.key.starts_with(b"change/") {
                bend(reply);
            }
        }
    };
    node.tamper(hide(|reply| reply.value = None));
    let ran = node.run_as("carol", &["enroll", &file]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    node.tamper(hide(|reply| {
        let value = reply.value.as_mut().unwrap();
        let mut record = ChangeRecord::decode(value.as_slice()).unwrap();
        record.approvals.pop();
        *value = record.encode_to_vec();
    }));
    let ran = node
        .run_as("acme", &["enroll", &file, "--sequence", "1"])
        .await;
    assert_eq!(ran.code, 3, "{ran:?}");
    // The ledger counts all the same.
    node.world().tamper = None;
    let ran = node.run_as("delta", &["enroll", &file, "--json"]).await;
    assert_eq!(
        (ran.code, &ran.json()[0]["rule"]),
        (2, &"change-once".into()),
        "{ran:?}"
    );
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
    let remove = ["validators", "remove", "--public-key", &new];
    let ran = node.run_as("acme", &remove).await;
    assert!(ran.out.contains("more voting power"), "{ran:?}");
}

/// What could never take effect is told before anything is sent.
#[tokio::test]
async fn changes_of_validators_are_checked_first() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let (new, old) = (public(120), public(101));
    let add = |key: &str, of: &str, power: &str| -> Vec<String> {
        [
            "validators",
            "add",
            "--public-key",
            key,
            "--of",
            of,
            "--power",
            power,
        ]
        .map(str::to_owned)
        .into()
    };
    let remove = ["validators", "remove", "--public-key", &new]
        .map(str::to_owned)
        .to_vec();
    let table = [
        (add(&new, "nobody", "1"), 2, "touchstone enroll"),
        (add(&old, "acme", "1"), 1, "there is nothing to change"),
        (remove, 2, "`touchstone validators` shows those that do"),
    ];
    let height = node.world().height();
    for (arguments, code, advice) in &table {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = node.run_as("acme", &arguments).await;
        assert_eq!(ran.code, *code, "{ran:?}");
        assert!(ran.err.contains(advice), "{advice}: {ran:?}");
    }
    // An enrolled organisation that runs no validator.
    let file = contribution(&node).await;
    for organisation in ["acme", "bravo", "carol"] {
        assert_eq!(node.run_as(organisation, &["enroll", &file]).await.code, 0);
    }
    let pem = touchstone_cli::keyfile::to_pem(&key(5), None).unwrap();
    let file = node.path("echo.pem");
    touchstone_cli::keyfile::write_secret(&file, pem.as_bytes(), false).unwrap();
    let arguments = add(&new, "echo", "1");
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let ran = node.run_as("echo", &arguments).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("governor"), "{ran:?}");
    assert!(ran.err.contains("acme, bravo, carol, delta"), "{ran:?}");
    assert_eq!(node.world().height(), height + 3);
    let more = add(&old, "acme", "3");
    let more: Vec<&str> = more.iter().map(String::as_str).collect();
    let ran = node.run_as("acme", &more).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("with power 1 now"), "{ran:?}");
}

/// One change gives a validator another key; what could never take effect is refused, and the death of a validator
/// is told before its key is changed.
#[tokio::test]
async fn a_validator_gets_another_key_in_one_change() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let (old, new, other) = (public(101), public(120), public(102));
    let rotate = ["validators", "rotate", "--public-key", &old, "--to", &new];
    for (from, to, rule) in [
        (&new, &old, "validator-exists"),
        (&old, &other, "replacement-key"),
        (&old, &old, "replacement-key"),
    ] {
        let wrong = ["validators", "rotate", "--public-key", from, "--to", to];
        let ran = node
            .run_as("acme", &[&wrong[..], &["--json"]].concat())
            .await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert_eq!(ran.json()[0]["rule"], rule, "{ran:?}");
    }
    let ran = node.run_as("acme", &rotate).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let open = node.run(&["proposals"]).await;
    let what = format!("          key {new} of a validator in place of {old}\n");
    assert!(open.out.contains(&what), "{open:?}");
    // A block lacks some signature now and then; five without one are told of.
    node.world().voters = vec![102, 103, 104];
    for _ in 0..4 {
        node.world().make_block(&[]);
    }
    let once_more = [&rotate[..], &["--sequence", "1"]].concat();
    let ran = node.run_as("delta", &once_more).await;
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{ran:?}");
    let ran = node.run_as("bravo", &rotate).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let warning = "warning: this validator's signature is under none of the last 5 blocks: ";
    assert!(ran.err.starts_with(warning), "{ran:?}");
    let ran = node.run_as("carol", &rotate).await;
    assert!(ran.out.contains("In force  from height"), "{ran:?}");
    node.world().voters = vec![120, 102, 103];
    node.world().record("acme", &[seen(&[ITEM], "inspecting")]);
    let shown = node.run(&["validators"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    assert!(shown.out.contains(&format!("{new} power 1 ")), "{shown:?}");
    assert!(!shown.out.contains(&old), "{shown:?}");
}

/// Whoever waits for a chain that stands still is told so, with what the node knows of the cause.
#[tokio::test]
async fn a_sender_learns_that_the_chain_has_halted() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let why = "no block for 90 s: height 2 is in round 12; not heard: bravo, carol";
    node.world().halt = Some(Halt {
        explanation: why.into(),
        ..Halt::default()
    });
    node.tamper(|reply: &mut TransactionStatus| {
        reply.status = Some(Status::Pending(Default::default()));
    });
    let file = contribution(&node).await;
    let ran = node
        .run_as("acme", &["enroll", &file, "--timeout", "1"])
        .await;
    assert_eq!(ran.code, 5, "{ran:?}");
    let told = format!("the chain has halted, by the node's word: {why}; whether transaction ");
    assert!(ran.err.contains(&told), "{ran:?}");
    let status = node.run(&["status"]).await;
    assert!(
        status.out.contains(&format!("Halted    {why}\n")),
        "{status:?}"
    );
}

#[tokio::test]
async fn a_node_whose_answers_failed_is_told_of_in_words_and_in_json() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let sound = node.run(&["status"]).await;
    assert!(!sound.out.contains("Failed"), "{sound:?}");
    let alarm = "answers that failed since this node started: 2; its log names what they met. Stop it and run \
                 `touchstone-node fsck`: docs/operating.md, \"Damage\"";
    node.tamper(move |reply: &mut NodeStatus| reply.failure_alarm = alarm.into());
    let told = node.run(&["status"]).await;
    assert!(
        told.out.contains(&format!("Failed    {alarm}\n")),
        "{told:?}"
    );
    let json = node.run(&["--json", "status"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["claimed"]["failure_alarm"], alarm);
    let chinese = node.run(&["--lang", "zh", "status"]).await;
    assert!(chinese.out.contains("失败的回答：2 次"), "{chinese:?}");
}

#[tokio::test]
async fn a_node_that_signs_nothing_is_told_of_though_its_chain_moves() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let signing = node.run(&["status"]).await;
    assert!(!signing.out.contains("Silent"), "{signing:?}");
    let why = "this node signs nothing up to height 9, where it may have signed before: docs/operating.md, \
               \"A muted validator\"";
    node.tamper(move |reply: &mut NodeStatus| reply.silence = why.into());
    let told = node.run(&["status"]).await;
    assert!(told.out.contains(&format!("Silent    {why}\n")), "{told:?}");
    let json = node.run(&["--json", "status"]).await;
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["claimed"]["silence"], why);
    let chinese = node.run(&["--lang", "zh", "status"]).await;
    assert!(chinese.out.contains("高度 9 及以下不签署"), "{chinese:?}");
}

/// Hand-overs are remembered: asked for once, kept against a node that hides them, verified again
/// when they are read, and asked for again when the file is damaged.
#[tokio::test]
async fn hand_overs_are_remembered_and_a_damaged_memory_is_rebuilt() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    for (seed, power) in [(120, "2"), (121, "1")] {
        let key = public(seed);
        let add = [
            "validators",
            "add",
            "--public-key",
            &key,
            "--of",
            "acme",
            "--power",
            power,
        ];
        for organisation in ["acme", "bravo", "carol"] {
            let ran = node.run_as(organisation, &add).await;
            assert_eq!(ran.code, 0, "{ran:?}");
        }
        node.world().voters.push(seed);
    }
    node.world().record("acme", &[seen(&[ITEM], "shipping")]);
    let asked = async |expected: &[u64]| {
        node.world().asked_from.clear();
        let ran = node.run(&["item", ITEM]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(node.world().asked_from, expected);
    };
    let mut cache = std::fs::read_dir(node.path("cache")).unwrap();
    let cache = cache
        .find_map(|file| {
            let path = file.unwrap().path();
            (path.extension()? == "set-changes").then_some(path)
        })
        .unwrap();
    let changes = node.world().set_changes.clone();
    let last = changes.iter().map(|h| {
        let header = &h.header.as_ref().unwrap().header;
        touchstone_core::block::Header::decode(header)
            .unwrap()
            .height
    });
    let ends: Vec<u64> = last.collect();
    assert_eq!(ends.len(), 2);
    asked(&[ends[0] + 1, ends[1] + 1]).await;
    asked(&[ends[1] + 1]).await;
    let good = std::fs::read(&cache).unwrap();
    node.tamper(|reply: &mut ValidatorSetChangesReply| reply.changes.clear());
    assert_eq!(node.run(&["item", ITEM]).await.code, 0);
    node.world().tamper = None;

    let anew = [1, ends[0] + 1, ends[1] + 1];
    for place in [0, 40, good.len() - 1] {
        let mut damaged = good.clone();
        damaged[place] ^= 1;
        std::fs::write(&cache, damaged).unwrap();
        asked(&anew).await;
        assert_eq!(std::fs::read(&cache).unwrap(), good);
    }
    std::fs::write(&cache, &good[..20]).unwrap();
    asked(&anew).await;
    // A sum that fits over hand-overs that nobody signed.
    let mut forged = ValidatorSetChangesReply::decode(&good[32..]).unwrap();
    let header = forged.changes[0].header.as_mut().unwrap();
    header.certificate.as_mut().unwrap().signatures.clear();
    let body = forged.encode_to_vec();
    let sum = touchstone_core::hash::sha256(&body);
    std::fs::write(&cache, [&sum[..], &body].concat()).unwrap();
    asked(&anew).await;
    assert_eq!(std::fs::read(&cache).unwrap(), good);

    std::fs::remove_file(&cache).unwrap();
    node.tamper(|reply: &mut ValidatorSetChangesReply| reply.changes.clear());
    assert_eq!(node.run(&["item", ITEM]).await.code, 3);
}

/// Though the validators come back, and are the same as before, the node must tell of it.
#[tokio::test]
async fn hand_overs_there_and_back_again_cannot_be_left_out() {
    let node = Served::start().await;
    let new = public(120);
    let add = ["validators", "add", "--public-key", &new, "--of", "acme"];
    let remove = ["validators", "remove", "--public-key", &new];
    for change in [&add[..], &remove] {
        for organisation in ["acme", "bravo", "carol", "delta"] {
            // Four of five are needed to remove it.
            let done = node.world().validators.count() == if change == add { 5 } else { 4 };
            if !done {
                let ran = node.run_as(organisation, change).await;
                assert_eq!(ran.code, 0, "{ran:?}");
            }
        }
        node.world().voters = vec![101, 102, 103, 104];
        node.world().record("acme", &[seen(&[ITEM], "storing")]);
    }
    let add = [
        "validators",
        "add",
        "--public-key",
        &new,
        "--of",
        "acme",
        "--sequence",
        "1",
    ];
    for organisation in ["acme", "bravo", "carol"] {
        assert_eq!(node.run_as(organisation, &add).await.code, 0);
    }
    node.world().record("acme", &[seen(&[ITEM], "shipping")]);
    assert_eq!(node.world().set_changes.len(), 3);
    std::fs::remove_dir_all(node.path("cache")).unwrap();
    let hidden: Vec<_> = node.world().set_changes.drain(..2).collect();
    let refused = node.run(&["item", ITEM]).await;
    assert_eq!(refused.code, 3, "{refused:?}");
    node.world().set_changes.splice(0..0, hidden);
    let between = node.run(&["blocks", "--from", "5", "--count", "1"]).await;
    assert_eq!(between.code, 0, "{between:?}");
}

/// Whoever came to hold the keys of validators that were replaced makes blocks of their time, and none that is named.
#[tokio::test]
async fn a_transaction_under_earlier_validators_is_in_a_block_that_later_ones_name() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let id = node
        .world()
        .committed
        .keys()
        .next()
        .map(hex::encode)
        .unwrap();
    let bare = |reply: &mut BlockReply| reply.proof = None;
    node.tamper(bare);
    let ran = node.run(&["transaction", &id]).await;
    assert_eq!(ran.code, 0, "today's validators: {ran:?}");
    node.world().tamper = None;
    let new = public(120);
    let add = ["validators", "add", "--public-key", &new, "--of", "acme"];
    for organisation in ["acme", "bravo", "carol"] {
        assert_eq!(node.run_as(organisation, &add).await.code, 0);
    }
    node.world().voters.push(120);
    node.world().record("acme", &[seen(&[ITEM], "shipping")]);
    let ran = node.run(&["transaction", &id]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    node.tamper(bare);
    let ran = node.run(&["transaction", &id]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("under a later header"), "{}", ran.err);
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
        shown.out.contains(&format!(
            "{} from height 1 to 1; CONTESTED: it was retired where only keys remained",
            public(1)
        )),
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
        (
            blocks.code,
            blocks.out.matches("1 transaction  by ").count()
        ),
        (0, 2),
        "{blocks:?}"
    );
    assert!(
        blocks.out.contains("     1 transaction  by"),
        "{}",
        blocks.out
    );
    assert_eq!(node.run(&["blocks", "--from", "3"]).await.code, 4);
    // The fake node's stream ends, which a follower is told.
    let followed = node.run(&["blocks", "--follow", "--from", "1"]).await;
    assert_eq!((followed.code, &followed.out), (5, &blocks.out));
    let last = node.run(&["blocks", "--follow", "--count", "1"]).await;
    // As of, signed by, and the second block.
    let lines: Vec<&str> = blocks.out.lines().collect();
    let told = format!("{}\n{}\n{}\n", lines[0], lines[1], lines[3]);
    assert_eq!((last.code, last.out), (5, told));
    let followed = node.run(&["blocks", "--follow"]).await;
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
async fn another_chains_genesis_document_is_told_with_both_ids() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let bytes = String::from_utf8(node.world().genesis_bytes.clone()).unwrap();
    let other = bytes.replacen("\"test\"", "\"other\"", 1);
    let id = touchstone_core::genesis::Genesis::read(other.as_bytes())
        .unwrap()
        .chain_id;
    node.write("genesis.json", &other);
    let ids = [id, node.world().genesis.chain_id].map(hex::encode);
    for verb in [
        &["item", ITEM][..],
        &["status"],
        &["validators"],
        &["blocks"],
    ] {
        let ran = node.run(verb).await;
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ids.iter().all(|id| ran.err.contains(id)), "{ran:?}");
        assert!(ran.err.contains("--genesis"), "{ran:?}");
    }
}
