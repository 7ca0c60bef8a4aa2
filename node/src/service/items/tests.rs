use std::collections::BTreeMap;

use prost::Message;
use touchstone_core::block::Header;
use touchstone_core::hash::sha256;
use touchstone_core::proof::items::ProvenItems;
use touchstone_core::proof::link;
use touchstone_core::state::delta::LinkRow;
use touchstone_proto::ledger::{Link, LinkEntry, Packing, Position};

use super::*;
use crate::service::tests::{Served, envelope, served};
use crate::storage::Store;
use crate::storage::test_blocks::{self, BlockContent};

const CASE: &str = "https://id.gs1.org/00/095213210000000018";
const PALLET: &str = "https://id.gs1.org/00/095213210000000025";

fn unit(n: usize) -> String {
    format!("https://id.gs1.org/01/09521321000018/21/{n}")
}

/// Things of one block: numbers of the events that each has, and the container that it is in.
#[derive(Default)]
struct Things(BTreeMap<String, (Vec<usize>, Option<&'static str>)>);

impl Things {
    fn with(mut self, id: &str, events: &[usize], container: Option<&'static str>) -> Things {
        self.0.insert(id.to_owned(), (events.to_vec(), container));
        self
    }

    /// Commits them, with these events in transactions of so many.
    fn commit(&self, served: &mut Served, events: &[Vec<u8>], together: usize) {
        let height = served.store.tip().height + 1;
        let mut content = BlockContent::default();
        for (id, (numbers, container)) in &self.0 {
            let owner = keys::item(id);
            let mut head = link::EMPTY_HEAD;
            for (sequence, number) in (0..).zip(numbers) {
                let entry = LinkEntry {
                    position: Some(Position {
                        height,
                        transaction: (number / together) as u32,
                        event: (number % together) as u32,
                    }),
                    transaction_id: vec![7; 32],
                    content_hash: sha256(&events[*number]).to_vec(),
                    organisation: "platform".into(),
                    time_ms: 1,
                };
                let entry = entry.encode_to_vec();
                head = link::extend(&head, &entry);
                let owner = owner.clone();
                content.links.push(LinkRow {
                    owner,
                    sequence,
                    entry,
                });
            }
            let item = Item {
                link: Some(Link {
                    count: numbers.len() as u64,
                    head: head.to_vec(),
                }),
                packed: container.map(|container| Packing {
                    container: container.into(),
                    ..Packing::default()
                }),
                ..Item::default()
            };
            content.values.insert(owner, item.encode_to_vec());
        }
        content.envelopes = events.chunks(together).map(envelope).collect();
        served.commit(&content);
    }
}

fn small_events(count: usize) -> Vec<Vec<u8>> {
    (0..count).map(|n| format!("event {n}").into()).collect()
}

fn ask(served: &Served, ids: &[String]) -> Result<wire::ItemsReply, ServiceError> {
    items(&served.view(), &wire::GetItemsRequest { ids: ids.to_vec() })
}

/// What the answer proves to a client that trusts its header.
fn proven(ids: &[String], reply: &wire::ItemsReply) -> ProvenItems {
    let header = Header::decode(&reply.header.as_ref().unwrap().header).unwrap();
    items::verify(&header.state_root, ids, reply).unwrap()
}

#[test]
fn items_share_events_and_a_proof_and_their_containers_stand_around_them() {
    let mut served = served();
    let mut things =
        Things::default()
            .with(CASE, &[1, 2], Some(PALLET))
            .with(PALLET, &[2, 3], None);
    for n in 0..40 {
        things = things.with(&unit(n), &[0, 1], Some(CASE));
    }
    things.commit(&mut served, &small_events(4), 2);
    served.grow(3);
    let mut ids: Vec<String> = (0..40).map(unit).collect();
    ids.push(unit(99));
    let reply = ask(&served, &ids).unwrap();
    let found = proven(&ids, &reply);
    assert_eq!(found.items.len(), 41);
    assert_eq!(found.items[40].record, None, "nothing is recorded for it");
    let around: Vec<&str> = found.around.iter().map(|item| item.id.as_str()).collect();
    assert_eq!(around, [CASE, PALLET]);
    // Four events, however many things they name.
    assert_eq!(reply.events.len(), 4);
    let events = |item: usize| found.items[item].events.clone().unwrap();
    assert_eq!(events(0), events(39));
    assert!(found.around[1].events.is_some());
    // A container that is asked for itself isn't there a second time.
    let ids = vec![unit(3), CASE.to_owned()];
    let found = proven(&ids, &ask(&served, &ids).unwrap());
    assert_eq!((found.items.len(), found.around.len()), (2, 1));
}

#[test]
fn an_answer_is_bounded_by_entries_and_by_what_it_weighs() {
    let mut served = served();
    // 300 entries each: three fit 1,024; and one that is longer than a page.
    let many: Vec<usize> = (0..300).collect();
    let mut things = Things::default();
    for n in 0..5 {
        things = things.with(&unit(n), &many, None);
    }
    let long: Vec<usize> = (0..1025).collect();
    things = things.with(&unit(5), &long, None);
    things.commit(&mut served, &small_events(1025), 100);
    let ids: Vec<String> = (0..6).map(unit).collect();
    let found = proven(&ids, &ask(&served, &ids).unwrap());
    assert_eq!(found.items.len(), 3);
    let ids = vec![unit(5), unit(0)];
    let found = proven(&ids, &ask(&served, &ids).unwrap());
    assert_eq!(found.items[0].events, None, "it comes by pages");
    assert_eq!(found.items[1].events.as_ref().map(Vec::len), Some(300));

    // A megabyte each: three fit 4 MiB with what is around them, and one alone always does.
    let heavy: Vec<Vec<u8>> = (0..8).map(|n| vec![b'0' + n; (1 << 20) + 1]).collect();
    let mut things = Things::default();
    for n in 10..16 {
        things = things.with(&unit(n), &[n - 10], Some(CASE));
    }
    things = things.with(CASE, &[6, 7], None);
    things = things.with(&unit(16), &[0, 1, 2, 3, 4, 5], None);
    things.commit(&mut served, &heavy, 1);
    let ids: Vec<String> = (10..16).map(unit).collect();
    let reply = ask(&served, &ids).unwrap();
    let found = proven(&ids, &reply);
    assert_eq!((found.items.len(), found.around.len()), (3, 0));
    assert!(reply.encoded_len() < 5 << 20);
    let ids = vec![unit(16), unit(0)];
    let found = proven(&ids, &ask(&served, &ids).unwrap());
    assert_eq!(found.items[0].events, None, "more than an answer holds");
    assert!(found.items[1].events.is_some());
    // What was taken back with it comes again where another needs it.
    let ids = vec![unit(16), unit(10)];
    let found = proven(&ids, &ask(&served, &ids).unwrap());
    assert_eq!(found.items[1].events.as_ref().map(Vec::len), Some(1));
}

#[test]
fn a_question_that_cannot_be_answered_is_refused() {
    let mut served = served();
    served.grow(1);
    let many: Vec<String> = (0..257).map(unit).collect();
    for (ids, reason) in [
        (vec![], "names 1 to 256; this one names 0"),
        (many, "this one names 257"),
        (vec![unit(1), unit(2), unit(1)], "is asked for twice"),
        (vec!["no identifier".to_owned()], "no identifier"),
    ] {
        match ask(&served, &ids) {
            Err(ServiceError::Malformed(told)) => assert!(told.contains(reason), "{told}"),
            other => panic!("{reason}: {other:?}"),
        }
    }
    let all: Vec<String> = (0..256).map(unit).collect();
    assert_eq!(ask(&served, &all).unwrap().items.len(), 256);
}

/// An answer that its own clients would refuse isn't sent.
#[test]
fn an_answer_that_does_not_verify_is_not_sent() {
    let mut served = served();
    let things = Things::default().with(&unit(1), &[0, 1], None);
    things.commit(&mut served, &small_events(2), 2);
    let ids = vec![unit(1)];
    assert!(ask(&served, &ids).is_ok());
    // Another entry than the one that the link was made of.
    let mut content = test_blocks::content(2);
    content.links = vec![LinkRow {
        owner: keys::item(&unit(1)),
        sequence: 0,
        entry: LinkEntry {
            position: Some(Position {
                height: 1,
                transaction: 0,
                event: 0,
            }),
            content_hash: sha256(b"event 0").to_vec(),
            ..LinkEntry::default()
        }
        .encode_to_vec(),
    }];
    served.commit(&content);
    let refused = ask(&served, &ids).unwrap_err();
    assert!(matches!(refused, ServiceError::Unproven(_)), "{refused:?}");
}
