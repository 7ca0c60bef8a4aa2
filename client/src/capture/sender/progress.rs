//! Where each event of a run stands: in the queue, under way, or decided, and nowhere else.
//!
//! A batch stays in the queue until it is under way, and is under way until its events have
//! outcomes or it is back in the queue. No method lets go of an event, and none can fail half way:
//! whatever may fail (the network, the journal) is done by the caller before it calls. So a run
//! that ends early loses nothing, and [`Decided`] can't be made while an event is open.

use std::collections::{BTreeMap, VecDeque};

use touchstone_core::hash::Hash;

use super::{EventOutcome, Original};
use crate::capture::event::EventRefusal;

/// Events of one transaction.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    /// Indices into the input, ascending.
    pub events: Vec<usize>,
    /// Events whose bytes stand in the batch already, by the index of those: they aren't sent, and
    /// wait for the outcome of the batch.
    pub twins: BTreeMap<usize, usize>,
    /// Id and bytes, once signed.
    pub signed: Option<(Hash, Vec<u8>)>,
    /// It was sent before: ask first what became of it.
    pub sent_before: bool,
}

impl Batch {
    /// Events that weren't sent yet, or are to be signed afresh.
    pub fn unsigned(events: Vec<usize>) -> Batch {
        Batch {
            events,
            ..Batch::default()
        }
    }

    /// All its events, twins too, ascending.
    pub fn all(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self
            .events
            .iter()
            .chain(self.twins.keys())
            .copied()
            .collect();
        all.sort_unstable();
        all
    }
}

/// What became of every event of an input, in its order. It can't be made while one is open.
#[derive(Debug)]
pub struct Decided(Vec<EventOutcome>);

impl Decided {
    /// The outcomes, one for each event of the input.
    pub fn outcomes(&self) -> &[EventOutcome] {
        &self.0
    }
}

/// Where all events of an input stand.
#[derive(Debug, Default)]
pub(super) struct SendProgress {
    total: usize,
    queue: VecDeque<Batch>,
    under_way: BTreeMap<Hash, Batch>,
    outcomes: BTreeMap<usize, EventOutcome>,
}

impl SendProgress {
    /// Of an input of so many events.
    pub fn new(total: usize) -> SendProgress {
        SendProgress {
            total,
            ..SendProgress::default()
        }
    }

    /// Events of the input.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Outcomes so far, by index in the input.
    pub fn outcomes(&self) -> &BTreeMap<usize, EventOutcome> {
        &self.outcomes
    }

    /// Events without an outcome.
    pub fn undecided(&self) -> usize {
        let decided = self.outcomes.range(..self.total).count();
        self.total.saturating_sub(decided)
    }

    /// All outcomes, once there is one for each event.
    pub fn decided(&self) -> Option<Decided> {
        let outcomes = (0..self.total).map(|index| self.outcomes.get(&index).cloned());
        outcomes.collect::<Option<Vec<_>>>().map(Decided)
    }

    /// Sets the outcome of an event that isn't in any batch yet.
    pub fn decide_unplanned(&mut self, index: usize, outcome: EventOutcome) {
        self.outcomes.insert(index, outcome);
    }

    /// Puts batches in the queue, by their first events.
    pub fn plan(&mut self, batches: impl IntoIterator<Item = Batch>) {
        self.queue.extend(batches);
        let queue = self.queue.make_contiguous();
        queue.sort_by_key(|batch| batch.all().first().copied());
    }

    /// The next batch to be sent.
    pub fn first(&self) -> Option<&Batch> {
        self.queue.front()
    }

    /// Those under way.
    pub fn under_way(&self) -> &BTreeMap<Hash, Batch> {
        &self.under_way
    }

    /// Parts the first batch into events that stay, their twins, and those that are decided.
    pub fn sort_out_first(
        &mut self,
        events: Vec<usize>,
        twins: BTreeMap<usize, usize>,
        decided: Vec<(usize, EventOutcome)>,
    ) {
        let Some(first) = self.queue.front_mut().filter(|b| b.signed.is_none()) else {
            return;
        };
        self.outcomes.extend(decided);
        let before = first.all();
        let mut after = Batch {
            events,
            twins,
            ..Batch::default()
        };
        // An event that the caller forgot stays.
        let kept = after.all();
        let forgotten = before
            .into_iter()
            .filter(|index| !self.outcomes.contains_key(index) && !kept.contains(index));
        after.events.extend(forgotten);
        after.events.sort_unstable();
        *first = after;
        if first.events.is_empty() && first.twins.is_empty() {
            self.queue.pop_front();
        }
    }

    /// The first batch is signed.
    pub fn sign_first(&mut self, id: Hash, envelope: Vec<u8>) {
        if let Some(first) = self.queue.front_mut() {
            first.signed = Some((id, envelope));
        }
    }

    /// The first batch, if it is signed, is under way from now on; gives its id and bytes, and
    /// whether it was sent before.
    pub fn start_first(&mut self) -> Option<(Hash, Vec<u8>, bool)> {
        let (id, envelope) = self.queue.front()?.signed.clone()?;
        if self.under_way.contains_key(&id) {
            return None;
        }
        let batch = self.queue.pop_front()?;
        let sent_before = batch.sent_before;
        self.under_way.insert(id, batch);
        Some((id, envelope, sent_before))
    }

    /// What is under way is in the queue again, before everything else, to be asked after first.
    pub fn put_back(&mut self) {
        let mut again: Vec<Batch> = std::mem::take(&mut self.under_way).into_values().collect();
        again.sort_by_key(|batch| batch.all().first().copied());
        for mut batch in again.into_iter().rev() {
            batch.sent_before = true;
            self.queue.push_front(batch);
        }
    }

    /// A batch is recorded: gives its events, each with its outcome now.
    pub fn record(&mut self, id: &Hash, outcome: &EventOutcome) -> Vec<usize> {
        let Some(batch) = self.under_way.remove(id) else {
            return Vec::new();
        };
        for index in &batch.events {
            self.outcomes.insert(*index, outcome.clone());
        }
        for (index, twin) in &batch.twins {
            let same = EventOutcome::Duplicate(Original::Input(*twin));
            self.outcomes.insert(*index, same);
        }
        batch.all()
    }

    /// An event of a batch is refused; the others are in the queue again, before everything else.
    pub fn refuse(&mut self, id: &Hash, event: usize, refusal: EventRefusal) {
        let Some(batch) = self.under_way.remove(id) else {
            return;
        };
        self.outcomes.insert(event, EventOutcome::Refused(refusal));
        let rest: Vec<usize> = batch.all().into_iter().filter(|i| *i != event).collect();
        if !rest.is_empty() {
            self.queue.push_front(Batch::unsigned(rest));
        }
    }

    /// A batch is refused as a whole; the halves are in the queue again.
    pub fn halve(&mut self, id: &Hash) {
        let Some(batch) = self.under_way.remove(id) else {
            return;
        };
        let mut all = batch.all();
        let rest = all.split_off(all.len() / 2);
        for half in [rest, all] {
            if !half.is_empty() {
                self.queue.push_front(Batch::unsigned(half));
            }
        }
    }

    /// A batch is in the queue again, to be signed afresh, after all that was sent before.
    pub fn take_back(&mut self, id: &Hash) {
        if let Some(batch) = self.under_way.remove(id) {
            self.queue.push_front(Batch::unsigned(batch.all()));
        }
        let queue = self.queue.make_contiguous();
        queue.sort_by_key(|batch| (!batch.sent_before, batch.all().first().copied()));
    }

    /// An event was refused, and with it all that are open; gives those.
    pub fn roll_back(&mut self) -> Vec<usize> {
        self.queue.clear();
        self.under_way.clear();
        let open = (0..self.total).filter(|index| !self.outcomes.contains_key(index));
        let open: Vec<usize> = open.collect();
        let outcomes = open.iter().map(|index| (*index, EventOutcome::RolledBack));
        self.outcomes.extend(outcomes);
        open
    }

    /// What was said to be refused is proven to be recorded.
    pub fn correct(&mut self, index: usize, outcome: EventOutcome) {
        self.outcomes.insert(index, outcome);
    }
}

#[cfg(test)]
mod tests;
