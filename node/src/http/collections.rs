//! What there is to browse (EPCIS 2.0's REST binding, "top-level resources"): the values that the
//! events of this node have, each with its events beneath it.

use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::Response;
use serde_json::{Value, json};
use touchstone_edge::http::{Exception, Problem};
use touchstone_epcis::query::{IndexField, QueryParameters, index_values};

use super::events::{self, Segment, segment};
use super::failure::HttpFailure;
use super::question::Question;
use super::{Asked, document, event_search, negotiate};
use crate::service::ProvenState;

/// What stands at the top. GS1's binding has `epcs` and `eventTypes` too; see docs/http.md.
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
    let found = http.read(move |view| page(view, field, after, limit));
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
                .map(|(_, value)| value),
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
