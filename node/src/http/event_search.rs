//! Finding events: candidates from the index or an item's link, each read and asked whether it fits.
//! Work is bounded: a page may be short, and its token goes on where it stopped.

mod candidates;
mod captures;
mod described;
mod page_token;

use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::{Order, OrderBy, Query};

pub use self::captures::Found;

use self::candidates::{Candidate, candidates};
use self::captures::Captures;
use self::described::Fit;
use self::page_token::PageToken;
use super::failure::HttpFailure;
use super::question::Question;
use crate::service::ProvenState;
use crate::storage::rocks::EventPlace;

/// Candidates that are read for one answer, at most, and their bytes.
const MAX_EXAMINED: u64 = 10_000;
const MAX_READ_BYTES: usize = 64 << 20;
/// Bytes of a page's events; a page holds one at least.
const PAGE_BYTES: usize = 4 << 20;
/// A page of an answer.
#[derive(Clone, Debug)]
pub struct EventPage {
    /// Its events.
    pub events: Vec<Found>,
    /// How to ask for the next one, if there may be more.
    pub next: Option<String>,
}

/// Answers a question.
pub fn page(view: &ProvenState<'_>, question: &Question) -> Result<EventPage, HttpFailure> {
    let query = &question.query;
    let digest = question.digest();
    let token = question
        .token
        .as_deref()
        .map(|text| PageToken::read(text, digest));
    let token = token.transpose()?;
    if let (Some(max), None) = (query.max_event_count, token) {
        check_count(view, query, max)?;
    }
    let given = token.map_or(0, |t| t.given);
    let left = query
        .event_count_limit
        .map_or(u64::MAX, |l| l.saturating_sub(given));
    let wanted = question.per_page.min(left);
    let mut captures = Captures::new(view);
    let mut fit = Fit::new(view, query);
    let mut budget = Budget::default();
    let mut events = Vec::new();
    let mut weight = 0;
    let mut last = token.map(|t| t.last);
    let end = |last: Candidate, events: &[Found]| {
        // The client says how many it was given.
        let given = given.saturating_add(events.len() as u64);
        PageToken {
            digest,
            last,
            given,
        }
        .write()
    };
    for candidate in candidates(view, query, last)? {
        view.cancelled.check()?;
        let candidate = candidate?;
        let full = events.len() as u64 >= wanted;
        if full && left == wanted {
            break;
        }
        if let (false, Some(last)) = (budget.allows(), last) {
            let next = Some(end(last, &events));
            return Ok(EventPage { events, next });
        }
        let found = captures.load(candidate.place)?;
        budget.spend(found.as_ref());
        if let Some(found) = found
            && fit.fits(&found.subject)?
        {
            weight += found.bytes.len();
            if let (true, Some(last)) = (full || (weight > PAGE_BYTES && !events.is_empty()), last)
            {
                let next = Some(end(last, &events));
                return Ok(EventPage { events, next });
            }
            events.push(found);
        }
        // A full page ends at its last event, so that the next one begins with the one after it.
        if !full {
            last = Some(candidate);
        }
    }
    Ok(EventPage { events, next: None })
}

/// The events whose block is at a height and that fit, in order.
pub fn in_block(
    view: &ProvenState<'_>,
    query: &Query,
    height: u64,
) -> Result<Vec<Found>, HttpFailure> {
    let captures = Captures::new(view);
    let mut fit = Fit::new(view, query);
    let envelopes = view.snapshot.envelopes(height)?;
    let mut found = Vec::new();
    for transaction in (0u32..).take(envelopes.len()) {
        let first = EventPlace {
            height,
            transaction,
            event: 0,
        };
        let Some(capture) = captures.read(first)? else {
            continue;
        };
        let events = (0u32..).take(capture.events.len());
        for event in events.filter_map(|event| capture.event(EventPlace { event, ..first })) {
            if fit.fits(&event.subject)? {
                found.push(event);
            }
        }
    }
    Ok(found)
}

/// The events after a place, or from the first one on, in the order in which they are recorded; at most so many.
pub fn after(
    view: &ProvenState<'_>,
    place: EventPlace,
    limit: usize,
) -> Result<Vec<Found>, HttpFailure> {
    let mut query = Query::default();
    query.order = Some(Order {
        by: OrderBy::RecordTime,
        descending: false,
    });
    let mut captures = Captures::new(view);
    let mut found = Vec::new();
    for candidate in candidates(view, &query, Some(Candidate { time_ms: 0, place }))? {
        view.cancelled.check()?;
        found.extend(captures.load(candidate?.place)?);
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

/// The event at a place; none where there is none.
pub fn at(view: &ProvenState<'_>, place: EventPlace) -> Result<Option<Found>, HttpFailure> {
    Captures::new(view).load(place)
}

fn check_count(view: &ProvenState<'_>, query: &Query, max: u64) -> Result<(), HttpFailure> {
    let mut captures = Captures::new(view);
    let mut fit = Fit::new(view, query);
    let mut budget = Budget::default();
    let mut count = 0;
    for candidate in candidates(view, query, None)? {
        view.cancelled.check()?;
        if !budget.allows() {
            return Err(too_complex("counting its events takes too long"));
        }
        let found = captures.load(candidate?.place)?;
        budget.spend(found.as_ref());
        if let Some(found) = found {
            count += u64::from(fit.fits(&found.subject)?);
        }
        if count > max {
            let detail = format!("there are more events than maxEventCount, which is {max}");
            return Err(Problem::new(Exception::QueryTooLarge, detail).into());
        }
    }
    Ok(())
}

/// Work that one answer may cost.
#[derive(Default)]
struct Budget {
    examined: u64,
    bytes: usize,
}

impl Budget {
    fn allows(&self) -> bool {
        self.examined < MAX_EXAMINED && self.bytes < MAX_READ_BYTES
    }

    fn spend(&mut self, found: Option<&Found>) {
        self.examined += 1;
        self.bytes += found.map_or(0, |f| f.bytes.len());
    }
}

fn too_complex(detail: &str) -> HttpFailure {
    Problem::new(Exception::QueryTooComplex, detail).into()
}
