//! Where a unit stands in its life, as a consumer asks: computed from its history alone.
//!
//! Consensus-critical: yes

use std::collections::{BTreeMap, BTreeSet};

use touchstone_proto::ledger::Ending;

use touchstone_epcis::{Action, Event, EventType};

/// The stages of a unit's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnitState {
    /// Something is recorded, but no beginning.
    Recorded,
    /// It came into being.
    Commissioned,
    /// It is on its way.
    Shipped,
    /// It arrived.
    Received,
    /// It is ready for sale.
    Activated,
    /// A buyer has it.
    Sold,
    /// The buyer gave it back.
    Returned,
    /// Something else was made of it.
    Consumed,
    /// It is gone.
    Destroyed,
    /// Its identifier isn't in use any more.
    Decommissioned,
}

impl UnitState {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            UnitState::Recorded => "recorded",
            UnitState::Commissioned => "commissioned",
            UnitState::Shipped => "shipped",
            UnitState::Received => "received",
            UnitState::Activated => "activated",
            UnitState::Sold => "sold",
            UnitState::Returned => "returned",
            UnitState::Consumed => "consumed",
            UnitState::Destroyed => "destroyed",
            UnitState::Decommissioned => "decommissioned",
        }
    }
}

/// An event of a unit's history, and who recorded it.
#[derive(Clone, Copy, Debug)]
pub struct HistoryEntry<'a> {
    /// The event.
    pub event: &'a Event,
    /// Id of the organisation.
    pub organisation: &'a str,
    /// By what the event is in the history: the canonical identifier of the thing, or of a container around it.
    pub named: &'a str,
}

/// The state of the thing `id` after the events of its history, those of its containers included,
/// in the ledger's order. None: without history.
///
/// What was declared wrong, as [`declared_wrong`] tells of the same history, doesn't count
/// (EPCIS 2.0 §7.4.1.2). Business steps and dispositions are those of CBV 2.0 §7.1 and §7.2.
pub fn unit_state(
    id: &str,
    history: &[HistoryEntry<'_>],
    corrections: &[(usize, usize)],
) -> Option<UnitState> {
    let wrong: BTreeSet<usize> = corrections.iter().map(|(wrong, _)| *wrong).collect();
    let is_thing = history.iter().any(|told| names_thing(id, told.event));
    let mut state = None;
    for (index, told) in history.iter().enumerate() {
        let event = told.event;
        // A URI from outside GS1 doesn't tell whether it names a thing or a class, and everybody's events name classes.
        // What something was packed in is a thing.
        let may_be_class = names_class(told.named, event) && !names_thing(told.named, event);
        let is_of_class = may_be_class && (is_thing || told.named != id);
        let is_right = event.error_declaration.is_none() && !wrong.contains(&index);
        let counts = is_right && !is_of_class;
        let next = counts.then(|| step(id, event, state)).flatten();
        state = next.or(state).or(Some(UnitState::Recorded));
    }
    state
}

/// Which events of a history are declared wrong, and by which: pairs of indices. A declaration is
/// about the last event before it with its `eventID` by the same organisation.
pub fn declared_wrong(history: &[HistoryEntry<'_>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    // The last event of each organisation with each `eventID`: histories are long, and declarations may be many.
    let mut last: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (index, told) in history.iter().enumerate() {
        let Some(id) = told.event.event_id.as_deref() else {
            continue;
        };
        let name = (told.organisation, id);
        match told.event.error_declaration {
            Some(_) => pairs.extend(last.get(&name).map(|wrong| (*wrong, index))),
            None => _ = last.insert(name, index),
        }
    }
    pairs
}

/// Whether an event names a thing as one.
fn names_thing(id: &str, event: &Event) -> bool {
    event.things().iter().any(|thing| thing.as_str() == id)
}

/// Whether it names it as a class.
fn names_class(id: &str, event: &Event) -> bool {
    let mut classes = event.classes.iter();
    classes.any(|quantity| quantity.class.as_str() == id)
}

fn step(id: &str, event: &Event, before: Option<UnitState>) -> Option<UnitState> {
    let names = |list: &[touchstone_epcis::Identifier]| list.iter().any(|i| i.as_str() == id);
    if event.event_type == EventType::Transformation {
        return match (names(&event.inputs), names(&event.outputs)) {
            (true, _) => Some(UnitState::Consumed),
            (_, true) => Some(UnitState::Commissioned),
            _ => None,
        };
    }
    if let Some(ending) = ending(event) {
        return Some(match ending {
            Ending::Sold => UnitState::Sold,
            Ending::Destroyed => UnitState::Destroyed,
            Ending::Consumed => UnitState::Consumed,
            Ending::Decommissioned | Ending::Unspecified => UnitState::Decommissioned,
        });
    }
    let begins = event.event_type == EventType::Object && event.action == Some(Action::Add);
    if begins {
        return names(&event.objects).then_some(UnitState::Commissioned);
    }
    match (event.biz_step.as_deref(), event.disposition.as_deref()) {
        (_, Some("returned")) if before == Some(UnitState::Sold) => Some(UnitState::Returned),
        (Some("shipping"), _) => Some(UnitState::Shipped),
        (_, Some("sellable_accessible" | "available")) => Some(UnitState::Activated),
        (Some("receiving" | "accepting"), _) => Some(UnitState::Received),
        _ => None,
    }
}

/// How the things that an event names end with it: by the business step (CBV 2.0 §7.1), or by
/// DELETE, which says that they were decommissioned (EPCIS 2.0 §7.4.2).
pub fn ending(event: &Event) -> Option<Ending> {
    let deletes = event.action == Some(Action::Delete);
    let may_end = match event.event_type {
        EventType::Object => event.action != Some(Action::Add),
        // DELETE only unlinks the things from a business transaction (§7.4.4).
        EventType::Transaction => !deletes,
        EventType::Aggregation | EventType::Association | EventType::Transformation => false,
    };
    if !may_end {
        return None;
    }
    match event.biz_step.as_deref() {
        Some("retail_selling") => Some(Ending::Sold),
        Some("destroying") => Some(Ending::Destroyed),
        Some("decommissioning") => Some(Ending::Decommissioned),
        _ if deletes => Some(Ending::Decommissioned),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
