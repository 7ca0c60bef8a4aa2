//! Containers inside each other: a history is what a plain simulation of the same events says, and
//! no file that lacks a part of it is verified.

use std::collections::BTreeMap;

use super::*;
use crate::block::Header;
use crate::proof::item_history::Place;
use crate::state::keys;

/// Who is in what, and what was recorded of whom.
#[derive(Default)]
struct Model {
    inside: BTreeMap<String, String>,
    /// By identifier: where something was recorded of it or of what it was in.
    history: BTreeMap<String, Vec<Place>>,
}

impl Model {
    /// An event at a place: whom it names, and how it packs.
    fn apply(&mut self, place: Place, event: &Step) {
        let named = event.named();
        for id in all() {
            let mut around = Some(&id);
            let mut is_told = false;
            while let Some(one) = around {
                is_told |= named.contains(one);
                around = self.inside.get(one);
            }
            if is_told {
                self.history.entry(id).or_default().push(place);
            }
        }
        match event {
            Step::Add(parent, child) => {
                self.inside.insert(child.clone(), parent.clone());
            }
            Step::Take(_, child) => drop(self.inside.remove(child)),
            Step::Empty(parent) => self.inside.retain(|_, inside| inside != parent),
            Step::See(_) => {}
        }
    }
}

enum Step {
    Add(String, String),
    Take(String, String),
    Empty(String),
    See(String),
}

impl Step {
    fn named(&self) -> Vec<String> {
        match self {
            Step::Add(a, b) | Step::Take(a, b) => vec![a.clone(), b.clone()],
            Step::Empty(a) | Step::See(a) => vec![a.clone()],
        }
    }

    fn event(&self, note: u64) -> Vec<u8> {
        match self {
            Step::Add(parent, child) => aggregation("ADD", parent, std::slice::from_ref(child)),
            Step::Take(parent, child) => aggregation("DELETE", parent, std::slice::from_ref(child)),
            Step::Empty(parent) => aggregation("DELETE", parent, &[]),
            Step::See(one) => object(note, std::slice::from_ref(one)),
        }
    }
}

fn all() -> Vec<String> {
    vec![item(1), item(2), container(1), container(2), container(3)]
}

/// Records the steps that the rules allow, a block each.
fn recorded(steps: Vec<Step>) -> (Chain, Model) {
    let (mut chain, mut model) = (Chain::start(), Model::default());
    for (note, step) in steps.into_iter().enumerate() {
        if chain.capture(&[step.event(note as u64)]).is_ok() {
            model.apply((chain.height, 0, 0), &step);
        }
    }
    chain.commit(&[]);
    (chain, model)
}

fn random_steps(seed: u64) -> Vec<Step> {
    let things = all();
    let step = |noise: Hash| {
        let thing = things[noise[0] as usize % things.len()].clone();
        let case = container(u64::from(noise[1]) % 3 + 1);
        match noise[2] % 8 {
            0..=3 => Step::Add(case, thing),
            4 => Step::Take(case, thing),
            5 => Step::Empty(case),
            _ => Step::See(thing),
        }
    };
    stream(seed).take(18).map(step).collect()
}

fn examined_places(chain: &Chain, evidence: &Evidence) -> Vec<Place> {
    let report = examine(&seal(evidence), &trusting(chain));
    assert_eq!(report.failure(), None);
    let steps = report.facts.history.unwrap().steps;
    steps.iter().map(|step| step.place).collect()
}

/// Leaves out the transactions at these heights, with their blocks and the proofs of these.
fn without(evidence: &Evidence, gone: impl Fn(u64) -> bool) -> Evidence {
    let mut less = evidence.clone();
    less.transactions.retain(|t| !gone(t.height));
    less.blocks
        .retain(|b| !gone(Header::decode(&b.header).unwrap().height));
    let left: Vec<_> = less
        .transactions
        .iter()
        .map(|t| keys::block(t.height))
        .collect();
    less.states
        .retain(|s| !s.key.starts_with(b"block/") || left.contains(&s.key));
    less
}

fn without_link(evidence: &Evidence, id: &str) -> Evidence {
    let mut less = evidence.clone();
    less.links.retain(|link| link.item != id);
    less.states.retain(|state| state.key != keys::item(id));
    less
}

/// Each part alone, each two transactions together, and each link with what it alone needs.
fn assert_nothing_can_be_left_out(chain: &Chain, evidence: &Evidence) {
    let heights: Vec<u64> = evidence.transactions.iter().map(|t| t.height).collect();
    let refused = |less: &Evidence| {
        let report = examine(&seal(less), &trusting(chain));
        assert!(report.failure().is_some());
    };
    for one in &heights {
        for two in &heights {
            let less = without(evidence, |height| height == *one || height == *two);
            refused(&less);
            for link in &evidence.links {
                refused(&without_link(&less, &link.item));
            }
        }
    }
    for link in &evidence.links {
        refused(&without_link(evidence, &link.item));
    }
}

#[test]
fn a_history_is_what_a_simulation_says_and_nothing_of_it_can_be_left_out() {
    let mut nested = 0;
    for seed in 0..60 {
        let (chain, model) = recorded(random_steps(seed));
        for id in all() {
            let evidence = collected(&chain, &Subject::Item(id.clone()));
            let expected = model.history.get(&id).cloned().unwrap_or_default();
            assert_eq!(
                examined_places(&chain, &evidence),
                expected,
                "seed {seed}, {id}"
            );
            nested += usize::from(evidence.links.len() > 2);
            if seed < 10 {
                assert_nothing_can_be_left_out(&chain, &evidence);
            }
        }
    }
    assert!(
        nested > 30,
        "{nested} histories with containers in containers"
    );
}

/// A truck that a box was loaded on before an item came into the box.
#[test]
fn where_a_container_was_before_the_item_came_is_part_of_the_file() {
    let (unit, case, truck) = (item(1), container(1), container(2));
    let (chain, _) = recorded(vec![
        Step::Add(truck.clone(), case.clone()),
        Step::Add(case, unit.clone()),
        Step::See(truck.clone()),
    ]);
    let evidence = collected(&chain, &Subject::Item(unit));
    let places = examined_places(&chain, &evidence);
    assert_eq!(places, [(2, 0, 0), (3, 0, 0)]);
    assert_eq!(evidence.transactions.len(), 3);
    // Without the loading, the truck wouldn't be known of.
    let less = without_link(&without(&evidence, |height| height != 2), &truck);
    let report = examine(&seal(&less), &trusting(&chain));
    assert_eq!(report.failure().unwrap().0, Element::Completeness);
}

/// A tray that was in a box until that was emptied; the item comes into the tray afterwards.
#[test]
fn what_was_taken_out_before_the_item_came_shares_nothing() {
    let (unit, tray, case) = (item(1), container(1), container(2));
    let (chain, _) = recorded(vec![
        Step::Add(case.clone(), tray.clone()),
        Step::Empty(case.clone()),
        Step::Add(tray, unit.clone()),
        Step::See(case),
    ]);
    let evidence = collected(&chain, &Subject::Item(unit));
    assert_eq!(examined_places(&chain, &evidence), [(3, 0, 0)]);
    let less = without(&evidence, |height| height == 2);
    let report = examine(&seal(&less), &trusting(&chain));
    assert_eq!(report.failure().unwrap().0, Element::Completeness);
}
