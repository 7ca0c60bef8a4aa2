//! Corrections: appended, and taken back as far as nothing was built on the wrong event.

use super::authority::{code, custody_of};
use super::*;
use crate::test_support::{answer, declared_wrong, event_of, offer, step};
use serde_json::{Value, json};
use touchstone_proto::ledger::{Basis, Outcome};

/// The event with an `eventID`.
fn named(id: &str, event: &[u8]) -> Vec<u8> {
    let mut event: Value = serde_json::from_slice(event).unwrap();
    event["eventID"] = json!(id);
    event.to_string().into_bytes()
}

fn entries(chain: &Chain, id: &str) -> u64 {
    record(chain, id).link.map_or(0, |link| link.count)
}

#[test]
fn a_correction_reopens_a_life_that_ended_by_mistake() {
    let a = item(1);
    let one = std::slice::from_ref(&a);
    for biz_step in ["retail_selling", "destroying", "decommissioning"] {
        let mut chain = Chain::start();
        let wrong = named("urn:x:1", &step("OBSERVE", biz_step, one));
        chain.capture(&[object(1, one), wrong.clone()]).unwrap();
        assert_eq!(code(&chain, MARKET, capture(&[object(2, one)])), 311);
        // Only its organisation corrects it.
        assert_eq!(
            code(&chain, CARRIER, capture(&[declared_wrong(&wrong)])),
            311
        );
        chain.capture(&[declared_wrong(&wrong)]).unwrap();
        assert_eq!(record(&chain, &a).ended, None);
        assert_eq!(entries(&chain, &a), 3, "all of it stays");
        assert_eq!(code(&chain, MARKET, capture(&[object(2, one)])), 0);
        // Declared again, it would only lengthen the history.
        let again = capture(&[declared_wrong(&wrong)]);
        assert_eq!(code(&chain, MARKET, again), 342);
    }
}

/// A correction of another event leaves an end as it is.
#[test]
fn only_the_event_that_ended_a_life_reopens_it() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    let first = named("urn:x:1", &object(1, &ids));
    let sold = step("OBSERVE", "retail_selling", &ids);
    chain.capture(&[first.clone(), sold]).unwrap();
    chain.capture(&[declared_wrong(&first)]).unwrap();
    assert!(record(&chain, &ids[0]).ended.is_some());
    assert_eq!(entries(&chain, &ids[0]), 3);
}

#[test]
fn a_correction_takes_back_a_packing() {
    let mut chain = Chain::start();
    let (a, box_1) = (item(1), container(1));
    let one = std::slice::from_ref(&a);
    let packed = named("urn:x:1", &add(&box_1, one));
    chain.capture(std::slice::from_ref(&packed)).unwrap();
    let correct = || capture(&[declared_wrong(&packed)]);
    // While the box is offered, or another's, or the item is in it by another event: it only marks.
    let mut offered = chain.clone();
    let deadline_ms = offered.time_ms + 5000;
    let shipped = [object(2, std::slice::from_ref(&box_1))];
    let id = offered
        .run_for_id(MARKET, offer("carrier", deadline_ms, &shipped))
        .unwrap();
    let mut moved = offered.clone();
    let accept = answer(&id, Outcome::Accepted, "", &shipped);
    moved.run(CARRIER, accept).unwrap();
    let mut again = chain.clone();
    again
        .capture(&[delete(&box_1, one), add(&box_1, one)])
        .unwrap();
    for other in [&mut offered, &mut moved, &mut again] {
        other.run(MARKET, correct()).unwrap();
        assert!(record(other, &a).packed.is_some());
    }
    chain.run(MARKET, correct()).unwrap();
    assert_eq!(record(&chain, &a).packed, None);
    assert_eq!(custody_of(&chain, &a).unwrap().0, "market");
    assert_eq!(code(&chain, MARKET, capture(&[add(&container(2), one)])), 0);
}

#[test]
fn a_correction_takes_back_a_beginning() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    let begun = named("urn:x:1", &step("ADD", "commissioning", &ids));
    chain
        .run(MAKER, capture(std::slice::from_ref(&begun)))
        .unwrap();
    let again = capture(&[step("ADD", "commissioning", &ids)]);
    assert_eq!(code(&chain, MAKER, again.clone()), 310);
    let mut packed = chain.clone();
    packed
        .run(MAKER, capture(&[add(&container(1), &ids)]))
        .unwrap();
    packed
        .run(MAKER, capture(&[declared_wrong(&begun)]))
        .unwrap();
    assert!(record(&packed, &ids[0]).commissioned.is_some());
    chain
        .run(MAKER, capture(&[declared_wrong(&begun)]))
        .unwrap();
    assert_eq!(record(&chain, &ids[0]).commissioned, None);
    assert_eq!(code(&chain, MAKER, again), 0);
}

/// What was made of it exists: the inputs stay consumed.
#[test]
fn a_transformation_is_not_taken_back() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    let fields = json!({"inputEPCList": ids, "outputEPCList": ["urn:x:made"]});
    let made = named("urn:x:1", &event_of("TransformationEvent", "", fields));
    chain.capture(std::slice::from_ref(&made)).unwrap();
    chain.capture(&[declared_wrong(&made)]).unwrap();
    assert!(record(&chain, &ids[0]).ended.is_some());
    assert!(record(&chain, "urn:x:made").commissioned.is_some());
}

/// A correction is about the same things as the event with that id.
#[test]
fn a_correction_repeats_its_event() {
    let mut chain = Chain::start();
    let wrong = named("urn:x:1", &object(1, &[item(1)]));
    let other = named("urn:x:1", &object(1, &[item(1), item(2)]));
    chain.capture(std::slice::from_ref(&wrong)).unwrap();
    assert_eq!(
        code(&chain, MARKET, capture(&[declared_wrong(&other)])),
        340
    );
    assert_eq!(code(&chain, MARKET, capture(&[declared_wrong(&wrong)])), 0);
    // Once, in one transaction as in several.
    let twice = [declared_wrong(&wrong), declared_wrong(&wrong)];
    assert_eq!(code(&chain, MARKET, capture(&twice)), 342);
}

/// An `eventID` names one event of its organisation, in one transaction as in several.
#[test]
fn an_event_id_names_one_event() {
    let mut chain = Chain::start();
    let one = named("urn:x:1", &object(1, &[item(1)]));
    let other = named("urn:x:1", &object(1, &[item(2)]));
    let free = named("urn:x:2", &object(1, &[item(2)]));
    let both = [one.clone(), other.clone()];
    assert_eq!(code(&chain, MARKET, capture(&both)), 341);
    chain.capture(std::slice::from_ref(&one)).unwrap();
    for second in [&one, &other] {
        let again = capture(std::slice::from_ref(second));
        assert_eq!(code(&chain, MARKET, again), 341);
    }
    // Another organisation has ids of its own, and what was declared wrong keeps its id.
    assert_eq!(
        code(&chain, CARRIER, capture(std::slice::from_ref(&other))),
        0
    );
    chain.capture(&[declared_wrong(&one)]).unwrap();
    assert_eq!(code(&chain, MARKET, capture(&[other])), 341);
    assert_eq!(code(&chain, MARKET, capture(&[free])), 0);
}

/// A declaration about an event that isn't here is kept, under the rules of who may append, and
/// does nothing.
#[test]
fn what_was_recorded_elsewhere_may_be_declared_wrong() {
    let ids = [item(1)];
    let begun = declared_wrong(&step("ADD", "commissioning", &ids));
    let unknown = named("urn:x:9", &begun);
    for event in [begun, unknown] {
        let mut chain = Chain::start();
        assert_eq!(
            code(&chain, MARKET, capture(std::slice::from_ref(&event))),
            0
        );
        chain
            .run(MAKER, capture(std::slice::from_ref(&event)))
            .unwrap();
        assert_eq!(record(&chain, &ids[0]).commissioned, None);
        assert_eq!(code(&chain, CARRIER, capture(&[event])), 307);
    }
}

/// What ended with its container stays as it is; what moved with it has its custody.
#[test]
fn a_corrected_packing_leaves_what_came_later() {
    let mut chain = Chain::start();
    let (a, box_1) = (item(1), container(1));
    let (one, boxed) = (std::slice::from_ref(&a), std::slice::from_ref(&box_1));
    let packed = named("urn:x:1", &add(&box_1, one));
    chain.capture(std::slice::from_ref(&packed)).unwrap();
    let correct = capture(&[declared_wrong(&packed)]);
    let mut sold = chain.clone();
    sold.capture(&[step("OBSERVE", "retail_selling", boxed)])
        .unwrap();
    sold.run(MARKET, correct.clone()).unwrap();
    assert!(record(&sold, &a).packed.is_some());
    chain.hand_over(MARKET, CARRIER, boxed);
    chain.hand_over(CARRIER, MARKET, boxed);
    chain.run(MARKET, correct).unwrap();
    assert_eq!(record(&chain, &a).packed, None);
    assert_eq!(
        custody_of(&chain, &a),
        Some(("market".into(), Basis::Handover))
    );
}

/// A correction of another event leaves a beginning as it is.
#[test]
fn only_the_event_that_began_a_life_is_taken_back() {
    let mut chain = Chain::start();
    let ids = [item(1)];
    let first = named("urn:x:1", &object(1, &ids));
    let begun = step("ADD", "commissioning", &ids);
    chain.run(MAKER, capture(&[first.clone(), begun])).unwrap();
    chain
        .run(MAKER, capture(&[declared_wrong(&first)]))
        .unwrap();
    assert!(record(&chain, &ids[0]).commissioned.is_some());
}
