//! Corrections: an event with an error declaration says that an earlier event of its organisation,
//! the one with the same `eventID` and about the same things, was wrong (EPCIS 2.0 §7.4.1.2). It is
//! appended; nothing is rewritten.
//!
//! Consensus-critical: yes

use touchstone_epcis::{Event, EventType};
use touchstone_proto::ledger::{Ending, EventRecord, Position};

use super::EventContext;
use crate::Fault;
use crate::custody::CustodyRejection;
use crate::custody::item_cache::ItemCache;
use crate::hash;
use crate::rules::RuleError;
use crate::state::{StateRead, keys};

/// Characters of an `eventID` that a rejection quotes.
const QUOTED: usize = 120;

/// Rule: an `eventID` names one event of an organisation (EPCIS 2.0 §7.4.1).
pub(super) fn check_event_id<S: StateRead>(
    items: &ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<(), RuleError> {
    let Some(event_id) = at.event.event_id.as_deref() else {
        return Ok(());
    };
    let key = keys::event(at.organisation(), event_id);
    match items.state.read::<EventRecord>(&key)? {
        None => Ok(()),
        Some(earlier) => Err(CustodyRejection::EventIdUsed {
            index: at.index,
            event_id: quoted(event_id),
            height: earlier.position.map_or(0, |position| position.height),
        }
        .into()),
    }
}

/// Remembers an event by its `eventID`, so that it can be corrected.
pub(super) fn remember<S: StateRead>(items: &mut ItemCache<'_, '_, S>, at: &EventContext<'_>) {
    if let Some(event_id) = at.event.event_id.as_deref() {
        let record = EventRecord {
            position: Some(at.position()),
            items: items_hash(at.event),
            declared_wrong: 0,
        };
        let key = keys::event(at.organisation(), event_id);
        items.state.write(key, &record);
    }
}

/// The event that a correction is about, where the ledger has it: an event recorded elsewhere may
/// be declared wrong too, and that changes nothing here.
pub(super) fn corrected<S: StateRead>(
    items: &ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<Option<EventRecord>, RuleError> {
    let Some(event_id) = at.event.event_id.as_deref() else {
        return Ok(None);
    };
    let key = keys::event(at.organisation(), event_id);
    let Some(record) = items.state.read::<EventRecord>(&key)? else {
        return Ok(None);
    };
    // Rule: a correction stands in the history of each thing that the wrong event is about.
    if record.items != items_hash(at.event) {
        return Err(CustodyRejection::CorrectsOtherItems {
            index: at.index,
            event_id: quoted(event_id),
        }
        .into());
    }
    // Rule: an event is declared wrong once. Else who had a thing lengthens its history for ever.
    if record.declared_wrong != 0 {
        return Err(CustodyRejection::DeclaredWrongBefore {
            index: at.index,
            event_id: quoted(event_id),
        }
        .into());
    }
    Ok(Some(record))
}

/// Remembers that an event was declared wrong, and takes back what it did last to each of its things: an end other than
/// by transformation, a packing, a commissioning. What something else was built on since stays.
pub(super) fn take_back<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
    record: EventRecord,
) -> Result<(), Fault> {
    let wrong: Position = record.position.unwrap_or_default();
    if let Some(event_id) = at.event.event_id.as_deref() {
        let key = keys::event(at.organisation(), event_id);
        let corrected = EventRecord {
            declared_wrong: 1,
            ..record
        };
        items.state.write(key, &corrected);
    }
    for identifier in at.event.things() {
        let id = identifier.as_str();
        let item = items.item(id)?;
        let (ended, commissioned) = (item.ended, item.commissioned);
        let packed = item.packed.as_ref().and_then(|packing| packing.since);
        let ended_so = ended
            .is_some_and(|end| end.position == Some(wrong) && end.how != Ending::Consumed as i32);
        if ended_so {
            items.change(id)?.ended = None;
        }
        let status = items.status(id, at.context.block.time_ms)?;
        let is_settled = status.holder() != Some(at.organisation())
            || status.ended.is_some()
            || status.offer.is_some();
        if is_settled {
            continue;
        }
        if packed == Some(wrong) {
            let item = items.change(id)?;
            item.packed = None;
            item.custody = status.custody;
        } else if commissioned == Some(wrong)
            && packed.is_none()
            && at.event.event_type != EventType::Transformation
        {
            items.change(id)?.commissioned = None;
        }
    }
    Ok(())
}

fn quoted(event_id: &str) -> String {
    event_id.chars().take(QUOTED).collect()
}

fn items_hash(event: &Event) -> Vec<u8> {
    let mut listed = Vec::new();
    for item in event.items() {
        listed.extend_from_slice(item.as_str().as_bytes());
        listed.push(0);
    }
    hash::sha256(&listed).to_vec()
}

/// Whether an event declares another wrong.
pub(super) fn is_correction(event: &Event) -> bool {
    event.error_declaration.is_some()
}
