//! Traces and recalls: proven link by link, or told by the node.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use touchstone_epcis::Identifier;
use touchstone_proto::ledger;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::node::{ItemReply, ItemsReply, OtherLeaf, TraceReply};

use crate::fake::{Ran, Served};
use crate::items::{CASE, CASE_LINK, ITEM, ITEM_LINK, OTHER, PALLET, aggregation, seen};
use crate::masterdata::register;

const LOT: &str = "urn:epc:class:lgtin:9521234.050002.L7";
const LOT_LINK: &str = "https://id.gs1.org/01/09521234500025/10/L7";
const OTHER_LINK: &str = "https://id.gs1.org/01/09521234500018/21/B2";
const PLACE: &str = "https://id.gs1.org/414/9521234000013";

fn event(event_type: &str, fields: Value) -> String {
    let mut event = json!({
        "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],
        "type": event_type,
        "eventTime": "2026-01-01T08:30:00+08:00",
        "eventTimeZoneOffset": "+08:00",
    });
    let members = event.as_object_mut().unwrap();
    members.extend(fields.as_object().unwrap().clone());
    event.to_string()
}

/// A lot comes into being, two units are made of it, one is packed, the case is packed and moves.
async fn story(node: &Served) {
    let amount = |quantity: u32| json!([{ "epcClass": LOT, "quantity": quantity, "uom": "KGM" }]);
    let events = [
        event(
            "ObjectEvent",
            json!({
                "action": "ADD", "bizStep": "commissioning", "quantityList": amount(10),
            }),
        ),
        event(
            "TransformationEvent",
            json!({ "inputQuantityList": amount(8), "outputEPCList": [ITEM, OTHER] }),
        ),
        aggregation("ADD", CASE, &[ITEM]),
        aggregation("ADD", PALLET, &[CASE]),
        event(
            "ObjectEvent",
            json!({
                "action": "OBSERVE", "bizStep": "shipping", "epcList": [PALLET],
                "readPoint": { "id": PLACE },
            }),
        ),
    ];
    for (n, event) in events.iter().enumerate() {
        let file = node.write(&format!("{n}.json"), event);
        let ran = node
            .run(&[
                "capture",
                &file,
                "--organisation",
                "acme",
                "--key",
                &key(node),
            ])
            .await;
        assert_eq!(ran.code, 0, "{ran:?}");
    }
}

fn key(node: &Served) -> String {
    node.path("acme.pem").display().to_string()
}

fn ids(ran: &Ran) -> Vec<String> {
    assert_eq!(ran.code, 0, "{ran:?}");
    let value: &Value = &ran.json()[0];
    let items = value["items"].as_array().unwrap();
    items
        .iter()
        .map(|i| i["id"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_recall_lists_what_was_made_of_a_lot_and_who_has_it() {
    let node = Served::start().await;
    // Of what is left of a lot, the ledger keeps account under a registered prefix: three blocks.
    register(&node, "acme", "9521234");
    story(&node).await;
    let ran = node.run(&["recall", LOT, "--json"]).await;
    assert_eq!(ids(&ran), [LOT_LINK, ITEM_LINK, OTHER_LINK]);
    let value = &ran.json()[0];
    assert_eq!(
        (&value["verified"], &value["complete"]),
        (&true.into(), &true.into())
    );
    assert_eq!(value["height"], 8);
    let (lot, unit) = (&value["items"][0], &value["items"][1]);
    assert_eq!(lot["stock"]["holdings"][0]["amount"], "2");
    assert_eq!(unit["holder"], "acme");
    assert_eq!(unit["state"], "shipped");
    assert_eq!(unit["last_place"], PLACE);
    assert_eq!(unit["inside"][0], CASE_LINK);
    assert_eq!(unit["edge"]["way"], "transformed");
    assert_eq!(
        (&unit["edge"]["height"], &unit["edge"]["event"]),
        (&5.into(), &0.into())
    );
    // The node's own walk says the same, and is told apart.
    let told = node.run(&["recall", LOT, "--json", "--unproven"]).await;
    assert_eq!(ids(&told), ids(&ran));
    assert_eq!(told.json()[0]["verified"], false);
    let read = node.run(&["recall", LOT]).await;
    assert!(
        read.out
            .contains("VERIFIED: complete: 3 things as of block 8"),
        "{}",
        read.out
    );
    assert!(
        read.out.contains("Acme Logistics (acme) has 3 things:"),
        "{}",
        read.out
    );
    assert!(
        read.out
            .contains("  2 kg of https://id.gs1.org/01/09521234500025/10/L7: lot"),
        "{}",
        read.out
    );
    let read = node.run(&["recall", LOT, "--unproven"]).await;
    assert!(
        read.out.contains("UNPROVEN: the node's word"),
        "{}",
        read.out
    );
}

#[tokio::test]
async fn a_recall_opens_in_a_spreadsheet() {
    let node = Served::start().await;
    // The owner of the prefix names the product, which the spreadsheet shows beside each unit.
    register(&node, "acme", "9521234");
    story(&node).await;
    let set = [
        "masterdata",
        "set",
        crate::masterdata::PRODUCT,
        "--name",
        "Table lamp",
    ];
    assert_eq!(node.run_as("acme", &set).await.code, 0);
    let file = node.path("recall.csv").display().to_string();
    assert_eq!(node.run(&["recall", LOT, "-o", &file]).await.code, 0);
    let bytes = std::fs::read(&file).unwrap();
    let text = std::str::from_utf8(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap()).unwrap();
    assert!(text.ends_with("\r\n"));
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().unwrap().clone();
    let column = |name: &str| header.iter().position(|h| h == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    let cell = |row: usize, name: &str| rows[row].get(column(name)).unwrap().to_owned();
    assert_eq!(cell(0, "amount"), "2 kg");
    assert_eq!(cell(1, "identifier"), ITEM_LINK);
    assert_eq!(cell(1, "holder name"), "Acme Logistics");
    assert_eq!(cell(1, "last place"), PLACE);
    assert_eq!(cell(1, "last seen (UTC)"), "2026-01-01 00:30:00.000");
    assert_eq!(cell(1, "in container"), CASE_LINK);
    assert_eq!(cell(1, "way"), "made of it");
    assert_eq!(cell(1, "name"), "Table lamp");
    assert_eq!(cell(1, "name stated by"), "acme");
    assert_eq!(cell(1, "last place name"), "");
    let proven: u64 = cell(1, "proven at block").parse().unwrap();
    assert!(proven >= 5, "{proven}");
    // It isn't overwritten by accident.
    assert_eq!(node.run(&["recall", LOT, "-o", &file]).await.code, 1);
    assert_eq!(
        node.run(&["recall", LOT, "-o", &file, "--force"])
            .await
            .code,
        0
    );
}

#[tokio::test]
async fn a_trace_reads_as_a_tree_both_ways() {
    let node = Served::start().await;
    story(&node).await;
    let ran = node.run(&["trace", LOT]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let line = ran.out.lines().find(|l| l.contains(ITEM_LINK)).unwrap();
    let told =
        "unit; shipped; with Acme Logistics (acme); last seen 2026-01-01 00:30:00.000 UTC at";
    let start = format!("  made into {ITEM_LINK}: {told}");
    assert!(line.starts_with(&start), "{line}");
    let ran = node.run(&["trace", PALLET, "--backward"]).await;
    let lines: Vec<&str> = ran
        .out
        .lines()
        .skip(5)
        .map(|l| l.split(": ").next().unwrap())
        .collect();
    assert_eq!(
        lines,
        [
            "https://id.gs1.org/00/095212340000000228",
            "  holds https://id.gs1.org/00/095212340000000150",
            "    holds https://id.gs1.org/01/09521234500018/21/A1",
            "      made of 8 kg of https://id.gs1.org/01/09521234500025/10/L7",
        ]
        .map(|l| l.replace("095212340000000228", &PALLET_DIGITS()))
    );
}

#[allow(non_snake_case, reason = "a constant that must be computed")]
fn PALLET_DIGITS() -> String {
    let id = touchstone_epcis::Identifier::parse(PALLET).unwrap();
    id.as_str().rsplit('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn limits_and_what_is_not_there_are_told() {
    let node = Served::start().await;
    story(&node).await;
    let ran = node.run(&["recall", LOT, "--limit", "2"]).await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.out.contains("CUT SHORT"), "{}", ran.out);
    assert!(
        ran.err
            .contains("1 connection was not followed: 1 beyond --limit 2"),
        "{}",
        ran.err
    );
    // The file says so itself: who opens it doesn't see the exit code.
    let file = node.path("cut.csv").display().to_string();
    let ran = node
        .run(&["recall", LOT, "--limit", "2", "-o", &file])
        .await;
    assert_eq!(ran.code, 6, "{ran:?}");
    let written = std::fs::read_to_string(&file).unwrap();
    let told = "\r\nCUT SHORT: 1 connection was not followed: 1 beyond --limit 2 things; raise the limit,,";
    assert!(written.contains(told), "{written}");
    let mut rows = csv::Reader::from_path(&file).unwrap();
    assert!(rows.records().all(|row| row.is_ok()), "{written}");
    let ran = node
        .run(&["trace", PALLET, "--backward", "--depth", "1"])
        .await;
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(
        ran.err.contains("more than --depth 1 steps away"),
        "{}",
        ran.err
    );
    let ran = node
        .run(&["recall", "urn:epc:id:sgtin:9521234.050001.none"])
        .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.err.contains("NOT RECORDED"), "{}", ran.err);
    let ran = node
        .run(&[
            "recall",
            "urn:epc:id:sgtin:9521234.050001.none",
            "--unproven",
        ])
        .await;
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(node.run(&["recall", "no identifier"]).await.code, 1);
}

/// A node that leaves an event out or changes one is found out; one whose word is taken isn't.
#[tokio::test]
async fn a_node_that_leaves_something_out_is_found_out() {
    let node = Served::start().await;
    story(&node).await;
    node.tamper(|reply: &mut ItemsReply| {
        reply.events.pop();
    });
    assert_eq!(node.run(&["recall", LOT]).await.code, 3);
    node.tamper(|reply: &mut ItemsReply| {
        if let Some(event) = reply.events.last_mut() {
            let text = String::from_utf8(event.event.clone()).unwrap();
            event.event = text.replace("050001.B2", "050001.B3").into_bytes();
        }
    });
    assert_eq!(node.run(&["recall", LOT]).await.code, 3);
    node.tamper(|reply: &mut TraceReply| {
        reply.items.pop();
    });
    let ran = node.run(&["recall", LOT, "--json"]).await;
    assert_eq!(ids(&ran).len(), 3);
    let ran = node.run(&["recall", LOT, "--json", "--unproven"]).await;
    assert_eq!(ids(&ran).len(), 2);
}

#[tokio::test]
async fn a_trace_that_tells_nothing_ends() {
    let node = Served::start().await;
    story(&node).await;
    node.tamper(|reply: &mut TraceReply| *reply = TraceReply::default());
    let ran = node.run(&["recall", LOT, "--unproven"]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("pieces with nothing in them"), "{ran:?}");
}

/// The proven value of an answer.
fn value(reply: &mut ItemReply) -> &mut Option<Vec<u8>> {
    &mut reply.record.as_mut().unwrap().value
}

type Bend = fn(&mut ItemReply);

const BENDS: [(&str, Bend); 9] = [
    ("the first event left out", |r| drop(r.events.remove(0))),
    ("the last event left out", |r| drop(r.events.pop())),
    ("all events left out", |r| r.events.clear()),
    ("an event invented", |r| r.events.push(r.events[0].clone())),
    ("an event changed", |r| r.events[0].event.push(b' ')),
    ("an entry changed", |r| r.events[0].entry[9] ^= 1),
    ("the thing hidden", |r| {
        *value(r) = None;
        r.events.clear();
    }),
    ("a holder changed", |r| {
        let value = value(r).as_mut().unwrap();
        let at = value.windows(4).position(|w| w == b"acme").unwrap();
        value[at..at + 4].copy_from_slice(b"evil");
    }),
    ("a header left out", |r| {
        r.record.as_mut().unwrap().header = None;
    }),
];

/// A node of before, or for everybody, is asked about each thing by itself. Whatever it bends, from whichever answer on
/// (one that was bent once is asked for again, page by page): nothing is left out, invented or changed.
#[tokio::test]
async fn every_answer_of_an_older_node_that_is_bent_is_found_out() {
    let node = Served::start().await;
    // The lot's record names its holder.
    register(&node, "acme", "9521234");
    story(&node).await;
    let new = node.run(&["recall", LOT, "--json"]).await;
    node.world().is_older = true;
    let old = node.run(&["recall", LOT, "--json"]).await;
    assert_eq!((old.code, ids(&old)), (0, ids(&new)));
    let heard = Arc::new(AtomicUsize::new(0));
    let counting = heard.clone();
    node.tamper(move |_: &mut ItemReply| {
        counting.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(node.run(&["recall", LOT]).await.code, 0);
    let answers = heard.load(Ordering::Relaxed);
    assert!(answers >= 5, "the lot, two units, a case and a pallet");
    for (what, bend) in BENDS {
        for wanted in 0..answers {
            let heard = AtomicUsize::new(0);
            node.tamper(move |reply: &mut ItemReply| {
                if heard.fetch_add(1, Ordering::Relaxed) >= wanted {
                    bend(reply);
                }
            });
            let ran = node.run(&["recall", LOT]).await;
            assert_eq!(ran.code, 3, "{what} from answer {wanted} on: {ran:?}");
        }
    }
}

type BendMany = fn(&mut ItemsReply);

/// Bends of an answer about several things, which has one item asked for and some events at least.
const BENDS_OF_MANY: [(&str, BendMany); 22] = [
    ("an event left out", |r| drop(r.events.pop())),
    ("an event invented", |r| r.events.push(r.events[0].clone())),
    ("an event changed", |r| r.events[0].event.push(b' ')),
    ("an entry changed", |r| r.events[0].entry[9] ^= 1),
    ("an item's event left out", |r| {
        match r.items[0].events.len() {
            // None at all would send the client to pages, which aren't bent.
            0 | 1 => r.header = None,
            _ => _ = r.items[0].events.pop(),
        }
    }),
    ("an item's event repeated", |r| {
        let number = r.items[0].events.first().copied().unwrap_or_default();
        r.items[0].events.push(number);
    }),
    ("an item's events turned", |r| {
        match r.items[0].events.len() {
            0 | 1 => r.header = None,
            _ => r.items[0].events.reverse(),
        }
    }),
    ("an event that isn't there", |r| r.items[0].events.push(99)),
    ("a record hidden", |r| {
        r.items[0].record = None;
        r.items[0].events.clear();
    }),
    ("a record invented", |r| r.items[0].record = Some(vec![])),
    ("a holder changed", |r| {
        let value = r.items[0].record.as_mut().unwrap();
        let at = value.windows(4).position(|w| w == b"acme");
        match at {
            Some(at) => value[at..at + 4].copy_from_slice(b"evil"),
            None => value.push(0),
        }
    }),
    ("another item", |r| r.items[0].id.push('9')),
    ("an item twice", |r| r.items.insert(0, r.items[0].clone())),
    ("no item", |r| r.items.clear()),
    ("a container invented", |r| {
        let mut container = r.items[0].clone();
        container.id.push('9');
        r.around.push(container);
    }),
    ("a header left out", |r| r.header = None),
    ("the proof left out", |r| r.proof = None),
    ("an end left out", |r| {
        drop(r.proof.as_mut().unwrap().ends.pop())
    }),
    ("an end moved", |r| {
        r.proof.as_mut().unwrap().ends[0].depth += 1
    }),
    ("another leaf", |r| {
        r.proof.as_mut().unwrap().ends[0].other_leaf = Some(OtherLeaf::default());
    }),
    ("a sibling changed", |r| {
        match r.proof.as_mut().unwrap().siblings.first_mut() {
            Some(sibling) => sibling[0] ^= 1,
            None => r.header = None,
        }
    }),
    ("a sibling added", |r| {
        r.proof.as_mut().unwrap().siblings.push(vec![0; 32]);
    }),
];

/// The same of a node that answers about several things at once.
#[tokio::test]
async fn every_answer_about_several_things_that_is_bent_is_found_out() {
    let node = Served::start().await;
    story(&node).await;
    let heard = Arc::new(AtomicUsize::new(0));
    let counting = heard.clone();
    node.tamper(move |_: &mut ItemsReply| {
        counting.fetch_add(1, Ordering::Relaxed);
    });
    assert_eq!(node.run(&["recall", LOT]).await.code, 0);
    let answers = heard.load(Ordering::Relaxed);
    assert!(answers >= 2, "the lot, then what was made of it");
    for (what, bend) in BENDS_OF_MANY {
        for wanted in 0..answers {
            let heard = AtomicUsize::new(0);
            node.tamper(move |reply: &mut ItemsReply| {
                if heard.fetch_add(1, Ordering::Relaxed) >= wanted {
                    bend(reply);
                }
            });
            let ran = node.run(&["recall", LOT]).await;
            assert_eq!(ran.code, 3, "{what} from answer {wanted} on: {ran:?}");
        }
    }
}

/// Whose word is taken neither steers the terminal nor leads round in a circle.
#[tokio::test]
async fn a_nodes_word_is_printed_as_text_and_ends() {
    let node = Served::start().await;
    story(&node).await;
    node.tamper(|reply: &mut TraceReply| {
        for item in &mut reply.items {
            item.state = "sold\u{1b}[2J".to_owned();
        }
    });
    for verb in ["trace", "recall"] {
        let ran = node.run(&[verb, LOT, "--unproven"]).await;
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("sold\\u{1b}[2J"), "{}", ran.out);
        assert!(!ran.out.contains('\u{1b}'), "{}", ran.out);
    }
    let bends: [fn(&mut TraceReply); 3] = [
        |reply| reply.items[1].id = reply.items[0].id.clone(),
        |reply| reply.items[1].edge.as_mut().unwrap().from = reply.items[2].id.clone(),
        |reply| reply.items[0].edge = reply.items[1].edge.clone(),
    ];
    for bend in bends {
        node.tamper(move |reply: &mut TraceReply| bend(reply));
        let ran = node.run(&["trace", LOT, "--unproven"]).await;
        assert_eq!(ran.code, 5, "{ran:?}");
        assert!(ran.err.contains("names a thing twice"), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_node_that_never_ends_is_cut_off() {
    let node = Served::start().await;
    story(&node).await;
    node.tamper(|reply: &mut TraceReply| reply.end = None);
    let ran = node.run(&["recall", LOT, "--unproven"]).await;
    assert_eq!(ran.code, 5, "{ran:?}");
    assert!(ran.err.contains("broke off"), "{}", ran.err);
}

#[tokio::test]
async fn a_product_is_declared_by_whom_its_prefix_belongs_to() {
    let node = Served::start().await;
    let product = "urn:epc:idpat:sgtin:9521234.050001.*";
    let key = key(&node);
    let who = ["--organisation", "acme", "--key", &key];
    let declare = |ratio: &'static str| {
        [&["product", "declare", product, "--yield", ratio][..], &who].concat()
    };
    // Nobody has this prefix here, and a logistics firm makes nothing.
    let ran = node.run(&declare("9/10")).await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let cli = <touchstone_cli::Cli as clap::Parser>::try_parse_from(
        [&["touchstone"], declare("0/10").as_slice()].concat(),
    );
    assert!(cli.is_err());
    // A block, so that there is something to prove it with.
    let file = node.write("e.json", &seen(&[ITEM], "storing"));
    let ran = node
        .run(&[&["capture", file.as_str()][..], &who].concat())
        .await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = node.run(&["product", "show", product]).await;
    assert_eq!(ran.code, 4, "{ran:?}");
    let ran = node.run(&["product", "show", ITEM]).await;
    assert_eq!(ran.code, 1, "{ran:?}");
}

/// The names of a long answer are read to the end: of each of its 300 products, and of each of its 300 places.
#[tokio::test]
async fn a_long_recall_has_all_names() {
    let node = Served::start().await;
    register(&node, "acme", "9521234");
    let lot = "urn:epc:class:lgtin:9521234.050002.L7";
    let unit = |n: usize| format!("urn:epc:id:sgtin:9521234.0{n:05}.1");
    let place = |n: usize| format!("urn:epc:id:sgln:9521234.{n:05}.0");
    let amount = json!([{ "epcClass": lot, "quantity": 900, "uom": "KGM" }]);
    let made = json!({ "action": "ADD", "bizStep": "commissioning", "quantityList": amount });
    let units: Vec<String> = (0..300).map(unit).collect();
    let used = json!({ "inputQuantityList": amount, "outputEPCList": units });
    let mut events = vec![
        event("ObjectEvent", made),
        event("TransformationEvent", used),
    ];
    events.extend((0..300).map(|n| {
        let at = json!({ "id": place(n) });
        let observed = json!({ "action": "OBSERVE", "epcList": [unit(n)], "readPoint": at });
        event("ObjectEvent", observed)
    }));
    let named = |id: String, name: String| ledger::VocabularyElement {
        id: Identifier::parse(&id).unwrap().as_str().to_owned(),
        types: vec!["urn:x:kind".into()],
        attributes: vec![ledger::MasterDataAttribute {
            id: "urn:epcglobal:cbv:mda#name".into(),
            text: name,
            fields: Vec::new(),
        }],
        version: 1,
        ..Default::default()
    };
    let class = |n: usize| format!("urn:epc:idpat:sgtin:9521234.0{n:05}.*");
    let products = (0..300).map(|n| named(class(n), format!("Product {n}")));
    let places = (0..300).map(|n| named(place(n), format!("Place {n}")));
    let mut elements: Vec<_> = products.chain(places).collect();
    elements.sort_by(|a, b| a.id.cmp(&b.id));
    {
        let mut world = node.world();
        for events in events.chunks(100) {
            world.record("acme", events);
        }
        for elements in elements.chunks(50) {
            let elements = elements.to_vec();
            let stated = ledger::SetMasterData { elements };
            world.act("acme", Action::SetMasterData(stated));
        }
    }
    let ran = node.run(&["recall", lot, "--json"]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    let names = ran.json()[0]["names"].as_object().unwrap().clone();
    assert_eq!(names.len(), 600);
    let last = Identifier::parse(&unit(299)).unwrap();
    assert_eq!(names[last.as_str()]["name"], "Product 299");
    let table = node.path("recall.csv").display().to_string();
    let ran = node.run(&["recall", lot, "-o", &table]).await;
    assert_eq!(ran.code, 0, "{}", ran.err);
    let table = std::fs::read_to_string(table).unwrap();
    let rows = table.lines().filter(|line| line.contains(",Product "));
    assert_eq!(rows.filter(|line| line.contains(",Place ")).count(), 300);
}
