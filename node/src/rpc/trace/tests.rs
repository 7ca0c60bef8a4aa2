use std::collections::BTreeMap;

use serde_json::json;
use tokio_stream::StreamExt;
use tonic::{Code, Request};
use touchstone_core::epcis::Event;
use touchstone_core::hash::sha256;
use touchstone_core::proof::link;
use touchstone_core::state::delta::LinkRow;
use touchstone_proto::ledger::Position;
use touchstone_proto::node::TraceDirection;
use touchstone_proto::node::ledger_server::Ledger;

use super::*;
use crate::rpc::Service;
use crate::rpc::tests::{Served, envelope, served};
use crate::storage::Store;
use crate::storage::sample::Content;

fn unit(n: usize) -> String {
    format!("https://id.gs1.org/01/09521321000012/21/{n}")
}

fn made(inputs: &[String], outputs: &[String]) -> Vec<u8> {
    let event = json!({
        "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],
        "type": "TransformationEvent", "eventTime": "2026-03-01T08:30:00Z",
        "eventTimeZoneOffset": "+00:00", "inputEPCList": inputs, "outputEPCList": outputs,
        "readPoint": { "id": "https://id.gs1.org/414/9521321000018" },
    });
    event.to_string().into_bytes()
}

/// One block of one capture: its events stand in the links of all things that they name.
fn record(served: &mut Served, events: &[Vec<u8>]) {
    let height = served.store.tip().height + 1;
    let mut content = Content::default();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for (event, bytes) in (0..).zip(events) {
        for id in Event::parse(bytes).unwrap().items() {
            let count = counts.entry(id.as_str().to_owned()).or_default();
            let entry = LinkEntry {
                position: Some(Position {
                    height,
                    transaction: 0,
                    event,
                }),
                transaction_id: vec![0; 32],
                content_hash: sha256(bytes).to_vec(),
                organisation: "platform".into(),
                time_ms: 1,
            };
            content.links.push(LinkRow {
                owner: keys::item(id.as_str()),
                sequence: *count,
                entry: prost::Message::encode_to_vec(&entry),
            });
            *count += 1;
        }
    }
    for id in counts.into_keys() {
        let item = Item {
            link: Some(link::empty()),
            custody: Some(touchstone_proto::ledger::Custody {
                holder: "platform".into(),
                ..Default::default()
            }),
            ..Item::default()
        };
        let value = prost::Message::encode_to_vec(&item);
        content.values.insert(keys::item(&id), value);
    }
    content.envelopes.push(envelope(events));
    served.commit(&content);
}

/// One thing is made into many, and the last of them into one more.
fn story() -> Served {
    let mut served = served();
    let many: Vec<String> = (1..=600).map(unit).collect();
    let events = [made(&[unit(0)], &many), made(&[unit(600)], &[unit(700)])];
    record(&mut served, &events);
    served
}

fn ask(served: &Served, request: &wire::TraceRequest) -> Result<Vec<wire::TraceReply>, Status> {
    let mut replies = Vec::new();
    walk(&served.shared.view(), request, |reply| {
        replies.push(reply);
        true
    })?;
    Ok(replies)
}

fn request(id: String, direction: TraceDirection) -> wire::TraceRequest {
    wire::TraceRequest {
        id,
        direction: direction.into(),
        ..wire::TraceRequest::default()
    }
}

#[test]
fn a_trace_comes_in_pieces_and_the_last_has_its_end() {
    let served = story();
    let replies = ask(&served, &request(unit(0), TraceDirection::Forward)).unwrap();
    let sizes: Vec<usize> = replies.iter().map(|r| r.items.len()).collect();
    assert_eq!(sizes, [256, 256, 90]);
    let ends: Vec<bool> = replies.iter().map(|r| r.end.is_some()).collect();
    assert_eq!(ends, [false, false, true]);
    let end = replies[2].end.unwrap();
    let tip = served.store.tip();
    assert_eq!((end.height, end.time_ms), (tip.height, tip.time_ms));
    assert_eq!((end.too_deep, end.too_many), (0, 0));
    let last = replies[2].items.last().unwrap();
    assert_eq!((last.id.as_str(), last.depth), (unit(700).as_str(), 2));
    assert_eq!(
        (last.holder.as_str(), last.state.as_str()),
        ("platform", "commissioned")
    );
    assert_eq!(last.seen_at, "https://id.gs1.org/414/9521321000018");
    let edge = last.edge.as_ref().unwrap();
    assert_eq!(
        (edge.from.as_str(), edge.contained),
        (unit(600).as_str(), false)
    );
    assert_eq!(edge.place.unwrap().event, 1);

    let back = ask(&served, &request(unit(700), TraceDirection::Backward)).unwrap();
    let ids: Vec<&str> = back[0].items.iter().map(|i| i.id.as_str()).collect();
    assert_eq!(ids, [unit(700), unit(600), unit(0)]);
}

#[test]
fn limits_are_kept_and_too_large_ones_refused() {
    let served = story();
    let mut wanted = request(unit(0), TraceDirection::Forward);
    wanted.max_items = 10;
    let replies = ask(&served, &wanted).unwrap();
    assert_eq!(replies[0].items.len(), 10);
    assert_eq!(replies[0].end.unwrap().too_many, 591);
    wanted.max_items = MAX_ITEMS + 1;
    assert_eq!(
        ask(&served, &wanted).unwrap_err().code(),
        Code::InvalidArgument
    );
    wanted.max_items = 0;
    wanted.max_depth = MAX_DEPTH + 1;
    assert_eq!(
        ask(&served, &wanted).unwrap_err().code(),
        Code::InvalidArgument
    );
    wanted.max_depth = 1;
    let replies = ask(&served, &wanted).unwrap();
    assert_eq!(replies[2].end.unwrap().too_deep, 1);
    let nothing = request("nothing of the kind".into(), TraceDirection::Forward);
    assert_eq!(
        ask(&served, &nothing).unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[test]
fn a_reader_that_has_gone_ends_the_walk() {
    let served = story();
    let mut pieces = 0;
    let wanted = request(unit(0), TraceDirection::Forward);
    walk(&served.shared.view(), &wanted, |_| {
        pieces += 1;
        false
    })
    .unwrap();
    assert_eq!(pieces, 1);
}

#[tokio::test]
async fn a_seat_is_free_again_when_its_client_has_gone() {
    let served = story();
    let service = Service {
        shared: served.shared.clone(),
    };
    let all = served.shared.gates.traces.free();
    let wanted = request(unit(0), TraceDirection::Forward);
    let mut stream = service
        .trace(Request::new(wanted.clone()))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(served.shared.gates.traces.free(), all - 1);
    assert_eq!(stream.next().await.unwrap().unwrap().items.len(), 256);
    drop(stream);
    served
        .seats_are_free(all, || served.shared.gates.traces.free())
        .await;
    let taken: Vec<_> = (0..all)
        .map(|_| served.shared.gates.traces.take().unwrap())
        .collect();
    let refused = service.trace(Request::new(wanted)).await;
    assert_eq!(refused.unwrap_err().code(), Code::ResourceExhausted);
    drop(taken);
}
