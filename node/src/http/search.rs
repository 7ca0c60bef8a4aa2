//! Finding events: candidates from the index or an item's link, each read and asked whether it fits.
//! Work is bounded: a page may be short, and its token goes on where it stopped.

use std::collections::BTreeSet;
use std::iter::Peekable;

use touchstone_core::Fault;
use touchstone_core::encoding;
use touchstone_core::hash::Hash;
use touchstone_core::state::keys;
use touchstone_core::transaction;
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::{IndexField, Order, OrderBy, Query, Subject};
use touchstone_proto::ledger::{self, LinkEntry, transaction::Action};

use super::failure::Failure;
use super::parameters::Question;
use crate::service::ProvenState;
use crate::service::error::unproven;
use crate::storage::rocks::EventPlace;

/// Candidates that are read for one answer, at most, and their bytes.
const MAX_EXAMINED: u64 = 10_000;
const MAX_READ_BYTES: usize = 64 << 20;
/// Bytes of a page's events; a page holds one at least.
const PAGE_BYTES: usize = 4 << 20;
/// Places that are put in order for one answer, at most.
const MAX_PLACES: usize = 100_000;
/// Events that are read to be put in order of time, at most.
const MAX_SORTED: usize = 2_000;
/// Values of one field that are looked up in the index, at most.
const MAX_LOOKUPS: usize = 64;
/// Entries of a link that are read at once.
const ENTRIES: u32 = 1000;
/// How the ledger names an event: then the transaction's id, a colon, and the event's index.
const OWN_ID: &str = "urn:touchstone:event:";

/// An event of an answer.
#[derive(Clone, Debug)]
pub struct Found {
    /// Where it is.
    pub place: EventPlace,
    /// The transaction that brought it.
    pub transaction: Hash,
    /// Who brought it.
    pub organisation: String,
    /// Time of its block, milliseconds.
    pub recorded_ms: u64,
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// What it says.
    pub subject: Subject,
}

/// A page of an answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// Its events.
    pub events: Vec<Found>,
    /// How to ask for the next one, if there may be more.
    pub next: Option<String>,
}

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    /// Of the query that it belongs to.
    digest: [u8; 8],
    last: Candidate,
    /// Events given so far.
    given: u64,
}

/// An event that may fit. Ordered by time, then by place; the time is 0 where only places count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    time_ms: i64,
    place: EventPlace,
}

type Candidates<'a> = Box<dyn Iterator<Item = Result<Candidate, Failure>> + 'a>;
type Places<'a> = Box<dyn Iterator<Item = Result<EventPlace, Fault>> + 'a>;

/// Answers a question.
pub fn page(view: &ProvenState<'_>, question: &Question) -> Result<Page, Failure> {
    let query = &question.query;
    let digest = question.digest();
    let token = question
        .token
        .as_deref()
        .map(|text| Token::read(text, digest));
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
    let mut budget = Budget::default();
    let mut events = Vec::new();
    let mut weight = 0;
    let mut last = token.map(|t| t.last);
    let end = |last: Candidate, events: &[Found]| {
        let given = given + events.len() as u64;
        Token {
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
            return Ok(Page { events, next });
        }
        let found = captures.load(candidate.place)?;
        budget.spend(found.as_ref());
        if let Some(found) = found.filter(|f| query.matches(&f.subject)) {
            weight += found.bytes.len();
            if let (true, Some(last)) = (full || (weight > PAGE_BYTES && !events.is_empty()), last)
            {
                let next = Some(end(last, &events));
                return Ok(Page { events, next });
            }
            events.push(found);
        }
        // A full page ends at its last event, so that the next one begins with the one after it.
        if !full {
            last = Some(candidate);
        }
    }
    Ok(Page { events, next: None })
}

/// The events whose block is at a height and that fit, in order.
pub fn in_block(view: &ProvenState<'_>, query: &Query, height: u64) -> Result<Vec<Found>, Failure> {
    let captures = Captures::new(view);
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
        let events = events.filter_map(|event| capture.event(EventPlace { event, ..first }));
        found.extend(events.filter(|event| query.matches(&event.subject)));
    }
    Ok(found)
}

/// The event at a place; none where there is none.
pub fn at(view: &ProvenState<'_>, place: EventPlace) -> Result<Option<Found>, Failure> {
    Captures::new(view).load(place)
}

/// The event with one of the ledger's own ids.
fn own_id(view: &ProvenState<'_>, id: &str) -> Result<Option<EventPlace>, Failure> {
    let parts = id
        .strip_prefix(OWN_ID)
        .and_then(|rest| rest.split_once(':'));
    let Some((transaction, event)) = parts else {
        return Ok(None);
    };
    let transaction = hex::decode(transaction)
        .ok()
        .and_then(|h| h.try_into().ok());
    let (Some(transaction), Ok(event)) = (transaction, event.parse()) else {
        return Ok(None);
    };
    let row = view.snapshot.transaction(&transaction)?;
    Ok(row.map(|row| EventPlace {
        height: row.height,
        transaction: row.index,
        event,
    }))
}

fn check_count(view: &ProvenState<'_>, query: &Query, max: u64) -> Result<(), Failure> {
    let mut captures = Captures::new(view);
    let mut budget = Budget::default();
    let mut count = 0;
    for candidate in candidates(view, query, None)? {
        view.cancelled.check()?;
        if !budget.allows() {
            return Err(too_complex("counting its events takes too long"));
        }
        let found = captures.load(candidate?.place)?;
        budget.spend(found.as_ref());
        count += u64::from(found.is_some_and(|f| query.matches(&f.subject)));
        if count > max {
            let detail = format!("there are more events than maxEventCount, which is {max}");
            return Err(Problem::new(Exception::QueryTooLarge, detail).into());
        }
    }
    Ok(())
}

/// Every event that may fit, in the query's order, after `after`.
fn candidates<'a>(
    view: &'a ProvenState<'_>,
    query: &Query,
    after: Option<Candidate>,
) -> Result<Candidates<'a>, Failure> {
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
fn named(view: &ProvenState<'_>, query: &Query) -> Result<Option<BTreeSet<EventPlace>>, Failure> {
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
) -> Result<Candidates<'a>, Failure> {
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
    fn of(view: &ProvenState<'_>, query: &Query) -> Result<Range, Failure> {
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
fn first_block_at(view: &ProvenState<'_>, ms: i64) -> Result<u64, Failure> {
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

/// Events by their places. Neighbours are mostly of one transaction, which is decoded once.
struct Captures<'a, 'b> {
    view: &'a ProvenState<'b>,
    last: Option<Capture>,
}

struct Capture {
    height: u64,
    index: u32,
    id: Hash,
    organisation: String,
    recorded_ms: u64,
    events: Vec<Vec<u8>>,
}

impl<'a, 'b> Captures<'a, 'b> {
    fn new(view: &'a ProvenState<'b>) -> Captures<'a, 'b> {
        Captures { view, last: None }
    }

    /// The event at a place; none where there is none, or where this program's rules are stricter
    /// than those that it was recorded under.
    fn load(&mut self, place: EventPlace) -> Result<Option<Found>, Failure> {
        let kept = self.last.take();
        let kept = kept.filter(|c| (c.height, c.index) == (place.height, place.transaction));
        let capture = match kept {
            Some(capture) => capture,
            None => match self.read(place)? {
                Some(capture) => capture,
                None => return Ok(None),
            },
        };
        let found = capture.event(place);
        self.last = Some(capture);
        Ok(found)
    }

    fn read(&self, place: EventPlace) -> Result<Option<Capture>, Failure> {
        let snapshot = &self.view.snapshot;
        let envelope = snapshot.envelope(place.height, place.transaction);
        let Some(envelope) = envelope? else {
            return Ok(None);
        };
        let envelope: ledger::Envelope = encoding::decode_exact(&envelope).map_err(unproven)?;
        let body: ledger::Transaction = encoding::decode_exact(&envelope.body).map_err(unproven)?;
        let Some(Action::CaptureEvents(action)) = body.action else {
            return Ok(None);
        };
        let id = transaction::id(&self.view.chain_id, &envelope.body);
        let row = snapshot.transaction(&id)?;
        let row = row.ok_or_else(|| unproven("a transaction isn't indexed"))?;
        Ok(Some(Capture {
            height: place.height,
            index: place.transaction,
            id,
            organisation: body.organisation,
            recorded_ms: row.time_ms,
            events: action.events,
        }))
    }
}

impl Capture {
    fn event(&self, place: EventPlace) -> Option<Found> {
        let bytes = self.events.get(place.event as usize)?.clone();
        let recorded = i64::try_from(self.recorded_ms).unwrap_or(i64::MAX);
        let id = format!("{OWN_ID}{}:{}", hex::encode(self.id), place.event);
        Some(Found {
            place,
            transaction: self.id,
            organisation: self.organisation.clone(),
            recorded_ms: self.recorded_ms,
            subject: Subject::read(&bytes, recorded, id).ok()?,
            bytes,
        })
    }
}

impl Token {
    fn write(self) -> String {
        let place = self.last.place;
        let bytes = [
            self.digest.as_slice(),
            &self.last.time_ms.to_be_bytes(),
            &place.height.to_be_bytes(),
            &place.transaction.to_be_bytes(),
            &place.event.to_be_bytes(),
            &self.given.to_be_bytes(),
        ];
        hex::encode(bytes.concat())
    }

    fn read(text: &str, digest: [u8; 8]) -> Result<Token, Problem> {
        let token = hex::decode(text)
            .ok()
            .and_then(|bytes| Token::decode(&bytes));
        token.filter(|t| t.digest == digest).ok_or_else(|| {
            Problem::new(
                Exception::QueryParameter,
                "nextPageToken is of another query; ask it with the parameters that gave the token",
            )
        })
    }

    fn decode(bytes: &[u8]) -> Option<Token> {
        let (digest, rest) = bytes.split_first_chunk()?;
        let (time_ms, rest) = rest.split_first_chunk()?;
        let (height, rest) = rest.split_first_chunk()?;
        let (transaction, rest) = rest.split_first_chunk()?;
        let (event, given) = rest.split_first_chunk()?;
        Some(Token {
            digest: *digest,
            last: Candidate {
                time_ms: i64::from_be_bytes(*time_ms),
                place: EventPlace {
                    height: u64::from_be_bytes(*height),
                    transaction: u32::from_be_bytes(*transaction),
                    event: u32::from_be_bytes(*event),
                },
            },
            given: u64::from_be_bytes(given.try_into().ok()?),
        })
    }
}

fn too_complex(detail: &str) -> Failure {
    Problem::new(Exception::QueryTooComplex, detail).into()
}
