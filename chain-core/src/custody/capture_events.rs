//! Capturing custody events. Each event is appended to the link of every item that it names, if
//! the rules of custody allow it: who may append (`authority`), how lives begin and end (`life`),
//! packing, handovers between organisations, and corrections. docs/custody.md tells them in plain
//! words.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::{CaptureEvents, Outcome, Role};

use self::goods::Goods;
use self::handover::Named;
use self::packing::PackingStep;
use crate::hash;
use crate::rejection::Rejection;
use crate::rules::RuleError;
use crate::rules::{Context, link};
use crate::state::delta::Delta;
use crate::state::delta::MAX_LINK_ENTRIES;
use crate::state::{StateRead, keys};
use touchstone_epcis::Event;

mod authority;
mod corrections;
mod goods;
mod handover;
mod life;
mod packing;
mod quantities;

#[cfg(test)]
use goods::MAX_PACKING_DEPTH;
pub use goods::{Holders, Standing, standing};

const ROLES: &[Role] = &[
    Role::Platform,
    Role::Logistics,
    Role::Manufacturer,
    Role::Customs,
    Role::Inspection,
    Role::Laboratory,
    Role::Retail,
];

/// As what the events of a capture are appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// By the holder, or as an observer's findings.
    Record,
    /// With an answer to an offer.
    Answer,
    /// With a claim.
    Claim,
}

pub(crate) fn apply<S: StateRead>(
    state: &mut Delta<'_, S>,
    context: &Context<'_>,
    action: &CaptureEvents,
) -> Result<(), RuleError> {
    check_role(context, action)?;
    let limit = context.parameters.max_events_per_transaction;
    let found = action.events.len();
    if found == 0 || found as u64 > limit {
        return Err(Rejection::EventCount { found, limit }.into());
    }
    let read = context.transaction.events().map_err(|(index, error)| {
        let error = error.clone();
        Rejection::Event { index, error }
    })?;
    let events = action.events.iter().map(Vec::as_slice).zip(read);
    let events: Vec<_> = (0u32..).zip(events).collect();
    let mut goods = Goods::new(state, context.block.time_ms);
    append_all(&mut goods, context, action, &events)?;
    goods.write();
    Ok(())
}

/// Rule: organisations whose work is goods append custody events; those that have goods in their
/// hands hand them over.
fn check_role(context: &Context<'_>, action: &CaptureEvents) -> Result<(), Rejection> {
    context.check_role(match &action.handover {
        None => ROLES,
        Some(_) => authority::CUSTODIANS,
    })
}

fn append_all<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    action: &CaptureEvents,
    events: &[(u32, (&[u8], &Event))],
) -> Result<(), RuleError> {
    let mode = match &action.handover {
        None | Some(Handover::Offer(_)) => Mode::Record,
        Some(Handover::Claim(_)) => Mode::Claim,
        // Who accepts is the holder then. Who withdraws may have been displaced by a claim.
        Some(Handover::Answer(answer)) => match answer.outcome() {
            Outcome::Rejected | Outcome::Withdrawn => Mode::Answer,
            _ => Mode::Record,
        },
    };
    let named = match &action.handover {
        None => Named::default(),
        Some(_) => Named::by(events.iter().map(|(_, (_, event))| *event)),
    };
    match &action.handover {
        Some(Handover::Offer(offer)) => handover::check_offer(goods, context, offer)?,
        Some(Handover::Answer(answer)) => handover::answer(goods, context, answer, &named)?,
        Some(Handover::Claim(_)) | None => {}
    }
    for (index, (bytes, event)) in events {
        append(goods, context, mode, *index, bytes, event)?;
        // Rule: a capture's entries fit into one block.
        if goods.state.staged_entries() > MAX_LINK_ENTRIES {
            let limit = MAX_LINK_ENTRIES;
            return Err(Rejection::TooManyItems { limit }.into());
        }
    }
    match &action.handover {
        Some(Handover::Offer(offer)) => handover::offer(goods, context, offer, &named),
        Some(Handover::Claim(claim)) => handover::claim(goods, context, claim, &named),
        Some(Handover::Answer(_)) | None => Ok(()),
    }
}

fn append<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    mode: Mode,
    index: u32,
    bytes: &[u8],
    event: &Event,
) -> Result<(), RuleError> {
    match corrections::is_correction(event) {
        true => correct(goods, context, mode, index, event)?,
        false => judge(goods, context, mode, index, event)?,
    }
    let content_hash = hash::sha256(bytes);
    for identifier in event.items() {
        let id = identifier.as_str();
        let key = keys::item(id);
        let mut chain = goods
            .change(id)?
            .link
            .take()
            .unwrap_or_else(crate::proof::link::empty);
        link::append(goods.state, context, &key, &mut chain, index, &content_hash)?;
        goods.change(id)?.link = Some(chain);
    }
    Ok(())
}

/// All rules of an event, and what it does.
fn judge<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    mode: Mode,
    index: u32,
    event: &Event,
) -> Result<(), RuleError> {
    authority::check(goods, context, mode, index, event)?;
    life::begin(goods, context, index, event)?;
    if let Some(packing) = PackingStep::of(event) {
        packing.apply(goods, index, context.position(index))?;
    }
    life::end(goods, context, index, event)?;
    quantities::apply(goods, context, index, event)?;
    corrections::check_event_id(goods, context, index, event)?;
    corrections::remember(goods, context, index, event);
    Ok(())
}

fn correct<S: StateRead>(
    goods: &mut Goods<'_, '_, S>,
    context: &Context<'_>,
    mode: Mode,
    index: u32,
    event: &Event,
) -> Result<(), RuleError> {
    match corrections::corrected(goods, context, index, event)? {
        Some(wrong) => Ok(corrections::take_back(goods, context, event, wrong)?),
        None => authority::check(goods, context, mode, index, event),
    }
}

#[cfg(test)]
mod tests;
