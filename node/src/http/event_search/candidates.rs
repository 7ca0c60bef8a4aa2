//! Events that may fit a query, in its order: from the index, or named by the query itself.

use std::collections::BTreeSet;
use std::iter::Peekable;

use touchstone_core::Fault;
use touchstone_core::encoding;
use touchstone_core::state::keys;
use touchstone_epcis::query::{IndexField, Order, OrderBy, Query};
use touchstone_proto::ledger::LinkEntry;

use super::captures::{Captures, own_id};
use super::{HttpFailure, too_complex};
use crate::service::ProvenState;
use crate::service::error::unproven;
use crate::storage::rocks::EventPlace;

/// Places that are put in order for one answer, at most.
const MAX_PLACES: usize = 100_000;
/// Events that are read to be put in order of time, at most.
const MAX_SORTED: usize = 2_000;
/// Values of one field that are looked up in the index, at most.
const MAX_LOOKUPS: usize = 64;
/// Entries of a link that are read at once.
const ENTRIES: u32 = 1000;

/// An event that may fit. Ordered by time, then by place; the time is 0 where only places count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Candidate {
    pub(super) time_ms: i64,
    pub(super) place: EventPlace,
}

/// Candidates in order.
pub(super) type Candidates<'a> = Box<dyn Iterator<Item = Result<Candidate, HttpFailure>> + 'a>;
type Places<'a> = Box<dyn Iterator<Item = Result<EventPlace, Fault>> + 'a>;

/// Every event that may fit, in the query's order, after `after`.
pub(super) fn candidates<'a>(
    view: &'a ProvenState<'_>,
    query: &Query,
    after: Option<Candidate>,
) -> Result<Candidates<'a>, HttpFailure> {
    let named = named(view, query)?;
    let indexed = indexed(query);
    let order = query.order.unwrap_or_else(|| {
        // The order is free, and the time's own finds its events without reading the others.
        let (from, before) = query.event_time();
        let by_time = named.is_none() && indexed.is_none() && (from, before) != (None, None);
        Order {
            by: if by_time {
                OrderBy::EventTime
            } else {
                OrderBy::RecordTime
            },
            descending: false,
        }
    });
    match (named, order.by) {
        (Some(places), OrderBy::RecordTime) => {
            let range = Range::of(view, query)?;
            let places = places.into_iter().filter(|p| range.holds(*p));
            let places = places.map(|place| Candidate { time_ms: 0, place });
            Ok(listed(places.collect(), order.descending, after))
        }
        (Some(places), OrderBy::EventTime) => {
            if places.len() > MAX_SORTED {
                return Err(too_complex(
                    "ordering so many events by time takes too long; leave orderBy out",
                ));
            }
            let mut captures = Captures::new(view);
            let mut timed = Vec::new();
            for place in places {
                if let Some(found) = captures.load(place)? {
                    let time_ms = found.subject.event.time_ms;
                    timed.push(Candidate { time_ms, place });
                }
            }
            Ok(listed(timed, order.descending, after))
        }
        (None, OrderBy::EventTime) => Ok(by_time(view, query, order.descending, after)),
        (None, OrderBy::RecordTime) => {
            let (field, values) = indexed.unwrap_or_else(every_type);
            by_place(view, query, (field, values), order.descending, after)
        }
    }
}

/// The places of the events that the query names by their ids, or by an item.
fn named(
    view: &ProvenState<'_>,
    query: &Query,
) -> Result<Option<BTreeSet<EventPlace>>, HttpFailure> {
    let mut places = BTreeSet::new();
    let check = |places: &BTreeSet<EventPlace>| match places.len() > MAX_PLACES {
        true => Err(too_complex("it names items with too many events")),
        false => Ok(()),
    };
    if let Some(ids) = query.event_ids() {
        for id in ids {
            places.extend(own_id(view, id)?);
            let first = EventPlace::default();
            let field = IndexField::EventId;
            for place in view.snapshot.events_with(field, id, first, false) {
                places.insert(place?);
                check(&places)?;
            }
        }
        return Ok(Some(places));
    }
    let Some(items) = query.items() else {
        return Ok(None);
    };
    for item in items {
        let key = keys::item(item.as_str());
        let mut from = 0;
        loop {
            let rows = view.snapshot.link_entries(&key, from, ENTRIES);
            let rows = rows?;
            from += rows.len() as u64;
            for row in &rows {
                let entry: LinkEntry = encoding::decode_exact(row).map_err(unproven)?;
                places.extend(entry.position.map(|p| EventPlace {
                    height: p.height,
                    transaction: p.transaction,
                    event: p.event,
                }));
            }
            check(&places)?;
            if rows.len() < ENTRIES as usize {
                break;
            }
        }
    }
    Ok(Some(places))
}

fn indexed(query: &Query) -> Option<(IndexField, Vec<String>)> {
    let mut indexed = query.indexed().into_iter();
    indexed.find(|(_, values)| values.len() <= MAX_LOOKUPS)
}

/// What every event has, and so all of them in the order of recording.
fn every_type() -> (IndexField, Vec<String>) {
    const TYPES: [&str; 5] = [
        "ObjectEvent",
        "AggregationEvent",
        "TransactionEvent",
        "TransformationEvent",
        "AssociationEvent",
    ];
    (IndexField::EventType, TYPES.map(str::to_owned).to_vec())
}

/// Candidates that are all known.
fn listed<'a>(
    mut candidates: Vec<Candidate>,
    descending: bool,
    after: Option<Candidate>,
) -> Candidates<'a> {
    candidates.sort_unstable();
    if descending {
        candidates.reverse();
    }
    let rest = candidates.into_iter();
    Box::new(
        rest.filter(move |c| is_after(*c, after, descending))
            .map(Ok),
    )
}

fn is_after(candidate: Candidate, after: Option<Candidate>, descending: bool) -> bool {
    after.is_none_or(|after| match descending {
        false => candidate > after,
        true => candidate < after,
    })
}

/// By the time of the event, within its bounds.
fn by_time<'a>(
    view: &'a ProvenState<'_>,
    query: &Query,
    descending: bool,
    after: Option<Candidate>,
) -> Candidates<'a> {
    let (from, before) = query.event_time();
    let first = match (descending, after) {
        (_, Some(after)) => after,
        (false, None) => Candidate {
            time_ms: from.unwrap_or(i64::MIN),
            place: EventPlace::default(),
        },
        (true, None) => Candidate {
            time_ms: before.map_or(i64::MAX, |b| b.saturating_sub(1)),
            place: EventPlace::LAST,
        },
    };
    let keys = view
        .snapshot
        .events_by_time(first.time_ms, first.place, descending);
    let within = move |time_ms: i64| match descending {
        false => before.is_none_or(|b| time_ms < b),
        true => from.is_none_or(|f| time_ms >= f),
    };
    let candidates = keys.map(|key| {
        let (time_ms, place) = key?;
        Ok(Candidate { time_ms, place })
    });
    Box::new(
        candidates
            .take_while(move |c| c.as_ref().map_or(true, |c| within(c.time_ms)))
            .filter(move |c| c.as_ref().map_or(true, |c| is_after(*c, after, descending))),
    )
}

/// By the place on the chain: what the index has under these values.
fn by_place<'a>(
    view: &'a ProvenState<'_>,
    query: &Query,
    (field, values): (IndexField, Vec<String>),
    descending: bool,
    after: Option<Candidate>,
) -> Result<Candidates<'a>, HttpFailure> {
    let range = Range::of(view, query)?;
    let first = match (after, descending) {
        (Some(after), _) => after.place,
        (None, false) => range.from,
        (None, true) => range.before,
    };
    let values: BTreeSet<String> = values.into_iter().collect();
    let streams = values.iter().map(|value| {
        let places = view.snapshot.events_with(field, value, first, descending);
        let places: Places<'a> = Box::new(places);
        places.peekable()
    });
    let merged = Merge {
        streams: streams.collect(),
        descending,
    };
    let candidates = merged.map(|place| {
        let place = place?;
        Ok(Candidate { time_ms: 0, place })
    });
    Ok(Box::new(
        candidates
            .skip_while(move |c| {
                c.as_ref()
                    .is_ok_and(|c| descending && c.place >= range.before)
            })
            .take_while(move |c| c.as_ref().map_or(true, |c| range.holds(c.place)))
            .filter(move |c| c.as_ref().map_or(true, |c| is_after(*c, after, descending))),
    ))
}

/// Ordered places of several values as one.
struct Merge<'a> {
    streams: Vec<Peekable<Places<'a>>>,
    descending: bool,
}

impl Iterator for Merge<'_> {
    type Item = Result<EventPlace, Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut best: Option<(usize, EventPlace)> = None;
        for (index, stream) in self.streams.iter_mut().enumerate() {
            let place = match stream.peek() {
                None => continue,
                Some(Err(_)) => return stream.next(),
                Some(Ok(place)) => *place,
            };
            let better = best.is_none_or(|(_, best)| match self.descending {
                false => place < best,
                true => place > best,
            });
            if better {
                best = Some((index, place));
            }
        }
        self.streams.get_mut(best?.0)?.next()
    }
}

/// The places between two times of recording.
#[derive(Clone, Copy)]
struct Range {
    from: EventPlace,
    before: EventPlace,
}

impl Range {
    fn of(view: &ProvenState<'_>, query: &Query) -> Result<Range, HttpFailure> {
        let (from, before) = query.record_time();
        let at = |height| EventPlace {
            height,
            ..EventPlace::default()
        };
        Ok(Range {
            from: match from {
                None => EventPlace::default(),
                Some(ms) => at(first_block_at(view, ms)?),
            },
            before: match before {
                None => EventPlace::LAST,
                Some(ms) => at(first_block_at(view, ms)?),
            },
        })
    }

    fn holds(self, place: EventPlace) -> bool {
        self.from <= place && place < self.before
    }
}

/// The first block whose time isn't before `ms`; times grow with heights.
fn first_block_at(view: &ProvenState<'_>, ms: i64) -> Result<u64, HttpFailure> {
    let (mut low, mut high) = (1, view.snapshot.tip().height + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let proven = view.proven(middle)?;
        if i64::try_from(proven.header.time_ms).unwrap_or(i64::MAX) < ms {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
