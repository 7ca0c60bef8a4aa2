//! What organisations do, at random, and the events that tell of it.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use touchstone_proto::ledger::{Ending, Outcome};

use super::super::{add, delete};
use super::{LOTS, THINGS, WHO};
use crate::test_support::{container, event_of, lot, step as event_step};

/// Kilograms of lots; none where the event doesn't state how much.
pub(super) type Amounts = Vec<(u64, Option<u64>)>;

/// What a transformation uses up and makes.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) inputs: Vec<u64>,
    pub(super) outputs: Vec<u64>,
    pub(super) from: Amounts,
    pub(super) to: Amounts,
}

/// What an answer names of what was offered: things first, then lots.
#[derive(Clone, Debug)]
pub(super) struct Arrived {
    /// Bit n: the nth of them is left out.
    pub(super) lost: u8,
    /// What each lot weighs more than was offered.
    pub(super) more: i64,
}

impl Arrived {
    /// The things and the amounts of lots that the answer names; all of them where it would name none.
    pub(super) fn of(&self, items: &[u64], portions: &[(u64, u64)]) -> (Vec<u64>, Vec<(u64, u64)>) {
        let all = (1u32 << (items.len() + portions.len())) - 1;
        let lost = u32::from(self.lost) & all;
        let lost = if lost == all { 0 } else { lost };
        let stays = |n: usize| lost & (1 << n) == 0;
        let things = items.iter().enumerate().filter(|(n, _)| stays(*n));
        let lots = portions.iter().enumerate();
        let lots = lots.filter(|(n, _)| stays(items.len() + n));
        (
            things.map(|(_, id)| *id).collect(),
            lots.map(|(_, (lot, kg))| (*lot, kg.saturating_add_signed(self.more)))
                .collect(),
        )
    }
}

#[derive(Clone, Debug)]
pub(super) enum Deed {
    Begin(Vec<u64>),
    See(Vec<u64>),
    Ship(Vec<u64>),
    End(Ending, Vec<u64>),
    Return(u64),
    Pack(u64, Vec<u64>),
    Unpack(u64, Vec<u64>),
    Empty(u64),
    Make(Recipe),
    /// More of a lot is made.
    Grow(u64, Option<u64>),
    /// Some of a lot is destroyed.
    Destroy(u64, Option<u64>),
    Offer(usize, Vec<u64>, Amounts),
    /// One of the offers so far, counted from the last, and what arrived of it.
    Answer(usize, Outcome, Arrived),
    Claim(Vec<u64>),
    /// One of the events so far, counted from the last.
    Correct(usize),
    Wait,
}

pub(super) fn deed() -> impl Strategy<Value = Deed> {
    let thing = 0..THINGS;
    let things = || {
        let sets = proptest::collection::btree_set(0..THINGS, 1..3);
        sets.prop_map(|set| set.into_iter().collect::<Vec<u64>>())
    };
    let kilograms = || proptest::option::weighted(0.9, 1..9u64);
    let amounts = move |some: std::ops::Range<usize>| {
        let maps = proptest::collection::btree_map(0..LOTS, kilograms(), some);
        maps.prop_map(|map| map.into_iter().collect::<Amounts>())
    };
    let set = |some: std::ops::Range<usize>| {
        let sets = proptest::collection::btree_set(0..THINGS, some);
        sets.prop_map(|set| set.into_iter().collect::<Vec<u64>>())
    };
    let recipe = (set(0..3), set(0..3), amounts(0..3), amounts(0..3));
    let recipe = recipe
        .prop_map(|(inputs, outputs, from, to)| Recipe {
            inputs,
            outputs,
            from,
            to,
        })
        .prop_filter("something is made of something", |r| {
            r.inputs.len() + r.from.len() > 0 && r.outputs.len() + r.to.len() > 0
        });
    let offered = (0..WHO.len(), set(0..3), amounts(0..3));
    let offered = offered.prop_filter("something is offered", |(_, things, lots)| {
        things.len() + lots.len() > 0
    });
    let arrived = prop_oneof![
        1 => Just((0, 0)),
        1 => (0..8u8, -1..=1i64),
    ];
    let arrived = arrived.prop_map(|(lost, more)| Arrived { lost, more });
    let ending = prop_oneof![
        Just(Ending::Sold),
        Just(Ending::Destroyed),
        Just(Ending::Decommissioned)
    ];
    let outcome = prop_oneof![
        4 => Just(Outcome::Accepted),
        3 => Just(Outcome::AcceptedWithDiscrepancy),
        1 => Just(Outcome::Rejected),
        1 => Just(Outcome::Withdrawn),
    ];
    prop_oneof![
        2 => things().prop_map(Deed::Begin),
        2 => things().prop_map(Deed::See),
        1 => things().prop_map(Deed::Ship),
        1 => (ending, things()).prop_map(|(how, things)| Deed::End(how, things)),
        1 => thing.clone().prop_map(Deed::Return),
        6 => (thing.clone(), things()).prop_map(|(c, i)| Deed::Pack(c, i)),
        2 => (thing.clone(), things()).prop_map(|(c, i)| Deed::Unpack(c, i)),
        1 => thing.prop_map(Deed::Empty),
        3 => recipe.prop_map(Deed::Make),
        3 => (0..LOTS, kilograms()).prop_map(|(lot, kg)| Deed::Grow(lot, kg)),
        1 => (0..LOTS, kilograms()).prop_map(|(lot, kg)| Deed::Destroy(lot, kg)),
        6 => offered.prop_map(|(to, things, lots)| Deed::Offer(to, things, lots)),
        6 => (0..2usize, outcome, arrived).prop_map(|(n, o, a)| Deed::Answer(n, o, a)),
        2 => things().prop_map(Deed::Claim),
        2 => (0..4usize).prop_map(Deed::Correct),
        1 => Just(Deed::Wait),
    ]
}

impl Recipe {
    /// The things that it names.
    pub(super) fn things(&self) -> Vec<u64> {
        let mut things = [self.inputs.as_slice(), &self.outputs].concat();
        things.sort_unstable();
        things.dedup();
        things
    }
}

pub(super) fn merged(one: u64, others: &[u64]) -> Vec<u64> {
    let mut all = others.to_vec();
    all.push(one);
    all.sort_unstable();
    all.dedup();
    all
}

/// What an event of a deed names; of deeds that are recorded as they stand.
pub(super) fn named(deed: &Deed) -> Vec<u64> {
    match deed {
        Deed::Begin(things) | Deed::See(things) | Deed::Ship(things) | Deed::End(_, things) => {
            merged(things[0], things)
        }
        Deed::Return(id) | Deed::Empty(id) => vec![*id],
        Deed::Pack(container, items) | Deed::Unpack(container, items) => merged(*container, items),
        Deed::Make(recipe) => recipe.things(),
        Deed::Grow(..) | Deed::Destroy(..) => Vec::new(),
        _ => panic!("not an event that is corrected: {deed:?}"),
    }
}

pub(super) fn is_finding(deed: &Deed) -> bool {
    matches!(deed, Deed::See(_) | Deed::Ship(_) | Deed::Return(_))
}

pub(super) fn event(number: usize, deed: &Deed) -> Vec<u8> {
    let ids = |things: &[u64]| things.iter().map(|n| container(*n)).collect::<Vec<_>>();
    let bytes = match deed {
        Deed::Begin(things) => event_step("ADD", "commissioning", &ids(things)),
        Deed::See(things) | Deed::Claim(things) => event_step("OBSERVE", "storing", &ids(things)),
        Deed::Ship(things) => event_step("OBSERVE", "shipping", &ids(things)),
        Deed::Offer(_, things, lots) => seen("OBSERVE", "shipping", things, lots),
        Deed::End(Ending::Sold, things) => event_step("OBSERVE", "retail_selling", &ids(things)),
        Deed::End(Ending::Destroyed, things) => event_step("DELETE", "destroying", &ids(things)),
        Deed::End(_, things) => event_step("DELETE", "decommissioning", &ids(things)),
        Deed::Return(id) => {
            let fields = json!({"epcList": [container(*id)], "disposition": "returned"});
            event_of("ObjectEvent", "OBSERVE", fields)
        }
        Deed::Pack(into, items) => add(&container(*into), &ids(items)),
        Deed::Unpack(from, items) => delete(&container(*from), &ids(items)),
        Deed::Empty(whole) => delete(&container(*whole), &[]),
        Deed::Make(recipe) => {
            let mut fields = Map::new();
            put(&mut fields, "inputEPCList", ids(&recipe.inputs));
            put(&mut fields, "outputEPCList", ids(&recipe.outputs));
            put(&mut fields, "inputQuantityList", quantities(&recipe.from));
            put(&mut fields, "outputQuantityList", quantities(&recipe.to));
            event_of("TransformationEvent", "", Value::Object(fields))
        }
        Deed::Grow(lot, kg) => seen("ADD", "commissioning", &[], &[(*lot, *kg)]),
        Deed::Destroy(lot, kg) => seen("OBSERVE", "destroying", &[], &[(*lot, *kg)]),
        Deed::Answer(..) | Deed::Correct(_) | Deed::Wait => panic!("not an event: {deed:?}"),
    };
    if matches!(deed, Deed::Offer(..) | Deed::Claim(_)) {
        return bytes;
    }
    let mut event: Value = serde_json::from_slice(&bytes).unwrap();
    // Two that are told at one place of a history are two events.
    let digest = hex::encode(&crate::hash::sha256(&bytes)[..4]);
    event["eventID"] = json!(format!("urn:x:{number}:{digest}"));
    event.to_string().into_bytes()
}

/// An object event about things and amounts of lots.
pub(super) fn seen(
    action: &str,
    biz_step: &str,
    things: &[u64],
    lots: &[(u64, Option<u64>)],
) -> Vec<u8> {
    let mut fields = Map::new();
    fields.insert("bizStep".to_owned(), json!(biz_step));
    put(
        &mut fields,
        "epcList",
        things.iter().map(|n| container(*n)).collect::<Vec<_>>(),
    );
    put(&mut fields, "quantityList", quantities(lots));
    event_of("ObjectEvent", action, Value::Object(fields))
}

pub(super) fn quantities(amounts: &[(u64, Option<u64>)]) -> Vec<Value> {
    let entry = |(of, kg): &(u64, Option<u64>)| match kg {
        Some(kg) => json!({"epcClass": lot(*of), "quantity": kg, "uom": "KGM"}),
        None => json!({"epcClass": lot(*of)}),
    };
    amounts.iter().map(entry).collect()
}

/// A list, unless it is empty.
fn put<T: serde::Serialize>(fields: &mut Map<String, Value>, name: &str, list: Vec<T>) {
    if !list.is_empty() {
        fields.insert(name.to_owned(), json!(list));
    }
}
