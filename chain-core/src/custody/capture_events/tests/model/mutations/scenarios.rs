//! What is tried to make a history of: random deeds, and between them short scenarios that lead to
//! where some rule is at stake.

use proptest::prelude::*;
use touchstone_proto::ledger::{Ending, Outcome};

use super::super::deed::{Arrived, Deed, Recipe, deed};
use super::super::{LOTS, THINGS, WHO};
use super::place::OWNER;

/// Deeds and who does them, as [`super::super::who_does`] reads it.
pub(super) type Scenario = Vec<(usize, Deed)>;

pub(super) fn scenario() -> impl Strategy<Value = Scenario> {
    let random = (0..2 * WHO.len(), deed()).prop_map(|one| vec![one]);
    let parts = prop_oneof![3 => random, 2 => played()];
    let parts = proptest::collection::vec(parts, 6..16);
    parts.prop_map(|parts| parts.concat())
}

/// Who and what a scenario is about.
#[derive(Clone, Debug)]
struct Cast {
    /// All things, shuffled.
    things: Vec<u64>,
    lot: u64,
    kg: u64,
    /// Two of the three that have goods in their hands, and one that doesn't own the prefix.
    first: usize,
    second: usize,
    other: usize,
    outcome: Outcome,
    arrived: Arrived,
}

fn played() -> impl Strategy<Value = Scenario> {
    let things = Just((0..THINGS).collect::<Vec<_>>()).prop_shuffle();
    let outcome = prop_oneof![
        1 => Just(Outcome::Accepted),
        2 => Just(Outcome::AcceptedWithDiscrepancy),
        1 => Just(Outcome::Rejected),
        1 => Just(Outcome::Withdrawn),
    ];
    let arrived = (0..8u8, -1..=0i64).prop_map(|(lost, more)| Arrived { lost, more });
    let who = (0..3usize, 1..3usize, 1..3usize);
    let cast = (things, 0..LOTS, 2..9u64, who, outcome, arrived);
    let cast = cast.prop_map(|(things, lot, kg, who, outcome, arrived)| Cast {
        things,
        lot,
        kg,
        first: who.0,
        second: (who.0 + who.1) % 3,
        other: who.2,
        outcome,
        arrived,
    });
    (cast, any::<proptest::sample::Index>()).prop_map(|(cast, which)| {
        let mut scenarios = scenarios(&cast);
        let which = which.index(scenarios.len());
        scenarios.swap_remove(which)
    })
}

fn scenarios(cast: &Cast) -> Vec<Scenario> {
    let [a, b, c, d] = cast.things[..4] else {
        panic!("too few things");
    };
    let (lot, kg) = (cast.lot, cast.kg);
    let (first, second, other) = (cast.first, cast.second, cast.other);
    let all = Arrived { lost: 0, more: 0 };
    let accept = || Deed::Answer(0, Outcome::Accepted, all.clone());
    let arrived = match cast.outcome {
        Outcome::AcceptedWithDiscrepancy => cast.arrived.clone(),
        _ => all.clone(),
    };
    let answer = || Deed::Answer(0, cast.outcome, arrived.clone());
    let answers = |from: usize, to: usize| match cast.outcome {
        Outcome::Withdrawn => from,
        _ => to,
    };
    let offer = |to: usize, things: &[u64]| Deed::Offer(to, things.to_vec(), vec![]);
    let sell = |things: &[u64]| Deed::End(Ending::Sold, things.to_vec());
    let recipe = Recipe {
        inputs: vec![a, c],
        outputs: vec![b],
        from: vec![(0, Some(kg))],
        to: vec![(1, Some(kg * 2 / 3))],
    };
    let mixture = Recipe {
        inputs: vec![],
        outputs: vec![],
        from: vec![(0, Some(kg - 1))],
        to: vec![(2, Some(1))],
    };
    let extract = Recipe {
        from: vec![(0, Some(kg))],
        to: vec![(1, Some(kg * 2 / 3))],
        ..mixture.clone()
    };
    vec![
        // A tower, whose outermost container moves.
        vec![
            (OWNER, Deed::Pack(b, vec![a])),
            (OWNER, Deed::Pack(c, vec![b])),
            (OWNER, Deed::Pack(d, vec![c])),
            (OWNER, Deed::Ship(vec![d])),
        ],
        // Filled from the outside in.
        vec![
            (OWNER, Deed::Pack(c, vec![b])),
            (OWNER, Deed::Pack(b, vec![a])),
            (OWNER, Deed::Pack(d, vec![c])),
        ],
        vec![
            (first, Deed::Pack(d, vec![c])),
            (first, Deed::Pack(c, vec![b])),
            (first, Deed::Pack(b, vec![a])),
            (first, Deed::Unpack(c, vec![b])),
        ],
        vec![
            (first, Deed::See(vec![c])),
            (first, Deed::Pack(b, vec![a, d])),
            (first, Deed::Unpack(b, vec![a])),
            (first, Deed::Ship(vec![c])),
        ],
        // A container comes back from its sale before its content, and goes on.
        vec![
            (OWNER, Deed::Pack(b, vec![a])),
            (OWNER, Deed::End(Ending::Destroyed, vec![d])),
            (OWNER, sell(&[a, b])),
            (OWNER, sell(&[c])),
            (OWNER, Deed::Return(b)),
            (OWNER, offer(other, &[b])),
            (other, accept()),
            (OWNER, Deed::Return(c)),
        ],
        // What others recorded is commissioned by the owner of the prefix.
        vec![
            (other, Deed::See(vec![a])),
            (OWNER, Deed::See(vec![b])),
            (OWNER, offer(other, &[b])),
            (other, accept()),
            (OWNER, Deed::See(vec![c])),
            (OWNER, Deed::Begin(vec![a])),
        ],
        vec![
            (other, Deed::Pack(b, vec![a])),
            (other, Deed::See(vec![c])),
            (OWNER, Deed::Begin(vec![c])),
        ],
        // Sold by another, returned to the maker, and claimed.
        vec![
            (OWNER, Deed::Begin(vec![a])),
            (OWNER, offer(other, &[a])),
            (other, accept()),
            (other, sell(&[a])),
            (OWNER, Deed::Return(a)),
            (other, Deed::Claim(vec![a])),
            (OWNER, Deed::Begin(vec![b])),
        ],
        // Lots change hands, and are used up.
        vec![
            (OWNER, Deed::Grow(lot, Some(kg))),
            (OWNER, Deed::Grow(lot, Some(kg))),
            (OWNER, Deed::Offer(first, vec![a], vec![(lot, Some(kg))])),
            (answers(OWNER, first), answer()),
            (first, Deed::Destroy(lot, Some(1))),
        ],
        vec![
            (OWNER, Deed::Grow(lot, Some(kg))),
            (OWNER, Deed::Offer(other, vec![], vec![(lot, Some(kg - 1))])),
            (other, accept()),
        ],
        vec![
            (OWNER, Deed::Begin(vec![d])),
            (OWNER, Deed::Grow(0, Some(kg))),
            (OWNER, Deed::Make(recipe)),
            (OWNER, Deed::Correct(0)),
        ],
        vec![
            (OWNER, Deed::Grow(0, Some(kg))),
            (OWNER, Deed::Grow(2, Some(kg))),
            (OWNER, Deed::Make(mixture)),
        ],
        vec![
            (OWNER, Deed::Grow(0, Some(kg))),
            (OWNER, Deed::Make(extract)),
        ],
        // Several offers are open.
        vec![
            (first, offer(second, &[a])),
            (first, offer(second, &[b])),
            (first, Deed::Pack(d, vec![c])),
        ],
        // Word against word.
        vec![
            (first, Deed::See(vec![a])),
            (first, offer(second, &[a])),
            (answers(first, second), answer()),
        ],
        vec![
            (first, Deed::See(vec![a, c])),
            (first, offer(second, &[a])),
            (second, Deed::Claim(vec![a])),
            (first, Deed::Answer(0, Outcome::Withdrawn, all.clone())),
        ],
        vec![
            (first, Deed::See(vec![a, b])),
            (first, Deed::Correct(0)),
            (first, offer(second, &[b])),
            (first, Deed::Ship(vec![a])),
        ],
    ]
}
