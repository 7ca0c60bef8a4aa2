//! An item's journey: its own events, and those of the containers it travelled in while it was
//! in them. A pallet's move is written once, to the pallet; whoever asks for a parcel on it gets
//! it by the interval between packing and unpacking.

use std::collections::{BTreeMap, BTreeSet};

use touchstone_core::epcis::{Action, Event, EventType};
use touchstone_proto::ledger::LinkEntry;

use crate::client::Client;
use crate::failure::Failure;
use crate::link::{self, Place, ProvenLink};
use crate::verify::NotVerified;

/// Containers inside containers, at most: the ledger's rule, and one more for the item.
const MAX_DEPTH: usize = 17;
/// Links read for one question, at most.
const MAX_LINKS: usize = 2_000;

/// An event of the journey.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its place in the ledger.
    pub place: Place,
    /// Its entry.
    pub entry: LinkEntry,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// The same, read.
    pub event: Option<Event>,
    /// Containers the item was in, from the inner to the outer; empty for its own events.
    pub via: Vec<String>,
}

/// All that is recorded for an item.
#[derive(Clone, Debug)]
pub struct Journey {
    /// The item's own link.
    pub link: ProvenLink,
    /// Own and inherited events, in ledger order.
    pub steps: Vec<Step>,
    /// The container it is in now, from the inner to the outer.
    pub inside: Vec<String>,
    /// All links are proven complete up to this height.
    pub height: u64,
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
pub fn stays(link: &ProvenLink) -> Vec<Stay> {
    let mut stays: Vec<Stay> = Vec::new();
    for recorded in &link.events {
        let Some((container, action)) = recorded.event.as_ref().and_then(|event| {
            let packs = event.event_type == EventType::Aggregation
                && event.children.iter().any(|c| c.as_str() == link.id);
            let container = event.parent.as_ref().filter(|_| packs)?;
            Some((container.as_str(), event.action?))
        }) else {
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

/// The place of the first event after `from` that emptied this container as a whole.
pub fn emptied(container: &ProvenLink, from: Place) -> Option<Place> {
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
    from: Place,
    /// The last place that counts.
    until: Place,
    /// Whether the item is inside at `until` as far as the way there tells.
    open: bool,
    via: Vec<String>,
}

/// Reads and checks an item's link and, recursively, those of the containers it was in.
pub async fn travel(client: &mut Client, id: &str) -> Result<Journey, Failure> {
    let link = link::fetch(client, id).await?;
    let mut height = link.attested.header.height;
    let end = (height, u32::MAX, u32::MAX);
    let mut steps: BTreeMap<Place, Step> = BTreeMap::new();
    for recorded in &link.events {
        steps.insert(recorded.place, step(recorded, &[]));
    }
    let mut inside: Vec<String> = Vec::new();
    let mut links: BTreeMap<String, ProvenLink> = BTreeMap::new();
    let mut seen: BTreeSet<(String, Place, Place)> = BTreeSet::new();
    let mut visits = visits(&link, (0, 0, 0), end, true, &[]);
    while let Some(visit) = visits.pop() {
        if !seen.insert((visit.container.clone(), visit.from, visit.until)) {
            continue;
        }
        if visit.via.len() > MAX_DEPTH || links.len() >= MAX_LINKS {
            return Err(NotVerified::Contradiction(
                "more containers inside each other than the ledger's rules allow".into(),
            )
            .into());
        }
        if !links.contains_key(&visit.container) {
            let fetched = link::fetch(client, &visit.container).await?;
            links.insert(visit.container.clone(), fetched);
        }
        let Some(container) = links.get(&visit.container) else {
            continue;
        };
        check_packing_is_there(container, visit.from)?;
        height = height.min(container.attested.header.height);
        let emptied = emptied(container, visit.from).filter(|place| *place <= visit.until);
        let until = emptied.unwrap_or(visit.until);
        for recorded in &container.events {
            if visit.from < recorded.place && recorded.place <= until {
                steps
                    .entry(recorded.place)
                    .or_insert_with(|| step(recorded, &visit.via));
            }
        }
        let open = visit.open && emptied.is_none();
        if open && inside.len() < visit.via.len() {
            inside.clone_from(&visit.via);
        }
        visits.extend(self::visits(container, visit.from, until, open, &visit.via));
    }
    Ok(Journey {
        link,
        steps: steps.into_values().collect(),
        inside,
        height,
    })
}

/// The containers around `link`'s item between two places.
fn visits(link: &ProvenLink, from: Place, until: Place, open: bool, via: &[String]) -> Vec<Visit> {
    let mut visits = Vec::new();
    for stay in stays(link) {
        let start = stay.from.max(from);
        let end = stay.until.unwrap_or(until).min(until);
        if start < end {
            let mut via = via.to_vec();
            via.push(stay.container.clone());
            visits.push(Visit {
                container: stay.container,
                from: start,
                until: end,
                open: open && stay.until.is_none_or(|place| place > until),
                via,
            });
        }
    }
    visits
}

/// The packing stands in the container's link too, so a container without it is a lie, unless
/// the node answered from an earlier height.
fn check_packing_is_there(container: &ProvenLink, from: Place) -> Result<(), Failure> {
    let reached = container.attested.header.height >= from.0;
    if reached && container.events.is_empty() {
        return Err(NotVerified::Contradiction(format!(
            "the container {} has no events, but something was packed in it",
            container.id
        ))
        .into());
    }
    Ok(())
}

fn step(recorded: &link::Recorded, via: &[String]) -> Step {
    Step {
        place: recorded.place,
        entry: recorded.entry.clone(),
        bytes: recorded.bytes.clone(),
        event: recorded.event.clone(),
        via: via.to_vec(),
    }
}
