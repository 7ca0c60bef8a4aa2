//! Where a unit stands in its life, as a consumer asks: computed from its history alone.
//!
//! Consensus-critical: yes

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
    let mut state = None;
    for (index, told) in history.iter().enumerate() {
        let event = told.event;
        let is_wrong = corrections.iter().any(|(wrong, _)| *wrong == index);
        let counts = event.error_declaration.is_none() && !is_wrong;
        let next = counts.then(|| step(id, event, state)).flatten();
        state = next.or(state).or(Some(UnitState::Recorded));
    }
    state
}

/// Which events of a history are declared wrong, and by which: pairs of indices. A declaration is
/// about the last event before it with its `eventID` by the same organisation.
pub fn declared_wrong(history: &[HistoryEntry<'_>]) -> Vec<(usize, usize)> {
    let mut pairs = Vec::new();
    for (by, told) in history.iter().enumerate() {
        let id = told.event.event_id.as_deref();
        if told.event.error_declaration.is_none() || id.is_none() {
            continue;
        }
        let before = history.iter().take(by).enumerate().rev();
        let mut same = before.filter(|(_, earlier)| {
            earlier.organisation == told.organisation
                && earlier.event.error_declaration.is_none()
                && earlier.event.event_id.as_deref() == id
        });
        pairs.extend(same.next().map(|(wrong, _)| (wrong, by)));
    }
    pairs
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
