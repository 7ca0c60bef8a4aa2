//! A bad network and bad nights: loss, delay, repetition, partitions, crashes with part of the
//! unsynced writes on the disk. The network panics on a double sign.

use super::*;
use std::cell::RefCell;
use std::rc::Rc;

/// A seeded sequence (SplitMix64).
#[derive(Clone)]
struct Dice(Rc<RefCell<u64>>);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(Rc::new(RefCell::new(seed)))
    }

    fn below(&self, bound: u64) -> u64 {
        let mut state = self.0.borrow_mut();
        *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one_in(&self, bound: u64) -> bool {
        self.below(bound) == 0
    }
}

/// Six bad seconds, then peace; every node must reach a height that all agree on.
fn survive(seed: u64) -> Net {
    let dice = Dice::new(seed);
    let mut net = Net::new(4);
    let travel = dice.clone();
    let loss = 3 + dice.below(20);
    net.travel = Box::new(move || {
        if travel.one_in(loss) {
            return Vec::new();
        }
        let copies = if travel.one_in(15) { 2 } else { 1 };
        (0..copies).map(|_| 1 + travel.below(40)).collect()
    });
    let cut = Rc::new(RefCell::new([0u64; 4]));
    let sides = cut.clone();
    net.filter = Box::new(move |from, to, _| sides.borrow()[from] == sides.borrow()[to]);
    let mut number = 0;
    for _ in 0..60 {
        net.run(100);
        if dice.one_in(3) {
            number += 1;
            net.submit(number);
        }
        if dice.one_in(8) {
            let mut sides = cut.borrow_mut();
            let whole = dice.one_in(2);
            sides.fill_with(|| if whole { 0 } else { dice.below(2) });
        }
        for i in 0..4 {
            if net.nodes[i].machine.is_none() {
                if dice.one_in(3) {
                    net.start(i);
                }
            } else if dice.one_in(25) {
                let torn = dice.clone();
                net.nodes[i].machine = None;
                net.nodes[i]
                    .disk
                    .crash_keeping(|_, count| torn.below(count as u64 + 1) as usize);
                net.crash(i);
            }
        }
    }
    cut.borrow_mut().fill(0);
    net.travel = Box::new(|| vec![TRAVEL_MS]);
    for i in 0..4 {
        if net.nodes[i].machine.is_none() {
            net.start(i);
        }
    }
    let highest = net.nodes.iter().map(|n| n.store.tip().height).max();
    net.submit(number + 1);
    net.run_to(highest.unwrap() + 1);
    net.assert_agreement();
    assert_eq!(net.misbehaviour, 0, "an honest validator was accused");
    net
}

#[test]
fn the_network_survives_bad_nights() {
    for seed in 0..24 {
        survive(seed);
    }
}

/// The same seed gives the same history, byte for byte.
#[test]
fn the_machine_is_deterministic() {
    for seed in [3, 14] {
        let (a, b) = (survive(seed), survive(seed));
        assert_eq!(a.committed, b.committed);
        assert_eq!(a.signed, b.signed);
        assert_eq!(a.outputs, b.outputs);
        assert_eq!(a.refused, b.refused);
    }
}
