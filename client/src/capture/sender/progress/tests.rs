use proptest::prelude::*;

use super::*;

/// What a sender may do next, by numbers that pick among what is there.
#[derive(Clone, Copy, Debug)]
enum Step {
    SortOut(u8),
    Start,
    PutBack,
    Record(u8),
    Refuse(u8, u8),
    Halve(u8),
    TakeBack(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        any::<u8>().prop_map(Step::SortOut),
        Just(Step::Start),
        Just(Step::Start),
        Just(Step::PutBack),
        any::<u8>().prop_map(Step::Record),
        (any::<u8>(), any::<u8>()).prop_map(|(batch, event)| Step::Refuse(batch, event)),
        any::<u8>().prop_map(Step::Halve),
        any::<u8>().prop_map(Step::TakeBack),
    ];
    prop::collection::vec(step, 0..60)
}

fn refusal() -> EventRefusal {
    EventRefusal {
        code: 1,
        rule: "a-rule".into(),
        message: "no".into(),
    }
}

fn recorded(id: Hash) -> EventOutcome {
    EventOutcome::Recorded {
        transaction: id,
        height: 1,
        time_ms: 1,
    }
}

fn pick(progress: &SendProgress, number: u8) -> Option<Hash> {
    let ids: Vec<Hash> = progress.under_way().keys().copied().collect();
    ids.get(usize::from(number) % ids.len().max(1)).copied()
}

/// Where each event is, by counting.
fn places(progress: &SendProgress) -> Vec<usize> {
    let batches = progress.queue.iter().chain(progress.under_way.values());
    let mut counts = vec![0; progress.total];
    let open = batches.flat_map(Batch::all);
    for index in open.chain(progress.outcomes.keys().copied()) {
        counts[index] += 1;
    }
    counts
}

fn apply(progress: &mut SendProgress, step: Step, ids: &mut u8) {
    match step {
        Step::SortOut(number) => {
            let Some(first) = progress.first().filter(|b| b.signed.is_none()) else {
                return;
            };
            let (mut events, mut twins, mut decided) = (Vec::new(), BTreeMap::new(), Vec::new());
            for (place, index) in first.all().into_iter().enumerate() {
                match (usize::from(number) + place) % 5 {
                    0 => decided.push((index, EventOutcome::Duplicate(Original::Input(0)))),
                    1 if !events.is_empty() => drop(twins.insert(index, events[0])),
                    // Forgotten.
                    2 => {}
                    _ => events.push(index),
                }
            }
            progress.sort_out_first(events, twins, decided);
        }
        Step::Start => {
            *ids += 1;
            if progress.first().is_some_and(|b| b.signed.is_none()) {
                progress.sign_first([*ids; 32], vec![]);
            }
            progress.start_first();
        }
        Step::PutBack => progress.put_back(),
        Step::Record(number) => {
            if let Some(id) = pick(progress, number) {
                progress.record(&id, &recorded(id));
            }
        }
        Step::Refuse(number, event) => {
            if let Some(id) = pick(progress, number) {
                let events = &progress.under_way()[&id].events;
                let event = events[usize::from(event) % events.len()];
                progress.refuse(&id, event, refusal());
            }
        }
        Step::Halve(number) => {
            if let Some(id) = pick(progress, number) {
                progress.halve(&id);
            }
        }
        Step::TakeBack(number) => {
            if let Some(id) = pick(progress, number) {
                progress.take_back(&id);
            }
        }
    }
}

proptest! {
    /// Whatever happens in whatever order, each event is in one place, and no success can be made
    /// while one is open.
    #[test]
    fn an_event_is_never_lost(total in 0usize..12, size in 1usize..5, steps in steps()) {
        let mut progress = SendProgress::new(total);
        let all: Vec<usize> = (0..total).collect();
        progress.plan(all.chunks(size).map(|events| Batch::unsigned(events.to_vec())));
        let mut ids = 0;
        for step in steps {
            apply(&mut progress, step, &mut ids);
            prop_assert_eq!(places(&progress), vec![1; total], "after {:?}", step);
            let open = total - progress.outcomes().len();
            prop_assert_eq!(progress.undecided(), open);
            prop_assert_eq!(progress.decided().is_some(), open == 0);
        }
        progress.roll_back();
        prop_assert_eq!(places(&progress), vec![1; total]);
        prop_assert_eq!(progress.decided().map(|d| d.outcomes().len()), Some(total));
    }
}
