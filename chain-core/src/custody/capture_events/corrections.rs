//! Corrections: an event with an error declaration says that an earlier event of its organisation,
//! the one with the same `eventID` and about the same things, was wrong (EPCIS 2.0 §7.4.1.2). It is
//! appended; nothing is rewritten.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::{Ending, EventRecord, Position};

use super::goods::Goods;

use crate::Fault;
use crate::hash;
use crate::rejection::Rejection;
use crate::rules::Context;
use crate::rules::RuleError;
use crate::state::{StateRead, keys};
use touchstone_epcis::{Event, EventType};

/// Checks that the organisation has no event with the same `eventID` yet (EPCIS 2.0 §7.4.1: it names
/// one event).
pub(super) fn check_event_id<S: StateRead>(
    goods: &Goods<'_, '_, S>,
    context: &Context<'_>,
    index: u32,
    event: &Event,
) -> Result<(), RuleError> {
    let Some(event_id) = event.event_id.as_deref() else {
        return Ok(());
    };
    let key = keys::event(&context.organisation.id, event_id);
    match goods.state.read::<EventRecord>(&key)? {
        None => Ok(()),
        Some(earlier) => Err(Rejection::EventIdUsed {
            index,
            event_id: event_id.chars().take(120).collect(),
            height: earlier.position.map_or(0, |position| position.height),
        }
        .into()),
    }
}

/// Remembers an event by its `eventID`, so that it can be corrected.
pub(super) fn remember<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    index: u32,
    event: &Event,
) {
    if let Some(event_id) = event.event_id.as_deref() {
        let record = EventRecord {
            position: Some(context.position(index)),
            items: items_hash(event),
        };
        let key = keys::event(&context.organisation.id, event_id);
        goods.state.write(key, &record);
    }
}

/// The event that a correction is about, where the ledger has it: an event recorded elsewhere may
/// be declared wrong too, and that changes nothing here.
pub(super) fn corrected<S: StateRead>(
    goods: &Goods<'_, '_, S>,
    context: &Context<'_>,
    index: u32,
    event: &Event,
) -> Result<Option<Position>, RuleError> {
    let Some(event_id) = event.event_id.as_deref() else {
        return Ok(None);
    };
    let key = keys::event(&context.organisation.id, event_id);
    let Some(record) = goods.state.read::<EventRecord>(&key)? else {
        return Ok(None);
    };
    // Rule: a correction stands in the history of each thing that the wrong event is about.
    if record.items != items_hash(event) {
        return Err(Rejection::CorrectsOtherItems {
            index,
            event_id: event_id.chars().take(120).collect(),
        }
        .into());
    }
    Ok(record.position)
}

/// Takes back what the wrong event did last to each of its things: an end other than by
/// transformation, a packing, a commissioning. What something else was built on since stays.
pub(super) fn take_back<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    event: &Event,
    wrong: Position,
) -> Result<(), Fault> {
    for identifier in event.things() {
        let id = identifier.as_str();
        let item = goods.item(id)?;
        let (ended, commissioned) = (item.ended, item.commissioned);
        let packed = item.packed.as_ref().and_then(|packing| packing.since);
        let ended_so = ended
            .is_some_and(|end| end.position == Some(wrong) && end.how != Ending::Consumed as i32);
        if ended_so {
            goods.change(id)?.ended = None;
        }
        let standing = goods.standing(id)?;
        let is_settled = standing.holder() != Some(context.organisation.id.as_str())
            || standing.ended.is_some()
            || standing.offer.is_some();
        if is_settled {
            continue;
        }
        if packed == Some(wrong) {
            let item = goods.change(id)?;
            item.packed = None;
            item.custody = standing.custody;
        } else if commissioned == Some(wrong)
            && packed.is_none()
            && event.event_type != EventType::Transformation
        {
            goods.change(id)?.commissioned = None;
        }
    }
    Ok(())
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
