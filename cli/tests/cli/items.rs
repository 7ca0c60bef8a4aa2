//! Item links: verified, bent and absent.

use std::sync::atomic::{AtomicUsize, Ordering};

use touchstone_proto::node::{ItemReply, StateReply};

use crate::fake::Served;

pub const ITEM: &str = "urn:epc:id:sgtin:9521234.050001.A1";
pub const ITEM_LINK: &str = "https://id.gs1.org/01/09521234500018/21/A1";
pub const OTHER: &str = "urn:epc:id:sgtin:9521234.050001.B2";
pub const CASE: &str = "urn:epc:id:sscc:9521234.0000000015";
pub const CASE_LINK: &str = "https://id.gs1.org/00/095212340000000150";
pub const PALLET: &str = "urn:epc:id:sscc:9521234.0000000022";

fn event(body: &str) -> String {
    format!(
        r#"{{"@context":["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],"eventTime":"2026-01-01T08:30:00+08:00","eventTimeZoneOffset":"+08:00",{body}}}"#
    )
}

pub fn seen(items: &[&str], step: &str) -> String {
    event(&format!(
        r#""type":"ObjectEvent","action":"OBSERVE","bizStep":"{step}","epcList":{}"#,
        serde_json::json!(items)
    ))
}

pub fn aggregation(action: &str, parent: &str, children: &[&str]) -> String {
    event(&format!(
        r#""type":"AggregationEvent","action":"{action}","parentID":"{parent}","childEPCs":{}"#,
        serde_json::json!(children)
    ))
}

/// The steps of an item as (business step or deed, containers).
async fn steps(node: &Served, item: &str) -> Vec<(String, usize)> {
    let ran = node.run(&["item", item, "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let value = &ran.json()[0];
    assert_eq!(value["verified"], true);
    value["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let text: serde_json::Value =
                serde_json::from_str(step["text"].as_str().unwrap()).unwrap();
            let deed = text["bizStep"]
                .as_str()
                .or(text["action"].as_str())
                .unwrap();
            (deed.to_owned(), step["inside"].as_array().unwrap().len())
        })
        .collect()
}

fn told(list: &[(&str, usize)]) -> Vec<(String, usize)> {
    list.iter().map(|(s, n)| ((*s).to_owned(), *n)).collect()
}

#[tokio::test]
async fn a_link_of_several_pages_is_told_completely() {
    let node = Served::start().await;
    for step in ["commissioning", "storing", "picking", "packing", "shipping"] {
        node.world().record("acme", &[seen(&[ITEM], step)]);
    }
    node.world()
        .claim("bravo", &seen(&[ITEM, OTHER], "receiving"));
    let ran = node.run(&["item", ITEM]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let expected = [
        &format!("Item      {ITEM_LINK}\n"),
        "Verdict   VERIFIED complete: 6 events of its own at height 6\n",
        "As of     block 6, 2026-01-01 00:00:06.000 UTC (49 min ago)\n",
        "Signed    by acme, bravo, carol: 3 of 4 validators, 3 of 4 voting power\n",
        "State     received\n",
        "Holder    Bravo Retail (bravo), by its own word alone since block 6 (one-sided: ",
        "Claimed   one-sided by Acme Logistics (acme) since block 1: it held it by its own word ",
        "  1. commissioning: seen\n     recorded  2026-01-01 00:00:01.000 UTC at 1/0/0\n",
        "     happened  2026-01-01T08:30:00+08:00 (local offset +08:00)\n",
        "     by        Acme Logistics (acme)\n",
        "  6. receiving: seen\n",
        "     by        Bravo Retail (bravo)\n",
    ];
    for part in expected {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    assert!(!ran.out.contains("Inside"), "{}", ran.out);
    // Any spelling of the identifier finds it.
    let other_spelling = node.run(&["item", &format!("{ITEM_LINK}?x=1")]).await;
    assert_eq!(other_spelling.out, ran.out);
}

#[tokio::test]
async fn questions_after_the_first_go_on_a_stream_and_are_checked_as_calls_are() {
    let node = Served::start().await;
    for step in [
        "commissioning",
        "storing",
        "picking",
        "packing",
        "shipping",
        "receiving",
        "retail_selling",
    ] {
        node.world().record("acme", &[seen(&[ITEM], step)]);
    }
    let called = node.run(&["item", ITEM]).await;
    node.world().takes_streams = true;
    let streamed = node.run(&["item", ITEM]).await;
    assert_eq!((streamed.code, streamed.out), (0, called.out));
    assert!(node.world().streamed >= 2, "all pages after the first");
    let heard = AtomicUsize::new(0);
    node.tamper(move |reply: &mut ItemReply| {
        if heard.fetch_add(1, Ordering::Relaxed) > 0 {
            reply.events[0].event.push(b' ');
        }
    });
    assert_eq!(node.run(&["item", ITEM]).await.code, 3);
}

#[tokio::test]
async fn what_is_not_recorded_is_proven_absent() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let ran = node.run(&["item", OTHER]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("proven absent at height 1"), "{ran:?}");
    assert!(ran.err.contains("as of 49 min ago"), "{ran:?}");
    assert_eq!(ran.out, "");
    let json = node.run(&["item", OTHER, "--json"]).await.json();
    let other_link = ITEM_LINK.replace("A1", "B2");
    assert_eq!(json[0]["id"], other_link.as_str());
    assert_eq!(
        (&json[0]["height"], &json[0]["verified"]),
        (&1.into(), &true.into())
    );
    assert_eq!(
        (&json[0]["error"], &json[0]["exit_code"]),
        (&"not-found".into(), &4.into())
    );
    let bad = node.run(&["item", "no identifier"]).await;
    assert_eq!(bad.code, 1, "{bad:?}");
}

#[tokio::test]
async fn an_item_inherits_the_moves_of_its_containers_while_inside() {
    let node = Served::start().await;
    let events = [
        seen(&[ITEM], "commissioning"),
        seen(&[CASE], "holding"), // before packing: not the item's
        aggregation("ADD", PALLET, &[CASE]), // the case goes on the pallet first
        aggregation("ADD", CASE, &[ITEM]),
        seen(&[CASE], "loading"),               // inherited from the case
        seen(&[PALLET], "shipping"),            // inherited through both
        aggregation("DELETE", PALLET, &[CASE]), // the case's own event
        seen(&[PALLET], "departing"),           // no more
        aggregation("DELETE", CASE, &[ITEM]),
        seen(&[CASE], "destroying"), // no more
        seen(&[ITEM], "receiving"),
    ];
    for e in &events {
        node.world().record("acme", std::slice::from_ref(e));
    }
    assert_eq!(
        steps(&node, ITEM).await,
        told(&[
            ("commissioning", 0),
            ("ADD", 0),
            ("loading", 1),
            ("shipping", 2),
            ("DELETE", 1),
            ("DELETE", 0),
            ("receiving", 0),
        ])
    );
}

#[tokio::test]
async fn emptying_a_container_ends_the_stay() {
    let node = Served::start().await;
    node.world().record(
        "acme",
        &[
            aggregation("ADD", CASE, &[ITEM, OTHER]),
            seen(&[CASE], "shipping"),
            aggregation("DELETE", CASE, &[]),
            seen(&[CASE], "storing"),
            aggregation("ADD", PALLET, &[ITEM]),
            seen(&[PALLET], "loading"),
        ],
    );
    assert_eq!(
        steps(&node, ITEM).await,
        told(&[
            ("ADD", 0),
            ("shipping", 1),
            ("DELETE", 1),
            ("ADD", 0),
            ("loading", 1)
        ])
    );
    let ran = node.run(&["item", ITEM]).await;
    let inside = "Inside    https://id.gs1.org/00/095212340000000228\n";
    assert!(ran.out.contains(inside), "{}", ran.out);
    let gone = node.run(&["item", OTHER]).await;
    assert!(!gone.out.contains("\nInside "), "{}", gone.out);
    assert!(
        gone.out.contains(&format!("     inside    {CASE_LINK}\n")),
        "{}",
        gone.out
    );
}

#[tokio::test]
async fn new_validators_are_followed_from_genesis() {
    let node = Served::start().await;
    let change = touchstone_proto::ledger::Change {
        sequence: 0,
        kind: Some(touchstone_proto::ledger::change::Kind::PutValidator(
            touchstone_proto::ledger::Validator {
                public_key: crate::fake::key(200).verifying_key().to_bytes().to_vec(),
                power: 4,
                organisation: "acme".into(),
            },
        )),
    };
    for organisation in ["acme", "bravo", "carol"] {
        let approve = touchstone_proto::ledger::ApproveChange {
            change: Some(change.clone()),
        };
        node.world().act(
            organisation,
            touchstone_proto::ledger::transaction::Action::ApproveChange(approve),
        );
    }
    node.world().voters = vec![101, 102, 200];
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let ran = node.run(&["item", ITEM]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(
        ran.out.contains("3 of 5 validators, 6 of 8 voting power"),
        "{}",
        ran.out
    );

    // Without the hand-over, the new validators are strangers.
    std::fs::remove_dir_all(node.path("cache")).unwrap();
    node.tamper(
        |reply: &mut touchstone_proto::node::ValidatorSetChangesReply| reply.changes.clear(),
    );
    let ran = node.run(&["item", ITEM]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.err.contains("validator set that isn't proven"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn retired_validators_cannot_speak_for_today() {
    let node = Served::start().await;
    let change = touchstone_proto::ledger::Change {
        sequence: 0,
        kind: Some(touchstone_proto::ledger::change::Kind::RemoveValidator(
            crate::fake::key(104).verifying_key().to_bytes().to_vec(),
        )),
    };
    for organisation in ["acme", "bravo", "carol"] {
        let approve = touchstone_proto::ledger::ApproveChange {
            change: Some(change.clone()),
        };
        node.world().act(
            organisation,
            touchstone_proto::ledger::transaction::Action::ApproveChange(approve),
        );
    }
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    assert_eq!(node.run(&["item", ITEM]).await.code, 0);
    // A header of today that names the genesis set, whoever signed it.
    let genesis_hash = node.world().genesis.validators.hash().to_vec();
    node.tamper(move |reply: &mut ItemReply| {
        use prost::Message;
        let header = reply.record.as_mut().unwrap().header.as_mut().unwrap();
        let mut message =
            touchstone_proto::ledger::Header::decode(header.header.as_slice()).unwrap();
        message.validators_hash = genesis_hash.clone();
        header.header = message.encode_to_vec();
    });
    let ran = node.run(&["item", ITEM]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(
        ran.err.contains("validator set that isn't proven"),
        "{ran:?}"
    );
}

type Bend = fn(&mut ItemReply);

fn record(reply: &mut ItemReply) -> &mut StateReply {
    reply.record.as_mut().unwrap()
}

/// Every field of the answer that is bent leads to code 3 and the check's name.
#[tokio::test]
async fn every_bent_answer_is_refused() {
    let table: &[(&str, &str, Bend)] = &[
        ("no header", "certified-header", |r| record(r).header = None),
        ("a header byte", "certified-header", |r| {
            let header = record(r).header.as_mut().unwrap();
            let last = header.header.len() - 1;
            header.header[last] ^= 1;
        }),
        ("no certificate", "certified-header", |r| {
            record(r).header.as_mut().unwrap().certificate = None;
        }),
        ("a certificate's signature", "certified-header", |r| {
            let header = record(r).header.as_mut().unwrap();
            header.certificate.as_mut().unwrap().signatures[0].signature[3] ^= 1;
        }),
        ("too few signatures", "certified-header", |r| {
            let header = record(r).header.as_mut().unwrap();
            header.certificate.as_mut().unwrap().signatures.pop();
        }),
        ("a signature twice", "certified-header", |r| {
            let header = record(r).header.as_mut().unwrap();
            let signatures = &mut header.certificate.as_mut().unwrap().signatures;
            signatures[1] = signatures[0].clone();
        }),
        ("the certificate's block", "certified-header", |r| {
            let header = record(r).header.as_mut().unwrap();
            header.certificate.as_mut().unwrap().block_id[0] ^= 1;
        }),
        ("the value", "state-proof", |r| {
            record(r).value.as_mut().unwrap()[4] ^= 1;
        }),
        ("a claim of absence", "state-proof", |r| {
            record(r).value = None;
            r.events.clear();
        }),
        ("a sibling", "state-proof", |r| {
            record(r).proof.as_mut().unwrap().siblings[0][0] ^= 1;
        }),
        ("a missing sibling", "state-proof", |r| {
            record(r).proof.as_mut().unwrap().siblings.pop();
        }),
        ("no proof", "state-proof", |r| record(r).proof = None),
        ("another key", "state-proof", |r| record(r).key.push(b'x')),
        ("no record", "missing", |r| r.record = None),
        ("a dropped event", "page", |r| {
            if r.events.len() > 1 {
                r.events.remove(1);
            }
        }),
        ("all events dropped", "complete-link", |r| r.events.clear()),
        ("events swapped", "complete-link", |r| r.events.swap(0, 1)),
        ("an edited event", "complete-link", |r| {
            r.events[1].event.push(b' ');
        }),
        ("an edited entry", "complete-link", |r| {
            let last = r.events[1].entry.len() - 1;
            r.events[1].entry[last] ^= 1;
        }),
        ("an added event", "complete-link", |r| {
            let again = r.events[0].clone();
            r.events.push(again);
        }),
        ("another page", "contradiction", |r| r.from += 1),
    ];
    let node = Served::start().await;
    for step in ["commissioning", "storing", "shipping"] {
        node.world().record("acme", &[seen(&[ITEM], step)]);
    }
    assert_eq!(node.run(&["item", ITEM]).await.code, 0);
    for (what, check, bend) in table {
        node.tamper(*bend);
        let ran = node.run(&["item", ITEM, "--json"]).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        let answer = &ran.json()[0];
        assert_eq!(answer["check"], **check, "{what}: {answer}");
        let ran = node.run(&["item", ITEM]).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        assert!(ran.err.contains("NOT VERIFIED"), "{what}: {ran:?}");
        assert!(!ran.out.contains("VERIFIED"), "{what}: {ran:?}");
    }
}

/// Whoever answers junk, page after page, isn't listened to until all of it is there.
#[tokio::test]
async fn a_page_that_is_bent_is_the_last_one_that_is_asked_for() {
    let node = Served::start().await;
    for _ in 0..4 {
        for step in ["storing", "shipping"] {
            node.world().record("acme", &[seen(&[ITEM], step)]);
        }
    }
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counted = asked.clone();
    node.tamper(move |reply: &mut ItemReply| {
        counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        reply.events[0].event.push(b' ');
    });
    let ran = node.run(&["item", ITEM, "--json"]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert_eq!(ran.json()[0]["check"], "page", "{ran:?}");
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
    node.world().tamper = None;
    let ran = node.run(&["item", ITEM, "--json"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()[0]["steps"].as_array().map(Vec::len), Some(8));
}

#[tokio::test]
async fn a_wrong_record_of_another_item_does_not_pass() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    node.world().record("acme", &[seen(&[OTHER], "shipping")]);
    let served = std::sync::Arc::new(std::sync::Mutex::new(None::<ItemReply>));
    let kept = served.clone();
    node.tamper(move |reply: &mut ItemReply| *kept.lock().unwrap() = Some(reply.clone()));
    assert_eq!(node.run(&["item", OTHER]).await.code, 0);
    let other = served.lock().unwrap().clone().unwrap();
    node.tamper(move |reply: &mut ItemReply| *reply = other.clone());
    let ran = node.run(&["item", ITEM]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("another key"), "{ran:?}");
}

#[tokio::test]
async fn another_genesis_document_verifies_nothing() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let mut other: touchstone_core::genesis::Document =
        serde_json::from_slice(&node.world().genesis_bytes).unwrap();
    other.chain = "impostor".into();
    std::fs::write(node.path("genesis.json"), other.to_bytes()).unwrap();
    let ran = node.run(&["item", ITEM]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.err.contains("another chain"), "{ran:?}");
}

#[tokio::test]
async fn a_node_that_is_away_is_code_5() {
    let node = Served::start().await;
    let options = node.options();
    let genesis = options.iter().position(|o| o == "--genesis").unwrap();
    let genesis = options[genesis + 1].clone();
    // Kept, so that nobody else is given it, and not listened on.
    let silent = tokio::net::TcpSocket::new_v4().unwrap();
    silent.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let free = format!("http://{}", silent.local_addr().unwrap());
    let ran =
        crate::fake::touchstone(&["item", ITEM, "--node", &free, "--genesis", &genesis]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("no connection"), "{ran:?}");
}

/// The fake's last block is 49 minutes old.
#[tokio::test]
async fn an_old_answer_is_warned_of() {
    let node = Served::start().await;
    node.world().record("acme", &[seen(&[ITEM], "storing")]);
    let options = node.options();
    let acme = node.path("acme.pem").display().to_string();
    let node_and_genesis = options[..options.len() - 2].iter().map(String::as_str);
    for (verb, code) in [
        (&["item", ITEM][..], 0),
        (&["item", OTHER], 4),
        (&["status"], 0),
        (&["item", ITEM, "--from", "1"], 0),
        (&["validators"], 0),
        (&["validators", "--json"], 0),
        (&["block", "1"], 0),
        (&["keys", "check", &acme, "--of", "acme"], 0),
        (&["organisations"], 0),
        (&["organisations", "acme"], 0),
        (&["blocks"], 0),
    ] {
        let mut arguments = verb.to_vec();
        arguments.extend(node_and_genesis.clone());
        let fresh = [&arguments[..], &["--max-age", "7200"]].concat();
        let ran = crate::fake::touchstone(&fresh).await;
        assert_eq!(
            (ran.code, ran.err.contains("warning")),
            (code, false),
            "{ran:?}"
        );
        let ran = crate::fake::touchstone(&arguments).await;
        assert_eq!(ran.code, code, "{ran:?}");
        let warning = "warning: this is as of block 1, 49 min ago (--max-age allows 5 min)";
        assert!(ran.err.contains(warning), "{verb:?}: {ran:?}");
    }
}
