//! Pages of a long link: each is proven by itself.

use touchstone_proto::ledger::LinkEntry;
use touchstone_proto::node::ItemReply;

use crate::fake::Served;
use crate::items::{ITEM, ITEM_LINK, OTHER, seen};

/// A ledger with 600 events of one item and as many of another.
async fn long_links() -> Served {
    let node = Served::start().await;
    for item in [ITEM, OTHER] {
        let events: Vec<String> = (1..=600)
            .map(|n| seen(&[item], &format!("https://example.org/step/{n}")))
            .collect();
        for some in events.chunks(100) {
            node.world().record("acme", some);
        }
    }
    node.world().page = 256;
    node
}

#[tokio::test]
async fn a_page_says_what_is_proven_and_what_is_not() {
    let node = long_links().await;
    let ran = node.run(&["item", ITEM, "--from", "257"]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        &format!("Item      {ITEM_LINK}\n"),
        "Verdict   VERIFIED: events 257 to 512 of 600 at height 12\n",
        "Proven    these are all events of this place in the item's own link, in order\n",
        "Unproven  the item's other events, and what happened to its containers",
        "As of     block 12, ",
        "Signed    by acme, bravo, carol: 3 of 4 validators",
        "\n257. 257: seen\n",
        "\n512. 512: seen\n",
        "     by        Acme Logistics (acme)\n",
        &format!("Next      touchstone item {ITEM_LINK} --from 513\n"),
    ] {
        assert!(ran.out.contains(part), "{part:?} is not in\n{}", ran.out);
    }
    assert!(!ran.out.contains("complete"), "{}", ran.out);
    assert!(!ran.out.contains("\n256. ") && !ran.out.contains("\n513. "));

    let last = node.run(&["item", ITEM, "--from", "600"]).await;
    assert!(last.out.contains("events 600 to 600 of 600"), "{last:?}");
    assert!(!last.out.contains("Next"), "{last:?}");
    let first = node.run(&["item", ITEM, "--limit", "10"]).await;
    assert!(first.out.contains("events 1 to 10 of 600"), "{first:?}");
    // Without a page, the whole link.
    let whole = node.run(&["item", ITEM]).await;
    let verdict = "VERIFIED complete: 600 events of its own at height 12\n";
    assert!(whole.out.contains(verdict), "{whole:?}");
}

#[tokio::test]
async fn a_page_for_programs() {
    let node = long_links().await;
    let page = ["item", ITEM, "--from", "300", "--limit", "2", "--json"];
    let ran = node.run(&page).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let value = &ran.json()[0];
    assert_eq!(value["verified"], true);
    assert_eq!(value["complete"], false);
    assert_eq!(value["containers_read"], false);
    assert_eq!((&value["from"], &value["to"]), (&300.into(), &301.into()));
    assert_eq!(value["of"], 600);
    assert_eq!(value["header"]["height"], 12);
    let events = value["events"].as_array().unwrap();
    assert_eq!(events.len(), 2);
    for (event, n) in events.iter().zip(300..) {
        assert!(event.get("inside").is_none());
        let text = event["text"].as_str().unwrap();
        assert!(text.contains(&format!("step/{n}\"")), "{text}");
    }
    let all = node.run(&["item", ITEM, "--limit", "1000", "--json"]).await;
    assert_eq!(all.json()[0]["complete"], true);
}

#[tokio::test]
async fn what_is_beyond_the_end_is_proven_not_to_be_there() {
    let node = long_links().await;
    let ran = node.run(&["item", ITEM, "--from", "601"]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let message = "NOT RECORDED: https://id.gs1.org/01/09521234500018/21/A1 has 600 events; none has \
                   number 601, proven absent at height 12";
    assert!(ran.err.contains(message), "{ran:?}");
    let never = ITEM.replace("A1", "Z9");
    let ran = node.run(&["item", &never, "--from", "1", "--json"]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(ran.json()[0]["verified"], true);
}

/// What a node answers to one question, kept for another.
async fn kept(node: &Served, question: &[&str]) -> ItemReply {
    let answer = std::sync::Arc::new(std::sync::Mutex::new(None::<ItemReply>));
    let seen = answer.clone();
    node.tamper(move |reply: &mut ItemReply| *seen.lock().unwrap() = Some(reply.clone()));
    assert_eq!(node.run(question).await.code, 0);
    let kept = answer.lock().unwrap().clone();
    kept.unwrap()
}

type Bend = fn(&mut ItemReply);

fn first_head(reply: &mut ItemReply) -> &mut Vec<u8> {
    let proof = reply.proof.as_mut().unwrap();
    &mut proof.first.as_mut().unwrap().head
}

#[tokio::test]
async fn every_bent_page_is_refused() {
    use prost::Message;
    let table: &[(&str, &str, Bend)] = &[
        ("a dropped event", "page", |r| drop(r.events.remove(3))),
        ("the last event dropped", "page", |r| drop(r.events.pop())),
        ("all events dropped", "page", |r| r.events.clear()),
        ("events swapped", "page", |r| r.events.swap(3, 4)),
        ("an edited event", "page", |r| r.events[3].event.push(b' ')),
        ("an invented event", "page", |r| {
            let entry = &mut r.events[3].entry;
            let mut invented = LinkEntry::decode(entry.as_slice()).unwrap();
            invented.organisation = "bravo".into();
            *entry = invented.encode_to_vec();
        }),
        ("no proof", "page", |r| r.proof = None),
        ("another head", "page", |r| first_head(r)[0] ^= 1),
        ("no head", "page", |r| {
            r.proof.as_mut().unwrap().first = None;
        }),
        ("a bare entry less", "page", |r| {
            r.proof.as_mut().unwrap().before.pop();
        }),
        ("another place", "contradiction", |r| r.from += 1),
        ("another record", "state-proof", |r| {
            r.record.as_mut().unwrap().value.as_mut().unwrap()[4] ^= 1;
        }),
        ("no header", "certified-header", |r| {
            r.record.as_mut().unwrap().header = None;
        }),
    ];
    let node = long_links().await;
    let question = ["item", ITEM, "--from", "300", "--limit", "10"];
    assert_eq!(node.run(&question).await.code, 0);
    for (what, check, bend) in table {
        node.tamper(*bend);
        let ran = node.run(&[&question[..], &["--json"]].concat()).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        assert_eq!(ran.json()[0]["check"], **check, "{what}: {ran:?}");
        let ran = node.run(&question).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        assert!(ran.err.contains("NOT VERIFIED"), "{what}: {ran:?}");
        assert_eq!(ran.out, "", "{what}");
    }
}

#[tokio::test]
async fn a_page_of_another_item_place_or_height_does_not_pass() {
    let node = long_links().await;
    let question = ["item", ITEM, "--from", "300", "--limit", "10"];
    let genuine = kept(&node, &question).await;
    // Another item's events under this item's record.
    let other = kept(&node, &["item", OTHER, "--from", "300", "--limit", "10"]).await;
    let forged = ItemReply {
        record: genuine.record.clone(),
        ..other
    };
    // The last head that the state holds, of the same entries, under a later header.
    node.world().record("acme", &[seen(&[ITEM], "shipping")]);
    let later = kept(&node, &question).await;
    let mixed = ItemReply {
        record: later.record,
        ..genuine.clone()
    };
    // More than was asked for.
    let longer = kept(&node, &["item", ITEM, "--from", "300", "--limit", "11"]).await;
    for (what, reply, check) in [
        ("another item", forged, "page"),
        ("another height", mixed, "page"),
        ("a longer page", longer, "contradiction"),
    ] {
        node.tamper(move |answer: &mut ItemReply| *answer = reply.clone());
        // Of a client that proved nothing before.
        let cache = node.path(what).display().to_string();
        let options = ["--json", "--cache", &cache];
        let ran = node.run(&[&question[..], &options].concat()).await;
        assert_eq!(ran.code, 3, "{what}: {ran:?}");
        assert_eq!(ran.json()[0]["check"], check, "{what}: {ran:?}");
    }
}
