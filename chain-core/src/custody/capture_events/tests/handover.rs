//! Offers, answers and claims.

use super::authority::{CUSTOMS, code, custody_of, with_customs};
use super::*;
use crate::Hash;
use crate::custody::limits::{MAX_CLAIMS, MAX_OFFER_MS, MAX_OFFERED, MAX_OPEN_OFFERS};
use crate::test_support::{answer, claim, event_of, lot, offer, step};
use serde_json::json;
use touchstone_proto::ledger::Outcome::{
    Accepted, AcceptedWithDiscrepancy, Rejected, Unspecified, Withdrawn,
};
use touchstone_proto::ledger::{Basis, Offer, OpenOffers, Outcome, Role};

fn seen(ids: &[String]) -> Vec<u8> {
    step("OBSERVE", "receiving", ids)
}

/// The market offers `ids` to the carrier for five seconds of block time.
fn offered(chain: &mut Chain, ids: &[String]) -> Hash {
    let deadline_ms = chain.time_ms + 5000;
    let shipped = [step("OBSERVE", "shipping", ids)];
    chain
        .run_for_id(MARKET, offer("carrier", deadline_ms, &shipped))
        .unwrap()
}

fn open(chain: &Chain) -> Vec<Vec<u8>> {
    let open: Option<OpenOffers> = chain.state.message(&keys::open_offers("market"));
    open.unwrap_or_default()
        .offers
        .into_iter()
        .map(|offer| offer.id)
        .collect()
}

#[test]
fn an_accepted_offer_moves_custody() {
    let mut chain = Chain::start();
    let ids = [item(1), container(1)];
    chain.capture(&[object(1, &ids)]).unwrap();
    let id = offered(&mut chain, &ids);
    assert_eq!(open(&chain), [id.to_vec()]);
    assert_eq!(
        custody_of(&chain, &ids[0]),
        Some(("market".into(), Basis::OwnWord))
    );
    chain
        .run(CARRIER, answer(&id, Accepted, "", &[seen(&ids)]))
        .unwrap();
    for thing in &ids {
        let custody = record(&chain, thing).custody.unwrap();
        assert_eq!(
            (custody.holder.as_str(), custody.basis()),
            ("carrier", Basis::Handover)
        );
        assert_eq!(custody.offer, id.to_vec());
        assert_eq!(custody.since.unwrap().height, chain.height);
        assert!(record(&chain, thing).offer.is_empty());
    }
    let record: Offer = chain.state.message(&keys::offer(&id)).unwrap();
    assert_eq!(
        (record.from.as_str(), record.to.as_str()),
        ("market", "carrier")
    );
    assert_eq!(record.outcome(), Accepted);
    assert_eq!(record.items, {
        let mut sorted = ids.clone();
        sorted.sort();
        sorted
    });
    assert!(open(&chain).is_empty());
    let next = capture(&[object(2, &ids)]);
    assert_eq!(
        (
            code(&chain, MARKET, next.clone()),
            code(&chain, CARRIER, next)
        ),
        (307, 0)
    );
}

/// Each outcome by each party: whether it is allowed, and who holds the item then.
#[test]
fn who_answers_what() {
    let rows = [
        (CARRIER, Accepted, "", 0, "carrier"),
        (CARRIER, Rejected, "", 0, "market"),
        (CARRIER, AcceptedWithDiscrepancy, "a dent", 0, "carrier"),
        (CARRIER, Withdrawn, "", 325, "market"),
        (CARRIER, Unspecified, "", 327, "market"),
        (MARKET, Accepted, "", 325, "market"),
        (MARKET, Rejected, "", 325, "market"),
        (MARKET, Withdrawn, "", 0, "market"),
        (MAKER, Accepted, "", 325, "market"),
        (OFFICE, Accepted, "", 203, "market"),
        (CARRIER, Accepted, "a dent", 327, "market"),
        (CARRIER, Rejected, "a dent", 327, "market"),
        (CARRIER, AcceptedWithDiscrepancy, "", 327, "market"),
        (CARRIER, AcceptedWithDiscrepancy, "a\nb", 327, "market"),
        (
            CARRIER,
            AcceptedWithDiscrepancy,
            &"x".repeat(513),
            327,
            "market",
        ),
        (
            CARRIER,
            AcceptedWithDiscrepancy,
            &"x".repeat(512),
            0,
            "carrier",
        ),
    ];
    for (who, outcome, discrepancy, expected, holder) in rows {
        let mut chain = Chain::start();
        let ids = [item(1)];
        let id = offered(&mut chain, &ids);
        let action = answer(&id, outcome, discrepancy, &[seen(&ids)]);
        assert_eq!(
            code(&chain, who, action.clone()),
            expected,
            "{who:?} {outcome:?}"
        );
        if expected == 0 {
            chain.run(who, action.clone()).unwrap();
            let custody = record(&chain, &ids[0]).custody.unwrap();
            assert_eq!(
                custody.discrepancy,
                if holder == "carrier" { discrepancy } else { "" }
            );
            // Answered is answered.
            for again in [Accepted, Rejected] {
                let action = answer(&id, again, "", &[seen(&ids)]);
                assert_eq!(code(&chain, CARRIER, action), 324, "{outcome:?} {again:?}");
            }
            let action = answer(&id, Withdrawn, "", &[seen(&ids)]);
            assert_eq!(code(&chain, MARKET, action), 324);
        }
        assert_eq!(
            custody_of(&chain, &ids[0]).unwrap().0,
            holder,
            "{who:?} {outcome:?}"
        );
    }
}

#[test]
fn an_offer_is_void_after_its_deadline() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    let id = offered(&mut chain, &ids);
    let deadline: Offer = chain.state.message(&keys::offer(&id)).unwrap();
    let accept = answer(&id, Accepted, "", &[seen(&ids)]);
    let other = offer("maker", chain.time_ms + 50_000, &[seen(&ids)]);
    // The next block's time is a second after the last one's.
    while chain.time_ms + 1000 <= deadline.deadline_ms {
        assert_eq!(code(&chain, CARRIER, accept.clone()), 0);
        assert_eq!(code(&chain, MARKET, other.clone()), 313);
        assert_eq!(
            code(&chain, MARKET, capture(&[add(&container(1), &ids)])),
            313
        );
        chain.commit(&[]);
    }
    assert_eq!(code(&chain, CARRIER, accept), 324);
    assert_eq!(
        code(&chain, MARKET, capture(&[add(&container(1), &ids)])),
        0
    );
    chain.run(MARKET, other).unwrap();
    assert_eq!(open(&chain).len(), 1, "the void one is forgotten");
    assert_eq!(custody_of(&chain, &ids[0]).unwrap().0, "market");
}

/// While something is offered, it is seen, and nothing else.
#[test]
fn what_is_offered_stays_as_it_is() {
    let mut chain = with_customs();
    let (a, box_1) = (item(1), container(1));
    let one = std::slice::from_ref(&a);
    let boxed = std::slice::from_ref(&box_1);
    chain.capture(&[add(&box_1, one)]).unwrap();
    let id = offered(&mut chain, boxed);
    let rows = [
        ("seen", capture(&[object(1, boxed)]), 0),
        ("its content seen", capture(&[object(1, one)]), 0),
        ("packed", capture(&[add(&container(2), boxed)]), 313),
        ("filled", capture(&[add(&box_1, &[item(2)])]), 313),
        ("unpacked", capture(&[delete(&box_1, one)]), 313),
        ("emptied", capture(&[delete(&box_1, &[])]), 313),
        (
            "sold",
            capture(&[step("OBSERVE", "retail_selling", boxed)]),
            313,
        ),
        (
            "offered again",
            offer("maker", chain.time_ms + 5000, &[object(1, boxed)]),
            313,
        ),
    ];
    for (name, action, expected) in rows {
        assert_eq!(code(&chain, MARKET, action), expected, "{name}");
    }
    // The receiver acts on it only in its answer.
    assert_eq!(code(&chain, CARRIER, capture(&[object(1, boxed)])), 307);
    assert_eq!(code(&chain, CUSTOMS, capture(&[object(1, boxed)])), 0);
    let unpacks = answer(&id, Rejected, "", &[object(1, boxed), delete(&box_1, one)]);
    assert_eq!(code(&chain, CARRIER, unpacks), 307);
    let unpacks = answer(&id, Accepted, "", &[object(1, boxed), delete(&box_1, one)]);
    assert_eq!(code(&chain, CARRIER, unpacks), 0);
}

#[test]
fn an_offer_is_made_by_the_holder_to_somebody_who_may_hold() {
    let mut chain = with_customs();
    let ids = [item(1)];
    chain.capture(&[object(1, &ids)]).unwrap();
    let to = |to: &str, deadline_ms| offer(to, deadline_ms, &[step("OBSERVE", "shipping", &ids)]);
    let next = chain.time_ms + 1000;
    let rows = [
        (MARKET, to("carrier", next + 1), 0),
        (MARKET, to("carrier", next), 321),
        (MARKET, to("carrier", next - 1), 321),
        (MARKET, to("carrier", 0), 321),
        (MARKET, to("carrier", next + MAX_OFFER_MS), 0),
        (MARKET, to("carrier", next + MAX_OFFER_MS + 1), 321),
        (MARKET, to("market", next + 1), 320),
        (MARKET, to("nobody", next + 1), 320),
        (MARKET, to("office", next + 1), 320),
        (MARKET, to("customs", next + 1), 320),
        (CARRIER, to("maker", next + 1), 307),
        (CUSTOMS, to("maker", next + 1), 203),
    ];
    for (who, action, expected) in rows {
        let text = format!("{who:?} {action:?}");
        assert_eq!(code(&chain, who, action), expected, "{text}");
    }
    // An observer that may hold goods too sees what others have, and offers nothing of it.
    let mut both = newcomer("port", 61);
    both.roles = vec![Role::Logistics as i32, Role::Customs as i32];
    let enrol = change(2, Kind::PutOrganisation(both));
    chain.approve(&[MARKET, CARRIER, MAKER], &enrol);
    let deadline_ms = chain.time_ms + 5000;
    assert_eq!(code(&chain, ("port", 61), capture(&[object(1, &ids)])), 0);
    assert_eq!(
        code(
            &chain,
            ("port", 61),
            offer("maker", deadline_ms, &[object(1, &ids)])
        ),
        307
    );
    // Places aren't handed over.
    let place = event_of(
        "ObjectEvent",
        "OBSERVE",
        json!({"epcList": ["https://id.gs1.org/414/9521321000018"]}),
    );
    assert_eq!(
        code(&chain, MARKET, offer("carrier", deadline_ms, &[place])),
        322
    );
}

#[test]
fn an_answer_names_what_was_offered() {
    let mut chain = Chain::start();
    let ids = [item(1), item(2)];
    let id = offered(&mut chain, &ids);
    let some = [seen(&ids[..1])];
    for outcome in [Accepted, Rejected] {
        assert_eq!(code(&chain, CARRIER, answer(&id, outcome, "", &some)), 326);
    }
    assert_eq!(code(&chain, MARKET, answer(&id, Withdrawn, "", &some)), 326);
    let none = [seen(&[item(3)])];
    let dented =
        |events: &[Vec<u8>]| answer(&id, AcceptedWithDiscrepancy, "one is missing", events);
    assert_eq!(code(&chain, CARRIER, dented(&none)), 326);
    let unknown = answer(&[7; 32], Accepted, "", &some);
    assert_eq!(code(&chain, CARRIER, unknown), 323);
    // What didn't arrive stays with the shipper, and may be offered again.
    chain.run(CARRIER, dented(&some)).unwrap();
    assert_eq!(custody_of(&chain, &ids[0]).unwrap().0, "carrier");
    assert_eq!(custody_of(&chain, &ids[1]).unwrap().0, "market");
    assert_eq!(
        code(
            &chain,
            MARKET,
            offer("maker", chain.time_ms + 5000, &[seen(&ids[1..])])
        ),
        0
    );
}

#[test]
fn open_offers_are_bounded() {
    let mut document = genesis_document();
    document.parameters.max_block_transactions = 10_000;
    let mut chain = Chain::from(&document);
    let deadline_ms = chain.time_ms + 500_000;
    let one = |n: u64| offer("carrier", deadline_ms, &[object(n, &[item(n)])]);
    let envelopes: Vec<_> = (0..MAX_OPEN_OFFERS as u64)
        .map(|n| chain.sign_at(MARKET, n, one(n)))
        .collect();
    assert_eq!(chain.commit(&envelopes).rejected, []);
    assert_eq!(open(&chain).len(), MAX_OPEN_OFFERS);
    assert_eq!(code(&chain, MARKET, one(5_000)), 328);
    let first = *chain.verified(&envelopes[0]).unwrap().id();
    chain
        .run(MARKET, answer(&first, Withdrawn, "", &[seen(&[item(0)])]))
        .unwrap();
    assert_eq!(code(&chain, MARKET, one(5_000)), 0);
}

/// Each thing that was offered leads to the offer's record, long after it is over.
#[test]
fn an_offer_holds_so_much_at_most() {
    let chain = Chain::start();
    let offered = |count: usize| {
        let things: Vec<String> = (0..count).map(|n| format!("u:{n}")).collect();
        let shipped = [step("OBSERVE", "shipping", &things)];
        code(
            &chain,
            MARKET,
            offer("carrier", chain.time_ms + 5000, &shipped),
        )
    };
    assert_eq!((offered(MAX_OFFERED), offered(MAX_OFFERED + 1)), (0, 306));
}

/// One-sided: whoever has only its own word is displaced, and both words are kept.
#[test]
fn a_claim_displaces_ones_own_word() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    chain.capture(&[object(1, &ids)]).unwrap();
    let mine = claim("in our yard", &[object(2, &ids)]);
    assert_eq!(code(&chain, MARKET, mine.clone()), 329, "its own");
    assert_eq!(code(&chain, CUSTOMS, mine.clone()), 200);
    assert_eq!(code(&chain, CARRIER, claim("", &[object(2, &ids)])), 330);
    assert_eq!(
        code(&chain, CARRIER, claim(&"x".repeat(513), &[object(2, &ids)])),
        330
    );
    assert_eq!(
        code(&chain, CARRIER, claim("ours", &[add(&container(1), &ids)])),
        307
    );
    chain.run(CARRIER, mine).unwrap();
    assert_eq!(
        custody_of(&chain, &ids[0]),
        Some(("carrier".into(), Basis::OwnWord))
    );
    let claims = record(&chain, &ids[0]).claims;
    assert_eq!(claims.len(), 1);
    assert_eq!(
        (
            claims[0].organisation.as_str(),
            claims[0].since.unwrap().height
        ),
        ("market", 1)
    );
    assert_eq!(
        code(&chain, CARRIER, capture(&[add(&container(1), &ids)])),
        0
    );
    // Back again: word against word.
    chain
        .run(MARKET, claim("it never left", &[object(3, &ids)]))
        .unwrap();
    let claims = record(&chain, &ids[0]).claims;
    assert_eq!(
        claims
            .iter()
            .map(|c| c.organisation.as_str())
            .collect::<Vec<_>>(),
        ["carrier"]
    );
}

/// Whoever accepted a handover, or owns the prefix, stays the holder; the claim stands beside it.
#[test]
fn a_claim_contradicts_a_confirmed_holder() {
    let mut chain = Chain::start();
    let (own, accepted, packed) = (item(1), item(2), item(3));
    chain
        .run(MAKER, capture(&[object(1, std::slice::from_ref(&own))]))
        .unwrap();
    chain
        .capture(&[object(1, std::slice::from_ref(&accepted))])
        .unwrap();
    chain.hand_over(MARKET, MAKER, std::slice::from_ref(&accepted));
    chain
        .run(
            CARRIER,
            capture(&[add(&container(1), std::slice::from_ref(&packed))]),
        )
        .unwrap();
    let claimant = |chain: &Chain, id: &String| {
        let claims = record(chain, id).claims;
        claims
            .iter()
            .map(|c| (c.organisation.clone(), c.reason.clone()))
            .collect::<Vec<_>>()
    };
    let market = [("market".to_owned(), "found".to_owned())];
    for (id, holder) in [(&own, "maker"), (&accepted, "maker"), (&packed, "carrier")] {
        let found = claim("found", &[object(2, std::slice::from_ref(id))]);
        chain.run(MARKET, found).unwrap();
        assert_eq!(custody_of(&chain, id).unwrap().0, holder, "{id}");
        assert_eq!(claimant(&chain, id), market, "{id}");
        // The claimant says so once, whatever else the claim names.
        assert_eq!(
            code(
                &chain,
                MARKET,
                capture(&[object(3, std::slice::from_ref(id))])
            ),
            307
        );
        let others = [id.clone(), item(9)];
        let more = claim("still there", &[object(3, &others)]);
        assert_eq!(code(&chain, MARKET, more), 332, "{id}");
    }
    // A handover to the claimant settles it; what comes after that is another claim.
    chain.hand_over(MAKER, MARKET, std::slice::from_ref(&own));
    assert_eq!(claimant(&chain, &own), []);
    let mut later = chain.clone();
    later.hand_over(MARKET, MAKER, std::slice::from_ref(&own));
    let found = claim("found", &[object(4, std::slice::from_ref(&own))]);
    assert_eq!(code(&later, MARKET, found), 0);
    assert_eq!(
        custody_of(&chain, &own),
        Some(("market".into(), Basis::Handover))
    );
}

/// A shipper that was displaced by a claim can't hand over any more.
#[test]
fn a_displaced_shipper_hands_nothing_over() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    let id = offered(&mut chain, &ids);
    chain.run(MAKER, claim("ours", &[object(2, &ids)])).unwrap();
    let accept = answer(&id, Accepted, "", &[seen(&ids)]);
    assert_eq!(code(&chain, CARRIER, accept), 307);
    // Nor does its offer hold up who has the item now; it can still withdraw it.
    assert_eq!(code(&chain, MAKER, capture(&[add(&container(1), &ids)])), 0);
    chain
        .run(MARKET, answer(&id, Withdrawn, "", &[seen(&ids)]))
        .unwrap();
    assert!(open(&chain).is_empty());
}

/// Its shipper was displaced, has it again, and packed it: it goes with its container.
#[test]
fn what_was_packed_since_it_was_offered_is_not_taken_over_alone() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    let deadline_ms = chain.time_ms + 50_000;
    let shipped = [step("OBSERVE", "shipping", &ids)];
    let offer = offer("carrier", deadline_ms, &shipped);
    let id = chain.run_for_id(MARKET, offer).unwrap();
    chain.run(MAKER, claim("ours", &[object(2, &ids)])).unwrap();
    let back = claim("it never left", &[object(3, &ids)]);
    chain.run(MARKET, back).unwrap();
    let accept = answer(&id, Accepted, "", &[seen(&ids)]);
    assert_eq!(code(&chain, CARRIER, accept.clone()), 0);
    chain.capture(&[add(&container(1), &ids)]).unwrap();
    assert_eq!(code(&chain, CARRIER, accept.clone()), 312);
    chain.capture(&[delete(&container(1), &ids)]).unwrap();
    assert_eq!(code(&chain, CARRIER, accept), 0);
}

/// Of the container the market has only its own word, of what is in it more: that would go with the container.
#[test]
fn a_claim_takes_nothing_that_was_handed_over_with_its_container() {
    let (case, pallet) = (container(1), container(2));
    let just = |what: &String| std::slice::from_ref(what).to_vec();
    let holder = |chain: &Chain, id: &str| {
        let status = crate::custody::status(&chain.state, id, chain.time_ms).unwrap();
        status.holder().unwrap().to_owned()
    };
    let packed = |handed: bool| {
        let mut chain = Chain::start();
        match handed {
            true => {
                chain.run(MAKER, capture(&[object(1, &[item(1)])])).unwrap();
                chain.hand_over(MAKER, MARKET, &[item(1)]);
            }
            false => chain.capture(&[object(1, &[item(1)])]).unwrap(),
        }
        let events = [add(&pallet, &just(&case)), add(&case, &[item(1)])];
        chain.capture(&events).unwrap();
        chain
    };
    let found = || claim("in our yard", &[object(2, &just(&pallet))]);
    let mut chain = packed(true);
    chain.run(CARRIER, found()).unwrap();
    for id in [&pallet, &case, &item(1)] {
        assert_eq!(holder(&chain, id), "market", "{id}");
    }
    let claims = record(&chain, &pallet).claims;
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].organisation, "carrier", "its word is told");
    // Emptied, the pallet is a thing like others.
    chain.capture(&[delete(&pallet, &[])]).unwrap();
    chain.run(CARRIER, found()).unwrap();
    assert_eq!(holder(&chain, &pallet), "carrier");
    let rest = claim("this too", &[object(3, &just(&case))]);
    chain.run(CARRIER, rest).unwrap();
    for id in [&case, &item(1)] {
        assert_eq!(holder(&chain, id), "market", "{id}");
    }
    // Of what the market has by its own word alone, word stands against word.
    let mut chain = packed(false);
    chain.run(CARRIER, found()).unwrap();
    for id in [&pallet, &case, &item(1)] {
        assert_eq!(holder(&chain, id), "carrier", "{id}");
    }
}

/// Nor what is of the holder's own prefix, in a box that isn't.
#[test]
fn a_claim_takes_no_box_of_a_makers_own_goods() {
    let mut chain = Chain::start();
    let own_box = ["urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6".to_owned()];
    let events = [object(1, &own_box), add(&own_box[0], &[item(1)])];
    chain.run(MAKER, capture(&events)).unwrap();
    assert_eq!(custody_of(&chain, &own_box[0]).unwrap().1, Basis::OwnWord);
    let found = claim("in our yard", &[object(2, &own_box)]);
    chain.run(CARRIER, found).unwrap();
    assert_eq!(custody_of(&chain, &own_box[0]).unwrap().0, "maker");
}

#[test]
fn claims_of_an_item_are_bounded() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    chain.run(MAKER, capture(&[object(1, &ids)])).unwrap();
    for n in 0..=MAX_CLAIMS as u8 {
        let id = format!("claimant-{n:02}");
        let mut organisation = newcomer(&id, 80 + n);
        organisation.roles = vec![Role::Retail as i32];
        let enrol = change(1, Kind::PutOrganisation(organisation));
        chain.approve(&[MARKET, CARRIER, MAKER], &enrol);
        let action = claim("ours", &[object(u64::from(n), &ids)]);
        let expected = if n < MAX_CLAIMS as u8 { 0 } else { 331 };
        assert_eq!(code(&chain, (&id, 80 + n), action.clone()), expected, "{n}");
        if expected == 0 {
            chain.run((&id, 80 + n), action).unwrap();
        }
    }
}

/// Quantities of a lot are offered and accepted by their amounts.
#[test]
fn portions_of_a_lot_are_handed_over() {
    let mut chain = Chain::start();
    let amount = |action: &str, biz_step: &str, quantity: u64, unit: &str| {
        let quantity = json!({"epcClass": lot(1), "quantity": quantity, "uom": unit});
        let fields = json!({"bizStep": biz_step, "quantityList": [quantity]});
        event_of("ObjectEvent", action, fields)
    };
    let holdings = |chain: &Chain| -> Vec<(String, u64)> {
        let stock = record(chain, &lot(1)).stock.unwrap();
        let holdings = stock.holdings.into_iter();
        holdings
            .map(|h| (h.organisation, h.millionths / 1_000_000))
            .collect()
    };
    chain
        .run(
            MAKER,
            capture(&[amount("ADD", "commissioning", 100, "KGM")]),
        )
        .unwrap();
    let ship = |chain: &Chain, quantity| {
        let shipped = amount("OBSERVE", "shipping", quantity, "KGM");
        offer("carrier", chain.time_ms + 50_000, &[shipped])
    };
    assert_eq!(code(&chain, MAKER, ship(&chain, 101)), 351);
    let id = chain.run_for_id(MAKER, ship(&chain, 60)).unwrap();
    let arrived = |outcome: Outcome, text: &str, quantity| {
        answer(
            &id,
            outcome,
            text,
            &[amount("OBSERVE", "receiving", quantity, "KGM")],
        )
    };
    assert_eq!(code(&chain, CARRIER, arrived(Accepted, "", 59)), 326);
    assert_eq!(
        code(
            &chain,
            CARRIER,
            arrived(AcceptedWithDiscrepancy, "more", 61)
        ),
        326
    );
    let other = answer(&id, Accepted, "", &[seen(&[item(1)])]);
    assert_eq!(code(&chain, CARRIER, other), 326);
    chain
        .run(
            CARRIER,
            arrived(AcceptedWithDiscrepancy, "one bag is torn", 59),
        )
        .unwrap();
    assert_eq!(
        holdings(&chain),
        [("carrier".to_owned(), 59), ("maker".to_owned(), 41)]
    );
    // What was used up meanwhile can't be handed over.
    let id = chain.run_for_id(MAKER, ship(&chain, 41)).unwrap();
    let used = amount("OBSERVE", "destroying", 1_000, "GRM");
    chain.run(MAKER, capture(&[used])).unwrap();
    let whole = answer(
        &id,
        Accepted,
        "",
        &[amount("OBSERVE", "receiving", 41, "KGM")],
    );
    assert_eq!(code(&chain, CARRIER, whole), 351);
}

/// What counts as offered of lots: amounts that an event is about, all together, where an account is
/// kept.
#[test]
fn portions_are_what_an_event_is_about() {
    let mut chain = Chain::start();
    let of = |n: u64, kg: u64| json!({"epcClass": lot(n), "quantity": kg, "uom": "KGM"});
    let about = |action: &str, ids: &[String], amounts: &[serde_json::Value]| {
        let mut fields = json!({"quantityList": amounts});
        if !ids.is_empty() {
            fields["epcList"] = json!(ids);
        }
        event_of("ObjectEvent", action, fields)
    };
    chain
        .run(MAKER, capture(&[about("ADD", &[], &[of(1, 100)])]))
        .unwrap();
    let deadline_ms = chain.time_ms + 50_000;
    let offered = |event: Vec<u8>| offer("carrier", deadline_ms, &[event]);
    let twice = |kg| offered(about("OBSERVE", &[], &[of(1, kg), of(1, kg)]));
    assert_eq!(code(&chain, MAKER, twice(50)), 0);
    assert_eq!(code(&chain, MAKER, twice(51)), 351);
    // Of the second lot no account is kept; alone, it is nothing.
    let unknown = |ids: &[String]| offered(about("OBSERVE", ids, &[of(2, 1)]));
    assert_eq!(code(&chain, MAKER, unknown(&[item(1)])), 0);
    assert_eq!(code(&chain, MAKER, unknown(&[])), 322);
    // An amount that is said to be in a container isn't what the event is about.
    let fields = json!({
        "parentID": container(1), "childEPCs": [item(1)], "childQuantityList": [of(1, 500)]
    });
    let beside = event_of("AggregationEvent", "OBSERVE", fields);
    assert_eq!(code(&chain, MAKER, offered(beside)), 0);
    // An answer of any kind names the lots too.
    let both = offered(about("OBSERVE", &[item(1)], &[of(1, 60)]));
    let id = chain.run_for_id(MAKER, both).unwrap();
    let refusal = |event: Vec<u8>| answer(&id, Rejected, "", &[event]);
    assert_eq!(code(&chain, CARRIER, refusal(seen(&[item(1)]))), 326);
    let whole = about("OBSERVE", &[item(1)], &[of(1, 60)]);
    assert_eq!(code(&chain, CARRIER, refusal(whole)), 0);
}

/// A container that was emptied may move on; what was in it stays where it was, though nothing was
/// written to it.
#[test]
fn holders_of_many_things_are_told_by_their_records() {
    let mut chain = Chain::start();
    let case = container(1);
    chain.capture(&[add(&case, &[item(1), item(2)])]).unwrap();
    chain.capture(&[delete(&case, &[])]).unwrap();
    chain.capture(&[add(&case, &[item(3)])]).unwrap();
    let id = offered(&mut chain, std::slice::from_ref(&case));
    let received = seen(std::slice::from_ref(&case));
    chain
        .run(CARRIER, answer(&id, Accepted, "", &[received]))
        .unwrap();
    let mut state = crate::state::delta::Delta::new(&chain.state);
    let mut holders = crate::custody::Holders::new(&mut state);
    for (id, holder) in [
        (item(3), Some("carrier")),
        (item(1), Some("market")),
        (case, Some("carrier")),
        (item(2), Some("market")),
        (item(9), None),
    ] {
        let found = holders.of(&id, &record(&chain, &id)).unwrap();
        assert_eq!(found.as_deref(), holder, "{id}");
    }
}
