//! How old answers are. Every verb that answers says as of which block, warns where that is old, and is never
//! answered from below what was proven before. The table of verbs is compared with the command line's own, so
//! that a new verb can't be forgotten.

use std::collections::BTreeSet;

use clap::{Command, CommandFactory};
use touchstone_cli::Cli;

use crate::fake::{Ran, Served, key};
use crate::items::{ITEM, OTHER, seen};
use crate::look_alikes;

/// Verbs that ask no node, or that act: what they tell is proven at a height of its own.
const NO_QUESTIONS: [&str; 81] = [
    "capture",
    "case accept",
    "case hand-over",
    "case mended",
    "case notice",
    "case purchase",
    "case set-terms",
    "case spot-check",
    "case verdict",
    "completions",
    "deposit",
    "disclose",
    "dispute answer",
    "dispute contest",
    "dispute counter",
    "dispute file",
    "dispute notice",
    "dispute opinion",
    "dispute refer",
    "dispute rule",
    "dispute withdraw",
    "enroll",
    "gateway",
    "genesis assemble",
    "genesis contribute",
    "genesis page",
    "genesis show",
    "handover accept",
    "handover claim",
    "handover offer",
    "handover reject",
    "handover withdraw",
    "hash",
    "id",
    "juror card",
    "juror open",
    "juror vote",
    "juror void",
    "key new",
    "key show",
    "keys add",
    "keys compromise",
    "keys retire",
    "label",
    "licence end",
    "licence grant",
    "man",
    "mark attest",
    "masterdata set",
    "misbehaviour remove",
    "parameters set",
    "parameters version",
    "product declare",
    "protect",
    "recover",
    "review accept",
    "review appeal",
    "review chain",
    "review jurors",
    "review open",
    "review pulse",
    "review register-chain",
    "review reveal",
    "review set-terms",
    "right accept",
    "right end",
    "right offer",
    "right reject",
    "right withdraw",
    "sanction appeal",
    "sanction decide",
    "sanction impose",
    "studio deposit",
    "studio status",
    "studio verify",
    "studio watch",
    "suspend",
    "verify",
    "vouch designer",
    "vouch request",
    "vouch withdraw",
];
const CHANGES_OF_VALIDATORS: [&str; 3] =
    ["validators add", "validators remove", "validators rotate"];

/// The words of every verb that does something.
fn verbs(command: &Command, words: &str, found: &mut BTreeSet<String>) {
    for verb in command.get_subcommands() {
        let words = format!("{words} {}", verb.get_name());
        verbs(verb, words.trim_start(), found);
    }
    if !words.is_empty() && (!command.has_subcommands() || !command.is_subcommand_required_set()) {
        found.insert(words.to_owned());
    }
}

/// A ledger of three blocks, and questions of every verb that answers.
pub struct Asked {
    pub node: Served,
    pub questions: Vec<(String, Vec<String>)>,
}

const PRODUCT: &str = "urn:epc:idpat:sgtin:9521234.050001.*";

pub async fn asked() -> Asked {
    let node = Served::start().await;
    let recorded = node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let file = node.write("front.png", "a chair from the front");
    let picture = look_alikes::picture(&node, "chair.png");
    let receipts = node.folder.path().display().to_string();
    let deposit = ["deposit", &file, "--receipts", &receipts, "--json"];
    let deposited = node.run_as("carol", &deposit).await;
    assert_eq!(deposited.code, 0, "{deposited:?}");
    let design = deposited.json()[0]["design_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let credential = node.path("credential.json").display().to_string();
    let carol = node.path("carol.pem").display().to_string();
    let issue = ["certificate", &file, "-o", &credential, "--key", &carol];
    assert_eq!(node.run(&issue).await.code, 0);
    let offer = node.write("offer.json", &seen(&[ITEM], "shipping"));
    let offered = node
        .run_as("acme", &["handover", "offer", &offer, "--to", "bravo"])
        .await;
    assert_eq!(offered.code, 0, "{offered:?}");
    let evidence = node.path("case.evidence").display().to_string();
    let public = hex::encode(key(1).verifying_key().to_bytes());
    let transaction = hex::encode(recorded);
    let nothing = "00".repeat(32);
    let source = node.path("source").display().to_string();
    let listed = node.write("designs.txt", &design);
    let list = node.path("list.json").display().to_string();
    let status_list = [
        "https://carol.example/list.json",
        "--listed",
        &listed,
        "-o",
        &list,
        "--force",
        "--key",
        &carol,
    ];
    let table: &[(&str, &[&str])] = &[
        ("item", &[ITEM]),
        ("item", &[OTHER]),
        ("item", &[ITEM, "--from", "1"]),
        ("trace", &[ITEM]),
        ("trace", &[ITEM, "--unproven"]),
        ("recall", &[ITEM]),
        ("recall", &[OTHER]),
        ("product show", &[PRODUCT]),
        ("masterdata show", &[PRODUCT]),
        ("handover list", &[]),
        ("certificate", &[&file]),
        ("certificate", &[&design]),
        ("certificate", &["--check", &credential]),
        ("evidence", &[ITEM, "--force", "-o", &evidence]),
        ("vouch show", &["delta.nobody"]),
        ("right show", &[&design]),
        ("dispute show", &[&design]),
        ("dispute party", &["carol"]),
        (
            "dispute listing",
            &["https://x.example", "--platform", "acme"],
        ),
        ("dispute source", &[&nothing, ITEM, "-o", &source]),
        ("review show", &[&design]),
        ("review draw", &[]),
        ("review terms", &[]),
        ("case show", &[&nothing]),
        ("case terms", &[]),
        ("sanction party", &["carol"]),
        ("sanction show", &[&nothing]),
        ("mark show", &["1", "--office", "delta"]),
        ("licence show", &[&design]),
        ("authorised", &[&design, "--seller", "carol", "--in", "CN"]),
        ("authorised", &[&design, "--seller", "acme", "--in", "CN"]),
        ("validators", &[]),
        ("parameters", &[]),
        ("proposals", &[]),
        ("keys check", &[&public, "--of", "acme"]),
        ("organisations", &[]),
        ("similar", &[&picture]),
        ("organisations", &["acme"]),
        ("organisations", &["nobody"]),
        ("transaction", &[&transaction]),
        ("block", &["1"]),
        ("block", &["3"]),
        ("blocks", &[]),
        ("blocks", &["--from", "2"]),
        ("checkpoints", &[]),
        ("status", &[]),
        ("statuslist", &status_list),
        ("misbehaviour", &[]),
    ];
    let questions = table.iter().map(|(verb, arguments)| {
        let words = verb.split(' ').chain(arguments.iter().copied());
        ((*verb).to_owned(), words.map(str::to_owned).collect())
    });
    Asked {
        questions: questions.collect(),
        node,
    }
}

impl Asked {
    pub async fn ask(&self, question: &[String], options: &[&str]) -> Ran {
        let mut words: Vec<&str> = question.iter().map(String::as_str).collect();
        words.extend(options);
        self.node.run(&words).await
    }
}

#[tokio::test]
async fn the_table_holds_every_verb() {
    let mut all = BTreeSet::new();
    verbs(&Cli::command(), "", &mut all);
    let asked = asked().await;
    let mut known: BTreeSet<String> = asked.questions.into_iter().map(|(verb, _)| verb).collect();
    let others = NO_QUESTIONS.iter().chain(&CHANGES_OF_VALIDATORS);
    for verb in others {
        assert!(known.insert((*verb).to_owned()), "{verb}");
    }
    assert_eq!(all, known);
}

#[tokio::test]
async fn every_answer_says_as_of_which_block_it_is_and_warns_where_that_is_old() {
    let asked = asked().await;
    for (_, question) in &asked.questions {
        let ran = asked.ask(question, &["--json"]).await;
        assert!(matches!(ran.code, 0 | 4 | 6), "{question:?}: {ran:?}");
        // Fresh enough; a verb that tells its failure in its one value repeats that here.
        assert!(!ran.err.contains("warning"), "{question:?}: {ran:?}");
        assert!(!ran.json().is_empty(), "{question:?}");
        for value in ran.json() {
            let as_of = &value["as_of"];
            assert_eq!(as_of["height"], 3, "{question:?}: {value}");
            assert_eq!(as_of["newest_height"], 3, "{question:?}: {value}");
            assert_eq!(as_of["time_ms"], 1_767_225_603_000_u64, "{question:?}");
            assert!(as_of["age_ms"].as_u64() >= Some(2_947_000), "{question:?}");
            assert_eq!(as_of["is_old"], false, "{question:?}: {value}");
        }
        let ran = asked.ask(question, &[]).await;
        let said = "As of     block 3, 2026-01-01 00:00:03.000 UTC (49 min ago)\n";
        let text = format!("{}{}", ran.out, ran.err);
        assert_eq!(text.matches(said).count(), 1, "{question:?}: {ran:?}");
        let old = asked.ask(question, &["--max-age", "60"]).await;
        let warning = "warning: this is as of block 3, 49 min ago (--max-age allows 60 s)";
        assert_eq!(old.err.matches(warning).count(), 1, "{question:?}: {old:?}");
        let old = asked.ask(question, &["--max-age", "60", "--json"]).await;
        assert_eq!(old.err.matches(warning).count(), 1, "{question:?}: {old:?}");
        for value in old.json() {
            assert_eq!(value["as_of"]["is_old"], true, "{question:?}: {value}");
        }
    }
}

#[tokio::test]
async fn nothing_is_answered_from_below_what_was_proven() {
    let asked = asked().await;
    let behind = asked.node.world().clone();
    asked.node.world().make_block(&[]);
    assert_eq!(asked.node.run(&["status"]).await.code, 0);
    *asked.node.world() = behind;
    // All of them ask at once, and each must have heard the node before it gives up.
    let options = ["--timeout", "5", "--json"];
    let runs = asked.questions.iter().map(|(_, q)| asked.ask(q, &options));
    let runs = futures::future::join_all(runs).await;
    for ((verb, question), ran) in asked.questions.iter().zip(runs) {
        assert_eq!(ran.code, 5, "{question:?}: {ran:?}");
        let values = ran.json();
        let failure = values.last().unwrap();
        assert_eq!(failure["error"], "behind", "{question:?}: {ran:?}");
        let told = "the node answers as of block 3, but block 4 was proven before";
        let message = failure["message"].as_str().unwrap();
        assert!(message.contains(told), "{question:?}: {message}");
        // What a node says of itself is shown all the same.
        let others = usize::from(verb == "status");
        assert_eq!(values.len() - 1, others, "{question:?}: {ran:?}");
    }
}

#[tokio::test]
async fn a_node_that_catches_up_is_waited_for() {
    let asked = asked().await;
    let mut behind = asked.node.world().clone();
    behind.answers = 0;
    asked
        .node
        .world()
        .record("acme", &[seen(&[OTHER], "storing")]);
    let caught_up = asked.node.world().clone();
    assert_eq!(asked.node.run(&["status"]).await.code, 0);
    *asked.node.world() = behind;
    let question = ["item", OTHER, "--json"];
    let (ran, ()) = futures::join!(asked.node.run(&question), async {
        // About validators, and twice about the item.
        while asked.node.world().answers < 3 {
            tokio::task::yield_now().await;
        }
        *asked.node.world() = caught_up;
    });
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()[0]["as_of"]["height"], 4, "{ran:?}");
}

/// The height of what one recorded oneself counts, also for the programs that come after.
#[tokio::test]
async fn what_one_recorded_is_never_answered_from_before() {
    let acts: &[(&str, &[&str])] = &[
        ("acme", &["capture"]),
        ("bravo", &["handover", "claim", "--reason", "found"]),
        ("carol", &["deposit"]),
    ];
    for (organisation, words) in acts {
        let node = Served::start().await;
        node.world().record("acme", &[seen(&[ITEM], "storing")]);
        let behind = node.world().clone();
        let file = node.write("file.json", &seen(&[ITEM], "inspecting"));
        let folder = node.folder.path().display().to_string();
        let mut arguments = words.to_vec();
        arguments.push(&file);
        if words[0] == "deposit" {
            arguments.extend(["--receipts", &folder]);
        }
        let ran = node.run_as(organisation, &arguments).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(node.world().height(), 2);
        *node.world() = behind;
        let ran = node.run(&["recall", ITEM, "--timeout", "1"]).await;
        assert_eq!((ran.code, ran.out.as_str()), (5, ""), "{words:?}: {ran:?}");
    }
}

/// A walk over several answers begins anew where a block came in between.
#[tokio::test]
async fn an_answer_of_many_parts_is_as_of_one_block() {
    let asked = asked().await;
    let many = ["item", "trace", "recall", "handover list"];
    let questions = asked.questions.iter();
    for (_, question) in questions.filter(|(verb, _)| many.contains(&verb.as_str())) {
        asked.node.world().grows = 3;
        let ran = asked.ask(question, &["--json"]).await;
        for value in ran.json() {
            let as_of = &value["as_of"];
            assert_eq!(as_of["height"], as_of["newest_height"], "{question:?}");
        }
        asked.node.world().grows = 0;
    }
    // Where the chain never rests, it says so.
    asked.node.world().grows = usize::MAX;
    let ran = asked.node.run(&["handover", "list"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.starts_with("As of     blocks "), "{ran:?}");
    assert!(
        ran.out.contains(": some of it may have changed meanwhile"),
        "{ran:?}"
    );
}

/// In the other language, the same is said; what parties wrote stays as it is.
#[tokio::test]
async fn an_answer_is_read_in_chinese() {
    let asked = asked().await;
    let ran = asked
        .node
        .run(&["item", ITEM, "--lang", "zh", "--max-age", "60"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        "截至      区块 3，2026-01-01 00:00:03.000 UTC（49 min 前）\n",
        "签署      acme, bravo, carol：4 个验证节点中的 3 个，表决权 4 中的 3\n",
        "结论      核验通过，完整：自身事件 2 条，区块高度 3\n",
        "占有人    Acme Logistics (acme)，",
        "     记录者    Acme Logistics（acme）\n",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    assert!(ran.err.contains("警告：此答复截至区块 3"), "{ran:?}");
}

/// What was proven is a floor for later runs only where it can be remembered.
#[tokio::test]
async fn a_folder_that_remembers_nothing_is_told() {
    let asked = asked().await;
    let file = asked.node.write("file", "");
    let nowhere = format!("{file}/cache");
    let table: [(&[&str], bool); 2] = [(&["--cache", &nowhere], true), (&[], false)];
    for (more, is_told) in table {
        let words = [&["organisations", "acme"][..], more].concat();
        let ran = asked.node.run(&words).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(ran.err.contains("isn't remembered"), is_told, "{ran:?}");
    }
}
