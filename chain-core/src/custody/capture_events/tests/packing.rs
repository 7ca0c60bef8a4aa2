//! Packing and custody: what is packed doesn't act alone, and moves at no cost.

use super::authority::code;
use super::*;
use crate::test_support::{event_of, offer, step};
use serde_json::json;

#[test]
fn what_is_packed_does_not_act_alone() {
    let mut chain = Chain::start();
    let (a, box_1, pallet) = (item(1), container(1), container(2));
    let one = std::slice::from_ref(&a);
    chain
        .capture(&[add(&box_1, one), add(&pallet, std::slice::from_ref(&box_1))])
        .unwrap();
    let used = event_of(
        "TransformationEvent",
        "",
        json!({"inputEPCList": one, "outputEPCList": ["urn:x:1"]}),
    );
    let linked = event_of(
        "TransactionEvent",
        "ADD",
        json!({
            "parentID": a, "epcList": ["urn:x:1"], "bizStep": "shipping",
            "bizTransactionList": [{"bizTransaction": "urn:x:2"}]
        }),
    );
    let rows = [
        ("shipped", step("OBSERVE", "shipping", one), 312),
        ("sold", step("OBSERVE", "retail_selling", one), 312),
        ("destroyed", step("OBSERVE", "destroying", one), 312),
        ("decommissioned", step("DELETE", "other", one), 312),
        ("used up", used, 312),
        ("shipped as a parent", linked, 312),
        (
            "the box alone",
            step("OBSERVE", "shipping", std::slice::from_ref(&box_1)),
            312,
        ),
        (
            "with the box only",
            step("OBSERVE", "shipping", &[a.clone(), box_1.clone()]),
            312,
        ),
        (
            "with all",
            step(
                "OBSERVE",
                "shipping",
                &[a.clone(), box_1.clone(), pallet.clone()],
            ),
            0,
        ),
        (
            "with the pallet",
            step("OBSERVE", "shipping", &[a.clone(), pallet.clone()]),
            0,
        ),
        (
            "the pallet",
            step("OBSERVE", "shipping", std::slice::from_ref(&pallet)),
            0,
        ),
        ("seen", step("OBSERVE", "inspecting", one), 0),
    ];
    for (name, event, expected) in rows {
        assert_eq!(code(&chain, MARKET, capture(&[event])), expected, "{name}");
    }
    // Nor is it handed over alone.
    let deadline_ms = chain.time_ms + 5000;
    let offered = |ids: &[String]| offer("carrier", deadline_ms, &[object(3, ids)]);
    assert_eq!(code(&chain, MARKET, offered(one)), 312);
    assert_eq!(
        code(&chain, MARKET, offered(&[a.clone(), box_1.clone()])),
        312
    );
    assert_eq!(
        code(&chain, MARKET, offered(&[a.clone(), pallet.clone()])),
        0
    );
    // Out of the box, it does.
    chain.capture(&[delete(&box_1, one)]).unwrap();
    assert_eq!(
        code(&chain, MARKET, capture(&[step("OBSERVE", "shipping", one)])),
        0
    );
    assert_eq!(code(&chain, MARKET, offered(one)), 0);
}

/// Container and content are the same organisation's when something is packed.
#[test]
fn only_who_holds_both_packs() {
    let mut chain = Chain::start();
    let (a, b, box_1) = (item(1), item(2), container(1));
    chain
        .capture(&[object(1, &[a.clone(), box_1.clone()])])
        .unwrap();
    let pack = |id: &String| capture(&[add(&box_1, std::slice::from_ref(id))]);
    chain
        .run(CARRIER, capture(&[object(1, std::slice::from_ref(&b))]))
        .unwrap();
    assert_eq!(code(&chain, CARRIER, pack(&b)), 307, "not its box");
    assert_eq!(code(&chain, MARKET, pack(&b)), 307, "not its item");
    assert_eq!(code(&chain, MARKET, pack(&a)), 0);
    let own_box = capture(&[add(&container(2), std::slice::from_ref(&b))]);
    assert_eq!(code(&chain, CARRIER, own_box), 0);
}

/// Nesting is bounded from the outside in and from the inside out alike.
#[test]
fn nesting_from_the_inside_out_is_bounded() {
    let mut chain = Chain::start();
    let last = MAX_PACKING_DEPTH as u64 + 1;
    for n in 0..last {
        chain
            .capture(&[add(&container(n + 1), &[container(n)])])
            .unwrap();
    }
    // 17 containers stand around the innermost one.
    let around = capture(&[add(&container(last + 1), &[container(last)])]);
    assert_eq!(code(&chain, MARKET, around.clone()), 305);
    assert_eq!(
        code(
            &chain,
            MARKET,
            capture(&[add(&container(last), &[item(1)])])
        ),
        0
    );
    // Emptying the outermost one takes off a level only for itself.
    chain.capture(&[delete(&container(last), &[])]).unwrap();
    assert_eq!(code(&chain, MARKET, around), 0);
    assert_eq!(record(&chain, &container(last)).levels, 0);
}

/// Handing over a pallet of 10,000 units writes as much as an empty one.
#[test]
fn a_full_pallet_moves_at_the_cost_of_an_empty_one() {
    let written = |content: u64| {
        let mut chain = Chain::start();
        let pallet = container(1);
        let units: Vec<String> = (0..content).map(item).collect();
        let events: Vec<_> = units
            .chunks(1000)
            .map(|units| add(&pallet, units))
            .collect();
        let first = object(1, std::slice::from_ref(&pallet));
        chain.capture(&[vec![first], events].concat()).unwrap();
        let offered = offer(
            "carrier",
            chain.time_ms + 5000,
            &[step("OBSERVE", "shipping", std::slice::from_ref(&pallet))],
        );
        let envelope = chain.sign(MARKET, offered);
        let offering = chain.commit(std::slice::from_ref(&envelope)).writes;
        let id = *chain.verified(&envelope).unwrap().id();
        let accepted = crate::test_support::answer(
            &id,
            touchstone_proto::ledger::Outcome::Accepted,
            "",
            &[step("OBSERVE", "receiving", std::slice::from_ref(&pallet))],
        );
        let envelope = chain.sign(CARRIER, accepted);
        let accepting = chain.commit(&[envelope]).writes;
        let count =
            |writes: &crate::state::delta::Writes| (writes.values.len(), writes.links.len());
        (count(&offering), count(&accepting))
    };
    let empty = written(0);
    // The pallet, the offer, the shipper's open offers, and the parent block's id; one entry. The block that accepts is
    // another organisation's, which is noted.
    assert_eq!(empty, ((4, 1), (5, 1)));
    assert_eq!(written(10_000), empty);
}

/// What an event names is looked for once for each thing, not once for each pair: 65,000 things in sixteen containers
/// would take minutes of each validator.
#[test]
fn a_capture_that_names_very_much_comes_to_an_end() {
    let mut document = genesis_document();
    document.parameters.max_transaction_bytes = 4 << 20;
    let chain = Chain::from(&document);
    let things: Vec<String> = (0..65_000).map(|n| format!("u:{n}")).collect();
    let boxes: Vec<String> = (0..16).map(|n| format!("b:{n}")).collect();
    let mut events = vec![add(&boxes[0], &things)];
    for (inner, outer) in boxes.iter().zip(&boxes[1..]) {
        events.push(add(outer, std::slice::from_ref(inner)));
    }
    let all = [&things[..], &boxes[15..]].concat();
    events.push(step("OBSERVE", "shipping", &all));
    // The rules of the last event are all kept; its entries are too many.
    let refused = chain.check(&chain.sign(MARKET, capture(&events)));
    let limit = crate::state::delta::MAX_LINK_ENTRIES;
    assert_eq!(
        refused,
        Err(CustodyRejection::TooManyItems { limit }.into())
    );
}
