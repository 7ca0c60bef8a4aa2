//! An item's journey: its own events, and those of the containers it travelled in while it was
//! in them. A pallet's move is written once, to the pallet; whoever asks for a parcel on it gets
//! it by the interval between packing and unpacking. Each link that is read must be complete, so
//! that an interval can't be shortened by leaving an event out.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::sync::Arc;

use thiserror::Error;
use touchstone_proto::ledger::LinkEntry;

use crate::epcis::{Action, Event, EventType};

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
/// `height`.
#[derive(Clone, Debug)]
pub struct CompleteLink {
    /// The canonical identifier.
    pub id: String,
    /// Height of the block whose state proves it.
    pub height: u64,
    /// All events; things that share an event share it here too.
    pub events: Vec<Arc<Recorded>>,
}

/// An event of the journey.
#[derive(Clone, Debug)]
pub struct Step {
    recorded: Arc<Recorded>,
    /// Containers the item was in, from the inner to the outer; empty for its own events.
    pub via: Vec<String>,
}

impl Step {
    /// An own event of the item.
    pub fn own(recorded: &Arc<Recorded>) -> Step {
        step(recorded, &[])
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
pub struct Journey {
    /// Own and inherited events, in ledger order.
    pub steps: Vec<Step>,
    /// The containers it is in now, from the inner to the outer.
    pub inside: Vec<String>,
    /// The links that were read, the item's own among them.
    pub read: BTreeSet<String>,
    /// Places before the item came into a container whose events show where that was then.
    pub before: BTreeSet<Place>,
    /// All of these are complete up to this height.
    pub height: u64,
}

impl Journey {
    /// The transactions, by height and index, without which the journey isn't proven: those of its
    /// steps, and those that show where its containers were.
    pub fn transactions(&self) -> BTreeSet<(u64, u32)> {
        let steps = self.steps.iter().map(|step| &step.place);
        steps
            .chain(&self.before)
            .map(|(height, transaction, _)| (*height, *transaction))
            .collect()
    }
}

/// Why there is no journey.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JourneyError {
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

/// A stay in a container: after the packing, up to and including the unpacking.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stay {
    /// The container.
    pub container: String,
    /// Place of the packing event.
    pub from: Place,
    /// Place of the event that ended it; `None` while no own event does.
    pub until: Option<Place>,
}

/// The stays that an item's own events tell of (EPCIS 2.0 §7.4.3). That a container was emptied
/// as a whole stands in the container's events; see [`emptied`].
pub fn stays(link: &CompleteLink) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for recorded in &link.events {
        let Some((container, action)) = packing(recorded, &link.id) else {
            continue;
        };
        let open = stays.last_mut().filter(|s| s.until.is_none());
        match (action, open) {
            (Action::Add, open) => {
                // Packed anew without an unpacking: its container was emptied in between.
                if let Some(stay) = open {
                    stay.until = Some(recorded.place);
                }
                stays.push(Stay {
                    container: container.to_owned(),
                    from: recorded.place,
                    until: None,
                });
            }
            (Action::Delete, Some(stay)) if stay.container == container => {
                stay.until = Some(recorded.place);
            }
            _ => {}
        }
    }
    stays
}

/// The container that an event adds `id` to or takes it from.
fn packing<'a>(recorded: &'a Recorded, id: &str) -> Option<(&'a str, Action)> {
    let event = recorded.event.as_ref()?;
    let packs = event.event_type == EventType::Aggregation
        && event.children.iter().any(|c| c.as_str() == id);
    let container = event.parent.as_ref().filter(|_| packs)?;
    let action = event.action.filter(|action| *action != Action::Observe)?;
    Some((container.as_str(), action))
}

/// The place of the first event after `from` that emptied this container as a whole.
pub fn emptied(container: &CompleteLink, from: Place) -> Option<Place> {
    container
        .events
        .iter()
        .filter(|recorded| recorded.place > from)
        .find(|recorded| {
            recorded.event.as_ref().is_some_and(|event| {
                event.event_type == EventType::Aggregation
                    && event.action == Some(Action::Delete)
                    && event.children.is_empty()
                    && event.classes.is_empty()
                    && event
                        .parent
                        .as_ref()
                        .is_some_and(|p| p.as_str() == container.id)
            })
        })
        .map(|recorded| recorded.place)
}

/// A container to look into, for the time between two places.
struct Visit {
    container: String,
    /// Where something was packed in it.
    packed: Place,
    /// Events after this place count.
    from: Place,
    /// The last place that counts.
    until: Place,
    /// Whether the item is inside at `until` as far as the way there tells.
    open: bool,
    via: Vec<String>,
}

/// The journey of the item `id`, from complete links by identifier. [`JourneyError::Missing`] names
/// the next link that is needed; ask again with it.
pub fn travel(id: &str, links: &BTreeMap<String, CompleteLink>) -> Result<Journey, JourneyError> {
    let link = links
        .get(id)
        .ok_or_else(|| JourneyError::Missing(id.to_owned()))?;
    let mut height = link.height;
    let end = (height, u32::MAX, u32::MAX);
    let mut steps: BTreeMap<Place, Step> = BTreeMap::new();
    for recorded in &link.events {
        steps.insert(recorded.place, step(recorded, &[]));
    }
    let mut inside: Vec<String> = Vec::new();
    let mut read = BTreeSet::from([id.to_owned()]);
    let mut before: BTreeSet<Place> = BTreeSet::new();
    let mut seen: BTreeSet<(String, [Place; 3])> = BTreeSet::new();
    let mut visits = visits(link, (0, 0, 0), end, true, &[]);
    while let Some(visit) = visits.pop() {
        let span = [visit.packed, visit.from, visit.until];
        if !seen.insert((visit.container.clone(), span)) {
            continue;
        }
        if visit.via.len() > MAX_DEPTH || read.len() > MAX_LINKS {
            return Err(JourneyError::TooMany);
        }
        let container = links
            .get(&visit.container)
            .ok_or_else(|| JourneyError::Missing(visit.container.clone()))?;
        read.insert(visit.container.clone());
        check_packing_is_there(container, visit.packed)?;
        height = height.min(container.height);
        let emptied = emptied(container, visit.packed).filter(|place| *place <= visit.until);
        let settled = emptied.map_or(visit.from, |place| place.min(visit.from));
        before.extend(between(container, visit.packed, settled).map(|r| r.place));
        if emptied.is_some_and(|place| place <= visit.from) {
            // What brought the item here was taken out before the item came to it.
            continue;
        }
        before.extend(look_back(container, visit.from));
        let until = emptied.unwrap_or(visit.until);
        for recorded in between(container, visit.from, until) {
            steps
                .entry(recorded.place)
                .or_insert_with(|| step(recorded, &visit.via));
        }
        let open = visit.open && emptied.is_none();
        if open && inside.len() < visit.via.len() {
            inside.clone_from(&visit.via);
        }
        visits.extend(self::visits(container, visit.from, until, open, &visit.via));
    }
    Ok(Journey {
        steps: steps.into_values().collect(),
        inside,
        read,
        before,
        height,
    })
}

/// A link's events after one place, up to another.
fn between(
    link: &CompleteLink,
    after: Place,
    until: Place,
) -> impl Iterator<Item = &Arc<Recorded>> {
    let events = link.events.iter();
    events.filter(move |recorded| after < recorded.place && recorded.place <= until)
}

/// The places that show where a container was at `at`: back to the last event that packed or
/// unpacked it, or else to its first.
fn look_back(link: &CompleteLink, at: Place) -> Vec<Place> {
    let mut places = Vec::new();
    let earlier = link.events.iter().rev().filter(|r| r.place <= at);
    for recorded in earlier {
        places.push(recorded.place);
        if packing(recorded, &link.id).is_some() {
            break;
        }
    }
    places
}

/// The containers around `link`'s item between two places.
fn visits(
    link: &CompleteLink,
    from: Place,
    until: Place,
    open: bool,
    via: &[String],
) -> Vec<Visit> {
    let mut visits = Vec::new();
    for stay in stays(link) {
        let start = stay.from.max(from);
        let end = stay.until.unwrap_or(until).min(until);
        if start < end {
            let mut via = via.to_vec();
            via.push(stay.container.clone());
            visits.push(Visit {
                container: stay.container,
                packed: stay.from,
                from: start,
                until: end,
                open: open && stay.until.is_none_or(|place| place > until),
                via,
            });
        }
    }
    visits
}

/// The packing stands in the container's link too, unless that link is from an earlier height.
fn check_packing_is_there(container: &CompleteLink, packed: Place) -> Result<(), JourneyError> {
    let has_it = container.events.iter().any(|e| e.place == packed);
    if container.height >= packed.0 && !has_it {
        return Err(JourneyError::NotPacked {
            container: container.id.clone(),
        });
    }
    Ok(())
}

fn step(recorded: &Arc<Recorded>, via: &[String]) -> Step {
    Step {
        recorded: recorded.clone(),
        via: via.to_vec(),
    }
}

#[cfg(test)]
mod tests;
