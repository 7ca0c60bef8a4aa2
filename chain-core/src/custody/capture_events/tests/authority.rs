//! Who may append, and how custody begins.

use super::*;
use crate::test_support::{claim, event_of, step};
use serde_json::json;
use touchstone_proto::ledger::{Basis, Custody, Position};

/// The customs' key, once it is enrolled.
pub(super) const CUSTOMS: (&str, u8) = ("customs", 60);

/// A chain with an organisation that only observes.
pub(super) fn with_customs() -> Chain {
    let mut chain = Chain::start();
    let enrol = change(1, Kind::PutOrganisation(newcomer("customs", 60)));
    chain.approve(&[MARKET, CARRIER, MAKER], &enrol);
    chain
}

pub(super) fn code(chain: &Chain, who: (&str, u8), action: Action) -> u32 {
    let answer = chain.check(&chain.sign_at(who, 7_000 + chain.height, action));
    answer.err().map_or(0, |rejection| rejection.code())
}

pub(super) fn custody_of(chain: &Chain, id: &str) -> Option<(String, Basis)> {
    let custody: Option<Custody> = record(chain, id).custody;
    custody.map(|custody| (custody.holder.clone(), custody.basis()))
}

#[test]
fn the_first_record_begins_custody_by_ones_own_word_or_prefix() {
    let foreign = "https://id.gs1.org/01/04012345123456/21/1".to_owned();
    let own_uri = "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".to_owned();
    let rows = [
        (MAKER, item(1), Basis::Prefix),
        (MARKET, item(2), Basis::OwnWord),
        (MAKER, foreign, Basis::OwnWord),
        (MAKER, own_uri, Basis::OwnWord),
    ];
    for (who, id, basis) in rows {
        let mut chain = Chain::start();
        let seen = capture(&[object(1, std::slice::from_ref(&id))]);
        chain.run(who, seen).unwrap();
        assert_eq!(
            custody_of(&chain, &id),
            Some((who.0.to_owned(), basis)),
            "{id}"
        );
        let since = record(&chain, &id).custody.unwrap().since;
        assert_eq!(
            since,
            Some(Position {
                height: 1,
                transaction: 0,
                event: 0
            })
        );
    }
}

/// What stands before is market's; then one event by another organisation.
#[test]
fn only_the_holder_and_observers_append() {
    let mut chain = with_customs();
    let (a, box_1) = (item(1), container(1));
    let one = std::slice::from_ref(&a);
    chain.capture(&[object(1, one)]).unwrap();
    chain.capture(&[add(&box_1, &[item(2)])]).unwrap();
    let seen_on = event_of(
        "TransactionEvent",
        "OBSERVE",
        json!({"epcList": one, "bizTransactionList": [{"bizTransaction": "urn:x:1"}]}),
    );
    let linked = String::from_utf8(seen_on.clone())
        .unwrap()
        .replace("OBSERVE", "ADD");
    let associated = event_of(
        "AssociationEvent",
        "OBSERVE",
        json!({"parentID": a, "childEPCs": ["urn:x:sensor"]}),
    );
    let used = event_of(
        "TransformationEvent",
        "",
        json!({"inputEPCList": one, "outputEPCList": ["urn:x:made"]}),
    );
    let rows = [
        ("a finding", object(2, one), 0, 307),
        ("a finding on what is packed", object(2, &[item(2)]), 0, 307),
        ("a finding in a transaction", seen_on, 0, 307),
        (
            "seen in a container",
            aggregation("OBSERVE", &box_1, &[item(2)]),
            0,
            307,
        ),
        ("seen beside a sensor", associated, 0, 307),
        ("a link", linked.into_bytes(), 307, 307),
        ("a beginning", step("ADD", "commissioning", one), 307, 307),
        ("an end", step("DELETE", "decommissioning", one), 307, 307),
        ("a sale", step("OBSERVE", "retail_selling", one), 307, 307),
        ("packing", add(&box_1, one), 307, 307),
        ("unpacking", delete(&box_1, &[item(2)]), 307, 307),
        ("emptying", delete(&box_1, &[]), 307, 307),
        ("using up", used, 307, 307),
    ];
    for (name, event, by_customs, by_carrier) in rows {
        let action = capture(&[event]);
        assert_eq!(
            code(&chain, CUSTOMS, action.clone()),
            by_customs,
            "{name}, customs"
        );
        assert_eq!(
            code(&chain, CARRIER, action.clone()),
            by_carrier,
            "{name}, carrier"
        );
        if by_carrier != 0 {
            let refused = chain.check(&chain.sign(CARRIER, action)).unwrap_err();
            assert!(refused.to_string().contains("held by market"), "{refused}");
        }
    }
}

#[test]
fn what_only_observes_takes_no_custody() {
    let mut chain = with_customs();
    let a = item(1);
    let one = std::slice::from_ref(&a);
    chain.run(CUSTOMS, capture(&[object(1, one)])).unwrap();
    assert_eq!(custody_of(&chain, &a), None);
    let begun = capture(&[step("ADD", "commissioning", &["urn:x:thing".to_owned()])]);
    assert_eq!(code(&chain, CUSTOMS, begun), 308);
    assert_eq!(
        code(&chain, CUSTOMS, capture(&[add(&container(1), one)])),
        308
    );
    assert_eq!(code(&chain, CUSTOMS, claim("ours", &[object(2, one)])), 203);
    // Whoever has it still begins its custody.
    chain.capture(&[object(2, one)]).unwrap();
    assert_eq!(custody_of(&chain, &a).unwrap().0, "market");
}

/// Places, parties and classes are named by everybody.
#[test]
fn what_nobody_holds_is_free() {
    let mut chain = Chain::start();
    let place = "https://id.gs1.org/414/9521321000018";
    let fixed = |event: &str| {
        event_of(
            "AssociationEvent",
            "ADD",
            json!({"parentID": place, "childEPCs": [event]}),
        )
    };
    chain.capture(&[fixed("urn:x:1")]).unwrap();
    assert_eq!(code(&chain, CARRIER, capture(&[fixed("urn:x:2")])), 0);
    assert_eq!(code(&chain, CARRIER, capture(&[fixed("urn:x:1")])), 307);
    let class = crate::test_support::lot(1);
    let seen = event_of(
        "ObjectEvent",
        "OBSERVE",
        json!({"quantityList": [{"epcClass": class}]}),
    );
    chain.capture(std::slice::from_ref(&seen)).unwrap();
    assert_eq!(code(&chain, CARRIER, capture(&[seen])), 0);
    assert_eq!(record(&chain, place).custody, None);
    assert_eq!(record(&chain, &class).custody, None);
}

/// Everybody names a place, and may pack it: what was in it would be with whoever does.
#[test]
fn nothing_is_packed_in_what_nobody_holds() {
    let mut chain = Chain::start();
    let place = "https://id.gs1.org/414/9521321000018".to_owned();
    chain.capture(&[object(1, &[item(1)])]).unwrap();
    let placed = capture(&[add(&place, &[item(1)])]);
    assert_eq!(code(&chain, MARKET, placed), 314);
    let boxed = capture(&[add(&container(1), &[place])]);
    assert_eq!(code(&chain, CARRIER, boxed), 0, "which contains nothing");
}

/// The holder of the outermost container holds what is in it, without a write to that.
#[test]
fn custody_follows_containment() {
    let mut chain = Chain::start();
    let (a, b, box_1, pallet) = (item(1), item(2), container(1), container(2));
    chain
        .capture(&[add(&box_1, &[a.clone(), b.clone()])])
        .unwrap();
    chain
        .capture(&[add(&pallet, std::slice::from_ref(&box_1))])
        .unwrap();
    let before = record(&chain, &a);
    chain.hand_over(MARKET, CARRIER, std::slice::from_ref(&pallet));
    assert_eq!(record(&chain, &a), before);
    let seen = |id: &String| capture(&[object(3, std::slice::from_ref(id))]);
    for id in [&a, &b, &box_1, &pallet] {
        assert_eq!(code(&chain, MARKET, seen(id)), 307, "{id}");
        assert_eq!(code(&chain, CARRIER, seen(id)), 0, "{id}");
    }
    // One item comes out by itself, the rest as a whole; the new holder's word is on both.
    chain
        .run(
            CARRIER,
            capture(&[delete(&box_1, std::slice::from_ref(&a))]),
        )
        .unwrap();
    assert_eq!(
        custody_of(&chain, &a),
        Some(("carrier".into(), Basis::Handover))
    );
    chain.run(CARRIER, capture(&[delete(&box_1, &[])])).unwrap();
    assert_eq!(code(&chain, CARRIER, seen(&b)), 0);
    assert_eq!(code(&chain, MARKET, seen(&b)), 307);
    // The box goes on to another holder and is emptied anew; that moves nothing else.
    chain
        .run(CARRIER, capture(&[delete(&pallet, &[])]))
        .unwrap();
    chain.hand_over(CARRIER, MAKER, std::slice::from_ref(&box_1));
    chain.run(MAKER, capture(&[delete(&box_1, &[])])).unwrap();
    assert_eq!(code(&chain, CARRIER, seen(&b)), 0);
    assert_eq!(code(&chain, MAKER, seen(&b)), 307);
    chain.run(CARRIER, seen(&b)).unwrap();
    assert_eq!(
        custody_of(&chain, &b),
        Some(("carrier".into(), Basis::Handover))
    );
    assert_eq!(record(&chain, &b).packed, None);
}

/// A stay in somebody's container doesn't make an item more certain than it was.
#[test]
fn ones_own_word_stays_that_in_a_container() {
    let mut chain = Chain::start();
    let a = item(1);
    let one = std::slice::from_ref(&a);
    let (box_1, pallet) = (container(1), container(2));
    chain
        .run(MAKER, capture(&[object(1, std::slice::from_ref(&box_1))]))
        .unwrap();
    chain.hand_over(MAKER, MARKET, std::slice::from_ref(&box_1));
    chain
        .capture(&[add(&box_1, one), delete(&box_1, one)])
        .unwrap();
    assert_eq!(
        custody_of(&chain, &a),
        Some(("market".into(), Basis::OwnWord))
    );
    chain
        .capture(&[add(&box_1, one), add(&pallet, std::slice::from_ref(&box_1))])
        .unwrap();
    chain
        .capture(&[delete(&pallet, &[]), delete(&box_1, &[]), object(3, one)])
        .unwrap();
    assert_eq!(
        custody_of(&chain, &a),
        Some(("market".into(), Basis::OwnWord))
    );
}

/// Each of the public EPCIS documents can be captured by an organisation without their prefixes,
/// by itself on an empty chain; two unpack what was never packed.
#[test]
fn public_documents_are_captured_by_anybody() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/epcis/valid");
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|found| found == "json"))
        .collect();
    paths.sort();
    let mut refused = Vec::new();
    for path in &paths {
        let events = touchstone_epcis::split_document(&std::fs::read(path).unwrap()).unwrap();
        let code = match Chain::start().run(MARKET, capture(&events)) {
            Ok(()) => continue,
            Err(rejection) => rejection.code(),
        };
        refused.push((
            path.file_stem().unwrap().to_string_lossy().into_owned(),
            code,
        ));
    }
    assert_eq!(paths.len(), 38);
    let expected = [
        (
            "AggregationEvent_with_persistentDisposition".to_owned(),
            303,
        ),
        ("Combination_of_different_event".to_owned(), 303),
    ];
    assert_eq!(refused, expected);
}

/// The owner of a company prefix outweighs another's own word only by commissioning, and once.
#[test]
fn the_owner_of_a_prefix_takes_nothing_by_another_word() {
    let mut chain = Chain::start();
    let a = item(1);
    let one = std::slice::from_ref(&a);
    chain.capture(&[object(1, one)]).unwrap();
    let begun = step("ADD", "commissioning", one);
    assert_eq!(code(&chain, MAKER, capture(&[object(2, one)])), 307);
    // To say that one's own beginning was wrong begins nothing.
    let wrong = crate::test_support::declared_wrong(&begun);
    assert_eq!(code(&chain, MAKER, capture(&[wrong])), 307);
    // What was commissioned, sold and returned to a shop is with that by its own word only.
    chain
        .run(MAKER, capture(std::slice::from_ref(&begun)))
        .unwrap();
    let shop = super::life::with_shop(&mut chain);
    let sold = step("OBSERVE", "retail_selling", one);
    chain.run(MAKER, capture(&[sold])).unwrap();
    chain.run(shop, super::life::returned(one)).unwrap();
    assert_eq!(
        custody_of(&chain, &a),
        Some(("shop".into(), Basis::OwnWord))
    );
    assert_eq!(code(&chain, MAKER, capture(&[begun])), 307);
}

/// Nobody uses up a maker's serial numbers before him.
#[test]
fn what_others_ended_or_offered_by_their_own_word_its_maker_commissions() {
    let mut chain = Chain::start();
    let (ended, offered, handed) = (item(1), item(2), item(3));
    let one = |id: &String| vec![id.clone()];
    let begun = |id: &String| capture(&[step("ADD", "commissioning", &one(id))]);
    chain
        .capture(&[step("OBSERVE", "destroying", &one(&ended))])
        .unwrap();
    let shipped = [step("OBSERVE", "shipping", &one(&offered))];
    let offer = crate::test_support::offer("carrier", chain.time_ms + 60_000, &shipped);
    let offer = chain.run_for_id(MARKET, offer).unwrap();
    chain.capture(&[object(1, &one(&handed))]).unwrap();
    chain.hand_over(MARKET, CARRIER, &one(&handed));
    assert_eq!(code(&chain, MARKET, begun(&ended)), 311, "of no prefix");
    for id in [&ended, &offered] {
        chain.run(MAKER, begun(id)).unwrap();
        let holder = Some(("maker".to_owned(), Basis::Prefix));
        assert_eq!(custody_of(&chain, id), holder);
        assert_eq!(record(&chain, id).ended, None);
        assert_eq!(code(&chain, MAKER, capture(&[object(2, &one(id))])), 0);
        assert_eq!(code(&chain, MAKER, begun(id)), 310, "once");
    }
    let seen = [object(3, &one(&offered))];
    let accepted = crate::test_support::answer(&offer, Outcome::Accepted, "", &seen);
    assert_eq!(code(&chain, CARRIER, accepted), 307, "it is the maker's");
    assert_eq!(
        code(&chain, MAKER, begun(&handed)),
        307,
        "both sides signed"
    );
}

/// What is in a container isn't the maker's because the container's number is.
#[test]
fn no_maker_commissions_a_container_with_its_content() {
    let mut chain = Chain::start();
    let (a, box_1) = (item(1), container(1));
    let one = std::slice::from_ref(&a);
    chain.run(MAKER, capture(&[object(1, one)])).unwrap();
    chain.hand_over(MAKER, MARKET, one);
    chain.capture(&[add(&box_1, one)]).unwrap();
    let begun = capture(&[step("ADD", "commissioning", std::slice::from_ref(&box_1))]);
    assert_eq!(code(&chain, MAKER, begun.clone()), 307);
    chain.capture(&[delete(&box_1, &[])]).unwrap();
    chain.run(MAKER, begun).unwrap();
    let holder = |id: &str| custody_status(&chain, id);
    assert_eq!(
        (holder(&a), holder(&box_1)),
        ("market".into(), "maker".into())
    );
}

fn custody_status(chain: &Chain, id: &str) -> String {
    let status = crate::custody::status(&chain.state, id, chain.time_ms).unwrap();
    status.holder().unwrap().to_owned()
}

/// A claim is one's own word, about things of one's own prefix too.
#[test]
fn a_claim_begins_custody_by_ones_own_word() {
    let mut chain = Chain::start();
    let ids = [item(1), item(2)];
    chain.capture(&[object(1, &ids[..1])]).unwrap();
    chain
        .run(MAKER, claim("both are here", &[object(2, &ids)]))
        .unwrap();
    for id in &ids {
        assert_eq!(
            custody_of(&chain, id),
            Some(("maker".into(), Basis::OwnWord)),
            "{id}"
        );
    }
}

/// What nobody holds by itself is with whoever has the container around it.
#[test]
fn a_container_gives_its_holder_to_what_has_none() {
    let mut chain = Chain::start();
    let place = "https://id.gs1.org/414/9521321000018".to_owned();
    chain
        .capture(&[add(&container(1), std::slice::from_ref(&place))])
        .unwrap();
    assert_eq!(custody_of(&chain, &place), None);
    let status = crate::custody::status(&chain.state, &place, chain.time_ms).unwrap();
    assert_eq!(status.holder(), Some("market"));
}

/// Whom a claim displaced has said nothing yet: it states its reason once, also where it displaces nobody.
#[test]
fn who_was_displaced_states_its_reason_once() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    chain.capture(&[object(1, &ids)]).unwrap();
    let taken = claim("ours", &[object(2, &ids)]);
    chain.run(CARRIER, taken).unwrap();
    chain.hand_over(CARRIER, MAKER, &ids);
    let stolen = || claim("it was stolen", &[object(3, &ids)]);
    chain.run(MARKET, stolen()).unwrap();
    let claims = record(&chain, &ids[0]).claims;
    assert_eq!(claims.len(), 1);
    let told = (claims[0].organisation.as_str(), claims[0].reason.as_str());
    assert_eq!(told, ("market", "it was stolen"));
    assert_eq!(code(&chain, MARKET, stolen()), 332);
}
