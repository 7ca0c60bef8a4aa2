//! Capturing custody events. Each event is appended to the log of every item that it names, if
//! the rules of custody allow it: who may append (`authority`), how lives begin and end (`life`),
//! packing, handovers between organisations (`offer`, `answer`, `claim`), and corrections.
//! docs/custody.md tells them in plain words.
//!
//! Consensus-critical: yes

use std::collections::BTreeSet;

use touchstone_epcis::Event;
use touchstone_proto::ledger::capture_events::Handover;
use touchstone_proto::ledger::{Basis, CaptureEvents, Custody, Outcome, Position, Role};

use self::named_items::NamedItems;
use super::item_cache::ItemCache;
use super::limits::MAX_STATEMENT_BYTES;
use crate::custody::CustodyRejection;
use crate::governance::organisation;
use crate::hash;
use crate::rejection::Rejection;
use crate::rules::{Context, RuleError, link};
use crate::state::delta::{Delta, MAX_LINK_ENTRIES};
use crate::state::{StateRead, keys};

mod answer;
mod authority;
mod claim;
mod corrections;
mod life;
mod named_items;
mod offer;
mod packing;
mod quantities;

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

/// What the rules of one event see.
struct EventContext<'a> {
    context: &'a Context<'a>,
    mode: Mode,
    /// Index in the capture.
    index: u32,
    event: &'a Event,
    /// What the event begins.
    begins: BTreeSet<&'a str>,
}

impl EventContext<'_> {
    /// Id of the acting organisation.
    fn organisation(&self) -> &str {
        &self.context.organisation.id
    }

    fn has_role(&self, roles: &[Role]) -> bool {
        organisation::has_role(&self.context.organisation, roles)
    }

    fn position(&self) -> Position {
        self.context.position(self.index)
    }
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
        return Err(CustodyRejection::EventCount { found, limit }.into());
    }
    let events = context.transaction.events().map_err(|(index, error)| {
        let error = error.clone();
        CustodyRejection::Event { index, error }
    })?;
    let mut items = ItemCache::new(state);
    append_all(&mut items, context, action, events)?;
    items.write();
    Ok(())
}

/// Rule: organisations whose work is goods append custody events; those that have goods in their
/// hands hand them over.
fn check_role(context: &Context<'_>, action: &CaptureEvents) -> Result<(), Rejection> {
    let allowed = match &action.handover {
        None => ROLES,
        Some(_) => authority::CUSTODIANS,
    };
    context.check_role(allowed)
}

fn append_all<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    context: &Context<'_>,
    action: &CaptureEvents,
    events: &[Event],
) -> Result<(), RuleError> {
    let mode = mode(action);
    let named = match &action.handover {
        None => NamedItems::default(),
        Some(_) => NamedItems::by(events),
    };
    match &action.handover {
        Some(Handover::Offer(offer)) => offer::check_terms(items, context, offer)?,
        Some(Handover::Answer(answer)) => answer::apply(items, context, answer, &named)?,
        Some(Handover::Claim(_)) | None => {}
    }
    for ((index, bytes), event) in (0u32..).zip(&action.events).zip(events) {
        let at = EventContext {
            context,
            mode,
            index,
            event,
            begins: event.begins().map(|begun| begun.as_str()).collect(),
        };
        append(items, &at, bytes)?;
        // Rule: a capture's entries fit into one block.
        if items.state.staged_entries() > MAX_LINK_ENTRIES {
            let limit = MAX_LINK_ENTRIES;
            return Err(CustodyRejection::TooManyItems { limit }.into());
        }
    }
    match &action.handover {
        Some(Handover::Offer(offer)) => offer::apply(items, context, offer, &named),
        Some(Handover::Claim(claim)) => claim::apply(items, context, claim, &named),
        Some(Handover::Answer(_)) | None => Ok(()),
    }
}

fn mode(action: &CaptureEvents) -> Mode {
    match &action.handover {
        None | Some(Handover::Offer(_)) => Mode::Record,
        Some(Handover::Claim(_)) => Mode::Claim,
        // Who accepts is the holder then. Who withdraws may have been displaced by a claim.
        Some(Handover::Answer(answer)) => match answer.outcome() {
            Outcome::Rejected | Outcome::Withdrawn => Mode::Answer,
            _ => Mode::Record,
        },
    }
}

fn append<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
    bytes: &[u8],
) -> Result<(), RuleError> {
    match corrections::is_correction(at.event) {
        true => apply_correction(items, at)?,
        false => apply_event(items, at)?,
    }
    let content_hash = hash::sha256(bytes);
    for identifier in at.event.items() {
        let id = identifier.as_str();
        let key = keys::item(id);
        let mut log = items
            .change(id)?
            .link
            .take()
            .unwrap_or_else(crate::proof::link::empty);
        let context = at.context;
        link::append(
            items.state,
            context,
            &key,
            &mut log,
            at.index,
            &content_hash,
        )?;
        items.change(id)?.link = Some(log);
    }
    Ok(())
}

/// All rules of an event, and what it does.
fn apply_event<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<(), RuleError> {
    authority::admit(items, at)?;
    life::check_begin(items, at)?;
    let packing = packing::check(items, at)?;
    let ending = life::check_end(items, at)?;
    let classes = quantities::check(items, at)?;
    corrections::check_event_id(items, at)?;
    // All rules are kept: from here on it is written.
    life::begin(items, at)?;
    if let Some(packing) = packing {
        packing.write(items, at.position())?;
    }
    if let Some(ending) = ending {
        life::end(items, at, ending)?;
    }
    quantities::write(items, classes)?;
    corrections::remember(items, at);
    Ok(())
}

fn apply_correction<S: StateRead>(
    items: &mut ItemCache<'_, '_, S>,
    at: &EventContext<'_>,
) -> Result<(), RuleError> {
    match corrections::corrected(items, at)? {
        Some(wrong) => Ok(corrections::take_back(items, at, wrong)?),
        None => authority::admit(items, at),
    }
}

/// The acting organisation's custody since a position.
fn begun_custody(context: &Context<'_>, basis: Basis, since: Position) -> Custody {
    Custody {
        holder: context.organisation.id.clone(),
        basis: basis as i32,
        since: Some(since),
        ..Custody::default()
    }
}

/// Whether a text may stand as a discrepancy or a reason.
fn is_statement(text: &str) -> bool {
    (1..=MAX_STATEMENT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// Who holds an item, in a rejection's words.
fn holder_word(holder: Option<&str>) -> String {
    holder.unwrap_or("nobody").to_owned()
}

#[cfg(test)]
mod tests;
