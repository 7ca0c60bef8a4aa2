//! An item's history: its own events, and those of the containers it travelled in while it was
//! in them. A pallet's move is written once, to the pallet; whoever asks for a parcel on it gets
//! it by the interval between packing and unpacking. Each link that is read must be complete, so
//! that an interval can't be shortened by leaving an event out.
//!
//! Consensus-critical: no

use std::collections::BTreeSet;
use std::ops::Deref;
use std::sync::Arc;

use thiserror::Error;
use touchstone_proto::ledger::LinkEntry;

use touchstone_epcis::{ContainmentStep, Event};

/// Containers inside containers, at most: the ledger's rule, and one more for the item.
const MAX_DEPTH: usize = 17;
/// Links read for one question, at most.
const MAX_LINKS: usize = 2_000;

/// A place in the ledger: height, transaction, event. Places are totally ordered.
pub type Place = (u64, u32, u32);

/// The place that an entry names.
pub fn place(entry: &LinkEntry) -> Place {
    entry
        .position
        .map(|p| (p.height, p.transaction, p.event))
        .unwrap_or_default()
}

/// An event of a complete link.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its place.
    pub place: Place,
    /// Its entry.
    pub entry: LinkEntry,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// The same, as the rules read it; `None` where this program's rules are stricter than those
    /// that it was recorded under.
    pub event: Option<Event>,
}

impl Recorded {
    /// An entry with the bytes that it stands for; the caller has checked that they belong together.
    pub fn new(entry: LinkEntry, bytes: Vec<u8>) -> Arc<Recorded> {
        Arc::new(Recorded {
            place: place(&entry),
            event: Event::parse(&bytes).ok(),
            entry,
            bytes,
        })
    }
}

/// All events of one identifier, in ledger order; the caller has proven that none is missing up to
/// `height`. What item histories ask of a link again and again is found once, when it is made.
#[derive(Clone, Debug)]
pub struct CompleteLink {
    id: String,
    height: u64,
    events: Vec<Arc<Recorded>>,
    intervals: Vec<ContainmentInterval>,
    /// Places of the events that packed it or took it out.
    packings: Vec<Place>,
    /// Places of the events that emptied it as a whole.
    emptyings: Vec<Place>,
}

impl CompleteLink {
    /// The events of the thing with this canonical identifier, up to the block at `height`, whose
    /// state proves them.
    pub fn new(id: String, height: u64, events: Vec<Arc<Recorded>>) -> CompleteLink {
        let packings = packings(&id, &events);
        CompleteLink {
            intervals: intervals(&packings),
            packings: packings.iter().map(|(place, ..)| *place).collect(),
            emptyings: emptyings(&id, &events),
            id,
            height,
            events,
        }
    }

    /// The canonical identifier.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// All events; things that share an event share it here too.
    pub fn events(&self) -> &[Arc<Recorded>] {
        &self.events
    }

    /// The events after one place, up to another.
    fn between(&self, after: Place, until: Place) -> &[Arc<Recorded>] {
        let begin = self.events.partition_point(|r| r.place <= after);
        let end = self.events.partition_point(|r| r.place <= until);
        self.events.get(begin..end).unwrap_or_default()
    }

    /// The events that show where it was at `at`: back to the last that packed it or took it out, or
    /// else to its first.
    fn look_back(&self, at: Place) -> &[Arc<Recorded>] {
        let packed = self.packings.partition_point(|place| *place <= at);
        let packed = packed.checked_sub(1).and_then(|n| self.packings.get(n));
        let begin = packed.map_or(0, |packed| {
            self.events.partition_point(|r| r.place < *packed)
        });
        let end = self.events.partition_point(|r| r.place <= at);
        self.events.get(begin..end).unwrap_or_default()
    }

    /// The place of the first event after `from` that emptied it as a whole.
    fn emptied(&self, from: Place) -> Option<Place> {
        let first = self.emptyings.partition_point(|place| *place <= from);
        self.emptyings.get(first).copied()
    }

    fn has_event_at(&self, place: Place) -> bool {
        self.events
            .binary_search_by_key(&place, |r| r.place)
            .is_ok()
    }
}

/// An event of the history.
#[derive(Clone, Debug)]
pub struct Step {
    recorded: Arc<Recorded>,
    /// Containers the item was in, from the inner to the outer; empty for its own events.
    pub via: Arc<[String]>,
}

impl Step {
    /// An own event of the item.
    pub fn own(recorded: &Arc<Recorded>) -> Step {
        step(recorded, &Arc::default())
    }
}

impl Deref for Step {
    type Target = Recorded;

    fn deref(&self) -> &Recorded {
        &self.recorded
    }
}

/// All that is recorded for an item.
#[derive(Clone, Debug)]
pub struct ItemHistory<'a> {
    /// Own and inherited events, in ledger order.
    pub steps: Vec<Step>,
    /// The containers it is in now, from the inner to the outer.
    pub inside: Vec<String>,
    /// The identifiers of the links that were read, the item's own among them.
    pub read: BTreeSet<&'a str>,
    /// Places before the item came into a container whose events show where that was then.
    pub before: Vec<Place>,
    /// All of these are complete up to this height.
    pub height: u64,
}

impl ItemHistory<'_> {
    /// The transactions, by height and index, without which the history isn't proven: those of its
    /// steps, and those that show where its containers were.
    pub fn transactions(&self) -> BTreeSet<(u64, u32)> {
        let steps = self.steps.iter().map(|step| &step.place);
        steps
            .chain(&self.before)
            .map(|(height, transaction, _)| (*height, *transaction))
            .collect()
    }
}

/// Why there is no history.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ItemHistoryError {
    /// This link is needed and wasn't given.
    #[error("the link of {0} is missing")]
    Missing(String),
    /// More containers than the rules allow.
    #[error("more containers inside each other than the ledger's rules allow")]
    TooMany,
    /// A container that doesn't know of the packing.
    #[error("the container {container} has no event at the place where something was packed in it")]
    NotPacked {
        /// The container.
        container: String,
    },
}

/// A interval in a container: after the packing, up to and including the unpacking.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ContainmentInterval {
    container: String,
    /// Place of the packing event.
    from: Place,
    /// Place of the event that ended it; `None` while no own event does.
    until: Option<Place>,
}

/// The events that add the thing `id` to a container (`true`) or take it out.
fn packings<'a>(id: &str, events: &'a [Arc<Recorded>]) -> Vec<(Place, &'a str, bool)> {
    let packing = |recorded: &'a Arc<Recorded>| {
        let step = recorded.event.as_ref()?.containment()?;
        let (items, packs) = match step {
            ContainmentStep::Pack { items, .. } => (items, true),
            ContainmentStep::Unpack { items, .. } => (items, false),
            ContainmentStep::Empty { .. } => return None,
        };
        let is_named = items.iter().any(|item| item.as_str() == id);
        is_named.then(|| (recorded.place, step.container().as_str(), packs))
    };
    events.iter().filter_map(packing).collect()
}

/// The intervals that a thing's own events tell of. That a container was emptied as a whole stands in
/// the container's events.
fn intervals(packings: &[(Place, &str, bool)]) -> Vec<ContainmentInterval> {
    let mut intervals: Vec<ContainmentInterval> = Vec::new();
    for (place, container, packs) in packings {
        let open = intervals.last_mut().filter(|s| s.until.is_none());
        match (packs, open) {
            (true, open) => {
                // Packed anew without an unpacking: its container was emptied in between.
                if let Some(interval) = open {
                    interval.until = Some(*place);
                }
                intervals.push(ContainmentInterval {
                    container: (*container).to_owned(),
                    from: *place,
                    until: None,
                });
            }
            (false, Some(interval)) if interval.container == *container => {
                interval.until = Some(*place);
            }
            _ => {}
        }
    }
    intervals
}

/// The places of the events that emptied the container `id` as a whole.
fn emptyings(id: &str, events: &[Arc<Recorded>]) -> Vec<Place> {
    let empties = |event: &Event| {
        matches!(event.containment(), Some(ContainmentStep::Empty { container })
            if container.as_str() == id)
    };
    let events = events.iter();
    events
        .filter(|recorded| recorded.event.as_ref().is_some_and(empties))
        .map(|recorded| recorded.place)
        .collect()
}

/// A container to look into, for the time between two places.
struct Frame<'a> {
    container: &'a str,
    /// Where something was packed in it.
    packed: Place,
    /// Events after this place count.
    from: Place,
    /// The last place that counts.
    until: Place,
    /// Whether the item is inside at `until` as far as the way there tells.
    open: bool,
    via: Arc<[String]>,
}

/// The history of the item `id`, from complete links, which `find` gives by identifier.
/// [`ItemHistoryError::Missing`] names the next link that is needed; ask again with it.
pub fn resolve<'a>(
    id: &str,
    find: impl Fn(&str) -> Option<&'a CompleteLink>,
) -> Result<ItemHistory<'a>, ItemHistoryError> {
    let find = |id: &str| find(id).ok_or_else(|| ItemHistoryError::Missing(id.to_owned()));
    let link = find(id)?;
    let mut height = link.height;
    let end = (height, u32::MAX, u32::MAX);
    let own = Arc::default();
    let own_steps = link.events.iter().map(|recorded| step(recorded, &own));
    let mut steps: Vec<Step> = own_steps.collect();
    let mut inside: Arc<[String]> = own.clone();
    let mut read = BTreeSet::from([link.id()]);
    let mut before: Vec<Place> = Vec::new();
    let mut seen: BTreeSet<(&str, [Place; 3])> = BTreeSet::new();
    let mut frames: Vec<Frame<'_>> = Vec::new();
    frames.extend(around(link, (0, 0, 0), end, true, &own));
    while let Some(frame) = frames.pop() {
        let span = [frame.packed, frame.from, frame.until];
        if !seen.insert((frame.container, span)) {
            continue;
        }
        if frame.via.len() > MAX_DEPTH || read.len() > MAX_LINKS {
            return Err(ItemHistoryError::TooMany);
        }
        let container = find(frame.container)?;
        read.insert(frame.container);
        check_packing_is_there(container, frame.packed)?;
        height = height.min(container.height);
        let emptied = container.emptied(frame.packed);
        let emptied = emptied.filter(|place| *place <= frame.until);
        let settled = emptied.map_or(frame.from, |place| place.min(frame.from));
        let settling = container.between(frame.packed, settled);
        before.extend(settling.iter().map(|r| r.place));
        if emptied.is_some_and(|place| place <= frame.from) {
            // What brought the item here was taken out before the item came to it.
            continue;
        }
        before.extend(container.look_back(frame.from).iter().map(|r| r.place));
        let until = emptied.unwrap_or(frame.until);
        let inherited = container.between(frame.from, until).iter();
        steps.extend(inherited.map(|recorded| step(recorded, &frame.via)));
        let open = frame.open && emptied.is_none();
        if open && inside.len() < frame.via.len() {
            inside = frame.via.clone();
        }
        frames.extend(around(container, frame.from, until, open, &frame.via));
    }
    // An event counts once, as the one that was come upon first: its own before its containers'.
    steps.sort_by_key(|step| step.place);
    steps.dedup_by_key(|step| step.place);
    Ok(ItemHistory {
        steps,
        inside: inside.to_vec(),
        read,
        before,
        height,
    })
}

/// The containers around `link`'s item between two places.
fn around<'a>(
    link: &'a CompleteLink,
    from: Place,
    until: Place,
    open: bool,
    via: &[String],
) -> impl Iterator<Item = Frame<'a>> {
    link.intervals.iter().filter_map(move |interval| {
        let start = interval.from.max(from);
        let end = interval.until.unwrap_or(until).min(until);
        let outer = std::iter::once(&interval.container);
        (start < end).then(|| Frame {
            container: &interval.container,
            packed: interval.from,
            from: start,
            until: end,
            open: open && interval.until.is_none_or(|place| place > until),
            via: via.iter().chain(outer).cloned().collect(),
        })
    })
}

/// The packing stands in the container's link too, unless that link is from an earlier height.
fn check_packing_is_there(container: &CompleteLink, packed: Place) -> Result<(), ItemHistoryError> {
    if container.height >= packed.0 && !container.has_event_at(packed) {
        return Err(ItemHistoryError::NotPacked {
            container: container.id.clone(),
        });
    }
    Ok(())
}

fn step(recorded: &Arc<Recorded>, via: &Arc<[String]>) -> Step {
    Step {
        recorded: recorded.clone(),
        via: via.clone(),
    }
}

#[cfg(test)]
mod tests;
