//! What there is to browse (EPCIS 2.0's REST binding, "top-level resources"): the values that the
//! events of this node have, each with its events beneath it.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};
use touchstone_core::encoding;
use touchstone_core::state::keys;
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::{IndexField, QueryParameters, index_values};
use touchstone_proto::ledger::LinkEntry;

use super::events::{self, Segment, segment};
use super::failure::HttpFailure;
use super::question::Question;
use super::{Asked, document, event_search, negotiate};
use crate::service::ProvenState;
use crate::service::error::unproven;
use crate::storage::rocks::EventPlace;

/// What stands at the top.
const TOP: [&str; 9] = [
    "events",
    "eventTypes",
    "epcs",
    "bizSteps",
    "bizLocations",
    "readPoints",
    "dispositions",
    "queries",
    "capture",
];

/// The kinds of event (EPCIS 2.0 §7.4).
const EVENT_TYPES: [&str; 5] = [
    "AggregationEvent",
    "AssociationEvent",
    "ObjectEvent",
    "TransactionEvent",
    "TransformationEvent",
];

/// Events that one page of things reads, at most, and at once.
const MAX_EVENTS: usize = 10_000;
const EVENTS_AT_ONCE: usize = 100;

/// A value of a field as the index orders it.
type Digest = [u8; 16];

/// `GET /`
pub async fn top() -> Response {
    collection(&TOP.map(str::to_owned))
}

/// `GET /eventTypes`
pub async fn event_types() -> Response {
    collection(&EVENT_TYPES.map(str::to_owned))
}

/// `GET /bizSteps`, `/bizLocations`, `/readPoints`, `/dispositions`: the values that events here have,
/// in an order of the index's own.
pub async fn values(http: Asked, uri: Uri) -> Result<Response, Problem> {
    let question = Question::read(&uri, &HeaderMap::new(), QueryParameters::default())?;
    if !question.parameters.is_empty() || question.stream {
        let detail = "a collection takes perPage and nextPageToken alone";
        return Err(Problem::new(Exception::QueryParameter, detail));
    }
    let field = match uri.path() {
        "/bizSteps" => IndexField::BizStep,
        "/dispositions" => IndexField::Disposition,
        "/readPoints" => IndexField::ReadPoint,
        _ => IndexField::BizLocation,
    };
    let after = question.token.as_deref().map(read_token).transpose()?;
    let limit = usize::try_from(question.per_page).unwrap_or(usize::MAX);
    let found = http.read_long(move |view| page(view, field, after, limit));
    let (members, next) = found.await?;
    let mut answer = collection(&members);
    if let Some(next) = next {
        let address = events::next_address(&uri, &hex::encode(next));
        if let Ok(link) = HeaderValue::try_from(format!("<{address}>; rel=\"next\"")) {
            answer.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(answer)
}

/// `GET /epcs`: the things that events here name, each once, in the order in which they were first recorded. A page
/// may be short, or empty, and still have a next one.
pub async fn epcs(http: Asked, uri: Uri) -> Result<Response, Problem> {
    let question = Question::read(&uri, &HeaderMap::new(), QueryParameters::default())?;
    if !question.parameters.is_empty() || question.stream {
        let detail = "a collection takes perPage and nextPageToken alone";
        return Err(Problem::new(Exception::QueryParameter, detail));
    }
    let from = question.token.as_deref().map(EpcsPlace::read).transpose()?;
    let limit = usize::try_from(question.per_page).unwrap_or(usize::MAX);
    let found = http.read_long(move |view| things(view, from.unwrap_or_default(), limit));
    let (members, next) = found.await?;
    let mut answer = collection(&members);
    if let Some(next) = next {
        let address = events::next_address(&uri, &next.write());
        if let Ok(link) = HeaderValue::try_from(format!("<{address}>; rel=\"next\"")) {
            answer.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(answer)
}

/// Where a page of things goes on: at a thing, by its number, of the event after a place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct EpcsPlace {
    after: EventPlace,
    thing: u32,
}

impl EpcsPlace {
    fn write(self) -> String {
        let height = self.after.height.to_be_bytes();
        let bytes = [
            height.as_slice(),
            &self.after.transaction.to_be_bytes(),
            &self.after.event.to_be_bytes(),
            &self.thing.to_be_bytes(),
        ];
        hex::encode(bytes.concat())
    }

    fn read(text: &str) -> Result<EpcsPlace, Problem> {
        let decode = |bytes: &[u8]| {
            let (height, rest) = bytes.split_first_chunk()?;
            let (transaction, rest) = rest.split_first_chunk()?;
            let (event, thing) = rest.split_first_chunk()?;
            Some(EpcsPlace {
                after: EventPlace {
                    height: u64::from_be_bytes(*height),
                    transaction: u32::from_be_bytes(*transaction),
                    event: u32::from_be_bytes(*event),
                },
                thing: u32::from_be_bytes(thing.try_into().ok()?),
            })
        };
        let place = hex::decode(text).ok().and_then(|bytes| decode(&bytes));
        place.ok_or_else(|| {
            let detail = "nextPageToken isn't one of this collection";
            Problem::new(Exception::QueryParameter, detail)
        })
    }
}

/// Things from a place on, and where to go on.
fn things(
    view: &ProvenState<'_>,
    mut place: EpcsPlace,
    limit: usize,
) -> Result<(Vec<String>, Option<EpcsPlace>), HttpFailure> {
    let (mut members, mut read) = (Vec::new(), 0);
    while read < MAX_EVENTS {
        let found = event_search::after(view, place.after, EVENTS_AT_ONCE)?;
        if found.is_empty() {
            return Ok((members, None));
        }
        read += found.len();
        for event in found {
            let items = event.subject.event.items();
            for (number, item) in (0u32..).zip(&items).skip(place.thing as usize) {
                view.cancelled.check()?;
                let is_thing =
                    !item.is_class() && event.subject.event.item(item.as_str()).is_some();
                if !is_thing || !is_first(view, item.as_str(), event.place)? {
                    continue;
                }
                if members.len() >= limit {
                    place.thing = number;
                    return Ok((members, Some(place)));
                }
                members.push(item.as_str().to_owned());
            }
            place = EpcsPlace {
                after: event.place,
                thing: 0,
            };
        }
    }
    Ok((members, Some(place)))
}

/// Whether an item's history begins with the event at this place.
fn is_first(view: &ProvenState<'_>, item: &str, place: EventPlace) -> Result<bool, HttpFailure> {
    let first = view.snapshot.link_entries(&keys::item(item), 0, 1)?;
    let Some(row) = first.first() else {
        return Ok(false);
    };
    let entry: LinkEntry = encoding::decode_exact(row).map_err(unproven)?;
    let at = entry.position.unwrap_or_default();
    let first = (at.height, at.transaction, at.event);
    Ok(first == (place.height, place.transaction, place.event))
}

/// `GET /bizSteps/{bizStep}` and its like: what is beneath a value that an event has.
pub async fn value(http: Asked, value: Segment, uri: Uri) -> Result<Response, Problem> {
    let value = segment(value)?;
    let parameter = match uri.path().split('/').nth(1).unwrap_or_default() {
        "eventTypes" => "eventType",
        "epcs" => "MATCH_anyEPC",
        "bizSteps" => "EQ_bizStep",
        "dispositions" => "EQ_disposition",
        "readPoints" => "EQ_readPoint",
        _ => "EQ_bizLocation",
    };
    let mut parameters = QueryParameters::default();
    parameters.add(parameter, vec![value.clone()]);
    let one = Uri::from_static("/?perPage=1");
    let question = Question::read(&one, &HeaderMap::new(), parameters)?;
    let known = http.read(move |view| {
        let page = event_search::page(view, &question)?;
        Ok(!page.events.is_empty() || page.next.is_some())
    });
    if !known.await? && parameter != "eventType" {
        let detail = format!("no event here has {value:?}");
        return Err(Problem::new(Exception::NoSuchResource, detail));
    }
    Ok(collection(&["events".to_owned()]))
}

/// Values after one, and where to go on.
fn page(
    view: &ProvenState<'_>,
    field: IndexField,
    mut after: Option<Digest>,
    limit: usize,
) -> Result<(Vec<String>, Option<Digest>), HttpFailure> {
    let mut members = Vec::new();
    loop {
        let Some((digest, place)) = view.snapshot.next_value(field, after)? else {
            return Ok((members, None));
        };
        if members.len() >= limit {
            return Ok((members, after));
        }
        let event = event_search::at(view, place)?.map(|found| found.subject.event);
        let values = event.iter().flat_map(index_values);
        members.extend(
            values
                .filter(|(of, _)| *of == field)
                .map(|(_, value)| value.to_owned()),
        );
        after = Some(digest);
    }
}

fn read_token(text: &str) -> Result<Digest, Problem> {
    let digest = hex::decode(text)
        .ok()
        .and_then(|bytes| bytes.try_into().ok());
    digest.ok_or_else(|| {
        let detail = "nextPageToken isn't one of this collection";
        Problem::new(Exception::QueryParameter, detail)
    })
}

fn collection(members: &[String]) -> Response {
    let body: Value = json!({
        "@context": document::context(),
        "type": "Collection",
        "member": members,
    });
    events::typed(negotiate::JSON, body.to_string())
}
