//! Transactions that expired: by an outage that was too long, or by a clock that is wrong.

use std::sync::atomic::{AtomicUsize, Ordering};

use touchstone_client::capture::journal;
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{Rejected, TransactionStatus};

use crate::captures::document;
use crate::fake::faults::Fault;
use crate::fake::{Served, let_time_pass};
use crate::gateway::{Gate, with_gateway};
use crate::items::{ITEM, OTHER, seen};

const JSON_LD: &str = "Content-Type: application/ld+json";
/// Between two looks at something that changes soon.
const MOMENT: std::time::Duration = std::time::Duration::from_millis(5);

const DAY_MS: u64 = 86_400_000;
const HOUR_MS: u64 = 3_600_000;

fn event(node: &Served) -> String {
    node.write("one.json", &document(&[seen(&[ITEM], "storing")]))
}

/// So much time goes by for the ledger and its client.
fn pass(node: &Served, ms: u64) {
    node.world().later_ms += ms;
    let_time_pass(ms);
}

/// Submissions that the node saw, and those of them that differ.
fn submissions(node: &Served) -> (usize, usize) {
    let world = node.world();
    let mut ids: Vec<_> = world.seen.iter().map(|(id, _)| *id).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    (all, ids.len())
}

/// Events that are recorded for the one item.
async fn recorded(node: &Served) -> usize {
    let ran = node.run(&["item", ITEM, "--json"]).await;
    match ran.code {
        4 => 0,
        _ => ran.json()[0]["steps"].as_array().unwrap().len(),
    }
}

fn says_expired(status: &mut TransactionStatus) {
    status.status = Some(Status::Rejected(Rejected {
        code: 107,
        rule: "transaction-lifetime".into(),
        message: "the node's word".into(),
        event: None,
    }));
}

/// The journal waits for a node that comes back after more than a day.
#[tokio::test]
async fn what_expired_meanwhile_is_signed_afresh_once() {
    let node = Served::start_on_a_bad_line().await;
    let file = event(&node);
    node.world().patience = Some(0);
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    node.world().patience = None;
    pass(&node, 25 * HOUR_MS);
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.out, "1 event of 1 recorded (proven), 0 refused\n");
    assert_eq!(submissions(&node), (2, 2), "the old one, and the new one");
    assert_eq!(recorded(&node).await, 1);
    let again = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(again.code, 0, "{again:?}");
    assert_eq!(submissions(&node), (2, 2));
}

/// A node says that a transaction expired, and no block is late enough to prove it.
#[tokio::test]
async fn a_nodes_word_that_it_expired_is_not_enough() {
    let node = Served::start_on_a_bad_line().await;
    let file = event(&node);
    node.world().patience = Some(0);
    assert_eq!(node.run_as("acme", &["capture", &file]).await.code, 5);
    node.tamper(says_expired);
    node.world().patience = None;
    // By the client's clock alone, the transaction's lifetime is over.
    let_time_pass(25 * HOUR_MS);
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("may be recorded until"), "{ran:?}");
    assert_eq!(submissions(&node).1, 1, "nothing is signed afresh");
}

/// It is recorded, the node denies it for more than a day, and says then that it expired.
#[tokio::test]
async fn a_node_that_hides_a_recorded_transaction_is_found_out() {
    let node = Served::start_on_a_bad_line().await;
    let file = event(&node);
    node.tamper(|status: &mut TransactionStatus| {
        status.status = Some(Status::Unknown(Default::default()));
    });
    assert_eq!(node.run_as("acme", &["capture", &file]).await.code, 5);
    node.tamper(says_expired);
    pass(&node, 25 * HOUR_MS);
    node.world().make_block(&[]);
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("but it is recorded"), "{ran:?}");
    assert_eq!(submissions(&node).1, 1, "nothing is signed afresh");
}

/// What an ERP hands in while the node takes nothing: a capture, and an offer of goods that are recorded already.
async fn hand_in(node: &Served, gate: &Gate) -> [String; 2] {
    let capture = document(&[seen(&[OTHER], "storing")]);
    let accepted = gate.capture(&capture, &[]).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    let capture = accepted.header("location").unwrap();
    // It is signed, and the node has heard of it.
    while journals(node) == 0 {
        tokio::time::sleep(MOMENT).await;
    }
    let shipped = document(&[seen(&[ITEM], "shipping")]);
    let path = "/handovers?to=bravo&deadline=3d";
    let accepted = gate.ask("POST", path, &[JSON_LD], &shipped).await;
    assert_eq!(accepted.status, 202, "{}", accepted.body);
    [capture, accepted.header("location").unwrap()]
}

/// Transactions that the gateway's journals remember.
fn journals(node: &Served) -> usize {
    let files = std::fs::read_dir(node.path("jobs")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let journals = paths.filter(|path| path.extension().is_some_and(|end| end == "journal"));
    let counts = journals.map(|path| journal::transactions(&std::fs::read(path).unwrap()));
    counts.sum()
}

/// The gateway was down for longer than a transaction lives, over what it had signed.
#[tokio::test]
async fn what_a_gateway_had_signed_is_signed_afresh_after_a_long_outage() {
    let node = Served::start_on_a_bad_line().await;
    let file = event(&node);
    assert_eq!(node.run_as("acme", &["capture", &file]).await.code, 0);
    node.world().patience = Some(0);
    let (jobs, old) = with_gateway(&node, async |gate| {
        let jobs = hand_in(&node, gate).await;
        let offer = gate.get(&jobs[1]).await.json();
        (jobs, offer["touchstone:transaction"].clone())
    })
    .await;
    node.world().patience = None;
    pass(&node, 25 * HOUR_MS);
    with_gateway(&node, async |gate| {
        for job in &jobs {
            let ended = gate.finished(job).await;
            assert_eq!(ended["success"], true, "{ended}");
        }
        let offer = gate.get(&jobs[1]).await.json();
        let new = &offer["touchstone:transaction"];
        assert!(new.is_string() && *new != old, "{offer}");
        assert_eq!(
            &offer["touchstone:events"][0]["transaction"], new,
            "{offer}"
        );
        let open = gate.get("/handovers").await.json();
        assert_eq!(&open[0]["offer"], new, "{open}");
        assert_eq!(open.as_array().unwrap().len(), 1, "{open}");
    })
    .await;
    assert_eq!(recorded(&node).await, 2, "the first event, and the offer's");
}

/// Waits until a job is held up for a reason with these words.
async fn held_up(gate: &Gate, job: &str, words: &str) {
    loop {
        let job = gate.get(job).await.json();
        assert_eq!(job["running"], true, "{job}");
        if job["touchstone:waiting"]
            .as_str()
            .is_some_and(|why| why.contains(words))
        {
            return;
        }
        tokio::time::sleep(MOMENT).await;
    }
}

/// The offer was recorded, the node denies it for more than a day, and says then that it expired.
#[tokio::test]
async fn an_act_that_is_recorded_is_not_signed_again() {
    let node = Served::start_on_a_bad_line().await;
    let file = event(&node);
    assert_eq!(node.run_as("acme", &["capture", &file]).await.code, 0);
    node.tamper(|status: &mut TransactionStatus| {
        status.status = Some(Status::Unknown(Default::default()));
    });
    let job = with_gateway(&node, async |gate| {
        let shipped = document(&[seen(&[ITEM], "shipping")]);
        let path = "/handovers?to=bravo&deadline=3d";
        let job = gate.ask("POST", path, &[JSON_LD], &shipped).await;
        let job = job.header("location").unwrap();
        held_up(gate, &job, "isn't known").await;
        job
    })
    .await;
    node.tamper(says_expired);
    pass(&node, 25 * HOUR_MS);
    node.world().make_block(&[]);
    with_gateway(&node, async |gate| {
        let old = gate.get(&job).await.json()["touchstone:transaction"].clone();
        held_up(gate, &job, "but it is recorded").await;
        node.world().tamper = None;
        let ended = gate.finished(&job).await;
        assert_eq!(ended["success"], true, "{ended}");
        assert_eq!(ended["touchstone:transaction"], old, "{ended}");
    })
    .await;
    assert_eq!(recorded(&node).await, 2);
}

const DECLARATION: &str = r#"{"product": "https://id.gs1.org/01/09521234500018", "output": 9, "input": 10, "unit": "KGM"}"#;

/// Hands in a declaration of a product, which no event log holds.
async fn declare(gate: &Gate) -> String {
    let form = ["Content-Type: application/json"];
    let job = gate.ask("POST", "/products", &form, DECLARATION).await;
    assert_eq!(job.status, 202, "{}", job.body);
    job.header("location").unwrap()
}

/// A declaration has no events: that the expired one is nowhere is proven by the blocks of its time.
#[tokio::test]
async fn a_declaration_that_expired_is_signed_afresh_once() {
    let node = Served::start_on_a_bad_line().await;
    crate::masterdata::register(&node, "acme", "9521234");
    // The node takes nothing at all.
    let refusals: Vec<_> = (0..10_000).map(|step| (step, Fault::Refuse)).collect();
    node.faults.plan(&refusals);
    let (job, old) = with_gateway(&node, async |gate| {
        let job = declare(gate).await;
        held_up(gate, &job, "away").await;
        let old = gate.get(&job).await.json()["touchstone:transaction"].clone();
        (job, old)
    })
    .await;
    node.faults.calm().await;
    pass(&node, 25 * HOUR_MS);
    node.world().make_block(&[]);
    with_gateway(&node, async |gate| {
        let ended = gate.finished(&job).await;
        assert_eq!(ended["success"], true, "{ended}");
        assert_ne!(ended["touchstone:transaction"], old, "{ended}");
    })
    .await;
    assert_eq!(submissions(&node).1, 2, "the old one, and the new one");
}

/// It was recorded, and the node says otherwise: the blocks show it, and nothing is signed again.
#[tokio::test]
async fn a_declaration_that_a_block_holds_is_not_signed_again() {
    let node = Served::start_on_a_bad_line().await;
    crate::masterdata::register(&node, "acme", "9521234");
    node.tamper(|status: &mut TransactionStatus| {
        status.status = Some(Status::Unknown(Default::default()));
    });
    let job = with_gateway(&node, async |gate| {
        let job = declare(gate).await;
        held_up(gate, &job, "isn't known").await;
        job
    })
    .await;
    node.tamper(says_expired);
    pass(&node, 25 * HOUR_MS);
    node.world().make_block(&[]);
    with_gateway(&node, async |gate| {
        held_up(gate, &job, "but it is recorded").await;
        node.world().tamper = None;
        let ended = gate.finished(&job).await;
        assert_eq!(ended["success"], true, "{ended}");
    })
    .await;
    assert_eq!(submissions(&node).1, 1, "nothing is signed afresh");
}

#[tokio::test]
async fn a_wrong_clock_is_told_and_signs_no_second_transaction() {
    let node = Served::start().await;
    let file = event(&node);
    let_time_pass(2 * HOUR_MS);
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(
        ran.err.contains("transaction-from-the-future (108)"),
        "{ran:?}"
    );
    node.world().later_ms += 4 * DAY_MS;
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.err.contains("transaction-lifetime (107)"), "{ran:?}");
    assert!(ran.err.contains("set this machine's clock"), "{ran:?}");
    assert_eq!(submissions(&node), (2, 2));
    let_time_pass(4 * DAY_MS - 2 * HOUR_MS);
    assert_eq!(node.run_as("acme", &["capture", &file]).await.code, 0);
    assert_eq!(recorded(&node).await, 1);
}

/// A deposit that was refused is signed afresh from its receipt, by its owner's key alone.
#[tokio::test]
async fn a_deposit_that_expired_is_signed_afresh() {
    let node = Served::start().await;
    let front = node.write("front.png", "a chair from the front");
    let folder = node.folder.path().display().to_string();
    let new = node.path("new.pem").display().to_string();
    let made = crate::fake::touchstone(&["key", "new", "--out", &new, "--no-passphrase"]).await;
    assert_eq!(made.code, 0, "{made:?}");
    let deposit = ["deposit", &front, "--receipts", &folder];
    let owner = ["--organisation", "carol", "--key", &new];
    assert_eq!(node.run(&[&deposit[..], &owner].concat()).await.code, 2);
    let entries = std::fs::read_dir(node.folder.path()).unwrap();
    let mut names = entries.map(|entry| entry.unwrap().path().display().to_string());
    let marked = names.find(|name| name.ends_with(".refused")).unwrap();
    assert_eq!(node.run_as("carol", &["keys", "add", &new]).await.code, 0);
    pass(&node, 25 * HOUR_MS);
    let before = std::fs::read_to_string(&marked).unwrap();
    let resend = ["deposit", "--resend", &marked, "--json"];
    let by_other = node.run_as("carol", &resend).await;
    assert_eq!(by_other.code, 1, "{by_other:?}");
    assert!(
        by_other.out.contains("sign it afresh as carol"),
        "{by_other:?}"
    );
    assert_eq!(std::fs::read_to_string(&marked).unwrap(), before);
    let ran = node.run(&[&resend[..], &owner].concat()).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = &ran.json()[0];
    let receipt = std::fs::read_to_string(ran["receipt"].as_str().unwrap()).unwrap();
    assert_ne!(receipt, before);
    assert!(receipt.contains(ran["transaction"].as_str().unwrap()));
    assert_eq!(node.run(&["certificate", &front]).await.code, 0);
}

/// A node's word that a recorded deposit expired, or is refused, makes nothing of its receipt.
#[tokio::test]
async fn a_receipt_of_a_recorded_design_is_never_called_worthless() {
    let node = Served::start().await;
    let front = node.write("front.png", "a chair from the front");
    let folder = node.folder.path().display().to_string();
    let deposit = ["deposit", &front, "--receipts", &folder, "--json"];
    let first = node.run_as("carol", &deposit).await;
    assert_eq!(first.code, 0, "{first:?}");
    let first = first.json().remove(0);
    let receipt = first["receipt"].as_str().unwrap();
    let before = std::fs::read_to_string(receipt).unwrap();
    // To the submission, and to the question that follows it.
    let lies = AtomicUsize::new(2);
    node.tamper(move |status: &mut TransactionStatus| {
        if lies.load(Ordering::SeqCst) > 0 {
            lies.fetch_sub(1, Ordering::SeqCst);
            says_expired(status);
        }
    });
    let resend = ["deposit", "--resend", receipt, "--json"];
    let again = node.run_as("carol", &resend).await;
    assert_eq!(again.code, 0, "{again:?}");
    let again = again.json().remove(0);
    for member in ["design_id", "transaction", "height", "receipt"] {
        assert_eq!(again[member], first[member], "{member}");
    }
    assert_eq!(std::fs::read_to_string(receipt).unwrap(), before);
    assert_eq!(node.world().seen.len(), 2, "nothing is signed afresh");
}
