use super::*;
use crate::Fault;
use crate::custody::CustodyRejection;
use crate::custody::item_cache::order;
use crate::custody::limits::MAX_PACKING_DEPTH;
use crate::proof;
use crate::rejection::Rejection;
use crate::test_support::{
    CARRIER, Chain, MAKER, MARKET, OFFICE, aggregation, capture, change, container,
    genesis_document, item, newcomer, object,
};
use touchstone_proto::ledger::change::Kind;
use touchstone_proto::ledger::transaction::Action;
use touchstone_proto::ledger::{Item, Packing, Position};
use touchstone_proto::node::LinkedEvent;

mod authority;
mod containment;
mod corpus;
mod corrections;
mod handover;
mod life;
mod model;
mod packing;
mod quantities;
mod story;

fn add(parent: &str, children: &[String]) -> Vec<u8> {
    aggregation("ADD", parent, children)
}

fn delete(parent: &str, children: &[String]) -> Vec<u8> {
    aggregation("DELETE", parent, children)
}

fn record(chain: &Chain, id: &str) -> Item {
    chain.state.message(&keys::item(id)).unwrap_or_default()
}

#[test]
fn goods_organisations_capture_and_others_do_not() {
    use touchstone_proto::ledger::Role::{
        Court, Customs, Designer, Inspection, IpOffice, Laboratory, Logistics, Manufacturer,
        Platform, Retail,
    };
    let allowed = [
        Platform,
        Logistics,
        Manufacturer,
        Customs,
        Inspection,
        Laboratory,
        Retail,
    ];
    for role in [&allowed[..], &[IpOffice, Court, Designer]].concat() {
        let mut chain = Chain::start();
        let mut organisation = newcomer("newcomer", 60);
        organisation.roles = vec![role as i32];
        let enrol = change(1, Kind::PutOrganisation(organisation));
        chain.approve(&[MARKET, CARRIER, MAKER], &enrol);
        let envelope = chain.sign(("newcomer", 60), capture(&[object(1, &[item(1)])]));
        let answer = chain.check(&envelope).map_err(|r| r.code());
        let expected = if allowed.contains(&role) {
            Ok(())
        } else {
            Err(203)
        };
        assert_eq!(answer, expected, "{role:?}");
    }
}

#[test]
fn one_of_several_roles_is_enough() {
    // The maker is a manufacturer and a designer; the office is an office and a court.
    let chain = Chain::start();
    let action = || capture(&[object(1, &[item(1)])]);
    assert_eq!(chain.check(&chain.sign(MAKER, action())), Ok(()));
    let refused = chain.check(&chain.sign(OFFICE, action()));
    assert!(
        matches!(refused, Err(Rejection::Role { organisation, .. }) if organisation == "office")
    );
}

#[test]
fn a_capture_holds_one_to_the_limit_of_events() {
    let mut document = genesis_document();
    document.parameters.max_events_per_transaction = 3;
    let chain = Chain::from(&document);
    for found in [0, 1, 3, 4] {
        let events: Vec<_> = (0..found).map(|n| object(n, &[item(n)])).collect();
        let answer = chain.check(&chain.sign(MARKET, capture(&events)));
        let found = found as usize;
        let expected = match found {
            1..=3 => Ok(()),
            _ => Err(Rejection::Custody(CustodyRejection::EventCount {
                found,
                limit: 3,
            })),
        };
        assert_eq!(answer, expected);
    }
}

#[test]
fn a_bad_event_is_named_by_its_index() {
    let chain = Chain::start();
    for bad in [&b"{"[..], b"", b"[]", b"\xff"] {
        let events = [object(1, &[item(1)]), bad.to_vec()];
        let refused = chain.check(&chain.sign(MARKET, capture(&events)));
        assert!(
            matches!(
                refused,
                Err(Rejection::Custody(CustodyRejection::Event { index: 1, .. }))
            ),
            "{refused:?}"
        );
    }
}

#[test]
fn an_event_is_linked_to_every_item_that_it_names() {
    let mut chain = Chain::start();
    let (a, b, box_1) = (item(1), item(2), container(1));
    let events = vec![
        object(1, &[a.clone(), b.clone()]),
        add(&box_1, std::slice::from_ref(&a)),
    ];
    chain.capture(&events).unwrap();
    chain
        .capture(&[object(2, std::slice::from_ref(&a))])
        .unwrap();
    let expected: [(&str, &[(u64, u32)]); 3] = [
        (&a, &[(1, 0), (1, 1), (2, 0)]),
        (&b, &[(1, 0)]),
        (&box_1, &[(1, 1)]),
    ];
    let bytes = |height: u64, event: u32| match (height, event) {
        (1, n) => events[n as usize].clone(),
        _ => object(2, std::slice::from_ref(&a)),
    };
    for (id, places) in expected {
        let key = keys::item(id);
        let rows: Vec<_> = chain
            .state
            .links
            .iter()
            .filter(|r| r.owner == key)
            .collect();
        let linked: Vec<LinkedEvent> = rows
            .iter()
            .zip(places)
            .map(|(row, (height, event))| LinkedEvent {
                entry: row.entry.clone(),
                event: bytes(*height, *event),
            })
            .collect();
        let entries = proof::link::verify(&record(&chain, id).link.unwrap(), &linked).unwrap();
        let found: Vec<_> = entries
            .iter()
            .map(|e| e.position.map(|p| (p.height, p.event)).unwrap())
            .collect();
        assert_eq!(found, places, "{id}");
        assert!(entries.iter().all(|e| e.organisation == "market"));
        assert!(rows.iter().map(|r| r.sequence).eq(0..places.len() as u64));
    }
}

/// What a pallet's move costs doesn't depend on what is on it.
#[test]
fn an_event_about_a_container_writes_nothing_to_its_content() {
    let mut chain = Chain::start();
    let content: Vec<String> = (0..50).map(item).collect();
    chain.capture(&[add(&container(1), &content)]).unwrap();
    let before: Vec<Item> = content.iter().map(|id| record(&chain, id)).collect();
    let envelope = chain.sign(MARKET, capture(&[object(1, &[container(1)])]));
    let executed = chain.commit(&[envelope]);
    // The container, and the block id of the parent.
    assert_eq!(executed.writes.values.len(), 2);
    let after: Vec<Item> = content.iter().map(|id| record(&chain, id)).collect();
    assert_eq!(before, after);
}

#[test]
fn packing_is_recorded_with_its_position_and_ends_with_unpacking() {
    let mut chain = Chain::start();
    let (a, box_1) = (item(1), container(1));
    chain
        .capture(&[
            object(1, std::slice::from_ref(&a)),
            add(&box_1, std::slice::from_ref(&a)),
        ])
        .unwrap();
    let packed = record(&chain, &a).packed.unwrap();
    assert_eq!(packed.container, box_1);
    assert_eq!(packed.since.map(order), Some((1, 0, 1)));
    chain
        .capture(&[delete(&box_1, std::slice::from_ref(&a))])
        .unwrap();
    assert_eq!(record(&chain, &a).packed, None);
    assert_eq!(
        record(&chain, &box_1).emptied,
        None,
        "only the whole content empties"
    );
}

/// The rules of packing: what stands before, one event, and the code that it meets (0: none).
#[test]
fn each_packing_rule() {
    let (a, b) = (&item(1), &item(2));
    let (box_1, box_2, box_3) = (&container(1), &container(2), &container(3));
    let one = |id: &String| vec![id.clone()];
    let packed = vec![add(box_1, &one(a))];
    let nested = vec![
        add(box_1, &one(a)),
        add(box_2, &one(box_1)),
        add(box_3, &one(box_2)),
    ];
    let emptied = vec![add(box_1, &one(a)), delete(box_1, &[])];
    let observe = aggregation("OBSERVE", box_2, &one(a));
    type Row<'a> = (&'a str, &'a [Vec<u8>], Vec<u8>, u32);
    let rows: [Row<'_>; 19] = [
        ("pack a loose item", &[], add(box_1, &one(a)), 0),
        ("pack it again", &packed, add(box_1, &one(a)), 302),
        ("pack it elsewhere", &packed, add(box_2, &one(a)), 302),
        ("pack another too", &packed, add(box_1, &one(b)), 0),
        ("unpack", &packed, delete(box_1, &one(a)), 0),
        (
            "unpack from elsewhere",
            &packed,
            delete(box_2, &one(a)),
            303,
        ),
        ("unpack what is loose", &packed, delete(box_1, &one(b)), 303),
        (
            "unpack one that isn't in",
            &packed,
            delete(box_1, &[a.clone(), b.clone()]),
            303,
        ),
        (
            "unpack from the outer container",
            &nested,
            delete(box_2, &one(a)),
            303,
        ),
        ("pack after emptying", &emptied, add(box_2, &one(a)), 0),
        (
            "pack in the same after emptying",
            &emptied,
            add(box_1, &one(a)),
            0,
        ),
        (
            "unpack after emptying",
            &emptied,
            delete(box_1, &one(a)),
            303,
        ),
        ("empty what is empty", &[], delete(box_1, &[]), 0),
        ("a container in itself", &[], add(box_1, &one(box_1)), 304),
        (
            "a container in its content",
            &packed,
            add(a, &one(box_1)),
            304,
        ),
        (
            "an outer container in an inner one",
            &nested,
            add(box_1, &one(box_3)),
            304,
        ),
        (
            "the outermost in the item",
            &nested,
            add(a, &one(box_3)),
            304,
        ),
        (
            "a container in another",
            &packed,
            add(box_2, &one(box_1)),
            0,
        ),
        ("observing packs nothing", &packed, observe, 0),
    ];
    for (name, before, event, code) in rows {
        let mut chain = Chain::start();
        for event in before {
            chain.capture(std::slice::from_ref(event)).unwrap();
        }
        // In a block of its own, and in one transaction with what stands before.
        let apart = chain.check(&chain.sign(MARKET, capture(std::slice::from_ref(&event))));
        let all = [before, &[event]].concat();
        let fresh = Chain::start();
        let together = fresh.check(&fresh.sign(MARKET, capture(&all)));
        for (answer, index) in [(apart, 0), (together, before.len() as u32)] {
            assert_eq!(
                answer.as_ref().err().map_or(0, Rejection::code),
                code,
                "{name}: {answer:?}"
            );
            if let Err(rejection) = answer {
                assert_eq!(rejection.event_index(), Some(index), "{name}");
            }
        }
    }
}

/// Emptying ends the packing of everything in the container, and of nothing deeper.
#[test]
fn emptying_frees_the_content_at_once() {
    let mut chain = Chain::start();
    let (a, box_1, pallet) = (item(1), container(1), container(2));
    chain
        .capture(&[add(&box_1, std::slice::from_ref(&a))])
        .unwrap();
    chain
        .capture(&[add(&pallet, std::slice::from_ref(&box_1))])
        .unwrap();
    chain.capture(&[delete(&pallet, &[])]).unwrap();
    assert_eq!(record(&chain, &pallet).emptied.map(order), Some((3, 0, 0)));
    let answer = |event| {
        chain
            .check(&chain.sign(MARKET, capture(&[event])))
            .map_err(|r| r.code())
    };
    assert_eq!(
        answer(add(&container(3), std::slice::from_ref(&box_1))),
        Ok(())
    );
    assert_eq!(
        answer(add(&container(3), std::slice::from_ref(&a))),
        Err(302)
    );
}

/// Deletion of a quantity of a class isn't emptying.
#[test]
fn taking_out_a_class_does_not_empty() {
    let mut chain = Chain::start();
    let (a, box_1) = (item(1), container(1));
    chain
        .capture(&[add(&box_1, std::slice::from_ref(&a))])
        .unwrap();
    let mut event: serde_json::Value = serde_json::from_slice(&delete(&box_1, &[])).unwrap();
    event["childQuantityList"] = serde_json::json!([{
        "epcClass": item(1).split("/21/").next().unwrap(), "quantity": 5
    }]);
    let bytes = event.to_string().into_bytes();
    chain.capture(&[bytes]).unwrap();
    assert_eq!(record(&chain, &box_1).emptied, None);
}

/// Associations and transactions have a parent too, and contain nothing.
#[test]
fn only_aggregation_packs() {
    let (a, box_1) = (item(1), container(1));
    let typed = |event_type: &str, bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .unwrap()
            .replace("AggregationEvent", event_type)
            .into_bytes()
    };
    let mut chain = Chain::start();
    let associate = add(&box_1, std::slice::from_ref(&a));
    chain
        .capture(&[typed("AssociationEvent", associate)])
        .unwrap();
    assert_eq!(record(&chain, &a).packed, None);
    chain
        .capture(&[add(&box_1, std::slice::from_ref(&a))])
        .unwrap();
    let dissociate = delete(&box_1, &[]);
    chain
        .capture(&[typed("AssociationEvent", dissociate)])
        .unwrap();
    assert_eq!(record(&chain, &box_1).emptied, None);
}

/// A chain of containers from the outside in: the walk is bounded.
#[test]
fn packing_depth_is_bounded() {
    let mut chain = Chain::start();
    for n in 0..MAX_PACKING_DEPTH as u64 {
        chain
            .capture(&[add(&container(n), &[container(n + 1)])])
            .unwrap();
    }
    // 16 containers stand around the innermost one: it takes one more thing in, which takes none.
    let innermost = container(MAX_PACKING_DEPTH as u64);
    let one_more = container(MAX_PACKING_DEPTH as u64 + 1);
    chain
        .capture(&[add(&innermost, std::slice::from_ref(&one_more))])
        .unwrap();
    let refused = chain.check(&chain.sign(MARKET, capture(&[add(&one_more, &[item(1)])])));
    assert_eq!(
        refused,
        Err(Rejection::Custody(CustodyRejection::PackingTooDeep {
            index: 0,
            container: one_more
        }))
    );
}

/// A transaction whose last event is refused leaves nothing of the earlier ones.
#[test]
fn a_refused_event_undoes_the_whole_capture() {
    let chain = Chain::start();
    let (a, box_1) = (item(1), container(1));
    let events = [
        add(&box_1, std::slice::from_ref(&a)),
        delete(&box_1, &[item(2)]),
    ];
    let envelope = chain.sign(MARKET, capture(&events));
    let empty = chain.execute(&[]);
    let executed = chain.execute(&[envelope]);
    assert_eq!(executed.rejected.len(), 1);
    assert_eq!(
        (executed.writes, executed.header),
        (empty.writes, empty.header)
    );
}

/// The rules never let it come about, so it is our disk that is wrong; and the walk ends.
#[test]
fn a_stored_cycle_is_damage() {
    let mut chain = Chain::start();
    for (inner, outer) in [(1, 2), (2, 1)] {
        let packed = Item {
            packed: Some(Packing {
                generation: 0,
                container: container(outer),
                since: Some(Position {
                    height: 1,
                    ..Position::default()
                }),
            }),
            ..Item::default()
        };
        let key = keys::item(&container(inner));
        chain
            .state
            .values
            .insert(key, prost::Message::encode_to_vec(&packed));
    }
    let envelope = chain.sign(MARKET, capture(&[add(&container(1), &[item(1)])]));
    let transaction = chain.verified(&envelope).unwrap();
    let executed = crate::execution::execute(&chain.state, &chain.context(), &[&transaction]);
    assert!(matches!(executed, Err(Fault::Damaged(_))), "{executed:?}");
}
