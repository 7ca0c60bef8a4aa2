use std::collections::BTreeMap;

use prost::Message;
use serde_json::{Value, json};
use tokio_stream::StreamExt;
use touchstone_core::state::delta::LinkRow;
use touchstone_core::state::keys;
use touchstone_epcis::Event;
use touchstone_proto::ledger::{Custody, Item, Link, LinkEntry, Packing, Position};
use touchstone_proto::node::TraceDirection;

use super::*;
use crate::service::evidence;
use crate::service::tests::{Served, envelope, served};
use crate::storage::Store;
use crate::storage::test_blocks::BlockContent;

const RAW: &str = "https://id.gs1.org/01/09521321000025/10/RAW";
const CASE: &str = "https://id.gs1.org/00/095213210000000018";

fn unit(n: u32) -> String {
    format!("https://id.gs1.org/01/09521321000018/21/{n}")
}

fn event(event_type: &str, fields: Value) -> Vec<u8> {
    let mut event = json!({
        "@context": ["https://ref.gs1.org/standards/epcis/epcis-context.jsonld"],
        "type": event_type,
        "eventTime": "2026-03-01T08:30:00.000Z",
        "eventTimeZoneOffset": "+00:00",
        "readPoint": { "id": "https://id.gs1.org/414/9521321000001" },
    });
    for (name, value) in fields.as_object().unwrap() {
        event[name] = value.clone();
    }
    event.to_string().into_bytes()
}

/// A block with these events in one transaction, in the links of all things that they name.
fn record(served: &mut Served, counts: &mut BTreeMap<String, u64>, events: &[Vec<u8>]) {
    let height = served.store.tip().height + 1;
    let mut content = BlockContent::default();
    for (number, bytes) in (0..).zip(events) {
        for id in Event::parse(bytes).unwrap().items() {
            let sequence = counts.entry(id.as_str().to_owned()).or_default();
            let entry = LinkEntry {
                position: Some(Position {
                    height,
                    transaction: 0,
                    event: number,
                }),
                transaction_id: vec![7; 32],
                organisation: "platform".into(),
                ..LinkEntry::default()
            };
            content.links.push(LinkRow {
                owner: keys::item(id.as_str()),
                sequence: *sequence,
                entry: entry.encode_to_vec(),
            });
            *sequence += 1;
        }
    }
    for (id, count) in counts.iter() {
        let mut item = Item {
            link: Some(Link {
                count: *count,
                ..Link::default()
            }),
            ..Item::default()
        };
        if *id == unit(1) {
            item.packed = Some(Packing {
                container: CASE.into(),
                ..Packing::default()
            });
            item.custody = Some(Custody {
                holder: "platform".into(),
                ..Custody::default()
            });
        }
        content.values.insert(keys::item(id), item.encode_to_vec());
    }
    content.envelopes.push(envelope(events));
    served.commit(&content);
}

/// A lot is made into so many units; the first is packed.
fn story(units: u32) -> Served {
    told(units).0
}

/// The same, and how many events each thing has.
fn told(units: u32) -> (Served, BTreeMap<String, u64>) {
    let mut served = served();
    let mut counts = BTreeMap::new();
    let units: Vec<String> = (1..=units).map(unit).collect();
    let made = json!({
        "inputQuantityList": [{ "epcClass": RAW, "quantity": 5, "uom": "KGM" }],
        "outputEPCList": units,
    });
    let packed = json!({ "action": "ADD", "parentID": CASE, "childEPCs": [unit(1)] });
    let events = [
        event("TransformationEvent", made),
        event("AggregationEvent", packed),
    ];
    record(&mut served, &mut counts, &events);
    (served, counts)
}

fn request(id: &str) -> wire::TraceRequest {
    wire::TraceRequest {
        id: id.to_owned(),
        ..wire::TraceRequest::default()
    }
}

/// All replies to a request.
fn ask(
    served: &Served,
    request: &wire::TraceRequest,
) -> Result<Vec<wire::TraceReply>, ServiceError> {
    let mut replies = Vec::new();
    walk(&served.view(), request, |reply| {
        replies.push(reply);
        true
    })?;
    Ok(replies)
}

#[test]
fn a_trace_tells_what_became_of_a_lot_and_what_a_case_is_made_of() {
    let served = story(2);
    let replies = ask(&served, &request(RAW)).unwrap();
    let [only] = replies.as_slice() else {
        panic!("{replies:?}");
    };
    let ids: Vec<&str> = only.items.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(ids, [RAW, unit(1).as_str(), unit(2).as_str()]);
    let packed = &only.items[1];
    assert_eq!((packed.depth, packed.state.as_str()), (1, "commissioned"));
    assert_eq!(packed.inside, [CASE]);
    assert_eq!(packed.seen_at, "https://id.gs1.org/414/9521321000001");
    assert_eq!(packed.holder, "platform");
    assert_eq!(only.items[2].holder, "");
    let edge = packed.edge.as_ref().unwrap();
    assert_eq!((edge.from.as_str(), edge.contained), (RAW, false));
    let end = only.end.unwrap();
    assert_eq!((end.height, end.too_deep, end.too_many), (1, 0, 0));

    let mut backward = request(CASE);
    backward.set_direction(TraceDirection::Backward);
    let replies = ask(&served, &backward).unwrap();
    let ids: Vec<&str> = replies[0].items.iter().map(|i| i.id.as_str()).collect();
    assert_eq!(ids, [CASE, unit(1).as_str(), RAW]);
    let raw = replies[0].items[2].edge.as_ref().unwrap();
    assert_eq!((raw.quantity.as_str(), raw.unit.as_str()), ("5", "KGM"));
}

/// What the lot's and the case's events say of a unit isn't all: its own link has more.
#[test]
fn an_event_that_names_a_unit_alone_is_not_missed() {
    let (mut served, mut counts) = told(3);
    for unit in [unit(1), unit(2)] {
        let fields = json!({ "action": "OBSERVE", "epcList": [unit], "bizStep": "shipping" });
        let shipped = [event("ObjectEvent", fields)];
        record(&mut served, &mut counts, &shipped);
    }
    let replies = ask(&served, &request(RAW)).unwrap();
    let found = replies[0].items.iter();
    let found: Vec<_> = found.map(|i| (i.state.as_str(), i.events)).collect();
    assert_eq!(
        found,
        [("", 1), ("shipped", 3), ("shipped", 2), ("commissioned", 1)]
    );
}

/// So many events of a unit.
fn observed(times: usize) -> Vec<Vec<u8>> {
    let fields = |_| json!({ "action": "OBSERVE", "epcList": [unit(1)], "bizStep": "shipping" });
    (0..times)
        .map(fields)
        .map(|fields| event("ObjectEvent", fields))
        .collect()
}

/// Everybody's events lengthen the link of a lot, and others wait for what is said of it.
#[test]
fn of_one_thing_no_more_is_read_than_others_can_wait_for() {
    let mut served = served();
    let mut counts = BTreeMap::from([(CASE.to_owned(), 0)]);
    record(&mut served, &mut counts, &observed(ENTRIES_OF_ONE));
    let said = |served: &Served| about(&served.view(), &unit(1)).unwrap();
    let whole = said(&served);
    assert_eq!(
        (whole.state.as_str(), whole.holder.as_str()),
        ("shipped", "platform")
    );
    record(&mut served, &mut counts, &observed(1));
    let short = said(&served);
    assert_eq!(
        (short.state.as_str(), short.holder.as_str()),
        ("", "platform")
    );
    // A trace, which nobody waits for, reads on.
    assert_eq!(
        ask(&served, &request(&unit(1))).unwrap()[0].items[0].events,
        4097
    );
}

/// A link is held in memory whole, and everybody's events lengthen that of a lot.
#[test]
fn of_one_link_a_trace_reads_so_much_at_most() {
    let (mut served, mut counts) = told(1);
    record(&mut served, &mut counts, &observed(10));
    let traced = |most: ReadLimits| {
        let mut events = None;
        let walked = walk_within(&served.view(), &request(&unit(1)), most, |reply| {
            events = reply.items.first().map(|item| item.events);
            true
        });
        walked.map(|()| events)
    };
    let bytes: usize = observed(10).iter().map(Vec::len).sum();
    let enough = ReadLimits {
        link_entries: 12,
        link_bytes: bytes + 4096,
        ..MOST
    };
    assert_eq!(traced(enough), Ok(Some(12)));
    let refused = [
        (
            ReadLimits {
                link_entries: 11,
                ..enough
            },
            "12 events",
        ),
        (
            ReadLimits {
                link_bytes: bytes,
                ..enough
            },
            "bytes",
        ),
    ];
    for (most, named) in refused {
        match traced(most) {
            Err(ServiceError::TooLarge(why)) => {
                assert!(why.contains(&unit(1)) && why.contains(named), "{why}");
            }
            other => panic!("{named}: {other:?}"),
        }
    }
}

/// What a trace tells of each thing, within these bounds.
fn traced(served: &Served, id: &str, most: ReadLimits) -> Result<Vec<(String, u64)>, ServiceError> {
    let mut things = Vec::new();
    walk_within(&served.view(), &request(id), most, |reply| {
        let found = reply.items.into_iter();
        things.extend(found.map(|item| (item.id, item.events)));
        true
    })?;
    Ok(things)
}

/// So many bytes of links, of which none are kept for the next ones.
fn holding(held_bytes: usize) -> ReadLimits {
    ReadLimits {
        kept_bytes: 0,
        held_bytes,
        ..MOST
    }
}

/// Everybody's events lengthen the links of a lot, and a member makes as many containers as it likes.
#[test]
fn of_all_links_together_a_trace_holds_so_much_at_most() {
    let (mut served, mut counts) = (served(), BTreeMap::new());
    let mut events = Vec::new();
    for number in 0..20 {
        let case = format!("https://example.org/case/{number}");
        for action in ["ADD", "DELETE"] {
            let fields = json!({ "action": action, "parentID": case, "childEPCs": [unit(2)] });
            events.push(event("AggregationEvent", fields));
        }
        for _ in 0..10 {
            let fields = json!({ "action": "OBSERVE", "epcList": [case] });
            events.push(event("ObjectEvent", fields));
        }
    }
    record(&mut served, &mut counts, &events);
    let all = traced(&served, &unit(2), MOST);
    assert_eq!(all, Ok(vec![(unit(2), 40)]));
    assert_eq!(traced(&served, &unit(2), holding(1 << 20)), all);
    let refused = traced(&served, &unit(2), holding(128 << 10));
    assert!(
        matches!(refused, Err(ServiceError::TooLarge(_))),
        "{refused:?}"
    );
}

/// Things that don't fit together are read one after the other.
#[test]
fn a_trace_that_may_hold_little_tells_all() {
    let (mut served, mut counts) = told(3);
    for number in [1, 2, 3] {
        let fields = json!({ "action": "OBSERVE", "epcList": [unit(number)] });
        let seen = vec![event("ObjectEvent", fields); 10];
        record(&mut served, &mut counts, &seen);
    }
    let all = traced(&served, RAW, MOST);
    assert_eq!(all.as_ref().map(Vec::len), Ok(4));
    assert_eq!(traced(&served, RAW, holding(20 << 10)), all);
}

/// What `--limit` cuts off isn't read, so that it ends no trace.
#[test]
fn a_link_beyond_the_limit_of_things_ends_no_trace() {
    let (mut served, mut counts) = told(3);
    let fields = json!({ "action": "OBSERVE", "epcList": [unit(3)] });
    let seen = vec![event("ObjectEvent", fields); 10];
    record(&mut served, &mut counts, &seen);
    let most = ReadLimits {
        link_entries: 5,
        ..MOST
    };
    assert!(traced(&served, RAW, most).is_err());
    let limited = wire::TraceRequest {
        max_items: 3,
        ..request(RAW)
    };
    let mut end = None;
    walk_within(&served.view(), &limited, most, |reply| {
        end = reply.end;
        true
    })
    .unwrap();
    assert_eq!(end.unwrap().too_many, 1);
}

/// A member can pack a thing into as many containers as it likes, and whoever asks for it must not stop the node.
#[test]
fn a_thing_that_was_in_too_many_containers_is_no_damage() {
    let (mut served, mut counts) = (served(), BTreeMap::new());
    let events: Vec<Vec<u8>> = (0..=2000)
        .flat_map(|n| ["ADD", "DELETE"].map(|action| (n, action)))
        .map(|(n, action)| {
            let case = format!("https://example.org/case/{n}");
            json!({ "action": action, "parentID": case, "childEPCs": [unit(2)] })
        })
        .map(|fields| event("AggregationEvent", fields))
        .collect();
    record(&mut served, &mut counts, &events);
    let refused = ask(&served, &request(&unit(2))).unwrap_err();
    assert!(matches!(refused, ServiceError::TooLarge(_)), "{refused}");
    let wanted = wire::GetEvidenceRequest {
        subject: Some(wire::get_evidence_request::Subject::Item(unit(2))),
        ..wire::GetEvidenceRequest::default()
    };
    let genesis = served.service.parts.genesis.clone();
    let refused = evidence::file(&served.view(), &genesis, &wanted).unwrap_err();
    assert!(matches!(refused, ServiceError::TooLarge(_)), "{refused}");
}

#[test]
fn limits_are_kept_and_refused_where_they_are_none() {
    let served = story(5);
    let limited = wire::TraceRequest {
        max_items: 3,
        ..request(RAW)
    };
    let replies = ask(&served, &limited).unwrap();
    let end = replies[0].end.unwrap();
    assert_eq!((replies[0].items.len(), end.too_many), (3, 3));
    let bad = [
        request("no identifier"),
        wire::TraceRequest {
            max_items: MAX_ITEMS + 1,
            ..request(RAW)
        },
        wire::TraceRequest {
            max_depth: MAX_DEPTH + 1,
            ..request(RAW)
        },
    ];
    for request in bad {
        let refused = ask(&served, &request).unwrap_err();
        assert!(matches!(refused, ServiceError::Malformed(_)), "{refused}");
    }
}

#[test]
fn a_walk_ends_when_nobody_listens() {
    let served = story(3 * BATCH as u32);
    assert_eq!(ask(&served, &request(RAW)).unwrap().len(), 4);
    let mut heard = 0;
    walk(&served.view(), &request(RAW), |_| {
        heard += 1;
        false
    })
    .unwrap();
    assert_eq!(heard, 1);
}

#[tokio::test]
async fn a_stream_gives_its_place_back_though_its_reader_goes() {
    let served = story(20 * BATCH as u32);
    let traces = &served.service.limits.traces;
    let reads = served.service.limits.reads.free();
    let mut replies = stream(served.service.clone(), Caller::OWN, request(RAW)).unwrap();
    assert!(replies.next().await.unwrap().is_ok());
    assert_eq!(traces.taken(), 1);
    // A reader that sleeps keeps nobody's question waiting.
    assert_eq!(served.service.limits.reads.free(), reads);
    drop(replies);
    served.has_streams(traces, 0).await;
}
