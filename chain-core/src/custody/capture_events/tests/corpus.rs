//! The public EPCIS documents go through the ledger without loss: what was captured comes back from
//! the complete links of the things that it names. What EPCIS doesn't allow isn't recorded, by
//! whatever way it comes.

use serde_json::Value;
use touchstone_proto::ledger::LinkEntry;

use super::*;
use crate::custody::CustodyRejection;
use crate::encoding::decode_exact;
use crate::evidence::Archive;
use crate::proof::item_history;
use crate::transaction::captured_events;
use touchstone_epcis::{split_document, test_support::documents};

/// Captures each event in a block of its own. Some unpack what no event before them packs.
fn capture_each(chain: &mut Chain, events: &[Vec<u8>], name: &str) {
    for bytes in events {
        let refused = chain.capture(std::slice::from_ref(bytes)).err();
        if let Some(refused) = refused {
            assert_eq!(refused.code(), 303, "{name}: {refused}");
            let event = Event::parse(bytes).unwrap();
            let ids: Vec<_> = event.children.iter().map(|c| c.to_string()).collect();
            let container = event.parent.unwrap().to_string();
            chain.capture(&[add(&container, &ids)]).unwrap();
            chain.capture(std::slice::from_ref(bytes)).unwrap();
        }
    }
}

/// The events of an item's complete link, which holds together.
fn recorded(chain: &Chain, id: &str) -> Vec<Vec<u8>> {
    let key = keys::item(id);
    let linked = chain.entries(&key).unwrap().into_iter().map(|entry| {
        let decoded: LinkEntry = decode_exact(&entry).unwrap();
        let (height, index, event) = item_history::place(&decoded);
        let envelope = chain.envelope(height, index).unwrap().unwrap();
        let mut events = captured_events(&envelope).unwrap().unwrap();
        let event = events.swap_remove(event as usize);
        LinkedEvent { entry, event }
    });
    let linked: Vec<LinkedEvent> = linked.collect();
    let link = record(chain, id).link.unwrap();
    assert_eq!(link.count, linked.len() as u64, "{id}");
    proof::link::verify(&link, &linked).unwrap();
    linked.into_iter().map(|linked| linked.event).collect()
}

/// JSON without white space between its tokens, which are left as they are.
fn minimal(text: &[u8]) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let kept = text.iter().filter(|byte| {
        let keep = quoted || !byte.is_ascii_whitespace();
        match byte {
            b'"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = quoted && **byte == b'\\' && !escaped;
        keep
    });
    String::from_utf8(kept.copied().collect()).unwrap()
}

/// A context's parts.
fn contexts(context: Option<&Value>) -> Vec<Value> {
    match context {
        None => Vec::new(),
        Some(Value::Array(parts)) => parts.clone(),
        Some(one) => vec![one.clone()],
    }
}

/// The events of a document as a reader that knows nothing of EPCIS finds them.
fn listed(document: &Value) -> Vec<Value> {
    let body = &document["epcisBody"];
    let lists = [
        &body["eventList"],
        &body["queryResults"]["resultsBody"]["eventList"],
    ];
    match lists.into_iter().find_map(Value::as_array) {
        Some(list) => list.clone(),
        None => vec![document.clone()],
    }
}

#[test]
fn every_public_document_comes_back_from_the_record() {
    let mut all = 0;
    for folder in ["epcis/valid", "epcis/events", "epcis/query"] {
        for (name, bytes) in documents(folder, "json") {
            let events = split_document(&bytes).unwrap();
            let mut chain = Chain::start();
            capture_each(&mut chain, &events, &name);
            let document: Value = serde_json::from_slice(&bytes).unwrap();
            let expected = listed(&document);
            assert_eq!(events.len(), expected.len(), "{name}");
            let mut text = minimal(&bytes);
            for (event, mut expected) in events.iter().zip(expected) {
                for id in Event::parse(event).unwrap().items() {
                    let found = recorded(&chain, id.as_str());
                    assert!(found.contains(event), "{name}: {id}");
                }
                all += 1;
                // A bare event is the submitter's bytes.
                if document.get("epcisBody").is_none() {
                    assert_eq!(*event, bytes, "{name}");
                    continue;
                }
                // One of a document has its fields in their order, and the document's context.
                let mut found: Value = serde_json::from_slice(event).unwrap();
                let own = expected.as_object_mut().unwrap().shift_remove("@context");
                let both = [contexts(document.get("@context")), contexts(own.as_ref())].concat();
                let context = found.as_object_mut().unwrap().shift_remove("@context");
                assert_eq!(contexts(context.as_ref()), both, "{name}");
                assert_eq!(found.to_string(), expected.to_string(), "{name}");
                // And its tokens are the document's, numbers and escapes included.
                if let Some(own) = own {
                    let own = format!("\"@context\":{own}");
                    assert!(text.contains(&own), "{name}");
                    text = text.replacen(&format!(",{own}"), "", 1);
                    text = text.replacen(&format!("{own},"), "", 1);
                }
                let event = std::str::from_utf8(event).unwrap();
                let first = format!(",{:?}:", found.as_object().unwrap().keys().next().unwrap());
                let fields = event.split_once(&first).unwrap().1;
                let at = text.find(&format!("{}{fields}", &first[1..]));
                assert!(at.is_some(), "{name}: {event}");
                text.drain(..at.unwrap());
            }
        }
    }
    assert_eq!(all, 68 + 5 + 28);
}

/// The gate isn't only where documents are split: events that are signed one by one meet it too.
#[test]
fn no_event_of_an_invalid_document_is_recorded() {
    for (name, bytes) in documents("epcis/invalid", "json") {
        let expected = split_document(&bytes).expect_err(&name);
        let (index, path) = match expected.path.strip_prefix("$.epcisBody.eventList[") {
            None => (0, expected.path.clone()),
            Some(rest) => {
                let (index, path) = rest.split_once(']').unwrap();
                (index.parse().unwrap(), format!("${path}"))
            }
        };
        let document: Value = serde_json::from_slice(&bytes).unwrap();
        let alone = listed(&document).into_iter().map(|mut event| {
            if let Some(context) = document.get("@context") {
                event["@context"] = context.clone();
            }
            event.to_string().into_bytes()
        });
        let events: Vec<Vec<u8>> = alone.collect();
        let chain = Chain::start();
        let refused = chain.check(&chain.sign(MARKET, capture(&events)));
        let Err(Rejection::Custody(CustodyRejection::Event { index: at, error })) = refused else {
            panic!("{name}: {refused:?}");
        };
        let found = (at, error.path.as_str(), error.rule.code());
        assert_eq!(
            found,
            (index, path.as_str(), expected.rule.code()),
            "{name}"
        );
    }
}
