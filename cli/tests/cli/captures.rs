//! Capturing: refusals, resuming, and nodes that lie.

use std::pin::pin;
use std::sync::Arc;

use clap::Parser;
use touchstone_cli::Cli;
use touchstone_cli::output::Output;
use touchstone_cli::settings::Settings;
use touchstone_cli::verbs::{Verb, capture};
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{Rejected, TransactionStatus};

use crate::fake::{Buffer, Served, now_ms};
use crate::items::{CASE, ITEM, OTHER, PALLET, aggregation, seen};

pub fn document(events: &[String]) -> String {
    let events: Vec<serde_json::Value> = events
        .iter()
        .map(|e| {
            let mut event: serde_json::Value = serde_json::from_str(e).unwrap();
            event.as_object_mut().unwrap().remove("@context");
            event
        })
        .collect();
    serde_json::json!({
        "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],
        "type": "EPCISDocument", "schemaVersion": "2.0", "creationDate": "2026-01-01T00:00:00Z",
        "epcisBody": {"eventList": events},
    })
    .to_string()
}

fn summary(committed: usize, refused: usize, skipped: usize, pending: usize) -> serde_json::Value {
    serde_json::json!({
        "outcome": "summary", "total": committed + refused + skipped + pending,
        "committed": committed, "refused": refused, "skipped": skipped, "pending": pending,
        "refused_by_rule": [],
    })
}

pub fn thing(number: usize) -> String {
    format!("urn:epc:id:sgtin:9521234.050001.T{number}")
}

/// Steps recorded for an item, in order.
async fn recorded(node: &Served, item: &str) -> Vec<String> {
    let ran = node.run(&["item", item, "--json"]).await;
    if ran.code == 4 {
        return vec![];
    }
    assert_eq!(ran.code, 0, "{ran:?}");
    let value = &ran.json()[0];
    let steps = value["steps"].as_array().unwrap();
    steps
        .iter()
        .filter(|step| step["inside"].as_array().unwrap().is_empty())
        .map(|step| {
            let text: serde_json::Value =
                serde_json::from_str(step["text"].as_str().unwrap()).unwrap();
            let deed = text["bizStep"].as_str().or(text["action"].as_str());
            deed.unwrap().to_owned()
        })
        .collect()
}

#[tokio::test]
async fn documents_and_folders_are_recorded_in_order() {
    let node = Served::start().await;
    let folder = node.path("in");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(
        folder.join("1.json"),
        document(&[seen(&[ITEM], "commissioning"), seen(&[ITEM], "storing")]),
    )
    .unwrap();
    std::fs::write(folder.join("2.json"), seen(&[ITEM], "shipping")).unwrap();
    std::fs::write(folder.join("ignored.txt"), "no event").unwrap();
    let folder = folder.display().to_string();
    let ran = node
        .run_as("acme", &["capture", &folder, "--batch", "1"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.out, "3 events of 3 recorded (proven), 0 refused\n");
    let steps = ["commissioning", "storing", "shipping"];
    assert_eq!(recorded(&node, ITEM).await, steps);

    // Once more: the journal knows that all is done.
    let heights = node.world().height();
    let again = node
        .run_as("acme", &["capture", &folder, "--batch", "1", "--json"])
        .await;
    assert_eq!(again.code, 0, "{again:?}");
    let outcomes = again.json();
    assert_eq!(outcomes.len(), 4);
    assert_eq!(outcomes[3], summary(3, 0, 0, 0));
    assert!(
        outcomes[..3].iter().all(|o| o["outcome"] == "recorded"),
        "{outcomes:?}"
    );
    assert_eq!(node.world().height(), heights);
    assert_eq!(recorded(&node, ITEM).await, steps);
}

/// The good events get in, in order, and exactly the bad ones are refused, each with its rule.
#[tokio::test]
async fn bad_events_are_refused_one_by_one() {
    let node = Served::start().await;
    let bad_check_digit = seen(&["https://id.gs1.org/01/09521234500019/21/X"], "storing");
    let events = [
        seen(&[ITEM], "commissioning"),
        aggregation("ADD", CASE, &[ITEM]),
        bad_check_digit,                        // 2: no identifier
        aggregation("ADD", PALLET, &[ITEM]),    // 3: it is in the case
        aggregation("DELETE", PALLET, &[ITEM]), // 4: nor is it on the pallet
        aggregation("DELETE", CASE, &[ITEM]),
        seen(&[ITEM, OTHER], "shipping"),
    ];
    let file = node.write("events.json", &document(&events));
    let broken = node.write("broken.json", "{\"type\":");
    let ran = node.run_as("acme", &["capture", &file, &broken]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    for (index, rule) in [(3, "one-container"), (4, "unpack-from-container")] {
        let line = format!("refused   {file} event {index}: rule {rule} (30");
        assert!(ran.out.contains(&line), "{line}: {}", ran.out);
    }
    assert!(
        ran.out
            .contains(&format!("refused   {file} event 2: rule ")),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains(&format!("refused   {broken}: rule ")),
        "{}",
        ran.out
    );
    assert!(
        ran.out
            .contains("4 events of 8 recorded (proven), 4 refused\n"),
        "{}",
        ran.out
    );
    assert_eq!(
        recorded(&node, ITEM).await,
        ["commissioning", "ADD", "DELETE", "shipping"]
    );

    let again = node
        .run_as("acme", &["capture", &file, &broken, "--json"])
        .await;
    assert_eq!(again.code, 2, "{again:?}");
    let outcomes = again.json();
    let refused: Vec<u64> = outcomes
        .iter()
        .filter(|o| o["outcome"] == "refused")
        .filter_map(|o| o["index"].as_u64())
        .collect();
    assert_eq!(refused, [2, 3, 4]);
    assert_eq!(
        recorded(&node, ITEM).await,
        ["commissioning", "ADD", "DELETE", "shipping"]
    );
}

/// What was refused for its key or its bytes goes on once that is mended.
#[tokio::test]
async fn a_capture_goes_on_once_its_key_or_its_event_is_mended() {
    let node = Served::start().await;
    let file = node.write("one.json", &document(&[seen(&[ITEM], "storing")]));
    let foreign = node.path("new.pem").display().to_string();
    let arguments = ["key", "new", "--out", &foreign, "--no-passphrase"];
    assert_eq!(crate::fake::touchstone(&arguments).await.code, 0);
    let wrong = [
        "capture",
        &file,
        "--organisation",
        "acme",
        "--key",
        &foreign,
    ];
    let ran = node.run(&wrong).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("own-key (201)"), "{ran:?}");
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(recorded(&node, ITEM).await, ["storing"]);

    let bad = seen(&["https://id.gs1.org/01/09521234500019/21/X"], "storing");
    let file = node.write("two.json", &document(&[bad]));
    assert_eq!(node.run_as("acme", &["capture", &file]).await.code, 2);
    node.write("two.json", &document(&[seen(&[ITEM], "shipping")]));
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(recorded(&node, ITEM).await, ["storing", "shipping"]);
}

/// The same bytes through another journal, or twice in the input, are recorded once.
#[tokio::test]
async fn what_is_recorded_already_is_skipped_unless_asked_for() {
    let node = Served::start().await;
    let many: Vec<String> = (0..5)
        .map(|n| seen(&[ITEM, &thing(n)], "picking"))
        .collect();
    let first = node.write("first.json", &document(&many));
    assert_eq!(node.run_as("acme", &["capture", &first]).await.code, 0);
    let mut events = many.clone();
    events.push(seen(&[ITEM], "storing"));
    events.push(seen(&[ITEM], "storing"));
    let copy = node.write("copy.json", &document(&events));
    let ran = node.run_as("acme", &["capture", &copy]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.out.contains(&format!(
            "skipped   {copy} event 4: recorded already at height 1"
        )),
        "{ran:?}"
    );
    assert!(
        ran.out
            .contains(&format!("event 6: the same as {copy} event 5")),
        "{ran:?}"
    );
    let last = "1 event of 7 recorded (proven), 0 refused, 6 skipped as recorded before\n";
    assert!(ran.out.ends_with(last), "{ran:?}");
    assert_eq!(recorded(&node, ITEM).await.len(), 6);
    // Again: what the journal holds counts as recorded, the rest is looked up anew.
    let ran = node.run_as("acme", &["capture", &copy, "--json"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let outcomes = ran.json();
    assert_eq!(outcomes[outcomes.len() - 2], summary(1, 0, 6, 0));
    assert_eq!(node.world().height(), 2);

    // Another organisation's words are never skipped: here the ledger refuses them, as it isn't the holder.
    let journal = node.path("bravo.journal").display().to_string();
    let ran = node
        .run_as("bravo", &["capture", &first, "--journal", &journal])
        .await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.out.contains("event 4: rule holder (307)") && !ran.out.contains("skipped  "),
        "{ran:?}"
    );
    let ran = node
        .run_as("acme", &["capture", &copy, "--allow-duplicates"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(recorded(&node, ITEM).await.len(), 6 + 6);
}

/// A document of the folder of cases, copied beside the node.
fn case(node: &Served, name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/epcis-cases");
    node.write(name, &std::fs::read_to_string(folder.join(name)).unwrap())
}

/// A partner sends the same events again in a document with another date, or with its keys in
/// another order.
#[tokio::test]
async fn what_is_sent_again_under_its_event_id_is_skipped() {
    let node = Served::start().await;
    let first = case(&node, "D06_resend_a.xml");
    assert_eq!(node.run_as("acme", &["capture", &first]).await.code, 0);
    let again = case(&node, "D06_resend_b_new_creationDate.xml");
    let ran = node.run_as("acme", &["capture", &again]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.out.contains("event 0: recorded already at height 1"),
        "{ran:?}"
    );
    let id = "\"eventID\": \"urn:x:again\", ";
    let event = |order: &str| seen(&[ITEM], "storing").replacen('{', order, 1);
    let plain = event(&format!("{{{id}\"ex:a\": 1, \"ex:b\": 2, "));
    let turned = event(&format!("{{\"ex:b\": 2, \"ex:a\": 1, {id}"));
    let other = event(&format!("{{{id}\"ex:a\": 2, \"ex:b\": 2, "));
    let both = node.write("both.json", &document(&[plain, turned.clone()]));
    let ran = node.run_as("acme", &["capture", &both]).await;
    assert!(
        ran.out
            .contains(&format!("event 1: the same as {both} event 0")),
        "{ran:?}"
    );
    let one = node.write("one.json", &document(&[turned, other]));
    let ran = node.run_as("acme", &["capture", &one]).await;
    assert!(
        ran.out.contains("event 0: recorded already at height 2"),
        "{ran:?}"
    );
    assert!(!ran.out.contains("event 1: recorded already"), "{ran:?}");
}

#[tokio::test]
async fn probable_mistakes_are_told_before_they_are_signed() {
    let node = Served::start().await;
    let future = case(&node, "04_future.json");
    let ran = node.run_as("acme", &["capture", &future]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.err.contains("event 0: future-time: $.eventTime"),
        "{ran:?}"
    );
    let ran = node.run_as("acme", &["capture", &future, "--json"]).await;
    assert!(ran.out.contains("\"warning\":\"future-time\""), "{ran:?}");
}

#[tokio::test]
async fn an_empty_folder_and_a_file_that_has_gone_are_told_clearly() {
    let node = Served::start().await;
    let folder = node.path("empty");
    std::fs::create_dir(&folder).unwrap();
    let folder = folder.display().to_string();
    let ran = node.run_as("acme", &["capture", &folder]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.err.contains("holds no .json, .jsonld or .xml file"),
        "{ran:?}"
    );
    assert!(!node.path("empty.touchstone-journal").exists());

    let one = node.write("one.json", &document(&[seen(&[ITEM], "storing")]));
    let two = node.write("two.json", &document(&[seen(&[OTHER], "storing")]));
    assert_eq!(node.run_as("acme", &["capture", &one, &two]).await.code, 0);
    let ran = node.run_as("acme", &["capture", &one]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = format!("it remembers event 0 of {two}, which isn't among the files given");
    assert!(ran.err.contains(&told), "{ran:?}");
    std::fs::remove_file(&one).unwrap();
    let ran = node.run_as("acme", &["capture", &one]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    let told = format!("{one} isn't there, but {one}.touchstone-journal remembers a capture");
    assert!(ran.err.contains(&told), "{ran:?}");
    let never = node.path("never.json").display().to_string();
    let ran = node.run_as("acme", &["capture", &never]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!node.path("never.json.touchstone-journal").exists());
}

/// A run that is cut off, and one that goes on: the same bytes, nothing twice.
#[tokio::test]
async fn a_cut_off_capture_goes_on_where_it_was() {
    let node = Served::start().await;
    let events: Vec<String> = (0..10)
        .flat_map(|n| {
            [
                seen(&[&thing(n)], "storing"),
                seen(&[&thing(n)], "shipping"),
            ]
        })
        .collect();
    let file = node.write("events.json", &document(&events));
    let key = node.path("acme.pem").display().to_string();
    let mut arguments: Vec<String> = [
        "touchstone",
        "capture",
        &file,
        "--batch",
        "2",
        "--window",
        "4",
        "--organisation",
        "acme",
        "--key",
        &key,
    ]
    .map(str::to_owned)
    .into();
    arguments.extend(node.options());
    let cli = Cli::try_parse_from(&arguments).unwrap();
    let Verb::Capture(parsed) = &cli.verb else {
        panic!("not a capture")
    };
    let settings = Settings::load(&cli.options).unwrap();
    let err = Buffer::default();
    let mut output = Output::to(
        false,
        Box::new(Buffer::default()),
        Box::new(err.clone()),
        now_ms,
    );

    // The node takes in three transactions, then falls silent; the person presses Ctrl-C when
    // three are recorded.
    node.world().patience = Some(3);
    let (stop, stopped) = futures::channel::oneshot::channel::<()>();
    let stop = std::sync::Mutex::new(Some(stop));
    let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    node.tamper(move |reply: &mut TransactionStatus| {
        let proven = matches!(&reply.status, Some(Status::Committed(c)) if c.proof.is_some());
        if proven && asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 2 {
            drop(stop.lock().unwrap().take());
        }
    });
    let stopped = async {
        let _ = stopped.await;
    };
    let mut stopped = pin!(stopped);
    let failure = capture::run_until(parsed, &settings, &mut output, stopped.as_mut())
        .await
        .unwrap_err();
    assert_eq!(failure.exit_code(), 130, "{failure}");
    assert!(
        err.text().contains("run the same command again"),
        "{}",
        err.text()
    );
    let before = node.world().height();
    assert_eq!(before, 3);

    // Cut the journal inside its last line, as a crash may.
    let journal = node.path("events.json.touchstone-journal");
    let mut text = std::fs::read(&journal).unwrap();
    text.extend_from_slice(b"{\"sent\":{\"id\":\"12");
    std::fs::write(&journal, text).unwrap();

    node.world().patience = None;
    node.world().tamper = None;
    let ran = node
        .run_as("acme", &["capture", &file, "--batch", "2", "--window", "4"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(node.world().height(), 10);
    for n in 0..10 {
        assert_eq!(recorded(&node, &thing(n)).await, ["storing", "shipping"]);
    }
}

/// The journal was written, but the answer never came: whether the transaction got in or not,
/// the next run records its events once.
#[tokio::test]
async fn a_transaction_without_an_answer_is_sent_again_with_the_same_bytes() {
    for arrived in [false, true] {
        let node = Served::start().await;
        let file = node.write("events.json", &document(&[seen(&[ITEM], "storing")]));
        let ran = node.run_as("acme", &["capture", &file]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        let journal = node.path("events.json.touchstone-journal");
        let text = std::fs::read_to_string(&journal).unwrap();
        let cut: Vec<&str> = text.lines().filter(|l| !l.contains("recorded")).collect();
        assert_eq!(cut.len(), 2, "{text}");
        let other = Served::start().await;
        let target = if arrived { &node } else { &other };
        let there = target.path("events.json.touchstone-journal");
        std::fs::write(&there, cut.join("\n") + "\n").unwrap();
        let sent = node.world().seen[0].clone();
        // The same input by the same name: the journal is looked up by it.
        let journal_option = there.display().to_string();
        let ran = target
            .run_as("acme", &["capture", &file, "--journal", &journal_option])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(recorded(target, ITEM).await, ["storing"]);
        let seen = target.world().seen.clone();
        assert!(seen.iter().all(|s| *s == sent), "other bytes were sent");
        assert_eq!(seen.len(), 1);
    }
}

/// A node that refuses every transaction, and records it.
fn refuses(status: &mut TransactionStatus) {
    status.status = Some(Status::Rejected(Rejected {
        code: 302,
        rule: "one-container".into(),
        message: "the node's word".into(),
        event: Some(0),
    }));
}

/// A refusal is one node's word: the same node isn't asked again, and another one is.
#[tokio::test]
async fn what_one_node_refused_another_one_is_asked_about() {
    let (liar, honest) = (Served::start().await, Served::start().await);
    let file = liar.write("events.json", &document(&[seen(&[ITEM], "storing")]));
    liar.tamper(refuses);
    for _ in 0..2 {
        let ran = liar.run_as("acme", &["capture", &file]).await;
        assert_eq!(ran.code, 2, "{ran:?}");
        assert!(ran.out.contains("one-container (302)"), "{ran:?}");
        assert_eq!(liar.world().seen.len(), 1);
    }
    for _ in 0..2 {
        let ran = honest.run_as("acme", &["capture", &file]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(recorded(&honest, ITEM).await, ["storing"]);
        assert_eq!(honest.world().seen.len(), 1);
    }
}

/// It was recorded all the same, which another node proves: it isn't recorded twice.
#[tokio::test]
async fn what_one_node_refused_though_it_is_recorded_is_not_recorded_twice() {
    let (liar, honest) = (Served::start().await, Served::start().await);
    let file = liar.write("events.json", &document(&[seen(&[ITEM], "storing")]));
    liar.tamper(refuses);
    let again = ["capture", &file, "--allow-duplicates"];
    assert_eq!(liar.run_as("acme", &again).await.code, 2);
    let mut known = liar.world().clone();
    known.tamper = None;
    *honest.world() = known;
    let ran = honest.run_as("acme", &again).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("but it is recorded"), "{ran:?}");
    let ran = honest.run_as("acme", &again).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(recorded(&honest, ITEM).await, ["storing"]);
}

#[tokio::test]
async fn another_input_or_chain_does_not_pass_for_the_journals() {
    let node = Served::start().await;
    let file = node.write("events.json", &document(&[seen(&[ITEM], "storing")]));
    assert_eq!(node.run_as("acme", &["capture", &file]).await.code, 0);
    node.write("events.json", &document(&[seen(&[ITEM], "shipping")]));
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("another input"), "{ran:?}");
    let ran = node.run_as("bravo", &["capture", &file]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.err.contains("another chain or organisation"), "{ran:?}");
}

#[tokio::test]
async fn a_rule_about_the_sender_ends_the_run() {
    let node = Served::start().await;
    let file = node.write("events.json", &document(&[seen(&[ITEM], "storing")]));
    let ran = node.run_as("carol", &["capture", &file, "--json"]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let answer = ran.json().pop().unwrap();
    assert_eq!(
        (&answer["rule"], &answer["code"]),
        (&"role".into(), &203.into()),
        "{answer}"
    );
    assert_eq!(recorded(&node, ITEM).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_claim_of_commitment_without_proof_is_not_believed() {
    let node = Served::start().await;
    let file = node.write("events.json", &document(&[seen(&[ITEM], "storing")]));
    node.tamper(|reply: &mut TransactionStatus| {
        if let Some(Status::Committed(committed)) = &mut reply.status {
            committed.proof = None;
        }
    });
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("0 events of 1 recorded"), "{ran:?}");
}

/// Whatever order a node takes transactions in, an item's events keep theirs: transactions that
/// name the same thing, or follow the emptying of a container, are never under way together.
#[tokio::test]
async fn a_node_that_reverses_what_is_under_way_changes_no_history() {
    let node = Served::start().await;
    node.world().reverses = true;
    let events = [
        seen(&[ITEM], "commissioning"),
        seen(&[OTHER], "commissioning"),
        aggregation("ADD", CASE, &[ITEM]),
        aggregation("DELETE", CASE, &[]),
        aggregation("ADD", PALLET, &[ITEM]),
        aggregation("DELETE", PALLET, &[ITEM]),
        seen(&[ITEM], "shipping"),
    ];
    let file = node.write("events.json", &document(&events));
    let ran = node
        .run_as("acme", &["capture", &file, "--batch", "1"])
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let steps = ["commissioning", "ADD", "ADD", "DELETE", "shipping"];
    assert_eq!(recorded(&node, ITEM).await, steps);
    // What shares nothing was under way together: the fake recorded it the other way round.
    let first = node.world().seen.first().cloned().map(|(_, bytes)| bytes);
    assert!(first.is_some_and(|b| String::from_utf8_lossy(&b).contains("B2")));
}

#[tokio::test]
async fn a_refusal_of_what_is_recorded_is_found_out() {
    let node = Served::start().await;
    let file = node.write("events.json", &document(&[seen(&[ITEM], "storing")]));
    node.tamper(|reply: &mut TransactionStatus| {
        if matches!(&reply.status, Some(Status::Committed(c)) if c.proof.is_none()) {
            reply.status = Some(Status::Rejected(touchstone_proto::node::Rejected {
                code: 302,
                rule: "one-container".into(),
                message: "event 0: a lie".into(),
                event: Some(0),
            }));
        }
    });
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("may be recorded twice"), "{ran:?}");
}

/// All rows that can't be read are told of at once; nothing is sent, or the others if asked.
#[tokio::test]
async fn bad_rows_of_a_table_stop_it_unless_the_good_ones_are_wanted() {
    let node = Served::start().await;
    let rows = format!(
        "Time,Thing,Step\nyesterday,{ITEM},storing\n2026-03-01T08:30:00Z,{ITEM},storing\n\
         tomorrow,{ITEM},storing\n"
    );
    let table = node.write("t.csv", &rows);
    let mapping = node.write(
        "m.toml",
        "[event]\ntype = { value = \"ObjectEvent\" }\naction = { value = \"OBSERVE\" }\n\
         eventTime = { column = \"Time\" }\nepcList = { column = \"Thing\" }\n\
         bizStep = { column = \"Step\" }\n",
    );
    let arguments = ["capture", &table, "--mapping", &mapping];
    let ran = node.run_as("acme", &arguments).await;
    assert_eq!(ran.code, 1, "{ran:?}");
    for row in ["row 2", "row 4"] {
        assert!(ran.out.contains(row), "{ran:?}");
    }
    assert!(ran.err.contains("2 of 3 events of the tables"), "{ran:?}");
    assert_eq!(node.world().height(), 0);
    let ran = node
        .run_as("acme", &[&arguments[..], &["--good-rows"]].concat())
        .await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(recorded(&node, ITEM).await, ["storing"]);
    let by_rule = "refused   2 events by rule table-row (301)\n";
    assert!(ran.out.contains(by_rule), "{ran:?}");
}

/// Nobody takes a document without events for recorded.
#[tokio::test]
async fn a_document_without_events_is_refused() {
    let node = Served::start().await;
    let file = node.write("none.json", &document(&[]));
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.out.contains("rule event-count (300)"), "{ran:?}");
    assert!(ran.out.contains("0 events of 1 recorded"), "{ran:?}");
}
