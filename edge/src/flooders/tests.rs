//! The list of those who are shed, against the rule.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use proptest::prelude::*;

use super::*;

/// Four a second, eight at once.
const RATE: CallRate = CallRate {
    per_minute: 240,
    burst: 8,
};

/// One that is alone beyond its rate comes down to that.
const BEYOND: u32 = 2 * RATE.per_minute;

fn owner(number: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from(number))
}

fn come(flooders: &mut Flooders, number: u32, count: usize, now: Instant) {
    for _ in 0..count {
        flooders.take(owner(number), now);
    }
}

/// The halvings of an owner after each of some seconds in which so many come.
fn halvings(seconds: &[usize]) -> Vec<u32> {
    let start = Instant::now();
    let mut flooders = Flooders::new(RATE, BEYOND, start);
    let after = |second: usize| start + SECOND * u32::try_from(second).unwrap();
    let each = seconds.iter().enumerate().map(|(second, count)| {
        come(&mut flooders, 1, *count, after(second));
        flooders.sweep(after(second + 1));
        let listed = flooders.shed.first();
        listed.map_or(0, |shed| shed.halvings)
    });
    each.collect()
}

#[test]
fn so_many_are_dropped_that_the_owners_rate_passes() {
    // A burst is free, and so is a rate.
    assert_eq!(halvings(&[8, 4, 4, 4]), [0, 0, 0, 0]);
    assert_eq!(halvings(&[9]), [1], "2.25 times as many");
    assert_eq!(halvings(&[8, 5]), [0, 1]);
    assert_eq!(halvings(&[31]), [2]);
    assert_eq!(halvings(&[32]), [3]);
    // Between half of it and the whole, all stays. Below, it is as many fewer, until the owner is forgotten.
    assert_eq!(halvings(&[32, 4, 3, 2]), [3, 3, 3, 2]);
    assert_eq!(halvings(&[32, 1, 0, 0]), [3, 1, 0, 0]);
    assert_eq!(halvings(&[100_000, 0, 1, 2, 3]), [12, 10, 8, 7, 7]);
    assert_eq!(halvings(&[32, 5, 8, 15]), [3, 4, 5, 6]);
    assert_eq!(halvings(&[100_000, 100_000]), [12, 12]);
}

/// Where less than one may come, one fewer is no halving.
#[test]
fn who_stays_away_is_shed_no_longer_whatever_the_rate() {
    let left = |may: u64| {
        (0..).scan(MOST_HALVINGS, move |halvings, _: u32| {
            *halvings = halvings_after(*halvings, 0, may);
            Some(*halvings)
        })
    };
    for (may, seconds) in [(0, 12), (1, 12), (PART, 12), (4 * PART, 6), (64 * PART, 2)] {
        assert_eq!(
            left(may).take_while(|halvings| *halvings > 0).count() + 1,
            seconds
        );
    }
}

#[test]
fn who_is_answered_is_no_flood() {
    let start = Instant::now();
    let mut flooders = Flooders::new(RATE, BEYOND, start);
    for second in 0..10 {
        let now = start + SECOND * second;
        for _ in 0..1000 {
            let is_within = flooders.take(owner(1), now);
            assert!(is_within);
            flooders.give_back(owner(1), is_within);
        }
        // Answers come late, and for connections beyond the rate as well.
        let late: Vec<bool> = (0..20).map(|_| flooders.take(owner(2), now)).collect();
        for was_within in late {
            flooders.give_back(owner(2), was_within);
        }
        assert_eq!(flooders.sweep(now + SECOND), None);
    }
    assert!(flooders.owners.is_empty(), "they are forgotten");
}

/// A thread that gives way to all others may be late.
#[test]
fn a_late_sweep_counts_by_the_second() {
    let start = Instant::now();
    let mut flooders = Flooders::new(RATE, BEYOND, start);
    come(&mut flooders, 1, 39, start);
    assert_eq!(flooders.sweep(start + SECOND * 10), None);
    come(&mut flooders, 1, 41, start + SECOND * 10);
    let shed = Shed {
        owner: owner(1),
        halvings: 1,
    };
    assert_eq!(flooders.sweep(start + SECOND * 20), Some(vec![shed]));
    // A sweep right after another sees a part of a second only.
    come(&mut flooders, 1, 3, start + SECOND * 20);
    assert_eq!(flooders.sweep(start + SECOND * 20), None);
}

#[test]
fn those_who_came_too_often_last_are_shed() {
    let start = Instant::now();
    let mut flooders = Flooders::new(RATE, BEYOND, start);
    for number in 0..70 {
        come(&mut flooders, number, 100, start);
    }
    let first = flooders.sweep(start + SECOND).unwrap();
    assert_eq!(first.len(), SHED);
    // Six others come later, of whom one was shed before.
    let again = first.last().unwrap().owner;
    for number in 100..105 {
        come(&mut flooders, number, 100, start + SECOND);
    }
    for _ in 0..100 {
        flooders.take(again, start + SECOND);
    }
    let second = flooders.sweep(start + SECOND * 2).unwrap();
    assert_eq!(second.len(), SHED);
    let is_shed = |owner| second.iter().any(|shed| shed.owner == owner);
    assert!((100..105).all(|number| is_shed(owner(number))));
    assert!(is_shed(again));
}

/// Else who waits behind a flood would do so as long as it lasts.
#[test]
fn what_passes_of_who_is_shed_is_beyond_its_rate() {
    let start = Instant::now();
    let mut flooders = Flooders::new(RATE, BEYOND, start);
    come(&mut flooders, 1, 9, start);
    let later = start + SECOND * 100;
    assert!(flooders.sweep(later).is_none(), "nine in a hundred seconds");
    come(&mut flooders, 1, 9, later);
    assert!(flooders.sweep(later + SECOND).is_some());
    assert!(!flooders.take(owner(1), later + SECOND * 2));
    assert!(flooders.take(owner(2), later + SECOND * 2));
    // It stays away, and has its rate again.
    for second in 3..6 {
        flooders.sweep(later + SECOND * second);
    }
    assert!(flooders.take(owner(1), later + SECOND * 6));
}

/// Of 32 a second half passes, whoever it is.
#[test]
fn who_is_beyond_shares_with_all_others_that_are() {
    for (owners, each) in [(1, 16), (2, 8), (4, 4), (8, 2), (16, 1)] {
        let start = Instant::now();
        let mut flooders = Flooders::new(RATE, 1920, start);
        for number in 0..owners {
            come(&mut flooders, number, 64, start);
        }
        let shed = flooders.sweep(start + SECOND).unwrap();
        assert_eq!(shed.len(), usize::try_from(owners).unwrap());
        for one in shed {
            assert_eq!(64 >> one.halvings, each, "of {owners}");
        }
    }
}

#[test]
fn owners_beyond_those_told_apart_are_within_their_rate() {
    let start = Instant::now();
    let mut flooders = Flooders::new(RATE, BEYOND, start);
    for number in 0..u32::try_from(OWNERS).unwrap() {
        assert!(flooders.take(owner(number), start));
    }
    assert!((0..100).all(|_| flooders.take(owner(u32::MAX), start)));
    assert_eq!(flooders.owners.len(), OWNERS);
    assert_eq!(flooders.sweep(start + SECOND), None);
    assert!(flooders.owners.is_empty());
}

/// What may happen at a port.
#[derive(Clone, Copy, Debug)]
enum Step {
    Comes(u32, usize),
    IsAnswered(u32),
    Second,
}

fn step() -> impl Strategy<Value = Step> {
    let number = 0..80u32;
    prop_oneof![
        4 => (number.clone(), 1..60usize).prop_map(|(number, count)| Step::Comes(number, count)),
        2 => number.prop_map(Step::IsAnswered),
        1 => Just(Step::Second),
    ]
}

proptest! {
    /// A list is bounded, changes only by the rule, and holds nobody who kept to the rate.
    #[test]
    fn a_list_follows_the_rule(steps in prop::collection::vec(step(), 1..400)) {
        let mut now = Instant::now();
        let mut flooders = Flooders::new(RATE, BEYOND, now);
        let mut came = BTreeMap::<IpAddr, Vec<bool>>::new();
        let mut before = BTreeMap::<IpAddr, u32>::new();
        for step in steps {
            match step {
                Step::Comes(number, count) => {
                    for _ in 0..count {
                        let is_within = flooders.take(owner(number), now);
                        came.entry(owner(number)).or_default().push(is_within);
                    }
                }
                Step::IsAnswered(number) => {
                    if let Some(was_within) = came.get_mut(&owner(number)).and_then(Vec::pop) {
                        flooders.give_back(owner(number), was_within);
                    }
                }
                Step::Second => {
                    now += SECOND;
                    let may = u64::from(flooders.each()) * 1000;
                    let told = flooders.sweep(now);
                    let shed: BTreeMap<IpAddr, u32> =
                        flooders.shed.iter().map(|shed| (shed.owner, shed.halvings)).collect();
                    prop_assert_eq!(told.is_some(), shed != before);
                    prop_assert!(shed.len() <= SHED);
                    for (owner, halvings) in &shed {
                        prop_assert!((1..=MOST_HALVINGS).contains(halvings));
                        let count = came.get(owner).map_or(0, Vec::len) as u64;
                        let was = before.get(owner).copied().unwrap_or(0);
                        prop_assert_eq!(*halvings, halvings_after(was, count * PART, may));
                    }
                    for (owner, was) in &before {
                        let count = came.get(owner).map_or(0, Vec::len) as u64;
                        let is_next = halvings_after(*was, count * PART, may) > 0;
                        // Else it gave way to others.
                        let is_full = shed.len() == SHED;
                        prop_assert!(shed.contains_key(owner) == is_next || is_full);
                    }
                    before = shed;
                    came.clear();
                }
            }
        }
    }
}
