//! How lives begin and end.

use super::authority::{code, custody_of};
use super::*;
use crate::test_support::{event_of, lot, step};
use serde_json::{Value, json};
use touchstone_proto::ledger::{Basis, Ending, Role};

fn ending_of(chain: &Chain, id: &str) -> Option<Ending> {
    record(chain, id).ended.map(|end| end.how())
}

fn transformed(fields: Value) -> Vec<u8> {
    event_of("TransformationEvent", "", fields)
}

/// Everything that begins under a prefix, by its owner and by others.
#[test]
fn under_a_prefix_only_its_owner_commissions() {
    let unregistered = "https://id.gs1.org/01/04012345123456/21/1".to_owned();
    let quantity = json!({"quantityList": [{"epcClass": lot(1), "quantity": 5}]});
    let made_things = json!({"inputEPCList": ["urn:x:1"], "outputEPCList": [item(1)]});
    let made_lot = json!({
        "inputEPCList": ["urn:x:1"],
        "outputQuantityList": [{"epcClass": lot(1), "quantity": 5}]
    });
    let rows = [
        ("a thing", step("ADD", "commissioning", &[item(1)]), 309),
        (
            "a container",
            step("ADD", "commissioning", &[container(1)]),
            309,
        ),
        (
            "of several, one",
            step("ADD", "commissioning", &["urn:x:1".into(), item(1)]),
            309,
        ),
        ("a lot", event_of("ObjectEvent", "ADD", quantity), 309),
        ("an output", transformed(made_things), 309),
        ("a lot as an output", transformed(made_lot), 309),
        (
            "nobody's prefix",
            step("ADD", "commissioning", &[unregistered]),
            0,
        ),
        (
            "a URI",
            step("ADD", "commissioning", &["urn:x:1".into()]),
            0,
        ),
        ("seeing", step("OBSERVE", "inspecting", &[item(1)]), 0),
    ];
    for (name, event, by_others) in rows {
        let chain = Chain::start();
        let action = capture(&[event]);
        assert_eq!(code(&chain, MARKET, action.clone()), by_others, "{name}");
        assert_eq!(code(&chain, MAKER, action), 0, "{name}");
    }
}

/// The prefix counts as it is registered when the event is recorded.
#[test]
fn a_prefix_can_change_hands() {
    let mut chain = Chain::start();
    let begin = |n| capture(&[step("ADD", "commissioning", &[item(n)])]);
    let put = |(id, key): (&str, u8), roles: &[Role], prefixes: &[&str]| {
        let mut organisation = newcomer(id, key);
        organisation.roles = roles.iter().map(|role| *role as i32).collect();
        organisation.gs1_prefixes = prefixes.iter().map(|p| (*p).to_owned()).collect();
        Kind::PutOrganisation(organisation)
    };
    // While the maker has it, nobody else gets it, nor a longer or shorter one.
    let approvers = [MARKET, CARRIER];
    for prefix in ["9521321", "95213", "952132100"] {
        let take = change(1, put(MARKET, &[Role::Platform], &[prefix]));
        let mut chain = chain.clone();
        chain.approve(&approvers, &take);
        let last = chain.sign(MAKER, crate::test_support::approve(&take));
        let refused = chain.check(&last).unwrap_err();
        assert_eq!(refused.code(), 512, "{refused}");
    }
    let roles = [Role::Manufacturer, Role::Designer];
    let give = change(2, put(MAKER, &roles, &[]));
    chain.approve(&[MARKET, CARRIER, MAKER], &give);
    assert_eq!(code(&chain, MARKET, begin(1)), 0, "nobody's now");
    let take = change(3, put(MARKET, &[Role::Platform], &["9521321", "9521322"]));
    chain.approve(&[MARKET, CARRIER, MAKER], &take);
    assert_eq!(code(&chain, MARKET, begin(1)), 0);
    assert_eq!(code(&chain, MAKER, begin(1)), 309);
}

#[test]
fn a_thing_begins_once() {
    let mut chain = Chain::start();
    let begin = |ids: &[String]| capture(&[step("ADD", "commissioning", ids)]);
    let add_lot = event_of(
        "ObjectEvent",
        "ADD",
        json!({"quantityList": [{"epcClass": lot(1), "quantity": 5}]}),
    );
    chain.run(MAKER, capture(&[object(1, &[item(1)])])).unwrap();
    chain.run(MAKER, begin(&[item(1)])).unwrap();
    assert!(record(&chain, &item(1)).commissioned.is_some());
    assert_eq!(code(&chain, MAKER, begin(&[item(1)])), 310);
    assert_eq!(code(&chain, MAKER, begin(&[item(2), item(1)])), 310);
    let begun = step("ADD", "commissioning", &[item(3)]);
    let twice = capture(&[begun.clone(), begun]);
    assert_eq!(code(&chain, MAKER, twice), 310);
    let from_itself = json!({"inputEPCList": [item(4)], "outputEPCList": [item(4)]});
    assert_eq!(
        code(&chain, MAKER, capture(&[transformed(from_itself)])),
        310
    );
    // Of a lot, more may be made.
    chain
        .run(MAKER, capture(&[add_lot.clone(), add_lot]))
        .unwrap();
}

/// Others had it first, by their own word; the owner of the prefix says that it begins now.
#[test]
fn commissioning_outweighs_ones_own_word() {
    let mut chain = Chain::start();
    let (a, b) = (item(1), item(2));
    let begin = |id: &String| capture(&[step("ADD", "commissioning", std::slice::from_ref(id))]);
    chain
        .capture(&[object(1, &[a.clone(), b.clone()])])
        .unwrap();
    chain.run(MAKER, begin(&a)).unwrap();
    assert_eq!(
        custody_of(&chain, &a),
        Some(("maker".into(), Basis::Prefix))
    );
    // Not what is packed, nor what somebody accepted.
    chain
        .capture(&[add(&container(1), std::slice::from_ref(&b))])
        .unwrap();
    assert_eq!(code(&chain, MAKER, begin(&b)), 307);
    chain.capture(&[delete(&container(1), &[])]).unwrap();
    chain.hand_over(MARKET, CARRIER, std::slice::from_ref(&b));
    assert_eq!(code(&chain, MAKER, begin(&b)), 307);
}

/// What ends a life; and what may follow.
#[test]
fn nothing_follows_an_end() {
    let a = item(1);
    let one = std::slice::from_ref(&a);
    let linked = |action: &str, biz_step: &str| {
        let order = [json!({"bizTransaction": "urn:x:1"})];
        let fields = json!({"epcList": one, "bizStep": biz_step, "bizTransactionList": order});
        event_of("TransactionEvent", action, fields)
    };
    let used = transformed(json!({"inputEPCList": one, "outputEPCList": ["urn:x:1"]}));
    let rows = [
        (step("OBSERVE", "retail_selling", one), Some(Ending::Sold)),
        (step("DELETE", "retail_selling", one), Some(Ending::Sold)),
        (linked("ADD", "retail_selling"), Some(Ending::Sold)),
        (linked("OBSERVE", "retail_selling"), Some(Ending::Sold)),
        (linked("DELETE", "retail_selling"), None),
        (step("OBSERVE", "destroying", one), Some(Ending::Destroyed)),
        (step("DELETE", "destroying", one), Some(Ending::Destroyed)),
        (
            step("OBSERVE", "decommissioning", one),
            Some(Ending::Decommissioned),
        ),
        (step("DELETE", "other", one), Some(Ending::Decommissioned)),
        (used, Some(Ending::Consumed)),
        (step("OBSERVE", "storing", one), None),
        (step("OBSERVE", "shipping", one), None),
    ];
    for (event, ending) in rows {
        let mut chain = authority::with_customs();
        chain.capture(std::slice::from_ref(&event)).unwrap();
        assert_eq!(ending_of(&chain, &a), ending, "{}", event.escape_ascii());
        let expected = if ending.is_some() { 311 } else { 0 };
        let seen = capture(&[object(2, one)]);
        assert_eq!(code(&chain, MARKET, seen.clone()), expected);
        assert_eq!(code(&chain, authority::CUSTOMS, seen.clone()), expected);
        let packed = capture(&[add(&container(1), one)]);
        assert_eq!(code(&chain, MARKET, packed), expected);
        let offered = crate::test_support::offer("carrier", chain.time_ms + 5000, &[event]);
        if let Some(ending) = ending {
            assert_eq!(code(&chain, MARKET, offered), 311);
            let refused = chain.check(&chain.sign(MARKET, seen)).unwrap_err();
            let word = format!("{ending:?}").to_lowercase();
            assert!(refused.to_string().contains(&word), "{refused}");
        }
    }
}

/// An offer of something that its own events end is refused.
#[test]
fn what_ends_is_not_offered() {
    let chain = Chain::start();
    let ended = step("DELETE", "destroying", &[item(1)]);
    let offered = crate::test_support::offer("carrier", chain.time_ms + 5000, &[ended]);
    assert_eq!(code(&chain, MARKET, offered), 311);
}

/// What is in a container ends and returns with it.
#[test]
fn content_ends_with_its_container() {
    let mut chain = Chain::start();
    let (a, box_1) = (item(1), container(1));
    let one = std::slice::from_ref(&a);
    let returned = |ids: &[String]| {
        let fields = json!({"epcList": ids, "bizStep": "receiving", "disposition": "returned"});
        capture(&[event_of("ObjectEvent", "OBSERVE", fields)])
    };
    chain.run(MAKER, capture(&[add(&box_1, one)])).unwrap();
    let sold = step("OBSERVE", "retail_selling", std::slice::from_ref(&box_1));
    chain.run(MAKER, capture(&[sold])).unwrap();
    assert_eq!(ending_of(&chain, &a), None);
    assert_eq!(code(&chain, MAKER, capture(&[object(2, one)])), 311);
    assert_eq!(code(&chain, MAKER, capture(&[delete(&box_1, &[])])), 311);
    assert_eq!(code(&chain, MAKER, returned(one)), 311, "it is in the box");
    chain
        .run(MAKER, returned(std::slice::from_ref(&box_1)))
        .unwrap();
    assert_eq!(
        code(
            &chain,
            MAKER,
            capture(&[delete(&box_1, &[]), object(2, one)])
        ),
        0
    );
}

#[test]
fn what_was_sold_is_returned_to_a_shop_or_its_maker() {
    let mut chain = Chain::start();
    let returned = |id: &String, disposition: &str| {
        let ids = std::slice::from_ref(id);
        let fields = json!({"epcList": ids, "bizStep": "receiving", "disposition": disposition});
        capture(&[event_of("ObjectEvent", "OBSERVE", fields)])
    };
    let [sold, destroyed] = [item(1), item(2)];
    chain
        .capture(&[step(
            "OBSERVE",
            "retail_selling",
            std::slice::from_ref(&sold),
        )])
        .unwrap();
    chain
        .capture(&[step(
            "OBSERVE",
            "destroying",
            std::slice::from_ref(&destroyed),
        )])
        .unwrap();
    // The market is a platform, the carrier moves goods; neither takes anything back.
    for who in [MARKET, CARRIER] {
        assert_eq!(code(&chain, who, returned(&sold, "returned")), 311);
    }
    assert_eq!(code(&chain, MAKER, returned(&sold, "active")), 311);
    assert_eq!(code(&chain, MAKER, returned(&destroyed, "returned")), 311);
    chain.run(MAKER, returned(&sold, "returned")).unwrap();
    assert_eq!(ending_of(&chain, &sold), None);
    assert_eq!(
        custody_of(&chain, &sold),
        Some(("maker".into(), Basis::OwnWord))
    );
    // It may be sold and come back again, to whom sold it: then nothing about its custody is new.
    let again = step("OBSERVE", "retail_selling", std::slice::from_ref(&sold));
    chain.run(MAKER, capture(&[again])).unwrap();
    let before = record(&chain, &sold).custody;
    chain.run(MAKER, returned(&sold, "returned")).unwrap();
    assert_eq!(record(&chain, &sold).custody, before);
}

/// Enrols a shop; its key.
pub(super) fn with_shop(chain: &mut Chain) -> (&'static str, u8) {
    let mut shop = newcomer("shop", 62);
    shop.roles = vec![Role::Retail as i32];
    let enrol = change(1, Kind::PutOrganisation(shop));
    chain.approve(&[MARKET, CARRIER, MAKER], &enrol);
    ("shop", 62)
}

pub(super) fn returned(ids: &[String]) -> Action {
    let fields = json!({"epcList": ids, "bizStep": "receiving", "disposition": "returned"});
    capture(&[event_of("ObjectEvent", "OBSERVE", fields)])
}

/// Only an observation of the thing itself takes it back, and one that ends nothing.
#[test]
fn a_return_is_an_observation() {
    let mut chain = Chain::start();
    let a = item(1);
    let one = std::slice::from_ref(&a);
    let sold = step("OBSERVE", "retail_selling", one);
    chain.run(MAKER, capture(&[sold])).unwrap();
    let event = |kind: &str, action: &str, biz_step: &str| {
        let mut fields = json!({"epcList": one, "bizStep": biz_step, "disposition": "returned"});
        if kind == "TransactionEvent" {
            fields["bizTransactionList"] = json!([{"bizTransaction": "urn:x:1"}]);
        }
        event_of(kind, action, fields)
    };
    let good = event("ObjectEvent", "OBSERVE", "receiving");
    let rows = [
        ("seen", good.clone(), 0),
        ("begun", event("ObjectEvent", "ADD", "receiving"), 311),
        ("ended", event("ObjectEvent", "OBSERVE", "destroying"), 311),
        (
            "in an order",
            event("TransactionEvent", "OBSERVE", "receiving"),
            311,
        ),
        (
            "declared wrong",
            crate::test_support::declared_wrong(&good),
            311,
        ),
    ];
    for (name, event, expected) in rows {
        assert_eq!(code(&chain, MAKER, capture(&[event])), expected, "{name}");
    }
}

/// What was sold with its box is taken back by who has the box, after the box, and stays in it.
#[test]
fn what_was_sold_in_its_box_is_returned_with_it() {
    let mut chain = Chain::start();
    let shop = with_shop(&mut chain);
    let (a, box_1) = (item(1), container(1));
    let (one, boxed) = (std::slice::from_ref(&a), std::slice::from_ref(&box_1));
    chain.run(MAKER, capture(&[add(&box_1, one)])).unwrap();
    let both = step("OBSERVE", "retail_selling", &[a.clone(), box_1.clone()]);
    chain.run(MAKER, capture(&[both])).unwrap();
    assert_eq!(ending_of(&chain, &a), Some(Ending::Sold));
    assert_eq!(code(&chain, MAKER, returned(one)), 311, "its box is sold");
    chain.run(shop, returned(boxed)).unwrap();
    assert_eq!(code(&chain, MAKER, returned(one)), 311, "the shop has it");
    let before = record(&chain, &a).custody;
    chain.run(shop, returned(one)).unwrap();
    assert_eq!(ending_of(&chain, &a), None);
    assert_eq!(record(&chain, &a).custody, before, "it follows the box");
    let seen = capture(&[object(2, one)]);
    assert_eq!(code(&chain, shop, seen.clone()), 0);
    assert_eq!(code(&chain, MAKER, seen), 307);
}
