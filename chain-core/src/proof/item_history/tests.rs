use std::collections::BTreeMap;

use super::*;
use crate::test_support::{aggregation, container, item, object};
use touchstone_proto::ledger::Position;

/// A link whose events stand at the heights given.
fn link(id: &str, height: u64, events: &[(u64, Vec<u8>)]) -> CompleteLink {
    let recorded = |(at, bytes): &(u64, Vec<u8>)| {
        let entry = LinkEntry {
            position: Some(Position {
                height: *at,
                transaction: 0,
                event: 0,
            }),
            ..LinkEntry::default()
        };
        Recorded::new(entry, bytes.clone())
    };
    CompleteLink::new(id.to_owned(), height, events.iter().map(recorded).collect())
}

fn links(all: Vec<CompleteLink>) -> BTreeMap<String, CompleteLink> {
    all.into_iter()
        .map(|link| (link.id.clone(), link))
        .collect()
}

/// The link with other events.
fn change(link: &mut CompleteLink, how: impl FnOnce(&mut Vec<Arc<Recorded>>)) {
    let mut events = link.events.clone();
    how(&mut events);
    *link = CompleteLink::new(link.id.clone(), link.height, events);
}

fn travel_in<'a>(
    id: &str,
    links: &'a BTreeMap<String, CompleteLink>,
) -> Result<ItemHistory<'a>, ItemHistoryError> {
    resolve(id, |id| links.get(id))
}

fn heights(history: &ItemHistory<'_>) -> Vec<u64> {
    history.steps.iter().map(|step| step.place.0).collect()
}

/// An item in a case on a pallet: packed at 2 and 3, the pallet moves at 4 and 6, the case is taken
/// off at 5, the item unpacked at 7, the case moves on at 8.
fn nested() -> Vec<CompleteLink> {
    let (unit, case, pallet) = (item(1), container(1), container(2));
    let pack = aggregation("ADD", &case, std::slice::from_ref(&unit));
    let load = aggregation("ADD", &pallet, std::slice::from_ref(&case));
    let take_off = aggregation("DELETE", &pallet, std::slice::from_ref(&case));
    let unpack = aggregation("DELETE", &case, std::slice::from_ref(&unit));
    let moved = |n, what: &String| object(n, std::slice::from_ref(what));
    vec![
        link(
            &unit,
            9,
            &[(1, moved(1, &unit)), (2, pack.clone()), (7, unpack.clone())],
        ),
        link(
            &case,
            9,
            &[
                (2, pack),
                (3, load.clone()),
                (5, take_off.clone()),
                (7, unpack),
                (8, moved(8, &case)),
            ],
        ),
        link(
            &pallet,
            9,
            &[
                (3, load),
                (4, moved(4, &pallet)),
                (5, take_off),
                (6, moved(6, &pallet)),
            ],
        ),
    ]
}

#[test]
fn events_of_containers_count_while_the_item_is_inside() {
    let links = links(nested());
    let history = travel_in(&item(1), &links).unwrap();
    assert_eq!(heights(&history), [1, 2, 3, 4, 5, 7]);
    assert_eq!(history.steps[3].via[..], [container(1), container(2)]);
    assert!(history.inside.is_empty());
    assert_eq!(history.read.len(), 3);
}

#[test]
fn a_missing_link_is_asked_for_by_name() {
    let mut given = nested();
    let pallet = given.pop().unwrap();
    let case = given.pop().unwrap();
    let asked = |given: &[CompleteLink]| travel_in(&item(1), &links(given.to_vec())).unwrap_err();
    assert_eq!(asked(&[]), ItemHistoryError::Missing(item(1)));
    assert_eq!(asked(&given), ItemHistoryError::Missing(case.id.clone()));
    given.push(case);
    assert_eq!(asked(&given), ItemHistoryError::Missing(pallet.id));
}

#[test]
fn emptying_ends_a_stay_and_what_comes_later_is_not_shared() {
    let (unit, case) = (item(1), container(1));
    let pack = aggregation("ADD", &case, std::slice::from_ref(&unit));
    let empty = aggregation("DELETE", &case, &[]);
    let moved = |n| object(n, std::slice::from_ref(&case));
    let all = vec![
        link(&unit, 5, &[(1, pack.clone())]),
        link(
            &case,
            5,
            &[(1, pack), (2, moved(2)), (3, empty), (4, moved(4))],
        ),
    ];
    let links = links(all);
    let history = travel_in(&unit, &links).unwrap();
    assert_eq!(heights(&history), [1, 2, 3]);
    assert!(history.inside.is_empty());
}

#[test]
fn a_container_that_knows_nothing_of_the_packing_is_a_lie() {
    let mut all = nested();
    change(&mut all[1], |events| drop(events.remove(0)));
    let error = travel_in(&item(1), &links(all.clone())).unwrap_err();
    let container = container(1);
    assert_eq!(error, ItemHistoryError::NotPacked { container });
    // From an earlier height it may not know yet.
    all[1].height = 1;
    change(&mut all[1], Vec::clear);
    let links = links(all);
    let history = travel_in(&item(1), &links).unwrap();
    assert_eq!((heights(&history), history.height), (vec![1, 2, 7], 1));
}

#[test]
fn an_item_still_inside_says_so() {
    let mut all = nested();
    change(&mut all[0], |events| drop(events.pop()));
    change(&mut all[1], |events| events.truncate(2));
    change(&mut all[2], |events| events.truncate(2));
    let links = links(all);
    let history = travel_in(&item(1), &links).unwrap();
    assert_eq!(history.inside, [container(1), container(2)]);
    assert_eq!(heights(&history), [1, 2, 3, 4]);
}

#[test]
fn endless_nesting_is_refused() {
    let mut all = Vec::new();
    for n in 0..40u64 {
        let (inner, outer) = (container(n), container(n + 1));
        let pack = aggregation("ADD", &outer, std::slice::from_ref(&inner));
        let mut events = vec![(n + 1, pack)];
        if n > 0 {
            let before = aggregation("ADD", &inner, &[container(n - 1)]);
            events.insert(0, (n, before));
        }
        all.push(link(&inner, 50, &events));
    }
    let error = travel_in(&container(0), &links(all)).unwrap_err();
    assert_eq!(error, ItemHistoryError::TooMany);
}
