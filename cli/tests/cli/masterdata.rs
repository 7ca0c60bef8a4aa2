//! Master data: stated by the owner of the prefix, proven, and shown beside identifiers.

use std::sync::Mutex;

use futures::StreamExt;
use prost::Message;
use serde_json::{Value, json};
use touchstone_core::master_data::MAX_ELEMENTS;
use touchstone_core::state::keys;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{self, ApproveChange, Change, change::Kind};
use touchstone_proto::node::transaction_status::Status;
use touchstone_proto::node::{Rejected, StateReply, TransactionStatus};

use crate::captures::document;
use crate::fake::faults::Fault;
use crate::fake::{Served, let_time_pass};
use crate::gateway::{PROCEED, outcomes, with_gateway};
use crate::items::{ITEM, ITEM_LINK, seen};

pub const PRODUCT: &str = "https://id.gs1.org/01/09521234500018";
const PLACE: &str = "https://id.gs1.org/414/9521234000013";

/// The consortium registers a prefix with an organisation, which makes goods.
pub fn register(node: &Served, organisation: &str, prefix: &str) {
    let mut world = node.world();
    let value = world.values.get(&keys::organisation(organisation)).unwrap();
    let mut record: ledger::Organisation = prost::Message::decode(value.as_slice()).unwrap();
    record.gs1_prefixes = vec![prefix.to_owned()];
    record.roles.push(ledger::Role::Manufacturer as i32);
    record.roles.sort_unstable();
    record.roles.dedup();
    let change = Change {
        sequence: 0,
        kind: Some(Kind::PutOrganisation(record)),
    };
    for approver in ["acme", "bravo", "carol"] {
        let change = Some(change.clone());
        world.act(approver, Action::ApproveChange(ApproveChange { change }));
    }
    assert_eq!(
        world.values.get(&keys::company_prefix(prefix)).unwrap(),
        organisation.as_bytes()
    );
}

async fn with_prefix() -> Served {
    let node = Served::start().await;
    register(&node, "acme", "9521234");
    node
}

#[tokio::test]
async fn the_owner_states_what_a_product_is_and_everybody_is_shown_it_proven() {
    let node = with_prefix().await;
    let set = ["masterdata", "set", PRODUCT, "--name", "Table lamp"];
    let stated = node.run_as("acme", &set).await;
    assert_eq!(stated.code, 0, "{stated:?}");
    let said = "Stated    version 1 of https://id.gs1.org/01/09521234500018, block 4 (proven)";
    assert!(stated.out.contains(said), "{stated:?}");
    // 13 digits of a label are the same product.
    let shown = node.run(&["masterdata", "show", "9521234500018"]).await;
    assert_eq!(shown.code, 0, "{shown:?}");
    for part in [
        "Element   https://id.gs1.org/01/09521234500018, VERIFIED as of block 4",
        "Version   1, stated by Acme Logistics (acme) on 2026-01-01 00:00:04",
        "Type      urn:epcglobal:epcis:vtype:EPCClass",
        "urn:epcglobal:cbv:mda#descriptionShort = Table lamp",
    ] {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    let json = node.run(&["masterdata", "show", PRODUCT, "--json"]).await;
    let value = &json.json()[0];
    assert_eq!(value["verified"], true);
    assert_eq!(
        (&value["version"], &value["height"]),
        (&1.into(), &4.into())
    );
    assert_eq!(value["organisation"], "acme");
    let attribute = &value["attributes"][0];
    assert_eq!(attribute["id"], "urn:epcglobal:cbv:mda#descriptionShort");
    assert_eq!(attribute["attribute"], "Table lamp");
    let nothing = node.run(&["masterdata", "show", PLACE]).await;
    assert_eq!(nothing.code, 4, "{nothing:?}");
    assert!(nothing.err.contains("NOT STATED"), "{nothing:?}");
    let no_key = node.run(&["masterdata", "show", "urn:x:y"]).await;
    assert_eq!(no_key.code, 1, "{no_key:?}");
}

#[tokio::test]
async fn each_version_stays_proven() {
    let node = with_prefix().await;
    let steps: [&[&str]; 4] = [
        &["--name", "Lamp", "--attribute", "functionalName=lamp"],
        &[
            "--name",
            "Table lamp",
            "--attribute",
            "https://ns.example/colour=red",
        ],
        &["--remove", "functionalName"],
        &["--clear"],
    ];
    for step in steps {
        let words = [&["masterdata", "set", PRODUCT], step].concat();
        let stated = node.run_as("acme", &words).await;
        assert_eq!(stated.code, 0, "{stated:?}");
    }
    let again = ["masterdata", "set", PRODUCT, "--clear"];
    let again = node.run_as("acme", &again).await;
    assert_eq!(again.code, 2, "{again:?}");
    assert!(again.err.contains("master-data-new (805)"), "{again:?}");
    let names = |value: &serde_json::Value| -> Vec<String> {
        let attributes = value["attributes"].as_array().unwrap();
        let texts = attributes.iter().map(|a| a["attribute"].as_str().unwrap());
        texts.map(str::to_owned).collect()
    };
    let expected: [&[&str]; 4] = [
        &["Lamp", "lamp"],
        &["red", "Table lamp", "lamp"],
        &["red", "Table lamp"],
        &[],
    ];
    for (number, expected) in (1..).zip(expected) {
        let number = number.to_string();
        let words = [
            "masterdata",
            "show",
            PRODUCT,
            "--version",
            &number,
            "--json",
        ];
        let shown = node.run(&words).await;
        assert_eq!(shown.code, 0, "{shown:?}");
        assert_eq!(names(&shown.json()[0]), expected, "version {number}");
    }
    for number in ["0", "5"] {
        let words = ["masterdata", "show", PRODUCT, "--version", number];
        assert_eq!(node.run(&words).await.code, 4, "{number}");
    }
    let history = ["masterdata", "show", PRODUCT, "--history", "--json"];
    let history = &node.run(&history).await.json()[0];
    let versions = history["history"].as_array().unwrap();
    let numbers: Vec<u64> = versions
        .iter()
        .map(|v| v["version"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, [4, 3, 2, 1]);
    let told = ["masterdata", "show", PRODUCT, "--history"];
    let told = node.run(&told).await;
    assert!(told.out.contains("4 versions"), "{told:?}");
    assert!(told.out.contains("it was taken back"), "{told:?}");
    assert_eq!(told.out.matches("stated by Acme Logistics").count(), 4);
}

#[tokio::test]
async fn nobody_states_what_anothers_products_are() {
    let node = with_prefix().await;
    let set = ["masterdata", "set", PRODUCT, "--name", "Fake lamp"];
    let refused = node.run_as("bravo", &set).await;
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(
        refused.err.contains("master-data-prefix-owner (803)"),
        "{refused:?}"
    );
    // And what is no text or no name is refused with its rule.
    let set = ["masterdata", "set", PRODUCT, "--attribute", "a b=c"];
    let refused = node.run_as("acme", &set).await;
    assert!(refused.err.contains("attribute-name (807)"), "{refused:?}");
}

#[tokio::test]
async fn names_stand_beside_identifiers() {
    let node = with_prefix().await;
    let event = seen(&[ITEM], "storing");
    let mut event: serde_json::Value = serde_json::from_str(&event).unwrap();
    event["readPoint"] = serde_json::json!({"id": "urn:epc:id:sgln:9521234.00001.7"});
    node.world().record("acme", &[event.to_string()]);
    let plain = node.run(&["item", ITEM]).await;
    assert!(!plain.out.contains("Name "), "{}", plain.out);
    let sets: [&[&str]; 2] = [
        &["masterdata", "set", PRODUCT, "--name", "Table lamp"],
        &["masterdata", "set", PLACE, "--name", "Warehouse 7"],
    ];
    for set in sets {
        assert_eq!(node.run_as("acme", set).await.code, 0);
    }
    // The unit by its class, the dock by its site.
    let told = node.run(&["item", ITEM]).await;
    for part in [
        "Name      Table lamp, as acme states",
        "place     Warehouse 7 (https://id.gs1.org/414/9521234000013/254/7)",
    ] {
        assert!(told.out.contains(part), "{part}: {}", told.out);
    }
    let page = node.run(&["item", ITEM, "--from", "1"]).await;
    assert!(page.out.contains("Table lamp, as acme states"), "{page:?}");
    for words in [&["item", ITEM][..], &["trace", ITEM], &["recall", ITEM]] {
        let ran = node.run(&[words, &["--json"]].concat()).await;
        let name = &ran.json()[0]["names"][ITEM_LINK];
        assert_eq!(name["name"], "Table lamp", "{words:?}: {ran:?}");
        assert_eq!(name["of"], PRODUCT);
        assert_eq!(
            (&name["organisation"], &name["version"]),
            (&"acme".into(), &1.into())
        );
    }
    let trace = node.run(&["trace", ITEM]).await;
    assert!(
        trace
            .out
            .contains("Table lamp (https://id.gs1.org/01/09521234500018/21/A1)"),
        "{}",
        trace.out
    );
    // A name says who states it; nothing of it may be bent on the way.
    node.tamper(|reply: &mut StateReply| {
        let is_its = reply.key.starts_with(b"master-data");
        if let Some(value) = reply.value.as_mut().filter(|_| is_its)
            && let Some(text) = value.iter().position(|b| *b == b'T')
        {
            value[text] = b'F';
        }
    });
    for words in [&["item", ITEM][..], &["masterdata", "show", PRODUCT]] {
        let bent = node.run(words).await;
        assert_eq!(bent.code, 3, "{bent:?}");
        assert!(!bent.out.contains("Fable"), "{bent:?}");
    }
}

/// What a node leaves out, takes from elsewhere or gives of another version is refused.
#[tokio::test]
async fn a_bent_answer_is_refused_in_every_field() {
    let node = with_prefix().await;
    for name in ["Lamp", "Table lamp"] {
        let set = ["masterdata", "set", PRODUCT, "--name", name];
        assert_eq!(node.run_as("acme", &set).await.code, 0);
    }
    let old = {
        let world = node.world();
        world.state(keys::master_data_version(PRODUCT, 1))
    };
    let bends: [fn(&mut StateReply, &StateReply); 7] = [
        |reply, _| reply.value = None,
        |reply, old| reply.value = old.value.clone(),
        |reply, old| *reply = old.clone(),
        |reply, _| reply.proof = None,
        |reply, _| reply.proof.as_mut().unwrap().siblings[0][3] ^= 1,
        |reply, _| reply.key.push(b'x'),
        |reply, _| {
            let header = &mut reply.header.as_mut().unwrap().header;
            *header.last_mut().unwrap() ^= 1;
        },
    ];
    for (n, bend) in bends.into_iter().enumerate() {
        let old = old.clone();
        node.tamper(move |reply: &mut StateReply| {
            if reply.key == keys::master_data(PRODUCT) {
                bend(reply, &old);
            }
        });
        let bent = node.run(&["masterdata", "show", PRODUCT]).await;
        assert_eq!(bent.code, 3, "bend {n}: {bent:?}");
    }
}

/// A document with an event and master data: of the sender's, of others', and what can't be used.
fn with_header(name: &str, extra: &str) -> String {
    let mut document: serde_json::Value =
        serde_json::from_str(&document(&[seen(&[ITEM], "storing")])).unwrap();
    let elements = format!(
        r#"[{{"id": "urn:epc:idpat:sgtin:9521234.050001.*", "attributes": [
              {{"id": "cbvmda:descriptionShort", "attribute": "{name}"}}]}},
            {{"id": "urn:epc:idpat:sgtin:9521235.050001.*", "attributes": [
              {{"id": "cbvmda:descriptionShort", "attribute": "Theirs"}}]}}{extra}]"#
    );
    let elements: serde_json::Value = serde_json::from_str(&elements).unwrap();
    document["epcisHeader"] = serde_json::json!({"epcisMasterData": {"vocabularyList": [
        {"type": "urn:epcglobal:epcis:vtype:EPCClass", "vocabularyElementList": elements}]}});
    document.to_string()
}

const UNUSABLE: &str = r#", {"id": "https://id.gs1.org/01/09521234600015", "attributes": [
    {"id": "cbvmda:descriptionShort", "attribute": "ok"}]},
    {"id": "https://id.gs1.org/01/09521234700012", "attributes": [{"id": "no name", "attribute": "x"}]},
    {"attributes": []}"#;

#[tokio::test]
async fn a_capture_states_the_master_data_of_its_documents() {
    let node = with_prefix().await;
    let file = node.write("a.json", &with_header("Lamp", ""));
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    for part in [
        "1 event of 1 recorded (proven), 0 refused",
        "not yours",
        "urn:epc:idpat:sgtin:9521235.050001.*",
        "2 elements of master data: 1 stated (proven), 0 unchanged, 1 of other prefixes, 0 refused",
    ] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    let shown = node.run(&["masterdata", "show", PRODUCT, "--json"]).await;
    assert_eq!(shown.json()[0]["attributes"][0]["attribute"], "Lamp");
    // The same again states nothing; another name is another version, and what can't be used takes
    // nothing else with it.
    let again = node.run_as("acme", &["capture", &file, "--json"]).await;
    let values = again.json();
    let summary = values.last().unwrap();
    assert_eq!(summary["outcome"], "summary", "{again:?}");
    assert_eq!(summary["master_data"]["unchanged"], 1, "{summary}");
    let file = node.write("b.json", &with_header("Table lamp", UNUSABLE));
    let ran = node
        .run_as("acme", &["capture", &file, "--json", "--allow-duplicates"])
        .await;
    assert_eq!(ran.code, 2, "{ran:?}");
    let values = ran.json();
    let summary = values.iter().find(|v| v["outcome"] == "summary").unwrap();
    let expected = serde_json::json!({"stated": 2, "unchanged": 0, "foreign": 1, "refused": 2});
    assert_eq!(summary["master_data"], expected);
    assert_eq!(summary["committed"], 1);
    let refused: Vec<_> = values.iter().filter(|v| v["result"] == "refused").collect();
    assert_eq!(refused[0]["rule"], "attribute-name", "{refused:?}");
    assert_eq!(refused[0]["code"], 807);
    assert_eq!(refused[1]["rule"], "missing-field");
    assert!(
        refused[1]["path"]
            .as_str()
            .unwrap()
            .starts_with("$.epcisHeader")
    );
    let shown = node.run(&["masterdata", "show", PRODUCT, "--json"]).await;
    assert_eq!(shown.json()[0]["version"], 2);
}

/// That master data has no outcome is told, whatever became of the events.
#[tokio::test]
async fn what_is_skipped_hides_no_master_data_without_outcome() {
    let node = with_prefix().await;
    let mut twice: Value = serde_json::from_str(&with_header("Lamp", "")).unwrap();
    let event = twice["epcisBody"]["eventList"][0].clone();
    twice["epcisBody"]["eventList"] = json!([event, event]);
    let file = node.write("a.json", &twice.to_string());
    node.tamper(|reply: &mut StateReply| {
        if reply.key == keys::master_data(PRODUCT) {
            reply.proof = None;
        }
    });
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.out.contains("1 skipped as recorded before"), "{ran:?}");
    assert!(!ran.out.contains("of master data"), "{ran:?}");
}

/// A place, in EPCIS 1.2.
const PLACES: &str = r#"<epcis:EPCISDocument xmlns:epcis="urn:epcglobal:epcis:xsd:1" schemaVersion="1.2"
        creationDate="2026-03-01T09:00:00Z"><EPCISHeader><extension><EPCISMasterData><VocabularyList>
        <Vocabulary type="urn:epcglobal:epcis:vtype:Location"><VocabularyElementList>
        <VocabularyElement id="urn:epc:id:sgln:9521234.00001.0">
        <attribute id="urn:epcglobal:cbv:mda#name">Dock</attribute></VocabularyElement>
        </VocabularyElementList></Vocabulary></VocabularyList></EPCISMasterData></extension></EPCISHeader>
        <EPCISBody><EventList/></EPCISBody></epcis:EPCISDocument>"#;

#[tokio::test]
async fn a_document_in_xml_may_hold_master_data_alone() {
    let node = with_prefix().await;
    let file = node.write("places.xml", PLACES);
    let ran = node.run_as("acme", &["capture", &file]).await;
    assert_eq!(ran.code, 0, "{ran:?}");
    let shown = node.run(&["masterdata", "show", PLACE, "--json"]).await;
    assert_eq!(shown.json()[0]["attributes"][0]["attribute"], "Dock");
    // A handover says that it states nothing of a header.
    let file = node.write("offer.json", &with_header("Lamp", ""));
    let offered = ["handover", "offer", &file, "--to", "bravo"];
    let offered = node.run_as("acme", &offered).await;
    assert_eq!(offered.code, 0, "{offered:?}");
    assert!(
        offered.err.contains("isn't stated by a handover"),
        "{offered:?}"
    );
}

/// What became of the elements of a job's document.
fn results(job: &Value) -> Vec<&str> {
    let told = job["touchstone:masterData"].as_array().unwrap();
    told.iter()
        .map(|element| element["result"].as_str().unwrap())
        .collect()
}

/// The gateway states what a document says of its own identifiers, and tells each element's outcome.
#[tokio::test]
async fn the_gateway_states_the_master_data_of_documents() {
    let node = with_prefix().await;
    with_gateway(&node, async |gate| {
        let job = gate.job(&with_header("Lamp", ""), &[]).await;
        assert_eq!(
            (&job["success"], &job["errors"]),
            (&json!(true), &json!([])),
            "{job}"
        );
        assert_eq!(results(&job), ["stated", "foreign"], "{job}");
        assert_eq!(job["touchstone:masterDataCount"], 2, "{job}");
        assert_eq!(job["touchstone:masterData"][0]["version"], 1, "{job}");
        assert!(job["touchstone:masterData"][0]["height"].is_u64(), "{job}");
        let shown = node.run(&["masterdata", "show", PRODUCT, "--json"]).await;
        assert_eq!(shown.json()[0]["attributes"][0]["attribute"], "Lamp");
        // Again: the events are there, and the ledger says this already.
        let job = gate.job(&with_header("Lamp", ""), &[]).await;
        assert_eq!(job["success"], true, "{job}");
        assert_eq!(results(&job), ["unchanged", "foreign"], "{job}");
        // One event alone has its header stated, too.
        let form = ["Content-Type: application/ld+json"];
        let one = gate
            .ask("POST", "/events", &form, &with_header("Lamp 2", ""))
            .await;
        assert_eq!(one.status, 200, "{}", one.body);
        let shown = node.run(&["masterdata", "show", PRODUCT, "--json"]).await;
        assert_eq!(shown.json()[0]["attributes"][0]["attribute"], "Lamp 2");
        // A step of a handover states nothing, and says so.
        for path in ["/handovers?to=bravo&deadline=2d", "/claims?reason=found"] {
            let form = ["Content-Type: application/ld+json", "Prefer: wait=20"];
            let header = with_header("Lamp", "");
            let job = gate.ask("POST", path, &form, &header).await.json();
            let warning = &job["touchstone:warnings"][0]["warning"];
            assert_eq!(warning, "master-data-not-stated", "{path}: {job}");
        }
    })
    .await;
}

/// All or nothing: an element that is wrong in itself takes the events with it, and a refused event the elements.
#[tokio::test]
async fn elements_and_events_of_a_document_stand_and_fall_together_or_not() {
    let node = with_prefix().await;
    let of_item = async || node.run(&["item", ITEM]).await.code;
    with_gateway(&node, async |gate| {
        let document = with_header("Lamp", UNUSABLE);
        let job = gate.job(&document, &[]).await;
        assert_eq!(job["success"], false, "{job}");
        assert_eq!(outcomes(&job), ["rolled-back"], "{job}");
        let expected = [
            "rolled-back",
            "foreign",
            "rolled-back",
            "refused",
            "refused",
        ];
        assert_eq!(results(&job), expected, "{job}");
        assert_eq!(of_item().await, 4);
        assert_eq!(node.run(&["masterdata", "show", PRODUCT]).await.code, 4);
        let errors = job["errors"].as_array().unwrap();
        assert_eq!(errors[0]["touchstone:rule"], "attribute-name", "{job}");
        assert_eq!(errors[0]["touchstone:code"], 807, "{job}");
        let path = errors[1]["touchstone:path"].as_str().unwrap();
        assert!(path.starts_with("$.epcisHeader"), "{job}");

        let job = gate.job(&document, &[PROCEED]).await;
        assert_eq!(
            (&job["success"], outcomes(&job)),
            (&json!(false), vec!["recorded"]),
            "{job}"
        );
        let expected = ["stated", "foreign", "stated", "refused", "refused"];
        assert_eq!(results(&job), expected, "{job}");
        assert_eq!(of_item().await, 0);

        let bad = with_header("Other", "").replace("storing", "flying");
        let job = gate.job(&bad, &[]).await;
        assert_eq!(outcomes(&job), ["refused"], "{job}");
        assert_eq!(results(&job), ["rolled-back", "foreign"], "{job}");
        let job = gate.job(&bad, &[PROCEED]).await;
        assert_eq!(results(&job), ["stated", "foreign"], "{job}");
    })
    .await;
}

/// Places alone, in XML: success is said of what the ledger says.
#[tokio::test]
async fn the_gateway_takes_master_data_alone() {
    let node = with_prefix().await;
    with_gateway(&node, async |gate| {
        let form = ["Content-Type: application/xml", "Prefer: wait=20"];
        let job = gate.ask("POST", "/capture", &form, PLACES).await.json();
        assert_eq!(
            (&job["success"], &job["touchstone:count"]),
            (&json!(true), &json!(0)),
            "{job}"
        );
        assert_eq!(results(&job), ["stated"], "{job}");
        let place = job["touchstone:masterData"][0]["path"].as_str().unwrap();
        assert!(place.contains("/VocabularyElement"), "{job}");
        let nothing = PLACES.replace("VocabularyElementList", "extension");
        let nothing = gate.ask("POST", "/capture", &form, &nothing).await;
        assert_eq!(nothing.status, 400, "{}", nothing.body);
    })
    .await;
    let shown = node.run(&["masterdata", "show", PLACE, "--json"]).await;
    assert_eq!(shown.json()[0]["attributes"][0]["attribute"], "Dock");
}

/// A rule about the gateway's own key comes between two transactions of one document.
#[tokio::test]
async fn what_was_stated_before_a_refusal_is_told() {
    let node = with_prefix().await;
    // One more than a transaction states.
    let others: String = (2..=MAX_ELEMENTS + 1)
        .map(|n| {
            format!(
                r#", {{"id": "urn:epc:idpat:sgtin:9521234.05{n:04}.*", "attributes": [
                  {{"id": "cbvmda:descriptionShort", "attribute": "Lamp {n}"}}]}}"#
            )
        })
        .collect();
    let document = only_header(&with_header("Lamp", &others));
    let first = Mutex::new(None);
    node.tamper(move |status: &mut TransactionStatus| {
        let mut first = first.lock().unwrap();
        if *first.get_or_insert_with(|| status.id.clone()) != status.id {
            status.status = Some(Status::Rejected(Rejected {
                code: 201,
                rule: "own-key".into(),
                message: "the key doesn't belong to it".into(),
                event: None,
            }));
        }
    });
    with_gateway(&node, async |gate| {
        let job = gate.job(&document, &[]).await;
        assert_eq!(job["success"], false, "{job}");
        let mut told = results(&job);
        assert_eq!(told.pop(), Some("not-stated"), "{job}");
        assert_eq!(told.remove(1), "foreign", "{job}");
        assert_eq!(told, vec!["stated"; MAX_ELEMENTS], "{job}");
        let stated = &job["touchstone:masterData"][0];
        assert_eq!(stated["version"], 1, "{job}");
        assert!(stated["height"].is_u64(), "{job}");
    })
    .await;
}

/// How many elements the ledger's transactions state.
fn statements(node: &Served) -> usize {
    let world = node.world();
    let envelopes = world
        .blocks
        .iter()
        .flat_map(|(block, _)| &block.transactions);
    let bodies = envelopes.map(|bytes| ledger::Envelope::decode(bytes.as_slice()).unwrap().body);
    let actions = bodies.filter_map(|b| ledger::Transaction::decode(b.as_slice()).unwrap().action);
    let stated = actions.map(|action| match action {
        Action::SetMasterData(stated) => stated.elements.len(),
        _ => 0,
    });
    stated.sum()
}

/// The node dies, is late or says things twice at every step, the gateway ends in the middle: in the end everything
/// is stated once, and said to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_with_master_data_outlives_every_fault_and_a_restart() {
    let undisturbed = Served::start_on_a_bad_line().await;
    register(&undisturbed, "acme", "9521234");
    let steps = {
        with_gateway(&undisturbed, async |gate| {
            gate.get("/capture").await;
            undisturbed.faults.plan(&[]);
            gate.job(&with_header("Lamp", ""), &[]).await;
        })
        .await;
        undisturbed.faults.counts().0
    };
    assert!(steps > 4, "{steps}");
    let faults = [Fault::Kill, Fault::KillAfter, Fault::Delay, Fault::PoolFull];
    let cases: Vec<(usize, Fault)> = (0..steps)
        .flat_map(|step| faults.map(|fault| (step, fault)))
        .collect();
    let running = cases.into_iter().map(|(step, fault)| async move {
        let node = Served::start_on_a_bad_line().await;
        register(&node, "acme", "9521234");
        let location = with_gateway(&node, async |gate| {
            gate.get("/capture").await;
            node.faults.plan(&[(step, fault)]);
            let accepted = gate.capture(&with_header("Lamp", ""), &[]).await;
            // It ends somewhere in its work.
            tokio::time::sleep(std::time::Duration::from_millis(20 * (step as u64 % 7))).await;
            accepted.header("location").unwrap()
        })
        .await;
        let job = with_gateway(&node, async |gate| gate.finished(&location).await).await;
        assert_eq!(job["success"], true, "{step} {fault:?}: {job}");
        let result = results(&job)[0];
        assert!(
            matches!(result, "stated" | "unchanged"),
            "{step} {fault:?}: {job}"
        );
        assert_eq!(outcomes(&job).len(), 1, "{step} {fault:?}: {job}");
        assert_eq!(statements(&node), 1, "{step} {fault:?}: {job}");
    });
    futures::stream::iter(running)
        .buffered(12)
        .collect::<Vec<()>>()
        .await;
}

/// The gateway dies after it stated a name and before it heard so; meanwhile a person states another one. That one
/// stays, and the job says which version it stated.
#[tokio::test]
async fn what_was_stated_since_a_kill_stays() {
    let node = Served::start_on_a_bad_line().await;
    register(&node, "acme", "9521234");
    // The ledger takes the statement, and the node says that it knows nothing of it.
    node.tamper(|status: &mut TransactionStatus| {
        status.status = Some(Status::Unknown(Default::default()));
    });
    let location = with_gateway(&node, async |gate| {
        let document = only_header(&with_header("Lamp", ""));
        let accepted = gate.capture(&document, &[]).await;
        let location = accepted.header("location").unwrap();
        while statements(&node) == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        location
    })
    .await;
    node.world().tamper = None;
    let newer = ["masterdata", "set", PRODUCT, "--name", "Newer"];
    assert_eq!(node.run_as("acme", &newer).await.code, 0);
    let job = with_gateway(&node, async |gate| gate.finished(&location).await).await;
    assert_eq!(job["success"], true, "{job}");
    assert_eq!(results(&job), ["stated", "foreign"], "{job}");
    assert_eq!(job["touchstone:masterData"][0]["version"], 1, "{job}");
    let shown = node.run(&["masterdata", "show", PRODUCT, "--json"]).await;
    assert_eq!(shown.json()[0]["attributes"][0]["attribute"], "Newer");
    assert_eq!(shown.json()[0]["version"], 2);
}

/// Transactions that the one job's file remembers to have sent for its master data.
fn remembered(node: &Served) -> Vec<String> {
    let files = std::fs::read_dir(node.path("jobs")).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let texts = paths.filter_map(|path| std::fs::read(path).ok());
    let jobs = texts.filter_map(|text| serde_json::from_slice::<Value>(&text).ok());
    let mut sent = jobs.filter_map(|job| job["sent_statements"].as_array().cloned());
    let sent = sent.next().unwrap_or_default();
    let id = |sent: &Value| sent["transaction"].as_str().unwrap().to_owned();
    sent.iter().map(id).collect()
}

/// While the chain stands still, a job asks it for one transaction, however often. Once that is proven to have expired,
/// another takes its place.
#[tokio::test]
async fn a_job_that_waits_sends_one_transaction() {
    let node = Served::start_on_a_bad_line().await;
    register(&node, "acme", "9521234");
    node.world().stands_still = true;
    let mut location = String::new();
    for run in 0..3 {
        let before = node.world().seen.len();
        with_gateway(&node, async |gate| {
            if run == 0 {
                let document = only_header(&with_header("Lamp", ""));
                let accepted = gate.capture(&document, &[]).await;
                location = accepted.header("location").unwrap();
            }
            while node.world().seen.len() == before {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        })
        .await;
        let_time_pass(60_000);
    }
    let seen: Vec<_> = node
        .world()
        .seen
        .iter()
        .map(|(id, _)| hex::encode(id))
        .collect();
    assert!(seen.len() >= 3, "{seen:?}");
    assert!(seen.iter().all(|id| *id == seen[0]), "{seen:?}");
    assert_eq!(remembered(&node), [seen[0].clone()]);
    node.world().later_ms += 25 * 3_600_000;
    let_time_pass(25 * 3_600_000);
    node.world().stands_still = false;
    node.world().make_block(&[]);
    let job = with_gateway(&node, async |gate| gate.finished(&location).await).await;
    assert_eq!(results(&job), ["stated", "foreign"], "{job}");
    let stated = &job["touchstone:masterData"][0]["transaction"];
    assert_ne!(stated, &Value::from(seen[0].clone()), "{job}");
    assert_eq!(remembered(&node), [stated.as_str().unwrap()]);
}

/// The document without its events.
fn only_header(document: &str) -> String {
    let mut document: Value = serde_json::from_str(document).unwrap();
    document["epcisBody"]["eventList"] = json!([]);
    document.to_string()
}
