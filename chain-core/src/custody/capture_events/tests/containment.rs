//! A random history of aggregation events agrees with a model that simply keeps, for each item,
//! the container that it is in.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const THINGS: u64 = 7;

#[derive(Clone, Debug)]
enum Step {
    Pack(u64, Vec<u64>),
    Unpack(u64, Vec<u64>),
    Empty(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let thing = 0..THINGS;
    let things = proptest::collection::btree_set(0..THINGS, 1..3)
        .prop_map(|set| set.into_iter().collect::<Vec<u64>>());
    prop_oneof![
        4 => (thing.clone(), things.clone()).prop_map(|(c, i)| Step::Pack(c, i)),
        2 => (thing.clone(), things).prop_map(|(c, i)| Step::Unpack(c, i)),
        1 => thing.prop_map(Step::Empty),
    ]
}

/// Where each thing is; a loose one isn't listed.
#[derive(Default)]
struct Model(BTreeMap<u64, u64>);

impl Model {
    /// The code that the step meets; on 0 it has happened.
    fn apply(&mut self, step: &Step) -> u32 {
        let mut next = self.0.clone();
        match step {
            Step::Pack(into, items) => {
                let around = self.around(*into);
                for item in items {
                    if next.contains_key(item) {
                        return 302;
                    }
                    if around.contains(item) {
                        return 304;
                    }
                    next.insert(*item, *into);
                }
            }
            Step::Unpack(from, items) => {
                for item in items {
                    if next.get(item) != Some(from) {
                        return 303;
                    }
                    next.remove(item);
                }
            }
            Step::Empty(whole) => next.retain(|_, container| container != whole),
        }
        self.0 = next;
        0
    }

    /// The thing and all containers around it.
    fn around(&self, thing: u64) -> Vec<u64> {
        std::iter::successors(Some(thing), |inner| self.0.get(inner).copied()).collect()
    }
}

fn event(step: &Step) -> Vec<u8> {
    let ids = |things: &[u64]| things.iter().map(|n| container(*n)).collect::<Vec<_>>();
    match step {
        Step::Pack(into, items) => add(&container(*into), &ids(items)),
        Step::Unpack(from, items) => delete(&container(*from), &ids(items)),
        Step::Empty(whole) => delete(&container(*whole), &[]),
    }
}

/// Containment as the state shows it to a client (docs/format.md, "Containment").
fn contained_in(chain: &Chain, thing: u64) -> Option<String> {
    let packing = record(chain, &container(thing)).packed?;
    let emptied = record(chain, &packing.container).emptied.map(order);
    (packing.since.map(order) > emptied).then_some(packing.container)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_random_history_agrees_with_the_model(
        steps in proptest::collection::vec(step(), 1..60),
        // How many steps share a block, and whether they share a transaction too.
        block in 1..5usize,
        together in any::<bool>(),
    ) {
        let mut chain = Chain::start();
        let mut model = Model::default();
        for steps in steps.chunks(block) {
            let codes: Vec<u32> = steps.iter().map(|step| {
                // A refused step doesn't spoil its neighbours: each is its own transaction,
                // unless all apply.
                model.apply(step)
            }).collect();
            let envelopes: Vec<Vec<u8>> = if together && codes.iter().all(|code| *code == 0) {
                let events: Vec<Vec<u8>> = steps.iter().map(event).collect();
                vec![chain.sign(MARKET, capture(&events))]
            } else {
                (0u64..)
                    .zip(steps)
                    .map(|(n, step)| {
                        let action = capture(&[event(step)]);
                        chain.sign_at(MARKET, chain.height * 1000 + n, action)
                    })
                    .collect()
            };
            let executed = chain.commit(&envelopes);
            let found: Vec<u32> = executed.rejected.iter().map(|(_, r)| r.code()).collect();
            let expected: Vec<u32> = codes.into_iter().filter(|code| *code != 0).collect();
            prop_assert_eq!(found, expected);
        }
        for thing in 0..THINGS {
            let expected = model.0.get(&thing).map(|n| container(*n));
            prop_assert_eq!(contained_in(&chain, thing), expected);
        }
    }
}
